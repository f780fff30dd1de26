/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What module/space needs of the kernel, for a user-space process.
 *
 * The headers in linux/ all lead here, so that the very same sources compile
 * in the kernel and out of it (as the kernel does for its own maple tree in
 * tools/testing).  What takes more than a line is in shim.c.
 *
 * A CPU is a thread, for as long as that thread says so: main() is CPU 0, others
 * call potad_host_online(n) first and potad_host_offline() last.  Nobody is ever
 * moved to another CPU, so to switch preemption off takes no more than a count.
 * Interrupts are real: an interprocessor interrupt is a signal, and its
 * function runs between any two instructions of the thread it is sent to, unless
 * that has interrupts off; then it runs when they are let in again.
 *
 * Whoever has interrupts or preemption off, holds a spinlock or rcu_read_lock()
 * is a reader of RCU; synchronize_rcu() waits for it.  To sleep there (mutexes,
 * GFP_KERNEL) ends the process, as do warnings: see potad_host_warned().
 *
 * All synchronisation is by __atomic builtins, so that a thread sanitizer sees
 * it for what it is.
 */
#ifndef POTAD_HOST_SHIM_H
#define POTAD_HOST_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- types -- */

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
/* As the kernel's: so that %llu is right on every machine. */
typedef unsigned long long u64;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef unsigned int gfp_t;
typedef u64 phys_addr_t;
typedef u64 resource_size_t;
typedef s64 ktime_t;

#define U8_MAX			UINT8_MAX
#define U16_MAX			UINT16_MAX
#define U32_MAX			UINT32_MAX
#define S32_MAX			INT32_MAX
#define U64_MAX			((u64)~0ULL)
#define S64_MAX			((s64)(U64_MAX >> 1))
#ifndef INT_MAX
#define INT_MAX			((int)(~0U >> 1))
#define UINT_MAX		(~0U)
#define LONG_MAX		((long)(~0UL >> 1))
#define ULONG_MAX		(~0UL)
#endif

#define BITS_PER_BYTE		8
#define BITS_PER_LONG		64
#define BITS_PER_LONG_LONG	64
#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)		ALIGN(x, PAGE_SIZE)
#define MAX_PAGE_ORDER		10
#define L1_CACHE_SHIFT		6
#define L1_CACHE_BYTES		64
#define SMP_CACHE_BYTES		64

#ifndef EHWPOISON
#define EHWPOISON		133
#endif
#ifndef EUCLEAN
#define EUCLEAN			117
#endif
#ifndef ENOTSUPP
#define ENOTSUPP		524
#endif

/* ------------------------------------------------- attributes and macros -- */

#define __percpu
#define __rcu
#define __user
#define __force
#define __init
#define __exit
#define __initdata
#define __must_hold(l)
#define __acquires(l)
#define __releases(l)
#define __acquire(l)		do { } while (0)
#define __release(l)		do { } while (0)
#define __cond_acquires(...)
#define __must_check		__attribute__((warn_unused_result))
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define noinline		__attribute__((noinline))
#define __noreturn		__attribute__((noreturn))
#define noinline_for_stack	noinline
#define __maybe_unused		__attribute__((unused))
#undef __always_unused
#define __always_unused		__attribute__((unused))
#define __read_mostly
#define __ro_after_init
#define __cold			__attribute__((cold))
#undef __pure
#define __pure			__attribute__((pure))
#undef __packed
#define __packed		__attribute__((packed))
#undef __aligned
#define __aligned(n)		__attribute__((aligned(n)))
#define ____cacheline_aligned	__aligned(64)
#define ____cacheline_aligned_in_smp __aligned(64)
#define __cacheline_aligned	__aligned(64)
#define __counted_by(m)
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define fallthrough		__attribute__((fallthrough))
#define static_assert(e, ...)	_Static_assert(e, #e)

#define EXPORT_SYMBOL(s)	extern int potad_shim_unused
#define EXPORT_SYMBOL_GPL(s)	extern int potad_shim_unused
#define EXPORT_SYMBOL_NS_GPL(s, ns) extern int potad_shim_unused
#define MODULE_IMPORT_NS(ns)	extern int potad_shim_unused

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define barrier()		__asm__ __volatile__("" : : : "memory")
#define barrier_data(p)		__asm__ __volatile__("" : : "r" (p) : "memory")
#define OPTIMIZER_HIDE_VAR(v)	__asm__("" : "+r" (v))
#define unreachable()		__builtin_unreachable()
#define prefetch(p)		__builtin_prefetch(p, 0)
#define prefetchw(p)		__builtin_prefetch(p, 1)

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define sizeof_field(t, m)	sizeof(((t *)0)->m)
#define offsetofend(t, m)	(offsetof(t, m) + sizeof_field(t, m))
#define container_of(p, type, m) ((type *)((char *)(p) - offsetof(type, m)))
#define struct_size(p, m, n)	(sizeof(*(p)) + sizeof(*(p)->m) * (size_t)(n))
#define array_size(a, b)	((size_t)(a) * (size_t)(b))
#define size_mul(a, b)		((size_t)(a) * (size_t)(b))
#define size_add(a, b)		((size_t)(a) + (size_t)(b))
#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d) __builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)
#define BUILD_BUG_ON(e)		_Static_assert(!(e), #e)
#define BUILD_BUG_ON_MSG(e, m)	_Static_assert(!(e), m)
#define BUILD_BUG_ON_ZERO(e)	((int)sizeof(struct { int : (-!!(e)); }))

/* 1 if CONFIG_X is defined as 1, else 0. */
#define POTAD_SHIM_ARG_1	0,
#define POTAD_SHIM_SECOND(a, b, ...) b
#define POTAD_SHIM_IS2(x)	POTAD_SHIM_SECOND(x 1, 0, 0)
#define POTAD_SHIM_IS1(x)	POTAD_SHIM_IS2(POTAD_SHIM_ARG_##x)
#define POTAD_SHIM_IS(x)	POTAD_SHIM_IS1(x)
#define IS_ENABLED(c)		POTAD_SHIM_IS(c)
#define IS_BUILTIN(c)		POTAD_SHIM_IS(c)
/* What Kbuild finds in the newest kernel: see compat.h. */
#define POTAD_HAVE_SHRINKER_ALLOC 1
#define POTAD_HAVE_VM_FLAGS_SET 1
#define CONFIG_SMP		1
#define CONFIG_64BIT		1

/* ------------------------------------------------------------ arithmetic -- */

#define min(a, b) ({ __auto_type __a = (a); __auto_type __b = (b); __a < __b ? __a : __b; })
#define max(a, b) ({ __auto_type __a = (a); __auto_type __b = (b); __a > __b ? __a : __b; })
#define min_t(t, a, b) ({ t __a = (a); t __b = (b); __a < __b ? __a : __b; })
#define max_t(t, a, b) ({ t __a = (a); t __b = (b); __a > __b ? __a : __b; })
#define min3(a, b, c)		min(min(a, b), c)
#define max3(a, b, c)		max(max(a, b), c)
#define umin(a, b)		min_t(u64, a, b)
#define umax(a, b)		max_t(u64, a, b)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)
#define clamp_val(v, lo, hi)	clamp_t(typeof(v), v, lo, hi)
#ifndef MIN
#define MIN(a, b)		((a) < (b) ? (a) : (b))
#define MAX(a, b)		((a) > (b) ? (a) : (b))
#endif
#define swap(a, b) do { __auto_type __t = (a); (a) = (b); (b) = __t; } while (0)

#define ALIGN(x, a)		(((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define PTR_ALIGN(p, a)		((typeof(p))ALIGN((unsigned long)(p), (a)))
#define round_up(x, y)		((((x) - 1) | ((typeof(x))(y) - 1)) + 1)
#define round_down(x, y)	((x) & ~((typeof(x))(y) - 1))
#define roundup(x, y) ({ typeof(y) __y = (y); (((x) + (__y - 1)) / __y) * __y; })
#define rounddown(x, y) ({ typeof(x) __x = (x); __x - (__x % (y)); })
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((u64)(n), (u64)(d))
#define DIV_ROUND_CLOSEST(n, d)	(((n) + (d) / 2) / (d))
#define div_u64(n, d)		((u64)(n) / (u32)(d))
#define div64_u64(n, d)		((u64)(n) / (u64)(d))
#define do_div(n, d) ({ u32 __rem = (n) % (u32)(d); (n) /= (u32)(d); __rem; })

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define BIT_MASK(n)		(1UL << ((n) % BITS_PER_LONG))
#define BIT_WORD(n)		((n) / BITS_PER_LONG)
#define BITS_TO_LONGS(n)	DIV_ROUND_UP(n, BITS_PER_LONG)
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define DECLARE_BITMAP(m, n)	unsigned long m[BITS_TO_LONGS(n)]

#define hweight8(x)		((unsigned int)__builtin_popcount((u8)(x)))
#define hweight16(x)		((unsigned int)__builtin_popcount((u16)(x)))
#define hweight32(x)		((unsigned int)__builtin_popcount(x))
#define hweight64(x)		((unsigned long)__builtin_popcountll(x))
#define hweight_long(x)		((unsigned long)__builtin_popcountl(x))

/* glibc has functions of these names. */
#define ffs(x)			__builtin_ffs(x)

static inline unsigned int __ffs64(u64 x)
{
	return __builtin_ctzll(x);
}

static inline unsigned long __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline unsigned long ffz(unsigned long x)
{
	return __builtin_ctzl(~x);
}

static inline unsigned long __fls(unsigned long x)
{
	return 63 - __builtin_clzl(x);
}

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#define fls_long(x)		fls64(x)
#define ilog2(n)		(63 - __builtin_clzll(n))
#define const_ilog2(n)		ilog2(n)
#define is_power_of_2(n)	((n) && !((n) & ((n) - 1)))
#define roundup_pow_of_two(n)	(1UL << fls64((u64)(n) - 1))
#define rounddown_pow_of_two(n)	(1UL << ilog2(n))
#define order_base_2(n)		((int)fls64((u64)(n) - 1))

static inline int get_order(unsigned long size)
{
	return size <= PAGE_SIZE ? 0 : fls64((size - 1) >> PAGE_SHIFT);
}

static inline u64 rol64(u64 x, unsigned int n)
{
	return x << (n & 63) | x >> (-n & 63);
}

static inline u64 ror64(u64 x, unsigned int n)
{
	return x >> (n & 63) | x << (-n & 63);
}

static inline u32 rol32(u32 x, unsigned int n)
{
	return x << (n & 31) | x >> (-n & 31);
}

static inline u32 ror32(u32 x, unsigned int n)
{
	return x >> (n & 31) | x << (-n & 31);
}

#define GOLDEN_RATIO_32		0x61C88647
#define GOLDEN_RATIO_64		0x61C8864680B583EBull
#define hash_32(v, bits)	(((u32)(v) * GOLDEN_RATIO_32) >> (32 - (bits)))
#define hash_64(v, bits)	((u32)(((u64)(v) * GOLDEN_RATIO_64) >> (64 - (bits))))

/* ----------------------------------------------- memory order and atomics -- */

/*
 * What is found behind a pointer is as new as the pointer: by address dependency
 * in the kernel; the compiler's builtins know that only as an acquire.
 */
#define READ_ONCE(x)							\
	__atomic_load_n(&(x), __builtin_classify_type(x) == 5 ?		\
			__ATOMIC_ACQUIRE : __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define data_race(e)		(e)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define mb()			smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#define smp_mb__before_atomic()	smp_mb()
#define smp_mb__after_spinlock() smp_mb()
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_store_mb(v, x)	__atomic_store_n(&(v), x, __ATOMIC_SEQ_CST)
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define xchg_relaxed(p, v)	__atomic_exchange_n(p, v, __ATOMIC_RELAXED)
#define cmpxchg(p, old, new) ({						\
	typeof(*(p)) __old = (old);					\
	__atomic_compare_exchange_n(p, &__old, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	__old;								\
})
#define cmpxchg64(p, old, new)	cmpxchg(p, old, new)
#define cmpxchg_relaxed(p, o, n) cmpxchg(p, o, n)
#define cmpxchg_acquire(p, o, n) cmpxchg(p, o, n)
#define cmpxchg_release(p, o, n) cmpxchg(p, o, n)
#define try_cmpxchg(p, oldp, new)					\
	__atomic_compare_exchange_n(p, oldp, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define try_cmpxchg64(p, o, n)	try_cmpxchg(p, o, n)
#define try_cmpxchg_relaxed(p, o, n) try_cmpxchg(p, o, n)
#define try_cmpxchg_acquire(p, o, n) try_cmpxchg(p, o, n)
#define try_cmpxchg_release(p, o, n) try_cmpxchg(p, o, n)

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { long counter; } atomic_long_t;
#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }

#define POTAD_SHIM_ATOMIC(name, type, t)				\
static inline t name##_read(const type *a)				\
{ return __atomic_load_n(&a->counter, __ATOMIC_RELAXED); }		\
static inline t name##_read_acquire(const type *a)			\
{ return __atomic_load_n(&a->counter, __ATOMIC_ACQUIRE); }		\
static inline void name##_set(type *a, t v)				\
{ __atomic_store_n(&a->counter, v, __ATOMIC_RELAXED); }			\
static inline void name##_set_release(type *a, t v)			\
{ __atomic_store_n(&a->counter, v, __ATOMIC_RELEASE); }			\
static inline void name##_add(t v, type *a)				\
{ __atomic_fetch_add(&a->counter, v, __ATOMIC_RELAXED); }		\
static inline void name##_sub(t v, type *a)				\
{ __atomic_fetch_sub(&a->counter, v, __ATOMIC_RELAXED); }		\
static inline void name##_inc(type *a) { name##_add(1, a); }		\
static inline void name##_dec(type *a) { name##_sub(1, a); }		\
static inline void name##_or(t v, type *a)				\
{ __atomic_fetch_or(&a->counter, v, __ATOMIC_RELAXED); }		\
static inline void name##_and(t v, type *a)				\
{ __atomic_fetch_and(&a->counter, v, __ATOMIC_RELAXED); }		\
static inline void name##_andnot(t v, type *a)				\
{ __atomic_fetch_and(&a->counter, ~v, __ATOMIC_RELAXED); }		\
static inline t name##_add_return(t v, type *a)				\
{ return __atomic_add_fetch(&a->counter, v, __ATOMIC_SEQ_CST); }	\
static inline t name##_sub_return(t v, type *a)				\
{ return __atomic_sub_fetch(&a->counter, v, __ATOMIC_SEQ_CST); }	\
static inline t name##_fetch_add(t v, type *a)				\
{ return __atomic_fetch_add(&a->counter, v, __ATOMIC_SEQ_CST); }	\
static inline t name##_fetch_sub(t v, type *a)				\
{ return __atomic_fetch_sub(&a->counter, v, __ATOMIC_SEQ_CST); }	\
static inline t name##_fetch_or(t v, type *a)				\
{ return __atomic_fetch_or(&a->counter, v, __ATOMIC_SEQ_CST); }		\
static inline t name##_fetch_and(t v, type *a)				\
{ return __atomic_fetch_and(&a->counter, v, __ATOMIC_SEQ_CST); }	\
static inline t name##_fetch_andnot(t v, type *a)			\
{ return __atomic_fetch_and(&a->counter, ~v, __ATOMIC_SEQ_CST); }	\
static inline t name##_inc_return(type *a) { return name##_add_return(1, a); } \
static inline t name##_dec_return(type *a) { return name##_sub_return(1, a); } \
static inline t name##_fetch_inc(type *a) { return name##_fetch_add(1, a); } \
static inline t name##_fetch_dec(type *a) { return name##_fetch_sub(1, a); } \
static inline bool name##_inc_and_test(type *a)				\
{ return !name##_add_return(1, a); }					\
static inline bool name##_dec_and_test(type *a)				\
{ return !name##_sub_return(1, a); }					\
static inline bool name##_sub_and_test(t v, type *a)			\
{ return !name##_sub_return(v, a); }					\
static inline t name##_xchg(type *a, t v)				\
{ return xchg(&a->counter, v); }					\
static inline t name##_cmpxchg(type *a, t old, t new)			\
{ return cmpxchg(&a->counter, old, new); }				\
static inline bool name##_try_cmpxchg(type *a, t *old, t new)		\
{ return try_cmpxchg(&a->counter, old, new); }				\
static inline bool name##_add_unless(type *a, t v, t unless)		\
{									\
	t old = name##_read(a);						\
									\
	while (old != unless)						\
		if (name##_try_cmpxchg(a, &old, old + v))		\
			return true;					\
	return false;							\
}									\
static inline bool name##_inc_not_zero(type *a)				\
{ return name##_add_unless(a, 1, 0); }					\
struct potad_shim_unused

POTAD_SHIM_ATOMIC(atomic, atomic_t, int);
POTAD_SHIM_ATOMIC(atomic64, atomic64_t, s64);
POTAD_SHIM_ATOMIC(atomic_long, atomic_long_t, long);

typedef struct { atomic_t refs; } refcount_t;
#define REFCOUNT_INIT(n)	{ ATOMIC_INIT(n) }
#define refcount_set(r, n)	atomic_set(&(r)->refs, n)
#define refcount_read(r)	atomic_read(&(r)->refs)
#define refcount_inc(r)		atomic_inc(&(r)->refs)
#define refcount_inc_not_zero(r) atomic_inc_not_zero(&(r)->refs)
#define refcount_dec_and_test(r) atomic_dec_and_test(&(r)->refs)

/* -------------------------------------------------- warnings and messages -- */

/* Says what is wrong, and ends the process unless the warning is expected. */
void potad_host_warn(const char *file, int line, const char *fmt, ...)
	__printf(3, 4);
/* Warnings are counted and not fatal from now on. */
void potad_host_expect_warnings(bool expect);
unsigned long potad_host_warned(void);

#define WARN(cond, ...) ({						\
	bool __cond = !!(cond);						\
	if (unlikely(__cond))						\
		potad_host_warn(__FILE__, __LINE__, __VA_ARGS__);	\
	unlikely(__cond);						\
})
#define WARN_ON(cond)		WARN(cond, "%s\n", #cond)
#define WARN_ONCE(cond, ...)	WARN(cond, __VA_ARGS__)
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define VM_WARN_ON_ONCE(cond)	WARN_ON(cond)
#define BUG_ON(cond)		do { if (WARN_ON(cond)) abort(); } while (0)
#define BUG()			BUG_ON(1)

#define printk(...)		fprintf(stderr, __VA_ARGS__)
#define no_printk(...) ({ if (0) printk(__VA_ARGS__); 0; })
#define KERN_INFO		""
#define KERN_ERR		""
#define KERN_WARNING		""
#define pr_err(...)		printk(__VA_ARGS__)
#define pr_warn(...)		printk(__VA_ARGS__)
#define pr_warn_once(...)	printk(__VA_ARGS__)
#define pr_info(...)		printk(__VA_ARGS__)
#define pr_debug(...)		no_printk(__VA_ARGS__)
#define pr_warn_ratelimited(...) printk(__VA_ARGS__)
#define pr_err_ratelimited(...)	printk(__VA_ARGS__)

#define MAX_ERRNO		4095
#define IS_ERR_VALUE(v)		((uintptr_t)(v) >= (uintptr_t)-MAX_ERRNO)

static inline void *ERR_PTR(long e)
{
	return (void *)e;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

static inline bool IS_ERR(const void *p)
{
	return IS_ERR_VALUE(p);
}

static inline bool IS_ERR_OR_NULL(const void *p)
{
	return !p || IS_ERR(p);
}

static inline int PTR_ERR_OR_ZERO(const void *p)
{
	return IS_ERR(p) ? (int)PTR_ERR(p) : 0;
}

#define ERR_CAST(p)		((void *)(p))

static inline void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *b = p;

	for (; n; n--, b++)
		if (*b != (u8)c)
			return (void *)b;
	return NULL;
}

/* ------------------------------------------ CPUs, preemption, interrupts -- */

/* All that this thread is as a CPU.  Others look at @nest and @irqs_off. */
struct potad_host_this {
	long	offset;		/* from a __percpu address to this CPU's */
	int	cpu;
	int	nest;		/* of preempt_disable(), rcu_read_lock() */
	int	irqs_off;
	int	pending;	/* an interrupt waits for them to be on */
	int	in_irq;
	int	in_nmi;
	long	fail_nth;	/* allocation that fails, counted down */
};

extern __thread struct potad_host_this potad_host_this
	__attribute__((tls_model("initial-exec")));

#define POTAD_HOST_CPUS		64	/* at most */
#define NR_CPUS			POTAD_HOST_CPUS
extern unsigned int nr_cpu_ids;		/* possible: 0 .. nr_cpu_ids - 1 */
#define num_possible_cpus()	nr_cpu_ids
#define num_online_cpus()	cpumask_weight(cpu_online_mask)

/* How many CPUs are possible (8 unless told); before anything else. */
void potad_host_set_possible(unsigned int nr);
/* This thread is CPU @cpu from now on; runs the hotplug callbacks. */
void potad_host_online(unsigned int cpu);
/* It no longer is; runs the hotplug callbacks and what is pending. */
void potad_host_offline(void);
/* The same as online, for a thread that has been another CPU or none. */
void potad_host_set_cpu(unsigned int cpu);
/* Runs @fn as a handler of a non-maskable interrupt of this CPU. */
void potad_host_nmi(void (*fn)(void *arg), void *arg);
/* Runs what came while interrupts were off. */
void potad_host_run_pending(void);

static inline unsigned int potad_host_cpu(void)
{
	return potad_host_this.cpu;
}

#define smp_processor_id()	potad_host_cpu()
#define raw_smp_processor_id()	potad_host_cpu()
#define cpu_to_node(c)		((void)(c), 0)
#define numa_node_id()		0
#define numa_mem_id()		0
#define nr_node_ids		1
#define NUMA_NO_NODE		(-1)
#define MAX_NUMNODES		1
#define in_nmi()		(potad_host_this.in_nmi != 0)
#define in_hardirq()		(potad_host_this.in_irq != 0)
#define in_interrupt()		(in_nmi() || in_hardirq())
#define in_task()		(!in_interrupt())
#define preempt_count()		(potad_host_this.nest)
#define preemptible()		(!preempt_count() && !irqs_disabled())

static inline void potad_host_nest(void)
{
	__atomic_store_n(&potad_host_this.nest, potad_host_this.nest + 1,
			 __ATOMIC_RELAXED);
	barrier();
}

static inline void potad_host_unnest(void)
{
	barrier();
	__atomic_store_n(&potad_host_this.nest, potad_host_this.nest - 1,
			 __ATOMIC_RELEASE);
}

#define preempt_disable()	potad_host_nest()
#define preempt_enable()	potad_host_unnest()
#define preempt_disable_notrace() potad_host_nest()
#define preempt_enable_notrace() potad_host_unnest()
#define preempt_enable_no_resched() potad_host_unnest()
#define migrate_disable()	potad_host_nest()
#define migrate_enable()	potad_host_unnest()
#define get_cpu()		({ potad_host_nest(); smp_processor_id(); })
#define put_cpu()		potad_host_unnest()

static inline int potad_host_irq_save(void)
{
	int was = potad_host_this.irqs_off;

	__atomic_store_n(&potad_host_this.irqs_off, 1, __ATOMIC_RELAXED);
	barrier();
	return was;
}

static inline void potad_host_irq_restore(int was)
{
	barrier();
	__atomic_store_n(&potad_host_this.irqs_off, was, __ATOMIC_RELEASE);
	barrier();
	if (unlikely(__atomic_load_n(&potad_host_this.pending, __ATOMIC_RELAXED) &&
		     !was))
		potad_host_run_pending();
}

#define irqs_disabled()		(potad_host_this.irqs_off != 0)
#define local_irq_save(f)	((f) = potad_host_irq_save())
#define local_irq_restore(f)	potad_host_irq_restore(f)
#define local_irq_disable()	((void)potad_host_irq_save())
#define local_irq_enable()	potad_host_irq_restore(0)
#define local_bh_disable()	potad_host_nest()
#define local_bh_enable()	potad_host_unnest()

typedef struct { int unused; } local_lock_t;
#define INIT_LOCAL_LOCK(l)	{ 0 }
#define local_lock_init(l)	((void)(l))
#define local_lock(l)		((void)(l), potad_host_nest())
#define local_unlock(l)		((void)(l), potad_host_unnest())
#define local_lock_irqsave(l, f) ((void)(l), local_irq_save(f))
#define local_unlock_irqrestore(l, f) ((void)(l), local_irq_restore(f))

/* Ends the process unless this is a place where one may sleep. */
void potad_host_might_sleep(const char *file, int line);
#define might_sleep()		potad_host_might_sleep(__FILE__, __LINE__)
#define might_alloc(gfp) do { if ((gfp) & __GFP_DIRECT_RECLAIM) might_sleep(); } while (0)

/* Spins a little, then lets somebody else run: he may be who is waited for. */
void potad_host_relax(unsigned int *spins);
#define cpu_relax()		sched_yield()
#define cond_resched()		({ might_sleep(); 0; })
#define usleep_range(least, most) ({ might_sleep(); sched_yield(); })
#define need_resched()		false
#define schedule()		sched_yield()

/* --------------------------------------------------------------- bitmaps -- */

#define test_bit(n, m)							\
	((int)(READ_ONCE(((const unsigned long *)(m))[BIT_WORD(n)]) >> ((n) % 64) & 1))
#define __set_bit(n, m)		((void)((m)[BIT_WORD(n)] |= BIT_MASK(n)))
#define __clear_bit(n, m)	((void)((m)[BIT_WORD(n)] &= ~BIT_MASK(n)))
#define __change_bit(n, m)	((void)((m)[BIT_WORD(n)] ^= BIT_MASK(n)))
#define __assign_bit(n, m, v)	((v) ? __set_bit(n, m) : __clear_bit(n, m))
#define set_bit(n, m)							\
	((void)__atomic_fetch_or(&(m)[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_RELAXED))
#define clear_bit(n, m)							\
	((void)__atomic_fetch_and(&(m)[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_RELAXED))
#define clear_bit_unlock(n, m)						\
	((void)__atomic_fetch_and(&(m)[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_RELEASE))
#define assign_bit(n, m, v)	((v) ? set_bit(n, m) : clear_bit(n, m))
#define test_and_set_bit(n, m)						\
	(!!(__atomic_fetch_or(&(m)[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n)))
#define test_and_set_bit_lock(n, m) test_and_set_bit(n, m)
#define test_and_clear_bit(n, m)					\
	(!!(__atomic_fetch_and(&(m)[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n)))
#define __test_and_set_bit(n, m) ({					\
	bool __was = (m)[BIT_WORD(n)] & BIT_MASK(n);			\
	__set_bit(n, m);						\
	__was;								\
})
#define __test_and_clear_bit(n, m) ({					\
	bool __was = (m)[BIT_WORD(n)] & BIT_MASK(n);			\
	__clear_bit(n, m);						\
	__was;								\
})

/* The first bit from @from that is as @set says, or @nr. */
static inline unsigned long potad_host_find_bit(const unsigned long *m, unsigned long nr,
						unsigned long from, bool set)
{
	while (from < nr) {
		unsigned long word = READ_ONCE(m[BIT_WORD(from)]);

		if (!set)
			word = ~word;
		word &= ~0UL << (from % 64);
		if (word) {
			from = (from & ~63UL) + __ffs(word);
			return from < nr ? from : nr;
		}
		from = (from & ~63UL) + 64;
	}
	return nr;
}

#define find_first_bit(m, n)	potad_host_find_bit(m, n, 0, true)
#define find_next_bit(m, n, f)	potad_host_find_bit(m, n, f, true)
#define find_first_zero_bit(m, n) potad_host_find_bit(m, n, 0, false)
#define find_next_zero_bit(m, n, f) potad_host_find_bit(m, n, f, false)
#define for_each_set_bit(b, m, n)					\
	for ((b) = find_first_bit(m, n); (b) < (n); (b) = find_next_bit(m, n, (b) + 1))
#define for_each_clear_bit(b, m, n)					\
	for ((b) = find_first_zero_bit(m, n); (b) < (n);		\
	     (b) = find_next_zero_bit(m, n, (b) + 1))

static inline unsigned long find_last_bit(const unsigned long *m, unsigned long nr)
{
	unsigned long i;

	for (i = nr; i-- > 0;)
		if (test_bit(i, m))
			return i;
	return nr;
}

static inline void bitmap_zero(unsigned long *m, unsigned int nr)
{
	memset(m, 0, BITS_TO_LONGS(nr) * sizeof(long));
}

static inline void bitmap_fill(unsigned long *m, unsigned int nr)
{
	memset(m, 0xff, BITS_TO_LONGS(nr) * sizeof(long));
}

static inline void bitmap_set(unsigned long *m, unsigned int first, unsigned int nr)
{
	for (; nr; nr--, first++)
		__set_bit(first, m);
}

static inline void bitmap_clear(unsigned long *m, unsigned int first, unsigned int nr)
{
	for (; nr; nr--, first++)
		__clear_bit(first, m);
}

#define bitmap_empty(m, n)	(find_first_bit(m, n) == (n))
#define bitmap_full(m, n)	(find_first_zero_bit(m, n) == (n))

static inline unsigned int bitmap_weight(const unsigned long *m, unsigned int nr)
{
	unsigned int i, sum = 0;

	for (i = 0; i < nr; i++)
		sum += test_bit(i, m);
	return sum;
}

/* --------------------------------------------------------------- cpumask -- */

struct cpumask {
	unsigned long bits[BITS_TO_LONGS(NR_CPUS)];
};

typedef struct cpumask cpumask_t;
typedef struct cpumask cpumask_var_t[1];
extern struct cpumask potad_host_possible_mask, potad_host_online_mask;
#define cpu_possible_mask	((const struct cpumask *)&potad_host_possible_mask)
#define cpu_online_mask		((const struct cpumask *)&potad_host_online_mask)
#define alloc_cpumask_var(m, g)	((void)(m), (void)(g), true)
#define zalloc_cpumask_var(m, g) ((void)(g), cpumask_clear(*(m)), true)
#define free_cpumask_var(m)	((void)(m))

#define cpumask_bits(m)		((m)->bits)
#define cpumask_clear(m)	((void)WRITE_ONCE((m)->bits[0], 0UL))
#define cpumask_copy(d, s)	((void)WRITE_ONCE((d)->bits[0], READ_ONCE((s)->bits[0])))
#define cpumask_set_cpu(c, m)	set_bit(c, (m)->bits)
#define cpumask_clear_cpu(c, m)	clear_bit(c, (m)->bits)
#define __cpumask_set_cpu(c, m)	__set_bit(c, (m)->bits)
#define __cpumask_clear_cpu(c, m) __clear_bit(c, (m)->bits)
#define cpumask_test_cpu(c, m)	test_bit(c, (m)->bits)
#define cpumask_test_and_set_cpu(c, m) test_and_set_bit(c, (m)->bits)
#define cpumask_test_and_clear_cpu(c, m) test_and_clear_bit(c, (m)->bits)
#define cpumask_empty(m)	(!READ_ONCE((m)->bits[0]))
#define cpumask_weight(m)	((unsigned int)hweight64(READ_ONCE((m)->bits[0])))
#define cpumask_first(m)	((unsigned int)find_first_bit((m)->bits, nr_cpu_ids))
#define cpumask_next(c, m)	((unsigned int)find_next_bit((m)->bits, nr_cpu_ids, (c) + 1))
#define cpumask_of(c)		(&(const struct cpumask){ { BIT(c) } })
#define cpumask_and(d, a, b)						\
	((d)->bits[0] = READ_ONCE((a)->bits[0]) & READ_ONCE((b)->bits[0]), !cpumask_empty(d))
#define cpumask_andnot(d, a, b)						\
	((d)->bits[0] = READ_ONCE((a)->bits[0]) & ~READ_ONCE((b)->bits[0]), !cpumask_empty(d))
#define cpumask_or(d, a, b)						\
	((void)((d)->bits[0] = READ_ONCE((a)->bits[0]) | READ_ONCE((b)->bits[0])))
#define for_each_cpu(c, m)						\
	for ((c) = cpumask_first(m); (unsigned int)(c) < nr_cpu_ids; (c) = cpumask_next(c, m))
#define for_each_possible_cpu(c) for_each_cpu(c, cpu_possible_mask)
#define for_each_online_cpu(c)	for_each_cpu(c, cpu_online_mask)
#define for_each_present_cpu(c)	for_each_cpu(c, cpu_possible_mask)
#define cpu_online(c)		cpumask_test_cpu(c, cpu_online_mask)
#define cpu_possible(c)		cpumask_test_cpu(c, cpu_possible_mask)

/* ------------------------------------------------------- between the CPUs -- */

typedef void (*smp_call_func_t)(void *info);

/* Always waits, whatever @wait says. */
void on_each_cpu_mask(const struct cpumask *mask, smp_call_func_t fn, void *info, bool wait);
int smp_call_function_single(int cpu, smp_call_func_t fn, void *info, int wait);
#define on_each_cpu(fn, info, wait) on_each_cpu_mask(cpu_online_mask, fn, info, wait)

static inline void on_each_cpu_cond_mask(bool (*cond)(int cpu, void *info),
					 smp_call_func_t fn, void *info, bool wait,
					 const struct cpumask *mask)
{
	struct cpumask todo = { { 0 } };
	int cpu;

	for_each_cpu(cpu, mask)
		if (cond(cpu, info))
			__cpumask_set_cpu(cpu, &todo);
	on_each_cpu_mask(&todo, fn, info, wait);
}

#define on_each_cpu_cond(cond, fn, info, wait)				\
	on_each_cpu_cond_mask(cond, fn, info, wait, cpu_online_mask)

struct hlist_node {
	struct hlist_node *next, **pprev;
};

#define hlist_entry(p, t, m)	container_of(p, t, m)

enum cpuhp_state {
	CPUHP_INVALID = -1,
	CPUHP_OFFLINE = 0,
	CPUHP_BP_PREPARE_DYN,
	CPUHP_MM_WRITEBACK_DEAD,
	CPUHP_PAGE_ALLOC,
	CPUHP_SLUB_DEAD,
	CPUHP_AP_ONLINE_DYN,
};

void cpus_read_lock(void);
int cpus_read_trylock(void);
void cpus_read_unlock(void);
/* Teardown runs on the CPU that goes; for a state before AP_ONLINE, when gone. */
int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu, struct hlist_node *node),
			    int (*teardown)(unsigned int cpu, struct hlist_node *node));
void cpuhp_remove_multi_state(enum cpuhp_state state);
int cpuhp_state_add_instance_nocalls(enum cpuhp_state state, struct hlist_node *node);
int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state, struct hlist_node *node);
#define cpuhp_state_add_instance(s, n)	cpuhp_state_add_instance_nocalls(s, n)
#define cpuhp_state_remove_instance(s, n) cpuhp_state_remove_instance_nocalls(s, n)

/* ---------------------------------------------------------- per-CPU data -- */

void *__alloc_percpu(size_t size, size_t align);
void free_percpu(void *p);
#define __alloc_percpu_gfp(s, a, g) ((void)(g), __alloc_percpu(s, a))
#define alloc_percpu(t)		((t *)__alloc_percpu(sizeof(t), _Alignof(t)))
#define alloc_percpu_gfp(t, g)	((t *)__alloc_percpu_gfp(sizeof(t), _Alignof(t), g))

/* Each CPU has its own area, this far from the one before. */
#define POTAD_HOST_PERCPU_AREA	(64L << 20)
#define per_cpu_ptr(p, c)						\
	((typeof(p))((uintptr_t)(p) + (long)(c) * POTAD_HOST_PERCPU_AREA))
#define raw_cpu_ptr(p)		((typeof(p))((uintptr_t)(p) + potad_host_this.offset))
#define this_cpu_ptr(p)		raw_cpu_ptr(p)
#define get_cpu_ptr(p)		({ potad_host_nest(); this_cpu_ptr(p); })
#define put_cpu_ptr(p)		((void)(p), potad_host_unnest())
#define this_cpu_read(v)	READ_ONCE(*raw_cpu_ptr(&(v)))
#define this_cpu_write(v, x)	WRITE_ONCE(*raw_cpu_ptr(&(v)), x)
/* One instruction in the kernel: not to be torn by an interrupt. */
#define this_cpu_add(v, x)						\
	((void)__atomic_fetch_add(raw_cpu_ptr(&(v)), x, __ATOMIC_RELAXED))
#define this_cpu_sub(v, x)						\
	((void)__atomic_fetch_sub(raw_cpu_ptr(&(v)), x, __ATOMIC_RELAXED))
#define this_cpu_inc(v)		this_cpu_add(v, 1)
#define this_cpu_dec(v)		this_cpu_sub(v, 1)
#define this_cpu_add_return(v, x) __atomic_add_fetch(raw_cpu_ptr(&(v)), x, __ATOMIC_RELAXED)
#define this_cpu_inc_return(v)	this_cpu_add_return(v, 1)
#define this_cpu_xchg(v, x)	__atomic_exchange_n(raw_cpu_ptr(&(v)), x, __ATOMIC_RELAXED)
#define this_cpu_cmpxchg(v, o, n) cmpxchg(raw_cpu_ptr(&(v)), o, n)
#define this_cpu_try_cmpxchg(v, o, n) try_cmpxchg(raw_cpu_ptr(&(v)), o, n)
#define __this_cpu_read(v)	(*raw_cpu_ptr(&(v)))
#define __this_cpu_write(v, x)	((void)(*raw_cpu_ptr(&(v)) = (x)))
#define __this_cpu_add(v, x)	((void)(*raw_cpu_ptr(&(v)) += (x)))
#define __this_cpu_inc(v)	__this_cpu_add(v, 1)
#define __this_cpu_dec(v)	__this_cpu_add(v, -1)
#define raw_cpu_read(v)		__this_cpu_read(v)
#define raw_cpu_write(v, x)	__this_cpu_write(v, x)

/* ----------------------------------------------------------------- locks -- */

struct lock_class_key { int unused; };
#define lockdep_set_class(l, k)	((void)(l), (void)(k))
#define lockdep_set_class_and_name(l, k, n) ((void)(l), (void)(k))
#define lockdep_set_subclass(l, s) ((void)(l))
#define lockdep_register_key(k)	((void)(k))
#define lockdep_unregister_key(k) ((void)(k))
#if defined(POTAD_DEBUG) || defined(POTAD_HOST_DEBUG)
#define lockdep_assert_irqs_disabled() ((void)WARN_ON(!irqs_disabled()))
#define lockdep_assert_preemption_disabled() ((void)WARN_ON(preemptible()))
/* The first word of each kind of lock says whether somebody has it. */
#define lockdep_assert_held(l)						\
	((void)WARN_ON(!__atomic_load_n((const int *)(l), __ATOMIC_RELAXED)))
#else
#define lockdep_assert_irqs_disabled() do { } while (0)
#define lockdep_assert_preemption_disabled() do { } while (0)
#define lockdep_assert_held(l)	((void)(l))
#endif
#define lockdep_assert_held_once(l) lockdep_assert_held(l)
#define lockdep_is_held(l)	((void)(l), 1)
#define lockdep_assert_cpus_held() do { } while (0)
#define lockdep_assert_in_rcu_read_lock() do { } while (0)

typedef struct { int v; } raw_spinlock_t;
typedef raw_spinlock_t spinlock_t;
#define __RAW_SPIN_LOCK_UNLOCKED(n) { 0 }
#define __SPIN_LOCK_UNLOCKED(n)	{ 0 }
#define DEFINE_RAW_SPINLOCK(n)	raw_spinlock_t n = { 0 }
#define DEFINE_SPINLOCK(n)	spinlock_t n = { 0 }

static inline void raw_spin_lock_init(raw_spinlock_t *l)
{
	__atomic_store_n(&l->v, 0, __ATOMIC_RELAXED);
}

static inline void raw_spin_lock(raw_spinlock_t *l)
{
	unsigned int spins = 0;

	potad_host_nest();
	while (unlikely(__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE)))
		while (__atomic_load_n(&l->v, __ATOMIC_RELAXED))
			potad_host_relax(&spins);
}

static inline bool raw_spin_trylock(raw_spinlock_t *l)
{
	potad_host_nest();
	if (!__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE))
		return true;
	potad_host_unnest();
	return false;
}

static inline void raw_spin_unlock(raw_spinlock_t *l)
{
	__atomic_store_n(&l->v, 0, __ATOMIC_RELEASE);
	potad_host_unnest();
}

#define raw_spin_is_locked(l)	(__atomic_load_n(&(l)->v, __ATOMIC_RELAXED) != 0)
#define raw_spin_is_contended(l) false
#define raw_spin_lock_nested(l, s) raw_spin_lock(l)
#define raw_spin_lock_nest_lock(l, o) raw_spin_lock(l)
#define raw_spin_lock_irq(l)	do { local_irq_disable(); raw_spin_lock(l); } while (0)
#define raw_spin_unlock_irq(l)	do { raw_spin_unlock(l); local_irq_enable(); } while (0)
#define raw_spin_lock_irqsave(l, f) do { local_irq_save(f); raw_spin_lock(l); } while (0)
#define raw_spin_lock_irqsave_nested(l, f, s) raw_spin_lock_irqsave(l, f)
#define raw_spin_unlock_irqrestore(l, f)				\
	do { raw_spin_unlock(l); local_irq_restore(f); } while (0)
#define raw_spin_trylock_irqsave(l, f) ({				\
	local_irq_save(f);						\
	raw_spin_trylock(l) || ({ local_irq_restore(f); false; });	\
})
#define spin_lock_init(l)	raw_spin_lock_init(l)
#define spin_lock(l)		raw_spin_lock(l)
#define spin_unlock(l)		raw_spin_unlock(l)
#define spin_trylock(l)		raw_spin_trylock(l)
#define spin_is_locked(l)	raw_spin_is_locked(l)
#define spin_lock_irq(l)	raw_spin_lock_irq(l)
#define spin_unlock_irq(l)	raw_spin_unlock_irq(l)
#define spin_lock_irqsave(l, f)	raw_spin_lock_irqsave(l, f)
#define spin_unlock_irqrestore(l, f) raw_spin_unlock_irqrestore(l, f)
#define assert_raw_spin_locked(l) lockdep_assert_held(l)

static inline void bit_spin_lock(int n, unsigned long *p)
{
	unsigned int spins = 0;

	potad_host_nest();
	while (__atomic_fetch_or(p, BIT(n), __ATOMIC_ACQUIRE) & BIT(n))
		potad_host_relax(&spins);
}

static inline void bit_spin_unlock(int n, unsigned long *p)
{
	__atomic_fetch_and(p, ~BIT(n), __ATOMIC_RELEASE);
	potad_host_unnest();
}

typedef struct { unsigned int sequence; } seqcount_t;
typedef seqcount_t seqcount_raw_spinlock_t;
#define seqcount_init(s)	WRITE_ONCE((s)->sequence, 0)
#define seqcount_raw_spinlock_init(s, l) seqcount_init(s)

static inline unsigned int read_seqcount_begin(const seqcount_t *s)
{
	unsigned int seq, spins = 0;

	while ((seq = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE)) & 1)
		potad_host_relax(&spins);
	return seq;
}

static inline bool read_seqcount_retry(const seqcount_t *s, unsigned int seq)
{
	smp_rmb();
	return READ_ONCE(s->sequence) != seq;
}

#define raw_read_seqcount_begin(s) read_seqcount_begin(s)
#define raw_read_seqcount(s)	__atomic_load_n(&(s)->sequence, __ATOMIC_ACQUIRE)
#define write_seqcount_begin(s)						\
	do { WRITE_ONCE((s)->sequence, (s)->sequence + 1); smp_wmb(); } while (0)
#define write_seqcount_end(s)						\
	do { smp_wmb(); WRITE_ONCE((s)->sequence, (s)->sequence + 1); } while (0)
#define raw_write_seqcount_begin(s) write_seqcount_begin(s)
#define raw_write_seqcount_end(s) write_seqcount_end(s)

struct mutex {
	int v;
};

#define DEFINE_MUTEX(n)		struct mutex n = { 0 }
#define mutex_init(m)		raw_spin_lock_init((raw_spinlock_t *)&(m)->v)
#define mutex_destroy(m)	((void)(m))
#define mutex_is_locked(m)	(__atomic_load_n(&(m)->v, __ATOMIC_RELAXED) != 0)

static inline bool mutex_trylock(struct mutex *m)
{
	return !__atomic_exchange_n(&m->v, 1, __ATOMIC_ACQUIRE);
}

static inline void mutex_lock(struct mutex *m)
{
	unsigned int spins = 0;

	might_sleep();
	while (!mutex_trylock(m))
		potad_host_relax(&spins);
}

static inline void mutex_unlock(struct mutex *m)
{
	__atomic_store_n(&m->v, 0, __ATOMIC_RELEASE);
}

#define mutex_lock_nested(m, s)	mutex_lock(m)
#define mutex_lock_interruptible(m) ({ mutex_lock(m); 0; })
#define mutex_lock_killable(m)	({ mutex_lock(m); 0; })

/* ------------------------------------------------------------------- RCU -- */

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void synchronize_rcu(void);
#define synchronize_rcu_expedited() synchronize_rcu()
#define rcu_barrier()		do { } while (0)
#define rcu_read_lock()		potad_host_nest()
#define rcu_read_unlock()	potad_host_unnest()
#define rcu_read_lock_sched()	potad_host_nest()
#define rcu_read_unlock_sched()	potad_host_unnest()
#define rcu_read_lock_held()	1
#define rcu_read_lock_any_held() 1
/* A release is consumed; acquire is what a sanitizer understands. */
#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_raw(p)	rcu_dereference(p)
#define rcu_dereference_sched(p) rcu_dereference(p)
#define rcu_dereference_check(p, c) ((void)(c), rcu_dereference(p))
#define rcu_dereference_protected(p, c) ((void)(c), READ_ONCE(p))
#define rcu_access_pointer(p)	READ_ONCE(p)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define rcu_replace_pointer(p, v, c) ({					\
	typeof(p) __was = rcu_dereference_protected(p, c);		\
	rcu_assign_pointer(p, v);					\
	__was;								\
})
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)
/* Process context only: both wait. */
#define call_rcu(h, f)		({ synchronize_rcu(); (f)(h); })
#define kfree_rcu(p, m)		({ synchronize_rcu(); kfree(p); })
#define kvfree_rcu(p, m)	kfree_rcu(p, m)

/* ---------------------------------------------------------------- memory -- */

#define __GFP_ZERO		0x01u
#define __GFP_DIRECT_RECLAIM	0x02u
#define __GFP_KSWAPD_RECLAIM	0x04u
#define __GFP_RECLAIM		0x06u
#define __GFP_NOWARN		0x08u
#define __GFP_NORETRY		0x10u
#define __GFP_HIGH		0x20u
#define __GFP_ACCOUNT		0x40u
#define __GFP_RETRY_MAYFAIL	0x80u
#define __GFP_NOFAIL		0x100u
#define __GFP_COMP		0x200u
#define __GFP_NOMEMALLOC	0x400u
#define __GFP_THISNODE		0x800u
#define GFP_KERNEL		__GFP_RECLAIM
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOIO		__GFP_RECLAIM
#define GFP_NOFS		__GFP_RECLAIM
#define GFP_NOWAIT		(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_ATOMIC		(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define gfpflags_allow_blocking(g) (((g) & __GFP_DIRECT_RECLAIM) != 0)

/* The @nth allocation of this CPU from now on fails (1: the next); 0: none. */
void potad_host_fail_nth(long nth);
/* Has it failed already?  Not if there were fewer. */
bool potad_host_has_failed(void);
/* Allocations of all kinds that were not freed yet. */
long potad_host_allocations(void);

unsigned long totalram_pages(void);
void *potad_host_alloc(size_t size, size_t align, gfp_t gfp);
void potad_host_free(const void *p);

/* As the kernel's: a power of two is aligned to itself. */
#define potad_host_align(n)						\
	({ size_t __n = (n); is_power_of_2(__n) && __n > 16 ? __n : 16; })
#define kmalloc(n, g)		potad_host_alloc(n, potad_host_align(n), g)
#define kzalloc(n, g)		potad_host_alloc(n, potad_host_align(n), (g) | __GFP_ZERO)
#define kmalloc_node(n, g, nid)	((void)(nid), kmalloc(n, g))
#define kzalloc_node(n, g, nid)	((void)(nid), kzalloc(n, g))
#define kmalloc_array(n, s, g)	kmalloc(array_size(n, s), g)
#define kcalloc(n, s, g)	kzalloc(array_size(n, s), g)
#define kvmalloc(n, g)		potad_host_alloc(n, 64, g)
#define kvzalloc(n, g)		potad_host_alloc(n, 64, (g) | __GFP_ZERO)
#define kvcalloc(n, s, g)	kvzalloc(array_size(n, s), g)
#define kvmalloc_array(n, s, g)	kvmalloc(array_size(n, s), g)
#define kfree(p)		potad_host_free(p)
#define kvfree(p)		potad_host_free(p)
#define vmalloc(n)		potad_host_alloc(n, PAGE_SIZE, GFP_KERNEL)
#define vzalloc(n)		potad_host_alloc(n, PAGE_SIZE, GFP_KERNEL | __GFP_ZERO)
#define vzalloc_node(n, nid)	((void)(nid), vzalloc(n))
#define __vmalloc(n, g)		potad_host_alloc(n, PAGE_SIZE, g)
#define vfree(p)		potad_host_free(p)
#define alloc_pages_exact(n, g)	potad_host_alloc(PAGE_ALIGN((size_t)(n)), PAGE_SIZE, g)
#define free_pages_exact(p, n)	((void)(n), potad_host_free(p))
#define __get_free_pages(g, o)						\
	((unsigned long)potad_host_alloc(PAGE_SIZE << (o), PAGE_SIZE << (o), g))
#define __get_free_page(g)	__get_free_pages(g, 0)
#define get_zeroed_page(g)	__get_free_pages((g) | __GFP_ZERO, 0)
#define free_pages(a, o)	((void)(o), potad_host_free((void *)(a)))
#define free_page(a)		free_pages(a, 0)
#define is_vmalloc_addr(p)	((void)(p), false)

struct kmem_cache {
	size_t size, align;
};

#define SLAB_HWCACHE_ALIGN	0x1u
#define SLAB_TYPESAFE_BY_RCU	0x2u
#define SLAB_PANIC		0x4u

static inline struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
						   unsigned int align, unsigned int flags,
						   void (*ctor)(void *))
{
	struct kmem_cache *c = kmalloc(sizeof(*c), GFP_KERNEL);

	(void)name;
	(void)ctor;
	if (!c)
		return NULL;
	c->align = flags & SLAB_HWCACHE_ALIGN ? 64 : max(align, 8U);
	c->size = round_up((size_t)size, c->align);
	return c;
}

#define KMEM_CACHE(s, f)						\
	kmem_cache_create(#s, sizeof(struct s), _Alignof(struct s), f, NULL)
#define kmem_cache_destroy(c)	kfree(c)
#define kmem_cache_alloc(c, g)	potad_host_alloc((c)->size, (c)->align, g)
#define kmem_cache_zalloc(c, g)	kmem_cache_alloc(c, (g) | __GFP_ZERO)
#define kmem_cache_free(c, p)	((void)(c), potad_host_free(p))

#define SHRINK_STOP		(~0UL)
#define SHRINK_EMPTY		(~0UL - 1)
#define DEFAULT_SEEKS		2

struct shrink_control {
	gfp_t gfp_mask;
	int nid;
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

struct shrinker {
	unsigned long (*count_objects)(struct shrinker *s, struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *s, struct shrink_control *sc);
	long batch;
	int seeks;
	unsigned int flags;
	void *private_data;
	struct shrinker *next;
};

__printf(2, 3) struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...);
void shrinker_register(struct shrinker *s);
void shrinker_free(struct shrinker *s);
/* Calls all shrinkers, as lack of memory would; how much they gave. */
unsigned long potad_host_shrink(void);

/* ----------------------------------------------------------------- lists -- */

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(n)	{ &(n), &(n) }
#define LIST_HEAD(n)		struct list_head n = LIST_HEAD_INIT(n)
#define list_entry(p, t, m)	container_of(p, t, m)
#define list_first_entry(h, t, m) container_of((h)->next, t, m)
#define list_last_entry(h, t, m) container_of((h)->prev, t, m)
#define list_next_entry(p, m)	container_of((p)->m.next, typeof(*(p)), m)
#define list_prev_entry(p, m)	container_of((p)->m.prev, typeof(*(p)), m)
#define list_entry_is_head(p, h, m) (&(p)->m == (h))
#define list_first_entry_or_null(h, type, m)				\
	((h)->next == (h) ? NULL : container_of((h)->next, type, m))
#define list_for_each(p, h)	for (p = (h)->next; p != (h); p = p->next)
#define list_for_each_entry(p, h, m)					\
	for (p = container_of((h)->next, typeof(*p), m); &p->m != (h);	\
	     p = container_of(p->m.next, typeof(*p), m))
#define list_for_each_entry_reverse(p, h, m)				\
	for (p = container_of((h)->prev, typeof(*p), m); &p->m != (h);	\
	     p = container_of(p->m.prev, typeof(*p), m))
#define list_for_each_entry_safe(p, n, h, m)				\
	for (p = container_of((h)->next, typeof(*p), m),		\
	     n = container_of(p->m.next, typeof(*p), m); &p->m != (h);	\
	     p = n, n = container_of(n->m.next, typeof(*n), m))
#define list_for_each_entry_rcu(p, h, m, ...)				\
	for (p = container_of(rcu_dereference((h)->next), typeof(*p), m); &p->m != (h); \
	     p = container_of(rcu_dereference(p->m.next), typeof(*p), m))

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return READ_ONCE(h->next) == h;
}

static inline bool list_is_singular(const struct list_head *h)
{
	return !list_empty(h) && h->next == h->prev;
}

static inline void potad_host_list_insert(struct list_head *e, struct list_head *prev,
					  struct list_head *next)
{
	e->next = next;
	e->prev = prev;
	next->prev = e;
	rcu_assign_pointer(prev->next, e);
}

#define list_add(e, h)		potad_host_list_insert(e, h, (h)->next)
#define list_add_tail(e, h)	potad_host_list_insert(e, (h)->prev, h)
#define list_add_rcu(e, h)	list_add(e, h)
#define list_add_tail_rcu(e, h)	list_add_tail(e, h)

static inline void list_del(struct list_head *e)
{
	e->next->prev = e->prev;
	WRITE_ONCE(e->prev->next, e->next);
}

#define list_del_rcu(e)		list_del(e)

static inline void list_del_init(struct list_head *e)
{
	list_del(e);
	INIT_LIST_HEAD(e);
}

static inline void list_move(struct list_head *e, struct list_head *h)
{
	list_del(e);
	list_add(e, h);
}

static inline void list_move_tail(struct list_head *e, struct list_head *h)
{
	list_del(e);
	list_add_tail(e, h);
}

static inline void list_splice(struct list_head *from, struct list_head *h)
{
	if (from->next == from)
		return;
	from->prev->next = h->next;
	h->next->prev = from->prev;
	from->next->prev = h;
	h->next = from->next;
}

static inline void list_splice_init(struct list_head *from, struct list_head *h)
{
	list_splice(from, h);
	INIT_LIST_HEAD(from);
}

static inline void list_splice_tail_init(struct list_head *from, struct list_head *h)
{
	list_splice(from, h->prev);
	INIT_LIST_HEAD(from);
}

/* ------------------------------------------------------- the rest of it -- */

#define DEFINE_STATIC_KEY_FALSE(n) bool n
#define DEFINE_STATIC_KEY_TRUE(n) bool n = true
#define DECLARE_STATIC_KEY_FALSE(n) extern bool n
#define static_branch_unlikely(k) unlikely(READ_ONCE(*(k)))
#define static_branch_likely(k)	likely(READ_ONCE(*(k)))
#define static_branch_enable(k)	WRITE_ONCE(*(k), true)
#define static_branch_disable(k) WRITE_ONCE(*(k), false)

#endif /* POTAD_HOST_SHIM_H */

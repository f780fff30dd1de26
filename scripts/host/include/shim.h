/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What module/space needs of the kernel, for a user-space process.
 *
 * The headers in linux/ all lead here, so that the very same sources compile
 * in the kernel and out of it (as the kernel does for its own maple tree in
 * tools/testing).  Interrupts cannot be switched off out here: a "CPU" is a
 * thread, and per-CPU data is per thread, so nothing comes between.
 */
#ifndef POTAD_HOST_SHIM_H
#define POTAD_HOST_SHIM_H

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t s32;
/* As the kernel's: so that %llu is right on every machine. */
typedef unsigned long long u64;
typedef long long s64;
typedef unsigned int gfp_t;

#define U32_MAX			UINT32_MAX

#ifndef EHWPOISON
#define EHWPOISON		133
#endif
#ifndef EUCLEAN
#define EUCLEAN			117
#endif

#define __aligned(n)		__attribute__((aligned(n)))
#define __percpu
#define EXPORT_SYMBOL_GPL(s)	extern int potad_shim_unused
#define EXPORT_SYMBOL_NS_GPL(s, ns) extern int potad_shim_unused
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_mb__after_atomic()	smp_mb()
#define smp_mb__before_atomic()	smp_mb()
#define min(a, b)		((a) < (b) ? (a) : (b))
#define cpu_relax()		sched_yield()
#define cond_resched()		do { } while (0)

#define WARN_ONCE(cond, ...) ({						\
	bool __cond = (cond);						\
	if (__cond) {							\
		fprintf(stderr, "WARNING: " __VA_ARGS__);		\
		abort();						\
	}								\
	__cond;								\
})
#define WARN_ON_ONCE(cond)	WARN_ONCE(cond, "%s:%d: %s\n", __FILE__, __LINE__, #cond)

#define MAX_ERRNO		4095
#define ERR_PTR(e)		((void *)(intptr_t)(e))
#define PTR_ERR(p)		((intptr_t)(p))
#define IS_ERR(p)		((uintptr_t)(p) >= (uintptr_t)-MAX_ERRNO)

static inline unsigned int __ffs64(u64 x)
{
	return __builtin_ctzll(x);
}

static inline unsigned int __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *b = p;

	for (; n; n--, b++)
		if (*b != (u8)c)
			return (void *)b;
	return NULL;
}

/* atomics */
typedef struct { int v; } atomic_t;
typedef struct { s64 v; } atomic64_t;
#define atomic_read(a)		__atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic_inc(a)		((void)__atomic_fetch_add(&(a)->v, 1, __ATOMIC_RELAXED))
#define atomic64_read(a)	__atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic64_inc(a)		((void)__atomic_fetch_add(&(a)->v, 1, __ATOMIC_RELAXED))
#define atomic64_dec(a)		((void)__atomic_fetch_sub(&(a)->v, 1, __ATOMIC_RELAXED))

/* locks */
#define __acquire(l)		do { } while (0)
#define __release(l)		do { } while (0)
typedef struct { int v; } raw_spinlock_t;
struct lock_class_key { int unused; };
#define lockdep_set_class(l, k)	((void)(k))
#define lockdep_assert_irqs_disabled() do { } while (0)
#define local_irq_save(f)	((f) = 0)
#define local_irq_restore(f)	((void)(f))
#define local_irq_disable()	do { } while (0)
#define local_irq_enable()	do { } while (0)

static inline void raw_spin_lock_init(raw_spinlock_t *l)
{
	l->v = 0;
}

static inline void raw_spin_lock(raw_spinlock_t *l)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&l->v, __ATOMIC_RELAXED))
			if (++spins % 1024 == 0)
				sched_yield();
}

static inline void raw_spin_unlock(raw_spinlock_t *l)
{
	__atomic_store_n(&l->v, 0, __ATOMIC_RELEASE);
}

#define raw_spin_lock_irq(l)	raw_spin_lock(l)
#define raw_spin_unlock_irq(l)	raw_spin_unlock(l)
#define raw_spin_lock_irqsave(l, f) do { (f) = 0; raw_spin_lock(l); } while (0)
#define raw_spin_unlock_irqrestore(l, f) do { (void)(f); raw_spin_unlock(l); } while (0)

/* "CPUs": each thread that calls takes the next number */
#define POTAD_HOST_CPUS		64
#define num_possible_cpus()	POTAD_HOST_CPUS

static inline unsigned int potad_host_cpu(void)
{
	static unsigned int next;
	static __thread unsigned int cpu;

	if (!cpu)
		cpu = __atomic_add_fetch(&next, 1, __ATOMIC_RELAXED);
	return cpu % POTAD_HOST_CPUS;
}

#define PCPU_STRIDE(p)		(((sizeof(*(p)) + 63) & ~(size_t)63))
#define alloc_percpu(type)	((type *)calloc(POTAD_HOST_CPUS, (sizeof(type) + 63) & ~(size_t)63))
#define free_percpu(p)		free(p)
/* this_cpu_read(s->habit->group[t]): shift the whole lvalue by a CPU's stride */
#define PCPU_LVAL(lv)		(*(typeof(&(lv)))((char *)&(lv) + (size_t)potad_host_cpu() * 64))
#define this_cpu_read(lv)	PCPU_LVAL(lv)
#define this_cpu_write(lv, v)	(PCPU_LVAL(lv) = (v))

/* memory */
#define GFP_KERNEL		0u
#define __GFP_ZERO		1u
#define __GFP_NOWARN		0u

static inline void *__vmalloc(size_t n, gfp_t gfp)
{
	size_t size = (n + 4095) & ~(size_t)4095;
	void *p = aligned_alloc(4096, size);

	(void)gfp;
	return p ? memset(p, 0, size) : NULL;
}

#define vfree(p)		free(p)
#define BITS_PER_LONG		64
#define kzalloc(n, gfp)		((void)(gfp), calloc(1, n))
#define kmalloc(n, gfp)		((void)(gfp), malloc(n))
#define kfree(p)		free(p)

/* lists */
struct list_head {
	struct list_head *next, *prev;
};

#define container_of(p, type, m) ((type *)((char *)(p) - offsetof(type, m)))
#define list_first_entry_or_null(h, type, m) \
	((h)->next == (h) ? NULL : container_of((h)->next, type, m))
#define list_for_each_entry(p, h, m)					\
	for (p = container_of((h)->next, typeof(*p), m); &p->m != (h);	\
	     p = container_of(p->m.next, typeof(*p), m))
#define list_for_each_entry_safe(p, n, h, m)				\
	for (p = container_of((h)->next, typeof(*p), m),		\
	     n = container_of(p->m.next, typeof(*p), m); &p->m != (h);	\
	     p = n, n = container_of(n->m.next, typeof(*n), m))

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline void list_del(struct list_head *e)
{
	e->next->prev = e->prev;
	e->prev->next = e->next;
}

static inline void list_add_tail(struct list_head *e, struct list_head *h)
{
	e->next = h;
	e->prev = h->prev;
	h->prev->next = e;
	h->prev = e;
}

static inline void list_move(struct list_head *e, struct list_head *h)
{
	list_del(e);
	list_add_tail(e, h);
}

static inline void list_splice(struct list_head *from, struct list_head *h)
{
	struct list_head *e;

	while (from->next != from) {
		e = from->next;
		list_move(e, h);
	}
}

#endif /* POTAD_HOST_SHIM_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What other CPUs and interrupts can see, as points at which the explorer
 * decides who goes on.
 *
 * Comes before everything else (gcc -include) in each file of module/space.
 * The shim for user space is taken as it is; each primitive that touches what
 * is shared, or lets somebody in, is put behind explore_point().  There a CPU
 * can stop, just before it does what the point is named after.  Locks, and
 * all else that waits, tell the explorer for whom or what.
 *
 * Between two points a CPU is alone: plain accesses to what is shared are seen
 * in the order of the program.  Weaker orders, and races between plain
 * accesses, are for the thread sanitizer.
 */
#ifndef POTAD_EXPLORE_PRIMITIVES_H
#define POTAD_EXPLORE_PRIMITIVES_H

#include <limits.h>	/* before the shim has its own */

#include "shim.h"

void explore_point(const char *what, const char *file, int line);
void explore_hint(const void *p, bool write, const char *what, const char *file,
		  int line);
void explore_yield(const char *what, const char *file, int line);
void explore_lock(int *lock, bool spins, const char *file, int line);
bool explore_trylock(int *lock, const char *file, int line);
void explore_unlock(int *lock, bool spins, const char *file, int line);

#define POINT(what)		explore_point(what, __FILE__, __LINE__)

/*
 * Hints are read 256 at a time, most of them of groups that are not there, and
 * sizes for each line of a cache: they are points only if somebody writes them in
 * the scenario.
 */
#define IS_HINT(x)		(!!strstr(#x, "hint[") || !strcmp(#x, "s->end") || \
				 !strcmp(#x, "s->max_order") || !strcmp(#x, "&s->nr"))
#define POINT_AT(what, x, p, write) do {				\
	if (IS_HINT(x))							\
		explore_hint((const void *)(p), write, what " " #x, __FILE__, __LINE__); \
	else								\
		POINT(what " " #x);					\
} while (0)

/* one CPU's area after the other, all of it small */
#undef POTAD_HOST_PERCPU_AREA
#define POTAD_HOST_PERCPU_AREA	(256L << 10)

/* What is ordered by no more than that is meant for interrupts of this CPU. */
#undef barrier
#define barrier() ({							\
	if (!irqs_disabled())						\
		POINT("barrier");					\
})
#undef READ_ONCE
#define READ_ONCE(x)		({ POINT_AT("read", x, &(x), false); __atomic_load_n(&(x), __ATOMIC_RELAXED); })
#undef WRITE_ONCE
#define WRITE_ONCE(x, v) ({						\
	typeof(x) __val = (v);						\
									\
	POINT_AT("write", x, &(x), true);					\
	__atomic_store_n(&(x), __val, __ATOMIC_RELAXED);		\
})
#undef smp_load_acquire
#define smp_load_acquire(p)	({ POINT("load " #p); __atomic_load_n(p, __ATOMIC_ACQUIRE); })
#undef smp_store_release
#define smp_store_release(p, v)	({ POINT("store " #p); __atomic_store_n(p, v, __ATOMIC_RELEASE); })
#undef xchg
#define xchg(p, v)		({ POINT("xchg " #p); __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); })
#undef try_cmpxchg
#define try_cmpxchg(p, old, new) ({					\
	POINT("cmpxchg " #p);						\
	__atomic_compare_exchange_n(p, old, new, false,			\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
})
#undef cmpxchg
#define cmpxchg(p, old, new) ({						\
	typeof(*(p)) __old = (old);					\
									\
	try_cmpxchg(p, &__old, new);					\
	__old;								\
})

/* A function and a macro of one name: the macro, then the function. */
#define atomic_read(a)		({ POINT("atomic_read " #a); atomic_read(a); })
#define atomic_set(a, n)	({ POINT("atomic_set " #a); atomic_set(a, n); })
#define atomic_inc(a)		({ POINT("atomic_inc " #a); atomic_inc(a); })
#define atomic_dec(a)		({ POINT("atomic_dec " #a); atomic_dec(a); })
/* To add nothing is nothing that others could see. */
#define atomic_add(n, a) ({						\
	int __n = (n);							\
									\
	if (__n)							\
		POINT("atomic_add " #a);				\
	atomic_add(__n, a);						\
})
#define atomic_sub(n, a)	({ POINT("atomic_sub " #a); atomic_sub(n, a); })
#define atomic_inc_return(a)	({ POINT("atomic_inc " #a); atomic_inc_return(a); })
#define atomic_dec_return(a)	({ POINT("atomic_dec " #a); atomic_dec_return(a); })
#define atomic_dec_and_test(a)	({ POINT("atomic_dec " #a); atomic_dec_and_test(a); })
#define atomic_cmpxchg(a, o, n)	({ POINT("atomic_cmpxchg " #a); atomic_cmpxchg(a, o, n); })
#define atomic_try_cmpxchg(a, o, n) ({ POINT("atomic_cmpxchg " #a); atomic_try_cmpxchg(a, o, n); })
#define atomic_xchg(a, n)	({ POINT("atomic_xchg " #a); atomic_xchg(a, n); })
#define atomic64_read(a)	({ POINT_AT("atomic64_read", a, a, false); atomic64_read(a); })
#define atomic64_set(a, n)	({ POINT_AT("atomic64_set", a, a, true); atomic64_set(a, n); })
#define atomic64_inc(a)		({ POINT("atomic64_inc " #a); atomic64_inc(a); })
#define atomic64_dec(a)		({ POINT("atomic64_dec " #a); atomic64_dec(a); })
#define atomic64_add(n, a)	({ POINT("atomic64_add " #a); atomic64_add(n, a); })
#define atomic64_sub(n, a)	({ POINT("atomic64_sub " #a); atomic64_sub(n, a); })
#define atomic_long_read(a)	({ POINT("atomic_long_read " #a); atomic_long_read(a); })
#define atomic_long_inc(a)	({ POINT("atomic_long_inc " #a); atomic_long_inc(a); })
#define atomic_long_dec(a)	({ POINT("atomic_long_dec " #a); atomic_long_dec(a); })
#define atomic_long_add(n, a)	({ POINT("atomic_long_add " #a); atomic_long_add(n, a); })

#undef set_bit
#define set_bit(n, m) ({						\
	POINT("set_bit " #m);						\
	(void)__atomic_fetch_or(&(m)[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_RELAXED); \
})
#undef clear_bit
#define clear_bit(n, m) ({						\
	POINT("clear_bit " #m);						\
	(void)__atomic_fetch_and(&(m)[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_RELAXED); \
})

#define raw_spin_lock(l)	explore_lock(&(l)->v, true, __FILE__, __LINE__)
#define raw_spin_trylock(l)	explore_trylock(&(l)->v, __FILE__, __LINE__)
#define raw_spin_unlock(l)	explore_unlock(&(l)->v, true, __FILE__, __LINE__)
#define mutex_lock(m)		explore_lock(&(m)->v, false, __FILE__, __LINE__)
#define mutex_trylock(m)	({ POINT("mutex_trylock"); mutex_trylock(m); })
#define mutex_unlock(m)		explore_unlock(&(m)->v, false, __FILE__, __LINE__)

#define read_seqcount_begin(s)	({ POINT("seqcount"); read_seqcount_begin(s); })
#define read_seqcount_retry(s, q) ({ POINT("seqcount"); read_seqcount_retry(s, q); })
#undef rcu_dereference
#define rcu_dereference(p)	({ POINT("rcu_dereference " #p); __atomic_load_n(&(p), __ATOMIC_ACQUIRE); })
#undef rcu_assign_pointer
#define rcu_assign_pointer(p, v) ({ POINT("rcu_assign " #p); __atomic_store_n(&(p), (v), __ATOMIC_RELEASE); })

/* Interrupts and other tasks come in just before, and just after. */
#undef local_irq_save
#define local_irq_save(f) ({						\
	if (!irqs_disabled())						\
		POINT("interrupts off");				\
	(f) = potad_host_irq_save();					\
})
#undef local_irq_restore
#define local_irq_restore(f) ({						\
	potad_host_irq_restore(f);					\
	if (!irqs_disabled())						\
		POINT("interrupts on");					\
})
#undef local_irq_disable
#define local_irq_disable()	({ POINT("interrupts off"); (void)potad_host_irq_save(); })
#undef local_irq_enable
#define local_irq_enable()	({ potad_host_irq_restore(0); POINT("interrupts on"); })
#undef preempt_disable
#define preempt_disable()	({ POINT("preemption off"); potad_host_nest(); })
#undef preempt_enable
#define preempt_enable()	({ potad_host_unnest(); POINT("preemption on"); })

#undef cpu_relax
#define cpu_relax()		explore_yield("cpu_relax", __FILE__, __LINE__)
#undef cond_resched
#define cond_resched()		({ might_sleep(); explore_yield("cond_resched", __FILE__, __LINE__); 0; })

#endif /* POTAD_EXPLORE_PRIMITIVES_H */

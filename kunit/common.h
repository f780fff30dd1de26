/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites share: random numbers that can be had again, threads that
 * start at one moment, interrupts, and memory that is about to run out.  All
 * that knows the kernel is behind this: the suites of module/space need nothing
 * else of it, and so can run elsewhere.
 *
 * Everything made here goes away with the test that asked for it, also if that
 * ends early.  What cannot be made for lack of memory, or of a second CPU,
 * skips the test: it has not passed.
 */
#ifndef POTAD_KUNIT_COMMON_H
#define POTAD_KUNIT_COMMON_H

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/prandom.h>
#include <linux/types.h>

void potad_test_seed(struct kunit *test, struct rnd_state *rnd);
u32 potad_test_below(struct rnd_state *rnd, u32 limit);
void potad_test_shuffle(struct rnd_state *rnd, u32 *item, u32 nr);

/* How many random operations a test makes (parameter ops). */
u32 potad_test_ops(void);

/* How many lookups the race of lookups makes (parameter lookups); 0: what time allows. */
u64 potad_test_lookups(void);

/* How many failures of memory a storm has at the least (parameter failures). */
u64 potad_test_failures(void);

/* Memory of a test's own, zeroed, of any size. */
void *potad_test_memory(struct kunit *test, size_t bytes);

/* Runs @fn(@arg, 0), @fn(@arg, 1) ... on as many CPUs; returns when all have. */
void potad_test_parallel(struct kunit *test, unsigned int threads,
			 void (*fn)(void *arg, unsigned int me), void *arg);

/* For two of them: waits until the other has come to this @step, too. */
void potad_test_meet(atomic_t *steps, unsigned int me, int step);

/*
 * A race ends after a time (parameter race_ms), if not after a number of steps:
 * under KASAN and kmemleak one that takes memory can take milliseconds, and on
 * a busy host so can one that waits for a lock.
 */
u64 potad_test_deadline(void);
bool potad_test_time_left(u64 deadline);

/* Runs @fn(@arg) in a hardware interrupt. */
void potad_test_hardirq(struct kunit *test, void (*fn)(void *arg), void *arg);

/*
 * Takes a CPU away for good, or until it is brought back; skips the test where
 * that cannot be.
 */
void potad_test_cpu_down(struct kunit *test, unsigned int cpu);
void potad_test_cpu_up(struct kunit *test, unsigned int cpu);

/*
 * The @nth allocation of this task from now on that may fail, fails; 0: none.
 * (One that may wait for memory is spared by the kernel: use GFP_NOWAIT.)
 * Returns which one was still to come, 0 if it has come.
 */
unsigned int potad_test_fail_nth(struct kunit *test, unsigned int nth);

#endif /* POTAD_KUNIT_COMMON_H */

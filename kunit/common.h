/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites share: random numbers that can be had again, threads that
 * start at one moment, memory that is about to run out, and pools whose owners
 * write down what they are told.
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

#include "../module/pool/pool.h"

/* Physical addresses at which there is nothing: pools never look. */
#define POTAD_TEST_START	0x100000000000ULL

void potad_test_seed(struct kunit *test, struct rnd_state *rnd);
u32 potad_test_below(struct rnd_state *rnd, u32 limit);
void potad_test_shuffle(struct rnd_state *rnd, u32 *item, u32 nr);

/* Memory of a test's own, zeroed, of any size. */
void *potad_test_memory(struct kunit *test, size_t bytes);

/* Runs @fn(@arg, 0), @fn(@arg, 1) ... on as many CPUs; returns when all have. */
void potad_test_parallel(struct kunit *test, unsigned int threads,
			 void (*fn)(void *arg, unsigned int me), void *arg);

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
 * The @nth allocation of this task from now on that may fail, fails; 0: none.
 * (One that may wait for memory is spared by the kernel: use GFP_NOWAIT.)
 * Returns which one was still to come, 0 if it has come.
 */
unsigned int potad_test_fail_nth(struct kunit *test, unsigned int nth);

/**
 * struct potad_test_owner - who owns blocks of the types made here
 * @answer: what it answers to a failure
 * @hook: called when it is told of one, or NULL
 * @arg: for @hook
 * @inits: how often its init operation was called
 * @releases: and its release operation
 * @tells: and how often it was told of a failure
 * @failure: what it was told last; its @block points to @block
 * @block: the block that it was told of
 *
 * Handed to potad_alloc() as the argument; a pointer to it is what the
 * descriptor begins with.
 */
struct potad_test_owner {
	enum potad_answer	answer;
	void			(*hook)(struct potad_test_owner *owner);
	void			*arg;
	atomic_t		inits;
	atomic_t		releases;
	atomic_t		tells;
	struct potad_failure	failure;
	struct potad_block	block;
};

/* Kinds of types: by the size of their descriptors. */
struct potad_test_kind {
	const char		*name;
	unsigned int		desc_size;
};

#define POTAD_TEST_KINDS	6
extern const struct potad_test_kind potad_test_kinds[POTAD_TEST_KINDS];

/*
 * One type of each kind, for a suite: making a slab cache and waiting for its
 * end takes longer than most tests.
 */
extern struct potad_type *potad_test_types[POTAD_TEST_KINDS];
int potad_test_types_init(struct kunit_suite *suite);
void potad_test_types_exit(struct kunit_suite *suite);

struct potad_pool *potad_test_pool(struct kunit *test, u64 bytes, u64 granule);
struct potad_type *potad_test_type(struct kunit *test,
				   const struct potad_test_kind *kind);

/* Ends the test if the pool is not sound, or is not as it was once. */
void potad_test_sound(struct kunit *test, struct potad_pool *pool);
void potad_test_all_free(struct kunit *test, struct potad_pool *pool,
			 u64 retired);

#endif /* POTAD_KUNIT_COMMON_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools for tests, and blocks whose owners write down what they are told.
 *
 * Everything made here goes away with the test that asked for it.
 */
#ifndef POTAD_KUNIT_OWNERS_H
#define POTAD_KUNIT_OWNERS_H

#include "../module/pool/pool.h"
#include "common.h"

/* Physical addresses at which there is nothing: pools never look. */
#define POTAD_TEST_START	0x100000000000ULL

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

#endif /* POTAD_KUNIT_OWNERS_H */

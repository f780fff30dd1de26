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
 * @asked: how often it was asked to move
 * @stays: what it answers to that: 0 or an error
 * @move: called when it is asked, to answer instead, or NULL
 * @from: the block that it was asked to leave
 * @to: and where to
 * @dirtied: where in its block somebody has written
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
	atomic_t		asked;
	int			stays;
	int			(*move)(struct potad_test_owner *owner);
	struct potad_block	from;
	struct potad_block	to;
	u64			dirtied;
};

extern const struct potad_ops potad_test_owner_ops;

/* Kinds of types: by the size of their descriptors, mostly. */
struct potad_test_kind {
	const char		*name;
	unsigned int		desc_size;
	unsigned int		desc_align;
	unsigned int		flags;
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

/* A pool that serves the suite's types. */
struct potad_pool *potad_test_pool(struct kunit *test, u64 bytes, u64 granule);
struct potad_pool *potad_test_pool_with_holes(struct kunit *test, u64 bytes, u64 granule,
					      const struct potad_hole *holes,
					      unsigned int nr_holes);
bool potad_test_bind_types(struct potad_pool *pool);
void potad_test_pool_end(struct potad_pool *pool);

/*
 * A type of a test's own, from potad_type_create().  To be asked for before the pool
 * that it is bound to: what is made last goes first.
 */
struct potad_type *potad_test_type(struct kunit *test,
				   const struct potad_test_kind *kind);
struct potad_type *potad_test_type_kept(struct kunit *test, struct potad_type *type);

/* As potad_free_checked(), by somebody who has found out the generation. */
int potad_test_free_at(struct potad_pool *pool, phys_addr_t phys, unsigned int order,
		       struct potad_type *type);

enum potad_what potad_test_what(struct potad_pool *pool, phys_addr_t phys);

/* Ends the test if the pool is not sound, or is not as it was once. */
void potad_test_sound(struct kunit *test, struct potad_pool *pool);
void potad_test_all_free(struct kunit *test, struct potad_pool *pool,
			 u64 retired);

#endif /* POTAD_KUNIT_OWNERS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: a space as slow and as plain as can be.
 *
 * One byte for each granule says what it is.  The model never decides where a
 * block goes: it asks the space, and checks that the answer was possible, and
 * what follows from it exact:
 *
 * - a block that is handed out lies inside, is aligned, and was all free;
 * - "no such block" is said only when there is none;
 * - a free is refused just when it must be, with the errno that it must have;
 * - retired granules stay out, and failed ones leave with their block;
 * - what is free is merged as far as it can be, and nothing gets lost.
 *
 * Each function does in the space and in the model what its name says, and
 * ends the test at the first difference.
 */
#ifndef POTAD_KUNIT_MODEL_H
#define POTAD_KUNIT_MODEL_H

#include <kunit/test.h>

#include "../module/space/space.h"

#define POTAD_NOWHERE		U64_MAX

struct potad_model_block {
	u64			first;
	unsigned int		order;
};

/**
 * struct potad_model - a space and its model
 * @test: the test that made it
 * @space: the space
 * @nr: its granules
 * @ops: calls so far: says which one went wrong
 * @map: what each granule is
 * @live: the allocated blocks, in no order
 * @at: for the first granule of each of them, where it is in @live
 * @nr_live: how many
 * @stat: what the space says of itself
 * @blocks: free blocks by order, as counted from @map
 */
struct potad_model {
	struct kunit		*test;
	struct potad_space	*space;
	u64			nr;
	u64			ops;
	u8			*map;
	struct potad_model_block *live;
	u32			*at;
	u32			nr_live;
	struct potad_space_stat	stat;
	u64			blocks[POTAD_MAX_ORDER + 1];
};

struct potad_model *potad_model_create(struct kunit *test, u64 granules);

u64 potad_model_alloc(struct potad_model *m, unsigned int order);
int potad_model_free(struct potad_model *m, u64 granule, unsigned int order);
int potad_model_retire(struct potad_model *m, u64 granule);
int potad_model_restore(struct potad_model *m, u64 granule);
void potad_model_query(struct potad_model *m, u64 granule);

/* Allocates blocks of @order until there is none; how many there were. */
u64 potad_model_fill(struct potad_model *m, unsigned int order);
void potad_model_free_all(struct potad_model *m);

/* Everything that there is to compare; the space validates itself too. */
void potad_model_compare(struct potad_model *m);

#endif /* POTAD_KUNIT_MODEL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: a space as slow and as plain as can be.
 *
 * One byte for each granule says what it is, and beside that map there is a
 * list buddy (buddy.h), which must always agree.  The model never decides where
 * a block goes: it asks the space, and checks that the answer was possible, and
 * what follows from it exact:
 *
 * - a block that is handed out lies inside, is aligned, and was all free;
 * - "no such block" is said only when there is none, nor "no such run";
 * - a run is made of blocks as large as any run could be made of;
 * - a free is refused just when it must be, with the errno that it must have;
 * - retired granules stay out, and failed ones leave with their block;
 * - what is free is merged as far as it can be, within its span, and nothing
 *   gets lost.
 *
 * Each function does in the space and in the model what its name says, and
 * ends the test at the first difference.
 *
 * A model of a large space counts in units of 2^shift granules, all of them
 * together allocated or free.  Numbers and orders given to these functions, and
 * those they give, are then in units: order 0 is one.  What is retired of a
 * unit is its first granule.
 */
#ifndef POTAD_KUNIT_MODEL_H
#define POTAD_KUNIT_MODEL_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "../module/space/space.h"
#include "buddy.h"

#define POTAD_NOWHERE		U64_MAX
#define POTAD_MODEL_SPANS	8

struct potad_model_block {
	u64			first;
	unsigned int		order;
};

/* What a model is made over, in units. */
struct potad_test_span {
	u64			first;
	u64			nr;
};

/**
 * struct potad_model_span - a span that is there, or could be
 * @first: its first unit
 * @nr: how many
 * @present: the space has it
 * @map: what each unit is
 * @at: for the first unit of each allocated block, where it is in @live
 * @run: how many free units begin at each: filled in to look for runs
 * @buddy: what is free, once more
 */
struct potad_model_span {
	u64			first;
	u64			nr;
	bool			present;
	u8			*map;
	u32			*at;
	u32			*run;
	struct potad_buddy	*buddy;
};

/**
 * struct potad_model - a space and its model
 * @test: the test that made it
 * @space: the space
 * @shift: a unit is 2^shift granules
 * @nr: units of all spans that are present
 * @spans: how many spans there are in @span, present or not
 * @span: these
 * @any: blocks are of a kind taken at random; else all of @mobility
 * @mobility: of which kind the next one is
 * @rnd: for that
 * @ops: calls so far: says which one went wrong
 * @live: the allocated blocks, in no order
 * @nr_live: how many
 * @stat: what the space says of itself
 * @blocks: free blocks by order, as counted from the maps; in granules
 */
struct potad_model {
	struct kunit		*test;
	struct potad_space	*space;
	unsigned int		shift;
	u64			nr;
	unsigned int		spans;
	struct potad_model_span	span[POTAD_MODEL_SPANS];
	bool			any;
	enum potad_mobility	mobility;
	struct rnd_state	rnd;
	u64			ops;
	struct potad_model_block *live;
	u32			nr_live;
	struct potad_space_stat	stat;
	u64			blocks[POTAD_MAX_ORDER + 1];
};

/* Of one span, from 0 on; of several; of a space that is there, all free. */
struct potad_model *potad_model_create(struct kunit *test, u64 granules);
struct potad_model *potad_model_create_spans(struct kunit *test,
					     const struct potad_test_span *spans,
					     unsigned int nr, unsigned int shift,
					     bool populate);
struct potad_model *potad_model_create_on(struct kunit *test,
					  struct potad_space *space,
					  const struct potad_test_span *span);

/* A random unit: of a span, present or not, or the one before or behind it. */
u64 potad_model_place(struct potad_model *m, struct rnd_state *rnd);

u64 potad_model_alloc(struct potad_model *m, unsigned int order);
int potad_model_free(struct potad_model *m, u64 unit, unsigned int order);
int potad_model_alloc_run(struct potad_model *m, struct potad_run *run);
int potad_model_free_run(struct potad_model *m, u64 first, u64 nr);
int potad_model_retire(struct potad_model *m, u64 unit);
int potad_model_restore(struct potad_model *m, u64 unit);
void potad_model_query(struct potad_model *m, u64 unit);
int potad_model_add_span(struct potad_model *m, unsigned int i, bool populate);
int potad_model_remove_span(struct potad_model *m, unsigned int i);

/* Allocates blocks of @order until there is none; how many there were. */
u64 potad_model_fill(struct potad_model *m, unsigned int order);
void potad_model_free_all(struct potad_model *m);

/* The order of the largest block that could ever be, and that is free; or -1. */
int potad_model_max_order(const struct potad_model *m);
int potad_model_largest(const struct potad_model *m);

/* Everything that there is to compare; the space validates itself too. */
void potad_model_compare(struct potad_model *m);
/* That, and each unit by itself. */
void potad_model_compare_units(struct potad_model *m);

#endif /* POTAD_KUNIT_MODEL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: a space, a cache in front of it, and what they must be like.
 *
 * One byte for each number says what it is.  Each function does in the space
 * and in the model what its name says, and ends the process at the first
 * difference, with what was being done.  The model never decides where
 * a block goes: it checks that the answer was possible, and that a refusal was
 * not wrong: there is no such block, or no such run, by looking at all places.
 *
 * What is cached counts as free here; potad_space_stat() plus what the cache
 * says it has must be the same.  For one thread; any call may be told that its
 * nth allocation of memory fails, and then either succeeds or changes nothing.
 */
#ifndef POTAD_HOST_MODEL_H
#define POTAD_HOST_MODEL_H

#include <linux/types.h>

#include "../../module/space/cache.h"
#include "../../module/space/space.h"

/* Three groups, and a bit: tiers 0 and 1. */
#define MODEL_NR		(3U * 65536 + 600)
#define MODEL_SPANS		6
#define MODEL_BLOCKS		512

enum model_state {
	MODEL_NOT_THERE, MODEL_FREE, MODEL_TAKEN, MODEL_RETIRED,
	MODEL_FAILED,			/* taken, and retires when it comes back */
};

struct model_block {
	u64		first;
	unsigned int	order;
	enum potad_mobility mobility;
};

struct model_span {
	u64		first, end;
};

struct model {
	struct potad_space *space;
	struct potad_cache __percpu *cache;
	unsigned int	nr_blocks;
	unsigned int	nr_spans;
	u64		count[MODEL_FAILED + 1];	/* granules by state */
	const char	*doing;
	u64		calls;
	struct model_span span[MODEL_SPANS];
	struct model_block block[MODEL_BLOCKS];
	u8		map[MODEL_NR];
};

void model_create(struct model *m);
void model_destroy(struct model *m);

void model_add_span(struct model *m, u64 first, u64 nr, bool populate);
void model_remove_span(struct model *m, u64 first);
void model_alloc(struct model *m, unsigned int order, unsigned int mobility,
		 bool cached);
void model_alloc_some(struct model *m, unsigned int order, unsigned int mobility,
		      unsigned int nr);
/* The block of that index. */
void model_free(struct model *m, unsigned int i, bool cached);
/* Anything: most often there is no such block. */
void model_free_any(struct model *m, u64 granule, unsigned int order);
void model_alloc_run(struct model *m, struct potad_run *run, bool cached);
void model_free_run(struct model *m, u64 first, u64 nr);
void model_retire(struct model *m, u64 granule);
void model_restore(struct model *m, u64 granule);
void model_query(struct model *m, u64 granule);
void model_cache(struct model *m, bool on);
void model_strict(struct model *m, bool strict);
void model_drain(struct model *m);
void model_shrink(struct model *m);
/* Everything that there is to compare; the space validates itself too. */
void model_compare(struct model *m);

#endif /* POTAD_HOST_MODEL_H */

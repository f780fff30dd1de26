/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A space: power-of-two blocks over any numbers.
 *
 * The numbers are granules; what a granule stands for (512 bytes of memory, a
 * swap slot, an I/O address) is the caller's business.  The space never
 * touches what it manages, and keeps about two bits for each granule in memory
 * of its own.
 *
 * A space is made of spans: stretches of numbers, of any length, from anywhere.
 * What lies between them is not there.  No block, free or not, reaches from one
 * span into the next, even where they touch: that is what borders of nodes and
 * zones are for.
 *
 * Who owns what: a block belongs to the caller from potad_space_alloc() to
 * potad_space_free().  The caller remembers its first granule and its order;
 * the space knows enough to refuse a free that does not match.
 *
 * All functions but those that say otherwise may be called from any context
 * except NMI, with any locks held and interrupts in any state; they do not
 * sleep.  Only two kinds ever take memory: those that make something (a space,
 * a span, a mark), and an allocation from a span that is populated on the way
 * down.  A free never does.
 *
 * The idea of a power-of-two allocator for any numbered space was put to
 * linux-mm in 2021 by Matthew Wilcox, with reference to the vmem allocator of
 * Bonwick and Adams (USENIX 2001).  The radix-256 form is potad's own.
 */
#ifndef POTAD_SPACE_H
#define POTAD_SPACE_H

#include <linux/types.h>

#include "../include/mobility.h"

struct potad_space;

/* Orders 0..47: three tiers of 16 orders. */
#define POTAD_MAX_ORDER		47
/* Numbers are below this. */
#define POTAD_SPACE_END		(1ULL << (POTAD_MAX_ORDER + 1))

enum potad_state {
	POTAD_FREE,		/* can be handed out */
	POTAD_ALLOCATED,	/* part of a block that somebody has */
	POTAD_RETIRED,		/* never handed out again */
};

/**
 * struct potad_extent - what a granule is part of
 * @first: first granule of the block
 * @order: its order: for a free granule, of the largest free block around it;
 *	   for a retired one 0
 * @state: what it is
 * @failed: allocated, but this granule retires when its block comes back
 */
struct potad_extent {
	u64			first;
	unsigned int		order;
	enum potad_state	state;
	bool			failed;
};

/**
 * struct potad_run - adjacent blocks that make up what one block cannot
 * @nr: how many granules are wanted: any number, 1 or more
 * @align: order to which the first must be aligned; the run is made of blocks
 *	   of this order at the least (but for what is left at the end, if @nr
 *	   is not a multiple of it)
 * @min: lowest granule that it may have
 * @max: highest; U64_MAX for any
 * @nocross: if not 0: no two granules of it lie on two sides of a multiple of
 *	     2^nocross
 * @mobility: of what kind it is
 * @first: set to the first granule
 * @order: set to the order of the blocks that it is made of
 * @tried: set to the orders that were tried: bit k for order k
 */
struct potad_run {
	u64			nr;
	unsigned int		align;
	u64			min;
	u64			max;
	unsigned int		nocross;
	enum potad_mobility	mobility;

	u64			first;
	unsigned int		order;
	u64			tried;
};

/**
 * struct potad_space_stat - sums over a space, in granules
 * @total: granules of the space; always @free + @allocated + @retired
 * @free: can be handed out
 * @allocated: in somebody's block, the @pending ones too
 * @retired: out of use for good
 * @pending: failed while allocated; will be retired
 * @blocks: free blocks by order, each as large as it can be
 * @spans: how many spans there are
 * @metadata: bytes of memory that the space itself uses
 *
 * Exact when nothing changes meanwhile; otherwise what is free in each group of
 * 65536 granules is counted at a moment of its own, and @blocks in each leaf of 256.
 */
struct potad_space_stat {
	u64	total;
	u64	free;
	u64	allocated;
	u64	retired;
	u64	pending;
	u64	blocks[POTAD_MAX_ORDER + 1];
	u64	spans;
	u64	metadata;
};

/* Process context; may sleep. */
struct potad_space *potad_space_create(u64 granules);	/* one span, populated */
struct potad_space *potad_space_create_empty(void);	/* no span yet */
void potad_space_destroy(struct potad_space *s);

/*
 * Without slab, vmalloc or per-CPU allocator: all that the space will ever need
 * is in @reserve (aligned to 64 bytes), which stays the caller's.  size: from
 * potad_space_reserve_size().  -ENOSPC: it is too small.
 */
size_t potad_space_reserve_size(u64 first, u64 granules);
struct potad_space *potad_space_create_reserved(u64 first, u64 granules,
						void *reserve, size_t size);

/*
 * Process context; may sleep.
 * -EINVAL: empty, or beyond POTAD_SPACE_END; -EEXIST: overlaps another span;
 * -ENOMEM.  populate: take all memory now; otherwise groups of 65536 granules
 * get theirs when they are first used, and an allocation can fail for lack of
 * it (-ENOMEM).
 */
int potad_space_add_span(struct potad_space *s, u64 first, u64 granules,
			 bool populate);
/* -ENOENT: no span begins there; -EBUSY: there are blocks in it. */
int potad_space_remove_span(struct potad_space *s, u64 first);

int potad_space_alloc(struct potad_space *s, unsigned int order,
		      enum potad_mobility mobility, u64 *granule);
int potad_space_alloc_some(struct potad_space *s, unsigned int order,
			   enum potad_mobility mobility, u64 *granules,
			   unsigned int nr);
int potad_space_free(struct potad_space *s, u64 granule, unsigned int order);

/* Process context; may sleep, and populate. */
int potad_space_alloc_at(struct potad_space *s, u64 granule, unsigned int order,
			 enum potad_mobility mobility);
int potad_space_alloc_run(struct potad_space *s, struct potad_run *run);
/* All the blocks in first .. first + nr - 1, or a part of a run or of a block. */
int potad_space_free_run(struct potad_space *s, u64 first, u64 nr);

/* Process context; may sleep. */
int potad_space_retire(struct potad_space *s, u64 granule);
int potad_space_restore(struct potad_space *s, u64 granule);

bool potad_space_has_failed(struct potad_space *s, u64 granule,
			    unsigned int order);

int potad_space_query(struct potad_space *s, u64 granule,
		      struct potad_extent *extent);
bool potad_space_pending(const struct potad_space *s);
u64 potad_space_size(const struct potad_space *s);	/* granules of all spans */
unsigned int potad_space_max_order(const struct potad_space *s);

/* Process context; may sleep. */
void potad_space_stat(struct potad_space *s, struct potad_space_stat *stat);
const char *potad_space_validate(struct potad_space *s);

#endif /* POTAD_SPACE_H */

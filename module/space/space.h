/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A space: power-of-two blocks over the numbers 0 .. n-1.
 *
 * The numbers are granules; what a granule stands for (512 bytes of memory, a
 * swap slot, an I/O address) is the caller's business.  The space never
 * touches what it manages, and keeps about two bits for each granule in memory
 * of its own.
 *
 * Who owns what: a block belongs to the caller from potad_space_alloc() to
 * potad_space_free().  The caller remembers its first granule and its order;
 * the space knows enough to refuse a free that does not match.
 *
 * All functions but create, destroy, retire and restore may be called from
 * any context except NMI, with any locks held and interrupts in any state;
 * they neither sleep nor allocate.
 *
 * The idea of a power-of-two allocator for any numbered space was put to
 * linux-mm in 2021 by Matthew Wilcox, with reference to the vmem allocator of
 * Bonwick and Adams (USENIX 2001).  The radix-256 form is potad's own.
 */
#ifndef POTAD_SPACE_H
#define POTAD_SPACE_H

#include <linux/types.h>

struct potad_space;

/* Orders 0..47: three tiers of 16 orders. */
#define POTAD_MAX_ORDER		47

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
 * struct potad_space_stat - sums over a space, in granules
 * @total: granules of the space; always @free + @allocated + @retired
 * @free: can be handed out
 * @allocated: in somebody's block, the @pending ones too
 * @retired: out of use for good
 * @pending: failed while allocated; will be retired
 * @blocks: free blocks by order, each as large as it can be
 * @metadata: bytes of memory that the space itself uses
 *
 * Exact when nothing changes meanwhile; otherwise each group of 65536 granules
 * is counted at a moment of its own.
 */
struct potad_space_stat {
	u64	total;
	u64	free;
	u64	allocated;
	u64	retired;
	u64	pending;
	u64	blocks[POTAD_MAX_ORDER + 1];
	u64	metadata;
};

struct potad_space *potad_space_create(u64 granules);
void potad_space_destroy(struct potad_space *s);

int potad_space_alloc(struct potad_space *s, unsigned int order, u64 *granule);
int potad_space_alloc_some(struct potad_space *s, unsigned int order,
			   u64 *granules, unsigned int nr);
int potad_space_free(struct potad_space *s, u64 granule, unsigned int order);

int potad_space_retire(struct potad_space *s, u64 granule);
int potad_space_restore(struct potad_space *s, u64 granule);
bool potad_space_has_failed(struct potad_space *s, u64 granule,
			    unsigned int order);

int potad_space_query(struct potad_space *s, u64 granule,
		      struct potad_extent *extent);
void potad_space_stat(struct potad_space *s, struct potad_space_stat *stat);
bool potad_space_pending(const struct potad_space *s);
u64 potad_space_size(const struct potad_space *s);
unsigned int potad_space_max_order(const struct potad_space *s);

const char *potad_space_validate(struct potad_space *s);

#endif /* POTAD_SPACE_H */

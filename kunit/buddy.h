/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A buddy system as in the textbooks: one list of free blocks for each order.
 *
 * The second model of a space, beside the map of bytes in model.h.  It knows
 * what is free, nothing more.  Where the map finds out by looking, this one has
 * it written down, splits and merges; so the two can hardly be wrong together.
 *
 * A block is named by its first granule, which is a multiple of its size.
 */
#ifndef POTAD_KUNIT_BUDDY_H
#define POTAD_KUNIT_BUDDY_H

#include <kunit/test.h>
#include <linux/types.h>

#include "../module/space/space.h"

struct potad_buddy_link {
	u32			next, prev;	/* indexes + 1; 0: none */
	u8			order;		/* of the free block here, + 1 */
};

/**
 * struct potad_buddy - the free blocks of one stretch of numbers
 * @first: its first granule
 * @nr: how many there are
 * @free: how many of them are free
 * @head: for each order, the first of the list: index + 1, or 0
 * @blocks: for each order, how many there are
 * @link: for each granule
 */
struct potad_buddy {
	u64			first;
	u64			nr;
	u64			free;
	u32			head[POTAD_MAX_ORDER + 1];
	u64			blocks[POTAD_MAX_ORDER + 1];
	struct potad_buddy_link *link;
};

struct potad_buddy *potad_buddy_create(struct kunit *test, u64 first, u64 nr);

/* All free, or none; as large as the blocks can be. */
void potad_buddy_fill(struct potad_buddy *b);
void potad_buddy_empty(struct potad_buddy *b);

/* False, and nothing is changed, if not all of the block is free. */
bool potad_buddy_take(struct potad_buddy *b, u64 granule, unsigned int order);
void potad_buddy_give(struct potad_buddy *b, u64 granule, unsigned int order);

/* The order of the largest free block, or -1. */
int potad_buddy_largest(const struct potad_buddy *b);

#endif /* POTAD_KUNIT_BUDDY_H */

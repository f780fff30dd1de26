/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A buddy allocator out of the textbook: what the native one cannot be faster
 * than.
 *
 * Free lists by order, 0..10, over an array with an entry for each page, one
 * lock for all; and lists of blocks of orders 0..3 for each CPU, filled and
 * emptied 64 pages at a time.  No zones, flags, watermarks, migrate types,
 * accounting; and the CPUs' lists have no lock.  The first page of a free block
 * is written to only in the array, never in itself.
 */
#ifndef POTAD_HOST_BUDDY_H
#define POTAD_HOST_BUDDY_H

#include <linux/types.h>

#define BUDDY_MAX_ORDER		10
#define BUDDY_NOWHERE		U64_MAX

struct buddy;

struct buddy *buddy_create(u64 pages);
void buddy_destroy(struct buddy *b);
u64 buddy_alloc(struct buddy *b, unsigned int order);
void buddy_free(struct buddy *b, u64 page, unsigned int order);
/* This CPU's lists are emptied. */
void buddy_drain(struct buddy *b);

#endif /* POTAD_HOST_BUDDY_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A node: what 256 neighbouring units are, in one cache line.
 *
 * A unit is whatever the level above cuts into 256: a granule, 256 granules,
 * 65536 granules ...  Two bits a unit, kept as two maps so that all work is
 * done on whole words:
 *
 *	         unit 255                                unit 0
 *	free[4]  MSB . . . . . . . . . . . . . . . . . . . LSB
 *	head[4]  MSB . . . . . . . . . . . . . . . . . . . LSB
 *
 *	free head
 *	  0    0   inside an allocated block (or a node that nobody uses: all 0)
 *	  0    1   first unit of an allocated block
 *	  1    0   free
 *	  1    1   broken: look below for what it is made of; where there is no
 *	           below (a granule) it is retired, and never comes back
 *
 * A block of order k is 2^k units, aligned to 2^k, and lies in one node
 * (k < 8; 256 units are one unit of the node above).  Merging is implicit:
 * two free buddies are two set bits side by side.  Nothing else records what
 * is free, so there is nothing else to keep in step.
 *
 * Because the first unit of a block is marked, the end of it can be seen as
 * well (the next unit that is not 00), and so a free of half a block, of two
 * blocks, of the inside of one or of nothing at all is told from a good one
 * by looking at this line alone.
 *
 * @n: a node, @i: a unit's index in it (0..255), @k: an order (0..7),
 * @w: a word's index (0..3).  The owner of the node does the locking.
 */
#ifndef POTAD_SPACE_NODE_H
#define POTAD_SPACE_NODE_H

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/types.h>

#define POTAD_NODE_SHIFT	8
#define POTAD_NODE_UNITS	256U
#define POTAD_NODE_WORDS	(POTAD_NODE_UNITS / 64)

struct potad_node {
	u64 free[POTAD_NODE_WORDS];
	u64 head[POTAD_NODE_WORDS];
} __aligned(64);
static_assert(sizeof(struct potad_node) == 64);
static_assert(POTAD_NODE_UNITS >> POTAD_NODE_SHIFT == 1);

enum potad_code {
	POTAD_CODE_INSIDE	= 0,
	POTAD_CODE_HEAD		= 1,
	POTAD_CODE_FREE		= 2,
	POTAD_CODE_BROKEN	= 3,
};

static inline enum potad_code potad_node_code(const struct potad_node *n,
					      unsigned int i)
{
	unsigned int w = i / 64, bit = i % 64;

	return ((n->free[w] >> bit) & 1) << 1 | ((n->head[w] >> bit) & 1);
}

/* The units of word @w that a block may be cut from. */
static inline u64 potad_node_avail(const struct potad_node *n, unsigned int w)
{
	return n->free[w] & ~n->head[w];
}

/* Within one word: the bits of the 2^@k units that start at bit @i % 64. */
static inline u64 potad_node_mask(unsigned int i, unsigned int k)
{
	return (k < 6 ? (1ULL << (1U << k)) - 1 : ~0ULL) << (i % 64);
}

/* How many words a block of order @k spans. */
static inline unsigned int potad_node_span(unsigned int k)
{
	return k > 6 ? 1U << (k - 6) : 1;
}

/* Sets the code of the 2^@k units at @i: all of them alike. */
static inline void potad_node_set(struct potad_node *n, unsigned int i,
				  unsigned int k, enum potad_code code)
{
	u64 mask = potad_node_mask(i, k);
	unsigned int w = i / 64, end = w + potad_node_span(k);

	for (; w < end; w++) {
		if (code & POTAD_CODE_FREE)
			n->free[w] |= mask;
		else
			n->free[w] &= ~mask;
		if (code & POTAD_CODE_HEAD)
			n->head[w] |= mask;
		else
			n->head[w] &= ~mask;
	}
}

/* Makes the 2^@k free units at @i one allocated block. */
static inline void potad_node_take(struct potad_node *n, unsigned int i,
				   unsigned int k)
{
	potad_node_set(n, i, k, POTAD_CODE_INSIDE);
	n->head[i / 64] |= 1ULL << (i % 64);
}

static inline bool potad_node_whole(const struct potad_node *n)
{
	return (potad_node_avail(n, 0) & potad_node_avail(n, 1) &
		potad_node_avail(n, 2) & potad_node_avail(n, 3)) == ~0ULL;
}

static inline void potad_node_fill(struct potad_node *n, enum potad_code code)
{
	potad_node_set(n, 0, POTAD_NODE_SHIFT, code);
}

/* Is all of the aligned block of order @k around @i free? */
static inline bool potad_node_is_free(const struct potad_node *n,
				      unsigned int i, unsigned int k)
{
	unsigned int w, end;
	u64 mask;

	i &= ~((1U << k) - 1);
	mask = potad_node_mask(i, k);
	for (w = i / 64, end = w + potad_node_span(k); w < end; w++)
		if ((potad_node_avail(n, w) & mask) != mask)
			return false;
	return true;
}

/* The order of the largest free block that the free unit @i is part of. */
static inline unsigned int potad_node_merged(const struct potad_node *n,
					     unsigned int i, unsigned int k)
{
	u64 avail = potad_node_avail(n, i / 64), mask;

	for (; k < 6; k++) {
		mask = potad_node_mask(i & ~((2U << k) - 1), k + 1);
		if ((avail & mask) != mask)
			return k;
	}
	while (k < POTAD_NODE_SHIFT && potad_node_is_free(n, i, k + 1))
		k++;
	return k;
}

/* The allocated block of order @k at @i becomes free. */
static inline void potad_node_release(struct potad_node *n, unsigned int i,
				      unsigned int k)
{
	u64 mask = potad_node_mask(i, k);
	unsigned int w = i / 64, end = w + potad_node_span(k);

	n->head[w] &= ~(1ULL << (i % 64));
	for (; w < end; w++)
		n->free[w] |= mask;
}

/* Is there just one allocated block of order @k at @i? */
static inline bool potad_node_is_block(const struct potad_node *n,
				       unsigned int i, unsigned int k)
{
	unsigned int w = i / 64, last = w + potad_node_span(k) - 1;
	unsigned int next = i + (1U << k);
	u64 mask = potad_node_mask(i, k), first = 1ULL << (i % 64);

	if ((n->free[w] & mask) || (n->head[w] & mask) != first)
		return false;
	for (w++; w <= last; w++)
		if (n->free[w] | n->head[w])
			return false;
	return next == POTAD_NODE_UNITS ||
	       potad_node_code(n, next) != POTAD_CODE_INSIDE;
}

int potad_node_find(const struct potad_node *n, unsigned int k);
unsigned int potad_node_cut(struct potad_node *n, unsigned int k, u32 *units,
			    u32 base, unsigned int nr);
bool potad_node_free_row(struct potad_node *n, unsigned int i, unsigned int k,
			 unsigned int nr);
u64 potad_node_pieces(const struct potad_node *n, unsigned int w,
		      unsigned int k);
int potad_node_class_upto(const struct potad_node *n, int bound);
unsigned int potad_node_block(const struct potad_node *n, unsigned int i,
			      unsigned int *k);

/* The order of the largest free block, 0..8, or -1 if nothing is free. */
static inline int potad_node_class(const struct potad_node *n)
{
	return potad_node_class_upto(n, POTAD_NODE_SHIFT);
}

#endif /* POTAD_SPACE_NODE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A group: one top node over 256 leaf nodes, 65536 units, and one lock.
 *
 *	line 0        lock, counters, which classes are there
 *	line 1        top node: a unit is a whole leaf        orders 8..15
 *	lines 2-13    index[m][c]: the leaves of mobility m
 *	              whose largest free block has order c
 *	lines 14-17   of each leaf, its class and mobility:
 *	              the index the other way round
 *	lines 18-273  leaf nodes: a unit is a unit            orders 0..7
 *
 * A leaf is in one of two states, told by its unit in the top node:
 * - broken: its own maps say what its units are;
 * - anything else (free, or a part of an allocated block of order 8 and up):
 *   nobody looks below, and its maps are all zero.  "All zero" is what lets a
 *   free of a small block check the leaf only: no head, no block.
 *
 * The same holds for a group as a whole.  A group that is a free unit of the
 * tier above, or a part of a block there, has a top node of zeroes: dormant.
 *
 * Of the leaves with room, the one with the smallest sufficient free block is
 * taken, lowest address first, so that whole leaves stay whole; a whole leaf
 * is broken only when no broken one will do.  A leaf belongs to the mobility
 * for which it was broken, until it is whole again: others get of it only when
 * there is nothing else (@steal).
 *
 * @g: a group, @u: a unit in it (0..65535), @k: an order (0..15), @l: a leaf's
 * index (0..255), @m: a mobility.  All functions expect g->lock to be held, by
 * a caller that has interrupts off, unless they say otherwise.
 */
#ifndef POTAD_SPACE_GROUP_H
#define POTAD_SPACE_GROUP_H

#include <linux/list.h>
#include <linux/spinlock.h>

#include "node.h"
#include "space.h"

#define POTAD_GROUP_SHIFT	(2 * POTAD_NODE_SHIFT)
#define POTAD_GROUP_UNITS	(POTAD_NODE_UNITS * POTAD_NODE_UNITS)
#define POTAD_CLASSES		POTAD_NODE_SHIFT
#define POTAD_NO_CLASS		0xf

struct potad_row;
struct potad_span;

struct potad_group {
	raw_spinlock_t	lock;		/* protects all but the constants    */
	u32		nr_free;	/* free units			     */
	u32		nr_broken;	/* units of code BROKEN in leaves:   */
					/* retired, holes, in use one tier   */
					/* below			     */
	u8		classes[POTAD_MOBILITIES]; /* bit c: index[m][c] is  */
					/* not empty			     */
	s8		top_class;	/* largest free block in @top, or -1 */
	u32		hint;		/* what @row was told last	     */
	u8		mobility;	/* for which it was woken, or NONE   */
	u8		listed;		/* in which of @row's bitmaps it is */

	/* Constant; span.c's. */
	u8		tier;
	u64		nr;		/* first unit >> POTAD_GROUP_SHIFT   */
	struct potad_span *span;
	struct potad_row *row;

	struct list_head pending;	/* failed granules in allocated	     */
					/* blocks: retired when these come   */
					/* back				     */

	struct potad_node top;
	u64		index[POTAD_MOBILITIES][POTAD_CLASSES][POTAD_NODE_WORDS];
	u8		leaf[POTAD_NODE_UNITS];		/* class | mobility << 4 */
	struct potad_node node[POTAD_NODE_UNITS];	/* of the leaves */
} __aligned(64);

/* @mobility of a group that was there from the beginning: all are welcome. */
#define POTAD_MOBILITY_NONE	POTAD_MOBILITIES

static inline unsigned int potad_leaf_class(const struct potad_group *g,
					    unsigned int l)
{
	return g->leaf[l] & 0xf;
}

static inline bool potad_group_is_whole(const struct potad_group *g)
{
	return g->nr_free == POTAD_GROUP_UNITS;
}

static inline bool potad_group_is_dormant(const struct potad_group *g)
{
	unsigned int w;

	for (w = 0; w < POTAD_NODE_WORDS; w++)
		if (g->top.free[w] | g->top.head[w])
			return false;
	return true;
}

void potad_group_init(struct potad_group *g);
void potad_group_seed(struct potad_group *g, unsigned int from, unsigned int to);
void potad_group_wake(struct potad_group *g, unsigned int m);
void potad_group_sleep(struct potad_group *g);
int potad_group_alloc(struct potad_group *g, unsigned int k, unsigned int m,
		      bool steal, u32 *units, unsigned int nr);
int potad_group_lend(struct potad_group *g);
int potad_group_take(struct potad_group *g, unsigned int u, unsigned int k,
		     unsigned int m);
bool potad_group_is_block(const struct potad_group *g, unsigned int u,
			  unsigned int k);
unsigned int potad_group_free(struct potad_group *g, unsigned int k,
			      const u32 *units, unsigned int nr);
void potad_group_return(struct potad_group *g, unsigned int u);
void potad_group_break(struct potad_group *g, unsigned int u);
void potad_group_open(struct potad_group *g, unsigned int u);
void potad_group_split(struct potad_group *g, unsigned int u, unsigned int k);
enum potad_code potad_group_code(const struct potad_group *g, unsigned int u,
				 bool *in_top);
const char *potad_group_check(const struct potad_group *g);

#endif /* POTAD_SPACE_GROUP_H */

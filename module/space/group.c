// SPDX-License-Identifier: GPL-2.0
/*
 * A group: 65536 units under one lock.  The layout is drawn in group.h.
 *
 * What holds between any two calls, and potad_group_check() recomputes:
 * - a leaf that is not broken is all zero, and in no class;
 * - a broken leaf is in index[c] just if c is the order of its largest free
 *   block; leaf_class[] says the same; no leaf is wholly free (it is a free
 *   unit of the top node instead);
 * - @classes has bit c set just if index[c] is not empty; @top_class is the
 *   order of the largest free block of the top node;
 * - @nr_free and @nr_broken are the sums over the maps;
 * - every run of code INSIDE follows a HEAD, and is with it as long as a power
 *   of two, and aligned.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "group.h"

void potad_group_init(struct potad_group *g)
{
	raw_spin_lock_init(&g->lock);
	INIT_LIST_HEAD(&g->pending);
	memset(g->leaf_class, POTAD_NO_CLASS, sizeof(g->leaf_class));
	g->top_class = -1;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_init);

static void leaf_reclass(struct potad_group *g, unsigned int l, u8 class)
{
	unsigned int w = l / 64;
	u64 bit = 1ULL << (l % 64);
	u64 *index;
	u8 old = g->leaf_class[l];

	if (old == class)
		return;
	if (old != POTAD_NO_CLASS) {
		index = g->index[old];
		index[w] &= ~bit;
		if (!(index[0] | index[1] | index[2] | index[3]))
			g->classes &= ~(1U << old);
	}
	if (class != POTAD_NO_CLASS) {
		g->index[class][w] |= bit;
		g->classes |= 1U << class;
	}
	g->leaf_class[l] = class;
}

/* The lowest leaf in a class; -1 if it is empty. */
static int index_first(const u64 *index)
{
	unsigned int w;

	for (w = 0; w < POTAD_NODE_WORDS; w++)
		if (index[w])
			return w * 64 + __ffs64(index[w]);
	return -1;
}

/* The maps of leaf @l have lost some free units. */
static void leaf_shrunk(struct potad_group *g, unsigned int l)
{
	int class = potad_node_class(&g->leaf[l]);

	leaf_reclass(g, l, class < 0 ? POTAD_NO_CLASS : class);
}

/* Breaks the free leaf @l: from now on its own maps count. */
static void leaf_break(struct potad_group *g, unsigned int l)
{
	potad_node_set(&g->top, l, 0, POTAD_CODE_BROKEN);
	g->top_class = potad_node_class(&g->top);
	potad_node_fill(&g->leaf[l], POTAD_CODE_FREE);
}

/**
 * potad_group_seed() - the first content of a group
 * @g: a dormant group
 * @units: how many of its units there are, 0..65535
 *
 * The first @units units become free, the others are holes: broken for ever,
 * or, in an upper tier, what the tier below is made of.
 */
void potad_group_seed(struct potad_group *g, unsigned int units)
{
	unsigned int l, full = units / POTAD_NODE_UNITS;

	potad_node_fill(&g->top, POTAD_CODE_BROKEN);
	for (l = 0; l < full; l++)
		potad_node_set(&g->top, l, 0, POTAD_CODE_FREE);
	for (; l < POTAD_NODE_UNITS; l++) {
		unsigned int u = l * POTAD_NODE_UNITS, i;

		potad_node_fill(&g->leaf[l], POTAD_CODE_BROKEN);
		for (i = 0; u + i < units; i++)
			potad_node_set(&g->leaf[l], i, 0, POTAD_CODE_FREE);
		leaf_shrunk(g, l);
	}
	g->top_class = potad_node_class(&g->top);
	g->nr_free = units;
	g->nr_broken = POTAD_GROUP_UNITS - units;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_seed);

/* Makes a dormant group, just taken from the tier above, wholly free. */
void potad_group_wake(struct potad_group *g)
{
	potad_node_fill(&g->top, POTAD_CODE_FREE);
	g->top_class = POTAD_NODE_SHIFT;
	g->nr_free = POTAD_GROUP_UNITS;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_wake);

/* Makes a wholly free group dormant: it is about to be a unit above. */
void potad_group_sleep(struct potad_group *g)
{
	potad_node_fill(&g->top, POTAD_CODE_INSIDE);
	g->top_class = -1;
	g->nr_free = 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_sleep);

/* The largest order that can be had, 0..16, or -1. */
int potad_group_order(const struct potad_group *g)
{
	if (g->top_class >= 0)
		return POTAD_NODE_SHIFT + g->top_class;
	return fls(g->classes) - 1;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_order);

/**
 * potad_group_alloc() - cut a block
 * @g: the group
 * @k: order of the block, 0..15
 * @broken: mark its only unit broken, not allocated (@k is 0): it goes to the
 *	    tier below
 *
 * Return: the first unit; -ENOSPC if there is no such block; -EUCLEAN if a
 * class promised one and its node has none, so that somebody has overwritten
 * them: nothing is handed out.
 */
int potad_group_alloc(struct potad_group *g, unsigned int k, bool broken)
{
	int l, i;

	if (k >= POTAD_NODE_SHIFT) {
		if (g->top_class < (int)(k - POTAD_NODE_SHIFT))
			return -ENOSPC;
		i = potad_node_find(&g->top, k - POTAD_NODE_SHIFT);
		if (WARN_ON_ONCE(i < 0))
			return -EUCLEAN;
		potad_node_take(&g->top, i, k - POTAD_NODE_SHIFT);
		g->top_class = potad_node_class(&g->top);
		g->nr_free -= 1U << k;
		return i * POTAD_NODE_UNITS;
	}

	if (g->classes >> k) {
		l = index_first(g->index[k + __ffs(g->classes >> k)]);
	} else if (g->top_class >= 0) {
		l = potad_node_find(&g->top, 0);
		if (l >= 0)
			leaf_break(g, l);
	} else {
		return -ENOSPC;
	}

	i = l < 0 ? -1 : potad_node_find(&g->leaf[l], k);
	if (WARN_ON_ONCE(i < 0))
		return -EUCLEAN;
	if (broken) {
		potad_node_set(&g->leaf[l], i, 0, POTAD_CODE_BROKEN);
		g->nr_broken++;
	} else {
		potad_node_take(&g->leaf[l], i, k);
	}
	leaf_shrunk(g, l);
	g->nr_free -= 1U << k;
	return l * POTAD_NODE_UNITS + i;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_alloc);

/**
 * potad_group_is_block() - is just this block allocated?
 * @g: the group
 * @u: its first unit, aligned to @k
 * @k: its order, 0..15
 *
 * Return: true if an allocated block starts at @u and has order @k: not
 * larger, not smaller, not free.
 */
bool potad_group_is_block(struct potad_group *g, unsigned int u, unsigned int k)
{
	if (k >= POTAD_NODE_SHIFT)
		return potad_node_is_block(&g->top, u / POTAD_NODE_UNITS,
					   k - POTAD_NODE_SHIFT);
	return potad_node_is_block(&g->leaf[u / POTAD_NODE_UNITS],
				   u % POTAD_NODE_UNITS, k);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_is_block);

/**
 * potad_group_free() - a block comes back
 * @g: the group
 * @u: its first unit
 * @k: its order, 0..15; a broken unit that has become whole again: 0
 *
 * The caller has checked it with potad_group_is_block(), or is the tier below.
 * May leave the group wholly free: see potad_group_is_whole().
 */
void potad_group_free(struct potad_group *g, unsigned int u, unsigned int k)
{
	unsigned int l = u / POTAD_NODE_UNITS, i = u % POTAD_NODE_UNITS, class;
	struct potad_node *leaf = &g->leaf[l];

	g->frees++;
	g->nr_free += 1U << k;

	if (k < POTAD_NODE_SHIFT) {
		if (potad_node_code(leaf, i) == POTAD_CODE_BROKEN)
			g->nr_broken--;
		potad_node_set(leaf, i, k, POTAD_CODE_FREE);
		class = potad_node_merged(leaf, i, k);
		if (class < POTAD_NODE_SHIFT) {
			if (g->leaf_class[l] == POTAD_NO_CLASS ||
			    g->leaf_class[l] < class)
				leaf_reclass(g, l, class);
			return;
		}
		leaf_reclass(g, l, POTAD_NO_CLASS);
		potad_node_fill(leaf, POTAD_CODE_INSIDE);
		k = POTAD_NODE_SHIFT;
	}

	k -= POTAD_NODE_SHIFT;
	potad_node_set(&g->top, l, k, POTAD_CODE_FREE);
	class = potad_node_merged(&g->top, l, k);
	if ((int)class > g->top_class)
		g->top_class = class;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_free);

/**
 * potad_group_break() - take one free unit out for good
 * @g: the group
 * @u: the unit; free
 *
 * The unit becomes broken: retired, or handed to the tier below.
 */
void potad_group_break(struct potad_group *g, unsigned int u)
{
	unsigned int l = u / POTAD_NODE_UNITS, i = u % POTAD_NODE_UNITS;

	if (potad_node_code(&g->top, l) == POTAD_CODE_FREE)
		leaf_break(g, l);
	potad_node_set(&g->leaf[l], i, 0, POTAD_CODE_BROKEN);
	leaf_shrunk(g, l);
	g->nr_free--;
	g->nr_broken++;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_break);

/* The code of unit @u, and whether it is the top node that says so. */
enum potad_code potad_group_code(struct potad_group *g, unsigned int u,
				 bool *in_top)
{
	enum potad_code code;

	code = potad_node_code(&g->top, u / POTAD_NODE_UNITS);
	*in_top = code != POTAD_CODE_BROKEN;
	if (*in_top)
		return code;
	return potad_node_code(&g->leaf[u / POTAD_NODE_UNITS],
			       u % POTAD_NODE_UNITS);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_code);

/* Checks the blocks of one node in use; adds up what is free and broken. */
static const char *node_check(const struct potad_node *n, unsigned int *free,
			      unsigned int *broken)
{
	unsigned int i, first, k;

	for (i = 0; i < POTAD_NODE_UNITS; i++) {
		switch (potad_node_code(n, i)) {
		case POTAD_CODE_FREE:
			(*free)++;
			break;
		case POTAD_CODE_BROKEN:
			(*broken)++;
			break;
		case POTAD_CODE_INSIDE:
			return "inside of no block";
		case POTAD_CODE_HEAD:
			first = potad_node_block(n, i, &k);
			if (first != i || (i & ((1U << k) - 1)) ||
			    !potad_node_is_block(n, i, k))
				return "block of a size or place that cannot be";
			i += (1U << k) - 1;
			break;
		}
	}
	return NULL;
}

static bool node_is_zero(const struct potad_node *n)
{
	return !memchr_inv(n, 0, sizeof(*n));
}

/**
 * potad_group_check() - recompute everything from the maps
 * @g: the group
 *
 * Return: NULL, or what is wrong, in words.
 */
const char *potad_group_check(struct potad_group *g)
{
	unsigned int l, c, free_leaves = 0, broken_leaves = 0;
	unsigned int free = 0, broken = 0;
	const char *wrong;

	if (potad_group_is_dormant(g)) {
		for (l = 0; l < POTAD_NODE_UNITS; l++)
			if (!node_is_zero(&g->leaf[l]) ||
			    g->leaf_class[l] != POTAD_NO_CLASS)
				return "leaf in use in a dormant group";
		if (g->nr_free || g->nr_broken || g->classes ||
		    g->top_class != -1)
			return "counters of a dormant group";
		return NULL;
	}

	wrong = node_check(&g->top, &free_leaves, &broken_leaves);
	if (wrong)
		return wrong;
	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		const struct potad_node *leaf = &g->leaf[l];
		int class = potad_node_class(leaf);

		if (potad_node_code(&g->top, l) != POTAD_CODE_BROKEN) {
			if (!node_is_zero(leaf))
				return "leaf in use that is not broken";
		} else {
			wrong = node_check(leaf, &free, &broken);
			if (wrong)
				return wrong;
		}
		if (class == POTAD_NODE_SHIFT)
			return "whole leaf that is still broken";
		if (g->leaf_class[l] != (u8)class)
			return "leaf in a wrong class";
		for (c = 0; c < POTAD_CLASSES; c++)
			if (((g->index[c][l / 64] >> (l % 64)) & 1) !=
			    ((int)c == class))
				return "class index and leaf differ";
	}
	for (c = 0; c < POTAD_CLASSES; c++)
		if (!!(g->classes & (1U << c)) !=
		    !!memchr_inv(g->index[c], 0, sizeof(g->index[c])))
			return "summary of the class index";
	if (g->top_class != potad_node_class(&g->top))
		return "class of the top node";
	if (g->nr_free != free + free_leaves * POTAD_NODE_UNITS)
		return "count of free units";
	if (g->nr_broken != broken)
		return "count of broken units";
	return NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_check);

// SPDX-License-Identifier: GPL-2.0
/*
 * A group: 65536 units under one lock.  The layout is drawn in group.h.
 *
 * What holds between any two calls, and potad_group_check() recomputes:
 * - a leaf that is not broken is all zero, and in no class;
 * - a broken leaf is in index[m][c] just if m is its mobility, and c the order
 *   of its largest free block; leaf[] says the same; no leaf is wholly free
 *   (it is a free unit of the top node instead);
 * - classes[m] has bit c set just if index[m][c] is not empty; @top_class is
 *   the order of the largest free block of the top node;
 * - @nr_free and @nr_broken are the sums over the maps;
 * - every run of code INSIDE follows a HEAD, and is with it as long as a power
 *   of two, and aligned.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "group.h"

void potad_group_init(struct potad_group *g)
{
	raw_spin_lock_init(&g->lock);
	INIT_LIST_HEAD(&g->pending);
	memset(g->leaf, POTAD_NO_CLASS, sizeof(g->leaf));
	g->top_class = -1;
	g->mobility = POTAD_MOBILITY_NONE;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_init);

/* Leaf @l, which was in class @old, is in class @class from now on. */
static void leaf_move(struct potad_group *g, unsigned int l, unsigned int old,
		      unsigned int class)
{
	unsigned int w = l / 64, m = g->leaf[l] >> 4;
	u64 bit = 1ULL << (l % 64);
	u64 *index;

	if (old == class)
		return;
	if (old != POTAD_NO_CLASS) {
		index = g->index[m][old];
		index[w] &= ~bit;
		if (!(index[0] | index[1] | index[2] | index[3]))
			g->classes[m] &= ~(1U << old);
	}
	if (class != POTAD_NO_CLASS) {
		g->index[m][class][w] |= bit;
		g->classes[m] |= 1U << class;
	}
	g->leaf[l] = class | m << 4;
}

/* The lowest leaf in a class that is not empty; -1 if it is after all. */
static int index_first(const u64 *index)
{
	unsigned int w;

	for (w = 0; w < POTAD_NODE_WORDS; w++)
		if (index[w])
			return w * 64 + __ffs64(index[w]);
	return -1;
}

/* The maps of leaf @l, which was in class @old, have lost free units. */
static void leaf_lost(struct potad_group *g, unsigned int l, unsigned int old)
{
	int class = potad_node_class_upto(&g->node[l], old == POTAD_NO_CLASS ?
					  POTAD_NODE_SHIFT : (int)old);

	leaf_move(g, l, old, class < 0 ? POTAD_NO_CLASS : class);
}

/* Breaks the free leaf @l for @m: from now on its own maps count. */
static void leaf_break(struct potad_group *g, unsigned int l, unsigned int m)
{
	potad_node_set(&g->top, l, 0, POTAD_CODE_BROKEN);
	g->top_class = potad_node_class(&g->top);
	potad_node_fill(&g->node[l], POTAD_CODE_FREE);
	g->leaf[l] = POTAD_NO_CLASS | m << 4;
}

/* The broken leaf @l, which was in class @old, has a free block of order @class. */
static void leaf_gained(struct potad_group *g, unsigned int l, unsigned int old,
			unsigned int class)
{
	if (class < POTAD_NODE_SHIFT) {
		if (old == POTAD_NO_CLASS || old < class)
			leaf_move(g, l, old, class);
		return;
	}
	/* It is whole: a free unit of the top node. */
	leaf_move(g, l, old, POTAD_NO_CLASS);
	potad_node_fill(&g->node[l], POTAD_CODE_INSIDE);
	g->leaf[l] = POTAD_NO_CLASS;
	potad_node_set(&g->top, l, 0, POTAD_CODE_FREE);
	class = potad_node_merged(&g->top, l, 0);
	if ((int)class > g->top_class)
		g->top_class = class;
}

/**
 * potad_group_seed() - the first content of a group
 * @g: a dormant group
 * @from: its first unit that is there
 * @to: its last, plus one; 0..65536, but not all of them
 *
 * The units from @from to @to become free, the others are holes: broken for
 * ever, or, in an upper tier, what the tier below is made of.
 */
void potad_group_seed(struct potad_group *g, unsigned int from, unsigned int to)
{
	unsigned int l, i;

	potad_node_fill(&g->top, POTAD_CODE_BROKEN);
	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		unsigned int u = l * POTAD_NODE_UNITS;

		if (from <= u && u + POTAD_NODE_UNITS <= to) {
			potad_node_set(&g->top, l, 0, POTAD_CODE_FREE);
			continue;
		}
		potad_node_fill(&g->node[l], POTAD_CODE_BROKEN);
		for (i = 0; i < POTAD_NODE_UNITS; i++)
			if (from <= u + i && u + i < to)
				potad_node_set(&g->node[l], i, 0, POTAD_CODE_FREE);
		leaf_lost(g, l, POTAD_NO_CLASS);
	}
	g->top_class = potad_node_class(&g->top);
	g->nr_free = from < to ? to - from : 0;
	g->nr_broken = POTAD_GROUP_UNITS - g->nr_free;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_seed);

/* Makes a dormant group, just taken from the tier above, wholly free. */
void potad_group_wake(struct potad_group *g, unsigned int m)
{
	potad_node_fill(&g->top, POTAD_CODE_FREE);
	g->top_class = POTAD_NODE_SHIFT;
	g->nr_free = POTAD_GROUP_UNITS;
	g->mobility = m;
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

/* Blocks of whole leaves: @k is 8 or more. */
static int top_alloc(struct potad_group *g, unsigned int k, u32 *units,
		     unsigned int nr)
{
	unsigned int i, got;

	if (g->top_class < (int)(k - POTAD_NODE_SHIFT))
		return -ENOSPC;
	got = potad_node_cut(&g->top, k - POTAD_NODE_SHIFT, units, 0, nr);
	if (WARN_ON_ONCE(!got))
		return -EUCLEAN;
	for (i = 0; i < got; i++)
		units[i] *= POTAD_NODE_UNITS;
	g->top_class = potad_node_class(&g->top);
	g->nr_free -= got << k;
	return got;
}

/*
 * The leaf to cut a block of order @k < 8 from, and its class; -ENOSPC; -EUCLEAN
 * if an index promised one that is not there.
 */
static int leaf_for(struct potad_group *g, unsigned int k, unsigned int m,
		    bool steal, unsigned int *class)
{
	unsigned int other;
	int l = -ENOSPC;

	if (g->classes[m] >> k) {
		*class = k + __ffs(g->classes[m] >> k);
		l = index_first(g->index[m][*class]);
	} else if (g->top_class >= 0) {
		*class = POTAD_NO_CLASS;
		l = potad_node_find(&g->top, 0);
		if (l >= 0)
			leaf_break(g, l, m);
	} else if (steal) {
		for (other = 0; other < POTAD_MOBILITIES; other++) {
			if (!(g->classes[other] >> k))
				continue;
			*class = k + __ffs(g->classes[other] >> k);
			l = index_first(g->index[other][*class]);
			break;
		}
	}
	return l == -1 ? -EUCLEAN : l;
}

/**
 * potad_group_alloc() - cut blocks
 * @g: the group
 * @k: their order, 0..15
 * @m: their mobility
 * @steal: if there is no other room, from leaves of another mobility
 * @units: set to their first units
 * @nr: how many are wanted
 *
 * Return: how many there are, 1..@nr; -ENOSPC if there is none; -EUCLEAN if a
 * class promised one and its node has none, so that somebody has overwritten
 * them: nothing is handed out.
 */
int potad_group_alloc(struct potad_group *g, unsigned int k, unsigned int m,
		      bool steal, u32 *units, unsigned int nr)
{
	unsigned int class, n, got = 0;
	int l;

	if (k >= POTAD_NODE_SHIFT)
		return top_alloc(g, k, units, nr);

	while (got < nr) {
		l = leaf_for(g, k, m, steal, &class);
		if (l == -ENOSPC)
			break;
		if (WARN_ON_ONCE(l < 0))
			return got ?: -EUCLEAN;
		n = potad_node_cut(&g->node[l], k, units + got,
				   l * POTAD_NODE_UNITS, nr - got);
		if (WARN_ON_ONCE(!n))
			return got ?: -EUCLEAN;
		leaf_lost(g, l, class);
		g->nr_free -= n << k;
		got += n;
	}
	return got ?: -ENOSPC;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_alloc);

/**
 * potad_group_lend() - take one unit for the tier below
 * @g: the group, of an upper tier
 *
 * Return: the unit, broken from now on; -ENOSPC; -EUCLEAN.
 */
int potad_group_lend(struct potad_group *g)
{
	unsigned int class;
	int l, i;

	l = leaf_for(g, 0, 0, true, &class);
	if (l == -ENOSPC)
		return l;
	i = l < 0 ? -1 : potad_node_find(&g->node[l], 0);
	if (WARN_ON_ONCE(i < 0))
		return -EUCLEAN;
	potad_node_set(&g->node[l], i, 0, POTAD_CODE_BROKEN);
	leaf_lost(g, l, class);
	g->nr_free--;
	g->nr_broken++;
	return l * POTAD_NODE_UNITS + i;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_lend);

/**
 * potad_group_take() - cut this very block
 * @g: the group, not dormant
 * @u: its first unit, aligned to @k
 * @k: its order, 0..15
 * @m: its mobility, if a leaf is broken for it
 *
 * Return: 0; -EBUSY if some of it is not free.
 */
int potad_group_take(struct potad_group *g, unsigned int u, unsigned int k,
		     unsigned int m)
{
	unsigned int l = u / POTAD_NODE_UNITS, i = u % POTAD_NODE_UNITS;

	if (k >= POTAD_NODE_SHIFT) {
		k -= POTAD_NODE_SHIFT;
		if (!potad_node_is_free(&g->top, l, k))
			return -EBUSY;
		potad_node_take(&g->top, l, k);
		g->top_class = potad_node_class(&g->top);
		g->nr_free -= POTAD_NODE_UNITS << k;
		return 0;
	}
	if (potad_node_is_free(&g->top, l, 0))
		leaf_break(g, l, m);
	else if (!potad_node_is_free(&g->node[l], i, k))
		return -EBUSY;
	potad_node_take(&g->node[l], i, k);
	leaf_lost(g, l, potad_leaf_class(g, l));
	g->nr_free -= 1U << k;
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_take);

/**
 * potad_group_is_block() - is just this block allocated?
 * @g: the group
 * @u: its first unit, aligned to @k
 * @k: its order, 0..15
 *
 * Return: true if an allocated block starts at @u and has order @k: not
 * larger, not smaller, not free.
 */
bool potad_group_is_block(const struct potad_group *g, unsigned int u,
			  unsigned int k)
{
	if (k >= POTAD_NODE_SHIFT)
		return potad_node_is_block(&g->top, u / POTAD_NODE_UNITS,
					   k - POTAD_NODE_SHIFT);
	return potad_node_is_block(&g->node[u / POTAD_NODE_UNITS],
				   u % POTAD_NODE_UNITS, k);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_is_block);

/*
 * How many of the first @units lie side by side, up or down, in the same node of
 * @size units; @first is set to the lowest.
 */
static unsigned int row_length(unsigned int k, const u32 *units, unsigned int nr,
			       unsigned int size, unsigned int *first)
{
	unsigned int n = 1, at = units[0] % size;

	*first = units[0];
	if (nr > 1 && units[1] == units[0] + (1U << k)) {
		nr = min(nr, (size - at) >> k);
		while (n < nr && units[n] == units[n - 1] + (1U << k))
			n++;
	} else if (nr > 1 && units[1] == units[0] - (1U << k)) {
		nr = min(nr, (at >> k) + 1);
		while (n < nr && units[n] == units[n - 1] - (1U << k))
			n++;
		*first = units[n - 1];
	}
	return n;
}

/* Frees the first of some blocks in a node, as many as go at once; how many. */
static unsigned int row_free(struct potad_node *node, unsigned int i, unsigned int k,
			     unsigned int nr, unsigned int single)
{
	if (nr > 1 && potad_node_free_row(node, i, k, nr))
		return nr;
	if (!potad_node_is_block(node, single, k))
		return 0;
	potad_node_release(node, single, k);
	return 1;
}

static unsigned int top_free(struct potad_group *g, unsigned int k,
			     const u32 *units, unsigned int nr)
{
	unsigned int done = 0, first, went, class, l;

	while (done < nr) {
		went = row_length(k, units + done, nr - done, POTAD_GROUP_UNITS, &first);
		l = units[done] / POTAD_NODE_UNITS;
		went = row_free(&g->top, first / POTAD_NODE_UNITS, k - POTAD_NODE_SHIFT,
				went, l);
		if (!went)
			break;
		g->nr_free += went << k;
		class = went > 1 ? (unsigned int)potad_node_class(&g->top) :
				   potad_node_merged(&g->top, l, k - POTAD_NODE_SHIFT);
		if ((int)class > g->top_class)
			g->top_class = class;
		done += went;
	}
	return done;
}

/**
 * potad_group_free() - blocks come back
 * @g: the group
 * @k: their order, 0..15
 * @units: their first units, each aligned to @k
 * @nr: how many
 *
 * Those that lie side by side, one after the other, are freed as one.  May leave
 * the group wholly free: see potad_group_is_whole().
 *
 * Return: how many were freed: @nr, or the index of the first that is no block.
 */
unsigned int potad_group_free(struct potad_group *g, unsigned int k,
			      const u32 *units, unsigned int nr)
{
	unsigned int done = 0, first, went, class, l, i;

	if (k >= POTAD_NODE_SHIFT)
		return top_free(g, k, units, nr);

	while (done < nr) {
		struct potad_node *node;

		went = row_length(k, units + done, nr - done, POTAD_NODE_UNITS, &first);
		l = units[done] / POTAD_NODE_UNITS;
		i = units[done] % POTAD_NODE_UNITS;
		node = &g->node[l];
		went = row_free(node, first % POTAD_NODE_UNITS, k, went, i);
		if (!went)
			break;
		g->nr_free += went << k;
		class = went > 1 ? (unsigned int)potad_node_class(node) :
				   potad_node_merged(node, i, k);
		leaf_gained(g, l, potad_leaf_class(g, l), class);
		done += went;
	}
	return done;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_free);

/* A broken unit becomes free: restored, or whole again in the tier below. */
void potad_group_return(struct potad_group *g, unsigned int u)
{
	unsigned int l = u / POTAD_NODE_UNITS, i = u % POTAD_NODE_UNITS;

	potad_node_set(&g->node[l], i, 0, POTAD_CODE_FREE);
	g->nr_free++;
	g->nr_broken--;
	leaf_gained(g, l, potad_leaf_class(g, l),
		    potad_node_merged(&g->node[l], i, 0));
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_return);

/* A free unit becomes broken: retired, or handed to the tier below. */
void potad_group_break(struct potad_group *g, unsigned int u)
{
	unsigned int l = u / POTAD_NODE_UNITS;

	if (potad_node_code(&g->top, l) == POTAD_CODE_FREE)
		leaf_break(g, l, 0);
	potad_node_set(&g->node[l], u % POTAD_NODE_UNITS, 0, POTAD_CODE_BROKEN);
	leaf_lost(g, l, potad_leaf_class(g, l));
	g->nr_free--;
	g->nr_broken++;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_break);

/* An allocated block of one unit becomes broken: it goes to the tier below. */
void potad_group_open(struct potad_group *g, unsigned int u)
{
	potad_node_set(&g->node[u / POTAD_NODE_UNITS], u % POTAD_NODE_UNITS, 0,
		       POTAD_CODE_BROKEN);
	g->nr_broken++;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_open);

/**
 * potad_group_split() - of one allocated block make two
 * @g: the group
 * @u: its first unit
 * @k: its order, 1..15
 */
void potad_group_split(struct potad_group *g, unsigned int u, unsigned int k)
{
	unsigned int l = u / POTAD_NODE_UNITS, i = u % POTAD_NODE_UNITS;

	if (k > POTAD_NODE_SHIFT) {
		i = l + (1U << (k - POTAD_NODE_SHIFT - 1));
		g->top.head[i / 64] |= 1ULL << (i % 64);
		return;
	}
	if (k == POTAD_NODE_SHIFT) {
		/* The leaf was one block of the top node: now it is two of its own. */
		potad_node_set(&g->top, l, 0, POTAD_CODE_BROKEN);
		g->node[l].head[0] |= 1;
		g->leaf[l] = POTAD_NO_CLASS;
	}
	i += 1U << (k - 1);
	g->node[l].head[i / 64] |= 1ULL << (i % 64);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_split);

/* The code of unit @u, and whether it is the top node that says so. */
enum potad_code potad_group_code(const struct potad_group *g, unsigned int u,
				 bool *in_top)
{
	enum potad_code code;

	code = potad_node_code(&g->top, u / POTAD_NODE_UNITS);
	*in_top = code != POTAD_CODE_BROKEN;
	if (*in_top)
		return code;
	return potad_node_code(&g->node[u / POTAD_NODE_UNITS],
			       u % POTAD_NODE_UNITS);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_code);

/* Checks the blocks of one node in use; adds up what is free and broken. */
static const char *node_check(const struct potad_node *n, unsigned int *free,
			      unsigned int *broken)
{
	unsigned int i, first, k;

	for (i = 0; i < POTAD_NODE_UNITS; i++) {
		/* Whole words of one code, as most are, at once. */
		if (!(i % 64) && n->free[i / 64] == ~0ULL &&
		    (!n->head[i / 64] || n->head[i / 64] == ~0ULL)) {
			*(n->head[i / 64] ? broken : free) += 64;
			i += 63;
			continue;
		}
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

static const char *index_check(const struct potad_group *g)
{
	u64 index[POTAD_MOBILITIES][POTAD_CLASSES][POTAD_NODE_WORDS] = { };
	unsigned int m, c, l;

	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		c = potad_leaf_class(g, l);
		m = g->leaf[l] >> 4;
		if (c == POTAD_NO_CLASS)
			continue;
		if (c >= POTAD_CLASSES || m >= POTAD_MOBILITIES)
			return "class or mobility that cannot be";
		index[m][c][l / 64] |= 1ULL << (l % 64);
	}
	if (memcmp(index, g->index, sizeof(index)))
		return "class index and leaf differ";
	for (m = 0; m < POTAD_MOBILITIES; m++)
		for (c = 0; c < POTAD_CLASSES; c++)
			if (!(g->classes[m] & (1U << c)) !=
			    !memchr_inv(index[m][c], 0, sizeof(index[m][c])))
				return "summary of the class index";
	return NULL;
}

/**
 * potad_group_check() - recompute everything from the maps
 * @g: the group
 *
 * Return: NULL, or what is wrong, in words.
 */
const char *potad_group_check(const struct potad_group *g)
{
	unsigned int l, free_leaves = 0, broken_leaves = 0;
	unsigned int free = 0, broken = 0;
	const char *wrong;

	if (potad_group_is_dormant(g)) {
		for (l = 0; l < POTAD_NODE_UNITS; l++)
			if (!node_is_zero(&g->node[l]) ||
			    potad_leaf_class(g, l) != POTAD_NO_CLASS)
				return "leaf in use in a dormant group";
		if (g->nr_free || g->nr_broken || g->top_class != -1)
			return "counters of a dormant group";
		return index_check(g);
	}

	wrong = node_check(&g->top, &free_leaves, &broken_leaves);
	if (wrong)
		return wrong;
	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		const struct potad_node *node = &g->node[l];
		int class = potad_node_class(node);

		if (potad_node_code(&g->top, l) != POTAD_CODE_BROKEN) {
			if (!node_is_zero(node))
				return "leaf in use that is not broken";
		} else {
			wrong = node_check(node, &free, &broken);
			if (wrong)
				return wrong;
		}
		if (class == POTAD_NODE_SHIFT)
			return "whole leaf that is still broken";
		if (potad_leaf_class(g, l) !=
		    (class < 0 ? POTAD_NO_CLASS : (unsigned int)class))
			return "leaf in a wrong class";
	}
	wrong = index_check(g);
	if (wrong)
		return wrong;
	if (g->top_class != potad_node_class(&g->top))
		return "class of the top node";
	if (g->nr_free != free + free_leaves * POTAD_NODE_UNITS)
		return "count of free units";
	if (g->nr_broken != broken)
		return "count of broken units";
	return NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_group_check);

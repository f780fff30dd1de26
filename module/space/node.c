// SPDX-License-Identifier: GPL-2.0
/*
 * Searching in a node, by words.
 *
 * The idea is the one of every "find a run of ones" trick: let bit i of a word
 * say that an aligned free block of order k starts at unit i.  For order 0
 * that is the map itself; a block of order k + 1 is two neighbouring blocks of
 * order k, the first of them aligned:
 *
 *	runs(k + 1) = runs(k) & runs(k) >> 2^k & starts(k + 1)
 *
 * and a block of order k is a best fit if it is not half of one of order
 * k + 1.  Orders 7 and 8 are pairs and fours of whole words.
 */
#include <linux/export.h>
#include <linux/minmax.h>

#include "../include/compat.h"
#include "node.h"

/* Bits at which an aligned block of order k can start. */
static const u64 starts[] = {
	0xffffffffffffffffULL, 0x5555555555555555ULL, 0x1111111111111111ULL,
	0x0101010101010101ULL, 0x0001000100010001ULL, 0x0000000100000001ULL,
	0x0000000000000001ULL,
};

/* Turns runs of order @k into runs of order @k + 1. */
static inline u64 grow(u64 runs, unsigned int k)
{
	return runs & (runs >> (1U << k)) & starts[k + 1];
}

/* The order of the largest run in a word, or -1.  Straight-line: it is hot. */
static inline int word_class(u64 runs)
{
	if (!runs)
		return -1;
	if (runs == ~0ULL)
		return 6;
	runs = grow(runs, 0);
	if (!runs)
		return 0;
	runs = grow(runs, 1);
	if (!runs)
		return 1;
	runs = grow(runs, 2);
	if (!runs)
		return 2;
	runs = grow(runs, 3);
	if (!runs)
		return 3;
	return grow(runs, 4) ? 5 : 4;
}

/*
 * Of the free blocks of order @j in a word (@runs) the lowest that is not half
 * of a larger one, if it is large enough for @k; else @runs are those of j + 1.
 */
static __always_inline bool best_is(u64 *runs, unsigned int j, unsigned int k,
				    unsigned int *at, unsigned int *class)
{
	u64 pairs = grow(*runs, j);
	u64 singles = *runs & ~(pairs | pairs << (1U << j));

	*runs = pairs;
	if (k > j || !singles)
		return false;
	*at = __ffs64(singles);
	*class = j;
	return true;
}

/*
 * In a word whose class is @k or more: the best fit for a block of order @k, and
 * its @class.  Straight-line, so that what starts[] says is in the instructions.
 */
static unsigned int word_find(u64 runs, unsigned int k, unsigned int *class)
{
	unsigned int at = 0;

	*class = 6;
	if (!best_is(&runs, 0, k, &at, class) && !best_is(&runs, 1, k, &at, class) &&
	    !best_is(&runs, 2, k, &at, class) && !best_is(&runs, 3, k, &at, class) &&
	    !best_is(&runs, 4, k, &at, class))
		best_is(&runs, 5, k, &at, class);
	return at;
}

/* The same for blocks of whole words, @k is 6 or more. */
static int words_find(const struct potad_node *n, unsigned int k)
{
	unsigned int w, i, full = 0;
	int best = -1;

	for (w = 0; w < POTAD_NODE_WORDS; w++)
		full |= (potad_node_avail(n, w) == ~0ULL) << w;
	if (k == 6) {
		/* A single word rather than half of a pair, a pair than a four. */
		for (w = 0; w < POTAD_NODE_WORDS; w++)
			if (full & 1U << w && !(full & 1U << (w ^ 1)))
				return w * 64;
	}
	for (i = 0; i < POTAD_NODE_WORDS; i += 2) {
		if ((full >> i & 3) != 3)
			continue;
		if ((full >> (i ^ 2) & 3) != 3)
			return i * 64;
		best = 0;
	}
	return best;
}

/*
 * Of the words with room for a block of order @k < 6 the one whose largest free
 * block is the smallest, which is set; -1 if there is none.
 */
static int best_word(const struct potad_node *n, unsigned int k, int *least)
{
	int w, best = -1;

	*least = 7;
	for (w = 0; w < (int)POTAD_NODE_WORDS; w++) {
		int class = word_class(potad_node_avail(n, w));

		if (class >= (int)k && class < *least) {
			*least = class;
			best = w;
			if (class == (int)k)
				break;
		}
	}
	return best;
}

/**
 * potad_node_find() - where to cut a block
 * @n: the node
 * @k: order of the block, 0..7
 *
 * Of the words with room, the one whose largest free block is the smallest;
 * in it, the lowest of the best fits.
 *
 * Return: the index of the block's first unit, or -1 if there is no room.
 */
int potad_node_find(const struct potad_node *n, unsigned int k)
{
	unsigned int class;
	int w, least;

	if (k >= 6)
		return words_find(n, k);
	w = best_word(n, k, &least);
	if (w < 0)
		return -1;
	if (least == 6)
		return words_find(n, 6);
	return w * 64 + word_find(potad_node_avail(n, w), k, &class);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_node_find);

/* @nr blocks of order @k < 6 in a word, from bit @bit on: their first units. */
static u64 row_heads(unsigned int bit, unsigned int k, unsigned int nr)
{
	u64 heads = 1;
	unsigned int n;

	for (n = 1; n < nr; n *= 2)
		heads |= heads << (n << k);
	/* Twice the last may have been too many. */
	return (nr << k < 64 ? heads & ((1ULL << (nr << k)) - 1) : heads) << bit;
}

/* And all their units. */
static u64 row_mask(unsigned int bit, unsigned int k, unsigned int nr)
{
	return (nr << k < 64 ? (1ULL << (nr << k)) - 1 : ~0ULL) << bit;
}

/* Makes the @nr free blocks of order @k < 6 at @i, all in one word, allocated. */
static void take_row(struct potad_node *n, unsigned int i, unsigned int k,
		     unsigned int nr)
{
	n->free[i / 64] &= ~row_mask(i % 64, k, nr);
	n->head[i / 64] |= row_heads(i % 64, k, nr);
}

/**
 * potad_node_cut() - cut several blocks
 * @n: the node
 * @k: their order, 0..7
 * @units: set to the indexes of their first units, plus @base
 * @base: added to each
 * @nr: how many are wanted
 *
 * The first goes where potad_node_find() would put it, the others into the rest
 * of the same free block, as long as there is some; and so on.
 *
 * Return: how many there are, 0..@nr.
 */
unsigned int potad_node_cut(struct potad_node *n, unsigned int k, u32 *units,
			    u32 base, unsigned int nr)
{
	unsigned int got = 0, end, class;
	int i, w, least;

	while (got < nr) {
		if (k >= 6) {
			i = words_find(n, k);
			if (i < 0)
				break;
			potad_node_take(n, i, k);
			units[got++] = base + i;
			continue;
		}
		w = best_word(n, k, &least);
		if (w < 0)
			break;
		if (least == 6) {
			i = words_find(n, 6);
			class = potad_node_merged(n, i, 6);
		} else {
			i = w * 64 + word_find(potad_node_avail(n, w), k, &class);
		}
		end = min(nr, got + (1U << (class - k)));
		while (got < end) {
			unsigned int row = min(end - got, 64U >> k);

			take_row(n, i, k, row);
			for (; row; row--, i += 1 << k)
				units[got++] = base + i;
		}
	}
	return got;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_node_cut);

/* Of word @w, the units from @i to @end. */
static inline u64 word_part(unsigned int w, unsigned int i, unsigned int end)
{
	u64 part = i > w * 64 ? ~0ULL << (i % 64) : ~0ULL;

	return end < w * 64 + 64 ? part & ((1ULL << (end % 64)) - 1) : part;
}

/**
 * potad_node_free_row() - give back several blocks that lie side by side
 * @n: the node
 * @i: the first unit of the first, aligned to @k
 * @k: their order, 0..7
 * @nr: how many
 *
 * Return: true; or false, and nothing has changed, if not all of them are
 * allocated blocks of that order.
 */
bool potad_node_free_row(struct potad_node *n, unsigned int i, unsigned int k,
			 unsigned int nr)
{
	unsigned int end = i + (nr << k), at, w;
	u64 heads, part;

	if (k >= 6) {
		for (at = i; at < end; at += 1U << k)
			if (!potad_node_is_block(n, at, k))
				return false;
		for (at = i; at < end; at += 1U << k)
			potad_node_release(n, at, k);
		return true;
	}
	if (end < POTAD_NODE_UNITS && potad_node_code(n, end) == POTAD_CODE_INSIDE)
		return false;
	heads = row_heads(0, k, 64 >> k);
	for (w = i / 64; w * 64 < end; w++) {
		part = word_part(w, i, end);
		if ((n->free[w] & part) || (n->head[w] & part) != (heads & part))
			return false;
	}
	for (w = i / 64; w * 64 < end; w++) {
		part = word_part(w, i, end);
		n->free[w] |= part;
		n->head[w] &= ~part;
	}
	return true;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_node_free_row);

/**
 * potad_node_pieces() - where in a word free blocks are
 * @n: the node
 * @w: the word
 * @k: their order, 0..5
 *
 * Return: a bit for each aligned free block of order @k, at its first unit.
 */
u64 potad_node_pieces(const struct potad_node *n, unsigned int w, unsigned int k)
{
	u64 runs = potad_node_avail(n, w);
	unsigned int j;

	for (j = 0; j < k; j++)
		runs = grow(runs, j);
	return runs;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_node_pieces);

/**
 * potad_node_class_upto() - order of the largest free block, if it is known to
 *			     be no more than some order
 * @n: the node
 * @bound: that order, 0..8
 *
 * Looks no further than it must.
 *
 * Return: 0..@bound, or -1 if nothing is free.
 */
int potad_node_class_upto(const struct potad_node *n, int bound)
{
	int largest = -1;
	unsigned int w;

	if (bound == 7 && words_find(n, 7) >= 0)
		return 7;
	for (w = 0; w < POTAD_NODE_WORDS && largest < bound; w++) {
		int class = word_class(potad_node_avail(n, w));

		if (class > largest)
			largest = class;
	}
	if (largest < 6 || bound <= 6)
		return largest;
	if (potad_node_whole(n))
		return 8;
	return words_find(n, 7) >= 0 ? 7 : 6;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_node_class_upto);

/**
 * potad_node_block() - the allocated block around a unit
 * @n: the node
 * @i: a unit of code HEAD or INSIDE, in a node in use
 * @k: set to the order of the block
 *
 * Return: the index of the block's first unit.
 */
unsigned int potad_node_block(const struct potad_node *n, unsigned int i,
			      unsigned int *k)
{
	unsigned int end = i + 1;

	while (i && potad_node_code(n, i) == POTAD_CODE_INSIDE)
		i--;
	while (end < POTAD_NODE_UNITS &&
	       potad_node_code(n, end) == POTAD_CODE_INSIDE)
		end++;
	*k = fls(end - i) - 1;
	return i;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_node_block);

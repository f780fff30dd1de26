// SPDX-License-Identifier: GPL-2.0
/*
 * Node: everything that is done on whole words, against loops over bits.
 *
 * A node is small enough to try all orders at all places.  What must be right
 * for any content is tried on random maps, from almost empty to almost full,
 * some of them painted in large blocks so that large blocks occur; what is only
 * promised for a node in use, on random cuts of a node into blocks.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "../module/space/node.h"
#include "common.h"

#define UNITS	POTAD_NODE_UNITS
#define MAPS	400

/* A cut of a node: the code of each unit, and the block that it is part of. */
struct cut {
	struct potad_node	node;
	enum potad_code		code[UNITS];
	unsigned int		first[UNITS];
	unsigned int		order[UNITS];
};

static bool is_avail(const struct potad_node *n, unsigned int i)
{
	return potad_node_code(n, i) == POTAD_CODE_FREE;
}

static bool all_avail(const struct potad_node *n, unsigned int i, unsigned int k)
{
	unsigned int end = i + (1U << k);

	for (; i < end; i++)
		if (!is_avail(n, i))
			return false;
	return true;
}

/* Any content at all: each unit by itself, or painted in aligned blocks. */
static void random_map(struct rnd_state *rnd, struct potad_node *n)
{
	unsigned int density = potad_test_below(rnd, 17), i, k;

	prandom_bytes_state(rnd, n, sizeof(*n));
	if (potad_test_below(rnd, 4)) {
		/* Mostly free, with some units that are not. */
		for (i = 0; i < UNITS; i++)
			potad_node_set(n, i, 0, potad_test_below(rnd, 16) < density ?
				       POTAD_CODE_FREE : potad_test_below(rnd, 4));
	}
	for (i = potad_test_below(rnd, 12); i; i--) {
		k = potad_test_below(rnd, 9);
		potad_node_set(n, potad_test_below(rnd, UNITS >> k) << k, k,
			       potad_test_below(rnd, 3) ? POTAD_CODE_FREE :
			       potad_test_below(rnd, 4));
	}
}

/* As a node in use can be. */
static void random_cut(struct rnd_state *rnd, struct cut *c, unsigned int i,
		       unsigned int k)
{
	unsigned int what = potad_test_below(rnd, 8), u;

	if (k && (k == POTAD_NODE_SHIFT || what < 5)) {
		random_cut(rnd, c, i, k - 1);
		random_cut(rnd, c, i + (1U << (k - 1)), k - 1);
		return;
	}
	what = potad_test_below(rnd, 8);
	for (u = i; u < i + (1U << k); u++) {
		c->first[u] = i;
		c->order[u] = k;
		if (what < 4)
			c->code[u] = u == i ? POTAD_CODE_HEAD : POTAD_CODE_INSIDE;
		else
			c->code[u] = what < 7 ? POTAD_CODE_FREE : POTAD_CODE_BROKEN;
		potad_node_set(&c->node, u, 0, c->code[u]);
	}
}

/* The codes are what @code says, but in [@i, @i + 2^@k), where they are new. */
static bool only_changed(const struct potad_node *n, const struct potad_node *old,
			 unsigned int i, unsigned int k, enum potad_code first,
			 enum potad_code rest)
{
	unsigned int u;

	for (u = 0; u < UNITS; u++) {
		enum potad_code code = potad_node_code(old, u);

		if (u >= i && u < i + (1U << k))
			code = u == i ? first : rest;
		if (potad_node_code(n, u) != code)
			return false;
	}
	return true;
}

static void set_changes_its_units_and_no_other(struct kunit *test)
{
	struct potad_node old, n;
	struct rnd_state rnd;
	unsigned int k, i, code;

	potad_test_seed(test, &rnd);
	for (k = 0; k <= POTAD_NODE_SHIFT; k++)
		for (i = 0; i < UNITS; i += 1U << k)
			for (code = 0; code < 4; code++) {
				random_map(&rnd, &old);
				n = old;
				potad_node_set(&n, i, k, code);
				KUNIT_ASSERT_TRUE_MSG(test,
						      only_changed(&n, &old, i, k, code, code),
						      "code %u, order %u at %u", code, k, i);
			}
}

static void take_marks_one_head_and_an_inside(struct kunit *test)
{
	struct potad_node old, n;
	struct rnd_state rnd;
	unsigned int k, i;

	potad_test_seed(test, &rnd);
	for (k = 0; k < POTAD_NODE_SHIFT; k++)
		for (i = 0; i < UNITS; i += 1U << k) {
			random_map(&rnd, &old);
			potad_node_set(&old, i, k, POTAD_CODE_FREE);
			n = old;
			potad_node_take(&n, i, k);
			KUNIT_ASSERT_TRUE_MSG(test,
					      only_changed(&n, &old, i, k, POTAD_CODE_HEAD,
							   POTAD_CODE_INSIDE),
					      "order %u at %u", k, i);
		}
}

static void fill_reaches_every_unit(struct kunit *test)
{
	struct potad_node n;
	unsigned int i, code;

	for (code = 0; code < 4; code++) {
		memset(&n, 0x5a, sizeof(n));
		potad_node_fill(&n, code);
		for (i = 0; i < UNITS; i++)
			KUNIT_ASSERT_EQ(test, potad_node_code(&n, i), code);
		KUNIT_EXPECT_EQ(test, potad_node_whole(&n), code == POTAD_CODE_FREE);
	}
}

static void whole_sees_each_unit_that_is_missing(struct kunit *test)
{
	struct potad_node n;
	unsigned int i, code;

	for (i = 0; i < UNITS; i++)
		for (code = 0; code < 4; code++) {
			potad_node_fill(&n, POTAD_CODE_FREE);
			potad_node_set(&n, i, 0, code);
			KUNIT_ASSERT_EQ(test, potad_node_whole(&n),
					code == POTAD_CODE_FREE);
		}
}

static void is_free_at_every_order_and_place(struct kunit *test)
{
	struct rnd_state rnd;
	struct potad_node n;
	unsigned int map, k, i;

	potad_test_seed(test, &rnd);
	for (map = 0; map < MAPS; map++) {
		random_map(&rnd, &n);
		for (k = 0; k <= POTAD_NODE_SHIFT; k++)
			for (i = 0; i < UNITS; i += 1U << k) {
				/* Any unit of the block means the block. */
				unsigned int u = i + potad_test_below(&rnd, 1U << k);

				KUNIT_ASSERT_EQ_MSG(test, potad_node_is_free(&n, u, k),
						    all_avail(&n, i, k),
						    "map %u, order %u at %u", map, k, i);
			}
		cond_resched();
	}
}

static void merged_grows_as_far_as_buddies_are_free(struct kunit *test)
{
	unsigned int map, k, i, j;
	struct rnd_state rnd;
	struct potad_node n;

	potad_test_seed(test, &rnd);
	for (map = 0; map < MAPS; map++) {
		random_map(&rnd, &n);
		for (i = 0; i < UNITS; i++) {
			if (!is_avail(&n, i))
				continue;
			for (k = 0; k < POTAD_NODE_SHIFT; k++)
				if (!all_avail(&n, i & ~((2U << k) - 1), k + 1))
					break;
			/* From any part of it that is known to be free. */
			j = potad_test_below(&rnd, k + 1);
			KUNIT_ASSERT_EQ_MSG(test, potad_node_merged(&n, i, j), k,
					    "map %u, order %u at %u", map, j, i);
		}
		cond_resched();
	}
}

/* The order of the largest free block inside [@i, @i + 2^@k), or -1. */
static int slow_class(const struct potad_node *n, unsigned int i, unsigned int k)
{
	int left, right;

	if (all_avail(n, i, k))
		return k;
	if (!k)
		return -1;
	left = slow_class(n, i, k - 1);
	right = slow_class(n, i + (1U << (k - 1)), k - 1);
	return max(left, right);
}

static void class_is_the_largest_free_block(struct kunit *test)
{
	unsigned int map, seen = 0;
	struct rnd_state rnd;
	struct potad_node n;
	int class;

	potad_test_seed(test, &rnd);
	for (map = 0; map < 4 * MAPS; map++) {
		random_map(&rnd, &n);
		if (map < 2)
			potad_node_fill(&n, map ? POTAD_CODE_FREE : POTAD_CODE_BROKEN);
		class = slow_class(&n, 0, POTAD_NODE_SHIFT);
		KUNIT_ASSERT_EQ_MSG(test, potad_node_class(&n), class, "map %u", map);
		seen |= 1U << (class + 1);
		cond_resched();
	}
	KUNIT_EXPECT_EQ_MSG(test, seen, 0x3ff, "not all classes occurred");
}

/*
 * Where find has to cut, by its contract: of the words with room, the first of
 * those whose largest free block is the smallest; in it, the lowest of the best
 * fits.  For blocks of whole words, the lowest of the best fits of the node.
 */
static int slow_find(const struct potad_node *n, unsigned int k)
{
	unsigned int w, i, j, from = 0, to = UNITS;
	int class, least = POTAD_NODE_SHIFT + 1;

	for (w = 0; k < 6 && w < POTAD_NODE_WORDS; w++) {
		class = slow_class(n, w * 64, 6);
		if (class >= (int)k && class < least) {
			least = class;
			from = w * 64;
			to = from + 64;
		}
	}
	if (k < 6 && least > 6)
		return -1;
	if (least >= 6) {
		from = 0;
		to = UNITS;
		k = max(k, 6U);
	}
	for (j = k; j <= POTAD_NODE_SHIFT; j++)
		for (i = from; i < to; i += 1U << j)
			if (all_avail(n, i, j) &&
			    (j == POTAD_NODE_SHIFT ||
			     !all_avail(n, i & ~((2U << j) - 1), j + 1)))
				return i;
	return -1;
}

static void find_takes_the_best_fit(struct kunit *test)
{
	unsigned int map, k, found = 0, none = 0;
	struct rnd_state rnd;
	struct potad_node n;
	int i;

	potad_test_seed(test, &rnd);
	for (map = 0; map < 2 * MAPS; map++) {
		random_map(&rnd, &n);
		if (map < 2)
			potad_node_fill(&n, map ? POTAD_CODE_FREE : POTAD_CODE_BROKEN);
		for (k = 0; k < POTAD_NODE_SHIFT; k++) {
			i = potad_node_find(&n, k);
			KUNIT_ASSERT_EQ_MSG(test, i, slow_find(&n, k),
					    "map %u, order %u", map, k);
			KUNIT_ASSERT_EQ(test, i >= 0, potad_node_class(&n) >= (int)k);
			if (i < 0)
				none++;
			else
				found++;
		}
		cond_resched();
	}
	KUNIT_EXPECT_GT(test, found, 0);
	KUNIT_EXPECT_GT(test, none, 0);
}

static void is_block_tells_half_and_twice_from_whole(struct kunit *test)
{
	unsigned int map, k, i, blocks = 0;
	struct rnd_state rnd;
	struct cut *c;

	potad_test_seed(test, &rnd);
	c = potad_test_memory(test, sizeof(*c));
	for (map = 0; map < MAPS; map++) {
		random_cut(&rnd, c, 0, POTAD_NODE_SHIFT);
		for (k = 0; k < POTAD_NODE_SHIFT; k++)
			for (i = 0; i < UNITS; i += 1U << k) {
				bool is = c->code[i] == POTAD_CODE_HEAD &&
					  c->first[i] == i && c->order[i] == k;

				KUNIT_ASSERT_EQ_MSG(test, potad_node_is_block(&c->node, i, k),
						    is, "map %u, order %u at %u", map, k, i);
				blocks += is;
			}
		cond_resched();
	}
	KUNIT_EXPECT_GT(test, blocks, 0);
}

static void is_block_in_a_node_of_zeroes_is_never(struct kunit *test)
{
	struct potad_node n = { };
	unsigned int k, i;

	for (k = 0; k < POTAD_NODE_SHIFT; k++)
		for (i = 0; i < UNITS; i += 1U << k)
			KUNIT_ASSERT_FALSE(test, potad_node_is_block(&n, i, k));
}

static void block_is_found_from_every_unit_of_it(struct kunit *test)
{
	unsigned int map, i, k;
	struct rnd_state rnd;
	struct cut *c;

	potad_test_seed(test, &rnd);
	c = potad_test_memory(test, sizeof(*c));
	for (map = 0; map < MAPS; map++) {
		random_cut(&rnd, c, 0, POTAD_NODE_SHIFT);
		for (i = 0; i < UNITS; i++) {
			if (c->code[i] & POTAD_CODE_FREE)
				continue;
			k = UINT_MAX;
			KUNIT_ASSERT_EQ_MSG(test, potad_node_block(&c->node, i, &k),
					    c->first[i], "map %u, unit %u", map, i);
			KUNIT_ASSERT_EQ_MSG(test, k, c->order[i],
					    "map %u, unit %u", map, i);
		}
		cond_resched();
	}
}

/* Several at once: as one by one, until there is none; base is only added. */
static void cut_takes_free_blocks_until_there_is_none(struct kunit *test)
{
	struct potad_node *n = potad_test_memory(test, sizeof(*n));
	struct potad_node *was = potad_test_memory(test, sizeof(*was));
	struct rnd_state rnd;
	unsigned int map, k, i, got, want;
	u32 units[UNITS];

	potad_test_seed(test, &rnd);
	for (map = 0; map < MAPS; map++) {
		for (k = 0; k < POTAD_NODE_SHIFT; k++) {
			random_map(&rnd, n);
			do {
				*was = *n;
				want = 1 + potad_test_below(&rnd, 20);
				got = potad_node_cut(n, k, units, 1000, want);
				KUNIT_ASSERT_LE(test, got, want);
				for (i = 0; i < got; i++) {
					unsigned int u = units[i] - 1000;

					KUNIT_ASSERT_LT(test, u, UNITS);
					KUNIT_ASSERT_EQ(test, u & ((1U << k) - 1), 0);
					KUNIT_ASSERT_TRUE_MSG(test, all_avail(was, u, k),
							      "map %u, order %u at %u", map, k, u);
					potad_node_take(was, u, k);
				}
				/* Nothing else has changed. */
				KUNIT_ASSERT_EQ(test, memcmp(was, n, sizeof(*n)), 0);
			} while (got == want);
			KUNIT_ASSERT_LT(test, potad_node_find(n, k), 0);
		}
		cond_resched();
	}
}

static void pieces_are_the_free_blocks_of_a_word(struct kunit *test)
{
	struct potad_node *n = potad_test_memory(test, sizeof(*n));
	unsigned int map, k, w, i;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	for (map = 0; map < MAPS; map++) {
		random_map(&rnd, n);
		for (k = 0; k < 6; k++) {
			for (w = 0; w < POTAD_NODE_WORDS; w++) {
				u64 expected = 0;

				for (i = 0; i < 64; i += 1U << k)
					if (all_avail(n, w * 64 + i, k))
						expected |= 1ULL << i;
				KUNIT_ASSERT_EQ_MSG(test, potad_node_pieces(n, w, k), expected,
						    "map %u, order %u", map, k);
			}
		}
		cond_resched();
	}
}

static struct kunit_case node_cases[] = {
	KUNIT_CASE(set_changes_its_units_and_no_other),
	KUNIT_CASE(take_marks_one_head_and_an_inside),
	KUNIT_CASE(fill_reaches_every_unit),
	KUNIT_CASE(whole_sees_each_unit_that_is_missing),
	KUNIT_CASE(is_free_at_every_order_and_place),
	KUNIT_CASE(merged_grows_as_far_as_buddies_are_free),
	KUNIT_CASE(class_is_the_largest_free_block),
	KUNIT_CASE(find_takes_the_best_fit),
	KUNIT_CASE(cut_takes_free_blocks_until_there_is_none),
	KUNIT_CASE(pieces_are_the_free_blocks_of_a_word),
	KUNIT_CASE(is_block_tells_half_and_twice_from_whole),
	KUNIT_CASE(is_block_in_a_node_of_zeroes_is_never),
	KUNIT_CASE(block_is_found_from_every_unit_of_it),
	{ }
};

static struct kunit_suite node_suite = {
	.name = "potad_node",
	.test_cases = node_cases,
};

kunit_test_suite(node_suite);

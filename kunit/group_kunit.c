// SPDX-License-Identifier: GPL-2.0
/*
 * Group: the counters and classes beside the maps, and who checks them.
 *
 * potad_space_validate() is what all other suites rely on, and it rests on
 * potad_group_check().  So the check itself is tried here: each kind of damage
 * to each field must be seen, and undoing it must satisfy it again.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../module/space/group.h"
#include "common.h"

#define UNITS	POTAD_GROUP_UNITS

/* Nobody else sees these groups, so there is nothing to lock. */
static struct potad_group *new_group(struct kunit *test)
{
	struct potad_group *g = potad_test_memory(test, sizeof(*g));

	potad_group_init(g);
	return g;
}

/* One block for movables: its unit. */
static int alloc_one(struct potad_group *g, unsigned int k)
{
	u32 unit;
	int nr = potad_group_alloc(g, k, POTAD_MOVABLE, false, &unit, 1);

	return nr < 0 ? nr : (int)unit;
}

static bool free_one(struct potad_group *g, u32 unit, unsigned int k)
{
	return potad_group_free(g, k, &unit, 1) == 1;
}

/* The order of the largest free block, or -1. */
static int largest(const struct potad_group *g)
{
	if (g->top_class >= 0)
		return g->top_class + POTAD_NODE_SHIFT;
	return fls(g->classes[0] | g->classes[1] | g->classes[2]) - 1;
}

static void expect_sound(struct kunit *test, struct potad_group *g)
{
	const char *wrong = potad_group_check(g);

	KUNIT_ASSERT_FALSE_MSG(test, wrong, "%s", wrong ?: "");
}

/* One with blocks of all orders, free ones among them, and retired units. */
static struct potad_group *busy_group(struct kunit *test, struct rnd_state *rnd)
{
	struct potad_group *g = new_group(test);
	unsigned int k, i;
	u32 u;

	potad_group_seed(g, 300, UNITS - 1000);
	for (i = 0; i < 3000 && g->nr_free > UNITS / 4; i++) {
		k = potad_test_below(rnd, 1 + potad_test_below(rnd, 13));
		if (potad_group_alloc(g, k, i % POTAD_MOBILITIES, false, &u, 1) < 0)
			continue;
		if (potad_test_below(rnd, 2)) {
			KUNIT_ASSERT_TRUE(test, free_one(g, u, k));
			if (!potad_test_below(rnd, 64))
				potad_group_break(g, u);
		}
	}
	/* Something must be left, and a whole leaf be free. */
	KUNIT_ASSERT_GT(test, g->nr_free, 0);
	KUNIT_ASSERT_GE(test, g->top_class, 0);
	for (k = 0; k < POTAD_MOBILITIES; k++)
		KUNIT_ASSERT_NE(test, g->classes[k], 0);
	expect_sound(test, g);
	return g;
}

static void new_group_is_dormant(struct kunit *test)
{
	struct potad_group *g = new_group(test);

	KUNIT_EXPECT_TRUE(test, potad_group_is_dormant(g));
	KUNIT_EXPECT_EQ(test, largest(g), -1);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 0), -ENOSPC);
	expect_sound(test, g);
}

static void seed_of_every_size_is_sound(struct kunit *test)
{
	struct potad_group *g = potad_test_memory(test, sizeof(*g));
	unsigned int units;

	for (units = 0; units < UNITS;
	     units += units < 600 || units > UNITS - 20 ? 1 : 251) {
		memset(g, 0, sizeof(*g));
		potad_group_init(g);
		potad_group_seed(g, 0, units);
		expect_sound(test, g);
		KUNIT_ASSERT_EQ(test, g->nr_free, units);
		KUNIT_ASSERT_EQ_MSG(test, largest(g), fls(units) - 1,
				    "%u units", units);
		/* The same at the other end. */
		memset(g, 0, sizeof(*g));
		potad_group_init(g);
		potad_group_seed(g, UNITS - units, UNITS);
		expect_sound(test, g);
		KUNIT_ASSERT_EQ(test, g->nr_free, units);
		KUNIT_ASSERT_EQ_MSG(test, largest(g), fls(units) - 1,
				    "%u units", units);
		cond_resched();
	}
}

static void wake_makes_whole_and_sleep_dormant(struct kunit *test)
{
	struct potad_group *g = new_group(test);

	potad_group_wake(g, POTAD_MOVABLE);
	expect_sound(test, g);
	KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
	KUNIT_EXPECT_EQ(test, largest(g), POTAD_GROUP_SHIFT);
	potad_group_sleep(g);
	expect_sound(test, g);
	KUNIT_EXPECT_TRUE(test, potad_group_is_dormant(g));
}

static void broken_leaf_is_used_before_a_whole_one(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int i;

	potad_group_wake(g, POTAD_MOVABLE);
	/* All of a leaf, unit by unit, before the next one is broken. */
	for (i = 0; i < 3 * POTAD_NODE_UNITS; i++)
		KUNIT_ASSERT_EQ(test, alloc_one(g, 0), i);
	/* A hole in the first; the last stays as it is. */
	free_one(g, 7, 0);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 0), 7);
	/* Two leaves are needed, so they are taken whole. */
	KUNIT_EXPECT_EQ(test, alloc_one(g, 9), 4 * POTAD_NODE_UNITS);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 8), 3 * POTAD_NODE_UNITS);
	expect_sound(test, g);
}

static void leaf_with_the_tightest_fit_is_taken(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int u;

	potad_group_wake(g, POTAD_MOVABLE);
	for (u = 0; u < 3 * POTAD_NODE_UNITS; u++)
		alloc_one(g, 0);
	/* Room for order 3 in leaf 0, for order 1 in leaf 1, for order 2 in 2. */
	for (u = 8; u < 16; u++)
		free_one(g, u, 0);
	for (u = 0; u < 2; u++)
		free_one(g, POTAD_NODE_UNITS + 64 + u, 0);
	for (u = 0; u < 4; u++)
		free_one(g, 2 * POTAD_NODE_UNITS + 128 + u, 0);
	expect_sound(test, g);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 1), POTAD_NODE_UNITS + 64);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 1), 2 * POTAD_NODE_UNITS + 128);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 3), 8);
	expect_sound(test, g);
}

static void every_order_fills_a_group_exactly(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int k, nr;

	for (k = 0; k < POTAD_GROUP_SHIFT; k++) {
		potad_group_wake(g, POTAD_MOVABLE);
		for (nr = 0; alloc_one(g, k) >= 0; nr++)
			;
		KUNIT_ASSERT_EQ(test, nr, UNITS >> k);
		KUNIT_ASSERT_EQ(test, g->nr_free, 0);
		expect_sound(test, g);
		while (nr--) {
			KUNIT_ASSERT_TRUE(test, potad_group_is_block(g, nr << k, k));
			KUNIT_ASSERT_TRUE(test, free_one(g, nr << k, k));
		}
		KUNIT_ASSERT_TRUE(test, potad_group_is_whole(g));
		expect_sound(test, g);
		potad_group_sleep(g);
		cond_resched();
	}
}

/* Mobility */

static void each_mobility_has_leaves_of_its_own(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int i, m;
	u32 u;

	potad_group_wake(g, POTAD_MOVABLE);
	for (i = 0; i < 300; i++) {
		for (m = 0; m < POTAD_MOBILITIES; m++) {
			KUNIT_ASSERT_EQ(test, potad_group_alloc(g, 0, m, false, &u, 1), 1);
			KUNIT_ASSERT_EQ(test, g->leaf[u / POTAD_NODE_UNITS] >> 4, m);
		}
	}
	/* Two each, and no more. */
	KUNIT_EXPECT_EQ(test, g->nr_free, UNITS - 900);
	KUNIT_EXPECT_EQ(test, potad_node_code(&g->top, 5), POTAD_CODE_BROKEN);
	KUNIT_EXPECT_EQ(test, potad_node_code(&g->top, 6), POTAD_CODE_FREE);
	expect_sound(test, g);
}

static void others_leaves_are_taken_only_when_told_to(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	u32 units[2];

	potad_group_seed(g, 0, POTAD_NODE_UNITS + 2);
	KUNIT_ASSERT_EQ(test, potad_group_alloc(g, 7, POTAD_PINNED, false, units, 2), 2);
	expect_sound(test, g);
	/* The rest of two units lies in a leaf of movables. */
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 1, POTAD_PINNED, false, units, 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 1, POTAD_PINNED, true, units, 1), 1);
	KUNIT_EXPECT_EQ(test, units[0], POTAD_NODE_UNITS);
	KUNIT_EXPECT_EQ(test, g->nr_free, 0);
	expect_sound(test, g);
	KUNIT_EXPECT_TRUE(test, free_one(g, units[0], 1));
	expect_sound(test, g);
}

static void whole_leaf_forgets_whose_it_was(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	u32 u;

	potad_group_wake(g, POTAD_MOVABLE);
	KUNIT_ASSERT_EQ(test, potad_group_alloc(g, 3, POTAD_PINNED, false, &u, 1), 1);
	KUNIT_ASSERT_TRUE(test, free_one(g, u, 3));
	KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
	KUNIT_EXPECT_EQ(test, g->leaf[0], POTAD_NO_CLASS);
	expect_sound(test, g);
	KUNIT_EXPECT_EQ(test, alloc_one(g, 3), 0);
	KUNIT_EXPECT_EQ(test, g->leaf[0] >> 4, POTAD_MOVABLE);
}

/* Several at once, and what is no block among them */

static void several_are_freed_up_to_the_first_that_is_none(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 3, 7, 8, 11 };
	struct potad_group *g = new_group(test);
	unsigned int i, at, free;
	u32 units[8], bad;

	potad_group_wake(g, POTAD_MOVABLE);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (at = 0; at < 8; at++) {
			KUNIT_ASSERT_EQ(test, potad_group_alloc(g, orders[i], POTAD_MOVABLE,
								false, units, 8), 8);
			KUNIT_ASSERT_TRUE(test, free_one(g, units[at], orders[i]));
			free = g->nr_free;
			KUNIT_EXPECT_EQ(test, potad_group_free(g, orders[i], units, 8), at);
			KUNIT_EXPECT_EQ(test, g->nr_free, free + (at << orders[i]));
			expect_sound(test, g);
			bad = 7 - at;
			KUNIT_EXPECT_EQ(test, potad_group_free(g, orders[i], units + at + 1, bad),
					bad);
			expect_sound(test, g);
		}
	}
	KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
}

/*
 * A row, up or down, over words and leaves.  What follows it is a block of twice the
 * size, so that its last may be the half of one.
 */
static void blocks_in_a_row_are_freed_up_to_the_first_that_is_none(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 2, 5, 6, 8, 10, 14 };
	struct potad_group *g = new_group(test);
	unsigned int i, j, down, k;
	u32 units[20], u;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		k = orders[i];
		for (down = 0; down < 2; down++) {
			unsigned int nr = min(20U, (POTAD_GROUP_UNITS >> k) - 2);
			u32 at = k < POTAD_NODE_SHIFT ? 8 * POTAD_NODE_UNITS : nr << k;

			/* Up to a border of leaves, the last two units are one block. */
			at = round_down(at, 2U << k);
			u = at - (nr << k);
			if (!down)
				potad_group_wake(g, POTAD_MOVABLE);
			for (j = 0; j + 2 < nr; j++)
				KUNIT_ASSERT_EQ(test, potad_group_take(g, u + (j << k), k,
								       POTAD_MOVABLE), 0);
			KUNIT_ASSERT_EQ(test, potad_group_take(g, u + (j << k), k + 1,
							       POTAD_MOVABLE), 0);
			for (j = 0; j < nr; j++)
				units[down ? nr - 1 - j : j] = u + (j << k);

			/* The half of a block is none, at either end. */
			KUNIT_EXPECT_EQ(test, potad_group_free(g, k, units, nr - !down),
					down ? 0 : nr - 2);
			expect_sound(test, g);
			KUNIT_EXPECT_EQ(test, potad_group_free(g, k, units + 2, nr - 2),
					down ? nr - 2 : 0);
			expect_sound(test, g);
			KUNIT_EXPECT_TRUE(test, free_one(g, u + ((nr - 2) << k), k + 1));
			KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
		}
		potad_group_sleep(g);
	}
}

static void smaller_blocks_in_a_row_are_not_freed_as_one(struct kunit *test)
{
	static const u32 units[] = { 0, 8, 16 }, small[] = { 8, 12 };
	struct potad_group *g = new_group(test);

	potad_group_wake(g, POTAD_MOVABLE);
	KUNIT_ASSERT_EQ(test, potad_group_take(g, 0, 3, POTAD_MOVABLE), 0);
	KUNIT_ASSERT_EQ(test, potad_group_take(g, 8, 2, POTAD_MOVABLE), 0);
	KUNIT_ASSERT_EQ(test, potad_group_take(g, 12, 2, POTAD_MOVABLE), 0);
	KUNIT_ASSERT_EQ(test, potad_group_take(g, 16, 3, POTAD_MOVABLE), 0);
	KUNIT_EXPECT_EQ(test, potad_group_free(g, 3, units, 3), 1);
	expect_sound(test, g);
	KUNIT_EXPECT_EQ(test, potad_group_free(g, 2, small, 2), 2);
	KUNIT_EXPECT_TRUE(test, free_one(g, 16, 3));
	KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
}

/* This very block */

static void block_is_taken_wherever_it_is_free(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	struct rnd_state rnd;
	unsigned int i, k;
	u32 u, v;

	potad_test_seed(test, &rnd);
	potad_group_wake(g, POTAD_MOVABLE);
	for (i = 0; i < 200; i++) {
		k = potad_test_below(&rnd, POTAD_GROUP_SHIFT);
		u = potad_test_below(&rnd, UNITS >> k) << k;
		KUNIT_ASSERT_EQ(test, potad_group_take(g, u, k, i % POTAD_MOBILITIES), 0);
		expect_sound(test, g);
		/* Once; nor any that it is part of, or that is a part of it. */
		KUNIT_ASSERT_EQ(test, potad_group_take(g, u, k, 0), -EBUSY);
		v = u + potad_test_below(&rnd, 1U << k);
		KUNIT_ASSERT_EQ(test, potad_group_take(g, v, 0, 0), -EBUSY);
		v = u & ~((2U << k) - 1);
		if (k < POTAD_GROUP_SHIFT - 1)
			KUNIT_ASSERT_EQ(test, potad_group_take(g, v, k + 1, 0), -EBUSY);
		expect_sound(test, g);
		KUNIT_ASSERT_TRUE(test, free_one(g, u, k));
		KUNIT_ASSERT_TRUE(test, potad_group_is_whole(g));
		cond_resched();
	}
}

static void split_block_is_two_of_half_the_size(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int k;
	u32 u;

	potad_group_wake(g, POTAD_MOVABLE);
	for (k = 1; k < POTAD_GROUP_SHIFT; k++) {
		KUNIT_ASSERT_EQ(test, potad_group_alloc(g, k, POTAD_PINNED, false, &u, 1), 1);
		potad_group_split(g, u, k);
		expect_sound(test, g);
		KUNIT_EXPECT_FALSE(test, potad_group_is_block(g, u, k));
		KUNIT_EXPECT_TRUE(test, potad_group_is_block(g, u, k - 1));
		KUNIT_EXPECT_TRUE(test, potad_group_is_block(g, u + (1U << (k - 1)), k - 1));
		KUNIT_EXPECT_TRUE(test, free_one(g, u, k - 1));
		expect_sound(test, g);
		KUNIT_EXPECT_TRUE(test, free_one(g, u + (1U << (k - 1)), k - 1));
		expect_sound(test, g);
		KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
	}
}

/* A unit of an upper tier goes to the tier below, and comes back. */
static void lent_and_opened_units_come_back(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	int u, v;

	potad_group_wake(g, POTAD_MOVABLE);
	u = potad_group_lend(g);
	v = alloc_one(g, 0);
	KUNIT_ASSERT_GE(test, u, 0);
	KUNIT_ASSERT_GE(test, v, 0);
	potad_group_open(g, v);
	expect_sound(test, g);
	KUNIT_EXPECT_EQ(test, g->nr_broken, 2);
	potad_group_break(g, 30000);
	KUNIT_EXPECT_EQ(test, g->nr_broken, 3);
	expect_sound(test, g);
	potad_group_return(g, 30000);
	potad_group_return(g, u);
	potad_group_return(g, v);
	expect_sound(test, g);
	KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
	KUNIT_EXPECT_EQ(test, g->nr_broken, 0);
}

/* The check */

static void check_sees_wrong_counters(struct kunit *test)
{
	struct rnd_state rnd;
	struct potad_group *g;

	potad_test_seed(test, &rnd);
	g = busy_group(test, &rnd);
#define EXPECT_SEEN(change, undo) do {					\
	change;								\
	KUNIT_EXPECT_TRUE_MSG(test, potad_group_check(g), #change);	\
	undo;								\
	expect_sound(test, g);						\
} while (0)
	EXPECT_SEEN(g->nr_free++, g->nr_free--);
	EXPECT_SEEN(g->nr_free--, g->nr_free++);
	EXPECT_SEEN(g->nr_broken++, g->nr_broken--);
	EXPECT_SEEN(g->nr_broken--, g->nr_broken++);
	EXPECT_SEEN(g->top_class++, g->top_class--);
	EXPECT_SEEN(g->top_class--, g->top_class++);
#undef EXPECT_SEEN
}

static void check_sees_every_flipped_class(struct kunit *test)
{
	unsigned int m, c, l;
	struct rnd_state rnd;
	struct potad_group *g;

	potad_test_seed(test, &rnd);
	g = busy_group(test, &rnd);
	for (m = 0; m < POTAD_MOBILITIES; m++) {
		for (c = 0; c < POTAD_CLASSES; c++) {
			g->classes[m] ^= 1U << c;
			KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g), "classes, %u", c);
			g->classes[m] ^= 1U << c;
			for (l = 0; l < POTAD_NODE_UNITS; l += 1 + potad_test_below(&rnd, 48)) {
				g->index[m][c][l / 64] ^= 1ULL << (l % 64);
				KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g),
						      "index[%u][%u], leaf %u", m, c, l);
				g->index[m][c][l / 64] ^= 1ULL << (l % 64);
			}
		}
		cond_resched();
	}
	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		for (c = 0; c < 4; c++) {
			g->leaf[l] ^= 1U << c;
			KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g), "class of leaf %u", l);
			g->leaf[l] ^= 1U << c;
		}
		/* Of what mobility it is matters where there is room in it. */
		if (potad_leaf_class(g, l) == POTAD_NO_CLASS)
			continue;
		g->leaf[l] ^= 0x10;
		KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g), "mobility of leaf %u", l);
		g->leaf[l] ^= 0x10;
		cond_resched();
	}
	expect_sound(test, g);
}

/* A unit that becomes free, or no longer is, by a flipped bit. */
static void check_sees_flipped_bits_of_the_maps(struct kunit *test)
{
	struct rnd_state rnd;
	struct potad_group *g;
	unsigned int i;

	potad_test_seed(test, &rnd);
	g = busy_group(test, &rnd);
	for (i = 0; i < 500; i++) {
		unsigned int node = potad_test_below(&rnd, 300);
		unsigned int bit = potad_test_below(&rnd, POTAD_NODE_UNITS);
		struct potad_node *n;

		n = node < POTAD_NODE_UNITS ? &g->node[node] : &g->top;
		n->free[bit / 64] ^= 1ULL << (bit % 64);
		KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g),
				      "node %u, bit %u", node, bit);
		n->free[bit / 64] ^= 1ULL << (bit % 64);
		if (!(i % 32))
			cond_resched();
	}
	expect_sound(test, g);
}

static void check_sees_impossible_blocks(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	u64 *head = &g->node[0].head[0];
	int first;

	potad_group_wake(g, POTAD_MOVABLE);
	first = alloc_one(g, 3);
	KUNIT_ASSERT_EQ(test, first, 0);
	KUNIT_ASSERT_EQ(test, alloc_one(g, 3), 8);
	expect_sound(test, g);

	*head ^= 1ULL << 8;		/* sixteen, of which there is one head */
	*head ^= 1ULL << 4;		/* no, four and twelve */
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	*head ^= 1ULL << 4 | 1ULL << 8;
	*head ^= 1ULL << 0 | 1ULL << 2;	/* begins with the inside of nothing */
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	*head ^= 1ULL << 0;		/* two and six */
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	*head ^= 1ULL << 2;
	expect_sound(test, g);
	/* A leaf in use, below a unit that is not broken. */
	g->node[200].head[0] = 1;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->node[200].head[0] = 0;
	expect_sound(test, g);
}

static void check_sees_life_in_a_dormant_group(struct kunit *test)
{
	struct potad_group *g = new_group(test);

	g->node[255].free[3] = 1ULL << 63;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->node[255].free[3] = 0;
	g->leaf[17] = 0;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->leaf[17] = POTAD_NO_CLASS;
	g->nr_free = 1;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->nr_free = 0;
	g->classes[1] = 1;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->classes[1] = 0;
	expect_sound(test, g);
}

static struct kunit_case group_cases[] = {
	KUNIT_CASE(new_group_is_dormant),
	KUNIT_CASE(seed_of_every_size_is_sound),
	KUNIT_CASE(wake_makes_whole_and_sleep_dormant),
	KUNIT_CASE(broken_leaf_is_used_before_a_whole_one),
	KUNIT_CASE(leaf_with_the_tightest_fit_is_taken),
	KUNIT_CASE(every_order_fills_a_group_exactly),
	KUNIT_CASE(each_mobility_has_leaves_of_its_own),
	KUNIT_CASE(others_leaves_are_taken_only_when_told_to),
	KUNIT_CASE(whole_leaf_forgets_whose_it_was),
	KUNIT_CASE(several_are_freed_up_to_the_first_that_is_none),
	KUNIT_CASE(blocks_in_a_row_are_freed_up_to_the_first_that_is_none),
	KUNIT_CASE(smaller_blocks_in_a_row_are_not_freed_as_one),
	KUNIT_CASE(block_is_taken_wherever_it_is_free),
	KUNIT_CASE(split_block_is_two_of_half_the_size),
	KUNIT_CASE(lent_and_opened_units_come_back),
	KUNIT_CASE(check_sees_wrong_counters),
	KUNIT_CASE(check_sees_every_flipped_class),
	KUNIT_CASE(check_sees_flipped_bits_of_the_maps),
	KUNIT_CASE(check_sees_impossible_blocks),
	KUNIT_CASE(check_sees_life_in_a_dormant_group),
	{ }
};

static struct kunit_suite group_suite = {
	.name = "potad_group",
	.test_cases = group_cases,
};

kunit_test_suite(group_suite);

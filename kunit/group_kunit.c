// SPDX-License-Identifier: GPL-2.0
/*
 * Group: the counters and classes beside the maps, and who checks them.
 *
 * potad_space_validate() is what all other suites rely on, and it rests on
 * potad_group_check().  So the check itself is tried here: each kind of damage
 * to each field must be seen, and undoing it must satisfy it again.
 */
#include <kunit/test.h>

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
	int u;

	potad_group_seed(g, UNITS - 1000);
	for (i = 0; i < 3000 && g->nr_free > UNITS / 4; i++) {
		k = potad_test_below(rnd, 13);
		u = potad_group_alloc(g, potad_test_below(rnd, k + 1), false);
		if (u < 0)
			continue;
		if (potad_test_below(rnd, 2)) {
			for (k = 0; !potad_group_is_block(g, u, k); k++)
				;
			potad_group_free(g, u, k);
			if (!potad_test_below(rnd, 64))
				potad_group_break(g, u);
		}
	}
	/* Something must be left, and a whole leaf be free. */
	KUNIT_ASSERT_GT(test, g->nr_free, 0);
	KUNIT_ASSERT_GE(test, g->top_class, 0);
	KUNIT_ASSERT_NE(test, g->classes, 0);
	expect_sound(test, g);
	return g;
}

static void new_group_is_dormant(struct kunit *test)
{
	struct potad_group *g = new_group(test);

	KUNIT_EXPECT_TRUE(test, potad_group_is_dormant(g));
	KUNIT_EXPECT_EQ(test, potad_group_order(g), -1);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 0, false), -ENOSPC);
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
		potad_group_seed(g, units);
		expect_sound(test, g);
		KUNIT_ASSERT_EQ(test, g->nr_free, units);
		KUNIT_ASSERT_EQ_MSG(test, potad_group_order(g), fls(units) - 1,
				    "%u units", units);
		cond_resched();
	}
}

static void wake_makes_whole_and_sleep_dormant(struct kunit *test)
{
	struct potad_group *g = new_group(test);

	potad_group_wake(g);
	expect_sound(test, g);
	KUNIT_EXPECT_TRUE(test, potad_group_is_whole(g));
	KUNIT_EXPECT_EQ(test, potad_group_order(g), POTAD_GROUP_SHIFT);
	potad_group_sleep(g);
	expect_sound(test, g);
	KUNIT_EXPECT_TRUE(test, potad_group_is_dormant(g));
}

static void broken_leaf_is_used_before_a_whole_one(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int i;

	potad_group_wake(g);
	/* All of a leaf, unit by unit, before the next one is broken. */
	for (i = 0; i < 3 * POTAD_NODE_UNITS; i++)
		KUNIT_ASSERT_EQ(test, potad_group_alloc(g, 0, false), i);
	/* A hole in the first; the last stays as it is. */
	potad_group_free(g, 7, 0);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 0, false), 7);
	/* Two leaves are needed, so they are taken whole. */
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 9, false), 4 * POTAD_NODE_UNITS);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 8, false), 3 * POTAD_NODE_UNITS);
	expect_sound(test, g);
}

static void leaf_with_the_tightest_fit_is_taken(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int u;

	potad_group_wake(g);
	for (u = 0; u < 3 * POTAD_NODE_UNITS; u++)
		potad_group_alloc(g, 0, false);
	/* Room for order 3 in leaf 0, for order 1 in leaf 1, for order 2 in 2. */
	for (u = 8; u < 16; u++)
		potad_group_free(g, u, 0);
	for (u = 0; u < 2; u++)
		potad_group_free(g, POTAD_NODE_UNITS + 64 + u, 0);
	for (u = 0; u < 4; u++)
		potad_group_free(g, 2 * POTAD_NODE_UNITS + 128 + u, 0);
	expect_sound(test, g);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 1, false), POTAD_NODE_UNITS + 64);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 1, false), 2 * POTAD_NODE_UNITS + 128);
	KUNIT_EXPECT_EQ(test, potad_group_alloc(g, 3, false), 8);
	expect_sound(test, g);
}

static void every_order_fills_a_group_exactly(struct kunit *test)
{
	struct potad_group *g = new_group(test);
	unsigned int k, nr;

	for (k = 0; k < POTAD_GROUP_SHIFT; k++) {
		potad_group_wake(g);
		for (nr = 0; potad_group_alloc(g, k, false) >= 0; nr++)
			;
		KUNIT_ASSERT_EQ(test, nr, UNITS >> k);
		KUNIT_ASSERT_EQ(test, g->nr_free, 0);
		expect_sound(test, g);
		while (nr--) {
			KUNIT_ASSERT_TRUE(test, potad_group_is_block(g, nr << k, k));
			potad_group_free(g, nr << k, k);
		}
		KUNIT_ASSERT_TRUE(test, potad_group_is_whole(g));
		expect_sound(test, g);
		potad_group_sleep(g);
		cond_resched();
	}
}

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
	unsigned int c, l;
	struct rnd_state rnd;
	struct potad_group *g;

	potad_test_seed(test, &rnd);
	g = busy_group(test, &rnd);
	for (c = 0; c < POTAD_CLASSES; c++) {
		g->classes ^= 1U << c;
		KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g), "classes, %u", c);
		g->classes ^= 1U << c;
		for (l = 0; l < POTAD_NODE_UNITS; l += 1 + potad_test_below(&rnd, 16)) {
			g->index[c][l / 64] ^= 1ULL << (l % 64);
			KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g),
					      "index[%u], leaf %u", c, l);
			g->index[c][l / 64] ^= 1ULL << (l % 64);
			g->leaf_class[l] ^= 1U << c;
			KUNIT_ASSERT_TRUE_MSG(test, potad_group_check(g),
					      "leaf_class, leaf %u", l);
			g->leaf_class[l] ^= 1U << c;
		}
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

		n = node < POTAD_NODE_UNITS ? &g->leaf[node] : &g->top;
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
	u64 *head = &g->leaf[0].head[0];
	int first;

	potad_group_wake(g);
	first = potad_group_alloc(g, 3, false);
	KUNIT_ASSERT_EQ(test, first, 0);
	KUNIT_ASSERT_EQ(test, potad_group_alloc(g, 3, false), 8);
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
	g->leaf[200].head[0] = 1;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->leaf[200].head[0] = 0;
	expect_sound(test, g);
}

static void check_sees_life_in_a_dormant_group(struct kunit *test)
{
	struct potad_group *g = new_group(test);

	g->leaf[255].free[3] = 1ULL << 63;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->leaf[255].free[3] = 0;
	g->leaf_class[17] = 0;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->leaf_class[17] = POTAD_NO_CLASS;
	g->nr_free = 1;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->nr_free = 0;
	g->classes = 1;
	KUNIT_EXPECT_TRUE(test, potad_group_check(g));
	g->classes = 0;
	expect_sound(test, g);
}

static struct kunit_case group_cases[] = {
	KUNIT_CASE(new_group_is_dormant),
	KUNIT_CASE(seed_of_every_size_is_sound),
	KUNIT_CASE(wake_makes_whole_and_sleep_dormant),
	KUNIT_CASE(broken_leaf_is_used_before_a_whole_one),
	KUNIT_CASE(leaf_with_the_tightest_fit_is_taken),
	KUNIT_CASE(every_order_fills_a_group_exactly),
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

// SPDX-License-Identifier: GPL-2.0
/*
 * Holes: what lies in a pool's range, but is none of its memory.
 *
 * No block may have a byte of one, and whoever asks for it by its address is told
 * that it is not there.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_1M
#define GRANULE		512ULL

/* One granule; then two that touch; then the end of all. */
static const struct potad_hole holes[] = {
	{ START + 64 * GRANULE, GRANULE },
	{ START + 300 * GRANULE, 100 * GRANULE },
	{ START + 400 * GRANULE, 3 * GRANULE },
	{ START + 2000 * GRANULE, 48 * GRANULE },
};

#define IN_HOLES	152

static bool in_hole(phys_addr_t phys)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(holes); i++)
		if (phys >= holes[i].phys && phys - holes[i].phys < holes[i].bytes)
			return true;
	return false;
}

static struct potad_pool *new_pool(struct kunit *test)
{
	return potad_test_pool_with_holes(test, BYTES, GRANULE, holes, ARRAY_SIZE(holes));
}

static void hole_is_told_from_all_else(struct kunit *test)
{
	struct potad_pool *pool = new_pool(test);
	struct potad_info info;
	struct potad_block b;
	phys_addr_t phys;

	KUNIT_EXPECT_EQ(test, potad_space_size(pool->space), BYTES / GRANULE - IN_HOLES);
	for (phys = START + 17; phys < START + BYTES; phys += GRANULE) {
		KUNIT_ASSERT_EQ(test, potad_lookup(pool, phys, &info), 0);
		KUNIT_ASSERT_EQ(test, info.what, in_hole(phys) ? POTAD_IS_HOLE : POTAD_IS_FREE);
		KUNIT_EXPECT_TRUE(test, info.phys <= phys && phys - info.phys < info.bytes);
		KUNIT_EXPECT_STREQ(test, info.type, "");
		KUNIT_EXPECT_EQ(test, potad_get(pool, phys, &b), -ENOENT);
		if (in_hole(phys)) {
			KUNIT_EXPECT_EQ(test, potad_migrate(pool, phys, &b), -ENOENT);
			KUNIT_EXPECT_EQ(test, potad_dirty(pool, phys), -ENOENT);
			KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, phys & ~511ULL, 0,
								 potad_test_types[1]), -ENXIO);
		}
	}
	potad_test_all_free(test, pool, 0);
}

static void no_block_has_any_of_a_hole(struct kunit *test)
{
	struct potad_pool *pool = new_pool(test);
	struct potad_block *b = potad_test_memory(test, 2048 * sizeof(*b));
	unsigned int k, i, nr = 0;
	u64 granules = 0;

	/* All there is, the largest first. */
	for (k = 12; k--;)
		while (nr < 2048 && !potad_alloc(potad_test_types[0], k, GFP_KERNEL, NULL, &b[nr]))
			nr++;
	for (i = 0; i < nr; i++) {
		phys_addr_t phys;

		for (phys = b[i].phys; phys < b[i].phys + b[i].bytes; phys += GRANULE)
			KUNIT_ASSERT_FALSE_MSG(test, in_hole(phys), "0x%llx", (u64)phys);
		granules += 1ULL << b[i].order;
	}
	KUNIT_EXPECT_EQ(test, granules, BYTES / GRANULE - IN_HOLES);
	potad_test_sound(test, pool);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
	potad_test_all_free(test, pool, 0);
}

static void failure_in_a_hole_is_none_of_ours(struct kunit *test)
{
	struct potad_pool *pool = new_pool(test);
	struct potad_event_count count;

	/* In it, over its end, over its beginning, and over all of it. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, holes[0].phys, 1, 0), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, holes[0].phys + 511, 2, 0), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, holes[0].phys - 1, 2, 0), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START, BYTES, 0), -ENXIO);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, 0);
	potad_test_all_free(test, pool, 0);

	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, holes[0].phys - 1, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, holes[0].phys + GRANULE, 1, 0), 0);
	potad_test_all_free(test, pool, 2);
}

static void hole_cannot_be_had_by_its_address(struct kunit *test)
{
	struct potad_pool *pool = new_pool(test);
	struct potad_block b;

	KUNIT_EXPECT_EQ(test, potad_alloc_at(potad_test_types[1], holes[0].phys, 0, GFP_KERNEL,
					     NULL, NULL, NULL, &b), -EBUSY);
	KUNIT_EXPECT_EQ(test, potad_alloc_at(potad_test_types[1], holes[0].phys, 5, GFP_KERNEL,
					     NULL, NULL, NULL, &b), -EBUSY);
	KUNIT_EXPECT_EQ(test, potad_evacuate(pool, START, BYTES, NULL, NULL), -EBUSY);
	/* What lies beside it can. */
	KUNIT_ASSERT_EQ(test, potad_alloc_at(potad_test_types[1], START, 6, GFP_KERNEL,
					     NULL, NULL, NULL, &b), 0);
	potad_test_sound(test, pool);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

static void lists_of_holes_that_are_refused(struct kunit *test)
{
	static const struct potad_hole bad[][2] = {
		{ { START, 0 }, { START + GRANULE, GRANULE } },
		{ { START, 1 }, { START + GRANULE, GRANULE } },
		{ { START + 1, GRANULE }, { START + 4 * GRANULE, GRANULE } },
		{ { START, GRANULE + 1 }, { START + 4 * GRANULE, GRANULE } },
		{ { START - GRANULE, GRANULE }, { START, GRANULE } },
		{ { START, GRANULE }, { START + BYTES, GRANULE } },
		{ { START, GRANULE }, { START + BYTES - GRANULE, 2 * GRANULE } },
		{ { START, GRANULE }, { START, GRANULE } },
		{ { START, 2 * GRANULE }, { START + GRANULE, 2 * GRANULE } },
		{ { START + 4 * GRANULE, GRANULE }, { START, GRANULE } },
		{ { START, GRANULE }, { START + GRANULE, U64_MAX - 511 } },
		{ { START, GRANULE }, { 0, GRANULE } },
		/* Nothing would be left. */
		{ { START, GRANULE }, { START + GRANULE, BYTES - GRANULE } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct potad_pool *pool = potad_pool_create(START, BYTES, GRANULE,
							   POTAD_INDEX_WORDS, bad[i], 2);

		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(pool), -EINVAL, "case %u", i);
		if (!IS_ERR(pool))
			KUNIT_EXPECT_EQ(test, potad_pool_destroy(pool), 0);
	}
}

static struct kunit_case hole_cases[] = {
	KUNIT_CASE(hole_is_told_from_all_else),
	KUNIT_CASE(no_block_has_any_of_a_hole),
	KUNIT_CASE(failure_in_a_hole_is_none_of_ours),
	KUNIT_CASE(hole_cannot_be_had_by_its_address),
	KUNIT_CASE(lists_of_holes_that_are_refused),
	{ }
};

static struct kunit_suite hole_suite = {
	.name = "potad_hole",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = hole_cases,
};

kunit_test_suite(hole_suite);

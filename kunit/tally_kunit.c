// SPDX-License-Identifier: GPL-2.0
/*
 * Tallies: does a percentile say what a sorted list of all times would?
 *
 * The reference keeps every time and sorts.  A tally may be at most one part in
 * 128 above it, and never below.
 */
#include <kunit/test.h>
#include <linux/sort.h>

#include "../module/compare/tally.h"
#include "../module/include/compat.h"
#include "common.h"

#define BATCHES	1000

static struct potad_tally *tally_of(struct kunit *test)
{
	return potad_test_memory(test, sizeof(struct potad_tally));
}

static void tally_is_empty(struct kunit *test)
{
	struct potad_tally *tally = tally_of(test);

	KUNIT_EXPECT_EQ(test, potad_tally_mean(tally), 0);
	KUNIT_EXPECT_EQ(test, potad_tally_percentile(tally, 1), 0);
	KUNIT_EXPECT_EQ(test, potad_tally_percentile(tally, 100), 0);
	KUNIT_EXPECT_EQ(test, potad_tally_permille(tally, 999), 0);
	KUNIT_EXPECT_EQ(test, tally->max, 0);
	potad_tally_add(tally, 5000, 500);
	potad_tally_reset(tally);
	KUNIT_EXPECT_EQ(test, potad_tally_mean(tally), 0);
	KUNIT_EXPECT_EQ(test, potad_tally_percentile(tally, 99), 0);
	KUNIT_EXPECT_EQ(test, tally->max, 0);
}

/* One slow one of a thousand is seen by the last permille, and by nothing below. */
static void tally_sees_the_slowest(struct kunit *test)
{
	struct potad_tally *tally = tally_of(test);
	unsigned int i;

	for (i = 0; i < 999; i++)
		potad_tally_add(tally, 7, 1);
	potad_tally_add(tally, 123456, 1);
	KUNIT_EXPECT_EQ(test, potad_tally_percentile(tally, 99), 70);
	KUNIT_EXPECT_EQ(test, potad_tally_permille(tally, 999), 70);
	KUNIT_EXPECT_EQ(test, potad_tally_permille(tally, 1000), 1234560);
	KUNIT_EXPECT_EQ(test, tally->max, 1234560);
	potad_tally_add(tally, 123457, 1);
	KUNIT_EXPECT_GE(test, potad_tally_permille(tally, 999), 1234560);
	KUNIT_EXPECT_EQ(test, tally->max, 1234570);
}

/* Every power of two and its neighbours, up to what counts as the largest. */
static void tally_knows_every_time(struct kunit *test)
{
	struct potad_tally *tally = tally_of(test);
	unsigned int k;
	int off;

	for (k = 0; k <= 32; k++) {
		for (off = -1; off <= 1; off++) {
			u64 time = (1ULL << k) + off, seen;

			potad_tally_reset(tally);
			/* Ten operations: as many tenths each as ns together. */
			potad_tally_add(tally, time, 10);
			seen = potad_tally_percentile(tally, 50);
			KUNIT_EXPECT_EQ(test, potad_tally_mean(tally), time);
			time = min_t(u64, time, U32_MAX);
			KUNIT_EXPECT_GE_MSG(test, seen, time, "2^%u%+d", k, off);
			KUNIT_EXPECT_LE_MSG(test, seen, time + (time >> POTAD_TALLY_FINE),
					    "2^%u%+d", k, off);
		}
	}
}

static int cmp_u64(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Two halves that are merged, as those of two CPUs are. */
static void tally_sorts(struct kunit *test)
{
	struct potad_tally *tally = tally_of(test), *other = tally_of(test);
	u64 *times = potad_test_memory(test, BATCHES * sizeof(u64)), sum = 0;
	struct rnd_state rnd;
	unsigned int i, percent, permille;

	potad_test_seed(test, &rnd);
	for (i = 0; i < BATCHES; i++) {
		times[i] = prandom_u32_state(&rnd) >> potad_test_below(&rnd, 32);
		sum += times[i];
		potad_tally_add(i % 3 ? tally : other, times[i], 10);
	}
	potad_tally_merge(tally, other);
	sort(times, BATCHES, sizeof(u64), cmp_u64, NULL);
	KUNIT_EXPECT_EQ(test, tally->ops, BATCHES * 10);
	KUNIT_EXPECT_EQ(test, potad_tally_mean(tally), sum / BATCHES);
	for (percent = 1; percent <= 100; percent++) {
		u64 time = times[(BATCHES * percent + 99) / 100 - 1];
		u64 seen = potad_tally_percentile(tally, percent);

		KUNIT_EXPECT_GE_MSG(test, seen, time, "%u %%", percent);
		KUNIT_EXPECT_LE_MSG(test, seen, time + (time >> POTAD_TALLY_FINE),
				    "%u %%", percent);
	}
	for (permille = 1; permille <= 1000; permille++) {
		u64 time = times[(BATCHES * permille + 999) / 1000 - 1];
		u64 seen = potad_tally_permille(tally, permille);

		KUNIT_EXPECT_GE_MSG(test, seen, time, "%u permille", permille);
		KUNIT_EXPECT_LE_MSG(test, seen, time + (time >> POTAD_TALLY_FINE),
				    "%u permille", permille);
	}
	KUNIT_EXPECT_EQ(test, tally->max, times[BATCHES - 1]);
}

static struct kunit_case tally_cases[] = {
	KUNIT_CASE(tally_is_empty),
	KUNIT_CASE(tally_knows_every_time),
	KUNIT_CASE(tally_sees_the_slowest),
	KUNIT_CASE(tally_sorts),
	{}
};

static struct kunit_suite tally_suite = {
	.name = "potad_tally",
	.test_cases = tally_cases,
};

kunit_test_suite(tally_suite);

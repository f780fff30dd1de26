// SPDX-License-Identifier: GPL-2.0
/*
 * Runs: adjacent blocks that make up what one block cannot.
 *
 * The oracle is in model.c: for each order from the top it tries every aligned
 * start against a map of what is free.  A run must be found if there is one, be
 * made of blocks as large as any run could be made of, and suit its limits;
 * "order" and "tried" must say just that.  What is refused changes nothing, and
 * that includes what was taken and undone on the way.
 *
 * The random cases are played on terrains (terrain.h) that fill up and empty
 * again, with holes and retired granules in them.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "common.h"
#include "model.h"
#include "spaces.h"
#include "terrain.h"

#define GROUP		65536ULL

KUNIT_ARRAY_PARAM(terrain, potad_terrains, potad_terrain_name);

static u64 lowest(const struct potad_model *m)
{
	u64 first = m->span[0].first;
	unsigned int i;

	for (i = 1; i < m->spans; i++)
		first = min(first, m->span[i].first);
	return first;
}

/* Any run at all: small ones mostly, half of them with limits. */
static struct potad_run random_run(struct potad_model *m, struct rnd_state *rnd)
{
	struct potad_run run = { .max = U64_MAX };
	u32 reach = 1U << potad_test_below(rnd, 10);

	run.nr = 1 + potad_test_below(rnd, min_t(u64, reach, m->nr));
	if (potad_test_below(rnd, 2))
		run.align = potad_test_below(rnd, 1 + potad_test_below(rnd, 9));
	if (!potad_test_below(rnd, 3))
		run.min = lowest(m) + potad_test_below(rnd, m->nr);
	if (!potad_test_below(rnd, 3))
		run.max = max(run.min, lowest(m)) + potad_test_below(rnd, m->nr);
	if (!potad_test_below(rnd, 3))
		run.nocross = 1 + potad_test_below(rnd, 10);
	return run;
}

/* What is allocated anywhere, or a part of it; now and then, of what is not. */
static void random_free_run(struct potad_model *m, struct rnd_state *rnd)
{
	u64 first = potad_model_place(m, rnd), nr;

	if (m->nr_live && potad_test_below(rnd, 8)) {
		struct potad_model_block *b = &m->live[potad_test_below(rnd, m->nr_live)];

		first = b->first + potad_test_below(rnd, 1U << b->order);
	}
	nr = 1 + potad_test_below(rnd, 1U << potad_test_below(rnd, 7));
	potad_model_free_run(m, first, nr);
}

/* One step that is not a run: fills if it is time for that, else empties. */
static void random_step(struct potad_model *m, struct rnd_state *rnd, bool filling)
{
	struct potad_model_block *b = NULL;

	if (m->nr_live)
		b = &m->live[potad_test_below(rnd, m->nr_live)];
	switch (potad_test_below(rnd, 8)) {
	case 0:
		if (m->stat.retired + m->stat.pending < m->nr / 16)
			potad_model_retire(m, potad_model_place(m, rnd));
		break;
	case 1:
		potad_model_restore(m, potad_model_place(m, rnd));
		break;
	case 2:
		random_free_run(m, rnd);
		break;
	default:
		if (filling)
			potad_model_alloc(m, potad_test_below(rnd, 4));
		else if (b)
			potad_model_free(m, b->first, b->order);
		break;
	}
}

/* Of each case the run is what counts; how often there was one is told. */
static void random_runs_agree_with_the_oracle(struct kunit *test)
{
	struct potad_model *m = potad_terrain_model(test, test->param_value);
	u32 i, step, found = 0, refused = 0, every = 128;
	u32 cases = potad_test_ops(), phase;
	struct rnd_state rnd;
	bool filling;
	int err;

	/* The upper tiers have much to look at. */
	if (m->shift >= 16) {
		cases /= 4;
		every = cases / 8 + 1;
	}
	phase = clamp_t(u32, m->nr, 1, cases / 10 + 1);
	potad_test_seed(test, &rnd);
	potad_model_compare(m);
	for (i = 0; i < cases; i++) {
		struct potad_run run = random_run(m, &rnd);

		filling = i / phase % 2 == 0;
		err = potad_model_alloc_run(m, &run);
		if (err)
			refused++;
		else
			found++;
		/* What was undone is as it was. */
		if (!(i % every) || (err && !potad_test_below(&rnd, every)))
			potad_model_compare(m);
		if (!err && potad_test_below(&rnd, 2))
			potad_model_free_run(m, run.first, run.nr);
		for (step = potad_test_below(&rnd, filling ? 2 : 6); step; step--)
			random_step(m, &rnd, filling);
		if (!(i % 64))
			cond_resched();
	}
	kunit_info(test, "%u runs, %u refused\n", found, refused);
	KUNIT_EXPECT_GT(test, found, cases / 20);
	KUNIT_EXPECT_GT(test, refused, cases / 20);
	potad_model_compare_units(m);
	potad_model_free_all(m);
	potad_model_compare(m);
}

/* Runs in a space of which all else is taken: [@first, @first + @nr) is free. */
static struct potad_model *island(struct kunit *test, u64 first, u64 nr)
{
	struct potad_model *m = potad_model_create(test, 1024);

	KUNIT_ASSERT_EQ(test, potad_model_fill(m, 0), m->nr);
	KUNIT_ASSERT_EQ(test, potad_model_free_run(m, first, nr), 0);
	return m;
}

static void run_is_found_wherever_it_just_fits(struct kunit *test)
{
	struct potad_run run;
	struct potad_model *m;
	u64 first, nr;

	m = potad_model_create(test, 1024);
	KUNIT_ASSERT_EQ(test, potad_model_fill(m, 0), m->nr);
	for (nr = 1; nr <= 300; nr += nr < 20 ? 1 : 53) {
		for (first = 230; first < 290; first += nr < 20 ? 1 : 7) {
			KUNIT_ASSERT_EQ(test, potad_model_free_run(m, first, nr), 0);
			/* One more than there is, then just what there is. */
			run = (struct potad_run){ .nr = nr + 1, .max = U64_MAX };
			KUNIT_ASSERT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
			run = (struct potad_run){ .nr = nr, .max = U64_MAX };
			KUNIT_ASSERT_EQ(test, potad_model_alloc_run(m, &run), 0);
			KUNIT_ASSERT_EQ(test, run.first, first);
		}
		cond_resched();
	}
	potad_model_compare_units(m);
}

static void limits_are_kept_to_the_granule(struct kunit *test)
{
	struct potad_model *m = island(test, 300, 100);
	struct potad_run run;

	run = (struct potad_run){ .nr = 10, .min = 391, .max = U64_MAX };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	run = (struct potad_run){ .nr = 10, .max = 308 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	run = (struct potad_run){ .nr = 10, .min = 320, .max = 328 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	run = (struct potad_run){ .nr = 10, .min = 320, .max = 319 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -EINVAL);
	run = (struct potad_run){ .nr = 10, .min = 390, .max = U64_MAX };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 390);
	run = (struct potad_run){ .nr = 10, .max = 309 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 300);
	run = (struct potad_run){ .nr = 9, .min = 320, .max = 328 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 320);
	potad_model_compare_units(m);
}

static void borders_are_not_crossed(struct kunit *test)
{
	/* 332..387: of multiples of 64 there is 384 in it, of 32 there is 352. */
	struct potad_model *m = island(test, 332, 56);
	struct potad_run run;

	/* More than there is between two borders can never be. */
	run = (struct potad_run){ .nr = 33, .max = U64_MAX, .nocross = 5 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -EINVAL);
	run = (struct potad_run){ .nr = 53, .max = U64_MAX, .nocross = 6 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	run = (struct potad_run){ .nr = 53, .max = U64_MAX, .nocross = 7 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	run = (struct potad_run){ .nr = 52, .max = U64_MAX, .nocross = 7 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 332);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, 332, 52), 0);
	run = (struct potad_run){ .nr = 32, .max = U64_MAX, .nocross = 5 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 352);
	potad_model_compare_units(m);
}

static void largest_order_that_can_be_is_taken(struct kunit *test)
{
	struct potad_model *m = island(test, 512 + 8, 8 + 16 + 32 + 8);
	struct potad_run run;

	/* 8 at 520, 16 at 528, 32 at 544, 8 at 576 */
	run = (struct potad_run){ .nr = 32, .max = U64_MAX };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.order, 5);
	KUNIT_EXPECT_EQ(test, run.tried, 1ULL << 5);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, run.first, run.nr), 0);
	run = (struct potad_run){ .nr = 48, .max = U64_MAX };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.order, 4);
	KUNIT_EXPECT_EQ(test, run.tried, 1ULL << 5 | 1ULL << 4);
	KUNIT_EXPECT_EQ(test, run.first, 528);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, run.first, run.nr), 0);
	run = (struct potad_run){ .nr = 64, .max = U64_MAX, .align = 3 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, run.order, 3);
	KUNIT_EXPECT_EQ(test, run.tried, 0x78);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, run.first, run.nr), 0);
	run = (struct potad_run){ .nr = 64, .max = U64_MAX, .align = 4 };
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	potad_model_compare_units(m);
}

static void retired_granule_is_gone_round(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 3 * GROUP);
	struct potad_run run = { .nr = GROUP, .max = U64_MAX };
	unsigned int i;

	/* In the middle of each group: no group is whole, but a run fits. */
	for (i = 0; i < 3; i++)
		potad_model_retire(m, i * GROUP + GROUP / 2);
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), -ENOSPC);
	run.nr = GROUP - 256;
	KUNIT_EXPECT_EQ(test, potad_model_alloc_run(m, &run), 0);
	potad_model_compare(m);
}

/* Parts */

static void run_is_freed_in_parts(struct kunit *test)
{
	struct potad_model *m = potad_terrain_model(test, test->param_value);
	struct rnd_state rnd;
	unsigned int round;
	u64 first, nr;

	potad_test_seed(test, &rnd);
	for (round = 0; round < 3; round++) {
		struct potad_run run = { .nr = 1 + potad_test_below(&rnd, 70), .max = U64_MAX };

		KUNIT_ASSERT_EQ(test, potad_model_alloc_run(m, &run), 0);
		while (m->nr_live) {
			first = run.first + potad_test_below(&rnd, run.nr);
			nr = 1 + potad_test_below(&rnd, 9);
			/* Beyond its end, or where it is gone already: refused. */
			potad_model_free_run(m, first, nr);
			potad_model_query(m, first);
			cond_resched();
		}
		potad_model_compare(m);
	}
}

static void half_of_a_block_is_freed_by_a_run(struct kunit *test)
{
	static const unsigned int orders[] = { 1, 3, 7, 8, 9, 15, 16, 17 };
	struct potad_model *m = potad_model_create(test, 4 * GROUP);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		u64 half = 1ULL << (orders[i] - 1);
		u64 first = potad_model_alloc(m, orders[i]);

		KUNIT_ASSERT_EQ(test, potad_model_free_run(m, first + half, half), 0);
		potad_model_query(m, first);
		potad_model_query(m, first + half);
		potad_model_compare(m);
		KUNIT_ASSERT_EQ(test, potad_model_free(m, first, orders[i]), -EINVAL);
		KUNIT_ASSERT_EQ(test, potad_model_free_run(m, first + half, half), -ENOENT);
		KUNIT_ASSERT_NE(test, potad_model_free_run(m, first, 2 * half), 0);
		KUNIT_ASSERT_EQ(test, potad_model_free(m, first, orders[i] - 1), 0);
		potad_model_compare(m);
	}
}

/* The granule in the middle goes: what is left are blocks on both sides. */
static void one_granule_of_a_block_is_freed_by_a_run(struct kunit *test)
{
	static const unsigned int orders[] = { 1, 3, 7, 8, 9, 15, 16, 17 };
	struct potad_model *m = potad_model_create(test, 4 * GROUP);
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		u64 first = potad_model_alloc(m, orders[i]);
		u64 u = first + (1ULL << orders[i]) / 2;

		KUNIT_ASSERT_EQ(test, potad_model_free_run(m, u, 1), 0);
		for (k = 0; k + 1 < orders[i]; k++)
			potad_model_query(m, u + (1ULL << k));
		potad_model_compare(m);
		KUNIT_ASSERT_EQ(test, potad_model_free_run(m, u, 1), -ENOENT);
		for (k = 0; k + 1 < orders[i]; k++)
			KUNIT_ASSERT_EQ(test, potad_model_free(m, u + (1ULL << k), k), 0);
		KUNIT_ASSERT_EQ(test, potad_model_free(m, first, orders[i] - 1), 0);
		potad_model_compare(m);
	}
}

static void failed_granule_leaves_with_the_part_it_is_in(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 4 * GROUP);
	struct potad_run run = { .nr = 3 * GROUP, .max = U64_MAX };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_ASSERT_EQ(test, potad_model_retire(m, run.first + 5), POTAD_ALLOCATED);
	KUNIT_ASSERT_EQ(test, potad_model_retire(m, run.first + GROUP), POTAD_ALLOCATED);
	KUNIT_ASSERT_EQ(test, potad_model_retire(m, run.first + 3 * GROUP - 1), POTAD_ALLOCATED);
	potad_model_compare(m);
	KUNIT_ASSERT_EQ(test, potad_model_free_run(m, run.first + GROUP - 3, 7), 0);
	potad_model_compare(m);
	for (i = 0; i < 10; i++)
		potad_model_query(m, run.first + GROUP - 5 + i);
	KUNIT_ASSERT_EQ(test, potad_model_free_run(m, run.first, 6), 0);
	potad_model_query(m, run.first + 5);
	potad_model_compare(m);
	KUNIT_ASSERT_EQ(test, potad_model_free_run(m, run.first + 2 * GROUP, GROUP), 0);
	potad_model_query(m, run.first + 3 * GROUP - 1);
	potad_model_compare(m);
	potad_model_free_all(m);
	potad_model_compare(m);
}

/* Nonsense */

static void nonsense_run_is_refused(struct kunit *test)
{
	struct potad_space *s = potad_test_space(test, 2 * GROUP);
	struct potad_space_stat *before = potad_test_stat(test, s);
	static const struct potad_run runs[] = {
		{ .nr = 0, .max = U64_MAX },
		{ .nr = U64_MAX, .max = U64_MAX },
		{ .nr = POTAD_SPACE_END, .max = U64_MAX },
		{ .nr = POTAD_SPACE_END + 1, .max = U64_MAX },
		{ .nr = 2 * GROUP + 1, .max = U64_MAX },
		{ .nr = 1, .align = 48, .max = U64_MAX },
		{ .nr = 1, .align = 64, .max = U64_MAX },
		{ .nr = 1, .align = UINT_MAX, .max = U64_MAX },
		{ .nr = 1, .min = 2 * GROUP, .max = U64_MAX },
		{ .nr = 1, .min = U64_MAX, .max = U64_MAX },
		{ .nr = 2, .min = U64_MAX, .max = 0 },
		{ .nr = 2, .min = 1, .max = 1 },
		{ .nr = 3, .max = U64_MAX, .nocross = 1 },
		{ .nr = 1, .max = U64_MAX, .mobility = POTAD_MOBILITIES },
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		struct potad_run run = runs[i];

		err = potad_space_alloc_run(s, &run);
		KUNIT_EXPECT_TRUE_MSG(test, err == -EINVAL || err == -ENOSPC,
				      "run %u: %d", i, err);
	}
	potad_test_unchanged(test, s, before);
}

static void nonsense_is_not_freed_as_a_run(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 2 * GROUP);
	struct potad_run run = { .nr = 5000, .max = U64_MAX };

	KUNIT_ASSERT_EQ(test, potad_model_alloc_run(m, &run), 0);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, run.first, 0), -EINVAL);
	KUNIT_EXPECT_NE(test, potad_model_free_run(m, m->nr - 1, 2), 0);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, m->nr, 1), -ERANGE);
	KUNIT_EXPECT_NE(test, potad_model_free_run(m, 0, m->nr + 1), 0);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, 1, U64_MAX), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, U64_MAX, 1), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, U64_MAX, U64_MAX), -ERANGE);
	KUNIT_EXPECT_NE(test, potad_model_free_run(m, run.first, 5001), 0);
	KUNIT_EXPECT_NE(test, potad_model_free_run(m, 0, m->nr), 0);
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_free_run(m, run.first, 5000), 0);
	potad_model_compare(m);
}

/* Cached blocks are in the way of a run until they are drained. */
static void run_is_found_behind_what_is_cached(struct kunit *test)
{
	struct potad_space *s = potad_test_space(test, GROUP);
	struct potad_cache __percpu *c = potad_test_cache(test, s);
	struct potad_run run = { .nr = GROUP, .max = U64_MAX };
	unsigned int k;
	u64 granule;

	for (k = 0; k < 8; k++) {
		KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, k, POTAD_PINNED, true, &granule), 0);
		KUNIT_ASSERT_EQ(test, potad_cache_free(c, granule, k, POTAD_PINNED), 0);
	}
	KUNIT_ASSERT_EQ(test, potad_cache_alloc_run(c, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 0);
	KUNIT_EXPECT_EQ(test, run.order, 16);
	KUNIT_EXPECT_EQ(test, potad_space_free_run(s, 0, GROUP), 0);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, s), 0);
	potad_test_space_sound(test, s);
}

/*
 * Two CPUs, one with runs and one with single granules, in a space that has
 * room for both: who is given what is written down granule by granule.
 */
struct two {
	struct potad_space	*space;
	struct rnd_state	rnd[2];
	u64			deadline;
	atomic_t		owner[1024];
	atomic_t		overlaps;
	atomic_t		wrong;
	unsigned int		runs, singles;
};

static void own(struct two *two, u64 first, u64 nr, int from, int to)
{
	u64 g;

	for (g = first; g < first + nr; g++)
		if (atomic_cmpxchg(&two->owner[g], from, to) != from)
			atomic_inc(&two->overlaps);
}

static void take_runs(struct two *two)
{
	u32 ops = potad_test_ops(), part;

	while (ops-- && potad_test_time_left(two->deadline)) {
		struct potad_run run = {
			.nr = 1 + potad_test_below(&two->rnd[0], 500),
			.max = U64_MAX,
			.mobility = potad_test_below(&two->rnd[0], POTAD_MOBILITIES),
		};

		if (potad_space_alloc_run(two->space, &run))
			continue;
		two->runs++;
		own(two, run.first, run.nr, 0, 1);
		part = potad_test_below(&two->rnd[0], run.nr);
		own(two, run.first, run.nr, 1, 0);
		if (part && potad_space_free_run(two->space, run.first, part))
			atomic_inc(&two->wrong);
		if (potad_space_free_run(two->space, run.first + part, run.nr - part))
			atomic_inc(&two->wrong);
	}
}

static void take_singles(struct two *two)
{
	u64 granule[40];
	u32 ops = potad_test_ops(), i, nr;

	while (ops-- && potad_test_time_left(two->deadline)) {
		nr = potad_test_below(&two->rnd[1], ARRAY_SIZE(granule));
		for (i = 0; i < nr; i++) {
			/* The other has 500 of 1000 at the most. */
			if (potad_space_alloc(two->space, 0, i % POTAD_MOBILITIES, &granule[i])) {
				atomic_inc(&two->wrong);
				nr = i;
				break;
			}
			own(two, granule[i], 1, 0, 2);
		}
		for (i = 0; i < nr; i++) {
			own(two, granule[i], 1, 2, 0);
			if (potad_space_free(two->space, granule[i], 0))
				atomic_inc(&two->wrong);
			two->singles++;
		}
	}
}

static void runs_or_singles(void *arg, unsigned int me)
{
	if (me)
		take_singles(arg);
	else
		take_runs(arg);
}

static void runs_and_blocks_at_once_never_overlap(struct kunit *test)
{
	struct two *two = potad_test_memory(test, sizeof(*two));
	struct potad_space_stat *before;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	prandom_seed_state(&two->rnd[0], prandom_u32_state(&rnd));
	prandom_seed_state(&two->rnd[1], prandom_u32_state(&rnd));
	two->space = potad_test_space(test, 1000);
	before = potad_test_stat(test, two->space);
	two->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, runs_or_singles, two);
	kunit_info(test, "%u runs, %u single granules\n", two->runs, two->singles);
	KUNIT_EXPECT_GT(test, two->runs, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&two->overlaps), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&two->wrong), 0);
	potad_test_unchanged(test, two->space, before);
}

static struct kunit_case run_cases[] = {
	KUNIT_CASE_PARAM(random_runs_agree_with_the_oracle, terrain_gen_params),
	KUNIT_CASE(run_is_found_wherever_it_just_fits),
	KUNIT_CASE(limits_are_kept_to_the_granule),
	KUNIT_CASE(borders_are_not_crossed),
	KUNIT_CASE(largest_order_that_can_be_is_taken),
	KUNIT_CASE(retired_granule_is_gone_round),
	KUNIT_CASE_PARAM(run_is_freed_in_parts, terrain_gen_params),
	KUNIT_CASE(half_of_a_block_is_freed_by_a_run),
	KUNIT_CASE(one_granule_of_a_block_is_freed_by_a_run),
	KUNIT_CASE(failed_granule_leaves_with_the_part_it_is_in),
	KUNIT_CASE(nonsense_run_is_refused),
	KUNIT_CASE(nonsense_is_not_freed_as_a_run),
	KUNIT_CASE(run_is_found_behind_what_is_cached),
	KUNIT_CASE(runs_and_blocks_at_once_never_overlap),
	{ }
};

static struct kunit_suite run_suite = {
	.name = "potad_run",
	.test_cases = run_cases,
};

kunit_test_suite(run_suite);

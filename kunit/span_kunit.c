// SPDX-License-Identifier: GPL-2.0
/*
 * Spans: spaces with borders and holes.
 *
 * No block reaches from one span into the next, even where they touch; what
 * lies between two is not there; spans come and go while others are in use, but
 * not while there are blocks in them; and a space can be larger than any memory
 * as long as only some of it is used.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../module/space/span.h"
#include "common.h"
#include "model.h"
#include "spaces.h"
#include "terrain.h"

#define GROUP		65536ULL

/* Borders that are at odd places in nodes, groups, and in nothing. */
static const struct potad_terrain layouts[] = {
	{ "3 and 5", 0, 2, { { 0, 3 }, { 3, 5 } } },
	{ "1, 1 and 254", 0, 3, { { 0, 1 }, { 1, 1 }, { 2, 254 } } },
	{ "odd, in a leaf", 0, 2, { { 0, 101 }, { 101, 411 } } },
	{ "odd, in a group", 0, 3, { { 0, 1000 }, { 1000, 30001 }, { 31001, 3000 } } },
	{ "at a leaf", 0, 2, { { 0, 256 }, { 256, 256 } } },
	{ "at a group", 0, 2, { { GROUP - 500, 500 }, { GROUP, 800 } } },
	{ "odd, in a group of groups", 16, 2, { { 0, 101 }, { 101, 155 } } },
	{ "at a unit of 2^24", 16, 2, { { 255, 1 }, { 256, 257 } } },
	{ "beside a hole", 0, 2, { { 7, 120 }, { 128, 250 } } },
};

KUNIT_ARRAY_PARAM(layout, layouts, potad_terrain_name);

/* Filled with each order in turn and emptied again; the models know the borders. */
static void nothing_merges_across_a_border(struct kunit *test)
{
	struct potad_model *m = potad_terrain_model(test, test->param_value);
	int max = potad_model_max_order(m), order;
	u64 most;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, potad_space_max_order(m->space), max + m->shift);
	for (order = max; order >= 0; order--) {
		for (i = 0, most = 0; i < m->spans; i++) {
			u64 size = 1ULL << order, end = m->span[i].first + m->span[i].nr;
			u64 first = (m->span[i].first + size - 1) >> order;

			most += max(end >> order, first) - first;
		}
		KUNIT_ASSERT_EQ_MSG(test, potad_model_fill(m, order), most, "order %d", order);
		potad_model_compare(m);
		potad_model_free_all(m);
		potad_model_compare(m);
	}
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, max + 1), POTAD_NOWHERE);
	potad_model_compare_units(m);
}

static void order_three_is_not_in_three_and_five(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	u64 granule = 0;

	potad_test_add_span(test, s, 0, 3, true);
	potad_test_add_span(test, s, 3, 5, true);
	KUNIT_EXPECT_EQ(test, potad_space_size(s), 8);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 3, POTAD_MOVABLE, &granule), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 2, POTAD_MOVABLE, &granule), 0);
	KUNIT_EXPECT_EQ(test, granule, 4);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 1, POTAD_MOVABLE, &granule), 0);
	KUNIT_EXPECT_EQ(test, granule, 0);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 1, POTAD_MOVABLE, &granule), -ENOSPC);
	potad_test_space_sound(test, s);
}

/* All that can be asked of a number that is not there. */
static void expect_outside(struct kunit *test, struct potad_space *s, u64 granule)
{
	struct potad_extent e;
	unsigned int k;

	KUNIT_EXPECT_EQ_MSG(test, potad_space_query(s, granule, &e), -ERANGE, "%llu", granule);
	KUNIT_EXPECT_EQ_MSG(test, potad_space_retire(s, granule), -ERANGE, "%llu", granule);
	KUNIT_EXPECT_EQ_MSG(test, potad_space_restore(s, granule), -ERANGE, "%llu", granule);
	KUNIT_EXPECT_EQ_MSG(test, potad_space_free_run(s, granule, 1), -ERANGE, "%llu", granule);
	for (k = 0; k <= POTAD_MAX_ORDER + 1; k++)
		KUNIT_EXPECT_EQ_MSG(test, potad_space_free(s, granule, k), -ERANGE,
				    "%llu, order %u", granule, k);
}

static void between_spans_there_is_nothing(struct kunit *test)
{
	static const u64 outside[] = {
		0, 99, 301, 302, 999, 1500, 2 * GROUP, 5 * GROUP - 1, 6 * GROUP,
		POTAD_SPACE_END - 1, POTAD_SPACE_END, POTAD_SPACE_END + 100, 1ULL << 63, U64_MAX,
	};
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_space_stat *before;
	unsigned int i;

	potad_test_add_span(test, s, 100, 201, true);
	potad_test_add_span(test, s, 1000, 500, false);
	potad_test_add_span(test, s, 5 * GROUP, GROUP, false);
	before = potad_test_stat(test, s);
	for (i = 0; i < ARRAY_SIZE(outside); i++)
		expect_outside(test, s, outside[i]);
	potad_test_unchanged(test, s, before);
}

static void empty_space_has_nothing(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_run run = { .nr = 1, .max = U64_MAX };
	struct potad_space_stat *stat;
	u64 granule;
	int err;

	err = potad_space_alloc(s, 0, POTAD_MOVABLE, &granule);
	KUNIT_EXPECT_TRUE_MSG(test, err == -ENOSPC || err == -EINVAL, "%d", err);
	KUNIT_EXPECT_EQ(test, potad_space_alloc_run(s, &run), -ENOSPC);
	KUNIT_EXPECT_EQ(test, potad_space_size(s), 0);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 0), -ENOENT);
	expect_outside(test, s, 0);
	stat = potad_test_stat(test, s);
	KUNIT_EXPECT_EQ(test, stat->total, 0);
	KUNIT_EXPECT_EQ(test, stat->spans, 0);
	potad_test_space_sound(test, s);
}

static void nonsense_spans_are_refused(struct kunit *test)
{
	static const struct nonsense {
		u64	first, nr;
		int	err;
	} nonsense[] = {
		{ 0, 0, -EINVAL }, { 500, 0, -EINVAL },
		{ POTAD_SPACE_END, 1, -EINVAL }, { POTAD_SPACE_END - 1, 2, -EINVAL },
		{ 1, POTAD_SPACE_END, -EINVAL }, { 1, U64_MAX, -EINVAL },
		{ U64_MAX, 1, -EINVAL }, { U64_MAX, U64_MAX, -EINVAL },
		{ 1ULL << 63, 1ULL << 63, -EINVAL },
		/* 1000 .. 1999 are there: the same, in it, around it, its ends. */
		{ 1000, 1000, -EEXIST }, { 1100, 100, -EEXIST }, { 500, 5000, -EEXIST },
		{ 1999, 1, -EEXIST }, { 1999, 100, -EEXIST },
		{ 999, 2, -EEXIST }, { 1000, 1, -EEXIST }, { 0, 1001, -EEXIST },
	};
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_space_stat *before;
	unsigned int i;

	potad_test_add_span(test, s, 1000, 1000, true);
	before = potad_test_stat(test, s);
	for (i = 0; i < ARRAY_SIZE(nonsense); i++) {
		const struct nonsense *n = &nonsense[i];

		KUNIT_EXPECT_EQ_MSG(test, potad_space_add_span(s, n->first, n->nr, i % 2), n->err,
				    "%llu at %llu", n->nr, n->first);
	}
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 999), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 1001), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 2000), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, U64_MAX), -ENOENT);
	potad_test_unchanged(test, s, before);
	/* Its neighbours on both sides are welcome. */
	KUNIT_EXPECT_EQ(test, potad_space_add_span(s, 999, 1, true), 0);
	KUNIT_EXPECT_EQ(test, potad_space_add_span(s, 2000, 1, true), 0);
	KUNIT_EXPECT_EQ(test, potad_space_size(s), 1002);
	potad_test_space_sound(test, s);
}

/* Coming and going */

static void span_with_blocks_stays(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 7, 8, 15, 16 };
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_space_stat *before;
	unsigned int i;
	u64 granule;

	potad_test_add_span(test, s, 0, GROUP + 300, true);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		KUNIT_ASSERT_EQ(test, potad_space_alloc(s, orders[i], POTAD_MOVABLE, &granule), 0);
		before = potad_test_stat(test, s);
		KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 0), -EBUSY);
		potad_test_unchanged(test, s, before);
		KUNIT_ASSERT_EQ(test, potad_space_free(s, granule, orders[i]), 0);
		KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 0), 0);
		KUNIT_EXPECT_EQ(test, potad_space_size(s), 0);
		expect_outside(test, s, granule);
		KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 0), -ENOENT);
		potad_test_add_span(test, s, 0, GROUP + 300, i % 2);
	}
	potad_test_space_sound(test, s);
}

static void span_with_cached_blocks_stays_until_they_are_drained(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_cache __percpu *c;
	u64 granule, other;

	potad_test_add_span(test, s, GROUP, 5000, true);
	c = potad_test_cache(test, s);
	KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, 0, POTAD_MOVABLE, true, &granule), 0);
	KUNIT_ASSERT_EQ(test, potad_cache_free(c, granule, 0, POTAD_MOVABLE), 0);
	KUNIT_ASSERT_TRUE(test, potad_cache_has(c, granule));
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, GROUP), -EBUSY);
	potad_cache_drain(c);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, GROUP), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, 0, POTAD_MOVABLE, true, &other), -ENOSPC);
	potad_test_add_span(test, s, 3 * GROUP, 5000, true);
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, 0, POTAD_MOVABLE, true, &granule), 0);
	KUNIT_EXPECT_GE(test, granule, 3 * GROUP);
	KUNIT_EXPECT_EQ(test, potad_cache_free(c, granule, 0, POTAD_MOVABLE), 0);
	potad_cache_drain(c);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, s), 0);
	potad_test_space_sound(test, s);
}

/* What is retired goes with its span; what is marked keeps it. */
static void retired_granules_go_with_their_span(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_space_stat *stat;
	u64 granule;

	potad_test_add_span(test, s, 0, 1000, true);
	potad_test_add_span(test, s, 1000, 2 * GROUP, false);
	KUNIT_ASSERT_EQ(test, potad_space_retire(s, 5), POTAD_FREE);
	KUNIT_ASSERT_EQ(test, potad_space_retire(s, 1005), POTAD_FREE);
	KUNIT_ASSERT_EQ(test, potad_space_retire(s, GROUP + 5), POTAD_FREE);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 15, POTAD_MOVABLE, &granule), 0);
	KUNIT_ASSERT_EQ(test, potad_space_retire(s, granule + 77), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 1000), -EBUSY);
	KUNIT_ASSERT_EQ(test, potad_space_free(s, granule, 15), 0);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 1000), 0);
	stat = potad_test_stat(test, s);
	KUNIT_EXPECT_EQ(test, stat->retired, 1);
	KUNIT_EXPECT_EQ(test, stat->pending, 0);
	KUNIT_EXPECT_EQ(test, stat->free, 999);
	potad_test_add_span(test, s, 1000, 2 * GROUP, true);
	stat = potad_test_stat(test, s);
	KUNIT_EXPECT_EQ(test, stat->retired, 1);
	KUNIT_EXPECT_EQ(test, stat->free, 999 + 2 * GROUP);
	potad_test_space_sound(test, s);
}

/*
 * CPU 0 takes a span away and adds it again, as often as it may; CPU 1 lives on
 * all that there is, and leaves the span now and then.  Who has what is written
 * down: of a span that is away, nobody can have anything.
 */
#define AWAY		3

struct traffic {
	struct potad_space	*space;
	struct potad_cache __percpu *cache;	/* for CPU 1, or NULL */
	struct rnd_state	rnd;
	u64			deadline;
	atomic_t		done;
	atomic_t		*owner;		/* by granule: 0, 1 or AWAY */
	u64			first, nr;	/* the span that goes */
	bool			populate;
	bool			tight;		/* without it there is too little */
	unsigned int		removed, busy, allocs, refused;
	atomic_t		wrong;
	atomic_t		overlaps;
};

static void mark(struct traffic *t, u64 first, u64 nr, int from, int to)
{
	u64 g;

	for (g = first; g < first + nr; g++)
		if (atomic_cmpxchg(&t->owner[g], from, to) != from)
			atomic_inc(&t->overlaps);
}

static void come_and_go(struct traffic *t)
{
	int err;

	/* Once at the least: in the end nobody is left in it. */
	while (!atomic_read(&t->done) || !t->removed) {
		err = potad_space_remove_span(t->space, t->first);
		if (err == -EBUSY) {
			t->busy++;
			cond_resched();
			continue;
		}
		if (err) {
			atomic_inc(&t->wrong);
			break;
		}
		t->removed++;
		mark(t, t->first, t->nr, 0, AWAY);
		cond_resched();
		mark(t, t->first, t->nr, AWAY, 0);
		if (potad_space_add_span(t->space, t->first, t->nr, t->populate)) {
			atomic_inc(&t->wrong);
			break;
		}
	}
}

#define HELD		32

static void live(struct traffic *t)
{
	struct potad_model_block held[HELD];
	unsigned int nr = 0, i, op, k;
	u32 ops = potad_test_ops();
	int err;

	for (op = 0; op < ops; op++) {
		/* For a while, then give back all of it: the span may go. */
		bool filling = op / 64 % 4 != 3;

		if (filling && nr < HELD && potad_test_below(&t->rnd, 3)) {
			k = potad_test_below(&t->rnd, 6);
			if (t->cache)
				err = potad_cache_alloc(t->cache, k, POTAD_MOVABLE, true,
							&held[nr].first);
			else
				err = potad_space_alloc(t->space, k, POTAD_MOVABLE,
							&held[nr].first);
			if (err == -ENOSPC && t->tight) {
				t->refused++;
			} else if (err) {
				atomic_inc(&t->wrong);
			} else {
				held[nr].order = k;
				mark(t, held[nr].first, 1ULL << k, 0, 1);
				t->allocs++;
				nr++;
			}
		} else if (nr) {
			i = potad_test_below(&t->rnd, nr);
			mark(t, held[i].first, 1ULL << held[i].order, 1, 0);
			if (t->cache)
				err = potad_cache_free(t->cache, held[i].first, held[i].order,
						       POTAD_MOVABLE);
			else
				err = potad_space_free(t->space, held[i].first, held[i].order);
			if (err)
				atomic_inc(&t->wrong);
			held[i] = held[--nr];
		} else if (t->cache && !(op % 128)) {
			potad_cache_drain(t->cache);
		}
		if (!(op % 64) && !potad_test_time_left(t->deadline))
			break;
	}
	while (nr--) {
		mark(t, held[nr].first, 1ULL << held[nr].order, 1, 0);
		if (potad_space_free(t->space, held[nr].first, held[nr].order))
			atomic_inc(&t->wrong);
	}
	if (t->cache)
		potad_cache_drain(t->cache);
	atomic_set(&t->done, 1);
}

static void go_or_live(void *arg, unsigned int me)
{
	if (me)
		live(arg);
	else
		come_and_go(arg);
}

static const struct going {
	const char	*name;
	u64		first, nr;
	u64		home;		/* granules from 2000 on that stay */
	bool		populate;
	bool		cached;
} goings[] = {
	{ "before", 0, 2000, 2000, true, false },
	{ "before, populated when used", 0, 2000, 2000, false, false },
	{ "behind", 4000, 2000, 2000, true, false },
	{ "behind, cached", 4000, 2000, 2000, false, true },
	{ "in use", 0, 2000, 200, true, false },
	{ "in use, populated when used", 4000, 2000, 200, false, false },
	{ "in use, cached", 4000, 2000, 200, false, true },
};

static void going_name(const struct going *g, char *name)
{
	strscpy(name, g->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(going, goings, going_name);

static void span_goes_while_others_are_in_use(struct kunit *test)
{
	const struct going *g = test->param_value;
	struct traffic *t = potad_test_memory(test, sizeof(*t));
	struct potad_space_stat *stat;

	potad_test_seed(test, &t->rnd);
	t->owner = potad_test_memory(test, 6000 * sizeof(*t->owner));
	t->space = potad_test_empty_space(test);
	/* With 2000 enough for all that is held, whatever else is away. */
	potad_test_add_span(test, t->space, 2000, g->home, true);
	t->tight = g->home < 2000;
	t->first = g->first;
	t->nr = g->nr;
	t->populate = g->populate;
	potad_test_add_span(test, t->space, t->first, t->nr, t->populate);
	if (g->cached)
		t->cache = potad_test_cache(test, t->space);
	t->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, go_or_live, t);
	kunit_info(test, "removed %u times, in use %u times; %u blocks, %u refused\n",
		   t->removed, t->busy, t->allocs, t->refused);
	KUNIT_EXPECT_GT(test, t->removed, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->overlaps), 0);
	stat = potad_test_stat(test, t->space);
	KUNIT_EXPECT_EQ(test, stat->allocated, 0);
	KUNIT_EXPECT_EQ(test, stat->free, g->home + g->nr);
	potad_test_space_sound(test, t->space);
}

/* Larger than memory */

/* 1.5 TiB in 4 KiB; of what lies at 3 to 4 GiB there is none. */
#define GRANULES_1_5_TIB	402653184ULL
#define HOLE_FIRST		786432ULL
#define HOLE_END		1048576ULL

static void largest_block_is_in_a_fresh_terabyte(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_cache __percpu *c;
	struct potad_space_stat *stat;
	unsigned int k, i;
	u64 granule;

	potad_test_add_span(test, s, 0, GRANULES_1_5_TIB, false);
	KUNIT_EXPECT_EQ(test, potad_space_max_order(s), 28);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 28, POTAD_MOVABLE, &granule), 0);
	KUNIT_EXPECT_EQ(test, granule, 0);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 28, POTAD_MOVABLE, &granule), -ENOSPC);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 27, POTAD_MOVABLE, &granule), 0);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 0, POTAD_MOVABLE, &granule), -ENOSPC);
	KUNIT_EXPECT_EQ(test, potad_space_free(s, 0, 28), 0);
	KUNIT_EXPECT_EQ(test, potad_space_free(s, 1ULL << 28, 27), 0);
	potad_test_space_sound(test, s);

	/* The same with caches that are full of small ones of all kinds. */
	c = potad_test_cache(test, s);
	for (k = 0; k < 20; k++) {
		u64 some[8];

		for (i = 0; i < ARRAY_SIZE(some); i++)
			KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, k, i % POTAD_MOBILITIES,
								true, &some[i]), 0);
		for (i = 0; i < ARRAY_SIZE(some); i++)
			KUNIT_ASSERT_EQ(test, potad_cache_free(c, some[i], k,
							       i % POTAD_MOBILITIES), 0);
	}
	KUNIT_EXPECT_NE(test, potad_cache_granules(c), 0);
	KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, 28, POTAD_MOVABLE, true, &granule), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_free(c, granule, 28, POTAD_MOVABLE), 0);
	stat = potad_test_stat(test, s);
	kunit_info(test, "%llu bytes of metadata in use\n", stat->metadata);
	KUNIT_EXPECT_EQ(test, stat->total, GRANULES_1_5_TIB);
	/* All at once would take 100 MB and more. */
	KUNIT_EXPECT_LT(test, stat->metadata, 8ULL << 20);
	potad_test_space_sound(test, s);
}

static void terabyte_with_a_hole_is_two_blocks(struct kunit *test)
{
	struct potad_run run = { .nr = 1ULL << 28, .align = 20, .max = U64_MAX };
	struct potad_space *s = potad_test_empty_space(test);
	u64 granule, all;

	potad_test_add_span(test, s, 0, HOLE_FIRST, false);
	potad_test_add_span(test, s, HOLE_END, GRANULES_1_5_TIB - HOLE_END, false);
	all = potad_space_size(s);
	KUNIT_EXPECT_EQ(test, all, GRANULES_1_5_TIB - (HOLE_END - HOLE_FIRST));
	KUNIT_EXPECT_EQ(test, potad_space_max_order(s), 27);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 28, POTAD_MOVABLE, &granule), -EINVAL);
	KUNIT_ASSERT_EQ(test, potad_space_alloc_run(s, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, 1ULL << 27);
	KUNIT_EXPECT_EQ(test, run.order, 27);
	KUNIT_EXPECT_EQ(test, run.tried, 1ULL << 28 | 1ULL << 27);
	potad_test_space_sound(test, s);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, s), 1ULL << 28);
	/* Half a block of it, from its middle, then the rest. */
	KUNIT_EXPECT_EQ(test, potad_space_free_run(s, (1ULL << 27) + (1ULL << 25), 1ULL << 26), 0);
	potad_test_space_sound(test, s);
	KUNIT_EXPECT_EQ(test, potad_space_free_run(s, 1ULL << 27, 1ULL << 25), 0);
	KUNIT_EXPECT_EQ(test, potad_space_free_run(s, 7ULL << 25,
						   (1ULL << 28) - (3ULL << 25)), 0);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, s), 0);
	potad_test_space_sound(test, s);
	expect_outside(test, s, HOLE_FIRST);
	expect_outside(test, s, HOLE_END - 1);
}

/* At both ends of a very large span, and of the largest that there can be. */
static const struct huge {
	const char	*name;
	u64		first, nr;
	unsigned int	max;
} huges[] = {
	{ "2^40", 0, 1ULL << 40, 40 },
	{ "2^40, odd", 12345, (1ULL << 40) + 777, 39 },
	{ "2^48 - 1", 0, POTAD_SPACE_END - 1, 47 },
	{ "2^48 - 1, from 1", 1, POTAD_SPACE_END - 1, 47 },
	{ "2^47, the upper half", 1ULL << 47, 1ULL << 47, 47 },
};

static void huge_name(const struct huge *h, char *name)
{
	strscpy(name, h->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(huge, huges, huge_name);

static void expect_extent(struct kunit *test, struct potad_space *s, u64 granule,
			  enum potad_state state, u64 first, unsigned int order)
{
	struct potad_extent e = { };

	KUNIT_ASSERT_EQ(test, potad_space_query(s, granule, &e), 0);
	KUNIT_EXPECT_EQ_MSG(test, e.state, state, "%llu", granule);
	KUNIT_EXPECT_EQ_MSG(test, e.first, first, "%llu", granule);
	KUNIT_EXPECT_EQ_MSG(test, e.order, order, "%llu", granule);
}

static void ends_of_a_huge_span_can_be_used(struct kunit *test)
{
	const struct huge *h = test->param_value;
	struct potad_space *s = potad_test_empty_space(test);
	u64 last = h->first + h->nr - 1, granule;
	struct potad_run run = { .nr = 3 };
	struct potad_space_stat *before;
	unsigned int k;

	potad_test_add_span(test, s, h->first, h->nr, false);
	KUNIT_EXPECT_EQ(test, potad_space_size(s), h->nr);
	KUNIT_EXPECT_EQ(test, potad_space_max_order(s), h->max);
	before = potad_test_stat(test, s);
	kunit_info(test, "%llu bytes of metadata\n", before->metadata);
	KUNIT_EXPECT_EQ(test, before->free, h->nr);

	/* Every order once, the largest alone. */
	for (k = 0; k <= h->max; k++) {
		KUNIT_ASSERT_EQ_MSG(test, potad_space_alloc(s, k, k % POTAD_MOBILITIES, &granule),
				    0, "order %u", k);
		KUNIT_EXPECT_EQ(test, granule & ((1ULL << k) - 1), 0);
		KUNIT_EXPECT_GE(test, granule, h->first);
		KUNIT_EXPECT_LE(test, granule + (1ULL << k) - 1, last);
		expect_extent(test, s, granule, POTAD_ALLOCATED, granule, k);
		expect_extent(test, s, granule + (1ULL << k) - 1, POTAD_ALLOCATED, granule, k);
		KUNIT_ASSERT_EQ(test, potad_space_free(s, granule, k), 0);
	}
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, h->max + 1, POTAD_MOVABLE, &granule), -EINVAL);

	/* The first and the last granules. */
	run.min = h->first;
	run.max = h->first + 2;
	KUNIT_ASSERT_EQ(test, potad_space_alloc_run(s, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, h->first);
	run.min = last - 2;
	run.max = U64_MAX;
	KUNIT_ASSERT_EQ(test, potad_space_alloc_run(s, &run), 0);
	KUNIT_EXPECT_EQ(test, run.first, last - 2);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, last), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_space_free_run(s, last - 2, 3), 0);
	expect_extent(test, s, last, POTAD_RETIRED, last, 0);
	KUNIT_EXPECT_EQ(test, potad_space_restore(s, last), 0);
	KUNIT_EXPECT_EQ(test, potad_space_free_run(s, h->first, 3), 0);
	expect_outside(test, s, last + 1);
	if (h->first)
		expect_outside(test, s, h->first - 1);
	potad_test_unchanged(test, s, before);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, h->first), 0);
}

/* Damage to what is seen of a group without its lock. */

#define HINT_MOBILITY	25

static void hint_of_the_row(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	row->hint[i] ^= 1U << 16;
}

static void hint_of_both(struct potad_group *g, u32 hint)
{
	g->hint = hint;
	g->row->hint[g->nr % POTAD_ROW] = hint;
}

static void top_class(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	hint_of_both(g, g->hint ^ 1);
}

static void class_of_leaves(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	hint_of_both(g, g->hint ^ 1U << 4);
}

static void no_room(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	hint_of_both(g, g->hint & ~0xffffU);
}

static void how_full(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	hint_of_both(g, g->hint - (9U << 16));
}

static void how_full_about(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	hint_of_both(g, g->hint - (8U << 16));
}

static void mobility(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	hint_of_both(g, g->hint ^ 1U << HINT_MOBILITY);
}

static void bit_of_some(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	__change_bit(i, row->some);
}

static void bit_of_leaves(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	__change_bit(i, row->leaves);
}

static void not_listed(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	g->listed = 0;
	__clear_bit(i, row->some);
	__clear_bit(i, row->leaves);
}

static void listed_though_full(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	g->listed = 3;
	__set_bit(i, row->some);
	__set_bit(i, row->leaves);
}

static void room_of_the_row(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	row->room--;
}

static void more_room_of_the_row(struct potad_group *g, struct potad_row *row, unsigned int i)
{
	row->room = POTAD_GROUP_SHIFT + 1;
}

static void room_where_there_is_none(struct potad_group *g, struct potad_row *row,
				     unsigned int i)
{
	hint_of_both(g, g->hint | 1);
	listed_though_full(g, row, i);
}

/* Of three groups the first has some blocks, the second none, the third is full. */
static const struct damage {
	const char	*name;
	unsigned int	group;
	void		(*fn)(struct potad_group *g, struct potad_row *row, unsigned int i);
	bool		legal;
} damages[] = {
	{ "hint of the row", 0, hint_of_the_row },
	{ "hint of the top node", 0, top_class },
	{ "hint of the leaves", 0, class_of_leaves },
	{ "no room", 0, no_room },
	{ "how full, by nine", 0, how_full },
	{ "how full, by eight", 0, how_full_about, true },
	{ "mobility", 0, mobility },
	{ "mobility of a full group", 2, mobility, true },
	{ "bit of some", 0, bit_of_some },
	{ "bit of leaves", 0, bit_of_leaves },
	{ "bit of some, full group", 2, bit_of_some },
	{ "bit of leaves, full group", 2, bit_of_leaves },
	{ "not listed", 0, not_listed },
	{ "listed though full", 2, listed_though_full, true },
	{ "less room in the row", 0, room_of_the_row },
	{ "more room in the row", 0, more_room_of_the_row, true },
	{ "room in a full group", 2, room_where_there_is_none },
	{ "room in a dormant group", 1, room_where_there_is_none },
};

static void damage_name(const struct damage *d, char *name)
{
	strscpy(name, d->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(damage, damages, damage_name);

static void damaged_hints_are_noticed(struct kunit *test)
{
	const struct damage *d = test->param_value;
	struct potad_space *s = potad_test_space(test, 3 * GROUP);
	struct potad_row *row, *saved = potad_test_memory(test, sizeof(*saved));
	u64 granule, full[16], nr_full = 0;
	struct potad_span *span;
	struct potad_group *g;
	const char *wrong;
	u32 hint;
	u8 listed;

	/* The whole of the third; of the first a few small blocks, which stay. */
	for (granule = 2 * GROUP; granule < 3 * GROUP; granule += GROUP / 16, nr_full++) {
		KUNIT_ASSERT_EQ(test, potad_space_alloc_at(s, granule, 12, POTAD_PINNED), 0);
		full[nr_full] = granule;
	}
	KUNIT_ASSERT_EQ(test, potad_space_alloc_at(s, 5, 0, POTAD_MOVABLE), 0);
	potad_test_space_sound(test, s);

	span = rcu_dereference_protected(s->spans, true)->span[0];
	g = potad_span_group(span, 0, d->group * GROUP);
	row = g->row;
	*saved = *row;
	hint = g->hint;
	listed = g->listed;
	d->fn(g, row, g->nr % POTAD_ROW);
	wrong = potad_space_validate(s);
	*row = *saved;
	g->hint = hint;
	g->listed = listed;
	if (d->legal)
		KUNIT_EXPECT_STREQ(test, wrong ?: "nothing", "nothing");
	else
		KUNIT_EXPECT_NOT_NULL(test, wrong);
	if (wrong)
		kunit_info(test, "%s\n", wrong);
	potad_test_space_sound(test, s);

	while (nr_full--)
		KUNIT_EXPECT_EQ(test, potad_space_free(s, full[nr_full], 12), 0);
	KUNIT_EXPECT_EQ(test, potad_space_free(s, 5, 0), 0);
	potad_test_space_sound(test, s);
}

/* And that a tier has fewer rows than there are. */
static void hidden_row_is_noticed(struct kunit *test)
{
	struct potad_space *s = potad_test_space(test, 3 * GROUP);
	struct potad_tier *tier = &rcu_dereference_protected(s->spans, true)->span[0]->tier[0];
	u64 rows = tier->rows;

	tier->rows = 0;
	KUNIT_EXPECT_STREQ(test, potad_space_validate(s) ?: "nothing", "row that no scan comes to");
	tier->rows = rows;
	potad_test_space_sound(test, s);
}

static struct kunit_case span_cases[] = {
	KUNIT_CASE_PARAM(nothing_merges_across_a_border, layout_gen_params),
	KUNIT_CASE(order_three_is_not_in_three_and_five),
	KUNIT_CASE(between_spans_there_is_nothing),
	KUNIT_CASE(empty_space_has_nothing),
	KUNIT_CASE(nonsense_spans_are_refused),
	KUNIT_CASE(span_with_blocks_stays),
	KUNIT_CASE(span_with_cached_blocks_stays_until_they_are_drained),
	KUNIT_CASE(retired_granules_go_with_their_span),
	KUNIT_CASE_PARAM(span_goes_while_others_are_in_use, going_gen_params),
	KUNIT_CASE(largest_block_is_in_a_fresh_terabyte),
	KUNIT_CASE(terabyte_with_a_hole_is_two_blocks),
	KUNIT_CASE_PARAM(ends_of_a_huge_span_can_be_used, huge_gen_params),
	KUNIT_CASE_PARAM(damaged_hints_are_noticed, damage_gen_params),
	KUNIT_CASE(hidden_row_is_noticed),
	{ }
};

static struct kunit_suite span_suite = {
	.name = "potad_span",
	.test_cases = span_cases,
};

kunit_test_suite(span_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Races: two CPUs and one space.
 *
 * Each granule has an owner in a shadow map.  Whoever is given a block puts its
 * name on each granule of it, from "nobody"; before it gives the block back, it
 * takes its name off again.  A name that is not what it must be is an overlap.
 * What must never happen is counted while the CPUs run, and is looked at when
 * they have stopped: overlaps, frees that were refused, and "no space" where
 * there was some at every moment.
 *
 * Orders from 16 up make whole groups come and go, so that taking a group from
 * the tier above and raising it back meet on the two CPUs.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sched.h>

#include "common.h"
#include "spaces.h"

#define GROUP		65536ULL
#define HELD		64

struct race {
	struct potad_space	*space;
	struct potad_cache __percpu *cache;	/* in front of it, or NULL */
	unsigned int		ops;		/* as long as there is time */
	u64			deadline;
	unsigned int		hold;		/* blocks that each may have */
	unsigned int		order[2];	/* 0 .. that much, per CPU */
	bool			exact;		/* always just that order */
	bool			enough;		/* for both, at any time */
	struct rnd_state	rnd[2];
	atomic_t		*owner;		/* by granule: 0 or CPU + 1 */
	atomic_t		*bad;		/* by granule: told to be retired */
	atomic_t		overlaps;
	atomic_t		refused;	/* frees that failed */
	atomic_t		spurious;	/* no space, with enough of it */
	atomic_t		other;		/* errors that cannot be */
	atomic_t		failures;	/* allocations that failed */
	atomic_t		retired_used;	/* retired, and handed out */
};

/* A block that a CPU has. */
struct held {
	u64			first;
	unsigned int		order;
	enum potad_mobility	mobility;
};

static int race_alloc(struct race *r, struct held *b)
{
	if (r->cache)
		return potad_cache_alloc(r->cache, b->order, b->mobility, true, &b->first);
	return potad_space_alloc(r->space, b->order, b->mobility, &b->first);
}

static void race_free(struct race *r, const struct held *b)
{
	int err;

	if (r->cache)
		err = potad_cache_free(r->cache, b->first, b->order, b->mobility);
	else
		err = potad_space_free(r->space, b->first, b->order);
	if (err)
		atomic_inc(&r->refused);
}

/* All granules of small blocks, ends and some of the inside of large ones. */
static u64 stride(unsigned int k)
{
	return k > 10 ? (1ULL << (k - 8)) - 1 : 1;
}

static void mark(struct race *r, u64 first, unsigned int k, int from, int to)
{
	u64 i, size = 1ULL << k, last = size - 1;

	for (i = 0; i < size; i += stride(k))
		if (atomic_cmpxchg(&r->owner[first + i], from, to) != from)
			atomic_inc(&r->overlaps);
	/* The last one, if the strides have missed it. */
	if (last % stride(k) &&
	    atomic_cmpxchg(&r->owner[first + last], from, to) != from)
		atomic_inc(&r->overlaps);
}

static void alloc_and_free(void *arg, unsigned int me)
{
	struct race *r = arg;
	unsigned int nr = 0, i, op, max = r->order[me];
	struct held held[HELD];
	struct held *b;
	int err;

	for (op = 0; op < r->ops; op++) {
		if (nr < r->hold && (!nr || potad_test_below(&r->rnd[me], 2))) {
			b = &held[nr];
			b->order = r->exact ? max : potad_test_below(&r->rnd[me], max + 1);
			b->mobility = potad_test_below(&r->rnd[me], POTAD_MOBILITIES);
			err = race_alloc(r, b);
			if (!err) {
				mark(r, b->first, b->order, 0, me + 1);
				nr++;
			} else if (err != -ENOSPC) {
				atomic_inc(&r->other);
			} else {
				atomic_inc(&r->failures);
				if (r->enough)
					atomic_inc(&r->spurious);
			}
		} else if (nr) {
			i = potad_test_below(&r->rnd[me], nr);
			mark(r, held[i].first, held[i].order, me + 1, 0);
			race_free(r, &held[i]);
			held[i] = held[--nr];
		}
		if (!(op % 64) && !potad_test_time_left(r->deadline))
			break;
	}
	while (nr--) {
		mark(r, held[nr].first, held[nr].order, me + 1, 0);
		race_free(r, &held[nr]);
	}
}

static struct race *new_race(struct kunit *test, u64 granules, bool cached)
{
	struct race *r = potad_test_memory(test, sizeof(*r));
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	prandom_seed_state(&r->rnd[0], prandom_u32_state(&rnd));
	prandom_seed_state(&r->rnd[1], prandom_u32_state(&rnd));
	r->owner = potad_test_memory(test, granules * sizeof(*r->owner));
	r->bad = potad_test_memory(test, granules * sizeof(*r->bad));
	r->space = potad_test_space(test, granules);
	if (cached)
		r->cache = potad_test_cache(test, r->space);
	r->hold = HELD;
	return r;
}

/* Runs it on two CPUs, and looks at what they have counted and left. */
static void run(struct kunit *test, struct race *r)
{
	struct potad_space_stat *stat;

	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, alloc_and_free, r);
	if (r->cache)
		potad_cache_drain(r->cache);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->overlaps), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->refused), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->spurious), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->other), 0);
	potad_test_space_sound(test, r->space);
	stat = potad_test_stat(test, r->space);
	KUNIT_EXPECT_EQ_MSG(test, stat->allocated, 0, "granules were lost");
	KUNIT_EXPECT_EQ_MSG(test, stat->blocks[fls64(stat->total) - 1], 1,
			    "it is not one block again");
}

static void small_blocks_never_overlap(struct kunit *test)
{
	struct race *r = new_race(test, 1024, false);

	r->ops = 100000;
	r->order[0] = 4;
	r->order[1] = 4;
	run(test, r);
}

static void blocks_across_groups_never_overlap(struct kunit *test)
{
	struct race *r = new_race(test, 4 * GROUP, false);

	r->ops = 20000;
	r->hold = 12;
	r->order[0] = 17;
	r->order[1] = 17;
	run(test, r);
}

static void group_is_raised_and_taken_at_once(struct kunit *test)
{
	struct race *r = new_race(test, 2 * GROUP, false);

	/* One block each at a time: each free raises, each alloc wakes. */
	r->ops = 60000;
	r->hold = 1;
	r->order[0] = 15;
	r->order[1] = 15;
	r->enough = true;
	run(test, r);
}

/* Just as many blocks as both can have: there is always one. */

static const struct enough {
	const char	*name;
	u64		granules;
	unsigned int	order;
	unsigned int	hold;
} enoughs[] = {
	{ "order 0, 2 blocks", 2, 0, 1 },
	{ "order 0, 128 blocks", 128, 0, 64 },
	{ "order 7, 2 blocks", 256, 7, 1 },
	{ "order 8, 4 blocks", 1024, 8, 2 },
	{ "order 15, 2 blocks", GROUP, 15, 1 },
	{ "order 15, 4 blocks", 2 * GROUP, 15, 2 },
	{ "order 16, 2 blocks", 2 * GROUP, 16, 1 },
	{ "order 16, 4 blocks", 4 * GROUP, 16, 2 },
	{ "order 17, 2 blocks", 4 * GROUP, 17, 1 },
};

static void enough_name(const struct enough *e, char *name)
{
	strscpy(name, e->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(enough, enoughs, enough_name);

static void enough_for_both_is_never_exhausted(struct kunit *test)
{
	const struct enough *e = test->param_value;
	struct race *r = new_race(test, e->granules, false);

	r->ops = 30000;
	r->hold = e->hold;
	r->order[0] = e->order;
	r->order[1] = e->order;
	r->exact = true;
	r->enough = true;
	run(test, r);
}

static void small_ones_never_take_the_last_group(struct kunit *test)
{
	struct race *r = new_race(test, 2 * GROUP, false);

	/* Whoever has one small block at a time never breaks two groups. */
	r->ops = 60000;
	r->hold = 1;
	r->order[0] = 0;
	r->order[1] = 16;
	r->exact = true;
	r->enough = true;
	run(test, r);
}

/* Both look for what is not there: each must get its answer. */
static void look_in_vain(void *arg, unsigned int me)
{
	struct race *r = arg;
	unsigned int op;
	u64 granule;

	for (op = 0; op < r->ops; op++) {
		if (potad_space_alloc(r->space, r->order[me], POTAD_MOVABLE, &granule) != -ENOSPC)
			atomic_inc(&r->other);
		if (!(op % 64))
			cond_resched();
	}
}

static void searches_in_vain_do_not_hold_each_other_up(struct kunit *test)
{
	struct race *r = new_race(test, 4 * GROUP, false);
	unsigned int k;
	u64 granule;

	KUNIT_ASSERT_EQ(test, potad_space_alloc(r->space, 18, POTAD_MOVABLE, &granule), 0);
	r->ops = 5000;
	for (k = 0; k <= 16; k += 8) {
		r->order[0] = k;
		r->order[1] = k;
		potad_test_parallel(test, 2, look_in_vain, r);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&r->other), 0);
	KUNIT_EXPECT_EQ(test, potad_space_free(r->space, granule, 18), 0);
}

/*
 * CPU 0 has blocks of order 16 in which two neighbouring and one distant
 * granule fail, and gives them back; CPU 1 takes all small ones that there are
 * just then.  @bad is set from before the block goes back until it is restored.
 */
static void fail_in_large_blocks(struct race *r)
{
	unsigned int op, i;
	u64 granule;

	for (op = 0; op < r->ops; op++) {
		u64 failed[3];

		if (potad_space_alloc(r->space, 16, POTAD_MOVABLE, &granule)) {
			cond_resched();
			continue;
		}
		failed[0] = granule;
		failed[1] = granule + 1;
		failed[2] = granule + GROUP - 1;
		for (i = 0; i < 3; i++)
			if (potad_space_retire(r->space, failed[i]) != POTAD_ALLOCATED)
				atomic_inc(&r->other);
		for (i = 0; i < 3; i++)
			atomic_set(&r->bad[failed[i]], 1);
		if (potad_space_free(r->space, granule, 16))
			atomic_inc(&r->refused);
		for (i = 0; i < 3; i++)
			atomic_set(&r->bad[failed[i]], 0);
		for (i = 0; i < 3; i++)
			if (potad_space_restore(r->space, failed[i]))
				atomic_inc(&r->other);
		if (!potad_test_time_left(r->deadline))
			break;
	}
}

static void take_small_ones(struct race *r)
{
	unsigned int op, nr, i;
	u64 granule[HELD];

	for (op = 0; op < r->ops; op++) {
		for (nr = 0; nr < HELD; nr++) {
			/* Mostly from a group that has just been woken. */
			if (potad_space_alloc(r->space, 0, POTAD_MOVABLE, &granule[nr]))
				break;
			if (atomic_read(&r->bad[granule[nr]]))
				atomic_inc(&r->retired_used);
		}
		for (i = 0; i < nr; i++)
			if (potad_space_free(r->space, granule[i], 0))
				atomic_inc(&r->refused);
		if (!potad_test_time_left(r->deadline))
			break;
	}
}

static void fail_or_take(void *arg, unsigned int me)
{
	if (me)
		take_small_ones(arg);
	else
		fail_in_large_blocks(arg);
}

static void failed_granules_are_gone_before_the_rest_can_be_had(struct kunit *test)
{
	struct race *r = new_race(test, 2 * GROUP, false);

	r->ops = 1500;
	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, fail_or_take, r);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->retired_used), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->refused), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->other), 0);
	potad_test_space_sound(test, r->space);
}

/* Queries and sums while all changes: they end, and are never nonsense. */
static void change_or_look(void *arg, unsigned int me)
{
	struct race *r = arg;
	struct potad_extent e;
	unsigned int op;
	u64 g, nr = potad_space_size(r->space);

	if (!me) {
		alloc_and_free(arg, 0);
		return;
	}
	for (op = 0; op < r->ops; op++) {
		g = potad_test_below(&r->rnd[1], nr);
		if (potad_space_query(r->space, g, &e) ||
		    e.state == POTAD_RETIRED || e.failed ||
		    e.first > g || g - e.first >= 1ULL << e.order ||
		    e.first + (1ULL << e.order) > nr)
			atomic_inc(&r->other);
		if (!(op % 512) && potad_space_validate(r->space))
			atomic_inc(&r->other);
		if (!(op % 64) && !potad_test_time_left(r->deadline))
			break;
	}
}

static void looking_meanwhile_is_never_misled(struct kunit *test)
{
	struct race *r = new_race(test, 4 * GROUP, false);

	r->ops = 30000;
	r->order[0] = 17;
	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, change_or_look, r);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->other), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->overlaps), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->refused), 0);
}

/* Two give back the same block at once: one may. */

struct same {
	struct potad_space	*space;
	struct potad_cache __percpu *cache;	/* strict, or NULL */
	unsigned int		ops;
	unsigned int		order;
	bool			part;		/* one of them by way of a run */
	u64			granule;
	atomic_t		step[2];
	atomic_t		freed;
	atomic_t		wrong;
};

static int free_same(struct same *s, unsigned int me)
{
	if (s->cache)
		return potad_cache_free(s->cache, s->granule, s->order, POTAD_MOVABLE);
	if (s->part && me)
		return potad_space_free_run(s->space, s->granule, 1ULL << s->order);
	return potad_space_free(s->space, s->granule, s->order);
}

static void free_the_same(void *arg, unsigned int me)
{
	struct same *s = arg;
	unsigned int op;
	int err;

	for (op = 1; op <= s->ops; op++) {
		if (!me) {
			if (potad_space_alloc(s->space, s->order, POTAD_MOVABLE, &s->granule))
				atomic_inc(&s->wrong);
			atomic_set(&s->freed, 0);
		}
		potad_test_meet(s->step, me, 3 * op);
		err = free_same(s, me);
		if (!err)
			atomic_inc(&s->freed);
		else if (err != -ENOENT)
			atomic_inc(&s->wrong);
		potad_test_meet(s->step, me, 3 * op + 1);
		if (atomic_read(&s->freed) != 1)
			atomic_inc(&s->wrong);
		potad_test_meet(s->step, me, 3 * op + 2);
		if (!(op % 64))
			cond_resched();
	}
}

/* In a leaf, in the top node of a group, and in the tier above. */
static const struct twice {
	const char	*name;
	unsigned int	order;
	bool		strict;
	bool		part;
} twices[] = {
	{ "order 0", 0 },
	{ "order 8", 8 },
	{ "order 16", 16 },
	{ "order 3, one as a run", 3, false, true },
	{ "order 16, one as a run", 16, false, true },
	{ "order 0, strict cache", 0, true },
	{ "order 8, strict cache", 8, true },
};

static void twice_name(const struct twice *t, char *name)
{
	strscpy(name, t->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(twice, twices, twice_name);

static void of_two_who_free_one_succeeds(struct kunit *test)
{
	struct same *s = potad_test_memory(test, sizeof(*s));
	const struct twice *t = test->param_value;
	struct potad_space_stat *before;

	s->space = potad_test_space(test, 2 * GROUP);
	if (t->strict) {
		s->cache = potad_test_cache(test, s->space);
		potad_cache_strict(s->cache, true);
	}
	s->order = t->order;
	s->part = t->part;
	s->ops = potad_test_ops() / 10;
	before = potad_test_stat(test, s->space);
	potad_test_parallel(test, 2, free_the_same, s);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->wrong), 0);
	potad_test_unchanged(test, s->space, before);
}

/* The same by way of per-CPU caches */

static void cached_blocks_never_overlap(struct kunit *test)
{
	struct race *r = new_race(test, 8192, true);

	r->ops = 60000;
	r->order[0] = 5;
	r->order[1] = 5;
	run(test, r);
}

static void cached_blocks_across_groups_never_overlap(struct kunit *test)
{
	struct race *r = new_race(test, 64 * GROUP, true);

	r->ops = 30000;
	r->hold = 20;
	r->order[0] = 17;
	r->order[1] = 17;
	run(test, r);
}

static void what_the_other_cpu_caches_can_be_had(struct kunit *test)
{
	struct race *r = new_race(test, 128, true);

	r->ops = 60000;
	r->order[0] = 0;
	r->order[1] = 0;
	r->exact = true;
	r->enough = true;
	run(test, r);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(small_blocks_never_overlap),
	KUNIT_CASE(blocks_across_groups_never_overlap),
	KUNIT_CASE(group_is_raised_and_taken_at_once),
	KUNIT_CASE_PARAM(enough_for_both_is_never_exhausted, enough_gen_params),
	KUNIT_CASE(small_ones_never_take_the_last_group),
	KUNIT_CASE(searches_in_vain_do_not_hold_each_other_up),
	KUNIT_CASE(failed_granules_are_gone_before_the_rest_can_be_had),
	KUNIT_CASE(looking_meanwhile_is_never_misled),
	KUNIT_CASE_PARAM(of_two_who_free_one_succeeds, twice_gen_params),
	KUNIT_CASE(cached_blocks_never_overlap),
	KUNIT_CASE(cached_blocks_across_groups_never_overlap),
	KUNIT_CASE(what_the_other_cpu_caches_can_be_had),
	{ }
};

static struct kunit_suite race_suite = {
	.name = "potad_race",
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Reserve: spaces that get by without an allocator, and what happens to others
 * when it fails.
 *
 * A space that was made in its caller's memory must never ask for any, nor
 * write beside what it was given.  Any other can be refused memory at each place
 * at which it asks: one after the other is made to fail, and each time all must
 * be as it was before, and work at the next try.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "common.h"
#include "model.h"
#include "spaces.h"

#define GROUP		65536ULL
#define GUARD		4096
#define GUARD_BYTE	0xa5

static const struct potad_test_span extents[] = {
	{ 0, 1 }, { 5, 1 }, { 0, 256 }, { 77, 700 }, { 0, GROUP }, { GROUP - 100, 200 },
	{ 12345, 2 * GROUP + 99 }, { 0, 4 * GROUP }, { (1ULL << 32) - 300, 600 },
};

static void extent_name(const struct potad_test_span *e, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%llu at %llu", e->nr, e->first);
}

KUNIT_ARRAY_PARAM(extent, extents, extent_name);

/* Memory for a space, between guards. */
struct reserve {
	char	*all;
	char	*memory;
	size_t	size;
};

static struct reserve new_reserve(struct kunit *test, const struct potad_test_span *e)
{
	struct reserve r = { .size = potad_space_reserve_size(e->first, e->nr) };

	KUNIT_ASSERT_GT(test, r.size, 0);
	r.all = potad_test_memory(test, r.size + 2 * GUARD + 64);
	memset(r.all, GUARD_BYTE, r.size + 2 * GUARD + 64);
	r.memory = PTR_ALIGN(r.all + GUARD, 64);
	return r;
}

static void expect_guards(struct kunit *test, const struct reserve *r)
{
	char *end = r->all + r->size + 2 * GUARD + 64;

	KUNIT_EXPECT_FALSE(test, memchr_inv(r->all, GUARD_BYTE, r->memory - r->all));
	KUNIT_EXPECT_FALSE(test, memchr_inv(r->memory + r->size, GUARD_BYTE,
					    end - r->memory - r->size));
}

static void one_byte_less_is_too_little(struct kunit *test)
{
	const struct potad_test_span *e = test->param_value;
	struct reserve r = new_reserve(test, e);
	struct potad_space *s;
	size_t size;

	for (size = 0; size < r.size; size += max_t(size_t, (r.size - size) / 2, 1)) {
		s = potad_space_create_reserved(e->first, e->nr, r.memory, size);
		KUNIT_ASSERT_EQ(test, PTR_ERR(s), -ENOSPC);
	}
	expect_guards(test, &r);
	s = potad_space_create_reserved(e->first, e->nr, r.memory, r.size);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	potad_test_space_sound(test, s);
	potad_space_destroy(s);
	expect_guards(test, &r);
	/* The memory is the caller's again, for another one. */
	s = potad_space_create_reserved(e->first, e->nr, r.memory, r.size);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_EXPECT_EQ(test, potad_space_size(s), e->nr);
	potad_space_destroy(s);
	expect_guards(test, &r);
}

static void nonsense_is_no_reserve(struct kunit *test)
{
	static const struct potad_test_span nonsense[] = {
		{ 0, 0 }, { 5, 0 }, { POTAD_SPACE_END, 1 }, { 1, POTAD_SPACE_END },
		{ POTAD_SPACE_END - 1, 2 }, { U64_MAX, 1 }, { 1, U64_MAX }, { U64_MAX, U64_MAX },
	};
	struct reserve r = new_reserve(test, &extents[2]);
	struct potad_space *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nonsense); i++) {
		KUNIT_EXPECT_EQ(test, potad_space_reserve_size(nonsense[i].first,
							       nonsense[i].nr), 0);
		s = potad_space_create_reserved(nonsense[i].first, nonsense[i].nr,
						r.memory, r.size);
		KUNIT_EXPECT_EQ(test, PTR_ERR(s), -EINVAL);
	}
	s = potad_space_create_reserved(0, 256, r.memory + 8, r.size);
	KUNIT_EXPECT_EQ(test, PTR_ERR(s), -EINVAL);
	expect_guards(test, &r);
}

/* All that one can do with a space, but for spans; at most 40 failures wait. */
static void lead_a_life(struct potad_model *m, struct rnd_state *rnd, u32 ops)
{
	struct potad_run run = { .max = U64_MAX };
	struct potad_model_block *b;
	u32 op, pending = 0;

	for (op = 0; op < ops; op++) {
		b = m->nr_live ? &m->live[potad_test_below(rnd, m->nr_live)] : NULL;
		switch (potad_test_below(rnd, 12)) {
		case 0:
			if (pending < 40 &&
			    potad_model_retire(m, potad_model_place(m, rnd)) == POTAD_ALLOCATED)
				pending++;
			break;
		case 1:
			potad_model_restore(m, potad_model_place(m, rnd));
			break;
		case 2:
			run.nr = 1 + potad_test_below(rnd, 20);
			if (m->nr < 1000)
				potad_model_alloc_run(m, &run);
			break;
		case 3:
			if (b)
				potad_model_free_run(m, b->first,
						     1 + potad_test_below(rnd, 1U << b->order));
			break;
		case 4 ... 7:
			if (b)
				potad_model_free(m, b->first, b->order);
			break;
		default:
			potad_model_alloc(m, potad_test_below(rnd, potad_test_below(rnd, 10) + 1));
			break;
		}
		if (!(op % 64))
			cond_resched();
	}
}

static void reserve_is_all_that_it_needs(struct kunit *test)
{
	const struct potad_test_span *e = test->param_value;
	struct reserve r = new_reserve(test, e);
	u32 ops = min(potad_test_ops() / 10, 5000U);
	struct potad_space *s;
	struct potad_model *m;
	struct rnd_state rnd;
	unsigned int left;

	potad_test_seed(test, &rnd);
	potad_test_fail_nth(test, 1);
	s = potad_space_create_reserved(e->first, e->nr, r.memory, r.size);
	left = potad_test_fail_nth(test, 0);
	KUNIT_ASSERT_EQ_MSG(test, left, 1, "memory was asked for to create it");
	m = potad_model_create_on(test, s, e);
	potad_model_compare(m);
	potad_test_fail_nth(test, 1);
	lead_a_life(m, &rnd, ops);
	potad_model_compare(m);
	left = potad_test_fail_nth(test, 0);
	KUNIT_EXPECT_EQ_MSG(test, left, 1, "memory was asked for while it lived");
	potad_model_free_all(m);
	potad_model_compare(m);
	KUNIT_EXPECT_LE(test, m->stat.metadata, (u64)r.size);
	expect_guards(test, &r);
}

static void reserve_has_marks_for_64_failures(struct kunit *test)
{
	struct potad_test_span e = { 0, 256 };
	struct reserve r = new_reserve(test, &e);
	struct potad_space *s = potad_space_create_reserved(0, 256, r.memory, r.size);
	struct potad_space_stat *before;
	unsigned int i;
	u64 granule;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 8, POTAD_MOVABLE, &granule), 0);
	for (i = 0; i < 64; i++)
		KUNIT_ASSERT_EQ(test, potad_space_retire(s, 2 * i), POTAD_ALLOCATED);
	before = potad_test_stat(test, s);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, 200), -ENOMEM);
	potad_test_unchanged(test, s, before);
	KUNIT_EXPECT_EQ(test, potad_space_restore(s, 0), 0);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, 200), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_space_free(s, 0, 8), 0);
	/* Those that are used up serve again. */
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 0, POTAD_MOVABLE, &granule), 0);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, granule), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_space_free(s, granule, 0), 0);
	KUNIT_EXPECT_EQ(test, potad_test_stat(test, s)->retired, 65);
	potad_test_space_sound(test, s);
	potad_space_destroy(s);
	expect_guards(test, &r);
}

static void spans_of_a_reserve_stay_as_they_are(struct kunit *test)
{
	struct potad_test_span e = { 0, 1000 };
	struct reserve r = new_reserve(test, &e);
	struct potad_space *s = potad_space_create_reserved(0, 1000, r.memory, r.size);
	struct potad_space_stat *before;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	before = potad_test_stat(test, s);
	KUNIT_EXPECT_EQ(test, potad_space_add_span(s, 2000, 5, true), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 0), -EOPNOTSUPP);
	potad_test_unchanged(test, s, before);
	potad_space_destroy(s);
	expect_guards(test, &r);
}

/* Memory that is refused */

/*
 * Something that takes memory: @prepare makes a space in which it is possible,
 * @act does it, @undo takes it back.  What @act leaves behind when it fails is
 * looked at by @look, if the sums do not tell.
 */
struct act {
	const char	*name;
	void		(*prepare)(struct kunit *test, struct potad_space *s);
	int		(*act)(struct potad_space *s);
	void		(*undo)(struct kunit *test, struct potad_space *s);
	void		(*look)(struct kunit *test, struct potad_space *s);
};

#define HUGE		(4ULL << 32)

static void one_span(struct kunit *test, struct potad_space *s)
{
	potad_test_add_span(test, s, 0, 1000, true);
}

static void unpopulated(struct kunit *test, struct potad_space *s)
{
	potad_test_add_span(test, s, 0, HUGE, false);
}

static int act_add(struct potad_space *s)
{
	return potad_space_add_span(s, 3 * GROUP - 5, 2 * GROUP, true);
}

static int act_add_unpopulated(struct potad_space *s)
{
	return potad_space_add_span(s, 3 * GROUP - 5, HUGE, false);
}

static void undo_add(struct kunit *test, struct potad_space *s)
{
	KUNIT_EXPECT_EQ(test, potad_space_remove_span(s, 3 * GROUP - 5), 0);
}

static void two_spans(struct kunit *test, struct potad_space *s)
{
	one_span(test, s);
	potad_test_add_span(test, s, 3 * GROUP - 5, 2 * GROUP, true);
}

static int act_remove(struct potad_space *s)
{
	return potad_space_remove_span(s, 3 * GROUP - 5);
}

static void undo_remove(struct kunit *test, struct potad_space *s)
{
	potad_test_add_span(test, s, 3 * GROUP - 5, 2 * GROUP, true);
}

/* Populated are the groups at its ends: all of the first one is taken. */
static void without_the_first(struct kunit *test, struct potad_space *s)
{
	u64 granule;

	unpopulated(test, s);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 32, POTAD_PINNED, &granule), 0);
	KUNIT_ASSERT_EQ(test, granule, 0);
}

/* Down from the highest tier to a granule. */
static int act_alloc(struct potad_space *s)
{
	u64 granule;

	return potad_space_alloc(s, 0, POTAD_PINNED, &granule);
}

/* What was cut up on the way to a group without memory is whole again. */
static void look_largest(struct kunit *test, struct potad_space *s)
{
	u64 granule[4];
	unsigned int nr = 0;

	while (nr < 4 && !potad_space_alloc(s, 32, POTAD_MOVABLE, &granule[nr]))
		nr++;
	KUNIT_EXPECT_EQ(test, nr, 3);
	while (nr--)
		KUNIT_EXPECT_EQ(test, potad_space_free(s, granule[nr], 32), 0);
}

/* What lies behind the block that was there. */
static void free_behind(struct kunit *test, struct potad_space *s)
{
	struct potad_extent e;
	u64 granule;

	for (granule = 1ULL << 32; granule < HUGE; granule = e.first + (1ULL << e.order)) {
		KUNIT_ASSERT_EQ(test, potad_space_query(s, granule, &e), 0);
		if (e.state == POTAD_ALLOCATED)
			KUNIT_ASSERT_EQ(test, potad_space_free(s, e.first, e.order), 0);
	}
}

static int act_alloc_run(struct potad_space *s)
{
	struct potad_run run = {
		.nr = 3 * GROUP, .align = 8, .mobility = POTAD_RECLAIMABLE,
		.min = (1ULL << 32) + 5 * GROUP + 256,
		.max = (1ULL << 32) + 8 * GROUP + 255,
	};

	return potad_space_alloc_run(s, &run);
}

/* From a place in the middle of a block that all groups are asleep under. */
static void one_block(struct kunit *test, struct potad_space *s)
{
	u64 granule;

	unpopulated(test, s);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 33, POTAD_MOVABLE, &granule), 0);
	KUNIT_ASSERT_EQ(test, granule, 0);
}

static int act_free_run(struct potad_space *s)
{
	return potad_space_free_run(s, 5 * GROUP - 3, (1ULL << 32) + 7);
}

static void undo_free_run(struct kunit *test, struct potad_space *s)
{
	u64 granule;

	KUNIT_ASSERT_EQ(test, potad_space_free_run(s, 0, 5 * GROUP - 3), 0);
	KUNIT_ASSERT_EQ(test, potad_space_free_run(s, (1ULL << 32) + 5 * GROUP + 4,
						   (1ULL << 32) - 5 * GROUP - 4), 0);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 33, POTAD_MOVABLE, &granule), 0);
	KUNIT_ASSERT_EQ(test, granule, 0);
}

static void look_one_block(struct kunit *test, struct potad_space *s)
{
	struct potad_extent e;

	KUNIT_ASSERT_EQ(test, potad_space_query(s, 5 * GROUP, &e), 0);
	KUNIT_EXPECT_EQ(test, e.state, POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, e.order, 33);
	KUNIT_EXPECT_FALSE(test, e.failed);
}

/* Where nothing is populated, in a block or not. */
#define FAILS		((1ULL << 32) + 9 * GROUP + 9)

static int act_retire_in_block(struct potad_space *s)
{
	int was = potad_space_retire(s, FAILS);

	return was < 0 ? was : 0;
}

static int act_retire_free(struct potad_space *s)
{
	int was = potad_space_retire(s, FAILS);

	return was < 0 ? was : 0;
}

static void undo_retire(struct kunit *test, struct potad_space *s)
{
	KUNIT_EXPECT_EQ(test, potad_space_restore(s, FAILS), 0);
}

static int act_cache(struct potad_space *s)
{
	struct potad_cache __percpu *c = potad_cache_create(s);

	potad_cache_destroy(c);
	return c ? 0 : -ENOMEM;
}

static int act_create(struct potad_space *s)
{
	struct potad_space *other = potad_space_create(2 * GROUP + 17);

	if (IS_ERR(other))
		return PTR_ERR(other);
	potad_space_destroy(other);
	return 0;
}

static const struct act acts[] = {
	{ "create", one_span, act_create },
	{ "add", one_span, act_add, undo_add },
	{ "add, not populated", one_span, act_add_unpopulated, undo_add },
	{ "remove", two_spans, act_remove, undo_remove },
	{ "alloc", without_the_first, act_alloc, free_behind, look_largest },
	{ "alloc_run", without_the_first, act_alloc_run, free_behind },
	{ "free_run", one_block, act_free_run, undo_free_run, look_one_block },
	{ "retire what is free", unpopulated, act_retire_free, undo_retire },
	{ "retire in a block", one_block, act_retire_in_block, undo_retire, look_one_block },
	{ "cache", one_span, act_cache },
};

static void act_name(const struct act *act, char *name)
{
	strscpy(name, act->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(act, acts, act_name);

static struct potad_space *prepared(struct kunit *test, const struct act *act)
{
	struct potad_space *s = potad_test_empty_space(test);

	act->prepare(test, s);
	return s;
}

/*
 * The first allocation fails, then the second ... until there is none left that
 * could.  Each time in a space in which nothing has been populated by a try
 * before.
 */
static void refused_memory_leaves_all_as_it_was(struct kunit *test)
{
	const struct act *act = test->param_value;
	unsigned int nth, left, failed = 0;
	struct potad_space_stat *before;
	struct potad_space *s;
	int err;

	for (nth = 1; ; nth++) {
		KUNIT_ASSERT_LT(test, nth, 500);
		s = prepared(test, act);
		before = potad_test_stat(test, s);
		potad_test_fail_nth(test, nth);
		err = act->act(s);
		left = potad_test_fail_nth(test, 0);
		if (err) {
			KUNIT_ASSERT_EQ_MSG(test, err, -ENOMEM, "allocation %u", nth);
			KUNIT_ASSERT_EQ_MSG(test, left, 0, "allocation %u", nth);
			failed++;
			potad_test_unchanged(test, s, before);
			if (act->look)
				act->look(test, s);
			KUNIT_ASSERT_EQ_MSG(test, act->act(s), 0, "after allocation %u", nth);
		}
		potad_test_space_sound(test, s);
		if (act->undo)
			act->undo(test, s);
		potad_test_unchanged(test, s, before);
		if (!err && left)
			break;
		cond_resched();
	}
	kunit_info(test, "%u allocations, %u of them needed\n", nth - 1, failed);
	if (nth == 1)
		kunit_skip(test, "failslab spares who may wait: see ignore-gfp-wait");
	KUNIT_EXPECT_GT(test, failed, 0);
}

/* A free never takes memory, whatever must be woken or put to sleep for it. */
static void free_works_without_memory(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	unsigned int left, k;
	u64 granule[32];

	unpopulated(test, s);
	for (k = 0; k < 32; k++)
		KUNIT_ASSERT_EQ(test, potad_space_alloc(s, k, k % POTAD_MOBILITIES,
							&granule[k]), 0);
	for (k = 10; k < 32; k += 4)
		KUNIT_ASSERT_EQ(test, potad_space_retire(s, granule[k] + 1000), POTAD_ALLOCATED);
	potad_test_fail_nth(test, 1);
	for (k = 0; k < 32; k++)
		KUNIT_ASSERT_EQ(test, potad_space_free(s, granule[k], k), 0);
	left = potad_test_fail_nth(test, 0);
	KUNIT_EXPECT_EQ(test, left, 1);
	KUNIT_EXPECT_EQ(test, potad_test_stat(test, s)->retired, 6);
	potad_test_space_sound(test, s);
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE_PARAM(one_byte_less_is_too_little, extent_gen_params),
	KUNIT_CASE(nonsense_is_no_reserve),
	KUNIT_CASE_PARAM(reserve_is_all_that_it_needs, extent_gen_params),
	KUNIT_CASE(reserve_has_marks_for_64_failures),
	KUNIT_CASE(spans_of_a_reserve_stay_as_they_are),
	KUNIT_CASE_PARAM(refused_memory_leaves_all_as_it_was, act_gen_params),
	KUNIT_CASE(free_works_without_memory),
	{ }
};

static struct kunit_suite reserve_suite = {
	.name = "potad_reserve",
	.test_cases = reserve_cases,
};

kunit_test_suite(reserve_suite);

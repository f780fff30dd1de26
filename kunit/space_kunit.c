// SPDX-License-Identifier: GPL-2.0
/*
 * Space: what a caller can see of it, against the model (model.h).
 *
 * The sizes are those at which something changes: one granule, one leaf (256),
 * one group (65536), each with one less and one more, and a ragged one with
 * three groups, the last of them not full.  A space has no memory to look at:
 * these are numbers only.
 *
 * What several CPUs do to a space at once is in race_kunit.c, and what fails in
 * retire_kunit.c.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/spinlock.h>

#include "common.h"
#include "model.h"
#include "spaces.h"
#include "terrain.h"

#define GROUP		65536ULL
#define RAGGED		(2 * GROUP + 12345)

static const u64 sizes[] = {
	1, 2, 255, 256, 257, GROUP - 1, GROUP, GROUP + 1, RAGGED,
};

static void size_name(const u64 *size, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%llu", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_name);

/* One of each kind: a part of a leaf, of a group, a group, several. */
static const u64 few_sizes[] = { 2, 257, GROUP, RAGGED };

KUNIT_ARRAY_PARAM(few_size, few_sizes, size_name);
KUNIT_ARRAY_PARAM(terrain, potad_terrains, potad_terrain_name);
KUNIT_ARRAY_PARAM(wide_terrain, potad_wide_terrains, potad_terrain_name);

static struct potad_model *model_of_param(struct kunit *test)
{
	return potad_model_create(test, *(const u64 *)test->param_value);
}

/* Creation */

static void nonsense_is_no_size(struct kunit *test)
{
	static const u64 nonsense[] = { 0, 1ULL << 48, 1ULL << 63, U64_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nonsense); i++)
		KUNIT_EXPECT_EQ(test, PTR_ERR(potad_space_create(nonsense[i])), -EINVAL);
}

static void too_large_for_memory_is_enomem(struct kunit *test)
{
	/* From what one vmalloc() can never have to what three tiers can. */
	static const u64 large[] = { 1ULL << 44, (1ULL << 48) - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(large); i++)
		KUNIT_EXPECT_EQ(test, PTR_ERR(potad_space_create(large[i])), -ENOMEM);
}

static void destroying_nothing_is_allowed(struct kunit *test)
{
	potad_space_destroy(NULL);
}

static void new_space_is_all_free(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);

	KUNIT_EXPECT_EQ(test, potad_space_size(m->space), m->nr);
	KUNIT_EXPECT_EQ(test, potad_space_max_order(m->space), fls64(m->nr) - 1);
	potad_model_compare(m);
	potad_model_query(m, 0);
	potad_model_query(m, m->nr - 1);
	potad_model_query(m, m->nr);
	potad_model_query(m, U64_MAX);
}

/* Allocation */

static void order_beyond_the_space_is_refused(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	unsigned int max = potad_space_max_order(m->space), k;
	struct potad_space *s = m->space;
	u64 granule;

	for (k = max + 1; k < 300; k++)
		KUNIT_ASSERT_EQ(test, potad_model_alloc(m, k), POTAD_NOWHERE);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, UINT_MAX, POTAD_MOVABLE, &granule), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 1U << 31, POTAD_MOVABLE, &granule), -EINVAL);
	potad_model_compare(m);
}

static void largest_block_takes_all_that_it_can(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	unsigned int max = potad_space_max_order(m->space), k;

	KUNIT_ASSERT_EQ(test, potad_model_alloc(m, max), 0);
	KUNIT_ASSERT_EQ(test, potad_model_alloc(m, max), POTAD_NOWHERE);
	potad_model_query(m, 0);
	potad_model_query(m, (1ULL << max) - 1);
	potad_model_compare(m);
	if (m->nr == 1ULL << max)
		for (k = 0; k <= max; k++)
			KUNIT_ASSERT_EQ(test, potad_model_alloc(m, k), POTAD_NOWHERE);
	KUNIT_ASSERT_EQ(test, potad_model_free(m, 0, max), 0);
	potad_model_compare(m);
}

static void every_order_can_fill_the_space(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	unsigned int k;

	for (k = m->nr < 1000 ? 0 : 4; k <= potad_space_max_order(m->space); k++) {
		KUNIT_ASSERT_EQ_MSG(test, potad_model_fill(m, k), m->nr >> k,
				    "order %u", k);
		potad_model_compare(m);
		potad_model_free_all(m);
		potad_model_compare(m);
	}
}

static void granules_freed_in_any_order_merge_to_one(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	struct rnd_state rnd;
	u32 *order, i;

	potad_test_seed(test, &rnd);
	order = potad_test_memory(test, m->nr * sizeof(*order));
	for (i = 0; i < m->nr; i++)
		order[i] = i;
	potad_test_shuffle(&rnd, order, m->nr);
	KUNIT_ASSERT_EQ(test, potad_model_fill(m, 0), m->nr);
	potad_model_compare(m);
	for (i = 0; i < m->nr; i++) {
		KUNIT_ASSERT_EQ(test, potad_model_free(m, order[i], 0), 0);
		if (!(i % 256))
			cond_resched();
		if (i == m->nr / 2)
			potad_model_compare(m);
	}
	potad_model_compare(m);
}

/* All 40320 orders in which eight neighbours can be freed. */
static void eight_neighbours_merge_in_whatever_order_they_are_freed(struct kunit *test)
{
	struct potad_extent e;
	u8 perm[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	unsigned int i, j, nr = 0;
	struct potad_space *s;
	struct potad_model *m;
	u64 granule;

	m = potad_model_create(test, 8);
	s = m->space;
	do {
		for (i = 0; i < 8; i++)
			KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 0, POTAD_MOVABLE, &granule), 0);
		for (i = 0; i < 8; i++)
			KUNIT_ASSERT_EQ(test, potad_space_free(s, perm[i], 0), 0);
		KUNIT_ASSERT_EQ(test, potad_space_query(s, perm[7], &e), 0);
		KUNIT_ASSERT_TRUE(test, e.state == POTAD_FREE && e.order == 3);
		if (!(++nr % 4096)) {
			potad_model_compare(m);
			cond_resched();
		}
		/* The next one in the order of the alphabet. */
		for (i = 7; i && perm[i - 1] > perm[i]; i--)
			;
		if (!i)
			break;
		for (j = 7; perm[j] < perm[i - 1]; j--)
			;
		swap(perm[i - 1], perm[j]);
		for (j = 7; i < j; i++, j--)
			swap(perm[i], perm[j]);
	} while (true);
	KUNIT_EXPECT_EQ(test, nr, 40320);
	potad_model_compare(m);
}

static void group_borders_do_not_merge_what_is_not_aligned(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 4 * GROUP);
	u64 granule;
	unsigned int i;

	m->any = false;
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, potad_model_alloc(m, 16), i * GROUP);
	/* 1 and 2 are neighbours, but no buddies. */
	potad_model_free(m, 1 * GROUP, 16);
	potad_model_free(m, 2 * GROUP, 16);
	potad_model_compare(m);
	KUNIT_ASSERT_EQ(test, potad_model_alloc(m, 17), POTAD_NOWHERE);
	potad_model_free(m, 3 * GROUP, 16);
	granule = potad_model_alloc(m, 17);
	KUNIT_ASSERT_EQ(test, granule, 2 * GROUP);
	potad_model_free(m, granule, 17);
	potad_model_free(m, 0, 16);
	KUNIT_ASSERT_EQ(test, potad_model_alloc(m, 18), 0);
	potad_model_free(m, 0, 18);
	potad_model_compare(m);
}

static void small_blocks_keep_out_of_whole_groups(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 2 * GROUP);
	unsigned int i;

	m->any = false;
	/* One broken group is enough for all of these. */
	for (i = 0; i < 1000; i++)
		potad_model_alloc(m, i % 6);
	KUNIT_EXPECT_NE(test, potad_model_alloc(m, 16), POTAD_NOWHERE);
	potad_model_free_all(m);
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 17), 0);
}

/* Random operations */

/* Some that are nonsense, on purpose; and with luck, some that are not. */
static void random_nonsense(struct potad_model *m, struct rnd_state *rnd)
{
	unsigned int max = potad_model_max_order(m) + 1;
	u64 u = potad_model_place(m, rnd);

	switch (potad_test_below(rnd, 4)) {
	case 0:		/* at any place */
		potad_model_free(m, u, potad_test_below(rnd, max + 1));
		break;
	case 1:		/* at a block, of any order */
		if (m->nr_live)
			u = m->live[potad_test_below(rnd, m->nr_live)].first;
		potad_model_free(m, u, potad_test_below(rnd, max + 1));
		break;
	case 2:
		potad_model_free_run(m, u, potad_test_below(rnd, 20));
		break;
	case 3:
		potad_model_query(m, u);
		break;
	}
}

/* Runs are looked for in every unit: not where there are many. */
static void random_run(struct potad_model *m, struct rnd_state *rnd)
{
	struct potad_run run = {
		.nr = 1 + potad_test_below(rnd, 1 + potad_test_below(rnd, 40)),
		.align = potad_test_below(rnd, 1 + potad_test_below(rnd, 5)),
		.max = U64_MAX,
	};
	struct potad_model_block *b;
	u64 first, end;

	if (m->nr > 2000)
		return;
	if (potad_test_below(rnd, 2)) {
		potad_model_alloc_run(m, &run);
	} else if (m->nr_live) {
		/* A part of a block, which may also be all of it. */
		b = &m->live[potad_test_below(rnd, m->nr_live)];
		first = b->first + potad_test_below(rnd, 1U << b->order);
		end = b->first + (1ULL << b->order);
		potad_model_free_run(m, first, 1 + potad_test_below(rnd, end - first));
	}
}

/* Not the last that is there. */
static void random_span(struct potad_model *m, struct rnd_state *rnd)
{
	unsigned int i = potad_test_below(rnd, m->spans), k;
	struct potad_model_span *sp = &m->span[i];

	if (m->spans == 1 || (sp->present && sp->nr == m->nr))
		return;
	if (!sp->present) {
		potad_model_add_span(m, i, m->shift < 16 && potad_test_below(rnd, 2));
		return;
	}
	if (!potad_test_below(rnd, 3))
		for (k = m->nr_live; k--;)
			if (m->live[k].first >= sp->first &&
			    m->live[k].first < sp->first + sp->nr)
				potad_model_free(m, m->live[k].first, m->live[k].order);
	potad_model_remove_span(m, i);
}

/*
 * Random calls, good and bad, in phases in which the space fills up and empties
 * again; compared with both models in full each @every calls.
 */
static void random_calls(struct potad_model *m, struct rnd_state *rnd,
			 u32 ops, u32 every)
{
	u32 op, phase = clamp_t(u32, m->nr * 4, 1, ops / 10 + 1), out = 0;
	unsigned int k, max;

	for (op = 0; op < ops; op++) {
		bool filling = op / phase % 2 == 0;
		struct potad_model_block *b = NULL;
		u64 u = potad_model_place(m, rnd);

		max = potad_model_max_order(m);
		if (m->nr_live)
			b = &m->live[potad_test_below(rnd, m->nr_live)];
		k = potad_test_below(rnd, max + 1);
		if (potad_test_below(rnd, 8))	/* small ones, mostly */
			k = potad_test_below(rnd, min(max, 6U) + 1);

		switch (potad_test_below(rnd, 20)) {
		case 0:
			random_nonsense(m, rnd);
			break;
		case 1:
			random_run(m, rnd);
			break;
		case 2:
			if (out < m->nr / 8 && potad_model_retire(m, u) >= 0)
				out++;
			break;
		case 3:
			potad_model_restore(m, u);
			break;
		case 4:
			if (!potad_test_below(rnd, 16))
				random_span(m, rnd);
			break;
		case 5 ... 9:
			if (b)
				potad_model_free(m, b->first, b->order);
			break;
		default:
			if (filling)
				potad_model_alloc(m, k);
			else if (b)
				potad_model_free(m, b->first, b->order);
			break;
		}
		if (!(op % every)) {
			potad_model_compare(m);
			out = m->stat.retired + m->stat.pending;
		}
		if (!(op % 64))
			cond_resched();
	}
	potad_model_compare_units(m);
	potad_model_free_all(m);
	potad_model_compare(m);
}

/*
 * Each call is checked by itself; comparing all of a group takes as long as
 * thousands of calls, so that is done now and then.
 */
static void random_operations_agree_with_both_models(struct kunit *test)
{
	struct potad_model *m = potad_terrain_model(test, test->param_value);
	u32 ops = potad_test_ops();
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	/* The upper tiers have much to look at. */
	random_calls(m, &rnd, ops, m->shift < 16 ? 241 : ops / 8 + 1);
}

static void random_operations_on_many_granules(struct kunit *test)
{
	struct potad_model *m = potad_terrain_model(test, test->param_value);
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	random_calls(m, &rnd, potad_test_ops(), potad_test_ops() / 12 + 1);
}

/* Spaces of one span, from 0: those at which something changes. */
static void random_operations_at_every_size(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	if (m->nr < 1000)
		random_calls(m, &rnd, 3000, 75);
	else
		random_calls(m, &rnd, 5000, 2500);
}

/* Grouping */

#define LEAF		256U

struct grouped {
	u32			granule;
	bool			pinned;
};

static u64 whole_leaves(struct kunit *test, struct potad_space *s)
{
	struct potad_space_stat *stat = potad_test_stat(test, s);
	u64 leaves = 0;
	unsigned int k;

	for (k = 8; k <= POTAD_MAX_ORDER; k++)
		leaves += stat->blocks[k] << (k - 8);
	return leaves;
}

/*
 * Three quarters of a space in single granules, each sixteenth of them pinned;
 * half of all go and come again, four times over; then all that can move is
 * gone.  Returns how many leaves are whole then.
 */
static u64 leaves_after_a_mixed_life(struct kunit *test, struct rnd_state *rnd, bool told)
{
	u32 nr = 2 * GROUP / 4 * 3, round, i;
	struct potad_space *s = potad_test_space(test, 2 * GROUP);
	struct grouped *block = potad_test_memory(test, nr * sizeof(*block));
	enum potad_mobility mobility;
	u64 granule, leaves;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < nr; i++) {
			if (round) {
				if (potad_test_below(rnd, 2))
					continue;
				KUNIT_ASSERT_EQ(test, potad_space_free(s, block[i].granule, 0), 0);
			}
			block[i].pinned = !potad_test_below(rnd, 16);
			mobility = told && block[i].pinned ? POTAD_PINNED : POTAD_MOVABLE;
			KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 0, mobility, &granule), 0);
			block[i].granule = granule;
			if (!(i % 256))
				cond_resched();
		}
	}
	for (i = 0; i < nr; i++)
		if (!block[i].pinned)
			KUNIT_ASSERT_EQ(test, potad_space_free(s, block[i].granule, 0), 0);
	potad_test_space_sound(test, s);
	leaves = whole_leaves(test, s);
	for (i = 0; i < nr; i++)
		if (block[i].pinned)
			KUNIT_ASSERT_EQ(test, potad_space_free(s, block[i].granule, 0), 0);
	KUNIT_ASSERT_EQ(test, whole_leaves(test, s), 2 * GROUP / LEAF);
	return leaves;
}

static void what_stays_keeps_to_itself_when_told_so(struct kunit *test)
{
	struct rnd_state rnd, again;
	u64 told, untold;

	potad_test_seed(test, &rnd);
	again = rnd;
	untold = leaves_after_a_mixed_life(test, &rnd, false);
	told = leaves_after_a_mixed_life(test, &again, true);
	kunit_info(test, "of %llu leaves, %llu whole with mobility told, %llu without\n",
		   2 * GROUP / LEAF, told, untold);
	/* What is pinned would fit into 24 of the 384 leaves that were in use. */
	KUNIT_EXPECT_GE(test, told, 2 * GROUP / LEAF * 3 / 4);
	KUNIT_EXPECT_LE(test, untold, 2 * GROUP / LEAF / 2);
}

/* Only a wish: the last granules go to whoever asks, of whatever kind. */
static void every_kind_can_have_all(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, GROUP + 1000);
	unsigned int kind, other;

	m->any = false;
	for (kind = 0; kind < POTAD_MOBILITIES; kind++) {
		for (other = 0; other < POTAD_MOBILITIES; other++) {
			m->mobility = other;
			potad_model_alloc(m, 3);
		}
		m->mobility = kind;
		KUNIT_ASSERT_EQ(test, potad_model_fill(m, 3), (m->nr >> 3) - 3);
		potad_model_compare(m);
		potad_model_free_all(m);
	}
	potad_model_compare(m);
}

/* Refused frees */

struct place {
	u64		granule;
	unsigned int	order;
};

static const struct place places[] = {
	{ 0, 0 }, { 3, 0 }, { 64, 3 }, { 192, 6 }, { 128, 7 }, { 256, 8 },
	{ 2048, 11 }, { GROUP / 2, 15 }, { GROUP, 16 }, { 0, 17 },
};

static void place_name(const struct place *p, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "order %u at %llu", p->order, p->granule);
}

KUNIT_ARRAY_PARAM(place, places, place_name);

/* Those of which a granule inside is not aligned. */
static const struct place large_places[] = {
	{ 64, 3 }, { 128, 7 }, { 256, 8 }, { GROUP / 2, 15 }, { GROUP, 16 }, { 0, 17 },
};

KUNIT_ARRAY_PARAM(large_place, large_places, place_name);

/* A block at the place of the parameter, among others of its order. */
static struct potad_model *block_at_place(struct kunit *test,
					  const struct place **place)
{
	struct potad_model *m = potad_model_create(test, 4 * GROUP);
	const struct place *p = test->param_value;

	m->any = false;
	while (potad_model_alloc(m, p->order) != p->granule)
		KUNIT_ASSERT_LT(test, m->nr_live, m->nr >> p->order);
	*place = p;
	return m;
}

static void double_free_is_refused(struct kunit *test)
{
	const struct place *p;
	struct potad_model *m = block_at_place(test, &p);

	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, p->order), 0);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, p->order), -ENOENT);
	potad_model_compare(m);
}

static void free_of_a_part_is_refused(struct kunit *test)
{
	const struct place *p;
	struct potad_model *m = block_at_place(test, &p);
	unsigned int k;

	for (k = 0; k < p->order; k++) {
		u64 half = p->granule + (1ULL << k);

		KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, k), -EINVAL);
		KUNIT_EXPECT_EQ(test, potad_model_free(m, half, k), -EINVAL);
	}
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, p->order), 0);
}

static void free_of_more_is_refused(struct kunit *test)
{
	const struct place *p;
	struct potad_model *m = block_at_place(test, &p);
	unsigned int k;

	/* Its neighbour is allocated too, then it is free. */
	for (k = p->order + 1; k <= 17; k++)
		KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, k), -EINVAL);
	potad_model_alloc(m, p->order);
	for (k = p->order + 1; k <= 17; k++)
		KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, k), -EINVAL);
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule, p->order), 0);
}

static void free_off_its_alignment_is_refused(struct kunit *test)
{
	const struct place *p;
	struct potad_model *m = block_at_place(test, &p);

	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule + 1, p->order), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule + (1ULL << (p->order - 1)),
					       p->order), -EINVAL);
	potad_model_compare(m);
}

static void free_outside_is_refused(struct kunit *test)
{
	const struct place *p;
	struct potad_model *m = block_at_place(test, &p);

	KUNIT_EXPECT_EQ(test, potad_model_free(m, m->nr, p->order), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, m->nr - (1ULL << p->order) + 1,
					       p->order), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, U64_MAX, p->order), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_free(m, p->granule + (1ULL << 48),
					       p->order), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_space_free(m->space, p->granule, 20), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_space_free(m->space, p->granule, 64), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_space_free(m->space, p->granule, UINT_MAX), -ERANGE);
	potad_model_compare(m);
}

static void free_of_what_was_never_allocated_is_refused(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	unsigned int k;

	for (k = 0; k <= potad_space_max_order(m->space); k++) {
		KUNIT_EXPECT_EQ(test, potad_model_free(m, 0, k), -ENOENT);
		potad_model_free(m, m->nr - 1, k);
	}
	potad_model_compare(m);
}

/* Contexts */

static void free_never_allocates(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, RAGGED);
	struct rnd_state rnd;
	unsigned int left, i;

	potad_test_seed(test, &rnd);
	for (i = 0; i < 500; i++)
		potad_model_alloc(m, potad_test_below(&rnd, 17));
	for (i = 0; i < 20; i++)
		potad_model_retire(m, potad_test_below(&rnd, m->nr));
	while (m->nr_live) {
		struct potad_model_block *b = &m->live[potad_test_below(&rnd, m->nr_live)];

		potad_test_fail_nth(test, 1);
		potad_model_free(m, b->first, b->order);
		left = potad_test_fail_nth(test, 0);
		KUNIT_ASSERT_EQ_MSG(test, left, 1, "memory was asked for");
	}
	potad_model_compare(m);
}

/* What an interrupt handler does with a space; counts what goes wrong. */
struct irq_calls {
	struct potad_space	*space;
	u64			give_back;
	int			wrong;
};

static void calls_in_irq(void *arg)
{
	struct irq_calls *calls = arg;
	struct potad_extent e;
	unsigned int k;
	u64 granule;

	calls->wrong += !!potad_space_free(calls->space, calls->give_back, 5);
	for (k = 0; k <= 16; k++) {
		calls->wrong += !!potad_space_alloc(calls->space, k, k % POTAD_MOBILITIES,
						    &granule);
		calls->wrong += !!potad_space_query(calls->space, granule, &e);
		calls->wrong += !!potad_space_free(calls->space, granule, k);
	}
	calls->wrong += potad_space_free(calls->space, granule, 16) != -ENOENT;
}

static void hardirq_may_allocate_and_free(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 2 * GROUP);
	struct irq_calls calls = { .space = m->space };

	KUNIT_ASSERT_EQ(test, potad_space_alloc(m->space, 5, POTAD_MOVABLE, &calls.give_back), 0);
	potad_test_hardirq(test, calls_in_irq, &calls);
	KUNIT_EXPECT_EQ(test, calls.wrong, 0);
	potad_model_compare(m);
}

static void any_lock_may_be_held(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 2 * GROUP);
	struct irq_calls calls = { .space = m->space };
	unsigned long flags;
	raw_spinlock_t lock;

	raw_spin_lock_init(&lock);
	KUNIT_ASSERT_EQ(test, potad_space_alloc(m->space, 5, POTAD_MOVABLE, &calls.give_back), 0);
	raw_spin_lock_irqsave(&lock, flags);
	calls_in_irq(&calls);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	raw_spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, calls.wrong, 0);
	potad_model_compare(m);
}

/* Several at once */

static void several_at_once_are_different_blocks(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	unsigned int k, nr = 0;
	u64 granules[7];
	int i, got;

	for (k = 0; k <= potad_space_max_order(m->space); k += 3) {
		u8 *seen = potad_test_memory(test, (m->nr >> k) + 1);
		u64 sum = 0;

		nr = 0;
		while ((got = potad_space_alloc_some(m->space, k, nr % POTAD_MOBILITIES, granules,
						     nr % ARRAY_SIZE(granules) + 1)) > 0) {
			KUNIT_ASSERT_LE(test, got, (int)(nr % ARRAY_SIZE(granules)) + 1);
			for (i = 0; i < got; i++) {
				KUNIT_ASSERT_LT(test, granules[i] >> k, m->nr >> k);
				KUNIT_ASSERT_EQ(test, seen[granules[i] >> k]++, 0);
				sum++;
			}
			if (!(++nr % 256))
				cond_resched();
			if (sum >= 5000)
				break;
		}
		if (sum < 5000) {
			KUNIT_ASSERT_EQ(test, got, -ENOSPC);
			KUNIT_ASSERT_EQ(test, sum, m->nr >> k);
		}
		for (sum = 0; sum < m->nr >> k; sum++)
			if (seen[sum])
				KUNIT_ASSERT_EQ(test, potad_space_free(m->space, sum << k, k), 0);
		potad_model_compare(m);
	}
	KUNIT_EXPECT_EQ(test, potad_space_alloc_some(m->space, 48, POTAD_MOVABLE, granules, 7),
			-EINVAL);
}

static struct kunit_case space_cases[] = {
	KUNIT_CASE(nonsense_is_no_size),
	KUNIT_CASE_SLOW(too_large_for_memory_is_enomem),
	KUNIT_CASE(destroying_nothing_is_allowed),
	KUNIT_CASE_PARAM(new_space_is_all_free, size_gen_params),
	KUNIT_CASE_PARAM(order_beyond_the_space_is_refused, few_size_gen_params),
	KUNIT_CASE_PARAM(largest_block_takes_all_that_it_can, size_gen_params),
	KUNIT_CASE_PARAM(every_order_can_fill_the_space, size_gen_params),
	KUNIT_CASE_PARAM(granules_freed_in_any_order_merge_to_one, size_gen_params),
	KUNIT_CASE_SLOW(eight_neighbours_merge_in_whatever_order_they_are_freed),
	KUNIT_CASE(group_borders_do_not_merge_what_is_not_aligned),
	KUNIT_CASE(small_blocks_keep_out_of_whole_groups),
	KUNIT_CASE_PARAM(random_operations_at_every_size, size_gen_params),
	KUNIT_CASE_PARAM(random_operations_agree_with_both_models, terrain_gen_params),
	KUNIT_CASE_PARAM(random_operations_on_many_granules, wide_terrain_gen_params),
	KUNIT_CASE(what_stays_keeps_to_itself_when_told_so),
	KUNIT_CASE(every_kind_can_have_all),
	KUNIT_CASE_PARAM(double_free_is_refused, place_gen_params),
	KUNIT_CASE_PARAM(free_of_a_part_is_refused, place_gen_params),
	KUNIT_CASE_PARAM(free_of_more_is_refused, place_gen_params),
	KUNIT_CASE_PARAM(free_off_its_alignment_is_refused, large_place_gen_params),
	KUNIT_CASE_PARAM(free_outside_is_refused, place_gen_params),
	KUNIT_CASE_PARAM(free_of_what_was_never_allocated_is_refused, few_size_gen_params),
	KUNIT_CASE(free_never_allocates),
	KUNIT_CASE(hardirq_may_allocate_and_free),
	KUNIT_CASE(any_lock_may_be_held),
	KUNIT_CASE_PARAM(several_at_once_are_different_blocks, few_size_gen_params),
	{ }
};

static struct kunit_suite space_suite = {
	.name = "potad_space",
	.test_cases = space_cases,
};

kunit_test_suite(space_suite);

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
	u64 granule;

	for (k = max + 1; k < 300; k++)
		KUNIT_ASSERT_EQ(test, potad_model_alloc(m, k), POTAD_NOWHERE);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(m->space, UINT_MAX, &granule), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(m->space, 1U << 31, &granule), -EINVAL);
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
			KUNIT_ASSERT_EQ(test, potad_space_alloc(s, 0, &granule), 0);
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

	/* One broken group is enough for all of these. */
	for (i = 0; i < 1000; i++)
		potad_model_alloc(m, i % 6);
	KUNIT_EXPECT_NE(test, potad_model_alloc(m, 16), POTAD_NOWHERE);
	potad_model_free_all(m);
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 17), 0);
}

/*
 * Random calls, good and bad, in phases in which the space fills up and empties
 * again; compared with the model in full @compares times.
 */
static void random_calls(struct potad_model *m, struct rnd_state *rnd,
			 u32 ops, u32 compares)
{
	unsigned int max = potad_space_max_order(m->space), k;
	u32 op, phase = max_t(u32, ops / 10, 1), out = 0;

	for (op = 0; op < ops; op++) {
		bool filling = op / phase % 2 == 0;
		struct potad_model_block *b = NULL;
		u64 g = potad_test_below(rnd, m->nr + (m->nr > 1));

		if (m->nr_live)
			b = &m->live[potad_test_below(rnd, m->nr_live)];
		k = potad_test_below(rnd, max + 1);
		if (potad_test_below(rnd, 8))	/* small ones, mostly */
			k = potad_test_below(rnd, min(max, 6U) + 1);

		switch (potad_test_below(rnd, 20)) {
		case 0:		/* at any place */
			potad_model_free(m, g, k);
			break;
		case 1:		/* at a block, of any order */
			if (b)
				potad_model_free(m, b->first, k);
			break;
		case 2:
			if (out < m->nr / 8 && potad_model_retire(m, g) >= 0)
				out++;
			break;
		case 3:
			if (!potad_model_restore(m, g))
				out--;
			break;
		case 4:
			for (k = 0; k < 8; k++)
				potad_model_query(m, potad_test_below(rnd, m->nr));
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
		if (op % max(ops / compares, 1U) == 0)
			potad_model_compare(m);
		if (!(op % 64))
			cond_resched();
	}
	potad_model_free_all(m);
	potad_model_compare(m);
}

/*
 * Each call is checked by itself; comparing all of a group takes as long as
 * thousands of calls, so that is done now and then.
 */
static void random_calls_agree_with_the_model(struct kunit *test)
{
	struct potad_model *m = model_of_param(test);
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	if (m->nr < 1000)
		random_calls(m, &rnd, 3000, 40);
	else
		random_calls(m, &rnd, 30000, 12);
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
		calls->wrong += !!potad_space_alloc(calls->space, k, &granule);
		calls->wrong += !!potad_space_query(calls->space, granule, &e);
		calls->wrong += !!potad_space_free(calls->space, granule, k);
	}
	calls->wrong += potad_space_free(calls->space, granule, 16) != -ENOENT;
}

static void hardirq_may_allocate_and_free(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 2 * GROUP);
	struct irq_calls calls = { .space = m->space };

	KUNIT_ASSERT_EQ(test, potad_space_alloc(m->space, 5, &calls.give_back), 0);
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
	KUNIT_ASSERT_EQ(test, potad_space_alloc(m->space, 5, &calls.give_back), 0);
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
		while ((got = potad_space_alloc_some(m->space, k, granules,
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
	KUNIT_EXPECT_EQ(test, potad_space_alloc_some(m->space, 48, granules, 7), -EINVAL);
}

static struct kunit_case space_cases[] = {
	KUNIT_CASE(nonsense_is_no_size),
	KUNIT_CASE(too_large_for_memory_is_enomem),
	KUNIT_CASE(destroying_nothing_is_allowed),
	KUNIT_CASE_PARAM(new_space_is_all_free, size_gen_params),
	KUNIT_CASE_PARAM(order_beyond_the_space_is_refused, few_size_gen_params),
	KUNIT_CASE_PARAM(largest_block_takes_all_that_it_can, size_gen_params),
	KUNIT_CASE_PARAM(every_order_can_fill_the_space, size_gen_params),
	KUNIT_CASE_PARAM(granules_freed_in_any_order_merge_to_one, size_gen_params),
	KUNIT_CASE_SLOW(eight_neighbours_merge_in_whatever_order_they_are_freed),
	KUNIT_CASE(group_borders_do_not_merge_what_is_not_aligned),
	KUNIT_CASE(small_blocks_keep_out_of_whole_groups),
	KUNIT_CASE_PARAM(random_calls_agree_with_the_model, size_gen_params),
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

// SPDX-License-Identifier: GPL-2.0
/*
 * Retirement: granules of a space that must never be handed out again.
 *
 * A granule can fail while it is free, alone or in the middle of a block of any
 * order, and while somebody has the block that it is in.  Either way it alone
 * leaves, its neighbours stay and merge around it, and after restoring it all is
 * as before.  The model (model.h) keeps count.
 */
#include <kunit/test.h>
#include <linux/err.h>

#include "common.h"
#include "model.h"

#define GROUP		65536ULL

/* Orders in leaves, in the top node, and in the tiers above. */
static const unsigned int orders[] = { 0, 1, 5, 7, 8, 11, 15, 16, 17 };

static void order_name(const unsigned int *order, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "order %u", *order);
}

KUNIT_ARRAY_PARAM(order, orders, order_name);

static unsigned int order_of_param(struct kunit *test)
{
	return *(const unsigned int *)test->param_value;
}

static struct potad_model *new_model(struct kunit *test)
{
	return potad_model_create(test, 2 * GROUP);
}

/* A few granules of a block of this order: its ends, its middle, others. */
static unsigned int some_of(u64 first, unsigned int order, u64 *some)
{
	u64 last = (1ULL << order) - 1;
	u64 offset[] = { 0, last, last / 2, last / 3, last / 2 + 1, 256, 257, GROUP + 1 };
	unsigned int i, j, nr = 0;

	for (i = 0; i < ARRAY_SIZE(offset); i++) {
		for (j = 0; j < nr; j++)
			if (some[j] == first + offset[i])
				break;
		if (j == nr && offset[i] <= last)
			some[nr++] = first + offset[i];
	}
	return nr;
}

/* What is free */

static void free_granule_leaves_alone(struct kunit *test)
{
	static const u64 granules[] = {
		0, 1, 255, 256, 4711, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP - 1,
	};
	struct potad_model *m = new_model(test);
	unsigned int i;

	/* The blocks around each are as large as they can be: compare. */
	for (i = 0; i < ARRAY_SIZE(granules); i++) {
		KUNIT_ASSERT_EQ(test, potad_model_retire(m, granules[i]), POTAD_FREE);
		potad_model_compare(m);
		potad_model_query(m, granules[i]);
		potad_model_query(m, granules[i] ^ 1);
	}
	for (i = 0; i < ARRAY_SIZE(granules); i++) {
		KUNIT_ASSERT_EQ(test, potad_model_restore(m, granules[i]), 0);
		potad_model_compare(m);
	}
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 17), 0);
}

static void retired_granule_is_never_handed_out(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	struct rnd_state rnd;
	unsigned int i, nr = 0, k;

	potad_test_seed(test, &rnd);
	for (i = 0; i < 1000; i++)
		nr += potad_model_retire(m, potad_test_below(&rnd, m->nr)) == POTAD_FREE;
	potad_model_compare(m);
	/* The model refuses what is not free. */
	for (k = 16; k; k -= 4) {
		potad_model_fill(m, k);
		potad_model_free_all(m);
	}
	KUNIT_EXPECT_EQ(test, potad_model_fill(m, 0), m->nr - nr);
	potad_model_compare(m);
}

static void last_free_granules_can_go(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, 300);
	unsigned int i;

	for (i = 0; i < 300; i++)
		KUNIT_ASSERT_EQ(test, potad_model_retire(m, i), POTAD_FREE);
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 0), POTAD_NOWHERE);
	for (i = 300; i--;)
		KUNIT_ASSERT_EQ(test, potad_model_restore(m, i), 0);
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 8), 0);
}

/* What is allocated */

static void granule_in_use_leaves_with_its_block(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	unsigned int order = order_of_param(test), i, nr;
	u64 some[8], first;

	first = potad_model_alloc(m, order);
	nr = some_of(first, order, some);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, potad_model_retire(m, some[i]), POTAD_ALLOCATED);
		potad_model_query(m, some[i]);
	}
	potad_model_compare(m);
	KUNIT_ASSERT_EQ(test, potad_model_free(m, first, order), 0);
	for (i = 0; i < nr; i++)
		potad_model_query(m, some[i]);
	potad_model_compare(m);
	potad_model_fill(m, 3);
	potad_model_free_all(m);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, potad_model_restore(m, some[i]), 0);
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 17), 0);
}

static void only_the_block_it_is_in_takes_it_along(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	unsigned int order = order_of_param(test);
	u64 first, other;

	order = min(order, 16U);	/* two of them, at least */
	first = potad_model_alloc(m, order);
	other = potad_model_alloc(m, order);
	potad_model_retire(m, first);
	potad_model_free(m, other, order);
	potad_model_query(m, first);
	potad_model_compare(m);
	potad_model_free(m, first, order);
	potad_model_query(m, first);
	potad_model_compare(m);
}

static void whole_block_can_fail(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	unsigned int order, i;

	for (order = 0; order <= 8; order += 2) {
		u64 first = potad_model_alloc(m, order);

		for (i = 0; i < 1U << order; i++)
			KUNIT_ASSERT_EQ(test, potad_model_retire(m, first + i),
					POTAD_ALLOCATED);
		potad_model_free(m, first, order);
		potad_model_compare(m);
		potad_model_query(m, first);
		KUNIT_EXPECT_EQ(test, potad_model_free(m, first, order), -EHWPOISON);
	}
}

static void has_failed_tells_this_block_from_others(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	unsigned int order = order_of_param(test);
	u64 first = potad_model_alloc(m, order), other = POTAD_NOWHERE;

	if (order < 17)
		other = potad_model_alloc(m, order);
	KUNIT_EXPECT_FALSE(test, potad_space_has_failed(m->space, first, order));
	KUNIT_EXPECT_FALSE(test, potad_space_pending(m->space));
	potad_model_retire(m, first + (1ULL << order) - 1);
	KUNIT_EXPECT_TRUE(test, potad_space_has_failed(m->space, first, order));
	KUNIT_EXPECT_TRUE(test, potad_space_pending(m->space));
	if (order < 17)
		KUNIT_EXPECT_FALSE(test, potad_space_has_failed(m->space, other, order));
	potad_model_free_all(m);
	KUNIT_EXPECT_FALSE(test, potad_space_pending(m->space));
}

/* Twice, nowhere, and back */

static void second_failure_of_a_granule_is_told_apart(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	u64 first = potad_model_alloc(m, 4);

	potad_model_retire(m, first + 3);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, first + 3), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, first + 4), POTAD_ALLOCATED);
	potad_model_free(m, first, 4);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, first + 3), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, first + 5), POTAD_FREE);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, first + 5), -EHWPOISON);
	potad_model_compare(m);
}

static void outside_nothing_can_fail(struct kunit *test)
{
	struct potad_model *m = potad_model_create(test, GROUP + 100);

	KUNIT_EXPECT_EQ(test, potad_model_retire(m, m->nr - 1), POTAD_FREE);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, m->nr), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, 2 * GROUP), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_retire(m, U64_MAX), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_restore(m, m->nr), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_model_restore(m, U64_MAX), -ERANGE);
	potad_model_compare(m);
}

static void free_of_a_retired_granule_is_refused(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	unsigned int k;

	potad_model_retire(m, 0);
	for (k = 0; k <= 17; k++)
		KUNIT_EXPECT_EQ(test, potad_model_free(m, 0, k), -EHWPOISON);
	potad_model_compare(m);
}

static void what_has_not_failed_cannot_be_restored(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	u64 first = potad_model_alloc(m, 16);

	KUNIT_EXPECT_EQ(test, potad_model_restore(m, first), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_model_restore(m, first + GROUP - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_model_restore(m, first ^ GROUP), -EINVAL);
	potad_model_retire(m, first ^ GROUP);
	KUNIT_EXPECT_EQ(test, potad_model_restore(m, first ^ GROUP), 0);
	KUNIT_EXPECT_EQ(test, potad_model_restore(m, first ^ GROUP), -EINVAL);
	potad_model_compare(m);
}

static void restored_in_use_it_stays_in_its_block(struct kunit *test)
{
	struct potad_model *m = new_model(test);
	unsigned int order = order_of_param(test), i, nr;
	u64 some[8], first;

	first = potad_model_alloc(m, order);
	nr = some_of(first, order, some);
	for (i = 0; i < nr; i++)
		potad_model_retire(m, some[i]);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, potad_model_restore(m, some[i]), 0);
		KUNIT_ASSERT_EQ(test, potad_model_restore(m, some[i]), -EINVAL);
	}
	potad_model_compare(m);
	potad_model_free(m, first, order);
	potad_model_compare(m);
	KUNIT_EXPECT_EQ(test, potad_model_alloc(m, 17), 0);
}

static void no_memory_for_the_mark_changes_nothing(struct kunit *test)
{
	struct potad_model *m = new_model(test);

	/*
	 * What the mark takes may wait for memory, so that the kernel never
	 * lets it fail for a test; what is free must not take any.
	 */
	potad_test_fail_nth(test, 1);
	potad_model_retire(m, 5);
	KUNIT_EXPECT_EQ(test, potad_test_fail_nth(test, 0), 1);
	potad_model_compare(m);
}

static void destroying_takes_the_marks_along(struct kunit *test)
{
	struct potad_space *s = potad_space_create(2 * GROUP);
	u64 first;

	if (IS_ERR(s))
		kunit_skip(test, "no memory");
	/* Used up and waiting ones; kmemleak sees what is left behind. */
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 16, POTAD_MOVABLE, &first), 0);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, first + 1), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, first + 2), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_space_free(s, first, 16), 0);
	KUNIT_EXPECT_EQ(test, potad_space_alloc(s, 3, POTAD_MOVABLE, &first), 0);
	KUNIT_EXPECT_EQ(test, potad_space_retire(s, first), POTAD_ALLOCATED);
	potad_space_destroy(s);
}

static struct kunit_case retire_cases[] = {
	KUNIT_CASE(free_granule_leaves_alone),
	KUNIT_CASE(retired_granule_is_never_handed_out),
	KUNIT_CASE(last_free_granules_can_go),
	KUNIT_CASE_PARAM(granule_in_use_leaves_with_its_block, order_gen_params),
	KUNIT_CASE_PARAM(only_the_block_it_is_in_takes_it_along, order_gen_params),
	KUNIT_CASE(whole_block_can_fail),
	KUNIT_CASE_PARAM(has_failed_tells_this_block_from_others, order_gen_params),
	KUNIT_CASE(second_failure_of_a_granule_is_told_apart),
	KUNIT_CASE(outside_nothing_can_fail),
	KUNIT_CASE(free_of_a_retired_granule_is_refused),
	KUNIT_CASE(what_has_not_failed_cannot_be_restored),
	KUNIT_CASE_PARAM(restored_in_use_it_stays_in_its_block, order_gen_params),
	KUNIT_CASE(no_memory_for_the_mark_changes_nothing),
	KUNIT_CASE(destroying_takes_the_marks_along),
	{ }
};

static struct kunit_suite retire_suite = {
	.name = "potad_retire",
	.test_cases = retire_cases,
};

kunit_test_suite(retire_suite);

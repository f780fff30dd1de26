// SPDX-License-Identifier: GPL-2.0
/*
 * Turns: is it the same that all subjects are asked for, and is all of it timed?
 *
 * A turn of single operations makes a hash of its requests.  Here some subjects have one
 * each, small, on one CPU.  The pool is over addresses at which there is nothing; potad
 * never looks.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../module/compare/loops.h"
#include "../module/compare/turn.h"
#include "../module/include/compat.h"
#include "common.h"
#include "owners.h"

#define BLOCKS	700U
#define OPS	500U

/* All but those that are hard to have in a test. */
static const enum subject_id subjects[] = {
	subject_bare, subject_described, subject_buddy, subject_compound, subject_kmalloc,
	subject_genalloc, subject_nothing,
};

/* On one CPU; "cross" takes two. */
static const enum potad_workload workloads[] = {
	POTAD_PAIR, POTAD_BULK, POTAD_RANDOM_FREE, POTAD_CHURN, POTAD_MIXED,
	POTAD_FRAGMENTATION,
};

struct turn_test {
	struct subject_kit	kit;
	struct potad_turn	*turn;
};

static void test_end(void *arg)
{
	struct turn_test *t = arg;

	potad_turn_destroy(t->turn);
	potad_subjects_discard(&t->kit);
	if (t->kit.type)
		potad_type_unregister(t->kit.type);
	kmem_cache_destroy(t->kit.objects);
}

static struct turn_test *turn_test(struct kunit *test)
{
	static const struct potad_type_info info = {
		.name = "turn", .desc_size = 360,
		.mobility = POTAD_PINNED, .module = THIS_MODULE,
	};
	struct turn_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct potad_type *type;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->kit.pool = potad_test_pool(test, SZ_64M, SZ_512);
	t->kit.cache = t->kit.pool->cache;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, test_end, t));
	t->kit.objects = kmem_cache_create("potad-turn-test", 360, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, t->kit.objects);
	type = potad_type_register(t->kit.pool, &info);
	KUNIT_ASSERT_FALSE(test, IS_ERR(type));
	t->kit.type = type;
	if (potad_subjects_prepare(&t->kit, BIT(subject_genalloc)))
		kunit_skip(test, "no memory for what subjects need");
	t->turn = potad_turn_create(&t->kit);
	KUNIT_ASSERT_NOT_NULL(test, t->turn);
	t->turn->members = 1;
	t->turn->ops = OPS;
	t->turn->blocks = BLOCKS;
	t->turn->member[0].held = potad_test_memory(test, BLOCKS * sizeof(union potad_held));
	t->turn->member[0].order = potad_test_memory(test, BLOCKS);
	return t;
}

/* Returns its member, or NULL where this kernel has no such subject. */
static struct potad_member *run(struct kunit *test, struct turn_test *t, enum subject_id id,
				enum potad_workload workload, bool lone, u64 seed)
{
	int err;

	if (potad_subject_missing(&t->kit, id))
		return NULL;
	t->turn->workload = workload;
	t->turn->lone = lone;
	t->turn->first_order = 0;
	t->turn->last_order = workload == POTAD_MIXED ? 3 : 0;
	err = potad_turn_run(t->turn, potad_loops[id], seed);
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s", potad_subject[id].name);
	KUNIT_EXPECT_EQ_MSG(test, t->turn->member[0].had, 0, "%s", potad_subject[id].name);
	return &t->turn->member[0];
}

/* Is there anything in this workload that is drawn at random? */
static bool draws(enum potad_workload workload)
{
	return workload != POTAD_PAIR && workload != POTAD_BULK;
}

static void all_are_asked_for_the_same(struct kunit *test)
{
	struct turn_test *t = turn_test(test);
	unsigned int w, i;

	for (w = 0; w < ARRAY_SIZE(workloads); w++) {
		const char *name = potad_compare_workload_name(workloads[w]);
		u64 requests, other;

		requests = run(test, t, subject_nothing, workloads[w], true, 7)->requests;
		other = run(test, t, subject_nothing, workloads[w], true, 8)->requests;
		KUNIT_EXPECT_NE_MSG(test, requests, 0, "%s", name);
		KUNIT_EXPECT_EQ_MSG(test, requests != other, draws(workloads[w]), "%s", name);
		for (i = 0; i < ARRAY_SIZE(subjects); i++) {
			struct potad_member *m = run(test, t, subjects[i], workloads[w], true, 7);

			if (m)
				KUNIT_EXPECT_EQ_MSG(test, m->requests, requests, "%s by %s",
						    name, potad_subject[subjects[i]].name);
		}
	}
}

/* The hash sees where a request differs, were it the last. */
static void one_request_more_is_seen(struct kunit *test)
{
	struct turn_test *t = turn_test(test);
	unsigned int w;

	for (w = 0; w < ARRAY_SIZE(workloads); w++) {
		u64 requests;

		if (workloads[w] == POTAD_FRAGMENTATION)
			continue;
		t->turn->ops = OPS;
		requests = run(test, t, subject_nothing, workloads[w], true, 7)->requests;
		t->turn->ops = OPS + BLOCKS;
		KUNIT_EXPECT_NE(test, requests,
				run(test, t, subject_nothing, workloads[w], true, 7)->requests);
	}
}

/* How many operations of a part are timed: of bulk, whole fills and no less than OPS. */
static u64 timed(enum potad_workload workload, unsigned int part)
{
	switch (workload) {
	case POTAD_BULK:
		return roundup(OPS, BLOCKS);
	case POTAD_RANDOM_FREE:
		return part ? 0 : roundup(OPS, BLOCKS);
	case POTAD_FRAGMENTATION:
		return 0;
	default:
		return part ? 0 : OPS;
	}
}

static void all_operations_are_timed(struct kunit *test)
{
	struct turn_test *t = turn_test(test);
	unsigned int w, i, part;

	for (w = 0; w < ARRAY_SIZE(workloads); w++) {
		unsigned int nr = ARRAY_SIZE(subjects);

		/* It takes long, and times nothing, by whom ever. */
		if (workloads[w] == POTAD_FRAGMENTATION)
			nr = 1;
		for (i = 0; i < nr; i++) {
			struct potad_member *m = run(test, t, subjects[i], workloads[w], false, 7);

			for (part = 0; m && part < POTAD_TURN_PARTS; part++)
				KUNIT_EXPECT_EQ(test, m->tally[part].ops,
						timed(workloads[w], part));
		}
	}
}

/* One of seventeen, whatever is timed beside it. */
static void some_are_timed_by_themselves(struct kunit *test)
{
	struct turn_test *t = turn_test(test);
	unsigned int w, part;

	for (w = 0; w < ARRAY_SIZE(workloads); w++) {
		struct potad_member *m = run(test, t, subject_bare, workloads[w], true, 7);

		for (part = 0; part < POTAD_TURN_PARTS; part++) {
			u64 ops = timed(workloads[w], part);

			KUNIT_EXPECT_GE(test, m->tally[part].ops, ops / 17 - ops / 170);
			KUNIT_EXPECT_LE(test, m->tally[part].ops, ops / 17 + ops / 170 + 1);
		}
	}
}

/* 350 pages that are left of 700 have room in one 2 MiB, or in two. */
static void fragments_are_counted(struct kunit *test)
{
	struct turn_test *t = turn_test(test);
	int ever, last;

	run(test, t, subject_bare, POTAD_FRAGMENTATION, false, 7);
	ever = atomic_read(&t->turn->ever.nr);
	last = atomic_read(&t->turn->last.nr);
	KUNIT_EXPECT_GE(test, ever, 2);
	KUNIT_EXPECT_LE(test, ever, 32);
	KUNIT_EXPECT_GE(test, last, 1);
	KUNIT_EXPECT_LE(test, last, ever);
	/* What is counted is not what the turn before had. */
	t->turn->blocks = 10;
	run(test, t, subject_nothing, POTAD_FRAGMENTATION, false, 7);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->turn->ever.nr), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->turn->last.nr), 1);
}

/* What one CPU allocates the other frees, all of it, and both are timed. */
static void all_goes_to_the_other_side(struct kunit *test)
{
	/* Trays of 500, of three, and of one: how many blocks, and operations. */
	static const u32 sizes[][2] = { { 1000, 3 * 500 + 1 }, { 7, 20 }, { 1, 5 } };
	struct turn_test *t = turn_test(test);
	struct potad_member *two = t->turn->member;
	unsigned int b, i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU");
	t->turn->members = 2;
	for (i = 0; i < 2; i++)
		two[i].held = potad_test_memory(test, 1000 * sizeof(union potad_held));
	for (b = 0; b < ARRAY_SIZE(sizes); b++) {
		u64 requests;

		t->turn->blocks = sizes[b][0];
		t->turn->ops = sizes[b][1];
		run(test, t, subject_nothing, POTAD_CROSS, true, 7);
		requests = two[0].requests;
		for (i = 0; i < ARRAY_SIZE(subjects); i++) {
			if (!run(test, t, subjects[i], POTAD_CROSS, true, 7))
				continue;
			KUNIT_EXPECT_EQ_MSG(test, two[0].requests, requests, "%s",
					    potad_subject[subjects[i]].name);
			run(test, t, subjects[i], POTAD_CROSS, false, 7);
			KUNIT_EXPECT_EQ(test, two[0].tally[0].ops, t->turn->ops);
			KUNIT_EXPECT_EQ(test, two[0].tally[1].ops, 0);
			KUNIT_EXPECT_EQ(test, two[1].tally[0].ops, 0);
			KUNIT_EXPECT_EQ(test, two[1].tally[1].ops, t->turn->ops);
		}
	}
}

/* What is refused in the middle ends it; what is on its way by then is freed. */
static void the_other_side_frees_what_there_was(struct kunit *test)
{
	static const enum subject_id refused[] = { subject_bare, subject_described };
	struct turn_test *t = turn_test(test);
	unsigned int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU");
	/* Of 2 MiB the pool has 32, and nobody waits for what the other is about to free. */
	t->turn->workload = POTAD_CROSS;
	t->turn->first_order = 9;
	t->turn->last_order = 9;
	t->turn->members = 2;
	t->turn->blocks = 200;
	t->turn->ops = 1000;
	for (i = 0; i < 2; i++)
		t->turn->member[i].held = potad_test_memory(test, 200 * sizeof(union potad_held));
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		t->turn->lone = i;
		KUNIT_EXPECT_EQ(test, potad_turn_run(t->turn, potad_loops[refused[i]], 7), -ENOMEM);
		potad_test_all_free(test, t->kit.pool, 0);
	}
}

static struct kunit_case turn_cases[] = {
	KUNIT_CASE(all_are_asked_for_the_same),
	KUNIT_CASE(one_request_more_is_seen),
	KUNIT_CASE(all_operations_are_timed),
	KUNIT_CASE(some_are_timed_by_themselves),
	KUNIT_CASE(fragments_are_counted),
	KUNIT_CASE(all_goes_to_the_other_side),
	KUNIT_CASE(the_other_side_frees_what_there_was),
	{}
};

static struct kunit_suite turn_suite = {
	.name = "potad_turn",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = turn_cases,
};

kunit_test_suite(turn_suite);

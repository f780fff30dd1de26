// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: what is counted is what happened between begin and end, and what cannot
 * be counted is said.
 *
 * Any kernel with perf counts context switches, and so does the scheduler: that shows
 * that the way to perf and back is right, whatever the processor has.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/perf_event.h>
#include <linux/sched.h>

#include "../module/compare/counter.h"
#include "../module/include/compat.h"
#include "common.h"

#define SLEEPS	20
#define OPS	500

#define SWITCHES { "switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES }
#define NOBODYS	{ "nobody's", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_MAX }

/* One that nobody has beside one that perf always has. */
static const struct potad_counted some[POTAD_COUNTER_EVENTS] = {
	NOBODYS, SWITCHES, NOBODYS, NOBODYS,
};

static const struct potad_counted none[POTAD_COUNTER_EVENTS] = {
	NOBODYS, NOBODYS, NOBODYS, NOBODYS,
};

static void open_some(struct kunit *test, struct potad_counter *counter)
{
	if (!IS_ENABLED(CONFIG_PERF_EVENTS))
		kunit_skip(test, "this kernel has no perf events");
	KUNIT_ASSERT_EQ(test, potad_counter_open(counter, some), 0);
}

static void sleep_often(void)
{
	unsigned int i;

	for (i = 0; i < SLEEPS; i++)
		usleep_range(100, 200);
}

/* The same, as the scheduler counts. */
static u64 switches(void)
{
	return current->nvcsw + current->nivcsw;
}

static void counter_counts_between(struct kunit *test)
{
	struct potad_counts counts = { };
	struct potad_counter counter;
	u64 outer, inner = 0, other;

	open_some(test, &counter);
	outer = switches();
	potad_counter_begin(&counter);
	inner -= switches();
	sleep_often();
	inner += switches();
	potad_counter_end(&counter, &counts, OPS);
	outer = switches() - outer;

	other = switches();
	sleep_often();
	other = switches() - other;

	outer -= switches();
	potad_counter_begin(&counter);
	potad_counter_end(&counter, &counts, OPS);
	outer += switches();
	potad_counter_close(&counter);

	KUNIT_ASSERT_GT(test, inner, 0);
	KUNIT_ASSERT_GT(test, other, 0);
	KUNIT_EXPECT_EQ(test, counts.ops[1], 2 * OPS);
	KUNIT_EXPECT_GE(test, counts.events[1], inner);
	KUNIT_EXPECT_LE(test, counts.events[1], outer);
}

static void counter_leaves_out_what_cannot_be(struct kunit *test)
{
	struct potad_counts counts = { }, sum = { };
	struct potad_counter counter;
	unsigned int i;

	open_some(test, &counter);
	potad_counter_begin(&counter);
	sleep_often();
	potad_counter_end(&counter, &counts, OPS);
	potad_counter_close(&counter);
	potad_counts_merge(&sum, &counts);
	potad_counts_merge(&sum, &counts);

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++) {
		KUNIT_EXPECT_EQ(test, counts.ops[i], i == 1 ? OPS : 0);
		KUNIT_EXPECT_EQ(test, sum.ops[i], 2 * counts.ops[i]);
		KUNIT_EXPECT_EQ(test, sum.events[i], 2 * counts.events[i]);
	}
}

static void counter_says_why_not(struct kunit *test)
{
	struct potad_counter counter;
	int err = potad_counter_open(&counter, none);

	KUNIT_EXPECT_LT(test, err, 0);
	KUNIT_EXPECT_EQ(test, err == -EOPNOTSUPP, !IS_ENABLED(CONFIG_PERF_EVENTS));
}

static struct kunit_case counter_cases[] = {
	KUNIT_CASE(counter_counts_between),
	KUNIT_CASE(counter_leaves_out_what_cannot_be),
	KUNIT_CASE(counter_says_why_not),
	{}
};

static struct kunit_suite counter_suite = {
	.name = "potad_counter",
	.test_cases = counter_cases,
};

kunit_test_suite(counter_suite);

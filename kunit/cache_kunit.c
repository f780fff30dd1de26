// SPDX-License-Identifier: GPL-2.0
/*
 * Cache: per-CPU stacks of free blocks in front of a space.
 *
 * What is cached must still be there for whoever needs it, on any CPU, and a
 * granule that fails while it is cached must never come out again.  What two
 * CPUs do at once is in race_kunit.c.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/preempt.h>

#include "../module/space/cache.h"
#include "common.h"

#define GRANULES	8192ULL

static void destroy_space(void *space)
{
	potad_space_destroy(space);
}

static void exit_cache(void *cache)
{
	potad_cache_exit(cache);
}

static struct potad_cache *new_cache(struct kunit *test, u64 granules)
{
	struct potad_cache *c = potad_test_memory(test, sizeof(*c));
	struct potad_space *s = potad_space_create(granules);

	if (IS_ERR(s))
		kunit_skip(test, "no memory for %llu granules", granules);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_space, s));
	if (potad_cache_init(c, s))
		kunit_skip(test, "no memory for a cache");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, exit_cache, c));
	return c;
}

static u64 allocated(struct kunit *test, struct potad_cache *c)
{
	struct potad_space_stat *stat = potad_test_memory(test, sizeof(*stat));

	potad_space_stat(c->space, stat);
	return stat->allocated;
}

static void expect_sound(struct kunit *test, struct potad_cache *c)
{
	const char *wrong = potad_space_validate(c->space);

	KUNIT_EXPECT_FALSE_MSG(test, wrong, "%s", wrong ?: "");
}

static void freed_block_is_the_next_one(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, GRANULES);
	u64 granule, again;
	unsigned int k;

	for (k = 0; k <= 5; k++) {
		/* Without being sent to another CPU in between. */
		migrate_disable();
		KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, k, true, &granule), 0);
		potad_cache_free(c, granule, k);
		KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, k, true, &again), 0);
		migrate_enable();
		KUNIT_EXPECT_EQ(test, again, granule);
		KUNIT_EXPECT_FALSE(test, potad_cache_has(c, granule));
		potad_cache_free(c, again, k);
		KUNIT_EXPECT_TRUE(test, potad_cache_has(c, granule));
	}
	expect_sound(test, c);
}

static void cache_holds_no_more_than_its_share(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, GRANULES);
	unsigned int k, i, nr;
	u64 *granule;

	granule = potad_test_memory(test, 100 * sizeof(u64));
	for (k = 0; k <= potad_space_max_order(c->space); k++) {
		for (nr = 0; nr < 100; nr++)
			if (potad_cache_alloc(c, k, true, &granule[nr]))
				break;
		for (i = 0; i < nr; i++)
			potad_cache_free(c, granule[i], k);
		KUNIT_EXPECT_LE_MSG(test, potad_cache_granules(c),
				    num_possible_cpus() * (GRANULES >> 5), "order %u", k);
		potad_cache_drain(c);
		KUNIT_EXPECT_EQ(test, potad_cache_granules(c), 0);
		KUNIT_EXPECT_EQ(test, allocated(test, c), 0);
	}
	expect_sound(test, c);
}

static void nonsense_order_is_refused(struct kunit *test)
{
	static const unsigned int orders[] = { 14, 47, 48, 64, 255, UINT_MAX };
	struct potad_cache *c = new_cache(test, GRANULES);
	unsigned int i;
	u64 granule;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, orders[i], true, &granule), -EINVAL);
	KUNIT_EXPECT_EQ(test, allocated(test, c), 0);
}

static void last_block_can_be_had_however_small_ones_are_cached(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, GRANULES);
	unsigned int max = potad_space_max_order(c->space), k;
	u64 granule;

	for (k = 0; k < max; k++) {
		KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, k, true, &granule), 0);
		potad_cache_free(c, granule, k);
	}
	KUNIT_EXPECT_NE(test, potad_cache_granules(c), 0);
	/* The whole space: all lines must be emptied for that. */
	KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, max, true, &granule), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, 0, true, &granule), -ENOSPC);
	potad_cache_free(c, 0, max);
	KUNIT_EXPECT_EQ(test, potad_cache_granules(c), 0);
	expect_sound(test, c);
}

static void every_granule_can_be_had(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, GRANULES);
	u8 *seen = potad_test_memory(test, GRANULES);
	u64 granule, nr = 0, g;

	while (!potad_cache_alloc(c, 0, true, &granule)) {
		KUNIT_ASSERT_LT(test, granule, GRANULES);
		KUNIT_ASSERT_EQ(test, seen[granule]++, 0);
		if (!(++nr % 256))
			cond_resched();
	}
	KUNIT_EXPECT_EQ(test, nr, GRANULES);
	for (g = 0; g < GRANULES; g++)
		potad_cache_free(c, g, 0);
	potad_cache_drain(c);
	KUNIT_EXPECT_EQ(test, allocated(test, c), 0);
	expect_sound(test, c);
}

/* As an interrupt handler does that comes in the middle of an operation. */
static void busy_line_is_left_alone(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, GRANULES);
	struct potad_cache_line *line, before;
	u64 granule = 0;
	int err;

	migrate_disable();
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, 2, true, &granule), 0);
	preempt_disable();
	line = this_cpu_ptr(&c->cpu->line[2]);
	line->busy = 1;
	before = *line;
	err = potad_cache_alloc(c, 2, false, &granule);
	if (!err)
		potad_cache_free(c, granule, 2);
	err = err ?: memcmp(&before, line, sizeof(before));
	line->busy = 0;
	preempt_enable();
	migrate_enable();
	KUNIT_EXPECT_EQ(test, err, 0);
	expect_sound(test, c);
}

struct irq_calls {
	struct potad_cache	*c;
	int			wrong;
};

static void calls_in_irq(void *arg)
{
	struct irq_calls *calls = arg;
	unsigned int k, i;
	u64 granule[8];

	for (k = 0; k <= 8; k++) {
		for (i = 0; i < 8; i++)
			calls->wrong += !!potad_cache_alloc(calls->c, k, false, &granule[i]);
		for (i = 0; i < 8; i++)
			potad_cache_free(calls->c, granule[i], k);
	}
}

static void hardirq_may_allocate_and_free(struct kunit *test)
{
	struct irq_calls calls = { .c = new_cache(test, GRANULES) };

	potad_test_hardirq(test, calls_in_irq, &calls);
	KUNIT_EXPECT_EQ(test, calls.wrong, 0);
	potad_cache_drain(calls.c);
	KUNIT_EXPECT_EQ(test, allocated(test, calls.c), 0);
	expect_sound(test, calls.c);
}

static void alloc_and_free_never_take_memory(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, GRANULES);
	unsigned int k, i, left;
	u64 granule[20];
	int err = 0;

	potad_test_fail_nth(test, 1);
	for (k = 0; k <= 8; k++) {
		for (i = 0; i < 20; i++)
			err = err ?: potad_cache_alloc(c, k, true, &granule[i]);
		for (i = 0; i < 20 && !err; i++)
			potad_cache_free(c, granule[i], k);
	}
	potad_cache_drain(c);
	left = potad_test_fail_nth(test, 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, left, 1);
	expect_sound(test, c);
}

static void cached_granule_that_fails_counts_as_free(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, 1024);
	u64 granule, other, nr = 0;
	unsigned int k;

	for (k = 0; k <= 3; k++) {
		KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, k, true, &granule), 0);
		potad_cache_free(c, granule, k);
		KUNIT_ASSERT_TRUE(test, potad_cache_has(c, granule));
		KUNIT_EXPECT_EQ(test, potad_cache_retire(c, granule), POTAD_FREE);
		KUNIT_EXPECT_EQ(test, potad_cache_retire(c, granule), -EHWPOISON);
		KUNIT_EXPECT_FALSE(test, potad_cache_has(c, granule));
	}
	while (!potad_cache_alloc(c, 0, true, &other)) {
		struct potad_extent e;

		potad_space_query(c->space, other, &e);
		KUNIT_ASSERT_EQ(test, e.state, POTAD_ALLOCATED);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, 1024 - 4);
	expect_sound(test, c);
	potad_cache_drain(c);
}

static void granule_that_fails_in_use_is_not_cached(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, 1024);
	u64 block, single, granule, nr = 0;

	KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, 3, true, &block), 0);
	KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, 0, true, &single), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(c, block + 5), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(c, single), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(c, 1024), -ERANGE);
	potad_cache_free(c, block, 3);
	potad_cache_free(c, single, 0);
	KUNIT_EXPECT_FALSE(test, potad_cache_has(c, block));
	KUNIT_EXPECT_FALSE(test, potad_cache_has(c, single));
	while (!potad_cache_alloc(c, 0, true, &granule)) {
		KUNIT_ASSERT_NE(test, granule, block + 5);
		KUNIT_ASSERT_NE(test, granule, single);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, 1024 - 2);
	expect_sound(test, c);
}

static void caution_ends_when_nothing_is_pending(struct kunit *test)
{
	struct potad_cache *c = new_cache(test, 1024);
	u64 granule, other;

	KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, 0, true, &granule), 0);
	KUNIT_ASSERT_EQ(test, potad_cache_retire(c, granule), POTAD_ALLOCATED);
	migrate_disable();
	KUNIT_EXPECT_EQ(test, this_cpu_read(c->cpu->line[0].wary), 1);
	potad_cache_free(c, granule, 0);
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(c, 0, true, &other), 0);
	KUNIT_EXPECT_EQ(test, this_cpu_read(c->cpu->line[0].wary), 0);
	potad_cache_free(c, other, 0);
	migrate_enable();
	expect_sound(test, c);
}

static struct kunit_case cache_cases[] = {
	KUNIT_CASE(freed_block_is_the_next_one),
	KUNIT_CASE(cache_holds_no_more_than_its_share),
	KUNIT_CASE(nonsense_order_is_refused),
	KUNIT_CASE(last_block_can_be_had_however_small_ones_are_cached),
	KUNIT_CASE(every_granule_can_be_had),
	KUNIT_CASE(busy_line_is_left_alone),
	KUNIT_CASE(hardirq_may_allocate_and_free),
	KUNIT_CASE(alloc_and_free_never_take_memory),
	KUNIT_CASE(cached_granule_that_fails_counts_as_free),
	KUNIT_CASE(granule_that_fails_in_use_is_not_cached),
	KUNIT_CASE(caution_ends_when_nothing_is_pending),
	{ }
};

static struct kunit_suite cache_suite = {
	.name = "potad_cache",
	.test_cases = cache_cases,
};

kunit_test_suite(cache_suite);

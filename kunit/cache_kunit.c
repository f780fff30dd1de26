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

#include "../module/include/compat.h"
#include "common.h"
#include "spaces.h"

#define GRANULES	8192ULL

struct cached {
	struct potad_space	*space;
	struct potad_cache __percpu *cache;
};

static struct cached new_cache(struct kunit *test, u64 granules)
{
	struct cached c = { .space = potad_test_space(test, granules) };

	c.cache = potad_test_cache(test, c.space);
	return c;
}

/* Where the kind does not matter. */
static int take(struct cached c, unsigned int order, u64 *granule)
{
	return potad_cache_alloc(c.cache, order, POTAD_MOVABLE, true, granule);
}

static int give(struct cached c, u64 granule, unsigned int order)
{
	return potad_cache_free(c.cache, granule, order, POTAD_MOVABLE);
}

/* Of all three kinds in turn. */
static enum potad_mobility kind(unsigned int i)
{
	return i % POTAD_MOBILITIES;
}

static void freed_block_is_the_next_one(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	u64 granule, again;
	unsigned int k;

	for (k = 0; k <= 5; k++) {
		/* Without being sent to another CPU in between. */
		migrate_disable();
		KUNIT_EXPECT_EQ(test, take(c, k, &granule), 0);
		give(c, granule, k);
		KUNIT_EXPECT_EQ(test, take(c, k, &again), 0);
		migrate_enable();
		KUNIT_EXPECT_EQ(test, again, granule);
		KUNIT_EXPECT_FALSE(test, potad_cache_has(c.cache, granule));
		give(c, again, k);
		KUNIT_EXPECT_TRUE(test, potad_cache_has(c.cache, granule));
	}
	potad_test_space_sound(test, c.space);
}

static void cache_holds_no_more_than_its_share(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	unsigned int k, i, nr;
	u64 *granule;

	granule = potad_test_memory(test, 100 * sizeof(u64));
	for (k = 0; k <= potad_space_max_order(c.space); k++) {
		for (nr = 0; nr < 100; nr++)
			if (take(c, k, &granule[nr]))
				break;
		for (i = 0; i < nr; i++)
			give(c, granule[i], k);
		KUNIT_EXPECT_LE_MSG(test, potad_cache_granules(c.cache),
				    num_possible_cpus() * (GRANULES / 16 + GRANULES / 128),
				    "order %u", k);
		potad_cache_drain(c.cache);
		KUNIT_EXPECT_EQ(test, potad_cache_granules(c.cache), 0);
		KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
	}
	potad_test_space_sound(test, c.space);
}

static void nonsense_order_is_refused(struct kunit *test)
{
	static const unsigned int orders[] = { 14, 19, 20, 47, 48, 64, 255, UINT_MAX };
	struct cached c = new_cache(test, GRANULES);
	unsigned int i;
	u64 granule;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		KUNIT_EXPECT_EQ(test, take(c, orders[i], &granule), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(c.cache, 0, POTAD_MOBILITIES, true, &granule),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, potad_cache_free(c.cache, 0, 0, POTAD_MOBILITIES), -EINVAL);
	KUNIT_EXPECT_EQ(test, give(c, 0, UINT_MAX), -ERANGE);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
}

static void last_block_can_be_had_however_small_ones_are_cached(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	unsigned int max = potad_space_max_order(c.space), k;
	u64 granule;

	for (k = 0; k < max; k++) {
		KUNIT_ASSERT_EQ(test, take(c, k, &granule), 0);
		give(c, granule, k);
	}
	KUNIT_EXPECT_NE(test, potad_cache_granules(c.cache), 0);
	/* The whole space: all lines must be emptied for that. */
	KUNIT_ASSERT_EQ(test, take(c, max, &granule), 0);
	KUNIT_EXPECT_EQ(test, take(c, 0, &granule), -ENOSPC);
	give(c, 0, max);
	KUNIT_EXPECT_EQ(test, potad_cache_granules(c.cache), 0);
	potad_test_space_sound(test, c.space);
}

static void every_granule_can_be_had(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	u8 *seen = potad_test_memory(test, GRANULES);
	u64 granule, nr = 0, g;

	while (!take(c, 0, &granule)) {
		KUNIT_ASSERT_LT(test, granule, GRANULES);
		KUNIT_ASSERT_EQ(test, seen[granule]++, 0);
		if (!(++nr % 256))
			cond_resched();
	}
	KUNIT_EXPECT_EQ(test, nr, GRANULES);
	for (g = 0; g < GRANULES; g++)
		give(c, g, 0);
	potad_cache_drain(c.cache);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
	potad_test_space_sound(test, c.space);
}

/*
 * A line that drains has blocks of several groups, turn and turn about: of leaves'
 * parts, which go back all at once, and of whole leaves, group by group.
 */
static void blocks_of_several_groups_all_go_back(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 7, 8, 12 };
	struct cached c = new_cache(test, 16 * 65536ULL);
	u64 *granule = potad_test_memory(test, 1024 * sizeof(u64));
	unsigned int i, k, nr, n;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		k = orders[i];
		/* Two groups of small ones have too many: the ends of two, then. */
		n = k < 7 ? 1024 : min(1024U, 4U << (16 - k));
		for (nr = 0; nr < n; nr++) {
			if (k < 7) {
				granule[nr] = (nr % 2 ? 65536 + nr / 2 : 65535 - nr / 2);
				KUNIT_ASSERT_EQ(test, potad_space_alloc_at(c.space, granule[nr],
									   k, POTAD_MOVABLE), 0);
			} else {
				KUNIT_ASSERT_EQ(test, take(c, k, &granule[nr]), 0);
			}
		}
		for (nr = 0; nr < n; nr++)
			KUNIT_ASSERT_EQ(test, give(c, granule[nr / 2 + nr % 2 * n / 2], k), 0);
		potad_cache_drain(c.cache);
		KUNIT_EXPECT_EQ_MSG(test, potad_test_allocated(test, c.space), 0, "order %u", k);
	}
	potad_test_space_sound(test, c.space);
}

/* As an interrupt handler does that comes in the middle of an operation. */
static void busy_line_is_left_alone(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	struct potad_cache_line *line, before;
	u64 granule = 0;
	int err;

	migrate_disable();
	KUNIT_EXPECT_EQ(test, take(c, 2, &granule), 0);
	preempt_disable();
	line = this_cpu_ptr(&c.cache->line[2][POTAD_MOVABLE]);
	line->busy = 1;
	before = *line;
	err = potad_cache_alloc(c.cache, 2, POTAD_MOVABLE, false, &granule);
	if (!err)
		give(c, granule, 2);
	err = err ?: memcmp(&before, line, sizeof(before));
	line->busy = 0;
	preempt_enable();
	migrate_enable();
	KUNIT_EXPECT_EQ(test, err, 0);
	potad_test_space_sound(test, c.space);
}

struct irq_calls {
	struct cached		c;
	int			wrong;
};

static void calls_in_irq(void *arg)
{
	struct irq_calls *calls = arg;
	unsigned int k, i;
	u64 granule[8];

	for (k = 0; k <= 8; k++) {
		for (i = 0; i < 8; i++)
			calls->wrong += !!potad_cache_alloc(calls->c.cache, k, kind(i), false,
							    &granule[i]);
		for (i = 0; i < 8; i++)
			calls->wrong += !!potad_cache_free(calls->c.cache, granule[i], k, kind(i));
	}
}

static void hardirq_may_allocate_and_free(struct kunit *test)
{
	struct irq_calls calls = { .c = new_cache(test, GRANULES) };

	potad_test_hardirq(test, calls_in_irq, &calls);
	KUNIT_EXPECT_EQ(test, calls.wrong, 0);
	potad_cache_drain(calls.c.cache);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, calls.c.space), 0);
	potad_test_space_sound(test, calls.c.space);
}

static void alloc_and_free_never_take_memory(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	unsigned int k, i, left;
	u64 granule[20];
	int err = 0;

	potad_test_fail_nth(test, 1);
	for (k = 0; k <= 8; k++) {
		for (i = 0; i < 20; i++)
			err = err ?: take(c, k, &granule[i]);
		for (i = 0; i < 20 && !err; i++)
			give(c, granule[i], k);
	}
	potad_cache_drain(c.cache);
	left = potad_test_fail_nth(test, 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, left, 1);
	potad_test_space_sound(test, c.space);
}

static void cached_granule_that_fails_counts_as_free(struct kunit *test)
{
	struct cached c = new_cache(test, 1024);
	u64 granule, other, nr = 0;
	unsigned int k;

	for (k = 0; k <= 3; k++) {
		KUNIT_ASSERT_EQ(test, take(c, k, &granule), 0);
		give(c, granule, k);
		KUNIT_ASSERT_TRUE(test, potad_cache_has(c.cache, granule));
		KUNIT_EXPECT_EQ(test, potad_cache_retire(c.cache, granule), POTAD_FREE);
		KUNIT_EXPECT_EQ(test, potad_cache_retire(c.cache, granule), -EHWPOISON);
		KUNIT_EXPECT_FALSE(test, potad_cache_has(c.cache, granule));
	}
	while (!take(c, 0, &other)) {
		struct potad_extent e;

		potad_space_query(c.space, other, &e);
		KUNIT_ASSERT_EQ(test, e.state, POTAD_ALLOCATED);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, 1024 - 4);
	potad_test_space_sound(test, c.space);
	potad_cache_drain(c.cache);
}

static void granule_that_fails_in_use_is_not_cached(struct kunit *test)
{
	struct cached c = new_cache(test, 1024);
	u64 block, single, granule, nr = 0;

	KUNIT_ASSERT_EQ(test, take(c, 3, &block), 0);
	KUNIT_ASSERT_EQ(test, take(c, 0, &single), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(c.cache, block + 5), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(c.cache, single), POTAD_ALLOCATED);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(c.cache, 1024), -ERANGE);
	give(c, block, 3);
	give(c, single, 0);
	KUNIT_EXPECT_FALSE(test, potad_cache_has(c.cache, block));
	KUNIT_EXPECT_FALSE(test, potad_cache_has(c.cache, single));
	while (!take(c, 0, &granule)) {
		KUNIT_ASSERT_NE(test, granule, block + 5);
		KUNIT_ASSERT_NE(test, granule, single);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, 1024 - 2);
	potad_test_space_sound(test, c.space);
}

/* This CPU's line of order 0. */
static bool is_wary(struct cached c)
{
	return this_cpu_read(c.cache->line[0][POTAD_MOVABLE].wary);
}

static void caution_ends_when_nothing_is_pending(struct kunit *test)
{
	struct cached c = new_cache(test, 1024);
	u64 granule, other;

	KUNIT_ASSERT_EQ(test, take(c, 0, &granule), 0);
	KUNIT_ASSERT_EQ(test, potad_cache_retire(c.cache, granule), POTAD_ALLOCATED);
	migrate_disable();
	KUNIT_EXPECT_TRUE(test, is_wary(c));
	give(c, granule, 0);
	KUNIT_EXPECT_EQ(test, take(c, 0, &other), 0);
	KUNIT_EXPECT_FALSE(test, is_wary(c));
	give(c, other, 0);
	migrate_enable();
	potad_test_space_sound(test, c.space);
}

/* Kinds */

static void each_kind_has_lines_of_its_own(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	u64 granule[POTAD_MOBILITIES], again;
	unsigned int m;

	migrate_disable();
	for (m = 0; m < POTAD_MOBILITIES; m++)
		KUNIT_EXPECT_EQ(test, potad_cache_alloc(c.cache, 1, m, true, &granule[m]), 0);
	for (m = 0; m < POTAD_MOBILITIES; m++)
		KUNIT_EXPECT_EQ(test, potad_cache_free(c.cache, granule[m], 1, m), 0);
	for (m = 0; m < POTAD_MOBILITIES; m++) {
		KUNIT_EXPECT_EQ(test, potad_cache_alloc(c.cache, 1, m, true, &again), 0);
		KUNIT_EXPECT_EQ(test, again, granule[m]);
		KUNIT_EXPECT_EQ(test, potad_cache_free(c.cache, again, 1, m), 0);
	}
	migrate_enable();
	potad_cache_drain(c.cache);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
	potad_test_space_sound(test, c.space);
}

/* What one kind caches, another can have. */
static void every_kind_can_have_the_last_block(struct kunit *test)
{
	struct cached c = new_cache(test, 64);
	unsigned int m, nr;
	u64 granule[64];

	for (m = 0; m < POTAD_MOBILITIES; m++) {
		for (nr = 0; nr < 64; nr++)
			KUNIT_ASSERT_EQ(test, potad_cache_alloc(c.cache, 0, m, true,
								&granule[nr]), 0);
		while (nr--)
			KUNIT_ASSERT_EQ(test, potad_cache_free(c.cache, granule[nr], 0, m), 0);
	}
	potad_cache_drain(c.cache);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
	potad_test_space_sound(test, c.space);
}

/* Bad input */

static void strict_cache_checks_each_free(struct kunit *test)
{
	static const unsigned int orders[] = { 1, 3, 7, 8, 11 };
	struct cached c = new_cache(test, GRANULES);
	struct potad_space_stat *before;
	unsigned int i, k;
	u64 granule, half;

	potad_cache_strict(c.cache, true);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		k = orders[i];
		KUNIT_ASSERT_EQ(test, take(c, k, &granule), 0);
		half = granule + (1ULL << (k - 1));
		before = potad_test_stat(test, c.space);
#define EXPECT_REFUSED(g, order, err)						\
	KUNIT_EXPECT_EQ_MSG(test, give(c, g, order), \
			    err, "order %u", k)
		EXPECT_REFUSED(granule, k - 1, -EINVAL);
		EXPECT_REFUSED(half, k - 1, -EINVAL);
		EXPECT_REFUSED(half, k, -EINVAL);
		EXPECT_REFUSED(granule + (1ULL << k), k, -ENOENT);
		EXPECT_REFUSED(GRANULES, k, -ERANGE);
		EXPECT_REFUSED(U64_MAX << k, k, -ERANGE);
		EXPECT_REFUSED(granule, 14, -ERANGE);
		EXPECT_REFUSED(granule, 64, -ERANGE);
		potad_test_unchanged(test, c.space, before);
		KUNIT_EXPECT_EQ(test, give(c, granule, k), 0);
		EXPECT_REFUSED(granule, k, -ENOENT);
#undef EXPECT_REFUSED
		KUNIT_EXPECT_EQ(test, potad_cache_granules(c.cache), 0);
		KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
		potad_test_space_sound(test, c.space);
	}
	potad_cache_strict(c.cache, false);
	KUNIT_ASSERT_EQ(test, take(c, 0, &granule), 0);
	KUNIT_ASSERT_EQ(test, give(c, granule, 0), 0);
	KUNIT_EXPECT_NE(test, potad_cache_granules(c.cache), 0);
}

static void becoming_strict_gives_all_back(struct kunit *test)
{
	struct cached c = new_cache(test, GRANULES);
	unsigned int k;
	u64 granule;

	for (k = 0; k < 5; k++) {
		KUNIT_ASSERT_EQ(test, potad_cache_alloc(c.cache, k, kind(k), true, &granule), 0);
		KUNIT_ASSERT_EQ(test, potad_cache_free(c.cache, granule, k, kind(k)), 0);
	}
	KUNIT_EXPECT_NE(test, potad_cache_granules(c.cache), 0);
	potad_cache_strict(c.cache, true);
	KUNIT_EXPECT_EQ(test, potad_cache_granules(c.cache), 0);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, c.space), 0);
}

/* CPUs that go */

struct filling {
	struct cached		c;
	u64			cached;		/* when it was full */
	unsigned int		drained;
	atomic_t		step;
};

static void fill_lines(struct filling *f)
{
	unsigned int k;
	u64 granule;

	for (k = 0; k < 6; k++)
		if (!potad_cache_alloc(f->c.cache, k, kind(k), true, &granule))
			potad_cache_free(f->c.cache, granule, k, kind(k));
	f->cached = potad_cache_granules(f->c.cache);
}

static void wait_for(struct filling *f, int step)
{
	while (atomic_read(&f->step) != step) {
		cond_resched();
		cpu_relax();
	}
}

/* The second CPU fills its lines, and is still there when the first drains. */
static void fill_or_drain(void *arg, unsigned int me)
{
	struct filling *f = arg;

	if (me) {
		fill_lines(f);
		atomic_set(&f->step, 1);
		wait_for(f, 2);
	} else {
		wait_for(f, 1);
		f->drained = potad_cache_drain(f->c.cache);
		atomic_set(&f->step, 2);
	}
}

static void lines_of_another_cpu_are_drained(struct kunit *test)
{
	struct filling f = { .c = new_cache(test, GRANULES) };

	potad_test_parallel(test, 2, fill_or_drain, &f);
	KUNIT_EXPECT_NE(test, f.cached, 0);
	KUNIT_EXPECT_GT(test, f.drained, 0);
	KUNIT_EXPECT_EQ(test, potad_cache_granules(f.c.cache), 0);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, f.c.space), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_drain(f.c.cache), 0);
	potad_test_space_sound(test, f.c.space);
}

static void second_fills(void *arg, unsigned int me)
{
	if (me)
		fill_lines(arg);
}

static void cpu_that_goes_leaves_nothing_cached(struct kunit *test)
{
	struct filling f = { .c = new_cache(test, GRANULES) };
	u64 granule;

	potad_test_parallel(test, 2, second_fills, &f);
	KUNIT_EXPECT_NE(test, f.cached, 0);
	potad_test_cpu_down(test, 1);
	KUNIT_EXPECT_EQ(test, potad_cache_granules(f.c.cache), 0);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, f.c.space), 0);
	/* A granule fails while it is away, which it must know when it is back. */
	KUNIT_EXPECT_EQ(test, potad_cache_alloc(f.c.cache, 0, POTAD_MOVABLE, true, &granule), 0);
	KUNIT_EXPECT_EQ(test, potad_cache_retire(f.c.cache, granule), POTAD_ALLOCATED);
	potad_test_cpu_up(test, 1);
	KUNIT_EXPECT_EQ(test, per_cpu_ptr(f.c.cache, 1)->line[0][0].wary, 1);
	KUNIT_EXPECT_EQ(test, potad_cache_free(f.c.cache, granule, 0, POTAD_MOVABLE), 0);
	potad_test_parallel(test, 2, second_fills, &f);
	potad_cache_drain(f.c.cache);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, f.c.space), 0);
	potad_test_space_sound(test, f.c.space);
}

/* A slot has 32 bits; a span can come later, of which the cache knew nothing. */
static void numbers_that_no_slot_can_say_go_around_it(struct kunit *test)
{
	struct potad_space *s = potad_test_empty_space(test);
	struct potad_cache __percpu *c;
	unsigned int i, nr = 300;
	u64 *granule;

	granule = potad_test_memory(test, nr * sizeof(*granule));
	potad_test_add_span(test, s, 0, 64, true);
	c = potad_test_cache(test, s);
	potad_test_add_span(test, s, 5ULL << 32, GRANULES, true);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, potad_cache_alloc(c, 0, POTAD_MOVABLE, true,
							&granule[i]), 0);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_TRUE(test, granule[i] < 64 || granule[i] >> 32 == 5);
		KUNIT_EXPECT_EQ(test, potad_cache_free(c, granule[i], 0, POTAD_MOVABLE), 0);
	}
	potad_cache_drain(c);
	KUNIT_EXPECT_EQ(test, potad_test_stat(test, s)->allocated, 0);
	potad_test_space_sound(test, s);
}

static struct kunit_case cache_cases[] = {
	KUNIT_CASE(freed_block_is_the_next_one),
	KUNIT_CASE(cache_holds_no_more_than_its_share),
	KUNIT_CASE(nonsense_order_is_refused),
	KUNIT_CASE(last_block_can_be_had_however_small_ones_are_cached),
	KUNIT_CASE(every_granule_can_be_had),
	KUNIT_CASE(blocks_of_several_groups_all_go_back),
	KUNIT_CASE(busy_line_is_left_alone),
	KUNIT_CASE(hardirq_may_allocate_and_free),
	KUNIT_CASE(alloc_and_free_never_take_memory),
	KUNIT_CASE(cached_granule_that_fails_counts_as_free),
	KUNIT_CASE(granule_that_fails_in_use_is_not_cached),
	KUNIT_CASE(caution_ends_when_nothing_is_pending),
	KUNIT_CASE(each_kind_has_lines_of_its_own),
	KUNIT_CASE(every_kind_can_have_the_last_block),
	KUNIT_CASE(strict_cache_checks_each_free),
	KUNIT_CASE(becoming_strict_gives_all_back),
	KUNIT_CASE(lines_of_another_cpu_are_drained),
	KUNIT_CASE(cpu_that_goes_leaves_nothing_cached),
	KUNIT_CASE(numbers_that_no_slot_can_say_go_around_it),
	{ }
};

static struct kunit_suite cache_suite = {
	.name = "potad_cache",
	.test_cases = cache_cases,
};

kunit_test_suite(cache_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Memory failure: the right owner is told, once, and what failed stays out.
 *
 * The pools lie over addresses at which there is nothing, the owners write down
 * what they are told (common.h).
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "common.h"

struct failing {
	struct potad_type	*type, *raw;
	struct potad_pool	*pool;
	struct potad_test_owner	owner;
	u64			events;		/* that were reported */
	struct potad_event	event;		/* the last */
};

static void setup(struct kunit *test, struct failing *f)
{
	f->type = potad_test_type(test, &potad_test_kinds[2]);
	f->raw = potad_test_type(test, &potad_test_kinds[0]);
	f->pool = potad_test_pool(test, SZ_1M, SZ_512);
	f->owner.answer = POTAD_RECOVERED;
}

static void note(const struct potad_event *event, void *arg)
{
	struct failing *f = arg;

	f->events++;
	f->event = *event;
}

static int fail(struct failing *f, phys_addr_t phys, u64 length)
{
	return potad_pool_fail(f->pool, phys, length, POTAD_FAIL_INJECTED, note, f);
}

static void get_block(struct kunit *test, struct failing *f,
		      struct potad_type *type, unsigned int order,
		      struct potad_block *block)
{
	KUNIT_ASSERT_EQ(test, potad_alloc(f->pool, type, order, GFP_KERNEL,
					  &f->owner, block), 0);
}

static enum potad_what what_is(struct failing *f, phys_addr_t phys)
{
	struct potad_info info;

	potad_lookup(f->pool, phys, &info);
	return info.what;
}

static void nobody_is_told_of_free_memory(struct kunit *test)
{
	struct failing f = { };
	phys_addr_t phys = POTAD_TEST_START + 5 * SZ_512;

	setup(test, &f);
	KUNIT_EXPECT_EQ(test, fail(&f, phys + 7, 1), 0);
	KUNIT_EXPECT_EQ(test, f.events, 1);
	KUNIT_EXPECT_EQ(test, f.event.what, POTAD_IS_FREE);
	KUNIT_EXPECT_EQ(test, f.event.phys, phys);
	KUNIT_EXPECT_EQ(test, f.event.length, SZ_512);
	KUNIT_EXPECT_EQ(test, f.event.answer, POTAD_UNTOLD);
	KUNIT_EXPECT_EQ(test, what_is(&f, phys), POTAD_IS_QUARANTINED);
	KUNIT_EXPECT_EQ(test, what_is(&f, phys - 1), POTAD_IS_FREE);
	KUNIT_EXPECT_EQ(test, what_is(&f, phys + SZ_512), POTAD_IS_FREE);
	potad_test_all_free(test, f.pool, 1);
}

static void the_owner_is_told_where(struct kunit *test)
{
	struct failing f = { };
	struct potad_block block;
	struct potad_info info;

	setup(test, &f);
	get_block(test, &f, f.type, 4, &block);
	KUNIT_EXPECT_EQ(test, fail(&f, block.phys + 3 * SZ_512 + 100, 1000), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f.owner.tells), 1);
	KUNIT_EXPECT_EQ(test, f.owner.failure.offset, 3 * SZ_512);
	KUNIT_EXPECT_EQ(test, f.owner.failure.length, 3 * SZ_512);
	KUNIT_EXPECT_EQ(test, f.owner.failure.flags, POTAD_FAIL_INJECTED);
	KUNIT_EXPECT_EQ(test, f.owner.block.phys, block.phys);
	KUNIT_EXPECT_EQ(test, f.owner.block.order, 4);
	KUNIT_EXPECT_PTR_EQ(test, f.owner.block.type, f.type);
	KUNIT_EXPECT_EQ(test, f.event.answer, POTAD_RECOVERED);

	/* It stays in the block, and goes when that comes back. */
	KUNIT_EXPECT_EQ(test, potad_lookup(f.pool, block.phys + 3 * SZ_512, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_BLOCK);
	KUNIT_EXPECT_TRUE(test, info.failed);
	KUNIT_EXPECT_EQ(test, potad_lookup(f.pool, block.phys, &info), 0);
	KUNIT_EXPECT_FALSE(test, info.failed);
	KUNIT_EXPECT_EQ(test, potad_free(f.pool, &block), 0);
	KUNIT_EXPECT_EQ(test, what_is(&f, block.phys + 3 * SZ_512), POTAD_IS_QUARANTINED);
	KUNIT_EXPECT_EQ(test, what_is(&f, block.phys), POTAD_IS_FREE);
	potad_test_all_free(test, f.pool, 3);
}

static void the_same_granule_fails_once(struct kunit *test)
{
	struct failing f = { };
	struct potad_block block;

	setup(test, &f);
	get_block(test, &f, f.type, 1, &block);
	KUNIT_EXPECT_EQ(test, fail(&f, block.phys, 1), 0);
	KUNIT_EXPECT_EQ(test, fail(&f, block.phys, 1), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, atomic_read(&f.owner.tells), 1);
	KUNIT_EXPECT_EQ(test, fail(&f, block.phys, SZ_1K), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f.owner.tells), 2);
	KUNIT_EXPECT_EQ(test, f.owner.failure.offset, SZ_512);
	KUNIT_EXPECT_EQ(test, potad_free(f.pool, &block), 0);
	KUNIT_EXPECT_EQ(test, fail(&f, block.phys, SZ_1K), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, f.events, 2);
	potad_test_all_free(test, f.pool, 2);
}

/* Blocks of two owners and of none, and gaps, in one failure. */
static void each_owner_in_a_range_is_told_once(struct kunit *test)
{
	struct failing f = { }, other = { };
	struct potad_block a[8], raw;
	phys_addr_t bare;
	unsigned int i;

	setup(test, &f);
	other.owner.answer = POTAD_LOST;
	for (i = 0; i < ARRAY_SIZE(a); i++)
		KUNIT_ASSERT_EQ(test, potad_alloc(f.pool, f.type, 3, GFP_KERNEL,
						  i % 2 ? &f.owner : &other.owner, &a[i]), 0);
	get_block(test, &f, f.raw, 0, &raw);
	KUNIT_ASSERT_EQ(test, potad_bare_alloc(f.pool, 0, &bare), 0);
	KUNIT_EXPECT_EQ(test, potad_free(f.pool, &a[2]), 0);
	KUNIT_EXPECT_EQ(test, potad_free(f.pool, &a[3]), 0);

	KUNIT_EXPECT_EQ(test, fail(&f, POTAD_TEST_START, SZ_1M), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f.owner.tells), 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&other.owner.tells), 3);

	for (i = 0; i < ARRAY_SIZE(a); i++)
		if (i / 2 != 1)
			KUNIT_EXPECT_EQ(test, potad_free(f.pool, &a[i]), 0);
	KUNIT_EXPECT_EQ(test, potad_free(f.pool, &raw), 0);
	potad_bare_free(f.pool, bare, 0);
	potad_test_all_free(test, f.pool, SZ_1M / SZ_512);
	KUNIT_EXPECT_EQ(test, potad_alloc(f.pool, f.type, 0, GFP_KERNEL,
					  &f.owner, &raw), -ENOSPC);
}

static void nonsense_changes_nothing(struct kunit *test)
{
	struct failing f = { };
	u64 end = POTAD_TEST_START + SZ_1M;

	setup(test, &f);
	KUNIT_EXPECT_EQ(test, fail(&f, POTAD_TEST_START, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fail(&f, POTAD_TEST_START - 1, 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, fail(&f, end, 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, fail(&f, end - 1, 2), -ENXIO);
	KUNIT_EXPECT_EQ(test, fail(&f, 0, 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, fail(&f, U64_MAX, 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, fail(&f, U64_MAX, SZ_1M), -ENXIO);
	KUNIT_EXPECT_EQ(test, fail(&f, POTAD_TEST_START, POTAD_FAIL_MAX + 1), -E2BIG);
	KUNIT_EXPECT_EQ(test, fail(&f, POTAD_TEST_START, U64_MAX), -E2BIG);
	KUNIT_EXPECT_EQ(test, f.events, 0);
	potad_test_all_free(test, f.pool, 0);
}

/* An owner that does all it may while it is told. */
static void frees_and_goes_on(struct potad_test_owner *owner)
{
	struct failing *f = owner->arg;
	struct potad_block mine = owner->block, another;
	struct potad_info info;

	owner->hook = NULL;
	WARN_ON(potad_free(f->pool, &mine));
	WARN_ON(potad_lookup(f->pool, mine.phys, &info));
	WARN_ON(potad_alloc(f->pool, f->type, mine.order, GFP_KERNEL, NULL, &another));
	WARN_ON(another.phys == mine.phys);
	WARN_ON(potad_free(f->pool, &another));
}

static void an_owner_may_free_while_told(struct kunit *test)
{
	struct failing f = { };
	struct potad_block block;

	setup(test, &f);
	f.owner.hook = frees_and_goes_on;
	f.owner.arg = &f;
	get_block(test, &f, f.type, 2, &block);
	KUNIT_EXPECT_EQ(test, fail(&f, block.phys + SZ_512, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f.owner.releases), 1);
	KUNIT_EXPECT_EQ(test, what_is(&f, block.phys + SZ_512), POTAD_IS_QUARANTINED);
	potad_test_all_free(test, f.pool, 1);
}

static void the_ring_keeps_the_last(struct kunit *test)
{
	struct failing f = { };
	struct potad_event event;
	u64 i, nr = POTAD_EVENTS + 10, events, told;

	setup(test, &f);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, fail(&f, POTAD_TEST_START + i * SZ_1K, 1), 0);
	potad_pool_event_counts(f.pool, &events, &told);
	KUNIT_EXPECT_EQ(test, events, nr);
	KUNIT_EXPECT_EQ(test, told, 0);
	KUNIT_EXPECT_FALSE(test, potad_pool_event(f.pool, 0, &event));
	KUNIT_EXPECT_FALSE(test, potad_pool_event(f.pool, 10, &event));
	KUNIT_EXPECT_FALSE(test, potad_pool_event(f.pool, nr + 1, &event));
	for (i = 11; i <= nr; i++) {
		KUNIT_ASSERT_TRUE(test, potad_pool_event(f.pool, i, &event));
		KUNIT_EXPECT_EQ(test, event.seq, i);
		KUNIT_EXPECT_EQ(test, event.phys, POTAD_TEST_START + (i - 1) * SZ_1K);
	}
}

/*
 * The race: one CPU allocates and frees, the other fails one granule after the
 * other. Whoever has a block knows what it was told of; a block that is handed
 * out must have no failed granule, unless its owner was told after that.
 */
#define RACE_GRANULES	2048
#define RACE_ORDER	2

struct race {
	struct failing		f;
	u8			failed[RACE_GRANULES];
	atomic_t		told;
	u64			told_by_event;
	bool			done;
	unsigned int		wrong;
	struct potad_test_owner	owner;
};

static void race_event(const struct potad_event *event, void *arg)
{
	struct race *race = arg;

	if (event->answer != POTAD_UNTOLD)
		race->told_by_event++;
}

static void race_fn(void *arg, unsigned int me)
{
	struct race *race = arg;
	struct potad_pool *pool = race->f.pool;
	struct potad_block block;
	u64 g, i;

	if (me) {
		for (g = 1; g < RACE_GRANULES; g += 5) {
			/* The mark comes before the failure returns. */
			potad_pool_fail(pool, potad_pool_phys(pool, g), 1, 0,
					race_event, race);
			WRITE_ONCE(race->failed[g], 1);
			cond_resched();
		}
		WRITE_ONCE(race->done, true);
		return;
	}
	while (!READ_ONCE(race->done)) {
		int tells = atomic_read(&race->owner.tells);
		u8 before[1 << RACE_ORDER] = { };
		unsigned int bad = 0;

		/* What had failed before the block was asked for is not in it. */
		if (potad_alloc(pool, race->f.type, RACE_ORDER, GFP_KERNEL,
				&race->owner, &block)) {
			cond_resched();
			continue;
		}
		g = potad_pool_granule(pool, block.phys);
		for (i = 0; i < 1 << RACE_ORDER; i++) {
			before[i] = READ_ONCE(race->failed[g + i]);
			bad += before[i];
		}
		if (bad && atomic_read(&race->owner.tells) == tells)
			race->wrong++;
		if (potad_free(pool, &block))
			race->wrong++;
		cond_resched();
	}
}

static void failing_while_allocating(struct kunit *test)
{
	struct race *race = potad_test_memory(test, sizeof(*race));
	u64 failed = DIV_ROUND_UP(RACE_GRANULES - 1, 5);

	setup(test, &race->f);
	race->owner.answer = POTAD_RECOVERED;
	potad_test_parallel(test, 2, race_fn, race);
	KUNIT_EXPECT_EQ(test, race->wrong, 0);
	KUNIT_EXPECT_EQ(test, race->told_by_event, atomic_read(&race->owner.tells));
	KUNIT_EXPECT_EQ(test, atomic_read(&race->owner.inits),
			atomic_read(&race->owner.releases));
	potad_test_all_free(test, race->f.pool, failed);
}

static struct kunit_case failure_cases[] = {
	KUNIT_CASE(nobody_is_told_of_free_memory),
	KUNIT_CASE(the_owner_is_told_where),
	KUNIT_CASE(the_same_granule_fails_once),
	KUNIT_CASE(each_owner_in_a_range_is_told_once),
	KUNIT_CASE(nonsense_changes_nothing),
	KUNIT_CASE(an_owner_may_free_while_told),
	KUNIT_CASE(the_ring_keeps_the_last),
	KUNIT_CASE(failing_while_allocating),
	{ }
};

static struct kunit_suite failure_suite = {
	.name = "potad_failure",
	.test_cases = failure_cases,
};

kunit_test_suite(failure_suite);

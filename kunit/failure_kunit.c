// SPDX-License-Identifier: GPL-2.0
/*
 * Memory failure: whoever has the memory is told, once, and it never comes back.
 *
 * A failure finds memory that is free, that is a block with an owner, or that is
 * a block without one; a range of it can find several of each.  What is reported
 * for a range must cover it exactly.  An owner may do in its callback what it
 * likes with the pool.  And on two CPUs a failure may come at any moment in the
 * life of a block: then the owner is told, or the block was nobody's, and either
 * way the next owner does not get the granule.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_1M
#define GRANULE		512ULL
#define GRANULES	(BYTES / GRANULE)
#define MAX_ORDER	11		/* all of it */
#define EVENTS		32

/* What potad_pool_fail() has reported. */
struct report {
	unsigned int		nr;
	struct potad_event	event[EVENTS];
};

static void take_down(const struct potad_event *event, void *arg)
{
	struct report *r = arg;

	if (r->nr < EVENTS)
		r->event[r->nr] = *event;
	r->nr++;
}

static struct report *new_report(struct kunit *test)
{
	return potad_test_memory(test, sizeof(struct report));
}

static void expect_event(struct kunit *test, const struct report *r, unsigned int i,
			 phys_addr_t phys, u64 length, enum potad_what what,
			 enum potad_answer answer)
{
	const struct potad_event *e = &r->event[i];

	KUNIT_ASSERT_GT_MSG(test, r->nr, i, "only %u events", r->nr);
	KUNIT_EXPECT_EQ_MSG(test, e->phys, phys, "event %u", i);
	KUNIT_EXPECT_EQ_MSG(test, e->length, length, "event %u", i);
	KUNIT_EXPECT_EQ_MSG(test, e->what, what, "event %u", i);
	KUNIT_EXPECT_EQ_MSG(test, e->answer, answer, "event %u", i);
}

static void expect_what(struct kunit *test, struct potad_pool *pool,
			phys_addr_t phys, enum potad_what what, bool failed)
{
	struct potad_info info;

	KUNIT_ASSERT_EQ(test, potad_lookup(pool, phys, &info), 0);
	/* Whether it is at hand somewhere does not matter here. */
	if (info.what == POTAD_IS_CACHED)
		info.what = POTAD_IS_FREE;
	KUNIT_EXPECT_EQ_MSG(test, info.what, what, "0x%llx", (u64)phys);
	KUNIT_EXPECT_EQ_MSG(test, info.failed, failed, "0x%llx", (u64)phys);
}

/* What is free, and what nobody describes */

static void free_granule_is_quarantined_and_nobody_told(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	phys_addr_t at = START + 100 * GRANULE;
	struct potad_event_count count;

	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, at + 77, 1, 0, take_down, r), 0);
	KUNIT_EXPECT_EQ(test, r->nr, 1);
	expect_event(test, r, 0, at, GRANULE, POTAD_IS_FREE, POTAD_UNTOLD);
	KUNIT_EXPECT_STREQ(test, r->event[0].type, "");
	expect_what(test, pool, at, POTAD_IS_QUARANTINED, false);
	expect_what(test, pool, at + GRANULE - 1, POTAD_IS_QUARANTINED, false);
	expect_what(test, pool, at - 1, POTAD_IS_FREE, false);
	expect_what(test, pool, at + GRANULE, POTAD_IS_FREE, false);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, 1);
	KUNIT_EXPECT_EQ(test, count.told, 0);
	potad_test_all_free(test, pool, 1);
}

static void free_range_is_one_event(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);

	/* From inside one granule to inside another. */
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, START + 3 * GRANULE + 511, 2 * GRANULE, 0,
					      take_down, r), 0);
	KUNIT_EXPECT_EQ(test, r->nr, 1);
	expect_event(test, r, 0, START + 3 * GRANULE, 3 * GRANULE, POTAD_IS_FREE, POTAD_UNTOLD);
	potad_test_all_free(test, pool, 3);
}

static void cached_memory_counts_as_free(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[0], 3, GFP_KERNEL, NULL, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys, 1, 0, take_down, r), 0);
	expect_event(test, r, 0, b.phys, GRANULE, POTAD_IS_FREE, POTAD_UNTOLD);
	potad_test_all_free(test, pool, 1);
}

static void bare_block_has_nobody_to_be_told(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 4, &phys), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, phys + GRANULE, 2 * GRANULE, 0,
					      take_down, r), 0);
	KUNIT_EXPECT_EQ(test, r->nr, 2);
	expect_event(test, r, 0, phys + GRANULE, GRANULE, POTAD_IS_BARE, POTAD_UNTOLD);
	expect_event(test, r, 1, phys + 2 * GRANULE, GRANULE, POTAD_IS_BARE, POTAD_UNTOLD);
	expect_what(test, pool, phys + GRANULE, POTAD_IS_BARE, true);
	expect_what(test, pool, phys, POTAD_IS_BARE, false);
	potad_bare_free(pool, phys, 4);
	expect_what(test, pool, phys + GRANULE, POTAD_IS_QUARANTINED, false);
	potad_test_all_free(test, pool, 2);
}

static void block_without_descriptor_is_named_all_the_same(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[0], 4, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys + 15 * GRANULE, 1, 0, take_down, r), 0);
	expect_event(test, r, 0, b.phys + 15 * GRANULE, GRANULE, POTAD_IS_BLOCK, POTAD_UNTOLD);
	KUNIT_EXPECT_EQ(test, r->event[0].block, b.phys);
	KUNIT_EXPECT_STREQ(test, r->event[0].type, potad_test_kinds[0].name);
	expect_what(test, pool, b.phys + 15 * GRANULE, POTAD_IS_BLOCK, true);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	expect_what(test, pool, b.phys + 15 * GRANULE, POTAD_IS_QUARANTINED, false);
	potad_test_all_free(test, pool, 1);
}

/* What somebody has */

static void answer_name(const enum potad_answer *answer, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "answer %u", *answer);
}

static const enum potad_answer answers[] = {
	POTAD_RECOVERED, POTAD_MOVED, POTAD_LOST, POTAD_REFUSED,
};

KUNIT_ARRAY_PARAM(answer, answers, answer_name);

static void owner_is_told_where_and_is_believed(struct kunit *test)
{
	struct potad_test_owner owner = {
		.answer = *(const enum potad_answer *)test->param_value,
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	struct potad_event event;
	struct potad_block b;
	struct potad_event_count count;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 4, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys + 5 * GRANULE + 9, 1,
					      POTAD_FAIL_INJECTED, take_down, r), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, owner.failure.offset, 5 * GRANULE);
	KUNIT_EXPECT_EQ(test, owner.failure.length, GRANULE);
	KUNIT_EXPECT_EQ(test, owner.failure.flags, POTAD_FAIL_INJECTED);
	KUNIT_EXPECT_EQ(test, owner.block.phys, b.phys);
	KUNIT_EXPECT_EQ(test, owner.block.bytes, b.bytes);
	KUNIT_EXPECT_EQ(test, owner.block.order, b.order);
	KUNIT_EXPECT_PTR_EQ(test, owner.block.type, b.type);
	KUNIT_EXPECT_PTR_EQ(test, owner.block.data, b.data);

	KUNIT_EXPECT_EQ(test, r->nr, 1);
	expect_event(test, r, 0, b.phys + 5 * GRANULE, GRANULE, POTAD_IS_BLOCK, owner.answer);
	KUNIT_EXPECT_EQ(test, r->event[0].block, b.phys);
	KUNIT_EXPECT_STREQ(test, r->event[0].type, b.type->name);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, 1);
	KUNIT_EXPECT_EQ(test, count.told, 1);
	KUNIT_EXPECT_TRUE(test, potad_pool_event(pool, 1, &event));
	KUNIT_EXPECT_EQ(test, memcmp(&event, &r->event[0], sizeof(event)), 0);

	expect_what(test, pool, b.phys + 5 * GRANULE, POTAD_IS_BLOCK, true);
	expect_what(test, pool, b.phys + 4 * GRANULE, POTAD_IS_BLOCK, false);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	expect_what(test, pool, b.phys + 5 * GRANULE, POTAD_IS_QUARANTINED, false);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys + 5 * GRANULE, 0, b.type),
			-EHWPOISON);
	potad_test_all_free(test, pool, 1);
}

static void order_name(const unsigned int *order, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "order %u", *order);
}

static const unsigned int orders[] = { 0, 1, 2, 3, 4, 7, 8, 11 };

KUNIT_ARRAY_PARAM(order, orders, order_name);

static void each_granule_of_a_block_tells_its_owner(struct kunit *test)
{
	unsigned int order = *(const unsigned int *)test->param_value, i, nr = 0;
	struct potad_test_owner owner = { .answer = POTAD_LOST };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], order,
					  GFP_KERNEL, &owner, &b), 0);
	phys = b.phys;
	for (i = 0; i < 1U << order; i += 1 + i / 8) {
		KUNIT_ASSERT_EQ(test, potad_memory_failure(pool, b.phys + i * GRANULE, 1, 0), 0);
		KUNIT_ASSERT_EQ(test, owner.failure.offset, i * GRANULE);
		KUNIT_ASSERT_EQ(test, atomic_read(&owner.tells), ++nr);
	}
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, nr);
	/* None of them is ever in a block again. */
	for (i = 0; i < GRANULES; i++)
		if (potad_alloc(potad_test_types[0], 3, GFP_KERNEL, NULL, &b))
			break;
	for (i = 0; i < 1U << order; i += 1 + i / 8)
		expect_what(test, pool, phys + i * GRANULE, POTAD_IS_QUARANTINED, false);
	for (i = 0; i < GRANULES; i += 8) {
		struct potad_info info;

		if (!potad_lookup(pool, START + i * GRANULE, &info) &&
		    info.what == POTAD_IS_BLOCK)
			KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, info.phys, 3,
								 potad_test_types[0]), 0);
	}
	potad_test_all_free(test, pool, nr);
}

static void second_failure_tells_nobody(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_RECOVERED };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	struct potad_event_count count;
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 3, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys, 1, 0, take_down, r), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys, 1, 0, take_down, r), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys + 511, 1, 0, take_down, r), -EHWPOISON);
	/* A range with something new in it: only that is told. */
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys, 3 * GRANULE, 0, take_down, r), 0);
	KUNIT_EXPECT_EQ(test, r->nr, 2);
	expect_event(test, r, 1, b.phys + GRANULE, 2 * GRANULE, POTAD_IS_BLOCK, POTAD_RECOVERED);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 2);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys, 3 * GRANULE, 0, take_down, r),
			-EHWPOISON);
	KUNIT_EXPECT_EQ(test, r->nr, 2);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, 2);
	KUNIT_EXPECT_EQ(test, count.told, 2);
	potad_test_all_free(test, pool, 3);
}

static void type_without_callback_is_not_called(struct kunit *test)
{
	struct potad_type_info info = {
		.name = "mute", .desc_size = 16,
		.mobility = POTAD_PINNED, .module = THIS_MODULE,
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_type *type = potad_type_register(pool, &info);
	struct report *r = new_report(test);
	struct potad_block b;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_EXPECT_EQ(test, potad_alloc(type, 3, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, b.phys, 1, 0, take_down, r), 0);
	expect_event(test, r, 0, b.phys, GRANULE, POTAD_IS_BLOCK, POTAD_UNTOLD);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	potad_test_all_free(test, pool, 1);
}

/* Ranges */

static void range_over_blocks_and_gaps_is_covered_exactly(struct kunit *test)
{
	/* In this order they lie side by side, from the start. */
	static const unsigned int order[] = { 3, 3, 2, 2, 1, 0, 0, 3, 4 };
	static const unsigned int kind[] = { 1, 2, 3, 0, 4, 1, 5, 0, 1 };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b[ARRAY_SIZE(order)];
	struct report *r = new_report(test);
	struct potad_test_owner *owner;
	unsigned int i, g, nr_told = 0;
	u64 covered = 0, first, length;

	owner = potad_test_memory(test, ARRAY_SIZE(order) * sizeof(*owner));
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		owner[i].answer = POTAD_MOVED;
		KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[kind[i]], order[i],
						  GFP_KERNEL, &owner[i], &b[i]), 0);
	}
	/* One of them goes again, and is a gap. */
	KUNIT_ASSERT_EQ(test, potad_free(&b[1]), 0);
	potad_pool_drain(pool);

	first = START + GRANULE;
	length = 60 * GRANULE;
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, first + 1, length - 2, 0, take_down, r), 0);
	KUNIT_ASSERT_LE(test, r->nr, EVENTS);
	/* Without holes and overlaps. */
	for (i = 0; i < r->nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, r->event[i].phys, first + covered, "event %u", i);
		KUNIT_EXPECT_EQ(test, r->event[i].seq, i + 1);
		covered += r->event[i].length;
		nr_told += r->event[i].answer != POTAD_UNTOLD;
	}
	KUNIT_EXPECT_EQ(test, covered, length);
	for (g = 1; g <= 60; g++) {
		struct potad_extent e;

		KUNIT_ASSERT_EQ(test, potad_space_query(pool->space, g, &e), 0);
		KUNIT_EXPECT_TRUE_MSG(test, e.state == POTAD_RETIRED || e.failed, "granule %u", g);
	}
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		u64 from = max_t(u64, b[i].phys, first);
		u64 to = min_t(u64, b[i].phys + b[i].bytes, first + length);

		if (i == 1)
			continue;
		/* Once, with all of it that failed. */
		if (b[i].data && to > from) {
			KUNIT_EXPECT_EQ_MSG(test, atomic_read(&owner[i].tells), 1, "block %u", i);
			KUNIT_EXPECT_EQ(test, owner[i].failure.offset, from - b[i].phys);
			KUNIT_EXPECT_EQ(test, owner[i].failure.length, to - from);
			nr_told--;
		} else {
			KUNIT_EXPECT_EQ(test, atomic_read(&owner[i].tells), 0);
		}
	}
	KUNIT_EXPECT_EQ(test, nr_told, 0);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (i != 1)
			KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
	potad_test_all_free(test, pool, 60);
}

static void nonsense_ranges_are_refused(struct kunit *test)
{
	static const struct { u64 phys, length; int err; } bad[] = {
		{ START, 0, -EINVAL },
		{ 0, 0, -EINVAL },
		{ START - 1, 1, -ENXIO },
		{ START - 1, 2, -ENXIO },
		{ START - GRANULE, BYTES, -ENXIO },
		{ START + BYTES, 1, -ENXIO },
		{ START + BYTES - 1, 2, -ENXIO },
		{ START, BYTES + 1, -ENXIO },
		{ START + BYTES / 2, BYTES, -ENXIO },
		{ 0, 1, -ENXIO },
		{ U64_MAX, 1, -ENXIO },
		{ U64_MAX, 2, -ENXIO },
		{ U64_MAX - 511, 512, -ENXIO },
		{ START, POTAD_FAIL_MAX + 1, -E2BIG },
		{ START, 1ULL << 63, -E2BIG },
		{ START, U64_MAX, -E2BIG },
		{ START, -START, -E2BIG },
		{ START + 1, U64_MAX - START, -E2BIG },
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct report *r = new_report(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, potad_pool_fail(pool, bad[i].phys, bad[i].length, 0,
							  take_down, r),
				    bad[i].err, "case %u", i);
	KUNIT_EXPECT_EQ(test, r->nr, 0);
	potad_test_all_free(test, pool, 0);
}

static void all_of_a_pool_can_fail(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_LOST };
	struct potad_pool *pool = potad_test_pool(test, SZ_128K, GRANULE);
	struct potad_block b, more;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 6, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START, SZ_128K, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, owner.failure.length, b.bytes);
	KUNIT_EXPECT_EQ(test, potad_alloc(potad_test_types[1], 0,
					  GFP_KERNEL, &owner, &more), -ENOSPC);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_alloc(potad_test_types[1], 0,
					  GFP_KERNEL, &owner, &more), -ENOSPC);
	potad_test_all_free(test, pool, 256);
}

static void old_events_make_room_for_new_ones(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event event;
	struct potad_event_count count;
	u64 seq;

	for (seq = 1; seq <= POTAD_EVENTS + 10; seq++)
		KUNIT_ASSERT_EQ(test, potad_memory_failure(pool, START + seq * GRANULE, 1, 0), 0);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, POTAD_EVENTS + 10);
	KUNIT_EXPECT_FALSE(test, potad_pool_event(pool, 0, &event));
	KUNIT_EXPECT_FALSE(test, potad_pool_event(pool, 10, &event));
	KUNIT_EXPECT_FALSE(test, potad_pool_event(pool, count.events + 1, &event));
	KUNIT_EXPECT_FALSE(test, potad_pool_event(pool, U64_MAX, &event));
	for (seq = 11; seq <= count.events; seq++) {
		KUNIT_ASSERT_TRUE(test, potad_pool_event(pool, seq, &event));
		KUNIT_ASSERT_EQ(test, event.seq, seq);
		KUNIT_ASSERT_EQ(test, event.phys, START + seq * GRANULE);
	}
	potad_test_all_free(test, pool, POTAD_EVENTS + 10);
}

/* From within the callback */

struct reentry {
	struct potad_pool	*pool;
	struct potad_block	block, other;
	int			err;
	struct potad_info	info;
};

static void free_the_block(struct potad_test_owner *owner)
{
	struct reentry *re = owner->arg;

	re->err = potad_free(&re->block);
	/* It stays until the callback returns. */
	re->err = re->err ?: potad_lookup(re->pool, re->block.phys, &re->info);
}

static void callback_may_free_the_block(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct reentry re = { .pool = pool, .err = -EIO };
	struct potad_test_owner owner = {
		.answer = POTAD_MOVED, .hook = free_the_block, .arg = &re,
	};

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 4,
					  GFP_KERNEL, &owner, &re.block), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, re.block.phys + GRANULE,
						   3 * GRANULE, 0), 0);
	KUNIT_EXPECT_EQ(test, re.err, 0);
	KUNIT_EXPECT_EQ(test, re.info.what, POTAD_IS_BLOCK);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	potad_test_all_free(test, pool, 3);
}

static void move_to_another_block(struct potad_test_owner *owner)
{
	struct reentry *re = owner->arg;

	owner->hook = NULL;
	re->err = potad_alloc(re->block.type, re->block.order,
			      GFP_KERNEL, owner, &re->other);
	if (!re->err)
		re->err = potad_lookup(re->pool, re->block.phys, &re->info);
	/* A failure in a failure. */
	if (!re->err)
		re->err = potad_memory_failure(re->pool, re->other.phys, 1, 0);
	if (!re->err)
		re->err = potad_free(&re->block);
}

static void callback_may_allocate_look_and_fail(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct reentry re = { .pool = pool, .err = -EIO };
	struct potad_test_owner owner = {
		.answer = POTAD_MOVED, .hook = move_to_another_block, .arg = &re,
	};

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 2,
					  GFP_KERNEL, &owner, &re.block), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, re.block.phys, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, re.err, 0);
	KUNIT_EXPECT_EQ(test, re.info.what, POTAD_IS_BLOCK);
	KUNIT_EXPECT_TRUE(test, re.info.failed);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	KUNIT_EXPECT_EQ(test, potad_free(&re.other), 0);
	potad_test_all_free(test, pool, 2);
}

/*
 * Two CPUs: one allocates and frees, the other lets memory fail.
 *
 * A clock counts what matters.  Of each granule is known when its failure began
 * and when it was over, and which block's owner was told; of each block, when
 * it was allocated.  Then
 *
 * - a granule whose failure was over before an allocation began is in no block
 *   that it returns;
 * - if a failure began after a block was allocated and is over before its free
 *   begins, that block's owner has been told, and the report says so;
 * - nobody is told of what is released, or of what is not in its block, and
 *   of no granule twice;
 * - each granule is reported once.
 */
struct granule_log {
	atomic_t		began, over;	/* 0: not yet */
	atomic_t		told;		/* cookie of the block */
	atomic_t		tells;
	atomic_t		reports;
	atomic_t		answered;	/* reports with an answer */
};

struct race_owner {
	struct potad_test_owner	owner;		/* first: see owner_of() */
	struct race		*race;
	struct potad_block	block;
	unsigned int		cookie;
	unsigned int		born;
	bool			released;
};

#define RACE_HELD	24
#define RACE_GRANULES	4096

struct race {
	struct potad_pool	*pool;
	struct granule_log	*log;
	struct race_owner	*owner;		/* one for each block that is held */
	struct rnd_state	rnd[2];
	u64			deadline;
	atomic_t		clock;
	unsigned int		blocks, failures;
	unsigned int		last;		/* granule of a new block */
	atomic_t		step_us;	/* how long an operation takes */
	atomic_t		failed_used, not_told, told_wrongly, told_twice;
	atomic_t		reported_twice, errors, done;
};

/* The owner of @block is told: from the hook of potad_test_owner. */
static void race_told(struct potad_test_owner *owner)
{
	struct race_owner *o = container_of(owner, struct race_owner, owner);
	struct race *r = o->race;
	u64 g, first, end;

	if (atomic_read(&owner->inits) != atomic_read(&owner->releases) + 1 ||
	    owner->failure.offset + owner->failure.length > owner->block.bytes ||
	    !owner->failure.length)
		atomic_inc(&r->told_wrongly);
	first = potad_pool_granule(r->pool, owner->block.phys + owner->failure.offset);
	end = first + owner->failure.length / GRANULE;
	for (g = first; g < min_t(u64, end, RACE_GRANULES); g++) {
		atomic_set(&r->log[g].told, o->cookie);
		if (atomic_inc_return(&r->log[g].tells) != 1)
			atomic_inc(&r->told_twice);
	}
}

static void race_report(const struct potad_event *event, void *arg)
{
	struct race *r = arg;
	u64 g, first = potad_pool_granule(r->pool, event->phys);

	for (g = first; g < first + event->length / GRANULE; g++) {
		if (atomic_inc_return(&r->log[g].reports) != 1)
			atomic_inc(&r->reported_twice);
		if (event->answer != POTAD_UNTOLD)
			atomic_inc(&r->log[g].answered);
	}
}

static void race_alloc(struct race *r, struct race_owner *o)
{
	struct potad_type *type = potad_test_types[potad_test_below(&r->rnd[0], 3)];
	unsigned int order = potad_test_below(&r->rnd[0], 5);
	int before;
	u64 g, first;

	o->owner.hook = race_told;
	o->owner.answer = POTAD_LOST;
	atomic_set(&o->owner.inits, 0);
	atomic_set(&o->owner.releases, 0);
	o->race = r;
	o->cookie = ++r->blocks;
	before = atomic_inc_return(&r->clock);
	if (potad_alloc(type, order, GFP_KERNEL, &o->owner, &o->block)) {
		o->cookie = 0;
		return;
	}
	o->born = atomic_inc_return(&r->clock);
	first = potad_pool_granule(r->pool, o->block.phys);
	WRITE_ONCE(r->last, first);
	for (g = first; g < first + (1 << order); g++) {
		int over = atomic_read(&r->log[g].over);

		if (over && over < before)
			atomic_inc(&r->failed_used);
	}
}

static void race_free(struct race *r, struct race_owner *o)
{
	u64 g, first = potad_pool_granule(r->pool, o->block.phys);
	bool described = o->block.data;

	for (g = first; g < first + (1 << o->block.order); g++) {
		struct granule_log *log = &r->log[g];

		/* Over by now, and begun in our time. */
		if (!atomic_read_acquire(&log->over) ||
		    atomic_read(&log->began) < o->born)
			continue;
		if (described != (atomic_read(&log->told) == o->cookie))
			atomic_inc(&r->not_told);
	}
	if (potad_free(&o->block))
		atomic_inc(&r->errors);
	o->cookie = 0;
}

/* Who is being told of a block has a reference, and may be told after it was given up. */
static bool is_released(const struct potad_test_owner *owner)
{
	return atomic_read(&owner->inits) == atomic_read(&owner->releases);
}

static void race_blocks(struct race *r)
{
	unsigned int i;
	u64 began;

	while (!atomic_read(&r->done)) {
		began = ktime_get_ns();
		i = potad_test_below(&r->rnd[0], RACE_HELD);
		if (r->owner[i].cookie)
			race_free(r, &r->owner[i]);
		else if (is_released(&r->owner[i].owner))
			race_alloc(r, &r->owner[i]);
		atomic_set(&r->step_us, min_t(u64, (ktime_get_ns() - began) / 1000, 10000));
		cond_resched();
	}
	for (i = 0; i < RACE_HELD; i++)
		if (r->owner[i].cookie)
			race_free(r, &r->owner[i]);
}

static void pause_below(struct rnd_state *rnd, u32 us)
{
	u64 end = ktime_get_ns() + 1000ULL * potad_test_below(rnd, us + 1);

	while (ktime_get_ns() < end)
		cond_resched();
}

static void race_failures(struct race *r)
{
	while (potad_test_time_left(r->deadline) && r->failures < RACE_GRANULES / 2) {
		unsigned int g, first, nr, now;
		int err;

		/* At any moment of what the other CPU does: it takes this long. */
		pause_below(&r->rnd[1], atomic_read(&r->step_us));
		nr = potad_test_below(&r->rnd[1], 4) ? 1 : 1 + potad_test_below(&r->rnd[1], 12);
		first = potad_test_below(&r->rnd[1], RACE_GRANULES - nr);
		/* Mostly where it is at work. */
		if (potad_test_below(&r->rnd[1], 4))
			first = min(READ_ONCE(r->last) + potad_test_below(&r->rnd[1], 16),
				    RACE_GRANULES - nr);
		now = atomic_inc_return(&r->clock);
		for (g = first; g < first + nr; g++)
			atomic_cmpxchg(&r->log[g].began, 0, now);
		err = potad_pool_fail(r->pool, START + first * GRANULE, nr * GRANULE, 0,
				      race_report, r);
		if (err && err != -EHWPOISON)
			atomic_inc(&r->errors);
		now = atomic_inc_return(&r->clock);
		for (g = first; g < first + nr; g++)
			if (!atomic_cmpxchg(&r->log[g].over, 0, now))
				r->failures++;
	}
	atomic_set(&r->done, 1);
}

static void race_fn(void *arg, unsigned int me)
{
	if (me)
		race_failures(arg);
	else
		race_blocks(arg);
}

static void failure_at_any_moment_finds_the_owner_or_nobody(struct kunit *test)
{
	struct race *r = potad_test_memory(test, sizeof(*r));
	unsigned int g, reported = 0, told = 0;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	prandom_seed_state(&r->rnd[0], prandom_u32_state(&rnd));
	prandom_seed_state(&r->rnd[1], prandom_u32_state(&rnd));
	r->pool = potad_test_pool(test, RACE_GRANULES * GRANULE, GRANULE);
	r->log = potad_test_memory(test, RACE_GRANULES * sizeof(*r->log));
	r->owner = potad_test_memory(test, RACE_HELD * sizeof(*r->owner));
	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, race_fn, r);

	for (g = 0; g < RACE_GRANULES; g++) {
		struct granule_log *log = &r->log[g];

		if (!atomic_read(&log->over))
			continue;
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&log->reports), 1, "granule %u", g);
		/* Whoever answered was told, and the other way round. */
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&log->answered), atomic_read(&log->tells),
				    "granule %u", g);
		reported++;
		told += atomic_read(&log->tells);
	}
	kunit_info(test, "%u blocks, %u granules failed, %u of them in somebody's block\n",
		   r->blocks, r->failures, told);
	KUNIT_EXPECT_EQ(test, reported, r->failures);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->failed_used), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->not_told), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->told_wrongly), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->told_twice), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->reported_twice), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->errors), 0);
	potad_test_all_free(test, r->pool, r->failures);
}

/*
 * The same at full speed: blocks without descriptors, or bare, which take no
 * memory; a granule that has failed must not be handed out, that is all.
 */
struct reuse {
	struct potad_pool	*pool;
	struct rnd_state	rnd[2];
	u64			deadline;
	atomic_t		*over;		/* by granule */
	atomic_t		used, errors, done;
	unsigned int		failures, blocks;
};

static void reuse_fn(void *arg, unsigned int me)
{
	struct reuse *u = arg;
	struct potad_block b;
	unsigned int op, g, k;

	for (op = 0; me && op < GRANULES / 2 && potad_test_time_left(u->deadline); op++) {
		g = potad_test_below(&u->rnd[1], GRANULES);
		if (!potad_memory_failure(u->pool, START + g * GRANULE, 1, 0))
			u->failures++;
		atomic_set(&u->over[g], 1);
	}
	if (me)
		atomic_set(&u->done, 1);
	while (!me && !atomic_read(&u->done)) {
		u8 over[16];

		/* What has failed by now, and must not be in the next block. */
		k = 3 + potad_test_below(&u->rnd[0], 2);
		cond_resched();
		if (potad_test_below(&u->rnd[0], 2)) {
			phys_addr_t phys;

			if (potad_bare_alloc(u->pool, k, &phys))
				continue;
			b.phys = phys;
			b.type = NULL;
		} else if (potad_alloc(potad_test_types[0], k, GFP_KERNEL, NULL, &b)) {
			continue;
		}
		u->blocks++;
		g = potad_pool_granule(u->pool, b.phys);
		for (op = 0; op < 1U << k; op++)
			over[op] = atomic_read(&u->over[g + op]);
		if (!b.type)
			potad_bare_free(u->pool, b.phys, k);
		else if (potad_free(&b))
			atomic_inc(&u->errors);
		/*
		 * It may have failed while we had it; then it has left with the
		 * block, and nobody can be given it any more: us neither.
		 */
		for (op = 0; op < 1U << k; op++)
			if (over[op] && atomic_inc_return(&u->over[g + op]) > 2)
				atomic_inc(&u->used);
	}
}

static void failed_granule_is_in_no_later_block(struct kunit *test)
{
	struct reuse *u = potad_test_memory(test, sizeof(*u));
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	prandom_seed_state(&u->rnd[0], prandom_u32_state(&rnd));
	prandom_seed_state(&u->rnd[1], prandom_u32_state(&rnd));
	u->pool = potad_test_pool(test, BYTES, GRANULE);
	u->over = potad_test_memory(test, GRANULES * sizeof(*u->over));
	u->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, reuse_fn, u);
	kunit_info(test, "%u blocks, %u granules failed\n", u->blocks, u->failures);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->used), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->errors), 0);
	potad_test_all_free(test, u->pool, u->failures);
}

static struct kunit_case failure_cases[] = {
	KUNIT_CASE(free_granule_is_quarantined_and_nobody_told),
	KUNIT_CASE(free_range_is_one_event),
	KUNIT_CASE(cached_memory_counts_as_free),
	KUNIT_CASE(bare_block_has_nobody_to_be_told),
	KUNIT_CASE(block_without_descriptor_is_named_all_the_same),
	KUNIT_CASE_PARAM(owner_is_told_where_and_is_believed, answer_gen_params),
	KUNIT_CASE_PARAM(each_granule_of_a_block_tells_its_owner, order_gen_params),
	KUNIT_CASE(second_failure_tells_nobody),
	KUNIT_CASE(type_without_callback_is_not_called),
	KUNIT_CASE(range_over_blocks_and_gaps_is_covered_exactly),
	KUNIT_CASE(nonsense_ranges_are_refused),
	KUNIT_CASE(all_of_a_pool_can_fail),
	KUNIT_CASE(old_events_make_room_for_new_ones),
	KUNIT_CASE(callback_may_free_the_block),
	KUNIT_CASE(callback_may_allocate_look_and_fail),
	KUNIT_CASE_SLOW(failure_at_any_moment_finds_the_owner_or_nobody),
	KUNIT_CASE_SLOW(failed_granule_is_in_no_later_block),
	{ }
};

static struct kunit_suite failure_suite = {
	.name = "potad_failure",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = failure_cases,
};

kunit_test_suite(failure_suite);

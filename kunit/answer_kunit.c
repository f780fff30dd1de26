// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a failure: moved, answered late, taken back, or for good.
 *
 * Soft failures move the block, hard ones tell the owner.  An owner that does not
 * answer in its time holds nobody up, and what it answers in the end is heard.  A
 * failure in a test can be taken back; a real one cannot, and from memory that has
 * really failed nothing is copied.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sizes.h>

#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_1M
#define GRANULE		512ULL
#define TEST		POTAD_FAIL_INJECTED

/* The last event that there was. */
static struct potad_event last_event(struct kunit *test, struct potad_pool *pool)
{
	struct potad_event event = { };
	struct potad_event_count count;

	potad_pool_event_count(pool, &count);
	KUNIT_ASSERT_TRUE(test, potad_pool_event(pool, count.events, &event));
	return event;
}

/* Soft */

static void soft_failure_moves_the_block(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_LOST };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event event;
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 3, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys + 2 * GRANULE, 1,
						   TEST | POTAD_FAIL_SOFT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 0);
	event = last_event(test, pool);
	KUNIT_EXPECT_EQ(test, event.answer, POTAD_MOVED);
	KUNIT_EXPECT_EQ(test, event.moved, owner.to.phys);
	KUNIT_EXPECT_EQ(test, event.block, b.phys);
	KUNIT_EXPECT_EQ(test, event.phys, b.phys + 2 * GRANULE);

	/* One granule of the old place is out of use, and none of the new. */
	KUNIT_EXPECT_EQ(test, potad_test_what(pool, b.phys + 2 * GRANULE), POTAD_IS_QUARANTINED);
	KUNIT_EXPECT_EQ(test, potad_test_what(pool, b.phys + 3 * GRANULE), POTAD_IS_FREE);
	KUNIT_EXPECT_EQ(test, potad_free(&owner.to), 0);
	potad_test_all_free(test, pool, 1);
}

static void soft_failure_that_cannot_move_is_told(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_REFUSED, .stays = -EBUSY };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event event;
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 2, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST | POTAD_FAIL_SOFT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, owner.failure.flags, TEST | POTAD_FAIL_SOFT);
	event = last_event(test, pool);
	KUNIT_EXPECT_EQ(test, event.answer, POTAD_REFUSED);
	KUNIT_EXPECT_EQ(test, event.moved, 0);

	/* Softly once more is nothing new; hard is, once. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST | POTAD_FAIL_SOFT),
			-EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 2);
	KUNIT_EXPECT_EQ(test, owner.failure.flags, TEST);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST | POTAD_FAIL_SOFT),
			-EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 1);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 1);
}

static void soft_failure_of_free_memory_is_one(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);

	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START, 1, TEST | POTAD_FAIL_SOFT), 0);
	KUNIT_EXPECT_EQ(test, potad_test_what(pool, START), POTAD_IS_QUARANTINED);
	/* Nobody has it: hard is no news. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START, 1, TEST), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, last_event(test, pool).seq, 1);
	potad_test_all_free(test, pool, 1);
}

static void what_has_really_failed_is_not_copied(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_REFUSED };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 3, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys + GRANULE, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, NULL), -EHWPOISON);
	KUNIT_EXPECT_EQ(test, potad_evacuate(pool, START, SZ_64K, NULL, NULL), -EBUSY);
	/* Another granule, softly: the owner is told, and not asked to move. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, POTAD_FAIL_SOFT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 2);
}

static void what_has_softly_or_in_a_test_is(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_REFUSED };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 3, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys + GRANULE, 1, POTAD_FAIL_SOFT),
			0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 1);
	KUNIT_EXPECT_EQ(test, potad_free(&owner.to), 0);
	potad_test_all_free(test, pool, 2);
}

/* Late */

struct slow {
	struct completion	told;		/* it has been, and waits */
	struct completion	go;
};

static void answer_when_told_to(struct potad_test_owner *owner)
{
	struct slow *slow = owner->arg;

	complete(&slow->told);
	wait_for_completion(&slow->go);
}

static void be_slow(struct potad_test_owner *owner, struct slow *slow)
{
	init_completion(&slow->told);
	init_completion(&slow->go);
	owner->hook = answer_when_told_to;
	owner->arg = slow;
}

static void slow_owner_holds_nobody_up(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_RECOVERED };
	struct potad_test_owner quick = { .answer = POTAD_LOST };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event_count count;
	struct potad_block b, other;
	struct potad_event event;
	struct slow slow;

	be_slow(&owner, &slow);
	pool->patience = 1;
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &owner, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &quick, &other),
			0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), 0);
	event = last_event(test, pool);
	KUNIT_EXPECT_EQ(test, event.answer, POTAD_LATE);
	KUNIT_EXPECT_FALSE(test, event.late);
	KUNIT_EXPECT_EQ(test, event.what, POTAD_IS_BLOCK);
	KUNIT_EXPECT_EQ(test, event.block, b.phys);
	KUNIT_EXPECT_STREQ(test, event.type, b.type->name);

	/* It is marked all the same, and others have their turn. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), -EHWPOISON);
	pool->patience = 60 * HZ;
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, other.phys, 1, TEST), 0);
	KUNIT_EXPECT_EQ(test, last_event(test, pool).answer, POTAD_LOST);
	KUNIT_EXPECT_EQ(test, atomic_read(&quick.tells), 1);

	wait_for_completion(&slow.told);
	complete(&slow.go);
	potad_failures_wait();
	event = last_event(test, pool);
	KUNIT_EXPECT_EQ(test, event.seq, 3);
	KUNIT_EXPECT_TRUE(test, event.late);
	KUNIT_EXPECT_EQ(test, event.answer, POTAD_RECOVERED);
	KUNIT_EXPECT_EQ(test, event.phys, b.phys);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.late, 1);
	KUNIT_EXPECT_EQ(test, count.told, 2);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&other), 0);
	potad_test_all_free(test, pool, 2);
}

static void block_that_goes_meanwhile_stays_for_its_owner(struct kunit *test)
{
	struct potad_test_kind kind = { "slow", 48 };
	struct potad_test_owner owner = { .answer = POTAD_REFUSED };
	struct potad_type *type = potad_test_type(test, &kind);
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;
	struct slow slow;

	KUNIT_ASSERT_EQ(test, potad_type_bind(type, pool), 0);
	be_slow(&owner, &slow);
	pool->patience = 1;
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), 0);
	wait_for_completion(&slow.told);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
	KUNIT_EXPECT_EQ(test, potad_test_what(pool, b.phys), POTAD_IS_BLOCK);
	KUNIT_EXPECT_EQ(test, potad_type_unbind(type), -EBUSY);
	complete(&slow.go);
	potad_failures_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	KUNIT_EXPECT_EQ(test, potad_test_what(pool, b.phys), POTAD_IS_QUARANTINED);
	potad_test_all_free(test, pool, 1);
}

static void answer_after_a_while(struct potad_test_owner *owner)
{
	schedule_timeout_uninterruptible(HZ / 20 + 1);
}

static void without_a_limit_it_is_waited_for(struct kunit *test)
{
	struct potad_test_owner owner = {
		.answer = POTAD_RECOVERED, .hook = answer_after_a_while,
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event event;
	struct potad_block b;

	pool->patience = 0;
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 0, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), 0);
	event = last_event(test, pool);
	KUNIT_EXPECT_EQ(test, event.seq, 1);
	KUNIT_EXPECT_EQ(test, event.answer, POTAD_RECOVERED);
	KUNIT_EXPECT_FALSE(test, event.late);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 1);
}

static void hung_owner_takes_one_worker(struct kunit *test)
{
	struct potad_test_owner hung = { .answer = POTAD_REFUSED };
	struct potad_test_owner quick = { .answer = POTAD_RECOVERED };
	struct potad_pool *pool = potad_test_pool(test, 2 * BYTES, GRANULE);
	struct potad_event_count count;
	struct potad_block b, other;
	struct slow slow;
	unsigned int i;

	be_slow(&hung, &slow);
	pool->patience = 1;
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 11, GFP_KERNEL, &hung, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &quick, &other),
			0);
	/* More than there can be workers. */
	for (i = 0; i < 1100; i++)
		KUNIT_ASSERT_EQ(test, potad_memory_failure(pool, b.phys + i * GRANULE, 1, TEST),
				0);
	pool->patience = 60 * HZ;
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, other.phys, 1, TEST), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&quick.tells), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&hung.tells), 1);

	/* What has waited behind it is told in the end, each once. */
	complete_all(&slow.go);
	potad_failures_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&hung.tells), 1100);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, 2201);
	KUNIT_EXPECT_EQ(test, count.late, 1100);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&other), 0);
	potad_test_all_free(test, pool, 1101);
}

static void answer_in_a_jiffy(struct potad_test_owner *owner)
{
	schedule_timeout_uninterruptible(1);
}

static void answer_at_the_last_moment_is_one(struct kunit *test)
{
	struct potad_test_owner owner = {
		.answer = POTAD_RECOVERED, .hook = answer_in_a_jiffy,
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event_count count;
	struct potad_block b;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 6, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < 64; i++) {
		pool->patience = 1 + i % 3;
		KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys + i * GRANULE, 1, TEST),
				0);
	}
	potad_failures_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 64);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.events, 64 + count.late);
	KUNIT_EXPECT_EQ(test, count.answers[POTAD_RECOVERED], 64);
	kunit_info(test, "%llu of 64 were late\n", count.late);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 64);
}

/* Meanwhile */

static int fail_softly_once_more(struct potad_test_owner *owner)
{
	struct potad_pool *pool = owner->arg;

	if (atomic_read(&owner->asked) == 1)
		potad_memory_failure(pool, owner->from.phys + 2 * GRANULE, 1,
				     TEST | POTAD_FAIL_SOFT);
	return 0;
}

static void block_that_is_moving_is_not_lost(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_LOST, .move = fail_softly_once_more };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event event;
	struct potad_block b;

	owner.arg = pool;
	pool->patience = 1;
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 3, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST | POTAD_FAIL_SOFT), 0);
	potad_failures_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 0);
	event = last_event(test, pool);
	KUNIT_EXPECT_EQ(test, event.answer, POTAD_MOVED);
	KUNIT_EXPECT_EQ(test, event.moved, owner.to.phys);
	KUNIT_EXPECT_EQ(test, potad_free(&owner.to), 0);
	potad_test_all_free(test, pool, 2);
}

#define MOVES	100

struct copying {
	struct potad_pool	*pool;
	struct potad_test_owner	owner[MOVES];
	phys_addr_t		place;
	atomic_t		copies, over;
};

/* It copies until what it copies from has failed. */
static int copy_until_it_fails(struct potad_test_owner *owner)
{
	struct copying *c = owner->arg;
	u64 granule = potad_pool_granule(c->pool, owner->from.phys);
	unsigned long till = jiffies + 10 * HZ;

	c->place = owner->from.phys;
	atomic_inc(&c->copies);
	while (!potad_space_has_failed(c->pool->space, granule, 0) && time_before(jiffies, till))
		cond_resched();
	return 0;
}

static void copy_or_fail(void *arg, unsigned int me)
{
	struct copying *c = arg;
	struct potad_block b, to;
	int i;

	for (i = 0; i < MOVES; i++) {
		if (me) {
			while (atomic_read(&c->copies) <= i)
				cond_resched();
			potad_memory_failure(c->pool, c->place, 1, 0);
			atomic_set(&c->over, i + 1);
			continue;
		}
		if (potad_alloc(potad_test_types[2], 2, GFP_KERNEL, &c->owner[i], &b) ||
		    potad_migrate(c->pool, b.phys, &to))
			break;
		while (atomic_read(&c->over) <= i)
			cond_resched();
		if (potad_free(&to))
			break;
	}
	if (!me && i < MOVES)
		atomic_set(&c->copies, 2 * MOVES);	/* the other must not wait */
}

static void failure_of_what_is_copied_is_told(struct kunit *test)
{
	struct copying *c = potad_test_memory(test, sizeof(*c));
	unsigned int i, lost = 0, twice = 0;

	c->pool = potad_test_pool(test, BYTES, GRANULE);
	for (i = 0; i < MOVES; i++) {
		c->owner[i].answer = POTAD_LOST;
		c->owner[i].move = copy_until_it_fails;
		c->owner[i].arg = c;
	}
	potad_test_parallel(test, 2, copy_or_fail, c);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->copies), MOVES);
	for (i = 0; i < MOVES; i++) {
		lost += !atomic_read(&c->owner[i].tells);
		twice += atomic_read(&c->owner[i].tells) > 1;
	}
	KUNIT_EXPECT_EQ_MSG(test, lost, 0, "copied from what had failed, and not told");
	KUNIT_EXPECT_EQ(test, twice, 0);
	potad_test_sound(test, c->pool);
}

struct pair {
	struct potad_pool	*pool;
	struct potad_test_owner	owner;
	phys_addr_t		place;
	u64			deadline;
};

static void soft_or_hard(void *arg, unsigned int me)
{
	struct pair *p = arg;

	while (potad_test_time_left(p->deadline))
		potad_memory_failure(p->pool, p->place, 1, TEST | (me ? POTAD_FAIL_SOFT : 0));
}

static void hard_is_told_once_whatever_comes_softly(struct kunit *test)
{
	struct pair *p = potad_test_memory(test, sizeof(*p));
	struct potad_block b;

	p->owner.answer = POTAD_LOST;
	p->pool = potad_test_pool(test, BYTES, GRANULE);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &p->owner, &b), 0);
	p->place = b.phys;
	KUNIT_EXPECT_EQ(test, potad_memory_failure(p->pool, p->place, 1, TEST), 0);
	p->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, soft_or_hard, p);
	KUNIT_EXPECT_EQ(test, atomic_read(&p->owner.tells), 1);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, p->pool, 1);
}

/* Taken back, or for good */

static void failure_in_a_test_is_taken_back(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_REFUSED };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;
	struct potad_info info;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 4, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, b.bytes, TEST), 0);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, b.phys, b.bytes / 2), 0);
	KUNIT_ASSERT_EQ(test, potad_lookup(pool, b.phys, &info), 0);
	KUNIT_EXPECT_FALSE(test, info.failed);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 8);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, b.phys + b.bytes / 2, b.bytes / 2), 0);
	potad_test_all_free(test, pool, 0);

	/* And then it may fail again, be it softly. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST | POTAD_FAIL_SOFT), 0);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, b.phys, 1), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, b.phys, 1, TEST), 0);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, b.phys, 1), 0);
	potad_test_all_free(test, pool, 0);
}

static void what_cannot_be_taken_back(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_event_count count;

	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START, 3 * GRANULE, TEST), 0);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START + 3 * GRANULE, 1, 0), 0);
	/* Really, of what had failed in a test: no event, but for good. */
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START + 2 * GRANULE, 1, 0),
			-EHWPOISON);
	potad_pool_event_count(pool, &count);
	KUNIT_EXPECT_EQ(test, count.real, 2);

	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START + BYTES, 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START + BYTES - 1, 2), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, POTAD_FAIL_MAX + 1), -E2BIG);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START + 4 * GRANULE, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START + 3 * GRANULE, 1), -EPERM);
	/* All or nothing. */
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, 3 * GRANULE), -EPERM);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, BYTES), -EPERM);
	potad_test_all_free(test, pool, 4);
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, 2 * GRANULE), 0);
	potad_test_all_free(test, pool, 2);
	KUNIT_EXPECT_FALSE(test, potad_pool_really_failed(pool, START, 2 * GRANULE));
	KUNIT_EXPECT_TRUE(test, potad_pool_really_failed(pool, START, 3 * GRANULE));
	KUNIT_EXPECT_TRUE(test, potad_pool_really_failed(pool, START + 3 * GRANULE, BYTES / 2));
	KUNIT_EXPECT_FALSE(test, potad_pool_really_failed(pool, START + 4 * GRANULE,
							  BYTES - 4 * GRANULE));
}

static void without_memory_for_notes_all_is_for_good(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);

	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START, 1, TEST), 0);
	KUNIT_EXPECT_FALSE(test, potad_pool_really_failed(pool, START, BYTES));
	pool->real_unknown = true;
	KUNIT_EXPECT_TRUE(test, potad_pool_really_failed(pool, START, BYTES));
	KUNIT_EXPECT_FALSE(test, potad_pool_really_failed(pool, START + GRANULE, GRANULE));
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, 1), -EPERM);
	pool->real_unknown = false;
	KUNIT_EXPECT_EQ(test, potad_unpoison(pool, START, 1), 0);
	potad_test_all_free(test, pool, 0);
}

static struct kunit_case answer_cases[] = {
	KUNIT_CASE(soft_failure_moves_the_block),
	KUNIT_CASE(soft_failure_that_cannot_move_is_told),
	KUNIT_CASE(soft_failure_of_free_memory_is_one),
	KUNIT_CASE(what_has_really_failed_is_not_copied),
	KUNIT_CASE(what_has_softly_or_in_a_test_is),
	KUNIT_CASE(slow_owner_holds_nobody_up),
	KUNIT_CASE(block_that_goes_meanwhile_stays_for_its_owner),
	KUNIT_CASE(without_a_limit_it_is_waited_for),
	KUNIT_CASE_SLOW(hung_owner_takes_one_worker),
	KUNIT_CASE(answer_at_the_last_moment_is_one),
	KUNIT_CASE(block_that_is_moving_is_not_lost),
	KUNIT_CASE(failure_of_what_is_copied_is_told),
	KUNIT_CASE(hard_is_told_once_whatever_comes_softly),
	KUNIT_CASE(failure_in_a_test_is_taken_back),
	KUNIT_CASE(what_cannot_be_taken_back),
	KUNIT_CASE(without_memory_for_notes_all_is_for_good),
	{ }
};

static struct kunit_suite answer_suite = {
	.name = "potad_answer",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = answer_cases,
};

kunit_test_suite(answer_suite);

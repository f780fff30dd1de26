// SPDX-License-Identifier: GPL-2.0
/*
 * Migration: blocks make room, and nobody loses them.
 *
 * There is no memory behind the pools, so contents are not copied; what counts is
 * what the owner is told, that descriptor, references and generation stay, and that
 * whoever looks finds the block at one of its two places or is told to try again.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_1M
#define GRANULE		512ULL
#define MAX_ORDER	11		/* all of it */

#define OBSTACLES	16

struct obstacles {
	unsigned int		nr;
	enum potad_obstacle	what[OBSTACLES];
	struct potad_info	info[OBSTACLES];
	int			err[OBSTACLES];
};

static void take_down(enum potad_obstacle what, const struct potad_info *info, int err,
		      void *arg)
{
	struct obstacles *o = arg;

	if (o->nr < OBSTACLES) {
		o->what[o->nr] = what;
		o->info[o->nr] = *info;
		o->err[o->nr] = err;
	}
	o->nr++;
}

static void expect_obstacle(struct kunit *test, const struct obstacles *o, unsigned int i,
			    enum potad_obstacle what, phys_addr_t phys, int err)
{
	KUNIT_ASSERT_GT_MSG(test, o->nr, i, "only %u obstacles", o->nr);
	KUNIT_EXPECT_EQ_MSG(test, o->what[i], what, "obstacle %u", i);
	KUNIT_EXPECT_EQ_MSG(test, o->info[i].phys, phys, "obstacle %u", i);
	KUNIT_EXPECT_EQ_MSG(test, o->err[i], err, "obstacle %u", i);
}

static void expect_block(struct kunit *test, struct potad_pool *pool,
			 const struct potad_block *b)
{
	struct potad_block found;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		phys_addr_t phys = b->phys + (b->bytes - 1) * i / 2;

		KUNIT_ASSERT_EQ(test, potad_get(pool, phys, &found), 0);
		KUNIT_EXPECT_EQ(test, found.phys, b->phys);
		KUNIT_EXPECT_EQ(test, found.order, b->order);
		KUNIT_EXPECT_EQ(test, found.generation, b->generation);
		KUNIT_EXPECT_PTR_EQ(test, found.data, b->data);
		potad_put(&found);
	}
}

static void block_of_each_order_moves(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b, to, ref;
	unsigned int k;

	for (k = 0; k < MAX_ORDER; k++) {
		int asked = atomic_read(&owner.asked);

		KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], k, GFP_KERNEL, &owner,
						  &b), 0);
		KUNIT_ASSERT_EQ(test, potad_get(pool, b.phys, &ref), 0);
		KUNIT_ASSERT_EQ(test, potad_migrate(pool, b.phys + b.bytes - 1, &to), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), asked + 1);
		KUNIT_EXPECT_EQ(test, owner.from.phys, b.phys);
		KUNIT_EXPECT_EQ(test, owner.from.bytes, b.bytes);
		KUNIT_EXPECT_EQ(test, owner.to.phys, to.phys);
		KUNIT_EXPECT_EQ(test, owner.to.bytes, b.bytes);
		KUNIT_EXPECT_EQ(test, owner.to.order, k);
		KUNIT_EXPECT_PTR_EQ(test, owner.to.data, b.data);
		KUNIT_EXPECT_EQ(test, owner.to.generation, b.generation);
		KUNIT_EXPECT_NE(test, to.phys, b.phys);
		KUNIT_EXPECT_EQ(test, to.generation, b.generation);
		KUNIT_EXPECT_PTR_EQ(test, to.data, b.data);

		expect_block(test, pool, &to);
		potad_test_sound(test, pool);
		KUNIT_EXPECT_EQ(test, potad_test_what(pool, b.phys), POTAD_IS_FREE);
		KUNIT_EXPECT_EQ(test, potad_test_what(pool, b.phys + b.bytes - 1), POTAD_IS_FREE);
		/* The old handle is none any more; the reference is one. */
		KUNIT_EXPECT_NE(test, potad_free(&b), 0);
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &b), -ENOENT);
		KUNIT_EXPECT_EQ(test, potad_free(&to), 0);
		expect_block(test, pool, &to);
		potad_put(&ref);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), k + 1);
		potad_test_all_free(test, pool, 0);
	}
}

static void refusal_leaves_all_as_it_was(struct kunit *test)
{
	static const int answers[] = { -EBUSY, -EAGAIN, -ENOMEM, -EIO, 1 };
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b, to = { .order = 77 };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 3, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		owner.stays = answers[i];
		KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, &to),
				answers[i] < 0 ? answers[i] : -EBUSY);
		KUNIT_EXPECT_EQ(test, to.order, 77);
		expect_block(test, pool, &b);
		potad_test_sound(test, pool);
		KUNIT_EXPECT_EQ(test, potad_test_what(pool, owner.to.phys), POTAD_IS_FREE);
	}
	owner.stays = 0;
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, NULL), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&owner.to), 0);
	potad_test_all_free(test, pool, 0);
}

static void what_cannot_move(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b, to;
	phys_addr_t bare;

	KUNIT_EXPECT_EQ(test, potad_migrate(pool, START - 1, &to), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, START + BYTES, &to), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, U64_MAX, &to), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, START, &to), -ENOENT);
	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 3, &bare), 0);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, bare, &to), -ENOENT);
	potad_bare_free(pool, bare, 3);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[0], 3, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, &to), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, potad_type_live(potad_test_types[0]).pins, 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	/* One in stock is nobody's. */
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 0, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, &to), -ENOENT);
	/* No place to go to. */
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], MAX_ORDER, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, &to), -ENOSPC);
	potad_test_sound(test, pool);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

struct freeing {
	struct potad_pool	*pool;
	bool			to, checked;
	int			again, other, wrong;
};

static int free_meanwhile(struct potad_test_owner *owner)
{
	const struct potad_block *b = &owner->from, *other = &owner->to;
	struct freeing *f = owner->arg;
	struct potad_block wrong;
	int err;

	if (f->to)
		swap(b, other);
	wrong = *b;
	wrong.order--;
	f->wrong = potad_free_checked(f->pool, &wrong) != -EINVAL;
	wrong = *b;
	wrong.phys += GRANULE;
	f->wrong += potad_free_checked(f->pool, &wrong) != -EINVAL;
	wrong = *b;
	wrong.generation++;
	f->wrong += potad_free_checked(f->pool, &wrong) != -ENOENT;
	wrong = *b;
	wrong.type = potad_test_types[0];
	f->wrong += potad_free_checked(f->pool, &wrong) != -EPERM;

	err = f->checked ? potad_free_checked(f->pool, b) : potad_free(b);
	/* It is given up: neither of its places is one any more. */
	f->again = potad_free_checked(f->pool, b);
	f->other = potad_free_checked(f->pool, other);
	return err ? -EIO : owner->stays;
}

/* By either of its places; and whether it goes or stays. */
static void owner_may_free_while_it_moves(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct freeing f = { .pool = pool };
	struct potad_test_owner owner = { .move = free_meanwhile, .arg = &f };
	struct potad_block b;
	int i;

	for (i = 0; i < 8; i++) {
		f.to = i & 1;
		f.checked = i & 4;
		owner.stays = i & 2 ? -EBUSY : 0;
		KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 4, GFP_KERNEL, &owner,
						  &b), 0);
		KUNIT_EXPECT_EQ(test, potad_migrate(pool, b.phys, NULL), owner.stays);
		KUNIT_EXPECT_EQ(test, f.wrong, 0);
		KUNIT_EXPECT_EQ(test, f.again, -ENOENT);
		KUNIT_EXPECT_EQ(test, f.other, -ENOENT);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), i + 1);
		KUNIT_EXPECT_EQ(test, potad_test_what(pool, owner.from.phys), POTAD_IS_FREE);
		KUNIT_EXPECT_EQ(test, potad_test_what(pool, owner.to.phys), POTAD_IS_FREE);
		KUNIT_EXPECT_EQ(test, potad_free(&b), -ENOENT);
		potad_test_all_free(test, pool, 0);
	}
}

/* What those who look meanwhile see; and that another move keeps away. */
struct meanwhile {
	struct potad_pool	*pool;
	int			get_old, get_new, again;
	struct potad_block	found;
};

static int look_meanwhile(struct potad_test_owner *owner)
{
	struct meanwhile *m = owner->arg;
	struct potad_block b;

	m->get_old = potad_get(m->pool, owner->from.phys, &m->found);
	if (!m->get_old)
		potad_put(&m->found);
	m->get_new = potad_get(m->pool, owner->to.phys, &b);
	if (!m->get_new)
		potad_put(&b);
	m->again = potad_migrate(m->pool, owner->from.phys, NULL);
	return 0;
}

static void block_is_where_it_was_until_its_owner_has_moved_it(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct meanwhile m = { .pool = pool };
	struct potad_test_owner owner = { .move = look_meanwhile, .arg = &m };
	struct potad_block b, to;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 4, GFP_KERNEL, &owner, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_migrate(pool, b.phys, &to), 0);
	KUNIT_EXPECT_EQ(test, m.get_old, 0);
	KUNIT_EXPECT_EQ(test, m.found.phys, b.phys);
	KUNIT_EXPECT_EQ(test, m.get_new, -EAGAIN);
	KUNIT_EXPECT_EQ(test, m.again, -EAGAIN);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 1);
	KUNIT_EXPECT_EQ(test, potad_free(&to), 0);
	potad_test_all_free(test, pool, 0);
}

static int fail_from_now_on(struct potad_test_owner *owner)
{
	potad_test_fail_nth(owner->arg, 1);
	return owner->stays;
}

static void no_memory_is_needed_once_the_owner_was_asked(struct kunit *test)
{
	struct potad_test_owner owner = { .move = fail_from_now_on, .arg = test };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b, to;
	unsigned int k, left;
	int err;

	potad_test_fail_nth(test, 0);	/* not in the middle of it, where that cannot be */
	for (k = 0; k < 2 * MAX_ORDER; k++) {
		owner.stays = k & 1 ? -EBUSY : 0;
		KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[4], k / 2, GFP_KERNEL, &owner,
						  &b), 0);
		err = potad_migrate(pool, b.phys, &to);
		left = potad_test_fail_nth(test, 0);
		KUNIT_EXPECT_EQ(test, err, owner.stays);
		/* None was even asked for. */
		KUNIT_EXPECT_EQ(test, left, 1);
		KUNIT_EXPECT_EQ(test, potad_free(err ? &b : &to), 0);
		potad_test_sound(test, pool);
	}
	potad_test_all_free(test, pool, 0);
}

static void no_memory_to_move_changes_nothing(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	unsigned int nth, left;
	struct potad_block b, to;
	int err;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 0, GFP_KERNEL, &owner, &b), 0);
	for (nth = 1; nth < 20; nth++) {
		potad_test_fail_nth(test, nth);
		err = potad_migrate(pool, b.phys, &to);
		left = potad_test_fail_nth(test, 0);
		if (!err)
			b = to;
		else
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		expect_block(test, pool, &b);
		potad_test_sound(test, pool);
		if (!err && left)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 20);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

/* Ranges */

static void ranges_that_are_refused(struct kunit *test)
{
	static const struct { u64 phys, length; int err; } bad[] = {
		{ START, 0, -EINVAL }, { START + 1, GRANULE, -EINVAL },
		{ START, GRANULE + 1, -EINVAL }, { START, 1, -EINVAL },
		{ START - GRANULE, GRANULE, -ENXIO }, { START + BYTES, GRANULE, -ENXIO },
		{ START, BYTES + GRANULE, -ENXIO }, { START + GRANULE, BYTES, -ENXIO },
		{ 0, GRANULE, -ENXIO }, { START, 1ULL << 63, -ENXIO },
	};
	static const struct { u64 phys; unsigned int order; int err; } bad_at[] = {
		{ START + GRANULE, 1, -EINVAL }, { START + 1, 0, -EINVAL },
		{ START, MAX_ORDER + 1, -EINVAL }, { START, UINT_MAX, -EINVAL },
		{ START - GRANULE, 0, -ENXIO }, { START + BYTES, 0, -ENXIO },
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct obstacles *o = potad_test_memory(test, sizeof(*o));
	struct potad_block b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, potad_evacuate(pool, bad[i].phys, bad[i].length,
							 take_down, o), bad[i].err, "case %u", i);
	for (i = 0; i < ARRAY_SIZE(bad_at); i++)
		KUNIT_EXPECT_EQ_MSG(test, potad_alloc_at(potad_test_types[1], bad_at[i].phys,
							 bad_at[i].order, GFP_KERNEL, NULL,
							 take_down, o, &b),
				    bad_at[i].err, "case %u", i);
	KUNIT_EXPECT_EQ(test, o->nr, 0);
	potad_test_all_free(test, pool, 0);
}

static void blocks_over_the_ends_of_a_range_leave_too(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b[4];
	unsigned int i;

	/* 64 granules each, side by side; the range begins and ends inside of one. */
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, potad_alloc_at(potad_test_types[1], START + i * 64 * GRANULE,
						     6, GFP_KERNEL, &owner, NULL, NULL, &b[i]), 0);
	KUNIT_EXPECT_EQ(test, potad_evacuate(pool, b[1].phys + 3 * GRANULE, 128 * GRANULE,
					     NULL, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 3);
	expect_block(test, pool, &b[0]);
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_EQ(test, potad_test_what(pool, b[i].phys), POTAD_IS_FREE);
}

static void whole_pool_has_nowhere_to_go(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;

	KUNIT_EXPECT_EQ(test, potad_evacuate(pool, START, BYTES, NULL, NULL), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 3, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_evacuate(pool, START, BYTES, NULL, NULL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.asked), 0);
	expect_block(test, pool, &b);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

static void obstacles_are_named(struct kunit *test)
{
	struct potad_test_owner owner = { .stays = -EIO };
	const struct potad_hole hole = { START + SZ_256K, GRANULE };
	struct potad_pool *pool = potad_test_pool_with_holes(test, BYTES, GRANULE, &hole, 1);
	struct obstacles *o = potad_test_memory(test, sizeof(*o));
	phys_addr_t at = START + SZ_128K;
	struct potad_block raw, stays, b;
	u64 bare;

	KUNIT_ASSERT_EQ(test, potad_alloc_at(potad_test_types[0], at, 2, GFP_KERNEL, NULL,
					     NULL, NULL, &raw), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc_at(potad_test_types[1], at + 8 * GRANULE, 3, GFP_KERNEL,
					     &owner, NULL, NULL, &stays), 0);
	bare = potad_pool_granule(pool, at) + 16;
	KUNIT_ASSERT_EQ(test, potad_space_alloc_at(pool->space, bare, 1, POTAD_MOVABLE), 0);
	KUNIT_ASSERT_EQ(test, potad_memory_failure(pool, at + 20 * GRANULE, 1, 0), 0);

	KUNIT_EXPECT_EQ(test, potad_evacuate(pool, at, SZ_128K + GRANULE, take_down, o), -EBUSY);
	KUNIT_EXPECT_EQ(test, o->nr, 5);
	expect_obstacle(test, o, 0, POTAD_CANNOT_MOVE, raw.phys, 0);
	expect_obstacle(test, o, 1, POTAD_REFUSED_MOVE, stays.phys, -EIO);
	expect_obstacle(test, o, 2, POTAD_NO_OWNER, at + 16 * GRANULE, 0);
	expect_obstacle(test, o, 3, POTAD_FAILED_THERE, at + 20 * GRANULE, 0);
	expect_obstacle(test, o, 4, POTAD_NOT_THERE, hole.phys, 0);
	KUNIT_EXPECT_EQ(test, o->info[3].what, POTAD_IS_QUARANTINED);
	KUNIT_EXPECT_EQ(test, o->info[4].what, POTAD_IS_HOLE);
	potad_test_sound(test, pool);
	KUNIT_EXPECT_EQ(test, potad_alloc_at(potad_test_types[1], at, 8, GFP_KERNEL, NULL,
					     NULL, NULL, &b), -EBUSY);
	expect_block(test, pool, &stays);
	potad_space_free(pool->space, bare, 1);
	KUNIT_EXPECT_EQ(test, potad_free(&raw), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&stays), 0);
	potad_test_all_free(test, pool, 1);
}

#define RANGE_ORDER	8

/* Full of what can move: then a quarter of it is one block. */
static void range_full_of_movable_blocks_becomes_one(struct kunit *test)
{
	struct potad_test_owner *owner;
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	phys_addr_t at = START + 2 * (GRANULE << RANGE_ORDER);
	struct potad_block *b, big;
	unsigned int i, nr = 0;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	owner = potad_test_memory(test, 200 * sizeof(*owner));
	b = potad_test_memory(test, 200 * sizeof(*b));
	for (i = 0; i < 200; i++)
		if (!potad_alloc(potad_test_types[1 + i % 5], potad_test_below(&rnd, 6),
				 GFP_KERNEL, &owner[nr], &b[nr]))
			nr++;
	/* Half of them go, so that there is room. */
	for (i = 0; i + 1 < nr; i += 2) {
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
		b[i].data = NULL;
	}
	KUNIT_ASSERT_EQ(test, potad_alloc_at(potad_test_types[1], at, RANGE_ORDER, GFP_KERNEL,
					     NULL, NULL, NULL, &big), 0);
	KUNIT_EXPECT_EQ(test, big.phys, at);
	KUNIT_EXPECT_EQ(test, big.order, RANGE_ORDER);
	expect_block(test, pool, &big);
	potad_test_sound(test, pool);
	for (i = 0; i < nr; i++) {
		if (!b[i].data)
			continue;
		if (atomic_read(&owner[i].asked))
			b[i] = owner[i].to;
		expect_block(test, pool, &b[i]);
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, potad_free(&big), 0);
	potad_test_all_free(test, pool, 0);
}

/* A range that has to be emptied first: by which of its allocations it fails does not matter. */
static void no_memory_to_have_a_range_changes_nothing(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	unsigned int nth, left, failed = 0;
	struct potad_block b, range;
	int err;

	for (nth = 1; nth < 60; nth++) {
		KUNIT_ASSERT_EQ(test, potad_alloc_at(potad_test_types[2], START + 16 * GRANULE, 2,
						     GFP_KERNEL, &owner, NULL, NULL, &b), 0);
		atomic_set(&owner.asked, 0);
		potad_test_fail_nth(test, nth);
		err = potad_alloc_at(potad_test_types[3], START, 6, GFP_KERNEL, NULL, NULL, NULL,
				     &range);
		left = potad_test_fail_nth(test, 0);
		if (atomic_read(&owner.asked))
			b = owner.to;
		expect_block(test, pool, &b);
		potad_test_sound(test, pool);
		if (err) {
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			KUNIT_EXPECT_EQ(test, potad_test_what(pool, START), POTAD_IS_FREE);
			failed++;
		} else {
			expect_block(test, pool, &range);
			KUNIT_EXPECT_EQ(test, potad_free(&range), 0);
		}
		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
		potad_test_all_free(test, pool, 0);
		if (left)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 60);
	/* What says whose it is by now, the words of the block's new place, the descriptor. */
	KUNIT_EXPECT_GE(test, failed, 2);
	kunit_info(test, "%u of %u allocations failed it\n", failed, nth - 1);
}

/* Two CPUs */

#define MOVERS	12

struct moving {
	struct potad_pool	*pool;
	struct mover {
		struct potad_test_owner	owner;
		spinlock_t		lock;	/* protects @block */
		struct potad_block	block;
	} mover[MOVERS];
	struct rnd_state	rnd[2];
	u64			deadline;
	unsigned int		steps[2], moved[2];
	void			(*other)(struct moving *m, struct rnd_state *rnd);
	atomic_t		wrong;
};

/* It is asked to leave where it is. */
static int mover_moves(struct potad_test_owner *owner)
{
	struct mover *mover = container_of(owner, struct mover, owner);
	struct moving *m = owner->arg;

	spin_lock(&mover->lock);
	if (owner->from.phys != mover->block.phys || owner->from.data != mover->block.data ||
	    owner->to.phys == owner->from.phys)
		atomic_inc(&m->wrong);
	if (owner->stays) {
		spin_unlock(&mover->lock);
		return owner->stays;
	}
	mover->block = owner->to;
	spin_unlock(&mover->lock);
	return 0;
}

static phys_addr_t some_address(struct moving *m, struct rnd_state *rnd)
{
	struct mover *mover = &m->mover[potad_test_below(rnd, MOVERS)];
	phys_addr_t phys;

	spin_lock(&mover->lock);
	phys = mover->block.phys + potad_test_below(rnd, mover->block.bytes);
	spin_unlock(&mover->lock);
	return phys;
}

static bool may_be(int err)
{
	return !err || err == -EAGAIN || err == -ENOENT || err == -ENOSPC || err == -EBUSY ||
	       err == -ENOMEM;
}

static void move_one(struct moving *m, struct rnd_state *rnd)
{
	if (!may_be(potad_migrate(m->pool, some_address(m, rnd), NULL)))
		atomic_inc(&m->wrong);
}

static void clear_a_range(struct moving *m, struct rnd_state *rnd)
{
	u64 from = potad_test_below(rnd, 1800), nr = 1 + potad_test_below(rnd, 200);

	if (!may_be(potad_evacuate(m->pool, START + from * GRANULE, nr * GRANULE, NULL, NULL)))
		atomic_inc(&m->wrong);
}

static void look_for_one(struct moving *m, struct rnd_state *rnd)
{
	phys_addr_t phys = some_address(m, rnd);
	struct potad_test_owner *owner;
	struct potad_info info;
	struct potad_block b;

	if (potad_lookup(m->pool, phys, &info) || info.phys > phys ||
	    phys - info.phys >= info.bytes)
		atomic_inc(&m->wrong);
	if (potad_get(m->pool, phys, &b))
		return;
	owner = *(struct potad_test_owner **)b.data;
	if (b.phys > phys || phys - b.phys >= b.bytes || owner->arg != m)
		atomic_inc(&m->wrong);
	potad_put(&b);
}

static void take_and_give(struct moving *m, struct rnd_state *rnd)
{
	struct potad_block b;

	if (!potad_alloc(potad_test_types[potad_test_below(rnd, 3)], potad_test_below(rnd, 7),
			 GFP_KERNEL, &m->mover[0].owner, &b) &&
	    potad_free(&b) == -EINVAL)
		atomic_inc(&m->wrong);
}

static void move_or_other(void *arg, unsigned int me)
{
	struct moving *m = arg;

	while (potad_test_time_left(m->deadline)) {
		m->steps[me]++;
		if (me)
			m->other(m, &m->rnd[1]);
		else
			move_one(m, &m->rnd[0]);
	}
}

struct against {
	const char *name;
	void (*fn)(struct moving *m, struct rnd_state *rnd);
};

static const struct against againsts[] = {
	{ "another move", move_one },
	{ "evacuations", clear_a_range },
	{ "lookups", look_for_one },
};

static void against_name(const struct against *a, char *name)
{
	strscpy(name, a->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(against, againsts, against_name);

static void movers_take_their_blocks(struct kunit *test, struct moving *m)
{
	unsigned int i;

	for (i = 0; i < MOVERS; i++) {
		struct mover *mover = &m->mover[i];

		spin_lock_init(&mover->lock);
		mover->owner.move = mover_moves;
		mover->owner.arg = m;
		mover->owner.stays = i % 4 == 3 ? -EBUSY : 0;
		KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1 + i % 5], i % 6, GFP_KERNEL,
						  &mover->owner, &mover->block), 0);
	}
}

static void movers_have_their_blocks(struct kunit *test, struct moving *m)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, atomic_read(&m->wrong), 0);
	potad_test_sound(test, m->pool);
	for (i = 0; i < MOVERS; i++) {
		expect_block(test, m->pool, &m->mover[i].block);
		KUNIT_EXPECT_EQ(test, potad_free(&m->mover[i].block), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&m->mover[i].owner.releases), 1);
	}
	potad_test_all_free(test, m->pool, 0);
}

static void moves_race_with(struct kunit *test)
{
	const struct against *a = test->param_value;
	struct moving *m = potad_test_memory(test, sizeof(*m));
	unsigned int i, asked = 0;

	potad_test_seed(test, &m->rnd[0]);
	prandom_seed_state(&m->rnd[1], prandom_u32_state(&m->rnd[0]));
	m->pool = potad_test_pool(test, BYTES, GRANULE);
	m->other = a->fn;
	movers_take_their_blocks(test, m);
	m->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, move_or_other, m);
	for (i = 0; i < MOVERS; i++)
		asked += atomic_read(&m->mover[i].owner.asked);
	kunit_info(test, "%u moves and %u %s; owners were asked %u times\n", m->steps[0],
		   m->steps[1], a->name, asked);
	movers_have_their_blocks(test, m);
}

/* Blocks are freed in the middle of a move, by whatever place their owner knows. */

static int goes_if_it_is_there(struct potad_test_owner *owner)
{
	struct mover *mover = container_of(owner, struct mover, owner);
	int err = -EBUSY;

	spin_lock(&mover->lock);
	if (mover->block.data == owner->from.data &&
	    mover->block.generation == owner->from.generation) {
		mover->block = owner->to;
		err = 0;
	}
	spin_unlock(&mover->lock);
	return err;
}

static void free_and_take(struct moving *m, struct rnd_state *rnd)
{
	struct mover *mover = &m->mover[potad_test_below(rnd, MOVERS)];
	bool checked = potad_test_below(rnd, 2);
	struct potad_block b;
	int err;

	/* With the lock held it cannot begin to move: but it may not yet have arrived. */
	spin_lock(&mover->lock);
	b = mover->block;
	mover->block.data = NULL;
	if (b.data) {
		err = checked ? potad_free_checked(m->pool, &b) : potad_free(&b);
		m->moved[1] += !err;
		if (err)
			atomic_inc(&m->wrong);
	}
	spin_unlock(&mover->lock);
	if (b.data && (!potad_free_checked(m->pool, &b) || !potad_free(&b)))
		atomic_inc(&m->wrong);
	if (potad_alloc(b.type, potad_test_below(rnd, 6), GFP_KERNEL, &mover->owner, &b))
		return;
	spin_lock(&mover->lock);
	mover->block = b;
	spin_unlock(&mover->lock);
}

static void free_or_move(void *arg, unsigned int me)
{
	struct moving *m = arg;
	struct potad_block *b;

	while (potad_test_time_left(m->deadline)) {
		m->steps[me]++;
		if (me) {
			free_and_take(m, &m->rnd[1]);
			continue;
		}
		/* A handle that is a moment old will do to find it. */
		b = &m->mover[potad_test_below(&m->rnd[0], MOVERS)].block;
		m->moved[0] += !potad_migrate(m->pool, READ_ONCE(b->phys), NULL);
	}
}

static void blocks_that_are_freed_as_they_move_go_once(struct kunit *test)
{
	struct moving *m = potad_test_memory(test, sizeof(*m));
	unsigned int i;

	potad_test_seed(test, &m->rnd[0]);
	prandom_seed_state(&m->rnd[1], prandom_u32_state(&m->rnd[0]));
	m->pool = potad_test_pool(test, BYTES, GRANULE);
	for (i = 0; i < MOVERS; i++) {
		spin_lock_init(&m->mover[i].lock);
		m->mover[i].owner.move = goes_if_it_is_there;
		m->mover[i].block.type = potad_test_types[1 + i % 5];
		m->mover[i].block.phys = START;
	}
	m->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, free_or_move, m);
	kunit_info(test, "%u of %u moved, %u were freed\n", m->moved[0], m->steps[0], m->moved[1]);
	KUNIT_EXPECT_EQ(test, atomic_read(&m->wrong), 0);
	for (i = 0; i < MOVERS; i++) {
		struct mover *mover = &m->mover[i];

		if (mover->block.data)
			KUNIT_EXPECT_EQ(test, potad_free(&mover->block), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&mover->owner.releases),
				atomic_read(&mover->owner.inits));
	}
	potad_test_all_free(test, m->pool, 0);
}

/* Two empty ranges that overlap: each in its time, and nobody's block is lost. */

static void take_a_range(struct moving *m, struct rnd_state *rnd)
{
	unsigned int k = 3 + potad_test_below(rnd, 6);
	u64 first = (u64)potad_test_below(rnd, (BYTES / GRANULE) >> k) << k;
	struct potad_block b;
	int err;

	err = potad_alloc_at(potad_test_types[0], START + first * GRANULE, k, GFP_KERNEL, NULL,
			     NULL, NULL, &b);
	if (!may_be(err) || (!err && potad_free(&b)))
		atomic_inc(&m->wrong);
}

static void empty_both(void *arg, unsigned int me)
{
	struct moving *m = arg;

	while (potad_test_time_left(m->deadline)) {
		m->steps[me]++;
		if (potad_test_below(&m->rnd[me], 4))
			clear_a_range(m, &m->rnd[me]);
		else
			take_a_range(m, &m->rnd[me]);
	}
}

static void overlapping_evacuations_both_end(struct kunit *test)
{
	struct moving *m = potad_test_memory(test, sizeof(*m));
	unsigned int i, asked = 0;

	potad_test_seed(test, &m->rnd[0]);
	prandom_seed_state(&m->rnd[1], prandom_u32_state(&m->rnd[0]));
	m->pool = potad_test_pool(test, BYTES, GRANULE);
	movers_take_their_blocks(test, m);
	m->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, empty_both, m);
	for (i = 0; i < MOVERS; i++)
		asked += atomic_read(&m->mover[i].owner.asked);
	kunit_info(test, "%u and %u ranges; owners were asked %u times\n", m->steps[0],
		   m->steps[1], asked);
	movers_have_their_blocks(test, m);
}

/* Blocks come and go while ranges are emptied. */
static void empty_or_churn(void *arg, unsigned int me)
{
	struct moving *m = arg;

	while (potad_test_time_left(m->deadline)) {
		m->steps[me]++;
		if (me)
			take_and_give(m, &m->rnd[1]);
		else
			clear_a_range(m, &m->rnd[0]);
	}
}

static int stays_put(struct potad_test_owner *owner)
{
	return -EBUSY;
}

static void ranges_are_emptied_while_blocks_come_and_go(struct kunit *test)
{
	struct moving *m = potad_test_memory(test, sizeof(*m));

	potad_test_seed(test, &m->rnd[0]);
	prandom_seed_state(&m->rnd[1], prandom_u32_state(&m->rnd[0]));
	m->pool = potad_test_pool(test, BYTES, GRANULE);
	m->mover[0].owner.move = stays_put;
	m->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, empty_or_churn, m);
	kunit_info(test, "%u ranges, %u blocks\n", m->steps[0], m->steps[1]);
	KUNIT_EXPECT_EQ(test, atomic_read(&m->wrong), 0);
	potad_test_all_free(test, m->pool, 0);
}

static struct kunit_case migrate_cases[] = {
	KUNIT_CASE(block_of_each_order_moves),
	KUNIT_CASE(refusal_leaves_all_as_it_was),
	KUNIT_CASE(what_cannot_move),
	KUNIT_CASE(owner_may_free_while_it_moves),
	KUNIT_CASE(block_is_where_it_was_until_its_owner_has_moved_it),
	KUNIT_CASE(no_memory_is_needed_once_the_owner_was_asked),
	KUNIT_CASE(no_memory_to_move_changes_nothing),
	KUNIT_CASE(ranges_that_are_refused),
	KUNIT_CASE(blocks_over_the_ends_of_a_range_leave_too),
	KUNIT_CASE(whole_pool_has_nowhere_to_go),
	KUNIT_CASE(obstacles_are_named),
	KUNIT_CASE(range_full_of_movable_blocks_becomes_one),
	KUNIT_CASE(no_memory_to_have_a_range_changes_nothing),
	KUNIT_CASE_PARAM(moves_race_with, against_gen_params),
	KUNIT_CASE_SLOW(blocks_that_are_freed_as_they_move_go_once),
	KUNIT_CASE_SLOW(overlapping_evacuations_both_end),
	KUNIT_CASE_SLOW(ranges_are_emptied_while_blocks_come_and_go),
	{ }
};

static struct kunit_suite migrate_suite = {
	.name = "potad_migrate",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = migrate_cases,
};

kunit_test_suite(migrate_suite);

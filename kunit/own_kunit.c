// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks described by memory of their owners.
 *
 * Release and then gone must be called once each, and in that order; and whoever has
 * found the descriptor may look at its header until the grace period is over, also
 * when the owner frees it at once.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/sizes.h>

#include "../module/include/compat.h"
#include "owners.h"

#define BYTES		SZ_1M
#define GRANULE		512ULL

struct own {
	struct potad_desc	desc;
	struct rcu_head		rcu;
	struct owns		*all;
	bool			heap;
	int			released;	/* when: 1, 2, ... */
	int			gone;
};

/* What all of a test have gone through. */
struct owns {
	struct potad_pool	*pool;
	struct potad_type	*type;
	atomic_t		clock;
	atomic_t		releases;
	atomic_t		gones;
	struct potad_block	last;		/* for a release that frees again */
	int			again;
	int			at_once;
};

static void own_release(void *data)
{
	struct own *own = data;

	own->released = atomic_inc_return(&own->all->clock);
	atomic_inc(&own->all->releases);
	if (own->all->last.data == own) {
		struct potad_block b;

		own->all->again = potad_free(&own->all->last);
		own->all->at_once = potad_alloc_own(own->all->type, 0, GFP_ATOMIC, own, &b);
	}
}

static void own_gone(void *data)
{
	struct own *own = data;

	own->gone = atomic_inc_return(&own->all->clock);
	atomic_inc(&own->all->gones);
	if (own->heap)
		kfree_rcu(own, rcu);
}

static const struct potad_ops own_ops = { .release = own_release, .gone = own_gone };

static struct potad_type_info own_info(void)
{
	return (struct potad_type_info){
		.name = "own", .desc_size = sizeof(struct own), .flags = POTAD_TYPE_OWN,
		.mobility = POTAD_PINNED, .ops = &own_ops, .module = THIS_MODULE,
	};
}

static struct owns *new_owns(struct kunit *test)
{
	struct owns *all = potad_test_memory(test, sizeof(*all));
	struct potad_type_info info = own_info();

	all->type = potad_test_type_kept(test, potad_type_create(&info));
	all->pool = potad_test_pool(test, BYTES, GRANULE);
	KUNIT_ASSERT_EQ(test, potad_type_bind(all->type, all->pool), 0);
	return all;
}

static struct own *new_own(struct kunit *test, struct owns *all)
{
	struct own *own = potad_test_memory(test, sizeof(*own));

	own->all = all;
	return own;
}

static void own_memory_describes_blocks_of_all_orders(struct kunit *test)
{
	struct owns *all = new_owns(test);
	struct own *own = new_own(test, all);
	struct potad_block b, found;
	unsigned int k, i;

	/* The same memory again and again: it may be used as soon as it is gone. */
	for (k = 0; k <= 11; k++) {
		KUNIT_ASSERT_EQ(test, potad_alloc_own(all->type, k, GFP_KERNEL, own, &b), 0);
		KUNIT_EXPECT_PTR_EQ(test, b.data, own);
		KUNIT_EXPECT_EQ(test, b.bytes, GRANULE << k);
		for (i = 0; i < 3; i++) {
			KUNIT_ASSERT_EQ(test, potad_get(all->pool, b.phys + (b.bytes - 1) * i / 2,
							&found), 0);
			KUNIT_EXPECT_PTR_EQ(test, found.data, own);
			KUNIT_EXPECT_EQ(test, found.phys, b.phys);
			KUNIT_EXPECT_EQ(test, found.generation, b.generation);
			potad_put(&found);
		}
		potad_test_sound(test, all->pool);
		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
		KUNIT_EXPECT_EQ(test, own->released, 2 * k + 1);
		KUNIT_EXPECT_EQ(test, own->gone, 2 * k + 2);
		KUNIT_EXPECT_EQ(test, potad_free(&b), -ENOENT);
		KUNIT_EXPECT_EQ(test, potad_free_checked(all->pool, &b), -ENOENT);
		potad_test_all_free(test, all->pool, 0);
	}
}

static void own_memory_that_is_refused(struct kunit *test)
{
	struct owns *all = new_owns(test);
	struct own *own = new_own(test, all);
	struct potad_block b, more;
	struct potad_desc *crooked = (void *)own + 8;

	KUNIT_EXPECT_EQ(test, __potad_alloc_own(all->type, 0, GFP_KERNEL, crooked, sizeof(*own),
						&b), -EINVAL);
	KUNIT_EXPECT_EQ(test, __potad_alloc_own(all->type, 0, GFP_KERNEL, NULL, sizeof(*own),
						&b), -EINVAL);
	KUNIT_EXPECT_EQ(test, __potad_alloc_own(all->type, 0, GFP_KERNEL, &own->desc,
						sizeof(*own) - 1, &b), -EINVAL);
	KUNIT_EXPECT_EQ(test, __potad_alloc_own(all->type, 0, GFP_KERNEL, &own->desc, 0, &b),
			-EINVAL);
	/* Types of one kind and of the other. */
	KUNIT_EXPECT_EQ(test, __potad_alloc_own(potad_test_types[2], 0, GFP_KERNEL, &own->desc,
						potad_test_types[2]->desc_size, &b), -EINVAL);
	KUNIT_EXPECT_EQ(test, __potad_alloc_own(potad_test_types[0], 0, GFP_KERNEL, &own->desc,
						0, &b), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_alloc(all->type, 0, GFP_KERNEL, NULL, &b), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_alloc_at(all->type, POTAD_TEST_START, 0, GFP_KERNEL, NULL,
					     NULL, NULL, &b), -EINVAL);
	/* Orders that there are not, and then one that there is. */
	KUNIT_EXPECT_EQ(test, potad_alloc_own(all->type, 12, GFP_KERNEL, own, &b), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_alloc_own(all->type, UINT_MAX, GFP_KERNEL, own, &b), -EINVAL);
	KUNIT_ASSERT_EQ(test, potad_alloc_own(all->type, 2, GFP_KERNEL, own, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_alloc_own(all->type, 2, GFP_KERNEL, own, &more), -EBUSY);
	potad_test_sound(test, all->pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&all->releases), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&all->gones), 1);
	/* What was never zeroed looks like memory in use. */
	own->desc.place = 1;
	KUNIT_EXPECT_EQ(test, potad_alloc_own(all->type, 2, GFP_KERNEL, own, &b), -EBUSY);
	own->desc.place = 0;
	atomic64_set(&own->desc.life, 1);
	KUNIT_EXPECT_EQ(test, potad_alloc_own(all->type, 2, GFP_KERNEL, own, &b), -EBUSY);
	KUNIT_EXPECT_EQ(test, own->desc.place, 0);
	potad_test_all_free(test, all->pool, 0);
}

/* Until it is gone it describes that block. */
static void release_that_frees_or_allocates_again_is_refused(struct kunit *test)
{
	struct owns *all = new_owns(test);
	struct own *own = new_own(test, all);

	KUNIT_ASSERT_EQ(test, potad_alloc_own(all->type, 2, GFP_KERNEL, own, &all->last), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&all->last), 0);
	KUNIT_EXPECT_EQ(test, all->again, -ENOENT);
	KUNIT_EXPECT_EQ(test, all->at_once, -EBUSY);
	KUNIT_EXPECT_EQ(test, atomic_read(&all->releases), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&all->gones), 1);
	potad_test_all_free(test, all->pool, 0);
}

/* Memory that comes anew, at the same address, is not the one that was there. */
static void handle_of_earlier_own_memory_is_none(struct kunit *test)
{
	struct owns *all = new_owns(test);
	struct own *own = new_own(test, all);
	struct potad_block b, old;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc_own(all->type, 11, GFP_KERNEL, own, &old), 0);
	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_EQ(test, potad_free(&old), 0);
		memset(&own->desc, 0, sizeof(own->desc));
		KUNIT_ASSERT_EQ(test, potad_alloc_own(all->type, 11, GFP_KERNEL, own, &b), 0);
		KUNIT_EXPECT_EQ(test, b.phys, old.phys);
		KUNIT_EXPECT_EQ(test, potad_free_checked(all->pool, &old), -ENOENT);
		KUNIT_EXPECT_EQ(test, potad_free(&old), -ENOENT);
		old = b;
	}
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, all->pool, 0);
}

static void no_memory_for_the_words_changes_nothing(struct kunit *test)
{
	struct owns *all = new_owns(test);
	struct own *own = new_own(test, all);
	unsigned int nth, left, failed = 0;
	struct potad_block b;
	int err;

	for (nth = 1; nth < 20; nth++) {
		potad_test_fail_nth(test, nth);
		err = potad_alloc_own(all->type, 0, GFP_NOWAIT | __GFP_NOWARN, own, &b);
		left = potad_test_fail_nth(test, 0);
		potad_test_sound(test, all->pool);
		if (!err) {
			KUNIT_ASSERT_EQ(test, potad_free(&b), 0);
			if (left)
				break;
			continue;
		}
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, potad_type_live(all->type).blocks, 0);
		failed++;
	}
	KUNIT_EXPECT_GE(test, failed, 1);
	KUNIT_EXPECT_LT(test, nth, 20);
	/* None was told of a block that there was not. */
	KUNIT_EXPECT_EQ(test, atomic_read(&all->releases), atomic_read(&all->gones));
	potad_test_all_free(test, all->pool, 0);
}

/* Two come with the same memory at once: one gets a block. */
struct twice {
	struct owns		*all;
	struct own		*own;
	unsigned int		order;
	unsigned int		rounds;
	struct potad_block	block[2];
	int			err[2];
	atomic_t		step[2];
	unsigned int		won[2];
	unsigned int		wrong;
	u64			deadline;
	bool			done;
};

static void end_of_round(struct twice *t, unsigned int round)
{
	unsigned int i;

	if (min(t->err[0], t->err[1]) != -EBUSY || max(t->err[0], t->err[1]))
		t->wrong++;
	for (i = 0; i < 2; i++) {
		if (t->err[i])
			continue;
		t->won[i]++;
		t->wrong += !!potad_free(&t->block[i]);
	}
	t->rounds = round;
	t->order = round % 5;
	t->done = round >= 5000 || !potad_test_time_left(t->deadline);
}

static void take_the_same(void *arg, unsigned int me)
{
	struct twice *t = arg;
	unsigned int round;

	for (round = 1; !t->done; round++) {
		potad_test_meet(t->step, me, 3 * round);
		t->err[me] = potad_alloc_own(t->all->type, t->order, GFP_KERNEL, t->own,
					     &t->block[me]);
		potad_test_meet(t->step, me, 3 * round + 1);
		if (!me)
			end_of_round(t, round);
		potad_test_meet(t->step, me, 3 * round + 2);
	}
}

static void of_two_who_bring_the_same_one_is_refused(struct kunit *test)
{
	struct twice *t = potad_test_memory(test, sizeof(*t));

	t->all = new_owns(test);
	t->own = new_own(test, t->all);
	t->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, take_the_same, t);
	kunit_info(test, "%u rounds, %u and %u won\n", t->rounds, t->won[0], t->won[1]);
	KUNIT_EXPECT_EQ(test, t->wrong, 0);
	KUNIT_EXPECT_EQ(test, t->won[0] + t->won[1], t->rounds);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->all->gones), t->rounds);
	potad_test_all_free(test, t->all->pool, 0);
}

struct own_race {
	struct owns		*all;
	u64			deadline;
	unsigned int		blocks, found;
	atomic_t		wrong;
	bool			done;
};

static void make_or_look(void *arg, unsigned int me)
{
	struct own_race *r = arg;
	struct potad_block b;
	struct own *own;

	while (!me && potad_test_time_left(r->deadline)) {
		own = kzalloc_obj(*own, GFP_KERNEL);
		if (!own)
			continue;
		own->all = r->all;
		own->heap = true;
		if (potad_alloc_own(r->all->type, r->blocks % 4, GFP_KERNEL, own, &b)) {
			kfree(own);
			continue;
		}
		r->blocks++;
		if (potad_free(&b))
			atomic_inc(&r->wrong);
	}
	if (!me)
		WRITE_ONCE(r->done, true);
	while (!READ_ONCE(r->done)) {
		phys_addr_t phys = POTAD_TEST_START + (r->found % 8) * GRANULE;

		if (!potad_get(r->all->pool, phys, &b)) {
			own = b.data;
			if (own->all != r->all || own->released || b.phys > phys ||
			    phys - b.phys >= b.bytes)
				atomic_inc(&r->wrong);
			potad_put(&b);
			r->found++;
		}
		cond_resched();
	}
}

static void readers_may_look_while_owners_free_their_memory(struct kunit *test)
{
	struct own_race *r = potad_test_memory(test, sizeof(*r));

	r->all = new_owns(test);
	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, make_or_look, r);
	kunit_info(test, "%u blocks, found %u times\n", r->blocks, r->found);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->all->releases), r->blocks);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->all->gones), r->blocks);
	potad_test_all_free(test, r->all->pool, 0);
}

static struct kunit_case own_cases[] = {
	KUNIT_CASE(own_memory_describes_blocks_of_all_orders),
	KUNIT_CASE(own_memory_that_is_refused),
	KUNIT_CASE(release_that_frees_or_allocates_again_is_refused),
	KUNIT_CASE(handle_of_earlier_own_memory_is_none),
	KUNIT_CASE(no_memory_for_the_words_changes_nothing),
	KUNIT_CASE_SLOW(of_two_who_bring_the_same_one_is_refused),
	KUNIT_CASE_SLOW(readers_may_look_while_owners_free_their_memory),
	{ }
};

static struct kunit_suite own_suite = {
	.name = "potad_own",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = own_cases,
};

kunit_test_suite(own_suite);

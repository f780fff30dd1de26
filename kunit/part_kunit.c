// SPDX-License-Identifier: GPL-2.0
/*
 * Parts: several blocks, here and there, of one descriptor.
 *
 * From each byte of each of them the one descriptor must be found, with the part's
 * own address; they go one by one in any order, or all with the last reference.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "owners.h"

#define BYTES		SZ_1M
#define GRANULE		512ULL
#define PARTS		24

static const struct potad_test_kind kind_with_parts = {
	"parts", 72, 0, POTAD_TYPE_PARTS,
};

static struct potad_pool *pool_and_type(struct kunit *test, struct potad_type **type)
{
	struct potad_pool *pool;

	*type = potad_test_type(test, &kind_with_parts);
	pool = potad_test_pool(test, BYTES, GRANULE);
	KUNIT_ASSERT_EQ(test, potad_type_bind(*type, pool), 0);
	return pool;
}

static void expect_found(struct kunit *test, struct potad_pool *pool, phys_addr_t phys,
			 const struct potad_block *block)
{
	struct potad_block found;

	KUNIT_ASSERT_EQ(test, potad_get(pool, phys, &found), 0);
	KUNIT_EXPECT_EQ(test, found.phys, block->phys);
	KUNIT_EXPECT_EQ(test, found.order, block->order);
	KUNIT_EXPECT_EQ(test, found.bytes, block->bytes);
	KUNIT_EXPECT_EQ(test, found.generation, block->generation);
	KUNIT_EXPECT_PTR_EQ(test, found.data, block->data);
	KUNIT_EXPECT_PTR_EQ(test, found.type, block->type);
	KUNIT_EXPECT_EQ(test, found.part, block->part);
	potad_put(&found);
}

static void expect_gone(struct kunit *test, struct potad_pool *pool, phys_addr_t phys)
{
	struct potad_block found;

	KUNIT_EXPECT_EQ_MSG(test, potad_get(pool, phys, &found), -ENOENT, "0x%llx", (u64)phys);
}

/* The first block, and parts of several orders. */
static void make(struct kunit *test, struct potad_pool *pool, struct potad_type *type,
		 struct potad_test_owner *owner, struct potad_block *b)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, owner, &b[0]), 0);
	KUNIT_EXPECT_FALSE(test, b[0].part);
	for (i = 1; i < PARTS; i++) {
		/* Of the first or of any other one. */
		KUNIT_ASSERT_EQ(test, potad_alloc_part(&b[i / 2], i % 7, GFP_KERNEL, &b[i]), 0);
		KUNIT_EXPECT_TRUE(test, b[i].part);
		KUNIT_EXPECT_EQ(test, b[i].order, i % 7);
		KUNIT_EXPECT_EQ(test, b[i].bytes, GRANULE << (i % 7));
		KUNIT_EXPECT_PTR_EQ(test, b[i].data, b[0].data);
	}
	potad_test_sound(test, pool);
}

static void each_byte_of_each_part_leads_to_the_descriptor(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_block b[PARTS];
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);
	struct potad_info info;
	unsigned int i;
	u64 bytes = 0;

	make(test, pool, type, &owner, b);
	for (i = 0; i < PARTS; i++) {
		expect_found(test, pool, b[i].phys, &b[i]);
		expect_found(test, pool, b[i].phys + b[i].bytes / 2, &b[i]);
		expect_found(test, pool, b[i].phys + b[i].bytes - 1, &b[i]);
		KUNIT_ASSERT_EQ(test, potad_lookup(pool, b[i].phys + 1, &info), 0);
		KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_BLOCK);
		KUNIT_EXPECT_EQ(test, info.phys, b[i].phys);
		KUNIT_EXPECT_STREQ(test, info.type, "parts");
		bytes += b[i].bytes;
	}
	KUNIT_EXPECT_EQ(test, potad_type_live(type).bytes, bytes);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 1);
	KUNIT_EXPECT_EQ(test, potad_free(&b[0]), 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).bytes, 0);
	potad_test_all_free(test, pool, 0);
}

static void parts_go_one_by_one_in_any_order(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_block b[PARTS];
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);
	u32 order[PARTS - 1], i, j;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	make(test, pool, type, &owner, b);
	for (i = 0; i < PARTS - 1; i++)
		order[i] = i + 1;
	potad_test_shuffle(&rnd, order, PARTS - 1);
	for (i = 0; i < PARTS - 1; i++) {
		/* As the owner has it, or as whoever does not know has found it. */
		KUNIT_EXPECT_EQ(test, i % 2 ? potad_free(&b[order[i]]) :
				potad_free_checked(pool, &b[order[i]]), 0);
		potad_test_sound(test, pool);
		expect_gone(test, pool, b[order[i]].phys);
		for (j = i + 1; j < PARTS - 1; j++)
			expect_found(test, pool, b[order[j]].phys, &b[order[j]]);
	}
	expect_found(test, pool, b[0].phys, &b[0]);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b[0]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	potad_test_all_free(test, pool, 0);
}

static void parts_go_with_the_last_reference(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_block b[PARTS], ref, more;
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);
	unsigned int i;

	make(test, pool, type, &owner, b);
	/* A reference that was found by one of them keeps all of them. */
	KUNIT_ASSERT_EQ(test, potad_get(pool, b[7].phys, &ref), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b[0]), 0);
	for (i = 0; i < PARTS; i++)
		expect_found(test, pool, b[i].phys, &b[i]);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
	/* But for one that is given up: also that through which it was found. */
	KUNIT_EXPECT_EQ(test, potad_free(&b[7]), 0);
	expect_gone(test, pool, b[7].phys);
	potad_put(&ref);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	for (i = 0; i < PARTS; i++)
		expect_gone(test, pool, b[i].phys);
	potad_test_sound(test, pool);

	for (i = 0; i < PARTS; i++) {
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), -ENOENT);
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &b[i]), -ENOENT);
		KUNIT_EXPECT_EQ(test, potad_alloc_part(&b[i], 0, GFP_KERNEL, &more), -ENOENT);
	}
	potad_test_all_free(test, pool, 0);
}

static void part_that_is_freed_wrongly_stays(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_block b, part, bad;
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, &owner, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc_part(&b, 3, GFP_KERNEL, &part), 0);
	bad = part;
	bad.order = 2;
	KUNIT_EXPECT_EQ(test, potad_free(&bad), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -EINVAL);
	bad = part;
	bad.phys += GRANULE;
	KUNIT_EXPECT_EQ(test, potad_free(&bad), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -EINVAL);
	bad = part;
	bad.generation--;
	KUNIT_EXPECT_EQ(test, potad_free(&bad), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -ENOENT);
	bad = part;
	bad.part = false;	/* with the address of a part it is no first one */
	KUNIT_EXPECT_EQ(test, potad_free(&bad), -EINVAL);
	bad = b;
	bad.part = true;
	KUNIT_EXPECT_EQ(test, potad_free(&bad), -ENOENT);
	expect_found(test, pool, part.phys, &part);
	expect_found(test, pool, b.phys, &b);
	potad_test_sound(test, pool);

	KUNIT_EXPECT_EQ(test, potad_free(&part), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&part), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &part), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

static void type_must_have_said_so(struct kunit *test)
{
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);
	struct potad_block b, part;
	unsigned int i;

	for (i = 0; i < POTAD_TEST_KINDS; i++) {
		KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[i], 2, GFP_KERNEL, NULL, &b), 0);
		KUNIT_EXPECT_EQ(test, potad_alloc_part(&b, 2, GFP_KERNEL, &part), -EOPNOTSUPP);
		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	}
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_alloc_part(&b, 12, GFP_KERNEL, &part), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_alloc_part(&b, UINT_MAX, GFP_KERNEL, &part), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_alloc_part(&b, 11, GFP_KERNEL, &part), -ENOSPC);
	potad_test_sound(test, pool);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

static void no_memory_for_a_part_changes_nothing(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_block b, part;
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);
	unsigned int nth, left, failed = 0;
	int err;

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 4, GFP_KERNEL, &owner, &b), 0);
	for (nth = 1; nth < 20; nth++) {
		potad_test_fail_nth(test, nth);
		err = potad_alloc_part(&b, 0, GFP_NOWAIT | __GFP_NOWARN, &part);
		left = potad_test_fail_nth(test, 0);
		if (!err) {
			KUNIT_EXPECT_EQ(test, potad_free(&part), 0);
			if (left)
				break;
			continue;
		}
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).bytes, b.bytes);
		potad_test_sound(test, pool);
		failed++;
	}
	KUNIT_EXPECT_GE(test, failed, 1);
	KUNIT_EXPECT_LT(test, nth, 20);
	/* The reference that was taken meanwhile has been given back. */
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	potad_test_all_free(test, pool, 0);
}

static void failure_in_a_part_tells_the_owner_which(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_LOST };
	struct potad_block b, part;
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, &type);

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, &owner, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc_part(&b, 4, GFP_KERNEL, &part), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_fail(pool, part.phys + 3 * GRANULE, 2 * GRANULE, 0,
					      NULL, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, owner.block.phys, part.phys);
	KUNIT_EXPECT_EQ(test, owner.block.order, part.order);
	KUNIT_EXPECT_TRUE(test, owner.block.part);
	KUNIT_EXPECT_PTR_EQ(test, owner.block.data, b.data);
	KUNIT_EXPECT_EQ(test, owner.failure.offset, 3 * GRANULE);
	KUNIT_EXPECT_EQ(test, owner.failure.length, 2 * GRANULE);
	potad_test_sound(test, pool);
	/* It can give up that part, as it was told of it. */
	KUNIT_EXPECT_EQ(test, potad_free(&owner.block), 0);
	expect_gone(test, pool, part.phys);
	expect_found(test, pool, b.phys, &b);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 2);
}

/* Two add and free parts of one descriptor; whoever looks sees that one or nothing. */
struct crowd {
	struct potad_pool	*pool;
	struct potad_block	first;
	struct potad_block	other;		/* has parts of another descriptor */
	struct rnd_state	rnd[3];
	u64			deadline;
	unsigned int		steps[3], found;
	atomic_t		wrong;
};

static void add_and_free(struct crowd *c, unsigned int me)
{
	const struct potad_block *whose;
	struct potad_block held[8];
	unsigned int nr = 0, i;

	while (potad_test_time_left(c->deadline)) {
		c->steps[me]++;
		/* The first is both CPUs'. */
		whose = me && c->steps[me] % 2 ? &c->other : &c->first;
		if (nr < ARRAY_SIZE(held) && potad_test_below(&c->rnd[me], 2)) {
			if (!potad_alloc_part(whose, potad_test_below(&c->rnd[me], 5),
					      GFP_KERNEL, &held[nr]))
				nr++;
		} else if (nr) {
			i = potad_test_below(&c->rnd[me], nr);
			if (potad_free(&held[i]))
				atomic_inc(&c->wrong);
			held[i] = held[--nr];
		}
	}
	while (nr--)
		if (potad_free(&held[nr]))
			atomic_inc(&c->wrong);
}

static void look(struct crowd *c, unsigned int me)
{
	struct potad_block b;
	phys_addr_t phys;

	c->steps[me]++;
	phys = POTAD_TEST_START + potad_test_below(&c->rnd[me], SZ_64K);
	if (potad_get(c->pool, phys, &b))
		return;
	c->found++;
	if (b.phys > phys || phys - b.phys >= b.bytes || b.type != c->first.type ||
	    (b.data != c->first.data && b.data != c->other.data) ||
	    b.generation != (b.data == c->first.data ? c->first : c->other).generation)
		atomic_inc(&c->wrong);
	potad_put(&b);
}

static void crowd_fn(void *arg, unsigned int me)
{
	struct crowd *c = arg;

	if (me < 2)
		add_and_free(c, me);
	else
		while (potad_test_time_left(c->deadline))
			look(c, me);
}

static void parts_of_two_cpus(struct kunit *test)
{
	struct crowd *c = potad_test_memory(test, sizeof(*c));
	struct potad_test_owner owner = { };
	struct potad_type *type;
	unsigned int i;

	potad_test_seed(test, &c->rnd[0]);
	for (i = 1; i < 3; i++)
		prandom_seed_state(&c->rnd[i], prandom_u32_state(&c->rnd[0]));
	c->pool = pool_and_type(test, &type);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, &owner, &c->first), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, &owner, &c->other), 0);
	c->deadline = potad_test_deadline();
	potad_test_parallel(test, min(3U, max(2U, num_online_cpus())), crowd_fn, c);
	if (!c->steps[2])	/* no third CPU */
		kunit_info(test, "nobody has looked\n");
	kunit_info(test, "%u and %u changes, %u lookups, %u found\n", c->steps[0], c->steps[1],
		   c->steps[2], c->found);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->wrong), 0);
	potad_test_sound(test, c->pool);
	KUNIT_EXPECT_EQ(test, potad_free(&c->first), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&c->other), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 2);
	potad_test_all_free(test, c->pool, 0);
}

/* The same with one who changes, where there are two CPUs. */
static void change_or_look(void *arg, unsigned int me)
{
	struct crowd *c = arg;

	if (!me)
		add_and_free(c, 1);
	else
		while (potad_test_time_left(c->deadline))
			look(c, 2);
}

static void lookups_while_parts_come_and_go(struct kunit *test)
{
	struct crowd *c = potad_test_memory(test, sizeof(*c));
	struct potad_type *type;

	potad_test_seed(test, &c->rnd[1]);
	c->rnd[2] = c->rnd[1];
	c->pool = pool_and_type(test, &type);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, NULL, &c->first), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &c->other), 0);
	c->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, change_or_look, c);
	kunit_info(test, "%u changes, %u lookups, %u found\n", c->steps[1], c->steps[2], c->found);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->wrong), 0);
	potad_test_sound(test, c->pool);
	KUNIT_EXPECT_EQ(test, potad_free(&c->first), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&c->other), 0);
	potad_test_all_free(test, c->pool, 0);
}

static struct kunit_case part_cases[] = {
	KUNIT_CASE(each_byte_of_each_part_leads_to_the_descriptor),
	KUNIT_CASE(parts_go_one_by_one_in_any_order),
	KUNIT_CASE(parts_go_with_the_last_reference),
	KUNIT_CASE(part_that_is_freed_wrongly_stays),
	KUNIT_CASE(type_must_have_said_so),
	KUNIT_CASE(no_memory_for_a_part_changes_nothing),
	KUNIT_CASE(failure_in_a_part_tells_the_owner_which),
	KUNIT_CASE_SLOW(parts_of_two_cpus),
	KUNIT_CASE_SLOW(lookups_while_parts_come_and_go),
	{ }
};

static struct kunit_suite part_suite = {
	.name = "potad_part",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = part_cases,
};

kunit_test_suite(part_suite);

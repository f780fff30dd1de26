// SPDX-License-Identifier: GPL-2.0
/*
 * Pool: blocks with descriptors, over addresses at which there is nothing.
 *
 * Nothing may look at the memory itself, so a pool can begin at an address that
 * no machine has; were it touched, this would not end well.  Blocks of all kinds
 * (with descriptors of six sizes, one of them none) are allocated, looked up from
 * every side, and given back rightly, wrongly, twice, and by two CPUs at once.
 *
 * What memory failure does to them is in failure_kunit.c.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_4M
#define GRANULE		512ULL
#define MAX_ORDER	13		/* all of it */

static void kind_name(const struct potad_test_kind *kind, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "descriptor of %u bytes", kind->desc_size);
}

KUNIT_ARRAY_PARAM(kind, potad_test_kinds, kind_name);

/* All but the first have a descriptor. */
static const unsigned int described[] = { 1, 2, 3, 4, 5 };

/* Where the size does not matter: none, the smallest and the largest. */
static const unsigned int few[] = { 0, 1, 5 };

static void index_name(const unsigned int *index, char *name)
{
	kind_name(&potad_test_kinds[*index], name);
}

KUNIT_ARRAY_PARAM(described, described, index_name);
KUNIT_ARRAY_PARAM(few, few, index_name);

static struct potad_pool *pool_and_type(struct kunit *test, unsigned int kind,
					struct potad_type **type)
{
	*type = potad_test_types[kind];
	return potad_test_pool(test, BYTES, GRANULE);
}

/* The same, where the parameter is a kind, or the index of one. */
static struct potad_pool *pool_of_kind(struct kunit *test, struct potad_type **type)
{
	const struct potad_test_kind *kind = test->param_value;

	return pool_and_type(test, kind - potad_test_kinds, type);
}

static struct potad_pool *pool_of_param(struct kunit *test, struct potad_type **type)
{
	return pool_and_type(test, *(const unsigned int *)test->param_value, type);
}

/* What is at an address: @block, seen from anywhere in it. */
static void expect_block_at(struct kunit *test, struct potad_pool *pool,
			    phys_addr_t phys, const struct potad_block *block,
			    const struct potad_test_owner *owner)
{
	struct potad_block found = { };
	struct potad_info info;
	char name[48] = "";

	KUNIT_ASSERT_EQ(test, potad_lookup(pool, phys, &info), 0);
	KUNIT_EXPECT_EQ_MSG(test, info.what, POTAD_IS_BLOCK, "0x%llx", (u64)phys);
	KUNIT_EXPECT_EQ(test, info.phys, block->phys);
	KUNIT_EXPECT_EQ(test, info.bytes, block->bytes);
	KUNIT_EXPECT_EQ(test, info.order, block->order);
	KUNIT_EXPECT_FALSE(test, info.failed);
	KUNIT_EXPECT_STREQ(test, info.type, block->type->name);
	if (block->data)
		snprintf(name, sizeof(name), "owner:%lx", (unsigned long)owner);
	KUNIT_EXPECT_STREQ(test, info.owner, name);

	if (!block->data) {
		KUNIT_EXPECT_EQ(test, potad_get(pool, phys, &found), -EOPNOTSUPP);
		return;
	}
	KUNIT_ASSERT_EQ(test, potad_get(pool, phys, &found), 0);
	KUNIT_EXPECT_EQ(test, found.phys, block->phys);
	KUNIT_EXPECT_EQ(test, found.bytes, block->bytes);
	KUNIT_EXPECT_EQ(test, found.order, block->order);
	KUNIT_EXPECT_PTR_EQ(test, found.type, block->type);
	KUNIT_EXPECT_PTR_EQ(test, found.data, block->data);
	potad_put(&found);
}

static void expect_no_block_at(struct kunit *test, struct potad_pool *pool,
			       phys_addr_t phys, enum potad_what what)
{
	struct potad_block found;
	struct potad_info info;

	KUNIT_ASSERT_EQ(test, potad_lookup(pool, phys, &info), 0);
	/* Whether it is at hand somewhere does not matter here. */
	if (info.what == POTAD_IS_CACHED)
		info.what = POTAD_IS_FREE;
	KUNIT_EXPECT_EQ_MSG(test, info.what, what, "0x%llx", (u64)phys);
	KUNIT_EXPECT_STREQ(test, info.type, "");
	KUNIT_EXPECT_STREQ(test, info.owner, "");
	KUNIT_EXPECT_TRUE(test, info.phys <= phys && phys - info.phys < info.bytes);
	KUNIT_EXPECT_EQ(test, potad_get(pool, phys, &found), -ENOENT);
}

/* Allocation and free */

static void block_of_each_order_is_described_all_over(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_kind(test, &type);
	struct potad_block b;
	unsigned int k;

	for (k = 0; k <= MAX_ORDER; k++) {
		KUNIT_ASSERT_EQ(test, potad_alloc(type, k, GFP_KERNEL, &owner, &b), 0);
		KUNIT_EXPECT_EQ(test, b.order, k);
		KUNIT_EXPECT_EQ(test, b.bytes, GRANULE << k);
		KUNIT_EXPECT_EQ(test, (b.phys - START) % b.bytes, 0);
		KUNIT_EXPECT_TRUE(test, b.phys >= START && b.phys + b.bytes <= START + BYTES);
		KUNIT_EXPECT_PTR_EQ(test, b.type, type);
		KUNIT_EXPECT_EQ(test, !!b.data, !!type->desc_size);

		expect_block_at(test, pool, b.phys, &b, &owner);
		expect_block_at(test, pool, b.phys + 1, &b, &owner);
		expect_block_at(test, pool, b.phys + b.bytes / 2, &b, &owner);
		expect_block_at(test, pool, b.phys + b.bytes - 1, &b, &owner);
		if (b.phys > START)
			expect_no_block_at(test, pool, b.phys - 1, POTAD_IS_FREE);
		if (b.phys + b.bytes < START + BYTES)
			expect_no_block_at(test, pool, b.phys + b.bytes, POTAD_IS_FREE);

		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
		expect_no_block_at(test, pool, b.phys, POTAD_IS_FREE);
		expect_no_block_at(test, pool, b.phys + b.bytes - 1, POTAD_IS_FREE);
	}
	if (type->desc_size) {
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.inits), MAX_ORDER + 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), MAX_ORDER + 1);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 0);
	potad_test_all_free(test, pool, 0);
}

static void blocks_side_by_side_keep_their_owners(struct kunit *test)
{
	/* A page full of small ones, then larger ones. */
	static const unsigned int orders[] = { 0, 0, 1, 2, 0, 0, 3, 4, 1, 6, 9, 10 };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_test_owner *owner;
	struct potad_block *b;
	unsigned int i, j;

	owner = potad_test_memory(test, ARRAY_SIZE(orders) * sizeof(*owner));
	b = potad_test_memory(test, ARRAY_SIZE(orders) * sizeof(*b));
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		KUNIT_ASSERT_EQ(test, potad_alloc(type, orders[i], GFP_KERNEL,
						  &owner[i], &b[i]), 0);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (j = i; j < ARRAY_SIZE(orders); j++) {
			expect_block_at(test, pool, b[j].phys, &b[j], &owner[j]);
			expect_block_at(test, pool, b[j].phys + b[j].bytes - 1, &b[j], &owner[j]);
		}
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
		expect_no_block_at(test, pool, b[i].phys, POTAD_IS_FREE);
	}
	potad_test_all_free(test, pool, 0);
}

static void descriptor_is_the_owners_to_its_last_byte(struct kunit *test)
{
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b[9];
	unsigned int i;

	/* KASAN sees a byte too far; the pool would miss its own header. */
	for (i = 0; i < ARRAY_SIZE(b); i++)
		KUNIT_ASSERT_EQ(test, potad_alloc(type, i, GFP_KERNEL, NULL, &b[i]), 0);
	for (i = 0; i < ARRAY_SIZE(b); i++)
		memset((u8 *)b[i].data + 8, 0xa0 + i, type->desc_size - 8);
	for (i = 0; i < ARRAY_SIZE(b); i++)
		KUNIT_EXPECT_NULL(test, memchr_inv((u8 *)b[i].data + 8, 0xa0 + i,
						   type->desc_size - 8));
	for (i = 0; i < ARRAY_SIZE(b); i++) {
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
		/* Zeroed if that was asked for: but for what init has put in. */
		KUNIT_ASSERT_EQ(test, potad_alloc(type, i, GFP_KERNEL | __GFP_ZERO,
						  NULL, &b[i]), 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(b[i].data, 0, type->desc_size));
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
	}
	potad_test_all_free(test, pool, 0);
}

static void nothing_is_left_of_many_blocks(struct kunit *test)
{
	struct potad_type **type = potad_test_types;
	struct potad_test_owner owner = { };
	struct potad_pool_count count;
	struct potad_block *b;
	struct potad_pool *pool;
	u32 *order, i, nr = 0;
	struct rnd_state rnd;
	u64 bytes;

	potad_test_seed(test, &rnd);
	pool = potad_test_pool(test, BYTES, GRANULE);
	bytes = potad_index_bytes(&pool->index);
	b = potad_test_memory(test, 150 * sizeof(*b));
	order = potad_test_memory(test, 150 * sizeof(*order));
	for (i = 0; i < 150; i++) {
		if (potad_alloc(type[i % POTAD_TEST_KINDS], potad_test_below(&rnd, 6),
				GFP_KERNEL, &owner, &b[nr]))
			continue;
		order[nr] = nr;
		nr++;
	}
	potad_test_sound(test, pool);
	potad_test_shuffle(&rnd, order, nr);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, potad_free(&b[order[i]]), 0);
	for (i = 0; i < POTAD_TEST_KINDS; i++) {
		KUNIT_EXPECT_EQ(test, potad_type_live(type[i]).blocks, 0);
		KUNIT_EXPECT_EQ(test, potad_type_live(type[i]).bytes, 0);
		KUNIT_EXPECT_EQ(test, potad_type_live(type[i]).pins, 0);
	}
	potad_pool_counts(pool, &count);
	KUNIT_EXPECT_EQ(test, count.allocs, nr);
	KUNIT_EXPECT_EQ(test, count.frees, nr);
	KUNIT_EXPECT_EQ(test, count.alloc_failures, 150 - nr);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.inits), atomic_read(&owner.releases));
	potad_pool_drain(pool);
	/* (A maple tree keeps what it has.) */
	if (pool->index.kind != POTAD_INDEX_MAPLE)
		KUNIT_EXPECT_EQ(test, potad_index_bytes(&pool->index), bytes);
	potad_test_all_free(test, pool, 0);
}

/* What cannot be had */

static void bytes_become_orders(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, 3 * SZ_1M, GRANULE);
	static const struct { u64 bytes; int order; } sizes[] = {
		{ 0, -EINVAL }, { 1, 0 }, { 511, 0 }, { 512, 0 }, { 513, 1 },
		{ 1024, 1 }, { 1025, 2 }, { 4096, 3 }, { 4097, 4 },
		{ SZ_1M, 11 }, { SZ_2M, 12 }, { SZ_2M + 1, -E2BIG },
		{ 3 * SZ_1M, -E2BIG }, { 3 * SZ_1M + 1, -E2BIG },
		{ (1ULL << 32) + 512, -E2BIG }, { 1ULL << 63, -E2BIG },
		{ U64_MAX - 511, -E2BIG }, { U64_MAX, -E2BIG },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		KUNIT_EXPECT_EQ_MSG(test, potad_order(pool, sizes[i].bytes), sizes[i].order,
				    "%llu bytes", sizes[i].bytes);
}

static void order_beyond_the_pool_is_refused(struct kunit *test)
{
	static const unsigned int orders[] = {
		MAX_ORDER + 1, 47, 48, 63, 64, 255, 1U << 31, UINT_MAX,
	};
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_pool_count count;
	struct potad_block b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		KUNIT_EXPECT_EQ(test, potad_alloc(type, orders[i], GFP_KERNEL, &owner, &b),
				-EINVAL);
	/* Whatever was begun was undone without telling anybody. */
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.inits), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
	potad_pool_counts(pool, &count);
	KUNIT_EXPECT_EQ(test, count.alloc_failures, ARRAY_SIZE(orders));
	potad_test_all_free(test, pool, 0);
}

static void full_pool_says_so_and_recovers(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b[8], more;
	unsigned int i;

	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_EQ(test, potad_alloc(type, 10, GFP_KERNEL, &owner, &b[i]), 0);
	for (i = 0; i <= MAX_ORDER; i++)
		KUNIT_EXPECT_EQ(test, potad_alloc(type, i,
						  GFP_KERNEL, &owner, &more), -ENOSPC);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 8);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).bytes, BYTES);
	KUNIT_EXPECT_EQ(test, potad_free(&b[3]), 0);
	KUNIT_EXPECT_EQ(test, potad_alloc(type, 11, GFP_KERNEL, &owner, &more), -ENOSPC);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 10, GFP_KERNEL, &owner, &b[3]), 0);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
	potad_test_all_free(test, pool, 0);
}

static void no_memory_for_the_descriptor_changes_nothing(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	unsigned int nth, left, failed = 0, done_without = 0;
	struct potad_block b;
	int err;

	/* Each allocation in turn, until none is left that could fail. */
	for (nth = 1; nth < 20; nth++) {
		int inits = atomic_read(&owner.inits);

		potad_test_fail_nth(test, nth);
		err = potad_alloc(type, 0, GFP_NOWAIT | __GFP_NOWARN, &owner, &b);
		left = potad_test_fail_nth(test, 0);
		if (!err) {
			KUNIT_ASSERT_EQ(test, potad_free(&b), 0);
			if (left)
				break;
			done_without++;
			continue;
		}
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, left, 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.inits), inits);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
		potad_test_all_free(test, pool, 0);
		failed++;
	}
	/*
	 * The descriptor and the line, or the line alone.  (The slab allocator can
	 * do without some of what it asks for; then a line is left from that try.)
	 */
	KUNIT_EXPECT_GE(test, failed, 1);
	KUNIT_EXPECT_GE(test, failed + done_without, type->desc_size ? 2 : 1);
	KUNIT_EXPECT_LT(test, nth, 20);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.inits), atomic_read(&owner.releases));
	potad_test_all_free(test, pool, 0);
}

/* F20 */
static void free_succeeds_when_memory_does_not(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b[8];
	unsigned int i;
	int err = 0;

	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_EQ(test, potad_alloc(type, i / 2, GFP_KERNEL, &owner, &b[i]), 0);
	/* Each allocation that the frees might want, fails. */
	for (i = 0; i < 8; i++) {
		potad_test_fail_nth(test, 1);
		err = err ?: potad_free(&b[i]);
		potad_test_fail_nth(test, 0);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	potad_test_all_free(test, pool, 0);
}

/* Given back wrongly */

/* F12 */
static void second_free_is_refused(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b, ref = { };

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 2, GFP_KERNEL, &owner, &b), 0);
	if (type->desc_size) {
		/* While a reference keeps the descriptor, that is certain. */
		KUNIT_ASSERT_EQ(test, potad_get(pool, b.phys, &ref), 0);
	}
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 2, type), -ENOENT);
	if (type->desc_size) {
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
		potad_put(&ref);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	}
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 2, type), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
	potad_test_all_free(test, pool, 0);
}

/* F14, F15 */
static void block_that_does_not_fit_together_is_refused(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b, bad;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 4, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < 8; i++) {
		bad = b;
		switch (i) {
		case 0:
			bad.order = 3;
			break;
		case 1:
			bad.order = 5;
			break;
		case 2:
			bad.phys += GRANULE;
			break;
		case 3:
			bad.phys += b.bytes;
			break;
		case 4:
			bad.phys = START - GRANULE;
			break;
		case 5:
			bad.phys = START + BYTES;
			break;
		case 6:
			bad.phys = U64_MAX;
			break;
		case 7:
			bad.order = 0;
			break;
		}
		KUNIT_EXPECT_NE_MSG(test, potad_free(&bad), 0, "case %u", i);
		expect_block_at(test, pool, b.phys, &b, &owner);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

/* F14, F15, F16 */
static void free_by_address_checks_everything(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type, *other;
	struct potad_pool *pool = pool_of_param(test, &type);
	phys_addr_t bare;
	struct potad_block b;

	other = potad_test_types[type == potad_test_types[1] ? 2 : 1];
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 4, GFP_KERNEL, &owner, &b), 0);
	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 4, &bare), 0);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, START - 1, 4, type), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, START + BYTES, 4, type), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, 0, 4, type), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, U64_MAX, 4, type), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 4, other), -EPERM);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 3, type), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 5, type), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, UINT_MAX, type), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys + 1, 4, type), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys + GRANULE, 4, type), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys + GRANULE, 0, type), -EINVAL);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, bare, 4, type), -EPERM);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, START + BYTES - 1, 0, type), -ENOENT);
	expect_block_at(test, pool, b.phys, &b, &owner);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);

	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 4, type), 0);
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, b.phys, 4, type), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).pins, 0);
	potad_bare_free(pool, bare, 4);
	potad_test_all_free(test, pool, 0);
}

/* Handles */

/* F17: what was allocated there before is not what is there now. */
static void stale_handle_is_refused(struct kunit *test)
{
	struct potad_test_owner first = { }, second = { };
	struct potad_type *type, *other;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block old, b;
	unsigned int i;

	other = potad_test_types[type == potad_test_types[1] ? 2 : 1];
	for (i = 0; i < 6; i++) {
		bool same = i & 1;

		/* All of the pool, so that it is the same place. */
		KUNIT_ASSERT_EQ(test, potad_alloc(type, MAX_ORDER, GFP_KERNEL, &first, &old), 0);
		KUNIT_ASSERT_EQ(test, potad_free(&old), 0);
		KUNIT_ASSERT_EQ(test, potad_alloc(same ? type : other, MAX_ORDER, GFP_KERNEL,
						  &second, &b), 0);
		KUNIT_ASSERT_EQ(test, b.phys, old.phys);
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &old), same ? -ENOENT : -EPERM);
		KUNIT_EXPECT_NE(test, potad_free(&old), 0);
		expect_block_at(test, pool, b.phys, &b, &second);
		potad_test_sound(test, pool);
		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&second.inits), atomic_read(&second.releases));
	potad_test_all_free(test, pool, 0);
}

/* F12, F17: the same where the descriptor, too, is the same: it comes out of the stock. */
static void stale_handle_of_the_same_descriptor_is_refused(struct kunit *test)
{
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, 2, &type);
	struct potad_block old, b;
	unsigned int i, same = 0;

	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &old), 0);
		KUNIT_ASSERT_EQ(test, potad_free(&old), 0);
		KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &b), 0);
		same += old.data == b.data && old.phys == b.phys;
		KUNIT_EXPECT_EQ(test, potad_free(&old), -ENOENT);
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &old), -ENOENT);
		expect_block_at(test, pool, b.phys, &b, NULL);
		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	}
	KUNIT_EXPECT_GT(test, same, 0);
	potad_test_all_free(test, pool, 0);
}

/* F13 */
static void handle_that_was_never_issued_is_refused(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b, bad = { };
	unsigned int i;
	const u64 phys[] = {
		0, 1, U64_MAX, (unsigned long)&owner, (unsigned long)pool, START - GRANULE,
		START + BYTES, START + BYTES - GRANULE,
	};

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 3, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < ARRAY_SIZE(phys); i++) {
		bad = b;
		bad.phys = phys[i];
		KUNIT_EXPECT_EQ_MSG(test, potad_free_checked(pool, &bad),
				    phys[i] == START + BYTES - GRANULE ? -ENOENT : -ENXIO,
				    "0x%llx", phys[i]);
		KUNIT_EXPECT_NE_MSG(test, potad_free(&bad), 0, "0x%llx", phys[i]);
	}
	/* Nothing of these is looked at. */
	bad = (struct potad_block){ };
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -ENXIO);
	bad = b;
	bad.data = (void *)1;
	bad.type = (void *)U64_MAX;
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -EPERM);
	bad = b;
	bad.generation++;
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_free(&bad), -ENOENT);
	expect_block_at(test, pool, b.phys, &b, &owner);
	potad_test_sound(test, pool);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

/* By its first byte, any one inside, and its last. */
static void expect_place(struct kunit *test, struct potad_pool *pool, phys_addr_t phys,
			 u64 bytes, enum potad_what what, const char *type)
{
	struct potad_info info;
	struct potad_block b;
	unsigned int i;
	int err;

	for (i = 0; i < 5; i++) {
		phys_addr_t at = phys + (bytes - 1) * i / 4;

		KUNIT_ASSERT_EQ(test, potad_lookup(pool, at, &info), 0);
		KUNIT_EXPECT_EQ_MSG(test, info.what, what, "byte %llu of %llu", (u64)(at - phys),
				    bytes);
		KUNIT_EXPECT_EQ(test, info.phys, phys);
		KUNIT_EXPECT_EQ(test, info.bytes, bytes);
		KUNIT_EXPECT_STREQ(test, info.type, type);
		err = *type ? 0 : -ENOENT;
		if (!strcmp(type, potad_test_kinds[0].name))
			err = -EOPNOTSUPP;
		KUNIT_EXPECT_EQ(test, potad_get(pool, at, &b), err);
		if (!err)
			potad_put(&b);
	}
}

/* F22, F23: all kinds at once, side by side, and none is taken for another. */
static void every_byte_says_what_it_is(struct kunit *test)
{
	static const struct potad_hole hole = { START + SZ_1M, 3 * GRANULE };
	struct potad_pool *pool = potad_test_pool_with_holes(test, BYTES, GRANULE, &hole, 1);
	struct potad_block big, small, raw, stocked;
	phys_addr_t bare, cached;
	struct potad_info info;
	unsigned int i;
	const phys_addr_t outside[] = { 0, START - 1, START + BYTES, U64_MAX };

	/* From the largest on, so that they lie where they do not disturb each other. */
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 9, GFP_KERNEL, NULL, &big), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[0], 7, GFP_KERNEL, NULL, &raw), 0);
	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 5, &bare), 0);
	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 3, &cached), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 2, GFP_KERNEL, NULL, &stocked), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[1], 0, GFP_KERNEL, NULL, &small), 0);
	potad_bare_free(pool, cached, 3);
	KUNIT_ASSERT_EQ(test, potad_free(&stocked), 0);

	expect_place(test, pool, big.phys, big.bytes, POTAD_IS_BLOCK, potad_test_kinds[2].name);
	expect_place(test, pool, raw.phys, raw.bytes, POTAD_IS_BLOCK, potad_test_kinds[0].name);
	expect_place(test, pool, small.phys, small.bytes, POTAD_IS_BLOCK,
		     potad_test_kinds[1].name);
	expect_place(test, pool, bare, GRANULE << 5, POTAD_IS_BARE, "");
	expect_place(test, pool, cached, GRANULE << 3, POTAD_IS_CACHED, "");
	expect_place(test, pool, stocked.phys, stocked.bytes, POTAD_IS_CACHED, "");
	for (i = 0; i < 3; i++)
		expect_place(test, pool, hole.phys + i * GRANULE, GRANULE, POTAD_IS_HOLE, "");
	/* The last megabytes are free, as one; a granule fails in the last but one. */
	expect_place(test, pool, START + 2 * SZ_1M, SZ_2M, POTAD_IS_FREE, "");
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START + 2 * SZ_1M, 1, 0), 0);
	expect_place(test, pool, START + 2 * SZ_1M, GRANULE, POTAD_IS_QUARANTINED, "");
	expect_place(test, pool, START + 2 * SZ_1M + GRANULE, GRANULE, POTAD_IS_FREE, "");
	expect_place(test, pool, START + 3 * SZ_1M, SZ_1M, POTAD_IS_FREE, "");
	/* F18 */
	KUNIT_EXPECT_EQ(test, potad_test_free_at(pool, START + 2 * SZ_1M, 0, big.type),
			-EHWPOISON);
	expect_place(test, pool, START + 2 * SZ_1M, GRANULE, POTAD_IS_QUARANTINED, "");
	for (i = 0; i < ARRAY_SIZE(outside); i++)
		KUNIT_EXPECT_EQ(test, potad_lookup(pool, outside[i], &info), -ENXIO);

	potad_bare_free(pool, bare, 5);
	KUNIT_EXPECT_EQ(test, potad_free(&big), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&raw), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&small), 0);
	potad_test_all_free(test, pool, 1);
}

/* Memory of somebody else's (slab, vmalloc, potad's own descriptors) is none of ours. */
static void foreign_memory_is_refused(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_type *type = potad_test_types[2];
	void *large = potad_test_memory(test, SZ_1M);
	struct potad_block b, bad, found;
	struct potad_info info;
	unsigned int i;
	void *slab = kunit_kzalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, slab);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 3, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < 4; i++) {
		const void *where[] = { slab, b.data, type, NULL };
		phys_addr_t phys = where[i] ? virt_to_phys((void *)where[i]) :
				   page_to_phys(is_vmalloc_addr(large) ? vmalloc_to_page(large) :
							virt_to_page(large));
		struct potad_adjacent run = { .phys = phys, .bytes = GRANULE };

		phys = ALIGN_DOWN(phys, GRANULE);
		run.phys = phys;
		bad = b;
		bad.phys = phys;
		KUNIT_EXPECT_EQ(test, potad_lookup(pool, phys, &info), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_get(pool, phys, &found), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_dirty(pool, phys), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &bad), -ENXIO);
		KUNIT_EXPECT_NE(test, potad_free(&bad), 0);
		KUNIT_EXPECT_EQ(test, potad_migrate(pool, phys, NULL), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_evacuate(pool, phys, GRANULE, NULL, NULL), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_alloc_at(type, phys, 0, GFP_KERNEL, NULL, NULL, NULL,
						     &found), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, phys, 1, 0), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_unpoison(pool, phys, 1), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_run_free(pool, &run), -ENXIO);
	}
	expect_block_at(test, pool, b.phys, &b, &owner);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells) + atomic_read(&owner.asked), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	potad_test_all_free(test, pool, 0);
}

/* What a release does that it should not. */
struct again {
	struct potad_block	block;
	struct potad_pool	*pool;
	unsigned int		releases;
	int			free, checked, get;
};

static void again_init(void *data, void *arg)
{
	*(struct again **)data = arg;
}

static void again_release(void *data)
{
	struct again *a = *(struct again **)data;
	struct potad_block b;

	a->releases++;
	a->free = potad_free(&a->block);
	a->checked = potad_free_checked(a->pool, &a->block);
	a->get = potad_get(a->pool, a->block.phys, &b);
}

static void release_that_frees_again_is_refused(struct kunit *test)
{
	static const struct potad_ops ops = { .init = again_init, .release = again_release };
	const struct potad_type_info ti = {
		.name = "again", .desc_size = 8, .mobility = POTAD_PINNED, .ops = &ops,
		.module = THIS_MODULE,
	};
	struct potad_type *type = potad_test_type_kept(test, potad_type_create(&ti));
	struct again a = { .pool = potad_test_pool(test, BYTES, GRANULE) };
	struct potad_block ref;
	unsigned int k;

	KUNIT_ASSERT_EQ(test, potad_type_bind(type, a.pool), 0);
	for (k = 0; k <= MAX_ORDER; k++) {
		a.releases = 0;
		KUNIT_ASSERT_EQ(test, potad_alloc(type, k, GFP_KERNEL, &a, &a.block), 0);
		KUNIT_ASSERT_EQ(test, potad_get(a.pool, a.block.phys, &ref), 0);
		KUNIT_EXPECT_EQ(test, potad_free(&a.block), 0);
		KUNIT_EXPECT_EQ(test, a.releases, 0);
		potad_put(&ref);
		KUNIT_EXPECT_EQ(test, a.releases, 1);
		KUNIT_EXPECT_EQ(test, a.free, -ENOENT);
		KUNIT_EXPECT_EQ(test, a.checked, -ENOENT);
		KUNIT_EXPECT_LT(test, a.get, 0);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
	}
	potad_test_all_free(test, a.pool, 0);
}

static void each_kind_of_place_is_told_apart(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_type *type = potad_test_types[1];
	struct potad_info info;
	struct potad_block b;
	phys_addr_t bare;

	/* In stock after it was freed; free when all has gone back. */
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_ASSERT_EQ(test, potad_lookup(pool, b.phys, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_CACHED);
	KUNIT_EXPECT_EQ(test, info.phys, b.phys);
	KUNIT_EXPECT_STREQ(test, info.type, "");
	KUNIT_EXPECT_STREQ(test, info.owner, "");
	KUNIT_EXPECT_EQ(test, potad_get(pool, b.phys, &b), -ENOENT);
	potad_test_sound(test, pool);
	potad_pool_drain(pool);
	KUNIT_ASSERT_EQ(test, potad_lookup(pool, b.phys, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_FREE);

	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 2, &bare), 0);
	KUNIT_ASSERT_EQ(test, potad_lookup(pool, bare + 1, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_BARE);
	potad_bare_free(pool, bare, 2);
	KUNIT_ASSERT_EQ(test, potad_lookup(pool, bare + 1, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_CACHED);
	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, bare, 1, 0), 0);
	KUNIT_ASSERT_EQ(test, potad_lookup(pool, bare + 1, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_QUARANTINED);
	potad_test_all_free(test, pool, 1);
}

static void writes_reach_the_owner(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[3], 5, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < 4; i++) {
		u64 offset = (b.bytes - 1) * i / 3;

		KUNIT_EXPECT_EQ(test, potad_dirty(pool, b.phys + offset), 0);
		KUNIT_EXPECT_EQ(test, owner.dirtied, offset);
	}
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_dirty(pool, b.phys), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_dirty(pool, START - 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_dirty(pool, START + BYTES), -ENXIO);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[0], 5, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_dirty(pool, b.phys), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

static void put_in_irq(void *arg)
{
	potad_put(arg);
}

/* The last one there, with the type's release. */
static void hardirq_may_put_the_last_reference(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, 3, &type);
	struct potad_block b, ref;
	unsigned int k;

	for (k = 0; k <= MAX_ORDER; k++) {
		KUNIT_ASSERT_EQ(test, potad_alloc(type, k, GFP_KERNEL, &owner, &b), 0);
		KUNIT_ASSERT_EQ(test, potad_get(pool, b.phys, &ref), 0);
		KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
		potad_test_hardirq(test, put_in_irq, &ref);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), k + 1);
		potad_test_sound(test, pool);
	}
	potad_test_all_free(test, pool, 0);
}

/* Looking */

/* F22 */
static void outside_there_is_nothing(struct kunit *test)
{
	static const phys_addr_t outside[] = {
		0, 1, START - 1, START + BYTES, START + BYTES + 1, U64_MAX - 511, U64_MAX,
	};
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_info info;
	struct potad_block b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		KUNIT_EXPECT_EQ(test, potad_lookup(pool, outside[i], &info), -ENXIO);
		KUNIT_EXPECT_EQ(test, potad_get(pool, outside[i], &b), -ENXIO);
	}
	expect_no_block_at(test, pool, START, POTAD_IS_FREE);
	expect_no_block_at(test, pool, START + BYTES - 1, POTAD_IS_FREE);
}

static void free_memory_is_one_block(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_info info;

	KUNIT_ASSERT_EQ(test, potad_lookup(pool, START + 12345, &info), 0);
	KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_FREE);
	KUNIT_EXPECT_EQ(test, info.phys, START);
	KUNIT_EXPECT_EQ(test, info.bytes, BYTES);
	KUNIT_EXPECT_EQ(test, info.order, MAX_ORDER);
}

static void bare_block_has_no_owner(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_info info;
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, potad_bare_alloc(pool, 9, &phys), 0);
	expect_no_block_at(test, pool, phys + 777, POTAD_IS_BARE);
	potad_lookup(pool, phys + 777, &info);
	KUNIT_EXPECT_EQ(test, info.phys, phys);
	KUNIT_EXPECT_EQ(test, info.order, 9);
	potad_bare_free(pool, phys, 9);
	expect_no_block_at(test, pool, phys, POTAD_IS_FREE);
	potad_test_all_free(test, pool, 0);
}

/* References */

/* F25 */
static void reference_keeps_a_freed_block(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_and_type(test, 4, &type);
	struct potad_block b, ref[3], all;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 5, GFP_KERNEL, &owner, &b), 0);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, potad_get(pool, b.phys + 512 * i, &ref[i]), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 0);
		KUNIT_EXPECT_EQ(test, potad_alloc(type, MAX_ORDER, GFP_KERNEL, NULL, &all),
				-ENOSPC);
		expect_block_at(test, pool, b.phys, &b, &owner);
		potad_put(&ref[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	expect_no_block_at(test, pool, b.phys, POTAD_IS_FREE);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, MAX_ORDER, GFP_KERNEL, NULL, &all), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&all), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.releases), 1);
	potad_test_all_free(test, pool, 0);
}

struct irq_free {
	struct potad_pool	*pool;
	struct potad_block	block[4];
	int			wrong;
};

static void free_in_irq(void *arg)
{
	struct irq_free *irq = arg;
	struct potad_info info;
	struct potad_block b;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		irq->wrong += !!potad_lookup(irq->pool, irq->block[i].phys, &info);
		irq->wrong += info.what != POTAD_IS_BLOCK;
		irq->wrong += !!potad_free(&irq->block[i]);
	}
	for (i = 0; i < 4; i++) {
		if (potad_alloc(irq->block[0].type, i, GFP_ATOMIC | __GFP_NOWARN,
				NULL, &b))
			continue;
		irq->wrong += !!potad_free(&b);
	}
}

/* F21 */
static void hardirq_may_free_and_look(struct kunit *test)
{
	struct potad_type *type;
	struct irq_free irq = { .pool = pool_of_param(test, &type) };
	unsigned int i;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, potad_alloc(type, 2 * i, GFP_KERNEL, NULL,
						  &irq.block[i]), 0);
	potad_test_hardirq(test, free_in_irq, &irq);
	KUNIT_EXPECT_EQ(test, irq.wrong, 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
	potad_test_all_free(test, irq.pool, 0);
}

/* Creation and end */

static void pools_that_are_refused(struct kunit *test)
{
	static const struct { u64 start, bytes, granule; } bad[] = {
		{ START, BYTES, 0 }, { START, BYTES, 1 }, { START, BYTES, 256 },
		{ START, BYTES, 513 }, { START, BYTES, 768 }, { START, SZ_64M, SZ_4M },
		{ START, 0, 512 }, { START, 1, 512 }, { START, 512, 512 },
		{ START, BYTES + 512, 512 }, { START, BYTES + 1, 512 },
		{ START, SZ_1M, SZ_2M }, { START, 3 * SZ_1M, SZ_2M },
		{ START + 1, BYTES, 512 }, { START + 512, BYTES, 512 },
		{ U64_MAX - PAGE_SIZE + 1, SZ_1M, 512 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct potad_pool *pool;

		pool = potad_pool_create(bad[i].start, bad[i].bytes, bad[i].granule,
					 POTAD_INDEX_WORDS, NULL, 0);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(pool), -EINVAL, "case %u", i);
		if (!IS_ERR(pool))
			potad_pool_destroy(pool);
	}
	/* More than there is memory to manage it with. */
	KUNIT_EXPECT_EQ(test, PTR_ERR(potad_pool_create(START, 1ULL << 51, 512,
							POTAD_INDEX_WORDS, NULL, 0)), -ENOMEM);
}

/* Whichever allocation fails: what was had until then goes back (kmemleak would find it). */
static void no_memory_for_a_pool_leaves_nothing(struct kunit *test)
{
	static const struct potad_hole hole = { START + SZ_64K, SZ_64K };
	unsigned int nth, left, failed = 0;

	for (nth = 1; nth < 100; nth++) {
		struct potad_pool *pool;

		potad_test_fail_nth(test, nth);
		pool = potad_pool_create(START, SZ_1M, GRANULE, POTAD_INDEX_WORDS, &hole, 1);
		left = potad_test_fail_nth(test, 0);
		if (IS_ERR(pool)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(pool), -ENOMEM);
			failed++;
			continue;
		}
		KUNIT_EXPECT_EQ(test, potad_pool_destroy(pool), 0);
		if (left)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 100);
	KUNIT_EXPECT_GE(test, failed, 5);
	kunit_info(test, "%u of %u allocations failed it\n", failed, nth - 1);
}

static void granules_of_all_sizes_work(struct kunit *test)
{
	struct potad_type *type = potad_test_types[3], *raw = potad_test_types[0];
	struct potad_test_owner owner = { };
	u64 granule;

	for (granule = SZ_512; granule <= SZ_2M; granule *= 2) {
		u64 bytes = max_t(u64, 16 * granule, PAGE_SIZE);
		struct potad_pool *pool = potad_pool_create(START, bytes, granule,
							    POTAD_INDEX_WORDS, NULL, 0);
		struct potad_block b[4];
		unsigned int k;

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
		KUNIT_ASSERT_TRUE(test, potad_test_bind_types(pool));
		KUNIT_EXPECT_EQ(test, potad_order(pool, granule), 0);
		KUNIT_EXPECT_EQ(test, potad_order(pool, granule + 1), 1);
		for (k = 0; k < 3; k++) {
			KUNIT_EXPECT_EQ(test, potad_alloc(k % 2 ? raw : type, k, GFP_KERNEL,
							  &owner, &b[k]), 0);
			KUNIT_EXPECT_EQ(test, b[k].bytes, granule << k);
		}
		for (k = 0; k < 3; k++) {
			expect_block_at(test, pool, b[k].phys, &b[k], &owner);
			expect_block_at(test, pool, b[k].phys + b[k].bytes - 1, &b[k], &owner);
			KUNIT_EXPECT_EQ(test, potad_free(&b[k]), 0);
		}
		potad_test_all_free(test, pool, 0);
		potad_test_pool_end(pool);
	}
}

static void pool_with_blocks_is_not_destroyed(struct kunit *test)
{
	struct potad_test_owner owner = { };
	struct potad_type *type;
	struct potad_pool *pool = pool_of_param(test, &type);
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_pool_destroy(pool), -EBUSY);
	expect_block_at(test, pool, b.phys, &b, &owner);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
}

/* Two CPUs */

#define ANCHORS		9
#define MAGIC		0x706f746164ULL

struct churn {
	struct potad_pool	*pool;
	struct potad_type	*type[POTAD_TEST_KINDS];
	struct potad_test_owner	owner;
	struct potad_block	anchor[ANCHORS];
	u64			deadline;
	struct rnd_state	rnd[2];
	unsigned int		steps[2];
	u64			lookups;
	bool			done;		/* enough was looked */
	atomic_t		wrong;		/* answers that cannot be */
	atomic_t		anchors_missed;
	atomic_t		errors;
};

static void churn(struct churn *c)
{
	struct potad_block held[32];
	unsigned int nr = 0, i;

	while (!READ_ONCE(c->done)) {
		c->steps[0]++;
		cond_resched();
		if (nr < ARRAY_SIZE(held) && potad_test_below(&c->rnd[0], 2)) {
			/* Small ones mostly, which share pages with the anchors. */
			unsigned int k = potad_test_below(&c->rnd[0], 4) ?
					 potad_test_below(&c->rnd[0], 4) :
					 potad_test_below(&c->rnd[0], 10);
			struct potad_type *type;

			type = c->type[potad_test_below(&c->rnd[0], POTAD_TEST_KINDS)];
			if (!potad_alloc(type, k, GFP_KERNEL, &c->owner, &held[nr]))
				nr++;
		} else if (nr) {
			i = potad_test_below(&c->rnd[0], nr);
			if (potad_free(&held[i]))
				atomic_inc(&c->errors);
			held[i] = held[--nr];
		}
	}
	while (nr--)
		if (potad_free(&held[nr]))
			atomic_inc(&c->errors);
}

static bool info_is_sane(struct churn *c, phys_addr_t phys, const struct potad_info *info)
{
	unsigned int i;

	if (info->phys > phys || phys - info->phys >= info->bytes ||
	    info->bytes != GRANULE << info->order ||
	    (info->phys - START) % info->bytes || info->failed)
		return false;
	if (info->what != POTAD_IS_BLOCK)
		return info->what != POTAD_IS_QUARANTINED && !info->type[0] && !info->owner[0];
	for (i = 0; i < POTAD_TEST_KINDS; i++)
		if (!strcmp(info->type, potad_test_kinds[i].name))
			/* Owners are named just where there is a descriptor. */
			return !!info->owner[0] == !!potad_test_kinds[i].desc_size;
	return false;
}

static bool look_on(const struct churn *c)
{
	if (!potad_test_lookups())
		return potad_test_time_left(c->deadline);
	cond_resched();
	return c->lookups < potad_test_lookups();
}

static void look(struct churn *c)
{
	struct potad_info info, again;
	struct potad_block b;
	phys_addr_t phys;
	unsigned int i;

	while (look_on(c)) {
		c->steps[1]++;
		c->lookups += 3;	/* at the least */
		phys = START + potad_test_below(&c->rnd[1], BYTES);
		if (c->steps[1] % 2)	/* where most happens */
			phys = START + phys % SZ_64K;
		if (potad_lookup(c->pool, phys, &info) || !info_is_sane(c, phys, &info))
			atomic_inc(&c->wrong);

		/* With a reference it stays what it is. */
		if (!potad_get(c->pool, phys, &b)) {
			if (b.phys > phys || phys - b.phys >= b.bytes || !b.data ||
			    *(struct potad_test_owner **)b.data != &c->owner ||
			    potad_lookup(c->pool, phys, &again) ||
			    again.what != POTAD_IS_BLOCK || again.phys != b.phys ||
			    again.order != b.order || strcmp(again.type, b.type->name))
				atomic_inc(&c->wrong);
			potad_put(&b);
			c->lookups++;
		}

		/* Those that were there all the time are always found. */
		i = potad_test_below(&c->rnd[1], ANCHORS);
		phys = c->anchor[i].phys + potad_test_below(&c->rnd[1], c->anchor[i].bytes);
		if (potad_lookup(c->pool, phys, &info) || info.what != POTAD_IS_BLOCK ||
		    info.phys != c->anchor[i].phys || info.order != c->anchor[i].order ||
		    strcmp(info.type, c->anchor[i].type->name))
			atomic_inc(&c->anchors_missed);
	}
	WRITE_ONCE(c->done, true);
}

static void churn_or_look(void *arg, unsigned int me)
{
	if (me)
		look(arg);
	else
		churn(arg);
}

/* F24 */
static void lookups_while_blocks_come_and_go_are_consistent(struct kunit *test)
{
	static const unsigned int orders[ANCHORS] = { 0, 1, 0, 2, 3, 0, 5, 8, 10 };
	struct churn *c = potad_test_memory(test, sizeof(*c));
	struct rnd_state rnd;
	struct potad_block gap;
	unsigned int i;
	u64 began;

	potad_test_seed(test, &rnd);
	prandom_seed_state(&c->rnd[0], prandom_u32_state(&rnd));
	prandom_seed_state(&c->rnd[1], prandom_u32_state(&rnd));
	memcpy(c->type, potad_test_types, sizeof(c->type));
	c->pool = potad_test_pool(test, BYTES, GRANULE);
	for (i = 0; i < ANCHORS; i++) {
		KUNIT_ASSERT_EQ(test, potad_alloc(c->type[i % POTAD_TEST_KINDS], orders[i],
						  GFP_KERNEL, &c->owner, &c->anchor[i]), 0);
		/* So that others find room beside them. */
		KUNIT_ASSERT_EQ(test, potad_alloc(c->type[1], 0,
						  GFP_KERNEL, NULL, &gap), 0);
		KUNIT_ASSERT_EQ(test, potad_free(&gap), 0);
	}
	potad_pool_drain(c->pool);
	c->deadline = potad_test_deadline();
	began = ktime_get_ns();
	potad_test_parallel(test, 2, churn_or_look, c);
	kunit_info(test, "%u changes, %llu lookups in %llu ms\n", c->steps[0], c->lookups,
		   (ktime_get_ns() - began) / NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->anchors_missed), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->errors), 0);
	for (i = 0; i < ANCHORS; i++)
		KUNIT_EXPECT_EQ(test, potad_free(&c->anchor[i]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->owner.inits), atomic_read(&c->owner.releases));
	potad_test_all_free(test, c->pool, 0);
}

/* At full speed: no descriptors, so no memory is taken meanwhile. */
static void inline_churn_or_look(void *arg, unsigned int me)
{
	struct churn *c = arg;
	struct potad_block b;
	struct potad_info info;
	unsigned int op, k;

	for (op = 0; op % 64 || potad_test_time_left(c->deadline); op++) {
		c->steps[me]++;
		if (!me) {
			k = 3 + op % 10;
			if (potad_alloc(c->type[0], k, GFP_KERNEL, NULL, &b) ||
			    potad_free(&b))
				atomic_inc(&c->errors);
		} else {
			phys_addr_t phys = START + potad_test_below(&c->rnd[1], BYTES);

			if (potad_lookup(c->pool, phys, &info) || !info_is_sane(c, phys, &info))
				atomic_inc(&c->wrong);
		}
	}
}

static void lookups_of_inline_words_are_consistent(struct kunit *test)
{
	struct churn *c = potad_test_memory(test, sizeof(*c));

	potad_test_seed(test, &c->rnd[1]);
	c->pool = pool_and_type(test, 0, &c->type[0]);
	c->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, inline_churn_or_look, c);
	kunit_info(test, "%u changes, %u lookups\n", c->steps[0], c->steps[1]);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->errors), 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(c->type[0]).pins, 0);
	potad_test_all_free(test, c->pool, 0);
}

/* Two give back the same block: one may. */
struct same {
	struct potad_pool	*pool;
	struct potad_block	block;
	atomic_t		step[2];
	atomic_t		freed;
	atomic_t		wrong;
};

static void free_the_same(void *arg, unsigned int me)
{
	struct potad_type *type;
	struct same *s = arg;
	unsigned int op;
	int err;

	type = s->block.type;
	for (op = 1; op <= 50; op++) {
		if (!me) {
			while (potad_alloc(type, op % 6, GFP_KERNEL, NULL, &s->block))
				cond_resched();
			atomic_set(&s->freed, 0);
		}
		potad_test_meet(s->step, me, 3 * op);
		err = potad_free_checked(s->pool, &s->block);
		if (!err)
			atomic_inc(&s->freed);
		else if (err != -ENOENT && err != -EPERM)
			/* -EPERM: it is nobody's any more, and not yet free. */
			atomic_inc(&s->wrong);
		potad_test_meet(s->step, me, 3 * op + 1);
		if (atomic_read(&s->freed) != 1)
			atomic_inc(&s->wrong);
		potad_test_meet(s->step, me, 3 * op + 2);
	}
}

/* F19 */
static void of_two_who_free_one_succeeds(struct kunit *test)
{
	struct same *s = potad_test_memory(test, sizeof(*s));
	struct potad_type *type;

	s->pool = pool_of_param(test, &type);
	s->block.type = type;
	potad_test_parallel(test, 2, free_the_same, s);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->wrong), 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
	potad_test_all_free(test, s->pool, 0);
}

/* One frees while the other takes references to the very same block. */
struct last_put {
	struct potad_pool	*pool;
	struct potad_type	*type;
	struct potad_test_owner	owner;
	phys_addr_t		phys;
	u64			deadline;
	struct rnd_state	rnd[2];
	unsigned int		got, last;
	bool			done;
};

static void free_or_get(void *arg, unsigned int me)
{
	struct last_put *l = arg;
	struct potad_block b;
	int before;

	if (!me) {
		while (potad_test_time_left(l->deadline))
			if (!potad_alloc(l->type, 3, GFP_KERNEL, &l->owner, &b)) {
				WRITE_ONCE(l->phys, b.phys);
				udelay(potad_test_below(&l->rnd[0], 100));
				potad_free(&b);
			}
		WRITE_ONCE(l->done, true);
		return;
	}
	while (!READ_ONCE(l->done)) {
		if (!potad_get(l->pool, READ_ONCE(l->phys), &b)) {
			l->got++;
			udelay(potad_test_below(&l->rnd[1], 100));
			before = atomic_read(&l->owner.releases);
			potad_put(&b);
			l->last += atomic_read(&l->owner.releases) != before;
		}
		cond_resched();
	}
}

/* F24 */
static void last_of_two_releases_once(struct kunit *test)
{
	struct last_put *l = potad_test_memory(test, sizeof(*l));

	potad_test_seed(test, &l->rnd[0]);
	l->rnd[1] = l->rnd[0];
	l->pool = pool_and_type(test, 2, &l->type);
	l->phys = START;
	l->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, free_or_get, l);
	kunit_info(test, "%u blocks, %u references, %u of them the last\n",
		   atomic_read(&l->owner.inits), l->got, l->last);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->owner.releases), atomic_read(&l->owner.inits));
	KUNIT_EXPECT_EQ(test, potad_type_live(l->type).blocks, 0);
	potad_test_all_free(test, l->pool, 0);
}

/*
 * CPU 1 fills and empties its cache, CPU 0 has runs of what comes out of it.  What was
 * had can be given back, though it may still look as if it were cached.
 */
struct runs {
	struct potad_pool	*pool;
	u64			deadline;
	phys_addr_t		phys[256];
	unsigned int		runs;
	atomic_t		refused;
};

static void have_a_run(struct runs *r)
{
	struct potad_adjacent a = { .bytes = GRANULE };

	if (potad_run_alloc(r->pool, &a))
		return;
	r->runs++;
	if (!potad_run_free(r->pool, &a))
		return;
	atomic_inc(&r->refused);
	while (potad_run_free(r->pool, &a) && potad_test_time_left(r->deadline))
		cond_resched();
}

static void run_or_cache(void *arg, unsigned int me)
{
	struct runs *r = arg;
	unsigned int i, n;

	while (potad_test_time_left(r->deadline)) {
		for (i = 0; !me && i < 64; i++)
			have_a_run(r);
		if (!me)
			continue;
		for (n = 0; n < ARRAY_SIZE(r->phys); n++)
			if (potad_bare_alloc(r->pool, 0, &r->phys[n]))
				break;
		for (i = 0; i < n; i++)
			potad_bare_free(r->pool, r->phys[i], 0);
	}
}

static void run_can_be_given_back(struct kunit *test)
{
	struct runs *r = potad_test_memory(test, sizeof(*r));

	r->pool = potad_test_pool(test, BYTES, GRANULE);
	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, run_or_cache, r);
	kunit_info(test, "%u runs\n", r->runs);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->refused), 0);
	potad_test_all_free(test, r->pool, 0);
}

static struct kunit_case pool_cases[] = {
	KUNIT_CASE_PARAM(block_of_each_order_is_described_all_over, kind_gen_params),
	KUNIT_CASE_PARAM(blocks_side_by_side_keep_their_owners, few_gen_params),
	KUNIT_CASE_PARAM(descriptor_is_the_owners_to_its_last_byte, described_gen_params),
	KUNIT_CASE_SLOW(nothing_is_left_of_many_blocks),
	KUNIT_CASE(bytes_become_orders),
	KUNIT_CASE_PARAM(order_beyond_the_pool_is_refused, few_gen_params),
	KUNIT_CASE_PARAM(full_pool_says_so_and_recovers, few_gen_params),
	KUNIT_CASE_PARAM(no_memory_for_the_descriptor_changes_nothing, few_gen_params),
	KUNIT_CASE_PARAM(free_succeeds_when_memory_does_not, few_gen_params),
	KUNIT_CASE_PARAM(second_free_is_refused, few_gen_params),
	KUNIT_CASE_PARAM(block_that_does_not_fit_together_is_refused, few_gen_params),
	KUNIT_CASE_PARAM(free_by_address_checks_everything, few_gen_params),
	KUNIT_CASE_PARAM(stale_handle_is_refused, few_gen_params),
	KUNIT_CASE(stale_handle_of_the_same_descriptor_is_refused),
	KUNIT_CASE_PARAM(handle_that_was_never_issued_is_refused, few_gen_params),
	KUNIT_CASE(every_byte_says_what_it_is),
	KUNIT_CASE(foreign_memory_is_refused),
	KUNIT_CASE(release_that_frees_again_is_refused),
	KUNIT_CASE(each_kind_of_place_is_told_apart),
	KUNIT_CASE(writes_reach_the_owner),
	KUNIT_CASE(hardirq_may_put_the_last_reference),
	KUNIT_CASE(outside_there_is_nothing),
	KUNIT_CASE(free_memory_is_one_block),
	KUNIT_CASE(bare_block_has_no_owner),
	KUNIT_CASE(reference_keeps_a_freed_block),
	KUNIT_CASE_PARAM(hardirq_may_free_and_look, few_gen_params),
	KUNIT_CASE(pools_that_are_refused),
	KUNIT_CASE(no_memory_for_a_pool_leaves_nothing),
	KUNIT_CASE(granules_of_all_sizes_work),
	KUNIT_CASE_PARAM(pool_with_blocks_is_not_destroyed, few_gen_params),
	KUNIT_CASE_SLOW(lookups_while_blocks_come_and_go_are_consistent),
	KUNIT_CASE_SLOW(lookups_of_inline_words_are_consistent),
	KUNIT_CASE_PARAM(of_two_who_free_one_succeeds, few_gen_params),
	KUNIT_CASE_SLOW(last_of_two_releases_once),
	KUNIT_CASE(run_can_be_given_back),
	{ }
};

static struct kunit_suite pool_suite = {
	.name = "potad_pool",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = pool_cases,
};

kunit_test_suite(pool_suite);

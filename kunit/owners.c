// SPDX-License-Identifier: GPL-2.0
/* Pools and owners of blocks for tests; what they are for is told in owners.h. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "owners.h"

static char *index = "words";
module_param(index, charp, 0444);
MODULE_PARM_DESC(index, "of the pools for tests: words, maple or xarray (default words)");

/* The owner that a descriptor belongs to. */
static struct potad_test_owner *owner_of(const void *data)
{
	return *(struct potad_test_owner * const *)data;
}

static void owner_init(void *data, void *arg)
{
	struct potad_test_owner *owner = arg;

	*(struct potad_test_owner **)data = owner;
	if (owner)
		atomic_inc(&owner->inits);
}

static void owner_release(void *data)
{
	if (owner_of(data))
		atomic_inc(&owner_of(data)->releases);
}

static enum potad_answer owner_failure(const struct potad_failure *failure)
{
	struct potad_test_owner *owner = owner_of(failure->block->data);

	if (!owner)
		return POTAD_REFUSED;
	atomic_inc(&owner->tells);
	owner->block = *failure->block;
	owner->failure = *failure;
	owner->failure.block = &owner->block;
	if (owner->hook)
		owner->hook(owner);
	return owner->answer;
}

static int owner_migrate(const struct potad_block *from, const struct potad_block *to)
{
	struct potad_test_owner *owner = owner_of(from->data);

	if (!owner)
		return 0;
	atomic_inc(&owner->asked);
	owner->from = *from;
	owner->to = *to;
	if (owner->move)
		return owner->move(owner);
	return owner->stays;
}

static void owner_dirty(void *data, u64 offset)
{
	if (owner_of(data))
		owner_of(data)->dirtied = offset;
}

static int owner_describe(const void *data, char *buf, size_t size)
{
	return scnprintf(buf, size, "owner:%lx", (unsigned long)owner_of(data));
}

const struct potad_ops potad_test_owner_ops = {
	.init = owner_init,
	.release = owner_release,
	.memory_failure = owner_failure,
	.migrate = owner_migrate,
	.dirty = owner_dirty,
	.describe = owner_describe,
};

const struct potad_test_kind potad_test_kinds[POTAD_TEST_KINDS] = {
	{ "test-0", 0 },
	{ "test-8", 8 },
	{ "test-64", 64 },
	{ "test-96", 96 },
	{ "test-360", 360 },
	{ "test-4096", 4096 },
};

/*
 * A test that failed has left its blocks.  They go, so that the tests after it
 * can do their work; whoever owned them is not there any more.
 */
static void sweep(struct potad_pool *pool)
{
	phys_addr_t phys, next;
	struct potad_info info;
	struct potad_block b;

	potad_pool_drain(pool);
	for (phys = pool->start; phys < pool->start + pool->bytes; phys = next) {
		if (potad_lookup(pool, phys, &info))
			return;
		next = info.phys + info.bytes;
		if (info.what == POTAD_IS_BARE) {
			potad_bare_free(pool, info.phys, info.order);
		} else if (info.what == POTAD_IS_BLOCK && !potad_pool_find(pool, phys, &b)) {
			if (b.data && !b.type->own)
				*(struct potad_test_owner **)b.data = NULL;
			potad_free(&b);
			potad_put(&b);
		}
		cond_resched();
	}
}

static bool unbind_types(struct potad_pool *pool)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < POTAD_TYPES; i++)
		if (pool->types[i] && potad_type_unbind(pool->types[i]))
			ok = false;
	return ok;
}

void potad_test_pool_end(struct potad_pool *pool)
{
	if (!unbind_types(pool) || potad_pool_destroy(pool)) {
		sweep(pool);
		if (!unbind_types(pool) || potad_pool_destroy(pool))
			pr_warn("potad_kunit: a pool is left behind\n");
	}
}

static void destroy_pool(void *data)
{
	potad_test_pool_end(data);
}

/* The suite's types serve this pool from now on; false: no memory. */
bool potad_test_bind_types(struct potad_pool *pool)
{
	unsigned int i;

	for (i = 0; i < POTAD_TEST_KINDS; i++)
		if (potad_test_types[i] && potad_type_bind(potad_test_types[i], pool))
			return false;
	return true;
}

struct potad_pool *potad_test_pool(struct kunit *test, u64 bytes, u64 granule)
{
	return potad_test_pool_with_holes(test, bytes, granule, NULL, 0);
}

struct potad_pool *potad_test_pool_with_holes(struct kunit *test, u64 bytes, u64 granule,
					      const struct potad_hole *holes,
					      unsigned int nr_holes)
{
	enum potad_index_kind kind;
	struct potad_pool *pool;

	KUNIT_ASSERT_EQ(test, potad_index_kind(index, &kind), 0);
	pool = potad_pool_create(POTAD_TEST_START, bytes, granule, kind, holes, nr_holes);
	if (PTR_ERR_OR_ZERO(pool) == -ENOMEM)
		kunit_skip(test, "no memory for a pool of %llu bytes", bytes);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_pool, pool));
	KUNIT_ASSERT_TRUE(test, potad_test_bind_types(pool));
	return pool;
}

static struct potad_type *register_kind(const struct potad_test_kind *kind)
{
	struct potad_type_info info = {
		.name = kind->name,
		.desc_size = kind->desc_size,
		.desc_align = kind->desc_align,
		.flags = kind->flags,
		.mobility = kind->desc_size ? POTAD_MOVABLE : POTAD_PINNED,
		.ops = kind->desc_size ? &potad_test_owner_ops : NULL,
		.module = THIS_MODULE,
	};

	return potad_type_create(&info);
}

static void unregister_type(void *type)
{
	if (type && potad_type_unregister(type))
		pr_warn("potad_kunit: a type is left behind\n");
}

struct potad_type *potad_test_type(struct kunit *test,
				   const struct potad_test_kind *kind)
{
	return potad_test_type_kept(test, register_kind(kind));
}

struct potad_type *potad_test_type_kept(struct kunit *test, struct potad_type *type)
{
	if (PTR_ERR_OR_ZERO(type) == -ENOMEM)
		kunit_skip(test, "no memory for a type");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unregister_type, type));
	return type;
}

struct potad_type *potad_test_types[POTAD_TEST_KINDS];

void potad_test_types_exit(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < POTAD_TEST_KINDS; i++) {
		unregister_type(potad_test_types[i]);
		potad_test_types[i] = NULL;
	}
}

int potad_test_types_init(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < POTAD_TEST_KINDS; i++) {
		struct potad_type *type = register_kind(&potad_test_kinds[i]);

		if (IS_ERR(type)) {
			potad_test_types_exit(suite);
			return PTR_ERR(type);
		}
		potad_test_types[i] = type;
	}
	return 0;
}

/* What is there; at hand for some CPU is as good as free. */
enum potad_what potad_test_what(struct potad_pool *pool, phys_addr_t phys)
{
	struct potad_info info = { };

	potad_lookup(pool, phys, &info);
	return info.what == POTAD_IS_CACHED ? POTAD_IS_FREE : info.what;
}

void potad_test_sound(struct kunit *test, struct potad_pool *pool)
{
	const char *wrong = potad_pool_validate(pool);

	KUNIT_EXPECT_FALSE_MSG(test, wrong, "%s", wrong ?: "");
}

/* Nothing is allocated, and @retired granules are out. */
void potad_test_all_free(struct kunit *test, struct potad_pool *pool,
			 u64 retired)
{
	struct potad_space_stat *stat;

	potad_test_sound(test, pool);
	potad_pool_drain(pool);
	stat = potad_test_memory(test, sizeof(*stat));
	potad_space_stat(pool->space, stat);
	KUNIT_EXPECT_EQ(test, stat->allocated, 0);
	KUNIT_EXPECT_EQ(test, stat->pending, 0);
	KUNIT_EXPECT_EQ(test, stat->retired, retired);
	KUNIT_EXPECT_EQ(test, stat->free, stat->total - retired);
	if (pool->index.kind == POTAD_INDEX_WORDS)
		KUNIT_EXPECT_EQ(test, potad_words_lines(&pool->index.words), 0);
}

int potad_test_free_at(struct potad_pool *pool, phys_addr_t phys, unsigned int order,
		       struct potad_type *type)
{
	struct potad_block b = { }, found;

	if (potad_pool_has(pool, phys, 1) && !potad_pool_find(pool, phys, &found)) {
		b.generation = found.generation;
		potad_put(&found);
	}
	b.phys = phys;
	b.order = order;
	b.type = type;
	return potad_free_checked(pool, &b);
}

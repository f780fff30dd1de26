// SPDX-License-Identifier: GPL-2.0
/*
 * Types: who may be registered, and who may leave.
 *
 * There are sixteen places for other modules, whatever potad.ko itself has taken; a
 * type that is refused must take none.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "owners.h"

static void count_type(struct potad_type *type, void *arg)
{
	(*(unsigned int *)arg)++;
}

static unsigned int nr_types(void)
{
	unsigned int nr = 0;

	potad_type_for_each(count_type, &nr);
	return nr;
}

static struct potad_type *register_named(const char *name)
{
	struct potad_type_info info = {
		.name = name, .mobility = POTAD_PINNED, .module = THIS_MODULE,
	};

	return potad_type_register(potad_pool_default(), &info);
}

static void expect_refused(struct kunit *test, const struct potad_type_info *info,
			   int err)
{
	unsigned int before = nr_types();
	struct potad_type *type = potad_type_register(potad_pool_default(), info);

	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(type), err, "name \"%s\"",
			    info && info->name ? info->name : "(none)");
	if (!IS_ERR(type))
		potad_type_unregister(type);
	KUNIT_EXPECT_EQ(test, nr_types(), before);
}

/* F60 */
static void names_that_are_refused(struct kunit *test)
{
	static const char * const names[] = {
		"", " ", "a b", "a/b", "/", ".", "..", "a.b", "a\n", "\t", "a:b",
		"a=b", "*", "\xff", "a\x80",
		"12345678901234567890123456789012",	/* 32 */
	};
	struct potad_type_info info = { .mobility = POTAD_PINNED, .module = THIS_MODULE };
	unsigned int i;
	char *large;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		info.name = names[i];
		expect_refused(test, &info, -EINVAL);
	}
	info.name = NULL;
	expect_refused(test, &info, -EINVAL);
	expect_refused(test, NULL, -EINVAL);

	large = potad_test_memory(test, 4097);
	memset(large, 'a', 4096);
	info.name = large;
	expect_refused(test, &info, -EINVAL);
}

static void names_that_are_accepted(struct kunit *test)
{
	static const char * const names[] = {
		"a", "Z", "0", "-", "_", "a-b_C9",
		"1234567890123456789012345678901",	/* 31 */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct potad_type *type = register_named(names[i]);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
		KUNIT_EXPECT_STREQ(test, type->name, names[i]);
		KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	}
}

static void name_is_copied(struct kunit *test)
{
	char name[] = "mine";
	struct potad_type *type = register_named(name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	name[0] = 'f';
	KUNIT_EXPECT_STREQ(test, type->name, "mine");
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
}

/* F60 */
static void name_in_use_is_refused(struct kunit *test)
{
	struct potad_type *type = register_named("twice");
	struct potad_type_info info = {
		.name = "twice", .mobility = POTAD_PINNED, .module = THIS_MODULE,
	};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	expect_refused(test, &info, -EEXIST);
	/* Those of the module itself too. */
	info.name = "buf";
	expect_refused(test, &info, -EEXIST);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	type = register_named("twice");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
}

static void nop_gone(void *data)
{
}

static void count_foreign(struct potad_type *type, void *arg)
{
	*(unsigned int *)arg += !!type->module;
}

/* Built in, the suites are no other module. */
static unsigned int places(void)
{
	const struct module *me = THIS_MODULE;
	unsigned int foreign = 0;

	potad_type_for_each(count_foreign, &foreign);
	if (me)
		return POTAD_MAX_TYPES - foreign;
	return POTAD_OWN_TYPES - (nr_types() - foreign);
}

/* F60 */
static void sixteen_types_and_not_one_more(struct kunit *test)
{
	struct potad_type_info info = {
		.name = "one-more", .mobility = POTAD_PINNED, .module = THIS_MODULE,
	};
	struct potad_type *type[POTAD_MAX_TYPES + 1];
	unsigned int before = nr_types(), room = places(), nr = 0, i, j;
	char name[16];

	KUNIT_EXPECT_EQ(test, POTAD_MAX_TYPES, 16);

	while (nr < ARRAY_SIZE(type)) {
		snprintf(name, sizeof(name), "nr-%u", nr);
		type[nr] = register_named(name);
		if (IS_ERR(type[nr]))
			break;
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, room);
	KUNIT_EXPECT_EQ(test, nr_types(), before + room);
	expect_refused(test, &info, -ENOSPC);
	for (i = 0; i < nr; i++) {
		/* All numbers are different, and lead to their type. */
		KUNIT_EXPECT_PTR_EQ(test, potad_type_by_nr(type[i]->nr), type[i]);
		KUNIT_EXPECT_GE(test, type[i]->nr, POTAD_TYPE_FIRST);
		KUNIT_EXPECT_LT(test, type[i]->nr, POTAD_TYPE_END);
		KUNIT_EXPECT_GE(test, type[i]->tag, POTAD_TAG_TYPE);
		KUNIT_EXPECT_LE(test, type[i]->tag, POTAD_TAG_MASK);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, type[i]->nr, type[j]->nr);
	}
	/* A place that becomes free can be had. */
	if (nr) {
		KUNIT_EXPECT_EQ(test, potad_type_unregister(type[0]), 0);
		type[0] = register_named("instead");
		KUNIT_EXPECT_FALSE(test, IS_ERR(type[0]));
		if (IS_ERR(type[0]))
			type[0] = type[--nr];
	}
	while (nr--)
		KUNIT_EXPECT_EQ(test, potad_type_unregister(type[nr]), 0);
	KUNIT_EXPECT_EQ(test, nr_types(), before);
}

/*
 * With a tag of their own and without, with descriptors and without, and of owners: each
 * block is found as what it is, all over, and its handle is nobody else's.
 */
static void blocks_of_all_types_are_told_apart(struct kunit *test)
{
	static const struct potad_ops own_ops = { .gone = nop_gone };
	struct { struct potad_desc desc; } *own;
	struct potad_type *type[POTAD_MAX_TYPES];
	struct potad_block b[POTAD_MAX_TYPES], part;
	unsigned int room = min(places(), POTAD_MAX_TYPES), i, n, more = 0;
	struct potad_pool *pool;
	struct potad_info info;
	char name[16];

	own = potad_test_memory(test, room * sizeof(*own));
	for (i = 0; i < room; i++) {
		struct potad_type_info ti = {
			.name = name, .mobility = POTAD_PINNED, .module = THIS_MODULE,
		};

		snprintf(name, sizeof(name), "nr-%u", i);
		switch (i % 4) {
		case 1:
			ti.desc_size = 24;
			break;
		case 2:
			ti.desc_size = sizeof(*own);
			ti.flags = POTAD_TYPE_OWN;
			ti.ops = &own_ops;
			break;
		case 3:
			ti.desc_size = 40;
			ti.flags = POTAD_TYPE_PARTS;
			break;
		}
		type[i] = potad_test_type_kept(test, potad_type_create(&ti));
		more += type[i]->tag >= POTAD_TAG_INLINE;
	}
	KUNIT_EXPECT_GE(test, more, 2);
	pool = potad_test_pool(test, SZ_1M, 512);
	for (i = 0; i < room; i++) {
		KUNIT_ASSERT_EQ(test, potad_type_bind(type[i], pool), 0);
		if (i % 4 == 2)
			KUNIT_ASSERT_EQ(test, potad_alloc_own(type[i], i % 5, GFP_KERNEL, &own[i],
							      &b[i]), 0);
		else
			KUNIT_ASSERT_EQ(test, potad_alloc(type[i], i % 5, GFP_KERNEL, NULL,
							  &b[i]), 0);
	}
	potad_test_sound(test, pool);
	for (i = 0; i < room; i++) {
		struct potad_block wrong = b[i];

		for (n = 0; n < 3; n++) {
			phys_addr_t phys = b[i].phys + (b[i].bytes - 1) * n / 2;

			KUNIT_ASSERT_EQ(test, potad_lookup(pool, phys, &info), 0);
			KUNIT_EXPECT_EQ(test, info.what, POTAD_IS_BLOCK);
			KUNIT_EXPECT_EQ(test, info.phys, b[i].phys);
			KUNIT_EXPECT_STREQ(test, info.type, type[i]->name);
		}
		wrong.type = type[(i + 1) % room];
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &wrong), -EPERM);
		if (i % 4 == 3) {
			KUNIT_ASSERT_EQ(test, potad_alloc_part(&b[i], 1, GFP_KERNEL, &part), 0);
			KUNIT_ASSERT_EQ(test, potad_lookup(pool, part.phys, &info), 0);
			KUNIT_EXPECT_STREQ(test, info.type, type[i]->name);
			KUNIT_EXPECT_EQ(test, potad_free(&part), 0);
		}
	}
	potad_test_sound(test, pool);
	for (i = 0; i < room; i++) {
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &b[i]), 0);
		KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &b[i]), -ENOENT);
	}
	potad_test_all_free(test, pool, 0);
}

/* F49: nothing would keep its code. */
static void type_of_no_module_is_refused(struct kunit *test)
{
	const struct potad_type_info info = { .name = "nobodys", .mobility = POTAD_PINNED };
	const struct module *me = THIS_MODULE;

	if (!me)
		kunit_skip(test, "built in");
	expect_refused(test, &info, -EINVAL);
}

static void numbers_that_mean_no_type(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, potad_type_by_nr(POTAD_TAG_NONE));
	KUNIT_EXPECT_NULL(test, potad_type_by_nr(POTAD_TAG_LINE));
}

static void descriptor_sizes(struct kunit *test)
{
	static const unsigned int good[] = { 0, 1, 360, 4095, 4096 };
	static const unsigned int bad[] = { 4097, 8192, 1U << 31, UINT_MAX };
	struct potad_type_info info = {
		.name = "sized", .mobility = POTAD_PINNED, .module = THIS_MODULE,
	};
	struct potad_type *type;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		info.desc_size = good[i];
		type = potad_type_register(potad_pool_default(), &info);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
		KUNIT_EXPECT_EQ(test, type->desc_size, good[i]);
		if (good[i])
			KUNIT_EXPECT_GE(test, potad_type_footprint(type),
					good[i] + sizeof(struct potad_desc));
		else
			KUNIT_EXPECT_EQ(test, potad_type_footprint(type), 0);
		KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		info.desc_size = bad[i];
		expect_refused(test, &info, -EINVAL);
	}
}

static void nop_init(void *data, void *arg)
{
}

static void nop_release(void *data)
{
}

static enum potad_answer nop_failure(const struct potad_failure *failure)
{
	return POTAD_LOST;
}

static int nop_describe(const void *data, char *buf, size_t size)
{
	return 0;
}

static void operations_need_a_descriptor(struct kunit *test)
{
	static const struct potad_ops ops[] = {
		{ .init = nop_init },
		{ .release = nop_release },
		{ .memory_failure = nop_failure },
		{ .describe = nop_describe },
	};
	static const struct potad_ops none;
	struct potad_type_info info = {
		.name = "bare", .mobility = POTAD_PINNED, .module = THIS_MODULE,
	};
	struct potad_type *type;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		info.ops = &ops[i];
		info.desc_size = 0;
		expect_refused(test, &info, -EINVAL);
	}
	info.desc_size = 1;
	type = potad_type_register(potad_pool_default(), &info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	info.ops = &none;
	info.desc_size = 0;
	type = potad_type_register(potad_pool_default(), &info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
}

static int nop_migrate(const struct potad_block *from, const struct potad_block *to)
{
	return 0;
}

/* F60 */
static void operations_that_must_be_there(struct kunit *test)
{
	static const struct potad_ops own = { .gone = nop_gone };
	static const struct potad_ops own_init = { .gone = nop_gone, .init = nop_init };
	static const struct potad_ops movable = { .migrate = nop_migrate };
	static const struct potad_ops none;
	static const struct {
		unsigned int size, align, flags;
		enum potad_mobility mobility;
		const struct potad_ops *ops;
		bool good;
	} cases[] = {
		{ 64, 0, POTAD_TYPE_OWN, POTAD_PINNED, &own, true },
		{ 16, 0, POTAD_TYPE_OWN, POTAD_PINNED, &own, true },
		{ 15, 0, POTAD_TYPE_OWN, POTAD_PINNED, &own },
		{ 0, 0, POTAD_TYPE_OWN, POTAD_PINNED, &own },
		{ 64, 16, POTAD_TYPE_OWN, POTAD_PINNED, &own },
		{ 64, 0, POTAD_TYPE_OWN, POTAD_PINNED, &none },
		{ 64, 0, POTAD_TYPE_OWN, POTAD_PINNED, NULL },
		{ 64, 0, POTAD_TYPE_OWN, POTAD_PINNED, &own_init },
		{ 64, 0, POTAD_TYPE_OWN | POTAD_TYPE_PARTS, POTAD_PINNED, &own },
		{ 64, 0, 0, POTAD_PINNED, &own },
		{ 64, 0, POTAD_TYPE_PARTS, POTAD_PINNED, NULL, true },
		{ 1, 0, POTAD_TYPE_PARTS, POTAD_PINNED, NULL, true },
		{ 0, 0, POTAD_TYPE_PARTS, POTAD_PINNED, NULL },
		{ 64, 0, 4, POTAD_PINNED, NULL },
		{ 64, 0, UINT_MAX, POTAD_PINNED, &own },
		{ 64, 0, 0, POTAD_MOVABLE, &movable, true },
		{ 64, 0, 0, POTAD_PINNED, &movable, true },
		{ 64, 0, 0, POTAD_MOVABLE, &none },
		{ 64, 0, 0, POTAD_MOVABLE, NULL },
		{ 0, 0, 0, POTAD_MOVABLE, NULL },
		{ 64, 0, 0, POTAD_MOBILITIES, &movable },
		{ 64, 0, 0, -1, &movable },
	};
	unsigned int i, before = nr_types();

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct potad_type_info info = {
			.name = "must", .desc_size = cases[i].size, .desc_align = cases[i].align,
			.flags = cases[i].flags, .mobility = cases[i].mobility,
			.ops = cases[i].ops, .module = THIS_MODULE,
		};
		struct potad_type *type = potad_type_register(potad_pool_default(), &info);
		int expected = -EINVAL;

		if (cases[i].good)
			expected = 0;
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(type), expected, "case %u", i);
		if (!IS_ERR(type))
			KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	}
	KUNIT_EXPECT_EQ(test, nr_types(), before);
}

static void descriptors_are_aligned_as_wanted(struct kunit *test)
{
	static const unsigned int bad[] = { 3, 12, 48, 4095, 4097, 8192, 1U << 31, UINT_MAX };
	struct potad_type_info info = {
		.name = "aligned", .mobility = POTAD_PINNED, .module = THIS_MODULE,
	};
	unsigned int align, i;

	for (align = 0; align <= 4096; align = align ? 2 * align : 1) {
		struct potad_block b[5];
		struct potad_type *type;
		struct potad_pool *pool;

		info.desc_align = align;
		info.desc_size = align % 3 + 24;
		info.flags = align & 0x555 ? POTAD_TYPE_PARTS : 0;
		type = potad_type_create(&info);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
		pool = potad_pool_create(POTAD_TEST_START, SZ_1M, 512, POTAD_INDEX_WORDS,
					 NULL, 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
		KUNIT_ASSERT_EQ(test, potad_type_bind(type, pool), 0);
		for (i = 0; i < ARRAY_SIZE(b); i++) {
			KUNIT_EXPECT_EQ(test, potad_alloc(type, i, GFP_KERNEL, NULL, &b[i]), 0);
			KUNIT_EXPECT_TRUE_MSG(test, IS_ALIGNED((unsigned long)b[i].data,
							       max(align, 16U)), "%u", align);
			memset(b[i].data, 0xff, info.desc_size);
		}
		potad_test_sound(test, pool);
		for (i = 0; i < ARRAY_SIZE(b); i++)
			KUNIT_EXPECT_EQ(test, potad_free(&b[i]), 0);
		potad_test_pool_end(pool);
		KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		info.desc_size = 24;
		info.desc_align = bad[i];
		expect_refused(test, &info, -EINVAL);
	}
	info.desc_size = 0;
	info.desc_align = 16;
	expect_refused(test, &info, -EINVAL);
}

static void type_serves_one_pool(struct kunit *test)
{
	struct potad_type *type = potad_test_type(test, &potad_test_kinds[1]);
	struct potad_pool *pool = potad_test_pool(test, SZ_1M, 512);
	struct potad_pool *other;
	struct potad_block b;

	KUNIT_EXPECT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &b), -ENODEV);
	KUNIT_EXPECT_EQ(test, potad_alloc_at(type, POTAD_TEST_START, 0, GFP_KERNEL, NULL, NULL,
					     NULL, &b), -ENODEV);
	other = potad_pool_create(POTAD_TEST_START + SZ_1G, SZ_1M, 512, POTAD_INDEX_WORDS,
				  NULL, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, potad_type_bind(type, pool), 0);
	KUNIT_EXPECT_EQ(test, potad_type_bind(type, pool), -EBUSY);
	KUNIT_EXPECT_EQ(test, potad_type_bind(type, other), -EBUSY);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_EQ(test, potad_type_unbind(type), -EBUSY);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	KUNIT_EXPECT_EQ(test, potad_type_unbind(type), 0);
	KUNIT_EXPECT_EQ(test, potad_type_unbind(type), 0);
	KUNIT_EXPECT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &b), -ENODEV);
	/* And then another one. */
	KUNIT_ASSERT_EQ(test, potad_type_bind(type, other), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 0, GFP_KERNEL, NULL, &b), 0);
	KUNIT_EXPECT_GE(test, b.phys, POTAD_TEST_START + SZ_1G);
	KUNIT_EXPECT_EQ(test, potad_free_checked(pool, &b), -ENXIO);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 0);
	potad_test_pool_end(other);
}

static void found_by_name_it_stays(struct kunit *test)
{
	struct potad_type *type = register_named("named");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_EXPECT_EQ(test, PTR_ERR(potad_type_get("nobody")), -ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(potad_type_get("")), -ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(potad_type_get("name")), -ENOENT);
	KUNIT_EXPECT_PTR_EQ(test, potad_type_get("named"), type);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), -EBUSY);
	potad_type_put(type);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(potad_type_get("named")), -ENOENT);
}

/* F49: with a descriptor and without. */
static void live_block_keeps_its_type(struct kunit *test)
{
	unsigned int kind;

	for (kind = 0; kind < 2; kind++) {
		struct potad_type *type = potad_test_type(test, &potad_test_kinds[kind]);
		struct potad_pool *pool = potad_test_pool(test, SZ_1M, 512);
		struct potad_block block;
		int refs = module_refcount(THIS_MODULE);

		KUNIT_ASSERT_EQ(test, potad_alloc(type, 3, GFP_KERNEL, NULL, &block), -ENODEV);
		KUNIT_ASSERT_EQ(test, potad_type_bind(type, pool), 0);
		KUNIT_ASSERT_EQ(test, potad_alloc(type, 3, GFP_KERNEL, NULL, &block), 0);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 1);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).bytes, 4096);
		KUNIT_EXPECT_EQ(test, potad_type_unregister(type), -EBUSY);
		KUNIT_EXPECT_EQ_MSG(test, module_refcount(THIS_MODULE), refs + 1,
				    "the owner's code could be unloaded");
		KUNIT_EXPECT_EQ(test, potad_free(&block), 0);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).blocks, 0);
		KUNIT_EXPECT_EQ(test, potad_type_live(type).bytes, 0);
		KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), refs);
	}
}

/* F49 */
static void reference_keeps_the_type_of_a_freed_block(struct kunit *test)
{
	struct potad_type *type = potad_test_type(test, &potad_test_kinds[1]);
	struct potad_pool *pool = potad_test_pool(test, SZ_1M, 512);
	struct potad_block block, same;

	KUNIT_ASSERT_EQ(test, potad_type_bind(type, pool), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(type, 3, GFP_KERNEL, NULL, &block), 0);
	KUNIT_ASSERT_EQ(test, potad_get(pool, block.phys, &same), 0);
	KUNIT_ASSERT_EQ(test, potad_free(&block), 0);
	KUNIT_EXPECT_EQ(test, potad_type_unregister(type), -EBUSY);
	potad_put(&same);
	potad_test_all_free(test, pool, 0);
}

static struct kunit_case type_cases[] = {
	KUNIT_CASE(names_that_are_refused),
	KUNIT_CASE(names_that_are_accepted),
	KUNIT_CASE(name_is_copied),
	KUNIT_CASE(name_in_use_is_refused),
	KUNIT_CASE(sixteen_types_and_not_one_more),
	KUNIT_CASE(blocks_of_all_types_are_told_apart),
	KUNIT_CASE(type_of_no_module_is_refused),
	KUNIT_CASE(numbers_that_mean_no_type),
	KUNIT_CASE(descriptor_sizes),
	KUNIT_CASE(operations_need_a_descriptor),
	KUNIT_CASE(operations_that_must_be_there),
	KUNIT_CASE(descriptors_are_aligned_as_wanted),
	KUNIT_CASE(type_serves_one_pool),
	KUNIT_CASE(found_by_name_it_stays),
	KUNIT_CASE(live_block_keeps_its_type),
	KUNIT_CASE(reference_keeps_the_type_of_a_freed_block),
	{ }
};

static struct kunit_suite type_suite = {
	.name = "potad_type",
	.test_cases = type_cases,
};

kunit_test_suite(type_suite);

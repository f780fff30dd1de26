// SPDX-License-Identifier: GPL-2.0
/* Spaces for tests; what they are for is told in spaces.h. */
#include <linux/err.h>
#include <linux/string.h>

#include "common.h"
#include "spaces.h"

static void destroy_space(void *space)
{
	potad_space_destroy(space);
}

static struct potad_space *keep(struct kunit *test, struct potad_space *s)
{
	if (PTR_ERR_OR_ZERO(s) == -ENOMEM)
		kunit_skip(test, "no memory for a space");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_space, s));
	return s;
}

struct potad_space *potad_test_space(struct kunit *test, u64 granules)
{
	return keep(test, potad_space_create(granules));
}

struct potad_space *potad_test_empty_space(struct kunit *test)
{
	return keep(test, potad_space_create_empty());
}

void potad_test_add_span(struct kunit *test, struct potad_space *s, u64 first,
			 u64 granules, bool populate)
{
	int err = potad_space_add_span(s, first, granules, populate);

	if (err == -ENOMEM)
		kunit_skip(test, "no memory for a span of %llu granules", granules);
	KUNIT_ASSERT_EQ_MSG(test, err, 0, "span of %llu at %llu", granules, first);
}

/* An action's argument is a plain pointer. */
struct cache_handle {
	struct potad_cache __percpu *cache;
};

static void destroy_cache(void *data)
{
	struct cache_handle *handle = data;

	potad_cache_destroy(handle->cache);
}

struct potad_cache __percpu *potad_test_cache(struct kunit *test,
					      struct potad_space *s)
{
	struct cache_handle *handle = potad_test_memory(test, sizeof(*handle));

	handle->cache = potad_cache_create(s);
	if (!handle->cache)
		kunit_skip(test, "no memory for a cache");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_cache, handle));
	return handle->cache;
}

void potad_test_space_sound(struct kunit *test, struct potad_space *s)
{
	const char *wrong = potad_space_validate(s);

	KUNIT_EXPECT_FALSE_MSG(test, wrong, "%s", wrong ?: "");
}

struct potad_space_stat *potad_test_stat(struct kunit *test, struct potad_space *s)
{
	struct potad_space_stat *stat = potad_test_memory(test, sizeof(*stat));

	potad_space_stat(s, stat);
	return stat;
}

/* Memory of its own the space may have taken, or given back. */
void potad_test_unchanged(struct kunit *test, struct potad_space *s,
			  const struct potad_space_stat *before)
{
	struct potad_space_stat *now = potad_test_stat(test, s);
	unsigned int k;

	KUNIT_EXPECT_EQ(test, now->total, before->total);
	KUNIT_EXPECT_EQ(test, now->free, before->free);
	KUNIT_EXPECT_EQ(test, now->allocated, before->allocated);
	KUNIT_EXPECT_EQ(test, now->retired, before->retired);
	KUNIT_EXPECT_EQ(test, now->pending, before->pending);
	KUNIT_EXPECT_EQ(test, now->spans, before->spans);
	for (k = 0; k <= POTAD_MAX_ORDER; k++)
		KUNIT_EXPECT_EQ_MSG(test, now->blocks[k], before->blocks[k], "order %u", k);
	potad_test_space_sound(test, s);
}

u64 potad_test_allocated(struct kunit *test, struct potad_space *s)
{
	return potad_test_stat(test, s)->allocated;
}

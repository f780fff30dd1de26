/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spaces and caches that go away with the test that asked for them, and what is
 * looked at again and again: are they sound, and as they were?
 *
 * If there is no memory for them the test is skipped: it has not passed.
 */
#ifndef POTAD_KUNIT_SPACES_H
#define POTAD_KUNIT_SPACES_H

#include <kunit/test.h>
#include <linux/types.h>

#include "../module/space/cache.h"
#include "../module/space/space.h"

struct potad_space *potad_test_space(struct kunit *test, u64 granules);
struct potad_space *potad_test_empty_space(struct kunit *test);
struct potad_cache __percpu *potad_test_cache(struct kunit *test,
					      struct potad_space *s);

/* A span that the test cannot do without. */
void potad_test_add_span(struct kunit *test, struct potad_space *s, u64 first,
			 u64 granules, bool populate);

/* The test fails if the space finds fault with itself. */
void potad_test_space_sound(struct kunit *test, struct potad_space *s);

/* What there is of it; and: has anything come or gone since? */
struct potad_space_stat *potad_test_stat(struct kunit *test, struct potad_space *s);
void potad_test_unchanged(struct kunit *test, struct potad_space *s,
			  const struct potad_space_stat *before);

/* In the same way, the granules that are allocated now. */
u64 potad_test_allocated(struct kunit *test, struct potad_space *s);

#endif /* POTAD_KUNIT_SPACES_H */

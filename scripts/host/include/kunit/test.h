/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of KUnit as the suites use, for a user-space process.
 *
 * The suites of the space (kunit/) compile against this unchanged, and become
 * one program (scripts/host/kunit.c): to run them in a second, under sanitizers
 * and in a debugger, and against sources that were broken on purpose.  What the
 * kernel's headers have besides, and only suites want, is at the end.
 */
#ifndef POTAD_HOST_KUNIT_TEST_H
#define POTAD_HOST_KUNIT_TEST_H

#include <limits.h>
#include <setjmp.h>
#include <time.h>

#include "../shim.h"

#define KUNIT_PARAM_DESC_SIZE	128

enum kunit_status {
	KUNIT_SUCCESS,
	KUNIT_FAILURE,
	KUNIT_SKIPPED,
};

struct kunit_action {
	struct kunit_action	*next;
	void			(*fn)(void *arg);
	void			*arg;
};

struct kunit {
	const char		*name;
	const void		*param_value;
	void			*priv;
	enum kunit_status	status;
	char			comment[256];	/* why it was skipped */
	struct kunit_action	*actions;	/* last one first */
	jmp_buf			end;
};

struct kunit_case {
	void			(*run_case)(struct kunit *test);
	const char		*name;
	const void		*(*generate_params)(struct kunit *test,
						    const void *prev, char *desc);
};

struct kunit_suite {
	const char		*name;
	int			(*suite_init)(struct kunit_suite *suite);
	void			(*suite_exit)(struct kunit_suite *suite);
	int			(*init)(struct kunit *test);
	void			(*exit)(struct kunit *test);
	struct kunit_case	*test_cases;
	struct kunit_suite	*next;
};

#define KUNIT_CASE(fn)		{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_SLOW(fn)	KUNIT_CASE(fn)
#define KUNIT_CASE_PARAM(fn, gen) \
	{ .run_case = fn, .name = #fn, .generate_params = gen }

#define KUNIT_ARRAY_PARAM(name, array, get_desc)			\
static const void *name##_gen_params(struct kunit *test,		\
				     const void *prev, char *desc)	\
{									\
	typeof((array)[0]) *next = prev ? (typeof(next))prev + 1 : (array); \
									\
	(void)test;							\
	if (next == (array) + ARRAY_SIZE(array))			\
		return NULL;						\
	get_desc(next, desc);						\
	return next;							\
}

void kunit_register(struct kunit_suite *suite);

#define kunit_test_suite(suite)						\
__attribute__((constructor)) static void register_##suite(void)		\
{									\
	kunit_register(&(suite));					\
}

int kunit_add_action_or_reset(struct kunit *test, void (*fn)(void *arg),
			      void *arg);

__attribute__((format(printf, 2, 3)))
void kunit_info(struct kunit *test, const char *fmt, ...);
__attribute__((noreturn, format(printf, 2, 3)))
void kunit_skip(struct kunit *test, const char *fmt, ...);
__attribute__((format(printf, 5, 6)))
void kunit_fail(struct kunit *test, const char *file, int line,
		const char *expected, const char *fmt, ...);
/* After an assertion that did not hold. */
__attribute__((noreturn))
void kunit_end(struct kunit *test);

/* An assertion ends the test, an expectation only fails it. */
#define KUNIT_CHECK(test, assert, cond, expected, fmt, ...) do {		\
	if (!(cond)) {							\
		kunit_fail(test, __FILE__, __LINE__, expected, fmt,	\
			   ##__VA_ARGS__);				\
		if (assert)						\
			kunit_end(test);				\
	}								\
} while (0)

#define KUNIT_COMPARE(test, assert, left, op, right, fmt, ...) do {	\
	typeof(left) __left = (left);					\
	typeof(right) __right = (right);				\
									\
	KUNIT_CHECK(test, assert, __left op __right, #left " " #op " " #right, \
		    "%lld " #op " %lld" fmt, (s64)__left, (s64)__right,	\
		    ##__VA_ARGS__);					\
} while (0)

#define KUNIT_EXPECT_TRUE(t, c)		KUNIT_CHECK(t, false, c, #c, " ")
#define KUNIT_EXPECT_FALSE(t, c)	KUNIT_CHECK(t, false, !(c), "!" #c, " ")
#define KUNIT_EXPECT_TRUE_MSG(t, c, ...)  KUNIT_CHECK(t, false, c, #c, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(t, c, ...) KUNIT_CHECK(t, false, !(c), "!" #c, __VA_ARGS__)
#define KUNIT_EXPECT_EQ(t, l, r)	KUNIT_COMPARE(t, false, l, ==, r, "")
#define KUNIT_EXPECT_NE(t, l, r)	KUNIT_COMPARE(t, false, l, !=, r, "")
#define KUNIT_EXPECT_LT(t, l, r)	KUNIT_COMPARE(t, false, l, <, r, "")
#define KUNIT_EXPECT_LE(t, l, r)	KUNIT_COMPARE(t, false, l, <=, r, "")
#define KUNIT_EXPECT_GT(t, l, r)	KUNIT_COMPARE(t, false, l, >, r, "")
#define KUNIT_EXPECT_GE(t, l, r)	KUNIT_COMPARE(t, false, l, >=, r, "")
#define KUNIT_EXPECT_EQ_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, false, l, ==, r, ": " f, ##__VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, false, l, !=, r, ": " f, ##__VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, false, l, <, r, ": " f, ##__VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, false, l, <=, r, ": " f, ##__VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, false, l, >, r, ": " f, ##__VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, false, l, >=, r, ": " f, ##__VA_ARGS__)

#define KUNIT_ASSERT_TRUE(t, c)		KUNIT_CHECK(t, true, c, #c, " ")
#define KUNIT_ASSERT_FALSE(t, c)	KUNIT_CHECK(t, true, !(c), "!" #c, " ")
#define KUNIT_ASSERT_TRUE_MSG(t, c, ...)  KUNIT_CHECK(t, true, c, #c, __VA_ARGS__)
#define KUNIT_ASSERT_FALSE_MSG(t, c, ...) KUNIT_CHECK(t, true, !(c), "!" #c, __VA_ARGS__)
#define KUNIT_ASSERT_EQ(t, l, r)	KUNIT_COMPARE(t, true, l, ==, r, "")
#define KUNIT_ASSERT_NE(t, l, r)	KUNIT_COMPARE(t, true, l, !=, r, "")
#define KUNIT_ASSERT_LT(t, l, r)	KUNIT_COMPARE(t, true, l, <, r, "")
#define KUNIT_ASSERT_LE(t, l, r)	KUNIT_COMPARE(t, true, l, <=, r, "")
#define KUNIT_ASSERT_GT(t, l, r)	KUNIT_COMPARE(t, true, l, >, r, "")
#define KUNIT_ASSERT_GE(t, l, r)	KUNIT_COMPARE(t, true, l, >=, r, "")
#define KUNIT_ASSERT_EQ_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, true, l, ==, r, ": " f, ##__VA_ARGS__)
#define KUNIT_ASSERT_NE_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, true, l, !=, r, ": " f, ##__VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, true, l, <, r, ": " f, ##__VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, true, l, <=, r, ": " f, ##__VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, true, l, >, r, ": " f, ##__VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(t, l, r, f, ...) KUNIT_COMPARE(t, true, l, >=, r, ": " f, ##__VA_ARGS__)

#define KUNIT_IS_POINTER(p)		((uintptr_t)(p) - 1 < (uintptr_t)-MAX_ERRNO - 1)
#define KUNIT_EXPECT_NULL(t, p)		KUNIT_CHECK(t, false, !(p), #p " == NULL", " ")
#define KUNIT_EXPECT_NOT_NULL(t, p)	KUNIT_CHECK(t, false, p, #p " != NULL", " ")
#define KUNIT_ASSERT_NULL(t, p)		KUNIT_CHECK(t, true, !(p), #p " == NULL", " ")
#define KUNIT_ASSERT_NOT_NULL(t, p)	KUNIT_CHECK(t, true, p, #p " != NULL", " ")
#define KUNIT_EXPECT_PTR_EQ(t, l, r)	KUNIT_CHECK(t, false, (l) == (r), #l " == " #r, " ")
#define KUNIT_EXPECT_STREQ(t, l, r)	KUNIT_CHECK(t, false, !strcmp(l, r), #l " is " #r, "%s", l)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(t, p) \
	KUNIT_CHECK(t, false, KUNIT_IS_POINTER(p), #p " is a pointer", "%p", (const void *)(p))
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(t, p) \
	KUNIT_CHECK(t, true, KUNIT_IS_POINTER(p), #p " is a pointer", "%p", (const void *)(p))
#define KUNIT_FAIL(t, f, ...)		KUNIT_CHECK(t, false, false, "not to come here", f, ##__VA_ARGS__)

/* Parameters of the module are arguments of the program: NAME=VALUE. */
void potad_host_param(const char *name, void *value, size_t size);

#define module_param(name, type, perm)					\
__attribute__((constructor)) static void param_##name(void)		\
{									\
	potad_host_param(#name, &(name), sizeof(name));			\
}
#define MODULE_PARM_DESC(name, text) extern int potad_shim_unused
#define MODULE_DESCRIPTION(text)	extern int potad_shim_unused
#define MODULE_AUTHOR(text)		extern int potad_shim_unused
#define MODULE_LICENSE(text)		extern int potad_shim_unused

/* The kernel's generator: a seed means the same on both sides. */
struct rnd_state {
	u32 s[4];
};

static inline void prandom_seed_state(struct rnd_state *state, u64 seed)
{
	static const u32 least[4] = { 2, 8, 16, 128 };
	u32 i, x = (seed >> 32) ^ (seed << 10) ^ seed;

	for (i = 0; i < 4; i++)
		state->s[i] = x < least[i] ? x + least[i] : x;
}

static inline u32 prandom_u32_state(struct rnd_state *state)
{
	static const struct {
		u32 a, b, c, d;
	} t[4] = {
		{ 6, 13, ~1U, 18 }, { 2, 27, ~7U, 2 },
		{ 13, 21, ~15U, 7 }, { 3, 12, ~127U, 13 },
	};
	u32 i, x = 0;

	for (i = 0; i < 4; i++) {
		u32 s = state->s[i];

		s = ((s & t[i].c) << t[i].d) ^ (((s << t[i].a) ^ s) >> t[i].b);
		state->s[i] = s;
		x ^= s;
	}
	return x;
}

static inline void prandom_bytes_state(struct rnd_state *state, void *buf, size_t n)
{
	u8 *p = buf;

	for (; n; n--)
		*p++ = prandom_u32_state(state);
}

u64 get_random_u64(void);
u64 ktime_get_ns(void);

#define NSEC_PER_MSEC		1000000L
#define NSEC_PER_SEC		1000000000L
#define strscpy(to, from, size)	snprintf(to, size, "%s", from)

#endif /* POTAD_HOST_KUNIT_TEST_H */

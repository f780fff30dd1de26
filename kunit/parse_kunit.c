// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing: which texts are numbers, sizes and words, and which are not.
 *
 * The rules are in parse.h.  A text that is refused must leave nothing behind
 * that could be taken for a number.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "../module/parse.h"

struct text {
	const char	*text;
	u64		value;
	int		err;
};

/* Accepted or refused whether a suffix is allowed or not. */
static const struct text numbers[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "9", 9 },
	{ "10", 10 },
	{ "512", 512 },
	{ "4294967296", 1ULL << 32 },
	{ "9223372036854775808", 1ULL << 63 },
	{ "18446744073709551615", U64_MAX },
	{ "0x0", 0 },
	{ "0x1", 1 },
	{ "0x00ff", 255 },
	{ "0xabcdef", 0xabcdef },
	{ "0xABCDEF", 0xabcdef },
	{ "0xe", 14 },
	{ "0x1E", 30 },
	{ "0xffffffffffffffff", U64_MAX },
	{ "18446744073709551616", 0, -ERANGE },
	{ "99999999999999999999999", 0, -ERANGE },
	{ "0x10000000000000000", 0, -ERANGE },
	{ "", 0, -EINVAL },
	{ " ", 0, -EINVAL },
	{ " 1", 0, -EINVAL },
	{ "1 ", 0, -EINVAL },
	{ "\t1", 0, -EINVAL },
	{ "1\n", 0, -EINVAL },
	{ "\n", 0, -EINVAL },
	{ "0x1\n", 0, -EINVAL },
	{ "1\n1", 0, -EINVAL },
	{ "+1", 0, -EINVAL },
	{ "-1", 0, -EINVAL },
	{ "-0", 0, -EINVAL },
	{ "00", 0, -EINVAL },
	{ "01", 0, -EINVAL },
	{ "010", 0, -EINVAL },
	{ "0x", 0, -EINVAL },
	{ "0xg", 0, -EINVAL },
	{ "0X10", 0, -EINVAL },
	{ "x10", 0, -EINVAL },
	{ "0x0x10", 0, -EINVAL },
	{ "0x+1", 0, -EINVAL },
	{ "0x-1", 0, -EINVAL },
	{ "0x 1", 0, -EINVAL },
	{ "0x1 ", 0, -EINVAL },
	{ "ff", 0, -EINVAL },
	{ "abc", 0, -EINVAL },
	{ "1.5", 0, -EINVAL },
	{ "1,000", 0, -EINVAL },
	{ "1_000", 0, -EINVAL },
	{ "4096junk", 0, -EINVAL },
	{ "4k96", 0, -EINVAL },
	{ "1b", 0, -EINVAL },
	{ "0b1", 0, -EINVAL },
	{ "0o7", 0, -EINVAL },
	{ "\xff", 0, -EINVAL },
	{ "1\xff", 0, -EINVAL },
	{ "1KB", 0, -EINVAL },
	{ "1KiB", 0, -EINVAL },
};

static const struct text sizes[] = {
	{ "0K", 0 },
	{ "1K", 1ULL << 10 },
	{ "1k", 1ULL << 10 },
	{ "4K", 4096 },
	{ "256M", 256ULL << 20 },
	{ "256m", 256ULL << 20 },
	{ "1G", 1ULL << 30 },
	{ "1g", 1ULL << 30 },
	{ "1T", 1ULL << 40 },
	{ "1t", 1ULL << 40 },
	{ "1P", 1ULL << 50 },
	{ "1p", 1ULL << 50 },
	{ "1E", 1ULL << 60 },
	{ "1e", 1ULL << 60 },
	{ "15E", 15ULL << 60 },
	{ "0x10K", 16ULL << 10 },
	{ "0xfM", 15ULL << 20 },
	{ "0x1eK", 30ULL << 10 },
	{ "18014398509481983K", 18014398509481983ULL << 10 },
	{ "16E", 0, -ERANGE },
	{ "17E", 0, -ERANGE },
	{ "16384P", 0, -ERANGE },
	{ "18014398509481984K", 0, -ERANGE },
	{ "18446744073709551615K", 0, -ERANGE },
	{ "99999999999999999999999999999999K", 0, -ERANGE },
	{ "K", 0, -EINVAL },
	{ "E", 0, -EINVAL },
	{ "1KK", 0, -EINVAL },
	{ "1KM", 0, -EINVAL },
	{ "K1", 0, -EINVAL },
	{ "1 K", 0, -EINVAL },
	{ "1K ", 0, -EINVAL },
	{ "1K\n", 0, -EINVAL },
	{ "1\nK", 0, -EINVAL },
	{ "0x1\nK", 0, -EINVAL },
	{ "01K", 0, -EINVAL },
	{ "0xK", 0, -EINVAL },
	{ "-1K", 0, -EINVAL },
	{ "+1K", 0, -EINVAL },
	{ "1Y", 0, -EINVAL },
	{ "1Z", 0, -EINVAL },
	{ "abcK", 0, -EINVAL },
	{ "this is no number at all, nor is it a short text K", 0, -EINVAL },
	{ "00000000000000000000000000000000000000000000000001K", 0, -EINVAL },
};

static void try_texts(struct kunit *test, const struct text *text, unsigned int nr,
		      int (*parse)(const char *s, u64 *value))
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 value = 4711;

		KUNIT_EXPECT_EQ_MSG(test, parse(text[i].text, &value), text[i].err,
				    "\"%s\"", text[i].text);
		if (!text[i].err)
			KUNIT_EXPECT_EQ_MSG(test, value, text[i].value, "\"%s\"",
					    text[i].text);
	}
}

static void numbers_without_suffix(struct kunit *test)
{
	try_texts(test, numbers, ARRAY_SIZE(numbers), potad_parse_u64);
}

static void numbers_where_a_suffix_is_allowed(struct kunit *test)
{
	try_texts(test, numbers, ARRAY_SIZE(numbers), potad_parse_bytes);
}

static void sizes_with_suffix(struct kunit *test)
{
	try_texts(test, sizes, ARRAY_SIZE(sizes), potad_parse_bytes);
}

static void suffix_where_none_is_allowed_is_refused(struct kunit *test)
{
	static const char * const texts[] = { "1K", "1k", "1E", "15M", "0x10K", "K" };
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		KUNIT_EXPECT_EQ_MSG(test, potad_parse_u64(texts[i], &value), -EINVAL,
				    "\"%s\"", texts[i]);
}

/* Cut from exactly as much memory as they take: KASAN sees a byte too far. */
static void no_byte_behind_the_text_is_read(struct kunit *test)
{
	static const char * const texts[] = { "", "0", "0x", "0x1", "1K", "K", "01" };
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		char *text = kstrdup(texts[i], GFP_KERNEL), *rest = text;

		if (!text)
			kunit_skip(test, "no memory");
		potad_parse_u64(text, &value);
		potad_parse_bytes(text, &value);
		while (potad_next_word(&rest))
			;
		kfree(text);
	}
}

static void expect_words(struct kunit *test, const char *text, const char *const *words)
{
	char buf[64], *rest = buf, *word;

	strscpy(buf, text, sizeof(buf));
	for (; *words; words++) {
		word = potad_next_word(&rest);
		KUNIT_ASSERT_NOT_NULL_MSG(test, word, "\"%s\"", text);
		KUNIT_EXPECT_STREQ(test, word, *words);
	}
	KUNIT_EXPECT_NULL_MSG(test, potad_next_word(&rest), "\"%s\"", text);
	KUNIT_EXPECT_NULL_MSG(test, potad_next_word(&rest), "\"%s\"", text);
}

static void words_are_cut_at_blanks(struct kunit *test)
{
	expect_words(test, "", (const char *const[]){ NULL });
	expect_words(test, "one", (const char *const[]){ "one", NULL });
	expect_words(test, "8K buf", (const char *const[]){ "8K", "buf", NULL });
	expect_words(test, "a b c", (const char *const[]){ "a", "b", "c", NULL });
	expect_words(test, "a  \t b", (const char *const[]){ "a", "b", NULL });
	expect_words(test, "a\tb", (const char *const[]){ "a", "b", NULL });
	expect_words(test, "a=b,c", (const char *const[]){ "a=b,c", NULL });
	expect_words(test, "a ", (const char *const[]){ "a", NULL });
}

static void words_of_nothing_are_none(struct kunit *test)
{
	char *rest = NULL;

	KUNIT_EXPECT_NULL(test, potad_next_word(&rest));
}

static struct kunit_case parse_cases[] = {
	KUNIT_CASE(numbers_without_suffix),
	KUNIT_CASE(numbers_where_a_suffix_is_allowed),
	KUNIT_CASE(sizes_with_suffix),
	KUNIT_CASE(suffix_where_none_is_allowed_is_refused),
	KUNIT_CASE(no_byte_behind_the_text_is_read),
	KUNIT_CASE(words_are_cut_at_blanks),
	KUNIT_CASE(words_of_nothing_are_none),
	{ }
};

static struct kunit_suite parse_suite = {
	.name = "potad_parse",
	.test_cases = parse_cases,
};

kunit_test_suite(parse_suite);

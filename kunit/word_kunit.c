// SPDX-License-Identifier: GPL-2.0
/*
 * Words: from any granule of a block to what describes it.
 *
 * Here the words are used without a pool, so that each level can be looked at
 * from outside and from inside: all words of a block are set or none, and when
 * everything is cleared they take the memory that they took at the beginning.
 * The words themselves are made up; nobody follows them.
 */
#include <kunit/test.h>

#include "../module/memdesc/word.h"
#include "../module/space/space.h"
#include "common.h"

/* As with granules of 512 bytes: eight in a frame. */
#define SHIFT		3
#define PER_FRAME	8U
#define MAX_ORDER	22
#define GRANULES	(2ULL << MAX_ORDER)

/* Whose block it is: any number, with the tag of some type. */
static unsigned long word_of(unsigned long n)
{
	return n << 4 | (POTAD_TAG_TYPE + n % POTAD_TAGS);
}

static void exit_words(void *w)
{
	potad_words_exit(w);
}

static struct potad_words *new_words(struct kunit *test, u64 granules,
				     unsigned int frame_shift)
{
	struct potad_words *w = potad_test_memory(test, sizeof(*w));

	if (potad_words_init(w, granules, frame_shift))
		kunit_skip(test, "no memory for the words of %llu granules", granules);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, exit_words, w));
	return w;
}

static void set(struct kunit *test, struct potad_words *w, u64 first,
		unsigned int order, unsigned long word)
{
	if (potad_words_set(w, first, order, word, GFP_KERNEL))
		kunit_skip(test, "no memory for a line");
}

static unsigned long find(struct potad_words *w, u64 granule)
{
	unsigned long word;

	rcu_read_lock();
	word = potad_words_find(w, granule);
	rcu_read_unlock();
	return word;
}

/* How many words of a level are @word. */
static u64 count(const struct potad_words *w, unsigned int level, unsigned long word)
{
	u64 frames = w->frames, i, nr = 0;

	for (i = 0; i < DIV_ROUND_UP_ULL(frames, 1ULL << (level * POTAD_WORD_SHIFT)); i++)
		nr += w->level[level][i] == word;
	return nr;
}

static void new_words_find_nothing(struct kunit *test)
{
	struct potad_words *w = new_words(test, GRANULES, SHIFT);
	u64 g;

	for (g = 0; g < GRANULES; g += 4999)
		KUNIT_ASSERT_EQ(test, find(w, g), 0);
	KUNIT_EXPECT_EQ(test, find(w, GRANULES - 1), 0);
}

static void all_words_of_a_block_are_set_or_none(struct kunit *test)
{
	struct potad_words *w = new_words(test, GRANULES, SHIFT);
	u64 bytes = potad_words_bytes(w), g;
	unsigned int k, level, l;

	for (k = SHIFT; k <= MAX_ORDER; k++) {
		u64 size = 1ULL << k, first = size;	/* the second of its order */

		level = min((k - SHIFT) / POTAD_WORD_SHIFT, POTAD_WORD_LEVELS - 1U);
		set(test, w, first, k, word_of(k));
		for (l = 0; l < POTAD_WORD_LEVELS; l++)
			KUNIT_ASSERT_EQ_MSG(test, count(w, l, word_of(k)),
					    l == level ? 1ULL << (k - SHIFT -
								  l * POTAD_WORD_SHIFT) : 0,
					    "order %u, level %u", k, l);
		for (g = first; g < first + size; g += max(size / 61, 1ULL))
			KUNIT_ASSERT_EQ_MSG(test, find(w, g), word_of(k), "order %u", k);
		KUNIT_ASSERT_EQ(test, find(w, first + size - 1), word_of(k));
		KUNIT_ASSERT_EQ(test, find(w, first - 1), 0);
		if (first + size < GRANULES)
			KUNIT_ASSERT_EQ(test, find(w, first + size), 0);
		KUNIT_ASSERT_EQ(test, potad_words_bytes(w), bytes);

		KUNIT_ASSERT_TRUE(test, potad_words_clear(w, first, k, word_of(k)));
		for (l = 0; l < POTAD_WORD_LEVELS; l++)
			KUNIT_ASSERT_EQ(test, count(w, l, word_of(k)), 0);
		KUNIT_ASSERT_EQ(test, find(w, first), 0);
		KUNIT_ASSERT_EQ(test, find(w, first + size - 1), 0);
		cond_resched();
	}
}

static void neighbours_of_all_orders_do_not_touch(struct kunit *test)
{
	struct potad_words *w = new_words(test, GRANULES, SHIFT);
	unsigned int k;

	/* Each at its own size: they cover 1 .. 2^MAX_ORDER * 2 - 1. */
	for (k = 0; k <= MAX_ORDER; k++)
		set(test, w, 1ULL << k, k, word_of(k));
	for (k = 0; k <= MAX_ORDER; k++) {
		KUNIT_EXPECT_EQ(test, find(w, 1ULL << k), word_of(k));
		KUNIT_EXPECT_EQ(test, find(w, (2ULL << k) - 1), word_of(k));
		KUNIT_EXPECT_EQ(test, find(w, 3ULL << k >> 1), word_of(k));
	}
	KUNIT_EXPECT_EQ(test, find(w, 0), 0);
	/* Every other one goes: the rest stays. */
	for (k = 0; k <= MAX_ORDER; k += 2)
		KUNIT_EXPECT_TRUE(test, potad_words_clear(w, 1ULL << k, k, word_of(k)));
	for (k = 0; k <= MAX_ORDER; k++)
		KUNIT_EXPECT_EQ(test, find(w, 1ULL << k), k % 2 ? word_of(k) : 0);
	for (k = 1; k <= MAX_ORDER; k += 2)
		KUNIT_EXPECT_TRUE(test, potad_words_clear(w, 1ULL << k, k, word_of(k)));
	KUNIT_EXPECT_EQ(test, potad_words_lines(w), 0);
}

static void eight_neighbours_share_a_line(struct kunit *test)
{
	struct potad_words *w = new_words(test, 1024, SHIFT);
	u64 bytes = potad_words_bytes(w);
	u32 order[PER_FRAME] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct rnd_state rnd;
	unsigned int round, i, j;

	potad_test_seed(test, &rnd);
	for (round = 0; round < 40; round++) {
		u64 base = potad_test_below(&rnd, 1024 / PER_FRAME) * PER_FRAME;

		potad_test_shuffle(&rnd, order, PER_FRAME);
		for (i = 0; i < PER_FRAME; i++) {
			set(test, w, base + order[i], 0, word_of(1 + order[i]));
			KUNIT_ASSERT_EQ(test, potad_words_lines(w), 1);
			for (j = 0; j < PER_FRAME; j++)
				KUNIT_ASSERT_EQ(test, find(w, base + order[j]),
						j <= i ? word_of(1 + order[j]) : 0);
		}
		KUNIT_ASSERT_EQ(test, potad_words_bytes(w),
				bytes + sizeof(struct potad_line));
		potad_test_shuffle(&rnd, order, PER_FRAME);
		for (i = 0; i < PER_FRAME; i++) {
			KUNIT_ASSERT_TRUE(test, potad_words_clear(w, base + order[i], 0,
								  word_of(1 + order[i])));
			for (j = 0; j < PER_FRAME; j++)
				KUNIT_ASSERT_EQ(test, find(w, base + order[j]),
						j <= i ? 0 : word_of(1 + order[j]));
		}
		KUNIT_ASSERT_EQ(test, potad_words_lines(w), 0);
		KUNIT_ASSERT_EQ(test, potad_words_bytes(w), bytes);
	}
}

static void frame_is_cut_into_different_sizes(struct kunit *test)
{
	struct potad_words *w = new_words(test, 64, SHIFT);
	static const u64 first[] = { 8, 12, 14, 15 };
	static const unsigned int order[] = { 2, 1, 0, 0 };
	unsigned int i, j;

	for (i = 0; i < 4; i++)
		set(test, w, first[i], order[i], word_of(5 + i));
	for (i = 0; i < 4; i++)
		for (j = 0; j < 1U << order[i]; j++)
			KUNIT_EXPECT_EQ(test, find(w, first[i] + j), word_of(5 + i));
	KUNIT_EXPECT_EQ(test, find(w, 7), 0);
	KUNIT_EXPECT_EQ(test, find(w, 16), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_TRUE(test, potad_words_clear(w, first[i], order[i], word_of(5 + i)));
	KUNIT_EXPECT_EQ(test, potad_words_lines(w), 0);
	/* The same frame as a whole. */
	set(test, w, 8, 3, word_of(9));
	KUNIT_EXPECT_EQ(test, find(w, 15), word_of(9));
	KUNIT_EXPECT_TRUE(test, potad_words_clear(w, 8, 3, word_of(9)));
}

static void word_of_another_is_not_cleared(struct kunit *test)
{
	struct potad_words *w = new_words(test, GRANULES, SHIFT);
	unsigned int k;

	for (k = 0; k <= MAX_ORDER; k++) {
		u64 first = 1ULL << k;

		KUNIT_EXPECT_FALSE(test, potad_words_clear(w, first, k, word_of(1)));
		set(test, w, first, k, word_of(1));
		KUNIT_EXPECT_FALSE(test, potad_words_clear(w, first, k, word_of(2)));
		KUNIT_EXPECT_EQ(test, find(w, first), word_of(1));
		KUNIT_EXPECT_EQ(test, find(w, 2 * first - 1), word_of(1));
		KUNIT_EXPECT_TRUE(test, potad_words_clear(w, first, k, word_of(1)));
		KUNIT_EXPECT_FALSE(test, potad_words_clear(w, first, k, word_of(1)));
	}
	KUNIT_EXPECT_EQ(test, potad_words_lines(w), 0);
}

static void large_granules_are_frames_themselves(struct kunit *test)
{
	struct potad_words *w = new_words(test, 4096, 0);
	unsigned int k;
	u64 g;

	for (k = 0; k <= 11; k++) {
		set(test, w, 1ULL << k, k, word_of(k));
		for (g = 1ULL << k; g < 2ULL << k; g++)
			KUNIT_ASSERT_EQ(test, find(w, g), word_of(k));
	}
	for (k = 0; k <= 11; k++)
		KUNIT_ASSERT_TRUE(test, potad_words_clear(w, 1ULL << k, k, word_of(k)));
	KUNIT_EXPECT_EQ(test, potad_words_lines(w), 0);
}

static void ragged_end_has_its_words(struct kunit *test)
{
	struct potad_words *w = new_words(test, 8 * 513 + 5, SHIFT);

	set(test, w, 8 * 513 + 4, 0, word_of(3));
	set(test, w, 8 * 512, 3, word_of(4));
	KUNIT_EXPECT_EQ(test, find(w, 8 * 513 + 4), word_of(3));
	KUNIT_EXPECT_EQ(test, find(w, 8 * 513 - 1), word_of(4));
	KUNIT_EXPECT_TRUE(test, potad_words_clear(w, 8 * 513 + 4, 0, word_of(3)));
	KUNIT_EXPECT_TRUE(test, potad_words_clear(w, 8 * 512, 3, word_of(4)));
}

static void inline_words_say_what_was_put_in(struct kunit *test)
{
	static const u32 generations[] = { 0, 1, 4711, 1U << 30, U32_MAX };
	unsigned int i, k, nr;

	for (i = 0; i < ARRAY_SIZE(generations); i++)
		for (k = 0; k <= POTAD_MAX_ORDER; k++)
			for (nr = POTAD_TYPE_FIRST; nr < POTAD_TYPE_END; nr++) {
				unsigned long word = potad_word_inline(generations[i], k, nr);

				KUNIT_ASSERT_EQ(test, potad_word_tag(word),
						min(nr, POTAD_TAG_INLINE));
				KUNIT_ASSERT_EQ(test, potad_word_type(word), nr);
				KUNIT_ASSERT_LT(test, word, 1UL << 62);
				KUNIT_ASSERT_EQ(test, potad_word_order(word), k);
				KUNIT_ASSERT_EQ(test, potad_word_generation(word),
						generations[i]);
			}
}

static void no_memory_for_a_line_is_said_before(struct kunit *test)
{
	struct potad_words *w = new_words(test, 64, SHIFT);
	int err;

	/* Whole frames need no memory. */
	potad_test_fail_nth(test, 1);
	err = potad_words_set(w, 8, 3, word_of(1), GFP_NOWAIT | __GFP_NOWARN);
	KUNIT_EXPECT_EQ(test, potad_test_fail_nth(test, 0), 1);
	KUNIT_EXPECT_EQ(test, err, 0);

	potad_test_fail_nth(test, 1);
	err = potad_words_set(w, 16, 2, word_of(2), GFP_NOWAIT | __GFP_NOWARN);
	potad_test_fail_nth(test, 0);
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_EQ(test, find(w, 16), 0);
	KUNIT_EXPECT_EQ(test, potad_words_lines(w), 0);

	/* Nor do blocks beside one that has brought a line. */
	set(test, w, 16, 2, word_of(2));
	potad_test_fail_nth(test, 1);
	err = potad_words_set(w, 20, 1, word_of(3), GFP_NOWAIT | __GFP_NOWARN);
	KUNIT_EXPECT_EQ(test, potad_test_fail_nth(test, 0), 1);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, find(w, 21), word_of(3));
	KUNIT_EXPECT_EQ(test, potad_words_lines(w), 1);
}

/* Two CPUs in one page: each has four of its granules, and looks at them. */
struct sharing {
	struct potad_words	*w;
	u64			deadline;
	atomic_t		wrong;
	unsigned int		rounds[2];
};

static void share_a_frame(void *arg, unsigned int me)
{
	struct sharing *s = arg;
	unsigned int op, i;

	for (op = 0; potad_test_time_left(s->deadline); op++) {
		u64 g = 8 + 4 * me + op % 4;
		unsigned long word = word_of(1 + me * 1000000 + op);

		if (potad_words_set(s->w, g, 0, word, GFP_KERNEL))
			continue;
		for (i = 0; i < 3; i++)
			if (find(s->w, g) != word)
				atomic_inc(&s->wrong);
		if (potad_words_clear(s->w, g, 0, word + 16))
			atomic_inc(&s->wrong);
		if (!potad_words_clear(s->w, g, 0, word))
			atomic_inc(&s->wrong);
		if (find(s->w, g))
			atomic_inc(&s->wrong);
		s->rounds[me]++;
	}
}

static void two_cpus_in_one_page_do_not_lose_words(struct kunit *test)
{
	struct sharing s = { .w = new_words(test, 64, SHIFT) };

	s.deadline = potad_test_deadline();
	potad_test_parallel(test, 2, share_a_frame, &s);
	kunit_info(test, "%u and %u rounds\n", s.rounds[0], s.rounds[1]);
	KUNIT_EXPECT_EQ(test, atomic_read(&s.wrong), 0);
	KUNIT_EXPECT_EQ(test, potad_words_lines(s.w), 0);
	KUNIT_EXPECT_EQ(test, s.w->level[0][1], 0);
}

/* Both want to clear the same block: one may. */
struct clearing {
	struct potad_words	*w;
	unsigned int		order;
	atomic_t		step[2];
	atomic_t		cleared;
	atomic_t		wrong;
};

static void clear_the_same(void *arg, unsigned int me)
{
	struct clearing *c = arg;
	unsigned int op;

	for (op = 1; op <= 80; op++) {
		if (!me) {
			while (potad_words_set(c->w, 64, c->order, word_of(op), GFP_KERNEL))
				cond_resched();
			atomic_set(&c->cleared, 0);
		}
		potad_test_meet(c->step, me, 3 * op);
		if (potad_words_clear(c->w, 64, c->order, word_of(op)))
			atomic_inc(&c->cleared);
		potad_test_meet(c->step, me, 3 * op + 1);
		if (atomic_read(&c->cleared) != 1)
			atomic_inc(&c->wrong);
		potad_test_meet(c->step, me, 3 * op + 2);
	}
}

static void of_two_who_clear_one_succeeds(struct kunit *test)
{
	unsigned int k;

	for (k = 0; k <= 6; k += 3) {
		struct clearing c = { .w = new_words(test, 1024, SHIFT), .order = k };

		potad_test_parallel(test, 2, clear_the_same, &c);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&c.wrong), 0, "order %u", k);
		KUNIT_EXPECT_EQ(test, potad_words_lines(c.w), 0);
	}
}

static struct kunit_case word_cases[] = {
	KUNIT_CASE(new_words_find_nothing),
	KUNIT_CASE(all_words_of_a_block_are_set_or_none),
	KUNIT_CASE(neighbours_of_all_orders_do_not_touch),
	KUNIT_CASE(eight_neighbours_share_a_line),
	KUNIT_CASE(frame_is_cut_into_different_sizes),
	KUNIT_CASE(word_of_another_is_not_cleared),
	KUNIT_CASE(large_granules_are_frames_themselves),
	KUNIT_CASE(ragged_end_has_its_words),
	KUNIT_CASE(inline_words_say_what_was_put_in),
	KUNIT_CASE(no_memory_for_a_line_is_said_before),
	KUNIT_CASE(two_cpus_in_one_page_do_not_lose_words),
	KUNIT_CASE(of_two_who_clear_one_succeeds),
	{ }
};

static struct kunit_suite word_suite = {
	.name = "potad_word",
	.test_cases = word_cases,
};

kunit_test_suite(word_suite);

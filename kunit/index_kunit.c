// SPDX-License-Identifier: GPL-2.0
/*
 * Indexes: each kind does the same.
 *
 * Every test runs with each kind, beside a model that is an array: the word of
 * each granule.  The words are made up; nobody follows them.
 */
#include <kunit/test.h>
#include <linux/rcupdate.h>

#include "../module/memdesc/index.h"
#include "common.h"

#define SHIFT		3		/* as with granules of 512 bytes */
#define GRANULES	1024U
#define MAX_ORDER	10

static const char * const names[] = { "words", "maple", "xarray" };

static void kind_describe(const enum potad_index_kind *kind, char *desc)
{
	strscpy(desc, names[*kind], KUNIT_PARAM_DESC_SIZE);
}

static const enum potad_index_kind kinds[] = {
	POTAD_INDEX_WORDS, POTAD_INDEX_MAPLE, POTAD_INDEX_XARRAY,
};

static_assert(ARRAY_SIZE(kinds) == POTAD_INDEX_KINDS);
KUNIT_ARRAY_PARAM(kind, kinds, kind_describe);

static void exit_index(void *x)
{
	potad_index_exit(x);
}

static struct potad_index *new_index(struct kunit *test)
{
	struct potad_index *x = potad_test_memory(test, sizeof(*x));
	enum potad_index_kind kind = *(const enum potad_index_kind *)test->param_value;
	int err = potad_index_init(x, kind, GRANULES, SHIFT);

	if (err)
		kunit_skip(test, "no index of kind %s: %d", names[kind], err);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, exit_index, x), 0);
	return x;
}

/* An address as a kernel has them, or an inline word; n from 1 on. */
static unsigned long word_of(u32 n)
{
	if (n % 2)
		return (0xffff888000000000UL + n * 16UL) | (POTAD_TAG_TYPE + n % POTAD_TAGS);
	return potad_word_inline(n << 8, n % 40, POTAD_TYPE_FIRST + n % POTAD_TYPES);
}

static unsigned long find(struct potad_index *x, u64 granule)
{
	unsigned long word;

	rcu_read_lock();
	word = potad_index_find(x, granule);
	rcu_read_unlock();
	return word;
}

/* What is where: word and order of the block each granule belongs to. */
struct model {
	unsigned long	word[GRANULES];
	u8		order[GRANULES];
};

static bool model_free(const struct model *m, u32 first, unsigned int order)
{
	u32 i;

	for (i = first; i < first + (1U << order); i++)
		if (m->word[i])
			return false;
	return true;
}

static void model_set(struct model *m, u32 first, unsigned int order, unsigned long word)
{
	u32 i;

	for (i = first; i < first + (1U << order); i++) {
		m->word[i] = word;
		m->order[i] = order;
	}
}

static void expect_model(struct kunit *test, struct potad_index *x, const struct model *m)
{
	u32 g = 0;

	rcu_read_lock();
	while (g < GRANULES && potad_index_find(x, g) == m->word[g])
		g++;
	rcu_read_unlock();
	KUNIT_ASSERT_EQ_MSG(test, g, GRANULES, "granule %u is another's", g);
	KUNIT_ASSERT_STREQ(test, potad_index_validate(x) ?: "fine", "fine");
}

/* Small orders more often than large ones, so that both find room. */
static unsigned int any_order(struct rnd_state *rnd)
{
	return potad_test_below(rnd, 1 + potad_test_below(rnd, MAX_ORDER + 1));
}

static void set_anew(struct kunit *test, struct potad_index *x, struct model *m,
		     u32 first, unsigned int order, unsigned long word)
{
	if (potad_index_set(x, first, order, word, GFP_KERNEL))
		kunit_skip(test, "no memory for a block's words");
	model_set(m, first, order, word);
}

/* Not by another's word, and once. */
static void clear(struct kunit *test, struct potad_index *x, struct model *m, u32 first,
		  unsigned int order, unsigned long other)
{
	unsigned long word = m->word[first];

	KUNIT_ASSERT_FALSE(test, potad_index_clear(x, first, order, other));
	KUNIT_ASSERT_TRUE(test, potad_index_clear(x, first, order, word));
	KUNIT_ASSERT_FALSE(test, potad_index_clear(x, first, order, word));
	model_set(m, first, order, 0);
}

static void random_blocks_are_as_in_the_model(struct kunit *test)
{
	struct potad_index *x = new_index(test);
	struct model *m = potad_test_memory(test, sizeof(*m));
	struct rnd_state rnd;
	u32 op;

	potad_test_seed(test, &rnd);
	for (op = 1; op <= potad_test_ops(); op++) {
		u32 at = potad_test_below(&rnd, GRANULES);
		unsigned int order = m->word[at] ? m->order[at] : any_order(&rnd);
		u32 first = at & ~((1U << order) - 1), i;

		if (m->word[at])
			clear(test, x, m, first, order, word_of(op));
		else if (model_free(m, first, order))
			set_anew(test, x, m, first, order, word_of(op));
		for (i = 0; i < 4; i++) {
			at = potad_test_below(&rnd, GRANULES);
			KUNIT_ASSERT_EQ(test, find(x, at), m->word[at]);
		}
		if (!(op % 512))
			expect_model(test, x, m);
		if (!(op % 64))
			cond_resched();
	}
	expect_model(test, x, m);
}

/*
 * A set fails at its first allocation, then at its second ..., until it has all it
 * takes.  Each time that it fails nothing may have changed.
 */
static unsigned int fail_each(struct kunit *test, struct potad_index *x, struct model *m,
			      u32 first, unsigned int order, unsigned long word)
{
	unsigned int nth, left;
	u32 g;
	int err;

	for (nth = 1; nth < 100; nth++) {
		potad_test_fail_nth(test, nth);
		err = potad_index_set(x, first, order, word, GFP_NOWAIT | __GFP_NOWARN);
		left = potad_test_fail_nth(test, 0);
		if (!err) {
			model_set(m, first, order, word);
			/* One that failed may have been made good for. */
			if (left)
				return nth - 1;
			KUNIT_ASSERT_TRUE(test, potad_index_clear(x, first, order, word));
			model_set(m, first, order, 0);
			continue;
		}
		KUNIT_ASSERT_EQ(test, err, -ENOMEM);
		for (g = 0; g < GRANULES; g += 1 + g % 7)
			KUNIT_ASSERT_EQ(test, find(x, g), m->word[g]);
	}
	KUNIT_FAIL(test, "a set that takes more than 100 allocations");
	return nth;
}

static void set_without_memory_changes_nothing(struct kunit *test)
{
	struct potad_index *x = new_index(test);
	struct model *m = potad_test_memory(test, sizeof(*m));
	unsigned int order, failed = 0;
	struct rnd_state rnd;
	u32 i;

	potad_test_seed(test, &rnd);
	for (i = 1; i <= 150; i++) {
		u32 first = potad_test_below(&rnd, GRANULES);

		order = any_order(&rnd) % 5;
		first &= ~((1U << order) - 1);
		if (model_free(m, first, order))
			failed += fail_each(test, x, m, first, order, word_of(i));
		cond_resched();
	}
	expect_model(test, x, m);
	kunit_info(test, "%u allocations failed\n", failed);
	KUNIT_EXPECT_GT(test, failed, 0);
}

/* Many blocks of mixed orders, which fill the range. */
static void fill(struct kunit *test, struct potad_index *x, struct model *m,
		 struct rnd_state *rnd)
{
	u32 first = 0, n = 1;

	while (first < GRANULES) {
		unsigned int order = any_order(rnd) % 7;

		if (first & ((1U << order) - 1))
			order = __ffs(first);
		if (potad_index_set(x, first, order, word_of(n), GFP_KERNEL))
			kunit_skip(test, "no memory for words");
		model_set(m, first, order, word_of(n++));
		first += 1U << order;
	}
}

/*
 * The first allocation of each change fails, and nobody minds.  (A slab may ask for
 * a little of its own when it gets an object back, and do without.)
 */
static void clear_takes_no_memory(struct kunit *test)
{
	struct potad_index *x = new_index(test);
	struct model *m = potad_test_memory(test, sizeof(*m));
	unsigned int asked = 0;
	struct rnd_state rnd;
	bool ok = true;
	u32 first, round;

	potad_test_seed(test, &rnd);
	for (round = 0; round < 3; round++) {
		fill(test, x, m, &rnd);
		/* In an order of no pattern: 509 is a prime. */
		for (first = 0; first < GRANULES; first++) {
			u32 at = first * 509 % GRANULES;
			unsigned int order = m->order[at];
			unsigned long word = m->word[at];

			if (!word || at & ((1U << order) - 1))
				continue;
			potad_test_fail_nth(test, 1);
			ok &= potad_index_clear(x, at, order, word);
			asked += !potad_test_fail_nth(test, 0);
		}
		KUNIT_ASSERT_TRUE(test, ok);
		memset(m, 0, sizeof(*m));
		expect_model(test, x, m);
	}
	kunit_info(test, "%u times the slab asked for memory\n", asked);
	/* A store into a tree would try again, and so hide one that failed. */
	if (x->kind == POTAD_INDEX_MAPLE)
		KUNIT_EXPECT_EQ(test, asked, 0);
}

/*
 * What the index does not do, as the kernel's mtree_erase() does it: a range is erased, but
 * without waiting for memory and without insisting on it.  0 or -ENOMEM.
 */
static int maple_erase(struct potad_maple *m, u64 granule)
{
	MA_STATE(mas, &m->tree, granule, granule);
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&m->tree.ma_lock, flags);
	if (mas_walk(&mas)) {
		mas_set_range(&mas, mas.index, mas.last);
		err = mas_store_gfp(&mas, NULL, GFP_NOWAIT | __GFP_NOWARN);
	}
	mas_destroy(&mas);
	spin_unlock_irqrestore(&m->tree.ma_lock, flags);
	return err;
}

/* Erases with the first allocation failing: whether there was any. */
static bool fail_once(struct kunit *test, struct potad_index *x, u32 at, int *err)
{
	potad_test_fail_nth(test, 1);
	*err = maple_erase(&x->maple, at);
	return !potad_test_fail_nth(test, 0);
}

/*
 * What the maple tree would need memory for, were ranges erased.  Some of those
 * are erased all the same, where the allocation after the one that failed
 * succeeds.
 */
static void erasing_from_a_maple_tree_takes_memory(struct kunit *test)
{
	struct potad_index *x = new_index(test);
	struct model *m = potad_test_memory(test, sizeof(*m));
	unsigned int erased = 0, refused = 0, asked = 0;
	struct rnd_state rnd;
	u32 at;
	int err;

	if (x->kind != POTAD_INDEX_MAPLE)
		kunit_skip(test, "only of the maple tree");
	potad_test_seed(test, &rnd);
	fill(test, x, m, &rnd);
	for (at = 0; at < GRANULES; at++) {
		if (at & ((1U << m->order[at]) - 1))
			continue;
		asked += fail_once(test, x, at, &err);
		erased += !err;
		refused += !!err;
		KUNIT_ASSERT_EQ(test, find(x, at), err ? m->word[at] : 0);
	}
	kunit_info(test, "%u ranges: %u asked for memory, %u of those were not erased\n",
		   erased + refused, asked, refused);
	KUNIT_EXPECT_GT(test, asked, 0);
}

struct race {
	struct potad_index	*x;
	u64			deadline;
	bool			over;
	u64			found;
	u64			changed;
	atomic_t		wrong;
};

/*
 * Blocks come and go at 64 places of 16 granules, those in between stay:
 * a reader finds in a place what was ever put there or nothing, and beside it
 * always the same.
 */
#define PLACE		16U
#define PLACES		64U

static unsigned long place_word(u32 place, u32 n)
{
	return (0xffff888000000000UL + place * 4096UL + n % 4 * 16UL) | POTAD_TAG_TYPE;
}

static void read_or_write(void *arg, unsigned int me)
{
	struct race *r = arg;
	u32 n, at, place;

	/* Time may be over before it has begun: some changes there are always. */
	for (n = 0; me && (potad_test_time_left(r->deadline) || n < 100); n++) {
		unsigned int order = n % 5;

		place = n * 29 % PLACES & ~1U;
		at = place * PLACE;
		if (potad_index_set(r->x, at, order, place_word(place, n), GFP_KERNEL))
			continue;
		if (!potad_index_clear(r->x, at, order, place_word(place, n)))
			atomic_inc(&r->wrong);
		r->changed++;
	}
	if (me)
		WRITE_ONCE(r->over, true);
	for (n = 0; !me && !READ_ONCE(r->over); n++) {
		u32 g = n * 13 % (PLACES * PLACE);
		unsigned long word = find(r->x, g);

		place = g / PLACE;
		if (place % 2 && word != place_word(place, 0))
			atomic_inc(&r->wrong);
		else if (word && (word & ~0x3fUL) != (place_word(place, 0) & ~0x3fUL))
			atomic_inc(&r->wrong);
		r->found++;
		if (!(n % 256))
			cond_resched();
	}
}

static void readers_find_a_block_or_nothing_beside_a_writer(struct kunit *test)
{
	struct race r = { .x = new_index(test), .deadline = potad_test_deadline() };
	u32 place;

	for (place = 1; place < PLACES; place += 2)
		if (potad_index_set(r.x, place * PLACE, 4, place_word(place, 0), GFP_KERNEL))
			kunit_skip(test, "no memory for words");
	potad_test_parallel(test, 2, read_or_write, &r);
	kunit_info(test, "%llu lookups, %llu changes\n", r.found, r.changed);
	KUNIT_EXPECT_EQ(test, atomic_read(&r.wrong), 0);
	if (!r.changed)
		kunit_skip(test, "no memory for words, ever");
	KUNIT_EXPECT_STREQ(test, potad_index_validate(r.x) ?: "fine", "fine");
}

static void in_an_interrupt(void *arg)
{
	struct race *r = arg;
	u32 at;

	for (at = 0; at < 256; at += 8) {
		unsigned int order = at / 8 % 4;

		if (potad_index_set(r->x, at, order, word_of(2), GFP_ATOMIC | __GFP_NOWARN))
			continue;
		if (potad_index_find(r->x, at) != word_of(2) ||
		    !potad_index_clear(r->x, at, order, word_of(2)))
			atomic_inc(&r->wrong);
		r->changed++;
	}
}

static void interrupts_set_and_clear(struct kunit *test)
{
	struct race r = { .x = new_index(test) };

	/* In a thread too, so that lockdep sees both. */
	in_an_interrupt(&r);
	potad_test_hardirq(test, in_an_interrupt, &r);
	KUNIT_EXPECT_EQ(test, atomic_read(&r.wrong), 0);
	KUNIT_EXPECT_GT(test, r.changed, 32);
	KUNIT_EXPECT_STREQ(test, potad_index_validate(r.x) ?: "fine", "fine");
}

static struct kunit_case index_cases[] = {
	KUNIT_CASE_PARAM(random_blocks_are_as_in_the_model, kind_gen_params),
	KUNIT_CASE_PARAM(set_without_memory_changes_nothing, kind_gen_params),
	KUNIT_CASE_PARAM(clear_takes_no_memory, kind_gen_params),
	KUNIT_CASE_PARAM(erasing_from_a_maple_tree_takes_memory, kind_gen_params),
	KUNIT_CASE_PARAM(readers_find_a_block_or_nothing_beside_a_writer, kind_gen_params),
	KUNIT_CASE_PARAM(interrupts_set_and_clear, kind_gen_params),
	{ }
};

static struct kunit_suite index_suite = {
	.name = "potad_index",
	.test_cases = index_cases,
};

kunit_test_suite(index_suite);

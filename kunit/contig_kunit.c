// SPDX-License-Identifier: GPL-2.0
/*
 * Contiguous memory: is the oracle right, and is potad's search as good as the oracle?
 *
 * The oracle looks for the next taken unit; its reference looks at each unit of each
 * place, and at the place's number modulo the alignment.  The space's search has to find
 * a run exactly where the oracle does, in maps that are filled and emptied at random.
 *
 * A tape is held against what its recording says, word for word.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "../module/compare/oracle.h"
#include "../module/compare/tape.h"
#include "../module/include/compat.h"
#include "common.h"
#include "spaces.h"

#define UNITS	1000U
#define CASES	10000U

static bool unit_by_unit(const struct potad_oracle *o, unsigned long nr, u64 align,
			 unsigned long *at)
{
	unsigned long first, i;

	for (first = 0; first + nr <= o->units; first++) {
		for (i = 0; i < nr && !test_bit(first + i, o->taken); i++)
			;
		if (i == nr && (o->base + first) % align == 0) {
			*at = first;
			return true;
		}
	}
	return false;
}

static void oracle_finds_what_is_there(struct kunit *test)
{
	DECLARE_BITMAP(taken, 128) = { };
	struct potad_oracle o = { .taken = taken, .units = 100 };
	unsigned long at = 0;

	KUNIT_EXPECT_TRUE(test, potad_oracle_finds(&o, 100, 1, &at));
	KUNIT_EXPECT_EQ(test, at, 0);
	KUNIT_EXPECT_FALSE(test, potad_oracle_finds(&o, 101, 1, &at));
	/* An island of eight: 60 .. 67. */
	bitmap_fill(taken, 128);
	bitmap_clear(taken, 60, 8);
	KUNIT_EXPECT_TRUE(test, potad_oracle_finds(&o, 8, 1, &at));
	KUNIT_EXPECT_EQ(test, at, 60);
	KUNIT_EXPECT_FALSE(test, potad_oracle_finds(&o, 9, 1, &at));
	KUNIT_EXPECT_TRUE(test, potad_oracle_finds(&o, 4, 4, &at));
	KUNIT_EXPECT_EQ(test, at, 60);
	KUNIT_EXPECT_TRUE(test, potad_oracle_finds(&o, 4, 8, &at));
	KUNIT_EXPECT_EQ(test, at, 64);
	KUNIT_EXPECT_FALSE(test, potad_oracle_finds(&o, 8, 8, &at));
	/* The same eight, four from a multiple of eight. */
	o.base = 4;
	KUNIT_EXPECT_TRUE(test, potad_oracle_finds(&o, 8, 8, &at));
	KUNIT_EXPECT_EQ(test, at, 60);
	/* Right at the end, and what is behind the end is not there. */
	bitmap_zero(taken, 128);
	bitmap_set(taken, 0, 92);
	KUNIT_EXPECT_TRUE(test, potad_oracle_finds(&o, 8, 1, &at));
	KUNIT_EXPECT_EQ(test, at, 92);
	KUNIT_EXPECT_FALSE(test, potad_oracle_finds(&o, 9, 1, &at));
	KUNIT_EXPECT_FALSE(test, potad_oracle_finds(&o, 1, 128, &at));
}

static void oracle_agrees_with_units(struct kunit *test)
{
	unsigned long *taken = potad_test_memory(test, BITS_TO_LONGS(UNITS) * sizeof(long));
	struct potad_oracle o = { .taken = taken };
	unsigned long at, seen;
	struct rnd_state rnd;
	u32 i, found = 0;

	potad_test_seed(test, &rnd);
	for (i = 0; i < potad_test_ops(); i++) {
		unsigned long nr = 1 + potad_test_below(&rnd, 1U << potad_test_below(&rnd, 9));
		u64 align = 1ULL << potad_test_below(&rnd, 9);
		u32 from = potad_test_below(&rnd, UNITS), len = potad_test_below(&rnd, 64);

		o.units = 1 + potad_test_below(&rnd, UNITS);
		o.base = potad_test_below(&rnd, 4096);
		len = min(len, UNITS - from);
		if (potad_test_below(&rnd, 2))
			bitmap_set(taken, from, len);
		else
			bitmap_clear(taken, from, len);
		at = ULONG_MAX;
		seen = ULONG_MAX;
		KUNIT_ASSERT_EQ_MSG(test, potad_oracle_finds(&o, nr, align, &seen),
				    unit_by_unit(&o, nr, align, &at), "%lu, aligned to %llu",
				    nr, align);
		KUNIT_ASSERT_EQ(test, seen, at);
		found += at != ULONG_MAX;
	}
	KUNIT_EXPECT_GT(test, found, 0);
	KUNIT_EXPECT_LT(test, found, i);
}

/* A run that was found: free until now, and where it was asked for. */
static void check_run(struct kunit *test, const struct potad_oracle *o,
		      const struct potad_run *run)
{
	unsigned long first = run->first - o->base;

	KUNIT_ASSERT_LE(test, first + run->nr, o->units);
	KUNIT_ASSERT_EQ(test, run->first & ((1ULL << run->align) - 1), 0);
	KUNIT_ASSERT_GE(test, find_next_bit(o->taken, first + run->nr, first), first + run->nr);
}

/* One unit comes or goes; more often the one that is wanted now. */
static void change(struct kunit *test, struct potad_space *s, unsigned long *taken, u64 base,
		   bool filling, struct rnd_state *rnd)
{
	u32 i = potad_test_below(rnd, UNITS);

	if (test_bit(i, taken) == filling && potad_test_below(rnd, 4))
		i = filling ? find_next_zero_bit(taken, UNITS, i) : find_next_bit(taken, UNITS, i);
	if (i >= UNITS)
		return;
	if (test_bit(i, taken))
		KUNIT_ASSERT_EQ(test, potad_space_free_run(s, base + i, 1), 0);
	else
		KUNIT_ASSERT_EQ(test, potad_space_alloc_at(s, base + i, 0, POTAD_PINNED), 0);
	change_bit(i, taken);
}

static void space_finds_what_the_oracle_finds(struct kunit *test)
{
	unsigned long *taken = potad_test_memory(test, BITS_TO_LONGS(UNITS) * sizeof(long));
	struct potad_oracle o = { .taken = taken, .units = UNITS };
	struct potad_space *s = potad_test_empty_space(test);
	u32 i, k, found = 0;
	struct rnd_state rnd;
	unsigned long at;

	potad_test_seed(test, &rnd);
	o.base = potad_test_below(&rnd, 65536);
	potad_test_add_span(test, s, o.base, UNITS, true);
	for (i = 0; i < CASES; i++) {
		struct potad_run run = {
			.nr = 1 + potad_test_below(&rnd, 1U << potad_test_below(&rnd, 9)),
			.align = potad_test_below(&rnd, 9), .max = U64_MAX,
		};
		bool there = potad_oracle_finds(&o, run.nr, 1ULL << run.align, &at);
		int err = potad_space_alloc_run(s, &run);

		KUNIT_ASSERT_EQ_MSG(test, err, there ? 0 : -ENOSPC, "%llu units, order %u",
				    run.nr, run.align);
		if (!err) {
			check_run(test, &o, &run);
			KUNIT_ASSERT_EQ(test, potad_space_free_run(s, run.first, run.nr), 0);
			found++;
		}
		for (k = 0; k < 2; k++)
			change(test, s, taken, o.base, i / 512 % 2 == 0, &rnd);
	}
	kunit_info(test, "%u runs, %u refused\n", found, CASES - found);
	KUNIT_EXPECT_GT(test, found, CASES / 20);
	KUNIT_EXPECT_LT(test, found, CASES - CASES / 20);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, s), bitmap_weight(taken, UNITS));
	for (i = find_first_bit(taken, UNITS); i < UNITS; i = find_next_bit(taken, UNITS, i + 1))
		KUNIT_ASSERT_EQ(test, potad_space_free_run(s, o.base + i, 1), 0);
	potad_test_space_sound(test, s);
}

/* Tapes --------------------------------------------------------------------- */

static void destroy_tape(void *tape)
{
	potad_tape_destroy(tape);
}

static struct potad_tape *new_tape(struct kunit *test)
{
	struct potad_tape *tape = potad_tape_create();

	if (!tape)
		kunit_skip(test, "no memory for a tape");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_tape, tape));
	return tape;
}

static void tape_has_a_cue_for_each(struct kunit *test)
{
	static const char text[] =
		"# POTT 1\n"
		"0,0,P,8,3,0,0,0\n"
		"1,1,A,10,0,0,1,7\n"
		"1,1,N,0,9,0,1,7\n"
		"1,1,S,8,3,2\n"
		"9,0,F,c,2\n"
		"9,0,F,10,0\n"
		"1,1,A,10,1,0,2,7\n";
	static const struct potad_cue cues[] = {
		{ 0, 3, POTAD_PINNED, false },
		{ 1, 0, POTAD_MOVABLE, false },
		{ 0, 3, POTAD_PINNED, true },
		{ 2, 2, POTAD_PINNED, false },
		{ 3, 2, POTAD_PINNED, false },
		{ 3, 2, POTAD_PINNED, true },
		{ 1, 0, POTAD_MOVABLE, true },
		{ 4, 1, POTAD_RECLAIMABLE, false },
	};
	unsigned int piece, i;

	/* However it is torn. */
	for (piece = 1; piece < sizeof(text); piece += 7) {
		struct potad_tape *tape = new_tape(test);
		size_t done, n;

		for (done = 0; done < strlen(text); done += n) {
			n = min_t(size_t, piece, strlen(text) - done);
			KUNIT_ASSERT_EQ(test, potad_tape_read(tape, text + done, n), 0);
		}
		KUNIT_ASSERT_EQ(test, potad_tape_end(tape), 0);
		KUNIT_ASSERT_EQ(test, potad_tape_cues(tape), ARRAY_SIZE(cues));
		KUNIT_EXPECT_EQ(test, potad_tape_slots(tape), 5);
		/* Nine pages: the first time. */
		KUNIT_EXPECT_EQ(test, potad_tape_peak(tape), 2);
		for (i = 0; i < ARRAY_SIZE(cues); i++) {
			const struct potad_cue *cue = potad_tape_cue(tape, i);

			KUNIT_EXPECT_EQ_MSG(test, cue->slot, cues[i].slot, "cue %u", i);
			KUNIT_EXPECT_EQ_MSG(test, cue->order, cues[i].order, "cue %u", i);
			KUNIT_EXPECT_EQ_MSG(test, cue->mobility, cues[i].mobility, "cue %u", i);
			KUNIT_EXPECT_EQ_MSG(test, cue->frees, cues[i].frees, "cue %u", i);
		}
	}
}

/* Buffers of less than a page are a page each. */
static void tape_has_pages(struct kunit *test)
{
	static const char text[] = "# POTB 1\n0,0,A,1,512,x,1\n0,0,A,2,16384,x,1\n0,0,F,1,512\n";
	struct potad_tape *tape = new_tape(test);

	KUNIT_ASSERT_EQ(test, potad_tape_read(tape, text, strlen(text)), 0);
	KUNIT_ASSERT_EQ(test, potad_tape_end(tape), 0);
	KUNIT_ASSERT_EQ(test, potad_tape_cues(tape), 3);
	KUNIT_EXPECT_EQ(test, potad_tape_cue(tape, 0)->order, 0);
	KUNIT_EXPECT_EQ(test, potad_tape_cue(tape, 1)->order, 14 - PAGE_SHIFT);
	KUNIT_EXPECT_TRUE(test, potad_tape_cue(tape, 2)->frees);
}

static void tape_refuses(struct kunit *test)
{
	static const char * const texts[] = {
		"# POTT 1\n0,0,F,8,3\n",
		"# POTT 1\n0,0,A,8,3,0,0,0\n0,0,A,8,3,0,0,0\n",
		"# POTT 1\n0,0,A,8,3,0,0,0\n0,0,A,9,0,0,0,0\n",
		"# POTT 1\n0,0,A,9,0,0,0,0\n0,0,A,8,3,0,0,0\n",
		"# POTT 1\n0,0,A,8,3,0,0,0\n0,0,F,8,2\n",
		"# POTT 1\n0,0,S,8,3,2\n",
		"# POTT 1\n0,0,A,8,3,0,0,0\n0,0,P,10,0,0,0,0\n",
		"# POTB 1\n0,0,A,1,512,x,1\n0,0,A,1,512,x,1\n",
		"# POTB 1\n0,0,A,1,512,x,1\n0,0,F,1,700\n",
		"# POTT 1\n0,0,A,8,3,0,0,0",
		"# POTT 1\n",
		"",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct potad_tape *tape = new_tape(test);
		u64 line, offset;
		int err;

		err = potad_tape_read(tape, texts[i], strlen(texts[i]));
		err = err ?: potad_tape_end(tape);
		KUNIT_EXPECT_EQ_MSG(test, err, -EINVAL, "text %u", i);
		KUNIT_EXPECT_TRUE_MSG(test, potad_tape_wrong(tape, &line, &offset), "text %u", i);
	}
}

/*
 * What cannot be had is an error, and what was had is given back.  (Of what has more than a
 * page one failure is none: then it is had in pieces.)
 */
static void tape_without_memory(struct kunit *test)
{
	static const char text[] = "# POTT 1\n0,0,A,8,3,0,0,0\n0,0,F,8,3\n";
	unsigned int nth, left = 0, failed = 0;

	for (nth = 1; !left; nth++) {
		struct potad_tape *tape;
		u64 line, offset;
		int err;

		KUNIT_ASSERT_LT(test, nth, 100);
		potad_test_fail_nth(test, nth);
		tape = potad_tape_create();
		err = tape ? potad_tape_read(tape, text, strlen(text)) : -ENOMEM;
		left = potad_test_fail_nth(test, 0);
		KUNIT_EXPECT_TRUE(test, !err || err == -ENOMEM);
		if (tape && err)
			KUNIT_EXPECT_NOT_NULL(test, potad_tape_wrong(tape, &line, &offset));
		potad_tape_destroy(tape);
		failed += !!err;
	}
	KUNIT_EXPECT_GT(test, failed, 0);
}

static struct kunit_case contig_cases[] = {
	KUNIT_CASE(oracle_finds_what_is_there),
	KUNIT_CASE(oracle_agrees_with_units),
	KUNIT_CASE(space_finds_what_the_oracle_finds),
	KUNIT_CASE(tape_has_a_cue_for_each),
	KUNIT_CASE(tape_has_pages),
	KUNIT_CASE(tape_refuses),
	KUNIT_CASE(tape_without_memory),
	{}
};

static struct kunit_suite contig_suite = {
	.name = "potad_contig",
	.test_cases = contig_cases,
};

kunit_test_suite(contig_suite);

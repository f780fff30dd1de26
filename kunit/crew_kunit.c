// SPDX-License-Identifier: GPL-2.0
/*
 * Crews: does every hand do its own in order, is nothing freed before it is allocated,
 * and is nothing held when it is over, whatever ends it?
 *
 * The subject here is a ledger of its own: it says what it was to do next, hand by hand,
 * and what has become of each lease.  What a crew of four must come to is what one
 * thread comes to that does the same in order; so for the crew by itself, with a subject
 * that refuses and dawdles, and for a whole replay, of random recordings, by potad, by
 * the kernel's allocator and by nobody.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../module/compare/crew.h"
#include "../module/compare/ledger.h"
#include "../module/compare/replay.h"
#include "../module/include/compat.h"
#include "../module/include/potad.h"
#include "../module/pool/pool.h"
#include "common.h"

#define HANDS	4U
#define CHUNK	POTAD_CREW_CHUNK
#define LIVE	512U		/* blocks at once, at the most */
#define HELD	0x5eedULL

/**
 * struct world - a subject, and what it was to do
 * @kit: that the crew hands to its subject: how the subject finds this
 * @ledger: of those who add
 * @crew: the crew
 * @hands: how many it has
 * @test: who adds
 * @expected: what each hand is to do, in order
 * @given: how many of these there are
 * @done: how many it has done; each hand its own
 * @settled: how many steps are settled
 * @added: how many were added
 * @held: bytes that are held, by those who add, when all is done in order
 * @peak: most of these
 * @settled_held: bytes that are held, of what is settled
 * @settled_peak: most of these
 * @blocks: that are held right now
 * @wrong: what should not have been
 * @dawdle: one batch in so many sleeps; 0: none
 * @gate: closed: hand 0 stops in its first batch
 * @passed: a hand but 0 has done so many steps
 */
struct world {
	struct subject_kit	kit;
	struct potad_ledger	*ledger;
	struct potad_crew	*crew;
	unsigned int		hands;
	struct task_struct	*test;
	struct potad_step	*expected[HANDS];
	u32			given[HANDS];
	u32			done[HANDS];
	u64			settled;
	u64			added;
	u64			held;
	u64			peak;
	u64			settled_held;
	u64			settled_peak;
	atomic_t		blocks;
	atomic_t		wrong;
	unsigned int		dawdle;
	bool			gate;
	atomic_t		passed;
};

/* One allocation in eleven. */
static bool refuses(u64 id)
{
	return id % 11 == 3;
}

static void do_one(struct world *w, struct potad_step *step)
{
	struct potad_lease *l = step->lease;
	struct potad_step *expected;

	/* Not where the end makes up for what no hand has come to. */
	if (w->hands == 1 || current != w->test) {
		expected = &w->expected[step->hand][w->done[step->hand]++];
		if (expected->lease != l || expected->frees != step->frees)
			atomic_inc(&w->wrong);
	}
	if (!step->frees) {
		l->empty = l->empty || refuses(l->id);
		l->held.nothing = l->empty ? 0 : HELD ^ l->id;
		atomic_add(!l->empty, &w->blocks);
	} else if (!l->empty) {
		if (l->held.nothing != (HELD ^ l->id))
			atomic_inc(&w->wrong);
		l->held.nothing = 0;
		atomic_dec(&w->blocks);
	}
	if (step->hand)
		atomic_inc(&w->passed);
}

static void world_steps(const struct subject_kit *kit, struct potad_step *step,
			unsigned int nr)
{
	struct world *w = container_of(kit, struct world, kit);
	unsigned int i;

	/* Opened by the test, in its time, or by the end, which does what is left itself. */
	while (!step->hand && READ_ONCE(w->gate) && current != w->test &&
	       !kthread_should_stop())
		usleep_range(1000, 2000);
	if (w->dawdle && !(w->done[step->hand] % w->dawdle))
		usleep_range(1000, 2000);
	for (i = 0; i < nr; i++)
		do_one(w, &step[i]);
}

static const struct potad_stepper world_stepper = { false, world_steps };

static void world_settle(const struct potad_step *step, void *arg)
{
	struct world *w = arg;
	struct potad_lease *l = step->lease;

	w->settled++;
	if (w->added - w->settled > potad_crew_window(HANDS))
		atomic_inc(&w->wrong);
	if (!l->empty && !step->frees)
		w->settled_held += 1ULL << l->shift;
	if (!l->empty && step->frees)
		w->settled_held -= 1ULL << l->shift;
	w->settled_peak = max(w->settled_peak, w->settled_held);
	if (step->frees)
		potad_ledger_recycle(w->ledger, l);
}

static void destroy_world(void *arg)
{
	struct world *w = arg;

	potad_crew_destroy(w->crew);
	potad_ledger_destroy(w->ledger);
}

static struct world *create_world(struct kunit *test, unsigned int hands, u32 steps)
{
	struct world *w = potad_test_memory(test, sizeof(*w));
	unsigned int i;

	w->hands = hands;
	w->test = current;
	for (i = 0; i < hands; i++)
		w->expected[i] = potad_test_memory(test, steps * sizeof(**w->expected));
	w->ledger = potad_ledger_create(LIVE, potad_crew_window(hands));
	if (!w->ledger)
		kunit_skip(test, "no memory for a ledger");
	w->crew = potad_crew_create(&world_stepper, &w->kit, hands, world_settle, w);
	if (IS_ERR(w->crew)) {
		potad_ledger_destroy(w->ledger);
		kunit_skip(test, "no memory for a crew");
	}
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, destroy_world, w), 0);
	return w;
}

static void add(struct kunit *test, struct world *w, unsigned int hand,
		struct potad_lease *l, bool frees)
{
	w->expected[hand][w->given[hand]++] = (struct potad_step){ l, frees, hand };
	w->added++;
	KUNIT_ASSERT_EQ(test, potad_crew_add(w->crew, hand, l, frees), 0);
}

static void add_alloc(struct kunit *test, struct world *w, unsigned int hand, u64 id)
{
	struct potad_lease *l;
	int err;

	err = potad_ledger_add(w->ledger, id, &l);
	if (err == -ENOMEM)
		kunit_skip(test, "no memory for a lease");
	KUNIT_ASSERT_EQ(test, err, 0);
	l->shift = 9 + id % 8;
	l->empty = false;
	if (!refuses(id))
		w->held += 1ULL << l->shift;
	w->peak = max(w->peak, w->held);
	add(test, w, hand, l, false);
}

static void add_free(struct kunit *test, struct world *w, unsigned int hand, u64 id)
{
	struct potad_lease *l = potad_ledger_end(w->ledger, id);

	KUNIT_ASSERT_NOT_NULL(test, l);
	if (!refuses(id))
		w->held -= 1ULL << l->shift;
	add(test, w, hand, l, true);
}

/* Allocations and frees of any hand's by any hand. */
static void add_random(struct kunit *test, struct world *w, struct rnd_state *rnd,
		       unsigned int hands, u32 steps)
{
	u32 i;

	for (i = 0; i < steps; i++) {
		unsigned int hand = potad_test_below(rnd, hands);
		u64 id = potad_test_below(rnd, LIVE);

		if (potad_ledger_find(w->ledger, id))
			add_free(test, w, hand, id);
		else
			add_alloc(test, w, hand, id);
		if (!potad_test_below(rnd, 2000))
			KUNIT_ASSERT_EQ(test, potad_crew_drain(w->crew), 0);
	}
}

/* What the ledger holds of blocks that were not refused. */
static u32 count_held(struct world *w)
{
	struct potad_lease *l;
	u32 bucket = 0, n = 0;

	while ((l = potad_ledger_any(w->ledger, &bucket))) {
		n += !l->empty;
		potad_ledger_recycle(w->ledger, l);
	}
	return n;
}

/* By so many hands it comes to what it comes to when it is done in order. */
static void check_order(struct kunit *test, unsigned int hands, unsigned int dawdle)
{
	u32 steps = potad_test_ops() * 2;
	struct world *w = create_world(test, hands, steps);
	struct potad_crew_sums *sums = potad_test_memory(test, sizeof(*sums));
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	w->dawdle = dawdle;
	add_random(test, w, &rnd, hands, steps);
	KUNIT_EXPECT_EQ(test, potad_crew_drain(w->crew), 0);
	KUNIT_EXPECT_EQ(test, w->settled, steps);
	potad_crew_stop(w->crew);
	KUNIT_EXPECT_EQ(test, w->settled, steps);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->wrong), 0);
	KUNIT_EXPECT_EQ(test, w->settled_held, w->held);
	KUNIT_EXPECT_EQ(test, w->settled_peak, w->peak);
	potad_crew_sums(w->crew, sums);
	KUNIT_EXPECT_EQ(test, sums->tally.ops, steps);
	KUNIT_EXPECT_EQ(test, sums->refused, 0);
	kunit_info(test, "%u hands, %u steps, %llu waits\n", hands, steps, sums->waits);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->blocks), count_held(w));
}

static void crew_in_order(struct kunit *test)
{
	check_order(test, HANDS, 0);
}

static void crew_in_order_of_slow_hands(struct kunit *test)
{
	check_order(test, HANDS, 7);
}

static void crew_of_one(struct kunit *test)
{
	check_order(test, 1, 0);
}

/* A free waits for its allocation, and nobody else does. */
static void crew_waits(struct kunit *test)
{
	struct world *w = create_world(test, HANDS, 2 * CHUNK);
	unsigned int i, n;

	w->gate = true;
	for (i = 0; i < CHUNK; i++)
		add_alloc(test, w, 0, i);
	for (i = 0; i < CHUNK; i++)
		add_free(test, w, 1, i);
	for (i = 0; i < CHUNK; i++)
		add_alloc(test, w, 2, LIVE + i);
	for (n = 0; n < 1000 && atomic_read(&w->passed) < CHUNK; n++)
		usleep_range(1000, 2000);
	/* Time for who should not do anything. */
	msleep(50);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->passed), CHUNK);
	KUNIT_EXPECT_EQ(test, w->settled, 0);
	WRITE_ONCE(w->gate, false);
	KUNIT_EXPECT_EQ(test, potad_crew_drain(w->crew), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->passed), 2 * CHUNK);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->wrong), 0);
	potad_crew_stop(w->crew);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->blocks), count_held(w));
}

/* Stopped while a hand is in a batch, others wait for it, and some know of nothing yet. */
static void crew_stopped(struct kunit *test)
{
	unsigned int rounds, i;

	for (rounds = 0; rounds < 8; rounds++) {
		struct world *w = create_world(test, HANDS, 3 * CHUNK);

		w->gate = rounds & 1;
		for (i = 0; i < CHUNK; i++)
			add_alloc(test, w, 0, i);
		for (i = 0; i < CHUNK; i++)
			add_free(test, w, rounds & 2 ? 0 : 1, i);
		for (i = 0; i < CHUNK / 2 + rounds; i++)
			add_alloc(test, w, i % HANDS, i);
		for (i = 0; i < CHUNK / 3; i++)
			add_free(test, w, (i + 1) % HANDS, i);
		if (rounds & 4)
			usleep_range(1000, 2000);
		potad_crew_stop(w->crew);
		KUNIT_EXPECT_EQ(test, atomic_read(&w->wrong), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&w->blocks), count_held(w));
	}
}

static void crew_without_memory(struct kunit *test)
{
	struct world *w = potad_test_memory(test, sizeof(*w));
	unsigned int nth, left = 0, failed = 0;
	struct potad_crew *crew;

	for (nth = 1; !left; nth++) {
		KUNIT_ASSERT_LT(test, nth, 100);
		potad_test_fail_nth(test, nth);
		crew = potad_crew_create(&world_stepper, &w->kit, HANDS, world_settle, w);
		left = potad_test_fail_nth(test, 0);
		if (IS_ERR(crew)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(crew), -ENOMEM);
			failed++;
		} else {
			potad_crew_stop(crew);
			potad_crew_destroy(crew);
		}
	}
	KUNIT_EXPECT_GT(test, failed, 0);
}

/* Whole replays --------------------------------------------------------------- */

#define SLOTS		128U
#define SLOT_PAGES	8U		/* 4 MiB, and what is under way; potad has 16 */
#define LINE		40U

/* A recording, and what it comes to. */
struct story {
	char	*text;
	size_t	len;
	u64	cut;		/* a place behind a line, in the middle */
	u64	allocs;
	u64	frees;
	u64	held;
	u64	peak;
	u64	live;
};

static void note_alloc(struct story *s, u32 order)
{
	s->allocs++;
	s->live++;
	s->held += 4096ULL << order;
	s->peak = max(s->peak, s->held);
}

static void note_free(struct story *s, u32 order)
{
	s->frees++;
	s->live--;
	s->held -= 4096ULL << order;
}

/* Blocks of 1 to 8 pages; some are split into pages, which are then freed from behind. */
static struct story *random_story(struct kunit *test, struct rnd_state *rnd, u32 records)
{
	struct story *s = potad_test_memory(test, sizeof(*s));
	u8 *pages = potad_test_memory(test, SLOTS);	/* of a split block, that are left */
	u8 *order = potad_test_memory(test, SLOTS);	/* and 1; 0: nothing lives there */
	u32 i, k, slot, cpu, page;

	s->text = potad_test_memory(test, (records + 1) * LINE);
	s->len = sprintf(s->text, "# POTT 1 random\n");
	for (i = 0; i < records; i++) {
		char *to = s->text + s->len;

		slot = potad_test_below(rnd, SLOTS);
		cpu = potad_test_below(rnd, 7);
		page = slot * SLOT_PAGES;
		if (pages[slot]) {
			s->len += sprintf(to, "1,%u,F,%x,0\n", cpu, page + --pages[slot]);
			note_free(s, 0);
		} else if (!order[slot]) {
			k = potad_test_below(rnd, 4);
			order[slot] = k + 1;
			s->len += sprintf(to, "1,%u,A,%x,%u,0,%u,7\n", cpu, page, k, cpu % 3);
			note_alloc(s, k);
		} else if (order[slot] > 1 && !potad_test_below(rnd, 4)) {
			k = order[slot] - 1;
			order[slot] = 0;
			pages[slot] = 1U << k;
			s->len += sprintf(to, "1,%u,S,%x,%u,0\n", cpu, page, k);
			note_free(s, k);
			for (k = 0; k < pages[slot]; k++)
				note_alloc(s, 0);
		} else {
			k = order[slot] - 1;
			order[slot] = 0;
			s->len += sprintf(to, "1,%u,F,%x,%u\n", cpu, page, k);
			note_free(s, k);
		}
		if (i == records / 2)
			s->cut = s->len;
	}
	return s;
}

static u64 pool_free(struct kunit *test)
{
	struct potad_space_stat *stat = potad_test_memory(test, sizeof(*stat));
	u64 cached;

	potad_pool_drain(potad_pool_default());
	potad_pool_stat(potad_pool_default(), stat, &cached);
	return stat->free;
}

static struct potad_replay *begin_replay(struct kunit *test, const char *subject,
					 unsigned int threads)
{
	const char *why;
	struct potad_replay *r = potad_replay_begin(subject, 777, threads, &why);

	if (r == ERR_PTR(-ENOMEM))
		kunit_skip(test, "no memory for a replay");
	KUNIT_ASSERT_FALSE(test, IS_ERR(r));
	return r;
}

static void check_replay(struct kunit *test, const struct story *s, const char *subject,
			 unsigned int threads)
{
	struct potad_replay *r = begin_replay(test, subject, threads);
	const struct potad_replay_sums *sums = potad_replay_sums(r);
	const char *wrong;
	u64 line, offset;
	size_t done, n;
	int err = 0;

	for (done = 0; done < s->len && !err; done += n) {
		n = min_t(size_t, s->len - done, 4096);
		err = potad_replay_read(r, s->text + done, n);
	}
	err = err ?: potad_replay_end(r);
	wrong = potad_replay_wrong(r, &line, &offset);
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s: line %llu: %s", subject, line, wrong ?: "");
	KUNIT_EXPECT_EQ(test, sums->threads, threads);
	KUNIT_EXPECT_EQ(test, sums->cpus, 7);
	KUNIT_EXPECT_EQ_MSG(test, sums->failed, 0, "%s by %u", subject, threads);
	KUNIT_EXPECT_EQ(test, sums->allocs, s->allocs);
	KUNIT_EXPECT_EQ(test, sums->frees, s->frees);
	KUNIT_EXPECT_EQ(test, sums->live, s->live);
	KUNIT_EXPECT_EQ(test, sums->bytes, s->held);
	KUNIT_EXPECT_EQ(test, sums->asked, s->peak);
	KUNIT_EXPECT_EQ_MSG(test, sums->peak, s->peak, "%s by %u", subject, threads);
	KUNIT_EXPECT_EQ(test, sums->crew.tally.ops, s->allocs + s->frees);
	KUNIT_EXPECT_EQ(test, !sums->elsewhere, threads == 1);
	potad_replay_destroy(r);
}

static void crew_replays(struct kunit *test)
{
	static const char * const subjects[] = {
		"potad", "potad-described", "buddy", "buddy-described", "kmalloc", "empty",
	};
	struct rnd_state rnd;
	struct story *s;
	unsigned int i;
	u64 free;

	potad_test_seed(test, &rnd);
	s = random_story(test, &rnd, potad_test_ops() * 2);
	free = pool_free(test);
	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		check_replay(test, s, subjects[i], 1);
		check_replay(test, s, subjects[i], HANDS);
		KUNIT_EXPECT_EQ(test, pool_free(test), free);
	}
	KUNIT_EXPECT_STREQ(test, potad_pool_validate(potad_pool_default()) ?: "", "");
}

/* Closed in the middle, or a record that cannot be; and who comes next can. */
static void crew_replay_cut(struct kunit *test)
{
	struct potad_replay *r, *other;
	const char *why;
	struct rnd_state rnd;
	struct story *s;
	u64 free, line, offset;
	unsigned int i;

	potad_test_seed(test, &rnd);
	s = random_story(test, &rnd, 3000);
	free = pool_free(test);
	for (i = 0; i < 2; i++) {
		r = begin_replay(test, "potad", HANDS);
		KUNIT_EXPECT_EQ(test, potad_replay_read(r, s->text, s->cut), 0);
		other = potad_replay_begin("empty", 1, 0, &why);
		KUNIT_EXPECT_PTR_EQ(test, other, ERR_PTR(-EBUSY));
		if (!IS_ERR(other))
			potad_replay_destroy(other);
		if (i) {
			KUNIT_EXPECT_EQ(test, potad_replay_read(r, "0,0,F,fffff,0\n", 14), -EINVAL);
			KUNIT_EXPECT_STREQ(test, potad_replay_wrong(r, &line, &offset),
					   "no block lives there");
			KUNIT_EXPECT_EQ(test, offset, s->cut);
		}
		potad_replay_destroy(r);
		KUNIT_EXPECT_EQ(test, pool_free(test), free);
	}
	potad_replay_destroy(begin_replay(test, "empty", POTAD_REPLAY_THREADS));
}

static struct kunit_case crew_cases[] = {
	KUNIT_CASE(crew_of_one),
	KUNIT_CASE(crew_in_order),
	KUNIT_CASE(crew_in_order_of_slow_hands),
	KUNIT_CASE(crew_waits),
	KUNIT_CASE(crew_stopped),
	KUNIT_CASE(crew_without_memory),
	KUNIT_CASE(crew_replays),
	KUNIT_CASE(crew_replay_cut),
	{}
};

static struct kunit_suite crew_suite = {
	.name = "potad_trace_crew",
	.test_cases = crew_cases,
};

kunit_test_suite(crew_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Contiguous memory; the story is in contig.h.
 *
 * A block that is held is a holding; there are as many of those as the ground has pages,
 * and some more for pages of files that lie outside.  All are made before anything is
 * filled: what this takes itself is not to lie in the ground.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../include/compat.h"
#include "compare.h"
#include "contig.h"
#include "ground.h"
#include "oracle.h"
#include "stopwatch.h"
#include "subjects.h"
#include "tape.h"

/* Pages that may lie outside the ground, at most. */
#define OUTSIDE		(SZ_64M >> PAGE_SHIFT)

/* Percent that may be missing where no more fits. */
#define SHORT_OF	2

#define NO_SLOT		U32_MAX

static const u64 sizes[] = {
	SZ_64K, SZ_256K, SZ_1M, SZ_2M, SZ_4M, SZ_8M, SZ_16M, SZ_32M, SZ_64M,
};

static const u64 aligns[] = { SZ_4K, SZ_64K, SZ_1M, SZ_2M };

/**
 * struct experiment - one that is under way
 * @what: what to find out
 * @tape: what to fill the ground with
 * @ground: the ground
 * @sums: what was done
 * @rnd: random numbers
 * @ages: all that is held, the oldest first
 * @unused: holdings that are not
 * @holdings: how many there are of both
 * @holding: they
 * @live: what is held of this pass, by slot; or NULL
 * @at: the next cue
 * @within: pages of the ground that are held
 * @all: pages that are held
 * @target: as many, and no more
 * @gone: pages that had to go since this fill began
 * @passed: @all, when the last pass ended
 * @full: the target has been reached since
 * @taken: for the oracle
 */
struct experiment {
	const struct potad_contig *what;
	const struct potad_tape	*tape;
	struct potad_ground	ground;
	struct potad_contig_sums *sums;
	struct rnd_state	rnd;
	struct list_head	ages;
	struct list_head	unused;
	u32			holdings;
	struct potad_holding	*holding;
	struct potad_holding	**live;
	u32			at;
	u64			within;
	u64			all;
	u64			target;
	u64			gone;
	u64			passed;
	bool			full;
	unsigned long		*taken;
};

/* Filling ------------------------------------------------------------------- */

/* A block of the ground is free again. */
static void drop(struct experiment *e, struct potad_holding *h)
{
	e->within -= h->within;
	e->all -= 1ULL << h->order;
	potad_ground_drop(&e->ground, h);
	if (h->slot != NO_SLOT)
		e->live[h->slot] = NULL;
	list_move(&h->age, &e->unused);
}

/* Something has to go.  Something is held. */
static void let_go(struct experiment *e)
{
	struct potad_holding *h = list_first_entry(&e->ages, struct potad_holding, age);
	u32 i;

	if (e->what->any) {
		i = prandom_u32_state(&e->rnd) % e->holdings;
		while (!e->holding[i].held)
			i = (i + 1) % e->holdings;
		h = &e->holding[i];
	}
	e->gone += h->within;
	e->sums->gone++;
	drop(e, h);
}

static void hold(struct experiment *e, const struct potad_cue *cue)
{
	struct potad_holding *h;

	h = list_first_entry_or_null(&e->unused, struct potad_holding, age);
	if (h) {
		h->order = cue->order;
		h->mobility = cue->mobility;
		h->slot = cue->slot;
	}
	if (!h || !potad_ground_hold(&e->ground, h)) {
		e->sums->refused++;
		return;
	}
	list_move_tail(&h->age, &e->ages);
	e->live[cue->slot] = h;
	e->within += h->within;
	e->all += 1ULL << h->order;
	e->sums->allocs++;
	e->sums->reached = max_t(unsigned int, e->sums->reached,
				 div64_u64(100 * e->within, e->ground.pages));
}

/*
 * The tape has been played: what it has left stays.  If that was in vain no more fits: the
 * target is lowered a little.  -ERANGE: that will not do.
 */
static int next_pass(struct experiment *e)
{
	struct potad_holding *h;

	list_for_each_entry(h, &e->ages, age)
		h->slot = NO_SLOT;
	memset(e->live, 0, potad_tape_slots(e->tape) * sizeof(*e->live));
	e->at = 0;
	e->sums->passes++;
	if (!e->full && e->all <= e->passed) {
		if (e->within + e->ground.pages * SHORT_OF / 100 < e->target)
			return -ERANGE;
		e->target = e->within;
	}
	e->passed = e->all;
	e->full = false;
	return 0;
}

/*
 * Plays on until the ground is full to the target, and @enough pages had to go.  It ends
 * between two cues.
 */
static int play(struct experiment *e, u64 enough)
{
	u32 cues = potad_tape_peak(e->tape);
	int err = 0;

	e->gone = 0;
	e->passed = 0;
	e->full = true;
	for (;; e->at++) {
		const struct potad_cue *cue;

		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		if (e->at == cues)
			err = next_pass(e);
		if (err)
			return err;
		cue = potad_tape_cue(e->tape, e->at);
		if (cue->frees) {
			if (e->live[cue->slot]) {
				drop(e, e->live[cue->slot]);
				e->sums->frees++;
			}
			continue;
		}
		if (1ULL << cue->order > e->target) {
			e->sums->refused++;
			continue;
		}
		while (e->within + (1ULL << cue->order) > e->target) {
			e->full = true;
			if (e->gone >= enough)
				return 0;
			let_go(e);
		}
		/* Of a file too much may lie elsewhere, at first. */
		while (e->all - e->within > OUTSIDE)
			let_go(e);
		hold(e, cue);
	}
}

static int fill(struct experiment *e, unsigned int percent)
{
	int err;

	e->target = div_u64((u64)e->ground.pages * percent, 100);
	/* It may have been fuller. */
	while (e->within > e->target) {
		let_go(e);
		cond_resched();
	}
	potad_ground_corner(&e->ground);
	err = play(e, e->target * e->what->turns);
	potad_ground_uncorner(&e->ground);
	return err;
}

/* Pages have been moved out: as full as before, with others. */
static int refill(struct experiment *e)
{
	struct potad_holding *h, *next;
	int err;

	if (!potad_ground_spills(&e->ground))
		return 0;
	list_for_each_entry_safe(h, next, &e->ages, age) {
		e->within -= h->within;
		potad_ground_look(&e->ground, h);
		e->within += h->within;
		if (!h->within)
			drop(e, h);
		cond_resched();
	}
	potad_ground_corner(&e->ground);
	err = play(e, 0);
	potad_ground_uncorner(&e->ground);
	return err;
}

/* Asking -------------------------------------------------------------------- */

static bool oracle_finds(struct experiment *e, u64 bytes, u64 align)
{
	struct potad_oracle oracle = {
		.taken = e->taken, .units = e->ground.pages,
		.base = e->ground.start >> PAGE_SHIFT,
	};
	struct potad_holding *h;
	unsigned long at;

	/* What cannot go elsewhere stays here. */
	if (!potad_ground_spills(&e->ground) && bytes >> PAGE_SHIFT > e->ground.pages - e->within)
		return false;
	bitmap_zero(e->taken, e->ground.pages);
	list_for_each_entry(h, &e->ages, age)
		potad_ground_mark(&e->ground, h, e->taken);
	return potad_oracle_finds(&oracle, bytes >> PAGE_SHIFT, align >> PAGE_SHIFT, &at);
}

/* One try.  0 also if there is none; @ns: how long it took to know. */
static int try_once(struct experiment *e, struct potad_contig_row *row, u64 *ns)
{
	union potad_ground_run run;
	u64 begin;
	int err, given = 0;

	if (fatal_signal_pending(current))
		return -EINTR;
	row->oracle += oracle_finds(e, row->bytes, row->align);
	begin = ktime_get_ns();
	err = potad_ground_ask(&e->ground, row->bytes, row->align, &run);
	*ns = ktime_get_ns() - begin;
	if (!err) {
		row->had++;
		given = potad_ground_give(&e->ground, row->bytes, &run);
	}
	row->tries++;
	if (err && err != -ENOSPC)
		return err;
	if (WARN_ON_ONCE(given))
		return -EUCLEAN;
	/* Also in vain something may have been moved. */
	return refill(e);
}

static int ask(struct experiment *e, struct potad_contig_row *row)
{
	u64 ns[POTAD_CONTIG_TRIES];
	unsigned int i;
	int err;

	row->held = div64_u64(10000 * e->within, e->ground.pages);
	for (i = 0; i < e->what->tries; i++) {
		err = try_once(e, row, &ns[i]);
		if (err)
			return err;
	}
	potad_sort_times(ns, i);
	row->median = ns[i / 2];
	row->max = ns[i - 1];
	return 0;
}

static int ask_all(struct experiment *e, unsigned int percent, potad_contig_fn report,
		   void *arg)
{
	unsigned int i, k;
	int err;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] >> PAGE_SHIFT > e->ground.pages)
			break;
		for (k = 0; k < ARRAY_SIZE(aligns); k++) {
			struct potad_contig_row row = {
				.fill = percent, .bytes = sizes[i], .align = aligns[k],
			};

			err = ask(e, &row);
			if (err)
				return err;
			report(&row, arg);
		}
	}
	return 0;
}

/* All of it ----------------------------------------------------------------- */

static int make_room(struct experiment *e)
{
	u32 i;

	e->holdings = e->ground.pages + OUTSIDE;
	e->holding = kvcalloc(e->holdings, sizeof(*e->holding), GFP_KERNEL);
	e->live = kvcalloc(potad_tape_slots(e->tape), sizeof(*e->live), GFP_KERNEL);
	e->taken = kvcalloc(BITS_TO_LONGS(e->ground.pages), sizeof(long), GFP_KERNEL);
	if (!e->holding || !e->live || !e->taken)
		return -ENOMEM;
	for (i = 0; i < e->holdings; i++)
		list_add_tail(&e->holding[i].age, &e->unused);
	return 0;
}

static void free_room(struct experiment *e)
{
	kvfree(e->holding);
	kvfree(e->live);
	kvfree(e->taken);
}

static void drop_all(struct experiment *e)
{
	struct potad_holding *h, *next;

	list_for_each_entry_safe(h, next, &e->ages, age) {
		drop(e, h);
		cond_resched();
	}
}

static int run(struct experiment *e, potad_contig_fn report, void *arg)
{
	unsigned int i;
	int err;

	/* The room first: it is not to be had from the ground. */
	e->ground.pages = potad_compare_kit()->pool->bytes >> PAGE_SHIFT;
	err = make_room(e);
	if (err)
		return err;
	err = potad_ground_open(&e->ground, e->what->kind);
	if (err)
		return err;
	e->sums->bytes = (u64)e->ground.pages << PAGE_SHIFT;
	for (i = 0; i < e->what->fills && !err; i++) {
		err = fill(e, e->what->fill[i]);
		if (!err)
			err = ask_all(e, e->what->fill[i], report, arg);
	}
	drop_all(e);
	potad_ground_close(&e->ground);
	return err;
}

/**
 * potad_contig_run() - fill memory, and ask for runs in it
 * @what: what to find out
 * @tape: what to fill it with; has ended
 * @sums: set to how it was filled, also if it was not
 * @report: called for each row
 * @arg: handed to it
 *
 * All that is held is free at the end, whatever ends it.
 *
 * Context: Process context; may sleep, for minutes; a fatal signal ends it.
 * Return: 0; as potad_ground_open(); -EBUSY: another comparison is running; -ERANGE: the
 * tape, over and over, does not fill the ground so far; -EINTR; -EUCLEAN: the pool finds
 * fault with itself afterwards.
 */
int potad_contig_run(const struct potad_contig *what, const struct potad_tape *tape,
		     struct potad_contig_sums *sums, potad_contig_fn report, void *arg)
{
	struct experiment *e;
	int err;

	*sums = (struct potad_contig_sums){ };
	/* It has grounds of its own, and needs no subject. */
	err = potad_compare_claim(0);
	if (err)
		return err;
	e = kvzalloc_obj(*e, GFP_KERNEL);
	err = -ENOMEM;
	if (e) {
		e->what = what;
		e->tape = tape;
		e->sums = sums;
		INIT_LIST_HEAD(&e->ages);
		INIT_LIST_HEAD(&e->unused);
		prandom_seed_state(&e->rnd, what->seed);
		err = run(e, report, arg);
		free_room(e);
		kvfree(e);
		if (potad_pool_validate(potad_compare_kit()->pool))
			err = -EUCLEAN;
	}
	potad_compare_unclaim();
	return err;
}

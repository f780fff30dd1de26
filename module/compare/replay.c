// SPDX-License-Identifier: GPL-2.0
/*
 * A replay; the story is in replay.h.
 *
 * Looking up what a record means, and reading it, is done before a batch of steps
 * is timed, and costs no subject anything.  What is left of it in a batch's time is
 * that of the subject "empty".
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "compare.h"
#include "crew.h"
#include "history.h"
#include "ledger.h"
#include "replay.h"
#include "steps.h"
#include "subjects.h"

#define LEASES_MIN	65536U
#define LEASES_MAX	BIT(24)

/**
 * struct potad_replay - a replay
 * @subject: who does it
 * @stepper: its steps
 * @kit: what with
 * @unit: 2^@unit bytes are the subject's order 0
 * @least: 2^@least bytes are the smallest that it has
 * @begun: when it began, in ns
 * @history: how far the recording has been read, and what lives
 * @crew: those who do the steps; NULL: it is over
 * @cpus: where it was recorded
 * @sums: what was done
 * @every: so many records are between two rows
 * @rows: how many there are
 * @row: of these
 * @last: how things were at the end
 */
struct potad_replay {
	enum subject_id		subject;
	struct potad_stepper	stepper;
	const struct subject_kit *kit;
	unsigned int		unit;
	unsigned int		least;
	u64			begun;
	struct potad_history	history;
	struct potad_crew	*crew;
	DECLARE_BITMAP(cpus, POTAD_RECORDING_CPUS);
	struct potad_replay_sums sums;
	u64			every;
	unsigned int		rows;
	struct potad_replay_row	row[POTAD_REPLAY_ROWS];
	struct potad_replay_row	last;
};

static enum subject_source source(const struct potad_replay *r)
{
	return potad_subject[r->subject].source;
}

/* Steps ------------------------------------------------------------------- */

static u64 lease_bytes(const struct potad_replay *r, const struct potad_lease *l)
{
	return 1ULL << (r->unit + l->order);
}

/* What came of a step that was done; a lease that ended goes. */
static void settle(const struct potad_step *step, void *arg)
{
	struct potad_replay *r = arg;
	struct potad_replay_sums *sums = &r->sums;
	struct potad_lease *l = step->lease;

	if (step->frees) {
		if (l->empty)
			sums->skipped++;
		else
			sums->bytes -= lease_bytes(r, l);
		sums->frees += !l->empty;
		sums->elsewhere += !l->empty && l->by != step->hand;
		potad_ledger_recycle(r->history.ledger, l);
		return;
	}
	sums->allocs++;
	if (l->empty)
		sums->failed++;
	else
		sums->bytes += lease_bytes(r, l);
	sums->peak = max(sums->peak, sums->bytes);
}

/* Rows -------------------------------------------------------------------- */

static int pool_row(struct potad_replay *r, struct potad_replay_row *row)
{
	struct potad_space_stat *stat = kmalloc_obj(*stat, GFP_KERNEL);
	u64 cached;

	if (!stat)
		return -ENOMEM;
	potad_pool_drain(r->kit->pool);
	potad_pool_stat(r->kit->pool, stat, &cached);
	row->free = stat->free << r->kit->pool->granule_shift;
	row->cached = cached << r->kit->pool->granule_shift;
	memcpy(row->blocks, stat->blocks, sizeof(row->blocks));
	kfree(stat);
	return 0;
}

static void native_row(struct potad_replay_row *row)
{
	unsigned int i, k;
	int nid;

	row->free = (u64)global_zone_page_state(NR_FREE_PAGES) << PAGE_SHIFT;
	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			const struct zone *zone = &NODE_DATA(nid)->node_zones[i];

			/* Under no lock: each number was true at a moment of its own. */
			for (k = 0; k <= MAX_PAGE_ORDER; k++)
				row->blocks[k] += READ_ONCE(zone->free_area[k].nr_free);
		}
	}
}

static int fill_row(struct potad_replay *r, struct potad_replay_row *row)
{
	int err = potad_crew_drain(r->crew);

	if (err)
		return err;
	memset(row, 0, sizeof(*row));
	row->events = r->history.records;
	row->live = potad_ledger_live(r->history.ledger);
	row->bytes = r->sums.bytes;
	row->failed = r->sums.failed;
	switch (source(r)) {
	case FROM_POOL:
	case FROM_NOWHERE:
		return pool_row(r, row);
	case FROM_KERNEL:
	case FROM_AREA:
		native_row(row);
		break;
	case FROM_RANGE:
		break;
	}
	return 0;
}

static int add_row(struct potad_replay *r)
{
	unsigned int i;
	int err;

	err = fill_row(r, &r->row[r->rows]);
	if (err)
		return err;
	if (++r->rows < POTAD_REPLAY_ROWS)
		return 0;
	r->every *= 2;
	r->rows /= 2;
	for (i = 0; i < r->rows; i++)
		r->row[i] = r->row[2 * i + 1];
	return 0;
}

/* Records ----------------------------------------------------------------- */

/* The hand that does what this one says. */
static unsigned int hand_of(const struct potad_replay *r, const struct potad_record *record)
{
	return record->cpu % r->sums.threads;
}

static int begins(const struct potad_record *record, struct potad_lease *l, void *arg)
{
	struct potad_replay *r = arg;

	l->order = max(l->shift, r->least) - r->unit;
	l->empty = false;
	return potad_crew_add(r->crew, hand_of(r, record), l, false);
}

static int ends(const struct potad_record *record, struct potad_lease *l, void *arg)
{
	struct potad_replay *r = arg;

	return potad_crew_add(r->crew, hand_of(r, record), l, true);
}

static int done(const struct potad_record *record, void *arg)
{
	struct potad_replay *r = arg;

	r->sums.cpus += !__test_and_set_bit(record->cpu, r->cpus);
	return r->history.records % r->every ? 0 : add_row(r);
}

static const struct potad_history_ops history_ops = {
	.begins = begins,
	.ends = ends,
	.done = done,
	.limit = "more blocks live at once than the region has granules",
};

/* Frees all that is held. */
static void free_all(struct potad_replay *r)
{
	struct potad_lease *l;
	u32 bucket = 0;

	while ((l = potad_ledger_any(r->history.ledger, &bucket))) {
		struct potad_step step = { l, true };

		r->stepper.run(r->kit, &step, 1);
		potad_ledger_recycle(r->history.ledger, l);
		cond_resched();
	}
}

/* How the subject counts, and what it has no smaller ones of. */
static void choose_units(struct potad_replay *r)
{
	unsigned int granule = r->kit->pool->granule_shift;

	switch (potad_subject[r->subject].unit) {
	case IN_GRANULES:
		r->unit = granule;
		break;
	case IN_PAGES:
		r->unit = PAGE_SHIFT;
		break;
	case IN_BYTES:
		r->unit = 0;
		break;
	}
	r->least = r->unit;
	if (r->subject == subject_kmalloc)
		r->least = KMALLOC_SHIFT_LOW;
	if (r->subject == subject_genalloc)
		r->least = min_t(unsigned int, granule, PAGE_SHIFT);
}

/* With as many threads as asked for; 0: one for each CPU that is there. */
static int begin(struct potad_replay *r, unsigned int threads, const char **why)
{
	u64 granules = potad_space_size(r->kit->pool->space);
	int err;

	*why = potad_subject_missing(r->kit, r->subject);
	if (*why)
		return -EOPNOTSUPP;
	choose_units(r);

	threads = threads ?: min(num_online_cpus(), POTAD_CREW_HANDS);
	r->sums.threads = threads;
	err = potad_history_begin(&r->history, clamp_t(u64, granules, LEASES_MIN, LEASES_MAX),
				  potad_crew_window(threads), &history_ops, r);
	if (err)
		return err;
	r->crew = potad_crew_create(&r->stepper, r->kit, threads, settle, r);
	if (!IS_ERR(r->crew))
		return 0;
	potad_history_destroy(&r->history);
	return PTR_ERR(r->crew);
}

/**
 * potad_replay_begin() - a subject is going to replay
 * @subject: its name
 * @every: a row every so many records, 1 or more
 * @threads: how many do it, up to POTAD_REPLAY_THREADS; 0: one for each online CPU
 * @why: set to what is missing, of -EOPNOTSUPP
 *
 * Until potad_replay_end() or an error of potad_replay_read() no comparison runs.
 *
 * Context: Process context; may sleep.
 * Return: the replay; -EINVAL: no subject is called that; -EOPNOTSUPP: it is not on
 * this kernel; -EBUSY: a comparison is running; -ENOMEM; -EINTR: a fatal signal has come.
 */
struct potad_replay *potad_replay_begin(const char *subject, u64 every, unsigned int threads,
					const char **why)
{
	enum subject_id id = potad_subject_of(subject);
	struct potad_replay *r;
	int err;

	if (id == POTAD_SUBJECTS)
		return ERR_PTR(-EINVAL);
	r = kvzalloc_obj(*r, GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	err = potad_compare_claim(BIT(id));
	if (err) {
		kvfree(r);
		return ERR_PTR(err);
	}
	r->subject = id;
	r->stepper = potad_stepper(id);
	r->kit = potad_compare_kit();
	r->every = every;
	err = begin(r, threads, why);
	if (err) {
		potad_compare_unclaim();
		kvfree(r);
		return ERR_PTR(err);
	}
	/* All begin alike: with nothing at hand of what somebody else has had. */
	potad_pool_drain(r->kit->pool);
	r->begun = ktime_get_ns();
	return r;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_begin);

/* It is over: nothing is held any more, and others may run. */
static void finish(struct potad_replay *r)
{
	if (!r->crew)
		return;
	potad_crew_stop(r->crew);
	potad_crew_sums(r->crew, &r->sums.crew);
	potad_crew_destroy(r->crew);
	r->crew = NULL;
	free_all(r);
	potad_history_destroy(&r->history);
	potad_compare_unclaim();
}

/**
 * potad_replay_read() - replay the next piece of the recording
 * @r: the replay, which nothing has ended
 * @text: the piece; of any length, and ending anywhere
 * @len: in bytes
 *
 * Context: Process context; may sleep; a fatal signal ends it.
 * Return: 0; or what ended the replay: -EINVAL or -ERANGE: there is something wrong
 * with the recording, or -E2BIG, more lives in it than there can; -ENOMEM; -EINTR.
 */
int potad_replay_read(struct potad_replay *r, const char *text, size_t len)
{
	int err = potad_history_read(&r->history, text, len);

	if (err)
		finish(r);
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_read);

/**
 * potad_replay_end() - that was all
 * @r: the replay, which nothing has ended
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL: a recording does not end there; -ENOMEM; -EINTR.
 */
int potad_replay_end(struct potad_replay *r)
{
	int err = potad_history_end(&r->history);

	if (!err)
		err = fill_row(r, &r->last);
	r->sums.events = r->history.records;
	r->sums.present = r->history.present;
	r->sums.splits = r->history.splits;
	r->sums.refused = r->history.refused;
	r->sums.asked = r->history.asked;
	r->sums.elapsed = ktime_get_ns() - r->begun;
	r->sums.live = potad_ledger_live(r->history.ledger);
	finish(r);
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_end);

/* Whatever was left is freed.  NULL is allowed. */
void potad_replay_destroy(struct potad_replay *r)
{
	if (!r)
		return;
	finish(r);
	kvfree(r);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_destroy);

/* In which line, what, or NULL. */
const char *potad_replay_wrong(const struct potad_replay *r, u64 *line, u64 *offset)
{
	return potad_history_wrong(&r->history, line, offset);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_wrong);

const struct potad_replay_sums *potad_replay_sums(const struct potad_replay *r)
{
	return &r->sums;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_sums);

const char *potad_replay_subject(const struct potad_replay *r)
{
	return potad_subject[r->subject].name;
}

/* Records between two rows: what was asked for, or a multiple. */
u64 potad_replay_every(const struct potad_replay *r)
{
	return r->every;
}

/* Does it say what is free?  If not all of that is 0 in its rows. */
bool potad_replay_counts(const struct potad_replay *r)
{
	return source(r) != FROM_RANGE;
}

static bool counts_pages(const struct potad_replay *r)
{
	return source(r) == FROM_KERNEL || source(r) == FROM_AREA;
}

/* 2^this bytes have order 0, in rows. */
unsigned int potad_replay_unit(const struct potad_replay *r)
{
	return counts_pages(r) ? PAGE_SHIFT : r->kit->pool->granule_shift;
}

/* The largest order in rows. */
unsigned int potad_replay_orders(const struct potad_replay *r)
{
	return counts_pages(r) ? MAX_PAGE_ORDER : potad_space_max_order(r->kit->pool->space);
}

/* Each row, and how things were at the end. */
void potad_replay_visit(const struct potad_replay *r, potad_replay_fn fn, void *arg)
{
	unsigned int i;

	for (i = 0; i < r->rows; i++)
		fn(&r->row[i], arg);
	if (!r->rows || r->row[r->rows - 1].events != r->last.events)
		fn(&r->last, arg);
}

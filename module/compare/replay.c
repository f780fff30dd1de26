// SPDX-License-Identifier: GPL-2.0
/*
 * A replay; the story is in replay.h.
 *
 * Looking up what a record means, and reading it, is done before a batch of steps
 * is timed, and costs no subject anything.  What is left of it in a batch's time is
 * that of the subject "empty".
 */
#include <linux/align.h>
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
#include "ledger.h"
#include "recording.h"
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
 * @ledger: what lives
 * @crew: those who do the steps
 * @hand: which of them does those of the record that is being read
 * @recording: how far it has been read
 * @cpus: where it was recorded
 * @wrong: what is wrong with a record, if not by itself
 * @largest: order of the largest block of pages so far
 * @asking: bytes that the recording wants by now
 * @sums: what was done
 * @every: so many records are between two rows
 * @rows: how many there are
 * @row: of these
 * @last: how things were at the end
 */
struct potad_replay {
	enum subject_id		subject;
	const struct potad_stepper *stepper;
	const struct subject_kit *kit;
	unsigned int		unit;
	unsigned int		least;
	u64			begun;
	struct potad_ledger	*ledger;
	struct potad_crew	*crew;
	unsigned int		hand;
	struct potad_recording	recording;
	DECLARE_BITMAP(cpus, POTAD_RECORDING_CPUS);
	const char		*wrong;
	unsigned int		largest;
	u64			asking;
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
		potad_ledger_recycle(r->ledger, l);
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
	row->events = r->sums.events;
	row->live = potad_ledger_live(r->ledger);
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

static int refuse(struct potad_replay *r, int err, const char *why)
{
	r->wrong = why;
	return err;
}

static u64 lease_pages(const struct potad_lease *l)
{
	return 1ULL << (l->shift - POTAD_RECORDING_PAGE);
}

/*
 * Does a block that lives have some of these pages?  One that is larger begins where a
 * block of its size can; one that is not, inside.
 */
static bool overlaps(const struct potad_replay *r, u64 page, unsigned int order)
{
	struct potad_lease *l;
	unsigned int k;
	u64 i;

	for (k = order + 1; k <= r->largest; k++) {
		l = potad_ledger_find(r->ledger, ALIGN_DOWN(page, 1ULL << k));
		if (l && l->id + lease_pages(l) > page)
			return true;
	}
	for (i = 0; i < 1ULL << order; i++)
		if (potad_ledger_find(r->ledger, page + i))
			return true;
	return false;
}

static int add_lease(struct potad_replay *r, const struct potad_record *record,
		     u64 id, unsigned int shift, enum potad_mobility mobility)
{
	struct potad_lease *l;
	int err;

	err = potad_ledger_add(r->ledger, id, &l);
	if (err == -E2BIG)
		return refuse(r, err, "more blocks live at once than the region has granules");
	if (err)
		return refuse(r, err, "there is no memory to remember a block");
	l->shift = shift;
	l->order = max(shift, r->least) - r->unit;
	l->empty = false;
	l->mobility = mobility;
	if (record->pages)
		r->largest = max(r->largest, shift - POTAD_RECORDING_PAGE);
	r->asking += 1ULL << shift;
	r->sums.asked = max(r->sums.asked, r->asking);
	return potad_crew_add(r->crew, r->hand, l, false);
}

static int do_alloc(struct potad_replay *r, const struct potad_record *record)
{
	unsigned int order = record->shift - POTAD_RECORDING_PAGE;

	if (record->pages ? overlaps(r, record->id, order) :
			    !!potad_ledger_find(r->ledger, record->id))
		return refuse(r, -EINVAL, "it allocates what is allocated");
	return add_lease(r, record, record->id, record->shift, record->mobility);
}

static int do_free(struct potad_replay *r, const struct potad_record *record)
{
	struct potad_lease *l = potad_ledger_find(r->ledger, record->id);

	if (!l)
		return refuse(r, -EINVAL, "no block lives there");
	if (l->shift != record->shift)
		return refuse(r, -EINVAL, "the block that lives there has another size");
	potad_ledger_end(r->ledger, record->id);
	r->asking -= 1ULL << record->shift;
	return potad_crew_add(r->crew, r->hand, l, true);
}

static int do_split(struct potad_replay *r, const struct potad_record *record)
{
	struct potad_lease *l = potad_ledger_find(r->ledger, record->id);
	u64 i, parts = 1ULL << (record->shift - record->small);
	enum potad_mobility mobility;
	int err;

	mobility = l ? l->mobility : POTAD_PINNED;
	err = do_free(r, record);
	for (i = 0; i < parts && !err; i++)
		err = add_lease(r, record,
				record->id + (i << (record->small - POTAD_RECORDING_PAGE)),
				record->small, mobility);
	r->sums.splits++;
	return err;
}

static int do_record(const struct potad_record *record, void *arg)
{
	struct potad_replay *r = arg;
	int err = 0;

	/* Whoever has made it for that can have all that lives in one chain of the ledger. */
	cond_resched();
	r->hand = record->cpu % r->sums.threads;
	r->sums.cpus += !__test_and_set_bit(record->cpu, r->cpus);
	switch (record->kind) {
	case POTAD_RECORD_PRESENT:
		if (r->sums.present != r->sums.events)
			return refuse(r, -EINVAL, "what was there at first comes late");
		r->sums.present++;
		fallthrough;
	case POTAD_RECORD_ALLOC:
		err = do_alloc(r, record);
		break;
	case POTAD_RECORD_FREE:
		err = do_free(r, record);
		break;
	case POTAD_RECORD_SPLIT:
		err = do_split(r, record);
		break;
	case POTAD_RECORD_REFUSED:
		r->sums.refused++;
		break;
	}
	if (err)
		return err;
	return ++r->sums.events % r->every ? 0 : add_row(r);
}

/* Frees all that is held. */
static void free_all(struct potad_replay *r)
{
	struct potad_lease *l;
	u32 bucket = 0;

	while ((l = potad_ledger_any(r->ledger, &bucket))) {
		struct potad_step step = { l, true };

		r->stepper->run(r->kit, &step, 1);
		potad_ledger_recycle(r->ledger, l);
		cond_resched();
	}
}

/* How the subject counts, and what it has no smaller ones of. */
static void choose_units(struct potad_replay *r)
{
	unsigned int granule = r->kit->pool->granule_shift;

	switch (r->stepper->unit) {
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

	*why = potad_subject_missing(r->kit, r->subject);
	if (*why)
		return -EOPNOTSUPP;
	choose_units(r);

	threads = threads ?: min(num_online_cpus(), POTAD_CREW_HANDS);
	r->sums.threads = threads;
	potad_recording_begin(&r->recording);
	r->ledger = potad_ledger_create(clamp_t(u64, granules, LEASES_MIN, LEASES_MAX),
					potad_crew_window(threads));
	if (!r->ledger)
		return -ENOMEM;
	r->crew = potad_crew_create(r->stepper, r->kit, threads, settle, r);
	if (!IS_ERR(r->crew))
		return 0;
	potad_ledger_destroy(r->ledger);
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
	if (!r->ledger)
		return;
	potad_crew_stop(r->crew);
	potad_crew_sums(r->crew, &r->sums.crew);
	potad_crew_destroy(r->crew);
	free_all(r);
	potad_ledger_destroy(r->ledger);
	r->ledger = NULL;
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
	int err = potad_recording_read(&r->recording, text, len, do_record, r);

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
	int err = potad_recording_end(&r->recording);

	if (!err)
		err = fill_row(r, &r->last);
	r->sums.elapsed = ktime_get_ns() - r->begun;
	r->sums.live = potad_ledger_live(r->ledger);
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
	*line = r->recording.line;
	*offset = r->recording.offset;
	return r->recording.wrong ?: r->wrong;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_wrong);

const struct potad_replay_sums *potad_replay_sums(const struct potad_replay *r)
{
	return &r->sums;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_replay_sums);

const char *potad_replay_subject(const struct potad_replay *r)
{
	return r->stepper->name;
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

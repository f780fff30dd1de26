// SPDX-License-Identifier: GPL-2.0
/*
 * A replay; the story is in replay.h.
 *
 * Looking up what a record means, and reading it, is done before a batch of steps
 * is timed, and costs no subject anything.  What is left of it in a batch's time is
 * that of the subject "empty".
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "compare.h"
#include "ledger.h"
#include "recording.h"
#include "replay.h"
#include "subjects.h"

#define BATCH		100U
#define LEASES_MIN	65536U
#define LEASES_MAX	BIT(24)

/* What the kernel keeps for others. */
#define LEFT_ALONE	(32ULL << 20)

/* One step: this lease begins, or has ended. */
struct potad_step {
	struct potad_lease	*lease;
	bool			frees;
};

/**
 * struct replay_subject - who does it
 * @name: as in loops.c
 * @native: it takes from the kernel, in pages
 * @run: does so many steps; an allocation that is refused leaves its lease empty
 */
struct replay_subject {
	const char	*name;
	bool		native;
	void		(*run)(const struct subject_kit *kit,
			       struct potad_step *step, unsigned int nr);
};

/**
 * struct potad_replay - a replay
 * @subject: who does it
 * @kit: what with
 * @unit: 2^@unit bytes are the subject's order 0
 * @ledger: what lives
 * @recording: how far it has been read
 * @wrong: what is wrong with a record, if not by itself
 * @largest: order of the largest block of pages so far
 * @asking: bytes that the recording wants by now
 * @step: what is to be done
 * @steps: how many
 * @sums: what was done
 * @every: so many records are between two rows
 * @rows: how many there are
 * @row: of these
 * @last: how things were at the end
 */
struct potad_replay {
	const struct replay_subject *subject;
	const struct subject_kit *kit;
	unsigned int		unit;
	struct potad_ledger	*ledger;
	struct potad_recording	recording;
	const char		*wrong;
	unsigned int		largest;
	u64			asking;
	struct potad_step	step[BATCH];
	unsigned int		steps;
	struct potad_replay_sums sums;
	u64			every;
	unsigned int		rows;
	struct potad_replay_row	row[POTAD_REPLAY_ROWS];
	struct potad_replay_row	last;
};

/* Subjects: those of subjects.h, with the mobility of a lease --------------- */

static __always_inline bool empty_begin(const struct subject_kit *kit,
					struct potad_lease *l)
{
	return nothing_alloc(kit, l->order, &l->held.nothing);
}

static __always_inline void empty_end(const struct subject_kit *kit,
				      struct potad_lease *l)
{
	nothing_free(kit, l->order, &l->held.nothing);
}

static __always_inline bool bare_begin(const struct subject_kit *kit,
				       struct potad_lease *l)
{
	return !potad_cache_alloc(kit->cache, l->order, l->mobility, true, &l->held.bare);
}

static __always_inline void bare_end(const struct subject_kit *kit,
				     struct potad_lease *l)
{
	potad_cache_free(kit->cache, l->held.bare, l->order, l->mobility);
}

static __always_inline bool described_begin(const struct subject_kit *kit,
					    struct potad_lease *l)
{
	return described_alloc(kit, l->order, &l->held.described);
}

static __always_inline void described_end(const struct subject_kit *kit,
					  struct potad_lease *l)
{
	described_free(kit, l->order, &l->held.described);
}

/* Nobody is to be killed for it; and what is movable for the native one is told so. */
static __always_inline gfp_t lease_gfp(const struct potad_lease *l)
{
	static const gfp_t gfp[POTAD_MOBILITIES] = {
		[POTAD_MOVABLE] = SUBJECT_GFP | __GFP_NORETRY | __GFP_MOVABLE,
		[POTAD_RECLAIMABLE] = SUBJECT_GFP | __GFP_NORETRY | __GFP_RECLAIMABLE,
		[POTAD_PINNED] = SUBJECT_GFP | __GFP_NORETRY,
	};

	return gfp[l->mobility];
}

static __always_inline bool buddy_begin(const struct subject_kit *kit,
					struct potad_lease *l)
{
	l->held.buddy = alloc_pages(lease_gfp(l), l->order);
	return l->held.buddy;
}

static __always_inline void buddy_end(const struct subject_kit *kit,
				      struct potad_lease *l)
{
	buddy_free(kit, l->order, &l->held.buddy);
}

static __always_inline bool compound_begin(const struct subject_kit *kit,
					   struct potad_lease *l)
{
	struct compound *c = &l->held.compound;

	c->page = alloc_pages(lease_gfp(l) | __GFP_COMP, l->order);
	if (!c->page)
		return false;
	c->desc = kmem_cache_alloc(kit->objects, SUBJECT_GFP | __GFP_NORETRY);
	if (!c->desc)
		__free_pages(c->page, l->order);
	return c->desc;
}

static __always_inline void compound_end(const struct subject_kit *kit,
					 struct potad_lease *l)
{
	compound_free(kit, l->order, &l->held.compound);
}

/* The loop that is timed, for each subject compiled anew. */
#define DEFINE_STEPS(subject)							\
static void subject##_steps(const struct subject_kit *shared,			\
			    struct potad_step *step, unsigned int nr)		\
{										\
	const struct subject_kit kit = *shared;					\
	unsigned int i;								\
										\
	for (i = 0; i < nr; i++) {						\
		struct potad_lease *l = step[i].lease;				\
										\
		if (!step[i].frees)						\
			l->empty = l->empty || !subject##_begin(&kit, l);	\
		else if (!l->empty)						\
			subject##_end(&kit, l);					\
	}									\
}

DEFINE_STEPS(bare);
DEFINE_STEPS(described);
DEFINE_STEPS(buddy);
DEFINE_STEPS(compound);
DEFINE_STEPS(empty);

static const struct replay_subject subjects[] = {
	{ "potad", false, bare_steps },
	{ "potad-described", false, described_steps },
	{ "buddy", true, buddy_steps },
	{ "buddy-described", true, compound_steps },
	{ "empty", false, empty_steps },
};

/* Steps ------------------------------------------------------------------- */

static u64 native_free(void)
{
	u64 pages = global_zone_page_state(NR_FREE_PAGES);
	u64 cma = global_zone_page_state(NR_FREE_CMA_PAGES);

	return (pages - min(pages, cma)) << PAGE_SHIFT;
}

static u64 lease_bytes(const struct potad_replay *r, const struct potad_lease *l)
{
	return 1ULL << (r->unit + l->order);
}

/* What would leave the kernel too little is not asked for. */
static void spare_others(struct potad_replay *r)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < r->steps; i++)
		if (!r->step[i].frees)
			bytes += lease_bytes(r, r->step[i].lease);
	if (!bytes || native_free() >= LEFT_ALONE + bytes)
		return;
	for (i = 0; i < r->steps; i++) {
		if (r->step[i].frees)
			continue;
		r->step[i].lease->empty = true;
		r->sums.short_of++;
	}
}

/* What came of the steps that were done; the leases that ended go. */
static void settle(struct potad_replay *r)
{
	struct potad_replay_sums *sums = &r->sums;
	unsigned int i;

	for (i = 0; i < r->steps; i++) {
		struct potad_lease *l = r->step[i].lease;

		if (r->step[i].frees) {
			if (l->empty)
				sums->skipped++;
			else
				sums->bytes -= lease_bytes(r, l);
			sums->frees += !l->empty;
			potad_ledger_recycle(r->ledger, l);
			continue;
		}
		sums->allocs++;
		if (l->empty)
			sums->failed++;
		else
			sums->bytes += lease_bytes(r, l);
		sums->peak = max(sums->peak, sums->bytes);
	}
	r->steps = 0;
}

/* Does what there is to do.  -EINTR: whoever wants it has been killed. */
static int flush(struct potad_replay *r)
{
	u64 begin, ns;

	cond_resched();
	if (!r->steps)
		return 0;
	if (r->subject->native)
		spare_others(r);
	begin = ktime_get_ns();
	r->subject->run(r->kit, r->step, r->steps);
	ns = ktime_get_ns() - begin;
	potad_tally_add(&r->sums.tally, ns, r->steps);
	settle(r);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int add_step(struct potad_replay *r, struct potad_lease *lease, bool frees)
{
	r->step[r->steps].lease = lease;
	r->step[r->steps].frees = frees;
	return ++r->steps == BATCH ? flush(r) : 0;
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
	row->free = stat->free << r->unit;
	row->cached = cached << r->unit;
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
	int err = flush(r);

	if (err)
		return err;
	memset(row, 0, sizeof(*row));
	row->events = r->sums.events;
	row->live = potad_ledger_live(r->ledger);
	row->bytes = r->sums.bytes;
	row->failed = r->sums.failed;
	if (!r->subject->native)
		return pool_row(r, row);
	native_row(row);
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
	l->order = max(shift, r->unit) - r->unit;
	l->empty = false;
	l->mobility = mobility;
	if (record->pages)
		r->largest = max(r->largest, shift - POTAD_RECORDING_PAGE);
	r->asking += 1ULL << shift;
	r->sums.asked = max(r->sums.asked, r->asking);
	return add_step(r, l, false);
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
	return add_step(r, l, true);
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

		r->subject->run(r->kit, &step, 1);
		potad_ledger_recycle(r->ledger, l);
		cond_resched();
	}
}

/**
 * potad_replay_begin() - a subject is going to replay
 * @subject: its name
 * @every: a row every so many records, 1 or more
 *
 * Until potad_replay_end() or an error of potad_replay_read() no comparison runs.
 *
 * Context: Process context; may sleep.
 * Return: the replay; -EINVAL: no subject is called that; -EBUSY: a comparison is
 * running; -ENOMEM.
 */
struct potad_replay *potad_replay_begin(const char *subject, u64 every)
{
	struct potad_replay *r;
	unsigned int i;
	u64 granules;
	int err;

	for (i = 0; i < ARRAY_SIZE(subjects); i++)
		if (!strcmp(subject, subjects[i].name))
			break;
	if (i == ARRAY_SIZE(subjects))
		return ERR_PTR(-EINVAL);
	r = kvzalloc_obj(*r, GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->subject = &subjects[i];
	r->kit = potad_compare_kit();
	r->unit = r->subject->native ? PAGE_SHIFT : r->kit->pool->granule_shift;
	r->every = every;
	potad_recording_begin(&r->recording);
	granules = potad_space_size(r->kit->pool->space);
	r->ledger = potad_ledger_create(clamp_t(u64, granules, LEASES_MIN, LEASES_MAX));
	if (!r->ledger) {
		kvfree(r);
		return ERR_PTR(-ENOMEM);
	}
	err = potad_compare_claim(BIT(potad_subject_of(subject)));
	if (err) {
		potad_ledger_destroy(r->ledger);
		kvfree(r);
		return ERR_PTR(err);
	}
	/* All begin alike: with nothing at hand of what somebody else has had. */
	potad_pool_drain(r->kit->pool);
	return r;
}

/* Steps that were not done: only what was allocated before is to be freed. */
static void undo_steps(struct potad_replay *r)
{
	unsigned int i;

	for (i = 0; i < r->steps; i++)
		if (!r->step[i].frees)
			r->step[i].lease->empty = true;
	for (i = 0; i < r->steps; i++)
		if (r->step[i].frees)
			r->subject->run(r->kit, &r->step[i], 1);
	r->steps = 0;
}

/* It is over: nothing is held any more, and others may run. */
static void finish(struct potad_replay *r)
{
	if (!r->ledger)
		return;
	undo_steps(r);
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
	r->sums.live = potad_ledger_live(r->ledger);
	finish(r);
	return err;
}

/* Whatever was left is freed.  NULL is allowed. */
void potad_replay_destroy(struct potad_replay *r)
{
	if (!r)
		return;
	finish(r);
	kvfree(r);
}

/* In which line, what, or NULL. */
const char *potad_replay_wrong(const struct potad_replay *r, u64 *line, u64 *offset)
{
	*line = r->recording.line;
	*offset = r->recording.offset;
	return r->recording.wrong ?: r->wrong;
}

const struct potad_replay_sums *potad_replay_sums(const struct potad_replay *r)
{
	return &r->sums;
}

const char *potad_replay_subject(const struct potad_replay *r)
{
	return r->subject->name;
}

/* Records between two rows: what was asked for, or a multiple. */
u64 potad_replay_every(const struct potad_replay *r)
{
	return r->every;
}

/* 2^this bytes have order 0. */
unsigned int potad_replay_unit(const struct potad_replay *r)
{
	return r->unit;
}

/* The subject's largest order. */
unsigned int potad_replay_orders(const struct potad_replay *r)
{
	return r->subject->native ? MAX_PAGE_ORDER :
				    potad_space_max_order(r->kit->pool->space);
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

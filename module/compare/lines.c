// SPDX-License-Identifier: GPL-2.0
/*
 * Lines: single operations between markers.
 *
 * The subjects are those that compare.c times in loops.  Here each operation is a
 * step of its own, with a label before it; an emulator that watches counts what it
 * touches.  On a real processor nothing comes of it, and nothing is timed.
 *
 * The workloads are those of turn.h too; each of them shows another path.
 *
 *	pair         allocates and frees in turn: after a few of those, whatever
 *	             caches an allocator has are hit
 *	bulk         allocates many blocks, then frees them in the same order: now
 *	             and then a cache runs empty or full
 *	random-free  frees them in random order, so that what is beside a block may
 *	             be free or not; the next time they are allocated as they lie
 *	churn        holds as many, frees one of them at random, allocates one
 *	cross        allocates a few on one CPU, frees them on another
 *	mixed        as churn, with random orders: what is freed is seldom what is
 *	             wanted next.  Each operation counts for its own order
 *
 * An operation's label says which subject did it, with what order, for which
 * workload, and whether it was an allocation or a free:
 *
 *	1 + ((subject * orders + order) * WORKLOADS + workload) * 2 + is it a free
 *
 * Label 0 has what does not count: the first round of each workload, which fills
 * the caches, and what tidies up.
 */
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include "../include/compat.h"
#include "compare.h"
#include "lines.h"
#include "marker.h"
#include "subjects.h"

#define BLOCKS_MAX	448	/* held at once, and no more than */
#define BYTES_MAX	(112UL << 20)	/* 28 of the largest order */
#define SLOW		20	/* so many times fewer of what takes long */
#define SLOW_BLOCKS	4
#define HANDED_OVER	64U	/* blocks, from CPU to CPU, if there are as many */
#define KNOWN_LABEL	0xffff	/* of an operation to try it on */

/*
 * The two steps of a subject.  All that they need is at hand on the stack before
 * the operation begins, and what is there does not count.
 */
#define SUBJECT_ENTRY(id, ...)						\
static noinline bool id##_alloc_step(const struct subject_kit *from,	\
				     int order, unsigned int label,	\
				     union potad_held *result)		\
{									\
	const struct subject_kit kit = *from;				\
	const unsigned int k = id##_order_of(&kit, order);		\
	union potad_held h = { };					\
	bool ok;							\
									\
	potad_mark_label(label);					\
	potad_mark_begin();						\
	ok = id##_alloc(&kit, k, &h.id);				\
	potad_mark_end();						\
	*result = h;							\
	return ok;							\
}

#include "list.h"

#define SUBJECT_ENTRY(id, ...)						\
static noinline void id##_free_step(const struct subject_kit *from,	\
				    int order, unsigned int label,	\
				    const union potad_held *held)	\
{									\
	const struct subject_kit kit = *from;				\
	const unsigned int k = id##_order_of(&kit, order);		\
	union potad_held h = *held;					\
									\
	potad_mark_label(label);					\
	potad_mark_begin();						\
	id##_free(&kit, k, &h.id);					\
	potad_mark_end();						\
}

#include "list.h"

#define SUBJECT_ENTRY(id, ...)						\
	{ id##_alloc_step, id##_free_step },

static const struct steps {
	bool		(*alloc)(const struct subject_kit *kit, int order,
				 unsigned int label, union potad_held *result);
	void		(*free)(const struct subject_kit *kit, int order,
				unsigned int label, const union potad_held *held);
} steps[POTAD_SUBJECTS] = {
#include "list.h"
};

enum { PAIR, BULK, RANDOM_FREE, CHURN, CROSS, MIXED, WORKLOADS };

static_assert(1 + (POTAD_COMPARE_ORDERS - POTAD_COMPARE_SMALLEST + 1) *
	      POTAD_SUBJECTS * WORKLOADS * 2 < KNOWN_LABEL);

/**
 * struct lines - a subject at work
 * @kit: what it works with
 * @id: which subject
 * @ops: about how many of each operation
 * @blocks: how many it may hold at once
 * @label: the first of its labels, of the least order
 * @first_order: of pages, may be negative
 * @last_order: the largest
 * @workload: what it is at
 * @quiet: what it does at the moment does not count
 * @random: gives all subjects the same numbers
 * @held: its blocks
 * @order: and their orders, where those differ
 */
struct lines {
	const struct subject_kit *kit;
	enum subject_id		id;
	unsigned int		ops;
	unsigned int		blocks;
	unsigned int		label;
	int			first_order;
	int			last_order;
	unsigned int		workload;
	bool			quiet;
	struct rnd_state	random;
	union potad_held	held[BLOCKS_MAX];
	s8			order[BLOCKS_MAX];
};

static unsigned int label_of(const struct lines *l, int order)
{
	return l->label + ((order - l->first_order) * WORKLOADS + l->workload) * 2;
}

static bool take(struct lines *l, int order, union potad_held *held)
{
	unsigned int label = l->quiet ? 0 : label_of(l, order);

	return steps[l->id].alloc(l->kit, order, label, held);
}

static void give(struct lines *l, int order, const union potad_held *held)
{
	unsigned int label = l->quiet ? 0 : label_of(l, order) + 1;

	steps[l->id].free(l->kit, order, label, held);
}

static u32 below(struct lines *l, u32 limit)
{
	return reciprocal_scale(prandom_u32_state(&l->random), limit);
}

static int stopped(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* How many blocks it holds at once. */
static unsigned int blocks_of(const struct lines *l, int order)
{
	return min_t(unsigned long, BYTES_MAX >> (order + PAGE_SHIFT), l->blocks);
}

static int pairs(struct lines *l, int order, unsigned int n)
{
	int err = 0;

	for (; n && !err; n--) {
		if (!take(l, order, &l->held[0]))
			return -ENOMEM;
		give(l, order, &l->held[0]);
		err = stopped();
	}
	return err;
}

static int pair(struct lines *l, int order)
{
	int err;

	l->quiet = true;
	err = pairs(l, order, l->blocks);
	l->quiet = false;
	return err ?: pairs(l, order, l->ops);
}

/* Allocates @n blocks, or none. */
static int fill(struct lines *l, int order, unsigned int n)
{
	unsigned int did;
	int err = 0;

	for (did = 0; did < n && !err; did++) {
		if (!take(l, order, &l->held[did]))
			break;
		err = stopped();
	}
	if (did == n && !err)
		return 0;
	l->quiet = true;
	while (did--)
		give(l, order, &l->held[did]);
	return err ?: -ENOMEM;
}

static void empty(struct lines *l, int order, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		give(l, order, &l->held[i]);
		cond_resched();
	}
}

static void shuffle(struct lines *l, unsigned int n)
{
	for (; n > 1; n--) {
		u32 other = below(l, n);

		swap(l->held[n - 1], l->held[other]);
	}
}

static int bulk(struct lines *l, int order)
{
	unsigned int n = blocks_of(l, order), done;
	int err;

	l->quiet = true;
	for (done = 0; done < l->ops + n; done += n) {
		err = fill(l, order, n);
		if (err)
			return err;
		if (l->workload == RANDOM_FREE)
			shuffle(l, n);
		empty(l, order, n);
		l->quiet = false;
	}
	return 0;
}

static int churn(struct lines *l, int order)
{
	unsigned int n = blocks_of(l, order), i;
	int err;

	l->quiet = true;
	err = fill(l, order, n);
	if (err)
		return err;
	for (i = 0; i < l->blocks + l->ops && !err; i++) {
		union potad_held *held = &l->held[below(l, n)];

		l->quiet = i < l->blocks;
		give(l, order, held);
		if (!take(l, order, held)) {
			*held = l->held[--n];
			err = -ENOMEM;
		} else {
			err = stopped();
		}
	}
	l->quiet = true;
	empty(l, order, n);
	return err;
}

/* What the other CPU is asked to do. */
struct errand {
	struct lines	*lines;
	int		order;
	unsigned int	n;
};

static long run_errand(void *arg)
{
	struct errand *errand = arg;

	empty(errand->lines, errand->order, errand->n);
	return 0;
}

static int hand_over(struct lines *l, int order, unsigned int other)
{
	struct errand errand = { l, order, min(blocks_of(l, order), HANDED_OVER) };
	unsigned int done;
	int err;

	l->quiet = true;
	/* Until the one's caches have run empty, and the other's full. */
	for (done = 0; done < l->blocks + l->ops; done += errand.n) {
		l->quiet = done < l->blocks;
		err = fill(l, order, errand.n);
		if (err)
			return err;
		work_on_cpu(other, run_errand, &errand);
	}
	return 0;
}

/* If the other CPU goes meanwhile its work is done elsewhere: no block is lost. */
static int cross(struct lines *l, int order)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, smp_processor_id());

	return other < nr_cpu_ids ? hand_over(l, order, other) : -ENXIO;
}

/* A block of a random order in the place of @i, in which there is none. */
static int take_any(struct lines *l, unsigned int i)
{
	l->order[i] = l->first_order + below(l, l->last_order - l->first_order + 1);
	return take(l, l->order[i], &l->held[i]) ? 0 : -ENOMEM;
}

static void give_any(struct lines *l, unsigned int i)
{
	give(l, l->order[i], &l->held[i]);
}

/* Of all orders, and half as much memory as elsewhere: nobody need go without. */
static int mixed(struct lines *l)
{
	unsigned int orders = l->last_order - l->first_order + 1;
	unsigned long bytes = ((2UL << (l->last_order + PAGE_SHIFT)) -
			       (1UL << (l->first_order + PAGE_SHIFT))) / orders;
	unsigned int n = min_t(unsigned long, BYTES_MAX / 2 / bytes, l->blocks), had = 0, i;
	int err = 0;

	l->quiet = true;
	while (had < n && !err) {
		err = take_any(l, had) ?: stopped();
		had += err != -ENOMEM;
	}
	for (i = 0; i < l->blocks + orders * l->ops && !err; i++) {
		unsigned int slot = below(l, n);

		l->quiet = i < l->blocks;
		give_any(l, slot);
		err = take_any(l, slot);
		if (err) {
			l->held[slot] = l->held[--had];
			l->order[slot] = l->order[had];
		} else {
			err = stopped();
		}
	}
	l->quiet = true;
	while (had--)
		give_any(l, had);
	return err;
}

static const struct workload {
	const char	*name;
	int		(*run)(struct lines *l, int order);
} workloads[WORKLOADS] = {
	[PAIR] = { "pair", pair },
	[BULK] = { "bulk", bulk },
	[RANDOM_FREE] = { "random-free", bulk },
	[CHURN] = { "churn", churn },
	[CROSS] = { "cross", cross },
	[MIXED] = { "mixed" },		/* of all orders at once */
};

/* Those of one order, or of all; caches are each CPU's own: it stays on one. */
static int run_workload(struct lines *l, int order)
{
	const struct workload *workload = &workloads[l->workload];
	int err;

	migrate_disable();
	err = workload->run ? workload->run(l, order) : mixed(l);
	migrate_enable();
	return err;
}

static void report_row(struct lines *l, int order, const char *why,
		       potad_lines_fn report, void *arg)
{
	struct potad_lines_row row = {
		.label = label_of(l, order), .order = order, .why = why,
		.subject = potad_subject[l->id].name,
		.workload = workloads[l->workload].name,
	};

	report(&row, arg);
}

static const char *reason_of(int err)
{
	switch (err) {
	case 0:
		return NULL;
	case -ENXIO:
		return "there is one CPU";
	default:
		return "it cannot have so many blocks";
	}
}

/* Why this one cannot do it, as far as that is known before; NULL: it can. */
static const char *unfit(struct lines *l, int first_order, int last_order)
{
	return potad_subject_missing(l->kit, l->id) ?:
	       potad_subject_unfit(l->kit, l->id, first_order, last_order);
}

/* With each order by itself. */
static int run_orders(struct lines *l, potad_lines_fn report, void *arg)
{
	const char *why;
	int order, err;

	for (order = l->first_order; order <= l->last_order; order++) {
		why = unfit(l, order, order);
		err = why ? 0 : run_workload(l, order);
		if (err == -EINTR)
			return err;
		report_row(l, order, why ?: reason_of(err), report, arg);
	}
	return 0;
}

/* With all of them at once. */
static int run_mixed(struct lines *l, potad_lines_fn report, void *arg)
{
	const char *why = unfit(l, l->first_order, l->last_order);
	int order, err;

	err = why ? 0 : run_workload(l, l->first_order);
	if (err == -EINTR)
		return err;
	for (order = l->first_order; order <= l->last_order; order++)
		report_row(l, order, why ?: reason_of(err), report, arg);
	return 0;
}

/* All that one subject does; only -EINTR ends it early. */
static int run_subject(struct lines *l, potad_lines_fn report, void *arg)
{
	int err = 0;

	for (l->workload = 0; l->workload < WORKLOADS && !err; l->workload++)
		err = l->workload == MIXED ? run_mixed(l, report, arg) :
					     run_orders(l, report, arg);
	return err;
}

/*
 * An operation of which it is known that it touches four lines and writes three
 * of them: those who count can show that they do it right.
 */
static noinline void known_step(void)
{
	static u8 line[6][64] __aligned(64);
	u8 own;

	potad_mark_label(KNOWN_LABEL);
	potad_mark_begin();
	WRITE_ONCE(own, READ_ONCE(line[0][63]));	/* the stack is not counted */
	WRITE_ONCE(line[1][5], READ_ONCE(line[0][0]));
	WRITE_ONCE(*(u64 *)&line[3][60], READ_ONCE(line[1][0])); /* and line[4] */
	potad_mark_end();
}

/* Before the first operation: who watches gets ready. */
void potad_lines_begin(void)
{
	unsigned int i;

	potad_mark(POTAD_MARK_ARM);
	for (i = 0; i < 16; i++)
		known_step();
}

/*
 * cma_alloc() and alloc_contig_pages() wait for other CPUs, and the second does so at
 * each place that it tries, from where its zone begins: to hold a few hundred blocks
 * takes it minutes.
 */
static void set_size(struct lines *l, unsigned int ops)
{
	bool slow = l->id == subject_area || l->id == subject_contig;

	l->ops = slow ? DIV_ROUND_UP(ops, SLOW) : ops;
	l->blocks = slow ? SLOW_BLOCKS : BLOCKS_MAX;
}

/**
 * potad_lines_run() - single operations, for an emulator that counts lines
 * @cmp: what: each operation about @ops times; there are no rounds
 * @report: called for each subject, workload and order
 * @arg: handed to @report
 *
 * Context: Process context; takes its time; a fatal signal ends it.
 * Return: 0; -EBUSY if a comparison is running; -EINTR; -ENOMEM.
 */
int potad_lines_run(const struct potad_compare *cmp, potad_lines_fn report,
		    void *arg)
{
	unsigned int orders = cmp->last_order - cmp->first_order + 1;
	struct lines *l;
	int err;

	err = potad_compare_claim(cmp->subjects);
	if (err)
		return err;
	l = kvzalloc_obj(*l, GFP_KERNEL);
	if (!l) {
		err = -ENOMEM;
		goto out;
	}
	l->kit = potad_compare_kit();
	l->first_order = cmp->first_order;
	l->last_order = cmp->last_order;
	potad_lines_begin();
	for (l->id = 0; l->id < POTAD_SUBJECTS && !err; l->id++) {
		if (!(cmp->subjects & BIT(l->id)))
			continue;
		set_size(l, cmp->ops);
		l->label = 1 + l->id * orders * WORKLOADS * 2;
		prandom_seed_state(&l->random, cmp->seed);
		err = run_subject(l, report, arg);
	}
	kvfree(l);
out:
	potad_compare_unclaim();
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Lines: single operations between markers.
 *
 * The subjects are those that compare.c times in loops.  Here each operation is a
 * step of its own, with a label before it; an emulator that watches counts what it
 * touches.  On a real processor nothing comes of it, and nothing is timed.
 *
 * Two workloads show two paths.  "pair" allocates and frees in turn: after a few of
 * those, whatever caches an allocator has are hit.  "bulk" allocates many blocks,
 * then frees them, in another order: now and then a cache runs empty or full.
 */
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "lines.h"
#include "marker.h"
#include "subjects.h"

#define WARM_UP		64	/* pairs */
#define BULK_MAX	448	/* blocks, and no more than */
#define BULK_PAGES	28672	/* 112 MiB: 28 of the largest order */
#define STRIDE		11	/* no divisor in common with any number in bulk */

/*
 * The two steps of a subject.  All that they need is at hand on the stack before
 * the operation begins, and what is there does not count.
 */
#define DEFINE_ALLOC_STEP(name)						\
static noinline bool name##_alloc_step(const struct subject_kit *from,	\
				       unsigned int order,		\
				       unsigned int label,		\
				       union potad_held *result)	\
{									\
	const struct subject_kit kit = *from;				\
	union potad_held h = { };					\
	bool ok;							\
									\
	potad_mark_label(label);					\
	potad_mark_begin();						\
	ok = name##_alloc(&kit, order, &h.name);			\
	potad_mark_end();						\
	*result = h;							\
	return ok;							\
}

#define DEFINE_FREE_STEP(name)						\
static noinline void name##_free_step(const struct subject_kit *from,	\
				      unsigned int order,		\
				      unsigned int label,		\
				      const union potad_held *held)	\
{									\
	const struct subject_kit kit = *from;				\
	union potad_held h = *held;					\
									\
	potad_mark_label(label);					\
	potad_mark_begin();						\
	name##_free(&kit, order, &h.name);				\
	potad_mark_end();						\
}

DEFINE_ALLOC_STEP(bare)
DEFINE_FREE_STEP(bare)
DEFINE_ALLOC_STEP(described)
DEFINE_FREE_STEP(described)
DEFINE_ALLOC_STEP(buddy)
DEFINE_FREE_STEP(buddy)
DEFINE_ALLOC_STEP(compound)
DEFINE_FREE_STEP(compound)

static const struct subject {
	const char	*name;
	bool		granules;	/* its orders count those, not pages */
	bool		(*alloc)(const struct subject_kit *kit, unsigned int order,
				 unsigned int label, union potad_held *result);
	void		(*free)(const struct subject_kit *kit, unsigned int order,
				unsigned int label, const union potad_held *held);
} subjects[] = {
	{ "potad", true, bare_alloc_step, bare_free_step },
	{ "potad-described", true, described_alloc_step, described_free_step },
	{ "buddy", false, buddy_alloc_step, buddy_free_step },
	{ "buddy-described", false, compound_alloc_step, compound_free_step },
};

/* @n pairs; @alloc and @free are their labels. */
static int pairs(const struct subject_kit *kit, const struct subject *subject,
		 unsigned int order, unsigned int n, unsigned int alloc,
		 unsigned int free)
{
	union potad_held held;

	for (; n; n--) {
		if (!subject->alloc(kit, order, alloc, &held))
			return -ENOMEM;
		subject->free(kit, order, free, &held);
	}
	return 0;
}

/* @n allocations, then their frees; @held has room for as many. */
static int bulk(const struct subject_kit *kit, const struct subject *subject,
		unsigned int order, union potad_held *held, unsigned int n,
		unsigned int alloc, unsigned int free)
{
	unsigned int i, did;

	for (did = 0; did < n; did++)
		if (!subject->alloc(kit, order, alloc, &held[did]))
			break;
	if (did < n) {
		while (did--)
			subject->free(kit, order, 0, &held[did]);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		subject->free(kit, order, free, &held[i * STRIDE % n]);
	return 0;
}

/**
 * potad_lines_turn() - all of one subject's operations on one order
 * @kit: what subjects work with
 * @subject: its name
 * @order: of pages
 * @ops: about how many of each operation, in each workload
 * @label: the first of POTAD_LINES_LABELS that they get
 *
 * Context: Process context; a fatal signal ends it.
 * Return: 0; -ENOENT if nobody counts this subject; -ENOMEM; -EINTR.
 */
int potad_lines_turn(const struct subject_kit *kit, const char *subject,
		     unsigned int order, unsigned int ops, unsigned int label)
{
	unsigned int n = min(BULK_PAGES >> order, BULK_MAX), done;
	const struct subject *s = subjects;
	union potad_held *held;
	int err;

	while (strcmp(s->name, subject))
		if (++s == subjects + ARRAY_SIZE(subjects))
			return -ENOENT;
	if (s->granules)
		order = granule_order(kit, order);
	held = kmalloc_array(n, sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;

	/* Caches are each CPU's own, and so this stays on one. */
	migrate_disable();
	err = pairs(kit, s, order, WARM_UP, 0, 0);
	if (!err)
		err = pairs(kit, s, order, ops, label + POTAD_LINES_PAIR_ALLOC,
			    label + POTAD_LINES_PAIR_FREE);
	if (!err)
		err = bulk(kit, s, order, held, n, 0, 0);
	for (done = 0; !err && done < ops; done += n) {
		err = bulk(kit, s, order, held, n,
			   label + POTAD_LINES_BULK_ALLOC,
			   label + POTAD_LINES_BULK_FREE);
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	migrate_enable();
	kfree(held);
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

	potad_mark_label(POTAD_LINES_KNOWN);
	potad_mark_begin();
	WRITE_ONCE(own, READ_ONCE(line[0][63]));	/* the stack is not counted */
	WRITE_ONCE(line[1][5], READ_ONCE(line[0][0]));
	WRITE_ONCE(*(u64 *)&line[3][60], READ_ONCE(line[1][0])); /* and line[4] */
	potad_mark_end();
}

/* Before the first turn: who watches gets ready. */
void potad_lines_begin(void)
{
	unsigned int i;

	potad_mark(POTAD_MARK_ARM);
	for (i = 0; i < 16; i++)
		known_step();
}

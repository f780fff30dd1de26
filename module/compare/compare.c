// SPDX-License-Identifier: GPL-2.0
/*
 * Comparison: subjects in turn.
 *
 *	subject           an allocation is                      against
 *	potad             a bare block of the pool              buddy
 *	potad-described   a block, a descriptor of 360 bytes,   buddy-described
 *	                  and the words
 *	buddy             alloc_pages()
 *	buddy-described   alloc_pages(__GFP_COMP), and a
 *	                  kmem_cache object of 360 bytes
 *
 * In each round each subject has a turn of many operations on one order, so
 * that what disturbs the machine disturbs all of them; a round before the first
 * warms up, and is not counted.  Time is taken once for a thousand operations.
 * Each subject's loop is compiled for it: no call through a pointer is timed.
 * Nobody zeroes or touches what is allocated.
 *
 * Where the times mean anything, and where not (an emulator), is for whoever
 * runs it to know.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "compare.h"
#include "lines.h"
#include "subjects.h"

#define DESC_SIZE	360
#define CHUNK		1000U

static_assert(POTAD_COMPARE_ORDERS <= MAX_PAGE_ORDER);

static DEFINE_MUTEX(running);		/* one comparison at a time; protects */
					/* nothing else			      */
static struct subject_kit kit;		/* constant from init to exit */

/*
 * A subject's turn: @n pairs of an allocation and its free.  Returns how many
 * of them were done.
 */
#define DEFINE_PAIRS(name, held, its_order)				\
static unsigned int name##_pairs(unsigned int order, unsigned int n)	\
{									\
	unsigned int i, k = (its_order);				\
									\
	for (i = 0; i < n; i++) {					\
		held h;							\
									\
		if (!name##_alloc(&kit, k, &h))				\
			break;						\
		name##_free(&kit, k, &h);				\
	}								\
	return i;							\
}

DEFINE_PAIRS(bare, phys_addr_t, granule_order(&kit, order))
DEFINE_PAIRS(described, struct potad_block, granule_order(&kit, order))
DEFINE_PAIRS(buddy, struct page *, order)
DEFINE_PAIRS(compound, struct compound, order)

static const struct subject {
	const char	*name;
	unsigned int	against;	/* index of its native counterpart */
	unsigned int	(*pairs)(unsigned int order, unsigned int n);
} subjects[] = {
	{ "potad", 2, bare_pairs },
	{ "potad-described", 3, described_pairs },
	{ "buddy", 2, buddy_pairs },
	{ "buddy-described", 3, compound_pairs },
};

/* From a list with commas, which is taken apart, to bits; -EINVAL. */
int potad_compare_subjects(char *list, unsigned long *bits)
{
	unsigned int i;
	char *name;

	if (!strcmp(list, "all"))
		return 0;
	*bits = 0;
	while ((name = strsep(&list, ","))) {
		for (i = 0; i < ARRAY_SIZE(subjects); i++)
			if (!strcmp(name, subjects[i].name))
				break;
		if (i == ARRAY_SIZE(subjects))
			return -EINVAL;
		*bits |= 1UL << i;
	}
	return 0;
}

/* One turn: the mean time of an operation in tenths of a ns, or an error. */
static s64 turn(const struct subject *subject, unsigned int order,
		unsigned int ops)
{
	unsigned int left, n;
	u64 begin, ns = 0;

	for (left = ops; left; left -= n) {
		n = min(left, CHUNK);
		begin = ktime_get_ns();
		if (subject->pairs(order, n) != n)
			return -ENOMEM;
		ns += ktime_get_ns() - begin;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return div_u64(ns * 10, ops);
}

static int cmp_u64(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

typedef u64 times_t[ARRAY_SIZE(subjects)][POTAD_COMPARE_ROUNDS];

/* All rounds for one order.  Subjects that cannot do it get a bit in *@cannot. */
static int run_order(const struct potad_compare *cmp, unsigned int order,
		     times_t times, unsigned long *cannot)
{
	unsigned int i;
	int round;
	s64 t;

	for (round = -1; round < (int)cmp->rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(subjects); i++) {
			if (!(cmp->subjects & ~*cannot & 1UL << i))
				continue;
			t = turn(&subjects[i], order, cmp->ops);
			if (t == -EINTR)
				return t;
			if (t < 0)
				*cannot |= 1UL << i;
			else if (round >= 0)
				times[i][round] = t;
		}
	}
	return 0;
}

static void report_order(const struct potad_compare *cmp, unsigned int order,
			 times_t times, unsigned long cannot,
			 potad_compare_fn report, void *arg)
{
	unsigned long did = cmp->subjects & ~cannot;
	unsigned int i, last = cmp->rounds - 1;

	for (i = 0; i < ARRAY_SIZE(subjects); i++)
		if (did & 1UL << i)
			sort(times[i], cmp->rounds, sizeof(u64), cmp_u64, NULL);
	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		unsigned int native = subjects[i].against;
		struct potad_compare_row row = {
			.order = order, .subject = subjects[i].name,
		};

		if (!(cmp->subjects & 1UL << i))
			continue;
		if (did & 1UL << i) {
			row.ops = cmp->ops;
			row.median = times[i][cmp->rounds / 2];
			row.min = times[i][0];
			row.max = times[i][last];
			if (did & 1UL << native && row.median)
				row.ratio = div64_u64(times[native][cmp->rounds / 2] * 100,
						      row.median);
		}
		report(&row, arg);
	}
}

/**
 * potad_compare_run() - run a comparison
 * @cmp: what
 * @report: called for each result
 * @arg: handed to @report
 *
 * Context: Process context; takes its time; a fatal signal ends it.
 * Return: 0; -EBUSY if one is running; -EINTR; -ENOMEM.
 */
int potad_compare_run(const struct potad_compare *cmp, potad_compare_fn report,
		      void *arg)
{
	unsigned int order;
	u64 (*times)[POTAD_COMPARE_ROUNDS];
	int err = 0;

	if (!mutex_trylock(&running))
		return -EBUSY;
	times = kcalloc(ARRAY_SIZE(subjects), sizeof(*times), GFP_KERNEL);
	if (!times)
		err = -ENOMEM;
	for (order = cmp->first_order; !err && order <= cmp->last_order; order++) {
		unsigned long cannot = 0;

		err = run_order(cmp, order, times, &cannot);
		if (!err)
			report_order(cmp, order, times, cannot, report, arg);
	}
	kfree(times);
	mutex_unlock(&running);
	return err;
}

/**
 * potad_compare_lines() - single operations, for an emulator that counts lines
 * @cmp: what: each operation about @ops times; there are no rounds
 * @report: called for each order and subject that did it, with its first label
 * @arg: handed to @report
 *
 * Context: Process context; takes its time; a fatal signal ends it.
 * Return: 0; -EBUSY if a comparison is running; -EINTR.
 */
int potad_compare_lines(const struct potad_compare *cmp,
			potad_compare_label_fn report, void *arg)
{
	unsigned int order, i, label = 1;
	int err = 0;

	if (!mutex_trylock(&running))
		return -EBUSY;
	potad_lines_begin();
	for (order = cmp->first_order; order <= cmp->last_order; order++) {
		for (i = 0; i < ARRAY_SIZE(subjects) && err != -EINTR; i++) {
			if (!(cmp->subjects & 1UL << i))
				continue;
			err = potad_lines_turn(&kit, subjects[i].name, order,
					       cmp->ops, label);
			if (!err)
				report(label, order, subjects[i].name, arg);
			label += POTAD_LINES_LABELS;
		}
	}
	mutex_unlock(&running);
	return err == -EINTR ? err : 0;
}

/* What the described subjects need.  Process context. */
int potad_compare_init(struct potad_pool *p)
{
	static const struct potad_type_info info = {
		.name = "compare", .desc_size = DESC_SIZE, .module = THIS_MODULE,
	};

	kit.pool = p;
	kit.cache = kmem_cache_create("potad-compare-native", DESC_SIZE, 0, 0, NULL);
	if (!kit.cache)
		return -ENOMEM;
	kit.type = potad_type_register(&info);
	if (IS_ERR(kit.type)) {
		kmem_cache_destroy(kit.cache);
		return PTR_ERR(kit.type);
	}
	return 0;
}

void potad_compare_exit(void)
{
	WARN_ON(potad_type_unregister(kit.type));
	kmem_cache_destroy(kit.cache);
}

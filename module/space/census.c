// SPDX-License-Identifier: GPL-2.0
/*
 * The census: counts, and checks, everything there is in a space.
 *
 * Both walk over all groups that are populated.  A check holds the locks of one or
 * two at a time, a count one group's, and for one node at a time.  What is counted is
 * counted anew from the maps; nothing that a check compares with it was kept for the
 * check.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "span.h"

/* Counts the free blocks of a node, whose units have order @order. */
static void count_blocks(const struct potad_node *n, unsigned int order,
			 u64 *blocks)
{
	unsigned int i = 0, k;

	while (i < POTAD_NODE_UNITS) {
		if (potad_node_code(n, i) != POTAD_CODE_FREE) {
			i++;
			continue;
		}
		k = potad_node_merged(n, i, 0);
		blocks[order + k]++;
		i += 1U << k;
	}
}

/*
 * The lock is held for as long as it takes to copy one node: blocks are those of
 * each leaf at a moment of its own.  What moves between a leaf and the top node
 * meanwhile may count twice, or not at all.
 */
static void count_group(struct potad_group *g, struct potad_space_stat *stat)
{
	unsigned int l, order = g->tier * POTAD_GROUP_SHIFT;
	struct potad_node node;

	raw_spin_lock_irq(&g->lock);
	stat->free += (u64)g->nr_free << order;
	node = g->top;
	raw_spin_unlock_irq(&g->lock);
	count_blocks(&node, order + POTAD_NODE_SHIFT, stat->blocks);
	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		bool some;

		raw_spin_lock_irq(&g->lock);
		some = potad_leaf_class(g, l) != POTAD_NO_CLASS;
		if (some)
			node = g->node[l];
		raw_spin_unlock_irq(&g->lock);
		if (some)
			count_blocks(&node, order, stat->blocks);
	}
}

static void count_span(const struct potad_span *span, struct potad_space_stat *stat)
{
	struct potad_group *g;
	unsigned int t;
	u64 nr;

	for (t = 0; t < span->tiers; t++) {
		for (nr = 0; (g = potad_span_next(span, t, &nr)); nr++) {
			count_group(g, stat);
			cond_resched();
		}
	}
}

/**
 * potad_space_stat() - count what there is
 * @s: the space
 * @stat: filled in
 *
 * Context: Process context; may sleep.
 */
void potad_space_stat(struct potad_space *s, struct potad_space_stat *stat)
{
	struct potad_spans *spans;
	unsigned int i, tries = 0;
	u32 begun, done;

	mutex_lock(&s->spans_mutex);
	spans = potad_spans_locked(s);
	do {
		/* A group that moves meanwhile counts twice, or not at all. */
		done = potad_sum_done(s);
		smp_rmb();	/* @done before @begun: see search() */
		begun = potad_sum_begun(s);
		memset(stat, 0, sizeof(*stat));
		for (i = 0; i < spans->nr; i++)
			count_span(spans->span[i], stat);
	} while ((begun != done || potad_sum_begun(s) != begun) && ++tries < 8);

	stat->spans = spans->nr;
	stat->total = atomic64_read(&s->nr);
	stat->retired = atomic64_read(&s->nr_retired);
	stat->pending = atomic64_read(&s->nr_pending);
	stat->free = min(stat->free, stat->total - stat->retired);
	stat->allocated = stat->total - stat->free - stat->retired;
	stat->metadata = sizeof(*s) + nr_cpu_ids * sizeof(*s->habit);
	for (i = 0; i < spans->nr; i++)
		stat->metadata += potad_span_metadata(spans->span[i]);
	mutex_unlock(&s->spans_mutex);
}
EXPORT_SYMBOL_GPL(potad_space_stat);

/* The maps of a group, and what others see of it; its lock is held. */
static const char *group_check(const struct potad_group *g)
{
	return potad_group_check(g) ?: potad_hint_check(g);
}

/* Does what is below unit @u of @g agree with what its code says? */
static const char *unit_check(struct potad_group *g, struct potad_group *below)
{
	unsigned int u = potad_unit(potad_granule(below, 0), g->tier);
	const char *wrong;
	bool in_top;

	raw_spin_lock_irq(&g->lock);
	raw_spin_lock(&below->lock);
	wrong = group_check(below);
	if (!wrong && (potad_group_code(g, u, &in_top) == POTAD_CODE_BROKEN) ==
	    potad_group_is_dormant(below))
		wrong = "group awake below a unit that is not broken, or the other way round";
	raw_spin_unlock(&below->lock);
	raw_spin_unlock_irq(&g->lock);
	return wrong;
}

/* Is there a group below each unit that is broken? */
static const char *below_check(struct potad_group *g)
{
	unsigned int shift = g->tier * POTAD_GROUP_SHIFT, l, i;
	const struct potad_span *span = g->span;
	const char *wrong = NULL;

	for (l = 0; l < POTAD_NODE_UNITS && !wrong; l++) {
		raw_spin_lock_irq(&g->lock);
		for (i = 0; i < POTAD_NODE_UNITS; i++) {
			u64 granule = potad_granule(g, l * POTAD_NODE_UNITS + i);

			if (potad_node_code(&g->top, l) != POTAD_CODE_BROKEN)
				break;
			if (potad_node_code(&g->node[l], i) == POTAD_CODE_BROKEN &&
			    granule >= span->first &&
			    granule + (1ULL << shift) <= span->end &&
			    !potad_span_group(span, g->tier - 1, granule))
				wrong = "unit broken with nothing below";
		}
		raw_spin_unlock_irq(&g->lock);
		cond_resched();
	}
	return wrong;
}

static const char *span_check(const struct potad_span *span, u64 *retired,
			      u64 *pending)
{
	const char *wrong = NULL;
	struct potad_group *g;
	unsigned int t;
	u64 nr;

	*retired -= potad_span_holes(span);
	for (t = 0; t < span->tiers; t++) {
		for (nr = 0; !wrong && (g = potad_span_next(span, t, &nr)); nr++) {
			if (!t)
				*retired += READ_ONCE(g->nr_broken);
			wrong = potad_pending_check(g, pending);
			if (wrong)
				break;
			if (t + 1 < span->tiers) {
				wrong = unit_check(potad_span_group(span, t + 1,
								    potad_granule(g, 0)), g);
			} else {
				raw_spin_lock_irq(&g->lock);
				wrong = group_check(g);
				raw_spin_unlock_irq(&g->lock);
			}
			if (!wrong && t)
				wrong = below_check(g);
			cond_resched();
		}
	}
	return wrong;
}

/**
 * potad_space_validate() - check everything there is to check
 * @s: the space
 *
 * Recomputes every counter, class and index from the maps, and the hints for those
 * who look without a lock; compares each group with the unit above it.  Two groups at a
 * time are looked at in one moment; the sums over all of them hold only while nothing
 * changes.
 *
 * Context: Process context; may sleep.
 * Return: NULL, or the first thing that is wrong, in words.
 */
const char *potad_space_validate(struct potad_space *s)
{
	u64 retired = 0, pending = 0, nr = 0;
	const char *wrong = NULL;
	struct potad_spans *spans;
	unsigned int i;

	mutex_lock(&s->spans_mutex);
	spans = potad_spans_locked(s);
	for (i = 0; i < spans->nr && !wrong; i++) {
		nr += spans->span[i]->end - spans->span[i]->first;
		wrong = span_check(spans->span[i], &retired, &pending);
		if (i && spans->span[i]->first < spans->span[i - 1]->end)
			wrong = "spans that overlap";
	}
	if (!wrong && nr != (u64)atomic64_read(&s->nr))
		wrong = "count of granules";
	if (!wrong && retired != (u64)atomic64_read(&s->nr_retired))
		wrong = "count of retired granules";
	if (!wrong && pending != (u64)atomic64_read(&s->nr_pending))
		wrong = "count of failed granules";
	mutex_unlock(&s->spans_mutex);
	return wrong;
}
EXPORT_SYMBOL_GPL(potad_space_validate);

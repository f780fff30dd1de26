// SPDX-License-Identifier: GPL-2.0
/*
 * A run: adjacent blocks, where one will not do.
 *
 * "8 MiB at 1 MiB alignment: one 8 MiB block, else two adjacent ones of 4 MiB,
 * else four of 2 MiB, else eight of 1 MiB, else give up": what CMA is asked for
 * (Matthew Wilcox to linux-mm, 2021).  Each try is a walk over the maps, from
 * the lowest number up, which looks for a stretch of free units that is long
 * enough behind an aligned beginning:
 *
 *	nodes     | . . # # . . . . | . . . . . . # . |
 *	stretches   ---     ---------------------   -
 *	run                   [ 4 ][ 4 ][ 4 ]		aligned to 4
 *
 * Stretches go on across nodes and groups, as a free unit of an upper tier is
 * nothing but a long one.  What is broken is looked into only where a run could
 * begin, or has begun and may end.
 *
 * The walk copies one node at a time under its group's lock.  What it has found
 * is taken block by block; if somebody else was faster, what was taken goes
 * back, and the walk goes on behind.
 */
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "../include/compat.h"
#include "span.h"

/**
 * struct walk - a search for one run
 * @span: where
 * @nr: granules wanted
 * @align: order to which the first is aligned
 * @nocross: see struct potad_run
 * @low: lowest granule that it may begin at
 * @high: the highest that it may have, plus one
 * @begin: of the stretch of free granules that ends at @end
 * @end: how far it goes as yet
 */
struct walk {
	struct potad_span *span;
	u64		nr;
	unsigned int	align;
	unsigned int	nocross;
	u64		low;
	u64		high;
	u64		begin;
	u64		end;
};

/* The lowest granule from @from on at which a run may begin. */
static u64 first_from(const struct walk *w, u64 from)
{
	u64 first = ALIGN(max(from, w->low), 1ULL << w->align);

	if (w->nocross && (first ^ (first + w->nr - 1)) >> w->nocross)
		first = ALIGN(first, 1ULL << max(w->nocross, w->align));
	return first;
}

/* The @nr granules at @first are free.  Is the run there? */
static bool more(struct walk *w, u64 first, u64 nr)
{
	u64 end = min(first + nr, w->high), begin;

	if (first != w->end)
		w->begin = first;
	w->end = first + nr;
	begin = first_from(w, w->begin);
	return begin < end && end - begin >= w->nr;
}

/*
 * Need what is broken, 2^@order granules from @first on, be looked into?  If a
 * run can begin only where it does, and would be as long at the least, only to
 * see where one that has begun before may end.
 */
static bool may_matter(const struct walk *w, u64 first, unsigned int order)
{
	if (first >= w->high || first + (1ULL << order) <= w->low)
		return false;
	return order > w->align || w->nr < 1ULL << order || w->end == first;
}

static void node_copy(struct potad_group *g, const struct potad_node *from,
		      struct potad_node *to)
{
	unsigned long flags;

	local_irq_save(flags);
	potad_group_lock(g);
	*to = *from;
	potad_group_unlock(g);
	local_irq_restore(flags);
}

static bool walk_group(struct walk *w, struct potad_group *g);

/* The group that unit @first, which is broken, is made of. */
static bool walk_below(struct walk *w, struct potad_group *g, u64 first)
{
	unsigned int order = g->tier * POTAD_GROUP_SHIFT;
	struct potad_group *below;

	if (!g->tier || !may_matter(w, first, order) ||
	    first + (1ULL << order) <= w->span->first || first >= w->span->end)
		return false;
	below = potad_span_group(w->span, g->tier - 1, first);
	return below && walk_group(w, below);
}

/* Leaf @l, which is broken, and begins at @first. */
static bool walk_leaf(struct walk *w, struct potad_group *g, unsigned int l,
		      u64 first)
{
	unsigned int order = g->tier * POTAD_GROUP_SHIFT, i, j;
	struct potad_node node;

	node_copy(g, &g->node[l], &node);
	for (i = 0; i < POTAD_NODE_UNITS; i = j) {
		u64 at = first + ((u64)i << order);
		u64 avail = potad_node_avail(&node, i / 64) >> (i % 64);

		/* As many free units as this word has from here on. */
		j = i + 1;
		if (avail & 1) {
			j = i + (avail == ~0ULL ? 64 : __ffs64(~avail));
			if (more(w, at, (u64)(j - i) << order))
				return true;
		} else if (!g->tier) {
			j = avail ? i + __ffs64(avail) : (i | 63) + 1;
		} else if (potad_node_code(&node, i) == POTAD_CODE_BROKEN &&
			   walk_below(w, g, at)) {
			return true;
		}
	}
	return false;
}

static bool walk_group(struct walk *w, struct potad_group *g)
{
	unsigned int order = g->tier * POTAD_GROUP_SHIFT + POTAD_NODE_SHIFT, l;
	struct potad_node top;

	node_copy(g, &g->top, &top);
	for (l = 0; l < POTAD_NODE_UNITS; l++) {
		u64 at = potad_granule(g, 0) + ((u64)l << order);

		switch (potad_node_code(&top, l)) {
		case POTAD_CODE_FREE:
			if (more(w, at, 1ULL << order))
				return true;
			break;
		case POTAD_CODE_BROKEN:
			if (may_matter(w, at, order) && walk_leaf(w, g, l, at))
				return true;
			break;
		default:
			break;
		}
	}
	cond_resched();
	return false;
}

/* Where the run can be, from @w->low on; U64_MAX: nowhere. */
static u64 walk_span(struct walk *w)
{
	struct potad_group *g;
	u64 nr;

	w->begin = U64_MAX;
	w->end = U64_MAX;
	for (nr = 0; (g = potad_span_next(w->span, w->span->tiers - 1, &nr)); nr++)
		if (walk_group(w, g))
			return first_from(w, w->begin);
	return U64_MAX;
}

/* The largest block of at most order @k that begins at @first, and ends by @end. */
static unsigned int piece(u64 first, u64 end, unsigned int k)
{
	unsigned int fits = fls64(end - first) - 1;

	k = min(k, fits);
	return first ? min_t(unsigned int, k, __ffs64(first)) : k;
}

/* Takes @first .. @end - 1 in blocks of at most order @k: all or nothing. */
static int take_all(struct potad_span *span, u64 first, u64 end, unsigned int k,
		    unsigned int m)
{
	unsigned int order;
	u64 at = first;
	int err = 0;

	while (at < end && !err) {
		order = piece(at, end, k);
		err = potad_span_take(span, at, order, m);
		at += err ? 0 : 1ULL << order;
	}
	for (; err && first < at; first += 1ULL << order) {
		order = piece(first, end, k);
		WARN_ON_ONCE(potad_space_free(span->space, first, order));
	}
	return err;
}

/* A run of blocks of order @k in one span. */
static int try_span(struct potad_span *span, struct potad_run *run, unsigned int k)
{
	struct walk w = {
		.span = span, .nr = run->nr, .align = max(run->align, k),
		.nocross = run->nocross, .low = max(run->min, span->first),
		.high = min(run->max, span->end - 1) + 1,
	};
	u64 first;
	int err;

	while ((first = walk_span(&w)) != U64_MAX) {
		err = take_all(span, first, first + run->nr, k, run->mobility);
		if (err != -EBUSY) {
			run->first = first;
			run->order = k;
			return err;
		}
		w.low = first + 1;
	}
	return -ENOSPC;
}

/* One order after the other, in all spans.  spans_mutex is held. */
static int try_orders(struct potad_space *s, struct potad_run *run)
{
	struct potad_spans *spans = potad_spans_locked(s);
	unsigned int k = fls64(run->nr) - 1, least = min(run->align, k), i;
	int err = -ENOSPC;

	for (;; k--) {
		run->tried |= 1ULL << k;
		for (i = 0; i < spans->nr && err == -ENOSPC; i++)
			if (run->max >= spans->span[i]->first &&
			    run->min < spans->span[i]->end)
				err = try_span(spans->span[i], run, k);
		if (err != -ENOSPC || k == least)
			return err;
	}
}

/* How often a search is done again because others freed meanwhile. */
#define MAX_TRIES	16

/**
 * potad_space_alloc_run() - take adjacent blocks
 * @s: the space
 * @run: what is wanted, and where it is; see there
 *
 * First as blocks of the largest order that fits into @run->nr, then as those
 * of half the size, and so on down to @run->align; each time from the lowest
 * granule on.  What one block could be, is one.
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL for what can never be: no granules, no mobility, more than
 * lies between two borders, a lowest granule above the highest; -ENOSPC if there
 * is no such run (or none was found 16 times, while others freed something);
 * -ENOMEM if there was no memory to populate the way to it; -EUCLEAN as
 * potad_space_alloc().
 */
int potad_space_alloc_run(struct potad_space *s, struct potad_run *run)
{
	unsigned int tries = 0;
	u32 begun;
	int err;

	run->tried = 0;
	if (!run->nr || run->nr > POTAD_SPACE_END || run->align > POTAD_MAX_ORDER ||
	    run->nocross > POTAD_MAX_ORDER || run->min > run->max ||
	    run->mobility >= POTAD_MOBILITIES ||
	    (run->nocross && run->nr > 1ULL << run->nocross))
		return -EINVAL;

	if (READ_ONCE(s->unclean))
		return -EUCLEAN;
	mutex_lock(&s->spans_mutex);
	do {
		begun = potad_sum_begun(s);
		smp_rmb();	/* what was, before the search */
		err = try_orders(s, run);
		smp_rmb();	/* the search, before what is */
	} while (err == -ENOSPC && potad_sum_begun(s) != begun && ++tries < MAX_TRIES);
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_alloc_run);

/* Are there blocks everywhere from @first to @end? */
static int all_blocks(struct potad_space *s, u64 first, u64 end)
{
	struct potad_extent e;
	int err;

	for (; first < end; first = e.first + (1ULL << e.order)) {
		err = potad_space_query(s, first, &e);
		if (err)
			return err;
		if (e.state == POTAD_RETIRED)
			return -EHWPOISON;
		if (e.state == POTAD_FREE)
			return -ENOENT;
	}
	return 0;
}

/* The span of @granule, if it is in a block, and not the first of it. */
static struct potad_span *inside_of(struct potad_space *s, u64 granule)
{
	struct potad_extent e;

	if (potad_space_query(s, granule, &e) || e.first == granule ||
	    e.state != POTAD_ALLOCATED)
		return NULL;
	return potad_span_of(s, granule);
}

/* Where a run begins or ends, a block begins from now on: both, or neither. */
static int cut_ends(struct potad_space *s, u64 first, u64 end)
{
	struct potad_span *at_first = inside_of(s, first), *at_end = inside_of(s, end);
	int err = 0;

	/* All that can fail is to get memory, so that comes before the first cut. */
	if (at_first)
		err = potad_span_populate(at_first, first, 0, GFP_KERNEL);
	if (!err && at_end)
		err = potad_span_populate(at_end, end, 0, GFP_KERNEL);
	if (!err && at_first)
		err = potad_span_split(at_first, first);
	if (!err && at_end)
		err = potad_span_split(at_end, end);
	return err;
}

/**
 * potad_space_free_run() - give back what lies between two numbers
 * @s: the space
 * @first: the first granule
 * @nr: how many granules
 *
 * All of it must be allocated, in whatever blocks: a run, a part of one, or a
 * part of a block, which is cut for it.  What remains of that are blocks of
 * their own.
 *
 * Whole blocks are given back as in potad_space_free(): nothing is allocated,
 * and nothing can fail.  Only to cut a block of 65536 granules or more in a
 * span that is populated on the way down can need memory.
 *
 * Context: Process context; may sleep.
 * Return: 0; else nothing is given back: -ERANGE if some of it lies in no span;
 * -EINVAL if @nr is 0; -ENOENT if some of it is free; -EHWPOISON if some of it
 * is retired; -ENOMEM.
 */
int potad_space_free_run(struct potad_space *s, u64 first, u64 nr)
{
	struct potad_extent e;
	u64 end = first + nr;
	int err;

	if (!nr)
		return -EINVAL;
	if (end < first || end > POTAD_SPACE_END)
		return -ERANGE;
	mutex_lock(&s->spans_mutex);
	err = all_blocks(s, first, end);
	if (!err)
		err = cut_ends(s, first, end);
	for (; !err && first < end; first = e.first + (1ULL << e.order)) {
		err = potad_space_query(s, first, &e);
		if (!err)
			err = potad_space_free(s, e.first, e.order);
	}
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_free_run);

/**
 * potad_space_alloc_at() - take this very block
 * @s: the space
 * @granule: its first granule
 * @order: its order
 * @mobility: of what kind it is
 *
 * What a CPU has cached counts as allocated: drain that before.
 *
 * Context: Process context; may sleep, to populate what is on the way.
 * Return: 0; -EINVAL if @granule is no multiple of the block's size, or there is no
 * such mobility; -ERANGE if the block does not lie inside one span; -EBUSY if some
 * of it is not free; -ENOMEM; -EUCLEAN if the space was found overwritten.
 */
int potad_space_alloc_at(struct potad_space *s, u64 granule, unsigned int order,
			 enum potad_mobility mobility)
{
	struct potad_span *span;
	int err = -ERANGE;

	if (order > POTAD_MAX_ORDER || mobility >= POTAD_MOBILITIES ||
	    granule & ((1ULL << order) - 1))
		return -EINVAL;
	if (READ_ONCE(s->unclean))
		return -EUCLEAN;
	mutex_lock(&s->spans_mutex);
	span = potad_span_of(s, granule);
	if (span && 1ULL << order <= span->end - granule)
		err = potad_span_take(span, granule, order, mobility);
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_alloc_at);

// SPDX-License-Identifier: GPL-2.0
/*
 * The space: blocks of any power of two, from a set of spans.
 *
 *	here      take a block, give it back, ask what a number is part of
 *	spans.c   the set of spans; creation, and the end
 *	census.c  count, and check, everything
 *	span.c    one span: tiers of groups
 *	group.c   65536 units under one lock
 *	node.c    256 units in one line
 *	failed.c  granules that must never be handed out again
 *	run.c     adjacent blocks, where one will not do
 *	cache.c   per-CPU stacks of blocks in front of all that
 *
 * Where a block comes from: each CPU goes on where it last found room for its
 * kind (its home), as long as there is some; so it meets others rarely, and
 * looks at no more than the group itself.  After that, in this order: the
 * fullest group of that mobility that is nobody else's home; a group that is
 * woken for it; somebody's home; a leaf of another mobility's group; room in
 * another mobility's leaf.
 *
 * Locks: spans_mutex (sleeps), then the group locks of span.h, then spare_lock.
 */
#include <linux/bug.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "span.h"

/* Allocation */

static void habit_move(struct potad_habit *habit, unsigned int m, bool big,
		       struct potad_group *g)
{
	struct potad_group *old = READ_ONCE(habit->home[m][big]);

	if (old != g && old)
		potad_group_claim(old, false);
	potad_group_claim(g, true);
	WRITE_ONCE(habit->home[m][big], g);
}

/* From where this CPU has not been before. */
static int look_around(struct potad_space *s, unsigned int t, unsigned int k,
		       unsigned int m, struct potad_group **gp, u32 *units,
		       unsigned int nr, unsigned long *flags)
{
	struct potad_spans *spans = rcu_dereference(s->spans);
	enum potad_where where = POTAD_OWN;
	bool fresh = false, no_memory = false;
	unsigned int i;
	int n;

	if (unlikely(READ_ONCE(s->unclean)))
		return -EUCLEAN;
	while (where <= POTAD_ANYWHERE) {
		for (i = 0; i < spans->nr; i++) {
			struct potad_span *span = spans->span[i];

			if (t >= span->tiers || READ_ONCE(span->closed))
				continue;
			if (fresh)
				n = potad_span_fresh(span, t, k, m, gp, units,
						     nr, flags);
			else
				n = potad_span_alloc(span, t, k, m, where, gp,
						     units, nr);
			if (n == -ENOMEM)
				no_memory = true;
			if (n == -ENOMEM || n == -ENOSPC)
				continue;
			if (n > 0 && !t && where != POTAD_ANYWHERE)
				habit_move(potad_habit(s), m,
					   k >= POTAD_NODE_SHIFT, *gp);
			return n;
		}
		/* What is fresh comes after its own, and before all others'. */
		fresh = where == POTAD_OWN && !fresh;
		where += !fresh;
	}
	return no_memory ? -ENOMEM : -ENOSPC;
}

/*
 * How often a CPU takes blocks before it looks again whether its home is the
 * fullest group: others have become fuller meanwhile, by what it took, or less
 * full, by what was freed.
 */
#define MAX_STAY		64U

/*
 * Takes blocks of order @k from tier @t, if there are any: *@gp is their group,
 * locked.
 */
static int take(struct potad_habit *habit, unsigned int t, unsigned int k,
		unsigned int m, struct potad_group **gp, u32 *units,
		unsigned int nr, unsigned long *flags)
{
	struct potad_group *g;
	int n;

	/*
	 * A home stays where it is while interrupts are off: see
	 * potad_space_remove_span().
	 */
	g = t ? NULL : READ_ONCE(habit->home[m][k >= POTAD_NODE_SHIFT]);
	if (unlikely(++habit->stay == MAX_STAY)) {
		habit->stay = 0;
		if (g)
			potad_group_claim(g, false);
		g = NULL;
	}
	if (likely(g)) {
		potad_group_lock(g);
		n = potad_group_alloc(g, k, m, false, units, nr);
		if (likely(n > 0)) {
			*gp = g;
			return n;
		}
		potad_group_spent(g);
		potad_group_unlock(g);
		if (n != -ENOSPC)
			return n;
	}
	/* To populate a group on the way lets interrupts in, but not RCU. */
	rcu_read_lock();
	n = look_around(habit->space, t, k, m, gp, units, nr, flags);
	rcu_read_unlock();
	return n;
}

/* Sums over all CPUs of what has begun, or is done: see potad_begin(). */
u32 potad_sum_begun(const struct potad_space *s)
{
	unsigned int cpu;
	u32 sum = 0;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		sum += READ_ONCE(s->habit[cpu].begun);
	return sum;
}

u32 potad_sum_done(const struct potad_space *s)
{
	unsigned int cpu;
	u32 sum = 0;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		sum += READ_ONCE(s->habit[cpu].done);
	return sum;
}

/* Somebody has overwritten what is the space's own: hand out no more. */
static void give_up(struct potad_space *s)
{
	unsigned int cpu, m, big;

	WRITE_ONCE(s->unclean, true);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		for (m = 0; m < POTAD_MOBILITIES; m++)
			for (big = 0; big < 2; big++)
				WRITE_ONCE(s->habit[cpu].home[m][big], NULL);
}

/* How often a search is done again because others freed meanwhile. */
#define MAX_SEARCHES		64

/*
 * As take(), but that "there is nothing" is the truth.
 *
 * A block can hide from a look at the hints: in a group that is on its way to
 * another tier, or by being freed in a group already looked at while another is
 * taken in one not yet looked at.  Neither has happened if nothing moved and
 * nothing was freed from before the search until after it (and no span was
 * closed that may be opened again).  Each search more
 * means that another CPU got on with its work; interrupts are let in between.
 */
static int search(struct potad_habit *habit, unsigned int t, unsigned int k,
		  unsigned int m, struct potad_group **gp, u32 *units,
		  unsigned int nr, unsigned long *flags)
{
	struct potad_space *s = habit->space;
	int n, tries = 0;
	u32 done, begun, closing;

	n = take(habit, t, k, m, gp, units, nr, flags);
	while (unlikely(n == -ENOSPC) && tries++ < MAX_SEARCHES) {
		if (READ_ONCE(s->unclean))
			return -EUCLEAN;
		done = potad_sum_done(s);
		smp_rmb();	/* @done before @begun: else one hides */
		begun = potad_sum_begun(s);
		closing = READ_ONCE(s->closing);
		smp_mb();	/* what was, before the search */
		n = take(potad_habit(s), t, k, m, gp, units, nr, flags);
		if (n != -ENOSPC)
			break;
		smp_rmb();	/* the search, before what is */
		if (begun == done && potad_sum_begun(s) == begun &&
		    !(closing & 1) && READ_ONCE(s->closing) == closing)
			break;
		local_irq_restore(*flags);
		cpu_relax();
		local_irq_save(*flags);
	}
	if (unlikely(n == -EUCLEAN))
		give_up(s);
	return n;
}

/*
 * For the cache, which knows its CPU's habit: takes up to @nr blocks, no more
 * than POTAD_BATCH, at @base + potad_unit_granule() of each of @units.
 * Interrupts are off.
 */
int potad_habit_alloc(struct potad_habit *habit, unsigned int order,
		      enum potad_mobility m, u64 *base, u32 *units,
		      unsigned int nr, unsigned long *flags)
{
	unsigned int t = order / POTAD_GROUP_SHIFT;
	struct potad_group *g;
	int n;

	n = search(habit, t, order % POTAD_GROUP_SHIFT, m, &g, units, nr, flags);
	if (n < 0)
		return n;
	*base = potad_granule(g, 0);
	potad_group_changed(g);
	return n;
}

/**
 * potad_space_alloc_some() - take several blocks at once
 * @s: the space
 * @order: their order
 * @mobility: of what kind they are
 * @granules: set to their first granules
 * @nr: how many are wanted, 1 or more
 *
 * At least one; as many as one group has, but no more than 48.
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: how many there are, else as potad_space_alloc().
 */
int potad_space_alloc_some(struct potad_space *s, unsigned int order,
			   enum potad_mobility mobility, u64 *granules,
			   unsigned int nr)
{
	u32 units[POTAD_BATCH];
	unsigned long flags;
	u64 base = 0;
	int n, i;

	if (order > potad_space_max_order(s) || mobility >= POTAD_MOBILITIES || !nr)
		return -EINVAL;
	local_irq_save(flags);
	n = potad_habit_alloc(potad_habit(s), order, mobility, &base, units,
			      min(nr, POTAD_BATCH), &flags);
	local_irq_restore(flags);
	for (i = 0; i < n; i++)
		granules[i] = base + potad_unit_granule(units[i], order);
	return n;
}
EXPORT_SYMBOL_GPL(potad_space_alloc_some);

/**
 * potad_space_alloc() - take a block
 * @s: the space
 * @order: its order: 2^order granules
 * @mobility: of what kind it is
 * @granule: set to its first granule, a multiple of 2^order
 *
 * The block comes from the smallest free block of the group that serves it,
 * lowest first.  It belongs to the caller until potad_space_free().
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: 0; -EINVAL if @order is larger than any span, or there is no such
 * mobility; -ENOSPC if there was a moment during the call at which no such
 * block was free (or, after 64 searches during each of which other CPUs freed
 * something, or a span was closed that may go, if none was found); -ENOMEM if
 * there would be one, but no memory without waiting to populate its group;
 * -EUCLEAN if the space's own memory was found overwritten: then nothing is
 * handed out any more.
 */
int potad_space_alloc(struct potad_space *s, unsigned int order,
		      enum potad_mobility mobility, u64 *granule)
{
	int n = potad_space_alloc_some(s, order, mobility, granule, 1);

	return n < 0 ? n : 0;
}
EXPORT_SYMBOL_GPL(potad_space_alloc);

/* Free */

/* Why a free is refused: what is there instead of that block. */
static int free_error(struct potad_space *s, u64 granule, unsigned int order)
{
	struct potad_span *span = NULL;
	struct potad_extent e;
	unsigned long flags;
	bool inside = false;

	local_irq_save(flags);
	if (order <= potad_space_max_order(s) && granule < POTAD_SPACE_END)
		span = potad_span_of(s, granule);
	if (span)
		inside = 1ULL << order <= span->end - granule;
	local_irq_restore(flags);

	if (!inside || potad_space_query(s, granule, &e))
		return -ERANGE;
	if (granule & ((1ULL << order) - 1))
		return -EINVAL;
	if (e.state == POTAD_RETIRED)
		return -EHWPOISON;
	return e.state == POTAD_FREE ? -ENOENT : -EINVAL;
}

/* Granules of a group of tier @t. */
static u64 group_size(unsigned int t)
{
	return 1ULL << (t + 1) * POTAD_GROUP_SHIFT;
}

/*
 * Remembers the groups around @granule, so that the next free there needs not
 * go through span, tier and row.  Interrupts are off.
 */
static struct potad_group *groups_around(struct potad_habit *habit, u64 granule,
					 unsigned int t)
{
	struct potad_span *span = READ_ONCE(habit->span);
	struct potad_group *g;
	unsigned int nr;

	if (!span || granule < span->first || granule >= span->end) {
		span = potad_span_of(habit->space, granule);
		if (!span)
			return NULL;
		WRITE_ONCE(habit->span, span);
	}
	g = t < span->tiers ? potad_span_groups(span, t, granule, &nr) : NULL;
	if (!g)
		return NULL;
	habit->base = potad_granule(g, 0);
	habit->from = max(habit->base, span->first);
	habit->size = min(habit->base + nr * group_size(t), span->end) - habit->from;
	habit->tier = t;
	WRITE_ONCE(habit->last, g);
	return g;
}

/*
 * The group that a block of tier @t would be in.  Interrupts are off.  (Two
 * spans can both have a part of what would be one group: they have each its own.)
 */
static struct potad_group *group_of(struct potad_habit *habit, u64 granule,
				    unsigned int t)
{
	struct potad_group *g = READ_ONCE(habit->last);

	if (unlikely(!g || granule - habit->from >= habit->size || habit->tier != t))
		g = groups_around(habit, granule, t);
	return likely(g) ? g + ((granule - habit->base) >> (t + 1) * POTAD_GROUP_SHIFT) :
			   NULL;
}

/* Blocks of one group; returns how many went. */
static unsigned int free_in(struct potad_group *g, unsigned int order,
			    const u32 *units, unsigned int nr)
{
	unsigned int i, went;
	bool whole;

	potad_group_lock(g);
	went = potad_group_free(g, order % POTAD_GROUP_SHIFT, units, nr);
	if (unlikely(!list_empty(&g->pending)))
		for (i = 0; i < went; i++)
			potad_retire_pending(g, &g->pending,
					     potad_granule(g, units[i]), order);
	whole = potad_group_is_whole(g);
	potad_group_changed(g);
	if (unlikely(whole))
		potad_span_raise(g);
	return went;
}

/* The lines of blocks that lie here and there are on the way from now on. */
static void fetch_ahead(struct potad_habit *habit, unsigned int order, u64 base,
			const u32 *blocks, unsigned int nr)
{
	unsigned int t = order / POTAD_GROUP_SHIFT, i;
	bool big = order % POTAD_GROUP_SHIFT >= POTAD_NODE_SHIFT;

	for (i = 0; i < nr; i++) {
		u64 granule = base + ((u64)blocks[i] << order);
		struct potad_group *g = group_of(habit, granule, t);

		if (g)
			potad_group_prefetch(g, potad_unit(granule, t), big);
	}
}

/* Do they follow each other, up or down?  To look at the ends is enough. */
static bool side_by_side(const u32 *blocks, unsigned int nr)
{
	u32 far = blocks[nr - 1] - blocks[0];

	return far == nr - 1 || -far == nr - 1;
}

/*
 * Gives up to POTAD_BATCH blocks of one order back: @base + (@blocks[] << @order),
 * and @base is a multiple of the order, and 0 if there is more than one.
 * Interrupts are off.  Returns how many went: @nr, or the index of the first that
 * is no block.
 */
unsigned int potad_habit_free(struct potad_habit *habit, unsigned int order,
			      u64 base, const u32 *blocks, unsigned int nr)
{
	unsigned int t = order / POTAD_GROUP_SHIFT, k = order % POTAD_GROUP_SHIFT;
	unsigned int shift = t * POTAD_GROUP_SHIFT, done = 0, n, went;
	u32 units[POTAD_BATCH], low, high;

	if (!side_by_side(blocks, nr))
		fetch_ahead(habit, order, base, blocks, nr);

	potad_begin(habit);
	while (done < nr) {
		u64 granule = base + ((u64)blocks[done] << order), from, end;
		struct potad_group *g = group_of(habit, granule, t);

		if (!g)
			break;
		/* What is in this group, and in its span. */
		from = max(habit->from, granule & -group_size(t));
		end = min(habit->from + habit->size,
			  (granule & -group_size(t)) + group_size(t));
		low = (from + (1ULL << order) - 1) >> order;
		high = (end + (1ULL << order) - 1) >> order;
		units[0] = (granule >> shift) % POTAD_GROUP_UNITS;
		for (n = 1; done + n < nr && blocks[done + n] - low < high - low; n++)
			units[n] = (blocks[done + n] << k) % POTAD_GROUP_UNITS;
		went = free_in(g, order, units, n);
		done += went;
		if (went < n)
			break;
	}
	potad_end(habit);
	return done;
}

/**
 * potad_space_free() - give a block back
 * @s: the space
 * @granule: its first granule
 * @order: its order
 *
 * Never allocates.  Fails only if there is no such block, and then changes
 * nothing.  Granules of the block that failed meanwhile are retired.
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: 0; -ERANGE if the block does not lie inside one span; -EINVAL if
 * @granule is no multiple of the block's size, or what is allocated there has
 * another order or another beginning; -ENOENT if it is free; -EHWPOISON if it
 * is retired.
 */
int potad_space_free(struct potad_space *s, u64 granule, unsigned int order)
{
	static const u32 itself;
	unsigned int went = 0;
	unsigned long flags;

	if (order <= POTAD_MAX_ORDER && !(granule & ((1ULL << order) - 1))) {
		local_irq_save(flags);
		went = potad_habit_free(potad_habit(s), order, granule, &itself, 1);
		local_irq_restore(flags);
	}
	return likely(went) ? 0 : free_error(s, granule, order);
}
EXPORT_SYMBOL_GPL(potad_space_free);

/* Looking */

/**
 * potad_space_query() - what is this granule part of?
 * @s: the space
 * @granule: the granule
 * @e: set to the answer
 *
 * The answer is true at one moment during the call.
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: 0, or -ERANGE if it lies in no span.
 */
int potad_space_query(struct potad_space *s, u64 granule,
		      struct potad_extent *e)
{
	const struct potad_node *n;
	unsigned int k, i, shift;
	struct potad_span *span;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	bool in_top;

	local_irq_save(flags);
	span = potad_span_of(s, granule);
	if (!span) {
		local_irq_restore(flags);
		return -ERANGE;
	}
	g = potad_path_lock(span, granule, &code, &in_top);
	shift = g->tier * POTAD_GROUP_SHIFT + (in_top ? POTAD_NODE_SHIFT : 0);
	i = (granule >> shift) % POTAD_NODE_UNITS;
	n = in_top ? &g->top :
		     &g->node[potad_unit(granule, g->tier) / POTAD_NODE_UNITS];
	e->failed = false;
	switch (code) {
	case POTAD_CODE_BROKEN:
		e->state = POTAD_RETIRED;
		k = 0;
		break;
	case POTAD_CODE_FREE:
		e->state = POTAD_FREE;
		k = potad_node_merged(n, i, 0);
		break;
	default:
		e->state = POTAD_ALLOCATED;
		e->failed = potad_find_failed(g, granule);
		potad_node_block(n, i, &k);
		break;
	}
	e->order = shift + k;
	e->first = granule & ~((1ULL << e->order) - 1);
	potad_path_unlock(g, granule);
	local_irq_restore(flags);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_space_query);

/**
 * potad_space_pending() - are any granules marked?
 * @s: the space
 *
 * Context: Any.
 * Return: true if there are; what is marked or freed meanwhile may not count.
 */
bool potad_space_pending(const struct potad_space *s)
{
	return atomic64_read(&s->nr_pending);
}
EXPORT_SYMBOL_GPL(potad_space_pending);

/* The highest granule of all spans, plus one.  Any context. */
u64 potad_space_end(const struct potad_space *s)
{
	return READ_ONCE(s->end);
}

/**
 * potad_space_size() - how many granules there are
 * @s: the space
 *
 * Context: Any.
 * Return: the sum over all spans, free or not.
 */
u64 potad_space_size(const struct potad_space *s)
{
	return atomic64_read(&s->nr);
}
EXPORT_SYMBOL_GPL(potad_space_size);

/**
 * potad_space_max_order() - the largest order that there can be
 * @s: the space
 *
 * Context: Any.
 * Return: the order of the largest block that fits into any span; 0 if there is
 * no span.
 */
unsigned int potad_space_max_order(const struct potad_space *s)
{
	return READ_ONCE(s->max_order);
}
EXPORT_SYMBOL_GPL(potad_space_max_order);

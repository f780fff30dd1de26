// SPDX-License-Identifier: GPL-2.0
/*
 * The space: a set of spans, and what can be done with it.
 *
 *	space.c   the set; take a block, give it back; count and check
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
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "span.h"

/* Blocks that are taken, or given back, under one lock. */
#define BATCH			16U
/* Marks for failed granules of blocks in use that a reserve has. */
#define POTAD_RESERVED_FAILED	64U

/* Memory of the space's own */

void *potad_meta_alloc(struct potad_space *s, size_t bytes)
{
	char *p = s->reserve;

	if (!s->reserve_end && bytes < PAGE_SIZE)
		return kzalloc(roundup_pow_of_two(bytes), GFP_KERNEL);
	if (!s->reserve_end)
		return __vmalloc(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	bytes = ALIGN(bytes, SMP_CACHE_BYTES);
	if (bytes > (size_t)(s->reserve_end - p))
		return NULL;
	s->reserve += bytes;
	return memset(p, 0, bytes);
}

void potad_meta_free(struct potad_space *s, void *p)
{
	if (!s->reserve_end)
		kvfree(p);
}

/* Allocation */

static bool points_into(const struct potad_group *g, const struct potad_span *span)
{
	return g && g->span == span;
}

static void habit_move(struct potad_habit *habit, unsigned int m, bool big,
		       struct potad_group *g)
{
	struct potad_group *old = READ_ONCE(habit->home[m][big]);

	if (old == g)
		return;
	if (old)
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
	if (likely(g)) {
		potad_group_lock(g);
		n = potad_group_alloc(g, k, m, false, units, nr);
		if (likely(n > 0)) {
			*gp = g;
			return n;
		}
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
static u32 sum_begun(const struct potad_space *s)
{
	unsigned int cpu;
	u32 sum = 0;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		sum += READ_ONCE(s->habit[cpu].begun);
	return sum;
}

static u32 sum_done(const struct potad_space *s)
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
	unsigned int cpu;

	WRITE_ONCE(s->unclean, true);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		memset(s->habit[cpu].home, 0, sizeof(s->habit[cpu].home));
}

/* How often a search is done again because others freed meanwhile. */
#define MAX_SEARCHES		64

/*
 * As take(), but that "there is nothing" is the truth.
 *
 * A block can hide from a look at the hints: in a group that is on its way to
 * another tier, or by being freed in a group already looked at while another is
 * taken in one not yet looked at.  Neither has happened if nothing moved and
 * nothing was freed from before the search until after it (and no span was closed
 * that may be opened again).  Each search more
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
		done = sum_done(s);
		smp_rmb();	/* @done before @begun: else one hides */
		begun = sum_begun(s);
		closing = READ_ONCE(s->closing);
		smp_mb();	/* what was, before the search */
		n = take(potad_habit(s), t, k, m, gp, units, nr, flags);
		if (n != -ENOSPC)
			break;
		smp_rmb();	/* the search, before what is */
		if (begun == done && sum_begun(s) == begun &&
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
 * For the cache, which knows its CPU's habit: takes up to @nr blocks.
 * Interrupts are off.
 */
int potad_habit_alloc(struct potad_habit *habit, unsigned int order,
		      enum potad_mobility m, u64 *granules, unsigned int nr,
		      unsigned long *flags)
{
	unsigned int t = order / POTAD_GROUP_SHIFT;
	struct potad_group *g;
	u32 units[BATCH];
	int n, i;

	n = search(habit, t, order % POTAD_GROUP_SHIFT, m, &g, units,
		   min(nr, BATCH), flags);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++)
		granules[i] = potad_granule(g, units[i]);
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
 * At least one; as many as one group has, but no more than 16.
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: how many there are, else as potad_space_alloc().
 */
int potad_space_alloc_some(struct potad_space *s, unsigned int order,
			   enum potad_mobility mobility, u64 *granules,
			   unsigned int nr)
{
	unsigned long flags;
	int n;

	if (order > potad_space_max_order(s) || mobility >= POTAD_MOBILITIES || !nr)
		return -EINVAL;
	local_irq_save(flags);
	n = potad_habit_alloc(potad_habit(s), order, mobility, granules, nr, &flags);
	local_irq_restore(flags);
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
 * something, if none was found); -ENOMEM if there would be one, but no memory
 * to populate its group; -EUCLEAN if the space's own memory was found
 * overwritten: then nothing is handed out any more.
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
	struct potad_extent e;

	if (order > potad_space_max_order(s) || granule >= POTAD_SPACE_END ||
	    potad_space_query(s, granule, &e) ||
	    potad_space_query(s, granule + (1ULL << order) - 1, &e))
		return -ERANGE;
	if (granule & ((1ULL << order) - 1))
		return -EINVAL;
	potad_space_query(s, granule, &e);
	if (e.state == POTAD_RETIRED)
		return -EHWPOISON;
	return e.state == POTAD_FREE ? -ENOENT : -EINVAL;
}

/* The group that a block of tier @t would be in.  Interrupts are off. */
static struct potad_group *group_of(struct potad_habit *habit, u64 granule,
				    unsigned int t)
{
	struct potad_group *g = READ_ONCE(habit->last);
	struct potad_span *span;

	if (!t && g && g->nr == potad_group_nr(granule, 0) &&
	    granule >= g->span->first && granule < g->span->end)
		return g;
	span = potad_span_of(habit->space, granule);
	if (!span || t >= span->tiers)
		return NULL;
	g = potad_span_group(span, t, granule);
	if (!t)
		WRITE_ONCE(habit->last, g);
	return g;
}

/*
 * Gives blocks of one order back.  Interrupts are off.  Returns how many went:
 * @nr, or the index of the first that is no block.
 */
unsigned int potad_habit_free(struct potad_habit *habit, unsigned int order,
			      const u64 *granules, unsigned int nr)
{
	unsigned int t = order / POTAD_GROUP_SHIFT, k = order % POTAD_GROUP_SHIFT;
	unsigned int done = 0, went, n, i;
	struct potad_group *g;
	u32 units[BATCH];
	bool whole;

	potad_begin(habit);
	while (done < nr) {
		u64 group = potad_group_nr(granules[done], t);

		g = group_of(habit, granules[done], t);
		if (!g)
			break;
		for (n = 0; n < BATCH && done + n < nr; n++) {
			u64 granule = granules[done + n];

			if (potad_group_nr(granule, t) != group ||
			    granule & ((1ULL << order) - 1))
				break;
			units[n] = potad_unit(granule, t);
		}
		potad_group_lock(g);
		went = potad_group_free(g, k, units, n);
		for (i = 0; unlikely(!list_empty(&g->pending)) && i < went; i++)
			potad_retire_pending(g, &g->pending, granules[done + i], order);
		whole = potad_group_is_whole(g);
		potad_group_changed(g);
		if (whole)
			potad_span_raise(g);
		done += went;
		if (!n || went < n)
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
 * Return: 0; -ERANGE if the block does not lie inside the space; -EINVAL if
 * @granule is no multiple of the block's size, or what is allocated there has
 * another order or another beginning; -ENOENT if it is free; -EHWPOISON if it
 * is retired.
 */
int potad_space_free(struct potad_space *s, u64 granule, unsigned int order)
{
	unsigned long flags;
	unsigned int went = 0;

	if (order <= POTAD_MAX_ORDER) {
		local_irq_save(flags);
		went = potad_habit_free(potad_habit(s), order, &granule, 1);
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

static void count_group(struct potad_group *g, struct potad_space_stat *stat)
{
	unsigned int l, order = g->tier * POTAD_GROUP_SHIFT;

	raw_spin_lock_irq(&g->lock);
	stat->free += (u64)g->nr_free << order;
	count_blocks(&g->top, order + POTAD_NODE_SHIFT, stat->blocks);
	for (l = 0; l < POTAD_NODE_UNITS; l++)
		if (potad_leaf_class(g, l) != POTAD_NO_CLASS)
			count_blocks(&g->node[l], order, stat->blocks);
	raw_spin_unlock_irq(&g->lock);
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

/* The spans, which stay as they are as long as spans_mutex is held. */
static struct potad_spans *spans_locked(struct potad_space *s)
{
	return rcu_dereference_protected(s->spans, lockdep_is_held(&s->spans_mutex));
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
	u32 begun;

	mutex_lock(&s->spans_mutex);
	spans = spans_locked(s);
	do {
		/* A group that moves meanwhile counts twice, or not at all. */
		begun = sum_begun(s);
		memset(stat, 0, sizeof(*stat));
		for (i = 0; i < spans->nr; i++)
			count_span(spans->span[i], stat);
	} while (sum_begun(s) != begun && ++tries < 8);

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

/* Are any granules marked?  Any context; what is marked meanwhile may not count. */
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

/* How many granules there are in all spans, free or not.  Any context. */
u64 potad_space_size(const struct potad_space *s)
{
	return atomic64_read(&s->nr);
}
EXPORT_SYMBOL_GPL(potad_space_size);

/* The order of the largest block that can fit in any span.  Any context. */
unsigned int potad_space_max_order(const struct potad_space *s)
{
	return READ_ONCE(s->max_order);
}
EXPORT_SYMBOL_GPL(potad_space_max_order);

/* Does what is below unit @u of @g agree with what its code says? */
static const char *unit_check(struct potad_group *g, struct potad_group *below)
{
	unsigned int u = potad_unit(potad_granule(below, 0), g->tier);
	const char *wrong;
	bool in_top;

	raw_spin_lock_irq(&g->lock);
	raw_spin_lock(&below->lock);
	wrong = potad_group_check(below);
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
	unsigned int shift = g->tier * POTAD_GROUP_SHIFT, u;
	const struct potad_span *span = g->span;
	const char *wrong = NULL;

	for (u = 0; u < POTAD_GROUP_UNITS && !wrong; u++) {
		u64 granule = potad_granule(g, u);
		bool in_top;

		if (granule < span->first || granule + (1ULL << shift) > span->end)
			continue;
		raw_spin_lock_irq(&g->lock);
		if (potad_group_code(g, u, &in_top) == POTAD_CODE_BROKEN &&
		    !potad_span_group(span, g->tier - 1, granule))
			wrong = "unit broken with nothing below";
		raw_spin_unlock_irq(&g->lock);
		if (!(u % 1024))
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
				wrong = potad_group_check(g);
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
 * Recomputes every counter, class and index from the maps, and compares each
 * group with the unit above it.  Two groups at a time are looked at in one
 * moment; the sums over all of them hold only while nothing changes.
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
	spans = spans_locked(s);
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

/* The set of spans */

/* The largest order of which a block fits between two numbers. */
static unsigned int order_between(u64 first, u64 end)
{
	unsigned int k = fls64(end - first) - 1;

	while (ALIGN(first, 1ULL << k) + (1ULL << k) > end)
		k--;
	return k;
}

/* From now on these are the spans; returns what was before, seen by nobody. */
static void spans_replace(struct potad_space *s, struct potad_spans *spans)
{
	struct potad_spans *old = spans_locked(s);
	unsigned int i, k, max = 0;
	u64 nr = 0;

	for (i = 0; i < spans->nr; i++) {
		k = order_between(spans->span[i]->first, spans->span[i]->end);
		max = max(max, k);
		nr += spans->span[i]->end - spans->span[i]->first;
	}
	rcu_assign_pointer(s->spans, spans);
	WRITE_ONCE(s->max_order, max);
	WRITE_ONCE(s->end, i ? spans->span[i - 1]->end : 0);
	atomic64_set(&s->nr, nr);
	if (old) {
		synchronize_rcu();
		potad_meta_free(s, old);
	}
}

static struct potad_spans *spans_alloc(struct potad_space *s, unsigned int nr)
{
	struct potad_spans *spans;

	spans = potad_meta_alloc(s, struct_size(spans, span, nr));
	if (spans)
		spans->nr = nr;
	return spans;
}

static int add_span(struct potad_space *s, u64 first, u64 end, bool populate)
{
	struct potad_spans *old = spans_locked(s), *spans;
	struct potad_span *span;
	unsigned int i, nr = old ? old->nr : 0, at = 0;

	for (i = 0; i < nr; i++) {
		if (first < old->span[i]->end && old->span[i]->first < end)
			return -EEXIST;
		if (old->span[i]->first < first)
			at = i + 1;
	}
	spans = spans_alloc(s, nr + 1);
	if (!spans)
		return -ENOMEM;
	span = potad_span_create(s, first, end, populate);
	if (!span) {
		potad_meta_free(s, spans);
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++)
		spans->span[i < at ? i : i + 1] = old->span[i];
	spans->span[at] = span;
	spans_replace(s, spans);
	return 0;
}

/**
 * potad_space_add_span() - more numbers
 * @s: the space, in use or not
 * @first: the first of them
 * @granules: how many
 * @populate: take all memory that the span will ever need now, about two bits
 *	      for each granule; otherwise each 65536 granules get theirs when the
 *	      first of them is needed, and an allocation may fail for lack of it
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL if there are none, or they go beyond what there can be;
 * -EEXIST if some are there already; -ENOMEM; -EOPNOTSUPP if the space lives in
 * its caller's reserve.
 */
int potad_space_add_span(struct potad_space *s, u64 first, u64 granules,
			 bool populate)
{
	int err;

	if (!granules || first >= POTAD_SPACE_END ||
	    granules > POTAD_SPACE_END - first || granules == POTAD_SPACE_END)
		return -EINVAL;
	if (s->reserve_end)
		return -EOPNOTSUPP;
	mutex_lock(&s->spans_mutex);
	err = add_span(s, first, first + granules, populate);
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_add_span);

/* Makes every CPU forget groups of a span that it cannot find any more. */
static void habits_forget(struct potad_space *s, const struct potad_span *span)
{
	unsigned int cpu, m, big;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct potad_habit *habit = &s->habit[cpu];

		/* The CPU itself may meanwhile write another group: no harm. */
		for (m = 0; m < POTAD_MOBILITIES; m++)
			for (big = 0; big < 2; big++)
				if (points_into(READ_ONCE(habit->home[m][big]), span))
					WRITE_ONCE(habit->home[m][big], NULL);
		if (points_into(READ_ONCE(habit->last), span))
			WRITE_ONCE(habit->last, NULL);
	}
	synchronize_rcu();	/* those who had just read one */
}

/* How many of a span's granules are retired. */
static u64 span_retired(const struct potad_span *span)
{
	struct potad_group *g;
	u64 nr, broken = 0;

	for (nr = 0; (g = potad_span_next(span, 0, &nr)); nr++)
		broken += READ_ONCE(g->nr_broken);
	return broken - potad_span_holes(span);
}

/* Are all of its granules free or retired? */
static bool span_is_unused(const struct potad_span *span)
{
	u64 nr, free = 0;
	struct potad_group *g;
	unsigned int t;

	for (t = 0; t < span->tiers; t++)
		for (nr = 0; (g = potad_span_next(span, t, &nr)); nr++)
			free += (u64)READ_ONCE(g->nr_free) << (t * POTAD_GROUP_SHIFT);
	return free + span_retired(span) == span->end - span->first;
}

/*
 * Nothing is taken from a closed span.  Who finds nothing elsewhere while one
 * is closed looks again, as it may not go after all: see search().
 */
static void span_close(struct potad_space *s, struct potad_span *span)
{
	WRITE_ONCE(s->closing, s->closing + 1);
	smp_wmb();	/* @closing is odd as long as anything is closed */
	WRITE_ONCE(span->closed, true);
	synchronize_rcu();	/* those who had found it open */
	habits_forget(s, span);
}

static void span_closing_ends(struct potad_space *s)
{
	smp_wmb();
	WRITE_ONCE(s->closing, s->closing + 1);
}

static int remove_span(struct potad_space *s, u64 first)
{
	struct potad_spans *old = spans_locked(s), *spans;
	struct potad_span *span;
	unsigned int at, i;

	for (at = 0; at < old->nr; at++)
		if (old->span[at]->first == first)
			break;
	if (at == old->nr)
		return -ENOENT;
	span = old->span[at];
	if (!span_is_unused(span))
		return -EBUSY;
	spans = spans_alloc(s, old->nr - 1);
	if (!spans)
		return -ENOMEM;

	span_close(s, span);
	if (!span_is_unused(span)) {
		WRITE_ONCE(span->closed, false);
		span_closing_ends(s);
		potad_meta_free(s, spans);
		return -EBUSY;
	}
	for (i = 0; i < spans->nr; i++)
		spans->span[i] = old->span[i < at ? i : i + 1];
	atomic64_sub(span_retired(span), &s->nr_retired);
	spans_replace(s, spans);
	span_closing_ends(s);
	habits_forget(s, span);
	potad_span_destroy(span);
	return 0;
}

/**
 * potad_space_remove_span() - fewer numbers
 * @s: the space, in use
 * @first: the first granule of one of its spans, which must be free, or retired
 *
 * While it is found out whether anybody uses it, nothing is taken from it.
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOENT if no span begins there; -EBUSY if there are blocks in it
 * (cached ones too); -ENOMEM; -EOPNOTSUPP if the space lives in its caller's
 * reserve.
 */
int potad_space_remove_span(struct potad_space *s, u64 first)
{
	int err;

	if (s->reserve_end)
		return -EOPNOTSUPP;
	mutex_lock(&s->spans_mutex);
	err = remove_span(s, first);
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_remove_span);

/* Creation, and the end */

/* Everything but the spans. */
static int space_init(struct potad_space *s)
{
	struct potad_spans *none;
	unsigned int cpu, i;

	raw_spin_lock_init(&s->spare_lock);
	INIT_LIST_HEAD(&s->spare);
	mutex_init(&s->spans_mutex);
	s->habit = potad_meta_alloc(s, nr_cpu_ids * sizeof(*s->habit));
	none = spans_alloc(s, 0);
	RCU_INIT_POINTER(s->spans, none);
	if (!s->habit || !none)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		s->habit[cpu].space = s;
	for (i = 0; s->reserve_end && i < POTAD_RESERVED_FAILED; i++) {
		struct potad_failed *f = potad_meta_alloc(s, sizeof(*f));

		if (!f)
			return -ENOMEM;
		list_add_tail(&f->list, &s->spare);
	}
	return 0;
}

/**
 * potad_space_create_empty() - a new space without any span
 *
 * Context: Process context; may sleep.
 * Return: the space, or an error pointer: -ENOMEM.
 */
struct potad_space *potad_space_create_empty(void)
{
	struct potad_space *s = kzalloc_obj(*s, GFP_KERNEL);

	if (!s)
		return ERR_PTR(-ENOMEM);
	if (space_init(s)) {
		potad_space_destroy(s);
		return ERR_PTR(-ENOMEM);
	}
	return s;
}
EXPORT_SYMBOL_GPL(potad_space_create_empty);

/**
 * potad_space_create() - a new space of one span, all of it free
 * @granules: how many, 1 .. 2^48 - 1: 0 .. @granules - 1
 *
 * All memory that the space will ever need is taken here: about two bits for
 * each granule, 22 KiB at the least.  (A granule that fails while allocated
 * takes a few bytes more; see potad_space_retire().)
 *
 * Context: Process context; may sleep.
 * Return: the space, or an error pointer: -EINVAL, -ENOMEM.
 */
struct potad_space *potad_space_create(u64 granules)
{
	struct potad_space *s = potad_space_create_empty();
	int err;

	if (IS_ERR(s))
		return s;
	err = potad_space_add_span(s, 0, granules, true);
	if (err) {
		potad_space_destroy(s);
		return ERR_PTR(err);
	}
	return s;
}
EXPORT_SYMBOL_GPL(potad_space_create);

/**
 * potad_space_reserve_size() - what a space needs that lives in a reserve
 * @first: its first granule
 * @granules: how many
 *
 * Return: bytes; 0 if there can be no such space.
 */
size_t potad_space_reserve_size(u64 first, u64 granules)
{
	struct potad_spans *spans;
	size_t span;

	if (!granules || first >= POTAD_SPACE_END ||
	    granules > POTAD_SPACE_END - first || granules == POTAD_SPACE_END)
		return 0;
	span = potad_span_needs(first, first + granules);
	return span + ALIGN(sizeof(struct potad_space), SMP_CACHE_BYTES) +
	       ALIGN(nr_cpu_ids * sizeof(struct potad_habit), SMP_CACHE_BYTES) +
	       ALIGN(struct_size(spans, span, 0), SMP_CACHE_BYTES) +
	       ALIGN(struct_size(spans, span, 1), SMP_CACHE_BYTES) +
	       POTAD_RESERVED_FAILED *
	       ALIGN(sizeof(struct potad_failed), SMP_CACHE_BYTES);
}
EXPORT_SYMBOL_GPL(potad_space_reserve_size);

/**
 * potad_space_create_reserved() - a new space in its caller's memory
 * @first: its first granule
 * @granules: how many
 * @reserve: where; aligned to 64 bytes; in use until potad_space_destroy(),
 *	     after which it is the caller's again
 * @size: how much: potad_space_reserve_size() says what is needed
 *
 * No allocator of any kind is called, now or later: for those who are there
 * before the slab allocator, or under it.  64 granules can fail while they are
 * in use.  Spans can be neither added nor removed.
 *
 * Context: Process context, or early in boot.
 * Return: the space, or an error pointer: -EINVAL; -ENOSPC if @size is too
 * small.
 */
struct potad_space *potad_space_create_reserved(u64 first, u64 granules,
						void *reserve, size_t size)
{
	size_t needed = potad_space_reserve_size(first, granules);
	struct potad_space *s = reserve;

	if (!needed || !IS_ALIGNED((unsigned long)reserve, SMP_CACHE_BYTES))
		return ERR_PTR(-EINVAL);
	if (size < needed)
		return ERR_PTR(-ENOSPC);
	memset(s, 0, sizeof(*s));
	s->reserve = (char *)reserve + ALIGN(sizeof(*s), SMP_CACHE_BYTES);
	s->reserve_end = (char *)reserve + needed;
	if (WARN_ON_ONCE(space_init(s)))
		return ERR_PTR(-ENOSPC);
	mutex_lock(&s->spans_mutex);
	if (WARN_ON_ONCE(add_span(s, first, first + granules, true)))
		s = ERR_PTR(-ENOSPC);
	mutex_unlock(&((struct potad_space *)reserve)->spans_mutex);
	return s;
}
EXPORT_SYMBOL_GPL(potad_space_create_reserved);

/**
 * potad_space_destroy() - the end of a space
 * @s: the space, or NULL; nobody uses it any more
 *
 * Blocks that are still allocated go with it: their numbers have no meaning
 * from now on.
 *
 * Context: Process context; may sleep.
 */
void potad_space_destroy(struct potad_space *s)
{
	struct potad_failed *f, *next;
	struct potad_spans *spans;
	unsigned int i;

	if (!s)
		return;
	spans = rcu_dereference_protected(s->spans, true);
	for (i = 0; spans && i < spans->nr; i++)
		potad_span_destroy(spans->span[i]);
	potad_meta_free(s, spans);
	potad_meta_free(s, s->habit);
	if (s->reserve_end)
		return;
	list_for_each_entry_safe(f, next, &s->spare, list)
		kfree(f);
	kfree(s);
}
EXPORT_SYMBOL_GPL(potad_space_destroy);

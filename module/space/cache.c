// SPDX-License-Identifier: GPL-2.0
/*
 * The cache: blocks that are free, but kept at hand.  Drawn in cache.h.
 *
 * Who may touch a line: its own CPU, with preemption off, between potad_line_enter()
 * and potad_line_leave().  An interrupt handler of that CPU that finds @busy set goes
 * to the space instead; the interprocessor interrupt that drains finds it set
 * and is sent again.  No other CPU writes to it, but for those of a CPU that is
 * not running: the one that takes it down empties them, the one that brings it
 * up makes them ready.  So plain loads and stores do, and barrier() is all the
 * ordering there is.  On a kernel with PREEMPT_RT nothing is different: nothing
 * in here sleeps, and all locks are raw ones.
 *
 * In an NMI hits work as in any interrupt.  What is not a hit may need a lock
 * that is held by who was interrupted: there the calls return -EDEADLK.
 *
 * How failures get to cached blocks: potad_cache_retire() first marks the
 * granule in the space, then has every CPU give back all it caches and be
 * @wary: from then on each block that passes through is looked at.  A block
 * that was handed out before a CPU became wary was allocated when it failed;
 * one handed out after that has been looked at.
 *
 * Who drains: an allocation that finds nothing and may sleep; a run that finds
 * nothing; the kernel, when it is short of memory and shrinks caches; a CPU that
 * goes offline; potad_cache_drain().
 */
#include <linux/bug.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "cache.h"
#include "local.h"
#include "span.h"

/* How often an allocation drains all CPUs before it gives up. */
#define MAX_DRAINS	8

struct potad_cache_shared {
	struct potad_cache __percpu *cache;
	struct potad_space *space;
	bool		strict;
	struct potad_local local;
};

/*
 * Blocks that come into a line, or leave it, at once: as many as leave room for
 * some to come back, and some to hand out, before that happens again.
 */
static __always_inline unsigned int refill_batch(unsigned int max)
{
	return (max + 1) / 2 + max / 6;
}

static __always_inline unsigned int drain_batch(unsigned int max)
{
	return max - max / 4;
}

/* Of a line that has a bag. */
#define FULL_REFILL		refill_batch(POTAD_LINE_SLOTS)
#define FULL_DRAIN		drain_batch(POTAD_LINE_SLOTS)

/* Where what is behind a line would be; NULL: there is never anything. */
static struct potad_cache_bag *bag_of(struct potad_cache *c, unsigned int order,
				      unsigned int m)
{
	return order < POTAD_BAG_ORDERS ? &c->bag[order][m] : NULL;
}

/* Is there a bag behind it?  To be known without touching one that is not. */
static bool has_bag(const struct potad_cache_line *line)
{
	return line->max == POTAD_LINE_SLOTS;
}

/*
 * Gives blocks back; @habit is that of the CPU that does it.  One that is none
 * has been freed twice, or with a wrong order.
 */
static void give_back(struct potad_habit *habit, unsigned int order,
		      const u32 *slot, unsigned int nr)
{
	unsigned long flags;
	unsigned int i = 0, n, went;

	local_irq_save(flags);
	while (i < nr) {
		n = min(nr - i, POTAD_BATCH);
		went = potad_habit_free(habit, order, 0, slot + i, n);
		WARN_ONCE(went < n, "potad: a block of order %u was freed that is none\n",
			  order);
		i += went < n ? went + 1 : n;
	}
	local_irq_restore(flags);
}

/* Most often @nr is @usual, a constant: then a few words are moved. */
static __always_inline void slots_copy(u32 *to, const u32 *from, unsigned int nr,
				       unsigned int usual)
{
	unsigned int i;

	if (likely(nr == usual)) {
		memcpy(to, from, usual * sizeof(u32));
		return;
	}
	for (i = 0; i < nr; i++)
		to[i] = from[i];
}

/* The @nr oldest of @have slots are gone. */
static void slots_shift(u32 *slot, unsigned int have, unsigned int nr)
{
	unsigned int i;

	for (i = nr; i < have; i++)
		slot[i - nr] = slot[i];
}

/* Everything goes back. */
static unsigned int line_empty(struct potad_cache_line *line,
			       struct potad_cache_bag *bag,
			       struct potad_habit *habit, unsigned int order)
{
	unsigned int nr = line->nr;

	give_back(habit, order, line->slot, line->nr);
	line->nr = 0;
	if (bag && bag->nr) {
		nr += bag->nr;
		give_back(habit, order, bag->slot, bag->nr);
		bag->nr = 0;
	}
	return nr;
}

/*
 * Of @have slots, up to @nr of the oldest go back; how many.  Blocks of whole
 * leaves are each in another group often: only those go that are in the same as
 * the oldest, so that one drain touches one group.
 */
static unsigned int slots_drain(struct potad_habit *habit, unsigned int order,
				u32 *slot, unsigned int have, unsigned int nr)
{
	unsigned int k = order % POTAD_GROUP_SHIFT, i, went = 0, kept = 0;
	u32 gone[POTAD_BATCH], group = slot[0] >> (POTAD_GROUP_SHIFT - k);

	nr = min(nr, POTAD_BATCH);
	if (k < POTAD_NODE_SHIFT) {
		give_back(habit, order, slot, nr);
		slots_shift(slot, have, nr);
		return nr;
	}
	for (i = 0; i < have; i++) {
		if (went < nr && slot[i] >> (POTAD_GROUP_SHIFT - k) == group)
			gone[went++] = slot[i];
		else
			slot[kept++] = slot[i];
	}
	give_back(habit, order, gone, went);
	return went;
}

/* The oldest of a full line go into the bag, or back. */
static void line_drain(struct potad_cache_line *line, struct potad_cache *c,
		       unsigned int order, unsigned int m)
{
	struct potad_cache_bag *bag;
	unsigned int nr = FULL_DRAIN;

	if (!has_bag(line)) {
		line->nr -= slots_drain(line->habit, order, line->slot, line->nr,
					drain_batch(line->max));
		return;
	}
	bag = &c->bag[order][m];
	if (bag->nr + nr > bag->max) {
		bag->nr -= slots_drain(line->habit, order, bag->slot, bag->nr, bag->nr);
		nr = min(nr, bag->max - bag->nr);
	}
	slots_copy(bag->slot + bag->nr, line->slot, nr, FULL_DRAIN);
	bag->nr += nr;
	slots_shift(line->slot, line->nr, nr);
	line->nr -= nr;
}

/* Is there a failed granule in it?  Stops being wary where none is left. */
static bool line_suspects(struct potad_cache_line *line, u64 granule,
			  unsigned int order)
{
	struct potad_space *s;

	if (likely(!line->wary))
		return false;
	s = line->habit->space;
	if (!potad_space_pending(s)) {
		line->wary = 0;
		return false;
	}
	return potad_space_has_failed(s, granule, order);
}

/* Blocks from the space, the lowest last; how many there are. */
static int take_some(struct potad_habit *habit, unsigned int order, unsigned int m,
		     u32 *slot, unsigned int nr)
{
	unsigned int k = order % POTAD_GROUP_SHIFT;
	u32 units[POTAD_BATCH];
	unsigned long flags;
	u64 base, first;
	int n, i;

	local_irq_save(flags);
	n = potad_habit_alloc(habit, order, m, &base, units, min(nr, POTAD_BATCH),
			      &flags);
	local_irq_restore(flags);
	if (n < 0)
		return n;
	/* The group lies at a multiple of the order, whichever that is. */
	first = base >> order;
	if (unlikely(first + (POTAD_GROUP_UNITS >> k) - 1 > U32_MAX)) {
		/* A span was added beyond what a slot can say: see line_max(). */
		for (i = 0; i < n; i++)
			potad_space_free(habit->space,
					 base + potad_unit_granule(units[i], order), order);
		return -ENOSPC;
	}
	for (i = 0; i < n; i++)
		slot[n - 1 - i] = (u32)first + (units[i] >> k);
	return n;
}

static int line_refill(struct potad_cache_line *line, struct potad_cache *c,
		       unsigned int order, unsigned int m)
{
	struct potad_cache_bag *bag;
	unsigned int nr;
	int n;

	if (!has_bag(line)) {
		n = take_some(line->habit, order, m, line->slot,
			      refill_batch(line->max));
		line->nr = max(n, 0);
		return min(n, 0);
	}
	bag = &c->bag[order][m];
	if (!bag->nr) {
		n = take_some(line->habit, order, m, bag->slot, bag->max);
		if (n < 0)
			return n;
		bag->nr = n;
	}
	nr = min(FULL_REFILL, bag->nr);
	bag->nr -= nr;
	slots_copy(line->slot, bag->slot + bag->nr, nr, FULL_REFILL);
	WRITE_ONCE(line->nr, nr);
	return 0;
}

/* The line is this CPU's, and empty, or wary; it is left. */
static int line_alloc(struct potad_cache_line *line, struct potad_cache *c,
		      unsigned int order, unsigned int m, u64 *granule)
{
	int err = in_nmi() ? -EDEADLK : 0;

	while (!err) {
		if (!line->nr) {
			err = line->max ? line_refill(line, c, order, m) : -ENOSPC;
			if (err)
				break;
		}
		*granule = (u64)line->slot[--line->nr] << order;
		if (likely(!line_suspects(line, *granule, order)))
			break;
		WARN_ON_ONCE(potad_space_free(line->habit->space, *granule, order));
	}
	potad_line_leave(line);
	return err;
}

/* For potad_cache_free(): @line is this CPU's, and full, or wary; it is left. */
int potad_cache_free_miss(struct potad_cache __percpu *c,
			  struct potad_cache_line *line, u64 granule,
			  unsigned int order, enum potad_mobility m)
{
	int err = 0;

	if (in_nmi()) {
		err = -EDEADLK;
	} else if (!line->max || granule >> order > U32_MAX ||
		   granule & ((1ULL << order) - 1) ||
		   line_suspects(line, granule, order)) {
		err = potad_space_free(line->habit->space, granule, order);
	} else {
		if (line->nr >= line->max)
			line_drain(line, this_cpu_ptr(c), order, m);
		line->slot[line->nr++] = granule >> order;
	}
	potad_line_leave(line);
	return err;
}
EXPORT_SYMBOL_GPL(potad_cache_free_miss);

/* How many blocks of an order a bag may hold: a 128th of the space. */
static unsigned int bag_max(u64 size, unsigned int order)
{
	return min_t(u64, size >> (order + 7), POTAD_BAG_SLOTS);
}

/*
 * And a line: a 16th, and none if their numbers do not fit a slot; all slots only
 * if there is a bag.  One that would not hold what comes of a full line is not
 * worth its lines; nor, for blocks that go back one group at a time, is one that
 * is not full size.
 */
static unsigned int line_max(const struct potad_cache_shared *shared, u64 size,
			     unsigned int order)
{
	unsigned int least = order < POTAD_NODE_SHIFT ? POTAD_LINE_SLOTS : POTAD_BAG_SLOTS;

	if (potad_space_end(shared->space) >> order > U32_MAX)
		return 0;
	if (order < POTAD_BAG_ORDERS && bag_max(size, order) >= least)
		return POTAD_LINE_SLOTS;
	return min_t(u64, size >> (order + 4), POTAD_LINE_SLOTS - 1);
}

/*
 * Of how many granules a part may be cached.  Looked at once for a line and its
 * bag, which must agree.
 */
static u64 cached_of(const struct potad_cache_shared *shared)
{
	return READ_ONCE(shared->strict) ? 0 : potad_space_size(shared->space);
}

static void lines_fit(const struct potad_cache_shared *shared, u64 size,
		      struct potad_cache *c, unsigned int order, unsigned int m)
{
	struct potad_cache_bag *bag = bag_of(c, order, m);

	c->line[order][m].max = line_max(shared, size, order);
	if (bag)
		bag->max = has_bag(&c->line[order][m]) ? bag_max(size, order) : 0;
}

static struct potad_cache_shared *shared_by(struct potad_local *local)
{
	return container_of(local, struct potad_cache_shared, local);
}

/* This CPU's lines; the largest blocks first, as they are what is wanted most. */
static bool cache_drain(struct potad_drain *drain)
{
	struct potad_cache_shared *shared = shared_by(drain->local);
	struct potad_cache *own = this_cpu_ptr(shared->cache);
	bool done = true, enough = potad_drain_enough(drain);
	u64 size = cached_of(shared);
	unsigned int m, k, gave;

	for (k = POTAD_CACHED_ORDERS; k--;) {
		for (m = 0; m < POTAD_MOBILITIES; m++) {
			struct potad_cache_line *line = &own->line[k][m];
			struct potad_cache_bag *bag = bag_of(own, k, m);

			if (enough)
				return true;
			/* Set for an NMI. */
			if (!potad_local_enter(&line->busy)) {
				potad_drain_busy(drain);
				done = false;
				continue;
			}
			if (drain->wary)
				line->wary = 1;
			gave = line_empty(line, bag, line->habit, k);
			if (gave) {
				potad_drain_gave(drain, gave);
				enough = potad_drain_enough(drain);
			}
			lines_fit(shared, size, own, k, m);
			potad_local_leave(&line->busy);
		}
	}
	return done;
}

static struct potad_cache_shared *shared_of(struct potad_cache __percpu *c)
{
	return raw_cpu_ptr(c)->shared;
}

static unsigned int drain_all(struct potad_cache_shared *shared, bool wary)
{
	return potad_local_drain(&shared->local, wary);
}

/*
 * Is there any use in another try?  If something was drained, or has come back by
 * itself since @begun was read.
 */
static bool drain_helps(struct potad_cache_shared *shared, u32 begun)
{
	return drain_all(shared, false) || potad_sum_begun(shared->space) != begun;
}

/* For potad_cache_alloc(): without a line, or after it had nothing. */
int potad_cache_alloc_slow(struct potad_cache __percpu *c, unsigned int order,
			   enum potad_mobility m, bool wait, u64 *granule)
{
	struct potad_cache_shared *shared = shared_of(c);
	int err, tries = 0;
	u32 begun;

	if (in_nmi())
		return -EDEADLK;
	do {
		begun = potad_sum_begun(shared->space);
		smp_rmb();	/* what was, before the search */
		err = potad_space_alloc(shared->space, order, m, granule);
	} while (err == -ENOSPC && wait && drain_helps(shared, begun) &&
		 tries++ < MAX_DRAINS);
	return err;
}
EXPORT_SYMBOL_GPL(potad_cache_alloc_slow);

/* For potad_cache_alloc(): @line is this CPU's, and empty, or wary; it is left. */
int potad_cache_alloc_miss(struct potad_cache __percpu *c,
			   struct potad_cache_line *line, unsigned int order,
			   enum potad_mobility m, bool wait, u64 *granule)
{
	int err = line_alloc(line, this_cpu_ptr(c), order, m, granule);

	/* With preemption on there may be memory, to populate, that there was not. */
	return unlikely(err == -ENOSPC || err == -ENOMEM) ?
	       potad_cache_alloc_slow(c, order, m, wait, granule) : err;
}
EXPORT_SYMBOL_GPL(potad_cache_alloc_miss);

/* For potad_cache_free(): without a line. */
int potad_cache_free_slow(struct potad_cache __percpu *c, u64 granule,
			  unsigned int order, enum potad_mobility m)
{
	if (in_nmi())
		return -EDEADLK;
	if ((unsigned int)m >= POTAD_MOBILITIES)
		return -EINVAL;
	return potad_space_free(shared_of(c)->space, granule, order);
}
EXPORT_SYMBOL_GPL(potad_cache_free_slow);

/**
 * potad_cache_alloc_run() - take adjacent blocks
 * @c: the cache
 * @run: what is wanted, and where it is
 *
 * If there is no such run, what is cached is given back, and it is tried again.
 *
 * Context: Process context; may sleep.
 * Return: as potad_space_alloc_run().
 */
int potad_cache_alloc_run(struct potad_cache __percpu *c, struct potad_run *run)
{
	struct potad_cache_shared *shared = shared_of(c);
	int err, tries = 0;
	u32 begun;

	do {
		begun = potad_sum_begun(shared->space);
		smp_rmb();	/* what was, before the search */
		err = potad_space_alloc_run(shared->space, run);
	} while (err == -ENOSPC && drain_helps(shared, begun) && tries++ < MAX_DRAINS);
	return err;
}
EXPORT_SYMBOL_GPL(potad_cache_alloc_run);

/**
 * potad_cache_drain() - all that is cached goes back to the space
 * @c: the cache
 *
 * Also takes notice of spans that were added or removed: how much may be cached
 * depends on the size of the space.
 *
 * Context: Process context; may sleep, and waits for all CPUs.
 * Return: how many blocks there were.
 */
unsigned int potad_cache_drain(struct potad_cache __percpu *c)
{
	return drain_all(shared_of(c), false);
}
EXPORT_SYMBOL_GPL(potad_cache_drain);

/**
 * potad_cache_strict() - have each free checked at once
 * @c: the cache
 * @strict: or not
 *
 * A strict cache caches nothing: whoever frees what he does not have is told so
 * there and then.
 *
 * Context: Process context; may sleep.
 */
void potad_cache_strict(struct potad_cache __percpu *c, bool strict)
{
	struct potad_cache_shared *shared = shared_of(c);

	/* Each CPU reads it when it is drained, which is after this. */
	WRITE_ONCE(shared->strict, strict);
	drain_all(shared, false);
}
EXPORT_SYMBOL_GPL(potad_cache_strict);

/**
 * potad_cache_retire() - a granule must never be handed out again
 * @c: the cache
 * @granule: the granule
 *
 * Context: Process context; may sleep.
 * Return: as potad_space_retire(), where a block that is cached counts as free.
 */
int potad_cache_retire(struct potad_cache __percpu *c, u64 granule)
{
	struct potad_cache_shared *shared = shared_of(c);
	int was = potad_space_retire(shared->space, granule);
	struct potad_extent extent;

	if (was != POTAD_ALLOCATED)
		return was;
	drain_all(shared, true);
	if (potad_space_query(shared->space, granule, &extent))
		return POTAD_FREE;	/* and its span has gone with it */
	return extent.failed ? POTAD_ALLOCATED : POTAD_FREE;
}
EXPORT_SYMBOL_GPL(potad_cache_retire);

static bool slots_have(const u32 *slot, unsigned int nr, unsigned int most, u64 block)
{
	unsigned int i;

	for (i = 0; i < min(nr, most); i++)
		if (READ_ONCE(slot[i]) == block)
			return true;
	return false;
}

/**
 * potad_cache_has() - is this granule in a block that is cached?
 * @c: the cache
 * @granule: a granule that the space calls allocated
 *
 * A look at the lines of all CPUs without asking them.
 *
 * Return: true if it was so at one moment, or nearly.
 */
bool potad_cache_has(struct potad_cache __percpu *c, u64 granule)
{
	unsigned int m, k;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (m = 0; m < POTAD_MOBILITIES; m++) {
			for (k = 0; k < POTAD_CACHED_ORDERS; k++) {
				struct potad_cache *own = per_cpu_ptr(c, cpu);
				struct potad_cache_bag *bag = bag_of(own, k, m);

				if (slots_have(own->line[k][m].slot,
					       READ_ONCE(own->line[k][m].nr),
					       POTAD_LINE_SLOTS, granule >> k) ||
				    (bag && slots_have(bag->slot, READ_ONCE(bag->nr),
						       POTAD_BAG_SLOTS, granule >> k)))
					return true;
			}
		}
	}
	return false;
}
EXPORT_SYMBOL_GPL(potad_cache_has);

/* Blocks and granules that are cached, just about. */
static u64 cached(struct potad_cache __percpu *c, unsigned long *blocks)
{
	unsigned int m, k;
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (m = 0; m < POTAD_MOBILITIES; m++) {
			for (k = 0; k < POTAD_CACHED_ORDERS; k++) {
				struct potad_cache *own = per_cpu_ptr(c, cpu);
				struct potad_cache_bag *bag = bag_of(own, k, m);
				u64 nr = READ_ONCE(own->line[k][m].nr);

				if (bag)
					nr += READ_ONCE(bag->nr);

				*blocks += nr;
				sum += nr << k;
			}
		}
	}
	return sum;
}

/* How many granules are cached, just about.  Any context. */
u64 potad_cache_granules(struct potad_cache __percpu *c)
{
	unsigned long blocks = 0;

	return cached(c, &blocks);
}
EXPORT_SYMBOL_GPL(potad_cache_granules);

static unsigned long cache_count(struct potad_local *local)
{
	unsigned long blocks = 0;

	cached(shared_by(local)->cache, &blocks);
	return blocks;
}

/* Makes the lines of a CPU that is not running ready. */
static void lines_init(struct potad_cache_shared *shared, unsigned int cpu, bool wary)
{
	struct potad_cache *c = per_cpu_ptr(shared->cache, cpu);
	unsigned int m, k;

	c->shared = shared;
	for (m = 0; m < POTAD_MOBILITIES; m++) {
		for (k = 0; k < POTAD_CACHED_ORDERS; k++) {
			struct potad_cache_line *line = &c->line[k][m];

			line->habit = &shared->space->habit[cpu];
			line->wary = wary;
			lines_fit(shared, cached_of(shared), c, k, m);
		}
	}
}

/* A CPU comes: it has missed what the others were told. */
static void cache_comes(struct potad_local *local, unsigned int cpu)
{
	lines_init(shared_by(local), cpu, true);
}

/* A CPU has gone: what it cached goes back. */
static void cache_gone(struct potad_local *local, unsigned int cpu)
{
	struct potad_cache_shared *shared = shared_by(local);
	struct potad_cache *c = per_cpu_ptr(shared->cache, cpu);
	unsigned long flags;
	unsigned int m, k;

	for (m = 0; m < POTAD_MOBILITIES; m++) {
		for (k = 0; k < POTAD_CACHED_ORDERS; k++) {
			local_irq_save(flags);
			line_empty(&c->line[k][m], bag_of(c, k, m),
				   potad_habit(shared->space), k);
			local_irq_restore(flags);
		}
	}
}

static const struct potad_local_ops cache_ops = {
	.drain = cache_drain,
	.count = cache_count,
	.comes = cache_comes,
	.gone = cache_gone,
};

/**
 * potad_cache_create() - put a cache in front of a space
 * @s: the space
 *
 * An order is cached as long as a block of it is no more than 1/16 of the space.
 *
 * Context: Process context; may sleep.
 * Return: the cache, or NULL: no memory.
 */
struct potad_cache __percpu *potad_cache_create(struct potad_space *s)
{
	struct potad_cache_shared *shared = kzalloc_obj(*shared, GFP_KERNEL);
	int cpu;

	if (!shared)
		return NULL;
	shared->space = s;
	shared->cache = __alloc_percpu(sizeof(struct potad_cache), 64);
	if (!shared->cache)
		goto no_cache;
	for_each_possible_cpu(cpu)
		lines_init(shared, cpu, true);
	if (potad_local_init(&shared->local, &cache_ops, "potad-cache"))
		goto no_local;
	return shared->cache;

no_local:
	free_percpu(shared->cache);
no_cache:
	kfree(shared);
	return NULL;
}
EXPORT_SYMBOL_GPL(potad_cache_create);

/**
 * potad_cache_destroy() - drain a cache, and take it away
 * @c: the cache, or NULL; nobody uses it any more
 *
 * Context: Process context; may sleep.
 */
void potad_cache_destroy(struct potad_cache __percpu *c)
{
	struct potad_cache_shared *shared;

	if (!c)
		return;
	shared = shared_of(c);
	potad_local_exit(&shared->local);
	free_percpu(c);
	kfree(shared);
}
EXPORT_SYMBOL_GPL(potad_cache_destroy);

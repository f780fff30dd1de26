// SPDX-License-Identifier: GPL-2.0
/*
 * The space: a radix-256 buddy in tiers of groups.
 *
 * A group (group.h) serves orders 0..15 over 65536 units.  Tier 0's units are
 * granules.  Tier 1's units are whole groups of tier 0, tier 2's are whole
 * groups of tier 1; each tier adds 16 orders.  A space has as many tiers as it
 * takes for the topmost to be one group:
 *
 *	tier 1         [ group 0:  u0  u1  u2  u3 ... ]        orders 16..31
 *	                           |       |
 *	                        (free)  (broken)
 *	                                   |
 *	tier 0   [ group 0 ] [ group 1 ] [ group 2 ] ...        orders 0..15
 *	          dormant     dormant      awake
 *
 * A unit that is free, or part of a block, at its tier has a dormant group
 * below it, in which nothing is set.  A unit that is broken has an awake one.
 *
 * Going down (tier_take): an allocation that finds no room in its tier takes a
 * unit from the tier above, marks it broken, and wakes the group below.
 * Going up (raise): a group that has become wholly free is put to sleep, and
 * becomes a free unit above.  Both hold the two groups' locks, so that free
 * memory is never out of sight of somebody who holds the right lock.
 *
 * Lock order: a tier's group lock before those of the tiers below it.  Never
 * two of one tier.  A group's lock protects all of the group, and the state
 * (awake or dormant) of the groups below its units.  All are raw spinlocks
 * taken with interrupts off.  To allocate and free takes a few dozen words under
 * a lock; granules that failed in the block, a walk over those of its group;
 * counting and checking, one group's maps.
 *
 * What is read without a lock: hint[], one word for each group, written under
 * the group's lock at the end of each change.  It is a hint where to look; the
 * lock decides.  Only "there is nothing" is concluded from hints alone, and
 * only if no group moved between tiers (@begun, @done) and nothing was freed
 * (the counters in the hints) between the first look and the last: then some
 * moment existed at which no such block was there.  See potad_space_alloc().
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
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "group.h"
#include "space.h"

#define POTAD_TIERS		3
#define TIER_ORDERS		POTAD_GROUP_SHIFT
static_assert(POTAD_MAX_ORDER + 1 == POTAD_TIERS * TIER_ORDERS);

/* A hint: what a group had when it was last changed. */
#define HINT_ORDER(h)		((int)((h) & 0xff) - 1)
#define HINT_FREE(h)		((u32)((h) >> 8) & 0xffffff)
#define HINT_FREES(h)		((u32)((h) >> 32))

struct tier {
	struct potad_group *group;
	u64		*hint;		/* written under the group's lock */
	u64		nr;
};

/* Which group of each tier this CPU used last.  No more than a habit. */
struct habit {
	u32		group[POTAD_TIERS];
};

struct potad_space {
	u64		nr;		/* granules; constant */
	unsigned int	tiers;		/* constant */
	struct tier	tier[POTAD_TIERS];
	struct habit __percpu *habit;
	atomic_t	begun, done;	/* moves of a group between tiers */
	bool		unclean;	/* found overwritten: hands out no more */
	atomic64_t	nr_retired;
	atomic64_t	nr_pending;
	raw_spinlock_t	spare_lock;	/* innermost; protects @spare */
	struct list_head spare;		/* used-up struct failed */
};

/* A granule that failed while it was part of an allocated block. */
struct failed {
	struct list_head list;		/* on the pending list of the group */
	u64		granule;	/* that the block was cut from */
};

static struct lock_class_key tier_key[POTAD_TIERS];

static unsigned int unit_of(u64 granule, unsigned int t)
{
	return (granule >> (t * TIER_ORDERS)) % POTAD_GROUP_UNITS;
}

static u64 group_of(u64 granule, unsigned int t)
{
	return granule >> ((t + 1) * TIER_ORDERS);
}

/* The number of group @g in its tier. */
static u64 group_nr(const struct potad_space *s, unsigned int t,
		    const struct potad_group *g)
{
	return g - s->tier[t].group;
}

static u64 granule_of(struct potad_space *s, unsigned int t,
		      struct potad_group *g, unsigned int u)
{
	u64 nr = group_nr(s, t, g);

	return (nr << TIER_ORDERS | u) << (t * TIER_ORDERS);
}

/* The group that unit @u of @g, in tier @t > 0, is made of. */
static struct potad_group *group_below(struct potad_space *s, unsigned int t,
				       struct potad_group *g, unsigned int u)
{
	u64 nr = group_nr(s, t, g);

	return &s->tier[t - 1].group[nr << TIER_ORDERS | u];
}

/*
 * A lock that one function takes is often given back by another (tier_take(),
 * path_lock()); sparse, which counts within a function, is told of neither.
 */
static void group_lock(struct potad_group *g)
{
	lockdep_assert_irqs_disabled();
	raw_spin_lock(&g->lock);
	__release(&g->lock);
}

static void group_unlock(struct potad_group *g)
{
#ifdef POTAD_DEBUG
	const char *wrong = potad_group_check(g);

	WARN_ONCE(wrong, "potad: %s\n", wrong);
#endif
	__acquire(&g->lock);
	raw_spin_unlock(&g->lock);
}

/* Tells those who look without the lock what @g has now. */
static void group_tell(struct potad_space *s, unsigned int t,
		       struct potad_group *g)
{
	u64 hint = (u64)g->frees << 32 | g->nr_free << 8 |
		   (potad_group_order(g) + 1);

	WRITE_ONCE(s->tier[t].hint[group_nr(s, t, g)], hint);
}

/* Ends a change of @g. */
static void group_changed(struct potad_space *s, unsigned int t,
			  struct potad_group *g)
{
	group_tell(s, t, g);
	group_unlock(g);
}

/* Around a change that moves a group from a tier to another. */
static void move_begin(struct potad_space *s)
{
	atomic_inc(&s->begun);
	smp_mb__after_atomic();	/* before the move; see search() */
}

static void move_end(struct potad_space *s)
{
	smp_mb__before_atomic();	/* after the move */
	atomic_inc(&s->done);
}

/*
 * Where to look for a block of order @k: for small ones where this CPU looked
 * before, so that CPUs keep out of each other's way; else in the fullest group
 * that has room, so that empty ones stay empty.
 */
static struct potad_group *tier_pick(struct potad_space *s, unsigned int t,
				     unsigned int k)
{
	struct tier *tier = &s->tier[t];
	u32 last = this_cpu_read(s->habit->group[t]), least = U32_MAX;
	u64 i, best = 0;

	if (k < POTAD_NODE_SHIFT &&
	    HINT_ORDER(READ_ONCE(tier->hint[last])) >= (int)k)
		return &tier->group[last];

	for (i = 0; i < tier->nr; i++) {
		u64 hint = READ_ONCE(tier->hint[i]);

		if (HINT_ORDER(hint) >= (int)k && HINT_FREE(hint) < least) {
			least = HINT_FREE(hint);
			best = i;
		}
	}
	if (least == U32_MAX)
		return NULL;
	this_cpu_write(s->habit->group[t], best);
	return &tier->group[best];
}

/*
 * Takes a block of order @k from tier @t, or from one above, in which case a
 * group is woken on the way down.  On success *@gp is the group, locked; the
 * caller calls group_changed().
 *
 * Return: the unit; -ENOSPC if no group showed room; -EUCLEAN if one promised
 * more than it had, which cannot be, and means that its memory was overwritten.
 */
static int tier_take(struct potad_space *s, unsigned int t, unsigned int k,
		     bool broken, struct potad_group **gp)
{
	struct potad_group *g, *above;
	int u;

	while ((g = tier_pick(s, t, k))) {
		group_lock(g);
		u = potad_group_alloc(g, k, broken);
		if (u >= 0) {
			*gp = g;
			return u;
		}
		group_unlock(g);
		if (u != -ENOSPC)
			return u;
	}
	if (t + 1 == s->tiers)
		return -ENOSPC;

	u = tier_take(s, t + 1, 0, true, &above);
	if (u < 0)
		return u;
	move_begin(s);
	g = group_below(s, t + 1, above, u);
	group_lock(g);
	potad_group_wake(g);
	this_cpu_write(s->habit->group[t], group_nr(s, t, g));
	u = potad_group_alloc(g, k, broken);
	/* What moves is shown below before it is gone above. */
	group_tell(s, t, g);
	group_changed(s, t + 1, above);
	if (u < 0)
		group_unlock(g);
	*gp = g;
	move_end(s);
	return u;
}

/* Lets group @g of tier @t, which was seen wholly free, become a unit above. */
static void raise(struct potad_space *s, unsigned int t, struct potad_group *g)
{
	while (t + 1 < s->tiers) {
		u64 granule = granule_of(s, t, g, 0);
		struct potad_group *above;
		bool whole;

		above = &s->tier[t + 1].group[group_of(granule, t + 1)];
		move_begin(s);
		group_lock(above);
		group_lock(g);
		whole = potad_group_is_whole(g);
		if (whole) {
			potad_group_sleep(g);
			potad_group_free(above, unit_of(granule, t + 1), 0);
		}
		group_changed(s, t, g);
		whole = whole && potad_group_is_whole(above);
		group_changed(s, t + 1, above);
		move_end(s);
		if (!whole)
			return;
		g = above;
		t++;
	}
}

/*
 * Takes granule out of the free unit around it, from tier @t, whose group @g
 * is locked, down to its own: it ends up alone, and broken.
 */
static void break_down(struct potad_space *s, unsigned int t,
		       struct potad_group *g, u64 granule)
{
	struct potad_group *below;

	potad_group_break(g, unit_of(granule, t));
	if (!t) {
		atomic64_inc(&s->nr_retired);
		return;
	}
	below = group_below(s, t, g, unit_of(granule, t));
	group_lock(below);
	potad_group_wake(below);
	break_down(s, t - 1, below, granule);
	group_changed(s, t - 1, below);
}

/* The sum of all that was ever freed: changes if anything was. */
static u64 frees(struct potad_space *s)
{
	unsigned int t;
	u64 i, sum = 0;

	for (t = 0; t < s->tiers; t++)
		for (i = 0; i < s->tier[t].nr; i++)
			sum += HINT_FREES(READ_ONCE(s->tier[t].hint[i]));
	return sum;
}

/* How often a search is done again because others freed meanwhile. */
#define MAX_SEARCHES		64

/*
 * Takes a block of order @k from tier @t, if there is one: *@gp is its group,
 * locked.
 *
 * A block can hide from the hints: in a group that is on its way to another
 * tier, or by being freed in a group already looked at while another is taken
 * in one not yet looked at.  Neither has happened if nothing moved and nothing
 * was freed around a search.  Each search more means that another CPU got on
 * with its work; interrupts are let in between.
 */
static int search(struct potad_space *s, unsigned int t, unsigned int k,
		  struct potad_group **gp, unsigned long *flags)
{
	int u, done, tries = 0;
	bool moved;
	u64 before;

	if (unlikely(READ_ONCE(s->unclean)))
		return -EUCLEAN;
	u = tier_take(s, t, k, false, gp);
	while (u == -ENOSPC && tries++ < MAX_SEARCHES) {
		done = atomic_read(&s->done);
		smp_mb();	/* @done before @begun: else one hides */
		moved = atomic_read(&s->begun) != done;
		before = frees(s);
		smp_rmb();	/* what was, before the search */
		u = tier_take(s, t, k, false, gp);
		if (u != -ENOSPC)
			break;
		smp_rmb();	/* the search, before what is */
		if (!moved && frees(s) == before &&
		    atomic_read(&s->begun) == done)
			break;
		local_irq_restore(*flags);
		cpu_relax();
		local_irq_save(*flags);
	}
	if (unlikely(u == -EUCLEAN))
		WRITE_ONCE(s->unclean, true);
	return u;
}

/**
 * potad_space_alloc() - take a block
 * @s: the space
 * @order: its order: 2^order granules
 * @granule: set to its first granule, a multiple of 2^order
 *
 * The block comes from the smallest free block of the group that serves it,
 * lowest first.  It belongs to the caller until potad_space_free().
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: 0; -EINVAL if @order is larger than the space; -ENOSPC if there was
 * a moment during the call at which no such block was free (or, after 64
 * searches during each of which other CPUs freed something, if none was found);
 * -EUCLEAN if the space's own memory was found overwritten: then nothing is
 * handed out any more.
 */
int potad_space_alloc(struct potad_space *s, unsigned int order, u64 *granule)
{
	unsigned int t = order / TIER_ORDERS, k = order % TIER_ORDERS;
	struct potad_group *g;
	unsigned long flags;
	int u;

	if (order > potad_space_max_order(s))
		return -EINVAL;

	local_irq_save(flags);
	u = search(s, t, k, &g, &flags);
	if (u >= 0) {
		*granule = granule_of(s, t, g, u);
		group_changed(s, t, g);
		u = 0;
	}
	local_irq_restore(flags);
	return u;
}
EXPORT_SYMBOL_GPL(potad_space_alloc);

/**
 * potad_space_alloc_some() - take several blocks at once
 * @s: the space
 * @order: their order
 * @granules: set to their first granules
 * @nr: how many are wanted, 1 or more
 *
 * As many as one group has, at least one.
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: how many there are, else as potad_space_alloc().
 */
int potad_space_alloc_some(struct potad_space *s, unsigned int order,
			   u64 *granules, unsigned int nr)
{
	unsigned int t = order / TIER_ORDERS, k = order % TIER_ORDERS, n = 0;
	struct potad_group *g;
	unsigned long flags;
	int u;

	if (order > potad_space_max_order(s))
		return -EINVAL;
	local_irq_save(flags);
	u = search(s, t, k, &g, &flags);
	if (u < 0) {
		local_irq_restore(flags);
		return u;
	}
	do {
		granules[n++] = granule_of(s, t, g, u);
		if (n == nr)
			break;
		u = potad_group_alloc(g, k, false);
	} while (u >= 0);
	group_changed(s, t, g);
	local_irq_restore(flags);
	return n;
}
EXPORT_SYMBOL_GPL(potad_space_alloc_some);

/* A failed granule of this block, if there is one left. */
static struct failed *first_failed(struct list_head *pending, u64 granule,
				   unsigned int order)
{
	struct failed *f;

	list_for_each_entry(f, pending, list)
		if (f->granule >> order == granule >> order)
			return f;
	return NULL;
}

/*
 * The granules of a block that failed while it was out are retired now: it is
 * a free block of group @g, tier @t, which is locked; @pending has them.  What
 * failed in one group below is retired before that one is unlocked for the
 * first time, so that nobody can be given any of it.
 */
static void retire_pending(struct potad_space *s, unsigned int t,
			   struct potad_group *g, struct list_head *pending,
			   u64 granule, unsigned int order)
{
	struct failed *f;

	while ((f = first_failed(pending, granule, order))) {
		unsigned int u = unit_of(f->granule, t);

		potad_group_break(g, u);
		if (t) {
			struct potad_group *below = group_below(s, t, g, u);

			group_lock(below);
			potad_group_wake(below);
			retire_pending(s, t - 1, below, pending, f->granule,
				       t * TIER_ORDERS);
			group_changed(s, t - 1, below);
		} else {
			atomic64_inc(&s->nr_retired);
			atomic64_dec(&s->nr_pending);
			raw_spin_lock(&s->spare_lock);
			list_move(&f->list, &s->spare);
			raw_spin_unlock(&s->spare_lock);
		}
	}
}

/* Why a free is refused: what is there instead of that block. */
static int free_error(struct potad_space *s, u64 granule)
{
	struct potad_extent e;

	potad_space_query(s, granule, &e);
	if (e.state == POTAD_RETIRED)
		return -EHWPOISON;
	return e.state == POTAD_FREE ? -ENOENT : -EINVAL;
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
	unsigned int t = order / TIER_ORDERS, k = order % TIER_ORDERS;
	struct potad_group *g;
	unsigned long flags;
	bool whole;

	if (order > potad_space_max_order(s) ||
	    granule > s->nr - (1ULL << order))
		return -ERANGE;
	if (granule & ((1ULL << order) - 1))
		return -EINVAL;

	local_irq_save(flags);
	g = &s->tier[t].group[group_of(granule, t)];
	group_lock(g);
	if (!potad_group_is_block(g, unit_of(granule, t), k)) {
		group_unlock(g);
		local_irq_restore(flags);
		return free_error(s, granule);
	}
	potad_group_free(g, unit_of(granule, t), k);
	if (unlikely(!list_empty(&g->pending))) {
		move_begin(s);
		retire_pending(s, t, g, &g->pending, granule, order);
		move_end(s);
	}
	whole = potad_group_is_whole(g);
	group_changed(s, t, g);
	if (whole)
		raise(s, t, g);
	local_irq_restore(flags);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_space_free);

/*
 * Locks the groups from the topmost down to the one that says what granule is
 * part of, and returns that one's tier; path_unlock() undoes it.
 */
static unsigned int path_lock(struct potad_space *s, u64 granule,
			      enum potad_code *code, bool *in_top,
			      unsigned long *flags)
{
	unsigned int t = s->tiers - 1;

	local_irq_save(*flags);
	for (;; t--) {
		struct potad_group *g = &s->tier[t].group[group_of(granule, t)];

		group_lock(g);
		*code = potad_group_code(g, unit_of(granule, t), in_top);
		if (!t || *code != POTAD_CODE_BROKEN)
			return t;
	}
}

/* If something was changed, it was in the last group, or below. */
static void path_unlock(struct potad_space *s, u64 granule, unsigned int t,
			unsigned long flags)
{
	group_tell(s, t, &s->tier[t].group[group_of(granule, t)]);
	for (; t < s->tiers; t++)
		group_unlock(&s->tier[t].group[group_of(granule, t)]);
	local_irq_restore(flags);
}

static struct failed *find_failed(struct potad_group *g, u64 granule)
{
	struct failed *f;

	list_for_each_entry(f, &g->pending, list)
		if (f->granule == granule)
			return f;
	return NULL;
}

static struct failed *failed_get(struct potad_space *s)
{
	struct failed *f;
	unsigned long flags;

	raw_spin_lock_irqsave(&s->spare_lock, flags);
	f = list_first_entry_or_null(&s->spare, struct failed, list);
	if (f)
		list_del(&f->list);
	raw_spin_unlock_irqrestore(&s->spare_lock, flags);
	return f ?: kmalloc_obj(*f, GFP_KERNEL);
}

/**
 * potad_space_retire() - a granule must never be handed out again
 * @s: the space
 * @granule: the granule
 *
 * A free granule is out of use from now on.  One that is part of an allocated
 * block is marked, and out of use as soon as the block comes back.  Its
 * neighbours stay in use, and merge around it.
 *
 * Context: Process context; may sleep if the granule is allocated.
 * Return: POTAD_FREE or POTAD_ALLOCATED, what the granule was; -ERANGE if it
 * lies outside the space; -EHWPOISON if it was retired, or marked, before;
 * -ENOMEM, and nothing is marked.
 */
int potad_space_retire(struct potad_space *s, u64 granule)
{
	struct failed *f = NULL;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	unsigned int t;
	bool in_top;
	int ret;

	if (granule >= s->nr)
		return -ERANGE;
again:
	t = path_lock(s, granule, &code, &in_top, &flags);
	g = &s->tier[t].group[group_of(granule, t)];
	switch (code) {
	case POTAD_CODE_BROKEN:
		ret = -EHWPOISON;
		break;
	case POTAD_CODE_FREE:
		if (t)
			move_begin(s);
		break_down(s, t, g, granule);
		if (t)
			move_end(s);
		ret = POTAD_FREE;
		break;
	default:
		if (find_failed(g, granule)) {
			ret = -EHWPOISON;
		} else if (f) {
			f->granule = granule;
			list_add_tail(&f->list, &g->pending);
			f = NULL;
			atomic64_inc(&s->nr_pending);
			ret = POTAD_ALLOCATED;
		} else {
			ret = -EAGAIN;
		}
		break;
	}
	path_unlock(s, granule, t, flags);
	if (ret == -EAGAIN) {
		f = failed_get(s);
		if (f)
			goto again;
		ret = -ENOMEM;
	}
	kfree(f);
	return ret;
}
EXPORT_SYMBOL_GPL(potad_space_retire);

/**
 * potad_space_restore() - undo potad_space_retire()
 * @s: the space
 * @granule: the granule
 *
 * For tests, and for failures that turned out to be none.
 *
 * Context: Process context.
 * Return: 0, and the granule is free, or stays in its block as if nothing had
 * been; -ERANGE if it lies outside the space; -EINVAL if it was not retired.
 */
int potad_space_restore(struct potad_space *s, u64 granule)
{
	struct failed *f = NULL;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	bool in_top, whole = false;
	unsigned int t;
	int ret = 0;

	if (granule >= s->nr)
		return -ERANGE;
	t = path_lock(s, granule, &code, &in_top, &flags);
	g = &s->tier[t].group[group_of(granule, t)];
	if (code == POTAD_CODE_BROKEN) {
		potad_group_free(g, unit_of(granule, t), 0);
		whole = potad_group_is_whole(g);
		atomic64_dec(&s->nr_retired);
	} else {
		f = find_failed(g, granule);
		if (f) {
			list_del(&f->list);
			atomic64_dec(&s->nr_pending);
		} else {
			ret = -EINVAL;
		}
	}
	path_unlock(s, granule, t, flags);
	kfree(f);
	if (whole) {
		local_irq_save(flags);
		raise(s, t, g);
		local_irq_restore(flags);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(potad_space_restore);

/**
 * potad_space_has_failed() - is a granule of this block marked?
 * @s: the space
 * @granule: first granule of a block that the caller has
 * @order: its order
 *
 * For an owner who must know whether potad_space_retire() came between the
 * allocation and the moment at which others could see whose the block is: it
 * makes that visible, then has a full barrier, then asks.
 *
 * Context: Any but NMI.
 * Return: true if one is.
 */
bool potad_space_has_failed(struct potad_space *s, u64 granule,
			    unsigned int order)
{
	unsigned int t = order / TIER_ORDERS;
	struct potad_group *g = &s->tier[t].group[group_of(granule, t)];
	unsigned long flags;
	struct failed *f;
	bool ret = false;

	if (likely(!atomic64_read(&s->nr_pending)))
		return false;
	local_irq_save(flags);
	group_lock(g);
	list_for_each_entry(f, &g->pending, list)
		if (f->granule >> order == granule >> order)
			ret = true;
	group_unlock(g);
	local_irq_restore(flags);
	return ret;
}
EXPORT_SYMBOL_GPL(potad_space_has_failed);

/**
 * potad_space_query() - what is this granule part of?
 * @s: the space
 * @granule: the granule
 * @e: set to the answer
 *
 * The answer is true at one moment during the call.
 *
 * Context: Any but NMI.  Takes group locks with interrupts off.
 * Return: 0, or -ERANGE if it lies outside the space.
 */
int potad_space_query(struct potad_space *s, u64 granule,
		      struct potad_extent *e)
{
	unsigned int t, k, i, shift;
	struct potad_node *n;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	bool in_top;

	if (granule >= s->nr)
		return -ERANGE;
	t = path_lock(s, granule, &code, &in_top, &flags);
	g = &s->tier[t].group[group_of(granule, t)];
	shift = t * TIER_ORDERS + (in_top ? POTAD_NODE_SHIFT : 0);
	i = (granule >> shift) % POTAD_NODE_UNITS;
	n = in_top ? &g->top : &g->leaf[unit_of(granule, t) / POTAD_NODE_UNITS];
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
		e->failed = find_failed(g, granule);
		potad_node_block(n, i, &k);
		break;
	}
	e->order = shift + k;
	e->first = granule & ~((1ULL << e->order) - 1);
	path_unlock(s, granule, t, flags);
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

static void count_group(struct potad_group *g, unsigned int order,
			struct potad_space_stat *stat)
{
	unsigned int l;

	raw_spin_lock_irq(&g->lock);
	stat->free += (u64)g->nr_free << order;
	count_blocks(&g->top, order + POTAD_NODE_SHIFT, stat->blocks);
	for (l = 0; l < POTAD_NODE_UNITS; l++)
		if (g->leaf_class[l] != POTAD_NO_CLASS)
			count_blocks(&g->leaf[l], order, stat->blocks);
	raw_spin_unlock_irq(&g->lock);
}

/**
 * potad_space_stat() - count what there is
 * @s: the space
 * @stat: filled in
 *
 * Context: Process context; reschedules between groups.
 */
void potad_space_stat(struct potad_space *s, struct potad_space_stat *stat)
{
	unsigned int t, tries = 0;
	int begun;
	u64 i;

	do {
		/* A group that moves meanwhile counts twice, or not at all. */
		begun = atomic_read(&s->begun);
		memset(stat, 0, sizeof(*stat));
		for (t = 0; t < s->tiers; t++) {
			for (i = 0; i < s->tier[t].nr; i++) {
				count_group(&s->tier[t].group[i],
					    t * TIER_ORDERS, stat);
				cond_resched();
			}
		}
	} while (atomic_read(&s->begun) != begun && ++tries < 8);

	stat->total = s->nr;
	stat->retired = atomic64_read(&s->nr_retired);
	stat->pending = atomic64_read(&s->nr_pending);
	stat->free = min(stat->free, stat->total - stat->retired);
	stat->allocated = stat->total - stat->free - stat->retired;
	stat->metadata = sizeof(*s) + num_possible_cpus() * sizeof(*s->habit);
	for (t = 0; t < s->tiers; t++)
		stat->metadata += s->tier[t].nr * (sizeof(struct potad_group) +
						   sizeof(u64));
}
EXPORT_SYMBOL_GPL(potad_space_stat);

/* Are any granules marked?  Any context; what is marked meanwhile may not count. */
bool potad_space_pending(const struct potad_space *s)
{
	return atomic64_read(&s->nr_pending);
}
EXPORT_SYMBOL_GPL(potad_space_pending);

/* How many granules there are, free or not.  Any context. */
u64 potad_space_size(const struct potad_space *s)
{
	return s->nr;
}
EXPORT_SYMBOL_GPL(potad_space_size);

/* The order of the largest block that can fit.  Any context. */
unsigned int potad_space_max_order(const struct potad_space *s)
{
	return fls64(s->nr) - 1;
}
EXPORT_SYMBOL_GPL(potad_space_max_order);

static u64 tier_holes(struct potad_space *s)
{
	return -s->nr % POTAD_GROUP_UNITS;
}

/* Does what is below unit @u of @g agree with what its code says? */
static const char *unit_check(struct potad_space *s, unsigned int t,
			      struct potad_group *g, unsigned int u)
{
	struct potad_group *below = group_below(s, t, g, u);
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

/* Is what is on the pending list of @g allocated from @g? */
static const char *pending_check(struct potad_space *s, unsigned int t,
				 struct potad_group *g, u64 *pending)
{
	const char *wrong = NULL;
	struct failed *f;
	bool in_top;

	raw_spin_lock_irq(&g->lock);
	list_for_each_entry(f, &g->pending, list) {
		enum potad_code code;

		code = potad_group_code(g, unit_of(f->granule, t), &in_top);
		if (code & POTAD_CODE_FREE ||
		    g != &s->tier[t].group[group_of(f->granule, t)])
			wrong = "failed granule that is not allocated";
		(*pending)++;
	}
	raw_spin_unlock_irq(&g->lock);
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
 * Context: Process context; reschedules.
 * Return: NULL, or the first thing that is wrong, in words.
 */
const char *potad_space_validate(struct potad_space *s)
{
	u64 i, retired = 0, pending = 0;
	const char *wrong = NULL;
	unsigned int t;

	for (t = 0; t < s->tiers; t++) {
		for (i = 0; i < s->tier[t].nr && !wrong; i++) {
			struct potad_group *g = &s->tier[t].group[i];

			if (!t)
				retired += READ_ONCE(g->nr_broken);
			wrong = pending_check(s, t, g, &pending);
			if (wrong)
				return wrong;
			if (t + 1 < s->tiers) {
				u64 first = granule_of(s, t, g, 0);
				u64 above = group_of(first, t + 1);

				wrong = unit_check(s, t + 1,
						   &s->tier[t + 1].group[above],
						   unit_of(first, t + 1));
			} else {
				raw_spin_lock_irq(&g->lock);
				wrong = potad_group_check(g);
				raw_spin_unlock_irq(&g->lock);
			}
			cond_resched();
		}
	}
	if (!wrong && retired != tier_holes(s) + atomic64_read(&s->nr_retired))
		wrong = "count of retired granules";
	if (!wrong && pending != (u64)atomic64_read(&s->nr_pending))
		wrong = "count of failed granules";
	return wrong;
}
EXPORT_SYMBOL_GPL(potad_space_validate);

/**
 * potad_space_create() - a new space, all of it free
 * @granules: how many, 1 .. 2^48 - 1
 *
 * All memory that the space will ever need is taken here: about two bits for
 * each granule, 17 KiB at the least.  (A granule that fails while allocated
 * takes a few bytes more; see potad_space_retire().)
 *
 * Context: Process context; may sleep.
 * Return: the space, or an error pointer: -EINVAL, -ENOMEM.
 */
struct potad_space *potad_space_create(u64 granules)
{
	struct potad_space *s;
	unsigned int t;
	u64 i;

	if (!granules || granules >> (POTAD_TIERS * TIER_ORDERS))
		return ERR_PTR(-EINVAL);
	s = kzalloc_obj(*s, GFP_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->nr = granules;
	raw_spin_lock_init(&s->spare_lock);
	INIT_LIST_HEAD(&s->spare);
	s->habit = alloc_percpu(struct habit);
	if (!s->habit)
		goto fail;

	do {
		struct tier *tier = &s->tier[s->tiers];
		u64 units = granules >> (s->tiers * TIER_ORDERS);
		gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;

		tier->nr = (granules - 1) >> ((s->tiers + 1) * TIER_ORDERS);
		tier->nr++;
		s->tiers++;
		tier->hint = __vmalloc(tier->nr * sizeof(*tier->hint), gfp);
		if (!tier->hint)
			goto fail;
		tier->group = __vmalloc(tier->nr * sizeof(*tier->group), gfp);
		if (!tier->group)
			goto fail;
		for (i = 0; i < tier->nr; i++) {
			potad_group_init(&tier->group[i]);
			cond_resched();
		}
		/*
		 * All but the last group are units of the tier above; the
		 * last is one only if it is full.
		 */
		i = units >> TIER_ORDERS;
		if (i < tier->nr)
			potad_group_seed(&tier->group[i],
					 units % POTAD_GROUP_UNITS);
	} while (granules >> (s->tiers * TIER_ORDERS));

	local_irq_disable();
	for (t = 0; t < s->tiers; t++) {
		struct tier *tier = &s->tier[t];

		for (i = 0; i < tier->nr; i++)
			lockdep_set_class(&tier->group[i].lock, &tier_key[t]);
		group_lock(&tier->group[tier->nr - 1]);
		group_changed(s, t, &tier->group[tier->nr - 1]);
	}
	local_irq_enable();
	return s;
fail:
	potad_space_destroy(s);
	return ERR_PTR(-ENOMEM);
}
EXPORT_SYMBOL_GPL(potad_space_create);

/**
 * potad_space_destroy() - the end of a space
 * @s: the space, or NULL; nobody uses it any more
 *
 * Blocks that are still allocated go with it: their numbers have no meaning
 * from now on.
 *
 * Context: Process context.
 */
void potad_space_destroy(struct potad_space *s)
{
	struct failed *f, *next;
	unsigned int t;
	u64 i;

	if (!s)
		return;
	for (t = 0; t < POTAD_TIERS; t++) {
		for (i = 0; s->tier[t].group && i < s->tier[t].nr; i++)
			list_splice(&s->tier[t].group[i].pending, &s->spare);
		vfree(s->tier[t].group);
		vfree(s->tier[t].hint);
	}
	list_for_each_entry_safe(f, next, &s->spare, list)
		kfree(f);
	free_percpu(s->habit);
	kfree(s);
}
EXPORT_SYMBOL_GPL(potad_space_destroy);

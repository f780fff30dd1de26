// SPDX-License-Identifier: GPL-2.0
/*
 * A span: tiers of groups over a stretch of numbers.  Drawn in span.h.
 *
 * A hint says what a group had when it was last changed:
 *
 *	bits 0-3    class of the top node + 1
 *	bits 4-15   largest class of its leaves + 1, for each mobility
 *	bits 16-24  free units, in 256s, or up to eight more or less
 *	bits 25-26  its mobility
 *
 * Of the groups with room the fullest is taken, so that empty ones stay empty; but
 * first those that need not break a leaf for it.  Bits may be set where there is no
 * room, never the other way round.
 * The scan goes by rows: the lowest that has any such group, of which only those
 * are looked at that have a bit in @some, or @leaves.  @room of a row says which
 * rows need not be looked at: it is raised by whoever makes a larger block
 * there, and lowered by scanners that have seen less.  Both have a full barrier
 * between their write and their look at what the other one writes, so that one
 * of the two sees the other.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "span.h"

static struct lock_class_key tier_key[POTAD_TIERS];

static unsigned int hint_top(u32 hint)
{
	return hint & 0xf;
}

static unsigned int hint_leaves(u32 hint, unsigned int m)
{
	return hint >> (4 + 4 * m) & 0xf;
}

#define HINT_FREE	(0x1ffU << 16)

static unsigned int hint_free(u32 hint)
{
	return (hint & HINT_FREE) >> 16;
}

static unsigned int hint_mobility(u32 hint)
{
	return hint >> 25 & 3;
}

/* The largest order there is, plus one. */
static unsigned int hint_room(u32 hint)
{
	if (hint_top(hint))
		return POTAD_NODE_SHIFT + hint_top(hint);
	return max3(hint_leaves(hint, 0), hint_leaves(hint, 1),
		    hint_leaves(hint, 2));
}

static u32 group_hint(const struct potad_group *g)
{
	u32 hint = g->top_class + 1;
	unsigned int m;

	for (m = 0; m < POTAD_MOBILITIES; m++)
		hint |= (u32)fls(g->classes[m]) << (4 + 4 * m);
	return hint | g->nr_free / 256 << 16 | (u32)g->mobility << 25;
}

static void row_raise(struct potad_row *row, unsigned int room)
{
	u32 old = READ_ONCE(row->room), seen;

	for (; old < room; old = seen) {
		seen = cmpxchg(&row->room, old, room);
		if (seen == old)
			break;
	}
}

static unsigned int row_room(const struct potad_row *row)
{
	unsigned int i, room = 0;

	for_each_set_bit(i, row->some, POTAD_ROW)
		room = max(room, hint_room(READ_ONCE(row->hint[i])));
	return room;
}

/*
 * A scan of a row that said @said has found no more than @found.  For a moment
 * the row may say less than there is: so this counts as a move.
 */
static void row_lower(struct potad_space *s, struct potad_row *row, u32 said,
		      unsigned int found)
{
	struct potad_habit *habit = potad_habit(s);

	if (found >= said)
		return;
	potad_begin(habit);
	if (cmpxchg(&row->room, said, found) == said)
		row_raise(row, row_room(row));	/* fully ordered: see above */
	potad_end(habit);
}

/*
 * A lock that one function takes is often given back by another (a block is
 * taken in a group that stays locked, a path is locked); sparse, which counts
 * within a function, is told of neither.
 */
void potad_group_lock(struct potad_group *g)
{
	lockdep_assert_irqs_disabled();
	raw_spin_lock(&g->lock);
	__release(&g->lock);
}

void potad_group_unlock(struct potad_group *g)
{
#ifdef POTAD_DEBUG
	const char *wrong = potad_group_check(g);

	WARN_ONCE(wrong, "potad: %s\n", wrong);
#endif
	__acquire(&g->lock);
	raw_spin_unlock(&g->lock);
}

/* In which bitmaps of its row a group belongs. */
#define LISTED_SOME	1
#define LISTED_LEAVES	2

static unsigned int hint_lists(u32 hint)
{
	return (hint_room(hint) ? LISTED_SOME : 0) |
	       (hint_top(hint) ? LISTED_LEAVES : 0);
}

static void list_change(struct potad_group *g, unsigned int lists)
{
	unsigned int i = g->nr % POTAD_ROW, changed = lists ^ g->listed;

	if (changed & LISTED_SOME)
		assign_bit(i, g->row->some, lists & LISTED_SOME);
	if (changed & LISTED_LEAVES)
		assign_bit(i, g->row->leaves, lists & LISTED_LEAVES);
	g->listed = lists;
}

/*
 * Somebody looked here for what is not there: others need not.  (A group that has
 * nothing more stays in the bitmaps until then: most often something comes back
 * first.)
 */
void potad_group_spent(struct potad_group *g)
{
	list_change(g, hint_lists(g->hint));
}

/* From @old to @now. */
static void hint_change(struct potad_group *g, u32 old, u32 now)
{
	g->hint = now;
	WRITE_ONCE(g->row->hint[g->nr % POTAD_ROW], now);
	list_change(g, g->listed | hint_lists(now));
	if (hint_room(now) > hint_room(old)) {
		smp_mb();	/* all that, before @room; see above */
		row_raise(g->row, hint_room(now));
	}
}

/* Tells those who look without the lock what @g has now. */
static void group_tell(struct potad_group *g)
{
	u32 now = group_hint(g), old = g->hint;

	/* How full it is need not be known to the last unit. */
	if (likely(!((now ^ old) & ~HINT_FREE) &&
		   hint_free(now) + 8 - hint_free(old) <= 16))
		return;
	hint_change(g, old, now);
}

/* Ends a change of @g. */
void potad_group_changed(struct potad_group *g)
{
	group_tell(g);
	potad_group_unlock(g);
}

/*
 * Does @room of a row say less than there is in @g?  A scanner that has just lowered it may
 * be about to see its mistake: as long as anything moves, nobody can tell.
 */
static bool room_is_hidden(const struct potad_group *g)
{
	struct potad_space *s = g->span->space;
	unsigned int looks = 8;
	u32 begun, done;

	do {
		done = potad_sum_done(s);
		smp_rmb();	/* @done before @begun: see search() */
		begun = potad_sum_begun(s);
		smp_rmb();	/* and both before @room */
		if (READ_ONCE(g->row->room) >= hint_room(g->hint))
			return false;
		smp_rmb();	/* @room before @begun: see row_lower() */
		if (begun == done && potad_sum_begun(s) == begun)
			return true;
	} while (--looks);
	return false;
}

/**
 * potad_hint_check() - does what is seen without the lock agree with the maps?
 * @g: a group, whose lock is held, and whose maps have been checked
 *
 * What is exact is computed anew and compared: the hint, but that how full the group is
 * may be off by eight; and that the row has the same hint, and a bit in @some and @leaves
 * just where @listed says.  The rest may say more than there is, never less: a group that
 * has nothing more stays listed until somebody looks; @room of a row and @rows of a tier
 * are as large as they ever had to be.  Where a group has no room nobody looks at the
 * mobility in its hint.  Whose home it is (@claimed) is in no map.
 *
 * Return: NULL, or what is wrong, in words.
 */
const char *potad_hint_check(const struct potad_group *g)
{
	const struct potad_tier *tier = &g->span->tier[g->tier];
	u32 now = group_hint(g), hint = g->hint, differ = now ^ hint;
	const struct potad_row *row = g->row;
	unsigned int i = g->nr % POTAD_ROW;

	if (row->hint[i] != hint)
		return "hint of a group and of its row differ";
	if (!hint_room(now) && !hint_room(hint))
		differ &= HINT_FREE;
	if (differ & ~HINT_FREE)
		return "hint of another room than there is";
	if (hint_free(now) + 8 - hint_free(hint) > 16)
		return "hint of how full a group is";
	if (hint_lists(hint) & ~g->listed)
		return "group with room that is not listed";
	if (!test_bit(i, row->some) != !(g->listed & LISTED_SOME) ||
	    !test_bit(i, row->leaves) != !(g->listed & LISTED_LEAVES))
		return "bitmap of a row and group differ";
	if (room_is_hidden(g))
		return "row that says less than its groups have";
	if (g->nr / POTAD_ROW - tier->first / POTAD_ROW >= READ_ONCE(tier->rows))
		return "row that no scan comes to";
	return NULL;
}

/* Some CPU makes this group its home, or moves out.  No lock is needed. */
void potad_group_claim(struct potad_group *g, bool claim)
{
	if (claim)
		set_bit(g->nr % POTAD_ROW, g->row->claimed);
	else
		clear_bit(g->nr % POTAD_ROW, g->row->claimed);
}

static bool hint_fits(u32 hint, unsigned int k, unsigned int m,
		      enum potad_where where)
{
	if (where == POTAD_ANYWHERE)
		return hint_room(hint) > k;
	if (where < POTAD_FOREIGN && hint_mobility(hint) != m &&
	    hint_mobility(hint) != POTAD_MOBILITY_NONE)
		return false;
	if (k >= POTAD_NODE_SHIFT)
		return hint_top(hint) > k - POTAD_NODE_SHIFT;
	return hint_top(hint) || hint_leaves(hint, m) > k;
}

/* The fullest group of a row with room for a block of order @k. */
static struct potad_group *row_pick(struct potad_space *s, struct potad_row *row,
				    unsigned int k, unsigned int m,
				    enum potad_where where)
{
	const unsigned long *bits = k < POTAD_NODE_SHIFT ? row->some : row->leaves;
	unsigned int i, room = 0, rank, least = UINT_MAX, best = 0;
	u32 said = READ_ONCE(row->room);

	if (said <= k)
		return NULL;
	for_each_set_bit(i, bits, POTAD_ROW) {
		u32 hint = READ_ONCE(row->hint[i]);

		room = max(room, hint_room(hint));
		if (!hint_fits(hint, k, m, where))
			continue;
		rank = hint_free(hint);
		/* A whole leaf stays whole if a broken one will do. */
		if (k < POTAD_NODE_SHIFT && hint_leaves(hint, m) <= k)
			rank += POTAD_NODE_UNITS + 1;
		if (rank >= least)
			continue;
		if (where == POTAD_OWN && test_bit(i, row->claimed))
			continue;
		least = rank;
		best = i;
	}
	if (least != UINT_MAX)
		return potad_row_group(row, best);
	/* What has no free leaf was not looked at: it may have order 7. */
	row_lower(s, row, said, bits == row->leaves ? max(room, 8U) : room);
	return NULL;
}

static u64 tier_rows(const struct potad_tier *tier)
{
	return tier->last / POTAD_ROW - tier->first / POTAD_ROW + 1;
}

static struct potad_group *tier_pick(const struct potad_span *span,
				     unsigned int t, unsigned int k,
				     unsigned int m, enum potad_where where)
{
	const struct potad_tier *tier = &span->tier[t];
	struct potad_group *g;
	u64 r, rows = READ_ONCE(tier->rows);

	for (r = 0; r < rows; r++) {
		struct potad_row *row = READ_ONCE(tier->row[r]);

		g = row ? row_pick(span->space, row, k, m, where) : NULL;
		if (g)
			return g;
	}
	return NULL;
}

/**
 * potad_span_alloc() - cut blocks in the tier that serves them
 * @span: the span
 * @t: the tier
 * @k: their order in it, 0..15
 * @m: their mobility
 * @where: in which groups to look
 * @gp: set to their group, which is locked: potad_group_changed()
 * @units: set to their first units
 * @nr: how many are wanted
 *
 * Context: Interrupts off.
 * Return: how many there are, as many as one group has; -ENOSPC if no group
 * showed room; -EUCLEAN if one promised more than it had, which cannot be, and
 * means that its memory was overwritten.
 */
int potad_span_alloc(struct potad_span *span, unsigned int t, unsigned int k,
		     unsigned int m, enum potad_where where,
		     struct potad_group **gp, u32 *units, unsigned int nr)
{
	struct potad_group *g;
	int n;

	while ((g = tier_pick(span, t, k, m, where))) {
		potad_group_lock(g);
		n = potad_group_alloc(g, k, m, where == POTAD_ANYWHERE, units, nr);
		if (n > 0) {
			*gp = g;
			return n;
		}
		potad_group_spent(g);
		potad_group_unlock(g);
		if (n != -ENOSPC)
			return n;
	}
	return -ENOSPC;
}

/*
 * Wakes the group below the unit of @granule, which is broken, or about to be:
 * @g is locked.  Returns it locked, and wholly free.
 */
struct potad_group *potad_span_wake(struct potad_group *g, u64 granule,
				    unsigned int m)
{
	struct potad_group *below;

	below = potad_span_group(g->span, g->tier - 1, granule);
	potad_group_lock(below);
	potad_group_wake(below, m);
	return below;
}

/* Takes a unit of tier @t, for the tier below: its granule; @gp is locked. */
static s64 lend(struct potad_span *span, unsigned int t,
		struct potad_group **gp, unsigned long *flags)
{
	struct potad_group *g;
	int u;

	while ((g = tier_pick(span, t, 0, 0, POTAD_ANYWHERE))) {
		potad_group_lock(g);
		u = potad_group_lend(g);
		if (u >= 0) {
			*gp = g;
			return potad_granule(g, u);
		}
		potad_group_unlock(g);
		if (u != -ENOSPC)
			return u;
	}
	u = potad_span_fresh(span, t, 0, POTAD_MOBILITY_NONE, gp, NULL, 0, flags);
	return u < 0 ? u : (s64)potad_granule(*gp, u);
}

/* Undoes it; a group that was woken for that becomes a unit above again. */
static void unlend(struct potad_group *g, u64 granule)
{
	struct potad_habit *habit = potad_habit(g->span->space);
	bool whole;

	potad_begin(habit);
	potad_group_return(g, potad_unit(granule, g->tier));
	whole = potad_group_is_whole(g);
	potad_group_changed(g);
	if (whole)
		potad_span_raise(g);
	potad_end(habit);
}

/**
 * potad_span_fresh() - cut blocks in a group that is woken for them
 * @span: the span
 * @t: the tier
 * @k: their order in it, 0..15
 * @m: their mobility, and from now on that of the group
 * @gp: set to their group, which is locked: potad_group_changed()
 * @units: set to their first units
 * @nr: how many are wanted; 0: one unit is lent to the tier below
 * @flags: of the caller's local_irq_save(): a group that is not populated gets
 *	   its memory with interrupts as they were
 *
 * Context: Interrupts off, no lock held.
 * Return: how many there are (@nr is 0: which unit); -ENOSPC if there is no
 * group to wake; -ENOMEM if there was no memory to populate one; -EUCLEAN.
 */
int potad_span_fresh(struct potad_span *span, unsigned int t, unsigned int k,
		     unsigned int m, struct potad_group **gp, u32 *units,
		     unsigned int nr, unsigned long *flags)
{
	struct potad_habit *habit;
	struct potad_group *g, *above;
	s64 granule;
	int n;

	if (t + 1 == span->tiers)
		return -ENOSPC;
	for (;;) {
		granule = lend(span, t + 1, &above, flags);
		if (granule < 0)
			return granule;
		if (potad_span_group(span, t, granule))
			break;
		unlend(above, granule);
		local_irq_restore(*flags);
		n = potad_span_populate(span, granule, t, GFP_NOWAIT | __GFP_NOWARN);
		local_irq_save(*flags);
		if (n)
			return n;
	}

	habit = potad_habit(span->space);
	potad_begin(habit);
	g = potad_span_wake(above, granule, m);
	n = nr ? potad_group_alloc(g, k, m, false, units, nr) :
		 potad_group_lend(g);
	/* What moves is shown below before it is gone above. */
	group_tell(g);
	potad_group_changed(above);
	potad_end(habit);
	if (n < 0)
		potad_group_unlock(g);
	*gp = g;
	return n;
}

/**
 * potad_span_raise() - let a group become a unit of the tier above
 * @g: a group that was seen wholly free
 *
 * If it still is; and so on upwards.
 *
 * Context: Interrupts off, no lock held; within potad_begin() and potad_end().
 */
void potad_span_raise(struct potad_group *g)
{
	while (g->tier + 1U < g->span->tiers) {
		u64 granule = potad_granule(g, 0);
		struct potad_group *above;
		bool whole;

		above = potad_span_group(g->span, g->tier + 1, granule);
		potad_group_lock(above);
		potad_group_lock(g);
		whole = potad_group_is_whole(g);
		if (whole) {
			potad_group_sleep(g);
			potad_group_return(above, potad_unit(granule, above->tier));
			group_tell(g);
			potad_group_spent(g);
		}
		potad_group_changed(g);
		whole = whole && potad_group_is_whole(above);
		potad_group_changed(above);
		if (!whole)
			return;
		g = above;
	}
}

/*
 * Takes @granule out of the free unit around it, which is one of @g, down to
 * its own: it ends up alone, and broken.  @g is locked; all groups down to the
 * granule are populated.
 */
void potad_span_retire(struct potad_group *g, u64 granule)
{
	struct potad_group *below;

	potad_group_break(g, potad_unit(granule, g->tier));
	if (!g->tier) {
		atomic64_inc(&g->span->space->nr_retired);
		return;
	}
	below = potad_span_wake(g, granule, g->mobility);
	potad_span_retire(below, granule);
	potad_group_changed(below);
}

static int take_in(struct potad_group *g, u64 granule, unsigned int order,
		   unsigned int m)
{
	struct potad_group *below;
	int err;

	if (g->tier == order / POTAD_GROUP_SHIFT)
		return potad_group_take(g, potad_unit(granule, g->tier),
					order % POTAD_GROUP_SHIFT, m);
	potad_group_break(g, potad_unit(granule, g->tier));
	below = potad_span_wake(g, granule, m);
	err = take_in(below, granule, order, m);
	potad_group_changed(below);
	return err;
}

/**
 * potad_span_take() - take this very block
 * @span: the span; the block lies in it
 * @granule: its first granule, aligned to @order
 * @order: its order
 * @m: its mobility
 *
 * Context: Process context; may sleep to populate what is on the way.
 * Return: 0; -EBUSY if some of it is not free; -ENOMEM.
 */
int potad_span_take(struct potad_span *span, u64 granule, unsigned int order,
		    unsigned int m)
{
	unsigned int t = order / POTAD_GROUP_SHIFT;
	struct potad_habit *habit;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	bool in_top;
	int err;

	err = potad_span_populate(span, granule, t, GFP_KERNEL);
	if (err)
		return err;
	local_irq_save(flags);
	habit = potad_habit(span->space);
	potad_begin(habit);
	g = potad_path_lock(span, granule, &code, &in_top);
	/* Above its tier a free unit is all there is to know. */
	if (g->tier < t || code != POTAD_CODE_FREE)
		err = -EBUSY;
	else
		err = take_in(g, granule, order, m);
	potad_path_unlock(g, granule);
	potad_end(habit);
	local_irq_restore(flags);
	return err;
}

/*
 * An allocated block of one unit of @g, which is locked, becomes two of half
 * the size in the tier below, which is populated.
 */
static void split_below(struct potad_group *g, u64 granule)
{
	struct potad_failed *f, *next;
	struct potad_group *below;

	potad_group_open(g, potad_unit(granule, g->tier));
	below = potad_span_wake(g, granule, g->mobility);
	WARN_ON(potad_group_take(below, 0, POTAD_GROUP_SHIFT - 1, 0));
	WARN_ON(potad_group_take(below, POTAD_GROUP_UNITS / 2,
				 POTAD_GROUP_SHIFT - 1, 0));
	list_for_each_entry_safe(f, next, &g->pending, list)
		if (potad_group_nr(f->granule, below->tier) == below->nr)
			list_move_tail(&f->list, &below->pending);
	potad_group_changed(below);
}

/**
 * potad_span_split() - make an allocated block begin at a granule
 * @span: the span
 * @granule: where one block shall end, and another begin
 *
 * The allocated block around @granule is halved until that is so.
 *
 * Context: Process context; may sleep to populate what is on the way.
 * Return: 0; -ENOMEM; -ENOENT if there is no block.
 */
int potad_span_split(struct potad_span *span, u64 granule)
{
	unsigned int k, l, u;
	struct potad_habit *habit;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	bool in_top;
	int err;

	err = potad_span_populate(span, granule, 0, GFP_KERNEL);
	while (!err) {
		local_irq_save(flags);
		habit = potad_habit(span->space);
		potad_begin(habit);
		g = potad_path_lock(span, granule, &code, &in_top);
		u = potad_unit(granule, g->tier);
		l = u / POTAD_NODE_UNITS;
		if (code == POTAD_CODE_INSIDE || code == POTAD_CODE_HEAD) {
			if (in_top)
				u = potad_node_block(&g->top, l, &k) * POTAD_NODE_UNITS;
			else
				u = potad_node_block(&g->node[l], u % POTAD_NODE_UNITS,
						     &k) + l * POTAD_NODE_UNITS;
			k += in_top ? POTAD_NODE_SHIFT : 0;
			if (potad_granule(g, u) == granule)
				err = 1;	/* that is it */
			else if (k)
				potad_group_split(g, u, k);
			else
				split_below(g, granule);
		} else {
			err = -ENOENT;
		}
		potad_path_unlock(g, granule);
		potad_end(habit);
		local_irq_restore(flags);
	}
	return min(err, 0);
}

/*
 * Locks the groups from the topmost down to the one that says what granule is
 * part of, and returns that one; potad_path_unlock() undoes it.  Interrupts are
 * off.
 */
struct potad_group *potad_path_lock(struct potad_span *span, u64 granule,
				    enum potad_code *code, bool *in_top)
{
	unsigned int t = span->tiers - 1;

	for (;; t--) {
		struct potad_group *g = potad_span_group(span, t, granule);

		potad_group_lock(g);
		*code = potad_group_code(g, potad_unit(granule, t), in_top);
		if (!t || *code != POTAD_CODE_BROKEN)
			return g;
	}
}

/* If something was changed, it was in @g, the last group, or below. */
void potad_path_unlock(struct potad_group *g, u64 granule)
{
	struct potad_span *span = g->span;
	unsigned int t;

	group_tell(g);
	for (t = g->tier; t < span->tiers; t++)
		potad_group_unlock(potad_span_group(span, t, granule));
}

/* How many units of tier @t the groups @g of a span can have in it. */
static void span_units(const struct potad_span *span, unsigned int t,
		       u64 *first, u64 *end)
{
	u64 unit = 1ULL << (t * POTAD_GROUP_SHIFT);

	*first = (span->first + unit - 1) >> (t * POTAD_GROUP_SHIFT);
	*end = span->end >> (t * POTAD_GROUP_SHIFT);
}

static void group_init(struct potad_span *span, unsigned int t, u64 nr,
		       struct potad_row *row, struct potad_group *g)
{
	u64 base = nr << POTAD_GROUP_SHIFT, first, end;

	potad_group_init(g);
	lockdep_set_class(&g->lock, &tier_key[t]);
	g->tier = t;
	g->nr = nr;
	g->span = span;
	g->row = row;

	/* At an end of the span, or at the top, it is awake from the beginning. */
	span_units(span, t, &first, &end);
	if (base < first || base + POTAD_GROUP_UNITS > end) {
		first = clamp(first, base, base + POTAD_GROUP_UNITS) - base;
		end = clamp(end, base, base + POTAD_GROUP_UNITS) - base;
		potad_group_seed(g, first, end);
		hint_change(g, 0, group_hint(g));
	}
}

/* Scans go as far as there are rows. */
static void row_is_there(struct potad_tier *tier, u64 r)
{
	u64 rows = READ_ONCE(tier->rows), seen;

	for (; rows <= r; rows = seen) {
		seen = cmpxchg(&tier->rows, rows, r + 1);
		if (seen == rows)
			break;
	}
}

static struct potad_row *row_get(struct potad_span *span, unsigned int t, u64 nr,
				 gfp_t gfp)
{
	struct potad_tier *tier = &span->tier[t];
	struct potad_row **p, *row, *old;

	p = &tier->row[nr / POTAD_ROW - tier->first / POTAD_ROW];
	row = READ_ONCE(*p);
	if (row)
		return row;
	/* Only a power of two is aligned to itself. */
	row = kzalloc(roundup_pow_of_two(sizeof(*row)), gfp);
	if (!row)
		return NULL;
	/* Before anybody can find it, and put a group into it. */
	row_is_there(tier, p - tier->row);
	old = cmpxchg(p, NULL, row);
	if (!old)
		return row;
	kfree(row);
	return old;
}

/* Memory for one group, if it has none. */
static int group_get(struct potad_span *span, unsigned int t, u64 nr, gfp_t gfp)
{
	struct potad_row *row = row_get(span, t, nr, gfp);
	struct potad_group *g;

	if (!row)
		return -ENOMEM;
	if (READ_ONCE(row->group[nr % POTAD_ROW]))
		return 0;
	g = alloc_pages_exact(sizeof(*g), gfp | __GFP_ZERO);
	if (!g)
		return -ENOMEM;
	group_init(span, t, nr, row, g);
	if (cmpxchg(&row->group[nr % POTAD_ROW], NULL, g))
		free_pages_exact(g, sizeof(*g));
	return 0;
}

/**
 * potad_span_populate() - memory for the groups around a granule
 * @span: the span
 * @granule: the granule
 * @t: from this tier upwards
 * @gfp: how to get it
 *
 * Context: as @gfp says; no lock held.
 * Return: 0 or -ENOMEM.
 */
int potad_span_populate(struct potad_span *span, u64 granule, unsigned int t,
			gfp_t gfp)
{
	unsigned int top;
	int err = 0;

	/* On a kernel where the page allocator sleeps on its locks. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		return -ENOMEM;
	/* From the top down: none is ever without the one above. */
	for (top = span->tiers; !err && top-- > t;)
		if (!potad_span_group(span, top, granule))
			err = group_get(span, top, potad_group_nr(granule, top), gfp);
	return err;
}

/* All groups of a row at once. */
static int row_fill(struct potad_span *span, unsigned int t, u64 r)
{
	struct potad_space *s = span->space;
	struct potad_tier *tier = &span->tier[t];
	u64 nr = max(r * POTAD_ROW, tier->first);
	u64 end = min((r + 1) * POTAD_ROW, tier->last + 1);
	struct potad_group *g;
	struct potad_row *row;

	row = potad_meta_alloc(s, sizeof(*row));
	if (!row)
		return -ENOMEM;
	tier->row[r - tier->first / POTAD_ROW] = row;
	row_is_there(tier, r - tier->first / POTAD_ROW);
	g = potad_meta_alloc(s, (end - nr) * sizeof(*g));
	if (!g)
		return -ENOMEM;
	row->chunk = g;
	row->skip = nr % POTAD_ROW;
	for (; nr < end; nr++, g++) {
		group_init(span, t, nr, row, g);
		row->group[nr % POTAD_ROW] = g;
	}
	cond_resched();
	return 0;
}

static int tier_create(struct potad_span *span, unsigned int t, bool populate)
{
	struct potad_tier *tier = &span->tier[t];
	u64 r;
	int err = 0;

	tier->first = potad_group_nr(span->first, t);
	tier->last = potad_group_nr(span->end - 1, t);
	tier->row = potad_meta_alloc(span->space,
				     tier_rows(tier) * sizeof(*tier->row));
	if (!tier->row)
		return -ENOMEM;
	if (populate) {
		for (r = tier->first / POTAD_ROW; !err && r <= tier->last / POTAD_ROW; r++)
			err = row_fill(span, t, r);
		return err;
	}
	/* Those that are awake from the beginning. */
	err = group_get(span, t, tier->first, GFP_KERNEL);
	return err ?: group_get(span, t, tier->last, GFP_KERNEL);
}

/**
 * potad_span_create() - a new span, all of it free
 * @s: whose it will be
 * @first: its first granule
 * @end: its last granule plus one, larger, not above POTAD_SPACE_END
 * @populate: take all memory that it will ever need
 *
 * Context: Process context; may sleep.
 * Return: the span, or NULL: no memory.
 */
struct potad_span *potad_span_create(struct potad_space *s, u64 first, u64 end,
				     bool populate)
{
	struct potad_span *span = potad_meta_alloc(s, sizeof(*span));
	u64 units_first, units_end;

	if (!span)
		return NULL;
	span->space = s;
	span->first = first;
	span->end = end;
	span->populated = populate;
	do {
		if (tier_create(span, span->tiers++, populate)) {
			potad_span_destroy(span);
			return NULL;
		}
		span_units(span, span->tiers, &units_first, &units_end);
	} while (units_first < units_end && span->tiers < POTAD_TIERS);
	return span;
}

/* What potad_span_create() takes of a reserve, to populate it. */
size_t potad_span_needs(u64 first, u64 end)
{
	const struct potad_span span = { .first = first, .end = end };
	size_t bytes = ALIGN(sizeof(span), SMP_CACHE_BYTES);
	u64 units_first, units_end, r;
	unsigned int t = 0;

	do {
		const struct potad_tier tier = {
			.first = potad_group_nr(first, t),
			.last = potad_group_nr(end - 1, t),
		};

		bytes += ALIGN(tier_rows(&tier) * sizeof(*tier.row), SMP_CACHE_BYTES);
		for (r = 0; r < tier_rows(&tier); r++)
			bytes += ALIGN(sizeof(struct potad_row), SMP_CACHE_BYTES);
		bytes += (tier.last - tier.first + 1) * sizeof(struct potad_group);
		span_units(&span, ++t, &units_first, &units_end);
	} while (units_first < units_end && t < POTAD_TIERS);
	return bytes;
}

/* Nobody can find it any more.  May sleep. */
void potad_span_destroy(struct potad_span *span)
{
	struct potad_space *s = span->space;
	unsigned int t, i;
	u64 r;

	for (t = 0; t < span->tiers && span->tier[t].row; t++) {
		for (r = 0; r < tier_rows(&span->tier[t]); r++) {
			struct potad_row *row = span->tier[t].row[r];

			if (!row)
				continue;
			for (i = 0; i < POTAD_ROW; i++) {
				struct potad_group *g = row->group[i];

				if (!g)
					continue;
				list_splice(&g->pending, &s->spare);
				if (!row->chunk)
					free_pages_exact(g, sizeof(*g));
			}
			if (span->populated) {
				potad_meta_free(s, row->chunk);
				potad_meta_free(s, row);
			} else {
				kfree(row);
			}
			cond_resched();
		}
		potad_meta_free(s, span->tier[t].row);
	}
	potad_meta_free(s, span);
}

/* The first populated group of tier @t from number *@nr on, which it becomes. */
struct potad_group *potad_span_next(const struct potad_span *span,
				    unsigned int t, u64 *nr)
{
	const struct potad_tier *tier = &span->tier[t];

	for (*nr = max(*nr, tier->first); *nr <= tier->last; ++*nr) {
		struct potad_row *row;
		struct potad_group *g;

		row = READ_ONCE(tier->row[*nr / POTAD_ROW - tier->first / POTAD_ROW]);
		if (!row) {
			*nr |= POTAD_ROW - 1;
			continue;
		}
		g = potad_row_group(row, *nr % POTAD_ROW);
		if (g)
			return g;
	}
	return NULL;
}

/* Bytes of memory that the span uses at the moment. */
size_t potad_span_metadata(const struct potad_span *span)
{
	size_t group = span->populated ? sizeof(struct potad_group) :
					 PAGE_ALIGN(sizeof(struct potad_group));
	size_t bytes = sizeof(*span);
	unsigned int t;
	u64 r, nr;

	for (t = 0; t < span->tiers; t++) {
		const struct potad_tier *tier = &span->tier[t];

		bytes += tier_rows(tier) * sizeof(*tier->row);
		for (r = 0; r < tier_rows(tier); r++)
			if (READ_ONCE(tier->row[r]))
				bytes += sizeof(struct potad_row);
		for (nr = 0; potad_span_next(span, t, &nr); nr++)
			bytes += group;
	}
	return bytes;
}

/* The span that @granule is in; NULL.  With interrupts off, or spans_mutex held. */
struct potad_span *potad_span_of(struct potad_space *s, u64 granule)
{
	struct potad_spans *spans;
	unsigned int low = 0, high;

	spans = rcu_dereference_check(s->spans, irqs_disabled() ||
				      lockdep_is_held(&s->spans_mutex));
	high = spans->nr;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (granule < spans->span[mid]->end)
			high = mid;
		else
			low = mid + 1;
	}
	if (low == spans->nr || granule < spans->span[low]->first)
		return NULL;
	return spans->span[low];
}

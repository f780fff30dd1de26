/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A span: a stretch of numbers, as a radix-256 buddy in tiers of groups.
 *
 * A group (group.h) serves orders 0..15 over 65536 units.  Tier 0's units are
 * granules.  Tier 1's units are whole groups of tier 0, tier 2's are whole
 * groups of tier 1; each tier adds 16 orders.  A span has a further tier as
 * long as the topmost has a group that lies in it as a whole:
 *
 *	tier 1         [ group 0:  u0  u1  u2  u3 ... ]        orders 16..31
 *	                           |       |
 *	                        (free)  (broken)
 *	                                   |
 *	tier 0   [ group 0 ] [ group 1 ] [ group 2 ] ...        orders 0..15
 *	          dormant     dormant      awake
 *
 * A unit that is free, or part of a block, at its tier has a dormant group
 * below it, in which nothing is set, or which is not populated at all.  A unit
 * that is broken has an awake one.  A group at an end of the span, of which a
 * part lies outside, is awake from the beginning: what is outside is broken.
 *
 * Groups and units are numbered from 0 on as if the span began there, so that
 * what is aligned in numbers is aligned in maps.
 *
 *	tier    row            128 hints, 128 groups      group
 *	[ ] -> [row 0] ------> [ hints | *   *   * ] ---> [ 65536 units ]
 *	       [row 1]
 *
 * Going down (potad_span_fresh): an allocation that finds no room in its tier
 * takes a unit from the tier above, marks it broken, and wakes the group below.
 * Going up (potad_span_raise): a group that has become wholly free is put to
 * sleep, and becomes a free unit above.  Both hold the two groups' locks, so
 * that free memory is never out of sight of somebody who holds the right lock.
 *
 * Lock order: a tier's group lock before those of the tiers below it, as who
 * looks for what a number is part of comes from above, and a free that raises a
 * group has to know that it stays whole.  Never two of one tier.  A group's lock
 * protects all of the group, and the state (awake or dormant) of the groups
 * below its units.  All are raw spinlocks taken with interrupts off.  To allocate
 * and free takes a few dozen words under a lock; granules that failed in the
 * block, a walk over those of its group; counting, a look at one node; checking, one group's maps.
 *
 * What is read without a lock:
 * - the pointers to rows and groups: set once, and never changed while the span
 *   is there;
 * - hints: one word for each group, written under the group's lock at the end
 *   of each change.  Where to look; the lock decides;
 * - the span itself, with interrupts off: it goes away only after a grace
 *   period of RCU.
 *
 * Only "there is nothing" is ever concluded from hints alone, and only if
 * nothing was freed and no group moved between tiers meanwhile (the counters in
 * struct potad_habit): then some moment existed at which no such block was
 * there.
 */
#ifndef POTAD_SPACE_SPAN_H
#define POTAD_SPACE_SPAN_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "group.h"
#include "space.h"

#define POTAD_TIERS		3
#define POTAD_ROW		128U		/* groups */

/*
 * Of 128 groups, what there is to see without a lock: a line that says where to
 * look, and the hints.
 */
struct potad_row {
	struct potad_group *chunk;		/* if they lie side by side: the */
						/* first; constant		 */
	u32		skip;			/* where in the row that is */
	/* Groups with any room, or more: changed under the group's lock. */
	DECLARE_BITMAP(some, POTAD_ROW);
	DECLARE_BITMAP(leaves, POTAD_ROW);	/* with a free leaf, or more */
	DECLARE_BITMAP(claimed, POTAD_ROW);	/* some CPU's home */

	/* Who changes a hint often has a look at @room, too. */
	u32		room ____cacheline_aligned; /* order + 1 of the largest */
						/* block of all, or more	*/
	u32		hint[POTAD_ROW];	/* see span.c; under the group's */
						/* lock				 */
	struct potad_group *group[POTAD_ROW];	/* NULL: not populated */
};

struct potad_tier {
	u64		first;		/* number of the first group */
	u64		last;		/* and of the last */
	struct potad_row **row;		/* from that of @first on; NULL: none */
					/* of its groups is populated	      */
	u64		rows;		/* from here on there is none */
};

struct potad_span {
	struct potad_space *space;
	u64		first;		/* granule; constant */
	u64		end;		/* the last one, plus one; constant */
	unsigned int	tiers;		/* constant */
	bool		closed;		/* about to go: nothing is taken from it; */
					/* written under spans_mutex		  */
	bool		populated;	/* at once; constant */
	struct potad_tier tier[POTAD_TIERS];
};

/* All of a space, in order of their numbers.  Replaced as a whole. */
struct potad_spans {
	unsigned int	nr;
	struct potad_span *span[];
};

/*
 * What a CPU remembers: only it writes to it, with interrupts off; but that
 * whoever takes a span away clears what points there.
 */
struct potad_habit {
	/* An allocation's line: where it last found room. */
	struct potad_space *space;	/* constant */
	struct potad_group *home[POTAD_MOBILITIES][2]; /* orders 0..7, 8..15 */
	unsigned int	stay;		/* since it looked for a better one */

	/*
	 * A free's line.  @begun and @done count the frees, and the moves of
	 * groups between tiers: they differ during one.
	 */
	u32		begun ____cacheline_aligned;
	u32		done;
	struct potad_span *span;	/* of the last free */
	struct potad_group *last;	/* the groups around it, side by side */
					/* in memory; if that is not NULL:    */
	u64		base;		/* first granule of the first of them */
	u64		from;		/* their granules in their span	      */
	u64		size;
	unsigned int	tier;
} ____cacheline_aligned;

struct potad_space {
	struct potad_spans __rcu *spans; /* replaced under spans_mutex */
	struct potad_habit *habit;	/* by CPU; constant */
	bool		unclean;	/* found overwritten: hands out no more */
	u32		closing;	/* odd while a span is closed; changes */
					/* under spans_mutex		       */
	unsigned int	max_order;	/* of any span */
	u64		end;		/* of the last span */
	atomic64_t	nr;		/* granules of all spans */
	atomic64_t	nr_retired;
	atomic64_t	nr_pending;
	raw_spinlock_t	spare_lock;	/* innermost; protects @spare */
	struct list_head spare;		/* used-up struct potad_failed */
	struct mutex	spans_mutex;	/* outermost; keeps @spans as they are */
	char		*reserve;	/* what is left of the caller's memory */
	char		*reserve_end;	/* NULL if there was none	       */
};

/* A granule that failed while it was part of an allocated block. */
struct potad_failed {
	struct list_head list;		/* on the pending list of the group */
	u64		granule;	/* that the block was cut from */
};

/* Where to look for a block, in this order. */
enum potad_where {
	POTAD_OWN,		/* groups of its mobility that nobody claims */
	POTAD_SHARED,		/* those that some CPU claims, too */
	POTAD_FOREIGN,		/* groups of another mobility: new leaves */
	POTAD_ANYWHERE,		/* leaves of another mobility */
};

static inline unsigned int potad_unit(u64 granule, unsigned int t)
{
	return (granule >> (t * POTAD_GROUP_SHIFT)) % POTAD_GROUP_UNITS;
}

static inline u64 potad_group_nr(u64 granule, unsigned int t)
{
	return granule >> ((t + 1) * POTAD_GROUP_SHIFT);
}

/* How far unit @u of a group is from its first, in the tier that has @order. */
static inline u64 potad_unit_granule(unsigned int u, unsigned int order)
{
	return (u64)u << (order / POTAD_GROUP_SHIFT * POTAD_GROUP_SHIFT);
}

static inline u64 potad_granule(const struct potad_group *g, unsigned int u)
{
	return (g->nr << POTAD_GROUP_SHIFT | u) << (g->tier * POTAD_GROUP_SHIFT);
}

/* The @i-th group of a row; NULL. */
static inline struct potad_group *potad_row_group(const struct potad_row *row,
						  unsigned int i)
{
	return row->chunk ? row->chunk + (i - row->skip) : READ_ONCE(row->group[i]);
}

/* The group of tier @t that @granule, of this span, is in; NULL. */
static inline struct potad_group *potad_span_group(const struct potad_span *span,
						   unsigned int t, u64 granule)
{
	const struct potad_tier *tier = &span->tier[t];
	u64 nr = potad_group_nr(granule, t);
	struct potad_row *row;

	row = READ_ONCE(tier->row[nr / POTAD_ROW - tier->first / POTAD_ROW]);
	return row ? potad_row_group(row, nr % POTAD_ROW) : NULL;
}

/*
 * The groups of tier @t around @granule that lie side by side in memory: the
 * first of them, and how many; those of a row, or else the one.  NULL.
 */
static inline struct potad_group *potad_span_groups(const struct potad_span *span,
						    unsigned int t, u64 granule,
						    unsigned int *nr)
{
	const struct potad_tier *tier = &span->tier[t];
	u64 r = potad_group_nr(granule, t) / POTAD_ROW;
	struct potad_row *row;

	*nr = 1;
	row = READ_ONCE(tier->row[r - tier->first / POTAD_ROW]);
	if (!row || !row->chunk)
		return potad_span_group(span, t, granule);
	*nr = min((r + 1) * POTAD_ROW, tier->last + 1) - max(r * POTAD_ROW, tier->first);
	return row->chunk;
}

/* Granules of groups of tier 0 that are not the span's. */
static inline u64 potad_span_holes(const struct potad_span *span)
{
	return ((span->tier[0].last - span->tier[0].first + 1) << POTAD_GROUP_SHIFT) -
	       (span->end - span->first);
}

/* The spans, which stay as they are as long as spans_mutex is held. */
static inline struct potad_spans *potad_spans_locked(struct potad_space *s)
{
	return rcu_dereference_protected(s->spans, lockdep_is_held(&s->spans_mutex));
}

/* This CPU's; interrupts are off. */
static inline struct potad_habit *potad_habit(struct potad_space *s)
{
	return &s->habit[smp_processor_id()];
}

/* @unit of @g will soon be freed: a part of a leaf, or @big, one or more leaves. */
static inline void potad_group_prefetch(struct potad_group *g, unsigned int unit,
					bool big)
{
	prefetchw(g);
	prefetchw(big ? &g->top : &g->node[unit / POTAD_NODE_UNITS]);
}

/* Around a free, or a move of a group between tiers; interrupts are off. */
static inline void potad_begin(struct potad_habit *habit)
{
	WRITE_ONCE(habit->begun, habit->begun + 1);
	smp_wmb();	/* before what it does; pairs with search() */
}

static inline void potad_end(struct potad_habit *habit)
{
	smp_wmb();	/* after what it did; pairs with search() */
	WRITE_ONCE(habit->done, habit->done + 1);
}

void potad_group_lock(struct potad_group *g);
void potad_group_unlock(struct potad_group *g);
void potad_group_changed(struct potad_group *g);
void potad_group_claim(struct potad_group *g, bool claim);
void potad_group_spent(struct potad_group *g);
const char *potad_hint_check(const struct potad_group *g);

struct potad_span *potad_span_create(struct potad_space *s, u64 first, u64 end,
				     bool populate);
void potad_span_destroy(struct potad_span *span);
size_t potad_span_metadata(const struct potad_span *span);
size_t potad_span_needs(u64 first, u64 end);
struct potad_span *potad_span_of(struct potad_space *s, u64 granule);
int potad_span_populate(struct potad_span *span, u64 granule, unsigned int t,
			gfp_t gfp);

int potad_span_alloc(struct potad_span *span, unsigned int t, unsigned int k,
		     unsigned int m, enum potad_where where,
		     struct potad_group **gp, u32 *units, unsigned int nr);
int potad_span_fresh(struct potad_span *span, unsigned int t, unsigned int k,
		     unsigned int m, struct potad_group **gp, u32 *units,
		     unsigned int nr, unsigned long *flags);
void potad_span_raise(struct potad_group *g);
void potad_span_retire(struct potad_group *g, u64 granule);
int potad_span_take(struct potad_span *span, u64 granule, unsigned int order,
		    unsigned int m);
int potad_span_split(struct potad_span *span, u64 granule);
struct potad_group *potad_span_wake(struct potad_group *g, u64 granule,
				    unsigned int m);

struct potad_group *potad_path_lock(struct potad_span *span, u64 granule,
				    enum potad_code *code, bool *in_top);
void potad_path_unlock(struct potad_group *g, u64 granule);

/* space.c */
u64 potad_space_end(const struct potad_space *s);
u32 potad_sum_begun(const struct potad_space *s);
u32 potad_sum_done(const struct potad_space *s);
int potad_habit_alloc(struct potad_habit *habit, unsigned int order,
		      enum potad_mobility m, u64 *base, u32 *units,
		      unsigned int nr, unsigned long *flags);
unsigned int potad_habit_free(struct potad_habit *habit, unsigned int order,
			      u64 base, const u32 *blocks, unsigned int nr);

/* The most of them at once. */
#define POTAD_BATCH	48U

/* For a walk over what there is. */
struct potad_group *potad_span_next(const struct potad_span *span,
				    unsigned int t, u64 *nr);

/* failed.c: granules that failed in blocks that are not free */
void potad_retire_pending(struct potad_group *g, struct list_head *pending,
			  u64 granule, unsigned int order);
struct potad_failed *potad_find_failed(struct potad_group *g, u64 granule);
const char *potad_pending_check(struct potad_group *g, u64 *pending);

/* Memory of the space's own, zeroed, aligned to a cache line; sleeps. */
void *potad_meta_alloc(struct potad_space *s, size_t bytes);
void potad_meta_free(struct potad_space *s, void *p);

#endif /* POTAD_SPACE_SPAN_H */

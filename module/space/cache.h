/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A cache: per-CPU stacks of blocks in front of a space.
 *
 * One line for each CPU, order and mobility holds up to 13 blocks, and all
 * that a hit needs:
 *
 *	byte 0    1     2     3      4        8              56      64
 *	   [ busy | nr | max | wary | slot 0 | ... slot 12 | habit ]
 *
 * A slot is the number of a block among those of its order.  The handle of a
 * cache is a per-CPU pointer, so that a hit touches that line and nothing else
 * of potad's.  It takes no lock, no atomic operation, and leaves interrupts
 * alone: @busy is set while the line is being worked on, by this CPU, with
 * preemption off; whoever interrupts that on the same CPU finds it set, and
 * goes to the space itself.
 *
 * Behind it, for orders of which there are many, is a bag with room for 62 more,
 * so that a line that runs empty or full is still the CPU's own business; only
 * every 48th block or so the space, with its locks, is asked.  A line without a
 * bag uses one slot less: that is how the two are told without a look.
 *
 * Other CPUs never touch either.  What they want of it (drain it; look out for
 * failed blocks) they ask for by an interprocessor interrupt.
 *
 * As long as a failed granule waits in somebody's block for that to come back,
 * lines are wary: each block that passes is looked for among the failed ones,
 * under its group's lock.
 *
 * The space counts a cached block as allocated.  The cache trusts its callers:
 * a block must be freed once, with its order and mobility.  What is wrong is
 * seen when the line is drained, if the block was not handed out again before;
 * at once after potad_cache_strict(), which is for tests, and for whoever looks for such a
 * mistake.  (potad_pool_*() is sure by other means: the words.)
 */
#ifndef POTAD_SPACE_CACHE_H
#define POTAD_SPACE_CACHE_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include "local.h"
#include "space.h"

struct potad_cache_shared;
struct potad_habit;

#define POTAD_LINE_SLOTS	13
#define POTAD_BAG_SLOTS		62
#define POTAD_CACHED_ORDERS	20
#define POTAD_BAG_ORDERS	11

struct potad_cache_line {
	u8	busy;		/* being worked on, by this CPU */
	u8	nr;		/* blocks in @slot */
	u8	max;		/* at most; 0: this order is not cached; all: */
				/* there is a bag behind it		      */
	u8	wary;		/* some block may hold a failed granule */
	u32	slot[POTAD_LINE_SLOTS];
	struct potad_habit *habit;	/* the CPU's; constant */
} __aligned(64);
static_assert(sizeof(struct potad_cache_line) == 64);

struct potad_cache_bag {
	u32	nr;		/* blocks in @slot */
	u32	max;		/* at most; 0: there is none for this order */
	u32	slot[POTAD_BAG_SLOTS];
} __aligned(64);
static_assert(sizeof(struct potad_cache_bag) == 256);

/* Per CPU.  (Of four columns the last is unused: to find a line is to shift.) */
struct potad_cache {
	struct potad_cache_line line[POTAD_CACHED_ORDERS][POTAD_MOBILITIES + 1];
	struct potad_cache_bag bag[POTAD_BAG_ORDERS][POTAD_MOBILITIES];
	struct potad_cache_shared *shared;	/* the same on all CPUs */
};

struct potad_cache __percpu *potad_cache_create(struct potad_space *s);
void potad_cache_destroy(struct potad_cache __percpu *c);
int potad_cache_alloc_run(struct potad_cache __percpu *c, struct potad_run *run);
unsigned int potad_cache_drain(struct potad_cache __percpu *c);
void potad_cache_strict(struct potad_cache __percpu *c, bool strict);
int potad_cache_retire(struct potad_cache __percpu *c, u64 granule);
bool potad_cache_has(struct potad_cache __percpu *c, u64 granule);
u64 potad_cache_granules(struct potad_cache __percpu *c);

/* What is not a hit */
int potad_cache_alloc_slow(struct potad_cache __percpu *c, unsigned int order,
			   enum potad_mobility mobility, bool wait, u64 *granule);
int potad_cache_alloc_miss(struct potad_cache __percpu *c,
			   struct potad_cache_line *line, unsigned int order,
			   enum potad_mobility mobility, bool wait, u64 *granule);
int potad_cache_free_slow(struct potad_cache __percpu *c, u64 granule,
			  unsigned int order, enum potad_mobility mobility);
int potad_cache_free_miss(struct potad_cache __percpu *c,
			  struct potad_cache_line *line, u64 granule,
			  unsigned int order, enum potad_mobility mobility);

/*
 * This CPU's line, for whoever called preempt_disable(), if nobody works on it;
 * potad_line_leave() also calls preempt_enable().
 */
static __always_inline bool potad_line_enter(struct potad_cache_line *line)
{
	return potad_local_enter(&line->busy);
}

static __always_inline void potad_line_leave(struct potad_cache_line *line)
{
	potad_local_leave(&line->busy);
	preempt_enable();
}

/**
 * potad_cache_alloc() - take a block
 * @c: the cache
 * @order: its order
 * @mobility: of what kind it is
 * @wait: the caller may sleep
 * @granule: set to its first granule
 *
 * A hit is inline: it is shorter than a call with five arguments.
 *
 * Context: Any; process context that may sleep with @wait.  In an NMI only what
 * this CPU has cached can be had.
 * Return: as potad_space_alloc(); but without @wait, -ENOSPC may mean that what
 * is left is cached by other CPUs; -EDEADLK in an NMI.
 */
static __always_inline int potad_cache_alloc(struct potad_cache __percpu *c,
					     unsigned int order,
					     enum potad_mobility mobility,
					     bool wait, u64 *granule)
{
	struct potad_cache_line *line;
	unsigned int nr;

	if (unlikely(order >= POTAD_CACHED_ORDERS ||
		     (unsigned int)mobility >= POTAD_MOBILITIES))
		return potad_cache_alloc_slow(c, order, mobility, wait, granule);
	preempt_disable();
	line = this_cpu_ptr(&c->line[order][mobility]);
	if (unlikely(!potad_line_enter(line))) {
		preempt_enable();
		return potad_cache_alloc_slow(c, order, mobility, wait, granule);
	}
	nr = line->nr;
	if (unlikely(!nr || line->wary))
		return potad_cache_alloc_miss(c, line, order, mobility, wait, granule);
	WRITE_ONCE(line->nr, --nr);	/* others may look: potad_cache_has() */
	*granule = (u64)line->slot[nr] << order;
	potad_line_leave(line);
	return 0;
}

/**
 * potad_cache_free() - give a block back
 * @c: the cache
 * @granule: its first granule
 * @order: its order
 * @mobility: what it was allocated as
 *
 * The caller has the block; that is checked only where it does not go into a
 * line.
 *
 * Context: Any.  In an NMI only as long as this CPU's line has room.
 * Return: 0; where it is checked, as potad_space_free(); -EDEADLK in an NMI,
 * and the block is not freed.
 */
static __always_inline int potad_cache_free(struct potad_cache __percpu *c,
					    u64 granule, unsigned int order,
					    enum potad_mobility mobility)
{
	u64 block = granule >> (order & 63);
	struct potad_cache_line *line;
	unsigned int nr;

	if (unlikely(order >= POTAD_CACHED_ORDERS ||
		     (unsigned int)mobility >= POTAD_MOBILITIES))
		return potad_cache_free_slow(c, granule, order, mobility);
	preempt_disable();
	line = this_cpu_ptr(&c->line[order][mobility]);
	if (unlikely(!potad_line_enter(line))) {
		preempt_enable();
		return potad_cache_free_slow(c, granule, order, mobility);
	}
	nr = line->nr;
	if (unlikely(nr >= line->max || line->wary || block >> 32 ||
		     block << order != granule))
		return potad_cache_free_miss(c, line, granule, order, mobility);
	WRITE_ONCE(line->slot[nr], block);	/* others may look: potad_cache_has() */
	WRITE_ONCE(line->nr, nr + 1);
	potad_line_leave(line);
	return 0;
}

#endif /* POTAD_SPACE_CACHE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A cache: per-CPU stacks of blocks in front of a space.
 *
 * One line for each CPU and order holds up to seven blocks, and all that
 * a hit needs:
 *
 *	byte 0    1     2     3           8        16              64
 *	   [ busy | nr | max | wary | -  | slot 0 | slot 1 ... slot 6 ]
 *
 * A hit touches that line and the struct potad_cache, takes no lock, no atomic
 * operation, and leaves interrupts alone: @busy is set while the line is being
 * worked on, by this CPU, with preemption off; whoever interrupts that on the
 * same CPU finds it set, and goes to the space itself.
 *
 * Other CPUs never touch a line.  What they want of it (drain it; look out for
 * failed blocks) they ask for by an interprocessor interrupt.
 *
 * The space counts a cached block as allocated.  The cache trusts its callers:
 * a block must be freed once, and with its order.  Whoever cannot be sure
 * (potad_pool_*(), by way of the words) checks before.
 */
#ifndef POTAD_SPACE_CACHE_H
#define POTAD_SPACE_CACHE_H

#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "space.h"

#define POTAD_LINE_SLOTS	7

struct potad_cache_line {
	u8	busy;		/* being worked on, by this CPU */
	u8	nr;		/* blocks in @slot */
	u8	max;		/* at most; 0: this order is not cached */
	u8	wary;		/* some block may hold a failed granule */
	u64	slot[POTAD_LINE_SLOTS];
} __aligned(64);
static_assert(sizeof(struct potad_cache_line) == 64);

/* All of one CPU. */
struct potad_cache_cpu {
	struct potad_cache_line line[POTAD_MAX_ORDER + 1];
};

struct potad_cache {
	struct potad_cache_cpu __percpu *cpu;
	struct potad_space *space;
	struct mutex drain_mutex;	/* one drains at a time: protects     */
					/* @drain_todo, and the lines of CPUs */
					/* that are offline		      */
	struct cpumask drain_todo;
};

int potad_cache_init(struct potad_cache *c, struct potad_space *s);
void potad_cache_exit(struct potad_cache *c);
int potad_cache_alloc(struct potad_cache *c, unsigned int order, bool wait,
		      u64 *granule);
void potad_cache_free(struct potad_cache *c, u64 granule, unsigned int order);
void potad_cache_drain(struct potad_cache *c);
int potad_cache_retire(struct potad_cache *c, u64 granule);
bool potad_cache_has(struct potad_cache *c, u64 granule);
u64 potad_cache_granules(struct potad_cache *c);

#endif /* POTAD_SPACE_CACHE_H */

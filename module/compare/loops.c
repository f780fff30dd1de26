// SPDX-License-Identifier: GPL-2.0
/*
 * The subjects, each with loops of its own.
 *
 * loop.h is the same source for all of them; included once for each it finds
 * the subject's functions by their names, and all of them inline.  So nothing
 * that is timed goes through a pointer.
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/minmax.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "loops.h"

#define BATCH		POTAD_BATCH

/* A part that is not timed. */
#define UNTIMED		POTAD_TURN_PARTS

/* One of so many is timed by itself: a prime, so that it is never the same one of a cache. */
#define LONE_OF		17U

/* So often "fragmentation" gives a tenth back and takes it anew. */
#define FRAGMENT_ROUNDS	100U

/* No block has this order: there is none. */
#define NO_ORDER	U8_MAX

static_assert(POTAD_MAX_ORDER + 1 < NO_ORDER);

/* A batch begins: when?  What is counted is no part of its time. */
static __always_inline u64 batch_begin(struct potad_member *m, const bool lone)
{
	if (!lone && m->counter)
		potad_counter_begin(m->counter);
	return potad_ticks();
}

/* How long, since @begin, in ns; without what the clock itself costs. */
static __always_inline u64 lasted(const struct potad_member *m, u64 begin)
{
	const struct potad_stopwatch *watch = &m->turn->watch;
	u64 ticks = potad_ticks_since(begin);

	return potad_stopwatch_ns(watch, ticks - min(ticks, watch->cost));
}

/* A batch that began at @begin is done. */
static __always_inline void batch_done(struct potad_member *m, const bool lone,
				       unsigned int part, u64 begin, u32 ops)
{
	u64 ns = lasted(m, begin);

	if (lone || part == UNTIMED || !ops)
		return;
	if (m->counter)
		potad_counter_end(m->counter, &m->counts[part], ops);
	potad_tally_add(&m->tally[part], ns, ops);
}

/* 0: this one is not timed. */
static __always_inline u64 lone_begin(struct potad_member *m, const bool lone)
{
	if (!lone || --m->until)
		return 0;
	m->until = LONE_OF;
	return potad_ticks();
}

static __always_inline void lone_end(struct potad_member *m, const bool lone,
				     unsigned int part, u64 begin)
{
	u64 ns;

	if (!lone || !begin)
		return;
	ns = lasted(m, begin);
	if (part != UNTIMED)
		potad_tally_add(&m->tally[part], ns, 1);
}

/* Into the hash of what is asked for goes what of it is at random. */
static __always_inline void request(struct potad_member *m, const bool lone, u64 what)
{
	if (lone)
		m->requests = (rol64(m->requests, 5) ^ what) * GOLDEN_RATIO_64;
}

/*
 * Random numbers: a linear congruence, whose upper half is good enough and whose
 * cost is a multiplication.  All subjects get the same ones.
 */
static __always_inline u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state;
}

/* 0 .. @limit - 1 */
static __always_inline u32 random_slot(u64 number, u32 limit)
{
	return ((number >> 32) * limit) >> 32;
}

/* The same from other bits, for a small @limit. */
static __always_inline u32 random_order(u64 number, u32 limit)
{
	return ((number >> 16 & 0xffff) * limit) >> 16;
}

/* The other side is behind. */
static inline void ring_wait(void)
{
	cpu_relax();
	cond_resched();
}

#define SUBJECT		bare
#include "loop.h"

#define SUBJECT		described
#include "loop.h"

#define SUBJECT		buddy
#include "loop.h"

#define SUBJECT		compound
#include "loop.h"

#define SUBJECT		kmalloc
#include "loop.h"

#define SUBJECT		area
#include "loop.h"

#define SUBJECT		contig
#include "loop.h"

#define SUBJECT		gpu
#include "loop.h"

#define SUBJECT		genalloc
#include "loop.h"

#define SUBJECT		nothing
#include "loop.h"

#define SUBJECT_ENTRY(id, ...)	\
	[subject_##id] = id##_run,

const potad_loops_fn potad_loops[POTAD_SUBJECTS] = {
#include "list.h"
};
EXPORT_SYMBOL_POTAD_TESTS(potad_loops);

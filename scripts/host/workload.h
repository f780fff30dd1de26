/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workloads: what a subject is asked to do, by one thread or several.
 *
 *	pair		take a block, give it back
 *	bulk		take all blocks, then give all back, in the same order
 *	random-free	the same, but back in random order; only that is timed
 *	churn		half full: give one at random back, take another
 *	mixed		the same with orders 0..10, as many bytes of each
 *	cross		one thread takes, another gives back, through a ring
 *
 * Each thread has blocks of its own.  All random numbers are drawn beforehand,
 * and read in sequence; what is random on top of that is the table of blocks, as it
 * would be in any user.
 */
#ifndef POTAD_HOST_WORKLOAD_H
#define POTAD_HOST_WORKLOAD_H

#include <linux/types.h>

#include "subject.h"

enum workload {
	PAIR, BULK, RANDOM_FREE, CHURN, MIXED, CROSS,
};

extern const char * const workload_names[NR_WORKLOADS];

#define MIXED_ORDERS	11		/* 0..10 */
#define MAX_PHASES	2

/* What thread 0 took and thread 1 has not given back yet. */
#define RING_SLOTS	1024U

struct ring {
	u32	in __aligned(64);
	u32	out __aligned(64);
	u64	slot[RING_SLOTS] __aligned(64);
};

/* Where all threads of a run meet. */
struct meeting {
	u32	here;
	u32	round;
	u32	threads;
};

void meet(struct meeting *m);

/**
 * struct job - one thread's part of a workload
 * @me: the subject
 * @cpu: 0, 1, ...
 * @order: of the blocks, in granules
 * @ops: operations a round
 * @want: blocks that this thread has when it is as full as it shall be
 * @block: those that it has: see keep()
 * @nr: how many
 * @index: random numbers below @want, @ops of them
 * @orders: random orders, @ops of them
 * @ring: for two threads
 * @meeting: of all threads
 * @ns: set to how long each phase took
 * @done: and how many operations it had
 * @refused: requests that were
 */
struct job {
	struct instance	*me;
	unsigned int	cpu;
	unsigned int	order;
	u64		ops;
	u64		want;
	u32		*block;
	u64		nr;
	u32		*index;
	u8		*orders;
	struct ring	*ring;
	struct meeting	*meeting;
	u64		ns[MAX_PHASES];
	u64		done[MAX_PHASES];
	u64		refused;
};

u64 now_ns(void);
u64 draw(u64 *seed);

/* All orders of the elements of an array are as likely. */
#define shuffle(array, nr, seed)					\
	do {								\
		__auto_type __a = (array);				\
		u64 __n = (nr);						\
									\
		while (__n > 1) {					\
			u64 __other = draw(seed) % __n--;		\
									\
			swap(__a[__n], __a[__other]);			\
		}							\
	} while (0)

/*
 * What a workload keeps of a block: 28 bits say where, in units, and 4 of which
 * order, as a user would who has many.  The table, a random place of which is
 * looked at each time, is the harness's own cost: the smaller, the less of it there is.
 */
#define NONE			U32_MAX
#define MAX_KEPT_UNITS		((1ULL << 28) - 1)
#define MAX_KEPT_ORDER		15

static inline u32 keep(const struct shape *shape, u64 granule, unsigned int order)
{
	return granule >> shape->unit << 4 | (order - shape->unit);
}

static inline u64 kept_granule(const struct shape *shape, u32 kept)
{
	return (u64)(kept >> 4) << shape->unit;
}

static inline unsigned int kept_order(const struct shape *shape, u32 kept)
{
	return (kept & 15) + shape->unit;
}

/* Which phases are timed, and what they are called; NULL: one, without a name. */
const char *phase_name(enum workload w, unsigned int phase);

/* A table of functions, one for each workload, for subject @name. */
#define DECLARE_WORKLOADS(name)						\
	void name##_pair(struct job *job);				\
	void name##_bulk(struct job *job);				\
	void name##_random_free(struct job *job);			\
	void name##_churn(struct job *job);				\
	void name##_mixed(struct job *job);				\
	void name##_cross(struct job *job)

DECLARE_WORKLOADS(empty);
DECLARE_WORKLOADS(potad);
DECLARE_WORKLOADS(space);
DECLARE_WORKLOADS(list);
DECLARE_WORKLOADS(watched);

#endif /* POTAD_HOST_WORKLOAD_H */

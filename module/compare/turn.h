/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A turn: one subject does one workload, on one CPU or on several at once.
 *
 *	workload      what is timed, and one operation of it
 *	pair          an allocation and its free
 *	bulk          each of @blocks allocations; then, apart, each of their
 *	              frees, in the order in which they were allocated
 *	random-free   each free, in random order
 *	churn         of @blocks that are held one at random is freed, and one
 *	              allocated for it
 *	mixed         the same with random orders, @first_order to @last_order
 *	cross         the first CPU allocates, the second frees what it has had, up to
 *	              500 at a time: each allocation; and, apart, each free
 *	fragmentation nothing: it counts the 2 MiB in which it had a block, and those in
 *	              which it still has one.
 *	              @blocks are allocated, half of them, drawn at random, given
 *	              back, and then 100 times a tenth of what is left given back
 *	              and taken anew
 *
 * There are two kinds of turns.  In the one operations are timed in batches, which
 * disturbs them least; in the other (@lone) each 17th by itself, which shows how long
 * single ones take at worst.  What the clock itself costs is subtracted.  The
 * latter also makes a hash of all requests: of what is drawn at random, and in which
 * order.  It is the same for all subjects, or they were not compared.
 *
 * Each CPU is a member with blocks, random numbers and tallies of its own.  They
 * wait for each other before and after what is timed, so that all the while
 * that one is timed the others are at work as well.  Not so in "cross": whoever is
 * faster waits, untimed, for what it has to free, or for room; so the slower one is
 * alone for a part of its time.
 *
 * If one of them fails all stop, and give back what they hold.
 */
#ifndef POTAD_COMPARE_TURN_H
#define POTAD_COMPARE_TURN_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "compare.h"
#include "counter.h"
#include "stopwatch.h"
#include "tally.h"

#define POTAD_BATCH		500U	/* operations that are timed together */
#define POTAD_TURN_PARTS	2	/* timed apart: allocations, frees */

struct potad_member;
struct potad_ring;
struct potad_turn;
struct subject_kit;
struct task_struct;

/* Does one member's part of a turn; an error is in the turn. */
typedef void (*potad_loops_fn)(struct potad_member *m);

/**
 * struct potad_frames - a set of aligned 2 MiB
 * @seen: them, by number
 * @nr: how many
 */
struct potad_frames {
	struct xarray	seen;
	atomic_t	nr;
};

/**
 * struct potad_member - what one CPU does in a turn
 * @turn: the turn
 * @task: the thread that does it, where there are several
 * @me: which one of them: 0, 1 ...
 * @met: how often it has waited for the others
 * @random: state of its random numbers
 * @drawn: those of the batch that is under way
 * @held: room for @blocks of what a subject holds
 * @order: room for as many orders
 * @had: how many it holds
 * @refused: how often it went without a block, which only "mixed" does
 * @until: so many operations until one is timed by itself
 * @requests: a hash of what it asked for
 * @counter: counts what its task does; NULL: nothing does
 * @tally: its times, of batches or of single operations
 * @counts: and what was counted, of batches
 */
struct potad_member {
	struct potad_turn	*turn;
	struct task_struct	*task;
	unsigned int		me;
	unsigned int		met;
	u64			random;
	u64			drawn[POTAD_BATCH];
	void			*held;
	u8			*order;
	u32			had;
	u32			refused;
	u32			until;
	u64			requests;
	struct potad_counter	*counter;
	struct potad_tally	tally[POTAD_TURN_PARTS];
	struct potad_counts	counts[POTAD_TURN_PARTS];
} ____cacheline_aligned;

/**
 * struct potad_turn - a turn
 * @kit: what subjects work with
 * @loops: the subject's
 * @workload: what they do
 * @first_order: of pages, and may be negative; but for "mixed" the only one
 * @last_order: the largest
 * @lone: operations are timed by themselves
 * @members: how many CPUs
 * @blocks: for each of them
 * @counters: each of them counts what it does
 * @ops: for each of them, about: "bulk" and "random-free" finish what they begin
 * @err: the first error; all stop
 * @arrived: how often anybody has begun to wait for the others
 * @running: how many are not done
 * @done: completed by the last
 * @ring: for "cross"
 * @watch: what all are timed with
 * @ever: the 2 MiB in which "fragmentation" ever had anything
 * @last: and those in which it has something at the end
 * @member: the members
 */
struct potad_turn {
	const struct subject_kit *kit;
	potad_loops_fn		loops;
	enum potad_workload	workload;
	int			first_order;
	int			last_order;
	bool			lone;
	unsigned int		members;
	u32			blocks;
	u32			ops;
	bool			counters;

	int			err;
	atomic_t		arrived;
	atomic_t		running;
	struct completion	done;
	struct potad_ring	*ring;
	struct potad_stopwatch	watch;
	struct potad_frames	ever;
	struct potad_frames	last;
	struct potad_member	member[POTAD_COMPARE_CPUS];
};

struct potad_turn *potad_turn_create(const struct subject_kit *kit);
void potad_turn_destroy(struct potad_turn *turn);
int potad_turn_run(struct potad_turn *turn, potad_loops_fn loops, u64 seed);

/* For the loops */
bool potad_turn_stopped(struct potad_turn *turn);
void potad_turn_fail(struct potad_turn *turn, int err);
void potad_turn_touch(struct potad_turn *turn, struct potad_frames *frames, u64 first,
		      u64 last);
bool potad_turn_meet(struct potad_member *m);

#endif /* POTAD_COMPARE_TURN_H */

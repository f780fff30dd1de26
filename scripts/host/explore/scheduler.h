/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler: runs what several CPUs do as coroutines of one thread, and
 * goes through all orders in which they can do it.
 *
 * An actor is a task of a CPU, or an interrupt of it.  It stops at points
 * (primitives.h).  At each, one of those that can go on is picked: the one that
 * was running first, then the others, as long as not more than @bound of them
 * were preempted, that is, stopped although they could have gone on (the
 * bounded search of CHESS, Musuvathi and Qadeer, 2007: few preemptions are
 * enough for nearly all known bugs).  Who waits, or ends, leaves the choice free.
 *
 *	scheduler_first(bound);
 *	do {
 *		scheduler_reset(); scheduler_add(...); ...
 *		ok = scheduler_run();
 *	} while (ok && scheduler_next());
 *
 * What may run on one CPU: an interrupt, when its tasks have interrupts on, to
 * its end; another task, when the one before has preemption and interrupts on.
 */
#ifndef POTAD_EXPLORE_SCHEDULER_H
#define POTAD_EXPLORE_SCHEDULER_H

#include <stdbool.h>

#define SCHEDULER_CPUS		3
#define SCHEDULER_ACTORS	8	/* SCHEDULER_CPUS of them for IPIs */
#define SCHEDULER_NOBODY	(-1)

void scheduler_first(unsigned int bound);
bool scheduler_next(void);

void scheduler_reset(void);
int scheduler_add(unsigned int cpu, bool interrupt, void (*fn)(void *arg), void *arg);
bool scheduler_run(void);

/*
 * Something was written in this run, for the first time, that others read as a
 * hint: all that came before knew of one point less, and is to be done again.
 */
bool scheduler_learnt(void);
void scheduler_forget(void);	/* another scenario: nothing is known */

/* Who is running: the number that scheduler_add() gave, or nobody: set-up. */
int scheduler_actor(void);
/* Makes the thread at large, when no actor runs, be a CPU. */
void scheduler_be_cpu(unsigned int cpu);

/* Something is wrong; does not return to an actor. */
__printf(1, 2)
void scheduler_fail(const char *fmt, ...);
/* What was wrong, or NULL. */
const char *scheduler_failure(void);
/* For the trace: a line of its own. */
__printf(1, 2)
void scheduler_tell(const char *fmt, ...);

/*
 * A schedule in words: "12:1,40:1/a80" says that in the 12th choice the second was
 * picked, and the first where nothing is said; and which hints are points.
 */
const char *scheduler_schedule(void);
bool scheduler_replay(const char *schedule);
/* 1: tells who stops and goes on where; 2: every point. */
void scheduler_trace(int level);

extern unsigned long long scheduler_runs;	/* since scheduler_first() */
extern unsigned int scheduler_points;		/* most in a run */

#endif /* POTAD_EXPLORE_SCHEDULER_H */

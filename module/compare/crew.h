/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A crew: threads that do the steps of a replay, each its own in order.
 *
 * Whoever reads the recording puts each step in a window, and its place there in the
 * list of the thread, the "hand", that is to do it:
 *
 *	window   ... | 0a | 1a | 0f | 1f | 0a |  in the order of the recording
 *	                ^settled            ^added
 *	hand 0       0    2    4                 which are its own
 *	             ^done     ^added
 *	hand 1       1    3
 *
 * A hand does its steps in this order, 100 at a time.  Between hands one order is
 * kept: a block is freed after it was allocated.  A lease says whose step allocates it
 * (@by), and the how manyth of that hand's it is (@nth); each hand says how many it
 * has done.  So a free can be done when hand @by has done more than @nth, and until
 * then its hand sleeps.
 *
 * Nobody waits for ever: of all steps that are not done take the one that is first in
 * the recording.  All its hand's before it are done, and so is the allocation that it
 * may need, which is before it as well.  So it can be done, provided that its hand
 * knows of it: hands are told of some hundred steps at a time, and of all that there are
 * before whoever adds goes to sleep.
 *
 * Steps are settled, by whoever adds them, in the order of the recording: sums, peaks
 * and what is free for another lease are the same however many hands there are.  The
 * window is small.  When it is full whoever adds sleeps until its first steps are done,
 * so no hand is further ahead of another than that, and memory is bounded.
 *
 * A crew of one has no thread: whoever adds does the steps.
 *
 * No lock.  Each number has one writer: @added is of who adds, @done of the hand.  They
 * are published with release and read with acquire, and whatever was written before,
 * steps and leases, is there for who has seen the number.  A lease is written by who
 * adds until its step is published, then by the hand that has the step, then by the
 * hand that frees it, and by who adds again when that is settled.
 */
#ifndef POTAD_COMPARE_CREW_H
#define POTAD_COMPARE_CREW_H

#include <linux/types.h>

#include "steps.h"
#include "tally.h"

#define POTAD_CREW_HANDS	64U
#define POTAD_CREW_BATCH	100U	/* steps that are timed together */
#define POTAD_CREW_CHUNK	400U	/* that a hand is told of at once */

struct potad_crew;

/* What was done: in the order of the recording, and never two at once. */
typedef void (*potad_settle_fn)(const struct potad_step *step, void *arg);

/**
 * struct potad_crew_sums - what the hands know
 * @tally: times, of all of them
 * @refused: allocations that would have left the kernel too little
 * @waits: how often one slept until another had allocated what it was to free
 */
struct potad_crew_sums {
	struct potad_tally	tally;
	u64			refused;
	u64			waits;
};

u32 potad_crew_window(unsigned int hands);
struct potad_crew *potad_crew_create(const struct potad_stepper *stepper,
				     const struct subject_kit *kit, unsigned int hands,
				     potad_settle_fn settle, void *arg);
int potad_crew_add(struct potad_crew *crew, unsigned int hand, struct potad_lease *lease,
		   bool frees);
int potad_crew_drain(struct potad_crew *crew);
void potad_crew_stop(struct potad_crew *crew);
void potad_crew_destroy(struct potad_crew *crew);
void potad_crew_sums(const struct potad_crew *crew, struct potad_crew_sums *sums);
unsigned int potad_crew_hands(const struct potad_crew *crew);

#endif /* POTAD_COMPARE_CREW_H */

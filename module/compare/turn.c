// SPDX-License-Identifier: GPL-2.0
/*
 * A turn: one subject does one workload, on one CPU or on several at once.
 *
 * One CPU: whoever asked for it does it, and stays where it is meanwhile.  Several:
 * a thread for each of the first CPUs that are there, made for this turn; whoever
 * asked waits, and after a signal, be it Ctrl-C, makes them stop.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "counter.h"
#include "loops.h"
#include "turn.h"

#define FRAME_SHIFT	21	/* 2 MiB */

/* Makes all members stop; the first reason stays. */
void potad_turn_fail(struct potad_turn *turn, int err)
{
	cmpxchg(&turn->err, 0, err);
}

/* Between two batches: is there a reason not to go on? */
bool potad_turn_stopped(struct potad_turn *turn)
{
	cond_resched();
	if (signal_pending(current))
		potad_turn_fail(turn, -EINTR);
	return READ_ONCE(turn->err);
}

/*
 * Waits until all members have come as far.  Returns false if they had better
 * stop.  All call it equally often, unless they stop.
 */
bool potad_turn_meet(struct potad_member *m)
{
	struct potad_turn *turn = m->turn;
	int all = ++m->met * turn->members;

	/* Whatever it did before is done: the others may look at it. */
	atomic_inc_return(&turn->arrived);
	while (atomic_read_acquire(&turn->arrived) < all) {
		if (potad_turn_stopped(turn))
			return false;
		cpu_relax();
	}
	return !potad_turn_stopped(turn);
}

static void frames_init(struct potad_frames *frames)
{
	xa_init(&frames->seen);
	atomic_set(&frames->nr, 0);
}

static void frames_clear(struct potad_frames *frames)
{
	xa_destroy(&frames->seen);
	atomic_set(&frames->nr, 0);
}

/* There is something held from @first to @last. */
void potad_turn_touch(struct potad_turn *turn, struct potad_frames *frames, u64 first,
		      u64 last)
{
	unsigned long frame;
	int err;

	for (frame = first >> FRAME_SHIFT; frame <= last >> FRAME_SHIFT; frame++) {
		if (xa_load(&frames->seen, frame))
			continue;
		/* Another member may have come first: then it is counted. */
		err = xa_insert(&frames->seen, frame, xa_mk_value(0), GFP_KERNEL);
		if (!err)
			atomic_inc(&frames->nr);
		else if (err != -EBUSY)
			potad_turn_fail(turn, err);
	}
}

/* A member's part, by its own task: whose events alone its counter counts. */
static void run_member(struct potad_member *m)
{
	struct potad_counter counter;

	m->counter = NULL;
	if (m->turn->counters && !m->turn->lone &&
	    !potad_counter_open(&counter, potad_counted))
		m->counter = &counter;
	m->turn->loops(m);
	if (m->counter)
		potad_counter_close(m->counter);
	m->counter = NULL;
}

static int member_thread(void *arg)
{
	struct potad_member *m = arg;
	struct potad_turn *turn = m->turn;

	run_member(m);
	if (atomic_dec_and_test(&turn->running))
		complete(&turn->done);
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/*
 * A thread for each member.  What fails here leaves none behind.  -ENXIO: there are fewer
 * CPUs by now.
 */
static int create_threads(struct potad_turn *turn)
{
	unsigned int i = 0;
	int cpu, err = -ENXIO;

	for_each_online_cpu(cpu) {
		struct potad_member *m = &turn->member[i];

		if (i == turn->members)
			break;
		m->task = kthread_create(member_thread, m, "potad-compare/%u", i);
		if (IS_ERR(m->task)) {
			err = PTR_ERR(m->task);
			break;
		}
		kthread_bind(m->task, cpu);
		i++;
	}
	if (i == turn->members)
		return 0;
	while (i--)
		kthread_stop(turn->member[i].task);
	return err;
}

static int run_threads(struct potad_turn *turn)
{
	unsigned int i;
	int err;

	err = create_threads(turn);
	if (err)
		return err;
	atomic_set(&turn->running, turn->members);
	init_completion(&turn->done);
	for (i = 0; i < turn->members; i++)
		wake_up_process(turn->member[i].task);
	if (wait_for_completion_interruptible(&turn->done)) {
		potad_turn_fail(turn, -EINTR);
		wait_for_completion(&turn->done);
	}
	for (i = 0; i < turn->members; i++)
		kthread_stop(turn->member[i].task);
	return 0;
}

/**
 * potad_turn_run() - let a subject have its turn
 * @turn: what, by how many; each member's @held and @order have room for @blocks
 * @loops: the subject's
 * @seed: the same one gives the same random numbers
 *
 * Context: Process context; takes its time; a signal ends it.
 * Return: 0, and the members' tallies are filled in; -ENOMEM if a block was
 * refused or there was no memory for threads; -ENXIO: there are not as many CPUs;
 * -EINTR.
 */
int potad_turn_run(struct potad_turn *turn, potad_loops_fn loops, u64 seed)
{
	unsigned int i, part;
	int err = 0;

	turn->loops = loops;
	turn->err = 0;
	frames_clear(&turn->ever);
	frames_clear(&turn->last);
	turn->ring->given = 0;
	turn->ring->taken = 0;
	turn->ring->ended = false;
	atomic_set(&turn->arrived, 0);
	for (i = 0; i < turn->members; i++) {
		struct potad_member *m = &turn->member[i];

		m->me = i;
		m->met = 0;
		m->had = 0;
		m->refused = 0;
		m->until = 1;
		m->requests = 0;
		m->random = seed * POTAD_COMPARE_CPUS + i;
		memset(m->counts, 0, sizeof(m->counts));
		for (part = 0; part < POTAD_TURN_PARTS; part++)
			potad_tally_reset(&m->tally[part]);
	}
	if (turn->members > 1) {
		err = run_threads(turn);
	} else {
		migrate_disable();
		run_member(&turn->member[0]);
		migrate_enable();
	}
	return err ?: turn->err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_turn_run);

/* NULL: no memory. */
struct potad_turn *potad_turn_create(const struct subject_kit *kit)
{
	struct potad_turn *turn = kvzalloc_obj(*turn, GFP_KERNEL);
	unsigned int i;

	if (!turn)
		return NULL;
	turn->kit = kit;
	potad_stopwatch_set(&turn->watch);
	frames_init(&turn->ever);
	frames_init(&turn->last);
	for (i = 0; i < POTAD_COMPARE_CPUS; i++)
		turn->member[i].turn = turn;
	turn->ring = kvzalloc_obj(*turn->ring, GFP_KERNEL);
	if (!turn->ring) {
		kvfree(turn);
		return NULL;
	}
	return turn;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_turn_create);

void potad_turn_destroy(struct potad_turn *turn)
{
	if (!turn)
		return;
	frames_clear(&turn->ever);
	frames_clear(&turn->last);
	kvfree(turn->ring);
	kvfree(turn);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_turn_destroy);

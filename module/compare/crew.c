// SPDX-License-Identifier: GPL-2.0
/*
 * A crew; the story is in crew.h.
 *
 * Before a batch is timed its steps are copied, and each lease looked at: what it costs
 * to get its line from who wrote it last is no subject's.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/prefetch.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "../include/compat.h"
#include "crew.h"
#include "ledger.h"

#define BATCH	POTAD_CREW_BATCH

/* To wake a hand can take longer than it takes to do them. */
#define CHUNK	POTAD_CREW_CHUNK

/* In the window, for each hand: while it does some, others are added. */
#define STEPS	(2 * CHUNK)

/**
 * struct potad_hand - one thread
 * @crew: of which it is
 * @task: the thread; NULL: whoever adds does it
 * @me: which one of them
 * @mine: where its steps are in the window
 * @more: it was told of more; it sleeps there when it has nothing to do
 * @given: how many it was given; of who adds, as the next two
 * @settled: how many of them are settled
 * @added: how many it was told of
 * @done: how many it has done
 * @refused: allocations that were not tried; the hand's, as all that follow
 * @waits: how often it slept for another
 * @ns: what the last @ops of them took, which are not in @tally yet
 * @ops: fewer than a batch
 * @tally: times
 * @batch: what it is doing
 */
struct potad_hand {
	struct potad_crew	*crew;
	struct task_struct	*task;
	unsigned int		me;
	u16			*mine;
	wait_queue_head_t	more;
	u64			given ____cacheline_aligned_in_smp;
	u64			settled;
	u64			added;
	u64			done ____cacheline_aligned_in_smp;
	u64			refused;
	u64			waits;
	u64			ns;
	unsigned int		ops;
	struct potad_tally	tally;
	struct potad_step	batch[BATCH];
};

/**
 * struct potad_crew - a crew
 * @stepper: who does it
 * @kit: what with
 * @settle: called for what is done
 * @arg: handed to @settle
 * @hands: how many
 * @mask: of places in the window
 * @window: the steps
 * @mine: the hands' lists, in one piece
 * @added: how many steps were added; of who adds, as @settled
 * @settled: how many of them are settled
 * @progress: some hand has done more; who waits for others sleeps there
 * @wanted: bytes that native steps are asking for right now
 * @hand: the hands
 */
struct potad_crew {
	const struct potad_stepper *stepper;
	const struct subject_kit *kit;
	potad_settle_fn		settle;
	void			*arg;
	unsigned int		hands;
	u32			mask;
	struct potad_step	*window;
	u16			*mine;
	u64			added;
	u64			settled;
	wait_queue_head_t	progress;
	atomic64_t		wanted;
	struct potad_hand	hand[];
};

/* How many steps may be under way at once. */
u32 potad_crew_window(unsigned int hands)
{
	return roundup_pow_of_two(hands * STEPS);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_window);

/* A list has places as 16 bits. */
static_assert(POTAD_CREW_HANDS * STEPS <= BIT(16));

static struct potad_step *step_of(const struct potad_hand *hand, u64 nth)
{
	const struct potad_crew *crew = hand->crew;

	return &crew->window[hand->mine[nth & crew->mask]];
}

/* Those who sleep there look again. */
static void tell(wait_queue_head_t *sleepers)
{
	/* The full barrier in it: who is about to sleep sees the new number, or is seen. */
	if (wq_has_sleeper(sleepers))
		wake_up_all(sleepers);
}

/* Doing steps --------------------------------------------------------------- */

/* Is it a free of what another hand has yet to allocate? */
static bool too_early(const struct potad_hand *hand, const struct potad_step *step)
{
	const struct potad_lease *l = step->lease;

	if (!step->frees || l->by == hand->me)
		return false;
	/* Pairs with the release in do_batch(): what is held is in the lease by then. */
	return smp_load_acquire(&hand->crew->hand[l->by].done) <= l->nth;
}

/* Copies what can be done now, at most what a batch still wants.  Returns how many. */
static unsigned int gather(struct potad_hand *hand)
{
	/* Pairs with the release in publish(): the steps are there. */
	u64 added = smp_load_acquire(&hand->added);
	unsigned int most = min_t(u64, added - hand->done, BATCH - hand->ops), nr;

	for (nr = 0; nr < most; nr++) {
		const struct potad_step *step = step_of(hand, hand->done + nr);

		if (too_early(hand, step))
			break;
		prefetchw(step->lease);
		hand->batch[nr] = *step;
	}
	return nr;
}

/* Times what was gathered, and says that it is done. */
static void do_batch(struct potad_hand *hand, unsigned int nr)
{
	struct potad_crew *crew = hand->crew;
	bool native = crew->stepper->native;
	u64 begin;

	if (native)
		hand->refused += potad_steps_spare(hand->batch, nr, &crew->wanted);
	begin = ktime_get_ns();
	crew->stepper->run(crew->kit, hand->batch, nr);
	hand->ns += ktime_get_ns() - begin;
	if (native)
		potad_steps_spared(hand->batch, nr, &crew->wanted);
	hand->ops += nr;
	if (hand->ops == BATCH) {
		potad_tally_add(&hand->tally, hand->ns, hand->ops);
		hand->ns = 0;
		hand->ops = 0;
	}
	/* Whoever sees that they are done sees what became of the leases. */
	smp_store_release(&hand->done, hand->done + nr);
}

static bool has_steps(const struct potad_hand *hand)
{
	/* Pairs with the release in publish(). */
	return smp_load_acquire(&hand->added) != hand->done;
}

/* Sleeps until there is something to do, or nothing any more. */
static void wait_for_steps(struct potad_hand *hand)
{
	wait_event_idle(hand->more, kthread_should_stop() || has_steps(hand));
	if (!has_steps(hand) || !too_early(hand, step_of(hand, hand->done)))
		return;
	hand->waits++;
	wait_event_idle(hand->crew->progress,
			kthread_should_stop() ||
			!too_early(hand, step_of(hand, hand->done)));
}

static int hand_thread(void *arg)
{
	struct potad_hand *hand = arg;
	unsigned int nr;

	while (!kthread_should_stop()) {
		nr = gather(hand);
		if (!nr) {
			wait_for_steps(hand);
			continue;
		}
		do_batch(hand, nr);
		tell(&hand->crew->progress);
		cond_resched();
	}
	return 0;
}

/* Giving steps --------------------------------------------------------------- */

/* Tells a hand of all that it was given; one without a thread does it. */
static void publish(struct potad_hand *hand)
{
	unsigned int nr;

	if (hand->added == hand->given)
		return;
	/* The steps, and what the leases say about them, are written. */
	smp_store_release(&hand->added, hand->given);
	if (hand->task) {
		tell(&hand->more);
		return;
	}
	/* Alone, it never is too early. */
	while ((nr = gather(hand)))
		do_batch(hand, nr);
}

static void publish_all(struct potad_crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->hands; i++)
		publish(&crew->hand[i]);
}

/* Is the first step that is not settled done? */
static bool first_is_done(const struct potad_crew *crew)
{
	const struct potad_step *step = &crew->window[crew->settled & crew->mask];
	const struct potad_hand *hand = &crew->hand[step->hand];

	/* Pairs with the release in do_batch(): what became of it is in its lease. */
	return smp_load_acquire(&hand->done) != hand->settled;
}

static void settle_first(struct potad_crew *crew)
{
	const struct potad_step *step = &crew->window[crew->settled & crew->mask];

	crew->hand[step->hand].settled++;
	crew->settle(step, crew->arg);
	crew->settled++;
}

static void settle_done(struct potad_crew *crew)
{
	while (crew->settled != crew->added && first_is_done(crew))
		settle_first(crew);
}

/* Sleeps until no more than @most are under way.  -EINTR: a fatal signal. */
static int wait_for_hands(struct potad_crew *crew, u64 most)
{
	if (crew->added - crew->settled <= most)
		return 0;
	publish_all(crew);
	settle_done(crew);
	while (crew->added - crew->settled > most) {
		if (wait_event_killable(crew->progress, first_is_done(crew)))
			return -EINTR;
		settle_done(crew);
	}
	return 0;
}

/**
 * potad_crew_add() - the next step
 * @crew: the crew
 * @hand: which of them is to do it
 * @lease: whose step it is
 * @frees: it has ended
 *
 * Context: Process context; may sleep while the window is full.  One caller at a time.
 * Return: 0; -EINTR: a fatal signal has come, and the crew can only be stopped.  The
 * step is added in either case.
 */
int potad_crew_add(struct potad_crew *crew, unsigned int hand, struct potad_lease *lease,
		   bool frees)
{
	struct potad_hand *h = &crew->hand[hand];
	u32 place = crew->added & crew->mask;

	crew->window[place] = (struct potad_step){ lease, frees, hand };
	if (!frees) {
		lease->by = hand;
		lease->nth = h->given;
	}
	h->mine[h->given & crew->mask] = place;
	h->given++;
	crew->added++;
	if (h->given - h->added >= CHUNK) {
		publish(h);
		settle_done(crew);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	/* When it is full it is not full again at once. */
	return crew->added - crew->settled <= crew->mask ? 0 :
	       wait_for_hands(crew, crew->mask + 1 - CHUNK);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_add);

/**
 * potad_crew_drain() - all steps that were added are to be done
 * @crew: the crew
 *
 * Context: Process context; may sleep.
 * Return: 0, and they are settled; -EINTR: a fatal signal has come.
 */
int potad_crew_drain(struct potad_crew *crew)
{
	return wait_for_hands(crew, 0) ?: fatal_signal_pending(current) ? -EINTR : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_drain);

/* Beginning and end ---------------------------------------------------------- */

static int create_threads(struct potad_crew *crew)
{
	unsigned int cpu = cpumask_first(cpu_online_mask), i;

	for (i = 0; i < crew->hands && crew->hands > 1; i++) {
		struct task_struct *task;

		task = kthread_create(hand_thread, &crew->hand[i], "potad-replay/%u", i);
		if (IS_ERR(task))
			return PTR_ERR(task);
		kthread_bind(task, cpu);
		crew->hand[i].task = task;
		/* Round and round those that there are; one that goes away loses it to others. */
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	}
	for (i = 0; i < crew->hands && crew->hands > 1; i++)
		wake_up_process(crew->hand[i].task);
	return 0;
}

static void stop_threads(struct potad_crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->hands; i++) {
		if (crew->hand[i].task)
			kthread_stop(crew->hand[i].task);
		crew->hand[i].task = NULL;
	}
}

/**
 * potad_crew_create() - hire hands
 * @stepper: the subject
 * @kit: what it works with
 * @hands: how many, 1 to POTAD_CREW_HANDS; of 1, whoever adds does the work
 * @settle: called for each step when it is done, by potad_crew_add(), potad_crew_drain()
 *	    and potad_crew_stop()
 * @arg: handed to @settle
 *
 * Context: Process context; may sleep.
 * Return: the crew; -ENOMEM; -EINTR: a fatal signal has come.
 */
struct potad_crew *potad_crew_create(const struct potad_stepper *stepper,
				     const struct subject_kit *kit, unsigned int hands,
				     potad_settle_fn settle, void *arg)
{
	u32 window = potad_crew_window(hands);
	struct potad_crew *crew;
	unsigned int i;
	int err = -ENOMEM;

	crew = kvzalloc(struct_size(crew, hand, hands), GFP_KERNEL);
	if (!crew)
		return ERR_PTR(-ENOMEM);
	crew->stepper = stepper;
	crew->kit = kit;
	crew->settle = settle;
	crew->arg = arg;
	crew->hands = hands;
	crew->mask = window - 1;
	init_waitqueue_head(&crew->progress);
	crew->window = kvcalloc(window, sizeof(*crew->window), GFP_KERNEL);
	crew->mine = kvcalloc(window, hands * sizeof(*crew->mine), GFP_KERNEL);
	if (!crew->window || !crew->mine)
		goto fail;
	for (i = 0; i < hands; i++) {
		crew->hand[i].crew = crew;
		crew->hand[i].me = i;
		init_waitqueue_head(&crew->hand[i].more);
		crew->hand[i].mine = crew->mine + i * window;
	}
	err = create_threads(crew);
	if (!err)
		return crew;
fail:
	potad_crew_destroy(crew);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_create);

/**
 * potad_crew_stop() - no more steps
 * @crew: the crew
 *
 * Each hand finishes the batch that it is at.  What was done is settled.  Of the rest
 * an allocation is left out, its lease empty, and a free is done if its block was
 * allocated; they are not settled.  So what is still held is held by leases that have
 * not ended.
 *
 * Context: Process context; may sleep.
 */
void potad_crew_stop(struct potad_crew *crew)
{
	stop_threads(crew);
	for (; crew->settled != crew->added; crew->settled++) {
		struct potad_step *step = &crew->window[crew->settled & crew->mask];
		struct potad_hand *hand = &crew->hand[step->hand];

		if (hand->settled++ < hand->done)
			crew->settle(step, crew->arg);
		else if (step->frees)
			crew->stepper->run(crew->kit, step, 1);
		else
			step->lease->empty = true;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_stop);

/* Whoever did not stop it does not care for what is held.  NULL is allowed. */
void potad_crew_destroy(struct potad_crew *crew)
{
	if (!crew)
		return;
	stop_threads(crew);
	kvfree(crew->mine);
	kvfree(crew->window);
	kvfree(crew);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_destroy);

/* What the hands know, all together; while none is at work. */
void potad_crew_sums(const struct potad_crew *crew, struct potad_crew_sums *sums)
{
	unsigned int i;

	memset(sums, 0, sizeof(*sums));
	for (i = 0; i < crew->hands; i++) {
		const struct potad_hand *hand = &crew->hand[i];

		potad_tally_merge(&sums->tally, &hand->tally);
		if (hand->ops)
			potad_tally_add(&sums->tally, hand->ns, hand->ops);
		sums->refused += hand->refused;
		sums->waits += hand->waits;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_sums);

unsigned int potad_crew_hands(const struct potad_crew *crew)
{
	return crew->hands;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_crew_hands);

// SPDX-License-Identifier: GPL-2.0
/*
 * What the machine reports waits here until its owner can be told.
 *
 *	                                               /-> hand 0 --> pool
 *	chain.c --record--> report: verdict --> queue ---> hand 1 --> pool
 *	                                               \-> ...
 *
 * Owners may take seconds.  Whoever brings records cannot wait for that: the kernel
 * keeps a few dozen of them at most, and what comes meanwhile it drops.  So a failure
 * is put into a queue, the room for which is there from the beginning, and somebody
 * else does the rest: the first hand that is not busy, and it does not stop before the
 * queue is empty.  While it waits for an owner, others go on; when all wait, failures
 * do.  (The pool waits for an owner only for some time: pool/failure.c.)
 *
 * If the queue is full, a failure is not taken: it is counted, and the caller is told
 * so, and leaves it to the kernel, which marks the page (README.md says what that
 * means).  Before that, 2048 failures have to wait, and eight for owners.
 *
 * A failure that has been taken is told to whoever has the memory when its turn comes.
 * Until then the memory is used on, as it was until the machine noticed.
 *
 * Locks: machine->lock protects counts, queue, and who is busy: a failure is put into
 * the queue and somebody is made busy, or finds it empty and is busy no more, in one
 * step, so that none is left lying.  It is taken with interrupts disabled, so that
 * records may be brought from interrupts as well; nothing is called under it, and
 * never is it taken in an NMI.
 */
#define pr_fmt(fmt) "potad: " fmt

#include <linux/export.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "../pool/pool.h"
#include "machine.h"

/*
 * The kernel writes no line about what we have taken: somebody must.  (Lines that are
 * left out are counted by this function's name.)
 */
static void potad_machine_check(struct potad_machine *machine, const struct potad_damage *damage)
{
	int err = potad_pool_fail(machine->pool, damage->phys, damage->length, 0, NULL, NULL);
	u64 phys = damage->phys;

	if (!err)
		pr_warn_ratelimited("machine check: memory at 0x%llx has failed, %llu bytes\n",
				    phys, damage->length);
	else if (err != -EHWPOISON)
		pr_err_ratelimited("machine check: memory at 0x%llx has failed, and is still in use: %d\n",
				   phys, err);
	spin_lock_irq(&machine->lock);
	machine->count.waiting--;
	if (err == -EHWPOISON)
		machine->count.again++;
	else if (err)
		machine->count.unmarked++;
	spin_unlock_irq(&machine->lock);
}

/* The next failure; if there is none, the hand is free. */
static bool take(struct potad_machine_hand *hand, struct potad_damage *damage)
{
	struct potad_machine *machine = hand->machine;
	bool got;

	spin_lock_irq(&machine->lock);
	got = kfifo_get(&machine->queue, damage);
	hand->busy = got;
	spin_unlock_irq(&machine->lock);
	return got;
}

static void settle_all(struct work_struct *work)
{
	struct potad_machine_hand *hand = container_of(work, struct potad_machine_hand, work);
	struct potad_damage damage;

	while (take(hand, &damage)) {
		potad_machine_check(hand->machine, &damage);
		cond_resched();
	}
}

/* A failure is taken, if there is room; returns who has to be woken for it, or NULL. */
static struct potad_machine_hand *put(struct potad_machine *machine,
				      const struct potad_damage *damage, bool *taken)
{
	unsigned int i;

	*taken = kfifo_put(&machine->queue, *damage);
	if (!*taken) {
		machine->count.overflow++;
		return NULL;
	}
	machine->count.events++;
	machine->count.waiting++;
	for (i = 0; i < POTAD_MACHINE_HANDS; i++) {
		if (!machine->hand[i].busy) {
			machine->hand[i].busy = true;
			return &machine->hand[i];
		}
	}
	return NULL;	/* who is busy looks again */
}

/**
 * potad_machine_report() - a machine has written an error down
 * @machine: whose pool it may be about
 * @record: the error
 *
 * Context: Any but NMI.
 * Return: true: memory of the pool has failed, and its owner is going to be told: nobody
 * else need act; false: it is not for us, or there was no room for it.
 */
bool potad_machine_report(struct potad_machine *machine, const struct potad_record *record)
{
	struct potad_machine_count *count = &machine->count;
	struct potad_machine_hand *hand = NULL;
	struct potad_damage damage;
	enum potad_verdict verdict;
	bool taken = false;
	unsigned long flags;

	verdict = potad_record_judge(record, machine->pool->start, machine->pool->bytes,
				     &damage);
	spin_lock_irqsave(&machine->lock, flags);
	switch (verdict) {
	case POTAD_RECORD_FAILED:
		hand = put(machine, &damage, &taken);
		break;
	case POTAD_RECORD_CORRECTED:
		count->corrected++;
		break;
	case POTAD_RECORD_OUTSIDE:
		count->outside++;
		break;
	case POTAD_RECORD_UNLOCATED:
		count->ignored++;
		break;
	case POTAD_RECORD_OTHER:
		break;
	}
	spin_unlock_irqrestore(&machine->lock, flags);
	if (hand)
		queue_work(machine->workers, &hand->work);
	return taken;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_machine_report);

/* What has come so far.  Any context but NMI. */
void potad_machine_count(struct potad_machine *machine, struct potad_machine_count *count)
{
	unsigned long flags;

	spin_lock_irqsave(&machine->lock, flags);
	*count = machine->count;
	spin_unlock_irqrestore(&machine->lock, flags);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_machine_count);

/**
 * potad_machine_init() - have failures that the machine reports told
 * @machine: filled in; stays where it is until potad_machine_exit()
 * @pool: whose memory it is about; outlives @machine
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int potad_machine_init(struct potad_machine *machine, struct potad_pool *pool)
{
	unsigned int i;

	memset(machine, 0, sizeof(*machine));
	machine->pool = pool;
	spin_lock_init(&machine->lock);
	for (i = 0; i < POTAD_MACHINE_HANDS; i++) {
		INIT_WORK(&machine->hand[i].work, settle_all);
		machine->hand[i].machine = machine;
	}
	if (kfifo_alloc(&machine->queue, POTAD_MACHINE_QUEUE, GFP_KERNEL))
		return -ENOMEM;
	machine->workers = alloc_workqueue("potad-machine", WQ_UNBOUND, POTAD_MACHINE_HANDS);
	if (!machine->workers) {
		kfifo_free(&machine->queue);
		return -ENOMEM;
	}
	potad_chain_join(machine);
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_machine_init);

/**
 * potad_machine_exit() - the end of that
 * @machine: what potad_machine_init() has set up
 *
 * When this returns no record comes any more, and what had been taken is told.
 *
 * Context: Process context; sleeps, and waits for owners.
 */
void potad_machine_exit(struct potad_machine *machine)
{
	potad_chain_leave(machine);
	destroy_workqueue(machine->workers);	/* does all work first */
	kfifo_free(&machine->queue);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_machine_exit);

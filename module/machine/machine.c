// SPDX-License-Identifier: GPL-2.0
/*
 * What the machine reports waits here until its owner can be told.
 *
 *	chain.c --record--> report: verdict --damage--> queue --> work --> pool
 *
 * Owners may take seconds.  Whoever brings records cannot wait for that: the kernel
 * keeps a few dozen of them at most, and what comes meanwhile it drops.  So a failure
 * is put into a queue, the room for which is there from the beginning, and one worker
 * does the rest, one failure after the other.
 *
 * If the queue is full, a failure is not taken: it is counted, and the caller is told
 * so, and leaves it to the kernel, which marks the page (README.md says what that
 * means).  Before that, 2048 failures have to wait for owners.
 *
 * A failure that has been taken is told to whoever has the memory when its turn comes.
 * Until then the memory is used on, as it was until the machine noticed.
 *
 * Locks: machine->lock protects the counts, and those who put into the queue from each
 * other.  It is taken with interrupts disabled, so that records may be brought from
 * interrupts as well; nothing is called under it, and never is it taken in an NMI.  The
 * worker takes from the queue without it: one who takes and one who puts do not
 * disturb each other (kfifo.h), and a work item never runs twice at the same time.
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

static void settle_all(struct work_struct *work)
{
	struct potad_machine *machine = container_of(work, struct potad_machine, work);
	struct potad_damage damage;

	while (kfifo_get(&machine->queue, &damage)) {
		potad_machine_check(machine, &damage);
		cond_resched();
	}
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
	struct potad_damage damage;
	enum potad_verdict verdict;
	bool taken = false;
	unsigned long flags;

	verdict = potad_record_judge(record, machine->pool->start, machine->pool->bytes,
				     &damage);
	spin_lock_irqsave(&machine->lock, flags);
	switch (verdict) {
	case POTAD_RECORD_FAILED:
		taken = kfifo_put(&machine->queue, damage);
		if (taken) {
			count->events++;
			count->waiting++;
		} else {
			count->overflow++;
		}
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
	if (taken)
		queue_work(machine->workers, &machine->work);
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
	memset(machine, 0, sizeof(*machine));
	machine->pool = pool;
	spin_lock_init(&machine->lock);
	INIT_WORK(&machine->work, settle_all);
	if (kfifo_alloc(&machine->queue, POTAD_MACHINE_QUEUE, GFP_KERNEL))
		return -ENOMEM;
	machine->workers = alloc_ordered_workqueue("potad-machine", 0);
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

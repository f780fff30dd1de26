/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory failures that the machine itself reports, and the way to their owners:
 *
 *	chain.c      the kernel's machine-check records, where it has such
 *	record.c     what one means
 *	machine.c    a queue, as owners may take their time; and counts
 *
 * Only chain.c knows of a kind of processor.
 */
#ifndef POTAD_MACHINE_H
#define POTAD_MACHINE_H

#include <linux/kconfig.h>
#include <linux/kfifo.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "record.h"

struct potad_pool;

/* How many failures wait for a hand at most; a power of two. */
#define POTAD_MACHINE_QUEUE	2048

/* How many are told at the same time: as many owners can be slow, and hold up nobody. */
#define POTAD_MACHINE_HANDS	8

/**
 * struct potad_machine_count - records, by what became of them
 * @events: failures in the region, taken
 * @waiting: of these, that are still to be told
 * @again: of these, in memory all of which had failed before
 * @unmarked: of these, that could not be put out of use, for lack of memory
 * @ignored: failures of memory that do not say where
 * @corrected: errors in the region that were corrected
 * @outside: failures of other memory
 * @overflow: failures in the region, not taken: too many were waiting
 */
struct potad_machine_count {
	u64	events;
	u64	waiting;
	u64	again;
	u64	unmarked;
	u64	ignored;
	u64	corrected;
	u64	outside;
	u64	overflow;
};

struct potad_machine;

/**
 * struct potad_machine_hand - who takes from the queue, and tells
 * @work: does that
 * @machine: whose queue
 * @busy: it is going to look at the queue again
 */
struct potad_machine_hand {
	struct work_struct	work;
	struct potad_machine	*machine;
	bool			busy;
};

/**
 * struct potad_machine - what reports failures of a pool's memory
 * @pool: the pool
 * @workers: for @hand alone, so that their end can be waited for
 * @lock: protects what follows, but for @chain
 * @count: what has come
 * @queue: what no hand has taken yet
 * @hand: who does
 * @chain: our place among those who want records
 */
struct potad_machine {
	struct potad_pool		*pool;
	struct workqueue_struct		*workers;
	spinlock_t			lock;	/* of what follows */
	struct potad_machine_count	count;
	DECLARE_KFIFO_PTR(queue, struct potad_damage);
	struct potad_machine_hand	hand[POTAD_MACHINE_HANDS];
	struct notifier_block		chain;
};

int potad_machine_init(struct potad_machine *machine, struct potad_pool *pool);
void potad_machine_exit(struct potad_machine *machine);
bool potad_machine_report(struct potad_machine *machine, const struct potad_record *record);
void potad_machine_count(struct potad_machine *machine, struct potad_machine_count *count);

/* chain.c; nothing where there are no such records. */
#if IS_ENABLED(CONFIG_X86_MCE)
void potad_chain_join(struct potad_machine *machine);
void potad_chain_leave(struct potad_machine *machine);
#else
static inline void potad_chain_join(struct potad_machine *machine)
{
}

static inline void potad_chain_leave(struct potad_machine *machine)
{
}
#endif

#endif /* POTAD_MACHINE_H */

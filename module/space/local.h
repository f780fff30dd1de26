/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each CPU has of its own, and who wants something of it.
 *
 * Per-CPU stacks of things that are free (blocks of a space, descriptors with their
 * blocks) are worked on by their CPU alone, without a lock.  But others want them
 * back: whoever finds nothing else, the kernel when it is short of memory, the end
 * of a CPU.  They ask for it here; the CPU itself does it, in an interprocessor
 * interrupt, and is asked again if that came while it was at work.
 *
 * A struct potad_local is part of what it serves.  Its operations know the rest.
 */
#ifndef POTAD_SPACE_LOCAL_H
#define POTAD_SPACE_LOCAL_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct potad_local;
struct shrinker;

/**
 * struct potad_drain - what is wanted
 * @local: of whom
 * @wary: what passes through from now on may have failed: be wary of it
 * @most: how many things are enough, about
 * @given: how many were given back so far, by all CPUs
 * @busy: some CPU was at work on what it should have given back
 */
struct potad_drain {
	struct potad_local *local;
	bool		wary;
	unsigned long	most;
	atomic_t	given;
	bool		busy;
};

/**
 * struct potad_local_ops - what a user of it does
 * @drain: on the CPU itself, with interrupts off: give back what there is, until
 *	potad_drain_enough(); count it by potad_drain_gave().  False if something
 *	was being worked on (then potad_drain_busy()), or is left for another reason: it
 *	is called again.
 * @collect: in process context, each time that all CPUs have done a @drain: finish what
 *	those could not, being interrupts; or NULL
 * @count: how many things all CPUs have, just about
 * @comes: the CPU is about to run, and has missed what the others were told
 * @gone: it does not run any more; what it has goes back
 */
struct potad_local_ops {
	bool (*drain)(struct potad_drain *drain);
	void (*collect)(struct potad_local *local);
	unsigned long (*count)(struct potad_local *local);
	void (*comes)(struct potad_local *local, unsigned int cpu);
	void (*gone)(struct potad_local *local, unsigned int cpu);
};

struct potad_local {
	const struct potad_local_ops *ops;
	struct shrinker	*shrinker;
	struct hlist_node hotplug;
	struct mutex	drain_mutex;	/* one drains at a time: protects */
	struct cpumask	todo;		/* CPUs that have something to do yet */
};

/*
 * Whose turn it is: a private part has a byte @busy, which is set as long as it is
 * worked on, by its own CPU with preemption off; whoever interrupts that, on the same
 * CPU, finds it set, and goes another way.  So plain loads and stores do.
 */
static __always_inline bool potad_local_enter(u8 *busy)
{
	if (unlikely(*busy))
		return false;
	*busy = 1;
	barrier();	/* what it protects is read after this */
	return true;
}

static __always_inline void potad_local_leave(u8 *busy)
{
	barrier();
	*busy = 0;
}

static inline bool potad_drain_enough(const struct potad_drain *drain)
{
	return !drain->wary && atomic_read(&drain->given) >= drain->most;
}

static inline void potad_drain_gave(struct potad_drain *drain, unsigned int nr)
{
	if (nr)
		atomic_add(nr, &drain->given);
}

/* Any CPU sets it, all set the same, and who asked has waited for them when he reads it. */
static inline void potad_drain_busy(struct potad_drain *drain)
{
	WRITE_ONCE(drain->busy, true);
}

int potad_local_init(struct potad_local *local, const struct potad_local_ops *ops,
		     const char *name);
void potad_local_exit(struct potad_local *local);
unsigned int potad_local_drain(struct potad_local *local, bool wary);

#endif /* POTAD_SPACE_LOCAL_H */

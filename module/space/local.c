// SPDX-License-Identifier: GPL-2.0
/*
 * Drains, the shrinker, and CPUs that come and go: see local.h.
 *
 * One mutex for each user: who drains.  hotplug_mutex is taken to register a user,
 * and neither of them inside the other.
 */
#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/smp.h>

#include "../include/compat.h"
#include "local.h"

/* So often it is asked again at once: whoever was at work is soon done. */
#define TRIES_AT_ONCE	4

/* Users that want to know of CPUs that come and go. */
static DEFINE_MUTEX(hotplug_mutex);	/* protects both */
static unsigned int hotplug_users;
static int hotplug_state;

/* On the CPU itself, with interrupts off: nothing comes between. */
static void drain_cpu(void *arg)
{
	struct potad_drain *drain = arg;

	if (drain->local->ops->drain(drain))
		cpumask_clear_cpu(smp_processor_id(), &drain->local->todo);
}

/*
 * Returns how many things were given back.  drain_mutex is held.
 *
 * A CPU that was at work is interrupted again in the middle of it if it is asked at
 * once, and where interrupts are slow it gets nothing done between two of them.  So it
 * is left in peace for a moment, from some tries on.
 */
static unsigned int drain_locked(struct potad_local *local, bool wary, unsigned long most)
{
	struct potad_drain drain = { .local = local, .wary = wary, .most = most };
	/* Not to wait for: whoever takes a CPU down may be who wants memory. */
	bool steady = cpus_read_trylock();
	unsigned int busy = 0;

	cpumask_copy(&local->todo, cpu_online_mask);
	do {
		if (drain.busy && ++busy > TRIES_AT_ONCE)
			usleep_range(10, 100);
		drain.busy = false;
		on_each_cpu_mask(&local->todo, drain_cpu, &drain, true);
		if (local->ops->collect)
			local->ops->collect(local);
		cond_resched();
		/* What one that is going offline has comes back by cpu_gone(). */
		cpumask_and(&local->todo, &local->todo, cpu_online_mask);
	} while (!cpumask_empty(&local->todo));
	if (steady)
		cpus_read_unlock();
	return atomic_read(&drain.given);
}

/**
 * potad_local_drain() - have every CPU give back all that it has
 * @local: of this
 * @wary: and look at what passes through from now on
 *
 * Context: Process context; may sleep, and waits for all CPUs.
 * Return: how many things there were.
 */
unsigned int potad_local_drain(struct potad_local *local, bool wary)
{
	unsigned int given;

	mutex_lock(&local->drain_mutex);
	given = drain_locked(local, wary, ULONG_MAX);
	mutex_unlock(&local->drain_mutex);
	return given;
}

static unsigned long shrink_count(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	struct potad_local *local = potad_shrinker_data(shrinker);

	return local->ops->count(local) ?: SHRINK_EMPTY;
}

/* About as many as are asked for: what lies together goes together. */
static unsigned long shrink_scan(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct potad_local *local = potad_shrinker_data(shrinker);
	unsigned int given;

	if (!mutex_trylock(&local->drain_mutex))
		return SHRINK_STOP;
	given = drain_locked(local, false, sc->nr_to_scan);
	mutex_unlock(&local->drain_mutex);
	sc->nr_scanned = given;
	return given ?: SHRINK_STOP;
}

static int cpu_comes(unsigned int cpu, struct hlist_node *node)
{
	struct potad_local *local = hlist_entry(node, struct potad_local, hotplug);

	local->ops->comes(local, cpu);
	return 0;
}

static int cpu_gone(unsigned int cpu, struct hlist_node *node)
{
	struct potad_local *local = hlist_entry(node, struct potad_local, hotplug);

	local->ops->gone(local, cpu);
	return 0;
}

static void hotplug_end(void)
{
	if (hotplug_state > 0)
		cpuhp_remove_multi_state(hotplug_state);
	hotplug_state = 0;
}

static int hotplug_add(struct potad_local *local)
{
	int err = 0;

	mutex_lock(&hotplug_mutex);
	if (!hotplug_users) {
		err = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "mm/potad:local",
					      cpu_comes, cpu_gone);
		if (err >= 0)
			hotplug_state = err;
	}
	if (err >= 0)
		err = cpuhp_state_add_instance_nocalls(hotplug_state, &local->hotplug);
	if (!err)
		hotplug_users++;
	else if (!hotplug_users)
		hotplug_end();
	mutex_unlock(&hotplug_mutex);
	return err;
}

static void hotplug_del(struct potad_local *local)
{
	mutex_lock(&hotplug_mutex);
	cpuhp_state_remove_instance_nocalls(hotplug_state, &local->hotplug);
	if (!--hotplug_users)
		hotplug_end();
	mutex_unlock(&hotplug_mutex);
}

/**
 * potad_local_init() - from now on it can be asked
 * @local: part of whom; all CPUs' private parts are ready
 * @ops: its operations
 * @name: of the shrinker
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int potad_local_init(struct potad_local *local, const struct potad_local_ops *ops,
		     const char *name)
{
	local->ops = ops;
	mutex_init(&local->drain_mutex);
	if (hotplug_add(local))
		return -ENOMEM;
	local->shrinker = potad_shrinker_create(name, shrink_count, shrink_scan, local);
	if (local->shrinker)
		return 0;
	hotplug_del(local);
	return -ENOMEM;
}

/**
 * potad_local_exit() - have all given back, and be asked no more
 * @local: nobody uses it any more
 *
 * Context: Process context; may sleep.
 */
void potad_local_exit(struct potad_local *local)
{
	potad_shrinker_destroy(local->shrinker);
	/* First, as what a CPU has that goes now is given back by cpu_gone(). */
	potad_local_drain(local, false);
	hotplug_del(local);
}

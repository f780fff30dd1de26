// SPDX-License-Identifier: GPL-2.0
/*
 * The cache: blocks that are free, but kept at hand.  Drawn in cache.h.
 *
 * Who may touch a line: its own CPU, with preemption off, between line_enter()
 * and line_leave().  An interrupt handler of that CPU that finds @busy set goes
 * to the space instead; the interprocessor interrupt that drains finds it set
 * and is sent again.  No other CPU writes to it, but for those of a CPU that is
 * offline, which are drained under the hotplug lock.  So plain loads and stores do,
 * and barrier() is all the ordering there is.
 *
 * How failures get to cached blocks: potad_cache_retire() first marks the
 * granule in the space, then has every CPU give back all it caches and be
 * @wary: from then on each block that passes through is looked at.  A block
 * that was handed out before a CPU became wary was allocated when it failed;
 * one handed out after that has been looked at.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "cache.h"

/* How often an allocation drains all CPUs before it gives up. */
#define MAX_DRAINS	8

/* Blocks that go to the space or come from it at once. */
static unsigned int batch(const struct potad_cache_line *line)
{
	return (line->max + 1) / 2;
}

static struct potad_cache_line *line_enter(struct potad_cache *c,
					   unsigned int order)
{
	struct potad_cache_line *line;

	preempt_disable();
	line = this_cpu_ptr(&c->cpu->line[order]);
	if (likely(line->max && !line->busy)) {
		line->busy = 1;
		barrier();
		return line;
	}
	preempt_enable();
	return NULL;
}

static void line_leave(struct potad_cache_line *line)
{
	barrier();
	line->busy = 0;
	preempt_enable();
}

static void space_free(struct potad_cache *c, u64 granule, unsigned int order)
{
	int err = potad_space_free(c->space, granule, order);

	WARN_ONCE(err, "potad: a block of order %u was freed that is none: %d\n",
		  order, err);
}

/* Gives the @nr oldest blocks of a line back. */
static void line_drain(struct potad_cache *c, struct potad_cache_line *line,
		       unsigned int order, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		space_free(c, line->slot[i], order);
	line->nr -= nr;
	memmove(line->slot, line->slot + nr, line->nr * sizeof(u64));
}

/* Is there a failed granule in it?  Stops being wary where none is left. */
static bool line_suspects(struct potad_cache *c, struct potad_cache_line *line,
			  u64 granule, unsigned int order)
{
	if (likely(!line->wary))
		return false;
	if (!potad_space_pending(c->space)) {
		line->wary = 0;
		return false;
	}
	return potad_space_has_failed(c->space, granule, order);
}

static int line_alloc(struct potad_cache *c, struct potad_cache_line *line,
		      unsigned int order, u64 *granule)
{
	int err;

	for (;;) {
		if (unlikely(!line->nr)) {
			err = potad_space_alloc_some(c->space, order,
						     line->slot, batch(line));
			if (err < 0)
				return err;
			line->nr = err;
		}
		*granule = line->slot[--line->nr];
		if (likely(!line_suspects(c, line, *granule, order)))
			return 0;
		space_free(c, *granule, order);
	}
}

/* What drain_cpu() is told, and tells. */
struct drain {
	struct potad_cache *c;
	bool		wary;
	struct cpumask	*todo;		/* CPUs that have a line to do yet */
	atomic_t	blocks;		/* given back */
};

static void drain_line(struct drain *drain, struct potad_cache_line *line,
		       unsigned int order)
{
	if (drain->wary)
		line->wary = 1;
	atomic_add(line->nr, &drain->blocks);
	line_drain(drain->c, line, order, line->nr);
}

static void drain_cpu(void *arg)
{
	struct drain *drain = arg;
	bool busy = false;
	unsigned int k;

	for (k = 0; k <= potad_space_max_order(drain->c->space); k++) {
		struct potad_cache_line *line;

		line = this_cpu_ptr(&drain->c->cpu->line[k]);
		/* Interrupts are off: nothing comes between. */
		if (line->busy)
			busy = true;
		else
			drain_line(drain, line, k);
	}
	if (!busy)
		cpumask_clear_cpu(smp_processor_id(), drain->todo);
}

/*
 * Nobody works on the lines of a CPU that is not there.  If one is just coming
 * or going they are left alone: to wait for that could be to wait for oneself.
 */
static void drain_offline(struct drain *drain)
{
	unsigned int k;
	int cpu;

	if (!cpus_read_trylock())
		return;
	for_each_possible_cpu(cpu) {
		if (cpu_online(cpu))
			continue;
		for (k = 0; k <= potad_space_max_order(drain->c->space); k++)
			drain_line(drain, per_cpu_ptr(&drain->c->cpu->line[k], cpu), k);
	}
	cpus_read_unlock();
}

/* Returns how many blocks were given back. */
static unsigned int drain_all(struct potad_cache *c, bool wary)
{
	struct drain drain = { .c = c, .wary = wary, .todo = &c->drain_todo };

	mutex_lock(&c->drain_mutex);
	cpumask_copy(drain.todo, cpu_online_mask);
	do {
		on_each_cpu_mask(drain.todo, drain_cpu, &drain, true);
		cond_resched();
		cpumask_and(drain.todo, drain.todo, cpu_online_mask);
	} while (!cpumask_empty(drain.todo));
	drain_offline(&drain);
	mutex_unlock(&c->drain_mutex);
	return atomic_read(&drain.blocks);
}

/**
 * potad_cache_alloc() - take a block
 * @c: the cache
 * @order: its order
 * @wait: the caller may sleep
 * @granule: set to its first granule
 *
 * Context: Any but NMI; process context that may sleep with @wait.
 * Return: as potad_space_alloc(); but without @wait, -ENOSPC may mean that what
 * is left is cached by other CPUs.
 */
int potad_cache_alloc(struct potad_cache *c, unsigned int order, bool wait,
		      u64 *granule)
{
	struct potad_cache_line *line;
	int err, tries = 0;

	if (unlikely(order > POTAD_MAX_ORDER))
		return -EINVAL;
	line = line_enter(c, order);
	if (likely(line)) {
		err = line_alloc(c, line, order, granule);
		line_leave(line);
	} else {
		err = potad_space_alloc(c->space, order, granule);
	}
	/* As long as there were blocks that others could have taken instead. */
	while (unlikely(err == -ENOSPC) && wait && drain_all(c, false) &&
	       tries++ < MAX_DRAINS)
		err = potad_space_alloc(c->space, order, granule);
	return err;
}
EXPORT_SYMBOL_GPL(potad_cache_alloc);

/**
 * potad_cache_free() - give a block back
 * @c: the cache
 * @granule: its first granule
 * @order: its order
 *
 * The caller has the block; that is not checked here.
 *
 * Context: Any but NMI.
 */
void potad_cache_free(struct potad_cache *c, u64 granule, unsigned int order)
{
	struct potad_cache_line *line = line_enter(c, order);

	if (unlikely(!line)) {
		space_free(c, granule, order);
		return;
	}
	if (unlikely(line_suspects(c, line, granule, order))) {
		space_free(c, granule, order);
	} else {
		if (unlikely(line->nr == line->max))
			line_drain(c, line, order, batch(line));
		line->slot[line->nr++] = granule;
	}
	line_leave(line);
}
EXPORT_SYMBOL_GPL(potad_cache_free);

/**
 * potad_cache_drain() - all that is cached goes back to the space
 * @c: the cache
 *
 * Context: Process context; may sleep, and waits for all CPUs.
 */
void potad_cache_drain(struct potad_cache *c)
{
	drain_all(c, false);
}
EXPORT_SYMBOL_GPL(potad_cache_drain);

/**
 * potad_cache_retire() - a granule must never be handed out again
 * @c: the cache
 * @granule: the granule
 *
 * Context: Process context; may sleep.
 * Return: as potad_space_retire(), where a block that is cached counts as free.
 */
int potad_cache_retire(struct potad_cache *c, u64 granule)
{
	int was = potad_space_retire(c->space, granule);
	struct potad_extent extent;

	if (was != POTAD_ALLOCATED)
		return was;
	drain_all(c, true);
	potad_space_query(c->space, granule, &extent);
	return extent.failed ? POTAD_ALLOCATED : POTAD_FREE;
}
EXPORT_SYMBOL_GPL(potad_cache_retire);

/**
 * potad_cache_has() - is this granule in a block that is cached?
 * @c: the cache
 * @granule: a granule that the space calls allocated
 *
 * A look at the lines of all CPUs without asking them.
 *
 * Return: true if it was so at one moment, or nearly.
 */
bool potad_cache_has(struct potad_cache *c, u64 granule)
{
	unsigned int k, i;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (k = 0; k <= potad_space_max_order(c->space); k++) {
			struct potad_cache_line *line;

			line = per_cpu_ptr(&c->cpu->line[k], cpu);
			for (i = 0; i < min_t(u8, READ_ONCE(line->nr),
					      POTAD_LINE_SLOTS); i++)
				if (READ_ONCE(line->slot[i]) >> k ==
				    granule >> k)
					return true;
		}
	}
	return false;
}
EXPORT_SYMBOL_GPL(potad_cache_has);

/* How many granules are cached, just about. */
u64 potad_cache_granules(struct potad_cache *c)
{
	unsigned int k;
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		for (k = 0; k <= potad_space_max_order(c->space); k++)
			sum += (u64)READ_ONCE(per_cpu_ptr(c->cpu, cpu)->line[k].nr) << k;
	return sum;
}
EXPORT_SYMBOL_GPL(potad_cache_granules);

/**
 * potad_cache_init() - put a cache in front of a space
 * @c: the cache
 * @s: the space
 *
 * An order is cached as long as a full line is no more than 1/32 of the space.
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int potad_cache_init(struct potad_cache *c, struct potad_space *s)
{
	unsigned int k;
	int cpu;

	c->space = s;
	mutex_init(&c->drain_mutex);
	c->cpu = alloc_percpu(struct potad_cache_cpu);
	if (!c->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		for (k = 0; k <= potad_space_max_order(s); k++)
			per_cpu_ptr(c->cpu, cpu)->line[k].max =
				min_t(u64, potad_space_size(s) >> (k + 5),
				      POTAD_LINE_SLOTS);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_cache_init);

/* Drains it, and takes it away.  Process context; nobody uses it any more. */
void potad_cache_exit(struct potad_cache *c)
{
	potad_cache_drain(c);
	free_percpu(c->cpu);
}
EXPORT_SYMBOL_GPL(potad_cache_exit);

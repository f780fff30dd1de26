// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: what the processor counts while somebody works.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/perf_event.h>
#include <linux/sched.h>

#include "../include/compat.h"
#include "counter.h"

/* What perf_event_open(2) wants of a cache: reads of @cache that missed. */
#define READS_MISSED(cache)						\
	(PERF_COUNT_HW_CACHE_##cache | PERF_COUNT_HW_CACHE_OP_READ << 8 |	\
	 PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

const struct potad_counted potad_counted[POTAD_COUNTER_EVENTS] = {
	{ "l1d_misses", PERF_TYPE_HW_CACHE, READS_MISSED(L1D) },
	{ "llc_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
};

#ifdef CONFIG_PERF_EVENTS

static struct perf_event *open_event(const struct potad_counted *what)
{
	struct perf_event_attr attr = {
		.type = what->type, .config = what->config, .size = sizeof(attr),
		.exclude_user = 1, .exclude_hv = 1,
	};

	return perf_event_create_kernel_counter(&attr, -1, current, NULL, NULL);
}

static void close_event(struct perf_event *event)
{
	perf_event_release_kernel(event);
}

static u64 read_event(struct perf_event *event, u64 *enabled, u64 *running)
{
	return perf_event_read_value(event, enabled, running);
}

#else /* no PERF_EVENTS */

static struct perf_event *open_event(const struct potad_counted *what)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void close_event(struct perf_event *event)
{
}

static u64 read_event(struct perf_event *event, u64 *enabled, u64 *running)
{
	*enabled = 0;
	*running = 0;
	return 0;
}

#endif

/**
 * potad_counter_open() - begin to count what the current task does
 * @counter: what will count
 * @what: POTAD_COUNTER_EVENTS events; those that cannot be counted are left out,
 *	  if there is one that can
 *
 * Context: Process context, may sleep.
 * Return: 0; or what perf said to the first: -EOPNOTSUPP, the kernel is without it;
 * -ENOENT and others, nothing here counts that.  Then there is nothing to close.
 */
int potad_counter_open(struct potad_counter *counter,
		       const struct potad_counted *what)
{
	int err = 0, opened = 0;
	unsigned int i;

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++) {
		struct perf_event *event = open_event(&what[i]);

		counter->event[i] = NULL;
		if (!IS_ERR(event)) {
			counter->event[i] = event;
			opened++;
		} else if (!err) {
			err = PTR_ERR(event);
		}
	}
	return opened ? 0 : err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_counter_open);

/* May sleep, like the others. */
void potad_counter_close(struct potad_counter *counter)
{
	unsigned int i;

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++)
		if (counter->event[i])
			close_event(counter->event[i]);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_counter_close);

/* Is there anything to count with?  Returns what potad_counter_open() would. */
int potad_counter_probe(void)
{
	struct potad_counter counter;
	int err = potad_counter_open(&counter, potad_counted);

	if (!err)
		potad_counter_close(&counter);
	return err;
}

/* A batch begins.  By the task that has opened it, like the others. */
void potad_counter_begin(struct potad_counter *counter)
{
	unsigned int i;

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++)
		if (counter->event[i])
			counter->begun[i] = read_event(counter->event[i],
						       &counter->enabled[i],
						       &counter->running[i]);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_counter_begin);

/* Its end: it was one of @ops operations. */
void potad_counter_end(struct potad_counter *counter, struct potad_counts *counts,
		       u32 ops)
{
	u64 now, enabled, running;
	unsigned int i;

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++) {
		if (!counter->event[i])
			continue;
		now = read_event(counter->event[i], &enabled, &running);
		if (enabled - counter->enabled[i] != running - counter->running[i])
			continue;
		counts->events[i] += now - counter->begun[i];
		counts->ops[i] += ops;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_counter_end);

void potad_counts_merge(struct potad_counts *to, const struct potad_counts *from)
{
	unsigned int i;

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++) {
		to->events[i] += from->events[i];
		to->ops[i] += from->ops[i];
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_counts_merge);

// SPDX-License-Identifier: GPL-2.0
/*
 * A stopwatch: how long is a tick, and what does it cost to look?
 *
 * Each is asked several times, and the median taken: whoever asks may be interrupted.
 */
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "../include/compat.h"
#include "stopwatch.h"

#define SPANS		9
#define SPAN_NS		500000ULL
#define LOOKS		101

static int cmp_u64(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A few times, the shortest first: their median is exact, unlike a tally's. */
void potad_sort_times(u64 *times, unsigned int nr)
{
	sort(times, nr, sizeof(*times), cmp_u64, NULL);
}

/* Ticks of a second. */
static u64 measure_span(void)
{
	u64 begin, now, ticks;

	begin = ktime_get_ns();
	ticks = potad_ticks();
	do {
		cond_resched();
		now = ktime_get_ns();
	} while (now - begin < SPAN_NS);
	ticks = potad_ticks_since(ticks);
	return max(mul_u64_u64_div_u64(ticks, NSEC_PER_SEC, now - begin), 1ULL);
}

static u64 measure_look(void)
{
	u64 begin = potad_ticks();

	return potad_ticks_since(begin);
}

/**
 * potad_stopwatch_set() - find out how fast it goes
 * @watch: filled in
 *
 * Context: Process context; takes some ms.
 */
void potad_stopwatch_set(struct potad_stopwatch *watch)
{
	u64 span[SPANS], look[LOOKS];
	unsigned int i;

	migrate_disable();
	for (i = 0; i < SPANS; i++)
		span[i] = measure_span();
	for (i = 0; i < LOOKS; i++)
		look[i] = measure_look();
	migrate_enable();
	potad_sort_times(span, SPANS);
	potad_sort_times(look, LOOKS);
	watch->ns = NSEC_PER_SEC;
	watch->ticks = span[SPANS / 2];
	watch->cost = look[LOOKS / 2];
}
EXPORT_SYMBOL_POTAD_TESTS(potad_stopwatch_set);

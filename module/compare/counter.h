/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters: what the processor counts while somebody works.
 *
 *	potad_counter_open(&counter, ...);
 *	for each batch of operations:
 *		potad_counter_begin(&counter);
 *		... the work ...
 *		potad_counter_end(&counter, &counts, how many operations);
 *	potad_counter_close(&counter);
 *
 * All of it by one task, whose events alone are counted, on whatever CPU it is.
 * The kernel's perf does that; where it has nothing to count with (no such
 * processor, most emulators, user-mode Linux) opening says so.
 *
 * If there are more events than the processor has counters for, or others want
 * those, perf lets them take turns.  A batch in the midst of which that happened is
 * left out for that event: what is told is counted, never extrapolated.
 */
#ifndef POTAD_COMPARE_COUNTER_H
#define POTAD_COMPARE_COUNTER_H

#include <linux/types.h>

struct perf_event;

#define POTAD_COUNTER_EVENTS	4

/**
 * struct potad_counted - an event
 * @name: what it is called
 * @type: of perf's, as perf_event_open(2) has it
 * @config: and which one of that type
 */
struct potad_counted {
	const char	*name;
	u32		type;
	u64		config;
};

/* Misses of the first cache's data, of the last cache, instructions, and cycles. */
extern const struct potad_counted potad_counted[POTAD_COUNTER_EVENTS];

/**
 * struct potad_counts - what was counted
 * @events: how often each of them came
 * @ops: in how many operations
 */
struct potad_counts {
	u64	events[POTAD_COUNTER_EVENTS];
	u64	ops[POTAD_COUNTER_EVENTS];
};

/**
 * struct potad_counter - what counts
 * @event: perf's; NULL: there is none
 * @begun: what each had counted when the batch began
 * @enabled: for how long it had been to count by then, in ns
 * @running: and for how long it had
 */
struct potad_counter {
	struct perf_event	*event[POTAD_COUNTER_EVENTS];
	u64			begun[POTAD_COUNTER_EVENTS];
	u64			enabled[POTAD_COUNTER_EVENTS];
	u64			running[POTAD_COUNTER_EVENTS];
};

int potad_counter_open(struct potad_counter *counter,
		       const struct potad_counted *what);
int potad_counter_probe(void);
void potad_counter_close(struct potad_counter *counter);
void potad_counter_begin(struct potad_counter *counter);
void potad_counter_end(struct potad_counter *counter, struct potad_counts *counts,
		       u32 ops);

void potad_counts_merge(struct potad_counts *to, const struct potad_counts *from);

#endif /* POTAD_COMPARE_COUNTER_H */

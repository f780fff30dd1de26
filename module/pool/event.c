// SPDX-License-Identifier: GPL-2.0
/*
 * What memory failures have found: the last of them in a ring, all of them counted.
 *
 *	seq - 1 modulo POTAD_EVENTS
 *	[ 257 ][ 258 ][ 3 ][ 4 ] ... [ 256 ]       count.events == 258
 *
 * Each has a number that only grows, so that who follows them sees what he has
 * missed.  Who waits for the next one sleeps on events_wait.  events_lock protects
 * ring and counts, and is innermost.
 */
#include <linux/export.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "pool.h"

const char *potad_answer_name(enum potad_answer answer)
{
	static const char * const names[] = {
		[POTAD_UNTOLD] = "-",
		[POTAD_RECOVERED] = "recovered",
		[POTAD_MOVED] = "moved",
		[POTAD_LOST] = "lost",
		[POTAD_REFUSED] = "refused",
		[POTAD_LATE] = "late",
	};

	return answer < ARRAY_SIZE(names) ? names[answer] : "nonsense";
}

/* Gives an event its number, keeps it, and wakes who waits for it. */
void potad_event_add(struct potad_pool *pool, struct potad_event *event)
{
	struct potad_event_count *count = &pool->count;

	spin_lock(&pool->events_lock);
	event->seq = ++count->events;
	if (event->answer != POTAD_UNTOLD && !event->late)
		count->told++;
	if (event->answer == POTAD_LATE)
		count->late++;
	if (event->answer < ARRAY_SIZE(count->answers))
		count->answers[event->answer]++;
	pool->event[(event->seq - 1) % POTAD_EVENTS] = *event;
	spin_unlock(&pool->events_lock);
	trace_memory_failure(event, potad_answer_name(event->answer));
	wake_up_interruptible(&pool->events_wait);
}

/* Event number @seq, if it is still kept. */
bool potad_pool_event(struct potad_pool *pool, u64 seq,
		      struct potad_event *event)
{
	u64 events;
	bool kept;

	spin_lock(&pool->events_lock);
	events = pool->count.events;
	kept = seq && seq <= events && events - seq < POTAD_EVENTS;
	if (kept)
		*event = pool->event[(seq - 1) % POTAD_EVENTS];
	spin_unlock(&pool->events_lock);
	return kept;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_event);

/* The number of the last one. */
u64 potad_pool_events(struct potad_pool *pool)
{
	u64 events;

	spin_lock(&pool->events_lock);
	events = pool->count.events;
	spin_unlock(&pool->events_lock);
	return events;
}

void potad_pool_event_count(struct potad_pool *pool, struct potad_event_count *count)
{
	spin_lock(&pool->events_lock);
	*count = pool->count;
	spin_unlock(&pool->events_lock);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_event_count);

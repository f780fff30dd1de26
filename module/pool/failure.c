// SPDX-License-Identifier: GPL-2.0
/*
 * Memory failure: from an address to its owner.
 *
 * First the granule is retired in the space, whatever it is now: free, it is
 * out of use at once; in a block, it is as soon as the block comes back.  Only
 * one of several failures of the same granule gets past that.  Then, if it was
 * in a block, the owner is looked for and told.  Why no block slips through
 * between the two is told at the top of block.c.
 *
 * Neighbouring granules of one block with a descriptor that fail in one call are
 * one event, and the owner is told once; so are neighbours that are free.  Where
 * there is no descriptor nothing holds the block, and each granule is an event.
 * Events are kept in a ring, for people to read.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/string.h>

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
	};

	return answer < ARRAY_SIZE(names) ? names[answer] : "nonsense";
}

/* Keeps an event, and hands it to whoever asked. */
static void record(struct potad_pool *pool, struct potad_event *event,
		   potad_event_fn report, void *arg)
{
	spin_lock(&pool->events_lock);
	event->seq = ++pool->events;
	if (event->answer != POTAD_UNTOLD)
		pool->owners_told++;
	pool->event[(event->seq - 1) % POTAD_EVENTS] = *event;
	spin_unlock(&pool->events_lock);
	trace_potad_memory_failure(event->phys, event->length, event->type,
				   event->answer, event->flags);
	if (report)
		report(event, arg);
}

/*
 * The owner of a granule that is marked; waits for one that comes, goes or moves.
 *
 * The stock of its type is emptied, and looks at what passes through from now on: so
 * if the block is in stock it goes back, and the granule out of use, and if it is
 * somebody's it never gets there again.  Who has it after that is told.  Where nobody
 * has it, and it is out of use by now, *@state becomes POTAD_FREE.
 */
static bool find_owner(struct potad_pool *pool, phys_addr_t phys, int *state,
		       struct potad_block *block)
{
	const struct potad_type *wary = NULL;
	struct potad_extent extent;
	int err;

	while ((err = potad_pool_find(pool, phys, block)) != -ENOENT) {
		if (!err && (!block->data || block->type == wary))
			return true;
		if (err == -EAGAIN) {
			usleep_range(10, 100);
			continue;
		}
		wary = block->type;
		potad_pool_be_wary(pool, wary);
		if (!err)
			potad_put(block);
		else
			usleep_range(1, 10);	/* it may be on its way */
	}
	if (!potad_space_query(pool->space, potad_pool_granule(pool, phys), &extent) &&
	    extent.state == POTAD_RETIRED)
		*state = POTAD_FREE;
	return false;
}

/* Does the block, to which the caller has a reference, lie where it did? */
static bool is_still_there(const struct potad_block *block)
{
	struct potad_desc *desc = potad_data_desc(block->type, block->data);
	struct potad_block now;
	bool same;

	/* A part can be freed alone, whoever holds its descriptor. */
	if (block->part) {
		same = !potad_pool_find(block->type->pool, block->phys, &now);
		if (same) {
			same = now.part && now.data == block->data;
			potad_put(&now);
		}
		return same;
	}
	return potad_place_phys(READ_ONCE(desc->place)) == block->phys;
}

/*
 * Retires what follows @granule, up to @stop, for as long as it is of the same
 * state, and if that is allocated, of @block, which may move away meanwhile.
 * Returns the first that is not, or @stop; what that one turned out to be is in
 * *@state, unless it is @stop, which was not touched.
 */
static u64 retire_run(struct potad_pool *pool, u64 granule, u64 stop,
		      const struct potad_block *block, int *state)
{
	int first = *state;

	while (++granule < stop) {
		/*
		 * In a block that we have a reference to no cache can have it,
		 * and for the first of its granules all have become wary.
		 */
		if (first == POTAD_ALLOCATED)
			*state = potad_space_retire(pool->space, granule);
		else
			*state = potad_cache_retire(pool->cache, granule);
		/* Looked at after that: it was there when its granule failed. */
		if (*state != first ||
		    (first == POTAD_ALLOCATED && !is_still_there(block)))
			break;
		cond_resched();
	}
	return granule;
}

/* Tells the owner of @block that [@granule, @next) of it failed. */
static void tell(struct potad_pool *pool, const struct potad_block *block,
		 struct potad_event *event)
{
	const struct potad_ops *ops = &block->type->ops;
	struct potad_failure failure = {
		.block = block,
		.offset = event->phys - block->phys,
		.length = event->length,
		.flags = event->flags,
	};

	event->what = POTAD_IS_BLOCK;
	event->block = block->phys;
	strscpy(event->type, block->type->name, sizeof(event->type));
	if (ops->memory_failure)
		event->answer = ops->memory_failure(&failure);
}

/* Is all of it memory of the pool?  Holes are not. */
static bool is_there(struct potad_pool *pool, u64 granule, u64 end)
{
	struct potad_extent extent;

	for (; granule < end; granule++)
		if (potad_space_query(pool->space, granule, &extent))
			return false;
	return true;
}

/**
 * potad_pool_fail() - memory has failed; each thing found is reported
 * @pool: the pool
 * @phys: where
 * @length: how much, in bytes; the granules it touches are meant
 * @flags: POTAD_FAIL_*
 * @report: called for each event, or NULL
 * @arg: handed to @report
 *
 * Context: Process context; may sleep, and waits for owners.
 * Return: 0; -EINVAL if @length is 0; -E2BIG if it is more than
 * POTAD_FAIL_MAX; -ENXIO if not all of it is in the pool,
 * and nothing was done; -EHWPOISON if all of it had failed before; -ENOMEM if
 * a part could not be marked.
 */
int potad_pool_fail(struct potad_pool *pool, phys_addr_t phys, u64 length,
		    unsigned int flags, potad_event_fn report, void *arg)
{
	u64 granule, next, end, stopped_at = U64_MAX;
	int state, after = 0, err = -EHWPOISON;
	bool owned;

	if (!length)
		return -EINVAL;
	if (length > POTAD_FAIL_MAX)
		return -E2BIG;
	if (!potad_pool_has(pool, phys, length))
		return -ENXIO;
	granule = potad_pool_granule(pool, phys);
	end = potad_pool_granule(pool, phys + length - 1) + 1;
	if (!is_there(pool, granule, end))
		return -ENXIO;

	next = granule;
	for (; granule < end; granule = next) {
		struct potad_event event = {
			.phys = potad_pool_phys(pool, granule),
			.flags = flags,
		};
		struct potad_block block;
		u64 stop = end;

		/* Unless the run before it has already come upon this one. */
		if (next == stopped_at)
			state = after;
		else
			state = potad_cache_retire(pool->cache, granule);
		next = granule + 1;
		if (state == -EHWPOISON)
			continue;
		if (state < 0)
			return state;

		err = 0;
		owned = state == POTAD_ALLOCATED &&
			find_owner(pool, event.phys, &state, &block);
		event.what = state == POTAD_FREE ? POTAD_IS_FREE : POTAD_IS_BARE;
		if (owned && block.data)
			stop = min(end, potad_pool_granule(pool, block.phys +
							   block.bytes - 1) + 1);
		if ((owned && block.data) || state == POTAD_FREE) {
			after = state;
			next = retire_run(pool, granule, stop, &block, &after);
			stopped_at = next < stop ? next : U64_MAX;
		}
		event.length = (next - granule) << pool->granule_shift;
		if (owned) {
			tell(pool, &block, &event);
			potad_put(&block);
		}
		record(pool, &event, report, arg);
		cond_resched();
	}
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_fail);

/**
 * potad_memory_failure() - memory has failed
 * @pool: the pool
 * @phys: where
 * @length: how much, in bytes; the granules it touches are meant
 * @flags: POTAD_FAIL_*
 *
 * Each granule is never handed out again; who has it now is told, once.
 *
 * Context: Process context; may sleep, and waits for owners.
 * Return: 0; -EINVAL if @length is 0; -E2BIG if it is more than
 * POTAD_FAIL_MAX; -ENXIO if not all of it is in the pool,
 * and nothing was done; -EHWPOISON if all of it had failed before; -ENOMEM if
 * a part could not be marked.
 */
int potad_memory_failure(struct potad_pool *pool, phys_addr_t phys, u64 length,
			 unsigned int flags)
{
	return potad_pool_fail(pool, phys, length, flags, NULL, NULL);
}
EXPORT_SYMBOL_GPL(potad_memory_failure);

/* Event number @seq, if it is still kept. */
bool potad_pool_event(struct potad_pool *pool, u64 seq,
		      struct potad_event *event)
{
	bool kept;

	spin_lock(&pool->events_lock);
	kept = seq && seq <= pool->events && pool->events - seq < POTAD_EVENTS;
	if (kept)
		*event = pool->event[(seq - 1) % POTAD_EVENTS];
	spin_unlock(&pool->events_lock);
	return kept;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_event);

void potad_pool_event_counts(struct potad_pool *pool, u64 *events, u64 *told)
{
	spin_lock(&pool->events_lock);
	*events = pool->events;
	*told = pool->owners_told;
	spin_unlock(&pool->events_lock);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_event_counts);

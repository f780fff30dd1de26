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
 * Hard and soft: memory that is only going to fail can be read yet, so the block
 * is moved, by its own migrate operation, and what it leaves is out of use.  Where
 * that does not work the owner is told as of a hard failure.
 *
 * Owners take their time, and some for ever; nobody else shall wait for those.  So
 * a worker asks, and the failure waits for it as long as the pool has patience:
 *
 *	failure                      worker
 *	telling -------------------> asks
 *	waits ... <----------------- answers: one event
 *
 *	telling -------------------> asks
 *	waits, and gives up: an      ...
 *	event, "late"                answers: another event, marked as late
 *
 * The worker holds the block meanwhile, so that its type does not go.  In the same
 * way it waits for a block that is just being moved to be somewhere.  What else fails of
 * a block whose owner is late waits behind that, for the same worker; so one owner takes
 * one worker, however much of its memory fails.
 *
 * A block may be moved while memory of the place that it leaves fails.  Either the copy
 * was made before, and nobody need know, or its owner has to be told.  So a granule is
 * marked and its owner found under pool->moves, which is held for writing when a block
 * goes over to its new place.
 *
 * Neighbouring granules of one block with a descriptor that fail in one call are
 * one event, and the owner is told once; so are neighbours that are free.  Where
 * there is no descriptor nothing holds the block, and each granule is an event.
 *
 * Which granules failed really, and not in a test, and which only softly, is written
 * down (@how of the pool) before they are retired.  Real ones never come back into use,
 * not even by the end of the module; nobody is asked to copy what has really failed hard.
 * What could not be moved when it failed softly, and then fails hard, is told again.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../include/compat.h"
#include "pool.h"

/* How often a block that others move is looked at, without a worker to wait for it. */
#define MAX_LOOKS	1000

/* Workers that ask owners. */
static struct workqueue_struct *askers;

/**
 * struct telling - an owner that is to be told
 * @work: that tells it
 * @over: that it has answered, if somebody waits
 * @pool: the pool
 * @data: the descriptor of its block, or NULL: the owner is still to be found
 * @block: its block, with a reference, once it is found
 * @event: what it is told, and has answered
 * @late: nobody waits any more, and it is in the pool's list of those
 * @answered: nobody can give it up any more
 * @behind: others of the same block, that wait for it
 * @link: in the pool's list, or in @behind of another
 *
 * The pool's late_lock protects the last four.
 */
struct telling {
	struct work_struct	work;
	struct completion	over;
	struct potad_pool	*pool;
	const void		*data;
	struct potad_block	block;
	struct potad_event	event;
	bool			late;
	bool			answered;
	struct list_head	behind;
	struct list_head	link;
};

/* Makes the workers.  Process context; 0 or -ENOMEM. */
int __init potad_failures_init(void)
{
	askers = alloc_workqueue("potad-failure", WQ_UNBOUND, 0);
	return askers ? 0 : -ENOMEM;
}

void potad_failures_exit(void)
{
	destroy_workqueue(askers);
}

/* Waits for all owners that have not answered yet.  Process context; sleeps. */
void potad_failures_wait(void)
{
	flush_workqueue(askers);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_failures_wait);

/* What pool->how says of a granule that has failed; neither: hard, and in a test. */
#define REAL	1	/* out of use for good */
#define SOFT	2	/* what is in it can be read yet */

static unsigned long bits_of(const void *entry)
{
	return entry ? xa_to_value(entry) : 0;
}

/* Of the first failure all counts; one that is worse, of those after it. */
static void *note_of(const void *old, unsigned int flags)
{
	unsigned long how = old ? bits_of(old) : SOFT;

	if (!(flags & POTAD_FAIL_INJECTED))
		how |= REAL;
	if (!(flags & POTAD_FAIL_SOFT))
		how &= ~SOFT;
	return xa_mk_value(how);
}

/*
 * Writes down how a granule has failed.  If memory for that cannot be had, all that is
 * retired has really failed.  Returns what was there before.
 */
static unsigned long note(struct potad_pool *pool, u64 granule, unsigned int flags)
{
	void *old, *new, *was;

	do {
		old = xa_load(&pool->how, granule);
		new = note_of(old, flags);
		if (new == old)
			return bits_of(old);
		was = xa_cmpxchg(&pool->how, granule, old, new, GFP_KERNEL);
	} while (was != old && !xa_is_err(was));
	if (xa_is_err(was)) {
		if (bits_of(new) & REAL)
			WRITE_ONCE(pool->real_unknown, true);
	} else if (bits_of(new) & ~bits_of(old) & REAL) {
		spin_lock(&pool->events_lock);
		pool->count.real++;
		spin_unlock(&pool->events_lock);
	}
	return bits_of(old);
}

/*
 * As potad_space_retire(), or potad_cache_retire() if it may be in a cache; but what
 * had only failed softly, and is still somebody's, is news when it fails hard.
 */
static int retire(struct potad_pool *pool, u64 granule, bool cached, unsigned int flags)
{
	unsigned long was = note(pool, granule, flags);
	struct potad_extent extent;
	int state;

	if (cached)
		state = potad_cache_retire(pool->cache, granule);
	else
		state = potad_space_retire(pool->space, granule);
	if (state == -EHWPOISON && was & SOFT && !(flags & POTAD_FAIL_SOFT) &&
	    !potad_space_query(pool->space, granule, &extent) &&
	    extent.state == POTAD_ALLOCATED)
		return POTAD_ALLOCATED;
	return state;
}

/* Keeps an event, and hands it to whoever asked. */
static void record(struct potad_pool *pool, struct potad_event *event,
		   potad_event_fn report, void *arg)
{
	potad_event_add(pool, event);
	if (report)
		report(event, arg);
}

/*
 * Marks a granule, and looks who has it, in one step for those who move: who is found
 * has had it when it failed, and had not yet moved away.  As retire(); *@found is as
 * potad_pool_find() says.
 */
static int mark(struct potad_pool *pool, u64 granule, unsigned int flags,
		struct potad_block *block, int *found)
{
	int state;

	*found = -ENOENT;
	down_read(&pool->moves);
	state = retire(pool, granule, true, flags);
	if (state == POTAD_ALLOCATED)
		*found = potad_pool_find(pool, potad_pool_phys(pool, granule), block);
	up_read(&pool->moves);
	return state;
}

/*
 * The owner of a granule that is marked; waits for one that comes, goes or moves.  @err
 * is what a first look has said, or -EAGAIN.
 *
 * The stock of its type is emptied, and looks at what passes through from now on: so
 * if the block is in stock it goes back, and the granule out of use, and if it is
 * somebody's it never gets there again.  Where nobody has it, and it is out of use by
 * now, *@state becomes POTAD_FREE.
 *
 * Return: 0, and @block has a reference; -ENOENT: nobody; -ETIME if it is on the move
 * for more than @patience jiffies, unless that is 0.
 */
static int find_owner(struct potad_pool *pool, phys_addr_t phys, unsigned long patience,
		      int err, int *state, struct potad_block *block)
{
	unsigned long begun = jiffies;
	struct potad_extent extent;

	for (; err != -ENOENT; err = potad_pool_find(pool, phys, block)) {
		if (!err) {
			if (block->data)
				potad_pool_be_wary(pool, block->type);
			return 0;
		}
		if (err == -ENODATA) {
			potad_pool_be_wary(pool, block->type);
			usleep_range(1, 10);	/* it may be on its way */
			continue;
		}
		if (patience && time_after(jiffies, begun + patience))
			return -ETIME;
		usleep_range(10, 100);
	}
	if (!potad_space_query(pool->space, potad_pool_granule(pool, phys), &extent) &&
	    extent.state == POTAD_RETIRED)
		*state = POTAD_FREE;
	return -ENOENT;
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
 * *@state, and as mark() says in @other and *@found, unless it is @stop, which was not
 * touched.
 */
static u64 retire_run(struct potad_pool *pool, u64 granule, u64 stop,
		      const struct potad_block *block, unsigned int flags, int *state,
		      struct potad_block *other, int *found)
{
	int first = *state;
	bool same = true;

	while (++granule < stop && same) {
		/* It does not move between the two. */
		down_read(&pool->moves);
		/* In a block that we have a reference to no cache can have it. */
		*state = retire(pool, granule, first != POTAD_ALLOCATED, flags);
		same = *state == first && (first != POTAD_ALLOCATED || is_still_there(block));
		if (!same && *state == POTAD_ALLOCATED)
			*found = potad_pool_find(pool, potad_pool_phys(pool, granule), other);
		up_read(&pool->moves);
		cond_resched();
	}
	/* All were wary for the first; another that was taken back may have ended that. */
	if (first == POTAD_ALLOCATED)
		potad_pool_be_wary(pool, block->type);
	return same ? granule : granule - 1;
}

static bool is_moving(const struct potad_block *block)
{
	return READ_ONCE(potad_data_desc(block->type, block->data)->place) & POTAD_PLACE_MOVING;
}

/*
 * Has the block moved, unless somebody else does that already; then it waits for that,
 * or without workers for some time.  0, or why it stays.
 */
static int move_away(struct potad_pool *pool, const struct potad_block *block,
		     struct potad_event *event)
{
	unsigned int looks = READ_ONCE(pool->patience) ? UINT_MAX : MAX_LOOKS;
	struct potad_block moved;
	int err;

	if (!block->data)
		return -EOPNOTSUPP;
	while ((err = potad_migrate(pool, event->phys, &moved)) == -EAGAIN &&
	       is_moving(block) && looks--)
		usleep_range(500, 1000);
	if (err && is_still_there(block))
		return err;
	event->answer = POTAD_MOVED;
	event->moved = err ? potad_place_phys(READ_ONCE(potad_data_desc(block->type,
									 block->data)->place)) :
			     moved.phys;
	return 0;
}

/* Tells the owner of @block what has failed of it, or has it move out of there. */
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

	if (event->flags & POTAD_FAIL_SOFT && ops->migrate && !move_away(pool, block, event))
		return;
	if (ops->memory_failure)
		event->answer = ops->memory_failure(&failure);
}

static void name_block(struct potad_event *event, const struct potad_block *block)
{
	event->what = POTAD_IS_BLOCK;
	event->block = block->phys;
	event->bytes = block->bytes;
	strscpy(event->type, block->type->name, sizeof(event->type));
}

/* Finds the owner, if that is still to be done, tells it, and lets the block go. */
static void settle(struct telling *t)
{
	int state = POTAD_ALLOCATED;

	if (t->data || !find_owner(t->pool, t->event.phys, 0, -EAGAIN, &state, &t->block)) {
		name_block(&t->event, &t->block);
		tell(t->pool, &t->block, &t->event);
		potad_put(&t->block);
	} else if (state == POTAD_FREE) {
		t->event.what = POTAD_IS_FREE;
	}
}

/* An answer that came late, and those behind it, one after the other. */
static void settle_late(struct telling *t)
{
	struct potad_pool *pool = t->pool;
	struct telling *next = t;

	while (next) {
		next->event.late = true;
		potad_event_add(pool, &next->event);
		if (next != t)
			kfree(next);
		spin_lock(&pool->late_lock);
		next = list_first_entry_or_null(&t->behind, struct telling, link);
		list_del(next ? &next->link : &t->link);
		spin_unlock(&pool->late_lock);
		if (next)
			settle(next);
	}
	kfree(t);
}

static void ask_work(struct work_struct *work)
{
	struct telling *t = container_of(work, struct telling, work);
	bool late;

	settle(t);
	spin_lock(&t->pool->late_lock);
	t->answered = true;
	late = t->late;
	spin_unlock(&t->pool->late_lock);
	if (late)
		settle_late(t);
	else
		complete(&t->over);	/* and it is the other's */
}

/* Behind one that is late with an answer about the same block, if there is one. */
static bool queue_behind(struct telling *t)
{
	struct potad_pool *pool = t->pool;
	struct telling *first;
	bool found = false;

	spin_lock(&pool->late_lock);
	list_for_each_entry(first, &pool->late, link) {
		if (!t->data || first->data != t->data)
			continue;
		list_add_tail(&t->link, &first->behind);
		found = true;
		break;
	}
	spin_unlock(&pool->late_lock);
	return found;
}

/* Nobody waits for it any more; false: it has answered. */
static bool give_up(struct telling *t)
{
	bool late;

	spin_lock(&t->pool->late_lock);
	late = !t->answered;
	t->late = late;
	if (late)
		list_add_tail(&t->link, &t->pool->late);
	spin_unlock(&t->pool->late_lock);
	return late;
}

static struct telling *telling_new(struct potad_pool *pool, const struct potad_block *block,
				   const struct potad_event *event)
{
	struct telling *t = kzalloc_obj(*t, GFP_KERNEL);

	if (!t)
		return NULL;
	INIT_WORK(&t->work, ask_work);
	init_completion(&t->over);
	INIT_LIST_HEAD(&t->behind);
	t->pool = pool;
	t->event = *event;
	if (block) {
		t->data = block->data;
		t->block = *block;
	}
	return t;
}

/* Nobody is called who could take his time. */
static bool answers_at_once(const struct potad_block *block, const struct potad_event *event)
{
	const struct potad_ops *ops = &block->type->ops;

	return !ops->memory_failure && !(event->flags & POTAD_FAIL_SOFT && ops->migrate);
}

/*
 * Has a worker tell the owner of @block, whose reference it takes over, or if that is
 * NULL, find it first; waits for the answer.
 */
static void ask(struct potad_pool *pool, const struct potad_block *block,
		struct potad_event *event)
{
	unsigned long patience = READ_ONCE(pool->patience);
	struct potad_block found;
	struct telling *t = NULL;
	int state;

	if (block)
		name_block(event, block);
	if (patience && !(block && answers_at_once(block, event)))
		t = telling_new(pool, block, event);
	if (!t) {
		/* Without one, for as long as it takes. */
		if (!block && find_owner(pool, event->phys, 0, -EAGAIN, &state, &found))
			return;
		block = block ?: &found;
		name_block(event, block);
		tell(pool, block, event);
		potad_put(block);
		return;
	}
	if (queue_behind(t)) {
		event->answer = POTAD_LATE;
		return;
	}
	queue_work(askers, &t->work);
	/* Without a block the time for it has passed already. */
	if (!block || !wait_for_completion_timeout(&t->over, patience)) {
		if (give_up(t)) {
			event->answer = POTAD_LATE;
			pr_warn_ratelimited("potad: an owner of type %s has not answered in %u ms\n",
					    block ? event->type : "-",
					    jiffies_to_msecs(patience));
			return;
		}
		/* At the last moment: the worker is about to say so. */
		wait_for_completion(&t->over);
	}
	*event = t->event;
	kfree(t);
}

/* The granules that a range touches, @first to @end - 1; 0, or what speaks against it. */
static int range(const struct potad_pool *pool, phys_addr_t phys, u64 length, u64 *first,
		 u64 *end)
{
	if (!length)
		return -EINVAL;
	if (length > POTAD_FAIL_MAX)
		return -E2BIG;
	if (!potad_pool_has(pool, phys, length))
		return -ENXIO;
	*first = potad_pool_granule(pool, phys);
	*end = potad_pool_granule(pool, phys + length - 1) + 1;
	return 0;
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
	int state, after = 0, found = -ENOENT, err;
	struct potad_block block, other;
	bool owned, late;

	err = range(pool, phys, length, &granule, &end);
	if (err)
		return err;
	if (!is_there(pool, granule, end))
		return -ENXIO;

	err = -EHWPOISON;
	next = granule;
	for (; granule < end; granule = next) {
		struct potad_event event = {
			.phys = potad_pool_phys(pool, granule),
			.flags = flags,
		};
		u64 stop = end;

		/* Unless the run before it has already come upon this one. */
		if (next == stopped_at) {
			state = after;
			block = other;
		} else {
			state = mark(pool, granule, flags, &block, &found);
		}
		next = granule + 1;
		if (state == -EHWPOISON)
			continue;
		if (state < 0)
			return state;

		err = 0;
		owned = false;
		late = false;
		if (state == POTAD_ALLOCATED)
			switch (find_owner(pool, event.phys, READ_ONCE(pool->patience), found,
					   &state, &block)) {
			case 0:
				owned = true;
				break;
			case -ETIME:
				late = true;
				break;
			}
		event.what = state == POTAD_FREE ? POTAD_IS_FREE : POTAD_IS_BARE;
		if (owned && block.data)
			stop = min(end, potad_pool_granule(pool, block.phys +
							   block.bytes - 1) + 1);
		if ((owned && block.data) || state == POTAD_FREE) {
			after = state;
			next = retire_run(pool, granule, stop, &block, flags, &after, &other,
					  &found);
			stopped_at = next < stop ? next : U64_MAX;
		}
		event.length = (next - granule) << pool->granule_shift;
		if (owned || late)
			ask(pool, owned ? &block : NULL, &event);
		record(pool, &event, report, arg);
		cond_resched();
	}
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_fail);

int potad_memory_failure(struct potad_pool *pool, phys_addr_t phys, u64 length,
			 unsigned int flags)
{
	return potad_pool_fail(pool, phys, length, flags, NULL, NULL);
}
EXPORT_SYMBOL_GPL(potad_memory_failure);

/*
 * Has some of it really failed, only softly or not?  Where there was no memory for
 * notes, what has failed has failed really, and hard.
 */
static bool is_noted(struct potad_pool *pool, phys_addr_t phys, u64 length, bool softly)
{
	unsigned long first = potad_pool_granule(pool, phys), granule;
	unsigned long last = potad_pool_granule(pool, phys + length - 1);
	struct potad_extent extent;
	void *entry;

	xa_for_each_range(&pool->how, granule, entry, first, last)
		if (bits_of(entry) & REAL && (softly || !(bits_of(entry) & SOFT)))
			return true;
	if (!READ_ONCE(pool->real_unknown))
		return false;
	for (granule = first; granule <= last; granule++)
		if (!potad_space_query(pool->space, granule, &extent) &&
		    (extent.state == POTAD_RETIRED || extent.failed))
			return true;
	return false;
}

/*
 * Has any of it failed really, and not in a test?  Such memory must not be used any
 * more, by whomever.  Process context.
 */
bool potad_pool_really_failed(struct potad_pool *pool, phys_addr_t phys, u64 length)
{
	return is_noted(pool, phys, length, true);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_really_failed);

/* Has a granule of it failed, in whatever way, since it was handed out? */
bool potad_block_has_failed(const struct potad_block *block)
{
	struct potad_pool *pool = block->type->pool;

	return potad_space_has_failed(pool->space, potad_pool_granule(pool, block->phys),
				      block->order);
}

/* Has any of it really failed, and hard, so that it cannot even be read? */
bool potad_pool_is_lost(struct potad_pool *pool, phys_addr_t phys, u64 length)
{
	return is_noted(pool, phys, length, false);
}

/**
 * potad_pool_visit_real() - what must not be used any more, by whomever
 * @pool: the pool
 * @fn: called for each granule that failed really, and not in a test
 * @arg: handed to it
 *
 * Context: Process context; may sleep.
 */
void potad_pool_visit_real(struct potad_pool *pool,
			   void (*fn)(phys_addr_t phys, u64 length, void *arg), void *arg)
{
	u64 length = 1ULL << pool->granule_shift, at;
	unsigned long granule;
	void *entry;

	xa_for_each(&pool->how, granule, entry)
		if (bits_of(entry) & REAL)
			fn(potad_pool_phys(pool, granule), length, arg);
	if (!READ_ONCE(pool->real_unknown))
		return;
	for (at = 0; at < pool->bytes; at += length) {
		if (potad_pool_really_failed(pool, pool->start + at, 1))
			fn(pool->start + at, length, arg);
		cond_resched();
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_visit_real);

/* What was noted of a failure in a test. */
static void forget(struct potad_pool *pool, u64 granule)
{
	void *old = xa_load(&pool->how, granule);

	if (old && !(bits_of(old) & REAL))
		xa_cmpxchg(&pool->how, granule, old, NULL, 0);
}

/* Was its failure a test?  0, or why it cannot be taken back. */
static int was_injected(struct potad_pool *pool, u64 granule)
{
	struct potad_extent extent;

	if (potad_space_query(pool->space, granule, &extent))
		return -ENXIO;
	if (extent.state != POTAD_RETIRED && !extent.failed)
		return -EINVAL;
	return potad_pool_really_failed(pool, potad_pool_phys(pool, granule), 1) ? -EPERM : 0;
}

int potad_unpoison(struct potad_pool *pool, phys_addr_t phys, u64 length)
{
	u64 first, granule, end;
	unsigned int flags;
	int err;

	err = range(pool, phys, length, &first, &end);
	for (granule = first; granule < end && !err; granule++)
		err = was_injected(pool, granule);
	for (granule = first; granule < end && !err; granule++) {
		forget(pool, granule);
		err = potad_space_restore(pool->space, granule);
		/* A real failure that came after we looked: as if it came now. */
		if (!err && potad_pool_really_failed(pool, potad_pool_phys(pool, granule), 1)) {
			flags = bits_of(xa_load(&pool->how, granule)) & SOFT ? POTAD_FAIL_SOFT : 0;
			potad_pool_fail(pool, potad_pool_phys(pool, granule), 1, flags, NULL, NULL);
			err = -EPERM;
		}
		cond_resched();
	}
	return err;
}
EXPORT_SYMBOL_GPL(potad_unpoison);

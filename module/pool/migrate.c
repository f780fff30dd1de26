// SPDX-License-Identifier: GPL-2.0
/*
 * Migration: blocks that make room.
 *
 * To move one block:
 *
 *	step                        old words   place    new words   memory
 *	(a block)                   desc        old      -           old
 *	marked as moving            desc        old      -           old
 *	new memory, described       desc        old      desc        old, new
 *	the owner copies            desc        old      desc        old, new
 *	the new place               desc        new      desc        old, new
 *	old words cleared           -           new      desc        new
 *
 * The descriptor stays where it is, with its references and its generation.  Who
 * finds it by words that do not fit its place is told to try again.  All memory
 * that this takes is had before the owner is asked: after that nothing can fail
 * but the owner, who may refuse, and then everything is as before.
 *
 * A failure of the new memory that comes meanwhile finds words, waits until they
 * fit, and tells the owner; one of the old memory tells the owner at once, and
 * the granule stays behind.  The last two steps are one for failures (pool->moves).
 *
 * To empty a range its free blocks are taken, so that nobody gets them, and those
 * of others asked to go, one after the other; what they leave is kept as well.  In
 * the end all that goes back at once.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "pool.h"

/* How often a range is emptied anew because others were faster. */
#define MAX_TRIES	8

/* How often something is looked at again that is about to change. */
#define MAX_LOOKS	1000

/**
 * struct evacuation - a range that is being emptied
 * @pool: of this pool
 * @first: its first granule
 * @end: its last, plus one
 * @mine: of each granule, whether it is ours by now
 * @obstacles: how many things were in the way
 * @report: who is told of them, or NULL
 * @arg: for @report
 */
struct evacuation {
	struct potad_pool *pool;
	u64		first;
	u64		end;
	unsigned long	*mine;
	unsigned int	obstacles;
	potad_obstacle_fn report;
	void		*arg;
};

/*
 * One that moves already is left alone; so is one that is no longer where @block, as
 * it was found, says.
 */
static bool begin_move(struct potad_desc *desc, const struct potad_block *block, u64 *place)
{
	*place = READ_ONCE(desc->place);
	return !(*place & POTAD_PLACE_MOVING) && potad_place_phys(*place) == block->phys &&
	       cmpxchg(&desc->place, *place, *place | POTAD_PLACE_MOVING) == *place;
}

/* A block that is not in the range that is being emptied, if there is one. */
static int take_elsewhere(struct potad_type *type, unsigned int order,
			  const struct evacuation *ev, u64 *granule)
{
	struct potad_run run = {
		.nr = 1ULL << order, .align = order, .mobility = type->mobility,
	};
	bool drained = false;
	int err;

	if (!ev)
		return potad_memory_take(type, order, GFP_KERNEL, granule);
	do {
		run.min = ev->end;
		run.max = U64_MAX;
		err = potad_cache_alloc_run(type->pool->cache, &run);
		if (err == -ENOSPC && ev->first) {
			run.min = 0;
			run.max = ev->first - 1;
			err = potad_cache_alloc_run(type->pool->cache, &run);
		}
		if (err != -ENOSPC || drained)
			break;
		drained = potad_pool_drain_stocks(type->pool);
	} while (drained);
	*granule = run.first;
	return err;
}

/*
 * Moves the block, to which the caller has a reference.  What it leaves is the
 * caller's if it asks for that, and goes back otherwise.  *@refused tells an error of
 * the owner's from others.
 */
static int move(const struct potad_block *block, const struct evacuation *ev,
		bool keep, struct potad_block *moved, bool *refused)
{
	struct potad_type *type = block->type;
	struct potad_pool *pool = type->pool;
	struct potad_desc *desc;
	unsigned long word;
	u64 old, place, granule, from;
	int err;

	*refused = false;
	if (!block->data || block->part || !type->ops.migrate)
		return -EOPNOTSUPP;
	/* To copy it is to read it. */
	if (potad_pool_is_lost(pool, block->phys, block->bytes))
		return -EHWPOISON;
	desc = potad_data_desc(type, block->data);
	if (!begin_move(desc, block, &old))
		return -EAGAIN;
	/* Given up, and only held by somebody who looks: it goes without being moved. */
	if (!(atomic64_read(&desc->life) & POTAD_LIFE_OWN)) {
		WRITE_ONCE(desc->place, old);
		return -EAGAIN;
	}
	word = (unsigned long)desc | type->tag;
	from = potad_pool_granule(pool, potad_place_phys(old));
	do {
		err = take_elsewhere(type, block->order, ev, &granule);
		if (!err)
			err = potad_memory_describe(type, granule, block->order,
						    GFP_KERNEL, word);
	} while (err == -EAGAIN);
	if (err) {
		WRITE_ONCE(desc->place, old);
		return err;
	}

	*moved = *block;
	moved->phys = potad_pool_phys(pool, granule);
	place = potad_place(moved->phys, type->granule_shift, block->order, type->nr);
	err = type->ops.migrate(block, moved);
	trace_potad_migrate(block->phys, moved->phys, block->order, type->name, err);
	if (err) {
		*refused = true;
		WRITE_ONCE(desc->place, old);
		potad_index_clear(&pool->index, granule, block->order, word);
		potad_memory_return(type, granule, block->order);
		return err < 0 ? err : -EBUSY;
	}
	/* Who lets a granule of the old place fail sees it there, or sees it gone. */
	down_write(&pool->moves);
	WRITE_ONCE(desc->place, place);
	potad_index_clear(&pool->index, from, block->order, word);
	up_write(&pool->moves);
	if (!keep)
		potad_memory_return(type, from, block->order);
	return 0;
}

int potad_migrate(struct potad_pool *pool, phys_addr_t phys, struct potad_block *moved)
{
	struct potad_block block, to;
	bool refused;
	int err;

	if (!potad_pool_has(pool, phys, 1))
		return -ENXIO;
	err = potad_pool_find_settled(pool, phys, &block);
	if (err)
		return err == -ENODATA ? -ENOENT : err;
	err = move(&block, NULL, false, &to, &refused);
	potad_put(&block);
	if (!err && moved)
		*moved = to;
	return err;
}
EXPORT_SYMBOL_GPL(potad_migrate);

/* Evacuation */

static phys_addr_t address(const struct evacuation *ev, u64 granule)
{
	return potad_pool_phys(ev->pool, granule);
}

static void keep(struct evacuation *ev, u64 granule, u64 nr)
{
	bitmap_set(ev->mine, granule - ev->first, nr);
}

/* All that is ours goes back. */
static void let_go(struct evacuation *ev)
{
	u64 nr = ev->end - ev->first, from, to;

	for (from = find_next_bit(ev->mine, nr, 0); from < nr;
	     from = find_next_bit(ev->mine, nr, to)) {
		to = find_next_zero_bit(ev->mine, nr, from);
		WARN_ON_ONCE(potad_space_free_run(ev->pool->space, ev->first + from,
						  to - from));
		cond_resched();
	}
	bitmap_zero(ev->mine, nr);
}

static void obstacle(struct evacuation *ev, enum potad_obstacle what, u64 granule, int err)
{
	struct potad_info info;

	ev->obstacles++;
	if (ev->report && !potad_lookup(ev->pool, address(ev, granule), &info))
		ev->report(what, &info, err, ev->arg);
}

/* Takes what is free from @granule on, out of a free block; returns how much. */
static u64 take_free(struct evacuation *ev, u64 granule, const struct potad_extent *e)
{
	u64 end = min(ev->end, e->first + (1ULL << e->order));
	unsigned int k = min(fls64(end - granule) - 1, POTAD_MAX_ORDER);

	if (granule)
		k = min_t(unsigned int, k, __ffs64(granule));
	/* Somebody may have been faster: then it is looked at anew. */
	if (potad_space_alloc_at(ev->pool->space, granule, k, POTAD_MOVABLE))
		return 0;
	keep(ev, granule, 1ULL << k);
	return 1ULL << k;
}

/* The block at @granule is asked to go.  Returns how far to go on; <0: an error. */
static s64 ask(struct evacuation *ev, u64 granule, const struct potad_block *block)
{
	u64 first = potad_pool_granule(ev->pool, block->phys);
	u64 nr = 1ULL << block->order;
	bool inside = first >= ev->first && nr <= ev->end - first;
	struct potad_block moved;
	bool refused;
	int err = move(block, ev, inside, &moved, &refused);

	if (refused) {
		obstacle(ev, POTAD_REFUSED_MOVE, granule, err);
		return first + nr - granule;
	}
	switch (err) {
	case 0:
		if (!inside)
			return 0;	/* what it has left is free */
		keep(ev, first, nr);
		break;
	case -EAGAIN:
		return 0;
	case -EOPNOTSUPP:
		obstacle(ev, POTAD_CANNOT_MOVE, granule, 0);
		break;
	case -EHWPOISON:
		obstacle(ev, POTAD_FAILED_THERE, granule, 0);
		break;
	default:
		return err;
	}
	return first + nr - granule;
}

/* What is allocated from @granule on. */
static s64 take_allocated(struct evacuation *ev, u64 granule,
			  const struct potad_extent *e, bool last_look)
{
	struct potad_block block;
	s64 done;

	switch (potad_pool_find_settled(ev->pool, address(ev, granule), &block)) {
	case 0:
		done = ask(ev, granule, &block);
		potad_put(&block);
		return done;
	case -ENODATA:
		potad_pool_drain_stocks(ev->pool);
		return 0;
	default:
		/* At hand for somebody, or about to get an owner; or without one. */
		if (potad_cache_has(ev->pool->cache, granule))
			potad_cache_drain(ev->pool->cache);
		else if (last_look)
			break;
		return 0;
	}
	obstacle(ev, POTAD_NO_OWNER, granule, 0);
	return e->first + (1ULL << e->order) - granule;
}

/* A hole is one obstacle, however large it is.  Returns how far to go on. */
static u64 pass_hole(struct evacuation *ev, u64 granule)
{
	struct potad_extent e;
	u64 next = granule + 1;

	obstacle(ev, POTAD_NOT_THERE, granule, 0);
	while (next < ev->end && potad_space_query(ev->pool->space, next, &e)) {
		next++;
		cond_resched();
	}
	return next - granule;
}

/*
 * For whoever is busy with what is in the way: often it is another evacuation, that moves
 * the block or has taken the same free memory.  So two that overlap both end: neither keeps
 * what it has waiting for the other, but for so long.
 */
static void wait_a_little(unsigned int looks)
{
	if (looks < MAX_LOOKS / 10)
		usleep_range(10, 100);
	else
		usleep_range(1000, 2000);
}

/* Goes through the range once.  0, or an error; obstacles are counted. */
static int evacuate(struct evacuation *ev)
{
	unsigned int looks = 0;
	struct potad_extent e;
	u64 granule;
	s64 done;

	for (granule = ev->first; granule < ev->end; granule += done) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		done = 1;
		if (test_bit(granule - ev->first, ev->mine))
			continue;
		if (potad_space_query(ev->pool->space, granule, &e))
			done = pass_hole(ev, granule);
		else if (e.state == POTAD_RETIRED)
			obstacle(ev, POTAD_FAILED_THERE, granule, 0);
		else if (e.state == POTAD_FREE)
			done = take_free(ev, granule, &e);
		else
			done = take_allocated(ev, granule, &e, looks > MAX_TRIES);
		if (done < 0)
			return done;
		looks = done ? 0 : looks + 1;
		if (looks > MAX_LOOKS)
			return -EAGAIN;
		if (looks > 1)
			wait_a_little(looks);
	}
	return ev->obstacles ? -EBUSY : 0;
}

static int evacuation_begin(struct evacuation *ev, struct potad_pool *pool,
			    phys_addr_t phys, u64 length, potad_obstacle_fn report,
			    void *arg)
{
	u64 mask = (1ULL << pool->granule_shift) - 1;

	if (!length || (phys - pool->start) & mask || length & mask)
		return -EINVAL;
	if (!potad_pool_has(pool, phys, length))
		return -ENXIO;
	ev->pool = pool;
	ev->first = potad_pool_granule(pool, phys);
	ev->end = ev->first + (length >> pool->granule_shift);
	ev->obstacles = 0;
	ev->report = report;
	ev->arg = arg;
	ev->mine = kvcalloc(BITS_TO_LONGS(ev->end - ev->first), sizeof(long), GFP_KERNEL);
	return ev->mine ? 0 : -ENOMEM;
}

int potad_evacuate(struct potad_pool *pool, phys_addr_t phys, u64 length,
		   potad_obstacle_fn report, void *arg)
{
	struct evacuation ev;
	int err = evacuation_begin(&ev, pool, phys, length, report, arg);

	if (err)
		return err;
	err = evacuate(&ev);
	let_go(&ev);
	kvfree(ev.mine);
	return err;
}
EXPORT_SYMBOL_GPL(potad_evacuate);

int potad_alloc_at(struct potad_type *type, phys_addr_t phys, unsigned int order,
		   gfp_t gfp, void *arg, potad_obstacle_fn report, void *report_arg,
		   struct potad_block *block)
{
	struct potad_pool *pool = type->pool;
	unsigned int tries = MAX_TRIES;
	struct evacuation ev;
	u64 length;
	int err;

	if (!pool)
		return -ENODEV;
	if (order > potad_space_max_order(pool->space) || type->own)
		return -EINVAL;
	length = 1ULL << (pool->granule_shift + order);
	if ((phys - pool->start) & (length - 1))
		return -EINVAL;
	err = evacuation_begin(&ev, pool, phys, length, report, report_arg);
	if (err)
		return err;
	do {
		err = evacuate(&ev);
		let_go(&ev);
		if (err)
			break;
		/* Between the two somebody may have taken some of it. */
		err = potad_space_alloc_at(pool->space, ev.first, order, type->mobility);
	} while (err == -EBUSY && tries--);
	kvfree(ev.mine);
	if (err)
		return err;
	err = potad_block_at(type, ev.first, order, gfp, arg, block);
	/* It has failed in the meantime. */
	return err == -EAGAIN ? -EHWPOISON : err;
}
EXPORT_SYMBOL_GPL(potad_alloc_at);

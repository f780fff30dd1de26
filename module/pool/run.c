// SPDX-License-Identifier: GPL-2.0
/*
 * Runs: adjacent blocks, for whoever would have asked CMA.
 *
 * What is wanted is said in bytes and physical addresses; the space looks for it in
 * granules, first as one block, then as two of half the size, and so on:
 *
 *	8 MiB, aligned to 1 MiB:   [        8        ]
 *	                           [   4    |   4    ]
 *	                           [ 2 | 2  | 2  | 2 ]
 *	                           [1|1|1|1|1|1|1|1|1]	and no further
 *
 * A run has no descriptor, and nobody is told when its memory fails: what has
 * failed stays behind when the run is given back.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "pool.h"

static u64 granules(const struct potad_pool *pool, u64 bytes)
{
	return ((bytes - 1) >> pool->granule_shift) + 1;
}

/* A power of two in bytes as an order of granules; less than a granule is one. */
static int order_of(const struct potad_pool *pool, u64 bytes)
{
	if (!is_power_of_2(bytes))
		return -EINVAL;
	return max_t(int, ilog2(bytes) - (int)pool->granule_shift, 0);
}

/* The space counts from the pool's start: do physical multiples lie where its do? */
static int align_of(const struct potad_pool *pool, u64 align)
{
	int order = order_of(pool, align ?: 1);

	if (order > 0 && !IS_ALIGNED(pool->start, align))
		return -EINVAL;
	return order;
}

/* 0 also if the whole pool lies between two such borders. */
static int border_of(const struct potad_pool *pool, u64 nocross)
{
	int order;

	if (!nocross)
		return 0;
	order = order_of(pool, nocross);
	if (order < 0 ||
	    !((pool->start ^ (pool->start + pool->bytes - 1)) & ~(nocross - 1)))
		return order < 0 ? order : 0;
	return order && IS_ALIGNED(pool->start, nocross) ? order : -EINVAL;
}

/* The granules that lie between two addresses. */
static int bounds(const struct potad_pool *pool, const struct potad_adjacent *a,
		  struct potad_run *run)
{
	u64 last = a->max ?: U64_MAX;

	if (a->min > last)
		return -EINVAL;
	if (last < pool->start || a->min > pool->start + (pool->bytes - 1))
		return -ENOSPC;
	last = min(last - pool->start, pool->bytes - 1);
	run->max = (last + 1) >> pool->granule_shift;
	run->min = a->min > pool->start ? granules(pool, a->min - pool->start) : 0;
	if (run->min >= run->max--)
		return -ENOSPC;
	return 0;
}

static int parse(const struct potad_pool *pool, const struct potad_adjacent *a,
		 struct potad_run *run)
{
	int align = align_of(pool, a->align), border = border_of(pool, a->nocross);

	if (!a->bytes || align < 0 || border < 0)
		return -EINVAL;
	run->nr = granules(pool, a->bytes);
	run->align = align;
	run->nocross = border;
	if (border && run->nr > 1ULL << border)
		return -EINVAL;
	return bounds(pool, a, run);
}

int potad_run_alloc(struct potad_pool *pool, struct potad_adjacent *a)
{
	struct potad_run run = { .mobility = POTAD_PINNED };
	bool drained = false;
	int err;

	a->tried = 0;
	err = parse(pool, a, &run);
	if (err)
		return err;
	do {
		err = potad_cache_alloc_run(pool->cache, &run);
		if (err != -ENOSPC || drained)
			break;
		drained = potad_pool_drain_stocks(pool);
	} while (drained);
	a->tried = run.tried;
	if (!err) {
		a->phys = potad_pool_phys(pool, run.first);
		a->bytes = run.nr << pool->granule_shift;
		a->order = run.order;
	}
	trace_potad_run(err ? 0 : a->phys, run.nr, run.align, run.order, run.tried, err);
	return err;
}
EXPORT_SYMBOL_GPL(potad_run_alloc);

/*
 * At hand for some CPU?  One that is giving it back just now may still look as if it had
 * it, when we have it by now: after a drain it does not.
 */
static bool is_at_hand(struct potad_pool *pool, u64 granule)
{
	if (likely(!potad_cache_has(pool->cache, granule)))
		return false;
	potad_cache_drain(pool->cache);
	return potad_cache_has(pool->cache, granule);
}

/* Is some of it not what a run is made of: a block of a type, or at hand for some CPU? */
static int not_a_run(struct potad_pool *pool, const struct potad_adjacent *a)
{
	u64 granule = potad_pool_granule(pool, a->phys);
	u64 end = granule + (a->bytes >> pool->granule_shift);
	struct potad_extent extent;
	struct potad_block block;
	int err;

	for (; granule < end; granule = extent.first + (1ULL << extent.order)) {
		/* Words of another page, in a line that becomes this one's, are none soon. */
		err = potad_pool_find_settled(pool, potad_pool_phys(pool, granule), &block);
		if (!err)
			potad_put(&block);
		if (err != -ENOENT)
			return -EPERM;
		if (potad_space_query(pool->space, granule, &extent))
			return -ENXIO;
		if (extent.state == POTAD_ALLOCATED && is_at_hand(pool, granule))
			return -ENOENT;
		cond_resched();
	}
	return 0;
}

int potad_run_free(struct potad_pool *pool, const struct potad_adjacent *a)
{
	u64 mask = (1ULL << pool->granule_shift) - 1;
	int err;

	if (!a->bytes || (a->phys - pool->start) & mask || a->bytes & mask ||
	    a->order > potad_space_max_order(pool->space))
		return -EINVAL;
	if (!potad_pool_has(pool, a->phys, a->bytes))
		return -ENXIO;
	err = not_a_run(pool, a);
	return err ?: potad_space_free_run(pool->space, potad_pool_granule(pool, a->phys),
					   a->bytes >> pool->granule_shift);
}
EXPORT_SYMBOL_GPL(potad_run_free);

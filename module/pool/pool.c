// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: blocks with descriptors.
 *
 * The life of a described block:
 *
 *	step                        space      words     references
 *	(nothing)                   free       0         -
 *	potad_cache_alloc()         allocated  0         -
 *	potad_words_set()           allocated  set       0    "coming"
 *	refcount_set()              allocated  set       1    found by all
 *	potad_get(), potad_put()    allocated  set       2, 1
 *	potad_free(): last put      allocated  set       0    "going"
 *	potad_words_clear()         allocated  0         -
 *	potad_cache_free()          free       0         -
 *
 * "Coming" is there for memory failure, which marks the granule first and then
 * looks for an owner to tell.  The allocation sets the words first and then
 * looks for the mark (both with a full barrier between): so either the failure
 * finds the words, or the allocation finds the mark and takes another block.
 * An owner is never told of a block that it has not been given, and never given
 * a block whose failure it was not told of.
 *
 * Freeing needs no memory and takes no sleeping lock; what it waits for, a
 * group's lock, is held for a few dozen words at a time.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "pool.h"

static void fill_block(const struct potad_pool *pool, struct potad_type *type,
		       u64 first, unsigned int order, void *data,
		       struct potad_block *block)
{
	block->phys = potad_pool_phys(pool, first);
	block->order = order;
	block->bytes = 1ULL << (pool->granule_shift + order);
	block->type = type;
	block->data = data;
}

/**
 * potad_order() - how large a block holds so many bytes
 * @pool: the pool
 * @bytes: how many, 1 or more
 *
 * Return: the order; -EINVAL if @bytes is 0; -E2BIG if no block of this pool
 * can be that large.
 */
int potad_order(const struct potad_pool *pool, u64 bytes)
{
	unsigned int order;

	if (!bytes)
		return -EINVAL;
	order = fls64((bytes - 1) >> pool->granule_shift);
	if (order > potad_space_max_order(pool->space))
		return -E2BIG;
	return order;
}
EXPORT_SYMBOL_GPL(potad_order);

/* Takes a block and describes it; @desc's reference count stays 0. */
static int block_alloc(struct potad_pool *pool, struct potad_type *type,
		       unsigned int order, gfp_t gfp, struct potad_desc *desc,
		       u64 *first)
{
	struct potad_line *line;
	unsigned long word;
	int err;

again:
	err = potad_cache_alloc(pool->cache, order, type->mobility,
				gfpflags_allow_blocking(gfp), first);
	if (err)
		return err;
	err = potad_words_prepare(&pool->words, *first, order, gfp, &line);
	if (err) {
		potad_cache_free(pool->cache, *first, order, type->mobility);
		return err;
	}
	if (desc) {
		desc->first = *first;
		word = (unsigned long)desc | type->tag;
	} else {
		word = potad_word_inline(*first, order, type->tag);
	}
	potad_words_set(&pool->words, *first, order, word, line);
	smp_mb();	/* words before mark; see the top */
	if (unlikely(potad_space_has_failed(pool->space, *first, order))) {
		potad_words_clear(&pool->words, *first, order, word);
		potad_space_free(pool->space, *first, order);
		goto again;
	}
	return 0;
}

/**
 * potad_alloc() - a block and its descriptor
 * @pool: the pool
 * @type: its type
 * @order: its order: the block has granule << order bytes, and is aligned to
 *	   that from the start of the pool
 * @gfp: how the descriptor's memory may be had; with __GFP_ZERO the owner's
 *	 part of it is zeroed (the block's memory never is)
 * @arg: handed to the type's init operation
 * @block: filled in
 *
 * Context: as @gfp says; GFP_ATOMIC from any context but NMI.
 * Return: 0; -EINVAL if @order is larger than the pool; -ENOSPC if there is no
 * such block now (where @gfp forbids to wait: none that this CPU can have);
 * -ENOMEM if there is no memory for the descriptor.
 */
int potad_alloc(struct potad_pool *pool, struct potad_type *type,
		unsigned int order, gfp_t gfp, void *arg,
		struct potad_block *block)
{
	struct potad_desc *desc = NULL;
	void *data = NULL;
	int err = -ENOMEM;
	u64 first;

	might_alloc(gfp);
	if (type->cache) {
		desc = kmem_cache_alloc(type->cache, gfp & ~__GFP_ZERO);
		if (!desc)
			goto fail;
		data = potad_desc_data(desc);
		if (gfp & __GFP_ZERO)
			memset(data, 0, type->desc_size);
		desc->order = order;
		desc->tag = type->tag;
		desc->freed = 0;
	}
	err = block_alloc(pool, type, order, gfp & ~__GFP_ZERO, desc, &first);
	if (err)
		goto fail_desc;

	potad_type_add(type, 1LL << (pool->granule_shift + order));
	this_cpu_inc(pool->count->allocs);
	fill_block(pool, type, first, order, data, block);
	trace_potad_alloc(block->phys, order, type->name, 0);
	if (desc) {
		if (type->ops.init)
			type->ops.init(data, arg);
		smp_wmb();	/* all of it before it can be got */
		refcount_set(&desc->ref, 1);
	}
	return 0;

fail_desc:
	if (desc)
		kmem_cache_free(type->cache, desc);
fail:
	this_cpu_inc(pool->count->alloc_failures);
	trace_potad_alloc(0, order, type->name, err);
	return err;
}
EXPORT_SYMBOL_GPL(potad_alloc);

/* The memory of a block whose words are cleared goes back. */
static void block_free(struct potad_pool *pool, struct potad_type *type,
		       u64 first, unsigned int order)
{
	potad_cache_free(pool->cache, first, order, type->mobility);
	this_cpu_inc(pool->count->frees);
	trace_potad_free(potad_pool_phys(pool, first), order, type->name);
}

/* The last reference has gone. */
static void desc_release(struct potad_pool *pool, struct potad_desc *desc)
{
	struct potad_type *type = potad_type_by_tag(desc->tag);
	unsigned int order = desc->order;
	bool ok;

	if (type->ops.release)
		type->ops.release(potad_desc_data(desc));
	ok = potad_words_clear(&pool->words, desc->first, order,
			       (unsigned long)desc | desc->tag);
	if (!WARN_ONCE(!ok, "potad: words of a %s changed under it\n",
		       type->name))
		block_free(pool, type, desc->first, order);
	kmem_cache_free(type->cache, desc);
	/* Last: from here on the type may be unregistered. */
	potad_type_sub(type, 1LL << (pool->granule_shift + order));
}

static void desc_put(struct potad_pool *pool, struct potad_desc *desc)
{
	if (refcount_dec_and_test(&desc->ref))
		desc_release(pool, desc);
}

static int inline_free(struct potad_pool *pool, struct potad_type *type,
		       u64 first, unsigned int order)
{
	if (!potad_words_clear(&pool->words, first, order,
			       potad_word_inline(first, order, type->tag)))
		return -ENOENT;
	block_free(pool, type, first, order);
	potad_type_sub(type, 1LL << (pool->granule_shift + order));
	return 0;
}

static int desc_free(struct potad_pool *pool, struct potad_desc *desc)
{
	if (xchg(&desc->freed, 1))
		return -ENOENT;
	desc_put(pool, desc);
	return 0;
}

/**
 * potad_free() - give a block back
 * @pool: the pool
 * @block: as potad_alloc() filled it in; the caller's own
 *
 * Drops the reference that the allocation was.  The memory goes back with the
 * last one.  Never allocates.
 *
 * A block that is freed twice is noticed as long as neither its memory nor its
 * descriptor has been handed out again: the caller must not count on it.
 *
 * Context: Any but NMI.
 * Return: 0; -ENOENT if it is not allocated (any more); -EINVAL if what is in
 * @block does not fit together.
 */
int potad_free(struct potad_pool *pool, const struct potad_block *block)
{
	struct potad_desc *desc;
	u64 first;

	if (!potad_pool_has(pool, block->phys, block->bytes))
		return -EINVAL;
	first = potad_pool_granule(pool, block->phys);
	if (!block->data)
		return inline_free(pool, block->type, first, block->order);

	desc = potad_data_desc(block->data);
	if (desc->first != first || desc->order != block->order ||
	    desc->tag != block->type->tag)
		return -EINVAL;
	return desc_free(pool, desc);
}
EXPORT_SYMBOL_GPL(potad_free);

/*
 * Finds the block that @granule is in, and takes a reference, or pins the type
 * if there is no descriptor; potad_put() undoes either.  Returns 0; -ENOENT if
 * no type has it; -EAGAIN if it is coming or going.
 */
int potad_pool_find(struct potad_pool *pool, u64 granule,
		    struct potad_block *block)
{
	struct potad_desc *desc = NULL;
	struct potad_type *type;
	unsigned long word;
	unsigned int order;
	int err = 0;
	u64 first;

	rcu_read_lock();
	word = potad_words_find(&pool->words, granule);
	type = potad_type_by_tag(potad_word_tag(word));
	if (!type) {
		err = -ENOENT;
	} else if (!type->cache) {
		potad_type_pin(type);
		first = potad_word_first(word);
		order = potad_word_order(word);
	} else if (refcount_inc_not_zero(&potad_word_desc(word)->ref)) {
		/* It stands still now: what is read of it is read after that. */
		smp_acquire__after_ctrl_dep();
		desc = potad_word_desc(word);
		first = desc->first;
		order = desc->order;
	} else {
		err = -EAGAIN;
	}
	rcu_read_unlock();
	if (err)
		return err;

	fill_block(pool, type, first, order,
		   desc ? potad_desc_data(desc) : NULL, block);
	/* Is it the one that we looked for? */
	if (first >> order == granule >> order)
		return 0;
	potad_put(pool, block);
	return -EAGAIN;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_find);

/**
 * potad_get() - a reference to the block at an address
 * @pool: the pool
 * @phys: any address
 * @block: filled in
 *
 * Takes no lock.
 *
 * Context: Any but NMI.
 * Return: 0, and the caller calls potad_put(); -ENXIO if @phys is outside the
 * pool; -ENOENT if there is no block of a type; -EOPNOTSUPP if its type has no
 * descriptors; -EAGAIN if it is being allocated or freed at this very moment.
 */
int potad_get(struct potad_pool *pool, phys_addr_t phys,
	      struct potad_block *block)
{
	int err;

	if (!potad_pool_has(pool, phys, 1))
		return -ENXIO;
	err = potad_pool_find(pool, potad_pool_granule(pool, phys), block);
	if (!err && !block->data) {
		potad_put(pool, block);
		err = -EOPNOTSUPP;
	}
	return err;
}
EXPORT_SYMBOL_GPL(potad_get);

/**
 * potad_put() - give a reference back
 * @pool: the pool
 * @block: from potad_get()
 *
 * The last one runs the type's release operation and frees the block.
 *
 * Context: Any but NMI.
 */
void potad_put(struct potad_pool *pool, const struct potad_block *block)
{
	if (block->data)
		desc_put(pool, potad_data_desc(block->data));
	else
		potad_type_unpin(block->type);
}
EXPORT_SYMBOL_GPL(potad_put);

/**
 * potad_free_at() - give a block back, by its address
 * @pool: the pool
 * @phys: physical address of its first byte
 * @order: its order
 * @type: its type
 *
 * For callers who are not sure of what they have: everything is checked, and
 * if several try at once, one succeeds.  (An address says nothing of which
 * block was there before; whoever needs that keeps handles.)
 *
 * Context: Any but NMI.
 * Return: 0; -ENXIO if @phys is outside the pool; -EINVAL if no block starts
 * there or it has another order; -EPERM if it is of another type; -ENOENT if
 * nothing is allocated there; -EHWPOISON if it is quarantined.
 */
int potad_free_at(struct potad_pool *pool, phys_addr_t phys,
		  unsigned int order, struct potad_type *type)
{
	struct potad_extent extent;
	struct potad_block block;
	u64 granule;
	int err;

	if (!potad_pool_has(pool, phys, 1))
		return -ENXIO;
	granule = potad_pool_granule(pool, phys);
	err = potad_pool_find(pool, granule, &block);
	if (err == -EAGAIN)
		return -ENOENT;
	if (err) {
		potad_space_query(pool->space, granule, &extent);
		if (extent.state == POTAD_RETIRED)
			return -EHWPOISON;
		return extent.state == POTAD_FREE ||
		       potad_cache_has(pool->cache, granule) ? -ENOENT : -EPERM;
	}
	if (block.type != type)
		err = -EPERM;
	else if (block.phys != phys || block.order != order)
		err = -EINVAL;
	else if (block.data)
		err = desc_free(pool, potad_data_desc(block.data));
	else
		err = inline_free(pool, type, granule, order);
	potad_put(pool, &block);
	return err;
}
EXPORT_SYMBOL_GPL(potad_free_at);

/**
 * potad_lookup() - what is at an address?
 * @pool: the pool
 * @phys: any address
 * @info: filled in
 *
 * True at one moment during the call.  A described block is found without a
 * lock, unless some block has failed granules; for what has no type the space
 * is asked, under its locks.
 *
 * Context: Any but NMI.
 * Return: 0, or -ENXIO if @phys is outside the pool.
 */
int potad_lookup(struct potad_pool *pool, phys_addr_t phys,
		 struct potad_info *info)
{
	struct potad_extent extent;
	struct potad_block block;
	u64 granule;

	memset(info, 0, sizeof(*info));
	if (!potad_pool_has(pool, phys, 1))
		return -ENXIO;
	granule = potad_pool_granule(pool, phys);
	if (!potad_pool_find(pool, granule, &block)) {
		struct potad_type *type = block.type;

		info->what = POTAD_IS_BLOCK;
		info->phys = block.phys;
		info->bytes = block.bytes;
		info->order = block.order;
		strscpy(info->type, type->name, sizeof(info->type));
		if (type->ops.describe)
			type->ops.describe(block.data, info->owner,
					   sizeof(info->owner));
		if (potad_space_pending(pool->space)) {
			potad_space_query(pool->space, granule, &extent);
			info->failed = extent.failed;
		}
		potad_put(pool, &block);
		return 0;
	}
	potad_space_query(pool->space, granule, &extent);
	switch (extent.state) {
	case POTAD_FREE:
		info->what = POTAD_IS_FREE;
		break;
	case POTAD_RETIRED:
		info->what = POTAD_IS_QUARANTINED;
		break;
	default:
		info->what = potad_cache_has(pool->cache, granule) ?
			     POTAD_IS_FREE : POTAD_IS_BARE;
		info->failed = extent.failed;
		break;
	}
	info->phys = potad_pool_phys(pool, extent.first);
	info->order = extent.order;
	info->bytes = 1ULL << (pool->granule_shift + extent.order);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_lookup);

/*
 * A block without a type: nobody is told of anything.  Process context, may
 * sleep; else as potad_cache_alloc().
 */
int potad_bare_alloc(struct potad_pool *pool, unsigned int order,
		     phys_addr_t *phys)
{
	u64 granule;
	int err = potad_cache_alloc(pool->cache, order, POTAD_MOVABLE, true, &granule);

	if (!err)
		*phys = potad_pool_phys(pool, granule);
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_bare_alloc);

/* As potad_cache_free(): that the caller has it is checked late, if at all. */
int potad_bare_free(struct potad_pool *pool, phys_addr_t phys,
		    unsigned int order)
{
	return potad_cache_free(pool->cache, potad_pool_granule(pool, phys), order,
				POTAD_MOVABLE);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_bare_free);

/* The sums over all CPUs. */
struct potad_pool_count potad_pool_counts(const struct potad_pool *pool)
{
	struct potad_pool_count sum = { };
	int cpu;

	for_each_possible_cpu(cpu) {
		struct potad_pool_count *c = per_cpu_ptr(pool->count, cpu);

		sum.allocs += READ_ONCE(c->allocs);
		sum.frees += READ_ONCE(c->frees);
		sum.alloc_failures += READ_ONCE(c->alloc_failures);
	}
	return sum;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_counts);

/*
 * The sums of the space, where what is cached counts as free; the list of free
 * blocks is of what is not.  Process context.
 */
void potad_pool_stat(struct potad_pool *pool, struct potad_space_stat *stat,
		     u64 *cached)
{
	potad_space_stat(pool->space, stat);
	*cached = min(potad_cache_granules(pool->cache), stat->allocated);
	stat->free += *cached;
	stat->allocated -= *cached;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_stat);

/* NULL, or what is wrong, in words.  Process context. */
const char *potad_pool_validate(struct potad_pool *pool)
{
	return potad_space_validate(pool->space);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_validate);

/**
 * potad_pool_create() - a pool over physical memory that the caller has
 * @start: its first byte, page-aligned
 * @bytes: how much, a multiple of a page and of @granule
 * @granule: size of the smallest block, a power of two, 512 .. 2 MiB
 *
 * The memory is not touched, now or later.
 *
 * Context: Process context; may sleep.
 * Return: the pool, or an error pointer: -EINVAL, -ENOMEM.
 */
struct potad_pool *potad_pool_create(phys_addr_t start, u64 bytes, u64 granule)
{
	struct potad_pool *pool;
	unsigned int frame_shift;
	int err = -ENOMEM;

	if (!is_power_of_2(granule) || granule < SZ_512 || granule > SZ_2M ||
	    !bytes || !IS_ALIGNED(bytes, max_t(u64, granule, PAGE_SIZE)) ||
	    !IS_ALIGNED(start, PAGE_SIZE) || start + bytes < start)
		return ERR_PTR(-EINVAL);

	pool = kvzalloc_obj(*pool, GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->start = start;
	pool->bytes = bytes;
	pool->granule_shift = ilog2(granule);
	spin_lock_init(&pool->events_lock);
	pool->count = alloc_percpu(struct potad_pool_count);
	if (!pool->count)
		goto fail;
	pool->space = potad_space_create(bytes >> pool->granule_shift);
	if (IS_ERR(pool->space)) {
		err = PTR_ERR(pool->space);
		goto fail_count;
	}
	pool->cache = potad_cache_create(pool->space);
	if (!pool->cache)
		goto fail_space;
	frame_shift = granule < PAGE_SIZE ?
		      min(PAGE_SHIFT - ilog2(granule), ilog2(POTAD_LINE_WORDS)) : 0;
	err = potad_words_init(&pool->words, bytes >> pool->granule_shift,
			       frame_shift);
	if (err)
		goto fail_cache;
	return pool;

fail_cache:
	potad_cache_destroy(pool->cache);
fail_space:
	potad_space_destroy(pool->space);
fail_count:
	free_percpu(pool->count);
fail:
	kvfree(pool);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_create);

/**
 * potad_pool_destroy() - the end of a pool
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 * Return: 0; -EBUSY if blocks are allocated, and nothing has happened.
 */
int potad_pool_destroy(struct potad_pool *pool)
{
	struct potad_space_stat *stat;
	bool busy;

	stat = kmalloc_obj(*stat, GFP_KERNEL | __GFP_NOFAIL);
	potad_cache_drain(pool->cache);
	potad_space_stat(pool->space, stat);
	busy = stat->allocated;
	kfree(stat);
	if (busy)
		return -EBUSY;
	potad_words_exit(&pool->words);
	potad_cache_destroy(pool->cache);
	potad_space_destroy(pool->space);
	free_percpu(pool->count);
	kvfree(pool);
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_destroy);

// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: creation, the end, sums, and blocks that nobody describes.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../include/compat.h"
#include "pool.h"
#include "stock.h"

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

/*
 * A block without a type: nobody is told of anything.  Process context, may
 * sleep; else as potad_cache_alloc().
 */
int potad_bare_alloc(struct potad_pool *pool, unsigned int order,
		     phys_addr_t *phys)
{
	u64 granule;
	int err = potad_pool_take(pool, order, POTAD_MOVABLE, true, &granule);

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

/* What has happened so far, of all types.  Process context. */
void potad_pool_counts(struct potad_pool *pool, struct potad_pool_count *count)
{
	unsigned int i;
	int cpu;

	mutex_lock(&pool->types_mutex);
	*count = pool->past;
	for (i = 0; i < POTAD_TYPES; i++)
		if (pool->types[i])
			potad_type_past(pool->types[i], count);
	mutex_unlock(&pool->types_mutex);
	for_each_possible_cpu(cpu)
		count->alloc_failures += READ_ONCE(*per_cpu_ptr(pool->failures, cpu));
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_counts);

/*
 * All that is kept at hand goes back to the space: first what the stocks have, as
 * that goes through the cache.  Returns how many blocks.  Process context.
 */
unsigned int potad_pool_drain(struct potad_pool *pool)
{
	unsigned int blocks = potad_pool_drain_stocks(pool);

	return blocks + potad_cache_drain(pool->cache);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_drain);

/*
 * The sums of the space, where what is cached counts as free; the list of free
 * blocks is of what is not.  Process context.
 */
void potad_pool_stat(struct potad_pool *pool, struct potad_space_stat *stat,
		     u64 *cached)
{
	unsigned int i;
	u64 at_hand;

	potad_space_stat(pool->space, stat);
	at_hand = potad_cache_granules(pool->cache);
	mutex_lock(&pool->types_mutex);
	for (i = 0; i < POTAD_TYPES; i++) {
		struct potad_stock_stat stock = { };

		if (pool->types[i])
			potad_stock_stat(pool->types[i], &stock);
		at_hand += stock.stocked >> pool->granule_shift;
	}
	mutex_unlock(&pool->types_mutex);
	*cached = min(at_hand, stat->allocated);
	stat->free += *cached;
	stat->allocated -= *cached;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_stat);

/* What may be in the middle of a change is looked at so often, in all. */
#define MAX_LOOKS	50

/* What is wrong with a part's head, which @word leads to. */
static const char *validate_part(struct potad_pool *pool, const struct potad_desc *head,
				 const struct potad_type *type)
{
	struct potad_desc *desc = READ_ONCE(container_of(head, struct potad_part, head)->desc);
	phys_addr_t phys;
	u64 place;

	if (!desc)
		return "a part has no descriptor";
	place = READ_ONCE(desc->place);
	phys = potad_place_phys(place);
	if (place & POTAD_PLACE_PART || potad_place_type(place) != type->nr)
		return "a part has a descriptor of another kind";
	if (!potad_pool_has(pool, phys, 1) ||
	    potad_index_find(&pool->index, potad_pool_granule(pool, phys)) !=
	    ((unsigned long)desc | type->tag))
		return "the descriptor of a part describes nothing";
	return atomic64_read(&desc->life) & POTAD_LIFE_MASK ? NULL :
	       "the descriptor of a part is nobody's";
}

/* The place that @word, found for @granule, says that its block has. */
static const char *validate_word(struct potad_pool *pool, unsigned long word, u64 granule,
				 u64 *place)
{
	struct potad_type *type = potad_type_by_nr(potad_word_type(word));
	const struct potad_desc *desc;

	if (!type || type->pool != pool)
		return "a word is of no type of the pool";
	if (!potad_type_has_desc(type)) {
		granule &= ~((1ULL << potad_word_order(word)) - 1);
		*place = potad_place(potad_pool_phys(pool, granule), pool->granule_shift,
				     potad_word_order(word), type->nr);
		return NULL;
	}
	desc = potad_word_desc(word);
	*place = READ_ONCE(desc->place);
	if (potad_place_type(*place) != type->nr ||
	    (*place >> POTAD_PLACE_GRANULE & 0x3f) != pool->granule_shift)
		return "a descriptor is of another type than its word";
	if (*place & POTAD_PLACE_PART)
		return validate_part(pool, desc, type);
	if (!(atomic64_read(&desc->life) & POTAD_LIFE_MASK) && *place & POTAD_PLACE_COMING)
		return "a descriptor is nobody's";
	return NULL;
}

/* All words of a block, and what the space says; sets where it ends. */
static const char *validate_block(struct potad_pool *pool, u64 granule, u64 end, u64 *next)
{
	struct potad_extent extent;
	const char *wrong;
	unsigned long word;
	u64 place, first;

	*next = granule + 1;
	word = potad_index_find(&pool->index, granule);
	if (!word) {
		/* So it is of those beside it, mostly. */
		while (*next % 256 && *next < end && !potad_index_find(&pool->index, *next))
			++*next;
		return NULL;
	}
	wrong = validate_word(pool, word, granule, &place);
	if (wrong)
		return wrong;
	first = potad_pool_granule(pool, potad_place_phys(place));
	if (potad_place_has(place, potad_pool_phys(pool, granule))) {
		*next = first + (1ULL << potad_place_order(place));
		if (first != granule)
			return "a block is not described from its beginning on";
	} else if (place & POTAD_PLACE_MOVING) {
		return NULL;		/* where it is going to */
	} else {
		return "a word leads to another block's descriptor";
	}
	if (potad_space_query(pool->space, granule, &extent) ||
	    extent.state != POTAD_ALLOCATED)
		return "a described block is not allocated";
	if (extent.first != first || extent.order != potad_place_order(place))
		return "a block has another size than its descriptor says";
	while (++granule < *next)
		if (potad_index_find(&pool->index, granule) != word)
			return "words of a block differ";
	return NULL;
}

/**
 * potad_pool_validate() - is all as it should be?
 * @pool: the pool
 *
 * The space, and then every word: whose it is, that all of a block are alike, and
 * that the space knows that block.  Exact when nothing changes meanwhile; what
 * looks wrong is looked at again, because it may be in the middle of a change.
 *
 * Context: Process context; may sleep.
 * Return: NULL, or what is wrong, in words.
 */
const char *potad_pool_validate(struct potad_pool *pool)
{
	u64 granule, next, end = pool->bytes >> pool->granule_shift;
	const char *wrong = potad_space_validate(pool->space);
	unsigned int looks = 0;

	for (granule = 0; !wrong && granule < end; granule = next) {
		do {
			rcu_read_lock();
			wrong = validate_block(pool, granule, end, &next);
			rcu_read_unlock();
			if (wrong)
				usleep_range(100, 1000);
			cond_resched();
		} while (wrong && looks++ < MAX_LOOKS);
	}
	return wrong;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_validate);

/* The spans between the holes, which are in order, and lie in the pool. */
static int add_spans(struct potad_pool *pool, const struct potad_hole *holes,
		     unsigned int nr)
{
	u64 from = 0, to, end = pool->bytes >> pool->granule_shift;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i <= nr; i++) {
		to = i < nr ? potad_pool_granule(pool, holes[i].phys) : end;
		if (from < to)
			err = potad_space_add_span(pool->space, from, to - from, true);
		if (i < nr)
			from = to + (holes[i].bytes >> pool->granule_shift);
	}
	return err;
}

static bool holes_ok(const struct potad_pool *pool, const struct potad_hole *holes,
		     unsigned int nr)
{
	phys_addr_t from = pool->start;
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 granules = (holes[i].phys - pool->start) | holes[i].bytes;

		if (!holes[i].bytes || holes[i].phys < from ||
		    !potad_pool_has(pool, holes[i].phys, holes[i].bytes) ||
		    !IS_ALIGNED(granules, 1ULL << pool->granule_shift))
			return false;
		from = holes[i].phys + holes[i].bytes;
		bytes += holes[i].bytes;
	}
	return bytes < pool->bytes;
}

/**
 * potad_pool_create() - a pool over physical memory that the caller has
 * @start: its first byte, page-aligned
 * @bytes: how much, a multiple of a page and of @granule
 * @granule: size of the smallest block, a power of two, 512 .. 2 MiB
 * @index: how blocks are found by their addresses
 * @holes: what of that is not the caller's, in order of addresses
 * @nr_holes: how many there are
 *
 * The memory is not touched, now or later.  No block reaches across a hole.
 *
 * Context: Process context; may sleep.
 * Return: the pool, or an error pointer: -EINVAL, -ENOMEM; -EOPNOTSUPP if this
 * kernel cannot do @index.
 */
struct potad_pool *potad_pool_create(phys_addr_t start, u64 bytes, u64 granule,
				     enum potad_index_kind index,
				     const struct potad_hole *holes,
				     unsigned int nr_holes)
{
	struct potad_pool *pool;
	unsigned int frame_shift;
	int err = -ENOMEM;

	if (!is_power_of_2(granule) || granule < SZ_512 || granule > SZ_2M ||
	    !bytes || !IS_ALIGNED(bytes, max_t(u64, granule, PAGE_SIZE)) ||
	    !IS_ALIGNED(start, PAGE_SIZE) || start + bytes < start ||
	    start + bytes > POTAD_PLACE_PHYS_END)
		return ERR_PTR(-EINVAL);

	pool = kvzalloc_obj(*pool, GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->start = start;
	pool->bytes = bytes;
	pool->granule_shift = ilog2(granule);
	pool->patience = msecs_to_jiffies(POTAD_PATIENCE_MS);
	xa_init(&pool->how);
	init_rwsem(&pool->moves);
	spin_lock_init(&pool->late_lock);
	INIT_LIST_HEAD(&pool->late);
	init_waitqueue_head(&pool->events_wait);
	spin_lock_init(&pool->events_lock);
	mutex_init(&pool->types_mutex);
	err = -EINVAL;
	if (!holes_ok(pool, holes, nr_holes))
		goto fail;
	err = -ENOMEM;
	pool->failures = alloc_percpu(u64);
	if (!pool->failures)
		goto fail;
	pool->space = potad_space_create_empty();
	if (IS_ERR(pool->space)) {
		err = PTR_ERR(pool->space);
		goto fail_count;
	}
	err = add_spans(pool, holes, nr_holes);
	if (err)
		goto fail_space;
	err = -ENOMEM;
	pool->cache = potad_cache_create(pool->space);
	if (!pool->cache)
		goto fail_space;
	frame_shift = granule < PAGE_SIZE ?
		      min(PAGE_SHIFT - ilog2(granule), ilog2(POTAD_LINE_WORDS)) : 0;
	err = potad_index_init(&pool->index, index, bytes >> pool->granule_shift,
			       frame_shift);
	if (err)
		goto fail_cache;
	return pool;

fail_cache:
	potad_cache_destroy(pool->cache);
fail_space:
	potad_space_destroy(pool->space);
fail_count:
	free_percpu(pool->failures);
fail:
	kvfree(pool);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_create);

/**
 * potad_pool_destroy() - the end of a pool
 * @pool: the pool; it serves no type any more
 *
 * Context: Process context; may sleep.
 * Return: 0; -EBUSY if blocks are allocated, and nothing has happened.
 */
int potad_pool_destroy(struct potad_pool *pool)
{
	struct potad_space_stat *stat;
	bool busy;

	stat = kmalloc_obj(*stat, GFP_KERNEL | __GFP_NOFAIL);
	potad_failures_wait();
	potad_pool_drain(pool);
	potad_space_stat(pool->space, stat);
	busy = stat->allocated;
	kfree(stat);
	if (busy)
		return -EBUSY;
	potad_index_exit(&pool->index);
	potad_cache_destroy(pool->cache);
	potad_space_destroy(pool->space);
	free_percpu(pool->failures);
	xa_destroy(&pool->how);
	kvfree(pool);
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_destroy);

/*
 * Somebody still has blocks, and the module goes all the same: what would call it later
 * is taken away, all the rest is left as it is.  Process context; sleeps.
 */
void potad_pool_abandon(struct potad_pool *pool)
{
	unsigned int i;

	for (i = 0; i < POTAD_TYPES; i++)
		if (pool->types[i] && pool->types[i]->stock)
			potad_stock_destroy(pool->types[i]);
	potad_cache_destroy(pool->cache);
}

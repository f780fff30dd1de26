// SPDX-License-Identifier: GPL-2.0
/*
 * A described block: handed out, found, given back.
 *
 * The life of one:
 *
 *	step                        space      words     references
 *	(nothing)                   free       0         -
 *	potad_memory_take()         allocated  0         -
 *	potad_memory_describe()     allocated  set       0    "coming"
 *	potad_desc_born()           allocated  set       1    found by all
 *	potad_get(), potad_put()    allocated  set       2, 1
 *	potad_free(): last put      allocated  set       0    "going"
 *	words cleared               allocated  0         -
 *	potad_memory_return()       free       0         -
 *
 * With a stock (stock.h) all between "coming" and "born" is done for several at
 * once and ahead of time, and a block that goes stays "in stock" with all its
 * words: then to hand it out is to pop its descriptor, and to count up its
 * generation.
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
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "pool.h"
#include "stock.h"

/* How often all that is kept at hand is given back before there is nothing. */
#define MAX_DRAINS	8

/* How often a block that has just moved is looked for anew, to be freed. */
#define MAX_LOOKS	8

/* How often something is looked at again that is about to change. */
#define SETTLE_LOOKS	1000

void potad_block_fill(struct potad_type *type, u64 place, u32 generation, void *data,
		      struct potad_block *block)
{
	block->phys = potad_place_phys(place);
	block->order = potad_place_order(place);
	block->bytes = 1ULL << potad_place_shift(place);
	block->generation = generation;
	block->type = type;
	block->data = data;
	block->part = place & POTAD_PLACE_PART;
}

static u64 place_of(const struct potad_type *type, u64 granule, unsigned int order)
{
	return potad_place(potad_pool_phys(type->pool, granule), type->granule_shift,
			   order, type->nr);
}

static unsigned long desc_word(const struct potad_type *type, const struct potad_desc *desc)
{
	return (unsigned long)desc | type->tag;
}

static u64 granule_of(const struct potad_type *type, u64 place)
{
	return potad_pool_granule(type->pool, potad_place_phys(place));
}

/*
 * A block of memory, of which nobody knows yet.  What other CPUs keep at hand is
 * theirs no longer where there is nothing else, if the caller can wait for that.
 */
int potad_pool_take(struct potad_pool *pool, unsigned int order,
		    enum potad_mobility mobility, bool wait, u64 *granule)
{
	int err, tries = 0, in_vain = 0;

	do {
		err = potad_cache_alloc(pool->cache, order, mobility, wait, granule);
		if (err != -ENOSPC || !wait)
			break;
		/* Nothing once may mean that another has just drained it all. */
		in_vain += !potad_pool_drain_stocks(pool);
	} while (in_vain < 2 && tries++ < MAX_DRAINS);
	return err;
}

int potad_memory_take(struct potad_type *type, unsigned int order, gfp_t gfp,
		      u64 *granule)
{
	return potad_pool_take(type->pool, order, type->mobility,
			       gfpflags_allow_blocking(gfp), granule);
}

/*
 * Has a block failed before its words could be found?  Then both are gone.  There has been
 * a full barrier since the words were set; see the top.
 */
static bool failed_meanwhile(struct potad_type *type, u64 granule, unsigned int order,
			     unsigned long word)
{
	struct potad_pool *pool = type->pool;

	if (likely(!potad_space_has_failed(pool->space, granule, order)))
		return false;
	potad_index_clear(&pool->index, granule, order, word);
	potad_space_free(pool->space, granule, order);
	return true;
}

/*
 * Sets the words of a block that was just taken; of a descriptor the references are
 * 0.  Returns 0; -ENOMEM; -EAGAIN if it has failed by now: take another one.  An
 * error gives the memory back.
 */
int potad_memory_describe(struct potad_type *type, u64 granule, unsigned int order,
			  gfp_t gfp, unsigned long word)
{
	if (potad_index_set(&type->pool->index, granule, order, word, gfp & ~__GFP_ZERO)) {
		potad_memory_return(type, granule, order);
		return -ENOMEM;
	}
	smp_mb();	/* words before mark; see the top */
	return failed_meanwhile(type, granule, order, word) ? -EAGAIN : 0;
}

void potad_memory_return(struct potad_type *type, u64 granule, unsigned int order)
{
	potad_cache_free(type->pool->cache, granule, order, type->mobility);
}

/* A descriptor whose references are 0, for memory that was just taken. */
static int desc_make_at(struct potad_type *type, u64 granule, unsigned int order,
			gfp_t gfp, struct potad_desc *desc)
{
	u64 place = place_of(type, granule, order);
	int err;

	WRITE_ONCE(desc->place, place | POTAD_PLACE_COMING);
	err = potad_memory_describe(type, granule, order, gfp, desc_word(type, desc));
	if (!err)
		WRITE_ONCE(desc->place, place);
	return err;
}

static int desc_make(struct potad_type *type, unsigned int order, gfp_t gfp,
		     struct potad_desc *desc)
{
	u64 granule;
	int err;

	do {
		err = potad_memory_take(type, order, gfp, &granule) ?:
		      desc_make_at(type, granule, order, gfp, desc);
	} while (err == -EAGAIN);
	return err;
}

/* And undone; false: the words are somebody else's, who may have the descriptor as well. */
static bool desc_unmake(struct potad_type *type, struct potad_desc *desc)
{
	u64 granule = granule_of(type, desc->place);
	unsigned int order = potad_place_order(desc->place);

	WRITE_ONCE(desc->place, desc->place | POTAD_PLACE_COMING);
	if (WARN_ONCE(!potad_index_clear(&type->pool->index, granule, order,
					 desc_word(type, desc)),
		      "potad: words of a %s changed under it\n", type->name))
		return false;
	potad_memory_return(type, granule, order);
	return true;
}

/* A descriptor that describes nothing yet. */
static struct potad_desc *desc_new(struct potad_type *type, gfp_t gfp)
{
	struct potad_desc *desc = kmem_cache_alloc(type->cache, gfp & ~__GFP_ZERO);

	if (desc && type->parts)
		INIT_LIST_HEAD(potad_desc_parts(type, desc));
	return desc;
}

/* The slab allocator gives and takes many for less, but in 6.1 only with interrupts on. */
static bool slab_has_bulk(void)
{
	return !irqs_disabled();
}

/* Descriptors that describe nothing yet: the first as @gfp says.  Returns how many. */
static unsigned int descs_new(struct potad_type *type, gfp_t gfp, gfp_t more,
			      struct potad_desc **descs, unsigned int nr)
{
	unsigned int got, i;

	descs[0] = desc_new(type, gfp);
	if (!descs[0])
		return 0;
	if (nr > 1 && slab_has_bulk()) {
		if (!kmem_cache_alloc_bulk(type->cache, more, nr - 1, (void **)&descs[1]))
			return 1;
		for (i = 1; type->parts && i < nr; i++)
			INIT_LIST_HEAD(potad_desc_parts(type, descs[i]));
		return nr;
	}
	for (got = 1; got < nr; got++) {
		descs[got] = desc_new(type, more);
		if (!descs[got])
			break;
	}
	return got;
}

static void descs_free(struct potad_type *type, struct potad_desc **descs, unsigned int nr)
{
	unsigned int i;

	if (nr > 1 && slab_has_bulk()) {
		kmem_cache_free_bulk(type->cache, nr, (void **)descs);
		return;
	}
	for (i = 0; i < nr; i++)
		kmem_cache_free(type->cache, descs[i]);
}

/* Sets the words of blocks, whose descriptors are "coming".  Returns of how many. */
static unsigned int set_words(struct potad_type *type, unsigned int order, gfp_t gfp,
			      gfp_t more, const u64 *granules, struct potad_desc **descs,
			      unsigned int nr)
{
	unsigned int i;

	/* First of all: these lines are far away, and can come all at once. */
	for (i = 0; i < nr; i++)
		WRITE_ONCE(descs[i]->place,
			   place_of(type, granules[i], order) | POTAD_PLACE_COMING);
	for (i = 0; i < nr; i++)
		if (potad_index_set(&type->pool->index, granules[i], order,
				    desc_word(type, descs[i]), i ? more : gfp))
			break;
	return i;
}

/*
 * Describes blocks of memory that was just taken; those for which there is no memory, or
 * which have failed, go back.  Returns how many, at the beginning of @descs; if there is
 * none, why: -ENOMEM, or -EAGAIN if all have failed.
 */
static int describe_some(struct potad_type *type, unsigned int order, gfp_t gfp,
			 const u64 *granules, unsigned int nr, struct potad_desc **descs)
{
	/* For more than one nobody waits, and no reserve is touched. */
	gfp_t more = (gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | __GFP_HIGH)) |
		     __GFP_NOWARN | __GFP_NOMEMALLOC;
	unsigned int got, set, made = 0, i;

	got = descs_new(type, gfp, more, descs, nr);
	set = set_words(type, order, gfp, more, granules, descs, got);
	descs_free(type, descs + set, got - set);
	/* Of what there was no memory to describe nobody will know. */
	for (i = set; i < nr; i++)
		potad_memory_return(type, granules[i], order);
	if (!set)
		return -ENOMEM;

	smp_mb();	/* words before marks; see the top */
	for (i = 0; i < set; i++) {
		struct potad_desc *desc = descs[i];

		if (failed_meanwhile(type, granules[i], order, desc_word(type, desc))) {
			kmem_cache_free(type->cache, desc);
			continue;
		}
		WRITE_ONCE(desc->place, place_of(type, granules[i], order));
		descs[made++] = desc;
	}
	return made ?: -EAGAIN;
}

/**
 * potad_blocks_make() - blocks for a stock: described, and nobody's
 * @type: their type
 * @order: their order
 * @gfp: how memory may be had
 * @descs: set to their descriptors
 * @nr: how many are wanted, 1 .. POTAD_MAKE_MAX
 *
 * For others than the first there is no waiting: there may be fewer than were wanted.
 *
 * Context: as @gfp says; any but NMI.
 * Return: how many there are, 1 .. @nr; an error as potad_alloc(), and all is as it was.
 */
int potad_blocks_make(struct potad_type *type, unsigned int order, gfp_t gfp,
		      struct potad_desc **descs, unsigned int nr)
{
	u64 granules[POTAD_MAKE_MAX];
	int got;

	gfp &= ~__GFP_ZERO;
	do {
		got = potad_space_alloc_some(type->pool->space, order, type->mobility, granules,
					     nr);
		/* What others keep at hand, if this may wait for it. */
		if (got == -ENOSPC || got == -ENOMEM)
			got = potad_memory_take(type, order, gfp, granules) ?: 1;
		if (got < 0)
			return got;
		got = describe_some(type, order, gfp, granules, got, descs);
		/* What has failed by now is out of the way, and one will do. */
		nr = 1;
	} while (got == -EAGAIN);
	return got;
}

/* They are in stock no longer, and never were; @descs too.  Any context but NMI. */
void potad_blocks_unmake(struct potad_type *type, struct potad_desc **descs, unsigned int nr)
{
	unsigned int i, undone = 0;

	for (i = 0; i < nr; i++)
		if (desc_unmake(type, descs[i]))
			descs[undone++] = descs[i];
	descs_free(type, descs, undone);
}

/* It is somebody's now. */
static __always_inline void block_born(struct potad_type *type, struct potad_desc *desc,
				       struct potad_block *block)
{
	u64 place = desc->place;
	u32 generation;

	potad_type_hold(type);
	generation = potad_desc_born(desc);
	potad_block_fill(type, place, generation, potad_desc_data(type, desc), block);
	trace_potad_alloc(block->phys, block->order, type->name, 0);
}

/* The counters of what no stock has counted. */
static void count_alloc(struct potad_type *type, unsigned int order)
{
	this_cpu_inc(type->count->allocs);
	this_cpu_add(type->count->bytes, 1LL << (type->granule_shift + order));
}

/*
 * Last of all: from here on the type may be unregistered, which waits for a grace
 * period between finding no block and freeing the type.
 */
static void count_free(struct potad_type *type, unsigned int order)
{
	struct module *module = type->module;

	rcu_read_lock();
	this_cpu_sub(type->count->bytes, 1LL << (type->granule_shift + order));
	this_cpu_inc(type->count->frees);
	rcu_read_unlock();
	potad_type_let_go(module);
}

static int count_failure(struct potad_type *type, unsigned int order, int err)
{
	this_cpu_inc(*type->pool->failures);
	trace_potad_alloc(0, order, type->name, err);
	return err;
}

/* A block of a type without descriptors: all is in the word. */
static unsigned long inline_word(const struct potad_type *type, u32 generation,
				 unsigned int order)
{
	return potad_word_inline(generation, order, type->nr);
}

static u32 next_generation(struct potad_type *type)
{
	u32 generation;
	int cpu = get_cpu();

	generation = this_cpu_inc_return(type->count->generation) * nr_cpu_ids + cpu;
	put_cpu();
	return generation;
}

/* In memory that was just taken; an error gives it back. */
static int inline_at(struct potad_type *type, u64 granule, unsigned int order,
		     gfp_t gfp, struct potad_block *block)
{
	u32 generation = next_generation(type);
	int err = potad_memory_describe(type, granule, order, gfp,
					inline_word(type, generation, order));

	if (err)
		return err;
	potad_type_hold(type);
	count_alloc(type, order);
	potad_block_fill(type, place_of(type, granule, order), generation, NULL, block);
	trace_potad_alloc(block->phys, order, type->name, 0);
	return 0;
}

static int inline_alloc(struct potad_type *type, unsigned int order, gfp_t gfp,
			struct potad_block *block)
{
	u64 granule;
	int err;

	do {
		err = potad_memory_take(type, order, gfp, &granule) ?:
		      inline_at(type, granule, order, gfp, block);
	} while (err == -EAGAIN);
	return err;
}

/* The owner's part of a descriptor, before anybody can find it. */
static __always_inline void data_init(struct potad_type *type, struct potad_desc *desc,
				      gfp_t gfp, void *arg)
{
	void *data = potad_desc_data(type, desc);

	if (gfp & __GFP_ZERO)
		memset(data, 0, type->desc_size);
	if (type->init)
		type->init(data, arg);
}

/* What is not a hit, or never is. */
static noinline int alloc_slow(struct potad_type *type, unsigned int order, gfp_t gfp,
			       void *arg, struct potad_block *block)
{
	struct potad_desc *desc;
	int err;

	might_alloc(gfp);
	if (unlikely(!type->pool))
		return -ENODEV;
	if (unlikely(!type->cache)) {
		err = type->own ? -EINVAL : inline_alloc(type, order, gfp, block);
		return err ? count_failure(type, order, err) : 0;
	}
	desc = potad_stock_take(type, order, gfp, &err);
	if (!desc)
		return count_failure(type, order, err);
	count_alloc(type, order);
	data_init(type, desc, gfp, arg);
	block_born(type, desc, block);
	return 0;
}

int potad_alloc(struct potad_type *type, unsigned int order, gfp_t gfp, void *arg,
		struct potad_block *block)
{
	struct potad_stock __percpu *stock = type->stock;
	struct potad_desc *desc;

	/* A hit does not sleep; who may not be here at all is told so all the same. */
	if (IS_ENABLED(CONFIG_LOCKDEP) || IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_alloc(gfp);
	desc = likely(stock) ? potad_stock_pop(stock, order) : NULL;
	if (unlikely(!desc))
		return alloc_slow(type, order, gfp, arg, block);
	data_init(type, desc, gfp, arg);
	block_born(type, desc, block);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_alloc);

/*
 * As potad_alloc(), in memory that the caller has just taken; an error gives it
 * back: -ENOMEM; -EAGAIN if it has failed; -EINVAL if the type is its owners'.
 */
int potad_block_at(struct potad_type *type, u64 granule, unsigned int order,
		   gfp_t gfp, void *arg, struct potad_block *block)
{
	struct potad_desc *desc;
	int err;

	if (!type->cache && !type->own)
		return inline_at(type, granule, order, gfp, block);
	desc = type->own ? NULL : desc_new(type, gfp);
	if (!desc) {
		potad_memory_return(type, granule, order);
		return type->own ? -EINVAL : -ENOMEM;
	}
	err = desc_make_at(type, granule, order, gfp, desc);
	if (err) {
		kmem_cache_free(type->cache, desc);
		return err;
	}
	count_alloc(type, order);
	data_init(type, desc, gfp, arg);
	block_born(type, desc, block);
	return 0;
}

/*
 * Of several who come with the same memory one gets it: in use, or going, it has a place
 * until it is gone.
 */
static bool own_claim(struct potad_desc *desc)
{
	if (cmpxchg(&desc->place, 0, POTAD_PLACE_COMING))
		return false;
	/* Not even zeroed: nobody but its owner knows what that is. */
	if (atomic64_read(&desc->life) & POTAD_LIFE_MASK) {
		WRITE_ONCE(desc->place, 0);
		return false;
	}
	return true;
}

/* See potad_alloc_own(). */
int __potad_alloc_own(struct potad_type *type, unsigned int order, gfp_t gfp,
		      struct potad_desc *desc, size_t size, struct potad_block *block)
{
	int err = -EINVAL;

	might_alloc(gfp);
	if (unlikely(!type->pool))
		return -ENODEV;
	if (type->own && size == type->desc_size && desc &&
	    IS_ALIGNED((unsigned long)desc, __alignof__(*desc))) {
		err = -EBUSY;
		if (own_claim(desc)) {
			/* New memory at an old address knows of no generations. */
			atomic64_set(&desc->life, (u64)next_generation(type) << 32);
			err = desc_make(type, order, gfp, desc);
			if (err)
				/* What was done to it, before another may claim it. */
				smp_store_release(&desc->place, 0);
		}
	}
	if (err)
		return count_failure(type, order, err);
	count_alloc(type, order);
	block_born(type, desc, block);
	return 0;
}
EXPORT_SYMBOL_GPL(__potad_alloc_own);

/* What does not fit into the stock is undone; own memory never does. */
static noinline void release_slow(struct potad_type *type, struct potad_desc *desc,
				  unsigned int order)
{
	struct module *module = type->module;

	if (type->stock && potad_stock_keep(type, order, desc)) {
		potad_type_let_go(module);
		return;
	}
	desc_unmake(type, desc);
	if (type->own) {
		/* From here on it can be claimed anew. */
		smp_store_release(&desc->place, 0);
		type->ops.gone(desc);
	} else {
		kmem_cache_free(type->cache, desc);
	}
	count_free(type, order);
}

/*
 * The last reference has gone.  The block stays together, and is counted there.  Who
 * unregisters the type waits for those who have preemption off.
 */
static __always_inline void desc_release(struct potad_type *type, struct potad_desc *desc)
{
	struct potad_stock __percpu *stock = type->stock;
	unsigned int order = potad_place_order(desc->place);
	struct module *module = type->module;

	trace_potad_free(potad_place_phys(desc->place), order, type->name);
	if (unlikely(type->release))
		type->release(potad_desc_data(type, desc));
	if (unlikely(type->parts))
		potad_parts_release(type, desc);
	if (likely(stock) && likely(potad_stock_push(stock, order, desc)))
		potad_type_let_go(module);
	else
		release_slow(type, desc, order);
}

static int inline_free(const struct potad_block *block)
{
	struct potad_type *type = block->type;
	struct potad_pool *pool = type->pool;
	u64 granule = potad_pool_granule(pool, block->phys);

	if (block->order > potad_space_max_order(pool->space) ||
	    !potad_pool_has(pool, block->phys, 1ULL << (pool->granule_shift + block->order)) ||
	    block->phys != potad_pool_phys(pool, granule & ~((1ULL << block->order) - 1)))
		return -EINVAL;
	if (!potad_index_clear(&pool->index, granule, block->order,
			       inline_word(type, block->generation, block->order)))
		return -ENOENT;
	trace_potad_free(block->phys, block->order, type->name);
	potad_memory_return(type, granule, block->order);
	count_free(type, block->order);
	return 0;
}

/* Of no descriptor, a part of several, or what does not fit together. */
static noinline int free_slow(const struct potad_block *block)
{
	struct potad_desc *desc;
	u64 life;

	if (!block->data)
		return inline_free(block);
	if (block->part)
		return potad_part_free(block);
	desc = potad_data_desc(block->type, block->data);
	life = atomic64_read(&desc->life);
	return life >> 32 == block->generation && life & POTAD_LIFE_OWN ? -EINVAL : -ENOENT;
}

int potad_free(const struct potad_block *block)
{
	struct potad_type *type = block->type;
	struct potad_desc *desc;
	int last;
	u64 place;

	if (unlikely(!block->data || block->part))
		return free_slow(block);
	desc = potad_data_desc(type, block->data);
	place = READ_ONCE(desc->place);
	/* While it moves the owner may know either place: see migrate.c. */
	if (unlikely(!potad_place_is(place, block->phys, type->granule_shift, block->order,
				     type->nr) && !(place & POTAD_PLACE_MOVING)))
		return free_slow(block);
	last = potad_desc_give_up(desc, block->generation);
	if (likely(last > 0)) {
		desc_release(type, desc);
		return 0;
	}
	return last;
}
EXPORT_SYMBOL_GPL(potad_free);

/*
 * Parts do not stand still, they may be freed and used again at any moment: is it
 * still @desc's, and where it was when its place was read?
 */
static bool part_is_still(struct potad_pool *pool, const struct potad_desc *head,
			  const struct potad_desc *desc, u64 place, unsigned long word,
			  phys_addr_t phys)
{
	smp_rmb();	/* after the place */
	return READ_ONCE(container_of(head, struct potad_part, head)->desc) == desc &&
	       potad_index_find(&pool->index, potad_pool_granule(pool, phys)) == word &&
	       READ_ONCE(head->place) == place;
}

/*
 * Takes a reference to the block that @word, found for @phys, of @type, describes.  Returns
 * false if that is coming or going, or another one by now.
 */
static bool desc_find(struct potad_pool *pool, unsigned long word, struct potad_type *type,
		      phys_addr_t phys, struct potad_block *block)
{
	struct potad_desc *head = potad_word_desc(word), *desc = head;
	u64 place = READ_ONCE(head->place);

	/* A part: it is its descriptor that has references. */
	if (place & POTAD_PLACE_PART)
		desc = READ_ONCE(container_of(head, struct potad_part, head)->desc);
	if (!desc || !potad_desc_get(desc))
		return false;
	/* It stands still now: what is read of it is read after that. */
	place = READ_ONCE(head->place);
	/* A part may be another type's by now, and so may own memory. */
	if (unlikely(potad_place_type(READ_ONCE(desc->place)) != type->nr))
		type = potad_type_by_nr(potad_place_type(READ_ONCE(desc->place)));
	potad_block_fill(type, place, potad_desc_generation(desc),
			 potad_desc_data(type, desc), block);
	/* Is it the one that we looked for, and the part still one of this? */
	if (potad_place_has(place, phys) && potad_place_type(place) == type->nr &&
	    (head == desc || part_is_still(pool, head, desc, place, word, phys)))
		return true;
	potad_put(block);
	return false;
}

/*
 * Finds the block that @phys, in the pool, is in, and takes a reference, or pins
 * the type if there is no descriptor; potad_put() undoes either.  Returns 0;
 * -ENOENT if no type has it; -EAGAIN if it is coming or going, or moving; -ENODATA
 * if it is in stock: then @block says which, and nothing is to be undone.
 */
int potad_pool_find(struct potad_pool *pool, phys_addr_t phys,
		    struct potad_block *block)
{
	u64 granule = potad_pool_granule(pool, phys), place;
	struct potad_type *type;
	unsigned long word;
	unsigned int order;
	int err = 0;

	rcu_read_lock();
	word = potad_index_find(&pool->index, granule);
	type = potad_type_by_nr(potad_word_type(word));
	if (!type) {
		err = -ENOENT;
	} else if (!potad_type_has_desc(type)) {
		potad_type_pin(type);
		order = potad_word_order(word);
		granule &= ~((1ULL << order) - 1);
		potad_block_fill(type, potad_place(potad_pool_phys(pool, granule),
						   pool->granule_shift, order, type->nr),
				 potad_word_generation(word), NULL, block);
		/*
		 * It has no address in it, and the line that it was found in may be
		 * another page's by now: then it is not found here once more.
		 */
		smp_rmb();
		if (potad_index_find(&pool->index, potad_pool_granule(pool, phys)) != word) {
			potad_type_unpin(type);
			err = -EAGAIN;
		}
	} else if (!desc_find(pool, word, type, phys, block)) {
		place = READ_ONCE(potad_word_desc(word)->place);
		err = -EAGAIN;
		if (!(place & POTAD_PLACE_FLAGS) && potad_place_has(place, phys) &&
		    !(atomic64_read(&potad_word_desc(word)->life) & POTAD_LIFE_MASK)) {
			potad_block_fill(type, place, 0, NULL, block);
			err = -ENODATA;
		}
	}
	rcu_read_unlock();
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_pool_find);

/* The same; waits for who comes, goes or moves, but not for ever.  Process context. */
int potad_pool_find_settled(struct potad_pool *pool, phys_addr_t phys,
			    struct potad_block *block)
{
	unsigned int looks = SETTLE_LOOKS;
	int err;

	while ((err = potad_pool_find(pool, phys, block)) == -EAGAIN && looks--)
		usleep_range(10, 100);
	return err;
}

int potad_get(struct potad_pool *pool, phys_addr_t phys, struct potad_block *block)
{
	int err;

	if (!potad_pool_has(pool, phys, 1))
		return -ENXIO;
	err = potad_pool_find(pool, phys, block);
	if (err == -ENODATA)
		return -ENOENT;
	if (!err && !block->data) {
		potad_put(block);
		err = -EOPNOTSUPP;
	}
	return err;
}
EXPORT_SYMBOL_GPL(potad_get);

void potad_put(const struct potad_block *block)
{
	struct potad_desc *desc;

	if (!block->data) {
		potad_type_unpin(block->type);
		return;
	}
	desc = potad_data_desc(block->type, block->data);
	if (potad_desc_put(desc))
		desc_release(block->type, desc);
}
EXPORT_SYMBOL_GPL(potad_put);

/* Nobody's: in quarantine, free or at hand somewhere, or of no type. */
static int nothing_to_free(struct potad_pool *pool, phys_addr_t phys)
{
	u64 granule = potad_pool_granule(pool, phys);
	struct potad_extent extent;

	if (potad_space_query(pool->space, granule, &extent))
		return -ENXIO;
	if (extent.state == POTAD_RETIRED)
		return -EHWPOISON;
	return extent.state == POTAD_FREE || potad_cache_has(pool->cache, granule) ?
	       -ENOENT : -EPERM;
}

/* What speaks against it that @block is the one with this place and generation. */
static int not_the_same(struct potad_pool *pool, const struct potad_block *block,
			const struct potad_block *found)
{
	if (found->type != block->type)
		return -EPERM;
	if (found->order != block->order || (block->phys - pool->start) & (found->bytes - 1))
		return -EINVAL;
	return found->generation == block->generation ? 0 : -ENOENT;
}

/*
 * A block that is on its way: its owner may know it by either place (migrate.c), and what
 * is freed now goes when it has arrived.  Returns as potad_free_checked(); -EAGAIN if there
 * is none that moves.
 */
static int free_moving(struct potad_pool *pool, const struct potad_block *block)
{
	u64 granule = potad_pool_granule(pool, block->phys), place;
	struct potad_desc *desc = NULL;
	struct potad_block found;
	struct potad_type *type;
	unsigned long word;
	int err = -EAGAIN;

	rcu_read_lock();
	word = potad_index_find(&pool->index, granule);
	type = potad_type_by_nr(potad_word_type(word));
	if (type && potad_type_has_desc(type) && potad_desc_get(potad_word_desc(word)))
		desc = potad_word_desc(word);
	rcu_read_unlock();
	if (!desc)
		return err;
	/* With a reference it stays the same block, wherever it goes. */
	place = READ_ONCE(desc->place);
	type = potad_type_by_nr(potad_place_type(place));
	potad_block_fill(type, place, potad_desc_generation(desc), potad_desc_data(type, desc),
			 &found);
	rcu_read_lock();
	if (place & POTAD_PLACE_MOVING && potad_index_find(&pool->index, granule) == word)
		err = not_the_same(pool, block, &found);
	rcu_read_unlock();
	if (!err && potad_desc_give_up(desc, block->generation))
		err = -ENOENT;
	potad_put(&found);
	return err;
}

int potad_free_checked(struct potad_pool *pool, const struct potad_block *block)
{
	unsigned int looks = MAX_LOOKS;
	struct potad_block found;
	int err;

	if (!potad_pool_has(pool, block->phys, 1))
		return -ENXIO;
	while ((err = potad_pool_find(pool, block->phys, &found)) == -EAGAIN && looks--) {
		err = free_moving(pool, block);
		if (err != -EAGAIN)
			return err;
	}
	if (err == -EAGAIN || err == -ENODATA)
		return -ENOENT;
	if (err)
		return nothing_to_free(pool, block->phys);
	err = not_the_same(pool, block, &found) ?: potad_free(&found);
	potad_put(&found);
	return err;
}
EXPORT_SYMBOL_GPL(potad_free_checked);

int potad_dirty(struct potad_pool *pool, phys_addr_t phys)
{
	struct potad_block block;
	int err = potad_get(pool, phys, &block);

	if (err)
		return err;
	if (block.type->ops.dirty)
		block.type->ops.dirty(block.data, phys - block.phys);
	else
		err = -EOPNOTSUPP;
	potad_put(&block);
	return err;
}
EXPORT_SYMBOL_GPL(potad_dirty);

/* For potad_lookup(): what has no type, or none at this moment. */
static void lookup_memory(struct potad_pool *pool, phys_addr_t phys, bool stocked,
			  struct potad_info *info)
{
	u64 granule = potad_pool_granule(pool, phys);
	struct potad_extent extent;

	if (potad_space_query(pool->space, granule, &extent)) {
		info->what = POTAD_IS_HOLE;
		info->phys = potad_pool_phys(pool, granule);
		info->bytes = 1ULL << pool->granule_shift;
		return;
	}
	info->phys = potad_pool_phys(pool, extent.first);
	info->order = extent.order;
	info->bytes = 1ULL << (pool->granule_shift + extent.order);
	switch (extent.state) {
	case POTAD_FREE:
		info->what = POTAD_IS_FREE;
		break;
	case POTAD_RETIRED:
		info->what = POTAD_IS_QUARANTINED;
		break;
	default:
		info->what = stocked || potad_cache_has(pool->cache, granule) ?
			     POTAD_IS_CACHED : POTAD_IS_BARE;
		info->failed = extent.failed;
		break;
	}
}

int potad_lookup(struct potad_pool *pool, phys_addr_t phys, struct potad_info *info)
{
	struct potad_extent extent;
	struct potad_block block;
	struct potad_type *type;
	int err;

	memset(info, 0, sizeof(*info));
	if (!potad_pool_has(pool, phys, 1))
		return -ENXIO;
	err = potad_pool_find(pool, phys, &block);
	if (err) {
		lookup_memory(pool, phys, err == -ENODATA, info);
		return 0;
	}
	type = block.type;
	info->what = POTAD_IS_BLOCK;
	info->phys = block.phys;
	info->bytes = block.bytes;
	info->order = block.order;
	strscpy(info->type, type->name, sizeof(info->type));
	if (type->ops.describe)
		type->ops.describe(block.data, info->owner, sizeof(info->owner));
	if (potad_space_pending(pool->space) &&
	    !potad_space_query(pool->space, potad_pool_granule(pool, phys), &extent))
		info->failed = extent.failed;
	potad_put(&block);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_lookup);

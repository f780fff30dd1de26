/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool: a range of physical memory, a space over its granules, and the words
 * that describe its blocks.
 *
 *	           phys >> granule_shift
 *	address  ----------------------->  granule
 *	                                     |  \
 *	                       potad_space   |   \  potad_words
 *	          (potad_cache)             v    v  which descriptor?
 *
 *	pool.c     creation and end, sums
 *	types.c    the types that it serves, and their stocks
 *	stock.c    described blocks that nobody has, at hand
 *	block.c    a described block: handed out, found, given back
 *	part.c     several blocks of one descriptor
 *	failure.c  memory that fails, and its owner
 *	event.c    what has been found so, for people to read
 *	migrate.c  blocks that move out of the way
 *	run.c      adjacent blocks that nobody describes
 *
 * What others may call of these is promised in ../include/potad.h, and written there.
 *
 * Blocks are taken from the space by way of a per-CPU cache. The pool decides;
 * the space and the words know nothing of each other, nor of
 * the pool.  Nothing in here ever touches the memory itself, so that a pool can
 * be made over addresses that do not exist, as the tests do.
 *
 * Locks: moves (sleeps), types_mutex (sleeps), then those of the stocks and caches, then of
 * words and parts, and of the space.
 */
#ifndef POTAD_POOL_H
#define POTAD_POOL_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "../include/potad.h"
#include "../memdesc/index.h"
#include "../space/cache.h"
#include "../space/space.h"

#define POTAD_EVENTS		256

/**
 * struct potad_event - one thing that potad_memory_failure() found
 * @seq: counts from 1
 * @phys: where the failed memory begins; granule-aligned
 * @length: how much in one piece: of one block, or free; in bytes
 * @flags: POTAD_FAIL_*
 * @what: what it was
 * @block: first byte of the block, if it was one
 * @bytes: and its size
 * @type: its type's name, or empty
 * @answer: what its owner said
 * @late: an answer that came late: of the owner in an earlier event
 * @moved: where the block is now, if @answer is %POTAD_MOVED by its migrate operation
 */
struct potad_event {
	u64			seq;
	phys_addr_t		phys;
	u64			length;
	unsigned int		flags;
	enum potad_what		what;
	phys_addr_t		block;
	u64			bytes;
	char			type[POTAD_NAME_MAX + 1];
	enum potad_answer	answer;
	bool			late;
	phys_addr_t		moved;
};

/**
 * struct potad_event_count - how many there were
 * @events: in all
 * @told: in which an owner was told; a late answer is not counted again
 * @late: in which it did not answer in its time
 * @answers: by what was answered
 * @real: granules that really failed
 */
struct potad_event_count {
	u64			events;
	u64			told;
	u64			late;
	u64			answers[POTAD_LATE + 1];
	u64			real;
};

/**
 * struct potad_live - what there is of one type
 * @blocks: how many blocks somebody has
 * @bytes: their size
 * @pins: how many have found a block without descriptor, and look at it
 */
struct potad_live {
	long			blocks;
	s64			bytes;
	long			pins;
};

/**
 * struct potad_pool_count - what has happened, since the pool was made
 * @hits: blocks that were handed out of a stock
 * @allocs: described blocks that were handed out
 * @frees: and came back
 * @alloc_failures: how often there was none
 */
struct potad_pool_count {
	u64			hits;
	u64			allocs;
	u64			frees;
	u64			alloc_failures;
};

struct potad_pool {
	/* Constant after creation */
	phys_addr_t		start;
	u64			bytes;
	unsigned int		granule_shift;
	struct potad_space	*space;
	u64 __percpu		*failures;	/* of allocations */
	struct potad_cache __percpu *cache;
	struct potad_index	index;

	struct mutex		types_mutex;	/* protects these three; nothing */
						/* is allocated under it	 */
	struct potad_type	*types[POTAD_TYPES]; /* that serve it */
	struct potad_pool_count	past;		/* of types that are gone */

	unsigned long		patience;	/* jiffies that an owner has to answer */
						/* a failure; 0: all it wants	       */
	struct xarray		how;		/* granules have failed: see failure.c */
	bool			real_unknown;	/* and others, that found no memory */
	struct rw_semaphore	moves;		/* no block goes over to a new place, and */
						/* for writing: no granule is marked	  */
	spinlock_t		late_lock;	/* protects the next; innermost */
	struct list_head	late;		/* owners that are: see failure.c */

	wait_queue_head_t	events_wait;	/* for the next one */
	spinlock_t		events_lock;	/* protects the rest */
	struct potad_event_count count;		/* @count.events: the next seq - 1 */
	struct potad_event	event[POTAD_EVENTS]; /* by (seq - 1) modulo */
};

/* A part of a pool's range that is not its memory; whole granules. */
struct potad_hole {
	phys_addr_t		phys;
	u64			bytes;
};

static inline u64 potad_pool_granule(const struct potad_pool *pool,
				     phys_addr_t phys)
{
	return (phys - pool->start) >> pool->granule_shift;
}

static inline phys_addr_t potad_pool_phys(const struct potad_pool *pool,
					  u64 granule)
{
	return pool->start + (granule << pool->granule_shift);
}

/* Does [@phys, @phys + @length) lie in the pool?  Nothing overflows. */
static inline bool potad_pool_has(const struct potad_pool *pool,
				  phys_addr_t phys, u64 length)
{
	return phys >= pool->start && length <= pool->bytes &&
	       phys - pool->start <= pool->bytes - length;
}

struct potad_pool *potad_pool_create(phys_addr_t start, u64 bytes, u64 granule,
				     enum potad_index_kind index,
				     const struct potad_hole *holes,
				     unsigned int nr_holes);
int potad_pool_destroy(struct potad_pool *pool);
void potad_pool_abandon(struct potad_pool *pool);
void potad_pool_counts(struct potad_pool *pool, struct potad_pool_count *count);
void potad_pool_stat(struct potad_pool *pool, struct potad_space_stat *stat,
		     u64 *cached);
unsigned int potad_pool_drain(struct potad_pool *pool);
const char *potad_pool_validate(struct potad_pool *pool);

int potad_bare_alloc(struct potad_pool *pool, unsigned int order,
		     phys_addr_t *phys);
int potad_bare_free(struct potad_pool *pool, phys_addr_t phys,
		    unsigned int order);

/* types.c */
int potad_type_bind(struct potad_type *type, struct potad_pool *pool);
int potad_type_unbind(struct potad_type *type);
void potad_type_past(const struct potad_type *type, struct potad_pool_count *past);
typedef void (*potad_type_fn)(struct potad_type *type, void *arg);

void potad_pool_visit_types(struct potad_pool *pool, potad_type_fn fn, void *arg);
struct potad_live potad_type_live(const struct potad_type *type);
void potad_pool_be_wary(struct potad_pool *pool, const struct potad_type *type);
unsigned int potad_pool_drain_stocks(struct potad_pool *pool);

/* block.c */
#define POTAD_MAKE_MAX		32

int potad_pool_find(struct potad_pool *pool, phys_addr_t phys,
		    struct potad_block *block);
int potad_pool_find_settled(struct potad_pool *pool, phys_addr_t phys,
			    struct potad_block *block);
void potad_block_fill(struct potad_type *type, u64 place, u32 generation, void *data,
		      struct potad_block *block);
int potad_block_at(struct potad_type *type, u64 granule, unsigned int order,
		   gfp_t gfp, void *arg, struct potad_block *block);
int potad_blocks_make(struct potad_type *type, unsigned int order, gfp_t gfp,
		      struct potad_desc **descs, unsigned int nr);
void potad_blocks_unmake(struct potad_type *type, struct potad_desc **descs,
			 unsigned int nr);
int potad_pool_take(struct potad_pool *pool, unsigned int order,
		    enum potad_mobility mobility, bool wait, u64 *granule);
int potad_memory_take(struct potad_type *type, unsigned int order, gfp_t gfp,
		      u64 *granule);
int potad_memory_describe(struct potad_type *type, u64 granule, unsigned int order,
			  gfp_t gfp, unsigned long word);
void potad_memory_return(struct potad_type *type, u64 granule, unsigned int order);

/* part.c */
void potad_parts_release(struct potad_type *type, struct potad_desc *desc);
int potad_part_free(const struct potad_block *block);

/* failure.c */
typedef void (*potad_event_fn)(const struct potad_event *event, void *arg);

/* How long an owner has to answer, unless the pool says otherwise. */
#define POTAD_PATIENCE_MS	10000

int potad_failures_init(void);
void potad_failures_exit(void);
void potad_failures_wait(void);
int potad_pool_fail(struct potad_pool *pool, phys_addr_t phys, u64 length,
		    unsigned int flags, potad_event_fn report, void *arg);
bool potad_pool_really_failed(struct potad_pool *pool, phys_addr_t phys, u64 length);
bool potad_block_has_failed(const struct potad_block *block);
bool potad_pool_is_lost(struct potad_pool *pool, phys_addr_t phys, u64 length);
void potad_pool_visit_real(struct potad_pool *pool,
			   void (*fn)(phys_addr_t phys, u64 length, void *arg), void *arg);

/* event.c */
void potad_event_add(struct potad_pool *pool, struct potad_event *event);
bool potad_pool_event(struct potad_pool *pool, u64 seq,
		      struct potad_event *event);
u64 potad_pool_events(struct potad_pool *pool);
void potad_pool_event_count(struct potad_pool *pool, struct potad_event_count *count);
const char *potad_answer_name(enum potad_answer answer);

#endif /* POTAD_POOL_H */

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
 * Blocks are taken from the space by way of a per-CPU cache. The pool decides;
 * the space and the words know nothing of each other, nor of
 * the pool.  Nothing in here ever touches the memory itself, so that a pool can
 * be made over addresses that do not exist, as the tests do.
 */
#ifndef POTAD_POOL_H
#define POTAD_POOL_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "../include/potad.h"
#include "../memdesc/word.h"
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
 * @type: its type's name, or empty
 * @answer: what its owner said
 */
struct potad_event {
	u64			seq;
	phys_addr_t		phys;
	u64			length;
	unsigned int		flags;
	enum potad_what		what;
	phys_addr_t		block;
	char			type[POTAD_NAME_MAX + 1];
	enum potad_answer	answer;
};

/* What happened on one CPU; only the sums have a meaning. */
struct potad_pool_count {
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
	struct potad_pool_count __percpu *count;

	struct potad_cache __percpu *cache;
	struct potad_words	words;

	spinlock_t		events_lock;	/* protects the rest */
	u64			events;		/* so far: the next seq - 1 */
	u64			owners_told;
	struct potad_event	event[POTAD_EVENTS]; /* by (seq - 1) modulo */
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

struct potad_pool *potad_pool_create(phys_addr_t start, u64 bytes,
				     u64 granule);
int potad_pool_destroy(struct potad_pool *pool);
struct potad_pool_count potad_pool_counts(const struct potad_pool *pool);
void potad_pool_stat(struct potad_pool *pool, struct potad_space_stat *stat,
		     u64 *cached);
const char *potad_pool_validate(struct potad_pool *pool);

int potad_bare_alloc(struct potad_pool *pool, unsigned int order,
		     phys_addr_t *phys);
int potad_bare_free(struct potad_pool *pool, phys_addr_t phys,
		    unsigned int order);

/* failure.c */
typedef void (*potad_event_fn)(const struct potad_event *event, void *arg);

int potad_pool_fail(struct potad_pool *pool, phys_addr_t phys, u64 length,
		    unsigned int flags, potad_event_fn report, void *arg);
bool potad_pool_event(struct potad_pool *pool, u64 seq,
		      struct potad_event *event);
void potad_pool_event_counts(struct potad_pool *pool, u64 *events, u64 *told);
const char *potad_answer_name(enum potad_answer answer);

/* Between pool.c and failure.c */
int potad_pool_find(struct potad_pool *pool, u64 granule,
		    struct potad_block *block);

#endif /* POTAD_POOL_H */

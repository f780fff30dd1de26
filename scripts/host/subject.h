/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Subjects: allocators that do the same work.
 *
 *	empty	none at all: numbers in sequence. What is left is the harness
 *	potad	the cache in front of the space: what users get
 *	space	the space alone
 *	list	a plain list buddy (buddy.h)
 *
 * What adapts them is inline, so that a workload made for one of them calls it
 * directly, as a user of it would.
 */
#ifndef POTAD_HOST_SUBJECT_H
#define POTAD_HOST_SUBJECT_H

#include <linux/types.h>

#include "../../module/space/cache.h"
#include "../../module/space/space.h"
#include "buddy.h"
#include "shadow.h"

#define NOWHERE			U64_MAX

/**
 * struct shape - what is measured, apart from by whom
 * @bytes: size of the space
 * @granule: bytes of one
 * @granules: how many
 * @unit: order, in granules, of what workloads call order 0
 * @threads: how many CPUs there are
 */
struct shape {
	u64		bytes;
	u64		granule;
	u64		granules;
	unsigned int	unit;
	unsigned int	threads;
};

struct instance {
	struct shape	shape;
	struct potad_space *space;
	struct potad_cache __percpu *cache;
	struct buddy	*buddy;
	const struct subject *is;
	struct potad_shadow *shadow;	/* if it is watched */
};

/* Not inline: an allocator is called, and a loop without calls is another loop. */
u64 empty_alloc(struct instance *me, unsigned int order, enum potad_mobility m);
void empty_free(struct instance *me, u64 granule, unsigned int order,
		enum potad_mobility m);

static inline u64 potad_alloc(struct instance *me, unsigned int order,
			      enum potad_mobility m)
{
	u64 granule;

	if (potad_cache_alloc(me->cache, order, m, true, &granule))
		return NOWHERE;
	return granule;
}

static inline void potad_free(struct instance *me, u64 granule,
			      unsigned int order, enum potad_mobility m)
{
	WARN_ON(potad_cache_free(me->cache, granule, order, m));
}

static inline u64 space_alloc(struct instance *me, unsigned int order,
			      enum potad_mobility m)
{
	u64 granule;

	if (potad_space_alloc(me->space, order, m, &granule))
		return NOWHERE;
	return granule;
}

static inline void space_free(struct instance *me, u64 granule,
			      unsigned int order, enum potad_mobility m)
{
	(void)m;
	WARN_ON(potad_space_free(me->space, granule, order));
}

static inline u64 list_alloc(struct instance *me, unsigned int order,
			     enum potad_mobility m)
{
	u64 page = buddy_alloc(me->buddy, order - me->shape.unit);

	(void)m;
	return unlikely(page == BUDDY_NOWHERE) ? NOWHERE : page << me->shape.unit;
}

static inline void list_free(struct instance *me, u64 granule,
			     unsigned int order, enum potad_mobility m)
{
	(void)m;
	buddy_free(me->buddy, granule >> me->shape.unit, order - me->shape.unit);
}

/* Any of them, with the shadow beside it. */
u64 watched_alloc(struct instance *me, unsigned int order, enum potad_mobility m);
void watched_free(struct instance *me, u64 granule, unsigned int order,
		  enum potad_mobility m);

struct job;

#define NR_WORKLOADS	6

struct subject {
	const char *name;
	void (*create)(struct instance *me);
	void (*destroy)(struct instance *me);
	u64 (*alloc)(struct instance *me, unsigned int order, enum potad_mobility m);
	void (*free)(struct instance *me, u64 granule, unsigned int order,
		     enum potad_mobility m);
	/* Of this CPU, what is cached. */
	void (*drain)(struct instance *me);
	/* By enum workload; see workload.h. */
	void (*run[NR_WORKLOADS])(struct job *job);
};

extern const struct subject subjects[], watched;
const struct subject *subject_named(const char *name);

struct instance *instance_create(const struct subject *s, const struct shape *shape);
void instance_destroy(const struct subject *s, struct instance *me);
/* The same with the oracle beside it; false if it saw something wrong. */
struct instance *watched_create(const struct subject *s, const struct shape *shape);
bool watched_destroy(struct instance *me);

#endif /* POTAD_HOST_SUBJECT_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Subjects: made, watched, and taken away.  Listed in subject.h.
 */
#include <linux/smp.h>
#include <linux/types.h>

#include "subject.h"
#include "workload.h"

static void empty_nothing(struct instance *me)
{
	(void)me;
}

u64 empty_alloc(struct instance *me, unsigned int order, enum potad_mobility m)
{
	static __thread u64 next;

	(void)me;
	(void)m;
	next += 1ULL << order;
	return next;
}

void empty_free(struct instance *me, u64 granule, unsigned int order,
		enum potad_mobility m)
{
	(void)me;
	(void)m;
	/* Somebody looks at them. */
	__asm__ __volatile__("" : : "r" (granule), "r" (order));
}

static void space_create(struct instance *me)
{
	me->space = potad_space_create(me->shape.granules);
	if (!me->space)
		abort();
}

static void space_destroy(struct instance *me)
{
	potad_space_destroy(me->space);
}

static void potad_create(struct instance *me)
{
	space_create(me);
	me->cache = potad_cache_create(me->space);
	if (!me->cache)
		abort();
}

static void potad_destroy(struct instance *me)
{
	potad_cache_destroy(me->cache);
	space_destroy(me);
}

static void potad_drain(struct instance *me)
{
	potad_cache_drain(me->cache);
}

static void list_create(struct instance *me)
{
	me->buddy = buddy_create(me->shape.granules >> me->shape.unit);
}

static void list_destroy(struct instance *me)
{
	buddy_destroy(me->buddy);
}

static void list_drain(struct instance *me)
{
	buddy_drain(me->buddy);
}

#define WORKLOADS(name)							\
	{ name##_pair, name##_bulk, name##_random_free, name##_churn,	\
	  name##_mixed, name##_cross }

const struct subject subjects[] = {
	{ "empty", empty_nothing, empty_nothing, empty_alloc, empty_free,
	  empty_nothing, WORKLOADS(empty) },
	{ "potad", potad_create, potad_destroy, potad_alloc, potad_free,
	  potad_drain, WORKLOADS(potad) },
	{ "space", space_create, space_destroy, space_alloc, space_free,
	  empty_nothing, WORKLOADS(space) },
	{ "list", list_create, list_destroy, list_alloc, list_free,
	  list_drain, WORKLOADS(list) },
	{ }
};

const struct subject *subject_named(const char *name)
{
	const struct subject *s;

	for (s = subjects; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

struct instance *instance_create(const struct subject *s, const struct shape *shape)
{
	struct instance *me = calloc(1, sizeof(*me));

	if (!me)
		abort();
	me->shape = *shape;
	me->is = s;
	s->create(me);
	return me;
}

void instance_destroy(const struct subject *s, struct instance *me)
{
	s->destroy(me);
	free(me);
}

/*
 * With the shadow beside it.  A refusal is spurious if the shadow has such a
 * block, and nobody gave anything back since the call began.  With several
 * threads what the shadow calls free may be on its way to another of them; then
 * it takes a second call, which finds what the first did not.
 */
u64 watched_alloc(struct instance *me, unsigned int order, enum potad_mobility m)
{
	struct potad_shadow *shadow = me->shadow;
	u64 freed = potad_shadow_freed(shadow), granule;
	bool spurious;

	granule = me->is->alloc(me, order, m);
	if (unlikely(granule == NOWHERE)) {
		__atomic_fetch_add(&shadow->refused, 1, __ATOMIC_RELAXED);
		if (me->shape.threads > 1) {
			granule = me->is->alloc(me, order, m);
			spurious = granule != NOWHERE;
		} else {
			spurious = potad_shadow_find(shadow, order) != U64_MAX;
		}
		if (spurious && potad_shadow_freed(shadow) == freed)
			__atomic_fetch_add(&shadow->spurious, 1, __ATOMIC_RELAXED);
		if (granule == NOWHERE)
			return NOWHERE;
	}
	potad_shadow_take(shadow, granule, 1ULL << order, order + 1);
	return granule;
}

void watched_free(struct instance *me, u64 granule, unsigned int order,
		  enum potad_mobility m)
{
	potad_shadow_count_free(me->shadow);
	potad_shadow_give(me->shadow, granule, 1ULL << order, order + 1);
	me->is->free(me, granule, order, m);
	potad_shadow_count_free(me->shadow);
}

const struct subject watched = {
	.name = "watched", .alloc = watched_alloc, .free = watched_free,
	.run = WORKLOADS(watched),
};

struct instance *watched_create(const struct subject *s, const struct shape *shape)
{
	struct instance *me = instance_create(s, shape);

	me->shadow = potad_shadow_create(shape->granules);
	return me;
}

/* What the shadow calls free the space must call free too. */
static void compare(struct instance *me)
{
	struct potad_space_stat stat;
	const char *wrong;

	me->is->drain(me);
	potad_space_stat(me->space, &stat);
	if (stat.free != potad_shadow_free(me->shadow))
		me->shadow->loss++;
	wrong = potad_space_validate(me->space);
	if (wrong) {
		printf("check: %s: the space is not valid: %s\n",
		       me->is->name, wrong);
		me->shadow->loss++;
	}
}

bool watched_destroy(struct instance *me)
{
	struct potad_shadow *shadow = me->shadow;
	bool well;

	if (me->space)
		compare(me);
	well = potad_shadow_report(shadow, me->is->name);
	instance_destroy(me->is, me);
	potad_shadow_destroy(shadow);
	return well;
}

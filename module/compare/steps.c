// SPDX-License-Identifier: GPL-2.0
/* Steps, of each subject; the rules are in steps.h. */
#include <linux/minmax.h>
#include <linux/mm.h>

#include "../include/compat.h"
#include "ledger.h"
#include "steps.h"
#include "subjects.h"

/* What the kernel keeps for others. */
#define LEFT_ALONE	(32LL << 20)

/* Subjects: those of subjects.h; bare blocks and pages with the mobility of a lease --- */

static __always_inline bool bare_begin(const struct subject_kit *kit,
				       struct potad_lease *l)
{
	return !potad_cache_alloc(kit->cache, l->order, l->mobility, true, &l->held.bare);
}

static __always_inline void bare_end(const struct subject_kit *kit,
				     struct potad_lease *l)
{
	potad_cache_free(kit->cache, l->held.bare, l->order, l->mobility);
}

static __always_inline gfp_t lease_gfp(const struct potad_lease *l)
{
	static const gfp_t gfp[POTAD_MOBILITIES] = {
		[POTAD_MOVABLE] = SUBJECT_GFP | __GFP_MOVABLE,
		[POTAD_RECLAIMABLE] = SUBJECT_GFP | __GFP_RECLAIMABLE,
		[POTAD_PINNED] = SUBJECT_GFP,
	};

	return gfp[l->mobility];
}

static __always_inline bool buddy_begin(const struct subject_kit *kit,
					struct potad_lease *l)
{
	l->held.buddy = alloc_pages(lease_gfp(l), l->order);
	return l->held.buddy;
}

static __always_inline bool compound_begin(const struct subject_kit *kit,
					   struct potad_lease *l)
{
	struct compound *c = &l->held.compound;

	c->page = alloc_pages(lease_gfp(l) | __GFP_COMP, l->order);
	if (!c->page)
		return false;
	c->desc = kmem_cache_alloc(kit->objects, SUBJECT_GFP);
	if (!c->desc)
		__free_pages(c->page, l->order);
	return c->desc;
}

/* The rest as they are. */
#define DEFINE_BEGIN(subject)							\
static __always_inline bool subject##_begin(const struct subject_kit *kit,	\
					    struct potad_lease *l)		\
{										\
	return subject##_alloc(kit, l->order, &l->held.subject);		\
}

DEFINE_BEGIN(described);
DEFINE_BEGIN(kmalloc);
DEFINE_BEGIN(area);
DEFINE_BEGIN(contig);
DEFINE_BEGIN(gpu);
DEFINE_BEGIN(genalloc);
DEFINE_BEGIN(nothing);

#define DEFINE_END(subject)							\
static __always_inline void subject##_end(const struct subject_kit *kit,	\
					  struct potad_lease *l)		\
{										\
	subject##_free(kit, l->order, &l->held.subject);			\
}

DEFINE_END(described);
DEFINE_END(buddy);
DEFINE_END(compound);
DEFINE_END(kmalloc);
DEFINE_END(area);
DEFINE_END(contig);
DEFINE_END(gpu);
DEFINE_END(genalloc);
DEFINE_END(nothing);

/* The loop that is timed, for each subject compiled anew. */
#define SUBJECT_ENTRY(subject, ...)						\
static void subject##_steps(const struct subject_kit *shared,			\
			    struct potad_step *step, unsigned int nr)		\
{										\
	const struct subject_kit kit = *shared;					\
	unsigned int i;								\
										\
	for (i = 0; i < nr; i++) {						\
		struct potad_lease *l = step[i].lease;				\
										\
		if (!step[i].frees)						\
			l->empty = l->empty || !subject##_begin(&kit, l);	\
		else if (!l->empty)						\
			subject##_end(&kit, l);					\
	}									\
}

#include "list.h"

#define SUBJECT_ENTRY(subject, ...)						\
	[subject_##subject] = subject##_steps,

static const potad_steps_fn steps[POTAD_SUBJECTS] = {
#include "list.h"
};

/* How a subject does steps. */
struct potad_stepper potad_stepper(enum subject_id id)
{
	return (struct potad_stepper){
		.native = potad_subject[id].source == FROM_KERNEL, .run = steps[id],
	};
}

/* What is less than a page may need one. */
static s64 wanted_by(const struct potad_step *step, unsigned int nr)
{
	s64 bytes = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!step[i].frees)
			bytes += 1LL << max_t(unsigned int, step[i].lease->shift, PAGE_SHIFT);
	return bytes;
}

/**
 * potad_steps_spare() - before native steps are done: may they be?
 * @step: the steps
 * @nr: how many
 * @wanted: bytes that are being asked for, by all who do steps at once
 *
 * Those that would leave the kernel too little are made empty.  Call
 * potad_steps_spared() when the rest are done.  What another has just got counts
 * twice until then: some are refused that need not have been, none is done that
 * should not.
 *
 * Return: how many are refused.
 */
unsigned int potad_steps_spare(struct potad_step *step, unsigned int nr, atomic64_t *wanted)
{
	s64 bytes = wanted_by(step, nr), least;
	unsigned int i, refused = 0;

	/* Whoever comes later sees this one's, and so one of two at the limit gives way. */
	least = LEFT_ALONE + atomic64_add_return(bytes, wanted);
	if ((s64)native_free_pages() << PAGE_SHIFT >= least || !bytes)
		return 0;
	for (i = 0; i < nr; i++) {
		if (step[i].frees)
			continue;
		step[i].lease->empty = true;
		refused++;
	}
	return refused;
}

/* They are done: what they got is in what the kernel counts. */
void potad_steps_spared(struct potad_step *step, unsigned int nr, atomic64_t *wanted)
{
	atomic64_sub(wanted_by(step, nr), wanted);
}

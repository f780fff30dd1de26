// SPDX-License-Identifier: GPL-2.0
/* Steps, of each subject; the rules are in steps.h. */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#include "../include/compat.h"
#include "ledger.h"
#include "steps.h"
#include "subjects.h"

/* What the kernel keeps for others. */
#define LEFT_ALONE	(32LL << 20)

/* Subjects: those of subjects.h, with the mobility of a lease --------------- */

static __always_inline bool empty_begin(const struct subject_kit *kit,
					struct potad_lease *l)
{
	return nothing_alloc(kit, l->order, &l->held.nothing);
}

static __always_inline void empty_end(const struct subject_kit *kit,
				      struct potad_lease *l)
{
	nothing_free(kit, l->order, &l->held.nothing);
}

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

static __always_inline bool described_begin(const struct subject_kit *kit,
					    struct potad_lease *l)
{
	return described_alloc(kit, l->order, &l->held.described);
}

static __always_inline void described_end(const struct subject_kit *kit,
					  struct potad_lease *l)
{
	described_free(kit, l->order, &l->held.described);
}

/* Nobody is to be killed for it; and what is movable for the native one is told so. */
static __always_inline gfp_t lease_gfp(const struct potad_lease *l)
{
	static const gfp_t gfp[POTAD_MOBILITIES] = {
		[POTAD_MOVABLE] = SUBJECT_GFP | __GFP_NORETRY | __GFP_MOVABLE,
		[POTAD_RECLAIMABLE] = SUBJECT_GFP | __GFP_NORETRY | __GFP_RECLAIMABLE,
		[POTAD_PINNED] = SUBJECT_GFP | __GFP_NORETRY,
	};

	return gfp[l->mobility];
}

static __always_inline bool buddy_begin(const struct subject_kit *kit,
					struct potad_lease *l)
{
	l->held.buddy = alloc_pages(lease_gfp(l), l->order);
	return l->held.buddy;
}

static __always_inline void buddy_end(const struct subject_kit *kit,
				      struct potad_lease *l)
{
	buddy_free(kit, l->order, &l->held.buddy);
}

static __always_inline bool compound_begin(const struct subject_kit *kit,
					   struct potad_lease *l)
{
	struct compound *c = &l->held.compound;

	c->page = alloc_pages(lease_gfp(l) | __GFP_COMP, l->order);
	if (!c->page)
		return false;
	c->desc = kmem_cache_alloc(kit->objects, SUBJECT_GFP | __GFP_NORETRY);
	if (!c->desc)
		__free_pages(c->page, l->order);
	return c->desc;
}

static __always_inline void compound_end(const struct subject_kit *kit,
					 struct potad_lease *l)
{
	compound_free(kit, l->order, &l->held.compound);
}

/* The loop that is timed, for each subject compiled anew. */
#define DEFINE_STEPS(subject)							\
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

DEFINE_STEPS(bare);
DEFINE_STEPS(described);
DEFINE_STEPS(buddy);
DEFINE_STEPS(compound);
DEFINE_STEPS(empty);

static const struct potad_stepper steppers[] = {
	{ "potad", false, bare_steps },
	{ "potad-described", false, described_steps },
	{ "buddy", true, buddy_steps },
	{ "buddy-described", true, compound_steps },
	{ "empty", false, empty_steps },
};

/* The subject of that name, or NULL. */
const struct potad_stepper *potad_stepper(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steppers); i++)
		if (!strcmp(name, steppers[i].name))
			return &steppers[i];
	return NULL;
}

/* What others may need it for: CMA's pages are not for everybody. */
static s64 native_free(void)
{
	u64 pages = global_zone_page_state(NR_FREE_PAGES);
	u64 cma = global_zone_page_state(NR_FREE_CMA_PAGES);

	return (pages - min(pages, cma)) << PAGE_SHIFT;
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
	s64 bytes = wanted_by(step, nr);
	unsigned int i, refused = 0;

	/* Whoever comes later sees this one's, and so one of two at the limit gives way. */
	if (native_free() >= LEFT_ALONE + atomic64_add_return(bytes, wanted) || !bytes)
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

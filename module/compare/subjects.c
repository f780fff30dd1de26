// SPDX-License-Identifier: GPL-2.0
/*
 * Subjects: which there are, which this kernel has, and what some of them need
 * while they are compared.
 *
 * A GPU driver's buddy and a gen_pool manage ranges of numbers, as large as the pool,
 * made for each comparison that has them: their books cost memory, which nobody wants
 * to give for good.  Both begin well above 0, which gen_pool_alloc() returns when it has
 * nothing.  The gen_pool's smallest piece is what the pool's is, or a page: and what
 * it searches is a bit for each.
 */
#include <linux/dma-map-ops.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "subjects.h"

#define RANGE_START	BIT(40)

#define SUBJECT_ENTRY(id, unit, source, name, rival)	\
	[subject_##id] = { name, rival, unit, source },
const struct potad_subject potad_subject[POTAD_SUBJECTS] = {
#include "list.h"
};
EXPORT_SYMBOL_POTAD_TESTS(potad_subject);

/* Of that name; POTAD_SUBJECTS if there is none. */
enum subject_id potad_subject_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < POTAD_SUBJECTS; i++)
		if (!strcmp(name, potad_subject[i].name))
			break;
	return i;
}

static __maybe_unused u64 pool_bytes(const struct subject_kit *kit)
{
	return potad_space_size(kit->pool->space) << kit->pool->granule_shift;
}

#ifdef POTAD_HAS_CMA
static void find_area(struct subject_kit *kit)
{
	kit->cma = dev_get_cma_area(NULL);
}
#else
static void find_area(struct subject_kit *kit)
{
}
#endif

#ifdef SUBJECT_HAS_GPU
static int make_gpu(struct subject_kit *kit)
{
	struct subject_gpu *gpu = kzalloc_obj(*gpu, GFP_KERNEL);
	int err;

	if (!gpu)
		return -ENOMEM;
	mutex_init(&gpu->lock);
	err = subject_buddy_call(init)(&gpu->buddy, pool_bytes(kit), PAGE_SIZE);
	if (err) {
		kfree(gpu);
		return err;
	}
	kit->gpu = gpu;
	return 0;
}

static void end_gpu(struct subject_kit *kit)
{
	if (!kit->gpu)
		return;
	subject_buddy_call(fini)(&kit->gpu->buddy);
	kfree(kit->gpu);
	kit->gpu = NULL;
}
#else
static int make_gpu(struct subject_kit *kit)
{
	return 0;
}

static void end_gpu(struct subject_kit *kit)
{
}
#endif

#ifdef POTAD_HAVE_GEN_POOL
static int make_gen(struct subject_kit *kit)
{
	int shift = min_t(int, kit->pool->granule_shift, PAGE_SHIFT);

	kit->gen = gen_pool_create(shift, NUMA_NO_NODE);
	if (!kit->gen)
		return -ENOMEM;
	/* Blocks as potad's: each lies where its size allows. */
	gen_pool_set_algo(kit->gen, gen_pool_first_fit_order_align, NULL);
	return gen_pool_add(kit->gen, RANGE_START, pool_bytes(kit), NUMA_NO_NODE);
}

static void end_gen(struct subject_kit *kit)
{
	if (kit->gen)
		gen_pool_destroy(kit->gen);
	kit->gen = NULL;
}
#else
static int make_gen(struct subject_kit *kit)
{
	return 0;
}

static void end_gen(struct subject_kit *kit)
{
}
#endif

/**
 * potad_subjects_prepare() - what these subjects need beside the pool
 * @kit: nobody else uses it
 * @subjects: a bit for each
 *
 * Context: Process context; may sleep.
 * Return: 0, also if one of them is missing here; -ENOMEM.
 */
int potad_subjects_prepare(struct subject_kit *kit, unsigned long subjects)
{
	int err = 0;

	find_area(kit);
	if (subjects & BIT(subject_gpu))
		err = make_gpu(kit);
	if (!err && subjects & BIT(subject_genalloc))
		err = make_gen(kit);
	if (err)
		potad_subjects_discard(kit);
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_subjects_prepare);

/* It goes again.  Nothing is held of it. */
void potad_subjects_discard(struct subject_kit *kit)
{
	end_gen(kit);
	end_gpu(kit);
	kit->cma = NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_subjects_discard);

/**
 * potad_subject_missing() - is there such an allocator, for modules?
 * @kit: after potad_subjects_prepare()
 * @id: which
 *
 * Return: NULL, or why not, in words.
 */
const char *potad_subject_missing(const struct subject_kit *kit, enum subject_id id)
{
	switch (id) {
	case subject_area:
		if (!IS_ENABLED(CONFIG_DMA_CMA))
			return "not on this kernel: it has no CMA areas for devices";
		if (!__is_defined(POTAD_HAVE_CMA_ALLOC))
			return "not on this kernel: modules cannot call cma_alloc()";
		return kit->cma ? NULL : "no CMA area is reserved: boot with cma=SIZE";
	case subject_contig:
		return __is_defined(POTAD_HAVE_ALLOC_CONTIG_PAGES) ? NULL :
			"not on this kernel: modules cannot call alloc_contig_pages()";
	case subject_gpu:
		if (__is_defined(SUBJECT_HAS_GPU))
			return NULL;
		return __is_defined(POTAD_SEES_DRM_BUDDY) ?
			"not in this build: drm_buddy is a module (POTAD_DRM_BUDDY=y)" :
			"not on this kernel: it is without CONFIG_GPU_BUDDY";
	case subject_genalloc:
		return __is_defined(POTAD_HAVE_GEN_POOL) ? NULL :
			"not on this kernel: it is without CONFIG_GENERIC_ALLOCATOR";
	default:
		return NULL;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_subject_missing);

/**
 * potad_subject_unfit() - does it have blocks of these orders?
 * @kit: the pool's granules
 * @id: which
 * @first_order: of pages; may be negative
 * @last_order: the same or more
 *
 * Return: NULL, or why not, in words.
 */
const char *potad_subject_unfit(const struct subject_kit *kit, enum subject_id id,
				int first_order, int last_order)
{
	int shift = first_order + PAGE_SHIFT, least = 0;

	switch (potad_subject[id].unit) {
	case IN_GRANULES:
		if (shift < (int)kit->pool->granule_shift)
			return "smaller than a granule";
		if (last_order + PAGE_SHIFT > (int)kit->pool->granule_shift +
		    (int)potad_space_max_order(kit->pool->space))
			return "larger than the largest block";
		return NULL;
	case IN_PAGES:
		return first_order < 0 ? "smaller than a page" : NULL;
	case IN_BYTES:
		break;
	}
	if (id == subject_genalloc)
		least = min_t(int, kit->pool->granule_shift, PAGE_SHIFT);
	return shift < least ? "smaller than its smallest piece" : NULL;
}

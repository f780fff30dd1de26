/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernels that differ, in one place.
 *
 * The code is written for the newest kernel (7.3); this header and the probes
 * in Kbuild carry it back to 6.1.  Kbuild looks for the feature itself (a
 * symbol in Module.symvers, a declaration in a header) and defines HAVE_...;
 * nothing here compares version numbers.
 */
#ifndef POTAD_COMPAT_H
#define POTAD_COMPAT_H

#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mmzone.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

#if BITS_PER_LONG != 64
#error "potad needs a 64-bit kernel: a tagged word holds a descriptor's address"
#endif

/*
 * POTAD_HAVE_NS_STRING: since 6.13 a namespace is a string; before, a bare
 * word.  Can go with 6.12.
 */
#ifdef POTAD_HAVE_NS_STRING
#define EXPORT_SYMBOL_POTAD_TESTS(sym)	EXPORT_SYMBOL_NS_GPL(sym, "POTAD_TESTS")
#define POTAD_IMPORT_FOR_TESTS()	MODULE_IMPORT_NS("POTAD_TESTS")
#else
#define EXPORT_SYMBOL_POTAD_TESTS(sym)	EXPORT_SYMBOL_NS_GPL(sym, POTAD_TESTS)
#define POTAD_IMPORT_FOR_TESTS()	MODULE_IMPORT_NS(POTAD_TESTS)
#endif

/*
 * MAX_PAGE_ORDER: since 6.8, inclusive.  Before, MAX_ORDER, which was
 * exclusive up to 6.3 and inclusive from 6.4 to 6.7; 6.1 is the only one of
 * those that is supported.
 */
#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER			(MAX_ORDER - 1)
#endif

/*
 * POTAD_HAS_CMA: there can be CMA areas, and modules may allocate from them.  Before 7.x
 * modules could not.
 */
#if defined(CONFIG_DMA_CMA) && defined(POTAD_HAVE_CMA_ALLOC)
#define POTAD_HAS_CMA			1
#endif

/* kzalloc_obj() and its like: since 7.0.  Can go with 6.12. */
#ifndef kzalloc_obj
#define kzalloc_obj(p, gfp)		kzalloc(sizeof(p), gfp)
#define kmalloc_obj(p, gfp)		kmalloc(sizeof(p), gfp)
#define kvzalloc_obj(p, gfp)		kvzalloc(sizeof(p), gfp)
#endif

/*
 * POTAD_HAVE_SHRINKER_ALLOC: since 6.7 the kernel makes a shrinker, which has a
 * place for its owner's data; before, it is the owner's.  Can go with 6.1.
 */
typedef unsigned long (*potad_shrink_fn)(struct shrinker *shrinker,
					 struct shrink_control *sc);

#ifdef POTAD_HAVE_SHRINKER_ALLOC
static inline struct shrinker *potad_shrinker_create(const char *name,
						     potad_shrink_fn count,
						     potad_shrink_fn scan, void *data)
{
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->private_data = data;
	shrinker_register(shrinker);
	return shrinker;
}

static inline void potad_shrinker_destroy(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}

static inline void *potad_shrinker_data(struct shrinker *shrinker)
{
	return shrinker->private_data;
}
#else
struct potad_shrinker {
	struct shrinker	shrinker;
	void		*data;
};

static inline struct shrinker *potad_shrinker_create(const char *name,
						     potad_shrink_fn count,
						     potad_shrink_fn scan, void *data)
{
	struct potad_shrinker *own = kzalloc(sizeof(*own), GFP_KERNEL);

	if (!own)
		return NULL;
	own->shrinker.count_objects = count;
	own->shrinker.scan_objects = scan;
	own->shrinker.seeks = DEFAULT_SEEKS;
	own->data = data;
	if (register_shrinker(&own->shrinker, "%s", name)) {
		kfree(own);
		return NULL;
	}
	return &own->shrinker;
}

static inline void potad_shrinker_destroy(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct potad_shrinker, shrinker));
}

static inline void *potad_shrinker_data(struct shrinker *shrinker)
{
	return container_of(shrinker, struct potad_shrinker, shrinker)->data;
}
#endif

/* 6.3. */
#ifndef POTAD_HAVE_VM_FLAGS_SET
#include <linux/mm.h>

static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

/*
 * POTAD_HAVE_ACR_FLAGS: what alloc_contig_range() takes for "an ordinary request".  Can
 * go with 6.12.
 */
#ifdef POTAD_HAVE_ACR_FLAGS
#define POTAD_CONTIG_KIND		ACR_FLAGS_NONE
#else
#define POTAD_CONTIG_KIND		MIGRATE_MOVABLE
#endif

/*
 * POTAD_HAVE_VMA_FLAGS: a file in memory that reserves none is asked for with a bitmap
 * of flags, in 7.x; before, with a word.  Can go with 6.12.
 */
#ifdef POTAD_HAVE_VMA_FLAGS
#define POTAD_SHMEM_NORESERVE		mk_vma_flags(VMA_NORESERVE_BIT)
#else
#define POTAD_SHMEM_NORESERVE		VM_NORESERVE
#endif

#endif /* POTAD_COMPAT_H */

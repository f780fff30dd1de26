/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Subjects: what is compared, and what it holds between an allocation and its
 * free.  They are listed in list.h.
 *
 *	name      an allocation is                       held, order of
 *	bare      a bare block of the pool's space       u64, granules
 *	described a block, a descriptor, and the words   struct potad_block, granules
 *	buddy     alloc_pages()                          struct page *, pages
 *	compound  alloc_pages(__GFP_COMP), and a         struct compound, pages
 *	          kmem_cache object for a descriptor
 *	kmalloc   kmalloc(), also of less than a page    void *, bytes
 *	area      cma_alloc() from the default area,     struct page *, pages
 *	          of what the region has left of it
 *	contig    alloc_contig_pages()                   struct page *, pages
 *	gpu       a block of a GPU driver's buddy, under void *, pages
 *	          a mutex as its drivers have it
 *	genalloc  gen_pool_alloc(), naturally aligned    unsigned long, bytes
 *	nothing   no allocation at all: what is left     u64, bytes
 *	          is what the loops around it cost
 *
 * gpu and genalloc manage numbers: a range of addresses as large as the pool, behind
 * which there is nothing, and where nobody looks.
 *
 * An order that people give is one of pages, and may be negative: order -3 is an
 * eighth of a page.  bare_order_of() and its like make it what the subject counts, after
 * potad_subject_unfit() has said that there is such an order.
 *
 * They are inline: whoever times them wants no call around them, and whoever counts
 * wants nothing else in between.
 */
#ifndef POTAD_COMPARE_SUBJECTS_H
#define POTAD_COMPARE_SUBJECTS_H

#include <linux/bits.h>
#include <linux/cma.h>
#include <linux/compiler.h>
#include <linux/genalloc.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/vmstat.h>

#include "../include/compat.h"
#include "../pool/pool.h"

#if defined(POTAD_HAVE_GPU_BUDDY)
#include <linux/gpu_buddy.h>
#define subject_buddy		gpu_buddy
#define subject_buddy_block	gpu_buddy_block
#define subject_buddy_call(f)	gpu_buddy_##f
#define SUBJECT_HAS_GPU		1
#elif defined(POTAD_HAVE_DRM_BUDDY)
#include <drm/drm_buddy.h>
#define subject_buddy		drm_buddy
#define subject_buddy_block	drm_buddy_block
#define subject_buddy_call(f)	drm_buddy_##f
#define SUBJECT_HAS_GPU		1
#endif

/* Nobody is to be killed for it. */
#define SUBJECT_GFP	(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)

/* What an order counts. */
enum subject_unit {
	IN_GRANULES,
	IN_PAGES,
	IN_BYTES,
};

/* Where memory is from: the pool, the kernel, a CMA area; or there is none. */
enum subject_source {
	FROM_POOL,
	FROM_KERNEL,
	FROM_AREA,
	FROM_RANGE,
	FROM_NOWHERE,
};

#define SUBJECT_ENTRY(id, ...)	subject_##id,
enum subject_id {
#include "list.h"
	POTAD_SUBJECTS,
};

/* A block of buddy-described. */
struct compound {
	struct page	*page;
	void		*desc;
};

/* What any subject holds between an allocation and its free. */
union potad_held {
	u64		bare;
	struct potad_block described;
	struct page	*buddy;
	struct compound	compound;
	void		*kmalloc;
	struct page	*area;
	struct page	*contig;
	void		*gpu;
	unsigned long	genalloc;
	u64		nothing;
};

/**
 * struct potad_subject - what is to be known of one
 * @name: as in list.h, like the others
 * @rival: the name of its native counterpart; NULL: it has none
 * @unit: what its orders count
 * @source: where its memory is from
 */
struct potad_subject {
	const char		*name;
	const char		*rival;
	enum subject_unit	unit;
	enum subject_source	source;
};

extern const struct potad_subject potad_subject[POTAD_SUBJECTS];

/* The one that is being compared: made for it, and gone afterwards. */
struct subject_gpu {
	struct mutex		lock;		/* protects @buddy, which has none */
#ifdef SUBJECT_HAS_GPU
	struct subject_buddy	buddy;
#endif
};

/*
 * What they work with.  Who has one space, for good, keeps the handle of its cache
 * and asks no pool: so does "bare".
 */
struct subject_kit {
	/* Constant from init to exit */
	struct potad_pool *pool;
	struct potad_cache __percpu *cache;
	struct potad_type *type;
	struct kmem_cache *objects;
	/* Constant while a comparison runs, and NULL if it is without that subject */
	struct cma *cma;
	struct subject_gpu *gpu;
	struct gen_pool *gen;
};

int potad_subjects_prepare(struct subject_kit *kit, unsigned long subjects);
void potad_subjects_discard(struct subject_kit *kit);
const char *potad_subject_missing(const struct subject_kit *kit, enum subject_id id);
const char *potad_subject_unfit(const struct subject_kit *kit, enum subject_id id,
				int first_order, int last_order);
enum subject_id potad_subject_of(const char *name);

/* Pages that are free for everybody: CMA's are not. */
static inline unsigned long native_free_pages(void)
{
	unsigned long pages = global_zone_page_state(NR_FREE_PAGES);
	unsigned long cma = global_zone_page_state(NR_FREE_CMA_PAGES);

	return pages - min(pages, cma);
}

/*
 * From an order of pages.  Where a granule is larger than that the match would
 * not be fair: an order that nobody has.
 */
static inline unsigned int granule_order(const struct subject_kit *kit, int order)
{
	int shift = order + PAGE_SHIFT - (int)kit->pool->granule_shift;

	return shift < 0 ? POTAD_MAX_ORDER + 1 : shift;
}

static __always_inline unsigned int subject_order(const struct subject_kit *kit,
						  enum subject_unit unit, int order)
{
	switch (unit) {
	case IN_GRANULES:
		return granule_order(kit, order);
	case IN_BYTES:
		return order + PAGE_SHIFT;
	case IN_PAGES:
		break;
	}
	return order;
}

/* The same of each: bare_order_of() and so on. */
#define SUBJECT_ENTRY(id, unit, ...)						\
static inline unsigned int id##_order_of(const struct subject_kit *kit, int order)	\
{										\
	return subject_order(kit, unit, order);					\
}

#include "list.h"

static inline bool bare_alloc(const struct subject_kit *kit, unsigned int order,
			      u64 *granule)
{
	return !potad_cache_alloc(kit->cache, order, POTAD_MOVABLE, true, granule);
}

static inline void bare_free(const struct subject_kit *kit, unsigned int order,
			     u64 *granule)
{
	potad_cache_free(kit->cache, *granule, order, POTAD_MOVABLE);
}

static inline bool described_alloc(const struct subject_kit *kit,
				   unsigned int order, struct potad_block *block)
{
	return !potad_alloc(kit->type, order, SUBJECT_GFP, NULL, block);
}

static inline void described_free(const struct subject_kit *kit,
				  unsigned int order, struct potad_block *block)
{
	potad_free(block);
}

static inline bool buddy_alloc(const struct subject_kit *kit, unsigned int order,
			       struct page **page)
{
	*page = alloc_pages(SUBJECT_GFP, order);
	return *page;
}

static inline void buddy_free(const struct subject_kit *kit, unsigned int order,
			      struct page **page)
{
	__free_pages(*page, order);
}

static inline bool compound_alloc(const struct subject_kit *kit,
				  unsigned int order, struct compound *c)
{
	c->page = alloc_pages(SUBJECT_GFP | __GFP_COMP, order);
	if (!c->page)
		return false;
	c->desc = kmem_cache_alloc(kit->objects, SUBJECT_GFP);
	if (!c->desc)
		__free_pages(c->page, order);
	return c->desc;
}

static inline void compound_free(const struct subject_kit *kit,
				 unsigned int order, struct compound *c)
{
	kmem_cache_free(kit->objects, c->desc);
	__free_pages(c->page, order);
}

static inline bool kmalloc_alloc(const struct subject_kit *kit, unsigned int order,
				 void **object)
{
	*object = kmalloc(BIT(order), SUBJECT_GFP);
	return *object;
}

static inline void kmalloc_free(const struct subject_kit *kit, unsigned int order,
				void **object)
{
	kfree(*object);
}

/* Those that not every kernel has: nobody calls them where they are missing. */

static inline bool area_alloc(const struct subject_kit *kit, unsigned int order,
			      struct page **page)
{
#ifdef POTAD_HAS_CMA
	*page = cma_alloc(kit->cma, BIT(order), order, true);
#else
	*page = NULL;
#endif
	return *page;
}

static inline void area_free(const struct subject_kit *kit, unsigned int order,
			     struct page **page)
{
#ifdef POTAD_HAS_CMA
	cma_release(kit->cma, *page, BIT(order));
#endif
}

static inline bool contig_alloc(const struct subject_kit *kit, unsigned int order,
				struct page **page)
{
#ifdef POTAD_HAVE_ALLOC_CONTIG_PAGES
	/* It knows no __GFP_NORETRY, and kills nobody. */
	*page = alloc_contig_pages(BIT(order), GFP_KERNEL | __GFP_NOWARN,
				   numa_mem_id(), NULL);
#else
	*page = NULL;
#endif
	return *page;
}

static inline void contig_free(const struct subject_kit *kit, unsigned int order,
			       struct page **page)
{
#ifdef POTAD_HAVE_ALLOC_CONTIG_PAGES
	free_contig_range(page_to_pfn(*page), BIT(order));
#endif
}

static inline bool gpu_alloc(const struct subject_kit *kit, unsigned int order,
			     void **held)
{
#ifdef SUBJECT_HAS_GPU
	u64 bytes = PAGE_SIZE << order;
	LIST_HEAD(blocks);
	int err;

	mutex_lock(&kit->gpu->lock);
	err = subject_buddy_call(alloc_blocks)(&kit->gpu->buddy, 0, kit->gpu->buddy.size,
					       bytes, bytes, &blocks, 0);
	mutex_unlock(&kit->gpu->lock);
	if (err)
		return false;
	/* One, as it may be no smaller.  Its link is ours until it is freed. */
	*held = list_first_entry(&blocks, struct subject_buddy_block, link);
	return true;
#else
	return false;
#endif
}

static inline void gpu_free(const struct subject_kit *kit, unsigned int order,
			    void **held)
{
#ifdef SUBJECT_HAS_GPU
	mutex_lock(&kit->gpu->lock);
	subject_buddy_call(free_block)(&kit->gpu->buddy, *held);
	mutex_unlock(&kit->gpu->lock);
#endif
}

static inline bool genalloc_alloc(const struct subject_kit *kit, unsigned int order,
				  unsigned long *address)
{
#ifdef POTAD_HAVE_GEN_POOL
	*address = gen_pool_alloc(kit->gen, BIT(order));
#else
	*address = 0;
#endif
	return *address;
}

static inline void genalloc_free(const struct subject_kit *kit, unsigned int order,
				 unsigned long *address)
{
#ifdef POTAD_HAVE_GEN_POOL
	gen_pool_free(kit->gen, *address, BIT(order));
#endif
}

/* Where a block is: an address, physical where there is one. */

static inline u64 bare_place(const struct subject_kit *kit, const u64 *granule)
{
	return kit->pool->start + (*granule << kit->pool->granule_shift);
}

static inline u64 described_place(const struct subject_kit *kit,
				  const struct potad_block *block)
{
	return block->phys;
}

static inline u64 buddy_place(const struct subject_kit *kit, struct page *const *page)
{
	return PFN_PHYS(page_to_pfn(*page));
}

static inline u64 compound_place(const struct subject_kit *kit, const struct compound *c)
{
	return PFN_PHYS(page_to_pfn(c->page));
}

static inline u64 kmalloc_place(const struct subject_kit *kit, void *const *object)
{
	return __pa(*object);
}

static inline u64 area_place(const struct subject_kit *kit, struct page *const *page)
{
	return PFN_PHYS(page_to_pfn(*page));
}

static inline u64 contig_place(const struct subject_kit *kit, struct page *const *page)
{
	return PFN_PHYS(page_to_pfn(*page));
}

static inline u64 gpu_place(const struct subject_kit *kit, void *const *held)
{
#ifdef SUBJECT_HAS_GPU
	const struct subject_buddy_block *block = *held;

	return subject_buddy_call(block_offset)(block);
#else
	return 0;
#endif
}

static inline u64 genalloc_place(const struct subject_kit *kit,
				 const unsigned long *address)
{
	return *address;
}

static inline bool nothing_alloc(const struct subject_kit *kit,
				 unsigned int order, u64 *nothing)
{
	WRITE_ONCE(*nothing, order);
	return true;
}

static inline void nothing_free(const struct subject_kit *kit,
				unsigned int order, u64 *nothing)
{
	READ_ONCE(*nothing);
}

static inline u64 nothing_place(const struct subject_kit *kit, const u64 *nothing)
{
	return 0;
}

#endif /* POTAD_COMPARE_SUBJECTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Subjects: what is compared, and what it holds between an allocation and its
 * free.
 *
 *	name      an allocation is                       held, order of
 *	bare      a bare block of the pool's space       u64, granules
 *	described a block, a descriptor, and the words   struct potad_block, granules
 *	buddy     alloc_pages()                          struct page *, pages
 *	compound  alloc_pages(__GFP_COMP), and a         struct compound, pages
 *	          kmem_cache object for a descriptor
 *	nothing   no allocation at all: what is left     u64, pages
 *	          is what the loops around it cost
 *
 * They are inline: whoever times them wants no call around them, and whoever counts
 * wants nothing else in between.
 */
#ifndef POTAD_COMPARE_SUBJECTS_H
#define POTAD_COMPARE_SUBJECTS_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../pool/pool.h"

#define SUBJECT_GFP	(GFP_KERNEL | __GFP_NOWARN)

/*
 * What they work with; constant from init to exit.  Who has one space, for good,
 * keeps the handle of its cache and asks no pool: so does "bare".
 */
struct subject_kit {
	struct potad_pool *pool;
	struct potad_cache __percpu *cache;
	struct potad_type *type;
	struct kmem_cache *objects;
};

/*
 * From an order of pages.  Where a granule is larger than that the match would
 * not be fair: an order that nobody has.
 */
static inline unsigned int granule_order(const struct subject_kit *kit,
					 unsigned int order)
{
	unsigned int shift = kit->pool->granule_shift;

	return order + PAGE_SHIFT < shift ? POTAD_MAX_ORDER + 1 :
					    order + PAGE_SHIFT - shift;
}

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

struct compound {
	struct page	*page;
	void		*desc;
};

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

#endif /* POTAD_COMPARE_SUBJECTS_H */

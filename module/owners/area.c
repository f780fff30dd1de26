// SPDX-License-Identifier: GPL-2.0
/*
 * Areas: a user like vmalloc, of scattered blocks with one descriptor.
 *
 *	          +--------+--------+--------+
 *	  map --> | piece 0| piece 1| piece 2|     one behind the other, by vmap()
 *	          +--------+--------+--------+
 *	               |        |        +-----> block at 0x62000000 --+
 *	               |        +--------------> block at 0x60408000 --+--> descriptor
 *	               +-----------------------> block at 0x61ff0000 --+
 *
 * From any address in any of the blocks a lookup leads to the one descriptor, as
 * vmalloc's struct page would lead to its vm_struct.  The region is ordinary memory,
 * with a struct page for each page, so that vmap() can be had; a piece is therefore
 * a page at least.
 *
 * What is written into an area is a pattern that follows from its handle and the
 * position: reading it back shows that each page is mapped once, where it should be.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "../pool/pool.h"
#include "area.h"
#include "pattern.h"

static struct potad_type *area_type;

/* The descriptor is the handle. */
static void area_init(void *data, void *arg)
{
	*(unsigned long *)data = *(unsigned long *)arg;
}

static int area_describe(const void *data, char *buf, size_t size)
{
	return scnprintf(buf, size, "handle:%lu", *(unsigned long *)data);
}

static enum potad_answer area_failure(const struct potad_failure *failure)
{
	return POTAD_LOST;
}

static const struct potad_ops area_ops = {
	.init = area_init, .describe = area_describe, .memory_failure = area_failure,
};

static const struct potad_type_info area_info = {
	.name = "area", .desc_size = sizeof(unsigned long), .flags = POTAD_TYPE_PARTS,
	.mobility = POTAD_PINNED, .ops = &area_ops, .module = THIS_MODULE,
};

/* All pages of all pieces, in order. */
static int map_pieces(struct potad_area *area)
{
	unsigned int nr = area->bytes >> PAGE_SHIFT, i, at = 0;
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	u64 offset;

	if (!pages)
		return -ENOMEM;
	for (i = 0; i < area->nr; i++)
		for (offset = 0; offset < area->piece[i].bytes; offset += PAGE_SIZE)
			pages[at++] = pfn_to_page(PHYS_PFN(area->piece[i].phys + offset));
	area->map = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return area->map ? 0 : -ENOMEM;
}

static int take_pieces(struct potad_area *area, unsigned int order, unsigned int nr,
		       unsigned long handle)
{
	int err = potad_alloc(area_type, order, GFP_KERNEL, &handle, &area->first);

	if (err)
		return err;
	area->nr = 1;
	area->piece[0] = area->first;
	while (area->nr < nr) {
		struct potad_block part;

		err = potad_alloc_part(&area->first, order, GFP_KERNEL, &part);
		if (err) {
			potad_free(&area->first);
			return err;
		}
		area->piece[area->nr++] = part;
		cond_resched();
	}
	area->bytes = (u64)nr * area->first.bytes;
	return 0;
}

/**
 * potad_area_create() - scattered blocks, mapped and filled
 * @bytes: how much at the least
 * @order: of what order the blocks are, a page or more
 * @handle: number that the pattern and the owner's name are made of
 *
 * Context: Process context; may sleep.
 * Return: the area, or an error pointer: -EINVAL if blocks of @order are smaller
 * than a page; -E2BIG if it is too much, or too many blocks; else as potad_alloc().
 */
struct potad_area *potad_area_create(u64 bytes, unsigned int order, unsigned long handle)
{
	u64 size = 1ULL << (area_type->granule_shift + order);
	struct potad_area *area;
	unsigned int nr;
	int err;

	if (!bytes || size < PAGE_SIZE)
		return ERR_PTR(-EINVAL);
	if (bytes > POTAD_AREA_BYTES || size > POTAD_AREA_BYTES ||
	    DIV_ROUND_UP_ULL(bytes, size) > POTAD_AREA_PIECES)
		return ERR_PTR(-E2BIG);
	nr = DIV_ROUND_UP_ULL(bytes, size);
	area = kvzalloc(struct_size(area, piece, nr), GFP_KERNEL);
	if (!area)
		return ERR_PTR(-ENOMEM);
	err = take_pieces(area, order, nr, handle);
	if (err)
		goto fail;
	err = map_pieces(area);
	if (err) {
		potad_free(&area->first);
		goto fail;
	}
	potad_pattern_fill(area->map, area->bytes, handle);
	return area;
fail:
	kvfree(area);
	return ERR_PTR(err);
}

/* Unmapped, and with the first block all others go. */
void potad_area_destroy(struct potad_area *area)
{
	vunmap(area->map);
	WARN_ON(potad_free(&area->first));
	kvfree(area);
}

/*
 * Reads all back: through the mapping, and each block where it really lies.
 * -EUCLEAN if it is not what was written; *@sum is what was read.  -EHWPOISON, and
 * nothing is read, if some of it has failed.
 */
int potad_area_check(const struct potad_area *area, unsigned long handle, u64 *sum)
{
	u64 by_piece = 0, offset = 0;
	unsigned int i;
	bool ok;

	for (i = 0; i < area->nr; i++)
		if (potad_block_has_failed(&area->piece[i]))
			return -EHWPOISON;
	ok = potad_pattern_check(area->map, area->bytes, handle, 0, sum);
	for (i = 0; i < area->nr; i++) {
		ok &= potad_pattern_check(phys_to_virt(area->piece[i].phys),
					  area->piece[i].bytes, handle, offset, &by_piece);
		offset += area->piece[i].bytes;
	}
	return ok && by_piece == *sum ? 0 : -EUCLEAN;
}

/* Process context; an error as potad_type_register(). */
int potad_area_init(struct potad_pool *pool)
{
	struct potad_type *type = potad_type_register(pool, &area_info);

	if (IS_ERR(type))
		return PTR_ERR(type);
	area_type = type;
	return 0;
}

/* There is no area any more. */
void potad_area_exit(void)
{
	if (area_type)
		WARN_ON(potad_type_unregister(area_type));
	area_type = NULL;
}

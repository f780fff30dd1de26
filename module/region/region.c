// SPDX-License-Identifier: GPL-2.0
/*
 * Where memory comes from, and goes back to.
 *
 * There are several sources; the first that this kernel has, and that fits the
 * name asked for, is used. No other one is tried after it has failed: somebody
 * who reserved an area wants to know that it was too small, rather than find
 * the page allocator drained instead.
 *
 *	source               since  needs
 *	cma_alloc            7.x    an area: cma=SIZE on the command line
 *	dma_alloc_pages      6.1    the same; reaches the area by way of a device
 *	alloc_contig_pages   7.x    nothing; the only one where nothing can
 *	                            reserve an area, as in user-mode Linux
 *	alloc_contig_range   6.1    the same, and a search of our own
 *
 * The name "none" asks for one of the last two on any kernel.
 *
 * Memory that has failed is not given back: the pages that somebody named
 * (potad_region_keep()), and those that the kernel has marked by itself (PageHWPoison),
 * after a machine check or because it was asked to.  What lies between them goes back
 * piece by piece.  They themselves stay allocated for as long as the kernel runs, in an
 * area's bitmap if they came from one.  Given back, the page allocator would keep those
 * with a mark to itself, but the area would call them free, and try to hand them out.
 * dma_free_pages() wants back what it gave, and no less: there all of the region stays.
 */
#define pr_fmt(fmt) "potad: " fmt

#include <linux/bitmap.h>
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "region.h"

/**
 * struct potad_source - one way to get memory
 * @name: for people
 * @get: take region->bytes, set @start, @area and what @put will need; or an
 *	 error, after a line in the log that says what to do about it
 * @put: give pages back, @first of the region and those that follow
 * @end: whatever is given back, the end of what else @get has made; or NULL
 * @whole: only all pages at once can be given back
 */
struct potad_source {
	const char	*name;
	int		(*get)(struct potad_region *region, const char *area);
	void		(*put)(struct potad_region *region, unsigned long first,
			       unsigned long pages);
	void		(*end)(struct potad_region *region);
	bool		whole;
};

static unsigned long region_pages(const struct potad_region *region)
{
	return region->bytes >> PAGE_SHIFT;
}

#ifdef POTAD_HAS_CMA
#define CMA_SOURCE (&cma_source)

/*
 * As well aligned as can be, down to 2 MiB: blocks are aligned from the start
 * of the region, and a 2 MiB block at an odd address maps to no huge page.
 */
static struct page *cma_get_aligned(struct cma *cma, unsigned long pages)
{
	unsigned int align = fls64(pages) - 1, least = min(align, 9U);
	struct page *page;

	for (;; align--) {
		page = cma_alloc(cma, pages, align, true);
		if (page || align == least)
			return page;
	}
}

/* The area of that name; without one, the default. */
static struct cma *cma_find(const char *name)
{
	struct cma *cma = dev_get_cma_area(NULL);
	unsigned int i;

	if (!*name)
		return cma;
	for (i = 0; cma; i++) {
		if (!strcmp(name, cma_get_name(cma)))
			return cma;
		cma = dma_contiguous_get_area_by_idx(i);
	}
	return NULL;
}

static int cma_get(struct potad_region *region, const char *area)
{
	struct cma *cma = cma_find(area);

	if (!cma && *area)
		pr_err("no CMA area is called %s\n", area);
	else if (!cma)
		pr_err("no CMA area is reserved: boot with cma=SIZE, or load with cma=none\n");
	if (!cma)
		return -ENODEV;
	region->pages = cma_get_aligned(cma, region_pages(region));
	if (!region->pages) {
		pr_err("CMA area %s has no %llu MiB in one piece: boot with a larger cma=SIZE, or load with a smaller size=\n",
		       cma_get_name(cma), region->bytes >> 20);
		return -ENOMEM;
	}
	region->cma = cma;
	region->start = page_to_phys(region->pages);
	strscpy(region->area, cma_get_name(cma), sizeof(region->area));
	return 0;
}

/* Of an area that modules can find, each page has a bit. */
static void cma_put(struct potad_region *region, unsigned long first, unsigned long pages)
{
	WARN_ON(!cma_release(region->cma, region->pages + first, pages));
}

static const struct potad_source cma_source = {
	.name = "cma_alloc", .get = cma_get, .put = cma_put,
};

#elif defined(CONFIG_DMA_CMA)
#define CMA_SOURCE (&dma_source)

/* A device that is nothing but a way to the default CMA area. */
static int dma_get(struct potad_region *region, const char *area)
{
	struct platform_device *pdev;
	int err;

	if (*area) {
		pr_err("this kernel does not let modules choose a CMA area: leave out cma=%s\n",
		       area);
		return -ENODEV;
	}
	pdev = platform_device_register_simple("potad", PLATFORM_DEVID_NONE,
					       NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		goto fail;
	err = -ENOMEM;
	region->pages = dma_alloc_pages(&pdev->dev, region->bytes,
					&region->dma,
					DMA_BIDIRECTIONAL,
					GFP_KERNEL | __GFP_NOWARN);
	if (!region->pages) {
		pr_err("no %llu MiB in one piece: boot with cma=SIZE, or load with a smaller size=\n",
		       region->bytes >> 20);
		goto fail;
	}
	region->pdev = pdev;
	region->start = page_to_phys(region->pages);
	/* It may have come from the page allocator all the same: no telling. */
	strscpy(region->area, "default?", sizeof(region->area));
	return 0;
fail:
	platform_device_unregister(pdev);
	return err;
}

static void dma_put(struct potad_region *region, unsigned long first, unsigned long pages)
{
	dma_free_pages(&region->pdev->dev, region->bytes, region->pages,
		       region->dma, DMA_BIDIRECTIONAL);
}

static void dma_end(struct potad_region *region)
{
	platform_device_unregister(region->pdev);
}

static const struct potad_source dma_source = {
	.name = "dma_alloc_pages", .get = dma_get, .put = dma_put, .end = dma_end,
	.whole = true,
};

#else
#define CMA_SOURCE NULL
#endif

#ifdef POTAD_HAVE_ALLOC_CONTIG_PAGES
#define CONTIG_NAME "alloc_contig_pages"

static struct page *contig_get_pages(unsigned long pages)
{
	return alloc_contig_pages(pages, GFP_KERNEL | __GFP_NOWARN,
				  numa_mem_id(), NULL);
}

#else
#define CONTIG_NAME "alloc_contig_range"

/* Could these pages be had, at a first look?  All in one zone, none reserved. */
static bool range_is_worth_trying(unsigned long pfn, unsigned long pages)
{
	struct page *page = pfn_to_online_page(pfn);
	struct zone *zone;
	unsigned long i;

	if (!page)
		return false;
	zone = page_zone(page);
	for (i = 0; i < pages; i++) {
		page = pfn_to_online_page(pfn + i);
		if (!page || page_zone(page) != zone || PageReserved(page) ||
		    PageHuge(page))
			return false;
		cond_resched();
	}
	return true;
}

static struct page *contig_get_pages(unsigned long pages)
{
	unsigned long step = roundup_pow_of_two(pages), pfn, end;
	int nid = numa_mem_id();

	end = NODE_DATA(nid)->node_start_pfn + NODE_DATA(nid)->node_spanned_pages;
	pfn = ALIGN(NODE_DATA(nid)->node_start_pfn, step);
	for (; pfn + pages <= end; pfn += step) {
		if (range_is_worth_trying(pfn, pages) &&
		    !alloc_contig_range(pfn, pfn + pages, POTAD_CONTIG_KIND,
					GFP_KERNEL | __GFP_NOWARN))
			return pfn_to_page(pfn);
		cond_resched();
	}
	return NULL;
}
#endif

static int contig_get(struct potad_region *region, const char *area)
{
	if (*area && strcmp(area, "none")) {
		pr_err("this kernel has no CMA area called %s: leave out cma=%s\n",
		       area, area);
		return -ENODEV;
	}
	region->pages = contig_get_pages(region_pages(region));
	if (!region->pages) {
		pr_err("the page allocator has no %llu MiB in one piece: load with a smaller size=\n",
		       region->bytes >> 20);
		return -ENOMEM;
	}
	region->start = page_to_phys(region->pages);
	strscpy(region->area, "-", sizeof(region->area));
	return 0;
}

static void contig_put(struct potad_region *region, unsigned long first,
		       unsigned long pages)
{
	free_contig_range(page_to_pfn(region->pages) + first, pages);
}

static const struct potad_source contig_source = {
	.name = CONTIG_NAME, .get = contig_get, .put = contig_put,
};

/* Of all but the memory. */
static void end(struct potad_region *region)
{
	if (region->source->end)
		region->source->end(region);
	kvfree(region->failed);
}

/**
 * potad_region_get() - take memory from the kernel
 * @region: filled in
 * @bytes: how much, a multiple of a page
 * @area: name of a CMA area; "" for the default one, or for the page allocator
 *	  where a kernel has no areas; "none" for the page allocator anyway
 *
 * Context: Process context; may sleep for long, as pages are moved away.
 * Return: 0; or, after a line in the log, -ENODEV if there is no such area,
 * -ENOMEM if it has not so much in one piece, or there is no bit for each page.
 */
int potad_region_get(struct potad_region *region, u64 bytes, const char *area)
{
	const struct potad_source *source = CMA_SOURCE;
	int err;

	if (!source || !strcmp(area, "none"))
		source = &contig_source;
	*region = (struct potad_region){ .bytes = bytes, .source = source };
	err = source->get(region, area);
	if (err)
		return err;
	/* Now that its size is one that exists; so that nothing can fail at the end. */
	region->failed = kvcalloc(BITS_TO_LONGS(region_pages(region)), sizeof(long),
				  GFP_KERNEL);
	if (!region->failed)
		goto fail;
	return 0;
fail:
	pr_err("no memory for a bit of each page\n");
	source->put(region, 0, region_pages(region));
	end(region);
	return -ENOMEM;
}

/**
 * potad_region_keep() - memory that has failed, and is not to be given back
 * @region: the region
 * @phys: where in it
 * @length: how much, in bytes; the pages it touches are meant
 *
 * Context: Any; the caller sees to it that no two run at once.
 */
void potad_region_keep(struct potad_region *region, phys_addr_t phys, u64 length)
{
	unsigned long first = (phys - region->start) >> PAGE_SHIFT;
	unsigned long last = (phys - region->start + length - 1) >> PAGE_SHIFT;

	bitmap_set(region->failed, first, last - first + 1);
}

/* What the kernel has marked as failed.  It may mark more at any time: too late. */
static void keep_marked(struct potad_region *region)
{
	unsigned long i;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		return;
	for (i = 0; i < region_pages(region); i++) {
		if (PageHWPoison(region->pages + i))
			__set_bit(i, region->failed);
		cond_resched();
	}
}

/* All that is good, piece by piece; returns how many pages that is. */
static unsigned long put_good(struct potad_region *region)
{
	unsigned long pages = region_pages(region), given = 0, first, end;

	for (first = 0; first < pages; first = end) {
		first = find_next_zero_bit(region->failed, pages, first);
		if (first >= pages)
			break;
		end = find_next_bit(region->failed, pages, first);
		region->source->put(region, first, end - first);
		given += end - first;
		cond_resched();
	}
	return given;
}

/**
 * potad_region_put() - give memory back to the kernel, unless it has failed
 * @region: the region
 *
 * What stays behind is told in the log.
 *
 * Context: Process context; may sleep.
 * Return: how many bytes were given back.
 */
u64 potad_region_put(struct potad_region *region)
{
	const struct potad_source *source = region->source;
	unsigned long pages = region_pages(region), failed, given = 0;

	keep_marked(region);
	failed = bitmap_weight(region->failed, pages);
	if (!failed || !source->whole)
		given = put_good(region);
	if (failed && source->whole)
		pr_warn("all %llu bytes stay behind: of %s memory, %lu of %lu pages have failed, and it goes back as a whole or not at all\n",
			region->bytes, source->name, failed, pages);
	else if (failed)
		pr_warn("%llu bytes stay behind: %lu of %lu pages have failed\n",
			(u64)failed << PAGE_SHIFT, failed, pages);
	end(region);
	return (u64)given << PAGE_SHIFT;
}

const char *potad_region_source(const struct potad_region *region)
{
	return region->source->name;
}

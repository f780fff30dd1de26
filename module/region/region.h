/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region: contiguous physical memory, taken from the kernel as a whole and
 * given back as a whole, but for the pages that have failed: those stay behind,
 * held by nobody, so that nobody gets them.
 */
#ifndef POTAD_REGION_H
#define POTAD_REGION_H

#include <linux/types.h>

#define POTAD_AREA_MAX		64

struct potad_source;
struct page;
struct cma;
struct platform_device;

/**
 * struct potad_region - memory that potad holds
 * @start: physical address of its first byte
 * @bytes: its size
 * @source: which way it came, and goes back
 * @area: name of the CMA area it came from; "-" if none
 * @pages: for the source alone, as what follows
 * @cma: the area
 * @pdev: the device that it was asked for with
 * @dma: where that device sees it
 * @failed: a bit for each page: it is not to be given back
 */
struct potad_region {
	phys_addr_t		start;
	u64			bytes;
	const struct potad_source *source;
	char			area[POTAD_AREA_MAX];

	struct page		*pages;
	struct cma		*cma;
	struct platform_device	*pdev;
	dma_addr_t		dma;
	unsigned long		*failed;
};

int potad_region_get(struct potad_region *region, u64 bytes, const char *area);
void potad_region_keep(struct potad_region *region, phys_addr_t phys, u64 length);
u64 potad_region_put(struct potad_region *region);
const char *potad_region_source(const struct potad_region *region);

#endif /* POTAD_REGION_H */

// SPDX-License-Identifier: GPL-2.0
/* Grounds; the story is in ground.h. */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/cma.h>
#include <linux/delay.h>
#include <linux/dma-map-ops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "../region/region.h"
#include "compare.h"
#include "ground.h"
#include "subjects.h"

/* Nobody is to be killed for what fills a ground. */
#define FILL_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
#define MOVABLE_GFP	(GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN)

/* What is not taken away: some for the kernel itself, so that it need not use ours. */
#define LEFT_OVER	(SZ_8M >> PAGE_SHIFT)
#define SPARE		(SZ_8M >> PAGE_SHIFT)
#define FLOOR		(SZ_2M >> PAGE_SHIFT)

enum ground_place {
	PLACE_POOL,
	PLACE_AREA,		/* CMA */
	PLACE_RANGE,		/* the page allocator */
};

enum ground_fill {
	FILL_PINNED,
	FILL_RECORDED,
	FILL_MOVABLE,
};

/**
 * struct potad_ground_kind - what a ground is
 * @name: for people
 * @place: whose memory it is
 * @fill: what it is filled with
 */
struct potad_ground_kind {
	const char		*name;
	enum ground_place	place;
	enum ground_fill	fill;
};

static const struct potad_ground_kind kinds[] = {
	{ "potad", PLACE_POOL, FILL_PINNED },
	{ "potad-movable", PLACE_POOL, FILL_MOVABLE },
	{ "cma-pinned", PLACE_AREA, FILL_PINNED },
	{ "cma-movable", PLACE_AREA, FILL_MOVABLE },
	{ "contig-pinned", PLACE_RANGE, FILL_PINNED },
	{ "contig-recorded", PLACE_RANGE, FILL_RECORDED },
	{ "contig-movable", PLACE_RANGE, FILL_MOVABLE },
};

static_assert(ARRAY_SIZE(kinds) == POTAD_GROUNDS);

/* The kind of that name, or NULL. */
const struct potad_ground_kind *potad_ground_kind(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

const char *potad_ground_name(const struct potad_ground_kind *kind)
{
	return kind->name;
}

static bool is_potad(const struct potad_ground *g)
{
	return g->kind->place == PLACE_POOL;
}

static bool is_area(const struct potad_ground *g)
{
	return g->kind->place == PLACE_AREA;
}

/* Can something of what it is filled with be moved out of it, by the kernel? */
bool potad_ground_spills(const struct potad_ground *g)
{
	return !is_potad(g) && g->kind->fill != FILL_PINNED;
}

/* A block of the page allocator's that is taken away. */
static void keep(struct list_head *list, struct page *page, unsigned int order)
{
	set_page_private(page, order);
	list_add(&page->lru, list);
}

static unsigned long first_pfn(const struct potad_ground *g)
{
	return g->start >> PAGE_SHIFT;
}

static bool has_page(const struct potad_ground *g, const struct page *page)
{
	return page_to_pfn(page) - first_pfn(g) < g->pages;
}

/* CMA ----------------------------------------------------------------------- */

#ifdef POTAD_HAS_CMA
static struct cma *default_area(void)
{
	return dev_get_cma_area(NULL);
}

static struct page *cma_take(struct cma *cma, unsigned long pages, unsigned int align)
{
	return cma_alloc(cma, pages, align, true);
}

static void cma_give(struct cma *cma, struct page *page, unsigned long pages)
{
	WARN_ON_ONCE(!cma_release(cma, page, pages));
}
#else
static struct cma *default_area(void)
{
	return NULL;
}

static struct page *cma_take(struct cma *cma, unsigned long pages, unsigned int align)
{
	return NULL;
}

static void cma_give(struct cma *cma, struct page *page, unsigned long pages)
{
}
#endif

/* All of the area that is free now is to be left alone. */
static void build_fence(struct potad_ground *g)
{
	struct page *page;
	int order;

	if (!g->cma)
		return;
	for (order = MAX_PAGE_ORDER; order >= 0; order--) {
		while ((page = cma_take(g->cma, 1UL << order, 0))) {
			keep(&g->fence, page, order);
			cond_resched();
		}
	}
}

static void raze_fence(struct potad_ground *g)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &g->fence, lru) {
		list_del(&page->lru);
		cma_give(g->cma, page, 1UL << page_private(page));
	}
}

/* The page allocator -------------------------------------------------------- */

static void free_list(struct list_head *list)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru) {
		list_del(&page->lru);
		__free_pages(page, page_private(page));
		cond_resched();
	}
}

/* Gives so many pages of what is taken away back, or a few more: the largest blocks first. */
static void give_back(struct list_head *list, unsigned long pages)
{
	struct page *page;
	unsigned int order;

	while (pages && !list_empty(list)) {
		page = list_last_entry(list, struct page, lru);
		order = page_private(page);
		list_del(&page->lru);
		__free_pages(page, order);
		pages -= min(pages, 1UL << order);
	}
}

/**
 * potad_ground_corner() - take all other free memory away
 * @g: the ground
 *
 * Until potad_ground_uncorner(), what the kernel allocates it takes from the ground, but
 * for some MiB.  Does nothing where the ground is filled by name.
 *
 * Context: Process context; may sleep.
 */
void potad_ground_corner(struct potad_ground *g)
{
	LIST_HEAD(inside);
	struct page *page;
	int order;

	if (is_potad(g) || (is_area(g) && g->kind->fill == FILL_PINNED))
		return;
	for (order = MAX_PAGE_ORDER; order >= 0; order--) {
		while (native_free_pages() > LEFT_OVER + (1UL << order)) {
			page = alloc_pages(FILL_GFP, order);
			if (!page)
				break;
			/* What is the ground's is only kept until the end of the search. */
			keep(has_page(g, page) ? &inside : &g->corner, page, order);
			cond_resched();
		}
	}
	/* There was no more to be had: who else wants some would have somebody killed for it. */
	g->floor = native_free_pages() + FLOOR;
	/* The kernel has needs of its own: some that is not movable. */
	give_back(&g->corner, SPARE);
	/* Last, so that it is first when somebody allocates. */
	free_list(&inside);
}

/* Would so many pages leave others too little?  Then they are refused. */
static bool too_low(const struct potad_ground *g, unsigned long pages)
{
	return native_free_pages() < g->floor + pages;
}

/* Gives it back. */
void potad_ground_uncorner(struct potad_ground *g)
{
	free_list(&g->corner);
}

/* Described blocks ---------------------------------------------------------- */

/*
 * Where a block is: @block of its holding, which changes when somebody has it moved, us or
 * not.  Protects that, and nothing is called under it.
 */
static DEFINE_SPINLOCK(moving);

/* It can be found, and moved, before who allocates it knows where it is. */
static void block_init(void *data, void *arg)
{
	struct potad_holding *h = arg;

	*(struct potad_holding **)data = h;
	spin_lock(&moving);
	h->block = (struct potad_block){ .data = data };
	spin_unlock(&moving);
}

/* Contents go along, as they do when the kernel moves a page. */
static int block_migrate(const struct potad_block *from, const struct potad_block *to)
{
	struct potad_holding *h = *(struct potad_holding **)from->data;
	u64 done, part;

	for (done = 0; done < from->bytes; done += part) {
		part = min_t(u64, from->bytes - done, SZ_1M);
		memcpy(phys_to_virt(to->phys + done), phys_to_virt(from->phys + done), part);
		cond_resched();
	}
	spin_lock(&moving);
	if (h->block.data == from->data)
		h->block = *to;
	spin_unlock(&moving);
	return 0;
}

static const struct potad_ops block_ops = {
	.init = block_init, .migrate = block_migrate,
};

static int type_create(struct potad_ground *g)
{
	const struct potad_type_info info = {
		.name = "contig", .desc_size = sizeof(struct potad_holding *),
		.mobility = POTAD_MOVABLE, .ops = &block_ops, .module = THIS_MODULE,
	};

	g->type = potad_type_register(g->kit->pool, &info);
	if (!IS_ERR(g->type))
		return 0;
	g->type = NULL;
	return -ENOMEM;
}

/* Somebody may be looking at one of its blocks, which was freed, for a moment. */
static void type_destroy(struct potad_ground *g)
{
	while (potad_type_unregister(g->type))
		usleep_range(100, 1000);
	g->type = NULL;
}

static bool hold_block(struct potad_ground *g, struct potad_holding *h)
{
	struct potad_block block;

	if (potad_alloc(g->type, granule_order(g->kit, h->order), FILL_GFP, h, &block))
		return false;
	spin_lock(&moving);
	if (!h->block.bytes)
		h->block = block;
	spin_unlock(&moving);
	h->within = 1U << h->order;
	return true;
}

static struct potad_block block_of(struct potad_holding *h)
{
	struct potad_block block;

	spin_lock(&moving);
	block = h->block;
	spin_unlock(&moving);
	return block;
}

/*
 * Somebody may have moved it since we looked where it is.  Who moves it still, when it is
 * free, may write where it went to: until a holding is used anew that means nothing.
 */
static void drop_block(struct potad_holding *h)
{
	struct potad_block block, now;
	int err;

	do {
		block = block_of(h);
		err = potad_free(&block);
		now = block_of(h);
	} while (err && now.phys != block.phys);
	WARN_ON_ONCE(err);
}

/* Opening and closing ------------------------------------------------------- */

static int open_potad(struct potad_ground *g)
{
	struct potad_pool *pool = g->kit->pool;
	struct potad_space_stat *stat;
	u64 cached;
	int err = 0;

	if (pool->granule_shift > PAGE_SHIFT)
		return -EINVAL;
	stat = kmalloc_obj(*stat, GFP_KERNEL);
	if (!stat)
		return -ENOMEM;
	potad_pool_drain(pool);
	potad_pool_stat(pool, stat, &cached);
	if (stat->free != stat->total)
		err = -EEXIST;
	kfree(stat);
	g->start = pool->start;
	if (!err && g->kind->fill != FILL_PINNED)
		err = type_create(g);
	return err;
}

/*
 * Memory that was taken as the region is, to know where it lies; then it is given back,
 * with nothing else that is free beside it.
 */
static int open_other(struct potad_ground *g)
{
	struct potad_region region;
	int err;

	if (is_area(g) && !__is_defined(POTAD_HAS_CMA))
		return -EOPNOTSUPP;
	if (potad_ground_spills(g)) {
		/* Of any size: indexes are not used twice. */
		g->file = shmem_file_setup("potad-contig", MAX_LFS_FILESIZE,
					   POTAD_SHMEM_NORESERVE);
		if (IS_ERR(g->file)) {
			g->file = NULL;
			return -ENOMEM;
		}
	}
	err = potad_region_get(&region, (u64)g->pages << PAGE_SHIFT,
			       is_area(g) ? "" : "none");
	if (err)
		return err == -ENODEV ? -EOPNOTSUPP : -ENOSPC;
	g->start = region.start;
	/* Pages of files would go into the area, wherever the ground is. */
	g->cma = is_area(g) ? region.cma : default_area();
	build_fence(g);
	potad_region_put(&region);
	return 0;
}

/**
 * potad_ground_open() - memory to be filled, all of it free
 * @g: filled in
 * @kind: what it shall be; as large as the region
 *
 * Context: Process context; may sleep for long, as pages are moved away.
 * Return: 0; -EOPNOTSUPP: this kernel has no such memory, or does not let modules have
 * it; -ENOSPC: there is not so much in one piece, and the log says what to do about it;
 * -EEXIST: there are blocks in the region; -EINVAL: its granules are larger than a page;
 * -ENOMEM.
 */
int potad_ground_open(struct potad_ground *g, const struct potad_ground_kind *kind)
{
	int err;

	*g = (struct potad_ground){ .kind = kind, .kit = potad_compare_kit() };
	g->pages = g->kit->pool->bytes >> PAGE_SHIFT;
	INIT_LIST_HEAD(&g->fence);
	INIT_LIST_HEAD(&g->corner);
	err = is_potad(g) ? open_potad(g) : open_other(g);
	if (err)
		potad_ground_close(g);
	return err;
}

/* Nothing that fills it is held any more. */
void potad_ground_close(struct potad_ground *g)
{
	potad_ground_uncorner(g);
	raze_fence(g);
	if (g->file)
		fput(g->file);
	g->file = NULL;
	if (g->type)
		type_destroy(g);
}

/* Blocks -------------------------------------------------------------------- */

static u32 pages_within(const struct potad_ground *g, struct page *page, unsigned int order)
{
	u32 i, within = 0;

	for (i = 0; i < 1U << order; i++)
		within += has_page(g, page + i);
	return within;
}

static bool hold_potad(struct potad_ground *g, struct potad_holding *h)
{
	if (potad_cache_alloc(g->kit->cache, granule_order(g->kit, h->order), h->mobility,
			      true, &h->granule))
		return false;
	h->within = 1U << h->order;
	return true;
}

static void drop_pages(struct potad_ground *g, unsigned long index, unsigned long pages)
{
	loff_t from = (loff_t)index << PAGE_SHIFT;

	shmem_truncate_range(file_inode(g->file), from,
			     from + ((loff_t)pages << PAGE_SHIFT) - 1);
}

static struct page *get_page_at(struct potad_ground *g, unsigned long index)
{
	return shmem_read_mapping_page_gfp(g->file->f_mapping, index, MOVABLE_GFP);
}

static bool hold_movable(struct potad_ground *g, struct potad_holding *h)
{
	unsigned long i, pages = 1UL << h->order;
	struct page *page;

	h->index = g->next;
	h->within = 0;
	g->next += pages;
	for (i = 0; i < pages; i++) {
		page = too_low(g, 1) ? ERR_PTR(-ENOMEM) : get_page_at(g, h->index + i);
		if (IS_ERR(page)) {
			drop_pages(g, h->index, pages);
			return false;
		}
		h->within += has_page(g, page);
		put_page(page);
	}
	return true;
}

/* What lies elsewhere is kept, so that the next does not. */
static bool hold_native(struct potad_ground *g, struct potad_holding *h)
{
	while (!too_low(g, 1UL << h->order)) {
		h->page = alloc_pages(FILL_GFP, h->order);
		if (!h->page)
			break;
		h->within = pages_within(g, h->page, h->order);
		if (h->within)
			return true;
		keep(&g->corner, h->page, h->order);
	}
	return false;
}

static bool hold_cma(struct potad_ground *g, struct potad_holding *h)
{
	h->page = cma_take(g->cma, 1UL << h->order, h->order);
	if (h->page)
		h->within = pages_within(g, h->page, h->order);
	return h->page;
}

/**
 * potad_ground_hold() - fill it with one more block
 * @g: the ground
 * @h: says what order and what mobility it has; the rest is set
 *
 * Context: Process context; may sleep.
 * Return: whether there was one.
 */
bool potad_ground_hold(struct potad_ground *g, struct potad_holding *h)
{
	h->moves = g->kind->fill == FILL_MOVABLE ||
		   (g->kind->fill == FILL_RECORDED && h->mobility == POTAD_MOVABLE);
	if (g->type)
		h->held = hold_block(g, h);
	else if (is_potad(g))
		h->held = hold_potad(g, h);
	else if (h->moves)
		h->held = hold_movable(g, h);
	else if (is_area(g))
		h->held = hold_cma(g, h);
	else
		h->held = hold_native(g, h);
	return h->held;
}

/* Takes one out again. */
void potad_ground_drop(struct potad_ground *g, struct potad_holding *h)
{
	h->held = false;
	if (g->type)
		drop_block(h);
	else if (is_potad(g))
		potad_cache_free(g->kit->cache, h->granule, granule_order(g->kit, h->order),
				 h->mobility);
	else if (h->moves)
		drop_pages(g, h->index, 1UL << h->order);
	else if (is_area(g))
		cma_give(g->cma, h->page, 1UL << h->order);
	else
		__free_pages(h->page, h->order);
}

/* Pages may have been moved: sets @h->within anew. */
void potad_ground_look(struct potad_ground *g, struct potad_holding *h)
{
	unsigned long i;
	struct page *page;

	if (!h->moves || is_potad(g))
		return;
	h->within = 0;
	for (i = 0; i < 1UL << h->order; i++) {
		page = get_page_at(g, h->index + i);
		if (IS_ERR(page))
			continue;
		h->within += has_page(g, page);
		put_page(page);
	}
}

/* For the oracle: the pages that nobody can move. */
void potad_ground_mark(const struct potad_ground *g, const struct potad_holding *h,
		       unsigned long *taken)
{
	unsigned long first, i;

	if (h->moves)
		return;
	if (is_potad(g))
		first = h->granule >> (PAGE_SHIFT - g->kit->pool->granule_shift);
	else
		first = page_to_pfn(h->page) - first_pfn(g);
	for (i = 0; i < 1UL << h->order; i++)
		if (first + i < g->pages)
			__set_bit(first + i, taken);
}

/* Runs ---------------------------------------------------------------------- */

static int ask_potad(struct potad_ground *g, u64 bytes, u64 align,
		     struct potad_adjacent *adjacent)
{
	*adjacent = (struct potad_adjacent){ .bytes = bytes, .align = align };
	return potad_run_alloc(g->kit->pool, adjacent);
}

/* Of the pool, with what CPUs keep at hand. */
static u64 pool_free(struct potad_pool *pool)
{
	struct potad_space_stat *stat = kmalloc_obj(*stat, GFP_KERNEL);
	u64 cached, granules = 0;

	if (stat) {
		potad_pool_stat(pool, stat, &cached);
		granules = stat->free;
	}
	kfree(stat);
	return granules << pool->granule_shift;
}

/* Where there is no run one is made, if that can be: there must be as much free. */
static int ask_evacuated(struct potad_ground *g, u64 bytes, u64 align,
			 struct potad_adjacent *adjacent)
{
	u64 end = g->start + ((u64)g->pages << PAGE_SHIFT), step = max(bytes, align), at;
	int err = ask_potad(g, bytes, align, adjacent);

	if (err == -ENOSPC && pool_free(g->kit->pool) < bytes)
		return err;
	for (at = ALIGN(g->start, step); err == -ENOSPC && at + bytes <= end; at += step) {
		if (fatal_signal_pending(current))
			break;
		if (potad_evacuate(g->kit->pool, at, bytes, NULL, NULL))
			continue;
		*adjacent = (struct potad_adjacent){
			.bytes = bytes, .align = align, .min = at, .max = at + bytes - 1,
		};
		err = potad_run_alloc(g->kit->pool, adjacent);
	}
	return err;
}

static struct page *ask_range(struct potad_ground *g, unsigned long pages, u64 step)
{
	unsigned long base = first_pfn(g), end = base + g->pages, pfn;

	for (pfn = ALIGN(base, step); pfn + pages <= end; pfn += step) {
		if (!alloc_contig_range(pfn, pfn + pages, POTAD_CONTIG_KIND,
					GFP_KERNEL | __GFP_NOWARN))
			return pfn_to_page(pfn);
		cond_resched();
		if (fatal_signal_pending(current))
			break;
	}
	return NULL;
}

/**
 * potad_ground_ask() - ask for a run
 * @g: the ground
 * @bytes: how long it shall be, a power of two of pages
 * @align: of what its address shall be a multiple, the same
 * @run: set to what was had
 *
 * Context: Process context; may sleep, and moves what can be moved.
 * Return: 0; -ENOSPC: there is none; -EINVAL: the ground does not begin at a multiple of
 * @align; -ENOMEM.
 */
int potad_ground_ask(struct potad_ground *g, u64 bytes, u64 align,
		     union potad_ground_run *run)
{
	unsigned long pages = bytes >> PAGE_SHIFT;

	if (g->type)
		return ask_evacuated(g, bytes, align, &run->adjacent);
	if (is_potad(g))
		return ask_potad(g, bytes, align, &run->adjacent);
	if (is_area(g))
		run->page = cma_take(g->cma, pages, ilog2(align >> PAGE_SHIFT));
	else
		run->page = ask_range(g, pages, max(bytes, align) >> PAGE_SHIFT);
	return run->page ? 0 : -ENOSPC;
}

/* Gives it back.  Returns 0, or what potad_run_free() says. */
int potad_ground_give(struct potad_ground *g, u64 bytes, union potad_ground_run *run)
{
	if (is_potad(g))
		return potad_run_free(g->kit->pool, &run->adjacent);
	if (is_area(g))
		cma_give(g->cma, run->page, bytes >> PAGE_SHIFT);
	else
		free_contig_range(page_to_pfn(run->page), bytes >> PAGE_SHIFT);
	return 0;
}

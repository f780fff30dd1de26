// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that a driver holds, in a kernel without potad, and fails.
 *
 * What a driver can have: a page, a large block, a small object.  Of each, memory in
 * its midst is reported to memory_failure() as a machine check would report it; then
 * the driver gives it back, and all there is of that kind is asked for until what has
 * failed turns up again, or nothing is left.  On load one line for each in the log:
 *
 *	held: KIND BYTES REPLY AGAIN
 *
 * REPLY is what memory_failure() returned; AGAIN is 1 if the failed page was handed out
 * again.  There is nobody who could be told: a page says nothing about who has it.
 */
#define pr_fmt(fmt) "held: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#define LARGE	9
#define OBJECT	512

/* All that is found is kept in a list through its first word, until all is found. */
struct found {
	struct found	*next;
};

static void *take(int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;

	if (order < 0)
		return kmalloc(OBJECT, gfp);
	page = alloc_pages(gfp | __GFP_COMP, order);
	return page ? page_address(page) : NULL;
}

static void give(void *p, int order)
{
	if (order < 0)
		kfree(p);
	else
		free_pages((unsigned long)p, order);
}

static unsigned long size_of(int order)
{
	return order < 0 ? OBJECT : PAGE_SIZE << order;
}

/* Is page @pfn (of objects: what was at @was) handed out again? */
static bool comes_again(int order, unsigned long pfn, const void *was)
{
	struct found *all = NULL, *one;
	unsigned long first;
	bool again = false;

	while (!again && (one = take(order))) {
		first = page_to_pfn(virt_to_page(one));
		again = order < 0 ? one == was : pfn - first < 1UL << order;
		one->next = all;
		all = one;
	}
	while ((one = all)) {
		all = one->next;
		give(one, order);
	}
	return again;
}

static int __init let_fail(const char *kind, int order)
{
	void *p = take(order);
	unsigned long pfn;
	int reply;

	if (!p)
		return -ENOMEM;
	memset(p, 0xa5, size_of(order));
	pfn = page_to_pfn(virt_to_page((char *)p + size_of(order) / 2));
	reply = memory_failure(pfn, 0);
	give(p, order);
	pr_info("%s %lu %d %d\n", kind, size_of(order), reply, comes_again(order, pfn, p));
	return 0;
}

static int __init held_init(void)
{
	return let_fail("object", -1) ?: let_fail("page", 0) ?: let_fail("large", LARGE);
}
module_init(held_init);

static void __exit held_exit(void)
{
}
module_exit(held_exit);

MODULE_DESCRIPTION("What becomes of failed memory that a driver holds");
MODULE_AUTHOR("The potad developers");
MODULE_LICENSE("GPL");

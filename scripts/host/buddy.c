// SPDX-License-Identifier: GPL-2.0
/*
 * The textbook's buddy allocator.  Told in buddy.h.
 */
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "buddy.h"

#define NONE			U32_MAX
#define CPU_ORDERS		4	/* that CPUs have lists of */
#define CPU_BATCH		64	/* pages moved at once */
#define CPU_HIGH		256	/* pages that a CPU keeps at most */

struct page {
	u32	next, prev;
	u8	order;
	u8	free;		/* first page of a free block */
};

struct cpu_list {
	u32	nr;
	u32	block[CPU_HIGH];
} __aligned(64);

struct buddy {
	raw_spinlock_t	lock;	/* protects @page and @head */
	u32		nr;
	u32		head[BUDDY_MAX_ORDER + 1];
	struct page	*page;
	struct cpu_list	cpu[POTAD_HOST_CPUS][CPU_ORDERS];
};

static void list_push(struct buddy *b, u32 page, unsigned int order)
{
	u32 head = b->head[order];

	b->page[page] = (struct page){ head, NONE, order, 1 };
	if (head != NONE)
		b->page[head].prev = page;
	b->head[order] = page;
}

static void list_remove(struct buddy *b, u32 page)
{
	struct page *p = &b->page[page];

	if (p->prev == NONE)
		b->head[p->order] = p->next;
	else
		b->page[p->prev].next = p->next;
	if (p->next != NONE)
		b->page[p->next].prev = p->prev;
	p->free = 0;
}

static u32 take(struct buddy *b, unsigned int order)
{
	unsigned int k = order;
	u32 page;

	while (k <= BUDDY_MAX_ORDER && b->head[k] == NONE)
		k++;
	if (k > BUDDY_MAX_ORDER)
		return NONE;
	page = b->head[k];
	list_remove(b, page);
	while (k-- > order)
		list_push(b, page + (1U << k), k);
	return page;
}

static void give(struct buddy *b, u32 page, unsigned int order)
{
	while (order < BUDDY_MAX_ORDER) {
		u32 other = page ^ (1U << order);

		if (other >= b->nr || !b->page[other].free ||
		    b->page[other].order != order)
			break;
		list_remove(b, other);
		page &= ~(1U << order);
		order++;
	}
	list_push(b, page, order);
}

u64 buddy_alloc(struct buddy *b, unsigned int order)
{
	struct cpu_list *list;
	unsigned long flags;
	u32 page;

	if (order > BUDDY_MAX_ORDER)
		return BUDDY_NOWHERE;
	if (order < CPU_ORDERS) {
		preempt_disable();
		list = &b->cpu[smp_processor_id()][order];
		if (!list->nr) {
			raw_spin_lock_irqsave(&b->lock, flags);
			while (list->nr < CPU_BATCH >> order) {
				page = take(b, order);
				if (page == NONE)
					break;
				list->block[list->nr++] = page;
			}
			raw_spin_unlock_irqrestore(&b->lock, flags);
		}
		page = list->nr ? list->block[--list->nr] : NONE;
		preempt_enable();
	} else {
		raw_spin_lock_irqsave(&b->lock, flags);
		page = take(b, order);
		raw_spin_unlock_irqrestore(&b->lock, flags);
	}
	return page == NONE ? BUDDY_NOWHERE : page;
}

/* Gives the @nr oldest blocks of a list back. */
static void drain(struct buddy *b, struct cpu_list *list, unsigned int order,
		  u32 nr)
{
	unsigned long flags;
	u32 i;

	raw_spin_lock_irqsave(&b->lock, flags);
	for (i = 0; i < nr; i++)
		give(b, list->block[i], order);
	raw_spin_unlock_irqrestore(&b->lock, flags);
	list->nr -= nr;
	memmove(list->block, list->block + nr, list->nr * sizeof(u32));
}

void buddy_free(struct buddy *b, u64 page, unsigned int order)
{
	struct cpu_list *list;
	unsigned long flags;

	if (order < CPU_ORDERS) {
		preempt_disable();
		list = &b->cpu[smp_processor_id()][order];
		if (list->nr == CPU_HIGH >> order)
			drain(b, list, order, CPU_BATCH >> order);
		list->block[list->nr++] = page;
		preempt_enable();
	} else {
		raw_spin_lock_irqsave(&b->lock, flags);
		give(b, page, order);
		raw_spin_unlock_irqrestore(&b->lock, flags);
	}
}

void buddy_drain(struct buddy *b)
{
	unsigned int k;

	for (k = 0; k < CPU_ORDERS; k++) {
		struct cpu_list *list = &b->cpu[smp_processor_id()][k];

		drain(b, list, k, list->nr);
	}
}

struct buddy *buddy_create(u64 pages)
{
	struct buddy *b = aligned_alloc(64, sizeof(*b));
	unsigned int k;
	u32 page;

	if (!b || pages >= NONE)
		abort();
	memset(b, 0, sizeof(*b));
	b->nr = pages;
	b->page = calloc(pages, sizeof(*b->page));
	if (!b->page)
		abort();
	for (k = 0; k <= BUDDY_MAX_ORDER; k++)
		b->head[k] = NONE;
	/* The last first: so that the lowest is at the head of its list. */
	for (page = pages; page;) {
		for (k = BUDDY_MAX_ORDER; page & ((1U << k) - 1); k--)
			;
		while (1U << k > page)
			k--;
		page -= 1U << k;
		list_push(b, page, k);
	}
	return b;
}

void buddy_destroy(struct buddy *b)
{
	free(b->page);
	free(b);
}

// SPDX-License-Identifier: GPL-2.0
/* A list buddy; what it is for is told in buddy.h. */
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "buddy.h"
#include "common.h"

struct potad_buddy *potad_buddy_create(struct kunit *test, u64 first, u64 nr)
{
	struct potad_buddy *b = potad_test_memory(test, sizeof(*b));

	b->first = first;
	b->nr = nr;
	b->link = potad_test_memory(test, nr * sizeof(*b->link));
	return b;
}

static void list_in(struct potad_buddy *b, u64 granule, unsigned int order)
{
	u32 i = granule - b->first;
	u32 next = b->head[order];

	b->link[i].order = order + 1;
	b->link[i].prev = 0;
	b->link[i].next = next;
	if (next)
		b->link[next - 1].prev = i + 1;
	b->head[order] = i + 1;
	b->blocks[order]++;
	b->free += 1ULL << order;
}

static void list_out(struct potad_buddy *b, u64 granule, unsigned int order)
{
	struct potad_buddy_link *link = &b->link[granule - b->first];

	if (link->prev)
		b->link[link->prev - 1].next = link->next;
	else
		b->head[order] = link->next;
	if (link->next)
		b->link[link->next - 1].prev = link->prev;
	link->order = 0;
	b->blocks[order]--;
	b->free -= 1ULL << order;
}

/* Is there a free block of just this order, just here? */
static bool is_listed(const struct potad_buddy *b, u64 granule, unsigned int order)
{
	return granule >= b->first && granule - b->first < b->nr &&
	       b->link[granule - b->first].order == order + 1;
}

void potad_buddy_empty(struct potad_buddy *b)
{
	memset(b->link, 0, b->nr * sizeof(*b->link));
	memset(b->head, 0, sizeof(b->head));
	memset(b->blocks, 0, sizeof(b->blocks));
	b->free = 0;
}

void potad_buddy_fill(struct potad_buddy *b)
{
	u64 granule = b->first, left = b->nr;
	unsigned int order;

	potad_buddy_empty(b);
	while (left) {
		order = fls64(left) - 1;
		if (granule)
			order = min_t(unsigned int, order, __ffs64(granule));
		order = min_t(unsigned int, order, POTAD_MAX_ORDER);
		list_in(b, granule, order);
		granule += 1ULL << order;
		left -= 1ULL << order;
	}
}

bool potad_buddy_take(struct potad_buddy *b, u64 granule, unsigned int order)
{
	unsigned int k;
	u64 first = 0;

	for (k = order; k <= POTAD_MAX_ORDER; k++) {
		first = granule & ~((1ULL << k) - 1);
		if (is_listed(b, first, k))
			break;
	}
	if (k > POTAD_MAX_ORDER)
		return false;
	list_out(b, first, k);
	while (k-- > order) {
		u64 half = first + (1ULL << k);

		if (granule < half) {
			list_in(b, half, k);
		} else {
			list_in(b, first, k);
			first = half;
		}
	}
	return true;
}

void potad_buddy_give(struct potad_buddy *b, u64 granule, unsigned int order)
{
	u64 other;

	while (order < POTAD_MAX_ORDER) {
		other = granule ^ (1ULL << order);
		if (!is_listed(b, other, order))
			break;
		list_out(b, other, order);
		granule &= ~(1ULL << order);
		order++;
	}
	list_in(b, granule, order);
}

int potad_buddy_largest(const struct potad_buddy *b)
{
	int order = POTAD_MAX_ORDER;

	while (order >= 0 && !b->blocks[order])
		order--;
	return order;
}

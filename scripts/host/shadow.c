// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow's map: a byte a granule.  Told in shadow.h.
 */
#include <linux/atomic.h>
#include <linux/types.h>

#include "shadow.h"

struct potad_shadow *potad_shadow_create(u64 granules)
{
	struct potad_shadow *shadow = calloc(1, sizeof(*shadow));

	if (!shadow)
		abort();
	shadow->nr = granules;
	shadow->owner = calloc(granules, 1);
	if (!shadow->owner)
		abort();
	return shadow;
}

void potad_shadow_destroy(struct potad_shadow *shadow)
{
	free(shadow->owner);
	free(shadow);
}

/* All of these granules were @from's, and are @to's. */
static bool change(struct potad_shadow *shadow, u64 first, u64 nr, u8 from,
		   u8 to)
{
	bool right = first + nr <= shadow->nr && first + nr >= first;
	u64 i;

	for (i = first; right && i < first + nr; i++)
		right = __atomic_exchange_n(&shadow->owner[i], to,
					    __ATOMIC_RELAXED) == from;
	return right;
}

void potad_shadow_take(struct potad_shadow *shadow, u64 first, u64 nr, u8 owner)
{
	if (!change(shadow, first, nr, 0, owner))
		__atomic_fetch_add(&shadow->overlap, 1, __ATOMIC_RELAXED);
}

void potad_shadow_give(struct potad_shadow *shadow, u64 first, u64 nr, u8 owner)
{
	if (!change(shadow, first, nr, owner, 0))
		__atomic_fetch_add(&shadow->loss, 1, __ATOMIC_RELAXED);
}

void potad_shadow_hide(struct potad_shadow *shadow, u64 first, u64 nr, bool hide)
{
	memset(shadow->owner + first, hide ? POTAD_SHADOW_NOT_THERE : 0, nr);
}

/* Of the granules from @first on, how many in a row nobody has. */
static u64 stretch(const struct potad_shadow *shadow, u64 first, u64 nr)
{
	u64 i = 0, word;

	if (first + nr > shadow->nr)
		return 0;
	while (i + 8 <= nr) {
		memcpy(&word, shadow->owner + first + i, 8);
		if (word)
			break;
		i += 8;
	}
	while (i < nr && !shadow->owner[first + i])
		i++;
	return i;
}

u64 potad_shadow_find(const struct potad_shadow *shadow, unsigned int order)
{
	u64 first, nr = 1ULL << order;

	for (first = 0; first + nr <= shadow->nr; first += nr)
		if (stretch(shadow, first, nr) == nr)
			return first;
	return U64_MAX;
}

u64 potad_shadow_whole(const struct potad_shadow *shadow, unsigned int order)
{
	u64 first, sum = 0, nr = 1ULL << order;

	for (first = 0; first + nr <= shadow->nr; first += nr)
		sum += stretch(shadow, first, nr) == nr;
	return sum;
}

u64 potad_shadow_free(const struct potad_shadow *shadow)
{
	u64 i, sum = 0;

	for (i = 0; i < shadow->nr; i++)
		sum += !shadow->owner[i];
	return sum;
}

bool potad_shadow_report(const struct potad_shadow *shadow, const char *name)
{
	bool well = !shadow->overlap && !shadow->loss && !shadow->spurious;

	printf("check: %s: overlap %llu, loss %llu, spurious failure %llu (of %llu refused): %s\n",
	       name, shadow->overlap, shadow->loss, shadow->spurious,
	       shadow->refused, well ? "ok" : "WRONG");
	return well;
}

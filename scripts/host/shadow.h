/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow: who has which granule, written down beside the space.
 *
 * One byte for each granule, set when it is handed out and cleared before it
 * is given back, by whoever has it.  It knows nothing of how the space works,
 * and so can tell when that is wrong:
 *
 * - overlap: handed out while somebody has it;
 * - loss: given back by somebody who does not have it (who lost it, and to
 *   whom?), or missing in the end, when the space is asked what is free;
 * - spurious: a request refused though there is such a block.
 *
 * Several threads may use it.  Whether a refusal was spurious can be said if
 * nobody gave anything back meanwhile: what is free after the call was so all the
 * time.  potad_shadow_freed() counts, before and after each free; and the shadow
 * is only looked at while all others stand still.
 */
#ifndef POTAD_HOST_SHADOW_H
#define POTAD_HOST_SHADOW_H

#include <linux/atomic.h>
#include <linux/types.h>

struct potad_shadow {
	u64		nr;
	u8		*owner;		/* 0: nobody; NOT_THERE: never */
	u64		overlap;
	u64		loss;
	u64		spurious;
	u64		refused;	/* in all, spurious or not */
	u64		frees;		/* begun and done, both counted */
};

#define POTAD_SHADOW_NOT_THERE	0xff

struct potad_shadow *potad_shadow_create(u64 granules);
void potad_shadow_destroy(struct potad_shadow *shadow);

/* @nr granules from @first on went to @owner (1..254), or come back from him. */
void potad_shadow_take(struct potad_shadow *shadow, u64 first, u64 nr, u8 owner);
void potad_shadow_give(struct potad_shadow *shadow, u64 first, u64 nr, u8 owner);
/* They are not part of the space, or are again. */
void potad_shadow_hide(struct potad_shadow *shadow, u64 first, u64 nr, bool hide);

static inline u64 potad_shadow_freed(struct potad_shadow *shadow)
{
	return __atomic_load_n(&shadow->frees, __ATOMIC_SEQ_CST);
}

static inline void potad_shadow_count_free(struct potad_shadow *shadow)
{
	__atomic_fetch_add(&shadow->frees, 1, __ATOMIC_SEQ_CST);
}

/* An aligned block of that order that nobody has?  U64_MAX: there is none. */
u64 potad_shadow_find(const struct potad_shadow *shadow, unsigned int order);
/* How many of the aligned blocks of that order nobody has anything of. */
u64 potad_shadow_whole(const struct potad_shadow *shadow, unsigned int order);
u64 potad_shadow_free(const struct potad_shadow *shadow);

/* Prints the three counts; is all well? */
bool potad_shadow_report(const struct potad_shadow *shadow, const char *name);

#endif /* POTAD_HOST_SHADOW_H */

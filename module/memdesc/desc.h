/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A descriptor's header: which block it describes, and how long it lives.
 *
 *	life    MSB 63                      32 31                    1   0
 *	            [ generation              | references of others  | own ]
 *	place   MSB 63                      20 19    14 13     8  7 .. 5   4   0
 *	            [ address >> 9            | granule | order  | flags | type ]
 *
 * @own is the reference of whoever allocated the block: it is a bit of its own,
 * so that to give it up twice is noticed.  No reference at all means that the
 * block is in stock, or on its way there or from there; or, with flag COMING, that it
 * is only being made or unmade.  The generation
 * is counted up each time that the block is handed out, and begins anywhere.
 * Together with the references it is one word, so that a handle of an earlier
 * generation can never give up the reference of a later one.
 *
 * What describes a further block of a descriptor (flag PART) begins with the
 * same header, and has no life of its own.
 *
 * Descriptors are typesafe: whoever finds one under rcu_read_lock() may look at
 * its header.  It is one of that type, though perhaps no longer of that block:
 * take a reference unless there is none, and then look whether it is the right
 * place.  @place is written by who has the block alone, or by who moves it.
 *
 * @desc: a descriptor, @place: what its place was when it was read.
 */
#ifndef POTAD_MEMDESC_DESC_H
#define POTAD_MEMDESC_DESC_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/list.h>

#include "../include/potad.h"

#define POTAD_LIFE_OWN		1ULL
#define POTAD_LIFE_REF		2ULL
#define POTAD_LIFE_MASK		0xffffffffULL
#define POTAD_LIFE_NEXT		BIT_ULL(32)

#define POTAD_PLACE_TYPE	0x1fULL
#define POTAD_PLACE_COMING	BIT_ULL(5)
#define POTAD_PLACE_PART	BIT_ULL(6)
#define POTAD_PLACE_MOVING	BIT_ULL(7)
#define POTAD_PLACE_FLAGS	(7ULL << 5)
#define POTAD_PLACE_ORDER	8
#define POTAD_PLACE_GRANULE	14
#define POTAD_PLACE_ADDRESS	20

/* Addresses are below this. */
#define POTAD_PLACE_PHYS_END	(1ULL << (64 - POTAD_PLACE_ADDRESS + 9))

static_assert(sizeof(struct potad_desc) == 16);

/* A further block of a descriptor; typesafe, too. */
struct potad_part {
	struct potad_desc	head;
	struct potad_desc	*desc;		/* whose it is */
	struct list_head	list;		/* all of its parts */
} __aligned(16);

static inline u64 potad_place(phys_addr_t phys, unsigned int granule_shift,
			      unsigned int order, unsigned int type)
{
	return (u64)phys >> 9 << POTAD_PLACE_ADDRESS |
	       (u64)granule_shift << POTAD_PLACE_GRANULE |
	       (u64)order << POTAD_PLACE_ORDER | type;
}

static inline phys_addr_t potad_place_phys(u64 place)
{
	return place >> POTAD_PLACE_ADDRESS << 9;
}

static inline unsigned int potad_place_order(u64 place)
{
	return place >> POTAD_PLACE_ORDER & 0x3f;
}

/* Of the block in bytes, as a power of two. */
static inline unsigned int potad_place_shift(u64 place)
{
	return potad_place_order(place) + (place >> POTAD_PLACE_GRANULE & 0x3f);
}

/* The number of its type. */
static inline unsigned int potad_place_type(u64 place)
{
	return place & POTAD_PLACE_TYPE;
}

/* Is it, but for flags, what potad_place() makes of these?  Any @phys will do. */
static inline bool potad_place_is(u64 place, phys_addr_t phys, unsigned int granule_shift,
				  unsigned int order, unsigned int type)
{
	u64 same = (u64)phys << (POTAD_PLACE_ADDRESS - 9) |
		   (u64)granule_shift << POTAD_PLACE_GRANULE |
		   (u64)order << POTAD_PLACE_ORDER | type;

	return !((place ^ same) & ~POTAD_PLACE_FLAGS);
}

static inline bool potad_place_has(u64 place, phys_addr_t phys)
{
	return !((potad_place_phys(place) ^ phys) >> potad_place_shift(place));
}

/* The block is handed out: from now on it can be found.  Returns the generation. */
static inline u32 potad_desc_born(struct potad_desc *desc)
{
	u64 life = (atomic64_read(&desc->life) & ~POTAD_LIFE_MASK) + POTAD_LIFE_NEXT;

	/* With all that was written to it; nobody else writes where there is no reference. */
	atomic64_set_release(&desc->life, life | POTAD_LIFE_OWN);
	return life >> 32;
}

static inline u32 potad_desc_generation(const struct potad_desc *desc)
{
	return (u64)atomic64_read(&desc->life) >> 32;
}

/* One more reference, unless there is none. */
static inline bool potad_desc_get(struct potad_desc *desc)
{
	s64 life = atomic64_read(&desc->life);

	do {
		u64 refs = life & POTAD_LIFE_MASK;

		/* Rather none than one too many: nobody has two billion. */
		if (!refs || WARN_ON_ONCE(refs >= POTAD_LIFE_MASK - POTAD_LIFE_REF))
			return false;
	} while (!atomic64_try_cmpxchg(&desc->life, &life, life + POTAD_LIFE_REF));
	return true;
}

/* A reference of potad_desc_get() goes; true if it was the last of all. */
static inline bool potad_desc_put(struct potad_desc *desc)
{
	u64 life = atomic64_fetch_sub(POTAD_LIFE_REF, &desc->life);

	if (WARN_ON_ONCE((life & POTAD_LIFE_MASK) < POTAD_LIFE_REF)) {
		atomic64_add(POTAD_LIFE_REF, &desc->life);
		return false;
	}
	return (life & POTAD_LIFE_MASK) == POTAD_LIFE_REF;
}

/*
 * The reference of whoever allocated goes.  Returns 1 if it was the last of all,
 * 0 if not, -ENOENT if it was given up before.
 */
static __always_inline int potad_desc_give_up(struct potad_desc *desc, u32 generation)
{
	s64 life = (u64)generation << 32 | POTAD_LIFE_OWN;

	if (likely(atomic64_try_cmpxchg(&desc->life, &life, life - POTAD_LIFE_OWN)))
		return 1;
	do {
		if ((u64)life >> 32 != generation || !(life & POTAD_LIFE_OWN))
			return -ENOENT;
	} while (!atomic64_try_cmpxchg(&desc->life, &life, life - POTAD_LIFE_OWN));
	return (life & POTAD_LIFE_MASK) == POTAD_LIFE_OWN;
}

#endif /* POTAD_MEMDESC_DESC_H */

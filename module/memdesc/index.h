/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An index: from a granule to the word of the block that it lies in.
 *
 * Of the three kinds an index is one, chosen when it is made:
 *
 *	words	the table of word.h: the one to use
 *	maple	the kernel's maple tree (maple.h)
 *	xarray	the kernel's XArray, with entries of several indexes (xarray.h)
 *
 * What holds for all of them:
 *
 *	- The words of a block are set all or none; what cannot be set for lack of
 *	  memory has changed nothing.
 *	- Clearing never takes memory.  Of several who clear the same word, one succeeds.
 *	- Finding takes no lock.  The answer may be old by the time it is there.
 *	- Blocks do not overlap: a block's words are cleared before another block
 *	  with any of its granules is set.
 *
 * A word has a tag of 2 .. 15 (word.h), and is an address or below 2^62.
 */
#ifndef POTAD_MEMDESC_INDEX_H
#define POTAD_MEMDESC_INDEX_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "maple.h"
#include "word.h"
#include "xarray.h"

enum potad_index_kind {
	POTAD_INDEX_WORDS,
	POTAD_INDEX_MAPLE,
	POTAD_INDEX_XARRAY,
};

#define POTAD_INDEX_KINDS	(POTAD_INDEX_XARRAY + 1)

/* What a lookup in words needs of it is in one line. */
struct potad_index {
	enum potad_index_kind		kind;		/* constant after init */
	union {
		struct potad_words	words;
		struct potad_maple	maple;
		struct potad_xarray	xarray;
	};
} __aligned(64);
static_assert(offsetof(struct potad_index, words) + sizeof(struct potad_words) <= 64);

int potad_index_kind(const char *name, enum potad_index_kind *kind);

int potad_index_init(struct potad_index *x, enum potad_index_kind kind,
		     u64 granules, unsigned int frame_shift);
void potad_index_exit(struct potad_index *x);

int potad_index_set(struct potad_index *x, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp);
bool potad_index_clear(struct potad_index *x, u64 first, unsigned int order,
		       unsigned long word);

u64 potad_index_bytes(struct potad_index *x);
const char *potad_index_validate(struct potad_index *x);

unsigned long potad_index_find_other(struct potad_index *x, u64 granule);

/**
 * potad_index_find() - the word of the block that a granule lies in
 * @x: the index
 * @granule: inside the range
 *
 * Context: Any, NMI too; under rcu_read_lock().
 * Return: a word with a tag of 2 .. 15, or 0.
 */
static __always_inline unsigned long potad_index_find(struct potad_index *x,
						      u64 granule)
{
	if (likely(x->kind == POTAD_INDEX_WORDS))
		return potad_words_find(&x->words, granule);
	return potad_index_find_other(x, granule);
}

#endif /* POTAD_MEMDESC_INDEX_H */

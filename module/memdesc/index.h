/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An index: from a granule to the word of the block that it is in.
 *
 *	words     a word for each page, in levels               word.h
 *	maple     a maple tree of ranges                        maple.c
 *	xarray    an XArray of entries over several indexes     xarray.c
 *
 * Three answers to one question ("is the maple tree fast enough?", Matthew
 * Wilcox), behind one interface, to be chosen when a pool is made.  What a word says
 * is told in word.h, and is the same for all.
 *
 * What they have in common: to set may need memory, and then may fail, and leaves
 * everything as it was; to clear needs none, and never fails, from any context but
 * NMI; to find takes no lock.  Blocks are written by who owns them, and never
 * overlap.
 *
 * Trees have rules of their own for the last two bits of what is in them.  There a
 * word is kept as (word << 1 | 1), and comes back by an arithmetic shift: of a
 * kernel's address the two topmost bits are the same, and of other words they are 0.
 */
#ifndef POTAD_MEMDESC_INDEX_H
#define POTAD_MEMDESC_INDEX_H

#include <linux/build_bug.h>
#include <linux/maple_tree.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/xarray.h>

#include "word.h"

enum potad_index_kind {
	POTAD_INDEX_WORDS,
	POTAD_INDEX_MAPLE,
	POTAD_INDEX_XARRAY,
};

#define POTAD_INDEX_KINDS	3

struct potad_maple {
	struct maple_tree tree;
	spinlock_t	lock;		/* protects @tree; irqs off */
};

/* What a lookup in words needs of it is in one line. */
struct potad_index {
	enum potad_index_kind kind;	/* constant, as what is chosen by it */
	union {
		struct potad_words words;
		struct potad_maple maple;
		struct xarray	xarray;
	};
} __aligned(64);
static_assert(offsetofend(struct potad_index, words) <= 64);

static inline void *potad_tree_entry(unsigned long word)
{
	return (void *)(word << 1 | 1);
}

static inline unsigned long potad_tree_word(const void *entry)
{
	return (long)entry >> 1;
}

void potad_maple_init(struct potad_maple *m);
void potad_maple_exit(struct potad_maple *m);
int potad_maple_set(struct potad_maple *m, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp);
bool potad_maple_clear(struct potad_maple *m, u64 first, unsigned int order,
		       unsigned long word);
int potad_maple_erase(struct potad_maple *m, u64 first);
unsigned long potad_maple_find(struct potad_maple *m, u64 granule);
u64 potad_maple_bytes(struct potad_maple *m);

int potad_xarray_init(struct xarray *xa);
void potad_xarray_exit(struct xarray *xa);
int potad_xarray_set(struct xarray *xa, u64 first, unsigned int order,
		     unsigned long word, gfp_t gfp);
bool potad_xarray_clear(struct xarray *xa, u64 first, unsigned int order,
			unsigned long word);
unsigned long potad_xarray_find(struct xarray *xa, u64 granule);
u64 potad_xarray_bytes(struct xarray *xa);

int potad_index_init(struct potad_index *x, enum potad_index_kind kind, u64 granules,
		     unsigned int frame_shift);
void potad_index_exit(struct potad_index *x);
int potad_index_set(struct potad_index *x, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp);
bool potad_index_clear(struct potad_index *x, u64 first, unsigned int order,
		       unsigned long word);
u64 potad_index_bytes(struct potad_index *x);
const char *potad_index_name(enum potad_index_kind kind);
int potad_index_by_name(const char *name, enum potad_index_kind *kind);

/**
 * potad_index_find() - the word for a granule
 * @x: the index
 * @granule: inside the range
 *
 * The answer may be old by the time it is there: whoever uses it looks whether
 * the block it names has the granule in it.
 *
 * Context: Any, NMI too; under rcu_read_lock().
 * Return: a word with a tag of 2 .. 15, or 0.
 */
static __always_inline unsigned long potad_index_find(struct potad_index *x, u64 granule)
{
	if (likely(x->kind == POTAD_INDEX_WORDS))
		return potad_words_find(&x->words, granule);
	if (x->kind == POTAD_INDEX_MAPLE)
		return potad_maple_find(&x->maple, granule);
	return potad_xarray_find(&x->xarray, granule);
}

#endif /* POTAD_MEMDESC_INDEX_H */

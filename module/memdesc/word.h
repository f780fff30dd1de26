/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words: from an address to what describes it.
 *
 * One word for each frame, a frame being a page; a granule where that is
 * larger; eight granules where that is smaller:
 *
 *	bit 63                                          4   3      0
 *	    [ address of the descriptor, 16-byte aligned | tag      ]  type 2..15
 *	bit 63                                   10   9  4  3      0
 *	    [ generation of the block              | order | tag    ]  the same, of
 *	                                             a type without descriptors
 *	    [ address of a line of eight words           | 1        ]  a page cut
 *	                                             into blocks smaller than it
 *	    [ 0                                          | 0        ]  no type here:
 *	                                             free, quarantined, bare, or
 *	                                             look one level up
 *
 * So that a big block does not cost a word for each page, there are levels 9
 * orders apart: a block of 2^p frames has 2^(p mod 9) words, all alike, at
 * level p / 9.  That is one word for a page, for 2 MiB and for 1 GiB, and 256
 * at the most (but for blocks of 512 GiB and up, the highest level being 2).  A
 * lookup tries level 0 first.
 *
 * All words of a block are set or none: whatever memory it takes (the line of
 * a page cut for the first time) is had before, by potad_words_prepare().
 *
 * Words are read without a lock, under rcu_read_lock(): lines are
 * SLAB_TYPESAFE_BY_RCU, and whoever reads looks whether the block that the word
 * names has the address in it.  They are written by whoever owns the block.
 * Only a line has several owners; it is under a lock hashed from its frame.
 */
#ifndef POTAD_MEMDESC_WORD_H
#define POTAD_MEMDESC_WORD_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "type.h"

#define POTAD_TAG_MASK		0xfUL
#define POTAD_TAG_NONE		0
#define POTAD_TAG_LINE		1
#define POTAD_TAG_TYPE		2	/* the first of POTAD_MAX_TYPES */

#define POTAD_WORD_LEVELS	3
#define POTAD_WORD_SHIFT	9
#define POTAD_LINE_WORDS	8
#define POTAD_WORD_LOCKS	64

static_assert(POTAD_TAG_TYPE + POTAD_MAX_TYPES == POTAD_TAG_MASK + 1);
static_assert(__alignof__(struct potad_desc) > POTAD_TAG_MASK);

struct potad_line {
	unsigned long	word[POTAD_LINE_WORDS];
} __aligned(64);

struct potad_words {
	unsigned long	*level[POTAD_WORD_LEVELS];
	u64		frames;
	unsigned int	frame_shift;	/* granules in a frame, as an order */
	atomic_long_t	nr_lines;
	struct {
		raw_spinlock_t lock;	/* protects lines of the frames that */
	} ____cacheline_aligned hash[POTAD_WORD_LOCKS]; /* hash to it */
};

static inline unsigned int potad_word_tag(unsigned long word)
{
	return word & POTAD_TAG_MASK;
}

static inline struct potad_desc *potad_word_desc(unsigned long word)
{
	return (struct potad_desc *)(word & ~POTAD_TAG_MASK);
}

/* For types without descriptors: blocks lie at multiples of their size. */
static inline unsigned long potad_word_inline(u32 generation, unsigned int order,
					      unsigned int tag)
{
	return (u64)generation << 10 | order << 4 | tag;
}

static inline u32 potad_word_generation(unsigned long word)
{
	return word >> 10;
}

static inline unsigned int potad_word_order(unsigned long word)
{
	return word >> 4 & 0x3f;
}

/* Of all pools. */
int potad_lines_init(void);
void potad_lines_exit(void);

int potad_words_init(struct potad_words *w, u64 granules,
		     unsigned int frame_shift);
void potad_words_exit(struct potad_words *w);
int potad_words_prepare(struct potad_words *w, u64 first, unsigned int order,
			gfp_t gfp, struct potad_line **line);
void potad_words_set(struct potad_words *w, u64 first, unsigned int order,
		     unsigned long word, struct potad_line *line);
bool potad_words_clear(struct potad_words *w, u64 first, unsigned int order,
		       unsigned long word);
unsigned long potad_words_find(struct potad_words *w, u64 granule);
u64 potad_words_bytes(struct potad_words *w);

#endif /* POTAD_MEMDESC_WORD_H */

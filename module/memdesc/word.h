/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words: from an address to what describes it.
 *
 * One word for each frame, a frame being a page; a granule where that is
 * larger; eight granules where that is smaller.  Its low four bits are a tag:
 *
 *	bit 63                                          4   3      0
 *	    [ address of the descriptor, 16-byte aligned | 2 .. 13  ]  of this type
 *	    [ the same                                   | 15       ]  of the type that
 *	                                             the descriptor's place names
 *	bit 63  47 46    42 41                   10   9  4  3      0
 *	    [ 0   | type   | generation of block  | order | 2 .. 14 ]  the same, of
 *	                                             types without descriptors
 *	    [ address of a line of eight words           | 1        ]  a page cut
 *	                                             into blocks smaller than it
 *	    [ 0                                          | 0        ]  no type here
 *
 * Four bits are what the alignment of a descriptor leaves.  The first twelve types have a
 * tag each; for whatever comes after them two tags say where the type's number is.
 *
 * What the words of a block look like:
 *
 *	of a type	each of its words is the same one, with the type's tag.
 *			There is no mark of first, interior and last: where the
 *			block begins is in its descriptor; if there is none, it is
 *			the granule rounded down to the order, as blocks lie at
 *			multiples of their size.
 *	cached		the same: in a stock a block keeps its words, so that to
 *			hand it out writes none.  Its descriptor says that it has
 *			no references; an inline word does not tell.
 *	sub-page	the frame's word leads to a line, in which each granule has
 *			its word by the rules of this list.  A line is a line only
 *			at level 0, and no word in one leads to another.
 *	free, bare,	0.  Which of them is for the space to say.  An allocated
 *	quarantined,	block that fails keeps its words as long as it lives: its
 *	a hole		owner has to be found.
 *	outside		there is none: ask for granules of the range only.
 *
 * So that a big block does not cost a word for each page, there are levels 9
 * orders apart: a block of 2^p frames has 2^(p mod 9) words, all alike, at
 * level p / 9.  That is one word for a page, for 2 MiB and for 1 GiB, and 256
 * at the most (but for blocks of 512 GiB and up, the highest level being 2).
 * Below and above them there is 0.  A lookup tries level 0 first: of a block
 * up to 1 MiB it reads one word, from 2 MiB on two, from 1 GiB on three.
 *
 * All words of a block are set or none: whatever memory it takes (the line of
 * a page cut for the first time) is had before the first is written.  Who
 * looks up while that goes on may find one half and not yet the other.
 *
 * A word of a type goes from 0 to a value and back to 0.  Whoever does the first owns
 * the memory; of several who do the other, one succeeds.
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
#define POTAD_TAG_TYPE		2	/* up to 13: the type's number */
#define POTAD_TAG_INLINE	14	/* that is in the word, without descriptor */
#define POTAD_TAG_DESC		15	/* that is in the descriptor's place */
#define POTAD_TAGS		14	/* from POTAD_TAG_TYPE on */

#define POTAD_WORD_LEVELS	3
#define POTAD_WORD_SHIFT	9
#define POTAD_LINE_WORDS	8
#define POTAD_WORD_LOCKS	64

static_assert(POTAD_TAG_TYPE + POTAD_TAGS == POTAD_TAG_MASK + 1);
static_assert(POTAD_TYPE_FIRST == POTAD_TAG_TYPE);
static_assert(__alignof__(struct potad_desc) > POTAD_TAG_MASK);

struct potad_line {
	unsigned long	word[POTAD_LINE_WORDS];
} __aligned(64);

/* Lines of the frames that hash to it. */
struct potad_words_hash {
	raw_spinlock_t	lock;		/* protects @lines, those lines, and the */
					/* words that lead to them		 */
	long		lines;
} ____cacheline_aligned;

/* Constant after init; all that a lookup needs is in one line, or less. */
struct potad_words {
	unsigned long		*level[POTAD_WORD_LEVELS];
	u64			frames;
	struct potad_words_hash	*hash;		/* POTAD_WORD_LOCKS */
	unsigned int		frame_shift;	/* granules in a frame, as an order */
};

static inline unsigned int potad_word_tag(unsigned long word)
{
	return word & POTAD_TAG_MASK;
}

static inline struct potad_desc *potad_word_desc(unsigned long word)
{
	return (struct potad_desc *)(word & ~POTAD_TAG_MASK);
}

/* The tag for words of the type with this number. */
static inline unsigned int potad_type_tag(unsigned int nr, bool has_desc)
{
	if (nr < POTAD_TAG_INLINE)
		return nr;
	return has_desc ? POTAD_TAG_DESC : POTAD_TAG_INLINE;
}

/* For types without descriptors: blocks lie at multiples of their size. */
static inline unsigned long potad_word_inline(u32 generation, unsigned int order,
					      unsigned int nr)
{
	return (u64)nr << 42 | (u64)generation << 10 | order << 4 | potad_type_tag(nr, false);
}

/*
 * The number of the type that a word is of, as it was found under rcu_read_lock(); 0 or 1
 * if it is of none, or the descriptor has gone.
 */
static inline unsigned int potad_word_type(unsigned long word)
{
	unsigned int tag = potad_word_tag(word);

	if (likely(tag < POTAD_TAG_INLINE))
		return tag;
	if (tag == POTAD_TAG_INLINE)
		return word >> 42 & POTAD_PLACE_TYPE;
	return potad_place_type(READ_ONCE(potad_word_desc(word)->place));
}

static inline u32 potad_word_generation(unsigned long word)
{
	return word >> 10;
}

static inline unsigned int potad_word_order(unsigned long word)
{
	return word >> 4 & 0x3f;
}

/**
 * potad_words_find() - the word for a granule
 * @w: the words
 * @granule: inside the range
 *
 * The answer may be old by the time it is there: whoever uses it looks whether
 * the block it names has the granule in it.
 *
 * Context: Any, NMI too; under rcu_read_lock().
 * Return: a word with a tag of 2 .. 15, or 0.
 */
static __always_inline unsigned long potad_words_find(const struct potad_words *w,
						      u64 granule)
{
	u64 frame = granule >> w->frame_shift;
	unsigned int level;

	for (level = 0; level < POTAD_WORD_LEVELS; level++) {
		/* Pairs with the barrier before words are written. */
		unsigned long word = READ_ONCE(w->level[level][frame]);

		if (likely(potad_word_tag(word) > POTAD_TAG_LINE))
			return word;
		if (word) {
			struct potad_line *line;

			line = (void *)(word & ~POTAD_TAG_MASK);
			granule &= (1U << w->frame_shift) - 1;
			return READ_ONCE(line->word[granule]);
		}
		frame >>= POTAD_WORD_SHIFT;
	}
	return 0;
}

int potad_lines_init(void);
void potad_lines_exit(void);

int potad_words_init(struct potad_words *w, u64 granules,
		     unsigned int frame_shift);
void potad_words_exit(struct potad_words *w);
int potad_words_set(struct potad_words *w, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp);
bool potad_words_clear(struct potad_words *w, u64 first, unsigned int order,
		       unsigned long word);
long potad_words_lines(const struct potad_words *w);
u64 potad_words_bytes(const struct potad_words *w);
const char *potad_words_validate(struct potad_words *w);

#endif /* POTAD_MEMDESC_WORD_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Words: set and cleared.  What a word looks like is told in word.h, and
 * there too is how it is found.
 *
 * Clearing takes no memory and cannot fail.  The words of one block are written by its
 * owner alone; two owners meet only in a line, under the lock that its frame hashes to.
 *
 * A line is there from the first of its blocks to the last.  It is found zeroed
 * in its slab and goes back zeroed.  Memory for it is taken outside of the lock,
 * and only where there is none yet: most blocks find their neighbours' line.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "word.h"

static u64 level_words(const struct potad_words *w, unsigned int level)
{
	unsigned int shift = level * POTAD_WORD_SHIFT;

	return (w->frames + (1ULL << shift) - 1) >> shift;
}

/* Lines of all pools.  One is found zeroed, and given back zeroed. */
static struct kmem_cache *line_cache;

static void line_ctor(void *line)
{
	memset(line, 0, sizeof(struct potad_line));
}

int __init potad_lines_init(void)
{
	line_cache = kmem_cache_create("potad-line", sizeof(struct potad_line),
				       __alignof__(struct potad_line),
				       SLAB_TYPESAFE_BY_RCU, line_ctor);
	return line_cache ? 0 : -ENOMEM;
}

void potad_lines_exit(void)
{
	kmem_cache_destroy(line_cache);
}

/* A line that nobody can find, and that is zeroed. */
static void line_free(struct potad_line *line)
{
	if (line)
		kmem_cache_free(line_cache, line);
}

/**
 * potad_words_init() - words for a range of granules
 * @w: zeroed
 * @granules: how many
 * @frame_shift: a frame has 2^frame_shift of them, 0 .. 3
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int potad_words_init(struct potad_words *w, u64 granules,
		     unsigned int frame_shift)
{
	unsigned int i;

	w->frame_shift = frame_shift;
	w->frames = (granules + (1ULL << frame_shift) - 1) >> frame_shift;
	w->hash = kvcalloc(POTAD_WORD_LOCKS, sizeof(*w->hash), GFP_KERNEL);
	if (!w->hash)
		return -ENOMEM;
	for (i = 0; i < POTAD_WORD_LOCKS; i++)
		raw_spin_lock_init(&w->hash[i].lock);
	for (i = 0; i < POTAD_WORD_LEVELS; i++) {
		w->level[i] = __vmalloc(level_words(w, i) * sizeof(long),
					GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
		if (!w->level[i])
			goto fail;
	}
	return 0;
fail:
	potad_words_exit(w);
	return -ENOMEM;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_init);

void potad_words_exit(struct potad_words *w)
{
	u64 frame;
	unsigned int i;

	/* Of a table that still had words: they go with it. */
	for (frame = 0; w->level[0] && frame < w->frames; frame++) {
		unsigned long word = w->level[0][frame];

		if (potad_word_tag(word) != POTAD_TAG_LINE)
			continue;
		memset((void *)(word & ~POTAD_TAG_MASK), 0, sizeof(struct potad_line));
		line_free((void *)(word & ~POTAD_TAG_MASK));
	}
	for (i = 0; i < POTAD_WORD_LEVELS; i++) {
		vfree(w->level[i]);
		w->level[i] = NULL;
	}
	kvfree(w->hash);
	w->hash = NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_exit);

static struct potad_words_hash *hash_of(const struct potad_words *w, u64 frame)
{
	return &w->hash[hash_64(frame, ilog2(POTAD_WORD_LOCKS))];
}

static bool is_part_of_frame(const struct potad_words *w, unsigned int order)
{
	return order < w->frame_shift;
}

/* The words of a block of whole frames: where they are, and how many. */
static unsigned long *frame_words(struct potad_words *w, u64 first,
				  unsigned int order, unsigned int *nr)
{
	unsigned int frames = order - w->frame_shift;
	unsigned int level = min(frames / POTAD_WORD_SHIFT,
				 POTAD_WORD_LEVELS - 1U);

	*nr = 1U << (frames - level * POTAD_WORD_SHIFT);
	return w->level[level] +
	       (first >> (w->frame_shift + level * POTAD_WORD_SHIFT));
}

static unsigned int in_frame(const struct potad_words *w, u64 granule)
{
	return granule & ((1U << w->frame_shift) - 1);
}

/*
 * Sets words in the frame's line; if it has none, in @fresh, which becomes that.
 * False if there is neither.
 */
static bool set_in_line(struct potad_words *w, u64 first, unsigned int order,
			unsigned long word, struct potad_line **fresh)
{
	u64 frame = first >> w->frame_shift;
	unsigned long *head = &w->level[0][frame], flags;
	unsigned int i, at = in_frame(w, first);
	struct potad_words_hash *hash = hash_of(w, frame);
	struct potad_line *line = *fresh;

	raw_spin_lock_irqsave(&hash->lock, flags);
	if (*head)
		line = (void *)(*head & ~POTAD_TAG_MASK);
	for (i = 0; line && i < 1U << order; i++)
		WRITE_ONCE(line->word[at + i], word);
	if (line && line == *fresh) {
		/* The words in it before it can be found. */
		smp_wmb();
		WRITE_ONCE(*head, (unsigned long)line | POTAD_TAG_LINE);
		WRITE_ONCE(hash->lines, hash->lines + 1);
		*fresh = NULL;
	}
	raw_spin_unlock_irqrestore(&hash->lock, flags);
	return line;
}

static void set_frames(struct potad_words *w, u64 first, unsigned int order,
		       unsigned long word)
{
	unsigned int i, nr;
	unsigned long *p = frame_words(w, first, order, &nr);

	for (i = 0; i < nr; i++)
		WRITE_ONCE(p[i], word);
}

/**
 * potad_words_set() - describe a block
 * @w: the words
 * @first: first granule of the block, which the caller has just allocated
 * @order: its order
 * @word: what to say, with a tag of 2 .. 15; if it is the address of a
 *	  descriptor, that has been filled in
 * @gfp: how memory may be had, if it takes any
 *
 * Context: as @gfp says; not NMI.
 * Return: 0; -ENOMEM, and nothing is changed.
 */
int potad_words_set(struct potad_words *w, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp)
{
	struct potad_line *line = NULL;

	/*
	 * What the word points to, before it can be found.  Pairs with the
	 * address dependency in potad_words_find().
	 */
	smp_wmb();
	if (!is_part_of_frame(w, order)) {
		set_frames(w, first, order, word);
		return 0;
	}
	if (set_in_line(w, first, order, word, &line))
		return 0;
	line = kmem_cache_alloc(line_cache, gfp);
	if (!line)
		return -ENOMEM;
	set_in_line(w, first, order, word, &line);
	/* Another has brought one meanwhile. */
	line_free(line);
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_set);

static bool line_is_empty(const struct potad_line *line)
{
	return !memchr_inv(line, 0, sizeof(*line));
}

/* Clears words in a line; one that is empty then goes. */
static bool clear_in_line(struct potad_words *w, u64 first, unsigned int order,
			  unsigned long word)
{
	u64 frame = first >> w->frame_shift;
	unsigned long *head = &w->level[0][frame], flags;
	unsigned int i, at = in_frame(w, first);
	struct potad_words_hash *hash = hash_of(w, frame);
	struct potad_line *line = NULL, *unused = NULL;
	bool ok = false;

	raw_spin_lock_irqsave(&hash->lock, flags);
	if (potad_word_tag(*head) == POTAD_TAG_LINE) {
		line = (void *)(*head & ~POTAD_TAG_MASK);
		ok = line->word[at] == word;
	}
	for (i = 0; ok && i < 1U << order; i++)
		WRITE_ONCE(line->word[at + i], 0);
	if (ok && line_is_empty(line)) {
		WRITE_ONCE(*head, 0);
		WRITE_ONCE(hash->lines, hash->lines - 1);
		unused = line;
	}
	raw_spin_unlock_irqrestore(&hash->lock, flags);
	line_free(unused);
	return ok;
}

/**
 * potad_words_clear() - a block is described no more
 * @w: the words
 * @first: first granule of the block
 * @order: its order
 * @word: what it was set to
 *
 * If several callers try, one of them succeeds.
 *
 * Context: Any but NMI.  Takes no memory.
 * Return: true; false if the first word is another one, and nothing is changed.
 */
bool potad_words_clear(struct potad_words *w, u64 first, unsigned int order,
		       unsigned long word)
{
	unsigned int i, nr;
	unsigned long *p;

	if (is_part_of_frame(w, order))
		return clear_in_line(w, first, order, word);
	p = frame_words(w, first, order, &nr);
	if (cmpxchg(p, word, 0) != word)
		return false;
	for (i = 1; i < nr; i++)
		WRITE_ONCE(p[i], 0);
	return true;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_clear);

/* How many pages are cut up.  A moment's number. */
long potad_words_lines(const struct potad_words *w)
{
	unsigned int i;
	long lines = 0;

	for (i = 0; i < POTAD_WORD_LOCKS; i++)
		lines += READ_ONCE(w->hash[i].lines);
	return lines;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_lines);

/* Memory that the words take now. */
u64 potad_words_bytes(const struct potad_words *w)
{
	u64 bytes = potad_words_lines(w) * sizeof(struct potad_line) +
		    POTAD_WORD_LOCKS * sizeof(*w->hash);
	unsigned int i;

	for (i = 0; i < POTAD_WORD_LEVELS; i++)
		bytes += level_words(w, i) * sizeof(long);
	return bytes;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_bytes);

/* What is wrong with a line, whose frame's lock is held. */
static const char *validate_line(const struct potad_words *w,
				 const struct potad_line *line)
{
	unsigned int i;

	if (line_is_empty(line))
		return "words: an empty line is still there";
	for (i = 0; i < POTAD_LINE_WORDS; i++) {
		if (!line->word[i])
			continue;
		if (i >> w->frame_shift)
			return "words: a line has more words than a frame has granules";
		if (potad_word_tag(line->word[i]) < POTAD_TAG_TYPE)
			return "words: a word in a line has no type";
	}
	return NULL;
}

/**
 * potad_words_validate() - look whether the words keep their rules
 * @w: the words, which nobody sets or clears meanwhile
 *
 * Context: Process context; may sleep.
 * Return: NULL, or what is wrong.
 */
const char *potad_words_validate(struct potad_words *w)
{
	const char *wrong = NULL;
	unsigned int level;
	long lines = 0;
	u64 i;

	for (level = 0; level < POTAD_WORD_LEVELS; level++) {
		for (i = 0; i < level_words(w, level) && !wrong; i++) {
			unsigned long word = w->level[level][i], flags;

			if (!(i % 4096))
				cond_resched();
			if (!word || potad_word_tag(word) >= POTAD_TAG_TYPE)
				continue;
			if (level || potad_word_tag(word) != POTAD_TAG_LINE)
				return "words: a word has neither a type nor a line";
			lines++;
			raw_spin_lock_irqsave(&hash_of(w, i)->lock, flags);
			if (w->level[level][i] == word)
				wrong = validate_line(w, (void *)(word & ~POTAD_TAG_MASK));
			raw_spin_unlock_irqrestore(&hash_of(w, i)->lock, flags);
		}
	}
	if (!wrong && lines != potad_words_lines(w))
		wrong = "words: lines are counted wrong";
	return wrong;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_validate);

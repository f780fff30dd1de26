// SPDX-License-Identifier: GPL-2.0
/*
 * Words: set, clear and find.  What a word looks like is drawn in word.h.
 *
 * Setting and clearing take no memory and cannot fail.  The words of one block
 * are written by its owner alone; two owners meet only in a line, under the
 * lock that its frame hashes to.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/minmax.h>
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
	unsigned int i;

	for (i = 0; i < POTAD_WORD_LEVELS; i++) {
		vfree(w->level[i]);
		w->level[i] = NULL;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_exit);

static raw_spinlock_t *line_lock(struct potad_words *w, u64 frame)
{
	return &w->hash[hash_64(frame, ilog2(POTAD_WORD_LOCKS))].lock;
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

/**
 * potad_words_prepare() - have what setting the words of a block will take
 * @w: the words
 * @first: first granule of the block
 * @order: its order
 * @gfp: how memory may be had
 * @line: set to what potad_words_set() is to be given; NULL if nothing
 *
 * Context: as @gfp says.
 * Return: 0 or -ENOMEM.
 */
int potad_words_prepare(struct potad_words *w, u64 first, unsigned int order,
			gfp_t gfp, struct potad_line **line)
{
	*line = NULL;
	if (!is_part_of_frame(w, order))
		return 0;
	/*
	 * A line that is there now may be gone when the word is set, so one is
	 * always had.  The slab's own per-CPU cache makes that cheap.
	 */
	*line = kmem_cache_alloc(line_cache, gfp);
	return *line ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_prepare);

/**
 * potad_words_set() - describe a block
 * @w: the words
 * @first: first granule of the block, which the caller has just allocated
 * @order: its order
 * @word: what to say, with a tag of 2 .. 15; if it is the address of a
 *	  descriptor, that has been filled in
 * @line: from potad_words_prepare(); used or given back
 *
 * Context: Any but NMI.
 */
void potad_words_set(struct potad_words *w, u64 first, unsigned int order,
		     unsigned long word, struct potad_line *line)
{
	unsigned int i, nr;
	unsigned long *p;

	/*
	 * What the word and the line point to, before they can be found.
	 * Pairs with the address dependency in potad_words_find().
	 */
	smp_wmb();
	if (is_part_of_frame(w, order)) {
		u64 frame = first >> w->frame_shift;
		unsigned int at = first & ((1U << w->frame_shift) - 1);
		unsigned long *head = &w->level[0][frame], flags;
		struct potad_line *used = line;

		raw_spin_lock_irqsave(line_lock(w, frame), flags);
		if (*head)
			used = (void *)(*head & ~POTAD_TAG_MASK);
		for (i = 0; i < 1U << order; i++)
			WRITE_ONCE(used->word[at + i], word);
		if (used == line)
			WRITE_ONCE(*head, (unsigned long)line | POTAD_TAG_LINE);
		raw_spin_unlock_irqrestore(line_lock(w, frame), flags);
		if (used != line)
			kmem_cache_free(line_cache, line);
		else
			atomic_long_inc(&w->nr_lines);
		return;
	}

	p = frame_words(w, first, order, &nr);
	for (i = 0; i < nr; i++)
		WRITE_ONCE(p[i], word);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_set);

static bool line_is_empty(const struct potad_line *line)
{
	return !memchr_inv(line, 0, sizeof(*line));
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

	if (is_part_of_frame(w, order)) {
		u64 frame = first >> w->frame_shift;
		unsigned int at = first & ((1U << w->frame_shift) - 1);
		unsigned long *head = &w->level[0][frame], flags;
		struct potad_line *line = NULL;
		bool ok = false;

		raw_spin_lock_irqsave(line_lock(w, frame), flags);
		if (potad_word_tag(*head) == POTAD_TAG_LINE) {
			line = (void *)(*head & ~POTAD_TAG_MASK);
			ok = line->word[at] == word;
		}
		for (i = 0; ok && i < 1U << order; i++)
			WRITE_ONCE(line->word[at + i], 0);
		if (ok && line_is_empty(line))
			WRITE_ONCE(*head, 0);
		else
			line = NULL;
		raw_spin_unlock_irqrestore(line_lock(w, frame), flags);
		if (line) {
			kmem_cache_free(line_cache, line);
			atomic_long_dec(&w->nr_lines);
		}
		return ok;
	}

	p = frame_words(w, first, order, &nr);
	if (cmpxchg(p, word, 0) != word)
		return false;
	for (i = 1; i < nr; i++)
		WRITE_ONCE(p[i], 0);
	return true;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_clear);

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
unsigned long potad_words_find(struct potad_words *w, u64 granule)
{
	u64 frame = granule >> w->frame_shift;
	unsigned int level;

	for (level = 0; level < POTAD_WORD_LEVELS; level++) {
		/* Pairs with the barrier in potad_words_set(). */
		unsigned long word = READ_ONCE(w->level[level][frame]);

		if (potad_word_tag(word) == POTAD_TAG_LINE) {
			struct potad_line *line;

			line = (void *)(word & ~POTAD_TAG_MASK);
			granule &= (1U << w->frame_shift) - 1;
			return READ_ONCE(line->word[granule]);
		}
		if (word)
			return word;
		frame >>= POTAD_WORD_SHIFT;
	}
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_find);

/* Memory that the words take now. */
u64 potad_words_bytes(struct potad_words *w)
{
	u64 bytes = atomic_long_read(&w->nr_lines) * sizeof(struct potad_line);
	unsigned int i;

	for (i = 0; i < POTAD_WORD_LEVELS; i++)
		bytes += level_words(w, i) * sizeof(long);
	return bytes;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_words_bytes);

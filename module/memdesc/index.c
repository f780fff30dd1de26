// SPDX-License-Identifier: GPL-2.0
/* The index: one of three, as index.h tells. */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "index.h"

static const char * const names[POTAD_INDEX_KINDS] = { "words", "maple", "xarray" };

const char *potad_index_name(enum potad_index_kind kind)
{
	return names[kind];
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_name);

/* 0, or -EINVAL: nothing is called so. */
int potad_index_by_name(const char *name, enum potad_index_kind *kind)
{
	int i = match_string(names, ARRAY_SIZE(names), name);

	if (i >= 0)
		*kind = i;
	return i < 0 ? -EINVAL : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_by_name);

/**
 * potad_index_init() - an index for a range of granules
 * @x: zeroed
 * @kind: how it works
 * @granules: how many
 * @frame_shift: a page has 2^frame_shift of them, 0 .. 3
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOMEM; -EOPNOTSUPP if this kernel's XArray cannot do it.
 */
int potad_index_init(struct potad_index *x, enum potad_index_kind kind, u64 granules,
		     unsigned int frame_shift)
{
	x->kind = kind;
	switch (kind) {
	case POTAD_INDEX_MAPLE:
		potad_maple_init(&x->maple);
		return 0;
	case POTAD_INDEX_XARRAY:
		return potad_xarray_init(&x->xarray);
	default:
		return potad_words_init(&x->words, granules, frame_shift);
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_init);

/* Nobody uses it any more.  Process context; may sleep. */
void potad_index_exit(struct potad_index *x)
{
	switch (x->kind) {
	case POTAD_INDEX_MAPLE:
		potad_maple_exit(&x->maple);
		break;
	case POTAD_INDEX_XARRAY:
		potad_xarray_exit(&x->xarray);
		break;
	default:
		potad_words_exit(&x->words);
		break;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_exit);

/**
 * potad_index_set() - describe a block
 * @x: the index
 * @first: first granule of the block, which the caller has
 * @order: its order
 * @word: what to say, with a tag of 2 .. 15; if it is the address of a
 *	  descriptor, that has been filled in
 * @gfp: how memory may be had
 *
 * Context: as @gfp says; any but NMI.
 * Return: 0; -ENOMEM, and nothing is changed.
 */
int potad_index_set(struct potad_index *x, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp)
{
	switch (x->kind) {
	case POTAD_INDEX_MAPLE:
		return potad_maple_set(&x->maple, first, order, word, gfp);
	case POTAD_INDEX_XARRAY:
		return potad_xarray_set(&x->xarray, first, order, word, gfp);
	default:
		return potad_words_take(&x->words, first, order, word, gfp);
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_set);

/**
 * potad_index_clear() - a block is described no more
 * @x: the index
 * @first: first granule of the block
 * @order: its order
 * @word: what it was set to
 *
 * If several callers try, one of them succeeds.
 *
 * Context: Any but NMI.  Takes no memory.
 * Return: true; false if the word is another one, and nothing is changed.
 */
bool potad_index_clear(struct potad_index *x, u64 first, unsigned int order,
		       unsigned long word)
{
	switch (x->kind) {
	case POTAD_INDEX_MAPLE:
		return potad_maple_clear(&x->maple, first, order, word);
	case POTAD_INDEX_XARRAY:
		return potad_xarray_clear(&x->xarray, first, order, word);
	default:
		return potad_words_clear(&x->words, first, order, word);
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_clear);

/* Memory that it takes now, about.  Process context. */
u64 potad_index_bytes(struct potad_index *x)
{
	switch (x->kind) {
	case POTAD_INDEX_MAPLE:
		return potad_maple_bytes(&x->maple);
	case POTAD_INDEX_XARRAY:
		return potad_xarray_bytes(&x->xarray);
	default:
		return potad_words_bytes(&x->words);
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_bytes);

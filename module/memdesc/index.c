// SPDX-License-Identifier: GPL-2.0
/*
 * The index: which kind does it.
 *
 * There is no table of functions: the words come first and directly, so that
 * with them an index costs one comparison that always goes the same way.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "index.h"

static const char * const names[POTAD_INDEX_KINDS] = {
	[POTAD_INDEX_WORDS] = "words",
	[POTAD_INDEX_MAPLE] = "maple",
	[POTAD_INDEX_XARRAY] = "xarray",
};

/* The kind of a name: 0 or -EINVAL. */
int potad_index_kind(const char *name, enum potad_index_kind *kind)
{
	int i = match_string(names, ARRAY_SIZE(names), name);

	if (i >= 0)
		*kind = i;
	return i < 0 ? i : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_kind);

/**
 * potad_index_init() - an index of a range of granules
 * @x: what shall be one
 * @kind: how it is made
 * @granules: how many there are
 * @frame_shift: a page has 2^frame_shift of them, 0 .. 3; 0 also if a granule is
 *		 larger than a page
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOMEM; -EOPNOTSUPP if this kernel has not what @kind takes.
 */
int potad_index_init(struct potad_index *x, enum potad_index_kind kind,
		     u64 granules, unsigned int frame_shift)
{
	memset(x, 0, sizeof(*x));
	x->kind = kind;
	switch (kind) {
	case POTAD_INDEX_WORDS:
		return potad_words_init(&x->words, granules, frame_shift);
	case POTAD_INDEX_MAPLE:
		potad_maple_init(&x->maple);
		return 0;
	case POTAD_INDEX_XARRAY:
		return potad_xarray_init(&x->xarray);
	}
	return -EINVAL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_init);

/* The end of it, with whatever words are still in it.  Process context. */
void potad_index_exit(struct potad_index *x)
{
	switch (x->kind) {
	case POTAD_INDEX_WORDS:
		potad_words_exit(&x->words);
		break;
	case POTAD_INDEX_MAPLE:
		potad_maple_exit(&x->maple);
		break;
	case POTAD_INDEX_XARRAY:
		potad_xarray_exit(&x->xarray);
		break;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_exit);

/**
 * potad_index_set() - describe a block
 * @x: the index
 * @first: first granule of the block, which the caller has just allocated
 * @order: its order
 * @word: what to say; if it is the address of a descriptor, that is filled in
 * @gfp: how memory may be had, if it takes any
 *
 * Context: As @gfp says; not NMI.
 * Return: 0; -ENOMEM, and nothing is changed.
 */
int potad_index_set(struct potad_index *x, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp)
{
	if (likely(x->kind == POTAD_INDEX_WORDS))
		return potad_words_set(&x->words, first, order, word, gfp);
	if (x->kind == POTAD_INDEX_MAPLE)
		return potad_maple_set(&x->maple, first, order, word, gfp);
	return potad_xarray_set(&x->xarray, first, order, word, gfp);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_set);

/**
 * potad_index_clear() - a block is described no more
 * @x: the index
 * @first: first granule of the block
 * @order: its order
 * @word: what it was set to
 *
 * Context: Any but NMI.  Takes no memory.
 * Return: true; false if the block has another word, and nothing is changed.
 */
bool potad_index_clear(struct potad_index *x, u64 first, unsigned int order,
		       unsigned long word)
{
	if (likely(x->kind == POTAD_INDEX_WORDS))
		return potad_words_clear(&x->words, first, order, word);
	if (x->kind == POTAD_INDEX_MAPLE)
		return potad_maple_clear(&x->maple, first, order, word);
	return potad_xarray_clear(&x->xarray, first, order, word);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_clear);

/* potad_index_find() where the words are not what does it. */
unsigned long potad_index_find_other(struct potad_index *x, u64 granule)
{
	if (x->kind == POTAD_INDEX_MAPLE)
		return potad_maple_find(&x->maple, granule);
	return potad_xarray_find(&x->xarray, granule);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_find_other);

/* Memory that the index takes now.  Process context; may take its time. */
u64 potad_index_bytes(struct potad_index *x)
{
	if (likely(x->kind == POTAD_INDEX_WORDS))
		return potad_words_bytes(&x->words);
	if (x->kind == POTAD_INDEX_MAPLE)
		return potad_maple_bytes(&x->maple);
	return potad_xarray_bytes(&x->xarray);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_bytes);

/**
 * potad_index_validate() - look whether the index keeps its rules
 * @x: the index, which nobody changes meanwhile
 *
 * Context: Process context; may sleep.
 * Return: NULL, or what is wrong.
 */
const char *potad_index_validate(struct potad_index *x)
{
	if (likely(x->kind == POTAD_INDEX_WORDS))
		return potad_words_validate(&x->words);
	if (x->kind == POTAD_INDEX_MAPLE)
		return potad_maple_validate(&x->maple);
	return potad_xarray_validate(&x->xarray);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_index_validate);

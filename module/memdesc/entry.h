/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words as entries of the kernel's trees.
 *
 * Those keep some values of the lowest bits for themselves, and a word uses all
 * of its bits.  But bit 63 of a word is always like bit 62: an address of the
 * kernel's is canonical, and inline words are below 2^62.  So a word moves up by
 * one bit, and bit 0 says that it is a value:
 *
 *	bit 63                       1   0
 *	    [ the word's lower 63 bits | 1 ]
 *
 * The word 0 is an entry too: of what was cleared in a maple tree.
 */
#ifndef POTAD_MEMDESC_ENTRY_H
#define POTAD_MEMDESC_ENTRY_H

static inline void *potad_entry(unsigned long word)
{
	return (void *)(word << 1 | 1);
}

/* No entry is the word 0 as well. */
static inline unsigned long potad_entry_word(const void *entry)
{
	return (long)entry >> 1;
}

#endif /* POTAD_MEMDESC_ENTRY_H */

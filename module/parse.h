/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers, as people may write them: decimal without leading zeros, or 0x and
 * hexadecimal digits.  No sign, no blanks.  A size may end in one of K, M, G,
 * T, P and E (powers of 1024), in either case.
 *
 * Stricter than kstrtox and memparse on purpose: 010 is not eight here, 4k96
 * is not four thousand, and what does not fit 64 bits is not cut to fit.
 *
 * Return: 0; -EINVAL if it is no such number; -ERANGE if it overflows.
 */
#ifndef POTAD_PARSE_H
#define POTAD_PARSE_H

#include <linux/types.h>

int potad_parse_u64(const char *s, u64 *value);
int potad_parse_bytes(const char *s, u64 *value);

/*
 * Cuts the next word off *@s, which words are separated in by blanks; NULL if
 * there is none left.
 */
char *potad_next_word(char **s);

#endif /* POTAD_PARSE_H */

// SPDX-License-Identifier: GPL-2.0
/* Numbers and words; the rules are in parse.h. */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "include/compat.h"
#include "parse.h"

int potad_parse_u64(const char *s, u64 *value)
{
	/* kstrtou64() would take a newline at the end, and a prefix of 0X. */
	if (strchr(s, '\n'))
		return -EINVAL;
	if (s[0] == '0' && s[1] == 'x')
		return kstrtou64(s, 16, value);
	if (!isdigit(s[0]) || (s[0] == '0' && s[1]))
		return -EINVAL;
	return kstrtou64(s, 10, value);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_parse_u64);

int potad_parse_bytes(const char *s, u64 *value)
{
	static const char suffixes[] = "KMGTPE";
	size_t len = strlen(s);
	const char *suffix;
	char digits[24];
	int err;

	suffix = len ? strchr(suffixes, toupper(s[len - 1])) : NULL;
	/* In hexadecimal, E is a digit. */
	if (!suffix || (*suffix == 'E' && s[0] == '0' && s[1] == 'x'))
		return potad_parse_u64(s, value);
	if (len > sizeof(digits))
		return isdigit(s[0]) && s[0] != '0' &&
		       strspn(s, "0123456789") == len - 1 ? -ERANGE : -EINVAL;
	memcpy(digits, s, len - 1);
	digits[len - 1] = '\0';
	err = potad_parse_u64(digits, value);
	if (err)
		return err;
	len = 10 * (suffix - suffixes + 1);
	if (*value >> (64 - len))
		return -ERANGE;
	*value <<= len;
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_parse_bytes);

char *potad_next_word(char **s)
{
	char *word = *s;

	if (!word || !*word)
		return NULL;
	*s += strcspn(*s, " \t");
	if (**s) {
		*(*s)++ = '\0';
		*s += strspn(*s, " \t");
	}
	return word;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_next_word);

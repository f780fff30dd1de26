// SPDX-License-Identifier: GPL-2.0
/*
 * compare/lookup: times the ways from an address to its block (compare/lookup.h), as
 * keys and values say.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../compare/lookup.h"
#include "../parse.h"
#include "lookup.h"
#include "words.h"

#define LOOKUP_KEYS	"blocks=1000 rounds=9 ops=20000 skewed=0 cold=0 writer=0 lines=0 seed=1"

static void reply_lookup(const struct potad_lookup_row *row, void *arg)
{
	struct potad_request *req = arg;

	if (row->err) {
		potad_reply(req, "%s - - - - - %d\n", row->subject, row->err);
		return;
	}
	potad_reply(req, "%s %s ", row->subject, row->op);
	potad_reply_tenths(req, row->median);
	potad_reply_tenths(req, row->min);
	potad_reply_tenths(req, row->max);
	potad_reply(req, "%llu %u\n", row->bytes, row->label);
}

static int lookup_key(struct potad_request *req, const char *key, char *value,
		      struct potad_lookup *what)
{
	const struct {
		const char	*key;
		unsigned int	*number;
		unsigned int	least;
		unsigned int	most;
	} keys[] = {
		{ "blocks", &what->blocks, 1, POTAD_LOOKUP_BLOCKS },
		{ "rounds", &what->rounds, 1, POTAD_LOOKUP_ROUNDS },
		{ "ops", &what->ops, 1, POTAD_LOOKUP_OPS },
		{ "skewed", &what->skewed, 0, 1 },
		{ "cold", &what->cold, 0, 1 },
		{ "writer", &what->writer, 0, 1 },
		{ "lines", &what->lines, 0, 1 },
	};
	unsigned int i;
	u64 n;
	int err = potad_parse_u64(value, &n);

	if (err)
		return potad_bad_number(req, err, key, value);
	if (!strcmp(key, "seed")) {
		what->seed = n;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i].key))
			continue;
		if (n < keys[i].least || n > keys[i].most)
			return potad_refuse(req, -EINVAL, "%s=%s: a number from %u to %u", key,
					    value, keys[i].least, keys[i].most);
		*keys[i].number = n;
		return 0;
	}
	return potad_refuse(req, -EINVAL, "no key is %s: " LOOKUP_KEYS, key);
}

static int compare_lookup(struct potad_request *req, char *args)
{
	struct potad_lookup what = POTAD_LOOKUP_DEFAULT;
	char *word;
	int err;

	while ((word = potad_next_word(&args))) {
		char *value = strchr(word, '=');

		if (!value)
			return potad_want_words(req, "[KEY=VALUE ...]; keys: " LOOKUP_KEYS);
		*value++ = '\0';
		err = lookup_key(req, word, value, &what);
		if (err)
			return err;
	}
	potad_reply(req, "# subject operation ns_median ns_min ns_max bytes label\n");
	err = potad_lookup_run(&what, reply_lookup, req);
	switch (err) {
	case 0:
		return 0;
	case -EBUSY:
		return potad_refuse(req, err, "another one is running");
	case -EINTR:
		return potad_refuse(req, err, "interrupted");
	case -ENODEV:
		return potad_refuse(req, err, "writer=1: there is one CPU");
	default:
		return potad_refuse(req, err, "not enough memory for %u blocks", what.blocks);
	}
}

const struct potad_action potad_lookup_action = { "lookup", compare_lookup };

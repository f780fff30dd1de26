// SPDX-License-Identifier: GPL-2.0
/* Words of commands and answers that several files have; see words.h. */
#include <linux/errno.h>

#include "../parse.h"
#include "words.h"

int potad_bad_number(struct potad_request *req, int err, const char *what, const char *text)
{
	if (err == -ERANGE)
		return potad_refuse(req, err, "%s %s does not fit 64 bits", what, text);
	return potad_refuse(req, err, "%s %s is not a number (decimal, 0x...; a size: K M G T P E)",
			    what, text);
}

int potad_want_words(struct potad_request *req, const char *usage)
{
	return potad_refuse(req, -EINVAL, "usage: %s", usage);
}

int potad_outside(struct potad_request *req, const struct potad_pool *pool, u64 phys,
		  u64 length)
{
	return potad_refuse(req, -ENXIO, "0x%llx, %llu bytes: not all in the region 0x%llx-0x%llx",
			    phys, length, (u64)pool->start,
			    (u64)pool->start + pool->bytes - 1);
}

int potad_word_address(struct potad_request *req, const char *text, u64 *phys)
{
	int err = potad_parse_u64(text, phys);

	return err ? potad_bad_number(req, err, "address", text) : 0;
}

int potad_word_bytes(struct potad_request *req, const char *what, const char *text,
		     u64 *bytes)
{
	int err = potad_parse_bytes(text, bytes);

	return err ? potad_bad_number(req, err, what, text) : 0;
}

int potad_word_handle(struct potad_request *req, const char *text, u64 *handle)
{
	int err = potad_parse_u64(text, handle);

	return err ? potad_bad_number(req, err, "handle", text) : 0;
}

void potad_reply_held(struct potad_request *req, const struct potad_held *held,
		      const char *verb)
{
	potad_reply(req, "handle=%lu %saddress=0x%llx order=%u size=%llu type=%s",
		    held->handle, verb, (u64)held->block.phys,
		    held->block.order, held->block.bytes, potad_held_name(held));
	if (held->kind != POTAD_HELD_BLOCK)
		potad_reply(req, " pieces=%llu", held->pieces);
	if (held->kind != POTAD_HELD_RUN && held->block.data)
		potad_reply(req, " generation=%u", held->block.generation);
	potad_reply(req, "\n");
}

const char *potad_what_name(enum potad_what what)
{
	static const char * const names[] = {
		[POTAD_IS_FREE] = "free",
		[POTAD_IS_CACHED] = "cached",
		[POTAD_IS_BLOCK] = "allocated",
		[POTAD_IS_BARE] = "bare",
		[POTAD_IS_QUARANTINED] = "quarantined",
		[POTAD_IS_HOLE] = "hole",
	};

	return names[what];
}

void potad_reply_tenths(struct potad_request *req, u64 tenths)
{
	potad_reply(req, "%llu.%llu ", tenths / 10, tenths % 10);
}

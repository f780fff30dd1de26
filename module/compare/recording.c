// SPDX-License-Identifier: GPL-2.0
/*
 * A recording, as it is read; the format is told in recording.h.
 *
 * A line that lies in one piece is read where it is; only one that is torn is put
 * together first.  Of a comment only the beginning can matter.
 */
#include <linux/align.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "recording.h"

static int wrong(struct potad_recording *r, int err, const char *why)
{
	r->wrong = why;
	return err;
}

/* What is left of a line. */
struct rest {
	const char	*at;
	const char	*end;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 16;
}

/*
 * The next field, a number; @last: no comma may follow, else one must.
 * -EINVAL, or -ERANGE if it has more digits than any that is of use.
 */
static int number(struct rest *rest, int base, bool last, u64 *value)
{
	const char *begin = rest->at, *p = begin;
	u64 n = 0;
	int d;

	for (; p < rest->end && (d = digit(*p)) < base; p++) {
		if (p - begin == 15)
			return -ERANGE;
		n = n * base + d;
	}
	if (p == begin)
		return -EINVAL;
	if (last ? p != rest->end : p == rest->end || *p != ',')
		return -EINVAL;
	rest->at = last ? p : p + 1;
	*value = n;
	return 0;
}

/* The next field, letters and digits, and not the last. */
static int word(struct rest *rest)
{
	const char *p = rest->at;

	while (p < rest->end && isalnum(*p))
		p++;
	if (p == rest->at || p == rest->end || *p != ',')
		return -EINVAL;
	rest->at = p + 1;
	return 0;
}

static bool kind_of(char c, bool pages, enum potad_record_kind *kind)
{
	switch (c) {
	case 'A':
		*kind = POTAD_RECORD_ALLOC;
		return true;
	case 'F':
		*kind = POTAD_RECORD_FREE;
		return true;
	case 'P':
		*kind = POTAD_RECORD_PRESENT;
		return pages;
	case 'N':
		*kind = POTAD_RECORD_REFUSED;
		return pages;
	case 'S':
		*kind = POTAD_RECORD_SPLIT;
		return pages;
	}
	return false;
}

static int mobility_of(struct potad_recording *r, u64 mt, enum potad_mobility *mobility)
{
	static const enum potad_mobility of[] = {
		POTAD_PINNED, POTAD_MOVABLE, POTAD_RECLAIMABLE,
	};

	/* The native allocator has more, none of which asks for another kind. */
	if (mt > 15)
		return wrong(r, -ERANGE, "no migrate type has such a number");
	*mobility = mt < ARRAY_SIZE(of) ? of[mt] : POTAD_PINNED;
	return 0;
}

/* From the fourth field on, of pages. */
static int read_pages(struct potad_recording *r, struct rest *rest,
		      struct potad_record *record)
{
	bool split = record->kind == POTAD_RECORD_SPLIT, free = record->kind == POTAD_RECORD_FREE;
	u64 order, small, gfp, mt, pid;
	int err;

	err = number(rest, 16, false, &record->id) ?: number(rest, 10, free, &order);
	if (!err && split)
		err = number(rest, 10, true, &small);
	else if (!err && !free)
		err = number(rest, 10, false, &gfp) ?: number(rest, 10, false, &mt) ?:
		      number(rest, 10, true, &pid);
	if (err)
		return wrong(r, err, "its fields are not those of such a record");
	if (order > POTAD_RECORDING_SHIFT - POTAD_RECORDING_PAGE)
		return wrong(r, -ERANGE, "an order above 10");
	record->shift = POTAD_RECORDING_PAGE + order;
	if (record->id >= POTAD_RECORDING_PAGES)
		return wrong(r, -ERANGE, "a page at 2^52 bytes or above");
	if (!IS_ALIGNED(record->id, 1ULL << order))
		return wrong(r, -EINVAL, "a page that is no multiple of the block's size");
	if (split && small >= order)
		return wrong(r, -EINVAL, "a block that is split into larger ones");
	if (split)
		record->small = POTAD_RECORDING_PAGE + small;
	return free || split ? 0 : mobility_of(r, mt, &record->mobility);
}

/* The same, of bytes. */
static int read_bytes(struct potad_recording *r, struct rest *rest,
		      struct potad_record *record)
{
	bool free = record->kind == POTAD_RECORD_FREE;
	u64 bytes, pid;
	int err;

	err = number(rest, 10, false, &record->id) ?: number(rest, 10, free, &bytes);
	if (!err && !free)
		err = word(rest) ?: number(rest, 10, true, &pid);
	if (err)
		return wrong(r, err, "its fields are not those of such a record");
	if (!bytes || bytes > 1ULL << POTAD_RECORDING_SHIFT)
		return wrong(r, -ERANGE, "a size of 0 or above 4 MiB");
	record->shift = order_base_2(bytes);
	record->mobility = POTAD_PINNED;
	return 0;
}

static int read_record(struct potad_recording *r, const char *line, size_t len,
		       potad_record_fn fn, void *arg)
{
	struct rest rest = { line, line + len };
	struct potad_record record = { .pages = r->pages };
	u64 cpu;
	int err;

	if (!r->begun)
		return wrong(r, -EINVAL, "the first line is not # POTT 1 or # POTB 1");
	if (r->ended)
		return wrong(r, -EINVAL, "a record behind the count");
	if (len > POTAD_RECORDING_LINE)
		return wrong(r, -EINVAL, "a record of more than 127 characters");
	err = number(&rest, 10, false, &record.dt) ?: number(&rest, 10, false, &cpu);
	if (err)
		return wrong(r, err, "it does not begin with a time and a CPU");
	if (cpu >= POTAD_RECORDING_CPUS)
		return wrong(r, -ERANGE, "no CPU has such a number");
	record.cpu = cpu;
	if (rest.end - rest.at < 2 || rest.at[1] != ',' ||
	    !kind_of(*rest.at, r->pages, &record.kind))
		return wrong(r, -EINVAL, "no such kind of record");
	rest.at += 2;
	err = r->pages ? read_pages(r, &rest, &record) : read_bytes(r, &rest, &record);
	if (err)
		return err;
	r->records++;
	return fn(&record, arg);
}

static bool begins(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(line, with, n);
}

static int read_first(struct potad_recording *r, const char *line, size_t len)
{
	static const char counted[] = " counted";

	r->pages = begins(line, len, "# POTT 1");
	if (!r->pages && !begins(line, len, "# POTB 1"))
		return wrong(r, -EINVAL, "the first line is not # POTT 1 or # POTB 1");
	line += strlen("# POTT 1");
	len -= strlen("# POTT 1");
	if (len && *line != ' ')
		return wrong(r, -EINVAL, "a version that is not known here");
	r->begun = true;
	r->counted = begins(line, len, counted) &&
		     (len == strlen(counted) || line[strlen(counted)] == ' ');
	return 0;
}

static int read_comment(struct potad_recording *r, const char *line, size_t len)
{
	struct rest rest = { line + strlen("# count "), line + len };
	u64 count;

	if (r->line == 1)
		return read_first(r, line, len);
	if (!r->counted || !begins(line, len, "# count "))
		return 0;
	if (r->ended || number(&rest, 10, true, &count))
		return wrong(r, -EINVAL, "a second count, or one that is no number");
	if (count != r->records)
		return wrong(r, -EINVAL, "it counts other records than there are: some are lost");
	r->ended = true;
	return 0;
}

static int read_line(struct potad_recording *r, const char *line, size_t len,
		     potad_record_fn fn, void *arg)
{
	if (len && *line == '#')
		return read_comment(r, line, len);
	return read_record(r, line, len, fn, arg);
}

/* The line that was put together. */
static int read_kept(struct potad_recording *r, potad_record_fn fn, void *arg)
{
	if (*r->text == '#')
		return read_comment(r, r->text, min_t(u64, r->len, sizeof(r->text)));
	return read_record(r, r->text, r->len, fn, arg);
}

/* Puts a torn line together; what it has too much is counted, and not kept. */
static void keep(struct potad_recording *r, const char *text, size_t len)
{
	if (r->len < sizeof(r->text))
		memcpy(r->text + r->len, text, min(len, sizeof(r->text) - r->len));
	r->len += len;
}

/* Nothing has been read. */
void potad_recording_begin(struct potad_recording *r)
{
	memset(r, 0, sizeof(*r));
	r->line = 1;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_recording_begin);

/**
 * potad_recording_read() - read on
 * @r: how far it has been read
 * @text: the next piece of it
 * @len: in bytes
 * @fn: called for each record; what it returns but 0 ends it
 * @arg: handed to @fn
 *
 * After an error @r->line and @r->offset are those of the line that was being
 * read, and it must not be read on.  They do not depend on where the pieces end.
 *
 * Context: That of @fn.
 * Return: 0; -EINVAL if a line is none of a recording, -ERANGE if a number in it is
 * beyond all that there is, both with @r->wrong; or what @fn returned.
 */
int potad_recording_read(struct potad_recording *r, const char *text, size_t len,
			 potad_record_fn fn, void *arg)
{
	const char *newline;
	size_t piece;
	int err;

	while ((newline = memchr(text, '\n', len))) {
		piece = newline - text;
		if (r->len) {
			keep(r, text, piece);
			err = read_kept(r, fn, arg);
		} else {
			err = read_line(r, text, piece, fn, arg);
		}
		if (err)
			return err;
		r->offset += (r->len ? r->len : piece) + 1;
		r->line++;
		r->len = 0;
		text = newline + 1;
		len -= piece + 1;
	}
	if (!len)
		return 0;
	keep(r, text, len);
	/* What is too long for a record does not get better. */
	return *r->text != '#' && r->len > POTAD_RECORDING_LINE ? read_kept(r, fn, arg) : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_recording_read);

/**
 * potad_recording_end() - there is no more of it
 * @r: how far it has been read
 *
 * Return: 0; -EINVAL with @r->wrong if that is not where a recording ends.
 */
int potad_recording_end(struct potad_recording *r)
{
	if (r->len)
		return wrong(r, -EINVAL, "it ends in the middle of a line");
	if (!r->begun)
		return wrong(r, -EINVAL, "it is empty");
	if (r->counted && !r->ended)
		return wrong(r, -EINVAL, "it ends without a count: the rest of it is missing");
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_recording_end);

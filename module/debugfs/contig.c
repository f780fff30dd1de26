// SPDX-License-Identifier: GPL-2.0
/*
 * compare/contig: a recording is written to it; memory is filled by that, and asked for
 * runs.
 *
 *	subject=potad fills=50,80,95 tries=5     the first line: whose memory, and so on
 *	...                                      the recording, as stream.h tells
 *
 * The first read does all the work; it takes as long as it takes, and can be killed.
 *
 * The report begins with a line that begins with # and names the columns of the rows that
 * follow; then it is a name and a value a line.
 */
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../compare/contig.h"
#include "../compare/ground.h"
#include "../compare/tape.h"
#include "../include/compat.h"
#include "../parse.h"
#include "contig.h"
#include "stream.h"

/* An open file: what its first line says, and the recording as far as it was read. */
struct contig_file {
	struct potad_stream	stream;
	struct potad_contig	what;
	struct potad_tape	*tape;
};

#define reply(f, ...)	potad_stream_reply(&(f)->stream, __VA_ARGS__)
#define fail(f, ...)	potad_stream_fail(&(f)->stream, __VA_ARGS__)

static struct contig_file *file_of(struct potad_stream *s)
{
	return container_of(s, struct contig_file, stream);
}

/* The same, with what the recording has to say. */
static int fail_tape(struct contig_file *f, int err)
{
	u64 line, offset;
	const char *wrong = potad_tape_wrong(f->tape, &line, &offset);

	return fail(f, err, "line %llu, offset %llu: %s", line, offset, wrong ?: "no memory");
}

/* The first line ---------------------------------------------------------- */

#define SETTINGS "the first line is subject=NAME [fills=50,80,95] [tries=5] [turns=1] [goes=oldest] [seed=1], then comes a recording"
#define SUBJECTS "potad, potad-movable, cma-pinned, cma-movable, contig-pinned, contig-recorded or contig-movable"

static int set_number(struct contig_file *f, const char *key, const char *value,
		      unsigned int least, unsigned int most, unsigned int *number)
{
	u64 n;
	int err = potad_parse_u64(value, &n);

	if (err || n < least || n > most)
		return fail(f, err ?: -ERANGE, "%s=%s: a number from %u to %u", key, value, least,
			    most);
	*number = n;
	return 0;
}

static int set_fills(struct contig_file *f, char *list)
{
	struct potad_contig *what = &f->what;
	char *word;
	int err;

	for (what->fills = 0; (word = strsep(&list, ",")); what->fills++) {
		unsigned int *fill = &what->fill[what->fills];

		if (what->fills == POTAD_CONTIG_FILLS)
			return fail(f, -E2BIG, "fills: at most %u", POTAD_CONTIG_FILLS);
		err = set_number(f, "fills", word, 1, 99, fill);
		if (err)
			return err;
	}
	return 0;
}

static int set(struct contig_file *f, const char *key, char *value)
{
	struct potad_contig *what = &f->what;
	int err;

	if (!strcmp(key, "subject")) {
		what->kind = potad_ground_kind(value);
		return what->kind ? 0 : fail(f, -EINVAL, "subject=%s: " SUBJECTS, value);
	}
	if (!strcmp(key, "fills"))
		return set_fills(f, value);
	if (!strcmp(key, "tries"))
		return set_number(f, key, value, 1, POTAD_CONTIG_TRIES, &what->tries);
	if (!strcmp(key, "turns"))
		return set_number(f, key, value, 0, POTAD_CONTIG_TURNS, &what->turns);
	if (!strcmp(key, "goes")) {
		what->any = !strcmp(value, "any");
		return what->any || !strcmp(value, "oldest") ? 0 :
			fail(f, -EINVAL, "goes=%s: oldest or any", value);
	}
	if (!strcmp(key, "seed")) {
		err = potad_parse_u64(value, &what->seed);
		return err ? fail(f, err, "seed=%s: a number", value) : 0;
	}
	return fail(f, -EINVAL, SETTINGS);
}

static int contig_begin(struct potad_stream *s, char *args)
{
	struct contig_file *f = file_of(s);
	char *word;
	int err;

	f->what = (struct potad_contig)POTAD_CONTIG_DEFAULT;
	while ((word = potad_next_word(&args))) {
		char *value = strchr(word, '=');

		if (!value)
			return fail(f, -EINVAL, SETTINGS);
		*value++ = '\0';
		err = set(f, word, value);
		if (err)
			return err;
	}
	if (!f->what.kind)
		return fail(f, -EINVAL, SETTINGS);
	f->tape = potad_tape_create();
	return f->tape ? 0 : fail(f, -ENOMEM, "no memory for a recording");
}

static int contig_read(struct potad_stream *s, const char *text, size_t len)
{
	struct contig_file *f = file_of(s);
	int err = potad_tape_read(f->tape, text, len);

	return err ? fail_tape(f, err) : 0;
}

/* The report -------------------------------------------------------------- */

static void reply_row(const struct potad_contig_row *row, void *arg)
{
	struct contig_file *f = arg;

	reply(f, "%u %u.%02u %llu %llu %u %u %u %llu %llu\n", row->fill, row->held / 100,
	      row->held % 100, row->bytes, row->align, row->tries, row->had, row->oracle,
	      row->median, row->max);
}

static void report(struct contig_file *f, const struct potad_contig_sums *sums)
{
	reply(f, "subject %s\n", potad_ground_name(f->what.kind));
#define REPLY(name, value) reply(f, name " %llu\n", (u64)(value))
	REPLY("bytes", sums->bytes);
	REPLY("cues", potad_tape_cues(f->tape));
	REPLY("passes", sums->passes);
	REPLY("allocs", sums->allocs);
	REPLY("frees", sums->frees);
	REPLY("gone", sums->gone);
	REPLY("refused", sums->refused);
#undef REPLY
}

static int fail_run(struct contig_file *f, int err, unsigned int reached)
{
	switch (err) {
	case -EBUSY:
		return fail(f, err, "another comparison is running");
	case -EEXIST:
		return fail(f, -EBUSY, "the region is not empty");
	case -EOPNOTSUPP:
		return fail(f, err, "%s: not on this kernel", potad_ground_name(f->what.kind));
	case -ENOSPC:
		return fail(f, err, "no memory as large as the region: the kernel's log says more");
	case -EINVAL:
		return fail(f, err, "granules above a page, or a region at no multiple of 2 MiB");
	case -ERANGE:
		return fail(f, err, "over and over, the recording fills %u percent and no more",
			    reached);
	case -EINTR:
		return fail(f, err, "interrupted");
	case -EUCLEAN:
		return fail(f, err, "the pool is not sound afterwards: see validate");
	default:
		return fail(f, err, "no memory");
	}
}

static int contig_end(struct potad_stream *s)
{
	struct contig_file *f = file_of(s);
	struct potad_contig_sums sums;
	int err = potad_tape_end(f->tape);

	if (err)
		return fail_tape(f, err);
	reply(f, "# fill held bytes align tries had oracle ns_median ns_max\n");
	err = potad_contig_run(&f->what, f->tape, &sums, reply_row, f);
	if (err)
		return fail_run(f, err, sums.reached);
	report(f, &sums);
	return 0;
}

static void contig_forget(struct potad_stream *s)
{
	struct contig_file *f = file_of(s);

	potad_tape_destroy(f->tape);
	f->tape = NULL;
}

static const struct potad_stream_ops contig_ops = {
	.name = "contig",
	.settings = SETTINGS,
	.bytes = sizeof(struct contig_file),
	.begin = contig_begin,
	.read = contig_read,
	.end = contig_end,
	.forget = contig_forget,
};

void potad_contig_files(struct dentry *dir)
{
	potad_stream_file(dir, &contig_ops);
}

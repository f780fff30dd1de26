// SPDX-License-Identifier: GPL-2.0
/*
 * compare/replay: a recording is written to it, and what became of it read back.
 *
 *	subject=potad every=100000      the first line: who, how often to look, and by how
 *	                                many threads (threads=2; else one for each CPU)
 *	...                             the recording, as stream.h tells
 *
 * The report is a name and a value a line, then a line that begins with # and names the
 * columns of the rest of it, one row every so many records, and one for the end.  What
 * a subject does not know is a dash there.
 *
 * One at a time, beside any other comparison, holds from the first line on.
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../compare/replay.h"
#include "../include/compat.h"
#include "../parse.h"
#include "replay.h"
#include "stream.h"

#define EVERY_MAX	BIT_ULL(40)

/* An open file; without a replay unless it runs. */
struct replay_file {
	struct potad_stream	stream;
	struct potad_replay	*replay;
};

#define reply(f, ...)	potad_stream_reply(&(f)->stream, __VA_ARGS__)
#define fail(f, ...)	potad_stream_fail(&(f)->stream, __VA_ARGS__)

static struct replay_file *file_of(struct potad_stream *s)
{
	return container_of(s, struct replay_file, stream);
}

/* The same, with what the replay has to say. */
static int fail_replay(struct replay_file *f, int err)
{
	u64 line, offset;
	const char *wrong = potad_replay_wrong(f->replay, &line, &offset);

	if (!wrong)
		wrong = err == -EINTR ? "interrupted" : "no memory";
	return fail(f, err, "line %llu, offset %llu: %s", line, offset, wrong);
}

/* The first line ---------------------------------------------------------- */

#define SETTINGS	"the first line is subject=NAME [every=RECORDS] [threads=N], then comes " \
			"a recording"
#define SUBJECTS	"potad, potad-described, buddy, buddy-described, kmalloc, cma, contig, " \
			"gpu, genalloc or empty"

/* From a word with a number behind its "=". */
static int positive(struct replay_file *f, char *word, u64 most, u64 *value)
{
	int err = potad_parse_u64(strchr(word, '=') + 1, value);

	if (!err && (!*value || *value > most))
		err = -ERANGE;
	return err ? fail(f, err, "%s: a number from 1 to %llu", word, most) : 0;
}

static int begin(struct replay_file *f, char *args)
{
	const char *subject = NULL, *why = NULL;
	u64 every = POTAD_REPLAY_EVERY, threads = 0;
	char *word;
	int err;

	while ((word = potad_next_word(&args))) {
		if (str_has_prefix(word, "subject=")) {
			subject = word + strlen("subject=");
		} else if (str_has_prefix(word, "every=")) {
			err = positive(f, word, EVERY_MAX, &every);
			if (err)
				return err;
		} else if (str_has_prefix(word, "threads=")) {
			err = positive(f, word, POTAD_REPLAY_THREADS, &threads);
			if (err)
				return err;
		} else {
			return fail(f, -EINVAL, SETTINGS);
		}
	}
	if (!subject)
		return fail(f, -EINVAL, SETTINGS);
	f->replay = potad_replay_begin(subject, every, threads, &why);
	err = PTR_ERR_OR_ZERO(f->replay);
	if (!err)
		return 0;
	f->replay = NULL;
	switch (err) {
	case -EINVAL:
		return fail(f, err, "subject=%s: " SUBJECTS, subject);
	case -EOPNOTSUPP:
		return fail(f, err, "subject=%s: %s", subject, why);
	case -EBUSY:
		return fail(f, err, "another comparison is running");
	case -EINTR:
		return fail(f, err, "interrupted");
	default:
		return fail(f, err, "no memory for a replay");
	}
}

static int replay_begin(struct potad_stream *s, char *args)
{
	return begin(file_of(s), args);
}

static int replay_read(struct potad_stream *s, const char *text, size_t len)
{
	struct replay_file *f = file_of(s);
	int err = potad_replay_read(f->replay, text, len);

	return err ? fail_replay(f, err) : 0;
}

/* The report -------------------------------------------------------------- */

/* A row, and where it goes. */
struct row_place {
	struct replay_file	*f;
	bool			counts;
	unsigned int		unit;
	unsigned int		orders;
};

static void reply_row(const struct potad_replay_row *row, void *arg)
{
	struct row_place *place = arg;
	unsigned int huge = max(place->unit, 21U) - place->unit, k;
	u64 largest = 0, whole = 0;

	for (k = 0; k <= place->orders; k++) {
		if (row->blocks[k])
			largest = 1ULL << (place->unit + k);
		if (k >= huge)
			whole += row->blocks[k] << (k - huge);
	}
	reply(place->f, "%llu %llu %llu %llu", row->events, row->live, row->bytes, row->failed);
	if (!place->counts) {
		reply(place->f, " - - - -\n");
		return;
	}
	reply(place->f, " %llu %llu %llu %llu", row->free, row->cached, whole, largest);
	for (k = 0; k <= place->orders; k++)
		reply(place->f, " %llu", row->blocks[k]);
	reply(place->f, "\n");
}

/* From tenths. */
static void reply_time(struct replay_file *f, const char *name, u64 time)
{
	reply(f, "%s %llu.%llu\n", name, time / 10, time % 10);
}

static void report(struct replay_file *f)
{
	const struct potad_replay_sums *sums = potad_replay_sums(f->replay);
	struct row_place place = {
		f, potad_replay_counts(f->replay), potad_replay_unit(f->replay),
		potad_replay_orders(f->replay),
	};
	const struct potad_tally *tally = &sums->crew.tally;
	unsigned int k;

	reply(f, "subject %s\n", potad_replay_subject(f->replay));
#define REPLY(name, value) reply(f, name " %llu\n", (u64)(value))
	REPLY("unit_bytes", 1ULL << place.unit);
	REPLY("threads", sums->threads);
	REPLY("recorded_cpus", sums->cpus);
	REPLY("events", sums->events);
	REPLY("present", sums->present);
	REPLY("allocs", sums->allocs);
	REPLY("frees", sums->frees);
	REPLY("splits", sums->splits);
	REPLY("failed", sums->failed);
	REPLY("short", sums->crew.refused);
	REPLY("frees_skipped", sums->skipped);
	REPLY("frees_elsewhere", sums->elsewhere);
	REPLY("waits", sums->crew.waits);
	REPLY("refused_when_recorded", sums->refused);
	REPLY("live_at_end", sums->live);
	REPLY("peak_asked_bytes", sums->asked);
	REPLY("peak_held_bytes", sums->peak);
	REPLY("elapsed_ns", sums->elapsed);
	REPLY("ns", tally->ns);
	REPLY("operations", tally->ops);
	REPLY("every", potad_replay_every(f->replay));
#undef REPLY
	reply_time(f, "ns_median", potad_tally_permille(tally, 500));
	reply_time(f, "ns_p99", potad_tally_permille(tally, 990));
	reply_time(f, "ns_p999", potad_tally_permille(tally, 999));
	reply_time(f, "ns_longest", tally->max);
	reply_time(f, "ns_mean", potad_tally_mean(tally));
	reply(f, "# events live held_bytes failed free_bytes cached_bytes free_2m largest_bytes");
	for (k = 0; place.counts && k <= place.orders; k++)
		reply(f, " order%u", k);
	reply(f, "\n");
	potad_replay_visit(f->replay, reply_row, &place);
}

static int replay_end(struct potad_stream *s)
{
	struct replay_file *f = file_of(s);
	int err = potad_replay_end(f->replay);

	if (err)
		return fail_replay(f, err);
	report(f);
	return 0;
}

static void replay_forget(struct potad_stream *s)
{
	struct replay_file *f = file_of(s);

	potad_replay_destroy(f->replay);
	f->replay = NULL;
}

static const struct potad_stream_ops replay_ops = {
	.name = "replay",
	.settings = SETTINGS,
	.bytes = sizeof(struct replay_file),
	.begin = replay_begin,
	.read = replay_read,
	.end = replay_end,
	.forget = replay_forget,
};

void potad_replay_files(struct dentry *dir)
{
	potad_stream_file(dir, &replay_ops);
}

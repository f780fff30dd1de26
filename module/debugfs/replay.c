// SPDX-License-Identifier: GPL-2.0
/*
 * compare/replay: a recording is written to it, and what became of it read back.
 *
 *	subject=potad every=100000      the first line: who, how often to look, and by how
 *	                                many threads (threads=2; else one for each CPU)
 *	# POTT 1 ...                    the recording (compare/recording.h), as it is,
 *	0,0,P,ab8a,1,0,0,0              in writes of any length
 *	...
 *
 * An open file is one replay.  A write that fails ends it, and so does the first
 * read, which finishes it and then has the report.  If that finds that something is
 * missing it fails; after any failure, to read is to read the reason:
 *
 *	error: EINVAL: line 12, offset 345: no block lives there
 *
 * The report is a name and a value a line, then a line that begins with # and names the
 * columns of the rest of it, one row every so many records, and one for the end.  What
 * a subject does not know is a dash there.
 *
 * Nothing is held longer than until the end, an error or close().  One at a time,
 * beside any other comparison, holds from the first line on.
 */
#include <linux/bits.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../compare/replay.h"
#include "../include/compat.h"
#include "../include/trace.h"
#include "../parse.h"
#include "replay.h"
#include "request.h"

#define SETTINGS_MAX	127
#define REPLY_SIZE	131072
#define PIECE		4096
#define EVERY_MAX	BIT_ULL(40)

enum replay_state {
	REPLAY_SETTINGS,	/* the first line has not ended */
	REPLAY_RUNS,
	REPLAY_FAILED,
	REPLAY_DONE,
};

/**
 * struct replay_file - an open file
 * @lock: protects the rest
 * @state: how far it is
 * @err: why it failed
 * @replay: if it runs
 * @settings: the first line
 * @settings_len: of what there is of it
 * @reply_len: of the report or the reason
 * @reply: that
 * @piece: what is being written
 */
struct replay_file {
	struct mutex		lock;		/* protects all of it */
	enum replay_state	state;
	int			err;
	struct potad_replay	*replay;
	size_t			settings_len;
	char			settings[SETTINGS_MAX + 1];
	size_t			reply_len;
	char			reply[REPLY_SIZE];
	char			piece[PIECE];
};

__printf(2, 3)
static void reply(struct replay_file *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	f->reply_len += vscnprintf(f->reply + f->reply_len, REPLY_SIZE - f->reply_len,
				   fmt, args);
	va_end(args);
}

/* It is over, with a reason. */
__printf(3, 4)
static int fail(struct replay_file *f, int err, const char *fmt, ...)
{
	size_t reason;
	va_list args;

	f->state = REPLAY_FAILED;
	f->err = err;
	f->reply_len = 0;
	reply(f, "error: %s: ", potad_err_name(err));
	reason = f->reply_len;
	va_start(args, fmt);
	f->reply_len += vscnprintf(f->reply + f->reply_len, REPLY_SIZE - f->reply_len,
				   fmt, args);
	va_end(args);
	trace_potad_refused("replay", f->reply + reason, err);
	reply(f, "\n");
	return err;
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

static int begin(struct replay_file *f)
{
	const char *subject = NULL, *why = NULL;
	u64 every = POTAD_REPLAY_EVERY, threads = 0;
	char *args = f->settings, *word;
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
	if (!err) {
		f->state = REPLAY_RUNS;
		return 0;
	}
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

/* Takes what belongs to the first line off @text.  Returns how much, or an errno. */
static ssize_t read_settings(struct replay_file *f, const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);
	size_t piece = newline ? newline - text : len;
	int err;

	if (f->settings_len + piece > SETTINGS_MAX || memchr(text, '\0', piece))
		return fail(f, -EINVAL, SETTINGS);
	memcpy(f->settings + f->settings_len, text, piece);
	f->settings_len += piece;
	f->settings[f->settings_len] = '\0';
	if (!newline)
		return len;
	err = begin(f);
	return err ?: piece + 1;
}

/* A piece of what is written. */
static int take(struct replay_file *f, const char *text, size_t len)
{
	ssize_t taken = 0;
	int err;

	if (f->state == REPLAY_SETTINGS) {
		taken = read_settings(f, text, len);
		if (taken < 0)
			return taken;
	}
	if (taken == len)
		return 0;
	err = potad_replay_read(f->replay, text + taken, len - taken);
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

	f->state = REPLAY_DONE;
	f->reply_len = 0;
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

/* The file ---------------------------------------------------------------- */

static int write_pieces(struct replay_file *f, const char __user *ubuf, size_t count)
{
	size_t done, len;
	int err;

	if (f->state == REPLAY_FAILED)
		return f->err;
	if (f->state == REPLAY_DONE)
		return fail(f, -EINVAL, "this replay has ended: open the file again");
	for (done = 0; done < count; done += len) {
		len = min_t(size_t, count - done, PIECE);
		if (copy_from_user(f->piece, ubuf + done, len))
			return fail(f, -EFAULT, "bad address");
		err = take(f, f->piece, len);
		if (err)
			return err;
		/* In what there are comments only nobody else looks. */
		cond_resched();
		if (fatal_signal_pending(current))
			return fail_replay(f, -EINTR);
	}
	return 0;
}

static ssize_t replay_write(struct file *file, const char __user *ubuf, size_t count,
			    loff_t *ppos)
{
	struct replay_file *f = file->private_data;
	int err;

	if (!count)
		return 0;
	err = potad_write_begin(file, ppos, &f->lock);
	if (err)
		return err;
	err = write_pieces(f, ubuf, count);
	if (err) {
		/* Whatever ended it, nothing is held from here on. */
		potad_replay_destroy(f->replay);
		f->replay = NULL;
	}
	mutex_unlock(&f->lock);
	return err ?: count;
}

/* The first read finishes it. */
static int finish(struct replay_file *f)
{
	int err;

	if (f->state == REPLAY_SETTINGS && f->settings_len)
		return fail(f, -EINVAL, SETTINGS);
	if (f->state != REPLAY_RUNS)
		return 0;
	err = potad_replay_end(f->replay);
	if (err)
		fail_replay(f, err);
	else
		report(f);
	potad_replay_destroy(f->replay);
	f->replay = NULL;
	return err;
}

static ssize_t replay_read(struct file *file, char __user *ubuf, size_t count, loff_t *ppos)
{
	struct replay_file *f = file->private_data;
	ssize_t ret = mutex_lock_interruptible(&f->lock);

	if (ret)
		return ret;
	ret = finish(f);
	if (!ret)
		ret = simple_read_from_buffer(ubuf, count, ppos, f->reply, f->reply_len);
	mutex_unlock(&f->lock);
	return ret;
}

static int replay_open(struct inode *inode, struct file *file)
{
	struct replay_file *f = kvzalloc_obj(*f, GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int replay_release(struct inode *inode, struct file *file)
{
	struct replay_file *f = file->private_data;

	potad_replay_destroy(f->replay);
	kvfree(f);
	return 0;
}

static const struct file_operations replay_fops = {
	.owner = THIS_MODULE,
	.open = replay_open,
	.read = replay_read,
	.write = replay_write,
	.llseek = default_llseek,
	.release = replay_release,
};

void potad_replay_files(struct dentry *dir)
{
	debugfs_create_file("replay", 0600, dir, NULL, &replay_fops);
}

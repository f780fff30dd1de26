// SPDX-License-Identifier: GPL-2.0
/*
 * compare/contig: a recording is written to it; memory is filled by that, and asked for
 * runs.
 *
 *	subject=potad fills=50,80,95 tries=5     the first line: whose memory, and so on
 *	# POTT 1 ...                             the recording (compare/recording.h)
 *	0,0,P,ab8a,1,0,0,0
 *	...
 *
 * As with compare/replay, an open file is one of them, writes may have any length, and a
 * write that fails ends it.  The first read does all the work, and then has the report; it
 * takes as long as it takes, and can be killed.  After any failure, to read is to read
 * the reason.
 *
 * The report begins with a line that begins with # and names the columns of the rows that
 * follow; then it is a name and a value a line.
 */
#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../compare/contig.h"
#include "../compare/ground.h"
#include "../compare/tape.h"
#include "../include/compat.h"
#include "../include/trace.h"
#include "../parse.h"
#include "contig.h"
#include "request.h"

#define SETTINGS_MAX	255
#define REPLY_SIZE	32768
#define PIECE		4096

enum contig_state {
	CONTIG_SETTINGS,	/* the first line has not ended */
	CONTIG_RECORDING,
	CONTIG_FAILED,
	CONTIG_DONE,
};

/**
 * struct contig_file - an open file
 * @lock: protects the rest
 * @state: how far it is
 * @err: why it failed
 * @what: what the first line says
 * @tape: the recording, as far as it was read
 * @settings_len: of what there is of the first line
 * @settings: that
 * @reply_len: of the report or the reason
 * @reply: that
 * @piece: what is being written
 */
struct contig_file {
	struct mutex		lock;		/* protects all of it */
	enum contig_state	state;
	int			err;
	struct potad_contig	what;
	struct potad_tape	*tape;
	size_t			settings_len;
	char			settings[SETTINGS_MAX + 1];
	size_t			reply_len;
	char			reply[REPLY_SIZE];
	char			piece[PIECE];
};

__printf(2, 3)
static void reply(struct contig_file *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	f->reply_len += vscnprintf(f->reply + f->reply_len, REPLY_SIZE - f->reply_len,
				   fmt, args);
	va_end(args);
}

/* It is over, with a reason. */
__printf(3, 4)
static int fail(struct contig_file *f, int err, const char *fmt, ...)
{
	size_t reason;
	va_list args;

	f->state = CONTIG_FAILED;
	f->err = err;
	f->reply_len = 0;
	reply(f, "error: %s: ", potad_err_name(err));
	reason = f->reply_len;
	va_start(args, fmt);
	f->reply_len += vscnprintf(f->reply + f->reply_len, REPLY_SIZE - f->reply_len,
				   fmt, args);
	va_end(args);
	trace_potad_refused("contig", f->reply + reason, err);
	reply(f, "\n");
	return err;
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

static int begin(struct contig_file *f)
{
	char *args = f->settings, *word;
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
	if (!f->tape)
		return fail(f, -ENOMEM, "no memory for a recording");
	f->state = CONTIG_RECORDING;
	return 0;
}

/* Takes what belongs to the first line off @text.  Returns how much, or an errno. */
static ssize_t read_settings(struct contig_file *f, const char *text, size_t len)
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
static int take(struct contig_file *f, const char *text, size_t len)
{
	ssize_t taken = 0;
	int err;

	if (f->state == CONTIG_SETTINGS) {
		taken = read_settings(f, text, len);
		if (taken < 0)
			return taken;
	}
	err = potad_tape_read(f->tape, text + taken, len - taken);
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
	f->state = CONTIG_DONE;
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

/* The first read does it. */
static int finish(struct contig_file *f)
{
	struct potad_contig_sums sums;
	int err;

	if (f->state == CONTIG_SETTINGS && f->settings_len)
		return fail(f, -EINVAL, SETTINGS);
	if (f->state != CONTIG_RECORDING)
		return 0;
	err = potad_tape_end(f->tape);
	if (err)
		return fail_tape(f, err);
	reply(f, "# fill held bytes align tries had oracle ns_median ns_max\n");
	err = potad_contig_run(&f->what, f->tape, &sums, reply_row, f);
	if (err)
		return fail_run(f, err, sums.reached);
	report(f, &sums);
	return 0;
}

/* The file ---------------------------------------------------------------- */

static int write_pieces(struct contig_file *f, const char __user *ubuf, size_t count)
{
	size_t done, len;
	int err;

	if (f->state == CONTIG_FAILED)
		return f->err;
	if (f->state == CONTIG_DONE)
		return fail(f, -EINVAL, "this one has ended: open the file again");
	for (done = 0; done < count; done += len) {
		len = min_t(size_t, count - done, PIECE);
		if (copy_from_user(f->piece, ubuf + done, len))
			return fail(f, -EFAULT, "bad address");
		err = take(f, f->piece, len);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static void forget(struct contig_file *f)
{
	potad_tape_destroy(f->tape);
	f->tape = NULL;
}

static ssize_t contig_write(struct file *file, const char __user *ubuf, size_t count,
			    loff_t *ppos)
{
	struct contig_file *f = file->private_data;
	int err;

	if (!count)
		return 0;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = mutex_lock_interruptible(&f->lock);
	if (err)
		return err;
	/* The report is read from its beginning, even if this fails. */
	*ppos = 0;
	file->f_pos = 0;
	err = write_pieces(f, ubuf, count);
	if (err)
		forget(f);
	mutex_unlock(&f->lock);
	return err ?: count;
}

static ssize_t contig_read(struct file *file, char __user *ubuf, size_t count, loff_t *ppos)
{
	struct contig_file *f = file->private_data;
	ssize_t ret = mutex_lock_interruptible(&f->lock);

	if (ret)
		return ret;
	ret = finish(f);
	if (f->state == CONTIG_FAILED || f->state == CONTIG_DONE)
		forget(f);
	if (!ret)
		ret = simple_read_from_buffer(ubuf, count, ppos, f->reply, f->reply_len);
	mutex_unlock(&f->lock);
	return ret;
}

static int contig_open(struct inode *inode, struct file *file)
{
	struct contig_file *f = kvzalloc_obj(*f, GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int contig_release(struct inode *inode, struct file *file)
{
	struct contig_file *f = file->private_data;

	forget(f);
	kvfree(f);
	return 0;
}

static const struct file_operations contig_fops = {
	.owner = THIS_MODULE,
	.open = contig_open,
	.read = contig_read,
	.write = contig_write,
	.llseek = default_llseek,
	.release = contig_release,
};

void potad_contig_files(struct dentry *dir)
{
	debugfs_create_file("contig", 0600, dir, NULL, &contig_fops);
}

// SPDX-License-Identifier: GPL-2.0
/* Streams; the story is in stream.h. */
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "../parse.h"
#include "request.h"
#include "stream.h"

__printf(2, 0)
static void add(struct potad_stream *s, const char *fmt, va_list args)
{
	s->reply_len += vscnprintf(s->reply + s->reply_len, sizeof(s->reply) - s->reply_len,
				   fmt, args);
}

/* More of the report. */
void potad_stream_reply(struct potad_stream *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(s, fmt, args);
	va_end(args);
}

/* It is over, with a reason in place of a report.  Returns @err. */
int potad_stream_fail(struct potad_stream *s, int err, const char *fmt, ...)
{
	size_t reason;
	va_list args;

	s->state = POTAD_STREAM_FAILED;
	s->err = err;
	s->reply_len = 0;
	potad_stream_reply(s, "error: %s: ", potad_err_name(err));
	reason = s->reply_len;
	va_start(args, fmt);
	add(s, fmt, args);
	va_end(args);
	trace_potad_refused(s->ops->name, s->reply + reason, err);
	potad_stream_reply(s, "\n");
	return err;
}

static int wrong_settings(struct potad_stream *s)
{
	return potad_stream_fail(s, -EINVAL, "%s", s->ops->settings);
}

/* Takes what belongs to the first line off @text.  Returns how much, or an errno. */
static ssize_t first_line(struct potad_stream *s, const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);
	size_t piece = newline ? newline - text : len;
	int err;

	if (s->settings_len + piece > POTAD_STREAM_SETTINGS || memchr(text, '\0', piece))
		return wrong_settings(s);
	memcpy(s->settings + s->settings_len, text, piece);
	s->settings_len += piece;
	s->settings[s->settings_len] = '\0';
	if (!newline)
		return len;
	err = s->ops->begin(s, s->settings);
	if (err)
		return err;
	s->state = POTAD_STREAM_RECORDING;
	return piece + 1;
}

/* A piece of what is written. */
static int take(struct potad_stream *s, const char *text, size_t len)
{
	ssize_t taken = 0;

	if (s->state == POTAD_STREAM_FIRST_LINE) {
		taken = first_line(s, text, len);
		if (taken < 0)
			return taken;
	}
	return taken < len ? s->ops->read(s, text + taken, len - taken) : 0;
}

static int write_pieces(struct potad_stream *s, const char __user *ubuf, size_t count)
{
	size_t done, len;
	int err;

	if (s->state == POTAD_STREAM_FAILED)
		return s->err;
	if (s->state == POTAD_STREAM_DONE)
		return potad_stream_fail(s, -EINVAL, "this %s has ended: open the file again",
					 s->ops->name);
	for (done = 0; done < count; done += len) {
		len = min_t(size_t, count - done, POTAD_STREAM_PIECE);
		if (copy_from_user(s->piece, ubuf + done, len))
			return potad_stream_fail(s, -EFAULT, "bad address");
		err = take(s, s->piece, len);
		if (err)
			return err;
		/* In what there are comments only nobody else looks. */
		cond_resched();
		if (fatal_signal_pending(current))
			return potad_stream_fail(s, -EINTR, "interrupted");
	}
	return 0;
}

static ssize_t recording_write(struct file *file, const char __user *ubuf, size_t count,
			       loff_t *ppos)
{
	struct potad_stream *s = file->private_data;
	int err;

	if (!count)
		return 0;
	err = potad_write_begin(file, ppos, &s->lock);
	if (err)
		return err;
	err = write_pieces(s, ubuf, count);
	if (err)
		s->ops->forget(s);
	mutex_unlock(&s->lock);
	return err ?: count;
}

/* The first read finishes it. */
static int finish(struct potad_stream *s)
{
	int err;

	if (s->state == POTAD_STREAM_FIRST_LINE && s->settings_len)
		return wrong_settings(s);
	if (s->state != POTAD_STREAM_RECORDING)
		return 0;
	err = s->ops->end(s);
	if (!err)
		s->state = POTAD_STREAM_DONE;
	s->ops->forget(s);
	return err;
}

static ssize_t recording_read(struct file *file, char __user *ubuf, size_t count, loff_t *ppos)
{
	struct potad_stream *s = file->private_data;
	ssize_t ret = mutex_lock_interruptible(&s->lock);

	if (ret)
		return ret;
	ret = finish(s);
	if (!ret)
		ret = simple_read_from_buffer(ubuf, count, ppos, s->reply, s->reply_len);
	mutex_unlock(&s->lock);
	return ret;
}

static int recording_open(struct inode *inode, struct file *file)
{
	const struct potad_stream_ops *ops = inode->i_private;
	struct potad_stream *s = kvzalloc(ops->bytes, GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->ops = ops;
	mutex_init(&s->lock);
	file->private_data = s;
	return 0;
}

static int recording_release(struct inode *inode, struct file *file)
{
	struct potad_stream *s = file->private_data;

	s->ops->forget(s);
	kvfree(s);
	return 0;
}

static const struct file_operations recording_fops = {
	.owner = THIS_MODULE,
	.open = recording_open,
	.read = recording_read,
	.write = recording_write,
	.llseek = default_llseek,
	.release = recording_release,
};

/* Makes the file, which lasts no longer than the module. */
void potad_stream_file(struct dentry *dir, const struct potad_stream_ops *ops)
{
	debugfs_create_file(ops->name, 0600, dir, (void *)ops, &recording_fops);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Requests on an open file; the rules are in request.h.
 *
 * The answer is kept with the open file, under its mutex.  So is room for the
 * command: all memory is taken at open, and a block can be freed when there is
 * none left.  debugfs sees to it that no operation runs any more when the file
 * has been removed.
 */
#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../include/trace.h"
#include "request.h"

struct potad_request {
	struct mutex	lock;		/* protects all of it */
	const struct potad_action *action;
	size_t		len;
	bool		truncated;
	char		text[POTAD_COMMAND_MAX + 1];
	char		reply[POTAD_REPLY_SIZE];
};

/* As in errno.h.  The kernel's own errname() is not for modules, and not in every kernel. */
const char *potad_err_name(int err)
{
#define NAME(e) { e, #e }
	static const struct {
		int		err;
		const char	*name;
	} names[] = {
		NAME(E2BIG), NAME(EAGAIN), NAME(EBUSY), NAME(EFAULT), NAME(EHWPOISON),
		NAME(EINTR), NAME(EINVAL), NAME(ENODEV), NAME(ENOENT), NAME(ENOMEM),
		NAME(ENOSPC), NAME(ENXIO), NAME(EOPNOTSUPP), NAME(EPERM),
		NAME(ERANGE), NAME(EUCLEAN),
	};
#undef NAME
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].err == -err)
			return names[i].name;
	return "error";
}

__printf(2, 0)
static void vreply(struct potad_request *req, const char *fmt, va_list args)
{
	static const char more[] = "...\n";
	size_t room = sizeof(req->reply) - sizeof(more) - req->len;
	size_t len;

	if (req->truncated)
		return;
	len = vsnprintf(req->reply + req->len, room, fmt, args);
	if (len < room) {
		req->len += len;
		return;
	}
	/* A line that does not fit is left out whole. */
	memcpy(req->reply + req->len, more, sizeof(more));
	req->len += strlen(more);
	req->truncated = true;
}

/* Adds to the answer; what does not fit is left out, and "..." says so. */
void potad_reply(struct potad_request *req, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreply(req, fmt, args);
	va_end(args);
}

/* Was something left out? */
bool potad_reply_truncated(const struct potad_request *req)
{
	return req->truncated;
}

/**
 * potad_refuse() - the answer to a command that cannot be done
 * @req: the request
 * @err: negative errno
 * @fmt: the reason, in words, without a newline
 *
 * Return: @err.
 */
int potad_refuse(struct potad_request *req, int err, const char *fmt, ...)
{
	va_list args;
	size_t reason;

	req->len = 0;
	req->truncated = false;
	potad_reply(req, "error: %s: ", potad_err_name(err));
	reason = req->len;
	va_start(args, fmt);
	vreply(req, fmt, args);
	va_end(args);
	trace_potad_refused(req->action->name, req->reply + reason, err);
	pr_debug("potad: %s: %s\n", req->action->name, req->reply);
	potad_reply(req, "\n");
	return err;
}

static int run(struct potad_request *req, size_t count)
{
	char *text = req->text;

	text[count] = '\0';
	if (strlen(text) != count)
		return potad_refuse(req, -EINVAL, "a byte of 0 in the command");
	if (count && text[count - 1] == '\n')
		text[--count] = '\0';
	if (strchr(text, '\n'))
		return potad_refuse(req, -EINVAL, "more than one line: one command a write");
	if (!count)
		return potad_refuse(req, -EINVAL, "an empty command");
	if (strchr(" \t", text[0]) || strchr(" \t", text[count - 1]))
		return potad_refuse(req, -EINVAL, "a blank before or after the command");
	return req->action->run(req, text);
}

/**
 * potad_write_begin() - somebody writes to a file that gives answers
 * @file: the open file
 * @ppos: where in it; set to its beginning, as @file's own place is: the answer is read
 *	  from there, even if this fails
 * @lock: the open file's, taken
 *
 * Context: Process context; may sleep.
 * Return: 0, and @lock is held; -EPERM: no CAP_SYS_ADMIN, whoever opened it;
 * -EINTR: a signal has come.
 */
int potad_write_begin(struct file *file, loff_t *ppos, struct mutex *lock)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = mutex_lock_interruptible(lock);
	if (err)
		return err;
	*ppos = 0;
	file->f_pos = 0;
	return 0;
}

static ssize_t request_write(struct file *file, const char __user *ubuf,
			     size_t count, loff_t *ppos)
{
	struct potad_request *req = file->private_data;
	int err;

	if (!count)
		return 0;
	err = potad_write_begin(file, ppos, &req->lock);
	if (err)
		return err;
	req->len = 0;
	req->truncated = false;
	if (count > POTAD_COMMAND_MAX)
		err = potad_refuse(req, -E2BIG, "%zu bytes: a command has at most %u",
				   count, POTAD_COMMAND_MAX);
	else if (copy_from_user(req->text, ubuf, count))
		err = -EFAULT;
	else
		err = run(req, count);
	mutex_unlock(&req->lock);
	return err ?: count;
}

static ssize_t request_read(struct file *file, char __user *ubuf, size_t count,
			    loff_t *ppos)
{
	struct potad_request *req = file->private_data;
	ssize_t ret = mutex_lock_interruptible(&req->lock);

	if (ret)
		return ret;
	ret = simple_read_from_buffer(ubuf, count, ppos, req->reply, req->len);
	mutex_unlock(&req->lock);
	return ret;
}

static int request_open(struct inode *inode, struct file *file)
{
	struct potad_request *req = kvzalloc(sizeof(*req), GFP_KERNEL);

	if (!req)
		return -ENOMEM;
	mutex_init(&req->lock);
	req->action = inode->i_private;
	file->private_data = req;
	return 0;
}

static int request_release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);
	return 0;
}

static const struct file_operations request_fops = {
	.owner = THIS_MODULE,
	.open = request_open,
	.read = request_read,
	.write = request_write,
	.llseek = default_llseek,
	.release = request_release,
};

/* The file of an action: in a directory, for root. */
void potad_action_file(struct dentry *dir, const struct potad_action *action)
{
	debugfs_create_file(action->name, 0600, dir, (void *)action, &request_fops);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests: a command is written to a file, and its answer read from the same
 * open file.
 *
 * One write is one command, with or without a newline at its end; at most 4095
 * bytes. Where in the file it is written does not matter; the answer is read
 * from the beginning.  Each command replaces the answer of the one before.  A
 * command that fails makes the write fail with an errno, and leaves an answer
 *
 *	error: EINVAL: size 0: a block has at least one byte
 *
 * Two programs that use one open file at once get in each other's way, and in
 * nobody else's.
 */
#ifndef POTAD_DEBUGFS_REQUEST_H
#define POTAD_DEBUGFS_REQUEST_H

#include <linux/compiler.h>
#include <linux/types.h>

#define POTAD_COMMAND_MAX	4095
#define POTAD_REPLY_SIZE	65536

struct dentry;
struct file;
struct mutex;
struct potad_request;

/**
 * struct potad_action - a file that takes commands
 * @name: of the file
 * @run: do what @args say, and potad_reply(); or return potad_refuse().  May
 *	 change @args.  Process context, no lock but the open file's own.
 */
struct potad_action {
	const char	*name;
	int		(*run)(struct potad_request *req, char *args);
};

__printf(2, 3)
void potad_reply(struct potad_request *req, const char *fmt, ...);
bool potad_reply_truncated(const struct potad_request *req);
__printf(3, 4)
int potad_refuse(struct potad_request *req, int err, const char *fmt, ...);

/* For files of other kinds that answer as well. */
int potad_write_begin(struct file *file, loff_t *ppos, struct mutex *lock);
const char *potad_err_name(int err);

void potad_action_file(struct dentry *dir, const struct potad_action *action);

#endif /* POTAD_DEBUGFS_REQUEST_H */

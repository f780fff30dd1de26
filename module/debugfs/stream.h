/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Streams: a recording of any length is written to a file, and what became of it read
 * back.
 *
 *	subject=potad every=100000      the first line: settings, words with blanks between
 *	# POTT 1                        the recording (compare/recording.h), as it is,
 *	0,0,P,ab8a,1,0,0,0              in writes of any length
 *	...
 *
 * An open file is one of them.  A write that fails ends it, and so does the first read,
 * which may take long, and then has the report.  If that finds that something is missing
 * it fails; after any failure, to read is to read the reason:
 *
 *	error: EINVAL: line 12, offset 345: no block lives there
 *
 * Whatever ends it, an error or close(), nothing is held from there on.
 */
#ifndef POTAD_DEBUGFS_STREAM_H
#define POTAD_DEBUGFS_STREAM_H

#include <linux/compiler.h>
#include <linux/mutex.h>
#include <linux/types.h>

#define POTAD_STREAM_SETTINGS	255
#define POTAD_STREAM_REPLY	131072
#define POTAD_STREAM_PIECE	4096

struct dentry;
struct potad_stream;

/**
 * struct potad_stream_ops - what the streams of a file do
 * @name: of the file
 * @settings: what the first line has to be, for those who got it wrong
 * @bytes: of what an open file is; a struct potad_stream is the first of it
 * @begin: the first line is there; it may be changed
 * @read: a piece of the recording is there, which may end anywhere
 * @end: nothing more will come; have the report, by potad_stream_reply()
 * @forget: gives back all that is held; also if there is nothing
 *
 * All are called in process context, with the stream's lock held but for @forget in the
 * end, and may sleep.  Those that return an int return 0, or what potad_stream_fail() does.
 */
struct potad_stream_ops {
	const char	*name;
	const char	*settings;
	size_t		bytes;
	int		(*begin)(struct potad_stream *s, char *settings);
	int		(*read)(struct potad_stream *s, const char *text, size_t len);
	int		(*end)(struct potad_stream *s);
	void		(*forget)(struct potad_stream *s);
};

enum potad_stream_state {
	POTAD_STREAM_FIRST_LINE,	/* it has not ended */
	POTAD_STREAM_RECORDING,
	POTAD_STREAM_FAILED,
	POTAD_STREAM_DONE,
};

/**
 * struct potad_stream - an open file
 * @ops: what it does
 * @lock: protects the rest, and what it is the first of
 * @state: how far it is
 * @err: why it failed
 * @settings_len: of what there is of the first line
 * @settings: that
 * @reply_len: of the report or the reason
 * @reply: that
 * @piece: what is being written
 */
struct potad_stream {
	const struct potad_stream_ops *ops;
	struct mutex		lock;		/* protects all that follows */
	enum potad_stream_state	state;
	int			err;
	size_t			settings_len;
	char			settings[POTAD_STREAM_SETTINGS + 1];
	size_t			reply_len;
	char			reply[POTAD_STREAM_REPLY];
	char			piece[POTAD_STREAM_PIECE];
};

__printf(2, 3) void potad_stream_reply(struct potad_stream *s, const char *fmt, ...);
__printf(3, 4) int potad_stream_fail(struct potad_stream *s, int err, const char *fmt, ...);
void potad_stream_file(struct dentry *dir, const struct potad_stream_ops *ops);

#endif /* POTAD_DEBUGFS_STREAM_H */

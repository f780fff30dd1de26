// SPDX-License-Identifier: GPL-2.0
/*
 * The files of memory that fails.
 *
 *	inject    ADDRESS [LENGTH] [soft]
 *	          HANDLE+OFFSET [LENGTH] [soft]
 *	inject_random  count=N [rate=N] [seed=N] [type=NAME] [soft=1] [undo=1]
 *	unpoison  ADDRESS [LENGTH]
 *	failures  the last events, and then the end of the file
 *	follow    events as they come: whoever reads waits for the next one
 *
 * An event is a line, as the first one of each file says.  The numbers only grow: one
 * that is missed out was pushed from the ring before it was read.  poll() on either
 * file says when there is something that this reader has not read yet.
 *
 * Of the kernel's fault injection inject_random has count and rate where that has
 * times and interval.  Its attributes decide whether some call fails; here there is
 * no call, so they are not what is used.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "../include/compat.h"
#include "../parse.h"
#include "failures.h"
#include "words.h"

static struct potad_pool *pool;		/* constant while there are files */

/* Pretending ------------------------------------------------------------- */

static void reply_event(const struct potad_event *event, void *arg)
{
	struct potad_request *req = arg;

	potad_reply(req, "address=0x%llx length=%llu state=%s quarantined=%d",
		    (u64)event->phys, event->length, potad_what_name(event->what),
		    event->what == POTAD_IS_FREE);
	if (event->what == POTAD_IS_BLOCK)
		potad_reply(req, " block=0x%llx type=%s", (u64)event->block, event->type);
	potad_reply(req, " told=%d answer=%s", event->answer != POTAD_UNTOLD,
		    potad_answer_name(event->answer));
	if (event->moved)
		potad_reply(req, " moved=0x%llx", (u64)event->moved);
	potad_reply(req, "\n");
}

static int refuse_range(struct potad_request *req, int err, u64 phys, u64 length)
{
	switch (err) {
	case -EINVAL:
		return length ? potad_refuse(req, err, "0x%llx, %llu bytes: not all has failed",
					     phys, length) :
				potad_refuse(req, err, "length 0: at least one byte fails");
	case -ENXIO:
		return potad_outside(req, pool, phys, length);
	case -E2BIG:
		return potad_refuse(req, err, "length %llu: at most %lu bytes fail at once",
				    length, POTAD_FAIL_MAX);
	case -EHWPOISON:
		return potad_refuse(req, err, "0x%llx, %llu bytes: has failed already",
				    phys, length);
	case -EPERM:
		return potad_refuse(req, err, "0x%llx, %llu bytes: some of it failed really",
				    phys, length);
	default:
		return potad_refuse(req, err, "not all of it could be marked: see failures");
	}
}

/* HANDLE+OFFSET, of a block or a run. */
static int handle_address(struct potad_request *req, char *text, char *plus, u64 *phys)
{
	unsigned long found;
	struct potad_held held;
	u64 handle, offset;
	int err;

	*plus = '\0';
	err = potad_word_handle(req, text, &handle) ?:
	      potad_word_bytes(req, "offset", plus + 1, &offset);
	if (err)
		return err;
	found = handle;
	if (handle != found || !potad_holder_next(&found, &held) || found != handle)
		return potad_refuse(req, -ENOENT, "handle %llu is not given out", handle);
	if (held.kind == POTAD_HELD_AREA)
		return potad_refuse(req, -EOPNOTSUPP, "handle %llu is in pieces: give an address",
				    handle);
	if (offset >= held.block.bytes)
		return potad_refuse(req, -ERANGE, "handle %llu has %llu bytes, none at %llu",
				    handle, held.block.bytes, offset);
	*phys = held.block.phys + offset;
	return 0;
}

#define INJECT_USAGE "ADDRESS [LENGTH] [soft], or HANDLE+OFFSET in the place of ADDRESS"

static int inject_run(struct potad_request *req, char *args)
{
	char *text = potad_next_word(&args), *len = potad_next_word(&args);
	char *how = potad_next_word(&args), *plus = strchr(text, '+');
	unsigned int flags = POTAD_FAIL_INJECTED;
	u64 phys, length = 1;
	int err;

	if (len && !how && !strcmp(len, "soft")) {
		how = len;
		len = NULL;
	}
	if (*args || (how && strcmp(how, "soft")))
		return potad_want_words(req, INJECT_USAGE);
	if (how)
		flags |= POTAD_FAIL_SOFT;
	err = plus ? handle_address(req, text, plus, &phys) :
		     potad_word_address(req, text, &phys);
	if (!err && len)
		err = potad_word_bytes(req, "length", len, &length);
	if (err)
		return err;
	err = potad_pool_fail(pool, phys, length, flags, reply_event, req);
	return err ? refuse_range(req, err, phys, length) : 0;
}

static int unpoison_run(struct potad_request *req, char *args)
{
	char *text = potad_next_word(&args), *len = potad_next_word(&args);
	u64 phys, length = 1;
	int err;

	if (*args)
		return potad_want_words(req, "ADDRESS [LENGTH]");
	err = potad_word_address(req, text, &phys);
	if (!err && len)
		err = potad_word_bytes(req, "length", len, &length);
	if (err)
		return err;
	err = potad_unpoison(pool, phys, length);
	if (err)
		return refuse_range(req, err, phys, length);
	potad_reply(req, "address=0x%llx length=%llu good\n", phys, length);
	return 0;
}

/* Pretending at random --------------------------------------------------- */

#define RANDOM_USAGE "count=N [rate=N] [seed=N] [type=NAME] [soft=1] [undo=1]"

/**
 * struct random - failures at random
 * @count: how many
 * @rate: how many a second; 0: as many as there can be
 * @seed: of the places
 * @type: only in blocks of this type; NULL: anywhere
 * @soft: soft ones
 * @undo: each is taken back at once
 * @rnd: the places
 * @what: what was there, by enum potad_what
 * @answers: what was answered
 * @done: how many there were
 * @already: how many places had failed before
 * @undone: how many were taken back
 */
struct random {
	u64			count, rate, seed, soft, undo;
	const char		*type;
	struct rnd_state	rnd;
	u64			what[POTAD_IS_HOLE + 1];
	u64			answers[POTAD_LATE + 1];
	u64			done, already, undone;
};

static void random_event(const struct potad_event *event, void *arg)
{
	struct random *r = arg;

	r->what[event->what]++;
	r->answers[event->answer]++;
}

static u64 random_below(struct random *r, u64 limit)
{
	u64 n = (u64)prandom_u32_state(&r->rnd) << 32;

	return (n | prandom_u32_state(&r->rnd)) % limit;
}

/* A place in a block of the type, the first from a random one on. */
static int random_of_type(struct random *r, phys_addr_t *phys)
{
	phys_addr_t from = *phys, end = pool->start + pool->bytes;
	struct potad_info info;
	bool around = false;

	while (!around || *phys < from) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (potad_lookup(pool, *phys, &info))
			return -ENXIO;
		if (info.what == POTAD_IS_BLOCK && !strcmp(info.type, r->type)) {
			*phys = info.phys + random_below(r, info.bytes);
			return 0;
		}
		*phys = info.phys + info.bytes;
		if (*phys >= end) {
			if (around)
				break;
			*phys = pool->start;
			around = true;
		}
		cond_resched();
	}
	return -ENOENT;
}

/* One failure.  0, or why there can be no more. */
static int random_one(struct random *r)
{
	unsigned int flags = POTAD_FAIL_INJECTED | (r->soft ? POTAD_FAIL_SOFT : 0);
	phys_addr_t phys = pool->start + random_below(r, pool->bytes);
	int err;

	if (r->type) {
		err = random_of_type(r, &phys);
		if (err)
			return err;
	}
	err = potad_pool_fail(pool, phys, 1, flags, random_event, r);
	r->done++;
	if (err == -EHWPOISON) {
		r->already++;
		return 0;
	}
	/* A hole has been met; and what others have taken back has not failed. */
	if (err)
		return err == -ENXIO ? 0 : err;
	if (r->undo && !potad_unpoison(pool, phys, 1))
		r->undone++;
	return 0;
}

static int random_all(struct random *r)
{
	u64 begun = ktime_get_ns(), due, now;
	int err = 0;

	prandom_seed_state(&r->rnd, r->seed);
	while (r->done < r->count && !err) {
		if (signal_pending(current))
			return -EINTR;
		err = random_one(r);
		cond_resched();
		if (!r->rate || err)
			continue;
		/* Late ones are made up for. */
		due = begun + mul_u64_u64_div_u64(r->done, NSEC_PER_SEC, r->rate);
		now = ktime_get_ns();
		if (now < due && msleep_interruptible(div_u64(due - now, NSEC_PER_MSEC)))
			return -EINTR;
	}
	return err;
}

static int random_key(struct potad_request *req, char *word, struct random *r)
{
	const struct {
		const char	*name;
		u64		*value, min, max;
	} keys[] = {
		{ "count", &r->count, 1, U64_MAX }, { "rate", &r->rate, 1, USEC_PER_SEC },
		{ "seed", &r->seed, 0, U64_MAX }, { "soft", &r->soft, 0, 1 },
		{ "undo", &r->undo, 0, 1 },
	};
	char *value = strchr(word, '=');
	unsigned int i;
	int err;

	if (!value)
		return potad_want_words(req, RANDOM_USAGE);
	*value++ = '\0';
	if (!strcmp(word, "type")) {
		r->type = value;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(word, keys[i].name))
			continue;
		err = potad_parse_u64(value, keys[i].value);
		if (err)
			return potad_bad_number(req, err, word, value);
		if (*keys[i].value < keys[i].min || *keys[i].value > keys[i].max)
			return potad_refuse(req, -ERANGE, "%s=%s: %llu to %llu", word, value,
					    keys[i].min, keys[i].max);
		return 0;
	}
	return potad_refuse(req, -EINVAL, "no key is %s: " RANDOM_USAGE, word);
}

static int random_run(struct potad_request *req, char *args)
{
	struct random r = { .seed = get_random_u64() };
	char *word;
	int err = 0;

	while (!err && (word = potad_next_word(&args)))
		err = random_key(req, word, &r);
	if (err)
		return err;
	if (!r.count)
		return potad_want_words(req, RANDOM_USAGE);
	err = random_all(&r);
	if (err && err != -EINTR && err != -ENOENT)
		return potad_refuse(req, err, "after %llu: not all could be marked", r.done);
	if (err)
		potad_refuse(req, err, err == -EINTR ? "interrupted after %llu" :
			     "no block of that type after %llu", r.done);
	potad_reply(req, "seed=%llu done=%llu already=%llu free=%llu blocks=%llu bare=%llu",
		    r.seed, r.done, r.already, r.what[POTAD_IS_FREE], r.what[POTAD_IS_BLOCK],
		    r.what[POTAD_IS_BARE]);
	potad_reply(req, " untold=%llu recovered=%llu moved=%llu", r.answers[POTAD_UNTOLD],
		    r.answers[POTAD_RECOVERED], r.answers[POTAD_MOVED]);
	potad_reply(req, " lost=%llu refused=%llu late=%llu undone=%llu\n",
		    r.answers[POTAD_LOST], r.answers[POTAD_REFUSED], r.answers[POTAD_LATE],
		    r.undone);
	return err;
}

const struct potad_action potad_failure_actions[] = {
	{ "inject", inject_run },
	{ "inject_random", random_run },
	{ "unpoison", unpoison_run },
};

const unsigned int potad_failure_actions_nr = ARRAY_SIZE(potad_failure_actions);

/* What was found --------------------------------------------------------- */

static const char * const table_head =
	"seq address length state type told answer offset how moved\n";

/* A line of the table; how many characters it has. */
static int print_event(char *line, size_t size, const struct potad_event *event)
{
	int len = scnprintf(line, size, "%llu 0x%llx %llu %s %s %d %s %llu %s%s%s", event->seq,
			    (u64)event->phys, event->length, potad_what_name(event->what),
			    event->type[0] ? event->type : "-",
			    event->answer != POTAD_UNTOLD, potad_answer_name(event->answer),
			    event->bytes ? event->phys - event->block : 0,
			    event->flags & POTAD_FAIL_SOFT ? "soft" : "hard",
			    event->flags & POTAD_FAIL_INJECTED ? ",injected" : "",
			    event->late ? ",late" : "");

	if (event->moved)
		len += scnprintf(line + len, size - len, " 0x%llx\n", (u64)event->moved);
	else
		len += scnprintf(line + len, size - len, " -\n");
	return len;
}

#define LINE_MAX	192

/* The first one from number @pos on that is kept, which @pos becomes. */
static bool next_event(u64 *pos, struct potad_event *event)
{
	u64 events = potad_pool_events(pool);

	if (events > POTAD_EVENTS)
		*pos = max_t(u64, *pos, events - POTAD_EVENTS + 1);
	for (; *pos <= events; ++*pos)
		if (potad_pool_event(pool, *pos, event))
			return true;
	return false;
}

static void *failures_at(loff_t *pos, struct potad_event *event)
{
	u64 seq = *pos;
	bool found = next_event(&seq, event);

	*pos = seq;
	return found ? event : NULL;
}

static void *failures_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? failures_at(pos, m->private) : SEQ_START_TOKEN;
}

static void *failures_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return failures_at(pos, m->private);
}

static void failures_stop(struct seq_file *m, void *v)
{
}

static int failures_show(struct seq_file *m, void *v)
{
	char line[LINE_MAX];

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, table_head);
		return 0;
	}
	print_event(line, sizeof(line), v);
	seq_puts(m, line);
	return 0;
}

static const struct seq_operations failures_sops = {
	.start = failures_start, .next = failures_next,
	.stop = failures_stop, .show = failures_show,
};

static int failures_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &failures_sops, sizeof(struct potad_event));
}

/* A number below @next has been read. */
static __poll_t poll_from(struct file *file, struct poll_table_struct *wait, u64 next)
{
	poll_wait(file, &pool->events_wait, wait);
	return potad_pool_events(pool) >= next ? EPOLLIN | EPOLLRDNORM : 0;
}

/* An open file holds the module, so that what poll() waits on stays. */
static __poll_t failures_poll(struct file *file, struct poll_table_struct *wait)
{
	struct seq_file *m = file->private_data;

	return poll_from(file, wait, READ_ONCE(m->index) ?: 1);
}

static const struct file_operations failures_fops = {
	.owner = THIS_MODULE,
	.open = failures_open,
	.read = seq_read,
	.poll = failures_poll,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/**
 * struct follower - an open follow file
 * @lock: for two readers of one file
 * @next: number of the event that is read next
 * @head: the first line has been read
 */
struct follower {
	struct mutex	lock;	/* protects the rest */
	u64		next;
	bool		head;
};

/* Of those that are kept already, none: who wants them reads failures. */
static int follow_open(struct inode *inode, struct file *file)
{
	struct follower *f = kzalloc_obj(*f, GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	f->next = potad_pool_events(pool) + 1;
	file->private_data = f;
	return nonseekable_open(inode, file);
}

/* As many lines as fit; 0: there is none.  A line that does not fit is -EINVAL. */
static ssize_t follow_lines(struct follower *f, char __user *buf, size_t count)
{
	struct potad_event event;
	char line[LINE_MAX];
	size_t done = 0;
	int len;

	while (!f->head || next_event(&f->next, &event)) {
		len = f->head ? print_event(line, sizeof(line), &event) :
				scnprintf(line, sizeof(line), "%s", table_head);
		if (len > count - done)
			return done ?: -EINVAL;
		if (copy_to_user(buf + done, line, len))
			return done ?: -EFAULT;
		done += len;
		if (f->head)
			f->next++;
		f->head = true;
	}
	return done;
}

static ssize_t follow_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct follower *f = file->private_data;
	ssize_t ret = mutex_lock_interruptible(&f->lock);

	if (ret)
		return ret;
	while (!(ret = follow_lines(f, buf, count))) {
		if (file->f_flags & O_NONBLOCK) {
			ret = -EAGAIN;
			break;
		}
		ret = wait_event_interruptible(pool->events_wait,
					       potad_pool_events(pool) >= f->next);
		if (ret)
			break;
	}
	mutex_unlock(&f->lock);
	return ret;
}

static __poll_t follow_poll(struct file *file, struct poll_table_struct *wait)
{
	struct follower *f = file->private_data;

	return poll_from(file, wait, READ_ONCE(f->next)) |
	       (READ_ONCE(f->head) ? 0 : EPOLLIN | EPOLLRDNORM);
}

static int follow_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations follow_fops = {
	.owner = THIS_MODULE,
	.open = follow_open,
	.read = follow_read,
	.poll = follow_poll,
	.release = follow_release,
};

void potad_failures_files(struct potad_pool *p, struct dentry *dir)
{
	pool = p;
	debugfs_create_file("failures", 0400, dir, NULL, &failures_fops);
	debugfs_create_file("follow", 0400, dir, NULL, &follow_fops);
}

// SPDX-License-Identifier: GPL-2.0
/* A history; what it is, is told in history.h. */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "history.h"

static int refuse(struct potad_history *h, int err, const char *why)
{
	h->wrong = why;
	return err;
}

static u64 lease_pages(const struct potad_lease *l)
{
	return 1ULL << (l->shift - POTAD_RECORDING_PAGE);
}

/*
 * Does a block that lives have some of these pages?  One that is larger begins where a
 * block of its size can; one that is not, inside.
 */
static bool overlaps(const struct potad_history *h, u64 page, unsigned int order)
{
	struct potad_lease *l;
	unsigned int k;
	u64 i;

	for (k = order + 1; k <= h->largest; k++) {
		l = potad_ledger_find(h->ledger, ALIGN_DOWN(page, 1ULL << k));
		if (l && l->id + lease_pages(l) > page)
			return true;
	}
	for (i = 0; i < 1ULL << order; i++)
		if (potad_ledger_find(h->ledger, page + i))
			return true;
	return false;
}

static int begins(struct potad_history *h, const struct potad_record *record,
		  u64 id, unsigned int shift, enum potad_mobility mobility)
{
	struct potad_lease *l;
	int err;

	err = potad_ledger_add(h->ledger, id, &l);
	if (err == -E2BIG)
		return refuse(h, err, h->ops->limit);
	if (err)
		return refuse(h, err, "there is no memory to remember a block");
	l->shift = shift;
	l->mobility = mobility;
	if (record->pages)
		h->largest = max(h->largest, shift - POTAD_RECORDING_PAGE);
	h->asking += 1ULL << shift;
	h->asked = max(h->asked, h->asking);
	return h->ops->begins(record, l, h->arg);
}

static int do_alloc(struct potad_history *h, const struct potad_record *record)
{
	unsigned int order = record->shift - POTAD_RECORDING_PAGE;

	if (record->pages ? overlaps(h, record->id, order) :
			    !!potad_ledger_find(h->ledger, record->id))
		return refuse(h, -EINVAL, "it allocates what is allocated");
	return begins(h, record, record->id, record->shift, record->mobility);
}

static int do_free(struct potad_history *h, const struct potad_record *record)
{
	struct potad_lease *l = potad_ledger_find(h->ledger, record->id);

	if (!l)
		return refuse(h, -EINVAL, "no block lives there");
	if (l->shift != record->shift)
		return refuse(h, -EINVAL, "the block that lives there has another size");
	potad_ledger_end(h->ledger, record->id);
	h->asking -= 1ULL << record->shift;
	return h->ops->ends(record, l, h->arg);
}

static int do_split(struct potad_history *h, const struct potad_record *record)
{
	struct potad_lease *l = potad_ledger_find(h->ledger, record->id);
	enum potad_mobility mobility = l ? l->mobility : POTAD_PINNED;
	u64 i, parts = 1ULL << (record->shift - record->small);
	int err;

	err = do_free(h, record);
	for (i = 0; i < parts && !err; i++)
		err = begins(h, record,
			     record->id + (i << (record->small - POTAD_RECORDING_PAGE)),
			     record->small, mobility);
	h->splits++;
	return err;
}

static int do_record(const struct potad_record *record, void *arg)
{
	struct potad_history *h = arg;
	int err = 0;

	/* Whoever has made it for that can have all that lives in one chain of the ledger. */
	cond_resched();
	if (fatal_signal_pending(current))
		return refuse(h, -EINTR, "interrupted");
	switch (record->kind) {
	case POTAD_RECORD_PRESENT:
		if (h->present != h->records)
			return refuse(h, -EINVAL, "what was there at first comes late");
		h->present++;
		fallthrough;
	case POTAD_RECORD_ALLOC:
		err = do_alloc(h, record);
		break;
	case POTAD_RECORD_FREE:
		err = do_free(h, record);
		break;
	case POTAD_RECORD_SPLIT:
		err = do_split(h, record);
		break;
	case POTAD_RECORD_REFUSED:
		h->refused++;
		break;
	}
	if (err)
		return err;
	h->records++;
	return h->ops->done ? h->ops->done(record, h->arg) : 0;
}

/**
 * potad_history_begin() - nothing has been read yet
 * @h: the history
 * @most: blocks that may live at once, 1 or more
 * @ended: leases that may have ended and not be recycled, at once
 * @ops: who is to be told
 * @arg: handed to them
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOMEM, and there is nothing to destroy.
 */
int potad_history_begin(struct potad_history *h, u32 most, u32 ended,
			const struct potad_history_ops *ops, void *arg)
{
	memset(h, 0, sizeof(*h));
	potad_recording_begin(&h->recording);
	h->ops = ops;
	h->arg = arg;
	h->ledger = potad_ledger_create(most, ended);
	return h->ledger ? 0 : -ENOMEM;
}

/**
 * potad_history_read() - the next piece of the recording
 * @h: the history, whose reading nothing has ended
 * @text: the piece; of any length, and ending anywhere
 * @len: in bytes
 *
 * Context: Process context; may sleep; a fatal signal ends it.
 * Return: 0; or what ended it: -EINVAL or -ERANGE: there is something wrong with the
 * recording; -E2BIG: more lives in it than may; -ENOMEM; -EINTR; or what one of the
 * operations returned.
 */
int potad_history_read(struct potad_history *h, const char *text, size_t len)
{
	return potad_recording_read(&h->recording, text, len, do_record, h);
}

/* That was all.  Returns 0; -EINVAL: that is not where a recording ends. */
int potad_history_end(struct potad_history *h)
{
	return potad_recording_end(&h->recording);
}

/* What of the leases is held somewhere is the caller's.  Twice is once. */
void potad_history_destroy(struct potad_history *h)
{
	potad_ledger_destroy(h->ledger);
	h->ledger = NULL;
}

/* In which line, what, or NULL: nothing is wrong with the recording. */
const char *potad_history_wrong(const struct potad_history *h, u64 *line, u64 *offset)
{
	*line = h->recording.line;
	*offset = h->recording.offset;
	return h->recording.wrong ?: h->wrong;
}

// SPDX-License-Identifier: GPL-2.0
/* A tape; what it is, is told in tape.h. */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "../include/compat.h"
#include "recording.h"
#include "tape.h"

/* It gets no memory that others would have to be killed for. */
#define TAPE_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/**
 * struct potad_tape - a tape
 * @recording: how far it has been read
 * @wrong: what is wrong with a record, if not by itself
 * @living: what lives at this point of it: a cue's number by the recording's name
 * @cues: how many there are
 * @slots: how many blocks are allocated by them
 * @pages: that live at this point
 * @most: that ever lived at once
 * @peak: cues up to there
 * @chunk: the cues, by number
 */
struct potad_tape {
	struct potad_recording	recording;
	const char		*wrong;
	struct xarray		living;
	u32			cues;
	u32			slots;
	u64			pages;
	u64			most;
	u32			peak;
	struct potad_cue	*chunk[POTAD_TAPE_CHUNKS];
};

static int refuse(struct potad_tape *tape, int err, const char *why)
{
	tape->wrong = why;
	return err;
}

/* NULL: no memory. */
struct potad_tape *potad_tape_create(void)
{
	struct potad_tape *tape = kvzalloc_obj(*tape, TAPE_GFP);

	if (!tape)
		return NULL;
	potad_recording_begin(&tape->recording);
	xa_init(&tape->living);
	return tape;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_create);

/* NULL is allowed. */
void potad_tape_destroy(struct potad_tape *tape)
{
	unsigned int i;

	if (!tape)
		return;
	for (i = 0; i < POTAD_TAPE_CHUNKS; i++)
		kvfree(tape->chunk[i]);
	xa_destroy(&tape->living);
	kvfree(tape);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_destroy);

static struct potad_cue *cue_of(const struct potad_tape *tape, u32 nr)
{
	return &tape->chunk[nr / POTAD_TAPE_CHUNK][nr % POTAD_TAPE_CHUNK];
}

static int add_cue(struct potad_tape *tape, const struct potad_cue *cue)
{
	struct potad_cue **chunk;

	if (tape->cues == POTAD_TAPE_CHUNK * POTAD_TAPE_CHUNKS)
		return refuse(tape, -E2BIG, "it is longer than can be kept");
	chunk = &tape->chunk[tape->cues / POTAD_TAPE_CHUNK];
	if (!*chunk)
		*chunk = kvmalloc_array(POTAD_TAPE_CHUNK, sizeof(**chunk), TAPE_GFP);
	if (!*chunk)
		return refuse(tape, -ENOMEM, "there is no memory to keep it");
	*cue_of(tape, tape->cues++) = *cue;
	if (cue->frees) {
		tape->pages -= 1ULL << cue->order;
		return 0;
	}
	tape->pages += 1ULL << cue->order;
	if (tape->pages > tape->most) {
		tape->most = tape->pages;
		tape->peak = tape->cues;
	}
	return 0;
}

static int add_alloc(struct potad_tape *tape, u64 id, unsigned int shift,
		     enum potad_mobility mobility)
{
	struct potad_cue cue = {
		.slot = tape->slots, .order = max(shift, PAGE_SHIFT) - PAGE_SHIFT,
		.mobility = mobility,
	};
	u32 nr = tape->cues;
	int err;

	err = add_cue(tape, &cue);
	if (err)
		return err;
	tape->slots++;
	err = xa_insert(&tape->living, id, xa_mk_value(nr), TAPE_GFP);
	if (err == -EBUSY)
		return refuse(tape, -EINVAL, "it allocates what is allocated");
	return err ? refuse(tape, err, "there is no memory to remember a block") : 0;
}

/*
 * Does a block that lives have some of these pages?  One that is larger begins where a
 * block of its size can; one that is not, inside.
 */
static bool overlaps(struct potad_tape *tape, const struct potad_record *record)
{
	unsigned int order = record->shift - POTAD_RECORDING_PAGE, k;
	unsigned long at = record->id;

	if (xa_find(&tape->living, &at, record->id + (1UL << order) - 1, XA_PRESENT))
		return true;
	for (k = order + 1; k <= POTAD_RECORDING_SHIFT - POTAD_RECORDING_PAGE; k++) {
		void *nr = xa_load(&tape->living, ALIGN_DOWN(record->id, 1ULL << k));
		unsigned int has = nr ? cue_of(tape, xa_to_value(nr))->order : 0;

		/* Of no more than a page its cue does not know how much it was. */
		if (has && has + PAGE_SHIFT - POTAD_RECORDING_PAGE >= k)
			return true;
	}
	return false;
}

/* @was: set to the cue that had allocated it. */
static int add_free(struct potad_tape *tape, const struct potad_record *record,
		    struct potad_cue *was)
{
	void *nr = xa_erase(&tape->living, record->id);
	struct potad_cue cue;

	if (!nr)
		return refuse(tape, -EINVAL, "no block lives there");
	*was = *cue_of(tape, xa_to_value(nr));
	if (was->order != max_t(unsigned int, record->shift, PAGE_SHIFT) - PAGE_SHIFT)
		return refuse(tape, -EINVAL, "the block that lives there has another size");
	cue = *was;
	cue.frees = true;
	return add_cue(tape, &cue);
}

static int add_split(struct potad_tape *tape, const struct potad_record *record)
{
	u64 i, parts = 1ULL << (record->shift - record->small);
	struct potad_cue was;
	int err;

	err = add_free(tape, record, &was);
	for (i = 0; i < parts && !err; i++)
		err = add_alloc(tape,
				record->id + (i << (record->small - POTAD_RECORDING_PAGE)),
				record->small, was.mobility);
	return err;
}

static int add_record(const struct potad_record *record, void *arg)
{
	struct potad_tape *tape = arg;
	struct potad_cue was;

	cond_resched();
	if (fatal_signal_pending(current))
		return refuse(tape, -EINTR, "interrupted");
	switch (record->kind) {
	case POTAD_RECORD_PRESENT:
	case POTAD_RECORD_ALLOC:
		if (record->pages && overlaps(tape, record))
			return refuse(tape, -EINVAL, "it allocates what is allocated");
		return add_alloc(tape, record->id, record->shift, record->mobility);
	case POTAD_RECORD_FREE:
		return add_free(tape, record, &was);
	case POTAD_RECORD_SPLIT:
		return add_split(tape, record);
	case POTAD_RECORD_REFUSED:
		break;
	}
	return 0;
}

/**
 * potad_tape_read() - the next piece of the recording
 * @tape: the tape, which nothing has ended
 * @text: the piece; of any length, and ending anywhere
 * @len: in bytes
 *
 * Context: Process context; may sleep; a fatal signal ends it.
 * Return: 0; -EINVAL or -ERANGE: there is something wrong with the recording; -E2BIG: it
 * is too long; -ENOMEM; -EINTR.
 */
int potad_tape_read(struct potad_tape *tape, const char *text, size_t len)
{
	return potad_recording_read(&tape->recording, text, len, add_record, tape);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_read);

/**
 * potad_tape_end() - that was all: it can be played
 * @tape: the tape
 *
 * Context: Process context.
 * Return: 0; -EINVAL: a recording does not end there, or allocates nothing.
 */
int potad_tape_end(struct potad_tape *tape)
{
	int err = potad_recording_end(&tape->recording);

	/* Only who reads on has to know what lives. */
	xa_destroy(&tape->living);
	if (!err && !tape->slots)
		err = refuse(tape, -EINVAL, "it allocates nothing");
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_end);

/* In which line, what, or NULL. */
const char *potad_tape_wrong(const struct potad_tape *tape, u64 *line, u64 *offset)
{
	*line = tape->recording.line;
	*offset = tape->recording.offset;
	return tape->recording.wrong ?: tape->wrong;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_wrong);

/* How many cues there are. */
u32 potad_tape_cues(const struct potad_tape *tape)
{
	return tape->cues;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_cues);

/* How many there are up to where most is held. */
u32 potad_tape_peak(const struct potad_tape *tape)
{
	return tape->peak;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_peak);

/* How many blocks are allocated by them. */
u32 potad_tape_slots(const struct potad_tape *tape)
{
	return tape->slots;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_slots);

/* Number @nr, which there is. */
const struct potad_cue *potad_tape_cue(const struct potad_tape *tape, u32 nr)
{
	return cue_of(tape, nr);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_cue);

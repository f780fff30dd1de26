// SPDX-License-Identifier: GPL-2.0
/* A tape; what it is, is told in tape.h. */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../include/compat.h"
#include "history.h"
#include "tape.h"

/* It gets no memory that others would have to be killed for. */
#define TAPE_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

#define TOO_LONG	"it is longer than can be kept"

/**
 * struct potad_tape - a tape
 * @history: how far the recording has been read; once it has ended without its ledger
 * @wrong: what is wrong with it, if no record
 * @cues: how many there are
 * @slots: how many blocks are allocated by them
 * @pages: that live at this point
 * @most: that ever lived at once
 * @peak: cues up to there
 * @chunk: the cues, by number
 */
struct potad_tape {
	struct potad_history	history;
	const char		*wrong;
	u32			cues;
	u32			slots;
	u64			pages;
	u64			most;
	u32			peak;
	struct potad_cue	*chunk[POTAD_TAPE_CHUNKS];
};

static struct potad_cue *cue_of(const struct potad_tape *tape, u32 nr)
{
	return &tape->chunk[nr / POTAD_TAPE_CHUNK][nr % POTAD_TAPE_CHUNK];
}

static int refuse(struct potad_tape *tape, int err, const char *why)
{
	tape->wrong = why;
	return err;
}

/* About a block: the next cue; a lease's @nth is its slot. */
static int add_cue(struct potad_tape *tape, const struct potad_lease *l, bool frees)
{
	unsigned int order = max_t(unsigned int, l->shift, PAGE_SHIFT) - PAGE_SHIFT;
	struct potad_cue **chunk;

	if (tape->cues == POTAD_TAPE_CHUNK * POTAD_TAPE_CHUNKS)
		return refuse(tape, -E2BIG, TOO_LONG);
	chunk = &tape->chunk[tape->cues / POTAD_TAPE_CHUNK];
	if (!*chunk)
		*chunk = kvmalloc_array(POTAD_TAPE_CHUNK, sizeof(**chunk), TAPE_GFP);
	if (!*chunk)
		return refuse(tape, -ENOMEM, "there is no memory to keep it");
	*cue_of(tape, tape->cues++) = (struct potad_cue){ l->nth, order, l->mobility, frees };
	if (frees) {
		tape->pages -= 1ULL << order;
		return 0;
	}
	tape->pages += 1ULL << order;
	if (tape->pages > tape->most) {
		tape->most = tape->pages;
		tape->peak = tape->cues;
	}
	return 0;
}

static int begins(const struct potad_record *record, struct potad_lease *l, void *arg)
{
	struct potad_tape *tape = arg;

	l->nth = tape->slots++;
	return add_cue(tape, l, false);
}

static int ends(const struct potad_record *record, struct potad_lease *l, void *arg)
{
	struct potad_tape *tape = arg;
	int err = add_cue(tape, l, true);

	potad_ledger_recycle(tape->history.ledger, l);
	return err;
}

static const struct potad_history_ops history_ops = {
	.begins = begins,
	.ends = ends,
	.limit = TOO_LONG,
};

/* NULL: no memory. */
struct potad_tape *potad_tape_create(void)
{
	struct potad_tape *tape = kvzalloc_obj(*tape, TAPE_GFP);

	if (!tape)
		return NULL;
	/* Of those that have ended none waits. */
	if (potad_history_begin(&tape->history, POTAD_TAPE_CHUNK * POTAD_TAPE_CHUNKS, 0,
				&history_ops, tape)) {
		kvfree(tape);
		return NULL;
	}
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
	potad_history_destroy(&tape->history);
	kvfree(tape);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_destroy);

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
	return potad_history_read(&tape->history, text, len);
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
	int err = potad_history_end(&tape->history);

	/* Only who reads on has to know what lives. */
	potad_history_destroy(&tape->history);
	if (!err && !tape->slots)
		err = refuse(tape, -EINVAL, "it allocates nothing");
	return err;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tape_end);

/* In which line, what, or NULL. */
const char *potad_tape_wrong(const struct potad_tape *tape, u64 *line, u64 *offset)
{
	const char *wrong = potad_history_wrong(&tape->history, line, offset);

	return wrong ?: tape->wrong;
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

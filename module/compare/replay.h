/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A replay: a subject allocates and frees what a recording says, in its order.
 *
 * Records name the CPU that they were made on.  Each thread does those of one, or of
 * several, in order: of CPU c thread c % threads does them, on the online CPU of that
 * number, round and round.  What one allocates another may free, when it is there
 * (crew.h); beyond that, threads run beside each other as they can, at most some
 * thousand steps apart.  One thread does all in the order of the recording, on whatever
 * CPU it is.  Gaps in time are left out.  What a record means, and which cannot be and
 * ends it, is the history's (history.h).
 *
 *	text --history--> begins, ends --crew--> 100 steps --subject--> time
 *
 * Steps are allocations and frees, looked up in advance; only they are timed, in
 * batches.  What the subject refuses is counted, and left out when the recording
 * frees it.
 *
 * Before potad's free blocks are counted what CPUs keep at hand goes back, as it does
 * when a large block is wanted.  The kernel's own lists of single pages do not: nobody
 * may ask for it, and a few of its large blocks are free and not counted.
 *
 * Of a GPU driver's buddy and of a gen_pool rows do not say what is free: nobody counts it.
 *
 * All that is held is freed at the end, whatever ends it.
 */
#ifndef POTAD_COMPARE_REPLAY_H
#define POTAD_COMPARE_REPLAY_H

#include <linux/types.h>

#include "../space/space.h"
#include "crew.h"

#define POTAD_REPLAY_THREADS	POTAD_CREW_HANDS
#define POTAD_REPLAY_ROWS	128	/* when there are more, every second goes */
#define POTAD_REPLAY_EVERY	100000

/**
 * struct potad_replay_row - how things are at one moment
 * @events: records so far
 * @live: blocks
 * @bytes: that are held for them
 * @failed: allocations that were refused so far
 * @free: bytes that are free, with those that CPUs keep at hand
 * @cached: of these
 * @blocks: free ones, by the subject's orders; not what CPUs keep at hand
 */
struct potad_replay_row {
	u64	events;
	u64	live;
	u64	bytes;
	u64	failed;
	u64	free;
	u64	cached;
	u64	blocks[POTAD_MAX_ORDER + 1];
};

/**
 * struct potad_replay_sums - what came of it; complete when potad_replay_end() returns
 * @threads: that did it
 * @cpus: on how many it was recorded
 * @events: records
 * @present: blocks that were there when the recording began; allocated as well
 * @allocs: allocations
 * @frees: frees; what is left at the end not among them
 * @splits: blocks that were split, each a free and allocations
 * @failed: allocations that the subject refused
 * @skipped: frees of what it had refused
 * @elsewhere: of @frees, by another thread than had allocated
 * @refused: allocations that were refused when it was recorded, and not tried here
 * @live: blocks that were left at the end
 * @asked: most bytes that the recording wanted at once
 * @bytes: that are held
 * @peak: most of these, in the order of the recording
 * @elapsed: ns from beginning to end, with all the reading
 * @crew: of those who did it, when it is over
 */
struct potad_replay_sums {
	u32	threads;
	u32	cpus;
	u64	events;
	u64	present;
	u64	allocs;
	u64	frees;
	u64	splits;
	u64	failed;
	u64	skipped;
	u64	elsewhere;
	u64	refused;
	u64	live;
	u64	asked;
	u64	bytes;
	u64	peak;
	u64	elapsed;
	struct potad_crew_sums crew;
};

struct potad_replay;

typedef void (*potad_replay_fn)(const struct potad_replay_row *row, void *arg);

struct potad_replay *potad_replay_begin(const char *subject, u64 every, unsigned int threads,
					const char **why);
int potad_replay_read(struct potad_replay *r, const char *text, size_t len);
int potad_replay_end(struct potad_replay *r);
void potad_replay_destroy(struct potad_replay *r);

const char *potad_replay_wrong(const struct potad_replay *r, u64 *line, u64 *offset);
const struct potad_replay_sums *potad_replay_sums(const struct potad_replay *r);
const char *potad_replay_subject(const struct potad_replay *r);
u64 potad_replay_every(const struct potad_replay *r);
bool potad_replay_counts(const struct potad_replay *r);
unsigned int potad_replay_unit(const struct potad_replay *r);
unsigned int potad_replay_orders(const struct potad_replay *r);
void potad_replay_visit(const struct potad_replay *r, potad_replay_fn fn, void *arg);

#endif /* POTAD_COMPARE_REPLAY_H */

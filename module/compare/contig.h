/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Contiguous memory: who has a run, in memory that is full and has been used for long?
 *
 *	tape, over and over --> ground, filled so far and no further --> runs
 *	                                                                  |
 *	                    what nobody can move --> oracle --------------+--> rows
 *
 * The tape (tape.h) is played as often as it takes, each time up to where it holds the
 * most.  What a pass leaves behind stays when the next begins.  When one more block would
 * fill the ground (ground.h) beyond what is asked for, something has to go: the oldest
 * block, or any, as the random numbers want it.  So it goes on until as much had to go as
 * asked for, in multiples of what is held; then the ground is full, has been used for
 * long, and is held so.  Where no more fits, up to 2 percent below the target are full as
 * well: the kernel may have something of its own there, which is not the tape's.
 *
 * Then runs of each size and alignment are asked for, some times each.  One that was had
 * is given back before the next: nothing has changed, but where pages were moved away.
 * Those are let go, and the tape goes on until the ground is as full as before.
 *
 * The fills are done one after the other.  If they rise, some of the ground was never used
 * as yet; if they fall, all of it was, and what is free lies where something had to go.
 *
 * Decisions depend on what is held, not on where: the same tape and numbers are the same
 * sequence for each ground, as long as nobody refuses, and all of what is held is inside.
 */
#ifndef POTAD_COMPARE_CONTIG_H
#define POTAD_COMPARE_CONTIG_H

#include <linux/types.h>

struct potad_ground_kind;
struct potad_tape;

#define POTAD_CONTIG_FILLS	8
#define POTAD_CONTIG_TRIES	99
#define POTAD_CONTIG_TURNS	100

/**
 * struct potad_contig - what to find out
 * @kind: of ground
 * @fill: percents
 * @fills: how many
 * @tries: how often each run is asked for
 * @turns: so many times what is held has to go, for each fill; 0: when it is full, it is
 *	   not used any longer
 * @any: when something has to go, any block goes; else the oldest
 * @seed: for random numbers
 */
struct potad_contig {
	const struct potad_ground_kind *kind;
	unsigned int	fill[POTAD_CONTIG_FILLS];
	unsigned int	fills;
	unsigned int	tries;
	unsigned int	turns;
	bool		any;
	u64		seed;
};

#define POTAD_CONTIG_DEFAULT {						\
	.fill = { 50, 80, 95 }, .fills = 3, .tries = 5, .turns = 1, .seed = 1,	\
}

/**
 * struct potad_contig_row - one size and alignment, at one fill
 * @fill: percent, asked for; @held can be up to 2 less, where no more fits
 * @held: hundredths of a percent of the ground that were held, at the first try
 * @bytes: of the run
 * @align: its alignment
 * @tries: how often it was asked for
 * @had: how often it was had
 * @oracle: how often there was room, if all that can be moved had been elsewhere
 * @median: of the time that it took to say yes or no, in ns
 * @max: the longest
 */
struct potad_contig_row {
	unsigned int	fill;
	unsigned int	held;
	u64		bytes;
	u64		align;
	unsigned int	tries;
	unsigned int	had;
	unsigned int	oracle;
	u64		median;
	u64		max;
};

/**
 * struct potad_contig_sums - how the ground was filled
 * @bytes: its size
 * @passes: how often the tape was played
 * @allocs: blocks that were held
 * @frees: of these, freed by the tape
 * @gone: those that had to go
 * @refused: blocks that could not be had
 * @reached: highest percentage
 */
struct potad_contig_sums {
	u64		bytes;
	u64		passes;
	u64		allocs;
	u64		frees;
	u64		gone;
	u64		refused;
	unsigned int	reached;
};

typedef void (*potad_contig_fn)(const struct potad_contig_row *row, void *arg);

int potad_contig_run(const struct potad_contig *what, const struct potad_tape *tape,
		     struct potad_contig_sums *sums, potad_contig_fn report, void *arg);

#endif /* POTAD_COMPARE_CONTIG_H */

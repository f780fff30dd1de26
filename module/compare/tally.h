/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tally: how long batches of operations took.  (A batch may be of one.)
 *
 * The sum gives the mean.  For percentiles each batch is sorted into one of a fixed
 * number of steps by the time of an operation in it: 128 steps from any power of
 * two to the next, so that a percentile is at most 1/128 too high, whatever it
 * is, and a tally's size does not depend on how much it has seen.  The longest is
 * known as it was.
 */
#ifndef POTAD_COMPARE_TALLY_H
#define POTAD_COMPARE_TALLY_H

#include <linux/types.h>

#define POTAD_TALLY_FINE	7	/* 2^7 steps to the next power of two */
#define POTAD_TALLY_STEPS	((32 - POTAD_TALLY_FINE + 1) << POTAD_TALLY_FINE)

/**
 * struct potad_tally - times of batches
 * @ns: all of them together
 * @ops: operations in all of them
 * @max: the longest time of an operation, in tenths of a ns
 * @step: how many batches had their time of an operation in this step
 */
struct potad_tally {
	u64	ns;
	u64	ops;
	u64	max;
	u32	step[POTAD_TALLY_STEPS];
};

void potad_tally_reset(struct potad_tally *tally);
void potad_tally_add(struct potad_tally *tally, u64 ns, u32 ops);
void potad_tally_merge(struct potad_tally *to, const struct potad_tally *from);
u64 potad_tally_mean(const struct potad_tally *tally);
u64 potad_tally_permille(const struct potad_tally *tally, unsigned int permille);
u64 potad_tally_percentile(const struct potad_tally *tally, unsigned int percent);

#endif /* POTAD_COMPARE_TALLY_H */

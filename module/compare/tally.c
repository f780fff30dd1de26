// SPDX-License-Identifier: GPL-2.0
/*
 * A tally: how long batches of operations took.
 *
 * Times of an operation are in tenths of a ns; what is above 2^32 of those
 * (0.4 s) counts as that.
 *
 *	time     0 .. 255   256 .. 511     512 .. 1023    ...
 *	steps    one each   two in one     four in one
 */
#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "tally.h"

static unsigned int step_of(u64 time)
{
	unsigned int shift;

	time = min_t(u64, time, U32_MAX);
	shift = max(fls64(time), POTAD_TALLY_FINE + 1) - POTAD_TALLY_FINE - 1;
	return (shift << POTAD_TALLY_FINE) + (time >> shift);
}

/* The largest time of a step. */
static u64 step_end(unsigned int step)
{
	unsigned int shift = max(step >> POTAD_TALLY_FINE, 1U) - 1;

	return ((u64)(step - (shift << POTAD_TALLY_FINE) + 1) << shift) - 1;
}

/* Back to nothing. */
void potad_tally_reset(struct potad_tally *tally)
{
	memset(tally, 0, sizeof(*tally));
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tally_reset);

/* A batch of @ops operations, one or more, took @ns. */
void potad_tally_add(struct potad_tally *tally, u64 ns, u32 ops)
{
	u64 time = div_u64(ns * 10, ops);

	tally->ns += ns;
	tally->ops += ops;
	tally->max = max(tally->max, time);
	tally->step[step_of(time)]++;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tally_add);

void potad_tally_merge(struct potad_tally *to, const struct potad_tally *from)
{
	unsigned int i;

	to->ns += from->ns;
	to->ops += from->ops;
	to->max = max(to->max, from->max);
	for (i = 0; i < POTAD_TALLY_STEPS; i++)
		to->step[i] += from->step[i];
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tally_merge);

/* The mean time of an operation, in tenths of a ns; 0 if there was none. */
u64 potad_tally_mean(const struct potad_tally *tally)
{
	return tally->ops ? div64_u64(tally->ns * 10, tally->ops) : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tally_mean);

/*
 * The time of an operation that @permille (1 .. 1000) of all batches did not
 * exceed, in tenths of a ns; 0 if there was none.
 */
u64 potad_tally_permille(const struct potad_tally *tally, unsigned int permille)
{
	u64 batches = 0, below = 0, rank;
	unsigned int i;

	for (i = 0; i < POTAD_TALLY_STEPS; i++)
		batches += tally->step[i];
	rank = div_u64(batches * permille + 999, 1000);
	for (i = 0; i < POTAD_TALLY_STEPS; i++) {
		below += tally->step[i];
		if (rank && below >= rank)
			return min(step_end(i), tally->max);
	}
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tally_permille);

u64 potad_tally_percentile(const struct potad_tally *tally, unsigned int percent)
{
	return potad_tally_permille(tally, percent * 10);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_tally_percentile);

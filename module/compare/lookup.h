/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lookup indexes beside each other: how long a lookup, a set and a clear take, and
 * how much memory.
 */
#ifndef POTAD_COMPARE_LOOKUP_H
#define POTAD_COMPARE_LOOKUP_H

#include <linux/types.h>

#define POTAD_LOOKUP_BLOCKS	20000000	/* at most */
#define POTAD_LOOKUP_OPS	1000000
#define POTAD_LOOKUP_ROUNDS	99

enum potad_lookup_op {
	POTAD_LOOKUP_FIND,
	POTAD_LOOKUP_CLEAR,
	POTAD_LOOKUP_SET,
	POTAD_LOOKUP_PARTS,
};

/**
 * struct potad_lookup - what to run
 * @blocks: how many there are
 * @rounds: how often each subject has its turn
 * @ops: operations in a turn
 * @skewed: few of the blocks are asked for often; otherwise all alike
 * @cold: caches are emptied before every few operations
 * @writer: another CPU clears and sets blocks meanwhile
 * @lines: single operations between markers; nothing is timed
 * @seed: for random numbers
 */
struct potad_lookup {
	unsigned int	blocks;
	unsigned int	rounds;
	unsigned int	ops;
	unsigned int	skewed;
	unsigned int	cold;
	unsigned int	writer;
	unsigned int	lines;
	u64		seed;
};

#define POTAD_LOOKUP_DEFAULT { .blocks = 1000, .rounds = 9, .ops = 20000, .seed = 1 }

/**
 * struct potad_lookup_row - one result
 * @subject: its name
 * @op: what was timed
 * @median: of all rounds, tenths of a ns an operation, like the next two
 * @min: the least
 * @max: the most
 * @bytes: memory of the whole index; 0: none
 * @label: with @lines, the first of POTAD_LOOKUP_PARTS that the subject has
 * @err: why the subject could not do it: all else is 0 then
 */
struct potad_lookup_row {
	const char	*subject;
	const char	*op;
	u64		median;
	u64		min;
	u64		max;
	u64		bytes;
	unsigned int	label;
	int		err;
};

typedef void (*potad_lookup_fn)(const struct potad_lookup_row *row, void *arg);

int potad_lookup_run(const struct potad_lookup *what, potad_lookup_fn report, void *arg);

#endif /* POTAD_COMPARE_LOOKUP_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparison: the same work done by several allocators, in one run, in turn.
 */
#ifndef POTAD_COMPARE_H
#define POTAD_COMPARE_H

#include <linux/types.h>

#define POTAD_COMPARE_ORDERS	10	/* largest page order: 4 MiB */
#define POTAD_COMPARE_SMALLEST	(-9)	/* and smallest: 8 bytes */
#define POTAD_COMPARE_ROUNDS	99
#define POTAD_COMPARE_OPS	1000000
#define POTAD_COMPARE_CPUS	8
#define POTAD_COMPARE_SUBJECTS	10

struct potad_counts;
struct potad_pool;
struct subject_kit;

/* What each of them times is told in turn.h. */
enum potad_workload {
	POTAD_PAIR,
	POTAD_BULK,
	POTAD_RANDOM_FREE,
	POTAD_CHURN,
	POTAD_MIXED,
	POTAD_CROSS,
	POTAD_FRAGMENTATION,
};

#define POTAD_WORKLOADS		(POTAD_FRAGMENTATION + 1)

/**
 * struct potad_compare - what to run
 * @workload: the work
 * @first_order: from this order, of pages; negative: less than a page
 * @last_order: to this one; one after the other, but for "mixed"
 * @rounds: how often each subject has its turn
 * @ops: operations in a turn, on each CPU
 * @subjects: a bit for each
 * @cpus: bit n: on n CPUs at once
 * @seed: for random numbers
 * @counters: have the processor count as well (counter.h)
 */
struct potad_compare {
	enum potad_workload workload;
	int		first_order;
	int		last_order;
	unsigned int	rounds;
	unsigned int	ops;
	unsigned long	subjects;
	unsigned long	cpus;
	u64		seed;
	bool		counters;
};

/* Potad, and what the page allocator has to set against it. */
#define POTAD_COMPARE_USUAL	0xfUL

#define POTAD_COMPARE_DEFAULT {						\
	.last_order = POTAD_COMPARE_ORDERS, .rounds = 9, .ops = 20000,	\
	.subjects = POTAD_COMPARE_USUAL, .seed = 1,			\
}

/**
 * struct potad_compare_row - one result
 * @part: of the workload, or all of it: what was timed
 * @first_order: of pages; negative: less than a page
 * @last_order: the same, but for "mixed"
 * @cpus: how many were at it at once
 * @id: which subject
 * @subject: its name
 * @why: why this subject could not do it; NULL: it could
 * @counts: nothing was timed: @median, @min and @max are numbers of 2 MiB, in tenths; and
 *	    @ratio is by how much the share that is wholly free is larger
 * @median: of the time of an operation on one CPU, over batches of them; in tenths
 *	    of a ns, like all times here
 * @min: the least that it was in any round
 * @max: and the most
 * @p99: so many percent of the batches took no longer
 * @p999: so many permille
 * @longest: nor did any
 * @mean: of all
 * @one: the same of operations that were timed by themselves
 * @ratio: hundredths: how many times faster than the native subject that it is
 *	   to be compared with; 0 if that did not run
 * @refused: how many allocations were refused, where that does not end it
 * @requests: a hash of what was asked for: the same for all subjects
 * @clock: ns that were subtracted from the time of each batch, and of each of @one
 * @least: how many 2 MiB there must be something in, for all that is held
 * @counted: what the processor counted; NULL: nobody has asked for it
 */
struct potad_compare_row {
	const char	*part;
	int		first_order;
	int		last_order;
	unsigned int	cpus;
	unsigned int	id;
	const char	*subject;
	const char	*why;
	bool		counts;
	u64		median;
	u64		min;
	u64		max;
	u64		p99;
	u64		p999;
	u64		longest;
	u64		mean;
	struct {
		u64	p50;
		u64	p99;
		u64	p999;
		u64	longest;
	} one;
	u64		ratio;
	u64		refused;
	u32		requests;
	u64		clock;
	u64		least;
	const struct potad_counts *counted;
};

/**
 * struct potad_compare_progress - how far it is
 * @running: the rest means nothing if not
 * @workload: what it is at
 * @subject: whose turn it is
 * @first_order: of pages
 * @last_order: the same, but for "mixed"
 * @cpus: how many are at it at once
 * @turn: this one is the ...th
 * @turns: of all; one more round for each time that fewer blocks have to do
 */
struct potad_compare_progress {
	bool			running;
	enum potad_workload	workload;
	const char		*subject;
	int			first_order;
	int			last_order;
	unsigned int		cpus;
	unsigned int		turn;
	unsigned int		turns;
};

typedef void (*potad_compare_fn)(const struct potad_compare_row *row,
				 void *arg);

int potad_compare_init(struct potad_pool *pool);
void potad_compare_exit(void);
int potad_compare_claim(unsigned long subjects);
void potad_compare_unclaim(void);
const struct subject_kit *potad_compare_kit(void);
const char *potad_compare_subject_name(unsigned int i);
int potad_compare_subjects(char *list, unsigned long *subjects);
int potad_compare_workload(const char *name, enum potad_workload *workload);
const char *potad_compare_workload_name(enum potad_workload workload);
void potad_compare_progress(struct potad_compare_progress *progress);
int potad_compare_run(const struct potad_compare *cmp, potad_compare_fn report,
		      void *arg);

#endif /* POTAD_COMPARE_H */

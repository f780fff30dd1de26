/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparison: the same work done by several allocators, in one run, in turn.
 */
#ifndef POTAD_COMPARE_H
#define POTAD_COMPARE_H

#include <linux/types.h>

#define POTAD_COMPARE_ORDERS	10	/* largest page order: 4 MiB */
#define POTAD_COMPARE_ROUNDS	99
#define POTAD_COMPARE_OPS	1000000

struct potad_pool;

/**
 * struct potad_compare - what to run
 * @first_order: from this order, of pages
 * @last_order: to this one
 * @rounds: how often each subject has its turn
 * @ops: operations in a turn; here a pair, an allocation and its free, is one
 * @subjects: a bit for each
 */
struct potad_compare {
	unsigned int	first_order;
	unsigned int	last_order;
	unsigned int	rounds;
	unsigned int	ops;
	unsigned long	subjects;
};

#define POTAD_COMPARE_DEFAULT {						\
	.last_order = POTAD_COMPARE_ORDERS, .rounds = 9, .ops = 20000,	\
	.subjects = ~0UL,						\
}

/**
 * struct potad_compare_row - one result
 * @order: of pages
 * @subject: its name
 * @ops: operations in a turn; 0 if this subject could not do it
 * @median: over the rounds, of the mean time of an operation; tenths of a ns
 * @min: least
 * @max: most
 * @ratio: hundredths: how many times faster than the native subject that it is
 *	   to be compared with; 0 if that did not run
 */
struct potad_compare_row {
	unsigned int	order;
	const char	*subject;
	unsigned int	ops;
	u64		median;
	u64		min;
	u64		max;
	u64		ratio;
};

typedef void (*potad_compare_fn)(const struct potad_compare_row *row,
				 void *arg);

typedef void (*potad_compare_label_fn)(unsigned int label, unsigned int order,
				       const char *subject, void *arg);

int potad_compare_init(struct potad_pool *pool);
void potad_compare_exit(void);
int potad_compare_subjects(char *list, unsigned long *subjects);
int potad_compare_run(const struct potad_compare *cmp, potad_compare_fn report,
		      void *arg);
int potad_compare_lines(const struct potad_compare *cmp,
			potad_compare_label_fn report, void *arg);

#endif /* POTAD_COMPARE_H */

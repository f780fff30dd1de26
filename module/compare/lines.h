/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Single operations between markers, for an emulator that counts the lines and
 * instructions of each.
 */
#ifndef POTAD_COMPARE_LINES_H
#define POTAD_COMPARE_LINES_H

struct potad_compare;

/**
 * struct potad_lines_row - where a subject's operations on one order are to be found
 * @label: that of its allocations; its frees have the next one
 * @order: of pages
 * @subject: its name
 * @workload: the name of what they were part of
 * @why: why there are none, in words; NULL: there are
 */
struct potad_lines_row {
	unsigned int	label;
	int		order;
	const char	*subject;
	const char	*workload;
	const char	*why;
};

typedef void (*potad_lines_fn)(const struct potad_lines_row *row, void *arg);

void potad_lines_begin(void);
int potad_lines_run(const struct potad_compare *cmp, potad_lines_fn report,
		    void *arg);

#endif /* POTAD_COMPARE_LINES_H */

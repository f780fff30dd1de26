/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Single operations between markers, for an emulator that counts the lines and
 * instructions of each.
 */
#ifndef POTAD_COMPARE_LINES_H
#define POTAD_COMPARE_LINES_H

struct subject_kit;

#define POTAD_LINES_KNOWN	0xffff	/* label of an operation to try it on */

/* Labels that a subject takes for each order, in this order. */
enum potad_lines_label {
	POTAD_LINES_PAIR_ALLOC,
	POTAD_LINES_PAIR_FREE,
	POTAD_LINES_BULK_ALLOC,
	POTAD_LINES_BULK_FREE,
	POTAD_LINES_LABELS,
};

void potad_lines_begin(void);
int potad_lines_turn(const struct subject_kit *kit, const char *subject,
		     unsigned int order, unsigned int ops, unsigned int label);

#endif /* POTAD_COMPARE_LINES_H */

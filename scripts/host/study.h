/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Studies: what is not a time, or takes more than one run to show.
 *
 * They are told in study.c.  Each prints a few lines, and adds its figures to
 * the JSON, if there is one; those that can be wrong return false then.
 */
#ifndef POTAD_HOST_STUDY_H
#define POTAD_HOST_STUDY_H

#include <linux/types.h>

#include "subject.h"

/* One figure of a study, to the JSON file. */
void json_figure(const char *study, const char *subject, const char *what,
		 u64 granule, double value, const char *unit);

struct job;

/* After a mixed run: what large blocks are left beside those of all jobs. */
void study_whole(const struct job *jobs, const struct shape *shape,
		 const char *subject, u64 refused);
void study_fragmentation(const struct subject *s, const struct shape *shape,
			 unsigned int rounds, u64 seed);
void study_blocks(const struct shape *shape, u64 ops, u64 seed);
void study_grouping(const struct shape *shape, u64 ops, u64 seed);
bool study_big(void);

#endif /* POTAD_HOST_STUDY_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loops that are timed, for each subject compiled anew: see loop.h.
 */
#ifndef POTAD_COMPARE_LOOPS_H
#define POTAD_COMPARE_LOOPS_H

#include <linux/cache.h>
#include <linux/types.h>

#include "subjects.h"
#include "turn.h"

/* By enum subject_id. */
extern const potad_loops_fn potad_loops[POTAD_SUBJECTS];

/* "cross" hands over through this; each side has a line of its own to write to. */
#define POTAD_RING_SLOTS	64U

struct potad_ring {
	u32		head ____cacheline_aligned;	/* written by who frees */
	u32		tail ____cacheline_aligned;	/* by who allocates */
	bool		ended;				/* nothing more will come */
	union potad_held slot[POTAD_RING_SLOTS] ____cacheline_aligned;
};

#endif /* POTAD_COMPARE_LOOPS_H */

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

#define POTAD_RING_TRAYS	2U

/*
 * "cross" hands over through this, a tray at a time.  Who allocates fills a tray of its
 * own, and who frees empties a copy: what it costs to get lines of the ring from the other
 * CPU, and to wait for it, is not timed.  What it costs to get those of a block is.
 */
struct potad_tray {
	u32		nr;			/* in it */
	union potad_held slot[POTAD_BATCH];
} ____cacheline_aligned;

struct potad_ring {
	u32		taken ____cacheline_aligned;	/* trays; written by who frees */
	u32		given ____cacheline_aligned;	/* by who allocates */
	bool		ended;				/* nothing more will come */
	struct potad_tray tray[POTAD_RING_TRAYS];
};

#endif /* POTAD_COMPARE_LOOPS_H */

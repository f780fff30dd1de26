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

/* What any subject holds between an allocation and its free. */
union potad_held {
	u64		nothing;
	u64		bare;
	struct potad_block described;
	struct page	*buddy;
	struct compound	compound;
};

/**
 * struct potad_loops - a subject
 * @name: what it is called
 * @against: name of its native counterpart; NULL: it has none
 * @run: does one member's part of a turn; an error is in the turn
 */
struct potad_loops {
	const char	*name;
	const char	*against;
	void		(*run)(struct potad_member *m);
};

#define POTAD_SUBJECTS		5
extern const struct potad_loops potad_loops[POTAD_SUBJECTS];

/* "cross" hands over through this; each side has a line of its own to write to. */
#define POTAD_RING_SLOTS	64U

struct potad_ring {
	u32		head ____cacheline_aligned;	/* written by who frees */
	u32		tail ____cacheline_aligned;	/* by who allocates */
	bool		ended;				/* nothing more will come */
	union potad_held slot[POTAD_RING_SLOTS] ____cacheline_aligned;
};

#endif /* POTAD_COMPARE_LOOPS_H */

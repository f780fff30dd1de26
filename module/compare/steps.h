/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Steps: a lease begins, or has ended, and a subject allocates or frees its block.
 *
 * A lease knows its order and mobility; whether the subject refused it is put there as
 * well, and what was refused is not freed.  Bare blocks and pages have the mobility that
 * the recording gives them.  Described ones are all pinned: it is their type's.
 *
 * Native subjects get no memory that somebody would have to be killed for: steps that
 * would leave the kernel less than 32 MiB are refused before anybody is asked.
 */
#ifndef POTAD_COMPARE_STEPS_H
#define POTAD_COMPARE_STEPS_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "subjects.h"

struct potad_lease;

/**
 * struct potad_step - one step
 * @lease: whose
 * @frees: it has ended
 * @hand: which thread does it
 */
struct potad_step {
	struct potad_lease	*lease;
	bool			frees;
	u8			hand;
};

typedef void (*potad_steps_fn)(const struct subject_kit *kit, struct potad_step *step,
			       unsigned int nr);

/**
 * struct potad_stepper - how a subject does them
 * @native: it takes from the kernel
 * @run: does so many steps; an allocation that is refused leaves its lease empty
 */
struct potad_stepper {
	bool		native;
	potad_steps_fn	run;
};

struct potad_stepper potad_stepper(enum subject_id id);
unsigned int potad_steps_spare(struct potad_step *step, unsigned int nr, atomic64_t *wanted);
void potad_steps_spared(struct potad_step *step, unsigned int nr, atomic64_t *wanted);

#endif /* POTAD_COMPARE_STEPS_H */

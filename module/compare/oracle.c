// SPDX-License-Identifier: GPL-2.0
/* The oracle; what it is for is told in oracle.h. */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/sched.h>

#include "../include/compat.h"
#include "oracle.h"

/**
 * potad_oracle_finds() - is there a run, and where is the lowest?
 * @o: what is taken
 * @nr: units that the run has, 1 or more
 * @align: its first unit is to be a multiple of this, a power of two, counted from
 *	   @o->base units before the map
 * @at: set to that unit, counted from the map's first
 *
 * Context: Process context; may sleep.
 * Return: whether there is one.
 */
bool potad_oracle_finds(const struct potad_oracle *o, unsigned long nr, u64 align,
			unsigned long *at)
{
	unsigned long first = ALIGN(o->base, align) - o->base;

	for (; first < o->units && nr <= o->units - first; first += align) {
		if (find_next_bit(o->taken, first + nr, first) >= first + nr) {
			*at = first;
			return true;
		}
		cond_resched();
	}
	return false;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_oracle_finds);

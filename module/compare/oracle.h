/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The oracle: could there be a run?  A map with a bit for each unit that is taken,
 * and every place where a run may begin, tried one after the other.  It knows nothing
 * of blocks, orders or whose memory it is: who has searched cleverly is held against it.
 */
#ifndef POTAD_COMPARE_ORACLE_H
#define POTAD_COMPARE_ORACLE_H

#include <linux/types.h>

/**
 * struct potad_oracle - what is taken
 * @taken: a bit for each unit
 * @units: how many there are
 * @base: units from a multiple of any alignment to the first
 */
struct potad_oracle {
	const unsigned long	*taken;
	unsigned long		units;
	u64			base;
};

bool potad_oracle_finds(const struct potad_oracle *o, unsigned long nr, u64 align,
			unsigned long *at);

#endif /* POTAD_COMPARE_ORACLE_H */

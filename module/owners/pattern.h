/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Contents that show whether they have been moved whole: each word follows from the
 * handle of its owner and from where it stands.
 */
#ifndef POTAD_OWNERS_PATTERN_H
#define POTAD_OWNERS_PATTERN_H

#include <linux/hash.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/types.h>

static inline u64 potad_pattern(unsigned long handle, u64 offset)
{
	return (handle * GOLDEN_RATIO_64) ^ (offset * GOLDEN_RATIO_32 + handle);
}

/* @bytes is a multiple of 8.  May sleep. */
static inline void potad_pattern_fill(u64 *at, u64 bytes, unsigned long handle)
{
	u64 offset;

	for (offset = 0; offset < bytes; offset += sizeof(*at)) {
		*at++ = potad_pattern(handle, offset);
		if (!(offset & (SZ_1M - 1)))
			cond_resched();
	}
}

/* Adds what is there to *@sum.  True if it is the pattern, from @begin on. */
static inline bool potad_pattern_check(const u64 *at, u64 bytes, unsigned long handle,
				       u64 begin, u64 *sum)
{
	bool ok = true;
	u64 offset;

	for (offset = 0; offset < bytes; offset += sizeof(*at)) {
		ok &= *at == potad_pattern(handle, begin + offset);
		*sum += *at++;
		if (!(offset & (SZ_1M - 1)))
			cond_resched();
	}
	return ok;
}

#endif /* POTAD_OWNERS_PATTERN_H */

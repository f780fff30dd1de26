/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stopwatch for single operations.
 *
 * The kernel's clock is too coarse for them on some kernels (256 ns in user-mode Linux)
 * and costs much on others.  On x86 there is the processor's own counter, which user-mode
 * Linux may read as well; stopwatch.c finds out how fast it goes, by the kernel's
 * clock.  Elsewhere a tick is a ns of that clock.
 */
#ifndef POTAD_COMPARE_STOPWATCH_H
#define POTAD_COMPARE_STOPWATCH_H

#include <linux/compiler.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/types.h>

/**
 * struct potad_stopwatch - what a tick is
 * @ns: so many ns
 * @ticks: are so many ticks
 * @cost: ticks that go by between two looks with nothing in between
 */
struct potad_stopwatch {
	u64	ns;
	u64	ticks;
	u64	cost;
};

void potad_stopwatch_set(struct potad_stopwatch *watch);
void potad_sort_times(u64 *times, unsigned int nr);

/* Now, in ticks.  What was begun before is done, and what comes after is not begun. */
static __always_inline u64 potad_ticks(void)
{
#ifdef __x86_64__
	u32 low, high;

	asm volatile("lfence\n\trdtsc\n\tlfence" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
#else
	return ktime_get_ns();
#endif
}

/* Since @begin; a counter that went back (another CPU's) is no time at all. */
static inline u64 potad_ticks_since(u64 begin)
{
	u64 now = potad_ticks();

	return now > begin ? now - begin : 0;
}

static inline u64 potad_stopwatch_ns(const struct potad_stopwatch *watch, u64 ticks)
{
	return mul_u64_u64_div_u64(ticks, watch->ns, watch->ticks);
}

#endif /* POTAD_COMPARE_STOPWATCH_H */

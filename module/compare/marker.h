/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Markers: tell an emulator that counts where an operation begins and ends.
 *
 * A marker is a NOP of seven bytes, whose displacement nobody reads but who looks
 * for it when the code is translated (scripts/lines/lines.c):
 *
 *	0f 1f 80  kk 6d 6f 70	nopl 0x706f6dkk(%rax)
 *
 * with kk being what it marks.  A number is told bit by bit.  What is on the
 * kernel's stack is not to be counted: so the first access after a beginning is
 * always a load from where the stack pointer points, and does not count either.
 *
 * Other architectures than x86-64 have no markers, and nothing is compiled.
 */
#ifndef POTAD_COMPARE_MARKER_H
#define POTAD_COMPARE_MARKER_H

#include <linux/compiler.h>
#include <linux/types.h>

#define POTAD_MARK_MAGIC	0x706f6d00

enum potad_mark {
	POTAD_MARK_ARM,		/* there will be operations */
	POTAD_MARK_LABEL,	/* a new label, 0 so far; operations carry it */
	POTAD_MARK_BIT0,	/* the label, times 2 */
	POTAD_MARK_BIT1,	/* and 1 added */
	POTAD_MARK_BEGIN,
	POTAD_MARK_END,
};

#ifdef CONFIG_X86_64
#define POTAD_MARK_NOP	".byte 0x0f, 0x1f, 0x80; .long %c[mark]\n\t"

static __always_inline void potad_mark(enum potad_mark mark)
{
	asm volatile(POTAD_MARK_NOP
		     : : [mark] "i" (POTAD_MARK_MAGIC + mark) : "memory");
}

static __always_inline void potad_mark_begin(void)
{
	unsigned long top;

	asm volatile(POTAD_MARK_NOP "movq (%%rsp), %[top]"
		     : [top] "=r" (top)
		     : [mark] "i" (POTAD_MARK_MAGIC + POTAD_MARK_BEGIN)
		     : "memory");
}
#else
static inline void potad_mark(enum potad_mark mark) { }
static inline void potad_mark_begin(void) { }
#endif

static __always_inline void potad_mark_end(void)
{
	potad_mark(POTAD_MARK_END);
}

/* What comes is @label; 0 for what is not to be counted. */
static inline void potad_mark_label(u16 label)
{
	unsigned int i;

	potad_mark(POTAD_MARK_LABEL);
	for (i = 0; i < 16; i++, label <<= 1) {
		if (label & 0x8000)
			potad_mark(POTAD_MARK_BIT1);
		else
			potad_mark(POTAD_MARK_BIT0);
	}
}

#endif /* POTAD_COMPARE_MARKER_H */

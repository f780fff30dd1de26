/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording: what some kernel allocated and freed, as text, one record a line.
 *
 * The first line says what blocks are named by; whatever else begins with # is a
 * comment.  Fields are separated by commas, numbers are decimal but for a page's:
 *
 *	# POTT 1 ...                    pages: of 4 KiB, blocks are powers of two
 *	dt,cpu,P,page,order,gfp,mt,pid  was there when the recording began
 *	dt,cpu,A,page,order,gfp,mt,pid  allocated
 *	dt,cpu,N,0,order,gfp,mt,pid     refused
 *	dt,cpu,F,page,order             freed, with the order that it has by then
 *	dt,cpu,S,page,order,small       has become 2^(order - small) blocks
 *
 *	# POTB 1 ...                    buffers of bytes
 *	dt,cpu,A,id,bytes,dev,pid       allocated; an id is used once
 *	dt,cpu,F,id,bytes               freed
 *
 *	dt     nanoseconds since the record before
 *	page   its frame's number, in hexadecimal, without a prefix: a block's name, and
 *	       where the native allocator had put it
 *	gfp    which one in a table of flags, which is in comments: for people
 *	mt     0 pinned, 1 movable, 2 reclaimable
 *	dev    letters and digits, for people
 *
 * If the third word of the first line is "counted" the last line is "# count N", the
 * number of records, and a recording that was cut off can be told from one that
 * ended.  scripts/record makes such ones.
 *
 * It is read as it comes, in pieces of any length.  What a record says about others
 * (does the block live that it frees?) is not known here: see history.h.
 */
#ifndef POTAD_COMPARE_RECORDING_H
#define POTAD_COMPARE_RECORDING_H

#include <linux/bits.h>
#include <linux/types.h>

#include "../include/mobility.h"

#define POTAD_RECORDING_LINE	127	/* characters of a record */
#define POTAD_RECORDING_SHIFT	22	/* the largest block: 4 MiB */
#define POTAD_RECORDING_PAGE	12
#define POTAD_RECORDING_CPUS	65536
#define POTAD_RECORDING_PAGES	BIT_ULL(40)

enum potad_record_kind {
	POTAD_RECORD_PRESENT,
	POTAD_RECORD_ALLOC,
	POTAD_RECORD_REFUSED,
	POTAD_RECORD_FREE,
	POTAD_RECORD_SPLIT,
};

/**
 * struct potad_record - one line
 * @kind: what happened
 * @pages: @id is the number of a page, and the block covers so many from there on
 * @id: the block's name
 * @dt: ns since the record before
 * @cpu: on which CPU
 * @shift: 2^@shift bytes: its size, rounded up
 * @small: the same of its parts, if it was split
 * @mobility: of what kind it is; of those that are new
 */
struct potad_record {
	enum potad_record_kind	kind;
	bool			pages;
	u64			id;
	u64			dt;
	u32			cpu;
	u8			shift;
	u8			small;
	enum potad_mobility	mobility;
};

/**
 * struct potad_recording - how far one has been read
 * @pages: its first line was # POTT
 * @begun: it had a first line
 * @counted: that promised a count
 * @ended: which has come
 * @line: the line that is being read; counts from 1
 * @offset: where that begins, in bytes
 * @records: how many there were
 * @wrong: why it is refused, in words
 * @len: of what there is of an unfinished line
 * @text: that, if it is a comment only its beginning
 */
struct potad_recording {
	bool		pages;
	bool		begun;
	bool		counted;
	bool		ended;
	u64		line;
	u64		offset;
	u64		records;
	const char	*wrong;
	u64		len;
	char		text[POTAD_RECORDING_LINE + 1];
};

typedef int (*potad_record_fn)(const struct potad_record *record, void *arg);

void potad_recording_begin(struct potad_recording *r);
int potad_recording_read(struct potad_recording *r, const char *text, size_t len,
			 potad_record_fn fn, void *arg);
int potad_recording_end(struct potad_recording *r);

#endif /* POTAD_COMPARE_RECORDING_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tape: a recording that is kept, and can be played over and over.
 *
 *	# POTT 1 ...                      cue: allocate slot 0, order 1
 *	0,0,P,ab8a,1,0,0,0       -->      cue: allocate slot 1, order 0
 *	0,0,P,ab89,0,1,0,0                cue: free slot 0
 *	5,0,F,ab8a,1
 *
 * What a record names by an address a cue has a number for: each allocation has a slot
 * of its own, counted from 0, and a free names the slot of what it frees.  So a player
 * needs no more than an array.  Blocks are powers of two of pages; buffers of less than
 * a page are a page each.  A block that is split is freed, and its parts are allocated.
 *
 * Cues lie in chunks, 8 bytes each; there is a most of them.
 */
#ifndef POTAD_COMPARE_TAPE_H
#define POTAD_COMPARE_TAPE_H

#include <linux/types.h>

#include "../include/mobility.h"

#define POTAD_TAPE_CHUNK	65536U	/* cues */
#define POTAD_TAPE_CHUNKS	64U

/**
 * struct potad_cue - what is to be done
 * @slot: of the block that it is about
 * @order: its order, of pages
 * @mobility: of what kind it is
 * @frees: it is freed; else allocated
 */
struct potad_cue {
	u32	slot;
	u8	order;
	u8	mobility;
	bool	frees;
};

struct potad_tape;

struct potad_tape *potad_tape_create(void);
void potad_tape_destroy(struct potad_tape *tape);
int potad_tape_read(struct potad_tape *tape, const char *text, size_t len);
int potad_tape_end(struct potad_tape *tape);
const char *potad_tape_wrong(const struct potad_tape *tape, u64 *line, u64 *offset);

u32 potad_tape_cues(const struct potad_tape *tape);
u32 potad_tape_peak(const struct potad_tape *tape);
u32 potad_tape_slots(const struct potad_tape *tape);
const struct potad_cue *potad_tape_cue(const struct potad_tape *tape, u32 nr);

#endif /* POTAD_COMPARE_TAPE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ground: a stretch of memory that is filled with blocks, and then asked for runs.
 *
 *	kind             filled with                             asked by
 *	potad            bare blocks of the pool: pinned         potad_run_alloc()
 *	potad-movable    described blocks that their owner       the same; if there is no
 *	                 moves                                   run, potad_evacuate()
 *	cma-pinned       blocks of cma_alloc()                   cma_alloc()
 *	cma-movable      pages of a file in memory               cma_alloc()
 *	contig-pinned    blocks of alloc_pages()                 alloc_contig_range()
 *	contig-recorded  the same, but what the recording has    alloc_contig_range()
 *	                 as movable: pages of such a file
 *	contig-movable   pages of such a file                    alloc_contig_range()
 *
 * The ground of potad is the region, and what moves stays in it.  The others' are as
 * large, and are what is left when everything else has been taken away: of the CMA area
 * what is neither the region nor the ground is held while there is one.  That of
 * alloc_contig_range() was taken from the page allocator as the region would be, to know
 * where it lies, and given back: whoever allocates may get memory from there.
 *
 * Filling with pages of the kernel's choice goes on while all other free memory is taken
 * away (potad_ground_corner()), and what lands outside all the same is kept until that
 * ends; pages of a file that do are not counted.  When runs are asked for, that memory
 * is free again: what is movable has somewhere to go.
 *
 * alloc_contig_range() is asked as alloc_contig_pages() does it: at one multiple of the
 * run's size after the other, but only inside the ground.  So is potad_evacuate().
 *
 * No lock: a ground belongs to one experiment.
 */
#ifndef POTAD_COMPARE_GROUND_H
#define POTAD_COMPARE_GROUND_H

#include <linux/list.h>
#include <linux/types.h>

#include "../include/mobility.h"
#include "../include/potad.h"

struct cma;
struct file;
struct page;
struct potad_ground_kind;
struct subject_kit;

/**
 * struct potad_holding - a block that the ground is filled with
 * @age: its place among the others, the oldest first; or among those not in use
 * @slot: of the tape, while that may free it
 * @order: of pages
 * @held: it is held; else not in use
 * @moves: it is pages of a file, or a block that its owner moves
 * @mobility: of what kind the recording says it is
 * @within: pages of it that lie in the ground
 * @granule: where it is, if it is a bare block of the pool
 * @block: the same, if it is a described one
 * @page: the same, if it is the kernel's
 * @index: the same, if it is pages of a file
 */
struct potad_holding {
	struct list_head	age;
	u32			slot;
	u8			order;
	bool			held;
	bool			moves;
	enum potad_mobility	mobility;
	u32			within;
	union {
		u64		granule;
		struct potad_block block;
		struct page	*page;
		unsigned long	index;
	};
};

/**
 * struct potad_ground - a ground
 * @kind: what it is
 * @kit: potad's part of it
 * @type: of its described blocks, or NULL
 * @start: physical address of its first byte
 * @pages: its size
 * @cma: the area it is in, or that is fenced off, or NULL
 * @file: whose pages it is filled with, or NULL
 * @next: first index of that file that was never used
 * @fence: memory of the area that is not ground
 * @corner: memory of the page allocator that is taken away
 * @floor: as many pages are left free, or others would be killed for some
 */
struct potad_ground {
	const struct potad_ground_kind *kind;
	const struct subject_kit *kit;
	struct potad_type	*type;
	u64			start;
	unsigned long		pages;
	struct cma		*cma;
	struct file		*file;
	unsigned long		next;
	struct list_head	fence;
	struct list_head	corner;
	unsigned long		floor;
};

/* A run that was had. */
union potad_ground_run {
	struct potad_adjacent	adjacent;
	struct page		*page;
};

#define POTAD_GROUNDS	7

const struct potad_ground_kind *potad_ground_kind(const char *name);
const char *potad_ground_name(const struct potad_ground_kind *kind);

int potad_ground_open(struct potad_ground *g, const struct potad_ground_kind *kind);
void potad_ground_close(struct potad_ground *g);
bool potad_ground_spills(const struct potad_ground *g);

void potad_ground_corner(struct potad_ground *g);
void potad_ground_uncorner(struct potad_ground *g);
bool potad_ground_hold(struct potad_ground *g, struct potad_holding *h);
void potad_ground_drop(struct potad_ground *g, struct potad_holding *h);
void potad_ground_look(struct potad_ground *g, struct potad_holding *h);
void potad_ground_mark(const struct potad_ground *g, const struct potad_holding *h,
		       unsigned long *taken);

int potad_ground_ask(struct potad_ground *g, u64 bytes, u64 align,
		     union potad_ground_run *run);
int potad_ground_give(struct potad_ground *g, u64 bytes, union potad_ground_run *run);

#endif /* POTAD_COMPARE_GROUND_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holder: the owner of what people ask for by hand.
 *
 * It hands out handles.  A handle is a number that is given once and
 * never again, so a stale one, or one given up twice, finds nothing.
 */
#ifndef POTAD_OWNERS_HOLDER_H
#define POTAD_OWNERS_HOLDER_H

#include "../include/potad.h"

struct potad_area;

/* What a handle can stand for. */
/* Where in a file a handle's block is mapped, and how large it can be at most. */
#define POTAD_MAP_SHIFT		32

enum potad_held_kind {
	POTAD_HELD_BLOCK,	/* a block of one of the holder's types */
	POTAD_HELD_RUN,		/* adjacent blocks without a type */
	POTAD_HELD_AREA,	/* scattered blocks of one descriptor */
};

/**
 * struct potad_held - what somebody asked for by hand
 * @handle: its handle, 1 and up
 * @kind: what it is
 * @filled: its contents are the pattern of the handle
 * @lost: or were, and some of them are lost
 * @block: the block; of an area the first; of a run its address, size and order
 *	   alone
 * @run: the run, if it is one
 * @area: the area, if it is one; for the holder alone, as it goes with the handle
 * @pieces: how many blocks it is made of
 */
struct potad_held {
	unsigned long		handle;
	enum potad_held_kind	kind;
	bool			filled;
	bool			lost;
	struct potad_block	block;
	struct potad_adjacent	run;
	struct potad_area	*area;
	u64			pieces;
};

int potad_holder_init(struct potad_pool *pool);
unsigned long potad_holder_exit(void);

int potad_holder_alloc(unsigned int order, const char *type, bool fill,
		       struct potad_held *held);
int potad_holder_alloc_at(phys_addr_t phys, unsigned int order, const char *type,
			  potad_obstacle_fn report, void *arg, struct potad_held *held);
int potad_holder_run(struct potad_adjacent *run, struct potad_held *held);
int potad_holder_area(u64 bytes, unsigned int order, struct potad_held *held);
int potad_holder_check(unsigned long handle, u64 *bytes, u64 *sum);
int potad_holder_map(unsigned long handle, u64 offset, u64 bytes,
		     struct address_space *mapping);
vm_fault_t potad_holder_fault(unsigned long handle, u64 offset, struct vm_fault *vmf);
int potad_holder_free(unsigned long handle, struct potad_held *held);
bool potad_holder_next(unsigned long *handle, struct potad_held *held);
const char *potad_held_name(const struct potad_held *held);

#endif /* POTAD_OWNERS_HOLDER_H */

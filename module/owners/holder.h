/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holder: the owner of the blocks that people ask for by hand.
 *
 * It hands out handles.  A handle is a number that is given to one block and
 * never to another, so a stale one, or one given up twice, finds nothing.
 */
#ifndef POTAD_OWNERS_HOLDER_H
#define POTAD_OWNERS_HOLDER_H

#include "../include/potad.h"

/**
 * struct potad_held - a block that somebody asked for by hand
 * @handle: its handle, 1 and up
 * @block: the block
 */
struct potad_held {
	unsigned long		handle;
	struct potad_block	block;
};

int potad_holder_init(struct potad_pool *pool);
unsigned long potad_holder_exit(void);

int potad_holder_alloc(unsigned int order, const char *type,
		       struct potad_held *held);
int potad_holder_free(unsigned long handle, struct potad_held *held);
bool potad_holder_next(unsigned long *handle, struct potad_held *held);

#endif /* POTAD_OWNERS_HOLDER_H */

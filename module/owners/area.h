/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Areas: scattered blocks that look like one piece of memory.
 */
#ifndef POTAD_OWNERS_AREA_H
#define POTAD_OWNERS_AREA_H

#include "../include/potad.h"

/**
 * struct potad_area - blocks of one descriptor, mapped one behind the other
 * @nr: how many blocks
 * @bytes: their size together
 * @first: the first of them; it stands for all
 * @map: where they are mapped
 * @piece: all of them, the first included
 */
struct potad_area {
	unsigned int		nr;
	u64			bytes;
	struct potad_block	first;
	void			*map;
	struct potad_block	piece[];
};

/* The most that one area can have, in bytes and in blocks. */
#define POTAD_AREA_BYTES	(64ULL << 20)
#define POTAD_AREA_PIECES	4096

int potad_area_init(struct potad_pool *pool);
void potad_area_exit(void);

struct potad_area *potad_area_create(u64 bytes, unsigned int order, unsigned long handle);
void potad_area_destroy(struct potad_area *area);
int potad_area_check(const struct potad_area *area, unsigned long handle, u64 *sum);

#endif /* POTAD_OWNERS_AREA_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lookup index as a maple tree: one range for each block.
 */
#ifndef POTAD_MEMDESC_MAPLE_H
#define POTAD_MEMDESC_MAPLE_H

#include <linux/gfp.h>
#include <linux/maple_tree.h>
#include <linux/types.h>

struct potad_maple {
	struct maple_tree	tree;	/* its own lock, with interrupts off */
};

void potad_maple_init(struct potad_maple *m);
void potad_maple_exit(struct potad_maple *m);
int potad_maple_set(struct potad_maple *m, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp);
bool potad_maple_clear(struct potad_maple *m, u64 first, unsigned int order,
		       unsigned long word);
unsigned long potad_maple_find(struct potad_maple *m, u64 granule);
u64 potad_maple_bytes(struct potad_maple *m);
const char *potad_maple_validate(struct potad_maple *m);

#endif /* POTAD_MEMDESC_MAPLE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lookup index as an XArray: one entry of several indexes for each block.
 */
#ifndef POTAD_MEMDESC_XARRAY_H
#define POTAD_MEMDESC_XARRAY_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct potad_xarray {
	struct xarray	xa;	/* its own lock, with interrupts off */
};

int potad_xarray_init(struct potad_xarray *a);
void potad_xarray_exit(struct potad_xarray *a);
int potad_xarray_set(struct potad_xarray *a, u64 first, unsigned int order,
		     unsigned long word, gfp_t gfp);
bool potad_xarray_clear(struct potad_xarray *a, u64 first, unsigned int order,
			unsigned long word);
unsigned long potad_xarray_find(struct potad_xarray *a, u64 granule);
u64 potad_xarray_bytes(struct potad_xarray *a);
const char *potad_xarray_validate(struct potad_xarray *a);

#endif /* POTAD_MEMDESC_XARRAY_H */

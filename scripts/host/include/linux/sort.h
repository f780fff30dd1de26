/* SPDX-License-Identifier: GPL-2.0 */
#include "../shim.h"

#define sort(base, nr, size, cmp, swap)	qsort(base, nr, size, cmp)

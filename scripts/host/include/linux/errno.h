/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's errno.h comes by here too: the numbers, and nothing else. */
#include <asm/errno.h>

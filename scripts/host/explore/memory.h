/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that can be put back to what it was, all of it at once. */
#ifndef POTAD_EXPLORE_MEMORY_H
#define POTAD_EXPLORE_MEMORY_H

#include <stddef.h>

/* All is free again. */
void memory_empty(void);
/* Remembers it as it is, and puts it back to that. */
void memory_keep(void);
void memory_restore(void);
/* Where in it, for what is to be found again in another process; and back. */
size_t memory_offset(const void *p);
void *memory_at(size_t offset);

#endif /* POTAD_EXPLORE_MEMORY_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The files below /sys/kernel/debug/potad/. */
#ifndef POTAD_DEBUGFS_FILES_H
#define POTAD_DEBUGFS_FILES_H

struct potad_machine;
struct potad_pool;
struct potad_region;

void potad_files_init(struct potad_pool *pool,
		      const struct potad_region *region,
		      struct potad_machine *machine);
void potad_files_exit(void);

#endif /* POTAD_DEBUGFS_FILES_H */

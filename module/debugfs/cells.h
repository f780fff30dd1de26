/* SPDX-License-Identifier: GPL-2.0 */
/* The file that has the whole region at a glance. */
#ifndef POTAD_DEBUGFS_CELLS_H
#define POTAD_DEBUGFS_CELLS_H

struct dentry;
struct potad_pool;

void potad_cells_file(struct potad_pool *pool, struct dentry *dir);

#endif /* POTAD_DEBUGFS_CELLS_H */

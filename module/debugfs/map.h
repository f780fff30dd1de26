/* SPDX-License-Identifier: GPL-2.0 */
/* The file by which blocks are mapped into a process. */
#ifndef POTAD_DEBUGFS_MAP_H
#define POTAD_DEBUGFS_MAP_H

struct dentry;

void potad_map_file(struct dentry *dir);

#endif /* POTAD_DEBUGFS_MAP_H */

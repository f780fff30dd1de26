/* SPDX-License-Identifier: GPL-2.0 */
/* The files compare/run and compare/progress. */
#ifndef POTAD_DEBUGFS_COMPARE_H
#define POTAD_DEBUGFS_COMPARE_H

struct dentry;

void potad_compare_files(struct dentry *dir);

#endif /* POTAD_DEBUGFS_COMPARE_H */

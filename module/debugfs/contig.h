/* SPDX-License-Identifier: GPL-2.0 */
/* The file compare/contig. */
#ifndef POTAD_DEBUGFS_CONTIG_H
#define POTAD_DEBUGFS_CONTIG_H

struct dentry;

void potad_contig_files(struct dentry *dir);

#endif /* POTAD_DEBUGFS_CONTIG_H */

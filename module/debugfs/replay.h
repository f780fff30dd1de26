/* SPDX-License-Identifier: GPL-2.0 */
/* The file compare/replay. */
#ifndef POTAD_DEBUGFS_REPLAY_H
#define POTAD_DEBUGFS_REPLAY_H

struct dentry;

void potad_replay_files(struct dentry *dir);

#endif /* POTAD_DEBUGFS_REPLAY_H */

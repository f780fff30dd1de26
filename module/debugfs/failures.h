/* SPDX-License-Identifier: GPL-2.0 */
/* The files of memory that fails: pretended, taken back, and what was found. */
#ifndef POTAD_DEBUGFS_FAILURES_H
#define POTAD_DEBUGFS_FAILURES_H

#include "request.h"

struct dentry;
struct potad_pool;

extern const struct potad_action potad_failure_actions[];
extern const unsigned int potad_failure_actions_nr;

void potad_failures_files(struct potad_pool *pool, struct dentry *dir);

#endif /* POTAD_DEBUGFS_FAILURES_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The file compare/lookup. */
#ifndef POTAD_DEBUGFS_LOOKUP_H
#define POTAD_DEBUGFS_LOOKUP_H

#include "request.h"

extern const struct potad_action potad_lookup_action;

#endif /* POTAD_DEBUGFS_LOOKUP_H */

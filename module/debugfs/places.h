/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The actions on places: which memory it is, rather than how much.
 */
#ifndef POTAD_DEBUGFS_PLACES_H
#define POTAD_DEBUGFS_PLACES_H

#include "request.h"

struct potad_pool;

extern const struct potad_action potad_place_actions[];
extern const unsigned int potad_place_actions_nr;

void potad_places_init(struct potad_pool *pool);

#endif /* POTAD_DEBUGFS_PLACES_H */

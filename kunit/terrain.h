/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Terrains: spans in all the places where a space is made differently.
 *
 * What is inside of one leaf, and what crosses the border between two leaves,
 * two groups, two units of the tiers above; spans that touch at odd numbers,
 * spans with gaps.  Few units each, so that a model can look at all of them;
 * the tiers above the first are reached with units of many granules.
 */
#ifndef POTAD_KUNIT_TERRAIN_H
#define POTAD_KUNIT_TERRAIN_H

#include "model.h"

#define POTAD_TERRAIN_SPANS	3
#define POTAD_TERRAINS		12
#define POTAD_WIDE_TERRAINS	2

struct potad_terrain {
	const char		*name;
	unsigned int		shift;		/* units of 2^shift granules */
	unsigned int		spans;
	struct potad_test_span	span[POTAD_TERRAIN_SPANS];	/* in units */
};

extern const struct potad_terrain potad_terrains[POTAD_TERRAINS];
/* Of many units. */
extern const struct potad_terrain potad_wide_terrains[POTAD_WIDE_TERRAINS];

/* Of memory that is taken on the way down, where it would be much. */
struct potad_model *potad_terrain_model(struct kunit *test,
					const struct potad_terrain *t);
void potad_terrain_name(const struct potad_terrain *t, char *name);

#endif /* POTAD_KUNIT_TERRAIN_H */

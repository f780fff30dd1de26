// SPDX-License-Identifier: GPL-2.0
/* The places that tests are made in; what they are for is told in terrain.h. */
#include <linux/string.h>

#include "terrain.h"

#define GROUP		65536ULL

const struct potad_terrain potad_terrains[POTAD_TERRAINS] = {
	{ "within a leaf", 0, 1, { { 37, 150 } } },
	{ "a few leaves", 0, 1, { { 0, 700 } } },
	{ "odd leaves", 0, 1, { { 201, 300 } } },
	{ "border of groups", 0, 1, { { GROUP - 100, 250 } } },
	{ "border of units of groups", 0, 1, { { (1ULL << 24) - 90, 200 } } },
	{ "border of the highest tier", 0, 1, { { (1ULL << 32) - 130, 250 } } },
	{ "two spans, odd border", 0, 2, { { 3, 250 }, { 253, 333 } } },
	{ "three spans, gaps", 0, 3, { { 5, 95 }, { 101, 123 }, { 300, 212 } } },
	{ "units of leaves", 8, 2, { { 3, 250 }, { 253, 77 } } },
	{ "units of groups", 16, 1, { { 0, 300 } } },
	{ "units of 2^24, odd", 24, 2, { { 5, 250 }, { 255, 30 } } },
	{ "units of 2^32", 32, 1, { { 1, 300 } } },
};

const struct potad_terrain potad_wide_terrains[POTAD_WIDE_TERRAINS] = {
	{ "a group", 0, 1, { { 0, GROUP } } },
	{ "ragged groups", 0, 1, { { 0, 2 * GROUP + 12345 } } },
};

struct potad_model *potad_terrain_model(struct kunit *test,
					const struct potad_terrain *t)
{
	return potad_model_create_spans(test, t->span, t->spans, t->shift, t->shift < 16);
}

void potad_terrain_name(const struct potad_terrain *t, char *name)
{
	strscpy(name, t->name, KUNIT_PARAM_DESC_SIZE);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mobility: the kinds of blocks that are kept apart.
 *
 * A header of its own, as both the space, which knows of nothing else, and
 * the users of potad.h need it.
 */
#ifndef POTAD_MOBILITY_H
#define POTAD_MOBILITY_H

/*
 * How long a block stays, and who can be asked to give it up.  Blocks of one
 * kind are kept together, apart from those of others, as long as there is
 * room: it takes a single one that stays to spoil a large block.
 */
enum potad_mobility {
	POTAD_MOVABLE,		/* its owner can move it elsewhere */
	POTAD_RECLAIMABLE,	/* its owner can give it up */
	POTAD_PINNED,		/* stays where it is, who knows how long */
};

#define POTAD_MOBILITIES	3

#endif /* POTAD_MOBILITY_H */

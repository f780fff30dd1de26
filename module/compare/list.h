/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of subjects.  Whoever needs something for each of them defines
 *
 *	SUBJECT_ENTRY(id, unit, source, name, rival)
 *
 * and includes this, which has no guard for that reason.
 *
 *	id      what its functions' names begin with (subjects.h), and its member of
 *	        union potad_held
 *	unit    what its orders count: see enum subject_unit
 *	source  where its memory is from: see enum subject_source
 *	name    what people call it
 *	rival   name of the native subject that it is to be compared with; NULL: none
 *
 * The first four are those that a comparison has by default.
 */
SUBJECT_ENTRY(bare, IN_GRANULES, FROM_POOL, "potad", "buddy")
SUBJECT_ENTRY(described, IN_GRANULES, FROM_POOL, "potad-described", "buddy-described")
SUBJECT_ENTRY(buddy, IN_PAGES, FROM_KERNEL, "buddy", "buddy")
SUBJECT_ENTRY(compound, IN_PAGES, FROM_KERNEL, "buddy-described", "buddy-described")
SUBJECT_ENTRY(kmalloc, IN_BYTES, FROM_KERNEL, "kmalloc", "kmalloc")
SUBJECT_ENTRY(area, IN_PAGES, FROM_AREA, "cma", NULL)
SUBJECT_ENTRY(contig, IN_PAGES, FROM_KERNEL, "contig", NULL)
SUBJECT_ENTRY(gpu, IN_PAGES, FROM_RANGE, "gpu", NULL)
SUBJECT_ENTRY(genalloc, IN_BYTES, FROM_RANGE, "genalloc", NULL)
SUBJECT_ENTRY(nothing, IN_BYTES, FROM_NOWHERE, "empty", NULL)
#undef SUBJECT_ENTRY

// SPDX-License-Identifier: GPL-2.0
/* What a machine-check record means; see record.h. */
#include <linux/bitfield.h>
#include <linux/export.h>
#include <linux/mm.h>

#include "../include/compat.h"
#include "record.h"

/*
 * Does it say where, so that one can act upon it?  The kernel acts upon the same
 * ones: what claims to be larger than a page is no memory that has failed.
 */
static bool is_located(const struct potad_record *record)
{
	return record->status & POTAD_MCI_ADDR_VALID &&
	       record->status & POTAD_MCI_MISC_VALID &&
	       FIELD_GET(POTAD_MCI_MODE, record->misc) == POTAD_MCI_PHYSICAL &&
	       FIELD_GET(POTAD_MCI_GRANULE, record->misc) <= PAGE_SHIFT;
}

/**
 * potad_record_judge() - what a record means for a region
 * @record: the record
 * @start: where the region begins; at a page
 * @bytes: its size, in whole pages
 * @damage: filled in if memory of it has failed
 *
 * A corrected error is no failure, however many there are: to count them and to
 * judge from that is the business of others.
 *
 * Context: Any.
 * Return: the verdict.
 */
enum potad_verdict potad_record_judge(const struct potad_record *record,
				      phys_addr_t start, u64 bytes,
				      struct potad_damage *damage)
{
	bool failed = record->status & POTAD_MCI_UNCORRECTED;
	u64 length;

	if (!(record->status & POTAD_MCI_VALID))
		return POTAD_RECORD_OTHER;
	if (!is_located(record))
		return failed && record->memory ? POTAD_RECORD_UNLOCATED : POTAD_RECORD_OTHER;
	if (record->addr < start || record->addr - start >= bytes)
		return failed ? POTAD_RECORD_OUTSIDE : POTAD_RECORD_OTHER;
	if (!failed)
		return POTAD_RECORD_CORRECTED;

	length = 1ULL << FIELD_GET(POTAD_MCI_GRANULE, record->misc);
	damage->phys = record->addr & ~(length - 1);
	damage->length = length;
	return POTAD_RECORD_FAILED;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_record_judge);

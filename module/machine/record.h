/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine-check record, and what it says about a region.
 *
 * Processors write their errors down in registers, of which three matter here.  The
 * layout is Intel's; who has records of another kind brings them into it:
 *
 *	status  63       62   61  60  59     58     57   56 ...          15       0
 *	        valid         uncorrected    |      |                    | what it was |
 *	                              misc valid   addr valid
 *	misc    8     6 5           0
 *	        | mode | granule    |     mode 2: the address is a physical one;
 *	                                  granule: log2 of what has failed, in bytes
 *	addr    inside of it
 *
 * This is all numbers: it takes neither a machine nor a lock.
 */
#ifndef POTAD_MACHINE_RECORD_H
#define POTAD_MACHINE_RECORD_H

#include <linux/bits.h>
#include <linux/types.h>

#define POTAD_MCI_VALID		BIT_ULL(63)
#define POTAD_MCI_UNCORRECTED	BIT_ULL(61)
#define POTAD_MCI_MISC_VALID	BIT_ULL(59)
#define POTAD_MCI_ADDR_VALID	BIT_ULL(58)

#define POTAD_MCI_GRANULE	GENMASK_ULL(5, 0)
#define POTAD_MCI_MODE		GENMASK_ULL(8, 6)
#define POTAD_MCI_PHYSICAL	2

/**
 * struct potad_record - one error, as a processor has written it down
 * @status: POTAD_MCI_VALID and others
 * @misc: mode and granule of @addr
 * @addr: where
 * @memory: it says that it is one of memory, or of a cache
 */
struct potad_record {
	u64	status;
	u64	misc;
	u64	addr;
	bool	memory;
};

/**
 * struct potad_damage - memory that has failed
 * @phys: where it begins, a multiple of its length
 * @length: its length in bytes, a power of two, up to a page
 */
struct potad_damage {
	phys_addr_t	phys;
	u64		length;
};

/**
 * enum potad_verdict - what a record means for a region
 * @POTAD_RECORD_FAILED: memory of the region has failed
 * @POTAD_RECORD_CORRECTED: contents of memory of the region were wrong, and have been
 *	put right: nothing has failed yet
 * @POTAD_RECORD_OUTSIDE: other memory has failed
 * @POTAD_RECORD_UNLOCATED: memory has failed, and it does not say where
 * @POTAD_RECORD_OTHER: it is about something else
 */
enum potad_verdict {
	POTAD_RECORD_FAILED,
	POTAD_RECORD_CORRECTED,
	POTAD_RECORD_OUTSIDE,
	POTAD_RECORD_UNLOCATED,
	POTAD_RECORD_OTHER,
};

enum potad_verdict potad_record_judge(const struct potad_record *record,
				      phys_addr_t start, u64 bytes,
				      struct potad_damage *damage);

#endif /* POTAD_MACHINE_RECORD_H */

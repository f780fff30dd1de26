/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ledger: which blocks a recording holds, and what a subject holds for each.
 *
 *	id --hash--> bucket -> lease -> lease ...
 *
 * A block is a lease from the record that allocates it to the one that frees it.
 * Leases lie in chunks, which are made when they are first needed and stay until
 * the end, so that memory grows with the blocks that live, not with the recording;
 * and there is a most of them.  A lease that has ended is out of the hash, so that
 * its id can be used anew, but stays as it is until it is recycled: its block may
 * still have to be freed.
 *
 * No lock: a ledger belongs to one replay, which has one.  What of a lease is whose
 * meanwhile is told in crew.h; @id, @next and @shift never are anybody else's.
 */
#ifndef POTAD_COMPARE_LEDGER_H
#define POTAD_COMPARE_LEDGER_H

#include <linux/types.h>

#include "../include/mobility.h"
#include "loops.h"

/**
 * struct potad_lease - a block that lives
 * @id: what the recording calls it
 * @nth: how manyth step of hand @by (crew.h) allocates it, counts from 0; or a tape's slot
 * @next: of its bucket, or of those to be used again; a number of a lease
 * @shift: 2^@shift bytes
 * @order: the subject's, for that
 * @empty: the subject has refused it: nothing to free
 * @by: the hand that allocates it
 * @mobility: of what kind it is
 * @held: what the subject holds
 */
struct potad_lease {
	u64			id;
	u64			nth;
	u32			next;
	u8			shift;
	u8			order;
	bool			empty;
	u8			by;
	enum potad_mobility	mobility;
	union potad_held	held;
};

struct potad_ledger;

struct potad_ledger *potad_ledger_create(u32 most, u32 ended);
void potad_ledger_destroy(struct potad_ledger *l);
int potad_ledger_add(struct potad_ledger *l, u64 id, struct potad_lease **lease);
struct potad_lease *potad_ledger_find(const struct potad_ledger *l, u64 id);
struct potad_lease *potad_ledger_end(struct potad_ledger *l, u64 id);
void potad_ledger_recycle(struct potad_ledger *l, struct potad_lease *lease);
struct potad_lease *potad_ledger_any(struct potad_ledger *l, u32 *bucket);
u32 potad_ledger_live(const struct potad_ledger *l);

#endif /* POTAD_COMPARE_LEDGER_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A history: what lives at each point of a recording.
 *
 *	text --recording--> records --ledger--> a lease begins, a lease has ended
 *
 * A record by itself is a line that can be read (recording.h).  What it says about those
 * before it is held against the ledger here, and refused if it cannot be: who frees what
 * does not live, or with another size, who allocates what is allocated, in part or in
 * whole, and who was there at first and comes late.  So whoever keeps or replays a
 * recording is told of beginnings and ends only, and all of them make sense.
 *
 * A block that is split ends, and its parts begin: not everybody can do it in place.
 *
 * No lock: a history belongs to one reader.
 */
#ifndef POTAD_COMPARE_HISTORY_H
#define POTAD_COMPARE_HISTORY_H

#include <linux/types.h>

#include "ledger.h"
#include "recording.h"

/**
 * struct potad_history_ops - who wants to know
 * @begins: a block lives from here on; of the lease @id, @shift and @mobility are set
 * @ends: it lives no more; the lease is out of the ledger, and whoever is done with
 *	  it, now or later, has potad_ledger_recycle() for it
 * @done: that was the record; may be NULL
 * @limit: what is wrong, in words, when more blocks live at once than may
 *
 * Each returns 0, or an errno that ends the reading.
 */
struct potad_history_ops {
	int (*begins)(const struct potad_record *record, struct potad_lease *lease, void *arg);
	int (*ends)(const struct potad_record *record, struct potad_lease *lease, void *arg);
	int (*done)(const struct potad_record *record, void *arg);
	const char *limit;
};

/**
 * struct potad_history - how far it has been read
 * @recording: the same, as text
 * @ledger: what lives
 * @ops: who wants to know
 * @arg: handed to them
 * @wrong: what is wrong with a record, if not by itself
 * @largest: order of the largest block of pages so far
 * @records: how many there were
 * @present: of these, of blocks that were there when it began
 * @splits: of blocks that were split
 * @refused: of allocations that were refused
 * @asking: bytes that live at this point
 * @asked: most of these
 */
struct potad_history {
	struct potad_recording		recording;
	struct potad_ledger		*ledger;
	const struct potad_history_ops	*ops;
	void				*arg;
	const char			*wrong;
	unsigned int			largest;
	u64				records;
	u64				present;
	u64				splits;
	u64				refused;
	u64				asking;
	u64				asked;
};

int potad_history_begin(struct potad_history *h, u32 most, u32 ended,
			const struct potad_history_ops *ops, void *arg);
int potad_history_read(struct potad_history *h, const char *text, size_t len);
int potad_history_end(struct potad_history *h);
void potad_history_destroy(struct potad_history *h);
const char *potad_history_wrong(const struct potad_history *h, u64 *line, u64 *offset);

#endif /* POTAD_COMPARE_HISTORY_H */

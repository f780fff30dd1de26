// SPDX-License-Identifier: GPL-2.0
/* A ledger; what it is for is told in ledger.h. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "../include/compat.h"
#include "ledger.h"

#define CHUNK		512U		/* leases */
#define BUCKETS_MAX	BIT(18)
#define NONE		U32_MAX

/* It gets no memory that others would have to be killed for. */
#define LEDGER_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/**
 * struct potad_ledger - a ledger
 * @most: leases at once, in the hash
 * @ended: and so many that have ended, and are not recycled
 * @live: how many are in the hash
 * @made: how many there have ever been at once
 * @unused: first of those that are recycled
 * @bits: of the number of buckets
 * @bucket: the first lease of each
 * @chunk: the leases, by number
 */
struct potad_ledger {
	u32			most;
	u32			ended;
	u32			live;
	u32			made;
	u32			unused;
	unsigned int		bits;
	u32			*bucket;
	struct potad_lease	*chunk[];
};

static struct potad_lease *lease_of(const struct potad_ledger *l, u32 number)
{
	return &l->chunk[number / CHUNK][number % CHUNK];
}

static u32 *bucket_of(const struct potad_ledger *l, u64 id)
{
	return &l->bucket[hash_64(id, l->bits)];
}

/*
 * Of at most @most (1 or more) leases at once, not counting those that have ended: of
 * them, at most @ended wait to be recycled.  NULL: no memory.
 */
struct potad_ledger *potad_ledger_create(u32 most, u32 ended)
{
	u32 buckets = clamp_t(u32, roundup_pow_of_two(most), 2, BUCKETS_MAX), i;
	struct potad_ledger *l;

	l = kvzalloc(struct_size(l, chunk, DIV_ROUND_UP(most + ended, CHUNK)), LEDGER_GFP);
	if (!l)
		return NULL;
	l->bucket = kvmalloc_array(buckets, sizeof(*l->bucket), LEDGER_GFP);
	if (!l->bucket) {
		kvfree(l);
		return NULL;
	}
	for (i = 0; i < buckets; i++)
		l->bucket[i] = NONE;
	l->most = most;
	l->ended = ended;
	l->unused = NONE;
	l->bits = ilog2(buckets);
	return l;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_create);

/* Whatever the leases hold is the caller's. */
void potad_ledger_destroy(struct potad_ledger *l)
{
	u32 i;

	if (!l)
		return;
	for (i = 0; i < DIV_ROUND_UP(l->most + l->ended, CHUNK); i++)
		kvfree(l->chunk[i]);
	kvfree(l->bucket);
	kvfree(l);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_destroy);

/* One that nobody uses, by number; -E2BIG, -ENOMEM. */
static int unused(struct potad_ledger *l, u32 *number)
{
	struct potad_lease **chunk;

	if (l->live == l->most)
		return -E2BIG;
	*number = l->unused;
	if (*number != NONE) {
		l->unused = lease_of(l, *number)->next;
		return 0;
	}
	if (l->made == l->most + l->ended)
		return -E2BIG;
	chunk = &l->chunk[l->made / CHUNK];
	if (!*chunk) {
		*chunk = kvmalloc_array(CHUNK, sizeof(**chunk), LEDGER_GFP);
		if (!*chunk)
			return -ENOMEM;
	}
	*number = l->made++;
	return 0;
}

/**
 * potad_ledger_add() - a block begins to live
 * @l: the ledger
 * @id: its name, which no other has
 * @lease: set to its lease, of which only @id and @next are set
 *
 * Context: Process context; may sleep.
 * Return: 0; -E2BIG if there are as many as there may be; -ENOMEM.
 */
int potad_ledger_add(struct potad_ledger *l, u64 id, struct potad_lease **lease)
{
	u32 *bucket = bucket_of(l, id), number;
	int err;

	err = unused(l, &number);
	if (err)
		return err;
	*lease = lease_of(l, number);
	(*lease)->id = id;
	(*lease)->next = *bucket;
	*bucket = number;
	l->live++;
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_add);

/* The lease of a block that lives, or NULL. */
struct potad_lease *potad_ledger_find(const struct potad_ledger *l, u64 id)
{
	u32 number = *bucket_of(l, id);

	while (number != NONE) {
		struct potad_lease *lease = lease_of(l, number);

		if (lease->id == id)
			return lease;
		number = lease->next;
	}
	return NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_find);

/*
 * The block lives no more: its lease, which is to be recycled when it is done with;
 * NULL if there is none.
 */
struct potad_lease *potad_ledger_end(struct potad_ledger *l, u64 id)
{
	u32 *link = bucket_of(l, id);

	while (*link != NONE) {
		u32 number = *link;
		struct potad_lease *lease = lease_of(l, number);

		if (lease->id == id) {
			*link = lease->next;
			/* For who recycles it: a lease does not know its number. */
			lease->next = number;
			l->live--;
			return lease;
		}
		link = &lease->next;
	}
	return NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_end);

/* A lease that has ended can be used again. */
void potad_ledger_recycle(struct potad_ledger *l, struct potad_lease *lease)
{
	u32 number = lease->next;

	lease->next = l->unused;
	l->unused = number;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_recycle);

/*
 * Ends the lease of any block that lives; NULL if none does.  @bucket: where to look
 * from, 0 at first.
 */
struct potad_lease *potad_ledger_any(struct potad_ledger *l, u32 *bucket)
{
	for (; *bucket < 1U << l->bits; ++*bucket)
		if (l->bucket[*bucket] != NONE)
			return potad_ledger_end(l, lease_of(l, l->bucket[*bucket])->id);
	return NULL;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_any);

/* How many blocks live. */
u32 potad_ledger_live(const struct potad_ledger *l)
{
	return l->live;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_ledger_live);

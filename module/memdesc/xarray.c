// SPDX-License-Identifier: GPL-2.0
/*
 * The lookup index as an XArray: for the comparison, and as an alternative.
 *
 * A block is one entry (entry.h) of as many indexes as it has granules: it is a
 * power of two and lies at a multiple of it, and this is what the XArray can do.
 * A node has 64 slots; a block of order k has 2^(k mod 6) of them, all but the
 * first leading to that, on the level k / 6.  So a lookup goes through at most
 * two slots on the last level, and one on each above.
 *
 * Erasing never takes memory: it empties slots and gives back nodes.
 *
 * The lock is the array's own, taken with interrupts off.  Who may wait for
 * memory does so outside, one node at a time, with the kernel's xas_nomem().
 */
#include <linux/errno.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "../include/compat.h"
#include "entry.h"
#include "word.h"
#include "xarray.h"

#define LEVELS	(BITS_PER_LONG / XA_CHUNK_SHIFT + 1)

int potad_xarray_init(struct potad_xarray *a)
{
	xa_init_flags(&a->xa, XA_FLAGS_LOCK_IRQ);
	return IS_ENABLED(CONFIG_XARRAY_MULTI) ? 0 : -EOPNOTSUPP;
}

void potad_xarray_exit(struct potad_xarray *a)
{
	xa_destroy(&a->xa);
}

/* Sets a block's entry. */
int potad_xarray_set(struct potad_xarray *a, u64 first, unsigned int order,
		     unsigned long word, gfp_t gfp)
{
	XA_STATE_ORDER(xas, &a->xa, first, order);
	unsigned long flags;

	/* What the word points to, where a slot is overwritten with no more than a store. */
	smp_wmb();
	do {
		xas_lock_irqsave(&xas, flags);
		xas_store(&xas, potad_entry(word));
		xas_unlock_irqrestore(&xas, flags);
	} while (xas_nomem(&xas, gfp));
	return xas_error(&xas);
}

/* Erases an entry that is there.  Takes no memory. */
bool potad_xarray_clear(struct potad_xarray *a, u64 first, unsigned int order,
			unsigned long word)
{
	XA_STATE_ORDER(xas, &a->xa, first, order);
	unsigned long flags;
	bool ok;

	xas_lock_irqsave(&xas, flags);
	ok = xas_load(&xas) == potad_entry(word);
	if (ok)
		xas_store(&xas, NULL);
	xas_unlock_irqrestore(&xas, flags);
	return ok && !WARN_ON_ONCE(xas_error(&xas));
}

unsigned long potad_xarray_find(struct potad_xarray *a, u64 granule)
{
	return potad_entry_word(xa_load(&a->xa, granule));
}

/*
 * Goes through all entries.  A node is counted when it comes first: of each level
 * the last one that came is kept.
 */
static const char *walk(struct potad_xarray *a, u64 *nodes)
{
	const struct xa_node *seen[LEVELS] = { };
	XA_STATE(xas, &a->xa, 0);
	const char *wrong = NULL;
	const struct xa_node *node;
	unsigned int n = 0;
	void *entry;

	*nodes = 0;
	rcu_read_lock();
	xas_for_each(&xas, entry, ULONG_MAX) {
		if (potad_word_tag(potad_entry_word(entry)) < POTAD_TAG_TYPE)
			wrong = "xarray: an entry has no type";
		/* One entry at index 0 may be without a node. */
		for (node = xas.xa_node; !xas_not_node(xas.xa_node) && node;
		     node = rcu_dereference(node->parent)) {
			unsigned int level = node->shift / XA_CHUNK_SHIFT;

			if (seen[level] == node)
				break;
			seen[level] = node;
			++*nodes;
		}
		if (!(++n % 1024)) {
			xas_pause(&xas);
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return wrong;
}

/* Nodes that lead to entries; the array is not to change. */
u64 potad_xarray_bytes(struct potad_xarray *a)
{
	u64 nodes;

	walk(a, &nodes);
	return nodes * sizeof(struct xa_node);
}

const char *potad_xarray_validate(struct potad_xarray *a)
{
	u64 nodes;

	return walk(a, &nodes);
}

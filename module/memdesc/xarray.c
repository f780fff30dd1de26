// SPDX-License-Identifier: GPL-2.0
/*
 * An XArray as index: an entry over several indexes for each block.
 *
 * Such entries are powers of two, and aligned, as blocks are.  To store one needs
 * nodes where there are none; to erase it gives nodes back, and never needs any.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "../include/compat.h"
#include "index.h"

int potad_xarray_init(struct xarray *xa)
{
	if (!IS_ENABLED(CONFIG_XARRAY_MULTI))
		return -EOPNOTSUPP;
	xa_init_flags(xa, XA_FLAGS_LOCK_IRQ);
	return 0;
}

void potad_xarray_exit(struct xarray *xa)
{
	xa_destroy(xa);
}

int potad_xarray_set(struct xarray *xa, u64 first, unsigned int order,
		     unsigned long word, gfp_t gfp)
{
	XA_STATE_ORDER(xas, xa, first, order);
	unsigned long flags;

	do {
		xas_lock_irqsave(&xas, flags);
		xas_store(&xas, potad_tree_entry(word));
		xas_unlock_irqrestore(&xas, flags);
	} while (xas_nomem(&xas, gfp));
	return xas_error(&xas);
}

bool potad_xarray_clear(struct xarray *xa, u64 first, unsigned int order,
			unsigned long word)
{
	XA_STATE_ORDER(xas, xa, first, order);
	unsigned long flags;
	bool ok;

	xas_lock_irqsave(&xas, flags);
	ok = xas_load(&xas) == potad_tree_entry(word);
	if (ok)
		xas_store(&xas, NULL);
	xas_unlock_irqrestore(&xas, flags);
	return ok && !WARN_ON_ONCE(xas_error(&xas));
}

unsigned long potad_xarray_find(struct xarray *xa, u64 granule)
{
	void *entry = xa_load(xa, granule);

	return entry ? potad_tree_word(entry) : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_xarray_find);

/* Nodes from this one down. */
static u64 nodes_below(const struct xarray *xa, const void *entry)
{
	struct xa_node *node;
	unsigned int i;
	u64 nodes = 1;

	if (!xa_is_node(entry))
		return 0;
	node = xa_to_node(entry);
	for (i = 0; node->shift && i < XA_CHUNK_SIZE; i++)
		nodes += nodes_below(xa, rcu_dereference_raw(node->slots[i]));
	return nodes;
}

u64 potad_xarray_bytes(struct xarray *xa)
{
	u64 nodes;

	/* A node that is given back meanwhile stays until the end of this. */
	rcu_read_lock();
	nodes = nodes_below(xa, rcu_dereference_raw(xa->xa_head));
	rcu_read_unlock();
	return nodes * sizeof(struct xa_node);
}

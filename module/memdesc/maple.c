// SPDX-License-Identifier: GPL-2.0
/*
 * A maple tree as index: a range of granules for each block.
 *
 * To erase from a maple tree can need memory (nodes are not changed in place but
 * replaced, so that readers need no lock), and a free must not.  But to store
 * another entry over exactly the range of one that is there changes a single slot.
 * So a block that goes leaves an entry behind that says nothing; it goes when another
 * block is stored over it.  That costs memory and time where blocks of many sizes
 * come and go, which is part of the answer; potad_maple_erase() is there to show what
 * mtree_erase() would do.
 *
 * Frees come from interrupts, and so the tree's lock is one of our own, taken with
 * interrupts off; memory for a store is had under it, without waiting.  Who may
 * wait lets the kernel reclaim some in between, and tries again.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/maple_tree.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "../include/compat.h"
#include "index.h"

/* How often somebody who may wait tries to get memory. */
#define MAX_TRIES	8

void potad_maple_init(struct potad_maple *m)
{
	spin_lock_init(&m->lock);
	mt_init_flags(&m->tree, MT_FLAGS_USE_RCU | MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&m->tree, &m->lock);
}

void potad_maple_exit(struct potad_maple *m)
{
	unsigned long flags;

	spin_lock_irqsave(&m->lock, flags);
	__mt_destroy(&m->tree);
	spin_unlock_irqrestore(&m->lock, flags);
}

/* The lock is held. */
static int store(struct potad_maple *m, u64 first, u64 last, unsigned long word)
{
	MA_STATE(mas, &m->tree, first, last);

	return mas_store_gfp(&mas, potad_tree_entry(word), GFP_NOWAIT | __GFP_NOWARN);
}

int potad_maple_set(struct potad_maple *m, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp)
{
	u64 last = first + (1ULL << order) - 1;
	unsigned int tries = MAX_TRIES;
	unsigned long flags, page;
	int err;

	for (;;) {
		spin_lock_irqsave(&m->lock, flags);
		err = store(m, first, last, word);
		spin_unlock_irqrestore(&m->lock, flags);
		if (err != -ENOMEM || !gfpflags_allow_blocking(gfp) || !tries--)
			return err;
		page = __get_free_page(gfp | __GFP_NOWARN);
		if (!page)
			return err;
		free_page(page);
	}
}

bool potad_maple_clear(struct potad_maple *m, u64 first, unsigned int order,
		       unsigned long word)
{
	u64 last = first + (1ULL << order) - 1;
	MA_STATE(mas, &m->tree, first, first);
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&m->lock, flags);
	ok = mas_walk(&mas) == potad_tree_entry(word) && mas.index == first &&
	     mas.last == last;
	/* Over exactly this range: takes no memory. */
	if (ok)
		ok = !WARN_ON_ONCE(store(m, first, last, 0));
	spin_unlock_irqrestore(&m->lock, flags);
	return ok;
}

/* What to erase the block's entry would be; may sleep, may fail. */
int potad_maple_erase(struct potad_maple *m, u64 first)
{
	MA_STATE(mas, &m->tree, first, first);
	unsigned long flags;
	int err = -ENOENT;

	spin_lock_irqsave(&m->lock, flags);
	if (mas_walk(&mas))
		err = mas_store_gfp(&mas, NULL, GFP_NOWAIT | __GFP_NOWARN);
	spin_unlock_irqrestore(&m->lock, flags);
	return err;
}

unsigned long potad_maple_find(struct potad_maple *m, u64 granule)
{
	void *entry = mtree_load(&m->tree, granule);

	return entry ? potad_tree_word(entry) : 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_maple_find);

/*
 * Nodes of 256 bytes: leaves are counted, and what is above them has ten children
 * each at the least.
 */
u64 potad_maple_bytes(struct potad_maple *m)
{
	MA_STATE(mas, &m->tree, 0, 0);
	unsigned long nodes = 0, above;
	void *entry, *last = NULL;
	unsigned int seen = 0;

	rcu_read_lock();
	mas_for_each(&mas, entry, ULONG_MAX) {
		if (mas.node != last)
			nodes++;
		last = mas.node;
		if (++seen % 1024)
			continue;
		mas_pause(&mas);
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
	for (above = nodes / 10; above; above /= 10)
		nodes += above;
	return nodes * sizeof(struct maple_node);
}

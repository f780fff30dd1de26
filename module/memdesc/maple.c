// SPDX-License-Identifier: GPL-2.0
/*
 * The lookup index as a maple tree: for the comparison, and as an alternative.
 *
 * A block is one range, with its word as the entry (entry.h).
 *
 * Erasing a range may need a node: in a tree that is read under RCU a changed
 * node is a new one.  The kernel's mtree_erase() therefore allocates, and insists
 * on success.  Freeing must not depend on memory; so here a range is never
 * erased, but overwritten with the word 0.  An exact range that exists is
 * replaced in its slot, which takes no node: entries that are not NULL stay
 * apart, whatever their neighbours do.
 *
 *	set	[ 0 .. 3: NULL ]  ->  [ 0 .. 3: word ]	may take nodes
 *	clear	[ 0 .. 3: word ]  ->  [ 0 .. 3: 0    ]	takes none
 *
 * The price: what was cleared stays as a range, until a block of another size is
 * set there.  A tree has at most one range for each granule, but it does not
 * become smaller when blocks go.
 *
 * The lock is the tree's own, taken with interrupts off.  Under it, nodes are
 * taken without waiting; who may wait does that outside, for as much memory as a
 * store can take, and tries again.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../include/compat.h"
#include "entry.h"
#include "maple.h"
#include "word.h"

#define NODES		32	/* a store takes fewer */
#define TRIES		8	/* of somebody who may wait for memory */

void potad_maple_init(struct potad_maple *m)
{
	mt_init_flags(&m->tree, MT_FLAGS_USE_RCU | MT_FLAGS_LOCK_IRQ);
}

/*
 * Nobody reads any more: the nodes go at once, not by way of RCU.  (With 7.3 it
 * would be a walk through dead nodes, in which it was seen to crash.)
 */
void potad_maple_exit(struct potad_maple *m)
{
	/* From here on no interrupt takes the lock, and lockdep is told so. */
	spin_lock_init(&m->tree.ma_lock);
	mt_clear_in_rcu(&m->tree);
	mtree_destroy(&m->tree);
}

static unsigned long last_of(u64 first, unsigned int order)
{
	return first + (1ULL << order) - 1;
}

/* The lock is held. */
static int store(struct potad_maple *m, unsigned long first, unsigned long last,
		 void *entry)
{
	MA_STATE(mas, &m->tree, first, last);
	int err = mas_store_gfp(&mas, entry, GFP_NOWAIT | __GFP_NOWARN);

	mas_destroy(&mas);
	return err;
}

/* Nodes cannot be waited for under the lock: wait for as much, and give it back. */
static bool wait_for_memory(gfp_t gfp)
{
	void *p;

	if (!gfpflags_allow_blocking(gfp))
		return false;
	p = kmalloc_array(NODES, sizeof(struct maple_node), gfp);
	kfree(p);
	return p;
}

/* Sets a block's range. */
int potad_maple_set(struct potad_maple *m, u64 first, unsigned int order,
		    unsigned long word, gfp_t gfp)
{
	unsigned long flags;
	int err, tries = TRIES;

	/* What the word points to, where a slot is overwritten with no more than a store. */
	smp_wmb();
	do {
		spin_lock_irqsave(&m->tree.ma_lock, flags);
		err = store(m, first, last_of(first, order), potad_entry(word));
		spin_unlock_irqrestore(&m->tree.ma_lock, flags);
	} while (err == -ENOMEM && tries-- && wait_for_memory(gfp));
	return err;
}

/* A range that is there has the word 0.  Takes no memory. */
bool potad_maple_clear(struct potad_maple *m, u64 first, unsigned int order,
		       unsigned long word)
{
	MA_STATE(mas, &m->tree, first, first);
	unsigned long flags, last = last_of(first, order);
	bool ok;

	spin_lock_irqsave(&m->tree.ma_lock, flags);
	ok = mas_walk(&mas) == potad_entry(word) && mas.index == first &&
	     mas.last == last;
	if (ok)
		ok = !WARN_ON_ONCE(store(m, first, last, potad_entry(0)));
	spin_unlock_irqrestore(&m->tree.ma_lock, flags);
	return ok;
}

unsigned long potad_maple_find(struct potad_maple *m, u64 granule)
{
	return potad_entry_word(mtree_load(&m->tree, granule));
}

/* The node above, or NULL: bit 0 is set in the root's. */
static const struct maple_node *parent_of(const struct maple_node *node)
{
	unsigned long parent = (unsigned long)node->parent;

	return parent & 1 ? NULL : (void *)(parent & ~MAPLE_NODE_MASK);
}

/*
 * Goes through all ranges.  A node is counted when it comes first: of each level
 * the last one that came is kept.
 */
static const char *walk(struct potad_maple *m, u64 *nodes)
{
	MA_STATE(mas, &m->tree, 0, 0);
	const struct maple_node *seen[MAPLE_HEIGHT_MAX] = { };
	const struct maple_node *node;
	const char *wrong = NULL;
	unsigned int level;
	unsigned long next;
	void *entry;

	*nodes = 0;
	for (;;) {
		unsigned long n = 0;

		rcu_read_lock();
		while ((entry = mas_find(&mas, ULONG_MAX)) && !wrong) {
			unsigned long word = potad_entry_word(entry);
			unsigned long size = mas.last - mas.index + 1;

			if (word && potad_word_tag(word) < POTAD_TAG_TYPE)
				wrong = "maple: an entry has no type";
			if (word && (size & (size - 1) || mas.index & (size - 1)))
				wrong = "maple: a range is no block";
			/* One entry at index 0 may be without a node. */
			node = (void *)((unsigned long)mas.node & ~MAPLE_NODE_MASK);
			for (level = 0; node && level < MAPLE_HEIGHT_MAX &&
			     seen[level] != node; level++) {
				seen[level] = node;
				++*nodes;
				node = parent_of(node);
			}
			if (++n == 1024)
				break;
		}
		next = mas.last + 1;
		rcu_read_unlock();
		if (!entry || wrong || !next)
			return wrong;
		cond_resched();
		mas_set(&mas, next);
	}
}

/* Nodes that lead to ranges; the tree is not to change. */
u64 potad_maple_bytes(struct potad_maple *m)
{
	u64 nodes;

	walk(m, &nodes);
	return nodes * sizeof(struct maple_node);
}

const char *potad_maple_validate(struct potad_maple *m)
{
	u64 nodes;

	return walk(m, &nodes);
}

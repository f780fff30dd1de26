/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stock: described blocks that are nobody's, kept at hand.
 *
 * Descriptor, memory and the words that lead from one to the other stay together
 * ("the per-CPU page allocator in a memdesc world", Matthew Wilcox).  To hand one out
 * is to pop a pointer: no slab, no lock, no word is written.
 *
 *	per CPU and type        one line for each order
 *	byte 0   1    2     3      8              48      56      64
 *	  [ busy | nr | max | wary | slot 0 .. 4  | pops  | pushes ]
 *	                                ^ |
 *	                                | v   for small orders, a store behind it
 *	                        [ nr | max | slot ... ]
 *
 * The line is worked on by its own CPU alone; others want something of it: both as
 * local.h tells.
 *
 * A program that starts or ends allocates or frees some hundred pages in a row.  So of
 * small blocks there are up to 255 in a store, if that is no more than 2 MiB; of larger
 * ones up to 31.
 *
 * Of no order a line keeps more than POTAD_STOCK_BYTES, or a 64th of the pool; nor does
 * the store behind it, or all CPUs' together a 128th.  So blocks larger than that are not
 * kept at all, and all orders together are below POTAD_STOCK_MOST for each CPU and type:
 * what a line keeps of an order doubles from one to the next up to five blocks of it, and
 * is the same for at most three more; a store's doubles up to 2 MiB, is about that for
 * three more, doubles again twice and is the same for at most five.
 *
 * @pops and @pushes are how many blocks were handed out and came back: what a hit
 * would have to count anyway.
 */
#ifndef POTAD_POOL_STOCK_H
#define POTAD_POOL_STOCK_H

#include <linux/build_bug.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include "../space/local.h"

struct potad_desc;
struct potad_stock_shared;
struct potad_type;

#define POTAD_STOCK_SLOTS	5
#define POTAD_STOCK_ORDERS	20
#define POTAD_STORE_LARGE	31	/* blocks, of any size */
#define POTAD_STORE_SMALL	255	/* up to POTAD_STORE_BYTES */
#define POTAD_STORE_ORDERS	11
#define POTAD_STOCK_DETACHED	256

#define POTAD_STORE_BYTES	(2ULL << 20)
#define POTAD_STOCK_BYTES	(8ULL << 20)
#define POTAD_STOCK_MOST	(13 * POTAD_STOCK_BYTES)

struct potad_stock_line {
	u8	busy;		/* being worked on, by this CPU */
	u8	nr;		/* in @slot */
	u8	max;		/* at most; 0: this order is not kept */
	u8	wary;		/* some block may hold a failed granule */
	struct potad_desc *slot[POTAD_STOCK_SLOTS];
	u64	pops;
	u64	pushes;
} __aligned(64);
static_assert(sizeof(struct potad_stock_line) == 64);

struct potad_stock_store {
	u32	nr;		/* in @slot */
	u32	max;		/* at most; 0: there is none */
	struct potad_desc **slot; /* in @slots of its stock */
};

/* Per CPU. */
struct potad_stock {
	struct potad_stock_line line[POTAD_STOCK_ORDERS];
	struct potad_stock_store store[POTAD_STORE_ORDERS];
	struct potad_stock_shared *shared;	/* the same on all CPUs */

	/* On their way back: filled by the CPU itself, when it is drained, and emptied */
	/* by who drains.								*/
	unsigned int	detached;
	struct potad_desc *detach[POTAD_STOCK_DETACHED];

	struct potad_desc **slots;		/* of all stores, one after the other: */
						/* there is little memory for each CPU */
};

/**
 * struct potad_stock_stat - what a stock has and has done
 * @pops: blocks handed out of it
 * @pushes: and that came back
 * @bytes: of those that were handed out and did not come back, or the other way
 *	round: only with what the type counts it makes sense
 * @blocks: how many are in it now, about
 * @stocked: their size
 */
struct potad_stock_stat {
	u64		pops;
	u64		pushes;
	s64		bytes;
	u64		blocks;
	u64		stocked;
};

int potad_stock_create(struct potad_type *type);
void potad_stock_destroy(struct potad_type *type);
unsigned int potad_stock_drain(struct potad_type *type, bool wary);
struct potad_desc *potad_stock_take(struct potad_type *type, unsigned int order,
				    gfp_t gfp, int *err);
bool potad_stock_keep(struct potad_type *type, unsigned int order,
		      struct potad_desc *desc);
void potad_stock_stat(const struct potad_type *type, struct potad_stock_stat *stat);

/**
 * potad_stock_pop() - a described block, if one is at hand
 * @stock: the stock
 * @order: its order
 *
 * Context: Any, NMI too.
 * Return: its descriptor; NULL: see potad_stock_take().
 */
static __always_inline struct potad_desc *
potad_stock_pop(struct potad_stock __percpu *stock, unsigned int order)
{
	struct potad_stock_line *line;
	struct potad_desc *desc = NULL;
	unsigned int nr;

	if (unlikely(order >= POTAD_STOCK_ORDERS))
		return NULL;
	preempt_disable();
	line = this_cpu_ptr(&stock->line[order]);
	if (likely(potad_local_enter(&line->busy))) {
		nr = line->nr;
		if (likely(nr && !line->wary)) {
			WRITE_ONCE(line->nr, --nr);
			desc = line->slot[nr];
			line->pops++;
		}
		potad_local_leave(&line->busy);
	}
	preempt_enable();
	return desc;
}

/**
 * potad_stock_push() - a described block that is nobody's any more
 * @stock: the stock
 * @order: its order
 * @desc: its descriptor, which is the caller's no longer if this succeeds
 *
 * Context: Any, NMI too.
 * Return: false: see potad_stock_keep().
 */
static __always_inline bool potad_stock_push(struct potad_stock __percpu *stock,
					     unsigned int order, struct potad_desc *desc)
{
	struct potad_stock_line *line;
	bool done = false;
	unsigned int nr;

	if (unlikely(order >= POTAD_STOCK_ORDERS))
		return false;
	preempt_disable();
	line = this_cpu_ptr(&stock->line[order]);
	if (likely(potad_local_enter(&line->busy))) {
		nr = line->nr;
		if (likely(nr < line->max && !line->wary)) {
			line->slot[nr] = desc;
			WRITE_ONCE(line->nr, nr + 1);
			line->pushes++;
			done = true;
		}
		potad_local_leave(&line->busy);
	}
	preempt_enable();
	return done;
}

#endif /* POTAD_POOL_STOCK_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The stock: what is not a hit.  Drawn in stock.h.
 *
 * A miss of an allocation makes several blocks at once, with preemption as it was,
 * as that may sleep; one of them is its own, the others go into the line and the
 * store behind it of whatever CPU this has got to by then.  A miss of a free moves
 * the oldest of the line into the store, and if that is full, some of the store's go
 * back where they came from.
 *
 * Memory failure marks a granule in the space, and looks for the owner of the block
 * that it is in.  If that is a stock, all of that type's are drained, and are wary
 * from then on: each block that passes is looked for among the failed ones.  One
 * that was handed out before a CPU became wary was allocated when it failed, and its
 * owner is found when the search is repeated; one handed out after that has been
 * looked at.  A stock stops being wary when no failed granule waits for its block.
 */
#include <linux/bug.h>
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "../include/compat.h"
#include "pool.h"
#include "stock.h"

struct potad_stock_shared {
	struct potad_type *type;
	struct potad_local local;
};

/* Between a line and its store. */
#define MOVE		3U

/* What goes back at once, out of a store that is full. */
#define SPILL		32U

static struct potad_stock_store *store_of(struct potad_stock *stock, unsigned int order)
{
	return order < POTAD_STORE_ORDERS ? &stock->store[order] : NULL;
}

static unsigned int store_room(const struct potad_stock_store *store)
{
	return store ? store->max - min(store->nr, store->max) : 0;
}

/* Its own CPU's line, with preemption off, if nobody works on it. */
static struct potad_stock_line *line_enter(struct potad_stock *stock, unsigned int order)
{
	struct potad_stock_line *line;

	if (order >= POTAD_STOCK_ORDERS)
		return NULL;
	line = &stock->line[order];
	return potad_local_enter(&line->busy) ? line : NULL;
}

static void line_leave(struct potad_stock_line *line)
{
	potad_local_leave(&line->busy);
}

/* A line stops being wary where no failed granule waits for its block. */
static bool is_wary(struct potad_type *type, struct potad_stock_line *line)
{
	if (unlikely(line->wary) && !potad_space_pending(type->pool->space))
		line->wary = 0;
	return line->wary;
}

/* Has a granule in it failed? */
static bool suspect(struct potad_type *type, struct potad_stock_line *line,
		    const struct potad_desc *desc)
{
	struct potad_pool *pool = type->pool;

	if (likely(!is_wary(type, line)))
		return false;
	return potad_space_has_failed(pool->space,
				      potad_pool_granule(pool, potad_place_phys(desc->place)),
				      potad_place_order(desc->place));
}

/* The newest in the line or behind it; NULL.  What has failed goes back. */
static struct potad_desc *line_take(struct potad_type *type, struct potad_stock_line *line,
				    struct potad_stock_store *store)
{
	struct potad_desc *desc;
	unsigned int nr;

	for (;;) {
		if (!line->nr) {
			nr = store ? min(store->nr, min_t(u32, MOVE, line->max)) : 0;
			if (!nr)
				return NULL;
			store->nr -= nr;
			memcpy(line->slot, store->slot + store->nr, nr * sizeof(desc));
			WRITE_ONCE(line->nr, nr);
		}
		WRITE_ONCE(line->nr, line->nr - 1);
		desc = line->slot[line->nr];
		if (likely(!suspect(type, line, desc)))
			return desc;
		potad_blocks_unmake(type, &desc, 1);
	}
}

/* Those of @descs that there is room for stay; how many. */
static unsigned int line_fill(struct potad_type *type, struct potad_stock_line *line,
			      struct potad_stock_store *store, struct potad_desc **descs,
			      unsigned int nr)
{
	unsigned int i = 0;

	/* What has failed while it was made may not be seen by who looks for it here. */
	if (line->wary)
		return 0;
	while (i < nr && store_room(store))
		store->slot[store->nr++] = descs[i++];
	while (i < nr && line->nr < line->max) {
		line->slot[line->nr] = descs[i++];
		WRITE_ONCE(line->nr, line->nr + 1);
	}
	return i;
}

/* Nothing is at hand: makes some, one of which is the caller's. */
static struct potad_desc *make(struct potad_type *type, unsigned int order, gfp_t gfp,
			       unsigned int nr, int *err)
{
	struct potad_desc *descs[POTAD_MAKE_MAX];
	struct potad_stock_line *line;
	struct potad_stock *stock;
	int got;

	got = potad_blocks_make(type, order, gfp, descs, nr);
	*err = min(got, 0);
	if (got < 0)
		return NULL;
	if (--got) {
		unsigned int kept = 0;

		preempt_disable();
		stock = this_cpu_ptr(type->stock);
		line = line_enter(stock, order);
		if (line) {
			kept = line_fill(type, line, store_of(stock, order), descs + 1, got);
			line_leave(line);
		}
		preempt_enable();
		potad_blocks_unmake(type, descs + 1 + kept, got - kept);
	}
	return descs[0];
}

/**
 * potad_stock_take() - a described block, where none was to be popped
 * @type: its type, which has a stock
 * @order: its order
 * @gfp: how memory may be had
 * @err: set to an error as of potad_alloc(); -EDEADLK in an NMI
 *
 * It is not counted among the stock's own.
 *
 * Context: as @gfp says.
 * Return: its descriptor, or NULL.
 */
struct potad_desc *potad_stock_take(struct potad_type *type, unsigned int order,
				    gfp_t gfp, int *err)
{
	struct potad_stock_line *line;
	struct potad_desc *desc = NULL;
	struct potad_stock *stock;
	unsigned int nr = 1;

	*err = -EDEADLK;
	if (in_nmi())
		return NULL;
	*err = 0;
	preempt_disable();
	stock = this_cpu_ptr(type->stock);
	line = line_enter(stock, order);
	if (line) {
		desc = line_take(type, line, store_of(stock, order));
		/* What is made while it is wary would not stay: see line_fill(). */
		if (!is_wary(type, line))
			nr = min(1 + (line->max + 1U) / 2 +
				 store_room(store_of(stock, order)) / 2, POTAD_MAKE_MAX);
		line_leave(line);
	}
	preempt_enable();
	return desc ?: make(type, order, gfp, nr, err);
}

/* Room in a full line: the oldest go behind it, or back. */
static void line_make_room(struct potad_type *type, struct potad_stock_line *line,
			   struct potad_stock_store *store)
{
	unsigned int nr = min_t(unsigned int, line->nr, MOVE), spill;

	if (!store || store->max < nr) {
		potad_blocks_unmake(type, line->slot, nr);
	} else {
		if (store_room(store) < nr) {
			spill = min(store->nr, SPILL);
			potad_blocks_unmake(type, store->slot, spill);
			store->nr -= spill;
			memmove(store->slot, store->slot + spill,
				store->nr * sizeof(store->slot[0]));
		}
		memcpy(store->slot + store->nr, line->slot, nr * sizeof(line->slot[0]));
		store->nr += nr;
	}
	memmove(line->slot, line->slot + nr, (line->nr - nr) * sizeof(line->slot[0]));
	WRITE_ONCE(line->nr, line->nr - nr);
}

/**
 * potad_stock_keep() - a described block, that could not just be pushed
 * @type: its type, which has a stock
 * @order: its order
 * @desc: its descriptor
 *
 * Context: Any but NMI.
 * Return: true if it is in stock now, and counted; false: it has to be unmade.
 */
bool potad_stock_keep(struct potad_type *type, unsigned int order, struct potad_desc *desc)
{
	struct potad_stock_line *line;
	struct potad_stock *stock;
	bool kept = false;

	preempt_disable();
	stock = this_cpu_ptr(type->stock);
	line = line_enter(stock, order);
	if (line) {
		kept = line->max && !suspect(type, line, desc);
		if (kept && line->nr >= line->max)
			line_make_room(type, line, store_of(stock, order));
		if (kept) {
			line->slot[line->nr] = desc;
			WRITE_ONCE(line->nr, line->nr + 1);
			line->pushes++;
		}
		line_leave(line);
	}
	preempt_enable();
	return kept;
}

/* All of an order that a CPU has goes back; @line is entered, or nobody's. */
static unsigned int line_empty(struct potad_type *type, struct potad_stock_line *line,
			       struct potad_stock_store *store)
{
	unsigned int nr = line->nr;

	potad_blocks_unmake(type, line->slot, nr);
	WRITE_ONCE(line->nr, 0);
	if (store && store->nr) {
		potad_blocks_unmake(type, store->slot, store->nr);
		nr += store->nr;
		store->nr = 0;
	}
	return nr;
}

static struct potad_stock_shared *shared_by(struct potad_local *local)
{
	return container_of(local, struct potad_stock_shared, local);
}

/* Takes what it can of an order out of the stock; false if there is more than room. */
static bool line_detach(struct potad_stock *stock, struct potad_stock_line *line,
			struct potad_stock_store *store)
{
	while (stock->detached < POTAD_STOCK_DETACHED) {
		struct potad_desc *desc;

		if (line->nr) {
			WRITE_ONCE(line->nr, line->nr - 1);
			desc = line->slot[line->nr];
		} else if (store && store->nr) {
			desc = store->slot[--store->nr];
		} else {
			return true;
		}
		stock->detach[stock->detached++] = desc;
	}
	return !line->nr && !(store && store->nr);
}

/*
 * In an interrupt, where the slab allocator and the trees should not be: so blocks are
 * only detached here, and whoever drains undoes them.
 */
static bool stock_drain(struct potad_drain *drain)
{
	struct potad_type *type = shared_by(drain->local)->type;
	struct potad_stock *stock = this_cpu_ptr(type->stock);
	unsigned int order, before = stock->detached;
	bool done = true;

	for (order = POTAD_STOCK_ORDERS; order--;) {
		struct potad_stock_line *line;

		if (potad_drain_enough(drain))
			return true;
		line = line_enter(stock, order);
		if (!line) {
			potad_drain_busy(drain);
			done = false;
			continue;
		}
		if (drain->wary)
			line->wary = 1;
		if (!line_detach(stock, line, store_of(stock, order)))
			done = false;
		line_leave(line);
		potad_drain_gave(drain, stock->detached - before);
		before = stock->detached;
	}
	return done;
}

/* Process context, drain_mutex is held; all CPUs have done what they were asked for. */
static void stock_collect(struct potad_local *local)
{
	struct potad_type *type = shared_by(local)->type;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct potad_stock *stock = per_cpu_ptr(type->stock, cpu);

		potad_blocks_unmake(type, stock->detach, stock->detached);
		stock->detached = 0;
	}
}

static unsigned long stock_count(struct potad_local *local)
{
	struct potad_stock_stat stat;

	potad_stock_stat(shared_by(local)->type, &stat);
	return stat.blocks;
}

/*
 * What there is to be shared out.  What is kept is no loss to who may sleep: see
 * potad_memory_take().  On a kernel with PREEMPT_RT nothing: there the slab allocator
 * sleeps on its locks, and what is drained goes back with preemption off.
 */
static u64 pool_bytes(const struct potad_type *type)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) ? 0 : type->pool->bytes;
}

/* How many blocks of an order a line may keep, and a store: see stock.h. */
static unsigned int line_most(const struct potad_type *type, unsigned int order)
{
	u64 bytes = min(pool_bytes(type) / 64, POTAD_STOCK_BYTES);

	return min_t(u64, bytes >> (type->granule_shift + order), POTAD_STOCK_SLOTS);
}

static unsigned int store_most(const struct potad_type *type, unsigned int order)
{
	u64 bytes = min(pool_bytes(type) / 128 / num_possible_cpus(), POTAD_STOCK_BYTES);
	unsigned int shift = type->granule_shift + order;

	return max(min_t(u64, bytes >> shift, POTAD_STORE_LARGE),
		   min_t(u64, min(bytes, POTAD_STORE_BYTES) >> shift, POTAD_STORE_SMALL));
}

static void stock_init(struct potad_type *type, unsigned int cpu, bool wary)
{
	struct potad_stock *stock = per_cpu_ptr(type->stock, cpu);
	struct potad_desc **slot = stock->slots;
	unsigned int order;

	for (order = 0; order < POTAD_STOCK_ORDERS; order++) {
		struct potad_stock_store *store = store_of(stock, order);

		stock->line[order].wary = wary;
		stock->line[order].max = line_most(type, order);
		if (!store)
			continue;
		store->max = store_most(type, order);
		store->slot = slot;
		slot += store->max;
	}
}

static void stock_comes(struct potad_local *local, unsigned int cpu)
{
	stock_init(shared_by(local)->type, cpu, true);
}

static void stock_gone(struct potad_local *local, unsigned int cpu)
{
	struct potad_type *type = shared_by(local)->type;
	struct potad_stock *stock = per_cpu_ptr(type->stock, cpu);
	unsigned int order;

	for (order = 0; order < POTAD_STOCK_ORDERS; order++)
		line_empty(type, &stock->line[order], store_of(stock, order));
}

static const struct potad_local_ops stock_ops = {
	.drain = stock_drain,
	.collect = stock_collect,
	.count = stock_count,
	.comes = stock_comes,
	.gone = stock_gone,
};

static void slots_destroy(struct potad_type *type)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(type->stock, cpu)->slots);
}

/* On an error what there is has to be destroyed. */
static int slots_create(struct potad_type *type)
{
	size_t bytes = 0;
	unsigned int order;
	int cpu;

	for (order = 0; order < POTAD_STORE_ORDERS; order++)
		bytes += store_most(type, order) * sizeof(struct potad_desc *);
	for_each_possible_cpu(cpu) {
		struct potad_stock *stock = per_cpu_ptr(type->stock, cpu);

		stock->slots = kvmalloc_node(bytes, GFP_KERNEL, cpu_to_node(cpu));
		if (!stock->slots)
			return -ENOMEM;
	}
	return 0;
}

/**
 * potad_stock_create() - from now on blocks of this type are kept at hand
 * @type: the type, which has its pool, and a slab cache of descriptors
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int potad_stock_create(struct potad_type *type)
{
	struct potad_stock_shared *shared = kzalloc_obj(*shared, GFP_KERNEL);
	char name[POTAD_NAME_MAX + 13];
	int cpu;

	if (!shared)
		return -ENOMEM;
	shared->type = type;
	type->stock = __alloc_percpu(sizeof(struct potad_stock), 64);
	if (!type->stock)
		goto no_stock;
	if (slots_create(type))
		goto no_slots;
	for_each_possible_cpu(cpu) {
		per_cpu_ptr(type->stock, cpu)->shared = shared;
		stock_init(type, cpu, true);
	}
	snprintf(name, sizeof(name), "potad-stock-%s", type->name);
	if (potad_local_init(&shared->local, &stock_ops, name))
		goto no_slots;
	return 0;

no_slots:
	slots_destroy(type);
	free_percpu(type->stock);
	type->stock = NULL;
no_stock:
	kfree(shared);
	return -ENOMEM;
}

static struct potad_stock_shared *shared_of(const struct potad_type *type)
{
	return raw_cpu_ptr(type->stock)->shared;
}

/**
 * potad_stock_destroy() - no more
 * @type: the type; nobody allocates blocks of it, or has any
 *
 * Context: Process context; may sleep.
 */
void potad_stock_destroy(struct potad_type *type)
{
	struct potad_stock_shared *shared = shared_of(type);

	potad_local_exit(&shared->local);
	slots_destroy(type);
	free_percpu(type->stock);
	type->stock = NULL;
	kfree(shared);
}

/**
 * potad_stock_drain() - all that is kept of a type goes back
 * @type: the type, which has a stock
 * @wary: and what passes through from now on is looked at
 *
 * Context: Process context; may sleep, and waits for all CPUs.
 * Return: how many blocks there were.
 */
unsigned int potad_stock_drain(struct potad_type *type, bool wary)
{
	return potad_local_drain(&shared_of(type)->local, wary);
}

/* The sums over all CPUs; exact when nothing changes meanwhile.  Any context. */
void potad_stock_stat(const struct potad_type *type, struct potad_stock_stat *stat)
{
	unsigned int order;
	int cpu;

	memset(stat, 0, sizeof(*stat));
	if (!type->stock)
		return;
	for_each_possible_cpu(cpu) {
		struct potad_stock *stock = per_cpu_ptr(type->stock, cpu);

		for (order = 0; order < POTAD_STOCK_ORDERS; order++) {
			struct potad_stock_line *line = &stock->line[order];
			struct potad_stock_store *store = store_of(stock, order);
			unsigned int shift = type->granule_shift + order;
			u64 pops = READ_ONCE(line->pops), pushes = READ_ONCE(line->pushes);
			u64 blocks = READ_ONCE(line->nr) + (store ? READ_ONCE(store->nr) : 0);

			stat->pops += pops;
			stat->pushes += pushes;
			stat->bytes += (s64)(pops - pushes) << shift;
			stat->blocks += blocks;
			stat->stocked += blocks << shift;
		}
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_stock_stat);

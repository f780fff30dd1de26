// SPDX-License-Identifier: GPL-2.0
/*
 * Comparison: subjects in turn.
 *
 *	subject           an allocation is                      against
 *	potad             a bare block of the pool's space      buddy
 *	potad-described   a block, a descriptor of 360 bytes,   buddy-described
 *	                  and the words
 *	buddy             alloc_pages()
 *	buddy-described   alloc_pages(__GFP_COMP), and a
 *	                  kmem_cache object of 360 bytes
 *	empty             nothing: the loops alone              nobody
 *
 * In each round each subject has a turn (turn.h) of many operations, so that what
 * disturbs the machine disturbs all of them; where several numbers of CPUs are
 * asked for, a turn with each.  A round before the first warms up, and is not
 * counted.  All get the same random numbers, and different ones in each round.
 * Nobody zeroes or touches what is allocated.
 *
 * The time of an operation is that of a batch of 500, divided by them.  Median and
 * 99th percentile are of all batches of all rounds.  What befalls fewer than
 * every other batch is not in the median; it is in the mean, and so is what
 * else the machine had to do.
 *
 * How many blocks the workloads hold that hold any: half of what is free, in the
 * pool or in the kernel, whichever is less, divided among the most CPUs that are
 * asked for: a CPU holds as many when it is alone.  The number is the same for
 * all subjects; if one cannot have as many while it warms up, all try fewer.
 *
 * Where the times mean anything, and where not (an emulator), is for whoever
 * runs it to know.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "compare.h"
#include "lines.h"
#include "loops.h"
#include "turn.h"

#define DESC_SIZE	360
#define BLOCKS_MAX	BIT(20)
#define FEWER_BLOCKS	4	/* times, an eighth less each time */
/* What a held block costs besides itself: place, descriptor, words. */
#define BLOCK_EXTRA	(sizeof(union potad_held) + 1 + 512)

static_assert(POTAD_COMPARE_ORDERS <= MAX_PAGE_ORDER);
static_assert(BIT(POTAD_SUBJECTS - 1) - 1 == POTAD_COMPARE_ALL);

static unsigned long running;		/* bit 0: a comparison is; protects nothing */
static struct subject_kit kit;		/* constant from init to exit */

static const struct workload {
	const char	*name;
	const char	*part[POTAD_TURN_PARTS];
	bool		holds;		/* many blocks at once */
} workloads[POTAD_WORKLOADS] = {
	[POTAD_PAIR] = { "pair", { "pair" } },
	[POTAD_BULK] = { "bulk", { "bulk-alloc", "bulk-free" }, true },
	[POTAD_RANDOM_FREE] = { "random-free", { "random-free" }, true },
	[POTAD_CHURN] = { "churn", { "churn" }, true },
	[POTAD_MIXED] = { "mixed", { "mixed" }, true },
	[POTAD_CROSS] = { "cross", { "cross" } },
};

/*
 * One comparison at a time.  (No mutex: a replay lasts for many system calls, which
 * need not be those of one task.)  Returns false if there is one.
 */
bool potad_compare_claim(void)
{
	return !test_and_set_bit_lock(0, &running);
}

void potad_compare_unclaim(void)
{
	clear_bit_unlock(0, &running);
}

/* What subjects work with. */
const struct subject_kit *potad_compare_kit(void)
{
	return &kit;
}

/* Returns 0 or -EINVAL. */
int potad_compare_workload(const char *name, enum potad_workload *workload)
{
	unsigned int i;

	for (i = 0; i < POTAD_WORKLOADS; i++) {
		if (!strcmp(name, workloads[i].name)) {
			*workload = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *potad_compare_workload_name(enum potad_workload workload)
{
	return workloads[workload].name;
}

/* The index of a subject; POTAD_SUBJECTS if there is none of that name. */
static unsigned int subject_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < POTAD_SUBJECTS; i++)
		if (!strcmp(name, potad_loops[i].name))
			break;
	return i;
}

/* From a list with commas, which is taken apart, to bits; -EINVAL. */
int potad_compare_subjects(char *list, unsigned long *bits)
{
	char *name;

	if (!strcmp(list, "all")) {
		*bits = POTAD_COMPARE_ALL;
		return 0;
	}
	*bits = 0;
	while ((name = strsep(&list, ","))) {
		unsigned int i = subject_of(name);

		if (i == POTAD_SUBJECTS)
			return -EINVAL;
		*bits |= BIT(i);
	}
	return 0;
}

/* What one subject did on so many CPUs. */
struct result {
	bool			cannot;
	u64			refused;
	u64			min[POTAD_TURN_PARTS];	/* of rounds' medians */
	u64			max[POTAD_TURN_PARTS];
	struct potad_tally	tally[POTAD_TURN_PARTS];
};

/* A comparison that is under way. */
struct comparison {
	const struct potad_compare *cmp;
	struct potad_turn	*turn;
	u32			blocks;	/* for the most CPUs together */
	void			*held;	/* room for them */
	u8			*order;
	struct result		result[POTAD_COMPARE_CPUS + 1][POTAD_SUBJECTS];
};

/* The orders that one turn works with: one, or all of them. */
struct order_range {
	unsigned int		first;
	unsigned int		last;
};

/* Bytes that are free in the pool or in the kernel, whichever is less. */
static int free_bytes(u64 *bytes)
{
	struct potad_space_stat *stat = kmalloc_obj(*stat, GFP_KERNEL);
	u64 native, cached;

	if (!stat)
		return -ENOMEM;
	potad_pool_stat(kit.pool, stat, &cached);
	native = global_zone_page_state(NR_FREE_PAGES) -
		 global_zone_page_state(NR_FREE_CMA_PAGES);
	*bytes = min(stat->free << kit.pool->granule_shift, native << PAGE_SHIFT);
	kfree(stat);
	return 0;
}

/* How many blocks are to be held, and room to hold them. */
static int make_room(struct comparison *c, struct order_range orders)
{
	unsigned int n = orders.last - orders.first + 1;
	u64 bytes, mean;
	int err;

	if (!workloads[c->cmp->workload].holds)
		return 0;
	err = free_bytes(&bytes);
	if (err)
		return err;
	mean = (PAGE_SIZE * (BIT(orders.last + 1) - BIT(orders.first))) / n;
	c->blocks = min_t(u64, div64_u64(bytes / 2, mean + BLOCK_EXTRA),
			  BLOCKS_MAX);
	c->held = kvcalloc(c->blocks, sizeof(union potad_held), GFP_KERNEL);
	c->order = kvzalloc(c->blocks, GFP_KERNEL);
	if (c->held && c->order)
		return 0;
	return -ENOMEM;
}

static void give_room_back(struct comparison *c)
{
	kvfree(c->held);
	kvfree(c->order);
	c->held = NULL;
	c->order = NULL;
}

/* One turn. */
static int turn(struct comparison *c, unsigned int subject, unsigned int cpus,
		struct order_range orders, int round)
{
	enum potad_workload workload = c->cmp->workload;
	struct potad_turn *t = c->turn;
	unsigned int i;

	t->workload = workload;
	t->first_order = orders.first;
	t->last_order = orders.last;
	t->members = cpus;
	t->ops = c->cmp->ops;
	t->blocks = c->blocks / __fls(c->cmp->cpus);
	if (workload == POTAD_BULK || workload == POTAD_RANDOM_FREE)
		t->blocks = min(t->blocks, t->ops);
	if (workloads[workload].holds && !t->blocks)
		return -ENOMEM;
	for (i = 0; i < cpus; i++) {
		t->member[i].held = c->held + i * t->blocks * sizeof(union potad_held);
		t->member[i].order = c->order + i * t->blocks;
	}
	return potad_turn_run(t, &potad_loops[subject],
			      c->cmp->seed * (POTAD_COMPARE_ROUNDS + 1) + round + 1);
}

/* What came of it. */
static void note(struct comparison *c, struct result *result, int round)
{
	unsigned int part, i;
	u64 median;

	for (part = 0; part < POTAD_TURN_PARTS; part++) {
		struct potad_tally *first = &c->turn->member[0].tally[part];

		for (i = 1; i < c->turn->members; i++)
			potad_tally_merge(first, &c->turn->member[i].tally[part]);
		potad_tally_merge(&result->tally[part], first);
		median = potad_tally_percentile(first, 50);
		if (!round || median < result->min[part])
			result->min[part] = median;
		result->max[part] = max(result->max[part], median);
	}
	for (i = 0; i < c->turn->members; i++)
		result->refused += c->turn->member[i].refused;
}

/*
 * A round; -1 is the one before the first.  Returns how many subjects it was too
 * much for, or -EINTR.
 */
static int run_round(struct comparison *c, struct order_range orders, int round)
{
	unsigned int cpus, i;
	int err, cannot = 0;

	for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++) {
		for (i = 0; i < POTAD_SUBJECTS; i++) {
			struct result *result = &c->result[cpus][i];

			if (!(c->cmp->cpus & BIT(cpus)) ||
			    !(c->cmp->subjects & BIT(i)) || result->cannot)
				continue;
			err = turn(c, i, cpus, orders, round);
			if (err == -EINTR)
				return err;
			if (err) {
				result->cannot = true;
				cannot++;
			} else if (round >= 0) {
				note(c, result, round);
			}
		}
	}
	return cannot;
}

/* The round before the first: is the number of blocks one that all can have? */
static int warm_up(struct comparison *c, struct order_range orders)
{
	int err, tries = FEWER_BLOCKS;

	for (;;) {
		memset(c->result, 0, sizeof(c->result));
		err = run_round(c, orders, -1);
		if (err <= 0 || !workloads[c->cmp->workload].holds || !tries--)
			return min(err, 0);
		c->blocks -= c->blocks / 8;
	}
}

static void report_part(struct comparison *c, struct order_range orders,
			unsigned int cpus, unsigned int part,
			potad_compare_fn report, void *arg)
{
	const struct potad_compare *cmp = c->cmp;
	struct result *results = c->result[cpus];
	unsigned int i;
	u64 ns;

	for (i = 0; i < POTAD_SUBJECTS; i++) {
		const char *against = potad_loops[i].against;
		struct result *result = &results[i], *native;
		struct potad_compare_row row = {
			.part = workloads[cmp->workload].part[part],
			.first_order = orders.first, .last_order = orders.last,
			.cpus = cpus, .subject = potad_loops[i].name,
		};

		if (!(cmp->subjects & BIT(i)))
			continue;
		if (!result->cannot) {
			row.ops = cmp->ops;
			row.median = potad_tally_percentile(&result->tally[part], 50);
			row.min = result->min[part];
			row.max = result->max[part];
			row.p99 = potad_tally_percentile(&result->tally[part], 99);
			row.mean = potad_tally_mean(&result->tally[part]);
			row.refused = result->refused;
		}
		native = against ? &results[subject_of(against)] : NULL;
		/* Who did not run has 0 there. */
		if (row.median && native && !native->cannot) {
			ns = potad_tally_percentile(&native->tally[part], 50);
			row.ratio = div64_u64(ns * 100, row.median);
		}
		report(&row, arg);
	}
}

/* All rounds with these orders. */
static int run_orders(struct comparison *c, struct order_range orders,
		      potad_compare_fn report, void *arg)
{
	unsigned int cpus, part;
	int round, err;

	err = make_room(c, orders) ?: warm_up(c, orders);
	for (round = 0; err >= 0 && round < c->cmp->rounds; round++)
		err = run_round(c, orders, round);
	give_room_back(c);
	if (err < 0)
		return err;
	for (part = 0; part < POTAD_TURN_PARTS; part++)
		for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++)
			if (c->cmp->cpus & BIT(cpus) &&
			    workloads[c->cmp->workload].part[part])
				report_part(c, orders, cpus, part, report, arg);
	return 0;
}

/**
 * potad_compare_run() - run a comparison
 * @cmp: what
 * @report: called for each result
 * @arg: handed to @report
 *
 * Context: Process context; takes its time; a fatal signal ends it.
 * Return: 0; -EBUSY if one is running; -EINTR; -ENOMEM.
 */
int potad_compare_run(const struct potad_compare *cmp, potad_compare_fn report,
		      void *arg)
{
	struct order_range orders = { cmp->first_order, cmp->last_order };
	struct comparison *c;
	int err = -ENOMEM;

	if (!potad_compare_claim())
		return -EBUSY;
	c = kvzalloc_obj(*c, GFP_KERNEL);
	if (!c)
		goto out;
	c->cmp = cmp;
	c->turn = potad_turn_create(&kit);
	if (!c->turn)
		goto out;
	if (cmp->workload == POTAD_MIXED) {
		err = run_orders(c, orders, report, arg);
		goto out;
	}
	do {
		orders.last = orders.first;
		err = run_orders(c, orders, report, arg);
	} while (!err && orders.first++ < cmp->last_order);
out:
	if (c)
		potad_turn_destroy(c->turn);
	kvfree(c);
	potad_compare_unclaim();
	return err;
}

/**
 * potad_compare_lines() - single operations, for an emulator that counts lines
 * @cmp: what: each operation about @ops times; there are no rounds
 * @report: called for each order and subject that did it, with its first label
 * @arg: handed to @report
 *
 * Context: Process context; takes its time; a fatal signal ends it.
 * Return: 0; -EBUSY if a comparison is running; -EINTR.
 */
int potad_compare_lines(const struct potad_compare *cmp,
			potad_compare_label_fn report, void *arg)
{
	unsigned int order, i, label = 1;
	int err = 0;

	if (!potad_compare_claim())
		return -EBUSY;
	potad_lines_begin();
	for (order = cmp->first_order; order <= cmp->last_order; order++) {
		for (i = 0; i < POTAD_SUBJECTS && err != -EINTR; i++) {
			if (!(cmp->subjects & 1UL << i))
				continue;
			err = potad_lines_turn(&kit, potad_loops[i].name, order,
					       cmp->ops, label);
			if (!err)
				report(label, order, potad_loops[i].name, arg);
			label += POTAD_LINES_LABELS;
		}
	}
	potad_compare_unclaim();
	return err == -EINTR ? err : 0;
}

/* What the described subjects need.  Process context. */
int potad_compare_init(struct potad_pool *p)
{
	static const struct potad_type_info info = {
		.name = "compare", .desc_size = DESC_SIZE,
		.mobility = POTAD_PINNED, .module = THIS_MODULE,
	};

	kit.pool = p;
	kit.cache = p->cache;
	kit.objects = kmem_cache_create("potad-compare-native", DESC_SIZE, 0, 0, NULL);
	if (!kit.objects)
		return -ENOMEM;
	kit.type = potad_type_register(p, &info);
	if (IS_ERR(kit.type)) {
		kmem_cache_destroy(kit.objects);
		return PTR_ERR(kit.type);
	}
	return 0;
}

void potad_compare_exit(void)
{
	WARN_ON(potad_type_unregister(kit.type));
	kmem_cache_destroy(kit.objects);
}

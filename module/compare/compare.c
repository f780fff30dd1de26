// SPDX-License-Identifier: GPL-2.0
/*
 * Comparison: subjects in turn.
 *
 * Who they are is told in subjects.h.  A bare block is held against alloc_pages(), or
 * against kmalloc() if it is smaller than a page; one with a descriptor of 360 bytes
 * against alloc_pages(__GFP_COMP) and a kmem_cache object of as many.  The others have
 * nobody: they are there to be looked at.
 *
 * In each round each subject has a turn (turn.h) of many operations, so that what
 * disturbs the machine disturbs all of them; where several numbers of CPUs are
 * asked for, a turn with each.  A round before the first warms up, and is not
 * counted.  All get the same random numbers, and different ones in each round.
 * Nobody zeroes or touches what is allocated.
 *
 * The time of an operation is that of a batch of 500 (turn.h: of fewer, where not so many
 * are done or handed over at once), divided by them.  Median and
 * percentiles are of all batches of all rounds.  What befalls fewer than
 * every other batch is not in the median; it is in the mean, and so is what
 * else the machine had to do.  After each such turn a subject has another one, in which
 * single operations are timed (turn.h): what befalls one of a thousand is seen there, and
 * only there.
 *
 * How many blocks the workloads hold that hold any: half of what is free, in the
 * pool or in the kernel, whichever is less, divided among the most CPUs that are
 * asked for: a CPU holds as many when it is alone.  The number is the same for
 * all subjects; if one cannot have as many while it warms up, all try fewer.
 * "fragmentation" holds more, at first: nine tenths of that, less what the kernel needs
 * for others.
 *
 * How fragmented it is then is told by what a subject itself had: of all aligned 2 MiB
 * in which it ever held anything, how many does it hold nothing in at the end?  Others
 * may have something there, and the page allocator has more memory to spread over than
 * the pool: what is compared is the share.
 *
 * Where the times mean anything, and where not (an emulator), is for whoever
 * runs it to know.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "compare.h"
#include "loops.h"
#include "turn.h"

#define DESC_SIZE	360
#define BLOCKS_MAX	BIT_ULL(20)
#define KERNEL_SPARE	(32ULL << 20)
#define FRAME_SHIFT	21	/* 2 MiB */
#define FEWER_BLOCKS	4	/* times, an eighth less each time */
/* What a held block costs besides itself: place, descriptor, words. */
#define BLOCK_EXTRA	(sizeof(union potad_held) + 1 + 512)

static_assert(POTAD_COMPARE_ORDERS <= MAX_PAGE_ORDER);
static_assert(POTAD_COMPARE_SUBJECTS == POTAD_SUBJECTS);
static_assert(POTAD_COMPARE_USUAL == (BIT(subject_bare) | BIT(subject_described) |
				      BIT(subject_buddy) | BIT(subject_compound)));

/* How far it is: "progress" is for whoever looks. */
static DEFINE_SPINLOCK(progress_lock);		/* protects progress */
static struct potad_compare_progress progress;

static unsigned long running;		/* bit 0: a comparison is; protects nothing */
static struct subject_kit kit;		/* changed by whoever has set that bit */

static const struct workload {
	const char	*name;
	const char	*part[POTAD_TURN_PARTS];
	unsigned int	holds;		/* so many blocks at once, by each CPU, or more; 0: few */
} workloads[POTAD_WORKLOADS] = {
	[POTAD_PAIR] = { "pair", { "pair" } },
	[POTAD_BULK] = { "bulk", { "bulk-alloc", "bulk-free" }, 1 },
	[POTAD_RANDOM_FREE] = { "random-free", { "random-free" }, 1 },
	[POTAD_CHURN] = { "churn", { "churn" }, 1 },
	[POTAD_MIXED] = { "mixed", { "mixed" }, 1 },
	[POTAD_CROSS] = { "cross", { "cross-alloc", "cross-free" }, 2 },
	[POTAD_FRAGMENTATION] = { "fragmentation", { "whole-2M", "had-2M" }, 1 },
};

/**
 * potad_compare_claim() - one comparison at a time
 * @subjects: a bit for each that will be compared
 *
 * What those need is made.  (No mutex: a replay lasts for many system calls, which
 * need not be those of one task.)
 *
 * Context: Process context; may sleep.
 * Return: 0; -EBUSY: another one is running; -ENOMEM.
 */
int potad_compare_claim(unsigned long subjects)
{
	int err;

	if (test_and_set_bit_lock(0, &running))
		return -EBUSY;
	err = potad_subjects_prepare(&kit, subjects);
	if (err)
		clear_bit_unlock(0, &running);
	return err;
}

/* It is over, and nothing is held any more. */
void potad_compare_unclaim(void)
{
	potad_subjects_discard(&kit);
	clear_bit_unlock(0, &running);
}

/* What subjects work with; who has claimed may look. */
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
EXPORT_SYMBOL_POTAD_TESTS(potad_compare_workload_name);

/* One after the other; NULL behind the last. */
const char *potad_compare_subject_name(unsigned int i)
{
	return i < POTAD_SUBJECTS ? potad_subject[i].name : NULL;
}

/*
 * From a list with commas, which is taken apart, to bits; -EINVAL.  All: the harness
 * alone is only for those who ask for it by name.
 */
int potad_compare_subjects(char *list, unsigned long *bits)
{
	char *name;

	if (!strcmp(list, "all")) {
		*bits = GENMASK(POTAD_SUBJECTS - 1, 0) & ~BIT(subject_nothing);
		return 0;
	}
	*bits = 0;
	while ((name = strsep(&list, ","))) {
		unsigned int i = potad_subject_of(name);

		if (i == POTAD_SUBJECTS)
			return -EINVAL;
		*bits |= BIT(i);
	}
	return 0;
}

/* What one subject did on so many CPUs. */
struct result {
	const char		*why;			/* it cannot; NULL: it can */
	u64			refused;
	u64			requests;		/* a hash */
	u64			min[POTAD_TURN_PARTS];	/* of rounds' medians */
	u64			max[POTAD_TURN_PARTS];
	struct potad_tally	tally[POTAD_TURN_PARTS];
	struct potad_tally	lone[POTAD_TURN_PARTS];
	/* 2 MiB, in each round: wholly given back, and all that it had something in */
	u32			frames[POTAD_TURN_PARTS][POTAD_COMPARE_ROUNDS];
	struct potad_counts	counts[POTAD_TURN_PARTS];
};

/* A comparison that is under way. */
struct comparison {
	const struct potad_compare *cmp;
	struct potad_turn	*turn;
	u32			blocks;	/* for the most CPUs together */
	void			*held;	/* room for them */
	u8			*order;
	/* NULL where nobody has asked for it */
	struct result		*result[POTAD_COMPARE_CPUS + 1][POTAD_SUBJECTS];
};

/* The orders that one turn works with: one, or all of them. */
struct order_range {
	int			first;
	int			last;
};

static u64 order_bytes(int order)
{
	return 1ULL << (PAGE_SHIFT + order);
}

static bool wanted(const struct potad_compare *cmp, enum subject_id id)
{
	return cmp->subjects & BIT(id) && !potad_subject_missing(&kit, id);
}

static bool fragments(const struct comparison *c)
{
	return c->cmp->workload == POTAD_FRAGMENTATION;
}

/*
 * Bytes that are free wherever any of the subjects has its memory from.  The kernel may
 * have something left for others, and for what is needed for each block.
 */
static int free_bytes(const struct comparison *c, u64 mean, u64 *bytes)
{
	struct potad_space_stat *stat = kmalloc_obj(*stat, GFP_KERNEL);
	u64 cma, cached, native;

	if (!stat)
		return -ENOMEM;
	potad_pool_stat(kit.pool, stat, &cached);
	cma = global_zone_page_state(NR_FREE_CMA_PAGES);
	native = (u64)native_free_pages() << PAGE_SHIFT;
	native -= min(native, KERNEL_SPARE);
	native = mul_u64_u64_div_u64(native, mean, mean + BLOCK_EXTRA);
	*bytes = min(stat->free << kit.pool->granule_shift, native);
	if (wanted(c->cmp, subject_area))
		*bytes = min(*bytes, cma << PAGE_SHIFT);
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
	potad_pool_drain(kit.pool);
	mean = div_u64(order_bytes(orders.last + 1) - order_bytes(orders.first), n);
	err = free_bytes(c, mean, &bytes);
	if (err)
		return err;
	bytes = min(bytes, BLOCKS_MAX * mean);
	bytes = fragments(c) ? div_u64(bytes, 10) * 9 : bytes / 2;
	c->blocks = div64_u64(bytes, mean);
	/* Each side has a tray, and there are two on the way. */
	if (c->cmp->workload == POTAD_CROSS)
		c->blocks = min(c->blocks, 4 * POTAD_BATCH);
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

static void tell_progress(struct comparison *c, unsigned int subject, unsigned int cpus,
			  struct order_range orders)
{
	spin_lock(&progress_lock);
	progress.subject = potad_subject[subject].name;
	progress.first_order = orders.first;
	progress.last_order = orders.last;
	progress.cpus = cpus;
	progress.turn++;
	progress.turns = max(progress.turns, progress.turn);
	spin_unlock(&progress_lock);
}

/* One turn.  -ENODATA: there is nothing to be held. */
static int turn(struct comparison *c, unsigned int subject, unsigned int cpus,
		struct order_range orders, int round, bool lone)
{
	enum potad_workload workload = c->cmp->workload;
	struct potad_turn *t = c->turn;
	unsigned int i;

	tell_progress(c, subject, cpus, orders);
	/* What others' turns have left at hand is in the way of those who fill it all. */
	if (fragments(c))
		potad_pool_drain(kit.pool);
	t->workload = workload;
	t->lone = lone;
	t->first_order = orders.first;
	t->last_order = orders.last;
	t->members = cpus;
	t->ops = c->cmp->ops;
	t->counters = c->cmp->counters;
	t->blocks = c->blocks / __fls(c->cmp->cpus);
	if (workload == POTAD_BULK || workload == POTAD_RANDOM_FREE)
		t->blocks = min(t->blocks, t->ops);
	if (t->blocks < workloads[workload].holds)
		return -ENODATA;
	for (i = 0; i < cpus; i++) {
		t->member[i].held = c->held + i * t->blocks * sizeof(union potad_held);
		t->member[i].order = c->order + i * t->blocks;
	}
	return potad_turn_run(t, potad_loops[subject],
			      c->cmp->seed * (POTAD_COMPARE_ROUNDS + 1) + round + 1);
}

/* All members' times of a part, in those of the first. */
static struct potad_tally *gather(struct potad_turn *t, unsigned int part)
{
	struct potad_tally *first = &t->member[0].tally[part];
	unsigned int i;

	for (i = 1; i < t->members; i++)
		potad_tally_merge(first, &t->member[i].tally[part]);
	return first;
}

static void note_requests(struct potad_turn *t, struct result *result)
{
	unsigned int i;

	for (i = 0; i < t->members; i++)
		result->requests = (rol64(result->requests, 5) ^ t->member[i].requests) *
				   GOLDEN_RATIO_64;
}

/* What came of it. */
static void note(struct comparison *c, struct result *result, int round)
{
	struct potad_turn *t = c->turn;
	unsigned int part, i;
	u64 median;

	for (part = 0; part < POTAD_TURN_PARTS; part++) {
		struct potad_tally *tally = gather(t, part);

		for (i = 0; i < t->members; i++)
			potad_counts_merge(&result->counts[part], &t->member[i].counts[part]);
		potad_tally_merge(&result->tally[part], tally);
		median = potad_tally_percentile(tally, 50);
		if (!round || median < result->min[part])
			result->min[part] = median;
		result->max[part] = max(result->max[part], median);
	}
	for (i = 0; i < t->members; i++)
		result->refused += t->member[i].refused;
	if (fragments(c)) {
		int ever = atomic_read(&t->ever.nr);

		result->frames[0][round] = ever - atomic_read(&t->last.nr);
		result->frames[1][round] = ever;
		note_requests(t, result);
	}
}

static void note_lone(struct comparison *c, struct result *result)
{
	unsigned int part;

	for (part = 0; part < POTAD_TURN_PARTS; part++)
		potad_tally_merge(&result->lone[part], gather(c->turn, part));
	note_requests(c->turn, result);
}

/* What a subject has to do in a round. */
static int run_subject(struct comparison *c, struct result *result, unsigned int subject,
		       unsigned int cpus, struct order_range orders, int round)
{
	int err = turn(c, subject, cpus, orders, round, false);

	if (err || round < 0)
		return err;
	note(c, result, round);
	if (fragments(c))
		return 0;
	err = turn(c, subject, cpus, orders, round, true);
	if (!err)
		note_lone(c, result);
	return err;
}

static const char *reason_of(int err)
{
	switch (err) {
	case -ENODATA:
		return "there is no memory to hold a block";
	case -ENXIO:
		return "a CPU has gone";
	default:
		return "it refused a block";
	}
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
			struct result *result = c->result[cpus][i];

			if (!result || result->why)
				continue;
			err = run_subject(c, result, i, cpus, orders, round);
			if (err == -EINTR)
				return err;
			if (!err)
				continue;
			result->why = reason_of(err);
			cannot++;
		}
	}
	return cannot;
}

/* Nobody has done anything yet; who will not be able to is known. */
static void reset_results(struct comparison *c, struct order_range orders)
{
	unsigned int cpus, i;

	for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++) {
		for (i = 0; i < POTAD_SUBJECTS; i++) {
			struct result *result = c->result[cpus][i];

			if (!result)
				continue;
			memset(result, 0, sizeof(*result));
			result->why = potad_subject_missing(&kit, i) ?:
				      potad_subject_unfit(&kit, i, orders.first, orders.last);
			if (!result->why && fragments(c) && i == subject_nothing)
				result->why = "what it holds is nowhere";
		}
	}
}

/* The round before the first: is the number of blocks one that all can have? */
static int warm_up(struct comparison *c, struct order_range orders)
{
	int err, tries = FEWER_BLOCKS;

	for (;;) {
		reset_results(c, orders);
		err = run_round(c, orders, -1);
		if (err <= 0 || !workloads[c->cmp->workload].holds || !tries--)
			return min(err, 0);
		c->blocks -= c->blocks / 8;
	}
}

/* Of less than a page the page allocator has nothing to set against potad. */
static enum subject_id rival_of(enum subject_id id, struct order_range orders)
{
	const char *name = potad_subject[id].rival;

	if (!name)
		return POTAD_SUBJECTS;
	if (orders.first < 0 && id == subject_bare)
		return subject_kmalloc;
	return potad_subject_of(name);
}

static int cmp_u32(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* What its native rival is measured by, too. */
static u64 median_of(const struct comparison *c, const struct result *result,
		     unsigned int part)
{
	return fragments(c) ? result->frames[part][c->cmp->rounds / 2] * 10ULL :
			      potad_tally_percentile(&result->tally[part], 50);
}

static void fill_times(struct potad_compare_row *row, const struct result *result,
		       unsigned int part)
{
	const struct potad_tally *tally = &result->tally[part], *lone = &result->lone[part];

	row->min = result->min[part];
	row->max = result->max[part];
	row->p99 = potad_tally_permille(tally, 990);
	row->p999 = potad_tally_permille(tally, 999);
	row->longest = tally->max;
	row->mean = potad_tally_mean(tally);
	row->one.p50 = potad_tally_permille(lone, 500);
	row->one.p99 = potad_tally_permille(lone, 990);
	row->one.p999 = potad_tally_permille(lone, 999);
	row->one.longest = lone->max;
}

static void fill_counts(const struct comparison *c, struct potad_compare_row *row,
			const struct result *result, unsigned int part)
{
	u64 held = (c->blocks / __fls(c->cmp->cpus) / 2 * row->cpus) *
		   order_bytes(row->first_order);

	row->counts = true;
	row->min = result->frames[part][0] * 10ULL;
	row->max = result->frames[part][c->cmp->rounds - 1] * 10ULL;
	row->least = DIV_ROUND_UP_ULL(held, 1ULL << FRAME_SHIFT);
}

/* How many times better than its rival, in hundredths; 0: there is no telling. */
static u64 ratio_of(const struct comparison *c, const struct result *result,
		    const struct result *native, unsigned int part)
{
	u64 mine = median_of(c, result, part), theirs = median_of(c, native, part);

	if (fragments(c) && part)
		return 0;
	if (fragments(c)) {
		/* The shares of what each had something in. */
		mine *= max(median_of(c, native, 1), 1ULL);
		theirs *= max(median_of(c, result, 1), 1ULL);
		return theirs ? div64_u64(mine * 100, theirs) : 0;
	}
	/* A time of 0 is one that the clock does not see. */
	return div64_u64(theirs * 100, max(mine, 1ULL));
}

static void report_part(struct comparison *c, struct order_range orders,
			unsigned int cpus, unsigned int part,
			potad_compare_fn report, void *arg)
{
	static const struct potad_counts nothing;
	const struct potad_compare *cmp = c->cmp;
	unsigned int i;

	for (i = 0; i < POTAD_SUBJECTS; i++) {
		struct result *result = c->result[cpus][i], *native = NULL;
		enum subject_id rival = rival_of(i, orders);
		struct potad_compare_row row = {
			.part = workloads[cmp->workload].part[part],
			.first_order = orders.first, .last_order = orders.last,
			.cpus = cpus, .id = i, .subject = potad_subject[i].name,
			.clock = potad_stopwatch_ns(&c->turn->watch, c->turn->watch.cost),
		};

		if (!result)
			continue;
		row.why = result->why;
		if (cmp->counters)
			row.counted = row.why ? &nothing : &result->counts[part];
		if (!row.why) {
			row.median = median_of(c, result, part);
			if (fragments(c))
				fill_counts(c, &row, result, part);
			else
				fill_times(&row, result, part);
			row.refused = result->refused;
			row.requests = hash_64(result->requests, 32);
		}
		if (rival < POTAD_SUBJECTS)
			native = c->result[cpus][rival];
		if (!row.why && native && !native->why)
			row.ratio = ratio_of(c, result, native, part);
		report(&row, arg);
	}
}

static void sort_counts(struct comparison *c, struct result *result)
{
	unsigned int part;

	for (part = 0; part < POTAD_TURN_PARTS; part++)
		sort(result->frames[part], c->cmp->rounds, sizeof(u32), cmp_u32, NULL);
}

static void sort_all_counts(struct comparison *c)
{
	unsigned int cpus, i;

	for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++)
		for (i = 0; i < POTAD_SUBJECTS; i++)
			if (c->result[cpus][i])
				sort_counts(c, c->result[cpus][i]);
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
	sort_all_counts(c);
	for (part = 0; part < POTAD_TURN_PARTS; part++)
		for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++)
			if (c->cmp->cpus & BIT(cpus) &&
			    workloads[c->cmp->workload].part[part])
				report_part(c, orders, cpus, part, report, arg);
	return 0;
}

static int run_each_order(struct comparison *c, potad_compare_fn report, void *arg)
{
	int order, err = 0;

	for (order = c->cmp->first_order; !err && order <= c->cmp->last_order; order++)
		err = run_orders(c, (struct order_range){ order, order }, report, arg);
	return err;
}

static void destroy(struct comparison *c)
{
	unsigned int cpus, i;

	if (!c)
		return;
	for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++)
		for (i = 0; i < POTAD_SUBJECTS; i++)
			kvfree(c->result[cpus][i]);
	potad_turn_destroy(c->turn);
	kvfree(c);
}

/* NULL: no memory. */
static struct comparison *create(const struct potad_compare *cmp)
{
	struct comparison *c = kvzalloc_obj(*c, GFP_KERNEL);
	unsigned int cpus, i;

	if (!c)
		return NULL;
	c->cmp = cmp;
	c->turn = potad_turn_create(&kit);
	if (!c->turn)
		goto fail;
	for (cpus = 1; cpus <= POTAD_COMPARE_CPUS; cpus++) {
		for (i = 0; i < POTAD_SUBJECTS; i++) {
			if (!(cmp->cpus & BIT(cpus)) || !(cmp->subjects & BIT(i)))
				continue;
			c->result[cpus][i] = kvzalloc_obj(struct result, GFP_KERNEL);
			if (!c->result[cpus][i])
				goto fail;
		}
	}
	return c;
fail:
	destroy(c);
	return NULL;
}

/* @running: it has begun; else it is over. */
static void set_progress(const struct potad_compare *cmp, bool running)
{
	unsigned int orders = cmp->workload == POTAD_MIXED ? 1 :
			      cmp->last_order - cmp->first_order + 1;
	unsigned int turns = cmp->workload == POTAD_FRAGMENTATION ? cmp->rounds :
			     2 * cmp->rounds;
	unsigned int i, subjects = 0;

	for (i = 0; i < POTAD_SUBJECTS; i++)
		subjects += wanted(cmp, i);
	spin_lock(&progress_lock);
	memset(&progress, 0, sizeof(progress));
	progress.running = running;
	progress.workload = cmp->workload;
	progress.turns = orders * (turns + 1) * hweight_long(cmp->cpus) *
			 subjects;
	progress.subject = "-";
	spin_unlock(&progress_lock);
}

/**
 * potad_compare_progress() - how far is the comparison that is running?
 * @to: filled in
 *
 * Context: Process context.
 */
void potad_compare_progress(struct potad_compare_progress *to)
{
	spin_lock(&progress_lock);
	*to = progress;
	spin_unlock(&progress_lock);
}

/**
 * potad_compare_run() - run a comparison
 * @cmp: what
 * @report: called for each result
 * @arg: handed to @report
 *
 * Context: Process context; takes its time; any signal ends it.
 * Return: 0; -EBUSY if one is running; -EINTR; -ENOMEM.
 */
int potad_compare_run(const struct potad_compare *cmp, potad_compare_fn report,
		      void *arg)
{
	struct order_range orders = { cmp->first_order, cmp->last_order };
	struct comparison *c;
	int err;

	err = potad_compare_claim(cmp->subjects);
	if (err)
		return err;
	set_progress(cmp, true);
	c = create(cmp);
	if (!c)
		err = -ENOMEM;
	else if (cmp->workload == POTAD_MIXED)
		err = run_orders(c, orders, report, arg);
	else
		err = run_each_order(c, report, arg);
	destroy(c);
	set_progress(cmp, false);
	potad_compare_unclaim();
	return err;
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

// SPDX-License-Identifier: GPL-2.0
/*
 * Studies.
 *
 * mixed: the workload is timed elsewhere; here it is told what it left: how many
 * blocks of the largest order nobody has anything of.
 *
 * fragmentation: 90 % of the space is filled with blocks of order 0, half of
 * them, drawn at random, are given back, and then 100 times a tenth of what is
 * left is given back and taken anew.  How many aligned 2 MiB does nobody have
 * anything of?  55 % is the most that there could be.
 *
 * blocks: the space is half full; once what is free is in one piece, once it is
 * every other block.  Does it take longer to give one at random back and take another?
 *
 * grouping: a long run of blocks of orders 0..4, most of them movable and short-lived,
 * some reclaimable, a few pinned and never given back, then all movable ones
 * go.  How many 2 MiB, how many 1 GiB does nobody have anything of?  The same
 * again with all of them called movable.
 *
 * big: 1.5 TiB.  The largest order, fresh, and with every CPU's cache full; a
 * hole at 3 GiB, and 1 TiB out of what is behind it; 2^40 granules of which few
 * are populated.
 */
#include <linux/smp.h>
#include <linux/types.h>

#include <pthread.h>
#include <unistd.h>

#include "study.h"
#include "workload.h"

#define MIB			BIT_ULL(20)
#define GIB			BIT_ULL(30)
#define TIB			BIT_ULL(40)

/* Order of a block of @bytes. */
static unsigned int order_of(const struct shape *shape, u64 bytes)
{
	return ilog2(bytes / shape->granule);
}

/* What the blocks in this table are, as a shadow. */
static struct potad_shadow *shadow_of(const struct shape *shape, const u64 *block,
				      u64 nr)
{
	struct potad_shadow *shadow = potad_shadow_create(shape->granules);
	u64 i;

	for (i = 0; i < nr; i++)
		potad_shadow_take(shadow, block[i] >> 6, 1ULL << (block[i] & 63), 1);
	if (shadow->overlap) {
		fprintf(stderr, "study: blocks overlap\n");
		abort();
	}
	return shadow;
}

static u64 take(const struct subject *s, struct instance *me, unsigned int order,
		enum potad_mobility m)
{
	u64 granule = s->alloc(me, order, m);

	if (granule == NOWHERE) {
		fprintf(stderr, "study: %s refused order %u\n", s->name, order);
		abort();
	}
	return granule << 6 | order;
}

static void give(const struct subject *s, struct instance *me, u64 block,
		 enum potad_mobility m)
{
	s->free(me, block >> 6, block & 63, m);
}

void study_whole(const struct job *jobs, const struct shape *shape,
		 const char *subject, u64 refused)
{
	struct potad_shadow *shadow = potad_shadow_create(shape->granules);
	unsigned int order = shape->unit + MIXED_ORDERS - 1, cpu;
	u64 i, used = 0, whole, all = shape->granules >> order;

	if (!strcmp(subject, "empty"))
		goto out;
	for (cpu = 0; cpu < shape->threads; cpu++) {
		for (i = 0; i < jobs[cpu].nr; i++) {
			u32 kept = jobs[cpu].block[i];
			u64 nr = 1ULL << kept_order(shape, kept);

			if (kept == NONE)
				continue;
			potad_shadow_take(shadow, kept_granule(shape, kept), nr, 1);
			used += nr;
		}
	}
	whole = potad_shadow_whole(shadow, order);
	printf("mixed: %-6s %.1f %% used; %llu of %llu of order %u wholly free; %llu refused\n",
	       subject, 100.0 * used / shape->granules, whole, all,
	       MIXED_ORDERS - 1, refused);
	json_figure("mixed", subject, "whole_largest", shape->granule,
		    100.0 * whole / all, "%");
	json_figure("mixed", subject, "refused", shape->granule, refused, "requests");
out:
	potad_shadow_destroy(shadow);
}

void study_fragmentation(const struct subject *s, const struct shape *shape,
			 unsigned int rounds, u64 seed)
{
	struct instance *me = instance_create(s, shape);
	unsigned int unit = shape->unit, huge = order_of(shape, 2 * MIB), round;
	u64 all = shape->granules >> unit, nr = all / 10 * 9, i, tenth;
	u64 *block = calloc(nr, sizeof(*block));
	struct potad_shadow *shadow;
	double whole;

	if (!block)
		abort();
	for (i = 0; i < nr; i++)
		block[i] = take(s, me, unit, POTAD_MOVABLE);
	shuffle(block, nr, &seed);
	for (i = nr / 2; i < nr; i++)
		give(s, me, block[i], POTAD_MOVABLE);
	nr /= 2;
	tenth = nr / 10;
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < tenth; i++) {
			u64 other = i + draw(&seed) % (nr - i);

			swap(block[i], block[other]);
			give(s, me, block[i], POTAD_MOVABLE);
		}
		for (i = 0; i < tenth; i++)
			block[i] = take(s, me, unit, POTAD_MOVABLE);
	}
	shadow = shadow_of(shape, block, nr);
	whole = 100.0 * potad_shadow_whole(shadow, huge) /
		(shape->granules >> huge);
	printf("fragmentation  %-6s granule %4llu  %llu GiB, %u rounds, whole 2 MiB: %.1f %%\n",
	       s->name, shape->granule, shape->bytes / GIB, rounds, whole);
	json_figure("fragmentation", s->name, "whole_2M", shape->granule, whole, "%");
	potad_shadow_destroy(shadow);
	for (i = 0; i < nr; i++)
		give(s, me, block[i], POTAD_MOVABLE);
	free(block);
	instance_destroy(s, me);
}

/* One round; what is free is in one piece, or @scattered.  ns an operation. */
static double half_full(const struct shape *shape, u64 ops, u64 *seed,
			bool scattered, u64 *free_blocks)
{
	const struct subject *s = subject_named("potad");
	struct instance *me = instance_create(s, shape);
	u64 all = shape->granules >> shape->unit, half = all / 2, i, begin, ns;
	u64 *block = calloc(all, sizeof(*block));
	struct potad_space_stat stat;
	unsigned int k;

	if (!block)
		abort();
	for (i = 0; i < all; i++)
		block[i] = take(s, me, shape->unit, POTAD_MOVABLE);
	if (scattered)
		for (i = 0; i < half; i++)
			swap(block[i], block[2 * i]);
	for (i = half; i < all; i++)
		give(s, me, block[i], POTAD_MOVABLE);
	s->drain(me);
	potad_space_stat(me->space, &stat);
	*free_blocks = 0;
	for (k = 0; k <= POTAD_MAX_ORDER; k++)
		*free_blocks += stat.blocks[k];
	begin = now_ns();
	for (i = 0; i < ops; i++) {
		u64 *victim = &block[draw(seed) % half];

		give(s, me, *victim, POTAD_MOVABLE);
		*victim = take(s, me, shape->unit, POTAD_MOVABLE);
	}
	ns = now_ns() - begin;
	for (i = 0; i < half; i++)
		give(s, me, block[i], POTAD_MOVABLE);
	free(block);
	instance_destroy(s, me);
	return (double)ns / ops;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void study_blocks(const struct shape *shape, u64 ops, u64 seed)
{
	double ns[2][9], median[2];
	unsigned int round, scattered;
	u64 nr[2];

	/* In turns, as everything that is timed. */
	for (round = 0; round < 9; round++)
		for (scattered = 0; scattered < 2; scattered++)
			ns[scattered][round] = half_full(shape, ops, &seed,
							 scattered, &nr[scattered]);
	for (scattered = 0; scattered < 2; scattered++) {
		qsort(ns[scattered], 9, sizeof(double), compare_double);
		median[scattered] = ns[scattered][4];
		printf("blocks         %llu GiB half full, %llu free blocks: churn %.1f ns\n",
		       shape->bytes / GIB, nr[scattered], median[scattered]);
		json_figure("blocks", "potad", scattered ? "many" : "few",
			    shape->granule, median[scattered], "ns");
	}
}

/*
 * Grouping.  Of the blocks, kept full to 65 %: one in 200 is pinned, and stays,
 * until that is 2 % of the space at the end; one in 50 is reclaimable, and one of
 * these goes when they are more than 5 %.  All other requests are for movable ones,
 * and one of these, at random, makes room for the next.
 */
static void grouping(const struct shape *shape, u64 ops, u64 seed, bool grouped)
{
	const struct subject *s = subject_named("potad");
	struct instance *me = instance_create(s, shape);
	u64 limit = shape->granules / 100 * 65, used = 0, i, op;
	u64 nr[POTAD_MOBILITIES] = { 0 }, kept = 0, sum[POTAD_MOBILITIES] = { 0 };
	u64 *block[POTAD_MOBILITIES], max = shape->granules >> shape->unit;
	unsigned int huge = order_of(shape, 2 * MIB), giga = order_of(shape, GIB);
	struct potad_shadow *shadow;
	unsigned int m;

	for (m = 0; m < POTAD_MOBILITIES; m++) {
		block[m] = calloc(max, sizeof(u64));
		if (!block[m])
			abort();
	}
	for (op = 0; op < ops; op++) {
		unsigned int order = shape->unit + ilog2(draw(&seed) % 31 + 1);
		u64 dice = draw(&seed) % 2000;

		order = shape->unit + 4 - (order - shape->unit);
		m = dice < 10 ? POTAD_PINNED :
		    dice < 50 ? POTAD_RECLAIMABLE : POTAD_MOVABLE;
		/* Pinned ones stay: no more than 2 % of all, over the whole run. */
		if (m == POTAD_PINNED &&
		    sum[m] > shape->granules / 50 * (op + 1) / ops)
			m = POTAD_MOVABLE;
		while (used + (1ULL << order) > limit) {
			unsigned int v = sum[POTAD_RECLAIMABLE] >
					 shape->granules / 20 ?
					 POTAD_RECLAIMABLE : POTAD_MOVABLE;
			u64 *victim = &block[v][draw(&seed) % nr[v]];

			used -= 1ULL << (*victim & 63);
			sum[v] -= 1ULL << (*victim & 63);
			give(s, me, *victim, grouped ? v : POTAD_MOVABLE);
			*victim = block[v][--nr[v]];
		}
		block[m][nr[m]++] = take(s, me, order, grouped ? m : POTAD_MOVABLE);
		used += 1ULL << order;
		sum[m] += 1ULL << order;
	}
	for (i = 0; i < nr[POTAD_MOVABLE]; i++)
		give(s, me, block[POTAD_MOVABLE][i], POTAD_MOVABLE);
	for (m = POTAD_RECLAIMABLE; m < POTAD_MOBILITIES; m++)
		for (i = 0; i < nr[m]; i++)
			block[POTAD_MOVABLE][kept++] = block[m][i];
	shadow = shadow_of(shape, block[POTAD_MOVABLE], kept);
	printf("%-14s %-7s %llu GiB, %llu million requests, %.1f %% reclaimable, %.1f %% pinned: ",
	       "grouping", grouped ? "by kind" : "none", shape->bytes / GIB,
	       ops / 1000000, 100.0 * sum[POTAD_RECLAIMABLE] / shape->granules,
	       100.0 * sum[POTAD_PINNED] / shape->granules);
	printf("wholly free %llu of %llu 2 MiB, %llu of %llu 1 GiB\n",
	       potad_shadow_whole(shadow, huge), shape->granules >> huge,
	       potad_shadow_whole(shadow, giga), shape->granules >> giga);
	json_figure("grouping", grouped ? "by-kind" : "none", "whole_2M", shape->granule,
		    100.0 * potad_shadow_whole(shadow, huge) /
		    (shape->granules >> huge), "%");
	json_figure("grouping", grouped ? "by-kind" : "none", "whole_1G", shape->granule,
		    potad_shadow_whole(shadow, giga), "blocks");
	potad_shadow_destroy(shadow);
	for (i = 0; i < nr[POTAD_RECLAIMABLE]; i++)
		give(s, me, block[POTAD_RECLAIMABLE][i],
		     grouped ? POTAD_RECLAIMABLE : POTAD_MOVABLE);
	for (i = 0; i < nr[POTAD_PINNED]; i++)
		give(s, me, block[POTAD_PINNED][i],
		     grouped ? POTAD_PINNED : POTAD_MOVABLE);
	for (m = 0; m < POTAD_MOBILITIES; m++)
		free(block[m]);
	instance_destroy(s, me);
}

void study_grouping(const struct shape *shape, u64 ops, u64 seed)
{
	grouping(shape, ops, seed, true);
	grouping(shape, ops, seed, false);
}

/* What big spaces must do.  Each line says what came out. */

static bool all_well;

static void expect(bool well, const char *what)
{
	if (!well) {
		printf("big            WRONG: %s\n", what);
		all_well = false;
	}
}

static u64 metadata(struct potad_space *s)
{
	struct potad_space_stat stat;

	potad_space_stat(s, &stat);
	return stat.metadata;
}

static void print_metadata(struct potad_space *s, u64 granule, const char *what)
{
	u64 bytes = metadata(s);

	printf("big            %s: metadata %llu bytes, %.2f bits a granule\n", what,
	       bytes, 8.0 * bytes / potad_space_size(s));
	json_figure("big", what, "metadata", granule, bytes, "bytes");
}

/* One CPU takes some of each order, and gives them back: its cache is full. */
static void fill_cache(struct potad_cache __percpu *c)
{
	unsigned int k, m, i;
	u64 granule[16];

	for (m = 0; m < POTAD_MOBILITIES; m++) {
		for (k = 0; k < POTAD_CACHED_ORDERS; k++) {
			for (i = 0; i < 16; i++)
				expect(!potad_cache_alloc(c, k, m, true, granule + i),
				       "a block for the cache");
			for (i = 0; i < 16; i++)
				expect(!potad_cache_free(c, granule[i], k, m),
				       "a block for the cache goes back");
		}
	}
}

struct other {
	struct potad_cache __percpu *c;
	unsigned int	cpu;
	struct meeting	*meeting;
};

static void *other_cpu(void *arg)
{
	struct other *other = arg;

	potad_host_online(other->cpu);
	fill_cache(other->c);
	meet(other->meeting);		/* it is full */
	meet(other->meeting);		/* the big one was allocated */
	potad_host_offline();
	return NULL;
}

/* The largest block, while all CPUs there are have full caches. */
static void big_cached(struct potad_space *s, unsigned int order)
{
	struct potad_cache __percpu *c = potad_cache_create(s);
	struct meeting meeting = { .threads = nr_cpu_ids };
	struct other other[POTAD_HOST_CPUS];
	pthread_t thread[POTAD_HOST_CPUS];
	unsigned int cpu;
	u64 granule;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		other[cpu] = (struct other){ c, cpu, &meeting };
		if (pthread_create(&thread[cpu], NULL, other_cpu, &other[cpu]))
			abort();
	}
	fill_cache(c);
	meet(&meeting);
	printf("big            order %u with %llu MiB of granules cached by %u CPUs: ",
	       order, potad_cache_granules(c) >> 20, nr_cpu_ids);
	expect(potad_cache_granules(c) > 0, "the caches have something");
	expect(potad_space_alloc(s, order, POTAD_MOVABLE, &granule) == -ENOSPC,
	       "what is cached is in the way");
	if (potad_cache_alloc(c, order, POTAD_MOVABLE, true, &granule)) {
		printf("refused\n");
		expect(false, "the largest order with full caches");
	} else {
		printf("granted\n");
		expect(!potad_space_free(s, granule, order), "it goes back");
	}
	meet(&meeting);
	for (cpu = 1; cpu < nr_cpu_ids; cpu++)
		pthread_join(thread[cpu], NULL);
	potad_cache_destroy(c);
}

static void big_whole(u64 granule)
{
	u64 granules = 3 * TIB / 2 / granule, first, begin;
	struct potad_run behind = {
		.nr = TIB / 2 / granule, .min = TIB / granule, .max = U64_MAX,
		.mobility = POTAD_MOVABLE,
	};
	struct potad_space *s;
	unsigned int order;
	char what[80];

	begin = now_ns();
	s = potad_space_create(granules);
	if (!s) {
		expect(false, "no memory for 1.5 TiB");
		return;
	}
	order = potad_space_max_order(s);
	snprintf(what, sizeof(what), "1.5 TiB of %llu bytes", granule);
	print_metadata(s, granule, what);
	expect(order == (unsigned int)ilog2(TIB / granule), "the largest order is 1 TiB");
	printf("big            made in %.2f s; ", (now_ns() - begin) / 1e9);
	begin = now_ns();
	expect(!potad_space_alloc(s, order, POTAD_MOVABLE, &first),
	       "the largest order of a fresh space");
	printf("order %u taken in %llu ns\n", order, now_ns() - begin);
	expect(!potad_space_free(s, first, order), "it goes back");
	/* What is behind 1 TiB would be taken first: it is not to help. */
	expect(!potad_space_alloc_run(s, &behind), "the 0.5 TiB at the end");
	big_cached(s, order);
	expect(!potad_space_free_run(s, behind.first, behind.nr), "they go back");
	expect(!potad_space_validate(s), "the space is valid");
	potad_space_destroy(s);
}

/* 1.5 TiB with a hole at 3..4 GiB: no block of 1 TiB, but two halves. */
static void big_hole(u64 granule)
{
	struct potad_space *s = potad_space_create_empty();
	struct potad_run run = {
		.nr = TIB / granule, .align = ilog2(GIB / granule),
		.max = U64_MAX, .mobility = POTAD_MOVABLE,
	};
	struct potad_space_stat stat;
	u64 first, begin;

	if (!s || potad_space_add_span(s, 0, 3 * GIB / granule, true) ||
	    potad_space_add_span(s, 4 * GIB / granule,
				 (3 * TIB / 2 - 4 * GIB) / granule, true)) {
		expect(false, "no memory for 1.5 TiB with a hole");
		return;
	}
	expect(potad_space_alloc(s, ilog2(TIB / granule), POTAD_MOVABLE, &first) < 0,
	       "a block across the hole");
	begin = now_ns();
	if (potad_space_alloc_run(s, &run)) {
		expect(false, "a run of 1 TiB");
	} else {
		printf("big            hole at 3 G: 1 TiB at %llu GiB, %llu x %llu GiB, %.0f us\n",
		       run.first * granule / GIB, run.nr >> run.order,
		       (granule << run.order) / GIB, (now_ns() - begin) / 1e3);
		expect(granule << run.order == TIB / 2, "two blocks of 512 GiB");
		expect(!potad_space_free_run(s, run.first, run.nr), "the run goes back");
	}
	potad_space_stat(s, &stat);
	expect(stat.free == potad_space_size(s), "all of it is free again");
	expect(!potad_space_validate(s), "the space is valid");
	potad_space_destroy(s);
}

/* 2^40 granules, populated on the way down. */
static void big_sparse(void)
{
	struct potad_space *s = potad_space_create_empty();
	u64 granule[41];
	unsigned int k;

	if (!s || potad_space_add_span(s, 0, 1ULL << 40, false)) {
		expect(false, "no memory for 2^40 granules");
		return;
	}
	printf("big            2^40 granules: metadata %llu bytes when made, ",
	       metadata(s));
	json_figure("big", "2^40", "metadata", 0, metadata(s), "bytes");
	expect(!potad_space_alloc(s, 40, POTAD_MOVABLE, &granule[40]), "order 40");
	expect(!potad_space_free(s, granule[40], 40), "order 40 goes back");
	for (k = 0; k < 39; k++) {
		int err = potad_space_alloc(s, k, POTAD_MOVABLE, &granule[k]);

		if (err) {
			printf("big            WRONG: order %u refused: %d\n", k, err);
			all_well = false;
		}
	}
	printf("%llu with one block of each order 0..38\n", metadata(s));
	expect(!potad_space_validate(s), "the space is valid");
	for (k = 0; k < 39; k++)
		expect(!potad_space_free(s, granule[k], k), "it goes back");
	expect(!potad_space_alloc(s, 40, POTAD_MOVABLE, &granule[40]),
	       "order 40 after all that");
	potad_space_destroy(s);
}

bool study_big(void)
{
	u64 needs = 3 * TIB / 2 / 512 / 4, have;

	all_well = true;
	big_whole(4096);
	have = (u64)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
	if (have > needs + needs / 4)
		big_whole(512);
	else
		printf("big            1.5 TiB of 512 bytes LEFT OUT: takes %llu of %llu MiB\n",
		       needs / MIB, have / MIB);
	big_hole(4096);
	big_sparse();
	return all_well;
}

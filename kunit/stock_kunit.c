// SPDX-License-Identifier: GPL-2.0
/*
 * Stock: described blocks that nobody has, at hand.
 *
 * What is in stock must still be there for whoever needs it; a hit must take
 * nothing, and so cannot fail; whoever comes in the middle of one (an interrupt, an
 * NMI, another CPU that drains) must get a block of his own, or an error.
 */
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/smp.h>

#include "../module/pool/stock.h"
#include "owners.h"
#include "spaces.h"

#define GRANULE		512ULL
#define BYTES		SZ_1M
#define GRANULES	(BYTES / GRANULE)
#define ORDERS		4
#define MOST		256U

/* A type with a descriptor, of an ordinary size. */
#define TYPE		(potad_test_types[2])

static u64 hits(struct potad_pool *pool)
{
	struct potad_pool_count count;

	potad_pool_counts(pool, &count);
	return count.hits;
}

static void hit_takes_no_memory(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block b, again;
	unsigned int k, left;
	int err = 0;
	u64 before;

	for (k = 0; k < ORDERS; k++) {
		migrate_disable();
		err = err ?: potad_alloc(TYPE, k, GFP_KERNEL, NULL, &b);
		err = err ?: potad_free(&b);
		before = hits(pool);
		potad_test_fail_nth(test, 1);
		err = err ?: potad_alloc(TYPE, k, GFP_NOWAIT, NULL, &again);
		err = err ?: potad_free(&again);
		left = potad_test_fail_nth(test, 0);
		migrate_enable();
		KUNIT_ASSERT_EQ(test, err, 0);
		KUNIT_EXPECT_EQ(test, left, 1);
		KUNIT_EXPECT_EQ(test, hits(pool), before + 1);
		KUNIT_EXPECT_EQ(test, again.phys, b.phys);
		KUNIT_EXPECT_PTR_EQ(test, again.data, b.data);
		KUNIT_EXPECT_NE(test, again.generation, b.generation);
	}
	potad_test_all_free(test, pool, 0);
}

/* Each granule is in one block at most: @seen is the model. */
static bool mark(u8 *seen, struct potad_pool *pool, const struct potad_block *b, u8 what)
{
	u64 first = potad_pool_granule(pool, b->phys), i;

	for (i = first; i < first + (1ULL << b->order); i++) {
		if (i >= GRANULES || seen[i] == what)
			return false;
		seen[i] = what;
	}
	return true;
}

static void random_calls_lose_and_double_nothing(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block *b = potad_test_memory(test, MOST * sizeof(*b));
	u8 *seen = potad_test_memory(test, GRANULES);
	unsigned int nr = 0, i, op, which;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	for (i = 0; i < potad_test_ops(); i++) {
		op = potad_test_below(&rnd, 100);
		if (!op) {
			potad_pool_drain(pool);
		} else if (nr < MOST && op < 30 + (i / 512 % 2) * 40) {
			u32 order = potad_test_below(&rnd, ORDERS);
			int err = potad_alloc(TYPE, order, GFP_KERNEL, NULL, &b[nr]);

			if (err == -ENOSPC)
				continue;
			KUNIT_ASSERT_EQ(test, err, 0);
			KUNIT_ASSERT_EQ(test, b[nr].order, order);
			KUNIT_ASSERT_TRUE(test, mark(seen, pool, &b[nr++], 1));
		} else if (nr) {
			which = potad_test_below(&rnd, nr);
			swap(b[which], b[nr - 1]);
			KUNIT_ASSERT_TRUE(test, mark(seen, pool, &b[--nr], 0));
			KUNIT_ASSERT_EQ(test, potad_free(&b[nr]), 0);
		}
		KUNIT_ASSERT_EQ(test, potad_type_live(TYPE).blocks, nr);
	}
	while (nr--)
		KUNIT_ASSERT_EQ(test, potad_free(&b[nr]), 0);
	potad_test_all_free(test, pool, 0);
}

/*
 * One allocation makes several blocks, and any of those that this takes may fail: the
 * descriptor and the line of the first or of a later one.  (One for whole frames takes
 * descriptors only.)  Then there are fewer, or none and all is as it was.
 */
static void lack_of_memory_loses_nothing(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	unsigned int nth, left, order, failed, fewer;
	struct potad_stock_stat stat;
	struct potad_block b;
	int err;

	for (order = 0; order <= 4; order += 2) {
		u64 all = 0;

		failed = 0;
		fewer = 0;
		for (nth = 1; nth < 200; nth++) {
			potad_test_all_free(test, pool, 0);
			potad_test_fail_nth(test, nth);
			err = potad_alloc(TYPE, order, GFP_NOWAIT | __GFP_NOWARN, NULL, &b);
			left = potad_test_fail_nth(test, 0);
			potad_stock_stat(TYPE, &stat);
			potad_test_sound(test, pool);
			if (err) {
				KUNIT_ASSERT_EQ(test, err, -ENOMEM);
				KUNIT_ASSERT_EQ(test, left, 0);
				KUNIT_EXPECT_EQ(test, stat.blocks, 0);
				failed++;
			} else {
				KUNIT_ASSERT_EQ(test, potad_type_live(TYPE).blocks, 1);
				KUNIT_ASSERT_EQ(test, potad_free(&b), 0);
			}
			KUNIT_ASSERT_EQ(test, potad_type_live(TYPE).blocks, 0);
			if (left) {
				all = stat.blocks;
				break;
			}
			fewer += !err;
		}
		KUNIT_EXPECT_LT(test, nth, 200);
		KUNIT_EXPECT_GT(test, failed, 0);
		KUNIT_EXPECT_GT(test, fewer, 0);
		KUNIT_EXPECT_GT(test, all, 0);
		kunit_info(test, "order %u: %llu at hand; %u failures with none, %u with fewer\n",
			   order, all, failed, fewer);
	}
	potad_test_all_free(test, pool, 0);
}

/* However large pool and granules are, what a CPU keeps of a type has its bounds. */

static const struct bounds {
	const char	*name;
	u64		bytes, granule;
	unsigned int	order;		/* of blocks that are given back by the dozen */
	unsigned int	nr;
} bounds[] = {
	{ "1 MiB of 512 bytes, order 0", SZ_1M, 512, 0, 600 },
	{ "1 MiB of 512 bytes, order 5", SZ_1M, 512, 5, 30 },
	{ "8 GiB of 512 bytes, order 0", SZ_8G, 512, 0, 600 },
	{ "8 GiB of 512 bytes, order 10", SZ_8G, 512, 10, 200 },
	{ "8 GiB of 512 bytes, order 14", SZ_8G, 512, 14, 60 },
	{ "8 GiB of 512 bytes, order 18", SZ_8G, 512, 18, 60 },
	{ "64 GiB of 64 KiB, order 7", 8 * SZ_8G, SZ_64K, 7, 60 },
	{ "1 TiB of 2 MiB, order 0", 128 * SZ_8G, SZ_2M, 0, 60 },
	{ "1 TiB of 2 MiB, order 2", 128 * SZ_8G, SZ_2M, 2, 60 },
	{ "1 TiB of 2 MiB, order 3", 128 * SZ_8G, SZ_2M, 3, 60 },
};

static void bounds_name(const struct bounds *b, char *name)
{
	strscpy(name, b->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bounds, bounds, bounds_name);

static void stock_has_bounds(struct kunit *test)
{
	const struct bounds *bound = test->param_value;
	struct potad_pool *pool = potad_test_pool(test, bound->bytes, bound->granule);
	struct potad_block *b = potad_test_memory(test, bound->nr * sizeof(*b));
	u64 size = bound->granule << bound->order, all = 0, most = 0, kept;
	unsigned int cpu, order, nr;
	struct potad_stock_stat stat;

	for_each_possible_cpu(cpu) {
		struct potad_stock *stock = per_cpu_ptr(TYPE->stock, cpu);
		u64 sum = 0;

		for (order = 0; order < POTAD_STOCK_ORDERS; order++) {
			u64 line = stock->line[order].max * (bound->granule << order);
			u64 store = order >= POTAD_STORE_ORDERS ? 0 :
				    stock->store[order].max * (bound->granule << order);

			KUNIT_EXPECT_LE(test, line, min(POTAD_STOCK_BYTES, bound->bytes / 64));
			KUNIT_EXPECT_LE(test, store, min(POTAD_STOCK_BYTES, bound->bytes / 128));
			sum += line + store;
			if (order == bound->order)
				all += line + store;
		}
		KUNIT_EXPECT_LT(test, sum, POTAD_STOCK_MOST);
		most = max(most, sum);
	}

	for (nr = 0; nr < bound->nr; nr++)
		if (potad_alloc(TYPE, bound->order, GFP_KERNEL, NULL, &b[nr]))
			break;
	KUNIT_EXPECT_GE(test, nr, min(bound->nr, 30U));
	while (nr--)
		KUNIT_EXPECT_EQ(test, potad_free(&b[nr]), 0);
	potad_stock_stat(TYPE, &stat);
	kept = stat.stocked;
	KUNIT_EXPECT_LE(test, kept, all);
	if (size > POTAD_STOCK_BYTES)
		KUNIT_EXPECT_EQ(test, stat.blocks, 0);
	else if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		KUNIT_EXPECT_GT(test, stat.blocks, 0);
	kunit_info(test, "%llu of %llu KiB kept; of all orders at most %llu KiB for a CPU\n",
		   kept >> 10, bound->nr * size >> 10, most >> 10);
	potad_test_all_free(test, pool, 0);
}

/* Two CPUs, of which one has no peace */
struct race {
	struct potad_pool	*pool;
	unsigned int		cpu;		/* the other's */
	atomic_t		step;		/* 1: it is there; 2: it has done */
	atomic_t		calls;		/* how many it has made */
	atomic_t		wrong;
	unsigned int		interrupts;
	u64			deadline;
};

static void alloc_and_free(struct race *r, gfp_t gfp)
{
	struct potad_block b[8];
	unsigned int nr, order = r->interrupts % 3;

	for (nr = 0; nr < ARRAY_SIZE(b); nr++) {
		if (potad_alloc(TYPE, order, gfp, NULL, &b[nr]))
			break;
		atomic_inc(&r->calls);
	}
	while (nr--) {
		if (potad_free(&b[nr]))
			atomic_inc(&r->wrong);
		atomic_inc(&r->calls);
	}
}

static void interrupt(void *arg)
{
	alloc_and_free(arg, GFP_ATOMIC);
}

/*
 * Waits until the other has made a call, and a little: with one interrupt right after
 * the other it might do nothing but be interrupted.  False: it has done.
 */
static bool other_goes_on(struct race *r)
{
	int before = atomic_read(&r->calls);
	unsigned int spins = get_random_u32_below(256);

	while (atomic_read(&r->calls) == before && atomic_read(&r->step) < 2) {
		cond_resched();
		cpu_relax();
	}
	while (spins--)
		cpu_relax();
	return atomic_read(&r->step) < 2;
}

static void disturb(void *arg, unsigned int me)
{
	struct race *r = arg;

	if (me) {
		r->cpu = raw_smp_processor_id();
		atomic_set(&r->step, 1);
		while (potad_test_time_left(r->deadline))
			alloc_and_free(r, GFP_KERNEL);
		atomic_set(&r->step, 2);
		return;
	}
	while (!atomic_read(&r->step))
		cpu_relax();
	while (other_goes_on(r)) {
		smp_call_function_single(r->cpu, interrupt, r, 1);
		if (++r->interrupts % 16 == 0)
			potad_pool_drain(r->pool);
		cond_resched();
	}
}

static void drains_and_interrupts_lose_nothing(struct kunit *test)
{
	struct race r = { .pool = potad_test_pool(test, BYTES, GRANULE) };

	r.deadline = potad_test_deadline();
	potad_test_parallel(test, 2, disturb, &r);
	KUNIT_EXPECT_EQ(test, atomic_read(&r.wrong), 0);
	KUNIT_EXPECT_GT(test, r.interrupts, 0);
	KUNIT_EXPECT_EQ(test, potad_type_live(TYPE).blocks, 0);
	potad_test_all_free(test, r.pool, 0);
}

/*
 * As in an NMI: interrupts are off, and the kernel says that it is one.  No kernel
 * lets a module send itself a real one.
 */
#define IN_NMI(expression)						\
	({								\
		unsigned long flags;					\
		typeof(expression) value;				\
									\
		local_irq_save(flags);					\
		preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);		\
		value = (expression);					\
		preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);		\
		local_irq_restore(flags);				\
		value;							\
	})

static void nmi_gets_what_is_in_stock_or_an_error(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_block *b = potad_test_memory(test, MOST * sizeof(*b));
	unsigned int nr;
	int err;

	migrate_disable();
	err = potad_alloc(TYPE, 0, GFP_KERNEL, NULL, &b[0]) ?: potad_free(&b[0]);
	for (nr = 0; !err && nr < MOST; nr++) {
		err = IN_NMI(potad_alloc(TYPE, 0, GFP_ATOMIC, NULL, &b[nr]));
		if (err)
			break;
	}
	migrate_enable();
	KUNIT_EXPECT_EQ(test, err, -EDEADLK);
	KUNIT_EXPECT_GT(test, nr, 0);
	while (nr--)
		KUNIT_EXPECT_EQ(test, potad_free(&b[nr]), 0);
	potad_test_all_free(test, pool, 0);
}

static void nmi_gets_what_a_space_has_cached_or_an_error(struct kunit *test)
{
	struct potad_space *s = potad_test_space(test, GRANULES);
	struct potad_cache __percpu *c = potad_test_cache(test, s);
	u64 *granule = potad_test_memory(test, MOST * sizeof(u64));
	unsigned int nr, freed = 0;
	int err, free_err = 0;

	migrate_disable();
	err = potad_cache_alloc(c, 0, POTAD_MOVABLE, true, &granule[0]) ?:
	      potad_cache_free(c, granule[0], 0, POTAD_MOVABLE);
	for (nr = 0; !err && nr < MOST; nr++) {
		err = IN_NMI(potad_cache_alloc(c, 0, POTAD_MOVABLE, false, &granule[nr]));
		if (err)
			break;
	}
	/* More than a line holds, so that it runs full as well. */
	for (; nr < 2 * POTAD_LINE_SLOTS; nr++)
		if (potad_cache_alloc(c, 0, POTAD_MOVABLE, true, &granule[nr]))
			break;
	while (freed < nr && !free_err) {
		free_err = IN_NMI(potad_cache_free(c, granule[freed], 0, POTAD_MOVABLE));
		freed += !free_err;
	}
	migrate_enable();
	KUNIT_EXPECT_EQ(test, err, -EDEADLK);
	KUNIT_EXPECT_EQ(test, free_err, -EDEADLK);
	KUNIT_EXPECT_GT(test, freed, 0);
	for (; freed < nr; freed++)
		KUNIT_EXPECT_EQ(test, potad_cache_free(c, granule[freed], 0, POTAD_MOVABLE), 0);
	potad_cache_drain(c);
	KUNIT_EXPECT_EQ(test, potad_test_allocated(test, s), 0);
	potad_test_space_sound(test, s);
}

static struct kunit_case stock_cases[] = {
	KUNIT_CASE(hit_takes_no_memory),
	KUNIT_CASE(random_calls_lose_and_double_nothing),
	KUNIT_CASE(lack_of_memory_loses_nothing),
	KUNIT_CASE_PARAM(stock_has_bounds, bounds_gen_params),
	KUNIT_CASE(drains_and_interrupts_lose_nothing),
	KUNIT_CASE(nmi_gets_what_is_in_stock_or_an_error),
	KUNIT_CASE(nmi_gets_what_a_space_has_cached_or_an_error),
	{ }
};

static struct kunit_suite stock_suite = {
	.name = "potad_stock",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = stock_cases,
};

kunit_test_suite(stock_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * potad_kunit.ko: the suites, and what they share (common.h).
 *
 * The suites run when the module is loaded, against the potad.ko that is
 * loaded already: the same file that is used in earnest.  Most of them make
 * spaces and pools of their own, over numbers or over addresses at which there
 * is no memory, and so they need none.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/task.h>

#include "../module/include/compat.h"
#include "common.h"

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "what random numbers begin with; 0 (default): another each time; it is printed");

static unsigned int race_ms = 500;
module_param(race_ms, uint, 0444);
MODULE_PARM_DESC(race_ms, "the longest that each race of two CPUs goes on, in ms (default 500)");

/* Each test begins with the same, so that it can be had again alone. */
void potad_test_seed(struct kunit *test, struct rnd_state *rnd)
{
	if (!seed)
		seed = get_random_u64() | 1;
	kunit_info(test, "seed=%llu\n", seed);
	prandom_seed_state(rnd, seed);
}

/* 0 .. @limit - 1 */
u32 potad_test_below(struct rnd_state *rnd, u32 limit)
{
	return (u64)prandom_u32_state(rnd) * limit >> 32;
}

void potad_test_shuffle(struct rnd_state *rnd, u32 *item, u32 nr)
{
	u32 i, j;

	for (i = nr; i > 1; i--) {
		j = potad_test_below(rnd, i);
		swap(item[i - 1], item[j]);
	}
}

static void free_memory(void *p)
{
	kvfree(p);
}

void *potad_test_memory(struct kunit *test, size_t bytes)
{
	void *p = kvzalloc(bytes, GFP_KERNEL);

	if (!p || kunit_add_action_or_reset(test, free_memory, p))
		kunit_skip(test, "no memory for a test of %zu bytes", bytes);
	return p;
}

/* Threads of one test. */
struct gang {
	void			(*fn)(void *arg, unsigned int me);
	void			*arg;
	atomic_t		absent;		/* not yet at the start */
	atomic_t		left;		/* not yet done */
	struct completion	done;
};

struct member {
	struct gang		*gang;
	struct task_struct	*task;
	unsigned int		me;
};

static int member_fn(void *data)
{
	struct member *member = data;
	struct gang *gang = member->gang;

	atomic_dec(&gang->absent);
	while (atomic_read(&gang->absent)) {
		cond_resched();
		cpu_relax();
	}
	gang->fn(gang->arg, member->me);
	if (atomic_dec_and_test(&gang->left))
		complete(&gang->done);
	return 0;
}

/* Stops, or waits for the end of, and forgets. */
static void dismiss(struct member *member)
{
	kthread_stop(member->task);
	put_task_struct(member->task);
}

void potad_test_parallel(struct kunit *test, unsigned int threads,
			 void (*fn)(void *arg, unsigned int me), void *arg)
{
	struct member member[4] = { };
	struct gang gang = { .fn = fn, .arg = arg };
	int cpu = cpumask_first(cpu_online_mask);
	unsigned int i;

	KUNIT_ASSERT_LE(test, threads, (unsigned int)ARRAY_SIZE(member));
	if (num_online_cpus() < threads)
		kunit_skip(test, "%u CPUs: not enough for %u threads at once",
			   num_online_cpus(), threads);
	init_completion(&gang.done);
	atomic_set(&gang.absent, threads);
	atomic_set(&gang.left, threads);
	for (i = 0; i < threads; i++) {
		struct task_struct *task;

		member[i].gang = &gang;
		member[i].me = i;
		task = kthread_create(member_fn, &member[i], "potad-test/%u", i);
		if (IS_ERR(task)) {
			while (i--)
				dismiss(&member[i]);
			kunit_skip(test, "no thread: %ld", PTR_ERR(task));
		}
		get_task_struct(task);
		kthread_bind(task, cpu);
		cpu = cpumask_next(cpu, cpu_online_mask);
		member[i].task = task;
	}
	for (i = 0; i < threads; i++)
		wake_up_process(member[i].task);
	wait_for_completion(&gang.done);
	for (i = 0; i < threads; i++)
		dismiss(&member[i]);
}

u64 potad_test_deadline(void)
{
	return ktime_get_ns() + (u64)race_ms * NSEC_PER_MSEC;
}

bool potad_test_time_left(u64 deadline)
{
	cond_resched();
	return ktime_get_ns() < deadline;
}

struct interrupt {
	struct irq_work		work;
	void			(*fn)(void *arg);
	void			*arg;
	bool			hard;
};

static void interrupt_fn(struct irq_work *work)
{
	struct interrupt *irq = container_of(work, struct interrupt, work);

	irq->hard = in_hardirq();
	irq->fn(irq->arg);
}

void potad_test_hardirq(struct kunit *test, void (*fn)(void *arg), void *arg)
{
	struct interrupt irq = {
		.work = IRQ_WORK_INIT_HARD(interrupt_fn),
		.fn = fn,
		.arg = arg,
	};

	KUNIT_ASSERT_TRUE(test, irq_work_queue(&irq.work));
	irq_work_sync(&irq.work);
	KUNIT_EXPECT_TRUE_MSG(test, irq.hard, "this was no hardware interrupt");
}

unsigned int potad_test_fail_nth(struct kunit *test, unsigned int nth)
{
#if IS_ENABLED(CONFIG_FAILSLAB)
	return xchg(&current->fail_nth, nth);
#else
	kunit_skip(test, "a kernel without FAILSLAB");
	return 0;
#endif
}

/* The owner that a descriptor belongs to. */
static struct potad_test_owner *owner_of(const void *data)
{
	return *(struct potad_test_owner * const *)data;
}

static void owner_init(void *data, void *arg)
{
	struct potad_test_owner *owner = arg;

	*(struct potad_test_owner **)data = owner;
	if (owner)
		atomic_inc(&owner->inits);
}

static void owner_release(void *data)
{
	if (owner_of(data))
		atomic_inc(&owner_of(data)->releases);
}

static enum potad_answer owner_failure(const struct potad_failure *failure)
{
	struct potad_test_owner *owner = owner_of(failure->block->data);

	if (!owner)
		return POTAD_REFUSED;
	atomic_inc(&owner->tells);
	owner->block = *failure->block;
	owner->failure = *failure;
	owner->failure.block = &owner->block;
	if (owner->hook)
		owner->hook(owner);
	return owner->answer;
}

static int owner_describe(const void *data, char *buf, size_t size)
{
	return scnprintf(buf, size, "owner:%lx", (unsigned long)owner_of(data));
}

static const struct potad_ops owner_ops = {
	.init = owner_init,
	.release = owner_release,
	.memory_failure = owner_failure,
	.describe = owner_describe,
};

const struct potad_test_kind potad_test_kinds[POTAD_TEST_KINDS] = {
	{ "test-0", 0 },
	{ "test-8", 8 },
	{ "test-64", 64 },
	{ "test-96", 96 },
	{ "test-360", 360 },
	{ "test-4096", 4096 },
};

/*
 * A test that failed has left its blocks.  They go, so that the tests after it
 * can do their work; whoever owned them is not there any more.
 */
static void sweep(struct potad_pool *pool)
{
	phys_addr_t phys, next;
	struct potad_info info;
	struct potad_block b;

	potad_cache_drain(&pool->cache);
	for (phys = pool->start; phys < pool->start + pool->bytes; phys = next) {
		if (potad_lookup(pool, phys, &info))
			return;
		next = info.phys + info.bytes;
		if (info.what == POTAD_IS_BARE) {
			potad_bare_free(pool, info.phys, info.order);
		} else if (info.what == POTAD_IS_BLOCK &&
			   !potad_pool_find(pool, potad_pool_granule(pool, phys), &b)) {
			if (b.data)
				*(struct potad_test_owner **)b.data = NULL;
			potad_free(pool, &b);
			potad_put(pool, &b);
		}
		cond_resched();
	}
}

static void destroy_pool(void *data)
{
	struct potad_pool *pool = data;

	if (potad_pool_destroy(pool)) {
		sweep(pool);
		if (potad_pool_destroy(pool))
			pr_warn("potad_kunit: a pool is left behind\n");
	}
}

struct potad_pool *potad_test_pool(struct kunit *test, u64 bytes, u64 granule)
{
	struct potad_pool *pool;

	pool = potad_pool_create(POTAD_TEST_START, bytes, granule);
	if (PTR_ERR_OR_ZERO(pool) == -ENOMEM)
		kunit_skip(test, "no memory for a pool of %llu bytes", bytes);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_pool, pool));
	return pool;
}

static struct potad_type *register_kind(const struct potad_test_kind *kind)
{
	struct potad_type_info info = {
		.name = kind->name,
		.desc_size = kind->desc_size,
		.ops = kind->desc_size ? &owner_ops : NULL,
		.module = THIS_MODULE,
	};

	return potad_type_register(&info);
}

static void unregister_type(void *type)
{
	if (type && potad_type_unregister(type))
		pr_warn("potad_kunit: a type is left behind\n");
}

/* To be asked for before the pool: what is made last goes first. */
struct potad_type *potad_test_type(struct kunit *test,
				   const struct potad_test_kind *kind)
{
	struct potad_type *type = register_kind(kind);

	if (PTR_ERR_OR_ZERO(type) == -ENOMEM)
		kunit_skip(test, "no memory for a type");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unregister_type, type));
	return type;
}

struct potad_type *potad_test_types[POTAD_TEST_KINDS];

void potad_test_types_exit(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < POTAD_TEST_KINDS; i++) {
		unregister_type(potad_test_types[i]);
		potad_test_types[i] = NULL;
	}
}

int potad_test_types_init(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < POTAD_TEST_KINDS; i++) {
		struct potad_type *type = register_kind(&potad_test_kinds[i]);

		if (IS_ERR(type)) {
			potad_test_types_exit(suite);
			return PTR_ERR(type);
		}
		potad_test_types[i] = type;
	}
	return 0;
}

void potad_test_sound(struct kunit *test, struct potad_pool *pool)
{
	const char *wrong = potad_pool_validate(pool);

	KUNIT_EXPECT_FALSE_MSG(test, wrong, "%s", wrong ?: "");
}

/* Nothing is allocated, and @retired granules are out. */
void potad_test_all_free(struct kunit *test, struct potad_pool *pool,
			 u64 retired)
{
	struct potad_space_stat *stat;

	potad_test_sound(test, pool);
	potad_cache_drain(&pool->cache);
	stat = potad_test_memory(test, sizeof(*stat));
	potad_space_stat(pool->space, stat);
	KUNIT_EXPECT_EQ(test, stat->allocated, 0);
	KUNIT_EXPECT_EQ(test, stat->pending, 0);
	KUNIT_EXPECT_EQ(test, stat->retired, retired);
	KUNIT_EXPECT_EQ(test, stat->free, stat->total - retired);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&pool->words.nr_lines), 0);
}

MODULE_DESCRIPTION("KUnit suites of potad");
MODULE_AUTHOR("The potad developers");
MODULE_LICENSE("GPL");
POTAD_IMPORT_FOR_TESTS();

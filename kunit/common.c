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
#include <linux/cpu.h>
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

static unsigned int ops = 20000;
module_param(ops, uint, 0444);
MODULE_PARM_DESC(ops, "how many random operations each of the long tests makes (default 20000)");

u32 potad_test_ops(void)
{
	return ops;
}

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

void potad_test_cpu_down(struct kunit *test, unsigned int cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	int err = remove_cpu(cpu);

	if (err)
		kunit_skip(test, "CPU %u cannot be taken away: %d", cpu, err);
#else
	kunit_skip(test, "a kernel without HOTPLUG_CPU");
#endif
}

void potad_test_cpu_up(struct kunit *test, unsigned int cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
#endif
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

MODULE_DESCRIPTION("KUnit suites of potad");
MODULE_AUTHOR("The potad developers");
MODULE_LICENSE("GPL");
POTAD_IMPORT_FOR_TESTS();

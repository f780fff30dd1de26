// SPDX-License-Identifier: GPL-2.0
/*
 * The machine that suites run on: threads on CPUs of their own, CPUs that come
 * and go, interrupts, and memory that runs out when it is told to (common.h).
 *
 * All that takes a kernel is here; in user space scripts/host/machine.c is in
 * its place, and the suites of the space are the same.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "common.h"

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

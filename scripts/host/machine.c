// SPDX-License-Identifier: GPL-2.0
/*
 * The machine that suites run on, out here: stands in for kunit/machine.c.
 *
 * A CPU is a thread (shim.h): that of main() is CPU 0, the others are made once
 * and stay, idle in between, as CPUs do: what one has cached does not vanish with
 * the race that left it there.  A hardware interrupt is one that another CPU
 * sends.
 */
#include <pthread.h>

#include <kunit/test.h>

#include "../../kunit/common.h"
#include "machine.h"

#define CPUS	4

static struct {
	pthread_mutex_t	lock;		/* protects all that follows */
	pthread_cond_t	change;
	pthread_t	thread[CPUS];	/* but the first */
	unsigned long	work;		/* CPUs that have something to do */
	bool		stop;
	void		(*fn)(void *arg, unsigned int me);
	void		*arg;

	unsigned int	absent;		/* not yet at the start; no lock */
} machine = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.change = PTHREAD_COND_INITIALIZER,
};

/* All begin at one moment. */
static void take_part(unsigned int me)
{
	__atomic_fetch_sub(&machine.absent, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&machine.absent, __ATOMIC_SEQ_CST))
		cpu_relax();
	machine.fn(machine.arg, me);
}

static void *thread_fn(void *data)
{
	unsigned int me = (uintptr_t)data;

	potad_host_online(me);
	pthread_mutex_lock(&machine.lock);
	for (;;) {
		while (!(machine.work & BIT(me)) && !machine.stop)
			pthread_cond_wait(&machine.change, &machine.lock);
		if (machine.stop)
			break;
		pthread_mutex_unlock(&machine.lock);
		take_part(me);
		pthread_mutex_lock(&machine.lock);
		machine.work &= ~BIT(me);
		pthread_cond_broadcast(&machine.change);
	}
	pthread_mutex_unlock(&machine.lock);
	if (cpu_online(me))
		potad_host_offline();
	return NULL;
}

/* Runs @fn(@arg, cpu) on all @cpus; returns when all have. */
static void run_on(unsigned long cpus, void (*fn)(void *arg, unsigned int me), void *arg)
{
	pthread_mutex_lock(&machine.lock);
	machine.fn = fn;
	machine.arg = arg;
	machine.work = cpus & ~1UL;
	machine.absent = hweight_long(cpus);
	pthread_cond_broadcast(&machine.change);
	pthread_mutex_unlock(&machine.lock);
	if (cpus & 1)
		take_part(0);
	pthread_mutex_lock(&machine.lock);
	while (machine.work)
		pthread_cond_wait(&machine.change, &machine.lock);
	pthread_mutex_unlock(&machine.lock);
}

static void nothing(void *arg, unsigned int me)
{
}

void potad_machine_start(void)
{
	uintptr_t i;

	for (i = 1; i < CPUS; i++)
		if (pthread_create(&machine.thread[i], NULL, thread_fn, (void *)i)) {
			perror("kunit: thread");
			exit(1);
		}
	run_on(GENMASK(CPUS - 1, 0), nothing, NULL);
}

void potad_machine_stop(void)
{
	unsigned int i;

	pthread_mutex_lock(&machine.lock);
	machine.stop = true;
	pthread_cond_broadcast(&machine.change);
	pthread_mutex_unlock(&machine.lock);
	for (i = 1; i < CPUS; i++)
		pthread_join(machine.thread[i], NULL);
}

void potad_test_parallel(struct kunit *test, unsigned int threads,
			 void (*fn)(void *arg, unsigned int me), void *arg)
{
	KUNIT_ASSERT_LE(test, threads, CPUS);
	run_on(GENMASK(threads - 1, 0), fn, arg);
}

struct interrupt {
	void		(*fn)(void *arg);
	void		*arg;
	bool		hard, done;
};

/* On CPU 0, in the midst of what it does. */
static void interrupt_fn(void *data)
{
	struct interrupt *irq = data;

	irq->hard = in_hardirq();
	irq->fn(irq->arg);
	smp_store_release(&irq->done, true);	/* after all of it */
}

static void interrupt_or_wait(void *data, unsigned int me)
{
	struct interrupt *irq = data;

	if (me)
		smp_call_function_single(0, interrupt_fn, irq, 1);
	while (!smp_load_acquire(&irq->done))	/* it comes before what follows */
		cpu_relax();
}

void potad_test_hardirq(struct kunit *test, void (*fn)(void *arg), void *arg)
{
	struct interrupt irq = { .fn = fn, .arg = arg };

	run_on(BIT(0) | BIT(1), interrupt_or_wait, &irq);
	KUNIT_EXPECT_TRUE_MSG(test, irq.hard, "this was no hardware interrupt");
}

static void go_down(void *arg, unsigned int me)
{
	potad_host_offline();
}

static void come_up(void *arg, unsigned int me)
{
	potad_host_online(me);
}

void potad_test_cpu_down(struct kunit *test, unsigned int cpu)
{
	run_on(BIT(cpu), go_down, NULL);
}

void potad_test_cpu_up(struct kunit *test, unsigned int cpu)
{
	run_on(BIT(cpu), come_up, NULL);
}

unsigned int potad_test_fail_nth(struct kunit *test, unsigned int nth)
{
	long left = potad_host_this.fail_nth;

	potad_host_fail_nth(nth);
	return max(left, 0L);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * potad_kunit.ko: the suites, and what they share (common.h).
 *
 * The suites run when the module is loaded, against the potad.ko that is
 * loaded already: the same file that is used in earnest.  Most of them make
 * spaces and pools of their own, over numbers or over addresses at which there
 * is no memory, and so they need none.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "../module/include/compat.h"
#include "common.h"

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "what random numbers begin with; 0 (default): another each time; it is printed");

static unsigned int race_ms = 250;
module_param(race_ms, uint, 0444);
MODULE_PARM_DESC(race_ms, "the longest that each race of two CPUs goes on, in ms (default 250)");

static unsigned int ops = 1500;
module_param(ops, uint, 0444);
MODULE_PARM_DESC(ops, "how many random operations each of the long tests makes (default 1500)");

static unsigned long long lookups;
module_param(lookups, ullong, 0444);
MODULE_PARM_DESC(lookups, "how many lookups are made while blocks come and go; 0 (default): as many as race_ms allows");

static unsigned long long failures;
module_param(failures, ullong, 0444);
MODULE_PARM_DESC(failures, "how many times memory fails at the least in each storm; 0 (default): as many as race_ms allows");

u32 potad_test_ops(void)
{
	return ops;
}

u64 potad_test_lookups(void)
{
	return lookups;
}

u64 potad_test_failures(void)
{
	return failures;
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

void potad_test_meet(atomic_t *steps, unsigned int me, int step)
{
	atomic_set_release(&steps[me], step);
	while (atomic_read_acquire(&steps[!me]) < step) {
		cpu_relax();
		cond_resched();
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

u64 potad_test_deadline(void)
{
	return ktime_get_ns() + (u64)race_ms * NSEC_PER_MSEC;
}

bool potad_test_time_left(u64 deadline)
{
	cond_resched();
	return ktime_get_ns() < deadline;
}

MODULE_DESCRIPTION("KUnit suites of potad");
MODULE_AUTHOR("The potad developers");
MODULE_LICENSE("GPL");
POTAD_IMPORT_FOR_TESTS();

// SPDX-License-Identifier: GPL-2.0
/*
 * Failures that the machine reports: what a record means, and that none is lost.
 *
 * Of a record a slow reader is of the same opinion: one who looks at one bit after the
 * other, and finds an address in a region by walking all of its pages.  Records are
 * made by hand here; that the kernel's reach us is for a test on a machine that has
 * some.  Owners that do not answer fill the queue: then what is taken and what
 * is left to others must add up to what was brought, and those who were told to what
 * was taken.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../module/machine/machine.h"
#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_1M
#define GRANULE		512ULL
#define GRANULES	(BYTES / GRANULE)

/* What the emulator sends: a patrol scrubber has found it, nobody has used it yet. */
#define SCRUBBED	0xbd000000000000c0ULL
#define LOCATED		(POTAD_MCI_VALID | POTAD_MCI_MISC_VALID | POTAD_MCI_ADDR_VALID)
#define LOST		(LOCATED | POTAD_MCI_UNCORRECTED)
#define PHYSICAL	0x80

static struct potad_record record_at(u64 addr, unsigned int granule)
{
	return (struct potad_record){
		.status = SCRUBBED, .misc = PHYSICAL | granule, .addr = addr, .memory = true,
	};
}

/* Records */

struct sample {
	const char		*name;
	struct potad_record	record;
	enum potad_verdict	verdict;
	u64			phys;
	u64			length;
};

static const struct sample samples[] = {
	{ "a page", { SCRUBBED, 0x8c, START + 0x1234, true },
	  POTAD_RECORD_FAILED, START + 0x1000, 4096 },
	{ "512 bytes", { SCRUBBED, 0x89, START + 0x1234, true },
	  POTAD_RECORD_FAILED, START + 0x1200, 512 },
	{ "a line", { SCRUBBED, 0x86, START + 0x1234, true },
	  POTAD_RECORD_FAILED, START + 0x1200, 64 },
	{ "a byte", { LOST, 0x80, START + 0x1234, true },
	  POTAD_RECORD_FAILED, START + 0x1234, 1 },
	{ "found in a cache, or on a bus", { LOST, 0x86, START, false },
	  POTAD_RECORD_FAILED, START, 64 },
	{ "what lies above mode and granule", { LOST, 0xfffffffffffffe86, START, true },
	  POTAD_RECORD_FAILED, START, 64 },
	{ "first byte", { LOST, 0x86, START, true }, POTAD_RECORD_FAILED, START, 64 },
	{ "before", { LOST, 0x86, START - 1, true }, POTAD_RECORD_OUTSIDE },
	{ "last byte", { LOST, 0x86, START + BYTES - 1, true },
	  POTAD_RECORD_FAILED, START + BYTES - 64, 64 },
	{ "last page", { LOST, 0x8c, START + BYTES - 1, true },
	  POTAD_RECORD_FAILED, START + BYTES - 4096, 4096 },
	{ "behind", { LOST, 0x86, START + BYTES, true }, POTAD_RECORD_OUTSIDE },
	{ "at 0", { LOST, 0x86, 0, true }, POTAD_RECORD_OUTSIDE },
	{ "at the end of numbers", { LOST, 0x86, U64_MAX, true }, POTAD_RECORD_OUTSIDE },
	{ "corrected", { LOCATED, 0x86, START, true }, POTAD_RECORD_CORRECTED },
	{ "corrected, outside", { LOCATED, 0x86, 0, true }, POTAD_RECORD_OTHER },
	{ "corrected, nowhere", { POTAD_MCI_VALID, 0, START, true }, POTAD_RECORD_OTHER },
	{ "no address", { LOST & ~POTAD_MCI_ADDR_VALID, 0x86, START, true },
	  POTAD_RECORD_UNLOCATED },
	{ "no granule", { LOST & ~POTAD_MCI_MISC_VALID, 0x86, START, true },
	  POTAD_RECORD_UNLOCATED },
	{ "an offset in a segment", { LOST, 0x06, START, true }, POTAD_RECORD_UNLOCATED },
	{ "a linear address", { LOST, 0x46, START, true }, POTAD_RECORD_UNLOCATED },
	{ "a memory address", { LOST, 0xc6, START, true }, POTAD_RECORD_UNLOCATED },
	{ "a generic address", { LOST, 0x1c6, START, true }, POTAD_RECORD_UNLOCATED },
	{ "two pages", { LOST, 0x8d, START, true }, POTAD_RECORD_UNLOCATED },
	{ "everything", { LOST, 0xbf, START, true }, POTAD_RECORD_UNLOCATED },
	{ "no address, and not of memory", { POTAD_MCI_VALID | POTAD_MCI_UNCORRECTED, 0, 0, false },
	  POTAD_RECORD_OTHER },
	{ "not valid", { LOST & ~POTAD_MCI_VALID, 0x86, START, true }, POTAD_RECORD_OTHER },
	{ "nothing", { }, POTAD_RECORD_OTHER },
	{ "all bits", { U64_MAX, U64_MAX, U64_MAX, true }, POTAD_RECORD_UNLOCATED },
};

static void sample_name(const struct sample *sample, char *name)
{
	strscpy(name, sample->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sample, samples, sample_name);

static void record_means_what_it_says(struct kunit *test)
{
	const struct sample *s = test->param_value;
	struct potad_damage damage = { };

	KUNIT_EXPECT_EQ(test, potad_record_judge(&s->record, START, BYTES, &damage), s->verdict);
	KUNIT_EXPECT_EQ(test, damage.phys, s->phys);
	KUNIT_EXPECT_EQ(test, damage.length, s->length);
}

static bool bit(u64 word, unsigned int nr)
{
	return word >> nr & 1;
}

/* Slow, and plain. */
static enum potad_verdict judge(const struct potad_record *r, u64 start, u64 bytes,
				struct potad_damage *damage)
{
	bool located, inside = false, lost = bit(r->status, 61);
	unsigned int i, granule = 0, mode = 0;
	u64 page, length = 1;

	if (!bit(r->status, 63))
		return POTAD_RECORD_OTHER;
	for (i = 0; i < 6; i++)
		granule += bit(r->misc, i) << i;
	for (i = 0; i < 3; i++)
		mode += bit(r->misc, 6 + i) << i;
	located = bit(r->status, 59) && bit(r->status, 58) && mode == 2 && granule <= 12;
	if (!located)
		return lost && r->memory ? POTAD_RECORD_UNLOCATED : POTAD_RECORD_OTHER;

	for (page = 0; page < bytes / 4096; page++)
		if (r->addr / 4096 == start / 4096 + page)
			inside = true;
	if (!lost)
		return inside ? POTAD_RECORD_CORRECTED : POTAD_RECORD_OTHER;
	if (!inside)
		return POTAD_RECORD_OUTSIDE;
	for (i = 0; i < granule; i++)
		length *= 2;
	damage->phys = r->addr / length * length;
	damage->length = length;
	return POTAD_RECORD_FAILED;
}

static u64 random_u64(struct rnd_state *rnd)
{
	u64 high = prandom_u32_state(rnd);

	return high << 32 | prandom_u32_state(rnd);
}

/* Any bits, and then mostly such as matter. */
static void any_record_is_judged_as_by_hand(struct kunit *test)
{
	unsigned int seen[POTAD_RECORD_OTHER + 1] = { }, i;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	for (i = 0; i < 20 * potad_test_ops(); i++) {
		u64 bytes = PAGE_SIZE * (1 + potad_test_below(&rnd, 40));
		u64 start = PAGE_SIZE * potad_test_below(&rnd, 100);
		struct potad_damage damage = { }, expected = { };
		struct potad_record r = {
			.status = random_u64(&rnd), .misc = random_u64(&rnd),
			.addr = random_u64(&rnd), .memory = potad_test_below(&rnd, 2),
		};
		enum potad_verdict verdict;

		if (potad_test_below(&rnd, 8))
			r.addr = potad_test_below(&rnd, 150 * PAGE_SIZE);
		if (potad_test_below(&rnd, 4))
			r.status |= POTAD_MCI_VALID | POTAD_MCI_ADDR_VALID;
		if (potad_test_below(&rnd, 4))
			r.misc = PHYSICAL | potad_test_below(&rnd, 14);
		verdict = potad_record_judge(&r, start, bytes, &damage);
		KUNIT_ASSERT_EQ_MSG(test, verdict, judge(&r, start, bytes, &expected),
				    "status 0x%llx misc 0x%llx addr 0x%llx of 0x%llx + 0x%llx",
				    r.status, r.misc, r.addr, start, bytes);
		KUNIT_ASSERT_EQ(test, damage.phys, expected.phys);
		KUNIT_ASSERT_EQ(test, damage.length, expected.length);
		seen[verdict]++;
	}
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		KUNIT_EXPECT_NE_MSG(test, seen[i], 0, "no record had verdict %u", i);
}

/* What comes of them */

static void machine_exit(void *data)
{
	potad_machine_exit(data);
}

/* Ends before the pool does. */
static struct potad_machine *machine_of(struct kunit *test, struct potad_pool *pool)
{
	struct potad_machine *machine = potad_test_memory(test, sizeof(*machine));

	if (potad_machine_init(machine, pool))
		kunit_skip(test, "no memory for a queue");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, machine_exit, machine), 0);
	return machine;
}

static bool report_at(struct potad_machine *machine, u64 addr, unsigned int granule)
{
	struct potad_record record = record_at(addr, granule);

	return potad_machine_report(machine, &record);
}

static struct potad_machine_count count_of(struct potad_machine *machine)
{
	struct potad_machine_count count;

	flush_workqueue(machine->workers);
	potad_machine_count(machine, &count);
	return count;
}

static void owner_is_told_once_of_what_was_taken(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_RECOVERED };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine *machine = machine_of(test, pool);
	struct potad_machine_count count;
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 6, GFP_KERNEL, &owner, &b), 0);
	KUNIT_EXPECT_TRUE(test, report_at(machine, b.phys + 9 * GRANULE + 70, 6));
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.events, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_EQ(test, owner.block.phys, b.phys);
	KUNIT_EXPECT_EQ(test, owner.failure.offset, 9 * GRANULE);
	KUNIT_EXPECT_EQ(test, owner.failure.length, GRANULE);
	KUNIT_EXPECT_EQ(test, owner.failure.flags, 0);

	/* Another line of the same granule, then the page around. */
	KUNIT_EXPECT_TRUE(test, report_at(machine, b.phys + 9 * GRANULE, 6));
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.again, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 1);
	KUNIT_EXPECT_TRUE(test, report_at(machine, b.phys + 9 * GRANULE, 12));
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.events, 3);
	KUNIT_EXPECT_EQ(test, count.again, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 3);	/* before, and after it */
	KUNIT_EXPECT_TRUE(test, potad_pool_really_failed(pool, b.phys + 9 * GRANULE, 1));
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 8);
}

static void others_are_counted_and_left_alone(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine *machine = machine_of(test, pool);
	struct potad_machine_count count;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(samples); i++)
		if (samples[i].verdict != POTAD_RECORD_FAILED)
			KUNIT_EXPECT_FALSE_MSG(test,
					       potad_machine_report(machine, &samples[i].record),
					       "%s", samples[i].name);
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.events, 0);
	KUNIT_EXPECT_EQ(test, count.overflow, 0);
	KUNIT_EXPECT_EQ(test, count.outside, 4);
	KUNIT_EXPECT_EQ(test, count.corrected, 1);
	KUNIT_EXPECT_EQ(test, count.ignored, 9);
	potad_test_all_free(test, pool, 0);
}

struct slow {
	struct completion	asked;
	struct completion	answer;
};

static void answer_later(struct potad_test_owner *owner)
{
	struct slow *slow = owner->arg;

	complete(&slow->asked);
	wait_for_completion(&slow->answer);
}

/* The block's @nr first granules fail, and its owner does not answer for them. */
static void hold_up(struct kunit *test, struct potad_machine *machine,
		    const struct potad_block *b, struct slow *slow, unsigned int nr)
{
	unsigned int i;

	init_completion(&slow->asked);
	init_completion(&slow->answer);
	machine->pool->patience = 0;	/* as long as it takes */
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_TRUE(test, report_at(machine, b->phys + i * GRANULE, 9));
		wait_for_completion(&slow->asked);
	}
}

static void slow_owners_hold_up_nobody_else(struct kunit *test)
{
	struct slow slow;
	struct potad_test_owner late = {
		.answer = POTAD_LOST, .hook = answer_later, .arg = &slow,
	};
	struct potad_test_owner quick = { .answer = POTAD_RECOVERED };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine *machine = machine_of(test, pool);
	struct potad_machine_count count;
	struct potad_block a, b;
	u64 deadline;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 4, GFP_KERNEL, &late, &a), 0);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 4, GFP_KERNEL, &quick, &b), 0);
	hold_up(test, machine, &a, &slow, POTAD_MACHINE_HANDS - 1);
	KUNIT_EXPECT_TRUE(test, report_at(machine, b.phys, 12));
	for (deadline = ktime_get_ns() + 5 * NSEC_PER_SEC; ktime_get_ns() < deadline; ) {
		potad_machine_count(machine, &count);
		if (count.waiting == POTAD_MACHINE_HANDS - 1)
			break;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, count.waiting, POTAD_MACHINE_HANDS - 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&quick.tells), 1);
	complete_all(&slow.answer);
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.waiting, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&late.tells), POTAD_MACHINE_HANDS - 1);
	KUNIT_EXPECT_EQ(test, potad_free(&a), 0);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, POTAD_MACHINE_HANDS - 1 + 8);
}

/* When all hands wait for owners, the queue fills up to the last place. */
static void full_queue_takes_no_more_and_says_so(struct kunit *test)
{
	struct slow slow;
	struct potad_test_owner owner = {
		.answer = POTAD_LOST, .hook = answer_later, .arg = &slow,
	};
	struct potad_pool *pool = potad_test_pool(test, 2 * BYTES, GRANULE);
	struct potad_machine *machine = machine_of(test, pool);
	unsigned int i, taken = 0, all = POTAD_MACHINE_HANDS + POTAD_MACHINE_QUEUE;
	struct potad_machine_count count;
	struct potad_event_count events;
	struct potad_block b;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 11, GFP_KERNEL, &owner, &b), 0);
	hold_up(test, machine, &b, &slow, POTAD_MACHINE_HANDS);
	/* The other half of the pool is free. */
	for (i = 0; i < POTAD_MACHINE_QUEUE + 100; i++)
		taken += report_at(machine, START + ((b.phys - START) ^ BYTES) +
				   i % GRANULES * GRANULE, 9);
	KUNIT_EXPECT_EQ(test, taken, POTAD_MACHINE_QUEUE);
	potad_machine_count(machine, &count);
	KUNIT_EXPECT_EQ(test, count.events, all);
	KUNIT_EXPECT_EQ(test, count.overflow, 100);
	KUNIT_EXPECT_EQ(test, count.waiting, all);
	complete_all(&slow.answer);
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.again, 0);
	KUNIT_EXPECT_EQ(test, count.unmarked, 0);
	KUNIT_EXPECT_EQ(test, count.waiting, 0);
	potad_pool_event_count(pool, &events);
	KUNIT_EXPECT_EQ(test, events.events, all);
	/* and there is room again */
	KUNIT_EXPECT_TRUE(test, report_at(machine, b.phys, 9));
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.again, 1);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, all);
}

static void end_tells_all_that_was_taken(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_LOST };
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine *machine = potad_test_memory(test, sizeof(*machine));
	struct potad_block b;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 9, GFP_KERNEL, &owner, &b), 0);
	if (potad_machine_init(machine, pool))
		kunit_skip(test, "no memory for a queue");
	for (i = 0; i < 512; i++)
		KUNIT_EXPECT_TRUE(test, report_at(machine, b.phys + i * GRANULE, 9));
	potad_machine_exit(machine);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), 512);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, 512);
}

static void report_in_interrupt(void *arg)
{
	report_at(arg, START, 9);
}

static void records_may_come_in_an_interrupt(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine *machine = machine_of(test, pool);
	struct potad_machine_count count;

	potad_test_hardirq(test, report_in_interrupt, machine);
	count = count_of(machine);
	KUNIT_EXPECT_EQ(test, count.events, 1);
	potad_test_all_free(test, pool, 1);
}

struct storm {
	struct potad_machine	*machine;
	u64			phys;
	u64			deadline;
	struct rnd_state	rnd[2];
	unsigned int		sent[2];
	unsigned int		taken[2];
};

static void storm_fn(void *arg, unsigned int me)
{
	struct storm *s = arg;

	while (potad_test_time_left(s->deadline)) {
		u64 addr = s->phys + potad_test_below(&s->rnd[me], 512 * GRANULE);

		s->taken[me] += report_at(s->machine, addr, 6);
		s->sent[me]++;
		cond_resched();
	}
}

/* The same granules, over and over, from both: each is told of once. */
static void storm_tells_each_granule_once(struct kunit *test)
{
	struct potad_test_owner owner = { .answer = POTAD_LOST };
	struct storm *s = potad_test_memory(test, sizeof(*s));
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine_count count;
	struct potad_block b;
	struct rnd_state rnd;
	u64 failed;

	potad_test_seed(test, &rnd);
	prandom_seed_state(&s->rnd[0], prandom_u32_state(&rnd));
	prandom_seed_state(&s->rnd[1], prandom_u32_state(&rnd));
	s->machine = machine_of(test, pool);
	KUNIT_ASSERT_EQ(test, potad_alloc(potad_test_types[2], 9, GFP_KERNEL, &owner, &b), 0);
	s->phys = b.phys;
	s->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, storm_fn, s);
	count = count_of(s->machine);
	kunit_info(test, "%u records, %llu taken, %llu known, %llu not taken\n",
		   s->sent[0] + s->sent[1], count.events, count.again, count.overflow);
	KUNIT_EXPECT_EQ(test, count.events, s->taken[0] + s->taken[1]);
	KUNIT_EXPECT_EQ(test, count.events + count.overflow, s->sent[0] + s->sent[1]);
	failed = count.events - count.again;
	KUNIT_EXPECT_EQ(test, atomic_read(&owner.tells), failed);
	KUNIT_EXPECT_LE(test, failed, 512);
	KUNIT_EXPECT_EQ(test, potad_free(&b), 0);
	potad_test_all_free(test, pool, failed);
}

struct visit {
	unsigned int	nr;
	phys_addr_t	phys[8];
	u64		length;
};

static void visited(phys_addr_t phys, u64 length, void *arg)
{
	struct visit *v = arg;

	if (v->nr < ARRAY_SIZE(v->phys))
		v->phys[v->nr] = phys;
	v->nr++;
	v->length += length;
}

static void what_has_really_failed_is_known_at_the_end(struct kunit *test)
{
	struct potad_pool *pool = potad_test_pool(test, BYTES, GRANULE);
	struct potad_machine *machine = machine_of(test, pool);
	struct visit v = { };

	KUNIT_EXPECT_EQ(test, potad_memory_failure(pool, START + SZ_64K, SZ_4K,
						   POTAD_FAIL_INJECTED), 0);
	potad_pool_visit_real(pool, visited, &v);
	KUNIT_EXPECT_EQ(test, v.nr, 0);
	KUNIT_EXPECT_TRUE(test, report_at(machine, START + SZ_128K, 6));
	KUNIT_EXPECT_TRUE(test, report_at(machine, START + SZ_64K, 10));	/* now really */
	count_of(machine);
	potad_pool_visit_real(pool, visited, &v);
	KUNIT_EXPECT_EQ(test, v.nr, 3);
	KUNIT_EXPECT_EQ(test, v.length, 3 * GRANULE);
	KUNIT_EXPECT_EQ(test, v.phys[0], START + SZ_64K);
	KUNIT_EXPECT_EQ(test, v.phys[1], START + SZ_64K + GRANULE);
	KUNIT_EXPECT_EQ(test, v.phys[2], START + SZ_128K);

	/* If they could not be written down, all that is out of use. */
	v = (struct visit){ };
	pool->real_unknown = true;
	potad_pool_visit_real(pool, visited, &v);
	KUNIT_EXPECT_GE(test, v.nr, 9);
	potad_test_all_free(test, pool, 9);
}

static struct kunit_case mce_cases[] = {
	KUNIT_CASE_PARAM(record_means_what_it_says, sample_gen_params),
	KUNIT_CASE(any_record_is_judged_as_by_hand),
	KUNIT_CASE(owner_is_told_once_of_what_was_taken),
	KUNIT_CASE(others_are_counted_and_left_alone),
	KUNIT_CASE(slow_owners_hold_up_nobody_else),
	KUNIT_CASE(full_queue_takes_no_more_and_says_so),
	KUNIT_CASE(end_tells_all_that_was_taken),
	KUNIT_CASE(records_may_come_in_an_interrupt),
	KUNIT_CASE_SLOW(storm_tells_each_granule_once),
	KUNIT_CASE(what_has_really_failed_is_known_at_the_end),
	{ }
};

static struct kunit_suite mce_suite = {
	.name = "potad_mce",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = mce_cases,
};

kunit_test_suite(mce_suite);

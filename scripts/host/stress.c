// SPDX-License-Identifier: GPL-2.0
/*
 * stress: several CPUs do everything at once, and a shadow watches.
 *
 *	stress THREADS SECONDS SEED
 *
 * Built twice: with a thread sanitizer, which lets interrupts in only where
 * there is something atomic, and without, where they come between any two
 * instructions.  In rounds: each CPU makes random calls of all kinds, on
 * blocks of its own; it is interrupted, goes offline and comes back;
 * allocations of memory fail. Then all stand still, and the space must be
 * valid and agree with the shadow. In every other round nothing is retired: in
 * those, "there is nothing" is checked too. In every third all is given back.
 *
 * A refusal is spurious if, with all others stopped, the same call finds a block,
 * and nothing came back since the first call began.  What counts as coming
 * back: frees, runs that are undone, spans that are closed and opened again.
 *
 * Between rounds all free the same blocks at the same moment: one of them must
 * succeed for each block, all others be refused.
 */
#include <linux/smp.h>
#include <linux/types.h>

#include <pthread.h>
#include <time.h>

#include "../../module/space/cache.h"
#include "../../module/space/space.h"
#include "sanitizer.h"
#include "shadow.h"

#define MAX_BLOCKS		1500
#define MAX_RETIRED		16
#define OPS			3000
#define VICTIMS			64

/* Two spans that stay, and one that comes and goes; the second is sparse. */
#define FIRST_END		150001U
#define SECOND			(3U * 65536 - 5)
#define SECOND_END		(4U * 65536 + 9000)
#define THIRD			SECOND_END
#define THIRD_END		(5U * 65536 + 77)
#define RETIRED			0xfe	/* as an owner */

struct block {
	u64		first, nr;
	unsigned int	order;		/* or RUN */
	enum potad_mobility m;
};

#define RUN			99

struct retired {
	u64		granule;
	bool		was_free;
};

struct cpu_state {
	unsigned int	cpu;
	u64		seed, ops;
	unsigned int	nr_blocks, nr_retired;
	struct block	block[MAX_BLOCKS];
	struct retired	retired[MAX_RETIRED];
} __aligned(64);

/*
 * Who looks at what others write without a lock, and says so: what they find may
 * be half of the truth.  Two look at other CPUs' lines; one counts what is free
 * in a span before and after it is closed.  Memory is never taken in a handler
 * that interrupted malloc(): see shim.c.
 */
const char *__tsan_default_suppressions(void)
{
	return "race:^potad_cache_has$\nrace:^cached$\n"
	       "race:^span_is_unused$\nrace:^span_retired$\n";
}

const char *__tsan_default_options(void)
{
	return "report_signal_unsafe=0:external_symbolizer_path=/usr/bin/addr2line";
}

static struct potad_space *space;
static struct potad_cache __percpu *cache;
static struct potad_shadow *shadow;
static struct cpu_state cpu_state[POTAD_HOST_CPUS];
static unsigned int threads = 2;
static u64 wrong, interrupts, double_frees, spans_gone, offlines;
static bool third_there, retiring, emptying, emptied, last_round;

static u64 draw(struct cpu_state *me)
{
	u64 z = me->seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static void __printf(1, 2) say(const char *fmt, ...)
{
	va_list args;

	__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}

/* --- the world, which can be stopped ---------------------------------------- */

static int world;		/* calls going on; -1: stopped */

static void world_enter(void)
{
	unsigned int spins = 0;
	int was;

	for (;;) {
		was = READ_ONCE(world);
		if (was >= 0 && try_cmpxchg(&world, &was, was + 1))
			return;
		potad_host_relax(&spins);
	}
}

static void world_leave(void)
{
	__atomic_fetch_sub(&world, 1, __ATOMIC_RELEASE);
}

/* False if somebody else is at it. */
static bool world_stop(void)
{
	unsigned int spins = 0;
	int was;

	for (;;) {
		was = 0;
		if (try_cmpxchg(&world, &was, -1))
			return true;
		if (was < 0)
			return false;
		potad_host_relax(&spins);
	}
}

static void world_go(void)
{
	__atomic_store_n(&world, 0, __ATOMIC_RELEASE);
}

static struct {
	u32 here, round;
} meeting;

static void meet(void)
{
	u32 round = __atomic_load_n(&meeting.round, __ATOMIC_ACQUIRE);
	unsigned int spins = 0;

	if (__atomic_add_fetch(&meeting.here, 1, __ATOMIC_ACQ_REL) == threads) {
		__atomic_store_n(&meeting.here, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&meeting.round, round + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&meeting.round, __ATOMIC_ACQUIRE) == round)
		potad_host_relax(&spins);
}

/* --- calls ------------------------------------------------------------------ */

static u8 owner(const struct cpu_state *me)
{
	return me->cpu + 1;
}

/* Orders small and large, more of the small. */
static unsigned int draw_order(struct cpu_state *me)
{
	unsigned int k = __builtin_ctzll(draw(me) | 1ULL << 16);

	return draw(me) % 4 ? k : k + 4;
}

static void own(struct cpu_state *me, u64 first, u64 nr, unsigned int order,
		unsigned int m)
{
	potad_shadow_take(shadow, first, nr, owner(me));
	me->block[me->nr_blocks++] = (struct block){ first, nr, order, m };
}

static void check_refusal(struct cpu_state *me, unsigned int order,
			  unsigned int m, u64 freed)
{
	u64 granule;

	__atomic_fetch_add(&shadow->refused, 1, __ATOMIC_RELAXED);
	if (retiring || potad_shadow_freed(shadow) != freed)
		return;
	world_leave();
	if (world_stop()) {
		if (potad_shadow_freed(shadow) == freed &&
		    !potad_cache_alloc(cache, order, m, true, &granule)) {
			shadow->spurious++;
			potad_shadow_count_free(shadow);
			if (potad_space_free(space, granule, order))
				say("stress: the block is not to be freed\n");
			potad_shadow_count_free(shadow);
		}
		world_go();
	}
	world_enter();
}

static void do_alloc(struct cpu_state *me)
{
	unsigned int order = draw_order(me), m = draw(me) % POTAD_MOBILITIES;
	u64 freed = potad_shadow_freed(shadow), granules[16];
	bool fails = draw(me) % 16 == 0;
	int how = draw(me) % 8, n = 1, err, i;

	if (me->nr_blocks + 16 > MAX_BLOCKS)
		return;
	if (fails)
		potad_host_fail_nth(1 + draw(me) % 3);
	if (how < 5)
		err = potad_cache_alloc(cache, order, m, true, granules);
	else if (how < 6)
		err = potad_cache_alloc(cache, order, m, false, granules);
	else if (how < 7)
		err = potad_space_alloc(space, order, m, granules);
	else
		err = potad_space_alloc_some(space, order, m, granules,
					     1 + draw(me) % 16);
	potad_host_fail_nth(0);
	if (how == 7)
		n = err;
	if (err >= 0)
		for (i = 0; i < n; i++)
			own(me, granules[i], 1ULL << order, order, m);
	else if (err == -ENOSPC && how < 5)
		check_refusal(me, order, m, freed);
	else if (err != -ENOSPC && !(err == -ENOMEM && fails) &&
		 !(err == -EINVAL && order > potad_space_max_order(space)))
		say("stress: alloc of order %u: %d\n", order, err);
}

static void do_free(struct cpu_state *me)
{
	struct block *b, was;
	int err;

	if (!me->nr_blocks)
		return;
	b = &me->block[draw(me) % me->nr_blocks];
	was = *b;
	*b = me->block[--me->nr_blocks];
	potad_shadow_count_free(shadow);
	potad_shadow_give(shadow, was.first, was.nr, owner(me));
	if (was.order == RUN)
		err = potad_space_free_run(space, was.first, was.nr);
	else if (draw(me) % 4)
		err = potad_cache_free(cache, was.first, was.order, was.m);
	else
		err = potad_space_free(space, was.first, was.order);
	potad_shadow_count_free(shadow);
	if (err)
		say("stress: free of %llu, order %u: %d\n", was.first, was.order, err);
}

/* What cannot be right, of a block that this CPU has: nobody is harmed. */
static void do_bad_free(struct cpu_state *me)
{
	const struct block *b;
	int err;

	if (!me->nr_blocks)
		return;
	b = &me->block[draw(me) % me->nr_blocks];
	if (b->order == RUN)
		return;
	if (b->order && draw(me) % 2)
		err = potad_space_free(space, b->first + (1ULL << (b->order - 1)),
				       b->order - 1);
	else
		err = potad_space_free(space, b->first & ~1ULL << b->order, b->order + 1);
	if (!err)
		say("stress: a free of what is no block went well\n");
}

static void do_run(struct cpu_state *me)
{
	struct potad_run run = {
		.nr = 1 + draw(me) % (1ULL << draw(me) % 15),
		.align = draw(me) % 10, .max = U64_MAX,
		.mobility = draw(me) % POTAD_MOBILITIES,
	};
	bool fails = draw(me) % 8 == 0;
	int err;

	if (me->nr_blocks == MAX_BLOCKS)
		return;
	if (fails)
		potad_host_fail_nth(1 + draw(me) % 3);
	/* What it takes and gives back again comes back. */
	potad_shadow_count_free(shadow);
	err = potad_cache_alloc_run(cache, &run);
	potad_shadow_count_free(shadow);
	potad_host_fail_nth(0);
	if (!err)
		own(me, run.first, run.nr, RUN, run.mobility);
	else if (err != -ENOSPC && !(err == -ENOMEM && fails))
		say("stress: run of %llu: %d\n", run.nr, err);
}

static void do_retire(struct cpu_state *me)
{
	u64 granule = draw(me) % FIRST_END;
	int was;

	if (!retiring || me->nr_retired == MAX_RETIRED)
		return;
	was = potad_cache_retire(cache, granule);
	if (was == -EHWPOISON)
		return;
	if (was < 0) {
		say("stress: retire %llu: %d\n", granule, was);
		return;
	}
	if (was == POTAD_FREE)
		potad_shadow_take(shadow, granule, 1, RETIRED);
	me->retired[me->nr_retired++] = (struct retired){ granule, was == POTAD_FREE };
}

static void do_restore(struct cpu_state *me)
{
	struct retired *r;
	int err;

	if (!me->nr_retired)
		return;
	r = &me->retired[--me->nr_retired];
	potad_shadow_count_free(shadow);
	if (r->was_free)
		potad_shadow_give(shadow, r->granule, 1, RETIRED);
	err = potad_space_restore(space, r->granule);
	potad_shadow_count_free(shadow);
	if (err)
		say("stress: restore %llu: %d\n", r->granule, err);
}

/* Only CPU 0 does this. */
static void do_span(struct cpu_state *me)
{
	int err;

	if (me->cpu)
		return;
	potad_shadow_count_free(shadow);
	if (third_there) {
		err = potad_space_remove_span(space, THIRD);
		if (!err) {
			/* Nobody may have had any of it. */
			potad_shadow_take(shadow, THIRD, THIRD_END - THIRD,
					  POTAD_SHADOW_NOT_THERE);
			third_there = false;
			spans_gone++;
		} else if (err != -EBUSY) {
			say("stress: remove span: %d\n", err);
		}
	} else {
		potad_shadow_give(shadow, THIRD, THIRD_END - THIRD,
				  POTAD_SHADOW_NOT_THERE);
		err = potad_space_add_span(space, THIRD, THIRD_END - THIRD,
					   draw(me) % 2);
		if (err)
			say("stress: add span: %d\n", err);
		third_there = true;
	}
	potad_shadow_count_free(shadow);
}

/* In an interrupt: a block taken, and given back. */
static void interrupt(void *arg)
{
	struct cpu_state *from = arg;
	unsigned int order = from->ops % 4;
	u8 who = 100 + smp_processor_id();
	u64 granule;

	__atomic_fetch_add(&interrupts, 1, __ATOMIC_RELAXED);
	if (potad_cache_alloc(cache, order, POTAD_MOVABLE, false, &granule))
		return;
	potad_shadow_take(shadow, granule, 1ULL << order, who);
	potad_shadow_count_free(shadow);
	potad_shadow_give(shadow, granule, 1ULL << order, who);
	if (potad_cache_free(cache, granule, order, POTAD_MOVABLE))
		say("stress: a handler could not give its block back\n");
	potad_shadow_count_free(shadow);
}

static void do_look(struct cpu_state *me)
{
	struct potad_space_stat stat;
	struct potad_extent e;
	const struct block *b;
	u64 any = draw(me) % THIRD_END;

	potad_space_query(space, any, &e);
	potad_cache_has(cache, any);
	if (draw(me) % 8 == 0)
		potad_space_stat(space, &stat);
	if (!me->nr_blocks)
		return;
	b = &me->block[draw(me) % me->nr_blocks];
	if (b->order != RUN && (potad_space_query(space, b->first, &e) ||
				e.state != POTAD_ALLOCATED || e.first != b->first ||
				e.order != b->order))
		say("stress: block %llu of order %u is not what it was\n",
		    b->first, b->order);
}

static void do_call(struct cpu_state *me)
{
	unsigned int what = draw(me) % 200;

	me->ops++;
	world_enter();
	if (what < 88)
		do_alloc(me);
	else if (what < 164)
		do_free(me);
	else if (what < 170)
		do_bad_free(me);
	else if (what < 176)
		do_run(me);
	else if (what < 180)
		do_retire(me);
	else if (what < 183)
		do_restore(me);
	else if (what < 184)
		do_span(me);
	else if (what < 190)
		for (what = 0; what < 4; what++)
			smp_call_function_single(draw(me) % threads, interrupt, me, true);
	else if (what < 191)
		potad_cache_drain(cache);
	else if (what < 192)
		potad_host_shrink();
	else
		do_look(me);
	world_leave();
	if (what == 199 && me->cpu && draw(me) % 8 == 0) {
		potad_host_offline();
		potad_host_online(me->cpu);
		__atomic_fetch_add(&offlines, 1, __ATOMIC_RELAXED);
	}
}

/* --- rounds ----------------------------------------------------------------- */

static void compare(void)
{
	struct potad_space_stat stat;
	const char *invalid;

	potad_cache_drain(cache);
	invalid = potad_space_validate(space);
	if (invalid)
		say("stress: not valid: %s\n", invalid);
	potad_space_stat(space, &stat);
	if (!stat.pending && !stat.retired && stat.free != potad_shadow_free(shadow)) {
		say("stress: %llu granules are free, not %llu\n", stat.free,
		    potad_shadow_free(shadow));
		shadow->loss++;
	}
}

static u64 victim[VICTIMS];

/* All give the same blocks back, once each. */
static void free_together(struct cpu_state *me)
{
	static u64 went;
	static unsigned int nr;
	unsigned int i;

	if (!me->cpu) {
		went = 0;
		for (nr = 0; nr < VICTIMS; nr++)
			if (potad_space_alloc(space, nr % 4, POTAD_PINNED, &victim[nr]))
				break;
	}
	meet();
	for (i = 0; i < nr; i++)
		if (!potad_space_free(space, victim[i], i % 4))
			__atomic_fetch_add(&went, 1, __ATOMIC_RELAXED);
	meet();
	if (!me->cpu) {
		double_frees += nr * (threads - 1);
		if (went != nr)
			say("stress: %u blocks were freed %llu times\n", nr, went);
	}
}

static void *run(void *arg)
{
	struct cpu_state *me = arg;
	unsigned int i;

	if (me->cpu)
		potad_host_online(me->cpu);
	for (;;) {
		meet();
		if (last_round)
			break;
		/* While others begin: the third span, which is most often empty. */
		if (emptied)
			do_span(me);
		for (i = 0; i < OPS; i++)
			do_call(me);
		while (emptying && me->nr_blocks)
			do_free(me);
		while (me->nr_retired)
			do_restore(me);
		meet();
		free_together(me);
		/* CPU 0 goes on alone. */
		if (!me->cpu)
			return NULL;
	}
	while (me->nr_blocks)
		do_free(me);
	meet();
	if (me->cpu)
		potad_host_offline();
	return NULL;
}

static void create(void)
{
	space = potad_space_create_empty();
	if (!space || potad_space_add_span(space, 0, FIRST_END, true) ||
	    potad_space_add_span(space, SECOND, SECOND_END - SECOND, false))
		abort();
	cache = potad_cache_create(space);
	if (!cache)
		abort();
	shadow = potad_shadow_create(THIRD_END);
	potad_shadow_hide(shadow, FIRST_END, SECOND - FIRST_END, true);
	potad_shadow_hide(shadow, THIRD, THIRD_END - THIRD, true);
}

static void destroy(void)
{
	struct potad_space_stat stat;

	compare();
	potad_space_stat(space, &stat);
	if (stat.free != stat.total) {
		say("stress: %llu of %llu granules came back\n", stat.free, stat.total);
		shadow->loss++;
	}
	potad_cache_destroy(cache);
	potad_space_destroy(space);
	if (potad_host_allocations())
		say("stress: %ld pieces of memory were not freed\n",
		    potad_host_allocations());
}

int main(int argc, char **argv)
{
	u64 rounds = 0, ops = 0, seconds, seed, end;
	pthread_t thread[POTAD_HOST_CPUS];
	unsigned int cpu;
	bool well;

	if (argc != 4) {
		fprintf(stderr, "stress THREADS SECONDS SEED\n");
		return 2;
	}
	threads = strtoul(argv[1], NULL, 0);
	seconds = strtoull(argv[2], NULL, 0);
	seed = strtoull(argv[3], NULL, 0);
	if (!threads || threads > 16)
		return 2;
	potad_host_set_possible(threads);
	create();
	for (cpu = 0; cpu < threads; cpu++) {
		cpu_state[cpu].cpu = cpu;
		cpu_state[cpu].seed = seed * 64 + cpu;
		if (cpu && pthread_create(&thread[cpu], NULL, run, &cpu_state[cpu]))
			abort();
	}
	for (end = now() + seconds * 1000; now() < end; rounds++) {
		retiring = rounds % 2;
		emptied = emptying;
		emptying = rounds % 3 == 1;
		run(&cpu_state[0]);
		compare();
	}
	last_round = true;
	run(&cpu_state[0]);
	for (cpu = 1; cpu < threads; cpu++)
		pthread_join(thread[cpu], NULL);
	for (cpu = 0; cpu < threads; cpu++)
		ops += cpu_state[cpu].ops;
	destroy();
	printf("stress: %u threads, seed %llu: %llu rounds, %llu calls, %llu interrupts\n",
	       threads, seed, rounds, ops, interrupts);
	printf("stress: %llu double frees refused, %llu times a span went, %llu a CPU\n",
	       double_frees, spans_gone, offlines);
	well = potad_shadow_report(shadow, "stress");
	potad_shadow_destroy(shadow);
	if (wrong)
		printf("stress: %llu findings\n", wrong);
	return !well || wrong;
}

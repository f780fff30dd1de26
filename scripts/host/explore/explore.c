// SPDX-License-Identifier: GPL-2.0
/*
 * explore: what two or three CPUs do to one space, in every order.
 *
 *	explore [--bound N] [NAME-GLOB...]
 *	explore --replay NAME/BOUND/SCHEDULE
 *
 * These are the sources of the space themselves, not a model of them; each
 * scenario below is a few calls on each CPU, and is run once for each schedule
 * with up to so many preemptions (scheduler.h).  An oracle that knows nothing of
 * how a space works looks at what the calls returned:
 *
 * - a block that is handed out is aligned, lies inside, overlaps none that
 *   somebody has, and has no granule that was retired before;
 * - one's own block can be given back, and by two at once only once;
 * - "no such block" is said only if there was a moment during the call at which
 *   none was free: with all in use that somebody had, was just giving back or was
 *   just being given;
 * - in the end all is given back, the space is sound, and as large as it was.
 *
 * A schedule that breaks one of these, ends in a deadlock or a livelock, or
 * sleeps where it must not, is printed, and can be had again with --replay.
 */
#include "../include/primitives.h"

#include <fnmatch.h>
#include <time.h>

#include "../../../module/space/cache.h"
#include "../../../module/space/space.h"
#include "memory.h"
#include "scheduler.h"

#define GROUP		65536ULL
#define MAX_BLOCKS	32
#define MAX_RUNS	3000000		/* a scenario takes a minute at the most */
#define NEVER		INT_MAX

/*
 * A call: a letter and a number.
 *
 *	aK  take a block of order K		AK  the same through the cache
 *	pK  take a pinned one
 *	nN  take a run of N granules		NN  the same through the cache
 *	fI  give back the I-th one taken here	FI  the same through the cache
 *	xI  give back the I-th one of set-up	XI  the same through the cache
 *	rG  retire granule G			RG  the same through the cache
 *	uG  restore granule G			d0  drain the cache
 *	qG  query granule G			v0  validate	s0  count
 *	-0  remove the second span		+0  add it again
 */
struct scenario {
	const char	*name;
	u64		granules;	/* of the first span, which begins at 0 */
	unsigned int	bound;		/* preemptions */
	const char	*setup;		/* on CPU 0, before all else */
	struct script {
		const char	*calls;
		unsigned int	cpu;
		bool		interrupt;
	} script[3];
	struct span {
		u64	first, nr;
	} second;			/* if @nr is not 0 */
	bool		lazy;		/* populated on the way down */
};

static const struct scenario scenarios[] = {
	/* one group: its lock, the hints, the CPUs' homes */
	{ "alloc_vs_alloc", 4, 3, "", { { "a0 a1", 0 }, { "a0 a1", 1 } } },
	{ "alloc_vs_free", 2, 3, "a0 a0", { { "x0 a0 f0", 0 }, { "x1 a0 f0", 1 } } },
	{ "last_block", 256, 3, "a7", { { "a7 f0 a7", 0 }, { "x0 a7 f0", 1 } } },
	{ "merge_vs_split", 512, 3, "a0", { { "x0 a8 f0", 0 }, { "a0 f0 a8", 1 } } },
	{ "free_twice", 8, 3, "a1", { { "x0", 0 }, { "x0", 1 } } },
	{ "three_cpus", 2, 2, "a0", { { "a0 f0", 0 }, { "x0 a0", 1 }, { "a0 f0", 2 } } },
	{ "interrupt", 2, 3, "", { { "a0 f0 a0", 0 }, { "a0 f0", 0, true }, { "a0 f0", 1 } } },
	{ "two_kinds", 512, 2, "", { { "a0 a8 f0", 0 }, { "p0 a8 f0", 1 } } },

	{ "room_low_for_a_moment", 8, 3, "a2 a2", { { "a3", 0 }, { "x0 a2", 1 } } },

	/* two groups, and the tier above them: groups move */
	{ "group_taken_by_two", 2 * GROUP, 3, "", { { "a0", 0 }, { "a0", 1 } } },
	{ "group_raised_and_taken", 2 * GROUP, 2, "a0", { { "x0 a16", 0 }, { "a0 f0", 1 } } },
	{ "group_enough_for_both", 2 * GROUP, 2, "", { { "a15 f0 a15", 0 }, { "a16 f0", 1 } } },
	{ "groups_of_two", 2 * GROUP, 2, "a16", { { "x0 a16 f0", 0 }, { "a16 f0 a0", 1 } } },
	{ "last_group", 2 * GROUP, 2, "a16 a15", { { "x1 a16", 0 }, { "a15 f0", 1 } } },
	{ "whole_space", 2 * GROUP, 2, "a0", { { "x0 a17", 0 }, { "a17 f0 a17", 1 } } },
	{ "query_while_moving", 2 * GROUP, 2, "a0", { { "x0 a0", 0 }, { "q0 q65536 v0", 1 } } },

	{ "count_while_moving", 2 * GROUP, 2, "a0", { { "x0 a0", 0 }, { "s0", 1 } } },

	/* retired granules */
	{ "retire_vs_alloc", 2, 3, "", { { "r0 u0", 0 }, { "a0 a0 f0", 1 } } },
	{ "retire_vs_free", 4, 3, "a1", { { "r0 r1 u1", 0 }, { "x0 a1 a0", 1 } } },
	{ "retire_in_group", 2 * GROUP, 2, "a16", { { "r0", 0 }, { "x0 a0 a16", 1 } } },
	{ "retire_twice", 2, 3, "a0", { { "r0 u0", 0 }, { "r0 x0", 1 } } },

	/* caches */
	{ "cache_hits", 1024, 3, "", { { "A0 F0 A0", 0 }, { "A0 F0 A0", 1 } } },
	{ "cache_irq", 1024, 3, "", { { "A0 F0 A0", 0 }, { "A0 F0 A0", 0, true }, { "A0", 1 } } },
	{ "cache_tasks", 1024, 3, "", { { "A0 F0 A0", 0 }, { "A0 F0", 0 }, { "A0 F0", 1 } } },
	{ "cache_drain", 256, 3, "", { { "A0 F0 A0", 0 }, { "d0 A0", 1 } } },
	{ "cache_last", 128, 3, "a6 a5 a4 a3 a2 a1 a0", { { "A0 F0", 0 }, { "A0 F0", 1 } } },
	{ "cache_busy", 256, 2, "a7 a6 a5 a4 a3 a2 A0", { { "A0 A0", 0 }, { "A0", 1 } } },
	{ "cache_given_back", 256, 2, "a7 a6 a5 a4 a3 a2 A0", { { "d0", 0 }, { "A0", 1 } } },
	{ "cache_retire", 256, 3, "", { { "A0 F0 A0", 0 }, { "R0 u0", 1 } } },
	{ "cache_three", 128, 1, "", { { "A0 F0", 0 }, { "A0 F0", 0, true }, { "d0 A6", 1 } } },

	/* runs */
	{ "run_vs_alloc", 8, 2, "a0", { { "n3 f0", 0 }, { "x0 a2 a0", 1 } } },
	{ "run_vs_run", 8, 2, "", { { "n5 f0 n6", 0 }, { "n5 f0", 1 } } },
	{ "run_undone", 8, 2, "a0 a0 a0 a0 a0 a0 a0 a0 x1 x2 x3 x5 x6 x7",
	  { { "n3 f0", 0 }, { "a0 f0 a0", 1 } } },
	{ "run_stolen", 8, 2, "a0 a0 a0 a0 a0 a0 a0 a0 x1 x2 x3 x5 x6 x7",
	  { { "n3 f0", 0 }, { "a0", 1 } } },
	{ "run_in_groups", 2 * GROUP, 1, "", { { "n65600 f0", 0 }, { "a0 f0 a16", 1 } } },
	{ "run_of_cached", 128, 1, "a6 a5", { { "A0 F0", 0 }, { "N30 f0", 1 } } },

	{ "run_hole_moves", 512, 2, "p7 p7 a7 a7 x3", { { "n1", 0 }, { "x0 a7", 1 } } },

	/* spans that come and go, and groups that get their memory late */
	{ "span_goes", 2, 2, "", { { "-0", 0 }, { "a0 a0 a0 a0 f2", 1 } }, { 300, 2 } },
	{ "span_in_use", 2, 2, "a0 a0 a0", { { "-0 +0", 0 }, { "x2 a0 a0", 1 } }, { 300, 2 } },
	{ "span_of_one", 1, 2, "a0", { { "-0", 0 }, { "a0 x0 a0", 1 } }, { 7, 1 } },
	{ "lazy_groups", 2 * GROUP, 2, "", { { "a0 f0", 0 }, { "a0 f0", 1 } }, .lazy = true },
	{ "lazy_last", 2 * GROUP, 1, "a16", { { "a15 f0 a16", 0 }, { "a15", 1 } }, .lazy = true },
};

/* A block, from the call that took it to the one that gave it back. */
struct block {
	u64		first, nr;
	unsigned int	order;
	enum potad_mobility mobility;
	bool		run;
	bool		cached;		/* taken through the cache */
	int		asked, got;	/* when */
	int		given, gone;	/* NEVER: somebody has it */
	unsigned int	gives, given_back;	/* calls, and how many succeeded */
};

struct refusal {
	u64		nr;
	unsigned int	order;
	bool		run, cached;
	int		asked, refused;
};

struct retirement {
	u64		granule;
	int		asked, done, restored;
	int		was;
};

/* Granules that were free, as potad_space_stat() says. */
struct count {
	u64		free;
	int		asked, done;
};

/* What the calls of a run have said. */
static struct {
	int		clock;
	struct block	block[MAX_BLOCKS];
	struct refusal	refusal[MAX_BLOCKS];
	struct retirement retirement[MAX_BLOCKS];
	struct count	count[MAX_BLOCKS];
	unsigned int	nr_blocks, nr_refusals, nr_retirements, nr_counts;
	unsigned int	restored;	/* calls that succeeded */
	bool		cached;		/* the cache was used */
	struct block	removed;	/* the second span: @gone when it is back */
} log, log_copy;

static const struct scenario *scenario;
static struct potad_space *space;
static struct potad_cache __percpu *cache;
static struct potad_space_stat at_first;

static bool overlaps(const struct block *b, u64 first, u64 nr)
{
	return b->first < first + nr && first < b->first + b->nr;
}

static bool is_inside(const struct span *span, u64 first, u64 nr)
{
	return first >= span->first && nr <= span->nr && first - span->first <= span->nr - nr;
}

/* Looks at a block that has been handed out. */
static void check_block(const struct block *new)
{
	const struct span one = { 0, scenario->granules };
	unsigned int i;

	if (!is_inside(&one, new->first, new->nr) &&
	    !is_inside(&scenario->second, new->first, new->nr))
		scheduler_fail("%llu at %llu are outside", new->nr, new->first);
	if (overlaps(&log.removed, new->first, new->nr) && log.removed.got &&
	    log.removed.got < new->asked && log.removed.given == NEVER)
		scheduler_fail("%llu at %llu are in a span that was removed", new->nr,
			       new->first);
	if (!new->run && new->first & (new->nr - 1))
		scheduler_fail("%llu at %llu are not aligned", new->nr, new->first);
	for (i = 0; i < log.nr_blocks; i++) {
		const struct block *b = &log.block[i];

		if (b != new && b->got && b->given == NEVER && overlaps(b, new->first, new->nr))
			scheduler_fail("%llu at %llu overlap %llu at %llu, in use",
				       new->nr, new->first, b->nr, b->first);
	}
	for (i = 0; i < log.nr_retirements; i++) {
		const struct retirement *r = &log.retirement[i];

		if (overlaps(new, r->granule, 1) && r->was >= 0 && r->done < new->asked &&
		    r->restored == NEVER)
			scheduler_fail("%llu at %llu have granule %llu, retired before",
				       new->nr, new->first, r->granule);
	}
}

/* A call that takes a block: of order @n, or a run of @n granules. */
static int call_alloc(struct block *b, u64 n, bool wait)
{
	struct potad_run run = { .nr = n, .max = U64_MAX };
	int err;

	if (b->run) {
		b->nr = n;
		err = b->cached ? potad_cache_alloc_run(cache, &run) :
				  potad_space_alloc_run(space, &run);
		b->first = run.first;
		b->order = 0;
		return err;
	}
	b->nr = 1ULL << n;
	b->order = n;
	if (b->cached)
		return potad_cache_alloc(cache, n, b->mobility, wait, &b->first);
	return potad_space_alloc(space, n, b->mobility, &b->first);
}

static struct block *take(char call, u64 n)
{
	bool wait = scheduler_actor() == SCHEDULER_NOBODY || !in_hardirq();
	struct block *b, new = {
		.mobility = call == 'p' ? POTAD_PINNED : POTAD_MOVABLE,
		.run = call == 'n' || call == 'N',
		.cached = call == 'A' || call == 'N',
		.asked = ++log.clock, .given = NEVER, .gone = NEVER,
	};
	int err;

	log.cached |= new.cached;
	err = call_alloc(&new, n, wait);
	new.got = ++log.clock;
	scheduler_tell("%c%llu: %d, at %llu", call, n, err, new.first);
	if (err && err != -ENOSPC)
		scheduler_fail("%c%llu: error %d", call, n, err);
	/* Without waiting, some of it may be cached by others. */
	if (err && (!new.cached || wait))
		log.refusal[log.nr_refusals++] = (struct refusal){
			.nr = new.nr, .order = new.order, .run = new.run,
			.asked = new.asked, .refused = new.got, .cached = new.cached,
		};
	if (err)
		return NULL;
	b = &log.block[log.nr_blocks++];
	*b = new;
	check_block(b);
	return b;
}

static void give(struct block *b, bool cached)
{
	int err;

	if (!b)
		return;
	if (b->given == NEVER)
		b->given = ++log.clock;
	b->gives++;
	if (b->run)
		err = potad_space_free_run(space, b->first, b->nr);
	else if (cached)
		err = potad_cache_free(cache, b->first, b->order, b->mobility);
	else
		err = potad_space_free(space, b->first, b->order);
	log.cached |= cached;
	scheduler_tell("free of %llu at %llu: %d", b->nr, b->first, err);
	if (!err) {
		b->given_back++;
		b->gone = ++log.clock;
	} else if (b->gives == 1) {
		scheduler_fail("free of %llu at %llu: error %d", b->nr, b->first, err);
	}
}

static void remove_span(void)
{
	struct block *r = &log.removed;
	unsigned int i;
	int err;

	*r = (struct block){
		.first = scenario->second.first, .nr = scenario->second.nr,
		.asked = ++log.clock, .given = NEVER, .gone = NEVER,
	};
	err = potad_space_remove_span(space, r->first);
	scheduler_tell("the span is removed: %d", err);
	if (err) {
		if (err != -EBUSY)
			scheduler_fail("a span is removed: error %d", err);
		*r = (struct block){ };
		return;
	}
	r->got = ++log.clock;
	for (i = 0; i < log.nr_blocks; i++) {
		const struct block *b = &log.block[i];

		if (b->given == NEVER && overlaps(b, r->first, r->nr))
			scheduler_fail("a span is removed, and somebody has %llu at %llu of it",
				       b->nr, b->first);
	}
}

static void add_span(void)
{
	struct block *r = &log.removed;
	int err;

	if (!r->got)
		return;
	r->given = ++log.clock;
	err = potad_space_add_span(space, r->first, r->nr, !scenario->lazy);
	scheduler_tell("the span is added: %d", err);
	if (err)
		scheduler_fail("a span is added: error %d", err);
	r->gone = ++log.clock;
}

static void retire(u64 granule, bool cached)
{
	struct retirement *r = &log.retirement[log.nr_retirements++];
	unsigned int i;

	*r = (struct retirement){ granule, ++log.clock, NEVER, NEVER, -1 };
	if (cached)
		r->was = potad_cache_retire(cache, granule);
	else
		r->was = potad_space_retire(space, granule);
	log.cached |= cached;
	r->done = ++log.clock;
	scheduler_tell("granule %llu retires: %d", granule, r->was);
	if (r->was < 0 && r->was != -EHWPOISON)
		scheduler_fail("granule %llu retires: error %d", granule, r->was);
	for (i = 0; i < log.nr_blocks; i++) {
		const struct block *b = &log.block[i];

		if (r->was == POTAD_FREE && overlaps(b, granule, 1) && b->got < r->asked &&
		    b->given == NEVER)
			scheduler_fail("granule %llu was free, it says, and somebody has it",
				       granule);
	}
}

static void restore(u64 granule)
{
	unsigned int i;
	int err;

	/* From now on it may be handed out: not when that has succeeded. */
	for (i = 0; i < log.nr_retirements; i++)
		if (log.retirement[i].granule == granule && log.retirement[i].restored == NEVER)
			log.retirement[i].restored = ++log.clock;
	err = potad_space_restore(space, granule);
	scheduler_tell("granule %llu is restored: %d", granule, err);
	if (!err)
		log.restored++;
	else if (err != -EINVAL)
		scheduler_fail("granule %llu is restored: error %d", granule, err);
}

static void query(u64 granule)
{
	struct potad_extent e;
	int err = potad_space_query(space, granule, &e);

	if (err == -ERANGE && log.removed.asked)
		return;
	if (err || e.first > granule || granule - e.first >= 1ULL << e.order)
		scheduler_fail("granule %llu: %d, order %u at %llu", granule, err, e.order,
			       e.first);
}

static void validate(void)
{
	const char *wrong = potad_space_validate(space);

	if (wrong)
		scheduler_fail("not sound: %s", wrong);
}

static void count(void)
{
	struct count *c = &log.count[log.nr_counts++];
	struct potad_space_stat stat;

	c->asked = ++log.clock;
	potad_space_stat(space, &stat);
	c->done = ++log.clock;
	c->free = stat.free;
	scheduler_tell("%llu are free", c->free);
}

static void run_script(void *arg)
{
	struct block *own[16] = { };
	const char *call = arg;
	unsigned int nr = 0;
	char *end;

	for (; *call; call = end + (*end == ' ')) {
		u64 n = strtoull(call + 1, &end, 10);

		switch (*call) {
		case 'a':
		case 'A':
		case 'p':
		case 'n':
		case 'N':
			own[nr++] = take(*call, n);
			break;
		case 'f':
		case 'F':
			give(own[n], *call == 'F');
			break;
		case 'x':
		case 'X':
			give(&log.block[n], *call == 'X');
			break;
		case 'r':
		case 'R':
			retire(n, *call == 'R');
			break;
		case 'u':
			restore(n);
			break;
		case 'd':
			potad_cache_drain(cache);
			break;
		case '-':
			remove_span();
			break;
		case '+':
			add_span();
			break;
		case 'q':
			query(n);
			break;
		case 'v':
			validate();
			break;
		case 's':
			count();
			break;
		default:
			scheduler_fail("no such call: %s", call);
		}
	}
}

/* Could somebody have had a part of this between times @t and @t + 1? */
static bool in_use(u64 first, u64 nr, int t)
{
	unsigned int i;

	for (i = 0; i < log.nr_blocks; i++)
		if (overlaps(&log.block[i], first, nr) && log.block[i].asked <= t &&
		    t < log.block[i].gone)
			return true;
	for (i = 0; i < log.nr_retirements; i++)
		if (log.retirement[i].granule - first < nr && log.retirement[i].asked <= t)
			return true;
	return log.removed.asked && overlaps(&log.removed, first, nr) &&
	       log.removed.asked <= t && t < log.removed.gone;
}

/* Was there a free block of @order of a span, in the one of order @k at @first? */
static bool was_free(const struct span *span, u64 first, unsigned int k, unsigned int order,
		     int t)
{
	if (first >= span->first + span->nr || first + (1ULL << k) <= span->first)
		return false;
	if (is_inside(span, first, 1ULL << k) && !in_use(first, 1ULL << k, t))
		return true;
	return k > order && (was_free(span, first, k - 1, order, t) ||
			     was_free(span, first + (1ULL << (k - 1)), k - 1, order, t));
}

static bool was_free_run(const struct span *span, u64 nr, int t)
{
	u64 first;

	for (first = span->first; is_inside(span, first, nr); first++)
		if (!in_use(first, nr, t))
			return true;
	return false;
}

/* There must have been a moment at which there was none. */
static void check_refusal(const struct refusal *r)
{
	const struct span one = { 0, scenario->granules };
	int t;

	/* What is cached by others cannot be had from the space. */
	if (log.cached && !r->cached)
		return;
	for (t = r->asked; t < r->refused; t++) {
		if (r->run && !was_free_run(&one, r->nr, t) &&
		    !was_free_run(&scenario->second, r->nr, t))
			return;
		if (!r->run && !was_free(&one, 0, 18, r->order, t) &&
		    !was_free(&scenario->second, 0, 18, r->order, t))
			return;
	}
	scheduler_fail("%llu granules were refused, and free at each moment", r->nr);
}

/* All that nobody can have had is free, nothing that somebody has had all the time. */
static void check_count(const struct count *c)
{
	u64 least = scenario->granules + scenario->second.nr, most = least;
	unsigned int i;

	for (i = 0; i < log.nr_blocks; i++) {
		const struct block *b = &log.block[i];

		if (b->got < c->asked && b->given > c->done)
			most -= b->nr;
		if (b->asked < c->done && b->gone > c->asked)
			least -= b->nr;
	}
	if (c->free < least || c->free > most)
		scheduler_fail("%llu were counted as free, of %llu to %llu", c->free, least, most);
}

/* Gives everything back, and looks at what is left. */
static void check_end(void)
{
	static struct potad_space_stat stat;
	u64 retired = 0;
	unsigned int i;

	for (i = 0; i < log.nr_blocks; i++)
		if (log.block[i].gives && log.block[i].given_back != 1)
			scheduler_fail("%llu at %llu were given back %u times",
				       log.block[i].nr, log.block[i].first,
				       log.block[i].given_back);
	for (i = 0; i < log.nr_refusals; i++)
		check_refusal(&log.refusal[i]);
	for (i = 0; i < log.nr_counts; i++)
		check_count(&log.count[i]);

	for (i = 0; i < log.nr_blocks; i++)
		if (!log.block[i].gives)
			give(&log.block[i], log.block[i].cached);
	if (log.cached)
		potad_cache_drain(cache);
	validate();
	for (i = 0; i < log.nr_retirements; i++) {
		const struct retirement *r = &log.retirement[i];
		struct potad_extent e;

		if (r->was < 0)
			continue;
		retired++;
		potad_space_query(space, r->granule, &e);
		if (e.state != POTAD_RETIRED && r->restored == NEVER)
			scheduler_fail("granule %llu was retired, and is not", r->granule);
	}
	retired -= log.restored;
	potad_space_stat(space, &stat);
	if (stat.allocated || stat.pending || stat.retired != retired ||
	    stat.free != stat.total - retired)
		scheduler_fail("in the end %llu free, %llu allocated, %llu retired, %llu pending",
			       stat.free, stat.allocated, stat.retired, stat.pending);
	if (!retired && (!log.removed.got || log.removed.gone != NEVER) &&
	    memcmp(stat.blocks, at_first.blocks, sizeof(stat.blocks)))
		scheduler_fail("in the end it is not merged as it was");
}

static void set_up(void)
{
	scheduler_first(0);
	scheduler_forget();
	memory_empty();
	memset(&log, 0, sizeof(log));
	scheduler_reset();
	scheduler_be_cpu(0);
	space = potad_space_create_empty();
	if (IS_ERR(space) ||
	    potad_space_add_span(space, 0, scenario->granules, !scenario->lazy) ||
	    (scenario->second.nr &&
	     potad_space_add_span(space, scenario->second.first, scenario->second.nr,
				  !scenario->lazy)))
		scheduler_fail("no space");
	cache = potad_cache_create(space);
	if (!cache)
		scheduler_fail("no cache");
	potad_space_stat(space, &at_first);
	run_script((void *)scenario->setup);
	log.nr_refusals = 0;
	log_copy = log;
	memory_keep();
}

static bool run_once(void)
{
	unsigned int i;

	memory_restore();
	log = log_copy;
	scheduler_reset();
	for (i = 0; i < ARRAY_SIZE(scenario->script) && scenario->script[i].calls; i++)
		scheduler_add(scenario->script[i].cpu, scenario->script[i].interrupt, run_script,
			      (void *)scenario->script[i].calls);
	if (scheduler_run())
		check_end();
	return !scheduler_failure();
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static unsigned long long all_runs;

/* All schedules, those with fewer preemptions first. */
static bool explore(unsigned int bound)
{
	double began = seconds();
	unsigned int b;

	set_up();
	for (b = 0; b <= bound && !scheduler_failure(); b++) {
		/* What is shared is learnt on the way: then once more. */
		do {
			scheduler_first(b);
			while (run_once() && !scheduler_learnt() && scheduler_next()) {
				if (scheduler_runs < MAX_RUNS)
					continue;
				scheduler_fail("too many schedules: a smaller bound, please");
				break;
			}
		} while (!scheduler_failure() && scheduler_learnt());
	}
	printf("    # %s: %llu schedules of at most %u points, up to %u preemptions, %.1f s\n",
	       scenario->name, scheduler_runs, scheduler_points, b - 1, seconds() - began);
	all_runs += scheduler_runs;
	if (!scheduler_failure())
		return true;
	printf("    # %s: %s\n    # --replay %s/%u/%s\n", scenario->name, scheduler_failure(),
	       scenario->name, b - 1, scheduler_schedule());
	return false;
}

static int replay(const char *what)
{
	char name[64], schedule[8192];
	unsigned int bound, i;

	*schedule = 0;
	if (sscanf(what, "%63[^/]/%u/%8191s", name, &bound, schedule) < 2) {
		fprintf(stderr, "explore: NAME/BOUND/SCHEDULE, please\n");
		return 2;
	}
	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (strcmp(scenarios[i].name, name))
			continue;
		scenario = &scenarios[i];
		set_up();
		scheduler_first(bound);
		if (!scheduler_replay(schedule)) {
			fprintf(stderr, "explore: what schedule is this? %s\n", schedule);
			return 2;
		}
		scheduler_trace(getenv("EXPLORE_ALL") ? 2 : 1);
		run_once();
		printf("# %s\n", scheduler_failure() ?: "nothing is wrong");
		return !!scheduler_failure();
	}
	fprintf(stderr, "explore: no scenario %s\n", name);
	return 2;
}

/* "explore." may stand before a name. */
static bool selected(const struct scenario *s, char **globs)
{
	char name[128];

	if (!*globs)
		return true;
	snprintf(name, sizeof(name), "explore.%s", s->name);
	for (; *globs; globs++)
		if (!fnmatch(*globs, name, 0) || !fnmatch(*globs, s->name, 0))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int i, nr = 0, failed = 0, bound = 0;
	double began = seconds();
	char **globs = argv + 1;
	bool ok;

	setlinebuf(stdout);
	if (argc == 3 && !strcmp(argv[1], "--replay"))
		return replay(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "--bound")) {
		bound = atoi(argv[2]);
		globs += 2;
	}
	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		nr += selected(&scenarios[i], globs);
	printf("KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: explore\n    1..%u\n", nr);
	for (i = 0, nr = 0; i < ARRAY_SIZE(scenarios); i++) {
		scenario = &scenarios[i];
		if (!selected(scenario, globs))
			continue;
		ok = explore(bound ?: scenario->bound);
		failed += !ok;
		printf("    %sok %u %s\n", ok ? "" : "not ", ++nr, scenario->name);
	}
	printf("%sok 1 explore\n# %u scenarios, %llu schedules, %u failed, %.0f s\n",
	       failed ? "not " : "", nr, all_runs, failed, seconds() - began);
	return failed || !nr;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * space-bench: how long the space takes, beside others, in user space.
 *
 *	space-bench --all --json out/space-bench.json
 *	space-bench --workload churn --size 64G --granule 512 --threads 2
 *
 * Subjects take turns within a run (A B A B ...), each after a round that does
 * not count; threads are pinned; the clock is read around many operations.  A
 * table says for each subject the median, the least and the 99th percentile over
 * the rounds, in nanoseconds per operation (pair, churn, mixed, cross: one
 * allocation and one free), and the median as a multiple of the harness alone.
 *
 * With --check, an oracle (shadow.h) watches all subjects but the empty one: times
 * mean nothing then, and the exit status is 1 if anything was wrong.
 */
#include <linux/smp.h>
#include <linux/types.h>

#include <getopt.h>
#include <pthread.h>
#include <unistd.h>

#include "study.h"
#include "workload.h"

#define MAX_SUBJECTS		4
#define MAX_ROUNDS		1000

static struct {
	const char	*workload;
	const char	*subject;
	unsigned int	order;
	unsigned int	threads;
	unsigned int	rounds;
	u64		bytes;
	u64		granule;
	u64		unit;
	u64		ops;
	u64		seed;
	bool		all;
	bool		check;
	bool		realtime;
} opt = {
	.threads = 1, .rounds = 9, .bytes = 16ULL << 30, .granule = 4096,
	.unit = 4096, .ops = 1 << 19, .seed = 1,
};

static FILE *json;
static bool json_first = true, all_well = true;

/* --- output ----------------------------------------------------------------- */

static void json_next(void)
{
	fprintf(json, "%s\n  ", json_first ? "[" : ",");
	json_first = false;
}

void json_figure(const char *study, const char *subject, const char *what,
		 u64 granule, double value, const char *unit)
{
	if (!json)
		return;
	json_next();
	fprintf(json,
		"{\"subject\": \"%s\", \"workload\": \"%s\", \"what\": \"%s\", \"granule\": %llu, \"value\": %.3f, \"unit\": \"%s\"}",
		subject, study, what, granule, value, unit);
}

struct figures {
	double median, least, p99;
};

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct figures figures_of(double *ns, unsigned int nr)
{
	qsort(ns, nr, sizeof(*ns), compare_double);
	return (struct figures){
		.median = nr % 2 ? ns[nr / 2] : (ns[nr / 2 - 1] + ns[nr / 2]) / 2,
		.least = ns[0],
		.p99 = ns[(nr - 1) * 99 / 100],
	};
}

static void print_heading(void)
{
	printf("%-11s %-5s %5s %7s %7s %6s  %-6s %8s %8s %8s %7s\n", "workload",
	       "phase", "order", "granule", "size", "cpus", "subject", "ns", "min",
	       "p99", "x empty");
}

static void print_row(enum workload w, unsigned int phase, unsigned int order,
		      const struct shape *shape, const char *subject,
		      struct figures f, double empty)
{
	char size[16], orders[16];

	snprintf(size, sizeof(size), "%lluM", shape->bytes >> 20);
	if (!(shape->bytes & ((1ULL << 30) - 1)))
		snprintf(size, sizeof(size), "%lluG", shape->bytes >> 30);
	snprintf(orders, sizeof(orders), w == MIXED ? "0-10" : "%u", order);
	printf("%-11s %-5s %5s %7llu %7s %6u  %-6s %8.1f %8.1f %8.1f ",
	       workload_names[w], phase_name(w, phase), orders, shape->granule,
	       size, shape->threads, subject, f.median, f.least, f.p99);
	if (empty > 0)
		printf("%7.1f\n", f.median / empty);
	else
		printf("%7s\n", "-");
	if (!json)
		return;
	json_next();
	fprintf(json,
		"{\"subject\": \"%s\", \"workload\": \"%s\", \"phase\": \"%s\", \"order\": \"%s\", \"cpus\": %u, \"described\": false, \"granule\": %llu, \"unit\": %llu, \"size\": %llu, \"ns\": {\"median\": %.2f, \"min\": %.2f, \"p99\": %.2f}, \"rounds\": %u, \"seed\": %llu}",
		subject, workload_names[w], phase_name(w, phase), orders,
		shape->threads, shape->granule, shape->granule << shape->unit,
		shape->bytes, f.median, f.least, f.p99, opt.rounds, opt.seed);
}

/* --- threads ---------------------------------------------------------------- */

/* What the threads are to do next. */
static struct team {
	struct meeting	meeting;	/* while they work */
	pthread_barrier_t gate;		/* before and after */
	void		(*run)(struct job *job);
	struct job	*jobs;		/* one for each thread */
	pthread_t	thread[POTAD_HOST_CPUS];
	unsigned int	threads;
} team;

static void pin(unsigned int cpu)
{
	struct sched_param param = { .sched_priority = 1 };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % cores, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("space-bench: sched_setaffinity");
	if (opt.realtime && sched_setscheduler(0, SCHED_FIFO, &param))
		perror("space-bench: sched_setscheduler");
}

static void *member(void *arg)
{
	unsigned int cpu = (uintptr_t)arg;

	pin(cpu);
	potad_host_online(cpu);
	for (;;) {
		pthread_barrier_wait(&team.gate);
		if (!team.run)
			break;
		team.run(&team.jobs[cpu]);
		pthread_barrier_wait(&team.gate);
	}
	potad_host_offline();
	return NULL;
}

static void team_start(unsigned int threads)
{
	unsigned int cpu;

	team.threads = threads;
	team.meeting = (struct meeting){ .threads = threads };
	pthread_barrier_init(&team.gate, NULL, threads);
	for (cpu = 1; cpu < threads; cpu++)
		if (pthread_create(&team.thread[cpu], NULL, member,
				   (void *)(uintptr_t)cpu))
			abort();
}

/* All do the same, each its own job; returns when all are done. */
static void team_run(void (*run)(struct job *job), struct job *jobs)
{
	team.run = run;
	team.jobs = jobs;
	pthread_barrier_wait(&team.gate);
	run(&jobs[0]);
	pthread_barrier_wait(&team.gate);
}

static void team_stop(void)
{
	unsigned int cpu;

	team.run = NULL;
	pthread_barrier_wait(&team.gate);
	for (cpu = 1; cpu < team.threads; cpu++)
		pthread_join(team.thread[cpu], NULL);
	pthread_barrier_destroy(&team.gate);
}

/* --- runs ------------------------------------------------------------------- */

/* A subject's part in a run. */
struct turn {
	const struct subject *subject, *does;	/* does: it, or the oracle */
	struct instance	*me;
	struct job	*jobs;
	double		ns[MAX_PHASES][MAX_ROUNDS];
};

/* How many blocks a thread has when it is full. */
static u64 want_of(enum workload w, const struct shape *shape, unsigned int order)
{
	u64 granules = shape->granules / shape->threads;
	double mean = 0, weight = 0;
	unsigned int k;

	switch (w) {
	case BULK:
	case RANDOM_FREE:
		return granules / 8 * 7 >> order;
	case CHURN:
		return granules / 2 >> order;
	case MIXED:
		/* As many bytes of each order: 2^-k times as many blocks. */
		for (k = 0; k < MIXED_ORDERS; k++) {
			weight += 1.0 / (1 << k);
			mean += 1.0;
		}
		return (granules >> shape->unit) / (2 * mean / weight);
	default:
		return 1;
	}
}

/* An order, 2^-k times as often as order 0. */
static unsigned int draw_order(u64 *seed)
{
	unsigned int k;

	do
		k = __builtin_ctzll(draw(seed) | 1ULL << 63);
	while (k >= MIXED_ORDERS);
	return k;
}

static void jobs_create(struct turn *turn, enum workload w, const struct shape *shape,
			unsigned int order, struct ring *ring)
{
	u64 seed = opt.seed, want = want_of(w, shape, order), i;
	unsigned int cpu;

	if (shape->granules >> shape->unit > MAX_KEPT_UNITS ||
	    order > shape->unit + MAX_KEPT_ORDER) {
		fprintf(stderr, "space-bench: no workload has so many blocks, or so large ones\n");
		exit(2);
	}
	turn->jobs = calloc(shape->threads, sizeof(*turn->jobs));
	if (!turn->jobs)
		abort();
	for (cpu = 0; cpu < shape->threads; cpu++) {
		struct job *job = &turn->jobs[cpu];

		*job = (struct job){
			.me = turn->me, .cpu = cpu, .order = order,
			.ops = opt.ops, .want = want, .ring = ring,
			.meeting = &team.meeting,
			.block = calloc(want, sizeof(u32)),
			.index = calloc(opt.ops, sizeof(u32)),
			.orders = calloc(opt.ops, 1),
		};
		if (!job->block || !job->index || !job->orders)
			abort();
		for (i = 0; i < opt.ops; i++) {
			job->index[i] = draw(&seed) % want;
			job->orders[i] = draw_order(&seed);
		}
	}
}

static void jobs_destroy(struct turn *turn, unsigned int threads)
{
	unsigned int cpu;

	for (cpu = 0; cpu < threads; cpu++) {
		free(turn->jobs[cpu].block);
		free(turn->jobs[cpu].index);
		free(turn->jobs[cpu].orders);
	}
	free(turn->jobs);
}

/* Each thread gives back what it has. */
static void give_all(struct job *job)
{
	struct instance *me = job->me;
	const struct subject *s = me->shadow ? &watched : me->is;
	u64 i;

	for (i = 0; i < job->nr; i++)
		if (job->block[i] != NONE)
			s->free(me, kept_granule(&me->shape, job->block[i]),
				kept_order(&me->shape, job->block[i]), POTAD_MOVABLE);
	job->nr = 0;
}

static void turn_end(struct turn *turn, const struct shape *shape, enum workload w)
{
	unsigned int cpu;
	u64 refused = 0;

	for (cpu = 0; cpu < shape->threads; cpu++)
		refused += turn->jobs[cpu].refused;
	if (w == MIXED) {
		study_whole(turn->jobs, shape, turn->subject->name, refused);
	} else if (refused) {
		/* Never more than seven eighths are out, and all of one order. */
		printf("%s: %s: %llu requests were refused though there was room\n",
		       workload_names[w], turn->subject->name, refused);
		all_well = false;
	}
	team_run(give_all, turn->jobs);
	jobs_destroy(turn, shape->threads);
	if (turn->does == &watched)
		all_well &= watched_destroy(turn->me);
	else
		instance_destroy(turn->subject, turn->me);
}

static void turn_round(struct turn *turn, enum workload w, int round)
{
	unsigned int phase, cpu;

	team_run(turn->does->run[w], turn->jobs);
	for (phase = 0; phase < MAX_PHASES && round >= 0; phase++) {
		u64 ns = 0, done = 0;

		for (cpu = 0; cpu < team.threads; cpu++) {
			ns += turn->jobs[cpu].ns[phase];
			done += turn->jobs[cpu].done[phase];
		}
		turn->ns[phase][round] = done ? (double)ns / done : 0;
	}
}

static bool takes_part(const struct subject *s, unsigned int order,
		       const struct shape *shape)
{
	if (opt.subject && strcmp(opt.subject, s->name) &&
	    strcmp("empty", s->name))
		return false;
	if (opt.check && !strcmp("empty", s->name))
		return false;
	return strcmp("list", s->name) || order <= BUDDY_MAX_ORDER + shape->unit;
}

static void run_workload(enum workload w, unsigned int order, unsigned int threads,
			 u64 bytes, u64 granule)
{
	struct shape shape = {
		.bytes = bytes, .granule = granule, .granules = bytes / granule,
		.unit = opt.unit > granule ? ilog2(opt.unit / granule) : 0,
		.threads = threads,
	};
	static struct turn turns[MAX_SUBJECTS];
	unsigned int nr = 0, i, phase;
	const struct subject *s;
	struct ring *ring;
	int round;

	ring = aligned_alloc(64, sizeof(*ring));
	if (!ring)
		abort();
	order += shape.unit;
	team_start(threads);
	for (s = subjects; s->name; s++) {
		struct turn *turn = &turns[nr];

		if (!takes_part(s, order, &shape))
			continue;
		turn->subject = s;
		turn->does = opt.check ? &watched : s;
		turn->me = opt.check ? watched_create(s, &shape) :
				       instance_create(s, &shape);
		jobs_create(turn, w, &shape, order, ring);
		nr++;
	}
	for (round = -1; round < (int)opt.rounds; round++)
		for (i = 0; i < nr; i++)
			turn_round(&turns[i], w, round);
	for (phase = 0; phase < MAX_PHASES && phase_name(w, phase); phase++) {
		double empty = 0;

		for (i = 0; i < nr; i++) {
			struct figures f = figures_of(turns[i].ns[phase], opt.rounds);

			if (!strcmp(turns[i].subject->name, "empty"))
				empty = f.median;
			print_row(w, phase, order - shape.unit, &shape,
				  turns[i].subject->name, f, empty);
		}
	}
	fflush(stdout);
	for (i = 0; i < nr; i++)
		turn_end(&turns[i], &shape, w);
	team_stop();
	free(ring);
}

static struct shape shape_of(u64 bytes, u64 granule)
{
	return (struct shape){
		.bytes = bytes, .granule = granule, .granules = bytes / granule,
		.unit = opt.unit > granule ? ilog2(opt.unit / granule) : 0,
		.threads = 1,
	};
}

static void run_fragmentation(u64 bytes, u64 granule)
{
	struct shape shape = shape_of(bytes, granule);
	const struct subject *s;

	for (s = subjects; s->name; s++)
		if (strcmp(s->name, "empty"))
			study_fragmentation(s, &shape, 100, opt.seed);
}

static void run_size(void)
{
	struct shape shape = shape_of(16ULL << 30, opt.granule);
	u64 bytes;

	for (bytes = 1ULL << 30; bytes <= 64ULL << 30; bytes <<= 6)
		run_workload(CHURN, 0, 1, bytes, opt.granule);
	study_blocks(&shape, opt.ops, opt.seed);
}

static void run_all(void)
{
	static const u64 granules[] = { 4096, 512 };
	unsigned int threads, g;

	for (g = 0; g < ARRAY_SIZE(granules); g++) {
		for (threads = 1; threads <= 2; threads++) {
			run_workload(PAIR, 0, threads, opt.bytes, granules[g]);
			run_workload(PAIR, 9, threads, opt.bytes, granules[g]);
			run_workload(BULK, 0, threads, opt.bytes, granules[g]);
			run_workload(BULK, 9, threads, opt.bytes, granules[g]);
			run_workload(RANDOM_FREE, 0, threads, opt.bytes, granules[g]);
			run_workload(CHURN, 0, threads, opt.bytes, granules[g]);
			run_workload(MIXED, 0, threads, opt.bytes, granules[g]);
		}
		run_workload(CROSS, 0, 2, opt.bytes, granules[g]);
	}
	run_size();
	for (g = 0; g < ARRAY_SIZE(granules); g++)
		run_fragmentation(8ULL << 30, granules[g]);
	{
		struct shape shape = shape_of(opt.bytes, 4096);

		study_grouping(&shape, 40000000, opt.seed);
	}
	all_well &= study_big();
}

/* --- the command line ------------------------------------------------------- */

static const struct option options[] = {
	{ "workload", required_argument, NULL, 'w' },
	{ "subject", required_argument, NULL, 'S' },
	{ "order", required_argument, NULL, 'o' },
	{ "threads", required_argument, NULL, 't' },
	{ "size", required_argument, NULL, 's' },
	{ "granule", required_argument, NULL, 'g' },
	{ "unit", required_argument, NULL, 'u' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "ops", required_argument, NULL, 'n' },
	{ "seed", required_argument, NULL, 'x' },
	{ "json", required_argument, NULL, 'j' },
	{ "all", no_argument, NULL, 'a' },
	{ "check", no_argument, NULL, 'c' },
	{ "realtime", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static const char usage[] =
"space-bench --all | --workload NAME  [options]\n"
"\n"
"  --workload NAME   pair bulk random-free churn mixed cross,\n"
"                    size (churn over 1 GiB, 64 GiB; few, many free blocks),\n"
"                    fragmentation, grouping, big\n"
"  --subject NAME    only that one (and empty): potad space list\n"
"  --order K         of the blocks, order 0 being one unit    0\n"
"  --unit BYTES      what order 0 stands for                  4K\n"
"  --threads N                                                1\n"
"  --size BYTES      16G, 1.5T ...                            16G\n"
"  --granule BYTES   a power of two from 512 to 2M            4K\n"
"  --rounds N                                                 9\n"
"  --ops N           operations a thread and round            512K\n"
"  --seed N                                                   1\n"
"  --json FILE       the figures again\n"
"  --check           the oracle watches: exit status 1 if wrong\n"
"  --realtime        SCHED_FIFO\n";

static void __noreturn die(const char *what, const char *which)
{
	fprintf(stderr, "space-bench: %s: %s\n", what, which);
	exit(2);
}

/* 4096, 4K, 1.5T */
static u64 bytes_of(const char *text)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	double value = strtod(text, &end);

	if (end == text || value < 0)
		die("not a number", text);
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			die("not a number", text);
		value *= (double)(1ULL << (10 * (unit - units + 1)));
	}
	return value;
}

static u64 count_of(const char *text, u64 least, u64 most)
{
	u64 value = bytes_of(text);

	if (value < least || value > most)
		die("out of range", text);
	return value;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			opt.workload = optarg;
			break;
		case 'S':
			opt.subject = optarg;
			break;
		case 'o':
			opt.order = count_of(optarg, 0, POTAD_MAX_ORDER);
			break;
		case 't':
			opt.threads = count_of(optarg, 1, POTAD_HOST_CPUS);
			break;
		case 's':
			opt.bytes = count_of(optarg, 1 << 20, 1ULL << 60);
			break;
		case 'g':
			opt.granule = count_of(optarg, 512, 2 << 20);
			break;
		case 'u':
			opt.unit = count_of(optarg, 512, 2 << 20);
			break;
		case 'r':
			opt.rounds = count_of(optarg, 1, MAX_ROUNDS);
			break;
		case 'n':
			opt.ops = count_of(optarg, 1, 1 << 30);
			break;
		case 'x':
			opt.seed = count_of(optarg, 0, 1ULL << 50);
			break;
		case 'j':
			json = fopen(optarg, "w");
			if (!json)
				die("cannot be written", optarg);
			break;
		case 'a':
			opt.all = true;
			break;
		case 'c':
			opt.check = true;
			break;
		case 'R':
			opt.realtime = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc || opt.all == !!opt.workload) {
		fputs(usage, stderr);
		exit(2);
	}
	if (!is_power_of_2(opt.granule) || !is_power_of_2(opt.unit))
		die("not a power of two", "granule or unit");
	if (opt.subject && !subject_named(opt.subject))
		die("no such subject", opt.subject);
}

static void run_one(const char *name)
{
	struct shape shape = shape_of(opt.bytes, opt.granule);
	unsigned int w;

	if (!strcmp(name, "size")) {
		run_size();
	} else if (!strcmp(name, "fragmentation")) {
		run_fragmentation(opt.bytes, opt.granule);
	} else if (!strcmp(name, "grouping")) {
		study_grouping(&shape, opt.ops * 40, opt.seed);
	} else if (!strcmp(name, "big")) {
		all_well &= study_big();
	} else {
		for (w = 0; w < NR_WORKLOADS; w++)
			if (!strcmp(name, workload_names[w]))
				break;
		if (w == NR_WORKLOADS)
			die("no such workload", name);
		if (w == CROSS && opt.threads < 2)
			opt.threads = 2;
		run_workload(w, opt.order, opt.threads, opt.bytes, opt.granule);
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	potad_host_set_possible(max(opt.threads, 2U));
	pin(0);
	print_heading();
	if (opt.all)
		run_all();
	else
		run_one(opt.workload);
	if (json) {
		fprintf(json, "%s\n]\n", json_first ? "[" : "");
		fclose(json);
	}
	if (opt.check)
		printf("check: %s\n", all_well ? "nothing wrong" : "WRONG");
	return !all_well;
}

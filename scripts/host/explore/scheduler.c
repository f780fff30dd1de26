// SPDX-License-Identifier: GPL-2.0
/* The scheduler of the explorer; what it does is told in scheduler.h. */
#include "../include/primitives.h"

#include <sys/mman.h>
#include <ucontext.h>

#include "memory.h"
#include "scheduler.h"

#define STACK		(256 << 10)
#define MAX_CHOICES	65536
#define MAX_STEPS	50000	/* nobody needs so many points: a livelock */
#define MAX_CALLS	16

struct call {
	smp_call_func_t	fn;
	void		*info;
	struct actor	*from;
};

struct actor {
	ucontext_t	context;
	void		*stack;
	struct potad_host_this this;	/* when it does not run */
	int		cpu;
	bool		interrupt;
	bool		started, done;
	bool		yielded;	/* lets the others go first */
	const int	*lock;		/* waits for that to be 0 */
	bool		waits;		/* for @replies to be 0 */
	unsigned int	replies;	/* interrupts on other CPUs not over yet */
	unsigned int	sees;		/* RCU: actors waited for */
	void		(*fn)(void *arg);
	void		*arg;
	struct call	call[MAX_CALLS];	/* to be made in this interrupt */
	unsigned int	nr_calls;
	const char	*what, *file;	/* where it stopped */
	int		line;
};

__thread struct potad_host_this potad_host_this;

/* 0 .. SCHEDULER_CPUS - 1 are the interprocessor interrupts of each CPU. */
static struct actor actors[SCHEDULER_ACTORS];
static unsigned int nr_actors;
static struct actor *now;	/* NULL: the thread at large */
static ucontext_t at_large;

static struct {
	u8 nr, pick;
} choice[MAX_CHOICES];
static unsigned int nr_choices, depth;
static unsigned int bound, preemptions, steps;
static bool replaying;
static int trace;
static char failure[512];

/* Hints that somebody writes. */
static const void *written[256];
static bool learnt;

unsigned long long scheduler_runs;
unsigned int scheduler_points;

static void save(struct actor *a)
{
	if (a)
		a->this = potad_host_this;
}

void scheduler_be_cpu(unsigned int cpu)
{
	potad_host_this = (struct potad_host_this){
		.cpu = cpu,
		.offset = cpu * POTAD_HOST_PERCPU_AREA,
	};
}

int scheduler_actor(void)
{
	return now ? (int)(now - actors) - SCHEDULER_CPUS : SCHEDULER_NOBODY;
}

static const char *name_of(const struct actor *a)
{
	static char name[2][32];
	static int i;

	i ^= 1;
	if (!a)
		snprintf(name[i], sizeof(name[i]), "set-up");
	else if (a < actors + SCHEDULER_CPUS)
		snprintf(name[i], sizeof(name[i]), "cpu %d ipi", a->cpu);
	else
		snprintf(name[i], sizeof(name[i]), "cpu %d %s %d", a->cpu,
			 a->interrupt ? "irq" : "task", (int)(a - actors) - SCHEDULER_CPUS);
	return name[i];
}

static const char *base_name(const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	return slash ? slash + 1 : file ?: "";
}

void scheduler_tell(const char *fmt, ...)
{
	va_list ap;

	if (!trace)
		return;
	va_start(ap, fmt);
	printf("#   %-11s ", name_of(now));
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

void scheduler_fail(const char *fmt, ...)
{
	va_list ap;

	if (!*failure) {
		va_start(ap, fmt);
		vsnprintf(failure, sizeof(failure), fmt, ap);
		va_end(ap);
	}
	if (now) {
		now = NULL;
		setcontext(&at_large);
	}
}

const char *scheduler_failure(void)
{
	return *failure ? failure : NULL;
}

/* Can other tasks of the CPU run, as far as @a is concerned? */
static bool is_preemptible(const struct actor *a)
{
	const struct potad_host_this *this = a == now ? &potad_host_this : &a->this;

	return !this->nest && !this->irqs_off;
}

static bool can_run(struct actor *a)
{
	unsigned int i;

	if (a->done || (a < actors + SCHEDULER_CPUS && !a->started && !a->nr_calls))
		return false;
	if ((a->lock && *a->lock) || (a->waits && a->replies) || a->sees)
		return false;
	for (i = 0; i < nr_actors; i++) {
		struct actor *b = &actors[i];

		if (b == a || b->cpu != a->cpu || !b->started || b->done)
			continue;
		if (b->interrupt)
			return false;
		if (!a->interrupt && !is_preemptible(b))
			return false;
		if (a->interrupt && !a->started &&
		    (b == now ? &potad_host_this : &b->this)->irqs_off)
			return false;
	}
	return true;
}

static void entry(void);

static void go(struct actor *to)
{
	struct actor *from = now;

	if (to == from)
		return;
	if (trace)
		scheduler_tell("stops before %s %s:%d", from && from->what ? from->what : "nothing",
			       from ? base_name(from->file) : "", from ? from->line : 0);
	save(from);
	now = to;
	if (!to) {
		swapcontext(&from->context, &at_large);
		return;
	}
	potad_host_this = to->this;
	if (!to->started) {
		to->started = true;
		getcontext(&to->context);
		to->context.uc_stack.ss_sp = to->stack;
		to->context.uc_stack.ss_size = STACK;
		to->context.uc_link = NULL;
		makecontext(&to->context, entry, 0);
	}
	if (trace)
		scheduler_tell("goes on with %s %s:%d", to->what ?: "its beginning",
			       base_name(to->file), to->line);
	swapcontext(from ? &from->context : &at_large, &to->context);
}

/* Who is next?  @stays: whoever runs could go on. */
static void choose(bool stays)
{
	struct actor *candidate[SCHEDULER_ACTORS + 1];
	unsigned int nr = 0, pick = 0, i;
	bool left = false, yielded = false;

	if (stays)
		candidate[nr++] = now;
	for (i = 0; i < nr_actors && (!stays || preemptions < bound); i++) {
		struct actor *a = &actors[i];

		if ((stays && a == now) || !can_run(a))
			continue;
		if (a->yielded)
			yielded = true;
		else
			candidate[nr++] = a;
	}
	if (!nr && yielded) {
		for (i = 0; i < nr_actors; i++)
			if (can_run(&actors[i]))
				candidate[nr++] = &actors[i];
	}
	if (!nr) {
		for (i = SCHEDULER_CPUS; i < nr_actors; i++)
			left |= !actors[i].done;
		if (left) {
			scheduler_fail("deadlock: nobody can go on");
			return;
		}
		go(NULL);
		return;
	}
	if (nr > 1) {
		if (depth == MAX_CHOICES) {
			scheduler_fail("more than %u choices", MAX_CHOICES);
			return;
		}
		if (depth >= nr_choices) {
			choice[depth].nr = nr;
			if (!replaying)
				choice[depth].pick = 0;
			nr_choices = depth + 1;
		} else if (!replaying && choice[depth].nr != nr) {
			scheduler_fail("not the same again: choice %u", depth);
			return;
		}
		pick = choice[depth++].pick;
		if (pick >= nr) {
			scheduler_fail("no such schedule: choice %u", depth - 1);
			return;
		}
	}
	if (stays && pick)
		preemptions++;
	go(candidate[pick]);
}

/* What came in while others were answered is answered too. */
static void answer(struct actor *me)
{
	unsigned int i;

	for (i = 0; i < me->nr_calls; i++) {
		me->call[i].fn(me->call[i].info);
		me->call[i].from->replies--;
	}
	me->nr_calls = 0;
}

static void entry(void)
{
	struct actor *me = now;
	bool ipi = me < actors + SCHEDULER_CPUS;
	unsigned int i;

	do {
		me->started = true;
		if (ipi)
			answer(me);
		else
			me->fn(me->arg);
		if (potad_host_this.nest || potad_host_this.irqs_off != me->interrupt)
			scheduler_fail("ends with preemption or interrupts off, or on");
		me->what = "its end";
		me->file = "";
		me->line = 0;
		/* An interprocessor interrupt can come again. */
		me->started = !ipi;
		me->done = !ipi;
		for (i = 0; i < nr_actors; i++) {
			actors[i].yielded = false;
			actors[i].sees &= ~(1U << (me - actors));
		}
		choose(false);
	} while (ipi);
	scheduler_fail("goes on after its end");
}

static void step(const char *what, const char *file, int line)
{
	unsigned int i;

	now->what = what;
	now->file = file;
	now->line = line;
	if (trace > 1)
		scheduler_tell("%s %s:%d", what, base_name(file), line);
	if (++steps > MAX_STEPS)
		scheduler_fail("livelock: %u points, and no end", MAX_STEPS);
	for (i = 0; i < nr_actors; i++) {
		if (&actors[i] != now)
			actors[i].yielded = false;
		if (is_preemptible(now))
			actors[i].sees &= ~(1U << (now - actors));
	}
}

void explore_point(const char *what, const char *file, int line)
{
	if (!now)
		return;
	step(what, file, line);
	choose(true);
}

static bool is_written(const void *p, bool write)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(written) && written[i]; i++)
		if (written[i] == p)
			return true;
	if (write && i < ARRAY_SIZE(written)) {
		written[i] = p;
		learnt = true;
	}
	return i == ARRAY_SIZE(written);
}

bool scheduler_learnt(void)
{
	return learnt;
}

void scheduler_forget(void)
{
	memset(written, 0, sizeof(written));
}

void explore_hint(const void *p, bool write, const char *what, const char *file,
		  int line)
{
	if (now && is_written(p, write))
		explore_point(what, file, line);
}

void explore_yield(const char *what, const char *file, int line)
{
	if (!now)
		return;
	step(what, file, line);
	now->yielded = true;
	choose(false);
	now->yielded = false;
}

void potad_host_relax(unsigned int *spins)
{
	(void)spins;
	if (!now)
		scheduler_fail("somebody is waited for, and nobody is there");
	explore_yield("wait", "", 0);
}

bool explore_trylock(int *lock, const char *file, int line)
{
	explore_point("trylock", file, line);
	if (*lock)
		return false;
	*lock = 1;
	potad_host_nest();
	return true;
}

void explore_lock(int *lock, bool spins, const char *file, int line)
{
	if (spins)
		potad_host_nest();
	else if (now && !is_preemptible(now))
		scheduler_fail("a mutex is taken where one must not sleep: %s:%d", file, line);
	explore_point(spins ? "lock" : "mutex", file, line);
	if (*lock && !now) {
		scheduler_fail("a lock is held, and all have ended: %s:%d", file, line);
		return;
	}
	while (*lock) {
		now->lock = lock;
		choose(false);
		now->lock = NULL;
	}
	*lock = 1;
}

void explore_unlock(int *lock, bool spins, const char *file, int line)
{
	explore_point(spins ? "unlock" : "mutex unlock", file, line);
	if (!*lock)
		scheduler_fail("a lock is given back that nobody has: %s:%d", file, line);
	*lock = 0;
	if (spins)
		potad_host_unnest();
}

void potad_host_run_pending(void)
{
}

void potad_host_might_sleep(const char *file, int line)
{
	if (now && (now->interrupt || !is_preemptible(now)))
		scheduler_fail("may sleep where one must not: %s:%d", file, line);
}

void potad_host_warn(const char *file, int line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	scheduler_fail("warning at %s:%d: %.*s", base_name(file), line,
		       (int)strcspn(text, "\n"), text);
}

void synchronize_rcu(void)
{
	unsigned int i;

	if (!now)
		return;
	if (!is_preemptible(now))
		scheduler_fail("waits for RCU where one must not sleep");
	for (i = 0; i < nr_actors; i++)
		if (&actors[i] != now && actors[i].started && !actors[i].done &&
		    !is_preemptible(&actors[i]))
			now->sees |= 1U << i;
	if (now->sees)
		choose(false);
}

void on_each_cpu_mask(const struct cpumask *mask, smp_call_func_t fn, void *info, bool wait)
{
	struct potad_host_this was = potad_host_this;
	struct actor *me = now;
	unsigned int cpu, own = was.cpu;

	(void)wait;
	if (!me) {
		for (cpu = 0; cpu < SCHEDULER_CPUS; cpu++) {
			if (!(mask->bits[0] >> cpu & 1))
				continue;
			scheduler_be_cpu(cpu);
			potad_host_this.irqs_off = 1;
			potad_host_this.in_irq = 1;
			fn(info);
		}
		potad_host_this = was;
		return;
	}
	if (was.irqs_off || me->interrupt)
		scheduler_fail("other CPUs are waited for with interrupts off");
	explore_point("ipi", __FILE__, __LINE__);
	potad_host_nest();
	for (cpu = 0; cpu < SCHEDULER_CPUS; cpu++) {
		struct actor *a = &actors[cpu];

		if (cpu == own || !(mask->bits[0] >> cpu & 1))
			continue;
		if (a->nr_calls == MAX_CALLS)
			scheduler_fail("too many interprocessor interrupts");
		a->call[a->nr_calls++] = (struct call){ fn, info, me };
		me->replies++;
	}
	if (mask->bits[0] >> own & 1) {
		potad_host_this.irqs_off = 1;
		fn(info);
		potad_host_this.irqs_off = 0;
	}
	me->what = "the replies of other CPUs";
	me->waits = true;
	if (me->replies)
		choose(false);
	me->waits = false;
	potad_host_unnest();
}

int smp_call_function_single(int cpu, smp_call_func_t fn, void *info, int wait)
{
	on_each_cpu_mask(cpumask_of(cpu), fn, info, wait);
	return 0;
}

void scheduler_reset(void)
{
	unsigned int i;

	for (i = 0; i < SCHEDULER_ACTORS; i++) {
		void *stack = actors[i].stack;

		if (!stack) {
			stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
			if (stack == MAP_FAILED) {
				perror("explore: stack");
				exit(2);
			}
		}
		memset(&actors[i], 0, sizeof(actors[i]));
		actors[i].stack = stack;
	}
	nr_actors = 0;
	for (i = 0; i < SCHEDULER_CPUS; i++)
		scheduler_add(i, true, NULL, NULL);
}

int scheduler_add(unsigned int cpu, bool interrupt, void (*fn)(void *arg), void *arg)
{
	struct actor *a = &actors[nr_actors];

	a->cpu = cpu;
	a->interrupt = interrupt;
	a->fn = fn;
	a->arg = arg;
	scheduler_be_cpu(cpu);
	a->this = potad_host_this;
	a->this.in_irq = interrupt;
	a->this.irqs_off = interrupt;
	return nr_actors++ - SCHEDULER_CPUS;
}

bool scheduler_run(void)
{
	depth = 0;
	preemptions = 0;
	steps = 0;
	*failure = 0;
	choose(false);
	now = NULL;
	scheduler_runs++;
	scheduler_points = max(scheduler_points, steps);
	scheduler_be_cpu(0);
	return !*failure;
}

void scheduler_first(unsigned int preemption_bound)
{
	bound = preemption_bound;
	*failure = 0;
	nr_choices = 0;
	learnt = false;
	scheduler_runs = 0;
	scheduler_points = 0;
}

bool scheduler_next(void)
{
	while (nr_choices && choice[nr_choices - 1].pick + 1 == choice[nr_choices - 1].nr)
		nr_choices--;
	if (!nr_choices)
		return false;
	choice[nr_choices - 1].pick++;
	return true;
}

const char *scheduler_schedule(void)
{
	static char text[8192];
	const char *separator = "";
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < depth && n < sizeof(text) / 2; i++)
		if (choice[i].pick) {
			n += sprintf(text + n, "%s%u:%u", separator, i, choice[i].pick);
			separator = ",";
		}
	separator = "/";
	for (i = 0; i < ARRAY_SIZE(written) && written[i] && n < sizeof(text) - 32; i++) {
		n += sprintf(text + n, "%s%zx", separator, memory_offset(written[i]));
		separator = ",";
	}
	text[n] = 0;
	return text;
}

bool scheduler_replay(const char *schedule)
{
	unsigned int at, pick, nr = 0;
	size_t offset;
	int n;

	memset(choice, 0, sizeof(choice));
	replaying = true;
	while (sscanf(schedule, "%u:%u%n", &at, &pick, &n) == 2 && at < MAX_CHOICES) {
		choice[at].pick = pick;
		schedule += n;
		schedule += *schedule == ',';
	}
	if (*schedule == '/')
		schedule++;
	while (sscanf(schedule, "%zx%n", &offset, &n) == 1 && nr < ARRAY_SIZE(written)) {
		written[nr++] = memory_at(offset);
		schedule += n;
		schedule += *schedule == ',';
	}
	return !*schedule;
}

void scheduler_trace(int level)
{
	trace = level;
}

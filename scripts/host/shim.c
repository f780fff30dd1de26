// SPDX-License-Identifier: GPL-2.0
/*
 * The shim's inside: CPUs, interrupts, grace periods and memory.
 *
 * An interprocessor interrupt is an entry in the list of the CPU that it is for,
 * and a signal to its thread.  The handler runs what is in the list, unless that
 * thread has interrupts off: then it leaves a note, and local_irq_restore()
 * looks for it.  The list's lock is held with interrupts off by everybody, so
 * a handler never waits for the thread that it interrupted.
 *
 * synchronize_rcu() makes all threads pass a full barrier (membarrier) and then
 * looks at each CPU until it has seen it outside of any section.  So a section
 * costs its owner two plain stores.  Without membarrier(2), as in some
 * containers, it sends each CPU an interrupt instead, which is as good a barrier.
 */
#include <linux/types.h>

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#define IPI			SIGUSR1

struct call {
	smp_call_func_t	fn;
	void		*info;
	struct call	*next;
	int		done;
};

struct cpu {
	raw_spinlock_t	lock;		/* protects all that follows */
	pthread_t	thread;
	bool		online;
	struct call	*first, **last;
	struct potad_host_this *this;	/* NULL: no thread at all */
} __aligned(64);

static struct cpu cpus[POTAD_HOST_CPUS];

__thread struct potad_host_this potad_host_this
	__attribute__((tls_model("initial-exec")));

unsigned int nr_cpu_ids = 8;
struct cpumask potad_host_possible_mask = { { 0xff } };
struct cpumask potad_host_online_mask;

/* --- warnings --------------------------------------------------------------- */

static bool warnings_expected;
static unsigned long nr_warnings;

void potad_host_warn(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	__atomic_fetch_add(&nr_warnings, 1, __ATOMIC_RELAXED);
	if (READ_ONCE(warnings_expected))
		return;
	fprintf(stderr, "WARNING: %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	abort();
}

void potad_host_expect_warnings(bool expect)
{
	WRITE_ONCE(warnings_expected, expect);
}

unsigned long potad_host_warned(void)
{
	return READ_ONCE(nr_warnings);
}

void potad_host_might_sleep(const char *file, int line)
{
	const struct potad_host_this *t = &potad_host_this;

	if (likely(!t->nest && !t->irqs_off && !t->in_irq && !t->in_nmi))
		return;
	fprintf(stderr,
		"BUG: sleeping at %s:%d: preemption off %d, interrupts off %d, in one %d, in NMI %d\n",
		file, line, t->nest, t->irqs_off, t->in_irq, t->in_nmi);
	abort();
}

void potad_host_relax(unsigned int *spins)
{
	if (++*spins % 256)
		__builtin_ia32_pause();
	else
		sched_yield();
}

/* --- interrupts ------------------------------------------------------------- */

/* Runs this CPU's calls.  Interrupts are off. */
static void run_calls(void)
{
	struct cpu *c = &cpus[potad_host_cpu()];
	struct call *call;

	__atomic_store_n(&potad_host_this.pending, 0, __ATOMIC_RELAXED);
	raw_spin_lock(&c->lock);
	call = c->first;
	c->first = NULL;
	c->last = &c->first;
	raw_spin_unlock(&c->lock);

	potad_host_this.in_irq++;
	while (call) {
		/* It is gone as soon as it is done. */
		struct call *next = call->next;

		call->fn(call->info);
		__atomic_store_n(&call->done, 1, __ATOMIC_RELEASE);
		call = next;
	}
	potad_host_this.in_irq--;
}

void potad_host_run_pending(void)
{
	do {
		local_irq_disable();
		run_calls();
		barrier();
		__atomic_store_n(&potad_host_this.irqs_off, 0,
				 __ATOMIC_RELEASE);
		barrier();
	} while (__atomic_load_n(&potad_host_this.pending, __ATOMIC_RELAXED));
}

static void handle_ipi(int sig)
{
	int saved = errno;

	(void)sig;
	if (__atomic_load_n(&potad_host_this.irqs_off, __ATOMIC_RELAXED)) {
		__atomic_store_n(&potad_host_this.pending, 1, __ATOMIC_RELAXED);
	} else {
		local_irq_disable();
		run_calls();
		/* A signal during this comes when the handler returns. */
		__atomic_store_n(&potad_host_this.irqs_off, 0,
				 __ATOMIC_RELEASE);
	}
	errno = saved;
}

/* Returns false if that CPU is not there. */
static bool send(struct cpu *c, struct call *call)
{
	unsigned long flags;
	bool sent;

	call->next = NULL;
	call->done = 0;
	raw_spin_lock_irqsave(&c->lock, flags);
	sent = c->online;
	if (sent) {
		*c->last = call;
		c->last = &call->next;
		pthread_kill(c->thread, IPI);
	}
	raw_spin_unlock_irqrestore(&c->lock, flags);
	return sent;
}

static void run_here(smp_call_func_t fn, void *info)
{
	unsigned long flags;

	local_irq_save(flags);
	potad_host_this.in_irq++;
	fn(info);
	potad_host_this.in_irq--;
	local_irq_restore(flags);
}

void on_each_cpu_mask(const struct cpumask *mask, smp_call_func_t fn,
		      void *info, bool wait)
{
	struct call calls[POTAD_HOST_CPUS];
	struct cpumask sent = { { 0 } };
	unsigned int cpu, spins = 0;

	(void)wait;
	if (irqs_disabled() || in_interrupt()) {
		fprintf(stderr, "BUG: %s with interrupts off\n", __func__);
		abort();
	}
	for_each_cpu(cpu, mask) {
		if (cpu == smp_processor_id())
			continue;
		calls[cpu].fn = fn;
		calls[cpu].info = info;
		if (send(&cpus[cpu], &calls[cpu]))
			__cpumask_set_cpu(cpu, &sent);
	}
	if (cpumask_test_cpu(smp_processor_id(), mask))
		run_here(fn, info);
	for_each_cpu(cpu, &sent)
		while (!__atomic_load_n(&calls[cpu].done, __ATOMIC_ACQUIRE))
			potad_host_relax(&spins);
}

int smp_call_function_single(int cpu, smp_call_func_t fn, void *info, int wait)
{
	struct cpumask mask = { { BIT(cpu) } };

	if (!cpu_online(cpu))
		return -ENXIO;
	on_each_cpu_mask(&mask, fn, info, wait);
	return 0;
}

void potad_host_nmi(void (*fn)(void *arg), void *arg)
{
	potad_host_this.in_nmi++;
	fn(arg);
	potad_host_this.in_nmi--;
}

/* --- CPUs that come and go -------------------------------------------------- */

#define MAX_STATES		16

static struct state {
	enum cpuhp_state	when;
	int			(*startup)(unsigned int cpu,
					   struct hlist_node *node);
	int			(*teardown)(unsigned int cpu,
					    struct hlist_node *node);
	struct hlist_node	*first;
} states[MAX_STATES];

/* Readers counted up; -1: a CPU is coming or going. */
static int hotplug;

int cpus_read_trylock(void)
{
	int was = READ_ONCE(hotplug);

	while (was >= 0)
		if (try_cmpxchg(&hotplug, &was, was + 1))
			return 1;
	return 0;
}

void cpus_read_lock(void)
{
	unsigned int spins = 0;

	might_sleep();
	while (!cpus_read_trylock())
		potad_host_relax(&spins);
}

void cpus_read_unlock(void)
{
	__atomic_fetch_sub(&hotplug, 1, __ATOMIC_RELEASE);
}

static void cpus_write_lock(void)
{
	unsigned int spins = 0;
	int none = 0;

	while (!try_cmpxchg(&hotplug, &none, -1)) {
		none = 0;
		potad_host_relax(&spins);
	}
}

static void cpus_write_unlock(void)
{
	__atomic_store_n(&hotplug, 0, __ATOMIC_RELEASE);
}

/* Calls all that wait for a CPU, before or after it is @online. */
static void run_states(unsigned int cpu, bool up, bool online)
{
	struct hlist_node *node;
	struct state *s;

	for (s = states; s < states + MAX_STATES; s++) {
		int (*fn)(unsigned int cpu, struct hlist_node *node);
		bool runs_there = s->when >= CPUHP_AP_ONLINE_DYN;

		fn = up ? s->startup : s->teardown;
		if (!fn || online != runs_there)
			continue;
		for (node = s->first; node; node = node->next)
			fn(cpu, node);
	}
}

int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu,
					   struct hlist_node *node),
			    int (*teardown)(unsigned int cpu,
					    struct hlist_node *node))
{
	unsigned int i;

	(void)name;
	for (i = CPUHP_AP_ONLINE_DYN + 1; i < MAX_STATES; i++)
		if (!states[i].when)
			break;
	if (state != CPUHP_AP_ONLINE_DYN && state != CPUHP_BP_PREPARE_DYN)
		i = state;
	if (i == MAX_STATES)
		return -ENOSPC;
	states[i] = (struct state){
		.when = state, .startup = startup, .teardown = teardown,
	};
	return i == (unsigned int)state ? 0 : (int)i;
}

void cpuhp_remove_multi_state(enum cpuhp_state state)
{
	WARN(states[state].first, "a hotplug state with instances is removed\n");
	memset(&states[state], 0, sizeof(states[state]));
}

int cpuhp_state_add_instance_nocalls(enum cpuhp_state state,
				     struct hlist_node *node)
{
	cpus_write_lock();
	node->next = states[state].first;
	node->pprev = &states[state].first;
	if (node->next)
		node->next->pprev = &node->next;
	states[state].first = node;
	cpus_write_unlock();
	return 0;
}

int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state,
					struct hlist_node *node)
{
	(void)state;
	cpus_write_lock();
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
	cpus_write_unlock();
	return 0;
}

void potad_host_set_cpu(unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];

	potad_host_this.cpu = cpu;
	potad_host_this.offset = cpu * POTAD_HOST_PERCPU_AREA;
	raw_spin_lock(&c->lock);
	c->thread = pthread_self();
	c->this = &potad_host_this;
	c->first = NULL;
	c->last = &c->first;
	c->online = true;
	raw_spin_unlock(&c->lock);
	cpumask_set_cpu(cpu, &potad_host_online_mask);
}

void potad_host_online(unsigned int cpu)
{
	if (cpu >= nr_cpu_ids || cpu_online(cpu)) {
		fprintf(stderr, "BUG: CPU %u is none, or is online\n", cpu);
		abort();
	}
	cpus_write_lock();
	run_states(cpu, true, false);
	potad_host_set_cpu(cpu);
	run_states(cpu, true, true);
	cpus_write_unlock();
}

void potad_host_offline(void)
{
	unsigned int cpu = potad_host_cpu();
	struct cpu *c = &cpus[cpu];
	unsigned long flags;

	might_sleep();
	cpus_write_lock();
	run_states(cpu, false, true);
	cpumask_clear_cpu(cpu, &potad_host_online_mask);
	local_irq_save(flags);
	raw_spin_lock(&c->lock);
	c->online = false;
	raw_spin_unlock(&c->lock);
	run_calls();
	local_irq_restore(flags);
	run_states(cpu, false, false);
	local_irq_save(flags);
	raw_spin_lock(&c->lock);
	c->this = NULL;
	raw_spin_unlock(&c->lock);
	local_irq_restore(flags);
	cpus_write_unlock();
}

void potad_host_set_possible(unsigned int nr)
{
	nr_cpu_ids = nr;
	potad_host_possible_mask.bits[0] = ~0UL >> (64 - nr);
}

/* --- grace periods ---------------------------------------------------------- */

static bool has_membarrier;

static void nothing(void *unused)
{
	(void)unused;
}

static bool quiet(unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];
	unsigned long flags;
	bool quiet = true;

	/* The lock: so that it does not go away meanwhile. */
	raw_spin_lock_irqsave(&c->lock, flags);
	/* One that goes offline still reads, while it is taken down. */
	if (c->this)
		quiet = !__atomic_load_n(&c->this->nest, __ATOMIC_ACQUIRE) &&
			!__atomic_load_n(&c->this->irqs_off, __ATOMIC_ACQUIRE);
	raw_spin_unlock_irqrestore(&c->lock, flags);
	return quiet;
}

void synchronize_rcu(void)
{
	unsigned int cpu, spins = 0;

	might_sleep();
	if (has_membarrier)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	else
		on_each_cpu(nothing, NULL, true);
	for_each_possible_cpu(cpu) {
		if (cpu == smp_processor_id())
			continue;
		while (!quiet(cpu))
			potad_host_relax(&spins);
	}
}

/* --- memory ----------------------------------------------------------------- */

/* In front of what was allocated. */
struct header {
	void	*start;		/* of all of it */
	size_t	size;		/* of all of it, if mapped; else 0 */
};

/* From here on memory is mapped, and is not there before it is used. */
#define MAPPED			(4UL << 20)

static long nr_allocations;

void potad_host_fail_nth(long nth)
{
	potad_host_this.fail_nth = nth;
}

bool potad_host_has_failed(void)
{
	return potad_host_this.fail_nth < 0;
}

long potad_host_allocations(void)
{
	return __atomic_load_n(&nr_allocations, __ATOMIC_RELAXED);
}

/* Is this the one that is to fail? */
static bool fails(void)
{
	if (likely(potad_host_this.fail_nth <= 0) ||
	    --potad_host_this.fail_nth)
		return false;
	potad_host_this.fail_nth = -1;
	return true;
}

unsigned long totalram_pages(void)
{
	return sysconf(_SC_PHYS_PAGES);
}

void *potad_host_alloc(size_t size, size_t align, gfp_t gfp)
{
	size_t front, all;
	struct header *h;
	char *start, *p;
	unsigned long flags;

	might_alloc(gfp);
	if (fails())
		return NULL;
	if (align < sizeof(*h))
		align = sizeof(*h);
	front = round_up(sizeof(*h), align);
	all = front + size;
	if (all < size)
		return NULL;
	/* malloc() is no place for a handler that may want memory too. */
	local_irq_save(flags);
	if (all >= MAPPED) {
		start = mmap(NULL, all + align, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (start == MAP_FAILED)
			start = NULL;
	} else {
		start = aligned_alloc(align, round_up(all, align));
	}
	local_irq_restore(flags);
	if (!start)
		return NULL;

	p = (char *)ALIGN((uintptr_t)start + sizeof(*h), align);
	h = (struct header *)p - 1;
	h->start = start;
	h->size = all >= MAPPED ? all + align : 0;
	if (gfp & __GFP_ZERO && !h->size)
		memset(p, 0, size);
	__atomic_fetch_add(&nr_allocations, 1, __ATOMIC_RELAXED);
	return p;
}

void potad_host_free(const void *p)
{
	const struct header *h;
	unsigned long flags;

	if (!p)
		return;
	h = (const struct header *)p - 1;
	local_irq_save(flags);
	if (h->size)
		munmap(h->start, h->size);
	else
		free(h->start);
	local_irq_restore(flags);
	__atomic_fetch_sub(&nr_allocations, 1, __ATOMIC_RELAXED);
}

/*
 * Per-CPU memory: an area for each CPU, all of them cut in the same way.  Sizes
 * are powers of two; what is freed waits for the next of its size.
 */
struct chunk {
	struct chunk	*next;
	unsigned int	order;
};

static char *percpu_base;
static size_t percpu_used;
static struct chunk *percpu_spare[32];
static DEFINE_RAW_SPINLOCK(percpu_lock);

static unsigned int chunk_order(size_t size, size_t align)
{
	/* A line for its order, out of its user's sight. */
	return max_t(unsigned int, fls64(max(size, align) + 63), 7);
}

void *__alloc_percpu(size_t size, size_t align)
{
	unsigned int order = chunk_order(size, align), cpu;
	struct chunk *chunk;
	char *p;

	might_sleep();
	if (fails())
		return NULL;
	raw_spin_lock(&percpu_lock);
	chunk = percpu_spare[order];
	if (chunk) {
		percpu_spare[order] = chunk->next;
	} else if (percpu_used + (1UL << order) <= POTAD_HOST_PERCPU_AREA) {
		chunk = (struct chunk *)(percpu_base + percpu_used);
		percpu_used += 1UL << order;
	}
	raw_spin_unlock(&percpu_lock);
	if (!chunk)
		return NULL;
	chunk->order = order;
	p = (char *)chunk + 64;
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(p, cpu), 0, size);
	__atomic_fetch_add(&nr_allocations, 1, __ATOMIC_RELAXED);
	return p;
}

void free_percpu(void *p)
{
	struct chunk *chunk = p ? (struct chunk *)((char *)p - 64) : NULL;

	if (!chunk)
		return;
	raw_spin_lock(&percpu_lock);
	chunk->next = percpu_spare[chunk->order];
	percpu_spare[chunk->order] = chunk;
	raw_spin_unlock(&percpu_lock);
	__atomic_fetch_sub(&nr_allocations, 1, __ATOMIC_RELAXED);
}

/* --- shrinkers -------------------------------------------------------------- */

static struct shrinker *shrinkers;
static DEFINE_MUTEX(shrinker_mutex);

struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	struct shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	(void)fmt;
	if (s)
		s->flags = flags;
	return s;
}

void shrinker_register(struct shrinker *s)
{
	mutex_lock(&shrinker_mutex);
	s->next = shrinkers;
	shrinkers = s;
	mutex_unlock(&shrinker_mutex);
}

void shrinker_free(struct shrinker *s)
{
	struct shrinker **p;

	if (!s)
		return;
	mutex_lock(&shrinker_mutex);
	for (p = &shrinkers; *p; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			break;
		}
	}
	mutex_unlock(&shrinker_mutex);
	kfree(s);
}

unsigned long potad_host_shrink(void)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };
	unsigned long count, freed, sum = 0;
	struct shrinker *s;

	mutex_lock(&shrinker_mutex);
	for (s = shrinkers; s; s = s->next) {
		count = s->count_objects(s, &sc);
		if (!count || count == SHRINK_EMPTY)
			continue;
		sc.nr_to_scan = count;
		sc.nr_scanned = count;
		freed = s->scan_objects(s, &sc);
		if (freed != SHRINK_STOP)
			sum += freed;
	}
	mutex_unlock(&shrinker_mutex);
	return sum;
}

/* --- before main() ---------------------------------------------------------- */

static void __attribute__((constructor)) start(void)
{
	struct sigaction action = { .sa_handler = handle_ipi,
				    .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	if (sigaction(IPI, &action, NULL))
		abort();
	/* All that could be used; only what is, takes memory. */
	percpu_base = mmap(NULL, POTAD_HOST_CPUS * POTAD_HOST_PERCPU_AREA,
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (percpu_base == MAP_FAILED)
		abort();
	has_membarrier =
		!syscall(SYS_membarrier,
			 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	potad_host_set_cpu(0);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the explorer: what the code under test allocates, per CPU and for
 * all, comes from one arena, which is put back to a copy before each run.  To
 * begin once more takes microseconds so.
 *
 * Nothing is reused within a run: what is freed is filled with nonsense.  The
 * rest of the shim, of which there is only one CPU's worth here, comes along.
 */
#include "../include/primitives.h"

#include <sys/mman.h>

#include "memory.h"
#include "scheduler.h"

#define HEAP		(64UL << 20)
#define AREA		((size_t)POTAD_HOST_PERCPU_AREA)

/* One area for each CPU, then the heap; a copy of each. */
static char *area, *heap;
static char *area_copy, *heap_copy;
static size_t area_used, heap_used, area_kept, heap_kept;

unsigned int nr_cpu_ids = SCHEDULER_CPUS;
struct cpumask potad_host_possible_mask = { { (1UL << SCHEDULER_CPUS) - 1 } };
struct cpumask potad_host_online_mask = { { (1UL << SCHEDULER_CPUS) - 1 } };

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("explore: memory");
		exit(2);
	}
	return p;
}

void memory_empty(void)
{
	if (!area) {
		area = map(SCHEDULER_CPUS * AREA);
		area_copy = map(SCHEDULER_CPUS * AREA);
		heap = map(HEAP);
		heap_copy = map(HEAP);
	}
	area_used = 0;
	heap_used = 0;
}

static void copy(char *to_area, const char *from_area, char *to_heap, const char *from_heap)
{
	unsigned int cpu;

	for (cpu = 0; cpu < SCHEDULER_CPUS; cpu++)
		memcpy(to_area + cpu * AREA, from_area + cpu * AREA, area_kept);
	memcpy(to_heap, from_heap, heap_kept);
}

void memory_keep(void)
{
	area_kept = area_used;
	heap_kept = heap_used;
	copy(area_copy, area, heap_copy, heap);
}

void memory_restore(void)
{
	area_used = area_kept;
	heap_used = heap_kept;
	copy(area, area_copy, heap, heap_copy);
}

size_t memory_offset(const void *p)
{
	return (const char *)p - heap;
}

void *memory_at(size_t offset)
{
	return heap + offset;
}

/* The size is kept in front, 64 bytes of it. */
void *potad_host_alloc(size_t size, size_t align, gfp_t gfp)
{
	size_t at = ALIGN(heap_used + 64, max_t(size_t, align, 64));

	if (gfpflags_allow_blocking(gfp))
		might_sleep();
	if (size > HEAP || at + size > HEAP)
		return NULL;
	heap_used = at + size;
	*(size_t *)(heap + at - 64) = size;
	return memset(heap + at, gfp & __GFP_ZERO ? 0 : 0xa5, size);
}

void potad_host_free(const void *p)
{
	if (p)
		memset((void *)p, 0x5a, *(const size_t *)((const char *)p - 64));
}

void *__alloc_percpu(size_t size, size_t align)
{
	size_t at = ALIGN(area_used, max_t(size_t, align, 64));
	unsigned int cpu;

	might_sleep();
	if (at + size > AREA)
		return NULL;
	area_used = at + size;
	for (cpu = 0; cpu < SCHEDULER_CPUS; cpu++)
		memset(area + cpu * AREA + at, 0, size);
	return area + at;
}

void free_percpu(void *p)
{
	(void)p;
}

/* No CPU comes or goes. */
void cpus_read_lock(void)
{
}

int cpus_read_trylock(void)
{
	return 1;
}

void cpus_read_unlock(void)
{
}

int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu, struct hlist_node *node),
			    int (*teardown)(unsigned int cpu, struct hlist_node *node))
{
	(void)name;
	(void)startup;
	(void)teardown;
	return state;
}

void cpuhp_remove_multi_state(enum cpuhp_state state)
{
	(void)state;
}

int cpuhp_state_add_instance_nocalls(enum cpuhp_state state, struct hlist_node *node)
{
	(void)state;
	(void)node;
	return 0;
}

int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state, struct hlist_node *node)
{
	(void)state;
	(void)node;
	return 0;
}

/* And memory is never short. */
unsigned long totalram_pages(void)
{
	return HEAP >> PAGE_SHIFT;
}

struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	(void)flags;
	(void)fmt;
	return kzalloc(sizeof(struct shrinker), GFP_KERNEL);
}

void shrinker_register(struct shrinker *s)
{
	(void)s;
}

void shrinker_free(struct shrinker *s)
{
	kfree(s);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The workloads, once for each subject.  Described in workload.h.
 *
 * Each is written once, for a pair of functions; made inline with those of
 * a subject, it is that subject's own loop, without an indirect call.
 */
#include <linux/types.h>

#include <time.h>

#include "workload.h"

#define M			POTAD_MOVABLE

typedef u64 (*alloc_fn)(struct instance *me, unsigned int order,
			enum potad_mobility m);
typedef void (*free_fn)(struct instance *me, u64 granule, unsigned int order,
			enum potad_mobility m);

const char * const workload_names[NR_WORKLOADS] = {
	"pair", "bulk", "random-free", "churn", "mixed", "cross",
};

const char *phase_name(enum workload w, unsigned int phase)
{
	if (w == BULK)
		return phase ? "free" : "alloc";
	return phase ? NULL : "";
}

u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* splitmix64 */
u64 draw(u64 *seed)
{
	u64 z = *seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void meet(struct meeting *m)
{
	u32 round = __atomic_load_n(&m->round, __ATOMIC_ACQUIRE);
	unsigned int spins = 0;

	if (__atomic_add_fetch(&m->here, 1, __ATOMIC_ACQ_REL) == m->threads) {
		__atomic_store_n(&m->here, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&m->round, round + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&m->round, __ATOMIC_ACQUIRE) == round)
		potad_host_relax(&spins);
}

/* Takes blocks until this thread has as many as it wants. */
static __always_inline void fill(struct job *job, alloc_fn alloc)
{
	while (job->nr < job->want) {
		u64 granule = alloc(job->me, job->order, M);

		if (unlikely(granule == NOWHERE)) {
			job->refused++;
			return;
		}
		job->block[job->nr++] = keep(&job->me->shape, granule, job->order);
	}
}

static __always_inline void empty_all(struct job *job, free_fn free)
{
	u64 i;

	for (i = 0; i < job->nr; i++)
		free(job->me, kept_granule(&job->me->shape, job->block[i]), job->order, M);
	job->nr = 0;
}

static __always_inline void pair(struct job *job, alloc_fn alloc, free_fn free)
{
	u64 i, begin;

	meet(job->meeting);
	begin = now_ns();
	for (i = 0; i < job->ops; i++) {
		u64 granule = alloc(job->me, job->order, M);

		if (likely(granule != NOWHERE))
			free(job->me, granule, job->order, M);
		else
			job->refused++;
	}
	job->ns[0] = now_ns() - begin;
	job->done[0] = job->ops;
}

static __always_inline void bulk(struct job *job, alloc_fn alloc, free_fn free)
{
	u64 begin;

	meet(job->meeting);
	begin = now_ns();
	fill(job, alloc);
	job->ns[0] = now_ns() - begin;
	job->done[0] = job->nr;
	job->done[1] = job->nr;
	meet(job->meeting);
	begin = now_ns();
	empty_all(job, free);
	job->ns[1] = now_ns() - begin;
}

static __always_inline void random_free(struct job *job, alloc_fn alloc,
					free_fn free)
{
	u64 seed = job->cpu + 1, begin;

	fill(job, alloc);
	shuffle(job->block, job->nr, &seed);
	job->done[0] = job->nr;
	meet(job->meeting);
	begin = now_ns();
	empty_all(job, free);
	job->ns[0] = now_ns() - begin;
}

/*
 * The table of blocks is larger than any cache, and a subject that does more
 * between two looks at it overlaps fewer of their misses: that is no cost of the
 * subject's.  So the place of a later operation is fetched, for all alike.
 */
#define AHEAD			24

static __always_inline void fetch_later(const struct job *job, u64 i)
{
	__builtin_prefetch(&job->block[job->index[i + AHEAD < job->ops ? i + AHEAD : i]], 1);
}

static __always_inline void churn(struct job *job, alloc_fn alloc, free_fn free)
{
	const struct shape *shape = &job->me->shape;
	u64 i, begin;

	fill(job, alloc);
	meet(job->meeting);
	begin = now_ns();
	for (i = 0; i < job->ops; i++) {
		u32 *block = &job->block[job->index[i]];
		u64 granule;

		fetch_later(job, i);
		if (likely(*block != NONE))
			free(job->me, kept_granule(shape, *block), job->order, M);
		granule = alloc(job->me, job->order, M);
		if (unlikely(granule == NOWHERE)) {
			job->refused++;
			*block = NONE;
			continue;
		}
		*block = keep(shape, granule, job->order);
	}
	job->ns[0] = now_ns() - begin;
	job->done[0] = i;
}

static __always_inline void mixed(struct job *job, alloc_fn alloc, free_fn free)
{
	const struct shape *shape = &job->me->shape;
	u64 i, begin;

	while (job->nr < job->want) {
		unsigned int order = job->orders[job->nr % job->ops] + shape->unit;
		u64 granule = alloc(job->me, order, M);

		if (unlikely(granule == NOWHERE)) {
			job->refused++;
			return;
		}
		job->block[job->nr++] = keep(shape, granule, order);
	}
	meet(job->meeting);
	begin = now_ns();
	for (i = 0; i < job->ops; i++) {
		u32 *block = &job->block[job->index[i]];
		unsigned int order = job->orders[i] + shape->unit;
		u64 granule;

		fetch_later(job, i);
		if (likely(*block != NONE))
			free(job->me, kept_granule(shape, *block),
			     kept_order(shape, *block), M);
		granule = alloc(job->me, order, M);
		if (unlikely(granule == NOWHERE)) {
			job->refused++;
			*block = NONE;
			continue;
		}
		*block = keep(shape, granule, order);
	}
	job->ns[0] = now_ns() - begin;
	job->done[0] = i;
}

static __always_inline void produce(struct job *job, alloc_fn alloc)
{
	struct ring *ring = job->ring;
	u32 in = 0, out = 0;
	unsigned int spins = 0;
	u64 i;

	for (i = 0; i < job->ops; i++) {
		u64 granule = alloc(job->me, job->order, M);

		if (unlikely(granule == NOWHERE))
			job->refused++;
		while (in - out == RING_SLOTS) {
			out = __atomic_load_n(&ring->out, __ATOMIC_ACQUIRE);
			if (in - out == RING_SLOTS)
				potad_host_relax(&spins);
		}
		ring->slot[in++ % RING_SLOTS] = granule;
		__atomic_store_n(&ring->in, in, __ATOMIC_RELEASE);
	}
}

static __always_inline void consume(struct job *job, free_fn free)
{
	struct ring *ring = job->ring;
	u32 in = 0, out = 0;
	unsigned int spins = 0;
	u64 i;

	for (i = 0; i < job->ops; i++) {
		u64 granule;

		while (in == out) {
			in = __atomic_load_n(&ring->in, __ATOMIC_ACQUIRE);
			if (in == out)
				potad_host_relax(&spins);
		}
		granule = ring->slot[out++ % RING_SLOTS];
		__atomic_store_n(&ring->out, out, __ATOMIC_RELEASE);
		if (likely(granule != NOWHERE))
			free(job->me, granule, job->order, M);
	}
}

static __always_inline void cross(struct job *job, alloc_fn alloc, free_fn free)
{
	u64 begin;

	if (!job->cpu) {
		job->ring->in = 0;
		job->ring->out = 0;
	}
	meet(job->meeting);
	begin = now_ns();
	if (!job->cpu)
		produce(job, alloc);
	else if (job->cpu == 1)
		consume(job, free);
	meet(job->meeting);
	job->ns[0] = now_ns() - begin;
	job->done[0] = job->ops;
}

#define DEFINE_WORKLOADS(name)						\
	void name##_pair(struct job *job)				\
	{ pair(job, name##_alloc, name##_free); }			\
	void name##_bulk(struct job *job)				\
	{ bulk(job, name##_alloc, name##_free); }			\
	void name##_random_free(struct job *job)			\
	{ random_free(job, name##_alloc, name##_free); }		\
	void name##_churn(struct job *job)				\
	{ churn(job, name##_alloc, name##_free); }			\
	void name##_mixed(struct job *job)				\
	{ mixed(job, name##_alloc, name##_free); }			\
	void name##_cross(struct job *job)				\
	{ cross(job, name##_alloc, name##_free); }			\
	static_assert(NR_WORKLOADS == 6)

DEFINE_WORKLOADS(empty);
DEFINE_WORKLOADS(potad);
DEFINE_WORKLOADS(space);
DEFINE_WORKLOADS(list);
DEFINE_WORKLOADS(watched);

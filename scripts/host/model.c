// SPDX-License-Identifier: GPL-2.0
/*
 * The model's map, and the questions that it answers by looking everywhere.
 * Told in model.h.
 */
#include <linux/types.h>

#include "model.h"

static void __noreturn __printf(2, 3) wrong(struct model *m, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "model: call %llu, %s: ", m->calls, m->doing);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

#define expect(m, cond, ...) do { if (!(cond)) wrong(m, __VA_ARGS__); } while (0)

static void begin(struct model *m, const char *doing)
{
	m->doing = doing;
	m->calls++;
}

/* Has the call failed because it was to? */
static bool no_memory(int err)
{
	return err == -ENOMEM && potad_host_has_failed();
}

static void set(struct model *m, u64 first, u64 nr, enum model_state state)
{
	u64 i;

	for (i = first; i < first + nr; i++) {
		m->count[m->map[i]]--;
		m->map[i] = state;
	}
	m->count[state] += nr;
}

static bool all_free(const struct model *m, u64 first, u64 nr)
{
	u64 i = 0, word;

	for (; i + 8 <= nr; i += 8) {
		memcpy(&word, m->map + first + i, 8);
		if (word != MODEL_FREE * 0x0101010101010101ULL)
			return false;
	}
	for (; i < nr; i++)
		if (m->map[first + i] != MODEL_FREE)
			return false;
	return true;
}

static const struct model_span *span_of(const struct model *m, u64 granule)
{
	unsigned int i;

	for (i = 0; i < m->nr_spans; i++)
		if (granule >= m->span[i].first && granule < m->span[i].end)
			return &m->span[i];
	return NULL;
}

/* Does all of it lie in one span? */
static bool inside(const struct model *m, u64 first, u64 nr)
{
	const struct model_span *span = span_of(m, first);

	return span && nr <= span->end - first;
}

static unsigned int max_order(const struct model *m)
{
	unsigned int i, k, max = 0;

	for (i = 0; i < m->nr_spans; i++) {
		const struct model_span *s = &m->span[i];

		for (k = 0; k < 40; k++)
			if (ALIGN(s->first, 1ULL << k) + (1ULL << k) <= s->end)
				max = max(max, k);
	}
	return max;
}

static bool block_exists(const struct model *m, unsigned int order)
{
	u64 nr = 1ULL << order, first;
	unsigned int i;

	if (nr > MODEL_NR)
		return false;
	for (i = 0; i < m->nr_spans; i++) {
		const struct model_span *s = &m->span[i];

		for (first = ALIGN(s->first, nr); first + nr <= s->end; first += nr)
			if (all_free(m, first, nr))
				return true;
	}
	return false;
}

static bool crosses(const struct potad_run *run, u64 first)
{
	return run->nocross && (first ^ (first + run->nr - 1)) >> run->nocross;
}

static bool run_exists(const struct model *m, const struct potad_run *run,
		       unsigned int align)
{
	u64 step = 1ULL << align, first, end;
	unsigned int i;

	for (i = 0; i < m->nr_spans; i++) {
		const struct model_span *s = &m->span[i];

		end = run->max < s->end - 1 ? run->max + 1 : s->end;
		for (first = ALIGN(max(s->first, run->min), step);
		     first + run->nr <= end; first += step)
			if (!crosses(run, first) && all_free(m, first, run->nr))
				return true;
	}
	return false;
}

static void add_block(struct model *m, u64 first, unsigned int order,
		      unsigned int mobility)
{
	if (m->nr_blocks == MODEL_BLOCKS)
		wrong(m, "too many blocks for the model");
	m->block[m->nr_blocks++] = (struct model_block){ first, order, mobility };
}

static void drop_block(struct model *m, unsigned int i)
{
	m->block[i] = m->block[--m->nr_blocks];
}

/* The space has handed this out. */
static void took(struct model *m, u64 first, unsigned int order,
		 unsigned int mobility)
{
	u64 nr = 1ULL << order;

	expect(m, !(first & (nr - 1)), "block %llu of order %u is not aligned",
	       first, order);
	expect(m, inside(m, first, nr), "block %llu of order %u is not inside",
	       first, order);
	expect(m, all_free(m, first, nr), "block %llu of order %u is not free",
	       first, order);
	set(m, first, nr, MODEL_TAKEN);
	add_block(m, first, order, mobility);
}

/* These granules have gone back. */
static void gave(struct model *m, u64 first, u64 nr)
{
	u64 i;

	for (i = first; i < first + nr; i++)
		set(m, i, 1, m->map[i] == MODEL_FAILED ? MODEL_RETIRED : MODEL_FREE);
}

/* So that what the space calls free is what the model does. */
static void settle(struct model *m)
{
	if (m->cache)
		potad_cache_drain(m->cache);
}

static void refused(struct model *m, unsigned int order, int err)
{
	if (no_memory(err))
		return;
	if (order > max_order(m))
		expect(m, err == -EINVAL, "order %u is too large: %d", order, err);
	else
		expect(m, err == -ENOSPC, "order %u: %d", order, err);
	expect(m, !block_exists(m, order), "order %u not to be had, but there is one", order);
}

void model_alloc(struct model *m, unsigned int order, unsigned int mobility,
		 bool cached)
{
	u64 granule;
	int err;

	begin(m, cached ? "cache alloc" : "alloc");
	if (m->nr_blocks == MODEL_BLOCKS)
		return;
	if (cached && m->cache) {
		err = potad_cache_alloc(m->cache, order, mobility, true, &granule);
	} else {
		err = potad_space_alloc(m->space, order, mobility, &granule);
		if (err == -ENOSPC && m->cache) {
			settle(m);
			err = potad_space_alloc(m->space, order, mobility, &granule);
		}
	}
	if (err)
		refused(m, order, err);
	else
		took(m, granule, order, mobility);
}

void model_alloc_some(struct model *m, unsigned int order, unsigned int mobility,
		      unsigned int nr)
{
	u64 granules[32];
	int i, n;

	begin(m, "alloc some");
	if (m->nr_blocks + 32 > MODEL_BLOCKS)
		return;
	settle(m);
	n = potad_space_alloc_some(m->space, order, mobility, granules, nr);
	if (!nr)
		expect(m, n == -EINVAL, "no blocks wanted: %d", n);
	else if (n < 0)
		refused(m, order, n);
	else
		expect(m, n && n <= (int)nr, "%d blocks of %u", n, nr);
	for (i = 0; i < n; i++)
		took(m, granules[i], order, mobility);
}

void model_free(struct model *m, unsigned int i, bool cached)
{
	struct model_block b;
	int err;

	begin(m, cached ? "cache free" : "free");
	if (!m->nr_blocks)
		return;
	i %= m->nr_blocks;
	b = m->block[i];
	if (cached && m->cache)
		err = potad_cache_free(m->cache, b.first, b.order, b.mobility);
	else
		err = potad_space_free(m->space, b.first, b.order);
	expect(m, !err, "block %llu of order %u: %d", b.first, b.order, err);
	gave(m, b.first, 1ULL << b.order);
	drop_block(m, i);
}

void model_free_any(struct model *m, u64 granule, unsigned int order)
{
	int err, should;
	unsigned int i;

	begin(m, "free any");
	/* What is cached could be freed: the space takes it for allocated. */
	settle(m);
	err = potad_space_free(m->space, granule, order);
	for (i = 0; i < m->nr_blocks; i++) {
		if (m->block[i].first != granule || m->block[i].order != order)
			continue;
		expect(m, !err, "block %llu of order %u: %d", granule, order, err);
		gave(m, granule, 1ULL << order);
		drop_block(m, i);
		return;
	}
	if (order > max_order(m) || !inside(m, granule, 1ULL << order))
		should = -ERANGE;
	else if (granule & ((1ULL << order) - 1))
		should = -EINVAL;
	else if (m->map[granule] == MODEL_RETIRED)
		should = -EHWPOISON;
	else
		should = m->map[granule] == MODEL_FREE ? -ENOENT : -EINVAL;
	expect(m, err == should, "%llu of order %u, no block: %d, not %d",
	       granule, order, err, should);
}

/* What the model has as blocks in there, and a little around it, anew. */
static void relearn(struct model *m, u64 first, u64 nr, unsigned int mobility)
{
	struct potad_extent e;
	unsigned int i;
	u64 at = first, end = first + nr;

	for (i = m->nr_blocks; i-- > 0;) {
		struct model_block b = m->block[i];

		if (b.first >= end || b.first + (1ULL << b.order) <= first)
			continue;
		at = min(at, b.first);
		end = max(end, b.first + (1ULL << b.order));
		drop_block(m, i);
	}
	while (at < end) {
		if (m->map[at] != MODEL_TAKEN && m->map[at] != MODEL_FAILED) {
			at++;
			continue;
		}
		expect(m, !potad_space_query(m->space, at, &e), "query");
		expect(m, e.state == POTAD_ALLOCATED && e.first == at &&
		       at + (1ULL << e.order) <= end,
		       "%llu should begin a block: state %u, first %llu, order %u",
		       at, e.state, e.first, e.order);
		add_block(m, at, e.order, mobility);
		at += 1ULL << e.order;
	}
}

void model_alloc_run(struct model *m, struct potad_run *run, bool cached)
{
	unsigned int k = run->nr ? fls64(run->nr) - 1 : 0, least = min(run->align, k);
	int err;

	begin(m, "alloc run");
	if (m->nr_blocks + 64 > MODEL_BLOCKS)
		return;
	settle(m);
	if (cached && m->cache)
		err = potad_cache_alloc_run(m->cache, run);
	else
		err = potad_space_alloc_run(m->space, run);
	if (no_memory(err))
		return;
	if (!run->nr || run->min > run->max ||
	    (run->nocross && run->nr > 1ULL << run->nocross)) {
		expect(m, err == -EINVAL, "senseless: %d", err);
		return;
	}
	if (err) {
		expect(m, err == -ENOSPC, "%d", err);
		expect(m, !run_exists(m, run, run->align),
		       "%llu aligned to %u refused, but there are", run->nr, run->align);
		return;
	}
	expect(m, run->order <= k && run->order >= least, "order %u", run->order);
	expect(m, !(run->first & ((1ULL << max(run->align, run->order)) - 1)),
	       "%llu is not aligned to %u or %u", run->first, run->align, run->order);
	expect(m, run->first >= run->min && run->first + run->nr - 1 <= run->max,
	       "outside of the bounds");
	expect(m, !crosses(run, run->first), "crosses a border");
	expect(m, inside(m, run->first, run->nr), "not in one span");
	expect(m, all_free(m, run->first, run->nr), "not free");
	for (; k > run->order; k--)
		expect(m, !run_exists(m, run, max(run->align, k)),
		       "made of order %u, but order %u was possible", run->order, k);
	/* How many pieces that makes is not known before; it must not be too many. */
	set(m, run->first, run->nr, MODEL_TAKEN);
	if (run->nr >> run->order > 64) {
		err = potad_space_free_run(m->space, run->first, run->nr);
		expect(m, !err, "to free it at once: %d", err);
		gave(m, run->first, run->nr);
		return;
	}
	relearn(m, run->first, run->nr, run->mobility);
}

void model_free_run(struct model *m, u64 first, u64 nr)
{
	int err, should = 0;
	u64 i;

	begin(m, "free run");
	/* A block can become one for each order on each side of the cut. */
	if (m->nr_blocks + 64 > MODEL_BLOCKS)
		return;
	settle(m);
	err = potad_space_free_run(m->space, first, nr);
	if (no_memory(err)) {
		/* A block at the beginning may have been cut already. */
		if (nr && first + nr <= MODEL_NR)
			relearn(m, first, nr, POTAD_MOVABLE);
		return;
	}
	if (!nr)
		should = -EINVAL;
	for (i = first; i < first + nr && !should; i++) {
		if (i >= MODEL_NR || m->map[i] == MODEL_NOT_THERE)
			should = -ERANGE;
		else if (m->map[i] == MODEL_FREE)
			should = -ENOENT;
		else if (m->map[i] == MODEL_RETIRED)
			should = -EHWPOISON;
	}
	expect(m, err == should, "%llu at %llu: %d, not %d", nr, first, err, should);
	if (err)
		return;
	gave(m, first, nr);
	relearn(m, first, nr, POTAD_MOVABLE);
}

void model_retire(struct model *m, u64 granule)
{
	int ret, should;

	begin(m, "retire");
	if (m->cache)
		ret = potad_cache_retire(m->cache, granule);
	else
		ret = potad_space_retire(m->space, granule);
	if (no_memory(ret))
		return;
	if (granule >= MODEL_NR || m->map[granule] == MODEL_NOT_THERE)
		should = -ERANGE;
	else if (m->map[granule] == MODEL_FREE)
		should = POTAD_FREE;
	else if (m->map[granule] == MODEL_TAKEN)
		should = POTAD_ALLOCATED;
	else
		should = -EHWPOISON;
	expect(m, ret == should, "%llu: %d, not %d", granule, ret, should);
	if (ret == POTAD_FREE)
		set(m, granule, 1, MODEL_RETIRED);
	else if (ret == POTAD_ALLOCATED)
		set(m, granule, 1, MODEL_FAILED);
}

void model_restore(struct model *m, u64 granule)
{
	int ret, should = -EINVAL;

	begin(m, "restore");
	ret = potad_space_restore(m->space, granule);
	if (granule >= MODEL_NR || m->map[granule] == MODEL_NOT_THERE)
		should = -ERANGE;
	else if (m->map[granule] >= MODEL_RETIRED)
		should = 0;
	expect(m, ret == should, "%llu: %d, not %d", granule, ret, should);
	if (!ret)
		set(m, granule, 1, m->map[granule] == MODEL_RETIRED ?
		    MODEL_FREE : MODEL_TAKEN);
}

void model_query(struct model *m, u64 granule)
{
	struct potad_extent e;
	unsigned int i;
	int err;

	begin(m, "query");
	settle(m);
	err = potad_space_query(m->space, granule, &e);
	if (granule >= MODEL_NR || m->map[granule] == MODEL_NOT_THERE) {
		expect(m, err == -ERANGE, "%llu is nowhere: %d", granule, err);
		return;
	}
	expect(m, !err, "%llu: %d", granule, err);
	expect(m, e.first <= granule && granule - e.first < 1ULL << e.order,
	       "%llu is not in its block", granule);
	switch (m->map[granule]) {
	case MODEL_FREE:
		expect(m, e.state == POTAD_FREE, "%llu is free", granule);
		expect(m, inside(m, e.first, 1ULL << e.order) &&
		       all_free(m, e.first, 1ULL << e.order),
		       "%llu is not all free", granule);
		return;
	case MODEL_RETIRED:
		expect(m, e.state == POTAD_RETIRED, "%llu is retired", granule);
		return;
	}
	expect(m, e.state == POTAD_ALLOCATED &&
	       e.failed == (m->map[granule] == MODEL_FAILED),
	       "%llu is taken: state %u", granule, e.state);
	for (i = 0; i < m->nr_blocks; i++)
		if (m->block[i].first == e.first && m->block[i].order == e.order)
			return;
	wrong(m, "%llu is in a block that nobody has", granule);
}

void model_add_span(struct model *m, u64 first, u64 nr, bool populate)
{
	int err, should = nr ? 0 : -EINVAL;
	unsigned int i;

	begin(m, "add span");
	if (first + nr > MODEL_NR || m->nr_spans == MODEL_SPANS)
		return;
	err = potad_space_add_span(m->space, first, nr, populate);
	if (no_memory(err))
		return;
	for (i = 0; i < m->nr_spans && nr; i++)
		if (first < m->span[i].end && m->span[i].first < first + nr)
			should = -EEXIST;
	expect(m, err == should, "%llu at %llu: %d, not %d", nr, first, err, should);
	if (err)
		return;
	m->span[m->nr_spans++] = (struct model_span){ first, first + nr };
	set(m, first, nr, MODEL_FREE);
}

void model_remove_span(struct model *m, u64 first)
{
	int err, should = -ENOENT;
	unsigned int i;
	u64 g;

	begin(m, "remove span");
	settle(m);
	err = potad_space_remove_span(m->space, first);
	if (no_memory(err))
		return;
	for (i = 0; i < m->nr_spans; i++)
		if (m->span[i].first == first)
			break;
	if (i < m->nr_spans) {
		should = 0;
		for (g = first; g < m->span[i].end; g++)
			if (m->map[g] == MODEL_TAKEN || m->map[g] == MODEL_FAILED)
				should = -EBUSY;
	}
	expect(m, err == should, "at %llu: %d, not %d", first, err, should);
	if (err)
		return;
	set(m, first, m->span[i].end - first, MODEL_NOT_THERE);
	m->span[i] = m->span[--m->nr_spans];
}

void model_cache(struct model *m, bool on)
{
	begin(m, "cache");
	if (!on) {
		potad_cache_destroy(m->cache);
		m->cache = NULL;
	} else if (!m->cache) {
		m->cache = potad_cache_create(m->space);
		expect(m, m->cache || potad_host_has_failed(), "no cache");
	}
}

void model_strict(struct model *m, bool strict)
{
	begin(m, "strict");
	if (m->cache)
		potad_cache_strict(m->cache, strict);
}

void model_drain(struct model *m)
{
	begin(m, "drain");
	settle(m);
	if (m->cache)
		expect(m, !potad_cache_granules(m->cache), "something is left");
}

void model_shrink(struct model *m)
{
	begin(m, "shrink");
	potad_host_shrink();
	if (m->cache)
		expect(m, !potad_cache_granules(m->cache), "something is left");
}

/* Free blocks by order, each as large as it can be. */
static void count_blocks(const struct model *m, u64 *blocks)
{
	unsigned int i, k;

	for (i = 0; i < m->nr_spans; i++) {
		const struct model_span *s = &m->span[i];
		u64 at = s->first;

		while (at < s->end) {
			if (m->map[at] != MODEL_FREE) {
				at++;
				continue;
			}
			for (k = 0; k < POTAD_MAX_ORDER; k++) {
				u64 nr = 2ULL << k;

				if (at & (nr - 1) || at + nr > s->end ||
				    !all_free(m, at, nr))
					break;
			}
			blocks[k]++;
			at += 1ULL << k;
		}
	}
}

void model_compare(struct model *m)
{
	u64 blocks[POTAD_MAX_ORDER + 1] = { 0 }, cached = 0, total;
	struct potad_space_stat stat;
	const char *invalid;
	unsigned int k;

	invalid = potad_space_validate(m->space);
	expect(m, !invalid, "not valid: %s", invalid);
	if (m->cache)
		cached = potad_cache_granules(m->cache);
	potad_space_stat(m->space, &stat);
	total = MODEL_NR - m->count[MODEL_NOT_THERE];
	expect(m, stat.total == total && potad_space_size(m->space) == total,
	       "total: %llu, not %llu", stat.total, total);
	expect(m, stat.free + cached == m->count[MODEL_FREE],
	       "free: %llu and %llu cached, not %llu", stat.free, cached,
	       m->count[MODEL_FREE]);
	expect(m, stat.retired == m->count[MODEL_RETIRED], "retired: %llu, not %llu",
	       stat.retired, m->count[MODEL_RETIRED]);
	expect(m, stat.pending == m->count[MODEL_FAILED], "pending: %llu, not %llu",
	       stat.pending, m->count[MODEL_FAILED]);
	expect(m, potad_space_pending(m->space) == !!m->count[MODEL_FAILED],
	       "pending or not");
	expect(m, stat.allocated == stat.total - stat.free - stat.retired, "the sum");
	expect(m, stat.spans == m->nr_spans, "spans: %llu", stat.spans);
	if (cached)
		return;
	count_blocks(m, blocks);
	for (k = 0; k <= POTAD_MAX_ORDER; k++)
		expect(m, stat.blocks[k] == blocks[k],
		       "free blocks of order %u: %llu, not %llu", k,
		       stat.blocks[k], blocks[k]);
}

void model_create(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->count[MODEL_NOT_THERE] = MODEL_NR;
	begin(m, "create");
	m->space = potad_space_create_empty();
	expect(m, m->space, "no space");
}

void model_destroy(struct model *m)
{
	while (m->nr_blocks)
		model_free(m, m->nr_blocks - 1, m->nr_blocks % 2);
	if (m->cache)
		model_drain(m);
	model_compare(m);
	model_cache(m, false);
	while (m->nr_spans)
		model_remove_span(m, m->span[0].first);
	model_compare(m);
	potad_space_destroy(m->space);
	expect(m, !potad_host_allocations(), "%ld pieces of memory were not freed",
	       potad_host_allocations());
}

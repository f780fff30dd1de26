// SPDX-License-Identifier: GPL-2.0
/* The model of a space; what it is for is told in model.h. */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "common.h"
#include "model.h"

/* What a unit is: one of these, or ALLOCATED and the order of its block. */
#define FREE		0x00
#define ALLOCATED	0x80
#define FAILED		0x40	/* allocated, and will be retired */
#define RETIRED		0xff

#define order_of(c)	((c) & 0x3f)

/* Ends the test unless @cond; says where in the run it was. */
#define model_assert(model, cond, fmt, ...) do {				\
	const struct potad_model *__m = (model);				\
										\
	KUNIT_ASSERT_TRUE_MSG(__m->test, cond, "%llu units, call %llu: " fmt,	\
			      __m->nr, __m->ops, ##__VA_ARGS__);		\
} while (0)

static bool is_allocated(u8 c)
{
	return c != FREE && c != RETIRED;
}

/* The span that @unit lies in, if it is present. */
static struct potad_model_span *span_of(struct potad_model *m, u64 unit)
{
	unsigned int i;

	for (i = 0; i < m->spans; i++) {
		struct potad_model_span *sp = &m->span[i];

		if (sp->present && unit >= sp->first && unit - sp->first < sp->nr)
			return sp;
	}
	return NULL;
}

/* Does all of it lie in that span? */
static bool holds(const struct potad_model_span *sp, u64 first, u64 nr)
{
	return first >= sp->first && nr <= sp->nr &&
	       first - sp->first <= sp->nr - nr;
}

/* Is each of them in some span?  Spans can touch. */
static bool all_inside(struct potad_model *m, u64 first, u64 nr)
{
	struct potad_model_span *sp;
	u64 end = first + nr;

	if (end < first)
		return false;
	while (first < end) {
		sp = span_of(m, first);
		if (!sp)
			return false;
		first = sp->first + sp->nr;
	}
	return true;
}

static u8 *byte_of(struct potad_model_span *sp, u64 unit)
{
	return &sp->map[unit - sp->first];
}

static bool all_free(struct potad_model_span *sp, u64 first, u64 nr)
{
	return !memchr_inv(byte_of(sp, first), FREE, nr);
}

int potad_model_largest(const struct potad_model *m)
{
	int largest = -1;
	unsigned int i;

	for (i = 0; i < m->spans; i++)
		if (m->span[i].present)
			largest = max(largest, potad_buddy_largest(m->span[i].buddy));
	return largest;
}

int potad_model_max_order(const struct potad_model *m)
{
	int order = -1;
	unsigned int i;

	for (i = 0; i < m->spans; i++) {
		const struct potad_model_span *sp = &m->span[i];
		u64 size = 1ULL << (order + 1), first;

		if (!sp->present)
			continue;
		for (first = round_up(sp->first, size); holds(sp, first, size);
		     first = round_up(sp->first, size)) {
			order++;
			if (order + m->shift == POTAD_MAX_ORDER)
				return order;
			size = 2ULL << order;
		}
	}
	return order;
}

static enum potad_mobility next_mobility(struct potad_model *m)
{
	if (m->any)
		m->mobility = potad_test_below(&m->rnd, POTAD_MOBILITIES);
	return m->mobility;
}

static void destroy(void *space)
{
	potad_space_destroy(space);
}

/* With no spans yet. */
static struct potad_model *model_of_space(struct kunit *test, struct potad_space *space)
{
	struct potad_model *m = potad_test_memory(test, sizeof(*m));

	if (PTR_ERR_OR_ZERO(space) == -ENOMEM)
		kunit_skip(test, "no memory for the space");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, space);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy, space));
	m->test = test;
	m->space = space;
	m->any = true;
	potad_test_seed(test, &m->rnd);
	return m;
}

static void model_add(struct potad_model *m, u64 first, u64 nr)
{
	struct potad_model_span *sp = &m->span[m->spans++];

	sp->first = first;
	sp->nr = nr;
	sp->map = potad_test_memory(m->test, nr);
	sp->at = potad_test_memory(m->test, nr * sizeof(*sp->at));
	sp->run = potad_test_memory(m->test, nr * sizeof(*sp->run));
	sp->buddy = potad_buddy_create(m->test, first, nr);
	potad_buddy_fill(sp->buddy);
	sp->present = true;
	m->nr += nr;
}

struct potad_model *potad_model_create_on(struct kunit *test,
					  struct potad_space *space,
					  const struct potad_test_span *span)
{
	struct potad_model *m = model_of_space(test, space);

	model_add(m, span->first, span->nr);
	m->live = potad_test_memory(test, m->nr * sizeof(*m->live));
	return m;
}

struct potad_model *potad_model_create(struct kunit *test, u64 granules)
{
	struct potad_test_span span = { .nr = granules };

	return potad_model_create_on(test, potad_space_create(granules), &span);
}

struct potad_model *potad_model_create_spans(struct kunit *test,
					     const struct potad_test_span *spans,
					     unsigned int nr, unsigned int shift,
					     bool populate)
{
	struct potad_model *m = model_of_space(test, potad_space_create_empty());
	unsigned int i;
	int err;

	m->shift = shift;
	KUNIT_ASSERT_LE(test, nr, (unsigned int)POTAD_MODEL_SPANS);
	for (i = 0; i < nr; i++) {
		model_add(m, spans[i].first, spans[i].nr);
		err = potad_space_add_span(m->space, spans[i].first << shift,
					   spans[i].nr << shift, populate);
		if (err == -ENOMEM)
			kunit_skip(test, "no memory for the span");
		model_assert(m, !err, "span %u: %d", i, err);
	}
	m->live = potad_test_memory(test, m->nr * sizeof(*m->live));
	return m;
}

u64 potad_model_place(struct potad_model *m, struct rnd_state *rnd)
{
	struct potad_model_span *sp = &m->span[potad_test_below(rnd, m->spans)];
	u32 offset = potad_test_below(rnd, sp->nr + 2);

	return sp->first + offset - (sp->first > 0);
}

static void mark_allocated(struct potad_model *m, u64 first, unsigned int order)
{
	struct potad_model_span *sp = span_of(m, first);

	memset(byte_of(sp, first), ALLOCATED | order, 1ULL << order);
	sp->at[first - sp->first] = m->nr_live;
	m->live[m->nr_live].first = first;
	m->live[m->nr_live].order = order;
	m->nr_live++;
}

static void forget_block(struct potad_model *m, u64 first)
{
	struct potad_model_span *sp = span_of(m, first);
	u32 at = sp->at[first - sp->first];
	struct potad_model_block *last = &m->live[--m->nr_live];

	m->live[at] = *last;
	sp = span_of(m, last->first);
	sp->at[last->first - sp->first] = at;
}

/* What failed of it is retired now. */
static void mark_free(struct potad_model *m, u64 first, u64 nr)
{
	struct potad_model_span *sp = span_of(m, first);
	u64 u;

	for (u = first; u < first + nr; u++) {
		u8 *c = byte_of(sp, u);

		if (*c & FAILED) {
			*c = RETIRED;
		} else {
			*c = FREE;
			potad_buddy_give(sp->buddy, u, 0);
		}
	}
}

/* Returns the first unit, or POTAD_NOWHERE. */
u64 potad_model_alloc(struct potad_model *m, unsigned int order)
{
	unsigned int max = potad_space_max_order(m->space);
	u64 granule = POTAD_NOWHERE, size, first;
	struct potad_model_span *sp;
	int err;

	m->ops++;
	err = potad_space_alloc(m->space, order + m->shift, next_mobility(m), &granule);
	if (order + m->shift > max) {
		model_assert(m, err == -EINVAL, "order %u: %d", order, err);
		return POTAD_NOWHERE;
	}
	if (err) {
		model_assert(m, err == -ENOSPC, "order %u: %d", order, err);
		model_assert(m, potad_model_largest(m) < (int)order,
			     "order %u was refused, and is there", order);
		return POTAD_NOWHERE;
	}

	size = 1ULL << order;
	first = granule >> m->shift;
	sp = span_of(m, first);
	model_assert(m, sp && holds(sp, first, size),
		     "order %u at %llu is outside", order, first);
	model_assert(m, !(granule & ((size << m->shift) - 1)),
		     "order %u at granule %llu is not aligned", order, granule);
	model_assert(m, all_free(sp, first, size),
		     "order %u at %llu was not all free", order, first);
	model_assert(m, potad_buddy_take(sp->buddy, first, order),
		     "order %u at %llu: the models differ", order, first);
	mark_allocated(m, first, order);
	return first;
}

static int expected_of_free(struct potad_model *m, u64 unit, unsigned int order)
{
	struct potad_model_span *sp = span_of(m, unit);
	u8 c;

	if (order + m->shift > potad_space_max_order(m->space) || !sp ||
	    !holds(sp, unit, 1ULL << order))
		return -ERANGE;
	if (unit & ((1ULL << order) - 1))
		return -EINVAL;
	c = *byte_of(sp, unit);
	if (c == RETIRED)
		return -EHWPOISON;
	if (c == FREE)
		return -ENOENT;
	return order_of(c) == order ? 0 : -EINVAL;
}

/* Returns what the space said, which was what it had to say. */
int potad_model_free(struct potad_model *m, u64 unit, unsigned int order)
{
	int expected = expected_of_free(m, unit, order);
	int err;

	m->ops++;
	err = potad_space_free(m->space, unit << m->shift, order + m->shift);
	model_assert(m, err == expected, "free of order %u at %llu: %d, not %d",
		     order, unit, err, expected);
	if (err)
		return err;
	forget_block(m, unit);
	mark_free(m, unit, 1ULL << order);
	return 0;
}

/* Runs */

/* How many free units begin at each. */
static void measure_runs(struct potad_model_span *sp)
{
	u32 i = sp->nr, run = 0;

	while (i--) {
		run = sp->map[i] == FREE ? run + 1 : 0;
		sp->run[i] = run;
	}
}

/* May the run begin here, as far as the caller is concerned? */
static bool run_suits(const struct potad_run *run, u64 first)
{
	u64 last = first + run->nr - 1;

	return first >= run->min && last <= run->max &&
	       (!run->nocross || first >> run->nocross == last >> run->nocross);
}

/* The first run that is aligned to @order, the brute way; or POTAD_NOWHERE. */
static u64 find_run(struct potad_model *m, const struct potad_run *run,
		    unsigned int order)
{
	u64 size = 1ULL << order, first;
	unsigned int i;

	for (i = 0; i < m->spans; i++) {
		struct potad_model_span *sp = &m->span[i];

		if (!sp->present)
			continue;
		for (first = round_up(sp->first, size); holds(sp, first, run->nr);
		     first += size)
			if (sp->run[first - sp->first] >= run->nr && run_suits(run, first))
				return first;
	}
	return POTAD_NOWHERE;
}

/* The run is made of blocks of @order, and of smaller ones at its end. */
static void mark_run(struct potad_model *m, u64 first, u64 nr, unsigned int order)
{
	struct potad_model_span *sp = span_of(m, first);

	while (nr) {
		if (nr < 1ULL << order) {
			order--;
			continue;
		}
		model_assert(m, potad_buddy_take(sp->buddy, first, order),
			     "order %u at %llu: the models differ", order, first);
		mark_allocated(m, first, order);
		/* Is it that block, at both ends? */
		potad_model_query(m, first);
		potad_model_query(m, first + (1ULL << order) - 1);
		first += 1ULL << order;
		nr -= 1ULL << order;
	}
}

/* What can never be. */
static bool run_is_nonsense(const struct potad_run *run)
{
	return run->min > run->max || (run->nocross && run->nr > 1ULL << run->nocross);
}

/*
 * Returns what the space said; @run says all in units.  Orders are tried from
 * the largest that is not above the run, down to the alignment; but a run that
 * is smaller than its alignment has just the one.
 */
int potad_model_alloc_run(struct potad_model *m, struct potad_run *run)
{
	unsigned int order = fls64(run->nr), least, i;
	struct potad_run raw = *run;
	struct potad_model_span *sp;
	u64 tried = 0, expected = POTAD_NOWHERE, first;
	int err, error = -ENOSPC;

	for (i = 0; i < m->spans; i++)
		if (m->span[i].present)
			measure_runs(&m->span[i]);
	least = min(run->align, order - 1);
	if (run_is_nonsense(run))
		error = -EINVAL;
	else
		while (expected == POTAD_NOWHERE && order > least) {
			order--;
			tried |= 1ULL << (order + m->shift);
			expected = find_run(m, run, max(order, run->align));
		}

	m->ops++;
	raw.nr <<= m->shift;
	raw.align += m->shift;
	raw.min <<= m->shift;
	if (raw.max != U64_MAX)
		raw.max = ((raw.max + 1) << m->shift) - 1;
	if (raw.nocross)
		raw.nocross += m->shift;
	raw.mobility = next_mobility(m);
	raw.first = POTAD_NOWHERE;
	raw.order = U8_MAX;
	raw.tried = 0;
	err = potad_space_alloc_run(m->space, &raw);

#define run_assert(cond, fmt, ...)						\
	model_assert(m, cond, "run of %llu, align %u, %llu..%llu, nocross %u: " fmt, \
		     run->nr, run->align, run->min, run->max, run->nocross,	\
		     ##__VA_ARGS__)
	run_assert(raw.tried == tried, "tried 0x%llx, not 0x%llx", raw.tried, tried);
	if (expected == POTAD_NOWHERE) {
		run_assert(err == error, "%d, not %d", err, error);
		return err;
	}
	run_assert(!err, "%d, and there is one of order %u at %llu", err, order, expected);
	run_assert(raw.order == order + m->shift, "of order %u, not %u",
		   raw.order, order + m->shift);
	first = raw.first >> m->shift;
	run_assert(!(raw.first & ((1ULL << max(raw.order, raw.align)) - 1)),
		   "granule %llu is not aligned", raw.first);
	sp = span_of(m, first);
	run_assert(sp && holds(sp, first, run->nr), "%llu is outside", first);
	run_assert(run_suits(run, first), "%llu does not suit", first);
	run_assert(all_free(sp, first, run->nr), "%llu was not all free", first);
#undef run_assert
	run->first = first;
	run->order = order;
	run->tried = tried >> m->shift;
	mark_run(m, first, run->nr, order);
	return 0;
}

/* What is left of a block of which a part was freed: as large as can be. */
static void mark_rest(struct potad_model *m, u64 first, u64 end)
{
	struct potad_model_span *sp = span_of(m, first);
	unsigned int order;
	u64 u;

	while (first < end) {
		order = fls64(end - first) - 1;
		if (first)
			order = min_t(unsigned int, order, __ffs64(first));
		mark_allocated(m, first, order);
		for (u = first; u < first + (1ULL << order); u++)
			*byte_of(sp, u) |= sp->run[u - sp->first];
		first += 1ULL << order;
	}
}

/* Cuts the block around @unit, if there is one, so that one begins there. */
static void cut_at(struct potad_model *m, u64 unit)
{
	struct potad_model_span *sp = span_of(m, unit);
	u64 size, first, end, u;

	if (!sp || !is_allocated(*byte_of(sp, unit)))
		return;
	size = 1ULL << order_of(*byte_of(sp, unit));
	first = unit & ~(size - 1);
	end = first + size;
	if (first == unit)
		return;
	/* What has failed in it stays so. */
	for (u = first; u < end; u++)
		sp->run[u - sp->first] = *byte_of(sp, u) & FAILED;
	forget_block(m, first);
	mark_rest(m, first, unit);
	mark_rest(m, unit, end);
}

/* Returns what the space said. */
int potad_model_free_run(struct potad_model *m, u64 first, u64 nr)
{
	bool inside = all_inside(m, first, nr), good = nr && inside;
	u64 u, end = first + nr;
	int err;

	for (u = first; good && u < end; u++)
		good = is_allocated(*byte_of(span_of(m, u), u));
	m->ops++;
	err = potad_space_free_run(m->space, first << m->shift, nr << m->shift);
	if (!good) {
		if (!nr)
			model_assert(m, err == -EINVAL, "freeing nothing: %d", err);
		else if (!inside)
			/* Or what comes first is not allocated. */
			model_assert(m, err == -ERANGE || err == -ENOENT || err == -EHWPOISON,
				     "freeing %llu at %llu outside: %d", nr, first, err);
		else
			model_assert(m, err == -ENOENT || err == -EHWPOISON,
				     "freeing %llu at %llu, not all allocated: %d",
				     nr, first, err);
		return err;
	}
	model_assert(m, !err, "freeing %llu at %llu: %d", nr, first, err);
	cut_at(m, first);
	cut_at(m, end);
	for (u = first; u < end;) {
		u64 size = 1ULL << order_of(*byte_of(span_of(m, u), u));

		forget_block(m, u);
		mark_free(m, u, size);
		u += size;
	}
	return 0;
}

/* Failures */

int potad_model_retire(struct potad_model *m, u64 unit)
{
	struct potad_model_span *sp = span_of(m, unit);
	u8 *c = sp ? byte_of(sp, unit) : NULL;
	int ret, expected;

	m->ops++;
	ret = potad_space_retire(m->space, unit << m->shift);
	if (!sp)
		expected = -ERANGE;
	else if (*c == FREE)
		expected = POTAD_FREE;
	else if (*c & FAILED)	/* or RETIRED */
		expected = -EHWPOISON;
	else
		expected = POTAD_ALLOCATED;
	model_assert(m, ret == expected, "retiring %llu: %d, not %d", unit,
		     ret, expected);
	if (ret == POTAD_FREE) {
		*c = RETIRED;
		model_assert(m, potad_buddy_take(sp->buddy, unit, 0),
			     "retiring %llu: the models differ", unit);
	} else if (ret == POTAD_ALLOCATED) {
		*c |= FAILED;
	}
	return ret;
}

int potad_model_restore(struct potad_model *m, u64 unit)
{
	struct potad_model_span *sp = span_of(m, unit);
	u8 *c = sp ? byte_of(sp, unit) : NULL;
	int ret, expected;

	m->ops++;
	ret = potad_space_restore(m->space, unit << m->shift);
	if (!sp)
		expected = -ERANGE;
	else
		expected = *c & FAILED ? 0 : -EINVAL;
	model_assert(m, ret == expected, "restoring %llu: %d, not %d", unit,
		     ret, expected);
	if (ret)
		return ret;
	if (*c == RETIRED) {
		*c = FREE;
		potad_buddy_give(sp->buddy, unit, 0);
	} else {
		*c &= ~FAILED;
	}
	return 0;
}

void potad_model_query(struct potad_model *m, u64 unit)
{
	struct potad_model_span *sp = span_of(m, unit);
	u64 granule = unit << m->shift, first = 0;
	struct potad_extent e = { };
	enum potad_state state;
	unsigned int order;
	int err;
	u8 c;

	m->ops++;
	err = potad_space_query(m->space, granule, &e);
	if (!sp) {
		model_assert(m, err == -ERANGE, "query of %llu: %d", unit, err);
		return;
	}
	model_assert(m, !err, "query of %llu: %d", unit, err);
	c = *byte_of(sp, unit);
	if (c == RETIRED) {
		state = POTAD_RETIRED;
		order = 0;
	} else if (c == FREE) {
		state = POTAD_FREE;
		for (order = 0; order + m->shift < POTAD_MAX_ORDER; order++) {
			u64 size = 2ULL << order;

			first = unit & ~(size - 1);
			if (!holds(sp, first, size) || !all_free(sp, first, size))
				break;
		}
		order += m->shift;
	} else {
		state = POTAD_ALLOCATED;
		order = order_of(c) + m->shift;
	}
	first = granule & ~((1ULL << order) - 1);
	model_assert(m, e.state == state && e.first == first && e.order == order,
		     "query of %llu: state %u order %u at %llu, not state %u order %u at %llu",
		     unit, e.state, e.order, e.first, state, order, first);
	model_assert(m, e.failed == (is_allocated(c) && c & FAILED),
		     "query of %llu: failed %u", unit, e.failed);
}

/* Spans */

int potad_model_add_span(struct potad_model *m, unsigned int i, bool populate)
{
	struct potad_model_span *sp = &m->span[i];
	int err;

	m->ops++;
	err = potad_space_add_span(m->space, sp->first << m->shift,
				   sp->nr << m->shift, populate);
	model_assert(m, err == (sp->present ? -EEXIST : 0), "adding span %u: %d", i, err);
	if (err)
		return err;
	memset(sp->map, FREE, sp->nr);
	potad_buddy_fill(sp->buddy);
	sp->present = true;
	m->nr += sp->nr;
	return 0;
}

int potad_model_remove_span(struct potad_model *m, unsigned int i)
{
	struct potad_model_span *sp = &m->span[i];
	int err, expected = sp->present ? 0 : -ENOENT;
	u64 u;

	for (u = 0; sp->present && u < sp->nr; u++)
		if (is_allocated(sp->map[u]))
			expected = -EBUSY;
	m->ops++;
	err = potad_space_remove_span(m->space, sp->first << m->shift);
	model_assert(m, err == expected, "removing span %u: %d, not %d", i, err, expected);
	if (err)
		return err;
	sp->present = false;
	potad_buddy_empty(sp->buddy);
	m->nr -= sp->nr;
	return 0;
}

u64 potad_model_fill(struct potad_model *m, unsigned int order)
{
	u64 nr = 0;

	while (potad_model_alloc(m, order) != POTAD_NOWHERE) {
		nr++;
		if (!(nr % 256))
			cond_resched();
	}
	return nr;
}

void potad_model_free_all(struct potad_model *m)
{
	while (m->nr_live) {
		struct potad_model_block *b = &m->live[m->nr_live - 1];

		potad_model_free(m, b->first, b->order);
		if (!(m->nr_live % 256))
			cond_resched();
	}
}

/* Comparison */

/* Cuts @nr free units at @first into the largest aligned blocks. */
static void count_run(struct potad_model *m, u64 first, u64 nr)
{
	while (nr) {
		unsigned int order = fls64(nr) - 1;

		if (first)
			order = min_t(unsigned int, order, __ffs64(first));
		order = min_t(unsigned int, order, POTAD_MAX_ORDER - m->shift);
		m->blocks[order + m->shift]++;
		first += 1ULL << order;
		nr -= 1ULL << order;
	}
}

/* What the map says, in units. */
struct sums {
	u64	free;
	u64	allocated;
	u64	retired;
	u64	pending;
};

static void count_span(struct potad_model *m, struct potad_model_span *sp,
		       struct sums *sums)
{
	u64 u, run = 0, free = 0;

	for (u = 0; u < sp->nr; u++) {
		u8 c = sp->map[u];

		if (c == FREE) {
			run++;
			continue;
		}
		free += run;
		count_run(m, sp->first + u - run, run);
		run = 0;
		if (c == RETIRED)
			sums->retired++;
		else
			sums->allocated++;
		if (is_allocated(c) && c & FAILED)
			sums->pending++;
	}
	free += run;
	count_run(m, sp->first + u - run, run);
	model_assert(m, free == sp->buddy->free, "%llu free in one model, %llu in the other",
		     free, sp->buddy->free);
	sums->free += free;
}

void potad_model_compare(struct potad_model *m)
{
	struct potad_space_stat *stat = &m->stat;
	u64 present = 0, blocks, rest;
	struct sums sums = { };
	const char *wrong;
	unsigned int i, k;

	wrong = potad_space_validate(m->space);
	model_assert(m, !wrong, "%s", wrong);

	potad_space_stat(m->space, stat);
	memset(m->blocks, 0, sizeof(m->blocks));
	for (i = 0; i < m->spans; i++) {
		if (m->span[i].present) {
			count_span(m, &m->span[i], &sums);
			present++;
		}
	}
	for (k = 0; k + m->shift <= POTAD_MAX_ORDER; k++) {
		for (i = 0, blocks = 0; i < m->spans; i++)
			blocks += m->span[i].buddy->blocks[k];
		model_assert(m, m->blocks[k + m->shift] == blocks,
			     "%llu free blocks of order %u in one model, %llu in the other",
			     m->blocks[k + m->shift], k, blocks);
	}
	/* Of a retired unit all but the first granule is free: one block each. */
	rest = sums.retired * ((1ULL << m->shift) - 1);
	for (k = 0; k < m->shift; k++)
		m->blocks[k] += sums.retired;

	model_assert(m, stat->spans == present, "%llu spans", stat->spans);
	model_assert(m, stat->total == m->nr << m->shift, "%llu in total", stat->total);
	model_assert(m, potad_space_size(m->space) == stat->total, "of another size");
	model_assert(m, stat->free == (sums.free << m->shift) + rest,
		     "%llu free, not %llu", stat->free, (sums.free << m->shift) + rest);
	model_assert(m, stat->allocated == sums.allocated << m->shift,
		     "%llu allocated, not %llu", stat->allocated, sums.allocated << m->shift);
	model_assert(m, stat->retired == sums.retired, "%llu retired, not %llu",
		     stat->retired, sums.retired);
	model_assert(m, stat->pending == sums.pending, "%llu pending, not %llu",
		     stat->pending, sums.pending);
	for (k = 0; k <= POTAD_MAX_ORDER; k++)
		model_assert(m, stat->blocks[k] == m->blocks[k],
			     "%llu free blocks of order %u, not %llu",
			     stat->blocks[k], k, m->blocks[k]);
}

void potad_model_compare_units(struct potad_model *m)
{
	unsigned int i;
	u64 u;

	potad_model_compare(m);
	for (i = 0; i < m->spans; i++) {
		for (u = 0; u < m->span[i].nr; u++) {
			potad_model_query(m, m->span[i].first + u);
			if (!(u % 256))
				cond_resched();
		}
	}
}

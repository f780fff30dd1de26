// SPDX-License-Identifier: GPL-2.0
/* The model of a space; what it is for is told in model.h. */
#include <linux/err.h>
#include <linux/string.h>

#include "common.h"
#include "model.h"

/* What a granule is: one of these, or ALLOCATED and the order of its block. */
#define FREE		0x00
#define ALLOCATED	0x80
#define FAILED		0x40	/* allocated, and will be retired */
#define RETIRED		0xff

#define order_of(c)	((c) & 0x3f)

/* Ends the test unless @cond; says where in the run it was. */
#define model_assert(model, cond, fmt, ...) do {				\
	const struct potad_model *__m = (model);				\
										\
	KUNIT_ASSERT_TRUE_MSG(__m->test, cond, "%llu granules, call %llu: " fmt, \
			      __m->nr, __m->ops, ##__VA_ARGS__);		\
} while (0)

static bool is_allocated(u8 c)
{
	return c != FREE && c != RETIRED;
}

static bool all_free(const struct potad_model *m, u64 first, unsigned int order)
{
	return !memchr_inv(m->map + first, FREE, 1ULL << order);
}

static bool has_free(const struct potad_model *m, unsigned int order)
{
	u64 first;

	for (first = 0; first + (1ULL << order) <= m->nr; first += 1ULL << order)
		if (all_free(m, first, order))
			return true;
	return false;
}

static void destroy(void *space)
{
	potad_space_destroy(space);
}

struct potad_model *potad_model_create(struct kunit *test, u64 granules)
{
	struct potad_model *m = potad_test_memory(test, sizeof(*m));

	m->test = test;
	m->nr = granules;
	m->map = potad_test_memory(test, granules);
	m->live = potad_test_memory(test, granules * sizeof(*m->live));
	m->at = potad_test_memory(test, granules * sizeof(*m->at));
	m->space = potad_space_create(granules);
	if (PTR_ERR_OR_ZERO(m->space) == -ENOMEM)
		kunit_skip(test, "no memory for a space of %llu granules", granules);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->space);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy, m->space));
	return m;
}

/* Returns the first granule, or POTAD_NOWHERE. */
u64 potad_model_alloc(struct potad_model *m, unsigned int order)
{
	u64 first = POTAD_NOWHERE;
	int err;

	m->ops++;
	err = potad_space_alloc(m->space, order, &first);
	if (order > fls64(m->nr) - 1) {
		model_assert(m, err == -EINVAL, "order %u: %d", order, err);
		return POTAD_NOWHERE;
	}
	if (err) {
		model_assert(m, err == -ENOSPC, "order %u: %d", order, err);
		model_assert(m, !has_free(m, order),
			     "order %u was refused, and is there", order);
		return POTAD_NOWHERE;
	}

	model_assert(m, first < m->nr && (1ULL << order) <= m->nr - first,
		     "order %u at %llu is outside", order, first);
	model_assert(m, !(first & ((1ULL << order) - 1)),
		     "order %u at %llu is not aligned", order, first);
	model_assert(m, all_free(m, first, order),
		     "order %u at %llu was not all free", order, first);
	memset(m->map + first, ALLOCATED | order, 1ULL << order);
	m->at[first] = m->nr_live;
	m->live[m->nr_live].first = first;
	m->live[m->nr_live].order = order;
	m->nr_live++;
	return first;
}

static int expected_of_free(const struct potad_model *m, u64 granule,
			    unsigned int order)
{
	u8 c;

	if (order > fls64(m->nr) - 1 || granule >= m->nr ||
	    m->nr - granule < 1ULL << order)
		return -ERANGE;
	if (granule & ((1ULL << order) - 1))
		return -EINVAL;
	c = m->map[granule];
	if (c == RETIRED)
		return -EHWPOISON;
	if (c == FREE)
		return -ENOENT;
	return order_of(c) == order ? 0 : -EINVAL;
}

/* Returns what the space said, which was what it had to say. */
int potad_model_free(struct potad_model *m, u64 granule, unsigned int order)
{
	int expected = expected_of_free(m, granule, order);
	int err;
	u64 g;

	m->ops++;
	err = potad_space_free(m->space, granule, order);
	model_assert(m, err == expected, "free of order %u at %llu: %d, not %d",
		     order, granule, err, expected);
	if (err)
		return err;

	for (g = granule; g < granule + (1ULL << order); g++)
		m->map[g] = m->map[g] & FAILED ? RETIRED : FREE;
	m->nr_live--;
	m->live[m->at[granule]] = m->live[m->nr_live];
	m->at[m->live[m->nr_live].first] = m->at[granule];
	return 0;
}

int potad_model_retire(struct potad_model *m, u64 granule)
{
	int ret, expected;
	u8 *c = &m->map[granule];

	m->ops++;
	ret = potad_space_retire(m->space, granule);
	if (granule >= m->nr)
		expected = -ERANGE;
	else if (*c == FREE)
		expected = POTAD_FREE;
	else if (*c & FAILED)	/* or RETIRED */
		expected = -EHWPOISON;
	else
		expected = POTAD_ALLOCATED;
	model_assert(m, ret == expected, "retiring %llu: %d, not %d", granule,
		     ret, expected);
	if (ret == POTAD_FREE)
		*c = RETIRED;
	else if (ret == POTAD_ALLOCATED)
		*c |= FAILED;
	return ret;
}

int potad_model_restore(struct potad_model *m, u64 granule)
{
	int ret, expected;
	u8 *c = &m->map[granule];

	m->ops++;
	ret = potad_space_restore(m->space, granule);
	if (granule >= m->nr)
		expected = -ERANGE;
	else
		expected = *c & FAILED ? 0 : -EINVAL;
	model_assert(m, ret == expected, "restoring %llu: %d, not %d", granule,
		     ret, expected);
	if (!ret)
		*c = *c == RETIRED ? FREE : *c & ~FAILED;
	return ret;
}

void potad_model_query(struct potad_model *m, u64 granule)
{
	struct potad_extent e = { };
	enum potad_state state;
	unsigned int order;
	u64 first = 0;
	int err;
	u8 c;

	m->ops++;
	err = potad_space_query(m->space, granule, &e);
	if (granule >= m->nr) {
		model_assert(m, err == -ERANGE, "query of %llu: %d", granule, err);
		return;
	}
	model_assert(m, !err, "query of %llu: %d", granule, err);
	c = m->map[granule];
	if (c == RETIRED) {
		state = POTAD_RETIRED;
		order = 0;
	} else if (c == FREE) {
		state = POTAD_FREE;
		for (order = 0; order < POTAD_MAX_ORDER; order++) {
			first = granule & ~((2ULL << order) - 1);
			if (first + (2ULL << order) > m->nr ||
			    !all_free(m, first, order + 1))
				break;
		}
	} else {
		state = POTAD_ALLOCATED;
		order = order_of(c);
	}
	first = granule & ~((1ULL << order) - 1);
	model_assert(m, e.state == state && e.first == first && e.order == order,
		     "query of %llu: state %u order %u at %llu, not state %u order %u at %llu",
		     granule, e.state, e.order, e.first, state, order, first);
	model_assert(m, e.failed == (is_allocated(c) && c & FAILED),
		     "query of %llu: failed %u", granule, e.failed);
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

/* Cuts @nr free granules at @first into the largest aligned blocks. */
static void count_run(u64 first, u64 nr, u64 *blocks)
{
	while (nr) {
		unsigned int order = fls64(nr) - 1;

		if (first)
			order = min_t(unsigned int, order, __ffs64(first));
		blocks[order]++;
		first += 1ULL << order;
		nr -= 1ULL << order;
	}
}

void potad_model_compare(struct potad_model *m)
{
	u64 g, run = 0, free = 0, allocated = 0, retired = 0, pending = 0;
	struct potad_space_stat *stat = &m->stat;
	u64 *blocks = m->blocks;
	const char *wrong;
	unsigned int k;

	wrong = potad_space_validate(m->space);
	model_assert(m, !wrong, "%s", wrong);

	potad_space_stat(m->space, stat);
	memset(m->blocks, 0, sizeof(m->blocks));
	for (g = 0; g < m->nr; g++) {
		u8 c = m->map[g];

		if (c == FREE) {
			run++;
			continue;
		}
		free += run;
		count_run(g - run, run, blocks);
		run = 0;
		if (c == RETIRED)
			retired++;
		else
			allocated++;
		if (is_allocated(c) && c & FAILED)
			pending++;
	}
	free += run;
	count_run(g - run, run, blocks);

	model_assert(m, stat->total == m->nr, "%llu in total", stat->total);
	model_assert(m, stat->free == free, "%llu free, not %llu", stat->free, free);
	model_assert(m, stat->allocated == allocated, "%llu allocated, not %llu",
		     stat->allocated, allocated);
	model_assert(m, stat->retired == retired, "%llu retired, not %llu",
		     stat->retired, retired);
	model_assert(m, stat->pending == pending, "%llu pending, not %llu",
		     stat->pending, pending);
	for (k = 0; k <= POTAD_MAX_ORDER; k++)
		model_assert(m, stat->blocks[k] == blocks[k],
			     "%llu free blocks of order %u, not %llu",
			     stat->blocks[k], k, blocks[k]);
}

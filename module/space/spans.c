// SPDX-License-Identifier: GPL-2.0
/*
 * The spans of a space: those that come, those that go; its beginning and end.
 *
 * The set is an array that is replaced as a whole under spans_mutex, and read
 * under RCU: interrupts off will do.  A span that shall go is closed first, so
 * that nothing more is taken from it; when all those are done who had found it
 * open, it is either unused, and goes, or is opened again.
 */
#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "span.h"

/* Marks for failed granules of blocks in use that a reserve has. */
#define POTAD_RESERVED_FAILED	64U

/* Memory of the space's own */

void *potad_meta_alloc(struct potad_space *s, size_t bytes)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;
	char *p = s->reserve;

	if (!s->reserve_end && bytes < PAGE_SIZE)
		return kzalloc(roundup_pow_of_two(bytes), gfp);
	if (!s->reserve_end)
		return __vmalloc(bytes, gfp);
	bytes = ALIGN(bytes, SMP_CACHE_BYTES);
	if (bytes > (size_t)(s->reserve_end - p))
		return NULL;
	s->reserve += bytes;
	return memset(p, 0, bytes);
}

void potad_meta_free(struct potad_space *s, void *p)
{
	if (!s->reserve_end)
		kvfree(p);
}

static bool points_into(const struct potad_group *g, const struct potad_span *span)
{
	return g && g->span == span;
}

/* The set of spans */

/* The largest order of which a block fits between two numbers. */
static unsigned int order_between(u64 first, u64 end)
{
	unsigned int k = fls64(end - first) - 1;

	while (ALIGN(first, 1ULL << k) + (1ULL << k) > end)
		k--;
	return k;
}

/* From now on these are the spans; returns what was before, seen by nobody. */
static void spans_replace(struct potad_space *s, struct potad_spans *spans)
{
	struct potad_spans *old = potad_spans_locked(s);
	unsigned int i, k, max = 0;
	u64 nr = 0;

	for (i = 0; i < spans->nr; i++) {
		k = order_between(spans->span[i]->first, spans->span[i]->end);
		max = max(max, k);
		nr += spans->span[i]->end - spans->span[i]->first;
	}
	rcu_assign_pointer(s->spans, spans);
	WRITE_ONCE(s->max_order, max);
	WRITE_ONCE(s->end, i ? spans->span[i - 1]->end : 0);
	atomic64_set(&s->nr, nr);
	if (old) {
		synchronize_rcu();
		potad_meta_free(s, old);
	}
}

static struct potad_spans *spans_alloc(struct potad_space *s, unsigned int nr)
{
	struct potad_spans *spans;

	spans = potad_meta_alloc(s, struct_size(spans, span, nr));
	if (spans)
		spans->nr = nr;
	return spans;
}

static int add_span(struct potad_space *s, u64 first, u64 end, bool populate)
{
	struct potad_spans *old = potad_spans_locked(s), *spans;
	struct potad_span *span;
	unsigned int i, nr = old ? old->nr : 0, at = 0;

	for (i = 0; i < nr; i++) {
		if (first < old->span[i]->end && old->span[i]->first < end)
			return -EEXIST;
		if (old->span[i]->first < first)
			at = i + 1;
	}
	/* Rather than to try, and leave nothing for anybody else. */
	if (populate && !s->reserve_end &&
	    potad_span_needs(first, end) >> PAGE_SHIFT > totalram_pages())
		return -ENOMEM;
	spans = spans_alloc(s, nr + 1);
	if (!spans)
		return -ENOMEM;
	span = potad_span_create(s, first, end, populate);
	if (!span) {
		potad_meta_free(s, spans);
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++)
		spans->span[i < at ? i : i + 1] = old->span[i];
	spans->span[at] = span;
	spans_replace(s, spans);
	return 0;
}

/**
 * potad_space_add_span() - more numbers
 * @s: the space, in use or not
 * @first: the first of them
 * @granules: how many
 * @populate: take all memory that the span will ever need now, about two bits
 *	      for each granule; otherwise each 65536 granules get theirs when the
 *	      first of them is needed, and an allocation may fail for lack of it
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL if there are none, or they go beyond what there can be;
 * -EEXIST if some are there already; -ENOMEM; -EOPNOTSUPP if the space lives in
 * its caller's reserve.
 */
int potad_space_add_span(struct potad_space *s, u64 first, u64 granules,
			 bool populate)
{
	int err;

	if (!granules || first >= POTAD_SPACE_END ||
	    granules > POTAD_SPACE_END - first || granules == POTAD_SPACE_END)
		return -EINVAL;
	if (s->reserve_end)
		return -EOPNOTSUPP;
	mutex_lock(&s->spans_mutex);
	err = add_span(s, first, first + granules, populate);
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_add_span);

/*
 * Makes every CPU forget groups of a span that it cannot find any more.  (The CPU
 * itself may meanwhile have gone to another group: that one is left alone.)
 */
static void habits_forget(struct potad_space *s, const struct potad_span *span)
{
	unsigned int cpu, m, big;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct potad_habit *habit = &s->habit[cpu];

		for (m = 0; m < POTAD_MOBILITIES; m++) {
			for (big = 0; big < 2; big++) {
				struct potad_group *g = READ_ONCE(habit->home[m][big]);

				if (points_into(g, span) &&
				    cmpxchg(&habit->home[m][big], g, NULL) == g)
					potad_group_claim(g, false);
			}
		}
		if (points_into(READ_ONCE(habit->last), span))
			WRITE_ONCE(habit->last, NULL);
		if (READ_ONCE(habit->span) == span)
			WRITE_ONCE(habit->span, NULL);
	}
	synchronize_rcu();	/* those who had just read one */
}

/* How many of a span's granules are retired. */
static u64 span_retired(const struct potad_span *span)
{
	struct potad_group *g;
	u64 nr, broken = 0;

	for (nr = 0; (g = potad_span_next(span, 0, &nr)); nr++)
		broken += READ_ONCE(g->nr_broken);
	return broken - potad_span_holes(span);
}

/*
 * Are all of its granules free or retired?  Counted from the top down: what is
 * freed meanwhile, and raised, may be left out, but never counts twice.
 */
static bool span_is_unused(const struct potad_span *span)
{
	unsigned int t = span->tiers;
	u64 nr, free = 0;
	struct potad_group *g;

	while (t--)
		for (nr = 0; (g = potad_span_next(span, t, &nr)); nr++)
			free += (u64)READ_ONCE(g->nr_free) << (t * POTAD_GROUP_SHIFT);
	return free + span_retired(span) == span->end - span->first;
}

/*
 * Nothing is taken from a closed span.  Who finds nothing elsewhere while one
 * is closed looks again, as it may not go after all: see search().
 */
static void span_close(struct potad_space *s, struct potad_span *span)
{
	WRITE_ONCE(s->closing, s->closing + 1);
	smp_wmb();	/* @closing is odd as long as anything is closed */
	WRITE_ONCE(span->closed, true);
	synchronize_rcu();	/* those who had found it open */
	habits_forget(s, span);
}

static void span_closing_ends(struct potad_space *s)
{
	smp_wmb();	/* until it is open again, or gone */
	WRITE_ONCE(s->closing, s->closing + 1);
}

static int remove_span(struct potad_space *s, u64 first)
{
	struct potad_spans *old = potad_spans_locked(s), *spans;
	struct potad_span *span;
	unsigned int at, i;

	for (at = 0; at < old->nr; at++)
		if (old->span[at]->first == first)
			break;
	if (at == old->nr)
		return -ENOENT;
	span = old->span[at];
	if (!span_is_unused(span))
		return -EBUSY;
	spans = spans_alloc(s, old->nr - 1);
	if (!spans)
		return -ENOMEM;

	span_close(s, span);
	if (!span_is_unused(span)) {
		WRITE_ONCE(span->closed, false);
		span_closing_ends(s);
		potad_meta_free(s, spans);
		return -EBUSY;
	}
	for (i = 0; i < spans->nr; i++)
		spans->span[i] = old->span[i < at ? i : i + 1];
	atomic64_sub(span_retired(span), &s->nr_retired);
	spans_replace(s, spans);
	span_closing_ends(s);
	habits_forget(s, span);
	/*
	 * Twice: a free of what is not allocated may have gone by way of the span that
	 * its CPU remembered, and so have come to remember a group of it once more.
	 */
	habits_forget(s, span);
	potad_span_destroy(span);
	return 0;
}

/**
 * potad_space_remove_span() - fewer numbers
 * @s: the space, in use
 * @first: the first granule of one of its spans, which must be free, or retired
 *
 * While it is found out whether anybody uses it, nothing is taken from it.
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOENT if no span begins there; -EBUSY if there are blocks in it
 * (cached ones too); -ENOMEM; -EOPNOTSUPP if the space lives in its caller's
 * reserve.
 */
int potad_space_remove_span(struct potad_space *s, u64 first)
{
	int err;

	if (s->reserve_end)
		return -EOPNOTSUPP;
	mutex_lock(&s->spans_mutex);
	err = remove_span(s, first);
	mutex_unlock(&s->spans_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(potad_space_remove_span);

/* Creation, and the end */

/* Everything but the spans. */
static int space_init(struct potad_space *s)
{
	struct potad_spans *none;
	unsigned int cpu, i;

	raw_spin_lock_init(&s->spare_lock);
	INIT_LIST_HEAD(&s->spare);
	mutex_init(&s->spans_mutex);
	s->habit = potad_meta_alloc(s, nr_cpu_ids * sizeof(*s->habit));
	none = spans_alloc(s, 0);
	RCU_INIT_POINTER(s->spans, none);
	if (!s->habit || !none)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		s->habit[cpu].space = s;
	for (i = 0; s->reserve_end && i < POTAD_RESERVED_FAILED; i++) {
		struct potad_failed *f = potad_meta_alloc(s, sizeof(*f));

		if (!f)
			return -ENOMEM;
		list_add_tail(&f->list, &s->spare);
	}
	return 0;
}

/**
 * potad_space_create_empty() - a new space without any span
 *
 * Context: Process context; may sleep.
 * Return: the space, or an error pointer: -ENOMEM.
 */
struct potad_space *potad_space_create_empty(void)
{
	struct potad_space *s = kzalloc_obj(*s, GFP_KERNEL);

	if (!s)
		return ERR_PTR(-ENOMEM);
	if (space_init(s)) {
		potad_space_destroy(s);
		return ERR_PTR(-ENOMEM);
	}
	return s;
}
EXPORT_SYMBOL_GPL(potad_space_create_empty);

/**
 * potad_space_create() - a new space of one span, all of it free
 * @granules: how many, 1 .. 2^48 - 1: 0 .. @granules - 1
 *
 * All memory that the space will ever need is taken here: about two bits for
 * each granule, 22 KiB at the least.  (A granule that fails while allocated
 * takes a few bytes more; see potad_space_retire().)
 *
 * Context: Process context; may sleep.
 * Return: the space, or an error pointer: -EINVAL, -ENOMEM.
 */
struct potad_space *potad_space_create(u64 granules)
{
	struct potad_space *s = potad_space_create_empty();
	int err;

	if (IS_ERR(s))
		return s;
	err = potad_space_add_span(s, 0, granules, true);
	if (err) {
		potad_space_destroy(s);
		return ERR_PTR(err);
	}
	return s;
}
EXPORT_SYMBOL_GPL(potad_space_create);

/**
 * potad_space_reserve_size() - what a space needs that lives in a reserve
 * @first: its first granule
 * @granules: how many
 *
 * Return: bytes; 0 if there can be no such space.
 */
size_t potad_space_reserve_size(u64 first, u64 granules)
{
	struct potad_spans *spans;
	size_t span;

	if (!granules || first >= POTAD_SPACE_END ||
	    granules > POTAD_SPACE_END - first || granules == POTAD_SPACE_END)
		return 0;
	span = potad_span_needs(first, first + granules);
	return span + ALIGN(sizeof(struct potad_space), SMP_CACHE_BYTES) +
	       ALIGN(nr_cpu_ids * sizeof(struct potad_habit), SMP_CACHE_BYTES) +
	       ALIGN(struct_size(spans, span, 0), SMP_CACHE_BYTES) +
	       ALIGN(struct_size(spans, span, 1), SMP_CACHE_BYTES) +
	       POTAD_RESERVED_FAILED *
	       ALIGN(sizeof(struct potad_failed), SMP_CACHE_BYTES);
}
EXPORT_SYMBOL_GPL(potad_space_reserve_size);

/**
 * potad_space_create_reserved() - a new space in its caller's memory
 * @first: its first granule
 * @granules: how many
 * @reserve: where; aligned to 64 bytes; in use until potad_space_destroy(),
 *	     after which it is the caller's again
 * @size: how much: potad_space_reserve_size() says what is needed
 *
 * No allocator of any kind is called, now or later: for those who are there
 * before the slab allocator, or under it.  64 granules can fail while they are
 * in use.  Spans can be neither added nor removed.
 *
 * Context: Process context, or early in boot.
 * Return: the space, or an error pointer: -EINVAL; -ENOSPC if @size is too
 * small.
 */
struct potad_space *potad_space_create_reserved(u64 first, u64 granules,
						void *reserve, size_t size)
{
	size_t needed = potad_space_reserve_size(first, granules);
	struct potad_space *s = reserve;

	if (!needed || !IS_ALIGNED((unsigned long)reserve, SMP_CACHE_BYTES))
		return ERR_PTR(-EINVAL);
	if (size < needed)
		return ERR_PTR(-ENOSPC);
	memset(s, 0, sizeof(*s));
	s->reserve = (char *)reserve + ALIGN(sizeof(*s), SMP_CACHE_BYTES);
	s->reserve_end = (char *)reserve + needed;
	if (WARN_ON_ONCE(space_init(s)))
		return ERR_PTR(-ENOSPC);
	mutex_lock(&s->spans_mutex);
	if (WARN_ON_ONCE(add_span(s, first, first + granules, true)))
		s = ERR_PTR(-ENOSPC);
	mutex_unlock(&((struct potad_space *)reserve)->spans_mutex);
	return s;
}
EXPORT_SYMBOL_GPL(potad_space_create_reserved);

/**
 * potad_space_destroy() - the end of a space
 * @s: the space, or NULL; nobody uses it any more
 *
 * Blocks that are still allocated go with it: their numbers have no meaning
 * from now on.
 *
 * Context: Process context; may sleep.
 */
void potad_space_destroy(struct potad_space *s)
{
	struct potad_failed *f, *next;
	struct potad_spans *spans;
	unsigned int i;

	if (!s)
		return;
	spans = rcu_dereference_protected(s->spans, true);
	for (i = 0; spans && i < spans->nr; i++)
		potad_span_destroy(spans->span[i]);
	potad_meta_free(s, spans);
	potad_meta_free(s, s->habit);
	if (s->reserve_end)
		return;
	list_for_each_entry_safe(f, next, &s->spare, list)
		kfree(f);
	kfree(s);
}
EXPORT_SYMBOL_GPL(potad_space_destroy);

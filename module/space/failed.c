// SPDX-License-Identifier: GPL-2.0
/*
 * Failed granules: those that must never be handed out again.
 *
 * A free granule is taken out of the maps at once: it is broken from then on,
 * as a hole is.  One in an allocated block cannot be marked in the maps, which
 * have no room for that; it is put on a list of the group that the block was
 * cut from, and taken out when the block comes back, before anybody else can
 * see any of it.  What that needs (the mark, and the groups on the way down to
 * the granule) is there from the moment of the failure on: the free allocates
 * nothing.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "../include/compat.h"
#include "span.h"

/* A failed granule of this block, if there is one left. */
static struct potad_failed *first_failed(struct list_head *pending, u64 granule,
					 unsigned int order)
{
	struct potad_failed *f;

	list_for_each_entry(f, pending, list)
		if (f->granule >> order == granule >> order)
			return f;
	return NULL;
}

/*
 * The granules of a block that failed while it was out are retired now: it is
 * a free block of @g, which is locked; @pending has them.  What failed in one
 * group below is retired before that one is unlocked for the first time, so
 * that nobody can be given any of it.
 */
void potad_retire_pending(struct potad_group *g, struct list_head *pending,
			  u64 granule, unsigned int order)
{
	struct potad_space *s = g->span->space;
	struct potad_failed *f;

	while ((f = first_failed(pending, granule, order))) {
		potad_group_break(g, potad_unit(f->granule, g->tier));
		if (g->tier) {
			struct potad_group *below;

			below = potad_span_wake(g, f->granule, g->mobility);
			potad_retire_pending(below, pending, f->granule,
					     g->tier * POTAD_GROUP_SHIFT);
			potad_group_changed(below);
		} else {
			atomic64_inc(&s->nr_retired);
			atomic64_dec(&s->nr_pending);
			raw_spin_lock(&s->spare_lock);
			list_move(&f->list, &s->spare);
			raw_spin_unlock(&s->spare_lock);
		}
	}
}

struct potad_failed *potad_find_failed(struct potad_group *g, u64 granule)
{
	return first_failed(&g->pending, granule, 0);
}

static struct potad_failed *failed_get(struct potad_space *s)
{
	struct potad_failed *f;
	unsigned long flags;

	raw_spin_lock_irqsave(&s->spare_lock, flags);
	f = list_first_entry_or_null(&s->spare, struct potad_failed, list);
	if (f)
		list_del(&f->list);
	raw_spin_unlock_irqrestore(&s->spare_lock, flags);
	if (f || s->reserve_end)
		return f;
	return kmalloc_obj(*f, GFP_KERNEL);
}

static void failed_put(struct potad_space *s, struct potad_failed *f)
{
	unsigned long flags;

	if (!f)
		return;
	raw_spin_lock_irqsave(&s->spare_lock, flags);
	list_add_tail(&f->list, &s->spare);
	raw_spin_unlock_irqrestore(&s->spare_lock, flags);
}

/* @f is a mark to be used, or NULL; *@used is set if it was. */
static int retire(struct potad_span *span, u64 granule, struct potad_failed *f,
		  bool *used)
{
	struct potad_space *s = span->space;
	struct potad_habit *habit;
	struct potad_group *g;
	enum potad_code code;
	unsigned long flags;
	bool in_top;
	int ret;

	local_irq_save(flags);
	habit = potad_habit(s);
	potad_begin(habit);
	g = potad_path_lock(span, granule, &code, &in_top);
	switch (code) {
	case POTAD_CODE_BROKEN:
		ret = -EHWPOISON;
		break;
	case POTAD_CODE_FREE:
		potad_span_retire(g, granule);
		ret = POTAD_FREE;
		break;
	default:
		if (potad_find_failed(g, granule)) {
			ret = -EHWPOISON;
		} else if (f) {
			f->granule = granule;
			list_add_tail(&f->list, &g->pending);
			*used = true;
			atomic64_inc(&s->nr_pending);
			ret = POTAD_ALLOCATED;
		} else {
			ret = -EAGAIN;
		}
		break;
	}
	potad_path_unlock(g, granule);
	potad_end(habit);
	local_irq_restore(flags);
	return ret;
}

/**
 * potad_space_retire() - a granule must never be handed out again
 * @s: the space
 * @granule: the granule
 *
 * A free granule is out of use from now on.  One that is part of an allocated
 * block is marked, and out of use as soon as the block comes back.  Its
 * neighbours stay in use, and merge around it.
 *
 * Context: Process context; may sleep.
 * Return: POTAD_FREE or POTAD_ALLOCATED, what the granule was; -ERANGE if it
 * lies in no span; -EHWPOISON if it was retired, or marked, before; -ENOMEM,
 * and nothing is marked.
 */
int potad_space_retire(struct potad_space *s, u64 granule)
{
	struct potad_failed *f = NULL;
	struct potad_span *span;
	bool used = false;
	int ret;

	mutex_lock(&s->spans_mutex);
	span = potad_span_of(s, granule);
	ret = span ? potad_span_populate(span, granule, 0, GFP_KERNEL) : -ERANGE;
	if (!ret)
		ret = retire(span, granule, NULL, &used);
	if (ret == -EAGAIN) {
		f = failed_get(s);
		ret = f ? retire(span, granule, f, &used) : -ENOMEM;
	}
	if (!used)
		failed_put(s, f);
	mutex_unlock(&s->spans_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(potad_space_retire);

static int restore(struct potad_span *span, u64 granule)
{
	struct potad_space *s = span->space;
	struct potad_failed *f = NULL;
	struct potad_habit *habit;
	struct potad_group *g;
	enum potad_code code;
	bool in_top, whole = false;
	unsigned long flags;
	int ret = 0;

	local_irq_save(flags);
	habit = potad_habit(s);
	potad_begin(habit);
	g = potad_path_lock(span, granule, &code, &in_top);
	if (code == POTAD_CODE_BROKEN) {
		potad_group_return(g, potad_unit(granule, g->tier));
		whole = potad_group_is_whole(g);
		atomic64_dec(&s->nr_retired);
	} else {
		f = potad_find_failed(g, granule);
		if (f) {
			list_del(&f->list);
			atomic64_dec(&s->nr_pending);
		} else {
			ret = -EINVAL;
		}
	}
	potad_path_unlock(g, granule);
	if (whole)
		potad_span_raise(g);
	potad_end(habit);
	local_irq_restore(flags);
	failed_put(s, f);
	return ret;
}

/**
 * potad_space_restore() - undo potad_space_retire()
 * @s: the space
 * @granule: the granule
 *
 * For tests, and for failures that turned out to be none.
 *
 * Context: Process context; may sleep.
 * Return: 0, and the granule is free, or stays in its block as if nothing had
 * been; -ERANGE if it lies in no span; -EINVAL if it was not retired.
 */
int potad_space_restore(struct potad_space *s, u64 granule)
{
	struct potad_span *span;
	int ret;

	mutex_lock(&s->spans_mutex);
	span = potad_span_of(s, granule);
	ret = span ? restore(span, granule) : -ERANGE;
	mutex_unlock(&s->spans_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(potad_space_restore);

/**
 * potad_space_has_failed() - is a granule of this block marked?
 * @s: the space
 * @granule: first granule of a block that the caller has
 * @order: its order
 *
 * For an owner who must know whether potad_space_retire() came between the
 * allocation and the moment at which others could see whose the block is: it
 * makes that visible, then has a full barrier, then asks.
 *
 * Context: Any but NMI.
 * Return: true if one is.
 */
bool potad_space_has_failed(struct potad_space *s, u64 granule,
			    unsigned int order)
{
	struct potad_group *g = NULL;
	struct potad_span *span;
	unsigned long flags;
	bool ret = false;

	if (likely(!atomic64_read(&s->nr_pending)))
		return false;
	local_irq_save(flags);
	span = potad_span_of(s, granule);
	if (span && order / POTAD_GROUP_SHIFT < span->tiers)
		g = potad_span_group(span, order / POTAD_GROUP_SHIFT, granule);
	if (g) {
		potad_group_lock(g);
		ret = first_failed(&g->pending, granule, order);
		potad_group_unlock(g);
	}
	local_irq_restore(flags);
	return ret;
}
EXPORT_SYMBOL_GPL(potad_space_has_failed);

/* For potad_space_validate(): is what is pending in @g allocated from @g? */
const char *potad_pending_check(struct potad_group *g, u64 *pending)
{
	const char *wrong = NULL;
	struct potad_failed *f;
	bool in_top;

	raw_spin_lock_irq(&g->lock);
	list_for_each_entry(f, &g->pending, list) {
		enum potad_code code;

		code = potad_group_code(g, potad_unit(f->granule, g->tier), &in_top);
		if (code & POTAD_CODE_FREE ||
		    potad_group_nr(f->granule, g->tier) != g->nr)
			wrong = "failed granule that is not allocated";
		(*pending)++;
	}
	raw_spin_unlock_irq(&g->lock);
	return wrong;
}

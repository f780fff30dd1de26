// SPDX-License-Identifier: GPL-2.0
/*
 * Parts: several blocks, here and there, of one descriptor.
 *
 *	word of the first block  --> descriptor [ life | place | owner's | parts ]
 *	                                 ^                                   |
 *	word of another --> part [ 0 | place | desc ] <---------------------- +
 *
 * A part is as small a descriptor as there can be: which block it is, and whose.
 * It has no references of its own: to hold the descriptor is to hold all of its
 * blocks, but for those that the owner gives up.  With the last reference all
 * that are left go at once.
 *
 * Whoever has a descriptor's list of parts in his hands: the owner, who may add
 * and free from several CPUs at once, under the type's parts_lock; with the last
 * reference gone, nobody else.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "pool.h"

static unsigned long part_word(const struct potad_type *type, const struct potad_part *part)
{
	return (unsigned long)&part->head | type->tag;
}

/* Nobody finds it any more. */
static void part_release(struct potad_type *type, struct potad_part *part)
{
	u64 place = part->head.place;
	u64 granule = potad_pool_granule(type->pool, potad_place_phys(place));
	unsigned int order = potad_place_order(place);

	trace_potad_free(potad_place_phys(place), order, type->name);
	potad_memory_return(type, granule, order);
	WRITE_ONCE(part->desc, NULL);
	potad_part_delete(part);
	this_cpu_sub(type->count->bytes, 1LL << (type->granule_shift + order));
}

static bool part_clear(struct potad_type *type, struct potad_part *part)
{
	u64 place = part->head.place;

	return potad_index_clear(&type->pool->index,
				 potad_pool_granule(type->pool, potad_place_phys(place)),
				 potad_place_order(place), part_word(type, part));
}

int potad_alloc_part(const struct potad_block *block, unsigned int order, gfp_t gfp,
		     struct potad_block *part)
{
	struct potad_type *type = block->type;
	struct potad_part *new;
	struct potad_desc *desc;
	unsigned long flags;
	u64 granule;
	int err;

	might_alloc(gfp);
	if (!type->parts)
		return -EOPNOTSUPP;
	desc = potad_data_desc(type, block->data);
	if (!potad_desc_get(desc))
		return -ENOENT;
	err = -ENOENT;
	if (potad_desc_generation(desc) != block->generation)
		goto out;
	err = -ENOMEM;
	new = potad_part_new(gfp & ~__GFP_ZERO);
	if (!new)
		goto out;
	do {
		err = potad_memory_take(type, order, gfp, &granule);
		if (err)
			goto out_part;
		WRITE_ONCE(new->head.place, POTAD_PLACE_PART |
			   potad_place(potad_pool_phys(type->pool, granule),
				       type->granule_shift, order, type->nr));
		WRITE_ONCE(new->desc, desc);
		err = potad_memory_describe(type, granule, order, gfp, part_word(type, new));
	} while (err == -EAGAIN);
	if (err)
		goto out_part;

	this_cpu_add(type->count->bytes, 1LL << (type->granule_shift + order));
	potad_block_fill(type, new->head.place, block->generation, block->data, part);
	trace_potad_alloc(part->phys, order, type->name, 0);
	raw_spin_lock_irqsave(&type->parts_lock, flags);
	list_add_tail(&new->list, potad_desc_parts(type, desc));
	raw_spin_unlock_irqrestore(&type->parts_lock, flags);
	goto out;

out_part:
	WRITE_ONCE(new->desc, NULL);
	potad_part_delete(new);
out:
	{
		struct potad_block ref = *block;

		ref.part = false;
		potad_put(&ref);
	}
	return err;
}
EXPORT_SYMBOL_GPL(potad_alloc_part);

/* For potad_free(): one part alone. */
int potad_part_free(const struct potad_block *block)
{
	struct potad_type *type = block->type;
	struct potad_desc *desc = potad_data_desc(type, block->data);
	struct potad_part *part, *found = NULL;
	unsigned long flags;

	if (!potad_desc_get(desc))
		return -ENOENT;
	if (potad_desc_generation(desc) == block->generation) {
		raw_spin_lock_irqsave(&type->parts_lock, flags);
		list_for_each_entry(part, potad_desc_parts(type, desc), list) {
			if (potad_place_phys(part->head.place) != block->phys ||
			    potad_place_order(part->head.place) != block->order)
				continue;
			found = part;
			list_del(&part->list);
			break;
		}
		raw_spin_unlock_irqrestore(&type->parts_lock, flags);
	}
	if (found && !WARN_ON_ONCE(!part_clear(type, found)))
		part_release(type, found);
	potad_put(block);
	return found ? 0 : -ENOENT;
}

/* The last reference of @desc has gone, and with it go its parts. */
void potad_parts_release(struct potad_type *type, struct potad_desc *desc)
{
	struct list_head *parts = potad_desc_parts(type, desc);
	struct potad_part *part, *next;

	list_for_each_entry_safe(part, next, parts, list)
		if (!WARN_ON_ONCE(!part_clear(type, part)))
			part_release(type, part);
	INIT_LIST_HEAD(parts);
}

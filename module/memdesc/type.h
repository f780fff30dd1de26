/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types of blocks, and the slab caches of their descriptors.
 *
 * A descriptor is one object of the type's own cache: the header of desc.h, and
 * behind it the owner's part, at the alignment that the owner wants.
 *
 *	byte 0        8          @offset (16, or more)
 *	     [ life   | place    | owner's part ... | list of parts, if wanted ]
 *
 * Where the owner has memory of its own, the header is in that, and @offset 0:
 * then the owner's part is the whole.
 */
#ifndef POTAD_MEMDESC_TYPE_H
#define POTAD_MEMDESC_TYPE_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../include/potad.h"
#include "desc.h"

struct potad_stock;

/*
 * Numbers of types: as many as a place (desc.h) has room for; 0 and 1 are none, because
 * those tags have a meaning of their own (word.h).
 */
#define POTAD_TYPE_FIRST	2
#define POTAD_TYPE_END		(POTAD_PLACE_TYPE + 1)
#define POTAD_TYPES		(POTAD_TYPE_END - POTAD_TYPE_FIRST)

/* What other modules leave is for potad's own. */
#define POTAD_OWN_TYPES		(POTAD_TYPES - POTAD_MAX_TYPES)

/* What happened to blocks that no stock has counted; by CPU, only sums matter. */
struct potad_type_count {
	u64			allocs;
	u64			frees;
	s64			bytes;
	long			pins;
	u32			generation;	/* of blocks without descriptors */
};

struct potad_type {
	/*
	 * All that a hit in the stock needs, in one line.  Constant as long as
	 * there are blocks.
	 */
	struct potad_stock __percpu *stock;	/* NULL: there is none */
	void			(*init)(void *data, void *arg);
	void			(*release)(void *data);
	struct module		*module;	/* NULL: this one */
	struct potad_pool	*pool;
	u32			desc_size;
	u16			offset;		/* of the owner's part */
	u8			nr;
	u8			tag;		/* of its words, for @nr: word.h */
	u8			granule_shift;
	bool			own;		/* descriptors are the owner's */
	bool			parts;
	bool			leaving;	/* not to be found by name; the   */
						/* table's mutex		   */

	/* Constant after registration */
	struct potad_ops	ops ____cacheline_aligned;
	struct kmem_cache	*cache;		/* NULL: own, or no descriptors */
	struct potad_type_count __percpu *count;
	enum potad_mobility	mobility;
	char			name[POTAD_NAME_MAX + 1];

	raw_spinlock_t		parts_lock;	/* protects lists of parts */
	unsigned int		users;		/* potad_type_get(); the table's */
						/* mutex			 */
} __aligned(512);
static_assert(offsetof(struct potad_type, ops) == 64);
/* An allocation of a power of two is aligned to it. */
static_assert(sizeof(struct potad_type) == 512);

static inline bool potad_type_has_desc(const struct potad_type *type)
{
	return type->desc_size;
}

static inline void *potad_desc_data(const struct potad_type *type,
				    struct potad_desc *desc)
{
	return (void *)desc + type->offset;
}

static inline struct potad_desc *potad_data_desc(const struct potad_type *type,
						 void *data)
{
	return data - type->offset;
}

/* Where a descriptor keeps the list of its parts, if its type can have any. */
static inline struct list_head *potad_desc_parts(const struct potad_type *type,
						 struct potad_desc *desc)
{
	return potad_desc_data(type, desc) +
	       ALIGN(type->desc_size, __alignof__(struct list_head));
}

/*
 * If the type is another module's, that stays loaded as long as a block of it
 * lives.
 */
static inline void potad_type_hold(struct potad_type *type)
{
	if (type->module)
		__module_get(type->module);
}

static inline void potad_type_let_go(struct module *module)
{
	if (module)
		module_put(module);
}

/*
 * A pin keeps a type for somebody who has found a word of it, but can take no
 * reference to a block because there are no descriptors.  Pinned under
 * rcu_read_lock().
 */
static inline void potad_type_pin(struct potad_type *type)
{
	this_cpu_inc(type->count->pins);
}

static inline void potad_type_unpin(struct potad_type *type)
{
	this_cpu_dec(type->count->pins);
}

struct potad_type *potad_type_create(const struct potad_type_info *info);
void potad_type_destroy(struct potad_type *type);
struct potad_type *potad_type_by_nr(unsigned int nr);
struct potad_type *potad_type_get(const char *name);
void potad_type_put(struct potad_type *type);
bool potad_type_hide(struct potad_type *type, bool hide);
struct potad_type_count potad_type_counts(const struct potad_type *type);
void potad_type_count_reset(struct potad_type *type);
unsigned int potad_type_footprint(const struct potad_type *type);
void potad_type_for_each(void (*fn)(struct potad_type *type, void *arg),
			 void *arg);

int potad_parts_init(void);
void potad_parts_exit(void);
struct potad_part *potad_part_new(gfp_t gfp);
void potad_part_delete(struct potad_part *part);

#endif /* POTAD_MEMDESC_TYPE_H */

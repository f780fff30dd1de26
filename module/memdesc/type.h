/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types of blocks, and their descriptors.
 *
 * A descriptor is one object of the type's own slab cache: a header of 16
 * bytes, which is potad's, and behind it the owner's part.
 *
 *	byte 0        4       5      6        8                 16
 *	     [ ref   | order | tag  | flags  | first granule    | owner's ... ]
 *
 * The caches are SLAB_TYPESAFE_BY_RCU: whoever found a descriptor's address
 * under rcu_read_lock() may look at the header.  It is a descriptor of that
 * type, though perhaps no longer of that block: take a reference unless there
 * is none, and then look whether it is the right block.
 *
 * A reference count of 0 with the word still set means that the block is about
 * to come or about to go.
 */
#ifndef POTAD_MEMDESC_TYPE_H
#define POTAD_MEMDESC_TYPE_H

#include <linux/build_bug.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "../include/potad.h"

struct potad_desc {
	refcount_t	ref;
	u8		order;
	u8		tag;
	u16		freed;		/* its owner has freed it: xchg */
	u64		first;		/* granule */
} __aligned(16);
static_assert(sizeof(struct potad_desc) == 16);

/* What lives of a type on one CPU's account; only the sum has a meaning. */
struct potad_type_count {
	long			blocks;
	s64			bytes;
	long			pins;
};

struct potad_type {
	/* Constant after registration */
	char			name[POTAD_NAME_MAX + 1];
	unsigned int		tag;
	unsigned int		desc_size;
	enum potad_mobility	mobility;
	struct potad_ops	ops;
	struct module		*module;
	struct kmem_cache	*cache;		/* NULL if desc_size is 0 */
	struct potad_type_count __percpu *count;

	unsigned int		users;		/* potad_type_get(); the table's */
						/* mutex			 */
};

static inline void *potad_desc_data(struct potad_desc *desc)
{
	return desc + 1;
}

static inline struct potad_desc *potad_data_desc(void *data)
{
	return (struct potad_desc *)data - 1;
}

/*
 * A block of the type is born.  If the type is another module's, that stays
 * loaded as long as the block lives.
 */
static inline void potad_type_add(struct potad_type *type, s64 bytes)
{
	if (type->module != THIS_MODULE)
		__module_get(type->module);
	this_cpu_inc(type->count->blocks);
	this_cpu_add(type->count->bytes, bytes);
}

/*
 * A block of the type is gone.  Unregistering waits for a grace period between
 * finding no block and freeing the type.
 */
static inline void potad_type_sub(struct potad_type *type, s64 bytes)
{
	struct module *module = type->module;

	rcu_read_lock();
	this_cpu_sub(type->count->bytes, bytes);
	this_cpu_dec(type->count->blocks);
	rcu_read_unlock();
	if (module != THIS_MODULE)
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

struct potad_type *potad_type_by_tag(unsigned int tag);
struct potad_type *potad_type_get(const char *name);
void potad_type_put(struct potad_type *type);
struct potad_type_count potad_type_live(struct potad_type *type);
unsigned int potad_type_footprint(const struct potad_type *type);
void potad_type_for_each(void (*fn)(struct potad_type *type, void *arg),
			 void *arg);

#endif /* POTAD_MEMDESC_TYPE_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The table of types.
 *
 * Each has a number (2 .. 31), to which the words of its blocks lead.  Sixteen are for
 * other modules, the rest is potad's own, so that neither can take the other's place.
 * To make one is rare and takes a mutex; from number to type goes without a lock,
 * because whoever has a live block's word has a registered type.
 */
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "type.h"
#include "word.h"

static DEFINE_MUTEX(types_mutex);	/* protects all of types[] for writing, */
					/* and each type's @users		*/
static struct potad_type __rcu *types[POTAD_TYPES];	/* by number */

static bool name_ok(const char *name)
{
	size_t i, len = strnlen(name, POTAD_NAME_MAX + 1);

	if (!len || len > POTAD_NAME_MAX)
		return false;
	for (i = 0; i < len; i++)
		/* The kernel's letters are Latin-1's. */
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && name[i] != '-' && name[i] != '_'))
			return false;
	return true;
}

static struct potad_type *type_at(unsigned int i)
{
	return rcu_dereference_protected(types[i],
					 lockdep_is_held(&types_mutex));
}

static struct potad_type *find_locked(const char *name)
{
	unsigned int i;

	for (i = 0; i < POTAD_TYPES; i++)
		if (type_at(i) && !strcmp(type_at(i)->name, name))
			return type_at(i);
	return NULL;
}

/* The types of potad's own, or of all others. */
static unsigned int count_locked(bool own)
{
	unsigned int i, nr = 0;

	for (i = 0; i < POTAD_TYPES; i++)
		if (type_at(i) && own == !type_at(i)->module)
			nr++;
	return nr;
}

/* The first that is not in use, of which there is one if the sums are kept to. */
static unsigned int free_place(void)
{
	unsigned int i = 0;

	while (type_at(i))
		i++;
	return i;
}

/* A new descriptor page: no references, for those who look at it too late. */
static void desc_ctor(void *p)
{
	struct potad_desc *desc = p;

	/* Generations of another block that was here before should not come again. */
	atomic64_set(&desc->life, (u64)get_random_u32() << 32);
	desc->place = 0;
}

/* Where a descriptor's owner's part begins, and where all of it ends. */
static unsigned int owners_offset(const struct potad_type_info *info)
{
	if (info->flags & POTAD_TYPE_OWN)
		return 0;
	return max_t(unsigned int, sizeof(struct potad_desc), info->desc_align);
}

static int type_slab(struct potad_type *type)
{
	unsigned int size = type->offset + type->desc_size;
	char name[POTAD_NAME_MAX + 12];

	if (type->parts)
		size = type->offset + ALIGN(type->desc_size, __alignof__(struct list_head)) +
		       sizeof(struct list_head);
	snprintf(name, sizeof(name), "potad-type-%s", type->name);
	type->cache = kmem_cache_create(name, size, type->offset, SLAB_TYPESAFE_BY_RCU,
					desc_ctor);
	return type->cache ? 0 : -ENOMEM;
}

/* Frees what potad_type_create() has made. */
static void type_free(struct potad_type *type)
{
	kmem_cache_destroy(type->cache);
	free_percpu(type->count);
	kfree(type);
}

/* NULL: potad itself. */
static struct module *module_of(const struct potad_type_info *info)
{
	return info->module == THIS_MODULE ? NULL : info->module;
}

static struct potad_type *type_new(const struct potad_type_info *info)
{
	struct potad_type *type = kzalloc_obj(*type, GFP_KERNEL);

	if (!type)
		return NULL;
	strscpy(type->name, info->name, sizeof(type->name));
	type->desc_size = info->desc_size;
	type->offset = owners_offset(info);
	type->own = info->flags & POTAD_TYPE_OWN;
	type->parts = info->flags & POTAD_TYPE_PARTS;
	type->mobility = info->mobility;
	type->module = module_of(info);
	if (info->ops)
		type->ops = *info->ops;
	type->init = type->ops.init;
	type->release = type->ops.release;
	/* Until it has a pool. */
	type->leaving = true;
	raw_spin_lock_init(&type->parts_lock);
	type->count = alloc_percpu(struct potad_type_count);
	if (!type->count || (type->desc_size && !type->own && type_slab(type))) {
		type_free(type);
		return NULL;
	}
	return type;
}

/* Without one, nothing would keep the owner's code; only what is built in has none. */
static bool module_ok(const struct potad_type_info *info)
{
	const struct module *potad = THIS_MODULE;

	return info->module || !potad;
}

static bool ops_ok(const struct potad_type_info *info)
{
	static const struct potad_ops none;
	const struct potad_ops *ops = info->ops ?: &none;
	bool own = info->flags & POTAD_TYPE_OWN;

	if (!info->desc_size && memcmp(ops, &none, sizeof(none)))
		return false;
	if (own != !!ops->gone || (own && ops->init))
		return false;
	return info->mobility != POTAD_MOVABLE || ops->migrate;
}

static bool sizes_ok(const struct potad_type_info *info)
{
	if (info->desc_size > POTAD_DESC_MAX)
		return false;
	if (info->flags & POTAD_TYPE_OWN)
		return info->desc_size >= sizeof(struct potad_desc) && !info->desc_align &&
		       !(info->flags & POTAD_TYPE_PARTS);
	if (!info->desc_size)
		return !info->desc_align && !(info->flags & POTAD_TYPE_PARTS);
	return !info->desc_align || (is_power_of_2(info->desc_align) &&
				     info->desc_align <= POTAD_DESC_MAX);
}

/**
 * potad_type_create() - a new type of blocks, in the table
 * @info: what it is; copied
 *
 * Context: Process context; may sleep.
 * Return: the type, or an error pointer: -EINVAL for a name that is empty, too
 * long or has odd characters, a descriptor larger than 4 KiB or of an alignment
 * that is none, operations that need a descriptor where there is none, one missing
 * that must be there, or no module; -EEXIST if the name is in use; -ENOSPC if there are
 * %POTAD_MAX_TYPES of other modules already (or all of the module's own); -ENOMEM.
 */
struct potad_type *potad_type_create(const struct potad_type_info *info)
{
	struct potad_type *type;
	unsigned int most;
	int err;

	if (!info || !info->name || !name_ok(info->name) ||
	    (unsigned int)info->mobility >= POTAD_MOBILITIES ||
	    info->flags & ~(POTAD_TYPE_OWN | POTAD_TYPE_PARTS) ||
	    !module_ok(info) || !sizes_ok(info) || !ops_ok(info))
		return ERR_PTR(-EINVAL);

	mutex_lock(&types_mutex);
	err = -EEXIST;
	if (find_locked(info->name))
		goto fail;
	err = -ENOSPC;
	most = module_of(info) ? POTAD_MAX_TYPES : POTAD_OWN_TYPES;
	if (count_locked(!module_of(info)) >= most) {
		pr_warn("potad: no place for type %s: there are %u\n", info->name, most);
		goto fail;
	}
	err = -ENOMEM;
	type = type_new(info);
	if (!type)
		goto fail;
	type->nr = POTAD_TYPE_FIRST + free_place();
	type->tag = potad_type_tag(type->nr, potad_type_has_desc(type));
	rcu_assign_pointer(types[type->nr - POTAD_TYPE_FIRST], type);
	mutex_unlock(&types_mutex);
	return type;
fail:
	mutex_unlock(&types_mutex);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_create);

/**
 * potad_type_destroy() - the end of a type
 * @type: the type; there are no blocks of it, and will be none
 *
 * Context: Process context; may sleep: waits for who has found it by its number.
 */
void potad_type_destroy(struct potad_type *type)
{
	mutex_lock(&types_mutex);
	RCU_INIT_POINTER(types[type->nr - POTAD_TYPE_FIRST], NULL);
	synchronize_rcu();
	/* Nobody finds it any more; who has found it is about to let go. */
	while (potad_type_counts(type).pins)
		usleep_range(100, 1000);
	type_free(type);
	/* Only now: an old word must not be read by a new type's rules. */
	mutex_unlock(&types_mutex);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_destroy);

/*
 * From now on the type is not found by its name, or is again.  False if somebody
 * uses it by name, and nothing has changed.
 */
bool potad_type_hide(struct potad_type *type, bool hide)
{
	bool used;

	mutex_lock(&types_mutex);
	used = type->users;
	if (!used)
		type->leaving = hide;
	mutex_unlock(&types_mutex);
	return !used;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_hide);

/*
 * From the number of a type, 31 at the most, to the type.  Under rcu_read_lock(), or with
 * a reference to a block of the type.  NULL if there is none (any more).
 */
struct potad_type *potad_type_by_nr(unsigned int nr)
{
	if (nr < POTAD_TYPE_FIRST)
		return NULL;
	return rcu_dereference_check(types[nr - POTAD_TYPE_FIRST], 1);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_by_nr);

/**
 * potad_type_get() - a type by its name
 * @name: the name
 *
 * The type and the module that registered it stay until potad_type_put().
 *
 * Context: Process context; may sleep.
 * Return: the type; -ENOENT, or -ENODEV if its module is being unloaded.
 */
struct potad_type *potad_type_get(const char *name)
{
	struct potad_type *type;

	mutex_lock(&types_mutex);
	type = find_locked(name);
	if (!type || type->leaving)
		type = ERR_PTR(-ENOENT);
	else if (type->module && !try_module_get(type->module))
		type = ERR_PTR(-ENODEV);
	else
		type->users++;
	mutex_unlock(&types_mutex);
	return type;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_get);

void potad_type_put(struct potad_type *type)
{
	struct module *module = type->module;

	mutex_lock(&types_mutex);
	type->users--;
	mutex_unlock(&types_mutex);
	potad_type_let_go(module);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_put);

/* The sums over all CPUs. */
struct potad_type_count potad_type_counts(const struct potad_type *type)
{
	struct potad_type_count sum = { };
	int cpu;

	for_each_possible_cpu(cpu) {
		struct potad_type_count *c = per_cpu_ptr(type->count, cpu);

		sum.allocs += READ_ONCE(c->allocs);
		sum.frees += READ_ONCE(c->frees);
		sum.bytes += READ_ONCE(c->bytes);
		sum.pins += READ_ONCE(c->pins);
	}
	return sum;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_counts);

/* Nothing has happened.  There is no block, and nobody looks. */
void potad_type_count_reset(struct potad_type *type)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct potad_type_count *c = per_cpu_ptr(type->count, cpu);

		c->allocs = 0;
		c->frees = 0;
		c->bytes = 0;
	}
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_count_reset);

/*
 * Bytes that one descriptor really takes in its cache: behind it, because
 * readers may still look at a free one, is the slab's own pointer.
 */
unsigned int potad_type_footprint(const struct potad_type *type)
{
	if (!type->cache)
		return 0;
	return ALIGN(kmem_cache_size(type->cache) + sizeof(void *), type->offset);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_footprint);

void potad_type_for_each(void (*fn)(struct potad_type *type, void *arg),
			 void *arg)
{
	unsigned int i;

	mutex_lock(&types_mutex);
	for (i = 0; i < POTAD_TYPES; i++)
		if (type_at(i))
			fn(type_at(i), arg);
	mutex_unlock(&types_mutex);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_for_each);

/* Parts, of all types. */
static struct kmem_cache *part_cache;

static void part_ctor(void *p)
{
	struct potad_part *part = p;

	atomic64_set(&part->head.life, 0);
	part->head.place = POTAD_PLACE_PART;
	part->desc = NULL;
}

int __init potad_parts_init(void)
{
	part_cache = kmem_cache_create("potad-part", sizeof(struct potad_part),
				       __alignof__(struct potad_part),
				       SLAB_TYPESAFE_BY_RCU, part_ctor);
	return part_cache ? 0 : -ENOMEM;
}

void potad_parts_exit(void)
{
	kmem_cache_destroy(part_cache);
}

struct potad_part *potad_part_new(gfp_t gfp)
{
	return kmem_cache_alloc(part_cache, gfp);
}

void potad_part_delete(struct potad_part *part)
{
	kmem_cache_free(part_cache, part);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The table of types.
 *
 * At most 14, each with a tag of its own (2 .. 15) that goes into the words of
 * its blocks.  Registration is rare and takes a mutex; from tag to type goes
 * without a lock, because whoever has a live block's word has a registered
 * type.
 */
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "type.h"
#include "word.h"

static DEFINE_MUTEX(types_mutex);	/* protects all of types[] for writing, */
					/* and each type's @users		*/
static struct potad_type __rcu *types[POTAD_MAX_TYPES];

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

	for (i = 0; i < POTAD_MAX_TYPES; i++)
		if (type_at(i) && !strcmp(type_at(i)->name, name))
			return type_at(i);
	return NULL;
}

/* A new descriptor page: no references, for those who look at it too late. */
static void desc_ctor(void *p)
{
	struct potad_desc *desc = p;

	refcount_set(&desc->ref, 0);
}

static void type_destroy(struct potad_type *type)
{
	kmem_cache_destroy(type->cache);
	free_percpu(type->count);
	kfree(type);
}

static struct potad_type *type_create(const struct potad_type_info *info)
{
	struct potad_type *type = kzalloc_obj(*type, GFP_KERNEL);

	if (!type)
		return NULL;
	strscpy(type->name, info->name, sizeof(type->name));
	type->desc_size = info->desc_size;
	type->mobility = info->mobility;
	type->module = info->module;
	if (info->ops)
		type->ops = *info->ops;
	type->count = alloc_percpu(struct potad_type_count);
	if (!type->count)
		goto fail;
	if (type->desc_size) {
		char name[POTAD_NAME_MAX + 12];

		snprintf(name, sizeof(name), "potad-type-%s", type->name);
		type->cache = kmem_cache_create(name, sizeof(struct potad_desc) +
						type->desc_size,
						__alignof__(struct potad_desc),
						SLAB_TYPESAFE_BY_RCU, desc_ctor);
		if (!type->cache)
			goto fail;
	}
	return type;
fail:
	type_destroy(type);
	return NULL;
}

/**
 * potad_type_register() - a new type of blocks
 * @info: what it is; copied
 *
 * Context: Process context; may sleep.
 * Return: the type, or an error pointer: -EINVAL for a name that is empty, too
 * long or has odd characters, a descriptor larger than 4 KiB, or operations
 * that need a descriptor where there is none; -EEXIST if the name is in use;
 * -ENOSPC if all 14 tags are; -ENOMEM.
 */
struct potad_type *potad_type_register(const struct potad_type_info *info)
{
	struct potad_type *type;
	unsigned int i;
	int err;

	if (!info || !info->name || !name_ok(info->name) ||
	    info->desc_size > POTAD_DESC_MAX ||
	    (unsigned int)info->mobility >= POTAD_MOBILITIES)
		return ERR_PTR(-EINVAL);
	if (!info->desc_size && info->ops &&
	    (info->ops->init || info->ops->release ||
	     info->ops->memory_failure || info->ops->describe))
		return ERR_PTR(-EINVAL);

	mutex_lock(&types_mutex);
	err = -EEXIST;
	if (find_locked(info->name))
		goto fail;
	err = -ENOSPC;
	for (i = 0; i < POTAD_MAX_TYPES; i++)
		if (!type_at(i))
			break;
	if (i == POTAD_MAX_TYPES)
		goto fail;
	err = -ENOMEM;
	type = type_create(info);
	if (!type)
		goto fail;
	type->tag = POTAD_TAG_TYPE + i;
	rcu_assign_pointer(types[i], type);
	mutex_unlock(&types_mutex);
	return type;
fail:
	mutex_unlock(&types_mutex);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(potad_type_register);

/**
 * potad_type_unregister() - the end of a type
 * @type: from potad_type_register(); the caller allocates no more of it
 *
 * Context: Process context; may sleep.
 * Return: 0, and @type is gone; -EBUSY if blocks of it live, or somebody is
 * using it by name: nothing has changed.
 */
int potad_type_unregister(struct potad_type *type)
{
	mutex_lock(&types_mutex);
	if (type->users || potad_type_live(type).blocks) {
		mutex_unlock(&types_mutex);
		return -EBUSY;
	}
	RCU_INIT_POINTER(types[type->tag - POTAD_TAG_TYPE], NULL);
	synchronize_rcu();
	/* Nobody finds it any more; who has found it is about to let go. */
	while (potad_type_live(type).pins)
		usleep_range(100, 1000);
	type_destroy(type);
	/* Only now: an old word must not be read by a new type's rules. */
	mutex_unlock(&types_mutex);
	return 0;
}
EXPORT_SYMBOL_GPL(potad_type_unregister);

/*
 * From the tag of a word to its type.  Under rcu_read_lock(), or with a
 * reference to a block of the type.  NULL if there is none (any more).
 */
struct potad_type *potad_type_by_tag(unsigned int tag)
{
	if (tag < POTAD_TAG_TYPE)
		return NULL;
	return rcu_dereference_check(types[tag - POTAD_TAG_TYPE], 1);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_by_tag);

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
	if (!type)
		type = ERR_PTR(-ENOENT);
	else if (type->module != THIS_MODULE && !try_module_get(type->module))
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
	if (module != THIS_MODULE)
		module_put(module);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_put);

/* The sums over all CPUs. */
struct potad_type_count potad_type_live(struct potad_type *type)
{
	struct potad_type_count sum = { };
	int cpu;

	for_each_possible_cpu(cpu) {
		struct potad_type_count *c = per_cpu_ptr(type->count, cpu);

		sum.blocks += READ_ONCE(c->blocks);
		sum.bytes += READ_ONCE(c->bytes);
		sum.pins += READ_ONCE(c->pins);
	}
	return sum;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_live);

/*
 * Bytes that one descriptor really takes in its cache: behind it, because
 * readers may still look at a free one, is the slab's own pointer.
 */
unsigned int potad_type_footprint(const struct potad_type *type)
{
	if (!type->cache)
		return 0;
	return ALIGN(kmem_cache_size(type->cache) + sizeof(void *),
		     __alignof__(struct potad_desc));
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_footprint);

void potad_type_for_each(void (*fn)(struct potad_type *type, void *arg),
			 void *arg)
{
	unsigned int i;

	mutex_lock(&types_mutex);
	for (i = 0; i < POTAD_MAX_TYPES; i++)
		if (type_at(i))
			fn(type_at(i), arg);
	mutex_unlock(&types_mutex);
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_for_each);

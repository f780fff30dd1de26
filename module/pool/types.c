// SPDX-License-Identifier: GPL-2.0
/*
 * The types that a pool serves.
 *
 * The table of types (memdesc/type.c) knows names and tags; here a type gets its
 * pool, and loses it.  It has one from potad_type_bind() to potad_type_unbind(),
 * and blocks can only be had in between.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "../include/compat.h"
#include "pool.h"
#include "stock.h"

/**
 * potad_type_bind() - blocks of this type come from this pool
 * @type: a type that has none
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 * Return: 0; -EBUSY if it has one; -ENOMEM.
 */
int potad_type_bind(struct potad_type *type, struct potad_pool *pool)
{
	if (type->pool)
		return -EBUSY;
	type->granule_shift = pool->granule_shift;
	type->pool = pool;
	if (type->cache && potad_stock_create(type)) {
		type->pool = NULL;
		return -ENOMEM;
	}
	mutex_lock(&pool->types_mutex);
	pool->types[type->nr - POTAD_TYPE_FIRST] = type;
	mutex_unlock(&pool->types_mutex);
	potad_type_hide(type, false);
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_bind);

/* Adds what has happened to the blocks of a type that stays bound meanwhile. */
void potad_type_past(const struct potad_type *type, struct potad_pool_count *past)
{
	struct potad_type_count count = potad_type_counts(type);
	struct potad_stock_stat stat;

	potad_stock_stat(type, &stat);
	past->hits += stat.pops;
	past->allocs += stat.pops + count.allocs;
	past->frees += stat.pushes + count.frees;
}

/* All types that the pool serves now; they stay as long as @fn runs.  @fn may not sleep long. */
void potad_pool_visit_types(struct potad_pool *pool, potad_type_fn fn, void *arg)
{
	unsigned int i;

	mutex_lock(&pool->types_mutex);
	for (i = 0; i < POTAD_TYPES; i++)
		if (pool->types[i])
			fn(pool->types[i], arg);
	mutex_unlock(&pool->types_mutex);
}

/* What there is of a type that stays bound meanwhile. */
struct potad_live potad_type_live(const struct potad_type *type)
{
	struct potad_type_count count = potad_type_counts(type);
	struct potad_stock_stat stat;
	struct potad_live live;

	potad_stock_stat(type, &stat);
	live.blocks = count.allocs - count.frees + stat.pops - stat.pushes;
	live.bytes = count.bytes + stat.bytes;
	live.pins = count.pins;
	return live;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_live);

/**
 * potad_type_unbind() - no more blocks of this type
 * @type: the type; the caller allocates no more of it
 *
 * Context: Process context; may sleep.
 * Return: 0; -EBUSY if blocks of it live, and nothing has changed.
 */
int potad_type_unbind(struct potad_type *type)
{
	struct potad_pool *pool = type->pool;

	if (!pool)
		return 0;
	if (potad_type_live(type).blocks)
		return -EBUSY;
	/* Who has just freed the last one is about to let go: see count_free(). */
	synchronize_rcu();
	mutex_lock(&pool->types_mutex);
	potad_type_past(type, &pool->past);
	pool->types[type->nr - POTAD_TYPE_FIRST] = NULL;
	mutex_unlock(&pool->types_mutex);
	/* Nobody finds a word of it any more; who has found one is about to let go. */
	while (potad_type_counts(type).pins)
		usleep_range(100, 1000);
	if (type->stock)
		potad_stock_destroy(type);
	potad_type_count_reset(type);
	type->pool = NULL;
	return 0;
}
EXPORT_SYMBOL_POTAD_TESTS(potad_type_unbind);

struct potad_type *potad_type_register(struct potad_pool *pool,
				       const struct potad_type_info *info)
{
	struct potad_type *type = potad_type_create(info);
	int err;

	if (IS_ERR(type))
		return type;
	err = potad_type_bind(type, pool);
	if (!err)
		return type;
	potad_type_destroy(type);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(potad_type_register);

int potad_type_unregister(struct potad_type *type)
{
	int err = -EBUSY;

	if (!potad_type_hide(type, true))
		return err;
	err = potad_type_unbind(type);
	if (err)
		potad_type_hide(type, false);
	else
		potad_type_destroy(type);
	return err;
}
EXPORT_SYMBOL_GPL(potad_type_unregister);

/*
 * The stock of a type gives all back, and looks at what passes through.  The type may
 * be gone by now: then so is its stock.
 */
void potad_pool_be_wary(struct potad_pool *pool, const struct potad_type *type)
{
	unsigned int i;

	mutex_lock(&pool->types_mutex);
	for (i = 0; i < POTAD_TYPES; i++)
		if (pool->types[i] == type && type->stock)
			potad_stock_drain(pool->types[i], true);
	mutex_unlock(&pool->types_mutex);
}

/* What the stocks of all types have goes back; returns how many blocks. */
unsigned int potad_pool_drain_stocks(struct potad_pool *pool)
{
	unsigned int blocks = 0, i;

	mutex_lock(&pool->types_mutex);
	for (i = 0; i < POTAD_TYPES; i++)
		if (pool->types[i] && pool->types[i]->stock)
			blocks += potad_stock_drain(pool->types[i], false);
	mutex_unlock(&pool->types_mutex);
	return blocks;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * An example: a module of its own, whose blocks come from potad.
 *
 * It registers a type (called "note", if not name= says otherwise), takes a block,
 * is told that a part of it has failed, is asked to move, and gives the block up.
 * What it saw stands in its parameters, /sys/module/potad_client/parameters/: told,
 * moved, result (0 or an errno).
 *
 * With keep=1 it takes one more block, which stays until 0 is written to keep.  As
 * long as it has that it cannot be unloaded; as long as it is loaded, potad cannot.
 *
 * To build it, after potad itself:
 *
 *	make -C KDIR M=$PWD/scripts/examples KBUILD_EXTRA_SYMBOLS=$PWD/Module.symvers
 */
#define pr_fmt(fmt) "potad_client: " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "potad.h"

struct note {
	unsigned int	number;
};

static int result, told, moved;
module_param(result, int, 0444);
module_param(told, int, 0444);
module_param(moved, int, 0444);

static char *name = "note";
module_param(name, charp, 0444);

static struct potad_type *type;
static struct potad_block kept;		/* the second block, if @keep */
static bool keep;
static DEFINE_MUTEX(kept_lock);		/* protects both: others can have it moved */

static void note_init(void *data, void *arg)
{
	((struct note *)data)->number = *(unsigned int *)arg;
}

/* What was in the memory can be had again: here, because the test is only one. */
static enum potad_answer note_failure(const struct potad_failure *failure)
{
	const struct note *note = failure->block->data;

	pr_info("note %u: %llu bytes failed at +%llu\n", note->number, failure->length,
		failure->offset);
	told++;
	return POTAD_RECOVERED;
}

/* Nobody else uses the contents, so to copy is enough; and the handle is another. */
static int note_migrate(const struct potad_block *from, const struct potad_block *to)
{
	const struct note *note = from->data;

	memcpy(phys_to_virt(to->phys), phys_to_virt(from->phys), from->bytes);
	moved++;
	if (note->number == 2) {
		mutex_lock(&kept_lock);
		if (kept.generation == from->generation)
			kept = *to;
		mutex_unlock(&kept_lock);
	}
	return 0;
}

static int note_describe(const void *data, char *buf, size_t size)
{
	return scnprintf(buf, size, "note:%u", ((const struct note *)data)->number);
}

static const struct potad_ops note_ops = {
	.init = note_init, .memory_failure = note_failure,
	.migrate = note_migrate, .describe = note_describe,
};

static const struct potad_type_info note_info = {
	.desc_size = sizeof(struct note), .ops = &note_ops,
	.mobility = POTAD_MOVABLE, .module = THIS_MODULE,
};

static int take(unsigned int number, struct potad_block *block)
{
	int order = potad_order(potad_pool_default(), 4096);

	return order < 0 ? order : potad_alloc(type, order, GFP_KERNEL, &number, block);
}

/* The life of a block. */
static int example(void)
{
	struct potad_pool *pool = potad_pool_default();
	struct potad_block block, now;
	int err = take(1, &block);

	if (err)
		return err;
	strscpy(phys_to_virt(block.phys), "remember me", 16);
	err = potad_memory_failure(pool, block.phys + 1024, 1, POTAD_FAIL_INJECTED);
	if (!err)
		err = potad_migrate(pool, block.phys, &now);
	if (!err) {
		/* The handle to go on with; what has failed was left behind. */
		block = now;
		if (strcmp(phys_to_virt(block.phys), "remember me"))
			err = -EIO;
	}
	return potad_free(&block) ?: err;
}

/* While the command line is read there is no type yet: then init takes the block. */
static int keep_set(const char *value, const struct kernel_param *kp)
{
	bool old;
	int err;

	mutex_lock(&kept_lock);
	old = keep;
	err = param_set_bool(value, kp);
	if (!err && type && keep != old)
		err = keep ? take(2, &kept) : potad_free(&kept);
	if (err)
		keep = old;
	mutex_unlock(&kept_lock);
	return err;
}

static const struct kernel_param_ops keep_ops = { .set = keep_set, .get = param_get_bool };
module_param_cb(keep, &keep_ops, &keep, 0644);

static int __init client_init(void)
{
	struct potad_type_info info = note_info;

	info.name = name;
	type = potad_type_register(potad_pool_default(), &info);
	if (IS_ERR(type))
		return PTR_ERR(type);
	result = example();
	pr_info("result %d: told %d times, moved %d times\n", result, told, moved);
	mutex_lock(&kept_lock);
	if (keep && take(2, &kept))
		keep = false;
	mutex_unlock(&kept_lock);
	return 0;
}

static void __exit client_exit(void)
{
	/* With a block of it alive we would not be here. */
	WARN_ON(potad_type_unregister(type));
}

module_init(client_init);
module_exit(client_exit);

MODULE_DESCRIPTION("An example of a module whose blocks come from potad");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * An example: a module of its own, whose blocks come from potad.
 *
 * It registers a type (called "note", if not name= says otherwise), takes a block, is
 * told that a part of it has failed, is asked to move, and gives the block up.  What it
 * saw stands in its parameters: told, moved, result (0 or an errno).  With keep=1 the
 * block stays until 0 is written there: so long neither it nor potad can be unloaded.
 *
 *	make -C KDIR M=$PWD/scripts/examples KBUILD_EXTRA_SYMBOLS=$PWD/Module.symvers
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "potad.h"

static char *name = "note";
static int result, told, moved;
module_param(name, charp, 0444);
module_param(result, int, 0444);
module_param(told, int, 0444);
module_param(moved, int, 0444);

static struct potad_type *type;
static struct potad_block block;
static DEFINE_MUTEX(lock);		/* protects @block: others can have it moved */
static bool keep;

/* The descriptor is one number, the argument of potad_alloc(). */
static void note_init(void *data, void *arg)
{
	*(unsigned int *)data = *(unsigned int *)arg;
}

/* What was in the memory can be had again: here, because the test is only one. */
static enum potad_answer note_failure(const struct potad_failure *failure)
{
	pr_info("potad_client: note %u: %llu bytes failed at +%llu\n",
		*(unsigned int *)failure->block->data, failure->length, failure->offset);
	told++;
	return POTAD_RECOVERED;
}

/* Nobody else uses the contents, so to copy is enough; and the handle is another. */
static int note_migrate(const struct potad_block *from, const struct potad_block *to)
{
	memcpy(phys_to_virt(to->phys), phys_to_virt(from->phys), from->bytes);
	mutex_lock(&lock);
	block = *to;
	mutex_unlock(&lock);
	moved++;
	return 0;
}

static const struct potad_ops note_ops = {
	.init = note_init, .memory_failure = note_failure, .migrate = note_migrate,
};

/* The life of a block. */
static int example(struct potad_pool *pool)
{
	unsigned int number = 1;
	int err = potad_order(pool, 4096);

	mutex_lock(&lock);
	if (err >= 0)
		err = potad_alloc(type, err, GFP_KERNEL, &number, &block);
	mutex_unlock(&lock);
	if (err)
		return err;
	strscpy(phys_to_virt(block.phys), "remember me", 16);
	err = potad_memory_failure(pool, block.phys + 1024, 1, POTAD_FAIL_INJECTED) ?:
	      potad_migrate(pool, block.phys, NULL);
	/* It is elsewhere by now; what has failed was left behind. */
	if (!err && strcmp(phys_to_virt(block.phys), "remember me"))
		err = -EIO;
	return keep ? err : potad_free(&block) ?: err;
}

static int keep_set(const char *value, const struct kernel_param *kp)
{
	bool kept = keep && type;
	int err = param_set_bool(value, kp);

	mutex_lock(&lock);
	if (!err && kept && !keep)
		err = potad_free(&block);
	mutex_unlock(&lock);
	return err;
}

static const struct kernel_param_ops keep_ops = { .set = keep_set, .get = param_get_bool };
module_param_cb(keep, &keep_ops, &keep, 0644);

static int __init client_init(void)
{
	struct potad_type_info info = {
		.name = name, .desc_size = sizeof(unsigned int), .ops = &note_ops,
		.mobility = POTAD_MOVABLE, .module = THIS_MODULE,
	};

	type = potad_type_register(potad_pool_default(), &info);
	if (IS_ERR(type))
		return PTR_ERR(type);
	result = example(potad_pool_default());
	return 0;
}
module_init(client_init);

static void __exit client_exit(void)
{
	WARN_ON(potad_type_unregister(type));	/* with a live block we would not be here */
}
module_exit(client_exit);

MODULE_DESCRIPTION("An example of a module whose blocks come from potad");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * The holder and its types: buf, folio, pgtable and raw.
 *
 *	type     descriptor  stands for                       when memory fails    moves
 *	buf      360 bytes   a buffer of a cache, like an     recovered: it would  yes
 *	                     xfs_buf: 512 bytes to 64 KiB     be read again
 *	folio    96 bytes    page cache                       lost                 yes
 *	pgtable  8 bytes     a page table                     refused              no
 *	raw      none        a driver's buffer                (is not told)        -
 *
 * They stand for real owners only in what their descriptors weigh and in what
 * they answer; what moves is copied.  The handle of each block is in its descriptor.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "../include/compat.h"
#include "../memdesc/type.h"
#include "holder.h"

struct buf {
	unsigned long	handle;
	u8		rest[352];
};

static_assert(sizeof(struct buf) == 360);

struct folio_like {
	unsigned long	handle;
	u8		rest[88];
};

static_assert(sizeof(struct folio_like) == 96);

struct pgtable {
	unsigned long	handle;
};

static DEFINE_XARRAY_ALLOC1(held_blocks);	/* handle -> struct potad_held; */
						/* its lock decides who frees	*/
static unsigned long last_handle;		/* under that lock */

/* Each descriptor begins with the handle. */
static void handle_init(void *data, void *arg)
{
	*(unsigned long *)data = ((struct potad_held *)arg)->handle;
}

static int handle_describe(const void *data, char *buf, size_t size)
{
	return scnprintf(buf, size, "handle:%lu", *(unsigned long *)data);
}

static enum potad_answer buf_failure(const struct potad_failure *failure)
{
	return POTAD_RECOVERED;
}

static enum potad_answer folio_failure(const struct potad_failure *failure)
{
	return POTAD_LOST;
}

static enum potad_answer pgtable_failure(const struct potad_failure *failure)
{
	return POTAD_REFUSED;
}

/*
 * Copies the contents, and from now on has the new block.  Whoever gives the handle
 * up meanwhile is first or second: then it stays where it is, or goes from there.
 */
static int held_migrate(const struct potad_block *from, const struct potad_block *to)
{
	unsigned long handle = *(unsigned long *)from->data;
	struct potad_held *mine;
	u64 done, part;

	for (done = 0; done < from->bytes; done += part) {
		part = min_t(u64, from->bytes - done, SZ_1M);
		memcpy(phys_to_virt(to->phys + done), phys_to_virt(from->phys + done), part);
		cond_resched();
	}
	xa_lock(&held_blocks);
	mine = xa_load(&held_blocks, handle);
	if (mine)
		mine->block = *to;
	xa_unlock(&held_blocks);
	return mine ? 0 : -ENOENT;
}

static int pgtable_migrate(const struct potad_block *from, const struct potad_block *to)
{
	return -EBUSY;	/* who walks it does not ask */
}

static const struct potad_ops buf_ops = {
	.init = handle_init, .describe = handle_describe,
	.memory_failure = buf_failure, .migrate = held_migrate,
};

static const struct potad_ops folio_ops = {
	.init = handle_init, .describe = handle_describe,
	.memory_failure = folio_failure, .migrate = held_migrate,
};

static const struct potad_ops pgtable_ops = {
	.init = handle_init, .describe = handle_describe,
	.memory_failure = pgtable_failure, .migrate = pgtable_migrate,
};

static const struct potad_type_info infos[] = {
	{
		.name = "buf", .desc_size = sizeof(struct buf), .ops = &buf_ops,
		.mobility = POTAD_RECLAIMABLE, .module = THIS_MODULE,
	},
	{
		.name = "folio", .desc_size = sizeof(struct folio_like), .ops = &folio_ops,
		.mobility = POTAD_MOVABLE, .module = THIS_MODULE,
	},
	{
		.name = "pgtable", .desc_size = sizeof(struct pgtable), .ops = &pgtable_ops,
		.mobility = POTAD_PINNED, .module = THIS_MODULE,
	},
	{ .name = "raw", .mobility = POTAD_PINNED, .module = THIS_MODULE },
};

static struct potad_type *types[ARRAY_SIZE(infos)];

/**
 * potad_holder_alloc() - ask for a block by hand
 * @order: its order
 * @type_name: name of its type, one of this module's
 * @held: filled in
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOENT if there is no such type, -EPERM if it is not for this;
 * else as potad_alloc().
 */
int potad_holder_alloc(unsigned int order, const char *type_name,
		       struct potad_held *held)
{
	struct potad_type *type = potad_type_get(type_name);
	struct potad_held *mine;
	int err;

	if (IS_ERR(type))
		return PTR_ERR(type);
	err = -EPERM;
	if (type->module)
		goto out;
	err = -ENOMEM;
	mine = kzalloc_obj(*mine, GFP_KERNEL);
	if (!mine)
		goto out;

	/*
	 * Its place, with nothing in it yet: then nothing else can fail.  The
	 * number is taken first, since inserting may drop the lock.
	 */
	xa_lock(&held_blocks);
	mine->handle = ++last_handle;
	err = __xa_insert(&held_blocks, mine->handle, XA_ZERO_ENTRY, GFP_KERNEL);
	xa_unlock(&held_blocks);
	if (err)
		goto out_free;

	err = potad_alloc(type, order, GFP_KERNEL, mine, &mine->block);
	if (err) {
		xa_erase(&held_blocks, mine->handle);
		goto out_free;
	}
	*held = *mine;
	/*
	 * It has its place, unless somebody has guessed the handle and given
	 * it up before it was given out.  From here on it may be freed.
	 */
	err = xa_err(xa_store(&held_blocks, mine->handle, mine, GFP_KERNEL));
	if (!err)
		goto out;
	potad_free(&mine->block);

out_free:
	kfree(mine);
out:
	potad_type_put(type);
	return err;
}

/**
 * potad_holder_free() - give up a handle, and its block
 * @handle: the handle
 * @held: filled in with what it was
 *
 * Never allocates.
 *
 * Context: Process context.
 * Return: 0; -ENOENT if the handle was never given out, or was given up.
 */
int potad_holder_free(unsigned long handle, struct potad_held *held)
{
	struct potad_held *mine = xa_erase(&held_blocks, handle);

	if (!mine)
		return -ENOENT;
	*held = *mine;
	WARN_ON(potad_free(&mine->block));
	kfree(mine);
	return 0;
}

/**
 * potad_holder_next() - go through all that is held
 * @handle: where to begin; set to the handle found
 * @held: filled in
 *
 * Return: false if there is none from *@handle on.
 */
bool potad_holder_next(unsigned long *handle, struct potad_held *held)
{
	struct potad_held *mine;

	xa_lock(&held_blocks);
	mine = xa_find(&held_blocks, handle, ULONG_MAX, XA_PRESENT);
	if (mine)
		*held = *mine;
	xa_unlock(&held_blocks);
	return mine;
}

static void unregister(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(infos); i++)
		if (types[i])
			WARN_ON(potad_type_unregister(types[i]));
}

/* Registers the types.  Process context; an error as potad_type_register(). */
int potad_holder_init(struct potad_pool *pool)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(infos); i++) {
		struct potad_type *type = potad_type_register(pool, &infos[i]);

		if (IS_ERR(type)) {
			unregister();
			return PTR_ERR(type);
		}
		types[i] = type;
	}
	return 0;
}

/* Gives up all handles and types.  Returns how many blocks that freed. */
unsigned long potad_holder_exit(void)
{
	unsigned long handle = 0, freed = 0;
	struct potad_held held;

	while (potad_holder_next(&handle, &held)) {
		if (!potad_holder_free(handle, &held))
			freed++;
		cond_resched();
	}
	xa_destroy(&held_blocks);
	unregister();
	return freed;
}

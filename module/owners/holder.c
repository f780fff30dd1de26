// SPDX-License-Identifier: GPL-2.0
/*
 * The holder and its types: buf, folio, pgtable and raw.
 *
 *	type     descriptor  stands for                       when memory fails    moves
 *	buf      360 bytes   a buffer of a cache, like an     recovered: it is     yes
 *	                     xfs_buf: 512 bytes to 64 KiB     written again,
 *	                                                      elsewhere
 *	folio    96 bytes    page cache                       lost: who reads it   yes
 *	                                                      gets -EHWPOISON
 *	pgtable  8 bytes     a page table                     refused              no
 *	raw      none        a driver's buffer                (is not told)        -
 *
 * (area, in area.c, is scattered blocks with one descriptor; a run has no type.)
 * They stand for real owners only in what their descriptors weigh and in what
 * they answer; what moves is copied.  The handle of each block is in its descriptor.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/rwsem.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "../include/compat.h"
#include "../pool/pool.h"
#include "area.h"
#include "holder.h"
#include "pattern.h"

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
static struct potad_pool *pool;			/* constant */

/*
 * Where contents are.  Who looks at all of them, copies them, or gives them up has it
 * alone; who maps a page of them has it shared.  Inside of a process' mmap_lock, outside
 * of all of potad's locks and of those of page tables.
 */
static DECLARE_RWSEM(contents);

static struct address_space *mapped;		/* of who has some in his address space: */
						/* NULL until there is one, constant then */

/* Each descriptor begins with the handle. */
static void handle_init(void *data, void *arg)
{
	*(unsigned long *)data = ((struct potad_held *)arg)->handle;
}

static int handle_describe(const void *data, char *buf, size_t size)
{
	return scnprintf(buf, size, "handle:%lu", *(unsigned long *)data);
}

/*
 * Out of all address spaces: whoever touches it from now on asks, by a fault.  @contents is
 * held for writing, so that this takes effect after what is being done.
 */
static void unmap(unsigned long handle)
{
	struct address_space *mapping = READ_ONCE(mapped);

	if (mapping)
		unmap_mapping_range(mapping, (loff_t)handle << POTAD_MAP_SHIFT,
				    1LL << POTAD_MAP_SHIFT, 1);
}

/* Contents are gone, which is remembered as long as there is a handle. */
static void lose(unsigned long handle)
{
	struct potad_held *mine;

	xa_lock(&held_blocks);
	mine = xa_load(&held_blocks, handle);
	if (mine)
		mine->lost = true;
	xa_unlock(&held_blocks);
}

static enum potad_answer folio_failure(const struct potad_failure *failure)
{
	unsigned long handle = *(unsigned long *)failure->block->data;

	down_write(&contents);
	lose(handle);
	unmap(handle);
	up_write(&contents);
	return POTAD_LOST;
}

/*
 * What was in it can be had again: it is written anew, to another block, and the
 * failed one given up.  Who gives the handle up meanwhile gives up the one it has.
 */
static enum potad_answer buf_failure(const struct potad_failure *failure)
{
	const struct potad_block *was = failure->block;
	struct potad_held *mine, again = { .handle = *(unsigned long *)was->data };
	struct potad_block other;

	xa_lock(&held_blocks);
	mine = xa_load(&held_blocks, again.handle);
	again.filled = mine && mine->filled;
	xa_unlock(&held_blocks);
	/* Nothing was in it yet, or it is given up: nothing is lost. */
	if (!again.filled)
		return POTAD_RECOVERED;

	if (potad_alloc(was->type, was->order, GFP_KERNEL, &again, &other))
		return folio_failure(failure);
	down_write(&contents);
	potad_pattern_fill(phys_to_virt(other.phys), other.bytes, again.handle);
	xa_lock(&held_blocks);
	mine = xa_load(&held_blocks, again.handle);
	if (mine && mine->block.data == was->data)
		swap(mine->block, other);
	xa_unlock(&held_blocks);
	unmap(again.handle);
	WARN_ON(potad_free(&other));
	up_write(&contents);
	return POTAD_RECOVERED;
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

	down_write(&contents);
	unmap(handle);
	for (done = 0; done < from->bytes; done += part) {
		part = min_t(u64, from->bytes - done, SZ_1M);
		memcpy(phys_to_virt(to->phys + done), phys_to_virt(from->phys + done), part);
		cond_resched();
	}
	xa_lock(&held_blocks);
	mine = xa_load(&held_blocks, handle);
	/* It may stand for another block by now, or not yet for this: see buf_failure(). */
	if (mine && mine->block.data != from->data)
		mine = NULL;
	if (mine)
		mine->block = *to;
	xa_unlock(&held_blocks);
	up_write(&contents);
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

/*
 * A handle for something that is about to be had: its place in the table, with
 * nothing in it yet, so that nothing else can fail.  The number is taken first,
 * since inserting may drop the lock.
 */
static struct potad_held *held_new(enum potad_held_kind kind)
{
	struct potad_held *mine = kzalloc_obj(*mine, GFP_KERNEL);
	int err;

	if (!mine)
		return ERR_PTR(-ENOMEM);
	mine->kind = kind;
	mine->pieces = 1;
	xa_lock(&held_blocks);
	mine->handle = ++last_handle;
	err = __xa_insert(&held_blocks, mine->handle, XA_ZERO_ENTRY, GFP_KERNEL);
	xa_unlock(&held_blocks);
	if (!err)
		return mine;
	kfree(mine);
	return ERR_PTR(err);
}

/* What it stands for goes back, and with it the rest. */
static void held_end(struct potad_held *mine)
{
	switch (mine->kind) {
	case POTAD_HELD_BLOCK:
		WARN_ON(potad_free(&mine->block));
		break;
	case POTAD_HELD_RUN:
		WARN_ON(potad_run_free(pool, &mine->run));
		break;
	case POTAD_HELD_AREA:
		potad_area_destroy(mine->area);
		break;
	}
	kfree(mine);
}

/* There is nothing to hold. */
static int held_none(struct potad_held *mine, int err)
{
	xa_erase(&held_blocks, mine->handle);
	kfree(mine);
	return err;
}

/*
 * It has its place, unless somebody has guessed the handle and given it up before it
 * was given out.  From here on it may be freed.
 */
static int held_out(struct potad_held *mine, struct potad_held *held)
{
	int err;

	*held = *mine;
	err = xa_err(xa_store(&held_blocks, mine->handle, mine, GFP_KERNEL));
	if (err) {
		held_end(mine);
		return err;
	}
	/* If it failed before there was a handle nobody could say so. */
	if (held->filled && potad_block_has_failed(&held->block))
		lose(held->handle);
	return 0;
}

/* A type of this module's that blocks can be asked for by hand; to be put. */
static struct potad_type *get_type(const char *name)
{
	struct potad_type *type = potad_type_get(name);

	if (IS_ERR(type) || (!type->module && !type->parts))
		return type;
	potad_type_put(type);
	return ERR_PTR(-EPERM);
}

/* How a block is had, for what is the same in both ways. */
struct wish {
	phys_addr_t		phys;	/* this very one, if @at */
	bool			at;
	unsigned int		order;
	bool			fill;
	potad_obstacle_fn	report;
	void			*arg;
};

static int hold_block(const char *type_name, const struct wish *wish,
		      struct potad_held *held)
{
	struct potad_type *type = get_type(type_name);
	struct potad_held *mine;
	int err;

	if (IS_ERR(type))
		return PTR_ERR(type);
	mine = held_new(POTAD_HELD_BLOCK);
	err = PTR_ERR_OR_ZERO(mine);
	if (err)
		goto out;
	if (wish->at)
		err = potad_alloc_at(type, wish->phys, wish->order, GFP_KERNEL, mine,
				     wish->report, wish->arg, &mine->block);
	else
		err = potad_alloc(type, wish->order, GFP_KERNEL, mine, &mine->block);
	if (err) {
		held_none(mine, err);
		goto out;
	}
	if (wish->fill) {
		/* Until it is in its place it does not move: see held_migrate(). */
		potad_pattern_fill(phys_to_virt(mine->block.phys), mine->block.bytes,
				   mine->handle);
		mine->filled = true;
	}
	err = held_out(mine, held);
out:
	potad_type_put(type);
	return err;
}

/**
 * potad_holder_alloc() - ask for a block by hand
 * @order: its order
 * @type: name of its type, one of this module's
 * @fill: write a pattern into it, for potad_holder_check()
 * @held: filled in
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOENT if there is no such type, -EPERM if it is not for this;
 * else as potad_alloc().
 */
int potad_holder_alloc(unsigned int order, const char *type, bool fill,
		       struct potad_held *held)
{
	const struct wish wish = { .order = order, .fill = fill };

	return hold_block(type, &wish, held);
}

/**
 * potad_holder_alloc_at() - ask for one block by hand, whoever has it now
 * @phys: where it begins
 * @order: its order
 * @type: name of its type, one of this module's
 * @report: called for each thing that cannot go
 * @arg: handed to @report
 * @held: filled in
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOENT if there is no such type, -EPERM if it is not for this;
 * else as potad_alloc_at().
 */
int potad_holder_alloc_at(phys_addr_t phys, unsigned int order, const char *type,
			  potad_obstacle_fn report, void *arg, struct potad_held *held)
{
	const struct wish wish = {
		.phys = phys, .at = true, .order = order, .report = report, .arg = arg,
	};

	return hold_block(type, &wish, held);
}

/**
 * potad_holder_run() - ask for adjacent blocks by hand
 * @run: what is wanted; which orders were tried is told in any case
 * @held: filled in
 *
 * Context: Process context; may sleep.
 * Return: as potad_run_alloc().
 */
int potad_holder_run(struct potad_adjacent *run, struct potad_held *held)
{
	struct potad_held *mine = held_new(POTAD_HELD_RUN);
	u64 piece;
	int err;

	if (IS_ERR(mine))
		return PTR_ERR(mine);
	err = potad_run_alloc(pool, run);
	if (err)
		return held_none(mine, err);
	piece = 1ULL << (pool->granule_shift + run->order);
	mine->run = *run;
	mine->block.phys = run->phys;
	mine->block.bytes = run->bytes;
	mine->block.order = run->order;
	mine->pieces = DIV_ROUND_UP_ULL(run->bytes, piece);
	return held_out(mine, held);
}

/**
 * potad_holder_area() - ask for scattered blocks by hand
 * @bytes: how much
 * @order: of what order they are
 * @held: filled in
 *
 * Context: Process context; may sleep.
 * Return: as potad_area_create().
 */
int potad_holder_area(u64 bytes, unsigned int order, struct potad_held *held)
{
	struct potad_held *mine = held_new(POTAD_HELD_AREA);

	if (IS_ERR(mine))
		return PTR_ERR(mine);
	mine->area = potad_area_create(bytes, order, mine->handle);
	if (IS_ERR(mine->area))
		return held_none(mine, PTR_ERR(mine->area));
	mine->block = mine->area->first;
	mine->block.bytes = mine->area->bytes;	/* of all of them */
	mine->pieces = mine->area->nr;
	mine->filled = true;
	return held_out(mine, held);
}

/**
 * potad_holder_check() - are the contents what was written?
 * @handle: of a block that was filled, or of an area
 * @bytes: set to how much was read
 * @sum: set to the sum of the 64-bit words
 *
 * Context: Process context; may sleep.
 * Memory that has failed is not read.
 *
 * Return: 0; -EUCLEAN if not; -EHWPOISON if some of it was lost, or is in memory that
 * has failed; -ENOENT if the handle was never given out, or was given up; -EINVAL if
 * nothing was written.
 */
int potad_holder_check(unsigned long handle, u64 *bytes, u64 *sum)
{
	struct potad_held *mine;
	int err = -EINVAL;

	*sum = 0;
	/* Nobody moves, and nobody gives up. */
	down_write(&contents);
	mine = xa_load(&held_blocks, handle);
	if (!mine) {
		err = -ENOENT;
	} else if (mine->kind == POTAD_HELD_AREA) {
		*bytes = mine->area->bytes;
		err = potad_area_check(mine->area, handle, sum);
	} else if (mine->filled && (mine->lost || potad_block_has_failed(&mine->block))) {
		err = -EHWPOISON;
	} else if (mine->filled) {
		*bytes = mine->block.bytes;
		err = potad_pattern_check(phys_to_virt(mine->block.phys), *bytes, handle,
					  0, sum) ? 0 : -EUCLEAN;
	}
	up_write(&contents);
	return err;
}

/* Of @handle, if it is a block with contents that can be unmapped when it moves or fails. */
static int mappable(unsigned long handle, struct potad_held *held)
{
	struct potad_held *mine;
	int err = 0;

	xa_lock(&held_blocks);
	mine = xa_load(&held_blocks, handle);
	if (!mine)
		err = -ENOENT;
	else if (mine->kind != POTAD_HELD_BLOCK || mine->block.type->ops.migrate != held_migrate)
		err = -EOPNOTSUPP;
	else if (!mine->filled)
		err = -EINVAL;
	else
		*held = *mine;
	xa_unlock(&held_blocks);
	return err;
}

/**
 * potad_holder_map() - may a block be in somebody's address space?
 * @handle: its handle
 * @offset: where it begins to be, in bytes; at a page
 * @bytes: how much of it, in whole pages
 * @mapping: of the file by which it is mapped, at @handle << POTAD_MAP_SHIFT; always the
 *	same one
 *
 * Context: Process context.
 * Return: 0, and faults are to be answered by potad_holder_fault(); -ENOENT if there is
 * no such handle; -EOPNOTSUPP if it is of a kind that cannot be mapped; -EINVAL if nothing
 * was written to it, so that others' contents would be seen; -ENXIO if it has not so much.
 */
int potad_holder_map(unsigned long handle, u64 offset, u64 bytes,
		     struct address_space *mapping)
{
	struct potad_held held;
	int err = mappable(handle, &held);
	u64 most;

	if (err)
		return err;
	/* What is behind that in the file is the next handle's. */
	most = min(held.block.bytes, 1ULL << POTAD_MAP_SHIFT);
	if (offset >= most || bytes > most - offset)
		return -ENXIO;
	WRITE_ONCE(mapped, mapping);
	return 0;
}

/**
 * potad_holder_fault() - a page of a mapped block is touched
 * @handle: its handle
 * @offset: where in the block, in bytes; at a page
 * @vmf: the fault
 *
 * Context: Of a fault.
 * Return: as faults: the page is there; %VM_FAULT_HWPOISON if contents of the block were
 * lost, and the process gets SIGBUS with the address; %VM_FAULT_SIGBUS if there is no
 * such handle any more.
 */
vm_fault_t potad_holder_fault(unsigned long handle, u64 offset, struct vm_fault *vmf)
{
	vm_fault_t ret = VM_FAULT_SIGBUS;
	struct potad_held held;

	down_read(&contents);
	if (!mappable(handle, &held) && offset < held.block.bytes) {
		/* Without memory failure not all architectures know what that is. */
		if (held.lost || potad_block_has_failed(&held.block))
			ret = IS_ENABLED(CONFIG_MEMORY_FAILURE) ? VM_FAULT_HWPOISON :
								  VM_FAULT_SIGBUS;
		else
			ret = vmf_insert_pfn(vmf->vma, vmf->address,
					     (held.block.phys + offset) >> PAGE_SHIFT);
	}
	up_read(&contents);
	return ret;
}

/**
 * potad_holder_free() - give up a handle, and what it stands for
 * @handle: the handle
 * @held: filled in with what it was
 *
 * Never allocates.
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOENT if the handle was never given out, or was given up.
 */
int potad_holder_free(unsigned long handle, struct potad_held *held)
{
	struct potad_held *mine;

	down_write(&contents);
	mine = xa_erase(&held_blocks, handle);
	if (mine) {
		*held = *mine;
		unmap(handle);
		held_end(mine);
	}
	up_write(&contents);
	return mine ? 0 : -ENOENT;
}

/* What a handle stands for, in a word: a type's name, or "run". */
const char *potad_held_name(const struct potad_held *held)
{
	return held->block.type ? held->block.type->name : "run";
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

	potad_area_exit();
	for (i = 0; i < ARRAY_SIZE(infos); i++)
		if (types[i])
			WARN_ON(potad_type_unregister(types[i]));
}

/* Registers the types.  Process context; an error as potad_type_register(). */
int potad_holder_init(struct potad_pool *p)
{
	unsigned int i;
	int err;

	pool = p;
	for (i = 0; i < ARRAY_SIZE(infos); i++) {
		struct potad_type *type = potad_type_register(pool, &infos[i]);

		if (IS_ERR(type)) {
			unregister();
			return PTR_ERR(type);
		}
		types[i] = type;
	}
	err = potad_area_init(pool);
	if (err)
		unregister();
	return err;
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

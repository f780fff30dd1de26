// SPDX-License-Identifier: GPL-2.0
/*
 * cells: the whole region at a glance.
 *
 * The region is cut into cells of one size, a power of two, and as many as there can be
 * up to 4096.  A line for each: where it begins, its bytes, and of these how many are
 * what; nothing is named that is not there.
 *
 *	address bytes what=bytes...
 *	0x40000000 65536 free=61440 type:buf=4096
 *	0x40010000 65536 cached=512 bare=32768 quarantined=512 free=31744
 *
 *	          |  buf |  free   |buf|      free        |
 *	----------+------+---------+---+------------------+-----
 *	          | cell               | cell               |
 *
 * A cell is walked from block to block, by potad_lookup(): the space says how far each
 * reaches, the words whose it is.  Nobody is stopped, and no lock is held from one block
 * to the next.  That is legal because a lookup by itself is: it may meet any block at any
 * time, and holds it while it looks.  What comes or goes meanwhile is counted as it was
 * when the walk came by, so that the bytes of a line always add up to its cell, and
 * those of all lines are right if nothing changed.
 *
 * A line is at most one lookup for each granule of the cell, and gives way between any
 * two.  Whoever is being killed waits for no more than one.
 */
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "../pool/pool.h"
#include "cells.h"
#include "words.h"

#define CELLS_MAX	4096

static struct potad_pool *pool;		/* constant while there are files */

/**
 * struct cell - what there is in one, in bytes
 * @what: by enum potad_what; of %POTAD_IS_BLOCK what found no room in @type
 * @types: how many of @type are in use
 * @type: blocks, by the name of their type
 */
struct cell {
	u64		what[POTAD_IS_HOLE + 1];
	unsigned int	types;
	struct {
		char	name[POTAD_NAME_MAX + 1];
		u64	bytes;
	} type[POTAD_TYPES];
};

static unsigned int cell_shift(void)
{
	unsigned int shift = pool->granule_shift;

	while ((pool->bytes - 1) >> shift >= CELLS_MAX)
		shift++;
	return shift;
}

/* Types come and go: those of one cell may be more than there are at a time. */
static void count_type(struct cell *cell, const char *name, u64 bytes)
{
	unsigned int i;

	for (i = 0; i < cell->types; i++) {
		if (!strcmp(cell->type[i].name, name)) {
			cell->type[i].bytes += bytes;
			return;
		}
	}
	if (i == POTAD_TYPES) {
		cell->what[POTAD_IS_BLOCK] += bytes;
		return;
	}
	strscpy(cell->type[i].name, name, sizeof(cell->type[i].name));
	cell->type[i].bytes = bytes;
	cell->types++;
}

/* Counts what is in @phys .. @end - 1.  -EINTR: it is being killed. */
static int walk(struct cell *cell, phys_addr_t phys, phys_addr_t end)
{
	struct potad_info info;
	phys_addr_t next;

	memset(cell, 0, sizeof(*cell));
	for (; phys < end; phys = next) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (potad_lookup(pool, phys, &info))
			return -ENXIO;
		/* Whatever it has found, @phys is in it. */
		next = min_t(phys_addr_t, info.phys + info.bytes, end);
		if (info.what == POTAD_IS_BLOCK)
			count_type(cell, info.type, next - phys);
		else
			cell->what[info.what] += next - phys;
		cond_resched();
	}
	return 0;
}

/* A position is the number of a cell, and one more. */
static void *cells_start(struct seq_file *m, loff_t *pos)
{
	if (!*pos)
		return SEQ_START_TOKEN;
	return (u64)(*pos - 1) <= (pool->bytes - 1) >> cell_shift() ? pos : NULL;
}

static void *cells_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return cells_start(m, pos);
}

static void cells_stop(struct seq_file *m, void *v)
{
}

static int cells_show(struct seq_file *m, void *v)
{
	unsigned int shift = cell_shift(), i;
	struct cell *cell = m->private;
	phys_addr_t phys, end;
	int err;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "address bytes what=bytes...\n");
		return 0;
	}
	phys = pool->start + ((u64)(*(loff_t *)v - 1) << shift);
	end = min_t(phys_addr_t, phys + (1ULL << shift), pool->start + pool->bytes);
	err = walk(cell, phys, end);
	if (err)
		return err;
	seq_printf(m, "0x%llx %llu", (u64)phys, (u64)(end - phys));
	for (i = 0; i < ARRAY_SIZE(cell->what); i++)
		if (cell->what[i])
			seq_printf(m, " %s=%llu", potad_what_name(i), cell->what[i]);
	for (i = 0; i < cell->types; i++)
		seq_printf(m, " type:%s=%llu", cell->type[i].name, cell->type[i].bytes);
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations cells_sops = {
	.start = cells_start, .next = cells_next,
	.stop = cells_stop, .show = cells_show,
};

static int cells_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &cells_sops, sizeof(struct cell));
}

static const struct file_operations cells_fops = {
	.owner = THIS_MODULE,
	.open = cells_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

void potad_cells_file(struct potad_pool *p, struct dentry *dir)
{
	pool = p;
	debugfs_create_file("cells", 0400, dir, NULL, &cells_fops);
}

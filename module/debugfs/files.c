// SPDX-License-Identifier: GPL-2.0
/*
 * The files below /sys/kernel/debug/potad/: parsing and printing, no more.
 *
 *	actions (0600)  alloc     SIZE TYPE [fill]
 *	                free      HANDLE
 *	                lookup    ADDRESS
 *	                validate  1
 *	                and those of places.c, failures.c, compare.c, lookup.c
 *	                and replay.c
 *	facts (0400)    blocks types stats freeinfo region failures follow cells
 *	map (0600)      map.c
 *
 * How a command is written and its answer read is told in request.h, how
 * numbers are written in parse.h.  Addresses are physical ones.  Without
 * debugfs the module works all the same.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../include/compat.h"
#include "../machine/machine.h"
#include "../parse.h"
#include "../region/region.h"
#include "cells.h"
#include "compare.h"
#include "contig.h"
#include "failures.h"
#include "files.h"
#include "lookup.h"
#include "map.h"
#include "places.h"
#include "replay.h"
#include "request.h"
#include "words.h"

/* Constant between init and exit; no file exists outside of that. */
static struct potad_pool *pool;
static const struct potad_region *region;
static struct potad_machine *machine;
static struct dentry *dir;

/* Actions ---------------------------------------------------------------- */

static int alloc_run(struct potad_request *req, char *args)
{
	char *size = potad_next_word(&args), *type = potad_next_word(&args);
	char *fill = potad_next_word(&args);
	struct potad_held held;
	int order, err;
	u64 bytes;

	if (!type || *args || (fill && strcmp(fill, "fill")))
		return potad_want_words(req, "SIZE TYPE [fill]");
	err = potad_word_bytes(req, "size", size, &bytes);
	if (err)
		return err;
	order = potad_order(pool, bytes);
	if (order == -EINVAL)
		return potad_refuse(req, order, "size 0: a block has at least one byte");
	if (order < 0)
		return potad_refuse(req, order, "size %s: the largest block here has %llu bytes",
				    size, 1ULL << (pool->granule_shift +
						   potad_space_max_order(pool->space)));
	err = potad_holder_alloc(order, type, fill, &held);
	switch (err) {
	case 0:
		potad_reply_held(req, &held, "");
		return 0;
	case -ENOENT:
		return potad_refuse(req, err, "no type is called %s", type);
	case -EPERM:
		return potad_refuse(req, err, "type %s cannot be asked for by hand", type);
	case -ENOSPC:
		return potad_refuse(req, err, "no free block of %llu bytes",
				    1ULL << (pool->granule_shift + order));
	case -ENOMEM:
		return potad_refuse(req, err, "no memory for a descriptor of type %s", type);
	default:
		return potad_refuse(req, err, "allocation failed");
	}
}

static int free_run(struct potad_request *req, char *args)
{
	char *text = potad_next_word(&args);
	struct potad_held held;
	u64 handle;
	int err;

	if (*args)
		return potad_want_words(req, "HANDLE");
	err = potad_word_handle(req, text, &handle);
	if (err)
		return err;
	err = potad_holder_free(handle, &held);
	if (err)
		return potad_refuse(req, err, "handle %llu is not given out", handle);
	potad_reply_held(req, &held, "freed ");
	return 0;
}

static int lookup_run(struct potad_request *req, char *args)
{
	char *text = potad_next_word(&args);
	struct potad_info info;
	u64 phys;
	int err;

	if (*args)
		return potad_want_words(req, "ADDRESS");
	err = potad_word_address(req, text, &phys);
	if (err)
		return err;
	if (potad_lookup(pool, phys, &info))
		return potad_outside(req, pool, phys, 1);
	potad_reply(req, "address=0x%llx state=%s block=0x%llx order=%u size=%llu offset=%llu",
		    phys, potad_what_name(info.what), (u64)info.phys, info.order,
		    info.bytes, phys - info.phys);
	if (info.what == POTAD_IS_BLOCK)
		potad_reply(req, " type=%s owner=%s", info.type,
			    info.owner[0] ? info.owner : "-");
	potad_reply(req, " failed=%d\n",
		    info.failed || info.what == POTAD_IS_QUARANTINED);
	return 0;
}

static int validate_run(struct potad_request *req, char *args)
{
	const char *wrong;

	if (strcmp(args, "1"))
		return potad_want_words(req, "1");
	wrong = potad_pool_validate(pool);
	if (wrong)
		return potad_refuse(req, -EUCLEAN, "%s", wrong);
	potad_reply(req, "ok granules=%llu\n", potad_space_size(pool->space));
	return 0;
}

static const struct potad_action actions[] = {
	{ "alloc", alloc_run },
	{ "free", free_run },
	{ "lookup", lookup_run },
	{ "validate", validate_run },
};

/* Facts ------------------------------------------------------------------ */

/* A table with an iterator; m->private is room for one row's data. */
#define DEFINE_TABLE(name, row)						\
static int name##_open(struct inode *inode, struct file *file)		\
{									\
	return seq_open_private(file, &name##_sops, sizeof(row));	\
}									\
static const struct file_operations name##_fops = {			\
	.owner = THIS_MODULE,						\
	.open = name##_open,						\
	.read = seq_read,						\
	.llseek = seq_lseek,						\
	.release = seq_release_private,					\
}

/* All that is held, in the order of handles; a position is a handle. */
static void *blocks_at(loff_t *pos, struct potad_held *held)
{
	unsigned long handle = *pos;

	if (!potad_holder_next(&handle, held))
		return NULL;
	*pos = handle;
	return held;
}

static void *blocks_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? blocks_at(pos, m->private) : SEQ_START_TOKEN;
}

static void *blocks_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return blocks_at(pos, m->private);
}

static void no_stop(struct seq_file *m, void *v)
{
}

static int blocks_show(struct seq_file *m, void *v)
{
	struct potad_held *held = v;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "handle address order size type failed\n");
		return 0;
	}
	seq_printf(m, "%lu 0x%llx %u %llu %s %d\n", held->handle,
		   (u64)held->block.phys, held->block.order, held->block.bytes,
		   potad_held_name(held),
		   potad_space_has_failed(pool->space,
					  potad_pool_granule(pool, held->block.phys),
					  held->block.order));
	return 0;
}

static const struct seq_operations blocks_sops = {
	.start = blocks_start, .next = blocks_next,
	.stop = no_stop, .show = blocks_show,
};

DEFINE_TABLE(blocks, struct potad_held);

static void show_type(struct potad_type *type, void *arg)
{
	struct potad_live live = potad_type_live(type);

	seq_printf(arg, "%s %u %u %u %ld %lld\n", type->name, type->tag,
		   type->desc_size, potad_type_footprint(type), live.blocks,
		   live.bytes);
}

static int types_show(struct seq_file *m, void *v)
{
	seq_puts(m, "name tag descriptor footprint blocks bytes\n");
	potad_pool_visit_types(pool, show_type, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(types);

struct type_sums {
	long	blocks;
	u64	bytes;
};

static void sum_type(struct potad_type *type, void *arg)
{
	struct type_sums *sums = arg;
	struct potad_live live = potad_type_live(type);

	sums->blocks += live.blocks;
	sums->bytes += live.blocks * potad_type_footprint(type);
}

static int stats_show(struct seq_file *m, void *v)
{
	struct potad_space_stat *stat = kmalloc_obj(*stat, GFP_KERNEL);
	struct potad_pool_count count;
	u64 words = potad_index_bytes(&pool->index), cached;
	struct potad_event_count failures;
	struct potad_machine_count reports;
	struct type_sums sums = { };

	if (!stat)
		return -ENOMEM;
	potad_pool_stat(pool, stat, &cached);
	potad_pool_counts(pool, &count);
	potad_pool_visit_types(pool, sum_type, &sums);
	potad_pool_event_count(pool, &failures);
	potad_machine_count(machine, &reports);
#define SHOW(name, value) seq_printf(m, "%s %llu\n", name, (u64)(value))
	SHOW("granule_bytes", 1ULL << pool->granule_shift);
	SHOW("granules_total", stat->total);
	SHOW("granules_free", stat->free);
	SHOW("granules_cached", cached);
	SHOW("granules_allocated", stat->allocated);
	SHOW("granules_quarantined", stat->retired);
	SHOW("granules_failed_in_use", stat->pending);
	SHOW("blocks_live", sums.blocks);
	SHOW("stock_hits", count.hits);
	SHOW("stock_misses", count.allocs - min(count.hits, count.allocs));
	SHOW("allocs", count.allocs);
	SHOW("frees", count.frees);
	SHOW("alloc_failures", count.alloc_failures);
	SHOW("failure_events", failures.events);
	SHOW("owners_told", failures.told);
	SHOW("owners_late", failures.late);
	SHOW("answers_recovered", failures.answers[POTAD_RECOVERED]);
	SHOW("answers_moved", failures.answers[POTAD_MOVED]);
	SHOW("answers_lost", failures.answers[POTAD_LOST]);
	SHOW("answers_refused", failures.answers[POTAD_REFUSED]);
	SHOW("granules_failed_really", failures.real);
	SHOW("machine_events", reports.events);
	SHOW("machine_waiting", reports.waiting);
	SHOW("machine_again", reports.again);
	SHOW("machine_unmarked", reports.unmarked);
	SHOW("machine_ignored", reports.ignored);
	SHOW("machine_corrected", reports.corrected);
	SHOW("machine_outside", reports.outside);
	SHOW("machine_overflow", reports.overflow);
	SHOW("metadata_space_bytes", stat->metadata);
	SHOW("metadata_words_bytes", words);
	SHOW("metadata_descriptor_bytes", sums.bytes);
	SHOW("metadata_bytes", stat->metadata + words + sums.bytes);
#undef SHOW
	kfree(stat);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int freeinfo_show(struct seq_file *m, void *v)
{
	struct potad_space_stat *stat = kmalloc_obj(*stat, GFP_KERNEL);
	unsigned int k, max = potad_space_max_order(pool->space);

	if (!stat)
		return -ENOMEM;
	potad_space_stat(pool->space, stat);
	seq_puts(m, "Order");
	for (k = 0; k <= max; k++)
		seq_printf(m, " %6u", k);
	seq_puts(m, "\nFree ");
	for (k = 0; k <= max; k++)
		seq_printf(m, " %6llu", stat->blocks[k]);
	seq_putc(m, '\n');
	kfree(stat);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(freeinfo);

static int region_show(struct seq_file *m, void *v)
{
	seq_printf(m, "source %s\narea %s\nstart 0x%llx\nend 0x%llx\nbytes %llu\ngranule %llu\nmax_order %u\n",
		   potad_region_source(region), region->area,
		   (u64)region->start, (u64)region->start + region->bytes - 1,
		   region->bytes, 1ULL << pool->granule_shift,
		   potad_space_max_order(pool->space));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(region);

/**
 * potad_files_init() - make the files
 * @p: the pool
 * @r: the region it lies in
 * @m: what reports its failures
 *
 * Without debugfs there are none, and nothing else changes.
 */
void potad_files_init(struct potad_pool *p, const struct potad_region *r,
		      struct potad_machine *m)
{
	struct dentry *compare;
	unsigned int i;

	pool = p;
	region = r;
	machine = m;
	potad_places_init(p);
	dir = debugfs_create_dir("potad", NULL);
	for (i = 0; i < ARRAY_SIZE(actions); i++)
		potad_action_file(dir, &actions[i]);
	for (i = 0; i < potad_place_actions_nr; i++)
		potad_action_file(dir, &potad_place_actions[i]);
	for (i = 0; i < potad_failure_actions_nr; i++)
		potad_action_file(dir, &potad_failure_actions[i]);
	compare = debugfs_create_dir("compare", dir);
	potad_compare_files(compare);
	potad_action_file(compare, &potad_lookup_action);
	potad_replay_files(compare);
	potad_contig_files(compare);
	debugfs_create_file("blocks", 0400, dir, NULL, &blocks_fops);
	debugfs_create_file("types", 0400, dir, NULL, &types_fops);
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
	debugfs_create_file("freeinfo", 0400, dir, NULL, &freeinfo_fops);
	debugfs_create_file("region", 0400, dir, NULL, &region_fops);
	potad_failures_files(pool, dir);
	potad_cells_file(pool, dir);
	potad_map_file(dir);
}

/* Removes them; returns when no operation on one runs any more. */
void potad_files_exit(void)
{
	debugfs_remove_recursive(dir);
}

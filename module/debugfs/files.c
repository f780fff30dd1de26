// SPDX-License-Identifier: GPL-2.0
/*
 * The files below /sys/kernel/debug/potad/: parsing and printing, no more.
 *
 *	actions (0600)  alloc     SIZE TYPE [fill]
 *	                free      HANDLE
 *	                lookup    ADDRESS
 *	                validate  1
 *	                compare/run  [KEY=VALUE ...]
 *	                compare/lookup  [KEY=VALUE ...]
 *	                and those of places.c, failures.c and replay.c
 *	facts (0400)    blocks types stats freeinfo region failures follow
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

#include "../compare/compare.h"
#include "../compare/lookup.h"
#include "../include/compat.h"
#include "../machine/machine.h"
#include "../parse.h"
#include "../region/region.h"
#include "failures.h"
#include "files.h"
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

static void reply_tenths(struct potad_request *req, u64 tenths)
{
	potad_reply(req, "%llu.%llu ", tenths / 10, tenths % 10);
}

static void reply_row(const struct potad_compare_row *row, void *arg)
{
	struct potad_request *req = arg;

	potad_reply(req, row->first_order == row->last_order ? "%u" : "%u-%u",
		    row->first_order, row->last_order);
	potad_reply(req, " %s ", row->subject);
	if (row->ops) {
		reply_tenths(req, row->median);
		reply_tenths(req, row->min);
		reply_tenths(req, row->max);
		if (row->ratio)
			potad_reply(req, "%llu.%02llu ", row->ratio / 100, row->ratio % 100);
		else
			potad_reply(req, "- ");
		reply_tenths(req, row->p99);
		reply_tenths(req, row->mean);
		potad_reply(req, "%llu", row->refused);
	} else {
		potad_reply(req, "- - - - - - -");
	}
	potad_reply(req, " %s %u\n", row->part, row->cpus);
}

static void reply_label(unsigned int label, unsigned int order,
			const char *subject, void *arg)
{
	potad_reply(arg, "%u %u %s\n", label, order, subject);
}

/* The comparison itself: of times, or (which times nothing) between markers. */
static int compare(struct potad_request *req, const struct potad_compare *cmp,
		   bool lines)
{
	if (lines) {
		potad_reply(req, "# label order subject; pair alloc free, bulk alloc free\n");
		return potad_compare_lines(cmp, reply_label, req);
	}
	potad_reply(req, "# order subject ns_median ns_min ns_max ratio_to_native ");
	potad_reply(req, "ns_p99 ns_mean refused part cpus; ");
	potad_reply(req, "workload=%s rounds=%u ops=%u seed=%llu; ",
		    potad_compare_workload_name(cmp->workload), cmp->rounds,
		    cmp->ops, cmp->seed);
	potad_reply(req, "ratio: how many times faster\n");
	return potad_compare_run(cmp, reply_row, req);
}

#define COMPARE_KEYS	"workload=pair orders=0-10 rounds=9 ops=20000 subjects=all cpus=1 seed=1"
#define COMPARE_WORKLOADS "pair, bulk, random-free, churn, mixed, cross or lines"
#define COMPARE_SUBJECTS "all, or of potad, potad-described, buddy, buddy-described and empty a list with commas"

static int compare_range(char *value, u64 *from, u64 *to)
{
	char *dash = strchr(value, '-');

	if (dash)
		*dash++ = '\0';
	return potad_parse_u64(value, from) ?:
	       potad_parse_u64(dash ?: value, to);
}

static int compare_number(struct potad_request *req, const char *key,
			  const char *value, unsigned int limit,
			  unsigned int *number)
{
	u64 n;
	int err = potad_parse_u64(value, &n);

	if (err || !n || n > limit)
		return potad_refuse(req, err ?: -EINVAL, "%s=%s: a number from 1 to %u",
				    key, value, limit);
	*number = n;
	return 0;
}

static int compare_cpus(struct potad_request *req, char *list,
			unsigned long *cpus)
{
	unsigned int n, online = min(num_online_cpus(), POTAD_COMPARE_CPUS);
	char *word;
	int err;

	*cpus = 0;
	while ((word = strsep(&list, ","))) {
		err = compare_number(req, "cpus", word, online, &n);
		if (err)
			return err;
		*cpus |= BIT(n);
	}
	return 0;
}

static int compare_key(struct potad_request *req, const char *key, char *value,
		       struct potad_compare *cmp, bool *lines)
{
	u64 from = 0, to = 0;
	int err;

	if (!strcmp(key, "workload")) {
		*lines = !strcmp(value, "lines");
		if (!*lines && potad_compare_workload(value, &cmp->workload))
			return potad_refuse(req, -EINVAL, "workload=%s: " COMPARE_WORKLOADS,
					    value);
	} else if (!strcmp(key, "subjects")) {
		if (potad_compare_subjects(value, &cmp->subjects))
			return potad_refuse(req, -EINVAL, "subjects: " COMPARE_SUBJECTS);
	} else if (!strcmp(key, "orders")) {
		err = compare_range(value, &from, &to);
		if (err || from > to || to > POTAD_COMPARE_ORDERS)
			return potad_refuse(req, err ?: -EINVAL,
					    "orders: A-B, or one, of 0 to %u, as in 0-10",
					    POTAD_COMPARE_ORDERS);
		cmp->first_order = from;
		cmp->last_order = to;
	} else if (!strcmp(key, "rounds")) {
		return compare_number(req, key, value, POTAD_COMPARE_ROUNDS, &cmp->rounds);
	} else if (!strcmp(key, "ops")) {
		return compare_number(req, key, value, POTAD_COMPARE_OPS, &cmp->ops);
	} else if (!strcmp(key, "cpus")) {
		return compare_cpus(req, value, &cmp->cpus);
	} else if (!strcmp(key, "seed")) {
		err = potad_parse_u64(value, &cmp->seed);
		if (err)
			return potad_bad_number(req, err, "seed", value);
	} else {
		return potad_refuse(req, -EINVAL, "no key is %s: " COMPARE_KEYS, key);
	}
	return 0;
}

/* What does not go together; and how many CPUs if nobody said. */
static int compare_check(struct potad_request *req, struct potad_compare *cmp,
			 bool lines)
{
	if (lines && cmp->cpus)
		return potad_refuse(req, -EINVAL, "cpus: workload=lines has one");
	if (lines || cmp->workload != POTAD_CROSS) {
		cmp->cpus = cmp->cpus ?: BIT(1);
		return 0;
	}
	if (cmp->cpus && cmp->cpus != BIT(2))
		return potad_refuse(req, -EINVAL, "cpus: workload=cross has two");
	if (num_online_cpus() < 2)
		return potad_refuse(req, -EINVAL, "workload=cross: there is one CPU");
	cmp->cpus = BIT(2);
	return 0;
}

static int compare_run(struct potad_request *req, char *args)
{
	struct potad_compare cmp = POTAD_COMPARE_DEFAULT;
	bool lines = false;
	char *word;
	int err;

	while ((word = potad_next_word(&args))) {
		char *value = strchr(word, '=');

		if (!value)
			return potad_want_words(req, "[KEY=VALUE ...]; keys: " COMPARE_KEYS);
		*value++ = '\0';
		err = compare_key(req, word, value, &cmp, &lines);
		if (err)
			return err;
	}
	err = compare_check(req, &cmp, lines);
	if (err)
		return err;

	err = compare(req, &cmp, lines);
	switch (err) {
	case 0:
		return 0;
	case -EBUSY:
		return potad_refuse(req, err, "another comparison is running");
	case -EINTR:
		return potad_refuse(req, err, "interrupted");
	default:
		return potad_refuse(req, err, "the comparison failed");
	}
}

#define LOOKUP_KEYS	"blocks=1000 rounds=9 ops=20000 skewed=0 cold=0 writer=0 lines=0 seed=1"

static void reply_lookup(const struct potad_lookup_row *row, void *arg)
{
	struct potad_request *req = arg;

	if (row->err) {
		potad_reply(req, "%s - - - - - %d\n", row->subject, row->err);
		return;
	}
	potad_reply(req, "%s %s ", row->subject, row->op);
	reply_tenths(req, row->median);
	reply_tenths(req, row->min);
	reply_tenths(req, row->max);
	potad_reply(req, "%llu %u\n", row->bytes, row->label);
}

static int lookup_key(struct potad_request *req, const char *key, char *value,
		      struct potad_lookup *what)
{
	const struct {
		const char	*key;
		unsigned int	*number;
		unsigned int	least;
		unsigned int	most;
	} keys[] = {
		{ "blocks", &what->blocks, 1, POTAD_LOOKUP_BLOCKS },
		{ "rounds", &what->rounds, 1, POTAD_LOOKUP_ROUNDS },
		{ "ops", &what->ops, 1, POTAD_LOOKUP_OPS },
		{ "skewed", &what->skewed, 0, 1 },
		{ "cold", &what->cold, 0, 1 },
		{ "writer", &what->writer, 0, 1 },
		{ "lines", &what->lines, 0, 1 },
	};
	unsigned int i;
	u64 n;
	int err = potad_parse_u64(value, &n);

	if (err)
		return potad_bad_number(req, err, key, value);
	if (!strcmp(key, "seed")) {
		what->seed = n;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i].key))
			continue;
		if (n < keys[i].least || n > keys[i].most)
			return potad_refuse(req, -EINVAL, "%s=%s: a number from %u to %u", key,
					    value, keys[i].least, keys[i].most);
		*keys[i].number = n;
		return 0;
	}
	return potad_refuse(req, -EINVAL, "no key is %s: " LOOKUP_KEYS, key);
}

static int compare_lookup(struct potad_request *req, char *args)
{
	struct potad_lookup what = POTAD_LOOKUP_DEFAULT;
	char *word;
	int err;

	while ((word = potad_next_word(&args))) {
		char *value = strchr(word, '=');

		if (!value)
			return potad_want_words(req, "[KEY=VALUE ...]; keys: " LOOKUP_KEYS);
		*value++ = '\0';
		err = lookup_key(req, word, value, &what);
		if (err)
			return err;
	}
	potad_reply(req, "# subject operation ns_median ns_min ns_max bytes label\n");
	err = potad_lookup_run(&what, reply_lookup, req);
	switch (err) {
	case 0:
		return 0;
	case -EBUSY:
		return potad_refuse(req, err, "another one is running");
	case -EINTR:
		return potad_refuse(req, err, "interrupted");
	case -ENODEV:
		return potad_refuse(req, err, "writer=1: there is one CPU");
	default:
		return potad_refuse(req, err, "not enough memory for %u blocks", what.blocks);
	}
}

static const struct potad_action actions[] = {
	{ "alloc", alloc_run },
	{ "free", free_run },
	{ "lookup", lookup_run },
	{ "validate", validate_run },
};

static const struct potad_action compare_action = { "run", compare_run };
static const struct potad_action lookup_action = { "lookup", compare_lookup };

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

static void make_action(struct dentry *parent, const struct potad_action *action)
{
	debugfs_create_file(action->name, 0600, parent, (void *)action,
			    &potad_request_fops);
}

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
		make_action(dir, &actions[i]);
	for (i = 0; i < potad_place_actions_nr; i++)
		make_action(dir, &potad_place_actions[i]);
	for (i = 0; i < potad_failure_actions_nr; i++)
		make_action(dir, &potad_failure_actions[i]);
	compare = debugfs_create_dir("compare", dir);
	make_action(compare, &compare_action);
	make_action(compare, &lookup_action);
	potad_replay_files(compare);
	debugfs_create_file("blocks", 0400, dir, NULL, &blocks_fops);
	debugfs_create_file("types", 0400, dir, NULL, &types_fops);
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
	debugfs_create_file("freeinfo", 0400, dir, NULL, &freeinfo_fops);
	debugfs_create_file("region", 0400, dir, NULL, &region_fops);
	potad_failures_files(pool, dir);
	potad_map_file(dir);
}

/* Removes them; returns when no operation on one runs any more. */
void potad_files_exit(void)
{
	debugfs_remove_recursive(dir);
}

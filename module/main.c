// SPDX-License-Identifier: GPL-2.0
/*
 * potad.ko: one region, one pool over it, and the files to drive it.
 *
 * Loading takes the region from the kernel; unloading gives it back, but for what
 * has really failed.  Blocks that were asked for through debugfs are freed on unload.
 * Other modules that use the pool hold a reference to this one through its symbols,
 * so that it cannot be unloaded under them.
 *
 * What reports failures is the first to go, after the files: from then on none comes,
 * and all that had come is in the pool's books when those say what stays behind.
 */
#define pr_fmt(fmt) "potad: " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "compare/compare.h"
#include "debugfs/files.h"
#include "include/potad.h"
#include "machine/machine.h"
#include "memdesc/index.h"
#include "owners/holder.h"
#include "parse.h"
#include "pool/pool.h"
#include "region/region.h"

static char *size = "256M";
module_param(size, charp, 0444);
MODULE_PARM_DESC(size, "memory to manage, in bytes, with K, M or G; whole pages (default 256M)");

static char *granule = "512";
module_param(granule, charp, 0444);
MODULE_PARM_DESC(granule, "smallest block, in bytes; a power of two, 512 to 2M (default 512)");

static char *cma = "";
module_param(cma, charp, 0444);
MODULE_PARM_DESC(cma, "name of the CMA area to take it from; none: from the page allocator (default: the default area)");

static char *index = "words";
module_param(index, charp, 0444);
MODULE_PARM_DESC(index, "how a block is found by its address: words, maple or xarray (default words)");

static unsigned int owner_timeout_ms = POTAD_PATIENCE_MS;
module_param(owner_timeout_ms, uint, 0444);
MODULE_PARM_DESC(owner_timeout_ms, "how long a failure waits for an owner's answer; 0: as long as it takes (default 10000)");

static struct potad_region region;
static struct potad_pool *pool;
static struct potad_machine machine;

struct potad_pool *potad_pool_default(void)
{
	return pool;
}
EXPORT_SYMBOL_GPL(potad_pool_default);

static int __init parse(u64 *bytes, u64 *smallest, enum potad_index_kind *kind)
{
	if (potad_parse_bytes(granule, smallest) ||
	    !is_power_of_2(*smallest) || *smallest < SZ_512 || *smallest > SZ_2M) {
		pr_err("granule=%s: a power of two from 512 to 2M is needed\n", granule);
		return -EINVAL;
	}
	if (potad_parse_bytes(size, bytes) || !*bytes ||
	    !IS_ALIGNED(*bytes, max_t(u64, PAGE_SIZE, *smallest))) {
		pr_err("size=%s: a multiple of %llu bytes is needed\n", size,
		       max_t(u64, PAGE_SIZE, *smallest));
		return -EINVAL;
	}
	if (strlen(cma) >= POTAD_AREA_MAX) {
		pr_err("cma=...: no area has a name of %zu characters\n", strlen(cma));
		return -EINVAL;
	}
	if (potad_index_kind(index, kind)) {
		pr_err("index=%s: words, maple or xarray\n", index);
		return -EINVAL;
	}
	return 0;
}

/* What all pools share. */
static int __init init_caches(void)
{
	int err = potad_lines_init();

	if (err)
		return err;
	err = potad_parts_init();
	if (err)
		goto fail_lines;
	err = potad_failures_init();
	if (err)
		goto fail_parts;
	return 0;

fail_parts:
	potad_parts_exit();
fail_lines:
	potad_lines_exit();
	return err;
}

static void exit_caches(void)
{
	potad_failures_exit();
	potad_parts_exit();
	potad_lines_exit();
}

static int __init potad_init(void)
{
	enum potad_index_kind kind;
	u64 bytes, smallest;
	int err;

	err = parse(&bytes, &smallest, &kind);
	if (err)
		return err;
	err = init_caches();
	if (err) {
		pr_err("no memory: %d\n", err);
		return err;
	}
	err = potad_region_get(&region, bytes, cma);
	if (err)
		goto fail_caches;
	pool = potad_pool_create(region.start, region.bytes, smallest, kind, NULL, 0);
	if (IS_ERR(pool)) {
		err = PTR_ERR(pool);
		pr_err("no memory to manage %llu MiB with: %d\n", bytes >> 20, err);
		goto fail_region;
	}
	pool->patience = msecs_to_jiffies(owner_timeout_ms);
	err = potad_holder_init(pool);
	if (err)
		goto fail_pool;
	err = potad_compare_init(pool);
	if (err)
		goto fail_holder;

	err = potad_machine_init(&machine, pool);
	if (err)
		goto fail_compare;

	potad_files_init(pool, &region, &machine);
	pr_info("%llu MiB at 0x%llx from %s, granules of %llu bytes\n",
		region.bytes >> 20, (u64)region.start,
		potad_region_source(&region), smallest);
	return 0;

fail_compare:
	potad_compare_exit();
fail_holder:
	potad_holder_exit();
fail_pool:
	pr_err("no memory for types, comparison or failures: %d\n", err);
	potad_pool_destroy(pool);
fail_region:
	potad_region_put(&region);
fail_caches:
	exit_caches();
	return err;
}

/* What has really failed is not handed back; what failed in a test is. */
static void keep(phys_addr_t phys, u64 length, void *arg)
{
	potad_region_keep(&region, phys, length);
}

static void __exit potad_exit(void)
{
	unsigned long freed;
	u64 given;

	potad_files_exit();
	potad_machine_exit(&machine);
	potad_compare_exit();
	potad_failures_wait();	/* for owners that are late */
	freed = potad_holder_exit();
	if (freed)
		pr_info("freed %lu blocks that were held through debugfs\n", freed);
	potad_pool_visit_real(pool, keep, NULL);
	/* A leak of our own.  The region, and what describes it, are lost. */
	if (WARN_ON(potad_pool_destroy(pool))) {
		potad_pool_abandon(pool);
		potad_failures_exit();
		return;
	}
	given = potad_region_put(&region);
	exit_caches();
	pr_info("%llu MiB given back through %s\n", given >> 20,
		potad_region_source(&region));
}

module_init(potad_init);
module_exit(potad_exit);

MODULE_DESCRIPTION("A power-of-two page allocator with descriptors");
MODULE_AUTHOR("The potad developers");
MODULE_LICENSE("GPL");

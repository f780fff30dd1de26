// SPDX-License-Identifier: GPL-2.0
/*
 * The actions on places: which memory it is, rather than how much.
 *
 *	migrate   ADDRESS               the block there is asked to move
 *	evacuate  ADDRESS LENGTH [TYPE] all blocks are; with TYPE the range is then
 *	                                one block of that
 *	drain     1                     what CPUs keep at hand goes back
 *	run       BYTES [align=BYTES] [min=ADDRESS] [max=ADDRESS] [nocross=BYTES]
 *	area      BYTES [PIECE]         scattered blocks, mapped as one
 *	check     HANDLE                are its contents what was written?
 *
 * What is in the way of evacuate follows its refusal, a line each.
 */
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat.h"
#include "../owners/area.h"
#include "../parse.h"
#include "places.h"
#include "words.h"

static struct potad_pool *pool;		/* constant while there are files */

/* Blocks that move ------------------------------------------------------- */

static int refuse_move(struct potad_request *req, int err, u64 phys,
		       const struct potad_info *info)
{
	switch (err) {
	case -ENOENT:
		return potad_refuse(req, err, "0x%llx is %s: there is no block of a type",
				    phys, potad_what_name(info->what));
	case -EOPNOTSUPP:
		return potad_refuse(req, err, "type %s cannot move", info->type);
	case -ENOSPC:
		return potad_refuse(req, err, "no other free block of %llu bytes", info->bytes);
	case -ENOMEM:
		return potad_refuse(req, err, "no memory to describe the new place");
	case -EAGAIN:
		return potad_refuse(req, err, "it is moving, coming or going all the time");
	default:
		return potad_refuse(req, err, "type %s, owner %s: refused", info->type,
				    info->owner[0] ? info->owner : "-");
	}
}

static int migrate_run(struct potad_request *req, char *args)
{
	char *text = potad_next_word(&args);
	struct potad_info from, to = { };
	struct potad_block moved;
	u64 phys;
	int err;

	if (*args)
		return potad_want_words(req, "ADDRESS");
	err = potad_word_address(req, text, &phys);
	if (err)
		return err;
	if (potad_lookup(pool, phys, &from))
		return potad_outside(req, pool, phys, 1);
	err = potad_migrate(pool, phys, &moved);
	if (err)
		return refuse_move(req, err, phys, &from);
	/* Whose it is there; it may have gone by now. */
	potad_lookup(pool, moved.phys, &to);
	potad_reply(req, "from=0x%llx to=0x%llx order=%u size=%llu type=%s owner=%s\n",
		    (u64)from.phys, (u64)moved.phys, moved.order, moved.bytes,
		    from.type, to.owner[0] ? to.owner : "-");
	return 0;
}

/* Obstacles are kept until it is clear how it ends: the refusal is the first line. */
#define OBSTACLES	256

struct obstacles {
	unsigned int nr;
	struct {
		enum potad_obstacle	what;
		struct potad_info	info;
		int			err;
	} kept[OBSTACLES];
};

static void keep_obstacle(enum potad_obstacle what, const struct potad_info *info,
			  int err, void *arg)
{
	struct obstacles *all = arg;
	unsigned int i = all->nr++;

	if (i >= OBSTACLES)
		return;
	all->kept[i].what = what;
	all->kept[i].info = *info;
	all->kept[i].err = err;
}

static void reply_obstacles(struct potad_request *req, const struct obstacles *all)
{
	static const char * const why[] = {
		[POTAD_REFUSED_MOVE] = "refused",
		[POTAD_CANNOT_MOVE] = "cannot-move",
		[POTAD_NO_OWNER] = "no-owner",
		[POTAD_FAILED_THERE] = "failed",
		[POTAD_NOT_THERE] = "hole",
	};
	unsigned int i;

	for (i = 0; i < min(all->nr, OBSTACLES); i++) {
		const struct potad_info *info = &all->kept[i].info;

		potad_reply(req, "address=0x%llx size=%llu type=%s owner=%s why=%s errno=%d\n",
			    (u64)info->phys, info->bytes, info->type[0] ? info->type : "-",
			    info->owner[0] ? info->owner : "-", why[all->kept[i].what],
			    -all->kept[i].err);
	}
	if (all->nr > OBSTACLES)
		potad_reply(req, "and %u more\n", all->nr - OBSTACLES);
}

static int refuse_range(struct potad_request *req, int err, u64 phys, u64 length,
			const char *type, const struct obstacles *all)
{
	switch (err) {
	case -EINVAL:
		return potad_refuse(req, err, "0x%llx, %llu bytes: %s", phys, length, type ?
				    "no power of two of granules, aligned to its size" :
				    "not whole granules");
	case -ENXIO:
		return potad_outside(req, pool, phys, length);
	case -EBUSY:
		potad_refuse(req, err, "0x%llx, %llu bytes: %u in the way", phys, length,
			     all->nr);
		reply_obstacles(req, all);
		return err;
	case -ENOENT:
		return potad_refuse(req, err, "no type is called %s", type);
	case -EPERM:
		return potad_refuse(req, err, "type %s cannot be asked for by hand", type);
	case -ENOSPC:
		return potad_refuse(req, err, "nowhere to move to");
	default:
		return potad_refuse(req, err, "0x%llx, %llu bytes: not emptied", phys, length);
	}
}

/* The order of a block of exactly so many bytes. */
static int exact_order(u64 length)
{
	int order = is_power_of_2(length) ? potad_order(pool, length) : -EINVAL;

	return order < 0 || length >> pool->granule_shift != 1ULL << order ? -EINVAL : order;
}

static int evacuate_run(struct potad_request *req, char *args)
{
	char *at = potad_next_word(&args), *len = potad_next_word(&args);
	char *type = potad_next_word(&args);
	struct potad_held held;
	struct obstacles *all;
	u64 phys, length;
	int err;

	if (!len || *args)
		return potad_want_words(req, "ADDRESS LENGTH [TYPE]");
	err = potad_word_address(req, at, &phys) ?:
	      potad_word_bytes(req, "length", len, &length);
	if (err)
		return err;
	all = kvzalloc_obj(*all, GFP_KERNEL);
	if (!all)
		return potad_refuse(req, -ENOMEM, "no memory to list obstacles");
	if (!type) {
		err = potad_evacuate(pool, phys, length, keep_obstacle, all);
	} else if (!potad_pool_has(pool, phys, length)) {
		err = -ENXIO;
	} else {
		err = exact_order(length);
		if (err >= 0)
			err = potad_holder_alloc_at(phys, err, type, keep_obstacle, all, &held);
	}
	if (err)
		refuse_range(req, err, phys, length, type, all);
	else if (type)
		potad_reply_held(req, &held, "");
	else
		potad_reply(req, "address=0x%llx size=%llu evacuated\n", phys, length);
	kvfree(all);
	return err;
}

static int drain_run(struct potad_request *req, char *args)
{
	if (strcmp(args, "1"))
		return potad_want_words(req, "1");
	potad_reply(req, "drained blocks=%u\n", potad_pool_drain(pool));
	return 0;
}

/* Adjacent and scattered blocks ------------------------------------------ */

#define RUN_USAGE "BYTES [align=BYTES] [min=ADDRESS] [max=ADDRESS] [nocross=BYTES]"

#define RUN_RULES "never: some bytes, not above max, that fit between two borders; "	\
		  "align and nocross are powers of two at which the region begins"

static int run_key(struct potad_request *req, char *word, struct potad_adjacent *run)
{
	char *value = strchr(word, '=');
	u64 n;
	int err;

	if (!value)
		return potad_want_words(req, RUN_USAGE);
	*value++ = '\0';
	err = potad_word_bytes(req, word, value, &n);
	if (err)
		return err;
	if (!strcmp(word, "align"))
		run->align = n;
	else if (!strcmp(word, "nocross"))
		run->nocross = n;
	else if (!strcmp(word, "min"))
		run->min = n;
	else if (!strcmp(word, "max"))
		run->max = n;
	else
		return potad_refuse(req, -EINVAL, "no key is %s: " RUN_USAGE, word);
	return 0;
}

/* Sizes of blocks, in the order in which they were tried. */
static void reply_tried(struct potad_request *req, u64 tried)
{
	const char *comma = "";
	int k;

	potad_reply(req, "tried=");
	for (k = 63; k >= 0; k--) {
		if (!(tried >> k & 1))
			continue;
		potad_reply(req, "%s%llu", comma, 1ULL << (k + pool->granule_shift));
		comma = ",";
	}
	potad_reply(req, "%s\n", comma[0] ? "" : "-");
}

static int run_run(struct potad_request *req, char *args)
{
	char *size = potad_next_word(&args), *word;
	struct potad_adjacent run = { };
	struct potad_held held;
	int err = potad_word_bytes(req, "size", size, &run.bytes);

	while (!err && (word = potad_next_word(&args)))
		err = run_key(req, word, &run);
	if (err)
		return err;
	err = potad_holder_run(&run, &held);
	switch (err) {
	case 0:
		potad_reply(req, "handle=%lu address=0x%llx size=%llu pieces=%llu order=%u ",
			    held.handle, (u64)run.phys, run.bytes, held.pieces, run.order);
		reply_tried(req, run.tried);
		return 0;
	case -EINVAL:
		return potad_refuse(req, err, RUN_RULES);
	case -ENOSPC:
		potad_refuse(req, err, "no such %llu adjacent bytes", run.bytes);
		reply_tried(req, run.tried);
		return err;
	default:
		return potad_refuse(req, err, "no memory to look for it");
	}
}

static void reply_checked(struct potad_request *req, u64 bytes, u64 sum)
{
	potad_reply(req, "read=%llu sum=0x%016llx\n", bytes, sum);
}

static int area_run(struct potad_request *req, char *args)
{
	char *size = potad_next_word(&args), *piece = potad_next_word(&args);
	u64 bytes, piece_bytes = PAGE_SIZE, read, sum;
	struct potad_held held;
	int err, order;

	if (*args)
		return potad_want_words(req, "BYTES [PIECE]");
	err = potad_word_bytes(req, "size", size, &bytes);
	if (!err && piece)
		err = potad_word_bytes(req, "piece", piece, &piece_bytes);
	if (err)
		return err;
	order = potad_order(pool, piece_bytes);
	err = order < 0 ? order : potad_holder_area(bytes, order, &held);
	switch (err) {
	case 0:
		potad_reply_held(req, &held, "");
		/* Unless somebody has guessed its handle. */
		if (!potad_holder_check(held.handle, &read, &sum))
			reply_checked(req, read, sum);
		return 0;
	case -EINVAL:
		return potad_refuse(req, err, "at least one byte, in pieces of a page or more");
	case -E2BIG:
		return potad_refuse(req, err, "at most %llu bytes, in at most %u pieces",
				    POTAD_AREA_BYTES, POTAD_AREA_PIECES);
	case -ENOSPC:
		return potad_refuse(req, err, "not so many free blocks of %llu bytes",
				    1ULL << (pool->granule_shift + order));
	default:
		return potad_refuse(req, err, "no memory to describe and map it");
	}
}

static int check_run(struct potad_request *req, char *args)
{
	char *text = potad_next_word(&args);
	u64 handle, bytes, sum;
	int err;

	if (*args)
		return potad_want_words(req, "HANDLE");
	err = potad_word_handle(req, text, &handle);
	if (err)
		return err;
	err = potad_holder_check(handle, &bytes, &sum);
	switch (err) {
	case 0:
		reply_checked(req, bytes, sum);
		return 0;
	case -ENOENT:
		return potad_refuse(req, err, "handle %llu is not given out", handle);
	case -EINVAL:
		return potad_refuse(req, err, "handle %llu: it was not filled", handle);
	case -EHWPOISON:
		return potad_refuse(req, err, "handle %llu: its memory has failed", handle);
	default:
		return potad_refuse(req, err, "handle %llu: its contents have changed", handle);
	}
}

const struct potad_action potad_place_actions[] = {
	{ "migrate", migrate_run },
	{ "evacuate", evacuate_run },
	{ "drain", drain_run },
	{ "run", run_run },
	{ "area", area_run },
	{ "check", check_run },
};

const unsigned int potad_place_actions_nr = ARRAY_SIZE(potad_place_actions);

void potad_places_init(struct potad_pool *p)
{
	pool = p;
}

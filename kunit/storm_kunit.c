// SPDX-License-Identifier: GPL-2.0
/*
 * A storm: memory fails without end, in tests, while all else goes on.
 *
 * CPU 1 lets granules fail, hard and softly, and takes that back some failures
 * later; CPU 0 does one of all the other things.  Whatever meets whatever,
 *
 * - each event that says what an owner has answered was answered by one, once;
 * - what is allocated can be given back, once, and is released once;
 * - who has let a granule fail can take it back;
 * - and in the end, when all is taken back, all of the pool is free, and sound.
 *
 * With the parameter failures=, a storm goes on until there were so many.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sizes.h>

#include "owners.h"

#define START		POTAD_TEST_START
#define BYTES		SZ_1M
#define GRANULE		512ULL
#define GRANULES	(BYTES / GRANULE)
#define HOLDERS		24
#define OUT		48		/* granules that have failed at one time */
#define STEPS		20		/* of CPU 0, at the least */

/* Who has a block, or none. */
struct storm_holder {
	struct potad_test_owner	owner;		/* first: see owner_of() */
	struct storm		*storm;
	spinlock_t		lock;		/* protects the rest */
	struct potad_block	block;
	bool			has;
};

struct storm {
	struct potad_pool	*pool;
	struct storm_holder	holder[HOLDERS];
	void			(*other)(struct storm *s, struct rnd_state *rnd);
	bool			hard;		/* only */
	struct rnd_state	rnd[2];
	u64			deadline;
	u64			wanted;		/* failures of CPU 1, at the least */
	unsigned int		holders;	/* that may have a block */
	u64			failures[2], steps;
	u32			out[2][OUT];	/* ring of granules; by CPU */
	unsigned int		nr_out[2];
	atomic_t		answered, moved;
	atomic_t		wrong, done;
};

/* An owner is asked to leave: its handle is another one from now on. */
static int holder_moves(struct potad_test_owner *owner)
{
	struct storm_holder *h = container_of(owner, struct storm_holder, owner);
	int err = -EBUSY;

	spin_lock(&h->lock);
	/* It may have been given just now, and not know yet; or have been given up. */
	if (h->has && h->block.data == owner->from.data &&
	    h->block.generation == owner->from.generation) {
		if (h->block.phys != owner->from.phys)
			atomic_inc(&h->storm->wrong);
		h->block = owner->to;
		err = 0;
	}
	spin_unlock(&h->lock);
	return err;
}

static void holder_has(struct storm_holder *h, const struct potad_block *block)
{
	spin_lock(&h->lock);
	h->block = *block;
	h->has = true;
	spin_unlock(&h->lock);
}

static void holder_takes(struct storm_holder *h, unsigned int kind, unsigned int order)
{
	struct potad_block b;

	if (potad_alloc(potad_test_types[kind], order, GFP_KERNEL, &h->owner, &b))
		return;
	holder_has(h, &b);
}

static struct potad_block holder_block(struct storm_holder *h)
{
	struct potad_block b;

	spin_lock(&h->lock);
	b = h->block;
	spin_unlock(&h->lock);
	return b;
}

/* By the handle that it has; that may be another one by the time it is used. */
static void holder_gives(struct storm_holder *h)
{
	unsigned int tries = 0;
	struct potad_block b;
	int err;

	do {
		b = holder_block(h);
		err = potad_free(&b);
		if (err)
			cond_resched();
	} while (err && ++tries < 1000000);
	if (err)
		atomic_inc(&h->storm->wrong);
	spin_lock(&h->lock);
	h->has = false;
	spin_unlock(&h->lock);
}

static struct storm_holder *some_holder(struct storm *s, struct rnd_state *rnd)
{
	return &s->holder[potad_test_below(rnd, s->holders)];
}

/* CPU 1, and both where two let memory fail */

static void take_down(const struct potad_event *event, void *arg)
{
	struct storm *s = arg;

	if (event->late)
		atomic_inc(&s->wrong);
	if (event->moved)
		atomic_inc(&s->moved);
	else if (event->answer != POTAD_UNTOLD)
		atomic_inc(&s->answered);
}

static void take_back(struct storm *s, unsigned int me)
{
	u32 granule = s->out[me][--s->nr_out[me]];

	if (potad_unpoison(s->pool, START + granule * GRANULE, 1))
		atomic_inc(&s->wrong);
}

static bool is_out(struct storm *s, unsigned int me, u32 granule)
{
	unsigned int i;

	for (i = 0; i < s->nr_out[me]; i++)
		if (s->out[me][i] == granule)
			return true;
	return false;
}

static void let_fail(struct storm *s, unsigned int me)
{
	struct rnd_state *rnd = &s->rnd[me];
	unsigned int flags = POTAD_FAIL_INJECTED;
	u32 granule = potad_test_below(rnd, GRANULES);
	struct potad_block b;
	int err;

	/* Mostly where somebody is, or was a moment ago. */
	if (potad_test_below(rnd, 4)) {
		b = holder_block(some_holder(s, rnd));
		if (b.bytes)
			granule = potad_pool_granule(s->pool, b.phys) +
				  potad_test_below(rnd, 1U << b.order);
	}
	if (!s->hard && !potad_test_below(rnd, 3))
		flags |= POTAD_FAIL_SOFT;
	err = potad_pool_fail(s->pool, START + granule * GRANULE, 1, flags, take_down, s);
	if (err && err != -EHWPOISON)
		atomic_inc(&s->wrong);
	if (err)
		return;
	s->failures[me]++;
	if (!is_out(s, me, granule))
		s->out[me][s->nr_out[me]++] = granule;
	if (s->nr_out[me] == OUT || !potad_test_below(rnd, 4))
		take_back(s, me);
}

/* CPU 0 */

static void take_or_give(struct storm *s, struct rnd_state *rnd)
{
	struct storm_holder *h = some_holder(s, rnd);

	if (h->has)
		holder_gives(h);
	else
		holder_takes(h, 1 + potad_test_below(rnd, 3), potad_test_below(rnd, 5));
}

/* One order, again and again: the stock's, and the cache's. */
static void pop_and_push(struct storm *s, struct rnd_state *rnd)
{
	struct storm_holder *h = some_holder(s, rnd);
	phys_addr_t phys;

	if (h->has)
		holder_gives(h);
	holder_takes(h, 2, 0);
	if (!potad_bare_alloc(s->pool, 0, &phys) && potad_bare_free(s->pool, phys, 0))
		atomic_inc(&s->wrong);
}

static void move(struct storm *s, struct rnd_state *rnd)
{
	struct potad_block b = holder_block(some_holder(s, rnd));

	switch (potad_migrate(s->pool, b.phys + potad_test_below(rnd, b.bytes), NULL)) {
	case 0:
	case -EAGAIN:
	case -ENOENT:
	case -ENOSPC:
	case -ENOMEM:
		break;
	default:
		atomic_inc(&s->wrong);
	}
}

static void empty_a_range(struct storm *s, struct rnd_state *rnd)
{
	u64 first = potad_test_below(rnd, 8) * SZ_128K;

	switch (potad_evacuate(s->pool, START + first, SZ_128K, NULL, NULL)) {
	case 0:
	case -EBUSY:
	case -EAGAIN:
	case -ENOSPC:
	case -ENOMEM:
		break;
	default:
		atomic_inc(&s->wrong);
	}
}

/* The last reference is not the one that the allocation was. */
static void release_by_others(struct storm *s, struct rnd_state *rnd)
{
	struct storm_holder *h = some_holder(s, rnd);
	struct potad_block b, ref;

	if (!h->has) {
		holder_takes(h, 1 + potad_test_below(rnd, 3), potad_test_below(rnd, 5));
		return;
	}
	b = holder_block(h);
	if (potad_get(s->pool, b.phys, &ref))
		return;		/* it moves */
	holder_gives(h);
	potad_put(&ref);
}

static void fail_too(struct storm *s, struct rnd_state *rnd)
{
	let_fail(s, 0);
}

/* A type comes, has a block and goes; it goes as soon as nobody looks at the block. */
static void have_a_type(struct storm *s, struct rnd_state *rnd)
{
	static const struct potad_test_kind kind = { "passing", 64 };
	struct potad_type_info info = {
		.name = kind.name, .desc_size = kind.desc_size, .ops = &potad_test_owner_ops,
		.mobility = POTAD_MOVABLE, .module = THIS_MODULE,
	};
	struct potad_type *type = potad_type_register(s->pool, &info);
	struct storm_holder *h = &s->holder[0];
	struct potad_block b;
	int err;

	if (IS_ERR(type)) {
		if (PTR_ERR(type) != -ENOMEM)
			atomic_inc(&s->wrong);
		return;
	}
	if (!potad_alloc(type, potad_test_below(rnd, 4), GFP_KERNEL, &h->owner, &b)) {
		holder_has(h, &b);
		if (potad_test_below(rnd, 2))
			usleep_range(1, 500);
		holder_gives(h);
	}
	do
		err = potad_type_unregister(type);
	while (err == -EBUSY && (cond_resched(), true));
	if (err)
		atomic_inc(&s->wrong);
}

static void storm_fn(void *arg, unsigned int me)
{
	struct storm *s = arg;

	while (me && (potad_test_time_left(s->deadline) || s->failures[1] < s->wanted ||
		      READ_ONCE(s->steps) < STEPS))
		let_fail(s, 1);
	if (me)
		atomic_set(&s->done, 1);
	while (!me && !atomic_read(&s->done)) {
		s->other(s, &s->rnd[0]);
		WRITE_ONCE(s->steps, s->steps + 1);
		cond_resched();
	}
}

static const struct weather {
	const char	*name;
	void		(*other)(struct storm *s, struct rnd_state *rnd);
	bool		hard;		/* memory fails only so */
	bool		settled;	/* all have a block from the start */
	unsigned int	holders;	/* fewer than there are */
} weathers[] = {
	{ "allocate and free", take_or_give },
	{ "cached blocks", pop_and_push, true },
	{ "migrate", move, false, true },
	{ "evacuate", empty_a_range, false, true },
	{ "release by others", release_by_others },
	{ "another failure", fail_too, true, true },
	{ "types come and go", have_a_type, true, false, 1 },
};

static void weather_name(const struct weather *w, char *name)
{
	strscpy(name, w->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(weather, weathers, weather_name);

static void failures_race_with(struct kunit *test)
{
	const struct weather *w = test->param_value;
	struct storm *s = potad_test_memory(test, sizeof(*s));
	unsigned int i, me, told = 0;

	potad_test_seed(test, &s->rnd[0]);
	prandom_seed_state(&s->rnd[1], prandom_u32_state(&s->rnd[0]));
	s->pool = potad_test_pool(test, BYTES, GRANULE);
	s->pool->patience = 600 * HZ;
	s->other = w->other;
	s->hard = w->hard;
	s->wanted = potad_test_failures();
	s->holders = w->holders ?: HOLDERS;
	for (i = 0; i < HOLDERS; i++) {
		struct storm_holder *h = &s->holder[i];

		h->storm = s;
		spin_lock_init(&h->lock);
		h->owner.answer = POTAD_RECOVERED;
		h->owner.move = holder_moves;
		if (w->settled)
			holder_takes(h, 1 + i % 3, i % 5);
	}
	s->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, storm_fn, s);
	for (i = 0; i < HOLDERS; i++)
		if (s->holder[i].has)
			holder_gives(&s->holder[i]);
	for (me = 0; me < 2; me++)
		while (s->nr_out[me])
			take_back(s, me);

	for (i = 0; i < HOLDERS; i++) {
		struct potad_test_owner *owner = &s->holder[i].owner;

		told += atomic_read(&owner->tells);
		KUNIT_EXPECT_EQ(test, atomic_read(&owner->inits),
				atomic_read(&owner->releases));
	}
	kunit_info(test, "%llu failures, %d told, %d moved; %llu times the other\n",
		   s->failures[0] + s->failures[1], told, atomic_read(&s->moved), s->steps);
	KUNIT_EXPECT_EQ(test, told, atomic_read(&s->answered));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->wrong), 0);
	KUNIT_EXPECT_NE(test, s->steps, 0);
	KUNIT_EXPECT_NE(test, s->failures[1], 0);
	potad_test_all_free(test, s->pool, 0);
}

/*
 * A block fails as a whole while one granule of it is taken back over and over, so that at
 * some moments nothing has failed, and stocks need not look.  None with a failed granule
 * is handed out.
 */
struct relapse {
	struct potad_pool	*pool;
	struct potad_test_owner	owner;
	struct potad_block	block;
	u64			deadline;
	atomic_t		failed;		/* @block has, and is to be given back */
	atomic_t		handed_out, wrong;
	unsigned int		rounds;
};

static void let_one_fail(struct relapse *r)
{
	if (atomic_read(&r->failed))
		return;
	if (potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &r->owner, &r->block))
		return;
	potad_memory_failure(r->pool, r->block.phys, r->block.bytes, POTAD_FAIL_INJECTED);
	atomic_set_release(&r->failed, 1);
}

static void take_back_and_reuse(struct relapse *r, phys_addr_t *place)
{
	struct potad_block b[8];
	unsigned int i;

	if (*place)
		potad_unpoison(r->pool, *place, 1);
	if (!potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &r->owner, &b[0]) &&
	    potad_free(&b[0]))
		atomic_inc(&r->wrong);
	if (!atomic_read_acquire(&r->failed))
		return;
	*place = r->block.phys;
	if (potad_free(&r->block))
		atomic_inc(&r->wrong);
	for (i = 0; i < ARRAY_SIZE(b); i++) {
		if (potad_alloc(potad_test_types[3], 2, GFP_KERNEL, &r->owner, &b[i]))
			break;
		if (potad_space_has_failed(r->pool->space,
					   potad_pool_granule(r->pool, b[i].phys), 2))
			atomic_inc(&r->handed_out);
	}
	while (i--)
		if (potad_free(&b[i]))
			atomic_inc(&r->wrong);
	for (i = 0; i < 4; i++)
		potad_unpoison(r->pool, *place + i * GRANULE, 1);
	r->rounds++;
	atomic_set(&r->failed, 0);
}

static void relapse_fn(void *arg, unsigned int me)
{
	struct relapse *r = arg;
	phys_addr_t place = 0;

	while (potad_test_time_left(r->deadline)) {
		if (me)
			take_back_and_reuse(r, &place);
		else
			let_one_fail(r);
	}
}

static void failed_block_is_not_handed_out_though_some_is_taken_back(struct kunit *test)
{
	struct relapse *r = potad_test_memory(test, sizeof(*r));
	unsigned int i;

	r->owner.answer = POTAD_REFUSED;
	r->pool = potad_test_pool(test, BYTES, GRANULE);
	r->deadline = potad_test_deadline();
	potad_test_parallel(test, 2, relapse_fn, r);
	kunit_info(test, "%u rounds\n", r->rounds);
	if (atomic_read(&r->failed)) {
		KUNIT_EXPECT_EQ(test, potad_free(&r->block), 0);
		for (i = 0; i < 4; i++)
			potad_unpoison(r->pool, r->block.phys + i * GRANULE, 1);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&r->handed_out), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->wrong), 0);
	potad_test_all_free(test, r->pool, 0);
}

static struct kunit_case storm_cases[] = {
	KUNIT_CASE_PARAM(failures_race_with, weather_gen_params),
	KUNIT_CASE(failed_block_is_not_handed_out_though_some_is_taken_back),
	{ }
};

static struct kunit_suite storm_suite = {
	.name = "potad_storm",
	.suite_init = potad_test_types_init,
	.suite_exit = potad_test_types_exit,
	.test_cases = storm_cases,
};

kunit_test_suite(storm_suite);

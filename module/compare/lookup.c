// SPDX-License-Identifier: GPL-2.0
/*
 * Lookup indexes beside each other.
 *
 * Each subject gets the same blocks of mixed orders (three of four a single frame),
 * lying one behind the other at multiples of their sizes, and is asked for the same
 * frames.  There is no memory behind the blocks; their descriptors are one array
 * of made-up ones, 64 bytes each, of which only one variant reads anything.
 *
 *	words maple xarray	the kinds of memdesc/index.h
 *	two			a table like the words, but two of them for each frame,
 *				side by side: whose memory, and what is in it
 *	inside			the words, and whose memory it is in the first eight
 *				bytes of the descriptor: that is read as well
 *	empty			the loop alone
 *
 * Words, "two" and "inside" all answer both questions: in a word the type's tag
 * says whose memory it is.
 *
 * Turns: lookups, then some blocks are cleared (timed), then set again (timed).
 * Lookups do not wait for each other.  Cold, caches are emptied by a walk through
 * much memory before every BURST operations.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "../include/compat.h"
#include "../memdesc/index.h"
#include "lines.h"
#include "lookup.h"
#include "marker.h"
#include "stopwatch.h"

#define FLUSH_BYTES	(64UL << 20)	/* beyond the caches of most machines */
#define BURST		64U		/* operations after each walk */
#define BURSTS		3		/* of them in a turn */
#define LARGEST		9U		/* order of a block, in frames */
#define DESC_WORDS	8

/* Two words for each frame, in the levels of the words. */
struct two {
	unsigned long	(*level[POTAD_WORD_LEVELS])[2];
	u64		frames;
};

struct block {
	u32	first;
	u32	order;
};

struct bench {
	const struct potad_lookup *what;
	struct potad_index	index;
	struct two		two;
	struct block		*block;
	u32			*query;		/* frames to be asked for */
	u32			*change;	/* blocks to be cleared and set */
	unsigned long		(*desc)[DESC_WORDS];
	u8			*flush;
	u64			frames;
	unsigned int		changes;
	struct rnd_state	rnd;
	unsigned long		sum;		/* of what was found: it is used */
	u64			*time;		/* a row of rounds for each op */
	unsigned int		busy;		/* subject that the writer works on */
};

static DEFINE_MUTEX(running);

static u32 below(struct bench *b, u32 limit)
{
	return (u64)prandom_u32_state(&b->rnd) * limit >> 32;
}

static unsigned long word_of(const struct bench *b, u32 i)
{
	return (unsigned long)b->desc[i] | (POTAD_TAG_TYPE + i % POTAD_TAGS);
}

/* Two words ---------------------------------------------------------------- */

static u64 two_words(u64 frames, unsigned int level)
{
	return (frames >> level * POTAD_WORD_SHIFT) + 1;
}

static void two_exit(struct two *two)
{
	unsigned int i;

	for (i = 0; i < POTAD_WORD_LEVELS; i++) {
		vfree(two->level[i]);
		two->level[i] = NULL;
	}
}

static int two_init(struct two *two, u64 frames)
{
	unsigned int i;

	two->frames = frames;
	for (i = 0; i < POTAD_WORD_LEVELS; i++) {
		two->level[i] = vzalloc(two_words(frames, i) * sizeof(*two->level[i]));
		if (!two->level[i]) {
			two_exit(two);
			return -ENOMEM;
		}
	}
	return 0;
}

static __always_inline void two_store(struct two *two, u64 first, unsigned int order,
				      unsigned long owner, unsigned long word)
{
	unsigned int level = min(order / POTAD_WORD_SHIFT, POTAD_WORD_LEVELS - 1U), i;
	unsigned long (*p)[2] = two->level[level] + (first >> level * POTAD_WORD_SHIFT);

	for (i = 0; i < 1U << (order - level * POTAD_WORD_SHIFT); i++) {
		WRITE_ONCE(p[i][0], owner);
		WRITE_ONCE(p[i][1], word);
	}
}

static __always_inline unsigned long two_find(struct two *two, u64 frame)
{
	unsigned int level;

	for (level = 0; level < POTAD_WORD_LEVELS; level++) {
		unsigned long *p = two->level[level][frame];
		unsigned long word = READ_ONCE(p[1]);

		if (word)
			return word + READ_ONCE(p[0]);
		frame >>= POTAD_WORD_SHIFT;
	}
	return 0;
}

static u64 two_bytes(const struct two *two)
{
	unsigned int i;
	u64 bytes = 0;

	for (i = 0; i < POTAD_WORD_LEVELS; i++)
		bytes += two_words(two->frames, i) * sizeof(*two->level[i]);
	return bytes;
}

/* Subjects ----------------------------------------------------------------- */

static __always_inline unsigned long index_find(struct bench *b, u32 frame)
{
	return potad_index_find(&b->index, frame);
}

static __always_inline int index_set(struct bench *b, u32 i)
{
	return potad_index_set(&b->index, b->block[i].first, b->block[i].order,
			       word_of(b, i), GFP_NOWAIT | __GFP_NOWARN);
}

static __always_inline void index_clear(struct bench *b, u32 i)
{
	potad_index_clear(&b->index, b->block[i].first, b->block[i].order,
			  word_of(b, i));
}

static __always_inline unsigned long pair_find(struct bench *b, u32 frame)
{
	return two_find(&b->two, frame);
}

static __always_inline int pair_set(struct bench *b, u32 i)
{
	two_store(&b->two, b->block[i].first, b->block[i].order, (unsigned long)b,
		  word_of(b, i));
	return 0;
}

static __always_inline void pair_clear(struct bench *b, u32 i)
{
	two_store(&b->two, b->block[i].first, b->block[i].order, 0, 0);
}

static __always_inline unsigned long inside_find(struct bench *b, u32 frame)
{
	unsigned long word = potad_words_find(&b->index.words, frame);

	return word ? *(unsigned long *)potad_word_desc(word) : 0;
}

static __always_inline int inside_set(struct bench *b, u32 i)
{
	WRITE_ONCE(b->desc[i][0], (unsigned long)b);
	return index_set(b, i);
}

static __always_inline unsigned long empty_find(struct bench *b, u32 frame)
{
	return frame;
}

static __always_inline int empty_set(struct bench *b, u32 i)
{
	b->sum += b->block[i].first + word_of(b, i);
	return 0;
}

/* As in any index of words: what is in the descriptor stays. */
static __always_inline void inside_clear(struct bench *b, u32 i)
{
	index_clear(b, i);
}

static __always_inline void empty_clear(struct bench *b, u32 i)
{
	b->sum += b->block[i].first + word_of(b, i);
}

/*
 * The loops of a subject, and its single operations between markers: all that
 * those need is on the stack or in registers, but for what they look up.
 */
#define DEFINE_SUBJECT(name)							\
static noinline void name##_finds(struct bench *b, u32 from, u32 n)		\
{										\
	unsigned long sum = 0;							\
										\
	rcu_read_lock();							\
	while (n--)								\
		sum += name##_find(b, b->query[from++]);			\
	rcu_read_unlock();							\
	b->sum += sum;								\
}										\
										\
static noinline int name##_sets(struct bench *b, u32 from, u32 n)		\
{										\
	int err = 0;								\
										\
	while (n--)								\
		err |= name##_set(b, b->change[from++]);			\
	return err ? -ENOMEM : 0;						\
}										\
										\
static noinline void name##_clears(struct bench *b, u32 from, u32 n)		\
{										\
	while (n--)								\
		name##_clear(b, b->change[from++]);				\
}										\
										\
static noinline int name##_steps(struct bench *b, u32 i, unsigned int label)	\
{										\
	u32 frame = b->query[i], block = b->change[i];				\
	unsigned long found;							\
	int err;								\
										\
	rcu_read_lock();							\
	potad_mark_label(label + POTAD_LOOKUP_FIND);				\
	potad_mark_begin();							\
	found = name##_find(b, frame);						\
	potad_mark_end();							\
	rcu_read_unlock();							\
	b->sum += found;							\
	potad_mark_label(label + POTAD_LOOKUP_CLEAR);				\
	potad_mark_begin();							\
	name##_clear(b, block);							\
	potad_mark_end();							\
	potad_mark_label(label + POTAD_LOOKUP_SET);				\
	potad_mark_begin();							\
	err = name##_set(b, block);						\
	potad_mark_end();							\
	return err;								\
}

DEFINE_SUBJECT(index)
DEFINE_SUBJECT(pair)
DEFINE_SUBJECT(inside)
DEFINE_SUBJECT(empty)

static const struct subject {
	const char		*name;
	int			kind;	/* of its index; -1: none */
	bool			two;
	void			(*finds)(struct bench *b, u32 from, u32 n);
	int			(*sets)(struct bench *b, u32 from, u32 n);
	void			(*clears)(struct bench *b, u32 from, u32 n);
	int			(*steps)(struct bench *b, u32 i, unsigned int label);
} subjects[] = {
	{ "words", POTAD_INDEX_WORDS, false, index_finds, index_sets, index_clears, index_steps },
	{ "maple", POTAD_INDEX_MAPLE, false, index_finds, index_sets, index_clears, index_steps },
	{ "xarray", POTAD_INDEX_XARRAY, false, index_finds, index_sets, index_clears, index_steps },
	{ "two", -1, true, pair_finds, pair_sets, pair_clears, pair_steps },
	{ "inside", POTAD_INDEX_WORDS, false, inside_finds, inside_sets, inside_clears,
	  inside_steps },
	{ "empty", -1, false, empty_finds, empty_sets, empty_clears, empty_steps },
};

static const char * const op_names[POTAD_LOOKUP_PARTS] = { "find", "clear", "set" };

/* The bench ---------------------------------------------------------------- */

/* Three of four blocks are a frame, one of eight is two, and so on. */
static void lay_out(struct bench *b)
{
	u64 at = 0;
	u32 i;

	for (i = 0; i < b->what->blocks; i++) {
		u32 random = prandom_u32_state(&b->rnd) | 1U << (2 * LARGEST);
		unsigned int order = __ffs(random) / 2;

		at = ALIGN(at, 1ULL << order);
		b->block[i] = (struct block){ at, order };
		at += 1ULL << order;
		if (!(i % 65536))
			cond_resched();
	}
	b->frames = at;
}

/*
 * Which block is asked for: any, or one by Zipf's law: the logarithm of its rank
 * is any, and the ranks are scattered.
 */
static u32 which(struct bench *b)
{
	u32 n = b->what->blocks, rank;
	unsigned int bits;

	if (!b->what->skewed)
		return below(b, n);
	bits = below(b, fls(n));
	rank = min((1U << bits) + below(b, 1U << bits), n) - 1;
	return (u64)rank * 2654435761U % n;
}

static void choose(struct bench *b)
{
	u32 n = b->what->blocks, start = below(b, n), i;

	for (i = 0; i < b->what->ops; i++) {
		struct block *block = &b->block[which(b)];

		b->query[i] = block->first + below(b, 1U << block->order);
	}
	/* No block twice: a prime's steps, unless there are as many. */
	for (i = 0; i < b->changes; i++)
		b->change[i] = (start + i * 7919ULL) % n;
}

static void forget(struct bench *b)
{
	kvfree(b->block);
	kvfree(b->query);
	kvfree(b->change);
	kvfree(b->time);
	vfree(b->desc);
	vfree(b->flush);
	kvfree(b);
}

static struct bench *new_bench(const struct potad_lookup *what)
{
	struct bench *b = kvzalloc_obj(*b, GFP_KERNEL);

	if (!b)
		return NULL;
	b->what = what;
	/* Of all blocks at most half are ever changed. */
	b->changes = min(what->ops, max(what->blocks / 2, 1U));
	if (what->cold)
		b->changes = min(b->changes, BURSTS * BURST);
	prandom_seed_state(&b->rnd, what->seed);
	b->block = kvmalloc_array(what->blocks, sizeof(*b->block), GFP_KERNEL | __GFP_NOWARN);
	b->query = kvmalloc_array(what->ops, sizeof(*b->query), GFP_KERNEL | __GFP_NOWARN);
	b->change = kvmalloc_array(b->changes, sizeof(*b->change), GFP_KERNEL | __GFP_NOWARN);
	b->time = kvcalloc(what->rounds * POTAD_LOOKUP_PARTS, sizeof(*b->time), GFP_KERNEL);
	b->desc = __vmalloc(array_size(what->blocks, sizeof(*b->desc)),
			    GFP_KERNEL | __GFP_NOWARN);
	if (what->cold)
		b->flush = vzalloc(FLUSH_BYTES);
	if (b->block && b->query && b->change && b->time && b->desc &&
	    (!what->cold || b->flush)) {
		lay_out(b);
		return b;
	}
	forget(b);
	return NULL;
}

static void clean(struct bench *b, const struct subject *s)
{
	if (s->kind >= 0)
		potad_index_exit(&b->index);
	if (s->two)
		two_exit(&b->two);
}

/* The subject's own index, with all blocks in it. */
static int build(struct bench *b, const struct subject *s)
{
	int err = 0;
	u32 i;

	if (s->kind >= 0)
		err = potad_index_init(&b->index, s->kind, b->frames, 0);
	else if (s->two)
		err = two_init(&b->two, b->frames);
	for (i = 0; i < b->what->blocks && !err; i++) {
		if (s->kind >= 0)
			err = potad_index_set(&b->index, b->block[i].first, b->block[i].order,
					      word_of(b, i), GFP_KERNEL | __GFP_NOWARN);
		else if (s->two)
			err = pair_set(b, i);
		b->desc[i][0] = i;
		if (!(i % 4096)) {
			cond_resched();
			if (!err && fatal_signal_pending(current))
				err = -EINTR;
		}
	}
	if (err && err != -EOPNOTSUPP)
		clean(b, s);
	return err;
}

static u64 bytes_of(struct bench *b, const struct subject *s)
{
	if (s->kind >= 0)
		return potad_index_bytes(&b->index);
	return s->two ? two_bytes(&b->two) : 0;
}

static void empty_caches(struct bench *b)
{
	unsigned long i, sum = 0;

	for (i = 0; i < FLUSH_BYTES; i += 64) {
		sum += b->flush[i]++;
		if (!(i % (8UL << 20)))
			cond_resched();
	}
	b->sum += sum;
}

static int do_op(struct bench *b, const struct subject *s, unsigned int op, u32 from, u32 n)
{
	if (op == POTAD_LOOKUP_FIND)
		s->finds(b, from, n);
	else if (op == POTAD_LOOKUP_CLEAR)
		s->clears(b, from, n);
	else
		return s->sets(b, from, n);
	return 0;
}

/* One turn at one operation: tenths of a ns. */
static int turn(struct bench *b, const struct subject *s, unsigned int op, u64 *time)
{
	u32 n = op == POTAD_LOOKUP_FIND ? b->what->ops : b->changes, done = 0, burst;
	u64 begin, ns = 0;
	int err = 0;

	if (b->what->cold)
		n = min(n, BURSTS * BURST);
	while (done < n && !err) {
		burst = b->what->cold ? min(BURST, n - done) : min(4096U, n - done);
		if (b->what->cold)
			empty_caches(b);
		begin = ktime_get_ns();
		err = do_op(b, s, op, done, burst);
		ns += ktime_get_ns() - begin;
		done += burst;
		cond_resched();
	}
	*time = div_u64(ns * 10, n);
	return err;
}

static int writer_fn(void *data)
{
	struct bench *b = data;
	const struct subject *s = &subjects[b->busy];
	u32 i = 0;

	while (!kthread_should_stop()) {
		s->clears(b, i, 1);
		while (s->sets(b, i, 1) && !kthread_should_stop())
			cond_resched();
		i = (i + 1) % b->changes;
		if (!(i % 64))
			cond_resched();
	}
	return 0;
}

static struct task_struct *start_writer(struct bench *b, unsigned int subject)
{
	int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	struct task_struct *task;

	b->busy = subject;
	task = kthread_create(writer_fn, b, "potad-lookup");
	if (!IS_ERR(task)) {
		kthread_bind(task, cpu);
		wake_up_process(task);
	}
	return task;
}

/* All rounds of a subject; the first of all, which warms up, does not count. */
static int rounds(struct bench *b, const struct subject *s)
{
	unsigned int ops = b->what->writer ? 1 : POTAD_LOOKUP_PARTS, op;
	unsigned int nr = b->what->rounds;
	int round, err = 0;
	u64 time;

	for (round = -1; round < (int)nr && !err; round++)
		for (op = 0; op < ops && !err; op++) {
			err = turn(b, s, op, &time);
			if (round >= 0)
				b->time[op * nr + round] = time;
			if (fatal_signal_pending(current))
				err = -EINTR;
		}
	return err;
}

static int time_subject(struct bench *b, unsigned int subject, potad_lookup_fn report,
			void *arg)
{
	const struct subject *s = &subjects[subject];
	unsigned int nr = b->what->rounds, op;
	struct task_struct *writer = NULL;
	struct potad_lookup_row row = { .subject = s->name };
	int err;

	migrate_disable();
	if (b->what->writer)
		writer = start_writer(b, subject);
	err = PTR_ERR_OR_ZERO(writer);
	if (!err) {
		err = rounds(b, s);
		if (writer)
			kthread_stop(writer);
	}
	migrate_enable();
	if (err)
		return err;
	row.bytes = bytes_of(b, s);
	for (op = 0; op < (b->what->writer ? 1 : POTAD_LOOKUP_PARTS); op++) {
		u64 *time = b->time + op * nr;

		potad_sort_times(time, nr);
		row.op = op_names[op];
		row.median = time[nr / 2];
		row.min = time[0];
		row.max = time[nr - 1];
		report(&row, arg);
	}
	return 0;
}

static int mark_subject(struct bench *b, unsigned int subject, potad_lookup_fn report,
			void *arg)
{
	const struct subject *s = &subjects[subject];
	struct potad_lookup_row row = {
		.subject = s->name, .op = "lines",
		.label = (1 + subject) * POTAD_LOOKUP_PARTS,
	};
	int err = 0;
	u32 i, n = min(b->changes, b->what->ops);

	migrate_disable();
	for (i = 0; i < n && !err; i++) {
		/* Slabs and the like are warm before it counts, under the first labels. */
		err = s->steps(b, i, i < n / 4 ? 0 : row.label);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	migrate_enable();
	if (!err)
		report(&row, arg);
	return err;
}

/**
 * potad_lookup_run() - time lookups, sets and clears of each subject
 * @what: what
 * @report: called for each result
 * @arg: handed to @report
 *
 * A subject that has not enough memory is reported as such, and the next one
 * begins.
 *
 * Context: Process context; takes its time; a fatal signal ends it.
 * Return: 0; -EBUSY if another one runs; -EINTR; -ENOMEM; -ENODEV if there is no
 * CPU for the writer.
 */
int potad_lookup_run(const struct potad_lookup *what, potad_lookup_fn report, void *arg)
{
	struct bench *b;
	unsigned int i;
	int err = 0;

	if (what->writer && num_online_cpus() < 2)
		return -ENODEV;
	if (!mutex_trylock(&running))
		return -EBUSY;
	b = new_bench(what);
	if (!b) {
		mutex_unlock(&running);
		return -ENOMEM;
	}
	choose(b);
	if (what->lines)
		potad_lines_begin();
	for (i = 0; i < ARRAY_SIZE(subjects) && err != -EINTR; i++) {
		struct potad_lookup_row row = { .subject = subjects[i].name, .op = "all" };

		err = build(b, &subjects[i]);
		if (!err) {
			err = what->lines ? mark_subject(b, i, report, arg) :
					    time_subject(b, i, report, arg);
			clean(b, &subjects[i]);
		}
		row.err = err;
		if (err && err != -EINTR)
			report(&row, arg);
	}
	forget(b);
	mutex_unlock(&running);
	return err == -EINTR ? err : 0;
}

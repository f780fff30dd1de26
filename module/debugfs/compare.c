// SPDX-License-Identifier: GPL-2.0
/*
 * compare/run: keys and values say what is to be compared (compare/compare.h); the
 * write lasts as long as it takes, and the answer has a row for each result.
 *
 * compare/progress: how far the one is that is running, if any; a name and a value a
 * line.
 *
 * Lines of an answer that begin with # are for people: what the columns are, and why a subject has
 * none but dashes.
 */
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compare/compare.h"
#include "../compare/counter.h"
#include "../compare/lines.h"
#include "../include/compat.h"
#include "../parse.h"
#include "compare.h"
#include "request.h"
#include "words.h"

/* An answer that is being written. */
struct answer {
	struct potad_request	*req;
	unsigned int		rows;
	u64			least;		/* what was last said of it */
	const char		*why[POTAD_COMPARE_SUBJECTS];
};

#define COLUMNS	"# order subject ns_median ns_min ns_max ratio_to_native ns_p99 ns_mean refused part cpus ns_p999 ns_longest one_p50 one_p99 one_p999 one_longest unit requests"
#define ABOUT_ONE	"# one: operations timed by themselves; from each, and each batch, %llu ns for the clock are subtracted\n"
#define ABOUT_FRAMES	"# order %d: what is held at the end has room in %llu of 2 MiB; whole: of all it ever had (had-2M), with nothing left\n"
#define ROWS_MAX	((POTAD_REPLY_SIZE - 4096) / 200)
#define DASHES	"- - - - - - - "

/* What is the same for many rows is said once, before the first. */
static void reply_remarks(struct answer *answer, const struct potad_compare_row *row)
{
	struct potad_request *req = answer->req;

	if (row->why && row->why != answer->why[row->id])
		potad_reply(req, "# %s: %s\n", row->subject, row->why);
	answer->why[row->id] = row->why;
	if (row->why)
		return;
	if (!row->counts && !answer->rows++)
		potad_reply(req, ABOUT_ONE, row->clock);
	if (!row->counts || row->least == answer->least)
		return;
	answer->least = row->least;
	potad_reply(req, ABOUT_FRAMES, row->first_order, row->least);
}

/* Of an operation; a dash where there is no such counter. */
static void reply_counts(struct potad_request *req, const struct potad_counts *counts)
{
	unsigned int i;

	for (i = 0; i < POTAD_COUNTER_EVENTS; i++) {
		u64 ops = counts->ops[i];
		u64 hundredths = ops ? div64_u64(counts->events[i] * 100, ops) : 0;

		if (ops)
			potad_reply(req, " %llu.%02llu", hundredths / 100, hundredths % 100);
		else
			potad_reply(req, " -");
	}
}

static void reply_columns(struct potad_request *req, bool counters)
{
	unsigned int i;

	potad_reply(req, COLUMNS);
	for (i = 0; counters && i < POTAD_COUNTER_EVENTS; i++)
		potad_reply(req, " %s", potad_counted[i].name);
	potad_reply(req, "; ");
}

/* Without counters it goes on without, and says so. */
static void find_counters(struct potad_request *req, struct potad_compare *cmp)
{
	int err = potad_counter_probe();

	cmp->counters = !err;
	if (err == -EOPNOTSUPP)
		potad_reply(req, "# counters: none: this kernel has no perf events\n");
	else if (err)
		potad_reply(req, "# counters: none of hardware: perf says %s\n",
			    potad_err_name(err));
}

static void reply_row(const struct potad_compare_row *row, void *arg)
{
	struct answer *answer = arg;
	struct potad_request *req = answer->req;
	bool times = !row->why && !row->counts;

	reply_remarks(answer, row);
	potad_reply(req, row->first_order == row->last_order ? "%d" : "%d-%d",
		    row->first_order, row->last_order);
	potad_reply(req, " %s ", row->subject);
	if (row->why) {
		potad_reply(req, DASHES);
	} else {
		potad_reply_tenths(req, row->median);
		potad_reply_tenths(req, row->min);
		potad_reply_tenths(req, row->max);
		if (row->ratio)
			potad_reply(req, "%llu.%02llu ", row->ratio / 100, row->ratio % 100);
		else
			potad_reply(req, "- ");
		if (times) {
			potad_reply_tenths(req, row->p99);
			potad_reply_tenths(req, row->mean);
		} else {
			potad_reply(req, "- - ");
		}
		potad_reply(req, "%llu ", row->refused);
	}
	potad_reply(req, "%s %u ", row->part, row->cpus);
	if (times) {
		potad_reply_tenths(req, row->p999);
		potad_reply_tenths(req, row->longest);
		potad_reply_tenths(req, row->one.p50);
		potad_reply_tenths(req, row->one.p99);
		potad_reply_tenths(req, row->one.p999);
		potad_reply_tenths(req, row->one.longest);
	} else {
		potad_reply(req, "- - - - - - ");
	}
	if (row->why)
		potad_reply(req, "- -");
	else
		potad_reply(req, "%s %08x", row->counts ? "2M" : "ns", row->requests);
	if (row->counted)
		reply_counts(req, row->counted);
	potad_reply(req, "\n");
}

static void reply_lines(const struct potad_lines_row *row, void *arg)
{
	struct potad_request *req = arg;

	if (row->why)
		potad_reply(req, "- %d %s %s %s\n", row->order, row->subject,
			    row->workload, row->why);
	else
		potad_reply(req, "%u %d %s %s\n", row->label, row->order, row->subject,
			    row->workload);
}

/* The comparison itself: of times, or (which times nothing) between markers. */
static int compare(struct potad_request *req, const struct potad_compare *cmp,
		   bool lines)
{
	struct answer *answer;
	int err;

	if (lines) {
		potad_reply(req, "# label (frees: 1 more; or -) order subject workload\n");
		return potad_lines_run(cmp, reply_lines, req);
	}
	reply_columns(req, cmp->counters);
	potad_reply(req, "workload=%s rounds=%u ops=%u seed=%llu; ",
		    potad_compare_workload_name(cmp->workload), cmp->rounds,
		    cmp->ops, cmp->seed);
	potad_reply(req, "ratio: how many times %s\n",
		    cmp->workload == POTAD_FRAGMENTATION ? "the share" : "faster");
	answer = kzalloc_obj(*answer, GFP_KERNEL);
	if (!answer)
		return -ENOMEM;
	answer->req = req;
	err = potad_compare_run(cmp, reply_row, answer);
	kfree(answer);
	return err;
}

#define COMPARE_KEYS	"workload=pair orders=0-10 rounds=9 ops=20000 subjects=potad,potad-described,buddy,buddy-described cpus=1 seed=1 counters=0"
#define COMPARE_WORKLOADS "pair, bulk, random-free, churn, mixed, cross, fragmentation or lines"

/* A number with or without a minus; what comes behind it is left in *@s. */
static int compare_order(char **s, int *order)
{
	bool negative = **s == '-';
	char *end, stop;
	u64 n;
	int err;

	*s += negative;
	end = strchrnul(*s, '-');
	stop = *end;
	*end = '\0';
	err = potad_parse_u64(*s, &n);
	*end = stop;
	*s = end;
	if (err)
		return err;
	if (n > -POTAD_COMPARE_SMALLEST && n > POTAD_COMPARE_ORDERS)
		return -EINVAL;
	*order = negative ? -(int)n : (int)n;
	return *order >= POTAD_COMPARE_SMALLEST && *order <= POTAD_COMPARE_ORDERS ? 0 : -EINVAL;
}

/* A-B, or one; both may be negative. */
static int compare_orders(struct potad_request *req, char *value, struct potad_compare *cmp)
{
	int first, last, err;

	err = compare_order(&value, &first);
	last = first;
	if (!err && *value == '-') {
		value++;
		err = compare_order(&value, &last);
	}
	if (!err && (*value || first > last))
		err = -EINVAL;
	if (err)
		return potad_refuse(req, err,
				    "orders: A-B, or one, of %d (8 bytes) to %d (of pages), as in 0-10 or -3-0",
				    POTAD_COMPARE_SMALLEST, POTAD_COMPARE_ORDERS);
	cmp->first_order = first;
	cmp->last_order = last;
	return 0;
}

/* The names of all subjects, for a refusal; @size is enough for 16 of them. */
static const char *compare_names(char *names, size_t size)
{
	const char *name;
	unsigned int i;
	size_t len = 0;

	for (i = 0; (name = potad_compare_subject_name(i)); i++)
		len += scnprintf(names + len, size - len, "%s%s", i ? ", " : "", name);
	return names;
}

static int compare_subjects(struct potad_request *req, char *list, struct potad_compare *cmp)
{
	char names[256];

	if (!potad_compare_subjects(list, &cmp->subjects))
		return 0;
	return potad_refuse(req, -EINVAL,
			    "subjects: all (but empty), or a list with commas of %s",
			    compare_names(names, sizeof(names)));
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
	int err;

	if (!strcmp(key, "workload")) {
		*lines = !strcmp(value, "lines");
		if (!*lines && potad_compare_workload(value, &cmp->workload))
			return potad_refuse(req, -EINVAL, "workload=%s: " COMPARE_WORKLOADS,
					    value);
	} else if (!strcmp(key, "subjects")) {
		return compare_subjects(req, value, cmp);
	} else if (!strcmp(key, "orders")) {
		return compare_orders(req, value, cmp);
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
	} else if (!strcmp(key, "counters")) {
		if (strcmp(value, "0") && strcmp(value, "1"))
			return potad_refuse(req, -EINVAL, "counters=%s: 0 or 1", value);
		cmp->counters = *value == '1';
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
	if (lines && cmp->counters)
		return potad_refuse(req, -EINVAL, "counters: workload=lines is for an emulator's");
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

/*
 * No row is lost: who asks for more than an answer has room for is told.  This is before
 * it runs, and a guess: compare_run() knows afterwards.
 */
static int compare_fits(struct potad_request *req, const struct potad_compare *cmp)
{
	unsigned int orders = cmp->workload == POTAD_MIXED ? 1 :
			      cmp->last_order - cmp->first_order + 1;
	unsigned int parts = cmp->workload == POTAD_BULK ||
			     cmp->workload == POTAD_FRAGMENTATION ? 2 : 1;
	unsigned int rows = orders * parts * hweight_long(cmp->subjects) *
			    hweight_long(cmp->cpus);

	if (rows <= ROWS_MAX)
		return 0;
	return potad_refuse(req, -E2BIG,
			    "%u rows, and room for %u: fewer orders, subjects or numbers of cpus",
			    rows, ROWS_MAX);
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
	if (!err)
		err = compare_fits(req, &cmp);
	if (err)
		return err;

	if (cmp.counters)
		find_counters(req, &cmp);
	err = compare(req, &cmp, lines);
	switch (err) {
	case 0:
		if (!potad_reply_truncated(req))
			return 0;
		return potad_refuse(req, -E2BIG,
				    "no room for all rows: fewer orders, subjects or numbers of cpus");
	case -EBUSY:
		return potad_refuse(req, err, "another comparison is running");
	case -EINTR:
		return potad_refuse(req, err, "interrupted");
	default:
		return potad_refuse(req, err, "the comparison failed");
	}
}

static const struct potad_action compare_action = { "run", compare_run };

static int progress_show(struct seq_file *m, void *v)
{
	struct potad_compare_progress p;

	potad_compare_progress(&p);
	seq_printf(m, "running %d\n", p.running);
	if (!p.running)
		return 0;
	seq_printf(m, "workload %s\n", potad_compare_workload_name(p.workload));
	seq_printf(m, "subject %s\nfirst_order %d\nlast_order %d\ncpus %u\n",
		   p.subject, p.first_order, p.last_order, p.cpus);
	seq_printf(m, "turn %u\nturns %u\n", p.turn, p.turns);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(progress);

/* Makes them. */
void potad_compare_files(struct dentry *dir)
{
	debugfs_create_file("progress", 0400, dir, NULL, &progress_fops);
	potad_action_file(dir, &compare_action);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings: is what is read what is written there, and what is refused wrong?
 *
 * The reference reads a line at a time: it cuts it into fields, copies each and has the
 * kernel's own functions make a number of it.  Texts are made at random, most lines
 * right, some with a mistake of one character, and read in pieces of any length: records,
 * error, line and offset have to be the same.
 *
 * The ledger is held against a list in which everything is looked for from the beginning.
 */
#include <kunit/test.h>
#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "../module/compare/ledger.h"
#include "../module/compare/recording.h"
#include "../module/include/compat.h"
#include "common.h"

#define TEXT_MAX	16384
#define RECORDS_MAX	1024

struct seen {
	struct potad_record	record[RECORDS_MAX];
	u32			nr;
	u32			stop_at;	/* say -ENOSPC there; 0: never */
};

static int note(const struct potad_record *record, void *arg)
{
	struct seen *seen = arg;

	if (seen->nr < RECORDS_MAX)
		seen->record[seen->nr] = *record;
	seen->nr++;
	return seen->nr == seen->stop_at ? -ENOSPC : 0;
}

/* What a text comes to. */
struct outcome {
	int	err;
	u64	line;
	u64	offset;
};

/* All of it, in pieces of at most @piece, or at random if that is 0. */
static struct outcome read_text(struct potad_recording *r, const char *text, size_t len,
				size_t piece, struct rnd_state *rnd, struct seen *seen)
{
	size_t done, n;
	int err = 0;

	potad_recording_begin(r);
	seen->nr = 0;
	for (done = 0; done < len && !err; done += n) {
		n = piece ?: potad_test_below(rnd, 60);
		n = min(n, len - done);
		err = potad_recording_read(r, text + done, n, note, seen);
	}
	err = err ?: potad_recording_end(r);
	return (struct outcome){ err, r->line, r->offset };
}

static struct outcome read_whole(const char *text, struct seen *seen)
{
	struct potad_recording r;

	return read_text(&r, text, strlen(text), TEXT_MAX, NULL, seen);
}

/* The reference ------------------------------------------------------------ */

/* A number of at most 15 digits, no other character. */
static int slow_number(const char *s, int base, u64 *value)
{
	size_t good = strspn(s, base == 16 ? "0123456789abcdef" : "0123456789");

	if (!good)
		return -EINVAL;
	if (good > 15)
		return -ERANGE;
	return s[good] ? -EINVAL : kstrtou64(s, base, value);
}

static bool slow_word(const char *s)
{
	static const char small[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static const char large[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t i;

	for (i = 0; s[i]; i++)
		if (!strchr(small, s[i]) && !strchr(large, s[i]))
			return false;
	return i > 0;
}

/* The fields of a line, into @field; how many. */
static int slow_fields(char *line, char **field, int most)
{
	char *one;
	int n = 0;

	while ((one = strsep(&line, ",")) && n < most)
		field[n++] = one;
	return n;
}

/* Is it one?  Mistakes of a number that is too large are no different to others here. */
static bool slow_record(char *line, bool pages, struct potad_record *record)
{
	static const enum potad_mobility mobility[16] = {
		[0] = POTAD_PINNED, [1] = POTAD_MOVABLE, [2] = POTAD_RECLAIMABLE,
		[3 ... 15] = POTAD_PINNED,
	};
	static const char kinds[] = "PANFS";
	u64 cpu, size, other = 0, mt = 0, pid;
	char *field[9], *kind;
	int n;

	memset(record, 0, sizeof(*record));
	if (strlen(line) > POTAD_RECORDING_LINE)
		return false;
	n = slow_fields(line, field, 9);
	if (n < 5 || slow_number(field[0], 10, &record->dt) ||
	    slow_number(field[1], 10, &cpu) || cpu >= POTAD_RECORDING_CPUS)
		return false;
	kind = strlen(field[2]) == 1 ? strchr(kinds, *field[2]) : NULL;
	if (!kind || (!pages && *kind != 'A' && *kind != 'F'))
		return false;
	record->kind = kind - kinds;
	record->pages = pages;
	record->cpu = cpu;
	if (slow_number(field[3], pages ? 16 : 10, &record->id) ||
	    slow_number(field[4], 10, &size))
		return false;
	if (!pages) {
		if (n != (*kind == 'F' ? 5 : 7) || !size || size > 4194304)
			return false;
		if (n == 7 && (!slow_word(field[5]) || slow_number(field[6], 10, &pid)))
			return false;
		record->mobility = POTAD_PINNED;
		record->shift = order_base_2(size);
		return true;
	}
	if (n != (*kind == 'F' ? 5 : *kind == 'S' ? 6 : 8))
		return false;
	if (n >= 6 && slow_number(field[5], 10, &other))
		return false;
	if (n == 8 && (slow_number(field[6], 10, &mt) || slow_number(field[7], 10, &pid)))
		return false;
	if (size > 10 || record->id >> 40 || record->id % (1ULL << size) || mt > 15)
		return false;
	record->shift = 12 + size;
	if (*kind == 'S') {
		if (other >= size)
			return false;
		record->small = 12 + other;
	}
	if (n == 8)
		record->mobility = mobility[mt];
	return true;
}

/*
 * A text in which the first line is right, and that has no counts.  @line: room for one.
 * -1 in the place of an error: there is one.
 */
static struct outcome slow_text(char *line, const char *text, size_t len, bool pages,
				struct seen *seen)
{
	struct outcome out = { .line = 1 };
	const char *end;

	seen->nr = 0;
	while (len) {
		end = memchr(text, '\n', len);
		if (!end)
			break;
		memcpy(line, text, end - text);
		line[end - text] = '\0';
		if (*line != '#') {
			if (strlen(line) != end - text ||
			    !slow_record(line, pages, &seen->record[seen->nr])) {
				out.err = -1;
				return out;
			}
			seen->nr++;
		}
		out.line++;
		out.offset += end - text + 1;
		len -= end - text + 1;
		text = end + 1;
	}
	if (len)
		out.err = -1;
	return out;
}

/* Tests -------------------------------------------------------------------- */

static const struct line {
	const char	*text;
	int		err;
} page_lines[] = {
	{ "0,0,P,ab8a,1,0,0,0" },
	{ "10,1,A,0,10,60,2,1234" },
	{ "999999999999999,65535,A,ffffffffff,0,0,15,0" },
	{ "0,0,N,0,3,1,1,7" },
	{ "0,0,F,ab8a,1" },
	{ "0,0,S,400,10,0" },
	{ "# 0,0,F" },
	{ "#" },
	{ "", -EINVAL },
	{ " ", -EINVAL },
	{ "0", -EINVAL },
	{ "0,0", -EINVAL },
	{ "0,0,", -EINVAL },
	{ "0,0,F", -EINVAL },
	{ "0,0,F,", -EINVAL },
	{ "0,0,F,1", -EINVAL },
	{ "0,0,F,1,", -EINVAL },
	{ "0,0,F,1,0,", -EINVAL },
	{ "0,0,F,1,0,0", -EINVAL },
	{ "0,0,F,1,0 ", -EINVAL },
	{ " 0,0,F,1,0", -EINVAL },
	{ "0,0,F,1,0\r", -EINVAL },
	{ "0,0,F,0x1,0", -EINVAL },
	{ "0,0,F,AB,0", -EINVAL },
	{ "-1,0,F,1,0", -EINVAL },
	{ "+1,0,F,1,0", -EINVAL },
	{ "0,0,f,1,0", -EINVAL },
	{ "0,0,FF,1,0", -EINVAL },
	{ "0,0,X,1,0", -EINVAL },
	{ "0,0,A,1,0", -EINVAL },
	{ "0,0,A,1,0,0,0", -EINVAL },
	{ "0,0,A,1,0,0,0,0,0", -EINVAL },
	{ "0,0,F,1,1", -EINVAL },
	{ "0,0,F,200,10", -EINVAL },
	{ "0,0,S,400,0,0", -EINVAL },
	{ "0,0,S,400,3,3", -EINVAL },
	{ "0,0,S,400,3,4", -EINVAL },
	{ "0,0,S,400,3,18446744073709551615", -ERANGE },
	{ "0,0,F,0,11", -ERANGE },
	{ "0,0,F,0,4294967296", -ERANGE },
	{ "0,65536,F,0,0", -ERANGE },
	{ "0,0,F,10000000000,0", -ERANGE },
	{ "0,0,F,ffffffffffffffffffff,0", -ERANGE },
	{ "18446744073709551616,0,F,0,0", -ERANGE },
	{ "1234567890123456,0,F,0,0", -ERANGE },
	{ "123456789012345,0,F,0,0" },
	{ "0,0,A,0,0,0,16,0", -ERANGE },
}, byte_lines[] = {
	{ "305704220,1,A,1,512,fe00030,135" },
	{ "0,0,A,2,1,x,0" },
	{ "0,0,A,3,4194304,0,0" },
	{ "0,0,F,1,512" },
	{ "0,0,P,1,512,0,0", -EINVAL },
	{ "0,0,N,0,512,0,0", -EINVAL },
	{ "0,0,S,1,512,0", -EINVAL },
	{ "0,0,A,1,512", -EINVAL },
	{ "0,0,A,1,512,,0", -EINVAL },
	{ "0,0,A,1,512,-,0", -EINVAL },
	{ "0,0,A,a,512,0,0", -EINVAL },
	{ "0,0,A,1,0,0,0", -ERANGE },
	{ "0,0,A,1,4194305,0,0", -ERANGE },
};

static void check_lines(struct kunit *test, const char *head, const struct line *lines,
			unsigned int nr)
{
	struct seen *seen = potad_test_memory(test, sizeof(*seen));
	char *text = potad_test_memory(test, 512);
	struct outcome out;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		snprintf(text, 512, "%s\n%s\n", head, lines[i].text);
		out = read_whole(text, seen);
		KUNIT_EXPECT_EQ_MSG(test, out.err, lines[i].err, "%s", lines[i].text);
		KUNIT_EXPECT_EQ_MSG(test, out.line, lines[i].err ? 2 : 3, "%s", lines[i].text);
		KUNIT_EXPECT_EQ_MSG(test, out.offset,
				    strlen(lines[i].err ? head : text) + !!lines[i].err,
				    "%s", lines[i].text);
	}
}

static void trace_lines(struct kunit *test)
{
	check_lines(test, "# POTT 1", page_lines, ARRAY_SIZE(page_lines));
	check_lines(test, "# POTT 1 counter: x", page_lines, 6);
	check_lines(test, "# POTB 1 of some file system", byte_lines, ARRAY_SIZE(byte_lines));
}

static void trace_says_what(struct kunit *test)
{
	struct seen *seen = potad_test_memory(test, sizeof(*seen));
	struct potad_record *record = seen->record;
	struct outcome out;

	out = read_whole("# POTT 1\n7,3,A,ab8a,1,0,2,9\n0,0,S,ab8a,1,0\n", seen);
	KUNIT_ASSERT_EQ(test, out.err, 0);
	KUNIT_ASSERT_EQ(test, seen->nr, 2);
	KUNIT_EXPECT_EQ(test, record->kind, POTAD_RECORD_ALLOC);
	KUNIT_EXPECT_EQ(test, record->id, 0xab8a);
	KUNIT_EXPECT_EQ(test, record->dt, 7);
	KUNIT_EXPECT_EQ(test, record->cpu, 3);
	KUNIT_EXPECT_EQ(test, record->shift, 13);
	KUNIT_EXPECT_EQ(test, record->mobility, POTAD_RECLAIMABLE);
	KUNIT_EXPECT_TRUE(test, record->pages);
	KUNIT_EXPECT_EQ(test, record[1].kind, POTAD_RECORD_SPLIT);
	KUNIT_EXPECT_EQ(test, record[1].small, 12);
	/* A size is rounded up to a power of two. */
	out = read_whole("# POTB 1\n0,0,A,12,513,x,9\n", seen);
	KUNIT_ASSERT_EQ(test, out.err, 0);
	KUNIT_EXPECT_EQ(test, record->shift, 10);
	KUNIT_EXPECT_EQ(test, record->id, 12);
	KUNIT_EXPECT_FALSE(test, record->pages);
}

/* First lines, counts and ends; @line and @offset of what is refused. */
static void trace_begins_and_ends(struct kunit *test)
{
	static const struct {
		const char	*text;
		int		err;
		u64		line;
		u64		offset;
	} texts[] = {
		{ "", -EINVAL, 1, 0 },
		{ "# POTT 1\n", 0, 2, 9 },
		{ "# POTT 1", -EINVAL, 1, 0 },
		{ "# POTT 2\n", -EINVAL, 1, 0 },
		{ "# POTT 10\n", -EINVAL, 1, 0 },
		{ "# POTT\n", -EINVAL, 1, 0 },
		{ "POTT 1\n", -EINVAL, 1, 0 },
		{ "\n# POTT 1\n", -EINVAL, 1, 0 },
		{ "0,0,F,1,0\n", -EINVAL, 1, 0 },
		{ "# POTT 1\n0,0,F,1,0", -EINVAL, 2, 9 },
		{ "# POTT 1\n# with", -EINVAL, 2, 9 },
		{ "# POTT 1\n# count 7\n0,0,F,1,0\n", 0, 4, 29 },
		{ "# POTT 1 counted\n", -EINVAL, 2, 17 },
		{ "# POTT 1 counted\n0,0,F,1,0\n", -EINVAL, 3, 27 },
		{ "# POTT 1 counted x\n0,0,F,1,0\n# count 1\n", 0, 4, 39 },
		{ "# POTT 1 counted x\n0,0,F,1,0\n# count 2\n", -EINVAL, 3, 29 },
		{ "# POTT 1 counted\n# count 0\n# count 0\n", -EINVAL, 3, 27 },
		{ "# POTT 1 counted\n# count 0\n# more\n", 0, 4, 34 },
		{ "# POTT 1 counted\n# count 0\n0,0,F,1,0\n", -EINVAL, 3, 27 },
		{ "# POTT 1 counted\n# count -1\n", -EINVAL, 2, 17 },
		{ "# POTT 1 counted\n# count 0.\n", -EINVAL, 2, 17 },
		{ "# POTT 1 counts\n0,0,F,1,0\n", 0, 3, 26 },
	};
	struct seen *seen = potad_test_memory(test, sizeof(*seen));
	struct outcome out;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		out = read_whole(texts[i].text, seen);
		KUNIT_EXPECT_EQ_MSG(test, out.err, texts[i].err, "%s", texts[i].text);
		KUNIT_EXPECT_EQ_MSG(test, out.line, texts[i].line, "%s", texts[i].text);
		KUNIT_EXPECT_EQ_MSG(test, out.offset, texts[i].offset, "%s", texts[i].text);
	}
}

/* Whoever gets the records may end it. */
static void trace_can_be_ended(struct kunit *test)
{
	struct seen *seen = potad_test_memory(test, sizeof(*seen));
	struct outcome out;

	seen->stop_at = 2;
	out = read_whole("# POTT 1\n0,0,F,1,0\n0,0,F,2,0\n0,0,F,3,0\n", seen);
	KUNIT_EXPECT_EQ(test, out.err, -ENOSPC);
	KUNIT_EXPECT_EQ(test, out.line, 3);
	KUNIT_EXPECT_EQ(test, out.offset, 19);
	KUNIT_EXPECT_EQ(test, seen->nr, 2);
}

/* A line that never ends is refused while it comes, a comment only when it is over. */
static void trace_long_lines(struct kunit *test)
{
	struct seen *seen = potad_test_memory(test, sizeof(*seen));
	char *text = potad_test_memory(test, 1024);
	struct potad_recording r;
	struct outcome out;
	int err, i;

	memset(text, '0', 1023);
	for (i = 1; i <= 200; i++) {
		seen->nr = 0;
		potad_recording_begin(&r);
		err = potad_recording_read(&r, "# POTT 1\n", 9, note, seen);
		KUNIT_ASSERT_EQ(test, err, 0);
		err = potad_recording_read(&r, text, i, note, seen);
		KUNIT_EXPECT_EQ_MSG(test, err, i > POTAD_RECORDING_LINE ? -EINVAL : 0, "%d", i);
		KUNIT_EXPECT_EQ(test, r.line, 2);
		KUNIT_EXPECT_EQ(test, r.offset, 9);
	}
	memcpy(text, "# POTT 1\n#", 10);
	text[1022] = '\n';
	for (i = 1; i < 1023; i += 7) {
		out = read_text(&r, text, 1023, i, NULL, seen);
		KUNIT_EXPECT_EQ(test, out.err, 0);
		KUNIT_EXPECT_EQ(test, out.offset, 1023);
	}
}

/* A line at random, in most cases a right one. */
static size_t random_line(struct rnd_state *rnd, bool pages, char *to, size_t room)
{
	static const char mistakes[] = { '0', ',', '9', 'a', '#', '-', '\n', '\t', '\0', 'x' };
	u64 id = prandom_u32_state(rnd) >> potad_test_below(rnd, 32);
	u32 order = potad_test_below(rnd, 11), cpu = potad_test_below(rnd, 4);
	u32 dt = prandom_u32_state(rnd) >> potad_test_below(rnd, 32);
	size_t len;

	id <<= order;
	if (!potad_test_below(rnd, 10))
		return snprintf(to, room, "#%0*d\n", potad_test_below(rnd, 300), 0);
	if (!pages && potad_test_below(rnd, 2))
		len = snprintf(to, room, "%u,%u,A,%llu,%u,fe,%u\n", dt, cpu, id, 1 << order, dt);
	else if (!pages)
		len = snprintf(to, room, "%u,%u,F,%llu,%u\n", dt, cpu, id, 1 << order);
	else if (potad_test_below(rnd, 2))
		len = snprintf(to, room, "%u,%u,%c,%llx,%u,%u,%u,%u\n", dt, cpu,
			       "PAN"[potad_test_below(rnd, 3)], id, order, cpu, cpu, dt);
	else if (order && potad_test_below(rnd, 2))
		len = snprintf(to, room, "%u,%u,S,%llx,%u,%u\n", dt, cpu, id, order,
			       potad_test_below(rnd, order));
	else
		len = snprintf(to, room, "%u,%u,F,%llx,%u\n", dt, cpu, id, order);
	/* A mistake, if it is one, of one character. */
	if (!potad_test_below(rnd, 40))
		to[potad_test_below(rnd, len)] = mistakes[potad_test_below(rnd, sizeof(mistakes))];
	return len;
}

static void trace_random(struct kunit *test)
{
	struct seen *fast = potad_test_memory(test, sizeof(*fast));
	struct seen *slow = potad_test_memory(test, sizeof(*slow));
	char *text = potad_test_memory(test, TEXT_MAX + 1);
	char *line = potad_test_memory(test, TEXT_MAX + 1);
	u32 rounds = potad_test_ops() / 10 + 1, i, pieces, same;
	struct outcome out, wanted;
	struct potad_recording r;
	struct rnd_state rnd;

	potad_test_seed(test, &rnd);
	for (i = 0; i < rounds; i++) {
		u32 lines = potad_test_below(&rnd, 40), n;
		bool pages = i % 3;
		size_t len;

		len = sprintf(text, "# POT%c 1 x\n", pages ? 'T' : 'B');
		for (n = 0; n < lines; n++)
			len += random_line(&rnd, pages, text + len, 400);
		if (len && !potad_test_below(&rnd, 10))
			len -= potad_test_below(&rnd, min_t(size_t, len - 11, 20) + 1);
		wanted = slow_text(line, text, len, pages, slow);
		for (pieces = 0; pieces < 4; pieces++) {
			out = read_text(&r, text, len, pieces < 3 ? pieces : TEXT_MAX, &rnd, fast);
			KUNIT_ASSERT_EQ_MSG(test, out.err != 0, wanted.err != 0,
					    "round %u, line %llu: %s", i, out.line,
					    r.wrong ?: "not refused");
			KUNIT_ASSERT_EQ_MSG(test, out.line, wanted.line, "%s",
					    r.wrong ?: "not refused");
			KUNIT_ASSERT_EQ(test, out.offset, wanted.offset);
			KUNIT_ASSERT_EQ(test, fast->nr, slow->nr);
			for (same = 0; same < slow->nr; same++) {
				struct potad_record *a = &fast->record[same];
				struct potad_record *b = &slow->record[same];

				KUNIT_ASSERT_TRUE(test, a->kind == b->kind && a->id == b->id &&
						  a->dt == b->dt && a->cpu == b->cpu &&
						  a->shift == b->shift && a->small == b->small &&
						  a->pages == b->pages &&
						  a->mobility == b->mobility);
			}
		}
	}
}

/* The ledger ---------------------------------------------------------------- */

#define LEASES	700U

static void destroy_ledger(void *ledger)
{
	potad_ledger_destroy(ledger);
}

static void trace_ledger(struct kunit *test)
{
	u64 *id = potad_test_memory(test, LEASES * sizeof(*id));
	u32 ops = potad_test_ops() * 4, nr = 0, bucket = 0, i, at;
	struct potad_ledger *l = potad_ledger_create(LEASES, 1);
	struct potad_lease *lease;
	struct rnd_state rnd;
	u64 wanted;
	int err;

	if (!l)
		kunit_skip(test, "no memory for a ledger");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, destroy_ledger, l), 0);
	potad_test_seed(test, &rnd);
	for (i = 0; i < ops; i++) {
		/* Few ids, so that most are there; and some very large ones. */
		wanted = (u64)potad_test_below(&rnd, 2 * LEASES) << (i % 5 ? 0 : 40);
		for (at = 0; at < nr && id[at] != wanted; at++)
			;
		lease = potad_ledger_find(l, wanted);
		KUNIT_ASSERT_EQ(test, !!lease, at < nr);
		if (lease)
			KUNIT_ASSERT_EQ(test, lease->id, wanted);
		if (lease && potad_test_below(&rnd, 3)) {
			KUNIT_ASSERT_PTR_EQ(test, potad_ledger_end(l, wanted), lease);
			KUNIT_ASSERT_NULL(test, potad_ledger_find(l, wanted));
			potad_ledger_recycle(l, lease);
			id[at] = id[--nr];
		} else if (!lease) {
			KUNIT_ASSERT_NULL(test, potad_ledger_end(l, wanted));
			err = potad_ledger_add(l, wanted, &lease);
			KUNIT_ASSERT_EQ(test, err, nr < LEASES ? 0 : -E2BIG);
			if (!err)
				id[nr++] = wanted;
		}
		KUNIT_ASSERT_EQ(test, potad_ledger_live(l), nr);
	}
	while ((lease = potad_ledger_any(l, &bucket))) {
		for (at = 0; at < nr && id[at] != lease->id; at++)
			;
		KUNIT_ASSERT_LT(test, at, nr);
		id[at] = id[--nr];
		potad_ledger_recycle(l, lease);
	}
	KUNIT_EXPECT_EQ(test, nr, 0);
}

/* What cannot be had is an error, and what was had is given back. */
static void trace_ledger_without_memory(struct kunit *test)
{
	unsigned int nth, left = 0, failed = 0;
	struct potad_ledger *l;
	struct potad_lease *lease;
	int err;

	for (nth = 1; !left; nth++) {
		KUNIT_ASSERT_LT(test, nth, 100);
		potad_test_fail_nth(test, nth);
		l = potad_ledger_create(LEASES, 1);
		err = l ? potad_ledger_add(l, nth, &lease) : -ENOMEM;
		left = potad_test_fail_nth(test, 0);
		KUNIT_EXPECT_TRUE(test, !err || err == -ENOMEM);
		if (l)
			KUNIT_EXPECT_EQ(test, potad_ledger_live(l), !err);
		potad_ledger_destroy(l);
		failed += !!err;
	}
	KUNIT_EXPECT_GT(test, failed, 0);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(trace_lines),
	KUNIT_CASE(trace_says_what),
	KUNIT_CASE(trace_begins_and_ends),
	KUNIT_CASE(trace_can_be_ended),
	KUNIT_CASE(trace_long_lines),
	KUNIT_CASE(trace_random),
	KUNIT_CASE(trace_ledger),
	KUNIT_CASE(trace_ledger_without_memory),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "potad_trace",
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);

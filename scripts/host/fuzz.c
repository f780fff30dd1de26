// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes, as calls to a space and its cache: for libFuzzer.
 *
 * A byte says what to do, some more say with what.  Orders, numbers and sizes
 * are drawn towards the small and the borders of things (leaves of 256, groups
 * of 65536), where the mistakes are.  After each call everything is compared with
 * the model (model.h), and the space validates itself.
 */
#include <linux/types.h>

#include "model.h"
#include "sanitizer.h"

struct input {
	const u8	*at, *end;
};

static u64 byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static u64 word(struct input *in)
{
	return byte(in) | byte(in) << 8;
}

/* Mostly orders that there are. */
static unsigned int order(struct input *in)
{
	unsigned int b = byte(in);

	return b < 0xf0 ? b % 19 : b & 63;
}

static unsigned int mobility(struct input *in)
{
	return byte(in) % POTAD_MOBILITIES;
}

/* One of the model's blocks, or near the border of something, or anywhere. */
static u64 granule(struct model *m, struct input *in)
{
	u64 b = byte(in);
	const struct model_block *block;
	const struct model_span *span;

	switch (b % 4) {
	case 0:
		if (m->nr_blocks) {
			block = &m->block[byte(in) % m->nr_blocks];
			return block->first +
			       word(in) % (1ULL << min(block->order, 16U));
		}
		break;
	case 1:
		if (m->nr_spans) {
			span = &m->span[(b >> 2) % m->nr_spans];
			return byte(in) & 1 ? span->end - 1 - byte(in) % 16 :
					      span->first + byte(in) % 16;
		}
		break;
	case 2:
		return (b >> 2) % 4 * 65536 + byte(in) % 4 * 256 + byte(in);
	}
	return (word(in) | byte(in) << 16) % (MODEL_NR + 100);
}

static u64 size(struct input *in)
{
	u64 b = byte(in);

	switch (b % 4) {
	case 0:
		return b >> 2;
	case 1:
		return word(in) % 2048;
	case 2:
		return (b >> 2) % 4 * 65536 + byte(in) - 128;
	default:
		return word(in) | (b >> 2) % 4 << 16;
	}
}

static void run(struct model *m, struct input *in)
{
	struct potad_run run = { .nr = size(in) % 70000, .max = U64_MAX };
	unsigned int flags = byte(in);

	run.align = flags & 1 ? order(in) % 18 : 0;
	if (flags & 2)
		run.min = granule(m, in);
	if (flags & 4)
		run.max = run.min + size(in);
	if (flags & 8)
		run.nocross = order(in) % 20;
	run.mobility = mobility(in);
	model_alloc_run(m, &run, flags & 16);
}

static void add_span(struct model *m, struct input *in)
{
	u64 first = granule(m, in), nr = size(in);

	/* Right behind another one: nothing may merge across. */
	if (m->nr_spans && byte(in) % 4 == 0)
		first = m->span[0].end;
	if (first < MODEL_NR)
		model_add_span(m, first, min(nr, MODEL_NR - first), byte(in) & 1);
}

static void call(struct model *m, struct input *in)
{
	unsigned int what = byte(in);
	const struct model_block *block;
	u64 first;

	switch (what % 24) {
	case 0 ... 3:
		model_alloc(m, order(in), mobility(in), false);
		break;
	case 4 ... 6:
		model_alloc(m, order(in), mobility(in), true);
		break;
	case 7:
		model_alloc_some(m, order(in), mobility(in), byte(in) % 33);
		break;
	case 8 ... 9:
		model_free(m, byte(in), false);
		break;
	case 10 ... 11:
		model_free(m, byte(in), true);
		break;
	case 12:
		first = granule(m, in);
		model_free_any(m, first, order(in));
		break;
	case 13:
		run(m, in);
		break;
	case 14:
		if (m->nr_blocks && what & 0x80) {
			/* A part of a block, or of adjacent ones. */
			block = &m->block[byte(in) % m->nr_blocks];
			first = block->first + word(in) % (1ULL << min(block->order, 16U));
			model_free_run(m, first, 1 + word(in) % (2ULL << min(block->order, 15U)));
		} else {
			first = granule(m, in);
			model_free_run(m, first, size(in) % 100000);
		}
		break;
	case 15 ... 16:
		model_retire(m, granule(m, in));
		break;
	case 17:
		/* Most often one that was retired. */
		first = granule(m, in);
		while (what & 0x80 && first + 1 < MODEL_NR &&
		       m->map[first] < MODEL_RETIRED)
			first++;
		model_restore(m, first);
		break;
	case 18:
		model_query(m, granule(m, in));
		break;
	case 19:
		add_span(m, in);
		break;
	case 20:
		model_remove_span(m, m->nr_spans && what & 0x80 ?
				  m->span[byte(in) % m->nr_spans].first :
				  granule(m, in));
		break;
	case 21:
		model_cache(m, byte(in) % 4);
		break;
	case 22:
		if (what & 0x80)
			model_strict(m, byte(in) & 1);
		else
			model_drain(m);
		break;
	case 23:
		model_shrink(m);
		break;
	}
}

const char *__asan_default_options(void)
{
	return "external_symbolizer_path=/usr/bin/addr2line";
}

int fuzz_one_input(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	static struct model m;

	model_create(&m);
	add_span(&m, &in);
	while (in.at < in.end) {
		unsigned int fails = byte(&in);

		/* Now and then: its first, second ... allocation fails. */
		potad_host_fail_nth(fails < 24 ? fails % 6 + 1 : 0);
		call(&m, &in);
		potad_host_fail_nth(0);
		model_compare(&m);
	}
	model_destroy(&m);
	return 0;
}

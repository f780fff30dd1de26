// SPDX-License-Identifier: GPL-2.0
/*
 * A descriptor's header: its place, and who may still hold it.
 *
 * No pool is needed for that: a header is two words.  References are taken and given
 * up rightly, twice, too late, and by two CPUs at once, where exactly one must learn
 * that it was the last.
 */
#include <kunit/test.h>

#include "../module/memdesc/desc.h"
#include "common.h"

static void place_has_room_for_the_largest_of_each(struct kunit *test)
{
	static const phys_addr_t addresses[] = {
		0, 512, 4096, POTAD_PLACE_PHYS_END / 2, POTAD_PLACE_PHYS_END - 512,
	};
	static const unsigned int granules[] = { 9, 12, 21 };
	static const unsigned int orders[] = { 0, 1, 20, 47, 63 };
	unsigned int a, g, o, type;

	for (a = 0; a < ARRAY_SIZE(addresses); a++)
		for (g = 0; g < ARRAY_SIZE(granules); g++)
			for (o = 0; o < ARRAY_SIZE(orders); o++)
				for (type = 2; type <= POTAD_PLACE_TYPE; type += 29) {
					u64 place = potad_place(addresses[a], granules[g],
								orders[o], type);

					KUNIT_EXPECT_EQ(test, potad_place_phys(place),
							addresses[a]);
					KUNIT_EXPECT_EQ(test, potad_place_order(place), orders[o]);
					KUNIT_EXPECT_EQ(test, potad_place_shift(place),
							orders[o] + granules[g]);
					KUNIT_EXPECT_EQ(test, potad_place_type(place), type);
					KUNIT_EXPECT_EQ(test, place & POTAD_PLACE_FLAGS, 0);
					KUNIT_EXPECT_TRUE(test, potad_place_is(place, addresses[a],
									       granules[g],
									       orders[o], type));
				}
}

static void place_differs_if_anything_does(struct kunit *test)
{
	u64 place = potad_place(0x123456000, 9, 3, 5);

	KUNIT_EXPECT_TRUE(test, potad_place_is(place | POTAD_PLACE_FLAGS, 0x123456000, 9, 3, 5));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, 0x123457000, 9, 3, 5));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, 0x123456001, 9, 3, 5));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, 0x123456000, 12, 3, 5));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, 0x123456000, 9, 2, 5));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, 0x123456000, 9, UINT_MAX, 5));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, 0x123456000, 9, 3, 4));
	KUNIT_EXPECT_FALSE(test, potad_place_is(place, U64_MAX, 9, 3, 5));
}

static void place_has_its_bytes_and_no_others(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= 30; order++) {
		phys_addr_t phys = 0x100000000000ULL + (5ULL << (order + 9));
		u64 place = potad_place(phys, 9, order, 2), bytes = 512ULL << order;

		KUNIT_EXPECT_TRUE(test, potad_place_has(place, phys));
		KUNIT_EXPECT_TRUE(test, potad_place_has(place, phys + bytes / 2));
		KUNIT_EXPECT_TRUE(test, potad_place_has(place, phys + bytes - 1));
		KUNIT_EXPECT_FALSE(test, potad_place_has(place, phys - 1));
		KUNIT_EXPECT_FALSE(test, potad_place_has(place, phys + bytes));
		KUNIT_EXPECT_FALSE(test, potad_place_has(place, 0));
		KUNIT_EXPECT_FALSE(test, potad_place_has(place, U64_MAX));
	}
}

static void nobodys_descriptor_cannot_be_had(struct kunit *test)
{
	struct potad_desc desc = { };

	atomic64_set(&desc.life, 7ULL << 32);
	KUNIT_EXPECT_FALSE(test, potad_desc_get(&desc));
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, 7), -ENOENT);
	KUNIT_EXPECT_EQ(test, atomic64_read(&desc.life), 7LL << 32);
}

static void owner_gives_up_once(struct kunit *test)
{
	struct potad_desc desc = { };
	u32 generation;

	/* The last generation of all is followed by the first. */
	atomic64_set(&desc.life, (u64)U32_MAX << 32);
	generation = potad_desc_born(&desc);
	KUNIT_EXPECT_EQ(test, generation, 0);
	KUNIT_EXPECT_EQ(test, potad_desc_generation(&desc), 0);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, U32_MAX), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation), 1);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation), -ENOENT);

	KUNIT_EXPECT_EQ(test, potad_desc_born(&desc), generation + 1);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation + 2), -ENOENT);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation + 1), 1);
}

static void last_of_several_is_told(struct kunit *test)
{
	struct potad_desc desc = { };
	u32 generation = potad_desc_born(&desc);
	unsigned int i;

	/* Whether the owner is the last, or somebody else. */
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, potad_desc_get(&desc));
	KUNIT_EXPECT_FALSE(test, potad_desc_put(&desc));
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation), 0);
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation), -ENOENT);
	/* One that is given up can be had as long as somebody has it. */
	KUNIT_EXPECT_TRUE(test, potad_desc_get(&desc));
	KUNIT_EXPECT_FALSE(test, potad_desc_put(&desc));
	KUNIT_EXPECT_FALSE(test, potad_desc_put(&desc));
	KUNIT_EXPECT_TRUE(test, potad_desc_put(&desc));
	KUNIT_EXPECT_FALSE(test, potad_desc_get(&desc));

	generation = potad_desc_born(&desc);
	KUNIT_EXPECT_TRUE(test, potad_desc_get(&desc));
	KUNIT_EXPECT_FALSE(test, potad_desc_put(&desc));
	KUNIT_EXPECT_EQ(test, potad_desc_give_up(&desc, generation), 1);
}

#define ROUNDS	20000

/* Both have a reference; one is the owner, and gives up twice. */
struct both {
	struct potad_desc	desc;
	u32			generation;
	atomic_t		step[2];
	atomic_t		last;
	unsigned int		wrong;
};

static void give_up(void *arg, unsigned int me)
{
	struct both *b = arg;
	int round;

	for (round = 1; round <= ROUNDS; round++) {
		if (!me) {
			b->generation = potad_desc_born(&b->desc);
			potad_desc_get(&b->desc);
			atomic_set(&b->last, 0);
		}
		potad_test_meet(b->step, me, 3 * round);
		if (me) {
			atomic_add(potad_desc_put(&b->desc), &b->last);
		} else {
			atomic_add(potad_desc_give_up(&b->desc, b->generation) == 1, &b->last);
			if (potad_desc_give_up(&b->desc, b->generation) != -ENOENT)
				b->wrong++;
		}
		potad_test_meet(b->step, me, 3 * round + 1);
		if (!me && atomic_read(&b->last) != 1)
			b->wrong++;
		potad_test_meet(b->step, me, 3 * round + 2);
		if (!(round & 255))
			cond_resched();
	}
}

static void of_two_at_once_one_is_the_last(struct kunit *test)
{
	struct both *b = potad_test_memory(test, sizeof(*b));

	potad_test_parallel(test, 2, give_up, b);
	KUNIT_EXPECT_EQ(test, b->wrong, 0);
	KUNIT_EXPECT_EQ(test, potad_desc_generation(&b->desc), ROUNDS);
}

static struct kunit_case desc_cases[] = {
	KUNIT_CASE(place_has_room_for_the_largest_of_each),
	KUNIT_CASE(place_differs_if_anything_does),
	KUNIT_CASE(place_has_its_bytes_and_no_others),
	KUNIT_CASE(nobodys_descriptor_cannot_be_had),
	KUNIT_CASE(owner_gives_up_once),
	KUNIT_CASE(last_of_several_is_told),
	KUNIT_CASE(of_two_at_once_one_is_the_last),
	{ }
};

static struct kunit_suite desc_suite = {
	.name = "potad_desc",
	.test_cases = desc_cases,
};

kunit_test_suite(desc_suite);

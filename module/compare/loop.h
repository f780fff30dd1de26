/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loops of one subject; loops.c includes this for each.
 *
 * Before that it defines SUBJECT, the subject's id in list.h.
 *
 * The kit is copied to the stack, so that the compiler knows that no store
 * changes it.  Between an allocation and its free nothing is done with a block.
 *
 * All that is timed is there twice: in batches, and (@lone) so that now and then an
 * operation is timed by itself, and all requests are hashed.  @lone is a constant
 * wherever it is handed down: the batches have nothing of it.
 */
#define LOOP(name)	__PASTE(SUBJECT, __PASTE(_, name))
#define HELD		typeof_member(union potad_held, SUBJECT)

static __always_inline void LOOP(pairs)(struct potad_member *m, const bool lone)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	u32 left, n, i;
	u64 begin;

	if (!potad_turn_meet(m))
		return;
	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		begin = batch_begin(m, lone);
		for (i = 0; i < n; i++) {
			u64 one = lone_begin(m, lone);
			HELD h;

			if (!LOOP(alloc)(&kit, k, &h)) {
				potad_turn_fail(m->turn, -ENOMEM);
				return;
			}
			LOOP(free)(&kit, k, &h);
			lone_end(m, lone, 0, one);
			request(m, lone, i);
		}
		batch_done(m, lone, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
	potad_turn_meet(m);
}

/* Allocates until it has @blocks; false if that ended early. */
static __always_inline bool LOOP(allocs_to)(struct potad_member *m, u32 blocks,
					    unsigned int part, const bool lone)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	HELD *held = m->held;
	u32 i, end;
	u64 begin;

	for (i = m->had; i < blocks; m->had = i) {
		end = min(blocks, i + BATCH);
		begin = batch_begin(m, lone);
		for (; i < end; i++) {
			u64 one = lone_begin(m, lone);

			if (!LOOP(alloc)(&kit, k, &held[i]))
				break;
			lone_end(m, lone, part, one);
			request(m, lone, i);
		}
		batch_done(m, lone, part, begin, i - m->had);
		if (i < end)
			potad_turn_fail(m->turn, -ENOMEM);
		if (potad_turn_stopped(m->turn)) {
			m->had = i;
			return false;
		}
	}
	return true;
}

static __always_inline bool LOOP(allocs)(struct potad_member *m, unsigned int part,
					 const bool lone)
{
	return LOOP(allocs_to)(m, m->turn->blocks, part, lone);
}

/* Frees all that there is. */
static __always_inline void LOOP(frees)(struct potad_member *m, unsigned int part,
					const bool lone)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	HELD *held = m->held;
	u32 i = 0, begun, end;
	u64 begin;

	while (i < m->had) {
		begun = i;
		end = min(m->had, i + BATCH);
		begin = batch_begin(m, lone);
		for (; i < end; i++) {
			u64 one = lone_begin(m, lone);

			LOOP(free)(&kit, k, &held[i]);
			lone_end(m, lone, part, one);
		}
		batch_done(m, lone, part, begin, i - begun);
		cond_resched();
	}
	m->had = 0;
}

static void LOOP(shuffle)(struct potad_member *m)
{
	HELD *held = m->held;
	u32 i;

	for (i = m->had; i > 1; i--) {
		u32 other = random_slot(next_random(&m->random), i);

		swap(held[i - 1], held[other]);
		request(m, true, other);
		if (i % BATCH == 0)
			cond_resched();
	}
}

static __always_inline void LOOP(bulk)(struct potad_member *m, const bool lone)
{
	bool ordered = m->turn->workload == POTAD_BULK;
	u32 done;

	for (done = 0; done < m->turn->ops; done += m->turn->blocks) {
		bool ok = potad_turn_meet(m) &&
			  LOOP(allocs)(m, ordered ? 0 : UNTIMED, lone);

		if (!ordered)
			LOOP(shuffle)(m);
		ok = ok && potad_turn_meet(m);
		LOOP(frees)(m, ok ? ordered : UNTIMED, lone);
		if (!ok)
			return;
	}
	potad_turn_meet(m);
}

/*
 * What a batch asks for is drawn before it is timed, and where its blocks are kept is
 * fetched: with a million of them that would take longer than what is timed.
 */
static __always_inline void LOOP(draw)(struct potad_member *m, u32 nr)
{
	const u32 blocks = m->turn->blocks;
	HELD *held = m->held;
	u32 i;

	for (i = 0; i < nr; i++) {
		u32 slot;

		m->drawn[i] = next_random(&m->random);
		slot = random_slot(m->drawn[i], blocks);
		/* By reading: to prefetch was no more than a wish, where pages were cold too. */
		(void)READ_ONCE(*(u8 *)&held[slot]);
		(void)READ_ONCE(m->order[slot]);
	}
}

/* Of one order. */
static __always_inline void LOOP(churn_batches)(struct potad_member *m, const bool lone)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	const u32 blocks = m->turn->blocks;
	HELD *held = m->held;
	u32 left, n, i;
	u64 begin;

	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		LOOP(draw)(m, n);
		begin = batch_begin(m, lone);
		for (i = 0; i < n; i++) {
			u32 slot = random_slot(m->drawn[i], blocks);
			u64 one = lone_begin(m, lone);
			HELD *h = &held[slot];

			LOOP(free)(&kit, k, h);
			if (!LOOP(alloc)(&kit, k, h)) {
				*h = held[--m->had];
				potad_turn_fail(m->turn, -ENOMEM);
				return;
			}
			lone_end(m, lone, 0, one);
			request(m, lone, slot);
		}
		batch_done(m, lone, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
}

static __always_inline void LOOP(churn)(struct potad_member *m, const bool lone)
{
	if (LOOP(allocs)(m, UNTIMED, lone) && potad_turn_meet(m)) {
		LOOP(churn_batches)(m, lone);
		potad_turn_meet(m);
	}
	LOOP(frees)(m, UNTIMED, lone);
}

/*
 * Of several orders.  A block that is refused leaves its place empty until it is
 * its turn again: what a subject cannot do is counted.
 */
static __always_inline void LOOP(mixed_batches)(struct potad_member *m, const bool lone)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int low = LOOP(order_of)(&kit, m->turn->first_order);
	const unsigned int orders = m->turn->last_order - m->turn->first_order + 1;
	const u32 blocks = m->turn->blocks;
	HELD *held = m->held;
	u32 left, n, i;
	u64 begin;

	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		LOOP(draw)(m, n);
		begin = batch_begin(m, lone);
		for (i = 0; i < n; i++) {
			u64 number = m->drawn[i];
			u32 slot = random_slot(number, blocks);
			unsigned int k = low + random_order(number, orders);
			u64 one = lone_begin(m, lone);

			if (m->order[slot] != NO_ORDER)
				LOOP(free)(&kit, m->order[slot], &held[slot]);
			m->order[slot] = k;
			if (!LOOP(alloc)(&kit, k, &held[slot])) {
				m->order[slot] = NO_ORDER;
				m->refused++;
			}
			lone_end(m, lone, 0, one);
			request(m, lone, (u64)slot << 8 | (k - low));
		}
		batch_done(m, lone, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
}

static __always_inline void LOOP(mixed)(struct potad_member *m, const bool lone)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int low = LOOP(order_of)(&kit, m->turn->first_order);
	const unsigned int orders = m->turn->last_order - m->turn->first_order + 1;
	HELD *held = m->held;
	bool ok = true;
	u32 i;

	for (i = 0; ok && i < m->turn->blocks; i++) {
		unsigned int k = low + random_order(next_random(&m->random), orders);

		m->order[i] = k;
		if (!LOOP(alloc)(&kit, k, &held[i])) {
			potad_turn_fail(m->turn, -ENOMEM);
			break;
		}
		m->had = i + 1;
		if (i % BATCH == 0)
			ok = !potad_turn_stopped(m->turn);
	}
	if (potad_turn_meet(m)) {
		LOOP(mixed_batches)(m, lone);
		potad_turn_meet(m);
	}
	for (i = 0; i < m->had; i++) {
		if (m->order[i] != NO_ORDER)
			LOOP(free)(&kit, m->order[i], &held[i]);
		if (i % BATCH == 0)
			cond_resched();
	}
	m->had = 0;
}

/* Hands all that there is to the other side, which goes on taking until the end. */
static __always_inline void LOOP(give)(struct potad_member *m, u32 given)
{
	struct potad_ring *ring = m->turn->ring;
	struct potad_tray *tray = &ring->tray[given % POTAD_RING_TRAYS];
	HELD *held = m->held;

	/* With its number comes that the tray is empty. */
	while (given - smp_load_acquire(&ring->taken) == POTAD_RING_TRAYS)
		ring_wait();
	tray->nr = m->had;
	memcpy(tray->slot, held, m->had * sizeof(*held));
	m->had = 0;
	/* With its number goes what is in the tray. */
	smp_store_release(&ring->given, given + 1);
}

/* Takes the next tray; false if none will come. */
static __always_inline bool LOOP(take)(struct potad_member *m, u32 taken)
{
	struct potad_ring *ring = m->turn->ring;
	struct potad_tray *tray = &ring->tray[taken % POTAD_RING_TRAYS];
	HELD *held = m->held;
	bool ended;

	for (;;) {
		/* What was given before the end is seen after it. */
		ended = smp_load_acquire(&ring->ended);
		/* With its number comes what is in the tray. */
		if (smp_load_acquire(&ring->given) != taken)
			break;
		if (ended)
			return false;
		ring_wait();
	}
	memcpy(held, tray->slot, tray->nr * sizeof(*held));
	m->had = tray->nr;
	/* With its number goes that the tray is empty. */
	smp_store_release(&ring->taken, taken + 1);
	return true;
}

/* A quarter of all blocks is with either side at most, and half of them on their way. */
static __always_inline void LOOP(produce)(struct potad_member *m, const bool lone)
{
	/* Some trays, however little there is to do: else one side waits for the other. */
	const u32 most = clamp(min(m->turn->blocks / 2, m->turn->ops / 8), 1U, BATCH);
	u32 left, n, given = 0;

	for (left = m->turn->ops; left; left -= n) {
		n = min(left, most);
		if (!LOOP(allocs_to)(m, n, 0, lone))
			break;
		LOOP(give)(m, given++);
	}
	LOOP(frees)(m, UNTIMED, lone);
}

static __always_inline void LOOP(consume)(struct potad_member *m, const bool lone)
{
	u32 taken = 0;

	while (LOOP(take)(m, taken++))
		LOOP(frees)(m, 1, lone);
}

static __always_inline void LOOP(cross)(struct potad_member *m, const bool lone)
{
	bool ok = potad_turn_meet(m);

	if (m->me) {
		LOOP(consume)(m, lone);
		return;
	}
	if (ok)
		LOOP(produce)(m, lone);
	/* Seen with all that came before. */
	smp_store_release(&m->turn->ring->ended, true);
}

/* Gives back all but @keep, those behind them. */
static void LOOP(shrink)(struct potad_member *m, u32 keep)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	HELD *held = m->held;

	while (m->had > keep) {
		LOOP(free)(&kit, k, &held[--m->had]);
		if (m->had % BATCH == 0)
			cond_resched();
	}
}

/* In which 2 MiB does it have anything, beginning with block @i? */
static void LOOP(census)(struct potad_member *m, u32 i, struct potad_frames *frames)
{
	const struct subject_kit kit = *m->turn->kit;
	u64 last = (1ULL << (PAGE_SHIFT + m->turn->first_order)) - 1;
	HELD *held = m->held;

	for (; i < m->had; i++) {
		u64 place = LOOP(place)(&kit, &held[i]);

		potad_turn_touch(m->turn, frames, place, place + last);
		if (i % BATCH == 0 && potad_turn_stopped(m->turn))
			return;
	}
}

/* Nothing of it is timed. */
static void LOOP(fragment)(struct potad_member *m)
{
	struct potad_turn *turn = m->turn;
	HELD *held = m->held;
	u32 round, i, tenth;
	bool ok = LOOP(allocs)(m, UNTIMED, true);

	LOOP(census)(m, 0, &turn->ever);
	LOOP(shuffle)(m);
	LOOP(shrink)(m, m->had / 2);
	tenth = m->had / 10;
	for (round = 0; ok && round < FRAGMENT_ROUNDS; round++) {
		for (i = 0; i < tenth; i++) {
			u32 other = random_slot(next_random(&m->random), m->had - i);

			swap(held[m->had - 1 - i], held[other]);
			request(m, true, other);
		}
		LOOP(shrink)(m, m->had - tenth);
		ok = LOOP(allocs_to)(m, m->had + tenth, UNTIMED, true);
		LOOP(census)(m, m->had - tenth, &turn->ever);
	}
	if (ok)
		LOOP(census)(m, 0, &turn->last);
	LOOP(frees)(m, UNTIMED, true);
}

static __always_inline void LOOP(work)(struct potad_member *m, const bool lone)
{
	switch (m->turn->workload) {
	case POTAD_PAIR:
		LOOP(pairs)(m, lone);
		break;
	case POTAD_BULK:
	case POTAD_RANDOM_FREE:
		LOOP(bulk)(m, lone);
		break;
	case POTAD_CHURN:
		LOOP(churn)(m, lone);
		break;
	case POTAD_MIXED:
		LOOP(mixed)(m, lone);
		break;
	case POTAD_CROSS:
		LOOP(cross)(m, lone);
		break;
	case POTAD_FRAGMENTATION:
		LOOP(fragment)(m);
		break;
	}
}

static noinline void LOOP(batches)(struct potad_member *m)
{
	LOOP(work)(m, false);
}

static noinline void LOOP(lones)(struct potad_member *m)
{
	LOOP(work)(m, true);
}

static void LOOP(run)(struct potad_member *m)
{
	if (m->turn->lone)
		LOOP(lones)(m);
	else
		LOOP(batches)(m);
}

#undef LOOP
#undef HELD
#undef SUBJECT

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loops of one subject; loops.c includes this for each.
 *
 * Before that it defines SUBJECT, the subject's id in list.h.
 *
 * The kit is copied to the stack, so that the compiler knows that no store
 * changes it.  Between an allocation and its free nothing is done with a block.
 */
#define LOOP(name)	__PASTE(SUBJECT, __PASTE(_, name))
#define HELD		typeof_member(union potad_held, SUBJECT)

static void LOOP(pairs)(struct potad_member *m)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	u32 left, n, i;
	u64 begin;

	if (!potad_turn_meet(m))
		return;
	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		begin = ktime_get_ns();
		for (i = 0; i < n; i++) {
			HELD h;

			if (!LOOP(alloc)(&kit, k, &h)) {
				potad_turn_fail(m->turn, -ENOMEM);
				return;
			}
			LOOP(free)(&kit, k, &h);
		}
		batch_done(m, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
	potad_turn_meet(m);
}

/* Allocates all blocks; false if that ended early. */
static bool LOOP(allocs)(struct potad_member *m, unsigned int part)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	HELD *held = m->held;
	u32 i, end;
	u64 begin;

	for (i = 0; i < m->turn->blocks; m->had = i) {
		end = min(m->turn->blocks, i + BATCH);
		begin = ktime_get_ns();
		for (; i < end; i++)
			if (!LOOP(alloc)(&kit, k, &held[i]))
				break;
		batch_done(m, part, begin, i - m->had);
		if (i < end)
			potad_turn_fail(m->turn, -ENOMEM);
		if (potad_turn_stopped(m->turn)) {
			m->had = i;
			return false;
		}
	}
	return true;
}

/* Frees all that there is. */
static void LOOP(frees)(struct potad_member *m, unsigned int part)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	HELD *held = m->held;
	u32 i = 0, begun, end;
	u64 begin;

	while (i < m->had) {
		begun = i;
		end = min(m->had, i + BATCH);
		begin = ktime_get_ns();
		for (; i < end; i++)
			LOOP(free)(&kit, k, &held[i]);
		batch_done(m, part, begin, i - begun);
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
		if (i % BATCH == 0)
			cond_resched();
	}
}

static void LOOP(bulk)(struct potad_member *m)
{
	bool ordered = m->turn->workload == POTAD_BULK;
	u32 done;

	for (done = 0; done < m->turn->ops; done += m->turn->blocks) {
		bool ok = potad_turn_meet(m) &&
			  LOOP(allocs)(m, ordered ? 0 : UNTIMED);

		if (!ordered)
			LOOP(shuffle)(m);
		ok = ok && potad_turn_meet(m);
		LOOP(frees)(m, ok ? ordered : UNTIMED);
		if (!ok)
			return;
	}
	potad_turn_meet(m);
}

/* Of one order. */
static void LOOP(churn_batches)(struct potad_member *m)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	const u32 blocks = m->turn->blocks;
	HELD *held = m->held;
	u64 begin, state = m->random;
	u32 left, n, i;

	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		begin = ktime_get_ns();
		for (i = 0; i < n; i++) {
			HELD *h = &held[random_slot(next_random(&state), blocks)];

			LOOP(free)(&kit, k, h);
			if (!LOOP(alloc)(&kit, k, h)) {
				*h = held[--m->had];
				potad_turn_fail(m->turn, -ENOMEM);
				return;
			}
		}
		batch_done(m, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
}

static void LOOP(churn)(struct potad_member *m)
{
	if (LOOP(allocs)(m, UNTIMED) && potad_turn_meet(m)) {
		LOOP(churn_batches)(m);
		potad_turn_meet(m);
	}
	LOOP(frees)(m, UNTIMED);
}

/*
 * Of several orders.  A block that is refused leaves its place empty until it is
 * its turn again: what a subject cannot do is counted.
 */
static void LOOP(mixed_batches)(struct potad_member *m)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int low = LOOP(order_of)(&kit, m->turn->first_order);
	const unsigned int orders = m->turn->last_order - m->turn->first_order + 1;
	const u32 blocks = m->turn->blocks;
	HELD *held = m->held;
	u64 begin, state = m->random;
	u32 left, n, i;

	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		begin = ktime_get_ns();
		for (i = 0; i < n; i++) {
			u64 number = next_random(&state);
			u32 slot = random_slot(number, blocks);
			unsigned int k = low + random_order(number, orders);

			if (m->order[slot] != NO_ORDER)
				LOOP(free)(&kit, m->order[slot], &held[slot]);
			m->order[slot] = k;
			if (!LOOP(alloc)(&kit, k, &held[slot])) {
				m->order[slot] = NO_ORDER;
				m->refused++;
			}
		}
		batch_done(m, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
}

static void LOOP(mixed)(struct potad_member *m)
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
		LOOP(mixed_batches)(m);
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

/* The two sides of "cross".  Who frees goes on until nothing more will come. */
static void LOOP(produce)(struct potad_member *m)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	struct potad_ring *ring = m->turn->ring;
	u32 left, n, i, head = 0, tail = 0;
	u64 begin;

	for (left = m->turn->ops; left; left -= n) {
		n = min(left, BATCH);
		begin = ktime_get_ns();
		for (i = 0; i < n; i++) {
			HELD *h = (HELD *)&ring->slot[tail % POTAD_RING_SLOTS];

			while (tail - head == POTAD_RING_SLOTS) {
				/* With the place comes that it is empty. */
				head = smp_load_acquire(&ring->head);
				if (tail - head == POTAD_RING_SLOTS)
					ring_wait();
			}
			if (!LOOP(alloc)(&kit, k, h)) {
				potad_turn_fail(m->turn, -ENOMEM);
				return;
			}
			/* With its number goes what is in the place. */
			smp_store_release(&ring->tail, ++tail);
		}
		batch_done(m, 0, begin, n);
		if (potad_turn_stopped(m->turn))
			return;
	}
}

static void LOOP(consume)(struct potad_member *m)
{
	const struct subject_kit kit = *m->turn->kit;
	const unsigned int k = LOOP(order_of)(&kit, m->turn->first_order);
	struct potad_ring *ring = m->turn->ring;
	u32 i, head = 0, tail = 0;
	bool ended = false;
	u64 begin;

	while (!ended) {
		begin = ktime_get_ns();
		for (i = 0; i < BATCH; i++) {
			while (head == tail && !ended) {
				/* What came before the end is seen after it. */
				ended = smp_load_acquire(&ring->ended);
				/* With the place comes what is in it. */
				tail = smp_load_acquire(&ring->tail);
				if (head != tail)
					ended = false;
				else if (!ended)
					ring_wait();
			}
			if (ended)
				break;
			LOOP(free)(&kit, k, (HELD *)&ring->slot[head % POTAD_RING_SLOTS]);
			/* With its number goes that it is empty. */
			smp_store_release(&ring->head, ++head);
		}
		batch_done(m, 0, begin, i);
		cond_resched();
	}
}

static void LOOP(cross)(struct potad_member *m)
{
	bool ok = potad_turn_meet(m);

	if (m->me) {
		LOOP(consume)(m);
		return;
	}
	if (ok)
		LOOP(produce)(m);
	/* Seen with all that came before. */
	smp_store_release(&m->turn->ring->ended, true);
}

static void LOOP(run)(struct potad_member *m)
{
	switch (m->turn->workload) {
	case POTAD_PAIR:
		LOOP(pairs)(m);
		break;
	case POTAD_BULK:
	case POTAD_RANDOM_FREE:
		LOOP(bulk)(m);
		break;
	case POTAD_CHURN:
		LOOP(churn)(m);
		break;
	case POTAD_MIXED:
		LOOP(mixed)(m);
		break;
	case POTAD_CROSS:
		LOOP(cross)(m);
		break;
	}
}

#undef LOOP
#undef HELD
#undef SUBJECT

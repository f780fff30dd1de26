// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz - threads that put requests to the module, good ones and rubbish.
 *
 *	fuzz DIR ROUNDS SEED START BYTES
 *
 * DIR is the module's debugfs directory, START and BYTES say where its region is.
 * Two threads make ROUNDS requests each, drawn from SEED: allocations, frees,
 * lookups and failures of their own blocks, whose answers they know, and lines of
 * random characters, handles never issued and addresses outside, which must be
 * refused with an errno that fits. No line of rubbish can be a good request: it
 * has not the letters for the name of a type, and begins with x elsewhere.
 *
 * One process does what would take a shell thousands: under sanitizers that is the
 * difference between seconds and hours. Prints what was done; exits 0 if every
 * answer was in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS		2
#define HELD		64
#define INJECTIONS	50
#define LONGEST		5000

enum { ALLOC, FREE, LOOKUP, INJECT, VALIDATE, FILES };

static const char *const names[FILES] = { "alloc", "free", "lookup", "inject", "validate" };
static const char *const types[] = { "buf", "folio", "pgtable", "raw" };

struct block {
	unsigned long long handle, address, size;
};

struct worker {
	pthread_t thread;
	unsigned int seed;
	int fd[FILES];
	struct block held[HELD];
	unsigned int count, injected;
	unsigned long wrong, granted, refused;
	char reply[65536], text[LONGEST];
};

static unsigned long rounds;
static unsigned long long start, bytes;
static struct worker workers[THREADS];

static unsigned int draw(struct worker *w, unsigned int below)
{
	return (unsigned int)rand_r(&w->seed) % below;
}

/* put @length bytes of w->text to a file, read the answer; returns 0 or errno */
static int ask(struct worker *w, int file, size_t length)
{
	int error = write(w->fd[file], w->text, length) < 0 ? errno : 0;
	ssize_t got = pread(w->fd[file], w->reply, sizeof(w->reply) - 1, 0);

	w->reply[got > 0 ? got : 0] = 0;
	if (error)
		w->refused++;
	else
		w->granted++;
	return error;
}

static int say(struct worker *w, int file, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(w->text, sizeof(w->text), format, args);
	va_end(args);
	return ask(w, file, length);
}

static void wrong(struct worker *w, int file, int error)
{
	w->wrong++;
	if (w->wrong <= 5)
		fprintf(stderr, "%s: '%.60s' gave %s, '%.200s'\n", names[file], w->text,
			error ? strerrorname_np(error) : "0", w->reply);
}

static void do_alloc(struct worker *w)
{
	const char *type = types[draw(w, 4)];
	unsigned int size = 1 + draw(w, 1 << (9 + draw(w, 9)));
	struct block *block = &w->held[w->count];
	int error = say(w, ALLOC, "%u %s\n", size, type);

	if (error == ENOSPC || error == ENOMEM)
		return;
	if (error || sscanf(w->reply, "handle=%llu address=0x%llx order=%*u size=%llu",
			    &block->handle, &block->address, &block->size) != 3 ||
	    block->size < size || block->address < start ||
	    block->address + block->size > start + bytes)
		wrong(w, ALLOC, error);
	else
		w->count++;
}

static void do_free(struct worker *w)
{
	unsigned int i = draw(w, w->count);
	unsigned long long handle = w->held[i].handle;
	int error = say(w, FREE, "%llu\n", handle);

	if (error)
		wrong(w, FREE, error);
	w->held[i] = w->held[--w->count];
	error = say(w, FREE, "%llu", handle);
	if (error != ENOENT)
		wrong(w, FREE, error);
}

static void do_lookup(struct worker *w)
{
	struct block *block = &w->held[draw(w, w->count)];
	char expected[64];
	int error = say(w, LOOKUP, "0x%llx", block->address + draw(w, block->size));

	snprintf(expected, sizeof(expected), "state=allocated block=0x%llx ", block->address);
	if (error || !strstr(w->reply, expected))
		wrong(w, LOOKUP, error);
}

static void do_inject(struct worker *w)
{
	struct block *block = &w->held[draw(w, w->count)];
	int error;

	if (w->injected == INJECTIONS)
		return;
	w->injected++;
	error = say(w, INJECT, "%llu 64", block->address + draw(w, block->size) / 64 * 64);
	if (error == EHWPOISON)
		return;
	if (error || !strstr(w->reply, "state=allocated"))
		wrong(w, INJECT, error);
}

static void do_rubbish(struct worker *w)
{
	static const char letters[] = "0123456789abcdefx KMTPE\t\n=-,.\0\377";
	int file = draw(w, FILES);
	size_t length = draw(w, draw(w, 8) ? 24 : LONGEST);
	size_t i = 0;
	int error;

	if (file != ALLOC)
		w->text[i++] = 'x';
	for (; i < length; i++)
		w->text[i] = letters[draw(w, sizeof(letters) - 1)];
	if (!length)
		return;
	error = ask(w, file, length);
	if (error != EINVAL && error != ERANGE && error != E2BIG && error != ENOENT)
		wrong(w, file, error);
}

static void do_outside(struct worker *w)
{
	unsigned long long number = draw(w, 2) ? start + bytes + draw(w, 1 << 30) : draw(w, 4096);
	int error = say(w, LOOKUP, "%llu", number);

	if (error != ENXIO)
		wrong(w, LOOKUP, error);
	error = say(w, INJECT, "%llu", number);
	if (error != ENXIO)
		wrong(w, INJECT, error);
	error = say(w, FREE, "%llu", (1ULL << 40) + number);
	if (error != ENOENT)
		wrong(w, FREE, error);
	error = say(w, ALLOC, "%llu buf", bytes + 1 + number);
	if (error != E2BIG)
		wrong(w, ALLOC, error);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned long i = 0; i < rounds; i++) {
		switch (draw(w, 8)) {
		case 0:
		case 1:
			if (w->count < HELD)
				do_alloc(w);
			break;
		case 2:
			if (w->count)
				do_free(w);
			break;
		case 3:
			if (w->count)
				do_lookup(w);
			break;
		case 4:
			if (w->count && !draw(w, 20))
				do_inject(w);
			break;
		case 5:
			do_outside(w);
			break;
		default:
			do_rubbish(w);
		}
	}
	while (w->count)
		do_free(w);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long granted = 0, refused = 0, bad = 0;

	if (argc != 6) {
		fputs("usage: fuzz DIR ROUNDS SEED START BYTES\n", stderr);
		return 2;
	}
	rounds = strtoul(argv[2], NULL, 0);
	start = strtoull(argv[4], NULL, 0);
	bytes = strtoull(argv[5], NULL, 0);
	for (int i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];

		w->seed = strtoul(argv[3], NULL, 0) * THREADS + i;
		for (int file = 0; file < FILES; file++) {
			char path[512];

			snprintf(path, sizeof(path), "%s/%s", argv[1], names[file]);
			w->fd[file] = open(path, O_RDWR);
			if (w->fd[file] < 0) {
				perror(path);
				return 2;
			}
		}
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		granted += workers[i].granted;
		refused += workers[i].refused;
		bad += workers[i].wrong;
	}
	printf("seed=%s granted=%lu refused=%lu wrong=%lu\n", argv[3], granted, refused, bad);
	return bad || !granted || !refused;
}

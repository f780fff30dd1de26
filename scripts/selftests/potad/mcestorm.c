// SPDX-License-Identifier: GPL-2.0
/*
 * Machine-check records in great number, by way of mce-inject in debugfs:
 *
 *	mcestorm STATUS MISC FIRST STEP DIFFERENT COUNT [STATS]
 *
 * COUNT records, the n-th for address FIRST + STEP * (n % DIFFERENT). The kernel has
 * room for 80 of them, and drops what comes while those wait for their turn. With
 * STATS, the module's file of that name, mcestorm writes 32 and then waits until the
 * module has seen as many: so none is dropped. Without, it waits a little after each,
 * and goes on until it is killed or all is written.
 *
 * Status: 0; 1 if something went wrong, 2 if records were not seen within 20 s.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BURST	32

enum { FLAGS, STATUS, MISC, ADDR, BANK, FILES };

static int file[FILES];

static void put(int which, const char *text)
{
	if (write(file[which], text, strlen(text)) != (ssize_t)strlen(text)) {
		perror("mcestorm: mce-inject");
		exit(1);
	}
}

/* All that the module has counted so far; any of the names it counts under. */
static unsigned long long seen(const char *stats)
{
	static const char * const names[] = {
		"machine_events", "machine_ignored", "machine_corrected",
		"machine_outside", "machine_overflow", NULL
	};
	unsigned long long sum = 0, value;
	char line[256], name[64];
	FILE *f = fopen(stats, "r");
	unsigned int i;

	if (!f) {
		perror(stats);
		exit(1);
	}
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %llu", name, &value) != 2)
			continue;
		for (i = 0; names[i]; i++)
			if (!strcmp(name, names[i]))
				sum += value;
	}
	fclose(f);
	return sum;
}

static void wait_until_seen(const char *stats, unsigned long long sum)
{
	time_t begun = time(NULL);
	unsigned long long now;

	while ((now = seen(stats)) < sum) {
		if (time(NULL) > begun + 20) {
			fprintf(stderr, "mcestorm: %llu records seen, not %llu\n", now, sum);
			exit(2);
		}
		usleep(100);
	}
}

int main(int argc, char **argv)
{
	static const char * const names[] = { "flags", "status", "misc", "addr", "bank" };
	unsigned long long first, step, different, count, n, before = 0;
	const char *stats = argc > 7 ? argv[7] : NULL;
	char path[64], addr[32];
	unsigned int i;

	if (argc < 7) {
		fprintf(stderr, "usage: mcestorm STATUS MISC FIRST STEP DIFFERENT COUNT [STATS]\n");
		return 1;
	}
	first = strtoull(argv[3], NULL, 0);
	step = strtoull(argv[4], NULL, 0);
	different = strtoull(argv[5], NULL, 0);
	count = strtoull(argv[6], NULL, 0);
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/mce-inject/%s", names[i]);
		file[i] = open(path, O_WRONLY);
		if (file[i] < 0) {
			perror(path);
			return 1;
		}
	}
	if (stats)
		before = seen(stats);
	put(FLAGS, "sw\n");
	for (n = 0; n < count; n++) {
		snprintf(addr, sizeof(addr), "0x%llx", first + step * (n % different));
		put(STATUS, argv[1]);
		put(MISC, argv[2]);
		put(ADDR, addr);
		put(BANK, "1");		/* and off it goes */
		if (!stats)
			usleep(500);
		else if (n % BURST == BURST - 1 || n == count - 1)
			wait_until_seen(stats, before + n + 1);
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * openstorm - processes that keep opening the module's files.
 *
 *	openstorm DIR PROCESSES STOPFILE
 *
 * While the test loads and unloads the module, PROCESSES children open, read and
 * write every file below DIR in a loop. They end when STOPFILE appears. Only
 * three kinds of failure are in order while a module comes and goes: ENOENT,
 * ENXIO and EIO (and ENODEV, which open gives while the owner is going away).
 * Prints "opened=N refused=N wrong=N"; exits 0 if nothing else was seen and at
 * least one open succeeded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct tally {
	unsigned long opened, refused, wrong;
};

static const char *const names[] = {
	"alloc", "free", "lookup", "inject", "blocks", "types", "stats", "freeinfo", "region",
	"failures", "cells", "validate", "compare/run", NULL,
};

static int in_order(int error)
{
	return error == ENOENT || error == ENXIO || error == EIO || error == ENODEV;
}

static void storm(const char *dir, const char *stop, struct tally *tally)
{
	char path[512], text[512];

	while (access(stop, F_OK)) {
		for (unsigned int i = 0; names[i]; i++) {
			int fd;

			snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
			fd = open(path, O_RDWR);
			if (fd < 0 && errno == EACCES)
				fd = open(path, O_RDONLY);
			if (fd < 0) {
				if (in_order(errno)) {
					tally->refused++;
				} else {
					tally->wrong++;
					fprintf(stderr, "open %s: %s\n", path,
						strerrorname_np(errno));
				}
				continue;
			}
			tally->opened++;
			if (read(fd, text, sizeof(text)) < 0 && !in_order(errno)) {
				tally->wrong++;
				fprintf(stderr, "read %s: %s\n", path, strerrorname_np(errno));
			}
			close(fd);
		}
		/* a moment in which nothing is open, or the module could never go */
		usleep(50000);
	}
}

int main(int argc, char **argv)
{
	struct tally *tally, sum = { 0 };
	int count;

	if (argc != 4) {
		fputs("usage: openstorm DIR PROCESSES STOPFILE\n", stderr);
		return 2;
	}
	count = atoi(argv[2]);
	tally = mmap(NULL, count * sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0) {
			perror("fork");
			return 2;
		}
		if (!child) {
			storm(argv[1], argv[3], &tally[i]);
			_exit(0);
		}
	}
	for (int i = 0; i < count; i++) {
		int status;

		wait(&status);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			sum.wrong++;
	}
	for (int i = 0; i < count; i++) {
		sum.opened += tally[i].opened;
		sum.refused += tally[i].refused;
		sum.wrong += tally[i].wrong;
	}
	printf("opened=%lu refused=%lu wrong=%lu\n", sum.opened, sum.refused, sum.wrong);
	return sum.wrong || !sum.opened;
}

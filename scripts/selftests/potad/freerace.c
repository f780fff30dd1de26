// SPDX-License-Identifier: GPL-2.0
/*
 * freerace - two threads free the same handle at once, again and again.
 *
 *	freerace DIR ROUNDS
 *
 * DIR is the module's debugfs directory. Each round allocates a block, lets two
 * threads that wait at a barrier write its handle to free, and counts who got
 * through. Exactly one must, and the other one must get ENOENT; prints
 * "rounds=N both=0 none=0 other=0" and exits 0 only if that held every time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t start_line, finish_line;
static char request[64];
static int free_fd[2], error[2];
static unsigned long rounds;

static int open_in(const char *dir, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static void *racer(void *arg)
{
	long me = (long)arg;

	for (unsigned long i = 0; i < rounds; i++) {
		pthread_barrier_wait(&start_line);
		errno = 0;
		error[me] = pwrite(free_fd[me], request, strlen(request), 0) < 0 ? errno : 0;
		pthread_barrier_wait(&finish_line);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const char wish[] = "4096 buf\n";
	unsigned long both = 0, none = 0, other = 0;
	unsigned long long handle;
	pthread_t thread[2];
	char reply[256];
	int alloc_fd;

	if (argc != 3) {
		fputs("usage: freerace DIR ROUNDS\n", stderr);
		return 2;
	}
	rounds = strtoul(argv[2], NULL, 0);
	alloc_fd = open_in(argv[1], "alloc");
	pthread_barrier_init(&start_line, NULL, 3);
	pthread_barrier_init(&finish_line, NULL, 3);
	for (long i = 0; i < 2; i++) {
		free_fd[i] = open_in(argv[1], "free");
		pthread_create(&thread[i], NULL, racer, (void *)i);
	}

	for (unsigned long i = 0; i < rounds; i++) {
		ssize_t length;

		if (pwrite(alloc_fd, wish, strlen(wish), 0) < 0) {
			perror("alloc");
			return 2;
		}
		length = pread(alloc_fd, reply, sizeof(reply) - 1, 0);
		reply[length > 0 ? length : 0] = 0;
		if (sscanf(reply, "handle=%llu", &handle) != 1) {
			fprintf(stderr, "alloc answered '%s'\n", reply);
			return 2;
		}
		snprintf(request, sizeof(request), "%llu\n", handle);
		pthread_barrier_wait(&start_line);
		pthread_barrier_wait(&finish_line);
		if (!error[0] && !error[1])
			both++;
		else if (error[0] && error[1])
			none++;
		else if (error[0] + error[1] != ENOENT)
			other++;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("rounds=%lu both=%lu none=%lu other=%lu\n", rounds, both, none, other);
	return both || none || other;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * pollread: waits by poll() for more of a file, and prints it.
 *
 *	pollread FILE SECONDS
 *
 * Reads what there is, without waiting; prints "waiting"; waits until poll() says that
 * there is more, and prints that. Exit status: 0, 1 if nothing came in that time, 2 if
 * something went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* All that can be read now; to stdout, if @show. How many bytes, or -1. */
static long drain(int fd, int show)
{
	char buf[4096];
	long sum = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		sum += n;
		if (show)
			fwrite(buf, 1, n, stdout);
	}
	return n < 0 && errno != EAGAIN ? -1 : sum;
}

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	int n;

	if (argc != 3)
		return 2;
	p.fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (p.fd < 0 || drain(p.fd, 0) < 0) {
		perror(argv[1]);
		return 2;
	}
	/* There is nothing now, so it must not say that there is. */
	if (poll(&p, 1, 0)) {
		fprintf(stderr, "poll() says that there is more, and there is not\n");
		return 2;
	}
	puts("waiting");
	fflush(stdout);
	n = poll(&p, 1, atoi(argv[2]) * 1000);
	if (n <= 0)
		return n ? 2 : 1;
	return drain(p.fd, 1) > 0 ? 0 : 2;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * failnth - one system call whose n-th allocation in the kernel fails.
 *
 *	failnth N insmod MODULE.ko PARAMETERS
 *	failnth N write FILE REQUEST
 *	failnth all ...
 *
 * Uses the kernel's /proc/thread-self/fail-nth (CONFIG_FAULT_INJECTION): the n-th
 * place that can fail, does. Prints "visited=yes|no result=0|-1 ERRNO-NAME", with
 * visited=no "count=N", how many such places the call came by, and, for write, the
 * reply. visited=no means that the call makes fewer than N
 * allocations: a caller counts N up until it sees that and has then failed every
 * single one. N = 0 makes nothing fail and needs no such kernel. With "all" every
 * allocation fails that the fault attributes in debugfs say shall fail for a
 * marked task (make-it-fail).
 *
 * Exit status: 0 the call succeeded, 1 it failed, 2 wrong usage, 4 the kernel
 * cannot inject.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char number[32], reply[4096];
	const char *on;
	int target, nth, error;
	ssize_t length;
	long result;

	if (argc != 5 || (strcmp(argv[2], "insmod") && strcmp(argv[2], "write"))) {
		fputs("usage: failnth N insmod MODULE PARAMETERS | N write FILE REQUEST\n", stderr);
		return 2;
	}
	if (!strcmp(argv[1], "all")) {
		on = "1";
		nth = open("/proc/thread-self/make-it-fail", O_RDWR);
	} else {
		on = argv[1];
		nth = open("/proc/thread-self/fail-nth", O_RDWR);
	}
	if (nth < 0 && strcmp(argv[1], "0")) {
		perror("/proc/thread-self");
		return 4;
	}
	target = open(argv[3], !strcmp(argv[2], "write") ? O_RDWR : O_RDONLY);
	if (target < 0) {
		perror(argv[3]);
		return 2;
	}

	/* Nothing between these two calls may allocate in the kernel. */
	if (nth >= 0 && pwrite(nth, on, strlen(on), 0) < 0) {
		perror("/proc/thread-self");
		return 4;
	}
	if (!strcmp(argv[2], "insmod"))
		result = syscall(SYS_finit_module, target, argv[4], 0);
	else
		result = write(target, argv[4], strlen(argv[4])) < 0 ? -1 : 0;
	error = errno;

	/* What is left of the count tells whether it was reached; then disarm. */
	length = nth < 0 ? 0 : pread(nth, number, sizeof(number) - 1, 0);
	if (nth >= 0)
		pwrite(nth, "0", 1, 0);
	number[length > 0 ? length : 0] = 0;
	if (atoi(argv[1]) && !atoi(number))
		printf("visited=yes");
	else
		printf("visited=no count=%d", atoi(argv[1]) - atoi(number));
	printf(" result=%ld%s%s\n", result, result ? " " : "",
	       result ? strerrorname_np(error) : "");
	if (!strcmp(argv[2], "write")) {
		length = pread(target, reply, sizeof(reply), 0);
		if (length > 0)
			fwrite(reply, 1, length, stdout);
	}
	return result ? 1 : 0;
}

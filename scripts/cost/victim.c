// SPDX-License-Identifier: GPL-2.0
/*
 * A process whose memory fails, in a kernel without potad.
 *
 *	victim page | large | file
 *
 * has 4 KiB or 2 MiB (a transparent huge page) of its own, or a page of a file in tmpfs,
 * lets a page in its midst fail (MADV_HWPOISON), and then reads all of it.  Prints
 *
 *	KIND BYTES LOST SIGNALS
 *
 * LOST is how many bytes it cannot read any more, SIGNALS how often it got SIGBUS:
 * when the page fails, and when it reads it.
 * Exit status 4: there was no huge page to be had.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096UL
#define LARGE	(2UL << 20)
#define THP	22		/* of /proc/kpageflags */

static sigjmp_buf back;

static void on_sigbus(int sig)
{
	siglongjmp(back, sig);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned long long number_of(const char *file, unsigned long long nr)
{
	int fd = open(file, O_RDONLY);
	unsigned long long value;

	if (fd < 0 || pread(fd, &value, sizeof(value), nr * sizeof(value)) != sizeof(value))
		die(file);
	close(fd);
	return value;
}

static int is_huge(const void *p)
{
	unsigned long long map = number_of("/proc/self/pagemap", (uintptr_t)p / PAGE);

	return number_of("/proc/kpageflags", map & ((1ULL << 55) - 1)) >> THP & 1;
}

static char *memory(const char *kind, unsigned long bytes)
{
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uintptr_t p;

	if (!strcmp(kind, "file")) {
		fd = open("/tmp/victim", O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || ftruncate(fd, bytes))
			die("/tmp/victim");
		flags = MAP_SHARED;
	}
	p = (uintptr_t)mmap(NULL, fd < 0 ? 2 * LARGE : bytes, PROT_READ | PROT_WRITE, flags,
			    fd, 0);
	if ((void *)p == MAP_FAILED)
		die("mmap");
	if (fd < 0)
		p = (p + LARGE - 1) & ~(LARGE - 1);
	if (fd < 0 && madvise((void *)p, bytes, bytes == LARGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("madvise");
	memset((void *)p, 0xa5, bytes);
	return (char *)p;
}

int main(int argc, char **argv)
{
	const char *kind = argc == 2 ? argv[1] : "";
	static unsigned long lost, signals, at;		/* keep their values over a jump */
	unsigned long bytes;
	char *p;

	if (strcmp(kind, "page") && strcmp(kind, "large") && strcmp(kind, "file")) {
		fprintf(stderr, "usage: victim page | large | file\n");
		return 2;
	}
	bytes = strcmp(kind, "large") ? PAGE : LARGE;
	p = memory(kind, bytes);
	if (bytes == LARGE && !is_huge(p))
		return 4;
	signal(SIGBUS, on_sigbus);
	/* It may be told at once, or when it uses the page. */
	if (sigsetjmp(back, 1))
		signals++;
	else if (madvise(p + bytes / 2 / PAGE * PAGE, PAGE, MADV_HWPOISON))
		die("MADV_HWPOISON");
	for (at = 0; at < bytes; at += PAGE) {
		if (sigsetjmp(back, 1)) {
			lost += PAGE;
			signals++;
		} else {
			__atomic_load_n(p + at, __ATOMIC_RELAXED);
		}
	}
	printf("%s %lu %lu %lu\n", kind, bytes, lost, signals);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * mapper: a process that has a block in its address space.
 *
 *	mapper FILE HANDLE BYTES [private] [OFFSET]
 *
 * Maps BYTES of the block (from OFFSET on) and prints "mapped", or "mmap ERRNO". Then does
 * what stands on standard input, a line each, and answers with one:
 *
 *	read OFFSET		the byte there, or "sigbus CODE OFFSET LSB"
 *	write OFFSET BYTE	"written", or the same
 *	sum			of all 64-bit words, as the module's check
 *
 * CODE is mceerr (memory has failed) or adrerr (there is nothing), OFFSET where, of the
 * address that the signal names, LSB how much of an address is meant.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static siginfo_t got;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got = *info;
	siglongjmp(back, sig);
}

static const char *code_name(int code)
{
	switch (code) {
	case BUS_MCEERR_AR: return "mceerr";
	case BUS_ADRERR: return "adrerr";
	default: return "other";
	}
}

static unsigned long long sum_of(const unsigned char *p, unsigned long bytes)
{
	unsigned long long sum = 0;
	unsigned long at;

	for (at = 0; at < bytes; at += sizeof(sum))
		sum += __atomic_load_n((const unsigned long *)(p + at), __ATOMIC_RELAXED);
	return sum;
}

static void answer(unsigned char *p, unsigned long bytes, const char *line)
{
	unsigned long at = 0;
	unsigned int byte;

	if (sigsetjmp(back, 1)) {
		printf("sigbus %s %ld %d\n", code_name(got.si_code),
		       (long)((unsigned char *)got.si_addr - p), got.si_addr_lsb);
		return;
	}
	if (sscanf(line, "write %lu %u", &at, &byte) == 2 && at < bytes) {
		__atomic_store_n(p + at, byte, __ATOMIC_RELAXED);
		printf("written\n");
	} else if (sscanf(line, "read %lu", &at) == 1 && at < bytes) {
		printf("%u\n", __atomic_load_n(p + at, __ATOMIC_RELAXED));
	} else if (!strcmp(line, "sum\n")) {
		printf("0x%llx\n", sum_of(p, bytes));
	} else {
		printf("what?\n");
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	int flags = MAP_SHARED, fd;
	unsigned long bytes;
	unsigned char *p;
	char line[128];
	off_t offset;

	if (argc < 4)
		return 2;
	fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		printf("open %s\n", strerrorname_np(errno));
		return 1;
	}
	offset = (off_t)strtoul(argv[2], NULL, 0) << 32;
	bytes = strtoul(argv[3], NULL, 0);
	if (argc > 4 && !strcmp(argv[4], "private"))
		flags = MAP_PRIVATE;
	else if (argc > 4)
		offset += strtoul(argv[4], NULL, 0);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);
	if (p == MAP_FAILED) {
		printf("mmap %s\n", strerrorname_np(errno));
		return 1;
	}
	close(fd);
	sigaction(SIGBUS, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("mapped\n");
	while (fgets(line, sizeof(line), stdin))
		answer(p, bytes, line);
	return 0;
}

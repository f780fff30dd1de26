// SPDX-License-Identifier: GPL-2.0
/*
 * rawio - file operations that a shell cannot do, or cannot do exactly.
 *
 *	rawio [--uid N] [--drop-admin] FILE OPERATION...
 *
 * FILE is opened once, read-write (read-only or write-only where its mode allows
 * no more), and every operation is one system call on that open file:
 *
 *	text T		write T as it is
 *	line T		write T and a newline, in one write
 *	nul T U		write T, a zero byte, U, in one write
 *	pad N T U	write T, blanks, U: N bytes in all, in one write
 *	fill N C	write N times the character C, in one write
 *	empty		write 0 bytes
 *	badptr N	write N bytes from an address that is not mapped
 *	pwrite OFF T	write T at offset OFF
 *	lseek OFF	seek to OFF from the start
 *	read		read until the end with a big buffer, print what came
 *	read1		the same, one byte a call
 *	readbad		read into an address that is not mapped
 *	pread OFF	read at offset OFF, print what came
 *	caught MS	the first call that goes on for so many milliseconds from now on
 *			gets a signal, which is caught
 *
 * Each prints "OPERATION RESULT" or "OPERATION -1 ERRNO-NAME", a reading one then
 * the text. The exit status is 0 however the calls ended, 3 if FILE cannot be
 * opened ("open -1 ERRNO-NAME"), 2 for wrong usage. --uid gives up root first,
 * --drop-admin only CAP_SYS_ADMIN.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define READ_MAX	1048576

static char buffer[READ_MAX];

static void report(const char *operation, ssize_t result)
{
	if (result < 0)
		printf("%s -1 %s\n", operation, strerrorname_np(errno));
	else
		printf("%s %zd\n", operation, result);
}

static void wrong_usage(void)
{
	fputs("usage: rawio [--uid N] [--drop-admin] FILE OPERATION...\n", stderr);
	exit(2);
}

/* everything up to the end, @step bytes a call; the first error ends it */
static void read_all(const char *operation, int fd, size_t step)
{
	size_t length = 0;
	ssize_t got;

	while (length + step <= READ_MAX) {
		got = read(fd, buffer + length, step);
		if (got < 0) {
			report(operation, got);
			return;
		}
		if (!got)
			break;
		length += got;
	}
	report(operation, length);
	fwrite(buffer, 1, length, stdout);
}

static void write_filled(const char *operation, int fd, size_t length, const char *head,
			 int filler, const char *tail)
{
	char *text = malloc(length + 1);

	if (!text || strlen(head) + strlen(tail) > length)
		wrong_usage();
	memset(text, filler, length);
	memcpy(text, head, strlen(head));
	memcpy(text + length - strlen(tail), tail, strlen(tail));
	report(operation, write(fd, text, length));
	free(text);
}

static void drop_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &header, caps)) {
		perror("capget");
		exit(2);
	}
	caps[0].effective &= ~(1u << CAP_SYS_ADMIN);
	caps[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, caps)) {
		perror("capset");
		exit(2);
	}
}

static const struct operation {
	const char *name;
	int words;
} operations[] = {
	{ "text", 1 }, { "line", 1 }, { "nul", 2 }, { "pad", 3 }, { "fill", 2 }, { "empty", 0 },
	{ "badptr", 1 }, { "pwrite", 2 }, { "lseek", 1 }, { "read", 0 }, { "read1", 0 },
	{ "readbad", 0 }, { "pread", 1 },
	{ "caught", 1 }, { NULL, 0 },
};

/* how many words this operation takes; they must be there */
static int words_of(const char *name, char *const *following)
{
	for (const struct operation *op = operations; op->name; op++) {
		if (strcmp(op->name, name))
			continue;
		for (int i = 0; i < op->words; i++) {
			if (!following[i])
				wrong_usage();
		}
		return op->words;
	}
	wrong_usage();
	return 0;
}

static void nothing_to_do(int signal)
{
	(void)signal;
}

static int catch_later(unsigned long ms)
{
	struct itimerval timer = {
		.it_value = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 },
	};
	struct sigaction action = { .sa_handler = nothing_to_do };

	/* Without SA_RESTART: the call is to end. */
	return sigaction(SIGALRM, &action, NULL) ?: setitimer(ITIMER_REAL, &timer, NULL);
}

static void perform(const char *name, char *const *word, int fd)
{
	ssize_t got;

	if (!strcmp(name, "text")) {
		report(name, write(fd, word[0], strlen(word[0])));
	} else if (!strcmp(name, "line")) {
		write_filled(name, fd, strlen(word[0]) + 1, word[0], '\n', "");
	} else if (!strcmp(name, "nul")) {
		write_filled(name, fd, strlen(word[0]) + 1 + strlen(word[1]), word[0], 0, word[1]);
	} else if (!strcmp(name, "pad")) {
		write_filled(name, fd, strtoul(word[0], NULL, 0), word[1], ' ', word[2]);
	} else if (!strcmp(name, "fill")) {
		write_filled(name, fd, strtoul(word[0], NULL, 0), "", word[1][0], "");
	} else if (!strcmp(name, "empty")) {
		report(name, write(fd, "", 0));
	} else if (!strcmp(name, "badptr")) {
		report(name, syscall(SYS_write, fd, 1UL, strtoul(word[0], NULL, 0)));
	} else if (!strcmp(name, "pwrite")) {
		report(name, pwrite(fd, word[1], strlen(word[1]), strtoull(word[0], NULL, 0)));
	} else if (!strcmp(name, "lseek")) {
		report(name, lseek(fd, strtoull(word[0], NULL, 0), SEEK_SET));
	} else if (!strcmp(name, "read")) {
		read_all(name, fd, 65536);
	} else if (!strcmp(name, "read1")) {
		read_all(name, fd, 1);
	} else if (!strcmp(name, "readbad")) {
		report(name, syscall(SYS_read, fd, 1UL, 64UL));
	} else if (!strcmp(name, "caught")) {
		report(name, catch_later(strtoul(word[0], NULL, 0)));
	} else if (!strcmp(name, "pread")) {
		got = pread(fd, buffer, READ_MAX, strtoull(word[0], NULL, 0));
		report(name, got);
		if (got > 0)
			fwrite(buffer, 1, got, stdout);
	}
}

int main(int argc, char **argv)
{
	const char *file;
	int fd;

	if (argc < 2)
		wrong_usage();
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--drop-admin")) {
			drop_admin();
		} else if (!strcmp(*argv, "--uid") && argv[1]) {
			unsigned int id = strtoul(*++argv, NULL, 0);

			if (setgid(id) || setuid(id)) {
				perror("setuid");
				return 2;
			}
		} else {
			wrong_usage();
		}
	}
	file = *argv++;
	if (!file)
		wrong_usage();

	fd = open(file, O_RDWR);
	if (fd < 0 && access(file, F_OK) == 0)
		fd = open(file, O_RDONLY);
	if (fd < 0)
		fd = open(file, O_WRONLY);
	if (fd < 0) {
		report("open", fd);
		return 3;
	}

	while (*argv) {
		const char *operation = *argv++;
		char *const *word = argv;

		argv += words_of(operation, argv);
		perform(operation, word, fd);
		fflush(stdout);
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * kunit: the suites of the space as a program.
 *
 *	kunit [NAME=VALUE...] [SUITE-GLOB[.TEST-GLOB]...]
 *
 * Runs all tests, or those that a glob matches, and prints KTAP as the kernel
 * does.  NAME=VALUE sets a parameter of potad_kunit.ko (seed=, race_ms=) or
 * timeout=, the seconds that one test may take.  The exit status is 0 if
 * something was run and nothing failed, 1 otherwise, 2 for a wrong argument.
 *
 * A test that crashes, hangs, or trips over a warning of the code under test or
 * of a sanitizer ends the program; it is reported as failed before.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <kunit/test.h>

#include "machine.h"

static struct kunit_suite *suites, **last_suite = &suites;

static struct param {
	const char	*name;
	void		*value;
	size_t		size;
} params[16];
static unsigned int nr_params;

static unsigned int timeout;
module_param(timeout, uint, 0);

/* What is being run, for the handler of fatal signals. */
static struct {
	const struct kunit_suite *suite;
	struct kunit	*test;
	unsigned int	nr_suite, nr_case;
} now;

static unsigned int passed, failed, skipped;

void kunit_register(struct kunit_suite *suite)
{
	*last_suite = suite;
	last_suite = &suite->next;
}

void potad_host_param(const char *name, void *value, size_t size)
{
	if (nr_params == ARRAY_SIZE(params))
		abort();
	params[nr_params++] = (struct param){ name, value, size };
}

u64 get_random_u64(void)
{
	u64 x;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		abort();
	return x;
}

u64 ktime_get_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Prints a text, each line of it as a diagnostic. */
static void diagnose(const struct kunit *test, const char *text)
{
	size_t n;

	for (; *text; text += n + !!text[n]) {
		n = strcspn(text, "\n");
		printf("    # %s: %.*s\n", test->name, (int)n, text);
	}
}

void kunit_info(struct kunit *test, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diagnose(test, text);
}

void kunit_fail(struct kunit *test, const char *file, int line,
		const char *expected, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	test->status = KUNIT_FAILURE;
	printf("    # %s: failed at %s:%d: expected %s\n", test->name, file, line, expected);
	diagnose(test, text);
}

void kunit_end(struct kunit *test)
{
	longjmp(test->end, 1);
}

void kunit_skip(struct kunit *test, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(test->comment, sizeof(test->comment), fmt, ap);
	va_end(ap);
	/* What has failed before stays failed. */
	if (test->status == KUNIT_SUCCESS)
		test->status = KUNIT_SKIPPED;
	kunit_end(test);
}

int kunit_add_action_or_reset(struct kunit *test, void (*fn)(void *arg), void *arg)
{
	struct kunit_action *action = malloc(sizeof(*action));

	if (!action) {
		fn(arg);
		return -ENOMEM;
	}
	*action = (struct kunit_action){ test->actions, fn, arg };
	test->actions = action;
	return 0;
}

static void run_actions(struct kunit *test)
{
	while (test->actions) {
		struct kunit_action *action = test->actions;

		test->actions = action->next;
		action->fn(action->arg);
		free(action);
	}
}

/* Runs a case once, with test->param_value. */
static void run_once(struct kunit_suite *suite, struct kunit_case *kase,
		     struct kunit *test)
{
	alarm(timeout);
	if (!setjmp(test->end)) {
		if (suite->init && suite->init(test))
			kunit_fail(test, __FILE__, __LINE__, "init of the suite", "failed");
		else
			kase->run_case(test);
	}
	if (!setjmp(test->end) && suite->exit)
		suite->exit(test);
	potad_host_fail_nth(0);
	run_actions(test);
	alarm(0);
}

static void print_result(const char *indent, unsigned int nr, const char *name,
			 const struct kunit *test)
{
	printf("%s%sok %u %s", indent, test->status == KUNIT_FAILURE ? "not " : "", nr, name);
	if (test->status == KUNIT_SKIPPED)
		printf(" # SKIP %s", test->comment);
	printf("\n");
	fflush(stdout);
}

/* All that a test comes to if its parameters came to that. */
static void add_up(struct kunit *sum, const struct kunit *test, bool first)
{
	if (test->status == KUNIT_FAILURE || (first && test->status == KUNIT_SKIPPED))
		sum->status = test->status;
	else if (test->status == KUNIT_SUCCESS && sum->status == KUNIT_SKIPPED)
		sum->status = KUNIT_SUCCESS;
	memcpy(sum->comment, test->comment, sizeof(sum->comment));
}

static void run_params(struct kunit_suite *suite, struct kunit_case *kase,
		       struct kunit *sum)
{
	const void *param = NULL;
	unsigned int nr = 0;

	printf("        KTAP version 1\n        # Subtest: %s\n", kase->name);
	for (;;) {
		struct kunit test = { .name = kase->name };
		char desc[KUNIT_PARAM_DESC_SIZE] = "";

		param = kase->generate_params(&test, param, desc);
		if (!param)
			break;
		test.param_value = param;
		now.test = &test;
		run_once(suite, kase, &test);
		print_result("        ", ++nr, desc, &test);
		add_up(sum, &test, nr == 1);
	}
}

static bool selected(const struct kunit_suite *suite, const struct kunit_case *kase,
		     char **globs)
{
	char name[256];

	if (!*globs)
		return true;
	snprintf(name, sizeof(name), "%s.%s", suite->name, kase->name);
	for (; *globs; globs++)
		if (!fnmatch(*globs, strchr(*globs, '.') ? name : suite->name, 0))
			return true;
	return false;
}

static unsigned int count(const struct kunit_suite *suite, char **globs)
{
	const struct kunit_case *kase;
	unsigned int nr = 0;

	for (kase = suite->test_cases; kase->run_case; kase++)
		nr += selected(suite, kase, globs);
	return nr;
}

static void run_suite(struct kunit_suite *suite, char **globs)
{
	struct kunit sum = { .status = KUNIT_SKIPPED, .comment = "" };
	struct kunit_case *kase;

	printf("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", suite->name,
	       count(suite, globs));
	now.suite = suite;
	now.nr_case = 0;
	if (suite->suite_init && suite->suite_init(suite)) {
		sum.status = KUNIT_FAILURE;
		failed++;
	}
	for (kase = suite->test_cases; kase->run_case; kase++) {
		struct kunit test = { .name = kase->name };

		if (sum.status == KUNIT_FAILURE && !now.nr_case && suite->suite_init)
			break;
		if (!selected(suite, kase, globs))
			continue;
		now.nr_case++;
		now.test = &test;
		if (kase->generate_params)
			run_params(suite, kase, &test);
		else
			run_once(suite, kase, &test);
		now.test = NULL;
		print_result("    ", now.nr_case, kase->name, &test);
		passed += test.status == KUNIT_SUCCESS;
		failed += test.status == KUNIT_FAILURE;
		skipped += test.status == KUNIT_SKIPPED;
		if (test.status == KUNIT_FAILURE || sum.status == KUNIT_SKIPPED)
			sum.status = test.status;
	}
	if (suite->suite_exit)
		suite->suite_exit(suite);
	print_result("", now.nr_suite, suite->name, &sum);
}

/*
 * In a signal handler and after a crash: the output may be cut, but the name of
 * the test is what matters.
 */
static void fatal(int sig)
{
	const char *what = sig == SIGALRM ? "hung" : strsignal(sig);

	signal(SIGABRT, SIG_DFL);
	if (now.test)
		printf("    # %s: %s\n    not ok %u %s\nnot ok %u %s\n", now.test->name, what,
		       now.nr_case, now.test->name, now.nr_suite, now.suite->name);
	printf("Bail out! %s\n", what);
	fflush(stdout);
	_exit(1);
}

static void catch_signals(void)
{
	static const int signals[] = { SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
	struct sigaction action = { .sa_handler = fatal, .sa_flags = SA_ONSTACK };
	static char stack[65536];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	unsigned int i;

	sigaltstack(&alt, NULL);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* A report of a sanitizer is a crash; too large a request is none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1:allocator_may_return_null=1:max_allocation_size_mb=65536";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "abort_on_error=1:halt_on_error=1:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:halt_on_error=1:print_stacktrace=1";
}

static bool set_param(const char *arg)
{
	size_t n = strcspn(arg, "=");
	unsigned long long x;
	unsigned int i;
	char *end;

	for (i = 0; i < nr_params; i++)
		if (strlen(params[i].name) == n && !memcmp(params[i].name, arg, n))
			break;
	errno = 0;
	x = strtoull(arg + n + 1, &end, 0);
	if (i == nr_params || !isdigit((unsigned char)arg[n + 1]) || *end || errno ||
	    (params[i].size == 4 && x > U32_MAX))
		return false;
	if (params[i].size == 4)
		*(unsigned int *)params[i].value = x;
	else
		*(unsigned long long *)params[i].value = x;
	return true;
}

int main(int argc, char **argv)
{
	struct kunit_suite *suite;
	unsigned int nr = 0;
	char **globs = argv + 1;

	(void)argc;
	for (; *globs && strchr(*globs, '='); globs++)
		if (!set_param(*globs)) {
			fprintf(stderr, "kunit: %s: no such parameter, or no such value\n", *globs);
			return 2;
		}
	catch_signals();
	potad_machine_start();
	for (suite = suites; suite; suite = suite->next)
		nr += !!count(suite, globs);
	printf("KTAP version 1\n1..%u\n", nr);
	for (suite = suites; suite; suite = suite->next) {
		if (!count(suite, globs))
			continue;
		now.nr_suite++;
		run_suite(suite, globs);
	}
	potad_machine_stop();
	printf("# %u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed || !passed;
}

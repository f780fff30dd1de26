/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the sanitizers and libFuzzer ask a program for, by these names.
 */
#ifndef POTAD_HOST_SANITIZER_H
#define POTAD_HOST_SANITIZER_H

#include <linux/types.h>

const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);
int fuzz_one_input(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

#endif /* POTAD_HOST_SANITIZER_H */

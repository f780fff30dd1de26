# SPDX-License-Identifier: GPL-2.0
#
# The suites of the space as a program (kunit.c).
#
#	make -f THIS [OUT=build/host] [SAN=address,undefined] [DEBUG=1]
#
# makes OUT/kunit; with SAN it is built with these sanitizers, with DEBUG each
# group is recomputed whenever it is unlocked, which takes minutes. Give each of
# them an OUT of its own.

OUT ?= build/host
CC = gcc
SAN ?=

suites := node group span space run reserve retire cache race
helpers := $(filter-out %_kunit.c %/machine.c %/owners.c,$(wildcard kunit/*.c))
sources := $(wildcard module/space/*.c) $(suites:%=kunit/%_kunit.c) $(helpers) \
	   $(addprefix scripts/host/,shim.c machine.c kunit.c)
objects := $(sources:%.c=$(OUT)/kunit.o/%.o)

flags := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -DPOTAD_HAVE_SHRINKER_ALLOC \
	 -include limits.h -pthread -Iscripts/host/include $(if $(DEBUG),-DPOTAD_DEBUG) $(if $(SAN),-fsanitize=$(SAN))

$(OUT)/kunit: $(objects)
	$(CC) $(flags) -o $@ $^

$(OUT)/kunit.o/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(flags) -MMD -MP -c -o $@ $<

-include $(objects:.o=.d)

# SPDX-License-Identifier: GPL-2.0
#
# The explorer of interleavings (explore/explore.c).
#
#	make -f THIS [OUT=build/host]
#
# makes OUT/explore. Everything is compiled against include/primitives.h.

OUT ?= build/host
CC = gcc

sources := $(wildcard module/space/*.c scripts/host/explore/*.c)
objects := $(sources:%.c=$(OUT)/explore.o/%.o)

flags := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	 -Wno-missing-field-initializers -DPOTAD_HAVE_SHRINKER_ALLOC $(SHIM) -Iscripts/host/include \
	 -include scripts/host/include/primitives.h

$(OUT)/explore: $(objects)
	$(CC) $(flags) -o $@ $^

$(OUT)/explore.o/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(flags) -MMD -MP -c -o $@ $<

-include $(objects:.o=.d)

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel without a CMA area: the module takes its memory from elsewhere and
# says from where, or refuses with one clear line. A named area that is not there
# is always refused. (Runs in a guest started without cma=.)

. "$(dirname "$0")/lib.sh"
begin

without() {
	[ "$(cma_total)" = 0 ] || skip "this kernel has a CMA area"
}

default_area() {
	without
	if "$here/failnth" 0 insmod "$ko" "size=$size_default" >"$tmp/insmod"; then
		source=$(value region source)
		[ "$source" != cma_alloc ]
		echo "taken with $source"
		alloc 64K buf
		books
		unload
	else
		cat "$tmp/insmod"
		expect_log 'potad: '
	fi
	gone
}

chosen() {
	without
	load "size=$size_default" cma=none
	value region source | grep '^alloc_contig_'
	alloc 64K buf
	books
	unload
}

named_area() {
	without
	load_fails ENODEV "size=$size_default cma=reserved"
	expect_log 'potad: '
}

# much more than there is
too_much() {
	without
	load_fails "(ENOMEM|ENODEV)" size=64G
	expect_log 'potad: '
}

check "F52 no CMA area: memory from elsewhere, or one clear line" default_area
check "F52 no CMA area: the page allocator can be chosen" chosen
check "F52 no CMA area: a named one is refused" named_area
check "F52 no CMA area: more than the machine has is refused" too_much

end

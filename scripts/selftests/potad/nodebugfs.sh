#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel booted with debugfs=off: no file can be made, and the module must not
# care. (Runs in a guest of its own.)

. "$(dirname "$0")/lib.sh"
begin

off() {
	grep -q -w debugfs=off /proc/cmdline || skip "debugfs is on"
}

loads() {
	off
	free_before=$(cma_free)
	load "size=$size_default"
	loaded
	same "KiB taken out of CMA" $((${POTAD_BYTES:-33554432} / 1024)) \
		$((free_before - $(cma_free)))
	[ ! -e "$dir" ]
	unload
	same "CmaFree after unloading" "$free_before" "$(cma_free)"
}

check "F57 the module loads and unloads with debugfs=off" loads

end

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
	before=$(cma_available)
	load size=32M
	loaded
	same "pages taken out of CMA" 8192 $((before - $(cma_available)))
	[ ! -e "$dir" ]
	unload
	gone
	same "pages available after unloading" "$before" "$(cma_available)"
}

check "F57 the module loads and unloads with debugfs=off" loads

end

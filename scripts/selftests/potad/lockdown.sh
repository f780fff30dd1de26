#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Under lockdown debugfs refuses everything that is not a plain 0444 file; the
# module itself must not mind. There is no way back from lockdown, so this script
# runs in a guest of its own, as the last one in it.

. "$(dirname "$0")/lib.sh"
begin

security=/sys/kernel/security

integrity() {
	[ "${POTAD_LOCKDOWN:-}" = yes ] || skip "only where POTAD_LOCKDOWN=yes says that it may"
	mountpoint -q $security || mount -t securityfs none $security ||
		skip "this kernel has no securityfs"
	[ -e $security/lockdown ] || skip "this kernel has no lockdown"
	load "size=$size_default"
	echo integrity >$security/lockdown
	for file in alloc free lookup inject validate compare/run blocks stats; do
		"$here/rawio" "$dir/$file" read >"$tmp/reply" || :
		same "opening $file" 'open -1 EPERM' "$(cat "$tmp/reply")"
	done
}

goes_away() {
	loaded || skip "not under lockdown"
	free_before=$(cma_free)
	unload
	gone
	[ "$(cma_total)" = 0 ] || [ "$(cma_free)" -gt "$free_before" ]
}

# the files cannot be read any more, so the books cannot be checked either
books() {
	:
}

check "F56 lockdown closes every file" integrity
check "F56 the module can still be unloaded" goes_away

end

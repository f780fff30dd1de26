#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Under lockdown debugfs refuses to open what is not read only: actions are closed,
# facts can be read, and the module itself must not mind. There is no way back from
# lockdown, so this script is the last one in its guest.

. "$(dirname "$0")/lib.sh"
begin

security=/sys/kernel/security

integrity() {
	[ "${POTAD_LOCKDOWN:-}" = yes ] || skip "only where POTAD_LOCKDOWN=yes says that it may"
	grep -q " $security " /proc/mounts || mount -t securityfs none $security ||
		skip "this kernel has no securityfs"
	[ -e $security/lockdown ] || skip "this kernel has no lockdown"
	load "size=$size_default" cma=none
	echo integrity >$security/lockdown
	for file in alloc free lookup inject inject_random unpoison validate compare/run compare/replay compare/contig map; do
		"$here/rawio" "$dir/$file" read >"$tmp/reply" || :
		same "opening $file" 'open -1 EPERM' "$(cat "$tmp/reply")"
	done
	for file in blocks types stats freeinfo region failures cells; do
		if (: >>"$dir/$file") 2>/dev/null; then
			echo "$file can be opened for writing"
			return 1
		fi
		cat "$dir/$file" >/dev/null
	done
}

goes_away() {
	loaded || skip "not under lockdown"
	unload
	gone
}

# validate cannot be asked any more
books() {
	:
}

check "F56 lockdown closes the actions, facts can be read" integrity
check "F56 the module can still be unloaded" goes_away

end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Who may do what: modes, users without rights, and what the files give away.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

mode() {
	same "mode of $1" "$2" "$(stat -c %a "$dir/$1")"
}

# nothing is there that this test does not know
complete() {
	(cd "$dir" && find . -type f | sort) >"$tmp/files"
	cat "$tmp/files"
	for file in alloc free lookup inject inject_random unpoison validate compare/run \
		compare/replay compare/progress compare/contig map blocks types stats freeinfo \
		region failures cells; do
		grep -q -x "./$file" "$tmp/files"
	done
	(cd "$dir" && find . -type f -perm -004) >"$tmp/open"
	same "files that others can read" "" "$(cat "$tmp/open")"
	(cd "$dir" && find . -type f -perm -002) >"$tmp/open"
	same "files that others can write" "" "$(cat "$tmp/open")"
}

# the directory is opened for the moment: the files' own modes must hold
as_nobody() {
	mount -o remount,mode=0755 "$debugfs" || skip "debugfs cannot be remounted"
	chmod 755 "$tmp"
	cp "$here/rawio" "$tmp/rawio"
	for file in alloc free lookup inject inject_random unpoison validate compare/run \
		compare/replay compare/progress compare/contig map blocks types stats freeinfo \
		region failures cells; do
		"$tmp/rawio" --uid 65534 "$dir/$file" read >"$tmp/reply" 2>&1 || :
		if ! grep -q -x 'open -1 EACCES' "$tmp/reply"; then
			echo "$file: $(cat "$tmp/reply")"
			touch "$tmp/leak"
		fi
	done
	mount -o remount,mode=0700 "$debugfs"
	[ ! -e "$tmp/leak" ]
}

# root without CAP_SYS_ADMIN may look, but not break memory
without_admin() {
	state >"$tmp/before"
	"$here/rawio" --drop-admin "$dir/inject" line "$start" read >"$tmp/reply" || :
	cat "$tmp/reply"
	head -n 1 "$tmp/reply" | grep -x -E '(open|line) -1 EPERM'
	state >"$tmp/after"
	cmp "$tmp/before" "$tmp/after"
	"$here/rawio" --drop-admin "$dir/stats" read | grep -q granules_total
}

# an address of the kernel's own memory in any file or reply would be a gift
no_pointers() {
	got=$(alloc 4096 buf)
	alloc 64K folio
	gives inject "$(field address "$got")" 'told=1'
	for file in blocks types stats freeinfo region failures cells; do
		cat "$dir/$file"
	done >"$tmp/text"
	ask lookup "$start" >>"$tmp/text"
	ask validate 1 >>"$tmp/text"
	same "kernel pointers" 0 "$(grep -E -i -c 'ffff[89a-f][0-9a-f]{11}' "$tmp/text")"
}

# facts are read only, even for root
read_only() {
	for file in blocks types stats freeinfo region failures cells compare/progress; do
		if (echo 1 >"$dir/$file") 2>/dev/null; then
			echo "$file could be written"
			return 1
		fi
	done
}

# the module needs no mounted debugfs
not_mounted() {
	unload
	umount "$debugfs" || skip "debugfs is in use"
	load "size=$size_default"
	loaded
	unload
	mount -t debugfs none "$debugfs"
	load "size=$size_default"
	books
}

for file in alloc free lookup inject inject_random unpoison validate compare/run compare/replay compare/contig map; do
	modes="${modes:-} $file:600"
done
for file in blocks types stats freeinfo region failures follow cells compare/progress; do
	modes="$modes $file:400"
done

all_modes() {
	for pair in $modes; do
		mode "${pair%:*}" "${pair#*:}"
	done
}

check "F55 actions are 0600, facts are 0400" all_modes
check "F55 all files are there and none is open to others" complete
check "F55 other users get EACCES from every file" as_nobody
check "F55 breaking memory needs CAP_SYS_ADMIN" without_admin
check "F55 no kernel pointer is printed anywhere" no_pointers
check "F55 facts cannot be written" read_only
check "F57 the module loads with debugfs not mounted" not_mounted

end

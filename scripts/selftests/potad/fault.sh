#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Allocations inside the kernel that fail, one after the other, until every single
# one has failed once: while loading, while handing out blocks, and all of them at
# once while freeing. Needs a kernel with CONFIG_FAULT_INJECTION.

. "$(dirname "$0")/lib.sh"
begin

# failable: may allocations that can sleep fail, of any order?
failable() {
	[ -e /proc/self/fail-nth ] || skip "this kernel cannot inject faults"
	[ -d "$debugfs/failslab" ] || skip "this kernel has no failslab"
	[ -d "$debugfs/fail_page_alloc" ] || skip "this kernel has no fail_page_alloc"
	echo N >"$debugfs/failslab/ignore-gfp-wait"
	echo N >"$debugfs/fail_page_alloc/ignore-gfp-wait"
	echo N >"$debugfs/fail_page_alloc/ignore-gfp-highmem"
	echo 0 >"$debugfs/fail_page_alloc/min-order"
	# every fault would print a stack
	echo 0 >"$debugfs/failslab/verbose"
	echo 0 >"$debugfs/fail_page_alloc/verbose"
}

# loading_once N: load with the N-th allocation failing; it must be refused and
# undone, or done without. Sets $visited.
loading_once() {
	"$here/failnth" "$1" insmod "$ko" "size=4M" >"$tmp/result" || failed=$((failed + 1))
	case $(cat "$tmp/result") in
	*"result=0")
		# debugfs may lack files that could not be made, the module works on
		if [ -e "$dir/stats" ] && [ -e "$dir/validate" ]; then books; fi
		unload
		;;
	*"result=-1 ENOMEM") ;;
	*) echo "allocation $1: $(cat "$tmp/result")"; return 1 ;;
	esac
	gone
	[ ! -e "$dir" ]
	same "pages available after allocation $1 failed" "$available" "$(cma_available)"
	case $(cat "$tmp/result") in
	visited=yes*) visited=yes ;;
	*) visited=no ;;
	esac
}

# Every allocation of the module's own start fails once. The kernel's module loader
# allocates before (and is not clean about it), and a little after. A load that is
# refused for its parameters counts those; from there this goes down as long as it
# is the module that complains, then up until all is allocated.
loading() {
	failable
	before=$(cma_state)
	available=$(cma_available)
	"$here/failnth" 1000000 insmod "$ko" size=0 >"$tmp/result" || :
	loader=$(sed -n 's/.*count=\([0-9]*\) .*/\1/p' "$tmp/result")
	[ "$loader" -gt 0 ]
	failed=0 visited=yes first=$loader
	while :; do
		lines=$(since_mark | grep -c 'potad: ') || :
		loading_once "$first"
		[ "$(since_mark | grep -c 'potad: ')" -gt "$lines" ] || break
		first=$((first - 1))
	done
	n=$loader
	while [ $visited = yes ]; do
		n=$((n + 1))
		[ $n -lt 5000 ]
		loading_once $n
	done
	echo "the loader's: $loader; the module's: $first to $((n - 1)); fatal: $failed"
	[ $failed -gt 5 ]
	cma_back "$before"
	load "size=$size_default"
	books
	unload
	# the kernel comments on its own failures too; reports are still faults
	allow_log .
}

# SIZE TYPE: every allocation behind one request fails once
requesting() {
	failable
	load "size=$size_default"
	state >"$tmp/before"
	n=0 failed=0 visited=yes
	while [ $visited = yes ]; do
		n=$((n + 1))
		[ $n -lt 200 ]
		if "$here/failnth" $n write "$dir/alloc" "$1 $2" >"$tmp/result"; then
			free "$(field handle "$(sed -n 2p "$tmp/result")")"
		else
			failed=$((failed + 1))
			head -n 1 "$tmp/result" | grep -E 'result=-1 (ENOMEM|EFAULT)$'
			state >"$tmp/after"
			cmp "$tmp/before" "$tmp/after"
		fi
		grep -q '^visited=yes' "$tmp/result" || visited=no
		books
	done
	echo "$((n - 1)) allocations, $failed of them fatal"
	[ $failed -gt 0 ]
	unload
}

# SUBJECT: every allocation behind a replay fails once. Who replays counts a block that
# is refused, and goes on; with anything else that is missing it ends, and leaves nothing.
# (One thread: allocations fail for who writes, not for others.)
replaying() {
	failable
	load "size=$size_default"
	recording=$(printf 'subject=%s every=2 threads=1\n# POTT 1\n0,0,A,1,0,0,0,0\n0,0,A,8,3,0,1,0\n%s' "$1" \
		"$(printf '0,0,S,8,3,1\n0,0,F,1,0\n.')")
	n=0 failed=0 refused=0 visited=yes
	while [ $visited = yes ]; do
		n=$((n + 1))
		[ $n -lt 200 ]
		if "$here/failnth" $n write "$dir/compare/replay" "${recording%.}" >"$tmp/result"; then
			grep -q '^events 4$' "$tmp/result"
			refused=$((refused + $(awk '$1 == "failed" { print $2 }' "$tmp/result")))
		else
			failed=$((failed + 1))
			head -n 1 "$tmp/result" | grep -q -E 'result=-1 (ENOMEM|EFAULT)$'
			grep -q '^error: E[A-Z]*: ' "$tmp/result"
		fi
		grep -q '^visited=yes' "$tmp/result" || visited=no
		drain
		same "granules that are allocated" 0 "$(value stats granules_allocated)"
		books
	done
	echo "$((n - 1)) allocations, $failed of them fatal, $refused blocks refused"
	[ $failed -gt 0 ]
	case $1 in
	buddy*) [ $refused -gt 0 ] ;;
	esac
	unload
}

# everything fails, always, for the process that frees: it must succeed. That
# allocations do fail then is shown by one that is refused.
freeing() {
	failable
	load "size=$size_default"
	for type in buf folio pgtable raw; do
		for size in 512 4K 128K; do
			got=$(alloc $size $type)
			field handle "$got"
		done
	done >"$tmp/handles"
	for what in failslab fail_page_alloc; do
		echo Y >"$debugfs/$what/task-filter"
		echo 100 >"$debugfs/$what/probability"
		echo -1 >"$debugfs/$what/times"
	done
	"$here/failnth" all write "$dir/alloc" "4096 buf" >"$tmp/control" || :
	while read -r handle; do
		"$here/failnth" all write "$dir/free" "$handle" || echo "not freed: $handle"
	done <"$tmp/handles" >"$tmp/results"
	for what in failslab fail_page_alloc; do
		echo 0 >"$debugfs/$what/probability"
		echo N >"$debugfs/$what/task-filter"
	done
	cat "$tmp/control" "$tmp/results"
	grep 'result=-1 ENOMEM$' "$tmp/control"
	same "handles freed" 12 "$(grep -c 'result=0$' "$tmp/results")"
	same "blocks live" 0 "$(value stats blocks_live)"
	books
	unload
}

check "F51 F59 loading with every allocation failing once" loading
check "F59 a request for a described block with every allocation failing once" requesting 4096 buf
check "F59 a request for a granule with every allocation failing once" requesting 512 folio
check "F59 a replay by potad with every allocation failing once" replaying potad
check "F59 the same, described" replaying potad-described
check "F59 a replay by the kernel with every allocation failing once" replaying buddy-described
check "F20 freeing while every allocation in the kernel fails" freeing

end

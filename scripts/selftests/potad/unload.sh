#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Going away: with blocks still allocated, with files open, while others open
# them, and after memory failures. Nothing may be lost and nobody may be left
# holding a file of a module that is gone.

. "$(dirname "$0")/lib.sh"
begin

# blocks that debugfs holds go with the module, and it says how many
live_blocks() {
	before=$(cma_state)
	load "size=$size_default"
	for type in buf folio pgtable raw; do
		alloc 64K $type
		alloc 512 $type
	done
	unload
	cma_back "$before"
	since_mark | grep 'potad: ' | grep -E '(^|[^0-9])8 '
}

# FILE: while it is open the module stays, or it goes and the file is dead
open_file() {
	load "size=$size_default"
	exec 3<"$dir/$1"
	if unload >"$tmp/rmmod" 2>&1; then
		if cat <&3 >"$tmp/read" 2>&1; then
			echo "read from a file of a module that is gone: $(cat "$tmp/read")"
			return 1
		fi
		exec 3<&-
	else
		cat "$tmp/rmmod"
		loaded
		cat <&3 >/dev/null
		books
		exec 3<&-
		unload
	fi
	gone
}

# a reply that was never read does not keep the module or leak
unread_reply() {
	load "size=$size_default"
	for round in 1 2 3; do
		"$here/rawio" "$dir/alloc" line "4096 buf" line "nonsense" >"$tmp/reply"
		same "round $round" "line 9" "$(head -n 1 "$tmp/reply")"
	done
	unload
}

# eight processes open everything while the module comes and goes
open_storm() {
	rm -f "$tmp/stop"
	"$here/openstorm" "$dir" 8 "$tmp/stop" >"$tmp/storm" 2>&1 &
	n=0
	busy=0
	while [ $n -lt "$1" ]; do
		load size=4M
		# in use means that somebody has a file open just now: try again
		until unload >"$tmp/rmmod" 2>&1; do
			busy=$((busy + 1))
			if [ $busy -gt $(($1 * 500)) ]; then
				touch "$tmp/stop"
				echo "rmmod never got through: $(cat "$tmp/rmmod")"
				return 1
			fi
		done
		n=$((n + 1))
	done
	touch "$tmp/stop"
	if ! wait $!; then
		cat "$tmp/storm"
		return 1
	fi
	echo "$n cycles, rmmod found it in use $busy times, $(cat "$tmp/storm")"
	tail -n 1 "$tmp/storm" | grep 'wrong=0$'
}

# pretended failures are not real ones: all memory goes back
after_failures() {
	before=$(cma_state)
	corrupted=$(awk '/^HardwareCorrupted:/ { print $2 }' /proc/meminfo)
	load "size=$size_default"
	got=$(alloc 64K buf)
	address=$(field address "$got")
	gives inject "$address 64K" 'told=1'
	gives inject "$(hex $((address + 1048576))) 4096" 'quarantined=1'
	unload
	cma_back "$before"
	same "HardwareCorrupted" "$corrupted" \
		"$(awk '/^HardwareCorrupted:/ { print $2 }' /proc/meminfo)"
	# and it can be had again
	load "size=$size_default"
	same "granules in quarantine after loading again" 0 "$(value stats granules_quarantined)"
	unload
}

check "F44 live blocks are released at unloading, and counted in the log" live_blocks
check "F45 an open facts file keeps the module" open_file stats
check "F45 an open table keeps the module" open_file blocks
check "F45 an open action file keeps the module" open_file alloc
check "F45 replies that nobody read are thrown away" unread_reply
check "F46 eight processes open files while the module comes and goes" open_storm "$cycles"
check "F48 the region goes back whole after pretended failures" after_failures

end

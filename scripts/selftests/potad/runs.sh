#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Adjacent blocks, as others have from CMA, and scattered ones that are mapped as one.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1
handle='' address='' size=''

# REQUEST PATTERN: granted, found by a lookup, and given back
runs() {
	gives run "$1" "$2"
	take handle "$reply"
	take address "$reply"
	take size "$reply"
	gives lookup "$(hex $((address + size - 1)))" 'state=bare '
	same "what is allocated" $((size / 512)) "$(value stats granules_allocated)"
	answer free "$handle"
	same "what is allocated after the free" 0 "$(value stats granules_allocated)"
	fails free "$handle" ENOENT ''
}

# every other block of 1 MiB is taken, as far as KEEP says: of what is left the largest
# pieces are smaller and smaller. The order of tries is in the answer and in the trace.
smaller() {
	events=/sys/kernel/tracing/events/potad/potad_run/enable
	[ -e $events ] || skip "this kernel has no tracepoints"
	while answer alloc "1M raw"; do
		field handle "$reply"
	done >"$tmp/handles"
	awk 'NR > 1 { print $2, $1 }' "$dir/blocks" | while read -r at which; do
		printf '%d %d\n' "$at" "$which"
	done | sort -n >"$tmp/blocks"
	# 8 MiB from 1 MiB on: no block of 8, nor two of 4, nor four of 2 at their places
	awk -v start=$((start)) '{ n = ($1 - start) / 1048576 }
		n >= 1 && n <= 8 { print $2 }' "$tmp/blocks" >"$tmp/gap"
	same "blocks in the gap" 8 "$(wc -l <"$tmp/gap")"
	while read -r handle; do free "$handle"; done <"$tmp/gap"
	echo >/sys/kernel/tracing/trace
	echo 1 >$events
	gives run "8M align=1M" "^handle=[0-9]+ address=$(hex $((start + 1048576))) size=8388608 pieces=8 order=11 tried=8388608,4194304,2097152,1048576$"
	take handle "$reply"
	fails run "8M align=1M" ENOSPC '8388608'
	ask run "8M align=2M" >"$tmp/answer" || :
	cat "$tmp/answer"
	grep '^tried=8388608,4194304,2097152$' "$tmp/answer"
	echo 0 >$events
	grep 'potad_run: ' /sys/kernel/tracing/trace
	grep "potad_run: phys=$(hex $((start + 1048576))) nr=16384 align=11 order=11 tried=0x7800 err=0" \
		/sys/kernel/tracing/trace
	grep 'potad_run: phys=0x0 nr=16384 align=11 .* tried=0x7800 err=-28' /sys/kernel/tracing/trace
	answer free "$handle"
	awk 'NR > 1 { print $1 }' "$dir/blocks" | while read -r handle; do free "$handle"; done
}

# what CPUs keep is asked for
from_caches() {
	while answer alloc "64K buf"; do
		field handle "$reply"
	done >"$tmp/handles"
	while read -r handle; do
		free "$handle"
	done <"$tmp/handles"
	runs "$bytes" "^handle=[0-9]+ address=$start size=$bytes pieces=1 "
}

within() {
	low=$(hex $((start + 3145728)))
	runs "1M min=$low max=$(hex $((start + 4194303)))" " address=$low size=1048576 "
	fails run "1M min=$low max=$(hex $((start + 4194302)))" ENOSPC ''
	fails run "1M max=$(hex $((start - 1)))" ENOSPC ''
	fails run "1M min=$(hex $((start + bytes)))" ENOSPC ''
	fails run "4096 min=$low max=$start" EINVAL ''
}

# a border at every 4 MiB: what would lie across begins behind it
nocross() {
	low=$(hex $((start + 2 * 1048576)))
	runs "3M min=$low" " address=$low "
	runs "3M min=$low nocross=4M" " address=$(hex $((start + 4 * 1048576))) "
	fails run "8M nocross=4M" EINVAL ''
	# the whole region lies between two of these
	runs "8M nocross=$((1 << 46))" " size=8388608 "
}

# a run that somebody holds goes when the module does
unloads() {
	before=$(cma_state)
	fresh
	gives run "3M" 'size=3145728'
	gives area "1M 64K" '^handle='
	unload
	since_mark | grep 'potad: freed 2 '
	fresh
}

# BYTES PIECE PIECES: mapped, written, read back; from each piece a lookup leads to it
area() {
	answer area "$1 $2" || {
		echo "$reply"
		return 1
	}
	ask area "$1 $2" >"$tmp/answer"
	cat "$tmp/answer"
	take handle "$reply"
	first=$handle
	reply=$(head -n 1 "$tmp/answer")
	take handle "$reply"
	take size "$reply"
	same "pieces" "$3" "$(field pieces "$reply")"
	same "lines" 2 "$(wc -l <"$tmp/answer")"
	gives check "$handle" "^read=$size sum=0x[0-9a-f]{16}$"
	same "what was read back" "$reply" "$(tail -n 1 "$tmp/answer")"
	gives check "$first" "^read=$size sum=0x[0-9a-f]{16}$"
	[ "$reply" != "$(tail -n 1 "$tmp/answer")" ]
	# walk the region in steps of a piece: as many lead to it as there are
	piece=$((size / $3)) at=$((start)) found=0
	while [ $at -lt $((start + bytes)) ] && [ $found -lt "$3" ]; do
		answer lookup "$(hex $((at + piece / 2)))"
		case $reply in
		*" type=area owner=handle:$handle "*) found=$((found + 1)) ;;
		esac
		at=$((at + piece))
	done
	same "pieces found" "$3" "$found"
	answer free "$handle"
	answer free "$first"
	same "blocks live" 0 "$(value stats blocks_live)"
	fails check "$handle" ENOENT ''
}

# a piece fails: the owner of the area is told
area_fails() {
	gives area "64K 4096" '^handle='
	take handle "$reply"
	take address "$reply"
	gives inject "$address" 'state=allocated .*type=area told=1 answer=lost'
	fails migrate "$address" EOPNOTSUPP ''
	answer free "$handle"
	drain
	gives lookup "$address" 'state=quarantined'
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
}

area_too_large() {
	fails area "48M 4M" ENOSPC ''
	same "blocks live" 0 "$(value stats blocks_live)"
}

check "A6 a run that is one block" runs "8M align=1M" ' size=8388608 pieces=1 order=14 tried=8388608$'
check "A6 a run of a size that no block has" runs "3M align=1M" ' size=3145728 pieces=2 .*tried=2097152$'
check "A6 a run of a byte is a granule" runs 1 ' size=512 pieces=1 order=0 tried=512$'
check "A6 one of 8 MiB, two of 4, four of 2, eight of 1, or none" smaller
check "A6 what CPUs keep is asked for" from_caches
check "A6 a run between two addresses" within
check "A6 a run that crosses no border" nocross
refused "A6 no bytes are refused" run "0" EINVAL ''
refused "A6 letters are refused" run "many" EINVAL ''
refused "A6 an align of 3 is refused" run "4096 align=3" EINVAL ''
refused "A6 a nocross of 3000 is refused" run "4096 nocross=3000" EINVAL ''
refused "A6 an unknown key is refused" run "4096 where=there" EINVAL where
refused "A6 a key without value is refused" run "4096 align" EINVAL usage
refused "A6 more than there is" run "$((bytes * 2))" ENOSPC ''
check "B6 an area of 16 pages" area 64K 4096 16
check "B6 an area of pieces of 64 KiB" area 1M 64K 16
check "B6 an area of one piece" area 4096 4096 1
check "B6 when a piece fails the owner of the area is told" area_fails
check "B6 more pieces than there are leave nothing behind" area_too_large
refused "B6 a piece is a page at the least" area "4096 512" EINVAL ''
refused "B6 no bytes are no area" area "0" EINVAL ''
refused "B6 too many pieces" area "32M 4096" E2BIG ''
refused "B6 areas are not had by alloc" alloc "4096 area" EPERM ''
check "F44 runs and areas that are held go at unloading" unloads

end

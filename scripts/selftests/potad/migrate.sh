#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Blocks that make room: one that moves with its contents, whole ranges that are
# emptied, who refuses, and what then stays as it was.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1
handle='' address='' size='' pgtable='' raw='' folio=''

# filled SIZE TYPE: a block with a pattern in it; sets handle, address, size
filled() {
	gives alloc "$1 $2 fill" "^handle=[0-9]+ .* type=$2"
	take handle "$reply"
	take address "$reply"
	take size "$reply"
}

# SIZE TYPE: it moves, its handle leads to the new place, the contents are the same
# byte by byte, the old place is free
moves() {
	filled "$1" "$2"
	from=$address
	gives check "$handle" "^read=$size sum=0x"
	sum=$reply
	gives migrate "$(hex $((from + size - 1)))" \
		"^from=$from to=0x[0-9a-f]+ order=[0-9]+ size=$size type=$2 owner=handle:$handle$"
	to=$(field to "$reply")
	[ "$from" != "$to" ]
	gives lookup "$to" "state=allocated block=$to .* type=$2 owner=handle:$handle "
	drain
	gives lookup "$from" 'state=free '
	gives check "$handle" "^read=$size sum=0x"
	same "the sum of the contents" "$sum" "$reply"
	same "the listed address" "$to" "$(awk -v h="$handle" '$1 == h { print $2 }' "$dir/blocks")"
	free "$handle"
	same "blocks live" 0 "$(value stats blocks_live)"
}

# time and again, and each time all is where it says
moves_often() {
	filled 16K folio
	n=0
	while [ $n -lt 25 ]; do
		gives migrate "$address" "^from=$address .*owner=handle:$handle$"
		address=$(field to "$reply")
		gives check "$handle" "^read=16384 "
		n=$((n + 1))
	done
	free "$handle"
}

# TYPE ERRNO: the block stays
stays() {
	filled 8K "$1"
	fails migrate "$address" "$2" ''
	gives lookup "$address" "state=allocated block=$address "
	gives check "$handle" '^read=8192 '
	free "$handle"
}

# nowhere to go
no_room() {
	filled "$bytes" folio
	fails migrate "$address" ENOSPC ''
	gives check "$handle" "^read=$bytes "
	free "$handle"
}

# what failed under it stays behind, the block goes on without
leaves_failed() {
	filled 4096 folio
	gives inject "$(hex $((address + 512)))" 'told=1'
	gives migrate "$address" "^from=$address "
	to=$(field to "$reply")
	gives lookup "$(hex $((to + 512)))" 'state=allocated .* failed=0$'
	fails check "$handle" EHWPOISON ''
	free "$handle"
	drain
	gives lookup "$(hex $((address + 512)))" 'state=quarantined'
	gives lookup "$(hex $((address + 1024)))" 'state=free '
}

# not_there ADDRESS ERRNO
quarantined_there() {
	address=$(hex $((start + bytes / 2)))
	gives inject "$address" 'state=free'
	fails migrate "$address" ENOENT quarantined
}

# a crowd of movable blocks in the lower half goes, and the half is one block then
evacuates() {
	half=$((bytes / 2))
	n=0
	while [ $n -lt 24 ]; do
		filled $((512 << (n % 8))) folio
		echo "$handle $address $size" >>"$tmp/list"
		filled $((512 << (n % 5))) buf
		echo "$handle $address $size" >>"$tmp/list"
		n=$((n + 1))
	done
	for range in "$start $half" "$(hex $((start + half))) $half"; do
		gives evacuate "$range folio" "^handle=[0-9]+ address=${range% *} .* size=$half type=folio"
		whole=$(field handle "$reply")
		while read -r handle _ size; do
			gives check "$handle" "^read=$size "
		done <"$tmp/list"
		awk -v first=$((${range% *})) -v handle="$whole" 'NR > 1 && $1 != handle { print $2 }' \
			"$dir/blocks" >"$tmp/rest"
		while read -r address; do
			[ $((address)) -lt $((${range% *})) ] || [ $((address)) -ge $((${range% *} + half)) ]
		done <"$tmp/rest"
		same "the other blocks" 48 "$(wc -l <"$tmp/rest")"
		free "$whole"
	done
	while read -r handle _; do
		free "$handle"
	done <"$tmp/list"
}

# those that stay are listed, each with its reason; the others have gone or not, and
# nothing is lost
obstacles() {
	half=$((bytes / 2))
	for type in pgtable raw folio; do
		gives evacuate "$(hex $((start + n_of * 8192))) 4096 $type" '^handle='
		take handle "$reply"
		eval "$type=$handle"
		n_of=$((n_of + 1))
	done
	failed=$(hex $((start + 65536)))
	gives inject "$failed" 'state=free'
	status=0
	ask evacuate "$start $half" >"$tmp/answer" || status=$?
	cat "$tmp/answer"
	same "status" 1 $status
	grep -E "^error: EBUSY: $start, $half bytes: 3 in the way$" "$tmp/answer"
	grep -E "^address=$start size=4096 type=pgtable owner=handle:$pgtable why=refused errno=16$" \
		"$tmp/answer"
	grep -E "^address=$(hex $((start + 8192))) size=4096 type=raw owner=- why=cannot-move errno=0$" \
		"$tmp/answer"
	grep -E "^address=$failed size=512 type=- owner=- why=failed errno=0$" "$tmp/answer"
	same "lines" 4 "$(wc -l <"$tmp/answer")"
	# the folio has gone to the upper half
	at=$(awk -v h="$folio" '$1 == h { print $2 }' "$dir/blocks")
	[ $((at)) -ge $((start + half)) ]
	for handle in $pgtable $raw $folio; do
		free "$handle"
	done
}
n_of=0

evacuates_nothing() {
	gives evacuate "$start $bytes" "^address=$start size=$bytes evacuated$"
	lend "$bytes raw" "size=$bytes"
}

# nobody can make room for all
nowhere() {
	filled "$((bytes / 2))" folio
	one=$handle
	filled "$((bytes / 2))" folio
	fails evacuate "$start $((bytes / 2))" ENOSPC ''
	gives check "$one" '^read='
	gives check "$handle" '^read='
	free "$one"
	free "$handle"
}

unfilled() {
	got=$(alloc 4096 folio)
	fails check "$(field handle "$got")" EINVAL ''
	free "$(field handle "$got")"
}

drains() {
	n=0
	while [ $n -lt 10 ]; do
		alloc 4096 buf >/dev/null
		n=$((n + 1))
	done
	awk 'NR > 1 { print $1 }' "$dir/blocks" | while read -r handle; do free "$handle"; done
	[ "$(value stats granules_cached)" -gt 0 ]
	drain
	same "granules cached" 0 "$(value stats granules_cached)"
	gives drain 1 '^drained blocks=0$'
}

check "B8 a folio of a granule moves with its contents" moves 512 folio
check "B8 a folio of 64 KiB moves with its contents" moves 64K folio
check "B8 a buf of 2 MiB moves with its contents" moves 2M buf
check "B8 a block moves 25 times" moves_often
check "B8 a page table refuses, and stays" stays pgtable EBUSY
check "B8 what has no descriptor cannot move" stays raw EOPNOTSUPP
check "B8 a block with nowhere to go stays" no_room
check "B8 what failed under a block stays behind when it moves" leaves_failed
refused "B8 free memory does not move" migrate "$start" ENOENT 'free'
check "B8 quarantined memory does not move" quarantined_there
refused "B8 outside nothing moves" migrate "$(hex $((start + bytes)))" ENXIO ''
refused "B8 a second word is refused" migrate "$start 1" EINVAL ''
check "B8 a crowded half is emptied, contents and all, and is one block then" evacuates
check "B8 who stays is listed with the reason" obstacles
check "B8 a free region is empty" evacuates_nothing
check "B8 nowhere to go is an error, and all stays" nowhere
refused "B8 an empty range is refused" evacuate "$start 0" EINVAL ''
refused "B8 half a granule is refused" evacuate "$start 256" EINVAL ''
refused "B8 a range beyond the end is refused" evacuate "$start $((bytes + 512))" ENXIO ''
refused "B8 a range that wraps is refused" evacuate "$start 0xfffffffffffffe00" ENXIO ''
refused "B8 three granules are no block" evacuate "$start 1536 folio" EINVAL ''
refused "B8 a block that is not aligned is refused" evacuate "$(hex $((start + 512))) 1024 folio" \
	EINVAL ''
refused "B8 a type that does not exist is refused" evacuate "$start 4096 nosuch" ENOENT ''
check "a block that was not filled cannot be checked" unfilled
refused "a handle that was never issued cannot be checked" check 999999 ENOENT ''
check "B12 a drain leaves nothing at hand" drains
refused "a drain takes a 1" drain 2 EINVAL ''

end

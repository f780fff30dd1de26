#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory that fails, and what becomes of it: contents move out of what is going to
# fail, are written again or are lost, failures come at random, are taken back, and
# who watches is woken.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

# filled SIZE TYPE: a block with contents; $handle and $address
filled() {
	gives alloc "$1 $2 fill" " type=$2"
	take handle "$reply"
	take address "$reply"
}

# place HANDLE: where it is now
place() {
	awk -v handle="$1" '$1 == handle { print $2 }' "$dir/blocks"
}

# where what has failed lay, its neighbour is free
left_behind() {
	drain
	gives lookup "$address" 'state=quarantined'
	gives lookup "$(hex $((address + 512)))" 'state=free'
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
}

# soft SIZE TYPE: it moves, contents and all, and keeps its handle
soft_moves() {
	filled "$1" "$2"
	gives check "$handle" '^read='
	sum=$(field sum "$reply")
	gives inject "$address soft" " block=$address type=$2 told=1 answer=moved moved=0x"
	to=$(field moved "$reply")
	same "its address" "$to" "$(place "$handle")"
	gives check "$handle" " sum=$sum$"
	same "what is listed" "$2 1 moved 0 soft,injected $to" \
		"$(awk 'NR == 2 { print $5, $6, $7, $8, $9, $10 }' "$dir/failures")"
	left_behind
	free "$handle"
}

# soft_stays TYPE TOLD ANSWER: it cannot move, and is in quarantine when it is freed
soft_stays() {
	gives alloc "4096 $1" " type=$1"
	take handle "$reply"
	take address "$reply"
	gives inject "$address soft" " type=$1 told=$2 answer=$3$"
	same "its address" "$address" "$(place "$handle")"
	free "$handle"
	left_behind
}

soft_free() {
	address=$start
	gives inject "$address soft" 'state=free quarantined=1 told=0 answer=-$'
	left_behind
}

# what can be had again is, elsewhere
written_again() {
	filled 16K buf
	gives check "$handle" '^read='
	sum=$(field sum "$reply")
	gives inject "$address" " told=1 answer=recovered$"
	[ "$(place "$handle")" != "$address" ]
	gives check "$handle" " sum=$sum$"
	left_behind
	free "$handle"
}

# what cannot is lost, and who reads it is told
lost() {
	filled 16K folio
	gives inject "$address" " told=1 answer=lost$"
	fails check "$handle" EHWPOISON ''
	gives migrate "$address" "^from=$address "
	fails check "$handle" EHWPOISON ''
	free "$handle"
	left_behind
}

by_handle() {
	gives alloc "4096 folio" ' type=folio'
	take handle "$reply"
	take address "$reply"
	gives inject "$handle+1K" "^address=$(hex $((address + 1024))) .* block=$address "
	same "the offset" 1024 "$(awk 'NR == 2 { print $8 }' "$dir/failures")"
	fails inject "$handle+4096" ERANGE ''
	fails inject "$handle+x" EINVAL ''
	free "$handle"
	fails inject "$handle+0" ENOENT ''
}

# Blocks are written again elsewhere while others have them moved: each handle stands
# for its own block, and in the end none is left over.
written_again_while_moved() {
	while [ -d "$dir" ] && [ ! -e "$tmp/enough" ]; do
		ask evacuate "$start $((bytes / 2))" || :
		ask evacuate "$(hex $((start + bytes / 2))) $((bytes / 2))" || :
	done >/dev/null 2>&1 &
	mover=$!
	n=0
	while [ $n -lt 60 ]; do
		filled 32K buf
		ask inject "$handle+$((n * 512 % 32768))" || :
		gives check "$handle" '^read=32768 ' || {
			: >"$tmp/enough"
			wait $mover
			return 1
		}
		free "$handle"
		n=$((n + 1))
	done
	: >"$tmp/enough"
	wait $mover
	drain
	same "granules in use" 0 "$(value stats granules_allocated)"
	same "live blocks" 0 "$(value stats blocks_live)"
}

# what failed in pretence is good again: the whole region is one block
unpoisoned() {
	gives inject "$address 4096" 'quarantined=1'
	fails alloc "$bytes raw" ENOSPC ''
	gives unpoison "$address 4096" "^address=$address length=4096 good$"
	same "granules in quarantine" 0 "$(value stats granules_quarantined)"
	fails unpoison "$address" EINVAL ''
	drain
	lend "$bytes raw" "address=$start "
}

unpoisoned_in_use() {
	gives alloc "4096 buf" 'type=buf'
	take handle "$reply"
	take address "$reply"
	gives inject "$address" 'told=1'
	same "granules that failed in use" 1 "$(value stats granules_failed_in_use)"
	gives unpoison "$address" 'good'
	same "granules that failed in use" 0 "$(value stats granules_failed_in_use)"
	fails unpoison "$address 1024" EINVAL ''
	free "$handle"
	drain
	same "granules in quarantine" 0 "$(value stats granules_quarantined)"
}

# sums REPLY: does all that was found add up to what was done?
sums() {
	echo "$1" | awk '{
		for (i = 1; i <= NF; i++) {
			split($i, word, "=")
			v[word[1]] = word[2]
		}
		found = v["free"] + v["blocks"] + v["bare"]
		answered = v["untold"] + v["recovered"] + v["moved"] + v["lost"] + v["refused"]
		print found, "found,", answered, "answers,", v["already"], "had failed before"
		exit found + v["already"] != v["done"] || answered != found
	}'
}

at_random() {
	for type in buf folio pgtable raw; do
		gives alloc "2M $type" "type=$type" >/dev/null
	done
	gives inject_random "count=500 seed=7" '^seed=7 done=500 '
	first=$reply
	sums "$first"
	awk 'NR > 1 { print $2 }' "$dir/failures" >"$tmp/first"
	fresh
	for type in buf folio pgtable raw; do
		gives alloc "2M $type" "type=$type" >/dev/null
	done
	gives inject_random "count=500 seed=7" '^seed=7 done=500 '
	same "the same seed" "$first" "$reply"
	awk 'NR > 1 { print $2 }' "$dir/failures" | cmp - "$tmp/first"
}

of_a_type() {
	gives alloc "64K buf" 'type=buf'
	gives alloc "64K folio" 'type=folio'
	gives inject_random "count=40 type=folio" '^seed=[0-9]+ done=40 .* free=0 '
	sums "$reply"
	same "other types in the list" 0 "$(awk 'NR > 1 && $5 != "folio"' "$dir/failures" | wc -l)"
	fails inject_random "count=1 type=pgtable" ENOENT ''
}

# and moves out of the way each time
soft_at_random() {
	filled 64K folio
	gives inject_random "count=50 type=folio soft=1" ' moved=50 '
	gives check "$handle" '^read=65536 '
	free "$handle"
	drain
	same "granules in quarantine" 50 "$(value stats granules_quarantined)"
}

undone() {
	gives alloc "2M buf" 'type=buf'
	take handle "$reply"
	gives inject_random "count=2000 undo=1" ' done=2000 already=0 .* undone=2000$'
	sums "$reply"
	free "$handle"
	drain
	same "granules in quarantine" 0 "$(value stats granules_quarantined)"
	lend "$bytes raw" "address=$start "
}

paced() {
	gives inject_random "count=5 rate=50" ' done=5 '
	sums "$reply"
}

# until PATTERN FILE: waits for a line
until_there() {
	n=0
	until grep -q "$1" "$2"; do
		n=$((n + 1))
		[ $n -lt 300 ] || return 1
		sleep 0.1
	done
}

# who reads follow gets each event as it comes
followed() {
	gives inject "$start" 'quarantined=1'
	cat "$dir/follow" >"$tmp/seen" &
	until_there '^seq ' "$tmp/seen"
	gives inject "$(hex $((start + 4096)))" 'quarantined=1'
	until_there '^2 ' "$tmp/seen"
	gives inject "$(hex $((start + 8192)))" 'quarantined=1'
	until_there '^3 ' "$tmp/seen"
	kill $!
	wait $! || :
	same "events seen" "2 3" "$(awk 'NR > 1 { print $1 }' "$tmp/seen" | xargs)"
}

# woken FILE: poll() says when there is more, and not before
woken() {
	gives inject "$start" 'quarantined=1'
	"$here/pollread" "$dir/$1" 30 >"$tmp/seen" &
	until_there waiting "$tmp/seen"
	gives inject "$(hex $((start + 4096)))" 'quarantined=1'
	wait $!
	same "events seen" 2 "$(awk '/^[0-9]/ { print $1 }' "$tmp/seen" | xargs)"
}

# an open file holds the module
open_follow() {
	cat "$dir/follow" >"$tmp/seen" &
	until_there '^seq ' "$tmp/seen"
	if unload 2>"$tmp/err"; then
		echo "unloaded with an open file"
		return 1
	fi
	cat "$tmp/err"
	kill $!
	wait $! || :
}

# more than the ring has room for: the last are there, numbers tell what is not
ring() {
	gives inject_random "count=600 undo=1" ' done=600 '
	awk 'NR > 1 { if (last && $1 != last + 1) exit 1; last = $1; n++ }
		END { print n, "kept, the last", last; exit n != 256 || last != 600 }' "$dir/failures"
}

by_potadctl() {
	POTAD_DIR=$dir
	export POTAD_DIR
	"$here/potadctl" alloc 4096 --type folio >"$tmp/got"
	handle=$(field handle "$(cat "$tmp/got")")
	"$here/potadctl" inject --handle "$handle" --offset 512 --soft | grep 'answer=moved'
	"$here/potadctl" inject --random --rate 1000/s --count 10 --seed 3 --undo |
		grep '^seed=3 done=10 '
	"$here/potadctl" inject "$(hex $((start + bytes - 512)))" | grep 'quarantined=1'
	"$here/potadctl" unpoison "$(hex $((start + bytes - 512)))" | grep good
	"$here/potadctl" failures | grep ' moved 512 soft,injected 0x'
	"$here/potadctl" failures --follow >"$tmp/seen" &
	until_there '^seq ' "$tmp/seen"
	gives inject "$start" 'address='
	until_there " $start " "$tmp/seen"
	kill $!
	wait $! || :
	for wrong in "" "--random" "--handle 1 $start" "$start --offset 1" "$start --count 1" \
		"--random --count 1 --length 2"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$here/potadctl" inject $wrong 2>"$tmp/err" || status=$?
		same "exit status of inject $wrong" 2 $status
	done
}

check "C4 a buf moves out of what is going to fail" soft_moves 16K buf
check "C4 a folio moves out of what is going to fail" soft_moves 64K folio
check "C4 a folio of a granule moves out of what is going to fail" soft_moves 1K folio
check "C4 who refuses to move is told, and stays" soft_stays pgtable 1 refused
check "C4 what has no descriptor stays" soft_stays raw 0 -
check "C4 what is free and going to fail is quarantined" soft_free
check "C4 what can be had again is written again elsewhere" written_again
check "C4 a buf is written again while others have it moved" written_again_while_moved
check "C4 what is lost is an error for who reads it" lost
check "an offset in a block fails" by_handle
refused "a handle that was never given out" inject "4711+0" ENOENT ''
refused "soft is the last word" inject "$start soft 1" EINVAL ''
address=$(hex $((start + bytes / 2)))
check "F42 what was pretended is taken back, and merges" unpoisoned
check "F42 in a block that somebody has, too" unpoisoned_in_use
refused "F42 what has not failed cannot be taken back" unpoison "$start" EINVAL 'not all has failed'
refused "F42 what is outside cannot be taken back" unpoison "$(hex $((start - 512)))" ENXIO ''
refused "F42 nothing cannot be taken back" unpoison "$start 0" EINVAL ''
refused "F42 too much cannot be taken back" unpoison "$start 4M" E2BIG ''
refused "F42 the end is outside" unpoison "$(hex $((start + bytes - 512))) 1024" ENXIO ''
check "failures at random are the same for the same seed" at_random
check "failures at random in blocks of a type" of_a_type
check "soft failures at random move a block each time" soft_at_random
check "failures at random that are undone leave nothing" undone
check "failures at random at a rate" paced
refused "at random without a count" inject_random "seed=1" EINVAL ''
refused "a rate of nothing" inject_random "count=1 rate=0" ERANGE ''
refused "a rate of too much" inject_random "count=1 rate=1000001" ERANGE ''
refused "no such key" inject_random "count=1 speed=1" EINVAL ''
refused "no such type" inject_random "count=1 type=nothing" ENOENT ''
refused "a count that is no number" inject_random "count=many" EINVAL ''
check "events come to who reads follow" followed
check "poll() on failures wakes up" woken failures
check "poll() on follow wakes up" woken follow
check "F45 the module stays while somebody follows" open_follow
check "the ring has the last events, in order" ring
check "potadctl inject, unpoison, failures" by_potadctl

end

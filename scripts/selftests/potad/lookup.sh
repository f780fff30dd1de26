#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# From an address to what lies there: first, interior and last byte of blocks of
# every type, free and quarantined memory, and the outside, each told apart.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

free_block='state=free block=0x[0-9a-f]+ order=[0-9]+ size=[0-9]+ offset=[0-9]+ failed=0'

# owner TYPE HANDLE: what a lookup says of it. A block of a type without descriptor
# has no place where its owner could be written.
owner() {
	if [ "$1" = raw ]; then
		echo "type=raw owner=-"
	else
		echo "type=$1 owner=handle:$2"
	fi
}

# SIZE TYPE: every byte of the block leads to the block
inside() {
	got=$(alloc "$1" "$2")
	handle=$(field handle "$got")
	address=$(field address "$got")
	size=$(field size "$got")
	for offset in 0 1 $((size / 2)) $((size / 2 + 3)) $((size - 1)); do
		at=$(hex $((address + offset)))
		block="block=$address order=[0-9]+ size=$size offset=$offset"
		gives lookup "$at" \
			"^address=$at state=allocated $block $(owner "$2" "$handle") failed=0$"
	done
	free "$handle"
	drain
	gives lookup "$address" "^address=$address $free_block$"
}

# eight blocks in one page keep eight owners apart
subpage() {
	n=0
	for type in buf folio pgtable raw buf folio pgtable raw; do
		got=$(alloc 512 $type)
		address=$(field address "$got")
		handle=$(field handle "$got")
		gives lookup "$(hex $((address + 17)))" \
			" block=$address order=0 size=512 offset=17 $(owner $type "$handle") "
		n=$((n + 1))
	done
	# all eight again, now that each has its neighbours
	awk 'NR > 1 { print $1, $2, $5 }' "$dir/blocks" >"$tmp/list"
	same "blocks listed" $n "$(wc -l <"$tmp/list")"
	while read -r handle address type; do
		gives lookup "$address" " block=$address .* $(owner "$type" "$handle") "
		free "$handle"
		gives lookup "$address" ' state=(free|cached) '
	done <"$tmp/list"
}

# a block that holds failed granules says so
failed_inside() {
	got=$(alloc 8192 buf)
	address=$(field address "$got")
	gives inject "$address 1024" 'told=1'
	gives lookup "$address" 'state=allocated .* failed=1$'
	free "$(field handle "$got")"
	drain
	gives lookup "$address" '^address=0x[0-9a-f]+ state=quarantined'
	gives lookup "$(hex $((address + 512)))" 'state=quarantined'
	gives lookup "$(hex $((address + 1024)))" 'state=free'
}

free_failed() {
	address=$(hex $((start + bytes / 2 + 512)))
	gives lookup "$address" 'state=free'
	gives inject "$address" 'state=free quarantined=1 told=0'
	gives lookup "$address" 'state=quarantined'
	gives lookup "$(hex $((address - 1)))" 'state=free'
	gives lookup "$(hex $((address + 512)))" 'state=free'
}

# what a CPU keeps is free, and is told from what is: not one byte of it says otherwise
kept() {
	drain
	got=$(alloc 4096 "$1")
	address=$(field address "$got")
	size=$(field size "$got")
	free "$(field handle "$got")"
	for offset in 0 1 $((size / 2)) $((size - 1)); do
		gives lookup "$(hex $((address + offset)))" \
			"state=cached block=$address order=3 size=$size offset=$offset failed=0$"
	done
	drain
	gives lookup "$address" 'state=free '
}

# a lookup takes a reference for as long as it looks: what it says is whole, and the
# block can be given up right after
looked_at() {
	n=0
	while [ $n -lt 20 ]; do
		got=$(alloc 4096 folio)
		handle=$(field handle "$got")
		gives lookup "$(field address "$got")" "owner=handle:$handle "
		free "$handle"
		n=$((n + 1))
	done
	same "blocks live" 0 "$(value stats blocks_live)"
}

# one process takes and gives back the whole region, this one looks at its first
# byte until it has seen it free and allocated: whole states only, never an error.
# (bare: the block is taken and its words are being written. cached: a CPU keeps it.)
concurrent() {
	# nothing smaller is at hand from before
	drain
	(
		while [ ! -e "$tmp/stop" ]; do
			got=$(alloc "$bytes" buf)
			free "$(field handle "$got")" >/dev/null
		done
	) &
	n=0
	: >"$tmp/seen"
	until [ $n -ge 200 ] && grep -q -E 'state=(free|cached)' "$tmp/seen" &&
		grep -q state=allocated "$tmp/seen"; do
		ask lookup "$start" >>"$tmp/seen" || echo refused >>"$tmp/seen"
		n=$((n + 1))
		[ $n -lt 5000 ] || break
	done
	touch "$tmp/stop"
	wait $!
	sed 's/.*state=\([a-z]*\).*/\1/' "$tmp/seen" | sort | uniq -c
	[ $n -lt 5000 ]
	block="block=$start order=[0-9]+ size=$bytes offset=0"
	mine='type=buf owner=handle:[0-9]+'
	strange=$(grep -E -v "^address=$start $free_block$" "$tmp/seen" |
		grep -E -v "^address=$start state=allocated $block $mine failed=0$" |
		grep -E -v -c "^address=$start state=(bare|cached) $block failed=0$") || true
	same "answers that are no whole state" 0 "$strange"
}

check "B4 every byte of a granule leads to it" inside 512 buf
check "B4 every byte of a page leads to it" inside 4096 folio
check "B4 every byte of 64 KiB leads to them" inside 64K pgtable
check "B4 every byte of 8 MiB leads to them" inside 8M buf
check "B4 every byte of a block without descriptor leads to it" inside 128K raw
check "B4 eight owners in one page are told apart" subpage
refused "F22 below the region is outside" lookup "$(hex $((start - 1)))" ENXIO ''
refused "F22 a page below the region is outside" lookup "$(hex $((start - 4096)))" ENXIO ''
refused "F22 the end of the region is outside" lookup "$(hex $((start + bytes)))" ENXIO ''
refused "F22 above the region is outside" lookup "$(hex $((start + bytes + 4096)))" ENXIO ''
refused "F22 address 0 is outside" lookup "0" ENXIO ''
refused "F22 2^64 - 1 is outside" lookup "0xffffffffffffffff" ENXIO ''
refused "F22 2^64 overflows" lookup "0x10000000000000000" ERANGE ''
refused "F22 letters are no address" lookup "here" EINVAL ''
refused "F22 a second word is refused" lookup "$start 1" EINVAL ''
check "F22 the first byte of the region is inside" gives lookup "$start" \
	"^address=$start state=(free|cached) "
check "F22 the last byte of the region is inside, aligned or not" gives lookup \
	"$(hex $((start + bytes - 1)))" 'state=(free|cached) '
check "F23 a free granule that failed is quarantined, its neighbours are free" free_failed
check "F23 a block says that it holds failed granules, then they are quarantined" failed_inside
check "F23 what a CPU keeps of buf is cached, and free once drained" kept buf
check "F23 what a CPU keeps of raw is cached, and free once drained" kept raw
check "F25 a lookup leaves no reference behind" looked_at
check "F24 lookups while the block comes and goes see whole states only" concurrent

end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# From an address to what lies there: first, interior and last byte of blocks of
# every type, free and quarantined memory, and the outside, each told apart.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

free_block='state=free block=0x[0-9a-f]+ order=[0-9]+ size=[0-9]+'

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
			"^address=$at state=allocated $block type=$2 owner=handle:$handle failed=0$"
	done
	free "$handle"
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
			" block=$address order=0 size=512 offset=17 type=$type owner=handle:$handle "
		n=$((n + 1))
	done
	# all eight again, now that each has its neighbours
	awk 'NR > 1 { print $1, $2, $5 }' "$dir/blocks" >"$tmp/list"
	same "blocks listed" $n "$(wc -l <"$tmp/list")"
	while read -r handle address type; do
		gives lookup "$address" " block=$address .* type=$type owner=handle:$handle "
		free "$handle"
		gives lookup "$address" ' state=free '
	done <"$tmp/list"
}

# a block that holds failed granules says how many
failed_inside() {
	got=$(alloc 8192 buf)
	address=$(field address "$got")
	gives inject "$address 1024" 'told=1'
	gives lookup "$address" 'state=allocated .* failed=2$'
	free "$(field handle "$got")"
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

# one process allocates and frees, this one looks: it must see one state or the
# other, never a mixture and never an error
concurrent() {
	(
		while [ ! -e "$tmp/stop" ]; do
			got=$(alloc 4096 buf)
			free "$(field handle "$got")" >/dev/null
		done
	) &
	n=0
	while [ $n -lt 200 ]; do
		ask lookup "$(hex "$start")"
		n=$((n + 1))
	done >"$tmp/seen"
	touch "$tmp/stop"
	wait $!
	same "answers" 200 "$(wc -l <"$tmp/seen")"
	block='state=allocated block=0x[0-9a-f]+ order=3 size=4096 offset=0'
	strange=$(grep -E -v "^address=0x[0-9a-f]+ $free_block$" "$tmp/seen" |
		grep -E -v -c " $block type=buf owner=handle:[0-9]+ failed=0$") || true
	same "answers that are neither free nor allocated" 0 "$strange"
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
	"^address=$start state=free"
check "F22 the last byte of the region is inside, aligned or not" gives lookup \
	"$(hex $((start + bytes - 1)))" 'state=free'
check "F23 a free granule that failed is quarantined, its neighbours are free" free_failed
check "F23 a block's failed granules are counted, then quarantined" failed_inside
check "F24 lookups while the block comes and goes see whole states only" concurrent

end

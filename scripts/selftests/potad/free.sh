#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Giving memory back, once and more than once: a handle names one allocation for
# ever, so a second free, a free by address, or a free of a handle whose place
# belongs to somebody else by now finds nothing.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

twice() {
	got=$(alloc 4096 buf)
	handle=$(field handle "$got")
	free "$handle"
	fails free "$handle" ENOENT "$handle"
}

# the place is taken again before the second free: the new owner must not lose it
twice_reused() {
	# only one block can be as large as the region, so it is the same place
	got=$(alloc "$bytes" buf)
	handle=$(field handle "$got")
	free "$handle"
	again=$(alloc "$bytes" folio)
	same "address of the second block" "$(field address "$got")" "$(field address "$again")"
	fails free "$handle" ENOENT "$handle"
	gives lookup "$(field address "$again")" \
		"state=allocated .*type=folio owner=handle:$(field handle "$again") "
	free "$(field handle "$again")"
}

# a handle is never given out again
unique() {
	seen=
	for i in 1 2 3 4 5 6 7 8; do
		got=$(alloc 4096 raw)
		handle=$(field handle "$got")
		case " $seen " in
		*" $handle "*) echo "round $i: handle $handle again"; return 1 ;;
		esac
		seen="$seen $handle"
		free "$handle"
	done
}

# what is refused must leave this block alone: ERRNO, then the request, in which
# H stands for the handle, A for the address, I for an address inside
with_block() {
	got=$(alloc 4096 buf)
	handle=$(field handle "$got")
	address=$(field address "$got")
	request=$(printf '%s\n' "$2" | sed -e "s/H/$handle/" -e "s/A/$address/" \
		-e "s/I/$(hex $((address + 512)))/")
	fails free "$request" "$1" ''
	free "$handle"
}

# a block with failed memory goes back without it
quarantined() {
	got=$(alloc 4096 buf)
	handle=$(field handle "$got")
	address=$(field address "$got")
	gives inject "$address" 'state=allocated .*told=1'
	free "$handle"
	drain
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
	fails free "$handle" ENOENT ''
	fails free "$address" ENOENT ''
	gives lookup "$address" 'state=quarantined'
	gives lookup "$(hex $((address + 512)))" 'state=free'
}

racing() {
	allocs=$(value stats allocs)
	frees=$(value stats frees)
	"$here/freerace" "$dir" "$1"
	same "allocations counted" $((allocs + $1)) "$(value stats allocs)"
	same "frees counted" $((frees + $1)) "$(value stats frees)"
	same "blocks live" 0 "$(value stats blocks_live)"
}

# in any order, with holes, everything merges again
merge() {
	lend "$bytes raw" "size=$bytes"
	drain
	before=$(cat "$dir/freeinfo")
	for size in 512 4K 1K 64K 512 2M 8K 512 128K 2K; do
		alloc "$size" raw
	done
	for column in 1 2; do
		awk 'NR > 1 && NR % 2 { print $1 }' "$dir/blocks" | while read -r handle; do
			free "$handle"
		done
		awk 'NR > 1 { print $1 }' "$dir/blocks" | sort -r -n | while read -r handle; do
			[ "$column" = 1 ] || free "$handle"
		done
	done
	same "blocks live" 0 "$(value stats blocks_live)"
	lend "$bytes raw" "size=$bytes"
	drain
	same "free blocks per order" "$before" "$(cat "$dir/freeinfo")"
}

check "F12 a second free finds nothing" twice
check "F12 F17 a second free leaves the next owner of the place alone" twice_reused
check "F12 a handle is never given out again" unique
refused "F13 handle 0 was never issued" free "0" ENOENT ''
refused "F13 handle 999999 was never issued" free "999999" ENOENT ''
refused "F13 handle 2^64 - 1 was never issued" free "18446744073709551615" ENOENT ''
refused "F13 a kernel pointer is no handle" free "0xffff888000100000" ENOENT ''
refused "F13 2^64 overflows" free "18446744073709551616" ERANGE ''
refused "F13 letters are no handle" free "abc" EINVAL ''
refused "F13 an empty line is refused" free "" EINVAL ''
refused "F13 a minus sign is refused" free "-1" EINVAL ''
refused "F13 leading zeros are refused" free "01" EINVAL ''
check "F14 the address of a block is no handle" with_block ENOENT A
check "F14 an address inside a block is no handle" with_block ENOENT I
check "F15 a size after the handle is refused" with_block EINVAL 'H 4096'
check "F16 a type after the handle is refused" with_block EINVAL 'H folio'
check "F16 letters after the handle are refused" with_block EINVAL 'Hx'
check "F18 quarantined memory cannot be freed" quarantined
check "F19 of two threads that free the same handle one succeeds" racing 300
check "free in any order merges back to the whole region" merge

end

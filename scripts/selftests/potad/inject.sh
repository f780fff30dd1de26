#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory failures, pretended: who is told, what is recorded, and that a failed
# granule never comes back while its neighbours do.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

# a granule nobody owns: quarantined at once, nobody told
free_granule() {
	free_before=$(value stats granules_free)
	address=$(hex $((start + 8 * 512)))
	gives inject "$address" \
		"^address=$address length=512 state=free quarantined=1 told=0 answer=-$"
	same "free granules" $((free_before - 1)) "$(value stats granules_free)"
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
	same "owners told" 0 "$(value stats owners_told)"
	same "failures recorded" 1 "$(awk 'NR > 1' "$dir/failures" | wc -l)"
}

# TYPE TOLD ANSWER: the owner of the block is told once and its answer is kept; the
# granule is out of use only when the block comes back
owned() {
	got=$(alloc 4096 "$1")
	handle=$(field handle "$got")
	address=$(field address "$got")
	free_before=$(value stats granules_free)
	bad=$(hex $((address + 1536)))
	what="state=allocated quarantined=0 block=$address type=$1 told=$2 answer=$3"
	gives inject "$bad" "^address=$bad length=512 $what$"
	gives lookup "$bad" ' failed=1$'
	same "what the module lists" "$bad 512 allocated $1 $2 $3" \
		"$(awk 'NR == 2 { print $2, $3, $4, $5, $6, $7 }' "$dir/failures")"
	same "free granules" "$free_before" "$(value stats granules_free)"
	same "owners told" "$2" "$(value stats owners_told)"
	same "lines of failures" 2 "$(wc -l <"$dir/failures")"
	free "$handle"
	drain
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
	gives lookup "$(hex $((address + 1536)))" 'state=quarantined'
	gives lookup "$(hex $((address + 1024)))" 'state=free'
	gives lookup "$(hex $((address + 2048)))" 'state=free'
}

again() {
	got=$(alloc 4096 buf)
	address=$(field address "$got")
	gives inject "$address" 'told=1'
	fails inject "$address" EHWPOISON ''
	fails inject "$(hex $((address + 511)))" EHWPOISON ''
	same "owners told" 1 "$(value stats owners_told)"
	free "$(field handle "$got")"
	drain
	fails inject "$address" EHWPOISON ''
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
}

# every granule of a block fails, one after the other: one message each, and
# nothing of the block comes back
every_granule() {
	got=$(alloc 8192 buf)
	address=$(field address "$got")
	n=0
	while [ $n -lt 16 ]; do
		gives inject "$(hex $((address + n * 512)))" 'length=512 .*told=1 answer=recovered'
		n=$((n + 1))
	done
	same "owners told" 16 "$(value stats owners_told)"
	free "$(field handle "$got")"
	drain
	all_quarantined
}

# all at once: one message with the whole length
whole_block() {
	got=$(alloc 8192 buf)
	address=$(field address "$got")
	ask inject "$address 8192" >"$tmp/replies"
	same "lines in the reply" 1 \
		"$(grep -c "^address=$address length=8192 state=allocated .*told=1" "$tmp/replies")"
	same "all lines in the reply" 1 "$(wc -l <"$tmp/replies")"
	same "owners told" 1 "$(value stats owners_told)"
	free "$(field handle "$got")"
	drain
	all_quarantined
}

all_quarantined() {
	same "granules in quarantine" 16 "$(value stats granules_quarantined)"
	for offset in 0 512 4096 7680 8191; do
		gives lookup "$(hex $((address + offset)))" 'state=quarantined'
	done
}

# a page that fails as a whole under eight owners: all of the 64 blocks of 512 bytes
# that lie in the page with most of them are told
page_of_granules() {
	drain
	n=0
	while [ $n -lt 64 ]; do
		alloc 512 buf >/dev/null
		n=$((n + 1))
	done
	awk 'NR > 1 { print $2 }' "$dir/blocks" | while read -r address; do
		echo $((address / 4096))
	done | sort | uniq -c | sort -r -n >"$tmp/pages"
	same "most blocks in one page" 8 "$(awk 'NR == 1 { print $1 }' "$tmp/pages")"
	page=$(awk 'NR == 1 { print $2 }' "$tmp/pages")
	ask inject "$(hex $((page * 4096))) 4096" >"$tmp/replies"
	same "owners in the reply" 8 "$(grep -c 'length=512 .*told=1' "$tmp/replies")"
	same "different blocks in the reply" 8 \
		"$(sed 's/.*block=\([^ ]*\).*/\1/' "$tmp/replies" | sort -u | wc -l)"
	same "owners told" 8 "$(value stats owners_told)"
}

# LENGTH GRANULES: what the length covers
covers() {
	address=$(hex $((start + $3)))
	gives inject "$address $1" 'state=free'
	same "granules quarantined by $1 bytes at +$3" "$2" "$(value stats granules_quarantined)"
}

# partly outside: nothing is done, not even the part inside
over_the_end() {
	fails inject "$(hex $((start + bytes - 512))) 1024" ENXIO ''
	fails inject "$(hex $((start + bytes - 1))) 2" ENXIO ''
	gives lookup "$(hex $((start + bytes - 1)))" 'state=free'
}

# the failed granule is in no block of any size, and all the rest is
never_again() {
	bad=$((start + bytes / 4 + 1536))
	gives inject "$(hex $bad)" 'quarantined=1'
	for size in $((bytes / 4)) 1M 64K 4K; do
		while ask alloc "$size raw" >"$tmp/got"; do :; done
		awk -v bad=$bad '
		function number(text,   i, n) {
			for (i = 3; i <= length(text); i++)
				n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
			return n
		}
		NR > 1 {
			base = number($2)
			if (base <= bad && bad < base + $4) {
				print "the failed granule is inside: " $0
				exit 1
			}
		}' "$dir/blocks"
	done
	# what is left is the failed page: seven of its eight granules
	same "free granules" 7 "$(value stats granules_free)"
	for size in 2K 1K 512; do
		gives alloc "$size raw" 'handle='
	done
	same "free granules" 0 "$(value stats granules_free)"
	fails alloc "512 raw" ENOSPC ''
}

no_whole_region() {
	gives inject "$(hex $((start + 512)))" 'quarantined=1'
	fails alloc "$bytes raw" ENOSPC ''
	fails alloc "$((bytes / 2 + 1)) raw" ENOSPC ''
	gives alloc "$((bytes / 2)) raw" "address=$(hex $((start + bytes / 2))) "
}

# a thousand failures in a row: none lost
storm() {
	n=0
	while [ $n -lt "$1" ]; do
		printf '%d\n' $((start + n * 1024))
		n=$((n + 1))
	done >"$tmp/addresses"
	while read -r address; do
		ask inject "$address"
	done <"$tmp/addresses" >"$tmp/replies"
	same "replies" "$1" "$(grep -c 'quarantined=1 told=0' "$tmp/replies")"
	same "granules in quarantine" "$1" "$(value stats granules_quarantined)"
	same "failures counted" "$1" "$(value stats failure_events)"
}

# blocks come and go on one side, and memory fails under one of them on the other:
# the owner is told or nobody had it, and in the end it is in quarantine either way
racing() {
	rm -f "$tmp/stop"
	(
		while [ ! -e "$tmp/stop" ]; do
			for size in 4096 4095 2049 4000; do
				ask alloc "$size buf"
			done >"$tmp/mine"
			sed 's/handle=\([0-9]*\) .*/\1/' "$tmp/mine" | while read -r handle; do
				ask free "$handle" >/dev/null
			done
		done
	) &
	n=0 told=0 nobody=0 tries=0
	while [ $n -lt "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt $(($1 * 50)) ] || break
		address=$(awk 'NR == 2 { print $2 }' "$dir/blocks")
		[ -n "$address" ] || continue
		reply=$(ask inject "$(hex $((address + tries % 8 * 512)))") || :
		case $reply in
		*"state=free quarantined=1 told=0"*) nobody=$((nobody + 1)) ;;
		*"state=allocated "*"told=1 answer=recovered"*) told=$((told + 1)) ;;
		*EHWPOISON*) continue ;;
		*) echo "inject answered '$reply'"; break ;;
		esac
		n=$((n + 1))
	done
	touch "$tmp/stop"
	wait $!
	echo "$told owners told, $nobody times nobody had it, $tries tries"
	same "failures" "$1" $n
	same "granules in quarantine" "$1" "$(value stats granules_quarantined)"
	same "owners told" "$told" "$(value stats owners_told)"
	same "blocks live" 0 "$(value stats blocks_live)"
}

refused "F26 below the region is refused" inject "$(hex $((start - 1)))" ENXIO ''
refused "F26 F31 foreign memory is refused" inject "$(hex $((start - 4096)))" ENXIO ''
refused "F26 the end of the region is refused" inject "$(hex $((start + bytes)))" ENXIO ''
refused "F26 2^64 - 1 is refused" inject "18446744073709551615" ENXIO ''
refused "F26 a device's registers are refused" inject "0xfee00000" ENXIO ''
refused "F26 2^64 overflows" inject "18446744073709551616" ERANGE ''
refused "F26 letters are no address" inject "there" EINVAL ''
refused "F26 three words are refused" inject "$start 1 1" EINVAL ''
refused "F26 a length of 0 is refused" inject "$start 0" EINVAL ''
refused "F26 a length that overflows the address is refused" inject \
	"$start 0xffffffffffffffff" 'ENXIO|ERANGE|E2BIG' ''
refused "F37 more than 2 MiB at once are refused" inject "$start 2097153" E2BIG ''
check "F26 a range over the end does nothing at all" over_the_end
check "F27 a free granule is quarantined, nobody is told" free_granule
check "F28 the owner of a buf is told once and recovers" owned buf 1 recovered
check "F28 the owner of a folio is told once and loses it" owned folio 1 lost
check "F33 an owner that refuses is recorded, the granule is quarantined" owned pgtable 1 refused
check "F32 a type without a callback is not told" owned raw 0 -
check "F29 the same granule again is refused, nobody is told twice" again
check "F30 every granule of a block fails, one message each" every_granule
check "F30 a block fails as a whole, one message" whole_block
check "F37 4 KiB over eight blocks tells eight owners" page_of_granules
check "F38 64 bytes are one granule" covers 64 1 0
check "F38 64 bytes in the middle are one granule" covers 64 1 192
check "F37 two bytes over a border are two granules" covers 2 2 511
check "F37 4 KiB are eight granules" covers 4096 8 4096
check "F37 1 MiB are 2048 granules" covers 1M 2048 1048576
check "F35 failures racing with allocations and frees lose nothing" racing 150
check "F36 a storm of failures is counted to the last one" storm 500
check "F40 a failed granule is never inside a block again, its neighbours are" never_again
check "F41 no block runs over a failed granule" no_whole_region

end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Requests for memory, good and bad: what sizes mean, which words are accepted,
# which errno every kind of nonsense gets, and that nonsense changes nothing.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

# every size from a granule to the whole region: naturally aligned, right length
aligned() {
	size=512
	while [ "$size" -le "$bytes" ]; do
		got=$(alloc "$size" raw)
		same "size granted for $size" "$size" "$(field size "$got")"
		same "offset in the region modulo $size" 0 \
			"$((($(field address "$got") - start) % size))"
		free "$(field handle "$got")"
		size=$((size * 2))
	done
}

# nothing but what the request says may be allocated
accounts() {
	granules=$(value stats granules_allocated)
	live=$(value stats blocks_live)
	got=$(alloc 8K buf)
	same "granules allocated" $((granules + 16)) "$(value stats granules_allocated)"
	same "blocks live" $((live + 1)) "$(value stats blocks_live)"
	handle=$(field handle "$got")
	same "blocks listed" 1 "$(awk -v h="$handle" '$1 == h' "$dir/blocks" | wc -l)"
	free "$(field handle "$got")"
	same "granules allocated at the end" "$granules" "$(value stats granules_allocated)"
}

# eight owners in one page: of 64 blocks of 512 bytes at least eight share one
neighbours() {
	drain
	n=0
	while [ $n -lt 64 ]; do
		alloc 512 buf >/dev/null
		n=$((n + 1))
	done
	awk 'NR > 1 { print $1, $2 }' "$dir/blocks" >"$tmp/list"
	while read -r handle address; do
		echo $((address / 4096))
	done <"$tmp/list" | sort | uniq -c | sort -r -n >"$tmp/pages"
	cat "$tmp/pages"
	same "most blocks in one page" 8 "$(awk 'NR == 1 { print $1 }' "$tmp/pages")"
	while read -r handle address; do
		free "$handle"
	done <"$tmp/list"
	same "granules allocated" 0 "$(value stats granules_allocated)"
	gives alloc "$bytes raw" "size=$bytes"
}

# the whole region in equal pieces, then one more: refused, and not before
exhaust() {
	piece=$((bytes / $1))
	count=0
	while got=$(ask alloc "$piece raw"); do
		count=$((count + 1))
		[ $count -le "$1" ]
	done
	same "pieces of $piece bytes granted" "$1" $count
	fails alloc "$piece raw" ENOSPC ''
	fails alloc "512 raw" ENOSPC ''
	fails alloc "$bytes raw" ENOSPC ''
	awk 'NR > 1 { print $1 }' "$dir/blocks" | while read -r handle; do
		free "$handle"
	done
	gives alloc "$bytes raw" "size=$bytes"
	free "$(awk 'NR > 1 { print $1 }' "$dir/blocks")"
}

# raw FILE OPERATION... EXPECT: the first call's result line must be EXPECT and
# nothing may have changed
raw() {
	expect=$1
	shift
	state >"$tmp/before"
	"$here/rawio" "$dir/alloc" "$@" >"$tmp/reply"
	state >"$tmp/after"
	head -n 1 "$tmp/reply"
	head -n 1 "$tmp/reply" | grep -E -x "$expect"
	cmp "$tmp/before" "$tmp/after"
}

# a command cut in two is two commands, none of them whole
split_command() {
	raw 'text -1 EINVAL' text 4096 text " buf$1"
	sed -n 2p "$tmp/reply" | grep -x 'text -1 EINVAL'
}

# where in the file a command is written does not matter
offset() {
	"$here/rawio" "$dir/alloc" pwrite "$1" '4096 buf' lseek 0 read >"$tmp/reply"
	cat "$tmp/reply"
	head -n 1 "$tmp/reply" | grep -x 'pwrite 8'
	free "$(field handle "$(sed -n 4p "$tmp/reply")")"
}

in_turn() {
	"$here/rawio" "$dir/alloc" line '4096 buf' read line '8192 folio' read line '0 raw' read \
		>"$tmp/reply"
	cat "$tmp/reply"
	same "replies" 'size=4096 size=8192' \
		"$(grep -o 'size=[0-9]*' "$tmp/reply" | tr '\n' ' ' | sed 's/ $//')"
	tail -n 1 "$tmp/reply" | grep '^error: EINVAL: '
}

# the longest command is 4095 bytes; blanks between words may fill it
longest() {
	"$here/rawio" "$dir/alloc" pad 4095 4096 buf read >"$tmp/reply"
	grep -x 'pad 4095' "$tmp/reply"
	free "$(field handle "$(sed -n 3p "$tmp/reply")")"
}

# the reply is the same whole or byte by byte, from the start or from the middle
reading() {
	"$here/rawio" "$dir/alloc" line '4096 buf' lseek 0 read lseek 0 read1 pread 7 pread 100000 \
		>"$tmp/reply"
	cat "$tmp/reply"
	whole=$(sed -n 4p "$tmp/reply")
	same "read byte by byte" "$whole" "$(sed -n 7p "$tmp/reply")"
	same "read from offset 7" "$(printf '%s' "$whole" | cut -c 8-)" "$(sed -n 9p "$tmp/reply")"
	same "read behind the end" 'pread 0' "$(sed -n 10p "$tmp/reply")"
	free "$(field handle "$whole")"
}

# each write replaces the reply; each open file has its own
own_reply() {
	{
		printf '4096 buf\n' >&3
		printf '8192 folio\n' >&4
		second=$(cat <&4)
		first=$(cat <&3)
	} 3<>"$dir/alloc" 4<>"$dir/alloc"
	same "size in the first file" 4096 "$(field size "$first")"
	same "size in the second file" 8192 "$(field size "$second")"
	free "$(field handle "$first")"
	free "$(field handle "$second")"
}

read_before_write() {
	"$here/rawio" "$dir/alloc" read >"$tmp/reply"
	head -n 1 "$tmp/reply" | grep -E -x 'read (0|-1 E.*)'
}

bad_read_pointer() {
	"$here/rawio" "$dir/alloc" line '4096 buf' readbad lseek 0 read >"$tmp/reply"
	cat "$tmp/reply"
	sed -n 2p "$tmp/reply" | grep -x 'readbad -1 EFAULT'
	free "$(field handle "$(sed -n 5p "$tmp/reply")")"
}

refused "F01 a size of 0 is refused" alloc "0 buf" EINVAL 'size'
refused "F01 a size of 0x0 is refused" alloc "0x0 buf" EINVAL 'size'

granted "F02 1 byte becomes a granule" "1 raw" ' size=512 '
granted "F02 511 bytes become a granule" "511 raw" ' size=512 '
granted "F02 512 bytes are a granule" "512 raw" ' order=0 size=512 '
granted "F02 513 bytes become two granules" "513 raw" ' order=1 size=1024 '
granted "F02 4097 bytes become 8 KiB" "4097 buf" ' size=8192 '
check "F02 every size up to the region is granted at its own alignment" aligned
check "F02 an allocation takes what it says and nothing else" accounts
check "F02 eight blocks of 512 bytes share one page and merge again" neighbours

refused "F03 one byte more than the region is refused" alloc "$((bytes + 1)) raw" E2BIG ''
refused "F03 twice the region is refused" alloc "$((bytes * 2)) raw" E2BIG ''

refused "F04 2^63 bytes are refused" alloc "9223372036854775808 raw" E2BIG ''
refused "F04 2^63 + 1 bytes are refused" alloc "9223372036854775809 raw" E2BIG ''
refused "F04 2^64 - 1 bytes are refused" alloc "18446744073709551615 raw" E2BIG ''
refused "F04 2^64 - 511 bytes are refused" alloc "18446744073709551105 raw" E2BIG ''
refused "F04 2^64 bytes overflow" alloc "18446744073709551616 raw" ERANGE ''
refused "F04 a number of 40 digits overflows" alloc \
	"9999999999999999999999999999999999999999 raw" ERANGE ''
refused "F04 16E overflows through its suffix" alloc "16E raw" ERANGE ''
refused "F04 15E is only too big" alloc "15E raw" E2BIG ''
refused "F04 0x10000000000000000 overflows" alloc "0x10000000000000000 raw" ERANGE ''

granted "F05 64 is a size, not an order" "64 raw" ' order=0 size=512 '
granted "F05 255 is a size, not an order" "255 raw" ' order=0 size=512 '
refused "F05 -1 is refused" alloc "-1 raw" EINVAL ''

refused "F06 2^32 + 512 is not 512" alloc "4294967808 raw" E2BIG ''
refused "F06 2^32 + 4096 is not 4096" alloc "0x100001000 raw" E2BIG ''

refused "F07 letters are no number" alloc "abc buf" EINVAL ''
refused "F07 an empty line is refused" alloc "" EINVAL ''
refused "F07 a blank line is refused" alloc " " EINVAL ''
refused "F07 a leading blank is refused" alloc " 4096 buf" EINVAL ''
refused "F07 a trailing blank is refused" alloc "4096 buf " EINVAL ''
refused "F07 a trailing tab is refused" alloc "4096 buf$tab" EINVAL ''
granted "F07 hexadecimal is accepted" "0x1000 buf" ' size=4096 '
granted "F07 a suffix is accepted" "4K buf" ' size=4096 '
granted "F07 a suffix after hexadecimal is accepted" "0x1M raw" ' size=1048576 '
granted "F07 several blanks between words are accepted" "4096  $tab buf" ' size=4096 '
refused "F07 leading zeros are refused" alloc "010 buf" EINVAL ''
refused "F07 two zeros are refused" alloc "00 buf" EINVAL ''
refused "F07 a plus sign is refused" alloc "+4 buf" EINVAL ''
refused "F07 a minus sign is refused" alloc "-4 buf" EINVAL ''
refused "F07 letters after the number are refused" alloc "4096junk buf" EINVAL ''
granted "F07 a suffix may be a small letter" "4k buf" ' size=4096 '
refused "F07 two suffixes are refused" alloc "4KK buf" EINVAL ''
refused "F07 a suffix alone is refused" alloc "K buf" EINVAL ''
refused "F07 0x alone is refused" alloc "0x buf" EINVAL ''
refused "F07 a fraction is refused" alloc "1.5K buf" EINVAL ''
refused "F07 a number in two words is refused" alloc "4 096 buf" EINVAL ''
refused "F07 a missing type is refused" alloc "4096" EINVAL ''
refused "F07 a third word is refused" alloc "4096 buf 1" EINVAL ''
refused "F07 an unknown type is refused" alloc "4096 nosuch" ENOENT 'nosuch'
refused "F07 the start of a type's name is not the type" alloc "4096 bu" ENOENT ''
refused "F07 more than a type's name is not the type" alloc "4096 buff" ENOENT ''
refused "F07 a type's name in capitals is not the type" alloc "4096 BUF" ENOENT ''
check "F07 a command without a newline is accepted" lend "4096 buf" ' size=4096 '

check "F08 a write of 0 bytes does nothing" raw 'empty (0|-1 EINVAL)' empty
check "F08 a write of 1 MiB is refused" raw 'fill -1 (EINVAL|E2BIG)' fill 1048576 4
check "F08 4096 bytes without a newline are refused" raw 'fill -1 (EINVAL|E2BIG)' fill 4096 4
check "F08 4095 digits are refused" raw 'fill -1 (EINVAL|ERANGE)' fill 4095 4
check "F08 a command of 4096 bytes is refused" raw 'pad -1 (EINVAL|E2BIG)' pad 4096 4096 buf
check "F08 a command of 4095 bytes is accepted" longest
check "F08 a zero byte after the command is refused" raw 'nul -1 EINVAL' nul '4096 buf' ''
check "F08 a zero byte inside the command is refused" raw 'nul -1 EINVAL' nul '4096 buf' 'junk'
check "F08 a zero byte between the words is refused" raw 'nul -1 EINVAL' nul '4096' 'buf'

check "F09 a pointer to nowhere is refused" raw 'badptr -1 EFAULT' badptr 8
check "F09 a long range at nowhere is refused" raw 'badptr -1 (EFAULT|EINVAL|E2BIG)' badptr 1048576
check "F09 reading to nowhere is refused and the reply stays" bad_read_pointer

check "F10 two commands in one write are refused" raw 'text -1 EINVAL' text '4096 buf
4096 buf
'
check "F10 a command and an empty line are refused" raw 'text -1 EINVAL' text '4096 buf

'
check "F10 a command split over two writes is not run" split_command ''
check "F10 a write at another offset is a whole command" offset 5
check "F10 a write far away is a whole command" offset 4294967296
check "F10 a command at another offset is as wrong as at the start" raw 'pwrite -1 EINVAL' \
	pwrite 5 '0 buf'
check "F10 after a reply was read the next command is accepted" in_turn
check "F10 every open file has its own reply" own_reply

check "F11 the reply read byte by byte, from the middle, behind the end" reading
check "F11 reading before any write gives nothing" read_before_write

check "F58 the region in 64 pieces is granted to the last one" exhaust 64
check "F58 the region in two halves is granted to the last one" exhaust 2

end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading: parameters that make sense, parameters that do not, a
# region taken from CMA and given back to the last page, time and again.

. "$(dirname "$0")/lib.sh"
begin

# loads PARAMETERS TOTAL GRANULE: the module accepts them and says so
loads() {
	before=$(cma_state)
	# shellcheck disable=SC2086 # several parameters
	load $1
	same "bytes of the region" "$2" "$(value region bytes)"
	same "bytes of a granule" "$3" "$(value region granule)"
	same "granules" $(($2 / $3)) "$(value stats granules_total)"
	same "granules free" $(($2 / $3)) "$(value stats granules_free)"
	books
	gives alloc "$2 raw" "size=$2 "
	free "$(awk 'NR > 1 { print $1 }' "$dir/blocks")"
	gives alloc "1 raw" " order=0 size=$3 "
	free "$(awk 'NR > 1 { print $1 }' "$dir/blocks")"
	unload
	cma_back "$before"
}

# nonsense ERRNO PARAMETERS: refused with that error, in one line of the log, with
# nothing kept
nonsense() {
	before=$(cma_state)
	load_fails "$1" "$2"
	expect_log 'potad: '
	[ ! -e "$dir" ]
	cma_back "$before"
}

unknown_parameter() {
	load "size=$size_default" nosuch=1
	# the kernel's own warning
	expect_log "potad: unknown parameter 'nosuch' ignored"
	unload
}

# 12 MiB: one block of 8 and one of 4, and nothing is left
odd_size() {
	load size=12M
	same "bytes of the region" 12582912 "$(value region bytes)"
	fails alloc "12M raw" E2BIG ''
	gives alloc "8M raw" 'size=8388608'
	gives alloc "4M raw" 'size=4194304'
	same "granules free" 0 "$(value stats granules_free)"
	fails alloc "1 raw" ENOSPC ''
	books
	unload
}

# memory from the page allocator though there may be an area
by_choice() {
	before=$(cma_state)
	load "size=4M" cma=none
	source=$(value region source)
	case $source in
	alloc_contig_*) ;;
	*) echo "the source is $source"; return 1 ;;
	esac
	lend "4M raw" 'size=4194304'
	unload
	cma_back "$before"
}

second() {
	load "size=$size_default"
	# the kernel refuses it by name, before a line of the module runs
	"$here/failnth" 0 insmod "$ko" "size=$size_default" >"$tmp/insmod" || :
	grep 'result=-1 EEXIST' "$tmp/insmod"
	books
	unload
}

readable() {
	load "size=$size_default"
	for name in size granule cma; do
		same "mode of $name" 444 "$(stat -c %a "/sys/module/potad/parameters/$name")"
	done
	same "size" "$size_default" "$(cat /sys/module/potad/parameters/size)"
	same "granule" 512 "$(cat /sys/module/potad/parameters/granule)"
	unload
}

# CMA gives exactly the region, by all of its own counts, and gets it back
from_cma() {
	[ "$(cma_total)" -gt 0 ] || skip "this kernel has no CMA area"
	used=$debugfs/cma/reserved/used
	before=$(cma_state)
	used_before=$(cat "$used")
	load "size=$size_default"
	same "source" cma_alloc "$(value region source)"
	same "area" reserved "$(value region area)"
	pages=$(($(value region bytes) / 4096))
	same "pages available in the CMA area" $((${before% *} - pages)) "$(cma_available)"
	same "pages used in the CMA area" $((used_before + pages)) "$(cat "$used")"
	unload
	cma_back "$before"
	same "pages used after unloading" "$used_before" "$(cat "$used")"
}

by_name() {
	[ "$(cma_total)" -gt 0 ] || skip "this kernel has no CMA area"
	load "size=$size_default" cma=reserved
	same "area" reserved "$(value region area)"
	unload
}

# N times: taken, used, given back, the same number of free pages every time
repeatedly() {
	before=$(cma_state)
	n=0
	while [ $n -lt "$1" ]; do
		load "size=$size_default"
		alloc 64K buf >/dev/null
		alloc 512 folio >/dev/null
		unload
		cma_back "$before"
		n=$((n + 1))
	done
}

# more than CMA has in one piece
too_small() {
	[ "$(cma_total)" -gt 0 ] || skip "this kernel has no CMA area"
	nonsense ENOMEM "size=$1"
}

refused_size='F52 a size that is refused:'
check "F52 the defaults of a small region" loads "size=16M" 16777216 512
check "F52 granules of 4 KiB" loads "size=16M granule=4096" 16777216 4096
check "F52 granules of 64 KiB" loads "size=16M granule=65536" 16777216 65536
check "F52 granules of 2 MiB" loads "size=16M granule=2097152" 16777216 2097152
check "F52 a size in bytes" loads "size=8388608" 8388608 512
check "F52 a size in hexadecimal" loads "size=0x800000" 8388608 512
check "F52 the smallest size is a page" loads "size=4096" 4096 512
check "F52 granules with a suffix" loads "size=16M granule=4K" 16777216 4096
check "F52 a size that is no power of two" odd_size
check "parameters can be read by everybody and not written" readable
check "$refused_size 0" nonsense EINVAL "size=0"
check "$refused_size letters" nonsense EINVAL "size=abc"
check "$refused_size empty" nonsense EINVAL "size="
check "$refused_size negative" nonsense EINVAL "size=-1"
check "$refused_size letters after the number" nonsense EINVAL "size=16Mjunk"
check "$refused_size two suffixes" nonsense EINVAL "size=16MM"
check "$refused_size one byte" nonsense EINVAL "size=1"
check "$refused_size less than a page" nonsense EINVAL "size=512"
check "$refused_size a page and a byte" nonsense EINVAL "size=4097"
check "$refused_size 2^64" nonsense '(EINVAL|ERANGE)' "size=18446744073709551616"
check "$refused_size 2^64 - 1" nonsense '(EINVAL|ENOMEM)' "size=18446744073709551615"
check "$refused_size 16E" nonsense '(EINVAL|ERANGE)' "size=16E"
check "$refused_size 8E" nonsense '(EINVAL|ENOMEM)' "size=8E"
check "$refused_size 1P" nonsense '(EINVAL|ENOMEM)' "size=1P"
check "F52 more than CMA has" too_small 4G
check "F52 as much as CMA and its neighbours" too_small 1G
check "F52 granule 0 is refused" nonsense EINVAL "size=16M granule=0"
check "F52 granule 256 is refused" nonsense EINVAL "size=16M granule=256"
check "F52 granule 513 is refused" nonsense EINVAL "size=16M granule=513"
check "F52 granule 1536 is refused" nonsense EINVAL "size=16M granule=1536"
check "F52 a granule of 4 MiB is refused" nonsense EINVAL "size=16M granule=4194304"
check "F52 a granule larger than the region is refused" nonsense EINVAL \
	"size=1M granule=2097152"
check "F52 a granule that is no number is refused" nonsense EINVAL "size=16M granule=abc"
check "F52 a granule of 2^32 + 512 is refused" nonsense EINVAL "size=16M granule=4294967808"
check "F52 a granule of 0x200 with letters behind is refused" nonsense EINVAL \
	"size=16M granule=0x200x"
check "F52 a parameter that does not exist is ignored, as the kernel does" unknown_parameter
check "F52 an unknown CMA area is refused" nonsense ENODEV "size=16M cma=nosuch"
check "F52 a very long name of a CMA area is refused" nonsense '(ENODEV|EINVAL)' \
	"size=16M cma=$(printf '%0300d' 0)"
check "F53 a second load is refused, the first stays" second
check "F52 the page allocator can be chosen" by_choice
check "F47 the region comes from CMA and goes back" from_cma
check "F52 the CMA area can be named" by_name
check "F47 CmaFree is the same after every cycle" repeatedly "$cycles"

end

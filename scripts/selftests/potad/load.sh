#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading: parameters that make sense, parameters that do not, a
# region taken from CMA and given back to the last page, time and again.

. "$(dirname "$0")/lib.sh"
begin

# loads PARAMETERS TOTAL GRANULE: the module accepts them and says so
loads() {
	free_before=$(cma_free)
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
	same "CmaFree after unloading" "$free_before" "$(cma_free)"
}

# nonsense ERROR PARAMETERS: refused with that error, in one line of the log,
# with nothing kept; ERROR is what insmod says
nonsense() {
	free_before=$(cma_free)
	# shellcheck disable=SC2086 # several parameters
	denied load $2
	grep -E -i -q "$1" "$tmp/complaint" || {
		echo "insmod should have said '$1'"
		return 1
	}
	expect_log ' potad: '
	gone
	[ ! -e "$dir" ]
	same "CmaFree after the refusal" "$free_before" "$(cma_free)"
}

# the kernel's own parser refuses a parameter before the module runs
not_a_parameter() {
	denied load "$1"
	gone
	since_mark >"$tmp/log"
	grep -E -c '^<[0-4]>' "$tmp/log" | grep -x -E '[01]'
	sed -n 's/^<[0-4]>//p' "$tmp/log" | grep -o 'potad: .*' >>"$tmp/allowed" || :
}

second() {
	load "size=$size_default"
	denied load "size=$size_default"
	grep -i 'exists' "$tmp/complaint"
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

# the region is inside what CMA says it owns, and CMA says it gave that much
from_cma() {
	[ "$(cma_total)" -gt 0 ] || skip "this kernel has no CMA area"
	free_before=$(cma_free)
	load "size=$size_default"
	same "source" cma_alloc "$(value region source)"
	taken=$((free_before - $(cma_free)))
	same "KiB taken out of CMA" $(($(value region bytes) / 1024)) "$taken"
	area=$debugfs/cma/$(value region area)
	used=$(cat "$area/used")
	unload
	same "pages used in the area after unloading" \
		$((used - taken / 4)) "$(cat "$area/used")"
}

by_name() {
	[ "$(cma_total)" -gt 0 ] || skip "this kernel has no CMA area"
	load "size=$size_default" cma=reserved
	same "area" reserved "$(value region area)"
	unload
}

# N times: taken, used, given back, the same number of free pages every time
repeatedly() {
	free_before=$(cma_free)
	n=0
	while [ $n -lt "$1" ]; do
		load "size=$size_default"
		alloc 64K buf >/dev/null
		alloc 512 folio >/dev/null
		unload
		same "CmaFree after load and unload number $n" "$free_before" "$(cma_free)"
		n=$((n + 1))
	done
}

# more than CMA has in one piece
too_small() {
	[ "$(cma_total)" -gt 0 ] || skip "this kernel has no CMA area"
	nonsense 'memory|space' "size=$1"
}

refused_size='F52 a size that is refused:'
check "F52 the defaults of a small region" loads "size=16M" 16777216 512
check "F52 granules of 4 KiB" loads "size=16M granule=4096" 16777216 4096
check "F52 granules of 64 KiB" loads "size=16M granule=65536" 16777216 65536
check "F52 granules of 2 MiB" loads "size=16M granule=2097152" 16777216 2097152
check "F52 a size in bytes" loads "size=8388608" 8388608 512
check "F52 a size in hexadecimal" loads "size=0x800000" 8388608 512
check "F52 the smallest size is a page" loads "size=4096" 4096 512
check "parameters can be read by everybody and not written" readable
check "$refused_size 0" nonsense 'invalid' "size=0"
check "$refused_size letters" nonsense 'invalid' "size=abc"
check "$refused_size empty" nonsense 'invalid' "size="
check "$refused_size negative" nonsense 'invalid' "size=-1"
check "$refused_size letters after the number" nonsense 'invalid' "size=16Mjunk"
check "$refused_size two suffixes" nonsense 'invalid' "size=16MM"
check "$refused_size one byte" nonsense 'invalid' "size=1"
check "$refused_size less than a page" nonsense 'invalid' "size=512"
check "$refused_size a page and a byte" nonsense 'invalid' "size=4097"
check "$refused_size 2^64" nonsense 'invalid|range' "size=18446744073709551616"
check "$refused_size 2^64 - 1" nonsense 'invalid|memory' "size=18446744073709551615"
check "$refused_size 16E" nonsense 'invalid|range' "size=16E"
check "$refused_size 8E" nonsense 'invalid|memory' "size=8E"
check "$refused_size 1P" nonsense 'invalid|memory' "size=1P"
check "F52 more than CMA has" too_small 4G
check "F52 as much as CMA and its neighbours" too_small 1G
check "F52 granule 0 is refused" nonsense 'invalid' "size=16M granule=0"
check "F52 granule 256 is refused" nonsense 'invalid' "size=16M granule=256"
check "F52 granule 513 is refused" nonsense 'invalid' "size=16M granule=513"
check "F52 granule 1536 is refused" nonsense 'invalid' "size=16M granule=1536"
check "F52 granule 4 MiB is refused" nonsense 'invalid' "size=16M granule=4194304"
check "F52 a granule larger than the region is refused" nonsense 'invalid' \
	"size=1M granule=2097152"
check "F52 a granule that is no number is refused" not_a_parameter "granule=abc"
check "F52 a granule of 2^32 + 512 is refused" not_a_parameter "granule=4294967808"
check "F52 an unknown CMA area is refused" nonsense 'device' "size=16M cma=nosuch"
check "F52 a very long name of a CMA area is refused" nonsense 'device|invalid' \
	"size=16M cma=$(printf '%0300d' 0)"
check "F53 a second load is refused, the first stays" second
check "F47 the region comes from CMA and goes back" from_cma
check "F52 the CMA area can be named" by_name
check "F47 CmaFree is the same after every cycle" repeatedly "$cycles"

end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The comparison as a program among others: nonsense is refused, only one runs at
# a time, it can be killed, it gives back all it took, it does not fall over when
# native memory is short, and the long checks do not stall the kernel. No test
# here looks at a time: under an emulator times mean nothing.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

short="rounds=1 ops=50"
long="rounds=99 ops=1000000"

# clean: the comparison holds nothing
clean() {
	books
	same "what is held" "" "$held"
}

# ORDERS ROWS [SUBJECTS]: the rows that must come back
table() {
	reply=$(ask compare/run "workload=pair orders=$1 $short subjects=${3:-all}") || {
		echo "$reply"
		return 1
	}
	echo "$reply"
	printf '%s\n' "$reply" | head -n 1 | grep -q '^#'
	same "rows" "$2" "$(printf '%s\n' "$reply" | grep -c -E '^[0-9]+ [a-z-]+ ')"
	clean
}

# a run that will not end by itself, and the moment when it has begun
start_long() {
	(printf '%s\n' "orders=0-3 $long" >"$dir/compare/run") 2>/dev/null &
	runner=$!
	tries=0
	until [ "$(ask compare/run "orders=0-0 $short" | grep -c EBUSY)" = 1 ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || {
			echo "never busy"
			kill -9 $runner
			return 1
		}
	done
}

killed() {
	start_long
	kill "-$1" $runner
	wait $runner || echo "ended with status $?"
	reply=$(ask compare/run "orders=0-0 $short") || {
		echo "$reply"
		return 1
	}
	clean
}

two_at_once() {
	start_long
	"$here/rawio" "$dir/compare/run" line "orders=0-0 $short" read >"$tmp/reply" || :
	alloc 4096 buf >"$tmp/meanwhile" || touch "$tmp/blocked"
	kill -9 $runner
	wait $runner || :
	cat "$tmp/reply"
	head -n 1 "$tmp/reply" | grep -x 'line -1 EBUSY'
	sed -n 3p "$tmp/reply" | grep '^error: EBUSY: '
	[ ! -e "$tmp/blocked" ]
	free "$(field handle "$(cat "$tmp/meanwhile")")"
}

unloading() {
	start_long
	if unload >"$tmp/rmmod" 2>&1; then
		gone=yes
	else
		gone=no
	fi
	kill -9 $runner
	wait $runner || :
	cat "$tmp/rmmod"
	same "unloaded under a running comparison" no $gone
	books
}

# the native allocator has nothing from 1 MiB upwards, for the process that asks for
# the comparison: that is reported as such, and everything else is as always
short_of_memory() {
	[ -d "$debugfs/fail_page_alloc" ] || skip "this kernel has no fail_page_alloc"
	[ -e /proc/self/make-it-fail ] || skip "this kernel cannot inject faults"
	echo N >"$debugfs/fail_page_alloc/ignore-gfp-wait"
	echo 0 >"$debugfs/fail_page_alloc/verbose"
	echo 8 >"$debugfs/fail_page_alloc/min-order"
	echo Y >"$debugfs/fail_page_alloc/task-filter"
	echo -1 >"$debugfs/fail_page_alloc/times"
	echo 100 >"$debugfs/fail_page_alloc/probability"
	"$here/failnth" all write "$dir/compare/run" "orders=7-9 $short" >"$tmp/reply" || :
	echo 0 >"$debugfs/fail_page_alloc/probability"
	cat "$tmp/reply"
	same "rows with figures" 8 "$(grep -c -E '^[789] [a-z-]+ [0-9.]+ [0-9.]+' "$tmp/reply")"
	same "rows without" 4 "$(grep -c -E '^[89] buddy(-described)? - - - -$' "$tmp/reply")"
	clean
	reply=$(ask compare/run "orders=8-10 $short")
}

# nobody may be left without a CPU so long that the kernel complains; quiet looks
# for its complaint
long_check() {
	n=0
	while [ $n -lt 5 ]; do
		gives validate 1 '^ok'
		n=$((n + 1))
	done
}

check "F66 every order and subject gives a row" table 0-10 44
check "F66 one order and one subject give one row" table 3-3 1 potad
check "F66 two subjects give two rows" table 0-0 2 potad,buddy
refused "F66 no operations are refused" compare/run "ops=0" EINVAL ''
refused "F66 2^64 - 1 operations are refused" compare/run "ops=18446744073709551615" \
	'EINVAL|ERANGE' ''
refused "F66 2^64 operations overflow" compare/run "ops=18446744073709551616" 'EINVAL|ERANGE' ''
refused "F66 no rounds are refused" compare/run "rounds=0" EINVAL ''
refused "F66 negative rounds are refused" compare/run "rounds=-1" EINVAL ''
refused "F66 2^64 - 1 rounds are refused" compare/run "rounds=18446744073709551615" \
	'EINVAL|ERANGE' ''
refused "F66 orders the wrong way round are refused" compare/run "orders=3-2" EINVAL ''
refused "F66 orders beyond every allocator are refused" compare/run "orders=0-99" \
	'EINVAL|ERANGE|E2BIG' ''
refused "F66 orders that are no numbers are refused" compare/run "orders=a-b" EINVAL ''
refused "F66 an unknown subject is refused" compare/run "subjects=nosuch" 'EINVAL|ENOENT' ''
refused "F66 an empty list of subjects is refused" compare/run "subjects=" 'EINVAL|ENOENT' ''
refused "F66 an unknown workload is refused" compare/run "workload=nosuch" 'EINVAL|ENOENT' ''
refused "F66 an unknown key is refused" compare/run "threads=1000" EINVAL ''
refused "F66 a key without a value is refused" compare/run "rounds" EINVAL ''
refused "F66 an empty line is refused or runs nothing" compare/run " " EINVAL ''
check "F66 a second comparison gets EBUSY, allocations go on" two_at_once
check "F66 the module stays while a comparison runs" unloading
check "F63 a comparison can be killed" killed KILL
check "F63 a comparison can be ended" killed TERM
check "F65 native memory runs short" short_of_memory
check "F64 checking the whole region stalls nobody" long_check
refused "F64 validate takes 1 and nothing else" validate "2" EINVAL ''
refused "F64 validate takes no empty line" validate "" EINVAL ''

end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The comparison as a program among others: nonsense is refused, only one runs at
# a time, it tells how far it is, any signal ends it, it gives back all it took, it does
# not fall over when native memory is short, all subjects are asked for the same, and
# the long checks do not stall the kernel. No test here looks at a time: under an
# emulator times mean nothing.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

short="rounds=1 ops=50"
long="rounds=99 ops=1000000"
# whose operations take microseconds, not milliseconds
quick=potad,potad-described,buddy,buddy-described,kmalloc,gpu,genalloc

# clean: the comparison holds nothing
clean() {
	books
	same "what is held" "" "$held"
}

# ORDERS ROWS [SUBJECTS]: the rows that must come back
table() {
	reply=$(ask compare/run "workload=pair orders=$1 $short${3:+ subjects=$3}") || {
		echo "$reply"
		return 1
	}
	echo "$reply"
	printf '%s\n' "$reply" | head -n 1 | grep -q '^#'
	same "rows" "$2" "$(printf '%s\n' "$reply" | grep -c -E '^[0-9]+ [a-z-]+ ')"
	clean
}

# WORKLOAD WORDS ROW...: besides the first line there are exactly these rows, in any
# order; in a ROW "%" stands for the figures
work() {
	workload=$1 words=$2
	shift 2
	reply=$(ask compare/run "workload=$workload $short $words") || {
		echo "$reply"
		return 1
	}
	echo "$reply"
	printf '%s\n' "$reply" | head -n 1 | grep -q "workload=$workload rounds=1 ops=50 "
	same "rows" $# "$(printf '%s\n' "$reply" | grep -c -v '^#')"
	for row; do
		figures='([0-9]+\.[0-9] ){3}([0-9]+\.[0-9][0-9]|-) ([0-9]+\.[0-9] ){2}0'
		single='( [0-9]+\.[0-9]){6} ns [0-9a-f]{8}'
		printf '%s\n' "$reply" | grep -E -q "^${row%%%*}$figures${row#*%}$single\$" || {
			echo "no row is like $row"
			return 1
		}
	done
	clean
}

# WORDS: a run, whose rows are then in $answer
rows() {
	reply=$(ask compare/run "$1") || {
		echo "$reply"
		return 1
	}
	echo "$reply"
	answer=$reply
	clean
}

# column NAME: of $answer, a line for each row
column() {
	printf '%s\n' "$answer" | awk -v name="$1" '
		/^# order / {
			for (i = 2; i <= NF; i++) {
				sub(/;$/, "", $i)
				if ($i == name)
					at = i - 1
			}
		}
		!/^#/ { print $at }'
}

# every subject has figures, or dashes and a reason; those that every kernel has, figures
everybody() {
	rows "orders=0 $short subjects=all"
	same "rows" 9 "$(printf '%s\n' "$answer" | grep -c -v '^#')"
	for subject in potad potad-described buddy buddy-described kmalloc; do
		printf '%s\n' "$answer" | grep -E -q "^0 $subject [0-9]" || {
			echo "no figures of $subject"
			return 1
		}
	done
	for subject in cma contig gpu genalloc; do
		if printf '%s\n' "$answer" | grep -q "^0 $subject -"; then
			printf '%s\n' "$answer" | grep "^# $subject: ."
		else
			printf '%s\n' "$answer" | grep -E "^0 $subject [0-9]"
		fi
	done
}

# what is smaller than a page: who has such blocks has figures, who has not says so
small() {
	rows "orders=-3-0 $short subjects=potad,potad-described,buddy,kmalloc,contig"
	same "rows" 20 "$(printf '%s\n' "$answer" | grep -c -v '^#')"
	same "rows of potad and kmalloc" 12 "$(printf '%s\n' "$answer" |
		grep -c -E '^(-[123]|0) (potad(-described)?|kmalloc) [0-9]')"
	same "rows of buddy" 3 "$(printf '%s\n' "$answer" | grep -c -E '^-[123] buddy -')"
	printf '%s\n' "$answer" | grep -x '# buddy: smaller than a page'
	rows "orders=-4--4 $short subjects=potad,kmalloc"
	printf '%s\n' "$answer" | grep -x '# potad: smaller than a granule'
	rows "workload=mixed orders=-3-2 $short subjects=potad,kmalloc,empty"
	same "rows" 3 "$(printf '%s\n' "$answer" | grep -c -E '^-3-2 [a-z]+ [0-9]')"
}

# one seed, one sequence of requests, for all subjects and each time; another, another
same_requests() {
	subjects=$quick
	[ "$1" != pair ] || subjects=all
	rows "workload=$1 orders=0-1 rounds=2 ops=300 ${2:+cpus=$2 }seed=5 subjects=$subjects"
	first=$(column requests | grep -v -x -e - | sort | uniq -c)
	rows "workload=$1 orders=0-1 rounds=2 ops=300 ${2:+cpus=$2 }seed=5 subjects=potad,empty"
	again=$(column requests | grep -E '^[0-9a-f]{8}$' | sort -u)
	[ -n "$again" ]
	same "different requests" "$(printf '%s\n' "$again" | wc -l)" \
		"$(printf '%s\n' "$first" | wc -l)"
	printf '%s\n' "$again" | while read -r hash; do
		printf '%s\n' "$first" | grep " $hash\$"
	done
	case $1 in pair | bulk | cross) return ;; esac
	rows "workload=$1 orders=0-1 rounds=2 ops=300 ${2:+cpus=$2 }seed=6 subjects=potad,empty"
	for hash in $again; do
		if column requests | grep "$hash"; then
			echo "the same with another seed"
			return 1
		fi
	done
}

# what is whole is part of what it had, and at most all but what is held needs
fragmentation() {
	rows "workload=fragmentation orders=$1 rounds=1 subjects=$2"
	printf '%s\n' "$answer" | awk -v subjects="$(printf '%s\n' "$2" | tr , '\n' | wc -l)" '
		/^# order .* has room in / { least = $13 }
		/^#/ { next }
		$3 == "-" { exit bad = 1 }
		$10 == "whole-2M" { whole[$2] = $3; n++ }
		$10 == "had-2M" { had[$2] = $3; m++ }
		END {
			if (bad || n != subjects || m != subjects || !least)
				exit 1
			for (s in whole)
				if (whole[s] < 0 || whole[s] > had[s] - least)
					exit 1
		}' || {
		echo "that cannot be"
		return 1
	}
	same "units" 2M "$(column unit | sort -u)"
}

# while one runs, the file says so and moves on; then it does not
progress() {
	same "at rest" "running 0" "$(cat "$dir/compare/progress")"
	start_long "workload=churn orders=2-3"
	n=0
	until [ "$(value compare/progress workload)" = churn ] &&
		[ "$(value compare/progress turn)" -ge 1 ]; do
		n=$((n + 1))
		[ $n -lt 100 ]
		sleep 0.1
	done
	cat "$dir/compare/progress"
	same "order" 2 "$(value compare/progress first_order)"
	same "turns" $((2 * 199 * 4)) "$(value compare/progress turns)"
	kill -KILL $runner
	wait $runner || :
	same "at rest" "running 0" "$(cat "$dir/compare/progress")"
}

# a signal that is caught ends it as well, with a reason and nothing held
caught() {
	"$here/rawio" "$dir/compare/run" caught 700 line "workload=$1 cpus=$2 $long" read >"$tmp/reply"
	cat "$tmp/reply"
	grep -x 'line -1 EINTR' "$tmp/reply"
	grep '^error: EINTR: interrupted' "$tmp/reply"
	clean
	rows "orders=0-0 $short"
}

# somebody else has nearly all of the kernel's memory: fewer blocks are held, or none, and
# nobody is killed
crowded() {
	mkdir "$tmp/full"
	mount -t tmpfs -o size=95% none "$tmp/full"
	free=$(awk '$1 == "MemFree:" { free = $2 } $1 == "CmaFree:" { cma = $2 }
		END { print int((free - cma) / 1024) }' /proc/meminfo)
	dd if=/dev/zero of="$tmp/full/file" bs=1M count=$((free - 40)) 2>/dev/null || :
	grep -E 'MemFree|CmaFree' /proc/meminfo
	failed=
	for workload in pair bulk churn mixed fragmentation; do
		rows "workload=$workload orders=3 $short subjects=$quick,cma" || failed=$workload
	done
	umount "$tmp/full"
	same "what failed" "" "$failed"
	if dmesg | grep -i 'out of memory\|oom-kill'; then
		return 1
	fi
	rows "workload=bulk orders=3 $short"
}

# the row ends with what was counted, or a line says that nothing can be
counters() {
	rows "workload=pair orders=0 subjects=potad counters=1 $short"
	if printf '%s\n' "$answer" | grep '^# order .* instructions cycles; '; then
		printf '%s\n' "$answer" | grep -E '^0 potad .* ns [0-9a-f]+( ([0-9]+\.[0-9]{2}|-)){4}$'
	else
		printf '%s\n' "$answer" | grep -E '^# counters: none( of hardware: perf says E|: this kernel)'
		printf '%s\n' "$answer" | grep -E '^0 potad .* ns [0-9a-f]+$'
	fi
}

# [WORDS]: a run that will not end by itself, and the moment when it has begun. (The
# short one that asks may be in its way: then it tries again.)
start_long() {
	runner=
	tries=0
	until [ "$(ask compare/run "orders=0-0 $short" | grep -c EBUSY)" = 1 ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || {
			echo "never busy"
			[ -z "$runner" ] || kill -9 $runner
			return 1
		}
		if [ -z "$runner" ] || ! kill -0 $runner 2>/dev/null; then
			(printf '%s\n' "${1:-orders=0-3} $long" >"$dir/compare/run") 2>/dev/null &
			runner=$!
		fi
	done
}

# it stops half way through a workload that holds blocks, on several CPUs
killed_at_work() {
	start_long "workload=$1 orders=0-3 cpus=$2"
	sleep 0.5
	kill -KILL $runner
	wait $runner || echo "ended with status $?"
	reply=$(ask compare/run "orders=0-0 $short") || {
		echo "$reply"
		return 1
	}
	clean
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
	same "rows without" 4 "$(grep -c -E '^[89] buddy(-described)?( -){7} pair 1( -){8}$' "$tmp/reply")"
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

check "F66 every order and each of the usual four subjects gives a row" table 0-10 44
check "F66 one order and one subject give one row" table 3-3 1 potad
check "F66 two subjects give two rows" table 0-0 2 potad,buddy
check "F66 bulk gives two rows, of allocations and of frees" work bulk "orders=3 subjects=potad" \
	"3 potad % bulk-alloc 1" "3 potad % bulk-free 1"
check "F66 random-free gives one" work random-free "orders=0 subjects=buddy,potad-described" \
	"0 buddy % random-free 1" "0 potad-described % random-free 1"
check "F66 churn goes through the orders" work churn "orders=0-1 subjects=buddy-described" \
	"0 buddy-described % churn 1" "1 buddy-described % churn 1"
check "F66 mixed takes all orders at once" work mixed "orders=0-5 subjects=potad,buddy" \
	"0-5 potad % mixed 1" "0-5 buddy % mixed 1"
check "F66 one CPU and two, and the harness alone" work churn \
	"orders=2 cpus=1,2 subjects=potad,empty" "2 potad % churn 1" "2 potad % churn 2" \
	"2 empty % churn 1" "2 empty % churn 2"
check "F66 cross takes two CPUs by itself" work cross "orders=0 subjects=potad-described,buddy" \
	"0 potad-described % cross-alloc 2" "0 potad-described % cross-free 2" \
	"0 buddy % cross-alloc 2" "0 buddy % cross-free 2"
check "F66 every subject gives figures, or says why not" everybody
check "F66 orders below a page" small
check "F66 pair asks all for the same" same_requests pair
check "F66 bulk asks all for the same" same_requests bulk 1,2
check "F66 random-free asks all for the same, by its seed" same_requests random-free
check "F66 churn asks all for the same, by its seed" same_requests churn 2
check "F66 mixed asks all for the same, by its seed" same_requests mixed
check "F66 cross asks all for the same" same_requests cross
check "F66 fragmentation counts whole 2 MiB" fragmentation 4 potad,potad-described,buddy,kmalloc
check "F66 fragmentation below a page" fragmentation -1 potad,kmalloc
check "F66 a comparison tells how far it is" progress
refused "F66 order -10 is refused" compare/run "orders=-10-0" EINVAL 'orders: '
refused "F66 an order that is only a sign is refused" compare/run "orders=-" EINVAL 'orders: '
refused "F66 orders with two signs are refused" compare/run "orders=--1" EINVAL 'orders: '
refused "F66 orders that end in a sign are refused" compare/run "orders=-1-" EINVAL 'orders: '
refused "F66 negative orders the wrong way round are refused" compare/run "orders=-1--2" \
	EINVAL 'orders: '
refused "F66 an order beyond 64 bits is refused" compare/run "orders=-18446744073709551616-0" \
	ERANGE 'orders: '
refused "F66 more rows than an answer has room for are refused" compare/run \
	"workload=bulk orders=-9-10 cpus=1,2 subjects=all" E2BIG 'rows'
refused "F66 1000 CPUs are refused" compare/run "cpus=1000" EINVAL 'cpus=1000'
refused "F66 cross on one CPU is refused" compare/run "workload=cross cpus=1" EINVAL 'has two'
refused "F66 cross on one CPU and two is refused" compare/run "workload=cross cpus=1,2" \
	EINVAL 'has two'
refused "F66 no CPU is refused" compare/run "cpus=0" EINVAL 'cpus=0'
refused "F66 more CPUs than there are are refused" compare/run "cpus=1,7" EINVAL 'cpus=7'
refused "F66 an empty list of CPUs is refused" compare/run "cpus=" EINVAL 'cpus='
refused "F66 a list of CPUs that ends in a comma is refused" compare/run "cpus=1," EINVAL 'cpus='
refused "F66 a number of CPUs beyond 64 bits is refused" compare/run \
	"cpus=18446744073709551616" ERANGE 'cpus='
refused "F66 lines on two CPUs is refused" compare/run "workload=lines cpus=2" EINVAL 'has one'
refused "F66 lines beside the processor's counters is refused" compare/run \
	"workload=lines counters=1" EINVAL 'counters'
refused "F66 counters that are neither 0 nor 1 are refused" compare/run "counters=2" EINVAL \
	'counters=2'
check "F66 a processor's counters count, or the answer says why not" counters
refused "F66 a seed that is no number is refused" compare/run "seed=x" EINVAL 'seed x'
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
check "F63 bulk on two CPUs can be killed" killed_at_work bulk 2
check "F63 mixed on one CPU and two can be killed" killed_at_work mixed 1,2
check "F63 cross can be killed" killed_at_work cross 2
check "F63 a caught signal ends it" caught pair 1
check "F63 a caught signal ends it on two CPUs" caught churn 2
check "F65 native memory runs short" short_of_memory
check "F65 native memory is nearly gone" crowded
check "F64 checking the whole region stalls nobody" long_check
refused "F64 validate takes 1 and nothing else" validate "2" EINVAL ''
refused "F64 validate takes no empty line" validate "" EINVAL ''

end

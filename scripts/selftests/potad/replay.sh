#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Recordings, replayed: the one that is shipped goes through with each subject, what is
# cut off, corrupted or absurd is refused with its line and offset, and whatever ends a
# replay, nothing is held any more. No test here looks at a time.

POTAD_SIZE=${POTAD_SIZE:-64M}
. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

gunzip -c "$here/busybox.pott.gz" >"$tmp/shipped"
lines=$(wc -l <"$tmp/shipped")
five >"$tmp/five"

# nothing_held: neither blocks nor granules, once CPUs keep nothing at hand; no thread
nothing_held() {
	drain
	same "granules that are allocated" 0 "$(value stats granules_allocated)"
	same "threads" 0 "$(cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^potad-replay/')"
}

# replay SETTINGS FILE: as stream
replay() {
	stream compare/replay "$1" "$2"
}

# turned_down ERRNO REASON SETTINGS FILE: it must be refused, with this in the reason
turned_down() {
	no_stream compare/replay "$@"
	nothing_held
	# and the next one is as good as ever
	replay "subject=potad" "$tmp/five"
	same "events" 4 "$(got events)"
}

whole() {
	replay "subject=$1 every=1000" "$tmp/shipped" || {
		cat "$tmp/report"
		return 1
	}
	grep -v '^[#0-9]' "$tmp/report"
	same "who" "$1" "$(got subject)"
	same "events" "$(grep -c -v '^#' "$tmp/shipped")" "$(got events)"
	same "allocations" "$(grep -c '^[0-9]*,[0-9]*,[AP]' "$tmp/shipped")" \
		"$(($(got allocs) - $2))"
	same "refused" 0 "$(got failed)"
	same "frees that were left out" 0 "$(got frees_skipped)"
	same "left" "$(got live_at_end)" "$(($(got allocs) - $(got frees)))"
	same "rows" "$((($(got events) + 999) / 1000))" "$(grep -c '^[0-9]' "$tmp/report")"
	nothing_held
}

# what a split adds to the allocations: a part is one
parts=$(awk -F, '$3 == "S" { for (k = $5, m = 1; k > $6; k--) m *= 2; n += m }
	END { print n + 0 }' "$tmp/shipped")

# steady: of a report what does not depend on how long things took, who did them, and
# where blocks lay because another was first
steady() {
	grep -v -E '^(ns|[a-z_]+_ns|threads|waits|frees_elsewhere|[0-9])' "$tmp/report"
	grep '^[0-9]' "$tmp/report" | cut -d' ' -f1-4
}

# on_recorded_cpus SUBJECT: however many threads do it, it comes to the same
on_recorded_cpus() {
	for threads in 1 2 5 64; do
		replay "subject=$1 every=1000 threads=$threads" "$tmp/shipped"
		same "threads" $threads "$(got threads)"
		same "recorded on" 2 "$(got recorded_cpus)"
		grep -E '^(frees_elsewhere|waits) ' "$tmp/report"
		if [ $threads = 1 ]; then
			same "freed elsewhere" 0 "$(got frees_elsewhere)"
		else
			[ "$(got frees_elsewhere)" -gt 0 ]
		fi
		steady >"$tmp/seen"
		[ $threads != 1 ] || cp "$tmp/seen" "$tmp/wanted"
		cmp "$tmp/wanted" "$tmp/seen"
		nothing_held
	done
	replay "subject=$1" "$tmp/five"
	same "threads, if nobody says" "$(nproc)" "$(got threads)"
}

# across THREADS BLOCKS: hardly anything but frees of what the other CPU has just
# allocated; more of them than may be under way at once
across() {
	awk -v blocks="$2" 'BEGIN {
		print "# POTT 1"
		for (i = 0; i < blocks; i++) {
			printf "0,%d,A,%x,%d,0,0,0\n", i % 2, i % 64 * 16, i % 4
			printf "0,%d,F,%x,%d\n", (i + 1) % 2, i % 64 * 16, i % 4
		}
	}' >"$tmp/across"
	for subject in potad potad-described buddy buddy-described; do
		replay "subject=$subject threads=$1" "$tmp/across"
		same "freed elsewhere" "$2" "$(got frees_elsewhere)"
		same "refused" 0 "$(got failed)"
		same "peak" 32768 "$(got peak_held_bytes)"
		same "left" 0 "$(got live_at_end)"
		nothing_held
	done
}

# so long that who does not yield is noticed; the writes are as large as they get
long() {
	awk 'BEGIN {
		print "# POTT 1"
		for (i = 0; i < 150000; i++)
			printf "0,0,A,%x,0,0,0,0\n0,0,F,%x,0\n", i % 512, i % 512
	}' >"$tmp/long"
	for threads in 1 2; do
		{
			printf 'subject=potad threads=%d\n' $threads >&3
			dd if="$tmp/long" bs=8M >&3 2>/dev/null
			cat <&3 >"$tmp/report"
		} 3<>"$dir/compare/replay"
		same "events" 300000 "$(got events)"
	done
	rm "$tmp/long"
}

# every byte in a write of its own is the same recording
torn() {
	replay "subject=potad" "$tmp/five"
	steady >"$tmp/wanted"
	{
		printf 'subject=potad\n' >&3
		dd if="$tmp/five" bs=1 2>/dev/null >&3
		cat <&3 >"$tmp/report"
	} 3<>"$dir/compare/replay"
	steady >"$tmp/seen"
	cmp "$tmp/wanted" "$tmp/seen"
	same "live" 2 "$(got live_at_end)"
	same "bytes" 40960 "$(got peak_held_bytes)"
}

# blocks of less than a page are what potad has, and the kernel has not
bytes() {
	printf '# POTB 1\n0,0,A,1,512,x,1\n0,0,A,2,700,x,1\n0,0,A,3,16384,x,1\n0,0,F,2,700\n' \
		>"$tmp/bytes"
	replay "subject=potad" "$tmp/bytes"
	same "held by potad" 17920 "$(got peak_held_bytes)"
	replay "subject=buddy" "$tmp/bytes"
	same "held by the kernel" 24576 "$(got peak_held_bytes)"
	same "asked for" 17920 "$(got peak_asked_bytes)"
}

# those that not every kernel has: they do it, or say what is missing
others() {
	printf '# POTT 1\n0,0,A,8,3,0,0,0\n0,1,S,8,3,1\n0,0,F,a,1\n0,0,F,c,1\n0,1,F,e,1\n' >"$tmp/split"
	for subject in cma contig gpu genalloc kmalloc; do
		if replay "subject=$subject" "$tmp/split"; then
			same "$subject: allocations" 5 "$(got allocs)"
			same "$subject: frees" 4 "$(($(got frees) + $(got frees_skipped)))"
			grep -E '^(subject|failed|peak_held_bytes) ' "$tmp/report"
			tail -n 1 "$tmp/report"
			continue
		fi
		cat "$tmp/report"
		grep -q "^error: EOPNOTSUPP: subject=$subject: n" "$tmp/report"
	done
	# the last of them is on all kernels, and has what is less than a page
	replay "subject=$subject" "$tmp/split"
	printf '# POTB 1\n0,0,A,1,512,x,1\n0,0,A,2,3,x,1\n0,0,A,3,16384,x,1\n0,0,F,2,3\n' >"$tmp/bytes"
	replay "subject=$subject" "$tmp/bytes"
	same "held by kmalloc" 16904 "$(got peak_held_bytes)"
	nothing_held
}

split_block() {
	printf '# POTT 1\n0,0,A,8,3,0,0,0\n0,0,S,8,3,1\n0,0,F,a,1\n0,0,F,c,1\n0,0,F,e,1\n' >"$tmp/split"
	for subject in potad potad-described buddy buddy-described empty; do
		replay "subject=$subject" "$tmp/split"
		same "splits" 1 "$(got splits)"
		same "allocations" 5 "$(got allocs)"
		same "frees" 4 "$(got frees)"
		same "live" 1 "$(got live_at_end)"
	done
}

# many rows become fewer, further apart, and the last is the end
thinned() {
	replay "subject=empty every=1" "$tmp/shipped"
	rows=$(grep -c '^[0-9]' "$tmp/report")
	echo "$rows rows, one every $(got every)"
	[ "$rows" -ge 64 ] && [ "$rows" -le 129 ]
	same "the last" "$(got events)" "$(tail -n 1 "$tmp/report" | cut -d' ' -f1)"
}

# absurd LINES ERRNO REASON: a recording of these lines (as printf has them)
absurd() {
	# shellcheck disable=SC2059 # it is a format
	printf "# POTT 1\\n$1" >"$tmp/absurd"
	turned_down "$2" "$3" "subject=potad" "$tmp/absurd"
}

cut_off() {
	head -c "$(($(wc -c <"$tmp/shipped") / 2 + $1))" "$tmp/shipped" >"$tmp/cut"
	turned_down EINVAL "$2" "subject=potad" "$tmp/cut"
	turned_down EINVAL "$2" "subject=buddy-described" "$tmp/cut"
}

cut_between_lines() {
	head -n $((lines / 2)) "$tmp/shipped" >"$tmp/cut"
	turned_down EINVAL "line $((lines / 2 + 1)), offset $(wc -c <"$tmp/cut"): .*without a count" \
		"subject=potad" "$tmp/cut"
}

line_lost() {
	sed "$((lines - 3))d" "$tmp/shipped" >"$tmp/cut"
	turned_down EINVAL "" "subject=potad" "$tmp/cut"
}

corrupted() {
	n=$((lines / 3))
	{
		head -n $n "$tmp/shipped"
		echo "1,0,A,12z4,0,0,0,0"
		tail -n +$((n + 1)) "$tmp/shipped"
	} >"$tmp/bad"
	turned_down EINVAL "line $((n + 1)), offset $(head -n $n "$tmp/shipped" | wc -c): its fields" \
		"subject=potad" "$tmp/bad"
}

noise() {
	head -c 65536 /dev/urandom >"$tmp/noise"
	turned_down EINVAL 'line 1, offset 0: ' "subject=potad" "$tmp/noise"
	{
		echo "# POTT 1"
		cat "$tmp/noise"
	} >"$tmp/noisy"
	turned_down 'E[A-Z]*' 'line [0-9]*, offset [0-9]*: ' "subject=buddy" "$tmp/noisy"
}

# more blocks than a region of 4 MiB can have, all at once
too_many() {
	unload
	load size=4M
	awk 'BEGIN { print "# POTT 1"; for (i = 0; i < 70000; i++) printf "0,0,A,%x,0,0,0,0\n", i }' \
		>"$tmp/many"
	turned_down E2BIG 'line 65538, offset [0-9]*: more blocks' "subject=potad" "$tmp/many"
	fresh
}

# a region that is too small for it: that is counted, and no error
too_small() {
	unload
	load size=4M
	for subject in potad potad-described; do
		# with several the sums are in the recorded order, what is refused is not
		replay "subject=$subject threads=1" "$tmp/shipped"
		echo "refused $(got failed), not freed $(got frees_skipped), held $(got peak_held_bytes)"
		[ "$(got failed)" -gt 0 ]
		[ "$(got peak_held_bytes)" -le 4194304 ]
		nothing_held
	done
	fresh
}

# what the kernel would have to kill somebody for is not asked of it
native_short() {
	free=$(awk '/^MemFree:/ { print $2 }' /proc/meminfo)
	awk -v n=$((free / 4096 + 100)) 'BEGIN {
		print "# POTT 1"
		for (i = 0; i < n; i++)
			printf "0,%d,A,%x,10,0,0,0\n", i % 8, i * 1024
	}' >"$tmp/huge"
	for threads in 1 8; do
		for subject in buddy buddy-described; do
			replay "subject=$subject threads=$threads" "$tmp/huge"
			echo "refused $(got failed), of these not asked for $(got short)"
			[ "$(got failed)" -ge 100 ]
			[ "$(got short)" -ge 1 ]
			after=$(awk '/^MemFree:/ { print $2 }' /proc/meminfo)
			echo "free before $free, after $after"
			[ "$after" -ge $((free - 16384)) ]
		done
	done
}

# somebody who holds the file open in the middle of it, with blocks
start_half() {
	(
		exec 3>"$dir/compare/replay"
		{
			printf 'subject=%s threads=%d\n' "$1" "$2"
			head -n $((lines / 2)) "$tmp/shipped"
		} >&3
		touch "$tmp/halfway"
		exec sleep 100
	) &
	runner=$!
	n=0
	until [ -e "$tmp/halfway" ]; do
		sleep 0.1
		n=$((n + 1))
		[ $n -lt 100 ]
	done
	rm "$tmp/halfway"
}

killed_waiting() {
	for subject in potad potad-described buddy; do
		start_half $subject "$1"
		case $subject in
		potad*) [ "$(value stats granules_allocated)" -gt 1000 ] ;;
		esac
		kill -KILL $runner
		wait $runner || :
		nothing_held
	done
	replay "subject=potad" "$tmp/five"
}

killed_writing() {
	for subject in potad potad-described buddy-described; do
		(
			exec awk -v subject=$subject 'BEGIN {
				print "subject=" subject " threads=3"
				print "# POTT 1"
				for (i = 0; i < 1000; i++)
					printf "0,0,A,%x,0,0,0,0\n", i
				for (;;)
					print "0,1,A,1000,2,0,0,0\n0,2,F,1000,2"
			}' >"$dir/compare/replay"
		) &
		runner=$!
		sleep 1
		kill "-$1" $runner
		wait $runner || echo "ended with status $?"
		nothing_held
		replay "subject=potad" "$tmp/five"
	done
}

# Ctrl-C: who is in the foreground gets a SIGINT
interrupted() {
	for threads in 1 3; do
		status=0
		timeout -s INT 1 awk -v threads=$threads 'BEGIN {
			print "subject=potad threads=" threads
			print "# POTT 1"
			for (;;)
				print "0,1,A,1000,2,0,0,0\n0,2,F,1000,2"
		}' >"$dir/compare/replay" || status=$?
		echo "ended with status $status"
		[ $status -ne 0 ]
		nothing_held
		replay "subject=potad" "$tmp/five"
	done
}

# one at a time; and the module stays
alone() {
	start_half potad 2
	if unload >"$tmp/rmmod" 2>&1; then
		echo "unloaded under a replay"
		return 1
	fi
	fails compare/run "orders=0-0 rounds=1 ops=10" EBUSY 'is running'
	if replay "subject=empty" "$tmp/five"; then
		echo "two at once"
		return 1
	fi
	grep '^error: EBUSY: ' "$tmp/report"
	kill -KILL $runner
	wait $runner || :
	replay "subject=empty" "$tmp/five"
}

# SETTINGS ERRNO REASON: a first line that is none
settings() {
	printf '%s\n' "$1" >"$tmp/first"
	cat "$tmp/five" >>"$tmp/first"
	turned_down "$2" "$3" "" "$tmp/first"
}

calls() {
	"$here/rawio" "$dir/compare/replay" read text "subject=potad" badptr 10 read >"$tmp/reply"
	cat "$tmp/reply"
	grep -q -x 'read 0' "$tmp/reply"
	grep -q -x 'badptr -1 EFAULT' "$tmp/reply"
	"$here/rawio" "$dir/compare/replay" line "subject=potad" line "# POTT 1" \
		line "0,0,A,1,0,0,0,0" readbad read line "0,0,F,1,0" read >"$tmp/reply"
	cat "$tmp/reply"
	grep -q -x 'readbad -1 EFAULT' "$tmp/reply"
	grep -q -x 'live_at_end 1' "$tmp/reply"
	grep -q -x 'line -1 EINVAL' "$tmp/reply"
	grep -q '^error: EINVAL: this replay has ended' "$tmp/reply"
	"$here/rawio" --drop-admin "$dir/compare/replay" line "subject=potad" read >"$tmp/reply"
	grep -q -x -E '(open|line) -1 EPERM' "$tmp/reply"
	"$here/rawio" "$dir/compare/replay" line "subject=potad" line "# POTT 1 counted" \
		line "0,0,A,1,0,0,0,0" read read >"$tmp/reply"
	cat "$tmp/reply"
	grep -q -x 'read -1 EINVAL' "$tmp/reply"
	grep -q '^error: EINVAL: line 3, offset 33: ' "$tmp/reply"
	nothing_held
}

by_potadctl() {
	"$potadctl" replay "$here/busybox.pott.gz" --subjects potad,buddy,empty >"$tmp/out"
	cat "$tmp/out"
	same "rows of the table" 3 "$(grep -c -E '^(potad|buddy|empty) +2 +[0-9]+ +0 +[0-9]' "$tmp/out")"
	"$potadctl" replay "$tmp/shipped" --subjects=potad --json --every 5000 >"$tmp/out"
	same "lines" 1 "$(wc -l <"$tmp/out")"
	grep -q -E '^\{"subject":"potad",.*"failed":0,.*"rows":\[\{"events":5000,.*\]\}\]\}$' "$tmp/out"
	"$potadctl" replay - --raw --subjects empty --threads 3 <"$tmp/five" >"$tmp/out"
	grep -x 'events 4' "$tmp/out"
	grep -x 'threads 3' "$tmp/out"
	head -n 100 "$tmp/shipped" >"$tmp/cut"
	if "$potadctl" replay "$tmp/cut" 2>"$tmp/err"; then
		return 1
	fi
	cat "$tmp/err"
	grep -q '^potadctl: replay .*: potad: EINVAL: line [0-9]*, offset [0-9]*: ' "$tmp/err"
	status=0
	"$potadctl" replay "$tmp/nosuch" 2>"$tmp/err" || status=$?
	same "exit status without a file" 2 $status
}

# a recording, written as the kernel prints events, is converted to itself
converted() {
	grep -v '^#' "$tmp/shipped" | head -n 3000 >"$tmp/records"
	awk -F, '
	{ t += $1 / 1000; at = sprintf(" x y-%d [%03d] d..1. 77.%06d: mm_page_", $8, $2, t % 1000000) }
	$3 == "A" {
		print at "alloc: page=0 pfn=0x" $4 " order=" $5 " migratetype=" $7 " gfp_flags=" $6
	}
	$3 == "F" {
		print at "free: page=0 pfn=0x" $4 " order=" $5
		print at "free_batched: page=0 pfn=0x" $4 " order=0"
	}' "$tmp/records" | "$here/record" - >"$tmp/again" 2>"$tmp/err"
	cat "$tmp/err"
	grep -q 'found no allocation' "$tmp/err"
	cut -d, -f2-5 "$tmp/records" >"$tmp/wanted"
	grep -v '^#' "$tmp/again" | cut -d, -f2-5 >"$tmp/seen"
	cmp "$tmp/wanted" "$tmp/seen"
	replay "subject=empty" "$tmp/again"
	same "events" 3000 "$(got events)"
}

# what befalls a block between its allocation and its free
parts_of_blocks() {
	event() {
		echo "  <idle>-0 [001] ..s1. 1.000001: mm_page_$1: page=0 pfn=$2 order=$3${4:-}"
	}
	more=" migratetype=1 gfp_flags=GFP_KERNEL|__GFP_ZERO"
	{
		event free 0x99 0
		event alloc 0x10 3 "$more"
		event free 0x12 0
		event free 0x14 2
		event alloc 0x13 0 "$more"
		event alloc 0x0 9 "$more"
		event alloc 0x40 0 "$more"
		event alloc 0x41 0 "$more"
		event free 0x40 1
	} | "$here/record" - >"$tmp/again" 2>"$tmp/err"
	cat "$tmp/again" "$tmp/err"
	grep -v '^#' "$tmp/again" | cut -d, -f3-6 | tr '\n' ' ' >"$tmp/seen"
	wanted="A,10,3,0 S,10,3,0 F,12,0 F,14,0 F,15,0 F,16,0 F,17,0 F,13,0 A,13,0,0"
	wanted="$wanted N,0,9,0 A,40,0,0 A,41,0,0 F,40,0 F,41,0 "
	same "records" "$wanted" "$(cat "$tmp/seen")"
	grep -q '1 of 4 frees (25.00 %) found no allocation' "$tmp/err"
	replay "subject=buddy" "$tmp/again"
	same "left" 3 "$(got live_at_end)"
	echo "  x-1 [001] ..s1. 1.000001: mm_page_free: page=0 pfn=17 order=0" >"$tmp/text"
	if "$here/record" "$tmp/text" >"$tmp/again" 2>"$tmp/err"; then
		echo "a page in decimal was taken"
		return 1
	fi
	grep 'line 1: no page in hexadecimal' "$tmp/err"
}

# what was recorded here and now
live() {
	[ -d /sys/kernel/tracing/instances ] || skip "no tracefs"
	"$potadctl" record --name live --out "$tmp/live" -- \
		sh -c 'seq 1 20000 | sort -r | tail -n 1' 2>"$tmp/err"
	cat "$tmp/err"
	grep -q -E '^record: [0-9]+ records of [0-9]+ events: ' "$tmp/err"
	grep -q -E '^record: [0-9]+ of [0-9]+ frees .* found no allocation' "$tmp/err"
	replay "subject=potad" "$tmp/live"
	same "refused" 0 "$(got failed)"
	[ "$(got events)" -gt 100 ]
	same "instances left" "" "$(ls /sys/kernel/tracing/instances)"
}

check "the shipped recording by potad" whole potad "$parts"
check "the shipped recording by potad, described" whole potad-described "$parts"
check "F65 the shipped recording by the kernel" whole buddy "$parts"
check "F65 the shipped recording by the kernel, described" whole buddy-described "$parts"
check "the shipped recording by nobody" whole empty "$parts"
check "on its CPUs, by potad" on_recorded_cpus potad
check "on its CPUs, by potad, described" on_recorded_cpus potad-described
check "on its CPUs, by the kernel" on_recorded_cpus buddy
check "on its CPUs, by the kernel, described" on_recorded_cpus buddy-described
check "what one CPU allocates the other frees" across 2 3000
check "what one thread allocates another frees, more of them than CPUs" across 7 6000
check "F64 a long recording" long
check "a recording byte by byte is the same" torn
check "blocks of less than a page" bytes
check "a block that is split" split_block
check "by allocators that not every kernel has" others
check "rows do not grow without bound" thinned
check "F66 cut off in a line" cut_off 3 ''
check "F66 cut off between two lines" cut_between_lines
check "F66 a line is missing" line_lost
check "F66 a line is corrupted" corrupted
check "F66 noise" noise
check "F66 a free of nothing" absurd '0,0,F,10,0\n' EINVAL 'line 2, offset 9: no block'
check "F66 a free of another size" absurd '0,0,A,10,1,0,0,0\n0,0,F,10,0\n' EINVAL 'line 3.*size'
check "F66 a free twice" absurd '0,0,A,1,0,0,0,0\n0,0,F,1,0\n0,0,F,1,0\n' EINVAL 'line 4'
check "F66 allocated twice" absurd '0,0,A,1,0,0,0,0\n0,0,A,1,0,0,0,0\n' EINVAL 'line 3'
check "F66 allocated inside of another" absurd '0,0,A,8,3,0,0,0\n0,0,A,c,2,0,0,0\n' EINVAL 'line 3'
check "F66 allocated around another" absurd '0,0,A,d,0,0,0,0\n0,0,A,8,3,0,0,0\n' EINVAL 'line 3'
check "F66 a split of nothing" absurd '0,0,S,8,3,0\n' EINVAL 'line 2.*no block'
check "F66 what was there at first comes late" absurd '0,0,A,1,0,0,0,0\n0,0,P,2,0,0,0,0\n' \
	EINVAL 'line 3.*late'
check "F66 an order that nobody has" absurd '0,0,A,0,11,0,0,0\n' ERANGE 'line 2'
check "F66 a page beyond all memory" absurd '0,0,A,ffffffffffffffff,0,0,0,0\n' ERANGE 'line 2'
check "F66 a byte of 0" absurd '0,0,A,1\0000,0,0,0,0\n' EINVAL 'line 2'
check "F66 an unknown version" settings "subject=potad$(printf '\n# POTT 2')" EINVAL \
	'line 1, offset 0'
check "F66 more blocks than the region can have" too_many
check "F66 a region that is too small" too_small
check "F65 native memory runs short" native_short
check "F66 no subject" settings "every=10" EINVAL 'subject='
check "F66 an unknown subject" settings "subject=nosuch" EINVAL 'buddy'
check "F66 no records between rows" settings "subject=potad every=0" ERANGE 'every=0'
check "F66 2^64 - 1 records between rows" settings "subject=potad every=18446744073709551615" \
	ERANGE 'every='
check "F66 2^64 records between rows" settings "subject=potad every=18446744073709551616" \
	ERANGE 'every='
check "F66 no threads" settings "subject=potad threads=0" ERANGE 'threads=0: a number from 1 to 64'
check "F66 1000 threads" settings "subject=potad threads=1000" ERANGE 'from 1 to 64'
check "F66 2^64 - 1 threads" settings "subject=potad threads=18446744073709551615" ERANGE \
	'threads='
check "F66 threads that are no number" settings "subject=potad threads=-1" EINVAL 'threads='
check "F66 an unknown key" settings "subject=potad cpus=1" EINVAL 'the first line'
check "F66 a first line of 4000 characters" settings "subject=$(printf '%4000d' 0)" EINVAL \
	'the first line'
check "F66 an empty first line" settings "" EINVAL 'the first line'
check "F63 killed between two writes" killed_waiting 1
check "F63 killed between two writes, with threads" killed_waiting 2
check "F63 the same, with more of them than CPUs" killed_waiting 64
check "F63 killed while it writes" killed_writing KILL
check "F63 ended while it writes" killed_writing TERM
check "F63 interrupted while it writes" interrupted
check "F66 one at a time, and the module stays" alone
check "reads and writes that are wrong" calls
check "potadctl replay" by_potadctl
check "record: events of a recording make that recording" converted
check "record: blocks in parts, and frees that were not seen" parts_of_blocks
check "potadctl record, and its recording" live
end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Contiguous memory in an area that a recording has filled: potad has what the oracle
# finds, nobody has more, and whatever ends it, nothing is held any more. No test here
# looks at a time.

POTAD_SIZE=${POTAD_SIZE:-32M}
. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

gunzip -c "$here/busybox.pott.gz" >"$tmp/shipped"
five >"$tmp/five"

handle=''

nothing_held() {
	drain
	same "granules that are allocated" 0 "$(value stats granules_allocated)"
}

# contig SETTINGS FILE: as stream
contig() {
	stream compare/contig "$1" "$2"
}

rows() {
	grep '^[0-9]' "$tmp/report"
}

# turned_down ERRNO REASON SETTINGS FILE: it must be refused, with this in the reason
turned_down() {
	no_stream compare/contig "$@"
	nothing_held
}

# SETTINGS ERRNO REASON: a first line that is none
settings() {
	turned_down "$2" "$3" "$1" "$tmp/five"
}

# asked SUBJECT SETTINGS: it is done, and the report is about what was asked for
asked() {
	if ! contig "subject=$1 $2" "$tmp/shipped"; then
		cat "$tmp/report"
		if grep -q '^error: EOPNOTSUPP: .*not on this kernel' "$tmp/report"; then
			skip "not on this kernel"
		fi
		return 1
	fi
	cat "$tmp/report"
	same "who" "$1" "$(got subject)"
	same "size" "$bytes" "$(got bytes)"
	# each size that the region has, at 4 alignments
	sizes=0
	for size in 65536 262144 1048576 2097152 4194304 8388608 16777216 33554432 67108864; do
		[ "$size" -gt "$bytes" ] || sizes=$((sizes + 1))
	done
	same "rows" $((sizes * 4 * $3)) "$(rows | wc -l)"
	# what is held is below what was asked for, by less than a block of 4 MiB
	rows | awk '$2 > $1 || $2 < $1 - 26 { print "held:", $0; bad = 1 } END { exit bad }'
	nothing_held
}

# MORE: had and oracle, of each row; none has more than there is
compare_rows() {
	rows | awk -v exactly="$1" '
		$6 > $7 || $6 > $5 || $7 > $5 || (exactly && $6 != $7) { print "differs:", $0; bad = 1 }
		END { exit bad }'
}

exactly() {
	before=$(cma_state)
	asked "$1" "fills=$3 tries=2 goes=$2" 3
	compare_rows 1
	# some there were, and some not
	rows | awk '$6 { had++ } !$6 { none++ } END { exit !(had && none) }'
	unload
	fresh
	# CmaFree is not looked at: pages of programs have gone wherever there was room.
	same "pages available in the CMA area" "${before% *}" "$(cma_available)"
}

# The kernel keeps so much for itself that a small area of pages that move is not filled.
at_most() {
	before=$(cma_state)
	keeps=$(cat /proc/sys/vm/min_free_kbytes)
	echo 2048 >/proc/sys/vm/min_free_kbytes
	asked "$1" "fills=50 tries=1" 1
	echo "$keeps" >/proc/sys/vm/min_free_kbytes
	compare_rows ''
	rows | awk '$6 { had++ } END { exit !had }'
	unload
	fresh
	# CmaFree is not looked at: pages of programs have gone wherever there was room.
	same "pages available in the CMA area" "${before% *}" "$(cma_available)"
}

# the same numbers, the same rows; other numbers, other blocks that have to go
repeated() {
	asked potad "fills=95 tries=1 goes=any seed=$1" 1
	rows | awk '{ print $1, $2, $3, $4, $5, $6, $7 }' >"$tmp/first"
	got allocs >>"$tmp/first"
	asked potad "fills=95 tries=1 goes=any seed=$1" 1
	{
		rows | awk '{ print $1, $2, $3, $4, $5, $6, $7 }'
		got allocs
	} >"$tmp/second"
	cmp "$tmp/first" "$tmp/second"
}

cut_off() {
	head -c 5000 "$tmp/shipped" >"$tmp/cut"
	turned_down EINVAL 'line [0-9]*, offset [0-9]*: ' "subject=potad" "$tmp/cut"
	printf '# POTT 1\n0,0,F,8,3\n' >"$tmp/cut"
	turned_down EINVAL 'line 2, offset 9: no block lives there' "subject=potad" "$tmp/cut"
	: >"$tmp/cut"
	turned_down EINVAL 'it is empty' "subject=potad" "$tmp/cut"
}

# a block that is larger than what is to be held is left out, and there is no other
too_large() {
	unload
	load size=4M
	printf '# POTT 1\n0,0,A,400,10,0,0,0\n' >"$tmp/large"
	turned_down ERANGE 'fills 0 percent' "subject=potad" "$tmp/large"
	fresh
}

not_empty() {
	alloc 4K buf
	take handle "$reply"
	if contig "subject=potad fills=50" "$tmp/five"; then
		return 1
	fi
	cat "$tmp/report"
	grep -q '^error: EBUSY: the region is not empty' "$tmp/report"
	free "$handle"
}

# killed while memory is being filled, and while it is asked for
killed() {
	for subject in potad contig-pinned; do
		if ! contig "subject=$subject fills=1" "$tmp/five" &&
			grep '^error: EOPNOTSUPP: .*not on this kernel' "$tmp/report"; then
			continue
		fi
		(
			exec 3<>"$dir/compare/contig"
			{
				printf 'subject=%s fills=20,21,22,23,24,25,26,27 turns=100 tries=99\n' $subject
				cat "$tmp/shipped"
			} >&3
			touch "$tmp/running"
			exec cat <&3 >/dev/null
		) &
		runner=$!
		until [ -e "$tmp/running" ]; do
			sleep 0.1
		done
		sleep 1
		# A kernel that has little besides may not have it filled so often.
		if [ $subject != potad ] && grep -q '^State:.*Z' /proc/$runner/status; then
			echo "$subject has ended by itself"
			rm "$tmp/running"
			continue
		fi
		if unload >"$tmp/rmmod" 2>&1; then
			echo "unloaded under it"
			return 1
		fi
		if contig "subject=potad" "$tmp/five"; then
			echo "two at once"
			return 1
		fi
		grep '^error: EBUSY: another comparison is running' "$tmp/report"
		kill -KILL $runner
		wait $runner || echo "ended with status $?"
		rm "$tmp/running"
		nothing_held
	done
}

calls() {
	"$here/rawio" "$dir/compare/contig" read text "subject=potad" badptr 10 read >"$tmp/reply"
	cat "$tmp/reply"
	grep -q -x 'read 0' "$tmp/reply"
	grep -q -x 'badptr -1 EFAULT' "$tmp/reply"
	"$here/rawio" --drop-admin "$dir/compare/contig" line "subject=potad" read >"$tmp/reply"
	grep -q -x -E '(open|line) -1 EPERM' "$tmp/reply"
	nothing_held
}

check "potad has what the oracle finds: the oldest goes" exactly potad oldest 50,80,95
check "potad has what the oracle finds: any goes" exactly potad any 95,80,50
check "potad, blocks that can be moved" at_most potad-movable
check "CMA, filled with its own blocks" at_most cma-pinned
check "CMA, filled with pages that can be moved" at_most cma-movable
check "alloc_contig_range, pinned blocks" at_most contig-pinned
check "alloc_contig_range, as recorded" at_most contig-recorded
check "alloc_contig_range, pages that can be moved" at_most contig-movable
check "the same seed, the same result" repeated 7
check "a recording that was cut off, is wrong, or empty" cut_off
check "a recording of one block that is too large" too_large
check "a region that is not empty" not_empty
check "no subject" settings "fills=50" EINVAL 'subject='
check "an unknown subject" settings "subject=nosuch" EINVAL 'contig-movable'
check "a fill of nothing" settings "subject=potad fills=0" ERANGE 'fills=0'
check "a fill of all" settings "subject=potad fills=100" ERANGE 'fills=100'
check "too many fills" settings "subject=potad fills=1,2,3,4,5,6,7,8,9" E2BIG 'fills'
check "no tries" settings "subject=potad tries=0" ERANGE 'tries=0'
check "2^64 - 1 tries" settings "subject=potad tries=18446744073709551615" ERANGE 'tries='
check "2^64 turns" settings "subject=potad turns=18446744073709551616" ERANGE 'turns='
check "who goes" settings "subject=potad goes=youngest" EINVAL 'oldest or any'
check "a seed that is no number" settings "subject=potad seed=x" EINVAL 'seed=x'
check "an unknown key" settings "subject=potad threads=1" EINVAL 'the first line'
check "an empty first line" settings "" EINVAL 'the first line'
check "killed, unloaded, two at once" killed
check "reads and writes that are wrong" calls
end

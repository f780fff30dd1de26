#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The command potadctl: every subcommand, its output, its errors on stderr, and
# its exit status (0 done, 1 the module refused, 2 wrong usage, 3 no module).

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

# exits STATUS ARGUMENT...: run it; output in $tmp/out and $tmp/err. A failure has
# a message on stderr and none on stdout (free may have freed others before).
exits() {
	wanted=$1
	shift
	status=0
	"$potadctl" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	cat "$tmp/out" "$tmp/err"
	same "exit status of potadctl $*" "$wanted" "$status"
	if [ "$wanted" = 0 ]; then
		[ ! -s "$tmp/err" ]
		[ -s "$tmp/out" ]
	else
		[ -s "$tmp/err" ]
	fi
}

says() {
	grep -E -q "$1" "$tmp/out" || {
		echo "expected '$1' on stdout"
		return 1
	}
}

complains() {
	grep -E -q "$1" "$tmp/err" || {
		echo "expected '$1' on stderr"
		return 1
	}
	same "lines on stdout" 0 "$(wc -l <"$tmp/out")"
}

the_handle() {
	field handle "$(cat "$tmp/out")"
}

round_trip() {
	exits 0 alloc 8K --type buf
	says '^handle=[0-9]+ address=0x[0-9a-f]+ order=4 size=8192 type=buf generation=[0-9]+$'
	handle=$(the_handle)
	address=$(field address "$(cat "$tmp/out")")
	exits 0 lookup "$(hex $((address + 100)))"
	says "state=allocated block=$address .* offset=100 type=buf owner=handle:$handle "
	exits 0 blocks
	says "^ *$handle +$address "
	exits 0 free "$handle"
	says "^handle=$handle freed address=$address "
}

option_order() {
	exits 0 alloc --type=folio 4K
	exits 0 alloc --count=3 --type folio 4K
	same "lines" 3 "$(grep -c '^handle=' "$tmp/out")"
	exits 0 alloc 512 --count 2 --type raw
	same "blocks live" 6 "$(value stats blocks_live)"
}

# --count stops at the first refusal and says what it got
count_stops() {
	exits 1 alloc "$((bytes / 4))" --type raw --count 5
	same "blocks granted" 4 "$(grep -c '^handle=' "$tmp/out")"
	same "complaints" 1 "$(grep -c ENOSPC "$tmp/err")"
}

free_several() {
	exits 0 alloc 4K --type raw --count 3
	sed 's/handle=\([0-9]*\) .*/\1/' "$tmp/out" >"$tmp/handles"
	# the second is wrong: the others are freed all the same
	exits 1 free "$(sed -n 1p "$tmp/handles")" 987654 "$(sed -n 2p "$tmp/handles")"
	same "freed" 2 "$(grep -c ' freed ' "$tmp/out")"
	same "complaints" 1 "$(grep -c 'free 987654: ENOENT: ' "$tmp/err")"
	exits 0 free "$(sed -n 3p "$tmp/handles")"
}

injecting() {
	exits 0 alloc 4K --type buf
	address=$(field address "$(cat "$tmp/out")")
	exits 0 inject "$address" --length 1K
	says 'length=1024 state=allocated .*told=1 answer=recovered$'
	exits 1 inject "$address"
	complains '^potadctl: inject .*: EHWPOISON: '
	exits 0 inject --length=512 "$(hex $((start + bytes - 512)))"
	says 'state=free quarantined=1'
	exits 0 failures
	same "failures listed" 2 "$(awk 'NR > 1' "$tmp/out" | wc -l)"
}

facts() {
	exits 0 alloc 4K --type buf
	for fact in blocks types stats freeinfo region failures; do
		exits 0 $fact
		cat "$dir/$fact" >"$tmp/fact"
		cmp "$tmp/fact" "$tmp/out"
	done
}

summary() {
	exits 0 alloc 1M --type buf --count 2
	exits 0 inject "$(hex $((start + bytes - 4096)))"
	exits 0 status
	says "from $start, "
	says '^  allocated +4096 granules +2\.0 MiB '
	says '^  quarantined +1 granules +512 B '
	says "^  total +$((bytes / 512)) granules "
	says '^blocks +2 live; 2 allocations, 0 frees, 0 refused '
	says '^failures +1 reported, owners told 0 times'
	says '^  buf '
	! grep -E 'nan|inf|-[0-9]' "$tmp/out"
}

comparing() {
	exits 0 compare --orders 0-2 --rounds 1 --ops 20
	says '^order +potad +buddy +ratio +potad\+desc +buddy\+desc +ratio$'
	same "rows" 3 "$(grep -c -E '^ +[0-2]( +[0-9.]+ +[0-9.]+ +[0-9.]+x){2}$' "$tmp/out")"
	exits 0 compare --orders=1-1 --rounds=1 --ops=20 --subjects=potad
	says '^ +1 +[0-9.]+ +- +- +- +- +-$'
	exits 0 compare --orders 0-0 --rounds 1 --ops 20 --raw
	says '^#'
	says '^0 buddy-described '
	exits 0 compare --workload bulk --orders 1-2 --cpus 1,2 --rounds 1 --ops 20 --seed 7 \
		--subjects potad,buddy,empty
	for part in bulk-alloc bulk-free; do
		says "^$part, 1 CPU\$"
		says "^$part, 2 CPUs at once"
	done
	same "rows" 8 "$(grep -c -E \
		'^ +[12] +[0-9.]+ +[0-9.]+ +([0-9.]+x|-) +- +- +- +[0-9.]+$' "$tmp/out")"
	exits 0 compare --workload=mixed --orders=0-3 --cpus=2 --rounds=1 --ops=20 --seed=7
	says '^mixed, 2 CPUs at once'
	says '^ +0-3( +[0-9.]+ +[0-9.]+ +[0-9.]+x){2}$'
	exits 0 compare --orders=-1-0 --rounds=1 --ops=20 --subjects=potad,buddy,kmalloc
	says ' +kmalloc$'
	says '^ +-1 +[0-9.]+ +- +[0-9.]+x +- +- +- +[0-9.]+$'
	says '^buddy: smaller than a page$'
	exits 0 compare --workload fragmentation --orders 4 --rounds 1 --subjects potad,buddy
	says '^whole-2M, 1 CPU$'
	says '^had-2M, 1 CPU$'
	exits 0 compare --orders -1-0 --rounds 1 --ops 20 --subjects potad,buddy --seed 3 --json
	same "lines" 4 "$(grep -c '^{"subject":"[a-z]*","workload":"pair","order":-*[01],"cpus":1,.*"seed":3,.*}$' "$tmp/out")"
	says '"order":-1,"cpus":1,"ns":null,.*"why":"smaller than a page"'
	says '"subject":"potad","workload":"pair","order":0,"cpus":1,"ns":[0-9.]+,.*"p50":[0-9.]+,"p99":[0-9.]+,"p999":[0-9.]+,"max":[0-9.]+,'
	"$potadctl" compare --orders 0-3 --rounds 9 --progress >"$tmp/out" 2>"$tmp/err"
	says '^ +3 '
	grep '^pair, order [0-3], [a-z-]*, CPUs: 1; turn [0-9]* of 304 ' "$tmp/err"
	exits 1 compare --workload nosuch
	complains ': EINVAL: workload=nosuch: pair, bulk, '
	exits 1 compare --cpus 1,99
	complains ': EINVAL: cpus=99: a number from 1 to '
}

# each of these is the caller's mistake: nothing is sent to the module
usage() {
	allocs=$(value stats alloc_failures)
	for words in "" "nosuch" "--nosuch" "alloc" "alloc 4K" "alloc --type buf" \
		"alloc 4K --type" "alloc 4K 4K --type buf" "alloc 4K --type buf --count" \
		"alloc 4K --type buf --count 0" "alloc 4K --type buf --count -1" \
		"alloc 4K --type buf --count x" "alloc 4K --type buf --count 99999999999" \
		"alloc 4K --type buf --nosuch" "alloc 4K --type=" "free" "free --all" "lookup" \
		"lookup 1 2" "lookup --all" "inject" "inject 1 2" "inject 1 --length" \
		"inject --length 4" "status now" "blocks 1" "stats --all" "validate 1" \
		"compare --nosuch" "compare 3" "compare --ops" "compare --cpus"; do
		# shellcheck disable=SC2086 # several words
		exits 2 $words
		same "lines on stdout" 0 "$(wc -l <"$tmp/out")"
	done
	same "requests that reached the module" "$allocs" "$(value stats alloc_failures)"
}

blanks() {
	exits 2 alloc "4096 buf" --type raw
	exits 2 alloc "" --type raw
	exits 2 alloc 4096 --type "raw 1"
	exits 2 free "1 2"
	exits 2 lookup ""
	exits 2 lookup "$start
$start"
	exits 2 inject "$start" --length "1 1"
	exits 2 compare --orders "0-1 ops=0"
}

refusals() {
	exits 1 alloc 0 --type buf
	complains '^potadctl: alloc 0 buf: EINVAL: .'
	exits 1 alloc 16E --type buf
	complains ': ERANGE: .'
	exits 1 alloc 4K --type nosuch
	complains ': ENOENT: .'
	exits 1 alloc "$((bytes * 2))" --type buf
	complains ': E2BIG: .'
	exits 1 free 0
	complains '^potadctl: free 0: ENOENT: .'
	exits 1 lookup 0
	complains '^potadctl: lookup 0: ENXIO: .'
	exits 1 inject 0xfee00000
	complains '^potadctl: inject 0xfee00000: ENXIO: .'
	exits 1 compare --ops 0
	complains '^potadctl: compare .*: EINVAL: .'
	exits 1 lookup -- || :
}

helping() {
	for words in --help -h help; do
		exits 0 $words
		says '^Usage: potadctl '
	done
	for command in alloc free lookup inject status map top blocks types stats freeinfo region failures \
		validate compare replay; do
		exits 0 --help
		says "(^|[ |])$command( |\$)"
		exits 0 $command --help
		says "^Usage: potadctl $command"
	done
}

# after a refused write nothing of it may come out with the next one: some shells
# keep what a builtin could not write
nothing_stale() {
	for shell in "" "busybox ash" dash bash; do
		[ -z "$shell" ] || command -v "${shell%% *}" >/dev/null || continue
		# shellcheck disable=SC2016,SC2086 # for that shell to expand
		${shell:-sh} -c '
			{
				printf "%s\n" "0 buf" >&3 2>/dev/null
				printf "%s\n" "4096 buf" >&3 && cat <&3
			} 3<>"$1/alloc"
			printf "%s\n" "end of output"
		' sh "$dir" >"$tmp/out" 2>"$tmp/err"
		cat "$tmp/out"
		same "lines from ${shell:-sh}" 2 "$(wc -l <"$tmp/out")"
		head -n 1 "$tmp/out" | grep '^handle=.* size=4096 '
	done
}

not_there() {
	unload
	for words in "alloc 4K --type buf" "free 1" "lookup 1" "inject 1" status blocks stats \
		validate compare; do
		# shellcheck disable=SC2086 # several words
		exits 3 $words
		complains 'not loaded'
	done
	# wrong usage comes first, help needs no module
	exits 2 alloc
	exits 0 alloc --help
	load "size=$size_default"
}

elsewhere() {
	status=0
	POTAD_DIR=$tmp/nowhere "$potadctl" stats >"$tmp/out" 2>"$tmp/err" || status=$?
	same "exit status with POTAD_DIR=nowhere" 3 $status
	POTAD_DIR=$dir "$potadctl" stats | grep granules_total
}

check "potadctl alloc, lookup, blocks and free agree" round_trip
check "potadctl takes options in any order, with blank or =" option_order
check "potadctl alloc --count stops at the first refusal" count_stops
check "potadctl free tries every handle" free_several
check "potadctl inject and failures" injecting
check "potadctl prints facts as they are" facts
check "potadctl status sums up" summary
check "potadctl validate" exits 0 validate
check "potadctl compare prints the table" comparing
check "potadctl: wrong usage is 2, and nothing is sent" usage
check "potadctl: an argument with blanks is wrong usage" blanks
check "potadctl: what the module refuses is 1, with its reason" refusals
check "potadctl --help, for all and for each command" helping
check "potadctl: a refused write leaves nothing behind" nothing_stale
check "potadctl: without the module it is 3" not_there
check "potadctl: POTAD_DIR names the directory" elsewhere

end

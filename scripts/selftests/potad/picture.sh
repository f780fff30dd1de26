#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The region as a whole: the file cells, and what potadctl map and top make of it.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

# totals FILE: the sums over all lines of a file like cells, a name and bytes a line; the
# lines must follow on each other, and each must add up
totals() {
	awk '
	NR == 1 {
		if ($0 != "address bytes what=bytes...") {
			print "the first line is " $0 > "/dev/stderr"
			exit 1
		}
		next
	}
	{
		n = 0
		for (i = 3; i <= NF; i++) {
			split($i, pair, "=")
			if (pair[2] <= 0 || $i !~ /^[a-z]+(:[A-Za-z0-9_-]+)?=[0-9]+$/) {
				print "what is " $i > "/dev/stderr"
				exit 1
			}
			n += pair[2]
			sum[pair[1]] += pair[2]
		}
		if (n != $2) {
			print "these are not " $2 " bytes: " $0 > "/dev/stderr"
			exit 1
		}
		all += n
	}
	END {
		print "all", all
		for (name in sum)
			print name, sum[name]
	}' "$1" >"$tmp/totals"
}

# total NAME: one of them; 0 where there is none
total() {
	awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }' "$tmp/totals"
}

# some of everything; nothing of it moves, so that what comes later is exact
furnish() {
	alloc 4M folio
	alloc 512 buf
	alloc 4K buf
	alloc 256K pgtable
	alloc 1M raw
	gone_to=$(alloc 64K folio)
	free "$(field handle "$gone_to")"
	gives inject "$(hex $((start + bytes - 4096))) 1024" 'state=free quarantined=1'
}

empty() {
	cat "$dir/cells" >"$tmp/cells"
	totals "$tmp/cells"
	same "all" "$bytes" "$(total all)"
	same "free or at hand" "$bytes" "$(($(total free) + $(total cached)))"
	lines=$(($(wc -l <"$tmp/cells") - 1))
	echo "$lines cells"
	[ "$lines" -gt 2048 ]
	[ "$lines" -le 4096 ]
	same "where it begins" "$start" "$(sed -n '2s/ .*//p' "$tmp/cells")"
	# and they follow on each other
	next=$start
	sed -n '2p;3p;4p' "$tmp/cells" >"$tmp/first"
	while read -r address size _; do
		same "the next address" "$next" "$address"
		next=$(hex $((next + size)))
	done <"$tmp/first"
}

# the file against what the module counts in other ways
counted() {
	furnish
	cat "$dir/cells" >"$tmp/cells"
	totals "$tmp/cells"
	cat "$tmp/totals"
	granule=$(value stats granule_bytes)
	same "all" "$bytes" "$(total all)"
	same "free" "$(($(value stats granules_free) * granule))" \
		"$(($(total free) + $(total cached)))"
	same "quarantined" "$(($(value stats granules_quarantined) * granule))" "$(total quarantined)"
	same "quarantined" 1024 "$(total quarantined)"
	used=$(awk '/^type:/ { n += $2 } END { print n }' "$tmp/totals")
	same "allocated" "$(($(value stats granules_allocated) * granule))" \
		"$((used + $(total bare)))"
	for type in buf folio pgtable raw; do
		same "$type" "$(awk -v t=$type '$1 == t { print $6 }' "$dir/types")" \
			"$(total type:$type)"
	done
	# the freed one is kept at hand, and not in its type's sum
	[ "$(total cached)" -ge 65536 ]
}

# a block of several cells, one of exactly a cell, and several in one
borders() {
	cell=$(sed -n '2p' "$dir/cells" | cut -d' ' -f2)
	at=$(field address "$(alloc $((2 * cell)) folio)")
	cat "$dir/cells" >"$tmp/cells"
	same "cells that are all of it" 2 "$(grep -c " $cell type:folio=$cell\$" "$tmp/cells")"
	grep "^$at $cell type:folio=$cell\$" "$tmp/cells"
	grep "^$(hex $((at + cell))) $cell type:folio=$cell\$" "$tmp/cells"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		alloc 512 buf
	done
	cat "$dir/cells" >"$tmp/cells"
	totals "$tmp/cells"
	same "bytes of them" 10240 "$(total type:buf)"
	echo "in $(grep -c 'type:buf=' "$tmp/cells") cells"
	[ "$(grep -c 'type:buf=' "$tmp/cells")" -lt 20 ]
}

# what the file says does not hang on how it is read
in_pieces() {
	furnish
	cat "$dir/cells" >"$tmp/whole"
	dd if="$dir/cells" bs=17 2>/dev/null >"$tmp/pieces"
	cmp "$tmp/whole" "$tmp/pieces"
}

# who is killed in the middle of it leaves nothing, and the module can go
abandoned() {
	alloc 1M buf
	head -n 5 "$dir/cells" | wc -l
	yes "" | head -n 20 | while read -r _; do
		cat "$dir/cells" >/dev/null &
		kill -KILL $!
	done
	wait
	unload
	load "size=$size_default"
}

# blocks come and go meanwhile: every line adds up all the same
under_way() {
	(
		while [ ! -e "$tmp/stop" ]; do
			answer alloc "64K folio" && answer free "$(field handle "$reply")"
			answer alloc "512 buf" && answer free "$(field handle "$reply")"
		done
	) >/dev/null &
	runner=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		cat "$dir/cells" >"$tmp/cells"
		totals "$tmp/cells" || touch "$tmp/wrong"
		same "all" "$bytes" "$(total all)" || touch "$tmp/wrong"
	done
	touch "$tmp/stop"
	wait $runner
	[ ! -e "$tmp/wrong" ]
}

# picture: the rows of cells, without their addresses, of what potadctl map printed
picture() {
	sed -n 's/^0x[0-9a-f]* //p' "$tmp/out"
}

drawn() {
	drain
	"$potadctl" map >"$tmp/out"
	cat "$tmp/out"
	same "what it is when all is free" "." "$(picture | tr -d '\n' | sed 's/\.\.*/./')"
	furnish
	"$potadctl" map >"$tmp/out"
	cat "$tmp/out"
	cells=$(picture | tr -d '\n' | wc -c)
	same "escape sequences" 0 "$(tr -dc '\033' <"$tmp/out" | wc -c)"
	[ "$(wc -L <"$tmp/out")" -le 80 ]
	same "rows" 16 "$(picture | wc -l)"
	same "capitals F" $((4194304 / (bytes / cells))) "$(picture | tr -dc F | wc -c)"
	picture | grep -q P
	picture | grep -q '[Rr]'
	# failed memory shows, however little
	same "cells in quarantine" 1 "$(picture | tr -dc x | wc -c)"
	picture | tail -n 1 | grep -q 'x$'
	for line in 'F  folio +4\.0 MiB' 'P  pgtable +256\.0 KiB' 'B  buf +4\.5 KiB' \
		'R  raw +1\.0 MiB' '\.  free +[0-9.]+ MiB' 'X  quarantined +1\.0 KiB'; do
		grep -E -q "^ $line +[0-9.]+ %\$" "$tmp/out" || {
			echo "expected '$line'"
			return 1
		}
	done
}

sized() {
	furnish
	for size in "24 1" "40 4" "80 16" "120 50" "1000 1000"; do
		width=${size% *} height=${size#* }
		"$potadctl" map --width "$width" --height="$height" >"$tmp/out"
		echo "$size: $(picture | wc -l) rows"
		[ "$(picture | wc -l)" -le "$height" ]
		picture | awk -v most="$width" 'length > most - 11 { exit 1 }'
	done
	# the finest has all of the module's cells
	same "cells" "$(($(wc -l <"$dir/cells") - 1))" "$(picture | tr -d '\n' | wc -c)"
}

as_json() {
	furnish
	"$potadctl" map --json >"$tmp/out"
	same "lines" 1 "$(wc -l <"$tmp/out")"
	grep -E -q "^\{\"start\":\"$start\",\"bytes\":$bytes,\"granule\":512," "$tmp/out"
	tr '{' '\n' <"$tmp/out" | grep -c '^"address"' >"$tmp/n"
	"$potadctl" map >"$tmp/letters"
	same "cells" "$(sed -n 's/^0x[0-9a-f]* //p' "$tmp/letters" | tr -d '\n' | wc -c)" \
		"$(cat "$tmp/n")"
	# the bytes of one kind add up to what the module says
	for what in folio buf quarantined; do
		sed 's/[,{}]/\n/g' "$tmp/out" | awk -F: -v what="\"$what\"" \
			'$1 == what { n += $2 } END { print n }' >"$tmp/$what"
	done
	same "folio" 4194304 "$(cat "$tmp/folio")"
	same "buf" 4608 "$(cat "$tmp/buf")"
	same "quarantined" 1024 "$(cat "$tmp/quarantined")"
}

vital() {
	furnish
	"$potadctl" top --count 1 >"$tmp/out"
	cat "$tmp/out"
	for line in 'allocated +5\.[0-9] MiB +[0-9.]+ %  #+\.+' 'free +[0-9.]+ MiB .*' \
		'cached .*' 'quarantined +1\.0 KiB .*' 'largest free +[0-9.]+ MiB' \
		'allocations +- +6' 'frees +- +1' 'refused +- +0' 'memory failures +- +1' \
		'found at hand +- +[0-9.]+ %' 'folio +1 +4\.0 MiB' 'buf +2 +4\.5 KiB'; do
		grep -E -q "^$line\$" "$tmp/out" || {
			echo "expected '$line'"
			return 1
		}
	done
	same "escape sequences" 0 "$(tr -dc '\033' <"$tmp/out" | wc -c)"
}

# the largest free block is what freeinfo says
largest_free() {
	alloc "$((bytes / 2))" raw
	drain
	most=$(awk '/^Free/ { for (i = 2; i <= NF; i++) if ($i) most = i - 2; print most }' \
		"$dir/freeinfo")
	"$potadctl" top --count 1 >"$tmp/out"
	grep '^largest' "$tmp/out"
	mib=$((512 << most >> 20))
	grep -E -q "^largest free +$mib\.0 MiB\$" "$tmp/out"
}

# a second one has rates: two allocations in a tenth of a second or more are seen
rates() {
	"$potadctl" top --interval 1 --count 3 >"$tmp/out" &
	runner=$!
	n=0
	while kill -0 $runner 2>/dev/null && [ $n -lt 200 ]; do
		answer alloc "4096 buf" && answer free "$(field handle "$reply")"
		n=$((n + 1))
		sleep 0.05
	done
	wait $runner
	cat "$tmp/out"
	same "times" 3 "$(grep -c '^potad at ' "$tmp/out")"
	same "without a rate" 1 "$(grep -c -E '^allocations +- ' "$tmp/out")"
	grep -E -q '^allocations +[1-9][0-9]* ' "$tmp/out"
	grep -E -q '^frees +[1-9][0-9]* ' "$tmp/out"
}

# it ends at once, with status 0, and nothing of it is left
interrupted() {
	for signal in INT TERM HUP; do
		status=0
		: >"$tmp/out"
		# in the foreground, where SIGINT is not ignored
		# shellcheck disable=SC2094 # whoever reads it waits for it
		sh -c '(until grep -q ^type "$1"; do sleep 0.2; done
			sleep 1
			kill -'$signal' $$) & exec "$0" top --interval 77' "$potadctl" "$tmp/out" \
			>"$tmp/out" || status=$?
		same "exit status after $signal" 0 $status
		grep -q '^allocations ' "$tmp/out"
	done
	# shellcheck disable=SC2009 # busybox has no pgrep -f everywhere
	same "sleepers left" 0 "$(ps | grep -c '[s]leep 77' || :)"
}

# the module goes while it runs
module_gone() {
	"$potadctl" top --interval 1 >"$tmp/out" 2>"$tmp/err" &
	runner=$!
	sleep 2
	unload
	status=0
	wait $runner || status=$?
	load "size=$size_default"
	cat "$tmp/err"
	same "exit status" 3 $status
	grep -q -E 'not loaded|is not there' "$tmp/err"
}

usage() {
	for words in "map --width" "map --width 23" "map --width 1001" "map --width=x" \
		"map --height 0" "map --height -1" "map --height 99999999999999999999" "map x" \
		"map --nosuch" "top --interval" "top --interval 0" "top --interval 0.0" \
		"top --interval -1" "top --interval 1.2.3" "top --interval=" "top --count 0" \
		"top --count 01" "top --count 1.5" "top x" "top --nosuch"; do
		status=0
		# shellcheck disable=SC2086 # several words
		"$potadctl" $words >"$tmp/out" 2>"$tmp/err" || status=$?
		same "exit status of $words" 2 $status
		same "lines on stdout" 0 "$(wc -l <"$tmp/out")"
		grep -q "^potadctl: " "$tmp/err"
	done
	for command in map top; do
		"$potadctl" $command --help | grep -q "^Usage: potadctl $command"
	done
}

check "cells: an empty region" empty
check "cells: bytes by state and type are what the module counts" counted
check "cells: blocks larger and smaller than a cell" borders
check "cells: read in pieces it is the same" in_pieces
check "F63 cells: readers that are killed" abandoned
check "cells: every line adds up while blocks come and go" under_way
check "potadctl map: letters and legend" drawn
check "potadctl map: any width and height" sized
check "potadctl map --json" as_json
check "potadctl top --count 1" vital
check "potadctl top: the largest free block" largest_free
check "potadctl top: rates" rates
check "potadctl top ends at Ctrl-C" interrupted
check "potadctl top: the module goes meanwhile" module_gone
check "potadctl map and top: wrong usage is 2" usage
end

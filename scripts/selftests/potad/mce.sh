#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory that the machine says has failed, and what becomes of it when the module is
# unloaded.
#
# Records are made by mce-inject (CONFIG_X86_MCE_INJECT), which hands them to those who
# read the kernel's, and by a real machine check where something makes such: a virtio
# port called machine-checks (scripts/guest --machine-checks). What failed so stays
# behind, for as long as the kernel runs: each test has a region of its own, a small one.

. "$(dirname "$0")/lib.sh"
size_default=8M
inject=$debugfs/mce-inject
poison=$debugfs/hwpoison/corrupt-pfn
area=$debugfs/cma/reserved

# valid, uncorrected, with address and MISC, memory scrubbing; and the same corrected,
# or without an address
lost=0xbd000000000000c0 corrected=0x9c000000000000c0 nowhere=0xb9000000000000c0

# Lines of the kernel's about machine checks, which are no faults here; ours, too, and
# those that the kernel leaves out.
machine_lines='\[Hardware Error\]|potad: machine check: memory at|callbacks suppressed'

needs_inject() {
	[ -w "$inject/bank" ] || skip "no mce-inject: $inject"
	grep -q '^vendor_id.*GenuineIntel' /proc/cpuinfo ||
		skip "another processor's records: MISC says nothing there"
	expect_reports
}

# expect_reports: counted counts from here on
expect_reports() {
	grep '^machine_' "$dir/stats" >"$tmp/before"
	allow_log "$machine_lines"
}

# until_value NAME VALUE: waits for a number in stats
until_value() {
	n=0
	until [ "$(value stats "$1")" = "$2" ]; do
		n=$((n + 1))
		if [ $n -ge 200 ]; then
			same "$1" "$2" "$(value stats "$1")"
			return 1
		fi
		sleep 0.1
	done
}

# machine_checks STATUS MISC FIRST STEP DIFFERENT COUNT: records, seen, and told
machine_checks() {
	"$here/mcestorm" "$@" "$dir/stats"
	until_value machine_waiting 0
}

# counted NAME=VALUE...: what was counted of records; all others are 0
counted() {
	# Before all have come there may be a moment with none that waits.
	for word; do
		case $word in
		events=*)
			until_value machine_events $((${word#*=} + \
				$(awk '$1 == "machine_events" { print $2 }' "$tmp/before")))
			;;
		esac
	done
	until_value machine_waiting 0
	for name in events again unmarked ignored corrected outside overflow; do
		number=0
		for word; do
			[ "${word%=*}" != "$name" ] || number=${word#*=}
		done
		same "machine_$name" "$number" "$(awk -v name="machine_$name" '$1 == name {
			print $2 - before; before = $2 }' "$tmp/before" "$dir/stats" | tail -n 1)"
	done
}

# untouched: the kernel's own handler has not seen it
untouched() {
	if since_mark | grep 'Memory failure:'; then
		echo "the kernel has handled it, too"
		return 1
	fi
}

# reaches MISC LENGTH: the owner of a block is told of that much
reaches() {
	needs_inject
	gives alloc "64K folio" 'type=folio'
	take address "$reply"
	machine_checks $lost "$1" "$(hex $((address + 0x5234)))" 0 1 1
	counted events=1
	same "owners told" 1 "$(value stats owners_told)"
	same "what is listed" \
		"$(hex $((address + 0x5234 & ~($2 - 1)))) $2 folio 1 lost $((0x5234 & ~($2 - 1))) hard" \
		"$(awk 'NR == 2 { print $2, $3, $5, $6, $7, $8, $9 }' "$dir/failures")"
	same "granules that failed" $(($2 / 512)) "$(value stats granules_failed_really)"
	untouched
	fails unpoison "$(hex $((address + 0x5234)))" EPERM ''
	free "$(awk 'NR == 2 { print $1 }' "$dir/blocks")"
	drain
	same "granules in quarantine" $(($2 / 512)) "$(value stats granules_quarantined)"
}

# outside ADDRESS: is the kernel's business, which says so
outside() {
	needs_inject
	machine_checks $lost 0x86 "$1" 0 1 1
	counted outside=1
	same "events" 0 "$(value stats failure_events)"
	since_mark | grep -q '\[Hardware Error\]: CPU .* Machine Check: ' || {
		since_mark
		echo "nobody else has seen it"
		return 1
	}
}

# no_failure COUNTER STATUS MISC: a record about the region that is none
no_failure() {
	needs_inject
	machine_checks "$2" "$3" "$start" 0 1 1
	counted "$1=1"
	same "events" 0 "$(value stats failure_events)"
	same "granules in quarantine" 0 "$(value stats granules_quarantined)"
}

# row_of COUNT: the first of as many blocks of 4 KiB that lie one behind the other
row_of() {
	awk 'NR > 1 { print $2 }' "$dir/blocks" | sort | {
		nr=0 next=0
		while read -r block; do
			if [ $((block)) -ne $next ]; then
				head=$block
				nr=0
			fi
			nr=$((nr + 1))
			next=$((block + 4096))
			[ $nr -lt "$1" ] || break
		done
		[ $nr -ge "$1" ] && echo "$head"
	}
}

# of 64 owners each is told of what is his, once
each_once() {
	needs_inject
	n=0
	while [ $n -lt 192 ]; do
		gives alloc "4K buf" 'type=buf' >/dev/null
		n=$((n + 1))
	done
	first=$(row_of 64)
	machine_checks $lost 0x8c "$first" 4096 64 128
	counted events=128 again=64
	same "owners told" 64 "$(value stats owners_told)"
	same "blocks that failed" 64 "$(awk 'NR > 1 && $6' "$dir/blocks" | wc -l)"
	same "events of a block" 1 "$(awk 'NR > 1 { n[$2]++ }
		END { for (i in n) if (n[i] > most) most = n[i]; print most }' "$dir/failures")"
	untouched
}

# 10^5 records, of 100 granules in a block and 28 beside it
storm() {
	needs_inject
	gives alloc "64K buf" 'type=buf'
	take address "$reply"
	machine_checks $lost 0x86 "$(hex $((address + 28 * 512)))" 512 128 100000
	events=$(value stats machine_events)
	overflow=$(value stats machine_overflow)
	again=$(value stats machine_again)
	echo "$events taken, $again of them known, $overflow not taken"
	same "records" 100000 $((events + overflow))
	same "granules" 128 $((events - again))
	same "owners told" 100 "$(value stats owners_told)"
	same "granules that failed" 128 "$(value stats granules_failed_really)"
	untouched
}

# kept ADDRESS, given_back ADDRESS: is the page still allocated in the area?
kept() {
	page=$((($1 >> 12) - $(cat "$area/base_pfn")))
	word=$(awk -v n=$((page / 32 + 1)) '{ print $n }' "$area/bitmap")
	[ $((word >> (page % 32) & 1)) -eq 1 ]
}

given_back() {
	if kept "$1"; then
		echo "$(hex "$1") is still in use"
		return 1
	fi
}

needs_area() {
	[ -r "$area/bitmap" ] || skip "no CMA area to look into: $area"
	[ "$(value region source)" = cma_alloc ] || skip "the region is from elsewhere"
}

# stays PAGES: unloading leaves this many pages behind, and says so
stays() {
	used=$(cat "$area/used")
	unload
	same "pages of the area in use" $((used - bytes / 4096 + $1)) "$(cat "$area/used")"
	if [ "$1" -eq 0 ]; then
		if since_mark | grep 'stay behind'; then
			return 1
		fi
	else
		expect_log "potad: $(($1 * 4096)) bytes stay behind: $1 of $((bytes / 4096)) pages have failed"
	fi
}

pretended_goes_back() {
	needs_area
	gives inject "$start 64K" 'quarantined=1'
	stays 0
}

# two granules of one page, and one of another, in a block and beside it
failed_stays() {
	needs_inject
	needs_area
	gives alloc "64K buf" 'type=buf'
	take address "$reply"
	machine_checks $lost 0x86 "$(hex $((address + 0x3200)))" 0x400 2 2
	machine_checks $lost 0x89 "$(hex $((start + bytes - 512)))" 0 1 1
	gives inject "$(hex $((address + 0x7000)))" 'told=1'
	last=$((start + bytes - 4096))
	stays 2
	kept $((address + 0x3000))
	kept $last
	given_back $((address + 0x2000))
	given_back $((address + 0x4000))
	given_back $((address + 0x7000))
	# nor does the next one get them
	load "size=$size_default"
	next=$(value region start)
	for page in $((address + 0x3000)) $last; do
		[ $((page)) -lt $((next)) ] || [ $((page)) -ge $((next + bytes)) ]
	done
	unload
}

# What was pretended, and then really happens, has happened.
pretended_and_failed_stays() {
	needs_inject
	needs_area
	gives inject "$start" 'quarantined=1'
	machine_checks $lost 0x86 "$start" 0 1 1
	counted events=1 again=1
	stays 1
	kept $((start))
}

needs_poison() {
	[ -w "$poison" ] || skip "no hwpoison-inject: $poison"
	allow_log 'Memory failure: |Injecting memory failure'
}

# What the kernel does by itself: it marks the page, and leaves it to us, who are not
# told. At the end it stays behind.
marked_stays() {
	needs_poison
	needs_area
	page=$((start + 0x5000))
	echo $((page >> 12)) >"$poison" || echo "the kernel could do nothing"
	since_mark | grep "Memory failure: $(hex $((page >> 12))): .*Ignored"
	same "events" 0 "$(value stats failure_events)"
	gives lookup "$(hex $page)" 'state=free'
	stays 1
	kept $page
}

# mem_free: kilobytes; cma_free makes all CPUs hand in what they keep to themselves
mem_free() {
	cma_free >/dev/null
	awk '/^MemFree:/ { print $2 }' /proc/meminfo
}

marked_stays_elsewhere() {
	needs_poison
	unload
	load "size=$size_default" cma=none
	start=$(value region start)
	echo $(((start >> 12) + 3)) >"$poison" || echo "the kernel could do nothing"
	free=$(mem_free)
	unload
	expect_log "potad: 4096 bytes stay behind: 1 of $((bytes / 4096)) pages have failed"
	now=$(mem_free)
	[ $((now - free)) -gt $((bytes * 9 / 10240)) ] || {
		echo "MemFree $free kB, and $now kB after $((bytes / 1024)) kB were given back"
		return 1
	}
}

# Records come on while the module goes, a thousand in a second.
unload_in_storm() {
	needs_inject
	needs_area
	allow_log 'MCE records pool full|bytes stay behind: 1 of'
	rounds=0
	while [ $rounds -lt 3 ]; do
		fresh
		gives alloc "64K folio" 'type=folio' >/dev/null
		take address "$reply"
		"$here/mcestorm" $lost 0x86 "$address" 0 1 100000 &
		storm=$!
		until_value owners_told 1
		used=$(cat "$area/used")
		unload
		kill $storm
		wait $storm || :
		same "pages of the area in use" $((used - bytes / 4096 + 1)) "$(cat "$area/used")"
		kept $((address))
		rounds=$((rounds + 1))
	done
}

needs_machine() {
	grep -l -x machine-checks /sys/class/virtio-ports/*/name >"$tmp/port" 2>/dev/null ||
		skip "nothing here makes machine checks: no virtio port called machine-checks"
	port=/dev/$(basename "$(dirname "$(cat "$tmp/port")")")
	expect_reports
}

# really ADDRESS MISC: a machine check, over and done with
really() {
	echo "$1 $2" >&7
	read -r reply <&7
	case $reply in
	"sent $1 $2") ;;
	*) echo "the machine says '$reply'"; return 1 ;;
	esac
}

# 200 owners; each loses 64 bytes, 512 or a page
really_each_once() {
	needs_machine
	n=0
	while [ $n -lt 200 ]; do
		gives alloc "4K buf" 'type=buf' >/dev/null
		n=$((n + 1))
	done
	awk 'NR > 1 { print $2 }' "$dir/blocks" >"$tmp/addresses"
	exec 7<>"$port"
	n=0
	granules=0
	while read -r address; do
		case $((n % 3)) in
		0) really "$(hex $((address + 0xa40)))" 0x86; granules=$((granules + 1)) ;;
		1) really "$(hex $((address + 0xa40)))" 0x89; granules=$((granules + 1)) ;;
		2) really "$(hex $((address + 0xa40)))" 0x8c; granules=$((granules + 8)) ;;
		esac
		n=$((n + 1))
	done <"$tmp/addresses"
	until_value failure_events 200
	until_value machine_waiting 0
	counted events=200
	same "owners told" 200 "$(value stats owners_told)"
	same "granules that failed" $granules "$(value stats granules_failed_really)"
	same "blocks that failed" 200 "$(awk 'NR > 1 && $6' "$dir/blocks" | wc -l)"
	awk 'NR > 1 { print $2, $3, $6, $7 }' "$dir/failures" >"$tmp/told"
	n=0
	while read -r address; do
		case $((n % 3)) in
		2) echo "$address 4096 1 recovered" ;;
		*) echo "$(hex $((address + 0xa00))) 512 1 recovered" ;;
		esac
		n=$((n + 1))
	done <"$tmp/addresses" | diff - "$tmp/told"
	untouched
}

# The kernel takes it out of use by itself.
really_outside() {
	needs_machine
	allow_log 'Memory failure: '
	exec 7<>"$port"
	really 0x3000000 0x8c
	n=0
	until since_mark | grep 'Memory failure: 0x3000: '; do
		n=$((n + 1))
		[ $n -lt 100 ]
		sleep 0.1
	done
	counted outside=1
	same "events" 0 "$(value stats failure_events)"
}

begin
fresh || exit 1
check "64 bytes inside reach the owner" reaches 0x86 512
check "512 bytes inside reach the owner" reaches 0x89 512
check "a page inside reaches the owner" reaches 0x8c 4096
check "what is before the region is left to the kernel" outside "$(hex $((start - 64)))"
check "what is behind the region is left to the kernel" outside "$(hex $((start + bytes)))"
check "F39 no address: ignored, counted" no_failure ignored $nowhere 0x86
check "F39 a linear address: ignored, counted" no_failure ignored $lost 0x46
check "F39 no granule: ignored, counted" no_failure ignored 0xb5000000000000c0 0
check "F39 more than a page: ignored, counted" no_failure ignored $lost 0x95
check "corrected is no failure" no_failure corrected $corrected 0x86
check "each of 64 owners is told once" each_once
check "F36 of 10^5 records none is lost" storm
check "F48 what failed in pretence goes back" pretended_goes_back
check "F48 what has really failed stays behind" failed_stays
check "F48 what failed really after it did in pretence stays behind" pretended_and_failed_stays
check "F48 what the kernel has marked stays behind" marked_stays
check "F48 from the page allocator, too" marked_stays_elsewhere
check "F50 unloaded while records come" unload_in_storm
check "200 machine checks: each of 200 owners is told once" really_each_once
check "a machine check outside is left to the kernel" really_outside

end

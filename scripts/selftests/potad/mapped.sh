#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A block in the address space of a process: its contents stay in place for it when the
# block moves, and when they are lost it gets SIGBUS, with the address.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

# What take sets.
handle='' address='' size='' reply=''

# Lines of the kernel's about a process that gets a signal.
signals='MCE: Killing mapper:[0-9]+ due to hardware memory corruption fault'

# mapped SIZE TYPE: a block with contents, and a process that has all of it; $handle
mapped() {
	gives alloc "$1 $2 fill" " type=$2"
	take handle "$reply"
	take address "$reply"
	take size "$reply"
	rm -f "$tmp/ask" "$tmp/told"
	mkfifo "$tmp/ask" "$tmp/told"
	"$here/mapper" "$dir/map" "$handle" "$size" <"$tmp/ask" >"$tmp/told" &
	mapper=$!
	exec 8>"$tmp/ask" 9<"$tmp/told"
	read -r line <&9
	same "the process" mapped "$line"
}

# does COMMAND ANSWER: the process does that, and this is what it says
does() {
	echo "$1" >&8
	read -r line <&9
	same "$1" "$2" "$line"
}

# leaves: it ends, and with it the mapping
leaves() {
	exec 8>&- 9<&-
	wait "$mapper"
}

# no_mapping ANSWER HANDLE BYTES [WORD]: what the process says of one that there cannot be
no_mapping() {
	wanted=$1
	shift
	same "mapper $*" "$wanted" "$("$here/mapper" "$dir/map" "$@" </dev/null || :)"
}

seen() {
	mapped 64K folio
	gives check "$handle" '^read=65536 '
	sum=$(field sum "$reply")
	does sum "$sum"
	does "write 5000 77" written
	fails check "$handle" EUCLEAN ''
	leaves
	free "$handle"
}

# stays_in_place HOW: it moves by migrate, or because it is going to fail
stays_in_place() {
	mapped 64K folio
	gives check "$handle" '^read=65536 '
	sum=$(field sum "$reply")
	does sum "$sum"
	case $1 in
	migrate) gives migrate "$address" "^from=$address " ;;
	soft) gives inject "$handle+8192 soft" 'answer=moved' ;;
	esac
	[ "$(awk -v h="$handle" '$1 == h { print $2 }' "$dir/blocks")" != "$address" ]
	does sum "$sum"
	does "write 65535 78" written
	does "read 65535" 78
	# and it is the block that was written to, not what it has left
	fails check "$handle" EUCLEAN ''
	leaves
	free "$handle"
}

lost_is_sigbus() {
	allow_log "$signals"
	mapped 64K folio
	does "write 100 7" written
	gives inject "$handle+20480" 'answer=lost'
	does "read 20500" "sigbus mceerr 20500 12"
	does "read 100" "sigbus mceerr 100 12"
	does "write 20480 1" "sigbus mceerr 20480 12"
	leaves
	free "$handle"
}

rebuilt_is_read() {
	mapped 32K buf
	gives check "$handle" '^read=32768 '
	sum=$(field sum "$reply")
	does sum "$sum"
	gives inject "$handle+4096" 'answer=recovered'
	does sum "$sum"
	leaves
	free "$handle"
}

given_up_is_sigbus() {
	mapped 16K folio
	does "read 1" "$(echo "read 1" | "$here/mapper" "$dir/map" "$handle" 4096 | tail -n 1)"
	gives free "$handle" freed
	does "read 1" "sigbus adrerr 1 0"
	# its memory is another's by now
	gives alloc "16K folio fill" 'type=folio'
	take handle "$reply"
	does "read 1" "sigbus adrerr 1 0"
	leaves
	free "$handle"
}

holds_the_module() {
	mapped 4K folio
	if rmmod potad 2>"$tmp/err"; then
		echo "unloaded with a mapping"
		return 1
	fi
	does "read 0" "$(echo "read 0" | "$here/mapper" "$dir/map" "$handle" 4096 | tail -n 1)"
	leaves
	free "$handle"
}

nonsense() {
	no_mapping "mmap ENOENT" 1 4096
	gives alloc "16K folio" 'type=folio'
	take handle "$reply"
	no_mapping "mmap EINVAL" "$handle" 4096
	free "$handle"
	for type in pgtable raw; do
		gives alloc "16K $type fill" "type=$type"
		take handle "$reply"
		no_mapping "mmap EOPNOTSUPP" "$handle" 4096
		free "$handle"
	done
	gives alloc "16K folio fill" 'type=folio'
	take handle "$reply"
	no_mapping "mmap EINVAL" "$handle" 4096 private
	no_mapping "mmap ENXIO" "$handle" 20480
	no_mapping "mmap ENXIO" "$handle" 4096 16384
	no_mapping mapped "$handle" 4096 12288
	free "$handle"
	gives alloc "512 folio fill" 'type=folio'
	take handle "$reply"
	no_mapping "mmap ENXIO" "$handle" 4096
	free "$handle"
}

# It moves to and fro while the process reads: never anything else.
moves_all_the_time() {
	mapped 256K folio
	gives check "$handle" '^read='
	sum=$(field sum "$reply")
	n=0
	while [ $n -lt 20 ]; do
		address=$(awk -v h="$handle" '$1 == h { print $2 }' "$dir/blocks")
		echo sum >&8
		gives migrate "$address" "^from=$address " >/dev/null
		read -r line <&9
		same "the sum" "$sum" "$line"
		n=$((n + 1))
	done
	leaves
	free "$handle"
}

check "what is mapped is the block" seen
check "C4 a block that moves stays in place for the process" stays_in_place migrate
check "C4 so does one that is going to fail" stays_in_place soft
check "C4 lost contents are SIGBUS, with the address" lost_is_sigbus
check "C4 what is written again is read" rebuilt_is_read
check "what is given up is SIGBUS" given_up_is_sigbus
check "a mapping holds the module" holds_the_module
check "mappings that there cannot be" nonsense
check "a block that moves all the time is read whole" moves_all_the_time

end

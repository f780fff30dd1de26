#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A module of its own whose blocks come from potad (scripts/examples): its way in,
# what it is told, and who cannot be unloaded while what is there. The module is
# looked for beside potad's.

. "$(dirname "$0")/lib.sh"
begin

client=$(dirname "$ko")/potad_client.ko
facts=/sys/module/potad_client/parameters

# with PARAMETER...: potad and the client, which must have found all well
with() {
	[ -r "$client" ] || skip "no potad_client.ko beside $ko"
	load "size=$size_default"
	insmod "$client" "$@"
	same result 0 "$(cat $facts/result)"
}

# unload: the client first, whatever a test has left of it
unload() {
	if [ -d $facts ]; then
		echo 0 >$facts/keep
		rmmod potad_client
	fi
	rmmod potad
}

whole_way() {
	with
	same "failures that it was told of" 1 "$(cat $facts/told)"
	same "how often it moved" 1 "$(cat $facts/moved)"
	since_mark | grep 'potad_client: note 1: 512 bytes failed at +1024$'
	grep '^note [0-9]* 4 ' "$dir/types"
	same "owners told" 1 "$(value stats owners_told)"
	gives drain 1 drained
	same "granules in quarantine" 1 "$(value stats granules_quarantined)"
	same "blocks live" 0 "$(value stats blocks_live)"
	unload
}

# its block keeps the client, the client keeps potad
live() {
	with keep=1
	same "blocks live" 1 "$(value stats blocks_live)"
	if rmmod potad_client; then
		echo "unloaded with a block of it live"
		return 1
	fi
	if rmmod potad; then
		echo "potad unloaded with a client"
		return 1
	fi
	# its block is found by whom asks
	at=$(($(value region start))) found=
	while [ -z "$found" ] && [ $at -lt $(($(value region start) + 33554432)) ]; do
		answer lookup "$(hex $at)"
		case $reply in
		*" type=note "*) found=$at ;;
		esac
		at=$((at + 4096))
	done
	[ -n "$found" ]
	# and moves, with the client's own code
	gives migrate "$(hex "$found")" 'type=note owner=-$'
	echo 0 >$facts/keep
	same "blocks live" 0 "$(value stats blocks_live)"
	unload
}

# without blocks the client still keeps potad
idle() {
	with
	if rmmod potad; then
		echo "potad unloaded with a client"
		return 1
	fi
	loaded
	unload
}

# nobody else allocates of its type
foreign() {
	with
	fails alloc "4096 note" EPERM ''
	fails evacuate "$(value region start) 4096 note" EPERM ''
	unload
}

# in and out, with a block each time: its code is never called when it has gone
again() {
	[ -r "$client" ] || skip "no potad_client.ko beside $ko"
	load "size=$size_default"
	n=0
	while [ $n -lt "$cycles" ]; do
		insmod "$client" keep=1
		same result 0 "$(cat $facts/result)"
		echo 0 >$facts/keep
		rmmod potad_client
		n=$((n + 1))
	done
	[ "$(grep -c '^note ' "$dir/types")" = 0 ]
	unload
}

# ERRNO NAME: no type is called that
called() {
	[ -r "$client" ] || skip "no potad_client.ko beside $ko"
	load "size=$size_default"
	"$here/failnth" 0 insmod "$client" "name=$2" >"$tmp/insmod" || :
	cat "$tmp/insmod"
	grep -E "result=-1 $1$" "$tmp/insmod"
	[ ! -e $facts ]
	unload
	allow_log .
}

check "F49 a client is told, moves, and gives all back" whole_way
check "F49 a client with a live block cannot be unloaded, nor potad under it" live
check "F49 potad cannot be unloaded under a client without blocks" idle
check "F16 nobody else allocates of a client's type" foreign
check "F49 a client comes and goes" again
# newer kernels keep EEXIST from init for modules that are loaded already
check "F60 a name that is in use is refused" called '(EEXIST|EBUSY)' buf
check "F60 an empty name is refused" called EINVAL ''
check "F60 a name of 32 letters is refused" called EINVAL abcdefghijklmnopqrstuvwxyzabcdef
check "F60 a name of 1000 letters is refused" called EINVAL "$(printf '%01000d' 0)"
check "F60 a name with a slash is refused" called EINVAL a/b
check "F60 a name with a dot is refused" called EINVAL a.b

end

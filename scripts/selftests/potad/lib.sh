# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What every test script of the potad module shares.
#
# A script sources this file, says begin, and then has one line a test, starting
# with check, granted or refused. begin counts those lines in the script itself:
# that is the plan, so a script that stops half way has run fewer tests than it
# promised. The tests' results go out as KTAP through the kernel's own helpers
# (kselftest/ktap_helpers.sh, put beside by the kselftest installation).
#
# Every test finds a module with nothing allocated and nothing in quarantine: what
# one leaves behind is thrown away before the next, by loading the module anew.
# (Scripts about loading itself do not call fresh, and get no module.)
#
# A test passes only if
#   - its function returned 0 (it runs in a subshell with set -e),
#   - the module's books balance afterwards: free, allocated and quarantined
#     granules add up to the whole, and its validator finds nothing wrong,
#   - the kernel log got no warning or worse meanwhile. That makes silence on a
#     user's mistake part of every test; a test that must find a line in the log
#     says so with expect_log.
# A function that cannot test says skip "reason". A test of 10 seconds and more says how
# long it took, for people; nothing depends on it.
#
# The names of tests carry the rows of the project's fault checklist (F01 ...).
#
# Environment: POTAD_KO the module's file (default: beside this file, else
# the installed one), POTAD_SIZE the region for tests that do not care (default 32M),
# POTAD_CYCLES how often load and unload are repeated (default 10).

export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
debugfs=/sys/kernel/debug
dir=$debugfs/potad
size_default=${POTAD_SIZE:-32M}
# shellcheck disable=SC2034 # the scripts use these two
cycles=${POTAD_CYCLES:-10} tab=$(printf '\t')

if [ ! -r "$here/../kselftest/ktap_helpers.sh" ]; then
	echo "Bail out! no kselftest/ktap_helpers.sh: install the tests first"
	exit 1
fi
# shellcheck source=/dev/null
. "$here/../kselftest/ktap_helpers.sh"

ko=${POTAD_KO:-}
for place in "$here/potad.ko" "/lib/modules/$(uname -r)/updates/potad.ko"; do
	if [ -z "$ko" ] && [ -r "$place" ]; then
		ko=$place
	fi
done

# shellcheck disable=SC2034 # the scripts use it
if [ -x "$here/potadctl" ]; then
	potadctl=$here/potadctl
else
	potadctl=${POTADCTL:-potadctl}
fi

tmp=$(mktemp -d /tmp/potad.XXXXXX)
finished=

# ---- the module -------------------------------------------------------------

loaded() {
	[ -d /sys/module/potad ]
}

# load [PARAMETER...]: the module with these parameters, nothing added
load() {
	insmod "$ko" "$@"
}

# load_fails ERRNO PARAMETERS: one attempt, which must fail with this errno (a
# pattern). insmod would not do: it may try twice, by two system calls.
load_fails() {
	if "$here/failnth" 0 insmod "$ko" "$2" >"$tmp/insmod"; then
		echo "loaded with $2"
		unload
		return 1
	fi
	cat "$tmp/insmod"
	grep -E -q "result=-1 $1$" "$tmp/insmod" || {
		echo "expected $1"
		return 1
	}
	gone
}

unload() {
	rmmod potad
}

# gone: the module must not be there
gone() {
	if loaded; then
		echo "the module is loaded"
		return 1
	fi
}

# fresh: a newly loaded module, all of its memory whole and free; $start and $bytes
# say where that is
# shellcheck disable=SC2034 # the scripts use start and bytes
fresh() {
	if loaded; then
		unload || return 1
	fi
	load "size=$size_default" || return 1
	start=$(value region start)
	bytes=$(value region bytes)
}

# ---- reading facts ------------------------------------------------------------

# value FILE NAME: one value of a file of "name value" lines
value() {
	awk -v name="$2" '$1 == name { print $2; found = 1 } END { exit !found }' "$dir/$1"
}

# take NAME REPLY: one value of a reply made of name=value words, into $NAME
take() {
	for word in $2; do
		case $word in
		"$1="*)
			eval "$1=\${word#*=}"
			return
			;;
		esac
	done
	echo "no $1= in '$2'" >&2
	return 1
}

# field NAME REPLY: the same, printed
field() {
	take "$1" "$2" && eval "printf '%s\n' \"\$$1\""
}

# hex NUMBER: an address as the module prints it
hex() {
	printf '0x%x\n' "$1"
}

# cma_free: CMA's free kilobytes. Free pages that a CPU keeps to itself are not
# counted by the kernel; asking the area for one page makes all CPUs hand theirs in.
cma_free() {
	if [ -w "$debugfs/cma/reserved/alloc" ]; then
		echo 1 >"$debugfs/cma/reserved/alloc"
		echo 1 >"$debugfs/cma/reserved/free"
	fi
	awk '/^CmaFree:/ { free = $2 } END { print free + 0 }' /proc/meminfo
}

# cma_available: the area's own count of its free pages, exact at any time
cma_available() {
	cat /sys/kernel/mm/cma/reserved/available_pages 2>/dev/null || echo none
}

# cma_state: what cma_back shall find again later
cma_state() {
	echo "$(cma_available) $(cma_free)"
}

# cma_back STATE: is CMA as it was? The area's own count must be the same, to the
# page. CmaFree counts the movable pages of programs that lie in the area as well:
# of these, a few may have come or gone.
cma_back() {
	same "pages available in the CMA area" "${1% *}" "$(cma_available)"
	differ=$((${1#* } - $(cma_free)))
	if [ "${differ#-}" -ge 1024 ]; then
		same CmaFree "${1#* }" "$(cma_free)"
	fi
}

cma_total() {
	awk '/^CmaTotal:/ { total = $2 } END { print total + 0 }' /proc/meminfo
}

# state: all that a refused request must leave as it is. What lies in caches is
# free as well, and may move when a request is tried in vain.
state() {
	awk 'FILENAME !~ /stats$/ || (/^(granules_|blocks_live )/ && !/^granules_cached /)' \
		"$dir/stats" "$dir/blocks" "$dir/types" "$dir/failures" "$dir/region"
}

# books: do the granules add up, and is the validator content? Sets $held to
# whatever is allocated or in quarantine.
books() {
	held=$(awk '
	{ v[$1] = $2 }
	END {
		sum = v["granules_free"] + v["granules_allocated"] + v["granules_quarantined"]
		if (!v["granules_total"] || sum != v["granules_total"]) {
			printf "granules: free %d + allocated %d + quarantined %d, total %d\n",
				v["granules_free"], v["granules_allocated"],
				v["granules_quarantined"], v["granules_total"]
			exit 1
		}
		if (v["blocks_live"] + v["granules_quarantined"])
			printf "%d blocks, %d granules in quarantine\n", v["blocks_live"],
				v["granules_quarantined"]
	}' "$dir/stats") || {
		echo "$held"
		return 1
	}
	answer validate 1 || {
		echo "validate: $reply"
		return 1
	}
	case $reply in
	ok*) ;;
	*) echo "validate answered '$reply'"; return 1 ;;
	esac
}

# ---- asking ---------------------------------------------------------------------

# answer FILE REQUEST: write it, leave the first line of the reply, read from the
# same open file, in $reply; status 1 if the write failed. (No processes: under an
# emulator and with sanitizers those are what takes time.)
answer() {
	refusal=0
	reply=
	{
		printf '%s\n' "$2" >&3 2>/dev/null || refusal=1
		IFS= read -r reply <&3 || :
	} 3<>"$dir/$1"
	return $refusal
}

# ask FILE REQUEST: the same with the whole reply on stdout
ask() {
	refusal=0
	{
		printf '%s\n' "$2" >&3 2>/dev/null || refusal=1
		cat <&3
	} 3<>"$dir/$1"
	return $refusal
}

# fails FILE REQUEST ERRNO[|ERRNO] REASON: the write must fail with one of these, the
# reply must name it with a reason that has these words, nothing may have changed
fails() {
	before=$(state)
	"$here/rawio" "$dir/$1" line "$2" read >"$tmp/reply" || return 1
	{
		read -r call result errno
		read -r _
		IFS= read -r reply
	} <"$tmp/reply" || :
	echo "$call $result $errno: $reply"
	case "|$3|" in
	*"|$errno|"*) ;;
	*) errno=missing ;;
	esac
	if [ "$call $result" != "line -1" ] || [ "$errno" = missing ]; then
		echo "expected the write to fail with $3"
		return 1
	fi
	reason=${reply#"error: $errno: "}
	case $reason in
	"$reply" | '') reason=missing ;;
	*"$4"*) ;;
	*) reason=missing ;;
	esac
	if [ "$reason" = missing ]; then
		echo "expected the reply 'error: $errno: ...$4...'"
		return 1
	fi
	after=$(state)
	if [ "$before" != "$after" ]; then
		printf 'the refused request changed\n%s\nto\n%s\n' "$before" "$after"
		return 1
	fi
}

# gives FILE REQUEST PATTERN: the request must succeed with a reply of one line that
# matches; it stays in $reply
gives() {
	answer "$1" "$2" || {
		echo "'$2' to $1 was refused: $reply"
		return 1
	}
	grep -E -q -e "$3" <<-END || {
		$reply
	END
		echo "'$2' to $1 gave '$reply', expected '$3'"
		return 1
	}
	echo "$reply"
}

# alloc SIZE TYPE: print the reply or fail with it
alloc() {
	if answer alloc "$1 $2"; then
		case $reply in
		"handle="*" type=$2" | "handle="*" type=$2 "*) echo "$reply"; return ;;
		esac
	fi
	echo "alloc $1 $2: $reply"
	return 1
}

free() {
	if answer free "$1"; then
		case $reply in
		"handle=$1 freed "*) echo "$reply"; return ;;
		esac
	fi
	echo "free $1: $reply"
	return 1
}

# drain: nothing is kept at hand; what was freed is free
drain() {
	gives drain 1 '^drained blocks=[0-9]+$'
}

# lend REQUEST PATTERN: an allocation that must be granted so, and its way back
lend() {
	gives alloc "$1" "$2"
	free "$(field handle "$reply")"
}

# same WHAT EXPECTED SEEN
same() {
	[ "$2" = "$3" ] || {
		echo "$1: expected '$2', found '$3'"
		return 1
	}
}

# ---- results ----------------------------------------------------------------------

skip() {
	echo "$*"
	exit "$KSFT_SKIP"
}

mark() {
	marker="potad-selftest $$ test $KTAP_TESTNO."
	echo "<6>$marker" >/dev/kmsg
	rm -f "$tmp/allowed"
}

# since_mark: the kernel's lines since then, with their <level>
since_mark() {
	dmesg -r | awk -v marker="$marker" '
	index($0, marker) { n = 0; next }
	{ line[n++] = $0 }
	END { for (i = 0; i < n; i++) print line[i] }'
}

# what a kernel in trouble writes, whatever the level
reports='WARNING:|BUG:|KASAN|Oops|general protection|kmemleak: [0-9]+ new'
reports="$reports|possible recursive|inconsistent lock|blocked for more|stall"

# what the kernel says of the first module from outside its tree
taints='loading out-of-tree module taints kernel|module verification failed'

# quiet: nothing at warning level or worse but what a test allowed, and no report
quiet() {
	dmesg -r | awk -v marker="$marker" -v allowed="$taints$allowed" -v reports="$reports" '
	index($0, marker) { n = 0; next }
	(/^<[0-4]>/ && $0 !~ allowed) || $0 ~ reports { line[n++] = $0 }
	END {
		for (i = 0; i < n; i++)
			print line[i]
		if (n)
			print "the kernel log has these"
		exit n != 0
	}'
}

# expect_log PATTERN: this test must have made the kernel log exactly one line at
# warning level or worse that matches; it is no fault then
expect_log() {
	found=$(since_mark | grep -E '^<[0-4]>' | grep -E -v "$taints" | grep -E -c "$1") || true
	same "log lines that match '$1'" 1 "$found" || {
		since_mark
		return 1
	}
	allow_log "$1"
}

# allow_log PATTERN: lines at warning level or worse that match are no fault
allow_log() {
	echo "|$1" >>"$tmp/allowed"
}

# check NAME FUNCTION [ARGUMENT...]: one test
check() {
	name=$1
	shift
	mark
	held=
	read -r began _ </proc/uptime
	(
		set -e
		"$@"
	) >"$tmp/said" 2>&1
	result=$?
	allowed=
	if [ -e "$tmp/allowed" ]; then
		allowed=$(tr -d '\n' <"$tmp/allowed")
	fi
	{
		if [ -d "$dir" ] && ! books; then
			result=1
		fi
		quiet || result=1
		if [ -z "${bytes:-}" ]; then
			# without fresh, only a test that failed leaves a module behind
			[ $result -eq 0 ] || ! loaded || unload
		elif [ -n "$held" ] || [ $result -ne 0 ] || [ ! -d "$dir" ]; then
			fresh || result=1
		fi
	} >>"$tmp/said" 2>&1
	read -r ended _ </proc/uptime
	took=$((${ended%.*} - ${began%.*}))
	[ $took -lt 10 ] || echo "# $name: took $took s"
	case $result in
	0)
		ktap_test_pass "$name"
		;;
	"$KSFT_SKIP")
		ktap_test_skip "$name ($(tail -n 1 "$tmp/said"))"
		;;
	*)
		echo "# $name: status $result"
		sed 's/^/#   /' "$tmp/said"
		ktap_test_fail "$name"
		;;
	esac
}

# refused NAME FILE REQUEST ERRNO REASON: a test that is one refusal
refused() {
	name=$1
	shift
	check "$name" fails "$@"
}

# granted NAME REQUEST PATTERN: a test that is one allocation
granted() {
	check "$1" lend "$2" "$3"
}

leave() {
	status=$?
	trap - EXIT
	rm -rf "$tmp"
	if [ -z "$finished" ]; then
		while [ "$KTAP_TESTNO" -le "$KSFT_NUM_TESTS" ]; do
			ktap_test_fail "${0##*/} ended early with status $status, not run"
		done
		ktap_print_totals
		status=1
	fi
	! loaded || rmmod potad 2>/dev/null || status=1
	exit "$status"
}

# begin: header, plan, and what has to be there
begin() {
	ktap_print_header
	if [ "$(id -u)" -ne 0 ]; then
		finished=yes
		ktap_skip_all "must be root"
		exit "$KSFT_SKIP"
	fi
	if [ ! -r "$ko" ]; then
		finished=yes
		ktap_skip_all "no module: POTAD_KO is '$ko'"
		exit "$KSFT_SKIP"
	fi
	trap leave EXIT
	trap 'exit 1' HUP INT TERM
	ktap_set_plan "$(grep -c -E '^(check|granted|refused) ' "$0")"
	grep -q " $debugfs debugfs " /proc/mounts ||
		mount -t debugfs none "$debugfs" 2>/dev/null || :
}

# end: the verdict. ktap_finished exits, and leave sees that we came this far.
end() {
	finished=yes
	ktap_finished
}

# five: a recording of five lines
five() {
	printf '# POTT 1\n0,0,P,8,3,0,0,0\n1,1,A,10,0,0,1,7\n1,1,A,11,0,1,2,7\n9,0,F,10,0\n'
}

# stream NAME SETTINGS RECORDING: writes both to a file that takes that; the report, or
# the reason, is in $tmp/report; status 1 if the module refused
stream() {
	refusal=0
	{
		{
			[ -z "$2" ] || printf '%s\n' "$2"
			cat "$3"
		} >&3 2>/dev/null || refusal=1
		# the first read may fail: then the second has the reason
		cat <&3 >"$tmp/report" 2>/dev/null || {
			refusal=1
			cat <&3 >"$tmp/report"
		}
	} 3<>"$dir/$1"
	return $refusal
}

# no_stream NAME ERRNO REASON SETTINGS RECORDING: as stream; it must be refused, with this
# errno and, in the one line of the reason, this
no_stream() {
	if stream "$1" "$4" "$5"; then
		cat "$tmp/report"
		echo "not refused"
		return 1
	fi
	cat "$tmp/report"
	same "lines of a reason" 1 "$(wc -l <"$tmp/report")"
	grep -q "^error: $2: .*$3" "$tmp/report"
}

# got NAME: a value of the report
got() {
	awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' "$tmp/report"
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the kernel scripts share: messages, the cache, a private view of Debian's
# archive, and a build that shows how far it is. Sourced, never run.
#
# The cache holds, below ${XDG_CACHE_HOME:-~/.cache}/potad:
#
#	apt/	lists and settings of the private view of the archive
#	src/	linux-VERSION, unpacked source trees
#	build/	NAME-VERSION-KEY, built kernels; whole once .complete is there

cache=${XDG_CACHE_HOME:-$HOME/.cache}/potad

say() { printf '%s\n' "$*" >&2; }
die() {
	say "${0##*/}: $*"
	exit 1
}

# Nothing that an outer make or the caller's environment says about its own
# build may leak into ours.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES ARCH LLVM CROSS_COMPILE KBUILD_OUTPUT \
	KBUILD_EXTMOD KCFLAGS GREP_OPTIONS
export LC_ALL=C

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# One builder at a time: two would only halve each other's speed.
lock() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 && return
	say "${0##*/}: waiting for another build to finish"
	flock 9
}

# The mirror that serves this machine's own release, as apt understands its
# configuration, whatever format that is written in.
mirror() {
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sed -n "s/ $codename main\$//p" | head -n 1
}

# apt_private get|cache ARGUMENTS: apt with our own sources and lists, on top of
# the machine's proxies and credentials. What is installed here does not count.
apt_private() {
	tool=apt-$1
	shift
	"$tool" -q -o Dir::Etc::SourceList="$cache/apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Status=/dev/null \
		-o Dir::State::Lists="$cache/apt/lists" \
		-o Dir::Cache::PkgCache= -o Dir::Cache::SrcPkgCache= \
		-o Acquire::Languages=none -o APT::Sandbox::User= "$@" >&2
}

# Brings the private lists up to date, unless that was done within the hour.
apt_refresh() {
	[ -z "$(find "$cache/apt/refreshed" -mmin -60 2>/dev/null)" ] || return 0
	mirror=$(mirror)
	[ -n "$mirror" ] ||
		die "no Debian mirror in apt's configuration; pass a kernel tree with KSRC="
	mkdir -p "$cache/apt/lists/partial"
	for suite in bookworm bookworm-backports trixie trixie-backports; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
			"$mirror $suite main"
	done >"$cache/apt/sources.list"
	say "${0##*/}: reading the package lists of $mirror"
	apt_private get update >&2 || die "apt-get update failed"
	touch "$cache/apt/refreshed"
}

# progress ABOUT LABEL LOG COMMAND...: runs COMMAND into LOG and tells every ten
# seconds (on a terminal: every second, in place) how long it took and how many
# objects are done of ABOUT many. A failure shows the log's end.
progress() {
	about=$1 label=$2 log=$3
	shift 3
	began=$(date +%s)
	"$@" >"$log" 2>&1 9>&- &
	job=$!
	trap 'kill "$job"; exit 130' INT TERM HUP
	ticks=0
	while kill -0 "$job" 2>/dev/null; do
		sleep 1
		ticks=$((ticks + 1))
		[ -t 2 ] || [ $((ticks % 10)) -eq 0 ] || continue
		line="$label: $(minutes $(($(date +%s) - began)))"
		line="$line, $(grep -cE '^  (CC|AS|HOSTCC|LD|AR) ' "$log" || :) of about $about objects"
		if [ -t 2 ]; then printf '\r%s ' "$line" >&2; else say "$line"; fi
	done
	trap - INT TERM HUP
	[ ! -t 2 ] || say ""
	wait "$job" || {
		tail -n 30 "$log" >&2
		die "$label failed; everything it said is in $log"
	}
	say "$label: done in $(minutes $(($(date +%s) - began)))"
}

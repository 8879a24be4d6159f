# SPDX-License-Identifier: MIT
#
# Sourced by the suites of tests/conformance: where things are, the root file
# system that they share, running on the host and in the guest, and comparing.
#
# A suite is a directory with run.sh, made once and kept in the cache.  It is
# /suite both on the host (bound into a root of its own, in namespaces of its
# own) and in the guest (a second disk).  run.sh prints for each single test
#	@@ ok|skip|fail NAME
# and last "@@ end".  What passes on the host must pass in the guest, but for
# the tests that NAME/expected.txt lists with their reasons.
set -u
umask 022
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/conformance
um=${EFT_UM:-$top/build/um/arch_um/eft-um}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/eft/conformance
mirror=${EFT_MIRROR:-http://deb.debian.org/debian}
release=${EFT_SUITE:-bookworm}
results=$top/build/test/conformance	# what the last run printed, for reading
PATH=$PATH:/usr/sbin:/sbin
name=$(basename "$0" .sh)
suite=conformance/$name
work=$(mktemp -d "${TMPDIR:-/tmp}/eft-conformance.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$cache/debs"

ok() { echo "ok $suite/$1"; }
not_ok() { echo "not ok $suite/$1${2:+ # $2}"; }
# The suite cannot go on.
give_up() { [ ! -f "$work/log" ] || tail -n 5 "$work/log" | sed 's/^/#   /'; not_ok "$1" "$2"; exit 1; }
# need COMMAND PACKAGE: installs it where it is missing.
need() {
	command -v "$1" >/dev/null && return
	echo "# installing $2"
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get -o DPkg::Lock::Timeout=300 -y -qq install "$2" >"$work/log" 2>&1 || give_up "$2" "it cannot be installed"
}
ext2() {	# DIRECTORY SIZE FILE
	rm -f "$3.tmp"
	truncate -s "$2" "$3.tmp"
	mke2fs -q -F -t ext2 -b 4096 -I 256 -O none,filetype,sparse_super,large_file,ext_attr -d "$1" "$3.tmp" >"$work/log" 2>&1 &&
		mv "$3.tmp" "$3" || give_up image "mke2fs failed"
}
init_into() { gcc -O2 -static -o "$1/sbin/eft-init" "$top/rootfs/init/init.c" 2>"$work/log" || give_up init "it does not compile"; }

root=$cache/root-$release
# The root file system: a directory for the host, an image for the guest.
make_root() {
	[ "$(id -u)" = 0 ] || give_up root "debootstrap and a root of one's own on the host need root"
	if [ ! -d "$root" ]; then
		need debootstrap debootstrap
		echo "# unpacking Debian $release"
		rm -rf "$root.tmp"
		timeout 900 debootstrap --variant=minbase --arch=amd64 \
			--include=python3,libpython3.11-testsuite,netbase,tzdata,ca-certificates,bzip2,xz-utils,unzip,cpio,procps,stress-ng \
			--cache-dir="$cache/debs" "$release" "$root.tmp" "$mirror" >"$work/log" 2>&1 || give_up root "debootstrap failed"
		cp "$top/rootfs/skel/etc/hosts" "$root.tmp/etc/hosts"
		rm -rf "$root.tmp"/dev/* "$root.tmp/var/cache/apt/archives"
		mkdir -p "$root.tmp/suite"
		mv "$root.tmp" "$root"
	fi
	if [ ! -f "$root.ext2" ] || [ "$top/rootfs/init/init.c" -nt "$root.ext2" ]; then
		init_into "$root"
		ext2 "$root" 3G "$root.ext2"
	fi
}
# Debian's source package NAME, unpacked as $work/source.
source_package() {
	d=$cache/source
	if ! ls "$d/$1"_*.orig.tar.* >/dev/null 2>&1; then
		echo "# fetching the source of $1"
		mkdir -p "$d/lists/partial" "$d/archives/partial" "$d/empty"
		: >"$d/status"
		echo "deb-src $mirror $release main" >"$d/sources.list"
		cat >"$d/apt.conf" <<-CONF
			APT::Architecture "amd64"; APT::Sandbox::User ""; Acquire::Languages "none";
			Dir::State "$d"; Dir::State::lists "$d/lists"; Dir::State::status "$d/status";
			Dir::Cache "$d"; Dir::Cache::archives "$d/archives";
			Dir::Etc::sourcelist "$d/sources.list"; Dir::Etc::sourceparts "$d/empty"; Debug::NoLocking "true";
		CONF
		(cd "$d" && export APT_CONFIG="$d/apt.conf" && apt-get -qq update && apt-get -qq source --download-only "$1") >"$work/log" 2>&1 ||
			give_up source "$1 cannot be fetched"
	fi
	mkdir -p "$work/source"
	tar -C "$work/source" --strip-components=1 -xf "$(ls "$d/$1"_*.orig.tar.*[!c] | head -n 1)" 2>"$work/log" || give_up source "$1 cannot be unpacked"
}
# on_host DIRECTORY ARGS: its run.sh in a root of its own; results in $cache/NAME.host.
on_host() {
	[ ! -s "$cache/$name.host" ] || return 0
	echo "# the baseline, on the host"
	dir=$1; shift
	timeout 2400 unshare -mpf sh -c '
		cd "$1" && mount --bind "$2" suite && mount -t proc proc proc && mount -t tmpfs tmpfs tmp && mount -t tmpfs tmpfs root &&
		mount --rbind /dev dev && mount -t devpts -o ptmxmode=666 devpts dev/pts && shift 2 && exec chroot . sh /suite/run.sh "$@"
	' sh "$root" "$dir" "$@" </dev/null >"$work/log" 2>&1
	grep -a '^@@' "$work/log" >"$work/host"
	grep -q '^@@ end' "$work/host" || give_up baseline "it did not run to its end"
	mv "$work/host" "$cache/$name.host"
}
# in_guest DIRECTORY ARGS: the same in the guest; results in $work/guest, all output in $work/out.
in_guest() {
	ext2 "$1" "${suite_size:-256M}" "$work/suite.ext2"
	shift
	cp --sparse=always "$root.ext2" "$work/root.ext2"
	timeout "${limit:-2400}" "$um" --mem=2G --cpus=2 --disk="$work/root.ext2" --disk="$work/suite.ext2" --rw --init=/sbin/eft-init --console-log=5 -- \
		sh -c 'mount /dev/vdb /suite && mount -t tmpfs tmpfs /root && exec setsid -w sh /suite/run.sh "$@"' sh "$@" </dev/null >"$work/out" 2>"$work/kernel"
	status=$?
	tr -d '\r' <"$work/out" | grep -a '^@@' >"$work/guest"
	mkdir -p "$results" && cp "$work/out" "$results/$name.out" && cp "$work/guest" "$results/$name.guest" && cp "$work/kernel" "$results/$name.kernel"
	grep -q '^@@ end' "$work/guest" && ok ran-to-its-end || { tail -n 5 "$work/out" | sed 's/^/#   /'; not_ok ran-to-its-end "status $status"; }
	[ ! -s "$work/kernel" ] && ok no-kernel-report || { head -n 5 "$work/kernel" | sed 's/^/#   /'; not_ok no-kernel-report; }
	e2fsck -fn "$work/root.ext2" >"$work/fsck" 2>&1 && ok fsck || { tail -n 5 "$work/fsck" | sed 's/^/#   /'; not_ok fsck; }
}
# compare PERCENT: of what passes on the host, at least that much must pass in the guest, and what does not must be expected.
compare() {
	sed -n 's/^@@ ok //p' "$cache/$name.host" | sort -u >"$work/host.ok"
	sed -n 's/^@@ ok //p' "$work/guest" | sort -u >"$work/guest.ok"
	comm -23 "$work/host.ok" "$work/guest.ok" >"$work/missing"
	grep -vE '^(#|$)' "$here/$name/expected.txt" | cut -f 1 | sort -u >"$work/expected"
	total=$(grep -c . "$work/host.ok") passed=$(($(grep -c . "$work/host.ok") - $(grep -c . "$work/missing")))
	echo "# $total single tests pass on the host, $passed of them in the guest"
	comm -12 "$work/expected" "$work/guest.ok" | sed 's/^/# now passes: /'
	comm -23 "$work/missing" "$work/expected" >"$work/unexpected"
	[ "$total" -gt 0 ] && [ ! -s "$work/unexpected" ] && ok all-that-pass-on-the-host ||
		{ head -n 40 "$work/unexpected" | sed 's/^/#   fails: /'; not_ok all-that-pass-on-the-host "$(grep -c . "$work/unexpected") unexpected"; }
	[ "$total" -gt 0 ] && [ $((passed * 100)) -ge $((total * $1)) ] && ok "$1-percent" || not_ok "$1-percent" "$passed of $total"
}
[ -x "$um" ] || give_up build "no $um: ./eft run builds it"

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A Debian userland makes itself: debootstrap's minimal set with a compiler,
# git, perl and sqlite3 is unpacked on the host without running one of its
# scripts; unpacking by dpkg and all configuration then happen in the guest.
# What was installed is used: the guest's checks say "ok NAME" themselves, the
# sums of a tree of 1,000 files are compared with the host's.
. "$(dirname "$0")/lib.sh"
set -u
umask 022
image=$cache/userland-$release.ext2
disk=$work/disk.ext2

if [ ! -f "$image" ]; then
	[ "$(id -u)" = 0 ] || give_up unpack "debootstrap needs root"
	need debootstrap debootstrap
	echo "# unpacking Debian $release"
	mkdir -p "$cache/debs"
	timeout 900 debootstrap --foreign --variant=minbase --arch=amd64 --include=git,gcc,libc6-dev,make,sqlite3,perl,ca-certificates \
		--cache-dir="$cache/debs" "$release" "$work/root" "$mirror" >"$work/log" 2>&1 || give_up unpack "debootstrap failed"
	gcc -O2 -static -o "$work/root/sbin/eft-init" "$top/rootfs/init/init.c" 2>"$work/log" || give_up unpack "init does not compile"
	truncate -s 2G "$image.$$"
	mke2fs -q -F -t ext2 -b 4096 -I 256 -O none,filetype,sparse_super,large_file,ext_attr -d "$work/root" "$image.$$" >"$work/log" 2>&1 ||
		{ rm -f "$image.$$"; give_up unpack "mke2fs failed"; }
	mv "$image.$$" "$image"
	rm -rf "$work/root"
fi
cp --sparse=always "$image" "$disk"
for s in use tree; do
	debugfs -w -R "write $here/userland/$s.sh root/$s.sh" "$disk" >"$work/log" 2>&1 || give_up image "debugfs failed"
done

# guest PROGRAM ARGS: on the image, changes kept; output in $work/log, kernel's complaints in $work/kernel.
guest() {
	timeout "${limit:-900}" "$um" --mem=2G --cpus=2 --disk="$disk" --rw --init=/sbin/eft-init --console-log=5 -- "$@" </dev/null >"$work/log" 2>"$work/kernel"
	status=$?
	if grep -q . "$work/kernel"; then head -n 5 "$work/kernel" | sed 's/^/#   /'; not_ok "$(basename "$1")-without-a-kernel-report"; fi
}
clean() { e2fsck -fn "$disk" >"$work/fsck" 2>&1 && ok "$1" || { tail -n 5 "$work/fsck" | sed 's/^/#   /'; not_ok "$1"; }; }

guest /debootstrap/debootstrap --second-stage
[ $status = 0 ] && grep -q 'Base system installed successfully' "$work/log" && ok configure || give_up configure "status $status"
clean fsck-after-configure

guest sh /root/use.sh
tr -d '\r' <"$work/log" | sed -n "s|^ok |&$suite/|p; s|^not ok |&$suite/|p; s|^#|&|p"
[ $status = 0 ] && ok use-ran-to-its-end || give_up use-ran-to-its-end "status $status"
clean fsck-after-use

# The same tree by the host's tools.
sums() { grep -E '^sum ' "$1" | tr -d '\r'; }
(cd "$work" && sh "$here/userland/tree.sh" "$work/tree") >"$work/host" 2>&1
sums "$work/log" >"$work/guest.sums"; sums "$work/host" >"$work/host.sums"
[ "$(grep -c . "$work/host.sums")" = 3 ] && cmp -s "$work/host.sums" "$work/guest.sums" && ok sums-as-on-the-host ||
	{ sed 's/^/#   host: /' "$work/host.sums"; sed 's/^/#   guest: /' "$work/guest.sums"; not_ok sums-as-on-the-host; }

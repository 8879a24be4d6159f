#!/bin/sh
# SPDX-License-Identifier: MIT
# The initial RAM disk on every port and by every loader: an archive becomes the first root, an image /dev/ram0; damaged ones are refused.
. "$(dirname "$0")/lib.sh"

# tree CPU: the image's files in $work/CPU, with /init, a hard link, a FIFO, a device; and the archive $work/CPU.cpio of it.
tree() {
	"$top/rootfs/make-image.sh" "$1" busybox 2>/dev/null || return 1
	mkdir "$work/$1" && debugfs -R "rdump / $work/$1" "$top/build/rootfs/$1.ext2" >/dev/null 2>&1
	(cd "$work/$1" && ln -s sbin/init init && echo linked >etc/first && ln etc/first etc/second && mkfifo -m 640 etc/fifo &&
		find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 >"$work/$1.cpio")
}
# boot NAME WANT COMMAND...: the output, and status 6.
boot() {
	name=$1 want=$2
	shift 2
	timeout 300 "$@" -- sh -c 'mount | sed -n 1s/type.*//p; [ ! -e /etc/first ] || { cat /etc/second; stat -c "%h %F" /etc/first; stat -c "%a %F" /etc/fifo; }; exit 6' \
		</dev/null >"$work/out" 2>"$work/err"
	status=$?
	out=$(tr -d '\r' <"$work/out" | sed -n '/ on \/ *$/,$p')
	expect "$name" 6 "$want"
}
# What cannot be used: said, and a failing status.
bad() { # name pattern command...
	name=$1 pattern=$2
	shift 2
	timeout 200 "$@" -- true </dev/null >"$work/out" 2>&1
	s=$?
	if [ $s -ne 0 ] && [ $s -lt 124 ] && grep -qE "$pattern" "$work/out"; then ok "$name"; else tail -n 4 "$work/out" | sed 's/^/#   /'; not_ok "$name" "status $s"; fi
}
archive='rootfs on / 
linked
2 regular file
640 fifo'
disk='/dev/ram0 on / '
tree x86_64 && tree aarch64 || { not_ok tree; exit 1; }
x86=$top/arch_guest/x86_64/run.sh arm=$top/arch_guest/aarch64/run.sh

boot um-archive "$archive" "$um" --initrd "$work/x86_64.cpio"
boot um-image "$disk" "$um" --initrd "$img"
head -c 100000 "$work/x86_64.cpio" >"$work/cut"
bad um-cut 'damaged at byte' "$um" --initrd "$work/cut"
gzip -c "$work/x86_64.cpio" >"$work/packed"
bad um-packed 'compressed \(gzip\)' "$um" --initrd "$work/packed"
{ head -c 6 "$work/x86_64.cpio"; printf '%0104d' 0 | tr 0 z; head -c 1000 /dev/urandom; } >"$work/noise"
bad um-noise 'damaged at byte 0' "$um" --initrd "$work/noise"
(cd "$work/x86_64" && rm init && find . | cpio -o -H newc --quiet >"$work/no-init")
bad um-no-init 'cannot start /init' "$um" --initrd "$work/no-init"
bad um-too-large 'does not fit' "$um" --mem 16M --initrd "$img"
dd if=/dev/urandom of="$work/random" bs=4096 count=100 2>/dev/null
bad um-random 'cannot mount the root file system /dev/ram0' "$um" --initrd "$work/random"

boot x86_64-pvh-archive "$archive" "$x86" --disk none --initrd "$work/x86_64.cpio"
boot x86_64-uefi-image "$disk" "$x86" --uefi --disk none --initrd "$img"
boot aarch64-archive "$archive" "$arm" --disk none --initrd "$work/aarch64.cpio"
boot aarch64-image "$disk" "$arm" --disk none --initrd "$top/build/rootfs/aarch64.ext2"
bad aarch64-cut 'damaged at byte' "$arm" --disk none --initrd "$work/cut"

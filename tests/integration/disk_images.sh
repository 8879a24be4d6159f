#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Bad disks: a missing, unreadable, cut or corrupted image must end in one clear
# line and a non-zero status; unknown features are refused as their class says;
# images that are only damaged inside are mounted, walked and written to.
#
#   tests/integration/disk_images.sh [EFT-UM [DAMAGED-IMAGES (20)]]
set -u
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/../.." && pwd)
um=${1:-$top/build/um/arch_um/eft-um}
count=${2:-20}
image=$top/build/rootfs/x86_64.ext2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
[ -x "$um" ] && "$top/rootfs/make-image.sh" >/dev/null || { echo "not ok disk_images # nothing to run"; exit 1; }

run() { timeout 100 "$um" --disk "$1" -- sh -c "${2:-exit 0}" </dev/null >"$work/out" 2>"$work/err"; }
# fails NAME IMAGE PATTERN: status neither 0 nor a crash, PATTERN in what it says
fails() {
	run "$2"
	status=$?
	if [ $status -ne 0 ] && [ $status -lt 124 ] && grep -qi "$3" "$work/err" "$work/out" &&
	   ! grep -q 'AddressSanitizer\|runtime error\|Segmentation' "$work/err"; then
		echo "ok disk_images/$1"
	else
		sed 's/^/# /' "$work/err" | head -12
		echo "not ok disk_images/$1 # status $status"
	fi
}
put() {	# offset byte(octal): into $work/img
	printf "\\$2" | dd of="$work/img" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
fresh() { cp "$image" "$work/img"; }

fails missing "$work/none" 'no such file'
mkdir "$work/dir"
fails directory "$work/dir" 'not an image'
: >"$work/img"
fails empty "$work/img" 'vda\|empty\|root'
fresh; truncate -s 3M "$work/img"
fails truncated "$work/img" 'truncated'
dd if=/dev/urandom of="$work/img" bs=64k count=64 2>/dev/null
fails noise "$work/img" 'no ext2'
fresh; put 1080 0
fails magic "$work/img" 'no ext2'
fresh; put 1048 9
fails block_size "$work/img" 'block size'
fresh; put 1112 1; put 1113 0
fails inode_size "$work/img" 'inode size'
fresh; put 1120 102
fails incompat_feature "$work/img" 'features'
fresh; put 1124 103
fails ro_compat_feature "$work/img" 'read-only'
fresh; put 1056 0; put 1057 0; put 1058 0; put 1059 0
fails group_size "$work/img" 'per group'
fresh; dd if=/dev/zero of="$work/img" bs=4096 seek=1 count=1 conv=notrunc 2>/dev/null
fails descriptors "$work/img" 'group'
fresh
debugfs -w -R 'sif <2> mode 0100644' "$work/img" >/dev/null 2>&1
fails root_no_directory "$work/img" 'root directory'
fresh; debugfs -w -R 'rm /usr/sbin/init' "$work/img" >/dev/null 2>&1
fails no_init "$work/img" 'init'

# Damage inside: whatever happens, the kernel neither crashes nor hangs.
bad=0
i=0
while [ $i -lt "$count" ]; do
	i=$((i + 1))
	fresh
	python3 - "$work/img" $i <<-'PY'
		import random, sys
		random.seed(int(sys.argv[2]))
		with open(sys.argv[1], 'r+b') as f:
		    f.seek(0, 2)
		    size = f.tell()
		    for _ in range(random.randrange(1, 60)):
		        at = random.randrange(2048, 5 << 20 if random.random() < .9 else size)
		        f.seek(at)
		        b = f.read(1)[0]
		        f.seek(at)
		        f.write(bytes([b ^ 1 << random.randrange(8)]))
	PY
	timeout 200 "$um" --disk "$work/img" -- sh -c 'find / -xdev | while read f; do [ -f "$f" ] && cat "$f" >/dev/null; done
		mkdir /x; cp -r /etc /x; echo hello >/x/y; mv /x/y /x/z; rm -rf /x /etc; sync; exit 0' </dev/null >"$work/out" 2>"$work/err"
	status=$?
	# 101: the kernel panicked itself; 124: it hung; more: it crashed.  A damaged init or shell may fail in any other way.
	if [ $status -eq 101 ] && ! grep -q 'kernel panic: .*\(BUG\|ASSERT\|lock\|sleep\)' "$work/err" && grep -q 'root\|init' "$work/err"; then
		status=1
	fi
	if [ $status -eq 101 ] || [ $status -eq 124 ] || grep -q 'AddressSanitizer\|runtime error\|kernel oops' "$work/err"; then
		bad=$((bad + 1))
		echo "# damaged image $i: status $status"
		tail -n 4 "$work/err" | sed 's/^/#   /'
	fi
done
if [ $bad -eq 0 ]; then echo "ok disk_images/damaged"; else echo "not ok disk_images/damaged # $bad of $count"; fi

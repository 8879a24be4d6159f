#!/bin/sh
# SPDX-License-Identifier: MIT
#
# From QEMU's start to the first instruction of init: Eft beside Debian's cloud
# kernel, on the same emulated machine, in turn, in the same run.
#
#   tests/bench/boot.sh [x86_64|aarch64] [ROUNDS (5)]
#
# Both start the same static program, which writes a line to the console as the
# first thing it does.  Linux has it in an initial ramdisk and is told to be
# quiet; Eft mounts a disk and has it there: the comparison does not favour Eft.
# The package linux-image-cloud-ARCH is downloaded once with apt-get, and not installed.
set -eu
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
cpu=${1:-x86_64} rounds=${2:-5}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/eft
case $cpu in
x86_64) arch=amd64 cc=gcc tty=ttyS0 machine='qemu-system-x86_64 -M q35'
	kernel=$top/build/x86_64/arch_guest/kernel.elf disk=virtio-blk-pci,drive=d,disable-legacy=on,romfile= ;;
aarch64) arch=arm64 cc=aarch64-linux-gnu-gcc tty=ttyAMA0 machine='qemu-system-aarch64 -M virt -global virtio-mmio.force-legacy=false'
	kernel=$top/build/aarch64/arch_guest/Image disk=virtio-blk-device,drive=d ;;
*) echo "boot.sh: unknown CPU '$cpu'" >&2; exit 2 ;;
esac
dir=$top/build/bench/$cpu
mkdir -p "$dir"
cd "$dir"
if ! ls linux/boot/vmlinuz-* >/dev/null 2>&1; then
	"$top/rootfs/make-image.sh" "$cpu" busybox	# makes the package lists of this CPU
	export APT_CONFIG="$cache/apt-$arch/apt.conf"
	pkg=$(apt-cache depends linux-image-cloud-$arch | awk '$1 == "Depends:" { print $2; exit }')
	pkg=${pkg%:*}
	apt-get -qq download "$pkg"
	dpkg-deb -x "$pkg"_*.deb linux
	rm -f "$pkg"_*.deb
	unset APT_CONFIG
fi
cat >first.c <<'C'
#include <sys/reboot.h>
#include <unistd.h>
int main(void)
{
	(void)!write(1, "FIRST\n", 6);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
C
mkdir -p root
$cc -static -Os -o root/first first.c

# A cpio archive in "newc" format: /dev/console and /init.
field() { printf %08x "$1"; }
pad() { n=$(wc -c <initrd); while [ $((n % 4)) -ne 0 ]; do printf '\0' >>initrd; n=$((n + 1)); done; }
entry() {	# name mode file major minor
	size=0
	[ -z "$3" ] || size=$(wc -c <"$3")
	printf '070701' >>initrd
	for v in 1 "$2" 0 0 1 0 "$size" 0 0 "$4" "$5" $((${#1} + 1)) 0; do field "$v" >>initrd; done
	printf '%s\0' "$1" >>initrd
	pad
	[ -z "$3" ] || cat "$3" >>initrd
	pad
}
: >initrd
entry dev $((0x41ed)) '' 0 0
entry dev/console $((0x2180)) '' 5 1
entry init $((0x81ed)) root/first 0 0
entry 'TRAILER!!!' 0 '' 0 0
"$top/rootfs/make-image.sh" -o "$dir/first.ext2" -s 16 -a "$dir/root:/first" "$cpu" busybox 2>/dev/null

now() { date +%s%N; }
measure() {	# command: milliseconds until the line comes
	begin=$(now)
	"$@" </dev/null 2>/dev/null | {
		while IFS= read -r line; do
			case $line in *FIRST*) echo $((($(now) - begin) / 1000000)); break ;; esac
		done
		cat >/dev/null		# until it has powered off
	}
}
machine="$machine -nodefaults -display none -no-reboot -accel tcg,thread=multi -cpu max -smp 2 -m 512M -serial stdio"
linux() { measure timeout 60 $machine -kernel linux/boot/vmlinuz-* -initrd initrd -append "console=$tty quiet"; }
eft() {
	measure timeout 60 $machine -kernel "$kernel" -append "console=$tty root=/dev/vda init=/first/first" \
		-drive file=first.ext2,format=raw,if=none,id=d,snapshot=on -device "$disk"
}
: >eft.ms
: >linux.ms
i=0
while [ $i -lt "$rounds" ]; do
	eft >>eft.ms
	linux >>linux.ms
	i=$((i + 1))
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
e=$(median eft.ms) l=$(median linux.ms)
echo "# milliseconds to the first instruction of init, $cpu, -cpu max, 2 CPUs, TCG; $rounds rounds"
echo "# eft:   median $e ($(sort -n eft.ms | tr '\n' ' '))"
echo "# linux: median $l ($(sort -n linux.ms | tr '\n' ' '))"
if [ -n "$e" ] && [ -n "$l" ] && [ $((2 * e)) -le "$l" ]; then
	echo "ok boot-time/$cpu - at most half of Linux's"
else
	echo "not ok boot-time/$cpu"
	exit 1
fi

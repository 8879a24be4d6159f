#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Boot the kernel on QEMU's virt machine (emulated, no KVM).
#
#   arch_guest/aarch64/run.sh [options] [-- PROGRAM ARGS...]
#     --cpus N       processors (default 2)
#     --mem M        RAM, as QEMU takes it: 256M, 2G (default 512M)
#     --disk IMG     root file system (default build/rootfs/aarch64.ext2); never written
#     --rw           write to it after all
#     --disk2 IMG    a second disk, /dev/vdb, never written
#     --initrd FILE  initial ramdisk
#     --bus B        mmio (default) or pci: where the virtio devices are
#     --cpu MODEL    cortex-a53, cortex-a72, neoverse-n1, max (default max)
#     --gic V        2 or 3 (default 3)
#     --machine M    more machine properties: highmem=off, virtualization=on, ...
#     --append "W"   more words for the kernel's command line (repeatable)
#     --kernel FILE  default build/aarch64/arch_guest/Image
#     --gdb          wait for gdb on localhost:1234 (EFT_GDB_PORT: another port); arch_um/eft-gdb.py works there
#     --qemu "ARGS"  more arguments for QEMU (repeatable, split at blanks)
#
# The exit status is the guest's: what the program, or init, ended with.
# On a terminal Ctrl-A x leaves QEMU; Ctrl-C goes to the guest.
set -eu
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
die() { echo "run.sh: $*" >&2; exit 2; }

cpus=2 mem=512M disk=$top/build/rootfs/aarch64.ext2 disk2= initrd= snapshot=on bus=mmio cpu=max gic=3 machine= append=
kernel=$top/build/aarch64/arch_guest/Image extra=
while [ $# -gt 0 ]; do
	case $1 in
	--rw) snapshot=off; shift; continue ;;
	--gdb) extra="$extra -gdb tcp:localhost:${EFT_GDB_PORT:-1234} -S"; shift; continue ;;
	--) shift; break ;;
	-h|--help) sed -n '3,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	--*) [ $# -ge 2 ] || die "$1 needs a value" ;;
	*) break ;;
	esac
	case $1 in
	--cpus) cpus=$2 ;;
	--mem) mem=$2 ;;
	--disk) disk=$2 ;;
	--disk2) disk2=$2 ;;
	--initrd) initrd=$2 ;;
	--bus) bus=$2 ;;
	--cpu) cpu=$2 ;;
	--gic) gic=$2 ;;
	--machine) machine=$machine,$2 ;;
	--append) append="$append $2" ;;
	--kernel) kernel=$2 ;;
	--qemu) extra="$extra $2" ;;
	*) die "unknown option $1 (--help)" ;;
	esac
	shift 2
done
[ -r "$kernel" ] || die "no kernel $kernel (cmake --preset aarch64 && ninja -C build/aarch64)"
case $bus in mmio) virtio=device ;; pci) virtio=pci ;; *) die "--bus mmio or pci" ;; esac

# Everything but plain characters as %XX: the kernel splits at blanks.
encode() {
	printf %s "$1" | od -An -v -tx1 | tr -s ' ' '\n' | awk '
		BEGIN { for (i = 33; i < 127; i++) { c = sprintf("%c", i); if (c !~ /[%"\047\\]/) plain[sprintf("%02x", i)] = c } }
		length($0) == 2 { printf "%s", ($0 in plain) ? plain[$0] : "%" toupper($0) }'
}
words="console=ttyAMA0 semihosting$append"
[ ! -r "$disk" ] || words="root=/dev/vda $words"
if [ $# -gt 0 ]; then
	words="$words --"
	for arg; do words="$words $(encode "$arg")"; done
fi

# shellcheck disable=SC2086  # $extra is split on purpose
set -- qemu-system-aarch64 -nodefaults -display none -no-reboot \
	-M "virt,gic-version=$gic$machine" -accel tcg -cpu "$cpu" -smp "$cpus" -m "$mem" \
	-kernel "$kernel" -append "$words" -semihosting-config enable=on,target=native \
	-global virtio-mmio.force-legacy=false \
	-object rng-random,id=rng,filename=/dev/urandom -device "virtio-rng-$virtio,rng=rng" $extra
[ -z "$initrd" ] || [ -r "$initrd" ] || die "no initial ramdisk $initrd"
[ -z "$initrd" ] || set -- "$@" -initrd "$initrd"
# Without a bus QEMU fills the slots from the last one down: name them, so that the first disk is vda.
slot() { [ $bus = pci ] || echo ",bus=virtio-mmio-bus.$1"; }
i=0
for image in "$disk" "$disk2"; do
	if [ -n "$image" ] && [ -r "$image" ]; then
		set -- "$@" -drive "file=$image,format=raw,if=none,id=d$i,snapshot=$snapshot" \
			-device "virtio-blk-$virtio,drive=d$i$(slot $i)"
		i=$((i + 1)) snapshot=on
	fi
done
if [ -t 0 ]; then
	set -- "$@" -chardev stdio,id=con,mux=on,signal=off -serial chardev:con -mon chardev=con
else
	set -- "$@" -chardev stdio,id=con -serial chardev:con
fi
exec "$@"

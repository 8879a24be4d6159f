#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Boot the kernel on a QEMU PC (emulated, no KVM).
#
#   arch_guest/x86_64/run.sh [options] [-- PROGRAM ARGS...]
#     --cpus N       processors (default 2)
#     --mem M        RAM, as QEMU takes it: 256M, 2G (default 512M)
#     --disk IMG     root file system (default build/rootfs/x86_64.ext2); never written
#     --rw           write to it after all
#     --disk2 IMG    a second disk, /dev/vdb, never written
#     --initrd FILE  initial ramdisk
#     --cpu MODEL    qemu64, Haswell, max, ... (default max)
#     --machine M    q35 (default), pc, or microvm: virtio-pci, or virtio-mmio on microvm
#     --uefi         by way of UEFI firmware (OVMF) and the EFI application
#     --append "W"   more words for the kernel's command line (repeatable)
#     --kernel FILE  default build/x86_64/arch_guest/kernel.elf
#     --gdb          wait for gdb on localhost:1234 (EFT_GDB_PORT: another port); arch_um/eft-gdb.py works there
#     --qemu "ARGS"  more arguments for QEMU (repeatable, split at blanks)
#
# The exit status is the guest's: what the program, or init, ended with; 125 if
# the machine ended without saying.  It comes as text through the debug console
# (port 0xe9) into a pipe: no file is left behind, and QEMU ends when we do.
# On a terminal Ctrl-A x leaves QEMU; Ctrl-C goes to the guest.
set -eu
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
die() { echo "run.sh: $*" >&2; exit 2; }

cpus=2 mem=512M disk=$top/build/rootfs/x86_64.ext2 disk2= snapshot=on initrd= cpu=max machine=q35 uefi= append=
kernel= extra=
while [ $# -gt 0 ]; do
	case $1 in
	--rw) snapshot=off; shift; continue ;;
	--uefi) uefi=1; shift; continue ;;
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
	--cpu) cpu=$2 ;;
	--machine) machine=$2 ;;
	--append) append="$append $2" ;;
	--kernel) kernel=$2 ;;
	--qemu) extra="$extra $2" ;;
	*) die "unknown option $1 (--help)" ;;
	esac
	shift 2
done
build=$top/build/x86_64/arch_guest
[ -n "$kernel" ] || kernel=$build/${uefi:+x86_64/efi/eft.efi}
[ "$kernel" != "$build/" ] || kernel=$build/kernel.elf
[ -r "$kernel" ] || die "no kernel $kernel (cmake --preset x86_64 && ninja -C build/x86_64)"

# A machine without room for the kernel's image hangs in its firmware, without a word.
case $mem in
*[!0-9KMGTkmgt]*|'') die "--mem $mem: not a size" ;;
*[Kk]) bytes=$((${mem%?} << 10)) ;;
*[Gg]) bytes=$((${mem%?} << 30)) ;;
*[Tt]) bytes=$((${mem%?} << 40)) ;;
*) bytes=$((${mem%[Mm]} << 20)) ;;
esac
image_end=$(readelf -lW "$kernel" 2>/dev/null | while read -r type _ _ at _ size _; do [ "$type" != LOAD ] || echo $((at + size)); done | tail -n 1)
[ "$bytes" -gt "${image_end:-0}" ] || die "--mem $mem: the kernel's image alone needs memory up to $(((image_end >> 20) + 1))M"

# Everything but plain characters as %XX: the kernel splits at blanks.
encode() {
	printf %s "$1" | od -An -v -tx1 | tr -s ' ' '\n' | awk '
		BEGIN { for (i = 33; i < 127; i++) { c = sprintf("%c", i); if (c !~ /[%"\047\\]/) plain[sprintf("%02x", i)] = c } }
		length($0) == 2 { printf "%s", ($0 in plain) ? plain[$0] : "%" toupper($0) }'
}
words="console=ttyS0$append"
[ ! -r "$disk" ] || words="root=/dev/vda $words"
if [ $# -gt 0 ]; then
	words="$words --"
	for arg; do words="$words $(encode "$arg")"; done
fi

# No firmware settings and no option ROMs: nothing else wants to boot.
case $machine in
# Slot 0's interrupt is pin 0 of the second I/O APIC, which QEMU (7.2) delivers at pin 2: not used.
microvm*) virtio=device ; slot() { echo ",bus=virtio-mmio-bus.$(($1 + 1))"; }
	set -- -M "$machine,rtc=on,auto-kernel-cmdline=off" -global virtio-mmio.force-legacy=false ;;
*) virtio=pci ; slot() { echo ",disable-legacy=on,romfile="; }
	set -- -M "$machine" ;;
esac
# shellcheck disable=SC2086  # $extra is split on purpose
set -- qemu-system-x86_64 -nodefaults -display none -vga none -no-reboot "$@" -accel tcg,thread=multi \
	-cpu "$cpu" -smp "$cpus" -m "$mem" \
	-chardev file,id=status,path=/dev/fd/3 -device isa-debugcon,iobase=0xe9,chardev=status \
	-device isa-debug-exit,iobase=0xf4,iosize=4 $extra
[ -z "$initrd" ] || [ -r "$initrd" ] || die "no initial ramdisk $initrd"
if [ -n "$uefi" ] && [ -n "$initrd" ]; then
	# QEMU passes a ramdisk to Linux's own images only: a volume to boot from instead.
	esp=$(mktemp -d "${TMPDIR:-/tmp}/eft-esp.XXXXXX")
	trap 'rm -rf "$esp"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir -p "$esp/EFI/BOOT"
	cp "$kernel" "$esp/EFI/BOOT/BOOTX64.EFI"
	cp "$initrd" "$esp/initrd.img"
	echo "initrd=initrd.img $words" >"$esp/eft.txt"
	set -- "$@" -drive "file=fat:$esp,format=raw,if=none,id=esp,snapshot=on" -device ide-hd,drive=esp
else
	set -- "$@" -kernel "$kernel" -append "$words"
	[ -z "$initrd" ] || set -- "$@" -initrd "$initrd"
fi
if [ -n "$uefi" ]; then
	firmware=
	for f in /usr/share/ovmf/OVMF.fd /usr/share/OVMF/OVMF_CODE.fd /usr/share/edk2/x64/OVMF_CODE.fd; do
		[ -n "$firmware" ] || [ ! -r $f ] || firmware=$f
	done
	[ -n "$firmware" ] || die "--uefi needs OVMF"
	set -- "$@" -bios "$firmware"
fi
i=0
for image in "$disk" "$disk2"; do
	if [ -n "$image" ] && [ -r "$image" ]; then
		set -- "$@" -drive "file=$image,format=raw,if=none,id=d$i,snapshot=$snapshot" \
			-device "virtio-blk-$virtio,drive=d$i$(slot $i)"
		i=$((i + 1)) snapshot=on
	fi
done
set -- "$@" -object rng-random,id=rng,filename=/dev/urandom -device "virtio-rng-$virtio,rng=rng$(slot $i)"
if [ -t 0 ]; then
	set -- "$@" -chardev stdio,id=con,mux=on,signal=off -serial chardev:con -mon chardev=con
else
	set -- "$@" -chardev stdio,id=con -serial chardev:con
fi
! command -v setpriv >/dev/null || set -- setpriv --pdeathsig TERM "$@"
code=0
exec 4>&1
status=$(exec "$@" 3>&1 >&4 4>&-) || code=$?
case $status in
[0-9]|[0-9][0-9]|[0-9][0-9][0-9]) exit "$status" ;;
esac
[ "$code" -lt 126 ] || exit "$code"
echo "run.sh: the machine ended without a status" >&2
exit 125

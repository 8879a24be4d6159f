# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: MIT
#
# Eft natively, beside Debian's cloud kernel on the same emulated machine (QEMU, TCG).  Sourced by run.sh.
#
# Both kernels get the same processors, memory and disk, each a copy of its own
# that it writes to.  For the launch both start the same static program, which
# writes a line as the first thing it does: Linux has it in its initial RAM disk
# and is told to be quiet, Eft mounts a disk and has it there; the comparison does
# not favour Eft.  The package linux-image-cloud-ARCH is downloaded once and unpacked, not installed.

# For CPU $1: $arch $cc $tty $qemu $disk $kernel, and the files in $native_dir.
native_files() {
	cpu=$1 native_dir=$out/$1
	case $cpu in
	x86_64) arch=amd64 cc=gcc tty=ttyS0 qemu='qemu-system-x86_64 -M q35'
		kernel=$top/build/x86_64/arch_guest/kernel.elf disk=virtio-blk-pci,drive=d,disable-legacy=on,romfile=
		drivers='virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk' ;;
	aarch64) arch=arm64 cc=aarch64-linux-gnu-gcc tty=ttyAMA0
		qemu='qemu-system-aarch64 -M virt,gic-version=3 -global virtio-mmio.force-legacy=false'
		kernel=$top/build/aarch64/arch_guest/Image disk=virtio-blk-device,drive=d
		drivers='virtio virtio_ring virtio_mmio virtio_blk' ;;
	esac
	qemu="$qemu -nodefaults -display none -no-reboot -accel tcg,thread=multi -cpu max -smp 2 -m 512M -serial stdio"
	mkdir -p "$native_dir/first"
	linux=${XDG_CACHE_HOME:-$HOME/.cache}/eft/cloud-kernel/$arch
	if ! ls "$linux"/boot/vmlinuz-* >/dev/null 2>&1; then
		progress "fetching Debian's cloud kernel for $arch"
		"$top/rootfs/make-image.sh" -o "$work/any.ext2" "$cpu" busybox >&2	# makes the package lists of this CPU
		mkdir -p "$linux"
		(
			cd "$linux"
			export APT_CONFIG="${XDG_CACHE_HOME:-$HOME/.cache}/eft/apt-$arch/apt.conf"
			pkg=$(apt-cache depends "linux-image-cloud-$arch" | awk '$1 == "Depends:" { print $2; exit }')
			apt-get -qq download "${pkg%:*}:$arch" >/dev/null && dpkg-deb -x ./*.deb . && rm -f ./*.deb
		) || { progress "no cloud kernel for $arch"; return 1; }
	fi
	compile_for "$native_dir/programs" "$cc"
	compile "$native_dir/linux_init" "$cc" -std=gnu11 -Os -Wall -Wextra -static "$here/linux_init.c"
	cp -p "$native_dir/programs/first" "$native_dir/first/"
	"$top/rootfs/make-image.sh" -o "$native_dir/first.ext2" -s 16 -a "$native_dir/first:/first" "$cpu" busybox >&2
	"$top/rootfs/make-image.sh" -o "$native_dir/small.ext2" -s 448 -a "$native_dir/programs:/bench" "$cpu" busybox >&2
	make_ramdisk "$native_dir/first.cpio" "$native_dir/programs/first"
	# In the order of their dependencies, which is the order of their names there.
	n=10 modules=
	for d in $drivers; do
		modules="$modules $(find "$linux/lib/modules" -name "$d.ko"):$n-$d.ko"
		n=$((n + 1))
	done
	# shellcheck disable=SC2086
	make_ramdisk "$native_dir/disk.cpio" "$native_dir/linux_init" $modules
	for m in eft linux; do
		cp --sparse=always "$native_dir/small.ext2" "$work/$cpu.$m.ext2"
	done
}

# A cpio archive in "newc" format: /dev/console, the program, and FILE:NAME... in /modules.
make_ramdisk() {
	archive=$1
	: >"$archive"
	cpio_entry dev $((0x41ed)) '' 0 0
	cpio_entry modules $((0x41ed)) '' 0 0
	cpio_entry dev/console $((0x2180)) '' 5 1
	cpio_entry "${2##*/}" $((0x81ed)) "$2" 0 0
	shift 2
	for m in "$@"; do cpio_entry "modules/${m##*:}" $((0x81a4)) "${m%:*}" 0 0; done
	cpio_entry 'TRAILER!!!' 0 '' 0 0
}
cpio_pad() {
	n_bytes=$(wc -c <"$archive")
	while [ $((n_bytes % 4)) -ne 0 ]; do printf '\0' >>"$archive"; n_bytes=$((n_bytes + 1)); done
}
cpio_entry() {	# name mode file major minor
	bytes=0
	[ -z "$3" ] || bytes=$(wc -c <"$3")
	printf '070701' >>"$archive"
	for field in 1 "$2" 0 0 1 0 "$bytes" 0 0 "$4" "$5" $((${#1} + 1)) 0; do printf %08x "$field" >>"$archive"; done
	printf '%s\0' "$1" >>"$archive"
	cpio_pad
	[ -z "$3" ] || cat "$3" >>"$archive"
	cpio_pad
}

# native_run eft|linux first|disk "OPTIONS OF watch" [PROGRAM ARGUMENT...]; results as run_on's.
native_run() {
	who=$1 what=$2 how=$3
	shift 3
	words="$*"
	# shellcheck disable=SC2086
	case $who-$what in
	linux-first) set -- $qemu -kernel "$linux"/boot/vmlinuz-* -initrd "$native_dir/first.cpio" -append "console=$tty quiet panic=-1 rdinit=/first" ;;
	linux-disk) set -- $qemu -kernel "$linux"/boot/vmlinuz-* -initrd "$native_dir/disk.cpio" -append "console=$tty quiet panic=-1 rdinit=/linux_init -- $words" \
		-drive "file=$work/$cpu.linux.ext2,format=raw,if=none,id=d" -device "$disk" ;;
	eft-first) set -- $qemu -kernel "$kernel" -append "console=$tty root=/dev/vda init=/first/first" \
		-drive "file=$native_dir/first.ext2,format=raw,if=none,id=d,snapshot=on" -device "$disk" ;;
	eft-disk) set -- $qemu -kernel "$kernel" -append "console=$tty root=/dev/vda -- $words" \
		-drive "file=$work/$cpu.eft.ext2,format=raw,if=none,id=d" -device "$disk" ;;
	esac
	watch_command "$how" "$@"
}

section_boot_native() {
	for c in $cpus; do
		begin_table native_boot "$c" ns 'eft linux' \
			"native, $c: from QEMU's start to the first instruction of init (-cpu max, 2 CPUs, TCG)" >>"$records"
		native_files "$c" || { echo "broken linux no cloud kernel" >>"$records"; continue; }
		round=1
		while [ $round -le $((rounds < 3 ? 3 : rounds)) ]; do
			for m in eft linux; do
				progress "launch on $c, round $round: $m"
				native_run $m first '-t 120'
				ns=$(awk '$1 == "first" { print $2; exit }' "$said")
				if [ -n "$ns" ]; then echo "value $m launch_to_init $ns $ns"; else echo "note $m: init was not seen: $(reason)"; fi >>"$records"
			done
			round=$((round + 1))
		done
		end_table
	done
}

section_native() {
	section_boot_native
	for c in $cpus; do
		begin_table native "$c" ns 'eft linux' "native, $c: micro-operations (-cpu max, 2 CPUs, TCG)" >>"$records"
		native_files "$c" || { echo "broken linux no cloud kernel" >>"$records"; continue; }
		round=1
		while [ $round -le "$rounds" ]; do
			for m in eft linux; do
				progress "native micro on $c, round $round of $rounds: $m"
				# shellcheck disable=SC2086
				native_run $m disk '-t 1500' /bench/in /root /bench/micro $quick $rows
				micro_records $m
			done
			round=$((round + 1))
		done
		end_table
	done
}

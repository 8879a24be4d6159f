#!/bin/sh
# SPDX-License-Identifier: MIT
# gdb on the native kernels in QEMU, with eft-gdb.py: a breakpoint, and each command there.
. "$(dirname "$0")/lib.sh"
for cpu in x86_64 aarch64; do
	gdb=gdb kernel=$top/build/$cpu/arch_guest/kernel.elf
	[ $cpu = x86_64 ] || gdb=gdb-multiarch
	command -v $gdb >/dev/null || { not_ok $cpu "no $gdb"; continue; }
	"$top/rootfs/make-image.sh" $cpu busybox 2>/dev/null || { not_ok $cpu-image; continue; }
	port=$((20000 + $$ % 20000))
	EFT_GDB_PORT=$port timeout 400 "$top/arch_guest/$cpu/run.sh" --gdb -- \
		sh -c 'mount -t tmpfs marker /mnt; sleep 500 & while ! grep -q sleep /proc/$!/stat; do :; done; hostname newt; exit 5' </dev/null >"$work/qemu" 2>&1 &
	qemu=$!
	timeout 300 $gdb -q -batch "$kernel" -x "$top/arch_um/eft-gdb.py" -ex 'set tcp connect-timeout 200' \
		-ex "target remote localhost:$port" -ex 'break sys_sethostname' -ex continue -ex bt -ex eft-ps -ex 'eft-bt 2' \
		-ex eft-dmesg -ex eft-mounts -ex eft-trace -ex 'delete' -ex continue >"$work/out" 2>&1
	wait $qemu
	status=$?
	shows() { if grep -Eq "$2" "$work/out"; then ok "$cpu-$1"; else sed 's/^/# /' "$work/out" | head -n 60; not_ok "$cpu-$1"; fi; }
	shows breakpoint 'Breakpoint [0-9].*sys_sethostname'
	shows backtrace 'task_user_loop \(\) at'
	shows ps-init '^ +1 +1 +[SR] .*init'
	shows ps-program '(S|R) .*sleep'
	shows bt-kernel-frames '#[0-9]+ +0x[0-9a-f]+ task_user_loop'
	shows bt-user-frames 'u0 .*busybox\+0x'
	shows dmesg '^\[ +0\.[0-9]+\] Eft'
	shows mounts '^marker +/mnt +tmpfs'
	shows trace 'syscall +[0-9]+: number '
	check $cpu-goes-on test $status = 5
done

#!/bin/sh
# SPDX-License-Identifier: MIT
# gdb on the running hosted kernel, with eft-gdb.py: each command shows what is really there.
. "$(dirname "$0")/lib.sh"
command -v gdb >/dev/null || { ok "all # SKIP no gdb"; exit 0; }

"$um" --disk "$img" -- sh -c 'mount -t tmpfs marker /mnt; sleep 500 & while ! grep -q sleep /proc/$!/stat; do :; done; echo up; exec sleep 500' \
	</dev/null >"$work/up" 2>/dev/null &
pid=$!
wait_for "$work/up" up
sleep 2		# and exec
timeout 300 gdb -q -batch -p $pid -x "$top/arch_um/eft-gdb.py" -ex eft-ps -ex 'eft-bt 1' -ex 'eft-bt 2' -ex eft-dmesg \
	-ex eft-mounts >"$work/out" 2>&1
kill $pid 2>/dev/null
wait $pid 2>/dev/null
shows() { if grep -Eq "$2" "$work/out"; then ok "$1"; else sed 's/^/# /' "$work/out" | head -n 40; not_ok "$1"; fi; }
shows ps-init '^ +1 +1 +S .*init'
shows ps-program 'S .*sleep'
shows bt-kernel-frames 'task_user_loop'
shows bt-user-frames 'u0 .*busybox\+0x'
shows dmesg '^\[ +0\.[0-9]+\] Eft'
shows mounts '^marker +/mnt +tmpfs'

# A breakpoint in kernel code, from the start.
timeout 300 gdb -q -batch -x "$top/arch_um/eft-gdb.py" -ex 'break sys_uname' -ex run -ex bt -ex kill \
	--args "$um" --disk "$img" -- uname </dev/null >"$work/out" 2>&1
shows breakpoint 'Breakpoint 1.*sys_uname'
shows breakpoint-backtrace 'in task_user_loop'

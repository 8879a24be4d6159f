#!/bin/sh
# SPDX-License-Identifier: MIT
# Register integrity at length, on 4 CPUs under a 10 kHz timer: user code over every way into the kernel
# for SECONDS (60) in all, then kernel code for as long.   regs.sh x86_64|aarch64 [SECONDS]
cpu=${1:?x86_64 or aarch64} seconds=${2:-60}
. "$(dirname "$0")/lib.sh"
suite=regs-$cpu
mkdir "$work/bin"
cc=gcc; [ "$cpu" = x86_64 ] || cc=aarch64-linux-gnu-gcc
$cc -static -s -O1 -pthread -o "$work/bin/regs" "$top/tests/user/regs_$cpu.c" || { not_ok compile; exit 1; }
"$top/rootfs/make-image.sh" -o "$work/img" -s 64 -a "$work/bin:/bin2" "$cpu" busybox 2>/dev/null || { not_ok image; exit 1; }
timeout $((seconds * 3 + 120)) "$top/arch_guest/$cpu/run.sh" --cpus 4 --disk "$work/img" -- \
	sh -c "cd /root && /bin2/regs $((seconds * 1000 / 12)) 8" </dev/null 2>&1 | tr -d '\r' >"$work/out"
sed -n 's/^ok \([0-9]*\) - /ok '"$suite"'\/user-\1 # /p; s/^not ok \([0-9]*\) - /not ok '"$suite"'\/user-\1 # /p; /^#/p' "$work/out"
[ "$(grep -c '^ok ' "$work/out")" -ge 12 ] || { tail -n 20 "$work/out" | sed 's/^/# /'; not_ok user-ran; }
timeout $((seconds * 3 + 120)) "$top/arch_guest/$cpu/run.sh" --cpus 4 --disk "$work/img" --append "ktest=regs regs_ms=$((seconds * 1000 / 4)) loglevel=7" \
	--append "ktest_timeout=$((seconds + 60))" </dev/null 2>&1 | tr -d '\r' >"$work/out"
sed -n 's/^ok [0-9]* regs\.\(.*\)/ok '"$suite"'\/kernel-\1/p; s/^not ok [0-9]* regs\.\(.*\)/not ok '"$suite"'\/kernel-\1/p; s/.*ktest: \(.*rounds.*\)/# \1/p' "$work/out"
[ "$(grep -c '^ok ' "$work/out")" = 6 ] || { tail -n 20 "$work/out" | sed 's/^/# /'; not_ok kernel-ran; }

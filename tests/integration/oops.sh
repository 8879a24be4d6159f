#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernel breaks on purpose: what it says before it ends, and status 101 for the shell.
#   tests/integration/oops.sh [um|x86_64|aarch64]...
ports=${*:-um x86_64 aarch64}
. "$(dirname "$0")/lib.sh"
for port in $ports; do
	case $port in
	um) boot() { timeout 200 "$um" --disk "$img" "$@" </dev/null >"$work/out" 2>&1; status=$?; } ;;
	*)
		"$top/rootfs/make-image.sh" "$port" busybox 2>/dev/null || { not_ok "$port-image"; continue; }
		boot() { timeout 300 "$top/arch_guest/$port/run.sh" "$@" </dev/null >"$work/raw" 2>&1; status=$?; tr -d '\r' <"$work/raw" >"$work/out"; } ;;
	esac
	# shows NAME PATTERN...: status 101 and every pattern in the output.
	shows() {
		n=$port-$1 bad=
		shift
		[ $status = 101 ] || bad="status $status, wanted 101"
		for p; do grep -aqE -- "$p" "$work/out" || bad="$bad no /$p/"; done
		if [ -z "$bad" ]; then ok "$n"; else tail -n 40 "$work/out" | sed 's/^/#   /'; not_ok "$n" "$bad"; fi
	}
	registers='r15 [0-9a-f]{16}' frame='#[1-9] 0x[0-9a-f]+ boot_thread\+0x'
	case $port in
	um) frame='#1 0x[0-9a-f]+' ;;	# the process's own symbols are for gdb
	aarch64) registers='x30 [0-9a-f]{16}' ;;
	esac
	boot --append oops=null -- sleep 500
	shows null "$registers" 'kernel oops: .* address 0x8$' "$frame" 'thread 0 "boot"' 'last events of cpu 0:' 'last events of cpu 1:' \
		'switch to [0-9]+ "boot"'
	boot --append oops=exec -- sleep 500
	shows exec "$registers" 'kernel oops: ' "$frame" 'last events of cpu'
	boot --append oops=stack -- sleep 500
	shows stack "$registers" 'kernel oops: ' '#10 0x' 'last events of cpu'
	[ "$port" = um ] || shows stack-is-named '(double fault|stack overflow)' 'crash_stack\+0x'
	# In a program's system call: whose, and what it did before.
	boot -- sh -c 'cat /proc/version >/dev/null; echo c >/proc/sysrq-trigger'
	shows panic 'kernel panic: sysrq triggered crash' '#0 0x' 'thread [1-9][0-9]* "(sh|init|busybox)"' 'system call [0-9]+ write\(0x1, '
	[ "$port" = um ] || shows panic-backtrace 'task_user_loop\+0x' '(sys|file|vfs|proc)[a-z_]*write[a-z_]*\+0x'
done

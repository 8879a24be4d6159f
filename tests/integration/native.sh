#!/bin/sh
# SPDX-License-Identifier: MIT
# Both native ports in QEMU: status, shell, bad input.
. "$(dirname "$0")/lib.sh"
for cpu in x86_64 aarch64; do
	"$top/rootfs/make-image.sh" $cpu busybox 2>/dev/null || { not_ok $cpu-image; continue; }
	run=$top/arch_guest/$cpu/run.sh
	boot() { out=$(timeout 300 "$run" "$@" </dev/null 2>"$work/err" | tr -d '\r'); }
	timeout 300 "$run" -- sh -c 'exit 7' </dev/null >/dev/null 2>&1; status=$?
	check $cpu-exit-status test $status = 7
	for n in 1 4; do
		boot --cpus $n -- nproc; status=0; expect $cpu-cpus-$n 0 $n
	done
	boot -- sh -c 'uname -m; seq 100 | sort -rn | head -n 1; ls /proc/self/fd | wc -l >/dev/null && echo proc'; status=0
	expect $cpu-shell 0 "$cpu
100
proc"
	dd if=/dev/zero of="$work/zeros" bs=1M count=4 2>/dev/null
	timeout 300 "$run" --disk "$work/zeros" </dev/null >"$work/out" 2>&1; s=$?
	if [ $s -ne 0 ] && [ $s -ne 124 ] && grep -q 'root' "$work/out"; then ok $cpu-disk-of-zeros; else not_ok $cpu-disk-of-zeros "status $s"; fi
	# What cannot work ends by itself, says why, and fails.
	broken() {	# name message options
		n=$cpu-$1 want=$2
		shift 2
		timeout 200 "$run" "$@" -- true </dev/null >"$work/out" 2>&1; s=$?
		if [ $s -ne 0 ] && [ $s -lt 124 ] && grep -aqE "$want" "$work/out"; then ok "$n"; else tail -n 5 "$work/out" | sed 's/^/#   /'; not_ok "$n" "status $s"; fi
	}
	virtio=virtio-blk-pci,disable-legacy=on; [ $cpu = x86_64 ] || virtio=virtio-blk-device	# with a geometry, for which QEMU would read it
	broken no-disk 'cannot mount the root file system .*no such (file|device)' --disk /nonexistent
	broken bad-root 'cannot mount the root file system /dev/nonsense' --append root=/dev/nonsense
	broken bad-type 'cannot mount the root file system' --append rootfstype=nonsense
	broken bad-init 'cannot start /nonexistent: there is no such file' --append init=/nonexistent
	[ $cpu = aarch64 ] || broken no-memory '[Mm]emory' --mem 5M	# QEMU itself refuses so little there
	broken mute-disk 'a disk does not answer' --disk none --append boot_timeout=3 \
		--qemu "-blockdev driver=null-co,node-name=mute,size=33554432,latency-ns=900000000000 -device $virtio,drive=mute,cyls=64,heads=16,secs=63"
	timeout 300 "$run" --mem 32M -- true </dev/null >"$work/out" 2>&1; s=$?
	if [ $s -eq 0 ] || { [ $s -ne 124 ] && grep -qi 'memory' "$work/out"; }; then ok $cpu-32M; else not_ok $cpu-32M "status $s"; fi
done

# Many boots in a row: a few here, 25 and more by boot_many.sh itself.
for cpu in x86_64 aarch64; do "$(dirname "$0")/boot_many.sh" $cpu 3 >"$work/many" 2>&1; check $cpu-boots-in-a-row test $? = 0; done

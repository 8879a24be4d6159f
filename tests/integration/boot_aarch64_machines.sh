#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The same AArch64 kernel on machines that differ in what a device tree can
# tell: processor, interrupt controller, where devices and memory are, how much
# memory, how many CPUs, which exception level it is entered at.
# And on machines that cannot work: a clear message and a failing status.
# TAP, one line per machine.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
run=$top/arch_guest/aarch64/run.sh
out=$(mktemp)
trap 'rm -f "$out" "$out.img"' EXIT
trap 'exit 130' INT TERM
n=0 failed=0
machine() {
	n=$((n + 1))
	timeout -k 5 120 "$run" "$@" -- sh -c 'echo CPUS=$(grep -c ^processor /proc/cpuinfo); dd if=/dev/vda of=/dev/null bs=64k count=16 2>/dev/null; exit 7' </dev/null >"$out" 2>&1
	status=$?
	if [ $status -eq 7 ] && grep -q 'CPUS=[1-9]' "$out"; then
		echo "ok $n - $* ($(tr -d '\r' <"$out" | grep -o 'CPUS=.*'))"
	else
		echo "not ok $n - $* (status $status)"
		sed 's/^/# /' "$out"
		failed=$((failed + 1))
	fi
}
# What cannot work: ends by itself, with a status that is not success, and says why.
broken() {	# message options
	want=$1
	shift
	n=$((n + 1))
	timeout -k 5 60 "$run" "$@" -- true </dev/null >"$out" 2>&1
	status=$?
	if [ $status -ne 0 ] && [ $status -ne 124 ] && [ $status -ne 125 ] && grep -aqE "$want" "$out"; then
		echo "ok $n - broken: $* (status $status)"
	else
		echo "not ok $n - broken: $* (status $status, wanted /$want/)"
		sed 's/^/# /' "$out"
		failed=$((failed + 1))
	fi
}
for cpu in cortex-a53 cortex-a72 neoverse-n1 max; do
	for gic in 2 3; do
		machine --cpu $cpu --gic $gic
	done
done
machine --gic 3 --machine highmem=off
machine --gic 2 --machine highmem=off --bus pci
machine --gic 3 --bus pci
machine --gic 3 --machine virtualization=on
machine --gic 2 --machine virtualization=on --cpu cortex-a72
machine --gic 3 --machine its=off
machine --gic 3 --machine secure=off,acpi=off
for mem in 16M 32M 64M 96M 128M 1G 3G 5G; do
	machine --mem $mem
done
for cpus in 1 2 4 8; do
	machine --cpus $cpus --gic 3
	machine --cpus $cpus --gic 2
done
machine --cpus 16 --gic 3
head -c 8388608 /dev/zero >"$out.img"
broken 'cannot mount the root file system' --disk "$out.img"
broken 'cannot mount the root file system' --disk /nonexistent
broken 'cannot mount the root file system' --append root=/dev/nonsense
broken 'cannot mount the root file system' --append rootfstype=nonsense
broken 'cannot start' --append init=/nonexistent
broken 'does not answer' --disk none --append boot_timeout=3 --qemu "-blockdev driver=null-co,node-name=mute,size=33554432,latency-ns=900000000000 -device virtio-blk-device,drive=mute,cyls=64,heads=16,secs=63"
echo "1..$n"
[ $failed -eq 0 ]

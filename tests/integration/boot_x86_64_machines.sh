#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The same x86-64 kernel on machines that differ in what CPUID, ACPI and the
# loader can tell: processor, chipset, firmware, memory, number of CPUs.
# And on machines that cannot work: a clear message and a failing status.
# TAP, one line per machine.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
run=$top/arch_guest/x86_64/run.sh
out=$(mktemp)
trap 'rm -f "$out" "$out.img"' EXIT
trap 'exit 130' INT TERM
n=0 failed=0
verdict() {	# good? name
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		tr -d '\r' <"$out" | tail -n 12 | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}
machine() {
	timeout -k 5 120 "$run" "$@" -- sh -c 'echo CPUS=$(grep -c ^processor /proc/cpuinfo); dd if=/dev/vda of=/dev/null bs=64k count=16 2>/dev/null; exit 7' </dev/null >"$out" 2>&1
	status=$?
	[ $status -eq 7 ] && grep -q 'CPUS=[1-9]' "$out"
	verdict $? "$* (status $status, $(tr -d '\r' <"$out" | grep -ao 'CPUS=.*'))"
}
# What cannot work: ends by itself, with a status that is not success, and says why.
broken() {	# message options
	want=$1
	shift
	timeout -k 5 60 "$run" "$@" -- true </dev/null >"$out" 2>&1
	status=$?
	[ $status -ne 0 ] && [ $status -ne 124 ] && [ $status -ne 125 ] && grep -aqE "$want" "$out"
	verdict $? "broken: $* (status $status, /$want/)"
}
for cpu in qemu64 core2duo Haswell Skylake-Server EPYC max; do
	machine --cpu $cpu
done
machine --machine pc
machine --machine pc --cpu qemu64 --cpus 1
machine --machine microvm
machine --machine microvm,acpi=off --append 'virtio_mmio.device=512@0xfeb00200:6 virtio_mmio.device=512@0xfeb00400:7' --cpus 1
machine --uefi
machine --uefi --cpus 4 --mem 3G
for mem in 32M 64M 96M 1G 3G 5G; do
	machine --mem $mem
done
for cpus in 1 2 4 8; do
	machine --cpus $cpus
done
for cpu in -smap -smep -fsgsbase -xsave -avx -pdpe1gb -nx; do
	machine --cpu max,$cpu
done
machine --qemu '-no-hpet'
head -c 8388608 /dev/zero >"$out.img"
broken 'cannot mount the root file system' --disk "$out.img"
broken 'cannot mount the root file system' --disk /nonexistent
broken 'cannot mount the root file system' --append root=/dev/nonsense
broken 'cannot mount the root file system' --append rootfstype=nonsense
broken 'cannot start /nonexistent' --append init=/nonexistent
broken '[Mm]emory' --mem 4M
broken 'does not answer' --disk none --append boot_timeout=3 --qemu "-blockdev driver=null-co,node-name=mute,size=33554432,latency-ns=900000000000 -device virtio-blk-pci,drive=mute,cyls=64,heads=16,secs=63,disable-legacy=on"
echo "1..$n"
[ $failed -eq 0 ]

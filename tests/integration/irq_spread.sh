#!/bin/sh
# SPDX-License-Identifier: MIT
# Device interrupts on the native ports: dealt out to the CPUs, moved by /proc/irq/N/smp_affinity, counted by CPU.
. "$(dirname "$0")/lib.sh"
# Two disks are read; then the first one's line is moved to CPU 3 and it is read again.
program='
count() { awk -v n="$1:" -v c="$2" "\$1 == n { print \$(c + 2) }" /proc/interrupts; }
dd if=/dev/vda of=/dev/null bs=64k count=40 2>/dev/null
dd if=/dev/vdb of=/dev/null bs=64k count=40 2>/dev/null
cpus=$(awk "\$1 ~ /^[0-9]+:/ && /virtio/ { for (i = 0; i < 4; i++) if (\$(i + 2) > 8) on[i] = 1 } END { for (i in on) n++; print n + 0 }" /proc/interrupts)
[ "$cpus" -ge 2 ] && echo SPREAD=yes || { echo SPREAD=no; cat /proc/interrupts; }
line=$(awk "\$1 ~ /^[0-9]+:/ && /virtio/ { t = 0; for (i = 0; i < 4; i++) t += \$(i + 2); if (t > m) { m = t; n = \$1 } } END { sub(\":\", \"\", n); print n }" /proc/interrupts)
echo 8 >/proc/irq/$line/smp_affinity
echo MASK=$(cat /proc/irq/$line/smp_affinity) LIST=$(cat /proc/irq/$line/effective_affinity_list)
before=$(count $line 3)
dd if=/dev/vda of=/dev/null bs=64k count=40 skip=100 2>/dev/null
dd if=/dev/vdb of=/dev/null bs=64k count=40 skip=100 2>/dev/null
[ $(($(count $line 3) - before)) -gt 8 ] && echo MOVED=yes || { echo MOVED=no; cat /proc/interrupts; }
echo 100 >/proc/irq/$line/smp_affinity || echo REFUSED=yes
echo 1-2 >/proc/irq/$line/smp_affinity_list; echo LIST2=$(cat /proc/irq/$line/smp_affinity_list)
'
head -c 33554432 /dev/zero >"$work/disk"
try() {	# name cpu options
	name=$1 cpu=$2
	shift 2
	"$top/rootfs/make-image.sh" $cpu busybox 2>/dev/null || { not_ok $cpu-image; return; }
	timeout 300 "$top/arch_guest/$cpu/run.sh" --cpus 4 --disk2 "$work/disk" "$@" -- sh -c "$program" </dev/null 2>/dev/null | tr -d '\r' >"$work/out"
	for want in SPREAD=yes 'MASK=8 LIST=3' MOVED=yes REFUSED=yes LIST2=1; do
		if grep -q "^$want\$" "$work/out"; then ok "$name-${want%%=*}"; else sed 's/^/#   /' "$work/out"; not_ok "$name-${want%%=*}"; fi
	done
}
try x86_64-msix x86_64
try x86_64-ioapic x86_64 --machine microvm
try aarch64-gicv3 aarch64
try aarch64-gicv2 aarch64 --gic 2
try aarch64-its aarch64 --bus pci
try aarch64-v2m aarch64 --bus pci --gic 2

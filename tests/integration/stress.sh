#!/bin/sh
# SPDX-License-Identifier: MIT
# A short run of stress-ng with --verify, and what is left in the kernel after it; the long one is tests/conformance/stress-ng.sh.
#   tests/integration/stress.sh [um|x86_64|aarch64]
port=${1:-um} cpu=x86_64
case $port in
x86_64|aarch64) cpu=$port EFT_UM=$(cd "$(dirname "$0")/../.." && pwd)/arch_guest/$port/run.sh ;;
um) ;;
*) echo "stress.sh: no port '$port'" >&2; exit 2 ;;
esac
. "$(dirname "$0")/lib.sh"
suite=stress-$port
img=$top/build/rootfs/$cpu-stress.ext2
"$top/rootfs/make-image.sh" -o "$img" -s 640 -p stress-ng -a "$top/tests/conformance/stress-ng/run.sh:/suite/run.sh" $cpu full 2>"$work/err" ||
	{ tail -n 3 "$work/err" | sed 's/^/# /'; not_ok image; exit 1; }
limit=600
stressors="fork futex pipe poll epoll timer signal brk dentry rename link fifo sem sock switch vfork"
# shellcheck disable=SC2086
eft --mem 1G --cpus 2 -- sh /suite/run.sh 1 $stressors
tr -d '\r' <"$work/stdout" >"$work/results"
for s in $stressors; do
	grep -qx "@@ ok $s" "$work/results" && ok "$s" || { grep -A 8 "^@@ [a-z]* $s\$" "$work/results" | sed 's/^/# /'; not_ok "$s"; }
	grep -qx "@@ ok $s-leak" "$work/results" && ok "$s-leaves-nothing" || { grep -A 5 "^@@ [a-z]* $s-leak\$" "$work/results" | sed 's/^/# /'; not_ok "$s-leaves-nothing"; }
done
grep -qx '@@ end' "$work/results" && ok ran-to-its-end || not_ok ran-to-its-end

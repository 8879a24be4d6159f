#!/bin/sh
# SPDX-License-Identifier: MIT
# Micro-operations on the host's Linux and on the hosted kernel, in turn, the
# same binary: median ns of ROUNDS (3) rounds, and the ratio.  micro.sh [ROUNDS]
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
rounds=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
gcc -static -O2 -pthread -o "$work/micro" "$here/micro.c"
"$top/eft" build um 2>/dev/null
"$top/rootfs/make-image.sh" -o "$work/img" -s 48 -a "$work/micro:/micro" x86_64 busybox 2>/dev/null
um=$top/build/um/arch_um/eft-um
i=0
while [ $i -lt "$rounds" ]; do
	(cd "$work" && ./micro) | sed 's/^/linux /'
	timeout 120 "$um" --disk "$work/img" -- sh -c 'cd /root && /micro' </dev/null 2>/dev/null | tr -d '\r' | sed 's/^/um2 /'
	timeout 120 taskset -c 0 "$um" --disk "$work/img" -- sh -c 'cd /root && /micro' </dev/null 2>/dev/null | tr -d '\r' | sed 's/^/um1 /'
	i=$((i + 1))
done >"$work/all"
sort -k1,2 -k3n "$work/all" | awk '
	{ k = $1 " " $2; v[k, n[k]++] = $3; if (!($2 in seen)) { seen[$2] = 1; names[c++] = $2 } }
	function med(k) { return n[k] ? v[k, int((n[k] - 1) / 2)] : "-" }
	END {
		printf "%-22s %12s %12s %8s %12s %8s\n", "ns", "linux", "um, 2 CPUs", "ratio", "um, pinned", "ratio"
		for (i = 0; i < c; i++) {
			l = med("linux " names[i]); a = med("um2 " names[i]); b = med("um1 " names[i])
			printf "%-22s %12s %12s %8.1f %12s %8.1f\n", names[i], l, a, l ? a / l : 0, b, l ? b / l : 0
		}
	}'

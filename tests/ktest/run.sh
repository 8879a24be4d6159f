#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernel's tests of itself, on every port: tests/ktest/run.sh [--port um|um-asan|x86_64|aarch64]...
set -u
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/test/ktest
ports=
while [ $# -gt 0 ]; do
	case $1 in
	--port) ports="$ports $2"; shift 2 ;;
	--only) shift 2 ;;
	*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	esac
done
mkdir -p "$out"
for port in ${ports:-um um-asan x86_64 aarch64}; do
	log=$out/$port.log
	cpu=x86_64; [ "$port" != aarch64 ] || cpu=aarch64
	"$top/rootfs/make-image.sh" $cpu busybox 2>/dev/null	# a disk that can be read
	case $port in
	linux) continue ;;
	um*) # with sanitizers as many CPUs at once as the host gives, otherwise as a machine usually runs
		pin=; [ $port = um ] || pin=--no-pin
		timeout 900 "$top/build/$port/arch_um/eft-um" --mem 256M --cpus 4 $pin --append ktest --disk "$top/build/rootfs/$cpu.ext2" </dev/null >"$log" 2>&1 ;;
	*) timeout 900 "$top/arch_guest/$port/run.sh" --cpus 4 --append ktest </dev/null >"$log" 2>&1 ;;
	esac
	status=$?
	tr -d '\r' <"$log" | grep -aE '^(not )?ok [0-9]+ |^# .*: ' | awk -v p="$port" '
		/^#/ { print; next }
		/^ok/ { print "ok ktest/" p "/" $3; next }
		{ print "not ok ktest/" p "/" $4 }'
	planned=$(tr -d '\r' <"$log" | sed -n 's/^1\.\.\([0-9]*\)$/\1/p' | tail -n 1)
	ran=$(tr -d '\r' <"$log" | grep -acE '^(not )?ok [0-9]+ ')
	if [ -n "$planned" ] && [ "$planned" = "$ran" ] && [ "$ran" -gt 0 ]; then
		echo "ok ktest/$port/ran-all-$ran"
	else
		tail -n 8 "$log" | sed 's/^/# /'
		echo "not ok ktest/$port # $ran of ${planned:-?} ran, status $status"
	fi
done

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Boots a native kernel many times in a row on a busy host; every boot must run a
# program and end with its exit status.
#
#   tests/integration/boot_many.sh x86_64|aarch64 [COUNT (25)] [run.sh options]
#
# TAP, one line per boot; status 0 if all passed.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cpu=${1:?x86_64 or aarch64}
count=${2:-25}
shift; [ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- --cpus 4
run=$top/arch_guest/$cpu/run.sh
out=$(mktemp)
busy=
trap 'kill $busy 2>/dev/null; rm -f "$out"' EXIT
trap 'exit 130' INT TERM
for _ in $(seq "$(nproc)"); do
	sh -c 'while :; do :; done' &
	busy="$busy $!"
done
echo "1..$count"
failed=0
i=0
while [ $i -lt "$count" ]; do
	i=$((i + 1))
	want=$((i % 100 + 10))
	timeout -k 5 300 "$run" "$@" -- sh -c "cat /proc/cpuinfo >/dev/null; echo BOOT=\$((6 * 7)); exit $want" </dev/null >"$out" 2>&1
	status=$?
	if [ $status -eq $want ] && grep -q 'BOOT=42' "$out"; then
		echo "ok $i - exit status $status"
	else
		echo "not ok $i - status $status, wanted $want"
		sed 's/^/# /' "$out"
		failed=$((failed + 1))
	fi
done
[ $failed -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: MIT
# The hosted kernel's fast paths, each forced on and off: the same programs of
# tests/user must pass whichever way a system call and a hand-over takes, and
# --stats must say that it took that way.
. "$(dirname "$0")/lib.sh"
programs="call_sites_x86_64 regs_x86_64 signal_handler fork vfork exec threads futex ptrace jit pipe_fork cow_sole_owner"
mkdir "$work/tests"
for n in $programs runner/runner; do
	gcc -static -O1 -g -pthread -o "$work/tests/$(basename "$n")" "$top/tests/user/$n.c" -lrt -lm 2>"$work/cc" || { cat "$work/cc"; not_ok compile; exit 1; }
done
"$top/rootfs/make-image.sh" -o "$work/img" -s 96 -a "$work/tests:/tests" x86_64 busybox 2>/dev/null || { not_ok image; exit 1; }
count() { awk -v what="$1" 'index($0, what) { print $2 + 0 }' "$work/err"; }
try() {	# name trapped-at-least patched-at-least patched-at-most options
	name=$1 trapped=$2 least=$3 most=$4
	shift 4
	cp "$work/img" "$work/disk"
	timeout 400 "$um" --mem 256M --stats "$@" --disk "$work/disk" --rw -- /tests/runner -t 90 -d /root /tests $programs \
		</dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	if [ "$(grep -c '^@@RESULT [a-z0-9_]* pass ' "$work/out")" = "$(echo $programs | wc -w)" ]; then
		ok "$name"
	else
		grep -vE '^@@RESULT [a-z0-9_]* pass ' "$work/out" | tail -n 12 | sed 's/^/#   /'
		not_ok "$name"
	fi
	p=$(count 'system calls from patched sites') t=$(count 'system calls by trap')
	if [ "${p:-0}" -ge "$least" ] && [ "${p:-0}" -le "$most" ] && [ "${t:-0}" -ge "$trapped" ]; then ok "$name-stats"
	else echo "# ${p:-none} patched, ${t:-none} trapped"; not_ok "$name-stats"; fi
}
all=999999999
try default 1000 10000 $all
try patch-off 10000 0 0 --patch=off
try patch-always 1000 10000 $all --patch=always
try spin-off 1000 10000 $all --spin=off
try spin-always 1000 10000 $all --spin=always
try patch-off-spin-off 10000 0 0 --patch=off --spin=off
try four-cpus 1000 10000 $all --patch=always --cpus 4
try one-cpu 1000 10000 $all --patch=always --cpus 1
# regs_x86_64 asks for a signal every 100 us, more than trapping by ptrace can deliver.
programs=$(echo "$programs" | sed 's/regs_x86_64 //')
try ptrace 1000 10000 $all --trap=ptrace

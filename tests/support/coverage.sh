#!/bin/sh
# SPDX-License-Identifier: MIT
# Line coverage of kernel/: the unit tests, the kernel's own tests and the user
# programs, all with preset um-cov; the report by file is build/test/coverage.txt.
# Prints "ok coverage" if at least LIMIT percent of the lines ran.
set -u
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/test/coverage
limit=${1:-75}
rm -rf "$out"
mkdir -p "$out"
(cd "$top" && cmake --preset um-cov && ninja -C build/um-cov all unit) >"$out/build.log" 2>&1 || {
	grep -m 10 -E 'error|FAILED' "$out/build.log"; echo "not ok coverage/build"; echo "0 passed, 1 failed"; exit 1; }
um=$top/build/um-cov/arch_um/eft-um
objects="$um"
LLVM_PROFILE_FILE=$out/%p.profraw
export LLVM_PROFILE_FILE
for t in "$top"/build/um-cov/tests/unit/unit_*; do
	[ -f "$t" ] && [ -x "$t" ] || continue
	(cd "$out" && timeout 300 "$t") >>"$out/unit.log" 2>&1
	objects="$objects -object $t"
done
timeout 300 "$um" --mem 256M --cpus 2 --append ktest </dev/null >"$out/ktest.log" 2>&1
EFT_UM_OPTIONS="--cpus 2" "$top/tests/user/run.sh" --port um-cov >"$out/user.log" 2>&1
timeout 300 "$um" --disk "$top/build/rootfs/x86_64-corpus.ext2" -- \
	sh -c 'sh /corpus/driver.sh /corpus/corpus.txt /corpus/fixture.sh /root | cat' </dev/null >"$out/corpus.log" 2>&1
timeout 60 "$um" --strace --disk "$top/build/rootfs/x86_64.ext2" -- sh -c 'ls -lR /proc/self /sys > /dev/null; ps; mount' </dev/null >"$out/strace.log" 2>&1
ls "$out"/*.profraw >/dev/null 2>&1 || { echo "not ok coverage # no profile was written"; echo "0 passed, 1 failed"; exit 1; }
llvm-profdata merge -sparse -o "$out/all.profdata" "$out"/*.profraw
# shellcheck disable=SC2086
llvm-cov report $objects -instr-profile "$out/all.profdata" $(find "$top/kernel" -name '*.c' ! -path '*/vdso/*' ! -path '*/aarch64/*') >"$top/build/test/coverage.txt" 2>"$out/cov.log"
rm -f "$out"/*.profraw
# Columns: file regions missed cover functions missed executed lines missed cover ...
awk '$1 == "TOTAL" { print "# lines of kernel/: " $8 ", not run: " $9 ", covered: " $10 }' "$top/build/test/coverage.txt"
awk 'NF > 9 && $1 ~ /\.c$/ { print "#   " $10, $1 }' "$top/build/test/coverage.txt" | sort -k2n | head -n 12
if awk -v l="$limit" '$1 == "TOTAL" { sub(/%/, "", $10); found = 1; if ($10 + 0 < l) exit 1 } END { if (!found) exit 1 }' "$top/build/test/coverage.txt"; then
	echo "ok coverage"; echo "1 passed, 0 failed"
else
	echo "not ok coverage # under $limit percent"; echo "0 passed, 1 failed"; exit 1
fi

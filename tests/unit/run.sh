#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit tests (check programs over kernel objects and a fake HAL), under ASan and UBSan.
set -u
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$top/build/um-asan/tests/unit
mkdir -p "$top/build/test"
(cd "$top" && cmake --preset um-asan && ninja -C build/um-asan unit) >"$top/build/test/unit-build.log" 2>&1 || {
	grep -m 10 -E 'error|FAILED' "$top/build/test/unit-build.log" | sed 's/^/# /'
	echo "not ok unit/build"
	exit 1
}
found=
for exe in "$dir"/unit_* "$dir"/test_*; do
	[ -f "$exe" ] && [ -x "$exe" ] || continue
	found=1
	name=$(basename "$exe")
	log=$top/build/test/unit-$name.log
	mkdir -p "$top/build/test"
	(cd "$top/build" && ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 timeout 300 "$exe") >"$log" 2>&1
	status=$?
	# unit_main.c prints a line for each test; what check has to say about a failure stands before it.
	sed -n 's/^\(ok\|not ok\) [0-9]* - \(.*\)/\1 unit\/'"$name"'\/\2/p' "$log"
	if [ $status -ne 0 ] && ! grep -q '^not ok' "$log"; then
		tail -n 12 "$log" | sed 's/^/# /'
		echo "not ok unit/$name # status $status"
	fi
done
[ -n "$found" ] || echo "not ok unit # no test program in $dir"

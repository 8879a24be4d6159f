#!/bin/sh
# SPDX-License-Identifier: MIT
#
# ./eft fuzz check: the engine's promises as figures; fails when one is not kept.
# Rates are in CPU time, the best of 20 parts: others may use the machine.  Who shares its caches makes it slower for seconds or
# minutes at a time, never faster: a rate that is missed is measured again, up to five times, and each try is printed.
# EFT_CHECK_RUNS: how many runs of the rest (10000).
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
n=${EFT_CHECK_RUNS:-10000}
status=0
try() {	# preset target options...
	preset=$1 target=$2
	bin=$top/build/$preset/tests/fuzz/eft-fuzz
	[ -x "$bin" ] || { echo "eft: fuzz: $bin is not there: ./eft build $preset" >&2; exit 2; }
	shift 2
	said=$("$bin" --target="$target" "$@" 2>/dev/null) || status=1
	printf '%s\n' "$said" | grep -E '^(ok|not ok)' | while read -r line; do echo "$line ($preset, $target)"; done
	case $said in *ok:*) ;; *) echo "not ok: $preset, $target $*: says nothing"; status=1 ;; esac
}
rate() {	# the same, again while it is missed
	before=$status tries=0
	while status=$before; try "$@"; [ "$status" -ne "$before" ] && [ $((tries += 1)) -lt 5 ]; do
		echo "# once more in ten seconds"
		sleep 10
	done
}
rate um-fuzz-fast syscalls --bench=20000 --min-rate=20000 --max-reset=30000
rate um-fuzz-fast syscalls-mt --bench=20000 --min-rate=20000
rate um-fuzz syscalls --bench=10000 --min-rate=5000 --max-reset=30000
try um-fuzz-fast syscalls --check-reset="$n"
try um-fuzz-fast syscalls-mt --check-reset="$n"
try um-fuzz-fast syscalls --check-trace="$n"
try um-fuzz-fast syscalls-mt --check-trace="$n"
try um-fuzz syscalls --check-trace="$n"
try um-fuzz-mt syscalls-mt --check-trace="$n"
exit $status

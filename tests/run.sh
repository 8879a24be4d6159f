#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: ./eft test [SUITE...] [NAME...] [OPTIONS]
#   suites      lint unit user ktest fail_nth fuzz integration conformance (default: all but conformance)
#   --port P    user, ktest: only on linux, um, um-asan, x86_64 or aarch64 (repeatable)
#   NAME        user: only these programs (a pattern); conformance: only these suites
#   --coverage  line coverage of kernel/ by the unit tests and the user programs on um
#
# A suite is tests/SUITE/run.sh; it prints a line "ok NAME" or "not ok NAME" for
# each test, and '#' lines of explanation.  A suite without a single such line
# counts as failed.  The last line is "N passed, N failed".
set -u
export LC_ALL=C
top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/test
suites= options=
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help) sed -n '4,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	--coverage) exec "$top/tests/support/coverage.sh" ;;
	--port|--only) [ $# -ge 2 ] || { echo "eft: $1 needs a value" >&2; exit 2; }
		options="$options $1 $2"; shift ;;
	-*) echo "eft: unknown option $1 (--help)" >&2; exit 2 ;;
	*) if [ -x "$top/tests/$1/run.sh" ]; then suites="$suites $1"
		elif [ -n "$suites" ]; then options="$options --only $1"
		else echo "eft: no suite '$1' (--help)" >&2; exit 2; fi ;;
	esac
	shift
done
if [ -z "$suites" ]; then
	export EFT_FAIL_NTH=short
	for s in lint unit user ktest fail_nth fuzz integration; do [ ! -x "$top/tests/$s/run.sh" ] || suites="$suites $s"; done
fi
mkdir -p "$out"

build() {
	echo "# building $1"
	(cd "$top" && cmake --preset "$1" && ninja -C "build/$1") >"$out/build-$1.log" 2>&1 && return 0
	grep -E -m 20 'error|FAILED' "$out/build-$1.log"
	echo "not ok build/$1"
	return 1
}
passed=0 failed=0
count() {	# file
	p=$(grep -c '^ok ' "$1") f=$(grep -c '^not ok ' "$1")
	passed=$((passed + p)) failed=$((failed + f))
}

start=$(date +%s)
case " $suites " in
*" unit "*|*" user "*|*" ktest "*|*" fail_nth "*|*" integration "*)
	: >"$out/build.txt"
	for p in um um-clang um-asan um-tsan x86_64 aarch64 aarch64-gcc; do	# both compilers, without a warning
		if build $p; then echo "ok build/$p"; fi
	done | tee "$out/build.txt"
	count "$out/build.txt" ;;
esac
for s in $suites; do
	echo "# ---- $s ($(($(date +%s) - start)) s) ----"
	# shellcheck disable=SC2086
	"$top/tests/$s/run.sh" $options 2>&1 | tee "$out/$s.txt"
	if ! grep -qE '^(not )?ok ' "$out/$s.txt"; then
		echo "not ok $s # it ran no test" | tee -a "$out/$s.txt"
	fi
	count "$out/$s.txt"
done
echo "# $(($(date +%s) - start)) seconds; failures:"
grep -h '^not ok ' "$out"/build.txt $(for s in $suites; do echo "$out/$s.txt"; done) 2>/dev/null | sed 's/^/# /'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

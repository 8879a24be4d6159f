#!/bin/sh
# SPDX-License-Identifier: MIT
# ./eft fuzz coverage [TARGET...]: which lines of kernel/ the corpora reach.  HTML in build/fuzz/coverage.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/fuzz/coverage
bin=$top/build/um-fuzz-cov/tests/fuzz/eft-fuzz
die() { echo "eft: fuzz: $*" >&2; exit 2; }
# The compiler's own: others cannot read its profiles.
tool() { ls "/usr/lib/llvm-$(clang -dumpversion | cut -d . -f 1)/bin/$1" 2>/dev/null || command -v "$1"; }
[ -x "$bin" ] || die "$bin is not there: ./eft build um-fuzz-cov"
mkdir -p "$out"
rm -f "$out"/*.profraw
[ $# -gt 0 ] || set -- $("$bin" --list | awk '{ print $1 }')
some=
for t; do
	dirs=
	for d in "$top/build/fuzz/$t/corpus" "$here/corpus/$t"; do
		if [ -d "$d" ] && [ "$(find "$d" -type f | wc -l)" -gt 0 ]; then dirs="$dirs $d"; fi
	done
	[ -n "$dirs" ] || continue
	echo "$t: $(find $dirs -type f | wc -l) inputs"
	# shellcheck disable=SC2086
	LLVM_PROFILE_FILE="$out/$t.profraw" "$bin" --target="$t" -runs=0 -timeout=60 $dirs >"$out/$t.log" 2>&1 || echo "$t: ended early, see $out/$t.log"
	[ -s "$out/$t.profraw" ] && some=1
done
[ -n "$some" ] || die "no corpus: run ./eft fuzz TARGET first"
"$(tool llvm-profdata)" merge -sparse -o "$out/all.profdata" "$out"/*.profraw
cov=$(tool llvm-cov)
"$cov" show "$bin" -instr-profile="$out/all.profdata" -format=html -output-dir="$out/html" -ignore-filename-regex='tests/|vdso' >/dev/null
"$cov" report "$bin" -instr-profile="$out/all.profdata" -ignore-filename-regex='tests/|drivers/|arch_guest/|vdso' >"$out/report.txt"
awk '/^TOTAL/ { print "kernel/: " $10 " of " $8 " lines" }' "$out/report.txt"
echo "$out/html/index.html"

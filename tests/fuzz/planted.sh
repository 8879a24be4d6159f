#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: ./eft fuzz planted [NAME...]
# Does the fuzzer find things?  Bugs are planted one at a time in a copy of the tree (tests/fuzz/planted/*.patch), and each is
# looked for as any other: an empty corpus, one core, at most EFT_PLANTED_TIME seconds (600).  The time of each is printed.
# A patch begins with "Target: NAME" and a line that says what the bug is.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/planted
src=$out/src
limit=${EFT_PLANTED_TIME:-600}
jobs=$(nproc 2>/dev/null || echo 2)
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$src" "$out/log"

# A copy, as it is now; times are kept, so that what did not change is not built again.
(cd "$top" && git ls-files -co --exclude-standard -z | xargs -0 tar cf - --ignore-failed-read 2>/dev/null) | tar xf - -C "$src" || exit 2
build() {	# preset
	(cd "$src" && cmake --preset "$1" && ninja -C "build/$1" -j "$jobs" eft-fuzz) >"$out/build.log" 2>&1 || {
		grep -E -m 5 'error|FAILED' "$out/build.log" >&2; return 1; }
}

now_ms() { date +%s%3N; }
known=$out/known
names=$*
[ -n "$names" ] || names=$(cd "$here/planted" && ls -- *.patch | sed 's/\.patch$//')
case " $(cd "$here/planted" && grep -l '^Target: diff' -- *.patch | tr '\n' ' ') " in *.patch*)
	# What the kernel does differently without any help is no find.
	build um-fuzz-fast || exit 2
	[ -f "$known" ] && [ "$known" -nt "$src/build/um-fuzz-fast/tests/fuzz/eft-fuzz" ] ||
		timeout 300 "$src/build/um-fuzz-fast/tests/fuzz/eft-fuzz" --target=diff --programs=40000 --seed=7 >"$known" 2>&1
	;;
esac

found=0 soon=0 all=0
for n in $names; do
	p=$here/planted/$n.patch
	[ -f "$p" ] || { echo "eft: fuzz: no planted bug $n" >&2; exit 2; }
	target=$(sed -n 's/^Target: //p' "$p") what=$(sed -n 2p "$p")
	case $target in syscalls-mt) preset=um-fuzz-mt ;; diff) preset=um-fuzz-fast ;; *) preset=um-fuzz ;; esac
	all=$((all + 1))
	patch -s -p1 -d "$src" <"$p" || { echo "not ok planted/$n # the patch does not fit"; continue; }
	bin=$src/build/$preset/tests/fuzz/eft-fuzz log=$out/log/$n
	if build $preset; then
		rm -rf "$out/corpus"
		mkdir -p "$out/corpus"
		start=$(now_ms)
		if [ "$target" = diff ]; then
			timeout "$limit" "$bin" --target=diff --programs=1000000000 --seed=3 --first --known="$known" >"$log" 2>&1
			[ $? -eq 1 ] && status=found || status=
			grep -q '^--- difference' "$log" || [ "$(grep -c '==eft-fuzz==\|ERROR' "$log")" -gt 0 ] || status=
		else
			timeout $((limit + 20)) "$bin" --target="$target" -max_total_time="$limit" -timeout=20 -seed=1 -max_len=4096 -print_funcs=0 \
				-artifact_prefix="$out/log/$n." "$out/corpus" >"$log" 2>&1
			[ $? -ne 0 ] && grep -qE '==eft-fuzz==|==[0-9]+==|runtime error' "$log" && status=found || status=
		fi
		ms=$(($(now_ms) - start))
		if [ -n "$status" ]; then
			found=$((found + 1))
			[ $ms -gt 120000 ] || soon=$((soon + 1))
			printf 'ok planted/%s # %d.%d s: %s\n' "$n" $((ms / 1000)) $((ms % 1000 / 100)) "$what"
		else
			echo "not ok planted/$n # not found in $limit s: $what"
		fi
	else
		echo "not ok planted/$n # does not compile"
	fi
	patch -s -R -p1 -d "$src" <"$p"
done
echo "# $found of $all found, $soon of them within two minutes"
[ "$found" -eq "$all" ]

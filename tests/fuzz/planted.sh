#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: ./eft fuzz planted [--check] [--time S] [NAME...]
# Does the fuzzer find things?  Bugs are planted one at a time in a copy of the tree (tests/fuzz/planted/*.patch), and each is
# looked for as any other: an empty corpus, one core, at most S seconds (600).  A line for each: the bug, its target, the
# seconds of CPU time that it took to find (others may use the machine), and how it was seen.
# The name `control-TARGET' plants nothing: the same run must find nothing (as long as --control S says, 60).
# --check only says whether every patch still fits.  --list prints the names.
# A patch begins with "Target: NAME" and a line that says what the bug is.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${EFT_PLANTED_DIR:-$top/build/planted}
src=$out/src
limit=600 control=60 names= check=
PATH=$PATH:/usr/sbin:/sbin
all_names() { (cd "$here/planted" && ls -- *.patch | sed 's/\.patch$//'); }
while [ $# -gt 0 ]; do
	case $1 in
	--check) check=1 ;;
	--list) all_names; exit 0 ;;
	--time|--control) case ${2:-} in ''|*[!0-9]*) echo "eft: fuzz: $1 takes seconds" >&2; exit 2 ;; esac
		if [ "$1" = --time ]; then limit=$2; else control=$2; fi; shift ;;
	-*) echo "eft: fuzz: unknown option $1" >&2; exit 2 ;;
	*) names="$names $1" ;;
	esac
	shift
done
targets=$(sed -s -n 's/^Target: //p' "$here"/planted/*.patch | sort -u)
[ -n "$names" ] || names="$(all_names) $(for t in $targets; do echo "control-$t"; done)"

for n in $names; do
	case $n in control-*) ;; *) [ -f "$here/planted/$n.patch" ] || { echo "eft: fuzz: no planted bug $n" >&2; exit 2; } ;; esac
done

if [ -n "$check" ]; then
	bad=0
	for n in $(all_names); do
		patch -s --dry-run -p1 -d "$top" <"$here/planted/$n.patch" >/dev/null 2>&1 || { echo "tests/fuzz/planted/$n.patch does not fit"; bad=1; }
	done
	exit $bad
fi

# A copy, as it is now; times are kept, so that what did not change is not built again, except what was patched last time:
# its objects may have the bug.
mkdir -p "$src" "$out/log"
(cd "$top" && git ls-files -co --exclude-standard -z | xargs -0 tar cf - --ignore-failed-read 2>/dev/null) | tar xf - -C "$src" || exit 2
[ ! -f "$out/patched" ] || (cd "$src" && xargs touch) <"$out/patched"
: >"$out/patched"
build() {	# preset
	(cd "$src" && cmake --preset "$1" && ninja -C "build/$1" eft-fuzz) >"$out/build.log" 2>&1 || {
		grep -E -m 5 'error|FAILED' "$out/build.log" >&2; return 1; }
}

# Milliseconds of CPU time of this shell's children so far, in $cpu.  Not in a command substitution: that has children of its own.
count_cpu() {
	times >"$out/times"
	cpu=$(awk 'NR == 2 { gsub("s", ""); split($1, u, "m"); split($2, s, "m"); printf "%d", (u[1] * 60 + u[2] + s[1] * 60 + s[2]) * 1000 }' "$out/times")
}
preset_of() { case $1 in syscalls-mt) echo um-fuzz-mt ;; diff) echo um-fuzz-fast ;; *) echo um-fuzz ;; esac; }

# What the kernel does differently without any help is no find.
known=$out/known
rm -f "$known"
differs() {	# seconds, log: status 1 if there is a difference that is not known
	timeout "$1" "$src/build/um-fuzz-fast/tests/fuzz/eft-fuzz" --target=diff --programs=1000000000 --seed=3 --first --known="$known" >"$2" 2>&1
	case $? in 124) return 0 ;; *) return 1 ;; esac
}
need_known() {
	build um-fuzz-fast || exit 2
	[ -f "$known" ] && [ "$known" -nt "$src/build/um-fuzz-fast/tests/fuzz/eft-fuzz" ] && return
	: >"$known"
	timeout 180 "$src/build/um-fuzz-fast/tests/fuzz/eft-fuzz" --target=diff --programs=1000000000 --seed=3 >"$known.new" 2>&1	# as far as a search gets
	mv "$known.new" "$known"
	touch -d '+1 day' "$known"	# the patched executables are newer, and say nothing of it
}

# run TARGET SECONDS LOG: status 1 if something was found.
run() {
	rm -rf "$out/corpus"
	mkdir -p "$out/corpus"
	if [ "$1" = diff ]; then differs "$2" "$3"; return; fi
	(ulimit -S -t "$2"; exec timeout $(($2 * 4)) "$src/build/$(preset_of "$1")/tests/fuzz/eft-fuzz" --target="$1" -max_total_time=$(($2 * 4)) -timeout=60 -seed=1 -max_len=4096 \
		-print_funcs=0 -artifact_prefix="$out/log/" -reload=0 "$out/corpus") >"$3" 2>&1
	case $? in 124|152|137|0) return 0 ;; *) return 1 ;; esac	# 152: SIGXCPU
}

# What the log of a find says it was; nothing: it is no find but a failure of the harness.
seen_how() {	# target, log
	if [ "$1" = diff ] && grep -aq '^--- difference' "$2"; then
		sed -n '/^--- difference/,$p' "$2" | grep -a -m 1 -E '^  (r[0-9]+ |status|files)' | sed 's/^  //; s/:$/ differ/'
	else
		grep -a -m 1 -oE 'AddressSanitizer: [a-zA-Z-]+|MemorySanitizer: [a-zA-Z-]+|runtime error: .*|panic: .*|==eft-fuzz== .+|ERROR: libFuzzer: .*' "$2" | sed 's/==eft-fuzz== //' |
			cut -c 1-90
	fi
}

found=0 soon=0 all=0 failed=0
printf '# %-28s %-12s %8s  %s\n' bug target seconds 'seen by'
for n in $names; do
	case $n in control-*)
		target=${n#control-} log=$out/log/$n
		if [ "$target" = diff ]; then need_known; else build "$(preset_of "$target")" || exit 2; fi
		if run "$target" "$control" "$log"; then
			printf 'ok planted/%-20s %-12s %8s  nothing, as it should be\n' "$n" "$target" "$control"
		else
			printf 'not ok planted/%s # found something without a planted bug: %s\n' "$n" "$(seen_how "$target" "$log")"
			failed=1
		fi
		continue ;;
	esac
	p=$here/planted/$n.patch
	target=$(sed -n 's/^Target: //p' "$p") what=$(sed -n 2p "$p") log=$out/log/$n
	all=$((all + 1))
	[ "$target" != diff ] || need_known
	sed -n 's|^+++ b/||p' "$p" >>"$out/patched"
	patch -s -p1 -d "$src" <"$p" || { echo "not ok planted/$n # the patch does not fit"; continue; }
	if build "$(preset_of "$target")"; then
		count_cpu
		start=$cpu how=
		run "$target" "$limit" "$log" || how=$(seen_how "$target" "$log")
		count_cpu
		ms=$((cpu - start))
		if [ -n "$how" ]; then
			found=$((found + 1))
			[ $ms -gt 120000 ] || soon=$((soon + 1))
			printf 'ok planted/%-20s %-12s %6d.%d  %s\n' "$n" "$target" $((ms / 1000)) $((ms % 1000 / 100)) "$how"
		else
			echo "not ok planted/$n # not found in $limit s: $what"
		fi
	else
		echo "not ok planted/$n # does not compile"
	fi
	patch -s -R -p1 -d "$src" <"$p"
done
echo "# $found of $all found, $soon of them within two minutes"
[ "$found" -eq "$all" ] && [ $failed -eq 0 ]

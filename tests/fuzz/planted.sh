#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: ./eft fuzz planted [--check] [--time S] [--seed N] [NAME...]
# Does the fuzzer find things?  Bugs are planted one at a time in a copy of the tree (tests/fuzz/planted/*.patch), and each is
# looked for as any other: an empty corpus, one core, at most S seconds (600) of CPU time, libFuzzer's seed N (1).  A line for
# each: the bug, its target, the seconds of CPU time that it took to find (others may use the machine), and how it was seen.
# A find counts only if the same input does nothing to the kernel without the planted bug (of `syscalls-mt': under 300 schedules);
# what it was otherwise is said, and the search goes on.
# The name `control-TARGET' plants nothing: the same run must find nothing (as long as --control S says, 60).
# --check only says whether every patch still fits.  --list prints the names.
# A patch begins with "Target: NAME" and a line that says what the bug is.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${EFT_PLANTED_DIR:-$top/build/planted}
src=$out/src
limit=600 control=60 first_seed=1 names= check=
PATH=$PATH:/usr/sbin:/sbin
all_names() { (cd "$here/planted" && ls -- *.patch | sed 's/\.patch$//'); }
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help) sed -n "4,/^set -u/{/^#/s/^# \{0,1\}//p}" "$0"; exit 0 ;;
	--check) check=1 ;;
	--list) all_names; exit 0 ;;
	--time|--control|--seed) case ${2:-} in ''|*[!0-9]*) echo "eft: fuzz: $1 takes a number" >&2; exit 2 ;; esac
		case $1 in --time) limit=$2 ;; --control) control=$2 ;; --seed) first_seed=$2 ;; esac
		shift ;;
	-*) echo "eft: fuzz: unknown option $1" >&2; exit 2 ;;
	*) names="$names $1" ;;
	esac
	shift
done
targets=$(sed -s -n 's/^Target: //p' "$here"/planted/*.patch | sort -u)
[ -n "$names" ] || names="$(for t in $targets; do echo "control-$t"; done) $(all_names)"

for n in $names; do
	case $n in control-*) ;; *) [ -f "$here/planted/$n.patch" ] || { echo "eft: fuzz: no planted bug $n" >&2; exit 2; } ;; esac
done

if [ -n "$check" ]; then
	bad=0
	for n in $(all_names); do
		patch -s --dry-run -F0 -p1 -d "$top" <"$here/planted/$n.patch" >/dev/null 2>&1 || { echo "tests/fuzz/planted/$n.patch does not fit"; bad=1; }
	done
	exit $bad
fi

# A copy, as it is now; times are kept, so that what did not change is not built again, except what was patched last time:
# its objects may have the bug.
mkdir -p "$src" "$out/log"
(cd "$top" && git ls-files -co --exclude-standard -z | xargs -0 tar cf - --ignore-failed-read 2>/dev/null) | tar xf - -C "$src" || exit 2
[ ! -s "$out/patched" ] || (cd "$src" && xargs touch) <"$out/patched"
: >"$out/patched"
build() {	# preset
	(cd "$src" && cmake --preset "$1" && ninja -C "build/$1" eft-fuzz) >"$out/build.log" 2>&1 || {
		grep -E -m 5 'error|FAILED' "$out/build.log" >&2; return 1; }
}
preset_of() { case $1 in syscalls-mt) echo um-fuzz-mt ;; diff) echo um-fuzz-fast ;; *) echo um-fuzz ;; esac; }

# The files of a patch, as they are without it, and newer than what was built with it.
unplant() {	# patch
	sed -n 's|^+++ b/||p' "$1" | while read -r f; do cp "$top/$f" "$src/$f" && touch "$src/$f"; done
}

# The executables without a planted bug, each built once: before the first patch.
rm -rf "$out/clean"
need_clean() {	# preset
	[ ! -d "$out/clean/$1" ] || return 0
	build "$1" || exit 2
	mkdir -p "$out/clean/$1"
	cp "$src/build/$1/tests/fuzz/eft-fuzz" "$src/build/$1/tests/fuzz/eft-fuzz-linux" "$out/clean/$1"
}

# Milliseconds of CPU time of this shell's children so far, in $cpu.  Not in a command substitution: that has children of its own.
count_cpu() {
	times >"$out/times"
	cpu=$(awk 'NR == 2 { gsub("s", ""); split($1, u, "m"); split($2, s, "m"); printf "%d", (u[1] * 60 + u[2] + s[1] * 60 + s[2]) * 1000 }' "$out/times")
}

# What the kernel does differently without any help is no find: what a short search without a bug finds, and what ended one for a bug.
known=$out/known
rm -f "$known"
need_known() {
	need_clean um-fuzz-fast
	[ ! -f "$known" ] || return 0
	: >"$known.none"
	timeout 60 "$out/clean/um-fuzz-fast/eft-fuzz" --target=diff --programs=1000000000 --seed="$first_seed" >"$known.new" 2>&1
	mv "$known.new" "$known"
}

# run TARGET EXECUTABLE SECONDS SEED LOG: status 1 if something was found; its input is in $out/find.
run() {
	rm -rf "$out/corpus" "$out/find"
	mkdir -p "$out/corpus" "$out/find"
	if [ "$1" = diff ]; then
		(ulimit -S -t "$3"; exec timeout $(($3 * 4)) "$2" --target=diff --programs=1000000000 --seed="$4" --first --known="$known" --save="$out/find") >"$5" 2>&1
	else
		(ulimit -S -t "$3"; exec timeout $(($3 * 4)) "$2" --target="$1" -max_total_time=$(($3 * 4)) -timeout=60 -seed="$4" -max_len=4096 \
			-print_funcs=0 -artifact_prefix="$out/find/" -reload=0 "$out/corpus") >"$5" 2>&1
	fi
	case $? in 124|152|137|0) return 0 ;; *) return 1 ;; esac	# 152: SIGXCPU
}

# Is the find the planted bug's?  Status 1: it is the kernel's own, or the harness's; how that was seen is in the log.
planted() {	# target
	clean=$out/clean/$(preset_of "$1")/eft-fuzz
	set -- "$1" "$out/find"/*
	[ -f "$2" ] || return 1
	case $1 in
	diff) timeout 100 "$clean" --target=diff --known="$known" "$2" >"$out/log/clean" 2>&1 ;;
	syscalls-mt) timeout 300 "$clean" --target="$1" --reseed=300 -timeout=200 "$2" >"$out/log/clean" 2>&1 ;;
	*) timeout 200 "$clean" --target="$1" --reseed=50 -timeout=190 "$2" >"$out/log/clean" 2>&1 ;;
	esac
}

# What the log of a find says it was; nothing: it is no find but a failure of the harness.
seen_how() {	# target, log
	if [ "$1" = diff ] && grep -aq '^--- difference' "$2"; then
		sed -n '/^--- difference/,$p' "$2" | grep -a -m 1 -E '^  (r[0-9]+ |status|files)' | sed 's/^  //; s/:$/ differ/'
	elif grep -aq '^SUMMARY: [AMU]' "$2"; then
		sed -n 's/^SUMMARY: \([AMU][A-Za-z]*Sanitizer\): \([A-Za-z-]*\) (.*) in \(.*\)/\1: \2, in \3/p; t; s/^SUMMARY: \([AMU][A-Za-z]*Sanitizer\): \([A-Za-z-]*\) .*[ /]\([^ /]* in .*\)/\1: \2, \3/p; s/^SUMMARY: \(Undefined[A-Za-z]*\): [a-z-]* [^ ]*\/\([^ /]*\).*/\1: \2/p' "$2" | head -n 1
	else
		grep -a -m 1 -oE 'AddressSanitizer: [a-zA-Z-]+|MemorySanitizer: [a-zA-Z-]+|runtime error: .*|panic: .*|==eft-fuzz== .+|ERROR: libFuzzer: .*' "$2" | sed 's/==eft-fuzz== //' |
			cut -c 1-90
	fi
}

found=0 soon=0 all=0 failed=0
printf '# %-28s %-12s %8s  %s\n' bug target seconds 'seen by'
for n in $names; do
	case $n in control-*)
		target=${n#control-} log=$out/log/$n preset=$(preset_of "$target")
		if [ "$target" = diff ]; then need_known; else need_clean "$preset"; fi
		if run "$target" "$out/clean/$preset/eft-fuzz" "$control" "$first_seed" "$log"; then
			printf 'ok planted/%-20s %-12s %8s  nothing, as it should be\n' "$n" "$target" "$control"
		else
			printf 'not ok planted/%s # found something without a planted bug: %s\n' "$n" "$(seen_how "$target" "$log")"
			failed=1
		fi
		continue ;;
	esac
	p=$here/planted/$n.patch
	target=$(sed -n 's/^Target: //p' "$p") what=$(sed -n 2p "$p") log=$out/log/$n preset=
	preset=$(preset_of "$target")
	all=$((all + 1))
	if [ "$target" = diff ]; then need_known; else need_clean "$preset"; fi
	sed -n 's|^+++ b/||p' "$p" >>"$out/patched"
	patch -s -F0 -p1 -d "$src" <"$p" || { echo "not ok planted/$n # the patch does not fit"; continue; }
	if build "$preset"; then
		seed=$first_seed spent=0 how=
		while [ $spent -lt $((limit * 1000)) ]; do
			count_cpu
			start=$cpu
			run "$target" "$src/build/$preset/tests/fuzz/eft-fuzz" $((limit - spent / 1000)) $seed "$log" || how=$(seen_how "$target" "$log")
			count_cpu
			spent=$((spent + cpu - start))
			[ -n "$how" ] || break
			if planted "$target"; then break; fi
			echo "# $n: not the planted bug: $how; without it: $(seen_how "$target" "$out/log/clean")"
			[ "$target" != diff ] || grep -a '^--- difference' "$log" >>"$known"
			how= seed=$((seed + 1000))
		done
		if [ -n "$how" ]; then
			found=$((found + 1))
			[ $spent -gt 120000 ] || soon=$((soon + 1))
			printf 'ok planted/%-20s %-12s %6d.%d  %s\n' "$n" "$target" $((spent / 1000)) $((spent % 1000 / 100)) "$how"
		else
			echo "not ok planted/$n # not found in $limit s: $what"
		fi
	else
		echo "not ok planted/$n # does not compile"
	fi
	unplant "$p"
done
echo "# $found of $all found, $soon of them within two minutes"
[ "$found" -eq "$all" ] && [ $failed -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The parity suite: every program of tests/user on the host's Linux (the
# oracle) and on each port, each port booted once.
#
#   tests/user/run.sh [--sources DIR] [--port linux|um|um-asan|um-tsan|um-cov|x86_64|aarch64]... [--only GLOB]...
#
# Prints "ok user/PORT/NAME" or "not ok ..." per cell, then the matrix; also as
# build/test/matrix.md and build/test/user.xml (JUnit).  expected.txt lists the
# cells that may differ, each with its reason.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/test/user results=$top/build/test bin=$top/build/user src=$here
expected=$here/expected.txt
ports= only= build_only=
while [ $# -gt 0 ]; do
	case $1 in
	--build-only) build_only=1; shift; continue ;;	# the x86-64 programs, nothing is run
	--port) ports="$ports $2" ;;
	--only) only="$only $2" ;;
	--sources) src=$2 out=$top/build/test/user-$(basename "$2") results=$out bin=$out/bin expected=$src/expected.txt ;;	# other programs: the runner's own tests
	*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift 2
done
: "${ports:=linux um um-asan x86_64 aarch64}"
mkdir -p "$out"

# ---- programs ----
compile() {	# cpu compiler
	dir=$bin/$1
	mkdir -p "$dir"
	newest=$(ls -t "$here"/*.h | head -n 1)
	for file in "$src"/*.c "$here"/runner/runner.c; do
		name=$(basename "$file" .c)
		case $name in
		*_x86_64) [ "$1" = x86_64 ] || continue ;;
		*_aarch64) [ "$1" = aarch64 ] || continue ;;
		esac
		[ "$dir/$name" -nt "$file" ] && [ "$dir/$name" -nt "$newest" ] || echo "$file"
	done | xargs -r -P "$(nproc)" -I{} sh -c '
		n=$(basename "$1" .c)
		'"$2"' -static -s -O1 -Wall -Wextra -Wno-unused-parameter -pthread -o "$2/$n.tmp" "$1" -lrt -lm 2>"$2/$n.log" &&
			mv "$2/$n.tmp" "$2/$n" && rm -f "$2/$n.log" || { echo "# $1 does not compile:"; sed "s/^/# /" "$2/$n.log"; echo "not ok user/compile/$n"; }
	' sh {} "$dir"
	for f in "$dir"/*; do	# of sources that are gone
		n=$(basename "$f"); [ "$n" = runner ] || [ -e "$src/$n.c" ] || rm -f "$f"
	done
}
compile x86_64 gcc
[ -z "$build_only" ] || exit 0
case " $ports " in *aarch64*) compile aarch64 aarch64-linux-gnu-gcc ;; esac

names=
for pat in ${only:-'*'}; do
	for f in "$src"/$pat.c; do [ -e "$f" ] && names="$names $(basename "$f" .c)"; done
done
if [ -z "$names" ]; then
	echo "not ok user # no such program:$only"
	exit 1
fi
names_for() {	# cpu
	for n in $names; do
		case $n in
		*_x86_64) [ "$1" = x86_64 ] || continue ;;
		*_aarch64) [ "$1" = aarch64 ] || continue ;;
		esac
		printf '%s ' "$n"
	done
}
tests_image() {	# cpu
	# The names in a file: too many for a kernel's command line.
	names_for "$1" | tr ' ' '\n' >"$out/names"
	cmp -s "$out/names" "$bin/$1/.names" || cp "$out/names" "$bin/$1/.names"
	"$top/rootfs/make-image.sh" -o "$top/build/rootfs/$1-tests.ext2" -s 448 -a "$bin/$1:/tests" "$1" busybox
}

# Why this cell may say this: expected.txt.
reason_for() {	# port program verdict
	awk -v p="$1" -v n="$2" -v v="$3" '($1 == p || $1 == "*") && $2 == n && $3 == v { sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]+/, ""); print; exit }' "$expected"
}

# ---- one port ----
run_port() {
	raw=$out/$1.raw
	start=$(date +%s)
	case $1 in
	linux)
		scratch=$(mktemp -d "$out/scratch.XXXXXX")
		chmod 755 "$scratch"
		# A pid and mount namespace of its own, where we may: what a program leaves behind goes with it.
		ns=; unshare -pfm --kill-child --mount-proc true 2>/dev/null && ns="unshare -pfm --kill-child --mount-proc"
		# KILL: unshare(1) ignores TERM while it waits.
		timeout -s KILL "${EFT_USER_TOTAL:-1200}" $ns "$bin/x86_64/runner" -t "${EFT_USER_TIMEOUT:-90}" -d "$scratch" "$bin/x86_64" $(names_for x86_64) </dev/null >"$raw" 2>&1
		rm -rf "$scratch" ;;
	um|um-asan|um-cov|um-tsan)
		tests_image x86_64
		cp "$top/build/rootfs/x86_64-tests.ext2" "$out/$1.img"
		timeout 1800 "$top/build/$1/arch_um/eft-um" --mem 512M --disk "$out/$1.img" --rw ${EFT_UM_OPTIONS:-} -- \
			/tests/runner -t "$([ "$1" = um ] && echo 90 || echo 180)" -d /root -f /tests/.names /tests </dev/null >"$raw" 2>"$out/$1.log"
		if e2fsck -fn "$out/$1.img" >"$out/$1.fsck" 2>&1; then
			echo "ok user/$1/e2fsck"
		else
			sed 's/^/# /' "$out/$1.fsck" | head -20
			echo "not ok user/$1/e2fsck"
		fi
		case $1 in
		um-?san)
			if grep -qE 'Sanitizer|runtime error' "$out/$1.log"; then
				grep -m 5 -E 'Sanitizer|runtime error' "$out/$1.log" | sed 's/^/# /'
				echo "not ok user/$1/no-report"
			else
				echo "ok user/$1/no-report"
			fi ;;
		esac
		rm -f "$out/$1.img" ;;
	x86_64|aarch64)
		tests_image "$1"
		timeout 3000 "$top/arch_guest/$1/run.sh" --mem 512M --disk "$top/build/rootfs/$1-tests.ext2" -- \
			/tests/runner -t 180 -d /root -f /tests/.names /tests </dev/null >"$raw" 2>"$out/$1.log" ;;
	*) echo "run.sh: unknown port $1" >&2; exit 2 ;;
	esac
	tr -d '\r' <"$raw" | grep -a '^@@RESULT ' | cut -d' ' -f2- >"$out/$1.res"
	tr -d '\r' <"$raw" | grep -a '^@@CALLS ' | cut -d' ' -f2- >"$out/$1.calls"
	tr -d '\r' <"$raw" | grep -a '^@@STOOD ' | while read -r _ n ms; do echo "# $1: the machine stood still for $ms ms at $n"; done
	echo "# $1: $(wc -l <"$out/$1.res") programs in $(($(date +%s) - start)) s"
	cpu=x86_64; [ "$1" != aarch64 ] || cpu=aarch64
	for n in $(names_for $cpu); do
		verdict=$(awk -v n="$n" '$1 == n { print $2; exit }' "$out/$1.res")
		reason=$(reason_for "$1" "$n" "${verdict:-missing}")
		case ${verdict:-missing} in
		pass) echo "ok user/$1/$n" ;;
		*)
			tr -d '\r' <"$raw" | grep -aE "^@@(OUT|SKIP) $n " | cut -d' ' -f3- | head -n 12 | sed 's/^/#   /'
			if [ -n "$reason" ]; then echo "# user/$1/$n differs: $reason"
			else echo "not ok user/$1/$n # ${verdict:-missing}"; fi ;;
		esac
	done
	if [ ! -s "$out/$1.res" ]; then
		tail -n 5 "$raw" "$out/$1.log" 2>/dev/null | sed 's/^/# /'
		echo "not ok user/$1 # no result at all"
	fi
}
for p in $ports; do run_port "$p"; done

# ---- the matrix ----
# pass, or what else; n/a: a program of the other CPU; missing: it should have run.
cell() {
	case $2:$1 in
	*_x86_64:aarch64) echo n/a; return ;;
	*_aarch64:aarch64) ;;
	*_aarch64:*) echo n/a; return ;;
	esac
	awk -v n="$2" '$1 == n { print $2; f = 1; exit } END { if (!f) print "missing" }' "$out/$1.res"
}
{
	printf '| program |'; for p in $ports; do printf ' %s |' "$p"; done; echo
	printf '|---|'; for p in $ports; do printf -- '---|'; done; echo
	for n in $names; do
		printf '| %s |' "$n"; for p in $ports; do printf ' %s |' "$(cell "$p" "$n")"; done; echo
	done
} >"$results/matrix.md"
{
	echo '<?xml version="1.0"?><testsuites>'
	for p in $ports; do
		echo "<testsuite name=\"$p\">"
		for n in $names; do
			v=$(cell "$p" "$n") ms=$(awk -v n="$n" '$1 == n { print $5; exit }' "$out/$p.res")
			[ "$v" != n/a ] || continue
			printf '<testcase name="%s" time="%s.%03d">' "$n" $((${ms:-0} / 1000)) $((${ms:-0} % 1000))
			if [ "$v" = pass ]; then :
			elif [ "$v" = skip ] && reason=$(reason_for "$p" "$n" skip) && [ -n "$reason" ]; then printf '<skipped message="%s"/>' "$reason"
			else printf '<failure message="%s"/>' "$v"; fi
			echo '</testcase>'
		done
		echo '</testsuite>'
	done
	echo '</testsuites>'
} >"$results/user.xml"
for p in $ports; do
	echo "# $p: $(grep -c ' pass ' "$out/$p.res") of $(wc -l <"$out/$p.res") pass"
done
echo "# the matrix: build/test/matrix.md"

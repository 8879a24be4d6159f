#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Allocation failures swept over the user programs: one allocation of each
# system call fails, another one each time; inside um-asan there must be no
# report, no leak (pages and slab objects counted before and after), and no
# error that does not speak of memory.
#
#   tests/fail_nth/run.sh [--only GLOB]...     EFT_FAIL_NTH=short: a dozen programs, one round
#
# Prints "ok fail_nth/NAME" per program.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/test/fail_nth
only=
while [ $# -gt 0 ]; do
	case $1 in
	--only) only="$only $2" ;;
	--port) ;;
	*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift 2
done
rounds=4
if [ -z "$only" ] && [ "${EFT_FAIL_NTH:-}" = short ]; then
	rounds=1
	only="fork waitid exec_argv pipe futex_requeue eventfd epoll unix_socket tmpfs sigqueue posix_timer munmap_partial fs_links"
fi
mkdir -p "$out"
preset=um-asan
kernel=$top/build/$preset/arch_um/eft-um
[ -x "$kernel" ] || { echo "# $kernel is not built"; echo "not ok fail_nth/build"; exit 1; }
# The programs themselves: as the parity suite builds them, on no port.
"$top/tests/user/run.sh" --build-only || { echo "not ok fail_nth/programs"; exit 1; }
gcc -static -O1 -Wall -Wextra -o "$top/build/user/x86_64/sweep" "$here/sweep.c" || { echo "not ok fail_nth/sweep"; exit 1; }

# Not here: what traces by itself, takes all memory, or counts failures on its own.
skip=" ptrace fail_nth fork_bomb cow_oom thread_limit process_storm runner sweep "
names=
for pat in ${only:-'*'}; do
	for f in "$top"/tests/user/$pat.c; do
		n=$(basename "$f" .c)
		[ -x "$top/build/user/x86_64/$n" ] || continue
		case $skip in *" $n "*) continue ;; esac
		names="$names $n"
	done
done
"$top/rootfs/make-image.sh" -o "$out/image.ext2" -s 448 -a "$top/build/user/x86_64:/tests" x86_64 busybox
rm -f "$top/build/user/x86_64/sweep"
cp "$out/image.ext2" "$out/run.img"
# Programs that run on their own would be in the way of the counting: a boot for each dozen.
: >"$out/res"; : >"$out/log"
set -- $names
bad=0
while [ $# -gt 0 ]; do
	group= n=0
	while [ $# -gt 0 ] && [ $n -lt 12 ]; do group="$group $1"; n=$((n + 1)); shift; done
	# shellcheck disable=SC2086
	timeout 1800 "$kernel" --mem 512M --disk "$out/run.img" --rw -- /tests/sweep -r $rounds -t 20 /tests $group </dev/null >"$out/raw" 2>"$out/err"
	status=$?
	cat "$out/raw" >>"$out/res"; cat "$out/err" >>"$out/log"
	if ! grep -q '^@@DONE' "$out/raw"; then
		echo "# the kernel ended (status $status) in:$group"
		tail -n 15 "$out/err" | sed 's/^/#   /'
		echo "not ok fail_nth/died-in-$(echo "$group" | awk '{ print $1 }')"
		cp "$out/image.ext2" "$out/run.img"
	fi
done
for n in $names; do
	tr -d '\r' <"$out/res" | grep "^@@ODD $n " | sort | uniq -c | head -5 | sed 's/^/#  /'
	line=$(tr -d '\r' <"$out/res" | grep "^@@SWEEP $n " | tail -n 1)
	case $line in
	'') echo "not ok fail_nth/$n # did not run" ;;
	*' 0') echo "ok fail_nth/$n" ;;
	*) echo "not ok fail_nth/$n # $line" ;;
	esac
done
tr -d '\r' <"$out/res" | grep '^@@LEAK' | sed 's/^@@/# /'
if tr -d '\r' <"$out/res" | grep -q '^@@LEAK'; then echo "not ok fail_nth/no-leak"; else echo "ok fail_nth/no-leak"; fi
if grep -qE 'Sanitizer|runtime error|panic|BUG' "$out/log"; then
	grep -m 10 -E 'Sanitizer|runtime error|panic|BUG' "$out/log" | sed 's/^/# /'
	echo "not ok fail_nth/no-report"
else
	echo "ok fail_nth/no-report"
fi
calls=$(awk '/^@@SWEEP/ { c += $3; f += $4 } END { print c + 0, f + 0 }' "$out/res")
echo "# system calls, and those in which an allocation failed: $calls"
case $calls in *' 0') echo "not ok fail_nth/something-failed" ;; *) echo "ok fail_nth/something-failed" ;; esac
rm -f "$out/run.img"

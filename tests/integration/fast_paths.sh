#!/bin/sh
# SPDX-License-Identifier: MIT
# The hosted kernel's fast paths, each forced on and off: the same programs of
# tests/user must pass whichever way a system call and a hand-over takes, and
# --stats must say that it took that way.
. "$(dirname "$0")/lib.sh"
programs="call_sites_x86_64 call_regs_x86_64 regs_x86_64 signal_handler fork vfork exec threads futex ptrace jit pipe_fork cow_sole_owner answered_calls cpuid_x86_64 fork_again fork_memory"
mkdir "$work/tests"
for n in $programs runner/runner; do
	gcc -static -O1 -g -pthread -o "$work/tests/$(basename "$n")" "$top/tests/user/$n.c" -lrt -lm 2>"$work/cc" || { cat "$work/cc"; not_ok compile; exit 1; }
done
# A dynamic program that checks what its calls return, started again and again: patches outlive the process that made them.
cat >"$work/start.c" <<'C'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char b[8] = "";
	int p[2], n = 0;

	for (int i = 0; i < 10; i++)
		n += pipe(p) == 0 && write(p[1], "abc", 3) == 3 && read(p[0], b, 8) == 3 && !strcmp(b, "abc") &&
			close(p[0]) == 0 && close(p[1]) == 0 && getppid() > 0 && write(-1, b, 1) == -1;
	if (n != 10)
		printf("%s: %d of 10\n", argc > 1 ? argv[1] : "?", n);
	return n != 10;
}
C
gcc -O1 -o "$work/tests/start" "$work/start.c" 2>"$work/cc" || { cat "$work/cc"; not_ok compile; exit 1; }
# Two processes that map their program before any of it is patched: what one of them makes hot is patched for both.
cat >"$work/pair.c" <<'C'
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	int there[2], back[2], status;
	char c = 'a', d;
	pid_t p;

	if (pipe(there) || pipe(back) || (p = fork()) < 0)
		return 1;
	if (p == 0) {
		close(there[1]);
		while (read(there[0], &d, 1) == 1)
			if (d++, write(back[1], &d, 1) != 1)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 5000; i++, c = (char)('a' + i % 20))
		if (write(there[1], &c, 1) != 1 || read(back[0], &d, 1) != 1 || d != c + 1)
			return 2;
	close(there[1]);
	if (waitpid(p, &status, 0) != p || status)
		return 3;
	puts("all");
	return 0;
}
C
gcc -static -O1 -o "$work/tests/pair" "$work/pair.c" 2>"$work/cc" || { cat "$work/cc"; not_ok compile; exit 1; }
# Another program, whose calls are at the same addresses.
sed 's/"all"/"too"/' "$work/pair.c" >"$work/twin.c"
gcc -static -O1 -o "$work/tests/twin" "$work/twin.c" 2>"$work/cc" || { cat "$work/cc"; not_ok compile; exit 1; }
libs=
for l in $(ldd "$work/tests/start" | grep -o '/[^ ]*') $(gcc -print-file-name=libm.so.6); do libs="$libs -a $(readlink -f "$l"):$l"; done
"$top/rootfs/make-image.sh" -o "$work/img" -s 96 -a "$work/tests:/tests" $libs x86_64 busybox 2>/dev/null || { not_ok image; exit 1; }
count() { awk -v what="$1" 'index($0, what) { print $2 + 0 }' "$work/err"; }
try() {	# name trapped-at-least patched-at-least patched-at-most options
	name=$1 trapped=$2 least=$3 most=$4
	shift 4
	cp "$work/img" "$work/disk"
	timeout 400 "$um" --mem 256M --stats "$@" --disk "$work/disk" --rw -- /tests/runner -t 90 -d /root /tests $programs \
		</dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	if [ "$(grep -c '^@@RESULT [a-z0-9_]* pass ' "$work/out")" = "$(echo $programs | wc -w)" ]; then
		ok "$name"
	else
		grep -E '^not ok|^#|^@@' "$work/out" | grep -vE '^@@(CALLS |RESULT [a-z0-9_]* pass )' | tail -n 30 | sed 's/^/#   /'
		grep -v '^eft: ' "$work/err" | tail -n 10 | sed 's/^/#   /'
		not_ok "$name"
	fi
	p=$(count 'system calls from patched sites') t=$(count 'system calls by trap')
	if [ "${p:-0}" -ge "$least" ] && [ "${p:-0}" -le "$most" ] && [ "${t:-0}" -ge "$trapped" ]; then ok "$name-stats"
	else echo "# ${p:-none} patched, ${t:-none} trapped"; not_ok "$name-stats"; fi
}
# Options as above: 200 starts, the second half with another library in the way (the libraries lie elsewhere then).
starts() {	# name patched-at-least options
	name=$1 least=$2
	shift 2
	timeout 300 "$um" --mem 256M --stats "$@" --disk "$work/img" -- /bin/sh -c "n=0; while [ \$n -lt 200 ]; do
		[ \$n != 100 ] || export LD_PRELOAD=$(gcc -print-file-name=libm.so.6); /tests/start \$n || exit 1; n=\$((n + 1)); done; echo all" \
		</dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	p=$(count 'system calls from patched sites') t=$(count 'system calls by trap')
	if [ "$(cat "$work/out")" = all ] && [ "${p:-0}" -ge "$least" ] && { [ "$least" = 0 ] || [ "$p" -gt "$((t * 2))" ]; }; then ok "$name"
	else
		head -n 5 "$work/out" | sed 's/^/#   /'
		echo "# ${p:-none} patched, ${t:-none} trapped"
		not_ok "$name"
	fi
}
pair() {	# name options
	name=$1
	shift
	timeout 200 "$um" --mem 256M --stats "$@" --disk "$work/img" -- /tests/pair </dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	p=$(count 'system calls from patched sites') t=$(count 'system calls by trap')
	if [ "$(cat "$work/out")" = all ] && [ "${p:-0}" -ge 15000 ] && [ "${t:-99999}" -lt 2000 ]; then ok "$name"
	else
		head -n 5 "$work/out" | sed 's/^/#   /'
		echo "# ${p:-none} patched, ${t:-none} trapped"
		not_ok "$name"
	fi
}
twins() {	# name options
	name=$1
	shift
	timeout 200 "$um" --mem 256M --stats "$@" --disk "$work/img" -- /bin/sh -c '/tests/pair && /tests/twin' </dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	p=$(count 'system calls from patched sites') t=$(count 'system calls by trap')
	if [ "$(tr '\n' ' ' <"$work/out")" = 'all too ' ] && [ "${p:-0}" -ge 30000 ] && [ "${t:-99999}" -lt 4000 ]; then ok "$name"
	else
		head -n 5 "$work/out" | sed 's/^/#   /'
		echo "# ${p:-none} patched, ${t:-none} trapped"
		not_ok "$name"
	fi
}
all=999999999
try default 1000 10000 $all
[ "$(count 'answered in the stub')" -ge 10000 ] && ok default-answered || not_ok default-answered
# Found by faults, or by breakpoints, which the host must let a process set for its children.
scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
if grep -qw cpuid_fault /proc/cpuinfo || [ "$scope" -lt 2 ] || [ "$(id -u)" = 0 ]; then learnt=20; else learnt=0; fi
cpuids() { [ "$(count 'CPUID instructions learnt')" -ge $learnt ] && [ "$(count 'CPUID instructions patched')" -ge $((learnt / 2)) ]; }
cpuids && ok default-cpuid || not_ok default-cpuid
[ "$(count 'kept from the last program')" -ge 5000 ] && ok default-kept || not_ok default-kept
try answer-off 1000 10000 $all --answer=off
[ "$(count 'answered in the stub')" = 0 ] && ok answer-off-count || not_ok answer-off-count
try cpuid-off 1000 10000 $all --cpuid=off
[ "$(count 'CPUID instructions learnt')" = 0 ] && ok cpuid-off-count || not_ok cpuid-off-count
# Where they can be made to fault, the other way, too.
if grep -qw cpuid_fault /proc/cpuinfo; then
	try cpuid-watch 1000 10000 $all --cpuid=watch
	cpuids && ok cpuid-watch-count || not_ok cpuid-watch-count
fi
try keep-off 1000 10000 $all --keep=off
[ "$(count 'kept from the last program')" = 0 ] && ok keep-off-count || not_ok keep-off-count
try patch-off 10000 0 0 --patch=off
try patch-always 1000 10000 $all --patch=always
try spin-off 1000 10000 $all --spin=off
try spin-always 1000 10000 $all --spin=always
try patch-off-spin-off 10000 0 0 --patch=off --spin=off
try four-cpus 1000 10000 $all --patch=always --cpus 4
try one-cpu 1000 10000 $all --patch=always --cpus 1
try yield-off 1000 10000 $all --spin=off --yield=off
[ "$(count 'hand-offs by yielding')" = 0 ] && ok yield-off-count || not_ok yield-off-count
try yield-always 1000 10000 $all --spin=off --yield=always
[ "$(count 'hand-offs by yielding')" -ge 1000 ] && ok yield-always-count || not_ok yield-always-count
starts starts 5000
starts starts-patch-always 5000 --patch=always
pair pair
pair pair-one-cpu --cpus 1
pair pair-spin-off --spin=off
twins twins
twins twins-one-cpu --cpus 1
starts starts-patch-off 0 --patch=off
starts starts-one-cpu 5000 --cpus 1
# regs_x86_64 asks for a signal every 100 us, more than trapping by ptrace can deliver.
programs=$(echo "$programs" | sed 's/regs_x86_64 //')
try ptrace 1000 10000 $all --trap=ptrace

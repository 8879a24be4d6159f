#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The suite `./eft test fuzz`: the engine keeps its promises, and no input of an earlier find breaks the kernel again.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/test/fuzz
limits='--cpu-limit=20 -timeout=120'
mkdir -p "$out"
PATH=$PATH:/usr/sbin:/sbin
for p in um-fuzz um-fuzz-fast um-fuzz-mt um-fuzz-msan um-fuzz-tsan; do
	(cd "$top" && cmake --preset $p && ninja -C build/$p) >"$out/build-$p.log" 2>&1 || {
		grep -E -m 10 'error|FAILED' "$out/build-$p.log" | sed 's/^/# /'; echo "not ok fuzz/build-$p"; exit 1; }
done
asan=$top/build/um-fuzz/tests/fuzz/eft-fuzz fast=$top/build/um-fuzz-fast/tests/fuzz/eft-fuzz mt=$top/build/um-fuzz-mt/tests/fuzz/eft-fuzz msan=$top/build/um-fuzz-msan/tests/fuzz/eft-fuzz
tsan=$top/build/um-fuzz-tsan/tests/fuzz/eft-fuzz

keeps() { n=$1; shift; if timeout 150 "$@" >"$out/log" 2>&1; then grep -E '^ok' "$out/log" | head -n 1 | sed 's/^ok: /# /'; echo "ok fuzz/$n"
	else grep -a -v INFO: "$out/log" | head -n 30 | sed 's/^/# /'; echo "not ok fuzz/$n"; fi; }
catches() { n=$1; shift; if timeout 150 "$@" >"$out/log" 2>&1; then echo "not ok fuzz/$n # not noticed"
	elif grep -q '^not ok' "$out/log"; then echo "ok fuzz/$n"; else echo "not ok fuzz/$n # failed for another reason"; fi; }

for t in syscalls syscalls-mt; do
	keeps reset-$t "$fast" --target=$t --check-reset=400
	keeps reset-asan-$t "$asan" --target=$t --check-reset=60
	keeps trace-$t "$fast" --target=$t --check-trace=10000
	keeps trace-asan-$t "$asan" --target=$t --check-trace=500
done
keeps trace-every-branch "$mt" --target=syscalls-mt --check-trace=600
catches reset-negative "$fast" --target=syscalls --check-reset=20 --break=reset
catches trace-negative "$fast" --target=syscalls-mt --check-trace=300 --break=trace

# The same input in two processes: nothing of the host's may show.
head -c 200 "$fast" | od -An -c >/dev/null	# the file is there
for i in 1 2 3 4 5; do head -c $((i * 4096 + 90)) "$here/guest/prog.S" "$here/README.md" | tail -c 90 >"$out/input$i"; done
(cd / && "$fast" --target=syscalls-mt --traces "$out"/input?) >"$out/traces1" 2>/dev/null
env -i A="$(head -c 3000 /dev/zero | tr '\0' x)" "$fast" --target=syscalls-mt --traces "$out"/input? >"$out/traces2" 2>/dev/null
if [ "$(wc -l <"$out/traces1")" = 5 ] && cmp -s "$out/traces1" "$out/traces2"; then echo "ok fuzz/same-in-every-process"; else echo "not ok fuzz/same-in-every-process"; fi

# The targets that have a machine of their own kind: a while of each, from nothing.
for t in unix fail virtio ext2 elf tty fdt acpi boot; do
	rm -rf "$out/new"
	mkdir -p "$out/new"
	dict=$here/dict/$t.dict
	[ -f "$dict" ] || dict=
	if timeout 60 "$asan" --target=$t -runs=300 -seed=1 -max_len=4096 $limits -print_funcs=0 ${dict:+-dict="$dict"} -artifact_prefix="$out/" "$out/new" >"$out/log" 2>&1 &&
	   [ "$(find "$out/new" -type f | wc -l)" -ge 5 ]; then echo "ok fuzz/target-$t"
	else grep -a -A 25 -E '^==.*(ERROR|eft-fuzz)' "$out/log" | head -n 30 | sed 's/^/# /'; echo "not ok fuzz/target-$t"; fi
done

# Inputs as C programs: they compile, and do on Linux what they say.
"$fast" --target=syscalls --print-c "$here/corpus/syscalls/sendfile-of-eventfd" >"$out/repro.c" 2>/dev/null
if cc -Wall -Wextra -Werror -o "$out/repro" "$out/repro.c" >"$out/log" 2>&1 && (cd "$out" && timeout 20 ./repro) >"$out/log" 2>&1 &&
   grep -q '^r16: sendfile = -1 (Illegal seek)' "$out/log"; then echo "ok fuzz/c-program"; else sed 's/^/# /' "$out/log"; echo "not ok fuzz/c-program"; fi
bad=
for i in 1 2 3 4 5 6; do
	"$fast" --target=syscalls --make=$i >"$out/made" 2>/dev/null && "$fast" --target=syscalls --print-c "$out/made" >"$out/made.c" 2>/dev/null &&
		cc -Wall -Wextra -Werror -c -o "$out/made.o" "$out/made.c" >"$out/log" 2>&1 || bad="$bad $i"
done
if [ -z "$bad" ]; then echo "ok fuzz/c-programs-compile"; else echo "not ok fuzz/c-programs-compile # seeds$bad"; fi

# What was found once.
for d in "$here"/corpus/*/; do
	[ -d "$d" ] || continue
	t=$(basename "$d")
	n=$(find "$d" -type f | wc -l)
	[ "$n" -gt 0 ] || continue
	bin=$asan; [ "$t" != syscalls-mt ] || bin=$mt
	if timeout 170 "$bin" --target="$t" -runs=0 $limits "$d" >"$out/log" 2>&1; then echo "ok fuzz/corpus-$t # $n inputs"
	else grep -a -A 25 -E '^==.*(ERROR|eft-fuzz)' "$out/log" | head -n 30 | sed 's/^/# /'; echo "not ok fuzz/corpus-$t"; fi
done

# Uninitialized bytes that reached programs.
keeps corpus-msan-syscalls "$msan" --target=syscalls -runs=0 $limits "$here/corpus/syscalls"

# Data races: of two CPUs that run those programs; and of two that were made to race.
keeps corpus-tsan-syscalls-mt "$tsan" --target=syscalls-mt -runs=0 $limits "$here/corpus/syscalls-mt" "$here/corpus/syscalls"
if timeout 150 "$tsan" --target=syscalls-mt -runs=0 --break=race -artifact_prefix="$out/" "$here/corpus/syscalls" >"$out/log" 2>&1; then echo "not ok fuzz/tsan-negative # not noticed"
elif grep -q '^SUMMARY: ThreadSanitizer: data race .* in fz_race' "$out/log"; then echo "ok fuzz/tsan-negative"
else grep -a -m 20 -A 20 WARNING "$out/log" | sed 's/^/# /'; echo "not ok fuzz/tsan-negative # failed for another reason"; fi

# A run that never ends.
for b in fast tsan; do
	eval "bin=\$$b"
	timeout 60 "$bin" --target=syscalls -runs=1 --break=spin --cpu-limit=1 -artifact_prefix="$out/" >"$out/log" 2>&1
	if [ $? -ne 124 ] && grep -q -e '^==eft-fuzz== .*--cpu-limit' -e '^==eft-fuzz== the run ended with wait status 0x18$' "$out/log"; then echo "ok fuzz/run-without-end-$b"
	else tail -n 20 "$out/log" | sed 's/^/# /'; echo "not ok fuzz/run-without-end-$b"; fi
done

# Programs that Linux runs as well: no difference that is not explained.
keeps diff "$fast" --target=diff --programs=4000 --seed=11

# Figures, for whoever reads the log: no pass or fail by absolute time here (./eft fuzz check does that).
for b in fast asan; do
	eval "bin=\$$b"
	timeout 60 "$bin" --target=syscalls --bench=3000 2>/dev/null | sed "s/^/# $b: /"
done

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The fuzz targets as OSS-Fuzz and ClusterFuzzLite want them: compiled by $CC with $CFLAGS, linked with $LIB_FUZZING_ENGINE, into $OUT,
# each with its seed corpus (TARGET_seed_corpus.zip) and, where there is one, its dictionary.  $WORK: where to compile.
#
#   OUT=/tmp/out tests/fuzz/build.sh                                                          libFuzzer, ASan, UBSan
#   CC=afl-clang-fast CFLAGS=-O1 LIB_FUZZING_ENGINE=/usr/lib/afl/libAFLDriver.a OUT=... tests/fuzz/build.sh     AFL++
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
: "${OUT:?where the targets go}" "${CC:=clang}" "${CFLAGS:=-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all}"
: "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}" "${WORK:=$top/build/oss-fuzz}"
PATH=$PATH:/usr/sbin:/sbin
for tool in cmake ninja zip mke2fs "$CC"; do
	command -v "$tool" >/dev/null || { echo "build.sh: there is no $tool" >&2; exit 2; }
done
mkdir -p "$OUT" "$WORK/seeds"
log=$WORK/build.log
{
	cmake -G Ninja -S "$top" -B "$WORK" -DEFT_PORT=fuzz -DEFT_DEBUG=ON -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$CFLAGS" \
		-DEFT_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" && ninja -C "$WORK" eft-fuzz
} >"$log" 2>&1 || { grep -E -m 10 'error|undefined|FAILED' "$log" >&2; exit 1; }
bin=$WORK/tests/fuzz/eft-fuzz

# `diff` needs the host's Linux and root: it is not for a farm.
for t in $("$bin" --list | awk '$1 != "diff" { print $1 }'); do
	cp "$bin" "$OUT/eft-fuzz-$t"
	seeds=$WORK/seeds/$t
	rm -rf "$seeds" "$OUT/eft-fuzz-${t}_seed_corpus.zip"
	mkdir -p "$seeds"
	for i in 1 2 3 4 5 6 7 8; do "$bin" --target="$t" --make=$i >"$seeds/made-$i" 2>/dev/null || rm -f "$seeds/made-$i"; done
	for c in "$t" $(case $t in syscalls-mt|fail|unix) echo syscalls ;; esac); do	# programs are programs
		if [ -d "$here/corpus/$c" ]; then cp "$here/corpus/$c"/* "$seeds/"; fi
	done
	if [ -n "$(ls "$seeds")" ]; then (cd "$seeds" && zip -q -r "$OUT/eft-fuzz-${t}_seed_corpus.zip" .); fi
	if [ -f "$here/dict/$t.dict" ]; then cp "$here/dict/$t.dict" "$OUT/eft-fuzz-$t.dict"; fi
done

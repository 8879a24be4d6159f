#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: ./eft fuzz TARGET [OPTIONS]      look for inputs that break the kernel
#        ./eft fuzz TARGET --repro FILE   run one input again, and say what it does
#        ./eft fuzz list                  the targets
#        ./eft fuzz coverage [TARGET...]  line coverage of kernel/ by the corpora, as HTML
#        ./eft fuzz diff --programs N [--seed S]   N generated programs on the host's Linux and on Eft; needs root
#        ./eft fuzz planted [NAME...]     plants bugs one at a time and says how long each takes to find
#   --time S      seconds (default 60; 0: until a find or ^C)
#   --jobs N      processes at once (default 1)
#   --fast        without sanitizers: several times the rate, finds only what panics, hangs or faults
#   --msan        with MemorySanitizer: uninitialized bytes
#   --keep-going  do not stop at the first find
#   --gdb         with --repro: under gdb
#
# Corpora are in build/fuzz/TARGET/corpus, finds in build/fuzz/TARGET/finds.
# tests/fuzz/corpus/TARGET, the inputs of earlier finds, is where each search starts.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/fuzz
die() { echo "eft: fuzz: $*" >&2; exit 2; }
usage() { sed -n '4,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0"; }

time=60 jobs=1 preset=um-fuzz target= repro= gdb= keep= rest= programs= seed=1
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help) usage; exit 0 ;;
	--time|--jobs|--repro|--programs|--seed) [ $# -ge 2 ] || die "$1 needs a value"
		case $1 in --time) time=$2 ;; --jobs) jobs=$2 ;; --repro) repro=$2 ;; --programs) programs=$2 ;; --seed) seed=$2 ;; esac
		shift ;;
	--fast) preset=um-fuzz-fast ;;
	--msan) preset=um-fuzz-msan ;;
	--keep-going) keep=1 ;;
	--gdb) gdb=1 ;;
	-*) die "unknown option $1 (--help)" ;;
	*) if [ -z "$target" ]; then target=$1; else rest="$rest $1"; fi ;;
	esac
	shift
done
case $time$jobs in *[!0-9]*) die "--time and --jobs take numbers" ;; esac
[ "$jobs" -ge 1 ] || die "--jobs takes at least 1"
if [ -n "$repro" ]; then
	[ -f "$repro" ] || die "there is no file $repro"
	# .../TARGET/finds/crash-..., .../corpus/TARGET/...
	[ -n "$target" ] || target=$(cd "$(dirname "$repro")" && pwd | sed 's|/finds$||; s|/corpus$||; s|.*/||')
fi
[ -n "$target" ] || { usage >&2; exit 2; }
[ "$target" != planted ] || exec "$here/planted.sh" $rest
[ "$target" != coverage ] || exec "$here/coverage.sh" $rest
[ -z "$rest" ] || die "one target at a time, not$rest"

[ "$preset$target" != um-fuzzsyscalls-mt ] || preset=um-fuzz-mt	# there another CPU may run at every branch
bin=$top/build/$preset/tests/fuzz/eft-fuzz
[ -x "$bin" ] || die "$bin is not there: ./eft build $preset"
if [ "$target" = list ]; then "$bin" --list; exit; fi
"$bin" --list | awk -v t="$target" '$1 == t { found = 1 } END { exit !found }' || { echo "eft: fuzz: no target '$target'; there are:" >&2; "$bin" --list >&2; exit 2; }

[ -z "$programs" ] || exec "$bin" --target="$target" --programs="$programs" --seed="$seed"
if [ -n "$repro" ]; then
	"$bin" --target="$target" --print "$repro"
	[ -z "$gdb" ] || exec gdb -q -ex 'handle SIGSEGV nostop noprint pass' -ex 'break fuzz_host_crash' -ex 'set breakpoint pending on' \
		-ex 'break __asan::ReportGenericError' --args "$bin" --target="$target" --verbose "$repro"
	exec "$bin" --target="$target" --verbose -timeout=20 "$repro"
fi

dir=$out/$target
mkdir -p "$dir/corpus" "$dir/finds"
seeds=$here/corpus/$target
[ -d "$seeds" ] || seeds=
log=$dir/log
before=$(find "$dir/finds" -type f | wc -l)
fork=
if [ "$jobs" -gt 1 ] || [ -n "$keep" ]; then fork=-fork=$jobs; fi
# shellcheck disable=SC2086
"$bin" --target="$target" $fork ${keep:+-ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1} -max_total_time="$time" -timeout=20 \
	-rss_limit_mb=4096 -max_len=4096 -print_funcs=0 -entropic=0 -artifact_prefix="$dir/finds/" "$dir/corpus" $seeds >"$log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null; echo; exit 130' INT TERM
start=$(date +%s)
show() {
	s=$(($(date +%s) - start)) n=$(($(find "$dir/finds" -type f | wc -l) - before))
	tail -c 400000 "$log" | grep -a '^#[0-9]*.* cov:' | tail -n 1 | awk -v t="$target" -v s="$s" -v n="$n" '{
		runs = $1; gsub("[#:]", "", runs)
		for (i = 2; i < NF; i++) { if ($i == "cov:") cov = $(i+1); if ($i == "corp:") corp = $(i+1) }
		sub("/.*", "", corp)
		printf "%s: %d s, %d runs, %d/s, %d edges, %d inputs, %d finds", t, s, runs, s ? runs / s : 0, cov, corp, n }'
}
while kill -0 $pid 2>/dev/null; do
	sleep 1
	if [ -t 1 ]; then printf '\r%s  ' "$(show)"; fi
done
wait $pid
status=$?
[ ! -t 1 ] || echo
trap - INT TERM
after=$(find "$dir/finds" -type f | wc -l)
echo "$(show)"
if [ "$after" -gt "$before" ]; then
	echo
	# The report of the first, as libFuzzer's child printed it.
	grep -a -m 1 -A 40 -E '^==.*(ERROR|eft-fuzz)|^kernel panic' "$log" | grep -av -e ' in fuzzer::' -e libc -e '^NOTE' -e ' Combine lib' | head -n 60
	echo
	echo "eft: fuzz: $((after - before)) finds; again: ./eft fuzz $target --repro FILE"
	find "$dir/finds" -type f | head -n 20
	exit 1
fi
if [ $status -ne 0 ]; then
	tail -n 5 "$log" >&2
	die "it ended with status $status; the log is $log"
fi
echo "corpus: $(find "$dir/corpus" -type f | wc -l) inputs in build/fuzz/$target/corpus; no finds"

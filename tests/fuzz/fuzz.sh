#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: ./eft fuzz TARGET [OPTIONS]      look for inputs that break the kernel
#        ./eft fuzz TARGET --repro FILE   run one input again, and say what it does
#        ./eft fuzz list                  the targets
#        ./eft fuzz check                 the engine's promises: rates, resets, runs that repeat; fails when one is not kept
#        ./eft fuzz coverage [TARGET...]  line coverage of kernel/ by the corpora, as HTML
#        ./eft fuzz diff --programs N [--seed S]   N generated programs on the host's Linux and on Eft; needs root
#        ./eft fuzz planted [NAME...]     plants bugs one at a time and says how long each takes to find
#   --time S      seconds (default 60; 0: until a find or ^C)
#   --jobs N      processes at once (default 1)
#   --fast        without sanitizers: several times the rate, finds only what panics, hangs or faults
#   --msan        with MemorySanitizer: uninitialized bytes
#   --tsan        with ThreadSanitizer: data races; a process for each run, so a tenth of the rate
#   --afl         by AFL++ instead of libFuzzer (Debian: afl++)
#   --keep-going  do not stop at the first find
#   --explain     with --programs: what each row of the table of allowed differences allowed
#   --gdb         with --repro: under gdb
#   --c           with --repro: only print the input as a C program for Linux
#
# Corpora are in build/fuzz/TARGET/corpus, finds in build/fuzz/TARGET/finds.
# tests/fuzz/corpus/TARGET, the inputs of earlier finds, is where each search starts; tests/fuzz/dict has dictionaries.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/fuzz
limits='--cpu-limit=20 -timeout=600'	# of a run: CPU time, and clock time for one that waits for ever
die() { echo "eft: fuzz: $*" >&2; exit 2; }
usage() { sed -n '4,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0"; }

case ${1:-} in planted) shift; exec "$here/planted.sh" "$@" ;; esac	# it has options of its own
time=60 jobs=1 preset=um-fuzz target= repro= gdb= keep= rest= programs= seed=1 afl= as_c= explain=
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help) usage; exit 0 ;;
	--time|--jobs|--repro|--programs|--seed) [ $# -ge 2 ] || die "$1 needs a value"
		case $1 in --time) time=$2 ;; --jobs) jobs=$2 ;; --repro) repro=$2 ;; --programs) programs=$2 ;; --seed) seed=$2 ;; esac
		shift ;;
	--fast) preset=um-fuzz-fast ;;
	--msan) preset=um-fuzz-msan ;;
	--tsan) preset=um-fuzz-tsan ;;
	--afl) afl=1 ;;
	--keep-going) keep=1 ;;
	--gdb) gdb=1 ;;
	--c) as_c=1 ;;
	--explain) explain=--explain ;;
	-*) die "unknown option $1 (--help)" ;;
	*) if [ -z "$target" ]; then target=$1; else rest="$rest $1"; fi ;;
	esac
	shift
done
case $time$jobs$programs$seed in *[!0-9]*) die "--time, --jobs, --programs and --seed take numbers" ;; esac
[ "$jobs" -ge 1 ] || die "--jobs takes at least 1"
if [ -n "$repro" ]; then
	[ -f "$repro" ] || die "there is no file $repro"
	# .../TARGET/finds/crash-..., .../corpus/TARGET/...
	[ -n "$target" ] || target=$(cd "$(dirname "$repro")" && pwd | sed 's|/finds$||; s|/corpus$||; s|.*/||')
fi
[ -n "$target" ] || { usage >&2; exit 2; }
[ -n "$repro" ] || [ -z "$gdb$as_c" ] || die "--gdb and --c go with --repro FILE"
[ "$target" != coverage ] || exec "$here/coverage.sh" $rest
[ -z "$rest" ] || die "one target at a time, not$rest"
[ "$target" != check ] || exec "$here/check.sh"

[ "$preset$target" != um-fuzzsyscalls-mt ] || preset=um-fuzz-mt	# there another CPU may run at every branch
bin=$top/build/$preset/tests/fuzz/eft-fuzz
[ -x "$bin" ] || die "$bin is not there: ./eft build $preset"
if [ "$target" = list ]; then "$bin" --list; exit; fi
"$bin" --list | awk -v t="$target" '$1 == t { found = 1 } END { exit !found }' || { echo "eft: fuzz: no target '$target'; there are:" >&2; "$bin" --list >&2; exit 2; }

if [ -n "$programs" ]; then
	mkdir -p "$out/$target/finds"
	exec "$bin" --target="$target" --programs="$programs" --seed="$seed" --save="$out/$target/finds" $explain
fi
if [ -n "$repro" ]; then
	[ -z "$as_c" ] || exec "$bin" --target="$target" --print-c "$repro"
	"$bin" --target="$target" --print "$repro"
	[ -z "$gdb" ] || exec gdb -q -ex 'handle SIGSEGV nostop noprint pass' -ex 'break fuzz_host_crash' -ex 'set breakpoint pending on' \
		-ex 'break __asan::ReportGenericError' --args "$bin" --target="$target" --verbose "$repro"
	"$bin" --target="$target" --verbose $limits "$repro" || exit
	# To print calls takes time, and so may change the schedule: what counts is the run without.
	exec "$bin" --target="$target" $limits "$repro"
fi

dir=$out/$target
mkdir -p "$dir/corpus" "$dir/finds"
# Programs are programs: what reaches much of the kernel is where searches for other things in it start, too.
seeds=
for t in $target $(case $target in syscalls-mt|fail|unix) echo syscalls ;; esac); do
	[ ! -d "$here/corpus/$t" ] || seeds="$seeds $here/corpus/$t"
done
dict=$here/dict/$target.dict
[ -f "$dict" ] || dict=
log=$dir/log

if [ -n "$afl" ]; then
	export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_QUIET=1
	for tool in afl-fuzz afl-clang-fast zip; do command -v $tool >/dev/null || die "there is no $tool: apt-get install afl++ zip"; done
	driver=$(ls /usr/lib/afl/libAFLDriver.a /usr/lib/*/afl/libAFLDriver.a /usr/local/lib/afl/libAFLDriver.a 2>/dev/null | head -n 1)
	[ -n "$driver" ] || die "there is no libAFLDriver.a: apt-get install afl++"
	CC=afl-clang-fast CFLAGS="-O1 -g" LIB_FUZZING_ENGINE=$driver OUT=$top/build/afl/out WORK=$top/build/afl/work "$here/build.sh" || exit 1
	rm -rf "$dir/afl" "$dir/afl-in"
	mkdir -p "$dir/afl-in"
	cp "$top/build/afl/work/seeds/$target"/* "$dir/afl-in" 2>/dev/null || echo start >"$dir/afl-in/start"
	[ "$time" -gt 0 ] || time=100000000
	# shellcheck disable=SC2086
	afl-fuzz -V "$time" -t 20000 -m none -i "$dir/afl-in" -o "$dir/afl" ${dict:+-x "$dict"} -- "$top/build/afl/out/eft-fuzz-$target" >"$log" 2>&1
	stats=$dir/afl/default/fuzzer_stats
	[ -f "$stats" ] || { tail -n 20 "$log" >&2; die "AFL++ did not start; the log is $log"; }
	value() { sed -n "s/^$1  *: //p" "$stats"; }
	echo "$target: AFL++, $(value run_time) s, $(value execs_done) runs, $(value execs_per_sec)/s, $(value edges_found) edges, $(value corpus_count) inputs, $(value saved_crashes) finds, $(value saved_hangs) hangs"
	cp "$dir/afl/default/queue"/id* "$dir/corpus" 2>/dev/null
	[ "$(value saved_crashes)" = 0 ] || { cp "$dir/afl/default/crashes"/id* "$dir/finds"; find "$dir/finds" -name 'id*' | head -n 20; exit 1; }
	exit 0
fi

before=$(find "$dir/finds" -type f | wc -l)
fork=
if [ "$jobs" -gt 1 ] || [ -n "$keep" ]; then fork=-fork=$jobs; fi
# shellcheck disable=SC2086
"$bin" --target="$target" $fork ${keep:+-ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1} ${dict:+-dict="$dict"} -max_total_time="$time" $limits \
	-report_slow_units=20 -rss_limit_mb=4096 -max_len=4096 -print_funcs=0 -entropic=0 -reload=0 -artifact_prefix="$dir/finds/" "$dir/corpus" $seeds >"$log" 2>&1 &
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
	echo "eft: fuzz: $((after - before)) finds; again: ./eft fuzz $target --repro FILE (--c: as a C program for Linux)"
	find "$dir/finds" -type f | head -n 20
	exit 1
fi
if [ $status -ne 0 ]; then
	tail -n 5 "$log" >&2
	die "it ended with status $status; the log is $log"
fi
# What this run and earlier ones kept, without those whose coverage others have.
all=$(find "$dir/corpus" -type f | wc -l)
rm -rf "$dir/merged"
mkdir "$dir/merged"
if "$bin" --target="$target" -merge=1 $limits -rss_limit_mb=4096 "$dir/merged" "$dir/corpus" >"$dir/merge.log" 2>&1; then
	rm -rf "$dir/corpus"
	mv "$dir/merged" "$dir/corpus"
else
	rm -rf "$dir/merged"
	echo "the corpus could not be merged: $dir/merge.log" >&2
fi
echo "corpus: $(find "$dir/corpus" -type f | wc -l) inputs in build/fuzz/$target/corpus, merged from $all; no finds"

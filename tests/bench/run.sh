#!/bin/sh
# SPDX-License-Identifier: MIT
#
# ./eft bench: Eft beside what a user would pick instead, in one run on one machine.
#
# usage: ./eft bench [SECTION...] [OPTIONS]
#
#   micro        micro-operations on every machine, interleaved (the default)
#   boot         launch to the first instruction of init, launch to the end of `true`, idle memory,
#                memory per process, size of the binary, clean build time
#   jobs         whole jobs: 500 process starts, tar+gzip, sqlite3 inserts, python3, a compilation
#   scaling      speed-ups on two CPUs; the cost of one more when there are already n
#   native       in QEMU (TCG), both CPUs: micro-operations and launch, Eft beside Debian's cloud kernel
#   boot-native  only the launch of these two
#   all          everything, in the four situations of the host
#
# options:
#   --quick            smaller samples, one round: minutes instead of an hour
#   --rounds N         interleaved rounds (default 3)
#   --situation S,...  idle-2, idle-1, busy-2, busy-1 or all (default idle-2,idle-1): the host otherwise
#                      idle or with a load on every CPU; the machine on two host CPUs or pinned to one
#   --only M,...       only these machines (host, eft, eft-ptrace, uml, runsc-ptrace, runsc-kvm, runsc-systrap)
#   --rows R,...       only micro rows whose names begin so
#   --cpu C,...        native sections: x86_64, aarch64 (default both)
#   --no-install       do not install missing packages: a peer that is missing is reported
#
# Results: the tables on standard output, and results.txt, results.md, results.json and chart.svg in
# build/bench.  How to read them and how each machine is started: tests/bench/README.md.
# Exit status: 0 if every requirement that was measured holds, 1 if one does not, 2 for a mistake.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
# shellcheck disable=SC2034  # read by the files below
sections='' situations='idle-2 idle-1' rounds='' quick='' only='' rows='' cpus='x86_64 aarch64' install=1

progress() { echo "bench: $*" >&2; }
mistake() { progress "$* (./eft bench --help)"; exit 2; }
each_in() {	# LIST "CHOICES" WHAT: LIST's words, if all of them are among the choices
	for w in $(echo "$1" | tr ',' ' '); do
		case " $2 " in *" $w "*) echo "$w" ;; *) mistake "no $3 '$w'" ;; esac
	done
}

# shellcheck source=tests/bench/machines.sh
. "$here/machines.sh"
# shellcheck source=tests/bench/sections.sh
. "$here/sections.sh"
# shellcheck source=tests/bench/native.sh
. "$here/native.sh"

while [ $# -gt 0 ]; do
	case $1 in
	-h|--help) sed -n '4,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	--quick) quick=-q ;;
	--no-install) install='' ;;
	--rounds|--situation|--only|--rows|--cpu)
		[ $# -ge 2 ] || mistake "$1 needs a value"
		case $1 in
		--rounds) case $2 in ''|*[!0-9]*|0*) mistake "--rounds: not a number: $2" ;; esac; rounds=$2 ;;
		--situation) situations=$all_situations; [ "$2" = all ] || situations=$(each_in "$2" "$all_situations" situation) ;;
		--only) only=$(each_in "$2" "$all_machines" machine) ;;
		--rows) rows=$(echo "$2" | tr ',' ' ') ;;
		--cpu) cpus=$(each_in "$2" "x86_64 aarch64" CPU) ;;
		esac
		shift ;;
	micro|boot|jobs|scaling|native|boot-native) sections="$sections $1" ;;
	all) sections="micro boot jobs scaling native" situations=$all_situations ;;
	x86_64|aarch64) cpus=$1 ;;
	*) mistake "no measurement '$1'" ;;
	esac
	shift
done
[ -n "$sections" ] || sections=micro
[ -n "$rounds" ] || rounds=$([ -n "$quick" ] && echo 1 || echo 3)

# ---- what it needs ----

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need debugfs e2fsprogs; need gcc gcc; need linux.uml user-mode-linux; need runsc runsc
case $sections in
*native*)
	need qemu-system-x86_64 qemu-system-x86; need qemu-system-aarch64 qemu-system-arm; need clang clang; need ld.lld lld
	need aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
esac
if [ -n "$missing" ] && [ -n "$install" ]; then
	as=
	[ "$(id -u)" = 0 ] || as=sudo
	progress "installing:$missing"
	$as apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1 || progress "no new package lists"
	# One at a time: a peer that this machine's packages do not have is reported in the table, and the rest measured.
	for p in $missing; do
		DEBIAN_FRONTEND=noninteractive $as apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$p" >/dev/null 2>&1 ||
			progress "could not install $p"
	done
fi
if [ -z "${EFT_NO_BUILD:-}" ]; then
	"$top/eft" build um || exit 2
	case $sections in
	*native*) for c in $cpus; do "$top/eft" build "$c" || exit 2; done ;;
	esac
fi

out=$top/build/bench
records=$out/records
mkdir -p "$out"
work=$(mktemp -d "${TMPDIR:-/tmp}/eft-bench.XXXXXX")
watching=
# shellcheck disable=SC2317  # called by the trap
finish() {
	[ -z "$watching" ] || kill "$watching" 2>/dev/null || :
	[ -z "$watching" ] || wait "$watching" || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

make_programs
about >"$records"
sed 's/^about //; s/_/ /g' "$records"
for section in $sections; do
	"section_$(echo "$section" | tr - _)"
	"$tools/report" -o "$out" "$records" >/dev/null || :
done
progress "results in ${out#"$PWD"/}"
status=0
"$tools/report" -o "$out" "$records" || status=$?
exit $status

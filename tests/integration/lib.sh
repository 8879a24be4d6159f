# SPDX-License-Identifier: MIT
# Sourced by the integration scripts: what they call, and how they report.
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
um=${EFT_UM:-$top/build/um/arch_um/eft-um}
img=$top/build/rootfs/x86_64.ext2
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d "${TMPDIR:-/tmp}/eft-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
suite=$(basename "$0" .sh)

ok() { echo "ok $suite/$1"; }
not_ok() { echo "not ok $suite/$1${2:+ # $2}"; }
# check NAME CONDITION...: the command's status decides.
check() { n=$1; shift; if "$@"; then ok "$n"; else not_ok "$n"; fi; }
# eft ARGS...: the hosted kernel on the small image; output in $out, status in $status.
eft() {
	timeout "${limit:-200}" "$um" --disk "$img" "$@" </dev/null >"$work/stdout" 2>"$work/err"
	status=$?
	out=$(tr -d '\r' <"$work/stdout")	# a serial line ends its lines with both
}
# wait_for FILE PATTERN: until the file has it (some minutes at most).
wait_for() {
	tries=0
	until grep -q -- "$2" "$1" 2>/dev/null || [ $tries -ge 2000 ]; do sleep 0.1; tries=$((tries + 1)); done
}
# expect NAME STATUS OUTPUT: of the last run.
expect() {
	if [ "$status" = "$2" ] && [ "$out" = "$3" ]; then ok "$1"
	else
		echo "# status $status, wanted $2"
		printf '%s\n' "$out" | head -n 8 | sed 's/^/#   got: /'
		printf '%s\n' "$3" | head -n 8 | sed 's/^/#   want: /'
		head -n 5 "$work/err" | sed 's/^/#   stderr: /'
		not_ok "$1"
	fi
}
# The command fails with one line on stderr that matches, and no crash.
refused() { # name pattern command...
	n=$1 pat=$2; shift 2
	timeout 100 "$@" </dev/null >"$work/out" 2>"$work/err"
	s=$?
	if [ $s -ne 0 ] && [ $s -lt 120 ] && [ "$(grep -c . "$work/err")" = 1 ] && grep -qE -- "$pat" "$work/err"; then ok "$n"
	else
		head -n 6 "$work/err" | sed 's/^/#   /'
		not_ok "$n" "status $s"
	fi
}
[ -x "$um" ] || { echo "not ok $suite # no $um"; exit 1; }
"$top/rootfs/make-image.sh" x86_64 busybox 2>/dev/null || { echo "not ok $suite # no image"; exit 1; }
# screen_program NAME: compiles NAME.c, which types to a program on a terminal (screen.h), to $work/NAME.
screen_program() {
	${CC:-gcc} -std=gnu11 -O1 -Wall -Wextra -Werror -o "$work/$1" "$top/tests/integration/$1.c" "$top/tests/integration/screen.c" -lutil 2>"$work/cc" ||
		{ sed 's/^/# /' "$work/cc"; not_ok compile; exit 1; }
}

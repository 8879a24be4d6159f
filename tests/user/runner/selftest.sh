#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The parity suite's runner, tried on programs that must not pass: each of
# fixtures/ fails in a way of its own, and one passes.  What is looked at is
# what the whole run says: its lines, the matrix, the JUnit file.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
EFT_USER_TIMEOUT=2 "$here/../run.sh" --sources "$here/fixtures" --port linux >"$work/out" 2>&1
out=$top/build/test/user-fixtures
says() { # name, the line that must be there
	if grep -qx "$2" "$work/out"; then echo "ok lint/runner-$1"; else grep "$1" "$work/out" | sed 's/^/# /'; echo "not ok lint/runner-$1"; fi
}
says a_good 'ok user/linux/a_good'
for pair in b_not_ok:fail c_status:fail d_too_few:fail e_too_many:fail f_no_plan:noplan g_silent:noplan h_signal:signal i_abort:signal \
	j_hangs:timeout k_empty_plan:noplan l_bails:fail n_skips:skip p_fails_with_reason:fail; do
	says "${pair%:*}" "not ok user/linux/${pair%:*} # ${pair#*:}"
done
says o_skips_with_reason '# user/linux/o_skips_with_reason differs: the test of the runner'
says m_not_compiled 'not ok user/compile/m_not_compiled'
says m_not_compiled 'not ok user/linux/m_not_compiled # noplan'
check() { if [ "$2" = "$3" ]; then echo "ok lint/runner-$1"; else echo "# $1: $2, not $3"; echo "not ok lint/runner-$1"; fi; }
check nothing-else-passes "$(grep -c '^ok ' "$work/out")" 2
check matrix-has-every-program "$(grep -c '^| [a-z]_' "$out/matrix.md")" 17
check matrix-shows-failures "$(grep -c '^| [b-y]_.* | pass |' "$out/matrix.md")" 0
check junit-has-every-program "$(grep -c '<testcase ' "$out/user.xml")" 17
check junit-shows-failures "$(grep -c '<failure ' "$out/user.xml")" 14
"$here/../run.sh" --sources "$here/fixtures" --port linux --only no_such_program >"$work/none" 2>&1
check no-program-is-a-failure "$(grep -c '^not ok user ' "$work/none")" 1
# The machine ends before the programs do: each of them is missing, and that there is no result at all is said, too.
EFT_USER_TOTAL=1 "$here/../run.sh" --sources "$here/fixtures" --port linux --only j_hangs --only z_never_run >"$work/none" 2>&1
check missing-is-a-failure "$(grep -c '^not ok user/linux/.* # missing' "$work/none")" 2
check no-result-is-a-failure "$(grep -c '^not ok user/linux # no result at all' "$work/none")" 1
check matrix-shows-missing "$(grep -c '| missing |' "$out/matrix.md")" 2

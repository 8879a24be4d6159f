#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Suites that others wrote, on the hosted kernel.  Each is a script here; without
# a name all of them run.
#
#   tests/conformance/run.sh [--only SUITE]...
set -u
here=$(cd "$(dirname "$0")" && pwd)
suites=
while [ $# -gt 0 ]; do
	case $1 in
	--only) suites="$suites $2" ;;
	--port) ;;
	*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift 2
done
[ -n "${EFT_UM:-}" ] || "$here/../../eft" build um x86_64 || { echo "not ok conformance/build"; exit 1; }
for s in ${suites:-$(cd "$here" && ls ./*.sh | sed 's,^\./,,; s,\.sh$,,' | grep -vxE 'run|lib')}; do
	if [ ! -x "$here/$s.sh" ] || [ "$s" = run ]; then
		echo "not ok conformance/$s # there is no such suite"
		continue
	fi
	echo "# $s"
	"$here/$s.sh"
done

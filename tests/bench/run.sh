#!/bin/sh
# SPDX-License-Identifier: MIT
# ./eft bench: see bench.py (and ./eft bench --help).  This installs what it needs and starts it.
#   run.sh boot-native [x86_64|aarch64 [ROUNDS]]: only the two kernels' start in QEMU (boot.sh)
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
install=1
for a in "$@"; do
	case $a in
	-h|--help) if command -v python3 >/dev/null; then exec python3 "$here/bench.py" --help; fi
		sed -n '/^"""/,/^"""/s/^"*//p' "$here/bench.py"; exit 0 ;;
	--no-install) install= ;;
	esac
done
if [ "${1:-}" = boot-native ]; then
	status=0
	for cpu in ${2:-x86_64 aarch64}; do
		"$top/eft" build "$cpu" && "$here/boot.sh" "$cpu" "${3:-5}" || status=1
	done
	exit $status
fi
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need python3 python3
need taskset util-linux
need debugfs e2fsprogs
need gcc gcc
need linux.uml user-mode-linux
need runsc runsc
if [ -n "$missing" ] && [ -n "$install" ]; then
	as=
	[ "$(id -u)" = 0 ] || as=sudo
	echo "bench: installing:$missing" >&2
	$as apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1
	# One at a time: a peer that this machine's packages do not have is reported in the table, and the rest measured.
	for p in $missing; do
		DEBIAN_FRONTEND=noninteractive $as apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$p" >/dev/null 2>&1 ||
			echo "bench: could not install $p" >&2
	done
fi
command -v python3 >/dev/null || { echo "bench: python3 is missing" >&2; exit 2; }
[ -n "${EFT_NO_BUILD:-}" ] || "$top/eft" build um || exit 2
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/bench.py" "$@"

# SPDX-License-Identifier: MIT
# Sourced by the suites of tests/conformance: where things are, and how results are reported.
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/conformance
um=${EFT_UM:-$top/build/um/arch_um/eft-um}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/eft/conformance
mirror=${EFT_MIRROR:-http://deb.debian.org/debian}
release=${EFT_SUITE:-bookworm}
PATH=$PATH:/usr/sbin:/sbin
suite=conformance/$(basename "$0" .sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/eft-conformance.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$cache"

ok() { echo "ok $suite/$1"; }
not_ok() { echo "not ok $suite/$1${2:+ # $2}"; }
# The suite cannot go on.
give_up() { [ ! -f "$work/log" ] || tail -n 5 "$work/log" | sed 's/^/#   /'; not_ok "$1" "$2"; exit 1; }
# need COMMAND PACKAGE: installs it where it is missing.
need() {
	command -v "$1" >/dev/null && return
	echo "# installing $2"
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get -o DPkg::Lock::Timeout=300 -y -qq install "$2" >"$work/log" 2>&1 || give_up "$2" "it cannot be installed"
}
[ -x "$um" ] || give_up build "no $um: ./eft run builds it"

#!/bin/sh
# SPDX-License-Identifier: MIT
# ./eft bench [boot [x86_64|aarch64 [ROUNDS]]]: measurements beside Linux, each a ratio in one run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
case ${1:-boot} in
-h|--help) sed -n '3s/^# //p' "$0"; exit 0 ;;
boot) ;;
*) echo "eft: no measurement '$1' (boot)" >&2; exit 2 ;;
esac
status=0
for cpu in ${2:-x86_64 aarch64}; do
	"$top/eft" build "$cpu" && "$here/boot.sh" "$cpu" "${3:-5}" || status=1
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh NM ALLOWED OBJECT...: what the objects need and do not define must match ALLOWED
# (an extended regular expression) or be what the compiler itself calls.
set -eu
nm=$1 allowed=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$nm" -u "$@" >"$dir/u"
"$nm" --defined-only "$@" >"$dir/d"
awk 'NF >= 2 && $(NF-1) ~ /^[Uw]$/ { print $NF }' "$dir/u" | sort -u >"$dir/need"
awk 'NF == 3 { print $NF }' "$dir/d" | sort -u >"$dir/have"
[ -s "$dir/have" ] && [ -s "$dir/need" ] || { echo "no symbols read: the check itself is broken"; exit 1; }
bad=$(comm -23 "$dir/need" "$dir/have" | grep -Ev "$allowed|^__(asan|ubsan|tsan|llvm|sanitizer)_|^mem(cpy|set|move|cmp)\$|^_GLOBAL_OFFSET_TABLE_\$" || true)
[ -z "$bad" ] || { echo "not in the contract:" $bad; exit 1; }

#!/bin/sh
# SPDX-License-Identifier: MIT
# ksyms.sh NM OBJCOPY KERNEL: put the names of the kernel's functions into its section .ksyms (ksyms.c).
set -eu
export LC_ALL=C
bytes=262144
tmp=$3.ksyms
# Optimizing the kernel as a whole renames functions that become visible to other files (NAME.llvm.NUMBER).
"$1" "$3" | awk '$2 == "T" || $2 == "t" { sub(/\.llvm\.[0-9]+$/, "", $3); print substr($1, length($1) - 7), $3 ~ /^(text_end|_etext)$/ ? "-" : $3 }' | sort -u -k1,1 | tr '\n' '\000' >"$tmp"
size=$(wc -c <"$tmp")
[ "$size" -gt 0 ] && [ "$size" -lt $bytes ] || { echo "ksyms.sh: $size bytes of names" >&2; exit 1; }
dd if=/dev/zero bs=1 count=0 seek=$bytes of="$tmp" 2>/dev/null
"$2" --update-section .ksyms="$tmp" "$3"
rm -f "$tmp"

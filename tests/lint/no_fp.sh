#!/bin/sh
# SPDX-License-Identifier: MIT
# A native kernel must not touch the FP and vector registers: they are some user
# thread's.  Looks at every instruction of the linked kernel; only the functions
# that save and load the state may.  Usage: no_fp.sh KERNEL.elf [ALLOWED...]
set -eu
[ $# -ge 1 ] || { echo "usage: no_fp.sh KERNEL.elf [ALLOWED FUNCTION...]" >&2; exit 2; }
elf=$1
shift
objdump=$(command -v llvm-objdump || command -v objdump) || { echo "no objdump" >&2; exit 2; }
"$objdump" -d --no-show-raw-insn "$elf" | awk -v allowed=" fp_save fp_load $* " '
	/^[0-9a-f]+ <.*>:$/ { fn = $2; gsub(/[<>:]/, "", fn); functions++; next }
	{
		if (/\.word/) next		# data between instructions
		line = $0
		sub(/(\/\/|#|<).*/, "", line)
		sub(/^ *[0-9a-f]+:/, "", line)
		if (line ~ /(^|[^a-z0-9_%])[qvdsh]([0-9]|[12][0-9]|3[01])([^a-z0-9_]|$)/ || line ~ /%[xyz]mm[0-9]|%st\(|%mm[0-7]/)
			if (index(allowed, " " fn " ") == 0) { print fn ": " line; bad++ }
	}
	END {
		if (functions < 100) { print "only " functions + 0 " functions found: wrong file?"; exit 2 }
		exit bad > 0
	}'

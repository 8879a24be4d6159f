#!/bin/sh
# SPDX-License-Identifier: MIT
# The rules of the house.  Each is checked twice: the tree keeps it, and a
# small violation made for the purpose is caught (a check that cannot fail is none).
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
um=$top/build/um
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$top" && cmake --preset um && ninja -C build/um) >"$work/build.log" 2>&1 || {
	grep -m 10 -E 'error|FAILED' "$work/build.log" | sed 's/^/# /'; echo "not ok lint/build"; exit 1; }

# keeps NAME COMMAND...: succeeds.  catches NAME COMMAND...: fails.
keeps() { n=$1; shift; if "$@" >"$work/log" 2>&1; then echo "ok lint/$n"; else head -n 8 "$work/log" | sed 's/^/# /'; echo "not ok lint/$n"; fi; }
catches() { n=$1; shift; if "$@" >"$work/log" 2>&1; then echo "not ok lint/$n # the violation was not caught"; else echo "ok lint/$n"; fi; }

# The compiler command of a layer, from the build, for a file of our own.
flags_of() { # path fragment of a source in that layer
	grep -F '"command"' "$um/compile_commands.json" | grep -F "$1" | head -n 1 |
		sed 's/.*"command": "//; s/",$//; s/\\"/"/g; s/ -o [^ ]* -c .*//; s/ -M[DTF] [^ ]*//g; s/ -MD//; s/ -M[TF] [^ ]*//g'
}
compile() { # layer-fragment text
	printf '%s\n' "$2" >"$work/x.c"
	cmd=$(flags_of "$1")
	[ -n "$cmd" ] || { echo "no command for $1"; return 99; }
	(cd "$um" && sh -c "$cmd -fsyntax-only $work/x.c")
}
catches_include() { # name layer text: fails, but not for want of a command, and the same without the include works
	keeps "$1-control" compile "$2" "int x(void); int x(void) { return 0; }"
	catches "$1" compile "$2" "$3
int x(void); int x(void) { return 0; }"
}
catches_include kernel-sees-no-libc kernel/core/main.c '#include <stdio.h>'
catches_include kernel-sees-no-host kernel/core/main.c '#include <host/host.h>'
catches_include drivers-see-no-libc drivers/drivers.c '#include <stdlib.h>'
catches_include drivers-see-no-host drivers/drivers.c '#include <host/host.h>'
catches_include arch-um-sees-no-libc arch_um/src/main.c '#include <unistd.h>'
catches_include host-sees-no-kernel host/src/ '#include <kernel/task.h>'
catches_include host-sees-no-hal host/src/ '#include <hal/hal.h>'
catches kernel-does-not-know-linux compile kernel/core/main.c '#ifndef __linux__
#error "good"
#endif'

objs() { find "$um/$1" -name '*.o' ! -name 'kernel.o'; }
keeps kernel-needs-only-the-contract sh "$here/layers.sh" nm '^(hal_|drivers_init$|ktest_run$)' $(objs kernel/CMakeFiles/kernel.dir)
keeps drivers-need-only-kernel-and-contract sh "$here/layers.sh" nm '^(hal_|ktest_run$)' $(objs drivers) $(objs kernel/CMakeFiles/kernel.dir)
echo 'int printf(const char *, ...); int kernel_x(void); int kernel_x(void) { return printf("x"); }' >"$work/y.c"
gcc -c -o "$work/y.o" "$work/y.c"
catches kernel-needs-only-the-contract-negative sh "$here/layers.sh" nm '^(hal_|drivers_init$|ktest_run$)' $(objs kernel/CMakeFiles/kernel.dir) "$work/y.o"

visible() { [ "$(nm --defined-only -g "$1" | awk '{ print $NF }' | grep -v '^um_' )" = "" ] && nm -g "$1" | grep -q ' T um_main$'; }
keeps one-visible-kernel-symbol visible "$um/arch_um/kernel.o"
catches one-visible-kernel-symbol-negative visible "$work/y.o"

port_ifdef() { ! grep -rnE '^[[:space:]]*#[[:space:]]*(el)?if.*(EFT_PORT|__linux__|EFT_UM|EFT_GUEST|PORT_UM)' "$@"; }
keeps no-ifdef-on-a-port port_ifdef "$top/kernel" "$top/drivers"
echo '#ifdef EFT_PORT_UM' >"$work/z.c"
catches no-ifdef-on-a-port-negative port_ifdef "$work/z.c"

spdx() { ! for f in "$@"; do head -n 2 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"; done | grep .; }
keeps licence-line spdx $(cd "$top" && git ls-files | grep -E '\.([chS]|sh|def)$' | sed "s|^|$top/|")
echo 'int x;' >"$work/w.c"
catches licence-line-negative spdx "$work/w.c"

headers() { ninja -C "$um" all_verify_interface_header_sets; }
keeps headers-compile-alone headers

misspelt() { cmake -S "$top" -B "$work/misspelt" -G Ninja -DEFT_TEST_MISSPELT_LAYER=ON; }
catches misspelt-layer misspelt
grep -q 'kernl_api' "$work/log" && echo "ok lint/misspelt-layer-says-why" || echo "not ok lint/misspelt-layer-says-why"

for cpu in x86_64 aarch64; do
	elf=$top/build/$cpu/arch_guest/kernel.elf
	if [ -f "$elf" ]; then keeps no-fp-in-kernel-$cpu sh "$here/no_fp.sh" "$elf"; fi
done

shellcheck_posix() { for f in "$@"; do sh -n "$f" || return 1; done; }
keeps scripts-parse shellcheck_posix $(cd "$top" && git ls-files | grep -E '\.sh$|^eft$|^\.ci/run$' | sed "s|^|$top/|")

# What the table of system calls claims.
ninja -C "$um" sysgen >>"$work/build.log" 2>&1
calls() { sh "$here/syscalls.sh" "$@"; }
keeps syscalls-each-has-a-program calls covered "$um/host/sysgen" "$top/tests/user/coverage.txt"
sed 's/ openat2\( \|$\)/ /' "$top/tests/user/coverage.txt" >"$work/calls"
catches syscalls-each-has-a-program-negative calls covered "$um/host/sysgen" "$work/calls"
keeps syscalls-300-and-what-is-refused calls levels "$um/host/sysgen"
printf '#!/bin/sh\n[ $1 = unexplained ] || echo full 290 partial 9 absent 0\n' >"$work/few"
printf '#!/bin/sh\n[ $1 = counts ] && echo full 300 partial 9 absent 0 || { echo clone; exit 1; }\n' >"$work/mute"
chmod +x "$work/few" "$work/mute"
catches syscalls-300-negative calls levels "$work/few"
catches syscalls-what-is-refused-negative calls levels "$work/mute"
keeps syscalls-coverage-is-of-today calls recorded "$top/tests/user/coverage.txt" "$top/tests/user"
sed '/^fork /d' "$top/tests/user/coverage.txt" >"$work/calls"
catches syscalls-coverage-is-of-today-negative calls recorded "$work/calls" "$top/tests/user"

# The bugs that the fuzzer must find can still be planted.
keeps planted-bugs-fit "$top/tests/fuzz/planted.sh" --check
mkdir -p "$work/tree/tests/fuzz"
cp -r "$top/tests/fuzz/planted.sh" "$top/tests/fuzz/planted" "$work/tree/tests/fuzz/"
catches planted-bugs-fit-negative "$work/tree/tests/fuzz/planted.sh" --check

# The parity suite says "not ok" when it should.
"$top/tests/user/runner/selftest.sh"

#!/bin/sh
# SPDX-License-Identifier: MIT
# BusyBox's own test suite, from Debian's source package, with a BusyBox of its default configuration.
. "$(dirname "$0")/lib.sh"
make_root
dir=$cache/busybox.suite
if [ ! -d "$dir" ]; then
	source_package busybox
	echo "# building BusyBox"
	b=$work/source
	(cd "$b" && make defconfig && sed -i 's/.*CONFIG_STATIC[ =].*/CONFIG_STATIC=y/; s/CONFIG_TC=y/# CONFIG_TC is not set/' .config &&
		make -j"$(nproc)" busybox busybox_unstripped) >"$work/log" 2>&1 </dev/null || give_up build "BusyBox does not build"
	gcc -Os -static -o "$b/testsuite/echo-ne" "$b/scripts/echo.c" 2>"$work/log" || give_up build "echo-ne does not compile"
	mkdir -p "$dir.tmp/busybox"
	cp -R "$b/testsuite" "$b/busybox" "$b/.config" "$dir.tmp/busybox"
	mv "$dir.tmp" "$dir"
fi
cp "$here/busybox/run.sh" "$dir/run.sh"
on_host "$dir"
in_guest "$dir"
compare 99

#!/bin/sh
# SPDX-License-Identifier: MIT
# bash's own tests, from Debian's source package, with Debian's bash.
. "$(dirname "$0")/lib.sh"
make_root
dir=$cache/bash.suite
if [ ! -d "$dir" ]; then
	source_package bash
	mkdir -p "$dir.tmp/bin"
	cp -R "$work/source/tests" "$dir.tmp/tests"
	mkdir "$work/inc"
	: >"$work/inc/config.h"
	printf '#include <string.h>\n#include <stdlib.h>\n' >"$work/inc/bashansi.h"
	for t in recho zecho printenv xcase; do	# what its makefile would build
		gcc -w -O1 -static -DHAVE_CONFIG_H -DHAVE_UNISTD_H -I"$work/inc" -o "$dir.tmp/bin/$t" "$work/source/support/$t.c" 2>"$work/log" ||
			give_up build "$t does not compile"
	done
	mv "$dir.tmp" "$dir"
fi
cp "$here/bash/run.sh" "$dir/run.sh"
on_host "$dir"
in_guest "$dir"
compare 100

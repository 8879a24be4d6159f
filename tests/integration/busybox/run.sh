#!/bin/sh
# SPDX-License-Identifier: MIT
# Every line of corpus.txt by BusyBox on the host and by the same binary on a
# port: run.sh [um|x86_64|aarch64]; "ok busybox/PORT/N" where output and status agree.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
port=${1:-um}
out=$top/build/test/busybox
cpu=x86_64; [ "$port" != aarch64 ] || cpu=aarch64
img=$top/build/rootfs/$cpu-corpus.ext2
mkdir -p "$out"
"$top/rootfs/make-image.sh" -o "$img" -s 64 -a "$here:/corpus" "$cpu" busybox || { echo "not ok busybox/$port # no image"; exit 1; }

# The oracle: the same BusyBox, applets as links, nothing else on PATH.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$top/rootfs/make-image.sh" -o "$top/build/rootfs/x86_64.ext2" x86_64 busybox
mkdir "$work/bin" "$work/dir"
debugfs -R "dump /usr/bin/busybox $work/bin/busybox" "$top/build/rootfs/x86_64.ext2" >/dev/null 2>&1
[ -s "$work/bin/busybox" ] || debugfs -R "dump /bin/busybox $work/bin/busybox" "$top/build/rootfs/x86_64.ext2" >/dev/null 2>&1
chmod 755 "$work/bin/busybox"
for a in $("$work/bin/busybox" --list); do [ "$a" = busybox ] || ln -s busybox "$work/bin/$a"; done
env -i PATH="$work/bin" "$work/bin/sh" "$here/driver.sh" "$here/corpus.txt" "$here/fixture.sh" "$work/dir" </dev/null >"$out/host.txt" 2>/dev/null

# Through a pipe, as on the host: many applets look whether they write to a terminal.
command='sh /corpus/driver.sh /corpus/corpus.txt /corpus/fixture.sh /root | cat'
case $port in
um*) timeout 1200 "$top/build/$port/arch_um/eft-um" --disk "$img" -- sh -c "$command" ;;
*) timeout 3000 "$top/arch_guest/$port/run.sh" --disk "$img" -- sh -c "$command" ;;
esac </dev/null 2>"$out/$port.log" | tr -d '\r' >"$out/$port.txt"

awk -v port="$port" -v corpus="$here/corpus.txt" -v want="$out/host.txt" -v got="$out/$port.txt" '
	function load(file, into,   n, line, k) {
		while ((getline line < file) > 0) {
			if (line ~ /^@@@ [0-9]+$/) { k = substr(line, 5) + 0; into[k] = "" ; n = k }
			else into[k] = into[k] line "\n"
		}
		return n
	}
	BEGIN {
		w = load(want, host); g = load(got, here)
		while ((getline line < corpus) > 0) {
			i++
			if ((i in here) && host[i] == here[i]) { print "ok busybox/" port "/" i; continue }
			print "# " line
			m = split(host[i], a, "\n"); for (k = 1; k <= m && k < 6; k++) if (a[k] != "") print "#   want: " a[k]
			m = split(here[i], b, "\n"); for (k = 1; k <= m && k < 6; k++) if (b[k] != "") print "#   got:  " b[k]
			print "not ok busybox/" port "/" i
		}
		if (i < 150 || w != i) print "not ok busybox/" port " # the host ran " w " of " i " lines"
	}'

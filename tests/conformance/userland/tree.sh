# SPDX-License-Identifier: MIT
# tree.sh DIRECTORY: makes a tree of 1,000 files and prints the sums of it, as "sum NAME VALUE".  Runs on the host and in the guest.
set -e
export LC_ALL=C
umask 022
mkdir -p "$1"
cd "$1"
for d in 0 1 2 3 4 5 6 7 8 9; do
	mkdir -p d$d
	f=0
	while [ $f -lt 100 ]; do
		echo "file $d $f $((d * f)) $((d * f * 7919 % 104729))" >d$d/f$f
		f=$((f + 1))
	done
done
pack() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --exclude=.git -cf - .; }
echo "sum files $(find . -name .git -prune -o -type f -print | sort | xargs sha256sum | sha256sum)"
echo "sum tar $(pack | sha256sum)"
echo "sum gzip $(pack | gzip -n9 | sha256sum)"

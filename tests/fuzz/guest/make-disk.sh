#!/bin/sh
# SPDX-License-Identifier: MIT
# make-disk.sh OUT BLOCK_SIZE KIB: a file system with something of everything, for the machine's other disks; the same bytes every time.
set -eu
export LC_ALL=C
out=$1 block=$2 kib=$3
PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root/d/e" "$dir/root/many"
cd "$dir/root"
fill() { head -c "$1" /dev/zero | tr '\0' '\356'; }	# content that whoever changes metadata can tell
fill 10 >a
fill 70000 >b		# blocks behind an indirect one
: >c
fill 3000 >d/a
fill 1 >d/b
: >d/e/a
ln a f
ln -s a l
ln -s "$(head -c 90 /dev/zero | tr '\0' x)" m	# too long for the inode
mkfifo d/f
i=0
while [ $i -lt 40 ]; do : >"many/a-name-of-some-length-$i"; i=$((i + 1)); done
dd if=/dev/zero of=sparse bs=1 count=1 seek=300000 2>/dev/null
find . -exec touch -h -d @1700000000 {} +
cd "$dir"
E2FSPROGS_FAKE_TIME=1700000000 mke2fs -q -t ext2 -b "$block" -I $((block / 8 < 256 ? 128 : 256)) -N 80 -O none,filetype,sparse_super,large_file,ext_attr \
	-m 0 -g 4096 -L disk -U 00000000-0000-4000-8000-00000000f022 -E root_owner=0:0,hash_seed=00000000-0000-4000-8000-00000000f023 -d root image "${kib}k" >/dev/null 2>&1
{
	echo 'ea_set a user.a value'
	echo 'ea_set b user.b another'
	echo "ea_set b user.long $(head -c 300 /dev/zero | tr '\0' v)"
	echo 'ea_set d trusted.x y'
	awk 'BEGIN { for (i = 11; i < 80; i++) printf "sif <%d> ctime @1700000000\nsif <%d> atime @1700000000\nsif <%d> uid 0\nsif <%d> gid 0\n", i, i, i, i }'
} | debugfs -w -f - image >/dev/null 2>&1
mv image "$out"

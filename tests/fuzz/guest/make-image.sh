#!/bin/sh
# SPDX-License-Identifier: MIT
# make-image.sh OUT CC PROG.S: the root file system of the fuzzer's machine, the same bytes every time.
set -eu
export LC_ALL=C
out=$1 cc=$2 source=$3
PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root"
cd "$dir/root"
mkdir -p bin sbin dev proc sys tmp etc mnt d/sub
"$cc" -c -o "$dir/prog.o" "$source"
ld -static --build-id=none --section-start=.fuzz_text=0x401000 --section-start=.fuzz_arena=0x20000000 -z noexecstack -e _start \
	-o bin/prog "$dir/prog.o"
strip bin/prog
cp bin/prog sbin/init
printf '#!/bin/prog argument\n' >bin/script
chmod 755 bin/script
printf 'root:x:0:0::/:/bin/prog\nnobody:x:65534:65534::/:/bin/prog\n' >etc/passwd
printf 'a small file\n' >d/small
head -c 70000 /dev/zero | tr '\0' 'x' >d/large
ln -s small d/link
ln -s d/sub dirlink
: >d/empty
find . -exec touch -h -d @1700000000 {} +
cd "$dir"
E2FSPROGS_FAKE_TIME=1700000000 mke2fs -q -t ext2 -b 1024 -I 128 -N 128 -O none,filetype,sparse_super,large_file,ext_attr \
	-m 0 -L fuzz -U 00000000-0000-4000-8000-00000000f022 -E root_owner=0:0,hash_seed=00000000-0000-4000-8000-00000000f023 -d root image 1024 >/dev/null 2>&1
# Owners and change times come from the tree: make them constant.
awk 'BEGIN { for (i = 11; i < 64; i++) printf "sif <%d> ctime @1700000000\nsif <%d> atime @1700000000\nsif <%d> uid 0\nsif <%d> gid 0\n", i, i, i, i }' |
	debugfs -w -f - image >/dev/null 2>&1
mv image "$out"

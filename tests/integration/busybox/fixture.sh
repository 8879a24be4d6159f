# SPDX-License-Identifier: MIT
# Sourced: makes the files that the corpus works on in the current directory.
printf 'apple\nbanana\ncherry\ndate\nelderberry\nfig\n' >words.txt
printf 'apple\nblueberry\ncherry\ndate\nfig\ngrape\n' >words2.txt
printf '10\n9\n100\n-5\n33\n7\n' >numbers.txt
printf 'b\na\nb\na\nc\nc\n' >dup.txt
printf 'x\ttwo\ny\tone\nz\tthree\n' >table.txt
printf 'The quick brown fox 42\n\njumps over 7 lazy dogs.\n        a.b all hello\n' >lines.txt
printf 'root:x:0:0\nbin:x:2:2\ndaemon:x:1:1\n' >passwd.txt
printf 'one\r\ntwo\r\n' >crlf.txt
printf 'a b\nb c\na c\n' >pairs.txt
printf '\000\001\002\003hello world\377\376\n\000end of data\n' >bin.dat
printf '%s\n' '--- words.txt' '+++ words.txt' '@@ -1,3 +1,3 @@' ' apple' '-banana' '+blackberry' ' cherry' >words.patch
printf '#!/bin/sh\nsourced=yes\necho "script $# $1"\n' >script.sh
chmod 755 script.sh
mkdir -p sub/deep/deeper empty
echo one >sub/one.txt
echo two >sub/deep/two.txt
i=0
while [ $i -lt 300 ]; do echo "line $i of a longer file"; i=$((i + 1)); done >big.txt
chmod 600 sub/one.txt
ln -s words.txt link

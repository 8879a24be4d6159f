#!/bin/bash
# SPDX-License-Identifier: MIT
# Whole jobs, the same on every machine: job.sh starts|pack|sqlite|python|compile [quick]
# By bash, because the BusyBox shell would run its own tar and date.  Prints `job NAME SECONDS STATUS CHECK`: the time by the machine's own clock, and a
# sum of what was made, which must be the same everywhere.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
work=/root/job.$$
mkdir -p $work && cd $work || exit 1
ns() { date +%s%N; }

starts() {
	n=0
	while [ $n -lt "${1:-500}" ]; do
		/bin/true || return 1
		n=$((n + 1))
	done
	echo $n
}
pack() {
	tar -C /usr/lib/python3.11 -cf - --sort=name --mtime=@0 --owner=0 --group=0 json email asyncio ${1:+--exclude=asyncio} | gzip -n -6 >tree.gz || return 1
	mkdir out && tar -C out -xzf tree.gz || return 1
	find out -type f | wc -l
}
sqlite() {
	{
		echo 'create table t(a integer primary key, b text, c real);'
		n=0
		while [ $n -lt 20 ]; do	# each its own transaction, and so its own sync
			echo "insert into t(b, c) values('single $n', $n.5);"
			n=$((n + 1))
		done
		echo 'begin;'
		echo "with recursive k(x) as (select 1 union all select x + 1 from k where x < ${1:-20000}) insert into t(b, c) select 'row ' || x, x * 0.25 from k;"
		echo 'commit; create index i on t(b); select count(*), sum(c) from t;'
	} | sqlite3 db
}
python() {
	n=0
	while [ $n -lt "${1:-10}" ]; do
		python3 -c 'import json, re, os, collections' || return 1
		n=$((n + 1))
	done
	python3 -c 'import json; print(json.dumps({"a": [1, 2, 3]}))'
}
compile() {
	n=0
	while [ $n -lt "${1:-8}" ]; do
		printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x) { char b[64]; snprintf(b, sizeof(b), "%%d", x); return (int)strlen(b) + %d; }\n' $n $n >f$n.c
		echo "int f$n(int); static int c$n(void) { return f$n($n); }" >>all.h
		echo "s += c$n();" >>all.i
		n=$((n + 1))
	done
	printf '#include <stdio.h>\n#include "all.h"\nint main(void) { int s = 0;\n#include "all.i"\nprintf("%%d\\n", s); return 0; }\n' >main.c
	# shellcheck disable=SC2016
	printf 'O = $(patsubst %%.c,%%.o,$(wildcard *.c))\nprog: $(O)\n\t$(CC) -o $@ $(O)\n%%.o: %%.c\n\t$(CC) -O2 -c -o $@ $<\n' >Makefile
	make -s CC=gcc prog && ./prog
}

quick=
[ "${2:-}" != quick ] || case $1 in starts) quick=50 ;; pack) quick=1 ;; sqlite) quick=1000 ;; python) quick=2 ;; compile) quick=2 ;; esac
$1 $quick >/dev/null 2>&1 </dev/null	# once for the caches
cd / && rm -rf $work && mkdir $work && cd $work || exit 1
begin=$(ns)
check=$($1 $quick 2>&1)
status=$?
end=$(ns)
cd /
rm -rf $work
echo "job $1 $((end - begin)) $status $(echo "$check" | tr -s ' \n' '__' | cut -c 1-60)"

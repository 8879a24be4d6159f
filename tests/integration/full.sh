#!/bin/sh
# SPDX-License-Identifier: MIT
# Dynamically linked Debian programs on the larger image: bash, coreutils, python3.
#   tests/integration/full.sh [um|x86_64|aarch64]
port=${1:-um} cpu=x86_64
case $port in
x86_64|aarch64) cpu=$port EFT_UM=$(cd "$(dirname "$0")/../.." && pwd)/arch_guest/$port/run.sh ;;
um) ;;
*) echo "full.sh: no port '$port'" >&2; exit 2 ;;
esac
. "$(dirname "$0")/lib.sh"
suite=full-$port
"$top/rootfs/make-image.sh" $cpu full 2>"$work/err" || { tail -n 3 "$work/err" | sed 's/^/# /'; not_ok image; exit 1; }
img=$top/build/rootfs/$cpu-full.ext2
limit=240
full() { eft --mem 512M -- "$@"; }

full bash -c 'a=(one two three); echo ${a[1]} ${#a[@]} ${a[@]:1}'; expect bash-arrays 0 'two 3 two three'
full bash -c 'declare -A m=([x]=1 [y]=2); for k in $(printf "%s\n" "${!m[@]}" | sort); do echo $k=${m[$k]}; done'; expect bash-hashes 0 'x=1
y=2'
full bash -c 'diff <(echo a; echo b) <(echo a; echo c); echo $?'; expect bash-process-substitution 0 '2c2
< b
---
> c
1'
full bash -c 'while read -r l; do echo "[$l]"; done < <(seq 3); coproc cat; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x'; expect bash-coproc 0 '[1]
[2]
[3]
hi'
full bash -c 'set -o pipefail; false | true; echo $?; trap "echo bye" EXIT; [[ abc =~ a(b)c ]] && echo ${BASH_REMATCH[1]}'; expect bash-misc 0 '1
b
bye'
full bash -c 'seq 1000 | sort -rn | head -n 3 | sha256sum'; expect coreutils 0 "$(seq 1000 | sort -rn | head -n 3 | sha256sum)"
full bash -c 'mkdir /tmp/x && cd /tmp/x && for i in {1..50}; do echo $i > f$i; done && tar cf - . | tar tf - | wc -l && find . -name "f*" | xargs cat | awk "{s+=\$1} END {print s}"'; expect files 0 '51
1275'
full python3 -c 'print(sum(range(1000)))'; expect python 0 499500
full python3 -c '
import threading
n = 0
lock = threading.Lock()
def work():
    global n
    for _ in range(2000):
        with lock: n += 1
ts = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(n)'; expect python-threads 0 16000
full python3 -c '
import subprocess
print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True))
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.communicate(b"x" * 200000)[0] == b"x" * 200000, p.returncode)'; expect python-subprocess 0 "CompletedProcess(args=['sh', '-c', 'echo out; echo err >&2; exit 3'], returncode=3, stdout=b'out\\n', stderr=b'err\\n')
True 0"
full python3 -c '
import sqlite3
c = sqlite3.connect("/root/t.db")
c.execute("create table t (a integer primary key, b text)")
c.executemany("insert into t (b) values (?)", [(str(i),) for i in range(1000)])
c.commit()
print(c.execute("select count(*), sum(a) from t").fetchone(), c.execute("pragma integrity_check").fetchone())'; expect python-sqlite3 0 "(1000, 500500) ('ok',)"
full python3 -c '
import os, socket, select, mmap, json, tempfile, asyncio, multiprocessing
a, b = socket.socketpair(); a.send(b"ping"); print(b.recv(10))
m = mmap.mmap(-1, 8192); m[0:3] = b"abc"; print(m[0:3])
async def f(): await asyncio.sleep(0.01); return 5
print(asyncio.run(f()))
r, w = os.pipe(); os.write(w, b"q"); print(select.select([r], [], [], 1)[0] == [r])
def child(q): q.put(os.getpid() != 0)
q = multiprocessing.Queue(); p = multiprocessing.Process(target=child, args=(q,)); p.start(); print(q.get()); p.join()
with tempfile.TemporaryDirectory() as d: json.dump([1], open(d + "/x", "w")); print(os.listdir(d))'; expect python-library 0 "b'ping'
b'abc'
5
True
True
['x']"

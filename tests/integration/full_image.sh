#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Dynamically linked Debian programs on the full image: bash, coreutils, perl,
# git, python3 with its standard library.  What they print is compared with
# what is expected; afterwards e2fsck has a look at the disk.
#
#   tests/integration/full_image.sh [EFT-UM [CPU]]
set -u
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/../.." && pwd)
um=${1:-$top/build/um/arch_um/eft-um}
cpu=${2:-x86_64}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
"$top/rootfs/make-image.sh" "$cpu" full >/dev/null || { echo "not ok full_image # no image"; exit 1; }
cp --sparse=always "$top/build/rootfs/$cpu-full.ext2" "$work/img"

# check NAME EXPECTED: the program (bash) on standard input
check() {
	name=$1 want=$2
	cat >"$work/script"
	timeout 400 "$um" --mem 512M --disk "$work/img" --rw -- bash -c "$(cat "$work/script")" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	tr -d '\r' <"$work/out" >"$work/got"
	printf '%s\n' "$want" >"$work/want"
	if [ $status -eq 0 ] && cmp -s "$work/got" "$work/want"; then
		echo "ok full_image/$name"
	else
		diff "$work/want" "$work/got" | head -20 | sed 's/^/# /'
		tail -n 5 "$work/err" | sed 's/^/# /'
		echo "not ok full_image/$name # status $status"
	fi
}

check bash_arrays 'one two three
3 c:3
b=2
two
0-1-4-9
hello WORLD
ok' <<'EOS'
a=(one two three); echo "${a[@]}"
declare -A m=([a]=1 [b]=2 [c]=3); echo "${#m[@]} c:${m[c]}"
echo "b=${m[b]}"
echo "${a[1]}"
sq=(); for i in {0..3}; do sq+=($((i * i))); done; (IFS=-; echo "${sq[*]}")
w=world; echo "hello ${w^^}"
[[ abc123 =~ ^[a-z]+([0-9]+)$ && ${BASH_REMATCH[1]} == 123 ]] && echo ok
EOS

check bash_process_substitution '2a3
> c
b
3
10
trap 0' <<'EOS'
diff <(printf 'a\nb\n') <(printf 'a\nb\nc\n')
comm -12 <(printf 'a\nb\n') <(printf 'b\nc\n')
mapfile -t lines < <(seq 3); echo "${#lines[@]}"
coproc bc_ { while read -r x; do echo $((x * 2)); done; }; echo 5 >&"${bc_[1]}"; read -r y <&"${bc_[0]}"; echo "$y"
trap 'echo trap $?' EXIT
EOS

check coreutils 'c b a
3
b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9
x/y/z
5
aGk=
2' <<'EOS'
printf 'a\nb\nc\n' | tac | paste -sd' '
printf 'b\na\nb\nc\n' | sort -u | wc -l
printf 'hello world' | sha256sum | cut -d' ' -f1
cd /tmp && mkdir -p x/y && touch x/y/z && find x -type f
stat -c %s <(:) >/dev/null; printf hello >f; stat -c %s f
printf hi | base64
du -a x/y | wc -l
EOS

check text_tools 'FOO bar
6
2:b
key=v' <<'EOS'
echo 'foo bar' | sed 's/foo/\U&/'
seq 3 | gawk '{ s += $1 } END { print s }'
printf 'a\nb\n' | grep -n b
perl -e 'my %h = (key => "v"); print map { "$_=$h{$_}\n" } keys %h'
EOS

check python_threads_subprocess '4950
child 3
sum 499500
True
[0, 1, 4, 9]' <<'EOS'
python3 - <<'PY'
import os, queue, sqlite3, subprocess, tempfile, threading
q = queue.Queue()
ts = [threading.Thread(target=lambda i=i: q.put(i)) for i in range(100)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sum(q.get() for _ in range(100)))
r = subprocess.run(["sh", "-c", "printf child; exit 3"], stdout=subprocess.PIPE)
print(r.stdout.decode(), r.returncode)
with tempfile.TemporaryDirectory(dir="/root") as d:
    c = sqlite3.connect(os.path.join(d, "t.db"))
    c.execute("create table t(x integer)")
    with c:
        c.executemany("insert into t values(?)", ((i,) for i in range(1000)))
    print("sum", c.execute("select sum(x) from t").fetchone()[0])
    c.close()
print(not os.listdir("/lost+found"))
import multiprocessing
def sq(x): return x * x
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as p:
        print(p.map(sq, range(4)))
PY
EOS

check python_library 'json [1, {"a": null}]
8
gzip b"hello"
2024-02-29
ok socket' <<'EOS'
python3 - <<'PY'
import datetime, gzip, hashlib, io, json, re, select, socket, struct, zlib
print("json", json.dumps(json.loads('[1, {"a": null}]')))
print(len(struct.pack("<IHBx", 1, 2, 3)))
print("gzip", gzip.decompress(gzip.compress(b"hello")).__repr__().replace("'", '"'))
print(datetime.date(2024, 2, 28) + datetime.timedelta(1))
a, b = socket.socketpair()
a.send(b"ok socket")
select.select([b], [], [], 5)
print(b.recv(100).decode())
PY
EOS

check git '2
second
clean' <<'EOS'
cd /root && rm -rf r && git init -q r && cd r && git config user.email a@example.org && git config user.name A
echo 1 >f && git add f && git commit -qm first && echo 2 >f && git commit -qam second
export GIT_PAGER=cat; git log --oneline | wc -l
git clone -q . ../c 2>/dev/null && cd ../c && git log -1 --format=%s
[ -z "$(git status --porcelain)" ] && git fsck --strict 2>/dev/null && echo clean
EOS

check archives 'same
same' <<'EOS'
cd /root && tar czf t.tgz -C /usr/lib/python3 . && mkdir -p u && tar xzf t.tgz -C u && diff -r /usr/lib/python3 u && echo same
tar cf - u | xz -1 | xz -d | tar xf - -C /root --transform 's/^u/v/' && diff -r u v && echo same
EOS

if e2fsck -fn "$work/img" >"$work/fsck" 2>&1; then
	echo "ok full_image/e2fsck"
else
	head -20 "$work/fsck" | sed 's/^/# /'
	echo "not ok full_image/e2fsck"
fi

# SPDX-License-Identifier: MIT
# Runs in the guest: uses what has been installed.  "ok NAME" or "not ok NAME" each.
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
check() {	# NAME COMMAND...
	n=$1; shift
	if "$@" >/tmp/out 2>&1; then echo "ok $n"; else echo "# status $?"; tail -n 5 /tmp/out | sed 's/^/#   /'; echo "not ok $n"; fi
}
same() {	# NAME WANTED COMMAND...
	n=$1 want=$2; shift 2
	got=$("$@" 2>/tmp/err)
	if [ "$got" = "$want" ]; then echo "ok $n"; else echo "#   got '$got', wanted '$want'"; tail -n 3 /tmp/err | sed 's/^/#   /'; echo "not ok $n"; fi
}
unfinished() { dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -vc '^ii'; }

check dpkg-configure dpkg --configure -a
same dpkg-audit '' dpkg --audit
same dpkg-nothing-unfinished 0 unfinished
check apt apt-get --version
check apt-cache apt-cache policy git
same perl 1,4,9,16,25 perl -e 'print join(",", map { $_*$_ } 1..5)'
same perl-fork 'child 7' perl -e 'my $p = fork; exit 7 unless $p; waitpid $p, 0; print "child ", $? >> 8'

sh /root/tree.sh /root/tree || echo "not ok tree"
cd /root/tree || exit 1
check git-init git init -q -b main .
git config user.email eft@localhost; git config user.name Eft
check git-add git add .
check git-commit git commit -q -m first
echo changed >>d3/f3; git mv d4/f4 d4/moved; git rm -q d5/f5
check git-commit-all git commit -q -a -m second
same git-log 2 sh -c 'git log --oneline | grep -c .'
same git-files 999 sh -c 'git ls-files | grep -c .'
same git-status '' git status --porcelain
check git-fsck git fsck --full --strict
check git-gc git gc -q
check git-clone git clone -q /root/tree /root/clone
same git-clone-is-equal '' sh -c 'cd /root/clone && git diff HEAD --stat && git status --porcelain'

mkdir -p /root/proj && cd /root/proj || exit 1
cat >hello.c <<'X'
#include <stdio.h>
int main(void) { printf("hello %d\n", 6 * 7); return 0; }
X
check gcc gcc -O2 -Wall -Werror -o hello hello.c
same gcc-runs 'hello 42' ./hello
rm -f hello.c
{
	echo '#include <stdio.h>'
	i=1; while [ $i -le 30 ]; do echo "int f$i(int x) { return x + $i; }" >f$i.c; echo "int f$i(int);"; i=$((i + 1)); done
	echo 'int main(void) { int s = 0;'
	i=1; while [ $i -le 30 ]; do echo "s = f$i(s);"; i=$((i + 1)); done
	echo 'printf("%d", s); return 0; }'
} >main.c
cat >Makefile <<'X'
OBJS = $(patsubst %.c,%.o,$(wildcard *.c))
prog: $(OBJS)
	gcc -o $@ $(OBJS)
X
check make-j2 make -s -j2
same make-prog 465 ./prog
same make-again "make: 'prog' is up to date." make -j2

cd /root || exit 1
check sqlite3-100-MB sqlite3 t.db 'create table t(a integer primary key, b blob); with recursive c(x) as (select 1 union all select x+1 from c where x<100000) insert into t select x, randomblob(1000) from c; create index i on t(b);'
check sqlite3-size test "$(stat -c %s t.db)" -gt 200000000
same sqlite3-integrity ok sqlite3 t.db 'pragma integrity_check'
same sqlite3-wal 'wal
100001' sqlite3 t.db 'pragma journal_mode=wal; insert into t(b) values (x'"'00'"'); select count(*) from t'
rm -f t.db

#!/bin/sh
# SPDX-License-Identifier: MIT
# The hosted kernel as a user meets it: status, input, options, what it leaves behind.
. "$(dirname "$0")/lib.sh"

eft -- sh -c 'exit 7'; expect exit-status 7 ''
eft -- true; expect true 0 ''
eft -- sh -c 'kill -TERM $$'; expect status-of-a-signal 143 ''
eft -- /no/such/program; expect no-such-program 127 'init: cannot run /no/such/program: No such file or directory'
eft -- /etc/passwd; expect not-executable 126 'init: cannot run /etc/passwd: Permission denied'
eft -- echo 'a  b' "it's" '%41 "q"'; expect arguments-unchanged 0 "a  b it's %41 \"q\""
eft -- sh -c 'echo $0-$1-$#' x '' y; expect empty-argument 0 'x--2'

out=$(printf 'one\ntwo\n' | timeout 200 "$um" --disk "$img" -- sh -c 'cat; echo end' 2>"$work/err"); status=$?
expect piped-input 0 'one
two
end'
out=$(seq 20000 | timeout 200 "$um" --disk "$img" -- md5sum 2>"$work/err"); status=$?
expect much-piped-input 0 "$(seq 20000 | md5sum)"
out=$(echo 'echo from a script; exit 5' | timeout 200 "$um" --disk "$img" 2>"$work/err"); status=$?
check shell-reads-a-script sh -c "echo '$status' | grep -qx 5"
out=$(timeout 200 "$um" --disk "$img" -- seq 50000 2>/dev/null </dev/null | md5sum); status=0
expect much-output 0 "$(seq 50000 | md5sum)"

for trap in seccomp ptrace; do
	eft --trap=$trap -- sh -c 'echo $((6 * 7)) | cat'; expect trap-$trap 0 42
done
for n in 1 2 4 8; do
	eft --cpus $n -- nproc; expect cpus-$n 0 $n
done
eft --mem 64M -- sh -c 'echo small'; expect memory-64M 0 small
eft --mem 8G -- awk '/MemTotal/ { print ($2 > 7800000) }' /proc/meminfo; expect memory-8G 0 1

# Without root.
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$work"; cp "$img" "$work/readable"; chmod 644 "$work/readable"
	cp "$um" "$work/eft-um"; chmod 755 "$work/eft-um"
	out=$(timeout 200 setpriv --reuid=65534 --regid=65534 --clear-groups "$work/eft-um" --disk "$work/readable" -- id -u </dev/null 2>"$work/err"); status=$?
	expect without-root 0 0
	rm -f "$work/readable" "$work/eft-um"
fi

# The image is never changed, unless by --rw.
cp "$img" "$work/img"
sum=$(md5sum <"$work/img")
timeout 200 "$um" --disk "$work/img" -- sh -c 'echo x > /root/new; sync' </dev/null 2>/dev/null
check image-untouched test "$sum" = "$(md5sum <"$work/img")"
timeout 200 "$um" --disk "$work/img" --rw -- sh -c 'echo x > /root/new; sync' </dev/null 2>/dev/null
check image-written test "$sum" != "$(md5sum <"$work/img")"
check image-clean sh -c "e2fsck -fn '$work/img' >/dev/null 2>&1"
out=$(timeout 200 "$um" --disk "$work/img" -- cat /root/new </dev/null 2>/dev/null); status=$?
expect image-keeps 0 x

# What the program mounted is unmounted when the machine ends, like the root: nobody has to check it.
rm -f "$work/second"; truncate -s 4M "$work/second"; mke2fs -q -t ext2 "$work/second"
timeout 200 "$um" --disk "$work/img" --disk "$work/second" --rw -- sh -c 'mount /dev/vdb /mnt && mkdir /mnt/in && mount -t tmpfs t /mnt/in && echo x > /mnt/file' </dev/null 2>/dev/null
for i in img second; do
	check $i-left-clean sh -c "dumpe2fs -h '$work/$i' 2>/dev/null | grep -q '^Filesystem state: *clean$'"
done
check second-written sh -c "debugfs -R 'cat file' '$work/second' 2>/dev/null | grep -q '^x$'"

# Blocks smaller than a page: what is stored in a page in which the file grew is in the file.
"$top/tests/user/run.sh" --build-only
mkdir -p "$work/programs" && cp "$top/build/user/x86_64/mmap_grow" "$work/programs/"
for size in 1024 2048 4096; do
	rm -f "$work/second"; truncate -s 4M "$work/second"; mke2fs -q -t ext2 -b $size -d "$work/programs" "$work/second"
	timeout 200 "$um" --disk "$img" --disk "$work/second" --rw -- sh -c 'mount /dev/vdb /mnt && cd /mnt && ./mmap_grow' </dev/null >"$work/out" 2>&1
	check blocks-of-$size-grow sh -c "grep -q '^ok 8' '$work/out' && ! grep -q '^not ok' '$work/out'"
	check blocks-of-$size-consistent sh -c "e2fsck -fn '$work/second' >/dev/null 2>&1"
done

# Killed after sync: consistent, and what was synced is there.
cp "$img" "$work/img"
timeout 200 "$um" --disk "$work/img" --rw -- sh -c 'cd /root; for i in $(seq 200); do echo $i > f$i; done; sync; echo synced; while :; do echo y > more; rm more; done' </dev/null >"$work/out" 2>/dev/null &
pid=$!
wait_for "$work/out" synced
pkill -KILL -P $pid 2>/dev/null; kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null
e2fsck -fy "$work/img" >"$work/fsck" 2>&1	# a kernel killed in the middle of changes: repairable without loss
check killed-after-sync-keeps sh -c "debugfs -R 'cat /root/f200' '$work/img' 2>/dev/null | grep -qx 200"

# --strace: from the table.
timeout 200 "$um" --strace --disk "$img" -- cat /etc/hostname </dev/null >"$work/out" 2>&1
check strace-open grep -qE 'open(at)?\(.*"/etc/hostname".*\) *= [0-9]+' "$work/out"
check strace-exit grep -q 'exit_group(0)' "$work/out"

# Nothing is left behind, however it ends.
for sig in TERM INT KILL; do
	rm -f "$work/up"
	"$um" --disk "$img" -- sh -c 'echo up; exec sleep 1000' </dev/null >"$work/up" 2>/dev/null &
	pid=$!
	wait_for "$work/up" up
	kids=$(pgrep -P $pid | tr '\n' ' ')
	kill -$sig $pid
	wait $pid 2>/dev/null
	i=0
	while :; do	# A zombie is dead; whoever adopted it has yet to look.
		left=; for k in $kids; do case $(ps -o stat= -p "$k") in ''|Z*) ;; *) left="$left $k" ;; esac; done
		[ -n "$left" ] && [ $i -lt 200 ] || break
		sleep 0.1; i=$((i + 1))
	done
	if [ -n "$kids" ] && [ -z "$left" ]; then ok "no-stub-after-$sig"; else not_ok "no-stub-after-$sig" "had: $kids left: $left"; fi
done

# The host's scheduler may share its CPUs out by session (autogroup): a machine is one, or its parts cannot yield to each other.  What a
# terminal sends is for the kernel's process alone.
"$um" --disk "$img" -- sh -c 'echo up; exec sleep 1000' </dev/null >"$work/up" 2>/dev/null &
pid=$!
wait_for "$work/up" up
of() { ps -o "$1=" -p "$2" | tr -d ' '; }
kids=$(pgrep -P $pid | tr '\n' ' ') apart=
for k in $kids; do [ "$(of sid "$k")" = "$(of sid $pid)" ] && [ "$(of pgid "$k")" != "$(of pgid $pid)" ] || apart="$apart $k"; done
kill $pid; wait $pid 2>/dev/null
if [ -n "$kids" ] && [ -z "$apart" ]; then ok stubs-in-the-session; else not_ok stubs-in-the-session "had: $kids elsewhere: $apart"; fi

# Idle: no processor time.
"$um" --disk "$img" -- sleep 1000 </dev/null >/dev/null 2>&1 &
pid=$!
sleep 2
ticks() { awk '{ print $14 + $15 }' /proc/$pid/stat; }
for i in 1 2 3 4 5 6 7 8; do	# it may still be at its beginning
	a=$(ticks); sleep 3; b=$(ticks)
	[ $((b - a)) -gt 3 ] || break
done
kill $pid; wait $pid 2>/dev/null
if [ $((b - a)) -le 3 ]; then ok idle; else not_ok idle "$((b - a)) ticks of 10 ms in 3 s"; fi

# Launch: the first instruction of init, from the kernel's own log; the best of five, of more where the machine is busy.
best=100000
for i in $(seq 40); do
	[ $i -le 5 ] || [ "$best" -ge 50000 ] || break
	timeout 100 "$um" --append loglevel=7 --disk "$img" -- true </dev/null 2>"$work/err" >/dev/null
	us=$(sed -n 's/^\[ *\([0-9]*\)\.\([0-9]*\)\].*init starts.*/\1\2/p' "$work/err" | head -n 1 | sed 's/^0*//')
	[ -n "$us" ] && [ "$us" -lt $best ] && best=$us
done
echo "# launch to init: $best us"
check launch-under-50-ms test "$best" -lt 50000

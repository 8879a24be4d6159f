#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A kernel killed after sync(2): the file system on the image is consistent
# (e2fsck -fn) and has everything that was there before the sync; with
# --flush=off too, since the host lives on.  And what an fsync(2) was for.
#
#   tests/integration/disk_kill.sh [EFT-UM [ROUNDS (3)]]
set -u
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "$0")/../.." && pwd)
um=${1:-$top/build/um/arch_um/eft-um}
rounds=${2:-3}
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The machine dies once its program has said so many lines with a word.
kill_after() {	# the word, how many
	n=0
	while [ "$(grep -c "$1" "$work/out")" -lt "$2" ]; do
		n=$((n + 1))
		[ $n -lt 2000 ] && kill -0 $pid 2>/dev/null || { tail -n 5 "$work/err" | sed 's/^/# /'; return 1; }
		sleep 0.1
	done
	kill -9 $pid
	wait $pid 2>/dev/null
	pid=
}

round() {	# block size, options
	"$top/rootfs/make-image.sh" -b "$1" -o "$work/img" >/dev/null 2>&1 || return 1
	mkfifo "$work/in" 2>/dev/null
	: >"$work/out"	# of the round before: the new one is emptied only when the machine starts
	# The guest's program waits on its input; the machine is then killed while it does.
	# shellcheck disable=SC2086
	"$um" --disk "$work/img" --rw $2 -- sh -c 'cd /root; cp -r /etc e; mkdir d
		for i in 1 2 3 4 5 6 7 8 9; do dd if=/bin/busybox of=d/f$i bs=1000 count=${i}00 2>/dev/null; done
		rm d/f3; mv d/f4 e; ln d/f5 d/g5; ln -s f6 d/s6; : >d/f7; md5sum d/* >sums 2>/dev/null; sync; echo SYNCED
		while :; do echo x >>later; mv later later2; mv later2 later; done' <"$work/in" >"$work/out" 2>"$work/err" &
	pid=$!
	exec 9>"$work/in"
	kill_after SYNCED 1 || return 1
	exec 9>&-
	# The one file that changed after the sync may be half there; everything else may not.
	e2fsck -fn "$work/img" >"$work/fsck" 2>&1 || { sed 's/^/# /' "$work/fsck" | head -20; return 1; }
	debugfs -R 'dump /root/sums /dev/stdout' "$work/img" 2>/dev/null >"$work/sums"
	[ "$(wc -l <"$work/sums")" -ge 8 ] || { echo "# the list of sums is short"; return 1; }
	while read -r sum name; do
		case $name in d/s6) continue ;; esac
		got=$(debugfs -R "cat /root/$name" "$work/img" 2>/dev/null | md5sum | cut -d' ' -f1)
		[ "$got" = "$sum" ] || { echo "# $name differs"; return 1; }
	done <"$work/sums"
}

# A file without a name that is open when the machine dies: the next mount frees it.
orphan() {
	"$top/rootfs/make-image.sh" -b 4096 -o "$work/img" >/dev/null 2>&1 || return 1
	mkfifo "$work/in" 2>/dev/null
	: >"$work/out"
	"$um" --disk "$work/img" --rw -- sh -c 'cd /root; exec 5>a 6>b 7>c; for f in 5 6 7; do dd if=/dev/zero bs=64k count=40 >&$f 2>/dev/null; done
		rm a b c; exec 6>&-; sync; echo SYNCED; read x' <"$work/in" >"$work/out" 2>"$work/err" &
	pid=$!
	exec 9>"$work/in"
	kill_after SYNCED 1 || return 1
	exec 9>&-
	dumpe2fs -h "$work/img" 2>/dev/null >"$work/dead"
	grep -q '^First orphan inode' "$work/dead" || { echo "# the disk lists no orphan"; return 1; }
	timeout 200 "$um" --disk "$work/img" --rw -- dmesg >"$work/out" 2>&1 </dev/null || { tail -n 5 "$work/out" | sed 's/^/# /'; return 1; }
	grep -q '2 files without a name freed' "$work/out" || { echo "# the mount freed none"; return 1; }
	e2fsck -fn "$work/img" >"$work/fsck" 2>&1 || { sed 's/^/# /' "$work/fsck" | head -20; return 1; }
	dumpe2fs -h "$work/img" 2>/dev/null >"$work/alive"
	was=$(sed -n 's/^Free blocks: *//p' "$work/dead") now=$(sed -n 's/^Free blocks: *//p' "$work/alive")
	[ "$now" -ge $((was + 1280)) ] || { echo "# their blocks are not free: $was, then $now"; return 1; }
}
# Nothing but fsync(2): each line that was acknowledged is there, and the size of its file.
fsyncs() {
	"$top/rootfs/make-image.sh" -b 4096 -o "$work/img" >/dev/null 2>&1 || return 1
	: >"$work/out"
	"$um" --disk "$work/img" --rw -- sh -c 'cd /root; i=0; while :; do i=$((i + 1)); printf "%0999d\n" $i >>log$((i % 3)); sync log$((i % 3)); echo ACK $i; done' \
		</dev/null >"$work/out" 2>"$work/err" &
	pid=$!
	kill_after ACK 200 || return 1
	e2fsck -fp "$work/img" >"$work/fsck" 2>&1 || [ $? -lt 4 ] || { sed 's/^/# /' "$work/fsck" | head -20; return 1; }
	last=$(sed -n 's/.*ACK \([0-9]*\).*/\1/p' "$work/out" | sort -n | tail -n 2 | head -n 1)	# the very last one may have been cut
	for k in 0 1 2; do
		debugfs -R "cat /root/log$k" "$work/img" 2>/dev/null | awk -v k=$k -v last="$last" '
			{ want = k ? k + 3 * (NR - 1) : 3 * NR; if (want <= last && (length($0) != 999 || $0 + 0 != want)) exit bad = 1; n = want }
			END { exit bad || n + 3 <= last }' || { echo "# log$k has not what was acknowledged, $last"; return 1; }
	done
}
# What a sync asks of the host: to flush, unless it was told not to.
host_flushes() {	# options: a number
	"$top/rootfs/make-image.sh" -b 4096 -o "$work/img" >/dev/null 2>&1 || return 1
	# shellcheck disable=SC2086
	timeout 100 "$um" --stats --disk "$work/img" $1 -- sh -c 'echo x >/root/f; sync' </dev/null 2>&1 | sed -n 's/.*(block).* \([0-9]*\) host flushes$/\1/p'
}
flushes_as_told() {
	on=$(host_flushes --rw) off=$(host_flushes '--rw --flush=off') throwaway=$(host_flushes '')
	[ "${on:-0}" -ge 1 ] && [ "$off" = 0 ] && [ "$throwaway" = 0 ] || { echo "# host flushes: on '$on', off '$off', without --rw '$throwaway'"; return 1; }
}

if flushes_as_told; then echo "ok disk_kill/flushes"; else echo "not ok disk_kill/flushes"; fi
if round 4096 --flush=off; then echo "ok disk_kill/flush-off"; else echo "not ok disk_kill/flush-off"; fi
if fsyncs; then echo "ok disk_kill/fsyncs"; else echo "not ok disk_kill/fsyncs"; fi
if orphan; then echo "ok disk_kill/orphans"; else echo "not ok disk_kill/orphans"; fi

i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	for bs in 1024 4096; do
		if round $bs ''; then echo "ok disk_kill/$bs-$i"; else echo "not ok disk_kill/$bs-$i"; fi
	done
done

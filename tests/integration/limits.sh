#!/bin/sh
# SPDX-License-Identifier: MIT
# Load that takes down a weak kernel: many processes, a fork bomb, no memory, killed stubs.
. "$(dirname "$0")/lib.sh"
limit=400

eft --mem 512M -- sh -c 'i=0; while [ $i -lt 500 ]; do sleep 1000 & i=$((i + 1)); done; ls -d /proc/[0-9]* | wc -l; kill $(jobs -p) 2>/dev/null; wait; echo done' 2>/dev/null
n=$(printf '%s\n' "$out" | head -n 1)
if [ "$status" = 0 ] && [ "${n:-0}" -ge 500 ] && printf '%s\n' "$out" | grep -q done; then ok processes-500; else echo "# $out"; not_ok processes-500 "status $status"; fi

eft --mem 256M -- sh -c 'adduser -D bomb 2>/dev/null; su bomb -s /bin/sh -c "ulimit -u 60; b() { b | b & }; b" 2>/dev/null; sleep 2; pkill -KILL -u bomb; sleep 0.5; echo alive' 2>/dev/null
if printf '%s\n' "$out" | grep -q alive; then ok fork-bomb; else not_ok fork-bomb "status $status"; fi

eft --mem 64M -- sh -c 'tail /dev/zero & wait $!; echo status $?; echo alive'
if printf '%s\n' "$out" | grep -q 'status 137' && printf '%s\n' "$out" | grep -q alive; then ok out-of-memory; else printf '%s\n' "$out" | sed 's/^/# /'; not_ok out-of-memory "status $status"; fi

eft --mem 64M -- sh -c 'i=0; while [ $i -lt 12 ]; do dd if=/dev/zero of=/root/f$i bs=1M count=1 2>/dev/null; cat /root/f* > /dev/null; i=$((i + 1)); done; cat /root/f* | md5sum'
expect page-cache-larger-than-memory 0 "$(head -c 12582912 /dev/zero | md5sum)"

# Killing a program's stub from outside kills that program alone.
"$um" --disk "$img" -- sh -c 'sh -c "echo computes; while :; do :; done" & wait $!; echo status $?; echo alive' </dev/null >"$work/out" 2>"$work/err" &
pid=$!
wait_for "$work/out" computes
used() { for k in $(pgrep -P $pid); do awk '{ print $1, $14 + $15 }' /proc/$k/stat; done 2>/dev/null; }
used >"$work/before"
sleep 3
# The one that computes used most since then.
used | awk 'NR == FNR { was[$1] = $2; next } { print $2 - was[$1], $1 }' "$work/before" - | sort -n | tail -n 1 >"$work/last"
kill -KILL "$(cut -d' ' -f2 "$work/last")" 2>/dev/null
i=0; while kill -0 $pid 2>/dev/null && [ $i -lt 1000 ]; do sleep 0.1; i=$((i + 1)); done
kill $pid 2>/dev/null; wait $pid 2>/dev/null
if grep -q 'status 137' "$work/out" && grep -q alive "$work/out"; then ok killed-stub; else sed 's/^/# /' "$work/out" "$work/err" | head; not_ok killed-stub; fi

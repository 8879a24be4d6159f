#!/bin/sh
# SPDX-License-Identifier: MIT
# Bad input to the hosted kernel: one clear line, a failing status, never a crash.
. "$(dirname "$0")/lib.sh"

refused unknown-option 'no-such-option' "$um" --no-such-option
refused option-without-value '--mem' "$um" --mem
refused bad-memory '(--mem|memory)' "$um" --mem lots --disk "$img"
refused too-little-memory 'too little' "$um" --mem 1M --disk "$img"
refused bad-cpus '(--cpus|CPU|cpu)' "$um" --cpus 0 --disk "$img"
refused too-many-cpus '(--cpus|CPU|cpu)' "$um" --cpus 99 --disk "$img"
refused bad-flush "'maybe' is neither" "$um" --flush=maybe --disk "$img"
refused bad-trap 'trap' "$um" --trap=magic --disk "$img"
refused missing-image 'nowhere' "$um" --disk /nowhere/image
refused image-is-a-directory '.' "$um" --disk /tmp
: >"$work/empty"
refused empty-image '.' "$um" --disk "$work/empty"
dd if=/dev/zero of="$work/zeros" bs=1M count=4 2>/dev/null
refused image-of-zeros 'root' "$um" --disk "$work/zeros"
head -c 100000 "$img" >"$work/cut"
refused truncated-image '.' "$um" --disk "$work/cut"
head -c 1000 "$img" >"$work/cut2"
refused very-truncated-image '.' "$um" --disk "$work/cut2"
head -c 4194304 /dev/urandom >"$work/random"
refused random-image '.' "$um" --disk "$work/random"
cp "$img" "$work/noinit"
debugfs -w -R 'rm /sbin/init' "$work/noinit" >/dev/null 2>&1
debugfs -w -R 'rm /usr/sbin/init' "$work/noinit" >/dev/null 2>&1
refused no-init 'init' "$um" --disk "$work/noinit"
refused no-disk '.' "$um"
if [ "$(id -u)" != 0 ]; then
	cp "$img" "$work/ro"; chmod 444 "$work/ro"
	refused unwritable-image '.' "$um" --rw --disk "$work/ro"
fi
check help-lists-options sh -c "'$um' --help | grep -q -- --strace && '$um' --help | grep -q -- --cpus && '$um' --help | grep -q -- --trap"
check version sh -c "'$um' --version | grep -q ."
# The front door itself.
refused unknown-cpu 'sparc' "$top/eft" boot sparc
refused preset-without-name 'preset' "$top/eft" run --preset
for command in run boot debug test syscalls fuzz bench build image clean; do
	check "help-of-$command" sh -c "'$top/eft' $command --help </dev/null | grep -qi usage"
done
check help-of-fuzz-planted sh -c "timeout 30 '$top/eft' fuzz planted --help </dev/null | grep -q 'usage.*--seed'"
check help-cleans-nothing test -x "$um"

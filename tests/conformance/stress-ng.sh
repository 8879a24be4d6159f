#!/bin/sh
# SPDX-License-Identifier: MIT
# stress-ng (Debian's), two workers of each stressor, verifying.  EFT_STRESS_SECONDS: how long each (10).
. "$(dirname "$0")/lib.sh"
stressors="cpu vm fork clone futex pipe poll epoll eventfd timer signal sigq mmap:--mmap-bytes:16m mremap:--mremap-bytes:16m madvise brk dentry dir hdd filename link rename
	flock lockf lockofd fifo msg mq sem sem-sysv shm shm-sysv sock sockpair sockfd switch wait zombie vfork exec prctl get set procfs"
make_root
mkdir "$work/dir" && cp "$here/stress-ng/run.sh" "$work/dir"
# shellcheck disable=SC2086
on_host "$work/dir" 3 $stressors
native="cpu vm fork futex pipe poll epoll eventfd timer signal brk dentry dir rename link fifo msg sem shm sock switch wait vfork procfs"
# shellcheck disable=SC2086
in_guest "$work/dir" "${EFT_STRESS_SECONDS:-10}" $stressors
compare 100

# A shorter set on the native kernel, 3 s each in the emulated machine.
if [ -r "$top/build/x86_64/arch_guest/kernel.elf" ]; then
	# shellcheck disable=SC2086
	timeout 1500 "$top/arch_guest/x86_64/run.sh" --mem 2G --cpus 2 --disk "$root.ext2" --disk2 "$work/suite.ext2" --append "init=/sbin/eft-init loglevel=5" -- \
		sh -c 'mount /dev/vdb /suite && mount -t tmpfs tmpfs /root && exec sh /suite/run.sh "$@"' sh 3 $native </dev/null >"$work/out" 2>&1
	cp "$work/out" "$results/$name-x86_64.out"
	tr -d '\r' <"$work/out" | grep -a '^@@' >"$work/guest"
	good=$(grep -c '^@@ ok [a-z-]*$' "$work/guest") wanted=$(($(echo $native | wc -w) * 2))
	grep '^@@ fail' "$work/guest" | sed 's/^@@/#  /'
	grep -q '^@@ end' "$work/guest" && [ "$good" -eq "$wanted" ] && ok x86_64 || not_ok x86_64 "$good of $wanted"
	grep -aE '^\[ *[0-9.]+\] ' "$work/out" | head -n 5 | grep . && not_ok x86_64-no-kernel-report || ok x86_64-no-kernel-report
else
	not_ok x86_64 "no build/x86_64: ./eft build x86_64"
fi

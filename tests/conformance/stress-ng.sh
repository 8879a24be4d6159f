#!/bin/sh
# SPDX-License-Identifier: MIT
# stress-ng (Debian's), two workers of each stressor, verifying.  EFT_STRESS_SECONDS: how long each (10).
. "$(dirname "$0")/lib.sh"
stressors="cpu vm fork clone futex pipe poll epoll eventfd timer signal sigq mmap mremap madvise brk dentry dir hdd filename link rename
	flock lockf lockofd fifo msg mq sem sem-sysv shm shm-sysv sock sockpair sockfd switch wait zombie vfork exec prctl get set procfs"
make_root
mkdir "$work/dir" && cp "$here/stress-ng/run.sh" "$work/dir"
# shellcheck disable=SC2086
on_host "$work/dir" 3 $stressors
# shellcheck disable=SC2086
in_guest "$work/dir" "${EFT_STRESS_SECONDS:-10}" $stressors
compare 100

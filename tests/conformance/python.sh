#!/bin/sh
# SPDX-License-Identifier: MIT
# CPython's own tests (package libpython3.11-testsuite): the modules that use the kernel most.
. "$(dirname "$0")/lib.sh"
modules="test_os test_posix test_signal test_subprocess test_threading test_mmap test_fcntl test_select test_epoll test_poll test_pty test_tty
	test_termios test_multiprocessing_fork test_asyncio test_tempfile test_shutil test_pathlib test_io test_fileio test_resource test_time"
make_root
mkdir "$work/dir" && cp "$here/python/run.sh" "$work/dir"
# shellcheck disable=SC2086
on_host "$work/dir" $modules
# shellcheck disable=SC2086
in_guest "$work/dir" $modules
compare 97

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the table of system calls claims: no less than 300 calls full or partial,
# each made by a program of tests/user (coverage.txt, as the kernel counted
# them), each partial one with what it refuses; and a coverage.txt that speaks
# of the programs that there are.
#
#	syscalls.sh covered SYSGEN CALLS | levels SYSGEN | recorded CALLS SOURCES
set -u
export LC_ALL=C
case $1 in
covered)
	none=$("$2" uncovered "$3") && exit 0
	echo "no program of tests/user makes:" $none; exit 1 ;;
levels)
	none=$("$2" unexplained) || { echo "partial, and no word on what is refused:" $none; exit 1; }
	"$2" counts | awk '{ print; exit !($1 == "full" && $3 == "partial" && $2 + $4 >= 300) }' ;;
recorded)
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	grep -v '^#' "$2" | cut -d' ' -f1 | sort >"$work/recorded"
	for f in "$3"/*.c; do basename "$f" .c; done | grep -v '_aarch64$' | sort >"$work/there"
	diff "$work/recorded" "$work/there" >"$work/diff" && exit 0
	echo "./eft syscalls record: coverage.txt (<) and the programs (>) differ:"; grep '^[<>]' "$work/diff"; exit 1 ;;
*) exit 2 ;;
esac

#!/bin/sh
# SPDX-License-Identifier: MIT
# The interactive shell, typed to key by key: every editing key, every signal
# character, background readers, busy programs, paging, full-screen programs.
. "$(dirname "$0")/lib.sh"
screen_program "$suite"
timeout 600 "$work/$suite" "$um" --mem 128M --disk "$img"

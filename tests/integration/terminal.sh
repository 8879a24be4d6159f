#!/bin/sh
# SPDX-License-Identifier: MIT
# The hosted kernel on a real terminal: the window's size, and the terminal given back on every way out.
. "$(dirname "$0")/lib.sh"
screen_program "$suite"
timeout 600 "$work/$suite" "$um" --console-log 4 --disk "$img"

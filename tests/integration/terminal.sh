#!/bin/sh
# SPDX-License-Identifier: MIT
# The hosted kernel on a real terminal: line editing, job control, full-screen
# programs, the window's size, and the terminal given back on every way out.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { ok "all # SKIP no python3"; exit 0; }
exec timeout 120 python3 "$(dirname "$0")/terminal.py" "$um" "$img"

#!/bin/sh
# SPDX-License-Identifier: MIT
# The interactive shell, typed to key by key: every editing key, every signal
# character, background readers, busy programs, paging.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { ok "all # SKIP no python3"; exit 0; }
exec timeout 200 python3 "$(dirname "$0")/typing.py" typing "$um" --mem=128M "--disk=$img"

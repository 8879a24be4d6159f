#!/bin/sh
# SPDX-License-Identifier: MIT
# The whole machine from outside.  Slow ones (many boots, many CPU models, the
# corpus on the native ports) have commands of their own in this folder.
here=$(cd "$(dirname "$0")" && pwd)
for t in hosted errors limits full full_image disk_images disk_kill gdb gdb_native terminal typing native oops irq_spread fast_paths stress initrd; do
	[ ! -x "$here/$t.sh" ] || "$here/$t.sh"
done
"$here/busybox/run.sh" um

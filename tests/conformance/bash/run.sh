# SPDX-License-Identifier: MIT
# The run-* scripts of bash's tests: each compares an output and says by its status whether it was right.
export HOME=/root PATH=/suite/bin:/usr/sbin:/usr/bin:/sbin:/bin THIS_SH=/bin/bash BUILD_DIR=/suite TMPDIR=/tmp
cp -R /suite/tests /tmp/tests && cd /tmp/tests || exit 1
export PATH=.:$PATH
for x in run-*; do
	case $x in run-all|run-minimal|run-gprof) continue ;; esac
	export BASH_TSTOUT=/tmp/out
	if timeout -k 5 300 sh "$x" </dev/null >/tmp/log 2>&1; then echo "@@ ok ${x#run-}"; else echo "@@ fail ${x#run-}"; head -n 20 /tmp/log; fi
	rm -f /tmp/out
done
echo "@@ end"

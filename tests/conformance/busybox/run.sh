# SPDX-License-Identifier: MIT
# BusyBox's test suite: "PASS: name", "FAIL: name", "SKIPPED: name"; a name that comes again gets a number.
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
cp -R /suite/busybox /tmp/busybox && cd /tmp/busybox/testsuite || exit 1
timeout -k 5 1200 ./runtest -v </dev/null >/tmp/log 2>&1
echo "status $?"
awk '/^(PASS|FAIL|SKIPPED): / {
	what = $1 == "PASS:" ? "ok" : $1 == "FAIL:" ? "fail" : "skip"
	sub(/^[A-Z]*: /, ""); gsub(/[^ -~]/, "?"); sub(/ *$/, "")
	if (seen[$0]++) $0 = $0 " #" seen[$0]
	print "@@ " what " " $0 }' /tmp/log
echo "@@ end"

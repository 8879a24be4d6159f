# SPDX-License-Identifier: MIT
# run.sh MODULE...: python's own tests, by modules; their results come as JUnit's XML.
export LC_ALL=C.UTF-8 HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /tmp/work && cd /tmp/work || exit 1
for module; do
	rm -f /tmp/result.xml
	timeout -k 10 1200 python3 -m test --junit-xml /tmp/result.xml "$module" </dev/null >/tmp/log 2>&1
	echo "$module: $?"
	[ ! -s /tmp/result.xml ] || awk 'BEGIN { RS = "<testcase " } NR > 1 && match($0, /name="[^"]*"/) {
		name = substr($0, RSTART + 6, RLENGTH - 7)
		what = /<skipped/ ? "skip" : /<(failure|error)/ ? "fail" : "ok"
		gsub(/ .*/, "", name)
		print "@@ " what " " name }' /tmp/result.xml
	[ -s /tmp/result.xml ] || tail -n 15 /tmp/log
done
echo "@@ end"

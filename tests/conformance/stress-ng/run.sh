# SPDX-License-Identifier: MIT
# run.sh SECONDS STRESSOR...: each stressor of stress-ng with two workers, verifying what it does.  "@@ ok NAME": it ran, nothing
# was found wrong.  A STRESSOR may have options: "mmap:--mmap-bytes:16m".  Where there is /proc/slabinfo (the guest), memory is
# counted around the run: a first, short run lets the caches of the kernel fill; "@@ ok NAME-leak" says that the second left no
# more objects and pages than it found, but for what waits for its turn.
export LC_ALL=C HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
seconds=$1; shift
mkdir -p /tmp/stress && chmod 1777 /tmp/stress && cd /tmp/stress || exit 1
guest=
case $(head -n 1 /proc/version) in Linux*\(eft*|*eft*|*Eft*) guest=1 ;; esac
count() {	# FILE: "name used" per cache, and what pages are not free
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do pgrep stress-ng >/dev/null || break; sleep 5; done	# workers that outlive it
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.5
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo >"$1"
	awk '/^MemTotal/ { t = $2 } /^MemFree/ { f = $2 } END { print "pages", (t - f) / 4 }' /proc/meminfo >>"$1"
}
stress() {	# SECONDS
	# shellcheck disable=SC2086
	as=
	[ "$name" != exec ] || as="setpriv --reuid=65534 --regid=65534 --clear-groups"	# it refuses to run as root
	timeout -k 5 $(($1 * 4 + 60)) $as stress-ng --"$name" 2 $options --verify --timeout "$1" --temp-path /tmp/stress --no-rand-seed --metrics-brief >/tmp/log 2>&1
}
for s; do
	name=${s%%:*} options=
	case $s in *:*) options=$(echo "${s#*:}" | tr ':' ' ') ;; esac
	[ -z "$guest" ] || { stress 1; count /tmp/before; }
	for t in "$seconds" $((seconds * 5)); do	# longer where the first was too short for a single operation
		stress "$t"
		status=$?
		ops=$(awk -v n="$name" '$4 == n && $5 ~ /^[0-9]+$/ { print $5 }' /tmp/log | head -n 1)
		[ "$status" = 0 ] && [ "${ops:-0}" = 0 ] || break
	done
	label=$name
	case $status in
	0) if [ "${ops:-0}" -gt 0 ] && ! grep -qiE '(^|[^-])fail:|verification failed' /tmp/log; then echo "@@ ok $label"
		else echo "@@ fail $label"; head -n 20 /tmp/log; fi ;;
	3|4) echo "@@ skip $label"; head -n 5 /tmp/log ;;	# resources, not implemented
	*) echo "@@ fail $label"; echo "status $status"; head -n 20 /tmp/log ;;
	esac
	echo "$label: ${ops:-0} operations in $t s"
	if [ -n "$guest" ]; then
		# A kernel may keep for the next time what the most processes at once needed (um: their stubs' pages): a
		# leak grows each time.
		for i in 1 2 3; do
			count /tmp/after
			awk 'NR == FNR { a[$1] += $2; next } { b[$1] += $2 } END { for (n in b) {
				grown = b[n] - a[n]
				if (grown > 512 && grown > a[n] / 10) print n, a[n], b[n] } }' /tmp/before /tmp/after >/tmp/grown
			[ -s /tmp/grown ] || break
			mv /tmp/after /tmp/before
			[ $i = 3 ] || stress "$seconds"
		done
		if [ -s /tmp/grown ]; then echo "@@ fail $label-leak"; cat /tmp/grown; else echo "@@ ok $label-leak"; fi
	else
		echo "@@ ok $label-leak"
	fi
	rm -rf /tmp/stress/*
done
echo "@@ end"

# SPDX-License-Identifier: MIT
# driver.sh CORPUS FIXTURE DIRECTORY: runs each line of the corpus by sh -c in a
# fresh copy of the fixture and prints its output, standard error apart, and status.
corpus=$1 fixture=$2 dir=$3
umask 022
export HOME=/root LC_ALL=C TZ=UTC0 USER=root
n=0
while IFS= read -r line <&9; do
	n=$((n + 1))
	rm -rf "$dir/work"
	mkdir -p "$dir/work"
	cd "$dir/work" || exit 1
	. "$fixture"
	printf '%s' "$line" >"$dir/line"
	case $line in
	*'<<EOF'*) line=$(printf '%s' "$line" | sed 's/; echo here document; EOF/\
echo here document\
EOF/') ;;
	esac
	echo "@@@ $n"
	timeout 100 sh -c "$line" </dev/null 2>/dev/null 9<&-
	echo "@@@ status $?"
done 9<"$corpus"
cd / && rm -rf "$dir/work" "$dir/line"

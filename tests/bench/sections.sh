# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: MIT
#
# What is measured, by section.  Sourced by run.sh.  Every section appends records
# (report.h says which) and prints its tables when they are complete.

about() {
	cpu_name=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed q)
	version=$(git -C "$top" describe --always --dirty 2>/dev/null || echo unknown)
	peers=
	for p in user-mode-linux runsc; do
		v=$(dpkg-query -W -f '${Version}' "$p" 2>/dev/null) || v=
		peers="$peers${peers:+, }$p ${v:-not installed}"
	done
	read -r l1 l5 l15 _ </proc/loadavg
	echo "about date $(date -u '+%Y-%m-%d %H:%M UTC')"
	echo "about machine ${cpu_name:-unknown}, $(nproc) CPUs, Linux $(uname -r)"
	echo "about load_at_the_start $l1 $l5 $l15"
	echo "about eft $version"
	echo "about peers $peers"
	echo "about rounds $rounds${quick:+ (quick)}"
}

begin_table() {	# SECTION SITUATION UNIT "COLUMNS" TITLE
	echo "table $1 $2 $3 $5"
	for m in $4; do echo "column $m"; done
}
begin_compared() {	# the same, of all machines that can run here
	begin_table "$1" "$2" "$3" "$usable" "$4"
	cat "$work/broken"
}
end_table() { "$tools/report" -t "$records"; }
ended_well() { grep -q '^end 0 ' "$said"; }

# What an fsync of a machine's promises as it is started: that the host's disk has it, or only the host.
# Two rows, so that like is compared with like.  See tests/bench/README.md.
promise_of() { case $1 in uml) echo unflushed ;; *) echo fsync ;; esac; }
other_promise() {	# MACHINE SITUATION: the row that its run has not, by those that can be told
	case $1 in eft*) promise=unflushed ;; uml) promise=fsync ;; *) return 0 ;; esac
	# shellcheck disable=SC2086
	"$programs/micro" -l $rows | grep -q '^disk_write_fsync_mib$' || return 0
	flushes=$promise
	# shellcheck disable=SC2086
	run_on "$1" program "$(how_for "$2" 300)" /bench/micro $quick disk_write_fsync_mib
	flushes=
	micro_records "$1" $promise
}

section_micro() {
	find_usable
	for s in $situations; do
		begin_compared micro "$s" ns "micro-operations, $(situation_title "$s")" >>"$records"
		round=1
		while [ $round -le "$rounds" ]; do
			for m in $usable; do
				progress "micro, $s, round $round of $rounds: $(title_of "$m")"
				sync	# the disk is not to write what another has left
				# shellcheck disable=SC2086
				run_on "$m" program "$(how_for "$s" 900)" /bench/micro $quick $rows
				micro_records "$m" "$(promise_of "$m")"
				other_promise "$m" "$s"
			done
			round=$((round + 1))
		done
		end_table
	done
}

# ---- launch, memory, size, build: what a user pays before and beside the work ----

section_boot() {
	find_usable
	begin_compared boot idle-2 ns 'launch: to the first instruction of init, and to the end of true' >>"$records"
	round=1
	while [ $round -le $((rounds * 3)) ]; do
		for m in $usable; do
			progress "launch, round $round of $((rounds * 3)): $(title_of "$m")"
			run_on "$m" init "$(how_for idle-2 60)" /bench/first
			ns=$(awk '$1 == "first" { print $2; exit }' "$said")
			if [ -n "$ns" ]; then echo "value $m launch_to_init $ns $ns"; else echo "note $m: init was not seen: $(reason)"; fi >>"$records"
			run_on "$m" program "$(how_for idle-2 60)" /bin/true
			ns=$(awk '$1 == "end" { print $3 }' "$said")
			if ended_well; then echo "value $m launch_to_exit_of_true $ns $ns"; else echo "note $m: \`true\` ended badly: $(reason)"; fi >>"$records"
		done
		round=$((round + 1))
	done
	end_table

	begin_compared memory idle-2 kib "memory, PSS of all its processes on the host: idle, and for each of fifty sleeping guest processes more" >>"$records"
	for m in $usable; do
		progress "memory: $(title_of "$m")"
		run_on "$m" program "-c $pair -m 6" /bin/sleep 60
		idle=$(awk '$1 == "pss" { print $2 }' "$said")
		[ -n "$idle" ] || { echo "note $m: not idle: $(reason)" >>"$records"; continue; }
		echo "value $m idle $idle $idle" >>"$records"
		run_on "$m" program "-c $pair -m 12" /bench/jobs/sleepers.sh
		more=$(awk '$1 == "pss" { print $2 }' "$said")
		[ -n "$more" ] || { echo "note $m: no fifty processes: $(reason)" >>"$records"; continue; }
		awk -v m="$m" -v a="$idle" -v b="$more" 'BEGIN {
			if (b > a) print "value", m, "per_process", (b - a) / 50, (b - a) / 50
			else print "note " m ": with fifty processes more no more than " b " KiB (what its start had used was free again)" }' >>"$records"
	done
	end_table

	begin_table size idle-2 bytes 'eft uml runsc' 'size of the binary; as it is installed, and its code and data' >>"$records"
	for m in eft uml runsc; do
		case $m in eft) file=$um ;; uml) file=$(command -v linux.uml || :) ;; *) file=$(command -v runsc || :) ;; esac
		[ -n "$file" ] || { echo "broken $m not installed" >>"$records"; continue; }
		# shellcheck disable=SC2012
		n=$(wc -c <"$file")
		echo "value $m file $n $n" >>"$records"
		size "$file" 2>/dev/null | awk -v m="$m" 'NR == 2 { print "value", m, "text_and_data", $1 + $2, $1 + $2 }' >>"$records"
	done
	end_table

	[ -z "$quick" ] || return 0
	progress 'a clean build of the hosted kernel'
	begin_table build idle-2 ns eft 'clean build of the hosted kernel' >>"$records"
	begin=$(date +%s%N)
	if (cd "$top" && cmake --preset um -B "$work/build" && ninja -C "$work/build" eft-um) >"$work/build.log" 2>&1; then
		ns=$(($(date +%s%N) - begin))
		echo "value eft clean_build $ns $ns" >>"$records"
	else
		echo "note it failed: $(tail -n 1 "$work/build.log")" >>"$records"
	fi
	rm -rf "$work/build"
	end_table
}

# ---- whole jobs, from an image with Debian's programs ----

section_jobs() {
	find_usable
	size=large
	for s in $situations; do
		begin_compared jobs "$s" ns "whole jobs, $(situation_title "$s")" >>"$records"
		: >"$work/checks"
		round=1
		while [ $round -le "$rounds" ]; do
			for job in starts pack sqlite python compile; do
				for m in $usable; do
					progress "jobs, $s, round $round of $rounds: $job on $(title_of "$m")"
					run_on "$m" program "$(how_for "$s" 400)" /bench/jobs/job.sh $job ${quick:+quick}
					line=$(sed -n "s/^out \(job $job .*\)/\1/p" "$said" | sed q)
					# job NAME NANOSECONDS STATUS WHAT-IT-PRINTED
					# shellcheck disable=SC2086
					set -- $line
					if [ "${4:-}" = 0 ]; then
						echo "value $m $job $3 $3" >>"$records"
						echo "$job $m ${5:-}" >>"$work/checks"
					else
						echo "note $m did not do $job: ${line:-$(reason)}" >>"$records"
					fi
				done
			done
			round=$((round + 1))
		done
		awk '{ if (!($1 in first)) first[$1] = $3; else if (first[$1] != $3) bad[$1] = bad[$1] " " $2 "=" $3 }
		END { for (j in bad) print "note " j ": not the same result everywhere: " first[j] bad[j] }' "$work/checks" >>"$records"
		end_table
	done
	size=small
}

# ---- scaling ----

section_scaling() {
	begin_table scaling idle-2 ns 'host eft-2cpu eft-4cpu eft-1host' \
		'the same by one, two and four at once; Eft with 2 and with 4 processors on two host CPUs' >>"$records"
	round=1
	while [ $round -le "$rounds" ]; do
		for m in host eft-2cpu eft-4cpu; do
			progress "speed-up, round $round of $rounds: $m"
			# shellcheck disable=SC2086
			run_on $m program "$(how_for idle-2 400)" /bench/micro -s $quick $rows
			micro_records $m
		done
		progress "speed-up, round $round of $rounds: one alone on one host CPU"
		# shellcheck disable=SC2086
		run_on eft-1host program "$(how_for idle-1 400)" /bench/micro -s $quick $("$programs/micro" -s -l $rows | grep _by_1\$)
		micro_records eft-1host
		round=$((round + 1))
	done
	end_table

	begin_table one_more idle-2 ns eft 'the cost of one more, Eft um' >>"$records"
	mem=4G
	round=1
	while [ $round -le "$rounds" ]; do
		progress "one more, round $round of $rounds"
		# shellcheck disable=SC2086
		run_on eft program "-v $(how_for idle-2 900)" /bench/scaling $quick -m
		awk '
			$2 == "goal" { print "goal", $3, $4 }
			$2 == "scale" && NF == 6 { print "value eft " $3 "@" $4, $5, $5 }
			$2 == "skip" { sub(/^out skip /, ""); print "note " $0 }' "$said" >>"$records"
		grep -q '^out done$' "$said" || echo "note did not come to the end: $(reason)" >>"$records"
		round=$((round + 1))
	done
	mem=512M
	end_table
}

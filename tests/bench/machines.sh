# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: MIT
#
# The machines that are measured: how each is started, and what from.  Sourced by run.sh.
#
# Every machine runs the same command from the same root file system: as a tree
# (the host, runsc) or as an ext2 image made of that tree (Eft, linux.uml).  Each
# gets a copy of its own and may write to it: nobody's disk is a pretence.
# `watch` starts it and sees to it that nothing is left of it afterwards.

all_machines='host eft eft-ptrace uml runsc-systrap runsc-ptrace runsc-kvm'
all_situations='idle-2 idle-1 busy-2 busy-1'
um=$top/build/um/arch_um/eft-um
tools=$top/build/bench/tools
programs=$top/build/bench/programs
mem=512M size=small

title_of() {
	case $1 in
	host) echo "host's Linux" ;;
	eft) echo 'Eft um (seccomp)' ;;
	eft-ptrace) echo 'Eft um (ptrace)' ;;
	uml) echo linux.uml ;;
	runsc-*) echo "runsc (${1#runsc-})" ;;
	*) echo "$1" ;;
	esac
}

# ---- programs, images, trees ----

compile() {	# OUTPUT gcc ARGUMENTS...: an unchanged program keeps its time, so that images are not made anew
	to=$1
	shift
	"$@" -o "$to.new" || { progress "$to does not compile"; exit 2; }
	if cmp -s "$to" "$to.new"; then rm -f "$to.new"; else mv "$to.new" "$to"; fi
}
compile_for() {	# DIRECTORY COMPILER: the programs that run inside, static
	mkdir -p "$1"
	flags='-std=gnu11 -O2 -Wall -Wextra -static -pthread'
	# shellcheck disable=SC2086
	{
		compile "$1/micro" "$2" $flags "$here"/micro*.c
		compile "$1/in" "$2" $flags "$here/in.c"
		compile "$1/first" "$2" $flags "$here/in.c"
		compile "$1/scaling" "$2" $flags "$here/scaling.c"
	}
	cp -R "$here/jobs" "$1/"
}
make_programs() {
	mkdir -p "$tools"
	compile "$tools/watch" gcc -std=gnu11 -O2 -Wall -Wextra "$here/watch.c"
	compile "$tools/report" gcc -std=gnu11 -O2 -Wall -Wextra "$here"/report*.c -lm
	compile_for "$programs" gcc
}
master() {	# the image that the others are copies of: its path
	image=$out/$size.ext2
	case $size in
	small) set -- -s 448 -a "$programs:/bench" x86_64 busybox ;;
	large) set -- -s 1536 -p 'gcc libc6-dev make' -a "$programs:/bench" x86_64 full ;;
	esac
	"$top/rootfs/make-image.sh" -o "$image" "$@" >&2
	echo "$image"
}
image_of() {
	image=$work/$size.$1.ext2
	if [ ! -e "$image" ]; then
		cp --sparse=always "$(master)" "$image"
		sync "$image"	# or its machine's first fsync would have to
	fi
	echo "$image"
}
tree_of() {
	tree=$work/$size.$1.tree
	if [ ! -e "$tree" ]; then
		mkdir "$tree"
		debugfs -R "rdump / $tree" "$(master)" >/dev/null 2>&1
		mkdir -p "$tree/proc" "$tree/dev" "$tree/sys" "$tree/tmp" "$tree/root"
		sync -f "$tree"
	fi
	echo "$tree"
}

# ---- starting ----

# run_on MACHINE init|program "OPTIONS OF watch" PROGRAM ARGUMENT...: $said has what happened.
# init: the program is the guest's process 1, where there is such a thing.
# $flushes: fsync (down to the host's disk), unflushed (to the host only), or as the machine does when it is not told.
flushes=
run_on() {
	on=$1 as=$2 how=$3
	shift 3
	[ "$as" = init ] || set -- /bench/in /root "$@"
	mkdir -p "$work/run"
	case $on in
	host)
		tree=$(tree_of host)
		# shellcheck disable=SC2016
		set -- sh -c 'for d in dev proc; do mount --rbind /$d "$0/$d"; done; root=$0; cd "$root"; exec chroot "$root" "$@"' "$tree" "$@"
		if [ "$(id -u)" = 0 ]; then set -- unshare -m "$@"; else set -- unshare -m -r "$@"; fi ;;
	eft*)
		if [ "$as" = init ]; then set -- "--init=$1"; else set -- -- "$@"; fi
		case $on in
		eft-[0-9]cpu) n=${on#eft-}; set -- "--cpus=${n%cpu}" "$@" ;;
		eft-1host) set -- --cpus=1 "$@" ;;
		esac
		case $flushes in unflushed) set -- --flush=off "$@" ;; esac
		trap_kind=seccomp
		[ "$on" != eft-ptrace ] || trap_kind=ptrace
		set -- "$um" "--trap=$trap_kind" "--mem=$mem" --disk "$(image_of "$on")" --rw "$@" ;;
	uml)
		program=$1 synchronous=
		case $flushes in fsync) synchronous=s ;; esac
		if [ "$as" = init ]; then set --; else program=/usr/sbin/init; set -- -- "$@"; fi
		# Without console= it would add that word at the end, and so to the program's arguments.
		set -- linux.uml "mem=$mem" console=tty0 "ubd0$synchronous=$(image_of uml)" root=/dev/ubda rw quiet con=null con0=fd:0,fd:1 ssl=null \
			"uml_dir=$work/run/" "init=$program" "$@" ;;
	runsc-*)
		set -- 'do' -quiet -force-overlay=false -root "$(tree_of runsc)" -cwd /root "$@"
		[ "$(id -u)" = 0 ] || set -- --rootless "$@"
		set -- env "TMPDIR=$work" runsc --root "$work/run" --ignore-cgroups --network=none "--platform=${on#runsc-}" "$@" ;;
	esac
	watch_command "$how" "$@"
	rm -rf "$work/run"
}
# watch_command "OPTIONS OF watch" COMMAND...: in the background, so that an interrupted run ends it (see finish).
watch_command() {
	how=$1 said=$work/said
	shift
	# shellcheck disable=SC2086
	(cd "$work" && exec "$tools/watch" -o "$said" $how -- "$@") &
	watching=$!
	wait $watching || :
	watching=
}
how_for() {	# SITUATION SECONDS: watch's options
	case $1 in *-2) bound=$pair ;; *) bound=${pair%%,*} ;; esac
	case $1 in busy-*) echo "-c $bound -l $bound -t $2" ;; *) echo "-c $bound -t $2" ;; esac
}
situation_title() {
	case $1 in idle-*) load='otherwise idle' ;; *) load='busy' ;; esac
	case $1 in *-2) echo "host $load, two host CPUs" ;; *) echo "host $load, pinned to one host CPU" ;; esac
}
pair=$(awk '$1 == "Cpus_allowed_list:" {
	n = split($2, part, ",")
	for (i = 1; i <= n; i++) {
		m = split(part[i], range, "-")
		for (c = range[1]; c <= range[m]; c++)
			if (found++ < 2) list = list (list == "" ? "" : ",") c
	}
	print list }' /proc/self/status)

# ---- what came of it ----

# Why there is no result, in a line.
reason() {
	awk '
		$1 == "late" { late = 1 }
		$1 == "err" && NF > 1 { e = $0 }
		$1 == "out" && NF > 1 { o = $0 }
		$1 == "end" { status = $2; ns = $3 }
		END {
			if (late) printf "did not end in %.0f s; last: ", ns / 1e9
			s = e != "" ? e : o
			sub(/^(out|err) */, "", s)
			printf "%s (status %s)\n", s == "" ? "no output" : substr(s, 1, 160), status
		}' "$said"
}
# MACHINE [PROMISE]: the records of a run of the micro program on it; PROMISE: what its fsync meant.
micro_records() {
	awk -v m="$1" -v promise="${2:-fsync}" '
		$3 == "disk_write_fsync_mib" { $3 = "disk_write_" promise "_mib" }
		$1 == "out" && $2 == "row" && NF == 6 { print "value", m, $3, $4, $5 }
		$1 == "out" && $2 == "skip" { s = $0; sub(/^out skip [^ ]* /, "", s); print "note " m " cannot do " $3 ": " s }' "$said" >>"$records"
	grep -q '^out done$' "$said" || echo "note $1 did not come to the end: $(reason)" >>"$records"
}

# Which machines can run here: $usable, and a file of records about the others.
find_usable() {
	[ -z "${usable:-}" ] || return 0
	: >"$work/broken"
	for m in ${only:-$all_machines}; do
		progress "can $(title_of "$m") run here?"
		tool=
		case $m in uml) tool=linux.uml ;; runsc-*) tool=runsc ;; esac
		why=
		if [ -n "$tool" ] && ! command -v "$tool" >/dev/null 2>&1; then
			why="$tool is not installed"
		else
			run_on "$m" program '-t 40' /bench/micro -q null_call
			grep -q '^out row null_call ' "$said" || why=$(reason)
		fi
		if [ -z "$why" ]; then
			usable="${usable:-}${usable:+ }$m"
		else
			progress "  no: $why"
			echo "broken $m $why" >>"$work/broken"
		fi
	done
}

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make a root file system image out of Debian packages, without root and
# without running any package script.
#
#   rootfs/make-image.sh [options] [x86_64|aarch64] [busybox|full]
#     -o FILE      output (default build/rootfs/CPU.ext2, CPU-full.ext2)
#     -s MIB       size of the file system
#     -b BYTES     block size: 1024, 2048 or 4096
#     -p PACKAGES  (full) more packages, and what they depend on
#     -a SRC:DST   also copy the file or directory SRC to DST in the image (repeatable)
#     -f           make it even if it is newer than everything it is made of
#
# Packages are kept in ${XDG_CACHE_HOME:-~/.cache}/eft.  The image is the same,
# byte for byte, whenever and by whomever it is made from the same packages.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/eft
suite=${EFT_SUITE:-bookworm}
mirror=${EFT_MIRROR:-http://deb.debian.org/debian}
epoch=1700000000

say() { echo "rootfs: $*" >&2; }
die() { say "$*"; exit 1; }

out= size= bsize=4096 adds= force= more=
while getopts o:s:b:a:p:f opt; do
	case $opt in
	o) out=$OPTARG ;;
	s) size=$OPTARG ;;
	b) bsize=$OPTARG ;;
	a) adds="$adds
$OPTARG" ;;
	p) more=$OPTARG ;;
	f) force=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
cpu=${1:-x86_64}
kind=${2:-busybox}
case $cpu in
x86_64) arch=amd64 cross=x86_64-linux-gnu- ;;
aarch64) arch=arm64 cross=aarch64-linux-gnu- ;;
*) die "unknown CPU '$cpu' (x86_64, aarch64)" ;;
esac
case $(uname -m) in
x86_64) host_arch=amd64 ;;
aarch64) host_arch=arm64 ;;
*) die "no packages for a $(uname -m) host" ;;
esac
[ "$(uname -m)" != "$cpu" ] || cross=
case $kind in
busybox) packages=busybox-static default_size=32 suffix= ;;
full)
	packages="busybox-static bash coreutils grep sed gawk findutils diffutils tar gzip xz-utils bzip2
		util-linux procps file less perl-base python3 libpython3-stdlib python3-minimal sqlite3 git ncurses-base
		base-files base-passwd libc-bin $more"
	default_size=512 suffix=-full ;;
*) die "unknown kind '$kind' (busybox, full)" ;;
esac
: "${out:=$top/build/rootfs/$cpu$suffix.ext2}"
: "${size:=$default_size}"
for tool in mke2fs debugfs; do
	command -v $tool >/dev/null || PATH=$PATH:/usr/sbin:/sbin
	command -v $tool >/dev/null || die "$tool is missing: apt-get install e2fsprogs"
done

# ---- Is there anything to do? ----
up_to_date() {
	[ -z "$force" ] && [ -f "$out" ] && [ "$(cat "$out.opts" 2>/dev/null)" = "$options" ] || return 1
	set -- "$here/make-image.sh" "$here/skel" "$here/init"
	for a in $(echo "$adds" | cut -d: -f1); do set -- "$@" "$a"; done
	[ -z "$(find "$@" -newer "$out" -print -quit 2>/dev/null)" ]
}
options="$cpu $kind $size $bsize $more $adds"
if up_to_date; then exit 0; fi

# ---- Packages ----
# apt with lists of its own: works without root and for a foreign architecture.
apt_for() {	# arch command...
	a=$1; shift
	d=$cache/apt-$a
	if [ ! -f "$d/apt.conf" ]; then
		mkdir -p "$d/lists/partial" "$d/archives/partial" "$d/empty"
		: > "$d/status"
		signed=
		[ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ] ||
			signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
		echo "deb $signed $mirror $suite main" > "$d/sources.list"
		cat > "$d/apt.conf.tmp" <<-CONF
			APT::Architecture "$a";
			APT::Architectures { "$a"; };
			APT::Sandbox::User "";
			Acquire::Languages "none";
			Dir::State "$d";
			Dir::State::lists "$d/lists";
			Dir::State::status "$d/status";
			Dir::Cache "$d";
			Dir::Cache::archives "$d/archives";
			Dir::Etc::sourcelist "$d/sources.list";
			Dir::Etc::sourceparts "$d/empty";
			Debug::NoLocking "true";
		CONF
		mv "$d/apt.conf.tmp" "$d/apt.conf"
	fi
	if [ -z "$(find "$d/lists" -maxdepth 1 -name '*Packages*' -print -quit)" ]; then
		say "fetching Debian's package lists ($a)"
		APT_CONFIG=$d/apt.conf apt-get -qq update >&2 || die "cannot reach $mirror"
	fi
	APT_CONFIG=$d/apt.conf "$@"
}

debs_dir=$cache/debs
fetch() {	# arch package: prints the file's path
	set -- "$1" "$2" "$debs_dir/$2_$1.deb"
	if [ ! -f "$3" ]; then
		mkdir -p "$debs_dir"
		d=$(mktemp -d "$debs_dir/.get.XXXXXX")
		if ! (cd "$d" && apt_for "$1" apt-get -qq download "$2" >&2); then
			rm -rf "$d"
			die "cannot download $2 ($1)"
		fi
		mv "$d"/*.deb "$3"
		rmdir "$d"
	fi
	echo "$3"
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
	die "apt-get and dpkg-deb are needed to fetch and unpack packages"
mkdir -p "$(dirname "$out")"
work=$(mktemp -d "${TMPDIR:-/tmp}/eft-rootfs.XXXXXX")
trap 'rm -rf "$work" "$out.$$.tmp"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root

# usr-merge first, as in Debian: packages that still ship /bin unpack through the links.
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
for d in bin sbin lib lib64; do ln -s usr/$d "$root/$d"; done
for d in boot dev etc home home/user mnt media opt proc root run srv sys tmp usr/local/bin usr/local/sbin usr/share \
	var/cache var/lib var/log var/spool var/tmp; do
	mkdir -p "$root/$d"
done
ln -s ../run "$root/var/run"

if [ "$kind" = full ]; then
	list=$work/list
	# What apt would install into an empty system, without recommendations.
	apt_for $arch apt-get -qq -s --no-install-recommends install $packages 2>/dev/null |
		sed -n 's/^Inst \([^ :]*\).*/\1/p' | sort -u > "$list"
	[ -s "$list" ] || die "apt cannot resolve: $packages"
	missing=
	for p in $(cat "$list"); do [ -f "$debs_dir/${p}_$arch.deb" ] || missing="$missing $p"; done
	if [ -n "$missing" ]; then
		mkdir -p "$debs_dir"
		d=$(mktemp -d "$debs_dir/.get.XXXXXX")
		say "downloading $(echo $missing | wc -w) packages"
		(cd "$d" && apt_for $arch apt-get -qq download $missing >&2) || { rm -rf "$d"; die "download failed"; }
		for f in "$d"/*.deb; do
			p=${f##*/}
			mv "$f" "$debs_dir/${p%%_*}_$arch.deb"
		done
		rmdir "$d"
	fi
	for p in $(cat "$list"); do dpkg-deb --fsys-tarfile "$debs_dir/${p}_$arch.deb" |
		tar -C "$root" -x --keep-directory-symlink --no-same-owner -f -; done
	rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale" "$root/usr/share/info" "$root/usr/share/lintian"
else
	dpkg-deb --fsys-tarfile "$(fetch $arch busybox-static)" | tar -C "$root" -x --keep-directory-symlink --no-same-owner -f - ./bin
fi

# ---- BusyBox's applets: where no package brought the real program ----
# The list comes from the build machine's own architecture: same source package, same configuration.
list_box=$work/busybox
dpkg-deb --fsys-tarfile "$(fetch $host_arch busybox-static)" | tar -x -O -f - ./bin/busybox > "$list_box"
chmod +x "$list_box"
for applet in $("$list_box" --list-full); do
	name=${applet##*/}
	case $applet in
	*sbin/*) dir=usr/sbin ;;
	linuxrc|*/init|init) continue ;;
	*) dir=usr/bin ;;
	esac
	case $name in init|linuxrc|busybox) continue ;; esac
	if [ ! -e "$root/usr/bin/$name" ] && [ ! -L "$root/usr/bin/$name" ] &&
	   [ ! -e "$root/usr/sbin/$name" ] && [ ! -L "$root/usr/sbin/$name" ]; then
		ln -s /bin/busybox "$root/$dir/$name"
	fi
done
[ -e "$root/usr/bin/sh" ] || [ -L "$root/usr/bin/sh" ] || ln -s busybox "$root/usr/bin/sh"

# What the packages' scripts would have linked.
if [ "$kind" = full ]; then
	for pair in awk:gawk pager:less which:which.debianutils; do
		[ ! -e "$root/usr/bin/${pair#*:}" ] || ln -sf "${pair#*:}" "$root/usr/bin/${pair%:*}"
	done
fi

cp -R "$here/skel/." "$root/"
mkdir -p "$root/root"
if [ -d "$here/init" ]; then
	cc=${EFT_CC:-${cross}gcc}
	command -v "$cc" >/dev/null || die "$cc is missing (package gcc${cross:+-${cross%-}})"
	"$cc" -std=gnu11 -Os -Wall -Wextra -Werror -static -s -ffile-prefix-map="$top=." -Wl,--build-id=none \
		-o "$root/usr/sbin/init" "$here/init/init.c"
fi
echo "$adds" | while IFS=: read -r src dst; do
	[ -n "$src" ] || continue
	mkdir -p "$root/$(dirname "$dst")"
	cp -RL "$src" "$root/$dst"
done
chmod -R u+rwX,go+rX "$root"
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 700 "$root/root"
find "$root" -exec touch -h -d @$epoch {} +

# ---- The image ----
tmp=$out.$$.tmp
rm -f "$tmp"
E2FSPROGS_FAKE_TIME=$epoch mke2fs -q -t ext2 -b "$bsize" -I 256 -O none,filetype,sparse_super,large_file,ext_attr,dir_index,resize_inode \
	-m 0 -L eft-root -U 00000000-0000-4000-8000-00000000ef70 -E "root_owner=0:0,hash_seed=00000000-0000-4000-8000-00000000ef71" \
	-d "$root" "$tmp" "${size}M" >/dev/null
# mke2fs -d takes owners and change times from the tree: make them root's, and constant.
inodes=$(dumpe2fs -h "$tmp" 2>/dev/null | awk -F: '/^Inode count/ { n = $2 } /^Free inodes/ { f = $2 } END { print n - f }')
awk -v n="$inodes" -v t=$epoch -v own="$(id -u)" 'BEGIN {
	for (i = 11; i <= n; i++) {
		printf "sif <%d> ctime @%d\nsif <%d> atime @%d\n", i, t, i, t
		if (own != 0) printf "sif <%d> uid 0\nsif <%d> gid 0\n", i, i
	}
	printf "sif <2> ctime @%d\nsif <2> atime @%d\n", t, t
	printf "sif /home/user uid 1000\nsif /home/user gid 1000\n"
}' > "$work/fix"
E2FSPROGS_FAKE_TIME=$epoch debugfs -w -f "$work/fix" "$tmp" >/dev/null 2>"$work/fix.err" || { cat "$work/fix.err" >&2; die "debugfs failed"; }
mv "$tmp" "$out"
echo "$options" > "$out.opts"
say "made $out"

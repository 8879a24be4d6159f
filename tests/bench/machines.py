# SPDX-License-Identifier: MIT
"""The machines that are measured: how each is started, watched and ended.

Every machine runs the same command from the same root file system: as a tree
(the host, runsc) or as an ext2 image made of that tree (Eft, linux.uml).  Each
gets a copy of its own and may write to it: nobody's disk is a pretence.

A machine is a command line; `run` gives back what it printed, how long it
took, and why it ended.  Whatever it started is gone afterwards.
"""
import os, select, shutil, signal, subprocess, time

MEM = "512M"


class Result:
    def __init__(self):
        self.lines, self.errors = [], []
        self.seconds = 0.0
        self.first = None       # seconds until the line that begins with FIRST
        self.status = None
        self.timed_out = False
        self.idle = None        # whatever the watcher returned

    def reason(self):
        """Why there is no result, in a line."""
        if self.timed_out:
            return "did not end in %.0f s" % self.seconds
        said = [l for l in self.errors + self.lines if l.strip()]
        return (said[-1].strip()[:160] if said else "no output") + " (status %s)" % self.status


def descendants(root):
    """The process and all that came from it, by parent and by session."""
    parent, session = {}, {}
    for d in os.listdir("/proc"):
        if not d.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % d) as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parent[int(d)], session[int(d)] = int(fields[1]), int(fields[3])
    found, grown = {root}, True
    while grown:
        grown = False
        for p in parent:
            if p not in found and (parent[p] in found or session[p] == root):
                found.add(p)
                grown = True
    return [p for p in found if p in parent]


def pss_kib(pids):
    """Proportional set size of all of them together."""
    total = 0
    for p in pids:
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total


def end(proc, known):
    for p in set(known) | set(descendants(proc.pid)):
        try:
            os.kill(p, signal.SIGKILL)
        except OSError:
            pass
    proc.wait()


class Machine:
    name = ""
    title = ""

    def __init__(self, bench):
        self.bench = bench      # paths: see bench.py
        self.broken = None      # why it cannot run here

    def command(self, argv, first):
        """The host's command line for the guest's ARGV; FIRST: as process 1, if there is such a thing."""
        raise NotImplementedError

    def prepare(self):
        pass

    def clean(self):
        pass

    def run(self, argv, timeout, cpus=None, first=False, on_line=None, watch_at=None, watch=None):
        """ARGV in this machine on the host's CPUs (a list for taskset; None: all).

        watch(pids) is called WATCH_AT seconds after the start and the machine is ended then."""
        self.prepare()
        cmd = self.command(argv if first else ["/bench/in", "/root"] + argv, first)
        if cpus:
            cmd = ["taskset", "-c", cpus] + cmd
        env = dict(os.environ, LC_ALL="C")
        r = Result()
        begin = time.monotonic()
        proc = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                cwd=self.bench.work, env=env, start_new_session=True)
        known = [proc.pid]
        buffers = {proc.stdout: b"", proc.stderr: b""}
        open_files = [proc.stdout, proc.stderr]
        try:
            while open_files:
                left = begin + timeout - time.monotonic()
                if watch_at is not None:
                    left = min(left, begin + watch_at - time.monotonic())
                ready = select.select(open_files, [], [], max(left, 0))[0]
                now = time.monotonic() - begin
                for f in ready:
                    data = os.read(f.fileno(), 65536)
                    if not data:
                        open_files.remove(f)
                        continue
                    if r.first is None and f is proc.stdout and b"FIRST" in buffers[f] + data:
                        r.first = now
                    *whole, buffers[f] = (buffers[f] + data).split(b"\n")
                    for line in whole:
                        text = line.decode("utf-8", "replace").rstrip("\r")
                        (r.lines if f is proc.stdout else r.errors).append(text)
                        if on_line and f is proc.stdout:
                            on_line(text)
                if watch_at is not None and now >= watch_at:
                    known = descendants(proc.pid)
                    r.idle = watch(known)
                    break
                if now >= timeout:
                    r.timed_out = True
                    known = descendants(proc.pid)
                    break
            else:
                # Both streams are closed; the process may have its own idea of when to end.
                try:
                    r.status = proc.wait(max(0.1, begin + timeout - time.monotonic()))
                except subprocess.TimeoutExpired:
                    r.timed_out = True
            r.seconds = time.monotonic() - begin
        finally:
            end(proc, known)
            for f in (proc.stdin, proc.stdout, proc.stderr):
                f.close()
            self.clean()
        return r

    def probe(self, timeout=40):
        """Can it run at all?  Sets broken."""
        r = self.run(["/bench/micro", "-q", "null_call"], timeout)
        if not any(l.startswith("row null_call ") for l in r.lines):
            self.broken = r.reason()
        return self.broken is None


class Host(Machine):
    """The host's kernel, in a chroot of its own mount namespace."""
    name, title = "host", "host's Linux"

    def command(self, argv, first):
        tree = self.bench.tree_of(self.name)
        user = [] if os.getuid() == 0 else ["-r"]
        script = 'for d in dev proc; do mount --rbind /$d "$0/$d"; done; root=$0; cd "$root"; exec chroot "$root" "$@"'
        return ["unshare", "-m"] + user + ["sh", "-c", script, tree] + argv


class Um(Machine):
    """Eft as a process: an image of its own, written to."""
    mem = MEM

    def __init__(self, bench, trap, cpus=None):
        super().__init__(bench)
        self.trap, self.cpus = trap, cpus
        self.name = "eft" if trap == "seccomp" else "eft-" + trap
        if cpus:
            self.name += "-%dcpu" % cpus
        self.title = "Eft um (%s)" % trap

    def command(self, argv, first):
        cmd = [self.bench.um, "--trap=" + self.trap, "--mem=" + self.mem, "--disk", self.bench.image_of(self.name), "--rw"]
        if self.cpus:
            cmd.append("--cpus=%d" % self.cpus)
        return cmd + (["--init=" + argv[0]] if first else ["--"] + argv)


class Uml(Machine):
    """Debian's linux.uml."""
    name, title = "uml", "linux.uml"

    def command(self, argv, first):
        self.run_dir = self.bench.scratch("uml")
        # Without console= it would add that word at the end, and so to the program's arguments.
        return ["linux.uml", "mem=" + MEM, "console=tty0", "ubd0=" + self.bench.image_of(self.name), "root=/dev/ubda", "rw", "quiet",
                "con=null", "con0=fd:0,fd:1", "ssl=null", "uml_dir=" + self.run_dir,
                "init=" + (argv[0] if first else "/usr/sbin/init")] + ([] if first else ["--"] + argv)

    def clean(self):
        shutil.rmtree(self.run_dir, ignore_errors=True)


class Runsc(Machine):
    """gVisor's runsc: a sandbox on a tree, without its overlay, so that its files are on the disk like everybody's."""

    def __init__(self, bench, platform):
        super().__init__(bench)
        self.platform = platform
        self.name = "runsc-" + platform
        self.title = "runsc (%s)" % platform

    def command(self, argv, first):
        self.run_dir = self.bench.scratch(self.name)
        tree = self.bench.tree_of("runsc")
        return ["runsc", "--root", self.run_dir, "--ignore-cgroups", "--network=none", "--platform=" + self.platform] + \
               ([] if os.getuid() == 0 else ["--rootless"]) + \
               ["do", "-quiet", "-force-overlay=false", "-root", tree, "-cwd", "/root"] + argv

    def clean(self):
        shutil.rmtree(self.run_dir, ignore_errors=True)

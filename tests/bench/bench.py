#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./eft bench: Eft beside what a user would pick instead, in one run on one machine.

usage: ./eft bench [SECTION...] [OPTIONS]

  micro      micro-operations on every machine, interleaved (the default)
  boot       launch to the first instruction of init, launch to the end of `true`, idle memory,
             memory per process, size of the binary, clean build time
  jobs       whole jobs: 500 process starts, tar+gzip, sqlite3 inserts, python3, a compilation
  scaling    speed-ups on two CPUs; the cost of one more when there are already n
  native     in QEMU (TCG), both CPUs: launch to init, Eft beside Debian's cloud kernel
  all        everything, in the four situations of the host

options:
  --quick            smaller samples, one round: minutes instead of an hour
  --rounds N         interleaved rounds (default 3)
  --situation S      idle-2, idle-1, busy-2, busy-1 or all (default idle-2,idle-1): the host otherwise
                     idle or with a load on every CPU; the machine on two host CPUs or pinned to one
  --only M,...       only these machines (host, eft, eft-ptrace, uml, runsc-ptrace, runsc-kvm, runsc-systrap)
  --rows R,...       only micro rows whose names begin so
  --no-install       do not install missing packages: a peer that is missing is reported

Results: the tables on standard output, and results.txt, results.md, results.json and chart.svg in
build/bench.  How to read them and how each machine is started: tests/bench/README.md.
Exit status: 0 if every requirement that was measured holds, 1 if one does not, 2 for a mistake.
"""
import atexit, datetime, os, platform, shutil, signal, subprocess, sys, tempfile, time

import machines, report

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
HERE = os.path.join(TOP, "tests", "bench")
SITUATIONS = ("idle-2", "idle-1", "busy-2", "busy-1")
SECTIONS = ("micro", "boot", "jobs", "scaling", "native")


def progress(s):
    print("bench: " + s, file=sys.stderr, flush=True)


def call(*argv, **kw):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if p.returncode:
        sys.stderr.write(p.stdout[-2000:])
        sys.exit("bench: %s failed" % argv[0])
    return p.stdout


class Bench:
    """Paths and choices of one run; the images and trees, made when first asked for."""

    def __init__(self, args):
        self.quick, self.rounds, self.only, self.rows = False, None, None, []
        self.situations, self.sections, self.install = ["idle-2", "idle-1"], [], True
        self.parse(args)
        self.um = os.path.join(TOP, "build", "um", "arch_um", "eft-um")
        self.out = os.path.join(TOP, "build", "bench")
        os.makedirs(self.out, exist_ok=True)
        self.work = tempfile.mkdtemp(prefix="eft-bench.")
        atexit.register(shutil.rmtree, self.work, True)
        self.kind = "small"
        self.tables, self.verdicts = [], report.Verdicts()
        self.pair = ",".join(str(c) for c in sorted(os.sched_getaffinity(0))[:2])
        self.one = self.pair.split(",")[0]

    def parse(self, args):
        def mistake(s):
            print("bench: %s (./eft bench --help)" % s, file=sys.stderr)
            sys.exit(2)
        while args:
            a = args.pop(0)
            if a in ("-h", "--help"):
                sys.stdout.write(__doc__.strip() + "\n")
                sys.exit(0)
            elif a == "--quick":
                self.quick = True
            elif a == "--no-install":
                self.install = False
            elif a in ("--rounds", "--situation", "--only", "--rows"):
                if not args:
                    mistake("%s needs a value" % a)
                v = args.pop(0)
                if a == "--rounds":
                    if not v.isdigit() or int(v) < 1:
                        mistake("--rounds: not a number: " + v)
                    self.rounds = int(v)
                elif a == "--situation":
                    self.situations = list(SITUATIONS) if v == "all" else v.split(",")
                    for s in self.situations:
                        if s not in SITUATIONS:
                            mistake("no situation '%s'" % s)
                elif a == "--only":
                    self.only = v.split(",")
                else:
                    self.rows = v.split(",")
            elif a == "all":
                self.sections, self.situations = list(SECTIONS), list(SITUATIONS)
            elif a in SECTIONS:
                self.sections.append(a)
            else:
                mistake("no measurement '%s'" % a)
        self.sections = self.sections or ["micro"]
        self.rounds = self.rounds or (1 if self.quick else 3)

    # ---- what the machines run from ----

    def scratch(self, name):
        return tempfile.mkdtemp(prefix=name + ".", dir=self.work)

    def programs(self):
        """tests/bench's own programs, static, in a directory that becomes /bench."""
        d = os.path.join(self.out, "programs")
        if getattr(self, "_programs", None):
            return d
        os.makedirs(d, exist_ok=True)
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-pthread"]
        sources = [os.path.join(HERE, f) for f in sorted(os.listdir(HERE)) if f.startswith("micro") and f.endswith(".c")]
        self.compile(flags + sources, d + "/micro")
        self.compile(flags + [HERE + "/in.c"], d + "/in")
        self.compile(flags + [HERE + "/in.c"], d + "/first")
        if os.path.exists(HERE + "/scaling.c"):
            self.compile(flags + [HERE + "/scaling.c"], d + "/scaling")
        if os.path.isdir(HERE + "/jobs"):
            subprocess.run(["cp", "-R", HERE + "/jobs", d + "/"], check=True)
        self._programs = True
        return d

    @staticmethod
    def compile(args, out):
        call("gcc", *args, "-o", out + ".new")
        # Unchanged programs keep their time, so that images are not made anew.
        if os.path.exists(out) and open(out, "rb").read() == open(out + ".new", "rb").read():
            os.unlink(out + ".new")
        else:
            os.rename(out + ".new", out)

    def master(self):
        """The image of this kind of run that the others are copies of."""
        size, kind, extra = {"small": ("448", "busybox", []), "large": ("1536", "full", ["-p", "gcc libc6-dev make"])}[self.kind]
        image = os.path.join(self.out, self.kind + ".ext2")
        call(TOP + "/rootfs/make-image.sh", "-o", image, "-s", size, *extra, "-a", self.programs() + ":/bench", "x86_64", kind)
        return image

    def image_of(self, name):
        path = os.path.join(self.work, "%s.%s.ext2" % (self.kind, name))
        if not os.path.exists(path):
            call("cp", "--sparse=always", self.master(), path)
        return path

    def tree_of(self, name):
        path = os.path.join(self.work, "%s.%s.tree" % (self.kind, name))
        if not os.path.exists(path):
            os.mkdir(path)
            call("debugfs", "-R", "rdump / " + path, self.master())
            for d in ("proc", "dev", "sys", "tmp", "root"):
                os.makedirs(os.path.join(path, d), exist_ok=True)
        return path

    # ---- machines ----

    def machines(self):
        if not hasattr(self, "_machines"):
            every = [machines.Host(self), machines.Um(self, "seccomp"), machines.Um(self, "ptrace"), machines.Uml(self)] + \
                    [machines.Runsc(self, p) for p in ("systrap", "ptrace", "kvm")]
            self._machines = [m for m in every if not self.only or m.name in self.only]
            for m in self._machines:
                progress("can %s run here?" % m.title)
                tool = {"uml": "linux.uml"}.get(m.name, "runsc" if m.name.startswith("runsc") else None)
                if tool and not shutil.which(tool):
                    m.broken = "%s is not installed" % tool
                elif not m.probe():
                    progress("  no: " + m.broken)
        return self._machines

    def usable(self):
        return [m for m in self.machines() if not m.broken]

    def unavailable(self):
        return {m.name: m.broken for m in self.machines() if m.broken}

    @staticmethod
    def rows_of(table, m, r):
        """What a run of the micro program on machine m printed, into the table."""
        for line in r.lines:
            w = line.split()
            if len(w) == 5 and w[0] == "row":
                v = table["rows"].setdefault(w[1], {}).setdefault(m.name, {"median": [], "minimum": []})
                v["minimum"].append(float(w[2]))
                v["median"].append(float(w[3]))
            elif len(w) > 2 and w[0] == "skip":
                note(table, "%s cannot do %s: %s" % (m.name, w[1], " ".join(w[2:])))
        if "done" not in r.lines:
            note(table, "%s did not come to the end: %s" % (m.name, r.reason()))

    def about(self):
        cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
        version = subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True).stdout.strip()
        return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                "machine": "%s, %d CPUs, Linux %s" % (cpu, len(os.sched_getaffinity(0)), platform.release()),
                "load at the start": "%.2f %.2f %.2f" % os.getloadavg(), "eft": version or "unknown",
                "peers": ", ".join(package_versions()), "rounds": str(self.rounds) + (" (quick)" if self.quick else "")}


def package_versions():
    found = []
    for p in ("user-mode-linux", "runsc"):
        v = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", p], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found.append("%s %s" % (p, v.stdout if v.returncode == 0 and v.stdout else "not installed"))
    return found


class Load:
    """The busy situations: a process that computes on every CPU of the situation."""

    def __init__(self, cpus):
        self.procs = [subprocess.Popen(["taskset", "-c", c, "sh", "-c", "while :; do :; done"]) for c in cpus.split(",")]
        atexit.register(self.stop)

    def stop(self):
        for p in self.procs:
            p.kill()
            p.wait()
        self.procs = []


def situation_title(s):
    load, n = s.split("-")
    return "host %s, %s" % ("otherwise idle" if load == "idle" else "busy", "two host CPUs" if n == "2" else "pinned to one host CPU")


def each_situation(bench):
    for s in bench.situations:
        cpus = bench.pair if s.endswith("2") else bench.one
        load = Load(cpus) if s.startswith("busy") else None
        try:
            yield s, cpus
        finally:
            if load:
                load.stop()


def section_micro(bench):
    for s, cpus in each_situation(bench):
        table = {"title": "micro-operations, " + situation_title(s), "section": "micro", "situation": s,
                 "machines": [m.name for m in bench.usable()], "rows": {}, "unavailable": bench.unavailable(), "notes": []}
        for round_ in range(bench.rounds):
            for m in bench.usable():
                progress("micro, %s, round %d of %d: %s" % (s, round_ + 1, bench.rounds, m.title))
                argv = ["/bench/micro"] + (["-q"] if bench.quick else []) + bench.rows
                r = m.run(argv, 600, cpus)
                bench.rows_of(table, m, r)
        bench.tables.append(table)
        print(report.text(table), flush=True)
        verdicts_micro(bench, table, s)


def note(table, s):
    if s not in table["notes"]:
        table["notes"].append(s)


def verdicts_micro(bench, table, s):
    v, where = bench.verdicts, " (%s)" % s
    to_uml = {r: report.ratio(table, r, "uml", "eft") for r in table["rows"]}
    to_uml = {r: x for r, x in to_uml.items() if x}
    if "uml" in table["machines"] and "eft" in table["machines"]:
        if "null_call" in table["rows"]:
            v.at_least("null call, times faster than linux.uml" + where, to_uml.get("null_call"), 15 if s.endswith("2") else 2.5)
        v.every("every row at least twice as fast as linux.uml" + where, to_uml, 2)
        v.at_least("geometric mean of all rows, times faster than linux.uml" + where, report.geomean(list(to_uml.values())), 6)
    if report.peers_of(table) and "eft" in table["machines"]:
        best = {}
        for r in table["rows"]:
            ns, ours = report.best_peer(table, r)[0], report.figure(table, r, "eft")
            if ns:
                best[r] = ns / ours if ours else 0.0
        v.every("no peer wins a row" + where, best, 1)


def section_native(bench):
    for cpu in ("x86_64", "aarch64"):
        progress("native, " + cpu)
        p = subprocess.run([HERE + "/run.sh", "boot-native", cpu, str(max(bench.rounds, 3))], stdout=subprocess.PIPE, text=True)
        print(p.stdout, flush=True)
        bench.verdicts.add("native %s: launch to init in at most half of Linux's time" % cpu, "ok boot-time/" + cpu in p.stdout,
                           "; ".join(l[2:] for l in p.stdout.split("\n") if "median" in l) or "nothing")


def main():
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
    bench = Bench(sys.argv[1:])
    about = bench.about()
    for k, v in about.items():
        print("%s: %s" % (k, v))
    for s in bench.sections:
        if s == "micro":
            section_micro(bench)
        elif s == "boot":
            import boot
            boot.section(bench)
        elif s == "jobs":
            import jobs
            jobs.section(bench)
        elif s == "scaling":
            import scaling
            scaling.section(bench)
        elif s == "native":
            section_native(bench)
        report.write(bench.out, about, bench.tables, bench.verdicts)
    print()
    print(bench.verdicts.text())
    progress("results in " + os.path.relpath(bench.out))
    sys.exit(0 if all(v["holds"] for v in bench.verdicts.list) else 1)


if __name__ == "__main__":
    sys.modules["bench"] = sys.modules["__main__"]     # the sections import it by its name
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

# SPDX-License-Identifier: MIT
"""Speed-ups on two CPUs, and the cost of one more when there are already n.

The second is measured by scaling.c.  A noisy host adds to single figures, so a
run of three takes the minimum of each.  The cost may grow as fast as the
logarithm: cost(n) / cost(10) at most SLACK * log(n) / log(10).
"""
import math
import machines, report

SLACK = 1.5
FULL = {"processes": 10000, "files_in_directory": 100000, "files_in_tmpfs": 100000, "areas": 100000, "timers": 100000,
        "descriptors": 50000, "epoll_set": 50000}


def section(bench):
    speed_up(bench)
    one_more(bench)


def speed_up(bench):
    from bench import note, progress
    two, four = machines.Um(bench, "seccomp", 2), machines.Um(bench, "seccomp", 4)
    host = machines.Host(bench)
    table = {"title": "the same by one, two and four at once; Eft with 2 and with 4 processors on two host CPUs", "section": "scaling",
             "situation": "idle-2", "machines": [host.name, two.name, four.name], "rows": {}, "unavailable": {}, "notes": []}
    for round_ in range(bench.rounds):
        for m in (host, two, four):
            progress("speed-up, round %d of %d: %s" % (round_ + 1, bench.rounds, m.name))
            r = m.run(["/bench/micro", "-s"] + (["-q"] if bench.quick else []), 400, bench.pair)
            bench.rows_of(table, m, r)
    ops = [r[:-len("_by_1")] for r in table["rows"] if r.endswith("_by_1")]
    lines = [["speed-up of two over one"] + table["machines"] + ["4 processors/2"]]
    seen = {}
    for op in ops:
        for how in ("_by_2", "_by_2_threads"):
            line = [op + how]
            for m in table["machines"]:
                a, b = report.figure(table, op + "_by_1", m, True), report.figure(table, op + how, m, True)
                x = a / b if a and b else None
                line.append(report.times(x))
                if m == two.name and x:
                    seen[op + how] = x
            a, b = report.figure(table, op + "_by_2", two.name, True), report.figure(table, op + "_by_2", four.name, True)
            line.append(report.times(b / a if a and b else None) if how == "_by_2" else "")
            lines.append(line)
    bench.tables.append(table)
    print(report.text(table))
    print(report.aligned(lines), flush=True)
    for how, what in (("_by_2", "two processes"), ("_by_2_threads", "two threads of one process")):
        bench.verdicts.every("%s reach at least 1.8 times one" % what, {k: v for k, v in seen.items() if k.endswith(how)}, 1.8)
    # What four lose against two: as much work at once as there are guest CPUs, and the same work by two.
    lost = {}
    for op in ops:
        a, b = report.figure(table, op + "_by_4", two.name, True), report.figure(table, op + "_by_4", four.name, True)
        if a and b:
            lost[op] = a / b
    bench.verdicts.every("4 guest CPUs on 2 host CPUs lose under 10 % against 2", lost, 0.9)


def one_more(bench):
    from bench import note, progress
    m = machines.Um(bench, "seccomp")
    m.mem = "4G"
    cost, added = {}, {}
    notes = []
    for round_ in range(bench.rounds):
        progress("one more, round %d of %d" % (round_ + 1, bench.rounds))
        r = m.run(["/bench/scaling"] + (["-q"] if bench.quick else ["-m"]), 900, bench.pair,
                  on_line=lambda l: progress("  " + l) if l.startswith(("scale", "skip")) else None)
        for line in r.lines:
            w = line.split()
            if len(w) == 5 and w[0] == "scale":
                n = int(w[2])
                cost.setdefault(w[1], {})[n] = min(float(w[3]), cost.get(w[1], {}).get(n, math.inf))
                added.setdefault(w[1], {})[n] = min(float(w[4]), added.get(w[1], {}).get(n, math.inf))
            elif w and w[0] == "skip":
                notes.append(" ".join(w[1:]))
        if "done" not in r.lines:
            notes.append("did not come to the end: " + r.reason())
    sizes = sorted({n for c in cost.values() for n in c})
    lines = [["one more at n ="] + [str(n) for n in sizes] + ["growth", "allowed"]]
    good = {}
    for name, c in cost.items():
        top = max(c)
        growth, allowed = c[top] / c[10], SLACK * math.log(top) / math.log(10)
        lines.append([name] + [report.human(c.get(n)) for n in sizes] + [report.times(growth), report.times(allowed)])
        full = FULL[name] // (10 if bench.quick else 1)
        good[name] = allowed / growth if top >= full else 0.0
    table = {"title": "the cost of one more, Eft um", "section": "scaling", "machines": ["eft"], "unavailable": {}, "notes": notes,
             "rows": {"%s@%d" % (k, n): {"eft": {"median": [v], "minimum": [v]}} for k, c in cost.items() for n, v in c.items()}}
    bench.tables.append(table)
    print("\n== " + table["title"] + "\n" + report.aligned(lines) + "".join("\nnote: " + n for n in notes), flush=True)
    bench.verdicts.every("the cost of one more grows no faster than log n", good, 1)

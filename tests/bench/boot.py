# SPDX-License-Identifier: MIT
"""Launch, memory, size, build: what a user pays before and beside the work."""
import os, shutil, subprocess, tempfile, time
import machines, report

PROCESSES = 50         # jobs/sleepers.sh


def section(bench):
    from bench import TOP, note, progress
    usable = bench.usable()
    table = {"title": "launch: to the first instruction of init, and to the end of `true`", "section": "boot", "situation": "idle-2",
             "machines": [m.name for m in usable], "rows": {"launch_to_init": {}, "launch_to_exit_of_true": {}},
             "unavailable": bench.unavailable(), "notes": []}

    def put(row, m, seconds):
        v = table["rows"][row].setdefault(m.name, {"median": [], "minimum": []})
        for k in v:
            v[k].append(seconds * 1e9)

    for round_ in range(bench.rounds * 3):
        for m in usable:
            progress("launch, round %d of %d: %s" % (round_ + 1, bench.rounds * 3, m.title))
            r = m.run(["/bench/first"], 60, bench.pair, first=True)
            if r.first is None:
                note(table, "%s: init was not seen: %s" % (m.name, r.reason()))
            else:
                put("launch_to_init", m, r.first)
            r = m.run(["/bin/true"], 60, bench.pair)
            if r.status != 0:
                note(table, "%s: `true` ended badly: %s" % (m.name, r.reason()))
            else:
                put("launch_to_exit_of_true", m, r.seconds)
    bench.tables.append(table)
    print(report.text(table), flush=True)

    lines = [["memory, PSS of all its processes on the host", "idle MiB", "KiB per guest process"]]
    memory = {}
    for m in usable:
        progress("memory: " + m.title)
        idle = m.run(["/bin/sleep", "60"], 60, watch_at=6, watch=machines.pss_kib).idle
        more = m.run(["/bench/jobs/sleepers.sh"], 60, watch_at=12, watch=machines.pss_kib).idle
        memory[m.name] = {"idle_kib": idle, "per_process_kib": (more - idle) / PROCESSES if idle and more else None}
        lines.append([m.name, "%.1f" % (idle / 1024) if idle else "-", "%.0f" % memory[m.name]["per_process_kib"] if idle and more else "-"])
    print("\n" + report.aligned(lines))

    sizes = {"eft": bench.um, "uml": shutil.which("linux.uml"), "runsc": shutil.which("runsc")}
    lines = [["size of the binary", "bytes", "of these code and data"]]
    facts = {"memory": memory, "binary": {}}
    for name, path in sizes.items():
        if path and os.path.exists(path):
            out = subprocess.run(["size", path], stdout=subprocess.PIPE, text=True).stdout.split("\n")
            loaded = sum(int(x) for x in out[1].split()[:2]) if len(out) > 1 else 0
            facts["binary"][name] = {"file": os.path.getsize(path), "text_and_data": loaded}
            lines.append([name, str(os.path.getsize(path)), str(loaded)])
    print(report.aligned(lines), flush=True)
    if not bench.quick:
        progress("a clean build of the hosted kernel")
        d = tempfile.mkdtemp(prefix="build.", dir=bench.work)
        begin = time.monotonic()
        ok = subprocess.run("cmake --preset um -B %s >/dev/null && ninja -C %s eft-um >/dev/null" % (d, d), shell=True, cwd=TOP).returncode == 0
        facts["clean_build_seconds"] = time.monotonic() - begin if ok else None
        shutil.rmtree(d, ignore_errors=True)
        print("clean build of eft-um: " + ("%.0f s" % facts["clean_build_seconds"] if ok else "failed"))
    table["facts"] = facts

    v = bench.verdicts
    launch = report.figure(table, "launch_to_init", "eft")
    v.at_most("launch to init, ms", launch / 1e6 if launch else None, 10)
    idle = memory.get("eft", {}).get("idle_kib")
    v.at_most("idle memory of the host's processes, MiB PSS", idle / 1024 if idle else None, 12)
    best = {}
    for row in table["rows"]:
        ns, ours = report.best_peer(table, row)[0], report.figure(table, row, "eft")
        if ns:
            best[row] = ns / ours if ours else 0.0
    v.every("no peer launches faster", best, 1)

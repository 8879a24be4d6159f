# SPDX-License-Identifier: MIT
"""Whole jobs (jobs/job.sh) on every machine, from an image with Debian's programs."""
import report

JOBS = ("starts", "pack", "sqlite", "python", "compile")


def section(bench):
    from bench import each_situation, note, progress, situation_title
    usable = bench.usable()         # found out on the small image
    kind, bench.kind = bench.kind, "large"
    try:
        for s, cpus in each_situation(bench):
            table = {"title": "whole jobs, " + situation_title(s), "section": "jobs", "situation": s,
                     "machines": [m.name for m in usable], "rows": {j: {} for j in JOBS},
                     "unavailable": bench.unavailable(), "notes": []}
            checks = {}
            for round_ in range(bench.rounds):
                for job in JOBS:
                    for m in usable:
                        progress("jobs, %s, round %d of %d: %s on %s" % (s, round_ + 1, bench.rounds, job, m.title))
                        r = m.run(["/bench/jobs/job.sh", job] + (["quick"] if bench.quick else []), 400, cpus)
                        words = next((l.split() for l in r.lines if l.startswith("job %s " % job)), None)
                        if not words or len(words) < 4 or words[3] != "0":
                            note(table, "%s did not do %s: %s" % (m.name, job, " ".join(words) if words else r.reason()))
                            continue
                        checks.setdefault(job, {})[m.name] = words[4] if len(words) > 4 else ""
                        v = table["rows"][job].setdefault(m.name, {"median": [], "minimum": []})
                        for k in v:
                            v[k].append(float(words[2]))
            for job, seen in checks.items():
                if len(set(seen.values())) > 1:
                    note(table, "%s: not the same result everywhere: %s" % (job, seen))
            table["rows"] = {r: v for r, v in table["rows"].items() if v}
            bench.tables.append(table)
            print(report.text(table), flush=True)
            best = {}
            for job in table["rows"]:
                ns, ours = report.best_peer(table, job)[0], report.figure(table, job, "eft")
                if ns:
                    best[job] = ns / ours if ours else 0.0
            bench.verdicts.every("no peer wins a whole job (%s)" % s, best, 1)
    finally:
        bench.kind = kind

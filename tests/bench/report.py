# SPDX-License-Identifier: MIT
"""Figures to text, Markdown, JSON and SVG.

A table is a dictionary: title, unit note, machines (column order), rows (name ->
machine -> {"median": [one per round], "minimum": [the same]}), unavailable (machine -> reason),
notes.  Figures are times: less is better everywhere.
"""
import json, math


def median(v):
    v = sorted(v)
    n = len(v)
    return (v[n // 2] if n % 2 else (v[n // 2 - 1] + v[n // 2]) / 2) if n else None


def geomean(v):
    return math.exp(sum(math.log(x) for x in v) / len(v)) if v else None


def human(ns):
    if ns is None:
        return "-"
    for limit, div, unit in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms"), (float("inf"), 1e9, "s")):
        if ns < limit:
            x = ns / div
            return "%.*f %s" % (0 if x >= 100 else 1 if x >= 10 else 2, x, unit)


def times(x):
    return "-" if x is None else "%.*f" % (0 if x >= 100 else 1 if x >= 10 else 2, x)


def figure(table, row, machine, low=False):
    """The median of the rounds' medians, or the minimum of their minima; None if there is none."""
    v = table["rows"].get(row, {}).get(machine)
    return (min(v["minimum"]) if low else median(v["median"])) if v else None


def ratio(table, row, machine, ours, low=False):
    """How many times slower than ours; None where either is missing."""
    a, b = figure(table, row, machine, low), figure(table, row, ours, low)
    return a / b if a and b else None


def peers_of(table):
    return [m for m in table["machines"] if not m.startswith("eft") and m != "host"]


def best_peer(table, row):
    found = [(figure(table, row, m), m) for m in peers_of(table) if figure(table, row, m)]
    return min(found) if found else (None, None)


def layout(table, ours="eft"):
    """Header, lines and the line of geometric means, as lists of strings."""
    machines = table["machines"]
    peers = peers_of(table)
    head = ["median (minimum)"] + machines + ["%s/%s" % (m, ours) for m in peers] + \
           (["host/%s" % ours] if "host" in machines else []) + ["%s/%s of minima" % (m, ours) for m in peers]
    lines = []
    for row in table["rows"]:
        line = [row]
        for m in machines:
            med, low = figure(table, row, m), figure(table, row, m, True)
            line.append("-" if med is None else "%s (%s)" % (human(med), human(low)))
        line += [times(ratio(table, row, m, ours)) for m in peers]
        if "host" in machines:
            line.append(times(ratio(table, row, "host", ours)))
        line += [times(ratio(table, row, m, ours, True)) for m in peers]
        lines.append(line)
    means = ["geometric mean"] + [""] * len(machines)
    for m, low in [(m, False) for m in peers + (["host"] if "host" in machines else [])] + [(m, True) for m in peers]:
        means.append(times(geomean([x for x in (ratio(table, r, m, ours, low) for r in table["rows"]) if x])))
    return head, lines, means


def aligned(lines):
    """Columns as wide as they must be; the first to the left, the others to the right."""
    width = [max(len(l[i]) for l in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join([l[0].ljust(width[0])] + [c.rjust(w) for c, w in zip(l[1:], width[1:])]).rstrip() for l in lines)


def text(table):
    head, lines, means = layout(table)
    out = ["", "== " + table["title"], aligned([head] + lines + [means])]
    out += ["%s: not measured: %s" % x for x in sorted(table["unavailable"].items())]
    out += ["note: " + n for n in table["notes"]]
    return "\n".join(out)


def markdown(table):
    head, lines, means = layout(table)
    out = ["", "### " + table["title"], "", "| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    out += ["| " + " | ".join(l) + " |" for l in lines]
    out.append("| " + " | ".join("**%s**" % c if c else "" for c in means) + " |")
    out.append("")
    out += ["- `%s` was not measured: %s" % x for x in sorted(table["unavailable"].items())]
    out += ["- " + n for n in table["notes"]]
    return "\n".join(out)


COLOURS = ["#2a78d6", "#8a8f98", "#d9822b", "#3a9d5d", "#b0489c", "#c23b3b", "#6a5acd", "#5b8c8c"]


def svg(tables):
    """A chart per table: how many times slower than Eft each other machine is, on a logarithmic axis."""
    left, width, bar, gap, y = 190, 640, 7, 8, 30
    body = []

    def put(fmt, *args):
        body.append(fmt % args)

    for table in tables:
        others = [m for m in table["machines"] if m != "eft"]
        rows = [r for r in table["rows"] if figure(table, r, "eft")]
        ratios = [x for r in rows for x in (ratio(table, r, m, "eft") for m in others) if x]
        if not ratios:
            continue
        low = math.floor(min(math.log10(min(ratios)), 0))
        high = math.ceil(max(math.log10(max(ratios)), 1))

        def at(x):
            return left + (math.log10(x) - low) / (high - low) * width
        put('<text x="10" y="%d" class="t">%s</text>', y, escape(table["title"]))
        y += 20
        for i, m in enumerate(others):
            put('<rect x="%d" y="%d" width="10" height="10" fill="%s"/>', left + i * 110, y - 9, COLOURS[i % len(COLOURS)])
            put('<text x="%d" y="%d">%s</text>', left + i * 110 + 14, y, escape(m))
        y += 14
        top = y
        for r in rows:
            here = [(i, m, ratio(table, r, m, "eft")) for i, m in enumerate(others)]
            here = [h for h in here if h[2]]
            put('<text x="%d" y="%.1f" text-anchor="end">%s</text>', left - 8, y + len(here) * bar / 2 + 4, escape(r))
            for i, m, x in here:
                a, b = sorted((at(1), at(x)))
                put('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s: %s times Eft</title></rect>',
                    a, y, max(b - a, 1), bar - 1, COLOURS[i % len(COLOURS)], escape(m), times(x))
                y += bar
            y += gap
        for e in range(low, high + 1):
            x = at(10.0 ** e)
            put('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" class="%s"/>', x, top - 4, x, y, "one" if e == 0 else "grid")
            put('<text x="%.1f" y="%d" text-anchor="middle">%g×</text>', x, y + 12, 10.0 ** e)
        y += 50
    style = "text{font:11px sans-serif;fill:#333}.t{font-size:14px;font-weight:bold}.grid{stroke:#ccc;stroke-width:.5}.one{stroke:#333}"
    return '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d"><style>%s</style>' \
           '<rect width="100%%" height="100%%" fill="#fff"/>\n%s\n</svg>\n' % (
               left + width + 60, y, left + width + 60, y, style, "\n".join(body))


def escape(s):
    return s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Verdicts:
    """Requirements and whether they hold.  What could not be measured does not hold."""

    def __init__(self):
        self.list = []

    def add(self, what, holds, seen):
        self.list.append({"requirement": what, "holds": bool(holds), "measured": seen})

    def at_least(self, what, value, limit):
        self.add("%s: at least %g" % (what, limit), value is not None and value >= limit, times(value))

    def at_most(self, what, value, limit):
        self.add("%s: at most %g" % (what, limit), value is not None and value <= limit, times(value))

    def every(self, what, rows, limit):
        """rows: name -> ratio; every one at least LIMIT."""
        bad = {r: x for r, x in rows.items() if x < limit}
        seen = "%d of %d rows" % (len(rows) - len(bad), len(rows))
        if bad:
            seen += "; not: " + ", ".join("%s %s" % (r, times(x)) for r, x in sorted(bad.items(), key=lambda i: i[1]))
        self.add(what, rows and not bad, seen)

    def text(self):
        return "\n".join("%s %s (%s)" % ("holds" if v["holds"] else "FAILS", v["requirement"], v["measured"]) for v in self.list)

    def markdown(self):
        return "\n".join(["", "### Requirements", "", "| requirement | holds | measured |", "|---|---|---|"] +
                         ["| %s | %s | %s |" % (v["requirement"], "yes" if v["holds"] else "**no**", v["measured"]) for v in self.list])


def write(directory, about, tables, verdicts):
    """results.txt, results.md, results.json and chart.svg."""
    head = "\n".join("%s: %s" % i for i in about.items())
    with open(directory + "/results.txt", "w") as f:
        f.write(head + "\n" + "\n".join(text(t) for t in tables) + "\n\n" + verdicts.text() + "\n")
    with open(directory + "/results.md", "w") as f:
        f.write("\n".join("- %s: %s" % i for i in about.items()) + "\n" + "\n".join(markdown(t) for t in tables) + "\n" + verdicts.markdown() + "\n")
    with open(directory + "/results.json", "w") as f:
        json.dump({"about": about, "tables": tables, "verdicts": verdicts.list}, f, indent=1)
        f.write("\n")
    with open(directory + "/chart.svg", "w") as f:
        f.write(svg([t for t in tables if "eft" in t["machines"]]))

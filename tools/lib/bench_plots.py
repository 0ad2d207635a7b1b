# SPDX-License-Identifier: BSD-3-Clause
"""Which plots docs/benchmarks.md has, and of which rows."""
import re
from dataclasses import dataclass

import bench_show
import bench_svg

OURS, OTHERS = ("#2f7fd0", "#1f9d8a", "#5f6fd8"), ("#8d939c", "#d9822b", "#b0609f", "#a08a20")
LINE_RATE = (67.2, "10 GbE, full of 64-byte frames: 67.2")


@dataclass
class Plot:
    """`of`: the rows whose `of` it matches. `unit`: those of that unit."""
    file: str
    title: str
    rows: tuple
    unit: str
    of: str = ""
    rule: tuple = None
    log: bool = False


PLOTS = [
    Plot("pipeline.svg", "Burst to rewritten burst, by number of pins", ("pipeline",),
         "ns a packet", "requests and answers", LINE_RATE),
    Plot("traffic.svg", "Burst to rewritten burst, by what is in it", ("new", "mix", "invite",
         "switches"), "ns a packet", rule=LINE_RATE),
    Plot("forward.svg", "A worker of turnout-dp, against testpmd", ("forward",), "ns a packet",
         rule=LINE_RATE),
    Plot("xdp.svg", "turnout-xdp's program, against one that decides nothing", ("xdp",),
         "ns a packet", rule=LINE_RATE),
    Plot("peers.svg", "Packets a second, both engines and others", ("peers",), "packets/s"),
    Plot("connections.svg", "Connections a second, both engines and others", ("peers",),
         "connections/s"),
    Plot("commit.svg", "A generation of 10,000 routes, over a million pins", ("commit",), "ms",
         log=True),
    Plot("plan.svg", "From a changed plan to the live generation", ("plan",), "ms", log=True),
]


def rows_of(plot, rows):
    return [r for r in rows if r["name"] in plot.rows and bench_show.unit(r) == plot.unit
            and re.search(plot.of, r["of"])]


def is_ours(row, name):
    subject = row.get("subject_name")
    if bench_show.form(row) == "packet":
        return name == subject
    return name == subject or name.startswith("turnout")


def colours(rows):
    """{contender: colour}, by order of appearance, ours from colours of their own."""
    found, used = {}, {True: 0, False: 0}
    for row in rows:
        for name in bench_show.spreads(row):
            if name not in found:
                ours = is_ours(row, name)
                of = OURS if ours else OTHERS
                found[name] = of[used[ours] % len(of)]
                used[ours] += 1
    return found


def has_p99(rows):
    return any("p99" in s for r in rows for s in bench_show.spreads(r).values())


def legend(plot, rows):
    diamond = "; diamond: 99th percentile" if has_p99(rows) else ""
    if plot.unit.endswith("/s"):
        return "bar: to the median; line: to the largest sample" + diamond
    return "bar: to the smallest sample; line: to the median" + diamond


def short(value):
    """As narrow as it can be read."""
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 1e4:
        return f"{value / 1e3:.0f} k"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def bars_of(plot, row, colour):
    rate = plot.unit.endswith("/s")
    for name, s in bench_show.spreads(row).items():
        best = s["max"] if rate else s["min"]
        values = [best, s["median"], *([s["p99"]] if "p99" in s else [])]
        yield {"label": name, "best": best, "median": s["median"], "p99": s.get("p99"),
               "value": " / ".join(map(short, values)), "colour": colour[name]}


def svg(plot, rows):
    colour = colours(rows)
    several = len({r["name"] for r in rows}) > 1
    groups = [((f"{r['name']}: " if several else "") + r["of"]
               + ("" if bench_show.is_valid(r) else " – INVALID"), list(bars_of(plot, r, colour)))
              for r in rows]
    column = ("largest" if plot.unit.endswith("/s") else "smallest") + " / median" + (
        " / p99" if has_p99(rows) else "")
    return bench_svg.bars(plot.title, legend(plot, rows), column, plot.unit, groups, plot.rule,
                          plot.log)

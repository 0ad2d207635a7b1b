# SPDX-License-Identifier: BSD-3-Clause
"""docs/benchmarks/results.json, and what is written from it alone: the tables of docs/benchmarks.md
and the plots beside it.

The file is {"rows": {NAME: {commit, begun, load_begin, load_end, machine, rows}}}: of each row of
tools/bench its last whole run, `rows` being what bench_show.py describes."""
import json
import re

import bench_plots
import bench_show

PAGE, RESULTS = "docs/benchmarks.md", "docs/benchmarks/results.json"
MARK = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->\n)", re.DOTALL)
RUN = ("commit", "begun", "load_begin", "load_end", "machine")
MACHINE = ("cpu", "family_model", "mhz", "cpus", "caches", "virtual", "memory", "kernel",
           "mitigations", "hugepages", "transparent_hugepages", "compiler", "dpdk")


class BadResults(Exception):
    """What is wrong with the file, and where."""


def check_group(name, group):
    missing = [k for k in (*RUN, "rows") if k not in group]
    missing += [f"machine.{k}" for k in MACHINE if k not in group.get("machine", {})]
    if missing:
        raise BadResults(f"row '{name}': '{missing[0]}' is missing")
    if not all(bench_show.is_number(group[k]) for k in ("load_begin", "load_end")):
        raise BadResults(f"row '{name}': a load average is no number")
    for i, row in enumerate(group["rows"]):
        try:
            bench_show.check(row)
        except bench_show.BadRow as e:
            raise BadResults(f"row '{name}', number {i + 1}: {e}") from e


def load(path):
    """The results; none where there is no file."""
    if not path.exists():
        return {"rows": {}}
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        groups = results["rows"].items()
    except json.JSONDecodeError as e:
        raise BadResults(f"{path}:{e.lineno}:{e.colno}: {e.msg}") from e
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as e:
        raise BadResults(f"{path}: not results of tools/bench: no object with 'rows'") from e
    try:
        for name, group in groups:
            check_group(name, group)
    except BadResults as e:
        raise BadResults(f"{path}: {e}") from e
    except (TypeError, AttributeError) as e:
        raise BadResults(f"{path}: row '{name}' is not what bench_docs.py describes") from e
    return results


def replace(results, result, names, order):
    """With what a run has measured of these rows, in the order of tools/bench."""
    groups = dict(results["rows"])
    for name in names:
        groups[name] = {**{k: result[k] for k in RUN},
                        "rows": [r for r in result["rows"] if r["name"] == name]}
    ordered = [*(n for n in order if n in groups), *(n for n in groups if n not in order)]
    return {"rows": {n: groups[n] for n in ordered}}


def same_machine(machine):
    """A virtual CPU's frequency is what the kernel has measured at its start."""
    return json.dumps({**machine, "mhz": None}, sort_keys=True)


def runs_markdown(groups):
    """Which rows were measured when, and on which of the machines."""
    machines = {}
    for g in groups.values():
        machines.setdefault(same_machine(g["machine"]), g["machine"])
    letters = {key: chr(ord("A") + i) for i, key in enumerate(machines)}
    runs = {}
    for name, g in groups.items():
        run = (g["commit"], g["begun"], f"{g['load_begin']:.1f}, {g['load_end']:.1f}",
               letters[same_machine(g["machine"])])
        runs.setdefault(run, []).append(f"`{name}`")
    lines = ["| rows | commit | measured | load average before, after | machine |",
             "|---|---|---|---|---|"]
    lines += [f"| {', '.join(names)} | {' | '.join(run)} |" for run, names in runs.items()]
    for key, machine in machines.items():
        lines += ["", f"Machine {letters[key]}:", ""]
        lines += [f"- {name}: {line}" for name, line in bench_show.machine_lines(machine)]
    return lines


def packet_table(rows):
    lines = ["| row | yardstick | ns a packet | Turnout | ns a packet | ratio (of medians) | "
             "target | wrong | samples |", "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        yardstick, subject = (bench_show.figures(r, r[k]) for k in ("yardstick", "subject"))
        verdict = bench_show.verdict(r, r["subject_name"]) or "–"
        lines.append(f"| `{r['name']}`: {r['of']} | {r['yardstick_name']} | {yardstick} | "
                     f"{r['subject_name']} | {subject} | **{r['ratio']:.2f}** "
                     f"({r['ratio_median']:.2f}) | {verdict} | {r['wrong']} | {r['samples']} |")
    return lines


def times_table(rows):
    lines = ["| row | what | ms | samples | lost | target |", "|---|---|---|---|---|---|"]
    for r in rows:
        for what, s in r["times"].items():
            mine = what == r["subject_name"]
            verdict = mine and bench_show.verdict(r, what) or "–"
            lines.append(f"| `{r['name']}`: {r['of']} | {what} | {bench_show.figures(r, s)} | "
                         f"{s['samples']} | {r['wrong']} | {verdict} |")
    return lines


def figures_table(rows):
    lines = ["| row | who | minimum / median / maximum | unit | samples | wrong | target |",
             "|---|---|---|---|---|---|---|"]
    for r in rows:
        for who, s in r["figures"].items():
            verdict = bench_show.verdict(r, who) or "–"
            lines.append(f"| `{r['name']}`: {r['of']} | {who} | {bench_show.figures(r, s)} | "
                         f"{r['unit']} | {r['samples']} | {r['wrong']} | {verdict} |")
    return lines


SECTIONS = [("packet", "Nanoseconds a packet", packet_table), ("times", "Times", times_table),
            ("figures", "Other units", figures_table)]


def notes(rows):
    return [f"- {n}" for n in dict.fromkeys(f"`{r['name']}`, {r['of']}: {r['note']}"
                                            for r in rows if r["note"])]


def markdown(results):
    rows = [r for g in results["rows"].values() for r in g["rows"]]
    lines = runs_markdown(results["rows"])
    for plot in bench_plots.PLOTS:
        if bench_plots.rows_of(plot, rows):
            lines += ["", f"![{plot.title}](benchmarks/{plot.file})"]
    for kind, title, table in SECTIONS:
        mine = [r for r in rows if bench_show.form(r) == kind]
        if mine:
            lines += ["", f"### {title}", "", *table(mine)]
            lines += ["", *notes(mine)] if notes(mine) else []
    return "\n".join(lines) + "\n"


def write(top, results):
    """Tables and plots: the same bytes from the same results."""
    page, folder = top / PAGE, (top / RESULTS).parent
    folder.mkdir(exist_ok=True)
    written = markdown(results)
    page.write_text(MARK.sub(lambda m: m[1] + written + m[2],
                             page.read_text(encoding="utf-8")), encoding="utf-8")
    rows = [r for g in results["rows"].values() for r in g["rows"]]
    for plot in bench_plots.PLOTS:
        found = bench_plots.rows_of(plot, rows)
        if found:
            (folder / plot.file).write_text(bench_plots.svg(plot, found), encoding="utf-8")
        else:
            (folder / plot.file).unlink(missing_ok=True)


def save(top, results):
    (top / RESULTS).parent.mkdir(exist_ok=True)
    (top / RESULTS).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n",
                               encoding="utf-8")
    write(top, results)

# SPDX-License-Identifier: BSD-3-Clause
"""Rows: what they are, whether they are valid, whether their targets are met, and as text.

Each row has `of` (what of), `samples` (how many, of the contender that has the fewest), `wrong`
(wrong verdicts, or frames lost; above 0 makes it invalid), `note` (or ""), and is of one of three
forms. tools/bench adds `name`. A *spread* is {min, median, max} and, where there are samples enough
(100 or more), p99; spread() makes one.

Nanoseconds a packet, two contenders: yardstick_name, yardstick, subject_name, subject (spreads),
ratio (minimum by minimum), ratio_median, target (or None), target_is ("most" or "least": what the
ratio may be at the most or must be at the least).

Times: `times` ({what: spread with its own `samples`}, milliseconds), subject_name (which of them is
meant), target_ms (the median is to be under it; or None).

Anything else: `unit` ("packets/s", "connections/s", "us", "ms", "ns a packet" …), `figures`
({contender: spread}, as many contenders as there are), `targets` (a list, may be empty), each
  {"of": contender, "is": "most" or "least", "ratio": 1.2, "to": contender} (its figure by the
other's), or
  {"of": contender, "is": "most" or "least", "value": 10} (its figure, in the row's unit).
The figure is the best sample's: the largest where the unit ends in "/s", else the smallest; with
"figure": "median" (or "p99") in the target it is that. Contenders named turnout… are drawn as
ours.
"""
import math
import statistics

LEAST_SAMPLES, LEAST_FOR_P99 = 20, 100
COMMON = ("name", "of", "samples", "wrong", "note")
FORMS = {
    "times": ("times", "subject_name", "target_ms"),
    "figures": ("unit", "figures", "targets"),
    "packet": ("yardstick_name", "yardstick", "subject_name", "subject", "ratio", "ratio_median",
               "target", "target_is"),
}


class CannotMeasure(Exception):
    """Why a row could not be measured."""


class BadRow(Exception):
    """In what a row is of none of the forms."""


def spread(samples, per=1):
    """Of samples, in units of `per`."""
    ordered = sorted(samples)
    found = {"min": ordered[0] / per, "median": statistics.median(ordered) / per,
             "max": ordered[-1] / per}
    if len(ordered) >= LEAST_FOR_P99:
        found["p99"] = ordered[math.ceil(len(ordered) * 0.99) - 1] / per
    return found


def form(row):
    return next((f for f in ("times", "figures") if f in row), "packet")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def spreads(row):
    """{contender: spread}, whatever the form."""
    kind = form(row)
    if kind == "packet":
        return {row["yardstick_name"]: row["yardstick"], row["subject_name"]: row["subject"]}
    return row[kind]


def unit(row):
    return {"times": "ms", "packet": "ns a packet"}.get(form(row)) or row["unit"]


def check_spread(name, s):
    if not isinstance(s, dict):
        raise BadRow(f"'{name}' has no minimum, median and maximum")
    for key in ("min", "median", "max", *(k for k in ("p99",) if k in s)):
        if not is_number(s.get(key)):
            raise BadRow(f"'{name}': '{key}' is missing or no number")
    if not s["min"] <= s["median"] <= s["max"]:
        raise BadRow(f"'{name}': the median is not between minimum and maximum")


def check_target(row, target):
    names = row["figures"]
    if not isinstance(target, dict) or target.get("is") not in ("most", "least"):
        raise BadRow("'is' of a target is neither 'most' nor 'least'")
    keys = ("of", "to") if "ratio" in target else ("of",)
    for key in keys:
        if target.get(key) not in names:
            raise BadRow(f"'{key}' of a target names no contender: {target.get(key)}")
    if not is_number(target.get("ratio", target.get("value"))):
        raise BadRow("a target has neither 'ratio' nor 'value'")
    wanted = target.get("figure", "best")
    if wanted not in ("best", "median", "p99"):
        raise BadRow(f"'figure' of a target is none: {wanted}")
    if wanted == "p99" and any("p99" not in names[target[key]] for key in keys):
        raise BadRow("a target is of a p99 that is not there")


def check(row):
    """Raises BadRow unless it is of one of the forms."""
    if not isinstance(row, dict):
        raise BadRow("is no object")
    kind = form(row)
    for key in COMMON + FORMS[kind]:
        if key not in row:
            raise BadRow(f"'{key}' is missing")
    if not all(isinstance(row[key], int) and row[key] >= 0 for key in ("samples", "wrong")):
        raise BadRow("'samples' and 'wrong' are not both counts")
    if kind != "packet" and not (isinstance(row[kind], dict) and row[kind]):
        raise BadRow(f"'{kind}' is empty")
    for name, s in spreads(row).items():
        check_spread(name, s)
    if kind == "figures":
        for target in row["targets"]:
            check_target(row, target)
    elif kind == "times" and row["subject_name"] not in row["times"]:
        raise BadRow("'subject_name' is none of 'times'")
    elif kind == "packet" and row["target_is"] not in ("most", "least"):
        raise BadRow("'target_is' is neither 'most' nor 'least'")


def is_valid(row):
    return row["wrong"] == 0 and row["samples"] >= LEAST_SAMPLES


def is_within(value, bound, target_is):
    return value <= bound if target_is == "most" else value >= bound


def figure(row, name, which):
    if which == "best":
        which = "max" if row["unit"].endswith("/s") else "min"
    return row["figures"][name][which]


def judged_figures(row):
    for target in row["targets"]:
        which = target.get("figure", "best")
        mine, is_what = figure(row, target["of"], which), target["is"]
        kind = "" if which == "best" else f"{which} "
        if "ratio" in target:
            ratio = mine / figure(row, target["to"], which)
            yield target["of"], f"{kind}at {is_what} {target['ratio']:.2f} of {target['to']}", \
                is_within(ratio, target["ratio"], is_what), f" ({ratio:.2f})"
        else:
            yield target["of"], f"{kind}at {is_what} {number(target['value'])} {row['unit']}", \
                is_within(mine, target["value"], is_what), ""


def judged(row):
    """Of each target: (contender, what was wanted, whether it is met, how much it is)."""
    kind = form(row)
    if kind == "figures":
        yield from judged_figures(row)
    elif kind == "times" and row["target_ms"] is not None:
        median = row["times"][row["subject_name"]]["median"]
        yield row["subject_name"], f"median under {row['target_ms']} ms", \
            median < row["target_ms"], ""
    elif kind == "packet" and row["target"] is not None:
        yield row["subject_name"], f"at {row['target_is']} {row['target']:.2f}", \
            is_within(row["ratio"], row["target"], row["target_is"]), ""


def verdict(row, contender):
    """What to say of a contender, "" where it has no target."""
    if not is_valid(row):
        return "INVALID"
    return "; ".join(f"{wanted}: {'met' if met else 'not met'}{how}"
                     for name, wanted, met, how in judged(row) if name == contender)


def number(value):
    """With about three places that say something."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def figures(row, s):
    """A spread as text."""
    say = {"packet": lambda v: f"{v:.1f}", "times": lambda v: f"{v:.2f}"}.get(form(row), number)
    p99 = f" (p99 {say(s['p99'])})" if "p99" in s else ""
    return f"{say(s['min'])} / {say(s['median'])} / {say(s['max'])}{p99}"


def machine_lines(m):
    kept = "; ".join(f"{k}: {v}" for k, v in m["mitigations"].items()) or "none needed"
    return [("CPU", f"{m['cpu']} (family/model {m['family_model']}), {m['mhz']} MHz, "
                    f"{m['cpus']} usable; {m['caches']}; virtual: {m['virtual']}"),
            ("memory", f"{m['memory']}; huge pages reserved: {m['hugepages']}; "
                       f"transparent: {m['transparent_hugepages']}"),
            ("kernel", f"{m['kernel']}; {kept}"),
            ("built by", f"{m['compiler']}, -O3, without assertions; DPDK {m['dpdk']}")]


def heading(result):
    lines = [f"Turnout {result['commit']}, {result['begun']}, load {result['load_begin']:.1f}"
             + (", quick" if result["quick"] else "")]
    lines += [f"  {name + ':':10}{text}" for name, text in machine_lines(result["machine"])]
    return "\n".join(lines) + "\n\nMinimum / median / maximum; the ratio is of the best samples " \
        "(of the medians)."


def ratio(row):
    """Only where there are two, and one is the yardstick."""
    return f"{row['ratio']:.2f} ({row['ratio_median']:.2f})" if form(row) == "packet" else ""


def text(row):
    """As a terminal shows it."""
    wrong = "lost" if form(row) == "times" else "wrong"
    lines = [f"\n{row['name']}: {row['of']}  ({unit(row)}, {row['samples']} samples each, "
             f"{row['wrong']} {wrong})"]
    all_of = spreads(row)
    wide = max(16, *(len(name) + 2 for name in all_of))
    subject = row.get("subject_name")
    for name, s in all_of.items():
        mine = subject in (name, None)
        said = [f"ratio {ratio(row)}" if mine and ratio(row) else "",
                verdict(row, name) if mine else ""]
        lines.append(f"  {name:{wide}}{figures(row, s):>26}   {'  '.join(filter(None, said))}"
                     .rstrip())
    return "\n".join(lines + ([f"  {row['note']}"] if row["note"] else []))

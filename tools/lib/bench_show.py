# SPDX-License-Identifier: BSD-3-Clause
"""Results as a person reads them.

A row of times has `times` ({what: {min, median, max, samples}}, milliseconds), name, of,
subject_name (which of them is meant), samples (the fewest), wrong (frames lost), target_ms (the
most that its median may be, or None), note.

Any other row: name, of, yardstick_name, yardstick and subject ({min, median, max}, nanoseconds a
packet), subject_name, samples, wrong (verdicts), ratio (minimum by minimum; `target_is` says whether the
target is the most or the least that it may be), ratio_median, target (or None), note.
"""
import re

LEAST_SAMPLES = 20
MARK = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->\n)", re.DOTALL)
TIMES_MARK = re.compile(r"(<!-- times -->\n).*?(<!-- end -->\n)", re.DOTALL)


class CannotMeasure(Exception):
    """Why a row could not be measured."""


def is_valid(row):
    return row["wrong"] == 0 and row["samples"] >= LEAST_SAMPLES


def is_met(row):
    if row["target_is"] == "most":
        return row["ratio"] <= row["target"]
    return row["ratio"] >= row["target"]


def verdict(row):
    if not is_valid(row):
        return "INVALID"
    if row["target"] is None:
        return ""
    return f"at {row['target_is']} {row['target']:.2f}: {'met' if is_met(row) else 'not met'}"


def figures(s):
    return f"{s['min']:.1f} / {s['median']:.1f} / {s['max']:.1f}"


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
    return "\n".join(lines) + "\n\nNanoseconds a packet, minimum / median / maximum; the ratio " \
        "is of the minimums (of the medians)."


def times_verdict(row):
    if not is_valid(row):
        return "INVALID"
    if row["target_ms"] is None:
        return ""
    met = row["times"][row["subject_name"]]["median"] < row["target_ms"]
    return f"median under {row['target_ms']} ms: {'met' if met else 'not met'}"


def milliseconds(s):
    return f"{s['min']:.2f} / {s['median']:.2f} / {s['max']:.2f}"


def times_text(row):
    lines = [f"\n{row['name']}: {row['of']}  (milliseconds, {row['wrong']} lost)"]
    for what, s in row["times"].items():
        verdict_of = f"   {times_verdict(row)}" if what == row["subject_name"] else ""
        lines.append(f"  {what:32}{milliseconds(s):>26}  {s['samples']} samples{verdict_of}")
    return "\n".join(lines + ([f"  {row['note']}"] if row["note"] else []))


def text(row):
    if "times" in row:
        return times_text(row)
    lines = [f"\n{row['name']}: {row['of']}  ({row['samples']} samples each, "
             f"{row['wrong']} wrong verdicts)",
             f"  {row['yardstick_name']:16}{figures(row['yardstick']):>26}",
             f"  {row['subject_name']:16}{figures(row['subject']):>26}   "
             f"ratio {row['ratio']:.2f} ({row['ratio_median']:.2f})  {verdict(row)}"]
    if row["note"]:
        lines.append(f"  {row['note']}")
    return "\n".join(lines)


def machine_markdown(result):
    lines = [f"Commit {result['commit']}, {result['begun']}; load average "
             f"{result['load_begin']:.1f} at the beginning, {result['load_end']:.1f} at the end.",
             ""]
    lines += [f"- {name}: {line}" for name, line in machine_lines(result["machine"])]
    return lines


def times_markdown(result):
    lines = machine_markdown(result)
    lines += ["", "| row | what | ms | samples | lost | target |", "|---|---|---|---|---|---|"]
    rows = [r for r in result["rows"] if "times" in r]
    for r in rows:
        for what, s in r["times"].items():
            mine = what == r["subject_name"]
            lines.append(f"| `{r['name']}`: {r['of']} | {what} | {milliseconds(s)} | "
                         f"{s['samples']} | {r['wrong']} | "
                         f"{(times_verdict(r) if mine else '') or '–'} |")
    lines += ["", *(f"- `{r['name']}`, {r['of']}: {r['note']}" for r in rows if r["note"])]
    return "\n".join(lines).rstrip() + "\n"


def markdown(result):
    lines = machine_markdown(result)
    rows = [r for r in result["rows"] if "times" not in r]
    lines += ["", "| row | yardstick | ns a packet | Turnout | ns a packet | ratio (of medians) | "
              "target | wrong | samples |", "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        lines.append(f"| `{r['name']}`: {r['of']} | {r['yardstick_name']} | "
                     f"{figures(r['yardstick'])} | {r['subject_name']} | {figures(r['subject'])} | "
                     f"**{r['ratio']:.2f}** ({r['ratio_median']:.2f}) | {verdict(r) or '–'} | "
                     f"{r['wrong']} | {r['samples']} |")
    lines.append("")
    lines += [f"- {n}" for n in dict.fromkeys(f"`{r['name']}`, {r['of']}: {r['note']}"
                                              for r in rows if r["note"])]
    return "\n".join(lines).rstrip() + "\n"


def write_docs(path, result):
    """Each table that this run has rows of."""
    page = path.read_text(encoding="utf-8")
    if any("times" in r for r in result["rows"]):
        page = TIMES_MARK.sub(lambda m: m[1] + times_markdown(result) + m[2], page)
    if any("times" not in r for r in result["rows"]):
        page = MARK.sub(lambda m: m[1] + markdown(result) + m[2], page)
    path.write_text(page, encoding="utf-8")

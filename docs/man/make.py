#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes a man page out of what there is already: a command's own --help, or a page of docs/.

    make.py turnout VERSION PROGRAM OUT          turnout(1)
    make.py turnoutd VERSION PROGRAM OUT         turnoutd(8)
    make.py turnout-dp VERSION PROGRAM OUT       turnout-dp(8)
    make.py turnout-xdp VERSION PROGRAM OUT      turnout-xdp(8)
    make.py turnout-plan VERSION PLAN.MD OUT     turnout-plan(5)
"""

import re
import subprocess
import sys
from pathlib import Path

from roff import bold, escape, heading, inline, items, literal, markdown

def ask(program, *words):
    run = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True)
    return run.stdout


def options(text):
    """(option with its value, what it does) of a help text; what goes on is indented further."""
    found = []
    for row in text.splitlines():
        option = re.match(r"  (--[a-z][^ ]*(?: [^ ]+)*?)(?:  +(.*))?$", row)
        if option:
            found.append([option[1], option[2] or ""])
        elif found and re.match(r" {12,}\S", row):
            found[-1][1] += " " + row.strip()
        elif found and not row.strip() and found[-1][1]:
            continue
    return [(bold(name), inline(about.strip())) for name, about in found]


def commands(listed):
    """(usage, summary) of each command of `turnout --help`."""
    return re.findall(r"^  turnout (.+)\n +(.+)$", listed, re.M)


def exit_codes(listed):
    words = " ".join(re.search(r"^Exit codes: (.*)\Z", listed, re.M | re.S)[1].split()).rstrip(".")
    return items(tuple(map(escape, code.split(" ", 1))) for code in words.split("; "))


def synopsis(words):
    """Bold what is typed, slanted what it stands for."""
    return " ".join(bold(w) if not w.isupper() else f"\\fI{literal(w)}\\fR" for w in words.split())


def turnout(version, program):
    listed = ask(program)
    out = heading("TURNOUT", 1, version, "turnout", "plan and run the cutover of RTC Edge pools")
    out += [".SH SYNOPSIS"]
    names = []
    for usage, summary in commands(listed):
        plain = usage.split(" [--")[0]
        names.append((re.match(r"[a-z]+( [a-z]+)?", usage)[0].strip(), plain, summary))
        out += [bold("turnout ") + synopsis(plain) + " [\\fIoption\\fR...]", ".br"]
    out += [".SH DESCRIPTION", "Reads a plan for moving traffic from an old pool of Edge servers "
            "to a new one in stages, says what each stage does, and sends captures through the "
            "engine that will do it. Of a live gateway it asks the control process, "
            "\\fBturnoutd\\fR, how things are, and lets it switch stages and take edges out.", "The plan is described in \\fBturnout\\-plan\\fR(5)."]
    for words, plain, summary in names:
        out += [f'.SS "turnout {literal(plain)}"', inline(summary)]
        out += items(options(ask(program, *words.split())))
    out += [".SH ENVIRONMENT"] + items([
        (bold("TURNOUT_DP") + ", " + bold("TURNOUT_XDP"), "the engine that a replay is handed to, "
         "instead of the \\fBturnout\\-dp\\fR or \\fBturnout\\-xdp\\fR beside this program or in "
         "PATH"),
        (bold("TURNOUT_SOCKET"), "the socket of turnoutd, where \\fB\\-\\-socket\\fR names none"),
        (bold("NO_COLOR"), "not empty: no colours")])
    out += [".SH EXIT STATUS"] + exit_codes(listed)
    out += [".SH EXAMPLES", ".nf", literal("turnout check plan.yaml"),
            literal("turnout diff plan.yaml access-10 access-25"),
            literal("turnout replay plan.yaml day.pcap --stage baseline --at 30m=canary"),
            literal("turnout status"), literal("turnout stage next --why 'quiet hour'"), ".fi",
            ".SH SEE ALSO", "\\fBturnout\\-plan\\fR(5), \\fBturnout\\-dp\\fR(8), "
            "\\fBturnout\\-xdp\\fR(8)"]
    return out


def turnoutd(version, program):
    listed = ask(program)
    usage, about, rest = listed.split("\n\n", 2)
    out = heading("TURNOUTD", 8, version, "turnoutd", "run the cutover of RTC Edge pools")
    out += [".SH SYNOPSIS", synopsis(usage.partition(": ")[2])]
    out += [".SH DESCRIPTION", inline(" ".join(about.split())), ".SH OPTIONS"]
    out += items(options(rest))
    for part in rest.split("\n\n"):
        if part.startswith("Exit status: "):
            out += [".SH EXIT STATUS", inline(" ".join(part.partition(": ")[2].split()))]
        elif not part.startswith("  --"):
            out += [".SH SIGNALS", inline(" ".join(part.split()))]
    return out + [".SH ENVIRONMENT"] + items([
        (bold("NOTIFY_SOCKET"), "where the service manager is told: see "
         "\\fBsd_notify\\fR(3)")]) + [
        ".SH SEE ALSO", "\\fBturnout\\fR(1), \\fBturnout\\-plan\\fR(5), "
        "\\fBturnout\\-dp\\fR(8), \\fBturnout\\-xdp\\fR(8)"]


def engine(name, about):
    """The page of an engine, made of its commands' help."""
    return lambda version, program: engine_page(name, about, version, program)


def engine_page(name, about, version, program):
    listed = ask(program)
    out = heading(name.upper(), 8, version, literal(name), about)
    helps = [(word, ask(program, word)) for word in re.findall(r"^  ([a-z]+)  ", listed, re.M)]
    out += [".SH SYNOPSIS"]
    for _, text in helps:
        usage = re.match(rf"Usage: {name} (.*)", text)[1]
        out += [bold(f"{name} ") + synopsis(usage), ".br"]
    out += [".SH DESCRIPTION", "Steers packets by a table that \\fBturnout table write\\fR makes "
            "of a plan's stage."]
    for command, text in helps:
        does, _, rest = text.partition("\n\n")[2].partition("\n\n")
        out += [f".SS {command}", inline(" ".join(does.split()))] + items(options(rest))
        after = [p for p in rest.split("\n\n") if not p.startswith("  --")]
        for words in after:
            out += [".PP", inline(" ".join(words.split()))]
    return out + [".SH SEE ALSO", "\\fBturnout\\fR(1), \\fBturnout\\-plan\\fR(5)"]


def turnout_plan(version, page):
    text = Path(page).read_text(encoding="utf-8")
    body = text.partition("\n")[2]
    out = heading("TURNOUT-PLAN", 5, version, "turnout\\-plan", "the plan of a cutover")
    out += [".SH DESCRIPTION"] + markdown(body)
    return out + [".SH SEE ALSO", "\\fBturnout\\fR(1)"]


PAGES = {"turnout": turnout, "turnoutd": turnoutd,
         "turnout-dp": engine("turnout-dp", "the DPDK engine of Turnout"),
         "turnout-xdp": engine("turnout-xdp", "the XDP engine of Turnout"),
         "turnout-plan": turnout_plan}


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in PAGES:
        sys.exit(__doc__)
    which, version, source, out = sys.argv[1:]
    text = "\n".join(PAGES[which](version, source)) + "\n"
    Path(out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

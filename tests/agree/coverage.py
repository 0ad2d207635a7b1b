# SPDX-License-Identifier: BSD-3-Clause
"""What the random worlds made happen, and what they must, so that they cannot become weak."""

import re

from world import TOP

LISTS = TOP / "include" / "turnout" / "lists.h"
# Pairs that a reason alone does not ask for.
PAIRS = (("drop", "midflow"), ("steer", "midflow"), ("drop", "fragment"), ("steer", "fragment"),
         ("reply", "fragment"), ("out", "fragment"), ("steer", "icmp-error"),
         ("reply", "icmp-error"))
EDGE_EVENTS = ("stage", "back", "down", "up", "drain", "retire", "readmit", "reset")
# Tables of the usual size are never full in a world; each engine cleans up when it sees fit; and
# in a replay every next hop is there, and room in front of every frame; nor are there ten thousand
# segments in a second.
NEVER = ("entry-lost", "unproven-displaced", "proven-full", "reclaimed", "no-nexthop", "no-room",
         "reset-unsent")


def names(what):
    """Of a list of lists.h, such as TO_REASONS."""
    text = LISTS.read_text(encoding="utf-8")
    found = re.search(rf"#define {what}\(X\)(.*?)\n\n", text, re.DOTALL)
    return re.findall(r'X\(\w+, "([^"]+)"\)', found.group(1))


def modes():
    """Of steered packets: mode and family, of a tunnel both families."""
    for mode in names("TO_MODES"):
        for family in (4, 6):
            outers = [f" in IPv{outer}" for outer in (4, 6)] if mode == "ipip" else [""]
            yield from (f"{mode} IPv{family}{outer}" for outer in outers)


def missing(seen):
    """Names of what never occurred and should have."""
    reasons = {key[2] for key in seen if key[0] == "verdict"}
    yield from (f"reason {r}" for r in names("TO_REASONS") if r not in reasons)
    yield from (f"{v}, {r}" for v, r in PAIRS if not seen["verdict", v, r])
    yield from (f"class {c}" for c in names("TO_CLASSES") if not seen["class", c])
    yield from (f"mode {m}" for m in modes() if not seen["mode", m])
    yield from (f"schedule {e}" for e in EDGE_EVENTS if not seen["event", e])
    yield from (f"event {e}" for e in names("TO_EVENTS")
                if e not in NEVER and not seen["counted", e])


def table(seen):
    """Lines for a reader."""
    rows = [(key[1:], n) for key, n in seen.items() if key[0] == "verdict"]
    yield "frames of random worlds by verdict and reason:"
    for (verdict, reason), n in sorted(rows):
        yield f"  {n:8}  {verdict:7} {reason}"
    for kind, title in (("class", "by class"), ("mode", "steered, by the edge's mode"),
                        ("event", "events of schedules"), ("counted", "events beside verdicts")):
        found = sorted((key[1], n) for key, n in seen.items() if key[0] == kind and n)
        yield f"{title}: " + ", ".join(f"{name} {n}" for name, n in found)

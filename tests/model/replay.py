#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A capture through the reference model: one line of verdicts.jsonl a frame."""

import argparse
import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from model import events, invariants, pcap, plan  # noqa: E402
from model.decide import Engine  # noqa: E402

SECOND = 10**9


def time_of(text, start):
    """Nanoseconds since 1970 of `90`, `1.5`, `15m` (from the first frame) or an ISO time."""
    if "T" in text:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        return int(moment.timestamp()) * SECOND
    unit = 1
    if text[-1] in plan.UNITS:
        unit, text = plan.UNITS[text[-1]], text[:-1]
    return start + int(Decimal(text) * unit * SECOND)


def schedule(ats, start):
    """(time, event), by time; events of one time in the order given."""
    pairs = [at.split("=", 1) for at in ats]
    return sorted(((time_of(t, start), event) for t, event in pairs), key=lambda pair: pair[0])


def replay(engine, frames, ats, watch=None):
    """Yields (frame number, verdict, generation)."""
    due = schedule(ats, frames[0][0] if frames else 0)
    latest = 0
    for number, (time, frame) in enumerate(frames, 1):
        latest = max(latest, time)
        while due and due[0][0] <= latest:
            time, event = due.pop(0)
            engine.now = max(engine.now, time // SECOND)
            events.apply(engine, event, engine.now)
        if watch:
            watch.before(frame)
        found = engine.decide(frame, latest // SECOND)
        if watch:
            watch.after(number, found)
        yield number, found, engine.generation


def lines(engine, frames, ats, watch=None):
    for number, found, generation in replay(engine, frames, ats, watch):
        yield found.line(number, generation) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan")
    parser.add_argument("pcap")
    parser.add_argument("--stage")
    parser.add_argument("--at", action="append", default=[], metavar="TIME=EVENT")
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument("--sip-rate", type=int, default=0, help="kB a second (default 0: any)")
    parser.add_argument("--unproven", type=int, default=1 << 20, help="entries of each kind")
    parser.add_argument("--proven", type=int, default=1 << 20, help="entries of each kind")
    parser.add_argument("--check", action="store_true", help="check the invariants on the way")
    parser.add_argument("--out", metavar="FILE")
    args = parser.parse_args()
    engine = Engine(plan.load(args.plan), args.stage, args.mtu, args.unproven, args.proven,
                    args.sip_rate)
    watch = invariants.Watch(engine) if args.check else None
    with open(args.out, "w", encoding="utf-8") if args.out else sys.stdout as f:
        f.writelines(lines(engine, pcap.read(args.pcap), args.at, watch))


if __name__ == "__main__":
    main()

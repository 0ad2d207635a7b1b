#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes a case in which two engines differ short: frames and events are left out as long as they
still differ.

    shrink.py --turnout TURNOUT [--engines ONE OTHER] DIR

DIR is what world.py wrote, or `judge.py --work` kept; the rest is left in DIR-short. An engine may
be called `model`: the reference model's verdicts are then all that is compared."""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import cases  # noqa: E402
import differ  # noqa: E402
import engines  # noqa: E402
import world  # noqa: E402
from model import pcap, plan, replay  # noqa: E402
from model.decide import Engine  # noqa: E402


class Shrinker:
    def __init__(self, args, work):
        self.args, self.work = args, work
        self.case = cases.directory_case("shrunk", args.directory, "")
        self.case.keep = engines.keep_directory(os.getpid(), "shrink")
        self.start = pcap.read(self.case.pcap)[0][0]
        self.tries = 0

    def with_parts(self, frames, events):
        """The case of these frames and events. Events count from the first frame: so the first
        frame of all stays what time counts from."""
        path = self.work / "in.pcap"
        path.write_bytes(world.pcap(frames))
        shift = frames[0][0] - self.start
        moved = []
        for event in events:
            time, what = event.split("=")
            at = max(0, replay.time_of(time, 0) - shift)
            moved.append(f"{at // world.NANO}.{at % world.NANO:09d}={what}")
        return replace(self.case, pcap=path, events=moved)

    def lines(self, engine, case):
        if engine == "model":
            made = Engine(plan.load(case.plan), case.stage, case.mtu, sip_rate=case.sip_rate)
            return [line.rstrip("\n")
                    for line in replay.lines(made, pcap.read(case.pcap), case.events)]
        run = engines.Run(self.args.turnout, engine, case, self.work / engine)
        return differ.Side(engine, *run.finish(), run.out)

    def difference(self, frames, events):
        self.tries += 1
        case = self.with_parts(frames, events)
        one, other = [self.lines(engine, case) for engine in self.args.engines]
        if "model" not in self.args.engines:
            return differ.complaint(case, one, other, self.work)
        texts = [(name, side if isinstance(side, list) else side.lines())
                 for name, side in zip(self.args.engines, (one, other))]
        return differ.verdicts(case, *texts, self.work)

    def shrink(self, frames, events):
        """(frames, events): none of them, and no run of them, can be left out."""
        frames = self.fewer(frames, lambda kept: kept and self.difference(kept, events))
        events = self.fewer(events, lambda kept: self.difference(frames, kept))
        return self.fewer(frames, lambda kept: kept and self.difference(kept, events)), events

    @staticmethod
    def fewer(things, differs):
        """Leaves out halves, quarters … and single ones, from the end on."""
        size = max(1, len(things) // 2)
        while True:
            at = len(things)
            while at > 0:
                kept = things[:max(0, at - size)] + things[at:]
                if len(kept) < len(things) and differs(kept):
                    things = kept
                at -= size
            if size == 1:
                return things
            size //= 2


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--turnout", type=Path,
                        default=world.TOP / "build" / "control" / "turnout")
    parser.add_argument("--engines", nargs=2, default=["dpdk", "xdp"],
                        choices=["model", *engines.OPTIONS])
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as work:
            print(shorten(Shrinker(args, Path(work)), Path(f"{args.directory}-short")))
    finally:
        engines.forget(os.getpid())


def shorten(shrinker, to):
    frames, events = pcap.read(shrinker.case.pcap), shrinker.case.events
    if not shrinker.difference(frames, events):
        sys.exit("they do not differ")
    frames, events = shrinker.shrink(frames, events)
    wrong = shrinker.difference(frames, events)
    save(shrinker.with_parts(frames, events), to)
    return (f"{len(frames)} frames and {len(events)} events are left, after {shrinker.tries} "
            f"tries, in {to}: {wrong}")


def save(case, to):
    to.mkdir(exist_ok=True)
    (to / "in.pcap").write_bytes(case.pcap.read_bytes())
    (to / "plan.yaml").write_bytes(case.plan.read_bytes())
    (to / "stage").write_text(case.stage + "\n", encoding="utf-8")
    (to / "mtu").write_text(f"{case.mtu}\n", encoding="utf-8")
    (to / "sip-rate").write_text(f"{case.sip_rate}\n", encoding="utf-8")
    (to / "events").write_text("".join(e + "\n" for e in case.events), encoding="utf-8")


if __name__ == "__main__":
    main()

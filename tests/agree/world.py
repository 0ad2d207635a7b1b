#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A random world: a plan, a capture and a schedule of events, all of a number.

    world.py SEED DIR

writes DIR/plan.yaml, in.pcap, stage, mtu, sip-rate, events (lines for --at) and expected.jsonl.

The traffic is made with the reference model beside it, which says of each frame where it goes: so
the right edge can answer, or the wrong one, and long before the end of a world there are flows of
all ages. What the model says of the whole capture is in expected.jsonl."""

import argparse
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE), str(TOP / "tests"), str(TOP / "pcaps")]

import mangle  # noqa: E402
import plans  # noqa: E402
from dice import Dice  # noqa: E402
from model import events as happenings  # noqa: E402
from model import parse  # noqa: E402
from model import plan as model_plan  # noqa: E402
from model.decide import Engine  # noqa: E402
from traffic import actors, packets  # noqa: E402

NANO = 10**9
START = 1767261600 * NANO  # 2026-01-01T10:00:00Z
MICRO, MILLI = 1000, 10**6
ATTEMPTS = 50


class World:
    def __init__(self, seed, attempt=0):
        self.dice = dice = Dice(f"agree/{seed}/{attempt}")
        self.doc = plans.generate(dice)
        self.plan_text = plans.text(self.doc)
        self.plan = model_plan.Plan(plans.scalars(self.doc))
        self.stage = self.plan.stages[0 if dice.often(70) else -1].name
        self.mtu = 1500 if dice.often(75) else dice.pick([576, 1280, 1400, 1492, 2000])
        # dice of their own: the guard came later, and old worlds are to stay as they were
        guard = Dice(f"agree-guard/{seed}/{attempt}")
        self.sip_rate = guard.pick([1, 2, 20]) if guard.often(15) else 0
        self.engine = Engine(self.plan, self.stage, self.mtu, sip_rate=self.sip_rate)
        self.sender = packets.Sender(self)
        self.noise = dice.pick([0, 0, 5, 20, 60])  # frames of a thousand that are damaged
        self.clock = START + dice.below(NANO)
        self.latest = 0
        self.frames = []  # (nanoseconds, frame)
        self.found = []  # the model's lines
        self.events = []  # lines of TIME=EVENT
        self.due = []  # (nanoseconds, event) that the model has not seen
        self.flows = []  # the last ones, for whoever wants to meddle with them
        self.scripts = []  # [due time, script]
        self.seen = Counter()

    # Time

    def gap(self):
        """Nanoseconds until the next thing happens, if nobody waits for something."""
        low, high = self.dice.weighed([
            (55, (MICRO, 300 * MICRO)), (28, (MILLI, 100 * MILLI)), (10, (100 * MILLI, NANO)),
            (5, (NANO, 4 * NANO)), (2, (4 * NANO, 12 * NANO))])
        return self.dice.between(low, high)

    def emit(self, frame):
        """The model's verdict on it. Now and then a time stamp runs backwards."""
        dice, stamp = self.dice, self.clock
        if dice.chance(self.noise):
            frame = mangle.frame_of(dice, frame)
        frame = mangle.clamp(frame)
        if self.frames and dice.chance(8):
            stamp -= dice.below(5 * NANO)
        self.latest = max(self.latest, stamp)
        self.happen()
        found = self.engine.decide(frame, self.latest // NANO)
        self.frames.append((stamp, frame))
        self.found.append(found.line(len(self.frames), self.engine.generation))
        self.count(found, frame)
        self.clock += dice.between(MICRO, 50 * MICRO)
        return found

    def happen(self):
        """What was due by the latest time stamp."""
        engine = self.engine
        while self.due and self.due[0][0] <= self.latest:
            time, event = self.due.pop(0)
            engine.now = max(engine.now, time // NANO)
            happenings.apply(engine, event, engine.now)

    def event(self, what):
        """From now on: in the schedule, and in the model with the next frame."""
        if not self.frames:
            return
        after = self.clock - self.frames[0][0]
        self.events.append(f"{after // NANO}.{after % NANO:09d}={what}")
        self.due.append((self.clock, what))
        self.seen["event", self.kind_of(what)] += 1

    def kind_of(self, what):
        if ":" in what:
            return what.partition(":")[0]
        names = [s.name for s in self.plan.stages]
        now = self.engine.stages.stage.name
        return "back" if names.index(what) < names.index(now) else "stage"

    # Who acts

    def spawn(self, script, wait=0):
        self.scripts.append([self.clock + wait, script])

    def step(self):
        """One of those who may act does; or time goes on until somebody may."""
        self.clock += self.gap()
        ready = [s for s in self.scripts if s[0] <= self.clock]
        if not ready or self.dice.often(6):
            ready = [min(self.scripts, key=lambda s: s[0])]
        chosen = self.dice.pick(ready)
        self.clock = max(self.clock, chosen[0])
        wait = next(chosen[1], None)
        if wait is None:
            self.scripts.remove(chosen)
        else:
            chosen[0] = self.clock + wait

    def run(self):
        frames = self.dice.between(60, 300)
        company = self.dice.between(2, 9)
        choice = actors.choice(self)
        while len(self.frames) < frames:
            while len(self.scripts) < company:
                self.spawn(self.dice.weighed(choice)(self))
            self.step()
        return self

    def count(self, found, frame):
        self.seen["verdict", found.verdict, found.reason] += 1
        self.seen["class", found.klass] += 1
        if found.verdict == "steer" and found.service:
            family = parse.addresses_of(frame).family
            outer = found.edge.address(found.service, family).version
            mode = f"{found.edge.mode} IPv{family}"
            self.seen["mode", mode + (f" in IPv{outer}" if found.edge.mode == "ipip" else "")] += 1

    # Files

    def write(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        files = {"plan.yaml": self.plan_text, "stage": self.stage + "\n", "mtu": f"{self.mtu}\n",
                 "sip-rate": f"{self.sip_rate}\n",
                 "events": "".join(e + "\n" for e in self.events),
                 "expected.jsonl": "".join(line + "\n" for line in self.found)}
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        (directory / "in.pcap").write_bytes(pcap(self.frames))


def pcap(frames):
    """Ethernet, with nanoseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for time, frame in frames:
        parts += [struct.pack("<IIII", time // NANO, time % NANO, len(frame), len(frame)), frame]
    return b"".join(parts)


def refused(turnout, plan_text, directory):
    """What `turnout check` has against a plan, or None."""
    path = directory / "plan.yaml"
    path.write_text(plan_text, encoding="utf-8")
    done = subprocess.run([turnout, "check", path], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"turnout check: exit {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr if done.returncode else None


def generate(seed, turnout, directory):
    """The world of this number, written below the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for attempt in range(ATTEMPTS):
        world = World(seed, attempt)
        why = refused(turnout, world.plan_text, directory)
        if why is None:
            world.seen["plans refused"] = attempt
            world.run().write(directory)
            return world
    raise RuntimeError(f"world {seed}: {ATTEMPTS} plans are refused, the last one: {why}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--turnout", type=Path, default=TOP / "build" / "control" / "turnout")
    args = parser.parse_args()
    world = generate(args.seed, args.turnout, args.directory)
    print(f"{len(world.frames)} frames, {len(world.events)} events, mtu {world.mtu}, "
          f"SIP rate {world.sip_rate}")


if __name__ == "__main__":
    main()

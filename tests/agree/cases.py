# SPDX-License-Identifier: BSD-3-Clause
"""What is replayed: fixtures, captures, random worlds. Each is a plan, a capture and a schedule."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import world
from model import pcap
from world import TOP

NANO = 10**9


@dataclass
class Case:
    name: str
    plan: Path
    pcap: Path
    stage: str
    events: list = field(default_factory=list)
    mtu: int = 1500
    sip_rate: int = 0
    expected: Path = None  # the model's lines, where it has been asked
    again: str = ""  # options of judge.py that repeat this case alone
    keep: Path = None  # where the XDP engine keeps its program
    seen: dict = None  # of a world: what occurred in it

    def arguments(self):
        ats = [x for event in self.events for x in ("--at", event)]
        return [str(self.plan), str(self.pcap), "--stage", self.stage, "--mtu", str(self.mtu),
                "--sip-rate", str(self.sip_rate), *ats]


@dataclass
class Order:
    """A case that is still to be made, by the process that replays it."""
    kind: str  # fixture, capture, foreign, world
    name: str
    row: dict = None  # of a capture: its row of pcaps/index.json


def lines_of(path):
    return [e for e in path.read_text(encoding="utf-8").splitlines() if e and e[0] != "#"]


def directory_case(name, at, again):
    """A case whose files lie in a directory, as make.py and world.py write them."""
    def number(name, default):
        return int((at / name).read_text()) if (at / name).exists() else default
    return Case(name, at / "plan.yaml", at / "in.pcap", (at / "stage").read_text().strip(),
                lines_of(at / "events"), number("mtu", 1500), number("sip-rate", 0),
                at / "expected.jsonl", again)


def make(order, work, turnout):
    return MAKERS[order.kind](order, work, turnout)


def make_fixture(order, work, _turnout):
    return directory_case(f"fixture {order.name}", work / "fixtures" / order.name,
                          f"--fixture {order.name}")


def make_capture(order, work, _turnout):
    row = order.row
    events = lines_of(TOP / "pcaps" / row["events"]) if row["events"] else []
    return Case(f"capture {order.name}", TOP / row["plan"], work / "pcaps" / f"{order.name}.pcap",
                row["stage"], events, again=f"--capture {order.name}")


def make_foreign(order, work, _turnout):
    """A capture of another site: its busiest servers are VIPs, and half way the stage changes."""
    path = Path(order.name)
    plan = work / f"{path.name}.yaml"
    subprocess.run([sys.executable, TOP / "tools" / "plan-for-capture.py", path, "--out", plan],
                   check=True, stderr=subprocess.DEVNULL)
    times = [time for time, _ in pcap.read(path)]
    middle = max(0, times[len(times) // 2] - times[0])
    return Case(f"capture {path.name}", plan, path, "before",
                [f"{middle // NANO}.{middle % NANO:09d}=half"], again=f"--capture {path}")


def make_world(order, work, turnout):
    at = work / f"world-{order.name}"
    made = world.generate(order.name, turnout, at)
    case = directory_case(f"world {order.name}", at, f"--world {order.name}")
    case.seen = made.seen
    return case


MAKERS = {"fixture": make_fixture, "capture": make_capture, "foreign": make_foreign,
          "world": make_world}


def fixtures(work, only=None):
    directory = work / "fixtures"
    done = subprocess.run([sys.executable, TOP / "tests" / "fixtures" / "make.py", directory],
                          check=False, capture_output=True, text=True)
    names = sorted(p.parent.name for p in directory.glob("*/plan.yaml"))
    if not names:
        raise RuntimeError(f"no fixtures could be made: {done.stdout}{done.stderr}")
    return [Order("fixture", name) for name in names if only in (None, name)]


def captures(work, only=None):
    """The longest first, so that none of them is left alone at the end."""
    rows = json.loads((TOP / "pcaps" / "index.json").read_text(encoding="utf-8"))["captures"]
    rows = [row for row in rows if only in (None, row["name"])]
    if rows:
        subprocess.run([sys.executable, TOP / "pcaps" / "generate.py", "--out", work / "pcaps",
                        *(row["name"] for row in rows)], check=True, stdout=subprocess.DEVNULL)
    rows.sort(key=lambda row: -(work / "pcaps" / f"{row['name']}.pcap").stat().st_size)
    return [Order("capture", row["name"], row) for row in rows]


def foreign():
    directory = os.environ.get("TURNOUT_CAPTURES")
    paths = sorted(p for p in Path(directory).iterdir() if p.suffix in (".pcap", ".pcapng")) \
        if directory else []
    return [Order("foreign", str(path)) for path in paths]


def worlds(first, count):
    return [Order("world", str(seed)) for seed in range(first, first + count)]

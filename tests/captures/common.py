# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the captures share."""
import json
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PCAPS = TOP / "pcaps"
sys.path[:0] = [str(PCAPS), str(TOP / "tests")]

import generate  # noqa: E402
from wire import capture  # noqa: E402

MADE = {}


def index():
    with open(PCAPS / "index.json", encoding="utf-8") as rows:
        return json.load(rows)["captures"]


def frames(name):
    """(nanoseconds, frame) of a capture; each is made once a run."""
    if name not in MADE:
        MADE[name] = generate.scenes()[name]()
    return MADE[name]


def schedule(row):
    """The `--at` of a capture's replay."""
    if not row["events"]:
        return []
    return (PCAPS / row["events"]).read_text(encoding="utf-8").split()


def moments(name):
    """Frames as the model's reader gives them: nanoseconds since 1970."""
    return [(capture.EPOCH * capture.NANO + when, frame) for when, frame in frames(name)]

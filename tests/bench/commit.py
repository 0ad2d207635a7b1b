#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""From COMMIT to live: commit.py dp|xdp FLOWS ROUTES SAMPLES. Prints JSON: {"pins", "sent", "lost",
"image", "prepare", "live", "yardstick"}, the last three lists of nanoseconds.

FLOWS pins live in the engine, of which some go on talking; generations of two stages with ROUTES
routes are published in turn. TURNOUT_BUILD is the build directory."""

import json
import sys
import tempfile
from pathlib import Path

from plans import STAGES, write_plan
from wire import ENGINES, FIRST, TALKS, Sender, Wire, enter, image_of, make_flows

from common import renumbered
from protocol import Client

RATE = 2000  # frames a second


def measure(client, engine, images, samples):
    yardstick = engine.yardstick(engine)
    found = {"prepare": [], "live": [], "yardstick": []}
    try:
        for i in range(samples):
            image = renumbered(images[i % 2], client.welcome.generation + 2 + i)
            found["yardstick"].append(yardstick.measure())
            prepared = client.prepare(image)
            found["prepare"].append(prepared.took_ns)
            found["live"].append(client.commit(prepared.generation)[-1].took_ns)
    finally:
        yardstick.close()
    return found


def run(engine, directory, flows, routes, samples):
    plan = directory / "plan.yaml"
    write_plan(plan, routes, 20)
    room = flows + flows // 4 + 4096
    talks = flows if engine.learns else min(flows, TALKS)
    state, capture = make_flows(plan, flows, room, directory, talks)
    images = [image_of(plan, stage, directory) for stage in STAGES]
    wire = Wire()
    engine.start(state, room)
    with Client(engine.path) as client:
        client.publish(renumbered(image_of(plan, FIRST, directory), client.welcome.generation + 1))
        engine.fill(capture)
        pins, begin = engine.pins(), wire.settled()
        sender = Sender(capture, RATE)
        while wire.counted()[0] < begin[0] + RATE // 10:
            client.page(limit=1)
        found = measure(client, engine, images, samples)
        sender.stop()
    end = wire.settled()
    sent, received = (e - b for b, e in zip(begin, end))
    return {"pins": pins, "sent": sent, "lost": sent - received, "image": len(images[1]), **found}


def main():
    enter()
    name, flows, routes, samples = sys.argv[1], *map(int, sys.argv[2:5])
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as work:
        engine = ENGINES[name](Path(work))
        try:
            print(json.dumps(run(engine, Path(work), flows, routes, samples)))
        finally:
            engine.stop()


if __name__ == "__main__":
    main()

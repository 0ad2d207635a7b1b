#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""From `turnout reload` to the live generation: reload.py dp|xdp ROUTES SAMPLES. Prints JSON:
{"check", "prepare", "live", "reload", "stale", "edges", "routes", "bytes", "image"}, the first four
lists of nanoseconds.

Each plan differs from the one before in the share of every route. When the command has ended,
every worker must be at its generation and the routes must be the new ones; `stale` is how often it
was not so. TURNOUT_BUILD is the build directory."""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plans import STAGES, write_plan
from status import Daemon
from wire import ENGINES, Wire, enter, image_of, make_flows

from common import TURNOUT
from protocol import Client

EDGES, POOL = 64, 12  # a table's bound, an Edge pool's
FLOWS, ROOM = 1000, 16384


def add_edges(text):
    """Pools that no service names, until there are as many edges as a table may have."""
    pools, n = "", 4
    while n < EDGES:
        of = range(n, min(n + POOL, EDGES))
        edges = ", ".join(f"x{i}: {{media: 10.1.1.{i}}}" for i in of)
        pools += f"  spare{n}: {{role: new, edges: {{{edges}}}}}\n"
        n = of.stop
    text = text.replace("services:\n", f"{pools}services:\n", 1)
    return re.sub(r"(kind: (media|turn),)", r"\1 pools: {legacy: legacy, new: new},", text)


def write(path, routes, share):
    write_plan(path, routes, share)
    path.write_text(add_edges(path.read_text(encoding="utf-8")), encoding="utf-8")


def took(begun):
    return time.monotonic_ns() - begun


def check_ns(plan):
    """What a person would do first: the plan read and checked, in a process of its own."""
    begun = time.monotonic_ns()
    done = subprocess.run([TURNOUT, "check", plan], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"turnout check: {done.stdout}{done.stderr}")
    return took(begun)


def reload_ns(daemon):
    """(the whole command, what it said)"""
    begun = time.monotonic_ns()
    done = daemon.turnout("reload", "--json")
    whole = took(begun)
    if done.returncode:
        sys.exit(f"turnout reload: {done.stdout}{done.stderr}")
    return whole, json.loads(done.stdout)


def is_live(daemon, engine, generation, share):
    """By the engine, by each of its workers, by the routes."""
    status = json.loads(daemon.turnout("status", "--json").stdout)
    media = next(s for s in status["services"] if s["name"] == "media")
    shares = {e["partner"]: e["share"] for e in media["share"]["exceptions"]}
    with Client(engine.path) as client:
        return client.welcome.generation == generation and status["live"] and all(
            w["generation"] == generation for w in status["engine"]["workers"]) and (
            shares["p0"], shares["p1"]) == (share, share + 1)


def measure(engine, daemon, plan, routes, samples):
    found = {"check": [], "prepare": [], "live": [], "reload": [], "stale": 0}
    for i in range(samples):
        share = (60, 20)[i % 2]
        write(plan, routes, share)
        found["check"].append(check_ns(plan))
        whole, said = reload_ns(daemon)
        found["stale"] += not is_live(daemon, engine, said["generation"], share)
        found["reload"].append(whole)
        found["prepare"].append(said["prepare_us"] * 1000)
        found["live"].append(said["live_us"] * 1000)
    return found


def run(engine, directory, routes, samples):
    plan = directory / "plan.yaml"
    write(plan, routes, 20)
    state, _ = make_flows(plan, FLOWS, ROOM, directory, FLOWS)
    Wire()
    engine.start(state, ROOM)
    daemon = Daemon(directory, plan, engine)
    try:
        done = daemon.turnout("stage", "to", STAGES[0], "--yes", "--force")
        if done.returncode:
            sys.exit(f"turnout stage to {STAGES[0]}: {done.stderr}")
        return {**measure(engine, daemon, plan, routes, samples), "edges": EDGES,
                "routes": routes, "bytes": plan.stat().st_size,
                "image": len(image_of(plan, STAGES[0], directory))}
    finally:
        daemon.stop()


def main():
    enter()
    name, routes, samples = sys.argv[1], *map(int, sys.argv[2:4])
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as work:
        engine = ENGINES[name](Path(work))
        try:
            print(json.dumps(run(engine, Path(work), routes, samples)))
        finally:
            engine.stop()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long `turnout status` takes, the whole command: status.py dp|xdp FLOWS ROUTES SAMPLES. Prints
JSON: {"pins", "loaded", "reloading", "reload"}, lists of nanoseconds.

FLOWS pins live in the engine, whose port gets as many frames as go; then turnoutd reads and
compiles plans of ROUTES routes meanwhile, one after the other."""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from plans import write_plan
from wire import ENGINES, TALKS, Sender, Wire, enter, make_flows

from common import BUILD, TURNOUT

STARTED_S, CHANGE_S = 60, 120


class Daemon:
    def __init__(self, directory, plan, engine):
        self.api, self.log = directory / "api.sock", (directory / "turnoutd.log").open("w+")
        (directory / "turnoutd").mkdir()
        self.process = subprocess.Popen(
            [BUILD / "control/daemon/turnoutd", "--plan", plan, "--engine", engine.path,
             "--state", directory / "turnoutd", "--api", self.api], stderr=self.log)
        end = time.monotonic() + STARTED_S
        while not self.is_live():
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit(f"turnoutd: {Path(self.log.name).read_text()[-2000:]}")
            time.sleep(0.1)

    def turnout(self, *argv):
        return subprocess.run([TURNOUT, *argv, "--socket", self.api], capture_output=True,
                              text=True, check=False)

    def is_live(self):
        done = self.turnout("status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["live"]

    def status_ns(self):
        begun = time.monotonic_ns()
        done = self.turnout("status")
        took = time.monotonic_ns() - begun
        if done.returncode:
            sys.exit(f"turnout status: {done.stdout}{done.stderr}")
        return took

    def reload(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(CHANGE_S)
            s.connect(str(self.api))
            s.sendall(b'{"do": "reload"}\n')
            return json.loads(s.makefile().readline())

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Reloads(threading.Thread):
    """Plans that differ in every route, one after the other."""

    def __init__(self, daemon, plan, routes):
        super().__init__()
        self.turnoutd, self.plan, self.routes = daemon, plan, routes
        self.busy, self.over, self.took, self.failed = 0, threading.Event(), [], None

    def run(self):
        share = 20
        while not self.over.is_set():
            share = 60 if share == 20 else 20
            write_plan(self.plan, self.routes, share)
            begun = self.busy = time.monotonic_ns()
            answer = self.turnoutd.reload()
            self.busy = 0
            if not answer["ok"]:
                self.failed = answer
                return
            self.took.append(time.monotonic_ns() - begun)


def while_reloading(daemon, plan, routes, samples):
    """Only what was asked and answered within one reload."""
    reloads, found = Reloads(daemon, plan, routes), []
    reloads.start()
    try:
        while reloads.is_alive() and len(found) < samples:
            within = reloads.busy
            took = daemon.status_ns() if within else time.sleep(0.001)
            if within and reloads.busy == within:
                found.append(took)
    finally:
        reloads.over.set()
        reloads.join()
    if reloads.failed:
        sys.exit(f"reload: {reloads.failed}")
    return found, reloads.took


def run(engine, directory, flows, routes, samples):
    plan = directory / "plan.yaml"
    write_plan(plan, routes, 20)
    room = flows + flows // 4 + 4096
    talks = flows if engine.learns else min(flows, TALKS)
    state, capture = make_flows(plan, flows, room, directory, talks)
    Wire()
    engine.start(state, room)
    daemon = Daemon(directory, plan, engine)
    sender = None
    try:
        engine.fill(capture)
        pins = engine.pins()
        sender = Sender(capture)
        loaded = [daemon.status_ns() for _ in range(samples)]
        reloading, took = while_reloading(daemon, plan, routes, samples)
        return {"pins": pins, "loaded": loaded, "reloading": reloading, "reload": took}
    finally:
        if sender:
            sender.stop()
        daemon.stop()


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

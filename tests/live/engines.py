# SPDX-License-Identifier: BSD-3-Clause
"""The engines, and all that is different between them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools" / "lib"))

from netns import inside, run  # noqa: E402
from processes import Failed, Process  # noqa: E402

READY, ANSWERS = 60, 10  # seconds
PINS = 65536


class Engine:
    """A process in the gateway's namespace that steers between `outside` and `edges`."""

    name = program = None
    where = "gw"  # its namespace
    redirects = False  # by XDP, from one interface into another
    reasons = set()  # that are this engine's alone

    def __init__(self, build, watch, table):
        self.build, self.path = build, build / self.program
        self.watch, self.table = watch, table
        self.process = None
        self.start_took = self.reload_took = 0  # seconds

    @classmethod
    def missing(cls, build):
        """None, or why it cannot be run."""
        path = build / cls.program
        if not os.access(path, os.X_OK):
            return f"there is no {path}"
        done = subprocess.run([path, "run", "--help"], capture_output=True, check=False)
        return None if done.returncode == 0 else f"{path} has no command 'run'"

    def argv(self):
        raise NotImplementedError

    def ready(self):
        raise NotImplementedError

    def spawn(self):
        with inside(self.where):
            self.process = Process(self.watch, self.name, self.argv())

    def start(self):
        begun = time.monotonic()
        self.spawn()
        self.ready()
        self.start_took = time.monotonic() - begun

    def reload(self, number):
        """The table again; returns how long it took to be live, in us, by the engine's word."""
        begun = time.monotonic()
        self.signal(signal.SIGHUP)
        found = self.watch.until(
            self.process, r"generation (\d+) is live after (\d+) us|.*refused.*", "err", ANSWERS)
        if found[1] != str(number):
            raise Failed(f"{self.name}: generation {number} is not live: {found[0]}")
        self.reload_took = time.monotonic() - begun
        return int(found[2])

    def signal(self, number):
        self.process.child.send_signal(number)

    def report(self):
        """The counters."""
        self.process.text["out"] = ""
        self.signal(signal.SIGUSR1)
        end = time.monotonic() + ANSWERS
        while time.monotonic() < end:
            self.watch.turn(end)
            try:
                return json.JSONDecoder().raw_decode(self.process.text["out"])[0]
            except ValueError:
                continue
        raise Failed(f"{self.name} prints no counters")

    def kill(self):
        self.process.child.kill()
        self.process.wait()

    def forget(self):
        """A fault: it dies and comes back without its state."""
        self.kill()
        self.start()

    def stop(self):
        """Its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait()

    def close(self):
        """What it leaves behind when it is not running."""


class Dpdk(Engine):
    """turnout-dp over DPDK's AF_PACKET driver: one worker, which spins."""

    name, program = "dp-afpacket", "dataplane/turnout-dp"
    driver = "net_af_packet{i},iface={zone},framecnt=4096"
    eal = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256",
           "--log-level=*:error"]

    @staticmethod
    def lcores():
        return f"(0-1)@({','.join(map(str, sorted(os.sched_getaffinity(0))))})"

    def argv(self):
        devices, ports = [], []
        for i, zone in enumerate(("outside", "edges")):
            device = self.driver.format(i=i, zone=zone, build=self.build)
            devices += ["--vdev", device]
            ports += ["--port", f"{device.split(',')[0]}:{zone}"]
        return [self.path, "run", f"--lcores={self.lcores()}", *self.eal, *devices, "--",
                "--table", self.table, *ports, "--pins", PINS]

    def ready(self):
        self.watch.until(self.process, "steering on ", "err", READY)


class DpAfXdp(Dpdk):
    """The same over DPDK's AF_XDP driver, with our program before it. The driver has room for 2048
    frames, which a starved machine overruns."""

    name = "dp-afxdp"
    driver = ("net_af_xdp{i},iface={zone},busy_budget=0,"
              "xdp_prog={build}/bpf/turnout-intake.bpf.o")


class Xdp(Engine):
    """turnout-xdp; what it pins lives in a BPF file system of the test's own."""

    name, program, mode = "xdp", "bpf/turnout-xdp", "native"

    redirects = True

    def __init__(self, build, watch, table):
        super().__init__(build, watch, table)
        self.adopted = None  # the generation that it went on with
        self.pins = table.parent / "bpf"
        self.pins.mkdir()
        run("mount", "-t", "bpf", "bpf", self.pins)

    def argv(self):
        return [self.path, "run", "--table", self.table, "--port", "outside:outside", "--port",
                "edges:edges", "--pin", self.pins / "turnout", "--pins", PINS, "--mode", self.mode]

    def ready(self):
        said = self.watch.until(self.process, r"(?s)\A.*steering on [^\n]*", "err", READY)[0]
        if said.count(f"({self.mode})") != 2:
            raise Failed(f"{self.name} does not run in {self.mode} mode: {said}")
        found = re.search(r"takes generation (\d+) over", said)
        self.adopted = int(found[1]) if found else None

    def forget(self):
        self.kill()
        run(self.path, "detach", "--pin", self.pins / "turnout")
        self.start()

    def close(self):
        run(self.path, "detach", "--pin", self.pins / "turnout")
        run("umount", self.pins)


ENGINES = {engine.name: engine for engine in (Dpdk, DpAfXdp, Xdp)}

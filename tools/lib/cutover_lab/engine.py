# SPDX-License-Identifier: BSD-3-Clause
"""The gateway's processes: an engine, turnoutd, and the command that drives them."""

import json
import os
import subprocess

from netns import inside, run
from processes import Failed, Process

EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256",
       "--log-level=*:error"]
PINS = 65536
READY = 60


class Engine:
    """A process in the gateway's namespace that steers between `outside` and `edges`."""

    redirects = False  # from one interface into the other, by XDP

    def __init__(self, build, watch, directory):
        self.build, self.watch, self.directory = build, watch, directory
        self.socket = directory / "engine.sock"
        self.process = None

    def argv(self):
        raise NotImplementedError

    def start(self):
        with inside("gw"):
            self.process = Process(self.watch, self.name, self.argv())

    def kill(self):
        self.process.child.kill()
        self.process.wait()

    def close(self):
        if self.process and self.process.child.poll() is None:
            self.kill()


class Xdp(Engine):
    name, program, redirects = "xdp", "bpf/turnout-xdp", True

    def __init__(self, build, watch, directory):
        super().__init__(build, watch, directory)
        self.bpf = directory / "bpf"
        self.bpf.mkdir()
        run("mount", "-t", "bpf", "bpf", self.bpf)

    def argv(self):
        return [self.build / self.program, "run", "--control", self.socket, "--port",
                "outside:outside", "--port", "edges:edges", "--pin", self.bpf / "turnout",
                "--pins", PINS, "--mode", "native"]

    def close(self):
        super().close()
        run(self.build / self.program, "detach", "--pin", self.bpf / "turnout")
        run("umount", self.bpf)


class Dpdk(Engine):
    program = "dataplane/turnout-dp"
    driver = None

    def argv(self):
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        devices, ports = [], []
        for i, zone in enumerate(("outside", "edges")):
            devices += ["--vdev", self.driver.format(i=i, zone=zone, build=self.build)]
            ports += ["--port", f"{self.driver.split(',')[0].format(i=i)}:{zone}"]
        return [self.build / self.program, "run", f"--lcores=(0-1)@({cpus})", *EAL, *devices,
                "--", "--control", self.socket, *ports, "--pins", PINS, "--state",
                self.directory / "state"]


class DpAfPacket(Dpdk):
    name, driver = "dp-afpacket", "net_af_packet{i},iface={zone},framecnt=4096"


class DpAfXdp(Dpdk):
    name = "dp-afxdp"
    driver = ("net_af_xdp{i},iface={zone},busy_budget=0,"
              "xdp_prog={build}/bpf/turnout-intake.bpf.o")


ENGINES = {e.name: e for e in (Xdp, DpAfPacket, DpAfXdp)}


class Gateway:
    def __init__(self, engine, build, watch, directory, plan):
        self.engine, self.build, self.watch = engine, build, watch
        self.directory, self.plan = directory, plan
        self.socket = directory / "turnoutd.sock"
        self.daemon = None

    def start(self):
        self.engine.start()
        self.start_daemon()
        self.watch.until(self.daemon, "generation \\d+ is live", "err", READY)

    def start_daemon(self):
        with inside("gw"):
            self.daemon = Process(self.watch, "turnoutd", [
                self.build / "control/daemon/turnoutd", "--plan", self.plan, "--engine",
                self.engine.socket, "--state", self.directory / "journal", "--api", self.socket,
                "--quiet", 2])

    def kill_daemon(self):
        self.daemon.child.kill()
        self.daemon.wait()

    def turnout(self, *words, fine=True):
        """The command's JSON; `fine`: it must succeed."""
        done = subprocess.run([self.build / "control/turnout", *map(str, words), "--socket",
                               self.socket, "--json"], capture_output=True, text=True,
                              check=False)
        if fine and done.returncode:
            raise Failed(f"turnout {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise Failed(f"turnout {' '.join(map(str, words))} prints no JSON: "
                         f"{done.stdout}{done.stderr}") from error

    def close(self):
        if self.daemon and self.daemon.child.poll() is None:
            self.kill_daemon()
        self.engine.close()

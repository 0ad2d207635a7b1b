# SPDX-License-Identifier: BSD-3-Clause
"""The gateway's processes: an engine, turnoutd, and the command that drives them."""

import contextlib
import ctypes
import json
import os
import socket
import subprocess
from pathlib import Path

from netns import inside, run
from processes import Failed, Process

EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256",
       "--log-level=*:error"]
PINS = 65536
READY = 60
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


class Engine:
    """A process in the gateway's namespace that steers between `outside` and `edges`."""

    redirects = False  # from one interface into the other, by XDP
    forwards = False  # also while its process is dead
    workers = True  # threads that forward, and may hang

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
    forwards, workers = True, False

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


    @contextlib.contextmanager
    def worker_stopped(self):
        """The one worker's thread stands still, by the kernel's means; its number."""
        libc = ctypes.CDLL(None, use_errno=True)
        tasks = Path(f"/proc/{self.process.child.pid}/task")
        tid = next(int(t.name) for t in tasks.iterdir()
                   if (t / "comm").read_text().strip() in ("rte-worker-1", "lcore-worker-1"))
        if libc.ptrace(PTRACE_SEIZE, tid, None, None):
            raise Failed(f"a thread cannot be stopped here: {os.strerror(ctypes.get_errno())}")
        libc.ptrace(PTRACE_INTERRUPT, tid, None, None)
        os.waitpid(tid, WALL)
        try:
            yield 0
        finally:
            libc.ptrace(PTRACE_DETACH, tid, None, None)


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
        self.socket, self.state = directory / "turnoutd.sock", directory / "journal"
        self.daemon = None

    def start(self):
        self.engine.start()
        self.start_daemon()
        self.watch.until(self.daemon, "generation \\d+ is live", "err", READY)

    def start_daemon(self):
        with inside("gw"):
            self.daemon = Process(self.watch, "turnoutd", [
                self.build / "control/daemon/turnoutd", "--plan", self.plan, "--engine",
                self.engine.socket, "--state", self.state, "--api", self.socket,
                "--quiet", 2])

    def kill_daemon(self):
        self.daemon.child.kill()
        self.daemon.wait()

    def _turnout(self, words):
        return [self.build / "control/turnout", *map(str, words), "--socket", self.socket, "--json"]

    def turnout(self, *words):
        """The command's JSON; it must succeed."""
        done = subprocess.run(self._turnout(words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"turnout {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return self._read(words, done.stdout)

    @staticmethod
    def _read(words, text):
        try:
            return json.loads(text)
        except ValueError as error:
            raise Failed(f"turnout {' '.join(map(str, words))} prints no JSON: {text}") from error

    def command(self, *words):
        """The same under way: (its process, a function for its JSON)."""
        process = Process(self.watch, "turnout", self._turnout(words))
        return process, lambda: self._read(words, process.text["out"])

    def ask(self, request):
        """turnoutd's answer; None: it does not answer, or says no."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            try:
                s.connect(str(self.socket))
                s.sendall(json.dumps(request).encode() + b"\n")
                answer = b""
                while not answer.endswith(b"\n") and (more := s.recv(1 << 16)):
                    answer += more
            except OSError:
                return None
        answer = json.loads(answer) if answer.endswith(b"\n") else {}
        return answer if answer.get("ok") else None

    def journal(self):
        lines = Path(self.state, "journal").read_text("utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def close(self):
        if self.daemon and self.daemon.child.poll() is None:
            self.kill_daemon()
        self.engine.close()

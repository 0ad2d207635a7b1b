# SPDX-License-Identifier: BSD-3-Clause
"""What benchmarks of a running engine share: an engine on one end of a veth pair, full of proven
flows, and who sends their frames by the other end. In namespaces of the process's own."""

import array
import ctypes
import mmap
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "engine"), str(HERE.parent / "replay")]

from common import BUILD, TURNOUT  # noqa: E402
from protocol import PIN4, Client  # noqa: E402

FIRST = "half"  # the stage by which bench_flows proves flows
SKIP, INSIDE = 77, "TURNOUT_BENCH_INSIDE"
PORT, FAR, MAC = "port0", "far0", "02:00:00:00:00:01"  # the MAC that bench_flows writes to
HOPS = ["--nexthop", "outside=02:00:00:00:00:0a", "--nexthop", "edges=02:00:00:00:00:0b"]
TALKS = 4096  # flows that go on talking; the others only live
PCAP_HEAD, RECORD_HEAD, FRAME = 24, 16, 60
READY_S, QUIET_S, SETTLE_S, EAL_MB = 120, 2, 0.03, 256
BPF_MAP_CREATE, BPF_MAP_UPDATE, MAP_ARRAY, MAP_OF_MAPS = 0, 2, 2, 12


def enter():
    """Runs this program again in namespaces of its own, which take everything along."""
    if INSIDE in os.environ:
        return
    os.environ[INSIDE] = "1"
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    if done.returncode:
        print("needs namespaces, which need root", file=sys.stderr)
        sys.exit(SKIP)
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


def command(*argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")


def make_flows(plan, flows, room, directory, talks):
    """(state file, capture)"""
    state, capture = directory / "state", directory / "talks.pcap"
    command(BUILD / "tests/bench/bench_flows", plan, flows, room, state, capture, talks)
    return state, capture


def image_of(plan, stage, directory):
    out = directory / f"{stage}.img"
    command(TURNOUT, "table", "write", plan, "--stage", stage, "--out", out)
    return out.read_bytes()


class Wire:
    """A veth pair that carries nobody else's frames, so that each frame sent and each that came
    back are counted by the kernel."""

    def __init__(self):
        command("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
        command("ip", "link", "set", "lo", "up")
        command("ip", "link", "add", PORT, "address", MAC, "type", "veth", "peer", "name", FAR)
        for name in PORT, FAR:
            command("ip", "link", "set", name, "arp", "off", "up")

    @staticmethod
    def counted():
        """(sent, received) of the far end. The namespace's own /proc."""
        for line in Path("/proc/self/net/dev").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name.strip() == FAR:
                numbers = [int(n) for n in rest.split()]
                return numbers[9], numbers[1]
        raise AssertionError(f"no {FAR}")

    def settled(self):
        """counted(), when all have come back or nothing more comes."""
        before, still = None, time.monotonic()
        while True:
            now = self.counted()
            if now != before:
                before, still = now, time.monotonic()
            if now[0] == now[1] or time.monotonic() > still + QUIET_S:
                return now
            time.sleep(0.05)


class Sender:
    """Sends a capture's frames by the far end, again and again, `rate` a second (0: as many as
    go), as a process of its own. TURNS=1 sends each once and ends."""

    def __init__(self, capture, rate=0, turns=0):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "send.py", FAR, capture, str(rate), str(turns)])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Engine:
    """`flows` live in it when it is ready. Its table comes by the protocol."""

    workers, learns = 1, False

    def __init__(self, directory):
        self.dir, self.path = directory, directory / "engine.sock"
        self.log = (directory / "engine.log").open("w+")
        self.process = None

    def run(self, argv):
        self.process = subprocess.Popen([str(a) for a in argv], stderr=self.log,
                                        stdout=subprocess.DEVNULL)
        end = time.monotonic() + READY_S
        while True:
            try:
                Client(self.path).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    sys.exit(f"the engine does not start: {self.said()}")
                time.sleep(0.05)

    def said(self):
        return Path(self.log.name).read_text(errors="replace")[-2000:]

    def pins(self):
        """Live and proven ones, counted now."""
        with Client(self.path) as c:
            return sum(n for key, n in c.census().items() if key[2] == PIN4 and key[3])

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        self.log.close()


class Handshake:
    """How long it takes until as many spinning processes as the engine has workers have seen a
    number: what this machine's scheduler takes from any engine. The engine is stopped meanwhile,
    and these are stopped while it is measured."""

    def __init__(self, engine):
        self.engine, self.room = engine.process.pid, mmap.mmap(-1, 4096)
        self.number, self.pids = 0, []
        for i in range(engine.workers):
            pid = os.fork()
            if pid == 0:
                while True:
                    self.room[1 + i] = self.room[0]
            os.kill(pid, signal.SIGSTOP)
            self.pids.append(pid)

    def measure(self):
        """Nanoseconds. The first look is at once, the others are a millisecond apart, as the
        engine's are."""
        os.kill(self.engine, signal.SIGSTOP)
        self.signal(signal.SIGCONT)
        time.sleep(SETTLE_S)
        begun, self.number = time.monotonic_ns(), self.number % 255 + 1
        self.room[0] = self.number
        while any(self.room[1 + i] != self.number for i in range(len(self.pids))):
            time.sleep(0.001)
        took = time.monotonic_ns() - begun
        self.signal(signal.SIGSTOP)
        os.kill(self.engine, signal.SIGCONT)
        time.sleep(SETTLE_S)
        return took

    def signal(self, number):
        for pid in self.pids:
            os.kill(pid, number)

    def close(self):
        self.signal(signal.SIGKILL)
        for pid in self.pids:
            os.waitpid(pid, 0)


class GracePeriod:
    """The update of a map of maps of our own, in which the kernel waits for one RCU grace period:
    as turnout-xdp does."""

    def __init__(self, _):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
        self.inner = self.create(MAP_ARRAY, 4, 4, 0)
        self.outer = self.create(MAP_OF_MAPS, 4, 4, self.inner)
        self.key, self.value = (array.array("I", [n]) for n in (0, self.inner))
        self.update = self.attribute("IIQQQ", self.outer, 0, self.key.buffer_info()[0],
                                     self.value.buffer_info()[0], 0)

    @staticmethod
    def attribute(form, *values):
        import struct
        return ctypes.create_string_buffer(struct.pack(form, *values).ljust(144, b"\0"), 144)

    def bpf(self, what, attribute):
        got = self.libc.syscall(self.number, what, attribute, 144)
        if got < 0:
            sys.exit(f"bpf: {os.strerror(ctypes.get_errno())}")
        return got

    def create(self, kind, key, value, inner):
        return self.bpf(BPF_MAP_CREATE, self.attribute("6I", kind, key, value, 1, 0, inner))

    def measure(self):
        """Nanoseconds."""
        begun = time.monotonic_ns()
        self.bpf(BPF_MAP_UPDATE, self.update)
        return time.monotonic_ns() - begun

    def close(self):
        """The kernel takes the maps back."""


class Dp(Engine):
    """Over DPDK's AF_PACKET driver; takes the state file over."""

    name, workers, yardstick = "turnout-dp", 2, Handshake

    def start(self, state, room):
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        self.run([BUILD / "dataplane/turnout-dp", "run", f"--lcores=(0-{self.workers})@({cpus})",
                  "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", EAL_MB,
                  "--log-level=*:error", "--vdev", f"net_af_packet0,iface={PORT},framecnt=4096",
                  "--", "--port", "net_af_packet0:both", *HOPS, "--workers", self.workers,
                  "--state", state, "--pins", room, "--control", self.path])

    def fill(self, capture):
        """It has them."""


class Xdp(Engine):
    """In generic mode; learns its flows from their frames, which all come twice."""

    name, yardstick, learns = "turnout-xdp", GracePeriod, True

    def start(self, state, room):
        state.unlink()
        bpf = self.dir / "bpf"
        bpf.mkdir()
        command("mount", "-t", "bpf", "bpf", bpf)
        self.run([BUILD / "bpf/turnout-xdp", "run", "--port", f"{PORT}:both", "--mode", "generic",
                  "--pin", bpf / "t", "--pins", room, *HOPS, "--control", self.path])

    def fill(self, capture):
        """Again where frames were lost: the wire holds as much as the machine lets it."""
        before, pins = -1, 0
        while pins > before:
            Sender(capture, turns=1).process.wait()
            before, pins = pins, self.pins()

    def stop(self):
        super().stop()
        subprocess.run(["umount", str(self.dir / "bpf")], capture_output=True, check=False)


ENGINES = {"dp": Dp, "xdp": Xdp}

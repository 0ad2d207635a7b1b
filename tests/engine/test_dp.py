#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""turnout-dp run --control, with frames that come again and again from a capture."""

import ctypes
import errno
import os
import signal
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import protocol
from captures import ASKED, Captures
from contract import E1, PLAN, Contract, frames, image_of
from manager import Told
from protocol import WAIT, Client

from common import ENGINE, renumbered, run, write_pcap

OUTSIDE, EDGES = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "128",
       "--log-level=*:error"]
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


class Engine:
    """A process that is told by its socket what to do."""

    def __init__(self, directory, workers=1, more=(), device=None):
        self.dir, self.path = Path(directory), Path(directory, "dp.sock")
        pcap = self.dir / "in.pcap"
        write_pcap(pcap, [(0, frame) for frame in frames()])
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        device = device or f"net_pcap0,rx_pcap={pcap},infinite_rx=1"
        self.argv = [str(a) for a in (
            ENGINE, "run", f"--lcores=(0-{workers})@({cpus})", *EAL, "--vdev", device, "--",
            "--port", device.split(",")[0] + ":both", "--nexthop", f"outside={OUTSIDE}",
            "--nexthop", f"edges={EDGES}", "--workers", workers, "--pins", 4096, "--control",
            self.path, *more)]
        self.process = None

    def start(self, environment=None):
        self.process = subprocess.Popen(self.argv, stderr=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **(environment or {})})
        said = ""
        while "steering on" not in said and "ready" not in said:
            line = self.process.stderr.readline()
            assert line, said
            said += line
        return said

    def stop(self, number=signal.SIGKILL):
        if self.process:
            self.process.send_signal(number)
            self.process.wait(WAIT)
            self.process.stderr.close()
            self.process = None


class Dp(Captures, Contract, unittest.TestCase):
    kind, workers = 1, 2

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.engine = Engine(directory.name, cls.workers)
        cls.addClassCleanup(cls.engine.stop)
        cls.images = {stage: image_of(stage) for stage in ("old", "half", "moved")}
        cls.frames = frames()
        assert "no generation yet" in cls.engine.start()
        cls.path, cls.pid = cls.engine.path, cls.engine.process.pid
        with Client(cls.path) as c:
            cls.before = c.welcome.generation, c.region.read(), c.flows()
            try:
                c.table()
            except protocol.Refused as refused:
                cls.table_before = refused.error
            c.publish(cls.images["moved"])

    def test_before_the_first_generation(self):
        generation, region, flows = self.before
        self.assertEqual((generation, region["generation"], region["live"], region["stage"]),
                         (0, 0, 0, ""))
        self.assertEqual((flows, self.table_before), ([], errno.ENOENT))

    def test_region(self):
        c = self.connect()
        self.live_flows(c)
        first = c.region.read()
        while c.region.read()["renewed_ns"] == first["renewed_ns"]:
            c.page(limit=1)
        r = c.region.read()
        self.assertLess(r["renewed_ns"] - first["renewed_ns"], 10**9 * WAIT)
        self.assertEqual((r["engine"], r["workers"]), (1, self.workers))
        for was, now in zip(first["worker"], r["worker"]):
            self.assertGreater(now["rounds"], was["rounds"])
            self.assertEqual(now["generation"], self.current())
        self.assertEqual(list(r["port"].items()), [("net_pcap0", (3, 1, 0))])
        self.assertEqual([h for h in r["hop"] if h[0]], [(1, EDGES)] * 2 + [(1, OUTSIDE)] * 2)
        self.assertGreater(r["named"]["received"], first["named"]["received"])
        # workers count on while they are read, rows after verdicts
        self.assertGreaterEqual(sum(n for n, _ in r["rows"].values()) + 64 * self.workers,
                                sum(r["verdicts"]))
        self.assertEqual(r["entries"][1][1] > 0, True)

    def stop_worker(self):
        """Stops one worker's thread, by the kernel's means, and returns what lets it go on."""
        libc = ctypes.CDLL(None, use_errno=True)
        tasks = Path(f"/proc/{self.pid}/task")
        tid = next(int(t.name) for t in tasks.iterdir()
                   if (t / "comm").read_text().strip() in ("rte-worker-1", "lcore-worker-1"))
        if libc.ptrace(PTRACE_SEIZE, tid, None, None):
            self.skipTest("threads cannot be stopped here")
        libc.ptrace(PTRACE_INTERRUPT, tid, None, None)
        os.waitpid(tid, WALL)

        def go_on():
            nonlocal tid
            if tid:
                libc.ptrace(PTRACE_DETACH, tid, None, None)
            tid = 0
        self.addCleanup(go_on)
        return go_on

    def test_a_capture_with_a_worker_that_hangs(self):
        """Its ring is not taken from it; the end waits, and others are served."""
        c, other = self.connect(), self.connect()
        self.begin(c, edges=1 << E1)
        go_on = self.stop_worker()
        c.send(protocol.CAPTURE_END)
        self.refused(errno.EBUSY, other.capture)
        c.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            c.captured()
        go_on()
        c.socket.settimeout(WAIT)
        self.assertEqual(c.captured().why, ASKED)

    def test_a_worker_that_hangs(self):
        a, b = self.connect(), self.connect()
        image = self.next_image("half")
        generation = a.prepare(image).generation
        b.prepare(renumbered(image, generation + 1))
        go_on = self.stop_worker()
        request = a.send(protocol.COMMIT, struct.pack("<Q", generation))
        told = a.answer(request).body  # after a second
        self.assertEqual((told.live, told.generation), (0, generation))
        self.assertEqual(sorted(struct.unpack_from("<2Q", told.worker)),
                         [generation - 1, generation])
        self.refused(errno.EBUSY, b.commit, generation + 1)
        self.assertEqual(len(a.ask(protocol.TABLE).fds), 1)  # others are answered meanwhile
        r = b.region.read()
        while max(w["silent_ns"] for w in r["worker"]) < 10**9:
            b.page(limit=1)
            r = b.region.read()
        self.assertEqual((r["generation"], r["live"]), (generation, 0))
        self.assertLess(min(w["silent_ns"] for w in r["worker"]), 10**9)
        go_on()
        while not told.live:
            told = a.answer(request).body
        self.assertEqual(struct.unpack_from("<2Q", told.worker), (generation, generation))
        b.commit(generation + 1)


class Socket(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        os.chmod(self.dir, 0o755)

    def engine(self, *more):
        engine = Engine(self.dir, more=more, device="net_null0,no-rx=1")
        self.addCleanup(engine.stop)
        return engine

    def test_who_may_connect(self):
        engine = self.engine("--control-group", "nogroup")
        engine.start()
        mode = os.stat(engine.path)
        self.assertEqual((mode.st_mode & 0o777, mode.st_gid), (0o660, 65534))
        for who, may in (({"user": 0}, True), ({"user": 65534, "group": 65534}, True),
                         ({"user": 65534, "group": 1, "extra_groups": [65534]}, True),
                         ({"user": 65534, "group": 1, "extra_groups": []}, False)):
            os.chmod(engine.path, 0o666)  # the file's mode is not what tells
            code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n" \
                   f"import protocol; protocol.Client({str(engine.path)!r})"
            done = run("/usr/bin/python3", "-c", code, **who)
            self.assertEqual(done.returncode == 0, may, (who, done.stderr))

    def test_one_engine_a_socket(self):
        engine = self.engine()
        engine.start()
        self.assertEqual(os.stat(engine.path).st_mode & 0o777, 0o600)
        done = run(*engine.argv)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("another engine listens", done.stderr)
        Client(engine.path).close()
        engine.stop()  # a death: the socket stays, and is replaced
        self.assertTrue(engine.path.exists())
        engine.start()
        Client(engine.path).close()
        engine.stop(signal.SIGTERM)
        self.assertFalse(engine.path.exists())

    def test_what_is_no_socket_stays(self):
        engine = self.engine()
        engine.path.write_text("precious")
        done = run(*engine.argv)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no socket", done.stderr)
        self.assertEqual(engine.path.read_text(), "precious")
        done = run(*engine.argv, "--control-group", "no-such-group")
        self.assertIn("no group 'no-such-group'", done.stderr)

    def test_usage(self):
        engine = self.engine()
        argv = [a for a in engine.argv if a not in ("--control", str(engine.path))]
        done = run(*argv)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--table or --control", done.stderr)


class Manager(Told, unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        self.engine = Engine(self.dir, device="net_null0,no-rx=1")
        self.addCleanup(self.engine.stop)


class Restart(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = Path(directory.name, "state")
        self.copy = Path(directory.name, "state.table")
        self.engine = Engine(directory.name, more=["--state", self.state],
                             device="net_null0,no-rx=1")
        self.addCleanup(self.engine.stop)
        self.image = image_of("half")

    def test_goes_on_with_the_last_generation(self):
        self.engine.start()
        with Client(self.engine.path) as c:
            c.publish(self.image)
            c.publish(renumbered(self.image, 7))
        self.engine.stop()
        self.assertEqual(self.copy.read_bytes(), renumbered(self.image, 7))
        self.assertIn("takes generation 7 over", self.engine.start())
        with Client(self.engine.path) as c:
            self.assertEqual(c.welcome.generation, 7)
            self.assertEqual(c.table(), renumbered(self.image, 7))
            self.copy.unlink()
            self.copy.mkdir()  # it cannot be written: the commit is good all the same
            c.publish(renumbered(self.image, 8))
        self.engine.stop()
        self.assertIn("no generation yet", self.engine.start())

    def test_a_bad_copy(self):
        for bad in b"", self.image[:-64], b"\0" * len(self.image):
            self.copy.write_bytes(bad)
            said = self.engine.start()
            self.assertIn("state.table: refused", said)
            self.assertIn("no generation yet", said)
            with Client(self.engine.path) as c:
                self.assertEqual(c.welcome.generation, 0)
            self.engine.stop()

    def under_traffic(self):
        self.engine = Engine(self.state.parent, more=["--state", self.state])
        self.addCleanup(self.engine.stop)
        self.engine.start()

    def test_entries_without_their_table(self):
        """Their numbers must mean the same in whatever table comes first."""
        other = PLAN.replace("{e1:", "{e0: {a: 203.0.113.9}, e1:")
        grown = PLAN.replace("203.0.113.12}", "203.0.113.12}, n2: {a: 203.0.113.13}")
        self.under_traffic()
        with Client(self.engine.path) as c:
            c.publish(image_of("moved"))
            while not c.flows():
                pass
        self.engine.stop()
        self.copy.unlink()
        table = self.state.with_name("table")
        table.write_bytes(image_of("moved", other))
        done = run(*self.engine.argv, "--table", table)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("other edges, services or VIPs", done.stderr)
        for plan in other, PLAN.replace("salt: lab", "salt: another"), \
                PLAN.replace("access", "accost"), PLAN.replace("113.100", "113.101"):
            self.assertIn("no generation yet", self.engine.start())
            with Client(self.engine.path) as c:
                with self.assertRaises(protocol.Refused) as caught:
                    c.prepare(image_of("moved", plan))
                self.assertEqual(caught.exception.error, errno.EINVAL)
                self.assertIn("other edges, services or VIPs", caught.exception.reason)
            self.engine.stop()
        self.copy.write_bytes(image_of("moved", other))
        self.assertIn("state.table: refused", self.engine.start())
        with Client(self.engine.path) as c:
            c.publish(renumbered(image_of("moved", grown), 9))
        self.engine.stop()

    def test_a_state_without_entries_takes_any_table(self):
        self.engine.start()
        with Client(self.engine.path) as c:
            c.publish(self.image)
        self.engine.stop()
        self.copy.unlink()
        self.engine.start()
        with Client(self.engine.path) as c:
            c.publish(image_of("half", PLAN.replace("{e1:", "{e0: {a: 203.0.113.9}, e1:")))

    def test_killed_before_the_new_table_is_kept(self):
        """The copy is of the generation before, with an edge less: it is what goes on."""
        grown = PLAN.replace("203.0.113.12}", "203.0.113.12}, n2: {a: 203.0.113.13}")
        self.under_traffic()
        with Client(self.engine.path) as c:
            c.publish(image_of("moved"))
            before = self.copy.read_bytes()
            in_the_way = self.copy.with_name("state.table.new")
            in_the_way.mkdir()
            c.publish(renumbered(image_of("moved", grown), 2))
            while not c.flows():
                pass
        self.engine.stop()
        in_the_way.rmdir()
        self.assertEqual(self.copy.read_bytes(), before)
        self.assertIn("takes generation 1 over", self.engine.start())
        other = grown.replace("n2:", "n3:")
        with Client(self.engine.path) as c:
            with self.assertRaises(protocol.Refused):
                c.prepare(renumbered(image_of("moved", other), 3))
            c.publish(renumbered(image_of("moved", grown), 3))

    def test_a_table_beside_it(self):
        table = self.state.with_name("table")
        table.write_bytes(renumbered(self.image, 3))
        self.engine.argv += ["--table", str(table)]
        self.assertIn("generation 3 is live", self.engine.start())
        with Client(self.engine.path) as c:
            c.publish(renumbered(self.image, 5))
            self.engine.process.send_signal(signal.SIGHUP)
            self.assertIn("refused", self.engine.process.stderr.readline())
            table.write_bytes(renumbered(self.image, 6))
            self.engine.process.send_signal(signal.SIGHUP)
            self.assertIn("generation 6 is live", self.engine.process.stderr.readline())
            while c.region.read()["generation"] != 6:
                c.page()
        self.engine.stop()
        table.write_bytes(renumbered(self.image, 4))
        said = self.engine.start()
        self.assertIn("takes generation 6 over", said)
        self.assertIn("4, and 6 is running", said)
        self.engine.stop()
        table.write_bytes(renumbered(self.image, 8))
        said = self.engine.start()
        self.assertIn("takes generation 6 over", said)
        self.assertIn("generation 8 is live", said)


if __name__ == "__main__":
    unittest.main()

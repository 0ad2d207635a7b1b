#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""`turnout capture`, turnoutd and each engine, under traffic; what comes of it is read by tshark."""

import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from contract import N1_ADDRESS, PLAN, VIP, frames
import test_dp
import test_xdp

from common import BUILD, TURNOUT

sys.path.append(str(Path(__file__).resolve().parents[1] / "daemon"))
import harness  # noqa: E402

HERE = re.sub(r"stages:\n.*", "stages:\n  - name: moved\n    routes: {access: 100, media: 100}\n",
              re.sub("address: a}", "address: a, check: none}", PLAN), flags=re.S)
FIELDS = ("frame.comment", "frame.interface_name", "ip.src", "ip.dst")


class Captures:
    """Mixed into a TestCase with cls.engine, started, in cls.dir, and cls.port."""

    @classmethod
    def begin(cls):
        Path(cls.dir, "plan.yaml").write_text(HERE, encoding="utf-8")
        Path(cls.dir, "engine.sock").symlink_to(cls.engine.path)
        cls.daemon = harness.Daemon(BUILD / "control/daemon/turnoutd", cls.dir)
        cls.addClassCleanup(cls.daemon.kill)
        cls.daemon.wait_stage("moved")

    def words(self, *words):
        return [TURNOUT, "capture", *words, "--socket", self.daemon.api]

    def capture(self, *words):
        """What it says, and FIELDS of each packet."""
        path = Path(self.dir, "out.pcapng")
        with self.traffic():
            done = subprocess.run(self.words("--write", path, *words), capture_output=True,
                                  text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        read = subprocess.run(["tshark", "-r", path, "-T", "fields",
                               *(w for f in FIELDS for w in ("-e", f))],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(read.returncode, 0, read.stderr)
        return done.stderr, [line.split("\t") for line in read.stdout.splitlines()]

    def test_verdicts_in_wireshark(self):
        said, rows = self.capture("--edge", "n1", "--verdict", "steer", "--reason", "pin",
                                  "--count", "50", "--why", "to see")
        self.assertRegex(said, r"^50 packets, .*: as many packets as asked for\n")
        self.assertEqual(len(rows), 50)
        for comment, port, source, destination in rows:
            self.assertRegex(comment, r"^steer pin service=media class=\S+ edge=n1 generation=1 "
                             r"worker=\d+$")
            self.assertEqual((port, destination), (self.port, VIP))  # before it was rewritten
            self.assertTrue(source.startswith("198.51.100."))
        record = self.daemon.journal()[-1]
        self.assertEqual((record["what"], record["edge"], record["why"]),
                         ("capture", "n1", "to see"))

    def test_one_client(self):
        _, rows = self.capture("--client", "198.51.100.2", "--verdict", "reply", "--count", "9")
        self.assertEqual({tuple(r[2:]) for r in rows}, {(N1_ADDRESS, "198.51.100.2")})
        self.assertEqual({r[0].split()[0] for r in rows}, {"reply"})

    def test_nothing_for_a_second(self):
        said, rows = self.capture("--edge", "e1", "--seconds", "1")
        self.assertRegex(said, r"^0 packets, .*: its time was over\n$")
        self.assertEqual(rows, [])

    def test_a_rate(self):
        said, rows = self.capture("--rate", "10", "--seconds", "1")
        self.assertLessEqual(len(rows), 30)  # parts of three seconds
        self.assertRegex(said, r"\d+ were not captured: more a second than --rate")

    def verdicts(self):
        return self.daemon.ask(do="counters")["verdicts"]

    def test_a_reader_that_hangs(self):
        """The engine goes on; and it captures again when that one is gone."""
        before = self.daemon.ask(do="counters")
        with self.traffic():
            run = subprocess.Popen(self.words("--rate", "100000", "--count", "1000000"),
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            harness.until(lambda: self.daemon.ask(do="counters")["named"]["capture-full"] >
                          before["named"]["capture-full"])
            now = self.verdicts()
            harness.until(lambda: self.verdicts()["steer"] > now["steer"] + 1000)
            run.send_signal(signal.SIGKILL)
            run.communicate()
        after = self.daemon.ask(do="counters")
        self.assertEqual(after["verdicts"]["drop"], before["verdicts"]["drop"])
        self.assertEqual(after["events"]["entry-lost"], before["events"]["entry-lost"])
        harness.until(self.is_free)  # as soon as the engine has seen that the reader is gone
        said, _ = self.capture("--count", "1")
        self.assertIn("1 packet, ", said)

    def is_free(self):
        done = subprocess.run(self.words("--seconds", "1", "--count", "1", "--edge", "e1"),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
        self.assertTrue(done.returncode == 0 or "another capture is under way" in done.stderr,
                        done.stderr)
        return done.returncode == 0


class Dp(Captures, unittest.TestCase):
    port = "net_pcap0"
    traffic = test_dp.Dp.traffic

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.dir = directory.name
        cls.engine = test_dp.Engine(cls.dir, 2)
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.start()
        cls.begin()


class Xdp(Captures, unittest.TestCase):
    port = test_xdp.PORT
    traffic = test_xdp.Xdp.traffic

    def send_all(self):
        for frame in self.frames:
            self.wire.send(frame)

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.dir = directory.name
        cls.engine = test_xdp.Engine(cls.dir)
        cls.addClassCleanup(cls.engine.close)
        cls.frames, cls.wire = frames(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        cls.addClassCleanup(cls.wire.close)
        cls.wire.bind((test_xdp.FAR, 0))
        cls.engine.start()
        cls.begin()


if __name__ == "__main__":
    test_xdp.enter()
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""turnout-xdp run --control, on one end of a veth pair; frames come by the other."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import protocol
from captures import Captures
from contract import N1, Contract, frames, image_of
from manager import Told
from protocol import WAIT, Client

from common import BUILD, renumbered

ENGINE = BUILD / "bpf" / "turnout-xdp"
PORT, FAR, MAC = "port0", "far0", "02:00:00:00:00:02"  # the MAC that frames() are for
OUTSIDE, EDGES = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
SKIP, INSIDE = 77, "TURNOUT_ENGINE_INSIDE"


def enter():
    """Runs this program again in namespaces of its own, which take everything along."""
    if INSIDE in os.environ:
        return
    os.environ[INSIDE] = "1"
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    if done.returncode:
        print(f"skipped: needs namespaces, which need root: {done.stderr.decode().strip()}")
        sys.exit(SKIP)
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


def command(*argv):
    subprocess.run([str(a) for a in argv], check=True, capture_output=True)


class Engine:
    def __init__(self, directory, *more):
        self.dir = Path(directory)
        self.path, bpf = self.dir / "xdp.sock", self.dir / "bpf"
        bpf.mkdir()
        command("mount", "-t", "bpf", "bpf", bpf)
        command("ip", "link", "add", PORT, "address", MAC, "type", "veth", "peer", "name", FAR)
        for name in PORT, FAR:
            command("ip", "link", "set", name, "up")
        self.argv = [str(a) for a in (
            ENGINE, "run", "--port", f"{PORT}:both", "--mode", "generic", "--pin", bpf / "t",
            "--pins", 4096, "--nexthop", f"outside={OUTSIDE}", "--nexthop", f"edges={EDGES}",
            "--control", self.path, *more)]
        self.process = None

    def start(self, environment=None):
        self.process = subprocess.Popen(self.argv, stderr=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **(environment or {})})
        said = ""
        while "steering on" not in said:
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

    def close(self):
        self.stop()
        # lazily: the kernel may still be letting go of what a killed process had open
        command("umount", "--lazy", self.dir / "bpf")
        command("ip", "link", "del", PORT)


class Xdp(Captures, Contract, unittest.TestCase):
    kind, workers = 2, 1

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.engine = Engine(directory.name)
        cls.addClassCleanup(cls.engine.close)
        cls.images = {stage: image_of(stage) for stage in ("old", "half", "moved")}
        cls.frames = frames()
        cls.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        cls.wire.bind((FAR, 0))
        cls.addClassCleanup(cls.wire.close)
        assert "no generation yet" in cls.engine.start()
        cls.engine.stop()  # what is pinned has no generation, and is taken over all the same
        assert "no generation yet" in cls.engine.start()
        cls.path, cls.pid = cls.engine.path, cls.engine.process.pid
        with Client(cls.path) as c:
            cls.send_all()
            cls.before = c.welcome.generation, c.region.read(), c.flows(), c.census()
            try:
                c.table()
            except protocol.Refused as refused:
                cls.table_before = refused.error
            c.publish(cls.images["moved"])

    @classmethod
    def send_all(cls):
        for frame in cls.frames:
            cls.wire.send(frame)

    def push(self):
        self.send_all()

    @contextlib.contextmanager
    def traffic(self):
        over = threading.Event()

        def send():
            while not over.is_set():
                self.send_all()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def test_before_the_first_generation(self):
        generation, region, flows, census = self.before
        self.assertEqual((generation, region["generation"], region["live"], region["stage"]),
                         (0, 0, 0, ""))
        self.assertEqual((sum(region["verdicts"]), region["rows"]), (0, {}))
        self.assertEqual((flows, census, self.table_before), ([], {}, errno.ENOENT))

    def test_region(self):
        c = self.connect()
        self.live_flows(c)
        c.census()
        r = c.region.read()
        self.assertEqual((r["engine"], r["workers"]), (2, 1))
        self.assertEqual((r["worker"][0]["generation"], r["worker"][0]["rounds"],
                          r["worker"][0]["silent_ns"]), (self.current(), 0, 0))
        self.assertEqual(list(r["port"].items()), [(PORT, (3, 1, 1))])
        hops = [h for h in r["hop"] if h[0]]
        self.assertEqual(hops[:2], [(1, EDGES)] * 2)
        self.assertEqual(set(hops[2:]), {(1, OUTSIDE)})
        self.assertEqual(sum(n for n, _ in r["rows"].values()), sum(r["verdicts"]))
        self.assertEqual(r["entries"][protocol.PIN4 * 2 + 1][0],
                         len(c.flows(kinds=1 << protocol.PIN4, proven=1)))

    def test_zz_a_restart(self):
        """The program goes on, and the next process knows its generation."""
        with Client(self.path) as c:
            self.live_flows(c)
            proven = c.flows(proven=1)
            generation, table = self.current(), c.table()
        self.engine.stop()
        self.assertIn(f"takes generation {generation} over", self.engine.start())
        type(self).pid = self.engine.process.pid
        c = self.connect()
        self.assertEqual((c.welcome.generation, c.table()), (generation, table))
        self.assertEqual(len(c.flows(proven=1, edge=N1)), len(proven))
        c.publish(renumbered(table, generation + 1))


class Manager(Told, unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        self.engine = Engine(self.dir)
        self.addCleanup(self.engine.close)


if __name__ == "__main__":
    enter()
    unittest.main()

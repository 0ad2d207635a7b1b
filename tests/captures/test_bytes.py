#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The captures are the same on every run and machine, and what is committed beside them is true."""
import filecmp
import hashlib
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from common import PCAPS, frames, generate, index, schedule
from scenes import day
from wire import capture, frame, prng

LARGEST = 25_000_000


def run(out, seed):
    """`seed` of Python's string hashes: no order may hang on it."""
    env = dict(os.environ, PYTHONHASHSEED=str(seed), TZ=("UTC", "Asia/Tokyo")[seed % 2])
    subprocess.run([PCAPS / "generate.py", "--out", out], check=True, env=env,
                   stdout=subprocess.DEVNULL)


class Bytes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.one, cls.two = Path(cls.work.name, "one"), Path(cls.work.name, "two")
        begin = time.monotonic()
        run(cls.one, 1)
        cls.seconds = time.monotonic() - begin
        run(cls.two, 2)

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def test_two_runs_are_equal(self):
        names = [f"{row['name']}.pcap" for row in index()]
        self.assertEqual(sorted(names), sorted(os.listdir(self.one)))
        equal, different, failed = filecmp.cmpfiles(self.one, self.two, names, shallow=False)
        self.assertEqual((different, failed), ([], []))
        self.assertEqual(len(equal), len(names))

    def test_sums(self):
        lines = (PCAPS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(lines), len(index()))
        for line in lines:
            digest, name = line.split()
            with self.subTest(name):
                data = (self.one / name).read_bytes()
                self.assertEqual(hashlib.sha256(data).hexdigest(), digest)

    def test_time(self):
        self.assertLess(self.seconds, 60)

    def test_sizes(self):
        for path in self.one.iterdir():
            self.assertLess(path.stat().st_size, LARGEST, path.name)

    def test_one_by_name(self):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([PCAPS / "generate.py", "--out", out, "xmpp"], check=True,
                           stdout=subprocess.DEVNULL)
            self.assertEqual(os.listdir(out), ["xmpp.pcap"])
            self.assertTrue(filecmp.cmp(Path(out, "xmpp.pcap"), self.one / "xmpp.pcap", False))

    def test_unknown_name(self):
        done = subprocess.run([PCAPS / "generate.py", "--out", self.work.name, "xmmp"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such capture: xmmp", done.stderr)


class Committed(unittest.TestCase):
    """After a change of the code: `generate.py --update`."""

    def test_index(self):
        self.assertEqual((PCAPS / "index.json").read_text(encoding="utf-8"), generate.index())

    def test_every_scene_is_listed(self):
        self.assertEqual({row["name"] for row in index()}, set(generate.scenes()))

    def test_events(self):
        row = next(r for r in index() if r["events"])
        self.assertEqual((PCAPS / row["events"]).read_text(encoding="utf-8"), day.events())

    def test_readme(self):
        readme = (PCAPS / "README.md").read_text(encoding="utf-8")
        facts = {row["name"]: (len(frames(row["name"])), "") for row in index()}
        self.assertEqual(readme, generate.with_table(readme, facts))


class Times(unittest.TestCase):
    def test_frames_are_in_order(self):
        for row in index():
            times = [when for when, _ in frames(row["name"])]
            self.assertTrue(all(a < b for a, b in zip(times, times[1:])), row["name"])

    def test_events_count_from_the_first_frame(self):
        for row in index():
            if row["events"]:
                times = {when for when, _ in frames(row["name"])}
                self.assertEqual(min(times), 0)
                at = {int(line.split("=")[0]) * capture.NANO for line in schedule(row)}
                self.assertFalse(at & times, "a frame at the very moment of an event")

    def test_round_trip(self):
        made = frames("not-ours")
        self.assertEqual(capture.load(capture.dump(made)), made)


class Tools(unittest.TestCase):
    """What the captures are made with, by values from elsewhere."""

    def test_checksum(self):
        # RFC 1071, 3: the sum of these is ddf2
        self.assertEqual(frame.checksum(bytes.fromhex("0001f203f4f5f6f7")), 0xFFFF - 0xDDF2)
        self.assertEqual(frame.checksum(b"\xff\xff"), 0)
        self.assertEqual(frame.checksum(bytes(4)), 0xFFFF - 0)

    def test_prng(self):
        # SHAKE-128 of "x/0", and the same bytes whatever the sizes they are taken in
        whole = prng.Prng("x").bytes(70000)
        self.assertEqual(whole[:8], hashlib.shake_128(b"x/0").digest(8))
        again = prng.Prng("x")
        self.assertEqual(b"".join(again.bytes(n) for n in (1, 99, 65000, 4900)), whole)


if __name__ == "__main__":
    unittest.main()

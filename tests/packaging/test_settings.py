#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The settings files of packaging/ and examples/ are what the units and the engines take.

test_settings.py TURNOUT_DP TURNOUT_XDP"""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "64",
       "--log-level=*:error"]
LAST = ["--pins", "not-a-number"]  # refused, once all before it was taken


def settings(path):
    """Each way that the file shows, those in comments too: [{variable: words}]."""
    ways, now = [], {}
    for name, value in re.findall(r"(?m)^#?(TURNOUT_\w+)=(.*)$", path.read_text("utf-8")):
        if name in now:
            ways.append(now)
            now = {}
        now[name] = value.split()
    return ways + [now]


def files(engine):
    return [TOP / "packaging" / f"turnout-{engine}.conf",
            *sorted((TOP / "examples").glob("*-dpdk.conf" if engine == "dp" else "*-xdp.conf"))]


def ports(words):
    return [words[i + 1] for i, word in enumerate(words) if word == "--port"]


def lcores(words):
    count = 0
    for part in words[words.index("-l") + 1].split(","):
        first, _, last = part.partition("-")
        count += int(last or first) - int(first) + 1
    return count


class Settings(unittest.TestCase):
    def taken(self, argv):
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--pins not-a-number", done.stderr)

    def each(self, engine, *names):
        found = files(engine)
        self.assertEqual(len(found), 3)
        for path in found:
            unit = (TOP / "packaging" / f"turnout-{engine}.service.in").read_text("utf-8")
            for way in settings(path):
                with self.subTest(path=path.name, way=way):
                    self.assertEqual(list(way), list(names))
                    for name in names:
                        self.assertIn(f"${name}", unit)
                    yield way

    def test_xdp(self):
        for way in self.each("xdp", "TURNOUT_XDP_OPTIONS"):
            with tempfile.TemporaryDirectory() as name:
                self.taken([XDP, "run", "--control", f"{name}/socket",
                            *way["TURNOUT_XDP_OPTIONS"], *LAST])

    def test_dpdk(self):
        for way in self.each("dp", "TURNOUT_DP_EAL", "TURNOUT_DP_OPTIONS"):
            eal, words = way["TURNOUT_DP_EAL"], way["TURNOUT_DP_OPTIONS"]
            devices = {eal[i + 1].split(",")[0] for i, word in enumerate(eal)
                       if word in ("-a", "--vdev")}
            named = {re.match(r"((?:[0-9a-f]+:)+[0-9a-f]+\.\d|\w+):", p)[1] for p in ports(words)}
            self.assertEqual(named, devices)
            self.assertEqual(lcores(eal), int(words[words.index("--workers") + 1]) + 1)
            with tempfile.TemporaryDirectory() as name:
                self.taken([DP, "run", *EAL, "--", "--control", f"{name}/socket", *words, *LAST])


if __name__ == "__main__":
    DP, XDP = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])

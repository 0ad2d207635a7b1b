#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A plan of 70,000 routes, which is more than turnout-xdp holds where the kernel takes no large
values: test_large.py TURNOUT. Both engines send each partner's clients where its route says, from
the first partner to the last, and who stands between two partners where everyone goes. Where the
kernel takes none, the plan is refused, by its size."""

import ipaddress
import json
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import engines
import world

TURNOUT = sys.argv.pop(1)
PARTNERS, STEP = 70_000, 32  # prefixes of 16 addresses: as many belong to nobody
SMALL = 2 << 20  # bytes that an engine holds in any case
PLAN = """turnout: 1
site: {name: large, gateways: [10.0.0.1]}
salt: large
pools:
  legacy: {role: legacy, edges: {e1: {web: 10.1.0.1}}}
  new: {role: new, edges: {n1: {web: 10.1.0.2}}}
services:
  web: {kind: other, vip: 10.2.0.1, protocol: udp, port: 4000, address: web}
partners:
"""


def client(place):
    return ipaddress.IPv4Address(int(ipaddress.IPv4Address("11.0.0.0")) + place)


def write_plan(path):
    partners = "".join(f"  p{i}: {client(i * STEP)}/28\n" for i in range(PARTNERS))
    shares = ", ".join(f"p{i}: {i % 2 * 100}" for i in range(PARTNERS))
    path.write_text(f"{PLAN}{partners}stages:\n  - name: only\n"
                    f"    routes: {{web: {{default: 0, partners: {{{shares}}}}}}}\n")


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(source):
    udp = struct.pack(">HHHH", 9999, 4000, 12, 0) + b"some"
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    ends = source.packed + ipaddress.IPv4Address("10.2.0.1").packed
    head = head[:10] + struct.pack(">H", checksum(head + ends)) + ends
    return bytes(12) + b"\x08\x00" + head + udp


def asked():
    """(client's place, whether it goes new): the first partners, the last, and some on the way;
    and behind each who belongs to nobody."""
    some = {*range(40), *range(PARTNERS - 40, PARTNERS), *range(0, PARTNERS, 1999)}
    for i in sorted(some):
        yield i * STEP + 5, i % 2 == 1
        yield i * STEP + 21, False


class Large(unittest.TestCase):
    def setUp(self):
        why = engines.why_not(["xdp"], TURNOUT)
        if why:
            self.skipTest(why)
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.work = Path(held.name)
        self.plan, self.capture = self.work / "plan.yaml", self.work / "in.pcap"
        write_plan(self.plan)
        self.wanted = list(asked())
        self.capture.write_bytes(world.pcap(
            [(1_000_000_000 * (i + 1), frame(client(place)))
             for i, (place, _) in enumerate(self.wanted)]))

    def replay(self, engine):
        out = self.work / engine
        done = subprocess.run([TURNOUT, "replay", self.plan, self.capture, "--engine", engine,
                               "--out", out, "--quiet"], capture_output=True, text=True,
                              check=False)
        return done, out / "verdicts.jsonl"

    def test_every_route_is_found(self):
        image = self.work / "image"
        subprocess.run([TURNOUT, "table", "write", self.plan, "--out", image], check=True,
                       capture_output=True)
        self.assertGreater(image.stat().st_size, SMALL)
        for engine in "dpdk", "xdp":
            done, verdicts = self.replay(engine)
            if engine == "xdp" and "holds 2097152 on this kernel" in done.stderr:
                self.skipTest(done.stderr.strip())
            self.assertEqual(done.returncode, 0, done.stderr)
            found = [json.loads(line) for line in verdicts.read_text().splitlines()]
            self.assertEqual([(v["reason"], v["edge"]) for v in found],
                             [("route", "n1" if new else "e1") for _, new in self.wanted], engine)


if __name__ == "__main__":
    unittest.main()

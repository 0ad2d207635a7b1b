# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the engine's commands share: where the programs are, captures to feed them."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "pcaps")]

BUILD = Path(os.environ.get("TURNOUT_BUILD", TOP / "build"))
TURNOUT = BUILD / "control" / "turnout"
ENGINE = BUILD / "dataplane" / "turnout-dp"
START = 1767261600  # 2026-01-01T10:00:00Z

PLAN = """\
turnout: 1
site: {name: lab, gateways: [203.0.113.2]}
salt: lab
relay_key: shared
pools:
  legacy: {role: legacy, edges: {e1: {a: 203.0.113.10}, e2: {a: 203.0.113.11}}}
  new: {role: new, edges: {n1: {a: 203.0.113.12}}}
services:
  access: {kind: sip-tls, vip: 203.0.113.100, protocol: tcp, port: 443, address: a}
  media: {kind: media, vip: 203.0.113.100, protocol: udp, port: 50000-50999, address: a}
stages:
  - name: old
  - name: half
    routes: {access: 50, media: 50}
  - name: moved
    routes: {access: 100, media: 100}
"""

ETHERNET = bytes.fromhex("020000000002020000000001")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ipv4(source, destination, proto, payload):
    addresses = bytes(int(x) for a in (source, destination) for x in a.split("."))
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0) + addresses
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp(source, sport, destination, dport, data=b"\x80\x00" + bytes(30)):
    return ipv4(source, destination, 17, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data)


def tcp(source, sport, destination, dport, flags, data=b""):
    segment = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 8192, 0, 0) + data
    pseudo = bytes(int(x) for a in (source, destination) for x in a.split(".")) + \
        struct.pack(">HH", 6, len(segment))
    return ipv4(source, destination, 6, segment[:16] +
                struct.pack(">H", checksum(pseudo + segment)) + segment[18:])


def ethernet(packet, ethertype=0x0800):
    return ETHERNET + struct.pack(">H", ethertype) + packet


def write_pcap(path, frames, link=1, wire=None):
    """`frames`: (seconds after START, bytes). `wire`: their length on the wire, if longer."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link))
        for when, frame in frames:
            f.write(struct.pack("<IIII", START + int(when), int(when % 1 * 10**9), len(frame),
                                wire or len(frame)) + frame)


def run(*argv, **options):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                          **options)


def lines(directory):
    text = (Path(directory) / "verdicts.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.plan = self.dir / "plan.yaml"
        self.plan.write_text(PLAN, encoding="utf-8")

    def capture(self, frames, name="in.pcap", **options):
        path = self.dir / name
        write_pcap(path, frames, **options)
        return path

    def image(self, stage, generation=1):
        """A table image; later generations are made by changing the number and the checksum."""
        path = self.dir / f"{stage}-{generation}.img"
        done = run(TURNOUT, "table", "write", self.plan, "--stage", stage, "--out", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        if generation != 1:
            path.write_bytes(renumbered(path.read_bytes(), generation))
        return path

    def replay(self, *argv, code=0):
        done = run(TURNOUT, "replay", *argv)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done


# Of include/turnout/table.h: the checksum lies at 16, the generation after it.
CHECKSUM_AT, GENERATION_AT, MAGIC, MASK = 16, 24, 0x454C424154544F54, 2**64 - 1


def table_checksum(image):
    h = MAGIC ^ len(image)
    for at in range(0, len(image), 8):
        if at == CHECKSUM_AT:
            continue
        word = int.from_bytes(image[at:at + 8], "little")
        h = (h ^ word) * 0x9E3779B97F4A7C15 & MASK
        h ^= h >> 32
    return h


def renumbered(image, generation):
    image = bytearray(image)
    image[GENERATION_AT:GENERATION_AT + 8] = generation.to_bytes(8, "little")
    image[CHECKSUM_AT:CHECKSUM_AT + 8] = table_checksum(bytes(image)).to_bytes(8, "little")
    return bytes(image)

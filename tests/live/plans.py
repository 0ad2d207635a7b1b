# SPDX-License-Identifier: BSD-3-Clause
"""The plan of the lab, its table images, and the edge that each new flow must get."""

import ipaddress
import os
import struct
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / d) for d in ("tools/lib", "tests", "tests/replay")]

import common  # noqa: E402
from model import choose, hashes, plan  # noqa: E402

TCP_PORT, UDP_PORT = 443, 5000
VIPS = "203.0.113.100", "2001:db8:0:100::100"
GATEWAY_EDGES = "192.0.2.1", "2001:db8:0:2::1"
GATEWAY_OUTSIDE = "198.18.0.1", "2001:db8:0:1::1"
EDGES = {name: (f"192.0.2.{n}", f"2001:db8:0:2::{n}")
         for name, n in (("e1", 11), ("e2", 12), ("n1", 21), ("n2", 22))}

TEXT = """\
turnout: 1
site: {{name: lab, gateways: [{gateways}]}}
salt: live-lab
pools:
  old: {{role: legacy, mode: {mode}, edges: {{{old}}}}}
  fresh: {{role: new, mode: {mode}, edges: {{{fresh}}}}}
services:
  access: {{kind: sip-tls, vip: [{vips}], protocol: tcp, port: "{tcp}", address: a, affinity: none}}
  datagrams:
    {{kind: other, vip: [{vips}], protocol: udp, port: "{udp}", address: a, affinity: none}}
stages:
  - name: legacy
  - name: half
    routes: {{access: 50, datagrams: 50}}
  - name: new
    routes: {{access: 100, datagrams: 100}}
"""


def addresses_of(edge, mode):
    """In ipip one edge of each pool has one family only: its tunnel carries the other one too."""
    if mode == "ipip" and edge in ("e2", "n2"):
        return [EDGES[edge][edge == "n2"]]
    return list(EDGES[edge])


def text_of(mode):
    def quoted(addresses):
        return ", ".join(f'"{a}"' for a in addresses)

    def pool(names):
        return ", ".join(f"{n}: {{a: [{quoted(addresses_of(n, mode))}]}}" for n in names)

    return TEXT.format(mode=mode, gateways=quoted(GATEWAY_EDGES + GATEWAY_OUTSIDE), tcp=TCP_PORT,
                       udp=UDP_PORT, vips=quoted(VIPS), old=pool(["e1", "e2"]),
                       fresh=pool(["n1", "n2"]))


# Of include/turnout/table.h: where the references to sections begin, which one the edges' is, an
# edge's size and where its state lies in it; enum to_edge_state.
SECTIONS_AT, SECTION_EDGES, EDGE_BYTES, EDGE_STATE_AT, DOWN = 72, 4, 16, 8, 1


def with_edge_down(image, index):
    offset, = struct.unpack_from("<I", image, SECTIONS_AT + 8 * SECTION_EDGES)
    image = bytearray(image)
    image[offset + EDGE_BYTES * index + EDGE_STATE_AT] = DOWN
    return bytes(image)


class Generations:
    """Every generation of a run: its image, and what it says of a new flow."""

    def __init__(self, directory, turnout, mode):
        self.directory, self.turnout = directory, turnout
        text = text_of(mode)
        self.plan_path = directory / "plan.yaml"
        self.plan_path.write_text(text, encoding="utf-8")
        self.plan = plan.loads(text)
        self.services = {s.protocol: s for s in self.plan.services}
        self.path = directory / "table"
        self.past = [None]  # generations count from 1
        self.images = {}

    def _image(self, stage):
        if stage not in self.images:
            path = self.directory / f"{stage}.image"
            subprocess.run([self.turnout, "table", "write", self.plan_path, "--stage", stage,
                            "--out", path], check=True, stdout=subprocess.DEVNULL)
            self.images[stage] = path.read_bytes()
        return self.images[stage]

    def publish(self, stage, down=None, another=False):
        """The next generation, whole and at once in place of the one before. `another`: a fault,
        the image is not that of the stage."""
        image = self._image("half" if another else stage)
        if down:
            image = with_edge_down(image, [e.name for e in self.plan.edges].index(down))
        self.past.append((stage, down))
        number = len(self.past) - 1
        new = self.path.with_suffix(".new")
        new.write_bytes(common.renumbered(image, number))
        os.replace(new, self.path)
        return number

    def name(self, number):
        stage, down = self.past[number]
        return f"{stage}, {down} down" if down else stage

    def edge(self, number, protocol, client):
        """Of a client's new flow under this generation, by the reference model."""
        stage, down = self.past[number]
        for edge in self.plan.edges:
            edge.state = "down" if edge.name == down else "up"
        address = ipaddress.ip_address(client)
        service, key = self.services[protocol], hashes.client_of(address)
        share = self.plan.stage_by_name[stage].share(service, address)
        role = "new" if hashes.bucket(self.plan.salt, key) < share else "legacy"
        return choose.in_pool(service, role, "route", address.version, key)[1].name

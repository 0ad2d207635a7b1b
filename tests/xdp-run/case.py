# SPDX-License-Identifier: BSD-3-Clause
"""A gateway that is fresh for each test, and the program that runs them."""

import argparse
import os
import sys
import tempfile
import unittest
from pathlib import Path

import site_of_run as site
from site_of_run import netns

DONE, NO, USAGE, UNREACHABLE, REFUSED = range(5)  # exit status
IDLE_FLOWS = 60
PROGRAMS = "stumbling", "wider", "turned"


class Case(unittest.TestCase):
    """A gateway that is fresh, with two flows of traffic through it once it runs."""

    made = None  # the gateway and its network, once

    def setUp(self):
        self.gateway, self.network = Case.made
        self.gateway.publish("legacy", 1)
        self.flow = None
        self.idle = {}

    def tearDown(self):
        if self.flow:
            self.flow.stop()
        for s in self.idle:
            s.close()
        self.gateway.clear()

    def begin(self, *options, **which):
        """Steers, with flows, and the next new flow would go elsewhere."""
        self.gateway.start(*options, **which)
        self.flow = site.Flow()
        self.idle = {s: self.edge_of(s) for s in site.open_flows(IDLE_FLOWS)}
        self.flow.goes_on()
        self.gateway.publish("new", 2)

    def edge_of(self, s):
        """Which edge answers it now."""
        s.settimeout(site.PATIENCE)
        s.sendto(site.SEQUENCE.pack(0), (site.VIP, site.UDP_PORT))
        return s.recv(64)[:site.EDGE_BYTES].decode()

    def check_idle(self):
        """Every flow that was open has its edge."""
        self.assertGreaterEqual(self.gateway.entries(), len(self.idle) + 1)
        self.assertEqual({s: self.edge_of(s) for s in self.idle}, self.idle)

    def check_flow(self):
        """It has lost nothing, and stayed where it was."""
        self.flow.goes_on()
        lost, edges = self.flow.stop()
        self.flow = None
        self.assertEqual(lost, [])
        self.assertEqual(len(edges), 1, edges)

    def check_all(self):
        self.check_idle()
        self.check_flow()

    def pinned(self, end=""):
        return sorted(n.name for n in (self.gateway.pin / "maps").iterdir()
                      if n.name.endswith(end))


def main(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", type=Path, required=True, help="the build directory")
    parser.add_argument("--peer", type=Path, required=True, help="tests/live's peer.bpf.o")
    for name in PROGRAMS:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    netns.enter("turnout-xdp-run")
    programs = {name: getattr(options, name) for name in PROGRAMS}
    programs["real"] = options.build / "bpf" / "turnout-xdp"
    with tempfile.TemporaryDirectory(dir=netns.NETNS) as directory:
        network = site.Network(options.peer)
        gateway = site.Gateway(Path(directory), options.build / "control" / "turnout", programs)
        Case.made = gateway, network
        site.Edges()
        try:
            done = unittest.main(module="__main__", argv=[sys.argv[0], *options.tests], exit=False,
                                 verbosity=2)
        finally:
            gateway.close()
            network.close()
    return 0 if done.result.wasSuccessful() else 1

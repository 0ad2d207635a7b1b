#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""All that test_kernel_part.py asks of AF_PACKET, over AF_XDP, and what is AF_XDP's own.

    test_af_xdp.py BUILD [UNITTEST ARGUMENTS]
"""

import socket
import sys
import time
import unittest
from pathlib import Path

import site_of_gateway as site
import test_kernel_part as kernel_part
from site_of_gateway import E1, OUTSIDE, PATIENCE, VIPS, inside, ip, ping, run, sockets

import netns
from processes import Failed


class Split(kernel_part.Shared):
    """AF_XDP: the kernel sees what our XDP program leaves to it."""

    driver = "net_af_xdp"

    def program(self, interface):
        return site.link_of("gw", interface).get("xdp", {}).get("prog", {}).get("name")

    def test_program_dead(self):
        """It outlives the process, and keeps the kernel off by itself; its own the kernel has."""
        self.engine.kill()
        try:
            with inside("gw"):
                run("nft", "flush", "ruleset")
            self.assertEqual(self.program("outside"), "turnout_intake")
            ip("gw", *(f"addr add {v}/{128 if ':' in v else 32} dev lo" for v in VIPS))
            self.assertEqual(self.nobody(), [])
            for a in OUTSIDE:
                self.assertTrue(ping("client", a))
            self.engine.unguard()
            self.assertIsNone(self.program("outside"))
        finally:
            run("ip", "-n", "gw", "addr", "flush", "dev", "lo", "scope", "global")
            self.engine.start()
        self.assertEqual(self.program("outside"), "turnout_intake")
        self.ask_until()

    def test_new_address(self):
        """That the host gets while the engine runs: an edge reaches it, and not what it loses."""
        address = "192.0.2.99"
        ip("gw", f"addr add {address}/32 dev edges")
        try:
            end = time.monotonic() + PATIENCE
            while not ping("e1", address):
                self.assertLess(time.monotonic(), end, "it is not reached")
            self.connect("e1", address)
        finally:
            ip("gw", f"addr del {address}/32 dev edges")
        with sockets("e1", socket.SOCK_DGRAM, E1[0]) as s:
            end = time.monotonic() + PATIENCE
            before = self.engine.report()["ports"]["received"]["all"]
            run("ip", "-n", "e1", "neigh", "replace", address, "lladdr",
                site.link_of("gw", "edges")["address"], "dev", "e0")
            while self.engine.report()["ports"]["received"]["all"] == before:
                self.assertLess(time.monotonic(), end, "the kernel has it still")
                s.sendto(b"for whom?", (address, 9))

    def test_program_of_another(self):
        """The port does not start, and says so."""
        self.engine.kill()
        self.engine.unguard()
        with inside("gw"):
            run("ip", "link", "set", "dev", "edges", "xdpdrv", "obj",
                kernel_part.BUILD / "tests/live/peer.bpf.o", "program", "peer_pass")
        try:
            self.engine.said = ""
            with self.assertRaises(Failed):
                self.engine.start()
            self.engine.watch.turn(0)
            self.assertIn("net_af_xdp1: cannot set up a receive queue", self.engine.said)
        finally:
            self.engine.kill()
            ip("gw", "link set dev edges xdpdrv off")  # it may be there still
            self.engine.start()
        self.ask_until()


if __name__ == "__main__":
    kernel_part.BUILD = Path(sys.argv[1]).resolve()
    netns.enter("turnout-af-xdp")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What judges the frames of the row `peers` notices each one that is wrong or lost.
TURNOUT_BUILD is the build directory."""

import unittest

import peers
import peers_site as site
from netns import enter, inside, run, want_bpf
from processes import Watch

FLOWS, FRAMES = 256, 4096
EACH = FRAMES // FLOWS  # frames of one flow in one direction


class Judge(unittest.TestCase):
    def rule(self, gateway, text):
        with inside(gateway.gateway):
            run("nft", "insert rule ip gateway", text)

    def wrong(self, ends):
        before = ends.wrong
        ends.packets(FRAMES, 0, 0)
        return ends.wrong - before

    def test_faults(self):
        with site.gateways(peers.BUILD, Watch(), [site.Nftables]) as (gateway,):
            ends = peers.Ends(gateway, gateway.ends, "udp", FLOWS, peers.LENGTH)
            self.addCleanup(ends.close)
            ends.learn()
            self.assertEqual(self.wrong(ends), 0)
            self.rule(gateway, "forward ip saddr 198.18.0.7 ip dscp set 10")
            self.assertEqual(self.wrong(ends), EACH)
            self.rule(gateway, "forward ip daddr 198.18.0.11 udp dport set 40001")  # an answer
            self.assertEqual(self.wrong(ends), 2 * EACH)
            self.rule(gateway, "forward ip saddr 198.18.0.9 drop")
            self.assertEqual(self.wrong(ends), 3 * EACH)


if __name__ == "__main__":
    enter("turnout-peers")
    want_bpf()
    unittest.main()

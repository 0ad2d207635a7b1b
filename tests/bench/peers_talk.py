#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real sockets through the gateways that one could have: peers_talk.py SAMPLES CONNECTIONS PINGS.
Prints JSON: {"contenders": {key: {"name", "connect", "tcp50", "tcp99", "wrong"}}}, lists of
nanoseconds and how many got no answer, or another one. Exit status 1 when any did.

Client, edge and gateway are all on one CPU, but for turnout-dp's worker, which has the other.
TURNOUT_BUILD is the build directory."""

import contextlib
import json
import os
import sys
from pathlib import Path

import peers_site as site
from netns import enter, inside, want_bpf
from processes import Watch

BUILD = Path(os.environ.get("TURNOUT_BUILD", Path(__file__).resolve().parents[2] / "build-test"))
TALK = BUILD / "tests/bench/bench_talk"
UDP_PORT, BATCH = 50000, 16
TIMES = 4  # a sample is the best of so many


class Ends:
    def __init__(self, contender):
        with inside(contender.edge):
            self.server = site.Program([TALK, "serve", site.ACCESS, UDP_PORT, *site.EDGES])
        with inside(contender.client):
            self.client = site.Program([TALK, "ask", contender.asked, site.ACCESS, UDP_PORT])
        self.gateway, self.wrong = contender, 0
        self.found = {"connect": []}

    def ask(self, line):
        said = self.client.ask(line)
        self.wrong += said["failed"]
        return sorted(said["ns"])

    def ping(self, protocol, pings):
        runs = [self.ask(f"{protocol} {pings}") for _ in range(TIMES)]
        for percent in 50, 99:
            self.found.setdefault(f"{protocol}{percent}", []).append(
                min(ns[len(ns) * percent // 100] for ns in runs))

    def sample(self, connections, pings):
        self.gateway.go()
        self.found["connect"].append(self.ask(f"connect {connections} {BATCH}")[0] / BATCH)
        self.ping("tcp", pings)
        self.gateway.rest()

    def close(self):
        self.client.close()
        self.server.close()


def main():
    enter("turnout-peers")
    want_bpf()
    samples, connections, pings = map(int, sys.argv[1:4])
    kinds = [site.Routed, *site.nftables(), site.HAProxy, site.TurnoutXdp, site.TurnoutXdpGeneric,
             site.DpAfXdp]
    with site.gateways(BUILD, Watch(), kinds, sockets=True) as gateways, \
            contextlib.ExitStack() as stack:
        ends = [Ends(g) for g in gateways]
        for e in ends:
            stack.callback(e.close)
        for _ in range(samples):
            for e in ends:
                e.sample(connections, pings)
    print(json.dumps({"contenders": {e.gateway.key: {"name": e.gateway.name, "wrong": e.wrong,
                                                     **e.found} for e in ends}}))
    return any(e.wrong for e in ends)


if __name__ == "__main__":
    sys.exit(main())

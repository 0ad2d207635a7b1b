#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a packet costs with the gateways that one could have: peers.py FLOWS LENGTH SAMPLES FRAMES.
Prints JSON: {"contenders": {key: {"name", "own", "whole", "receive", "wrong"}}}, lists
of nanoseconds and a number of frames. Exit status 1 when frames did not come as they should.

Frames of FLOWS UDP flows, half of them requests, are sent by the kernel's test run with live frames,
which gives a veth what a card's driver gets: a page. The time is read by the sender every WINDOW
frames; a sample is the shortest of its windows, of which there is one less than FRAMES has.
TURNOUT_BUILD is the build directory."""

import contextlib
import json
import os
import sys
from pathlib import Path

import peers_site as site
from netns import enter
from processes import Failed, Watch

BUILD = Path(os.environ.get("TURNOUT_BUILD", Path(__file__).resolve().parents[2] / "build-test"))
WAYS = "requests", "answers"
WINDOW = 1024
PAUSES = 12  # a sender before a gateway on a CPU of its own tries about so often for each frame
NOTHING = 0xffffffff  # as AHEAD
PATIENCE = 20  # times that a gateway may get no CPU
NS, TRIED, SENT, ARRIVED = range(4)


class Ends(site.Program):
    """Sends and judges, on both sides of a gateway."""

    def __init__(self, contender, flows, length):
        client_to, edge_to, ttl = contender.sent_to()
        super().__init__([BUILD / "tests/bench/bench_peers", site.netns_of(contender.client), "c0",
                          client_to, site.netns_of(contender.edge), "e0", edge_to, contender.ends,
                          flows, length, ttl])
        self.gateway = contender
        self.wrong, self.whole, self.receive = 0, [], []

    def settle(self, way):
        """What has not come, or not as it should, is wrong."""
        got = self.ask(f"settle {way}")
        self.wrong += got["wrong"] + abs(got["sent"] - got["arrived"] - got["wrong"])

    def learn(self):
        self.gateway.go()
        self.ask("learn")
        for way in WAYS:
            self.settle(way)
        self.gateway.rest()

    def best_window(self, way, frames):
        """The shortest for each frame that has come, of those in which there were such."""
        times = PAUSES if self.gateway.has_cpu else 1
        for _ in range(PATIENCE):
            said = self.ask(f"send {way} {frames} {frames * times} {self.gateway.ahead} "
                            f"{WINDOW * times}")
            self.settle(way)
            busy = [w for w in said["windows"] if min(w[ARRIVED], w[SENT]) * 2 > WINDOW]
            if busy:
                return min(busy, key=lambda w: w[NS] / w[ARRIVED])
        raise Failed(f"{self.gateway.name} gets no CPU")

    def sample(self, frames, pause, nothing):
        """Nanoseconds from one frame to the next, at the far end. Where the gateway has a CPU of
        its own, what it takes of the sender's for each frame is what is left when the pauses, of
        `pause` nanoseconds each, and the sender's own `nothing` are taken off."""
        self.gateway.go()
        windows = [self.best_window(way, frames) for way in WAYS]
        self.gateway.rest()
        self.whole.append(sum(w[NS] / w[ARRIVED] for w in windows) / len(WAYS))
        self.receive.append(sum((w[NS] - (w[TRIED] - w[SENT]) * pause) / w[SENT] - nothing
                                for w in windows) / len(WAYS) if self.gateway.has_cpu else 0)

    def pause(self, frames):
        """Nanoseconds that it takes not to send a frame."""
        said = self.ask(f"send requests 0 {frames * PAUSES} {NOTHING} {WINDOW * PAUSES}")
        return min(w[NS] / w[TRIED] for w in said["windows"])


def take(ends, samples, frames):
    for e in ends:
        e.learn()
    for _ in range(samples):
        pause = ends[0].pause(frames)
        for e in ends:
            e.sample(frames, pause, ends[0].whole[-1] if ends[0].whole else 0)


def found(ends):
    """`own`: what the gateway takes, each sample less what the same moment's sample without one
    took; on a CPU of its own: all of that CPU, and what it takes of the sender's."""
    nothing = ends[0].whole
    result = {}
    for e in ends:
        own = [w + r if e.gateway.has_cpu else w - n
               for w, r, n in zip(e.whole, e.receive, nothing)]
        result[e.gateway.key] = {"name": e.gateway.name, "own": own, "whole": e.whole,
                                 "receive": e.receive, "wrong": e.wrong}
    return {"contenders": result}


def main():
    enter("turnout-peers")
    flows, length, samples, frames = map(int, sys.argv[1:5])
    kinds = [site.Direct, *site.nftables(), site.TurnoutXdp, site.DpAfXdp]
    with site.gateways(BUILD, Watch(), kinds) as gateways, contextlib.ExitStack() as stack:
        ends = [Ends(g, flows, length) for g in gateways]
        for e in ends:
            stack.callback(e.close)
        take(ends, samples, frames)
        result = found(ends)
    print(json.dumps(result))
    return any(c["wrong"] for c in result["contenders"].values())


if __name__ == "__main__":
    sys.exit(main())

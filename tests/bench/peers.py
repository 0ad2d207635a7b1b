#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a packet costs with the gateways that one could have: peers.py FLOWS LENGTH SAMPLES FRAMES.
Prints JSON: {"contenders": {key: {"name", "own", "whole", "receive", "wrong"}}}, lists
of nanoseconds and a number of frames. Exit status 1 when frames did not come as they should.

Frames of FLOWS UDP flows, half of them requests, are sent by the kernel's test run with live frames,
which gives a veth what a card's driver gets: a page. The time is read by the sender every WINDOW
frames; a sample is the shortest of its windows, of which there is one less than FRAMES has.
TURNOUT_BUILD is the build directory."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import peers_site as site
from netns import enter
from processes import Watch

BUILD = Path(os.environ.get("TURNOUT_BUILD", Path(__file__).resolve().parents[2] / "build-test"))
WAYS = "requests", "answers"
WINDOW = 1024
PAUSES = 12  # a sender before a gateway on a CPU of its own tries about so often for each frame
NOTHING = 0xffffffff  # as AHEAD
NS, TRIED, SENT, ARRIVED = range(4)


class Ends:
    """The process that sends and judges, on both sides of a gateway."""

    def __init__(self, contender, flows, length):
        self.gateway = contender
        client_to, edge_to, ttl = contender.sent_to()
        argv = ["taskset", "-c", str(site.cpus()[0]), BUILD / "tests/bench/bench_peers",
                site.netns_of(contender.client), "c0", client_to, site.netns_of(contender.edge),
                "e0", edge_to, contender.ends, flows, length, ttl]
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.answer()
        self.wrong, self.whole, self.receive = 0, [], []

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"peers: {self.gateway.name}: bench_peers has ended")
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

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

    def sample(self, frames, pause, nothing):
        """Nanoseconds from one frame to the next, at the far end. Where the gateway has a CPU of
        its own, what it takes of the sender's for each frame is what is left when the pauses, of
        `pause` nanoseconds each, and the sender's own `nothing` are taken off."""
        times, best, receive = PAUSES if self.gateway.has_cpu else 1, [], []
        self.gateway.go()
        for way in WAYS:
            said = self.ask(f"send {way} {frames} {frames * times} {self.gateway.ahead} "
                            f"{WINDOW * times}")
            busy = [w for w in said["windows"] if min(w[ARRIVED], w[SENT]) * 2 > WINDOW]
            if not busy:
                sys.exit(f"peers: {self.gateway.name} gets no CPU")
            w = min(busy, key=lambda w: w[NS] / w[ARRIVED])
            best.append(w[NS] / w[ARRIVED])
            receive.append((w[NS] - (w[TRIED] - w[SENT]) * pause) / w[SENT] - nothing)
            self.settle(way)
        self.gateway.rest()
        self.whole.append(sum(best) / len(best))
        self.receive.append(sum(receive) / len(receive) if self.gateway.has_cpu else 0)

    def pause(self, frames):
        """Nanoseconds that it takes not to send a frame."""
        said = self.ask(f"send requests 0 {frames * PAUSES} {NOTHING} {WINDOW * PAUSES}")
        return min(w[NS] / w[TRIED] for w in said["windows"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


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
    gateways, ends = [], []
    with tempfile.TemporaryDirectory(dir=site.NETNS) as directory:
        try:
            for kind in site.contenders(site.Direct, site.Nftables, site.Flowtable,
                                        site.TurnoutXdp, site.DpAfXdp):
                gateways.append(kind(BUILD, Watch(), Path(directory)))
                gateways[-1].make()
                ends.append(Ends(gateways[-1], flows, length))
            take(ends, samples, frames)
            result = found(ends)
            print(json.dumps(result))
            return any(c["wrong"] for c in result["contenders"].values())
        finally:
            for e in ends:
                e.close()
            for g in gateways:
                g.close()


if __name__ == "__main__":
    sys.exit(main())

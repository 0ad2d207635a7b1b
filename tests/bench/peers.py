#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What frames cost with the gateways that one could have. Prints JSON: {"contenders": {key:
{"name", "own", "whole", "receive", "wrong"}}}, lists of nanoseconds and a number of frames. Exit
status 1 when frames did not come as they should.

    peers.py packets SAMPLES FLOWS LENGTH FRAMES   UDP flows, half of the frames are requests
    peers.py connections SAMPLES FLOWS             TCP from SYN to RST, as many at a time
    peers.py latency SAMPLES FLOWS TIMES           one request and its answer after the other; there
                                                   are "half" and "most" instead, of 100 the 50th
                                                   and the 99th

Frames are sent by the kernel's test run with live frames, which gives a veth what a card's driver
gets: a page. The time is read by the sender every so many frames, a window, of which a sample takes
the shortest. TURNOUT_BUILD is the build directory."""

import contextlib
import json
import os
import sys
from pathlib import Path

import peers_site as site
from netns import enter, want_bpf
from processes import Failed, Watch

BUILD = Path(os.environ.get("TURNOUT_BUILD", Path(__file__).resolve().parents[2] / "build-test"))
WAYS = "requests", "answers"
LENGTH = 60  # the smallest frame, without its checksum
WINDOW = 1024
PAUSES = 12  # a sender before a gateway on a CPU of its own tries about so often for each frame
ECHO_PAUSES = 400
NOTHING = 0xffffffff  # as AHEAD
PATIENCE, RETRIES = 20, 3  # times that a gateway may get no CPU of its own, or none of the sender's
NS, TRIED, SENT, ARRIVED = range(4)
# A connection: way, flags, sequence number, acknowledged, bytes.
SEGMENTS = [("requests", "S", 0, 0, 0), ("answers", "SA", 0, 1, 0), ("requests", "A", 1, 1, 0),
            ("requests", "PA", 1, 1, 2), ("answers", "PA", 1, 3, 2), ("requests", "R", 3, 0, 0)]
FIRST_PORT, PORTS = 20000, 20000


class Ends(site.Program):
    """Sends and judges, on both sides of a gateway."""

    def __init__(self, contender, judged_by, protocol, flows, length):
        client_to, edge_to, ttl = contender.sent_to()
        super().__init__([BUILD / "tests/bench/bench_peers", site.netns_of(contender.client), "c0",
                          client_to, site.netns_of(contender.edge), "e0", edge_to, judged_by,
                          protocol, flows, length, ttl])
        self.gateway, self.flows = contender, flows
        self.times = PAUSES if contender.has_cpu else 1
        self.wrong, self.found = 0, {}

    def add(self, **values):
        for key, value in values.items():
            self.found.setdefault(key, []).append(value)

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

    def best_window(self, way, frames, window):
        """The shortest for each frame that has come, of those in which there were such."""
        for _ in range(PATIENCE if self.gateway.has_cpu else RETRIES):
            said = self.ask(f"send {way} {frames} {frames * self.times} {self.gateway.ahead} "
                            f"{window * self.times}")
            self.settle(way)
            busy = [w for w in said["windows"] if min(w[ARRIVED], w[SENT]) * 2 > window]
            if busy:
                return min(busy, key=lambda w: w[NS] / w[ARRIVED])
        raise Failed(f"{self.gateway.name} forwards nothing, or gets no CPU")

    def note(self, windows, many, pause, nothing):
        """From `many` times one frame to the next, at the far end, one window for each kind. Where
        the gateway has a CPU of its own, what it takes of the sender's for each frame is what is
        left when the pauses, of `pause` nanoseconds each, and the sender's own `nothing` are taken
        off."""
        whole = sum(w[NS] / w[ARRIVED] for w in windows) * many / len(windows)
        receive = sum((w[NS] - (w[TRIED] - w[SENT]) * pause) / w[SENT] for w in windows) \
            * many / len(windows) - nothing
        self.add(whole=whole, receive=receive if self.gateway.has_cpu else 0,
                 own=whole + receive if self.gateway.has_cpu else whole - nothing)

    def pause(self):
        """Nanoseconds that it takes not to send a frame."""
        said = self.ask(f"send requests 0 {PAUSES * WINDOW * 4} {NOTHING} {PAUSES * WINDOW}")
        return min(w[NS] / w[TRIED] for w in said["windows"])

    def packets(self, frames, pause, nothing):
        self.gateway.go()
        windows = [self.best_window(way, frames, WINDOW) for way in WAYS]
        self.gateway.rest()
        self.note(windows, 1, pause, nothing)

    def connections(self, port, pause, nothing):
        """Every frame is checked to its last checksum. One that has to be sent again because the
        gateway got no CPU would be another connection's: it is the sample that begins again."""
        self.gateway.go()
        self.ask(f"port {port}")
        windows = []
        for way, *segment in SEGMENTS:
            self.ask(f"segment {way} {' '.join(map(str, segment))}")
            windows.append(self.best_window(way, self.flows, self.flows // 4))
        self.gateway.rest()
        self.note(windows, len(SEGMENTS), pause, nothing)

    def latency(self, times):
        self.gateway.go()
        tries = times * (ECHO_PAUSES if self.gateway.has_cpu else 1)
        ns = sorted(self.ask(f"echo {times} {tries}")["ns"])
        for way in WAYS:
            self.settle(way)
        self.gateway.rest()
        self.add(half=ns[len(ns) // 2], most=ns[len(ns) * 99 // 100])


def nothing(ends):
    """What the round's sample without a gateway took."""
    return ends[0].found["whole"][-1] if "whole" in ends[0].found else 0


def packets(ends, samples, frames):
    for e in ends:
        e.learn()
    for _ in range(samples):
        pause = ends[0].pause()
        ends[0].packets(frames, pause, 0)
        for e in ends[1:]:
            e.packets(frames, pause, nothing(ends))


def connections(ends, samples):
    for i in range(samples):
        pause, port = ends[0].pause(), FIRST_PORT + i % PORTS
        ends[0].connections(port, pause, 0)
        for e in ends[1:]:
            e.connections(port, pause, nothing(ends))


def latency(ends, samples, times):
    for e in ends:
        e.learn()
    for _ in range(samples):
        for e in ends:
            e.latency(times)


def main():
    enter("turnout-peers")
    want_bpf()
    what, samples, flows, *rest = sys.argv[1], *map(int, sys.argv[2:])
    kinds = [site.Direct, *site.nftables(), site.TurnoutXdp, site.DpAfXdp]
    length = rest.pop(0) if what == "packets" else LENGTH
    with site.gateways(BUILD, Watch(), kinds) as gateways, contextlib.ExitStack() as stack:
        ends = [Ends(g, "xdp" if what == "latency" else g.ends,
                     "tcp" if what == "connections" else "udp", flows, length) for g in gateways]
        for e in ends:
            stack.callback(e.close)
        {"packets": packets, "connections": connections, "latency": latency}[what](
            ends, samples, *rest)
    print(json.dumps({"contenders": {e.gateway.key: {"name": e.gateway.name, "wrong": e.wrong,
                                                     **e.found} for e in ends}}))
    return any(e.wrong for e in ends)


if __name__ == "__main__":
    sys.exit(main())

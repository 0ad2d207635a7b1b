# SPDX-License-Identifier: BSD-3-Clause
"""Scripts that run side by side in the capture's time, and the frames they leave behind."""
import heapq
from pathlib import Path

from wire.capture import NANO
from wire.frame import between, ethernet, mac_of
from wire.prng import Prng

from .site import Site

MS = NANO // 1000
ROOT = Path(__file__).resolve().parents[2]


class World:
    """A script is a generator that yields nanoseconds to wait. Frames are emitted in order."""

    def __init__(self, name, plan, stage, events=()):
        self.prng = Prng(name)
        self.site = Site(ROOT / plan, stage)
        self.events = list(events)
        self.frames = []
        self.now, self.last = 0, -1000
        self.waiting, self.count = [], 0
        jitter = Prng(name + " jitter")
        self.jitter = [jitter.below(400_000) for _ in range(4093)]
        self.ident = self.steps = 0

    @property
    def second(self):
        return self.now // NANO

    def spawn(self, when, script):
        self.count += 1
        heapq.heappush(self.waiting, (when, self.count, script))

    def run(self):
        """Runs every script to its end and returns the frames."""
        while self.waiting:
            when, order, script = heapq.heappop(self.waiting)
            self._advance(when)
            delay = next(script, None)
            if delay is not None:
                delay += self.jitter[self.steps % len(self.jitter)]
                self.steps += 1
                heapq.heappush(self.waiting, (self.now + delay, order, script))
        return self.frames

    def _advance(self, when):
        self.now = max(when, self.last + 1000)
        while self.events and self.events[0][0] * NANO <= self.now:
            at, event = self.events.pop(0)
            self.site.apply(at, event)

    def frame(self, frame):
        """Two frames of one step are a microsecond apart, and within the same second."""
        if self.frames and self.now <= self.last:
            self.now = self.last + 1000
        self.last = self.now
        self.frames.append((self.now, frame))

    def next_ident(self):
        """IPv4 identification: never 0, never the same within 65,535 packets."""
        self.ident = self.ident % 0xFFFF + 1
        return self.ident

    def send(self, src, dst, proto, l4, tags=(), **kw):
        kw.setdefault("ident", self.next_ident())
        self.frame(between(src, dst, proto, l4, tags=tags, **kw))

    def packet(self, packet, src, tags=()):
        """An IP packet that was made elsewhere."""
        self.frame(ethernet(packet, mac_of(src), tags=tags))

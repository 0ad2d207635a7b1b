# SPDX-License-Identifier: BSD-3-Clause
"""Everything that clients and a partner do meanwhile: calls with media, TLS connections that stay,
TURN sessions. And what became of it."""

import time

import cutover_lab.media as media
import cutover_lab.sip as sip
import cutover_lab.site as site
import cutover_lab.tls as tls
import cutover_lab.turn as turn
from processes import Failed

# What begins at which client's address.
CALLERS, HELD, RELAYED, FRESH = 0, 1000, 1400, 2000
SERVED = ("client", site.TLS), ("partner", site.FEDERATION)


class Size:
    """How much of it. `talk`: seconds of a call."""

    def __init__(self, calls, connections, sessions, talk, relay_seconds):
        self.calls, self.connections, self.sessions = calls, connections, sessions
        self.talk, self.relay_seconds = talk, relay_seconds


class Load:
    def __init__(self, watch, directory, size):
        self.watch, self.directory, self.size = watch, directory, size
        self.held, self.sessions, self.calls = [], [], []
        self.peak = 0  # calls at a time
        self.fresh = FRESH  # the next client that was never seen

    def serve(self):
        key, cert = site.certificate(self.directory)
        sip.write_scenarios(self.directory, self.size.talk * 1000)
        for edge in site.EDGES:
            tls.serve(self.watch, edge, key, cert)
            turn.serve(self.watch, self.directory, edge)
            sip.Called(self.watch, self.directory, edge)
        turn.peer(self.watch)
        media.begin()

    def begin(self):
        half = self.size.connections // 2
        self.held = [tls.Held(self.watch, "client", site.TLS,
                              [site.client(HELD + i) for i in range(half)]),
                     tls.Held(self.watch, "partner", site.FEDERATION,
                              [site.partner(i) for i in range(self.size.connections - half)])]
        self.sessions = [turn.Session(self.watch, site.client(RELAYED + i),
                                      self.size.relay_seconds)
                         for i in range(self.size.sessions)]
        self._call()

    def _call(self):
        """Most calls over UDP from a thousand addresses, a socket each; the others over one socket
        (a trunk), over a socket a call, and over TCP."""
        most = self.size.calls
        few = max(1, most // 8)
        for name, where, transport, limit, addresses in (
                ("callers", "client", "ui", most - 3 * few,
                 [site.client(CALLERS + i) for i in range(1000)]),
                ("sockets", "client", "un", few, [site.client(HELD + 300)]),
                ("connections", "client", "tn", few, [site.client(HELD + 301)]),
                ("trunk", "partner", "u1", few, [site.partner(1)])):
            self.calls.append(sip.Calls(
                self.watch, self.directory, name, where, transport, most=limit,
                rate=max(1, limit // 4), addresses=addresses))

    def until_all(self, timeout=60):
        """As many calls at a time as there are to be."""
        end = time.monotonic() + timeout
        while self.current() < self.size.calls:
            if time.monotonic() > end:
                raise Failed(f"only {self.current()} calls at a time")
            self.rest(0.2)

    def current(self):
        now = sum(int(c.counted().get("CurrentCall", 0)) for c in self.calls)
        self.peak = max(self.peak, now)
        return now

    def rest(self, seconds):
        """Lets it go on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.watch.turn(end)
            self.broken()

    def broken(self):
        """Stops at the first thing that breaks."""
        for held in self.held:
            if held.lost:
                raise Failed("a TLS connection was lost: " + " ".join(held.lost[0]))
        for calls in self.calls:
            if int(calls.counted().get("FailedCall(C)", 0)):
                raise Failed(f"a call failed ({calls.name}): {list(calls.process.tail['err'])}")

    def ask(self, number):
        """Clients that were never seen: address -> edge."""
        begin, self.fresh = self.fresh, self.fresh + number
        return tls.ask(self.watch, "client", site.TLS,
                       [site.client(begin + i) for i in range(number)])

    def sessions_are_over(self):
        return all(s.process.child.poll() is not None for s in self.sessions)

    def hang_up(self):
        """No new calls, and those that are there end by themselves; connections are closed."""
        for calls in self.calls:
            calls.stop()
        for held in self.held:
            held.end()

    def result(self, timeout=90):
        """When all has ended."""
        done = [(c.wait(timeout), c.counted()) for c in self.calls]
        relayed = [s.result(timeout) for s in self.sessions]
        return {
            "calls": sum(int(c["TotalCallCreated"]) for _, c in done),
            "calls_at_a_time": self.peak,
            "calls_failed": sum(int(c["FailedCall(C)"]) for _, c in done) +
            sum(1 for status, _ in done if status),
            **media.counted(),
            "connections": sum(len(h.open) for h in self.held),
            "connections_lost": sum(len(h.lost) for h in self.held),
            "turn_sessions": len(relayed),
            "turn_sessions_lost": sum(1 for status, m in relayed if status or not m or not m[1]),
            "turn_messages": sum(m[0] for _, m in relayed if m),
            "turn_messages_lost": sum(m[0] - m[1] for _, m in relayed if m),
        }

# SPDX-License-Identifier: BSD-3-Clause
"""How much SIP is read: docs/state.md, section 5.5."""

from model import hashes

KNOWN_LIFE = 3700
BURST = 20 * 10**6  # nanoseconds
SECOND = 10**9
MOST, MESSAGE = 1500, 100  # bytes
SHARE = 4


class Bucket:
    def __init__(self):
        self.until = 0

    def admits(self, now, cost):
        if self.until > now + BURST:
            return False
        self.until = max(self.until, now) + cost
        return True


class Source(Bucket):
    expires = 0


class Guard:
    """Of one worker, and with room for every source."""

    def __init__(self, rate):
        self.rate = rate  # kB a second; 0: none
        self.strangers, self.all_known = Bucket(), Bucket()
        self.sources = {}

    def know(self, client, now):
        """From now on: its bucket is a new one if it was not known."""
        name = hashes.client_of(client)
        if self.source(client, now) is None:
            self.sources[name] = Source()
        self.sources[name].expires = now + KNOWN_LIFE

    def source(self, client, now):
        found = self.sources.get(hashes.client_of(client))
        return found if found and now < found.expires else None

    def admits(self, client, payload, now, proven=False):
        """`now` in seconds; `proven`: by the pin of a TCP connection."""
        if not self.rate:
            return True
        if proven:
            self.know(client, now)
        cost = (min(len(payload), MOST) + MESSAGE) * 10**6 // self.rate
        source = self.source(client, now)
        if source is None:
            return self.strangers.admits(now * SECOND, cost)
        return source.admits(now * SECOND, cost) \
            and self.all_known.admits(now * SECOND, cost // SHARE)

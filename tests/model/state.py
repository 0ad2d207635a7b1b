# SPDX-License-Identifier: BSD-3-Clause
"""Entries and their tables: docs/state.md, sections 1 and 2."""

from collections import Counter
from dataclasses import dataclass

UNPROVEN_LIFE = 10
CLOSING_LIFE = 60
OPENING_LIFE = 60
DIALOG_LIFE = 32
RINGING_LIFE = 300
FRAGMENT_LIFE = 30
TURN_GRACE = 60
AFFINITY_RENEWAL = 16
MAX_LIFE = 65535
KINDS = ("pin", "dialog", "transaction", "affinity", "owner", "fragment")


@dataclass(eq=False)
class Entry:
    edge: object
    service: object
    expires: int
    life: int
    proven: bool = False
    client: object = None  # dialogs, transactions: who made it; an unproven one speaks for it
    affine: bool = False  # takes part in its client's affinity once it is proven
    counted: bool = False  # is one of the affinity's live entries
    affinity_time: int = 0
    through_vip: bool = True
    established: bool = False  # dialogs
    ended: bool = False
    opened_by_edge: bool = False  # TCP pins: and not answered yet
    fin_client: bool = False
    fin_edge: bool = False
    rst: bool = False
    seen_client: bool = False
    seen_edge: bool = False
    relay: tuple = None  # pins of TURN: the (VIP, port) that was claimed
    live: int = 0  # affinity
    verdict: str = None  # fragments

    @property
    def closing(self):
        if self.rst or (self.fin_client and self.fin_edge):
            return True
        return self.fin_client and self.edge.mode != "dnat"  # its edge's FIN is never seen

    def usable(self, now):
        """Live, and its edge is not retired."""
        return now < self.expires and (self.edge is None or self.edge.state != "retired")


class Table:
    """The entries of one kind: the unproven in a table of their own, oldest first."""

    def __init__(self, unproven_size, proven_size, counts):
        self.sizes = {False: unproven_size, True: proven_size}
        self.rows = {False: {}, True: {}}
        self.counts = counts

    def proven(self, key, now):
        return self._usable(True, key, now)

    def unproven(self, key, client, now):
        return self._usable(False, (key, client), now)

    def find(self, key, client, now):
        return self.proven(key, now) or self.unproven(key, client, now)

    def _usable(self, proven, key, now):
        entry = self.rows[proven].get(key)
        return entry if entry and entry.usable(now) else None

    def add_unproven(self, key, client, entry):
        """A dead or unusable one of the same key is replaced, the oldest makes room."""
        rows = self.rows[False]
        rows.pop((key, client), None)
        if len(rows) >= self.sizes[False]:
            rows.pop(next(iter(rows)))
            self.counts["unproven-displaced"] += 1
        entry.proven = False
        rows[(key, client)] = entry

    def add_proven(self, key, entry, now):
        """False when the table is full of live entries."""
        rows = self.rows[True]
        if key not in rows and len(rows) >= self.sizes[True]:
            for dead in [k for k, e in rows.items() if now >= e.expires]:
                del rows[dead]
                self.counts["reclaimed"] += 1
            if len(rows) >= self.sizes[True]:
                return False
        entry.proven = True
        rows[key] = entry
        return True

    def prove(self, key, client, entry, now):
        if not self.add_proven(key, entry, now):
            self.counts["proven-full"] += 1
            return False
        self.rows[False].pop((key, client), None)
        self.counts["proven"] += 1
        return True


class State:
    def __init__(self, unproven_size, proven_size):
        self.counts = Counter()
        for kind in KINDS:
            setattr(self, kind, Table(unproven_size, proven_size, self.counts))


def cut(life):
    return min(life, MAX_LIFE)

# SPDX-License-Identifier: BSD-3-Clause
"""Tables under pressure (I4), grace, edge events, replay's times."""

import ipaddress
import unittest
from collections import Counter
from types import SimpleNamespace

from model import events, plan, replay, test_plan
from model.state import Entry, Table

UP = SimpleNamespace(state="up", mode="dnat")


def entry(expires=100):
    return Entry(UP, None, expires, 60)


class Tables(unittest.TestCase):
    def setUp(self):
        self.counts = Counter()
        self.table = Table(2, 1, self.counts)

    def test_the_oldest_unproven_makes_room_and_no_proven_one(self):
        self.table.add_proven("p", entry(), 0)
        for key in "abc":
            self.table.add_unproven(key, None, entry())
        self.assertIsNone(self.table.unproven("a", None, 0))
        self.assertIsNotNone(self.table.unproven("b", None, 0))
        self.assertIsNotNone(self.table.proven("p", 0))
        self.assertEqual(self.counts["unproven-displaced"], 1)

    def test_a_full_proven_table_leaves_the_entry_unproven(self):
        self.table.add_proven("p", entry(), 0)
        late = entry()
        self.table.add_unproven("q", None, late)
        self.assertFalse(self.table.prove("q", None, late, 50))
        self.assertIs(self.table.unproven("q", None, 50), late)
        self.assertTrue(self.table.prove("q", None, late, 100))
        self.assertIs(self.table.proven("q", 0), late)
        self.assertIsNone(self.table.unproven("q", None, 0))

    def test_dead_at_the_second_of_its_expiry(self):
        self.table.add_proven("p", entry(100), 0)
        self.assertIsNotNone(self.table.proven("p", 99))
        self.assertIsNone(self.table.proven("p", 100))


class Events(unittest.TestCase):
    def test_grace(self):
        p = plan.loads(test_plan.TEXT)
        web, who = p.services[0], ipaddress.ip_address("2001:db8:5:6::1")
        stages = events.Stages(p.stages[0], 30)  # new: 100 %, legacy: 0 from the start
        self.assertFalse(stages.takes_clients(web, "legacy", who, 5))
        stages.switch(p.stages[1], 100)  # new: 33.3 %
        self.assertTrue(stages.takes_clients(web, "legacy", who, 1000))
        stages.switch(p.stages[0], 2000)
        self.assertTrue(stages.takes_clients(web, "legacy", who, 2029))
        self.assertFalse(stages.takes_clients(web, "legacy", who, 2030))
        stages.switch(p.stages[0], 2040)  # was 0 already: nothing became 0
        self.assertFalse(stages.takes_clients(web, "legacy", who, 2041))

    def test_retired_is_left_only_by_readmit(self):
        edge = SimpleNamespace(state="up")
        for event, state in (("drain", "draining"), ("readmit", "draining"), ("down", "down"),
                             ("retire", "retired"), ("up", "retired"), ("drain", "retired"),
                             ("readmit", "up")):
            events.change(edge, event)
            self.assertEqual(edge.state, state)

    def test_times(self):
        for text, seconds in (("90", 90), ("1.5", 1.5), ("90s", 90), ("15m", 900), ("2h", 7200)):
            self.assertEqual(replay.time_of(text, 0), seconds * 10**9)
        self.assertEqual(replay.time_of("2026-01-01T10:00:00Z", 5), 1767261600 * 10**9)

    def test_order_of_events_at_one_time(self):
        self.assertEqual([e for _, e in replay.schedule(["5=a", "1=b", "5s=c"], 0)],
                         ["b", "a", "c"])

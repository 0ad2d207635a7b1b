#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The reference model judges the captures: edges answer what they were sent, and nothing else."""
import unittest
from collections import Counter

from common import PCAPS, TOP, index, moments, schedule
from model import invariants, parse, plan, replay
from model.decide import Engine
from scenes import day
from scenes.site import Site
from wire import frame
from wire.capture import EPOCH, NANO
from wire.prng import Prng

# Drops that a capture is about; every other one would be a mistake of the generator.
DROPS = {
    "sip-udp-fragments": {"fragment-early"},
    "icmp-errors": {"icmp-unmatched", "no-service"},
    "contoso-day": {"no-service"},
    "dsr": {"ttl", "too-big"},
}
MALFORMED = {
    4: {"ip-header", "ip-truncated", "ip-checksum", "l4-truncated", "l4-header", "spoof",
        "hairpin", "ttl", "fragment-early", "no-service"},
    6: {"ip-header", "ip-truncated", "l4-truncated", "l4-header", "spoof", "hairpin", "ttl",
        "fragment-early", "no-service"},
}
JUDGED = {}


def judged(name):
    """(packet or None, verdict, generation, nanoseconds) of every frame, under the invariants."""
    if name not in JUDGED:
        row = next(r for r in index() if r["name"] == name)
        engine = Engine(plan.load(TOP / row["plan"]), row["stage"])
        made = moments(name)
        verdicts = replay.replay(engine, made, schedule(row), invariants.Watch(engine))
        rows = [(packet_of(data), found, generation, when - EPOCH * NANO)
                for (when, data), (_, found, generation) in zip(made, verdicts)]
        JUDGED[name] = engine, rows
    return JUDGED[name]


def packet_of(data):
    packet = parse.addresses_of(data)
    try:
        if packet:
            parse.read(packet)
    except parse.Malformed:
        pass
    return packet


def answers(engine, rows):
    """What leaves an edge from a service's port, whole or as a first fragment."""
    for number, (packet, found, _, _) in enumerate(rows, 1):
        if packet and packet.src in engine.plan.edge_by_address and packet.sport is not None \
                and not packet.later_fragment and not packet.is_icmp_error():
            mapping = engine.plan.reverse(packet.src, packet.protocol, packet.sport)
            if mapping:
                yield number, packet, found


def opened_by_edge(name, packet):
    """Calls that an edge opens from port 5060; relay ports on its own address."""
    if name == "sip-udp":
        return b"Call-ID: out." in packet.payload
    return name == "turn" and packet.sport >= 50000


class Answers(unittest.TestCase):
    def test_edges_answer_what_they_were_sent(self):
        for row in index():
            name = row["name"]
            if not row["valid"]:
                continue
            with self.subTest(name):
                engine, rows = judged(name)
                wrong = [(number, found.verdict, found.reason)
                         for number, packet, found in answers(engine, rows)
                         if found.verdict != "reply" and not opened_by_edge(name, packet)]
                self.assertEqual(wrong, [])

    def test_relay_ports_of_the_vip_answer(self):
        engine, rows = judged("turn")
        kinds = Counter(found.verdict for _, packet, found in answers(engine, rows)
                        if packet.sport >= 50000)
        self.assertGreater(kinds["reply"], 500)
        self.assertGreater(kinds["out"], 500)

    def test_nothing_is_dropped_by_mistake(self):
        for row in index():
            if row["valid"]:
                with self.subTest(row["name"]):
                    reasons = {found.reason for _, found, *_ in judged(row["name"])[1]
                               if found.verdict == "drop"}
                    self.assertEqual(reasons, DROPS.get(row["name"], set()))

    def test_captures_show_their_steps(self):
        for name, reasons in {
                "sip-udp": {"dialog", "transaction", "affinity", "learned-owner", "owner"},
                "sip-udp-fragments": {"fragment", "dialog"}, "turn": {"learned-owner", "midflow"},
                "ms-turn": {"learned-owner"}, "icmp-errors": {"icmp-error"},
                "federation-5061": {"edge-initiated", "owner", "route"},
                "tls-sni": {"affinity"}, "dsr": {"icmp-error", "gateway", "too-big"}}.items():
            with self.subTest(name):
                seen = {found.reason for _, found, *_ in judged(name)[1]}
                self.assertEqual(reasons - seen, set())

    def test_both_pools_are_used(self):
        for row in index():
            if row["stage"] in ("half", "access-50", "canary") and row["name"] != "not-ours":
                with self.subTest(row["name"]):
                    pools = {found.edge.pool.name for _, found, *_ in judged(row["name"])[1]
                             if found.verdict == "steer" and found.edge}
                    self.assertEqual(pools, {"legacy", "new"})


class Kinds(unittest.TestCase):
    def test_not_ours(self):
        self.assertEqual({found.verdict for _, found, *_ in judged("not-ours")[1]}, {"kernel"})

    def test_malformed(self):
        seen = {4: set(), 6: set()}
        for packet, found, *_ in judged("malformed")[1]:
            if packet and found.verdict == "drop":
                seen[packet.family].add(found.reason)
        self.assertEqual(seen, MALFORMED)

    def test_floods_leave_the_established_alone(self):
        for name in ("syn-flood", "udp-flood"):
            rows = judged(name)[1]
            late = [found for packet, found, _, when in rows if when > 40 * NANO
                    and packet.sport is not None and found.verdict == "steer"]
            self.assertGreater(len(late), 300)
            self.assertEqual({found.reason for found in late}, {"pin"})


class ContosoDay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine, cls.rows = judged("contoso-day")

    def steered(self, service=None, low=0, high=1 << 62):
        """(packet, verdict, seconds) of what clients sent, by service and time."""
        return [(packet, found, when / NANO) for packet, found, _, when in self.rows
                if found.verdict == "steer" and found.service and found.reason != "owner"
                and (service is None or found.service.name == service)
                and low <= when / NANO < high]

    def chosen(self, service, low, high):
        """Edges of new flows."""
        return Counter(found.edge.name for _, found, _ in self.steered(service, low, high)
                       if found.reason in ("route", "affinity"))

    def test_size(self):
        self.assertTrue(40_000 <= len(self.rows) <= 80_000, len(self.rows))
        clients = {packet.src for packet, *_ in self.steered()}
        self.assertGreaterEqual(len(clients), 1200)

    def test_every_event_is_seen(self):
        generations = {generation for *_, generation, _ in self.rows}
        self.assertEqual(generations, set(range(1, len(day.EVENTS) + 2)))
        stages = [event for _, event in day.EVENTS if ":" not in event]
        self.assertEqual(set(stages) | {"baseline"}, set(self.engine.plan.stage_by_name))

    def test_clients_move(self):
        """The share of new access flows on the new pool follows the stage."""
        for low, high, least, most in ((0, 3000, 0, 0), (3000, 4200, .03, .2),
                                       (4200, 5400, .12, .4), (7800, 8700, .3, .7),
                                       (8735, day.END, 1, 1)):
            found = self.chosen("access", low, high)
            share = (found["n1"] + found["n2"]) / found.total()
            self.assertTrue(least <= share <= most, (low, share))
            self.assertGreater(found.total(), 60)

    def test_a_pool_is_split_evenly(self):
        found = self.chosen("access", 8735, day.END)
        self.assertLess(abs(found["n1"] - found["n2"]), found.total() / 4)

    def test_partners(self):
        fabrikam = self.chosen("federation", 1800, 9900)
        self.assertGreater(fabrikam["n1"] + fabrikam["n2"], 5)
        self.assertGreater(fabrikam["e1"] + fabrikam["e2"], 5)
        late = self.chosen("federation", 9900, day.END)
        self.assertEqual(late["e1"] + late["e2"], 0)

    def test_down_and_drain(self):
        """No new flow, while established ones go on."""
        for edge, low, high in (("e2", 6000, 6600), ("e1", 13200, day.END)):
            new = sum(self.chosen(s.name, low, high)[edge] for s in self.engine.plan.services)
            old = sum(found.edge.name == edge for _, found, _ in self.steered(None, low, high)
                      if found.reason == "pin")
            self.assertEqual(new, 0)
            self.assertGreater(old, 100)

    def test_unanswered_clients_get_another_edge(self):
        """Whoever knocked at e2 before it was declared down gets in elsewhere."""
        first, moved = {}, 0
        for packet, found, when in self.steered("access", day.DEAF[0], 6030):
            key = (packet.src, packet.sport)
            if packet.is_syn():
                moved += first.setdefault(key, found.edge) is not found.edge
        self.assertGreater(moved, 3)

    def test_flows_outlive_switches(self):
        """Flows with packets on both sides of a switch, each at one edge all along."""
        flows, switches = {}, [at for at, event in day.EVENTS if ":" not in event]
        for packet, found, when in self.steered():
            if found.reason in ("pin", "route", "affinity") and not packet.is_syn():
                key = (packet.src, packet.sport, packet.dst, packet.dport)
                edges, times = flows.setdefault(key, (set(), []))
                edges.add(found.edge.name)
                times.append(when)
        self.assertEqual([key for key, (edges, _) in flows.items() if len(edges) > 1], [])
        for at in switches:
            across = sum(times[0] < at < times[-1] for _, times in flows.values())
            self.assertGreater(across, 50, at)


class SiteAgrees(unittest.TestCase):
    """The generator's own choice of edges, against the model's, flow by flow."""

    def agree(self, path, services, addresses, states=()):
        loaded = plan.load(path)
        for stage in loaded.stages:
            site, engine = Site(path, stage.name), Engine(plan.load(path), stage.name)
            for event in states:
                site.apply(0, event)
                replay.events.apply(engine, event, 0)
            for n, client in enumerate(addresses):
                service = site.services[services[n % len(services)]]
                number = frame.TCP if service.protocol == "tcp" else frame.UDP
                vip = service.vip(frame.is_v6(client))
                l4 = frame.tcp(client, vip, 1025 + n, service.low, 1, 0, frame.SYN) \
                    if number == frame.TCP else frame.udp(client, vip, 1025 + n, service.low,
                                                          b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12))
                found = engine.decide(frame.between(client, vip, number, l4), 0)
                edge = site.choose(0, service, client, 1025 + n, service.low)
                self.assertEqual(found.edge and found.edge.name, edge and edge.name,
                                 (stage.name, client, service.name))

    def test_contoso(self):
        prng = Prng("agree 4")
        clients = [".".join(str(1 + b % 220) for b in prng.bytes(4)) for _ in range(400)]
        clients += [f"198.51.100.{n}" for n in range(1, 140)]
        services = ["access", "federation", "xmpp", "webconf", "av-turn", "av-tcp"]
        path = TOP / "examples" / "contoso.yaml"
        self.agree(path, services, clients)
        self.agree(path, services, clients, ("down:e2", "drain:n1"))
        self.agree(path, services, clients, ("down:e2", "down:e1", "up:e2", "drain:e2"))

    def test_both_families(self):
        prng = Prng("agree 6")
        clients = [f"2001:db8:{prng.below(65536):x}:{prng.below(65536):x}::{n:x}"
                   for n in range(1, 400)] + [f"192.0.2.{n}" for n in range(1, 200)]
        self.agree(PCAPS / "plans" / "media.yaml", ["av-turn", "av-tcp", "av-media"], clients)
        self.agree(PCAPS / "plans" / "trunk.yaml",
                   ["trunk-udp", "trunk-tcp", "trunk-media", "phones"], clients)
        self.agree(PCAPS / "plans" / "dsr.yaml", ["access", "relay"], clients)


if __name__ == "__main__":
    unittest.main()

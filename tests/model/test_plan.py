# SPDX-License-Identifier: BSD-3-Clause
import ipaddress
import unittest

from model import plan

TEXT = """
turnout: 1
site: {name: s, gateways: 192.0.2.1}
salt: x
pools:
  old: {role: legacy, edges: {e1: {a: [10.0.0.1, "fd00::1"]}}}
  new: {role: new, edges: {n1: {a: 10.0.0.2, mode: ipip, check_mark: 7}}}
services:
  web: {kind: other, vip: 192.0.2.9, protocol: tcp, port: 80-89, address: a}
  udp: {kind: turn, vip: [192.0.2.9, "2001:db8::9"], protocol: udp, port: 3478, address: a,
        idle: 2h, balance: flow, check: {kind: stun, interval: 500ms}}
partners:
  wide: 198.51.100.0/24
  narrow: [198.51.100.64/28, 198.51.100.66]
  six: 2001:db8:5:6::7
stages:
  - name: one
    routes: {web: {default: 0.29, partners: {wide: 10, narrow: 99.99, six: 100}}}
  - {name: two, routes: {web: 33.3}, midflow: {web: drop}}
"""


class Plans(unittest.TestCase):
    def setUp(self):
        self.plan = plan.loads(TEXT)
        self.web, self.udp = self.plan.services

    def share(self, stage, address):
        return self.plan.stage_by_name[stage].share(self.web, ipaddress.ip_address(address))

    def test_defaults(self):
        self.assertEqual((self.web.idle, self.web.group, self.web.midflow, self.web.fallback),
                         (1800, "web", "legacy", "drop"))
        self.assertEqual((self.udp.idle, self.udp.group), (7200, None))
        self.assertEqual((self.web.low, self.web.high), (80, 89))

    def test_longest_prefix(self):
        self.assertEqual(self.share("one", "192.0.2.7"), 29)
        self.assertEqual(self.share("one", "198.51.100.1"), 1000)
        self.assertEqual(self.share("one", "198.51.100.63"), 1000)
        self.assertEqual(self.share("one", "198.51.100.64"), 9999)
        self.assertEqual(self.share("one", "198.51.100.80"), 1000)
        self.assertEqual(self.share("one", "2001:db8:5:6:ffff::"), 10000)
        self.assertEqual(self.share("one", "2001:db8:5:7::"), 29)
        self.assertEqual(self.share("two", "198.51.100.64"), 3330)

    def test_a_route_that_is_not_there_is_0(self):
        self.assertEqual(self.plan.stages[0].share(self.udp, ipaddress.ip_address("1.2.3.4")), 0)

    def test_reverse_map_holds_dnat_edges_only(self):
        one, two = ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("10.0.0.2")
        self.assertIs(self.plan.reverse(one, "tcp", 85), self.web)
        self.assertIsNone(self.plan.reverse(one, "tcp", 90))
        self.assertIsNone(self.plan.reverse(two, "tcp", 85))
        self.assertIs(self.plan.outgoing(two, "tcp", 85), self.web)

    def test_a_v6_address_of_an_edge_answers_only_where_there_is_a_v6_vip(self):
        six = ipaddress.ip_address("fd00::1")
        self.assertIsNone(self.plan.reverse(six, "tcp", 80))
        self.assertIs(self.plan.reverse(six, "udp", 3478), self.udp)

    def test_modes_and_families(self):
        old, new = self.plan.edges
        self.assertEqual(str(new.address(self.udp, 6)), "10.0.0.2")
        self.assertEqual(str(old.address(self.udp, 6)), "fd00::1")

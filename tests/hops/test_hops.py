#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Next hops against the running kernel's routes, neighbours and links. Needs root.

    test_hops.py HOPS_WATCH [TEST]...
"""

import os
import select
import subprocess
import sys
import time
import unittest

import site_of_hops as site
from site_of_hops import HOST, LEFT, RIGHT, Watcher, batch, ip, mac, sysctl

NO_MAC = "00:00:00:00:00:00"
MADE_UP = "02:00:00:00:00:77"
FAST_TICK = 100  # ms


class Case(unittest.TestCase):
    program = ""

    def setUp(self):
        self.addCleanup(site.remove)
        site.make()

    def start(self, tick_ms=0, prefix=()):
        watcher = Watcher(self.program, tick_ms, prefix)
        self.addCleanup(watcher.close)
        down = {"eth0", "eth1"}  # the kernel takes its time
        while down:
            event = watcher.find(lambda e: e.get("link") in down)
            down -= {event["link"]} if event["up"] else set()
        return watcher

    def check(self, event, **fields):
        self.assertEqual({k: event.get(k) for k in fields}, fields)


class Neighbours(Case):
    def test_on_link(self):
        w = self.start()
        for number, address in ((1, "10.0.0.2"), (2, "fd00:0::2")):
            hop = w.watch_until("GOOD", number, "routed", address)
            self.check(hop, mac=mac(LEFT), own=mac(HOST), mtu=1500,
                       ifindex=site.link(HOST, "eth0")["ifindex"],
                       next=address.replace(":0:", ":"))
            self.assertNotIn("PERMANENT", ip(HOST, f"neigh show {address}"))

    def test_neighbour_itself(self):
        w = self.start()
        self.check(w.watch_until("GOOD", 1, "neighbour", "10.0.0.2"), mac=mac(LEFT))
        self.check(w.watch_until("GOOD", 2, "neighbour", "10.0.1.2", "eth1"), mac=mac(RIGHT))
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.2")
        self.check(w.watch(3, "neighbour", "10.9.0.1"), state="NOT_ON_LINK", mac=NO_MAC)
        local = next(a["local"] for a in site.addresses(LEFT, "eth0") if a["scope"] == "link")
        self.check(w.watch_until("GOOD", 4, "neighbour", local, "eth0"), mac=mac(LEFT), next=local)

    def test_a_fixed_mac(self):
        w = self.start()
        self.check(w.watch(1, "fixed", MADE_UP, "eth1"), state="GOOD", mac=MADE_UP,
                   own=mac(HOST, "eth1"), ifindex=site.link(HOST, "eth1")["ifindex"])
        ip(RIGHT, "link set eth0 down")
        self.check(w.next_hop(1), state="LINK_DOWN", mac=NO_MAC)
        ip(RIGHT, "link set eth0 up")
        self.check(w.next_hop(1), state="GOOD", mac=MADE_UP)

    def test_unresolved_then_resolved(self):
        w = self.start(FAST_TICK)
        for number, address, length in ((1, "10.0.0.9", "24"), (2, "fd00::9", "64 nodad")):
            self.check(w.watch(number, "routed", address), state="UNRESOLVED", mac=NO_MAC,
                       next=address)
            ip(LEFT, f"addr add {address}/{length} dev eth0")
            self.check(w.next_hop(number), state="GOOD", mac=mac(LEFT))

    def test_mac_changed_by_hand(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {MADE_UP} nud reachable")
        self.check(w.next_hop(1), state="GOOD", mac=MADE_UP)

    def test_mac_changed_by_gratuitous_arp_and_nd(self):
        """A failover: the neighbour says so itself, nobody asks."""
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        w.watch_until("GOOD", 2, "routed", "fd00:0::2")
        ip(LEFT, f"link set eth0 address {MADE_UP}")
        reported = {}
        while len(reported) < 2:
            event = w.find(lambda e: "hop" in e)
            self.check(event, state="GOOD", mac=MADE_UP)
            reported[event["hop"]] = True

    def test_deleted(self):
        w = self.start(FAST_TICK)
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        sysctl(LEFT, "ipv4/conf/eth0/arp_notify", 0)
        ip(LEFT, f"link set eth0 address {MADE_UP}")
        ip(HOST, "neigh del 10.0.0.2 dev eth0")
        w.await_hop(1, state="GOOD", mac=MADE_UP)

    def test_asked_for_once_between_ticks(self):
        """Also when they fail at once, and all of them."""
        w = self.start()
        w.command("hold")
        addresses = [f"10.0.0.{100 + i}" for i in range(5)]
        for number, address in enumerate(addresses):
            w.watch(number, "routed", address)
        for i in range(3):
            for address in addresses:
                ip(HOST, f"neigh replace {address} dev eth0 nud failed")
            self.assertEqual(w.command("process")[0]["solicited"], 5 * (i + 1))
            self.assertEqual(w.command("tick")[0]["solicited"], 5 * (i + 2))

    def test_kept_fresh_though_nothing_is_sent(self):
        for family in ("ipv4", "ipv6"):
            sysctl(HOST, f"{family}/neigh/eth0/base_reachable_time_ms", 500)
            sysctl(HOST, f"{family}/neigh/eth0/delay_first_probe_time", 0)
            sysctl(HOST, f"{family}/neigh/eth0/retrans_time_ms", 200)
        for number, address, length in ((1, "10.0.0.2", "24"), (2, "fd00::2", "64 nodad")):
            w, monitor = self.start(FAST_TICK), self.monitor("eth0")
            w.watch_until("GOOD", number, "routed", address)
            # Stale and confirmed, twice over; the hop is the same all the while.
            for state in ("STALE", "REACHABLE") * 2:
                self.await_line(monitor, address + " ", state)
            self.assertFalse([e for e in w.settle() if "hop" in e])
            # Nothing is sent to it, yet that it is dead is noticed.
            ip(LEFT, f"addr del {address}/{length.split()[0]} dev eth0")
            self.check(w.next_hop(number), state="UNRESOLVED", mac=NO_MAC)
            ip(LEFT, f"addr add {address}/{length} dev eth0")
            self.check(w.next_hop(number), state="GOOD", mac=mac(LEFT))

    def monitor(self, interface):
        """What the kernel says of the neighbours there, by lines."""
        process = subprocess.Popen(
            ["ip", "-n", site.namespace(HOST), "monitor", "neigh", "dev", interface],
            stdout=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return process.stdout

    def await_line(self, stream, *words):
        deadline = time.monotonic() + site.PATIENCE
        while select.select([stream], [], [], max(0, deadline - time.monotonic()))[0]:
            line = stream.readline().decode()
            if all(word in line for word in words):
                return
        self.fail(f"{' '.join(words)} never came")


class KeptByOthers(Case):
    """Entries that the kernel's NTF_USE would spoil."""

    def test_permanent(self):
        for address in ("10.0.0.2", "fd00::2"):
            ip(HOST, f"neigh add {address} dev eth0 lladdr {MADE_UP} nud permanent")
        w = self.start()
        for number, address in ((1, "10.0.0.2"), (2, "fd00::2")):
            self.check(w.watch(number, "routed", address), state="GOOD", mac=MADE_UP)
            answer, _ = w.command("tick")
            self.assertEqual((answer["ret"], answer["solicited"]), (0, 0))
            self.assertIn(f"lladdr {MADE_UP} PERMANENT", ip(HOST, f"neigh show {address}"))

    def test_made_permanent_later(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {MADE_UP} nud stale")
        w.await_hop(1, mac=MADE_UP)
        w.command("hold")
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {MADE_UP} nud permanent")
        w.command("tick")  # takes it for stale until it looks
        self.assertIn(f"lladdr {MADE_UP} PERMANENT", ip(HOST, "neigh show 10.0.0.2"))

    def test_learned_elsewhere(self):
        ip(HOST, f"neigh add 10.0.0.2 dev eth0 lladdr {MADE_UP} nud stale extern_learn")
        w = self.start()
        self.check(w.watch(1, "routed", "10.0.0.2"), state="GOOD", mac=MADE_UP)
        w.command("tick")
        self.assertIn("extern_learn", ip(HOST, "neigh show 10.0.0.2"))

    def test_managed(self):
        ip(HOST, f"neigh add 10.0.0.2 dev eth0 lladdr {MADE_UP} nud stale managed")
        w = self.start()
        self.check(w.watch(1, "routed", "10.0.0.2"), state="GOOD")
        w.command("tick")
        self.assertIn("managed", ip(HOST, "neigh show 10.0.0.2"))

    def test_without_privilege(self):
        ip(HOST, f"neigh add 10.0.0.3 dev eth0 lladdr {MADE_UP} nud permanent")
        w = self.start(prefix=("setpriv", "--bounding-set", "-net_admin"))
        self.check(w.watch(1, "routed", "10.0.0.3"), state="GOOD", mac=MADE_UP)
        answer, _ = w.command("tick")
        self.assertEqual(answer["ret"], 0)
        self.check(w.watch(2, "routed", "10.0.0.2"), state="UNRESOLVED")
        answer, _ = w.command("tick")
        self.assertEqual(answer["ret"], -1)  # -EPERM
        ip(HOST, f"neigh add 10.0.0.2 dev eth0 lladdr {MADE_UP} nud permanent")
        self.check(w.next_hop(2), state="GOOD", mac=MADE_UP)


class Routes(Case):
    def test_by_a_gateway(self):
        w = self.start()
        for number, net, address, left, right in (
                (1, "10.9.0.0/24", "10.9.0.1", "10.0.0.2", "10.0.1.2"),
                (2, "fd09::/64", "fd09::1", "fd00::2", "fd00:1::2")):
            self.check(w.watch(number, "routed", address), state="NO_ROUTE", ifindex=0)
            ip(HOST, f"route add {net} via {left}")
            w.await_hop(number, state="GOOD", mac=mac(LEFT), next=left)
            ip(HOST, f"route replace {net} via {right}")
            w.await_hop(number, state="GOOD", mac=mac(RIGHT), next=right, own=mac(HOST, "eth1"))
            ip(HOST, f"route del {net}")
            self.check(w.next_hop(number), state="NO_ROUTE", mac=NO_MAC)

    def test_a_more_specific_route(self):
        ip(HOST, "route add 10.9.0.0/16 via 10.0.0.2")
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.9.0.1")
        ip(HOST, "route add 10.9.0.0/22 via 10.0.1.2")
        w.await_hop(1, state="GOOD", mac=mac(RIGHT))

    def test_ipv4_by_an_ipv6_gateway(self):
        ip(HOST, "route add 10.9.0.0/24 via inet6 fd00::2 dev eth0")
        w = self.start()
        self.check(w.watch_until("GOOD", 1, "routed", "10.9.0.1"), mac=mac(LEFT), next="fd00::2")

    def test_mtu_of_a_route(self):
        w = self.start()
        for number, net, address, gateway in ((1, "10.9.0.0/24", "10.9.0.1", "10.0.0.2"),
                                              (2, "fd09::/64", "fd09::1", "fd00::2")):
            ip(HOST, f"route add {net} via {gateway} mtu 1400")
            self.check(w.watch_until("GOOD", number, "routed", address), mtu=1400)
            ip(HOST, f"route change {net} via {gateway} mtu 1300")
            self.check(w.next_hop(number), mtu=1300)
            ip(HOST, f"route change {net} via {gateway}")
            self.check(w.next_hop(number), mtu=1500)

    def test_several_next_hops(self):
        ip(HOST, "route add 10.9.0.0/24 nexthop via 10.0.0.2 nexthop via 10.0.1.2")
        w = self.start()
        first = w.watch_until("GOOD", 1, "routed", "10.9.0.1")
        sides = {mac(LEFT): ("eth0", mac(RIGHT)), mac(RIGHT): ("eth1", mac(LEFT))}
        interface, other = sides[first["mac"]]
        ip(HOST, f"link set {interface} down")
        w.await_hop(1, state="GOOD", mac=other)
        ip(HOST, f"link set {interface} up")  # no route is reported, but it is there again
        w.await_hop(1, state="GOOD", mac=first["mac"])

    def test_next_hop_objects(self):
        sysctl(HOST, "ipv4/nexthop_compat_mode", 0)  # of routes nothing is reported then
        ip(HOST, "nexthop add id 7 via 10.0.0.2 dev eth0")
        ip(HOST, "route add 10.9.0.0/24 nhid 7")
        w = self.start()
        self.check(w.watch_until("GOOD", 1, "routed", "10.9.0.1"), mac=mac(LEFT))
        ip(HOST, "nexthop replace id 7 via 10.0.1.2 dev eth1")
        w.await_hop(1, state="GOOD", mac=mac(RIGHT))

    def test_rules(self):
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.2")
        ip(HOST, "route add default via 10.0.1.2 table 100")
        w = self.start()
        self.check(w.watch_until("GOOD", 1, "routed", "10.9.0.1"), mac=mac(LEFT))
        ip(HOST, "rule add to 10.9.0.0/24 table 100")
        w.await_hop(1, state="GOOD", mac=mac(RIGHT))
        ip(HOST, "rule del to 10.9.0.0/24 table 100")
        w.await_hop(1, state="GOOD", mac=mac(LEFT))

    def test_a_route_goes_with_its_preferred_source(self):
        ip(HOST, "addr add 10.77.0.1/32 dev lo")
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.2 src 10.77.0.1")
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.9.0.1")
        ip(HOST, "addr del 10.77.0.1/32 dev lo")
        self.check(w.next_hop(1), state="NO_ROUTE")

    def test_no_way_to_send(self):
        ip(HOST, "route add blackhole 10.9.0.0/24")
        ip(HOST, "route add unreachable fd09::/64")
        w = self.start()
        self.check(w.watch(1, "routed", "10.9.0.1"), state="NO_ROUTE")
        self.check(w.watch(2, "routed", "fd09::1"), state="NO_ROUTE")
        self.check(w.watch(3, "routed", "10.0.0.1"), state="LOCAL")
        self.check(w.watch(4, "routed", "fd00::1"), state="LOCAL")
        self.check(w.watch(5, "routed", "10.0.0.255"), state="NO_ROUTE")
        ip(HOST, "tuntap add dev tun0 mode tun")
        ip(HOST, "addr add 10.8.0.1/24 dev tun0")
        ip(HOST, "link set tun0 up")
        self.check(w.watch(6, "routed", "10.8.0.2"), state="NOT_ETHERNET")

    def test_by_one_interface_only(self):
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.2")
        w = self.start()
        self.check(w.watch_until("GOOD", 1, "routed", "10.9.0.1", "eth0"), mac=mac(LEFT))
        # The kernel would say that it is on link there.
        self.check(w.watch(2, "routed", "10.9.0.1", "eth1"), state="NO_ROUTE")
        ip(HOST, "route add 10.9.0.0/24 via 10.0.1.2 metric 50")
        self.check(w.await_hop(2, state="GOOD"), mac=mac(RIGHT))
        self.assertFalse([e for e in w.settle() if e.get("hop") == 1])

    def test_what_is_not_reported_is_noticed_in_time(self):
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.2 metric 10")
        ip(HOST, "route add 10.9.0.0/24 via 10.0.1.2 metric 20")
        w = self.start(FAST_TICK)
        w.watch_until("GOOD", 1, "routed", "10.9.0.1")
        ip(LEFT, "link set eth0 down")
        w.await_hop(1, state="LINK_DOWN")  # the neighbour goes a moment before
        sysctl(HOST, "ipv4/conf/eth0/ignore_routes_with_linkdown", 1)
        w.await_hop(1, state="GOOD", mac=mac(RIGHT))


class Default(Case):
    def test_default_route(self):
        w = self.start()
        for family, default, left, right in (("4", "default", "10.0.0.2", "10.0.1.2"),
                                             ("6", "default", "fd00::2", "fd00:1::2")):
            number = int(family)
            self.check(w.watch(number, "default", family), state="NO_ROUTE")
            ip(HOST, f"-{family} route add {default} via {left}")
            w.await_hop(number, state="GOOD", mac=mac(LEFT), next=left)
            ip(HOST, f"-{family} route replace {default} via {right}")
            w.await_hop(number, state="GOOD", mac=mac(RIGHT), next=right)
            ip(HOST, f"-{family} route del {default}")
            self.check(w.next_hop(number), state="NO_ROUTE")

    def test_by_one_interface_only(self):
        w = self.start()
        self.check(w.watch(4, "default", "4", "eth1"), state="NO_ROUTE")
        self.check(w.watch(6, "default", "6", "eth1"), state="NO_ROUTE")
        for family, left, right in (("4", "10.0.0.2", "10.0.1.2"), ("6", "fd00::2", "fd00:1::2")):
            ip(HOST, f"-{family} route add default via {left} metric 10")
            ip(HOST, f"-{family} route add default via {right} metric 20")
            self.check(w.await_hop(int(family), state="GOOD"), mac=mac(RIGHT), next=right)
        self.check(w.watch_until("GOOD", 5, "default", "4"), mac=mac(LEFT))

    def test_in_pieces(self):
        ip(HOST, "route add 0.0.0.0/1 via 10.0.0.2")
        ip(HOST, "route add 128.0.0.0/1 via 10.0.0.2")
        ip(HOST, "route add 2000::/3 via fd00::2")
        w = self.start()
        for family in "46":
            self.check(w.watch_until("GOOD", int(family), "default", family), mac=mac(LEFT))

    def test_beside_blackholes(self):
        for net in ("240.0.0.0/4", "198.18.0.0/15", "203.0.113.0/24"):
            ip(HOST, f"route add blackhole {net}")
        for net in ("3fff::/20", "2001:db8::/32"):
            ip(HOST, f"route add blackhole {net}")
        ip(HOST, "route add default via 10.0.0.2")
        ip(HOST, "-6 route add default via fd00::2")
        w = self.start()
        for family in "46":
            self.check(w.watch_until("GOOD", int(family), "default", family), mac=mac(LEFT))

    def test_a_route_that_is_not_the_default(self):
        """Though it covers the addresses that the kernel is asked for first."""
        for net in ("240.0.0.0/4", "198.18.0.0/15"):
            ip(HOST, f"route add {net} via 10.0.1.2")
        ip(HOST, "route add 3fff::/20 via fd00:1::2")
        w = self.start()
        for family, gateway in (("4", "10.0.0.2"), ("6", "fd00::2")):
            self.check(w.watch(int(family), "default", family), state="NO_ROUTE")
            ip(HOST, f"-{family} route add default via {gateway}")
            self.check(w.await_hop(int(family), state="GOOD"), mac=mac(LEFT), next=gateway)

    def test_by_a_rule(self):
        ip(HOST, "route add default via 10.0.1.2 table 100")
        ip(HOST, "rule add table 100")
        w = self.start()
        self.check(w.watch_until("GOOD", 4, "default", "4"), mac=mac(RIGHT))

    def test_without_a_gateway(self):
        ip(HOST, "route add default dev eth0")
        w = self.start()
        self.check(w.watch(4, "default", "4"), state="NO_GATEWAY")


class Links(Case):
    def test_those_that_are_there(self):
        links = {e["link"]: e for e in self.start().seen if "link" in e}
        self.check(links["lo"], up=True, ethernet=False, gone=False, ifindex=1)
        self.check(links["eth0"], up=True, ethernet=True, gone=False, mac=mac(HOST), mtu=1500,
                   ifindex=site.link(HOST, "eth0")["ifindex"], vlan=0, lower=0)

    def test_carrier(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        ip(LEFT, "link set eth0 down")
        self.check(w.await_link("eth0", up=False), gone=False)
        w.await_hop(1, state="LINK_DOWN", mac=NO_MAC)
        ip(LEFT, "link set eth0 up")
        w.await_link("eth0", up=True)
        w.await_hop(1, state="GOOD", mac=mac(LEFT))

    def test_taken_down(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        w.watch_until("GOOD", 2, "neighbour", "10.0.0.2", "eth0")
        ip(HOST, "link set eth0 down")
        w.await_hop(1, state="NO_ROUTE")
        w.await_hop(2, state="LINK_DOWN", mac=NO_MAC)
        ip(HOST, "link set eth0 up")
        w.await_hop(2, state="GOOD", mac=mac(LEFT))

    def test_mtu_and_own_mac(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        ip(HOST, "link set eth0 mtu 1280")
        w.await_hop(1, state="GOOD", mtu=1280)
        ip(HOST, f"link set eth0 address {MADE_UP}")
        w.await_hop(1, state="GOOD", own=MADE_UP)

    def test_renamed(self):
        w = self.start()
        w.watch_until("GOOD", 1, "fixed", MADE_UP, "eth1")
        ip(HOST, "link set eth1 down")  # Linux 6.1 renames none that is up
        ip(HOST, "link set eth1 name outside")
        w.await_link("outside")
        w.await_hop(1, state="NO_INTERFACE")
        ip(HOST, "link set outside up")
        w.watch_until("GOOD", 2, "fixed", MADE_UP, "outside")

    def test_made_anew(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        w.watch_until("GOOD", 2, "neighbour", "10.0.0.2", "eth0")
        old = site.link(HOST, "eth0")["ifindex"]
        ip(HOST, "link del eth0")
        self.check(w.await_link("eth0", gone=True), ifindex=old)
        for number, state in ((1, "NO_ROUTE"), (2, "NO_INTERFACE")):
            self.check(w.await_hop(number, state=state), mac=NO_MAC, ifindex=0)
        site.join(LEFT)
        new = site.link(HOST, "eth0")["ifindex"]
        self.assertNotEqual(new, old)
        w.await_link("eth0", gone=False, up=True, ifindex=new)
        good = {}
        while len(good) < 2:
            event = w.find(lambda e: e.get("state") == "GOOD")
            self.check(event, ifindex=new, mac=mac(LEFT), own=mac(HOST))
            good[event["hop"]] = True

    def test_made_anew_with_the_same_index(self):
        """Not the interface that a program was attached to, though all numbers are the same."""
        w = self.start()
        index, address = site.link(HOST, "eth0")["ifindex"], mac(HOST)
        w.command("hold")
        ip(HOST, "link del eth0")
        ip(HOST, f"link add eth0 index {index} address {address} type veth peer name eth0 "
                 f"netns {site.namespace(LEFT)}")
        _, events = w.command("process")
        gone = [e["gone"] for e in events if e.get("link") == "eth0"]
        self.assertEqual(gone[-2:], [True, False])

    def test_leaving_a_bridge_is_not_leaving_the_host(self):
        ip(HOST, "link add br0 type bridge")
        ip(HOST, "link set eth1 master br0")
        w = self.start()
        w.settle()
        w.command("hold")
        ip(HOST, "link set eth1 nomaster")
        answer, events = w.command("process")
        self.assertTrue(answer["events"])
        self.assertFalse([e for e in events if e.get("gone")])

    def test_vlan(self):
        if not site.can(HOST, "link add link eth0 name eth0.5 type vlan id 5"):
            self.skipTest("this kernel has no VLANs")
        ip(HOST, "link set eth0.5 up")
        w = self.start()
        lower = site.link(HOST, "eth0")["ifindex"]
        self.check(w.await_link("eth0.5"), vlan=5, lower=lower, ethernet=True, up=True)


class Reports(Case):
    def test_only_changes(self):
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.2")
        w = self.start()
        good = w.watch_until("GOOD", 1, "routed", "10.9.0.1")
        w.settle()
        w.command("hold")
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {good['mac']} nud stale")
        ip(HOST, "route replace 10.9.0.0/24 via 10.0.0.2 proto static")
        ip(HOST, "route add 10.10.0.0/24 via 10.0.1.2")
        ip(HOST, "rule add to 10.9.0.0/24 table main")
        ip(HOST, "addr add 10.55.0.1/32 dev lo")
        ip(HOST, "link set eth0 txqueuelen 500")
        answer, events = w.command("process")
        self.assertGreaterEqual(answer["events"], 6)
        self.assertEqual(events, [])

    def test_another_wish_for_the_same_id(self):
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        self.check(w.watch_until("GOOD", 1, "routed", "10.0.1.2"), mac=mac(RIGHT))
        w.command("hold")
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {MADE_UP} nud reachable")
        ip(HOST, f"neigh replace 10.0.1.2 dev eth1 lladdr {MADE_UP} nud reachable")
        _, events = w.command("process")
        self.assertEqual([(e["hop"], e["mac"]) for e in events], [(1, MADE_UP)])

    def test_not_when_unwatched(self):
        w = self.start()
        for number, address in ((1, "10.0.0.2"), (2, "10.0.0.3")):
            w.watch_until("GOOD", number, "routed", address)
        self.assertEqual(w.command("unwatch 1")[0]["ret"], 0)
        self.assertEqual(w.command("unwatch 1")[0]["ret"], -2)  # -ENOENT
        w.command("hold")
        for address in ("10.0.0.2", "10.0.0.3"):
            ip(HOST, f"neigh replace {address} dev eth0 lladdr {MADE_UP} nud reachable")
        _, events = w.command("process")
        self.assertEqual([e["hop"] for e in events], [2])

    def test_routes_of_others_cost_nothing(self):
        sysctl(HOST, "ipv6/conf/all/disable_ipv6", 1)  # its own routes come when they like
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        w.watch(2, "default", "4")
        before = w.command("process")[0]
        w.command("hold")
        batch(HOST, [f"route add 172.16.{i}.0/24 via 10.0.1.2" for i in range(200)] +
              ["route add 10.0.0.64/26 via 10.0.1.2"])
        after = w.command("process")[0]
        self.assertGreaterEqual(after["events"] - before["events"], 200)
        self.assertEqual(after["lookups"], before["lookups"])


class Overrun(Case):
    def churn(self, changes):
        """So many neighbours come and go that nobody cares about."""
        lines = []
        for i in range(changes):
            verb = "replace" if i % 2 == 0 else "del"
            lladdr = f" lladdr {MADE_UP}" if verb == "replace" else ""
            lines.append(f"neigh {verb} 10.0.1.200 dev eth1{lladdr}")
        batch(HOST, lines)

    def test_nothing_is_lost(self):
        ip(HOST, "route add 10.9.0.0/24 via 10.0.0.3")
        w = self.start()
        for number, words in enumerate((("routed", "10.0.0.2"), ("routed", "10.9.0.1"),
                                        ("default", "4"), ("fixed", MADE_UP, "eth1"))):
            w.watch(number, *words)
        for number in (0, 1):
            if w.command("process"):
                w.watch_until("GOOD", number + 10, "routed", f"10.0.0.{number + 2}")
        ip(HOST, "link add spare type veth peer name spare2")
        w.await_link("spare")
        w.command("buffer 4096")
        w.command("hold")
        self.churn(400)
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {MADE_UP} nud reachable")
        ip(HOST, "route replace 10.9.0.0/24 via 10.0.1.2")
        ip(HOST, "route add default via 10.0.1.3")
        ip(HOST, "link set eth1 mtu 1300")
        ip(HOST, "link del spare")
        ip(HOST, "link add fresh type veth peer name fresh2")
        right = mac(RIGHT)
        answer, events = w.command("release")
        deadline = {0: ("GOOD", MADE_UP, 1500), 1: ("GOOD", right, 1300), 2: ("GOOD", right, 1300),
                    3: ("GOOD", MADE_UP, 1300)}
        latest, links = {}, {}
        while any(latest.get(k) != v for k, v in deadline.items()) or len(links) < 2:
            event = events.pop(0) if events else w.find(lambda e: True)
            if "hop" in event:
                latest[event["hop"]] = (event["state"], event["mac"], event["mtu"])
            elif event.get("link") in ("spare", "fresh"):
                links[event["link"]] = event["gone"]
        self.assertEqual(links, {"spare": True, "fresh": False})
        answer, _ = w.command("process")
        self.assertGreaterEqual(answer["overruns"], 1)
        self.assertLess(answer["events"], 400)

    def test_what_changes_while_the_kernel_still_drops(self):
        """It reports an overrun once, and drops on until everything queued has been read."""
        w = self.start()
        w.watch_until("GOOD", 1, "routed", "10.0.0.2")
        before = w.command("hold")[0]
        w.command("buffer 1048576")
        self.churn(6000)
        answer, _ = w.command("process")  # a part of the queue
        self.assertEqual(answer["overruns"], before["overruns"] + 1)
        read = answer["events"] - before["events"]
        self.assertLess(read, 1100)
        ip(HOST, f"neigh replace 10.0.0.2 dev eth0 lladdr {MADE_UP} nud reachable")
        w.command("release")
        w.await_hop(1, state="GOOD", mac=MADE_UP)
        answer, _ = w.command("process")
        self.assertGreater(answer["events"], read + 200)  # there was more in the queue
        self.assertLess(answer["events"], 6000)  # and some were dropped


def main():
    if os.geteuid() != 0:
        print("skipped: needs root, for network namespaces")
        sys.exit(77)
    probe = site.run("ip", "netns", "add", site.namespace("probe"), fine=False)
    if probe.returncode:
        print(f"skipped: no network namespaces here: {probe.stdout}")
        sys.exit(77)
    site.run("ip", "netns", "del", site.namespace("probe"))
    Case.program = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What turnout-dp leaves to the kernel, takes from it, and asks it, between real kernels.

    test_kernel_part.py BUILD [UNITTEST ARGUMENTS]
"""

import contextlib
import itertools
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import site_of_gateway as site
from site_of_gateway import (CLIENT, E1, E2, LINKS, OUTSIDE, PATIENCE, TCP, UDP, UDP2, VIPS,
                             Sniffer, inside, ip, ping, run, sockets)

import netns

BUILD = None
ANSWER, LATE = b"answer", b" may come late"


class Site:
    """A gateway with an engine."""

    engine_class, driver, workers = site.Engine, None, 1
    interfaces = {name: name for name in LINKS}  # of the kernel, that have the addresses

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(dir=netns.NETNS)
        cls.gateway = site.Gateway()
        cls.engine = cls.engine_class(BUILD, Path(cls.directory.name), cls.driver)
        cls.engine.workers = cls.workers
        cls.before()
        cls.engine.start()
        cls.servers = {name: {(v, port): sockets(name, socket.SOCK_DGRAM, address[v], port)
                              for v in (0, 1) for port in (UDP, UDP2)}
                       for name, address in (("e1", E1), ("e2", E2))}

    @classmethod
    def before(cls):
        """The engine is to start."""
        cls.gateway.address(cls.interfaces)

    @classmethod
    def tearDownClass(cls):
        cls.engine.kill()
        for servers in cls.servers.values():
            for s in servers.values():
                s.close()
        cls.gateway.close()
        cls.directory.cleanup()

    # ── how it is asked ──

    def ask(self, v=0, port=UDP, edge="e1", count=1):
        """Datagrams to the VIP: each must come to the edge once, its answer to the client once."""
        server = self.servers[edge][v, port]
        with sockets("client", socket.SOCK_DGRAM, CLIENT[v]) as client:
            client.connect((VIPS[v], port))
            for i in range(count):
                client.send(b"%d" % i)
                data, peer = self.hear(server)
                self.assertEqual((data, peer[0]), (b"%d" % i, CLIENT[v]))
                server.sendto(ANSWER, peer)
                self.assertEqual(client.recv(100), ANSWER)
            self.silent(server, client)

    @staticmethod
    def hear(server):
        while True:
            data, peer = server.recvfrom(100)
            if not data.endswith(LATE):
                return data, peer

    def silent(self, *those):
        for s in those:
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.assertTrue(s.recv(100).endswith(LATE))
            s.settimeout(PATIENCE)

    def ask_until(self, v=0, port=UDP, edge="e1"):
        """Until a datagram gets there: what has changed is on its way. Some may come later."""
        server = self.servers[edge][v, port]
        end = time.monotonic() + PATIENCE
        with sockets("client", socket.SOCK_DGRAM, CLIENT[v]) as client:
            for number in itertools.count():
                self.assertLess(time.monotonic(), end, "nothing gets there")
                mine = b"%d of %d" % (number, id(client)) + LATE
                client.sendto(mine, (VIPS[v], port))
                server.settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    while server.recv(100) != mine:
                        continue
                    break
        server.settimeout(PATIENCE)

    def lost(self, v=0, port=UDP):
        """Datagrams have no next hop: they are dropped and counted."""
        before = self.engine.event("no-nexthop")
        with sockets("client", socket.SOCK_DGRAM, CLIENT[v]) as client:
            end = time.monotonic() + PATIENCE
            while self.engine.event("no-nexthop") == before:
                self.assertLess(time.monotonic(), end, "they are not counted")
                client.sendto(LATE, (VIPS[v], port))

    def restore(self, name, link):
        """IPv6 addresses and routes do not outlive an interface's going down."""
        ip(name, "link set e0 up", *(f"addr replace {a}/{64 if ':' in a else 24} dev e0"
                                     for a in LINKS[link][3]),
           *(f"route replace default via {a}" for a in LINKS[link][2]))

    def test_spoof(self):
        """An edge's address as source, from the outside."""
        before = self.engine.reason("spoof")
        with inside("client"):
            run("ip", "addr", "add", f"{E1[0]}/32", "dev", "lo")
        try:
            with sockets("client", socket.SOCK_DGRAM, E1[0]) as s, Sniffer("e1", "e0") as edge:
                s.sendto(b"spoof", (VIPS[0], UDP))
                s.sendto(b"spoof", (E2[0], UDP))
                end = time.monotonic() + PATIENCE
                while self.engine.reason("spoof") < before + 2:
                    self.assertLess(time.monotonic(), end, "it is not counted")
                self.assertEqual(edge.heard(), [])
        finally:
            run("ip", "-n", "client", "addr", "del", f"{E1[0]}/32", "dev", "lo")


class Steered(Site):
    """What both kinds of ports of turnout-dp have in common."""

    def test_steers_and_kernel_does_not(self):
        """With forwarding on in the kernel each datagram still comes once."""
        for v in 0, 1:
            self.ask_until(v)
            self.ask_until(v, UDP2, "e2")
            self.ask(v, count=20)
            self.ask(v, UDP2, "e2", count=20)

    def test_own_addresses(self):
        """ARP, ND, ping and TCP of the gateway itself, from both sides, by neighbours unknown."""
        for name, address in (("client", OUTSIDE), ("e1", LINKS["edges"][2])):
            site.forget_neighbours(name)
            site.forget_neighbours("gw")
            for a in address:
                self.assertTrue(ping(name, a), f"{name} to {a}")
                self.connect(name, a)

    def connect(self, name, address):
        with sockets("gw", socket.SOCK_STREAM, address, 22) as listener:
            listener.listen()
            with inside(name):
                client = socket.create_connection((address, 22), PATIENCE)
            with client, listener.accept()[0] as server:
                server.sendall(b"x" * 100000)
                server.shutdown(socket.SHUT_WR)
                got = b"".join(iter(lambda: client.recv(65536), b""))
            self.assertEqual(len(got), 100000)

    def test_kernel_speaks_to_edges(self):
        """What the gateway's kernel says to an edge gets there once."""
        for v in 0, 1:
            self.ask_until(v)
            self.ask_until(v, UDP2, "e2")
            with sockets("gw", socket.SOCK_DGRAM, LINKS["edges"][2][v]) as probe:
                server = self.servers["e1"][v, UDP]
                for i in range(10):
                    probe.sendto(b"%d" % i, (E1[v], UDP))
                    data, peer = self.hear(server)
                    self.assertEqual(data, b"%d" % i)
                    server.sendto(ANSWER, peer)
                    self.assertEqual(probe.recv(100), ANSWER)
                self.ask(v, UDP2, "e2", count=3)  # by then the engine has seen whatever it is shown
                self.silent(server, probe)

    def test_next_hop_changes_mac(self):
        self.ask_until()
        old = site.link_of("e1", "e0")["address"]
        try:
            for mac in "02:00:00:00:99:01", old:
                ip("e1", "link set e0 down", f"link set e0 address {mac}", "link set e0 up",
                   f"route replace default via {LINKS['edges'][2][0]}")
                ping("e1", LINKS["edges"][2][0])  # its ARP tells
                self.ask_until()
        finally:
            self.restore("e1", "edges")

    def test_mtu(self):
        """Of the edge's route: too big, and the sender hears by how much, over either family."""
        self.ask_until(0)
        self.ask_until(1)
        ip("gw", f"route add {E1[0]} dev {self.interfaces['edges']} mtu lock 1300")
        try:
            for v in 0, 1:
                self.too_big(v, 1300)
        finally:
            ip("gw", f"route del {E1[0]} dev {self.interfaces['edges']}")
            for version in "-4", "-6":
                run("ip", "-n", "client", version, "route", "flush", "cache")

    def too_big(self, v, mtu):
        level = (socket.IPPROTO_IP, socket.IPPROTO_IPV6)[v]
        with sockets("client", socket.SOCK_DGRAM, CLIENT[v]) as client:
            client.setsockopt(level, site.MTU_DISCOVER[v], site.PMTUDISC_DO)
            client.connect((VIPS[v], UDP))
            end = time.monotonic() + PATIENCE
            while client.getsockopt(level, site.MTU[v]) != mtu:
                self.assertLess(time.monotonic(), end, "no ICMP error comes")
                try:
                    client.send(bytes(1400))
                except OSError:
                    continue

class Shared(Steered, unittest.TestCase):
    """AF_PACKET: the kernel sees all frames as well."""

    driver = "net_af_packet"

    def test_next_hop_goes_and_comes_back(self):
        self.ask_until()
        self.engine.listen()
        ip("e1", "link set e0 down")
        self.engine.until("next hop to e1: the interface is down or has no carrier")
        self.lost()
        self.restore("e1", "edges")
        self.engine.until("next hop to e1: can be used")
        self.ask_until()
        self.ask_until(v=1)

    def test_silent_next_hop(self):
        """It is there, but does not answer."""
        self.ask_until()
        self.engine.listen()
        ip("e1", "link set e0 arp off")
        site.forget_neighbours("gw")
        try:
            self.engine.until("next hop to e1: the next hop does not answer")
            self.lost()
        finally:
            ip("e1", "link set e0 arp on")
        self.engine.until("next hop to e1: can be used")
        self.ask_until()

    def test_route_changes(self):
        """By another port: with that one's MAC. By none: dropped. Back again."""
        ip("e2", f"addr add {E1[0]}/32 dev lo")
        try:
            with sockets("e2", socket.SOCK_DGRAM, E1[0], UDP) as server:
                self.ask_until()
                ip("gw", f"route add {E1[0]} via {E2[0]}")
                self.servers["moved"] = {(0, UDP): server}
                self.ask_until(edge="moved")
                self.ask(edge="moved")
            self.engine.listen()
            ip("gw", "link add none type veth peer name gone", "link set none up",
               "link set gone up", f"neigh add {E1[0]} lladdr 02:00:00:00:88:01 dev none",
               f"route replace {E1[0]} dev none")
            self.engine.until("next hop to e1: the kernel's route leaves by no --port")
            self.lost()
            ip("gw", "link del none")
            self.ask_until()
            self.ask()
        finally:
            self.servers.pop("moved", None)
            ip("e2", f"addr del {E1[0]}/32 dev lo")

    def test_no_default_route(self):
        self.ask_until()
        self.engine.listen()
        ip("gw", f"route del default via {CLIENT[0]}")
        self.engine.until("next hop to outside, IPv4: the kernel has no route")
        ip("gw", f"route add default via {CLIENT[0]}")
        self.engine.until("next hop to outside, IPv4: can be used")
        self.ask_until()
        self.ask()

    def nobody(self):
        """What clients and edges send, and what any of them hears of it."""
        with Sniffer("client", "c0") as client, Sniffer("e1", "e0") as edge:
            for v in 0, 1:
                with inside("client"), socket.socket(site.family(VIPS[v]),
                                                     socket.SOCK_STREAM) as s:
                    s.setblocking(False)
                    s.connect_ex((VIPS[v], TCP))
                    for port in UDP, 53:
                        with sockets("client", socket.SOCK_DGRAM, CLIENT[v]) as u:
                            u.sendto(b"anyone?", (VIPS[v], port))
                            u.sendto(b"anyone?", (E1[v], port))
                with sockets("e1", socket.SOCK_DGRAM, E1[v]) as u:
                    u.sendto(b"from an edge", (CLIENT[v], 9))
            return client.heard() + edge.heard()

    def test_engine_dead(self):
        """The kernel answers for no VIP and routes no edge, but goes on by itself."""
        self.engine.kill()
        try:
            self.assertEqual(self.nobody(), [])
            for name, address in (("client", OUTSIDE), ("e1", LINKS["edges"][2])):
                site.forget_neighbours(name)
                for a in address:
                    self.assertTrue(ping(name, a), f"{name} to {a}")
            # where the kernel has the VIP itself as well
            ip("gw", *(f"addr add {v}/{128 if ':' in v else 32} dev lo" for v in VIPS))
            self.assertEqual(self.nobody(), [])
            self.engine.unguard()
            heard = self.nobody()
            for v in 0, 1:
                self.assertTrue([h for h in heard if h[1] == VIPS[v]], "the guard was not needed")
                self.assertTrue([h for h in heard if h[1] == E1[v]], "the guard was not needed")
                self.assertEqual(self.hear(self.servers["e1"][v, UDP])[0], b"anyone?")
        finally:
            run("ip", "-n", "gw", "addr", "flush", "dev", "lo", "scope", "global")
            self.engine.start()
        self.ask_until()

    def test_guard(self):
        """The same over restarts; grows with the table; unguard takes it away, also twice."""
        first = site.guard()
        self.assertIn(VIPS[0], first)
        for _ in range(2):
            self.engine.kill()
            self.assertEqual(site.guard(), first)
            self.engine.start()
            self.assertEqual(site.guard(), first)
        self.engine.publish(2, site.MORE)
        self.engine.reload(2)
        self.assertIn("203.0.113.101", site.guard())
        self.engine.kill()
        self.engine.unguard()
        self.assertIsNone(site.guard())
        self.engine.unguard()
        self.engine.start("--no-guard")
        self.assertIsNone(site.guard())
        self.engine.publish(3, site.MORE)
        self.engine.reload(3)
        self.assertIsNone(site.guard())
        self.engine.kill()
        self.engine.publish(1)
        self.engine.start()
        self.assertEqual(site.guard(), first)

    def test_a_second_engine_touches_nothing(self):
        """One that would be told by the same socket, with another table."""
        control = ["--control", Path(self.directory.name) / "dp.sock"]
        self.engine.kill()
        self.engine.start(*control)
        first = site.guard()
        with tempfile.TemporaryDirectory() as directory:
            second = self.engine_class(BUILD, Path(directory), self.driver)
            second.publish(2, site.MORE)
            with inside("gw"), self.assertRaisesRegex(RuntimeError, "another engine listens"):
                run(*second.argv(), *control)
        self.assertEqual(site.guard(), first)
        self.ask_until()
        self.engine.kill()
        self.engine.start()

    def test_a_refused_table_changes_nothing(self):
        """The kernel cannot be kept from what it brings: the guard is somebody else's."""
        first = site.guard()
        self.engine.listen()
        with inside("gw"):
            run("nft", "flush", "ruleset")
            nft = subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   text=True)
        with nft, nft.stdin as said:
            print("add table netdev turnout-guard { flags owner; }", file=said, flush=True)
            while site.guard() is None:
                self.assertIsNone(nft.poll())
            self.engine.publish(2, site.MORE, ("192.0.2.99", "2001:db8:0:2::99"))
            self.engine.process.child.send_signal(signal.SIGHUP)
            self.engine.until("refused: cannot guard the kernel")
            for v in 0, 1:
                self.ask(v, UDP, "e1", 5)
        end = time.monotonic() + PATIENCE
        while site.guard() != first:  # what could not be narrowed is tried again
            self.assertLess(time.monotonic(), end, site.guard())
        self.assertNotIn("next hop to e1", self.engine.process.text["err"])
        self.engine.kill()
        self.engine.publish(1)
        self.engine.start()

    def test_guard_after_flush(self):
        """Somebody has flushed all of nftables: the next generation brings it back."""
        with inside("gw"):
            run("nft", "flush", "ruleset")
        self.engine.kill()
        self.engine.start()
        first = site.guard()
        with inside("gw"):
            run("nft", "flush", "ruleset")
        self.engine.publish(2)
        self.engine.reload(2)
        end = time.monotonic() + PATIENCE
        while site.guard() != first:  # which brings no new address: so it is not waited for
            self.assertLess(time.monotonic(), end, site.guard())
        self.engine.kill()
        self.engine.publish(1)
        self.engine.start()

    def test_restart_under_traffic(self):
        """What comes by one port is never taken for what has come by another, also while the
        sockets are made: an edge's frames would be spoof by the port outside."""
        self.engine.kill()
        over = threading.Event()

        def flood():
            with sockets("e1", socket.SOCK_DGRAM, E1[0]) as s:
                s.setblocking(False)
                while not over.is_set():
                    with contextlib.suppress(OSError):
                        s.sendto(b"flood", (CLIENT[0], 9))

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            for _ in range(4):
                self.engine.start()
                self.assertEqual(self.engine.reason("spoof"), 0)
                self.engine.kill()
        finally:
            over.set()
            thread.join()
            self.engine.start()


class Tapped(Steered, unittest.TestCase):
    """Ports that the kernel does not see: a TAP each, that was there before."""

    driver, workers = "net_pcap", 2
    interfaces = {name: f"k-{name}" for name in LINKS}

    @classmethod
    def before(cls):
        with inside("gw"):  # the wires' ends; the kernel's side of them is the TAPs
            for name, tap in cls.interfaces.items():
                netns.sysctl(**{f"ipv6__conf__{name}__disable_ipv6": 1})
                run("ip", "tuntap", "add", "dev", tap, "mode", "tap", "multi_queue")
        super().before()

    def test_restart(self):
        """The port's MAC and MTU; addresses and routes are there when the next process comes."""
        for _ in range(2):
            for name in self.interfaces.values():
                link = site.link_of("gw", name)
                self.assertEqual(link["mtu"], 1500)
                self.assertTrue(link["address"].startswith("02:70:63:61:70:"), link)
            self.assertIsNone(site.guard())
            self.assertTrue(ping("client", OUTSIDE[0]))
            self.ask_until()
            self.engine.kill()
            self.engine.start()


class Xdp(Site, unittest.TestCase):
    """turnout-xdp: what the other engine does by zones, and its frames that have nowhere to go."""

    engine_class = site.XdpEngine

    def test_no_next_hop(self):
        self.ask_until()
        self.engine.listen()
        ip("e1", "link set e0 down")
        try:
            self.engine.until("next hop to e1: the interface is down")
            self.lost()
        finally:
            self.restore("e1", "edges")
        self.ask_until()


class Mirrored(unittest.TestCase):
    """The TAPs of ports whose links go up and down: other TAPs, here."""

    def test_link(self):
        with tempfile.TemporaryDirectory(dir=netns.NETNS) as directory:
            run("ip", "netns", "add", "gw")
            engine = site.Engine(BUILD, Path(directory), "net_tap")
            engine.start()
            try:
                for way, flag in (("up", True), ("down", False), ("up", True)):
                    ip("gw", f"link set w-edges {way}")
                    end = time.monotonic() + PATIENCE
                    while ("LOWER_UP" in site.link_of("gw", "k-edges")["flags"]) != flag:
                        self.assertLess(time.monotonic(), end, f"k-edges does not go {way}")
                    self.assertIn("UP", site.link_of("gw", "k-edges")["flags"])
                self.assertIn("LOWER_UP", site.link_of("gw", "k-outside")["flags"])
            finally:
                engine.kill()
                run("ip", "netns", "del", "gw")


def main():
    global BUILD
    BUILD = Path(sys.argv[1]).resolve()
    netns.enter("turnout-kernel-part")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])


if __name__ == "__main__":
    main()

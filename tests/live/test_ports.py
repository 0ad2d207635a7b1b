#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""turnout-xdp and its ports: interfaces that come, go, change and fail under it, next hops that do,
and a kernel that refuses. No traffic but for single frames; steering itself is live.py's.

    test_ports.py BUILD FAULTY PEER_OBJECT [TEST]...

    far ── p1, p2 (outside) ── gw ── q (edges) ── far
"""

import json
import os
import re
import signal
import socket
import sys
import time
import unittest
from pathlib import Path

import plans  # before the others, for it says where they are
import netns
from processes import Process, Watch

PATIENCE = 20  # seconds
VIP = "203.0.113.1"
EDGES = {"e1": "192.0.2.11", "n1": "192.0.2.21"}
FAR = "02:00:00:00:0f:%02x"
HOP_OUTSIDE4 = 64  # TO_BPF_HOP_OUTSIDE4
PLAN = """\
turnout: 1
site: {name: ports}
salt: ports
pools:
  old: {role: legacy, edges: {e1: {a: 192.0.2.11, b: 192.0.2.12}}}
  fresh: {role: new, edges: {n1: {a: 192.0.2.21, b: 192.0.2.22}}}
services:
  web: {kind: other, vip: 203.0.113.1, protocol: tcp, port: "443", address: a, affinity: none}
  more: {kind: other, vip: 203.0.113.1, protocol: udp, port: "5000", address: b, affinity: none}
stages:
  - name: legacy
"""


def neighbours(name, interface, number, *addresses):
    netns.ip(name, *(f"neigh replace {a} dev {interface} lladdr {FAR % number} nud permanent"
                   for a in addresses))


def link(name, interface, index=None):
    """A veth pair from the namespace to `far`, where its end is f and the name."""
    netns.run("ip", "-n", name, "link", "add", "dev", interface,
            *(["index", index] if index else []), "type", "veth", "peer", "name",
            "f" + interface, "netns", "far")
    netns.ip("far", f"link set dev f{interface} up")
    netns.ip(name, f"link set dev {interface} up")


def ifindex(name, interface):
    return json.loads(netns.run("ip", "-n", name, "-j", "link", "show", interface))[0]["ifindex"]


def mac(name, interface):
    return json.loads(netns.run("ip", "-n", name, "-j", "link", "show", interface))[0]["address"]


class Case(unittest.TestCase):
    build = faulty = peer = None

    def setUp(self):
        self.dir = Path(netns.NETNS) / self.id().rsplit(".", 1)[-1]
        self.dir.mkdir()
        self.bpf = self.dir / "bpf"
        self.bpf.mkdir()
        netns.run("mount", "-t", "bpf", "bpf", self.bpf)
        self.addCleanup(netns.run, "umount", self.bpf)
        self.pin = self.bpf / "turnout"
        self.faults = self.dir / "faults"
        os.environ["TURNOUT_FAULTS"] = str(self.faults)
        for name in "gw", "far":
            netns.run("ip", "netns", "add", name)
            self.addCleanup(netns.run, "ip", "netns", "del", name)
            with netns.inside(name):
                netns.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
            netns.ip(name, "link set lo up")
        for i, interface in enumerate(("p1", "p2")):
            link("gw", interface)
            self.address(interface, i + 1)
        link("gw", "q")
        netns.ip("gw", "addr add 192.0.2.1/24 dev q")
        neighbours("gw", "q", 10, *(f"192.0.2.{n}" for n in (11, 12, 21, 22)))
        (self.dir / "plan.yaml").write_text(PLAN, encoding="utf-8")
        self.process = None
        self.text = ""
        self.watch = Watch(self.heard)
        self.addCleanup(self.end)

    def address(self, interface, number):
        netns.ip("gw", f"addr add 10.{number}.0.1/24 dev {interface}",
               f"route replace default via 10.{number}.0.2 dev {interface} metric {number}")
        neighbours("gw", interface, number, f"10.{number}.0.2")

    def heard(self, _, line):
        self.text += line + "\n"

    def end(self):
        if self.process and self.process.child.poll() is None:
            self.process.child.kill()
            self.process.wait()
        netns.run(self.build / "bpf/turnout-xdp", "detach", "--pin", self.pin)

    def table(self, generation):
        image, path = self.dir / "image", self.dir / "table"
        if not image.exists():
            netns.run(self.build / "control/turnout", "table", "write", self.dir / "plan.yaml",
                    "--stage", "legacy", "--out", image)
        path.with_suffix(".new").write_bytes(plans.common.renumbered(image.read_bytes(),
                                                                     generation))
        os.replace(path.with_suffix(".new"), path)
        return path

    def start(self, *ports, faulty=False, ready="steering on .*", options=()):
        table = self.dir / "table"
        with netns.inside("gw"):
            self.process = Process(self.watch, "turnout-xdp", [
                self.faulty if faulty else self.build / "bpf/turnout-xdp", "run", "--table",
                table if table.exists() else self.table(1), "--pin", self.pin, "--pins", 1024,
                *(word for port in ports for word in ("--port", port)), *options])
        return self.says(ready)[0]

    def says(self, pattern):
        return self.watch.until(self.process, pattern, "err", PATIENCE)

    def kill(self):
        self.process.child.kill()
        self.process.wait()

    def fail(self, *calls):  # pylint: disable=arguments-differ
        self.faults.write_text("".join(f"{c}\n" for c in calls), encoding="ascii")

    def report(self):
        self.process.text["out"] = ""
        self.process.child.send_signal(signal.SIGUSR1)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.watch.turn(end)
            try:
                return json.JSONDecoder().raw_decode(self.process.text["out"])[0]
            except ValueError:
                continue
        raise AssertionError("no report")

    def hop(self, slot=HOP_OUTSIDE4):
        """The interface that frames leave by; 0: none."""
        found = json.loads(netns.run("bpftool", "-j", "map", "lookup", "pinned",
                                   self.pin / "maps/hops", "key", "hex", f"{slot:02x}", "0", "0",
                                   "0"))
        return found["formatted"]["value"]["ifindex"]

    def links(self):
        return sorted(p.name for p in (self.pin / "links").iterdir())

    def xdp(self, name, interface, program):
        with netns.inside(name):
            netns.run("ip", "link", "set", "dev", interface, "xdpdrv",
                    *(["obj", self.peer, "program", program] if program else ["off"]))


class Attaching(Case):
    def test_a_port_that_another_program_has_is_tried_again(self):
        self.start("p1:outside", "q:edges")
        netns.ip("gw", "link del p1")
        self.says("p1 is gone")
        link("gw", "new")
        self.xdp("gw", "new", "peer_pass")
        netns.ip("gw", "link set new down", "link set new name p1", "link set p1 up")
        self.says("cannot attach to p1: another XDP program is attached")
        netns.ip("gw", "link set q mtu 1400", "link set q mtu 1500")
        time.sleep(1.2)  # a tick
        self.xdp("gw", "p1", None)
        self.says(r"attached to p1 \(native\)")
        self.assertEqual(len(re.findall("cannot attach", self.text)), 1)

    def test_a_port_that_another_program_has_stops_no_others(self):
        self.xdp("gw", "p1", "peer_pass")
        self.assertIn("on q (native)", self.start("p1:outside", "q:edges"))
        self.assertRegex(self.text, "cannot attach to p1: another XDP program is attached")
        self.xdp("gw", "p1", None)
        self.says(r"attached to p1 \(native\)")

    def test_all_ports_are_another_programs(self):
        for port in "p1", "q":
            self.xdp("gw", port, "peer_pass")
        self.start("p1:outside", "q:edges", ready="cannot attach to p1")
        self.assertNotEqual(self.process.wait(), 0)

    def test_an_error_of_one_port_slows_no_others_down(self):
        (self.pin / "links/p1").mkdir(parents=True)  # so that its link cannot be pinned
        self.assertIn("on q (native)", self.start("p1:outside", "q:edges"))
        self.assertNotIn("generic mode", self.text)
        self.assertRegex(self.text, "cannot attach to p1: ")
        (self.pin / "links/p1").rmdir()
        self.says(r"attached to p1 \(native\)")

    def test_a_driver_without_xdp_slows_all_down(self):
        netns.ip("gw", "link add dev bridge type bridge", "link set dev bridge up")
        self.assertIn("p1 (generic), q (generic), bridge (generic)",
                      self.start("p1:outside", "q:edges", "bridge:edges"))
        self.kill()
        self.start("bridge:outside", "q:edges", options=["--mode", "native"],
                   ready="cannot attach to bridge: its driver has no native XDP")

    def test_a_late_driver_without_xdp_slows_all_down(self):
        """Also the only port that there is."""
        for ports, said in ((["late:both"], "nothing yet"),
                            (["p1:outside", "q:edges", "late:edges"], r"on p1 \(native\), q")):
            with self.subTest(ports=ports):
                self.start(*ports, ready=f"steering .*{said}")
                netns.ip("gw", "link add dev late type bridge", "link set dev late up")
                self.says("cannot attach to late: .*: generic mode on every port")
                self.says(r"attached to late \(generic\)")
                self.assertEqual({p["mode"] for p in self.report()["ports"]}, {"generic"})
                self.kill()
                netns.ip("gw", "link del late")
                netns.run(self.build / "bpf/turnout-xdp", "detach", "--pin", self.pin)

    def test_renamed_while_no_process_ran(self):
        self.start("p1:outside", "p2:outside", "q:edges")
        self.kill()
        netns.ip("gw", "link set p1 down", "link set p2 down", "link set p1 name w1",
               "link set p2 name p1", "link set w1 up", "link set p1 up")
        with netns.inside("gw"):
            before = netns.run("bpftool", "net", "show")
        self.assertIn("on w1 (native), p1 (native), q (native)",
                      self.start("w1:outside", "p1:outside", "q:edges"))
        self.assertEqual(self.links(), ["p1", "q", "w1"])
        self.assertNotIn("detached", self.text)
        self.assertIn("w1", before)
        self.assertEqual(sorted(p["name"] for p in self.report()["ports"]), ["p1", "q", "w1"])


class NextHops(Case):
    def test_outside_has_a_reserve(self):
        self.start("p1:outside", "p2:outside", "q:edges")
        self.assertEqual(self.hop(), ifindex("gw", "p1"))
        netns.ip("far", "link set fp1 down")
        self.says("next hop to outside, IPv4: by p2 now")
        self.assertEqual(self.hop(), ifindex("gw", "p2"))
        netns.ip("far", "link set fp2 down")
        self.says("next hop to outside, IPv4: the interface is down")
        self.assertEqual(self.hop(), 0)
        netns.ip("far", "link set fp2 up")
        self.says("next hop to outside, IPv4: can be used")
        self.assertEqual(self.hop(), ifindex("gw", "p2"))
        netns.ip("far", "link set fp1 up")
        netns.ip("gw", "route replace default via 10.1.0.2 dev p1 metric 1")
        neighbours("gw", "p1", 1, "10.1.0.2")
        self.says("next hop to outside, IPv4: by p1 now")
        self.assertEqual(self.hop(), ifindex("gw", "p1"))

    def test_the_reserve_is_found_at_the_start(self):
        netns.ip("far", "link set fp1 down")
        self.start("p1:outside", "p2:outside", "q:edges")
        self.assertEqual(self.hop(), ifindex("gw", "p2"))


class Hints(Case):
    """What is good, and does not fit together."""

    def test_addresses_of_an_edge_by_two_next_hops(self):
        self.start("p1:outside", "q:edges")
        neighbours("gw", "q", 11, "192.0.2.12")
        self.says("edge e1: 192.0.2.12 has another next hop than the edge's first address")
        neighbours("gw", "q", 10, "192.0.2.12")
        neighbours("gw", "q", 12, "192.0.2.22")
        self.says("edge n1: 192.0.2.22 has another next hop than the edge's first address")
        neighbours("gw", "q", 11, "192.0.2.12")
        self.says("edge e1: 192.0.2.12 has another next hop")
        self.assertEqual(len(re.findall("another next hop", self.text)), 3)

    def test_a_next_hop_by_hand_is_nobodys_mistake(self):
        neighbours("gw", "q", 11, "192.0.2.12", "192.0.2.22")
        self.start("p1:outside", "q:edges", options=["--nexthop", "e1=192.0.2.11"])
        self.assertIn("edge n1: 192.0.2.22 has another next hop", self.text)
        self.assertNotIn("edge e1", self.text)


class Refusals(Case):
    """Of the kernel."""

    def test_a_generation_that_is_not_acknowledged(self):
        self.start("p1:outside", "q:edges", faulty=True)
        self.assertTrue(self.report()["live"])
        self.fail("update grace")
        self.table(2)
        self.process.child.send_signal(signal.SIGHUP)
        self.says("generation 2 is not acknowledged: ")
        self.assertFalse(self.report()["live"])
        self.table(3)
        self.process.child.send_signal(signal.SIGHUP)
        self.says("refused: the running generation is not acknowledged yet: .*; generation 2 goes")
        self.fail()
        self.says("generation 2 is live")
        self.assertTrue(self.report()["live"])
        self.process.child.send_signal(signal.SIGHUP)
        self.says("generation 3 is live")

    def test_a_next_hop_that_cannot_be_told(self):
        self.start("p1:outside", "p2:outside", "q:edges", faulty=True)
        self.fail("update hops")
        netns.ip("far", "link set fp1 down")
        self.says("cannot tell the program its next hops: Cannot allocate memory")
        time.sleep(1.2)  # a tick
        self.fail()
        self.says("cannot tell the program its next hops: no more")
        self.assertEqual(self.hop(), ifindex("gw", "p2"))
        self.assertEqual(len(re.findall("cannot tell", self.text)), 2)

    def test_a_port_that_cannot_be_told(self):
        self.start("p1:outside", "q:edges", faulty=True)
        self.fail("update ports")
        netns.ip("gw", "link set p1 address 02:00:00:00:00:77")
        self.says("cannot tell the program of p1, whose frames the kernel has: Cannot allocate")
        self.fail()
        self.says("cannot tell the program of p1, whose frames the kernel has: no more")

    def test_a_port_that_cannot_be_forgotten(self):
        self.start("p1:outside", "p2:outside", "q:edges", faulty=True)
        self.fail("delete ports")
        netns.ip("gw", "link del p2")
        self.says("cannot have the program forget an interface: Device or resource busy")
        self.fail()
        self.says("cannot have the program forget an interface: no more")

    def test_entries_that_cannot_be_counted(self):
        self.start("p1:outside", "q:edges")
        self.fail("batch pins4")
        with netns.inside("gw"):
            status = Process(self.watch, "status", [self.faulty, "status", "--pin", self.pin])
            self.watch.until(status, "cannot count pins-ipv4: No space left", "err", PATIENCE)
        self.assertNotEqual(status.wait(), 0)


class Losses(Case):
    """Frames that leave the program, and not the machine."""

    def send(self, interface, to):
        """A SYN to the VIP, from the far end of a link."""
        head = bytes.fromhex((to + FAR % 1).replace(":", "") + "0800")
        addresses = socket.inet_aton("198.18.0.9") + socket.inet_aton(VIP)
        packet = bytearray(b"\x45\0\0\x28\0\1\0\0\x40\6\0\0" + addresses)
        words = sum(int.from_bytes(packet[i:i + 2], "big") for i in range(0, 20, 2))
        packet[10:12] = (0xffff - (words % 0xffff)).to_bytes(2, "big")
        segment = b"\x9c\x40\1\xbb\0\0\0\1\0\0\0\0\x50\2\x20\0\0\0\0\0"
        with netns.inside("far"), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((interface, 0))
            s.send(head + packet + segment)

    def lost(self):
        return self.report()["events"]["no-nexthop"]

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_sent_back_into_a_queue_that_is_not_there(self):
        netns.ip("gw", "route del default metric 1", "route del default metric 2",
               "route add default via 192.0.2.9")
        neighbours("gw", "q", 9, "192.0.2.9")
        self.start("q:both")
        self.assertEqual(self.lost(), 0)
        self.send("fq", mac("gw", "q"))  # whose veth has no XDP, and takes no frames of XDP's
        self.until(lambda: self.lost() == 1)

    def test_redirected_into_a_queue_that_is_not_there(self):
        self.start("p1:outside", "q:edges")
        self.send("fp1", mac("gw", "p1"))
        self.until(lambda: self.lost() == 1)

    def test_losses_of_another_network_are_not_ours(self):
        netns.run("ip", "netns", "add", "alien")
        self.addCleanup(netns.run, "ip", "netns", "del", "alien")
        link("alien", "al", index=ifindex("gw", "p1"))
        self.xdp("alien", "al", "peer_lose")
        self.start("p1:outside", "q:edges")
        for _ in range(5):
            self.send("fal", mac("alien", "al"))

        def seen():
            with netns.inside("alien"):
                return int(re.search(r"xdp_packets: (\d+)", netns.run("ethtool", "-S", "al"))[1])
        self.until(lambda: seen() >= 5)
        self.send("fp1", mac("gw", "p1"))
        self.until(lambda: self.lost() >= 1)
        self.assertEqual(self.lost(), 1)


if __name__ == "__main__":
    Case.build, Case.faulty, Case.peer = map(Path, sys.argv[1:4])
    netns.enter("turnout-ports")
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])

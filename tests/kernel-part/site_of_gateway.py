# SPDX-License-Identifier: BSD-3-Clause
"""A gateway, a client and two edges, each in a namespace, and turnout-dp in the gateway's.

    client  c0 ── outside    gw    edges ── e0  e1
                                   more  ── e0  e2

198.18.0.0/24, 192.0.2.0/24 and 192.0.3.0/24, 2001:db8:0:1::/64, :2::/64 and :3::/64: the gateway is
.1, who is on the other side .2 or (an edge) .11.
"""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / d) for d in ("tools/lib", "tests", "tests/replay")]

import common  # noqa: E402
from netns import inside, ip, run, sysctl  # noqa: E402
from processes import Process, Watch  # noqa: E402

PATIENCE = 20  # seconds for what must come; what must not come is waited for by QUIET
QUIET = 0.3
VIPS = "203.0.113.100", "2001:db8:0:100::100"
OUTSIDE = "198.18.0.1", "2001:db8:0:1::1"
CLIENT = "198.18.0.2", "2001:db8:0:1::2"
E1 = "192.0.2.11", "2001:db8:0:2::11"
E2 = "192.0.3.11", "2001:db8:0:3::11"
LINKS = {"outside": ("client", "c0", OUTSIDE, CLIENT),
         "edges": ("e1", "e0", ("192.0.2.1", "2001:db8:0:2::1"), E1),
         "more": ("e2", "e0", ("192.0.3.1", "2001:db8:0:3::1"), E2)}
ZONES = {name: "outside" if name == "outside" else "edges" for name in LINKS}
GATEWAYS = [a for _, _, ours, _ in LINKS.values() for a in ours]
TCP, UDP, UDP2 = 443, 5000, 5001
MTU_DISCOVER, MTU, PMTUDISC_DO = (10, 23), (14, 24), 2  # of IP and IPV6
ETH_P_ALL, PACKET_OUTGOING = 3, 4
EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "128",
       "--log-level=*:error"]

# `udp` is e1's alone, `udp2` e2's alone: a datagram's port says where it must go.
PLAN = """\
turnout: 1
site: {{name: gateway, gateways: [{gateways}]}}
salt: kernel-part
pools:
  one: {{role: legacy, mode: dnat, edges: {{e1: {{a: [{e1}]}}}}}}
  two: {{role: new, mode: dnat, edges: {{e2: {{a: [{e2}]}}}}}}
services:
  tcp: {{kind: other, vip: [{vips}], protocol: tcp, port: "443", address: a, affinity: none}}
  udp: {{kind: other, vip: [{vips}], protocol: udp, port: "5000", address: a, affinity: none}}
  udp2: {{kind: other, vip: [{vips}], protocol: udp, port: "5001", address: a, affinity: none}}
{more}stages:
  - name: only
    routes: {{udp2: 100}}
"""
MORE = """\
  later: {kind: other, vip: ["203.0.113.101"], protocol: udp, port: "5002", address: a,
          affinity: none}
"""


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def link_of(name, interface):
    return json.loads(run("ip", "-n", name, "-j", "link", "show", "dev", interface))[0]


def forget_neighbours(name):
    with contextlib.suppress(RuntimeError):  # somebody may look for them at once
        run("ip", "-n", name, "neigh", "flush", "all")


class Gateway:
    """The network."""

    def __init__(self):
        for name in ("gw", "client", "e1", "e2"):
            run("ip", "netns", "add", name)
            with inside(name):
                sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0,
                       ipv6__conf__default__accept_ra=0,
                       ipv6__conf__default__router_solicitations=0,
                       ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0)
            ip(name, "link set lo up")
        for ours, (name, theirs, _, _) in LINKS.items():
            run("ip", "-n", "gw", "link", "add", ours, "type", "veth", "peer", "name", theirs,
                "netns", name)
            for where, interface in (("gw", ours), (name, theirs)):
                with inside(where):
                    run("ethtool", "-K", interface, "tx", "off", "rx", "off", "tso", "off", "gso",
                        "off", "gro", "off")
                ip(where, f"link set {interface} up")
            ip(name, *(f"addr add {a}/{64 if ':' in a else 24} dev {theirs}"
                       for a in LINKS[ours][3]),
               *(f"route add default via {a}" for a in LINKS[ours][2]))
        self.forward()

    def address(self, names):
        """The gateway's addresses and default routes, on the interfaces that are to have them."""
        for ours, name in names.items():
            ip("gw", f"link set {name} up",
               *(f"addr add {a}/{64 if ':' in a else 24} dev {name}" for a in LINKS[ours][2]))
        ip("gw", *(f"route replace default via {a}" for a in CLIENT))

    @staticmethod
    def forward():
        """The kernel would gladly route all that the engine is there for."""
        with inside("gw"):
            sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)

    @staticmethod
    def close():
        for name in ("gw", "client", "e1", "e2"):
            run("ip", "netns", "del", name)


class Engine:
    """turnout-dp. `driver`: net_af_packet; net_pcap with TAPs for the kernel; net_tap with TAPs as
    well, whose wires are the interfaces w-*."""

    program, workers = "dataplane/turnout-dp", 1

    def __init__(self, build, directory, driver):
        self.build, self.directory, self.driver = build, directory, driver
        self.path = build / self.program
        self.table = directory / "table"
        self.said = ""
        self.watch = Watch(self.hear)
        self.process = None
        self.publish(1)

    def hear(self, _, line):
        self.said += line + "\n"

    def publish(self, generation, more="", e1=E1):
        def quoted(addresses):
            return ", ".join(f'"{a}"' for a in addresses)

        plan = self.directory / "plan.yaml"
        plan.write_text(PLAN.format(gateways=quoted(GATEWAYS), e1=quoted(e1), e2=quoted(E2),
                                    vips=quoted(VIPS), more=more), encoding="utf-8")
        run(self.build / "control/turnout", "table", "write", plan, "--out", self.table)
        self.table.write_bytes(common.renumbered(self.table.read_bytes(), generation))

    def argv(self):
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        devices, ports = [], []
        for i, (name, zone) in enumerate(ZONES.items()):
            device = {"net_af_packet": f"iface={name},framecnt=1024",
                      "net_af_xdp": f"iface={name},busy_budget=0,xdp_prog="
                                    f"{self.build}/bpf/turnout-intake.bpf.o",
                      "net_pcap": f"rx_iface_in={name},tx_iface={name}",
                      "net_tap": f"iface=w-{name}"}[self.driver]
            kernel = "" if self.driver.startswith("net_af") else f":k-{name}"
            devices += ["--vdev", f"{self.driver}{i},{device}"]
            ports += ["--port", f"{self.driver}{i}:{zone}{kernel}"]
        return [self.path, "run", f"--lcores=(0-{self.workers})@({cpus})", *EAL, *devices, "--",
                "--table", self.table, *ports, "--pins", 4096, "--workers", self.workers]

    def start(self, *more):
        with inside("gw"):
            self.process = Process(self.watch, "engine", [*self.argv(), *more])
        self.until("steering on")

    def listen(self):
        """What it has said until now is not awaited any more."""
        self.watch.turn(0)
        self.process.text["err"] = ""

    def until(self, pattern):
        return self.watch.until(self.process, pattern, "err", PATIENCE)

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
        raise AssertionError("no counters")

    def event(self, name):
        return self.report()["events"].get(name, 0)

    def reason(self, name):
        return sum(c["packets"] for c in self.report()["counters"] if c["reason"] == name)

    def reload(self, number):
        self.process.child.send_signal(signal.SIGHUP)
        self.until(rf"generation {number} is live")

    def kill(self):
        if self.process:
            self.process.child.kill()
            self.process.wait()
            self.process = None

    def unguard(self):
        with inside("gw"):
            run(self.path, "unguard")


class XdpEngine(Engine):
    """turnout-xdp on the interfaces themselves."""

    program = "bpf/turnout-xdp"

    def argv(self):
        pins = self.directory / "bpf"
        pins.mkdir()
        run("mount", "-t", "bpf", "bpf", pins)
        ports = [word for name, zone in ZONES.items() for word in ("--port", f"{name}:{zone}")]
        return [self.path, "run", "--table", self.table, *ports, "--pin", pins / "turnout",
                "--pins", 4096, "--mode", "generic"]

    def kill(self):
        super().kill()
        run(self.path, "detach", "--pin", self.directory / "bpf/turnout")
        run("umount", self.directory / "bpf")


def guard():
    """The guard as nft lists it, without what counts; None: there is none."""
    with inside("gw"):
        text = run("nft", "list", "ruleset")
    return re.sub(r"packets \d+ bytes \d+", "", text) if "turnout-guard" in text else None


def sockets(name, kind, address, port=0):
    """A socket in that namespace, bound."""
    with inside(name):
        s = socket.socket(family(address), kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.settimeout(PATIENCE)
    return s


def ping(name, address):
    """True: an answer has come."""
    with inside(name):
        try:
            run("busybox", "ping", "-6" if ":" in address else "-4", "-c", 1, "-W", 3, address)
        except RuntimeError:
            return False
    return True


class Sniffer:
    """What comes to an interface from the wire: IP that is not a neighbour's, parsed that far."""

    def __init__(self, name, interface):
        with inside(name):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((interface, ETH_P_ALL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def heard(self, quiet=QUIET):
        """(protocol, source, destination) of each until nothing has come for so long."""
        found = []
        self.socket.settimeout(quiet)
        while True:
            try:
                frame, about = self.socket.recvfrom(65536)
            except TimeoutError:
                return found
            if about[2] != PACKET_OUTGOING:
                found += self.parse(frame)

    @staticmethod
    def parse(frame):
        ethertype, = struct.unpack_from(">H", frame, 12)
        if ethertype == 0x0800:
            return [(frame[23], socket.inet_ntop(socket.AF_INET, frame[26:30]),
                     socket.inet_ntop(socket.AF_INET, frame[30:34]))]
        if ethertype != 0x86dd:
            return []
        protocol = frame[20]
        if protocol == 0 or protocol == 58 and frame[54] in range(130, 144):
            return []  # MLD, ND
        return [(protocol, socket.inet_ntop(socket.AF_INET6, frame[22:38]),
                 socket.inet_ntop(socket.AF_INET6, frame[38:54]))]

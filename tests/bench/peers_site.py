# SPDX-License-Identifier: BSD-3-Clause
"""What a user would put in front of the edges, each between a client and an edge network of its own
with the same addresses, all of them at a time:

    client (c0) ── outside:gateway:edges ── edge (e0)
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "live"), str(HERE.parents[1] / "tools/lib")]

import engines  # noqa: E402
from netns import NETNS, inside, ip, run, sysctl  # noqa: E402
from processes import Failed, Process, await_port  # noqa: E402

VIP, MEDIA, ACCESS = "203.0.113.100", "50000-59999", 443
EDGES = [f"10.1.0.{i}" for i in range(1, 5)]
CLIENTS, CLIENT, GATEWAY = "198.18.0.0/16", "192.0.2.2", "192.0.2.1"
EDGE_GATEWAY = "10.1.0.254"
MACS = {"c0": "02:00:00:00:01:02", "outside": "02:00:00:00:01:01",
        "edges": "02:00:00:00:02:01", "e0": "02:00:00:00:02:02"}

PLAN = f"""\
turnout: 1
site: {{name: peers, gateways: [{GATEWAY}, {EDGE_GATEWAY}]}}
salt: peers
relay_key: shared
pools:
  legacy: {{role: legacy, edges: {{e1: {{media: {EDGES[0]}, sip: {EDGES[0]}}},
                                e2: {{media: {EDGES[1]}, sip: {EDGES[1]}}}}}}}
  new: {{role: new, edges: {{n1: {{media: {EDGES[2]}, sip: {EDGES[2]}}},
                          n2: {{media: {EDGES[3]}, sip: {EDGES[3]}}}}}}}
services:
  media: {{kind: media, vip: {VIP}, protocol: udp, port: {MEDIA}, address: media, idle: 3600s,
          check: none}}
  turn: {{kind: turn, vip: {VIP}, protocol: udp, port: 3478, address: media, check: none}}
  access: {{kind: sip-tls, vip: {VIP}, protocol: tcp, port: {ACCESS}, address: sip, check: none}}
stages:
  - name: half
    routes: {{media: 50, turn: 50, access: 50}}
"""

# As one writes it: a client's edge by a hash of its address, and only what was translated passes.
NFTABLES = f"""\
table ip gateway {{
FLOWTABLE
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        ip daddr {VIP} udp dport {{ 3478, {MEDIA} }} dnat to jhash ip saddr mod 4 map {{ EDGES }}
        ip daddr {VIP} tcp dport {ACCESS} dnat to jhash ip saddr mod 4 map {{ EDGES }}
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        OFFLOAD
        ct state vmap {{ established : accept, related : accept, invalid : drop }}
        ct status dnat accept
    }}
}}
""".replace("EDGES", ", ".join(f"{i} : {e}" for i, e in enumerate(EDGES)))
FLOWTABLE = """\
    flowtable fast {
        hook ingress priority filter
        devices = { outside, edges }
    }
"""

HAPROXY = f"""\
global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    balance source
    timeout connect 5s
    timeout client 1m
    timeout server 1m
listen access
    bind {VIP}:{ACCESS}
""" + "".join(f"    server e{i} {e}:{ACCESS}\n" for i, e in enumerate(EDGES, 1))


def cpus():
    """(the sender's, the worker's)"""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


class Contender:
    """A gateway; `ends` judge what comes by xdp or tc, whichever costs it less. `polling` ends of
    its links poll, by GRO, as a card's driver does: others take no frame that XDP redirects."""

    name = key = None
    polling = ()
    ends, ahead = "tc", 128  # frames that may be on their way: a veth's queue holds 256
    has_cpu = False  # to itself
    asked = VIP  # by clients
    sockets_polling = ()  # what has to poll when frames come from sockets
    forwards = True  # by the kernel

    def __init__(self, build, watch, directory):
        self.build, self.watch, self.directory = build, watch, directory / self.key
        self.directory.mkdir()
        self.client, self.gateway, self.edge = (f"{what}-{self.key}" for what in
                                                ("client", "gateway", "edge"))

    def make(self):
        for name in (self.client, self.gateway, self.edge):
            run("ip", "netns", "add", name)
            with inside(name):
                sysctl(**{f"ipv4__conf__{which}__{key}": 0 for which in ("all", "default")
                          for key in ("rp_filter", "send_redirects")},
                       **{f"ipv6__conf__{which}__disable_ipv6": 1 for which in ("all", "default")})
            ip(name, "link set lo up")
        self.link(self.client, "c0", self.gateway, "outside")
        self.link(self.gateway, "edges", self.edge, "e0")
        self.addresses()
        with inside(self.gateway):
            sysctl(ipv4__ip_forward=int(self.forwards))
        self.start()

    def link(self, a, a_if, b, b_if):
        """A veth pair whose frames have whole checksums."""
        run("ip", "-n", a, "link", "add", a_if, "address", MACS[a_if], "txqueuelen", "10000",
            "type", "veth", "peer", "name", b_if, "address", MACS[b_if], "netns", b)
        for name, interface in ((a, a_if), (b, b_if)):
            with inside(name):
                run("ethtool", "-K", interface, "tx", "off", "rx", "off", "tso", "off", "gso",
                    "off", "gro", "off", "sg", "off")
            ip(name, f"link set {interface} up")
        for name, interface in ((a, a_if), (b, b_if)):  # only then both ends notice it
            if interface in self.polling:
                with inside(name):
                    run("ethtool", "-K", interface, "gro", "on")

    def addresses(self):
        """Neighbours are given, so that nobody asks for them in a measurement."""
        ip(self.client, f"addr add {CLIENT}/24 dev c0", f"route add local {CLIENTS} dev lo",
           f"neigh add {GATEWAY} lladdr {MACS['outside']} dev c0 nud permanent",
           f"route add default via {GATEWAY}")
        ip(self.gateway, f"addr add {GATEWAY}/24 dev outside",
           f"addr add {EDGE_GATEWAY}/24 dev edges", f"route add default via {CLIENT}",
           f"neigh add {CLIENT} lladdr {MACS['c0']} dev outside nud permanent",
           *(f"neigh add {e} lladdr {MACS['e0']} dev edges nud permanent" for e in EDGES))
        ip(self.edge, *(f"addr add {e}/24 dev e0" for e in EDGES),
           f"neigh add {EDGE_GATEWAY} lladdr {MACS['edges']} dev e0 nud permanent",
           f"route add default via {EDGE_GATEWAY}")

    def sent_to(self):
        """MACs that a client and an edge send to, and with which TTL it comes out."""
        return MACS["outside"], MACS["edges"], 63

    def start(self):
        """It steers when this returns."""

    def go(self):
        """It is about to be measured."""

    def rest(self):
        """It was."""

    def close(self):
        self.rest()


class Direct(Contender):
    """No gateway at all: both ends of one link."""

    name, key, ends = "nothing", "direct", "xdp"

    def make(self):
        for name in (self.client, self.edge):
            run("ip", "netns", "add", name)
        self.link(self.client, "c0", self.edge, "e0")

    def sent_to(self):
        return MACS["e0"], MACS["c0"], 64


class Routed(Contender):
    """The kernel routes, and that is all: clients ask an edge itself."""

    name, key, asked = "routed", "routed", EDGES[0]


class Nftables(Contender):
    name, key = "nftables", "nft"
    flowtable, offload = "", ""

    def start(self):
        with inside(self.gateway):
            run("nft", "-f", "-", input=NFTABLES.replace("FLOWTABLE\n", self.flowtable)
                .replace("        OFFLOAD\n", self.offload))


class Flowtable(Nftables):
    name, key = "nftables with a flowtable", "flow"
    flowtable, offload = FLOWTABLE, "        ct state established flow add @fast\n"

    @staticmethod
    def is_there():
        """Not every kernel has them."""
        done = subprocess.run(["unshare", "--net", "nft", "-f", "-"], capture_output=True,
                              text=True, check=False, input="table ip t { flowtable f { hook "
                              "ingress priority filter; devices = { lo }; } }")
        return done.returncode == 0


class HAProxy(Contender):
    """On the CPU of all others, as are the kernel's parts."""

    name, key = "HAProxy", "haproxy"

    def start(self):
        path = self.directory / "haproxy.cfg"
        path.write_text(HAPROXY, encoding="utf-8")
        ip(self.gateway, f"addr add {VIP}/32 dev lo")
        with inside(self.gateway):
            self.process = Process(self.watch, self.name, [
                "taskset", "-c", cpus()[0], "haproxy", "-db", "-f", path])
        await_port(self.process, "tcp", ACCESS)

    def close(self):
        self.process.child.kill()
        self.process.wait()


class Turnout(Contender):
    forwards, engine_is = False, None

    def start(self):
        table = self.directory / "table"
        (self.directory / "plan.yaml").write_text(PLAN, encoding="utf-8")
        run(self.build / "control/turnout", "table", "write", self.directory / "plan.yaml",
            "--out", table)
        self.engine = self.engine_is(self.build, self.watch, table)
        self.engine.where = self.gateway
        self.engine.start()


class TurnoutXdp(Turnout):
    name, key, ends, engine_is = "xdp native", "xdp", "xdp", engines.Xdp
    sockets_polling = ("c0", "e0")

    def close(self):
        self.engine.kill()
        self.engine.close()


class TurnoutXdpGeneric(TurnoutXdp):
    name, key, sockets_polling = "xdp generic", "generic", ()
    engine_is = type("Generic", (engines.Xdp,), {"mode": "generic"})


def pinned(engine):
    """The engine with its worker on a CPU of its own."""
    def lcores():
        return f"0@{cpus()[0]},1@{cpus()[1]}"
    return type(engine.__name__, (engine,), {"lcores": staticmethod(lcores)})


class TurnoutDp(Turnout):
    """Its worker spins, so it is stopped while others are measured."""

    ahead, has_cpu, settle_s = 1024, True, 0.02

    def start(self):
        super().start()
        self.rest()

    def go(self):
        self.engine.signal(signal.SIGCONT)
        time.sleep(self.settle_s)

    def rest(self):
        self.engine.signal(signal.SIGSTOP)

    def close(self):
        self.engine.kill()


class DpAfXdp(TurnoutDp):
    name, key, engine_is = "dp over AF_XDP", "dpxdp", pinned(engines.DpAfXdp)


def nftables():
    return [Nftables, Flowtable] if Flowtable.is_there() else [Nftables]


@contextlib.contextmanager
def gateways(build, watch, kinds, sockets=False):
    """All of them, steering; those with a CPU of their own are stopped. Frames come from sockets,
    or from XDP."""
    with tempfile.TemporaryDirectory(dir=NETNS) as directory, contextlib.ExitStack() as stack:
        made = [kind(build, watch, Path(directory)) for kind in kinds]
        for gateway in made:
            gateway.polling = gateway.sockets_polling if sockets else ("outside", "edges")
            gateway.make()
            stack.callback(gateway.close)
        yield made


def netns_of(name):
    return NETNS / name


class Program:
    """One that is asked by lines, and answers with lines of JSON, on the sender's CPU."""

    def __init__(self, argv):
        self.name = argv[0].name
        self.process = subprocess.Popen(
            [str(a) for a in ("taskset", "-c", cpus()[0], *argv)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.name} has ended")
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.kill()
        self.process.communicate()

# SPDX-License-Identifier: BSD-3-Clause
"""The network of a run: namespaces, links, addresses, and what their kernels have counted.

    client ── outside ── gw ── edges ── lan (a bridge) ── e1, e2, n1, n2

Everything is made inside namespaces of the process's own (netns.enter).
"""

import json
import socket
import struct
from pathlib import Path

import plans
from netns import inside, ip, run, sysctl

CLIENTS = "198.19.0.0/16", "2001:db8:c::/48"
FIRST_CLIENT = "198.19.0.1", "2001:db8:c:1::1"
CLIENT = "198.18.0.2", "2001:db8:0:1::2"
MACS = {"outside": "02:00:00:00:01:01", "client": "02:00:00:00:01:02",
        "edges": "02:00:00:00:02:01", "lan": "02:00:00:00:02:02",
        "e1": "02:00:00:00:03:11", "e2": "02:00:00:00:03:12",
        "n1": "02:00:00:00:03:21", "n2": "02:00:00:00:03:22"}
UNUSED_PORT = 9
# Neighbours are asked again a second after they have answered, and are gone after two silent ones.
AGEING = {"base_reachable_time_ms": 1000, "delay_first_probe_time": 0, "ucast_solicit": 2}
IP_FREEBIND, IPV6_FREEBIND = 15, 78


class Lab:
    names = ["client", "gw", "lan", *plans.EDGES]

    def __init__(self, mode, peer_object, redirects):
        """`redirects`: the gateway's links take frames that XDP redirects into them. Their other
        ends hold 256 frames then, which a starved machine overruns."""
        self.mode, self.peer_object = mode, peer_object
        for name in self.names:
            run("ip", "netns", "add", name)
            with inside(name):
                sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                       ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0,
                       ipv6__conf__default__accept_ra=0,
                       ipv6__conf__default__router_solicitations=0)
            ip(name, "link set lo up")
        self._link("gw", "outside", "client", "out0", "client")
        self._link("gw", "edges", "lan", "lan0", "lan")
        for name in plans.EDGES:
            self._link(name, "eth0", "lan", name, None)
        if redirects:
            self.xdp("client", "out0", "peer_pass")
            self.xdp("lan", "lan0", "peer_pass")
        self._client()
        self._lan()
        self._gateway()
        for name in plans.EDGES:
            self._edge(name)

    def close(self):
        for name in self.names:
            run("ip", "netns", "del", name)

    def _link(self, a, a_if, b, b_if, b_mac):
        """A veth pair that carries whole checksums and frames no longer than its MTU."""
        run("ip", "-n", a, "link", "add", a_if, "address", MACS.get(a_if) or MACS[a], "type",
            "veth", "peer", "name", b_if, *(["address", MACS[b_mac]] if b_mac else []),
            "netns", b)
        for name, interface in ((a, a_if), (b, b_if)):
            with inside(name):
                run("ethtool", "-K", interface, "tx", "off", "rx", "off", "tso", "off", "gso",
                    "off", "gro", "off", "sg", "off")
                for version in "ipv4", "ipv6":  # what takes half an hour happens in seconds
                    sysctl(**{f"{version}__neigh__{interface}__{key}": value
                              for key, value in AGEING.items()})
            ip(name, f"link set {interface} up")

    def xdp(self, name, interface, program):
        with inside(name):
            run("ip", "link", "set", "dev", interface, "xdpdrv", "obj", self.peer_object,
                "program", program)

    def _client(self):
        ip("client", *(f"addr add {a}/{64 if ':' in a else 24} dev out0" for a in CLIENT),
           *(f"route add local {p} dev lo" for p in CLIENTS),
           *(f"route add default via {a}" for a in plans.GATEWAY_OUTSIDE))

    def _lan(self):
        ip("lan", "link add br0 type bridge stp_state 0 mcast_snooping 0", "link set br0 up",
           *(f"link set {p} master br0" for p in ("lan0", *plans.EDGES)))

    def _gateway(self):
        """The kernel routes what edges answer straight to clients, and never what goes to a VIP:
        so what gets there went through the engine. In dnat it routes nothing."""
        ip("gw", *(f"addr add {a}/{64 if ':' in a else 24} dev outside"
                   for a in plans.GATEWAY_OUTSIDE),
           *(f"addr add {a}/{64 if ':' in a else 24} dev edges" for a in plans.GATEWAY_EDGES),
           *(f"route add default via {a}" for a in CLIENT),
           *(f"route add blackhole {v}" for v in plans.VIPS))
        with inside("gw"):
            forward = int(self.mode != "dnat")
            sysctl(ipv4__ip_forward=forward, ipv6__conf__all__forwarding=forward,
                   ipv4__conf__all__send_redirects=0)

    def _edge(self, name):
        ip(name, *(f"addr add {a}/{64 if ':' in a else 24} dev eth0" for a in plans.EDGES[name]),
           *(f"route add default via {a}" for a in plans.GATEWAY_EDGES))
        if self.mode == "dnat":
            return
        ip(name, *(f"addr add {v}/{128 if ':' in v else 32} dev lo" for v in plans.VIPS))
        with inside(name):
            sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
        if self.mode == "ipip":
            self.xdp(name, "eth0", "peer_decap")

    def server_addresses(self, name):
        return plans.EDGES[name] if self.mode == "dnat" else plans.VIPS

    def resolve(self):
        """Reaches every edge and the client once, so that the gateway's kernel knows their MACs:
        each refuses a datagram to a port that nobody listens on."""
        for address in [*(a for name in plans.EDGES for a in plans.EDGES[name]), *CLIENT]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with inside("gw"), socket.socket(family, socket.SOCK_DGRAM) as s:
                s.settimeout(5)
                s.connect((address, UNUSED_PORT))
                s.send(b"")
                try:
                    s.recv(1)
                except ConnectionRefusedError:
                    continue

    def forget_neighbours(self):
        """Edges must find the gateway's MACs again, by ARP and ND through the engine. What they are
        about to find is left alone: answers wait for it, and would be lost with it, uncounted."""
        known = [word for state in ("reachable", "stale", "delay", "probe")
                 for word in ("nud", state)]
        for name in plans.EDGES:
            run("ip", "-n", name, "neigh", "flush", "dev", "eth0", *known)

    # ── what the kernels have counted ──

    def protocol_counters(self, name):
        """/proc/net/snmp, netstat and snmp6 as one map: "Tcp.InCsumErrors", "Udp6InErrors"."""
        found = {}
        with inside(name):
            for table in ("snmp", "netstat"):
                lines = Path("/proc/self/net", table).read_text(encoding="ascii").splitlines()
                for heads, values in zip(lines[::2], lines[1::2]):
                    group = heads.split(":")[0]
                    found.update(zip((f"{group}.{h}" for h in heads.split()[1:]),
                                     map(int, values.split()[1:])))
            for line in Path("/proc/self/net/snmp6").read_text(encoding="ascii").splitlines():
                key, value = line.split()
                found[key] = int(value)
        return found

    def counted(self, endings):
        """(namespace, counter) -> value, where the counter ends so and is not 0."""
        return {(name, key): value for name in self.names
                for key, value in self.protocol_counters(name).items()
                if value and key.endswith(endings)}

    def interface_drops(self):
        """(namespace, interface, counter) -> frames that a kernel has dropped."""
        found = {}
        for name in self.names:
            for link in json.loads(run("ip", "-n", name, "-s", "-j", "link")):
                stats = link.get("stats64", {})
                for way in "rx", "tx":
                    for what in "dropped", "errors":
                        found[name, link["ifname"], f"{way} {what}"] = \
                            stats.get(way, {}).get(what, 0)
                if link["ifname"] not in ("lo", "br0"):
                    with inside(name):
                        lines = run("ethtool", "-S", link["ifname"]).splitlines()
                    for line in lines[1:]:
                        key, value = line.rsplit(":", 1)
                        if key.endswith(("_drops", "_errors")):
                            found[name, link["ifname"], key.strip()] = int(value)
        return {k: v for k, v in found.items() if v}

    # ── wrong checksums, of our making ──

    def spoil(self, name, source, destination, protocol, port):
        """One TCP SYN or UDP datagram whose checksum is wrong."""
        v6 = ":" in source
        payload = b"spoiled!"
        if protocol == "tcp":
            segment = struct.pack(">HHIIBBHHH", 9999, port, 1, 0, 0x50, 0x02, 8192, 1, 0)
        else:
            segment = struct.pack(">HHHH", 9999, port, 8 + len(payload), 1) + payload
        with inside(name), socket.socket(
                socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                socket.IPPROTO_TCP if protocol == "tcp" else socket.IPPROTO_UDP) as s:
            s.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP,
                         IPV6_FREEBIND if v6 else IP_FREEBIND, 1)
            s.bind((source, 0))
            s.sendto(segment, (destination, 0))

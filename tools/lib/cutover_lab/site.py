# SPDX-License-Identifier: BSD-3-Clause
"""The network of the lab, and its plan.

    client ──┐
             internet ── outside:gw:edges ── lan (a bridge) ── e1, e2, n1, n2
    partner ─┘

Each edge has an address for signalling and one for media. The gateway's kernel forwards nothing:
what gets from one side to the other went through the engine.
"""

import subprocess
from pathlib import Path

from netns import inside, ip, run, sysctl

EDGES = {"e1": 11, "e2": 12, "n1": 21, "n2": 22}
LEGACY, NEW = ("e1", "e2"), ("n1", "n2")
NAMES = ["internet", "client", "partner", "gw", "lan", *EDGES]
CLIENTS, PARTNER = "198.19.0.0/16", "198.51.100.0/24"
SIP_VIP, MEDIA_VIP = "203.0.113.100", "203.0.113.102"
SIP, TLS, FEDERATION, TURN = 5060, 443, 5061, 3478
RTP, RTP_TCP = 6000, 7000  # of an edge: where media of calls over UDP, over TCP comes to
RELAYS = 50000, 50999
GATEWAY = "192.0.2.1"
MACS = {"outside": "02:00:00:00:01:01", "edges": "02:00:00:00:02:01"}

PLAN = f"""\
turnout: 1
site: {{name: lab, gateways: [{GATEWAY}, 198.18.0.1]}}
salt: lab-2026
grace: 5s
relay_key: shared
pools:
  legacy: {{role: legacy, edges: {{LEGACY}}}}
  new: {{role: new, edges: {{NEW}}}}
services:
  trunk:
    {{kind: sip, vip: {SIP_VIP}, protocol: udp, port: {SIP}, address: sip, affinity: sip}}
  trunk-tcp:
    {{kind: sip, vip: {SIP_VIP}, protocol: tcp, port: {SIP}, address: sip, affinity: sip}}
  access:
    {{kind: sip-tls, vip: {SIP_VIP}, protocol: tcp, port: {TLS}, address: sip, affinity: access}}
  federation:
    {{kind: federation, vip: {SIP_VIP}, protocol: tcp, port: {FEDERATION}, address: sip,
      affinity: none}}
  av:
    {{kind: turn, vip: {MEDIA_VIP}, protocol: udp, port: {TURN}, address: media, affinity: av}}
partners:
  fabrikam: {PARTNER}
stages:
  - name: baseline
  - name: canary
    routes:
      federation: {{default: 0, partners: {{fabrikam: 100}}}}
    gates:
      - connections: {{service: federation, pool: new, at_least: 3}}
  - name: ten
    routes:
      trunk: 10
      trunk-tcp: 10
      access: 10
      av: 10
      federation: {{default: 0, partners: {{fabrikam: 100}}}}
  - name: full
    routes: {{trunk: 100, trunk-tcp: 100, access: 100, av: 100, federation: 100}}
    federation_route: new
  - name: drain
    routes: {{trunk: 100, trunk-tcp: 100, access: 100, av: 100, federation: 100}}
    federation_route: new
    gates:
      - drained: {{pool: legacy, for: 2s}}
"""


def address(edge, what="sip"):
    return f"192.0.2.{EDGES[edge] + (0 if what == 'sip' else 100)}"


def plan():
    def pool(names):
        return ", ".join(f"{n}: {{sip: {address(n)}, media: {address(n, 'media')}}}"
                         for n in names)

    return PLAN.replace("LEGACY", pool(LEGACY)).replace("NEW}", pool(NEW) + "}")


def client(number):
    """The address of client number 0, 1, 2 ..."""
    return f"198.19.{number // 250}.{number % 250 + 1}"


def partner(number):
    return f"198.51.100.{number % 250 + 2}"


class Site:
    def __init__(self, redirects):
        """`redirects`: the gateway sends by XDP. A veth takes such frames only where the other end
        polls, which GRO makes it do."""
        for name in NAMES:
            run("ip", "netns", "add", name)
            ip(name, "link set lo up")
            with inside(name):
                sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                       ipv4__conf__all__send_redirects=0, ipv6__conf__all__disable_ipv6=1)
        self.link("gw", "outside", "internet", "gw")
        self.link("gw", "edges", "lan", "gw")
        self.link("client", "eth0", "internet", "client")
        self.link("partner", "eth0", "internet", "partner")
        for name in EDGES:
            self.link(name, "eth0", "lan", name)
        for name in ("internet", "lan") if redirects else ():
            with inside(name):
                run("ethtool", "-K", "gw", "gro", "on")
        self._internet()
        self._inside()

    @staticmethod
    def link(a, a_if, b, b_if):
        """A veth pair whose frames have whole checksums, and none longer than the MTU."""
        mac = ["address", MACS[a_if]] if a_if in MACS else []
        run("ip", "-n", a, "link", "add", a_if, *mac, "txqueuelen", "10000", "type", "veth",
            "peer", "name", b_if, "txqueuelen", "10000", "netns", b)
        for name, interface in ((a, a_if), (b, b_if)):
            with inside(name):
                run("ethtool", "-K", interface, "tx", "off", "rx", "off", "tso", "off", "gso",
                    "off", "gro", "off", "sg", "off")
            ip(name, f"link set {interface} up")

    @staticmethod
    def _internet():
        ip("internet", "addr add 198.18.0.2/30 dev gw", "addr add 198.18.1.1/30 dev client",
           "addr add 198.18.2.1/30 dev partner", f"route add {CLIENTS} via 198.18.1.2",
           f"route add {PARTNER} via 198.18.2.2", "route add 203.0.113.0/24 via 198.18.0.1",
           "route add 192.0.2.0/24 via 198.18.0.1")
        with inside("internet"):
            sysctl(ipv4__ip_forward=1)
        for name, net, own in (("client", CLIENTS, "198.18.1"), ("partner", PARTNER, "198.18.2")):
            ip(name, f"addr add {own}.2/30 dev eth0", f"route add default via {own}.1",
               f"route add local {net} dev lo")

    @staticmethod
    def _inside():
        ip("lan", "link add br0 type bridge stp_state 0 mcast_snooping 0", "link set br0 up",
           *(f"link set {p} master br0" for p in ("gw", *EDGES)))
        ip("gw", "addr add 198.18.0.1/30 dev outside", f"addr add {GATEWAY}/24 dev edges",
           "route add default via 198.18.0.2", "route add blackhole 203.0.113.0/24")
        for name in EDGES:
            ip(name, f"addr add {address(name)}/24 dev eth0",
               f"addr add {address(name, 'media')}/24 dev eth0", f"route add default via {GATEWAY}")


def certificate(directory):
    """A key and a certificate that all edges present, as a site's Access certificate."""
    key, cert = Path(directory, "edge.key"), Path(directory, "edge.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=sip.contoso.com", "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    return key, cert

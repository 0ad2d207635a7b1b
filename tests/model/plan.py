# SPDX-License-Identifier: BSD-3-Clause
"""A plan, read in good faith: `turnout check` is what refuses bad ones (docs/plan.md)."""

import ipaddress
from dataclasses import dataclass, field
from decimal import Decimal

import yaml

from model import hashes

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
IDLE_UDP = {"sip": 14400, "turn": 660}


@dataclass(eq=False)
class Edge:
    name: str
    pool: "Pool"
    mode: str
    addresses: dict  # address name -> {4: address, 6: address}
    seed: int
    state: str = "up"

    def own_addresses(self):
        return [a for have in self.addresses.values() for a in have.values()]

    def address(self, service, family):
        """The address that serves a packet to a VIP of this family, or None."""
        have = self.addresses.get(service.address, {})
        if self.mode == "ipip":
            return have.get(family) or have.get(10 - family)
        return have.get(family)


@dataclass(eq=False)
class Pool:
    name: str
    role: str
    edges: list = field(default_factory=list)


@dataclass(eq=False)
class Service:
    name: str
    kind: str
    vips: list
    protocol: str
    low: int
    high: int
    address: str
    pools: dict  # role -> Pool or None
    idle: int
    group: str
    balance: str
    midflow: str
    fallback: str
    edge_initiated: str

    def edges(self):
        return [e for pool in self.pools.values() if pool for e in pool.edges]

    def has(self, edge):
        return edge in self.edges()

    def serves(self, edge, family):
        return self.has(edge) and edge.address(self, family) is not None

    def vip(self, family):
        return next((v for v in self.vips if v.version == family), None)

    def sip_udp(self):
        return self.kind == "sip" and self.protocol == "udp"

    def sip_tcp(self):
        return self.kind == "sip" and self.protocol == "tcp"


@dataclass(eq=False)
class Stage:
    name: str
    routes: dict  # service name -> list of (network, share in hundredths of a percent)
    midflow: dict  # service name -> role or "drop"

    def share(self, service, address):
        """The share of the longest prefix that holds the client."""
        best = (-1, 0)
        for network, share in self.routes.get(service.name, []):
            if network.version == address.version and address in network:
                best = max(best, (network.prefixlen, share))
        return best[1]


class Plan:
    def __init__(self, doc):
        site = doc.get("site") or {}
        self.salt = hashes.salt_of(doc["salt"])
        self.grace = duration(doc.get("grace", "30s"))
        self.gateways = addresses(site.get("gateways"))
        self.pools = [self._pool(n, p) for n, p in doc["pools"].items()]
        self.services = [self._service(n, s) for n, s in doc["services"].items()]
        partners = {n: networks(p) for n, p in (doc.get("partners") or {}).items()}
        self.stages = [stage(s, partners) for s in doc["stages"]]
        self._index()

    def _pool(self, name, doc):
        pool = Pool(name, doc["role"])
        for edge, addrs in doc["edges"].items():
            addrs = dict(addrs)
            mode = addrs.pop("mode", doc.get("mode", "dnat"))
            addrs.pop("check_mark", None)  # health checks decide nothing here
            by_family = {n: {a.version: a for a in addresses(v)} for n, v in addrs.items()}
            seed = hashes.seed(self.salt, edge)
            pool.edges.append(Edge(edge, pool, mode, by_family, seed))
        return pool

    def _service(self, name, doc):
        kind, protocol = doc["kind"], doc["protocol"]
        low, _, high = doc["port"].partition("-")
        idle = 1800 if protocol == "tcp" else IDLE_UDP.get(kind, 300)
        balance = doc.get("balance", "client")
        group = doc.get("affinity", "none" if balance == "flow" else name)
        named = doc.get("pools") or {}
        return Service(
            name, kind, addresses(doc["vip"]), protocol, int(low), int(high or low),
            doc.get("address", name), {r: self._role(r, named) for r in ("legacy", "new")},
            duration(doc["idle"]) if "idle" in doc else idle,
            None if group == "none" else group, balance, doc.get("midflow", "legacy"),
            doc.get("fallback", "drop"), doc.get("edge_initiated", "own"))

    def _role(self, role, named):
        if role in named:
            return next(p for p in self.pools if p.name == named[role])
        return next((p for p in self.pools if p.role == role), None)

    def _index(self):
        self.edges = [e for pool in self.pools for e in pool.edges]
        self.edge_by_name = {e.name: e for e in self.edges}
        self.edge_by_address = {}
        for edge in self.edges:
            for have in edge.addresses.values():
                for address in have.values():
                    self.edge_by_address.setdefault(address, edge)
        self.vips = {v for s in self.services for v in s.vips}
        self.gateway_set = set(self.gateways)
        self.stage_by_name = {s.name: s for s in self.stages}

    def service_at(self, vip, protocol, port):
        for service in self.services:
            if vip in service.vips and service.protocol == protocol \
                    and service.low <= port <= service.high:
                return service
        return None

    def reverse(self, address, protocol, port):
        """The service that a dnat edge's (address, port) answers for, or None."""
        edge = self.edge_by_address.get(address)
        for service in self.services:
            if service.protocol == protocol and service.low <= port <= service.high \
                    and self._has_address(service, edge, address) and edge.mode == "dnat" \
                    and service.vip(address.version):
                return service
        return None

    def outgoing(self, address, protocol, port):
        """Of the services in which the edge has this address, the first with this port."""
        edge = self.edge_by_address.get(address)
        for service in self.services:
            if service.protocol == protocol and service.low <= port <= service.high \
                    and self._has_address(service, edge, address):
                return service
        return None

    @staticmethod
    def _has_address(service, edge, address):
        return edge is not None and service.has(edge) \
            and address in edge.addresses.get(service.address, {}).values()


def load(path):
    # BaseLoader leaves every scalar the string that was written.
    with open(path, encoding="utf-8") as f:
        return Plan(yaml.load(f, Loader=yaml.BaseLoader))


def loads(text):
    return Plan(yaml.load(text, Loader=yaml.BaseLoader))


def as_list(value):
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def addresses(value):
    return [ipaddress.ip_address(a) for a in as_list(value)]


def networks(value):
    """Prefixes; a bare IPv6 address is its /64."""
    out = []
    for text in as_list(value):
        if ":" in text and "/" not in text:
            text += "/64"
        out.append(ipaddress.ip_network(text, strict=False))
    return out


def duration(text):
    if text[-1] in UNITS:
        return int(text[:-1]) * UNITS[text[-1]]
    return int(text)


def share_of(text):
    return int(Decimal(text) * 100)


def stage(doc, partners):
    routes = {}
    for service, route in (doc.get("routes") or {}).items():
        if not isinstance(route, dict):
            route = {"default": route}
        default = share_of(route.get("default", "0"))
        lines = [(ipaddress.ip_network(n), default) for n in ("0.0.0.0/0", "::/0")]
        for partner, share in (route.get("partners") or {}).items():
            lines += [(network, share_of(share)) for network in partners[partner]]
        routes[service] = lines
    return Stage(doc["name"], routes, dict(doc.get("midflow") or {}))

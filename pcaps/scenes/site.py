# SPDX-License-Identifier: BSD-3-Clause
"""The site as the edges live it: who gets which flow, by docs/state.md, sections 1, 2, 5 and 6.

A small implementation of its own, because an edge in a capture can only answer what it was sent.
It knows what the captures need: pins, affinity, Call-ID hashes. tests/captures judges
it by the reference model.
"""
import ipaddress
import struct

import yaml

MASK = (1 << 64) - 1
UNPROVEN, CLOSING, GRACE, RENEWAL = 10, 60, 30, 16


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def fnv(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def client_number(address):
    ip = ipaddress.ip_address(address)
    return 0x0000FFFF << 32 | int(ip) if ip.version == 4 else int(ip) >> 64


def string_hash(salt, data):
    h = salt
    for at in range(0, len(data), 8):
        word = struct.unpack("<Q", data[at:at + 8].ljust(8, b"\0"))[0]
        h = (h ^ word) * 0x9E3779B97F4A7C15 & MASK
        h ^= h >> 32
    return mix(h ^ len(data))


def as_list(value):
    return value if isinstance(value, list) else [value]


def idle_of(kind, protocol):
    if protocol == "tcp":
        return 1800
    return {"sip": 14400, "turn": 660}.get(kind, 300)


class Edge:
    def __init__(self, name, pool, mode, addresses, salt):
        self.name, self.pool, self.state = name, pool, "up"
        self.mode = addresses.get("mode", mode)
        self.seed = mix(fnv(name) ^ salt)
        self.addresses = {k: as_list(v) for k, v in addresses.items() if k != "mode"}

    def address(self, service, v6):
        found = [a for a in self.addresses.get(service.address, []) if (":" in a) == v6]
        return found[0] if found else None

    def serves(self, service, v6):
        """A tunnel carries either family to any address."""
        if self.mode == "ipip":
            return bool(self.addresses.get(service.address))
        return self.address(service, v6) is not None


class Service:
    def __init__(self, name, raw, roles):
        self.name, self.kind, self.protocol = name, raw["kind"], raw["protocol"]
        self.vips = as_list(raw["vip"])
        low, _, high = str(raw["port"]).partition("-")
        self.low, self.high = int(low), int(high or low)
        self.address = raw.get("address", name)
        self.balance = raw.get("balance", "client")
        group = raw.get("affinity", name if self.balance == "client" else "none")
        self.group = None if group == "none" else group
        self.idle = int(raw.get("idle", idle_of(self.kind, self.protocol)))
        self.pools = raw.get("pools", roles)
        self.fallback = raw.get("fallback", "drop")

    def vip(self, v6=False):
        return next(v for v in self.vips if (":" in v) == v6)


class Affinity:
    def __init__(self, edge, expires):
        self.edge, self.live, self.expires = edge, 1, expires


class Site:
    def __init__(self, path, stage):
        with open(path, encoding="utf-8") as plan:
            raw = yaml.safe_load(plan)
        self.salt = mix(fnv(raw["salt"]))
        roles = {pool["role"]: name for name, pool in raw["pools"].items()}
        self.edges = [Edge(edge, name, pool.get("mode", "dnat"), addresses, self.salt)
                      for name, pool in raw["pools"].items()
                      for edge, addresses in pool["edges"].items()]
        self.services = {n: Service(n, s, roles) for n, s in raw["services"].items()}
        self.partners = {n: [ipaddress.ip_network(p) for p in as_list(v)]
                         for n, v in raw.get("partners", {}).items()}
        self.stages = {s["name"]: s for s in raw["stages"]}
        self.stage = self.stages[stage]
        self.history = [(0, self.stage)]
        self.affinities = {}

    def edge(self, name):
        return next(e for e in self.edges if e.name == name)

    def apply(self, now, event):
        """`event` as after the `=` of `turnout replay --at`."""
        verb, _, edge = event.partition(":")
        if edge:
            self.edge(edge).state = {"up": "up", "down": "down", "drain": "draining"}[verb]
        else:
            self.stage = self.stages[event]
            self.history.append((now, self.stage))

    def share(self, service, client, stage=None):
        """Hundredths of a percent that go to the new pool, by the longest prefix."""
        route = ((stage or self.stage).get("routes") or {}).get(service.name, 0)
        if not isinstance(route, dict):
            return round(route * 100)
        ip = ipaddress.ip_address(client)
        best, share = -1, route.get("default", 0)
        for partner, value in route.get("partners", {}).items():
            for net in self.partners[partner]:
                if ip in net and net.prefixlen > best:
                    best, share = net.prefixlen, value
        return round(share * 100)

    def pool_share(self, service, client, pool, stage=None):
        share = self.share(service, client, stage)
        return share if pool == service.pools["new"] else 10000 - share

    def takes_clients(self, now, service, client, pool):
        if self.pool_share(service, client, pool) > 0:
            return True
        since = None
        for when, stage in reversed(self.history):
            if self.pool_share(service, client, pool, stage) > 0:
                return since is not None and now - since < GRACE
            since = when
        return False

    def bucket(self, client):
        return ((mix(self.salt ^ mix(client_number(client))) >> 32) * 10000) >> 32

    def best(self, service, pool, key, v6):
        able = [e for e in self.edges if e.pool == pool and e.state == "up"
                and e.serves(service, v6)]
        return max(able, key=lambda e: mix(mix(key) ^ e.seed), default=None)

    def choose(self, now, service, client, cport=0, vport=0, call_id=None):
        """Steps 9 to 11 for a new flow: an edge, or None."""
        number, v6 = client_number(client), ":" in client
        held = self.affinities.get((number, service.group)) if service.group else None
        if held and now < held.expires and held.edge.state == "up" \
                and held.edge.pool in service.pools.values() \
                and held.edge.serves(service, v6) \
                and self.takes_clients(now, service, client, held.edge.pool):
            return held.edge
        key = number
        if service.balance == "flow":
            key = string_hash(self.salt, call_id) if call_id else \
                mix(number) + (cport << 16 | vport) & MASK
        new = self.bucket(client) < self.share(service, client)
        order = ["new", "legacy"] if new else ["legacy", "new"]
        edge = self.best(service, service.pools[order[0]], key, v6)
        if edge is None and service.fallback == "other":
            edge = self.best(service, service.pools[order[1]], key, v6)
        return edge


class Pin:
    """One flow's edge and how long it holds, and its part in the client's affinity."""

    def __init__(self, site, service, client, cport, vport):
        self.site, self.service, self.client = site, service, client
        self.cport, self.vport = cport, vport
        self.key = (client_number(client), service.group)
        self.edge, self.expires, self.life = None, 0, service.idle
        self.proven = self.affine = self.closing = False
        self.mark, self.fins = 0, set()

    def client_packet(self, now, syn=False):
        """The edge that gets this packet, or None."""
        if self.edge is None or now >= self.expires:
            self.edge = self.site.choose(now, self.service, self.client, self.cport, self.vport)
            self.proven = self.affine = self.closing = False
            self.expires = now + UNPROVEN
        elif self.proven and not syn:
            self._renew(now)
        return self.edge

    def edge_packet(self, now, life=None):
        """An answer. `life`: of a TURN LIFETIME."""
        if now >= self.expires:
            return
        self.life = life or self.life
        fresh, self.proven = not self.proven, True
        self._renew(now, fresh)

    def fin(self, now, side):
        self.fins.add(side)
        if len(self.fins) == 2:
            self.close(now)

    def close(self, now):
        """Both FINs, or an RST."""
        if self.closing or not self.proven:
            return
        self.closing = True
        self.expires = now + CLOSING
        held = self.site.affinities.get(self.key)
        if self.affine and held and held.edge is self.edge:
            held.live = max(0, held.live - 1)
            if held.live == 0:
                held.expires = self.expires

    def _renew(self, now, fresh=False):
        self.expires = now + (CLOSING if self.closing else self.life)
        if not self.service.group or self.closing:
            return
        if fresh:
            self._join(now)
        elif self.affine and now - self.mark >= RENEWAL:
            held = self.site.affinities.get(self.key)
            if held and now < held.expires:
                if held.edge is self.edge:
                    held.expires = max(held.expires, self.expires)
                    self.mark = now
            else:
                self._join(now)

    def _join(self, now):
        held = self.site.affinities.get(self.key)
        if not held or now >= held.expires:
            self.site.affinities[self.key] = Affinity(self.edge, self.expires)
        elif held.edge is self.edge:
            held.live += 1
            held.expires = max(held.expires, self.expires)
        else:
            return
        self.affine, self.mark = True, now

# SPDX-License-Identifier: BSD-3-Clause
"""Both ends of a flow: c_ is what the client sends, e_ what an edge sends."""

from wire import frame

from .packets import TAGS

NANO = 10**9
MILLI = 10**6
CLIENTS = {4: ("100.64.5.1", "100.64.5.7", "100.64.5.200", "100.64.200.9", "100.90.1.1",
               "198.51.100.7", "198.51.100.8", "192.0.2.66"),
           6: ("2001:db8:50:5::1", "2001:db8:50:5::2", "2001:db8:50:6::1", "2001:db8:51::7",
               "2001:db8:99:1::1", "2001:db8:66::66")}
PORTS = (40000, 40001, 40002, 5060, 443, 3478, 50010, 65535, 1)
# Seconds after which something may have become of an entry: docs/state.md, section 2.
AGES = (5, 9, 10, 11, 16, 29, 30, 31, 32, 33, 59, 60, 61, 120, 299, 300, 301, 660, 661, 3600)


def client(dice, family):
    return dice.pick(CLIENTS[family])


def soon(dice):
    return dice.between(1000, 200 * MILLI)


def wait(dice, service=None):
    """Mostly a moment; else about as long as an entry lives."""
    if dice.often(78):
        return soon(dice)
    if service and dice.often(25):
        return max(0, service.idle + dice.between(-1, 1)) * NANO
    return dice.pick(AGES) * NANO


class Flow:
    def __init__(self, world, service, client_address=None, cport=None, vport=None, vip=None):
        dice = world.dice
        self.world, self.dice, self.service = world, dice, service
        self.vip = vip or str(dice.pick(service.vips))
        self.family = 6 if frame.is_v6(self.vip) else 4
        self.client = client_address or client(dice, self.family)
        self.cport = cport or dice.pick(PORTS)
        self.vport = vport or dice.between(service.low, min(service.high, service.low + 12))
        self.tags = dice.weighed(TAGS)
        self.edge = None  # where the last packet was steered
        self.seq = {"c": 1000, "e": 5000}
        world.flows = world.flows[-11:] + [self]

    @property
    def proto(self):
        return frame.TCP if self.service.protocol == "tcp" else frame.UDP

    def again(self):
        """The same ends once more, as a flow of its own."""
        return Flow(self.world, self.service, self.client, self.cport, self.vport, self.vip)

    def answering(self):
        """The edge that has the flow; or, sometimes, one that has nothing to do with it."""
        edges = self.service.edges()
        if self.edge is None or self.dice.often(7):
            return self.dice.pick(edges)
        return self.edge

    def edge_address(self, edge):
        """Its address as a source; None where it has none of the family."""
        found = edge.address(self.service, self.family)
        return str(found) if found and found.version == self.family else None

    def from_client(self, l4, ttl=None):
        found = self.world.sender.send(self.client, self.vip, self.proto, l4, self.tags, ttl)
        if found.verdict == "steer" and found.edge:
            self.edge = found.edge
        return found

    def from_edge(self, make, edge=None):
        """make(source) makes TCP or UDP. Edges in DSR modes seldom answer this way."""
        edge = edge or self.answering()
        source = self.edge_address(edge)
        if source is None or (edge.mode != "dnat" and not self.dice.often(25)):
            return None
        return self.world.sender.send(source, self.client, self.proto, make(source), self.tags)

    # UDP

    def c_udp(self, payload):
        return self.from_client(frame.udp(self.client, self.vip, self.cport, self.vport, payload,
                                          self.family == 4 and self.dice.often(10)))

    def e_udp(self, payload, edge=None):
        return self.from_edge(lambda source: frame.udp(
            source, self.client, self.vport, self.cport, payload), edge)

    # TCP

    def tcp(self, side, src, dst, sport, dport, flags, payload):
        other = "e" if side == "c" else "c"
        ack = self.seq[other] if flags & frame.ACK else 0
        segment = frame.tcp(src, dst, sport, dport, self.seq[side], ack, flags, payload)
        self.seq[side] += len(payload) + bool(flags & (frame.SYN | frame.FIN))
        return segment

    def c_tcp(self, flags, payload=b""):
        return self.from_client(self.tcp("c", self.client, self.vip, self.cport, self.vport,
                                         flags, payload))

    def e_tcp(self, flags, payload=b"", edge=None):
        return self.from_edge(lambda source: self.tcp(
            "e", source, self.client, self.vport, self.cport, flags, payload), edge)


def new(world, services):
    """A flow of one of the services; often with the ends of an earlier one."""
    old = [f for f in world.flows if f.service in services]
    if old and world.dice.often(35):
        flow = world.dice.pick(old).again()
        if world.dice.often(30):
            flow.client = client(world.dice, flow.family)
        return flow
    return Flow(world, world.dice.pick(services))

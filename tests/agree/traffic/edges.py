# SPDX-License-Identifier: BSD-3-Clause
"""What edges begin: flows to clients and peers, to each other, to VIPs; and who dials an edge."""

from wire import frame
from wire.frame import ACK, FIN, RST, SYN

from . import flow, payloads
from .packets import TAGS

SOURCE_PORTS = (49152, 49153, 50001)


class Opened:
    """A flow that an edge opens; the peer answers the VIP or the edge itself."""

    def __init__(self, world):
        dice = world.dice
        self.world, self.dice = world, dice
        self.service = dice.pick(world.plan.services)
        self.tcp = self.service.protocol == "tcp"
        self.edge = dice.pick(self.service.edges())
        self.family = dice.pick(self.service.vips).version
        self.vip = str(self.service.vip(self.family))
        self.peer = flow.client(dice, self.family)
        self.sport = self.service.low if dice.often(25) else dice.pick(SOURCE_PORTS)
        self.dport = self.service.low if dice.often(75) else dice.between(1, 65535)
        self.tags = dice.weighed(TAGS)

    def source(self):
        found = self.edge.address(self.service, self.family)
        return str(found) if found and found.version == self.family else None

    def send(self, src, dst, sport, dport, flags):
        payload = payloads.some(self.dice, self.service) if not flags & SYN else b""
        if self.tcp:
            l4 = frame.tcp(src, dst, sport, dport, 1, 1, flags, payload)
        else:
            l4 = frame.udp(src, dst, sport, dport, payload)
        self.world.sender.send(src, dst, frame.TCP if self.tcp else frame.UDP, l4, self.tags)

    def from_edge(self, flags):
        source = self.source()
        if source:
            self.send(source, self.peer, self.sport, self.dport, flags)

    def from_peer(self, flags):
        to = self.vip if self.dice.often(75) else self.source() or self.vip
        self.send(self.peer, to, self.dport, self.sport, flags)

    def step(self):
        dice = self.dice
        flags = dice.weighed([(8, ACK), (2, FIN | ACK), (1, RST), (2, SYN), (1, SYN | ACK)])
        if dice.often(12):
            self.edge = dice.pick(self.service.edges())  # another one takes the same ports
            flags = SYN
        if dice.often(50):
            self.from_edge(flags)
        else:
            self.from_peer(flags)


def script(world, _services=None):
    dice, opened = world.dice, Opened(world)
    opened.from_edge(SYN)
    yield flow.soon(dice)
    if dice.often(75):
        opened.from_peer(SYN | ACK)
        yield flow.wait(dice, opened.service)
    for _ in range(dice.below(7)):
        opened.step()
        yield flow.wait(dice, opened.service)


def addresses(world, family):
    return [str(a) for a in world.plan.edge_by_address if a.version == family]


def meeting(world, _services=None):
    """Among edges, VIPs and clients, in every direction: owner, hairpin, spoof."""
    dice = world.dice
    family = dice.pick([4, 6])
    own = addresses(world, family)
    vips = [str(v) for v in world.plan.vips if v.version == family]
    vips.sort()
    for _ in range(dice.between(1, 4)):
        stranger = flow.client(dice, family)
        src, dst = dice.weighed([
            (3, (own, own)), (3, (own, vips)), (2, (vips, vips)), (5, ([stranger], own)),
            (2, (vips, own)), (1, (vips, [stranger])), (2, (own, [stranger])),
            (2, ([stranger], vips))])
        if src and dst:
            between(world, dice.pick(src), dice.pick(dst))
        yield flow.soon(dice)


def between(world, src, dst):
    dice, service = world.dice, world.dice.pick(world.plan.services)
    sport, dport = dice.pick([40000, service.low]), dice.pick([service.low, 9, 22, 65535])
    data = payloads.some(dice, service)
    proto, l4 = dice.weighed([
        (4, (frame.UDP, frame.udp(src, dst, sport, dport, data))),
        (4, (frame.TCP, frame.tcp(src, dst, sport, dport, 1, 1, dice.pick([SYN, ACK]), data))),
        (1, (dice.pick([0, 2, 4, 41, 47, 50, 51, 132, 255]), dice.bytes(dice.below(60))))])
    world.sender.send(src, dst, proto, l4, dice.weighed(TAGS))

# SPDX-License-Identifier: BSD-3-Clause
"""Conversations: each method that is a script yields the time its packets take."""
from wire import frame
from wire.frame import ACK, FIN, PSH, RST, SYN

from .site import UNPROVEN, Pin
from .world import MS

MSS = 1460


class Udp:
    """A client's UDP flow through a VIP."""

    def __init__(self, world, service, client, cport, vport=None, rtt=20, tags=()):
        self.world, self.client, self.cport = world, client, cport
        self.service = world.site.services[service]
        self.vip = self.service.vip(frame.is_v6(client))
        self.vport = vport or self.service.low
        self.pin = Pin(world.site, self.service, client, cport, self.vport)
        self.rtt, self.tags = rtt * MS, tags

    def edge_address(self):
        return self.pin.edge.address(self.service, frame.is_v6(self.client))

    def ask(self, payload):
        """From the client, at once."""
        self.pin.client_packet(self.world.second)
        data = frame.udp(self.client, self.vip, self.cport, self.vport, payload)
        self.world.send(self.client, self.vip, frame.UDP, data, tags=self.tags)

    def answer(self, payload, life=None):
        """From the edge that has the flow, at once."""
        source = self.edge_address()
        self.pin.edge_packet(self.world.second, life)
        data = frame.udp(source, self.client, self.vport, self.cport, payload)
        self.world.send(source, self.client, frame.UDP, data, tags=self.tags)

    def owned_by(self, edge):
        """The VIP's port is that edge's, by what it said in SDP or a TURN answer."""
        self.pin.edge, self.pin.expires = edge, self.world.second + UNPROVEN
        return self

    def exchange(self, payload, answer, life=None):
        self.ask(payload)
        yield self.rtt
        self.answer(answer, life)
        yield self.rtt


class Tcp:
    """A TCP connection. `a` opens it, `b` accepts it. `loss`: per mille of segments sent twice."""

    def __init__(self, world, rtt=20, tags=(), loss=0):
        self.world, self.rtt, self.tags, self.loss = world, rtt * MS, tags, loss
        self.seq = {"a": world.prng.below(1 << 32), "b": world.prng.below(1 << 32)}
        self.window = {"a": 1026, "b": 8212}  # times 256, the scale that both SYNs offer

    def wire(self, side):
        """Source and destination, ports included, of what `side` sends."""
        raise NotImplementedError

    def seen(self, side, flags):
        """What the gateway makes of it."""

    def emit(self, side, flags, payload=b""):
        self.seen(side, flags)
        src, dst, sport, dport = self.wire(side)
        other = "b" if side == "a" else "a"
        ack = self.seq[other] if flags & ACK else 0
        data = frame.tcp(src, dst, sport, dport, self.seq[side], ack, flags, payload,
                         64240 if flags & SYN else self.window[side])
        self.world.send(src, dst, frame.TCP, data, tags=self.tags)

    def advance(self, side, count):
        self.seq[side] = self.seq[side] + count & 0xFFFFFFFF

    def open(self):
        self.emit("a", SYN)
        yield self.rtt
        yield from self.accept()

    def accept(self):
        self.advance("a", 1)
        self.emit("b", SYN | ACK)
        yield self.rtt
        self.advance("b", 1)
        self.emit("a", ACK)
        yield MS

    def say(self, side, data, size=MSS, ack=True):
        """Segments of `side`; now and then one is sent twice. `ack`: the burst is acknowledged
        by itself, not by the answer."""
        other = "b" if side == "a" else "a"
        for at in range(0, len(data), size):
            part = data[at:at + size]
            flags = ACK | (PSH if at + size >= len(data) else 0)
            self.emit(side, flags, part)
            if self.loss and self.world.prng.chance(self.loss):
                yield 200 * MS + self.rtt
                self.emit(side, flags, part)
            self.advance(side, len(part))
            yield MS
        yield self.rtt
        if ack:
            self.emit(other, ACK)
            yield MS

    def close(self, first="a"):
        second = "b" if first == "a" else "a"
        self.emit(first, FIN | ACK)
        self.advance(first, 1)
        yield self.rtt
        self.emit(second, FIN | ACK)
        self.advance(second, 1)
        yield self.rtt
        self.emit(first, ACK)
        yield MS

    def reset(self, side="a"):
        self.emit(side, RST | ACK)
        yield MS


class Inbound(Tcp):
    """From a client to a VIP."""

    def __init__(self, world, service, client, cport, **kw):
        super().__init__(world, **kw)
        self.client, self.cport = client, cport
        self.service = world.site.services[service]
        self.v6 = frame.is_v6(client)
        self.vip, self.vport = self.service.vip(self.v6), self.service.low
        self.pin = Pin(world.site, self.service, client, cport, self.vport)

    def wire(self, side):
        if side == "a":
            return self.client, self.vip, self.cport, self.vport
        return self.pin.edge.address(self.service, self.v6), self.client, self.vport, self.cport

    def seen(self, side, flags):
        now = self.world.second
        if flags & RST:
            self.pin.close(now)
        elif flags & FIN:
            self.pin.fin(now, side)
        if side == "a":
            self.pin.client_packet(now, syn=bool(flags & SYN))
        elif self.pin.proven or not flags & RST:
            self.pin.edge_packet(now)

    def knock(self, deaf, waits=(1000, 2000, 4000, 8000)):
        """Opens; SYNs that `deaf` edges get are not answered, and come again. False: gave up."""
        for wait in (0, *waits):
            yield wait * MS
            self.emit("a", SYN)
            if self.pin.edge is not None and self.pin.edge.name not in deaf():
                yield self.rtt
                yield from self.accept()
                return True
        return False


class Direct(Tcp):
    """Between two addresses as they are: what an edge opens, or a peer that dials an edge."""

    def __init__(self, world, src, dst, sport, dport, **kw):
        super().__init__(world, **kw)
        self.ends = (src, dst, sport, dport)

    def wire(self, side):
        src, dst, sport, dport = self.ends
        return self.ends if side == "a" else (dst, src, dport, sport)

# SPDX-License-Identifier: BSD-3-Clause
"""Direct server return: clients' packets only, for edges that answer past the gateway."""
from wire import frame, tls
from wire.capture import NANO
from wire.frame import DOT1AD, DOT1Q

from . import session
from .talk import Inbound
from .world import MS, World

PLAN = "pcaps/plans/dsr.yaml"
TAGS = [(), ((DOT1Q, 30),), ((DOT1AD, 40), (DOT1Q, 30))]
IPIP, IPV6IN = 4, 41


class Unseen(Inbound):
    """A connection of which the gateway sees the client's half."""

    def emit(self, side, flags, payload=b""):
        if side == "a":
            super().emit(side, flags, payload)

    def seen(self, side, flags):
        if self.pin.edge is None:
            self.pin.client_packet(self.world.second, syn=True)


def tunnelled(connection, mtu):
    """What a router on the way to an ipip edge says about a packet that is too large for it."""
    world, edge, v6 = connection.world, connection.pin.edge, connection.v6
    outer = edge.addresses["access"][0]
    outer6 = frame.is_v6(outer)
    router, gateway = (("2001:db8:ffff::7", "2001:db8:113::2") if outer6
                       else ("198.18.0.7", "203.0.113.2"))
    inner = frame.ip(connection.client, connection.vip, frame.TCP, frame.tcp(
        connection.client, connection.vip, connection.cport, 443, connection.seq["a"],
        connection.seq["b"], frame.ACK, bytes(1200)))
    whole = frame.ip(gateway, outer, IPV6IN if v6 else IPIP, inner)
    kind = (2, 0, mtu) if outer6 else (3, 4, mtu)
    proto = frame.ICMP6 if outer6 else frame.ICMP
    world.send(router, gateway, proto, frame.icmp(router, gateway, *kind, whole[:500]))
    yield MS


def visitor(world, client, cport, tags):
    connection = Unseen(world, "access", client, cport, tags=tags)
    yield from connection.open()
    yield from session.handshake(connection, "sip.contoso.com")
    if connection.pin.edge.pool == "new":
        yield from tunnelled(connection, 1300)
    for size in (300, 700, 2600):  # full segments do not fit into a tunnel
        yield from connection.say("a", tls.data(world.prng, size))
        yield 2 * NANO
    yield from connection.close("b" if cport % 3 else "a")


def datagrams(world, client, cport):
    """Sizes around what fits with 20 and 40 bytes more in front, and hop limits that run out."""
    vip = world.site.services["relay"].vip(frame.is_v6(client))
    header = 48 if frame.is_v6(client) else 28
    for total in (200, 1440, 1459, 1460, 1461, 1479, 1480, 1481, 1500):
        data = frame.udp(client, vip, cport, 4500, world.prng.bytes(total - header))
        world.send(client, vip, frame.UDP, data)
        yield 50 * MS
    for ttl in (3, 2, 1):
        data = frame.udp(client, vip, cport, 4500, b"almost there")
        world.send(client, vip, frame.UDP, data, ttl=ttl)
        yield 50 * MS


def dsr():
    world = World("dsr", PLAN, "half")
    for n in range(24):
        client = f"2001:db8:44:{n:x}::1" if n % 2 else f"192.0.2.{n + 10}"
        world.spawn(n * 200 * MS, visitor(world, client, 50000 + n, TAGS[n % 6 // 2]))
        world.spawn(n * 200 * MS + 90 * MS, datagrams(world, client, 51000 + n))
    return world.run()


SCENES = {"dsr": dsr}

# SPDX-License-Identifier: BSD-3-Clause
"""ICMP errors about flows, in both directions and about tunnels; about nothing; and pings."""

from wire import frame

from . import edges, flow, payloads

ERRORS = {4: (3, 3, 11, 12, 4, 5), 6: (1, 2, 2, 3, 4)}
ROUTER = {4: "192.0.2.254", 6: "2001:db8:fe::1"}
IPIP = {(4, 4): 4, (6, 4): 4, (6, 6): 41, (4, 6): 41}  # (outer, inner): protocol


def l4_of(f, src, dst, sport, dport):
    if f.service.protocol == "tcp":
        return frame.TCP, frame.tcp(src, dst, sport, dport, 1, 1, frame.ACK, b"embedded")
    return frame.UDP, frame.udp(src, dst, sport, dport, b"embedded")


def quoted(world, src, dst, proto, l4):
    """A packet as an error quotes it: cut, with options or extension headers, as a fragment."""
    dice, how = world.dice, world.dice.below(20)
    if frame.is_v6(src):
        if how == 0:
            l4, proto = frame.ip6_extension(proto, b"\0" * 4) + l4, 60
        elif how <= 2:
            l4 = frame.ip6_fragment(proto, dice.pick([0, 0, 8]), dice.often(50), 7) + l4
            proto = frame.FRAGMENT
        packet = frame.ip6(src, dst, proto, l4)
    else:
        packet = frame.ip4(src, dst, proto, l4, options=b"\1" * 8 if how == 0 else b"",
                           offset=dice.pick([0, 8]) if how == 1 else 0)
    return packet[:dice.weighed([(12, len(packet)), (4, 28), (2, 48), (1, 20), (1, 24),
                                 (1, dice.below(len(packet)))])]


def send(world, src, dst, about, tags=()):
    family = 6 if frame.is_v6(dst) else 4
    kind = world.dice.pick(ERRORS[family])
    rest = 1400 if world.dice.often(50) else 0
    data = frame.icmp(src, dst, kind, world.dice.below(5), rest, about)
    world.sender.send(src, dst, frame.ICMP6 if family == 6 else frame.ICMP, data, tags)


def to_vip(world, f):
    """Of a client, or on the way to it, about what an edge answered."""
    proto, l4 = l4_of(f, f.vip, f.client, f.vport, f.cport)
    src = f.client if world.dice.often(50) else ROUTER[f.family]
    send(world, src, f.vip, quoted(world, f.vip, f.client, proto, l4), f.tags)


def to_client(world, f):
    """Of an edge, or on the way to it, about what a client sent."""
    address = f.edge_address(f.answering())
    if address is None:
        return
    proto, l4 = l4_of(f, f.client, address, f.cport, f.vport)
    src = world.dice.pick([address, address, ROUTER[f.family]])
    send(world, src, f.client, quoted(world, f.client, address, proto, l4), f.tags)


def to_gateway(world, f):
    """On the way to an edge, about a tunnel."""
    dice = world.dice
    found = f.answering().address(f.service, f.family)
    gateways = [str(g) for g in world.plan.gateways if found and g.version == found.version]
    if not gateways:
        return
    proto, l4 = l4_of(f, f.client, f.vip, f.cport, f.vport)
    inner = frame.ip(f.client, f.vip, proto, l4)
    src, edge = dice.pick(gateways), str(found)
    outer = quoted(world, src, edge, IPIP[found.version, f.family], inner)
    send(world, ROUTER[found.version], src, outer, f.tags)


def nothing(world, f):
    """About a flow that nobody has, or to an edge's own address."""
    dice = world.dice
    other = f.again()
    other.cport, other.edge = 4444, None
    world.flows.pop()
    if dice.often(50):
        to_vip(world, other)
        return
    own = edges.addresses(world, f.family)
    proto, l4 = l4_of(f, f.vip, f.client, f.vport, f.cport)
    if own:
        send(world, ROUTER[f.family], dice.pick(own), quoted(world, f.vip, f.client, proto, l4))


def script(world, _services=None):
    dice = world.dice
    for _ in range(dice.between(1, 4)):
        if not world.flows:
            return
        how = dice.weighed([(5, to_vip), (5, to_client), (4, to_gateway), (2, nothing)])
        how(world, dice.pick(world.flows))
        yield flow.soon(dice)


def pings(world, _services=None):
    """Echo requests and neighbour discovery to everybody."""
    dice = world.dice
    for _ in range(dice.between(1, 3)):
        family = dice.pick([4, 6])
        targets = [str(a) for a in (*world.plan.gateways, *sorted(world.plan.vips, key=str))
                   if a.version == family] + edges.addresses(world, family)
        targets.append(flow.client(dice, family))
        src = flow.client(dice, family)
        kind = dice.pick([8, 0, 13]) if family == 4 else dice.pick([128, 129, 133, 135])
        dst = dice.pick(targets)
        data = frame.icmp(src, dst, kind, 0, 1, payloads.some(dice, None)[:900])
        world.sender.send(src, dst, frame.ICMP6 if family == 6 else frame.ICMP, data)
        yield flow.soon(dice)

# SPDX-License-Identifier: BSD-3-Clause
"""What is not ours, what is malformed, and what happens beside the packets."""

import functools

from scenes import broken
from wire import frame
from wire.frame import DOT1Q, ROUTER_MAC
from wire.prng import Prng

from . import edges, flow, payloads
from .packets import TAGS


@functools.lru_cache(maxsize=None)
def malformed_frames():
    """All of the capture malformed.pcap. They go to the first VIP and edge that plans have."""
    prng, made = Prng("agree malformed"), []
    for maker in (broken.headers4, broken.headers6, broken.tcp_options, broken.ip_options,
                  broken.addresses):
        made.append([broken.framed(p) for p in maker()])
    for family in (4, 6):
        for maker in (broken.transport, broken.fragment_tricks):
            made.append([broken.framed(p) for p in maker(family)])
        made.append([broken.framed(p) for p in broken.garbage(prng, family)])
        made.append(list(broken.cut_frames(family)))
    made.append(list(broken.vlan_stacks()))
    return made


def malformed(world, _services=None):
    dice = world.dice
    for _ in range(dice.between(1, 5)):
        world.emit(dice.pick(dice.pick(malformed_frames())))
        yield flow.soon(dice)


def not_ip(dice):
    kind = dice.pick([0x0806, 0x88CC, 0x8847, 0x0026, 0x0800, 0x86DD])
    tags = dice.pick([(), ((DOT1Q, 1),) * 3, ((DOT1Q, 5),)])
    body = dice.bytes(dice.between(0, 60))
    return frame.ethernet(body, ROUTER_MAC, tags=tags, ethertype=kind, pad=dice.often(50))


def foreign(world, _services=None):
    """Not IP, to a gateway, between strangers, to a VIP where no service is."""
    dice = world.dice
    for _ in range(dice.between(1, 3)):
        if dice.often(25):
            world.emit(not_ip(dice))
        else:
            stranger(world)
        yield flow.soon(dice)


def stranger(world):
    dice, family = world.dice, world.dice.pick([4, 6])
    src = flow.client(dice, family)
    vips = sorted(str(v) for v in world.plan.vips if v.version == family)
    gateways = [str(g) for g in world.plan.gateways if g.version == family]
    nobody = "192.0.2.200" if family == 4 else "2001:db8:66::200"
    edges.between(world, src, dice.pick(dice.pick([vips, gateways, [nobody]]) or [nobody]))


def small(world, services):
    """A last hop count, and more bytes than fit, on a flow of ours and back."""
    dice, f = world.dice, flow.new(world, services)
    for _ in range(dice.between(1, 3)):
        ttl = dice.pick([1, 1, 64])
        size = dice.pick([0, 500, world.mtu - 40, world.mtu - 28, world.mtu - 8, world.mtu + 20])
        data = payloads.some(dice, f.service) + bytes(size)
        if f.service.protocol == "tcp":
            l4 = f.tcp("c", f.client, f.vip, f.cport, f.vport, dice.pick([2, 16]), data)
        else:
            l4 = frame.udp(f.client, f.vip, f.cport, f.vport, data)
        world.sender.whole(f.client, f.vip, f.proto, l4, dice.weighed(TAGS), ttl)
        yield flow.soon(dice)
        f.edge = f.edge or dice.pick(f.service.edges())
        if f.service.protocol == "tcp":
            f.e_tcp(frame.ACK, data)
        else:
            f.e_udp(data)
        yield flow.soon(dice)


def churn(world, _services=None):
    """Stages and edges: forwards, back, and now and then all at once."""
    dice, plan = world.dice, world.plan
    for _ in range(dice.between(1, 3)):
        if dice.often(45):
            world.event(dice.pick(plan.stages).name)
        else:
            edge = dice.pick(plan.edges)
            verb = dice.weighed([(4, "down"), (3, "up"), (3, "drain"), (2, "retire"),
                                  (3, "reset")])
            if edge.state == "retired":
                verb = dice.weighed([(4, "readmit"), (1, "up")])
            elif edge.state != "up" and dice.often(50):
                verb = "up"
            world.event(f"{verb}:{edge.name}")
        if dice.often(75):
            yield flow.wait(dice)

# SPDX-License-Identifier: BSD-3-Clause
"""UDP flows of every kind of service, and media to ports that edges have named."""

from . import flow, payloads


def script(world, services):
    dice, f = world.dice, flow.new(world, services)
    f.c_udp(payloads.some(dice, f.service))
    for _ in range(dice.between(1, 12)):
        yield flow.wait(dice, f.service)
        if dice.often(50):
            f.c_udp(payloads.some(dice, f.service))
        else:
            f.e_udp(payloads.some(dice, f.service))


def media(world, vip, port):
    """Somebody talks to a port of a VIP that an edge may have claimed."""
    dice = world.dice
    service = next((s for s in world.plan.services if s.protocol == "udp"
                    and s.low <= port <= s.high and vip in map(str, s.vips)), None)
    if service is None:
        return
    f = flow.Flow(world, service, vip=vip, vport=port)
    for _ in range(dice.between(1, 5)):
        f.c_udp(payloads.some(dice, f.service))
        yield flow.wait(dice)
        if dice.often(60):
            f.e_udp(payloads.some(dice, f.service))
            yield flow.wait(dice)

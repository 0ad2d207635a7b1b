# SPDX-License-Identifier: BSD-3-Clause
"""Affinity: a client comes back to its group of services about when what it has there ends."""

from wire.frame import ACK, SYN

from . import flow, payloads

NANO = 10**9
RENEWALS = (1, 14, 15, 16, 17, 18, 33)  # seconds between packets that may renew an affinity
LATE = (-18, -17, -16, -15, -8, -2, -1, 0, 1)  # seconds beside the end of the flow's life


def services_of(world):
    """Those in a group whose flows have pins."""
    return [s for s in world.plan.services if s.group and not s.sip_udp()]


def open_flow(f, dice):
    if f.service.protocol == "tcp":
        f.c_tcp(SYN)
        f.e_tcp(SYN | ACK, edge=f.edge)
    else:
        f.c_udp(payloads.some(dice, f.service))
        f.e_udp(payloads.some(dice, f.service), edge=f.edge)


def talk(f, dice):
    if f.service.protocol == "tcp":
        f.c_tcp(ACK, payloads.some(dice, f.service))
    else:
        f.c_udp(payloads.some(dice, f.service))


def script(world, services):
    """Opens a flow, talks, lets a stage pass, and begins another one in the group."""
    dice = world.dice
    f = flow.new(world, services)
    open_flow(f, dice)
    for _ in range(dice.below(3)):
        yield dice.pick(RENEWALS) * NANO
        talk(f, dice)
    if dice.often(70):
        world.event(dice.pick(world.plan.stages).name)
    yield max(0, f.service.idle + dice.pick(LATE)) * NANO
    company = [s for s in services if s.group == f.service.group
               and any(v.version == f.family for v in s.vips)]
    service = dice.pick(company)
    other = flow.Flow(world, service, f.client, vip=str(service.vip(f.family)))
    open_flow(other, dice)
    yield dice.pick(RENEWALS) * NANO
    talk(other, dice)

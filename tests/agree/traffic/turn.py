# SPDX-License-Identifier: BSD-3-Clause
"""TURN and MS-TURN: allocations, what the edge says of relayed ports, and who talks to those."""

from wire import stun

from . import flow, payloads, udp

NANO = 10**9
LIFETIMES = (600, 600, 0, 1, 20, 65475, 65535, 0xFFFFFFFF)


def relayed_places(world, family):
    """(VIP, service) of this family where media may be relayed to."""
    return [(str(v), s) for s in world.plan.services for v in s.vips
            if s.kind in ("media", "turn") and s.protocol == "udp" and v.version == family]


class Allocation:
    def __init__(self, world, relay):
        self.world, self.dice, self.flow = world, world.dice, relay
        self.microsoft = self.dice.often(35)
        self.tid = self.dice.bytes(16 if self.microsoft else 12)
        self.place = self.choose_place()

    def choose_place(self):
        """(address, port): mostly in a service's range at a VIP, few, so that edges quarrel."""
        places = relayed_places(self.world, self.flow.family)
        if not places or self.dice.often(10):
            return self.dice.pick(["192.0.2.1", self.flow.vip]), self.dice.pick([1, 49153, 60000])
        vip, service = self.dice.pick(places)
        return vip, self.dice.between(service.low, min(service.high, service.low + 3))

    def message(self, kind, attributes=b""):
        if self.microsoft:
            made = stun.ms_message(kind, self.tid, attributes, cookie=self.dice.often(95))
            wrap = self.dice.often(20)
            return stun.ms_multiplex(b"sessions", made) if wrap else made
        return stun.message(kind, self.tid, attributes, fingerprint=self.dice.often(30))

    def lifetime(self):
        if self.dice.often(20):
            return b""
        if self.dice.often(4):
            return stun.attribute(stun.LIFETIME, self.dice.bytes(self.dice.below(9)))
        return stun.lifetime(self.dice.pick(LIFETIMES))

    def relayed(self):
        """Where the relay is: in MS-TURN, IPv4 only, the mapped address."""
        address, port = self.place
        if ":" not in address and (self.microsoft or self.dice.often(10)):
            return stun.address(stun.MAPPED, address, port)
        return stun.xor_address(stun.XOR_RELAYED, address, port, self.tid[:12])

    def success(self):
        """Attributes in any order; more than sixteen now and then, or one of them twice."""
        parts = [self.relayed(), self.lifetime(), stun.attribute(stun.SOFTWARE, b"edge 7"),
                 stun.xor_address(stun.XOR_MAPPED, self.flow.client, 4000, self.tid[:12])]
        if self.dice.often(8):
            parts += [stun.attribute(stun.NONCE, b"abcd")] * 15
        for at in range(len(parts)):
            other = self.dice.below(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        return self.message(stun.ALLOCATE | stun.SUCCESS, b"".join(parts))

    def step(self, what):
        f, dice = self.flow, self.dice
        if what == "allocate":
            f.c_udp(self.message(stun.ALLOCATE))
        elif what == "refused":
            f.e_udp(self.message(stun.ALLOCATE | stun.ERROR, stun.error(401, "Unauthorized")))
        elif what == "allocated":
            f.e_udp(self.success())
        elif what == "refresh":
            f.c_udp(self.message(stun.REFRESH, self.lifetime()))
        elif what == "refreshed":
            f.e_udp(self.message(stun.REFRESH | stun.SUCCESS, self.lifetime()))
        elif what == "peer":
            self.world.spawn(udp.media(self.world, *self.place), dice.pick([0, NANO]))
        elif what == "talk":
            f.c_udp(payloads.some(dice, f.service))
        else:
            f.e_udp(payloads.some(dice, f.service))


STEPS = ((3, "allocate"), (1, "refused"), (4, "allocated"), (2, "refresh"), (2, "refreshed"),
         (4, "peer"), (3, "talk"), (2, "answer"))


def script(world, services):
    dice = world.dice
    a = Allocation(world, flow.new(world, services))
    if dice.often(75):
        for what in ("allocate", "refused", "allocate", "allocated", "peer"):
            a.step(what)
            yield flow.soon(dice)
    for _ in range(dice.between(1, 8)):
        a.step(dice.weighed(STEPS))
        yield flow.wait(dice, a.flow.service)

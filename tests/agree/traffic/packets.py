# SPDX-License-Identifier: BSD-3-Clause
"""How a packet becomes frames: headers, tags, fragments, padding, and faults."""

import mangle
from wire import frame
from wire.frame import DOT1AD, DOT1Q, QINQ_OLD

NANO = 10**9
TAGS = ((12, ()), (3, ((DOT1Q, 10),)), (1, ((DOT1Q, 0xE00A),)), (1, ((DOT1AD, 20),)),
        (2, ((DOT1AD, 20), (DOT1Q, 30))), (1, ((QINQ_OLD, 1), (QINQ_OLD, 2))),
        (1, ((DOT1Q, 1), (DOT1AD, 2))))
OPTIONS = (b"\1\1\1\0", b"\x07\x07\x04\0\0\0\0\0", b"\x94\4\0\0", b"\x82\1\0\0", b"\1" * 40)
EXTENSIONS = (0, 43, 60, 135)
IDENTS = 6  # few, so that fragments of several packets have the same
FRAGMENT_AGES = (0, NANO // 1000, NANO, 29 * NANO, 30 * NANO, 31 * NANO)


class Sender:
    def __init__(self, world):
        self.world, self.dice = world, world.dice
        self.odd = self.dice.pick([0, 2, 5, 12])  # packets of a hundred that are not plain
        self.ident = 0

    def send(self, src, dst, proto, l4, tags=(), ttl=None):
        """The verdict on it, of a packet in fragments that on the first one that is sent."""
        dice = self.dice
        if dice.often(1):
            ttl = 1
        if (len(l4) > 1480 and dice.often(60)) or dice.often(self.odd):
            if len(l4) > 8:
                return self.in_fragments(src, dst, proto, l4, tags)
        return self.whole(src, dst, proto, l4, tags, ttl)

    def whole(self, src, dst, proto, l4, tags, ttl=None):
        dice, options = self.dice, b""
        self.ident = self.ident % 0xFFFF + 1
        if dice.often(self.odd):
            if frame.is_v6(src):
                proto, l4 = self.extended(proto, l4)
            else:
                options = dice.pick(OPTIONS)
        if frame.is_v6(src):
            packet = frame.ip6(src, dst, proto, l4, ttl=ttl, flow=dice.below(1 << 20))
        else:
            packet = frame.ip4(src, dst, proto, l4, ttl=ttl, ident=self.ident, options=options,
                               tos=dice.below(256), df=dice.often(70))
        return self.packet(packet, src, tags)

    def extended(self, proto, l4):
        """Up to nine extension headers, of which the ninth is one too many; some lie."""
        dice = self.dice
        for _ in range(dice.weighed([(6, 1), (3, 2), (1, 8), (1, 9)])):
            l4 = frame.ip6_extension(proto, dice.bytes(dice.below(20))) + l4
            proto = dice.pick(EXTENSIONS)
        if dice.often(8):
            l4 = l4[:1] + dice.bytes(1) + l4[2:]
        return proto, l4

    def packet(self, packet, src, tags):
        """An IP packet as it is, in a frame; padded as a card does, or as a broken one."""
        dice = self.dice
        if dice.often(self.odd // 2):
            packet = mangle.packet_of(dice, packet)
        data = frame.ethernet(packet, frame.mac_of(src), tags=tags, pad=dice.often(60),
                              ethertype=0x86DD if frame.is_v6(src) else 0x0800)
        if dice.often(3):
            data += dice.bytes(dice.between(1, 30))
        return self.world.emit(data)

    def in_fragments(self, src, dst, proto, l4, tags):
        dice = self.dice
        a_quarter = len(l4) // 4 + 7 & ~7
        size = max(a_quarter, dice.pick([8, 16, 24, 64, 552, 1232, 1480]))
        frames = frame.fragments(src, dst, proto, l4, size, dice.below(IDENTS), tags)
        frames = self.disorder(frames)
        found = self.world.emit(frames[0])
        if dice.often(35):
            self.world.spawn(self.later(frames[1:]), dice.pick(FRAGMENT_AGES))
        else:
            for data in frames[1:]:
                self.world.emit(data)
        return found

    def later(self, frames):
        for data in frames:
            self.world.emit(data)
            yield self.dice.below(NANO // 1000)

    def disorder(self, frames):
        dice, how = self.dice, self.dice.below(10)
        if how == 0:
            return frames[::-1]
        if how == 1:
            return frames[1:] or frames
        if how == 2:
            return [f for f in frames for _ in range(1 + dice.often(50))]
        if how == 3:
            return frames[:1]
        return frames

# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong with a frame on its way: each kind of section 9 of docs/state.md, and noise."""

import struct

from scenes.broken import fixed, put
from wire.frame import TCP, UDP

BOTTOM, TOP = 14, 3400  # bytes of a frame: what a test run of a BPF program takes


def clamp(frame):
    return frame[:TOP].ljust(BOTTOM, b"\0")


def flip(dice, data, within):
    at = dice.below(min(within, len(data)))
    return put(data, at, bytes([data[at] ^ 1 << dice.below(8)]))


def l4_offset(packet):
    return (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40


def l4_proto(packet):
    return packet[9] if packet[0] >> 4 == 4 else packet[6]


def header(dice, packet):
    """One field of the IP header is wrong. The IPv4 checksum is right again, mostly."""
    if packet[0] >> 4 == 4:
        length = len(packet)
        at, value = dice.pick([
            (0, bytes([0x40 | dice.below(16)])), (2, struct.pack("!H", dice.below(60))),
            (2, struct.pack("!H", length + dice.between(1, 99))), (2, b"\xff\xff"),
            (2, struct.pack("!H", max(0, length - dice.between(1, 30)))),
            (6, dice.bytes(2)), (8, bytes([dice.below(3)])), (9, dice.bytes(1))])
        packet = put(packet, at, value)
        return fixed(packet) if dice.often(90) else flip(dice, packet, 20)
    at, value = dice.pick([
        (4, struct.pack("!H", dice.below(60))), (4, b"\xff\xff"), (4, b"\0\0"),
        (4, struct.pack("!H", len(packet) - 40 + dice.between(1, 99))), (6, dice.bytes(1)),
        (6, bytes([dice.pick([0, 43, 44, 50, 51, 59, 60, 135])])), (7, bytes([dice.below(3)])),
        (8, bytes(10) + b"\xff\xff")])
    return put(packet, at, value)


def transport(dice, packet):
    """One field behind the IP header is wrong."""
    at, proto = l4_offset(packet), l4_proto(packet)
    if proto == UDP and len(packet) >= at + 8:
        return put(packet, at + 4, struct.pack("!H", dice.pick([0, 7, 8, 9, len(packet), 65535])))
    if proto == TCP and len(packet) >= at + 20:
        if dice.often(50):
            return put(packet, at + 12, bytes([dice.below(16) << 4]))
        return put(packet, at + 13, bytes([dice.below(64)]))
    return shorter(dice, packet)


def shorter(dice, packet):
    """The packet ends in its TCP, UDP or ICMP header, and its IP header says so."""
    at = l4_offset(packet)
    packet = packet[:at + dice.below(20)]
    if packet[0] >> 4 == 4:
        return fixed(put(packet, 2, struct.pack("!H", len(packet))))
    return put(packet, 4, struct.pack("!H", len(packet) - 40))


def packet_of(dice, packet):
    """An IP packet with a fault in it."""
    how = dice.weighed([(4, header), (4, transport), (2, shorter)])
    return how(dice, packet)


def frame_of(dice, frame):
    """A frame with a fault in it that does not know what it hits."""
    how = dice.below(10)
    if how < 5:
        return flip(dice, frame, 70)
    if how < 6:
        return flip(dice, frame, len(frame))
    if how < 8:
        return frame[:dice.between(BOTTOM, max(BOTTOM, len(frame)))]
    if how < 9:
        return frame + dice.bytes(dice.between(1, 40))
    return put(frame, 12, dice.pick([b"\x08\x06", b"\x81\0", b"\x86\xdd", b"\x08\0", b"\x88\xa8"]))

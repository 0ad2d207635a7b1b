# SPDX-License-Identifier: BSD-3-Clause
"""Packets that are wrong: every reason of docs/state.md, section 9, in IPv4 and IPv6."""
import struct

from wire import frame
from wire.frame import DOT1AD, DOT1Q, QINQ_OLD, TCP, UDP, ethernet, ip4, ip6, mac_of

from .world import MS, World

ENDS = {4: ("192.0.2.66", "203.0.113.102", "203.0.113.30"),
        6: ("2001:db8:66::66", "2001:db8:113::102", "2001:db8:113::30")}
L4 = {TCP: lambda s, d: frame.tcp(s, d, 40000, 443, 1, 0, frame.SYN),
      UDP: lambda s, d: frame.udp(s, d, 40000, 3478, b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12))}


def put(packet, at, data):
    return packet[:at] + data + packet[at + len(data):]


def fixed(packet):
    """The IPv4 header's checksum, made right again (over 20 bytes or what there is)."""
    size = max(20, min((packet[0] & 15) * 4, len(packet)))
    value = frame.checksum(put(packet[:size], 10, b"\0\0"))
    return put(packet, 10, struct.pack("!H", value))


def made(family, proto=TCP, to=1, sender=0):
    ends = ENDS[family]
    src, dst = ends[sender], ends[to]
    return frame.ip(src, dst, proto, L4[proto](src, dst))


def headers4():
    """ip-header, ip-truncated, ip-checksum."""
    good = made(4)
    for words in range(5):
        yield fixed(put(good, 0, bytes([0x40 | words])))
    for total in (0, 19, 20, 27, 39):
        yield fixed(put(good, 2, struct.pack("!H", total)))
    yield fixed(put(good, 2, struct.pack("!H", 1500)))
    yield fixed(put(good, 2, b"\xff\xff"))
    yield fixed(put(good, 0, b"\x4f"))
    for wrong in (b"\0\0", b"\xff\xff", b"\x12\x34"):
        yield put(good, 10, wrong)
    yield put(good, 8, b"\x07")
    for at in range(20):
        yield put(good, at, bytes([good[at] ^ 0x10]))
    yield fixed(put(good, 6, b"\x80\0"))  # the reserved bit


def headers6():
    """Extension headers: too many, not whole, beyond the payload; payload lengths."""
    src, dst, _ = ENDS[6]
    l4 = L4[UDP](src, dst)
    for count in (1, 7, 8, 9, 12):
        chain = b"".join(frame.ip6_extension(60 if n < count - 1 else UDP) for n in range(count))
        yield ip6(src, dst, 60, chain + l4)
    for kind in (0, 43, 60, 135):
        yield ip6(src, dst, kind, frame.ip6_extension(UDP, b"\1\4\0\0\0\0") + l4)
        yield ip6(src, dst, kind, bytes([UDP, 200]) + bytes(6) + l4)
        yield ip6(src, dst, kind, bytes([UDP]))
        yield ip6(src, dst, kind, b"")
    for kind in (50, 51, 59, 253):
        yield ip6(src, dst, kind, bytes(24))
    yield ip6(src, dst, 44, b"\x11\0\0")
    good = made(6, UDP)
    for length in (0, 1, 7, len(good) - 41, len(good) - 39, 0xFFFF):
        yield put(good, 4, struct.pack("!H", length))
    yield put(ip6(src, dst, 0, frame.ip6_extension(UDP, b"\xc2\4\0\1\0\0") + l4), 4, b"\0\0")


def transport(family):
    """l4-truncated and l4-header."""
    src, dst, _ = ENDS[family]
    for proto, full in ((TCP, 20), (UDP, 8)):
        l4 = L4[proto](src, dst)
        for size in range(full + 1):
            yield frame.ip(src, dst, proto, l4[:size])
    icmp = frame.icmp(src, dst, 128 if family == 6 else 8, 0, 1, b"")
    for size in range(9):
        yield frame.ip(src, dst, frame.ICMP6 if family == 6 else frame.ICMP, icmp[:size])
    tcp, udp = L4[TCP](src, dst), L4[UDP](src, dst)
    for words in range(16):
        yield frame.ip(src, dst, TCP, put(tcp, 12, bytes([words << 4])))
    for flags in range(64):
        yield frame.ip(src, dst, TCP, put(tcp, 13, bytes([flags])))
    for length in (0, 7, 8, len(udp) - 1, len(udp) + 1, 0xFFFF):
        yield frame.ip(src, dst, UDP, put(udp, 4, struct.pack("!H", length)))
    for sport, dport in ((0, 3478), (40000, 0), (0, 0)):
        yield frame.ip(src, dst, UDP, frame.udp(src, dst, sport, dport, b"ports"))
    yield frame.ip(src, dst, UDP, put(udp, 6, b"\xde\xad"))
    yield frame.ip(src, dst, TCP, put(tcp, 16, b"\xde\xad"))


def tcp_options():
    """Options that lie about themselves: none of our business, all steered."""
    src, dst, _ = ENDS[4]
    for options in (b"\2\0\0\0", b"\2\xff\0\0", b"\xfe\1\0\0", b"\0" * 40, b"\1" * 40,
                    b"\3\3\0\2" * 10):
        yield frame.ip(src, dst, TCP, frame.tcp(src, dst, 40001, 443, 5, 0, frame.SYN,
                                                options=options))


def ip_options():
    src, dst, _ = ENDS[4]
    for options in (b"\1\1\1\0", b"\x07\x03\x04\0", b"\x44\x0c\x05\0" + bytes(8),
                    b"\x83\x07\4\1\2\3\4\0", b"\x94\4\0\0", b"\x07\0\0\0", b"\x07\xff\4\0",
                    b"\x82\1\0\0", b"\1" * 40, b"\0" * 40):
        yield ip4(src, dst, UDP, L4[UDP](src, dst), options=options)


def fragment_tricks(family):
    """Tiny first fragments, no first one, one beyond 65,535, an overlap, atomic ones."""
    src, dst, _ = ENDS[family]

    def part(proto, data, offset, more, ident):
        if family == 4:
            return ip4(src, dst, proto, data, ident=ident, df=False, offset=offset, more=more)
        return ip6(src, dst, 44, frame.ip6_fragment(proto, offset, more, ident) + data)
    udp, tcp = frame.udp(src, dst, 40002, 3478, bytes(64)), L4[TCP](src, dst)
    for n, (proto, l4, size) in enumerate(((UDP, udp, 0), (UDP, udp, 4), (TCP, tcp, 8),
                                           (TCP, tcp, 16), (UDP, udp, 8), (TCP, tcp, 24))):
        yield part(proto, l4[:size], 0, True, 500 + n)
        yield part(proto, l4[size:] or bytes(8), size // 8 * 8 or 8, False, 500 + n)
    yield part(UDP, bytes(64), 65528, False, 520)
    yield part(UDP, udp[:16], 0, True, 521)
    yield part(UDP, udp[8:32], 8, True, 521)
    yield part(UDP, bytes(24), 16, False, 521)
    yield part(UDP, udp, 0, False, 522)
    yield part(UDP, put(udp, 4, b"\0\3"), 0, True, 523)
    yield part(UDP, put(udp, 4, b"\xff\0"), 0, True, 524)


def garbage(prng, family):
    """A right IP header to a VIP, an edge or between them, and noise behind it."""
    client, vip, edge = ENDS[family]
    protocols = (TCP, UDP, frame.ICMP, frame.ICMP6, 0, 4, 41, 43, 44, 47, 50, 51, 60, 132, 135,
                 255)
    for n in range(400):
        src, dst = ((client, vip), (client, edge), (edge, client), (edge, vip), (vip, client),
                    (vip, "203.0.113.100" if family == 4 else vip))[n % 6 if n % 3 else 0]
        yield frame.ip(src, dst, protocols[n % len(protocols)], prng.bytes(prng.below(120)))


def cut_frames(family):
    """A good frame, cut after every byte, with one and two tags too."""
    src = ENDS[family][0]
    for tags in ((), ((DOT1Q, 5),), ((DOT1AD, 6), (DOT1Q, 5))):
        whole = ethernet(made(family, UDP), mac_of(src), tags=tags, pad=False)
        for size in range(1, len(whole)):
            yield whole[:size]


def vlan_stacks():
    """What may be in front of IP, and what may not."""
    for family in (4, 6):
        packet, src = made(family), mac_of(ENDS[family][0])
        stacks = [((DOT1Q, 1),), ((DOT1Q, 0),), ((DOT1Q, 4095),), ((DOT1Q, 0xE00A),),
                  ((DOT1AD, 1), (DOT1Q, 2)), ((QINQ_OLD, 1), (QINQ_OLD, 2)),
                  ((DOT1Q, 1), (DOT1AD, 2)), ((DOT1Q, 1), (DOT1Q, 2), (DOT1Q, 3)),
                  ((DOT1AD, 1), (DOT1AD, 2), (DOT1Q, 3)), ((DOT1Q, 1),) * 4,
                  ((0x9200, 1), (DOT1Q, 2)), ((0x88A8, 9),)]
        for tags in stacks:
            yield ethernet(packet, src, tags=tags)
            yield ethernet(packet, src, tags=tags, ethertype=0x0806)
        yield ethernet(packet, src, ethertype=0x86DD if family == 4 else 0x0800)
        yield ethernet(put(packet, 0, b"\0"), src, ethertype=0x0800)
        yield ethernet(put(packet, 0, b"\xf5"), src, ethertype=0x86DD)
        yield ethernet(packet, src, ethertype=len(packet))
        yield ethernet(packet, src, ethertype=0x8847)


def addresses():
    """Spoofed, hairpinned, and from where nobody can be."""
    for src, dst in (("203.0.113.102", "203.0.113.102"), ("203.0.113.30", "203.0.113.102"),
                     ("203.0.113.30", "203.0.113.31"), ("203.0.113.30", "203.0.113.30"),
                     ("0.0.0.0", "203.0.113.102"), ("255.255.255.255", "203.0.113.102"),
                     ("127.0.0.1", "203.0.113.102"), ("224.0.0.1", "203.0.113.102"),
                     ("2001:db8:113::102", "2001:db8:113::102"), ("::", "2001:db8:113::102"),
                     ("2001:db8:113::30", "2001:db8:113::102"), ("ff02::1", "2001:db8:113::102"),
                     ("::ffff:192.0.2.1", "2001:db8:113::102")):
        for proto in (TCP, UDP):
            for ttl in (64, 1):
                yield frame.ip(src, dst, proto, L4[proto](src, dst), ttl=ttl)


def scene(world):
    def frames():
        plain = (headers4, headers6, tcp_options, ip_options, addresses)
        for maker in plain:
            yield from (framed(p) for p in maker())
        for family in (4, 6):
            for maker in (transport, fragment_tricks):
                yield from (framed(p) for p in maker(family))
            yield from (framed(p) for p in garbage(world.prng, family))
            yield from cut_frames(family)
        yield from vlan_stacks()
    for data in frames():
        world.frame(data)
        yield 4 * MS


def framed(packet):
    """From the router, whatever its source address claims."""
    return ethernet(packet, frame.ROUTER_MAC)


def malformed():
    world = World("malformed", "pcaps/plans/media.yaml", "half")
    world.spawn(0, scene(world))
    return world.run()


SCENES = {"malformed": malformed}

# SPDX-License-Identifier: BSD-3-Clause
"""Frames: docs/state.md, section 3 step 1, and section 9 (malformed packets)."""

import ipaddress
from dataclasses import dataclass

VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
MAX_VLANS = 2
FAMILY = {0x0800: 4, 0x86DD: 6}
FIXED_HEADER = {4: 20, 6: 40}
FRAGMENT_HEADER = 44
EXTENSIONS = (0, 43, 60, FRAGMENT_HEADER, 135)
MAX_EXTENSIONS = 8
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
NAMES = {TCP: "tcp", UDP: "udp"}
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ERRORS = {4: (3, 4, 5, 11, 12), 6: (1, 2, 3, 4)}


class Malformed(Exception):
    """Its argument is the reason of the drop."""


@dataclass
class Fragment:
    ident: int
    protocol: int  # IPv6: None, the identification is enough (RFC 8200, 4.5)
    offset: int
    more: bool


@dataclass
class Packet:
    family: int
    src: object
    dst: object
    ip: bytes  # from the IP header to the end of the frame
    ip_len: int = 0  # what the IP header says, tunnel headers of ours not counted
    ttl: int = 0
    proto: int = 0
    fragment: Fragment = None
    l4: bytes = b""
    sport: int = None
    dport: int = None
    flags: int = 0
    payload: bytes = b""
    icmp_type: int = None

    @property
    def protocol(self):
        return NAMES.get(self.proto)

    @property
    def later_fragment(self):
        return self.fragment is not None and self.fragment.offset > 0

    @property
    def first_fragment(self):
        return self.fragment is not None and self.fragment.offset == 0

    def is_icmp_error(self):
        return self.icmp_type in ERRORS[self.family]

    def is_syn(self):
        """A segment that can begin a connection."""
        return self.proto == TCP and self.flags & (SYN | ACK | RST | FIN) == SYN


def addresses_of(frame):
    """The packet's family and addresses, or None when it is no IP packet."""
    at = 12
    ethertype = u16(frame, at)
    for _ in range(MAX_VLANS):
        if ethertype in VLAN_TYPES:
            at += 4
            ethertype = u16(frame, at)
    family = FAMILY.get(ethertype)
    ip = frame[at + 2:]
    if family is None or len(ip) < FIXED_HEADER[family] or ip[0] >> 4 != family:
        return None
    return Packet(family, *ip_addresses(ip, family), ip)


def ip_addresses(ip, family):
    if family == 4:
        return ipaddress.IPv4Address(ip[12:16]), ipaddress.IPv4Address(ip[16:20])
    return ipaddress.IPv6Address(ip[8:24]), ipaddress.IPv6Address(ip[24:40])


def u16(data, at):
    return int.from_bytes(data[at:at + 2], "big") if len(data) >= at + 2 else None


def read(packet):
    """Fills in the rest of the packet; raises Malformed."""
    if packet.family == 4:
        body = read_ipv4(packet)
    else:
        body = read_ipv6(packet)
    packet.l4 = body
    if not packet.later_fragment:
        read_l4(packet, body)


def read_ipv4(packet):
    ip = packet.ip
    header, total = (ip[0] & 15) * 4, u16(ip, 2)
    if header < 20 or total < header:
        raise Malformed("ip-header")
    if total > len(ip):
        raise Malformed("ip-truncated")
    if not checksum_holds(ip[:header]):
        raise Malformed("ip-checksum")
    packet.ip_len, packet.ttl, packet.proto = total, ip[8], ip[9]
    place = u16(ip, 6)
    if place & 0x3FFF:
        packet.fragment = Fragment(u16(ip, 4), ip[9], (place & 0x1FFF) * 8, bool(place & 0x2000))
    return ip[header:total]


def checksum_holds(header):
    total = sum(u16(header, at) for at in range(0, len(header), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def read_ipv6(packet):
    """The payload length first, then header by header."""
    ip = packet.ip
    packet.ip_len = 40 + u16(ip, 4)
    packet.ttl = ip[7]
    if ip[8:20] == bytes(10) + b"\xff\xff":
        raise Malformed("ip-header")  # would pass for an IPv4 client
    if packet.ip_len > len(ip):
        raise Malformed("ip-truncated")
    packet.proto, at, packet.fragment = walk_extensions(ip, packet.ip_len)
    return ip[at:packet.ip_len]


def walk_extensions(ip, end):
    """(protocol, offset of what follows the headers, Fragment or None)."""
    proto, at, fragment, count = ip[6], 40, None, 0
    while proto in EXTENSIONS:
        count += 1
        if count > MAX_EXTENSIONS or (proto == FRAGMENT_HEADER and fragment):
            raise Malformed("ip-header")
        size = 8
        if proto != FRAGMENT_HEADER and at + 2 <= end:
            size = (ip[at + 1] + 1) * 8
        if at + size > end:
            raise Malformed("ip-truncated")
        if proto == FRAGMENT_HEADER:
            place = u16(ip, at + 2)
            fragment = Fragment(int.from_bytes(ip[at + 4:at + 8], "big"), None,
                                place & 0xFFF8, bool(place & 1))
            if fragment.offset > 0:
                return ip[at], at + 8, fragment
        proto, at = ip[at], at + size
    if fragment and not fragment.more:
        fragment = None  # offset 0 and nothing to come: a whole packet
    return proto, at, fragment


def read_l4(packet, body):
    if packet.proto == TCP:
        read_tcp(packet, body)
    elif packet.proto == UDP:
        read_udp(packet, body)
    elif packet.proto == (ICMP if packet.family == 4 else ICMP6):
        if len(body) < 8:
            raise Malformed("l4-truncated")
        packet.icmp_type = body[0]


def read_tcp(packet, body):
    if len(body) < 20:
        raise Malformed("l4-truncated")
    header, flags = (body[12] >> 4) * 4, body[13]
    if header < 20 or header > len(body) or not flags_make_sense(flags):
        raise Malformed("l4-header")
    packet.sport, packet.dport = u16(body, 0), u16(body, 2)
    packet.flags, packet.payload = flags, body[header:]


def flags_make_sense(flags):
    if flags & SYN and flags & (FIN | RST):
        return False
    if flags & FIN and flags & RST:
        return False
    return bool(flags & (SYN | ACK | RST | FIN))


def read_udp(packet, body):
    if len(body) < 8:
        raise Malformed("l4-truncated")
    length = u16(body, 4)
    if length < 8 or (length > len(body) and not packet.first_fragment):
        raise Malformed("l4-header")
    packet.sport, packet.dport = u16(body, 0), u16(body, 2)
    packet.payload = body[8:length]


@dataclass
class Embedded:
    """The packet that an ICMP error is about, as far as it is there."""
    src: object
    dst: object
    proto: int
    sport: int  # ports: None when they are cut off, or the protocol has none
    dport: int
    rest: bytes  # what follows the IP header

    @property
    def protocol(self):
        return NAMES.get(self.proto)


def embedded(data, family):
    """Of the bytes after an ICMP error's header; None when even the addresses are cut off."""
    if len(data) < FIXED_HEADER[family] or data[0] >> 4 != family:
        return None
    src, dst = ip_addresses(data, family)
    if family == 4:
        proto, at, later = data[9], (data[0] & 15) * 4, bool(u16(data, 6) & 0x1FFF)
        if at < 20:
            return None
    else:
        proto, at, later = data[6], 40, False
        if proto == FRAGMENT_HEADER and len(data) >= 48:
            proto, at, later = data[40], 48, bool(u16(data, 42) & 0xFFF8)
    rest = data[at:]
    found = Embedded(src, dst, proto, None, None, b"" if later else rest)
    if proto in NAMES and not later and len(rest) >= 4:
        found.sport, found.dport = u16(rest, 0), u16(rest, 2)
    return found

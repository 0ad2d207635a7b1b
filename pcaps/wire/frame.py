# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet, VLAN tags, IPv4, IPv6, TCP, UDP, ICMP, with right lengths and checksums."""
import functools
import socket
import struct

ICMP, TCP, UDP, FRAGMENT, ICMP6 = 1, 6, 17, 44, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
GATEWAY_MAC = bytes.fromhex("02005e000001")
ROUTER_MAC = bytes.fromhex("02005e0000fe")
DOT1Q, DOT1AD, QINQ_OLD = 0x8100, 0x88A8, 0x9100


def is_v6(address):
    return ":" in address


@functools.lru_cache(maxsize=None)
def packed(address):
    return socket.inet_pton(socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)


def checksum(data):
    """RFC 1071. A sum that is a multiple of 65,535 folds to 0xffff, but 0 stays 0."""
    if len(data) & 1:
        data += b"\0"
    value = int.from_bytes(data, "big")
    return 65535 - (value % 65535 or (65535 if value else 0))


def pseudo(src, dst, proto, length):
    if is_v6(src):
        return packed(src) + packed(dst) + struct.pack("!I3xB", length, proto)
    return packed(src) + packed(dst) + struct.pack("!xBH", proto, length)


def mac_of(address):
    """Hosts of the site (203.0.113.0/24, 2001:db8:113::/48) have their own; others the router's."""
    raw = packed(address)
    if raw[:3] == b"\xcb\x00\x71" or raw[:6] == bytes.fromhex("20010db80113"):
        return b"\x02\x00\xc6\x00" + raw[-2:]
    return ROUTER_MAC


def ttl_of(address):
    """What is left of 64 or 128 after a number of hops that depends on the source."""
    if mac_of(address) != ROUTER_MAC:
        return 128
    last = packed(address)[-1]
    return (64 if last & 1 else 128) - 6 - last % 11


def ip4(src, dst, proto, payload, *, ident=0, df=True, ttl=None, tos=0, options=b"", offset=0,
        more=False):
    """`offset` in bytes, a multiple of 8."""
    flags = (0x4000 if df else 0) | (0x2000 if more else 0) | offset >> 3
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, tos, words * 4 + len(payload), ident, flags,
                       ttl or ttl_of(src), proto, 0) + packed(src) + packed(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(src, dst, proto, payload, *, ttl=None, flow=0, tclass=0):
    return struct.pack("!IHBB", 0x60000000 | tclass << 20 | flow, len(payload), proto,
                       ttl or ttl_of(src)) + packed(src) + packed(dst) + payload


def ip6_extension(following, body=b""):
    """Hop-by-hop, routing or destination options: padded with PadN to a multiple of 8."""
    pad = -(len(body) + 2) % 8
    padding = b"" if not pad else b"\0" if pad == 1 else bytes([1, pad - 2]) + bytes(pad - 2)
    body += padding
    return bytes([following, (len(body) + 2) // 8 - 1]) + body


def ip6_fragment(following, offset, more, ident):
    return struct.pack("!BxHI", following, offset | (1 if more else 0), ident)


def ip(src, dst, proto, payload, **kw):
    if is_v6(src):
        kw.pop("ident", None)
        return ip6(src, dst, proto, payload, **kw)
    return ip4(src, dst, proto, payload, **kw)


def udp(src, dst, sport, dport, payload, no_checksum=False):
    length = 8 + len(payload)
    head = struct.pack("!HHH", sport, dport, length)
    value = checksum(pseudo(src, dst, UDP, length) + head + b"\0\0" + payload)
    return head + struct.pack("!H", 0 if no_checksum else value or 0xFFFF) + payload


SYN_OPTIONS = bytes.fromhex("020405b40103030801010402")  # MSS 1460, window scale 8, SACK permitted


def tcp(src, dst, sport, dport, seq, ack, flags, payload=b"", window=0xFFFF, options=None):
    if options is None:
        options = SYN_OPTIONS if flags & SYN else b""
    words = 5 + len(options) // 4
    head = struct.pack("!HHIIBBH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, words << 4,
                       flags, window)
    rest = options + payload
    length = 20 + len(rest)
    value = checksum(pseudo(src, dst, TCP, length) + head + b"\0\0\0\0" + rest)
    return head + struct.pack("!HH", value, 0) + rest


def icmp(src, dst, kind, code, rest, body):
    """`rest` is the second word of the header."""
    proto = ICMP6 if is_v6(src) else ICMP
    data = struct.pack("!BBHI", kind, code, 0, rest) + body
    cover = (pseudo(src, dst, proto, len(data)) if proto == ICMP6 else b"") + data
    return data[:2] + struct.pack("!H", checksum(cover)) + data[4:]


def ethernet(packet, src_mac, dst_mac=GATEWAY_MAC, tags=(), ethertype=None, pad=True):
    """`tags`: outermost first, (type, VLAN)."""
    if ethertype is None:
        ethertype = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    head = dst_mac + src_mac + b"".join(struct.pack("!HH", t, v) for t, v in tags)
    frame = head + struct.pack("!H", ethertype) + packet
    return frame.ljust(60, b"\0") if pad else frame


def between(src, dst, proto, l4, tags=(), **kw):
    """A whole frame with what TCP, UDP or ICMP made."""
    return ethernet(ip(src, dst, proto, l4, **kw), mac_of(src), tags=tags)


def fragments(src, dst, proto, l4, size, ident, tags=()):
    """The frames of one packet, cut every `size` bytes (a multiple of 8)."""
    frames = []
    for at in range(0, len(l4), size):
        part, more = l4[at:at + size], at + size < len(l4)
        if is_v6(src):
            packet = ip6(src, dst, FRAGMENT, ip6_fragment(proto, at, more, ident) + part)
        else:
            packet = ip4(src, dst, proto, part, ident=ident, df=False, offset=at, more=more)
        frames.append(ethernet(packet, mac_of(src), tags=tags))
    return frames

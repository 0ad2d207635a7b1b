# SPDX-License-Identifier: BSD-3-Clause
"""Captures, pcap and pcapng: a list of (nanoseconds since 1970, Ethernet frame)."""

import struct

MACS = bytes.fromhex("020000000002020000000001")
EN10MB, SLL, SLL2 = 1, 113, 276
RAW, NULL, LOOP, IPV4, IPV6 = (12, 14, 101), 0, 108, 228, 229
AF_INET, AF_INET6 = 2, (10, 24, 28, 30)
PCAP = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
        b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
TSRESOL, TSOFFSET = 9, 14


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:4] in PCAP:
        return list(read_pcap(data))
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return list(read_pcapng(data))
    raise ValueError(f"{path}: neither pcap nor pcapng")


def read_pcap(data):
    order, unit = PCAP[data[:4]]
    link = struct.unpack(order + "I", data[20:24])[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, part, caught, _ = struct.unpack(order + "IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + caught]
        if len(frame) < caught:
            break
        yield seconds * 10**9 + part * unit, ethernet(frame, link, order)
        at += 16 + caught


def read_pcapng(data):
    at, order, interfaces = 0, "<", []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack(order + "II", data[at:at + 8])
        body = data[at + 8:at + size - 4]
        if size < 12 or at + size > len(data):
            break
        if kind == INTERFACE:
            interfaces.append(interface(body, order))
        elif kind in (PACKET, OLD_PACKET, SIMPLE_PACKET):
            yield packet(kind, body, order, interfaces)
        at += size


def interface(body, order):
    """(link type, ticks a second, offset in seconds)."""
    link = struct.unpack(order + "H", body[:2])[0]
    ticks, offset, at = 10**6, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack(order + "HH", body[at:at + 4])
        value = body[at + 4:at + 4 + size]
        if code == 0:
            break
        if code == TSRESOL:
            ticks = 2 ** (value[0] & 127) if value[0] & 128 else 10 ** value[0]
        elif code == TSOFFSET:
            offset = struct.unpack(order + "q", value)[0]
        at += 4 + (size + 3) // 4 * 4
    return link, ticks, offset


def packet(kind, body, order, interfaces):
    if kind == SIMPLE_PACKET:
        link = interfaces[0][0]
        original = struct.unpack(order + "I", body[:4])[0]
        return 0, ethernet(body[4:4 + original], link, order)
    if kind == PACKET:
        index, high, low, caught = struct.unpack(order + "IIII", body[:16])
    else:
        index, _, high, low, caught = struct.unpack(order + "HHIII", body[:16])
    link, ticks, offset = interfaces[index]
    stamp = (high << 32 | low) * 10**9 // ticks + offset * 10**9
    return stamp, ethernet(body[20:20 + caught], link, order)


def ethernet(frame, link, order):
    """Other link types get an Ethernet header with the right type, or with type 0."""
    if link == EN10MB:
        return frame
    if link in RAW:
        version = frame[0] >> 4 if frame else 0
        kind, rest = {4: 0x0800, 6: 0x86DD}.get(version, 0), frame
    elif link in (IPV4, IPV6):
        kind, rest = 0x0800 if link == IPV4 else 0x86DD, frame
    elif link in (NULL, LOOP):
        kind, rest = family_type(frame, ">" if link == LOOP else order), frame[4:]
    elif link == SLL:
        kind, rest = int.from_bytes(frame[14:16], "big"), frame[16:]
    elif link == SLL2:
        kind, rest = int.from_bytes(frame[:2], "big"), frame[20:]
    else:
        raise ValueError(f"link type {link} is not known")
    return MACS + kind.to_bytes(2, "big") + rest


def family_type(frame, order):
    if len(frame) < 4:
        return 0
    family = struct.unpack(order + "I", frame[:4])[0]
    return 0x0800 if family == AF_INET else 0x86DD if family in AF_INET6 else 0

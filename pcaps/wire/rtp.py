# SPDX-License-Identifier: BSD-3-Clause
"""RTP and RTCP (RFC 3550), SRTP and SRTCP (RFC 3711) as an onlooker sees them, ZRTP (RFC 6189)."""
import struct


def rtp(pt, seq, stamp, ssrc, payload, marker=False):
    return struct.pack("!BBHII", 0x80, pt | (0x80 if marker else 0), seq & 0xFFFF,
                       stamp & 0xFFFFFFFF, ssrc) + payload


def sdes(ssrc, cname):
    item = bytes([1, len(cname)]) + cname.encode() + b"\0"
    item += bytes(-len(item) % 4)
    return struct.pack("!BBHI", 0x81, 202, (len(item) + 4) // 4, ssrc) + item


def report_block(ssrc, highest, jitter=12):
    return struct.pack("!IIIIII", ssrc, 0, highest, jitter, 0, 0)


def sender_report(ssrc, stamp, packets, octets, about, cname):
    head = struct.pack("!BBHIQIII", 0x81, 200, 12, ssrc, 0xED50F2A000000000 + (stamp << 20),
                       stamp & 0xFFFFFFFF, packets, octets)
    return head + report_block(about, packets) + sdes(ssrc, cname)


def receiver_report(ssrc, about, highest, cname):
    return (struct.pack("!BBHI", 0x81, 201, 7, ssrc) + report_block(about, highest)
            + sdes(ssrc, cname))


def bye(ssrc):
    return struct.pack("!BBHI", 0x81, 203, 1, ssrc)


def srtp(prng, pt, seq, stamp, ssrc, size, marker=False):
    return rtp(pt, seq, stamp, ssrc, prng.bytes(size + 10), marker)


def srtcp(prng, ssrc, index):
    """The first 8 bytes are in the clear; E flag and index, then the tag, come after the rest."""
    return (struct.pack("!BBHI", 0x81, 200, 12, ssrc) + prng.bytes(44)
            + struct.pack("!I", 0x80000000 | index) + prng.bytes(10))


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = _crc32c_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC32C[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def zrtp(seq, ssrc, kind, body):
    """One ZRTP message in its packet: RFC 6189, 5. The CRC goes in as SCTP's does, byte-swapped."""
    length = (12 + len(body)) // 4
    packet = struct.pack("!BBHII", 0x10, 0, seq, 0x5A525450, ssrc)
    packet += struct.pack("!HH", 0x505A, length) + kind.ljust(8).encode() + body
    return packet + struct.pack("<I", crc32c(packet))

# SPDX-License-Identifier: BSD-3-Clause
"""STUN (RFC 8489), classic STUN (RFC 3489), TURN (RFC 8656) and MS-TURN (MS-TURN 2.2)."""
import hashlib
import hmac
import struct
import zlib

from .frame import is_v6, packed

COOKIE = bytes.fromhex("2112a442")
MS_COOKIE = bytes.fromhex("000f000472c64bc6")
BINDING, ALLOCATE, REFRESH, SEND, DATA = 0x0001, 0x0003, 0x0004, 0x0016, 0x0017
PERMISSION, CHANNEL_BIND = 0x0008, 0x0009
SUCCESS, ERROR = 0x0100, 0x0110
MAPPED, USERNAME, INTEGRITY, ERROR_CODE, CHANNEL, LIFETIME = 1, 6, 8, 9, 0x0C, 0x0D
XOR_PEER, DATA_ATTR, REALM, NONCE, XOR_RELAYED, TRANSPORT = 0x12, 0x13, 0x14, 0x15, 0x16, 0x19
XOR_MAPPED, SOFTWARE, FINGERPRINT = 0x20, 0x8022, 0x8028
MS_VERSION, MS_DESTINATION, MS_REMOTE = 0x8008, 0x0011, 0x0012


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address(kind, ip, port):
    return attribute(kind, struct.pack("!BBH", 0, 2 if is_v6(ip) else 1, port) + packed(ip))


def xor_address(kind, ip, port, txid):
    raw = packed(ip)
    mask = COOKIE + txid
    value = bytes(a ^ b for a, b in zip(raw, mask))
    return attribute(kind, struct.pack("!BBH", 0, 2 if is_v6(ip) else 1, port ^ 0x2112) + value)


def error(code, phrase):
    return attribute(ERROR_CODE, struct.pack("!HBB", 0, code // 100, code % 100) + phrase.encode())


def lifetime(seconds):
    return attribute(LIFETIME, struct.pack("!I", seconds))


def message(kind, txid, attributes=b"", key=None, fingerprint=False):
    """`txid`: 12 bytes after the cookie, or 16 of a classic message. `key` adds integrity."""
    ident = COOKIE + txid if len(txid) == 12 else txid
    if key is not None:
        head = struct.pack("!HH", kind, len(attributes) + 24) + ident
        mac = hmac.new(key, head + attributes, hashlib.sha1).digest()
        attributes += attribute(INTEGRITY, mac)
    if fingerprint:
        head = struct.pack("!HH", kind, len(attributes) + 8) + ident
        crc = zlib.crc32(head + attributes) ^ 0x5354554E
        attributes += attribute(FINGERPRINT, struct.pack("!I", crc))
    return struct.pack("!HH", kind, len(attributes)) + ident + attributes


def ms_message(kind, txid, attributes=b"", cookie=True):
    """`txid`: 16 bytes. A Data indication carries no magic cookie."""
    attributes = (MS_COOKIE if cookie else b"") + attributes
    return struct.pack("!HH", kind, len(attributes)) + txid + attributes


def ms_multiplex(session, inner):
    return b"\xff\x10" + struct.pack("!H", 8 + len(inner)) + session + inner


def channel_data(channel, data):
    return struct.pack("!HH", channel, len(data)) + data


def credentials(user, realm, password):
    """The long-term key of RFC 8489, 9.2.2."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode()).digest()

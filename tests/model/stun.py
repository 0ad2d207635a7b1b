# SPDX-License-Identifier: BSD-3-Clause
"""What is read of TURN: docs/state.md, sections 4 and 5.3."""

import ipaddress
from dataclasses import dataclass

BEGINS = (0x0001, 0x0002, 0x0003)  # Binding, Shared Secret, Allocate requests
ALLOCATE_SUCCESS, REFRESH_SUCCESS = 0x0103, 0x0104
LIFETIME, MAPPED_ADDRESS, XOR_RELAYED_ADDRESS = 0x000D, 0x0001, 0x0016
DEFAULT_LIFETIME = 600
MAX_ATTRIBUTES = 16
MS_COOKIE = bytes.fromhex("000f000472c64bc6")  # an MS-TURN message begins with this attribute


@dataclass
class Answer:
    type: int
    lifetime: int
    relayed: tuple  # (address, port) or None


def message(payload):
    """The STUN message, which the Microsoft multiplex wraps in 12 bytes."""
    return payload[12:] if payload[:2] == b"\xff\x10" else payload


def message_type(payload):
    return int.from_bytes(message(payload)[:2], "big")


def begins_flow(payload, klass):
    """Whether a packet of a UDP service of kind turn can begin a flow."""
    if klass in ("turn-channel", "rtp", "rtcp", "quic"):
        return False
    if klass in ("stun", "ms-turn"):
        return message_type(payload) in BEGINS
    if klass == "dtls":
        return (payload[0] == 22 and payload[3:5] == b"\0\0"
                and payload[13:14] == b"\x01")
    return True


def read(payload, klass):
    """An Allocate or Refresh success, or None."""
    kind = message_type(payload)
    if klass not in ("stun", "ms-turn") or kind not in (ALLOCATE_SUCCESS, REFRESH_SUCCESS):
        return None
    payload = message(payload)
    found = attributes(payload)
    lifetime = found.get(LIFETIME, b"")
    if payload[20:28] != MS_COOKIE:
        relayed = transport_address(found.get(XOR_RELAYED_ADDRESS), payload[4:20])
    else:
        relayed = transport_address(found.get(MAPPED_ADDRESS), bytes(16))
    return Answer(kind, int.from_bytes(lifetime, "big") if len(lifetime) == 4
                  else DEFAULT_LIFETIME, relayed)


def attributes(payload):
    """The first of each type, of the first sixteen that are whole.

    RFC 8489 pads attributes to four bytes; MS-TURN, as real captures show, does not."""
    step = 1 if payload[20:28] == MS_COOKIE else 4
    end = min(len(payload), 20 + int.from_bytes(payload[2:4], "big"))
    at, found = 20, {}
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > end:
            break
        kind = int.from_bytes(payload[at:at + 2], "big")
        size = int.from_bytes(payload[at + 2:at + 4], "big")
        if at + 4 + size > end:
            break
        found.setdefault(kind, payload[at + 4:at + 4 + size])
        at += 4 + (size + step - 1) // step * step
    return found


def transport_address(value, mask):
    """mask: the cookie and transaction id that XOR-... values are hidden with, or zeros."""
    if value is None or len(value) not in (8, 20) or value[1] != (1 if len(value) == 8 else 2):
        return None
    port = int.from_bytes(value[2:4], "big") ^ int.from_bytes(mask[:2], "big")
    return ipaddress.ip_address(bytes(a ^ b for a, b in zip(value[4:], mask))), port

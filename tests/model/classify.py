# SPDX-License-Identifier: BSD-3-Clause
"""The class of a payload: docs/classification.md, in its order.

Here a packet is whole (a cut one is malformed), so A is L throughout."""

import re

BLANKS = b"\x00\x09\x0a\x0d\x20"
COOKIE = bytes.fromhex("2112a442")
MS_FIRST_ATTRIBUTE = bytes.fromhex("000f000472c64bc6")
CLASSIC = {0x0001, 0x0002, 0x0101, 0x0102, 0x0111, 0x0112, 0x0003, 0x0103, 0x0113,
           0x0004, 0x0104, 0x0115}
ONLY_MS = {0x0004, 0x0104, 0x0115}
PSEUDO_HELLO = bytes.fromhex("160301002d010000290301")
PSEUDO_ANSWER = bytes.fromhex("160301004e020000460301")
METHOD = re.compile(rb"[A-Za-z0-9.!%*_+`'~-]{1,64} ")
SIP_RESPONSE = re.compile(rb"(?i:SIP/2\.0) [1-6][0-9][0-9][ \r\n]")
HTTP_RESPONSE = re.compile(rb"HTTP/[0-9]\.[0-9] [0-9]")
SIP_END = re.compile(rb"[ \t](?i:SIP/2\.0)")
HTTP_END = re.compile(rb"[ \t]HTTP/[0-9]\.[0-9]")
HTTP_CUT = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|PATCH) [/h]")
XMPP = (b"<?xml ", b"<stream:", b"</stream:", b"<iq ", b"<message ", b"<message>",
        b"<presence ", b"<presence>", b"<presence/", b"<starttls ", b"<proceed ", b"<auth ",
        b"<success ", b"<challenge ", b"<response ", b"<db:")
MAX_LEADING = 16
WINDOW = 512


def classify(payload, protocol, media):
    """protocol: "tcp" or "udp"; media: whether the service is evidence of media."""
    if not payload:
        return "none"
    if is_keepalive(payload):
        return "keepalive"
    by_bytes = by_udp if protocol == "udp" else by_tcp
    return by_bytes(payload, media) or text(payload, protocol) \
        or left(payload, protocol, media)


def is_keepalive(x):
    if x in (b"hello", b"hello\r\n"):
        return True
    return len(x) <= 16 and all(byte in BLANKS for byte in x)


def u16(x, at):
    return int.from_bytes(x[at:at + 2], "big") if at + 2 <= len(x) else -1


# Section 2: the parts

def stun(x, udp):
    if len(x) < 20 or x[0] > 3:
        return None
    n = u16(x, 2)
    if x[20:28] == MS_FIRST_ATTRIBUTE and 20 + n <= len(x):
        return "ms-turn"
    if x[4:8] == COOKIE:
        return None if udp and 20 + n > len(x) else "stun"
    if 20 + n == len(x) and n % 4 == 0 and u16(x, 0) in CLASSIC and attributes_fill(x):
        return "ms-turn" if u16(x, 0) in ONLY_MS else "stun"
    return None


def attributes_fill(x):
    at, count = 20, 0
    while at < len(x):
        if at + 4 > len(x) or count == 16:
            return False
        at += 4 + u16(x, at + 2)
        count += 1
    return at == len(x)


def channel(x, udp):
    if not 0x40 <= x[0] <= 0x4F or len(x) < 4:
        return False
    n = u16(x, 2)
    if udp:
        return 4 + n <= len(x) <= 4 + n + 3
    return len(x) == (4 + n + 3) // 4 * 4


def dtls(x):
    if not 20 <= x[0] <= 25 or len(x) < 13 or u16(x, 1) not in (0xFEFF, 0xFEFD, 0x0100):
        return False
    return x[0] == 25 or 13 + u16(x, 11) <= len(x)


def rtcp(x, media):
    if not 0x80 <= x[0] <= 0xBF or len(x) < 8 or 4 * (1 + u16(x, 2)) > len(x):
        return False
    return 200 <= x[1] <= 207 or (media and 192 <= x[1] <= 223)


def candidate(x):
    if not 0x80 <= x[0] <= 0xBF or len(x) < 2 or 192 <= x[1] <= 223:
        return False
    header = 12 + 4 * (x[0] & 15)
    if len(x) < header:
        return False
    if x[0] & 0x10:
        words = u16(x, header + 2)
        return words >= 0 and header + 4 + 4 * words <= len(x)
    return True


def rtp(x, media):
    return media and candidate(x)


# Section 3

def by_udp(x, media):
    first = x[0]
    if first <= 3:
        return stun(x, True)
    if 0x10 <= first <= 0x13 and len(x) >= 12 and x[4:8] == b"ZRTP":
        return "zrtp"
    if 0x14 <= first <= 0x19 and dtls(x):
        return "dtls"
    if channel(x, True):
        return "turn-channel"
    if 0x80 <= first <= 0xBF:
        return "rtcp" if rtcp(x, media) else "rtp" if rtp(x, media) else None
    if first >= 0xC0:
        return multiplex(x, True) or quic_long(x)
    return None


def multiplex(x, udp):
    if x[:2] != b"\xff\x10" or len(x) < 32:
        return None
    length = u16(x, 2) + 4
    if (length == len(x) if udp else length <= len(x)) and stun(x[12:length], True):
        return "ms-turn"
    return None


def quic_long(x):
    if len(x) < 7 or x[5] > 20:
        return None
    version = x[1:5]
    known = version in (bytes(4), b"\0\0\0\1", bytes.fromhex("6b3343cf")) \
        or version[:2] == b"\xff\0" and version[2] == 0 \
        or version[:1] in (b"Q", b"T") or version[:3] == bytes.fromhex("faceb0") \
        or all(byte & 15 == 0x0A for byte in version)
    return "quic" if known else None


# Section 4

def by_tcp(x, media):
    return tls(x) or ("turn-channel" if channel(x, False) else None) \
        or multiplex(x, False) or framing(x, media)


def tls(x):
    if not 0x14 <= x[0] <= 0x18 or len(x) < 5 or x[1] != 3 or x[2] > 4 \
            or not 1 <= u16(x, 3) <= 18432:
        return None
    if len(x) >= 50 and x[:11] == PSEUDO_HELLO and x[43:50] == bytes.fromhex("00000200180100"):
        return "pseudo-tls"
    if len(x) >= 83 and x[:11] == PSEUDO_ANSWER and x[43] == 0x20 \
            and x[76:83] == bytes.fromhex("0018000e000000"):
        return "pseudo-tls"
    return "tls"


def framing(x, media):
    found = stun(x, False)
    if not found and x[0] in (2, 3) and len(x) >= 4 and x[1] == 0:
        found = framed(x, 4, u16(x, 2), media)
    if not found:
        found = framed(x, 2, u16(x, 0), media)
    return found


def framed(x, header, n, media):
    if n < 8 or header + n > len(x):
        return None
    inner = x[header:header + n]
    found = stun(inner, True)
    if found or header + n < len(x):
        return found
    if dtls(inner):
        return "dtls"
    return "rtcp" if rtcp(inner, media) else "rtp" if rtp(inner, media) else None


# Sections 5 and 6

def text_start(payload):
    """The offset of the start line, or None."""
    start = len(payload) - len(payload.lstrip(b"\r\n"))
    return start if start <= MAX_LEADING else None


def text(payload, protocol):
    start = text_start(payload)
    if start is None:
        return None
    window = payload[start:start + WINDOW]
    if SIP_RESPONSE.match(window):
        return "sip"
    if HTTP_RESPONSE.match(window):
        return "http"
    found = request(window)
    if found:
        return found
    if b"\n" not in window and HTTP_CUT.match(window):
        return "http"
    if protocol == "tcp" and window.startswith(XMPP):
        return "xmpp"
    return None


def request(window):
    method = METHOD.match(window)
    if not method or b"\n" not in window:
        return None
    line = window[:window.index(b"\n")]
    if line.endswith(b"\r"):
        line = line[:-1]
    behind = line.rstrip(b" \t")[method.end():]
    if SIP_END.fullmatch(behind[-8:]):
        return "sip"
    if HTTP_END.fullmatch(behind[-9:]):
        return "http"
    return None


def left(x, protocol, media):
    if protocol == "udp" and media:
        if 32 <= x[0] <= 63 and not x[0] & 0x10 and len(x) >= 18:
            return "dtls"
        if 80 <= x[0] <= 127 and len(x) >= 21:
            return "quic"
    return "unknown"

# SPDX-License-Identifier: BSD-3-Clause
"""The addresses and ports that an SDP body claims: docs/state.md, section 5.3."""

import ipaddress

MEDIA = (b"audio", b"video", b"image", b"application")


def claims(lines):
    """A list of (address, port), in the order of the lines that name the ports."""
    session, section, found = None, None, []
    for line in lines:
        kind, value = line[:2], line[2:]
        if kind == b"v=":
            session, section = None, None
        elif kind == b"m=":
            section = {"address": None}
            found.append((section, session, media_port(value)))
        elif kind == b"c=" and section is None:
            session = session or connection(value)
        elif kind == b"c=":
            section["address"] = section["address"] or connection(value)
        elif value.startswith(b"rtcp:") and kind == b"a=":
            found.append(rtcp(value[5:].split(b" "), section, session))
        elif value.startswith(b"candidate:") and kind == b"a=":
            found.append(candidate(value.split()))
    return [claim for claim in map(resolve, found) if claim[0] and claim[1]]


def resolve(entry):
    """A section's c= may come after the line that needs it; without one: the session's."""
    if len(entry) == 2:
        return entry
    section, session, port = entry
    return (section and section["address"]) or session, port


def number(text):
    port = int(text) if text.isdigit() else 0
    return port if port <= 65535 else 0


def rtcp(words, section, session):
    """RFC 3605: the port, and the address where it is not the section's."""
    named = connection(b" ".join(words[1:]))
    if named:
        return named, number(words[0])
    return section, session, number(words[0])


def media_port(value):
    words = value.split(b" ")
    if len(words) < 2 or words[0] not in MEDIA:
        return 0
    return number(words[1].split(b"/")[0])


def connection(value):
    words = value.split(b" ")
    if len(words) < 3 or words[0] != b"IN" or words[1] not in (b"IP4", b"IP6"):
        return None
    return address(words[2].split(b"/")[0])


def address(text):
    try:
        return ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return None


def candidate(words):
    """candidate:F COMPONENT UDP PRIORITY ADDRESS PORT typ TYPE"""
    if len(words) < 8 or words[2].lower() != b"udp" or words[6] != b"typ" \
            or words[7] not in (b"relay", b"host"):
        return None, 0
    return address(words[4]), number(words[5])

# SPDX-License-Identifier: BSD-3-Clause
"""What a frame that left may differ in from the one that came: docs/state.md, section 10."""

import ipaddress

TAGS = {0x8100, 0x88A8, 0x9100}
# offsets in the IP header: time to live, checksum, source, destination
FIELDS = {4: (8, (10, 12), (12, 16), (16, 20)), 6: (7, None, (8, 24), (24, 40))}
CHECKSUM = {6: 16, 17: 6}  # of TCP and UDP
EXTENSIONS = {0, 43, 44, 60, 135}
TUNNEL = {4: 4, 6: 41}


def split(frame):
    """(tags and ethertype, IP packet without padding)."""
    at = 12
    while int.from_bytes(frame[at:at + 2], "big") in TAGS:
        at += 4
    ip = frame[at + 2:]
    length = int.from_bytes(ip[2:4], "big") if ip[0] >> 4 == 4 else \
        40 + int.from_bytes(ip[4:6], "big")
    return frame[12:at + 2], ip[:length]


def checksum_place(ip):
    """Where the transport's checksum is, if this packet has one."""
    if ip[0] >> 4 == 4:
        later = int.from_bytes(ip[6:8], "big") & 0x1FFF
        proto, at = ip[9], (ip[0] & 15) * 4
    else:
        proto, at, later = ip[6], 40, 0
        while proto in EXTENSIONS and not later:
            size = 8 if proto == 44 else (ip[at + 1] + 1) * 8
            later = proto == 44 and int.from_bytes(ip[at + 2:at + 4], "big") & 0xFFF8
            proto, at = ip[at], at + size
    if later or proto not in CHECKSUM:
        return None
    return at + CHECKSUM[proto], at + CHECKSUM[proto] + 2


def masked(ip, *places):
    ip = bytearray(ip)
    for place in places:
        if place:
            ip[place[0]:place[1]] = bytes(place[1] - place[0])
    return bytes(ip)


def address(ip, place):
    return ipaddress.ip_address(ip[place[0]:place[1]])


def forwarded(before, after, rewritten):
    """Complaint, unless `after` is `before` with one hop less and that address rewritten."""
    ttl, header_sum, *_ = FIELDS[before[0] >> 4]
    if len(before) != len(after):
        return f"{len(before)} bytes became {len(after)}"
    if after[ttl] != before[ttl] - 1:
        return f"TTL {before[ttl]} became {after[ttl]}"
    places = [(ttl, ttl + 1), header_sum]
    if rewritten:
        places += [rewritten, checksum_place(before)]
    if masked(before, *places) != masked(after, *places):
        return "something else was changed as well"
    return None


def tunnelled(before, after, edge, plan):
    outer = after[0] >> 4
    _, _, source, destination = FIELDS[outer]
    size = 20 if outer == 4 else 40
    proto = after[9] if outer == 4 else after[6]
    if proto != TUNNEL[before[0] >> 4] or after[8 if outer == 4 else 7] != 64:
        return "the outer header is wrong"
    if address(after, source) not in plan.gateway_set:
        return "the tunnel does not begin at a gateway"
    if address(after, destination) not in edge.own_addresses():
        return "the tunnel does not end at the edge"
    return forwarded(before, after[size:], None)


def steered(line, before, after, plan):
    edge = plan.edge_by_name[line["edge"]]
    *_, destination = FIELDS[before[0] >> 4]
    to_vip = address(before, destination) in plan.vips
    if to_vip and edge.mode == "ipip":
        return tunnelled(before, after, edge, plan)
    if not to_vip or edge.mode == "l2":
        return forwarded(before, after, None)
    if address(after, destination) not in edge.own_addresses():
        return "the destination is not the edge's"
    return forwarded(before, after, destination)


def answered(before, after, plan):
    _, _, source, _ = FIELDS[before[0] >> 4]
    if before[source[0]:source[1]] == after[source[0]:source[1]]:
        return forwarded(before, after, None)
    if address(after, source) not in plan.vips:
        return "the source is neither its own nor a VIP"
    return forwarded(before, after, source)


def complaint(line, before, after, plan):
    """What is wrong with the frame `after` that left for `before`, or None."""
    if line["verdict"] == "kernel":
        return None if before == after else "the kernel's frame was changed"
    if line["reason"] == "icmp-error":
        return None  # what it quotes is rewritten too, or a tunnel cut out: tshark looks at it
    tags, before = split(before)
    new_tags, after = split(after)
    if tags[:-2] != new_tags[:-2]:
        return "the VLAN tags were changed"
    if line["verdict"] == "steer":
        return steered(line, before, after, plan)
    return answered(before, after, plan)

# SPDX-License-Identifier: BSD-3-Clause
"""Which field of which header a byte of a frame lies in."""

VLANS = (0x8100, 0x88A8, 0x9100)
# (first byte, name), by header
ETHERNET = ((0, "destination MAC"), (6, "source MAC"))
IPV4 = ((0, "version and length"), (1, "TOS"), (2, "total length"), (4, "identification"),
        (6, "flags and fragment offset"), (8, "TTL"), (9, "protocol"), (10, "checksum"),
        (12, "source"), (16, "destination"), (20, "options"))
IPV6 = ((0, "version, class, flow label"), (4, "payload length"), (6, "next header"),
        (7, "hop limit"), (8, "source"), (24, "destination"))
TCP = ((0, "source port"), (2, "destination port"), (4, "sequence"), (8, "acknowledgement"),
       (12, "offset"), (13, "flags"), (14, "window"), (16, "checksum"), (18, "urgent"),
       (20, "options"))
UDP = ((0, "source port"), (2, "destination port"), (4, "length"), (6, "checksum"))
ICMP = ((0, "type"), (1, "code"), (2, "checksum"), (4, "rest of the header"))
EXTENSIONS = {0: "hop-by-hop", 43: "routing", 44: "fragment", 60: "destination options",
              135: "mobility"}


def in_table(table, at):
    return [name for start, name in table if start <= at][-1]


def name_of(frame, at):
    """Such as "IPv4: checksum"; in what an ICMP error quotes and in tunnels level by level."""
    if at >= len(frame):
        return "the end: one is longer"
    if at < 12:
        return f"Ethernet: {in_table(ETHERNET, at)}"
    kind, start = int.from_bytes(frame[12:14], "big"), 14
    while kind in VLANS and len(frame) >= start + 4:
        if at < start + 4:
            return "VLAN tag"
        kind, start = int.from_bytes(frame[start + 2:start + 4], "big"), start + 4
    if at < start:
        return "Ethernet: type"
    return in_ip(frame[start:], at - start, "")


def in_ip(data, at, path):
    """path: what the headers before were."""
    version = data[0] >> 4 if data else 0
    if version == 4:
        size, proto, table = (data[0] & 15) * 4, data[9] if len(data) > 9 else 0, IPV4
        end = int.from_bytes(data[2:4], "big")
        later = int.from_bytes(data[6:8], "big") & 0x1FFF
    elif version == 6:
        size, proto, table, later = 40, data[6] if len(data) > 6 else 0, IPV6, 0
        end = 40 + int.from_bytes(data[4:6], "big")
    else:
        return f"{path}not IP, byte {at}"
    here = f"{path}IPv{version}"
    if at < size:
        return f"{here}: {in_table(table, at)}"
    if at >= end:
        return f"{path}Ethernet padding"
    if later:
        return f"{here}, later fragment, byte {at - size} of its payload"
    return behind(data, at, size, proto, here)


def behind(data, at, start, proto, here):
    while proto in EXTENSIONS and len(data) >= start + 8:
        size = 8 if proto == 44 else (data[start + 1] + 1) * 8
        if at < start + size:
            return f"{here}: {EXTENSIONS[proto]} header, byte {at - start}"
        proto, start = data[start], start + size
    rest, offset = data[start:], at - start
    if proto in (4, 41):
        return in_ip(rest, offset, f"{here} / ")
    if proto in (1, 58):
        if offset < 8:
            return f"{here} / ICMP: {in_table(ICMP, offset)}"
        return in_ip(rest[8:], offset - 8, f"{here} / ICMP, quoted ")
    if proto == 6:
        size = (rest[12] >> 4) * 4 if len(rest) > 12 else 20
        name, table = "TCP", TCP
    elif proto == 17:
        size, name, table = 8, "UDP", UDP
    else:
        return f"{here} / protocol {proto}, byte {offset}"
    if offset < size:
        return f"{here} / {name}: {in_table(table, offset)}"
    return f"{here} / {name}: byte {offset - size} of the payload"

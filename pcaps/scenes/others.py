# SPDX-License-Identifier: BSD-3-Clause
"""What a gateway's port carries beside Turnout's traffic: all of it is the kernel's."""
import struct

from wire import frame
from wire.frame import GATEWAY_MAC, ROUTER_MAC, ethernet

from .talk import Direct
from .world import MS, World

PLAN = "pcaps/plans/media.yaml"
GATEWAY, ROUTER = "203.0.113.2", "203.0.113.1"
GATEWAY6, ROUTER6 = "2001:db8:113::2", "2001:db8:113::1"
BROADCAST = b"\xff" * 6


def arp(op, sender_mac, sender, target_mac, target):
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + sender_mac + frame.packed(sender)
    body += (target_mac if op == 2 else bytes(6)) + frame.packed(target)
    return ethernet(body, sender_mac, target_mac, ethertype=0x0806)


def arps(world):
    for vip in ("203.0.113.2", "203.0.113.102", "203.0.113.30"):
        world.frame(arp(1, ROUTER_MAC, ROUTER, BROADCAST, vip))
        yield MS
        world.frame(arp(2, GATEWAY_MAC, vip, ROUTER_MAC, ROUTER))
        yield 300 * MS


def tlv(kind, value):
    return struct.pack("!H", kind << 9 | len(value)) + value


def link_layer(world):
    """LLDP and spanning tree."""
    lldp = tlv(1, b"\4" + ROUTER_MAC) + tlv(2, b"\5ge-0/0/1") + tlv(3, b"\0\x78")
    lldp += tlv(5, b"edge-switch") + tlv(0, b"")
    bpdu = struct.pack("!HBBB", 0, 0, 0, 0) + b"\x80\0" + ROUTER_MAC + struct.pack("!I", 0)
    bpdu += b"\x80\0" + ROUTER_MAC + struct.pack("!HHHHH", 0x8001, 0, 20 * 256, 2 * 256, 15 * 256)
    stp = b"\x42\x42\x03" + bpdu
    for _ in range(5):
        world.frame(ethernet(lldp, ROUTER_MAC, bytes.fromhex("0180c200000e"), ethertype=0x88CC))
        yield 100 * MS
        world.frame(ethernet(stp, ROUTER_MAC, bytes.fromhex("0180c2000000"),
                             ethertype=len(stp)))
        yield 1900 * MS


def neighbours(world):
    """Neighbour solicitation and advertisement, router advertisement: hop limit 255."""
    for host in (GATEWAY6, "2001:db8:113::102", "2001:db8:113::30"):
        raw = frame.packed(host)
        group = "ff02::1:ff00:" + raw[-2:].hex().lstrip("0")
        body = raw + b"\1\1" + ROUTER_MAC
        data = frame.icmp(ROUTER6, group, 135, 0, 0, body)
        packet = frame.ip6(ROUTER6, group, frame.ICMP6, data, ttl=255)
        world.frame(ethernet(packet, ROUTER_MAC, b"\x33\x33" + frame.packed(group)[-4:]))
        yield MS
        data = frame.icmp(GATEWAY6, ROUTER6, 136, 0, 0x60000000, raw + b"\2\1" + GATEWAY_MAC)
        world.frame(ethernet(frame.ip6(GATEWAY6, ROUTER6, frame.ICMP6, data, ttl=255),
                             GATEWAY_MAC, ROUTER_MAC))
        yield 400 * MS
    data = frame.icmp("fe80::1", "ff02::1", 134, 0, 0x40000708, bytes(8) + b"\1\1" + ROUTER_MAC)
    world.frame(ethernet(frame.ip6("fe80::1", "ff02::1", frame.ICMP6, data, ttl=255), ROUTER_MAC,
                         bytes.fromhex("333300000001")))
    yield MS


def bgp_message(kind, body=b""):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def bgp(world, router, gateway):
    session = Direct(world, router, gateway, 33001, 179, rtt=1)
    yield from session.open()
    hello = bgp_message(1, struct.pack("!BHH4sB", 4, 64500, 90, b"\xcb\0\x71\1", 0))
    for side in "ab":
        yield from session.say(side, hello)
    for _ in range(4):
        yield 3000 * MS
        for side in "ab":
            yield from session.say(side, bgp_message(4))


def pings(world):
    for n in range(4):
        for src, dst in ((ROUTER, GATEWAY), (ROUTER6, GATEWAY6)):
            v6 = frame.is_v6(src)
            proto = frame.ICMP6 if v6 else frame.ICMP
            for a, b, kind in ((src, dst, 128 if v6 else 8), (dst, src, 129 if v6 else 0)):
                world.send(a, b, proto, frame.icmp(a, b, kind, 0, 0x00070000 | n, b"x" * 48))
                yield MS
        yield 900 * MS


def passing(world):
    """Between others: DNS, NTP, and a web server next door."""
    question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1"
    answer = (b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0\3www\7example\0\0\1\0\1\xc0\x0c\0\1\0\1"
              b"\0\0\x0e\x10\0\4\xc0\0\2\x63")
    for n in range(6):
        asker, server = f"192.0.2.{n + 5}", "198.51.100.253"
        world.send(asker, server, frame.UDP, frame.udp(asker, server, 45000 + n, 53, question))
        yield 9 * MS
        world.send(server, asker, frame.UDP, frame.udp(server, asker, 53, 45000 + n, answer))
        yield 9 * MS
    for a, b in (("2001:db8:9::1", "2001:db8:8::1"), ("192.0.2.9", "203.0.113.250")):
        world.send(a, b, frame.UDP, frame.udp(a, b, 123, 123, b"\x23" + bytes(47)))
        yield MS
    web = Direct(world, "192.0.2.200", "203.0.113.250", 50100, 80)
    yield from web.open()
    yield from web.say("a", b"GET / HTTP/1.1\r\nHost: www.contoso.com\r\n\r\n")
    yield from web.say("b", b"HTTP/1.1 204 No Content\r\n\r\n")
    yield from web.close()


def multicast(world):
    """mDNS, IGMP, OSPF, VRRP."""
    name = b"\0\0\0\0\0\1\0\0\0\0\0\0\4edge\5local\0\0\1\0\1"
    group = b"\x01\0\x5e\0\0"
    data = frame.udp(ROUTER, "224.0.0.251", 5353, 5353, name)
    igmp = b"\x11\x64" + struct.pack("!H", frame.checksum(b"\x11\x64\0\0\0\0\0\0")) + bytes(4)
    vrrp = b"\x31\1\x64\1\0\x64\0\0" + frame.packed("203.0.113.1")
    value = frame.checksum(frame.pseudo(ROUTER, "224.0.0.18", 112, len(vrrp)) + vrrp)
    vrrp = vrrp[:6] + struct.pack("!H", value) + vrrp[8:]
    for proto, last, body, ttl in ((17, 251, data, 255), (2, 1, igmp, 1), (112, 18, vrrp, 255)):
        packet = frame.ip4(ROUTER, f"224.0.0.{last}", proto, body, ttl=ttl, df=False)
        world.frame(ethernet(packet, ROUTER_MAC, group + bytes([last])))
        yield 50 * MS


def not_ours():
    world = World("not-ours", PLAN, "half")
    for n, script in enumerate((arps, link_layer, neighbours, pings, passing, multicast)):
        world.spawn(n * 100 * MS, script(world))
    world.spawn(700 * MS, bgp(world, ROUTER, GATEWAY))
    world.spawn(800 * MS, bgp(world, ROUTER6, GATEWAY6))
    return world.run()


SCENES = {"not-ours": not_ours}

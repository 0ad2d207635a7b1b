# SPDX-License-Identifier: BSD-3-Clause
"""Floods from made-up sources between two halves of traffic that is established."""
import struct

from wire import frame, stun, tls
from wire.capture import NANO
from wire.rtp import rtp

from . import session
from .relay import Turn
from .talk import Inbound, Udp
from .world import MS, World

FLOOD = 20000
START, END = 20 * NANO, 40 * NANO


def source(raw):
    """Any unicast address but those of the site and of its clients."""
    first = raw[0] % 99 + 1
    return f"{first if first != 10 else 11}.{raw[1]}.{raw[2]}.{raw[3] % 254 + 1}"


def flood(world, make):
    """FLOOD packets, evenly, from START to END."""
    gap = (END - START) // FLOOD - 200_000  # a step's jitter is 200 us in the mean
    for _ in range(FLOOD):
        client = source(world.prng.bytes(4))
        proto, target, l4 = make(client, world.prng)
        world.send(client, target, proto, l4)
        yield gap


def bystander_tcp(world, n):
    connection = Inbound(world, "access", f"192.0.2.{n + 10}", 50000 + n)
    yield from connection.open()
    yield from session.handshake(connection, "sip.contoso.com")
    for turn in range(5):
        yield from session.exchange(connection, 300, 500)
        yield (30 if turn == 2 else 6) * NANO  # silent while it rains
    yield from session.goodbye(connection)


def syn(client, prng):
    raw = prng.bytes(8)
    sport, seq, port = struct.unpack("!HIH", raw)
    target, dport = ("203.0.113.100", (443, 5061)[port & 1]) if port & 2 else \
        ("203.0.113.102", 443)
    return frame.TCP, target, frame.tcp(client, target, sport | 1024, dport, seq, 0, frame.SYN)


def syn_flood():
    world = World("syn-flood", "examples/contoso.yaml", "access-50")
    for n in range(100):
        world.spawn(n * 60 * MS, bystander_tcp(world, n))
    world.spawn(START, flood(world, syn))
    return world.run()


def bystander_turn(world, n):
    turn = Turn(world, f"192.0.2.{n + 10}", 50000 + n)
    yield from turn.allocate(50000 + n, n % 2 == 0)
    for round_ in range(5):
        txid = world.prng.bytes(12)
        ask = stun.message(stun.BINDING, txid, fingerprint=True)
        yield from turn.exchange(ask, stun.message(stun.BINDING | stun.SUCCESS, txid,
                                                   stun.xor_address(stun.XOR_MAPPED, turn.client,
                                                                    turn.cport, txid)))
        yield (30 if round_ == 2 else 6) * NANO
    yield from turn.refresh(0)


def bystander_media(world, n):
    flow = Udp(world, "av-media", f"192.0.2.{n + 110}", 51000 + n, 55000 + n)
    for turn in range(5):
        for k in range(5):
            flow.ask(rtp(0, turn * 10 + k, k * 160, 77 + n, b"\xd5" * 160))
            yield MS
            flow.answer(rtp(0, turn * 10 + k, k * 160, 99 + n, b"\xd5" * 160))
            yield 19 * MS
        yield (30 if turn == 2 else 6) * NANO


def datagram(client, prng):
    """One of: an Allocate, a Binding, RTP at a media port, ChannelData and a Hello at TURN's."""
    target, kind = "203.0.113.102", prng.below(5)
    sport = prng.between(60000, 65535)  # ports that no dissector claims
    if kind == 0:
        port, data = 3478, stun.message(stun.ALLOCATE, prng.bytes(12),
                                        stun.attribute(stun.TRANSPORT, b"\x11\0\0\0"))
    elif kind == 1:
        port, data = 3478, stun.message(stun.BINDING, prng.bytes(12))
    elif kind == 2:
        port, data = prng.between(50000, 59999), rtp(0, 1, 160, prng.below(1 << 32), bytes(40))
    elif kind == 3:
        port, data = 3478, stun.channel_data(0x4000 + prng.below(99), bytes(40))
    else:
        hello = tls.dtls_handshake(1, tls.hello_body(prng, None, version=0xFEFD, cookie=b""), 0)
        port, data = 3478, tls.dtls_record(tls.HANDSHAKE, hello, 0, 0, 0xFEFF)
    return frame.UDP, target, frame.udp(client, target, sport, port, data)


def udp_flood():
    world = World("udp-flood", "pcaps/plans/media.yaml", "half")
    for n in range(60):
        world.spawn(n * 60 * MS, bystander_turn(world, n))
        world.spawn(n * 60 * MS + 30 * MS, bystander_media(world, n))
    world.spawn(START, flood(world, datagram))
    return world.run()


SCENES = {"syn-flood": syn_flood, "udp-flood": udp_flood}

# SPDX-License-Identifier: BSD-3-Clause
"""Media on its own ports: RTP, RTCP, DTLS-SRTP, ZRTP; and ICMP errors about flows."""
import struct

from wire import frame, rtp, stun
from wire.capture import NANO
from wire.dtls import Handshake
from wire.frame import DOT1AD, DOT1Q, QINQ_OLD

from .session import CERTIFICATES
from .talk import Inbound, Udp
from .world import MS, World

PLAN = "pcaps/plans/media.yaml"
TAGS = [(), ((DOT1Q, 100),), ((DOT1AD, 200), (DOT1Q, 100)), ((QINQ_OLD, 300), (DOT1Q, 7)),
        ((DOT1Q, 200), (DOT1Q, 100))]


def client_of(n):
    return f"2001:db8:66:{n:x}::9" if n % 2 else f"192.0.2.{n + 20}"


def flights(send, datagrams):
    for datagram in datagrams:
        send(datagram)
        yield MS


def dtls_call(world, client, cport, vport):
    """ICE check, DTLS handshake, then SRTP and SRTCP on one port (rtcp-mux)."""
    flow = Udp(world, "av-media", client, cport, vport)
    prng = world.prng
    txid = prng.bytes(12)
    mapped = stun.xor_address(stun.XOR_MAPPED, client, cport, txid)
    yield from flow.exchange(stun.message(stun.BINDING, txid, fingerprint=True), stun.message(
        stun.BINDING | stun.SUCCESS, txid, mapped, None, True))
    shake = Handshake(prng, CERTIFICATES["sip.contoso.com"])
    cookie = prng.bytes(20)
    for send, datagrams in (
            (flow.ask, shake.client_hello), (flow.answer, lambda: shake.verify_request(cookie)),
            (flow.ask, lambda: shake.client_hello(cookie)), (flow.answer, shake.server_flight),
            (flow.ask, shake.client_flight), (flow.answer, shake.server_finish)):
        yield from flights(send, datagrams())
        yield flow.rtt
    ssrc = prng.below(1 << 32)
    for n in range(60):
        flow.ask(rtp.srtp(prng, 111, n, n * 960, ssrc, 80))
        yield 3 * MS
        flow.answer(rtp.srtp(prng, 111, 400 + n, n * 960, ssrc ^ 3, 80))
        if n % 20 == 10:
            flow.ask(rtp.srtcp(prng, ssrc, n))
            yield MS
            flow.answer(rtp.srtcp(prng, ssrc ^ 3, n))
        yield 17 * MS
    flow.ask(shake.close("client"))
    yield flow.rtt
    flow.answer(shake.close("server"))


def dtls_srtp():
    world = World("dtls-srtp", PLAN, "half")
    for n in range(10):
        world.spawn(n * 300 * MS, dtls_call(world, client_of(n), 56000 + n, 52000 + n * 2))
    return world.run()


def rtp_call(world, client, cport, vport, tags):
    """RTP on the even port, RTCP on the next, a second of each; BYE ends it."""
    voice = Udp(world, "av-media", client, cport, vport, tags=tags)
    control = Udp(world, "av-media", client, cport + 1, vport + 1, tags=tags)
    ssrc = world.prng.below(1 << 32)
    cname = f"c{cport}@example.com"
    for n in range(50):
        voice.ask(rtp.rtp(0, n, n * 160, ssrc, b"\xd5" * 160, n == 0))
        yield 4 * MS
        voice.answer(rtp.rtp(0, 60000 + n, n * 160, ssrc ^ 5, b"\x55" * 160, n == 0))
        if n % 25 == 5:
            control.ask(rtp.sender_report(ssrc, n, n, n * 160, ssrc ^ 5, cname))
            yield MS
            control.answer(rtp.receiver_report(ssrc ^ 5, ssrc, n, "edge@contoso.com"))
        yield 16 * MS
    control.ask(rtp.receiver_report(ssrc, ssrc ^ 5, 49, cname) + rtp.bye(ssrc))
    yield MS


def rtp_rtcp():
    world = World("rtp-rtcp", PLAN, "half")
    for n in range(20):
        world.spawn(n * 110 * MS, rtp_call(world, client_of(n), 57000 + n * 2, 53000 + n * 2,
                                           TAGS[n % 10 // 2]))
    return world.run()


def zrtp_call(world, client, cport, vport):
    """Hello, HelloACK, Commit, DHPart1, DHPart2, Confirm1, Confirm2, Conf2ACK, then SRTP."""
    flow = Udp(world, "av-media", client, cport, vport)
    prng = world.prng
    ssrc = prng.below(1 << 32)
    zid = prng.bytes(12)
    hello = (b"1.10" + b"Turnout capture " + prng.bytes(32) + zid
             + struct.pack("!I", 0x00011121) + b"S256AES1HS32DH3kB32 " + prng.bytes(8))
    commit = prng.bytes(32) + zid + b"S256AES1HS32DH3kB32 " + prng.bytes(32) + prng.bytes(8)
    part = prng.bytes(32) + prng.bytes(32) + prng.bytes(384) + prng.bytes(8)
    confirm = prng.bytes(8) + prng.bytes(16) + prng.bytes(36) + prng.bytes(16)
    steps = [("ask", "Hello", hello), ("answer", "HelloACK", b""), ("answer", "Hello", hello),
             ("ask", "HelloACK", b""), ("ask", "Commit", commit), ("answer", "DHPart1", part),
             ("ask", "DHPart2", part), ("answer", "Confirm1", confirm),
             ("ask", "Confirm2", confirm), ("answer", "Conf2ACK", b"")]
    for seq, (side, kind, body) in enumerate(steps):
        getattr(flow, side)(rtp.zrtp(seq, ssrc if side == "ask" else ssrc ^ 9, kind, body))
        yield flow.rtt
    for n in range(20):
        flow.ask(rtp.srtp(prng, 0, n, n * 160, ssrc, 160))
        yield 5 * MS
        flow.answer(rtp.srtp(prng, 0, n, n * 160, ssrc ^ 9, 160))
        yield 15 * MS


def zrtp():
    world = World("zrtp", PLAN, "half")
    for n in range(6):
        world.spawn(n * 200 * MS, zrtp_call(world, client_of(n), 58000 + n, 54000 + n * 2))
    return world.run()


class Errors:
    """ICMP errors about packets that were sent, as routers and hosts make them."""

    # name: (type, code, second word), IPv4 and IPv6
    KINDS = {"unreachable": ((3, 3, 0), (1, 4, 0)), "too big": ((3, 4, 1400), (2, 0, 1400)),
             "expired": ((11, 0, 0), (3, 0, 0)), "problem": ((12, 0, 0), (4, 0, 0)),
             "host": ((3, 1, 0), (1, 3, 0))}

    def __init__(self, world):
        self.world = world

    def send(self, source, target, kind, about, keep=None):
        """`about`: the IP packet; routers give back at least its first 8 bytes of payload."""
        v6 = frame.is_v6(source)
        fixed = 40 if v6 else 20
        head = Errors.KINDS[kind][v6] if kind in Errors.KINDS else kind
        body = about[:fixed + (keep if keep is not None else (500 if v6 else 8))]
        self.world.send(source, target, frame.ICMP6 if v6 else frame.ICMP,
                        frame.icmp(source, target, *head, body))


def original(src, dst, proto, sport, dport, v6):
    """The packet that an error is about, as its receiver saw it."""
    l4 = frame.udp(src, dst, sport, dport, b"\x80\0" + b"m" * 100) if proto == frame.UDP else \
        frame.tcp(src, dst, sport, dport, 1000, 2000, frame.ACK, b"t" * 100)
    return frame.ip(src, dst, proto, l4, **({} if v6 else {"ident": 77}))


def about_a_flow(world, flow, proto, vport):
    """Errors in both directions, from the ends and from a router on the way."""
    v6 = frame.is_v6(flow.client)
    errors, edge = Errors(world), flow.pin.edge.address(flow.service, v6)
    router = "2001:db8:ffff::1" if v6 else "198.18.0.1"
    answer = original(flow.vip, flow.client, proto, vport, flow.cport, v6)
    request = original(flow.client, edge, proto, flow.cport, vport, v6)
    for kind in Errors.KINDS:
        errors.send(flow.client, flow.vip, kind, answer)
        yield MS
        errors.send(router, flow.vip, kind, answer, 8)
        yield MS
        errors.send(edge, flow.client, kind, request)
        yield MS
        errors.send(router, flow.client, kind, request, 8)
        yield MS


def unmatched(world, v6):
    """Errors about nothing that is known, cut short, about fragments; and what is no error."""
    errors = Errors(world)
    client, vip, edge, router = (
        ("2001:db8:66:ee::1", "2001:db8:113::102", "2001:db8:113::30", "2001:db8:ffff::2") if v6
        else ("192.0.2.240", "203.0.113.102", "203.0.113.30", "198.18.0.2"))
    nobody = original(vip, client, frame.UDP, 3478, 9999, v6)
    for keep in (100, 8, 4, 2, 0):
        errors.send(router, vip, "unreachable", nobody, keep)
        yield MS
    errors.send(edge, client, "unreachable", original(client, edge, frame.TCP, 4242, 443, v6))
    yield MS
    errors.send(router, edge, "unreachable", original(edge, client, frame.UDP, 50500, 9, v6))
    yield MS
    parts = frame.fragments(vip, client, frame.UDP, frame.udp(vip, client, 3478, 9999,
                                                              bytes(2000)), 1000, 99)
    errors.send(router, vip, "unreachable", parts[1][14:], 40)
    yield MS
    for kind in ((128, 129) if v6 else (8, 0, 13)):  # echo and the like: a VIP is not a host
        errors.send(client, vip, (kind, 0, 0x00010001), b"abcdefgh" * 7, 56)
        yield MS
        errors.send(client, edge, (kind, 0, 0x00010002), b"abcdefgh" * 7, 56)
        yield MS


def embroiled(world, n):
    """A UDP flow and a TCP connection, each with errors in the middle."""
    client = client_of(n)
    flow = Udp(world, "av-turn", client, 59000 + n)
    txid = world.prng.bytes(12)
    mapped = stun.xor_address(stun.XOR_MAPPED, client, 59000 + n, txid)
    answer = stun.message(stun.BINDING | stun.SUCCESS, txid, mapped)
    yield from flow.exchange(stun.message(stun.BINDING, txid), answer)
    yield from about_a_flow(world, flow, frame.UDP, 3478)
    yield from flow.exchange(stun.message(stun.BINDING, txid), answer)
    connection = Inbound(world, "av-tcp", client, 59100 + n)
    yield from connection.open()
    yield from about_a_flow(world, connection, frame.TCP, 443)
    yield from connection.say("a", b"still here")
    yield from connection.close()


def icmp_errors():
    world = World("icmp-errors", PLAN, "half")
    for n in range(8):
        world.spawn(n * 400 * MS, embroiled(world, n))
    world.spawn(5 * NANO, unmatched(world, False))
    world.spawn(6 * NANO, unmatched(world, True))
    return world.run()


SCENES = {"dtls-srtp": dtls_srtp, "rtp-rtcp": rtp_rtcp, "zrtp": zrtp, "icmp-errors": icmp_errors}

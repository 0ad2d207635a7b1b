# SPDX-License-Identifier: BSD-3-Clause
"""Cleartext SIP: one trunk socket for many calls, odd messages, fragments, TCP."""
from wire import frame
from wire.capture import NANO
from wire.rtp import rtp
from wire.sip import Call, sdp

from . import torture
from .talk import Inbound, Udp
from .world import MS, World

TRUNK, TRUNK6 = "198.51.100.20", "2001:db8:51:100::20"
PLAN = "pcaps/plans/trunk.yaml"


class Leg:
    """A client's socket to a SIP service over UDP. Each dialog has its own edge."""

    def __init__(self, world, service, client, cport=5060):
        self.world, self.client, self.cport = world, client, cport
        self.service = world.site.services[service]
        self.v6 = frame.is_v6(client)
        self.vip = self.service.vip(self.v6)
        self.edges = {}

    def call(self, number):
        tag = self.world.prng.bytes(6).hex()
        return Call(self.client, self.cport, self.vip, f"{tag}@{self.client}", tag, number)

    def edge(self, call_id):
        """Of a Call-ID; None: of what has none."""
        if call_id is None or call_id not in self.edges:
            self.edges[call_id] = self.world.site.choose(
                self.world.second, self.service, self.client, self.cport, self.service.low,
                call_id.encode() if call_id else None)
        return self.edges[call_id]

    def source(self, call_id):
        return self.edge(call_id).address(self.service, self.v6)

    def ask(self, data, call_id=None):
        """The edge is settled by the first message, not by the answer."""
        self.edge(call_id)
        self.world.send(self.client, self.vip, frame.UDP,
                        frame.udp(self.client, self.vip, self.cport, self.service.low, data))

    def answer(self, data, call_id=None):
        source = self.source(call_id)
        self.world.send(source, self.client, frame.UDP,
                        frame.udp(source, self.client, self.service.low, self.cport, data))


def answered_call(leg, number, talk, media_port=None, edge_hangs_up=False):
    """INVITE to BYE; with media to the port that the edge's SDP claims on the VIP."""
    call = leg.call(number)
    ident = call.call_id
    leg.ask(call.request("INVITE", sdp(leg.client, 30000 + number * 2)), ident)
    yield 15 * MS
    leg.answer(call.response(100, "Trying", "INVITE"), ident)
    yield 120 * MS
    call.to_tag = f"e{number}"
    leg.answer(call.response(180, "Ringing", "INVITE"), ident)
    yield 3 * NANO + number % 7 * 311 * MS
    offer = sdp(leg.vip, media_port or 0) if media_port else sdp("192.0.2.200", 4000)
    leg.answer(call.response(200, "OK", "INVITE", offer), ident)
    yield 20 * MS
    leg.ask(call.request("ACK", branch=call.branch("ACK", 1)), ident)
    yield 30 * MS
    if media_port:
        yield from spoken(leg, leg.edge(ident), media_port, 30000 + number * 2)
    yield talk
    yield from hang_up(leg, call, edge_hangs_up)


def hang_up(leg, call, by_edge):
    call.cseq = 2
    first, second = (leg.answer, leg.ask) if by_edge else (leg.ask, leg.answer)
    first(call.request("BYE"), call.call_id)
    yield 25 * MS
    second(call.response(200, "OK", "BYE"), call.call_id)
    yield 5 * MS


def spoken(leg, edge, vport, cport):
    """A second of G.711 in both directions."""
    world = leg.world
    flow = Udp(world, "trunk-media", leg.client, cport, vport=vport).owned_by(edge)
    ssrc = world.prng.below(1 << 32)
    for n in range(50):
        flow.ask(rtp(0, 1000 + n, n * 160, ssrc, b"\xd5" * 160, n == 0))
        yield 3 * MS
        flow.answer(rtp(0, 7000 + n, n * 160, ssrc ^ 0xFFFF, b"\x55" * 160, n == 0))
        yield 17 * MS


def cancelled_call(leg, number):
    """Three minutes of ringing; CANCEL and ACK carry the branch of the INVITE."""
    call = leg.call(number)
    branch = call.branch("INVITE", 1)
    leg.ask(call.request("INVITE", sdp(leg.client, 31000)), call.call_id)
    yield 20 * MS
    leg.answer(call.response(100, "Trying", "INVITE"), call.call_id)
    call.to_tag = f"e{number}"
    for _ in range(3):
        yield 60 * NANO
        leg.answer(call.response(180, "Ringing", "INVITE"), call.call_id)
    yield 5 * NANO
    leg.ask(call.request("CANCEL", branch=branch), call.call_id)
    yield 20 * MS
    leg.answer(call.response(200, "OK", "CANCEL", branch=branch), call.call_id)
    yield 2 * MS
    leg.answer(call.response(487, "Request Terminated", "INVITE"), call.call_id)
    yield 20 * MS
    leg.ask(call.request("ACK", branch=branch), call.call_id)
    yield MS


def foreign_cancel(leg, number):
    """A CANCEL whose sender made up a new Call-ID: only the branch leads to the call's edge."""
    call = leg.call(number)
    branch = call.branch("INVITE", 1)
    leg.ask(call.request("INVITE", sdp(leg.client, 31100)), call.call_id)
    yield 20 * MS
    leg.answer(call.response(180, "Ringing", "INVITE"), call.call_id)
    yield 2 * NANO
    other = Call(leg.client, leg.cport, leg.vip, "changed." + call.call_id, call.tag, number)
    leg.edges[other.call_id] = leg.edge(call.call_id)
    leg.ask(other.request("CANCEL", branch=branch), other.call_id)
    yield 20 * MS
    leg.answer(other.response(200, "OK", "CANCEL", branch=branch), other.call_id)
    yield MS


def refused_call(leg, number):
    call = leg.call(number)
    leg.ask(call.request("INVITE", sdp(leg.client, 31200)), call.call_id)
    yield 500 * MS
    leg.ask(call.request("INVITE", sdp(leg.client, 31200)), call.call_id)  # Timer A
    yield 20 * MS
    call.to_tag = f"e{number}"
    leg.answer(call.response(486, "Busy Here", "INVITE"), call.call_id)
    yield 20 * MS
    leg.ask(call.request("ACK", branch=call.branch("INVITE", 1)), call.call_id)
    yield MS


def subscription(leg, number):
    call = leg.call(number)
    leg.ask(call.request("SUBSCRIBE"), call.call_id)
    yield 20 * MS
    call.to_tag = f"e{number}"
    leg.answer(call.response(200, "OK", "SUBSCRIBE"), call.call_id)
    for cseq in (10, 11, 12):
        yield 30 * NANO
        leg.answer(call.request("NOTIFY", cseq=cseq), call.call_id)
        yield 20 * MS
        leg.ask(call.response(200, "OK", "NOTIFY", cseq=cseq), call.call_id)


def odd_messages(leg):
    for call_id, data in torture.legal() + torture.broken():
        leg.ask(data, call_id)
        yield 20 * MS
        if call_id:
            via = f"Via: SIP/2.0/UDP {leg.client}"
            leg.answer(torture.lines("SIP/2.0 200 OK", via, f"Call-ID: {call_id}",
                                     "CSeq: 1 OPTIONS", "Content-Length: 0"), call_id)
        yield 80 * MS
    for call_id, data in torture.stray_responses():
        leg.ask(data, call_id)
        yield 100 * MS
    for data in torture.not_sip():
        leg.ask(data)
        yield 100 * MS


def edge_calls_out(world, edge, client):
    """A call that an edge opens with its own address: its answers come to that address."""
    service = world.site.services["trunk-udp"]
    source = world.site.edge(edge).address(service, frame.is_v6(client))
    call = Call(source, 5060, client, f"out.{edge}@{source}", f"o{edge}", 500)

    def send(src, dst, data):
        world.send(src, dst, frame.UDP, frame.udp(src, dst, 5060, 5060, data))

    send(source, client, call.request("INVITE", sdp(source, 20900)))
    yield 30 * MS
    call.to_tag = "peer"
    send(client, source, call.response(180, "Ringing", "INVITE"))
    yield 4 * NANO
    send(client, source, call.response(200, "OK", "INVITE", sdp(client, 32000)))
    yield 20 * MS
    send(source, client, call.request("ACK", branch=call.branch("ACK", 1)))
    yield 10 * NANO
    call.cseq = 2
    send(client, source, call.request("BYE"))
    yield 20 * MS
    send(source, client, call.response(200, "OK", "BYE"))


def keepalives(leg, count):
    for n in range(count):
        leg.ask((b"\r\n\r\n", b"\0\0\0\0", b"hello")[n % 3])
        yield 30 * NANO


def sip_udp():
    world = World("sip-udp", PLAN, "half")
    legs = [Leg(world, "trunk-udp", TRUNK), Leg(world, "trunk-udp", TRUNK6),
            Leg(world, "phones", "192.0.2.77", 5060)]
    for n in range(60):
        leg = legs[n % 8 // 7]
        port = 20000 + n * 4 if n % 5 == 0 else None
        world.spawn(n * 700 * MS, answered_call(leg, n, (5 + n % 40) * NANO, port, n % 3 == 0))
    for n, leg in enumerate(legs):
        world.spawn((2 + n) * NANO, cancelled_call(leg, 100 + n))
        world.spawn((4 + n) * NANO, foreign_cancel(leg, 110 + n))
        world.spawn((6 + n) * NANO, refused_call(leg, 120 + n))
        world.spawn((8 + n) * NANO, subscription(leg, 130 + n))
        world.spawn((9 + n) * NANO, keepalives(leg, 5))
    for n in range(12):
        phone = Leg(world, "phones", f"192.0.2.{80 + n}", 5062)
        world.spawn((10 + n) * NANO, answered_call(phone, 200 + n, 20 * NANO))
    world.spawn(60 * NANO, odd_messages(legs[0]))
    for n, edge in enumerate(("e1", "e2", "n1", "n2")):
        world.spawn((70 + n) * NANO, edge_calls_out(world, edge, TRUNK6 if n % 2 else TRUNK))
    return world.run()


def large_invite(leg, number):
    """About 4,000 bytes: a header that needs its room and a body of many candidates."""
    call = leg.call(number)
    more = [f"a=candidate:{n} 1 UDP {2130706431 - n} {leg.client} {30000 + n} typ host"
            for n in range(50)]
    return call, call.request("INVITE", sdp(leg.client, 30000, more=more))


def cut(leg, data, towards_edge, source=None, size=None):
    """Fragments that fill an MTU of 1,500, or of `size`."""
    size = size or (1448 if leg.v6 else 1480)
    src, dst = (leg.client, leg.vip) if towards_edge else (source, leg.client)
    sport, dport = (leg.cport, 5060) if towards_edge else (5060, leg.cport)
    return frame.fragments(src, dst, frame.UDP, frame.udp(src, dst, sport, dport, data), size,
                           leg.world.next_ident())


ORDERS = {"in order": lambda f: f, "reversed": lambda f: f[::-1], "middle last": lambda f: f[:1]
          + f[2:] + f[1:2], "duplicated": lambda f: [x for y in f for x in (y, y)],
          "first alone": lambda f: f[:1], "first lost": lambda f: f[1:], "small": lambda f: f}
WHOLE = ("in order", "middle last", "duplicated", "small")
TINY = 128  # the first fragment ends before the Call-ID: the message goes as a keepalive does


def in_pieces(leg, data, order, towards_edge, source=None):
    """What the gateway cannot put through whole is sent again, in order, after half a second."""
    size = 512 if order == "small" else None
    for part in ORDERS[order](cut(leg, data, towards_edge, source, size)):
        leg.world.frame(part)
        yield MS
    if order not in WHOLE:
        yield 500 * MS
        for part in cut(leg, data, towards_edge, source):
            leg.world.frame(part)
            yield MS


def fragmented_calls(leg):
    for n, order in enumerate(ORDERS):
        call, data = large_invite(leg, n)
        edge = leg.source(call.call_id)
        yield from in_pieces(leg, data, order, True)
        yield 20 * MS
        leg.answer(call.response(100, "Trying", "INVITE"), call.call_id)
        yield 2 * NANO
        more = [f"a=x-padding:{i:04d} {'p' * 60}" for i in range(40)]
        answer = call.response(200, "OK", "INVITE", sdp("192.0.2.200", 4000, more=more))
        yield from in_pieces(leg, answer, order, False, edge)
        leg.ask(call.request("ACK", branch=call.branch("ACK", 1)), call.call_id)
        yield 3 * NANO
        yield from hang_up(leg, call, False)
    for part in cut(leg, large_invite(leg, len(ORDERS))[1], True, size=TINY):
        leg.world.frame(part)
        yield MS


def interleaved(one, two):
    """Fragments of two messages with the same identification from two clients, side by side."""
    pairs = []
    for leg in (one, two):
        leg.world.ident = 4711
        call, data = large_invite(leg, 50)
        leg.edge(call.call_id)
        pairs.append(cut(leg, data, True))
    for left, right in zip(*pairs):
        one.world.frame(left)
        yield MS
        two.world.frame(right)
        yield MS


def sip_udp_fragments():
    world = World("sip-udp-fragments", PLAN, "half")
    legs = [Leg(world, "trunk-udp", TRUNK), Leg(world, "trunk-udp", TRUNK6)]
    for n, leg in enumerate(legs):
        world.spawn(n * 60 * NANO, fragmented_calls(leg))
    world.spawn(130 * NANO, interleaved(legs[0], Leg(world, "trunk-udp", "198.51.100.21")))
    return world.run()


def tcp_call(connection, call, size):
    yield from connection.say("a", call.request("INVITE", sdp(connection.client, 30000)), size)
    yield from connection.say("b", call.response(100, "Trying", "INVITE"))
    call.to_tag = "edge"
    answer = call.response(180, "Ringing", "INVITE") + call.response(
        200, "OK", "INVITE", sdp("192.0.2.200", 4000))
    yield from connection.say("b", answer, size)
    yield from connection.say("a", call.request("ACK", branch=call.branch("ACK", 1)), size)
    yield 4 * NANO
    call.cseq = 2
    yield from connection.say("a", call.request("BYE"), size)
    yield from connection.say("b", call.response(200, "OK", "BYE"), size)


def tcp_trunk(world, client, cport, size):
    """Calls, one after another, cut at `size`; then two messages in one segment, then pings."""
    connection = Inbound(world, "trunk-tcp", client, cport)
    yield from connection.open()
    for n in range(3):
        tag = world.prng.bytes(6).hex()
        call = Call(client, cport, connection.vip, f"{tag}@tcp", tag, n, "TCP")
        yield from tcp_call(connection, call, size)
    pair = b"".join(Call(client, cport, connection.vip, f"pair{n}.{cport}@tcp", f"p{n}{cport}", n,
                         "TCP").request("OPTIONS") for n in range(2))
    yield from connection.say("a", pair)
    for _ in range(3):
        yield 25 * NANO
        yield from connection.say("a", b"\r\n\r\n")
        yield from connection.say("b", b"\r\n")
    yield from connection.close("b" if size == 7 else "a")


def sip_tcp():
    world = World("sip-tcp", PLAN, "half")
    for n, size in enumerate((1460, 1460, 500, 100, 33, 7)):
        for m, client in enumerate((f"198.51.100.{30 + n}", f"2001:db8:51:{n:x}::30")):
            world.spawn(n * 2 * NANO + m * 900 * MS, tcp_trunk(world, client, 40000 + n, size))
    return world.run()


SCENES = {"sip-udp": sip_udp, "sip-udp-fragments": sip_udp_fragments, "sip-tcp": sip_tcp}

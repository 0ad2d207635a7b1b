# SPDX-License-Identifier: BSD-3-Clause
"""TCP services of an Edge pool: TLS with and without SNI, pseudo-TLS, federation, XMPP."""
from wire import stun, tls
from wire.capture import NANO

from . import session
from .talk import Direct, Inbound
from .world import MS, World

CONTOSO = "examples/contoso.yaml"
FABRIKAM = [f"198.51.100.{n}" for n in range(1, 7)]
LITWARE = [f"198.51.100.{n}" for n in range(65, 69)]
UNKNOWN = ["192.0.2.10", "198.51.101.25", "100.64.7.1"]


def visit(world, service, client, cport, host, cert="sip.contoso.com", *, turns=4, hello_cut=1460,
          end="fin", loss=0):
    """A whole connection; `end`: fin (client), edge, rst, half."""
    connection = Inbound(world, service, client, cport, rtt=10 + cport % 60, loss=loss)
    yield from connection.open()
    known = yield from session.handshake(connection, host, cert, hello_cut=hello_cut)
    prng = world.prng
    for _ in range(turns):
        yield from session.exchange(connection, prng.between(200, 1200), prng.between(150, 3500))
        yield prng.between(100, 3000) * MS
    if end == "rst":
        yield from connection.reset("a")
    elif end == "half":
        yield from half_close(connection)
    else:
        yield from session.goodbye(connection, "b" if end == "edge" else "a")
    return known


def half_close(connection):
    """The client has said all; the edge goes on for a minute."""
    connection.emit("a", 0x11)
    connection.advance("a", 1)
    for _ in range(4):
        yield 15 * NANO
        yield from connection.say("b", tls.data(connection.world.prng, 900))
    yield from connection.close("b")


def visitor(world, number, service, host, cert):
    """A client: a connection, then a resumed one from the next port."""
    client, cport = f"192.0.2.{number + 10}", 49152 + number * 8
    end = ("fin", "edge", "rst", "half")[number % 4]
    cut = 100 if number % 5 == 1 else 1460
    known = yield from visit(world, service, client, cport, host, cert, end=end, hello_cut=cut,
                             loss=60)
    yield 3 * NANO
    again = Inbound(world, service, client, cport + 1)
    yield from again.open()
    yield from session.handshake(again, host, cert, resume=known)
    yield from session.exchange(again, 700, 900)
    yield from session.goodbye(again)


def tls_sni():
    world = World("tls-sni", CONTOSO, "access-50")
    for n in range(40):
        world.spawn(n * 300 * MS, visitor(world, n, "access", "sip.contoso.com",
                                          "sip.contoso.com"))
    for n in range(40, 60):
        world.spawn(n * 300 * MS, visitor(world, n, "webconf", "webcon.contoso.com",
                                          "webcon.contoso.com"))
    return world.run()


def tls_no_sni():
    world = World("tls-no-sni", CONTOSO, "access-50")
    for n in range(30):
        world.spawn(n * 300 * MS, visitor(world, n, "access", None, "sip.contoso.com"))
    return world.run()


def av_call(world, client, cport, seconds, framing=True):
    """A/V over TCP 443: pseudo-TLS, Allocate, media in frames of type 3, or of RFC 4571."""
    connection = Inbound(world, "av-tcp", client, cport, rtt=30)
    prng = world.prng
    frame = tls.pseudo_frame if framing else (lambda kind, data: len(data).to_bytes(2, "big")
                                              + data)
    yield from connection.open()
    yield from session.pseudo_tls(connection)
    edge = connection.pin.edge.address(connection.service, False)
    yield from session.ms_allocation(connection, (edge, 50000 + cport % 10000), (client, cport),
                                     frame)
    for _ in range(seconds * 5):
        payload = b"\x80\x00" + prng.bytes(170)
        yield from connection.say("a", frame(3, payload))
        yield from connection.say("b", frame(3, b"\x80\x00" + prng.bytes(170)))
        yield 100 * MS
    refresh = stun.ms_message(stun.ALLOCATE, prng.bytes(16), stun.lifetime(0))
    yield from connection.say("a", frame(2, refresh))
    yield from connection.close("b")


def pseudo_tls():
    world = World("pseudo-tls", CONTOSO, "media")
    for n in range(12):
        world.spawn(n * 700 * MS, av_call(world, f"192.0.2.{n + 100}", 51000 + n, 3 + n % 4,
                                          n % 4 != 3))
    return world.run()


def partner_in(world, client, cport, cert, turns):
    """Inbound federation: MTLS, SIP in it that nobody here can read."""
    connection = Inbound(world, "federation", client, cport, rtt=35)
    yield from connection.open()
    yield from session.handshake(connection, None, "sip.contoso.com", client_cert=cert)
    for turn in range(turns):
        yield from session.exchange(connection, 600 + 37 * turn, 450)
        yield world.prng.between(1, 20) * NANO
    yield from session.goodbye(connection, "a" if turns % 2 else "b")


def partner_out(world, edge, peer, cport, cert, turns):
    """Outbound federation: the edge dials with its own address."""
    service = world.site.services["federation"]
    source = world.site.edge(edge).address(service, False)
    connection = Direct(world, source, peer, cport, 5061, rtt=35)
    yield from connection.open()
    yield from session.handshake(connection, None, cert, client_cert="sip.contoso.com")
    for _ in range(turns):
        yield from session.exchange(connection, 800, 500)
        yield world.prng.between(1, 20) * NANO
    yield from session.goodbye(connection)


def federation_5061():
    world = World("federation-5061", CONTOSO, "canary")
    inbound = [(FABRIKAM, "sip.fabrikam.example"), (LITWARE, "sip.litware.example"),
               (UNKNOWN, "sip.partner.example")]
    for p, (clients, cert) in enumerate(inbound):
        for n in range(12):
            world.spawn((n * 3 + p) * NANO, partner_in(world, clients[n % len(clients)],
                                                       40000 + 50 * p + n, cert, 2 + n % 4))
    for n, edge in enumerate(("e1", "e2", "n1", "n2")):
        world.spawn((5 + n) * NANO, partner_out(world, edge, FABRIKAM[n], 50100 + n,
                                                "sip.fabrikam.example", 3))
        world.spawn((9 + n) * NANO, partner_out(world, edge, LITWARE[n], 50200 + n,
                                                "sip.litware.example", 2))
    return world.run()


def xmpp_partner(world, client, cport):
    connection = Inbound(world, "xmpp", client, cport, rtt=40)
    yield from connection.open()
    yield from session.xmpp(connection, "jabber.example")
    yield from session.goodbye(connection)


def xmpp():
    world = World("xmpp", CONTOSO, "drain")
    for n in range(6):
        world.spawn(n * 4 * NANO, xmpp_partner(world, "198.51.100.130", 42000 + n))
    return world.run()


SCENES = {"tls-sni": tls_sni, "tls-no-sni": tls_no_sni, "pseudo-tls": pseudo_tls,
          "federation-5061": federation_5061, "xmpp": xmpp}

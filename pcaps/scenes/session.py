# SPDX-License-Identifier: BSD-3-Clause
"""What runs over a TCP connection: TLS, MTLS, XMPP, pseudo-TLS with MS-TURN in it."""
from wire import stun, tls
from wire.prng import Prng

from .world import MS, NANO

# One certificate a name, the same on every edge (S16, S17), whatever else is in the capture.
CERTIFICATES = {host: tls.certificate(Prng("certificate " + host), host)
                for host in ("sip.contoso.com", "webcon.contoso.com", "sip.fabrikam.example",
                             "sip.litware.example", "sip.partner.example")}


def handshake(connection, host, cert="sip.contoso.com", resume=None, client_cert=None,
              hello_cut=1460):
    """`host`: SNI or None. Returns the session's identifier."""
    prng = connection.world.prng
    session = resume or prng.bytes(32)
    hello = tls.client_hello(prng, host, resume or b"")
    yield from connection.say("a", hello, hello_cut, ack=False)
    if resume:
        yield from connection.say("b", tls.resumed_flight(prng, session), ack=False)
        yield from connection.say("a", tls.finished(prng))
        return session
    flight = tls.server_flight(prng, session, CERTIFICATES[cert], bool(client_cert))
    yield from connection.say("b", flight, ack=False)
    own = CERTIFICATES[client_cert] if client_cert else None
    yield from connection.say("a", tls.client_flight(prng, own), ack=False)
    yield from connection.say("b", tls.finished(prng))
    return session


def exchange(connection, ask, answer):
    """A request and its answer, in one record each."""
    prng = connection.world.prng
    yield from connection.say("a", tls.data(prng, ask), ack=False)
    yield from connection.say("b", tls.data(prng, answer))


def goodbye(connection, first="a"):
    yield from connection.say(first, tls.close_notify(connection.world.prng))
    yield from connection.close(first)


def xmpp(connection, partner, stanzas=3):
    """Server to server: a stream that goes to TLS after its first words."""
    prng = connection.world.prng
    opening = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream="
               "'http://etherx.jabber.org/streams' from='{}' to='{}' version='1.0'>")
    yield from connection.say("a", opening.format(partner, "contoso.com").encode())
    features = ("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                "</stream:features>")
    answer = opening.format("contoso.com", partner) + features
    yield from connection.say("b", answer.encode())
    yield from connection.say("a", b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    yield from connection.say("b", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    yield from handshake(connection, "contoso.com")
    for _ in range(stanzas):
        yield from exchange(connection, prng.between(120, 500), prng.between(80, 300))
        yield prng.between(2, 20) * NANO


def pseudo_tls(connection):
    """The 50 and the 83 bytes that open A/V on TCP 443."""
    prng = connection.world.prng
    yield from connection.say("a", tls.pseudo_client(prng), ack=False)
    yield from connection.say("b", tls.pseudo_server(prng))


def ms_allocation(connection, relay, client, framing=tls.pseudo_frame):
    """MS-TURN Allocate over TCP: challenged, then granted."""
    prng = connection.world.prng
    for granted in (False, True):
        txid = prng.bytes(16)
        ask = stun.attribute(stun.MS_VERSION, b"\0\0\0\4")
        if granted:
            ask += stun.attribute(stun.USERNAME, prng.bytes(48))
            ask += stun.attribute(stun.NONCE, b"n" * 16)
        yield from connection.say("a", framing(2, stun.ms_message(stun.ALLOCATE, txid, ask)))
        if granted:
            answer = stun.address(stun.MAPPED, *relay) + stun.lifetime(600)
            answer += stun.xor_address(stun.XOR_MAPPED, *client, txid[4:])
            kind = stun.ALLOCATE | stun.SUCCESS
        else:
            answer = stun.error(401, "Unauthorized") + stun.attribute(stun.REALM, b"rtcmedia")
            answer += stun.attribute(stun.NONCE, b"n" * 16)
            kind = stun.ALLOCATE | stun.ERROR
        yield from connection.say("b", framing(2, stun.ms_message(kind, txid, answer)))
    yield 10 * MS

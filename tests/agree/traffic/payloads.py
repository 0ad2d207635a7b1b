# SPDX-License-Identifier: BSD-3-Clause
"""Payloads of every class, made once; and which of them a service's ends say to each other."""

import functools
import struct

from scenes.broken import put
from wire import dtls, rtp, stun, tls
from wire.prng import Prng

SSRC = 0xC0FFEE00


@functools.lru_cache(maxsize=None)
def pool():
    prng = Prng("agree payloads")
    made = {"none": [b""], "keepalive": [b"\r\n\r\n", b"\0" * 4, b"hello", b" " * 16, b"\r\n" * 9],
            "unknown": [prng.bytes(n) for n in (1, 5, 40, 300, 1200)] + [b"\x7f" * 20]}
    made["tls"] = [tls.client_hello(prng, "sip.example"), tls.client_hello(prng, None),
                   tls.data(prng, 100), tls.data(prng, 1200), tls.close_notify(prng),
                   tls.finished(prng), tls.resumed_flight(prng, b"\1" * 32)]
    made["pseudo-tls"] = [tls.pseudo_client(prng), tls.pseudo_server(prng)]
    shake = dtls.Handshake(prng, tls.certificate(prng, "edge.example"))
    made["dtls"] = shake.client_hello() + shake.client_hello(b"\7" * 20) + shake.server_flight() \
        + [shake.close("client"), b"\x2f" + prng.bytes(30)]
    made["rtp"] = [rtp.rtp(0, n, n * 160, SSRC, prng.bytes(20 * n)) for n in range(1, 9)]
    made["rtcp"] = [rtp.sender_report(SSRC, 9, 5, 800, 7, "a@b"), rtp.bye(SSRC),
                    rtp.receiver_report(SSRC, 7, 9, "a@b"), rtp.srtcp(prng, SSRC, 3)]
    made["zrtp"] = [rtp.zrtp(1, SSRC, "Hello", prng.bytes(80)), rtp.zrtp(2, SSRC, "HelloACK", b"")]
    made["quic"] = quic(prng)
    made["xmpp"] = [b"<?xml version='1.0'?>", b"<stream:stream to='a'>", b"<iq type='get'/>",
                    b"<presence/>", b"<message to='a'>x</message>", b"<starttls xmlns='u'/>"]
    made["http"] = [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
                    b"POST /" + b"a" * 600, b"OPTIONS * HTTP/1.0\n"]
    made["binding"] = bindings(prng)
    made["channel"] = [stun.channel_data(0x4001, prng.bytes(40)), stun.channel_data(0x4FFF, b"abc"),
                       stun.channel_data(0x4000, b"") + b"\0"]
    made["relay"] = relays(prng)
    made["framed"] = [tls.pseudo_frame(3, made["rtp"][2]), tls.pseudo_frame(2, made["relay"][0]),
                      struct.pack("!H", 20) + made["binding"][0][:20], made["binding"][0]]
    made["sip"] = [b"OPTIONS sip:a@b SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n",
                   b"\r\nREGISTER sip:b SIP/2.0\r\nCall-ID:\r\n\r\n"]
    return made


def quic(prng):
    return [b"\xc3\0\0\0\1\x08" + prng.bytes(8) + b"\0" + prng.bytes(1100),
            b"\xe0\x6b\x33\x43\xcf\x04" + prng.bytes(40), b"\x51" + prng.bytes(30),
            b"\xc0\0\0\0\0\0" + prng.bytes(20)]


def bindings(prng):
    request = stun.message(stun.BINDING, prng.bytes(12))
    return [request, stun.message(stun.BINDING, prng.bytes(12), fingerprint=True),
            stun.message(stun.BINDING | stun.SUCCESS, prng.bytes(12),
                         stun.address(stun.MAPPED, "192.0.2.1", 5)),
            stun.message(stun.BINDING, prng.bytes(16)), stun.message(0x0011, prng.bytes(12))]


def relays(prng):
    """What a TURN client says that cannot begin a flow, in both dialects."""
    data = stun.attribute(stun.DATA_ATTR, prng.bytes(30))
    peer = stun.xor_address(stun.XOR_PEER, "192.0.2.9", 4000, bytes(12))
    send = stun.message(stun.SEND, prng.bytes(12), peer + data)
    ms_send = stun.ms_message(0x0004, prng.bytes(16), data)
    return [send, ms_send, stun.message(stun.CHANNEL_BIND, prng.bytes(12), peer),
            stun.message(stun.PERMISSION, prng.bytes(12), peer),
            stun.ms_multiplex(prng.bytes(8), ms_send), stun.ms_multiplex(prng.bytes(8), send),
            stun.ms_message(0x0115, prng.bytes(16), data, cookie=False)]


KINDS = {
    "media": ((8, "rtp"), (3, "rtcp"), (3, "binding"), (2, "dtls"), (1, "zrtp"), (1, "quic"),
              (1, "keepalive")),
    "turn": ((4, "binding"), (3, "channel"), (4, "relay"), (2, "rtp"), (1, "dtls"), (1, "quic"),
             (1, "unknown")),
    "sip": ((3, "keepalive"), (3, "sip"), (1, "binding"), (1, "unknown")),
    "xmpp": ((8, "xmpp"), (1, "tls")),
    "tls": ((8, "tls"), (1, "http"), (1, "none")),
    "mixed": tuple((1, name) for name in (
        "tls", "dtls", "rtp", "quic", "http", "zrtp", "unknown", "none", "sip", "xmpp", "rtcp")),
}
OVER_TCP = {"turn": ((3, "pseudo-tls"), (4, "framed"), (2, "channel"), (1, "relay"), (1, "tls")),
            "media": ((3, "pseudo-tls"), (5, "framed"), (1, "rtp"))}
LIKE = {"sip-tls": "tls", "federation": "tls", "psom": "tls", "takeover": "mixed",
        "other": "mixed"}


def some(dice, service):
    """A payload as it may be on this service, or what is not expected there; now and then with
    a byte changed, cut short, or followed by more than fits a packet."""
    kind = LIKE.get(service.kind, service.kind) if service else "mixed"
    table = OVER_TCP.get(kind) if service and service.protocol == "tcp" else None
    table = table or KINDS[kind]
    name = dice.weighed(table) if dice.often(90) else dice.pick(sorted(pool()))
    data = dice.pick(pool()[name])
    if data and dice.often(4):
        data = put(data, dice.below(min(30, len(data))), dice.bytes(1))
    if dice.often(2):
        data = data[:dice.below(len(data) + 1)]
    if dice.often(3):
        data += dice.bytes(dice.pick([1, 500, 1400, 1460, 1480, 2000, 3200]))
    return data

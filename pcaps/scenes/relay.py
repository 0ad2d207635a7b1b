# SPDX-License-Identifier: BSD-3-Clause
"""TURN, MS-TURN and STUN sessions through the A/V service, with their relayed media."""
import struct

from wire import frame, stun
from wire.capture import NANO
from wire.rtp import rtp

from .talk import Udp
from .world import MS, World

PLAN = "pcaps/plans/media.yaml"
KEY = stun.credentials("alice", "contoso.com", "secret")


class Turn(Udp):
    """A client's socket to the TURN server (RFC 8656)."""

    def __init__(self, world, client, cport, **kw):
        super().__init__(world, "av-turn", client, cport, **kw)
        self.relay = None

    def _key(self, more=b""):
        return more + b"".join([stun.attribute(stun.USERNAME, b"alice"),
                                stun.attribute(stun.REALM, b"contoso.com"),
                                stun.attribute(stun.NONCE, b"0123456789abcdef")])

    def _request(self, kind, more=b"", answer=b"", life=None):
        """An authenticated request and its success."""
        txid = self.world.prng.bytes(12)
        ask = stun.message(kind, txid, self._key(more), KEY)
        yield from self.exchange(ask, stun.message(kind | stun.SUCCESS, txid, answer, KEY, True),
                                 life)

    def allocate(self, port, on_vip, seconds=600):
        """401 first, then the relayed address: a port of the edge's own address, or of the VIP."""
        txid = self.world.prng.bytes(12)
        wanted = stun.attribute(stun.TRANSPORT, b"\x11\0\0\0")
        challenge = stun.error(401, "Unauthorized") + stun.attribute(stun.REALM, b"contoso.com")
        challenge += stun.attribute(stun.NONCE, b"0123456789abcdef")
        yield from self.exchange(stun.message(stun.ALLOCATE, txid, wanted),
                                 stun.message(stun.ALLOCATE | stun.ERROR, txid, challenge))
        txid = self.world.prng.bytes(12)
        self.relay = (self.vip if on_vip else self.edge_address(), port)
        answer = stun.xor_address(stun.XOR_RELAYED, *self.relay, txid)
        answer += stun.xor_address(stun.XOR_MAPPED, self.client, self.cport, txid)
        answer += stun.lifetime(seconds) + stun.attribute(stun.SOFTWARE, b"Contoso A/V Edge")
        ask = stun.message(stun.ALLOCATE, txid, self._key(wanted), KEY)
        self.ask(ask)
        yield self.rtt
        self.answer(stun.message(stun.ALLOCATE | stun.SUCCESS, txid, answer, KEY, True),
                    seconds + 60)
        yield self.rtt

    def refresh(self, seconds):
        yield from self._request(stun.REFRESH, stun.lifetime(seconds), stun.lifetime(seconds),
                                 seconds + 60)

    def permit(self, peer):
        txid = self.world.prng.bytes(12)
        target = stun.xor_address(stun.XOR_PEER, *peer, txid)
        ask = stun.message(stun.PERMISSION, txid, self._key(target), KEY)
        yield from self.exchange(ask, stun.message(stun.PERMISSION | stun.SUCCESS, txid, b"", KEY))

    def bind(self, channel, peer):
        txid = self.world.prng.bytes(12)
        more = stun.attribute(stun.CHANNEL, struct.pack("!HH", channel, 0))
        more += stun.xor_address(stun.XOR_PEER, *peer, txid)
        ask = stun.message(stun.CHANNEL_BIND, txid, self._key(more), KEY)
        yield from self.exchange(ask, stun.message(stun.CHANNEL_BIND | stun.SUCCESS, txid, b"",
                                                   KEY))

    def indication(self, kind, peer, data):
        txid = self.world.prng.bytes(12)
        more = stun.xor_address(stun.XOR_PEER, *peer, txid)
        return stun.message(kind, txid, more + stun.attribute(stun.DATA_ATTR, data))


class Peer:
    """Whoever the client talks to through its relayed address."""

    def __init__(self, turn, address, port):
        self.turn, self.address, self.port = turn, address, port
        self.relay, self.edge = turn.relay, turn.edge_address()

    def send(self, payload):
        to, port = self.relay
        self.turn.world.send(self.address, to, frame.UDP,
                             frame.udp(self.address, to, self.port, port, payload))

    def receive(self, payload):
        """What the edge relays leaves with its own address."""
        port = self.relay[1]
        self.turn.world.send(self.edge, self.address, frame.UDP,
                             frame.udp(self.edge, self.address, port, self.port, payload))


def media(turn, peer, channel, packets):
    """ChannelData between client and edge, RTP between edge and peer; the peer speaks first."""
    ssrc = turn.world.prng.below(1 << 32)
    for n in range(packets):
        there = rtp(0, 500 + n, n * 160, ssrc, b"\xd5" * 160)
        peer.send(there)
        yield MS
        turn.answer(stun.channel_data(channel, there))
        yield 4 * MS
        back = rtp(0, 900 + n, n * 160, ssrc ^ 1, b"\x55" * 160)
        turn.ask(stun.channel_data(channel, back))
        yield MS
        peer.receive(back)
        yield 14 * MS


def turn_session(world, client, cport, peer_address, port, on_vip, refreshes=2):
    turn = Turn(world, client, cport)
    yield from turn.allocate(port, on_vip)
    peer = (peer_address, 34000)
    yield from turn.permit(peer)
    far = Peer(turn, *peer)
    for n in range(3):
        check = stun.message(stun.BINDING, world.prng.bytes(12), fingerprint=True)
        turn.ask(turn.indication(stun.SEND, peer, check))
        yield 20 * MS
        if n:
            far.send(check)
            yield MS
            turn.answer(turn.indication(stun.DATA, peer, check))
        yield 50 * MS
    yield from turn.bind(0x4001, peer)
    yield from media(turn, far, 0x4001, 40)
    for _ in range(refreshes):
        yield 240 * NANO
        yield from turn.refresh(600)
        yield from media(turn, far, 0x4001, 5)
    yield from turn.refresh(0)


def out_of_nowhere(world, client, cport):
    """What cannot begin a flow: midflow."""
    turn = Turn(world, client, cport)
    prng = world.prng
    for payload in (stun.channel_data(0x4002, rtp(0, 1, 1, 1, b"x" * 160)),
                    stun.message(stun.REFRESH, prng.bytes(12), stun.lifetime(600), KEY),
                    turn.indication(stun.SEND, ("192.0.2.1", 9), b"data"),
                    rtp(0, 2, 320, 7, b"y" * 160)):
        data = frame.udp(client, turn.vip, cport, 3478, payload)
        world.send(client, turn.vip, frame.UDP, data)
        yield 12 * NANO


def stray_peers(world):
    """Media for ports that nobody, or somebody else, has on the VIP and on the edges."""
    for n, target in enumerate(("203.0.113.102", "203.0.113.30", "203.0.113.33",
                                "2001:db8:113::102", "2001:db8:113::31")):
        source = "2001:db8:99::5" if ":" in target else "198.51.100.222"
        for k in range(3):
            payload = rtp(0, k, k * 160, 99, b"z" * 160)
            world.send(source, target, frame.UDP, frame.udp(source, target, 40000, 59000 + n,
                                                            payload))
            yield 20 * MS


def turn_scene():
    world = World("turn", PLAN, "half")
    for n in range(16):
        client, peer = f"192.0.2.{n + 20}", f"198.51.100.{n + 100}"
        if n % 4 == 3:
            client, peer = f"2001:db8:77:{n:x}::1", f"2001:db8:88:{n:x}::1"
        for sibling in range(2):  # RTP and RTCP have an allocation each
            world.spawn(n * 2 * NANO + sibling * 400 * MS, turn_session(
                world, client, 52000 + n * 2 + sibling, peer, 50000 + n * 2 + sibling,
                n % 2 == 0, 1 + n % 3))
    world.spawn(20 * NANO, out_of_nowhere(world, "192.0.2.90", 52100))
    world.spawn(21 * NANO, out_of_nowhere(world, "2001:db8:77:90::1", 52100))
    world.spawn(40 * NANO, stray_peers(world))
    return world.run()


class MsTurn(Udp):
    """The older dialect: MAPPED-ADDRESS is the relayed address, type 4 is Send."""

    def __init__(self, world, client, cport, **kw):
        super().__init__(world, "av-turn", client, cport, **kw)
        self.relay = None

    def allocate(self, port, on_vip, seconds=600):
        prng = self.world.prng
        version = stun.attribute(stun.MS_VERSION, b"\0\0\0\4")
        nonce = stun.attribute(stun.NONCE, b"n" * 16)
        txid = prng.bytes(16)
        refusal = stun.error(401, "Unauthorized") + stun.attribute(stun.REALM, b"rtcmedia")
        yield from self.exchange(
            stun.ms_message(stun.ALLOCATE, txid, version),
            stun.ms_message(stun.ALLOCATE | stun.ERROR, txid, refusal + nonce))
        txid = prng.bytes(16)
        self.relay = (self.vip if on_vip else self.edge_address(), port)
        answer = stun.address(stun.MAPPED, *self.relay) + stun.lifetime(seconds)
        answer += stun.xor_address(stun.XOR_MAPPED, self.client, self.cport, txid[4:])
        user = stun.attribute(stun.USERNAME, prng.bytes(48))
        self.ask(stun.ms_message(stun.ALLOCATE, txid, version + user + nonce))
        yield self.rtt
        self.answer(stun.ms_message(stun.ALLOCATE | stun.SUCCESS, txid, answer), seconds + 60)
        yield self.rtt

    def send_to(self, peer, data):
        more = stun.address(stun.MS_DESTINATION, *peer) + stun.attribute(stun.DATA_ATTR, data)
        self.ask(stun.ms_message(0x0004, self.world.prng.bytes(16), more))

    def data_from(self, peer, data):
        """A Data indication, without the cookie."""
        more = stun.address(stun.MS_REMOTE, *peer) + stun.attribute(stun.DATA_ATTR, data)
        self.answer(stun.ms_message(0x0115, self.world.prng.bytes(16), more, cookie=False))


def ms_session(world, client, cport, peer_address, port, on_vip):
    turn = MsTurn(world, client, cport)
    yield from turn.allocate(port, on_vip)
    peer = (peer_address, 34000)
    far = Peer(turn, *peer)
    for n in range(20):
        voice = rtp(8, n, n * 160, 5555, b"\xd5" * 160)
        turn.send_to(peer, voice)
        yield 10 * MS
        far.send(voice)
        yield MS
        turn.data_from(peer, voice)
        yield 9 * MS
    ident = world.prng.bytes(8)
    for n in range(6):
        voice = stun.attribute(stun.DATA_ATTR, rtp(8, 20 + n, n * 160, 5555, b"\xd5" * 160))
        turn.ask(stun.ms_multiplex(ident, stun.ms_message(0x0004, world.prng.bytes(16), voice)))
        yield 20 * MS
        turn.answer(stun.ms_multiplex(ident, stun.ms_message(0x0115, world.prng.bytes(16), voice,
                                                             cookie=False)))
        yield 5 * MS
    yield from turn.allocate(port, on_vip, 0)


def ms_turn():
    world = World("ms-turn", PLAN, "half")
    for n in range(12):
        world.spawn(n * 900 * MS, ms_session(world, f"192.0.2.{n + 20}", 53000 + n,
                                             f"198.51.100.{n + 100}", 51000 + n, n % 2 == 0))
    return world.run()


def binding(world, client, cport, classic):
    """Keepalives: the mapped address every 20 s."""
    flow = Udp(world, "av-turn", client, cport)
    for _ in range(4):
        txid = world.prng.bytes(16 if classic else 12)
        if classic:
            answer = stun.address(stun.MAPPED, client, cport)
            yield from flow.exchange(stun.message(stun.BINDING, txid),
                                     stun.message(stun.BINDING | stun.SUCCESS, txid, answer))
        else:
            answer = stun.xor_address(stun.XOR_MAPPED, client, cport, txid)
            yield from flow.exchange(
                stun.message(stun.BINDING, txid, fingerprint=True),
                stun.message(stun.BINDING | stun.SUCCESS, txid, answer, None, True))
        yield 20 * NANO


def stun_binding():
    world = World("stun-binding", PLAN, "half")
    for n in range(20):
        world.spawn(n * 250 * MS, binding(world, f"192.0.2.{n + 20}", 54000 + n, n % 2 == 0))
    for n in range(8):
        world.spawn(n * 330 * MS, binding(world, f"2001:db8:77:{n:x}::2", 54000 + n, n % 4 == 0))
    return world.run()


SCENES = {"turn": turn_scene, "ms-turn": ms_turn, "stun-binding": stun_binding}

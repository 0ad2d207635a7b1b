# SPDX-License-Identifier: BSD-3-Clause
"""A contoso day, compressed into four hours: every stage, and the people who notice none of it.

Old flows stay with their edge through every switch; the edges answer accordingly. Access on e2
stops accepting connections at 5985 s, is declared down at 6000 s, and comes back at 6600 s.
"""
from wire import frame, stun
from wire.capture import NANO
from wire.prng import Prng

from . import session
from .encrypted import FABRIKAM, LITWARE
from .relay import Peer, Turn, media
from .talk import Direct, Inbound, Udp
from .world import MS, World

EVENTS = [(1800, "canary"), (3000, "access-10"), (4200, "access-25"), (5400, "access-50"),
          (6000, "down:e2"), (6600, "up:e2"), (7200, "access-25"), (7800, "access-50"),
          (8700, "access-100"), (9900, "federation"), (11100, "media"), (12600, "drain"),
          (13200, "drain:e1")]
END = 14400
DEAF = (5985, 6595)
KEEPALIVE = (240, 1100)  # seconds; the access service's idle time-out is 1,800


class Day:
    def __init__(self):
        self.world = World("contoso-day", "examples/contoso.yaml", "baseline", EVENTS)
        self.prng = self.world.prng
        self.ports = {}

    def port(self, client):
        self.ports[client] = self.ports.get(client, 49151 + sum(frame.packed(client)) % 97) + 1
        return self.ports[client]

    def connection(self, service, client):
        return Inbound(self.world, service, client, self.port(client),
                       rtt=self.prng.between(8, 90), loss=8)

    def open(self, connection):
        """False: gave up. Only the Access address of e2 has its bad ten minutes."""
        access = connection.service.address == "access"

        def deaf():
            return {"e2"} if access and DEAF[0] <= self.world.second < DEAF[1] else ()
        return connection.knock(deaf)

    def left(self):
        return END - 120 - self.world.second

    def hang_up(self, connection):
        """Mostly FIN, by either side; now and then an RST, or a side that lingers half-closed."""
        dice = self.prng.below(100)
        if dice < 5:
            yield from connection.reset("a" if dice < 3 else "b")
        elif dice < 8:
            connection.emit("a", frame.FIN | frame.ACK)
            connection.advance("a", 1)
            for _ in range(3):
                yield self.prng.between(10, 40) * NANO
                yield from connection.say("b", b"\x17\x03\x03\x01\x00" + self.prng.bytes(256))
            yield from connection.close("b")
        else:
            yield from session.goodbye(connection, "b" if dice < 40 else "a")

    def stay(self, connection, seconds):
        """Registered and mostly silent: a keepalive, or a message and its answer."""
        until = self.world.second + min(seconds, self.left())
        while True:
            pause = self.prng.between(*KEEPALIVE)
            if self.world.second + pause >= until:
                return
            yield pause * NANO + self.prng.below(NANO)
            if self.prng.chance(600):
                yield from session.exchange(connection, 4, 2)
            else:
                yield from session.exchange(connection, self.prng.between(400, 1400),
                                            self.prng.between(300, 1800))

    def work(self, connection, turns):
        for _ in range(turns):
            yield from session.exchange(connection, self.prng.between(300, 1100),
                                        self.prng.between(200, 1300))
            yield self.prng.between(200, 9000) * MS

    def remote_user(self, client, sessions, seconds):
        """Signs in, stays, loses the connection or leaves, and is back a little later."""
        known = None
        for _ in range(sessions):
            connection = self.connection("access", client)
            if not (yield from self.open(connection)):
                return
            known = yield from session.handshake(connection, "sip.contoso.com", resume=known)
            yield from self.work(connection, self.prng.between(1, 3))
            yield from self.stay(connection, seconds)
            yield from self.hang_up(connection)
            pause = self.prng.between(2, 30) if self.prng.chance(500) else \
                self.prng.between(120, 1500)
            if self.left() < pause + 60:
                return
            yield pause * NANO

    def meeting(self, client, seconds):
        """Web conferencing: PSOM in TLS, more downwards than upwards."""
        connection = self.connection("webconf", client)
        if not (yield from self.open(connection)):
            return
        yield from session.handshake(connection, "webcon.contoso.com", "webcon.contoso.com")
        yield from self.work(connection, 3)
        for _ in range(max(1, min(seconds, self.left()) // 300)):
            yield self.prng.between(200, 400) * NANO
            yield from session.exchange(connection, 150, self.prng.between(1500, 6000))
        yield from self.hang_up(connection)

    def call(self, client, peer, seconds):
        """A/V over UDP: two sibling allocations, media with a peer of the relay port."""
        voice = Turn(self.world, client, self.port(client), rtt=self.prng.between(10, 60))
        control = Turn(self.world, client, self.port(client), rtt=20)
        relay = 50000 + self.prng.below(4999) * 2
        yield from voice.allocate(relay, False)
        yield from control.allocate(relay + 1, False)
        yield from voice.permit((peer, 40000))
        yield from voice.bind(0x4000, (peer, 40000))
        far = Peer(voice, peer, 40000)
        until = self.world.second + min(seconds, self.left())
        yield from media(voice, far, 0x4000, 6)
        while self.world.second + 420 < until:
            yield self.prng.between(200, 400) * NANO
            yield from voice.refresh(600)
            yield from control.refresh(600)
            yield from media(voice, far, 0x4000, 3)
        yield max(1, until - self.world.second) * NANO // 2
        yield from voice.refresh(0)
        yield from control.refresh(0)

    def tcp_call(self, client, seconds):
        """A/V where only TCP 443 goes through."""
        connection = self.connection("av-tcp", client)
        if not (yield from self.open(connection)):
            return
        yield from session.pseudo_tls(connection)
        edge = connection.pin.edge.address(connection.service, False)
        yield from session.ms_allocation(connection, (edge, 50000 + self.prng.below(9999)),
                                         (client, connection.cport))
        for _ in range(max(4, min(seconds, self.left()) // 90)):
            yield from connection.say("a", b"\x03\0\0\xac\x80\0" + self.prng.bytes(170))
            yield from connection.say("b", b"\x03\0\0\xac\x80\0" + self.prng.bytes(170))
            yield self.prng.between(30, 90) * NANO
        yield from connection.close("a")

    def partner_in(self, client, cert, seconds):
        connection = self.connection("federation", client)
        if not (yield from self.open(connection)):
            return
        yield from session.handshake(connection, None, client_cert=cert)
        yield from self.work(connection, self.prng.between(2, 5))
        yield from self.stay(connection, seconds)
        yield from self.hang_up(connection)

    def partner_out(self, edge, peer, cert, seconds):
        """From the edge's own address; the answers come to that address, whatever the stage."""
        source = f"203.0.113.{10 + ('e1', 'e2', 'n1', 'n2').index(edge)}"
        connection = Direct(self.world, source, peer, self.port(source), 5061, rtt=35, loss=8)
        yield from connection.open()
        yield from session.handshake(connection, None, cert, client_cert="sip.contoso.com")
        yield from self.work(connection, 3)
        yield from self.stay(connection, seconds)
        yield from session.goodbye(connection)

    def jabber(self):
        connection = self.connection("xmpp", "198.51.100.130")
        if not (yield from self.open(connection)):
            return
        yield from session.xmpp(connection, "jabber.example")
        yield from self.stay(connection, 2400)
        yield from self.hang_up(connection)

    def scanner(self, client):
        """Knocks at ports that nothing serves, and pokes an ACK into a flow that never was."""
        for port in (22, 80, 3389, 8443, 443):
            flags = frame.ACK if port == 443 else frame.SYN
            vip = f"203.0.113.{100 + self.prng.below(3)}"
            data = frame.tcp(client, vip, 61000, port, self.prng.below(1 << 32), 1, flags)
            self.world.send(client, vip, frame.TCP, data)
            yield self.prng.between(1, 900) * MS

    def edge_lookup(self, edge):
        """An edge asks the DNS: out with its own address, and the answer back to it."""
        name = b"\x11_sipfederationtls\x04_tcp\x08fabrikam\x07example\0"
        ident = self.prng.bytes(2)
        question = name + b"\0\x21\0\1"
        self.world.send(edge, "192.0.2.53", frame.UDP, frame.udp(
            edge, "192.0.2.53", 50000 + self.port(edge) % 9999, 53,
            ident + b"\1\0\0\1\0\0\0\0\0\0" + question))
        yield 12 * MS
        answer = b"\xc0\x0c\0\x21\0\1\0\0\x0e\x10\0\x08\0\0\0\0\x13\xc5\xc0\x23"
        self.world.send("192.0.2.53", edge, frame.UDP, frame.udp(
            "192.0.2.53", edge, 53, 50000 + self.ports[edge] % 9999,
            ident + b"\x81\x80\0\1\0\1\0\0\0\0" + question + answer))

    def keepalive_probe(self, client):
        """A STUN Binding before a call that does not happen."""
        flow = Udp(self.world, "av-turn", client, self.port(client))
        txid = self.prng.bytes(12)
        yield from flow.exchange(stun.message(stun.BINDING, txid, fingerprint=True), stun.message(
            stun.BINDING | stun.SUCCESS, txid,
            stun.xor_address(stun.XOR_MAPPED, client, flow.cport, txid), None, True))

    def moment(self, low=0, high=END - 200):
        return self.prng.between(low, high) * NANO + self.prng.below(NANO)


def people(count):
    """Distinct addresses of homes and hotels, in an order that says nothing about them."""
    prng = Prng("contoso people")
    seen = {}
    while len(seen) < count:
        raw = prng.bytes(3)
        first = f"100.{64 + raw[0] % 64}" if raw[0] & 64 else f"198.{18 + raw[0] % 2}"
        seen[f"{first}.{raw[1]}.{1 + raw[2] % 254}"] = True
    return list(seen)


def users(day, everybody):
    spawn, prng = day.world.spawn, day.prng
    for client in everybody[:320]:  # at a desk: hours
        spawn(day.moment(0, 7000), day.remote_user(client, 1 + prng.below(2),
                                                   prng.between(1500, 9000)))
    for client in everybody[320:380]:  # from the first hour to the end, through every stage
        spawn(day.moment(0, 2500), day.remote_user(client, 1, END))
    for client in everybody[380:920]:  # on the road: minutes
        spawn(day.moment(), day.remote_user(client, 1 + prng.below(2), prng.between(10, 500)))
    for client in everybody[920:960]:  # a train comes out of its tunnel as e2 goes deaf
        spawn(day.moment(DEAF[0], DEAF[0] + 6), day.remote_user(client, 1, 60))
    for client in everybody[1000:1150] + everybody[:40]:
        spawn(day.moment(), day.meeting(client, prng.between(600, 3600)))
    callers = everybody[1150:1250] + everybody[100:180]
    for n, client in enumerate(callers):
        spawn(day.moment(), day.call(client, everybody[500 + n], prng.between(30, 2400)))
    for client in everybody[1250:1290] + everybody[200:220]:
        spawn(day.moment(), day.tcp_call(client, prng.between(300, 2400)))
    for client in everybody[300:340]:
        spawn(day.moment(), day.keepalive_probe(client))


def partners(day, others):
    spawn, prng = day.world.spawn, day.prng
    known = [(FABRIKAM, "sip.fabrikam.example"), (LITWARE, "sip.litware.example"),
             (others, "sip.partner.example")]
    for addresses, cert in known:
        for n in range(40):
            spawn(day.moment(), day.partner_in(addresses[n % len(addresses)], cert,
                                               prng.between(20, 5000)))
    for n in range(32):
        edge = (("e1", "e2"), ("n1", "n2"))[n >= 22][n % 2]
        when = day.moment(0, 9800) if n < 22 else day.moment(9950, END - 400)
        addresses, cert = known[n % 2]
        spawn(when, day.partner_out(edge, addresses[n % len(addresses)], cert,
                                    prng.between(20, 2500)))
    for _ in range(8):
        spawn(day.moment(), day.jabber())


def noise(day, everybody):
    for client in everybody[1290:1310]:
        day.world.spawn(day.moment(), day.scanner(client))
    for n in range(60):  # the first one is the first frame: events count from it
        when = day.moment() if n else 0
        day.world.spawn(when, day.edge_lookup(f"203.0.113.{10 + n % 4}"))


def contoso_day():
    day = Day()
    everybody = people(1350)
    users(day, everybody)
    partners(day, everybody[1310:1330])
    noise(day, everybody)
    return day.world.run()


def events():
    """What `turnout replay --at` takes, a line each: seconds since the first frame."""
    return "".join(f"{at}={event}\n" for at, event in EVENTS)


SCENES = {"contoso-day": contoso_day}

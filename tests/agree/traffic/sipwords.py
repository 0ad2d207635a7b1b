# SPDX-License-Identifier: BSD-3-Clause
"""SIP messages: their headers written in every permitted way, and some others; SDP that claims."""

from wire import sip

from . import turn, udp

CALL_IDS = 5  # different ones of a world, so that clients and edges meet in one dialog
REQUESTS = ((6, "INVITE"), (3, "ACK"), (3, "BYE"), (2, "CANCEL"), (2, "OPTIONS"), (2, "REGISTER"),
            (2, "SUBSCRIBE"), (1, "NOTIFY"), (1, "PRACK"), (1, "INVITE "))
STATUSES = ((3, 100), (4, 180), (2, 183), (6, 200), (1, 202), (1, 302), (2, 404), (2, 481),
            (1, 486), (2, 487), (1, 500), (1, 603), (1, 99), (1, 699))
CALL_ID_NAMES = ("Call-ID", "Call-ID", "Call-ID", "i", "CALL-ID", "call-id ", "I\t")
VIA_NAMES = ("Via", "Via", "Via", "v", "VIA", "via ")
LONG = 1500  # bytes that are read of a message


class Call:
    """A dialog as one flow's ends speak of it. The number of its Call-ID is all that others need
    to take part."""

    def __init__(self, world, flow):
        self.world, self.dice, self.flow = world, world.dice, flow
        self.number = self.dice.below(CALL_IDS)
        self.cseq, self.serial = 1, self.dice.below(4)

    def call_id(self):
        return f"call-{self.number}@{'x' * (self.number * 60)}"  # of 7 to 247 bytes

    def branch(self, method):
        if self.dice.often(6):
            return self.dice.pick(["old-style", "", "Z9HG4BK1", "z9hG4bK" + "b" * 260])
        return f"z9hG4bK-{self.number}-{self.serial}-{method.strip()}"

    def via(self, method):
        """The header's value: where the branch is, and what else looks like it."""
        host = f"SIP/2.0/UDP {sip.host(self.flow.client)}:{self.flow.cport}"
        branch = self.branch(method)
        return host + self.dice.weighed([
            (10, f";branch={branch}"), (2, f";rport;branch={branch};received=1.2.3.4"),
            (1, f" ; BRANCH = {branch} ;x"), (1, f";\r\n branch={branch}"), (1, ";rport"),
            (1, f";branch={branch}, SIP/2.0/UDP a;branch=z9hG4bKother"), (1, f";abranch={branch}"),
            (1, f";branch={branch};branch=z9hG4bKsecond")])

    def headers(self, method):
        dice, call_id = self.dice, self.call_id()
        if dice.often(8):
            call_id += "-another"  # only the branch tells whose it is
        found = [(dice.pick(VIA_NAMES), self.via(method)), ("Max-Forwards", "70"),
                 ("From", "<sip:a@example.com>;tag=1"), ("To", "<sip:b@example.com>"),
                 (dice.pick(CALL_ID_NAMES), dice.weighed([
                     (12, call_id), (1, f"\t {call_id}  "), (1, f"\r\n {call_id}")])),
                 ("CSeq", f"{self.cseq} {method}")]
        if dice.often(20):
            at, other = dice.below(len(found)), dice.below(len(found))
            found[at], found[other] = found[other], found[at]
        return self.odd(found)

    def odd(self, headers):
        """What is missing, doubled, or pushes the rest beyond what is read."""
        dice = self.dice
        if dice.often(3):
            headers.pop(dice.below(len(headers)))
        if dice.often(3):
            headers.append(("Call-ID", "another"))
        if dice.often(2):
            headers.insert(dice.below(len(headers)), ("Call-ID", dice.pick(["", "y" * 256])))
        if dice.often(4):
            headers[3:3] = [(f"X-{n}", "v") for n in range(dice.pick([20, 57, 58, 59, 60, 61, 70]))]
        if dice.often(12):
            headers.insert(dice.below(len(headers)),
                           ("Subject", "s" * dice.pick([200, 800, 1050, 1100, 1300])))
        return headers

    def text(self, start, headers, body=""):
        data = sip.message(start, headers, body, "application/sdp")
        if self.dice.often(4):
            data = data.replace(b"\r\n", b"\n")
        if self.dice.often(3):
            data = b"\r\n" * self.dice.between(1, 9) + data
        if self.dice.often(2):
            data = data[:self.dice.below(len(data))]
        return data

    def request(self, side, method=None):
        method = method or self.dice.weighed(REQUESTS)
        self.serial += self.dice.often(30)
        body = self.sdp(side) if method in ("INVITE", "ACK") and self.dice.often(60) else ""
        return self.text(f"{method} sip:b@example.com SIP/2.0", self.headers(method), body)

    def response(self, side, status=None, method=None):
        status = status or self.dice.weighed(STATUSES)
        method = method or self.dice.weighed(REQUESTS)
        body = self.sdp(side) if status in (180, 183, 200) and self.dice.often(60) else ""
        return self.text(f"SIP/2.0 {status:03} Because", self.headers(method), body)

    def anything(self, side):
        return self.request(side) if self.dice.often(50) else self.response(side)

    def sdp(self, side):
        """An edge names a port of a VIP, and somebody sends media there."""
        dice, world = self.dice, self.world
        places = turn.relayed_places(world, dice.pick([self.flow.family, 4, 6]))
        if side == "c" or not places:
            return sip.sdp(self.flow.client, dice.between(1024, 65535))
        vip, service = dice.pick(places)
        port = dice.between(service.low, min(service.high, service.low + 3))
        if dice.often(50):
            world.spawn(udp.media(world, vip, port), dice.below(10**9))
        return self.claim(vip, port, service)

    def claim(self, vip, port, service):
        dice, more = self.dice, []
        if dice.often(25):
            more.append(f"a=candidate:1 1 {dice.pick(['UDP', 'udp', 'TCP'])} 2130706431 {vip} "
                        f"{port} typ {dice.pick(['relay', 'host', 'srflx'])}")
        if dice.often(15):
            more.append(f"a=rtcp:{port + 1} IN {'IP6' if ':' in vip else 'IP4'} {vip}")
        if dice.often(15):
            more += [f"m=video {port + 2} RTP/AVP 31", f"c=IN IP4 {dice.pick(['192.0.2.1', vip])}"]
        if dice.often(5):
            more += [f"m=image {min(65535, service.low + n)} udptl t38" for n in range(40)]
        if dice.often(5):
            more += ["v=0", f"m=audio {port + 3} RTP/AVP 0"]
        if dice.often(4):
            more[:0] = ["a=x"] * dice.pick([50, 54, 55, 56, 57, 70])
        return sip.sdp(vip, port, rtcp=port + 1 if dice.often(30) else None, more=more)

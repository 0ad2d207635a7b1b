# SPDX-License-Identifier: BSD-3-Clause
"""I1 and I8, watched from outside the decision: only verdicts and edge states are looked at."""

from model import parse


class Broken(Exception):
    pass


class Watch:
    """Which edge answered each flow, and until when its pin must hold at the least.

    A flow is taken as established when an edge's answer in it was let through and no FIN,
    RST or SYN was seen since; it must then stay at that edge for HOLD seconds at least."""

    HOLD = 60

    def __init__(self, engine):
        self.engine = engine
        self.flows = {}
        self.packet = None
        self.now = 0

    def before(self, frame, now):
        self.now = max(self.now, now)
        self.packet = parse.addresses_of(frame)
        try:
            if self.packet:
                parse.read(self.packet)
        except parse.Malformed:
            self.packet = None

    def after(self, number, found):
        if found.verdict == "steer" and found.edge.state == "retired":
            raise Broken(f"frame {number}: a retired edge gets a packet (I8)")
        packet = self.packet
        if packet is None or packet.sport is None or packet.later_fragment:
            return
        if found.verdict == "reply" and found.reason == "reply":
            self.answered(packet, found)
        elif found.verdict == "steer" and found.reason not in ("owner", "dialog", "transaction"):
            self.steered(number, packet, found)

    def answered(self, packet, found):
        if found.service.sip_udp():
            return
        vip = found.service.vip(packet.family)
        key = (packet.dst, packet.dport, vip, packet.sport, packet.proto)
        self.flows[key] = (found.edge, self.now + min(self.HOLD, found.service.idle))
        self.ends(key, packet)

    def ends(self, key, packet):
        if packet.protocol == "tcp" and packet.flags & (parse.FIN | parse.RST):
            self.flows.pop(key, None)

    def steered(self, number, packet, found):
        key = (packet.src, packet.sport, packet.dst, packet.dport, packet.proto)
        edge, until = self.flows.get(key, (None, 0))
        if edge and self.now < until and edge.state != "retired" and found.edge is not edge:
            raise Broken(f"frame {number}: an established flow moves from {edge.name} "
                         f"to {found.edge.name} (I1)")
        self.ends(key, packet)

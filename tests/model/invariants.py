# SPDX-License-Identifier: BSD-3-Clause
"""I1 and I8, watched during a replay."""

from model import parse


class Broken(Exception):
    pass


class Watch:
    """Remembers the edge of each flow whose pin was seen proven and open, and until when."""

    def __init__(self, engine):
        self.engine = engine
        self.flows = {}
        self.packet = None

    def before(self, frame):
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
            vip = found.service.vip(packet.family)
            self.remember((packet.dst, packet.dport, vip, packet.sport, packet.protocol))
        elif packet.dst in self.engine.plan.vips and found.verdict in ("steer", "drop"):
            key = (packet.src, packet.sport, packet.dst, packet.dport, packet.protocol)
            self.compare(number, key, found)
            self.remember(key)

    def compare(self, number, key, found):
        edge, until = self.flows.get(key, (None, 0))
        if edge is None or self.engine.now >= until or edge.state == "retired" \
                or found.reason in ("ttl", "too-big", "reset", "sip-rate"):
            return
        if edge.state == "resetting" and self.packet.is_syn():
            return  # a new connection, and the old one's end was asked for
        if found.verdict == "drop" or found.edge is not edge:
            raise Broken(f"frame {number}: an established flow leaves {edge.name} (I1)")

    def remember(self, key):
        pin = self.engine.state.pin.proven(key, self.engine.now)
        if pin and not pin.closing:
            self.flows[key] = pin.edge, pin.expires
        else:
            self.flows.pop(key, None)

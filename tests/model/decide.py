# SPDX-License-Identifier: BSD-3-Clause
"""The decision: docs/state.md, section 3, in its order; then sections 7 and 10."""

from ipaddress import ip_network

from model import icmp, inward, outward, parse, verdict
from model.events import Stages
from model.guard import Guard
from model.state import FRAGMENT_LIFE, Entry, State

LINK_LOCAL, LINK_LOCAL6 = ip_network("169.254.0.0/16"), ip_network("fe80::/10")
FORWARDED = ("steer", "reply", "out")
OUTER_HEADER = {4: 20, 6: 40}


class Engine:
    def __init__(self, plan, stage=None, mtu=1500, unproven=1 << 20, proven=1 << 20,
                 sip_rate=0):
        self.plan = plan
        self.stages = Stages(plan.stage_by_name[stage] if stage else plan.stages[0], plan.grace)
        self.state = State(unproven, proven)
        self.mtu = mtu
        self.guard = Guard(sip_rate)
        self.now = 0
        self.generation = 1

    def decide(self, frame, now):
        """The verdict on a frame that comes at this second."""
        self.now = max(self.now, now)
        packet = parse.addresses_of(frame)
        if packet is None:
            return verdict.kernel("not-ip")
        if packet.dst in self.plan.gateway_set:
            found = self.foreign(packet, icmp.to_gateway, "gateway")
        elif self.on_link(packet.dst):
            found = verdict.kernel("not-ours")
        elif not self.ours(packet):
            found = self.foreign(packet, icmp.to_client, "not-ours")
        else:
            found = self.own(packet)
        return self.forward(packet, found)

    def ours(self, packet):
        return packet.dst in self.plan.vips or packet.dst in self.plan.edge_by_address \
            or packet.src in self.plan.edge_by_address

    def on_link(self, address):
        """What no router forwards to."""
        if address in self.plan.vips or address in self.plan.edge_by_address:
            return False
        if address.version == 4:
            return address.packed[0] >= 224 or address in LINK_LOCAL
        return address.is_multicast or address in LINK_LOCAL6

    def foreign(self, packet, match, reason):
        """Steps 2 and 3: the kernel's, but for ICMP errors about flows of ours."""
        try:
            parse.read(packet)
        except parse.Malformed:
            return verdict.kernel(reason)
        if packet.is_icmp_error():
            return match(self, packet) or verdict.kernel(reason)
        return verdict.kernel(reason)

    def own(self, packet):
        """Steps 4 to 11."""
        plan = self.plan
        if packet.src in plan.vips and packet.dst in plan.vips:
            return verdict.drop("spoof")
        try:
            parse.read(packet)
        except parse.Malformed as malformed:
            return verdict.drop(str(malformed))
        if packet.src in plan.edge_by_address and packet.dst in plan.vips:
            return verdict.drop("hairpin")
        if packet.dst in plan.edge_by_address:
            return self.to_edge(packet)
        if packet.later_fragment:
            return self.later_fragment(packet)
        found = self.flow(packet)
        if packet.first_fragment and (found.verdict, found.reason) != ("reply", "icmp-error"):
            self.remember(packet, found)
        return found

    def to_edge(self, packet):
        """Step 9, which for edges' own addresses stands before 7 and 8."""
        edge = self.plan.edge_by_address[packet.dst]
        if edge.state == "retired":
            found = verdict.drop("edge-retired", None, edge)
        else:
            found = verdict.Verdict("steer", "owner", None, edge)
        found.klass = self.class_of(packet)
        return found

    @staticmethod
    def class_of(packet):
        if packet.later_fragment:
            return "unknown"
        if packet.protocol is None:
            return "none"
        return inward.classify.classify(packet.payload, packet.protocol, False)

    def flow(self, packet):
        """Steps 8, 10 and 11."""
        to_vip = packet.dst in self.plan.vips
        if packet.is_icmp_error():
            if to_vip:
                return icmp.to_vip(self, packet)
            return icmp.to_client(self, packet) \
                or verdict.out(None, self.plan.edge_by_address[packet.src])
        return inward.decide(self, packet) if to_vip else outward.decide(self, packet)

    @staticmethod
    def fragment_key(packet):
        return packet.src, packet.dst, packet.fragment.ident, packet.fragment.protocol

    def remember(self, packet, found):
        entry = Entry(found.edge, found.service, self.now + FRAGMENT_LIFE, FRAGMENT_LIFE,
                      verdict=found.verdict)
        key, table = self.fragment_key(packet), self.state.fragment
        if not found.proven:
            table.add_unproven(key, None, entry)
        elif not table.add_proven(key, entry, self.now):
            self.state.counts["entry-lost"] += 1

    def later_fragment(self, packet):
        """Section 7."""
        entry = self.state.fragment.find(self.fragment_key(packet), None, self.now)
        if entry:
            found = verdict.Verdict(entry.verdict, "fragment", entry.service, entry.edge)
        elif packet.src in self.plan.edge_by_address:
            found = verdict.out(None, self.plan.edge_by_address[packet.src])
        else:
            found = verdict.drop("fragment-early")
        found.klass = "unknown"
        return found

    def forward(self, packet, found):
        """Section 10: TTL and MTU, after the flow's state."""
        if found.verdict not in FORWARDED:
            return found
        reason = None
        if packet.ttl <= 1:
            reason = "ttl"
        elif packet.ip_len + self.overhead(packet, found) > self.mtu:
            reason = "too-big"
        if reason:
            found.verdict, found.reason = "drop", reason
        return found

    @staticmethod
    def overhead(packet, found):
        if found.verdict != "steer" or found.edge.mode != "ipip" \
                or packet.dst in found.edge.own_addresses():
            return 0
        service = found.service
        return OUTER_HEADER[found.edge.address(service, packet.family).version]

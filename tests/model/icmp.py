# SPDX-License-Identifier: BSD-3-Clause
"""ICMP errors: docs/state.md, section 8. They change and renew nothing."""

from model import hashes, verdict
from model.parse import embedded

TUNNEL = {4: 4, 6: 41}  # IP protocol number of the same family in itself


def about(packet):
    """The packet that the error is about, or None."""
    return embedded(packet.l4[8:], packet.family)


def to_vip(engine, packet):
    inner = about(packet)
    if inner and inner.sport is not None and inner.src == packet.dst:
        key = (inner.dst, inner.dport, inner.src, inner.sport, inner.protocol)
        pin = engine.state.pin.find(key, None, engine.now)
        if pin:
            return verdict.steer(pin, "icmp-error")
        service = engine.plan.service_at(inner.src, inner.protocol, inner.sport)
        found = by_affinity(engine, service, inner.dst)
        if found and service.serves(found.edge, packet.family):
            return verdict.Verdict("steer", "icmp-error", service, found.edge)
    return verdict.drop("icmp-unmatched")


def by_affinity(engine, service, client):
    """Cleartext SIP over UDP has no pins."""
    if not service or not service.sip_udp() or service.group is None:
        return None
    return engine.state.affinity.proven((hashes.client_of(client), service.group), engine.now)


def to_client(engine, packet):
    """From an edge, or from anyone on the way to it. None when no flow is meant."""
    inner = about(packet)
    edge = inner and engine.plan.edge_by_address.get(inner.dst)
    if not edge or inner.dport is None or edge.mode != "dnat":
        return None
    reverse = engine.plan.reverse(inner.dst, inner.protocol, inner.dport)
    outgoing = engine.plan.outgoing(inner.dst, inner.protocol, inner.sport)
    for service in (reverse, outgoing):
        vip = service and service.vip(packet.family)
        pin = pin_of(engine, (inner.src, inner.sport, vip, inner.dport, inner.protocol), edge)
        if pin:
            return verdict.reply(pin.service, edge, "icmp-error")
        found = vip and by_affinity(engine, service, inner.src)
        if found and found.edge is edge:
            return verdict.reply(service, edge, "icmp-error")
    return None


def pin_of(engine, key, edge):
    for pin in (engine.state.pin.proven(key, engine.now),
                engine.state.pin.unproven(key, None, engine.now)):
        if pin and pin.edge is edge:
            return pin
    return None


def to_gateway(engine, packet):
    """About a tunnel of ours: the flow is that of the packet inside."""
    tunnel = about(packet)
    if not tunnel or tunnel.src not in engine.plan.gateway_set \
            or tunnel.proto != TUNNEL[packet.family]:
        return None
    edge = engine.plan.edge_by_address.get(tunnel.dst)
    inner = embedded(tunnel.rest, packet.family)
    if not edge or not inner or inner.dport is None or inner.dst not in engine.plan.vips:
        return None
    pin = pin_of(engine, (inner.src, inner.sport, inner.dst, inner.dport, inner.protocol), edge)
    if pin:
        return verdict.reply(pin.service, edge, "icmp-error")
    service = engine.plan.service_at(inner.dst, inner.protocol, inner.dport)
    found = by_affinity(engine, service, inner.src)
    if found and found.edge is edge and service.serves(edge, packet.family):
        return verdict.reply(service, edge, "icmp-error")
    return None

# SPDX-License-Identifier: BSD-3-Clause
"""Packets from an edge: rows E1 to E8 of docs/state.md, section 5."""

from dataclasses import dataclass

from model import classify, dialogs, hashes, learn, pins, sip, verdict


@dataclass
class View:
    """What the plan says of a packet from an edge."""
    edge: object
    reverse: object  # the service that its source port answers for
    outgoing: object
    klass: str
    message: object  # a SIP message over UDP


def look(engine, packet):
    plan, edge = engine.plan, engine.plan.edge_by_address[packet.src]
    reverse = plan.reverse(packet.src, packet.protocol, packet.sport)
    outgoing = plan.outgoing(packet.src, packet.protocol, packet.dport) or reverse
    known = reverse or outgoing
    media = bool(known) and known.kind in ("turn", "media")
    klass = classify.classify(packet.payload, packet.protocol, media)
    message = None
    if klass == "sip" and reverse and reverse.sip_udp():
        message = sip.read(packet.payload)
        message = message if message.call_id else None
    if message:
        outgoing = reverse
    return View(edge, reverse, outgoing, klass, message)


def decide(engine, packet):
    if packet.protocol is None:
        return verdict.out(None, engine.plan.edge_by_address[packet.src])
    view = look(engine, packet)
    found = judge(engine, packet, view)
    found.klass = view.klass
    return found


def judge(engine, packet, view):
    if view.edge.state == "retired":
        return verdict.out(view.outgoing, view.edge)
    found = None
    if view.message:
        found = answer(engine, packet, view)  # E1, E2
    elif view.reverse and view.reverse.sip_udp():
        found = keepalive(engine, packet, view)  # E3
    return found or pinned(engine, packet, view) or opened(engine, packet, view) \
        or plain(engine, packet, view)


def answer(engine, packet, view):
    message, state = view.message, engine.state
    places = [(state.dialog, message.call_id)]
    if not message.request:
        places.insert(0, (state.transaction, message.branch))
    for table, key in places:
        entry = through_vip(engine, table, key, packet.dst, view.edge)
        if entry:
            found = verdict.reply(view.reverse, view.edge)
            engine.guard.know(packet.dst, engine.now)
            context(engine, packet, view, view.reverse, True)
            learn.sdp(engine, view.edge, message)
            return found
    return None


def through_vip(engine, table, key, client, edge):
    for entry in dialogs.rows(engine, table, key, client):
        if entry.edge is edge and entry.through_vip:
            return entry
    return None


def context(engine, packet, view, service, through, **more):
    message = more.pop("message", view.message)
    dialogs.apply(engine, dialogs.Context(message, packet.dst, view.edge, service, True,
                                          through, **more))


def keepalive(engine, packet, view):
    if view.reverse.group is None:
        return None
    key = (hashes.client_of(packet.dst), view.reverse.group)
    found = engine.state.affinity.proven(key, engine.now)
    if found and found.edge is view.edge:
        return verdict.reply(view.reverse, view.edge)
    return None


def find_pin(engine, packet, view):
    """(key, pin): proven or unproven, of this edge; by the reverse map's VIP first. What a DSR edge
    sends from its own address is never an answer through the VIP."""
    if view.edge.mode != "dnat":
        return None, None
    for service in (view.reverse, view.outgoing):
        vip = service and service.vip(packet.family)
        key = (packet.dst, packet.dport, vip, packet.sport, packet.protocol)
        for pin in (engine.state.pin.proven(key, engine.now),
                    engine.state.pin.unproven(key, None, engine.now)):
            if pin and pin.edge is view.edge:
                return key, pin
    return None, None


def pinned(engine, packet, view):
    key, pin = find_pin(engine, packet, view)
    if pin is None:
        return None
    found = verdict.reply(pin.service, view.edge)
    fresh = False
    if not pin.proven and not pins.is_rst(packet):  # E5
        fresh = pins.prove(engine, key, pin)
    pins.touch(engine, pin, packet, True, packet.dst, fresh)
    if packet.protocol == "udp":
        learn.turn(engine, view.edge, pin, packet, view)
    teach(engine, packet, view, pin.service)
    return found


def teach(engine, packet, view, service, dialog=True):
    """SIP over TCP: dialogs, and the ports that SDP claims."""
    if not service or not service.sip_tcp() or view.klass != "sip" or pins.has_syn(packet):
        return
    message = sip.read(packet.payload)
    if message.call_id and dialog:
        context(engine, packet, view, service, True, message=message, make_transaction=False)
    learn.sdp(engine, view.edge, message)


def opened(engine, packet, view):
    """E6, E7."""
    service = view.outgoing
    if not service or service.edge_initiated != "vip" or view.edge.mode != "dnat" \
            or not service.vip(packet.family) or not begins(packet, view):
        return None
    if view.message:
        engine.guard.know(packet.dst, engine.now)
        context(engine, packet, view, service, True)
        learn.sdp(engine, view.edge, view.message)
        return verdict.out(service, view.edge)
    key = (packet.dst, packet.dport, service.vip(packet.family), packet.sport, packet.protocol)
    standing = engine.state.pin.find(key, None, engine.now)
    if standing and standing.edge is not view.edge:
        return verdict.drop("port-conflict", service, view.edge)
    pins.open_by_edge(engine, key, view.edge, service, packet.protocol == "tcp")
    return verdict.out(service, view.edge)


def begins(packet, view):
    if packet.protocol == "tcp":
        return packet.is_syn()
    if view.message:
        return view.message.request
    return view.reverse is None


def plain(engine, packet, view):
    """E8."""
    if view.message:
        if view.message.request:
            context(engine, packet, view, view.outgoing, False)
        learn.sdp(engine, view.edge, view.message)
    elif packet.protocol == "tcp":
        teach(engine, packet, view, view.outgoing, dialog=False)
    return verdict.out(view.outgoing, view.edge)

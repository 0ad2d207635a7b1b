# SPDX-License-Identifier: BSD-3-Clause
"""Packets to a VIP: rows V1 to V12 of docs/state.md, section 5."""

from model import choose, classify, dialogs, pins, sip, stun, verdict

MEDIA = ("turn", "media")


def decide(engine, packet):
    if packet.protocol is None:
        return verdict.drop("no-service")
    service = engine.plan.service_at(packet.dst, packet.protocol, packet.dport)
    key = (packet.src, packet.sport, packet.dst, packet.dport, packet.protocol)
    pin = engine.state.pin.find(key, None, engine.now)
    known = (pin and pin.service) or service
    klass = classify.classify(packet.payload, packet.protocol,
                              bool(known) and known.kind in MEDIA)
    if service and service.sip_udp():
        found = sip_udp(engine, packet, service, klass)
    elif packet.protocol == "udp":
        found = udp(engine, packet, service, klass, key, pin)
    elif packet.is_syn():
        found = syn(engine, packet, service, key)
    else:
        found = segment(engine, packet, service, klass, key, pin)
    found.klass = klass
    return found


def new_flow(engine, packet, service, call_id=None):
    """Steps 9 to 11."""
    key = choose.flowkey(engine, service, packet.src, (packet.sport, packet.dport), call_id)
    return choose.new_flow(engine, service, packet.src, packet.family, key)


def chosen(service, reason, edge):
    if edge is None:
        return verdict.drop(reason, service)
    return verdict.Verdict("steer", reason, service, edge)


def sip_udp(engine, packet, service, klass):
    if klass == "sip" and not engine.guard.admits(packet.src, packet.payload, engine.now):
        return verdict.drop("sip-rate", service)
    message = sip.read(packet.payload) if klass == "sip" else None
    if message is None or message.call_id is None:
        return chosen(service, *new_flow(engine, packet, service))  # V4
    context = dialogs.Context(message, packet.src, None, service, False, True)
    for reason, table, key in (("dialog", engine.state.dialog, message.call_id),
                               ("transaction", engine.state.transaction, message.branch)):
        entry = dialogs.serving(engine, table, key, packet.src, service, packet.family)
        if entry:  # V1, V2
            found = verdict.Verdict("steer", reason, service, entry.edge, proven=entry.proven)
            if entry.proven and entry.edge.mode != "dnat":
                engine.guard.know(packet.src, engine.now)
            context.edge, context.make_dialog = entry.edge, False
            dialogs.apply(engine, context)
            return found
    reason, edge = new_flow(engine, packet, service, message.call_id)  # V3
    if edge and message.request:
        context.edge, context.affine = edge, True
        dialogs.apply(engine, context)
    return chosen(service, reason, edge)


def udp(engine, packet, service, klass, key, pin):
    if pin:  # V5
        return follow(engine, packet, key, pin)
    if service is None:
        return verdict.drop("no-service")
    owner = None
    if service.kind in MEDIA:
        owner = engine.state.owner.proven((packet.dst, packet.dport), engine.now)
    if owner and service.serves(owner.edge, packet.family):  # V10
        pins.make(engine, key, owner.edge, service, "learned-owner")
        return verdict.Verdict("steer", "learned-owner", service, owner.edge, proven=True)
    if service.kind == "turn" and not stun.begins_flow(packet.payload, klass):
        return midflow(engine, packet, service, key)
    return fresh(engine, packet, service, key)


def syn(engine, packet, service, key):
    proven = engine.state.pin.proven(key, engine.now)
    unproven = engine.state.pin.unproven(key, None, engine.now)
    if proven and not proven.closing:
        if not resets(proven):  # V6
            return verdict.steer(proven, "pin")
        pins.reset(engine, proven, packet.src)
    if unproven and not resets(unproven):  # V7, V8
        return verdict.steer(unproven, "pin")
    if service is None:
        return verdict.drop("no-service")
    return fresh(engine, packet, service, key, proven)


def fresh(engine, packet, service, key, closing=None):
    """V12, and V7 beside a closing pin."""
    reason, edge = new_flow(engine, packet, service)
    if edge and not (closing and closing.edge is edge):
        pins.make(engine, key, edge, service, reason)
    return chosen(service, reason, edge)


def segment(engine, packet, service, klass, key, pin):
    if pin:  # V9
        pin = dsr_successor(engine, packet, key) or pin
        if resets(pin) and not pins.is_rst(packet):
            return reset(engine, packet, pin)
        found = follow(engine, packet, key, pin)
    elif service is None:
        return verdict.drop("no-service")
    else:
        found = midflow(engine, packet, service, key)
    return teach(engine, packet, service, klass, found, bool(pin) and pin.proven)


def resets(pin):
    """5.4: its edge is to be rid of its connections, and sees both ends of this one."""
    return pin.edge.state == "resetting" and pin.edge.mode == "dnat"


def reset(engine, packet, pin):
    """V9r: not steered, and answered."""
    pins.reset(engine, pin, packet.src)
    return verdict.Verdict("drop", "reset", pin.service, pin.edge, proven=pin.proven)


def midflow(engine, packet, service, key):
    """V11."""
    flowkey = choose.flowkey(engine, service, packet.src, (packet.sport, packet.dport))
    reason, edge = choose.midflow(engine, service, packet.family, flowkey)
    if edge and not pins.is_rst(packet):
        pin = pins.make(engine, key, edge, service, reason)
        pins.touch(engine, pin, packet, False, packet.src)
    return chosen(service, reason, edge)


def dsr_successor(engine, packet, key):
    """Beside a closing pin, the pin of a new connection to an edge that answers unseen."""
    proven = engine.state.pin.proven(key, engine.now)
    unproven = engine.state.pin.unproven(key, None, engine.now)
    if proven and proven.closing and unproven and proves(packet, unproven):
        return unproven
    return None


def proves(packet, pin):
    """A client's second packet proves only where the edge's answers are not seen."""
    if pin.proven or pin.edge.mode == "dnat" or pins.is_rst(packet):
        return False
    return packet.protocol == "udp" or not pins.has_syn(packet)


def follow(engine, packet, key, pin):
    found = verdict.steer(pin, "pin")
    proven = proves(packet, pin) and pins.prove(engine, key, pin)
    pins.touch(engine, pin, packet, False, packet.src, proven)
    return found


def teach(engine, packet, service, klass, found, proven):
    """Dialogs are learned from TCP too; the verdict, which this may change."""
    if not service or not service.sip_tcp() or klass != "sip" or not found.edge \
            or pins.has_syn(packet):
        return found
    if not engine.guard.admits(packet.src, packet.payload, engine.now, proven):
        return verdict.Verdict("drop", "sip-rate", found.service, found.edge, proven=proven)
    message = sip.read(packet.payload)
    if message.call_id:
        dialogs.apply(engine, dialogs.Context(message, packet.src, found.edge, service, False,
                                              True, make_transaction=False))
    return found

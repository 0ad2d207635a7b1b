# SPDX-License-Identifier: BSD-3-Clause
"""What edges say of their media ports: docs/state.md, section 5.3."""

from model import sdp as body
from model import stun
from model.state import TURN_GRACE, Entry, cut

MAX_CLAIMS = 32  # different ones of one SIP message


def turn(engine, edge, pin, packet, view):
    """An Allocate or Refresh success on a proven pin."""
    if edge.mode != "dnat" or not pin.proven or pin.service.kind != "turn":
        return
    answer = stun.read(packet.payload, view.klass)
    if answer is None:
        return
    pin.life = cut(answer.lifetime + TURN_GRACE)
    pin.expires = engine.now + pin.life
    if answer.type == stun.ALLOCATE_SUCCESS:
        pin.relay = None
        if answer.relayed and media_service(engine, *answer.relayed):
            pin.relay = answer.relayed
            claim(engine, pin.relay, edge, pin.life)
    elif answer.type == stun.REFRESH_SUCCESS and pin.relay:
        claim(engine, pin.relay, edge, pin.life)


def media_service(engine, address, port):
    """The service whose range a relayed address lies in."""
    service = engine.plan.service_at(address, "udp", port)
    return service if service and service.kind in ("media", "turn") else None


def claim(engine, place, edge, life):
    """The first live claim wins; the same edge's next one renews it."""
    table = engine.state.owner
    found = table.proven(place, engine.now)
    if found and found.edge is not edge:
        engine.state.counts["owner-conflict"] += 1
        return
    if not table.add_proven(place, Entry(edge, None, engine.now + life, life), engine.now):
        engine.state.counts["entry-lost"] += 1


def sdp(engine, edge, message):
    if edge.mode != "dnat":
        return
    for place in list(dict.fromkeys(body.claims(message.body)))[:MAX_CLAIMS]:
        service = media_service(engine, *place)
        if service:
            claim(engine, place, edge, service.idle)

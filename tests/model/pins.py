# SPDX-License-Identifier: BSD-3-Clause
"""Pins: making and proving them, and TCP from SYN to gone (docs/state.md, section 5.2)."""

from model import affinity
from model.parse import FIN, RST, SYN
from model.state import CLOSING_LIFE, OPENING_LIFE, UNPROVEN_LIFE, Entry

DECIDED = ("midflow", "affinity", "route", "fallback")  # by steps 8 to 11


def make(engine, key, edge, service, reason):
    """An unproven pin of a flow that a client opened."""
    pin = Entry(edge, service, engine.now + UNPROVEN_LIFE, service.idle,
                affine=reason in DECIDED and service.group is not None)
    engine.state.pin.add_unproven(key, None, pin)
    return pin


def open_by_edge(engine, key, edge, service, tcp):
    """An edge's own word is proof."""
    pin = Entry(edge, service, engine.now + (OPENING_LIFE if tcp else service.idle),
                service.idle, opened_by_edge=tcp)
    if not engine.state.pin.add_proven(key, pin, engine.now):
        engine.state.counts["entry-lost"] += 1
        return
    engine.state.pin.rows[False].pop((key, None), None)


def prove(engine, key, pin):
    """False when a pin that is in use stands in the way, or the table is full."""
    standing = engine.state.pin.proven(key, engine.now)
    if standing and not standing.closing:
        return False
    return engine.state.pin.prove(key, None, pin, engine.now)


def touch(engine, pin, packet, from_edge, client, just_proven=False):
    """A packet of the pin: its bits, its expiry, its client's affinity."""
    was_open = not pin.closing
    if packet.protocol == "tcp":
        segment(pin, packet, from_edge)
        if not from_edge and not packet.flags & RST:
            pin.opened_by_edge = False
    if not pin.proven:
        return
    life = pin.life
    if pin.closing:
        life = CLOSING_LIFE
    elif pin.opened_by_edge:
        life = OPENING_LIFE
    pin.expires = engine.now + life
    affinity.after(engine, pin, client, was_open, not pin.closing, just_proven)


def reset(engine, pin, client):
    """As a RST of the client."""
    was_open = not pin.closing
    pin.rst = True
    pin.seen_client = pin.seen_edge = False
    if pin.proven:
        pin.expires = engine.now + CLOSING_LIFE
        affinity.after(engine, pin, client, was_open, False, False)


def segment(pin, packet, from_edge):
    if packet.flags & SYN:
        if from_edge and pin.closing:
            clear(pin)
    elif packet.flags & RST:
        pin.rst = True
        pin.seen_client = pin.seen_edge = False
    elif packet.flags & FIN:
        finish(pin, from_edge, True)
    else:
        talk(pin, packet, from_edge)


def finish(pin, from_edge, value):
    if from_edge:
        pin.fin_edge = value
    else:
        pin.fin_client = value


def talk(pin, packet, from_edge):
    if pin.rst:
        if from_edge:
            pin.seen_edge = True
        else:
            pin.seen_client = True
        if pin.seen_client and pin.seen_edge:
            pin.rst = pin.seen_client = pin.seen_edge = False
    if packet.payload:
        finish(pin, from_edge, False)


def clear(pin):
    pin.fin_client = pin.fin_edge = pin.rst = pin.seen_client = pin.seen_edge = False


def is_rst(packet):
    return packet.protocol == "tcp" and bool(packet.flags & RST)


def has_syn(packet):
    return bool(packet.flags & SYN)

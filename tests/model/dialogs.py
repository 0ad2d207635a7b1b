# SPDX-License-Identifier: BSD-3-Clause
"""Dialogs and transactions: docs/state.md, section 5.1."""

from dataclasses import dataclass

from model import affinity, hashes
from model.state import DIALOG_LIFE, RINGING_LIFE, UNPROVEN_LIFE, Entry


@dataclass
class Context:
    """One SIP message, its edge known."""
    message: object
    client: object  # the outside address
    edge: object
    service: object  # the one that the message is on
    from_edge: bool
    through_vip: bool
    affine: bool = False  # steps 9 to 11 decided
    make_dialog: bool = True
    make_transaction: bool = True


def rows(engine, table, key, client):
    """The usable entries that speak for this client, the proven one first."""
    if key is None:
        return []
    found = table.proven(key, engine.now), table.unproven(key, hashes.client_of(client),
                                                          engine.now)
    return [entry for entry in found if entry]


def serving(engine, table, key, client, service, family):
    """The entry that a message to a VIP follows."""
    for entry in rows(engine, table, key, client):
        if service.serves(entry.edge, family):
            return entry
    return None


def of_edge(engine, table, key, client, edge):
    for entry in rows(engine, table, key, client):
        if entry.edge is edge:
            return entry
    return None


def apply(engine, context):
    """Rules 1 to 4."""
    message, state = context.message, engine.state
    dialog = of_edge(engine, state.dialog, message.call_id, context.client, context.edge)
    transaction = of_edge(engine, state.transaction, message.branch, context.client, context.edge)
    was_open = dialog is not None and not dialog.ended
    met = dialog, transaction
    dialog, transaction = make(engine, context, dialog, transaction)
    fresh = prove(engine, context, *met)
    status(engine, context, dialog, transaction)
    for entry in (dialog, transaction):
        if entry and entry.proven and not entry.ended:
            entry.expires = engine.now + entry.life
    if dialog:
        affinity.after(engine, dialog, context.client, was_open, not dialog.ended, fresh)


def make(engine, context, dialog, transaction):
    """Rule 1."""
    message = context.message
    if not message.request:
        return dialog, transaction
    proven = context.from_edge or (dialog is not None and dialog.proven)
    if dialog is None and context.make_dialog:
        dialog = add(engine, engine.state.dialog, message.call_id, context, context.from_edge)
        if dialog:
            dialog.affine = context.affine and context.service.group is not None
    if transaction is None and context.make_transaction and message.branch \
            and message.method != b"ACK":
        transaction = add(engine, engine.state.transaction, message.branch, context, proven)
    return dialog, transaction


def add(engine, table, key, context, proven):
    if table.proven(key, engine.now):
        return None  # another edge's, which was first
    entry = Entry(context.edge, context.service, engine.now + UNPROVEN_LIFE, DIALOG_LIFE,
                  through_vip=context.through_vip)
    if not proven:
        table.add_unproven(key, hashes.client_of(context.client), entry)
        return entry
    if not table.add_proven(key, entry, engine.now):
        engine.state.counts["entry-lost"] += 1
        return None
    return entry


def prove(engine, context, dialog, transaction):
    """Rule 2, for what was there before this message. Whether the dialog was proven now."""
    if not context.from_edge and context.edge.mode == "dnat":
        return False
    message, client, fresh = context.message, hashes.client_of(context.client), False
    for table, key, entry in ((engine.state.dialog, message.call_id, dialog),
                              (engine.state.transaction, message.branch, transaction)):
        if entry and not entry.proven and not table.proven(key, engine.now) \
                and table.prove(key, client, entry, engine.now):
            fresh = fresh or entry is dialog
    if fresh and not context.from_edge:
        dialog.established = True  # no 2xx of a DSR edge is ever seen
        dialog.life = context.service.idle
    return fresh


def status(engine, context, dialog, transaction):
    """Rule 3."""
    message = context.message
    if message.request:
        return
    kind = message.status // 100
    if transaction and transaction.proven and message.method == b"INVITE":
        transaction.life = RINGING_LIFE if kind == 1 else DIALOG_LIFE
    if not dialog or not dialog.proven or dialog.ended:
        return
    if message.method == b"INVITE" and not dialog.established:
        dialog.life = RINGING_LIFE if kind == 1 else DIALOG_LIFE
    if message.method in (b"INVITE", b"SUBSCRIBE") and kind == 2:
        dialog.established = True
        dialog.life = context.service.idle
    if message.method == b"BYE" and (kind == 2 or message.status == 481):
        dialog.ended = True
        dialog.life = DIALOG_LIFE
        dialog.expires = engine.now + DIALOG_LIFE

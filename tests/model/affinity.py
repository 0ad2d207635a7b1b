# SPDX-License-Identifier: BSD-3-Clause
"""Affinity, written by proof: docs/state.md, section 6."""

from model import hashes
from model.state import AFFINITY_RENEWAL, Entry


def key_of(entry, client):
    return hashes.client_of(client), entry.service.group


def after(engine, entry, client, was_open, is_open, just_proven):
    """A packet of this entry was handled; its expiry is already the new one."""
    if not entry.proven or not entry.affine:
        return
    if is_open and (just_proven or not was_open):
        join(engine, entry, client)
    elif is_open:
        renew(engine, entry, client)
    elif entry.counted:
        leave(engine, entry, client)


def join(engine, entry, client):
    table, key = engine.state.affinity, key_of(entry, client)
    found = table.proven(key, engine.now)
    if found is None:
        found = Entry(entry.edge, None, entry.expires, 0)
        if not table.add_proven(key, found, engine.now):
            engine.state.counts["entry-lost"] += 1
            return
    elif found.edge is not entry.edge:
        entry.affine = False
        return
    found.live += 1
    found.expires = max(found.expires, entry.expires)
    entry.counted = True
    entry.affinity_time = engine.now


def renew(engine, entry, client):
    if engine.now - entry.affinity_time < AFFINITY_RENEWAL:
        return
    found = engine.state.affinity.proven(key_of(entry, client), engine.now)
    if found is None:
        join(engine, entry, client)
    elif found.edge is entry.edge:
        found.expires = max(found.expires, entry.expires)
        entry.affinity_time = engine.now


def leave(engine, entry, client):
    entry.counted = False
    found = engine.state.affinity.proven(key_of(entry, client), engine.now)
    if found is None or found.edge is not entry.edge:
        return
    found.live = max(0, found.live - 1)
    if found.live == 0:
        found.expires = entry.expires

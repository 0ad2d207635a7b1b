# SPDX-License-Identifier: BSD-3-Clause
"""Steps 8 to 11 of the decision: where a new flow goes (docs/state.md, section 6)."""

from model import hashes

OTHER = {"legacy": "new", "new": "legacy"}


def flowkey(engine, service, client, ports, call_id=None):
    """ports: (the client's, the VIP's); call_id: of a SIP message over UDP."""
    number = hashes.client_of(client)
    if service.balance == "client":
        return number
    if call_id is not None:
        return hashes.string_hash(engine.plan.salt, call_id)
    return hashes.flowkey_of_ports(number, *ports)


def eligible(edge, service, family):
    return edge.state == "up" and edge.address(service, family) is not None


def best(pool, service, family, key):
    """The highest score; of equal ones the first in the plan."""
    edges = [e for e in pool.edges if eligible(e, service, family)] if pool else []
    return max(edges, key=lambda e: hashes.score(key, e.seed), default=None)


def in_pool(service, role, reason, family, key):
    """(reason, edge); the reason of a drop comes with edge None."""
    edge = best(service.pools[role], service, family, key)
    if edge:
        return reason, edge
    if service.fallback == "other":
        edge = best(service.pools[OTHER[role]], service, family, key)
        if edge:
            return "fallback", edge
    return "no-edge", None


def midflow(engine, service, family, key):
    role = engine.stages.stage.midflow.get(service.name, service.midflow)
    if role == "drop":
        return "midflow", None
    return in_pool(service, role, "midflow", family, key)


def by_affinity(engine, service, client, family):
    if service.group is None:
        return None
    found = engine.state.affinity.proven((hashes.client_of(client), service.group), engine.now)
    if not found or not eligible(found.edge, service, family):
        return None
    for role, pool in service.pools.items():
        if pool is found.edge.pool \
                and engine.stages.takes_clients(service, role, client, engine.now):
            return found.edge
    return None


def new_flow(engine, service, client, family, key):
    """Steps 9 to 11: (reason, edge)."""
    edge = by_affinity(engine, service, client, family)
    if edge:
        return "affinity", edge
    share = engine.stages.stage.share(service, client)
    number = hashes.client_of(client)
    role = "new" if hashes.bucket(engine.plan.salt, number) < share else "legacy"
    return in_pool(service, role, "route", family, key)

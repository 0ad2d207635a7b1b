# SPDX-License-Identifier: BSD-3-Clause
"""Which scripts a world's plan has work for, and how often each is chosen."""

import functools

from . import edges, icmp, loyal, sip, strays, tcp, turn, udp


def choice(world):
    """A list of (weight, function of the world that makes a script)."""
    by = {}
    for service in world.plan.services:
        key = service.protocol if service.protocol == "tcp" else \
            {"sip": "sip", "turn": "turn"}.get(service.kind, "udp")
        by.setdefault(key, []).append(service)
    found = [(weight * min(2, len(by[key])), functools.partial(make, services=by[key]))
             for weight, key, make in ((5, "tcp", tcp.script), (6, "sip", sip.script),
                                       (6, "turn", turn.script), (4, "udp", udp.script))
             if key in by]
    grouped = loyal.services_of(world)
    if grouped:
        found.append((4, functools.partial(loyal.script, services=grouped)))
    anything = functools.partial(strays.small, services=world.plan.services)
    return found + [(4, edges.script), (2, edges.meeting), (3, icmp.script), (1, icmp.pings),
                    (2, strays.malformed), (2, strays.foreign), (1, anything), (4, strays.churn)]

# SPDX-License-Identifier: BSD-3-Clause
"""Events that are not packets: docs/state.md, section 11. Each is one generation."""

EDGE_EVENTS = ("down", "up", "drain", "retire", "readmit", "reset")
AFTER = {"down": "down", "up": "up", "drain": "draining", "retire": "retired",
         "reset": "resetting"}


class Stages:
    """The stages so far, with the times they were entered."""

    def __init__(self, stage, grace):
        self.past = []  # (stage, time it was left)
        self.stage = stage
        self.grace = grace

    def switch(self, stage, now):
        self.past.append((self.stage, now))
        self.stage = stage

    def takes_clients(self, service, role, address, now):
        """Whether the pool's share on the client's route is above 0, or was within `grace`."""
        if share_of(self.stage, service, role, address) > 0:
            return True
        for stage, left in reversed(self.past):
            if share_of(stage, service, role, address) > 0:
                return now - left < self.grace
        return False


def share_of(stage, service, role, address):
    share = stage.share(service, address)
    return share if role == "new" else 10000 - share


def apply(engine, event, now):
    name, colon, edge = event.partition(":")
    if not colon:
        engine.stages.switch(engine.plan.stage_by_name[event], now)
    elif name in EDGE_EVENTS:
        change(engine.plan.edge_by_name[edge], name)
    else:
        raise ValueError(f"{event}: not an event")
    engine.generation += 1


def change(edge, name):
    """Nothing but `readmit` changes a retired edge, and it changes no other."""
    if name == "readmit":
        if edge.state == "retired":
            edge.state = "up"
    elif edge.state != "retired":
        edge.state = AFTER[name]

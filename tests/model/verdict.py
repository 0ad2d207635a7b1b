# SPDX-License-Identifier: BSD-3-Clause
"""What was decided about a packet."""

import json
from dataclasses import dataclass


@dataclass
class Verdict:
    verdict: str
    reason: str
    service: object = None
    edge: object = None
    klass: str = "none"
    proven: bool = False  # what decided was proven (for the fragment entry)

    def line(self, frame, generation):
        edge = self.edge
        return json.dumps({
            "frame": frame, "class": self.klass,
            "service": self.service.name if self.service else None,
            "verdict": self.verdict, "reason": self.reason,
            "pool": edge.pool.name if edge else None,
            "edge": edge.name if edge else None,
            "generation": generation}, separators=(",", ":"))


def drop(reason, service=None, edge=None):
    return Verdict("drop", reason, service, edge)


def kernel(reason):
    return Verdict("kernel", reason)


def steer(entry, reason):
    return Verdict("steer", reason, entry.service, entry.edge, proven=entry.proven)


def reply(service, edge, reason="reply"):
    return Verdict("reply", reason, service, edge, proven=True)


def out(service, edge):
    return Verdict("out", "edge-initiated", service, edge, proven=True)

# SPDX-License-Identifier: BSD-3-Clause
"""The whole cutover under load: baseline, canary, ten per cent, everyone, back, everyone again,
drain, retire. And the judgement: what broke, and what moved."""

import collections
import time

import cutover_lab.share as share
import cutover_lab.site as site
import cutover_lab.tls as tls
from processes import Failed

# (words of `turnout stage`, the stage, the share of new clients)
STEPS = [(("next",), "canary", 0), (("next",), "ten", 0.1), (("next",), "full", 1),
         (("back",), "ten", 0.1), (("next",), "full", 1), (("next",), "drain", 1)]
DRAINED = 180  # seconds at most


class Cutover:
    """`say(text)` hears what happens as it does."""

    def __init__(self, gateway, load, observer, say, *, fresh, rest):
        self.gateway, self.load, self.observer = gateway, load, observer
        self.say, self.fresh, self.rest = say, fresh, rest
        self.began = time.monotonic()
        self.shares = []
        self.switches = []

    def tell(self, text):
        self.say(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def run(self):
        """`until`: "drain", once the old pool is seen to empty, or "retire"."""
        size = self.load.size
        self.load.begin()
        self.load.until_all()
        self.tell(f"baseline: {self.load.current()} calls with media, {size.connections} TLS "
                  f"connections, {size.sessions} TURN sessions")
        self.new_clients("baseline", 0)
        for words, stage, part in STEPS:
            self.switch(words, stage)
            self.new_clients(stage, part)
            self.load.rest(self.rest)
        self.drain()
        return self.judge()

    def switch(self, words, stage):
        begun = time.monotonic()
        done = self.gateway.turnout("stage", *words, "--yes")
        if done["stage"] != stage:
            raise Failed(f"turnout stage {' '.join(words)} went to {done['stage']}, not {stage}")
        self.switches.append({"stage": stage, "live_us": done["live_us"],
                              "command_ms": round((time.monotonic() - begun) * 1000)})
        self.tell(f"{stage}: generation {done['generation']}, live {done['live_us']} us after its "
                  f"commit; {self.load.current()} calls go on")

    def new_clients(self, stage, part):
        """Clients that were never seen before must go where the stage says."""
        if stage == "canary":
            went = tls.ask(self.load.watch, "partner", site.FEDERATION,
                           [site.partner(200 + i) for i in range(10)])
            if not set(went.values()) <= set(site.NEW):
                raise Failed(f"the canary's partner went to {collections.Counter(went.values())}")
        went = self.load.ask(self.fresh)
        failed = [a for a, edge in went.items() if edge is None]
        if failed:
            raise Failed(f"{stage}: {len(failed)} new clients could not connect: {failed[:3]}")
        new = sum(edge in site.NEW for edge in went.values())
        low, high = share.interval(self.fresh, part)
        self.shares.append({"stage": stage, "clients": self.fresh, "new": new, "low": low,
                            "high": high})
        self.tell(f"{stage}: of {self.fresh} new clients {new} went to the new pool "
                  f"({low} to {high} may)")
        if not low <= new <= high:
            raise Failed(f"{stage}: {new} of {self.fresh} new clients went to the new pool, not "
                         f"{low} to {high}")

    def drain(self):
        """The old pool empties by itself, and is retired when it is safe."""
        self.gateway.turnout("drain", "legacy")
        self.tell("drain legacy: what it has goes on, nothing new comes")
        self.load.hang_up()
        self.tell("the users hang up")
        end, shown = time.monotonic() + DRAINED, None
        while True:
            edges = [e for e in self.gateway.turnout("edges")["edges"] if e["pool"] == "legacy"]
            totals = {e["name"]: e["total"] for e in edges}
            if all(e["safe_to_stop"] for e in edges) or \
                    (self.load.sessions_are_over() and is_left_behind(edges)):
                break
            if time.monotonic() > end:
                raise Failed("the old pool does not empty: " +
                             "; ".join(t for e in edges for t in e["evidence"]))
            if totals != shown and time.monotonic() - self.began > 1:
                self.tell("still there: " + ", ".join(f"{n} {t}" for n, t in totals.items()))
            shown = totals
            self.load.rest(2)
        self.retire(sum(totals.values()))

    def retire(self, left):
        """`left`: allocations whose clients have gone."""
        if left:
            self.tell(f"{left} TURN allocations that their clients have left behind go on for "
                      "minutes; they are given up")
        else:
            self.tell("e1, e2: safe to stop")
        self.gateway.turnout("retire", "legacy", "--yes", *(["--force"] if left else []))
        self.tell("legacy is retired")

    def judge(self):
        result = observed(self.load.result(), self.observer)
        result.update(shares=self.shares, switches=self.switches,
                      seconds=round(time.monotonic() - self.began, 1))
        return result


def is_left_behind(edges):
    """Is nothing there but TURN allocations? coturn's client makes two for a session, and ends one
    of them; the server keeps the other for 13 minutes."""
    return {service for e in edges for service, n in e["entries"].items()
            if n["proven"] + n["unproven"]} == {"av"}


def observed(result, observer):
    """With what was seen before the edges."""
    flows = observer.end()
    moved = flows.moved()
    result.update(flows=dict(flows.count()), flows_moved=len(moved),
                  moved=[f"{f}: {' -> '.join(e)}" for f, e in list(moved.items())[:5]])
    return result


FAULTS = {"calls_failed": "calls failed", "connections_lost": "TLS connections were lost",
          "turn_sessions_lost": "TURN sessions were lost", "flows_moved": "flows moved"}


def faults(result):
    """What a cutover may not do, as text; nothing: it was right."""
    found = [f"{result[key]} {text}" for key, text in FAULTS.items() if result[key]]
    for kind in "calls", "connections", "turn_sessions", "media_sent":
        if not result[kind]:
            found.append(f"there were no {kind.replace('_', ' ')}")
    return found

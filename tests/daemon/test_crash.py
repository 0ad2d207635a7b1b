#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 at every place between two steps of writing or publishing, one run for each.

turnoutd-test counts such places and dies at the Nth. What was answered with "ok" before that must
hold after the next start, and what the engine runs must be what the journal says: the stage and the
edges as they were acknowledged last, or as the request that got no answer wanted them, and nothing
in between. At every fourth place the next start is killed too, while it recovers.
"""

import os
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from main import run
from harness import STAGES, Case, Client, until

MORE = STAGES + "    gates: [{ack: fine}]\n  - name: more\n"
STEPS = ({"do": "switch", "to": "canary"},
         {"do": "switch", "to": "half"},
         {"do": "switch", "to": "canary"},
         {"do": "edge", "edge": "e1", "verb": "drain"},
         {"do": "switch", "to": "half"},
         {"do": "reload"},
         {"do": "ack", "name": "fine"},
         {"do": "switch", "to": "more"},
         {"do": "switch", "to": "all"},
         {"do": "edge", "edge": "e2", "verb": "down"},
         {"do": "switch", "to": "more"},
         {"do": "switch", "to": "baseline"},
         {"do": "edge", "edge": "e1", "verb": "undrain"},
         {"do": "switch", "to": "all"},
         {"do": "switch", "to": "half"},
         {"do": "switch", "to": "baseline"},
         {"do": "switch", "to": "more"})
STATES = {"drain": "draining", "undrain": "up", "down": "down"}
LEAST, MOST = 200, 500
AT_A_TIME = 4
FROM, STEP = (int(os.environ.get(name, 1)) for name in ("CRASH_FROM", "CRASH_STEP"))


def wanted(steps):
    """What all of them together come to: stage, edges."""
    stage, edges = "baseline", {name: "up" for name in ("e1", "e2", "n1", "n2")}
    for step in steps:
        stage = step.get("to", stage)
        if "edge" in step:
            edges[step["edge"]] = STATES[step["verb"]]
    return stage, edges


class OneKill(Case):
    """With a directory, an engine and a turnoutd of its own; used by Crash, below."""

    def scenario(self, daemon):
        """How many steps were answered with ok, until turnoutd dies."""
        done, client = 0, None
        try:
            daemon.wait_api_or_end()
            until(lambda: self.engine.image or daemon.process.poll() is not None)
            client = Client(daemon.api)
            for step in STEPS:
                if step["do"] == "reload":
                    self.write_plan(MORE)
                answer = client.ask(**step)
                while answer and answer.get("error") in ("busy", "engine"):
                    answer = client.ask(**step)
                if answer is None:
                    break
                self.assertOk(answer)
                done += 1
        except OSError:
            pass
        if client:
            client.close()
        return done

    def check(self, daemon, done, where):
        status = daemon.wait_status(lambda s: s["live"] and not s["switching"] and
                                    s["generation"] == self.engine.generation)
        now = status["stage"], {e["name"]: e["state"] for e in status["edges"]}
        # the one that was under way may have been done without an answer, or not
        self.assertIn(now, (wanted(STEPS[:done]), wanted(STEPS[:done + 1])), where)
        self.assertEqual((self.engine.image.stage, self.engine.image.edges()), now, where)
        records = daemon.journal()
        if {"do": "ack", "name": "fine"} in STEPS[:done]:
            self.assertIn("fine", [r.get("name") for r in records], where)
        self.assertEqual([r["n"] for r in records], list(range(1, len(records) + 1)), where)
        live = [r["generation"] for r in records if r["what"] == "live"]
        self.assertEqual(live, sorted(set(live)), where)
        self.assertEqual(live[-1], status["generation"], where)

    def start_to_die(self, at):
        return self.start(program=self.TEST_PROGRAM, wait=False,
                          environment={"TURNOUT_CRASH_AT": str(at)})

    def where(self, daemon):
        return daemon.said().strip().splitlines()[-1].removeprefix("crash: ")

    def die_again(self, at):
        """While it recovers; it may come through."""
        daemon = self.start_to_die(at)
        daemon.wait_api_or_end()
        until(lambda: daemon.process.poll() is not None or
              (lambda s: s["live"] and not s["switching"])(self.status_of(daemon)))
        died = daemon.process.poll() is not None
        daemon.kill()
        return [("recovery", self.where(daemon), at)] if died else []

    def status_of(self, daemon):
        try:
            return daemon.status() or {"live": False}
        except OSError:
            return {"live": False}

    def kill_at(self, at):
        """The kills, each (operation, place, number); none: turnoutd came through."""
        daemon = self.start_to_die(at)
        done = self.scenario(daemon)
        if daemon.process.poll() is None and done == len(STEPS):
            return []
        daemon.process.wait(10)
        daemon.kill()
        kills = [(done, self.where(daemon), at)]
        if at % 4 == 0:
            kills += self.die_again(at // 4 % 12 + 1)
        again = self.start(wait=False)
        again.wait_for_api()
        self.check(again, done, f"place {at}: {kills}")
        return kills

    def run_one(self, at):
        self.setUp()
        try:
            return self.kill_at(at)
        finally:
            self.tearDown()

    def runTest(self):
        """It is run by Crash."""


class Crash(unittest.TestCase):
    def test_every_place(self):
        kills, at = [], FROM
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            while at < MOST:
                places = range(at, at + AT_A_TIME * STEP, STEP)
                found = list(pool.map(lambda place: OneKill().run_one(place), places))
                kills += sum(found, [])
                if not all(found):
                    break
                at = places[-1] + STEP
            else:
                self.fail("turnoutd never came through")
        self.say(kills)
        if STEP == 1 and FROM == 1:
            self.assertGreaterEqual(len(kills), LEAST, "the places to die at are gone")

    @staticmethod
    def say(kills):
        print(f"turnoutd was killed {len(kills)} times, each at another moment:")
        for place, count in Counter(k[1] for k in kills).most_common():
            print(f"  {count:4} {place}")


def load_tests(loader, tests, pattern):
    del tests, pattern
    return loader.loadTestsFromTestCase(Crash)


if __name__ == "__main__":
    run()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 at every place between two steps of writing or publishing, one run for each.

turnoutd-test counts such places and dies at the Nth. What was answered with "ok" before that must
hold after the next start, and what the engine runs must be what the journal says.
"""

import os

from main import run
from harness import STAGES, Case, Client, until

STEPS = (({"do": "switch", "to": "half"}, None),
         ({"do": "edge", "edge": "e1", "verb": "drain"}, None),
         ({"do": "reload"}, "more"),
         ({"do": "ack", "name": "fine"}, None),
         ({"do": "switch", "to": "more"}, None),
         ({"do": "edge", "edge": "e2", "verb": "retire"}, None))
GATE = "    gates: [{ack: fine}]\n"
MOST = 400


class Crash(Case):
    def scenario(self, daemon):
        """The requests that were answered with ok, until turnoutd dies."""
        done, client = [], None
        try:
            daemon.wait_api_or_end()
            until(lambda: self.engine.image or daemon.process.poll() is not None)
            client = Client(daemon.api)
            for request, stage in STEPS:
                if stage:
                    self.write_plan(STAGES + GATE + f"  - name: {stage}\n")
                answer = client.ask(**request)
                while answer and answer.get("error") in ("busy", "engine"):
                    answer = client.ask(**request)
                if answer is None:
                    break
                if answer["ok"]:
                    done.append(request)
        except OSError:
            pass
        if client:
            client.close()
        return done

    def check(self, daemon, done, where):
        status = daemon.wait_status(lambda s: s["live"] and not s["switching"])
        stages = ["baseline"] + [r["to"] for r in done if r["do"] == "switch"]
        following = {"baseline": "half", "half": "more", "more": "more"}
        # the one that was under way may have been done without an answer, or not
        self.assertIn(status["stage"], (stages[-1], following[stages[-1]]), where)
        self.assertEqual(self.engine.image.stage, status["stage"], where)
        self.assertEqual(self.engine.generation, status["generation"], where)
        states = {e["name"]: e["asked"] for e in status["edges"]}
        self.assertEqual(self.engine.image.edges(), states, where)
        for request in done:
            if request.get("verb") == "drain":
                self.assertEqual(states["e1"], "draining", where)
            if request["do"] == "ack":
                self.assertIn("fine", [r.get("name") for r in daemon.journal()], where)
        records = daemon.journal()
        self.assertEqual([r["n"] for r in records], list(range(1, len(records) + 1)), where)
        live = [r["generation"] for r in records if r["what"] == "live"]
        self.assertEqual(live, sorted(set(live)), where)
        self.assertEqual(live[-1], status["generation"], where)

    def one(self, at):
        """False: turnoutd came through all of it."""
        daemon = self.start(program=self.TEST_PROGRAM, wait=False,
                            environment={"TURNOUT_CRASH_AT": str(at)})
        done = self.scenario(daemon)
        alive = daemon.process.poll() is None and len(done) == len(STEPS) - 1
        if not alive:
            daemon.process.wait(10)
        daemon.kill()
        where = daemon.said().strip().splitlines()[-1]
        again = self.start(wait=False)
        again.wait_for_api()
        self.check(again, done, f"place {at}: {where}")
        return not alive

    def test_every_place(self):
        begin, step = int(os.environ.get("CRASH_FROM", 1)), int(os.environ.get("CRASH_STEP", 1))
        places = 0
        for at in range(begin, MOST, step):
            if not self.one(at):
                break
            places += 1
            self.tearDown()
            self.setUp()
        else:
            self.fail("turnoutd never came through")
        self.assertGreater(places, 60, "the places to die at are gone")


if __name__ == "__main__":
    run()

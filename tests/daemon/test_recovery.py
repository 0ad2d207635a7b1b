#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Which generation runs, and which should: after restarts of either side."""

import shutil
import socket
import threading
import time

import layout
from engine import once, refuse
from main import run
from harness import Case, until


class Recovery(Case):
    def test_a_restart_changes_nothing(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        daemon.kill()
        self.started(stage="half")
        self.assertEqual(self.engine.generation, 2)

    def test_a_lost_connection_changes_nothing(self):
        daemon = self.started()
        for _ in range(3):
            self.engine.drop()
            daemon.wait_status(lambda s: self.engine.connections and s["live"])
        self.assertEqual(self.engine.generation, 1)

    def test_an_engine_without_a_table_gets_the_last_stage(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        daemon.ask(do="edge", edge="e1", verb="drain")
        self.engine.restart(keep=False)
        self.engine.wait(lambda: self.engine.generation == 4)
        self.assertEqual(self.engine.image.stage, "half")
        self.assertEqual(self.engine.image.edges()["e1"], "draining")
        daemon.wait_stage("half")

    def test_both_were_down(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        daemon.kill()
        self.engine.restart(keep=False)
        self.started(stage="half")
        self.assertEqual(self.engine.generation, 3)

    def test_an_older_table_is_replaced(self):
        daemon = self.started()
        old = self.engine.image
        daemon.ask(do="switch", to="half")
        self.engine.stop()
        self.engine.image = old
        self.engine.listen()
        self.engine.wait(lambda: self.engine.generation == 3)
        daemon.wait_stage("half")

    def test_without_an_engine_it_answers(self):
        self.engine.stop()
        daemon = self.start()
        status = daemon.wait_status(lambda s: s["alarms"])
        self.assertIsNone(status["engine"])
        self.assertIsNone(status["stage"])
        self.assertEqual(status["generation"], 0)
        for request in ({"do": "switch", "to": "half"}, {"do": "flows"}, {"do": "counters"},
                        {"do": "edge", "edge": "e1", "verb": "drain"}, {"do": "reload"},
                        {"do": "release", "edge": "e1"}):
            self.assertRefused(daemon.ask(**request), "engine")
        for request in ("stages", "edges", "history"):
            self.assertOk(daemon.ask(do=request))
        self.engine.listen()
        daemon.wait_stage("baseline")

    def foreign(self, *options, **more):
        """A turnoutd whose journal is gone, and an engine in stage half with edges in each state."""
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        daemon.ask(do="edge", edge="e1", verb="retire", force=True, release=True)
        daemon.ask(do="edge", edge="e2", verb="drain")
        daemon.ask(do="edge", edge="n1", verb="down")
        daemon.kill()
        shutil.rmtree(daemon.state)
        daemon = self.start(*options, **more)
        daemon.wait_status(lambda s: "foreign" in [a["name"] for a in s["alarms"]])
        return daemon

    def test_what_is_not_known_is_left_alone(self):
        health = str(self.dir / "health.sock")
        daemon = self.foreign(program=self.TEST_PROGRAM,
                              environment={"TURNOUT_TEST_HEALTH": health})
        status = daemon.status()
        self.assertEqual((status["stage"], status["generation"]), ("half", 5))
        self.assertFalse(status["live"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"n2 access down", health)
        until(lambda: any(e["health"] == "down" for e in daemon.ask(do="edges")["edges"]))
        self.assertRefused(daemon.ask(do="edge", edge="n2", verb="drain"), "refused", "switch")
        self.assertRefused(daemon.ask(do="release", edge="n2"), "refused", "switch")
        self.assertRefused(daemon.ask(do="reload"), "refused", "switch")
        self.assertRefused(daemon.ask(do="capture"), "refused", "other names")
        self.assertEqual(self.engine.generation, 5)
        self.engine.stop()
        until(lambda: list(daemon.alarms()) == ["engine"], why=lambda: str(daemon.alarms()))

    def test_a_switch_takes_it_over_and_readmits_nobody(self):
        daemon = self.foreign()
        answer = self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertEqual(answer["generation"], 6)
        self.assertEqual(self.engine.image.edges(),
                         {"e1": "retired", "e2": "draining", "n1": "down", "n2": "up"})
        self.assertEqual(daemon.alarms(), {})
        self.assertRefused(daemon.ask(do="edge", edge="e1", verb="drain"), "gate", "readmit")
        self.assertOk(daemon.ask(do="edge", edge="n1", verb="up"))
        daemon.kill()
        self.started(stage="half")

    def committed_elsewhere(self, **more):
        """Somebody else's generation 5, stage half, goes live while turnoutd is connected."""
        daemon = self.foreign()
        daemon.kill()
        shutil.rmtree(daemon.state)
        image, self.engine.image = self.engine.image, None
        daemon = self.started("--quiet", 1, **more)
        connections = list(self.engine.connections)
        self.engine.image = image
        self.engine.renew(census=False)
        until(lambda: "foreign" in daemon.alarms(), why=lambda: str(daemon.status()))
        self.assertEqual(self.engine.connections, connections)
        return daemon

    def test_a_generation_of_somebody_elses_is_noticed_while_connected(self):
        daemon = self.committed_elsewhere()
        status = daemon.status()
        self.assertEqual((status["stage"], status["generation"]), ("half", 5))
        self.assertFalse(status["live"])
        self.assertIn("generation 5, stage half", daemon.alarms()["foreign"])
        self.assertRefused(daemon.ask(do="edge", edge="n2", verb="drain"), "refused", "switch")
        self.assertEqual(self.assertOk(daemon.ask(do="switch", to="half"))["generation"], 6)
        self.assertEqual(daemon.alarms(), {})
        self.assertEqual(self.engine.image.edges(),
                         {"e1": "retired", "e2": "draining", "n1": "down", "n2": "up"})

    def test_gates_do_not_count_what_went_by_somebody_elses(self):
        gates = ("new_flows: {service: access, pool: old, at_most: 9}",
                 "connections: {service: access, pool: fresh, at_least: 1}", "soak: 1s")
        self.write_plan("  - name: baseline\n  - name: half\n    gates:\n" +
                        "".join(f"      - {gate}\n" for gate in gates) + "  - name: all\n")
        daemon = self.committed_elsewhere()
        self.engine.rows = [(0, 2, layout.REASON_ROUTE, 5)]
        censuses = self.engine.count(layout.CENSUS)
        self.engine.wait(lambda: self.engine.count(layout.CENSUS) >= censuses + 3)
        stage = next(s for s in daemon.ask(do="stages")["stages"] if s["name"] == "half")
        self.assertTrue(stage["live"])
        for gate in stage["gates"]:
            self.assertFalse(gate["open"], gate)
            self.assertIn("a generation of somebody else's", gate["now"])

    def test_a_foreign_table_that_the_plan_cannot_follow(self):
        daemon = self.started()
        daemon.kill()
        shutil.rmtree(daemon.state)
        self.write_plan(change=lambda t: t.replace("lab-2026", "lab-2027"))
        daemon = self.start()
        daemon.wait_status(lambda s: "foreign" in [a["name"] for a in s["alarms"]])
        self.assertRefused(daemon.ask(do="switch", to="baseline"), "refused", "salt")
        self.assertEqual(self.engine.generation, 1)

    def test_what_cannot_be_published_is_tried_again_and_said(self):
        daemon = self.started()
        self.engine.plays[layout.PREPARE] = lambda engine, connection, request, *_: (
            connection.send(layout.refused(request, 28, "no memory of its own")), True)[1]
        self.engine.restart(keep=False)
        status = daemon.wait_status(lambda s: "recovery" in [a["name"] for a in s["alarms"]])
        self.assertIn("no memory of its own",
                      next(a for a in status["alarms"] if a["name"] == "recovery")["message"])
        self.assertRefused(daemon.ask(do="edge", edge="e1", verb="drain"), "refused", "alarms")
        self.engine.plays.clear()
        self.assertOk(daemon.ask(do="switch", to="baseline"))
        self.assertEqual(daemon.alarms(), {})

    def test_trying_again_does_not_give_up_what_an_operator_has_begun(self):
        daemon = self.started("--engine-timeout", 0.4)
        self.engine.plays[layout.PREPARE] = once(refuse(28, "no memory of its own"))
        self.engine.restart(keep=False)
        daemon.wait_status(lambda s: "recovery" in [a["name"] for a in s["alarms"]])

        def slowly(engine, connection, request, *_):
            engine.image, engine.prepared = engine.prepared, None
            number = engine.generation

            def say():
                for live in [0] * 12 + [1]:
                    time.sleep(0.2)
                    connection.send(layout.applied(request, number, 1, live, [number, live]))
            threading.Thread(target=say, daemon=True).start()
            return True
        self.engine.plays[layout.COMMIT] = slowly
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertEqual(daemon.wait_stage("half")["generation"], self.engine.generation)
        self.assertEqual(daemon.journal()[-1]["what"], "live")

    def test_numbers_only_grow(self):
        daemon = self.started()
        self.engine.plays[layout.COMMIT] = lambda engine, connection, request, *_: (
            connection.send(layout.refused(request, 16, "not now")), True)[1]
        self.assertRefused(daemon.ask(do="switch", to="half"), "refused", "not now")
        self.engine.plays.clear()
        daemon.kill()
        daemon = self.started()
        self.assertEqual(self.assertOk(daemon.ask(do="switch", to="half"))["generation"], 3)


if __name__ == "__main__":
    run()

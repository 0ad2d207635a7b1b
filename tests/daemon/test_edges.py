#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Edges: what is asked of them and what checks say, kept apart; draining, retiring, safe to stop."""

import re
import socket
import time

import layout
from main import run
from harness import Case, Client, until

E1, E2, N1, N2 = range(4)
ACCESS, XMPP = range(2)


class Edges(Case):
    def edge(self, daemon, name):
        return next(e for e in daemon.ask(do="edges")["edges"] if e["name"] == name)

    def check(self, edge, access, xmpp="up"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            for text in (f"{edge} xmpp {xmpp}", f"{edge} access {access}"):
                s.sendto(text.encode(), str(self.dir / "health.sock"))

    def with_health(self, *options):
        return self.started(*options, program=self.TEST_PROGRAM,
                            environment={"TURNOUT_TEST_HEALTH": str(self.dir / "health.sock")})

    def wait_state(self, edge, state):
        self.engine.wait(lambda: self.engine.image.edges()[edge] == state)

    def test_verbs(self):
        daemon = self.started()
        for verb, state in (("drain", "draining"), ("undrain", "up"), ("down", "down"),
                            ("up", "up"), ("drain", "draining")):
            self.assertOk(daemon.ask(do="edge", edge="e1", verb=verb))
            self.assertEqual(self.engine.image.edges()["e1"], state)
            self.assertEqual(self.edge(daemon, "e1")["state"], state)
        self.assertEqual(self.engine.image.edges()["e2"], "up")
        verbs = [r["verb"] for r in daemon.journal() if r["what"] == "edge"]
        self.assertEqual(verbs, ["drain", "undrain", "down", "up", "drain"])

    def test_a_pool_is_one_generation(self):
        daemon = self.started()
        answer = self.assertOk(daemon.ask(do="edge", pool="old", verb="drain"))
        self.assertEqual(answer["generation"], 2)
        self.assertEqual(self.engine.image.edges(),
                         {"e1": "draining", "e2": "draining", "n1": "up", "n2": "up"})

    def test_a_rollback_restores_routes_and_not_edges(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        daemon.ask(do="edge", edge="n1", verb="down")
        self.assertOk(daemon.ask(do="switch", to_back=True))
        self.assertEqual(self.engine.image.edges()["n1"], "down")

    def test_what_is_refused(self):
        daemon = self.started()
        for request, error, words in (
                ({"edge": "e9", "verb": "drain"}, "usage", "no edge 'e9'"),
                ({"verb": "drain"}, "usage", "one of"),
                ({"edge": "e1", "pool": "old", "verb": "drain"}, "usage", "one of"),
                ({"edge": "e1", "verb": "stop"}, "usage", "verb"),
                ({"edge": "e1", "verb": "undrain"}, "gate", "not draining"),
                ({"edge": "e1", "verb": "readmit"}, "gate", "not retired"),
                ({"edge": "e1", "verb": "retire"}, "gate", "drain it"),
                ({"edge": "e1", "verb": "retire", "force": True}, "usage", "go together"),
                ({"edge": "e1", "verb": "drain", "force": True, "release": True}, "usage",
                 "go together")):
            self.assertRefused(daemon.ask(do="edge", **request), error, words)
        self.assertEqual(self.engine.generation, 1)

    def test_retire_wants_a_count_that_began_after_it_was_asked(self):
        daemon = self.started()
        daemon.ask(do="edge", edge="e1", verb="drain")
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3)]
        self.assertRefused(daemon.ask(do="edge", edge="e1", verb="retire"), "gate", "3 live")
        self.engine.lives = [(ACCESS, E1, layout.AFFINITY, 1, 9), (layout.NONE, E1,
                                                                   layout.FRAGMENT, 0, 1)]
        self.engine.plays[layout.CENSUS] = lambda engine, connection, request, *_: (
            connection.send(layout.message(layout.CENSUS, request)), True)[1]
        self.assertRefused(daemon.ask(do="edge", edge="e1", verb="retire"), "gate",
                           "not shown a count")
        self.engine.plays.clear()
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="retire"))
        self.assertEqual(self.engine.image.edges()["e1"], "retired")

    def test_an_owner_of_a_port_is_a_flow(self):
        daemon = self.started()
        daemon.ask(do="edge", edge="e1", verb="drain")
        self.engine.lives = [(ACCESS, E1, layout.OWNER, 1, 1)]
        self.assertRefused(daemon.ask(do="edge", edge="e1", verb="retire"), "gate", "1 live")

    def test_what_takes_new_flows_by_the_time_of_the_count_is_not_retired(self):
        daemon = self.started()
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="drain"))
        held = []
        self.engine.plays[layout.CENSUS] = lambda engine, connection, request, *_: (
            held.append((connection, request)), True)[1]
        until(lambda: len(held) == 1)  # turnoutd's own: it asks for no second one meanwhile
        client = Client(daemon.api)
        client.send(do="edge", edge="e1", verb="retire")
        until(lambda: len(held) == 2)
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="undrain"))
        del self.engine.plays[layout.CENSUS]
        for connection, request in held:
            self.engine.on_census(connection, request, b"", [])
        self.assertRefused(client.answer(), "gate", "takes new flows")
        client.close()
        self.assertEqual(self.engine.image.edges()["e1"], "up")

    def test_force_retires_and_releases(self):
        daemon = self.started()
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3), (ACCESS, E2, layout.PIN4, 1, 5)]
        answer = self.assertOk(daemon.ask(do="edge", edge="e1", verb="retire", force=True,
                                          release=True))
        self.assertEqual(answer["released"], 3)
        self.assertEqual(self.engine.released, [(E1, layout.NONE)])
        self.assertEqual(self.engine.image.edges()["e1"], "retired")

    def test_only_readmit_leaves_retired(self):
        daemon = self.with_health()
        daemon.ask(do="edge", edge="e1", verb="retire", force=True, release=True)
        for verb in ("drain", "undrain", "down", "up", "retire"):
            answer = daemon.ask(do="edge", edge="e1", verb=verb,
                                **({"force": True, "release": True} if verb == "retire" else {}))
            self.assertRefused(answer, "gate", "only readmit")
        for state in ("down", "up"):
            self.check("e1", state)
            self.check("e2", state)  # this one shows that both were heard
            self.wait_state("e2", state)
            self.assertEqual(self.engine.image.edges()["e1"], "retired")
        daemon.ask(do="switch", to="half")
        daemon.end()
        daemon = self.started(stage="half")
        self.assertEqual(self.engine.image.edges()["e1"], "retired")
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="readmit"))
        self.assertEqual(self.engine.image.edges()["e1"], "up")

    def test_release(self):
        daemon = self.started()
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3), (XMPP, E1, layout.PIN4, 1, 2)]
        answer = self.assertOk(daemon.ask(do="release", edge="e1", service="xmpp", why="stuck"))
        self.assertEqual(answer["entries"], 2)
        self.assertEqual(self.assertOk(daemon.ask(do="release", edge="e1"))["entries"], 3)
        self.assertEqual([r["service"] for r in daemon.journal() if r["what"] == "release"],
                         ["xmpp", None])

    def test_health_bars_new_flows_and_comes_back(self):
        daemon = self.with_health()
        self.assertEqual(self.edge(daemon, "e1")["health"], "unknown")
        self.check("e1", "down")
        self.wait_state("e1", "down")
        edge = self.edge(daemon, "e1")
        self.assertEqual((edge["state"], edge["asked"], edge["health"]), ("down", "up", "down"))
        self.assertEqual(edge["checks"][0]["message"], "connection refused")
        self.check("e1", "up")
        self.wait_state("e1", "up")
        health = [(r["edge"], r["state"]) for r in daemon.journal() if r["what"] == "health"]
        self.assertEqual(health, [("e1", "down"), ("e1", "up")])

    def test_flapping_makes_few_generations(self):
        daemon = self.with_health()
        begun, before = time.monotonic(), self.engine.generation
        for _ in range(100):
            self.check("e1", "down")
            self.check("e1", "up")
        self.check("e2", "down")
        self.wait_state("e2", "down")
        most = 2 + (time.monotonic() - begun) / 0.2
        self.assertLessEqual(self.engine.generation - before, most)
        self.assertEqual(daemon.status()["generation"], self.engine.generation)

    def test_what_comes_together_is_one_generation(self):
        self.with_health()
        before = self.engine.generation
        for edge in ("e1", "e2", "n1"):
            self.check(edge, "down")
        self.wait_state("n1", "down")
        self.assertEqual(self.engine.image.edges(),
                         {"e1": "down", "e2": "down", "n1": "down", "n2": "up"})
        self.assertEqual(self.engine.generation, before + 1)

    def test_health_survives_a_restart_until_a_check_knows_better(self):
        daemon = self.with_health()
        self.check("e1", "down")
        self.wait_state("e1", "down")
        daemon.kill()
        daemon = self.with_health()
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertEqual(self.engine.image.edges()["e1"], "down")
        self.check("e1", "up")
        self.wait_state("e1", "up")

    def test_health_survives_a_death_between_commit_and_live(self):
        daemon = self.with_health()

        def commit_in_silence(engine, *_):
            engine.image, engine.prepared = engine.prepared, None
            return True
        self.engine.plays[layout.COMMIT] = commit_in_silence
        self.check("e1", "down")
        self.wait_state("e1", "down")
        daemon.kill()
        self.engine.plays.clear()
        daemon = self.with_health()
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertEqual(self.engine.image.edges()["e1"], "down")

    def test_a_pool_without_an_edge_is_an_alarm(self):
        daemon = self.with_health()
        self.check("n1", "down")
        self.check("n2", "down")
        self.wait_state("n2", "down")
        daemon.wait_status(lambda s: "pool-fresh" in [a["name"] for a in s["alarms"]])
        self.check("n2", "up")
        daemon.wait_status(lambda s: "pool-fresh" not in [a["name"] for a in s["alarms"]])

    def test_quiet_before_it_was_drained_is_no_evidence(self):
        """A flow may have come between the last count and the generation that bars new ones."""
        daemon = self.started("--quiet", 2)
        until(lambda: re.search(r"for ([3-9]|\d\d+) s", " ".join(
            self.edge(daemon, "e1")["evidence"])), 15,
              lambda: str(self.edge(daemon, "e1")))
        daemon.ask(do="edge", edge="e1", verb="drain")
        self.assertFalse(self.edge(daemon, "e1")["safe_to_stop"])
        until(lambda: self.edge(daemon, "e1")["safe_to_stop"], 15)

    def test_safe_to_stop(self):
        daemon = self.started("--quiet", 1)
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3), (XMPP, E1, layout.PIN4, 0, 1)]
        self.assertFalse(self.edge(daemon, "e1")["safe_to_stop"])
        daemon.ask(do="edge", edge="e1", verb="drain")
        until(lambda: self.edge(daemon, "e1")["total"] == 4, 15)
        edge = self.edge(daemon, "e1")
        self.assertFalse(edge["safe_to_stop"])
        self.assertIn("access: 3 live, 0 of them unproven", edge["evidence"])
        self.assertIn("xmpp: 1 live, 1 of them unproven", edge["evidence"])
        self.assertEqual(edge["entries"], {"access": {"proven": 3, "unproven": 0},
                                           "xmpp": {"proven": 0, "unproven": 1}})
        self.assertIsNotNone(edge["drained_since"])
        self.engine.lives = [(ACCESS, E1, layout.AFFINITY, 1, 7)]
        until(lambda: self.edge(daemon, "e1")["safe_to_stop"], 20,
              lambda: str(self.edge(daemon, "e1")))
        self.assertFalse(self.edge(daemon, "e2")["safe_to_stop"], "nothing lives, but it is up")
        self.engine.stop()
        edge = until(lambda: (lambda e: None if e["safe_to_stop"] else e)(self.edge(daemon, "e1")))
        self.assertIn("no engine", " ".join(edge["evidence"]))


if __name__ == "__main__":
    run()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The end of a drain: its deadline, and resetting what will not end by itself."""

import time

import layout
from main import run
from harness import Case, until

E1, E2, N1, N2 = range(4)
ACCESS, XMPP, MEDIA = range(3)
DSR = "  fresh:\n    role: new\n    mode: l2\n"


def with_media(text):
    """A service over UDP: what a reset cannot end."""
    return text.replace("\npartners:", "\n  media: {kind: other, vip: 203.0.113.100, "
                        "protocol: udp, port: 7000, address: access}\npartners:")


class Drain(Case):
    def edge(self, daemon, name):
        return next(e for e in daemon.ask(do="edges")["edges"] if e["name"] == name)

    def passed(self, daemon):
        return [r for r in daemon.journal() if r["what"] == "deadline"]

    def wait_alarm(self, daemon, name, on=True):
        return daemon.wait_status(
            lambda s: (name in [a["name"] for a in s["alarms"]]) == on, 20)

    def test_a_deadline_that_passes(self):
        daemon = self.started("--quiet", 1)
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3), (ACCESS, E1, layout.DIALOG, 1, 2)]
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="drain", deadline=2, why="tonight"))
        edge = self.edge(daemon, "e1")
        self.assertFalse(edge["overdue"])
        self.assertEqual(daemon.journal()[-2]["deadlines"], {"e1": edge["deadline"]})
        asked = next(r for r in daemon.journal() if r["what"] == "edge")
        self.assertEqual((asked["deadline"], asked["why"]), (edge["deadline"], "tonight"))
        self.assertNotIn("drain-e1", daemon.alarms())
        self.wait_alarm(daemon, "drain-e1")
        until(lambda: "has 5 flows" in daemon.alarms()["drain-e1"], 10, daemon.alarms)
        self.assertIn("'turnout drain e1 --reset' closes those that are TCP connections, 3",
                      daemon.alarms()["drain-e1"])
        edge = self.edge(daemon, "e1")
        self.assertTrue(edge["overdue"])
        self.assertIn(f"its deadline was {edge['deadline']}", edge["evidence"])
        self.assertEqual(self.engine.released, [])
        self.assertEqual(self.engine.image.edges()["e1"], "draining", "nothing is done by itself")
        self.assertEqual([(r["edge"], r["deadline"]) for r in self.passed(daemon)],
                         [("e1", edge["deadline"])])
        self.engine.lives = []
        self.wait_alarm(daemon, "drain-e1", False)
        self.assertTrue(self.edge(daemon, "e1")["safe_to_stop"])

    def test_it_survives_a_death(self):
        daemon = self.started()
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3)]
        at = time.time()
        daemon.ask(do="edge", edge="e1", verb="drain", deadline=3)
        daemon.ask(do="switch", to="canary")
        deadline = self.edge(daemon, "e1")["deadline"]
        daemon.kill()
        daemon = self.started(stage="canary")
        self.assertEqual(self.edge(daemon, "e1")["deadline"], deadline)
        self.wait_alarm(daemon, "drain-e1")
        self.assertGreaterEqual(time.time(), at + 3 - 1)  # the deadline is to the second
        until(lambda: self.passed(daemon), 20)
        self.assertEqual(self.passed(daemon)[0]["live"], 3)
        daemon.kill()
        daemon = self.started(stage="canary")
        self.wait_alarm(daemon, "drain-e1")
        until(lambda: self.edge(daemon, "e1")["total"] == 3, 20)
        time_passed = daemon.status()["uptime"]
        daemon.wait_status(lambda s: s["uptime"] > time_passed + 1)  # a tick with a count
        self.assertEqual(len(self.passed(daemon)), 1, "it is told once")

    def test_what_ends_a_deadline(self):
        daemon = self.started()
        for verb in ("undrain", "drain", "retire"):
            daemon.ask(do="edge", edge="e1", verb="drain", deadline=3600)
            self.assertIsNotNone(self.edge(daemon, "e1")["deadline"])
            self.assertOk(daemon.ask(do="edge", edge="e1", verb=verb))
            self.assertIsNone(self.edge(daemon, "e1")["deadline"], verb)
        daemon.ask(do="edge", edge="e2", verb="drain", deadline=3600)
        self.assertOk(daemon.ask(do="edge", edge="e2", verb="reset"))
        self.assertIsNotNone(self.edge(daemon, "e2")["deadline"], "a reset changes it not")

    def test_reset(self):
        self.write_plan(change=with_media)
        daemon = self.started("--quiet", 1)
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3), (XMPP, E1, layout.PIN6, 0, 1),
                             (ACCESS, E1, layout.DIALOG, 1, 7), (MEDIA, E1, layout.PIN4, 1, 2)]
        self.assertRefused(daemon.ask(do="edge", edge="e1", verb="reset"), "gate",
                           "not draining: drain it")
        daemon.ask(do="edge", edge="e1", verb="drain")
        until(lambda: self.edge(daemon, "e1")["total"] == 13, 20)
        self.assertEqual(self.edge(daemon, "e1")["resettable"], 4)
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="reset", why="the night is short"))
        self.assertEqual(self.engine.image.edges(),
                         {"e1": "resetting", "e2": "up", "n1": "up", "n2": "up"})
        record = [r for r in daemon.journal() if r["what"] == "edge"][-1]
        self.assertEqual((record["edge"], record["verb"], record["why"], record["resettable"]),
                         ("e1", "reset", "the night is short", 4))
        self.assertTrue(record["who"])
        edge = self.edge(daemon, "e1")
        self.assertEqual((edge["state"], edge["asked"]), ("resetting", "resetting"))
        self.assertIn("its connections are reset", edge["evidence"][0])
        self.engine.lives = []
        until(lambda: self.edge(daemon, "e1")["safe_to_stop"], 20)
        self.assertOk(daemon.ask(do="edge", edge="e1", verb="retire"))

    def test_reset_survives_a_death_and_a_switch_and_is_taken_back(self):
        daemon = self.started()
        for back, state in (("drain", "draining"), ("undrain", "up")):
            daemon.ask(do="edge", edge="e1", verb="drain")
            daemon.ask(do="edge", edge="e1", verb="reset")
            daemon.kill()
            daemon = self.started(stage=daemon_stage(daemon))
            self.assertEqual(self.edge(daemon, "e1")["asked"], "resetting")
            self.assertOk(daemon.ask(do="edge", edge="e2", verb="down"))
            self.assertEqual(self.engine.image.edges()["e1"], "resetting")
            self.assertOk(daemon.ask(do="edge", edge="e1", verb=back))
            self.assertEqual(self.engine.image.edges()["e1"], state)

    def test_an_edge_whose_answers_are_not_seen(self):
        self.write_plan(change=lambda text: text.replace("  fresh:\n    role: new\n", DSR))
        daemon = self.started()
        self.engine.lives = [(ACCESS, N1, layout.PIN4, 1, 3)]
        daemon.ask(do="edge", pool="fresh", verb="drain")
        until(lambda: self.edge(daemon, "n1")["total"] == 3, 20)
        self.assertEqual(self.edge(daemon, "n1")["resettable"], 0)
        before = self.engine.generation
        for target in ({"edge": "n1"}, {"pool": "fresh"}):
            self.assertRefused(daemon.ask(do="edge", verb="reset", **target), "gate",
                               "edge n1: its answers do not come by here")
        self.assertEqual(self.engine.generation, before)

    def test_what_is_refused(self):
        daemon = self.started()
        for request in ({"verb": "drain", "deadline": 0}, {"verb": "drain", "deadline": -1},
                        {"verb": "drain", "deadline": 2592001}, {"verb": "down", "deadline": 9},
                        {"verb": "drain", "deadline": "9"}):
            self.assertRefused(daemon.ask(do="edge", edge="e1", **request), "usage", "deadline")
        self.assertEqual(self.engine.generation, 1)


def daemon_stage(daemon):
    lives = [r["stage"] for r in daemon.journal() if r["what"] == "live"]
    return lives[-1]


if __name__ == "__main__":
    run()

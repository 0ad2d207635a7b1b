#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The plan again: a transaction, by request, by SIGHUP, at a start."""

import signal

from main import run
from harness import STAGES, Case, until


class Reload(Case):
    def test_the_same_plan_changes_nothing(self):
        daemon = self.started()
        self.assertOk(daemon.ask(do="reload"))
        self.assertEqual(self.engine.generation, 1)

    def test_a_new_stage_is_there_at_once(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        self.write_plan(STAGES.replace("access: 50", "access: 60") + "  - name: more\n")
        answer = self.assertOk(daemon.ask(do="reload", why="sixty"))
        self.assertEqual((answer["generation"], answer["stage"]), (3, "half"))
        share = daemon.status()["services"][0]["share"]
        self.assertEqual(share, {"default": 60.0, "exceptions": [], "more": 0})
        self.assertOk(daemon.ask(do="switch", to="more", force=True))
        kept = (daemon.state / "plan.yaml").read_text()
        self.assertEqual(kept, (self.dir / "plan.yaml").read_text())

    def test_what_a_reload_changes_no_restart_takes_back(self):
        daemon = self.started()
        self.write_plan(STAGES + "  - name: more\n")
        self.assertOk(daemon.ask(do="reload"))
        self.assertOk(daemon.ask(do="switch", to="more"))
        (self.dir / "plan.yaml").write_text("nonsense: [")
        daemon.kill()
        daemon = self.started(stage="more")
        until(lambda: "plan" in daemon.alarms())
        self.assertOk(daemon.ask(do="switch", to="baseline"))

    def refused(self, change, *words):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        before = self.engine.image
        self.write_plan(change=change)
        answer = daemon.ask(do="reload")
        for text in words:
            self.assertRefused(answer, "refused", text)
        self.assertIs(self.engine.image, before)
        self.assertIn("plan", daemon.alarms())
        self.assertOk(daemon.ask(do="switch", to="all"))
        self.write_plan()
        self.assertOk(daemon.ask(do="reload"))
        self.assertNotIn("plan", daemon.alarms())

    def test_every_error_is_said_with_its_place(self):
        self.refused(lambda t: t.replace("kind: xmpp", "kind: xmmp")
                     .replace("role: new", "role: nwe"),
                     "plan.yaml:12:11: error:", "plan.yaml:18:16: error:")

    def test_the_live_stage_must_be_there(self):
        self.refused(lambda t: t.replace("name: half", "name: halb"), "stage half is live")

    def test_the_alarm_of_a_pool_ends_with_its_name(self):
        daemon = self.started()
        for edge in ("e1", "e2"):
            self.assertOk(daemon.ask(do="edge", edge=edge, verb="down"))
        until(lambda: list(daemon.alarms()) == ["pool-old"], why=lambda: str(daemon.alarms()))
        self.write_plan(change=lambda text: text.replace("  old:\n", "  ancient:\n"))
        self.assertOk(daemon.ask(do="reload"))
        until(lambda: list(daemon.alarms()) == ["pool-ancient"], why=lambda: str(daemon.alarms()))
        for edge in ("e1", "e2"):
            self.assertOk(daemon.ask(do="edge", edge=edge, verb="up"))
        until(lambda: not daemon.alarms())

    def test_edges_keep_their_numbers(self):
        self.refused(lambda t: t.replace("e1:", "e0:"), "edge 0 is 'e0'")

    def test_the_salt_stays(self):
        self.refused(lambda t: t.replace("lab-2026", "lab-2027"), "salt")

    def test_a_vip_stays(self):
        self.refused(lambda t: t.replace("203.0.113.100", "203.0.113.200"), "VIP 0")

    def test_no_file(self):
        daemon = self.started()
        (self.dir / "plan.yaml").unlink()
        self.assertRefused(daemon.ask(do="reload"), "refused", "No such file")

    def test_sighup(self):
        daemon = self.started()
        self.write_plan(STAGES + "  - name: more\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.engine.wait(lambda: self.engine.generation == 2)
        until(lambda: len(daemon.ask(do="stages")["stages"]) == 5)

    def test_a_sighup_without_an_engine_waits_for_it(self):
        daemon = self.started()
        self.engine.stop()
        daemon.wait_status(lambda s: not s["engine"])
        self.write_plan(STAGES + "  - name: more\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.assertRefused(daemon.ask(do="reload"), "engine")
        self.engine.listen()
        self.engine.wait(lambda: self.engine.generation == 2)

    def test_a_file_that_was_edited_while_turnoutd_was_down_is_taken_at_its_start(self):
        self.started().kill()
        self.write_plan(STAGES + "  - name: more\n")
        daemon = self.started()
        self.engine.wait(lambda: self.engine.generation == 2)
        until(lambda: len(daemon.ask(do="stages")["stages"]) == 5)

    def test_a_plan_that_cannot_follow_does_not_keep_turnoutd_from_starting(self):
        self.started().kill()
        self.write_plan(change=lambda t: t.replace("lab-2026", "lab-2027"))
        daemon = self.started()
        until(lambda: "salt" in daemon.alarms().get("plan", ""))
        self.assertOk(daemon.ask(do="switch", to="half"))

    def test_without_any_plan_it_does_not_start(self):
        (self.dir / "plan.yaml").write_text("turnout: 2\n")
        daemon = self.start(wait=False)
        self.assertEqual(daemon.process.wait(10), 1)
        self.assertIn("plan.yaml:1:", daemon.said())

    def test_a_new_edge_comes_behind_the_old_ones(self):
        daemon = self.started()
        daemon.ask(do="edge", edge="n1", verb="drain")
        self.write_plan(change=lambda t: t.replace(
            "      n2: {access: 203.0.113.13}",
            "      n2: {access: 203.0.113.13}\n      n3: {access: 203.0.113.14}"))
        self.assertOk(daemon.ask(do="reload"))
        self.assertEqual(self.engine.image.edges(), {"e1": "up", "e2": "up", "n1": "draining",
                                                     "n2": "up", "n3": "up"})


if __name__ == "__main__":
    run()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Gates that turnoutd measures by what its engine shows: failures, partners_seen."""

import socket
import layout
from main import run
from harness import Case, until

E1, E2, N1, N2 = range(4)
ACCESS, XMPP = range(2)
UNPROVEN, PROVEN, OVER = range(3)
DISPLACED = 1


class Measures(Case):
    def gate(self, daemon, stage):
        stages = {s["name"]: s for s in daemon.ask(do="stages")["stages"]}
        return stages[stage]["gates"][0]

    def wait_now(self, daemon, stage, words, seconds=15):
        return until(lambda: (lambda g: g if words in g["now"] else None)(
            self.gate(daemon, stage)), seconds, lambda: str(self.gate(daemon, stage)))


class Failures(Measures):
    def setUp(self):
        super().setUp()
        self.write_plan("  - name: baseline\n  - name: canary\n    gates:\n"
                        "      - failures: {service: access, no_worse_than: baseline}\n"
                        "    routes: {access: {default: 0, partners: {fabrikam: 100}}}\n"
                        "  - name: half\n")

    def censuses(self, more):
        """Waits for so many that begin after now."""
        before = self.engine.count(layout.CENSUS)
        self.engine.wait(lambda: self.engine.count(layout.CENSUS) > before + more, 15)

    def have(self, tried, waiting=0, edge=E1, kind=layout.PIN4):
        self.engine.rows = [(ACCESS, edge, layout.REASON_ROUTE, tried)]
        self.engine.lives = [(ACCESS, edge, kind, UNPROVEN, waiting),
                             (ACCESS, edge, layout.PIN4, OVER, 50),
                             (ACCESS, edge, layout.AFFINITY, UNPROVEN, 50)]

    def watched(self):
        """A canary; of 1000 flows of the baseline about one was never answered."""
        daemon = self.started("--quiet", 1, program=self.TEST_PROGRAM)
        self.censuses(2)  # counting has begun
        self.have(1000, waiting=6)
        self.censuses(2)
        self.have(1000)
        self.assertOk(daemon.ask(do="switch", to="canary"))
        return daemon

    def test_against_an_earlier_stage(self):
        daemon = self.watched()
        answers = daemon.journal()[-1]["answers"]["access"]["old"]
        self.assertEqual(answers["tried"], 1000)
        self.assertIn(answers["unanswered"], (1, 2))  # 6 for 2 to 3 s, of 10 s each
        self.wait_now(daemon, "canary", "not counted yet")
        self.wait_now(daemon, "canary", "no new flow was counted at pool fresh")
        self.have(2000, edge=N1)
        gate = self.wait_now(daemon, "canary", "0 of 2000 at pool fresh (0.00 %)")
        self.assertTrue(gate["open"])
        self.assertRegex(gate["now"], r"[12] of 1000 in stage baseline \(0.[12]0 %\)")
        self.have(2000, waiting=100, edge=N1, kind=layout.DIALOG)
        until(lambda: not self.gate(daemon, "canary")["open"])
        self.assertRefused(daemon.ask(do="switch", to="half"), "gate", "never answered")
        self.engine.region.events[DISPLACED] += 1
        self.wait_now(daemon, "canary", "not measured: entries were lost or displaced")
        self.have(3000, edge=N1)
        daemon.kill()  # what the baseline was is in the journal, and counting begins anew
        daemon = self.started("--quiet", 1, program=self.TEST_PROGRAM, stage="canary")
        self.wait_now(daemon, "canary", "no new flow was counted at pool fresh")
        self.have(3001, edge=N1)
        self.assertTrue(self.wait_now(daemon, "canary", "0 of 1 at pool fresh")["open"])

    def test_a_stage_that_was_not_watched_is_none_to_compare_with(self):
        daemon = self.started()
        self.assertOk(daemon.ask(do="switch", to="canary"))
        gate = self.gate(daemon, "canary")
        self.assertIn("not measured: no flow was counted while baseline was live", gate["now"])
        self.assertFalse(gate["open"])

    def test_an_edge_whose_checks_fail_is_a_failure(self):
        health = str(self.dir / "health.sock")
        daemon = self.started(program=self.TEST_PROGRAM,
                              environment={"TURNOUT_TEST_HEALTH": health})
        self.assertOk(daemon.ask(do="switch", to="canary"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"n2 access down", health)
        self.wait_now(daemon, "canary", "the checks of edge n2 fail")


class Partners(Measures):
    def test_seen_where_the_stage_sends_them(self):
        self.write_plan("  - name: baseline\n  - name: moved\n    routes: {xmpp: 100}\n"
                        "    gates: [{partners_seen: all}]\n  - name: end\n")
        daemon = self.started()
        self.engine.flows = [
            layout.flow(layout.PIN4, E1, XMPP, "198.51.100.1"),  # of the stage before
            layout.flow(layout.PIN4, N1, XMPP, "198.51.100.2", proven=0),
            layout.flow(layout.PIN4, N1, ACCESS, "198.51.100.3"),  # a person, perhaps
            layout.flow(layout.PIN4, N1, XMPP, "198.51.100.17")]  # fabrikam ends before
        self.assertOk(daemon.ask(do="switch", to="moved"))
        self.engine.wait(lambda: self.engine.count(layout.FLOWS) >= 3)
        now = self.gate(daemon, "moved")["now"]
        self.assertEqual(now, "not seen, and not acknowledged: partner-seen:fabrikam, litware")
        self.engine.flows += [layout.flow(layout.PIN4, N2, XMPP, "198.51.100.15")]
        self.wait_now(daemon, "moved", "partner-seen:litware")
        self.engine.flows = []
        record = next(r for r in daemon.journal() if r["what"] == "partner-seen")
        self.assertEqual((record["partner"], record["stage"], record["service"], record["edge"]),
                         ("fabrikam", "moved", "xmpp", "n2"))
        daemon.kill()
        daemon = self.started(stage="moved")
        self.wait_now(daemon, "moved", "partner-seen:litware")
        self.assertOk(daemon.ask(do="ack", name="partner-seen:litware"))
        self.assertTrue(self.gate(daemon, "moved")["open"])
        self.assertOk(daemon.ask(do="switch", to="end"))
        self.assertOk(daemon.ask(do="switch", to="moved"))
        self.wait_now(daemon, "moved", "partner-seen:fabrikam")  # again, in this stage

    def test_it_is_not_asked_when_no_gate_waits_for_it(self):
        daemon = self.started("--quiet", 1)
        self.engine.wait(lambda: self.engine.count(layout.CENSUS) >= 3)
        self.assertEqual(self.engine.count(layout.FLOWS), 0)
        self.assertEqual(daemon.alarms(), {})


if __name__ == "__main__":
    run()

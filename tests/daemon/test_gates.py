#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Gates: each kind closed and open, what a switch passes, force."""

import datetime
import socket

import layout
from main import run
from harness import ME, Case, until

E1, E2, N1, N2 = range(4)
ACCESS, XMPP = range(2)


class Gates(Case):
    def with_gates(self, gates, *options, more="", **rest):
        lines = "".join(f"      - {g}\n" for g in gates)
        self.write_plan(f"  - name: baseline\n    gates:\n{lines}{more}  - name: canary\n"
                        "  - name: half\n    routes: {access: 50}\n")
        return self.started(*options, **rest)

    def gates(self, daemon, stage="baseline"):
        stages = {s["name"]: s for s in daemon.ask(do="stages")["stages"]}
        return stages[stage]["gates"]

    def gate(self, daemon, stage="baseline"):
        return self.gates(daemon, stage)[0]

    def wait_open(self, daemon, seconds=15):
        until(lambda: self.gate(daemon)["open"], seconds, lambda: str(self.gate(daemon)))

    def test_a_closed_gate_refuses_and_force_is_written_down(self):
        daemon = self.with_gates(["soak: 24h", "ack: told-the-users"])
        answer = self.assertRefused(daemon.ask(do="switch", to_next=True), "gate",
                                    "soak: baseline has been live for 1 d (now: ")
        self.assertIn("not acknowledged: told-the-users", answer["message"])
        self.assertEqual([(g["kind"], g["open"], g["stage"]) for g in answer["gates"]],
                         [("soak", False, "baseline"), ("ack", False, "baseline")])
        self.assertEqual(self.engine.generation, 1)
        self.assertOk(daemon.ask(do="switch", to_next=True, force=True, why="in a hurry"))
        forced = next(r for r in daemon.journal() if r["what"] == "forced")
        self.assertEqual((forced["who"], forced["why"]), (ME, "in a hurry"))
        self.assertIn("soak", forced["gates"])
        self.assertOk(daemon.ask(do="switch", to_back=True))

    def test_stages_that_are_jumped_over_have_gates_too(self):
        self.write_plan("  - name: baseline\n  - name: canary\n    gates: [{soak: 1s}]\n"
                        "  - name: half\n    routes: {access: 50}\n")
        daemon = self.started()
        self.assertRefused(daemon.ask(do="switch", to="half"), "gate", "stage canary: soak")
        preview = daemon.ask(do="preview", to="half")
        self.assertEqual([g["stage"] for g in preview["gates"]], ["canary"])
        self.assertOk(daemon.ask(do="switch", to="canary"))

    def test_soak(self):
        daemon = self.with_gates(["soak: 1s"])
        self.wait_open(daemon)
        self.assertOk(daemon.ask(do="switch", to_next=True))

    def test_soak_goes_on_over_a_restart_and_an_edge_and_not_over_a_stage(self):
        daemon = self.with_gates(["soak: 1s"])
        self.wait_open(daemon)
        daemon.ask(do="edge", edge="e1", verb="drain")
        self.assertTrue(self.gate(daemon)["open"])
        daemon.kill()
        daemon = self.started()
        self.assertTrue(self.gate(daemon)["open"])
        daemon.ask(do="switch", to="canary")
        self.assertEqual(self.gate(daemon)["now"], "the stage is not live")
        daemon.ask(do="switch", to="baseline")
        self.assertFalse(self.gate(daemon)["open"])

    def test_acks(self):
        daemon = self.with_gates(["ack: told-the-users"])
        self.assertRefused(daemon.ask(do="ack", name="told-the-user"), "usage", "no gate")
        self.assertRefused(daemon.ask(do="unack", name="told-the-users"), "usage")
        self.assertOk(daemon.ask(do="ack", name="told-the-users", why="mail"))
        self.assertIn(f"by {ME} at", self.gate(daemon)["now"])
        daemon.kill()
        daemon = self.started()
        self.assertTrue(self.gate(daemon)["open"])
        self.assertOk(daemon.ask(do="unack", name="told-the-users"))
        self.assertFalse(self.gate(daemon)["open"])

    def count(self, **packets):
        """Of reason `route`; what has another reason is no new flow."""
        edges = {"e1": E1, "n1": N1}
        self.engine.rows = [(ACCESS, edges[e], layout.REASON_ROUTE, n)
                            for e, n in packets.items()] + [(ACCESS, N1, 4, 1000)]
        self.engine.renew()

    def test_connections_are_counted_from_the_stage_on(self):
        self.count(n1=100)
        daemon = self.with_gates(["connections: {service: access, pool: fresh, at_least: 20}"])
        self.assertEqual(self.gate(daemon)["now"], "0")
        self.count(n1=119)
        self.assertFalse(self.gate(daemon)["open"])
        self.count(n1=120)
        self.assertTrue(self.gate(daemon)["open"])
        daemon.kill()
        daemon = self.started()
        self.assertEqual(self.gate(daemon)["now"], "20")

    def test_new_flows(self):
        self.count(e1=5)
        daemon = self.with_gates(["new_flows: {service: access, pool: old, at_most: 0}"],
                                 "--quiet", 1)
        self.wait_open(daemon)
        self.count(e1=6)
        self.assertFalse(self.gate(daemon)["open"])
        self.wait_open(daemon)

    def test_drained(self):
        self.engine.lives = [(XMPP, E1, layout.PIN4, 1, 2), (ACCESS, E2, layout.PIN4, 1, 1)]
        daemon = self.with_gates(["drained: {pool: old, for: 1s, except: [xmpp]}"], "--quiet", 1)
        until(lambda: "e2: 1 live" in self.gate(daemon)["now"], 15,
              lambda: str(self.gate(daemon)))
        self.engine.lives = [(XMPP, E1, layout.PIN4, 1, 2)]
        self.wait_open(daemon, 20)
        self.engine.stop()
        daemon.wait_status(lambda s: not s["engine"])
        self.assertIn("not known", self.gate(daemon)["now"])

    def test_preflight(self):
        health = str(self.dir / "health.sock")
        daemon = self.with_gates(["preflight: [names, access-certificate, next-hop, all-edges]"],
                                 program=self.TEST_PROGRAM,
                                 environment={"TURNOUT_TEST_HEALTH": health})
        now = self.gate(daemon)["now"]
        for words in ("names", "access-certificate", "next-hop", "e1: unknown"):
            self.assertIn(words, now)
        for name in ("names", "access-certificate", "next-hop"):
            self.assertOk(daemon.ask(do="ack", name=name))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            for edge in ("e1", "e2", "n1", "n2"):
                for service in ("access", "xmpp"):
                    if edge == "n2" and service == "xmpp":
                        continue
                    s.sendto(f"{edge} {service} up".encode(), health)
            until(lambda: self.gate(daemon)["now"] == "n2: unknown", 10,
                  lambda: str(self.gate(daemon)))
            s.sendto(b"n2 xmpp up", health)
        self.wait_open(daemon)

    def test_all_edges_without_checks_is_a_persons_word(self):
        daemon = self.with_gates(["preflight: [all-edges]"])
        self.assertFalse(self.gate(daemon)["open"])
        self.assertOk(daemon.ask(do="ack", name="all-edges"))
        self.assertTrue(self.gate(daemon)["open"])

    def window(self, begin, end):
        """A plan whose second stage is entered from now + begin to now + end, in minutes."""
        now = datetime.datetime.now(datetime.timezone.utc)
        times = [(now + datetime.timedelta(minutes=m)).strftime("%H:%M") for m in (begin, end)]
        self.write_plan(f"  - name: baseline\n  - name: canary\n"
                        f"    window: \"{times[0]}-{times[1]}\"\n  - name: half\n")
        return self.started()

    def test_outside_its_window_a_stage_is_not_entered(self):
        daemon = self.window(60, 120)
        self.assertRefused(daemon.ask(do="switch", to="canary"), "gate", "stage canary: window")
        self.assertRefused(daemon.ask(do="switch", to="half"), "gate", "stage canary: window")
        self.assertOk(daemon.ask(do="switch", to="canary", force=True))
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertOk(daemon.ask(do="switch", to="canary"))  # back is always allowed

    def test_inside_its_window_it_is(self):
        daemon = self.window(-60, 60)
        self.assertOk(daemon.ask(do="switch", to="canary"))

    def test_no_gate_holds_up_a_way_back(self):
        daemon = self.with_gates(["soak: 24h"])
        daemon.ask(do="switch", to="half", force=True)
        self.assertEqual(daemon.ask(do="preview", to="baseline")["gates"], [])
        self.assertOk(daemon.ask(do="switch", to="baseline"))


if __name__ == "__main__":
    run()

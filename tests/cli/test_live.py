# SPDX-License-Identifier: BSD-3-Clause
"""The commands of a live gateway against a turnoutd that is strict about docs/api.md."""
import json
import time
import unittest

from support import TURNOUT, Terminal, WithDaemon

VIEWS = {"status": ["status"], "stages": ["stage", "list"], "edges": ["edges"],
         "flows": ["flows"], "history": ["history"], "counters": ["counters"]}


class Views(WithDaemon):
    def test_json_is_the_answer_as_it_is(self):
        self.daemon.state["records"][0]["why"] = "a\u001b[31m b"
        for do, words in VIEWS.items():
            with self.subTest(do):
                out, _ = self.run_turnout(*words, "--json")
                wanted = {"ok": True, **getattr(self.daemon, "do_" + do)()}
                self.assertEqual(json.loads(out), json.loads(json.dumps(wanted)))

    def test_status_begins_with_what_is_live(self):
        out, _ = self.run_turnout("status")
        head = out.splitlines()
        self.assertEqual(head[0], "contoso-hq: stage access-10 is live, generation 14, "
                         "for 3 h 12 min")
        self.assertIn("next access-25, back baseline", head[1])
        self.assertNotIn("NOT RIGHT", out)
        self.assertRegex(out, r"access +sip-tls +10 % +9,000 +1,234 +412 +78")
        self.assertIn("fabrikam 100 %, and 7 more", out)

    def test_status_says_what_is_not_right_before_all_else(self):
        state = self.daemon.state
        state["alarms"] = [{"name": "edge n2", "since": time.time() - 310,
                            "message": "access does not answer"}]
        state["engine"]["ports"][1]["up"] = False
        state["engine"]["workers"][1].update(silent_ms=12000, generation=13)
        state["journal"]["ok"] = False
        state["switching"] = {"to": "access-25", "generation": 15, "since": time.time() - 2}
        out, _ = self.run_turnout("status")
        wrong = out.partition("NOT RIGHT\n")[2].partition("\n\n")[0]
        self.assertRegex(wrong, r"^edge n2 +for 5 min +access does not answer\n")
        for line in ("port eth1 (edges) is down", "worker 1 has been silent for 12.0 s",
                     "worker 1 decides by generation 13, not 14",
                     "journal cannot be written", "a switch to access-25 (generation 15)"):
            self.assertIn(line, wrong)
        self.assertLess(out.index("NOT RIGHT"), out.index("engine turnout-dp"))

    def test_status_without_engine(self):
        self.daemon.state.update(engine=None, alarms=[{
            "name": "engine", "since": "2026-03-02T05:00:00Z", "message": "no engine at\nx"}])
        out, _ = self.run_turnout("status")
        self.assertIn("stage access-10 was live when an engine was last here", out)
        wrong = out.partition("NOT RIGHT\n")[2].partition("\n\n")[0]
        self.assertRegex(wrong, r"^engine +for \d+ d.* no engine at x$")  # once

    def test_status_without_engine_and_stage(self):
        self.daemon.state.update(engine=None, stage=None)
        out, _ = self.run_turnout("status")
        self.assertIn("no stage is live: nothing is steered", out)
        self.assertIn("no engine is connected", out)

    def test_stage_list(self):
        out, _ = self.run_turnout("stage", "list")
        self.assertEqual([line.rstrip() for line in out.splitlines()], [
            "  baseline   no gates",
            "> access-10  gates open           live",
            "  open       soak: 24 h           now 26 h",
            "  access-25  1 of 1 gates closed",
            "  CLOSED     ack: quiet-hour      now not acknowledged"])

    def test_edges_say_why(self):
        e1, e2, n1, _ = self.daemon.state["edges"]
        e1["checks"][0].update(state="down", message="connection refused")
        e1.update(state="down", health="down")
        e2.update(state="draining", safe_to_stop=True, drained_since=time.time() - 2430)
        n1["next_hop"] = False
        out, _ = self.run_turnout("edges")
        self.assertRegex(out, r"e1 +legacy +dnat +down +up +down +412 +access: connection refused")
        self.assertRegex(out, r"e2 .* safe to stop\n")
        self.assertRegex(out, r"n1 .* no next hop\n")
        e2["safe_to_stop"] = False
        self.assertRegex(self.run_turnout("edges")[0], r"e2 .* for 40 min\n")

    def test_one_edge_whole(self):
        edge = self.daemon.state["edges"][0]
        edge["evidence"] = ["draining since 2026-03-02T05:00:00Z", "access: 412 live"]
        edge["checks"][0]["last"] = "2026-03-02T05:00:00Z"
        out, _ = self.run_turnout("edges", "e1")
        self.assertNotIn("e2", out)
        self.assertIn("e1: not safe to stop\n  draining since 2026-03-02T05:00:00Z\n"
                      "  access: 412 live\n  access: 411 live, and 1 not answered yet\n"
                      "  check of access (tls): up, ", out)
        out, _ = self.run_turnout("edges", "new")
        self.assertIn("n1: not safe to stop", out)
        self.assertIn("n2: not safe to stop", out)
        self.assertIn("did you mean 'e1'?", self.run_turnout("edges", "e11", code=2)[1])

    def test_flows_over_pages(self):
        self.daemon.state["page"] = 300
        out, _ = self.run_turnout("flows", "--limit", "1000", "--json")
        self.assertEqual(json.loads(out)["flows"], self.daemon.state["flows"][:1000])
        self.assertEqual([r["limit"] for r in self.asked("flows")], [1000, 700, 400, 100])
        out, _ = self.run_turnout("flows", "--limit", "100000", "--edge", "e1", "--proven")
        self.assertEqual(len(out.splitlines()) - 2, sum(
            f["edge"] == "e1" and f["proven"] for f in self.daemon.state["flows"]))

    def test_flows_filters_are_handed_on(self):
        out, _ = self.run_turnout("flows", "--edge=n1", "--service=access", "--pool=new",
                                  "--client=2001:db8::1", "--kind=pin6", "--unproven")
        self.assertEqual(self.asked("flows"), [
            {"edge": "n1", "service": "access", "pool": "new", "client": "2001:db8::1",
             "kind": "pin6", "proven": False, "limit": 100}])
        out, _ = self.run_turnout("flows", "--limit=2")
        self.assertIn("[2001:db8::1]:1025", out)
        self.assertIn("there are more", out)
        self.assertIn("there is no kind", self.run_turnout("flows", "--kind=x", code=2)[1])

    def test_history_says_who_and_why(self):
        out, _ = self.run_turnout("history", "--limit", "2")
        lines = out.splitlines()
        self.daemon.state["records"].append({"n": 4, "what": "edge", "edge": "e1", "verb": "drain",
                                             "who": "ada", "why": ""})
        self.assertRegex(self.run_turnout("history")[0], r"ada +drain +edge e1 *\n")
        self.assertRegex(lines[0], r"ada +switch +generation 14, stage access-10 +quiet hour$")
        self.assertRegex(lines[1], r"- +live +generation 14, stage access-10, after 0.2 ms +$")
        self.assertEqual(len(lines), 2)

    def test_nobody_writes_to_the_terminal_of_another(self):
        self.daemon.state["records"][1]["why"] = "x\x1b]0;owned\x07\n\x9b31m y"
        out, _ = self.run_turnout("history")
        self.assertIn("x?]0;owned? ??31m y", out)

    def test_counters(self):
        out, _ = self.run_turnout("counters")
        self.assertRegex(out, r"access +legacy +e1 +tls +pin +12,878 +9,000,000")
        self.assertRegex(out, r"entries pins-ipv4 proven capacity +1,048,576")


class Changes(WithDaemon):
    def test_a_switch_is_shown_and_made(self):
        self.run_turnout("ack", "quiet-hour", "--why", "rang ops")
        out, _ = self.run_turnout("stage", "next", "--yes", "--why", "quiet hour")
        self.assertIn("from access-10 to access-25: new flows", out)
        self.assertRegex(out, r"access +everyone +10 % +-> +25 % new")
        self.assertIn("stage access-25 is live, generation 15: 0.4 ms after the commit (prepared "
                      "in 20 ms)", out)
        self.assertEqual(self.asked("ack"), [{"name": "quiet-hour", "why": "rang ops"}])
        self.assertEqual(self.asked("switch"), [{"to": "access-25", "why": "quiet hour"}])

    def test_json_of_a_switch_is_its_answer_alone(self):
        out, err = self.run_turnout("stage", "back", "--yes", "--json")
        self.assertEqual(json.loads(out)["stage"], "baseline")
        self.assertIn("from access-10 to baseline", err)

    def test_a_closed_gate_is_no(self):
        for words in (["stage", "next"], ["stage", "to", "access-25"]):
            out, err = self.run_turnout(*words, "--yes", code=1)
            self.assertIn("CLOSED  access-25: ack: quiet-hour  now not acknowledged", out)
            self.assertIn("1 gate is closed; --force passes it", err)
        self.assertEqual(self.asked("switch"), [])
        self.run_turnout("stage", "next", "--yes", "--force")
        self.assertEqual(self.asked("switch"), [{"to": "access-25", "force": True}])

    def test_back_asks_no_gate(self):
        self.daemon.state["stage"] = "access-25"
        self.run_turnout("stage", "to", "baseline", "--yes")
        self.assertEqual(self.daemon.state["stage"], "baseline")

    def test_no_stage_there(self):
        self.daemon.state["stage"] = "access-25"
        for words, code, message in (
                (["stage", "next"], 1, "the last stage is live"),
                (["stage", "to", "access-25"], 1, "is live already"),
                (["stage", "to", "acess-10"], 2, "did you mean 'access-10'?")):
            self.assertIn(message, self.run_turnout(*words, "--yes", code=code)[1])
        self.daemon.state["stage"] = "baseline"
        self.assertIn("no stage to go back to",
                      self.run_turnout("stage", "back", "--yes", code=1)[1])

    def test_off_a_terminal_it_wants_yes(self):
        self.run_turnout("drain", "e2")
        self.daemon.requests.clear()
        for words in (["stage", "back"], ["release", "e1"], ["retire", "e2"]):
            _, err = self.run_turnout(*words, code=2)
            self.assertIn("--yes does without", err)
        self.assertEqual([r["do"] for r in self.daemon.requests
                          if r["do"] in ("switch", "release", "edge")], [])

    def test_verbs_on_edges_and_pools(self):
        out, _ = self.run_turnout("drain", "legacy", "--why", "the end")
        self.assertEqual(self.asked("edge"), [{"pool": "legacy", "verb": "drain",
                                               "why": "the end"}])
        self.assertIn("generation 15 is live, 9.1 ms after the commit\n", out)
        self.assertRegex(out, r"e1 +legacy +dnat +draining")
        self.assertRegex(out, r"e2 +legacy +dnat +draining")
        self.assertNotIn("n1", out)
        for verb, state in (("undrain", "up"), ("down", "down"), ("up", "up")):
            out, _ = self.run_turnout(verb, "e2")
            self.assertRegex(out, rf"e2 +legacy +dnat +{state} ")
            self.assertEqual(self.asked("edge")[-1], {"edge": "e2", "verb": verb})
        self.daemon.state["edges"][1].update(state="draining", by_hand=True)
        self.assertRegex(self.run_turnout("edges")[0], r"e2 +legacy +dnat +draining +down ")
        self.assertIn("did you mean 'legacy'?", self.run_turnout("drain", "lgacy", code=2)[1])

    def test_an_edge_of_a_pools_name(self):
        self.daemon.state["edges"][0]["name"] = "new"
        self.run_turnout("drain", "new")
        self.run_turnout("drain", "new", "--pool")
        self.assertEqual(self.asked("edge"), [{"edge": "new", "verb": "drain"},
                                              {"pool": "new", "verb": "drain"}])

    def test_retire_wants_nothing_live(self):
        self.assertIn("edge e1 takes new flows: 'turnout drain e1' first",
                      self.run_turnout("retire", "e1", "--yes", code=1)[1])
        self.run_turnout("drain", "legacy")
        self.daemon.requests.clear()
        out, err = self.run_turnout("retire", "e1", "--yes", code=1)
        self.assertIn("edge e1, draining, has 412 live entries: access 412 (1 not answered yet)", out)
        self.assertIn("something is live there", err)
        self.assertEqual(self.asked("edge"), [])
        self.assertIn("412 entries were forgotten\n",
                      self.run_turnout("retire", "e1", "--yes", "--force")[0])
        self.assertEqual(self.asked("edge"), [{"edge": "e1", "verb": "retire", "force": True,
                                               "release": True}])
        out, _ = self.run_turnout("retire", "e2", "--yes")
        self.assertRegex(out, r"e2 +legacy +dnat +retired")
        self.run_turnout("readmit", "e2")

    def test_release(self):
        out, _ = self.run_turnout("release", "e1", "--service", "access", "--yes")
        self.assertIn("edge e1, up, has 412 live entries of access", out)
        self.assertIn("412 entries were forgotten", out)
        self.assertEqual(self.asked("release"), [{"edge": "e1", "service": "access"}])
        self.assertIn("did you mean 'e1'?", self.run_turnout("release", "e11", "--yes",
                                                             code=2)[1])

    def test_acks_and_reload(self):
        self.assertIn("no gate of the plan waits",
                      self.run_turnout("ack", "quiet", code=2)[1])
        self.run_turnout("ack", "quiet-hour")
        self.run_turnout("unack", "quiet-hour")
        self.assertIn("read again, and live", self.run_turnout("reload")[0])
        self.assertEqual(self.asked("reload"), [{}])

    def test_what_turnoutd_says_is_the_exit_code(self):
        for error, code in (("gate", 1), ("usage", 2), ("denied", 2), ("engine", 3),
                            ("refused", 4), ("busy", 4), ("journal", 4), ("surprise", 4)):
            answer = {"ok": False, "error": error, "message": f"because\n{error}\x1b"}
            self.daemon.fault = json.dumps(answer).encode() + b"\n"
            with self.subTest(error):
                out, err = self.run_turnout("drain", "e1", code=code)
                self.assertEqual((out, err), ("", f"turnout: because\n{error}?\n"))
                out, _ = self.run_turnout("drain", "e1", "--json", code=code)
                self.assertEqual(json.loads(out), answer)


class AtATerminal(WithDaemon):
    def ask(self, words, question, reply):
        t = Terminal(self.words(*words))
        t.read_until(question)
        t.type(reply)
        return t.wait()

    def test_yes(self):
        _, code = self.ask(["stage", "back"], b"switch to baseline? [y/N] ", "y\n")
        self.assertEqual((code, self.daemon.state["stage"]), (0, "baseline"))

    def test_anything_else_is_no(self):
        for reply in ("\n", "n\n", "yup\n", "\x04"):
            said, code = self.ask(["stage", "back"], b"switch to baseline? [y/N] ", reply)
            self.assertEqual(code, 1)
            self.assertIn(b"nothing was changed", said)
        _, code = self.ask(["release", "e1"], b"release e1? [y/N] ", "no\n")
        self.assertEqual(code, 1)
        self.assertEqual([r for r in self.daemon.requests if r["do"] in ("switch", "release")], [])

    def test_force_is_said_in_the_question(self):
        _, code = self.ask(["stage", "next", "--force"],
                           b"switch to access-25, though not every gate is open? [y/N] ", "yes\n")
        self.assertEqual((code, self.daemon.state["stage"]), (0, "access-25"))
        _, code = self.ask(["retire", "e1", "--force"],
                           b"retire e1, and forget what is live there? [y/N] ", "y\n")
        self.assertEqual((code, self.daemon.state["edges"][0]["state"]), (0, "retired"))


class NoAnswer(WithDaemon):
    def fails(self, message, *words):
        out, err = self.run_turnout(*(words or ("status",)), code=3)
        self.assertEqual(out, "")
        self.assertIn(message, err)

    def test_turnoutd_is_not_there(self):
        self.path += ".none"
        self.fails("turnoutd is not running, or listens elsewhere (--socket)")
        self.fails("systemctl status turnoutd", "stage", "next")

    def test_turnoutd_has_died(self):
        self.daemon.close()
        self.fails("nobody listens on")

    def test_it_hangs(self):
        self.daemon.fault = "hang"
        began = time.monotonic()
        self.fails("has not answered within 1 s", "status", "--timeout", "1")
        self.assertLess(time.monotonic() - began, 5)

    def test_a_change_hangs_and_may_still_be_done(self):
        self.daemon.fault = {"switch": "hang"}
        _, err = self.run_turnout("stage", "back", "--yes", "--timeout=1", code=3)
        self.assertIn("may still be done", err)

    def test_it_goes_away(self):
        self.daemon.fault = "gone"
        self.fails("gone away without an answer")

    def test_garbage(self):
        for garbage in (b"hello\n", b"{}\n", b'{"ok": 1}\n', b'{"ok": true, "ok": true}\n',
                        b"\xff\xfe\n", b"\n", b'[true]\n', b'{"ok": tru\n',
                        b"[" * 100000 + b"\n"):
            self.daemon.fault = garbage
            self.fails("not turnoutd's")

    def test_more_than_one_answer(self):
        self.daemon.fault = "two"
        self.fails("more than one answer")

    def test_oversized(self):
        self.daemon.fault = "oversized"
        self.fails("too long")

    def test_an_answer_of_other_types_ends_nothing(self):
        """What a newer or broken turnoutd may say: shown as far as it is understood."""
        for value in (None, 1, "x", [], {}, [1], [{}], [[]], {"a": 1}, True):
            answer = {"ok": True}
            for do in ("do_status", "do_stages", "do_edges", "do_flows", "do_history",
                       "do_counters"):
                answer.update({k: value for k in getattr(self.daemon, do)()})
            answer.pop("after")
            self.daemon.fault = json.dumps(answer).encode() + b"\n"
            for words in VIEWS.values():
                self.run_turnout(*words)

    def test_usage(self):
        for words, message in ((["status", "--timeout=0"], "--timeout is 1 to 3600"),
                               (["status", "--timeout=1x"], "not '1x'"),
                               (["flows", "--limit=0"], "--limit is 1 to"),
                               (["flows", "--proven", "--unproven"], "exclude one another"),
                               (["history", "--limit=-1"], "--limit is 1 to"),
                               (["ack", "a" * 70000], "longer than 64 KiB"),
                               (["ack", b"\xff"], "not UTF-8")):
            self.assertIn(message, self.run_turnout(*words, code=2)[1])
        self.path = "/" + "x" * 200
        self.fails("path is too long")

    def test_the_environment_names_the_socket(self):
        import subprocess
        done = subprocess.run([TURNOUT, "edges"], env={"TURNOUT_SOCKET": self.path},
                              capture_output=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()

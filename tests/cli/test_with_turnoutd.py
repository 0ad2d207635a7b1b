# SPDX-License-Identifier: BSD-3-Clause
"""The commands against turnoutd itself, which has an engine of Python: that the two mean the same.

    test_with_turnoutd.py TURNOUT TURNOUTD
"""
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "daemon"))
import harness
import layout
from engine import refuse

TURNOUT, harness.Case.PROGRAM = sys.argv.pop(1), sys.argv.pop(1)
GATED = harness.STAGES + "    gates: [{ack: quiet-hour}]\n  - name: end\n    routes: {access: 100}\n"


class WithTurnoutd(harness.Case):
    def setUp(self):
        super().setUp()
        self.write_plan(stages=GATED)
        self.start().wait_stage("baseline")

    def turnout(self, *words, code=0):
        done = subprocess.run([TURNOUT, *words, "--socket", self.dir / "api.sock"], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def test_looking(self):
        out = self.turnout("status")
        self.assertRegex(out, r"^lab: stage baseline is live, generation 1, for \d+ s\n"
                         r"next canary, back none; plan /")
        self.assertNotIn("NOT RIGHT", out)
        self.assertIn("engine fake 1.0 (dpdk)", out)
        self.assertRegex(out, r"access +sip-tls +0 % +0 +0 +0 +0")
        self.assertRegex(out, r"old +legacy +2 +2 +0 +0")
        self.assertRegex(self.turnout("edges", "e1"), r"e1: not safe to stop\n  not draining")
        self.assertIn("> baseline  no gates", self.turnout("stage", "list"))
        self.assertIn("a person has acknowledged quiet-hour", self.turnout("stage", "list"))
        self.assertIn("client", self.turnout("flows", "--edge=e1", "--service=access",
                                             "--pool=old", "--client=198.51.100.0/24",
                                             "--kind=pin4", "--proven", "--limit=7"))
        self.assertIn("verdicts steer", self.turnout("counters"))
        self.assertRegex(self.turnout("history"), r"turnoutd +start +generation 1, stage baseline")
        self.assertIn("[baseline] > canary", self.turnout("watch", "--once"))

    def test_json_is_there_for_every_listing(self):
        for words, key in ((["status"], "stage"), (["stage", "list"], "stages"),
                           (["edges"], "edges"), (["flows"], "flows"), (["history"], "records"),
                           (["counters"], "rows")):
            answer = json.loads(self.turnout(*words, "--json"))
            self.assertTrue(answer["ok"])
            self.assertIn(key, answer)

    def test_switches(self):
        self.assertRegex(self.turnout("stage", "next", "--yes", "--why", "quiet hour"),
                         r"access +fabrikam +0 % +-> +100 % new\n"
                         r"stage canary is live, generation 2: [\d.]+ ms after the commit")
        self.turnout("stage", "to", "all", "--yes")
        self.assertIn("1 gate is closed", self.turnout("stage", "next", "--yes", code=1))
        self.turnout("ack", "quiet-hour", "--why", "they said so")
        self.turnout("stage", "next", "--yes")
        self.turnout("unack", "quiet-hour")
        self.turnout("stage", "back", "--yes")
        self.turnout("stage", "next", "--yes", "--force")
        self.assertIn("the last stage is live", self.turnout("stage", "next", "--yes", code=1))
        self.assertRegex(self.turnout("history"), r"root +switch +.*stage canary.* +quiet hour\n")

    def test_an_unknown_generation_is_taken_over_in_its_own_stage(self):
        self.turnout("stage", "to", "half", "--yes")
        self.assertIn("half is live already", self.turnout("stage", "to", "half", "--yes", code=1))
        daemon = self.daemons[-1]
        daemon.kill()
        shutil.rmtree(daemon.state)
        self.start().wait_status(lambda s: "foreign" in [a["name"] for a in s["alarms"]])
        self.assertIn("stage half is live, generation 3",
                      self.turnout("stage", "to", "half", "--yes", "--why", "ours again"))
        self.assertNotIn("NOT RIGHT", self.turnout("status"))

    def test_edges(self):
        self.assertRegex(self.turnout("drain", "old"), r"generation 2 is live, (.|\n)*"
                         r"e1 +old +dnat +draining +draining(.|\n)*e2 +old +dnat +draining")
        self.assertRegex(self.turnout("retire", "e1", "--yes"), r"e1 +old +dnat +retired")
        self.assertIn("takes new flows", self.turnout("retire", "n1", "--yes", code=1))
        self.turnout("readmit", "e1")
        self.assertIn("not retired", self.turnout("readmit", "e2", code=1))
        self.turnout("undrain", "e2")
        self.turnout("down", "e2")
        self.turnout("up", "e2")
        self.assertIn("entries were forgotten", self.turnout("release", "e2", "--service=access",
                                                             "--yes"))
        self.assertIn("entries were forgotten", self.turnout("retire", "e2", "--yes", "--force"))
        self.assertRegex(self.turnout("history"), r"root +retire +edge e1 ")

    def test_the_end_of_a_drain(self):
        daemon = self.daemons[0]
        self.engine.lives = [(0, 0, layout.PIN4, 1, 30)]  # of access at e1
        self.engine.flows = [layout.flow(layout.PIN4, 0, 0, f"198.18.0.{i}", 1000 + i)
                             for i in range(30)]
        self.assertIn("e1 does not drain", self.turnout("drain", "e1", "--reset", "--yes", code=1))
        self.assertRegex(self.turnout("drain", "e1", "--deadline", "1s", "--why", "tonight"),
                         r"e1 +old +dnat +draining +draining ")
        daemon.wait_status(lambda s: "drain-e1" in [a["name"] for a in s["alarms"]], 20)
        harness.until(lambda: "of 30; 'turnout flows --edge e1'" in self.turnout("edges", "e1"), 20,
                      lambda: self.turnout("edges", "e1"))
        self.assertRegex(self.turnout("edges", "e1"), r"access +pin4 +198.18.0.0:1000 +open +60 s")
        self.assertRegex(self.turnout("status"), r"NOT RIGHT\ndrain-e1 +for ")
        harness.until(lambda: [r for r in daemon.journal() if r["what"] == "deadline"], 20)
        self.assertRegex(self.turnout("history"),
                         r"- +deadline +edge e1, deadline 20.*Z, live 30 ")
        self.assertRegex(self.turnout("drain", "e1", "--reset", "--yes", "--why", "midnight"),
                         r"edge e1, draining: 30 TCP connections will be closed(.|\n)*"
                         r"e1 +old +dnat +resetting +resetting ")
        self.assertRegex(self.turnout("history"), r"root +reset +edge e1, resettable 30 +midnight")
        self.turnout("undrain", "e1")
        daemon.wait_status(lambda s: not s["alarms"])

    def test_no(self):
        for words in (["drain", "e9"], ["flows", "--edge", "e9"], ["flows", "--kind", "x"],
                      ["flows", "--client", "1.2.3.4/33"], ["ack", "nonsense"],
                      ["stage", "to", "nonsense", "--yes"]):
            self.turnout(*words, code=2)
        self.turnout("reload")
        (self.dir / "plan.yaml").write_text("turnout: 1\nfoo: 1\n")
        self.assertIn("plan.yaml:2:1: error: unknown key 'foo'", self.turnout("reload", code=4))
        self.assertRegex(self.turnout("status"), r"NOT RIGHT\nplan +for ")
        self.engine.stop()
        self.daemons[0].wait_status(lambda s: s["engine"] is None)
        self.turnout("drain", "e1", code=3)
        self.assertIn("was live when an engine was last here", self.turnout("status"))

    def test_capture(self):
        path = self.dir / "out.pcapng"
        self.assertRegex(self.turnout("capture", "--write", path, "--edge", "n1", "--why", "x"),
                         r"^2 packets, \d+ bytes in .*: as many packets as asked for\n")
        comments = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.comment"],
                                  capture_output=True, text=True, check=True).stdout
        self.assertEqual(comments.splitlines(), [
            "steer pin service=access class=none edge=n1 generation=14 worker=0",
            "reply reply service=xmpp class=none edge=e1 generation=14 worker=0"])
        self.assertRegex(self.turnout("history"), r"root +capture +edge n1 +x\n")
        self.turnout("capture", "--write", path, "--edge", "e9", code=2)
        self.engine.plays[layout.CAPTURE] = refuse(16, "another capture is under way")
        self.assertIn("another capture is under way", self.turnout("capture", "--write", path,
                                                                   code=4))

    def test_completion(self):
        def complete(line):
            done = subprocess.run([TURNOUT, "completion", "words", "--", line], text=True,
                                  env={"TURNOUT_SOCKET": str(self.dir / "api.sock")},
                                  capture_output=True, timeout=30, check=True)
            return done.stdout.split()
        self.assertEqual(complete("turnout stage to "), ["baseline", "canary", "half", "all",
                                                         "end"])
        self.assertEqual(complete("turnout drain "), ["e1", "e2", "n1", "n2", "old", "fresh"])
        self.assertEqual(complete("turnout ack q"), ["quiet-hour"])


if __name__ == "__main__":
    unittest.main()

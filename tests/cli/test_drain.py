# SPDX-License-Identifier: BSD-3-Clause
"""The end of a drain: --deadline, --reset, and the list of what is left."""
import time
import unittest

from fake import stamp
from support import Terminal, WithDaemon


class Deadline(WithDaemon):
    def test_it_is_handed_on_in_seconds(self):
        for text, seconds in (("90", 90), ("45s", 45), ("30m", 1800), ("2h", 7200),
                              ("30d", 2592000)):
            self.run_turnout("drain", "e1", "--deadline", text)
            self.assertEqual(self.asked("edge")[-1],
                             {"edge": "e1", "verb": "drain", "deadline": seconds})
        out, _ = self.run_turnout("drain", "legacy", "--deadline", "2h", "--why", "tonight")
        self.assertEqual(self.asked("edge")[-1], {"pool": "legacy", "verb": "drain",
                                                  "deadline": 7200, "why": "tonight"})
        self.assertRegex(out, r"e1 +legacy +dnat +draining +draining +up +412 +.* to its deadline")
        out, _ = self.run_turnout("drain", "e1")
        self.assertEqual(self.asked("edge")[-1], {"edge": "e1", "verb": "drain"})
        self.assertNotRegex(out, "e1 .* to its deadline")

    def test_what_is_no_time(self):
        for text in ("0", "0s", "-1", "1.5h", "31d", "2 h", "tonight", "", "1ms", "01h",
                     "99999999999999999999"):
            self.assertIn("--deadline is a time from now",
                          self.run_turnout("drain", "e1", f"--deadline={text}", code=2)[1])
        self.assertIn("exclude one another", self.run_turnout(
            "drain", "e1", "--deadline=1h", "--reset", code=2)[1])
        self.assertEqual(self.daemon.requests, [])


class Survivors(WithDaemon):
    def setUp(self):
        super().setUp()
        self.edge = self.daemon.state["edges"][0]
        self.edge.update(state="draining", asked="draining", overdue=True,
                         deadline=stamp(time.time() - 300))

    def test_the_listing_says_so(self):
        self.assertRegex(self.run_turnout("edges")[0], r"e1 .* 5 min past its deadline")

    def test_some_are_listed_by_service(self):
        flows = [f for f in self.daemon.state["flows"] if f["edge"] == "e1"]
        flows[1]["service"] = "federation"
        flows[2].update(kind="affinity", service="secret")
        flows[3].update(kind="dialog", state="ended", service="over")
        out, _ = self.run_turnout("edges", "e1")
        listed = out.partition("what is still there:\n")[2].splitlines()
        self.assertEqual(len(listed), 21)
        self.assertEqual([line.split()[0] for line in listed[:20]],
                         ["access"] * 19 + ["federation"])
        self.assertRegex(listed[0], rf"access +pin4 +{flows[0]['client']}:1024 +open +30 min left")
        self.assertRegex(listed[19], r"federation +pin6 +\[2001:db8::3\]:1027 +open ")
        self.assertIn("of 412; 'turnout flows --edge e1' lists all", listed[20])
        self.assertEqual(self.asked("flows"), [{"edge": "e1", "limit": 1000}])

    def test_pages_without_any_are_passed_over_and_not_for_ever(self):
        self.daemon.state["page"] = 1
        for f in self.daemon.state["flows"]:
            f["kind"] = "affinity"
        out, _ = self.run_turnout("edges", "e1")
        self.assertNotIn("what is still there", out)
        self.assertEqual(len(self.asked("flows")), 50)

    def test_nothing_is_asked_where_nothing_is_overdue_or_left(self):
        self.edge["overdue"] = False
        self.run_turnout("edges", "e1")
        self.edge.update(overdue=True, total=0)
        self.run_turnout("edges", "e1")
        self.assertEqual(self.asked("flows"), [])


class Reset(WithDaemon):
    def test_only_what_drains(self):
        out, err = self.run_turnout("drain", "e1", "--reset", "--yes", code=1)
        self.assertIn("edge e1 does not drain: 'turnout drain e1' first, and wait", err)
        self.assertEqual(self.asked("edge"), [])

    def test_it_is_shown_and_done(self):
        self.run_turnout("drain", "legacy")
        self.daemon.state["edges"][0]["resettable"] = 400
        out, _ = self.run_turnout("drain", "legacy", "--reset", "--yes", "--why", "midnight")
        self.assertIn("edge e1, draining: 400 TCP connections will be closed by a reset", out)
        self.assertIn("; 12 other flows cannot be reset, and stay\n", out)
        self.assertIn("edge e2, draining: 0 TCP connections will be closed", out)
        self.assertEqual(self.asked("edge")[-1],
                         {"pool": "legacy", "verb": "reset", "why": "midnight"})
        self.assertRegex(out, r"e1 +legacy +dnat +resetting +resetting")
        self.run_turnout("drain", "e1", "--reset", "--yes")  # once more is no error
        self.run_turnout("undrain", "e1")

    def test_it_asks(self):
        self.run_turnout("drain", "e1")
        self.assertIn("--yes does without", self.run_turnout("drain", "e1", "--reset", code=2)[1])
        for reply, code, state in (("n\n", 1, "draining"), ("y\n", 0, "resetting")):
            t = Terminal(self.words("drain", "e1", "--reset"))
            t.read_until(b"reset the connections of e1? [y/N] ")
            t.type(reply)
            self.assertEqual(t.wait()[1], code)
            self.assertEqual(self.daemon.state["edges"][0]["state"], state)


if __name__ == "__main__":
    unittest.main()

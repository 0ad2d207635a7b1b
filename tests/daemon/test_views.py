#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What viewers are shown: status, flows, counters; and the service manager."""

import re
import socket
from pathlib import Path

import layout
from main import run
from harness import Case, until

E1, E2, N1, N2 = range(4)
ACCESS, XMPP = range(2)
TOP = Path(__file__).resolve().parent.parent.parent


class Layout(Case):
    def test_reasons_are_numbered_as_here(self):
        """The fake engine counts packets of reason `route`."""
        text = (TOP / "include/turnout/lists.h").read_text(encoding="utf-8")
        names = re.findall(r'X\(\w+, "([^"]+)"\)', text.split("TO_REASONS(X)")[1]
                           .split("#define")[0])
        self.assertEqual(names[layout.REASON_ROUTE], "route")
        self.assertEqual(names[4], "pin")


class Views(Case):
    def test_status(self):
        self.engine.rows = [(ACCESS, E1, layout.REASON_ROUTE, 7),
                            (ACCESS, N2, layout.REASON_ROUTE, 2)]
        self.engine.lives = [(ACCESS, E1, layout.PIN4, 1, 3)]
        daemon = self.started("--quiet", 1)
        daemon.ask(do="switch", to="canary")
        status = daemon.wait_status(lambda s: s["pools"][0]["entries"] == 3)
        self.assertEqual(set(status) - {"ok"}, {
            "site", "plan", "stage", "next", "previous", "generation", "live", "since",
            "switching", "engine", "pools", "services", "edges", "alarms", "journal", "uptime"})
        self.assertEqual(status["site"], "lab")
        self.assertEqual((status["previous"], status["stage"], status["next"]),
                         ("baseline", "canary", "half"))
        engine = status["engine"]
        self.assertEqual((engine["kind"], engine["build"]), ("dpdk", "fake 1.0"))
        self.assertEqual([w["generation"] for w in engine["workers"]], [2, 2])
        self.assertEqual([(p["name"], p["zone"], p["up"]) for p in engine["ports"]],
                         [("outside0", "outside", True), ("edges0", "edges", True)])
        self.assertEqual(status["pools"], [
            {"name": "old", "role": "legacy", "edges": 2, "up": 2, "entries": 3, "new_flows": 7},
            {"name": "fresh", "role": "new", "edges": 2, "up": 2, "entries": 0, "new_flows": 2}])
        access = status["services"][0]
        self.assertEqual(access["share"], {"default": 0.0, "exceptions": [
            {"partner": "fabrikam", "share": 100.0}], "more": 0})
        self.assertEqual(access["new_flows"], {"legacy": 7, "new": 2})
        self.assertEqual(access["entries"], {"legacy": 3, "new": 0})
        self.assertEqual(status["journal"]["records"], len(daemon.journal()))
        self.assertRegex(status["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_texts_of_the_engine_cannot_harm(self):
        daemon = self.started()
        self.engine.region.port[0].name = b"\xff\x1b[2J" + b"x" * 27
        self.engine.region.named[0].name = b"\xc3"
        self.engine.region.named_count = 1
        until(lambda: daemon.status()["engine"]["ports"][0]["name"] == "??[2J" + "x" * 26)
        self.assertEqual(daemon.ask(do="counters")["named"], {"?": 0})

    def test_counters(self):
        self.engine.rows = [(ACCESS, E1, layout.REASON_ROUTE, 7),
                            (layout.NONE, layout.NONE, 0, 5)]
        self.engine.region.events[2] = 9
        self.engine.region.entries[layout.PIN4][1].used = 44
        daemon = self.started()
        answer = self.assertOk(daemon.ask(do="counters"))
        self.assertEqual(answer["rows"][0], {
            "service": "access", "pool": "old", "edge": "e1", "class": "none", "reason": "route",
            "packets": 7, "bytes": 0})
        self.assertEqual([answer["rows"][1][k] for k in ("service", "edge", "reason")],
                         [None, None, "not-ip"])
        self.assertEqual(answer["events"]["proven"], 9)
        self.assertEqual(answer["entries"]["pins-ipv4"]["proven"]["used"], 44)

    def list_all(self, daemon, **request):
        found, after, answers = [], None, 0
        while True:
            answer = self.assertOk(daemon.ask(do="flows", **request,
                                              **({"after": after} if after else {})))
            found += answer["flows"]
            answers += 1
            after = answer["after"]
            if not after:
                return found, answers

    def test_flows(self):
        self.engine.flows = [layout.flow(layout.PIN4, (E1, N1)[i % 2], i % 2,
                                         f"198.18.{i // 250}.{i % 250}", 1000 + i, i % 3 > 0)
                             for i in range(300)]
        daemon = self.started()
        found, answers = self.list_all(daemon)
        self.assertEqual(len(found), 300)
        self.assertEqual(answers, 3)
        self.assertEqual(found[5], {
            "kind": "pin4", "proven": True, "client": "198.18.0.5", "client_port": 1005,
            "vip": "203.0.113.100", "vip_port": 443, "proto": "tcp", "service": "xmpp",
            "edge": "n1", "pool": "fresh", "state": "open", "left": 60})
        self.assertEqual(len(self.list_all(daemon, edge="e1")[0]), 150)
        self.assertEqual(len(self.list_all(daemon, pool="fresh", limit=10)[0]), 150)
        self.assertEqual(len(self.list_all(daemon, service="access", proven=False)[0]), 50)
        self.assertEqual(len(self.list_all(daemon, kind="dialog")[0]), 0)
        self.assertEqual(len(daemon.ask(do="flows", limit=1000)["flows"]), 300)

    def test_flows_that_cannot_be_asked_for(self):
        daemon = self.started()
        for request in ({"edge": "x"}, {"service": "x"}, {"pool": "x"}, {"kind": "x"},
                        {"client": "1.2.3"}, {"client": "1.2.3.4/33"}, {"client": "1.2.3.4/"},
                        {"client": "2001:db8::/129"}, {"client": "x" * 100}, {"limit": 0},
                        {"limit": 1001}, {"after": "12"}, {"after": "g" * 64},
                        {"proven": "yes"}):
            self.assertRefused(daemon.ask(do="flows", **request), "usage")

    def test_the_engine_goes_while_flows_are_listed(self):
        daemon = self.started()
        self.engine.plays[layout.FLOWS] = lambda engine, connection, *_: (
            connection.shutdown(socket.SHUT_RDWR), True)[1]
        self.assertRefused(daemon.ask(do="flows"), "engine", "went away")

    def test_the_service_manager_is_told(self):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(str(self.dir / "notify"))
        manager.settimeout(10)
        daemon = self.start(environment={"NOTIFY_SOCKET": str(self.dir / "notify")})
        self.assertEqual(manager.recv(100), b"READY=1")
        self.assertEqual(manager.recv(100), b"WATCHDOG=1")
        daemon.end()
        manager.settimeout(0.5)
        words = []
        try:
            while True:
                words.append(manager.recv(100))
        except TimeoutError:
            pass
        self.assertEqual(words[-1], b"STOPPING=1")
        manager.close()

    def test_a_silent_worker_is_an_alarm(self):
        daemon = self.started()
        self.engine.region.worker[1].silent_ns = 3000000000
        until(lambda: "worker 1" in daemon.alarms().get("worker", ""))
        self.engine.region.worker[1].silent_ns = 0
        until(lambda: "worker" not in daemon.alarms())


if __name__ == "__main__":
    run()

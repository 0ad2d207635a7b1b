#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Stages: the first start, forward, back, what changes, what is refused."""

import layout
from main import run
from harness import ME, Case, Client


class Switch(Case):
    def test_the_first_start_publishes_the_first_stage(self):
        daemon = self.started()
        status = daemon.status()
        self.assertEqual(status["generation"], 1)
        self.assertEqual(status["next"], "canary")
        self.assertIsNone(status["previous"])
        self.assertEqual(self.engine.image.stage, "baseline")
        self.assertEqual([r["what"] for r in daemon.journal()], ["start", "plan", "intent", "live"])

    def test_forward_and_back(self):
        daemon = self.started()
        answer = self.assertOk(daemon.ask(do="switch", to="canary", why="quiet hour"))
        self.assertEqual((answer["stage"], answer["generation"]), ("canary", 2))
        self.assertEqual(answer["prepare_us"], 1500)
        self.assertEqual(answer["live_us"], 250)
        self.assertEqual(answer["moved"], [{"service": "access", "who": "fabrikam", "from": 0.0,
                                            "to": 100.0}])
        self.assertEqual(self.engine.image.stage, "canary")
        self.assertOk(daemon.ask(do="switch", to_next=True))
        self.assertEqual(self.engine.image.stage, "half")
        self.assertOk(daemon.ask(do="switch", to_back=True))
        answer = self.assertOk(daemon.ask(do="switch", to="baseline"))
        self.assertEqual(answer["generation"], 5)
        intents = [r for r in daemon.journal() if r["what"] == "intent"]
        self.assertEqual([i["stage"] for i in intents],
                         ["baseline", "canary", "half", "canary", "baseline"])
        self.assertEqual((intents[1]["why"], intents[1]["who"]), ("quiet hour", ME))

    def test_grace_is_counted_from_the_table_that_runs(self):
        """The share of the new pool becomes 0 in a rollback: its routes say when."""
        daemon = self.started()
        daemon.ask(do="switch", to="all")
        daemon.ask(do="switch", to="baseline")
        image = self.engine.image
        offset, count = image.section(7)
        routes = [layout.struct.unpack_from("<HHIII", image.data, offset + 16 * i)
                  for i in range(count)]
        self.assertTrue(any(zero_since for _, _, _, zero_since, _ in routes))

    def test_what_is_refused(self):
        daemon = self.started()
        for request, error, words in (
                ({"to": "canray"}, "usage", "did you mean 'canary'"),
                ({"to": "baseline"}, "usage", "live already"),
                ({"to_back": True}, "usage", "no stage before"),
                ({}, "usage", "one of"),
                ({"to": "half", "to_next": True}, "usage", "one of"),
                ({"to": 5}, "usage", "not a string"),
                ({"to": "half", "hurry": True}, "usage", "hurry"),
                ({"to": "half\u0007"}, "usage", "control character"),
                ({"to": "x" * 2000}, "usage", "too long")):
            self.assertRefused(daemon.ask(do="switch", **request), error, words)
        self.assertEqual(self.engine.generation, 1)

    def test_preview_says_what_the_switch_will(self):
        daemon = self.started()
        preview = self.assertOk(daemon.ask(do="preview", to="half"))
        answer = self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertEqual(preview["changes"], answer["moved"])
        self.assertEqual(preview["changes"], [{"service": "access", "who": "everyone", "from": 0.0,
                                               "to": 50.0}])

    def test_one_change_at_a_time(self):
        daemon = self.started()
        self.engine.plays[layout.COMMIT] = lambda *_: True
        first = Client(daemon.api)
        first.send(do="switch", to="canary")
        self.engine.wait(lambda: self.engine.count(layout.COMMIT) == 2)
        self.assertEqual(daemon.status()["switching"]["to"], "canary")
        self.assertRefused(daemon.ask(do="switch", to="half"), "busy")
        first.close()

    def test_a_client_that_leaves_does_not_take_its_change_along(self):
        daemon = self.started()
        client = Client(daemon.api)
        client.send(do="switch", to="canary")
        client.close()
        daemon.wait_stage("canary")

    def test_pipelined_requests_are_answered_in_order(self):
        daemon = self.started()
        client = Client(daemon.api)
        client.socket.sendall(b'{"do":"switch","to":"half","id":1}\n{"do":"history","id":"b"}\n'
                              b'{"do":"status","id":3.5}\n')
        answers = [client.answer() for _ in range(3)]
        self.assertEqual([a["id"] for a in answers], [1, "b", 3.5])
        self.assertEqual(answers[1]["records"][-1]["what"], "live")
        self.assertEqual(answers[2]["stage"], "half")
        client.close()

    def test_what_was_sent_before_the_end_is_answered(self):
        daemon = self.started()
        client = Client(daemon.api)
        client.socket.sendall(b'{"do":"switch","to":"half"}\n{"do":"status"}\n')
        client.socket.shutdown(1)
        self.assertEqual(client.answer()["stage"], "half")
        self.assertEqual(client.answer()["stage"], "half")
        self.assertIsNone(client.answer())
        client.close()

    def test_sigterm_ends_it_and_the_engine_goes_on(self):
        daemon = self.started()
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(self.engine.generation, 1)
        self.assertFalse(daemon.api.exists())


if __name__ == "__main__":
    run()

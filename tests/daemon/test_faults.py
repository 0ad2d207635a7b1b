#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Engines that die, hang, refuse and lie, at each step."""

import os
import socket

import layout
from engine import die, hang, once, refuse, say
from main import run
from harness import Case, Client, until

FAST = ("--engine-timeout", 0.3)


class Faults(Case):
    def acknowledged(self, daemon, stages):
        """The engine is back, and what it runs is what the journal says."""
        status = daemon.wait_status(lambda s: s["engine"] and s["live"] and not s["switching"])
        self.assertIn(status["stage"], stages)
        self.assertEqual(self.engine.image.stage, status["stage"])
        self.assertEqual(self.engine.generation, status["generation"])
        return status

    def switch_with(self, kind, play, *options):
        daemon = self.started(*(options or FAST))
        self.engine.plays[kind] = once(play)
        answer = daemon.ask(do="switch", to="half")
        return daemon, answer

    def test_it_dies_before_it_has_prepared(self):
        daemon, answer = self.switch_with(layout.PREPARE, die)
        self.assertRefused(answer, "engine", "nothing has changed")
        self.acknowledged(daemon, ["baseline"])
        self.assertOk(daemon.ask(do="switch", to="half"))

    def test_it_dies_before_the_commit_was_done(self):
        daemon, answer = self.switch_with(layout.COMMIT, die)
        self.assertRefused(answer, "engine", "found out")
        self.acknowledged(daemon, ["baseline"])
        self.assertEqual([r["what"] for r in daemon.journal()][-1], "abandoned")
        self.assertEqual(self.assertOk(daemon.ask(do="switch", to="half"))["generation"], 3)

    def test_it_dies_after_the_commit_was_done(self):
        def commit_and_die(engine, connection, *_):
            engine.image = engine.prepared
            return die(engine, connection)
        daemon, answer = self.switch_with(layout.COMMIT, commit_and_die)
        self.assertRefused(answer, "engine", "found out")
        self.acknowledged(daemon, ["half"])
        last = daemon.journal()[-1]
        self.assertEqual((last["what"], last["generation"], last["recovered"]), ("live", 2, True))

    def test_it_hangs(self):
        for kind in (layout.PREPARE, layout.COMMIT):
            daemon, answer = self.switch_with(kind, hang)
            self.assertRefused(answer, "engine")
            until(lambda: "has not answered" in daemon.said())
            self.acknowledged(daemon, ["baseline"])
            daemon.kill()
            self.setUpAgain()

    def setUpAgain(self):
        self.tearDown()
        self.setUp()

    def test_it_hangs_when_it_is_greeted(self):
        self.engine.plays[layout.HELLO] = hang
        daemon = self.start(*FAST)
        until(lambda: "not answered a HELLO" in daemon.alarms().get("engine", ""))
        self.assertRefused(daemon.ask(do="switch", to="half"), "engine")
        self.assertEqual(daemon.status()["generation"], 0)
        self.engine.plays.clear()
        daemon.wait_stage("baseline")
        self.assertEqual(daemon.alarms(), {})

    def test_it_hangs_when_it_counts(self):
        """A census that never comes ends the connection, and packets go on."""
        self.engine.plays[layout.CENSUS] = hang
        daemon = self.started("--engine-timeout", 0.1)
        until(lambda: "not answered a CENSUS" in daemon.said())
        self.engine.plays.clear()
        self.acknowledged(daemon, ["baseline"])

    def test_it_refuses(self):
        for kind in (layout.PREPARE, layout.COMMIT):
            daemon, answer = self.switch_with(kind, refuse(28, "no huge pages left"))
            self.assertRefused(answer, "refused", "no huge pages left")
            self.acknowledged(daemon, ["baseline"])
            self.assertOk(daemon.ask(do="switch", to="half"))
            self.setUpAgain()

    def lie(self, kind, make):
        daemon, answer = self.switch_with(kind, say(make))
        self.assertRefused(answer, "engine")
        self.acknowledged(daemon, ["baseline"])
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.setUpAgain()

    def test_it_says_what_is_no_message(self):
        ok = layout.struct.pack("<QQ", 2, 1)
        for make in (lambda r: b"x", lambda r: b"\0" * 16, lambda r: b"\xff" * 600,
                     lambda r: layout.message(layout.PREPARED, r, ok[:-1]),
                     lambda r: layout.message(layout.PREPARED, r, ok + b"x"),
                     lambda r: layout.message(99, r, ok),
                     lambda r: layout.message(layout.PREPARED, r + 1, ok),
                     lambda r: layout.message(layout.CENSUS, r),
                     lambda r: layout.message(layout.PREPARED, r,
                                              layout.struct.pack("<QQ", 7, 1)),
                     lambda r: layout.applied(r, 2, 1, 1, [2, 2])):
            self.lie(layout.PREPARE, make)

    def test_it_lies_about_what_it_applied(self):
        for make in (lambda r: layout.applied(r, 9, 1, 1, [9, 9]),
                     lambda r: layout.applied(r, 9, 1, 0, [9, 9]),
                     lambda r: layout.applied(r, 2, 1, 7, [2, 2]),
                     lambda r: layout.message(layout.PREPARED, r,
                                              layout.struct.pack("<QQ", 2, 1))):
            self.lie(layout.COMMIT, make)

    def test_it_sends_descriptors_that_nobody_asked_for(self):
        def play(engine, connection, request, *_):
            socket.send_fds(connection, [layout.message(layout.PREPARED, request,
                                                        layout.struct.pack("<QQ", 2, 1))],
                            [engine.memfd] * 4)
            return True
        daemon, answer = self.switch_with(layout.PREPARE, play)
        self.assertRefused(answer, "engine")
        self.acknowledged(daemon, ["baseline"])
        count = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        for _ in range(20):
            self.engine.plays[layout.PREPARE] = once(play)
            daemon.ask(do="switch", to="half")
            self.acknowledged(daemon, ["baseline"])
        self.assertLessEqual(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), count + 1)

    def test_a_welcome_that_will_not_do(self):
        def without_region(engine, connection, request, *_):
            connection.send(layout.welcome(request, 0, 0, ""))
            return True

        def small_region(engine, connection, request, *_):
            fd = os.memfd_create("small")
            socket.send_fds(connection, [layout.welcome(request, 0, 0, "")], [fd])
            os.close(fd)
            return True

        def another_version(engine, connection, request, *_):
            socket.send_fds(connection, [layout.welcome(request, 0, 0, "", version=2)],
                            [engine.memfd])
            return True

        def no_text(engine, connection, request, *_):
            socket.send_fds(connection, [layout.welcome(request, 0, 0, "x" * 32)], [engine.memfd])
            return True

        for play, words in ((without_region, "no message"), (small_region, "not what was agreed"),
                            (another_version, "version 2"), (no_text, "no message"),
                            (refuse(93, "too old"), "too old")):
            self.engine.plays[layout.HELLO] = play
            daemon = self.start()
            until(lambda: words in daemon.alarms().get("engine", ""), 10, daemon.said)
            self.engine.plays.clear()
            daemon.wait_stage("baseline")
            self.setUpAgain()

    def test_a_region_full_of_nonsense(self):
        daemon = self.started()
        region = self.engine.region
        for field, value in (("rows", 0xFFFFFFFF), ("lives", 0xFFFFFFFF), ("workers", 5000),
                             ("ports", 70000), ("named_count", 1 << 31)):
            before = getattr(region, field)
            setattr(region, field, value)
            self.assertOk(daemon.status())
            self.assertOk(daemon.ask(do="counters"))
            setattr(region, field, before)
        region.sequence += 1  # for ever being written
        self.assertOk(daemon.status())
        self.assertOk(daemon.ask(do="switch", to="half"))

    def test_a_worker_that_does_not_follow_is_named(self):
        daemon = self.started()

        def slow(engine, connection, request, body, fds):
            engine.image, engine.prepared = engine.prepared, None
            connection.send(layout.applied(request, 2, 10, 0, [2, 1]))
            engine.late = connection, request
            return True
        self.engine.plays[layout.COMMIT] = slow
        client = Client(daemon.api)
        client.send(do="switch", to="half")
        status = daemon.wait_status(lambda s: any(a["name"] == "not-live" for a in s["alarms"]))
        alarm = next(a for a in status["alarms"] if a["name"] == "not-live")
        self.assertIn("not taken by worker 1", alarm["message"])
        self.assertEqual(status["stage"], "baseline")
        connection, request = self.engine.late
        connection.send(layout.applied(request, 2, 2500000, 1, [2, 2]))
        self.assertEqual(self.assertOk(client.answer())["live_us"], 2500)
        self.assertEqual(daemon.alarms(), {})
        client.close()

    def test_backing_off(self):
        """An engine that dies at each greeting is not asked a thousand times."""
        self.engine.plays[layout.HELLO] = die
        daemon = self.start()
        until(lambda: self.engine.count(layout.HELLO) >= 4)
        greeted = self.engine.count(layout.HELLO)
        self.assertLess(greeted, 8)
        self.engine.plays.clear()
        daemon.wait_stage("baseline")

    def test_its_table_is_damaged(self):
        daemon = self.started()
        daemon.kill()
        good = self.engine.image
        self.engine.image = layout.Image(good.data[:-8] + b"\xff" * 8)
        daemon = self.start()
        until(lambda: "its table cannot be used" in daemon.alarms().get("engine", ""))
        self.engine.image = good
        daemon.wait_stage("baseline")


if __name__ == "__main__":
    run()

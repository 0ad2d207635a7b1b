#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""More connections than there are places: of the metrics page, and of the API."""

import grp
import json
import os
import pwd
import socket
import subprocess
import sys
import time
import unittest
import urllib.request

from main import run
from harness import Case, Client, until

# As uid and gid: so many connections, each with a question; how they were answered is told after
# that. They stay until the input ends.
CROWD = """
import json, os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[2]))
crowd, results = [], []
for _ in range(int(sys.argv[4])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    try:
        s.sendall(b'{"do": "status"}\\n')
    except BrokenPipeError:
        pass
    crowd.append(s)
for s in crowd:
    try:
        line = s.makefile().readline()
    except ConnectionResetError:
        line = ""
    results.append(json.loads(line).get("error", "ok") if line else "closed")
print(json.dumps({name: results.count(name) for name in set(results)}), flush=True)
sys.stdin.read()
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sockets_of(pid):
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
        except FileNotFoundError:
            pass
    return count


class Crowded(Case):
    def sockets_now(self, daemon):
        """How many turnoutd has, when it has seen those go that the harness has closed."""
        client = Client(daemon.api)
        self.addCleanup(client.close)
        for _ in range(3):
            self.assertOk(client.ask(do="history"))
        return sockets_of(daemon.process.pid)


class Metrics(Crowded):
    MOST = 16

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.daemon = self.started("--metrics", f"127.0.0.1:{self.port}",
                                   program=self.TEST_PROGRAM)
        self.idle = []

    def tearDown(self):
        for s in self.idle:
            s.close()
        super().tearDown()

    def crowd(self, count, say=b""):
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", self.port), 10)
            s.sendall(say)
            self.idle.append(s)

    def page(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=15) as page:
            self.assertEqual(page.headers["Connection"], "close")
            return page.read().decode()

    def test_so_many_at_a_time(self):
        before = self.sockets_now(self.daemon)
        self.crowd(3 * self.MOST, b"GET /metr")
        until(lambda: sockets_of(self.daemon.process.pid) >= before + self.MOST)
        self.assertOk(self.daemon.status())  # by when it would have accepted the others
        self.assertEqual(sockets_of(self.daemon.process.pid), before + self.MOST)
        self.assertIn("turnout_", self.page())  # when it is its turn

    def test_nobody_stays(self):
        self.crowd(1)
        self.crowd(1, b"GET /metrics HTTP/1.1\r\n")
        dripping, = self.idle[1:]
        with self.assertRaises(OSError):
            until(lambda: dripping.send(b"X") == 0)  # a byte at a time is no way to stay
        self.idle[0].settimeout(10)
        self.assertEqual(self.idle[0].recv(1000), b"")

    def test_a_page_is_the_end_of_a_connection(self):
        for _ in range(2 * self.MOST):
            self.assertIn("turnout_", self.page())
        self.crowd(1, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        data = b""
        self.idle[0].settimeout(10)
        while more := self.idle[0].recv(65536):
            data += more
        self.assertIn(b"turnout_", data)

    def test_ending_with_a_crowd(self):
        self.crowd(self.MOST + 4)
        self.assertEqual(self.daemon.end(), 0)


@unittest.skipUnless(os.geteuid() == 0, "another user's requests need root")
class Api(Crowded):
    KNOWN, NOBODY, UNKNOWN = 64, 8, 8

    def setUp(self):
        super().setUp()
        self.other = pwd.getpwnam("nobody")
        self.crowds = []
        self.hang = self.dir / "hang"

    def tearDown(self):
        self.hang.unlink(missing_ok=True)
        for crowd in self.crowds:
            crowd.communicate()
        super().tearDown()

    def crowd(self, daemon, count, gid=None):
        crowd = subprocess.Popen(
            [sys.executable, "-c", CROWD, daemon.api, str(self.other.pw_uid),
             str(self.other.pw_gid if gid is None else gid), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.crowds.append(crowd)
        return crowd

    @staticmethod
    def answers(crowd):
        return json.loads(crowd.stdout.readline())

    def test_a_directory_that_hangs_holds_up_nobody_else(self):
        daemon = self.started("--viewers", grp.getgrgid(self.other.pw_gid).gr_name,
                              program=self.TEST_PROGRAM,
                              environment={"TURNOUT_TEST_NAMES_HANG": str(self.hang)})
        self.hang.touch()
        pid = daemon.process.pid
        before = self.sockets_now(daemon)
        crowd = self.crowd(daemon, 3 * self.UNKNOWN)
        until(lambda: sockets_of(pid) >= before + self.UNKNOWN)
        begun = time.monotonic()
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertLess(time.monotonic() - begun, 5)
        self.assertLessEqual(sockets_of(pid), before + self.UNKNOWN + 1)
        self.hang.unlink()
        self.assertEqual(self.answers(crowd), {"ok": self.UNKNOWN, "closed": 2 * self.UNKNOWN})

    def test_a_directory_that_hangs_does_not_hold_up_the_end(self):
        daemon = self.started("--viewers", grp.getgrgid(self.other.pw_gid).gr_name,
                              program=self.TEST_PROGRAM,
                              environment={"TURNOUT_TEST_NAMES_HANG": str(self.hang)})
        self.hang.touch()
        before = self.sockets_now(daemon)
        crowd = self.crowd(daemon, 1)
        until(lambda: sockets_of(daemon.process.pid) > before)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(self.answers(crowd), {"closed": 1})

    def test_who_is_known_is_not_looked_up_each_time(self):
        daemon = self.started("--viewers", grp.getgrgid(self.other.pw_gid).gr_name,
                              program=self.TEST_PROGRAM,
                              environment={"TURNOUT_TEST_NAMES_HANG": str(self.hang)})
        self.assertEqual(self.answers(self.crowd(daemon, 1)), {"ok": 1})
        self.hang.touch()
        self.assertEqual(self.answers(self.crowd(daemon, 2 * self.UNKNOWN)),
                         {"ok": 2 * self.UNKNOWN})
        self.hang.unlink()

    def test_nobodies_do_not_take_the_places_of_the_others(self):
        viewers = grp.getgrnam("daemon")
        daemon = self.started("--viewers", viewers.gr_name)
        self.assertEqual(self.answers(self.crowd(daemon, 1)), {"denied": 1})
        self.assertEqual(self.answers(self.crowd(daemon, self.KNOWN)),
                         {"denied": self.NOBODY - 1, "closed": self.KNOWN - self.NOBODY + 1})
        self.assertEqual(self.answers(self.crowd(daemon, 1, viewers.gr_gid)), {"ok": 1})
        self.assertOk(daemon.status())


if __name__ == "__main__":
    run()

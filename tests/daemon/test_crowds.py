#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""More connections than there are places: of the metrics page, and of the API."""

import os
import socket
import urllib.request

from main import run
from harness import Case, until


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


class Metrics(Case):
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
        before = until(lambda: sockets_of(self.daemon.process.pid))
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


if __name__ == "__main__":
    run()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A capture that is asked for by the API: a connection to the engine comes with the answer, and it
is good for nothing else; who asked is written down."""

import json
import os
import socket

import layout
from main import run
from harness import Case

ANY = {"edges": 0, "services": 0, "reasons": 0, "verdicts": 0, "sample": 1, "client": bytes(16),
       "port": 0, "prefix": 0, "proto": 255, "reserved": bytes(4), "most": 1000, "rate": 1000,
       "seconds": 60, "snap": 2048}


class Capture(Case):
    def ask(self, daemon, **request):
        """The answer, and the connection that came with it, or None."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(str(daemon.api))
        client.sendall(json.dumps({"do": "capture", **request}).encode() + b"\n")
        line, fds = b"", []
        while not line.endswith(b"\n"):
            data, more, _, _ = socket.recv_fds(client, 65536, 4)
            self.assertTrue(data)
            line, fds = line + data, fds + more
        self.assertLessEqual(len(fds), 1)
        passed = socket.socket(fileno=fds[0]) if fds else None
        if passed:
            self.addCleanup(passed.close)
        return json.loads(line), passed

    def messages(self, passed):
        """(type, request) of all that comes by it."""
        passed.settimeout(20)
        found = []
        while True:
            data, fds, _, _ = socket.recv_fds(passed, 16384, 4)
            for fd in fds:
                os.close(fd)
            if not data:
                return found
            kind, _, _, request = layout.HEAD.unpack_from(data)
            found.append((kind, request))

    def test_the_connection_comes_with_the_answer(self):
        daemon = self.started()
        answer, passed = self.ask(daemon, id=7)
        self.assertEqual(self.assertOk(answer), {
            "ok": True, "id": 7, "edges": ["e1", "e2", "n1", "n2"], "services": ["access", "xmpp"],
            "ports": ["outside0", "edges0"], "build": "fake 1.0"})
        self.assertEqual(self.messages(passed), [
            (layout.WELCOME, 1), (layout.CAPTURED, 2), (layout.CAPTURED, 2),
            (layout.CAPTURE_END, 2)])
        self.assertEqual(self.engine.captures, [ANY])
        self.assertTrue(daemon.status()["live"])  # its own connection is another one

    def test_filters(self):
        daemon = self.started()
        for request, wanted in (
                ({"edge": "n1"}, {"edges": 0b100}), ({"pool": "old"}, {"edges": 0b11}),
                ({"service": "xmpp"}, {"services": 2}), ({"verdict": "drop"}, {"verdicts": 16}),
                ({"verdict": "steer,reply"}, {"verdicts": 6}),
                ({"reason": "pin,too-big"}, {"reasons": 1 << 4 | 1 << 30}),
                ({"client": "198.51.100.7"}, {"client": layout.address("198.51.100.7"),
                                              "prefix": 128}),
                ({"client": "10.0.0.0/8"}, {"client": layout.address("10.0.0.0"),
                                            "prefix": 104}),
                ({"client": "2001:db8::/32"}, {"client": b"\x20\x01\x0d\xb8" + bytes(12),
                                               "prefix": 32}),
                ({"port": 443, "proto": "tcp"}, {"port": 443, "proto": 0}),
                ({"proto": "udp", "sample": 10}, {"proto": 1, "sample": 10}),
                ({"count": 5, "seconds": 3600, "rate": 100000, "snap": 1},
                 {"most": 5, "seconds": 3600, "rate": 100000, "snap": 1})):
            answer, passed = self.ask(daemon, **request)
            self.assertOk(answer)
            self.assertEqual(len(self.messages(passed)), 4)
            self.assertEqual(self.engine.captures[-1], {**ANY, **wanted}, request)

    def test_what_is_no_filter(self):
        daemon = self.started()
        for request, words in (
                ({"edge": "e9"}, "no edge 'e9'"), ({"pool": "olt"}, "did you mean 'old'"),
                ({"service": "x"}, "no service"), ({"edge": "e1", "pool": "old"}, "not both"),
                ({"verdict": "dropp"}, "verdict"), ({"verdict": ""}, "verdict"),
                ({"verdict": "steer,,drop"}, "verdict"), ({"reason": "Pin"}, "reason"),
                ({"proto": "icmp"}, "proto"), ({"client": "1.2.3.4/33"}, "client"),
                ({"port": 0}, "port"), ({"port": 65536}, "port"), ({"sample": 0}, "sample"),
                ({"count": 0}, "count"), ({"count": 1 << 32}, "count"),
                ({"seconds": 3601}, "seconds"), ({"rate": 100001}, "rate"),
                ({"snap": 2049}, "snap"), ({"snap": -1}, "snap"), ({"edge": 1}, "not a string"),
                ({"seconds": "60"}, "not a whole number"), ({"file": "x"}, "not a member")):
            answer, passed = self.ask(daemon, **request)
            self.assertRefused(answer, "usage", words)
            self.assertIsNone(passed)
        self.assertEqual(self.engine.captures, [])

    def test_it_is_written_down(self):
        daemon = self.started()
        self.ask(daemon, edge="n1", verdict="drop", seconds=5, why="a call was cut", id="x")
        record = daemon.journal()[-1]
        self.assertEqual({k: v for k, v in record.items() if k not in ("n", "time", "crc")}, {
            "what": "capture", "edge": "n1", "verdict": "drop", "seconds": 5, "who": "root"
            if os.geteuid() == 0 else record["who"], "why": "a call was cut"})
        before = len(daemon.journal())
        self.ask(daemon, edge="e9")
        self.assertEqual(len(daemon.journal()), before)
        daemon.end()
        self.daemons.clear()
        daemon = self.started()  # which reads it
        self.assertIn("capture", [r["what"] for r in daemon.ask(do="history")["records"]])

    def test_without_an_engine(self):
        daemon = self.started()
        self.engine.stop()
        daemon.wait_status(lambda s: s["engine"] is None)
        answer, passed = self.ask(daemon)
        self.assertRefused(answer, "engine", "no engine is connected")
        self.assertIsNone(passed)

    def test_an_engine_that_hangs_holds_nobody_up(self):
        daemon = self.started()
        self.engine.plays[layout.CAPTURE] = lambda *_: True
        answer, passed = self.ask(daemon)
        self.assertOk(answer)
        passed.settimeout(20)
        self.assertEqual(layout.HEAD.unpack_from(passed.recv(16384))[0], layout.WELCOME)
        self.assertTrue(daemon.status()["live"])

    def test_an_unread_answer_is_in_its_way(self):
        """A descriptor cannot overtake what waits to be sent."""
        daemon = self.started()
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(str(daemon.api))
        client.sendall(b'{"do": "counters"}\n' * 400 + b'{"do": "capture"}\n')
        text = b""
        while text.count(b"\n") < 401:
            text += client.recv(65536)
        last = json.loads(text.splitlines()[-1])
        if not last["ok"]:
            self.assertRefused(last, "busy", "not read")

    def test_no_descriptor_is_left(self):
        daemon = self.started()
        before = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        for _ in range(20):
            self.assertEqual(len(self.messages(self.ask(daemon)[1])), 4)
        self.assertLessEqual(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), before + 20)


if __name__ == "__main__":
    run()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who may look and who may change; and what a client may not do to the others."""

import contextlib
import grp
import json
import os
import pwd
import select
import socket
import subprocess
import sys
import time
import unittest

from main import run
from harness import Case, Client

OTHER = "nobody"
ASK = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[2]))
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[4].encode() + b"\\n")
print(s.makefile().readline())
"""


@unittest.skipUnless(os.geteuid() == 0, "another user's requests need root")
class Roles(Case):
    def ask_as(self, daemon, request, gid=None):
        user = pwd.getpwnam(OTHER)
        done = subprocess.run(
            [sys.executable, "-c", ASK, daemon.api, str(user.pw_uid),
             str(user.pw_gid if gid is None else gid), json.dumps(request)],
            capture_output=True, text=True, check=False, timeout=20)
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def group_of_other(self):
        return grp.getgrgid(pwd.getpwnam(OTHER).pw_gid).gr_name

    def test_without_groups_the_socket_is_closed_to_others(self):
        daemon = self.started()
        self.assertIn("PermissionError", self.ask_as(daemon, {"do": "status"}))

    def test_viewers_look(self):
        daemon = self.started("--viewers", self.group_of_other())
        self.assertTrue(self.ask_as(daemon, {"do": "status"})["ok"])
        for request in ({"do": "switch", "to": "half"}, {"do": "ack", "name": "x"},
                        {"do": "edge", "edge": "e1", "verb": "drain"}, {"do": "reload"},
                        {"do": "release", "edge": "e1"}, {"do": "unack", "name": "x"},
                        {"do": "capture"}):
            self.assertRefused(self.ask_as(daemon, request), "denied", OTHER)
        self.assertEqual(self.engine.generation, 1)

    def test_operators_change_and_are_written_down(self):
        daemon = self.started("--operators", self.group_of_other())
        self.assertTrue(self.ask_as(daemon, {"do": "switch", "to": "half"})["ok"])
        self.assertEqual(daemon.journal()[-2]["who"], OTHER)

    def test_neither(self):
        daemon = self.started("--viewers", "daemon", "--operators", "bin")
        self.assertRefused(self.ask_as(daemon, {"do": "status"}), "denied", "not even look")

    def test_a_group_of_the_process_counts(self):
        daemon = self.started("--viewers", "daemon", "--operators", "bin")
        answer = self.ask_as(daemon, {"do": "switch", "to": "half"}, grp.getgrnam("bin").gr_gid)
        self.assertTrue(answer["ok"], answer)

    def test_a_group_that_is_none(self):
        daemon = self.start("--viewers", "no-such-group", wait=False)
        self.assertEqual(daemon.process.wait(10), 2)
        self.assertIn("there is no group 'no-such-group'", daemon.said())


class Clients(Case):
    def test_what_is_no_request(self):
        daemon = self.started()
        client = Client(daemon.api)
        for line, words in ((b"hello", "not JSON"), (b"[]", "not a JSON object"), (b"{}", "'do'"),
                            (b'{"do":"dance"}', "no request 'dance'"),
                            (b'{"do":"status","do":"edges"}', "not JSON"),
                            (b'{"do":"status","id":[1]}', "'id'"),
                            (b'{"do":"status","x":1}', "'x' is not a member"),
                            (b"\xff\xfe", "not JSON"), (b"[" * 3000, "not JSON"),
                            (b"\0", "not JSON"), (b"", "not JSON")):
            client.socket.sendall(line + b"\n")
            self.assertRefused(client.answer(), "usage", words)
        self.assertOk(client.ask(do="status"))
        client.close()

    def test_a_line_without_an_end(self):
        daemon = self.started()
        client = Client(daemon.api)
        client.socket.sendall(b'{"do":"' + b"x" * 70000)
        self.assertRefused(client.answer(), "usage", "65536")
        with contextlib.suppress(ConnectionResetError):
            self.assertIsNone(client.answer())
        client.close()
        self.assertOk(daemon.status())

    def test_the_longest_line(self):
        daemon = self.started()
        client = Client(daemon.api)
        line = b'{"do":"status"}'
        client.socket.sendall(line + b" " * (65535 - len(line)) + b"\n")
        self.assertOk(client.answer())
        client.close()

    def test_there_are_so_many_and_no_more(self):
        daemon = self.started()
        clients = [Client(daemon.api) for _ in range(80)]
        answered = 0
        for client in clients:
            try:
                client.send(do="history", limit=1)
                answered += client.answer() is not None
            except OSError:
                pass
        self.assertIn(answered, (63, 64))  # turnoutd may not have seen the last one go yet
        for client in clients:
            client.close()
        self.assertOk(daemon.status())

    def cpu_of(self, daemon):
        """Seconds."""
        with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_one_who_does_not_read_holds_up_nobody(self):
        daemon = self.started()
        stuck = Client(daemon.api)
        stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.socket.setblocking(False)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += stuck.socket.send(b'{"do":"status"}\n' * 1000)
        except BlockingIOError:
            pass
        # it is not read for ever either: its lines wait in its own socket
        self.assertLess(sent, 8 << 20)
        begun = time.monotonic()
        self.assertOk(daemon.status())
        self.assertLess(time.monotonic() - begun, 5)
        with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as f:
            self.assertLess(int(f.read().split()[1]) * 4096, 200 << 20)
        # and after 10 s it is a client no more
        used = self.cpu_of(daemon)
        poll = select.poll()
        poll.register(stuck.socket, 0)
        self.assertTrue(poll.poll(20000), "it is connected still")
        self.assertGreater(time.monotonic() - begun, 5)
        self.assertLess(self.cpu_of(daemon) - used, 1, "it was waited for in a hurry")
        self.assertOk(daemon.status())
        stuck.socket.close()

    def test_a_socket_that_a_dead_one_left_is_taken(self):
        daemon = self.started()
        daemon.kill()
        self.assertTrue(daemon.api.exists())
        self.started()

    def test_a_socket_that_somebody_listens_on_is_not(self):
        self.started()
        other = self.start("--state", self.dir / "other", wait=False)
        self.assertEqual(other.process.wait(10), 1)
        self.assertIn("Address already in use", other.said())

    def test_options(self):
        for words, code, text in ((["--help"], 0, "Usage: turnoutd"),
                                  (["--version"], 0, "turnoutd "), ([], 2, "needed"),
                                  (["--what"], 2, "unrecognized"),
                                  (["--plan", "x", "--engine", "y", "z"], 2, "'z'"),
                                  (["--quiet", "0"], 2, "1 to 3600"),
                                  (["--engine-timeout", "1x"], 2, "0.1 to 60")):
            done = subprocess.run([self.PROGRAM, *words], capture_output=True, text=True,
                                  check=False, timeout=10)
            self.assertEqual(done.returncode, code, words)
            self.assertIn(text, done.stdout + done.stderr)


if __name__ == "__main__":
    run()

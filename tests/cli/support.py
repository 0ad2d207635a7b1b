# SPDX-License-Identifier: BSD-3-Clause
"""A command of `turnout` beside a fake turnoutd; at a terminal, where it asks for one."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

import fake

TURNOUT = sys.argv.pop(1)
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "TZ": "UTC"}
ENV.pop("TURNOUT_SOCKET", None)
ENV.pop("NO_COLOR", None)


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, words, rows=24, columns=80, env=None):
        self.seen = b""
        may_begin, let_begin = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(may_begin, 1)
            os.environ.clear()
            os.environ.update(env or ENV)
            os.execv(words[0], words)
        self.before = termios.tcgetattr(self.fd)
        self.resize(rows, columns)
        os.write(let_begin, b"x")
        os.close(may_begin)
        os.close(let_begin)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, wanted, seconds=20):
        """Waits for what is seen to have `wanted` after what was found before."""
        end = time.monotonic() + seconds
        while wanted not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"{wanted} was not seen in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError as gone:
                raise AssertionError(f"{wanted} was not seen in {self.seen!r}") from gone
        before, _, self.seen = self.seen.partition(wanted)
        return before + wanted

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        """What it said to the end, and its exit code (or minus its signal)."""
        try:
            while True:
                more = os.read(self.fd, 65536)
                if not more:
                    break
                self.seen += more
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return self.seen, os.waitstatus_to_exitcode(status)


class WithDaemon(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = str(Path(self.directory.name) / "turnoutd.sock")
        self.daemon = fake.Daemon(self.path)
        self.addCleanup(self.daemon.close)

    def words(self, *words):
        return [TURNOUT, *words, "--socket", self.path]

    def run_turnout(self, *words, code=0, env=None):
        done = subprocess.run(self.words(*words), capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=env or ENV, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, code, f"{words}: {out}{err}")
        return out, err

    def asked(self, do):
        return [{k: v for k, v in r.items() if k != "do"} for r in self.daemon.requests
                if r["do"] == do]

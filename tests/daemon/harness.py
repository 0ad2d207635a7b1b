# SPDX-License-Identifier: BSD-3-Clause
"""turnoutd with a fake engine, in a directory of its own."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from engine import Engine

PLAN = """\
turnout: 1
site: {{name: lab}}
salt: lab-2026
relay_key: shared
pools:
  old:
    role: legacy
    edges:
      e1: {{access: 203.0.113.10}}
      e2: {{access: 203.0.113.11}}
  fresh:
    role: new
    edges:
      n1: {{access: 203.0.113.12}}
      n2: {{access: 203.0.113.13}}
services:
  access: {{kind: sip-tls, vip: 203.0.113.100, protocol: tcp, port: 443, address: access{check}}}
  xmpp: {{kind: xmpp, vip: 203.0.113.100, protocol: tcp, port: 5269, address: access{check}}}
partners:
  fabrikam: 198.51.100.0/28
  litware: 198.51.100.64/28
stages:
{stages}
"""

ME = pwd.getpwuid(os.geteuid()).pw_name

# The edges of these plans are nowhere: where a plan can have health checks, it has none.
TOP = Path(__file__).resolve().parent.parent.parent
CHECK = ", check: none" if '"check"' in (TOP / "docs/plan.schema.json").read_text() else ""

STAGES = """\
  - name: baseline
  - name: canary
    routes: {access: {default: 0, partners: {fabrikam: 100}}}
  - name: half
    routes: {access: 50}
  - name: all
    routes: {access: 100}
"""


def until(what, seconds=10, why="nothing came of it"):
    """Asks again until it is true; for what has no event to wait for."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(why() if callable(why) else why)
        time.sleep(0.01)


class Client:
    def __init__(self, path, seconds=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def send(self, **request):
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def answer(self):
        line = self.file.readline()
        return json.loads(line) if line else None

    def ask(self, **request):
        self.send(**request)
        return self.answer()

    def close(self):
        self.file.close()
        self.socket.close()


class Daemon:
    """A turnoutd. `program` is the one to run; the rest are its options and environment."""

    def __init__(self, program, directory, *options, environment=None, wait=True, preexec=None):
        self.dir = Path(directory)
        self.api = self.dir / "api.sock"
        self.state = self.dir / "state"
        self.log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(
            [program, "--plan", self.dir / "plan.yaml", "--engine", self.dir / "engine.sock",
             "--state", self.state, "--api", self.api, *map(str, options)],
            stderr=self.log, env={**os.environ, **(environment or {})}, preexec_fn=preexec)
        if wait:
            self.wait_for_api()

    def wait_for_api(self):
        self.wait_api_or_end()
        if self.process.poll() is not None:
            raise AssertionError("turnoutd has ended: " + self.said())

    def wait_api_or_end(self):
        until(lambda: self.connects() or self.process.poll() is not None,
              why=lambda: "turnoutd does not listen: " + self.said())

    def connects(self):
        try:
            Client(self.api).close()
            return True
        except OSError:
            return False

    def said(self):
        return (self.dir / "log").read_text(errors="replace")

    def ask(self, **request):
        client = Client(self.api)
        try:
            return client.ask(**request)
        finally:
            client.close()

    def status(self):
        return self.ask(do="status")

    def wait_status(self, what, seconds=10):
        return until(lambda: (lambda s: s if what(s) else None)(self.status()), seconds,
                     lambda: json.dumps(self.status(), indent=1)[:3000] + self.said())

    def wait_stage(self, stage):
        return self.wait_status(lambda s: s["stage"] == stage and s["live"] and
                                not s["switching"])

    def alarms(self):
        return {a["name"]: a["message"] for a in self.status()["alarms"]}

    def journal(self):
        lines = (self.state / "journal").read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.log.close()
        return code

    def end_well(self):
        """However a test has left it: it ends when it is told to, and (sanitized) leaks nothing."""
        if self.process.poll() is None:
            code = self.end()
            if code:
                raise AssertionError(f"turnoutd ended with {code}: {self.said()}")


class Case(unittest.TestCase):
    """A directory, a plan, a fake engine; `self.start()` is a turnoutd. PROGRAM is set by main."""

    PROGRAM = None
    TEST_PROGRAM = None

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="turnoutd-"))
        self.dir.chmod(0o755)
        self.daemons = []
        self.write_plan()
        self.engine = Engine(self.dir / "engine.sock")

    def tearDown(self):
        try:
            for daemon in self.daemons:
                daemon.end_well()
        finally:
            for daemon in self.daemons:
                daemon.kill()
            self.engine.stop()
            shutil.rmtree(self.dir, ignore_errors=True)

    def write_plan(self, stages=STAGES, change=lambda text: text):
        (self.dir / "plan.yaml").write_text(change(PLAN.format(stages=stages, check=CHECK)))

    def start(self, *options, program=None, **more):
        daemon = Daemon(program or self.PROGRAM, self.dir, *options, **more)
        self.daemons.append(daemon)
        return daemon

    def started(self, *options, stage="baseline", **more):
        """One that has its engine where it belongs, and has looked at the plan's file."""
        log = self.dir / "log"
        compared = log.read_text().count(" in force") if log.exists() else 0
        daemon = self.start(*options, **more)
        daemon.wait_stage(stage)
        until(lambda: daemon.said().count(" in force") > compared, why=daemon.said)
        return daemon

    def assertOk(self, answer):
        self.assertTrue(answer["ok"], answer)
        return answer

    def assertRefused(self, answer, error, words=""):
        self.assertFalse(answer["ok"], answer)
        self.assertEqual(answer["error"], error, answer)
        self.assertIn(words, answer["message"])
        return answer

# SPDX-License-Identifier: BSD-3-Clause
"""`turnout capture` against an engine that is played here; what it writes is read by tshark."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import unittest
from pathlib import Path

from support import ENV, Terminal, WithDaemon

sys.path.append(str(Path(__file__).resolve().parents[1] / "daemon"))
import layout  # noqa: E402
sys.path.append(str(Path(__file__).resolve().parents[1] / "replay"))
from common import ethernet, udp  # noqa: E402

STEER, DROP, PIN, NO_EDGE = 1, 4, 4, 19
FRAMES = [ethernet(udp("198.51.100.7", 1000 + i, "203.0.113.100", 50000, bytes(i)))
          for i in range(50)]
FIELDS = ["frame.comment", "frame.interface_name", "frame.time_epoch", "frame.len", "ip.src"]


def packets(count, edge=2):
    return [(0, edge, STEER, PIN, FRAMES[i]) for i in range(count)]


class Engine:
    """What it is to send; whether it was asked to end is in `asked`."""

    def __init__(self, *messages, waits=False, end=None):
        self.messages, self.waits, self.end, self.asked = messages, waits, end, False

    def __call__(self, connection):
        with connection, open("/dev/null", "rb") as region:
            connection.settimeout(60)
            socket.send_fds(connection, [layout.welcome(1, 14, 1, "half")], [region.fileno()])
            try:
                for m in self.messages:
                    connection.send(m)
                if self.waits:
                    asked = connection.recv(16384)
                    self.asked = bool(asked) and \
                        layout.HEAD.unpack(asked)[:3] == (layout.CAPTURE_END, 0, 16)
                for m in self.end if isinstance(self.end, list) else [self.end] * bool(self.end):
                    connection.send(m)
            except OSError:
                pass


class Capture(WithDaemon):
    def setUp(self):
        super().setUp()
        self.file = Path(self.directory.name) / "out.pcapng"

    def capture(self, *words, engine=None, code=0):
        self.daemon.engine = engine or Engine(
            layout.captured(2), layout.captured(2, *packets(3)), layout.captured(2, *packets(4)),
            end=layout.capture_end(2, 7))
        return self.run_turnout("capture", "--write", str(self.file), *words, code=code)

    def rows(self, path=None):
        """By tshark: FIELDS of each packet."""
        done = subprocess.run(
            ["tshark", "-r", path or self.file, "-T", "fields",
             *(w for f in FIELDS for w in ("-e", f))],
            capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def test_wireshark_opens_it(self):
        out, err = self.capture(engine=Engine(
            layout.captured(2), layout.captured(2, *packets(2), (255, 255, DROP, NO_EDGE,
                                                                 FRAMES[2]),
                                                (60, 61, STEER, PIN, FRAMES[3])),
            end=layout.capture_end(2, 4, 10, 3)))
        self.assertEqual(out, "")
        self.assertRegex(err, r"^4 packets, \d+ bytes in .*/out.pcapng: as many packets as asked "
                         r"for\n10 were not captured: more a second than --rate\n"
                         r"3 were not captured: they came faster than they were read\n$")
        self.assertEqual(self.rows(), [
            [comment, f"eth{i % 2}", f"1772427600.00000000{i}", str(len(FRAMES[i])),
             "198.51.100.7"]
            for i, comment in enumerate([
                "steer pin service=access class=none edge=n1 generation=14 worker=0",
                "steer pin service=access class=none edge=n1 generation=14 worker=0",
                "drop no-edge class=none generation=14 worker=0",
                "steer pin service=#60 class=none edge=#61 generation=14 worker=0"])])
        infos = subprocess.run(["capinfos", self.file], capture_output=True, text=True, check=True,
                               env=ENV).stdout
        self.assertRegex(infos, r"File type: +Wireshark/... - pcapng\n")
        self.assertRegex(infos, r"File timestamp precision: +nanoseconds \(9\)")
        self.assertRegex(infos, r"Capture application: +turnout capture [\d.]+, turnout-dp 0.1.0")
        self.assertRegex(infos, r"Capture oper-sys: +\S+, Linux \d")
        self.assertRegex(infos, r"Number of interfaces in file: 3")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)  # payloads are confidential
        self.assertEqual(self.file.stat().st_size, int(err.split()[2]))

    def test_what_is_asked_for(self):
        self.capture("--verdict", "drop,steer", "--reason", "pin", "--edge", "n1", "--service",
                     "access", "--client", "198.51.100.0/24", "--port", "443", "--proto", "tcp",
                     "--sample", "10", "--count", "5", "--seconds", "7", "--rate", "8", "--snap",
                     "96", "--why", "a call was cut")
        self.capture("--pool", "new")
        self.capture()
        self.assertEqual(self.asked("capture"), [
            {"verdict": "drop,steer", "reason": "pin", "edge": "n1", "service": "access",
             "client": "198.51.100.0/24", "port": 443, "proto": "tcp", "sample": 10, "count": 5,
             "seconds": 7, "rate": 8, "snap": 96, "why": "a call was cut"}, {"pool": "new"}, {}])

    def test_what_cannot_be_asked_for(self):
        for words in (["--port", "x"], ["--count", ""], ["--rate", "5x"], ["--max-size", "5"],
                      ["--max-size", "1T"], ["--max-size", "-1"], ["--max-size", "5MM"],
                      ["--sample", "9" * 30], ["--edge"], ["--filter", "x"], ["more"]):
            self.capture(*words, code=2)
        self.assertEqual(self.asked("capture"), [])
        self.daemon.do_capture = lambda **_: self.fail("never")

    def test_json(self):
        out, err = self.capture("--json")
        self.assertEqual(json.loads(out), {
            "file": str(self.file), "packets": 7, "bytes": self.file.stat().st_size,
            "ended": "as many packets as asked for", "over_rate": 0, "full": 0})
        self.assertEqual(err, "")
        _, err = self.run_turnout("capture", "--json", code=2)
        self.assertIn("--json needs --write FILE", err)

    def test_into_a_pipe(self):
        self.capture()
        with open(self.file, "rb") as f:
            wanted = f.read()
        done = subprocess.run(self.words("capture"), capture_output=True, timeout=60, env=ENV,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (0, wanted))
        self.assertIn(b"7 packets", done.stderr)

    def test_not_to_a_terminal(self):
        said, code = Terminal(self.words("capture")).wait()
        self.assertEqual(code, 2)
        self.assertIn(b"| wireshark -k -i -", said)
        self.assertEqual(self.asked("capture"), [])

    def test_progress_at_a_terminal(self):
        self.daemon.engine = Engine(layout.captured(2), layout.captured(2, *packets(3)),
                                    waits=True, end=layout.capture_end(2, 3, why=2))
        terminal = Terminal(self.words("capture", "--write", str(self.file)))
        terminal.read_until(b"3 packets, ")
        terminal.type("\x03")  # Ctrl-C
        said, code = terminal.wait()
        self.assertEqual(code, 0)
        self.assertIn(b"a signal has ended it", said)
        self.assertEqual(len(self.rows()), 3)

    def test_signals_end_it_well(self):
        for number in signal.SIGINT, signal.SIGTERM:
            self.daemon.engine = Engine(layout.captured(2), waits=True,
                                        end=[layout.captured(2, *packets(3)),
                                             layout.capture_end(2, 3, 5, why=2)])
            run = subprocess.Popen(self.words("capture"), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=ENV, bufsize=0)
            head = run.stdout.read(1)  # it has begun
            run.send_signal(number)
            out, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 0)
            self.assertTrue(self.daemon.engine.asked)
            self.assertIn(b"a signal has ended it\n5 were not captured", err)
            self.file.write_bytes(head + out)
            self.assertEqual(len(self.rows()), 3)  # what was under way as well

    def test_a_file_of_a_size(self):
        engine = Engine(layout.captured(2), *(layout.captured(2, *packets(50)) for _ in range(9)),
                        waits=True, end=layout.capture_end(2, 450, why=2))
        _, err = self.capture("--max-size", "20k", engine=engine)
        self.assertTrue(engine.asked)
        self.assertIn("it is as large as --max-size", err)
        self.assertLessEqual(self.file.stat().st_size, 20480)
        self.assertGreater(self.file.stat().st_size, 20000)
        self.assertEqual(len(self.rows()), int(err.split()[0]))

    def test_nobody_reads_it(self):
        engine = Engine(layout.captured(2), waits=True, end=layout.capture_end(2, 0, why=2))
        self.daemon.engine = engine
        run = subprocess.Popen(self.words("capture"), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=ENV, bufsize=0)
        self.assertTrue(run.stdout.read(28))
        run.stdout.close()  # as wireshark does when it is closed
        self.assertIn(b"nobody reads it any more", run.stderr.read())
        run.stderr.close()
        self.assertEqual(run.wait(60), 0)
        self.assertTrue(engine.asked)

    def test_a_full_disk(self):
        self.daemon.engine = Engine(layout.captured(2), layout.captured(2, *packets(3)),
                                    waits=True, end=layout.capture_end(2, 3, why=2))
        _, err = self.run_turnout("capture", "--write", "/dev/full", code=2)
        self.assertIn("/dev/full: No space left on device", err)

    def test_what_was_there_stays_until_it_begins(self):
        self.file.write_text("before")
        for engine, code, words in (
                (Engine(layout.refused(2, 16, "another capture is under way")), 4,
                 "another capture is under way"),
                (Engine(), 3, "the engine has gone away"),
                (Engine(b"x" * 40), 3, "the engine has gone away"),
                (Engine(layout.applied(2, 1, 1, 1, [1])), 3, "something else")):
            _, err = self.capture(engine=engine, code=code)
            self.assertIn(words, err)
            self.assertEqual(self.file.read_text(), "before")
        self.daemon.engine = None
        _, err = self.run_turnout("capture", "--write", str(self.file), code=3)
        self.assertIn("no connection to the engine", err)
        self.capture()
        self.assertEqual(len(self.rows()), 7)

    def test_an_engine_that_goes_away(self):
        _, err = self.capture(engine=Engine(layout.captured(2), layout.captured(2, *packets(5))),
                              code=3)
        self.assertIn("the engine has gone away", err)
        self.assertEqual(len(self.rows()), 5)

    def test_an_engine_that_lies(self):
        good = layout.captured(2, *packets(2))
        for wrong in (good[:-8], good + bytes(8), good[:16] + b"\x03" + good[17:],
                      layout.captured(2, (0, 64, STEER, PIN, FRAMES[0])),
                      layout.captured(2, (0, 1, 5, PIN, FRAMES[0])),
                      layout.captured(2, (0, 1, STEER, 63, FRAMES[0])),
                      layout.message(layout.CAPTURED, 2, struct.pack("<II", 2**32 - 1, 0))):
            self.capture(engine=Engine(layout.captured(2), wrong, waits=True), code=3)
            self.assertEqual(self.rows(), [])

    def test_an_engine_that_hangs(self):
        _, err = self.capture("--timeout", "1", engine=Engine(waits=True), code=3)
        self.assertIn("the engine has not answered", err)
        self.assertEqual(self.file.stat().st_size, 0)
        engine = Engine(layout.captured(2), layout.captured(2, *packets(4)), waits=True)
        _, err = self.capture("--timeout", "1", "--seconds", "1", engine=engine, code=3)
        self.assertIn("the engine has not ended it in time", err)
        self.assertEqual(len(self.rows()), 4)

    def test_who_may_not(self):
        self.daemon.fault = {"capture": b'{"ok": false, "error": "denied", "message": "no"}\n'}
        self.capture(code=2)
        self.assertEqual(os.path.getsize(self.file), 0)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-3-Clause
"""`turnout watch` at a terminal: what it shows, and that it leaves nothing behind."""
import os
import select
import signal
import subprocess
import termios
import time
import unittest

import fake
from emulator import Emulator
from support import ENV, Terminal, WithDaemon


class Watch(WithDaemon):
    def setUp(self):
        super().setUp()
        signal.alarm(60)  # nothing here takes longer, but for ever
        self.addCleanup(signal.alarm, 0)

    def start(self, rows=24, columns=80, words=()):
        self.screen = Emulator(rows, columns)
        self.terminal = Terminal(self.words("watch", "--interval=0.1", *words), rows, columns)
        self.raw = b""

    def until(self, seen, what):
        """Reads until the emulator's screen is as wanted."""
        end = time.monotonic() + 20
        while not seen():
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.terminal.fd], [], [], left)[0]:
                self.fail(f"no {what} in:\n{self.screen.text()}")
            data = os.read(self.terminal.fd, 65536)
            self.raw += data
            self.screen.feed(data)

    def see(self, text):
        self.until(lambda: text in self.screen.text(), text)

    def ends(self, code=0):
        """It is over, and the terminal is what it was."""
        rest = b""
        try:
            while True:
                if not select.select([self.terminal.fd], [], [], 20)[0]:
                    os.kill(self.terminal.pid, signal.SIGKILL)
                    self.fail(f"it does not end: {self.screen.text()}")
                data = os.read(self.terminal.fd, 65536)
                if not data:
                    break
                rest += data
        except OSError:
            pass
        self.screen.feed(rest)
        after = termios.tcgetattr(self.terminal.fd)
        _, status = os.waitpid(self.terminal.pid, 0)
        got = os.waitstatus_to_exitcode(status)
        os.close(self.terminal.fd)
        self.assertEqual(got, code)
        self.assertEqual(after, self.terminal.before)
        self.assertEqual(self.screen.modes, {"25": True, "7": True, "1049": False})

    def test_80_by_24(self):
        self.daemon.state["alarms"] = [{"name": "edge n2", "since": time.time() - 310,
                                        "message": "access does not answer"}]
        self.start()
        self.see("quiet hour")
        lines = self.screen.lines()
        self.assertRegex(lines[0], r"^contoso-hq: stage access-10 is live, generation 14, for "
                         r"3 h 12 min +\d\d:\d\d:\d\d$")
        self.assertEqual(lines[1], "baseline > [access-10] > access-25")
        self.assertEqual(lines[2], "! edge n2 for 5 min: access does not answer")
        self.assertRegex(lines[4], r"^access +█·········    10 % .* 412 +78$")
        self.assertRegex(self.screen.text(), r"\nlegacy +2 of 2 +412 +█")
        self.assertRegex(self.screen.text(), r"\nn2 +new +up +up +40\n")
        self.assertEqual(self.screen.modes, {"25": False, "7": False, "1049": True})
        self.terminal.type("q")
        self.ends()

    def test_what_changes_is_shown_and_only_that(self):
        self.start()
        self.see("quiet hour")
        self.assertEqual(self.screen.cleared, 1)
        self.raw, self.screen.touched = b"", set()
        self.daemon.state["edges"][3]["state"] = "draining"
        self.until(lambda: "draining" in self.screen.text(), "draining")
        self.assertNotIn(b"\x1b[2J", self.raw)
        row = next(i for i, line in enumerate(self.screen.lines()) if "draining" in line)
        # beside it: the clock, the curves that grow, pools whose edges are up
        curves = {i for i, line in enumerate(self.screen.lines()) if "█" in line or "in the last"
                  in line}
        self.assertLessEqual(self.screen.touched - curves, {0, 1, row} | {
            i for i, line in enumerate(self.screen.lines()) if "/s" in line})
        self.terminal.type("q")
        self.ends()

    def test_a_drain_is_a_falling_curve(self):
        self.start()
        self.see("legacy")
        for total in (300, 200, 100, 0):
            self.daemon.state["edges"][0]["total"] = total
            self.see(f"2 of 2 {total:9}  ")
        row = next(i for i, line in enumerate(self.screen.lines()) if line.startswith("legacy"))
        self.until(lambda: any(c in self.screen.lines()[row + 2] for c in "▁▂▃▄▅▆▇"), "a curve")
        heights = [sum(" ▁▂▃▄▅▆▇█".index(c) for c in column) for column in
                   zip(*(self.screen.lines()[row + k].ljust(80)[36:] for k in range(3)))]
        while heights and heights[-1] == 0:
            heights.pop()
        self.assertEqual(heights, sorted(heights, reverse=True))
        self.assertEqual(heights[0], 24)
        self.assertLess(heights[-1], 12)
        self.terminal.type("q")
        self.ends()

    def test_new_flows_a_second(self):
        state = self.daemon.state
        status = self.daemon.do_status

        def grows():
            answer = status()
            state["tick"] = state.get("tick", 0) + 1000
            answer["services"][0]["new_flows"]["new"] += state["tick"]
            return answer
        self.daemon.do_status = grows
        self.start()
        self.until(lambda: any(line.startswith("access") and "0.0/s" in line and
                               line.count("/s") == 2 for line in self.screen.lines()), "a rate")
        self.terminal.type("q")
        self.ends()

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.terminal.resize(rows, columns)

    def test_sizes(self):
        self.start()
        self.see("last events")
        for rows, columns in ((40, 120), (10, 40), (24, 80), (3, 20), (1, 1), (2, 300), (50, 5),
                              (60, 200)):
            # what it wrote for the size before may still come
            self.screen = Emulator(200, 400)
            self.screen.modes["1049"] = True
            self.terminal.resize(rows, columns)
            self.until(lambda: self.screen.lines()[0].startswith("contoso-hq: stage"[:columns]),
                       "a frame")
            self.screen.touched = set()
            self.until(lambda: 0 in self.screen.touched or columns < 80, "another frame")
        self.terminal.type("q")
        self.ends()

    def test_a_small_frame_shows_the_most_important(self):
        self.daemon.state["alarms"] = [{"name": f"edge {i}", "since": time.time() - 310,
                                        "message": "down"} for i in range(9)]
        self.start(rows=8, columns=60)
        self.see("! and 6 more: turnout status")
        self.assertEqual(self.screen.lines()[1], "baseline > [access-10] > access-25")
        self.terminal.type("q")
        self.ends()

    def test_many_of_everything(self):
        edges = [fake.edge(f"e{i}", "legacy" if i % 2 else "new", i + 2) for i in range(64)]
        self.daemon.state["edges"] = edges
        self.start()
        self.see("more")
        self.see("last events")
        self.assertRegex(self.screen.text(), r"and \d+ more\nlast events\n.*start version 0.1.0\n.*ada switch .*quiet hour")
        self.terminal.type("q")
        self.ends()

    def test_signals_leave_the_terminal_as_it_was(self):
        for sign in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            with self.subTest(sign):
                self.start()
                self.see("last events")
                os.kill(self.terminal.pid, sign)
                self.ends()

    def test_control_c_and_capital_q(self):
        for key in ("\x03", "Q"):
            self.start()
            self.see("last events")
            self.terminal.type(key)
            self.ends()

    def test_other_keys_do_nothing(self):
        self.start()
        self.see("last events")
        self.terminal.type("xyz\r\x1b[A\x0c")
        self.screen.touched = set()
        self.until(lambda: 0 in self.screen.touched, "another frame")
        self.terminal.type("q")
        self.ends()

    def test_control_z_and_back(self):
        """Under a shell with job control: nobody else could let it go on."""
        self.screen, self.raw = Emulator(), b""
        self.terminal = Terminal(["/bin/bash", "-mc", '"$@"; echo gone $?; read -r x; '
                                  'fg >/dev/null; echo over $?', "bash", *self.words("watch")])
        self.see("last events")
        self.terminal.type("\x1a")
        self.until(lambda: b"gone 148" in self.raw, "shell")
        self.assertFalse(self.screen.modes["1049"])
        self.assertEqual(termios.tcgetattr(self.terminal.fd), self.terminal.before)
        self.screen.resize(24, 80)
        self.terminal.type("\n")
        self.see("last events")
        self.terminal.type("q")
        self.until(lambda: b"over 0" in self.raw, "end")
        self.ends()

    def test_turnoutd_goes_and_comes(self):
        self.start()
        self.see("last events")
        self.daemon.close()
        self.see("! turnoutd")
        self.see("[access-10]")  # what was known stays
        os.unlink(self.path)
        self.see("! turnoutd is not running, or listens elsewhere")
        self.daemon = fake.Daemon(self.path)
        self.addCleanup(self.daemon.close)
        self.until(lambda: "! turnoutd" not in self.screen.text(), "recovery")
        self.terminal.type("q")
        self.ends()

    def test_it_waits_for_a_turnoutd(self):
        path, self.path = self.path, self.path + ".other"
        self.start()
        self.see("turnoutd is not running")
        os.symlink(path, self.path)
        self.see("last events")
        self.terminal.type("q")
        self.ends()

    def test_a_turnoutd_that_hangs_does_not_keep_q(self):
        self.start()
        self.see("last events")
        self.daemon.fault = "hang"
        self.see("has not answered within 1 s")
        self.terminal.type("q")
        began = time.monotonic()
        self.ends()
        self.assertLess(time.monotonic() - began, 5)

    def test_answers_of_other_types(self):
        for value in (None, 1, "x\x1b[2J", [], {}, [1], [{}], {"a": 1}):
            answer = {"ok": True, **{k: value for do in ("status", "stages", "history")
                                     for k in getattr(self.daemon, "do_" + do)()}}
            self.daemon.fault = fake.json.dumps(answer).encode() + b"\n"
            out, _ = self.run_turnout("watch", "--once")
            self.assertIn("no engine is connected" if value not in ({}, {"a": 1}) else ":", out)

    def test_once(self):
        out, _ = self.run_turnout("watch", "--once")
        lines = out.split("\n")
        self.assertEqual(len(lines), 25)
        self.assertNotIn("\x1b", out)
        self.assertTrue(out.isascii())
        self.assertIn("[access-10]", lines[1])
        self.daemon.close()
        _, err = self.run_turnout("watch", "--once", code=3)
        self.assertIn("turnoutd is not running", err)

    def test_usage(self):
        self.assertIn("--once prints one frame", self.run_turnout("watch", code=2)[1])
        for text in ("0", "61", "x", "1s", "nan", ""):
            self.assertIn("--interval is 0.1 to 60",
                          self.run_turnout("watch", f"--interval={text}", code=2)[1])

    def test_without_utf8_and_colour(self):
        env = {**ENV, "LC_ALL": "C", "NO_COLOR": "1"}
        self.screen = Emulator()
        self.terminal = Terminal(self.words("watch"), env=env)
        self.raw = b""
        self.see("last events")
        self.assertTrue(self.raw.isascii())
        self.assertNotRegex(self.raw, rb"\x1b\[\d+m")
        self.terminal.type("q")
        self.ends()

    def test_a_closed_pipe(self):
        done = subprocess.run(["sh", "-c", '"$0" watch --once --socket "$1" | head -c 1',
                               *self.words("x")[:1], self.path], env=ENV, check=False,
                              capture_output=True, timeout=30)
        self.assertEqual(done.stdout, b"c")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-3-Clause
"""Completion as bash does it: its own function is called with a line, and says how it may go on."""
import os
import re
import subprocess
import unittest
from pathlib import Path

from support import ENV, TURNOUT, WithDaemon

CONTOSO = str(Path(__file__).resolve().parent.parent.parent / "examples/contoso.yaml")


class Completion(WithDaemon):
    def complete(self, line, env=None):
        script = ('source <("$0" completion bash) || exit; '
                  'COMP_LINE=$1 COMP_POINT=${#1}; _turnout "$0"; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-euc", script, TURNOUT, line], text=True,
                              env={**ENV, "TURNOUT_SOCKET": self.path, **(env or {})},
                              capture_output=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), line)
        return done.stdout.split()

    def test_every_command_of_help(self):
        listed = subprocess.run([TURNOUT, "--help"], capture_output=True, text=True, timeout=30,
                                check=True).stdout
        usages = re.findall(r"^  turnout ([a-z]+)(?: ([a-z]+))?", listed, re.M)
        self.assertGreater(len(usages), 20)
        self.assertEqual(set(self.complete("turnout ")), {first for first, _ in usages})
        for first, second in usages:
            self.assertIn(first, self.complete(f"turnout {first[:-1]}"))
            if second:
                self.assertIn(second, self.complete(f"turnout {first} {second[0]}"))

    def test_every_option_of_a_command(self):
        for words in (["stage", "next"], ["retire"], ["flows"], ["doctor"], ["replay"]):
            text = subprocess.run([TURNOUT, *words, "--help"], capture_output=True, text=True,
                                  timeout=30, check=True).stdout
            self.assertEqual(set(self.complete(f"turnout {' '.join(words)} --")),
                             set(re.findall(r"^  (--[a-z-]+)", text, re.M)) | {"--help"})
        self.assertEqual(self.complete("turnout flows --ser"), ["--service"])
        self.assertEqual(self.complete("turnout -"), ["--help", "--version"])

    def test_names_from_turnoutd(self):
        for line, wanted in (("turnout stage to ", ["baseline", "access-10", "access-25"]),
                             ("turnout stage to ac", ["access-10", "access-25"]),
                             ("turnout drain ", ["e1", "e2", "n1", "n2", "legacy", "new"]),
                             ("turnout drain --why x n", ["n1", "n2", "new"]),
                             ("turnout release ", ["e1", "e2", "n1", "n2"]),
                             ("turnout release e1 --service ", ["access", "federation"]),
                             ("turnout flows --edge=e", ["e1", "e2"]),
                             ("turnout flows --pool ", ["legacy", "new"]),
                             ("turnout drain e1 ", []),
                             ("turnout status ", [])):
            self.assertEqual(self.complete(line), wanted, line)

    def test_the_socket_on_the_line_counts(self):
        nowhere = {"TURNOUT_SOCKET": self.path + ".none"}
        self.assertEqual(self.complete("turnout stage to b", nowhere), [])
        for option in (f"--socket {self.path}", f"--socket={self.path}"):
            self.assertEqual(self.complete(f"turnout stage to {option} b", nowhere), ["baseline"])

    def test_names_from_the_plan(self):
        self.assertEqual(self.complete(f"turnout diff {CONTOSO} b"), ["baseline"])
        self.assertEqual(self.complete(f"turnout diff {CONTOSO} canary access-1"),
                         ["access-10", "access-100"])
        self.assertEqual(self.complete(f"turnout replay {CONTOSO} x.pcap --stage=m"), ["media"])
        self.assertEqual(self.complete(f"turnout explain {CONTOSO} --down "),
                         ["e1", "e2", "n1", "n2"])
        self.assertEqual(self.complete("turnout replay p.yaml x --engine "), ["dpdk", "xdp"])
        self.assertEqual(self.daemon.requests, [])

    def test_steps_to_acknowledge_are_the_plans(self):
        status = self.daemon.do_status
        self.daemon.do_status = lambda: {**status(), "plan": CONTOSO}
        self.assertEqual(self.complete("turnout ack rep"), ["replication-complete"])
        self.assertEqual(self.complete("turnout ack next"), ["next-hop"])

    def test_files_are_the_shells(self):
        """Nothing of ours, so that `complete -o default` goes on with files."""
        for line in ("turnout check ", "turnout replay p.yaml ", "turnout doctor --root ",
                     "turnout table write p --out "):
            self.assertEqual(self.complete(line), [])

    def test_odd_lines(self):
        for line in ("", " ", "turnout", "turnout  ", "turnout nonsense ", "turnout stage nonsense ",
                     "turnout " + "a " * 500, "turnout drain " + "x" * 10000, "turnout --",
                     "turnout drain =", "turnout flows --edge= x", "turnout ' \" $(id) ` ",
                     "turnout stage to --socket", "turnout flows --socket= e", "turnout stage to -"):
            self.complete(line)

    def test_a_turnoutd_that_hangs_or_lies_does_not_hang_the_shell(self):
        for fault in ("hang", "gone", b"x\n", b'{"ok": true, "edges": 1, "pools": [1]}\n'):
            self.daemon.fault = fault
            self.assertEqual(self.complete("turnout drain "), [])

    def test_bash_takes_it(self):
        done = subprocess.run(["bash", "--norc", "-euc",
                               'source <("$0" completion bash); complete -p turnout', TURNOUT],
                              capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(done.stdout, "complete -o default -F _turnout turnout\n")


if __name__ == "__main__":
    os.environ.pop("TURNOUT_SOCKET", None)
    unittest.main()

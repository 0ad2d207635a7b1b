#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""run_in_kernel.py CACHE: what it brings back, and that it comes back."""

import subprocess
import sys
import unittest
from pathlib import Path

SKIP, TIMEOUT, CRASHED = 77, 124, 125
RIG = Path(__file__).resolve().parent / "run_in_kernel.py"


def in_guest(*command, options=()):
    return subprocess.run([sys.executable, RIG, "--cache", CACHE, *options, "--", *command],
                          capture_output=True, check=False)


class Guest(unittest.TestCase):
    def test_output_and_status(self):
        """A program with its libraries, a file, a module, bytes as they are, and the status."""
        ran = in_guest("sh", "-c", r"cat /given/rig; uname -r >&2; /sbin/ip link add name one "
                       r"type veth peer name two || exit; printf 'a\r\nb\0\377'; exit 42",
                       options=["--file", f"{RIG}:/given/rig", "--file", "/usr/sbin/ip:/sbin/ip",
                                "--module", "veth"])
        self.assertEqual(ran.returncode, 42, ran.stderr.decode())
        self.assertEqual(ran.stdout[:RIG.stat().st_size], RIG.read_bytes())
        release, rest = ran.stdout[RIG.stat().st_size:].split(b"\n", 1)
        self.assertTrue(release.startswith(b"6.1."), release)
        self.assertEqual(rest, b"a\r\nb\0\xff")

    def test_a_command_that_does_not_end(self):
        self.assertEqual(in_guest("sleep", "1000", options=["--timeout", "10"]).returncode,
                         TIMEOUT)

    def test_a_kernel_that_panics(self):
        ran = in_guest("sh", "-c", "echo c >/proc/sysrq-trigger")
        self.assertEqual(ran.returncode, CRASHED)
        self.assertIn(b"Kernel panic", ran.stderr)


if __name__ == "__main__":
    CACHE = sys.argv.pop()
    there = in_guest("true")
    if there.returncode == SKIP:
        print(there.stdout.decode())
        sys.exit(SKIP)
    unittest.main()

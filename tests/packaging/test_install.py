#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `meson install` puts where, and what systemd says of the units.

test_install.py BUILD"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAMS = "bin/turnout", "bin/turnoutd", "bin/turnout-dp", "bin/turnout-xdp"
UNITS = "turnoutd", "turnout-dp", "turnout-xdp"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.top.cleanup)
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir",
                        cls.top.name], check=True, stdout=subprocess.DEVNULL)
        found = list(Path(cls.top.name).rglob("turnoutd.service"))
        assert len(found) == 1, found
        cls.units = found[0].parent
        cls.prefix = cls.units.parents[2]

    def test_programs_pages_and_settings(self):
        for name in PROGRAMS:
            self.assertTrue(os.access(self.prefix / name, os.X_OK), name)
        for page in "man1/turnout.1", "man8/turnoutd.8", "man8/turnout-dp.8", \
                "man8/turnout-xdp.8", "man5/turnout-plan.5":
            self.assertTrue((self.prefix / "share/man" / page).exists(), page)
        for name in UNITS:
            self.assertTrue(list(Path(self.top.name).rglob(f"turnout/{name}.conf")), name)

    def test_completion(self):
        file = self.prefix / "share/bash-completion/completions/turnout"
        line = "turnout stage n"
        done = subprocess.run(
            ["bash", "-c", 'PATH=$1:$PATH; source "$2" && COMP_LINE=$3 COMP_POINT=${#3} && '
             '_turnout turnout && echo "${COMPREPLY[*]}"', "_", self.prefix / "bin", file, line],
            capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout.strip(), done.stderr), ("next", ""))

    def test_units_wait_for_what_the_engines_say(self):
        for name in UNITS:
            text = (self.units / f"{name}.service").read_text(encoding="utf-8")
            self.assertRegex(text, r"(?m)^Type=notify$")
            self.assertRegex(text, r"(?m)^WatchdogSec=\d+$")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_units(self):
        with tempfile.TemporaryDirectory() as copies:
            for name in UNITS:
                text = (self.units / f"{name}.service").read_text(encoding="utf-8")
                here, count = re.subn(r"(?m)^(ExecStart=)(/\S+)",
                                      rf"\g<1>{self.top.name}\g<2>", text)
                self.assertEqual(count, 1)
                Path(copies, f"{name}.service").write_text(here, encoding="utf-8")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                                   *map(str, Path(copies).iterdir())], capture_output=True,
                                  text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("systemd-sysusers") and shutil.which("systemd-tmpfiles"),
                         "there is no systemd-sysusers or systemd-tmpfiles")
    def test_users_and_directories(self):
        for tool, folder in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles",
                                                                  "tmpfiles.d")):
            with tempfile.TemporaryDirectory() as root:
                Path(root, "etc").mkdir()
                Path(root, "etc/group").write_text("root:x:0:\nturnout:x:990:\n", "ascii")
                Path(root, "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n", "ascii")
                argv = [tool, f"--root={root}", self.prefix / "lib" / folder / "turnout.conf"]
                if tool == "systemd-tmpfiles":
                    argv.insert(1, "--create")
                done = subprocess.run(argv, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                if folder == "sysusers.d":
                    self.assertIn("turnout-operators", Path(root, "etc/group").read_text("ascii"))
                else:
                    self.assertTrue(Path(root, "run/turnout").is_dir())


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()

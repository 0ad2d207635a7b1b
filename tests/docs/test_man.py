# SPDX-License-Identifier: BSD-3-Clause
"""The man pages say all that the commands, the plan and roff have to say about them.

    test_man.py TURNOUT TURNOUT_DP TURNOUT_XDP TURNOUTD PAGE...
"""

import json
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


def said(page):
    """The page's text without roff's marks."""
    text = re.sub(r"\\f[BIR]", "", page.read_text(encoding="utf-8"))
    return text.replace("\\-", "-").replace("\\(aq", "'").replace("\\&", "")


def ask(*command):
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout


def keys(schema):
    """Every key that a plan may have, by the JSON Schema."""
    found = set()
    if isinstance(schema, dict):
        found |= set(schema.get("properties", {}))
        for part in schema.values():
            found |= keys(part)
    elif isinstance(schema, list):
        for part in schema:
            found |= keys(part)
    return found


class Man(unittest.TestCase):
    def options(self, help_text, section):
        wanted = set(OPTION.findall(help_text)) - {"--help", "--version"}
        self.assertEqual(wanted - set(OPTION.findall(section)), set())

    def test_turnout_has_every_command_and_option(self):
        page = said(pages["turnout.1"])
        usages = re.findall(r"^  turnout (.+)$", ask(turnout), re.M)
        self.assertGreater(len(usages), 4)
        for usage in usages:
            words = usage.split(" [--")[0]
            section = page.partition(f'.SS "turnout {words}"')[2].partition(".SS ")[0]
            with self.subTest(words=words):
                self.assertTrue(section)
                names = [w for w in words.split() if w.islower()]
                self.options(ask(turnout, *names), section)

    def test_each_engine_has_every_command_and_option(self):
        for engine in engines:
            page = said(pages[f"{Path(engine).name}.8"])
            names = re.findall(r"^  ([a-z]+)  ", ask(engine), re.M)
            self.assertIn("replay", names)
            for name in names:
                section = page.partition(f".SS {name}\n")[2].partition(".SS ")[0]
                with self.subTest(engine=engine, name=name):
                    self.assertTrue(section)
                    self.options(ask(engine, name), section)

    def test_turnoutd_has_every_option(self):
        self.assertGreater(len(OPTION.findall(ask(turnoutd))), 8)
        self.options(ask(turnoutd), said(pages["turnoutd.8"]))

    def test_the_plan_has_every_key(self):
        schema = json.loads((TOP / "docs/plan.schema.json").read_text(encoding="utf-8"))
        page = said(pages["turnout-plan.5"])
        missing = [k for k in keys(schema) if not re.search(rf"\b{re.escape(k)}\b", page)]
        self.assertEqual(missing, [])

    def test_roff_takes_every_line_for_what_it_is(self):
        requests = {".TH", ".SH", ".SS", ".TP", ".PP", ".IP", ".br", ".nf", ".fi", '.\\"'}
        for name, page in pages.items():
            for row in page.read_text(encoding="utf-8").splitlines():
                if row.startswith((".", "'")):
                    self.assertIn(row.split()[0], requests, name)
                self.assertNotRegex(row, r"[^\x00-\x7f]|`\w", name)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_no_complaint(self):
        for name, page in pages.items():
            run = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", page],
                                 capture_output=True, text=True, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, ""), name)


if __name__ == "__main__":
    turnout, engines, turnoutd = sys.argv[1], sys.argv[2:4], sys.argv[4]
    pages = {Path(p).name: Path(p) for p in sys.argv[5:]}
    unittest.main(argv=sys.argv[:1])

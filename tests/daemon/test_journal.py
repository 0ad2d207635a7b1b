#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The journal under a running turnoutd: torn, damaged, on a full disk, on one that cannot be written."""

import os
import subprocess
import unittest

from main import run
from harness import Case


class Journal(Case):
    def test_history_survives(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half", why="first")
        daemon.kill()
        daemon = self.started(stage="half")
        records = daemon.ask(do="history")["records"]
        self.assertEqual([r["what"] for r in records],
                         ["start", "plan", "intent", "live", "intent", "live", "start"])
        self.assertEqual(records[4]["why"], "first")
        self.assertEqual(len(daemon.ask(do="history", limit=2)["records"]), 2)
        for limit in (0, -1, 1001):
            self.assertRefused(daemon.ask(do="history", limit=limit), "usage")

    def test_a_torn_end_is_cut_off_and_kept(self):
        daemon = self.started()
        daemon.ask(do="switch", to="half")
        daemon.kill()
        journal = daemon.state / "journal"
        journal.write_bytes(journal.read_bytes()[:-10])
        daemon = self.started(stage="half")  # the intent is there, and the engine runs it
        self.assertEqual([r["what"] for r in daemon.journal()][-3:], ["intent", "start", "live"])
        self.assertEqual(len(list(daemon.state.glob("journal.torn-*"))), 1)

    def test_damage_in_the_middle_is_refused(self):
        daemon = self.started()
        daemon.kill()
        journal = daemon.state / "journal"
        data = bytearray(journal.read_bytes())
        data[20] ^= 1
        journal.write_bytes(data)
        daemon = self.start(wait=False)
        self.assertEqual(daemon.process.wait(10), 1)
        self.assertIn("damaged at line 1", daemon.said())
        self.assertIn("docs/operations.md", daemon.said())
        self.assertEqual(journal.read_bytes(), data)

    def test_two_cannot_have_it(self):
        self.started()
        other = self.start("--api", self.dir / "other.sock", wait=False)
        self.assertEqual(other.process.wait(10), 1)
        self.assertIn("another turnoutd", other.said())


@unittest.skipUnless(os.geteuid() == 0, "mounting a file system needs root")
class Disk(Case):
    """The state directory is a file system of its own."""

    def setUp(self):
        super().setUp()
        (self.dir / "state").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.dir / "state"],
                       check=True)

    def tearDown(self):
        try:
            for daemon in self.daemons:
                daemon.end_well()
        finally:
            for daemon in self.daemons:
                daemon.kill()
            subprocess.run(["umount", self.dir / "state"], check=True)
            super().tearDown()

    def nothing_changes_until(self, daemon, better):
        """The disk is full: traffic goes on, changes are refused, somebody is told; then not."""
        before = self.engine.image
        for request in ({"do": "switch", "to": "half"}, {"do": "ack", "name": "all-edges"},
                        {"do": "edge", "edge": "e1", "verb": "drain"},
                        {"do": "release", "edge": "e1"}):
            self.assertRefused(daemon.ask(**request), "journal")
        self.assertIs(self.engine.image, before)
        self.assertEqual(self.engine.released, [])
        status = daemon.status()
        self.assertIn("journal", [a["name"] for a in status["alarms"]])
        self.assertFalse(status["journal"]["ok"])
        better()
        daemon.wait_status(lambda s: s["journal"]["ok"])
        self.assertOk(daemon.ask(do="switch", to="half"))
        self.assertEqual(daemon.alarms(), {})
        daemon.kill()
        self.started(stage="half")

    def test_the_disk_is_full(self):
        daemon = self.started()
        daemon.ask(do="switch", to="canary")
        filler = daemon.state / "filler"
        with filler.open("wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 512)
            except OSError:
                pass
        # what is left of the journal's last page is written first
        for _ in range(50):
            answer = daemon.ask(do="switch", to_back=True)  # never to `half`, which comes below
            if not answer["ok"]:
                break
            answer = daemon.ask(do="switch", to_next=True)
            if not answer["ok"]:
                break
        self.assertRefused(answer, "journal", "No space left")
        while daemon.ask(do="ack", name="all-edges")["ok"]:  # the shortest record of all
            pass
        self.nothing_changes_until(daemon, filler.unlink)

    def test_the_disk_is_read_only(self):
        self.started().kill()
        subprocess.run(["mount", "-o", "remount,ro", self.dir / "state"], check=True)
        daemon = self.started()
        self.nothing_changes_until(daemon, lambda: subprocess.run(
            ["mount", "-o", "remount,rw", self.dir / "state"], check=True))

    def test_at_the_first_start_nothing_can_be_written(self):
        subprocess.run(["mount", "-o", "remount,ro", self.dir / "state"], check=True)
        daemon = self.start()
        daemon.wait_status(lambda s: "recovery" in [a["name"] for a in s["alarms"]])
        self.assertIsNone(self.engine.image)
        subprocess.run(["mount", "-o", "remount,rw", self.dir / "state"], check=True)
        daemon.wait_stage("baseline")


if __name__ == "__main__":
    run()

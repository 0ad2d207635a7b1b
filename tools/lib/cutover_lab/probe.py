# SPDX-License-Identifier: BSD-3-Clause
"""How long nothing was forwarded, by a flow that asks every few milliseconds."""

from pathlib import Path

import cutover_lab.site as site
from netns import inside
from processes import Process

PROGRAM = Path(__file__).with_name("stun_probe.py")


class Probe:
    def __init__(self, watch, address):
        self.watch = watch
        with inside("client"):
            self.process = Process(watch, "probe", ["/usr/bin/python3", PROGRAM, address,
                                                    site.MEDIA_VIP, site.TURN])
        watch.until(self.process, "^answered$")

    def mark(self):
        self.process.say("mark")
        self.watch.until(self.process, "^marked$")

    def gap(self):
        """(milliseconds, requests lost) since the mark, when it goes on."""
        self.process.say("gap")
        found = self.watch.until(self.process, r"^gap (\S+) (\d+)$")
        return float(found[1]), int(found[2])

    def end(self):
        """(requests, lost) of all the time."""
        self.process.say("end")
        found = self.watch.until(self.process, r"^ended (\d+) (\d+)$")
        self.process.wait()
        return int(found[1]), int(found[2])

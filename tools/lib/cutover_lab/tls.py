# SPDX-License-Identifier: BSD-3-Clause
"""TLS connections of clients and of a partner."""

from pathlib import Path

import cutover_lab.site as site
from netns import inside
from processes import Process

ENDPOINT = Path(__file__).with_name("tls_endpoint.py")
PYTHON = "/usr/bin/python3"


def serve(watch, edge, key, cert):
    with inside(edge):
        process = Process(watch, f"{edge} tls", [
            PYTHON, ENDPOINT, "serve", edge, key, cert, site.address(edge), site.TLS,
            site.FEDERATION])
    watch.until(process, "^serves$")
    return process


class Held:
    """Connections that stay open."""

    def __init__(self, watch, where, port, addresses, every=2, vip=site.SIP_VIP):
        self.watch, self.wanted = watch, 0
        self.open, self.lost = {}, []
        with inside(where):
            self.process = Process(watch, f"{where} tls {vip}:{port}", [
                PYTHON, ENDPOINT, "hold", vip, port, every], self.on_line)
        self.add(addresses)

    def add(self, addresses):
        self.wanted += len(addresses)
        for address in addresses:
            self.process.say(address)
        while len(self.open) + len(self.lost) < self.wanted:
            self.watch.until(self.process, "^(open|lost) ", timeout=60)

    def on_line(self, line):
        what, *rest = line.split(" ", 2)
        if what == "open":
            self.open[rest[0]] = rest[1]
        elif what == "lost":
            self.lost.append(rest)

    def all_ask(self):
        """Each asks once more, and is answered, or lost."""
        self.process.say("ask")
        self.watch.until(self.process, "^asked$", timeout=90)

    def end(self):
        self.process.say("end")
        self.watch.until(self.process, "^ended")
        self.process.wait()


def ask(watch, where, port, addresses):
    """Short connections, one from each address: address -> edge, or None where it failed."""
    found = {}

    def on_line(line):
        what, *words = line.split(" ", 2)
        if what in ("asked", "failed"):
            found[words[0]] = words[1] if what == "asked" else None

    with inside(where):
        process = Process(watch, f"{where} asks {port}", [
            PYTHON, ENDPOINT, "ask", site.SIP_VIP, port, *addresses], on_line)
    watch.until(process, "^done$", timeout=60)
    process.wait()
    return found

# SPDX-License-Identifier: BSD-3-Clause
"""Processes whose lines are awaited, all at a time."""

import collections
import os
import re
import selectors
import subprocess
import time
from pathlib import Path

KEPT = 20  # lines of a stream


class Failed(Exception):
    """What broke first, and what there is to know about it."""


class Process:
    """`on_line(line)` is called for every line that it prints."""

    def __init__(self, watch, name, argv, on_line=None):
        self.watch, self.name, self.on_line = watch, name, on_line
        self.child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.tail = {which: collections.deque(maxlen=KEPT) for which in ("out", "err")}
        self.streams = {"out": self.child.stdout, "err": self.child.stderr}
        self.rest = {"out": "", "err": ""}
        self.text = {"out": "", "err": ""}  # whole lines that nobody has awaited yet
        for which, stream in self.streams.items():
            os.set_blocking(stream.fileno(), False)
            watch.selector.register(stream, selectors.EVENT_READ, (self, which))

    def say(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def read(self, which):
        """What there is to read; None at the end."""
        data = self.streams[which].read(1 << 20)
        if data is None:
            return ""
        if not data:
            self.watch.selector.unregister(self.streams[which])
            self.streams[which].close()
            return None
        return data.decode(errors="replace")

    def wait(self, timeout=30):
        """The exit status, when everything it has said was read."""
        end = time.monotonic() + timeout
        while any(not s.closed for s in self.streams.values()):
            if time.monotonic() > end:
                raise Failed(f"{self.name} does not end")
            self.watch.turn(end)
        self.child.stdin.close()
        return self.child.wait(timeout)


class Watch:
    """`on_line(process, line)` is called for every line that any of them prints."""

    def __init__(self, on_line=lambda process, line: None):
        self.selector = selectors.DefaultSelector()
        self.on_line = on_line

    def turn(self, end):
        for key, _ in self.selector.select(max(0, min(end - time.monotonic(), 1))):
            process, which = key.data
            text = process.read(which)
            if not text:
                continue
            lines = (process.rest[which] + text).split("\n")
            process.rest[which] = lines.pop()
            for line in lines:
                process.text[which] += line + "\n"
                process.tail[which].append(line)
                if process.on_line:
                    process.on_line(line)
                self.on_line(process, line)

    def until(self, process, pattern, which="out", timeout=30):
        """Awaits what a process says, from where it was last awaited on."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, process.text[which], re.MULTILINE)
            if found:
                process.text[which] = process.text[which][found.end():]
                return found
            if process.streams[which].closed:
                raise Failed(f"{process.name} has ended without saying {pattern!r}")
            if time.monotonic() > end:
                raise Failed(f"{process.name} does not say {pattern!r} within {timeout} s")
            self.turn(end)


def await_port(process, table, port, timeout=10):
    """Until somebody is bound to it in the process's network; `table`: tcp or udp."""
    end = time.monotonic() + timeout
    bound = re.compile(rf"^ *\d+: [0-9A-F]+:{port:04X} ", re.MULTILINE)
    while not bound.search(Path(f"/proc/{process.child.pid}/net/{table}").read_text("ascii")):
        if time.monotonic() > end or process.child.poll() is not None:
            raise Failed(f"{process.name} does not listen: {list(process.tail['err'])[-3:]}")
        process.watch.turn(time.monotonic() + 0.02)

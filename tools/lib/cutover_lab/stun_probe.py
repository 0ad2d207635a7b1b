#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A steady probe: a STUN Binding request every 5 ms over one socket, each answered by the edge.

  stun_probe.py ADDRESS VIP PORT     says "answered" at the first answer. On stdin:
      mark    forgets what was; says "marked" when a request sent after that was answered
      gap     when requests sent from now on are answered: "gap MILLISECONDS LOST", the longest
              time between two answered requests since the mark, by when they were sent, and how
              many in between were not
      end     waits a second for what is under way; "ended SENT LOST"
"""

import os
import select
import socket
import struct
import sys
import time

EVERY = 0.005
REQUEST = struct.Struct("!HHI4xQ")  # Binding, without attributes; the transaction is a number
HEADER, COOKIE, BINDING, SUCCESS = 20, 0x2112A442, 0x0001, 0x0101
STEADY = 10  # answers after which it goes on


class Probe:
    def __init__(self, address, vip, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((address, 0))
        self.socket.connect((vip, int(port)))
        self.socket.setblocking(False)
        self.sent = []  # when
        self.heard = set()
        self.begun = 0  # the first request after the mark
        self.awaited = [(0, 1, self._answered)]  # (from request, as many answers, what then)

    def _answered(self):
        print("answered", flush=True)

    def send(self):
        try:
            self.socket.send(REQUEST.pack(BINDING, 0, COOKIE, len(self.sent)))
        except OSError:  # an ICMP error about one before: it is lost
            pass
        self.sent.append(time.monotonic())

    def read(self):
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            except OSError:
                continue
            if len(data) >= HEADER and data[:2] == struct.pack("!H", SUCCESS):
                self.heard.add(struct.unpack_from("!Q", data, 12)[0])

    def command(self, word):
        now = len(self.sent)
        if word == "mark":
            self.awaited.append((now, 1, lambda: self.mark(now)))
        elif word == "gap":
            self.awaited.append((now, STEADY, self.gap))

    def mark(self, number):
        self.begun = number
        print("marked", flush=True)

    def gap(self):
        answered = sorted(n for n in self.heard if n >= self.begun)
        longest, lost = 0, 0
        for a, b in zip(answered, answered[1:]):
            if b > a + 1 and self.sent[b] - self.sent[a] > longest:
                longest, lost = self.sent[b] - self.sent[a], b - a - 1
        print("gap", round(longest * 1000, 1), lost, flush=True)

    def look(self):
        for item in list(self.awaited):
            first, number, then = item
            if len([n for n in range(first, len(self.sent)) if n in self.heard]) >= number:
                self.awaited.remove(item)
                then()

    def run(self):
        following = time.monotonic()
        while True:
            if time.monotonic() >= following:
                self.send()
                following = max(following + EVERY, time.monotonic())
            ready = select.select([self.socket, sys.stdin], [], [],
                                  max(0, following - time.monotonic()))[0]
            if self.socket in ready:
                self.read()
                self.look()
            if sys.stdin in ready:
                words = os.read(sys.stdin.fileno(), 4096).decode().split()
                if not words or "end" in words:
                    return
                for word in words:
                    self.command(word)

    def end(self):
        end = time.monotonic() + 1
        while len(self.heard) < len(self.sent) and time.monotonic() < end:
            select.select([self.socket], [], [], 0.1)
            self.read()
        print("ended", len(self.sent), len(self.sent) - len(self.heard), flush=True)


if __name__ == "__main__":
    probe = Probe(*sys.argv[1:])
    probe.run()
    probe.end()

# SPDX-License-Identifier: BSD-3-Clause
"""What any engine owes whoever captures: the packets that the filter takes, as they came, with what
was decided of them; within its budget, and without a packet being lost for it."""

import errno
import socket
import struct
import time

import protocol
from contract import ACCESS, E1, MEDIA, N1, N1_ADDRESS, VIP
from protocol import WAIT, Client, Lost

STEER, REPLY, DROP = 1, 2, 4
PIN = 4
COUNT, TIME, ASKED = range(3)


def mapped(address):
    return bytes(10) + b"\xff\xff" + socket.inet_aton(address)


class Captures:
    """Mixed in beside Contract."""

    def take(self, peer=None, **options):
        """A capture of traffic, to its end."""
        peer = peer or self.connect()
        with self.traffic():
            return self.begin(peer, **options).captured_all()

    def test_a_capture_is_what_came(self):
        self.live_flows(self.connect())
        before = time.time_ns()
        packets, end = self.take(most=200)
        self.assertEqual((len(packets), end.packets, end.why), (200, 200, COUNT))
        self.assertEqual({p.generation for p in packets}, {self.current()})
        sent = set(self.frames)
        for p in packets:
            self.assertIn(p.data, sent)  # whole, and before anything was rewritten
            self.assertEqual((p.length, p.captured, p.port), (len(p.data), len(p.data), 0))
            self.assertIn(p.verdict, (STEER, REPLY))
            self.assertEqual((p.service, p.edge), (MEDIA, N1))
            self.assertGreater(p.time_ns, before - 10**9)
            self.assertLess(p.time_ns, time.time_ns() + 10**9)
            addresses = socket.inet_aton(VIP), socket.inet_aton(N1_ADDRESS)
            self.assertEqual(addresses[p.verdict == REPLY] in p.data[26:34], True)
        for worker in {p.worker for p in packets}:
            times = [p.time_ns for p in packets if p.worker == worker]
            self.assertEqual(times, sorted(times))

    def test_filters_of_captures(self):
        self.live_flows(self.connect())
        one = mapped("198.51.100.7")  # it has an odd number, less one: no answers
        for options, takes in (
                ({"verdicts": 1 << STEER}, lambda p: p.verdict == STEER),
                ({"verdicts": 1 << REPLY}, lambda p: p.verdict == REPLY),
                ({"reasons": 1 << PIN}, lambda p: p.reason == PIN),
                ({"edges": 1 << N1}, lambda p: p.edge == N1),
                ({"services": 1 << MEDIA, "proto": 1}, lambda p: p.service == MEDIA),
                ({"prefix": 128, "client": one}, lambda p: p.data[26:30] == one[12:]),
                ({"prefix": 126, "client": one}, lambda p: p.data[29] in (4, 5, 6, 7) or
                    p.data[33] in (4, 5, 6, 7)),
                ({"port": 6003}, lambda p: b"\x17\x73" in (p.data[34:36], p.data[36:38])),
                ({"port": 50000, "verdicts": 1 << STEER},
                 lambda p: p.data[36:38] == b"\xc3\x50")):
            with self.subTest(options), Client(self.path) as c:
                packets, end = self.take(c, most=20, **options)
                self.assertEqual((len(packets), end.why), (20, COUNT))
                self.assertEqual([p for p in packets if not takes(p)], [])

    def test_filters_that_take_nothing(self):
        witness = self.connect()
        self.live_flows(witness)
        for options in ({"edges": 1 << E1}, {"services": 1 << ACCESS}, {"verdicts": 1 << DROP},
                        {"proto": 0}, {"port": 5}, {"prefix": 128, "client": mapped("192.0.2.1")},
                        {"prefix": 96, "client": bytes(16)}):
            with self.traffic(), self.subTest(options), Client(self.path) as c:
                self.begin(c, **options)
                before = sum(witness.region.read()["verdicts"])
                while sum(witness.region.read()["verdicts"]) < before + 200:
                    witness.census()
                c.send(protocol.CAPTURE_END)
                packets, end = c.captured_all()
            self.assertEqual((packets, end.packets, end.over_rate, end.full, end.why),
                             ([], 0, 0, 0, ASKED))

    def test_a_capture_of_beginnings(self):
        packets, _ = self.take(most=50, snap=33)
        for p in packets:
            self.assertEqual(p.captured, 33)
            self.assertIn((p.length, p.data), {(len(f), f[:33]) for f in self.frames})

    def test_a_capture_of_samples(self):
        """Of one flow's packets, whose IP header has a number that counts, some of the others."""
        packets, _ = self.take(most=30, sample=50)
        self.assertEqual(len(packets), 30)
        c = self.connect()
        before = sum(c.region.read()["verdicts"])
        self.take(most=40, sample=50)
        c.census()
        self.assertGreaterEqual(sum(c.region.read()["verdicts"]) - before, 38 * 50)

    def test_budgets_of_captures(self):
        c = self.connect()
        began = time.monotonic()
        packets, end = self.take(c, rate=20, seconds=2)
        self.assertGreaterEqual(time.monotonic() - began, 1.9)
        self.assertEqual(end.why, TIME)
        seconds = 3 if self.kind == 2 else 4  # that two may be parts of; a worker's clock is late
        self.assertLessEqual(len(packets), 20 * seconds)
        self.assertGreaterEqual(len(packets), 20)
        self.assertGreater(end.over_rate, 0)
        self.lost(c)

    def test_captures_that_are_refused(self):
        a, b = self.connect(), self.connect()
        self.begin(a, edges=1 << E1)
        self.assertIn("another capture", self.refused(errno.EBUSY, b.capture))
        self.lost(b)  # who was handed one can do nothing with it
        a.send(protocol.CAPTURE_END)
        self.assertEqual(a.captured().why, ASKED)
        self.lost(a)
        self.take(most=1)

    def test_captures_are_for_nothing_else(self):
        for kind in protocol.TABLE, protocol.CENSUS, protocol.HELLO, protocol.DISCARD:
            c = self.connect()
            self.begin(c, edges=1 << E1)
            c.send(kind, struct.pack("<QII", protocol.MAGIC, 1, 0) if kind == protocol.HELLO
                   else b"")
            self.lost(c)

    def begin(self, peer, **options):
        """The capture before may have a moment to go."""
        deadline = time.monotonic() + WAIT
        while True:
            try:
                peer.capture(**options)
                return peer
            except protocol.Refused as refused:
                self.assertEqual(refused.error, errno.EBUSY)
                self.assertLess(time.monotonic(), deadline)
                peer.close()
                peer.__init__(self.path)

    def test_a_reader_of_captures_that_hangs(self):
        """Packets go on, nothing is decided otherwise; it is counted; the next one can begin."""
        c, witness = self.connect(), self.connect()
        self.live_flows(witness)
        witness.census()  # renews it
        before = witness.region.read()
        with self.traffic():
            self.begin(c, most=10**6, seconds=3)
            deadline = time.monotonic() + WAIT
            while True:
                witness.census()
                full = witness.region.read()["named"]["capture-full"]
                if full > before["named"]["capture-full"]:
                    break
                self.assertLess(time.monotonic(), deadline)
            after = witness.region.read()
        self.assertEqual(after["events"][:3], before["events"][:3])
        self.assertEqual(after["events"][6:], before["events"][6:])
        self.assertEqual(after["generation"], before["generation"])
        self.assertGreater(sum(after["verdicts"]), sum(before["verdicts"]))
        c.close()
        self.begin(self.connect(), most=1)

    def test_a_reader_of_captures_that_dies(self):
        for _ in range(5):
            c = self.connect()
            self.begin(c)
            with self.traffic():
                self.assertTrue(c.captured())
            c.close()
        before = self.current()
        c = self.connect()
        self.begin(c, most=5)
        with self.traffic():
            self.assertEqual(c.captured_all()[1].packets, 5)
        self.assertEqual(self.current(), before)

    def test_captures_are_counted(self):
        c = self.connect()
        before = c.region.read()["named"]
        self.take(most=7, edges=1 << N1 | 1 << E1)
        c.census()
        after = c.region.read()["named"]
        self.assertGreaterEqual(after["capture-taken"] - before["capture-taken"], 7)

    def test_captures_that_are_none(self):
        good = [0, 0, 0, 0, 1, bytes(16), 0, 0, 255, bytes(4), 1, 1, 1, 1]
        for at, value in ((2, 1 << 40), (3, 1 << 20), (4, 0), (7, 129), (8, 2), (9, b"\0\0\0\1"),
                          (10, 0), (11, 0), (11, 100001), (12, 0), (12, 3601), (13, 0),
                          (13, 2049)):
            fields = good[:at] + [value] + good[at + 1:]
            c = self.connect()
            c.send(protocol.CAPTURE, struct.pack("<QQQII16sHBB4sIIII", *fields))
            with self.subTest(fields), self.assertRaises(Lost):
                c.receive()

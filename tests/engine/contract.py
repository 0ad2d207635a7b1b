# SPDX-License-Identifier: BSD-3-Clause
"""What any engine owes a control process. Each engine's test starts one under traffic, and inherits
these. Tests share the engine: generations count on, and each test begins with one of its own."""

import contextlib
import errno
import os
import random
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

import protocol
from protocol import WAIT, Client, Lost, Refused

sys.path.append(str(Path(__file__).resolve().parents[1] / "replay"))
from common import TURNOUT, ethernet, renumbered, run, udp  # noqa: E402

PLAN = """\
turnout: 1
site: {name: lab, gateways: [203.0.113.2]}
salt: lab
relay_key: shared
pools:
  legacy: {role: legacy, edges: {e1: {a: 203.0.113.10}}}
  new: {role: new, edges: {n1: {a: 203.0.113.12}}}
services:
  access: {kind: sip-tls, vip: 203.0.113.100, protocol: tcp, port: 443, address: a}
  media: {kind: media, vip: 203.0.113.100, protocol: udp, port: 50000-50999, address: a}
stages:
  - name: old
  - name: half
    routes: {access: 50, media: 50}
  - name: moved
    routes: {access: 100, media: 100}
"""
E1, N1, ACCESS, MEDIA = 0, 1, 0, 1
SALT_AT = 32
VIP, N1_ADDRESS = "203.0.113.100", "203.0.113.12"
FLOWS = 60
LASTING = 6  # seconds
EDGE_OPENED = 2  # enum to_entry_flags
RECLAIMED = 5  # enum to_event
ENTRIES = FLOWS + FLOWS // 2  # pins, and the affinities of clients that were answered


def frames():
    """Clients' flows to the VIP, and what n1 answers: half of them get an answer."""
    out = []
    for i in range(FLOWS):
        client = f"198.51.100.{i + 1}"
        out.append(ethernet(udp(client, 6000 + i, VIP, 50000)))
        if i % 2:
            out.append(ethernet(udp(N1_ADDRESS, 50000, client, 6000 + i)))
    return out


def image_of(stage, plan=PLAN):
    with tempfile.TemporaryDirectory() as directory:
        source, out = Path(directory, "plan.yaml"), Path(directory, "image")
        source.write_text(plan, encoding="utf-8")
        done = run(TURNOUT, "table", "write", source, "--stage", stage, "--out", out)
        assert done.returncode == 0, done.stderr
        return out.read_bytes()


class Contract:
    """Mixed into a unittest.TestCase with cls.path (the socket), cls.pid, cls.images {stage: bytes}
    and an engine that gets frames() all the time, or by self.push() and within self.traffic()."""

    kind = workers = None

    def push(self):
        """All frames, at least once."""

    traffic = contextlib.nullcontext

    def connect(self, **options):
        client = Client(self.path, **options)
        self.addCleanup(client.close)
        return client

    def next_image(self, stage="old", generation=None):
        with Client(self.path) as c:
            return renumbered(self.images[stage], generation or c.welcome.generation + 1)

    def current(self):
        with Client(self.path) as c:
            return c.welcome.generation

    def descriptors(self, client):
        """Of the engine, when it has done with everybody who has gone."""
        for _ in range(2):
            client.page(limit=1)
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def refused(self, error, call, *arguments, **options):
        with self.assertRaises(Refused) as caught:
            call(*arguments, **options)
        self.assertEqual(errno.errorcode[caught.exception.error], errno.errorcode[error],
                         caught.exception.reason)
        self.assertTrue(caught.exception.reason)
        return caught.exception.reason

    def lost(self, client):
        with self.assertRaises(Lost):
            client.receive()

    # ── hello ──

    def test_hello(self):
        w = self.connect().welcome
        self.assertEqual((w.magic, w.version, w.engine, w.pid, w.workers),
                         (protocol.MAGIC, 1, self.kind, self.pid, self.workers))
        self.assertRegex(protocol.text(w.build), r"^turnout-(dp|xdp) \d")

    def test_nothing_before_hello(self):
        for kind in protocol.TABLE, protocol.CENSUS, protocol.DISCARD:
            c = self.connect(hello=False)
            c.send(kind)
            self.lost(c)

    def test_wrong_hello(self):
        c = self.connect(hello=False)
        self.assertIn("version", self.refused(errno.EPROTO, c.hello, version=2))
        c.hello()  # another try is welcome
        c = self.connect(hello=False)
        with self.assertRaises(Lost):
            c.hello(magic=1)
        c = self.connect()
        with self.assertRaises(Lost):
            c.hello()

    # ── generations ──

    def test_publish(self):
        c = self.connect()
        for stage in "half", "old":
            image = self.next_image(stage)
            generation = struct.unpack_from("<Q", image, 24)[0]
            prepared = c.prepare(image)
            self.assertEqual(prepared.generation, generation)
            self.assertEqual(self.current(), generation - 1)  # nothing has changed
            applied = c.commit(generation)[-1]
            self.assertEqual((applied.generation, applied.live, applied.workers),
                             (generation, 1, self.workers))
            self.assertEqual(struct.unpack_from(f"<{self.workers}Q", applied.worker),
                             (generation,) * self.workers)
            self.assertEqual(c.table(), image)
            r = c.region.read()
            self.assertEqual((r["generation"], r["stage"], r["live"]), (generation, stage, 1))
            self.assertGreater(r["committed_ns"], r["started_ns"])
            self.assertEqual(self.current(), generation)

    def test_commit_wants_what_is_prepared(self):
        c, image = self.connect(), self.next_image()
        generation = struct.unpack_from("<Q", image, 24)[0]
        self.refused(errno.ENOENT, c.commit, generation)
        c.prepare(image)
        self.refused(errno.ESTALE, c.commit, generation + 1)
        self.assertEqual(c.ask(protocol.DISCARD).type, protocol.DISCARD)
        self.refused(errno.ENOENT, c.ask, protocol.DISCARD)
        self.refused(errno.ENOENT, c.commit, generation)
        self.assertEqual(self.current(), generation - 1)

    def test_a_later_prepare_replaces_the_earlier(self):
        c, image = self.connect(), self.next_image()
        generation = c.prepare(image).generation
        c.prepare(renumbered(image, generation + 5))
        self.refused(errno.EINVAL, c.prepare, image[:-64])
        self.refused(errno.ESTALE, c.commit, generation)
        self.assertEqual(c.commit(generation + 5)[-1].generation, generation + 5)

    def test_connection_lost_before_commit(self):
        before, image = self.current(), self.next_image()
        c = self.connect()
        generation = c.prepare(image).generation
        c.close()
        c = self.connect()
        self.refused(errno.ENOENT, c.commit, generation)
        self.assertEqual(self.current(), before)

    def test_connection_lost_after_commit(self):
        c, image = self.connect(), self.next_image("half")
        generation = c.prepare(image).generation
        c.send(protocol.COMMIT, struct.pack("<Q", generation))
        c.close()
        c = self.connect()
        while c.region.read()["live"] != 1 or c.region.read()["generation"] != generation:
            c.page(limit=1)
        c.publish(renumbered(image, generation + 1))
        self.assertEqual(self.current(), generation + 1)

    def test_two_controllers(self):
        a, b, image = self.connect(), self.connect(), self.next_image("half")
        generation = a.prepare(image).generation
        b.prepare(renumbered(self.images["moved"], generation))
        a.commit(generation)
        self.assertIn("generation", self.refused(errno.EINVAL, b.commit, generation))
        self.assertEqual(b.table(), image)

    def test_bad_images(self):
        before, c, good = self.current(), self.connect(), self.next_image()
        salted = bytearray(good)
        salted[SALT_AT] ^= 1
        other = image_of("old", PLAN.replace("n1:", "n9:"))
        for error, image, seals in (
                (errno.EINVAL, b"", protocol.SEALS),
                (errno.EINVAL, good[:100], protocol.SEALS),
                (errno.EINVAL, good[:-64], protocol.SEALS),
                (errno.EINVAL, good[:200] + b"\xff" + good[201:], protocol.SEALS),
                (errno.EINVAL, renumbered(good, before), protocol.SEALS),
                (errno.EINVAL, renumbered(bytes(salted), before + 1), protocol.SEALS),
                (errno.EINVAL, renumbered(other, before + 1), protocol.SEALS),
                (errno.EPERM, good, 0),
                (errno.EPERM, good, protocol.SEALS & ~1 & ~8)):
            self.refused(error, c.prepare, image, seals)
        with tempfile.TemporaryFile() as f:
            f.write(good)
            f.flush()
            self.refused(errno.EPERM, c.ask, protocol.PREPARE, fds=[f.fileno()])
        self.refused(errno.ENOENT, c.commit, before + 1)
        self.assertEqual(self.current(), before)

    # ── hostile peers ──

    def test_descriptors_are_closed(self):
        witness = self.connect()
        before = self.descriptors(witness)
        spare = [os.open("/dev/null", os.O_RDONLY) for _ in range(12)]
        self.addCleanup(lambda: [os.close(fd) for fd in spare])
        for kind, count in ((protocol.TABLE, 1), (protocol.PREPARE, 0), (protocol.PREPARE, 2),
                            (protocol.PREPARE, 12), (protocol.DISCARD, 3)):
            c = self.connect()
            c.send(kind, fds=spare[:count])
            self.lost(c)
            c.close()
        c = self.connect()
        self.refused(errno.EPERM, c.ask, protocol.PREPARE, fds=spare[:1])
        c.close()
        self.assertEqual(self.descriptors(witness), before)

    def test_messages_that_are_none(self):
        head = protocol.message
        flows = struct.pack("<IBBBB16s", 0, 255, 255, 255, 0, bytes(16)) + bytes(32)
        for data in (b"x", head(protocol.TABLE, 1, size=17), head(protocol.TABLE, 0),
                     head(protocol.TABLE, 1, b"x"), head(0, 1), head(99, 1), head(65535, 1),
                     head(protocol.WELCOME, 1, bytes(104)), head(protocol.TABLE, 1, bytes(20000)),
                     head(protocol.COMMIT, 1, bytes(8)), head(protocol.COMMIT, 1, bytes(7)),
                     struct.pack("<HHIQ", protocol.TABLE, 1, 16, 1),
                     head(protocol.FLOWS, 1, flows + struct.pack("<II", 0, 0)),
                     head(protocol.FLOWS, 1, flows + struct.pack("<II", 201, 0)),
                     head(protocol.FLOWS, 1, flows + struct.pack("<II", 1, 1)),
                     head(protocol.FLOWS, 1, b"\xff" * 4 + flows[4:] + struct.pack("<II", 1, 0)),
                     head(protocol.RELEASE, 1, b"\x40\xff" + bytes(6)),
                     head(protocol.RELEASE, 1, b"\x00\xff\x01" + bytes(5))):
            c = self.connect()
            c.raw(data)
            self.lost(c)
            c.close()

    def test_garbage(self):
        dice = random.Random(7)
        for _ in range(300):
            c = self.connect(hello=dice.random() < 0.8)
            try:
                for _ in range(dice.randrange(1, 5)):
                    body = dice.randbytes(dice.choice((0, 8, 16, 64, dice.randrange(200))))
                    c.raw(protocol.message(dice.randrange(16), dice.randrange(3), body) if
                          dice.random() < 0.8 else dice.randbytes(dice.randrange(1, 300)))
            except Lost:
                pass
            c.close()
        self.current()

    def test_a_peer_that_does_not_read(self):
        deaf = self.connect()
        deaf.socket.setblocking(False)
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other = self.connect()
        table = protocol.message(protocol.COMMIT, 1, struct.pack("<Q", 1))  # 536 bytes back
        sent = 0
        with self.assertRaises(OSError) as caught:
            while sent < 100000:
                try:
                    deaf.socket.send(table)
                    sent += 1
                except BlockingIOError:
                    other.page(limit=1)  # who reads is answered all the same
        self.assertIn(caught.exception.errno, (errno.EPIPE, errno.ECONNRESET))
        other.page(limit=1)

    def test_eight_peers(self):
        peers = [self.connect() for _ in range(8)]
        with self.assertRaises(Lost):
            self.connect()
        peers[3].close()
        while True:  # its end is noticed before long
            try:
                self.connect()
                break
            except Lost:
                continue

    # ── entries ──

    def live_flows(self, client):
        """All flows at n1: with its answers, half of them proven."""
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            if self.table_stage(client) != "moved":
                client.publish(self.next_image("moved"))
            self.push()
            found = client.flows()
            for edge in {f.edge for f in found} - {N1}:
                client.release(edge)
            if any(f.left < LASTING for f in found):
                client.release(N1)  # they will not be there for as long as a test takes
                continue
            if len(found) == ENTRIES and {f.edge for f in found} == {N1} and \
                    sum(f.proven for f in found) == FLOWS:
                return found
        self.fail(f"{len(found)} flows")

    def table_stage(self, client):
        return client.region.read()["stage"]

    def test_pages(self):
        c = self.connect()
        everything = self.live_flows(c)
        keys = {(f.kind, f.client, f.client_port, f.vip_port, f.proto) for f in everything}
        for limit in 1, 7, 200:
            listed = c.flows(limit=limit)
            self.assertEqual(len(listed), len(everything))
            self.assertEqual({(f.kind, f.client, f.client_port, f.vip_port, f.proto)
                              for f in listed}, keys)
        pin = next(f for f in everything if f.kind == protocol.PIN4 and f.proto == 1)
        self.assertEqual(socket.inet_ntoa(pin.vip[12:]), "203.0.113.100")
        self.assertEqual(pin.service, MEDIA)
        self.assertIn(pin.vip_port, range(50000, 51000))
        self.assertGreater(pin.left, 0)

    def test_filters(self):
        c = self.connect()
        everything = self.live_flows(c)
        client = next(f.client for f in everything if f.kind == protocol.PIN4)
        for options, takes in (
                ({"kinds": 1 << protocol.PIN4}, lambda f: f.kind == protocol.PIN4),
                ({"kinds": 1 << protocol.AFFINITY}, lambda f: f.kind == protocol.AFFINITY),
                ({"edge": N1}, lambda f: f.edge == N1),
                ({"edge": 63}, lambda f: False),
                ({"service": ACCESS}, lambda f: f.service == ACCESS),
                ({"proven": 0}, lambda f: not f.proven),
                ({"proven": 1, "service": MEDIA}, lambda f: f.proven and f.service == MEDIA),
                ({"prefix": 128, "client": client}, lambda f: f.client == client),
                ({"prefix": 125, "client": client},
                 lambda f: f.client[:15] == client[:15] and f.client[15] >> 3 == client[15] >> 3)):
            self.assertEqual(len(c.flows(**options)), sum(map(takes, everything)), options)

    def test_cursors_are_hostile(self):
        c, dice = self.connect(), random.Random(3)
        self.live_flows(c)
        words = (0, 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1)
        for _ in range(200):
            cursor = struct.pack("<4Q", *(dice.choice((*words, dice.randrange(50)))
                                          for _ in range(4)))
            for _ in range(300):  # it ends
                body, _ = c.page(cursor)
                cursor = body.cursor
                if not body.more:
                    break
            else:
                self.fail("a listing without an end")

    def test_census(self):
        c = self.connect()
        everything = self.live_flows(c)
        counts = {}
        for f in everything:
            key = f.service, f.edge, f.kind, f.proven
            counts[key] = counts.get(key, 0) + 1
        self.assertEqual(c.census(), counts)
        r = c.region.read()
        self.assertGreaterEqual(r["census_ns"], r["started_ns"])
        used = sum(n for n, _ in r["entries"])
        self.assertGreaterEqual(used, len(everything))

    def test_release_of_what_is_not_there(self):
        c = self.connect()
        self.refused(errno.EINVAL, c.release, 2)
        self.refused(errno.EINVAL, c.release, E1, 2)
        self.assertEqual(c.release(E1, ACCESS), c.release(E1, ACCESS) * 0)

    def test_release_under_traffic(self):
        """Ended at once, whatever workers do; then new flows begin, and go where routes say."""
        c = self.connect()
        self.live_flows(c)
        c.publish(self.next_image("old"))
        with self.traffic():
            self.assertEqual(len(c.flows(edge=N1)), ENTRIES)  # established flows stay
            self.assertEqual(c.release(E1), 0)
            self.assertEqual(c.release(N1, ACCESS), 0)
            self.assertGreaterEqual(c.release(N1, MEDIA), ENTRIES)
            self.assertEqual([f for f in c.flows(edge=N1) if not f.flags & EDGE_OPENED], [])
            deadline = time.monotonic() + WAIT
            while len(c.flows(edge=E1)) < FLOWS:
                self.assertLess(time.monotonic(), deadline)

    def test_readers_change_nothing(self):
        c = self.connect()
        self.live_flows(c)
        before = c.region.read()
        with self.traffic():
            for _ in range(50):
                c.region.read()
                c.flows(limit=50)
                c.census()
        after = c.region.read()
        # flows go by their pins, and nothing is decided anew or lost
        for event in set(range(9)) - {RECLAIMED}:
            self.assertEqual(after["events"][event], before["events"][event], event)
        for cell in set(after["rows"]) - set(before["rows"]):
            self.fail(f"packets of another sort: {cell}")
        self.assertGreater(after["verdicts"][1], before["verdicts"][1])
        self.assertEqual(after["generation"], before["generation"])

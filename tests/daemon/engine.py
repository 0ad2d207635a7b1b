# SPDX-License-Identifier: BSD-3-Clause
"""An engine for turnoutd to talk to: it keeps a table and does nothing with it, but answers as told.

`plays` says, for a type of message, what is done instead of answering: a function of (engine,
connection, request, body, fds) that returns True when it has dealt with it.
"""

import fcntl
import mmap
import os
import socket
import struct
import threading
import time

import layout
from layout import Image, Region

F_ADD_SEALS, SEAL_SHRINK, SEAL_GROW, SEAL_WRITE = 1033, 2, 4, 8


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def hang(*_):
    """Says nothing, and goes on listening."""
    return True


def die(engine, connection, *_):
    """Ends the connection, as a process that dies does."""
    connection.shutdown(socket.SHUT_RDWR)
    return True


def refuse(error, reason):
    def play(engine, connection, request, *_):
        connection.send(layout.refused(request, error, reason))
        return True
    return play


def say(make):
    """Answers with the bytes that make(request) returns."""
    def play(engine, connection, request, *_):
        connection.send(make(request))
        return True
    return play


def once(play):
    """Only the first time."""
    left = [play]

    def maybe(*args):
        return left.pop()(*args) if left else False
    return maybe


class Engine:
    def __init__(self, path, workers=2):
        self.path = str(path)
        self.workers = workers
        self.image = None
        self.prepared = None
        self.plays = {}
        self.seen = []  # (type, request) of every message
        self.flows = []
        self.released = []
        self.captures = []  # {field: value} of each that was asked for
        self.lives = []  # (service, edge, kind, life, count)
        self.rows = []  # (service, edge, reason, packets)
        self.worker_generations = None
        self.changed = threading.Condition()
        self.memfd = os.memfd_create("region", os.MFD_ALLOW_SEALING)
        os.ftruncate(self.memfd, layout.C.sizeof(Region))
        self.map = mmap.mmap(self.memfd, layout.C.sizeof(Region))
        fcntl.fcntl(self.memfd, F_ADD_SEALS, SEAL_SHRINK | SEAL_GROW)
        self.region = Region.from_buffer(self.map)
        self.begin_region()
        self.listener = None
        self.connections = []
        self.listen()

    # what tests do

    def listen(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(self.path)
        os.chmod(self.path, 0o666)
        listener.listen(8)
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def drop(self):
        """Every connection ends; the engine goes on."""
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
            self.listener = None
            os.unlink(self.path)
        self.drop()

    def restart(self, keep=True):
        """As a process that died and came again: with its table when it is pinned, else without."""
        self.stop()
        if not keep:
            self.image = None
        self.prepared = None
        self.listen()

    def wait(self, what, seconds=10):
        """Until what() is true; it is asked after each message."""
        end = time.monotonic() + seconds
        with self.changed:
            while not what():
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    raise AssertionError("the engine waited in vain: " + ", ".join(
                        layout.NAMES[t] for t, _ in self.seen[-20:]))

    def count(self, kind):
        return sum(1 for t, _ in self.seen if t == kind)

    @property
    def generation(self):
        return self.image.generation if self.image else 0

    # the region

    def begin_region(self):
        r = self.region
        r.magic, r.version, r.size = layout.REGION_MAGIC, 1, layout.C.sizeof(Region)
        r.engine, r.workers, r.started_ns = 1, self.workers, boot_ns()
        r.ports = 2
        r.port[0].name, r.port[0].zone, r.port[0].up = b"outside0", 1, 1
        r.port[1].name, r.port[1].zone, r.port[1].up = b"edges0", 2, 1
        self.renew(census=False)

    def renew(self, census=True):
        r = self.region
        r.sequence += 1
        r.renewed_ns = boot_ns()
        r.generation, r.live = self.generation, 1
        for i in range(self.workers):
            r.worker[i].generation = self.generation
        r.rows = len(self.rows)
        for i, (service, edge, reason, packets) in enumerate(self.rows):
            row = r.row[i]
            row.service, row.edge, row.reason, row.packets = service, edge, reason, packets
        if census:
            r.census_ns = boot_ns()
            r.lives = len(self.lives)
            for i, (service, edge, kind, life, count) in enumerate(self.lives):
                live = r.alive[i]
                live.service, live.edge, live.kind = service, edge, kind
                live.life, live.count = life, count
        r.sequence += 1

    # the protocol

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            while True:
                data, fds, _, _ = socket.recv_fds(connection, 16384, 4)
                if not data:
                    break
                kind, _, _, request = layout.HEAD.unpack_from(data)
                self.answer(connection, kind, request, data[16:], fds)
                for fd in fds:
                    os.close(fd)
                with self.changed:
                    self.seen.append((kind, request))
                    self.changed.notify_all()
        except OSError:
            pass
        self.prepared = None
        if connection in self.connections:
            self.connections.remove(connection)
        connection.close()
        with self.changed:
            self.changed.notify_all()

    def answer(self, connection, kind, request, body, fds):
        play = self.plays.get(kind)
        if play and play(self, connection, request, body, fds):
            return
        getattr(self, "on_" + layout.NAMES[kind].lower())(connection, request, body, fds)

    def on_hello(self, connection, request, body, fds):
        self.renew(census=False)
        image = self.image
        data = layout.welcome(request, self.generation, image.checksum if image else 0,
                              image.stage if image else "", os.getpid(), self.workers)
        socket.send_fds(connection, [data], [self.memfd])

    def on_table(self, connection, request, body, fds):
        if not self.image:
            connection.send(layout.refused(request, 2, "there is no table yet"))
            return
        fd = os.memfd_create("table", os.MFD_ALLOW_SEALING)
        os.write(fd, self.image.data)
        fcntl.fcntl(fd, F_ADD_SEALS, SEAL_SHRINK | SEAL_GROW | SEAL_WRITE)
        socket.send_fds(connection, [layout.message(layout.TABLE, request)], [fd])
        os.close(fd)

    def on_prepare(self, connection, request, body, fds):
        image = Image(os.pread(fds[0], os.fstat(fds[0]).st_size, 0))
        if image.generation <= self.generation:
            connection.send(layout.refused(request, 22, "generations count upwards"))
            return
        self.prepared = image
        connection.send(layout.message(layout.PREPARED, request,
                                       struct.pack("<QQ", image.generation, 1500000)))

    def on_commit(self, connection, request, body, fds):
        (generation,) = struct.unpack("<Q", body)
        if not self.prepared or self.prepared.generation != generation:
            connection.send(layout.refused(request, 2, "nothing of that number is prepared"))
            return
        self.image, self.prepared = self.prepared, None
        self.renew(census=False)
        connection.send(layout.applied(request, generation, 250000, 1,
                                       [generation] * self.workers))

    def on_discard(self, connection, request, body, fds):
        self.prepared = None
        connection.send(layout.message(layout.DISCARD, request))

    def on_census(self, connection, request, body, fds):
        self.renew()
        connection.send(layout.message(layout.CENSUS, request))

    def on_flows(self, connection, request, body, fds):
        kinds, edge, service, proven, bits = struct.unpack_from("<IBBBB", body)
        client = int.from_bytes(body[8:24], "big")
        (start,) = struct.unpack_from("<Q", body, 24)
        (limit,) = struct.unpack_from("<I", body, 56)
        page, at = [], start
        while at < len(self.flows) and len(page) < min(limit, 7):
            flow = self.flows[at]
            at += 1
            if ((not kinds or kinds >> flow[36] & 1) and edge in (layout.NONE, flow[40]) and
                    service in (layout.NONE, flow[41]) and proven in (layout.NONE, flow[37]) and
                    (int.from_bytes(flow[:16], "big") ^ client) >> (128 - bits) == 0):
                page.append(flow)
        connection.send(layout.message(layout.FLOW_PAGE, request, struct.pack(
            "<4QII", at, 0, 0, 0, at < len(self.flows), len(page)) + b"".join(page)))

    def on_release(self, connection, request, body, fds):
        edge, service = body[0], body[1]
        left = [l for l in self.lives if l[1] != edge or service not in (layout.NONE, l[0])]
        gone = sum(l[4] for l in self.lives) - sum(l[4] for l in left)
        self.lives = left
        self.released.append((edge, service))
        connection.send(layout.message(layout.RELEASED, request, struct.pack("<Q", gone)))

    def on_capture(self, connection, request, body, fds):
        """Two packets, and that was all."""
        self.captures.append(dict(zip(layout.CAPTURE_FIELDS, layout.CAPTURE_BODY.unpack(body))))
        packets = [(0, 2, 1, 4, bytes(range(60))), (1, 0, 2, 12, bytes(61))]
        connection.send(layout.captured(request))
        connection.send(layout.captured(request, *packets))
        connection.send(layout.capture_end(request, 2))
        connection.shutdown(socket.SHUT_WR)

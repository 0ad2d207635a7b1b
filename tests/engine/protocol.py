# SPDX-License-Identifier: BSD-3-Clause
"""A control process of a few lines: include/turnout/protocol.h and region.h by their bytes."""

import array
import errno
import fcntl
import mmap
import os
import socket
import struct
from collections import namedtuple

(HELLO, WELCOME, REFUSED, TABLE, PREPARE, PREPARED, COMMIT, APPLIED, DISCARD, CENSUS, FLOWS,
 FLOW_PAGE, RELEASE, RELEASED, CAPTURE, CAPTURED, CAPTURE_END) = range(1, 18)
PIN4, PIN6, DIALOG, TRANSACTION, AFFINITY, OWNER, FRAGMENT = range(7)
MAGIC, VERSION, NONE = 0x50474E4554524F54, 1, 0xFF
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
WAIT = 30  # seconds, on a busy machine

HEAD = struct.Struct("<HHIQ")
BODY = {
    WELCOME: (struct.Struct("<QIIIIQQ32s32s"),
              "magic version engine pid workers generation checksum stage build"),
    REFUSED: (struct.Struct("<iI512s"), "error reserved reason"),
    PREPARED: (struct.Struct("<QQ"), "generation took_ns"),
    APPLIED: (struct.Struct("<QQII512s"), "generation took_ns live workers worker"),
    RELEASED: (struct.Struct("<Q"), "entries"),
    FLOW_PAGE: (struct.Struct("<32sII"), "cursor more count"),
    CAPTURED: (struct.Struct("<II"), "count reserved"),
    CAPTURE_END: (struct.Struct("<QQQII"), "packets over_rate full why reserved"),
}
FLOW = struct.Struct("<16s16sHH8BI12s4s")
Flow = namedtuple("Flow", "client vip client_port vip_port kind proven proto group edge service "
                  "flags tcp left key reserved")
PACKET = struct.Struct("<QQIIHH5B7s")
Packet = namedtuple("Packet", "time_ns generation length port captured worker verdict reason "
                    "kind service edge reserved data")
Message = namedtuple("Message", "type request body rest fds")


class Refused(Exception):
    def __init__(self, error, reason):
        super().__init__(f"{errno.errorcode.get(error, error)}: {reason}")
        self.error, self.reason = error, reason


class Lost(Exception):
    """The engine has ended the connection."""


def message(kind, request, body=b"", size=None):
    return HEAD.pack(kind, 0, HEAD.size + len(body) if size is None else size, request) + body


def memfd(data, seals=SEALS):
    fd = os.memfd_create("image", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


class Client:
    def __init__(self, path, hello=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(WAIT)
        self.socket.connect(str(path))
        self.number, self.region, self.welcome = 0, None, None
        try:
            if hello:
                self.hello()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        if self.region:
            self.region.close()
            self.region = None

    def send(self, kind, body=b"", fds=()):
        self.number += 1
        self.raw(message(kind, self.number, body), fds)
        return self.number

    def raw(self, data, fds=()):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self.socket.sendmsg([data], control)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Lost from error

    def receive(self):
        room = socket.CMSG_SPACE(16 * 4)
        try:
            data, control, _, _ = self.socket.recvmsg(16384, room, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError as error:
            raise Lost from error
        if not data:
            raise Lost
        fds = array.array("i")
        for _, _, payload in control:
            fds.frombytes(payload[:len(payload) // 4 * 4])
        kind, reserved, size, request = HEAD.unpack_from(data)
        assert (reserved, size) == (0, len(data)), (kind, reserved, size, len(data))
        form, names = BODY.get(kind, (struct.Struct(""), ""))
        body = namedtuple("Body", names)(*form.unpack_from(data, HEAD.size))
        return Message(kind, request, body, data[HEAD.size + form.size:], list(fds))

    def answer(self, request):
        m = self.receive()
        assert m.request == request, (m, request)
        if m.type == REFUSED:
            raise Refused(m.body.error, m.body.reason.rstrip(b"\0").decode())
        return m

    def ask(self, kind, body=b"", fds=()):
        return self.answer(self.send(kind, body, fds))

    def hello(self, version=VERSION, magic=MAGIC):
        m = self.ask(HELLO, struct.pack("<QII", magic, version, 0))
        assert m.type == WELCOME and len(m.fds) == 1
        self.welcome = m.body
        self.region_fd = m.fds[0]
        self.region = Region(m.fds[0])
        return m.body

    def prepare(self, image, seals=SEALS):
        fd = memfd(image, seals)
        try:
            return self.ask(PREPARE, fds=[fd]).body
        finally:
            os.close(fd)

    def commit(self, generation):
        """Until it is live; every answer that comes until then."""
        request, answers = self.send(COMMIT, struct.pack("<Q", generation)), []
        while not answers or not answers[-1].live:
            m = self.answer(request)
            assert m.type == APPLIED
            answers.append(m.body)
        return answers

    def publish(self, image):
        return self.commit(self.prepare(image).generation)[-1]

    def table(self):
        m = self.ask(TABLE)
        assert fcntl.fcntl(m.fds[0], fcntl.F_GET_SEALS) & SEALS == SEALS
        with os.fdopen(m.fds[0], "rb") as f:
            f.seek(0)
            return f.read()

    def page(self, cursor=bytes(32), limit=200, kinds=0, edge=NONE, service=NONE, proven=NONE,
             prefix=0, client=bytes(16)):
        m = self.ask(FLOWS, struct.pack("<IBBBB16s", kinds, edge, service, proven, prefix, client) +
                     cursor + struct.pack("<II", limit, 0))
        assert m.type == FLOW_PAGE and m.body.count <= limit
        assert len(m.rest) == m.body.count * FLOW.size
        return m.body, [Flow(*f) for f in FLOW.iter_unpack(m.rest)]

    def flows(self, **filters):
        cursor, more, found = bytes(32), 1, []
        while more:
            body, flows = self.page(cursor, **filters)
            cursor, more = body.cursor, body.more
            found += flows
        return found

    def census(self):
        """{(service, edge, kind, proven): count}"""
        assert self.ask(CENSUS).type == CENSUS
        return self.region.read()["alive"]

    def capture(self, edges=0, services=0, reasons=0, verdicts=0, sample=1, client=bytes(16),
                port=0, prefix=0, proto=NONE, most=1000, rate=100000, seconds=WAIT, snap=2048):
        """Asks for one, and waits until it has begun."""
        m = self.ask(CAPTURE, struct.pack("<QQQII16sHBB4sIIII", edges, services, reasons, verdicts,
                                          sample, client, port, prefix, proto, bytes(4), most,
                                          rate, seconds, snap))
        assert (m.type, m.body.count) == (CAPTURED, 0)

    def captured(self):
        """The packets of one message; or what its end says."""
        m = self.receive()
        if m.type == CAPTURE_END:
            return m.body
        assert m.type == CAPTURED
        return list(packets_of(m))

    def captured_all(self):
        packets = []
        while isinstance(more := self.captured(), list):
            packets += more
        return packets, more

    def release(self, edge, service=NONE):
        return self.ask(RELEASE, struct.pack("<BB6s", edge, service, bytes(6))).body.entries


def packets_of(m):
    at = 0
    for _ in range(m.body.count):
        fields = PACKET.unpack_from(m.rest, at)
        end = at + PACKET.size + fields[4]
        yield Packet(*fields, m.rest[at + PACKET.size:end])
        at = (end + 7) // 8 * 8
    assert at == len(m.rest)


def text(data):
    return data.split(b"\0")[0].decode()


class Region:
    """region.h."""
    HEADER = struct.Struct("<QIIIIQ" "QQQQQQQ" "32s")
    SIZE, ROWS_AT, ROWS, LIVE = 467040, 8288, 16384, 8192

    def __init__(self, fd):
        assert os.fstat(fd).st_size == self.SIZE
        self.fd, self.map = fd, mmap.mmap(fd, self.SIZE, prot=mmap.PROT_READ)

    def close(self):
        self.map.close()
        os.close(self.fd)

    def copy(self):
        while True:
            before, data = self.map[32:40], self.map[:]
            if before[0] % 2 == 0 and self.map[32:40] == before and data[32:40] == before:
                return data

    def read(self):
        d = self.copy()
        names = ("magic version size engine workers started_ns sequence renewed_ns generation live "
                 "committed_ns census_ns census_took_ns stage").split()
        r = dict(zip(names, self.HEADER.unpack_from(d)))
        r["stage"] = text(r["stage"])
        r["events"] = struct.unpack_from("<32Q", d, 120)
        r["verdicts"] = struct.unpack_from("<8Q", d, 376)
        r["entries"] = list(struct.iter_unpack("<II", d[440:568]))
        r["worker"] = [dict(zip(("generation", "rounds", "silent_ns", "packets"), w))
                       for w in struct.iter_unpack("<QQQQ", d[568:2616])][:r["workers"]]
        ports, named, rows, lost, lives, lives_lost = struct.unpack_from("<6I", d, 8264)
        assert (lost, lives_lost) == (0, 0)
        r["port"] = {text(p[0]): p[1:4]
                     for p in list(struct.iter_unpack("<32sBBB5x", d[2616:5176]))[:ports]}
        r["hop"] = [(usable, mac.hex(":")) for usable, mac in
                    struct.iter_unpack("<B6sx", d[5176:5704])]
        r["named"] = {text(n): v for n, v in
                      list(struct.iter_unpack("<32sQ", d[5704:8264]))[:named]}
        rows_end = self.ROWS_AT + 24 * self.ROWS
        r["rows"] = {row[:4]: row[4:] for row in
                     struct.iter_unpack("<BBBB4xQQ", d[self.ROWS_AT:self.ROWS_AT + 24 * rows])}
        r["alive"] = {row[:4]: row[4] for row in
                      struct.iter_unpack("<BBBBI", d[rows_end:rows_end + 8 * lives])}
        return r

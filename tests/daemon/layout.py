# SPDX-License-Identifier: BSD-3-Clause
"""The engine protocol, its region and the header of a table image, as their headers lay them out."""

import ctypes as C
import struct

MAGIC = 0x50474E4554524F54
REGION_MAGIC = 0x4E4F494745524F54
VERSION = 1
(HELLO, WELCOME, REFUSED, TABLE, PREPARE, PREPARED, COMMIT, APPLIED, DISCARD, CENSUS, FLOWS,
 FLOW_PAGE, RELEASE, RELEASED, CAPTURE, CAPTURED, CAPTURE_END) = range(1, 18)
NAMES = ("", "HELLO", "WELCOME", "REFUSED", "TABLE", "PREPARE", "PREPARED", "COMMIT", "APPLIED",
         "DISCARD", "CENSUS", "FLOWS", "FLOW_PAGE", "RELEASE", "RELEASED", "CAPTURE",
         "CAPTURED", "CAPTURE_END")
PIN4, PIN6, DIALOG, TRANSACTION, AFFINITY, OWNER, FRAGMENT = range(7)
NONE = 0xFF
STATES = ("up", "down", "draining", "retired", "resetting")
REASON_ROUTE = 10  # enum to_reason; test_layout compares it with lists.h

HEAD = struct.Struct("<HHIQ")


def message(kind, request, body=b""):
    return HEAD.pack(kind, 0, HEAD.size + len(body), request) + body


def welcome(request, generation, checksum, stage, pid=1, workers=2, version=VERSION):
    return message(WELCOME, request, struct.pack(
        "<QIIIIQQ32s32s", MAGIC, version, 1, pid, workers, generation, checksum,
        stage.encode(), b"fake 1.0"))


def refused(request, error, reason):
    return message(REFUSED, request, struct.pack("<iI512s", error, 0, reason.encode()))


def applied(request, generation, took_ns, live, workers):
    return message(APPLIED, request, struct.pack(
        "<QQII64Q", generation, took_ns, live, len(workers), *workers,
        *([0] * (64 - len(workers)))))


def address(text):
    """An IPv4 address as union to_addr has it."""
    return bytes(10) + b"\xff\xff" + bytes(int(part) for part in text.split("."))


def flow(kind, edge, service, client="198.18.0.1", port=1000, proven=1, proto=0):
    return struct.pack("<16s16sHHBBBBBBBBI12s4x", address(client), address("203.0.113.100"), port,
                       443, kind, proven, proto, NONE, edge, service, 0, 0, 60, bytes(12))


CAPTURE_BODY = struct.Struct("<QQQII16sHBB4sIIII")
CAPTURE_FIELDS = ("edges services reasons verdicts sample client port prefix proto reserved most "
                  "rate seconds snap").split()


def captured(request, *packets):
    """Each (service, edge, verdict, reason, bytes)."""
    body = b"".join(
        struct.pack("<QQIIHH5B7x", 1772427600 * 10**9 + i, 14, len(data), i % 2, len(data), 0,
                    verdict, reason, 0, service, edge) + data + bytes(-len(data) % 8)
        for i, (service, edge, verdict, reason, data) in enumerate(packets))
    return message(CAPTURED, request, struct.pack("<II", len(packets), 0) + body)


def capture_end(request, packets, over_rate=0, full=0, why=0):
    return message(CAPTURE_END, request,
                   struct.pack("<QQQII", packets, over_rate, full, why, 0))


class Entries(C.Structure):
    _fields_ = [("used", C.c_uint32), ("capacity", C.c_uint32)]


class Worker(C.Structure):
    _fields_ = [("generation", C.c_uint64), ("rounds", C.c_uint64), ("silent_ns", C.c_uint64),
                ("packets", C.c_uint64)]


class Port(C.Structure):
    _fields_ = [("name", C.c_char * 32), ("zone", C.c_uint8), ("up", C.c_uint8),
                ("mode", C.c_uint8), ("reserved", C.c_uint8 * 5)]


class Hop(C.Structure):
    _fields_ = [("usable", C.c_uint8), ("mac", C.c_uint8 * 6), ("reserved", C.c_uint8)]


class Row(C.Structure):
    _fields_ = [("service", C.c_uint8), ("edge", C.c_uint8), ("cls", C.c_uint8),
                ("reason", C.c_uint8), ("reserved", C.c_uint8 * 4), ("packets", C.c_uint64),
                ("bytes", C.c_uint64)]


class Live(C.Structure):
    _fields_ = [("service", C.c_uint8), ("edge", C.c_uint8), ("kind", C.c_uint8),
                ("life", C.c_uint8), ("count", C.c_uint32)]


class Named(C.Structure):
    _fields_ = [("name", C.c_char * 32), ("value", C.c_uint64)]


class Region(C.Structure):
    _fields_ = [("magic", C.c_uint64), ("version", C.c_uint32), ("size", C.c_uint32),
                ("engine", C.c_uint32), ("workers", C.c_uint32), ("started_ns", C.c_uint64),
                ("sequence", C.c_uint64), ("renewed_ns", C.c_uint64), ("generation", C.c_uint64),
                ("live", C.c_uint64), ("committed_ns", C.c_uint64), ("census_ns", C.c_uint64),
                ("census_took_ns", C.c_uint64), ("stage", C.c_char * 32),
                ("events", C.c_uint64 * 32), ("verdicts", C.c_uint64 * 8),
                ("entries", Entries * 2 * 8), ("worker", Worker * 64), ("port", Port * 64),
                ("hop", Hop * 66), ("named", Named * 64), ("ports", C.c_uint32),
                ("named_count", C.c_uint32), ("rows", C.c_uint32), ("rows_lost", C.c_uint32),
                ("lives", C.c_uint32), ("lives_lost", C.c_uint32), ("row", Row * 16384),
                ("alive", Live * 8192)]


class Image:
    """What a table says of itself: the header and the sections of edges and strings."""

    def __init__(self, data):
        self.data = data
        self.checksum, self.generation = struct.unpack_from("<QQ", data, 16)
        self.stage = self.text(struct.unpack_from("<I", data, 44)[0])

    def section(self, number):
        return struct.unpack_from("<II", self.data, 72 + 8 * number)

    def text(self, offset):
        start = self.section(10)[0] + offset
        return self.data[start:self.data.index(b"\0", start)].decode()

    def edges(self):
        """{name: state}"""
        offset, count = self.section(4)
        found = {}
        for i in range(count):
            _, state, _, _, _, name = struct.unpack_from("<QBBBBI", self.data, offset + 16 * i)
            found[self.text(name)] = STATES[state]
        return found

    def intervals(self):
        return self.section(6)[1]

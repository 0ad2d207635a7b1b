# SPDX-License-Identifier: BSD-3-Clause
"""Captures as files: pcap with nanoseconds, Ethernet."""
import struct

EPOCH = 1772427600  # 2026-03-02 05:00:00 UTC, a Monday: second 0 of every capture
NANO = 1_000_000_000


def dump(frames):
    """The bytes of a capture of (nanoseconds since EPOCH, frame)."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    pack = struct.Struct("<IIII").pack
    for when, frame in frames:
        parts.append(pack(EPOCH + when // NANO, when % NANO, len(frame), len(frame)))
        parts.append(frame)
    return b"".join(parts)


def load(data):
    """The reverse, for tests."""
    frames, at = [], 24
    while at < len(data):
        sec, nsec, kept, _ = struct.unpack_from("<IIII", data, at)
        frames.append(((sec - EPOCH) * NANO + nsec, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return frames

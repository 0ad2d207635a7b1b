# SPDX-License-Identifier: BSD-3-Clause
"""A source of numbers that gives the same ones on every machine and with every Python."""
import hashlib

CHUNK = 65536


class Prng:
    """SHAKE-128 of a seed and a counter. Python's own `random` promises less across versions."""

    def __init__(self, seed):
        self.seed = seed.encode()
        self.chunk = 0
        self.buffer = b""
        self.at = 0

    def bytes(self, n):
        while self.at + n > len(self.buffer):
            fresh = hashlib.shake_128(b"%s/%d" % (self.seed, self.chunk)).digest(CHUNK)
            self.chunk += 1
            self.buffer = self.buffer[self.at:] + fresh
            self.at = 0
        self.at += n
        return self.buffer[self.at - n:self.at]

    def below(self, n):
        return int.from_bytes(self.bytes(8), "big") % n

    def between(self, low, high):
        """low <= result <= high"""
        return low + self.below(high - low + 1)

    def chance(self, per_mille):
        return self.below(1000) < per_mille

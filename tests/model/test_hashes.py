# SPDX-License-Identifier: BSD-3-Clause
"""Against published vectors and against the formulas, worked out step by step."""

import ipaddress
import unittest

from model import hashes

M = 2**64


class Hashes(unittest.TestCase):
    def test_mix_is_the_finalizer_of_splitmix64(self):
        # splitmix64 with seed 0: its first two outputs (Vigna's reference), state += gamma.
        gamma = 0x9E3779B97F4A7C15
        self.assertEqual(hashes.mix(gamma), 0xE220A8397B1DCDAF)
        self.assertEqual(hashes.mix(2 * gamma % M), 0x6E789E6AA1B965F4)

    def test_fnv(self):
        # Vectors of the FNV draft, FNV-1a 64.
        self.assertEqual(hashes.fnv(b""), 0xCBF29CE484222325)
        self.assertEqual(hashes.fnv(b"a"), 0xAF63DC4C8601EC8C)
        self.assertEqual(hashes.fnv(b"foobar"), 0x85944171F73967E8)

    def test_client(self):
        self.assertEqual(hashes.client_of(ipaddress.ip_address("198.51.100.7")),
                         0x0000FFFFC6336407)
        self.assertEqual(hashes.client_of(ipaddress.ip_address("2001:db8:1:2::99")),
                         0x20010DB800010002)

    def test_bucket_is_in_range_and_uses_the_upper_half(self):
        salt = hashes.salt_of("s")
        for client in range(1000):
            upper = hashes.mix(salt ^ hashes.mix(client)) // 2**32
            self.assertEqual(hashes.bucket(salt, client), upper * 10000 // 2**32)
            self.assertLess(hashes.bucket(salt, client), 10000)

    def test_flowkey_of_ports_wraps(self):
        client = 5
        self.assertEqual(hashes.flowkey_of_ports(client, 40000, 443),
                         (hashes.mix(5) + 40000 * 65536 + 443) % M)

    def test_string_hash_of_one_padded_word(self):
        word = int.from_bytes(b"abc\0\0\0\0\0", "little")
        self.assertEqual(word, 0x636261)
        h = (7 ^ word) * 0x9E3779B97F4A7C15 % M
        h ^= h >> 32
        self.assertEqual(hashes.string_hash(7, b"abc"), hashes.mix(h ^ 3))

    def test_string_hash_tells_length_from_padding(self):
        self.assertNotEqual(hashes.string_hash(7, b"abc"), hashes.string_hash(7, b"abc\0"))
        self.assertNotEqual(hashes.string_hash(7, b"12345678"), hashes.string_hash(8, b"12345678"))

# SPDX-License-Identifier: BSD-3-Clause
"""The hashes of docs/state.md, section 6. All numbers are unsigned 64-bit."""

MASK = (1 << 64) - 1


def mix(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def salt_of(text):
    return mix(fnv(text.encode()))


def client_of(address):
    """The client: an IPv4 address, or the /64 of an IPv6 address."""
    if address.version == 4:
        return 0x0000FFFF00000000 | int(address)
    return int(address) >> 64


def bucket(salt, client):
    return (mix(salt ^ mix(client)) >> 32) * 10000 >> 32


def seed(salt, edge_name):
    return mix(fnv(edge_name.encode()) ^ salt)


def score(flowkey, edge_seed):
    return mix(mix(flowkey) ^ edge_seed)


def flowkey_of_ports(client, client_port, vip_port):
    return mix(client) + (client_port << 16 | vip_port) & MASK


def string_hash(salt, data):
    h = salt
    for at in range(0, len(data), 8):
        word = int.from_bytes(data[at:at + 8], "little")
        h = (h ^ word) * 0x9E3779B97F4A7C15 & MASK
        h ^= h >> 32
    return mix(h ^ len(data))

# SPDX-License-Identifier: BSD-3-Clause
"""TLS 1.2 and DTLS 1.2 handshakes as an onlooker sees them, and the A/V Edge's pseudo-TLS."""
import struct

ALERT, HANDSHAKE, DATA, CCS = 21, 22, 23, 20
SUITES = struct.pack("!8H", 0xC030, 0xC02F, 0xC028, 0xC027, 0x009D, 0x009C, 0x0035, 0x002F)


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def name(common):
    oid = bytes.fromhex("0603550403")
    return der(0x30, der(0x31, der(0x30, oid, der(0x0C, common.encode()))))


def certificate(prng, common):
    """X.509 with the right shape and a made-up key and signature: nobody here verifies it."""
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    rsa = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    modulus = b"\0" + bytes([0x80 | prng.below(128)]) + prng.bytes(255)
    key = der(0x30, der(2, modulus), bytes.fromhex("0203010001"))
    dates = der(0x30, der(0x17, b"250101000000Z"), der(0x17, b"280101000000Z"))
    sans = der(0x30, der(0x82, common.encode()))
    extension = der(0x30, bytes.fromhex("0603551d11"), der(4, sans))
    body = der(0x30, bytes.fromhex("a003020102"), der(2, b"\x11" + prng.bytes(8)), algorithm,
               name("Contoso Issuing CA"), dates, name(common),
               der(0x30, rsa, der(3, b"\0", key)), der(0xA3, der(0x30, extension)))
    return der(0x30, body, algorithm, der(3, b"\0", prng.bytes(256)))


def extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def sni(host):
    raw = host.encode()
    return extension(0, struct.pack("!HBH", len(raw) + 3, 0, len(raw)) + raw)


def hello_body(prng, host, session=b"", version=0x0303, cookie=None, more=b""):
    """A ClientHello. `cookie`: not None for DTLS."""
    extensions = (sni(host) if host else b"") + extension(10, struct.pack("!HHH", 4, 23, 24))
    extensions += extension(11, b"\x01\x00") + extension(13, struct.pack("!HHHH", 6, 0x401, 0x501,
                                                                        0x201))
    extensions += extension(23, b"") + extension(0xFF01, b"\0") + more
    body = struct.pack("!H", version) + prng.bytes(32) + bytes([len(session)]) + session
    if cookie is not None:
        body += bytes([len(cookie)]) + cookie
    body += struct.pack("!H", len(SUITES)) + SUITES + b"\x01\x00"
    return body + struct.pack("!H", len(extensions)) + extensions


def handshake(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def record(kind, body, version=0x0303):
    return struct.pack("!BHH", kind, version, len(body)) + body


def client_hello(prng, host, session=b"", more=b""):
    return record(HANDSHAKE, handshake(1, hello_body(prng, host, session, more=more)), 0x0301)


def server_hello_body(prng, session, version=0x0303, more=b""):
    extensions = extension(0xFF01, b"\0") + extension(23, b"") + more
    return (struct.pack("!H", version) + prng.bytes(32) + bytes([len(session)]) + session
            + struct.pack("!HB", 0xC030, 0) + struct.pack("!H", len(extensions)) + extensions)


def certificate_body(cert):
    one = len(cert).to_bytes(3, "big") + cert
    return len(one).to_bytes(3, "big") + one


def key_exchange_body(prng):
    """ECDHE on secp256r1 with an RSA signature."""
    return (struct.pack("!BHB", 3, 23, 65) + b"\x04" + prng.bytes(64)
            + struct.pack("!HH", 0x0401, 256) + prng.bytes(256))


def server_flight(prng, session, cert, ask_client=False):
    """ServerHello to ServerHelloDone. MTLS asks for the client's certificate too."""
    flight = handshake(2, server_hello_body(prng, session))
    flight += handshake(11, certificate_body(cert)) + handshake(12, key_exchange_body(prng))
    if ask_client:
        flight += handshake(13, b"\x01\x01" + struct.pack("!HHH", 2, 0x0401, 0))
    return record(HANDSHAKE, flight + handshake(14, b""))


def finished(prng):
    return record(CCS, b"\x01") + record(HANDSHAKE, prng.bytes(40))


def client_flight(prng, cert=None):
    flight = handshake(11, certificate_body(cert)) if cert else b""
    flight += handshake(16, b"\x41\x04" + prng.bytes(64))
    if cert:
        flight += handshake(15, struct.pack("!HH", 0x0401, 256) + prng.bytes(256))
    return record(HANDSHAKE, flight) + finished(prng)


def resumed_flight(prng, session):
    return record(HANDSHAKE, handshake(2, server_hello_body(prng, session))) + finished(prng)


def data(prng, size):
    """Application data; nonce and tag of AES-GCM add 24 bytes."""
    return record(DATA, prng.bytes(size + 24))


def close_notify(prng):
    return record(ALERT, prng.bytes(26))


def dtls_record(kind, body, epoch, seq, version=0xFEFD):
    return struct.pack("!BHHIHH", kind, version, epoch, seq >> 16, seq & 0xFFFF, len(body)) + body


def dtls_handshake(kind, body, seq):
    size = len(body).to_bytes(3, "big")
    return bytes([kind]) + size + struct.pack("!H", seq) + b"\0\0\0" + size + body


# domain.md, section 4: the client's 50 bytes and the server's 83.
def pseudo_client(prng):
    return (bytes.fromhex("160301002d010000290301") + prng.bytes(32)
            + bytes.fromhex("00000200180100"))


def pseudo_server(prng):
    hello = bytes.fromhex("020000460301") + prng.bytes(32) + b"\x20" + prng.bytes(32)
    hello += bytes.fromhex("001800")
    return bytes.fromhex("160301004e") + hello + bytes.fromhex("0e000000")


def pseudo_frame(kind, payload):
    """`kind`: 2 control, 3 data."""
    return struct.pack("!BBH", kind, 0, len(payload)) + payload

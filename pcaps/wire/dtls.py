# SPDX-License-Identifier: BSD-3-Clause
"""A DTLS 1.2 handshake that agrees on SRTP (RFC 5764), flight by flight."""
import struct

from . import tls
from .tls import CCS, HANDSHAKE, dtls_handshake, dtls_record

USE_SRTP = tls.extension(14, struct.pack("!HHHB", 4, 1, 2, 0))


class Handshake:
    """Each method is one flight: a list of datagrams."""

    def __init__(self, prng, cert):
        self.prng, self.cert = prng, cert
        self.seq = {"client": 0, "server": 0}

    def _record(self, side, body, kind=HANDSHAKE, epoch=0, version=0xFEFD):
        seq = self.seq[side]
        self.seq[side] += 1
        return dtls_record(kind, body, epoch, seq, version)

    def client_hello(self, cookie=b""):
        body = tls.hello_body(self.prng, None, version=0xFEFD, cookie=cookie, more=USE_SRTP)
        message = dtls_handshake(1, body, 1 if cookie else 0)
        return [self._record("client", message, version=0xFEFD if cookie else 0xFEFF)]

    def verify_request(self, cookie):
        body = b"\xfe\xff" + bytes([len(cookie)]) + cookie
        return [self._record("server", dtls_handshake(3, body, 0), version=0xFEFF)]

    def server_flight(self):
        hello = tls.server_hello_body(self.prng, b"", 0xFEFD, more=USE_SRTP)
        request = b"\x01\x40" + struct.pack("!HHH", 2, 0x0401, 0)
        bodies = [(2, hello), (11, tls.certificate_body(self.cert)),
                  (12, tls.key_exchange_body(self.prng)), (13, request), (14, b"")]
        records = [self._record("server", dtls_handshake(kind, body, n + 1))
                   for n, (kind, body) in enumerate(bodies)]
        return [records[0] + records[1], b"".join(records[2:])]

    def client_flight(self):
        bodies = [(11, tls.certificate_body(self.cert)), (16, b"\x41\x04" + self.prng.bytes(64)),
                  (15, struct.pack("!HH", 0x0401, 256) + self.prng.bytes(256))]
        records = [self._record("client", dtls_handshake(kind, body, n + 2))
                   for n, (kind, body) in enumerate(bodies)]
        return [records[0] + records[1], records[2] + self._finish("client")]

    def server_finish(self):
        return [self._finish("server")]

    def _finish(self, side):
        change = self._record(side, b"\x01", CCS)
        self.seq[side] = 0
        return change + self._record(side, self.prng.bytes(48), HANDSHAKE, 1)

    def close(self, side):
        return self._record(side, self.prng.bytes(26), tls.ALERT, 1)

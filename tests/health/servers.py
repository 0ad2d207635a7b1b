# SPDX-License-Identifier: BSD-3-Clause
"""Servers that answer as they should, and many that do not."""
import socket
import ssl
import struct
import threading

SO_TIMESTAMPNS = 35
COOKIE = bytes.fromhex('2112a442')


class Udp:
    """`answer(data, peer)` gives the datagrams that go back. One socket for each address: what
    listens everywhere would answer from anywhere. `seen`: data, peer, and the kernel's time, in
    which no load of the machine shows. `answered` is released after each answer."""

    def __init__(self, addresses, port, answer):
        self.answer, self.seen, self.answered = answer, [], threading.Semaphore(0)
        self.sockets, self.threads = [], []
        for address in addresses:
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.bind((address, port))
            s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.sockets.append(s)
            self.threads.append(threading.Thread(target=self._serve, args=(s,), daemon=True))
            self.threads[-1].start()

    def _serve(self, s):
        while True:
            try:
                data, more, _, peer = s.recvmsg(65535, 64)
                if not peer:
                    return
                seconds, ns = struct.unpack('qq', more[0][2])
                self.seen.append((data, peer, seconds + ns / 1e9))
                for reply in self.answer(data, peer):
                    s.sendto(reply, peer)
                self.answered.release()
            except OSError:
                return

    def close(self):
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)  # not connected, but who waits in it is woken
            except OSError:
                pass
        for s, thread in zip(self.sockets, self.threads):
            thread.join()  # the port is not free while it is waited at
            s.close()


class Tcp:
    """`talk(socket, peer)` has each connection to itself, in a thread. IPv4 and IPv6."""

    def __init__(self, port, talk, tls=None):
        self.talk, self.tls = talk, tls
        self.listener = socket.create_server(('::', port), family=socket.AF_INET6,
                                             dualstack_ipv6=True, backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, peer = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s, peer), daemon=True).start()

    def _serve(self, s, peer):
        try:
            if self.tls:
                s = self.tls.wrap_socket(s, server_side=True)
            self.talk(s, peer)
        except OSError:
            pass
        finally:
            s.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def read_request(s):
    data = b''
    while b'\r\n\r\n' not in data:
        more = s.recv(4096)
        if not more:
            raise OSError('closed')
        data += more
    return data


def wait_for_end(s):
    while s.recv(4096):
        pass


def headers(request):
    lines = request.decode().split('\r\n')[1:]
    return {k.lower(): v for k, _, v in (line.partition(': ') for line in lines if line)}


def sip_reply(request, status='200 OK', extra=(), **change):
    """An answer to an OPTIONS request; `change` replaces headers (call_id='...')."""
    have = headers(request)
    have.update({k.replace('_', '-'): v for k, v in change.items()})
    lines = [f'SIP/2.0 {status}', f'Via: {have["via"]}', f'From: {have["from"]}',
             f'To: {have["to"]};tag=server', f'Call-ID: {have["call-id"]}',
             f'CSeq: {have["cseq"]}', *extra, 'Content-Length: 0', '', '']
    return '\r\n'.join(lines).encode()


def sip_udp(**how):
    return lambda data, peer: [sip_reply(data, **how)]


def sip_stream(**how):
    def talk(s, _):
        s.sendall(sip_reply(read_request(s), **how))
        wait_for_end(s)
    return talk


def attribute(kind, value):
    return struct.pack('>HH', kind, len(value)) + value + b'\0' * (-len(value) % 4)


def mapped(peer, xor=True):
    port, address = peer[1], socket.inet_aton(peer[0])
    if xor:
        port ^= 0x2112
        address = bytes(a ^ b for a, b in zip(address, COOKIE))
    return attribute(0x20 if xor else 1, struct.pack('>BBH', 0, 1, port) + address)


def stun_reply(request, kind, *attributes, identity=None):
    body = b''.join(attributes)
    return struct.pack('>HH', kind, len(body)) + (identity or request[4:20]) + body


def stun_error(code):
    return attribute(9, struct.pack('>HBB', 0, code // 100, code % 100) + b'no')

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The gate `access-certificate`, by what edges present: TLS servers in a namespace of the test's."""

import socket
import ssl
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "health"))
import certificates
import namespace
from main import run
from harness import Case, until


class TlsEdges:
    """Each with a certificate that can be changed."""

    def __init__(self, addresses, port, pair):
        self.contexts, self.listeners = {}, []
        for address in addresses:
            self.present(address, pair)
            listener = socket.create_server((address, port))
            self.listeners.append(listener)
            threading.Thread(target=self.serve, args=(listener, address), daemon=True).start()

    def present(self, address, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        self.contexts[address] = context

    def serve(self, listener, address):
        while True:
            try:
                s, _ = listener.accept()
                with self.contexts[address].wrap_socket(s, server_side=True) as tls:
                    tls.recv(1)
            except ssl.SSLError:
                pass
            except OSError:
                return

    def close(self):
        while self.listeners:
            self.end(0)

    def end(self, i):
        listener = self.listeners.pop(i)
        listener.shutdown(socket.SHUT_RDWR)  # close() alone does not wake accept()
        listener.close()


class Certificates(Case):
    addresses = [f"203.0.113.{i}" for i in range(10, 14)]

    def gate(self, daemon):
        return daemon.ask(do="stages")["stages"][0]["gates"][0]

    def wait_now(self, daemon, words):
        return until(lambda: (lambda g: g if words in g["now"] else None)(self.gate(daemon)), 15,
                     lambda: str(self.gate(daemon)))

    CHECK = "{kind: tls, port: 5443, interval: 200ms, timeout: 200ms, rise: 1, fall: 1}"

    def plan(self, text):
        text = text.replace("address: access, check: none", "address: access, check: " + self.CHECK,
                            1)
        return text.replace("role: legacy\n", "role: legacy\n    names: {access: sip.lab.example}\n")

    def setUp(self):
        super().setUp()
        self.write_plan("  - name: baseline\n    gates: [{preflight: [access-certificate]}]\n"
                        "  - name: end\n", self.plan)
        authority = certificates.Authority(self.dir)
        self.good = authority.issue("sip", "DNS:sip.lab.example")
        self.renewed = authority.issue("renewed", "DNS:sip.lab.example")
        self.other = authority.issue("other", "DNS:other.lab.example")
        self.expired = authority.issue("expired", "DNS:sip.lab.example", "-days", "-1")
        for address in self.addresses:
            namespace.ip("addr", "replace", address + "/32", "dev", "lo")
        self.edges = TlsEdges(self.addresses, 5443, self.good)

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            self.edges.close()

    def test_the_same_good_one_everywhere(self):
        daemon = self.started()
        gate = self.wait_now(daemon, "one certificate at 4 addresses, CN=sip,O=Contoso")
        self.assertTrue(gate["open"])
        self.edges.present(self.addresses[2], self.renewed)
        gate = self.wait_now(daemon, "presents another one than")
        self.assertEqual(gate["now"], f"{self.addresses[2]}:5443 presents another one than "
                                      f"{self.addresses[0]}:5443")
        self.assertFalse(gate["open"])
        self.assertOk(daemon.ask(do="ack", name="access-certificate"))
        self.assertFalse(self.gate(daemon)["open"])  # what is seen is not argued with
        self.edges.present(self.addresses[2], self.good)
        self.wait_now(daemon, "one certificate at 4 addresses")

    def test_what_is_wrong_with_it(self):
        daemon = self.started()
        for address in self.addresses:
            self.edges.present(address, self.other)
        self.wait_now(daemon, f"{self.addresses[1]}:5443 presents one that does not "
                                          "name sip.lab.example")
        for address in self.addresses:
            self.edges.present(address, self.expired)
        self.wait_now(daemon, f"{self.addresses[3]}:5443 presents one that was good "
                                          "until 20")

    def test_a_plan_without_signalling_by_tls_wants_a_persons_word(self):
        self.write_plan("  - name: baseline\n    gates: [{preflight: [access-certificate]}]\n"
                        "  - name: end\n",
                        lambda text: self.plan(text).replace("sip-tls", "other"))
        daemon = self.started()
        gate = self.wait_now(daemon, "not every edge is asked by TLS; not acknowledged either")
        self.assertFalse(gate["open"])
        self.assertOk(daemon.ask(do="ack", name="access-certificate"))
        self.assertTrue(self.gate(daemon)["open"])

    def test_an_edge_that_shows_none(self):
        self.edges.end(1)
        daemon = self.started()
        self.wait_now(daemon, "e2 has shown none for access")
        self.assertFalse(self.gate(daemon)["open"])


if __name__ == "__main__":
    namespace.enter()
    run()

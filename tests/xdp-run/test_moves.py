# SPDX-License-Identifier: BSD-3-Clause
"""Entries of turnout-xdp that move: into larger and smaller maps, into another build's, while
traffic goes on, and wherever that is cut off. Needs root."""

import select
import signal
import socket
import sys

import site_of_run as site
from case import UNREACHABLE, Case, main
from site_of_run import accept, connect, listen, plans, tcp_client

# Of a dialog; of a TCP pin and its key (include/turnout/entry.h, key.h).
ESTABLISHED, FIN_BOTH, TO_TCP = 16, 3, 0
RINGING, CALL_IDLE, CLOSING = 300, 1800, 60  # seconds


class Moves(Case):
    def most(self):
        return self.gateway.status()["entries"]["pins-ipv4"]["most"]

    def test_larger_and_smaller(self):
        self.begin("--pins", "20000")
        for pins in 60000, 1000, 30000:
            self.gateway.kill()
            said = self.gateway.start("--pins", pins)
            self.assertRegex(said, r"\d+ entries moved into other maps")
            self.assertEqual(self.most(), pins + 1)
            self.assertEqual(self.pinned("_new"), [])
        self.gateway.kill()
        self.gateway.start()  # as they are pinned
        self.assertEqual(self.most(), 30001)
        self.check_all()

    def test_too_small(self):
        self.begin("--pins", "20000")
        for s in site.open_flows(3000, "198.19.1.2"):
            s.close()
        have = self.gateway.entries()
        self.gateway.kill()
        for _ in range(2):
            code, said = self.gateway.start_to_its_end("--pins", "1000")
            self.assertEqual(code, UNREACHABLE)
            self.assertRegex(said, r"more entries than --pins allows: \d+ too many")
            self.assertEqual(self.pinned("_new"), [])
            self.assertEqual(self.gateway.entries(), have)
            self.flow.goes_on()
        for options, most in ([], 20001), (["--pins", "4000"], 4001):
            self.gateway.start(*options)
            self.assertEqual((self.gateway.entries(), self.most()), (have, most))
            self.gateway.kill()
        self.gateway.start()
        self.check_all()

    def test_what_a_failed_start_has_left(self):
        """Copies that nobody has ever used are not taken for the truth."""
        self.begin("--pins", "20000")
        self.gateway.kill()
        self.gateway.die("to_xdp_reset_heads:1", "--pins", "30000")
        self.assertIn("pins4_new", self.pinned())
        late = site.open_flows(5, "198.19.1.3")  # in the old maps only
        self.idle |= {s: self.edge_of(s) for s in late}
        self.assertEqual(self.gateway.entries(), len(self.idle) + 1)
        for options, most in ([], 20001), (["--pins", "30000"], 30001):
            self.gateway.start(*options)
            self.assertEqual((self.pinned("_new"), self.most()), ([], most))
            self.check_idle()
            self.gateway.kill()
        self.gateway.start()
        self.check_all()

    def killed_at(self, step, pins):
        self.gateway.kill()
        self.gateway.die(step, "--pins", pins)
        self.assertGreaterEqual(self.gateway.entries(), len(self.idle) + 1, step)
        self.flow.goes_on()

    def test_killed_on_the_way(self):
        """Wherever a move is cut off, whoever comes next has everything. (Of these sizes, unproven
        pins move as well.)"""
        self.begin("--pins", "60000")
        other = {60000: 90000, 90000: 60000}
        pins = 60000
        for step, resumed in (("bpf_obj_pin:5", False), ("to_xdp_move_entries:2", False),
                              ("bpf_link_update:1", True), ("bpf_link_update:2", True),
                              ("to_xdp_move_entries:3", True), ("to_xdp_move_entries:4", True),
                              ("rename:2", True), ("rename:7", True)):
            with self.subTest(step):
                self.killed_at(step, other[pins])
                if resumed:
                    pins = other[pins]
                # with or without sizes: what was begun is finished first
                said = self.gateway.start(*(["--pins", other[pins]] if resumed else []))
                self.assertEqual("finishes the move" in said, resumed)
                self.assertEqual(self.most(), pins + 1)
                self.assertEqual(self.pinned("_new"), [])
                self.check_idle()
        self.check_flow()

    def test_what_changes_meanwhile(self):
        """After the last copy and before the exchange: calls that are answered, a connection that
        is closed, a flow that begins. (Of these sizes, unproven calls move as well.)"""
        self.begin("--pins", "200000")
        caller = site.Caller()
        self.addCleanup(caller.close)
        ringing, unheard = caller.request("rings", "INVITE"), caller.request("tries", "INVITE")
        ringing("180 Ringing")
        client, server = connect()
        site.wait_for_clock(3)  # they are none of those that the last rounds look at first
        self.gateway.kill()
        self.gateway.stumble("bpf_link_update:1", "--pins", "300000")
        edge = ringing("200 OK")
        edges = {"rings": edge, "tries": unheard("180 Ringing")}
        for s in client, server:
            s.shutdown(socket.SHUT_WR)
        self.assertEqual((client.recv(1), server.recv(1)), (b"", b""))
        late = site.open_flows(1, "198.19.1.3")[0]
        self.idle[late] = self.edge_of(late)
        self.assertEqual(self.gateway.status()["generation"], 1)  # a new table waits
        said = self.gateway.go_on()
        self.assertIn("generation 2 is live", said)
        self.check_calls(caller, edges)
        # what was proven before it moved is not copied among the unproven ones as well
        self.assertEqual(self.gateway.status()["entries"]["dialogs"]["unproven"], 1)
        self.check_closed()
        self.assertTrue(self.idle[late].startswith("e"))
        self.check_all()
        client.close()
        server.close()

    def check_calls(self, caller, edges):
        """One is established, the other one rings; both are where they were."""
        lives = sorted((v["e"]["life"], bool(v["e"]["flags"] & ESTABLISHED))
                       for _, v in self.gateway.dump("dialogs"))
        self.assertEqual(lives, [(RINGING, False), (CALL_IDLE, True)])
        for call, edge in edges.items():
            self.assertEqual(caller.request(call, "OPTIONS")("200 OK"), edge)

    def check_closed(self):
        tcp = [v["e"] for k, v in self.gateway.dump("pins4") if k["w"][2] >> 8 == TO_TCP]
        self.assertEqual([e["tcp"] & FIN_BOTH for e in tcp], [FIN_BOTH])
        with open("/proc/uptime", encoding="ascii") as f:
            now = float(f.read().split()[0])
        self.assertLess(tcp[0]["expires"] - now, CLOSING + 1)

    def test_begun_between_two_exchanges(self):
        """A connection whose two sides are at two programs that do not know of each other's: it
        waits, and nobody hears of it from a wrong address."""
        self.begin("--pins", "60000")
        self.gateway.kill()
        ways = list(self.gateway.ports)
        for ports, options, program in ((ways, ["--pins", "90000"], "stumbling"),
                                        (ways[::-1], ["--pins", "120000"], "stumbling"),
                                        (ways, [], "wider")):
            self.gateway.stumble("bpf_link_update:2", *options, ports=ports, program=program)
            resets = self.resets()
            listeners = listen()
            client = tcp_client()
            client.setblocking(False)
            self.assertEqual(client.connect_ex((site.VIP, plans.TCP_PORT)), 115)  # EINPROGRESS
            self.flow.goes_on()
            self.assertEqual(select.select([], [client], [], 0)[1], [])
            self.gateway.go_on()
            client.settimeout(site.PATIENCE)
            self.assertEqual(select.select([], [client], [], site.PATIENCE)[1], [client])
            self.assertEqual(client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
            server = accept(listeners)
            client.send(b"x")
            self.assertEqual(server.recv(1), b"x")
            self.assertEqual(self.resets(), resets)
            for s in client, server, *listeners:
                s.close()
            self.gateway.kill()
        self.gateway.start()
        self.check_all()


    def resets(self):
        """That the client has sent, to whom it did not know."""
        return self.network.protocol_counters("client")["Tcp.OutRsts"]


class Upgrades(Case):
    """To builds whose maps look different."""

    def second_slot(self):
        """The generation that goes on is not where a new map begins."""
        for number in 2, 3:
            self.gateway.publish("new", number)
            self.gateway.process.child.send_signal(signal.SIGHUP)
            self.gateway.watch.until(self.gateway.process, f"generation {number} is live", "err")
        self.assertEqual(self.gateway.dump("control")[0][1]["slot"], 1)

    def test_there_and_back(self):
        """With the same fields elsewhere; with others, and other tables; and as it was."""
        self.begin()
        caller = site.Caller()
        self.addCleanup(caller.close)
        unheard = caller.request("call", "INVITE")
        self.second_slot()
        self.gateway.kill()
        for step, program in enumerate(("turned", "wider", "real")):
            with self.subTest(program):
                said = self.gateway.start(program=program)
                self.assertIn("takes generation 3 over", said)
                self.assertRegex(said, r"\d+ entries moved into other maps")
                self.assertEqual(self.gateway.status(program)["generation"], 3)
                self.flow.goes_on()
                if step == 0:
                    edge = unheard("200 OK")
                    self.assertEqual(edge[0], "e")
                self.assertEqual(caller.request("call", "OPTIONS")("200 OK"), edge)
                self.assertEqual({s: self.edge_of(s) for s in self.idle}, self.idle)
                self.gateway.kill()
        self.gateway.start()
        self.check_all()

    def test_killed_on_the_way(self):
        """A set of maps of two builds is still one, whoever has died where."""
        self.begin()
        self.second_slot()
        self.gateway.kill()
        for n, step in enumerate(("bpf_link_update:2", "to_xdp_pin_over:2", "to_xdp_pin_over:1",
                                  "to_xdp_await:2", "to_xdp_pin_over:3", "rename:2")):
            program, other = ("wider", "stumbling")[::-1 if n % 2 else 1]
            self.gateway.die(step, program=program)
            self.flow.goes_on()
            code, said = self.gateway.start_to_its_end(program=other)
            self.assertEqual(code, UNREACHABLE)
            self.assertIn("another build has begun to move", said)
            said = self.gateway.start(program=program)
            self.assertIn("takes generation 3 over", said)
            self.assertEqual({s: self.edge_of(s) for s in self.idle}, self.idle)
            self.gateway.kill()
        self.gateway.start()
        self.check_all()


if __name__ == "__main__":
    sys.exit(main(__doc__))

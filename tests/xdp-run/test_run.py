# SPDX-License-Identifier: BSD-3-Clause
"""turnout-xdp as a process, while traffic goes on: its commands; restarts, and deaths wherever it
matters; entries that move into larger and smaller maps and into another build's; interfaces that
come and go. Needs root."""

import argparse
import json
import os
import select
import signal
import socket
import sys
import tempfile
import unittest
from pathlib import Path

import site_of_run as site
from site_of_run import lab, plans

DONE, NO, USAGE, UNREACHABLE, REFUSED = range(5)  # exit status
# Of a dialog; of a TCP pin and its key (include/turnout/entry.h, key.h).
ESTABLISHED, FIN_BOTH, TO_TCP = 16, 3, 0
RINGING, CALL_IDLE, CLOSING = 300, 1800, 60  # seconds
CAP_NET_ADMIN = 12
IDLE_FLOWS = 200
GATEWAY = NETWORK = None


class Case(unittest.TestCase):
    """A gateway that is fresh, with two flows of traffic through it once it runs."""

    def setUp(self):
        self.gateway = GATEWAY
        self.gateway.publish("legacy", 1)
        self.flow = None
        self.idle = {}

    def tearDown(self):
        if self.flow:
            self.flow.stop()
        for s in self.idle:
            s.close()
        self.gateway.clear()

    def begin(self, *options, **which):
        """Steers, with flows, and the next new flow would go elsewhere."""
        self.gateway.start(*options, **which)
        self.flow = site.Flow()
        self.idle = {s: self.edge_of(s) for s in site.open_flows(IDLE_FLOWS)}
        self.flow.goes_on()
        self.gateway.publish("new", 2)

    def edge_of(self, s):
        """Which edge answers it now."""
        s.settimeout(site.PATIENCE)
        s.sendto(site.SEQUENCE.pack(0), (site.VIP, site.UDP_PORT))
        return s.recv(64)[:site.EDGE_BYTES].decode()

    def check_idle(self):
        """Every flow that was open has its edge."""
        self.assertGreaterEqual(self.gateway.entries(), len(self.idle) + 1)
        self.assertEqual({s: self.edge_of(s) for s in self.idle}, self.idle)

    def check_flow(self):
        """It has lost nothing, and stayed where it was."""
        self.flow.goes_on()
        lost, edges = self.flow.stop()
        self.flow = None
        self.assertEqual(lost, [])
        self.assertEqual(len(edges), 1, edges)

    def check_all(self):
        self.check_idle()
        self.check_flow()

    def pinned(self, end=""):
        return sorted(n.name for n in (self.gateway.pin / "maps").iterdir()
                      if n.name.endswith(end))


class Commands(Case):
    def test_help(self):
        for command in [], ["run"], ["status"], ["detach"], ["replay"]:
            code, out, err = self.gateway.command(*command, "--help")
            self.assertEqual((code, err), (DONE, ""))
            self.assertIn("Usage: turnout-xdp", out)

    def test_bad_options(self):
        table = ["--table", "t"]
        ports = ["--port", "outside:outside", "--port", "edges:edges"]
        for argv, why in (
                ([], "Usage"), (["fly"], "unknown command 'fly'"),
                (["run"], "run needs --table and --port"),
                (["run", *table, *ports[:2]], "no --port leads to the edges"),
                (["run", *table, *ports[2:]], "no --port leads outside"),
                (["run", *table, "--port", "outside"], "expected NAME:outside"),
                (["run", *table, "--port", "outside:inside"], "expected a zone"),
                (["run", *table, *ports, *ports[:2]], "each interface once"),
                (["run", *table, *ports, "--pins", "0"], "a number from 1 to 67108864"),
                (["run", *table, *ports, "--pins", "1k"], "a number from 1 to 67108864"),
                (["run", *table, *ports, "--mode", "fast"], "native, generic or auto"),
                (["run", *table, *ports, "--nexthop", "edges=ff:ff:ff:ff:ff:ff"],
                 "a MAC of one machine"),
                (["run", *table, *ports, "--nexthop", "edges=224.0.0.1"],
                 "an address of one machine"),
                (["run", *table, *ports, "--pin", ""], "expected a directory"),
                (["run", *table, *ports, "--pin", "/" + "x" * 200], "expected a shorter path"),
                (["run", *table, *ports, "more"], "unexpected argument 'more'"),
                (["status", "--fast"], "unrecognized option"),
                (["status", "more"], "unexpected argument 'more'"),
                (["detach", "--json"], "unrecognized option"),
                (["detach", "--pin", ""], "expected a directory")):
            code, out, err = self.gateway.command(*argv)
            self.assertEqual((code, out), (USAGE, ""), argv)
            self.assertIn(why, err)

    def test_nothing_is_there(self):
        pin = ["--pin", self.gateway.pin]
        code, _, err = self.gateway.command("status", *pin)
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("nothing is attached", err)
        self.assertEqual(self.gateway.command("detach", *pin), (DONE, "", ""))

    def test_not_in_a_bpf_file_system(self):
        pin = self.gateway.table.parent / "elsewhere"
        code, _, err = self.gateway.command(*self.gateway.argv()[1:], "--pin", pin)
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("not in a BPF file system", err)
        self.assertFalse(pin.exists())

    def test_a_table_that_is_none(self):
        self.gateway.table.write_bytes(b"no table")
        code, said = self.gateway.start_to_its_end()
        self.assertEqual(code, REFUSED)
        self.assertIn("refused", said)

    def test_status_and_detach(self):
        self.begin()
        found = self.gateway.status()
        self.assertEqual(found["engine"], "xdp")
        self.assertEqual((found["generation"], found["stage"]), (1, "legacy"))
        self.assertEqual({(p["name"], p["mode"]) for p in found["ports"]},
                         {("outside", "native"), ("edges", "native")})
        self.assertEqual(found["entries"]["pins-ipv4"]["proven"], IDLE_FLOWS + 1)
        code, text, _ = self.gateway.command("status", "--pin", self.gateway.pin)
        self.assertEqual(code, DONE)
        self.assertIn("generation 1, stage legacy; on", text)
        code, _, err = self.gateway.command("detach", "--pin", self.gateway.pin)
        self.assertEqual(code, UNREACHABLE)  # somebody would attach it again
        self.assertIn("another turnout-xdp has it", err)
        self.check_flow()
        self.gateway.kill()
        code, _, err = self.gateway.command("detach", "--pin", self.gateway.pin)
        self.assertEqual(code, DONE)
        self.assertIn("detached from outside", err)
        self.assertFalse(self.gateway.pin.exists())
        self.assertNotIn("xdp", lab.run("ip", "-n", "gw", "link", "show", "outside"))


class Restarts(Case):
    def test_killed(self):
        self.begin()
        for _ in range(3):
            self.gateway.kill()
            self.flow.goes_on()
            said = self.gateway.start()
            self.assertRegex(said, "takes generation [12] over")
        self.assertEqual(self.gateway.status()["generation"], 2)
        self.check_all()

    def test_ended(self):
        self.begin()
        process = self.gateway.process
        for number in signal.SIGTERM, signal.SIGINT:
            process.child.send_signal(number)
            self.assertEqual(process.wait(), DONE)
            report = json.loads(process.text["out"])
            self.assertEqual(report["engine"], "xdp")
            self.flow.goes_on()
            self.gateway.start()
            process = self.gateway.process
        self.check_all()

    def test_signals(self):
        self.begin()
        process = self.gateway.process
        process.child.send_signal(signal.SIGHUP)
        self.gateway.watch.until(process, r"generation 2 is live after \d+ us", "err")
        self.gateway.table.write_bytes(b"no table")
        process.child.send_signal(signal.SIGHUP)
        self.gateway.watch.until(process, "refused: .*; generation 2 goes on", "err")
        process.child.send_signal(signal.SIGUSR1)
        self.gateway.watch.until(process, '"generation": 2')
        self.check_all()

    def test_two_of_them(self):
        self.begin()
        for options in [], ["--pins", "1000"]:
            code, said = self.gateway.start_to_its_end(*options)
            self.assertEqual(code, UNREACHABLE)
            self.assertIn("another turnout-xdp has it", said)
        self.check_all()

    def test_privileges(self):
        self.gateway.start()
        status = Path(f"/proc/{self.gateway.process.child.pid}/status").read_text("ascii")
        fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
        for name in "CapEff", "CapPrm":
            self.assertEqual(int(fields[name], 16), 1 << CAP_NET_ADMIN, name)
        for name in "CapInh", "CapBnd", "CapAmb":
            self.assertEqual(int(fields[name], 16), 0, name)
        self.assertEqual(fields["NoNewPrivs"], "1")

    def test_no_table_that_it_knows(self):
        """Entries whose generation is lost: nothing follows it unseen."""
        self.begin()
        self.gateway.kill()
        control = self.gateway.pin / "maps" / "control"
        slot = self.gateway.dump("control")[0][1]["slot"]

        def point(at):
            lab.run("bpftool", "map", "update", "pinned", control, "key", *"0000", "value", at,
                    *["0"] * 15)
        point(1 - slot)
        code, said = self.gateway.start_to_its_end()
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("no generation that this build can read", said)
        point(slot)
        self.gateway.start()
        self.check_idle()


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
        process = self.gateway.spawn("--pins", "30000", stumble="kill:to_xdp_reset_heads:1")
        self.assertEqual(process.wait(), -signal.SIGKILL)
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
        process = self.gateway.spawn("--pins", pins, stumble=f"kill:{step}")
        self.assertEqual(process.wait(), -signal.SIGKILL, step)
        self.assertGreaterEqual(self.gateway.entries(), len(self.idle) + 1, step)
        self.flow.goes_on()

    def test_killed_on_the_way(self):
        """Wherever a move is cut off, whoever comes next has everything."""
        self.begin("--pins", "20000")
        other = {20000: 30000, 30000: 20000}
        pins = 20000
        for step, resumed in (("bpf_obj_pin:1", False), ("bpf_obj_pin:9", False),
                              ("to_xdp_move_entries:2", False), ("bpf_link_update:1", True),
                              ("bpf_link_update:2", True), ("to_xdp_await:2", True),
                              ("to_xdp_move_entries:4", True), ("rename:1", True),
                              ("rename:2", True), ("rename:17", True)):
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
        is closed, a flow that begins."""
        self.begin("--pins", "20000")
        caller = site.Caller()
        self.addCleanup(caller.close)
        ringing, unheard = caller.request("rings", "INVITE"), caller.request("tries", "INVITE")
        ringing("180 Ringing")
        client, server = connect()
        site.wait_for_clock(3)  # they are none of those that the last rounds look at first
        self.gateway.kill()
        self.gateway.stumble("bpf_link_update:1", "--pins", "30000")
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
        self.begin("--pins", "20000")
        self.gateway.kill()
        ways = list(self.gateway.ports)
        for ports, options, program in ((ways, ["--pins", "30000"], "stumbling"),
                                        (ways[::-1], ["--pins", "40000"], "stumbling"),
                                        (ways, [], "wider"), (ways[::-1], [], "turned")):
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


    @staticmethod
    def resets():
        """That the client has sent, to whom it did not know."""
        return NETWORK.protocol_counters("client")["Tcp.OutRsts"]


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
        for step in ("bpf_link_update:2", "to_xdp_pin_over:1", "rename:1", "to_xdp_pin_over:2",
                     "to_xdp_pin_over:3", "to_xdp_await:2", "to_xdp_rename_new:1"):
            process = self.gateway.spawn(program="wider", stumble=f"kill:{step}")
            self.assertEqual(process.wait(), -signal.SIGKILL, step)
            self.flow.goes_on()
            code, said = self.gateway.start_to_its_end()
            self.assertEqual(code, UNREACHABLE)
            self.assertIn("another build has begun to move", said)
            said = self.gateway.start(program="wider")
            self.assertIn("takes generation 3 over", said)
            self.flow.goes_on()
            self.gateway.kill()
            self.gateway.start()  # and back
            self.check_idle()
            self.gateway.kill()
        self.gateway.start()
        self.check_all()


class Ports(Case):
    def test_gone_and_back(self):
        self.gateway.start()
        self.idle = {s: self.edge_of(s) for s in site.open_flows(5)}
        self.gateway.publish("new", 2)
        lab.run("ip", "-n", "gw", "link", "del", "outside")
        self.gateway.watch.until(self.gateway.process, "outside is gone", "err")
        self.assertEqual({(p["name"], p["mode"]) for p in self.gateway.status()["ports"]},
                         {("outside", "absent"), ("edges", "native")})
        NETWORK.reconnect_client()
        self.gateway.watch.until(self.gateway.process, r"attached to outside \(native\)", "err")
        self.check_idle_soon()
        self.gateway.kill()
        lab.run("ip", "-n", "gw", "link", "del", "outside")
        said = self.gateway.start()
        self.assertIn("there is no interface outside yet", said)
        NETWORK.reconnect_client()
        self.gateway.watch.until(self.gateway.process, r"attached to outside \(native\)", "err")
        self.check_idle_soon()

    def check_idle_soon(self):
        """Once the kernel knows the client again."""
        s, edge = next(iter(self.idle.items()))
        s.settimeout(0.1)
        for _ in range(100):
            s.sendto(site.SEQUENCE.pack(0), (site.VIP, site.UDP_PORT))
            try:
                self.assertEqual(s.recv(64)[:site.EDGE_BYTES].decode(), edge)
                break
            except TimeoutError:
                continue
        else:
            self.fail("nothing is steered any more")
        while True:
            try:
                s.recv(64)
            except TimeoutError:
                break
        self.assertEqual({s: self.edge_of(s) for s in self.idle}, self.idle)

    def test_native_and_generic(self):
        """Another mode is another attachment, so that a datagram may be lost; none moves."""
        self.begin()
        for mode in "generic", "native":
            self.gateway.kill()
            said = self.gateway.start(mode=mode)
            self.assertEqual(said.count(f"({mode})"), 2)
            self.assertEqual({p["mode"] for p in self.gateway.status()["ports"]}, {mode})
            self.flow.goes_on()
            self.check_idle()
        _, edges = self.flow.stop()
        self.flow = None
        self.assertEqual(len(edges), 1)

    def test_a_driver_without(self):
        lab.ip("gw", "link add mute type bridge", "link set mute up")
        self.addCleanup(lab.ip, "gw", "link del mute")
        ports = [*self.gateway.ports, "mute:edges"]
        code, said = self.gateway.start_to_its_end(ports=ports)  # a first start: nothing stays
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("cannot attach to mute: its driver has no native XDP", said)
        self.assertNotIn("xdp", lab.run("ip", "-n", "gw", "link", "show", "outside"))
        self.begin()
        self.gateway.kill()
        code, said = self.gateway.start_to_its_end(ports=ports)  # goes on where it was
        self.assertEqual(code, UNREACHABLE)
        self.flow.goes_on()
        self.check_all()
        said = self.gateway.start(ports=ports, mode="auto")
        self.assertIn("generic mode on every port", said)
        self.assertEqual(said.count("(generic)"), 3)
        self.gateway.kill()
        said = self.gateway.start()
        self.assertIn("detached from mute", said)
        self.assertEqual(len(self.gateway.status()["ports"]), 2)


def tcp_client():
    with lab.inside("client"):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.bind(("198.19.3.1", 0))
    s.settimeout(site.PATIENCE)
    return s


def listen():
    sockets = []
    for name in plans.EDGES:
        with lab.inside(name):
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((plans.EDGES[name][0], plans.TCP_PORT))
        s.listen()
        sockets.append(s)
    return sockets


def accept(listeners):
    ready = select.select(listeners, [], [], site.PATIENCE)[0]
    server = ready[0].accept()[0]
    server.settimeout(site.PATIENCE)
    return server


def connect():
    """A TCP connection through the VIP: both of its ends."""
    listeners, client = listen(), tcp_client()
    client.connect((site.VIP, plans.TCP_PORT))
    server = accept(listeners)
    for s in listeners:
        s.close()
    return client, server


def main():
    global GATEWAY, NETWORK  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the build directory")
    parser.add_argument("--peer", type=Path, required=True, help="tests/live's peer.bpf.o")
    for name in "stumbling", "wider", "turned":
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    lab.enter()
    programs = {name: getattr(options, name) for name in ("stumbling", "wider", "turned")}
    programs["real"] = options.build / "bpf" / "turnout-xdp"
    with tempfile.TemporaryDirectory(dir=lab.NETNS) as directory:
        NETWORK = site.Network(options.peer)
        GATEWAY = site.Gateway(Path(directory), options.build / "control" / "turnout", programs)
        site.Edges()
        try:
            done = unittest.main(argv=[sys.argv[0], *options.tests], exit=False, verbosity=2)
        finally:
            GATEWAY.close()
            NETWORK.close()
    return 0 if done.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())

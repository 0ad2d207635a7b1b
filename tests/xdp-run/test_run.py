# SPDX-License-Identifier: BSD-3-Clause
"""turnout-xdp as a process, while traffic goes on: its commands, restarts, and interfaces that come
and go. Needs root."""

import json
import signal
import sys
import threading
from pathlib import Path

import site_of_run as site
from case import DONE, IDLE_FLOWS, REFUSED, UNREACHABLE, USAGE, Case, main
from site_of_run import netns

CAP_NET_ADMIN = 12


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
                (["run"], "run needs --port, and --table or --control"),
                (["run", *table, *ports[:2]], "no --port leads to the edges"),
                (["run", *table, *ports[2:]], "no --port leads outside"),
                (["run", *table, "--port", "outside"], "expected NAME:outside"),
                (["run", *table, "--port", "outside:inside"], "expected a zone"),
                (["run", *table, *ports, *ports[:2]], "each interface once"),
                (["run", *table, *ports, "--pins", "0"], "a number from 1 to 67108864"),
                (["run", *table, *ports, "--pins", "1k"], "a number from 1 to 67108864"),
                (["run", *table, *ports, "--sip-rate", "some"], "a number from 0 to 10000000"),
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
        self.assertIn("SIP messages of strangers: 20000 kB a second and CPU", text)
        code, _, err = self.gateway.command("detach", "--pin", self.gateway.pin)
        self.assertEqual(code, UNREACHABLE)  # somebody would attach it again
        self.assertIn("another turnout-xdp has it", err)
        self.check_flow()
        self.gateway.kill()
        code, _, err = self.gateway.command("detach", "--pin", self.gateway.pin)
        self.assertEqual(code, DONE)
        self.assertIn("detached from outside", err)
        self.assertFalse(self.gateway.pin.exists())
        self.gateway.await_detached("outside")


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

    def test_another_sip_rate(self):
        """It is that of the process which has attached, also for the program's next packets."""
        self.begin()
        for options, rate, text in ((["--sip-rate", "7"], 7, "7 kB a second"),
                                    (["--sip-rate", "0"], 0, "all are read"), ([], 20000, "")):
            self.gateway.kill()
            self.gateway.start(*options)
            self.assertEqual(self.gateway.status()["sip_rate"], rate)
            self.assertIn(text, self.gateway.command("status", "--pin", self.gateway.pin)[1])
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

    def test_a_generation_that_is_not_acknowledged(self):
        """Some packet may still be decided by the one before: its place is not written to."""
        self.gateway.start(program="stumbling", stumble="fail:to_xdp_await:2")
        self.gateway.publish("new", 2)
        process, watch = self.gateway.process, self.gateway.watch
        process.child.send_signal(signal.SIGHUP)
        watch.until(process, "generation 2 is not acknowledged", "err")
        before = self.gateway.digest("tables")
        self.gateway.publish("legacy", 3)
        process.child.send_signal(signal.SIGHUP)
        watch.until(process, "refused: the running generation is not acknowledged yet", "err")
        self.assertEqual(self.gateway.digest("tables"), before)
        process.child.send_signal(signal.SIGUSR1)
        self.assertIn('"live": false', watch.until(process, r'"live": \w+', "out")[0])
        self.gateway.start()  # it becomes live by the next process, which takes the third
        self.assertEqual(self.gateway.status()["generation"], 3)

    def test_losses_are_counted_all_the_time(self):
        """The tracepoints' programs are exchanged as the others are."""
        self.gateway.start()
        pins = [self.gateway.pin / f"losses_{n}"
                for n in ("refused", "unsent", "unreturned", "unreturned_many")]
        over, absent = threading.Event(), set()

        def look():
            while not over.is_set():
                absent.update(p.name for p in pins if not p.exists())

        thread = threading.Thread(target=look)
        thread.start()
        try:
            for _ in range(3):
                before = [p.stat().st_ino for p in pins]
                self.gateway.start()
                self.assertTrue(set(before).isdisjoint(p.stat().st_ino for p in pins))
        finally:
            over.set()
            thread.join()
        self.assertEqual(absent, set())
        self.assertEqual([p.name for p in self.gateway.pin.iterdir() if "_new" in p.name], [])

    def test_rows_that_are_lost(self):
        """Whose the counters were nobody knows any more: they begin anew, each pair with its own."""
        self.begin()
        self.check_flow()
        self.gateway.kill()
        (self.gateway.pin / "maps" / "rows").unlink()
        self.gateway.publish("legacy", 1)
        self.gateway.start()
        self.assertEqual(self.datagrams(), {})
        self.check_idle()
        self.assertEqual(self.datagrams(), {edge: 2 * list(self.idle.values()).count(edge)
                                            for edge in set(self.idle.values())})
        self.gateway.publish("new", 2)
        self.gateway.start()
        self.check_idle()
        self.assertEqual(sum(self.datagrams().values()), 4 * len(self.idle))

    def datagrams(self):
        """What was counted of flows, by edges."""
        found = {}
        for cell in self.gateway.status()["counters"]:
            if cell["edge"] or cell["service"]:
                found[cell["edge"]] = found.get(cell["edge"], 0) + cell["packets"]
        return found

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

    def test_killed_at_the_first_start(self):
        """Some maps, all of them, a link: what is not whole is made again."""
        for step in "bpf_obj_pin:5", "bpf_obj_pin:34", "bpf_obj_pin:35":
            self.gateway.die(step)
            self.gateway.start()
            self.gateway.status()
            for s in site.open_flows(3):
                s.close()
            self.gateway.clear()

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
            netns.run("bpftool", "map", "update", "pinned", control, "key", *"0000", "value", at,
                    *["0"] * 23)
        point(1 - slot)
        code, said = self.gateway.start_to_its_end()
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("no generation that this build can read", said)
        point(slot)
        self.gateway.start()
        self.check_idle()


class Ports(Case):
    def test_gone_and_back(self):
        self.gateway.start()
        self.idle = {s: self.edge_of(s) for s in site.open_flows(5)}
        self.gateway.publish("new", 2)
        netns.run("ip", "-n", "gw", "link", "del", "outside")
        self.gateway.watch.until(self.gateway.process, "outside is gone", "err")
        self.assertEqual({(p["name"], p["mode"]) for p in self.gateway.status()["ports"]},
                         {("outside", "absent"), ("edges", "native")})
        self.network.reconnect_client()
        self.gateway.watch.until(self.gateway.process, r"attached to outside \(native\)", "err")
        self.check_idle_soon()
        self.gateway.kill()
        netns.run("ip", "-n", "gw", "link", "del", "outside")
        said = self.gateway.start()
        self.assertIn("there is no interface outside yet", said)
        self.network.reconnect_client()
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
        netns.ip("gw", "link add mute type bridge", "link set mute up")
        self.addCleanup(netns.ip, "gw", "link del mute")
        ports = [*self.gateway.ports, "mute:edges"]
        code, said = self.gateway.start_to_its_end(ports=ports)  # a first start: nothing stays
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("cannot attach to mute: its driver has no native XDP", said)
        self.gateway.await_detached("outside")
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

    def test_a_start_that_fails(self):
        """It would have other zones, next hops and ports: the program that runs knows nothing."""
        netns.ip("gw", "link add mute type bridge", "link set mute up")
        self.addCleanup(netns.ip, "gw", "link del mute")
        self.begin()
        self.gateway.kill()
        before = [self.gateway.dump(name) for name in ("ports", "hops")]
        hop = "--nexthop", "edges=02:00:00:00:00:99"
        for options, ports in (
                ((*hop, "--control", "/proc/nowhere/socket"), ("outside:edges", "edges:outside")),
                (hop, (*self.gateway.ports, "mute:edges"))):
            code, said = self.gateway.start_to_its_end(*options, ports=ports)
            self.assertEqual(code, UNREACHABLE, said)
            self.assertEqual([self.gateway.dump(name) for name in ("ports", "hops")], before)
        self.check_flow()
        self.gateway.start()
        self.check_idle()


if __name__ == "__main__":
    sys.exit(main(__doc__))

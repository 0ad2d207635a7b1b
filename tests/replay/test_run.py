#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""turnout-dp run over the pcap PMD: ports in and out, generations by SIGHUP, counters, state."""

import json
import os
import selectors
import signal
import subprocess
import time
import unittest

import captures
from common import ENGINE, PLAN, Case, ethernet, renumbered, run, tcp, udp

C, VIP, E1 = "198.51.100.7", "203.0.113.100", "203.0.113.10"
OUTSIDE, EDGES = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256",
       "--log-level=*:error"]
WAIT = 30  # seconds, on a busy machine


def flows(count, packets=2):
    """Frames of clients' UDP flows to the VIP."""
    return [(0, ethernet(udp(f"198.51.100.{i % 250 + 1}", 6000 + i, VIP, 50000)))
            for _ in range(packets) for i in range(count)]


class Run(Case):
    def argv(self, frames, table, workers=1, more=()):
        """One port that both sides are behind; what it gets and what it sends are captures."""
        pcap = self.capture(frames)
        self.out = self.dir / "out.pcap"
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        return [str(a) for a in (
            ENGINE, "run", f"--lcores=(0-{workers})@({cpus})", *EAL, "--vdev",
            f"net_pcap0,rx_pcap={pcap},tx_pcap={self.out}", "--", "--table", table, "--port",
            "net_pcap0:both", "--nexthop", f"outside={OUTSIDE}", "--nexthop", f"edges={EDGES}",
            "--workers", workers, "--pins", 65536, *more)]

    def finish(self, frames, table, workers=1, more=()):
        done = run(*self.argv(frames, table, workers, ["--packets", len(frames), *more]))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr

    def reasons(self, report):
        out = {}
        for cell in report["counters"]:
            out[cell["reason"]] = out.get(cell["reason"], 0) + cell["packets"]
        return out


class Traffic(Run):
    def test_steers(self):
        report, _ = self.finish(flows(300), self.image("old"))
        self.assertEqual(self.reasons(report), {"route": 300, "pin": 300})
        self.assertEqual(report["verdicts"]["steer"], 600)
        self.assertEqual(report["ports"]["sent"]["all"], 600)
        sent = [frame for _, frame in read_any(self.out)]
        self.assertEqual(len(sent), 600)
        for frame in sent:
            self.assertEqual(frame[:6].hex(":"), EDGES)
            self.assertIn(frame[30:34], (b"\xcb\x00\x71\x0a", b"\xcb\x00\x71\x0b"))
        self.assertEqual(captures.bad_frames(sent, self.dir / "sent.pcap"), set())

    def test_answers_go_outside(self):
        frames = [(0, ethernet(tcp(C, 40000, VIP, 443, 2))),
                  (0, ethernet(tcp(E1, 443, C, 40000, 18))),
                  (0, ethernet(tcp("203.0.113.11", 443, C, 40000, 18)))]
        report, _ = self.finish(frames, self.image("old"))
        self.assertEqual({v: n for v, n in report["verdicts"].items() if n},
                         {"steer": 1, "reply": 1, "out": 1})
        macs = [frame[:6].hex(":") for _, frame in read_any(self.out)]
        self.assertEqual(sorted(macs), [OUTSIDE, OUTSIDE, EDGES])

    def test_workers_own_their_clients(self):
        for workers in 2, 3:
            report, _ = self.finish(flows(400, 3), self.image("old"), workers)
            self.assertEqual(self.reasons(report), {"route": 400, "pin": 800}, workers)
            self.assertEqual(report["ports"]["received"]["workers"][1:], [0] * (workers - 1))
            self.assertGreater(report["ports"]["handed_over"]["all"], 200)
            self.assertEqual(report["ports"]["ring_full"]["all"], 0)

    def test_kernel_frames(self):
        arp = ethernet(b"\0" * 28, 0x0806)
        report, _ = self.finish([(0, arp)] * 3, self.image("old"))
        self.assertEqual(report["ports"]["kernel_drop"]["all"], 3)
        self.assertEqual(read_any(self.out), [])

    def test_two_ports_and_a_kernels(self):
        """Outside and edges on ports of their own; what is the kernel's goes to the kernel's."""
        names = {n: self.dir / f"{n}.pcap" for n in ("outside", "edges", "kernel")}
        into = {
            "outside": self.capture(
                [*flows(20, 1), (0, ethernet(b"\0" * 28, 0x0806)),
                 (0, ethernet(udp(E1, 443, C, 1)))], "a.pcap"),
            "edges": self.capture([(0, ethernet(udp(E1, 9999, "192.0.2.1", 53)))], "b.pcap"),
            "kernel": self.capture([(0, ethernet(b"\1" * 28, 0x0806))], "c.pcap")}
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        vdevs = [x for i, n in enumerate(names)
                 for x in ("--vdev", f"net_pcap{i},rx_pcap={into[n]},tx_pcap={names[n]}")]
        done = run(ENGINE, "run", f"--lcores=(0-1)@({cpus})", *EAL, *vdevs, "--", "--table",
                   self.image("old"), "--port", "net_pcap0:outside:net_pcap2", "--port",
                   "net_pcap1:edges", "--nexthop", f"outside={OUTSIDE}", "--nexthop",
                   f"edges={EDGES}", "--packets", 23, "--pins", 65536)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(self.reasons(report).get("spoof"), 1)
        self.assertEqual(report["ports"]["to_kernel"]["all"], 1)
        self.assertEqual({n: len(read_any(p)) for n, p in names.items()},
                         {"outside": 1 + report["ports"]["from_kernel"]["all"], "edges": 20,
                          "kernel": 1})


class Guard(Run):
    """Of SIP messages: a burst of them from as many strangers, and RTP between them."""
    COUNT = 250

    def report(self, *more):
        self.plan.write_text(PLAN.replace("stages:", "  sip: {kind: sip, vip: 203.0.113.100, "
                                          "protocol: udp, port: 5060, address: a}\nstages:"),
                             encoding="utf-8")
        junk = b"INVITE sip:b@example.com SIP/2.0\r\nX-Long: " + b"x" * 1400
        frames = [(0, ethernet(udp(f"198.51.100.{i + 1}", 5060, VIP, 5060, junk)))
                  for i in range(self.COUNT)]
        media = flows(self.COUNT, 1)
        frames = [frame for pair in zip(frames, media) for frame in pair]
        report, _ = self.finish(frames, self.image("old"), more=more)
        return report, self.reasons(report)

    def test_on(self):
        """At 1 kB a second the first is read, and the next more than a second later."""
        report, reasons = self.report("--sip-rate", 1)
        self.assertEqual(report["sip_rate"], 1)
        self.assertGreaterEqual(reasons["sip-rate"], self.COUNT - 20)
        self.assertEqual(reasons["sip-rate"] + reasons["route"], 2 * self.COUNT)
        self.assertEqual(report["verdicts"]["drop"], reasons["sip-rate"])

    def test_off(self):
        report, reasons = self.report("--sip-rate", 0)
        self.assertEqual(report["sip_rate"], 0)
        self.assertEqual(reasons, {"route": 2 * self.COUNT})

    def test_default(self):
        self.assertEqual(self.report()[0]["sip_rate"], 20000)


class Control(Run):
    def start(self, frames, table, more=()):
        child = subprocess.Popen(self.argv(frames, table, more=more), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.kill)
        while "steering on" not in self.read(child.stderr):
            pass
        return child

    def report(self, child):
        """Asks for the counters until all frames have come."""
        decoder, text = json.JSONDecoder(), ""
        child.send_signal(signal.SIGUSR1)
        while True:
            text += self.read(child.stdout)
            try:
                return decoder.raw_decode(text)[0]
            except ValueError:
                continue

    def read(self, stream):
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            self.assertTrue(selector.select(WAIT), "the engine says nothing")
        text = os.read(stream.fileno(), 65536).decode()
        self.assertTrue(text, "the engine has ended")
        return text

    def until(self, child, condition):
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            report = self.report(child)
            if condition(report):
                return report
        self.fail("it does not happen")

    def test_generations(self):
        table = self.image("old")
        child = self.start(flows(10), table)
        self.until(child, lambda r: r["ports"]["received"]["all"] == 20)
        half = self.image("half").read_bytes()
        for content, said in ((renumbered(half, 2), "generation 2 is live"),
                              (b"nonsense", "refused"),
                              (renumbered(half, 2), "generation 2"),  # runs already
                              (renumbered(half, 4)[:-64], "refused"),
                              (renumbered(half, 4), "generation 4 is live")):
            table.write_bytes(content)
            child.send_signal(signal.SIGHUP)
            self.assertIn(said, self.read(child.stderr))
        report = self.report(child)
        self.assertEqual((report["generation"], report["stage"], report["live"]), (4, "half", True))
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(WAIT), 0)

    def test_state_survives(self):
        """A death by SIGKILL, another number of workers: every flow keeps its edge."""
        answered = [(0, ethernet(tcp(f"198.51.100.{i + 1}", 40000, VIP, 443, 2)))
                    for i in range(200)]
        state = ["--state", self.dir / "state"]
        child = self.start(answered, self.image("old"), state)
        self.until(child, lambda r: r["ports"]["received"]["all"] == 200)
        child.kill()
        child.wait()
        edges = {frame[26:30]: frame[30:34] for _, frame in read_any(self.out)}
        answers = [(0, ethernet(tcp(".".join(map(str, edge)), 443, ".".join(map(str, client)),
                                    40000, 18))) for client, edge in edges.items()]
        # the pcap PMD buffers what it sends: whoever is not in the file asks again
        report, said = self.finish([*answered, *answers], self.image("old"), more=state)
        self.assertIn("taken over", said)
        self.assertEqual(self.reasons(report)["pin"], 200)
        data = [(0, ethernet(tcp(f"198.51.100.{i + 1}", 40000, VIP, 443, 16, b"x")))
                for i in range(200)]
        moved = self.image("moved", 2)
        for workers in 2, 1:
            report, said = self.finish(data, moved, workers, state)
            self.assertIn("another size", said)
            self.assertEqual(self.reasons(report), {"pin": 200})


class Refusals(Run):
    def test_usage(self):
        done = run(ENGINE, "run", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        table = self.image("old")
        for change, code, message in (
                (["--workers", "0"], 2, "1 to 64"),
                (["--sip-rate", "-1"], 2, "0 to 10000000"),
                (["--port", "net_pcap0:inside"], 2, "NAME:outside"),
                (["--port", "net_pcap9:both"], 3, "no port 'net_pcap9'"),
                (["--nexthop", "e1"], 2, "EDGE=WHERE"),
                (["--nexthop", "e1=02:00"], 2, "an address or a MAC"),
                (["--nexthop", "e1=02:00:00:00:00:0a1"], 2, "an address or a MAC"),
                (["--nexthop", "e1=01:00:5e:00:00:01"], 2, "a MAC of one machine"),
                (["--nexthop", "e1=224.0.0.1"], 2, "an address of one machine"),
                (["--no-such"], 2, "--no-such"),
                (["surplus"], 2, "surplus"),
                (["--workers", "9"], 2, "lcores")):
            done = run(*self.argv(flows(1), table, more=change))
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(message, done.stderr)

    def test_missing_nexthop(self):
        argv = self.argv(flows(1), self.image("old"))
        at = argv.index(f"edges={EDGES}")
        argv[at] = f"e1={EDGES}"
        done = run(*argv)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no next hop to edge e2", done.stderr)

    def test_bad_table(self):
        table = self.image("old")
        table.write_bytes(table.read_bytes()[:200])
        done = run(*self.argv(flows(1), table))
        self.assertEqual(done.returncode, 4)
        self.assertIn("refused", done.stderr)


def read_any(path):
    """Frames of what the pcap PMD writes: nanoseconds or microseconds."""
    data = path.read_bytes()
    data = b"\x4d\x3c\xb2\xa1" + data[4:]
    path.write_bytes(data)
    return captures.read(path)


if __name__ == "__main__":
    unittest.main()

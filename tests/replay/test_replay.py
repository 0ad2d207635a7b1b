#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""turnout replay and turnout-dp replay: options, exit codes, link types, outputs, full disks."""

import json
import os
import struct
import subprocess
import threading
import unittest

from common import (ENGINE, START, TURNOUT, Case, ethernet, lines, renumbered, run, tcp, udp)

C, VIP, E1 = "198.51.100.7", "203.0.113.100", "203.0.113.10"
SYN, ACK = 2, 16


def syn(n=0):
    return ethernet(tcp(f"198.51.100.{n % 250 + 1}", 40000 + n, VIP, 443, SYN))


class Options(Case):
    def test_help_and_version(self):
        for argv in ([ENGINE, "--help"], [ENGINE, "--version"], [ENGINE, "replay", "--help"],
                     [TURNOUT, "replay", "--help"]):
            done = run(*argv)
            self.assertEqual((done.returncode, done.stderr), (0, ""), argv)
            self.assertTrue(done.stdout)

    def test_usage_of_the_engine(self):
        for argv, message in (([], "Usage"), (["rpelay"], "unknown command"),
                              (["replay"], "needs --pcap and --table"),
                              (["replay", "--workers", "0"], "1 to 64"),
                              (["replay", "--workers", "1x"], "1 to 64"),
                              (["replay", "--mtu", "99999"], "576 to 65535"),
                              (["replay", "--sip-rate", "10000001"], "0 to 10000000"),
                              (["replay", "--at", "1.5"], "SECONDS"),
                              (["replay", "--at", "x:y"], "SECONDS"),
                              (["replay", "--at", "1.0000000001:y"], "SECONDS"),
                              (["replay", "--no-such"], "--no-such"),
                              (["replay", "--pcap", "a", "--table", "b", "c"], "unexpected")):
            done = run(ENGINE, *argv)
            self.assertEqual(done.returncode, 2, argv)
            self.assertIn(message, done.stderr)

    def test_usage_of_the_command(self):
        pcap = self.capture([(0, syn())])
        for argv, message in ((["--stage", "hlaf"], "did you mean 'half'"),
                              (["--at", "5=movde"], "did you mean 'moved'"),
                              (["--at", "5=down:e3"], "no edge 'e3'"),
                              (["--at", "5=dwon:e1"], "did you mean 'down'"),
                              (["--at", "soon=half"], "not a time"),
                              (["--at", "5y=half"], "not a time"),
                              (["--at", "half"], "TIME=EVENT"),
                              (["--events", "no-such-file"], "no-such-file"),
                              (["--engine", "vpp"], "no engine 'vpp'")):
            done = self.replay(self.plan, pcap, *argv, code=2)
            self.assertIn(message, done.stderr, argv)

    def test_events_file(self):
        events = self.dir / "events"
        events.write_text("# a cutover\n\n 1=half  # in steps\n2=movd\n", encoding="utf-8")
        done = self.replay(self.plan, self.capture([(0, syn())]), "--events", events, code=2)
        self.assertIn(f"{events}:4:", done.stderr)
        self.assertIn("did you mean 'moved'", done.stderr)

    def test_no_capture(self):
        done = self.replay(self.plan, self.dir / "none.pcap", code=2)
        self.assertIn("none.pcap", done.stderr)
        nonsense = self.dir / "nonsense.pcap"
        nonsense.write_bytes(b"this is no capture, whatever its name")
        self.assertIn("nonsense.pcap", self.replay(self.plan, nonsense, code=2).stderr)

    def test_no_engine(self):
        done = run(TURNOUT, "replay", self.plan, self.capture([(0, syn())]),
                   env=os.environ | {"TURNOUT_DP": "/no/such/engine"})
        self.assertEqual(done.returncode, 3)
        self.assertIn("/no/such/engine", done.stderr)

    def test_engine_that_dies(self):
        engine = self.dir / "dies"
        engine.write_text("#!/bin/sh\nkill -9 $$\n")
        engine.chmod(0o755)
        done = run(TURNOUT, "replay", self.plan, self.capture([(0, syn())]),
                   env=os.environ | {"TURNOUT_DP": str(engine)})
        self.assertEqual(done.returncode, 3)

    def test_empty_capture(self):
        done = self.replay(self.plan, self.capture([]), "--out", self.dir / "out", "--json")
        self.assertEqual(json.loads(done.stdout)["frames"], 0)
        self.assertEqual(lines(self.dir / "out"), [])
        self.replay(self.plan, self.capture([]))


class Events(Case):
    def generations(self, *argv):
        out = self.dir / "out"
        pcap = self.capture([(i, syn(i)) for i in range(10)])
        done = self.replay(self.plan, pcap, "--out", out, "--json", *argv)
        return [line["generation"] for line in lines(out)], json.loads(done.stdout)["generations"]

    def test_times(self):
        for time in ("5", "5.0", "5s", "4.000000001", "2026-01-01T10:00:05Z"):
            found, _ = self.generations("--at", f"{time}=half")
            self.assertEqual(found, [1] * 5 + [2] * 5, time)
        found, _ = self.generations("--at", "0.1m=half", "--at", "0=moved")
        self.assertEqual(found, [2] * 6 + [3] * 4)

    def test_events_before_and_after_the_capture(self):
        found, all_of_them = self.generations("--at", "2020-01-01T00:00:00Z=half", "--at",
                                              "1h=moved")
        self.assertEqual(found, [2] * 10)
        self.assertEqual([g["frames"] for g in all_of_them], [0, 10, 0])
        self.assertEqual([g["event"] for g in all_of_them], ["old", "half", "moved"])

    def test_all_kinds(self):
        events = ["half", "down:e1", "up:e1", "drain:e1", "retire:e1", "up:e1", "readmit:e1", "old"]
        argv = [x for i, e in enumerate(events) for x in ("--at", f"{i + 1}={e}")]
        found, all_of_them = self.generations(*argv)
        self.assertEqual(found, [1, 2, 3, 4, 5, 6, 7, 8, 9, 9])
        self.assertEqual([g["event"] for g in all_of_them], ["old", *events])

    def test_time_that_runs_backwards(self):
        pcap = self.capture([(5, syn(1)), (1, syn(2)), (9, syn(3))])
        out = self.dir / "out"
        self.replay(self.plan, pcap, "--at", "2=half", "--out", out)
        self.assertEqual([line["generation"] for line in lines(out)], [1, 1, 2])


class Refused(Case):
    def engine(self, *argv):
        out = self.dir / "out"
        pcap = self.capture([(i, syn(i)) for i in range(4)])
        done = run(ENGINE, "replay", "--pcap", pcap, "--out", out, "--summary",
                   self.dir / "summary.json", *argv)
        return done, [line["generation"] for line in lines(out)] if out.exists() else None

    def test_first_table(self):
        image = self.image("old")
        image.write_bytes(image.read_bytes()[:-1] + b"x")
        done, found = self.engine("--table", image)
        self.assertEqual((done.returncode, found), (4, None))
        self.assertIn("refused", done.stderr)

    def test_later_table(self):
        first, bad = self.image("old"), self.image("half", 2)
        for change in (lambda b: b[:100], lambda b: b[:-8], lambda b: b"", lambda b: b + b"x" * 64,
                       lambda b: b[:64] + b"\xff" + b[65:]):
            good = bad.read_bytes()
            (self.dir / "changed").write_bytes(change(good))
            done, found = self.engine("--table", first, "--at",
                                      f"{START + 2}:{self.dir / 'changed'}")
            self.assertEqual((done.returncode, found), (4, [1] * 4), done.stderr)
            self.assertIn("refused", done.stderr)
            summary = json.loads((self.dir / "summary.json").read_text())
            self.assertEqual([("refused" in g, "generation" in g) for g in summary["generations"]],
                             [(False, True), (True, False)])

    def test_generations_count_upwards(self):
        first, again = self.image("old"), self.image("half")
        done, found = self.engine("--table", first, "--at", f"{START + 2}:{again}")
        self.assertEqual((done.returncode, found), (4, [1] * 4))
        self.assertIn("generation 1", done.stderr)

    def test_another_plan(self):
        first = self.image("old")
        for before, after in (("e2:", "e9:"), ("salt: lab\n", "salt: other\n"), ("media:", "medium:"),
                              ("203.0.113.100", "203.0.113.101")):
            self.plan.write_text(self.plan.read_text().replace(before, after))
            other = self.image("half", 2)
            done, found = self.engine("--table", first, "--at", f"{START + 2}:{other}")
            self.assertEqual((done.returncode, found), (4, [1] * 4), before)
            super().setUp()

    def test_pipe(self):
        pipe, image = self.dir / "pipe", self.image("old").read_bytes()
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_bytes(renumbered(image, 7)))
        writer.start()
        done, found = self.engine("--table", pipe)
        writer.join()
        self.assertEqual((done.returncode, found), (0, [7] * 4), done.stderr)


class LinkTypes(Case):
    def verdicts(self, link, frames):
        out = self.dir / "out"
        pcap = self.capture([(0, f) for f in frames], link=link)
        self.replay(self.plan, pcap, "--out", out)
        return lines(out)

    def test_every_one(self):
        packet = udp(C, 6000, VIP, 50000)
        sll = struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800)
        sll2 = struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8))
        headers = {1: ethernet(b""), 101: b"", 228: b"", 0: struct.pack("<I", 2),
                   108: struct.pack(">I", 2), 113: sll, 276: sll2}
        expected = self.verdicts(1, [ethernet(packet)])
        self.assertEqual(expected[0]["verdict"], "steer")
        for link, header in headers.items():
            self.assertEqual(self.verdicts(link, [header + packet]), expected, f"link {link}")
            # cut within the header, and nothing at all: not IP, but no end either
            short = self.verdicts(link, [header[:2], b"", header + packet])
            self.assertEqual([v["reason"] for v in short], ["not-ip", "not-ip", "route"], link)

    def test_unknown_one(self):
        done = self.replay(self.plan, self.capture([(0, b"x" * 60)], link=105), code=2)
        self.assertIn("link type", done.stderr)

    def test_agrees_with_the_model_on_ipv6(self):
        packet = bytes.fromhex("6000000000001140") + bytes(32)
        for link, header in ((101, b""), (229, b""), (0, struct.pack("<I", 10)),
                             (0, struct.pack("<I", 30)), (108, struct.pack(">I", 24))):
            self.assertEqual(self.verdicts(link, [header + packet])[0]["reason"], "not-ours", link)


class Frames(Case):
    def test_truncated(self):
        whole = ethernet(udp(C, 6000, VIP, 50000))
        pcap = self.capture([(0, whole[:50])], wire=len(whole))
        done = self.replay(self.plan, pcap, "--out", self.dir / "out", "--json")
        self.assertEqual(lines(self.dir / "out")[0]["reason"], "ip-truncated")
        self.assertEqual(json.loads(done.stdout)["truncated"], 1)

    def test_large(self):
        frames = [ethernet(udp(C, 6000 + i, VIP, 50000, b"\x80" + bytes(size)))
                  for i, size in enumerate((1, 2000, 9000, 40000, 65506))]
        pcap = self.capture([(0, f) for f in frames])
        for workers in "1", "2":
            out = self.dir / workers
            self.replay(self.plan, pcap, "--mtu", "65535", "--workers", workers, "--out", out)
            self.assertEqual([v["verdict"] for v in lines(out)], ["steer"] * 5)
            self.assertEqual((out / "edge-e1.pcap").stat().st_size +
                             (out / "edge-e2.pcap").stat().st_size,
                             48 + sum(len(f) + 16 for f in frames))

    def test_capture_that_ends_early(self):
        pcap = self.capture([(0, syn(1)), (0, syn(2)), (0, syn(3))])
        pcap.write_bytes(pcap.read_bytes()[:-5])
        done = self.replay(self.plan, pcap, "--out", self.dir / "out", code=1)
        self.assertIn("truncated", done.stderr)
        self.assertEqual(len(lines(self.dir / "out")), 2)

    def test_workers(self):
        frames = [(i / 50, f) for i in range(500) for f in
                  (syn(i), ethernet(tcp(E1, 443, f"198.51.100.{i % 250 + 1}", 40000 + i, 18)))]
        pcap = self.capture(frames)
        outs = {}
        for n in "1", "2", "5":
            self.replay(self.plan, pcap, "--stage", "half", "--at", "3=moved", "--workers", n,
                        "--out", self.dir / n, "--quiet")
            outs[n] = {p.name: p.read_bytes() for p in (self.dir / n).iterdir()}
        self.assertTrue(outs["1"] == outs["2"] == outs["5"])
        self.assertEqual(set(outs["1"]), {"verdicts.jsonl", "kernel.pcap", "replies.pcap",
                                          "errors.pcap", "edge-e1.pcap", "edge-e2.pcap",
                                          "edge-n1.pcap"})


class Outputs(Case):
    def test_tshark_reads_them(self):
        dying = udp(C, 6001, VIP, 50000)
        pcap = self.capture([(0, syn()), (0.25, ethernet(dying)), (1, ethernet(b"x", 0x0806))])
        out = self.dir / "out"
        self.replay(self.plan, pcap, "--mtu", "600", "--out", out)
        times = []
        for path in sorted(out.glob("*.pcap")):
            done = run("tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch")
            self.assertEqual(done.returncode, 0, path)
            times += done.stdout.split()
        self.assertEqual(sorted(times), [f"{START}.000000000", f"{START}.250000000",
                                         f"{START + 1}.000000000"])

    def test_directory_cannot_be_made(self):
        pcap = self.capture([(0, syn())])
        done = self.replay(self.plan, pcap, "--out", "/proc/nowhere", code=1)
        self.assertIn("/proc/nowhere", done.stderr)

    def test_disk_full(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to mount a small file system")
        pcap = self.capture([(0, ethernet(udp(C, 6000, VIP, 50000, b"\x80" + bytes(1400))))] * 4000)
        script = (f"mount -t tmpfs -o size=1m tmpfs {self.dir}/full && "
                  f"{TURNOUT} replay {self.plan} {pcap} --quiet --out {self.dir}/full/out")
        (self.dir / "full").mkdir()
        done = run("unshare", "-m", "sh", "-c", script)
        if "unshare" in done.stderr or "mount" in done.stderr:
            self.skipTest("mounting is not permitted here")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("No space left on device", done.stderr)

    def test_summary_goes_nowhere(self):
        done = run(ENGINE, "replay", "--pcap", self.capture([(0, syn())]), "--table",
                   self.image("old"), "--summary", "/dev/full")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/full", done.stderr)

    def test_table_for_people(self):
        pcap = self.capture([(i, syn(i)) for i in range(200)])
        done = self.replay(self.plan, pcap, "--at", "50=half", "--at", "100=moved")
        for text in ("200 frames", "old", "half", "moved", "access", "none moved to another edge"):
            self.assertIn(text, done.stdout)
        self.assertTrue(done.stdout.isascii())
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(self.replay(self.plan, pcap, "--quiet").stdout, "")

    def test_on_a_terminal(self):
        pcap = self.capture([(i, syn(i)) for i in range(20)])
        for environment, colour in (({}, True), ({"NO_COLOR": "1"}, False)):
            shown = on_terminal([str(TURNOUT), "replay", str(self.plan), str(pcap)],
                                os.environ | {"LC_ALL": "C.UTF-8"} | environment)
            self.assertIn("─", shown)
            self.assertEqual("\033[1m" in shown, colour)


def on_terminal(argv, environment):
    main, other = os.openpty()
    with subprocess.Popen(argv, stdout=other, stderr=other, env=environment) as child:
        os.close(other)
        shown = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        child.wait()
    os.close(main)
    return shown.decode()


class Quick(Case):
    def test_as_nobody_without_memory_or_files(self):
        """No hugepages, no root, nothing left behind, several at once."""
        pcap = self.capture([(0, syn())])
        os.chmod(self.dir, 0o755)
        image = self.image("old")
        nobody = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
        argv = [*nobody, str(ENGINE), "replay", "--pcap", str(pcap), "--table", str(image)]
        children = [subprocess.Popen(argv, stderr=subprocess.PIPE) for _ in range(4)]
        for child in children:
            _, errors = child.communicate(timeout=60)
            self.assertEqual((child.returncode, errors), (0, b""))


if __name__ == "__main__":
    unittest.main()

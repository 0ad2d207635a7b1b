#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The judge is itself judged: what was put in, it must find and name. One engine, turnout-dp, is
enough for that, and no privilege."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import cases  # noqa: E402
import coverage  # noqa: E402
import differ  # noqa: E402
import engines  # noqa: E402
import fields  # noqa: E402
import mangle  # noqa: E402
import world  # noqa: E402
from model import pcap  # noqa: E402
from wire import frame  # noqa: E402

BUILD = Path(os.environ.get("TURNOUT_BUILD", world.TOP / "build"))
TURNOUT = BUILD / "control" / "turnout"
ENGINE = BUILD / "dataplane" / "turnout-dp"
SEEDS = range(6)

# Calls the engine; with two workers one word of its fourth verdict is changed afterwards.
LIAR = """\
#!/bin/bash
{engine} "$@"
code=$?
workers= out=
while (($#)); do
	case $1 in
	--workers) workers=$2 ;;
	--out) out=$2 ;;
	esac
	shift
done
[[ $workers != 2 ]] || sed -i '4s/"class":"[^"]*"/"class":"lie"/' "$out/verdicts.jsonl"
exit $code
"""


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)

    def world(self, seed):
        return cases.make(cases.Order("world", str(seed)), self.dir, TURNOUT)

    def side(self, case, name):
        run = engines.Run(TURNOUT, "dpdk", case, self.dir / name)
        return differ.Side(name, *run.finish(), run.out)

    def complaint(self, case, one, other):
        return differ.complaint(case, one, other, self.dir)


class Worlds(Case):
    def test_a_number_gives_one_world(self):
        for seed in SEEDS:
            one, other = world.World(seed).run(), world.World(seed).run()
            self.assertEqual((one.plan_text, one.frames, one.events, one.found),
                             (other.plan_text, other.frames, other.events, other.found))
        self.assertNotEqual(world.World(1).run().frames, world.World(2).run().frames)

    def test_frames_fit_a_test_run(self):
        for seed in SEEDS:
            sizes = {len(data) for _, data in world.World(seed).run().frames}
            self.assertGreaterEqual(min(sizes), mangle.BOTTOM)
            self.assertLessEqual(max(sizes), mangle.TOP)

    def test_few_plans_are_refused(self):
        refused = sum(world.refused(TURNOUT, world.World(seed).plan_text, self.dir) is not None
                      for seed in range(100))
        self.assertLess(refused, 10)


class Differences(Case):
    """What is really another run, and what was changed by hand."""

    def test_the_same_twice(self):
        case = self.world(0)
        self.assertIsNone(self.complaint(case, self.side(case, "one"), self.side(case, "other")))

    def some_world_differs(self, change):
        """A complaint about a run that was changed; some worlds may not show it."""
        for seed in SEEDS:
            case = self.world(seed)
            found = self.complaint(case, self.side(case, "one"), self.side(change(case), "other"))
            if found:
                return found
        self.fail("no world shows it")

    def test_another_mtu(self):
        found = self.some_world_differs(lambda case: replace(case, mtu=577))
        self.assertIn("too-big", found)

    def test_another_salt(self):
        def change(case):
            plan = case.plan.with_name("other.yaml")
            plan.write_text(case.plan.read_text().replace('salt: "salt-', 'salt: "pepper-'))
            return replace(case, plan=plan)
        self.assertIn("verdicts differ, first that of frame", self.some_world_differs(change))

    def test_a_schedule_with_an_event_less(self):
        found = self.some_world_differs(lambda case: replace(case, events=case.events[1:]))
        self.assertIn("generation", found)

    def both(self, seed=0):
        case = self.world(seed)
        return case, self.side(case, "one"), self.side(case, "other")

    def sent(self, side):
        """A capture of frames to an edge or to clients, and its bytes."""
        path = max((p for p in side.directory.glob("*.pcap") if p.name != "kernel.pcap"),
                   key=lambda p: p.stat().st_size)
        return path, bytearray(path.read_bytes())

    def test_a_byte_of_a_frame(self):
        case, one, other = self.both()
        path, data = self.sent(other)
        data[24 + 16 + 3] ^= 1
        path.write_bytes(data)
        found = self.complaint(case, one, other)
        self.assertIn(f"{path.name}: record 1 (", found)
        self.assertIn("differs at byte 3: Ethernet: destination MAC", found)
        self.assertIn("^^", found)

    def test_a_time_stamp(self):
        case, one, other = self.both()
        path, data = self.sent(other)
        data[24] ^= 1
        path.write_bytes(data)
        self.assertIn("time or length differ", self.complaint(case, one, other))

    def test_a_record_too_few(self):
        case, one, other = self.both()
        path, data = self.sent(other)
        last = differ.records(path)[1][-1]
        path.write_bytes(data[:-16 - len(last[4])])
        self.assertIn("one wrote it, other did not", self.complaint(case, one, other))

    def test_a_file_header(self):
        case, one, other = self.both()
        path, data = self.sent(other)
        data[4] ^= 1
        path.write_bytes(data)
        self.assertIn("the file headers differ", self.complaint(case, one, other))

    def test_a_file_too_few(self):
        case, one, other = self.both()
        (other.directory / "errors.pcap").unlink()
        self.assertIn("only one has errors.pcap", self.complaint(case, one, other))

    def test_a_verdict_too_few(self):
        case, one, other = self.both()
        verdicts = other.directory / differ.VERDICTS
        lines = verdicts.read_text().splitlines(keepends=True)
        verdicts.write_text("".join(lines[:-1]))
        self.assertIn("(nothing)", self.complaint(case, one, other))

    def test_an_exit_code(self):
        case, one, other = self.both()
        other.code = 1
        self.assertIn("ends with", self.complaint(case, one, other))

    def test_a_counter(self):
        case, one, other = self.both()
        other.summary["counters"][1]["packets"] += 1
        self.assertIn("the summaries differ at counters[1]", self.complaint(case, one, other))
        other.summary["counters"][1]["packets"] -= 1
        other.summary["events"]["proven"] += 1
        self.assertIn("the summaries differ at events.proven", self.complaint(case, one, other))

    def test_what_is_an_engine_s_own_is_not_compared(self):
        _, one, _ = self.both()
        text = json.dumps(one.summary)
        for name in (*engines.OWN, *engines.OWN_EVENTS):
            self.assertNotIn(f'"{name}"', text)


class Fields(unittest.TestCase):
    """Where a byte lies."""

    def at(self, packet, offset, tags=()):
        return fields.name_of(frame.ethernet(packet, frame.ROUTER_MAC, tags=tags), offset)

    def test_names(self):
        c, v, c6, v6 = "192.0.2.1", "203.0.113.102", "2001:db8:66::1", "2001:db8:113::102"
        tcp4 = frame.ip(c, v, 6, frame.tcp(c, v, 1, 2, 3, 4, 16, b"data"))
        udp6 = frame.ip(c6, v6, 17, frame.udp(c6, v6, 1, 2, b"data"))
        quoting = frame.ip(c, v, 1, frame.icmp(c, v, 3, 4, 0, tcp4))
        tunnel = frame.ip6(c6, v6, 4, tcp4)
        headers = frame.ip6(c6, v6, 0, frame.ip6_extension(17) + udp6[40:])
        for packet, offset, tags, name in (
                (tcp4, 13, (), "Ethernet: type"),
                (tcp4, 14 + 11, (), "IPv4: checksum"),
                (tcp4, 14 + 20 + 2, (), "IPv4 / TCP: destination port"),
                (tcp4, 14 + 40, (), "IPv4 / TCP: byte 0 of the payload"),
                (tcp4, 14 + 44, (), "Ethernet padding"),
                (tcp4, 15, ((0x8100, 5),), "VLAN tag"),
                (udp6, 4 + 14 + 39, ((0x8100, 5),), "IPv6: destination"),
                (udp6, 14 + 46, (), "IPv6 / UDP: checksum"),
                (headers, 14 + 41, (), "IPv6: hop-by-hop header, byte 1"),
                (headers, 14 + 48, (), "IPv6 / UDP: source port"),
                (quoting, 14 + 22, (), "IPv4 / ICMP: checksum"),
                (quoting, 14 + 28 + 16, (), "IPv4 / ICMP, quoted IPv4: destination"),
                (tunnel, 14 + 40 + 8, (), "IPv6 / IPv4: TTL")):
            self.assertEqual(self.at(packet, offset, tags), name)


class Coverage(unittest.TestCase):
    def everything(self):
        verdicts = [("drop", r) for r in coverage.names("TO_REASONS")] + list(coverage.PAIRS)
        seen = Counter({("verdict", *pair): 1 for pair in verdicts})
        for kind, what in (("class", coverage.names("TO_CLASSES")),
                           ("mode", coverage.modes()), ("event", coverage.EDGE_EVENTS),
                           ("counted", coverage.names("TO_EVENTS"))):
            seen.update({(kind, name): 1 for name in what})
        return seen

    def test_nothing_is_missing_from_everything(self):
        self.assertEqual(list(coverage.missing(self.everything())), [])

    def test_whatever_is_left_out_is_missed(self):
        unasked = {("counted", name) for name in coverage.NEVER}
        for key in self.everything():
            lacking = self.everything()
            del lacking[key]
            if key[0] == "verdict" and key[1:] not in coverage.PAIRS:
                for other in [k for k in lacking if k[0] == "verdict" and k[2] == key[2]]:
                    del lacking[other]
            self.assertEqual(bool(list(coverage.missing(lacking))), key not in unasked, key)


class Judge(Case):
    """The whole of it."""

    def judge(self, *options, engine=ENGINE):
        return subprocess.run(
            [sys.executable, HERE / "judge.py", "--turnout", TURNOUT, "--engines", "dpdk",
             "dpdk2", *options], capture_output=True, text=True, check=False,
            env=os.environ | {"TURNOUT_DP": str(engine)})

    def test_two_workers_agree_with_one(self):
        done = self.judge("--without-model", "--world", *map(str, SEEDS))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(SEEDS)} worlds", done.stdout)

    def test_a_lie_is_found_and_can_be_repeated(self):
        liar = self.dir / "liar"
        liar.write_text(LIAR.format(engine=ENGINE), encoding="utf-8")
        liar.chmod(liar.stat().st_mode | stat.S_IXUSR)
        done = self.judge("--world", "3", "4", engine=liar)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("world 3: 1 of", done.stdout)
        self.assertIn("first that of frame 4", done.stdout)
        self.assertIn('"class":"lie"', done.stdout)
        self.assertIn("--world 3 --work DIR", done.stdout)
        self.assertNotIn("world 4", done.stdout)

    def test_an_engine_that_cannot_start(self):
        done = self.judge("--world", "3", engine="/bin/false")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("world 3: dpdk ends with 1", done.stdout)

    def test_a_world_is_kept(self):
        kept = self.dir / "kept"
        self.assertEqual(self.judge("--without-model", "--world", "2", "--work",
                                    kept).returncode, 0)
        self.assertEqual(pcap.read(kept / "world-2" / "in.pcap"), world.World(2).run().frames)


if __name__ == "__main__":
    unittest.main()

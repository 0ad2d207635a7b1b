#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""An engine between real clients and real servers, in namespaces over veth.

Thousands of TCP connections and UDP flows, IPv4 and IPv6, talk all the time while stages are
switched and rolled back, edges fail and come back, and (--kills) the engine's process dies. No
connection breaks, none moves, each new flow gets the edge that the reference model names, and no
datagram is lost that no kernel has dropped.
"""

import argparse
import json
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import engines
import lab
import netns
import plans
from processes import Failed, Process, Watch

MODES = "dnat", "l2", "ipip"
CLIENTS = 1500  # addresses of each family
OPEN = {"tcp-held": (1200, 300), "tcp-short": (4000, 100),
        "udp-held": (240, 60), "udp-short": (2000, 40)}  # how many at most, how many a second
EVERY = 400  # ms between a flow's asks
SWITCHES = [("half", None), ("new", None), ("half", None), ("legacy", None), ("new", "n1"),
            ("new", None), ("half", "e2"), ("legacy", None)]
MARK_WITHIN = 20  # seconds
MOMENTS = "idle", "switching", "starting"  # when the engine's process is killed
# Nothing else becomes of packets here: "midflow" would be an entry that is lost. Edges open but
# what is spoiled; to find their neighbours is not that. What is too big for a tunnel is dropped,
# and its sender told.
REASONS = {"pin", "route", "reply", "gateway", "not-ip", "not-ours", "edge-initiated", "too-big"}
LOSSES = "entry-lost", "proven-full", "unproven-displaced"
CHECKSUMS = "InCsumErrors"
CAME_TWICE = "TCPDSACKRecv", "TCPDSACKOfoRecv"
FINS = 20  # that were sent again to a socket that had gone, which does not say that they came twice
# What is said when it is noticed that the engine forgets its flows, or runs another stage.
FAULTS = {"forget": "^broken .* (moved|reset|twice)|went to", "stage": "flow of .* went to"}


class Run:
    """One engine, one forwarding mode, both families."""

    def __init__(self, options, mode, directory):
        self.options, self.mode = options, mode
        self.watch = Watch(self.on_line)
        engine = engines.ENGINES[options.engine]
        self.network = lab.Lab(mode, options.peer, engine.redirects)
        self.generations = plans.Generations(directory, options.build / "control" / "turnout", mode)
        self.engine = engine(options.build, self.watch, self.generations.path)
        self.servers, self.client = [], None
        self.failed = False
        self.marks = [(1, 1)]  # the first and the last generation that may decide then
        self.seen = {}  # (protocol, family, edge) -> flows
        self.decided = {}  # stage -> flows that it alone has decided
        self.slowest = 0  # us
        self.deaths = {}  # moment -> how often

    # ── what the endpoints say ──

    def on_line(self, process, line):
        if self.failed:
            return
        if line.startswith("broken"):
            raise Failed(line)
        if process is self.client and line.startswith("flow "):
            self.on_flow(*line.split()[1:])

    def on_flow(self, protocol, kind, client, port, edge, begun, answered):
        """Each flow, when its first answer has come: is it where it belongs?"""
        begun, answered = int(begun), int(answered)
        first = self.marks[begun // 2][0]
        after = (answered + 1) // 2
        last = self.marks[after][1] if after < len(self.marks) else len(self.generations.past) - 1
        wanted = {g: self.generations.edge(g, protocol, client) for g in range(first, last + 1)}
        if edge not in wanted.values():
            may = ", ".join(f"{e} (generation {g}: {self.generations.name(g)})"
                            for g, e in wanted.items())
            raise Failed(f"{protocol} {kind} flow of {client} port {port} went to {edge}, "
                         f"not to {may}; begun in phase {begun}, answered in {answered}")
        key = protocol, 6 if ":" in client else 4, edge
        self.seen[key] = self.seen.get(key, 0) + 1
        if first == last:
            stage = self.generations.past[first][0]
            self.decided[stage] = self.decided.get(stage, 0) + 1

    # ── the play ──

    def mark(self, first, last=None):
        """Every flow that is there talks once more, and enough new ones come."""
        self.marks.append((first, last or first))
        number = len(self.marks) - 1
        self.client.say(f"mark {number}")
        self.watch.until(self.client, rf"^marked {number}$", timeout=MARK_WITHIN)

    def switch(self, stage, down=None):
        number = self.generations.publish(stage, down, self.options.fault == "stage")
        self.network.forget_neighbours()
        self.slowest = max(self.slowest, self.engine.reload(number))
        self.mark(number)

    def kill(self, moment, stage, down):
        """The engine's process dies, and another takes over; meanwhile traffic goes on."""
        running = last = len(self.generations.past) - 1
        if moment != "idle":
            last = self.generations.publish(stage, down)
        if moment == "switching":
            self.engine.signal(signal.SIGHUP)
            time.sleep(random.uniform(0, self.engine.reload_took))  # the point is any moment
        elif moment == "starting":
            self.engine.kill()
            self.engine.spawn()
            time.sleep(random.uniform(0, self.engine.start_took))
        self.engine.kill()
        self.mark(running, last)
        self.engine.start()
        adopted = self.engine.adopted
        if adopted not in (running, last):
            raise Failed(f"generation {adopted} was taken over, and {running} had been running")
        what = f"{moment}, switched" if adopted > running else moment
        self.deaths[what] = self.deaths.get(what, 0) + 1
        if last > running:
            self.mark(last)
        else:
            self.switch(stage, down)

    def start(self):
        self.network.resolve()
        self.generations.publish("legacy")
        self.engine.start()
        for name in plans.EDGES:
            with netns.inside(name):
                self.servers.append(Process(self.watch, f"server {name}", [
                    self.options.endpoint, "server", name, plans.TCP_PORT, plans.UDP_PORT,
                    *self.network.server_addresses(name)]))
        for server in self.servers:
            self.watch.until(server, "^ready$")
        self.spoil()
        self.drops = self.network.interface_drops()
        opened = [f"--open={k},{most},{rate}" for k, (most, rate) in OPEN.items()]
        vips = [f"{vip},{first}" for vip, first in zip(plans.VIPS, lab.FIRST_CLIENT)]
        with netns.inside("client"):
            self.client = Process(self.watch, "client", [
                self.options.endpoint, "client", *opened, f"--every={EVERY}",
                f"--clients={CLIENTS}", plans.TCP_PORT, plans.UDP_PORT, *vips])
        self.mark(1)

    def spoil(self):
        """Frames with wrong checksums: what receives them must count each, or the checksums of
        all the others would prove nothing."""
        ways = []
        for family in 0, 1:
            client, vip = lab.FIRST_CLIENT[family], plans.VIPS[family]
            ways += [("client", client, vip, "tcp", plans.TCP_PORT),
                     ("client", client, vip, "udp", plans.UDP_PORT)]
            if self.mode == "dnat":
                ways.append(("e1", plans.EDGES["e1"][family], client, "udp", 7))
        for way in ways:
            self.network.spoil(*way)
        self.spoiled = len(ways)
        self.spoiled_flows = sum(way[2] in plans.VIPS for way in ways)
        self.edges_opened = self.spoiled - self.spoiled_flows
        end = time.monotonic() + 5
        while self.wrong_checksums() < self.spoiled:
            if time.monotonic() > end:
                raise Failed(f"{self.spoiled} frames with wrong checksums were sent, and "
                             f"{self.network.counted(CHECKSUMS)} were found")
            time.sleep(0.01)

    def wrong_checksums(self):
        """Each is in one of these: IPv4's UDP in Udp, IPv6's in Udp6, TCP of both in Tcp."""
        return sum(n for (_, key), n in self.network.counted(CHECKSUMS).items())

    def play(self):
        if self.options.kills:
            each, rest = divmod(self.options.kills, len(self.options.mode))
            for i in range(each + (self.options.mode.index(self.mode) < rest)):
                stage, down = SWITCHES[i % len(SWITCHES)]
                self.kill(MOMENTS[i % len(MOMENTS)], stage, down)
            return
        for i, (stage, down) in enumerate(SWITCHES):
            if i == len(SWITCHES) // 2 and self.options.fault == "forget":
                self.engine.forget()
            self.switch(stage, down)

    # ── the end, and what it is judged by ──

    def finish(self):
        self.client.say("end")
        done = {}
        while True:
            found = self.watch.until(self.client, r"^(?:did (\S+) (.*)|done .*)$")
            if not found[1]:
                break
            words = found[2].split()
            done[found[1]] = dict(zip(words[::2], map(int, words[1::2])))
        if self.client.wait() != 0:
            raise Failed("the client is not content")
        for server in self.servers:
            server.child.send_signal(signal.SIGTERM)
            if server.wait() != 0:
                raise Failed(f"{server.name} is not content")
        self.judge(done)

    def tcp_lost(self):
        """Segments that were sent again, but for those that had come after all and came twice: a
        busy machine makes TCP impatient."""
        return sum(self.network.counted("Tcp.RetransSegs").values()) - \
            sum(self.network.counted(CAME_TWICE).values())

    def judge(self, done):
        report = self.engine.report()
        reasons = {c["reason"]: 0 for c in report["counters"]}
        for cell in report["counters"]:
            reasons[cell["reason"]] += cell["packets"]
        dropped = report["verdicts"]["drop"] - reasons.get("too-big", 0)
        events = {e: report["events"][e] for e in LOSSES if report["events"].get(e)}
        drops = {k: n - self.drops.get(k, 0) for k, n in self.network.interface_drops().items()}
        asked = done["udp-held"]["asked"] + done["udp-short"]["asked"]
        answered = done["udp-held"]["answered"] + done["udp-short"]["answered"]
        kernel = sum(drops.values()) + sum(
            self.network.counted(("RcvbufErrors", "SndbufErrors")).values())
        lost = self.tcp_lost()
        flows = sum(kind["opened"] for kind in done.values()) + self.spoiled_flows
        too_big = reasons.get("too-big", 0)  # each is sent again in one piece or in two
        faults = [
            (dropped or set(reasons) - REASONS - self.engine.reasons
             or reasons.get("edge-initiated", 0) != self.edges_opened,
             f"the engine has dropped {dropped} packets, or decided them by other reasons than "
             f"were to be: {reasons}"),
            (not flows - kernel <= reasons.get("route", 0) <= flows,
             f"{flows} flows were decided {reasons.get('route')} times: an entry was lost, "
             "or not made, or its first packet did not come, and the kernels have dropped "
             f"{kernel} frames"),
            (events, f"the engine has lost entries: {events}"),
            (self.wrong_checksums() != self.spoiled,
             f"wrong checksums: {self.network.counted(CHECKSUMS)}, of which {self.spoiled} ours"),
            (asked - answered > kernel, f"{asked - answered} datagrams or their answers are lost, "
             f"and the kernels have dropped {kernel} frames: {drops}"),
            (lost > kernel + 2 * too_big + FINS, f"{lost} TCP segments are lost, {too_big} were "
             f"too big, and the kernels have dropped {kernel} frames: {drops}"),
            (len(self.seen) < 2 * 2 * len(plans.EDGES),
             f"not every edge had flows of each kind: {self.seen}"),
        ]
        for bad, what in faults:
            if bad:
                raise Failed(what)
        self.row = [
            self.engine.name, self.mode, done["tcp-held"]["opened"], done["tcp-short"]["opened"],
            done["udp-held"]["opened"] + done["udp-short"]["opened"],
            done["tcp-held"]["asked"] + done["tcp-short"]["asked"], asked, lost, too_big,
            asked - answered, kernel, len(self.generations.past) - 2, sum(self.decided.values()),
            self.slowest]
        if kernel:
            print(f"{self.mode}: the kernels have dropped {drops}")
        if self.deaths:
            print(f"{self.mode}: killed, by what it was doing and had done: {self.deaths}")

    def explain(self, error):
        """All that may help to find out why."""
        self.failed = True
        print(f"FAILED: {self.engine.name} {self.mode}: {error}")
        print(f"generations: {list(enumerate(self.generations.past))[1:]}")
        print(f"marks (first and last generation): {list(enumerate(self.marks))}")
        print(f"flows by protocol, family and edge: {self.seen}")
        try:
            print(f"kernels' drops: {self.network.interface_drops()}")
            print(f"kernels' errors: {self.network.counted(('Errors', 'OutRsts', 'Retrans'))}")
            print(f"engine: {json.dumps(self.engine.report(), indent=None)}")
        except (Failed, OSError, RuntimeError) as also:
            print(f"no counters: {also}")
        for process in [self.engine.process, self.client, *self.servers]:
            for which in ("out", "err") if process else ():
                if process is not self.engine.process or which == "err":
                    print(f"── {process.name}'s last lines, std{which}:", *process.tail[which],
                          sep="\n   ")

    def close(self):
        for process in [self.client, *self.servers, self.engine.process]:
            if process and process.child.poll() is None:
                process.child.kill()
                process.child.wait()
        self.engine.close()
        self.network.close()


COLUMNS = ["engine", "mode", "TCP held", "TCP short", "UDP flows", "TCP asks", "UDP asks",
           "TCP lost", "too big", "UDP lost", "kernel drops", "switches", "flows judged",
           "slowest us"]


def table(rows):
    rows = [COLUMNS, *rows]
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(str(cell).rjust(width) for cell, width in zip(row, widths)))


def one(options, mode, rows):
    """None, or what broke. Its files, too, are where nobody else can see them."""
    with tempfile.TemporaryDirectory(dir=netns.NETNS) as directory:
        run = Run(options, mode, Path(directory))
        try:
            run.start()
            run.play()
            run.finish()
            if run.engine.stop() != 0:
                raise Failed(f"{run.engine.name} does not end well")
            rows.append(run.row)
            return None
        except Failed as error:
            run.explain(error)
            return str(error)
        finally:
            run.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="the build directory")
    parser.add_argument("--endpoint", type=Path, required=True, help="the program endpoint")
    parser.add_argument("--peer", type=Path, required=True, help="peer.bpf.o")
    parser.add_argument("--engine", choices=engines.ENGINES, required=True)
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--kills", type=int, default=0, help="how often its process dies, in all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the kills' moments")
    parser.add_argument("--fault", choices=FAULTS,
                        help="put into the engine; succeeds when the test notices")
    options = parser.parse_args()
    options.mode = options.mode or list(MODES)
    missing = engines.ENGINES[options.engine].missing(options.build)
    if missing:
        print(f"FAILED: engine {options.engine}: {missing}")
        return 1
    netns.enter("turnout-live")
    random.seed(options.seed)
    if options.kills:
        print(f"seed {options.seed}")
    rows = []
    begun = time.monotonic()
    broken = [why for why in (one(options, mode, rows) for mode in options.mode) if why]
    table(rows)
    print(f"{time.monotonic() - begun:.1f} s")
    if options.fault:
        noticed = any(re.search(FAULTS[options.fault], why) for why in broken)
        print(f"fault {options.fault}: {'noticed' if noticed else 'not noticed'}")
        return int(not noticed)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
